/* SPDX-License-Identifier: PostgreSQL */
/*
 * registry_cache.c — schemas already asked for.
 *
 * Ids are immutable per registry, so an entry never becomes stale while the
 * client lives (correctness.md A11). A deployment has tens of schemas: a plain array
 * is searched.
 */
#include "registry_priv.h"

#include <string.h>

#include "goldpan/alloc.h"

#define REGISTRY_CACHE_MAX 4096

void
registry_cache_release(RegistryCache *cache)
{
	for (size_t i = 0; i < cache->count; i++)
	{
		alloc_free(cache->entries[i].subject);
		alloc_free(cache->entries[i].schema_text);
	}
	alloc_free(cache->entries);
	memset(cache, 0, sizeof(*cache));
}

const RegistryCacheEntry *
registry_cache_by_text(const RegistryCache *cache, const char *subject, const char *schema_text)
{
	for (size_t i = 0; i < cache->count; i++)
	{
		const RegistryCacheEntry *entry = &cache->entries[i];

		if (entry->subject != NULL && strcmp(entry->subject, subject) == 0 &&
			strcmp(entry->schema_text, schema_text) == 0)
			return entry;
	}
	return NULL;
}

/* Entries with a subject hold our own text, not the registry's: they do not answer. */
const RegistryCacheEntry *
registry_cache_by_id(const RegistryCache *cache, int32_t id)
{
	for (size_t i = 0; i < cache->count; i++)
		if (cache->entries[i].subject == NULL && cache->entries[i].id == id)
			return &cache->entries[i];
	return NULL;
}

static bool
registry_cache_grow(RegistryCache *cache, Err *err)
{
	size_t capacity = cache->capacity == 0 ? 16 : cache->capacity * 2;
	RegistryCacheEntry *entries;

	if (capacity > REGISTRY_CACHE_MAX)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "could not remember another schema: the limit is %d schemas",
					   REGISTRY_CACHE_MAX);
	entries = alloc_resize(cache->entries, capacity * sizeof(*entries));
	if (entries == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory remembering a schema");
	cache->entries = entries;
	cache->capacity = capacity;
	return true;
}

bool
registry_cache_add(RegistryCache *cache, const char *subject, const char *schema_text, int32_t id,
				   Err *err)
{
	RegistryCacheEntry entry = {.id = id};

	if (cache->count == cache->capacity && !registry_cache_grow(cache, err))
		return false;
	entry.schema_text = alloc_text(schema_text);
	entry.subject = subject == NULL ? NULL : alloc_text(subject);
	if (entry.schema_text == NULL || (subject != NULL && entry.subject == NULL))
	{
		alloc_free(entry.schema_text);
		alloc_free(entry.subject);
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory remembering a schema");
	}
	cache->entries[cache->count++] = entry;
	return true;
}
