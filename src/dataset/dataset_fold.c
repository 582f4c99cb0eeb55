/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_fold.c — reads a topic of the directory log and keeps each record's last state.
 *
 * A field that the source did not send because it did not change keeps the value it had. Deletes and
 * erasures are states too. Only the fields that say something about identity are kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset_priv.h"
#include "goldpan/alloc.h"
#include "goldpan/log.h"

typedef struct FoldRecord
{
	uint64_t hash;
	char *block; /* source, id, each with its zero; then the values; owned */
	size_t size;
	DatasetStep step;
	bool erased;
	bool away; /* erased, and the source has made nothing of that name since */
	DatasetMoment at;
	DatasetMoment copied;
	DatasetMoment erased_at;
} FoldRecord;

typedef struct FoldEvent /* what happened to a record */
{
	DatasetStep step;
	bool snapshot; /* a copy of the table, which says nothing new */
	DatasetMoment at;
} FoldEvent;

struct DatasetFold
{
	const DatasetInput *input;
	const char *entity;
	const char *path;
	FoldRecord *records; /* in the order they came first */
	size_t count;
	size_t capacity;
	uint32_t *table; /* index + 1 into records; open addressing */
	size_t table_size;
	size_t bytes;
	size_t ceiling;
	size_t next;
	Buffer block;
	Buffer json;
	DatasetText *values;
};

/* ---- blocks: values as length (UINT32_MAX: null, one less: unknown) and text ---- */

#define FOLD_NULL	 UINT32_MAX
#define FOLD_UNKNOWN (UINT32_MAX - 1)

const char dataset_unknown[] = "";

static const char *
fold_values(const FoldRecord *record)
{
	const char *id = record->block + strlen(record->block) + 1;

	return id + strlen(id) + 1;
}

static void
fold_read(const DatasetFold *fold, const FoldRecord *record, DatasetText *values)
{
	const char *at = fold_values(record);

	for (size_t i = 0; i < fold->input->ncolumns; i++)
	{
		uint32_t length;

		memcpy(&length, at, sizeof(length));
		at += sizeof(length);
		values[i].text = length == FOLD_NULL ? NULL : length == FOLD_UNKNOWN ? dataset_unknown : at;
		values[i].length = length >= FOLD_UNKNOWN ? 0 : length;
		at += values[i].length;
	}
}

static bool
fold_out_of_memory(const DatasetFold *fold, Err *err)
{
	(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
				   "the records of topic \"%s\" need more than %zu MiB of memory",
				   fold->input->topic, fold->ceiling >> 20);
	return err_hint(err, "Give more with --memory.");
}

/* ---- the table ---- */

static bool
fold_grow(DatasetFold *fold, Err *err)
{
	size_t capacity = fold->capacity == 0 ? 1024 : fold->capacity * 2;
	FoldRecord *records;
	uint32_t *table;

	if (fold->bytes + capacity * (sizeof(*records) + 8) > fold->ceiling)
		return fold_out_of_memory(fold, err);
	records = alloc_resize(fold->records, capacity * sizeof(*records));
	if (records == NULL)
		return fold_out_of_memory(fold, err);
	fold->records = records;
	table = alloc_zero(capacity * 2 * sizeof(*table));
	if (table == NULL)
		return fold_out_of_memory(fold, err);
	alloc_free(fold->table);
	fold->table = table;
	fold->table_size = capacity * 2;
	fold->capacity = capacity;
	for (size_t i = 0; i < fold->count; i++)
	{
		size_t slot = records[i].hash & (fold->table_size - 1);

		while (table[slot] != 0)
			slot = (slot + 1) & (fold->table_size - 1);
		table[slot] = (uint32_t) (i + 1);
	}
	return true;
}

/* The record whose block begins with this key, a new one when there is none. */
static FoldRecord *
fold_find(DatasetFold *fold, const char *key, size_t length, Err *err)
{
	uint64_t hash = dataset_hash(1, key, length);
	size_t slot;

	if (fold->count == fold->capacity && !fold_grow(fold, err))
		return NULL;
	slot = hash & (fold->table_size - 1);
	while (fold->table[slot] != 0)
	{
		FoldRecord *record = &fold->records[fold->table[slot] - 1];

		if (record->hash == hash && memcmp(record->block, key, length) == 0)
			return record;
		slot = (slot + 1) & (fold->table_size - 1);
	}
	fold->table[slot] = (uint32_t) (fold->count + 1);
	fold->records[fold->count] = (FoldRecord){.hash = hash};
	return &fold->records[fold->count++];
}

/* ---- one event ---- */

