/* SPDX-License-Identifier: PostgreSQL */
/*
 * wire_reader — reads frames of the plugin's protocol.
 *
 * Everything a frame says is checked before it is believed: each length against what is left
 * of the frame, each count against its limit, each enumeration against its values. The first
 * mistake sets the error state, in which every further read fails. Mirrors wire_writer.
 */
#include "goldpan/wire.h"

const uint8_t wire_tag_length[WIRE_NTAGS] = {
	[WIRE_TAG_NULL] = 1,   [WIRE_TAG_UNCHANGED] = 1, [WIRE_TAG_WITHHELD] = 3,
	[WIRE_TAG_FALSE] = 1,  [WIRE_TAG_TRUE] = 1,		 [WIRE_TAG_INT2] = 3,
	[WIRE_TAG_INT4] = 5,   [WIRE_TAG_INT8] = 9,		 [WIRE_TAG_OID] = 5,
	[WIRE_TAG_FLOAT4] = 5, [WIRE_TAG_FLOAT8] = 9,	 [WIRE_TAG_NUMERIC] = 7,
	[WIRE_TAG_TEXT] = 2,   [WIRE_TAG_BYTES] = 2,	 [WIRE_TAG_DATE] = 5,
	[WIRE_TAG_TIME] = 9,   [WIRE_TAG_TIMESTAMP] = 9, [WIRE_TAG_TIMESTAMPTZ] = 9,
	[WIRE_TAG_UUID] = 17,
};

/* How many bytes the smallest of a thing takes: no count is believed that cannot fit. */
#define MIN_COLUMN_BYTES 11
#define MIN_LABEL_BYTES	 1
#define MIN_TRUNCATED	 2

void
wire_reader_init(WireReader *reader, const void *frame, size_t length)
{
	reader->start = frame;
	reader->at = reader->start;
	reader->end = reader->start + length;
	reader->error = NULL;
}

bool
wire_reader_fail(WireReader *reader, const char *error)
{
	if (reader->error == NULL)
		reader->error = error;
	/* Nothing is left to read, whichever function is called next; `at` shows where it was. */
	reader->end = reader->at;
	return false;
}

static size_t
wire_left(const WireReader *reader)
{
	return (size_t) (reader->end - reader->at);
}

static bool
wire_need(WireReader *reader, size_t bytes)
{
	if (wire_left(reader) >= bytes)
		return true;
	return wire_reader_fail(reader, "frame ends inside a message");
}

static bool
wire_read_u8(WireReader *reader, uint8_t *value)
{
	if (!wire_need(reader, 1))
		return false;
	*value = *reader->at++;
	return true;
}

static bool
wire_read_u32(WireReader *reader, uint32_t *value)
{
	if (!wire_need(reader, 4))
		return false;
	*value = wire_get32(reader->at);
	reader->at += 4;
	return true;
}

static bool
wire_read_u64(WireReader *reader, uint64_t *value)
{
	if (!wire_need(reader, 8))
		return false;
	*value = wire_get64(reader->at);
	reader->at += 8;
	return true;
}

static bool
wire_read_varint64(WireReader *reader, uint64_t *value)
{
	const uint8_t *at = reader->at;
	uint64_t x = 0;

	for (unsigned shift = 0; shift < 64; shift += 7)
	{
		uint8_t byte;

		if (at == reader->end)
			return wire_reader_fail(reader, "frame ends inside a number");
		byte = *at++;
		if (shift == 63 && byte > 1)
			break;
		x |= (uint64_t) (byte & 0x7f) << shift;
		if (byte < 0x80)
		{
			*value = x;
			reader->at = at;
			return true;
		}
	}
	return wire_reader_fail(reader, "number is too large");
}

bool
wire_read_varint_slow(WireReader *reader, uint32_t *value)
{
	const uint8_t *before = reader->at;
	uint64_t x;

	if (!wire_read_varint64(reader, &x))
		return false;
	if (x > UINT32_MAX || reader->at - before > 5)
	{
		reader->at = before;
		return wire_reader_fail(reader, "number is too large");
	}
	*value = (uint32_t) x;
	return true;
}

/* A count of things of at least `smallest` bytes each. */
static bool
wire_read_count(WireReader *reader, uint32_t limit, size_t smallest, uint32_t *count)
{
	if (!wire_read_varint(reader, count))
		return false;
	if (*count > limit)
		return wire_reader_fail(reader, "count is over its limit");
	if (*count > wire_left(reader) / smallest)
		return wire_reader_fail(reader, "frame ends before what it announces");
	return true;
}

