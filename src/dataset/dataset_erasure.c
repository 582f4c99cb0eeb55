/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_erasure.c — who was erased: a source that is read again from an older log brings nobody back.
 *
 * erased-N has a line for each: 128 bits of a hash of source and id, when the erasure was written in
 * its source, and whether the source has made a record of that name since.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset_state_priv.h"
#include "goldpan/alloc.h"

#define ERASURE_LEAST 64
#define ERASURE_LINE  (4 * 17 + 2) /* four numbers of 16 digits, one of one */
#define ERASURE_MOST  ((size_t) 1 << 32)

struct DatasetErasures
{
	DatasetErasure *slots; /* open addressing; name 0: free */
	size_t count;
	size_t size;
	bool fresh;
};

static DatasetErasure
erasure_named(IdentityRef ref)
{
	size_t id = strlen(ref.id);
	uint64_t seed = dataset_hash(9, ref.source, strlen(ref.source));
	DatasetErasure named = {
		.name = {dataset_hash(seed, ref.id, id), dataset_hash(~seed, ref.id, id)}};

	named.name[0] += named.name[0] == 0;
	return named;
}

static DatasetErasure *
erasure_slot(const DatasetErasures *erasures, const uint64_t name[2])
{
	size_t at = name[0] & (erasures->size - 1);

	while (erasures->slots[at].name[0] != 0 &&
		   memcmp(erasures->slots[at].name, name, sizeof(erasures->slots[at].name)) != 0)
		at = (at + 1) & (erasures->size - 1);
	return &erasures->slots[at];
}

static bool
erasure_grow(DatasetErasures *erasures, Err *err)
{
	DatasetErasures grown = *erasures;

	grown.size = erasures->size == 0 ? ERASURE_LEAST : erasures->size * 2;
	grown.slots = alloc_zero(grown.size * sizeof(*grown.slots));
	if (grown.slots == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for %zu erased records",
					   erasures->count);
	for (size_t i = 0; i < erasures->size; i++)
	{
		if (erasures->slots[i].name[0] != 0)
			*erasure_slot(&grown, erasures->slots[i].name) = erasures->slots[i];
	}
	alloc_free(erasures->slots);
	*erasures = grown;
	return true;
}

static DatasetErasure *
erasure_add(DatasetErasures *erasures, const DatasetErasure *named, Err *err)
{
	DatasetErasure *slot;

	if (erasures->count * 2 >= erasures->size && !erasure_grow(erasures, err))
		return NULL;
	slot = erasure_slot(erasures, named->name);
	if (slot->name[0] == 0)
	{
		*slot = *named;
		erasures->count++;
	}
	return slot;
}

DatasetErasure *
dataset_erasure_find(const DatasetErasures *erasures, IdentityRef ref)
{
	DatasetErasure named, *slot;

	if (erasures->count == 0)
		return NULL;
	named = erasure_named(ref);
	slot = erasure_slot(erasures, named.name);
	return slot->name[0] != 0 ? slot : NULL;
}

DatasetErasure *
dataset_erasure_put(DatasetErasures *erasures, IdentityRef ref, DatasetMoment at, Err *err)
{
	DatasetErasure named = erasure_named(ref);
	DatasetErasure *slot = erasure_add(erasures, &named, err);

	if (slot != NULL)
	{
		slot->at = at;
		slot->lifted = false;
		slot->fresh = true;
		erasures->fresh = true;
	}
	return slot;
}

bool
dataset_erasures_fresh(const DatasetErasures *erasures)
{
	return erasures->fresh;
}

void
dataset_erasures_free(DatasetErasures *erasures)
{
	if (erasures == NULL)
		return;
	alloc_free(erasures->slots);
	alloc_free(erasures);
}

/* ---- the file ---- */

bool
dataset_erasures_put(const DatasetErasures *erasures, Buffer *out, Err *err)
{
	for (size_t i = 0; i < erasures->size; i++)
	{
		const DatasetErasure *slot = &erasures->slots[i];

		if (slot->name[0] != 0 &&
			!buffer_printf(
				out, err, "%016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %d\n",
				slot->name[0], slot->name[1], slot->at.lsn, slot->at.ordinal, slot->lifted ? 1 : 0))
			return false;
	}
	return true;
}

static bool
erasure_line(const char *line, DatasetErasure *named)
{
	uint64_t number[5];

	if (line[ERASURE_LINE - 1] != '\n')
		return false;
	for (int i = 0; i < 5; i++)
	{
		char *end;

		number[i] = strtoull(line, &end, 16);
		if (end - line != (i < 4 ? 16 : 1))
			return false;
		line = end + 1;
	}
	*named = (DatasetErasure){
		.name = {number[0], number[1]}, .at = {number[2], number[3]}, .lifted = number[4] != 0};
	return named->name[0] != 0;
}

static bool
erasures_read(DatasetErasures *erasures, const DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];
	Buffer text;
	bool ok;

	buffer_init(&text, ERASURE_MOST);
	(void) dataset_state_path(state, "erased", state->generation, path);
	ok = dataset_read_file(path, &text, err) &&
		 ((text.length == state->erased_size && text.length % ERASURE_LINE == 0 &&
		   dataset_hash(8, text.data, text.length) == state->erased_hash) ||
		  err_set(err, ERR_CLASS_STOP, ERR_DATA, "file \"%s\" is damaged", path));
	for (size_t at = 0; ok && at < text.length; at += ERASURE_LINE)
	{
		DatasetErasure named;

		if (!erasure_line((const char *) text.data + at, &named))
			ok = err_set(err, ERR_CLASS_STOP, ERR_DATA, "file \"%s\" is damaged at line %zu", path,
						 at / ERASURE_LINE + 1);
		else
			ok = erasure_add(erasures, &named, err) != NULL;
	}
	buffer_release(&text);
	return ok;
}

DatasetErasures *
dataset_state_erasures(DatasetState *state, Err *err)
{
	if (state->erasures != NULL)
		return state->erasures;
	state->erasures = alloc_zero(sizeof(*state->erasures));
	if (state->erasures == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
	else if (state->erased_size > 0 && !erasures_read(state->erasures, state, err))
	{
		dataset_erasures_free(state->erasures);
		state->erasures = NULL;
	}
	return state->erasures;
}
