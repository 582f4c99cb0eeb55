/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_store — memory addressed by number, with a journal that takes changes back.
 *
 * Chunks of one megabyte from the caller's allocator; inside them objects of fixed
 * sizes with a free list each.  What is freed is zeroed at once, so that nothing of
 * an erased record remains.  The free lists and the end of what is used lie in the
 * root object and are journalled like all else: after an abort the very bytes are
 * as they were.  Where an object lands depends on the changes alone.
 */
#include "identity/identity_state_priv.h"

#include <string.h>

#include "goldpan/alloc.h"

typedef struct Head /* in the root object's first STORE_HEAD bytes */
{
	uint32_t used; /* first free Ref at the end */
	uint32_t unused;
	Ref free[STORE_CLASSES];
} Head;

_Static_assert(sizeof(Head) <= STORE_HEAD, "Head fits");

typedef struct Entry
{
	Ref ref;
	uint32_t offset, size;
} Entry;

void *
identity_store_take(Store *store, size_t size)
{
	void *pointer;

	if (store->memory.ceiling > 0 && store->bytes + size > store->memory.ceiling)
	{
		store->over_ceiling = true;
		return NULL;
	}
	if (store->memory.allocate != NULL)
		pointer = store->memory.allocate(store->memory.context, size);
	else
		pointer = alloc_bytes(size);
	if (pointer == NULL)
		return NULL;
	store->bytes += size;
	if (store->bytes > store->peak)
		store->peak = store->bytes;
	return pointer;
}

void
identity_store_give(Store *store, void *pointer, size_t size)
{
	if (pointer == NULL)
		return;
	store->bytes -= size;
	if (store->memory.release != NULL)
		store->memory.release(store->memory.context, pointer, size);
	else
		alloc_free(pointer);
}

static bool
add_chunk(Store *store)
{
	uint8_t *chunk;

	if (store->nchunks == store->chunks_room)
	{
		uint32_t room = store->chunks_room ? store->chunks_room * 2 : 64;
		uint8_t **more = identity_store_take(store, room * sizeof(*more));

		if (more == NULL)
			return false;
		if (store->nchunks > 0)
			memcpy(more, store->chunk, store->nchunks * sizeof(*more));
		identity_store_give(store, store->chunk, store->chunks_room * sizeof(*more));
		store->chunk = more;
		store->chunks_room = room;
	}
	if (store->nchunks == 1u << 14)
		return false;
	chunk = identity_store_take(store, STORE_CHUNK + FORM_PAST_END);
	if (chunk == NULL)
		return false;
	memset(chunk, 0, STORE_CHUNK + FORM_PAST_END);
	store->chunk[store->nchunks++] = chunk;
	return true;
}

static Head *
head_of(const Store *store)
{
	return store_at(store, ROOT_REF);
}

bool
identity_store_open(Store *store, const IdentityMemory *memory, size_t root_size)
{
	memset(store, 0, sizeof(*store));
	if (memory != NULL)
		store->memory = *memory;
	if (!add_chunk(store))
	{
		identity_store_close(store);
		return false;
	}
	head_of(store)->used = ROOT_REF + (uint32_t) ((root_size + 15) / 16 * 2);
	return true;
}

void
identity_store_close(Store *store)
{
	for (uint32_t i = 0; i < store->nchunks; i++)
		identity_store_give(store, store->chunk[i], STORE_CHUNK + FORM_PAST_END);
	identity_store_give(store, store->chunk, store->chunks_room * sizeof(store->chunk[0]));
	identity_store_give(store, store->journal, store->journal_room);
	store->nchunks = store->chunks_room = 0;
	store->chunk = NULL;
	store->journal = NULL;
	store->journal_room = 0;
}

/* Sizes: multiples of 16 up to 512, then four to an octave. */
static unsigned
class_of(size_t size, size_t *rounded)
{
	unsigned octave;
	size_t step;

	if (size <= 512)
	{
		*rounded = size == 0 ? 16 : (size + 15) / 16 * 16;
		return (unsigned) (*rounded / 16 - 1);
	}
	octave = 63 - (unsigned) __builtin_clzll(size - 1); /* 2^octave < size <= 2^(octave + 1) */
	step = (size_t) 1 << (octave - 2);
	*rounded = (size + step - 1) / step * step;
	return 32 + (octave - 9) * 4 + (unsigned) ((*rounded - ((size_t) 1 << octave)) / step) - 1;
}

