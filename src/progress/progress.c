/* SPDX-License-Identifier: PostgreSQL */
/*
 * progress.c — the progress record: a struct to Avro by the "progress" schema, and back.
 *
 * What is decoded comes from a log and is not trusted: every length, enum and count is
 * checked before it is used, and nothing may follow the last field.
 */
#include "goldpan/progress.h"

#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/encode.h"

#define PROGRESS_MAX_TABLE_NAME 512

void
progress_init(Progress *progress)
{
	memset(progress, 0, sizeof(*progress));
	progress->key_schema_id = -1;
}

void
progress_release(Progress *progress)
{
	for (size_t i = 0; i < progress->ntables; i++)
		alloc_free(progress->tables[i]);
	alloc_free(progress->tables);
	progress_init(progress);
}

/* ---- encode ---- */

static bool
progress_put_text(Buffer *out, const char *text, Err *err)
{
	return encode_string(out, text, strlen(text), err);
}

static bool
progress_put_tables(const Progress *progress, Buffer *out, Err *err)
{
	if (progress->ntables > 0 && !encode_long(out, (int64_t) progress->ntables, err))
		return false;
	for (size_t i = 0; i < progress->ntables; i++)
		if (!progress_put_text(out, progress->tables[i], err))
			return false;
	return encode_long(out, 0, err);
}

bool
progress_encode(const Progress *progress, Buffer *out, Err *err)
{
	return progress_put_text(out, progress->source, err) &&
		   encode_long(out, (int64_t) progress->system_identifier, err) &&
		   encode_long(out, progress->timeline, err) &&
		   progress_put_text(out, progress->slot, err) &&
		   encode_long(out, (int64_t) progress->end_lsn, err) &&
		   encode_long(out, (int64_t) progress->part_end_lsn, err) &&
		   encode_long(out, (int64_t) progress->next_ordinal, err) &&
		   encode_long(out, progress->part, err) &&
		   encode_long(out, (int64_t) progress->previous_lsn, err) &&
		   encode_long(out, (int64_t) progress->sequence, err) &&
		   encode_long(out, (int64_t) progress->records, err) &&
		   encode_long(out, (int64_t) progress->dead_letters, err) &&
		   encode_long(out, progress->snapshot_state, err) &&
		   progress_put_text(out, progress->snapshot_attempt, err) &&
		   encode_long(out, (int64_t) progress->snapshot_lsn, err) &&
		   encode_long(out, (int64_t) progress->config_hash, err) &&
		   progress_put_text(out, progress->mapping_version, err) &&
		   encode_long(out, progress->key_schema_id, err) &&
		   progress_put_tables(progress, out, err);
}

/* ---- decode ---- */

static bool
progress_get_text(AvroReader *reader, const char *field, char *text, size_t size, Err *err)
{
	const uint8_t *bytes;
	size_t length;

	if (!encode_read_bytes(reader, &bytes, &length, err))
		return err_context(err, "reading \"%s\" of a progress record", field);
	if (length >= size || memchr(bytes, 0, length) != NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read a progress record: field \"%s\" holds %zu bytes, which "
					   "is no text of less than %zu bytes",
					   field, length, size);
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	return true;
}

static bool
progress_get_integer(AvroReader *reader, const char *field, int64_t min, int64_t max,
					 int64_t *value, Err *err)
{
	if (!encode_read_long(reader, value, err))
		return err_context(err, "reading \"%s\" of a progress record", field);
	if (*value < min || *value > max)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read a progress record: field \"%s\" is %lld, which is not "
					   "between %lld and %lld",
					   field, (long long) *value, (long long) min, (long long) max);
	return true;
}

/* Positions, identifiers and counts use all 64 bits. */
static bool
progress_get_unsigned(AvroReader *reader, const char *field, uint64_t *value, Err *err)
{
	int64_t number;

	if (!progress_get_integer(reader, field, INT64_MIN, INT64_MAX, &number, err))
		return false;
	*value = (uint64_t) number;
	return true;
}

