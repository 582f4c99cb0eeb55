/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_priv.h — what the files of encode/ share: the parsed schema, the
 * bounds, and unchecked writers for space that was reserved before.
 */
#ifndef GOLDPAN_ENCODE_PRIV_H
#define GOLDPAN_ENCODE_PRIV_H

#include "goldpan/encode.h"

#define ENCODE_MAX_SCHEMA_TEXT ((size_t) 1024 * 1024)
#define ENCODE_MAX_DEPTH	   64	/* of a schema and of a value */
#define ENCODE_MAX_NAMED_TYPES 2048 /* of one schema */
#define ENCODE_VARINT_SIZE	   10	/* most bytes of a long */

typedef enum AvroKind
{
	AVRO_NULL,
	AVRO_BOOLEAN,
	AVRO_INT,
	AVRO_LONG,
	AVRO_FLOAT,
	AVRO_DOUBLE,
	AVRO_BYTES,
	AVRO_STRING,
	AVRO_RECORD,
	AVRO_ENUM,
	AVRO_ARRAY,
	AVRO_MAP,
	AVRO_UNION,
	AVRO_FIXED,
} AvroKind;

typedef enum AvroLogical
{
	AVRO_PLAIN,
	AVRO_DECIMAL,
	AVRO_DATE,
	AVRO_TIME_MILLIS,
	AVRO_TIME_MICROS,
	AVRO_TIMESTAMP_MILLIS,
	AVRO_TIMESTAMP_MICROS,
	AVRO_LOCAL_TIMESTAMP_MILLIS,
	AVRO_LOCAL_TIMESTAMP_MICROS,
	AVRO_PG_LSN, /* a long of a field with goldpan.format "pg_lsn" */
} AvroLogical;

struct AvroSchema
{
	AvroKind kind;
	AvroLogical logical;
	const char *full_name; /* of record, enum, fixed */
	uint32_t precision;	   /* decimal */
	uint32_t scale;
	size_t size;	/* fixed */
	uint32_t count; /* record: fields; enum: symbols; union: branches; array, map: 1 */
	const char **names;
	const AvroSchema **children; /* of fields, branches, items or values */
};

/* What decoding one value may cost: text without bytes (records of records of
 * nothing, arrays of null) must not be able to keep the reader busy. */
typedef struct ReadBounds
{
	uint64_t steps;
	int depth;
} ReadBounds;

ReadBounds encode_bounds(const AvroReader *reader);

/* Takes one step down; encode_leave undoes the depth. Error: STOP ERR_DATA. */
bool encode_enter(ReadBounds *bounds, Err *err) MUST_CHECK;

static inline void
encode_leave(ReadBounds *bounds)
{
	bounds->depth--;
}

/* Reads `length` bytes. Error: STOP ERR_DATA. */
bool encode_read_fixed(AvroReader *reader, size_t length, const uint8_t **bytes,
					   Err *err) MUST_CHECK;
/* Reads the index of a union's branch or an enum's symbol. */
bool encode_read_index(const AvroSchema *schema, AvroReader *reader, uint32_t *index,
					   Err *err) MUST_CHECK;
/* Reads the head of the next block of an array or map; *count 0 ends it. */
bool encode_read_block(AvroReader *reader, int64_t *count, Err *err) MUST_CHECK;

static inline uint8_t *
encode_put_long(uint8_t *at, int64_t value)
{
	uint64_t rest = ((uint64_t) value << 1) ^ (uint64_t) (value >> 63);

	while (rest > 0x7f)
	{
		*at++ = (uint8_t) (rest | 0x80);
		rest >>= 7;
	}
	*at++ = (uint8_t) rest;
	return at;
}

/* Most texts are short, and a call of memcpy costs more than they do: two stores that may
 * overlap copy up to 32 bytes. */
static inline uint8_t *
encode_put_bytes(uint8_t *at, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;

	if (length > 32)
		memcpy(at, from, length);
	else if (length >= 16)
	{
		memcpy(at, from, 16);
		memcpy(at + length - 16, from + length - 16, 16);
	}
	else if (length >= 8)
	{
		memcpy(at, from, 8);
		memcpy(at + length - 8, from + length - 8, 8);
	}
	else if (length >= 4)
	{
		memcpy(at, from, 4);
		memcpy(at + length - 4, from + length - 4, 4);
	}
	else if (length > 0)
	{
		at[0] = from[0];
		at[length / 2] = from[length / 2];
		at[length - 1] = from[length - 1];
	}
	return at + length;
}

static inline uint8_t *
encode_put_string(uint8_t *at, const char *text, size_t length)
{
	return encode_put_bytes(encode_put_long(at, (int64_t) length), text, length);
}

#endif