static bool
wire_read_flags(WireReader *reader, uint8_t known, uint8_t *flags)
{
	if (!wire_read_u8(reader, flags))
		return false;
	return (*flags & ~known) == 0 || wire_reader_fail(reader, "unknown flag");
}

bool
wire_read_text(WireReader *reader, WireText *text)
{
	if (!wire_read_varint(reader, &text->length) || !wire_need(reader, text->length))
		return false;
	text->data = (const char *) reader->at;
	reader->at += text->length;
	return true;
}

static bool
wire_read_hello(WireReader *reader, WireHello *hello)
{
	if (!wire_read_u8(reader, &hello->protocol))
		return false;
	if (hello->protocol != WIRE_PROTOCOL_VERSION)
		return wire_reader_fail(reader, "unknown protocol version");
	return wire_read_text(reader, &hello->plugin_version) &&
		   wire_read_u32(reader, &hello->server_version) &&
		   wire_read_text(reader, &hello->encoding);
}

static bool
wire_read_transaction(WireReader *reader, WireTransaction *transaction)
{
	uint64_t instant;

	transaction->changes = 0;
	if (!wire_read_u32(reader, &transaction->xid) ||
		!wire_read_u64(reader, &transaction->commit_lsn) ||
		!wire_read_u64(reader, &transaction->end_lsn) || !wire_read_u64(reader, &instant))
		return false;
	transaction->commit_time = wire_unix_instant((int64_t) instant);
	return true;
}

static bool
wire_read_relation_number(WireReader *reader, uint32_t *number)
{
	if (!wire_read_varint(reader, number))
		return false;
	return *number < WIRE_MAX_RELATIONS || wire_reader_fail(reader, "relation number is too large");
}

static bool
wire_read_relation(WireReader *reader, WireRelation *relation)
{
	uint8_t identity;

	if (!wire_read_relation_number(reader, &relation->number) ||
		!wire_read_u32(reader, &relation->id) || !wire_read_u8(reader, &identity))
		return false;
	relation->replica_identity = (char) identity;
	if (identity != 'd' && identity != 'n' && identity != 'f' && identity != 'i')
		return wire_reader_fail(reader, "unknown replica identity");
	return wire_read_text(reader, &relation->schema) && wire_read_text(reader, &relation->name) &&
		   wire_read_count(reader, WIRE_MAX_COLUMNS, MIN_COLUMN_BYTES, &relation->ncolumns);
}

bool
wire_read_column(WireReader *reader, WireColumn *column)
{
	uint32_t typmod;

	if (!wire_read_text(reader, &column->name) || !wire_read_text(reader, &column->type_schema) ||
		!wire_read_text(reader, &column->type_name) ||
		!wire_read_text(reader, &column->base_type) || !wire_read_u32(reader, &typmod) ||
		!wire_read_u8(reader, &column->type))
		return false;
	column->typmod = (int32_t) typmod;
	if (column->type >= WIRE_NTYPES)
		return wire_reader_fail(reader, "unknown value kind");
	return wire_read_flags(reader, WIRE_COLUMN_KEY | WIRE_COLUMN_PRIMARY_KEY | WIRE_COLUMN_NOT_NULL,
						   &column->flags) &&
		   wire_read_count(reader, WIRE_MAX_LABELS, MIN_LABEL_BYTES, &column->nlabels);
}

static bool
wire_read_row(WireReader *reader, WireKind kind, WireRow *row)
{
	uint8_t old = WIRE_OLD_NONE;

	if (!wire_read_relation_number(reader, &row->relation) ||
		!wire_read_varint64(reader, &row->ordinal))
		return false;
	if (kind != WIRE_INSERT && !wire_read_u8(reader, &old))
		return false;
	if (old > WIRE_OLD_FULL)
		return wire_reader_fail(reader, "unknown form of an old row");
	row->old = (WireOld) old;
	return true;
}

bool
wire_read_truncated(WireReader *reader, uint32_t *relation, uint64_t *ordinal)
{
	return wire_read_relation_number(reader, relation) && wire_read_varint64(reader, ordinal);
}

static bool
wire_read_logical(WireReader *reader, WireLogical *logical)
{
	return wire_read_flags(reader, WIRE_LOGICAL_TRANSACTIONAL, &logical->flags) &&
		   wire_read_u64(reader, &logical->lsn) && wire_read_text(reader, &logical->prefix) &&
		   wire_read_text(reader, &logical->content);
}