static bool
progress_add_table(Progress *progress, AvroReader *reader, Err *err)
{
	char name[PROGRESS_MAX_TABLE_NAME];

	if (!progress_get_text(reader, "tables", name, sizeof(name), err))
		return false;
	if (progress->tables == NULL)
		progress->tables = alloc_zero(PROGRESS_MAX_TABLES * sizeof(*progress->tables));
	if (progress->tables != NULL)
		progress->tables[progress->ntables] = alloc_text(name);
	if (progress->tables == NULL || progress->tables[progress->ntables] == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading a progress record");
	progress->ntables++;
	return true;
}

static bool
progress_get_tables(Progress *progress, AvroReader *reader, Err *err)
{
	int64_t count;
	int64_t size;

	for (;;)
	{
		if (!progress_get_integer(reader, "tables", -PROGRESS_MAX_TABLES, PROGRESS_MAX_TABLES,
								  &count, err))
			return false;
		if (count == 0)
			return true;
		/* A negative count is followed by the block's size, of use only to who skips it. */
		if (count < 0 && !progress_get_integer(reader, "tables", 0, INT64_MAX, &size, err))
			return false;
		count = count < 0 ? -count : count;
		if (count > PROGRESS_MAX_TABLES - (int64_t) progress->ntables)
			return err_set(err, ERR_CLASS_STOP, ERR_DATA,
						   "could not read a progress record: it lists more than %d tables",
						   PROGRESS_MAX_TABLES);
		for (int64_t i = 0; i < count; i++)
			if (!progress_add_table(progress, reader, err))
				return false;
	}
}

static bool
progress_get_position(Progress *progress, AvroReader *reader, Err *err)
{
	int64_t timeline;
	int64_t part;

	if (!progress_get_text(reader, "source", progress->source, sizeof(progress->source), err) ||
		!progress_get_unsigned(reader, "system_identifier", &progress->system_identifier, err) ||
		!progress_get_integer(reader, "timeline", 0, UINT32_MAX, &timeline, err) ||
		!progress_get_text(reader, "slot", progress->slot, sizeof(progress->slot), err) ||
		!progress_get_unsigned(reader, "end_lsn", &progress->end_lsn, err) ||
		!progress_get_unsigned(reader, "part_end_lsn", &progress->part_end_lsn, err) ||
		!progress_get_unsigned(reader, "next_ordinal", &progress->next_ordinal, err) ||
		!progress_get_integer(reader, "part", 0, INT32_MAX, &part, err) ||
		!progress_get_unsigned(reader, "previous_lsn", &progress->previous_lsn, err) ||
		!progress_get_unsigned(reader, "sequence", &progress->sequence, err) ||
		!progress_get_unsigned(reader, "records", &progress->records, err) ||
		!progress_get_unsigned(reader, "dead_letters", &progress->dead_letters, err))
		return false;
	progress->timeline = (uint32_t) timeline;
	progress->part = (int32_t) part;
	return true;
}

static bool
progress_get_rest(Progress *progress, AvroReader *reader, Err *err)
{
	int64_t state;
	int64_t id;

	if (!progress_get_integer(reader, "snapshot_state", SNAPSHOT_NONE, SNAPSHOT_COMPLETE, &state,
							  err) ||
		!progress_get_text(reader, "snapshot_attempt", progress->snapshot_attempt,
						   sizeof(progress->snapshot_attempt), err) ||
		!progress_get_unsigned(reader, "snapshot_lsn", &progress->snapshot_lsn, err) ||
		!progress_get_unsigned(reader, "config_hash", &progress->config_hash, err) ||
		!progress_get_text(reader, "mapping_version", progress->mapping_version,
						   sizeof(progress->mapping_version), err) ||
		!progress_get_integer(reader, "key_schema_id", INT32_MIN, INT32_MAX, &id, err) ||
		!progress_get_tables(progress, reader, err))
		return false;
	progress->snapshot_state = (SnapshotState) state;
	progress->key_schema_id = (int32_t) id;
	if (reader->next != reader->end)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read a progress record: %zu bytes follow its last field",
					   (size_t) (reader->end - reader->next));
	return true;
}

bool
progress_decode(Progress *progress, const uint8_t *bytes, size_t length, Err *err)
{
	AvroReader reader = {bytes, bytes + length};

	progress_release(progress);
	if (progress_get_position(progress, &reader, err) && progress_get_rest(progress, &reader, err))
		return true;
	progress_release(progress);
	return false;
}
