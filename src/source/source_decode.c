/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_decode.c — the plugin's frames as transactions, changes and relations.
 *
 * The hot path: a value is read once, in place, into the struct that the rest of the program
 * uses; nothing is allocated or copied for a row. The wire reader has checked lengths and
 * tags; here a row is checked against its relation, a text for UTF-8 and the messages for
 * their order, so that everything above may trust a Change. What does not fit stops the
 * source: skipping it would lose a change in silence.
 */
#include "source_priv.h"

#include <stdio.h>

#include "goldpan/alloc.h"

#define SOURCE_MAX_NAME 255

_Static_assert(sizeof(Value) == sizeof(WireValue), "Value and WireValue differ");
_Static_assert(offsetof(Value, state) == offsetof(WireValue, state), "state");
_Static_assert(offsetof(Value, kind) == offsetof(WireValue, type), "kind");
_Static_assert(offsetof(Value, length) == offsetof(WireValue, length), "length");
_Static_assert(offsetof(Value, as) == offsetof(WireValue, as), "as");
_Static_assert(sizeof(SourceValue) == sizeof(Value), "an array of SourceValue is one of Value");
_Static_assert(sizeof(NumericValue) == sizeof(WireNumeric), "numeric");
_Static_assert(offsetof(NumericValue, digits) == offsetof(WireNumeric, digits), "digits");
_Static_assert(offsetof(NumericValue, weight) == offsetof(WireNumeric, weight), "weight");
_Static_assert(offsetof(NumericValue, dscale) == offsetof(WireNumeric, dscale), "dscale");
_Static_assert((int) VALUE_UUID == (int) WIRE_TYPE_UUID && (int) VALUE_DATE == (int) WIRE_TYPE_DATE,
			   "kinds");
_Static_assert((int) VALUE_WITHHELD == (int) WIRE_STATE_WITHHELD &&
				   (int) VALUE_PRESENT == (int) WIRE_STATE_PRESENT,
			   "states");
_Static_assert((int) OLD_FULL == (int) WIRE_OLD_FULL && (int) OLD_KEY == (int) WIRE_OLD_KEY, "old");
_Static_assert((int) NUMERIC_NAN == 2 && (int) NUMERIC_MINUS_INFINITY == 4, "signs");

void
source_decode_init(SourceDecoder *decoder, const char *name)
{
	memset(decoder, 0, sizeof(*decoder));
	(void) snprintf(decoder->name, sizeof(decoder->name), "%s", name);
	wire_reader_init(&decoder->reader, "", 0);
}

void
source_decode_release(SourceDecoder *decoder)
{
	source_relation_release(&decoder->shapes);
	alloc_free(decoder->numbered);
	alloc_free(decoder->new_values);
	alloc_free(decoder->old_values);
	memset(decoder, 0, sizeof(*decoder));
}

void
source_decode_frame(SourceDecoder *decoder, const void *bytes, size_t length)
{
	wire_reader_init(&decoder->reader, bytes, length);
	decoder->truncated_left = 0;
}

static bool
source_decode_failed(const SourceDecoder *decoder, Err *err)
{
	const WireReader *reader = &decoder->reader;

	if (err != NULL && err->class != ERR_CLASS_NONE)
		return false; /* memory ran out: said already */
	(void) err_set(
		err, ERR_CLASS_STOP, ERR_POISON,
		"could not read what the plugin of source \"%s\" sent, at byte %zu of a frame: %s",
		decoder->name, (size_t) (reader->at - reader->start),
		reader->error != NULL ? reader->error : "malformed");
	return err_hint(err, "Install the same version of the plugin and of this program; if they are "
						 "the same, please report it.");
}

/* ---- relations ---- */

static const char *
source_decode_text(SourceDecoder *decoder, SourceShape *shape, WireText text, Err *err)
{
	if (text.length > SOURCE_MAX_NAME || !source_utf8_valid(text.data, text.length))
	{
		(void) wire_reader_fail(&decoder->reader, "a name is too long or not valid UTF-8");
		return NULL;
	}
	return arena_text(&shape->arena, text.data, text.length, err);
}

static bool
source_decode_labels(SourceDecoder *decoder, SourceShape *shape, Column *column, uint32_t nlabels,
					 Err *err)
{
	const char **labels;

	if (nlabels == 0)
		return true;
	labels = arena_zero(&shape->arena, nlabels * sizeof(char *), err);
	if (labels == NULL)
		return false;
	for (uint32_t i = 0; i < nlabels; i++)
	{
		WireText text;

		if (!wire_read_text(&decoder->reader, &text))
			return false;
		labels[i] = source_decode_text(decoder, shape, text, err);
		if (labels[i] == NULL)
			return false;
	}
	column->labels = labels;
	column->nlabels = (uint16_t) nlabels;
	return true;
}

