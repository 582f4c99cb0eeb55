/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_json.c — an Avro value as one line of JSON for people and jq.
 *
 * Unions appear without their branch names. What JSON cannot hold as a number
 * without loss is text: decimals, instants, NaN. Depth and work are bounded
 * as in encode_read.c, the output by the buffer's ceiling.
 */
#include "encode/encode_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "goldpan/clock.h"

#define DAY_SECONDS INT64_C(86400)

static bool json_value(const AvroSchema *schema, AvroReader *reader, ReadBounds *bounds,
					   Buffer *json, Err *err);

bool
encode_read_json(const AvroSchema *schema, AvroReader *reader, Buffer *json, Err *err)
{
	ReadBounds bounds = encode_bounds(reader);

	return json_value(schema, reader, &bounds, json, err);
}

/* Length of the well-formed UTF-8 character at `at`, or 0. */
static size_t
utf8_length(const uint8_t *at, size_t left)
{
	size_t length;
	uint32_t code;

	if (at[0] < 0x80)
		return 1;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (left < length)
		return 0;
	code = at[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
	{
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if ((length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) ||
		(length == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	return length;
}

static bool
json_escape(Buffer *json, uint8_t byte, Err *err)
{
	switch (byte)
	{
		case '"':
			return buffer_append(json, "\\\"", 2, err);
		case '\\':
			return buffer_append(json, "\\\\", 2, err);
		case '\n':
			return buffer_append(json, "\\n", 2, err);
		case '\r':
			return buffer_append(json, "\\r", 2, err);
		case '\t':
			return buffer_append(json, "\\t", 2, err);
		default:
			return buffer_printf(json, err, "\\u%04x", byte);
	}
}

/* Text in quotes. Bytes that are not UTF-8 are bad data: a JSON line must stay readable. */
static bool
json_text(Buffer *json, const uint8_t *text, size_t length, Err *err)
{
	size_t plain = 0; /* begin of what needs no escape */
	size_t i = 0;

	if (!buffer_append_byte(json, '"', err))
		return false;
	while (i < length)
	{
		size_t step = 1;

		if (text[i] >= 0x20 && text[i] != '"' && text[i] != '\\' && text[i] != 0x7f)
		{
			step = utf8_length(text + i, length - i);
			if (step == 0)
				return err_set(err, ERR_CLASS_STOP, ERR_DATA,
							   "could not read an Avro value: a text is not valid UTF-8");
		}
		else
		{
			if (!buffer_append(json, text + plain, i - plain, err) ||
				!json_escape(json, text[i], err))
				return false;
			plain = i + 1;
		}
		i += step;
	}
	return buffer_append(json, text + plain, length - plain, err) &&
		   buffer_append_byte(json, '"', err);
}

static bool
json_base64(Buffer *json, const uint8_t *bytes, size_t length, Err *err)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *at;

	if (!buffer_reserve(json, (length / 3 + 1) * 4 + 2, err))
		return false;
	at = json->data + json->length;
	*at++ = '"';
	for (size_t i = 0; i < length; i += 3)
	{
		uint32_t group = (uint32_t) bytes[i] << 16;

		if (i + 1 < length)
			group |= (uint32_t) bytes[i + 1] << 8;
		if (i + 2 < length)
			group |= bytes[i + 2];
		*at++ = (uint8_t) alphabet[group >> 18];
		*at++ = (uint8_t) alphabet[group >> 12 & 63];
		*at++ = i + 1 < length ? (uint8_t) alphabet[group >> 6 & 63] : '=';
		*at++ = i + 2 < length ? (uint8_t) alphabet[group & 63] : '=';
	}
	*at++ = '"';
	json->length = (size_t) (at - json->data);
	return true;
}

/* A decimal as a quoted number without superfluous zeros: "-0.05", "1200". */
static bool
json_decimal(const AvroSchema *schema, Buffer *json, const uint8_t *bytes, size_t length, Err *err)
{
	char digits[40 + 1001]; /* of 128 bits, or scale and the zero before the point */
	unsigned __int128 magnitude;
	unsigned __int128 raw = 0;
	unsigned count = 0;
	unsigned last = 0; /* lowest digit that is shown */
	bool negative = length > 0 && (bytes[0] & 0x80) != 0;

	if (length > sizeof(raw))
		return json_base64(json, bytes, length, err);
	if (negative)
		raw = ~raw;
	for (size_t i = 0; i < length; i++)
		raw = raw << 8 | bytes[i];
	magnitude = negative ? ~raw + 1 : raw;
	while (magnitude > 0 || count <= schema->scale)
	{
		digits[count++] = (char) ('0' + (int) (magnitude % 10));
		magnitude /= 10;
	}
	while (last < schema->scale && digits[last] == '0')
		last++;
	if (!buffer_reserve(json, count + 4, err))
		return false;
	json->data[json->length++] = '"';
	if (negative)
		json->data[json->length++] = '-';
	while (count > last)
	{
		if (count-- == schema->scale)
			json->data[json->length++] = '.';
		json->data[json->length++] = (uint8_t) digits[count];
	}
	json->data[json->length++] = '"';
	return true;
}

/* "5" becomes "5.0": else a reader takes it for an integer and "-0" loses its sign. */
static bool
json_real_text(Buffer *json, const char *text, Err *err)
{
	return buffer_append_text(json, text, err) &&
		   (strpbrk(text, ".e") != NULL || buffer_append_text(json, ".0", err));
}

static bool
json_double(Buffer *json, double value, int digits, Err *err)
{
	char text[40];

	if (isnan(value))
		return buffer_append_text(json, "\"NaN\"", err);
	if (isinf(value))
		return buffer_append_text(json, value > 0 ? "\"Infinity\"" : "\"-Infinity\"", err);
	/* the shortest text that reads back as the same number */
	for (; digits < 17; digits++)
	{
		(void) snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	(void) snprintf(text, sizeof(text), "%.*g", digits, value);
	return json_real_text(json, text, err);
}

static bool
json_float(Buffer *json, float value, Err *err)
{
	char text[40];

	if (!isfinite(value))
		return json_double(json, (double) value, 6, err);
	for (int digits = 6; digits <= 9; digits++)
	{
		(void) snprintf(text, sizeof(text), "%.*g", digits, (double) value);
		if (strtof(text, NULL) == value)
			break;
	}
	return json_real_text(json, text, err);
}

/* An instant or wall clock in microseconds, quoted; `zone` "Z" or "". */
static bool
json_instant(Buffer *json, int64_t micros, const char *zone, Err *err)
{
	char text[CLOCK_TEXT_SIZE];
	size_t length = clock_format(micros, text);

	return buffer_printf(json, err, "\"%.*s%s\"", (int) length - 1, text, zone);
}

static bool
json_time(Buffer *json, int64_t micros, Err *err)
{
	int64_t seconds = micros / CLOCK_SECOND;

	if (micros < 0 || micros > DAY_SECONDS * CLOCK_SECOND)
		return buffer_printf(json, err, "%lld", (long long) micros);
	return buffer_printf(json, err, "\"%02d:%02d:%02d.%06d\"", (int) (seconds / 3600),
						 (int) (seconds / 60 % 60), (int) (seconds % 60),
						 (int) (micros % CLOCK_SECOND));
}

/* An int or long by its logical type; what does not fit the calendar is a number. */
static bool
json_integer(const AvroSchema *schema, Buffer *json, int64_t value, Err *err)
{
	char text[CLOCK_TEXT_SIZE];
	char lsn[LSN_TEXT_SIZE];
	int64_t micros = value;
	size_t length;

	switch (schema->logical)
	{
		case AVRO_DATE:
			if (__builtin_mul_overflow(value, DAY_SECONDS * CLOCK_SECOND, &micros))
				break;
			(void) clock_format(micros, text);
			length = strcspn(text, "T");
			return buffer_printf(json, err, "\"%.*s\"", (int) length, text);
		case AVRO_TIME_MILLIS:
			return json_time(json, value * 1000, err);
		case AVRO_TIME_MICROS:
			return json_time(json, value, err);
		case AVRO_TIMESTAMP_MILLIS:
		case AVRO_LOCAL_TIMESTAMP_MILLIS:
			if (__builtin_mul_overflow(value, INT64_C(1000), &micros))
				break;
			return json_instant(json, micros, schema->logical == AVRO_TIMESTAMP_MILLIS ? "Z" : "",
								err);
		case AVRO_TIMESTAMP_MICROS:
			return json_instant(json, micros, "Z", err);
		case AVRO_LOCAL_TIMESTAMP_MICROS:
			return json_instant(json, micros, "", err);
		case AVRO_PG_LSN:
			return buffer_printf(json, err, "\"%s\"", lsn_format((Lsn) value, lsn));
		case AVRO_PLAIN:
		case AVRO_DECIMAL:
			break;
	}
	return buffer_printf(json, err, "%lld", (long long) value);
}

static bool
json_bytes(const AvroSchema *schema, AvroReader *reader, Buffer *json, Err *err)
{
	const uint8_t *bytes;
	size_t length = schema->size;

	if (!(schema->kind == AVRO_FIXED ? encode_read_fixed(reader, length, &bytes, err)
									 : encode_read_bytes(reader, &bytes, &length, err)))
		return false;
	if (schema->kind == AVRO_STRING)
		return json_text(json, bytes, length, err);
	if (schema->logical == AVRO_DECIMAL)
		return json_decimal(schema, json, bytes, length, err);
	return json_base64(json, bytes, length, err);
}

static bool
json_number(const AvroSchema *schema, AvroReader *reader, Buffer *json, Err *err)
{
	const uint8_t *bytes;
	int64_t integer;
	double real;
	float small;

	switch (schema->kind)
	{
		case AVRO_FLOAT:
			if (!encode_read_fixed(reader, sizeof(small), &bytes, err))
				return false;
			memcpy(&small, bytes, sizeof(small));
			return json_float(json, small, err);
		case AVRO_DOUBLE:
			if (!encode_read_fixed(reader, sizeof(real), &bytes, err))
				return false;
			memcpy(&real, bytes, sizeof(real));
			return json_double(json, real, 15, err);
		default:
			if (!encode_read_long(reader, &integer, err))
				return false;
			if (schema->kind == AVRO_INT && integer != (int32_t) integer)
				return err_set(err, ERR_CLASS_STOP, ERR_DATA,
							   "could not read an Avro value: an int has more than 32 bits");
			return json_integer(schema, json, integer, err);
	}
}

static bool
json_record(const AvroSchema *schema, AvroReader *reader, ReadBounds *bounds, Buffer *json,
			Err *err)
{
	for (uint32_t i = 0; i < schema->count; i++)
	{
		if (!buffer_append_byte(json, i == 0 ? '{' : ',', err) ||
			!json_text(json, (const uint8_t *) schema->names[i], strlen(schema->names[i]), err) ||
			!buffer_append_byte(json, ':', err) ||
			!json_value(schema->children[i], reader, bounds, json, err))
			return false;
	}
	return buffer_append_text(json, schema->count == 0 ? "{}" : "}", err);
}

/* An array or a map. */
static bool
json_items(const AvroSchema *schema, AvroReader *reader, ReadBounds *bounds, Buffer *json, Err *err)
{
	bool map = schema->kind == AVRO_MAP;
	bool first = true;
	const uint8_t *name;
	size_t length;
	int64_t count;

	if (!buffer_append_byte(json, map ? '{' : '[', err))
		return false;
	do
	{
		if (!encode_read_block(reader, &count, err))
			return false;
		for (int64_t i = 0; i < count; i++)
		{
			if (!first && !buffer_append_byte(json, ',', err))
				return false;
			first = false;
			if (map && (!encode_read_bytes(reader, &name, &length, err) ||
						!json_text(json, name, length, err) || !buffer_append_byte(json, ':', err)))
				return false;
			if (!json_value(schema->children[0], reader, bounds, json, err))
				return false;
		}
	} while (count != 0);
	return buffer_append_byte(json, map ? '}' : ']', err);
}

static bool
json_value(const AvroSchema *schema, AvroReader *reader, ReadBounds *bounds, Buffer *json, Err *err)
{
	const uint8_t *bytes;
	uint32_t index;
	bool done = false;

	if (!encode_enter(bounds, err))
		return false;
	switch (schema->kind)
	{
		case AVRO_NULL:
			done = buffer_append_text(json, "null", err);
			break;
		case AVRO_BOOLEAN:
			if (!encode_read_fixed(reader, 1, &bytes, err))
				break;
			if (bytes[0] > 1)
				(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
							   "could not read an Avro value: a boolean is neither 0 nor 1");
			else
				done = buffer_append_text(json, bytes[0] == 1 ? "true" : "false", err);
			break;
		case AVRO_INT:
		case AVRO_LONG:
		case AVRO_FLOAT:
		case AVRO_DOUBLE:
			done = json_number(schema, reader, json, err);
			break;
		case AVRO_BYTES:
		case AVRO_STRING:
		case AVRO_FIXED:
			done = json_bytes(schema, reader, json, err);
			break;
		case AVRO_ENUM:
			done = encode_read_index(schema, reader, &index, err) &&
				   json_text(json, (const uint8_t *) schema->names[index],
							 strlen(schema->names[index]), err);
			break;
		case AVRO_UNION:
			done = encode_read_index(schema, reader, &index, err) &&
				   json_value(schema->children[index], reader, bounds, json, err);
			break;
		case AVRO_RECORD:
			done = json_record(schema, reader, bounds, json, err);
			break;
		case AVRO_ARRAY:
		case AVRO_MAP:
			done = json_items(schema, reader, bounds, json, err);
			break;
	}
	encode_leave(bounds);
	return done;
}
