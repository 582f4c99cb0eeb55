/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_read.c — primitive readers, stepping over a value, finding a field.
 *
 * Bytes come from files that anything may have written to: every length is
 * checked against what is left before it is used, and the work for one value is
 * bounded by its bytes.
 */
#include "encode/encode_priv.h"

static bool
bad_data(Err *err, const char *what)
{
	return err_set(err, ERR_CLASS_STOP, ERR_DATA, "could not read an Avro value: %s", what);
}

bool
encode_read_long(AvroReader *reader, int64_t *value, Err *err)
{
	uint64_t raw = 0;

	for (unsigned shift = 0; shift < 70; shift += 7)
	{
		uint8_t byte;

		if (reader->next == reader->end)
			return bad_data(err, "it ends within an integer");
		byte = *reader->next++;
		if (shift == 63 && byte > 1)
			break;
		raw |= (uint64_t) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
		{
			*value = (int64_t) (raw >> 1) ^ -(int64_t) (raw & 1);
			return true;
		}
	}
	return bad_data(err, "an integer has more than 64 bits");
}

bool
encode_read_fixed(AvroReader *reader, size_t length, const uint8_t **bytes, Err *err)
{
	if ((size_t) (reader->end - reader->next) < length)
		return bad_data(err, "it ends within a value");
	*bytes = reader->next;
	reader->next += length;
	return true;
}

bool
encode_read_bytes(AvroReader *reader, const uint8_t **bytes, size_t *length, Err *err)
{
	int64_t size;

	if (!encode_read_long(reader, &size, err))
		return false;
	if (size < 0 || size > reader->end - reader->next)
		return bad_data(err, "a text or byte string is longer than what is left");
	*length = (size_t) size;
	return encode_read_fixed(reader, *length, bytes, err);
}

bool
encode_read_index(const AvroSchema *schema, AvroReader *reader, uint32_t *index, Err *err)
{
	int64_t value;

	if (!encode_read_long(reader, &value, err))
		return false;
	if (value < 0 || value >= schema->count)
		return bad_data(err, schema->kind == AVRO_ENUM ? "an enum has no such symbol"
													   : "a union has no such branch");
	*index = (uint32_t) value;
	return true;
}

bool
encode_read_block(AvroReader *reader, int64_t *count, Err *err)
{
	int64_t size;

	if (!encode_read_long(reader, count, err))
		return false;
	if (*count >= 0)
		return true;
	/* a negative count is followed by the block's size in bytes, which we need not know */
	if (*count == INT64_MIN)
		return bad_data(err, "an array has an impossible length");
	*count = -*count;
	if (!encode_read_long(reader, &size, err))
		return false;
	return size >= 0 || bad_data(err, "an array's block has a negative size");
}

ReadBounds
encode_bounds(const AvroReader *reader)
{
	/* A sound value takes at most a few steps a byte; the rest is for types without bytes. */
	ReadBounds bounds = {65536 + 4 * (uint64_t) (reader->end - reader->next), 0};

	return bounds;
}

bool
encode_enter(ReadBounds *bounds, Err *err)
{
	if (bounds->depth >= ENCODE_MAX_DEPTH)
		return bad_data(err, "it is nested too deeply");
	if (bounds->steps == 0)
		return bad_data(err, "it holds too many values without bytes");
	bounds->depth++;
	bounds->steps--;
	return true;
}

static bool skip_items(const AvroSchema *schema, AvroReader *reader, ReadBounds *bounds, Err *err);

