/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_partition.c — who is in which customer, by the events of a state alone.
 *
 * An engine's snapshot is disposable, ids are not: where this program cannot read the one, events.csv and
 * the records tell the other, as they tell any consumer.
 */
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset_state_priv.h"
#include "goldpan/alloc.h"

struct DatasetPartition
{
	const DatasetStore *store;
	IdentityId *customers; /* by the store's slots; zero: in none */
	uint64_t position;
	Buffer scratch;
};

enum
{
	EVENT_POSITION,
	EVENT_NAME,
	EVENT_CUSTOMER,
	EVENT_OTHER,
	EVENT_SOURCE,
	EVENT_RECORD,
	EVENT_VERSION,
	EVENT_COLUMNS
};

/* The fields as texts with an end, valid until the next call. */
static bool
partition_texts(DatasetPartition *partition, const DatasetText *fields,
				const char *texts[EVENT_COLUMNS], Err *err)
{
	Buffer *scratch = &partition->scratch;

	buffer_clear(scratch);
	for (int i = 0; i < EVENT_COLUMNS; i++)
	{
		if (!buffer_append(scratch, fields[i].text, fields[i].length, err) ||
			!buffer_append_byte(scratch, '\0', err))
			return false;
	}
	for (size_t i = 0, at = 0; i < EVENT_COLUMNS; at += fields[i++].length + 1)
		texts[i] = (const char *) scratch->data + at;
	return true;
}

/* Takes one event; false when it is none. */
static bool
partition_event(DatasetPartition *partition, const char *const texts[EVENT_COLUMNS])
{
	const char *name = texts[EVENT_NAME];
	bool moved = strcmp(name, identity_event_name(IDENTITY_EVENT_MOVED)) == 0;
	uint64_t position = strtoull(texts[EVENT_POSITION], NULL, 10);
	IdentityId id = {{0}};
	DatasetStored stored;

	if (position == 0)
		return false;
	partition->position = position > partition->position ? position : partition->position;
	if (!moved && strcmp(name, identity_event_name(IDENTITY_EVENT_DELETED)) != 0 &&
		strcmp(name, identity_event_name(IDENTITY_EVENT_ERASED)) != 0)
		return true;
	if (moved && !dataset_id_parse(texts[EVENT_CUSTOMER], &id))
		return false;
	if (dataset_store_find(partition->store,
						   (IdentityRef){texts[EVENT_SOURCE], texts[EVENT_RECORD]}, &stored))
		partition->customers[stored.slot] = id;
	return true;
}

static bool
partition_read(DatasetPartition *partition, const char *path, Err *err)
{
	DatasetCsv *csv = dataset_csv_open(path, ',', err);
	const char *texts[EVENT_COLUMNS];
	DatasetCsvRow row;
	bool found = false;
	bool ok = csv != NULL;

	if (ok && dataset_csv_columns(csv) != EVENT_COLUMNS)
		ok = err_set(err, ERR_CLASS_STOP, ERR_DATA, "file \"%s\" is damaged: it has %zu columns",
					 path, dataset_csv_columns(csv));
	while (ok && (ok = dataset_csv_next(csv, &row, &found, err)) && found)
	{
		if (row.problem == NULL && !partition_texts(partition, row.fields, texts, err))
			ok = false;
		else if (row.problem != NULL || !partition_event(partition, texts))
			ok = err_set(err, ERR_CLASS_STOP, ERR_DATA, "file \"%s\" is damaged at line %lld", path,
						 (long long) row.line);
	}
	dataset_csv_close(csv);
	return ok;
}

/* Every record must be in a customer, or the events are not those of the records. */
static bool
partition_covers(const DatasetPartition *partition, const char *path, Err *err)
{
	static const IdentityId none;
	DatasetStored stored;
	size_t at = 0;

	while (dataset_store_next(partition->store, &at, &stored))
	{
		if (memcmp(&partition->customers[stored.slot], &none, sizeof(none)) == 0)
			return err_set(
				err, ERR_CLASS_STOP, ERR_DATA,
				"file \"%s\" is damaged: it says of a record that is there that it is not", path);
	}
	return true;
}

DatasetPartition *
dataset_state_partition(DatasetState *state, Err *err)
{
	DatasetPartition *partition;
	char path[DATASET_STATE_PATH];

	if (dataset_state_store(state, err) == NULL)
		return NULL;
	partition = alloc_zero(sizeof(*partition));
	if (partition != NULL)
	{
		partition->store = state->store;
		buffer_init(&partition->scratch, 2 * DATASET_CSV_MAX_ROW);
		partition->customers =
			alloc_zero(dataset_store_slots(state->store) * sizeof(*partition->customers));
	}
	(void) dataset_state_path(state, "events.csv", 0, path);
	if (partition == NULL || partition->customers == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading \"%s\"", path);
	else if (partition_read(partition, path, err) && partition_covers(partition, path, err))
		return partition;
	dataset_partition_free(partition);
	return NULL;
}

void
dataset_partition_free(DatasetPartition *partition)
{
	if (partition == NULL)
		return;
	buffer_release(&partition->scratch);
	alloc_free(partition->customers);
	alloc_free(partition);
}

bool
dataset_partition_customer(const DatasetPartition *partition, IdentityRef ref, IdentityId *customer)
{
	DatasetStored stored;

	if (!dataset_store_find(partition->store, ref, &stored))
		return false;
	*customer = partition->customers[stored.slot];
	return true;
}

uint64_t
dataset_partition_position(const DatasetPartition *partition)
{
	return partition->position;
}
