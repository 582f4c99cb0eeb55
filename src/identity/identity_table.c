/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_table — the index's containers: sets of record numbers, hash tables, rows.
 *
 * A table grows a segment at a time, so that no step rehashes everything: 4,096
 * segments at the top, each a small open-addressing table that becomes a node of 64
 * segments when it is full.  The top's 12 bits and 32 stored bits identify a key.
 */
#include "identity/identity_state_priv.h"

#include <string.h>

/* ---- sets ---- */

#define SET_ARRAY 250
#define SET_NODE  64

typedef struct Set
{
	uint32_t count;
	uint16_t room; /* 0: a node */
	uint16_t shift;
	uint32_t item[]; /* records, or Refs of sets */
} Set;

static size_t
set_size(const Set *set)
{
	return sizeof(Set) + (set->room ? set->room : SET_NODE) * sizeof(uint32_t);
}

static Ref
set_new(Store *store, unsigned room, unsigned shift)
{
	Ref ref = identity_store_new(store, sizeof(Set) + (room ? room : SET_NODE) * sizeof(uint32_t));
	Set *set = identity_store_edit(store, ref, 0, sizeof(Set));

	set->room = (uint16_t) room;
	set->shift = (uint16_t) shift;
	return ref;
}

static unsigned
set_branch(const Set *set, uint32_t record)
{
	return record * 2654435761u >> (26 - set->shift % 26) & (SET_NODE - 1);
}

/* Half as much again, up to what the store rounds the size to. */
static unsigned
set_room(unsigned room)
{
	size_t size = sizeof(Set) + (room + room / 2 + 1) * sizeof(uint32_t);
	size_t step = size <= 512 ? 16 : 128;

	return (unsigned) (((size + step - 1) / step * step - sizeof(Set)) / sizeof(uint32_t));
}

static void
set_append(Store *store, Ref ref, uint32_t record)
{
	Set *set = store_at(store, ref);

	identity_store_edit(store, ref, offsetof(Set, item) + set->count * sizeof(uint32_t),
						sizeof(uint32_t));
	set->item[set->count] = record;
	identity_store_edit(store, ref, 0, sizeof(uint32_t));
	set->count++;
}

void
identity_set_add(Store *store, Ref *place, uint32_t record)
{
	Ref ref = *place, larger;
	Set *set;

	if (ref == 0)
		*place = ref = set_new(store, 2, 0);
	set = store_at(store, ref);
	if (set->room == 0)
	{
		unsigned branch = set_branch(set, record);
		Ref child = set->item[branch];

		if (child == 0)
			child = set_new(store, 2, set->shift + 6u);
		identity_set_add(store, &child, record);
		set = store_at(store, ref);
		identity_store_edit(store, ref, offsetof(Set, item) + branch * sizeof(Ref), sizeof(Ref));
		set->item[branch] = child;
		identity_store_edit(store, ref, 0, sizeof(uint32_t));
		set->count++;
		return;
	}
	if (set->count < set->room)
	{
		set_append(store, ref, record);
		return;
	}
	if (set->room < SET_ARRAY || set->shift >= 24)
	{
		unsigned room = set_room(set->room);

		if (room > SET_ARRAY && set->shift < 24)
			room = SET_ARRAY;
		larger = set_new(store, room, set->shift);
		memcpy(
			identity_store_edit(store, larger, offsetof(Set, item), set->count * sizeof(uint32_t)),
			set->item, set->count * sizeof(uint32_t));
		((Set *) store_at(store, larger))->count = set->count;
		identity_store_delete(store, ref, set_size(set));
		*place = larger;
		set_append(store, larger, record);
		return;
	}
	larger = set_new(store, 0, set->shift);
	for (uint32_t i = 0; i < set->count; i++)
		identity_set_add(store, &larger, set->item[i]);
	identity_store_delete(store, ref, set_size(set));
	*place = larger;
	identity_set_add(store, place, record);
}