static bool
source_decode_column(SourceDecoder *decoder, SourceShape *shape, Column *column, Err *err)
{
	WireColumn wire;

	if (!wire_read_column(&decoder->reader, &wire))
		return false;
	column->name = source_decode_text(decoder, shape, wire.name, err);
	column->type_schema = source_decode_text(decoder, shape, wire.type_schema, err);
	column->type_name = source_decode_text(decoder, shape, wire.type_name, err);
	column->base_type = source_decode_text(decoder, shape, wire.base_type, err);
	if (column->name == NULL || column->type_schema == NULL || column->type_name == NULL ||
		column->base_type == NULL)
		return false;
	column->typmod = wire.typmod;
	column->kind = wire.type;
	column->key = (wire.flags & WIRE_COLUMN_KEY) != 0;
	column->primary_key = (wire.flags & WIRE_COLUMN_PRIMARY_KEY) != 0;
	column->not_null = (wire.flags & WIRE_COLUMN_NOT_NULL) != 0;
	return source_decode_labels(decoder, shape, column, wire.nlabels, err);
}

static bool
source_decode_fill(SourceDecoder *decoder, SourceShape *shape, const WireRelation *wire, Err *err)
{
	shape->relation.id = wire->id;
	shape->relation.replica_identity = wire->replica_identity;
	shape->relation.schema = source_decode_text(decoder, shape, wire->schema, err);
	shape->relation.name = source_decode_text(decoder, shape, wire->name, err);
	if (shape->relation.schema == NULL || shape->relation.name == NULL)
		return false;
	for (uint32_t i = 0; i < wire->ncolumns; i++)
		if (!source_decode_column(decoder, shape, &shape->columns[i], err))
			return false;
	return true;
}

/* Grows both arrays of values to hold a row of the shape. */
static bool
source_decode_room(SourceDecoder *decoder, size_t ncolumns, Err *err)
{
	size_t capacity = ncolumns < 32 ? 32 : ncolumns;
	SourceValue *values;

	/* a relation without columns, too, has rows, not no rows */
	if (ncolumns <= decoder->capacity && decoder->capacity > 0)
		return true;
	values = alloc_resize(decoder->new_values, capacity * sizeof(SourceValue));
	if (values != NULL)
	{
		decoder->new_values = values;
		values = alloc_resize(decoder->old_values, capacity * sizeof(SourceValue));
	}
	if (values == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for a row of %zu values",
					   ncolumns);
	decoder->old_values = values;
	decoder->capacity = capacity;
	return true;
}

static bool
source_decode_number(SourceDecoder *decoder, uint32_t number, SourceShape *shape, Err *err)
{
	if (number > decoder->nnumbered)
		return wire_reader_fail(&decoder->reader, "a relation number is out of order");
	if (number == decoder->number_capacity)
	{
		size_t capacity = decoder->number_capacity == 0 ? 64 : 2 * decoder->number_capacity;
		SourceShape **numbered = alloc_resize(decoder->numbered, capacity * sizeof(SourceShape *));

		if (numbered == NULL)
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for %zu relations",
						   capacity);
		decoder->numbered = numbered;
		decoder->number_capacity = capacity;
	}
	decoder->numbered[number] = shape;
	if (number == decoder->nnumbered)
		decoder->nnumbered++;
	return true;
}

static bool
source_decode_relation(SourceDecoder *decoder, const WireRelation *wire, Err *err)
{
	SourceShape *shape = source_relation_new(wire->ncolumns, err);

	if (shape == NULL)
		return false;
	if (!source_decode_fill(decoder, shape, wire, err))
	{
		source_relation_discard(shape);
		return false;
	}
	shape = source_relation_intern(&decoder->shapes, shape, err);
	return shape != NULL && source_decode_room(decoder, shape->relation.ncolumns, err) &&
		   source_decode_number(decoder, wire->number, shape, err);
}

static SourceShape *
source_decode_shape(SourceDecoder *decoder, uint32_t number)
{
	if (number >= decoder->nnumbered)
	{
		(void) wire_reader_fail(&decoder->reader, "a row names a relation that was not described");
		return NULL;
	}
	return decoder->numbered[number];
}

/* ---- rows ---- */

/* What is present and not of fixed size or plain. */
static bool
source_decode_check(WireReader *reader, WireValue *value, uint8_t kind)
{
	if (value->state != WIRE_STATE_PRESENT)
		return true;
	if (value->type != kind)
		return wire_reader_fail(reader, "a value is not of its column's kind");
	if (kind == WIRE_TYPE_TEXT && !source_utf8_valid(value->as.text, value->length))
		return wire_reader_fail(reader, "a text is not valid UTF-8");
	if (kind == WIRE_TYPE_NUMERIC && value->as.numeric.sign >= NUMERIC_NAN)
	{
		/* the rest of these says nothing: equal values are to be equal */
		value->as.numeric.ndigits = 0;
		value->as.numeric.weight = 0;
		value->as.numeric.dscale = 0;
	}
	return true;
}

