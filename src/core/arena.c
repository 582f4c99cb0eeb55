/* SPDX-License-Identifier: PostgreSQL */
/*
 * arena.c — memory with one lifetime, given back all at once.
 */
#include "goldpan/arena.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"

#define ARENA_CHUNK ((size_t) 8192)
#define ARENA_ALIGN ((size_t) 16)

struct ArenaChunk
{
	ArenaChunk *next;
	size_t size;
	size_t used;
	_Alignas(16) uint8_t bytes[];
};

void
arena_init(Arena *arena, size_t ceiling)
{
	arena->first = NULL;
	arena->current = NULL;
	arena->total = 0;
	arena->ceiling = ceiling;
}

static void
arena_free_chain(ArenaChunk *chunk)
{
	while (chunk != NULL)
	{
		ArenaChunk *next = chunk->next;

		alloc_free(chunk);
		chunk = next;
	}
}

void
arena_release(Arena *arena)
{
	arena_free_chain(arena->first);
	arena_init(arena, arena->ceiling);
}

void
arena_reset(Arena *arena)
{
	if (arena->first == NULL)
		return;
	arena_free_chain(arena->first->next);
	arena->first->next = NULL;
	arena->first->used = 0;
	arena->current = arena->first;
	arena->total = arena->first->size;
}

static ArenaChunk *
arena_add_chunk(Arena *arena, size_t size, Err *err)
{
	size_t chunk_size = size > ARENA_CHUNK ? size : ARENA_CHUNK;
	ArenaChunk *chunk;

	if (chunk_size > arena->ceiling || arena->total > arena->ceiling - chunk_size)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "could not allocate %zu bytes: %zu of a ceiling of %zu bytes are in use",
					   size, arena->total, arena->ceiling);
		return NULL;
	}
	chunk = alloc_bytes(sizeof(ArenaChunk) + chunk_size);
	if (chunk == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory allocating %zu bytes", size);
		return NULL;
	}
	chunk->next = NULL;
	chunk->size = chunk_size;
	chunk->used = 0;
	if (arena->current == NULL)
		arena->first = chunk;
	else
		arena->current->next = chunk;
	arena->current = chunk;
	arena->total += chunk_size;
	return chunk;
}

void *
arena_alloc(Arena *arena, size_t size, Err *err)
{
	ArenaChunk *chunk = arena->current;
	size_t rounded;
	void *result;

	if (size > SIZE_MAX - ARENA_ALIGN)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "could not allocate %zu bytes", size);
		return NULL;
	}
	rounded = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
	if (chunk == NULL || chunk->size - chunk->used < rounded)
	{
		chunk = arena_add_chunk(arena, rounded, err);
		if (chunk == NULL)
			return NULL;
	}
	result = chunk->bytes + chunk->used;
	chunk->used += rounded;
	return result;
}

void *
arena_zero(Arena *arena, size_t size, Err *err)
{
	void *result = arena_alloc(arena, size, err);

	if (result != NULL)
		memset(result, 0, size);
	return result;
}

char *
arena_text(Arena *arena, const char *text, size_t length, Err *err)
{
	char *copy = arena_alloc(arena, length + 1, err);

	if (copy == NULL)
		return NULL;
	if (length > 0)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
arena_printf(Arena *arena, Err *err, const char *fmt, ...)
{
	va_list args;
	int needed;
	char *text;

	va_start(args, fmt);
	needed = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (needed < 0)
		return NULL;
	text = arena_alloc(arena, (size_t) needed + 1, err);
	if (text == NULL)
		return NULL;
	va_start(args, fmt);
	(void) vsnprintf(text, (size_t) needed + 1, fmt, args);
	va_end(args);
	return text;
}