static void
set_collect(const Store *store, Ref ref, uint32_t *out, uint32_t max, uint32_t *n)
{
	const Set *set;

	if (ref == 0)
		return;
	set = store_at(store, ref);
	for (uint32_t i = 0; i < (set->room ? set->count : SET_NODE) && *n < max; i++)
		if (set->room == 0)
			set_collect(store, set->item[i], out, max, n);
		else
			out[(*n)++] = set->item[i];
}

void
identity_set_remove(Store *store, Ref *place, uint32_t record)
{
	Ref ref = *place;
	Set *set = ref ? store_at(store, ref) : NULL;
	uint32_t at = 0;

	if (set == NULL)
		return;
	if (set->room == 0)
	{
		unsigned branch = set_branch(set, record);
		Ref child = set->item[branch];

		identity_set_remove(store, &child, record);
		identity_store_edit(store, ref, offsetof(Set, item) + branch * sizeof(Ref), sizeof(Ref));
		set->item[branch] = child;
	}
	else
	{
		while (at < set->count && set->item[at] != record)
			at++;
		if (at == set->count)
			return;
		identity_store_edit(store, ref, 0, set_size(set));
		set->item[at] = set->item[set->count - 1];
		set->item[set->count - 1] = 0;
	}
	identity_store_edit(store, ref, 0, sizeof(uint32_t));
	set->count--;
	if (set->count == 0)
	{
		identity_store_delete(store, ref, set_size(set));
		*place = 0;
	}
	else if (set->room == 0 && set->count == SET_ARRAY / 2)
	{
		uint32_t list[SET_ARRAY], n = 0;
		Ref flat = 0;

		set_collect(store, ref, list, SET_ARRAY, &n);
		for (unsigned i = 0; i < SET_NODE; i++)
			for (uint32_t j = 0; j < n && set->item[i] != 0; j++)
				if (set_branch(set, list[j]) == i)
				{
					Ref child = set->item[i];

					identity_set_remove(store, &child, list[j]);
					identity_store_edit(store, ref, offsetof(Set, item) + i * sizeof(Ref),
										sizeof(Ref));
					set->item[i] = child;
				}
		identity_store_delete(store, ref, set_size(set));
		for (uint32_t j = 0; j < n; j++)
			identity_set_add(store, &flat, list[j]);
		*place = flat;
	}
}

uint32_t
identity_set_count(const Store *store, Ref set)
{
	return set == 0 ? 0 : ((const Set *) store_at(store, set))->count;
}

uint32_t
identity_set_list(const Store *store, Ref set, uint32_t *out, uint32_t max)
{
	uint32_t n = 0;

	set_collect(store, set, out, max, &n);
	return n;
}

/* ---- tables ---- */

#define SEGMENT_LOG	 3	 /* of a new one; seven eighths of it leave a slot empty */
#define SEGMENT_MOST 256 /* slots */

typedef struct Slot
{
	uint32_t key, value; /* value 0: empty */
} Slot;

typedef struct Segment
{
	uint16_t count;
	uint16_t log; /* 2^log slots; 0: a node of 64 */
	uint32_t shift;
	Slot slot[]; /* or Refs */
} Segment;

static size_t
segment_size(unsigned log)
{
	return sizeof(Segment) + (log ? sizeof(Slot) << log : SET_NODE * sizeof(Ref));
}

static Ref *
segment_refs(Segment *segment)
{
	return (Ref *) segment->slot;
}

static unsigned
home(uint32_t key, unsigned log)
{
	return key * 2654435761u >> (32 - log);
}

/* Where the key is, or the empty slot that says it is not. */
static unsigned
probe(const Segment *segment, uint32_t key)
{
	unsigned mask = (1u << segment->log) - 1, at = home(key, segment->log);

	while (segment->slot[at].value != 0 && segment->slot[at].key != key)
		at = (at + 1) & mask;
	return at;
}

uint32_t
identity_table_get(const Store *store, const Table *table, uint64_t hash)
{
	Ref ref = ((const Ref *) store_at(store, table->top))[hash >> 52];
	uint32_t key = (uint32_t) hash;

	while (ref != 0)
	{
		Segment *segment = store_at(store, ref);

		if (segment->log != 0)
			return segment->slot[probe(segment, key)].value;
		ref = segment_refs(segment)[key >> segment->shift & 63];
	}
	return 0;
}