static bool
source_decode_row(SourceDecoder *decoder, const SourceShape *shape, SourceValue *values)
{
	WireReader *reader = &decoder->reader;
	const uint8_t *kinds = shape->kinds;
	uint32_t ncolumns = shape->relation.ncolumns;
	uint32_t nvalues;

	if (!wire_read_row_size(reader, &nvalues))
		return false;
	if (nvalues != ncolumns)
		return wire_reader_fail(reader, "a row has not one value for each column");
	for (uint32_t i = 0; i < ncolumns; i++)
		if (!wire_read_value(reader, &values[i].wire) ||
			!source_decode_check(reader, &values[i].wire, kinds[i]))
			return false;
	return true;
}

static bool
source_decode_key(SourceDecoder *decoder, const SourceShape *shape, SourceValue *values)
{
	WireReader *reader = &decoder->reader;
	uint32_t nvalues;

	if (!wire_read_row_size(reader, &nvalues))
		return false;
	if (nvalues != shape->nkeys)
		return wire_reader_fail(reader, "a key has not one value for each key column");
	for (uint32_t i = 0; i < shape->relation.ncolumns; i++)
	{
		if (!shape->columns[i].key)
		{
			memset(&values[i], 0, sizeof(values[i]));
			continue;
		}
		if (!wire_read_value(reader, &values[i].wire) ||
			!source_decode_check(reader, &values[i].wire, shape->kinds[i]))
			return false;
	}
	return true;
}

/* Rows lie in transactions, and their ordinals grow: they are their identity. */
static bool
source_decode_ordinal(SourceDecoder *decoder, uint64_t ordinal)
{
	if (!decoder->in_transaction)
		return wire_reader_fail(&decoder->reader, "a change lies outside a transaction");
	if (ordinal < decoder->next_ordinal || ordinal == UINT64_MAX)
		return wire_reader_fail(&decoder->reader, "an ordinal is out of order");
	decoder->next_ordinal = ordinal + 1;
	decoder->fresh = false;
	decoder->change.ordinal = ordinal;
	return true;
}

static bool
source_decode_change(SourceDecoder *decoder, WireKind kind, const WireRow *row)
{
	SourceShape *shape = source_decode_shape(decoder, row->relation);
	Change *change = &decoder->change;

	if (shape == NULL || !source_decode_ordinal(decoder, row->ordinal))
		return false;
	change->kind = kind == WIRE_INSERT	 ? CHANGE_INSERT
				   : kind == WIRE_UPDATE ? CHANGE_UPDATE
										 : CHANGE_DELETE;
	change->relation = &shape->relation;
	change->transaction = &decoder->transaction;
	change->old_row = (OldRow) row->old;
	change->old_values = NULL;
	change->new_values = NULL;
	if (row->old != WIRE_OLD_NONE)
	{
		if (!(row->old == WIRE_OLD_KEY ? source_decode_key(decoder, shape, decoder->old_values)
									   : source_decode_row(decoder, shape, decoder->old_values)))
			return false;
		change->old_values = &decoder->old_values->value;
	}
	if (kind != WIRE_DELETE)
	{
		if (!source_decode_row(decoder, shape, decoder->new_values))
			return false;
		change->new_values = &decoder->new_values->value;
	}
	return true;
}

static bool
source_decode_truncated(SourceDecoder *decoder)
{
	SourceShape *shape;
	uint32_t number;
	uint64_t ordinal;

	if (!wire_read_truncated(&decoder->reader, &number, &ordinal))
		return false;
	shape = source_decode_shape(decoder, number);
	if (shape == NULL || !source_decode_ordinal(decoder, ordinal))
		return false;
	decoder->truncated_left--;
	decoder->change.kind = CHANGE_TRUNCATE;
	decoder->change.old_row = OLD_NONE;
	decoder->change.relation = &shape->relation;
	decoder->change.transaction = &decoder->transaction;
	decoder->change.old_values = NULL;
	decoder->change.new_values = NULL;
	return true;
}

/* ---- transactions ---- */

