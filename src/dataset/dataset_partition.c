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

typedef struct PartitionVersion
{
	IdentityId customer; /* zero: free */
	uint32_t version;
} PartitionVersion;

struct DatasetPartition
{
	const DatasetStore *store;
	PartitionVersion *versions; /* open addressing */
	size_t nversions;
	size_t versions_size;
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

/* ---- versions ---- */

static const IdentityId partition_none;

static PartitionVersion *
partition_slot(PartitionVersion *versions, size_t size, const IdentityId *customer)
{
	size_t at;

	memcpy(&at, customer->bytes, sizeof(at)); /* an id is a hash */
	for (at &= size - 1; memcmp(&versions[at].customer, &partition_none, sizeof(IdentityId)) != 0;
		 at = (at + 1) & (size - 1))
	{
		if (memcmp(&versions[at].customer, customer, sizeof(*customer)) == 0)
			break;
	}
	return &versions[at];
}

static bool
partition_grow(DatasetPartition *partition, Err *err)
{
	size_t size = partition->versions_size == 0 ? 1024 : partition->versions_size * 2;
	PartitionVersion *grown = alloc_zero(size * sizeof(*grown));

	if (grown == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for %zu customers",
					   partition->nversions);
	for (size_t i = 0; i < partition->versions_size; i++)
	{
		const PartitionVersion *from = &partition->versions[i];

		if (memcmp(&from->customer, &partition_none, sizeof(IdentityId)) != 0)
			*partition_slot(grown, size, &from->customer) = *from;
	}
	alloc_free(partition->versions);
	partition->versions = grown;
	partition->versions_size = size;
	return true;
}

/* Notes the version that an event gives its customer; those of an event without one are none. */
static bool
partition_version(DatasetPartition *partition, const char *const texts[EVENT_COLUMNS], Err *err)
{
	uint32_t version = (uint32_t) strtoul(texts[EVENT_VERSION], NULL, 10);
	PartitionVersion *slot;
	IdentityId customer;

	if (!dataset_id_parse(texts[EVENT_CUSTOMER], &customer) ||
		memcmp(&customer, &partition_none, sizeof(customer)) == 0)
		return true;
	if (partition->nversions * 2 >= partition->versions_size && !partition_grow(partition, err))
		return false;
	slot = partition_slot(partition->versions, partition->versions_size, &customer);
	partition->nversions += memcmp(&slot->customer, &partition_none, sizeof(customer)) == 0 ? 1 : 0;
	slot->customer = customer;
	slot->version = version > slot->version ? version : slot->version;
	return true;
}

uint32_t
dataset_partition_version(const DatasetPartition *partition, const IdentityId *customer)
{
	return partition->versions_size == 0
			   ? 0
			   : partition_slot(partition->versions, partition->versions_size, customer)->version;
}

/* ---- events ---- */

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
		if (row.problem == NULL && !(partition_texts(partition, row.fields, texts, err) &&
									 partition_version(partition, texts, err)))
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
	DatasetStored stored;
	size_t at = 0;

	while (dataset_store_next(partition->store, &at, &stored))
	{
		if (memcmp(&partition->customers[stored.slot], &partition_none, sizeof(IdentityId)) == 0)
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
	alloc_free(partition->versions);
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