#define FETCH_MOST 160

void
identity_table_fetch(const Store *store, const Table *table, const uint64_t *hash, uint32_t *value,
					 unsigned count)
{
	const Ref *top = store_at(store, table->top);
	Ref at[FETCH_MOST];
	bool node = true;

	count = count < FETCH_MOST ? count : FETCH_MOST;
	for (unsigned i = 0; i < count; i++)
	{
		at[i] = top[hash[i] >> 52];
		if (at[i] != 0)
			__builtin_prefetch(store_at(store, at[i]));
	}
	for (unsigned depth = 0; node && depth < 6; depth++)
	{
		node = false;
		for (unsigned i = 0; i < count; i++)
		{
			Segment *segment = at[i] == 0 ? NULL : store_at(store, at[i]);
			uint32_t key = (uint32_t) hash[i];

			if (segment == NULL)
				continue;
			if (segment->log != 0)
			{
				__builtin_prefetch(&segment->slot[home(key, segment->log)]);
				continue;
			}
			node = true;
			at[i] = segment_refs(segment)[key >> segment->shift & 63];
			if (at[i] != 0)
				__builtin_prefetch(store_at(store, at[i]));
		}
	}
	for (unsigned i = 0; i < count; i++)
	{
		const Segment *segment = at[i] == 0 ? NULL : store_at(store, at[i]);

		value[i] = segment == NULL	   ? 0
				   : segment->log == 0 ? identity_table_get(store, table, hash[i])
									   : segment->slot[probe(segment, (uint32_t) hash[i])].value;
	}
}

static Ref
segment_new(Store *store, unsigned log, unsigned shift)
{
	Ref ref = identity_store_new(store, segment_size(log));
	Segment *segment = identity_store_edit(store, ref, 0, sizeof(Segment));

	segment->log = (uint16_t) log;
	segment->shift = shift;
	return ref;
}

static void
set_slot(Store *store, Ref ref, unsigned at, uint32_t key, uint32_t value)
{
	Slot *slot =
		identity_store_edit(store, ref, offsetof(Segment, slot) + at * sizeof(Slot), sizeof(Slot));

	slot->key = key;
	slot->value = value;
}

/* at: the empty slot that probe() found */
static void
segment_add(Store *store, Ref ref, unsigned at, uint32_t key, uint32_t value)
{
	set_slot(store, ref, at, key, value);
	identity_store_edit(store, ref, 0, 4);
	((Segment *) store_at(store, ref))->count++;
}

static void
segment_remove(Store *store, Ref ref, unsigned at)
{
	Segment *segment = store_at(store, ref);
	unsigned mask = (1u << segment->log) - 1, next = at;

	identity_store_edit(store, ref, 0, 4);
	segment->count--;
	for (;;)
	{
		unsigned from;

		next = (next + 1) & mask;
		if (segment->slot[next].value == 0)
			break;
		from = home(segment->slot[next].key, segment->log);
		if (((next - from) & mask) < ((next - at) & mask))
			continue;
		set_slot(store, ref, at, segment->slot[next].key, segment->slot[next].value);
		at = next;
	}
	set_slot(store, ref, at, 0, 0);
}

/* A larger segment, or a node of 64 small ones, with the same content. */
static Ref
segment_grow(Store *store, Ref ref)
{
	Segment *segment = store_at(store, ref);
	unsigned slots = 1u << segment->log;
	Ref larger;

	if (slots < SEGMENT_MOST || segment->shift > 26)
	{
		larger = segment_new(store, segment->log + 1u, segment->shift);
		for (unsigned i = 0; i < slots; i++)
			if (segment->slot[i].value != 0)
				segment_add(store, larger, probe(store_at(store, larger), segment->slot[i].key),
							segment->slot[i].key, segment->slot[i].value);
	}
	else
	{
		larger = segment_new(store, 0, segment->shift);
		for (unsigned i = 0; i < slots; i++)
		{
			uint32_t key = segment->slot[i].key;
			Ref *child;

			if (segment->slot[i].value == 0)
				continue;
			child = &segment_refs(store_at(store, larger))[key >> segment->shift & 63];
			if (*child == 0)
				*child = segment_new(store, SEGMENT_LOG, segment->shift + 6);
			if (((Segment *) store_at(store, *child))->count * 5u >=
				4u << ((Segment *) store_at(store, *child))->log)
				*child = segment_grow(store, *child);
			segment_add(store, *child, probe(store_at(store, *child), key), key,
						segment->slot[i].value);
		}
	}
	identity_store_delete(store, ref, segment_size(segment->log));
	return larger;
}

