/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_part.c — marks of a split transaction, put into records that are encoded already.
 *
 * Nobody knows that a transaction is too large before its rows have come, and its first rows
 * are bytes by then. Decoding it again would cost the server the whole transaction; so the marks
 * are put in afterwards: two bytes more in each record of the first part, one bit in those of
 * the last. Both lie in the part of meta that has the same shape in every entity.
 */
#include "stream/stream_priv.h"

#include <string.h>

/* The fields of meta before `part`, in their order (meta's schema is fixed): s string,
 * n number, o null or string. */
static const char stream_meta_shape[] = "snsssosnnnnnoo";
enum
{
	META_OPERATION = 1,
	META_END_LSN = 7,
	META_ORDINAL = 8,
	META_XID = 10,
	META_COMMIT_TIME = 11
};

/* Bytes of "null, null" and of "1, false": what part and last_part are before and after. */
enum
{
	STREAM_UNMARKED = 2
};
static const uint8_t stream_marked[] = {2, 2, 2, 0};
#define STREAM_MARK_GROWTH (sizeof(stream_marked) - STREAM_UNMARKED)

static bool
stream_skip_text(AvroReader *reader, Err *err)
{
	const uint8_t *bytes;
	size_t length;

	return encode_read_bytes(reader, &bytes, &length, err);
}

static bool
stream_skip_bytes(AvroReader *reader, size_t count, Err *err)
{
	if ((size_t) (reader->end - reader->next) < count)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "an encoded record ends too early");
	reader->next += count;
	return true;
}

static bool
stream_skip_field(AvroReader *reader, FieldType type, Err *err)
{
	int64_t number;

	if (!encode_read_long(reader, &number, err))
		return false;
	if (number == 0)
		return true;
	switch (type)
	{
		case FIELD_BOOLEAN:
			return stream_skip_bytes(reader, 1, err);
		case FIELD_DOUBLE:
			return stream_skip_bytes(reader, 8, err);
		case FIELD_STRING:
		case FIELD_DECIMAL:
			return stream_skip_text(reader, err);
		case FIELD_INT:
		case FIELD_LONG:
		case FIELD_DATE:
		case FIELD_TIMESTAMP:
			break;
	}
	return encode_read_long(reader, &number, err);
}

bool
stream_part_read(const CanonicalEntity *entity, const uint8_t *value, size_t length,
				 StreamMeta *meta, Err *err)
{
	AvroReader reader = {value, value + length};
	int64_t numbers[sizeof(stream_meta_shape)] = {0};

	for (int key = 0; key < 2; key++)
		if (!stream_skip_text(&reader, err))
			return false;
	for (uint16_t i = 0; i < entity->nfields; i++)
		if (!stream_skip_field(&reader, entity->fields[i].type, err))
			return false;
	for (size_t i = 0; stream_meta_shape[i] != '\0'; i++)
	{
		char shape = stream_meta_shape[i];

		if (shape == 's' && !stream_skip_text(&reader, err))
			return false;
		if (shape != 's' && !encode_read_long(&reader, &numbers[i], err))
			return false;
		if (shape == 'o' && numbers[i] != 0 && !stream_skip_text(&reader, err))
			return false;
	}
	*meta = (StreamMeta){.operation = (Operation) numbers[META_OPERATION],
						 .end_lsn = (Lsn) numbers[META_END_LSN],
						 .ordinal = (uint64_t) numbers[META_ORDINAL],
						 .xid = (uint32_t) numbers[META_XID],
						 .commit_time = numbers[META_COMMIT_TIME],
						 .part_at = (size_t) (reader.next - value)};
	return true;
}

/* Offset of meta.part in the batch's bytes; 0 for a record that has none. */
static bool
stream_part_find(const LogBatch *batch, const LogRecord *record, size_t *at, Err *err)
{
	const StreamPlan *plan = stream_plan_of(record);
	const uint8_t *value = batch->bytes.data + record->bytes + record->key_length;
	StreamMeta meta;

	*at = 0;
	if (record->topic != plan->topic)
		return true;
	if (!stream_part_read(plan->entity, value, record->value_length, &meta, err))
		return false;
	*at = record->bytes + record->key_length + meta.part_at;
	return true;
}

static size_t
stream_record_length(const LogRecord *record)
{
	return (size_t) record->key_length + record->value_length + record->event_id_length +
		   record->id_length;
}

bool
stream_part_mark_first(LogBatch *batch, size_t first, Err *err)
{
	size_t growth = (batch->count - first) * STREAM_MARK_GROWTH;

	/* From the last record to the first, each to its new place: nothing is overwritten. */
	if (!buffer_reserve(&batch->bytes, growth, err))
		return false;
	batch->bytes.length += growth;
	for (size_t i = batch->count; i-- > first;)
	{
		LogRecord *record = &batch->records[i];
		uint8_t *data = batch->bytes.data;
		size_t end = record->bytes + stream_record_length(record);
		size_t to = record->bytes + (i - first) * STREAM_MARK_GROWTH;
		size_t at;
		size_t head;

		if (!stream_part_find(batch, record, &at, err))
			return false;
		if (at == 0)
		{
			memmove(data + to, data + record->bytes, end - record->bytes);
			record->bytes = to;
			continue;
		}
		head = at - record->bytes;
		memmove(data + to + head + sizeof(stream_marked), data + at + STREAM_UNMARKED,
				end - at - STREAM_UNMARKED);
		memmove(data + to, data + record->bytes, head);
		memcpy(data + to + head, stream_marked, sizeof(stream_marked));
		record->bytes = to;
		record->value_length += (uint32_t) STREAM_MARK_GROWTH;
	}
	return true;
}

bool
stream_part_mark_last(LogBatch *batch, size_t first, Err *err)
{
	for (size_t i = first; i < batch->count; i++)
	{
		AvroReader reader;
		int64_t number;
		size_t at;

		if (!stream_part_find(batch, &batch->records[i], &at, err))
			return false;
		if (at == 0)
			continue;
		reader = (AvroReader){batch->bytes.data + at, batch->bytes.data + batch->bytes.length};
		/* The branch and number of part, the branch of last_part; then its boolean. */
		for (int skip = 0; skip < 3; skip++)
			if (!encode_read_long(&reader, &number, err))
				return false;
		batch->bytes.data[reader.next - batch->bytes.data] = 1;
	}
	return true;
}
