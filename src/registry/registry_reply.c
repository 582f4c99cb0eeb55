/* SPDX-License-Identifier: PostgreSQL */
/*
 * registry_reply.c — what the registry's answer says.
 *
 * The bytes come from outside: size is bounded by the client, depth here, and
 * nothing of them reaches the terminal unprintable. The one table of refusals
 * (correctness.md A10) is registry_reply_refused.
 */
#include "registry_priv.h"

#include <ctype.h>
#include <stdio.h>

#include <jansson.h>

/* jansson recurses per level; a registry needs three. */
static bool
registry_reply_is_shallow(const uint8_t *bytes, size_t length)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++)
	{
		uint8_t c = bytes[i];

		if (quoted)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		}
		else if (c == '"')
			quoted = true;
		else if (c == '{' || c == '[')
		{
			if (++depth > REGISTRY_MAX_DEPTH)
				return false;
		}
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return true;
}

static json_t *
registry_reply_parse(const uint8_t *bytes, size_t length)
{
	json_t *root;

	if (length == 0 || length > REGISTRY_MAX_REPLY || !registry_reply_is_shallow(bytes, length))
		return NULL;
	root = json_loadb((const char *) bytes, length, JSON_REJECT_DUPLICATES, NULL);
	if (root != NULL && !json_is_object(root))
	{
		json_decref(root);
		return NULL;
	}
	return root;
}

static bool
registry_reply_garbage(const char *wanted, Err *err)
{
	(void) err_set(err, ERR_CLASS_RETRY, ERR_REGISTRY_DOWN,
				   "could not read the schema registry's answer: it is not JSON with %s", wanted);
	return err_hint(err, "Check that the configured address is the registry's Confluent-compatible "
						 "API and not a proxy's or another program's.");
}

bool
registry_reply_id(const uint8_t *bytes, size_t length, int32_t *id, Err *err)
{
	json_t *root = registry_reply_parse(bytes, length);
	json_t *value = json_object_get(root, "id");
	bool ok = false;

	/* ids above 2^31-1 do not exist in the wire format's readers (A5) */
	if (json_is_integer(value) && json_integer_value(value) >= 1 &&
		json_integer_value(value) <= INT32_MAX)
	{
		*id = (int32_t) json_integer_value(value);
		ok = true;
	}
	else
		(void) registry_reply_garbage("a schema id from 1 to 2147483647", err);
	json_decref(root);
	return ok;
}

bool
registry_reply_schema(const uint8_t *bytes, size_t length, Buffer *text, Err *err)
{
	json_t *root = registry_reply_parse(bytes, length);
	json_t *value = json_object_get(root, "schema");
	bool ok;

	if (json_is_string(value))
		ok = buffer_append(text, json_string_value(value), json_string_length(value), err) &&
			 buffer_append_byte(text, 0, err);
	else
		ok = registry_reply_garbage("a schema", err);
	json_decref(root);
	return ok;
}

int
registry_reply_reason(const uint8_t *bytes, size_t length, char *reason, size_t size)
{
	json_t *root = registry_reply_parse(bytes, length);
	json_t *code = json_object_get(root, "error_code");
	const char *text = json_string_value(json_object_get(root, "message"));
	int number = 0;
	size_t n = 0;

	if (json_is_integer(code) && json_integer_value(code) > 0 &&
		json_integer_value(code) <= INT32_MAX)
		number = (int) json_integer_value(code);
	for (; text != NULL && *text != '\0' && n + 1 < size; text++)
		reason[n++] = isprint((unsigned char) *text) ? *text : ' ';
	if (size > 0)
		reason[n] = '\0';
	json_decref(root);
	return number;
}

bool
registry_reply_refused(const RegistryReply *reply, const char *url, const char *doing, Err *err)
{
	char reason[300];
	int code = registry_reply_reason(reply->body.data, reply->body.length, reason, sizeof(reason));
	const char *colon = reason[0] == '\0' ? "" : ": ";
	long status = reply->status;

	if (status >= 500 || status == 429 || status == 408)
		return err_set(err, ERR_CLASS_RETRY, ERR_REGISTRY_DOWN,
					   "could not %s: the schema registry at \"%s\" failed (HTTP %ld)%s%s", doing,
					   url, status, colon, reason);
	if (status >= 300 && status < 400)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_REGISTRY_DOWN,
					   "could not %s: \"%s\" answers with a redirect (HTTP %ld), which is not "
					   "followed",
					   doing, url, status);
		return err_hint(err, "Configure the address that it redirects to.");
	}
	if (status == 401 || status == 403)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_REGISTRY_REFUSED,
					   "could not %s: the schema registry at \"%s\" %s (HTTP %ld)%s%s", doing, url,
					   status == 401 ? "refuses the login" : "does not permit it", status, colon,
					   reason);
		return err_hint(err, "Check the registry's user and password, and what this user may do.");
	}
	(void) err_set(err, ERR_CLASS_USAGE, ERR_REGISTRY_REFUSED,
				   "could not %s: the schema registry at \"%s\" refused (HTTP %ld, error %d)%s%s",
				   doing, url, status, code, colon, reason);
	if (status == 409)
		return err_hint(err,
						"The schema is not compatible with an earlier version of the subject. Add "
						"the field under a new name, or publish to a new topic.");
	if (status == 404)
		return err_hint(err, "Run \"goldpan init\" to register what is missing.");
	if (code == 42209)
		return err_hint(err, "The schema is larger than the registry takes.");
	return err_hint(err, "See the registry's log for the details.");
}
