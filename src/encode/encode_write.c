/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_write.c — primitive writers, the key, the event id.
 */
#include "encode/encode_priv.h"

bool
encode_long(Buffer *out, int64_t value, Err *err)
{
	if (!buffer_reserve(out, ENCODE_VARINT_SIZE, err))
		return false;
	out->length = (size_t) (encode_put_long(out->data + out->length, value) - out->data);
	return true;
}

bool
encode_bytes(Buffer *out, const void *bytes, size_t length, Err *err)
{
	uint8_t *at;

	if (length > SIZE_MAX - ENCODE_VARINT_SIZE)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "could not encode %zu bytes", length);
	if (!buffer_reserve(out, ENCODE_VARINT_SIZE + length, err))
		return false;
	at = encode_put_long(out->data + out->length, (int64_t) length);
	at = encode_put_bytes(at, bytes, length);
	out->length = (size_t) (at - out->data);
	return true;
}

bool
encode_string(Buffer *out, const char *text, size_t length, Err *err)
{
	return encode_bytes(out, text, length, err);
}

bool
encode_optional_string(Buffer *out, const char *text, Err *err)
{
	if (text == NULL)
		return encode_long(out, 0, err);
	return encode_long(out, 1, err) && encode_string(out, text, strlen(text), err);
}

bool
encode_key(const char *source, const char *id, size_t id_length, Buffer *out, Err *err)
{
	return encode_string(out, source, strlen(source), err) &&
		   encode_string(out, id, id_length, err);
}

/* Writes a number in decimal; returns the end. */
static char *
put_decimal_digits(char *at, uint64_t value)
{
	char digits[20];
	unsigned count = 0;

	do
	{
		digits[count++] = (char) ('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (count > 0)
		*at++ = digits[--count];
	return at;
}

/* Writes 32 bits as eight upper-case hexadecimal digits, all at once; returns the end. */
static char *
put_hex(char *at, uint32_t value)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = value;
	uint64_t letters;

	/* one digit a byte, the first in the highest */
	x = (x << 16 | x) & UINT64_C(0x0000FFFF0000FFFF);
	x = (x << 8 | x) & UINT64_C(0x00FF00FF00FF00FF);
	x = (x << 4 | x) & UINT64_C(0x0F0F0F0F0F0F0F0F);
	letters = (x + 6 * ones) >> 4 & ones;
	x = __builtin_bswap64(x + '0' * ones + ('A' - '0' - 10) * letters);
	memcpy(at, &x, sizeof(x));
	return at + sizeof(x);
}

size_t
encode_event_id(const char *source, Lsn end_lsn, uint64_t ordinal, uint32_t sub,
				char text[EVENT_ID_SIZE])
{
	/* What follows the source needs at most 50 bytes, so an over-long name cannot cut it. */
	size_t length = strnlen(source, EVENT_ID_SIZE - 50);
	char *at = text;

	memcpy(at, source, length);
	at += length;
	*at++ = '/';
	at = put_hex(at, (uint32_t) (end_lsn >> 32));
	at = put_hex(at, (uint32_t) end_lsn);
	*at++ = '/';
	at = put_decimal_digits(at, ordinal);
	if (sub > 0)
	{
		*at++ = '.';
		at = put_decimal_digits(at, sub);
	}
	*at = '\0';
	return (size_t) (at - text);
}
