/* SPDX-License-Identifier: PostgreSQL */
/*
 * wire_writer — writes messages of the plugin's protocol.
 *
 * Appends to the caller's buffer and never allocates. A writer that could not get room is
 * failed for good: it takes no more bytes, and its caller throws the frame away. Mirrors
 * wire_reader.
 */
#include "goldpan/wire.h"

#define MAX_VARINT 10

void
wire_writer_init(WireWriter *writer, void *buffer, size_t length)
{
	writer->start = buffer;
	writer->at = writer->start;
	writer->end = writer->start + length;
	writer->failed = false;
	writer->grow = NULL;
	writer->context = NULL;
}

bool
wire_writer_grow(WireWriter *writer, size_t need)
{
	if (!writer->failed && writer->grow != NULL && writer->grow(writer, need))
		return true;
	writer->failed = true;
	writer->end = writer->at;
	return false;
}

void
wire_put_text(WireWriter *writer, WireText text)
{
	if (!wire_reserve(writer, MAX_VARINT + (size_t) text.length))
		return;
	writer->at = wire_raw_varint(writer->at, text.length);
	if (text.length > 0)
		memcpy(writer->at, text.data, text.length);
	writer->at += text.length;
}

static int64_t
wire_server_instant(int64_t instant)
{
	if (instant < INT64_MIN + WIRE_EPOCH_MICROSECONDS)
		return INT64_MIN;
	return instant == INT64_MAX ? instant : instant - WIRE_EPOCH_MICROSECONDS;
}

void
wire_put_hello(WireWriter *writer, const WireHello *hello)
{
	if (!wire_reserve(writer, 2))
		return;
	*writer->at++ = WIRE_HELLO;
	*writer->at++ = hello->protocol;
	wire_put_text(writer, hello->plugin_version);
	if (!wire_reserve(writer, 4))
		return;
	writer->at = wire_raw32(writer->at, hello->server_version);
	wire_put_text(writer, hello->encoding);
}

static void
wire_put_transaction(WireWriter *writer, WireKind kind, const WireTransaction *transaction)
{
	uint8_t *at;

	if (!wire_reserve(writer, 1 + 4 + 3 * 8))
		return;
	at = writer->at;
	*at++ = (uint8_t) kind;
	at = wire_raw32(at, transaction->xid);
	at = wire_raw64(at, transaction->commit_lsn);
	at = wire_raw64(at, transaction->end_lsn);
	writer->at = wire_raw64(at, (uint64_t) wire_server_instant(transaction->commit_time));
}

void
wire_put_begin(WireWriter *writer, const WireTransaction *transaction)
{
	wire_put_transaction(writer, WIRE_BEGIN, transaction);
}

void
wire_put_commit(WireWriter *writer, const WireTransaction *transaction)
{
	wire_put_transaction(writer, WIRE_COMMIT, transaction);
	if (wire_reserve(writer, MAX_VARINT))
		writer->at = wire_raw_varint(writer->at, transaction->changes);
}

void
wire_put_origin(WireWriter *writer, const WireOrigin *origin)
{
	if (!wire_reserve(writer, 1 + 8))
		return;
	*writer->at++ = WIRE_ORIGIN;
	writer->at = wire_raw64(writer->at, origin->lsn);
	wire_put_text(writer, origin->name);
}

void
wire_put_relation(WireWriter *writer, const WireRelation *relation)
{
	if (!wire_reserve(writer, 1 + MAX_VARINT + 4 + 1))
		return;
	*writer->at++ = WIRE_RELATION;
	writer->at = wire_raw_varint(writer->at, relation->number);
	writer->at = wire_raw32(writer->at, relation->id);
	*writer->at++ = (uint8_t) relation->replica_identity;
	wire_put_text(writer, relation->schema);
	wire_put_text(writer, relation->name);
	wire_put_row_size(writer, relation->ncolumns);
}

void
wire_put_column(WireWriter *writer, const WireColumn *column)
{
	wire_put_text(writer, column->name);
	wire_put_text(writer, column->type_schema);
	wire_put_text(writer, column->type_name);
	wire_put_text(writer, column->base_type);
	if (!wire_reserve(writer, 4 + 1 + 1 + MAX_VARINT))
		return;
	writer->at = wire_raw32(writer->at, (uint32_t) column->typmod);
	*writer->at++ = column->type;
	*writer->at++ = column->flags;
	writer->at = wire_raw_varint(writer->at, column->nlabels);
}

void
wire_put_row(WireWriter *writer, WireKind kind, const WireRow *row)
{
	uint8_t *at;

	if (!wire_reserve(writer, 2 + 2 * MAX_VARINT))
		return;
	at = writer->at;
	*at++ = (uint8_t) kind;
	at = wire_raw_varint(at, row->relation);
	at = wire_raw_varint(at, row->ordinal);
	if (kind != WIRE_INSERT)
		*at++ = (uint8_t) row->old;
	writer->at = at;
}

void
wire_put_row_size(WireWriter *writer, uint32_t nvalues)
{
	if (wire_reserve(writer, MAX_VARINT))
		writer->at = wire_raw_varint(writer->at, nvalues);
}

void
wire_put_truncate(WireWriter *writer, const WireTruncate *truncate)
{
	if (!wire_reserve(writer, 2 + MAX_VARINT))
		return;
	*writer->at++ = WIRE_TRUNCATE;
	*writer->at++ = truncate->flags;
	writer->at = wire_raw_varint(writer->at, truncate->ntables);
}

void
wire_put_truncated(WireWriter *writer, uint32_t relation, uint64_t ordinal)
{
	if (!wire_reserve(writer, 2 * MAX_VARINT))
		return;
	writer->at = wire_raw_varint(writer->at, relation);
	writer->at = wire_raw_varint(writer->at, ordinal);
}

void
wire_put_logical(WireWriter *writer, const WireLogical *logical)
{
	if (!wire_reserve(writer, 2 + 8))
		return;
	*writer->at++ = WIRE_LOGICAL;
	*writer->at++ = logical->flags;
	writer->at = wire_raw64(writer->at, logical->lsn);
	wire_put_text(writer, logical->prefix);
	wire_put_text(writer, logical->content);
}

void
wire_put_withheld(WireWriter *writer, uint8_t reason, uint64_t length)
{
	if (!wire_reserve(writer, 2 + MAX_VARINT))
		return;
	*writer->at++ = WIRE_TAG_WITHHELD;
	*writer->at++ = reason;
	writer->at = wire_raw_varint(writer->at, length);
}

void
wire_put_numeric(WireWriter *writer, const WireNumeric *value, const void *digits)
{
	const uint8_t *from = digits;
	uint8_t *at;

	if (!wire_reserve(writer, 2 + 3 + 4 + 2 * (size_t) value->ndigits))
		return;
	at = writer->at;
	*at++ = WIRE_TAG_NUMERIC;
	*at++ = value->sign;
	at = wire_raw_varint(at, value->ndigits);
	at = wire_raw16(at, (uint16_t) value->weight);
	at = wire_raw16(at, value->dscale);
	for (unsigned i = 0; i < value->ndigits; i++)
	{
		uint16_t digit;

		memcpy(&digit, from + 2 * i, sizeof(digit));
		digit = WIRE_BE16(digit);
		memcpy(at, &digit, sizeof(digit));
		at += sizeof(digit);
	}
	writer->at = at;
}
