/* SPDX-License-Identifier: PostgreSQL */
/*
 * deadletter.c — a dead letter as Avro bytes.
 *
 * Whoever reads it must be able to find the row, see why it failed, and mend the row or the
 * mapping; nobody may learn from it what the mapping calls sensitive. So each column goes
 * with its type and length, and its value only when it is mapped and not sensitive.
 */
#include "goldpan/deadletter.h"

#include <string.h>

#include "goldpan/encode.h"

/* Symbols of "Omitted" in the schema, in their order. */
typedef enum DeadLetterOmitted
{
	OMITTED_SENSITIVE,
	OMITTED_UNMAPPED,
	OMITTED_TOO_LARGE,
	OMITTED_UNCHANGED,
	OMITTED_WITHHELD,
	OMITTED_NOT
} DeadLetterOmitted;

static bool deadletter_put_row(const DeadLetter *letter, const Value *values, bool key_only,
							   Buffer *out, Err *err);

static bool
deadletter_put_text(Buffer *out, const char *text, Err *err)
{
	return encode_string(out, text, strlen(text), err);
}

/* Empty counts as none. */
static bool
deadletter_put_optional(Buffer *out, const char *text, Err *err)
{
	return encode_optional_string(out, text != NULL && text[0] != '\0' ? text : NULL, err);
}

static bool
deadletter_put_key(const DeadLetter *letter, Buffer *out, Err *err)
{
	if (letter->key == NULL)
		return encode_long(out, 0, err);
	return encode_long(out, 1, err) && encode_string(out, letter->key, letter->key_length, err);
}

static bool
deadletter_put_rows(const DeadLetter *letter, Buffer *out, Err *err)
{
	const Change *change = letter->change;

	const Value *old_values = NULL;
	const Value *new_values = NULL;

	if (change != NULL)
	{
		old_values = change->old_row == OLD_NONE ? NULL : change->old_values;
		new_values = change->new_values;
	}
	return deadletter_put_row(letter, old_values, change != NULL && change->old_row == OLD_KEY, out,
							  err) &&
		   deadletter_put_row(letter, new_values, false, out, err);
}

/* Where the record comes from: the fields up to the key. */
static bool
deadletter_put_origin(const DeadLetter *letter, Buffer *out, Err *err)
{
	return encode_string(out, letter->event_id, letter->event_id_length, err) &&
		   deadletter_put_text(out, letter->source, err) &&
		   deadletter_put_text(out, letter->database, err) &&
		   deadletter_put_text(out, letter->schema, err) &&
		   deadletter_put_text(out, letter->table, err) &&
		   encode_long(out, letter->operation, err) &&
		   encode_long(out, (int64_t) letter->end_lsn, err) &&
		   encode_long(out, (int64_t) letter->ordinal, err) && encode_long(out, letter->xid, err) &&
		   encode_long(out, letter->commit_time, err) && deadletter_put_key(letter, out, err);
}

bool
deadletter_encode(const DeadLetter *letter, Buffer *out, Err *err)
{
	return deadletter_put_origin(letter, out, err) &&
		   deadletter_put_text(out, letter->stage, err) &&
		   deadletter_put_optional(out, letter->field, err) &&
		   deadletter_put_optional(out, letter->column, err) &&
		   deadletter_put_text(out, letter->reason, err) &&
		   deadletter_put_text(out, err_code_name(letter->code), err) &&
		   deadletter_put_text(out, letter->mapping_version, err) &&
		   encode_long(out, (int64_t) letter->config_hash, err) &&
		   encode_long(out, letter->relation_id, err) &&
		   encode_long(out, (int64_t) letter->relation_hash, err) &&
		   deadletter_put_rows(letter, out, err);
}

static bool
deadletter_is_mapped(const MappingTable *mapping, const char *column)
{
	size_t count;
	const char *const *columns = mapping_table_columns(mapping, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(columns[i], column) == 0)
			return true;
	return false;
}

static DeadLetterOmitted
deadletter_omits(const DeadLetter *letter, const Column *column, const Value *value, size_t length)
{
	if (value->state == VALUE_UNCHANGED)
		return OMITTED_UNCHANGED;
	if (value->state == VALUE_WITHHELD)
		return OMITTED_WITHHELD;
	if (!deadletter_is_mapped(letter->mapping, column->name))
		return OMITTED_UNMAPPED;
	if (mapping_column_sensitive(letter->mapping, column->name))
		return OMITTED_SENSITIVE;
	return length > DEADLETTER_MAX_VALUE ? OMITTED_TOO_LARGE : OMITTED_NOT;
}

/* The value as text; of another kind than text it is in `scratch`. */
static bool
deadletter_put_value(const Value *value, const Buffer *scratch, Buffer *out, Err *err)
{
	if (value->kind == VALUE_TEXT)
		return encode_string(out, value->as.text, value->length, err);
	return encode_string(out, (const char *) scratch->data, scratch->length, err);
}

static bool
deadletter_put_column(const DeadLetter *letter, const Column *column, const Value *value,
					  Buffer *scratch, Buffer *out, Err *err)
{
	DeadLetterOmitted omitted;
	bool shown;
	int64_t length = 0;

	buffer_clear(scratch);
	if (value->state == VALUE_UNCHANGED || value->state == VALUE_WITHHELD)
		length = -1;
	else if (value->state == VALUE_PRESENT)
	{
		bool as_is = value->kind == VALUE_TEXT;

		if (!as_is && !deadletter_value_text(value, scratch, err))
			return false;
		length = as_is ? (int64_t) value->length : (int64_t) scratch->length;
	}
	omitted = deadletter_omits(letter, column, value, length < 0 ? 0 : (size_t) length);
	shown = omitted == OMITTED_NOT && value->state == VALUE_PRESENT;
	if (!deadletter_put_text(out, column->name, err) ||
		!deadletter_put_text(out, column->type_name, err) || !encode_long(out, shown, err))
		return false;
	if (shown && !deadletter_put_value(value, scratch, out, err))
		return false;
	if (!encode_long(out, omitted != OMITTED_NOT, err) ||
		(omitted != OMITTED_NOT && !encode_long(out, omitted, err)))
		return false;
	return encode_long(out, length, err);
}

/* A union branch and an array of columns; of an old key only the key columns are data (R3). */
static bool
deadletter_put_row(const DeadLetter *letter, const Value *values, bool key_only, Buffer *out,
				   Err *err)
{
	const Relation *relation;
	int64_t count = 0;
	Buffer scratch;
	bool done = false;

	if (values == NULL)
		return encode_long(out, 0, err);
	relation = letter->change->relation;
	buffer_init(&scratch, SIZE_MAX / 2);
	for (uint16_t i = 0; i < relation->ncolumns; i++)
		count += !key_only || relation->columns[i].key;
	if (!encode_long(out, 1, err) || (count > 0 && !encode_long(out, count, err)))
		goto out;
	for (uint16_t i = 0; i < relation->ncolumns; i++)
	{
		if (key_only && !relation->columns[i].key)
			continue;
		if (!deadletter_put_column(letter, &relation->columns[i], &values[i], &scratch, out, err))
			goto out;
	}
	done = encode_long(out, 0, err);
out:
	buffer_release(&scratch);
	return done;
}
