/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_source_decode.c — any bytes as frames of the plugin, or as rows of a binary COPY.
 *
 * The first byte chooses. Frames: a byte of length in units of 4, then the frame, and so on,
 * so that state is carried over. Everything an event points to is touched.
 */
#include "source/source_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t fuzz_sink;

static void
fuzz_touch(const Value *values, size_t count)
{
	for (size_t i = 0; values != NULL && i < count; i++)
	{
		const uint8_t *bytes = values[i].as.bytes;
		size_t length = values[i].length;

		if (values[i].state != VALUE_PRESENT)
			continue;
		if (values[i].kind == VALUE_NUMERIC)
		{
			bytes = values[i].as.numeric.digits;
			length = 2 * (size_t) values[i].as.numeric.ndigits;
		}
		for (size_t j = 0; j < length; j++)
			fuzz_sink ^= bytes[j];
	}
}

static void
fuzz_frames(const uint8_t *data, size_t size)
{
	SourceDecoder decoder;
	SourceEvent event;
	bool ok = true;
	Err err;

	source_decode_init(&decoder, "fuzz");
	while (ok && size > 0)
	{
		size_t length = (size_t) data[0] * 4;

		data++;
		size--;
		if (length == 0 || length > size)
			length = size;
		source_decode_frame(&decoder, data, length);
		while ((ok = source_decode_next(&decoder, &event, &err)) && event.kind != SOURCE_NOTHING)
			if (event.kind == SOURCE_CHANGE)
			{
				fuzz_touch(event.change->new_values, event.change->relation->ncolumns);
				fuzz_touch(event.change->old_values, event.change->relation->ncolumns);
				fuzz_sink ^= (uint8_t) source_relation_hash(event.change->relation);
			}
		data += length;
		size -= length;
	}
	source_decode_release(&decoder);
}

static void
fuzz_copy(const uint8_t *data, size_t size)
{
	static const uint8_t kinds[] = {
		VALUE_BOOLEAN, VALUE_INTEGER,	VALUE_INTEGER,	   VALUE_INTEGER,
		VALUE_INTEGER, VALUE_FLOAT,		VALUE_FLOAT,	   VALUE_NUMERIC,
		VALUE_TEXT,	   VALUE_TEXT,		VALUE_BYTES,	   VALUE_DATE,
		VALUE_TIME,	   VALUE_TIMESTAMP, VALUE_TIMESTAMPTZ, VALUE_UUID};
	SourceShape *shape = source_relation_new(sizeof(kinds), NULL);
	Value values[sizeof(kinds)];
	const char *error;
	size_t used;
	bool end = false;

	if (shape == NULL)
		return;
	for (size_t i = 0; i < sizeof(kinds); i++)
	{
		shape->kinds[i] = kinds[i];
		shape->forms[i] = (uint8_t) i;
	}
	if (source_copy_header(data, size, &used, &error))
	{
		data += used;
		size -= used;
	}
	while (!end && source_copy_row(shape, data, size, values, &used, &end, &error))
	{
		if (!end)
			fuzz_touch(values, sizeof(kinds));
		data += used;
		size -= used;
	}
	source_relation_discard(shape);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if ((data[0] & 1) == 0)
		fuzz_frames(data + 1, size - 1);
	else
		fuzz_copy(data + 1, size - 1);
	return 0;
}
