/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_encode_json.c — any bytes read with any schema: the first line of the
 * input is the schema's text (or the name of a built-in one), the rest a value.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "goldpan/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
schema_of(const char *name, size_t *length)
{
	char text[32];
	const char *schema;

	if (*length >= sizeof(text))
		return name;
	memcpy(text, name, *length);
	text[*length] = '\0';
	schema = canonical_builtin_schema(text);
	if (schema == NULL)
		schema = encode_own_schema(text);
	if (schema == NULL)
		return name;
	*length = strlen(schema);
	return schema;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);
	size_t length = newline == NULL ? size : (size_t) (newline - data);
	const char *text = schema_of((const char *) data, &length);
	AvroReader reader = {newline == NULL ? data + size : newline + 1, data + size};
	AvroReader skip = reader;
	const AvroSchema *schema;
	const char *found;
	Arena arena;
	Buffer json;
	Err err;

	arena_init(&arena, (size_t) 16 << 20);
	buffer_init(&json, 1 << 20);
	schema = avro_schema_parse(&arena, text, length, &err);
	if (schema != NULL)
	{
		bool read = encode_read_json(schema, &reader, &json, &err);

		/* Stepping over checks less than reading, and both end at the same place. */
		if (encode_skip(schema, &skip, &err) ? read && skip.next != reader.next : read)
			abort();
		skip.next = newline == NULL ? data + size : newline + 1;
		if (!encode_find_text(schema, &skip, "meta.event_id", &found, &length, &err) && read)
			abort();
	}
	buffer_release(&json);
	arena_release(&arena);
	return 0;
}
