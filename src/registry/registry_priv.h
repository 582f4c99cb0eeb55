/* SPDX-License-Identifier: PostgreSQL */
/*
 * registry_priv.h — what the files of this room share: one HTTP exchange, the
 * meaning of an answer, the cache.
 */
#ifndef GOLDPAN_REGISTRY_PRIV_H
#define GOLDPAN_REGISTRY_PRIV_H

#include "goldpan/buffer.h"
#include "goldpan/registry.h"

#define REGISTRY_MAX_REPLY (1024 * 1024)
#define REGISTRY_MAX_DEPTH 32

/* ---- registry_client: HTTP ---- */

typedef struct RegistryClient RegistryClient;

typedef struct RegistryReply
{
	long status; /* HTTP */
	Buffer body; /* at most REGISTRY_MAX_REPLY */
} RegistryReply;

RegistryClient *registry_client_new(const RegistryConfig *config, Err *err) MUST_CHECK;
void registry_client_free(RegistryClient *client);

/* The registry's address as configured, for messages. */
const char *registry_client_url(const RegistryClient *client);

/* Sends one request: the path's pieces before and after `subject` (which is escaped; may be NULL).
 * Any HTTP status is success here. Errors: RETRY or USAGE ERR_REGISTRY_DOWN. */
bool registry_client_call(RegistryClient *client, const char *method, const char *before,
						  const char *subject, const char *after, const char *body,
						  RegistryReply *reply, Err *err) MUST_CHECK;

/* ---- registry_reply: what an answer says; input is hostile ---- */

/* {"id": N}, 1 .. 2^31-1. Error: RETRY ERR_REGISTRY_DOWN. */
bool registry_reply_id(const uint8_t *bytes, size_t length, int32_t *id, Err *err) MUST_CHECK;

/* {"schema": "…"}, appended to `text` with a terminating zero. Errors as above. */
bool registry_reply_schema(const uint8_t *bytes, size_t length, Buffer *text, Err *err) MUST_CHECK;

/* The error_code (or 0) and reason of a refusal; reason is printable, cut to size. */
int registry_reply_reason(const uint8_t *bytes, size_t length, char *reason, size_t size);

/* Turns an answer that is no success into an Err; `doing` says what was being done. */
bool registry_reply_refused(const RegistryReply *reply, const char *url, const char *doing,
							Err *err);

/* ---- registry_cache ---- */

typedef struct RegistryCacheEntry
{
	char *subject; /* NULL: known by id only */
	char *schema_text;
	int32_t id;
} RegistryCacheEntry;

typedef struct RegistryCache
{
	RegistryCacheEntry *entries;
	size_t count;
	size_t capacity;
} RegistryCache;

void registry_cache_release(RegistryCache *cache);
const RegistryCacheEntry *registry_cache_by_text(const RegistryCache *cache, const char *subject,
												 const char *schema_text);
const RegistryCacheEntry *registry_cache_by_id(const RegistryCache *cache, int32_t id);
/* Copies both texts. Error: STOP ERR_NOMEM; a full cache forgets nothing and reports. */
bool registry_cache_add(RegistryCache *cache, const char *subject, const char *schema_text,
						int32_t id, Err *err) MUST_CHECK;

#endif
