/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_wire.c — any bytes as a frame: the reader stays inside and touches all it returns.
 */
#include <stdlib.h>

#include "goldpan/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void
touch(const void *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink ^= ((const uint8_t *) data)[i];
}

static bool
read_row(WireReader *reader)
{
	WireValue value;
	uint32_t n;

	if (!wire_read_row_size(reader, &n))
		return false;
	for (uint32_t i = 0; i < n; i++)
	{
		if (!wire_read_value(reader, &value))
			return false;
		if (value.state != WIRE_STATE_PRESENT)
			continue;
		if (value.type == WIRE_TYPE_TEXT || value.type == WIRE_TYPE_BYTES ||
			value.type == WIRE_TYPE_UUID)
			touch(value.as.bytes, value.length);
		else if (value.type == WIRE_TYPE_NUMERIC)
			touch(value.as.numeric.digits, 2 * (size_t) value.as.numeric.ndigits);
	}
	return true;
}

static bool
read_relation(WireReader *reader, const WireRelation *relation)
{
	WireColumn column;
	WireText label;

	touch(relation->name.data, relation->name.length);
	for (uint32_t i = 0; i < relation->ncolumns; i++)
	{
		if (!wire_read_column(reader, &column))
			return false;
		touch(column.base_type.data, column.base_type.length);
		for (uint32_t j = 0; j < column.nlabels; j++)
		{
			if (!wire_read_text(reader, &label))
				return false;
			touch(label.data, label.length);
		}
	}
	return true;
}

static bool
read_body(WireReader *reader, const WireMessage *message)
{
	uint32_t relation;
	uint64_t ordinal;
	bool old = message->as.row.old != WIRE_OLD_NONE;

	switch (message->kind)
	{
		case WIRE_RELATION:
			return read_relation(reader, &message->as.relation);
		case WIRE_INSERT:
			return read_row(reader);
		case WIRE_UPDATE:
			return (!old || read_row(reader)) && read_row(reader);
		case WIRE_DELETE:
			return !old || read_row(reader);
		case WIRE_TRUNCATE:
			for (uint32_t i = 0; i < message->as.truncate.ntables; i++)
			{
				if (!wire_read_truncated(reader, &relation, &ordinal))
					return false;
			}
			return true;
		case WIRE_LOGICAL:
			touch(message->as.logical.content.data, message->as.logical.content.length);
			return true;
		default:
			return true;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	WireReader reader;
	WireMessage message;

	wire_reader_init(&reader, data, size);
	while (wire_reader_next(&reader, &message) != WIRE_END)
	{
		if (message.kind == WIRE_ERROR || !read_body(&reader, &message))
		{
			if (reader.error == NULL)
				abort();
			break;
		}
	}
	return 0;
}
