/* SPDX-License-Identifier: PostgreSQL */
/*
 * registry.h — a client of a Schema Registry with the Confluent API.
 */
#ifndef GOLDPAN_REGISTRY_H
#define GOLDPAN_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "goldpan/err.h"

typedef struct Registry Registry;

typedef struct RegistryConfig
{
	const char *url;
	const char *user;	  /* or NULL */
	const char *password; /* or NULL; never printed */
	const char *ca_file;  /* or NULL: the system's */
	int64_t timeout;	  /* microseconds for one request; default 10 s */
	bool allow_insecure;  /* plain http to another host than loopback */
} RegistryConfig;

/* One client may be shared by threads: each call holds its lock, so one slow answer delays all. */
Registry *registry_new(const RegistryConfig *config, Err *err) MUST_CHECK;
void registry_free(Registry *registry);

/* Registers a schema under a subject with compatibility FULL_TRANSITIVE (or NONE for keys) and
 * returns its id; the same text again returns the same id. Errors: RETRY ERR_REGISTRY_DOWN; USAGE
 * ERR_REGISTRY_REFUSED with the registry's reason. Used by `goldpan init`. */
bool registry_register(Registry *registry, const char *subject, const char *schema_text,
					   const char *compatibility, int32_t *id, Err *err) MUST_CHECK;

/* Looks up the id of exactly this schema under a subject; cached. Errors as above; not found:
 * USAGE ERR_REGISTRY_REFUSED with the hint to run `goldpan init`. */
bool registry_lookup(Registry *registry, const char *subject, const char *schema_text, int32_t *id,
					 Err *err) MUST_CHECK;

/* Fetches a schema's text by id; cached; lives as long as the client. */
bool registry_schema(Registry *registry, int32_t id, const char **schema_text, Err *err) MUST_CHECK;

#endif