void
identity_table_put(Store *store, const Table *table, uint64_t hash, uint32_t value)
{
	Ref holder = table->top, ref;
	size_t offset = (hash >> 52) * sizeof(Ref);
	uint32_t key = (uint32_t) hash;
	Segment *segment;
	unsigned at;

	for (;;)
	{
		ref = *(Ref *) ((uint8_t *) store_at(store, holder) + offset);
		if (ref == 0)
		{
			unsigned shift =
				holder == table->top ? 0 : ((Segment *) store_at(store, holder))->shift + 6;

			if (value == 0)
				return;
			ref = segment_new(store, SEGMENT_LOG, shift);
			*(Ref *) identity_store_edit(store, holder, offset, sizeof(Ref)) = ref;
		}
		segment = store_at(store, ref);
		if (segment->log != 0)
			break;
		holder = ref;
		offset = offsetof(Segment, slot) + (key >> segment->shift & 63) * sizeof(Ref);
	}
	at = probe(segment, key);
	if (segment->slot[at].value != 0)
	{
		if (value == 0)
			segment_remove(store, ref, at);
		else
			set_slot(store, ref, at, key, value);
		return;
	}
	if (value == 0)
		return;
	if (segment->count * 8u >= 7u << segment->log)
	{
		Ref larger = segment_grow(store, ref);

		*(Ref *) identity_store_edit(store, holder, offset, sizeof(Ref)) = larger;
		identity_table_put(store, table, hash, value);
		return;
	}
	segment_add(store, ref, at, key, value);
}

/* ---- rows ---- */

void
identity_rows_init(Store *store, size_t root_offset, uint32_t row_size)
{
	Ref top = identity_store_new(store, ROWS_TOP * sizeof(Ref));
	Rows *rows = (Rows *) ((uint8_t *) store_at(store, ROOT_REF) + root_offset);

	rows->top = top;
	rows->size = row_size;
}

uint32_t
identity_rows_new(Store *store, size_t root_offset)
{
	Rows *rows = (Rows *) ((uint8_t *) store_at(store, ROOT_REF) + root_offset);
	uint32_t number = rows->free, page;
	size_t offset;
	uint32_t *row;

	if (number == 0)
	{
		number = rows->count + 1;
		page = number / ROWS_PAGE;
		if (page >= ROWS_TOP)
			longjmp(*store->out, 1);
		if (((Ref *) store_at(store, rows->top))[page] == 0)
		{
			Ref made = identity_store_new(store, (size_t) ROWS_PAGE * rows->size);

			*(Ref *) identity_store_edit(store, rows->top, page * sizeof(Ref), sizeof(Ref)) = made;
		}
		rows->count = number;
		return number;
	}
	page = number / ROWS_PAGE;
	offset = (size_t) (number % ROWS_PAGE) * rows->size;
	row = identity_store_edit(store, ((Ref *) store_at(store, rows->top))[page], offset,
							  sizeof(uint32_t));
	rows->free = *row == UINT32_MAX ? 0 : *row;
	*row = 0;
	return number;
}

void
identity_rows_delete(Store *store, size_t root_offset, uint32_t number)
{
	Rows *rows = (Rows *) ((uint8_t *) store_at(store, ROOT_REF) + root_offset);
	size_t offset = (size_t) (number % ROWS_PAGE) * rows->size;
	uint32_t *row = identity_store_edit(
		store, ((Ref *) store_at(store, rows->top))[number / ROWS_PAGE], offset, rows->size);

	memset(row, 0, rows->size);
	*row = rows->free == 0 ? UINT32_MAX : rows->free;
	rows->free = number;
}