static bool
source_decode_begin(SourceDecoder *decoder, const WireTransaction *wire)
{
	if (decoder->in_transaction)
		return wire_reader_fail(&decoder->reader, "a transaction begins inside another");
	if (wire->commit_lsn == LSN_INVALID || wire->end_lsn <= wire->commit_lsn)
		return wire_reader_fail(&decoder->reader, "a transaction has no position");
	decoder->in_transaction = true;
	decoder->fresh = true;
	decoder->next_ordinal = 0;
	decoder->transaction.xid = wire->xid;
	decoder->transaction.commit_lsn = wire->commit_lsn;
	decoder->transaction.end_lsn = wire->end_lsn;
	decoder->transaction.commit_time = wire->commit_time;
	decoder->transaction.origin = NULL;
	return true;
}

static bool
source_decode_commit(SourceDecoder *decoder, const WireTransaction *wire)
{
	const Transaction *open = &decoder->transaction;

	if (!decoder->in_transaction)
		return wire_reader_fail(&decoder->reader, "a commit lies outside a transaction");
	if (wire->xid != open->xid || wire->commit_lsn != open->commit_lsn ||
		wire->end_lsn != open->end_lsn || wire->commit_time != open->commit_time)
		return wire_reader_fail(&decoder->reader, "a commit differs from its begin");
	if (wire->changes < decoder->next_ordinal)
		return wire_reader_fail(&decoder->reader,
								"a transaction has more rows than its commit says");
	decoder->in_transaction = false;
	return true;
}

static bool
source_decode_origin(SourceDecoder *decoder, const WireOrigin *origin)
{
	if (!decoder->in_transaction || !decoder->fresh)
		return wire_reader_fail(&decoder->reader, "an origin is out of place");
	if (origin->name.length >= sizeof(decoder->origin) ||
		!source_utf8_valid(origin->name.data, origin->name.length))
		return wire_reader_fail(&decoder->reader,
								"an origin's name is too long or not valid UTF-8");
	memcpy(decoder->origin, origin->name.data, origin->name.length);
	decoder->origin[origin->name.length] = '\0';
	decoder->transaction.origin = decoder->origin;
	return true;
}

/* One message that is not a row. *event stays SOURCE_NOTHING when nobody above needs it. */
static bool
source_decode_message(SourceDecoder *decoder, const WireMessage *message, SourceEvent *event,
					  Err *err)
{
	switch (message->kind)
	{
		case WIRE_HELLO:
			if (decoder->greeted)
				return wire_reader_fail(&decoder->reader, "a second hello");
			decoder->greeted = true;
			return true;
		case WIRE_BEGIN:
			event->kind = SOURCE_BEGIN;
			event->transaction = &decoder->transaction;
			return source_decode_begin(decoder, &message->as.transaction);
		case WIRE_COMMIT:
			event->kind = SOURCE_COMMIT;
			event->transaction = &decoder->transaction;
			event->lsn = message->as.transaction.end_lsn;
			return source_decode_commit(decoder, &message->as.transaction);
		case WIRE_ORIGIN:
			return source_decode_origin(decoder, &message->as.origin);
		case WIRE_RELATION:
			return source_decode_relation(decoder, &message->as.relation, err);
		case WIRE_TRUNCATE:
			decoder->truncated_left = message->as.truncate.ntables;
			return true;
		case WIRE_LOGICAL:
			return true; /* not asked for, and anybody may write one (T7): not ours */
		default:
			return wire_reader_fail(&decoder->reader, "a message of unknown kind");
	}
}

bool
source_decode_next(SourceDecoder *decoder, SourceEvent *event, Err *err)
{
	WireMessage message;
	Err local;

	if (err == NULL)
		err = &local;
	err_clear(err);
	memset(event, 0, sizeof(*event));
	while (event->kind == SOURCE_NOTHING)
	{
		bool ok;

		if (decoder->truncated_left > 0)
		{
			ok = source_decode_truncated(decoder);
			message.kind = WIRE_INSERT; /* an event as for any change */
		}
		else
		{
			WireKind kind = wire_reader_next(&decoder->reader, &message);

			if (kind == WIRE_END)
				return true;
			if (kind == WIRE_ERROR)
				return source_decode_failed(decoder, err);
			if (!decoder->greeted && message.kind != WIRE_HELLO)
				ok = wire_reader_fail(&decoder->reader, "no hello");
			else if (message.kind == WIRE_INSERT || message.kind == WIRE_UPDATE ||
					 message.kind == WIRE_DELETE)
				ok = source_decode_change(decoder, message.kind, &message.as.row);
			else
				ok = source_decode_message(decoder, &message, event, err);
		}
		if (!ok)
			return source_decode_failed(decoder, err);
		if (message.kind == WIRE_INSERT || message.kind == WIRE_UPDATE ||
			message.kind == WIRE_DELETE)
		{
			event->kind = SOURCE_CHANGE;
			event->transaction = &decoder->transaction;
			event->change = &decoder->change;
		}
	}
	return true;
}
