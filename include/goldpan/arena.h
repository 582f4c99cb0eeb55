/* SPDX-License-Identifier: PostgreSQL */
/*
 * arena.h — memory with one lifetime, given back all at once.
 *
 * Lifetimes in this program: process, schema version, transaction, event.
 * Nothing in flight to the log points into an arena.
 */
#ifndef GOLDPAN_ARENA_H
#define GOLDPAN_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "goldpan/err.h"

typedef struct ArenaChunk ArenaChunk;

typedef struct Arena
{
	ArenaChunk *first; /* kept by arena_reset */
	ArenaChunk *current;
	size_t total;	/* bytes in all chunks */
	size_t ceiling; /* most bytes in all chunks */
} Arena;

/* Prepares an arena that never holds more than `ceiling` bytes; allocates nothing. */
void arena_init(Arena *arena, size_t ceiling);

/* Frees everything. The arena may be used again. */
void arena_release(Arena *arena);

/* Forgets every allocation; keeps the first chunk for reuse. */
void arena_reset(Arena *arena);

/* Returns `size` bytes aligned to 16, not zeroed; NULL with *err set (ERR_NOMEM). */
void *arena_alloc(Arena *arena, size_t size, Err *err) MUST_CHECK;

/* As arena_alloc, zeroed. */
void *arena_zero(Arena *arena, size_t size, Err *err) MUST_CHECK;

/* Copies `length` bytes of text and adds a zero. */
char *arena_text(Arena *arena, const char *text, size_t length, Err *err) MUST_CHECK;

/* Formats a text into the arena. */
char *arena_printf(Arena *arena, Err *err, const char *fmt, ...) MUST_CHECK PRINTF_LIKE(3, 4);

#endif
