/* SPDX-License-Identifier: PostgreSQL */
/*
 * deadletter_value.c — a source value as the text a person would look for.
 *
 * Exact, not pretty: no rounding, no locale. Types that came as text pass as they are.
 */
#include "goldpan/deadletter.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "goldpan/clock.h"

static bool
deadletter_hex(const uint8_t *bytes, size_t length, Buffer *out, Err *err)
{
	static const char digits[] = "0123456789abcdef";

	if (!buffer_append_text(out, "\\x", err) || !buffer_reserve(out, 2 * length, err))
		return false;
	for (size_t i = 0; i < length; i++)
	{
		out->data[out->length++] = (uint8_t) digits[bytes[i] >> 4];
		out->data[out->length++] = (uint8_t) digits[bytes[i] & 15];
	}
	return true;
}

static bool
deadletter_uuid(const uint8_t *b, Buffer *out, Err *err)
{
	return buffer_printf(out, err,
						 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
						 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
						 b[12], b[13], b[14], b[15]);
}

static unsigned
deadletter_digit(const NumericValue *numeric, int position)
{
	if (position < 0 || position >= numeric->ndigits)
		return 0;
	return (unsigned) numeric->digits[2 * (size_t) position] << 8 |
		   numeric->digits[2 * (size_t) position + 1];
}

static bool
deadletter_numeric(const NumericValue *numeric, Buffer *out, Err *err)
{
	static const char *const special[] = {[NUMERIC_NAN] = "NaN",
										  [NUMERIC_PLUS_INFINITY] = "Infinity",
										  [NUMERIC_MINUS_INFINITY] = "-Infinity"};

	if (numeric->sign >= NUMERIC_NAN)
		return numeric->sign > NUMERIC_MINUS_INFINITY ||
			   buffer_append_text(out, special[numeric->sign], err);
	if (numeric->sign == NUMERIC_NEGATIVE && !buffer_append_byte(out, '-', err))
		return false;
	if (numeric->weight < 0 && !buffer_append_byte(out, '0', err))
		return false;
	for (int i = 0; i <= numeric->weight; i++)
		if (!buffer_printf(out, err, i == 0 ? "%u" : "%04u", deadletter_digit(numeric, i)))
			return false;
	if (numeric->dscale == 0)
		return true;
	if (!buffer_append_byte(out, '.', err))
		return false;
	for (int written = 0, i = numeric->weight + 1; written < numeric->dscale; written += 4, i++)
	{
		int left = numeric->dscale - written;
		char group[8];

		(void) snprintf(group, sizeof(group), "%04u", deadletter_digit(numeric, i) % 10000);
		if (!buffer_append(out, group, left < 4 ? (size_t) left : 4, err))
			return false;
	}
	return true;
}

static bool
deadletter_instant(const Value *value, Buffer *out, Err *err)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t instant = value->as.integer;
	size_t length;

	if (instant == VALUE_PLUS_INFINITY || instant == VALUE_MINUS_INFINITY)
		return buffer_append_text(out, instant > 0 ? "infinity" : "-infinity", err);
	if (value->kind == VALUE_TIME)
		return buffer_printf(out, err, "%02d:%02d:%02d.%06d", (int) (instant / INT64_C(3600000000)),
							 (int) (instant / 60000000 % 60), (int) (instant / 1000000 % 60),
							 (int) (instant % 1000000));
	if (value->kind == VALUE_DATE)
	{
		/* Dates go further than 64 bits of microseconds do. */
		if (instant > INT64_MAX / (86400 * CLOCK_SECOND) ||
			instant < INT64_MIN / (86400 * CLOCK_SECOND))
			return buffer_printf(out, err, "day %" PRId64 " since 1970-01-01", instant);
		instant *= 86400 * CLOCK_SECOND;
	}
	length = clock_format(instant, text);
	if (value->kind == VALUE_DATE)
		length -= sizeof("T00:00:00.000000Z") - 1;
	else if (value->kind == VALUE_TIMESTAMP)
		length -= 1; /* no zone is known */
	return buffer_append(out, text, length, err);
}

static bool
deadletter_float(double real, Buffer *out, Err *err)
{
	if (isnan(real))
		return buffer_append_text(out, "NaN", err);
	if (isinf(real))
		return buffer_append_text(out, real > 0 ? "Infinity" : "-Infinity", err);
	return buffer_printf(out, err, "%.17g", real);
}

bool
deadletter_value_text(const Value *value, Buffer *out, Err *err)
{
	switch ((ValueKind) value->kind)
	{
		case VALUE_BOOLEAN:
			return buffer_append_text(out, value->as.boolean ? "t" : "f", err);
		case VALUE_INTEGER:
			return buffer_printf(out, err, "%" PRId64, value->as.integer);
		case VALUE_FLOAT:
			return deadletter_float(value->as.real, out, err);
		case VALUE_NUMERIC:
			return deadletter_numeric(&value->as.numeric, out, err);
		case VALUE_TEXT:
			return buffer_append(out, value->as.text, value->length, err);
		case VALUE_BYTES:
			return deadletter_hex(value->as.bytes, value->length, out, err);
		case VALUE_UUID:
			return deadletter_uuid(value->as.bytes, out, err);
		case VALUE_DATE:
		case VALUE_TIME:
		case VALUE_TIMESTAMP:
		case VALUE_TIMESTAMPTZ:
			return deadletter_instant(value, out, err);
	}
	return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "unknown kind %d of a value", value->kind);
}