static bool
fold_value(DatasetFold *fold, const LogEntry *entry, const DatasetColumn *column, Err *err)
{
	const AvroSchema *type;
	AvroReader at;
	const char *text;
	size_t length;
	uint32_t size = UINT32_MAX;
	bool found;

	if (!encode_find_text(entry->schema, &entry->value, column->name, &text, &length, err))
		return false;
	if (text == NULL)
	{
		if (!encode_find(entry->schema, &entry->value, column->name, &type, &at, &found, err))
			return false;
		buffer_clear(&fold->json);
		if (found && !encode_read_json(type, &at, &fold->json, err))
			return false;
		if (found)
		{
			text = (const char *) fold->json.data;
			length = fold->json.length;
			if (length == 4 && memcmp(text, "null", 4) == 0)
				text = NULL;
			else if (length >= 2 && text[0] == '"')
			{
				text++;
				length -= 2;
			}
		}
	}
	if (text != NULL && length < FOLD_UNKNOWN)
		size = (uint32_t) length;
	return buffer_append(&fold->block, &size, sizeof(size), err) &&
		   (size == FOLD_NULL || buffer_append(&fold->block, text, length, err));
}

static bool
fold_kept(DatasetFold *fold, const DatasetText *value, Err *err)
{
	uint32_t size = value->text == NULL				 ? FOLD_NULL
					: value->text == dataset_unknown ? FOLD_UNKNOWN
													 : (uint32_t) value->length;

	return buffer_append(&fold->block, &size, sizeof(size), err) &&
		   (size >= FOLD_UNKNOWN || buffer_append(&fold->block, value->text, value->length, err));
}

/* Reads meta.unchanged, as ["a","b"], into fold->json; empty when there is none. */
static bool
fold_unchanged(DatasetFold *fold, const LogEntry *entry, Buffer *list, Err *err)
{
	const AvroSchema *type;
	AvroReader at;
	bool found;

	buffer_clear(list);
	if (!encode_find(entry->schema, &entry->value, "meta.unchanged", &type, &at, &found, err))
		return false;
	if (found && !encode_read_json(type, &at, list, err))
		return false;
	(void) fold;
	return buffer_append_byte(list, '\0', err);
}

static bool
fold_lists(const Buffer *list, const char *name)
{
	char quoted[256];

	(void) snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	return list->length > 3 && strstr((const char *) list->data, quoted) != NULL;
}

/* The field as JSON, in fold->json; empty when it is not there. */
static bool
fold_json(DatasetFold *fold, const LogEntry *entry, const char *path, Err *err)
{
	const AvroSchema *type;
	AvroReader at;
	bool found;

	buffer_clear(&fold->json);
	return encode_find(entry->schema, &entry->value, path, &type, &at, &found, err) &&
		   (!found || encode_read_json(type, &at, &fold->json, err)) &&
		   buffer_append_byte(&fold->json, '\0', err);
}

static bool
fold_number(DatasetFold *fold, const LogEntry *entry, const char *path, uint64_t *number, Err *err)
{
	if (!fold_json(fold, entry, path, err))
		return false;
	*number = strtoull((const char *) fold->json.data, NULL, 10);
	return true;
}

static bool
fold_event(DatasetFold *fold, const LogEntry *entry, FoldEvent *event, Err *err)
{
	const char *operation;
	size_t length;

	memset(event, 0, sizeof(*event));
	event->step = DATASET_RECORD;
	if (!encode_find_text(entry->schema, &entry->value, "meta.operation", &operation, &length, err))
		return false;
	if (operation != NULL && length == 6 && memcmp(operation, "delete", 6) == 0)
		event->step = DATASET_DELETED;
	else if (operation != NULL && length == 5 && memcmp(operation, "erase", 5) == 0)
		event->step = DATASET_ERASED;
	event->snapshot = operation != NULL && length == 8 && memcmp(operation, "snapshot", 8) == 0;
	if (!fold_json(fold, entry, "is_deleted", err))
		return false;
	if (event->step == DATASET_RECORD && strcmp((const char *) fold->json.data, "true") == 0)
		event->step = DATASET_DELETED;
	return fold_number(fold, entry, "meta.end_lsn", &event->at.lsn, err) &&
		   fold_number(fold, entry, "meta.ordinal", &event->at.ordinal, err);
}

/* Puts the event on the record; false: who was erased does not come back with a copy of the table. */
static bool
fold_take(FoldRecord *record, const FoldEvent *event)
{
	if (event->snapshot && record->away)
		return false;
	record->step = event->step;
	if (event->step == DATASET_ERASED)
	{
		record->erased = record->away = true;
		record->erased_at = event->at;
	}
	else if (event->snapshot)
		record->copied = event->at;
	else if (event->step == DATASET_RECORD)
	{
		record->away = false;
		record->at = event->at;
	}
	return true;
}

static bool
fold_keep(DatasetFold *fold, const LogEntry *entry, FoldRecord *record, Buffer *unchanged, Err *err)
{
	const DatasetText unknown = {dataset_unknown, 0};
	char *block;

	if (record->block != NULL)
		fold_read(fold, record, fold->values);
	for (size_t i = 0; i < fold->input->ncolumns; i++)
	{
		const DatasetColumn *column = &fold->input->columns[i];

		if (!(!fold_lists(unchanged, column->name) ? fold_value(fold, entry, column, err)
			  : record->block == NULL			   ? fold_kept(fold, &unknown, err)
												   : fold_kept(fold, &fold->values[i], err)))
			return false;
	}
	if (fold->bytes - record->size + fold->block.length > fold->ceiling ||
		(block = alloc_bytes(fold->block.length)) == NULL)
		return fold_out_of_memory(fold, err);
	memcpy(block, fold->block.data, fold->block.length);
	alloc_free(record->block);
	fold->bytes += fold->block.length - record->size;
	record->block = block;
	record->size = fold->block.length;
	return true;
}

