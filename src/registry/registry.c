/* SPDX-License-Identifier: PostgreSQL */
/*
 * registry.c — register and look up schemas, each asked for once.
 *
 * What is sent is our own schema text, never what a library prints of it
 * (correctness.md E4); the id that comes back frames every record. Never lowers a
 * subject's compatibility on its own to get a schema through (A9).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "registry_priv.h"

#include "goldpan/alloc.h"

struct Registry
{
	RegistryClient *client;
	RegistryCache cache;
	RegistryReply reply;
	pthread_mutex_t lock; /* the writers of several sources share one client */
};

Registry *
registry_new(const RegistryConfig *config, Err *err)
{
	RegistryClient *client = registry_client_new(config, err);
	Registry *registry;

	if (client == NULL)
		return NULL;
	registry = alloc_zero(sizeof(*registry));
	if (registry == NULL)
	{
		registry_client_free(client);
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory preparing the registry");
		return NULL;
	}
	registry->client = client;
	(void) pthread_mutex_init(&registry->lock, NULL);
	buffer_init(&registry->reply.body, REGISTRY_MAX_REPLY);
	return registry;
}

void
registry_free(Registry *registry)
{
	if (registry == NULL)
		return;
	registry_client_free(registry->client);
	registry_cache_release(&registry->cache);
	buffer_release(&registry->reply.body);
	(void) pthread_mutex_destroy(&registry->lock);
	alloc_free(registry);
}

static char *
registry_body(const char *name, const char *text, Err *err)
{
	json_t *root = json_pack("{s:s}", name, text);
	char *body = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);

	json_decref(root);
	if (body == NULL)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not send a schema: its text is not UTF-8");
	return body;
}

static void
registry_doing(char *doing, size_t size, const char *verb, const char *subject)
{
	(void) snprintf(doing, size, "%s subject \"%.200s\"", verb, subject);
}

/* *found false: the subject is not there yet (some registries then have no setting for it). */
static bool
registry_set_compatibility(Registry *registry, const char *subject, const char *compatibility,
						   bool *found, Err *err)
{
	RegistryReply *reply = &registry->reply;
	char doing[300];
	char *body = registry_body("compatibility", compatibility, err);
	bool ok;

	if (body == NULL)
		return false;
	ok = registry_client_call(registry->client, "PUT", "/config/", subject, "", body, reply, err);
	free(body);
	if (!ok)
		return false;
	*found = reply->status != 404;
	if (reply->status == 200 || reply->status == 404)
		return true;
	registry_doing(doing, sizeof(doing), "set the compatibility of", subject);
	return registry_reply_refused(reply, registry_client_url(registry->client), doing, err);
}

/* POSTs {"schema": …} to /subjects/SUBJECT<after>; the answer's id. */
static bool
registry_post(Registry *registry, const char *subject, const char *after, const char *schema_text,
			  const char *verb, int32_t *id, Err *err)
{
	RegistryReply *reply = &registry->reply;
	char doing[300];
	char *body = registry_body("schema", schema_text, err);
	bool ok;

	if (body == NULL)
		return false;
	ok = registry_client_call(registry->client, "POST", "/subjects/", subject, after, body, reply,
							  err);
	free(body);
	if (!ok)
		return false;
	registry_doing(doing, sizeof(doing), verb, subject);
	if (reply->status != 200)
		return registry_reply_refused(reply, registry_client_url(registry->client), doing, err);
	if (!registry_reply_id(reply->body.data, reply->body.length, id, err))
		return err_context(err, "%s", doing);
	return true;
}

static bool
registry_register_locked(Registry *registry, const char *subject, const char *schema_text,
						 const char *compatibility, int32_t *id, Err *err)
{
	bool found;

	/* first the rule, so that it already judges this version */
	if (!registry_set_compatibility(registry, subject, compatibility, &found, err) ||
		!registry_post(registry, subject, "/versions", schema_text, "register a schema under", id,
					   err))
		return false;
	if (!found && !registry_set_compatibility(registry, subject, compatibility, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_CLASS_USAGE, ERR_REGISTRY_REFUSED,
					   "could not set the compatibility of subject \"%s\": the schema registry at "
					   "\"%s\" has no such setting",
					   subject, registry_client_url(registry->client));
	if (registry_cache_by_text(&registry->cache, subject, schema_text) != NULL)
		return true;
	return registry_cache_add(&registry->cache, subject, schema_text, *id, err);
}

static bool
registry_lookup_locked(Registry *registry, const char *subject, const char *schema_text,
					   int32_t *id, Err *err)
{
	const RegistryCacheEntry *entry =
		registry_cache_by_text(&registry->cache, subject, schema_text);

	if (entry != NULL)
	{
		*id = entry->id;
		return true;
	}
	if (!registry_post(registry, subject, "", schema_text, "look up a schema under", id, err))
		return false;
	return registry_cache_add(&registry->cache, subject, schema_text, *id, err);
}

static bool
registry_schema_locked(Registry *registry, int32_t id, const char **schema_text, Err *err)
{
	const RegistryCacheEntry *entry = registry_cache_by_id(&registry->cache, id);
	RegistryReply *reply = &registry->reply;
	char path[64];
	char doing[64];
	Buffer text;
	bool ok;

	if (entry != NULL)
	{
		*schema_text = entry->schema_text;
		return true;
	}
	(void) snprintf(path, sizeof(path), "/schemas/ids/%d", id);
	(void) snprintf(doing, sizeof(doing), "fetch schema %d", id);
	if (!registry_client_call(registry->client, "GET", path, NULL, "", NULL, reply, err))
		return false;
	if (reply->status != 200)
		return registry_reply_refused(reply, registry_client_url(registry->client), doing, err);
	buffer_init(&text, REGISTRY_MAX_REPLY + 1);
	ok = registry_reply_schema(reply->body.data, reply->body.length, &text, err) &&
		 registry_cache_add(&registry->cache, NULL, (const char *) text.data, id, err);
	buffer_release(&text);
	if (!ok)
		return err_context(err, "%s", doing);
	*schema_text = registry->cache.entries[registry->cache.count - 1].schema_text;
	return true;
}

bool
registry_register(Registry *registry, const char *subject, const char *schema_text,
				  const char *compatibility, int32_t *id, Err *err)
{
	bool ok;

	(void) pthread_mutex_lock(&registry->lock);
	ok = registry_register_locked(registry, subject, schema_text, compatibility, id, err);
	(void) pthread_mutex_unlock(&registry->lock);
	return ok;
}

bool
registry_lookup(Registry *registry, const char *subject, const char *schema_text, int32_t *id,
				Err *err)
{
	bool ok;

	(void) pthread_mutex_lock(&registry->lock);
	ok = registry_lookup_locked(registry, subject, schema_text, id, err);
	(void) pthread_mutex_unlock(&registry->lock);
	return ok;
}

bool
registry_schema(Registry *registry, int32_t id, const char **schema_text, Err *err)
{
	bool ok;

	(void) pthread_mutex_lock(&registry->lock);
	ok = registry_schema_locked(registry, id, schema_text, err);
	(void) pthread_mutex_unlock(&registry->lock);
	return ok;
}
