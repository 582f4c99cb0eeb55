/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_store_priv.h — where all of the state lies: objects by Ref, sets, tables and rows.
 *
 * What changes is noted in a journal first, so that a batch can be taken back.
 */
#ifndef IDENTITY_STORE_PRIV_H
#define IDENTITY_STORE_PRIV_H

#include <setjmp.h>
#include <string.h>

#include "identity/identity_priv.h"

typedef uint32_t Ref; /* in units of 8 bytes; 0: none */

#define STORE_CHUNK	  (1u << 20) /* bytes */
#define STORE_CLASSES 96
#define STORE_LARGEST (256u * 1024)

typedef struct Store
{
	IdentityMemory memory;
	size_t bytes, peak;
	uint8_t **chunk;
	uint32_t nchunks, chunks_room;
	uint8_t *journal; /* entries from the front: where, how many bytes, the bytes */
	size_t journal_used, journal_room;
	Ref old;	  /* what lies before it was there when the batch began; 0: no batch */
	jmp_buf *out; /* taken when memory is out */
	bool over_ceiling;
} Store;

static inline void *
store_at(const Store *store, Ref ref)
{
	return store->chunk[ref >> 17] + ((size_t) (ref & 0x1ffff) << 3);
}

/* A Store holds its root object at Ref 1, `root_size` bytes, zeroed. */
bool identity_store_open(Store *store, const IdentityMemory *memory, size_t root_size);
void identity_store_close(Store *store);
void *identity_store_take(Store *store, size_t size); /* scratch; NULL when out of memory */
void identity_store_give(Store *store, void *pointer, size_t size);

/* These leave by store->out when memory is out. */
Ref identity_store_new(Store *store, size_t size); /* zeroed */
void identity_store_delete(Store *store, Ref ref, size_t size);
void identity_store_note(Store *store, Ref ref, size_t offset, size_t size);

/* An entry of the journal: the bytes, up to a multiple of eight, and behind them where they were:
 * it is read from the end.  Written word by word: what is put together first is read back
 * before it has been written. */
static inline void
store_entry(uint8_t *at, const void *from, size_t size, Ref ref, uint32_t offset)
{
	uint32_t length = (uint32_t) size;

	memcpy(at, from, size);
	at += (size + 7) / 8 * 8;
	memcpy(at, &ref, 4);
	memcpy(at + 4, &offset, 4);
	memcpy(at + 8, &length, 4);
}

#define STORE_ENTRY 16 /* bytes of an entry behind its own */

/* Notes what is there before it changes; returns the place.  An abort zeroes all that came
 * behind the end, so of that nothing need be noted. */
static inline void *
identity_store_edit(Store *store, Ref ref, size_t offset, size_t size)
{
	uint8_t *place = (uint8_t *) store_at(store, ref) + offset;

	if (ref >= store->old)
		return place;
	/* most are a word or two */
	if (__builtin_constant_p(size) && size <= 8 &&
		store->journal_room - store->journal_used >= 8 + STORE_ENTRY)
	{
		store_entry(store->journal + store->journal_used, place, size, ref, (uint32_t) offset);
		store->journal_used += 8 + STORE_ENTRY;
	}
	else
		identity_store_note(store, ref, offset, size);
	return place;
}

void identity_store_begin(Store *store, size_t root_size); /* may leave by store->out */
void identity_store_commit(Store *store);
void identity_store_abort(Store *store);
uint32_t identity_store_used(const Store *store);		 /* Refs in use, the first free one */
bool identity_store_load(Store *store, uint32_t chunks); /* makes room for a snapshot's first */

#define STORE_HEAD 1024 /* bytes of the store's own at the front of the root object */

/* ---- sets of record numbers ---- */

/* A small set is an array, a large one a tree by hash bits. */
void identity_set_add(Store *store, Ref *place, uint32_t record);
void identity_set_remove(Store *store, Ref *place, uint32_t record);
uint32_t identity_set_count(const Store *store, Ref set);
/* Writes at most `max`; returns how many. */
uint32_t identity_set_list(const Store *store, Ref set, uint32_t *out, uint32_t max);

/* ---- tables ---- */

#define TABLE_TOP 4096

typedef struct Table
{
	Ref top; /* TABLE_TOP Refs of segments */
} Table;

/* Maps 44 bits of a hash to a number that is not 0. */
uint32_t identity_table_get(const Store *store, const Table *table, uint64_t hash);
/* The same for many at once, which waits for memory once and not many times over. */
void identity_table_fetch(const Store *store, const Table *table, const uint64_t *hash,
						  uint32_t *value, unsigned count);
/* Value 0 removes. `top` must exist. */
void identity_table_put(Store *store, const Table *table, uint64_t hash, uint32_t value);

/* ---- rows by number ---- */

#define ROWS_PAGE 1024
#define ROWS_TOP  16384

typedef struct Rows
{
	Ref top;
	uint32_t count; /* numbers ever used, from 1 */
	uint32_t free;	/* first of a list through the row's first word */
	uint32_t size;	/* of a row */
} Rows;

#endif