static void
leave(Store *store)
{
	longjmp(*store->out, 1);
}

void
identity_store_note(Store *store, Ref ref, size_t offset, size_t size)
{
	size_t need = (size + 7) / 8 * 8 + STORE_ENTRY;
	const uint8_t *from = (uint8_t *) store_at(store, ref) + offset;

	if (store->journal_room - store->journal_used < need)
	{
		size_t room = store->journal_room ? store->journal_room * 2 : 1 << 16;
		uint8_t *more;

		while (room - store->journal_used < need)
			room *= 2;
		more = identity_store_take(store, room);
		if (more == NULL)
			leave(store);
		if (store->journal_used > 0)
		{
			memcpy(more, store->journal, store->journal_used);
			memset(store->journal, 0, store->journal_used);
		}
		identity_store_give(store, store->journal, store->journal_room);
		store->journal = more;
		store->journal_room = room;
	}
	store_entry(store->journal + store->journal_used, from, size, ref, (uint32_t) offset);
	store->journal_used += need;
}

Ref
identity_store_new(Store *store, size_t size)
{
	size_t rounded;
	unsigned class = class_of(size, &rounded);
	Head *head = head_of(store);
	Ref ref = head->free[class];
	uint32_t units = (uint32_t) (rounded / 8);

	if (ref != 0)
	{
		/* noted whole, so that nobody need note what he writes into a new object */
		Ref *link = identity_store_edit(store, ref, 0, rounded);

		head->free[class] = *link;
		*link = 0;
		return ref;
	}
	ref = head->used;
	if (ref >> 17 != (ref + units - 1) >> 17) /* no object crosses chunks */
		ref = ((ref >> 17) + 1) << 17;
	if (ref >> 17 >= store->nchunks && !add_chunk(store))
		leave(store);
	head->used = ref + units;
	return ref;
}

void
identity_store_delete(Store *store, Ref ref, size_t size)
{
	size_t rounded;
	unsigned class;
	Head *head = head_of(store);
	void *object;

	if (ref == 0)
		return;
	class = class_of(size, &rounded);
	object = identity_store_edit(store, ref, 0, size);
	memset(object, 0, size);
	*(Ref *) object = head->free[class];
	head->free[class] = ref;
}

void
identity_store_begin(Store *store, size_t root_size)
{
	store->journal_used = 0;
	store->over_ceiling = false;
	/* noted whole: the root is written to without further notice */
	identity_store_note(store, ROOT_REF, 0, root_size);
	store->old = head_of(store)->used;
}

void
identity_store_commit(Store *store)
{
	store->old = 0;
	/* it holds what was there before, which may have been erased since */
	if (store->journal_used > 0)
		memset(store->journal, 0, store->journal_used);
	store->journal_used = 0;
	if (store->journal_room > 16 << 20)
	{
		identity_store_give(store, store->journal, store->journal_room);
		store->journal = NULL;
		store->journal_room = 0;
	}
}

void
identity_store_abort(Store *store)
{
	uint32_t used = head_of(store)->used, keep;
	size_t journal_used = store->journal_used;

	store->old = 0;
	while (store->journal_used > 0)
	{
		Entry entry;
		size_t padded;

		memcpy(&entry, store->journal + store->journal_used - 16, sizeof(entry));
		padded = ((size_t) entry.size + 7) / 8 * 8;
		store->journal_used -= padded + 16;
		memcpy((uint8_t *) store_at(store, entry.ref) + entry.offset,
			   store->journal + store->journal_used, entry.size);
	}
	/* what was new lies behind the end again: zero it, as it was found */
	keep = head_of(store)->used;
	for (uint32_t chunk = keep >> 17; chunk < store->nchunks && keep < used; chunk++)
	{
		uint32_t from = chunk == keep >> 17 ? (keep & 0x1ffff) * 8 : 0;

		memset(store->chunk[chunk] + from, 0, STORE_CHUNK - from);
	}
	while (store->nchunks > 1 && store->nchunks - 1 > keep >> 17)
		identity_store_give(store, store->chunk[--store->nchunks], STORE_CHUNK + FORM_PAST_END);
	store->journal_used = journal_used;
	identity_store_commit(store);
}

uint32_t
identity_store_used(const Store *store)
{
	return head_of(store)->used;
}

bool
identity_store_load(Store *store, uint32_t chunks)
{
	while (store->nchunks < chunks)
		if (!add_chunk(store))
			return false;
	return true;
}