static bool
fold_entry(DatasetFold *fold, const LogEntry *entry, Buffer *unchanged, Err *err)
{
	const char *source;
	const char *id;
	size_t source_length;
	size_t id_length;
	FoldRecord *record;
	FoldEvent event;

	if (entry->value.next == NULL)
		return true;
	if (!encode_find_text(entry->schema, &entry->value, "source", &source, &source_length, err) ||
		!encode_find_text(entry->schema, &entry->value, "id", &id, &id_length, err))
		return false;
	if (source == NULL || id == NULL || memchr(id, '\0', id_length) != NULL ||
		memchr(source, '\0', source_length) != NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "a record in \"%s\" has no source or id",
					   entry->file);
	buffer_clear(&fold->block);
	if (!buffer_append(&fold->block, source, source_length, err) ||
		!buffer_append_byte(&fold->block, '/', err) ||
		!buffer_append_text(&fold->block, fold->entity, err) ||
		!buffer_append_byte(&fold->block, '\0', err) ||
		!buffer_append(&fold->block, id, id_length, err) ||
		!buffer_append_byte(&fold->block, '\0', err))
		return false;
	record = fold_find(fold, (const char *) fold->block.data, fold->block.length, err);
	if (record == NULL || !fold_event(fold, entry, &event, err))
		return false;
	return !fold_take(record, &event) || (fold_unchanged(fold, entry, unchanged, err) &&
										  fold_keep(fold, entry, record, unchanged, err));
}

/* ---- the topic ---- */

static bool
fold_topic(DatasetFold *fold, LogReader *reader, Err *err)
{
	const LogTopicInfo *topics;
	size_t count;
	Buffer unchanged;
	LogEntry entry;
	bool found = false;
	bool ok;

	if (!reader->ops->list(reader, &topics, &count, err))
		return false;
	for (size_t i = 0; i < count && !found; i++)
		found = strcmp(topics[i].name, fold->input->topic) == 0;
	if (!found)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "the log \"%s\" has no topic \"%s\"",
					   fold->path, fold->input->topic);
		return err_hint(err, "goldpan log list --directory %s lists its topics.", fold->path);
	}
	buffer_init(&unchanged, 1 << 20);
	ok = reader->ops->start(reader, fold->input->topic, true, err);
	while (ok && (ok = reader->ops->next(reader, &entry, &found, err)) && found)
		ok = fold_entry(fold, &entry, &unchanged, err);
	buffer_release(&unchanged);
	return ok;
}

DatasetFold *
dataset_fold_open(const char *path, const DatasetInput *input, size_t ceiling, Err *err)
{
	const char *dot = strrchr(input->topic, '.');
	DatasetFold *fold = alloc_zero(sizeof(*fold));
	LogReader *reader = NULL;
	bool ok = false;

	if (fold == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading log \"%s\"", path);
		return NULL;
	}
	fold->input = input;
	fold->path = path;
	fold->entity = dot != NULL ? dot + 1 : input->topic;
	fold->ceiling = ceiling;
	buffer_init(&fold->block, (size_t) 16 << 20);
	buffer_init(&fold->json, (size_t) 16 << 20);
	fold->values = alloc_zero(input->ncolumns * sizeof(*fold->values));
	if (fold->values == NULL)
		(void) fold_out_of_memory(fold, err);
	else if ((reader = log_reader_directory(path, err)) != NULL)
		ok = fold_topic(fold, reader, err);
	if (reader != NULL)
		reader->ops->close(reader);
	if (ok)
		return fold;
	dataset_fold_close(fold);
	return NULL;
}

bool
dataset_fold_next(DatasetFold *fold, DatasetFolded *record)
{
	const FoldRecord *from;

	if (fold->next == fold->count)
		return false;
	from = &fold->records[fold->next++];
	record->source = from->block;
	record->id = from->block + strlen(from->block) + 1;
	record->step = from->step;
	record->at = from->at;
	record->copied = from->copied;
	record->erased = from->erased;
	record->erased_at = from->erased_at;
	fold_read(fold, from, fold->values);
	record->values = fold->values;
	return true;
}

void
dataset_fold_progress(const DatasetFold *fold, int64_t *done, int64_t *size)
{
	*done = (int64_t) fold->next;
	*size = (int64_t) fold->count;
}

void
dataset_fold_close(DatasetFold *fold)
{
	if (fold == NULL)
		return;
	for (size_t i = 0; i < fold->count; i++)
		alloc_free(fold->records[i].block);
	alloc_free(fold->records);
	alloc_free(fold->table);
	alloc_free(fold->values);
	buffer_release(&fold->block);
	buffer_release(&fold->json);
	alloc_free(fold);
}
