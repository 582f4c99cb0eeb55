/* SPDX-License-Identifier: PostgreSQL */
/*
 * wire_read.h — the part of reading wire.h's protocol that runs once per value, inline.
 *
 * Included by goldpan/wire.h only.
 */
#ifndef GOLDPAN_WIRE_READ_H
#define GOLDPAN_WIRE_READ_H

#ifndef GOLDPAN_WIRE_H
#error "include goldpan/wire.h instead"
#endif

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#define WIRE_LE16(x) __builtin_bswap16(x)
#define WIRE_LE32(x) __builtin_bswap32(x)
#define WIRE_LE64(x) __builtin_bswap64(x)
#define WIRE_BE16(x) (x)
#else
#define WIRE_LE16(x) (x)
#define WIRE_LE32(x) (x)
#define WIRE_LE64(x) (x)
#define WIRE_BE16(x) __builtin_bswap16(x)
#endif

/* For each tag the bytes it takes at least, itself included. */
extern const uint8_t wire_tag_length[WIRE_NTAGS];

bool wire_read_varint_slow(WireReader *reader, uint32_t *value);
bool wire_read_variable(WireReader *reader, uint8_t tag, WireValue *value);

static inline uint16_t
wire_get16(const uint8_t *at)
{
	uint16_t x;

	memcpy(&x, at, sizeof(x));
	return WIRE_LE16(x);
}

static inline uint32_t
wire_get32(const uint8_t *at)
{
	uint32_t x;

	memcpy(&x, at, sizeof(x));
	return WIRE_LE32(x);
}

static inline uint64_t
wire_get64(const uint8_t *at)
{
	uint64_t x;

	memcpy(&x, at, sizeof(x));
	return WIRE_LE64(x);
}

/* An instant of the wire as Unix microseconds; what does not fit becomes infinity. */
static inline int64_t
wire_unix_instant(int64_t instant)
{
	if (instant == INT64_MIN || instant > INT64_MAX - WIRE_EPOCH_MICROSECONDS)
		return instant < 0 ? INT64_MIN : INT64_MAX;
	return instant + WIRE_EPOCH_MICROSECONDS;
}

static inline int64_t
wire_unix_date(int32_t days)
{
	if (days == INT32_MAX)
		return INT64_MAX;
	if (days == INT32_MIN)
		return INT64_MIN;
	return (int64_t) days + WIRE_EPOCH_DAYS;
}

static inline bool WIRE_MUST_CHECK
wire_read_varint(WireReader *reader, uint32_t *value)
{
	if (reader->at < reader->end && *reader->at < 0x80)
	{
		*value = *reader->at++;
		return true;
	}
	return wire_read_varint_slow(reader, value);
}

/* How many values the row has that follows. */
static inline bool WIRE_MUST_CHECK
wire_read_row_size(WireReader *reader, uint32_t *nvalues)
{
	if (!wire_read_varint(reader, nvalues))
		return false;
	return *nvalues <= WIRE_MAX_COLUMNS || wire_reader_fail(reader, "row has too many values");
}

static inline bool WIRE_MUST_CHECK
wire_read_value(WireReader *reader, WireValue *value)
{
	const uint8_t *at = reader->at;
	size_t left = (size_t) (reader->end - at);
	uint8_t tag;
	float real;

	if (left == 0)
		return wire_reader_fail(reader, "frame ends inside a row");
	tag = *at++;
	if (tag >= WIRE_NTAGS)
		return wire_reader_fail(reader, "unknown value tag");
	if (left < wire_tag_length[tag])
		return wire_reader_fail(reader, "frame ends inside a value");
	value->state = WIRE_STATE_PRESENT;
	value->length = 0;
	switch ((WireTag) tag)
	{
		case WIRE_TAG_NULL:
			value->state = WIRE_STATE_NULL;
			break;
		case WIRE_TAG_UNCHANGED:
			value->state = WIRE_STATE_UNCHANGED;
			break;
		case WIRE_TAG_FALSE:
		case WIRE_TAG_TRUE:
			value->type = WIRE_TYPE_BOOLEAN;
			value->as.boolean = tag == WIRE_TAG_TRUE;
			break;
		case WIRE_TAG_INT2:
			value->type = WIRE_TYPE_INTEGER;
			value->as.integer = (int16_t) wire_get16(at);
			break;
		case WIRE_TAG_INT4:
			value->type = WIRE_TYPE_INTEGER;
			value->as.integer = (int32_t) wire_get32(at);
			break;
		case WIRE_TAG_INT8:
			value->type = WIRE_TYPE_INTEGER;
			value->as.integer = (int64_t) wire_get64(at);
			break;
		case WIRE_TAG_OID:
			value->type = WIRE_TYPE_INTEGER;
			value->as.integer = wire_get32(at);
			break;
		case WIRE_TAG_FLOAT4:
		{
			uint32_t bits = wire_get32(at);

			memcpy(&real, &bits, sizeof(real));
			value->type = WIRE_TYPE_FLOAT;
			value->as.real = (double) real;
			break;
		}
		case WIRE_TAG_FLOAT8:
		{
			uint64_t bits = wire_get64(at);

			value->type = WIRE_TYPE_FLOAT;
			memcpy(&value->as.real, &bits, sizeof(bits));
			break;
		}
		case WIRE_TAG_DATE:
			value->type = WIRE_TYPE_DATE;
			value->as.integer = wire_unix_date((int32_t) wire_get32(at));
			break;
		case WIRE_TAG_TIME:
			value->type = WIRE_TYPE_TIME;
			value->as.integer = (int64_t) wire_get64(at);
			break;
		case WIRE_TAG_TIMESTAMP:
		case WIRE_TAG_TIMESTAMPTZ:
			value->type = tag == WIRE_TAG_TIMESTAMP ? WIRE_TYPE_TIMESTAMP : WIRE_TYPE_TIMESTAMPTZ;
			value->as.integer = wire_unix_instant((int64_t) wire_get64(at));
			break;
		case WIRE_TAG_UUID:
			value->type = WIRE_TYPE_UUID;
			value->length = 16;
			value->as.bytes = at;
			break;
		case WIRE_TAG_TEXT:
			if (*at < 0x80 && left >= 2 + (size_t) *at)
			{
				value->type = WIRE_TYPE_TEXT;
				value->length = *at;
				value->as.text = (const char *) at + 1;
				reader->at = at + 1 + value->length;
				return true;
			}
			return wire_read_variable(reader, tag, value);
		default:
			return wire_read_variable(reader, tag, value);
	}
	reader->at += wire_tag_length[tag];
	return true;
}

#endif