static bool
skip_value(const AvroSchema *schema, AvroReader *reader, ReadBounds *bounds, Err *err)
{
	const uint8_t *bytes;
	size_t length;
	int64_t number;
	uint32_t index;
	bool done = true;

	if (!encode_enter(bounds, err))
		return false;
	switch (schema->kind)
	{
		case AVRO_NULL:
			break;
		case AVRO_BOOLEAN:
			done = encode_read_fixed(reader, 1, &bytes, err);
			break;
		case AVRO_INT:
		case AVRO_LONG:
			done = encode_read_long(reader, &number, err);
			break;
		case AVRO_FLOAT:
			done = encode_read_fixed(reader, 4, &bytes, err);
			break;
		case AVRO_DOUBLE:
			done = encode_read_fixed(reader, 8, &bytes, err);
			break;
		case AVRO_BYTES:
		case AVRO_STRING:
			done = encode_read_bytes(reader, &bytes, &length, err);
			break;
		case AVRO_FIXED:
			done = encode_read_fixed(reader, schema->size, &bytes, err);
			break;
		case AVRO_ENUM:
			done = encode_read_index(schema, reader, &index, err);
			break;
		case AVRO_UNION:
			done = encode_read_index(schema, reader, &index, err) &&
				   skip_value(schema->children[index], reader, bounds, err);
			break;
		case AVRO_RECORD:
			for (uint32_t i = 0; done && i < schema->count; i++)
				done = skip_value(schema->children[i], reader, bounds, err);
			break;
		case AVRO_ARRAY:
		case AVRO_MAP:
			done = skip_items(schema, reader, bounds, err);
			break;
	}
	encode_leave(bounds);
	return done;
}

static bool
skip_items(const AvroSchema *schema, AvroReader *reader, ReadBounds *bounds, Err *err)
{
	const uint8_t *name;
	size_t length;
	int64_t count;

	do
	{
		if (!encode_read_block(reader, &count, err))
			return false;
		for (int64_t i = 0; i < count; i++)
		{
			if (schema->kind == AVRO_MAP && !encode_read_bytes(reader, &name, &length, err))
				return false;
			if (!skip_value(schema->children[0], reader, bounds, err))
				return false;
		}
	} while (count != 0);
	return true;
}

bool
encode_skip(const AvroSchema *schema, AvroReader *reader, Err *err)
{
	ReadBounds bounds = encode_bounds(reader);

	return skip_value(schema, reader, &bounds, err);
}

/* Takes the branch of a union, so that *schema is what the bytes hold. */
static bool
take_branch(const AvroSchema **schema, AvroReader *reader, Err *err)
{
	uint32_t index;

	if ((*schema)->kind != AVRO_UNION)
		return true;
	if (!encode_read_index(*schema, reader, &index, err))
		return false;
	*schema = (*schema)->children[index];
	return true;
}

bool
encode_find(const AvroSchema *schema, const AvroReader *record, const char *path,
			const AvroSchema **type, AvroReader *at, bool *found, Err *err)
{
	ReadBounds bounds = encode_bounds(record);

	*found = false;
	*at = *record;
	for (;;)
	{
		size_t length = strcspn(path, ".");
		uint32_t field = 0;

		if (!take_branch(&schema, at, err))
			return false;
		if (schema->kind != AVRO_RECORD)
			return true;
		while (field < schema->count && (strncmp(schema->names[field], path, length) != 0 ||
										 schema->names[field][length] != '\0'))
			field++;
		if (field == schema->count)
			return true;
		for (uint32_t i = 0; i < field; i++)
			if (!skip_value(schema->children[i], at, &bounds, err))
				return false;
		schema = schema->children[field];
		if (path[length] == '\0')
			break;
		path += length + 1;
	}
	if (!take_branch(&schema, at, err))
		return false;
	*type = schema;
	*found = true;
	return true;
}

bool
encode_find_text(const AvroSchema *schema, const AvroReader *record, const char *path,
				 const char **text, size_t *length, Err *err)
{
	const AvroSchema *type;
	const uint8_t *bytes;
	AvroReader at;
	uint32_t symbol;
	bool found;

	*text = NULL;
	*length = 0;
	if (!encode_find(schema, record, path, &type, &at, &found, err))
		return false;
	if (!found)
		return true;
	if (type->kind == AVRO_ENUM)
	{
		if (!encode_read_index(type, &at, &symbol, err))
			return false;
		*text = type->names[symbol];
		*length = strlen(*text);
	}
	else if (type->kind == AVRO_STRING)
	{
		if (!encode_read_bytes(&at, &bytes, length, err))
			return false;
		*text = (const char *) bytes;
	}
	return true;
}