static bool
wire_read_head(WireReader *reader, WireMessage *message)
{
	switch (message->kind)
	{
		case WIRE_HELLO:
			return wire_read_hello(reader, &message->as.hello);
		case WIRE_BEGIN:
			return wire_read_transaction(reader, &message->as.transaction);
		case WIRE_COMMIT:
			return wire_read_transaction(reader, &message->as.transaction) &&
				   wire_read_varint64(reader, &message->as.transaction.changes);
		case WIRE_ORIGIN:
			return wire_read_u64(reader, &message->as.origin.lsn) &&
				   wire_read_text(reader, &message->as.origin.name);
		case WIRE_RELATION:
			return wire_read_relation(reader, &message->as.relation);
		case WIRE_INSERT:
		case WIRE_UPDATE:
		case WIRE_DELETE:
			return wire_read_row(reader, message->kind, &message->as.row);
		case WIRE_TRUNCATE:
			return wire_read_flags(reader, WIRE_TRUNCATE_CASCADE | WIRE_TRUNCATE_RESTART,
								   &message->as.truncate.flags) &&
				   wire_read_count(reader, UINT32_MAX, MIN_TRUNCATED,
								   &message->as.truncate.ntables);
		case WIRE_LOGICAL:
			return wire_read_logical(reader, &message->as.logical);
		case WIRE_END:
		case WIRE_ERROR:
			break;
	}
	/* The kind itself is what cannot be read. */
	reader->at--;
	return wire_reader_fail(reader, "unknown message kind");
}

WireKind
wire_reader_next(WireReader *reader, WireMessage *message)
{
	message->kind = WIRE_ERROR;
	if (reader->error != NULL)
		return WIRE_ERROR;
	if (reader->at == reader->end)
		message->kind = WIRE_END;
	else
	{
		message->kind = (WireKind) *reader->at++;
		if (!wire_read_head(reader, message))
			message->kind = WIRE_ERROR;
	}
	return message->kind;
}

static bool
wire_read_numeric(WireReader *reader, WireValue *value)
{
	WireNumeric *numeric = &value->as.numeric;
	uint32_t ndigits;

	numeric->sign = *reader->at++;
	numeric->reserved = 0;
	if (numeric->sign > 4)
		return wire_reader_fail(reader, "unknown sign of a numeric");
	if (!wire_read_varint(reader, &ndigits))
		return false;
	if (ndigits > UINT16_MAX)
		return wire_reader_fail(reader, "numeric has too many digits");
	if (!wire_need(reader, 4 + 2 * (size_t) ndigits))
		return false;
	numeric->ndigits = (uint16_t) ndigits;
	numeric->weight = (int16_t) wire_get16(reader->at);
	numeric->dscale = wire_get16(reader->at + 2);
	numeric->digits = reader->at + 4;
	for (uint32_t i = 0; i < ndigits; i++)
	{
		if ((numeric->digits[2 * i] << 8 | numeric->digits[2 * i + 1]) > 9999)
			return wire_reader_fail(reader, "digit of a numeric is too large");
	}
	reader->at += 4 + 2 * (size_t) ndigits;
	return true;
}

static bool
wire_read_withheld(WireReader *reader, WireValue *value)
{
	uint64_t length;

	value->state = WIRE_STATE_WITHHELD;
	value->type = *reader->at++;
	if (value->type != WIRE_WITHHELD_POLICY && value->type != WIRE_WITHHELD_TOO_LARGE)
		return wire_reader_fail(reader, "unknown reason to withhold a value");
	if (!wire_read_varint64(reader, &length))
		return false;
	value->length = length > UINT32_MAX ? UINT32_MAX : (uint32_t) length;
	return true;
}

/* The values of no fixed size; wire_read_value has seen that the shortest form is there. */
bool
wire_read_variable(WireReader *reader, uint8_t tag, WireValue *value)
{
	WireText text;

	reader->at++;
	switch (tag)
	{
		case WIRE_TAG_WITHHELD:
			return wire_read_withheld(reader, value);
		case WIRE_TAG_NUMERIC:
			value->type = WIRE_TYPE_NUMERIC;
			return wire_read_numeric(reader, value);
		default:
			value->type = tag == WIRE_TAG_TEXT ? WIRE_TYPE_TEXT : WIRE_TYPE_BYTES;
			if (!wire_read_text(reader, &text))
				return false;
			value->length = text.length;
			value->as.text = text.data;
			return true;
	}
}
