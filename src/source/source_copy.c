/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_copy.c — reads rows of COPY (FORMAT binary) into values.
 *
 * The binary output of PostgreSQL's types is what the plugin has on its wire, in the other
 * byte order; what has no kind of its own was printed by the query (source_snapshot.c). The
 * values are therefore the very ones that the stream gives for the same row. Bytes from a
 * server: every length is checked against what is left and against the column's form.
 */
#include "source_priv.h"

#include "goldpan/clock.h"

#define SOURCE_EPOCH_DAYS 10957 /* 2000-01-01 since 1970-01-01 */

static const uint8_t source_copy_signature[11] = "PGCOPY\n\377\r\n";

/* What the binary form takes; 0: any length. */
static const uint8_t source_form_size[] = {
	[SOURCE_FORM_BOOL] = 1,	   [SOURCE_FORM_INT2] = 2,		[SOURCE_FORM_INT4] = 4,
	[SOURCE_FORM_INT8] = 8,	   [SOURCE_FORM_OID] = 4,		[SOURCE_FORM_FLOAT4] = 4,
	[SOURCE_FORM_FLOAT8] = 8,  [SOURCE_FORM_NUMERIC] = 0,	[SOURCE_FORM_TEXT] = 0,
	[SOURCE_FORM_PRINTED] = 0, [SOURCE_FORM_BYTES] = 0,		[SOURCE_FORM_DATE] = 4,
	[SOURCE_FORM_TIME] = 8,	   [SOURCE_FORM_TIMESTAMP] = 8, [SOURCE_FORM_TIMESTAMPTZ] = 8,
	[SOURCE_FORM_UUID] = 16,
};

static uint16_t
source_be16(const uint8_t *at)
{
	return (uint16_t) (at[0] << 8 | at[1]);
}

static uint32_t
source_be32(const uint8_t *at)
{
	return (uint32_t) source_be16(at) << 16 | source_be16(at + 2);
}

static uint64_t
source_be64(const uint8_t *at)
{
	return (uint64_t) source_be32(at) << 32 | source_be32(at + 4);
}

bool
source_copy_header(const uint8_t *bytes, size_t length, size_t *used, const char **error)
{
	uint32_t extension;

	*error = "not a header of COPY (FORMAT binary)";
	if (length < 19 || memcmp(bytes, source_copy_signature, 11) != 0)
		return false;
	if ((source_be32(bytes + 11) & UINT32_C(0xffff0000)) != 0)
		return false; /* critical flags that nobody has defined yet */
	extension = source_be32(bytes + 15);
	if (extension > length - 19)
		return false;
	*used = 19 + (size_t) extension;
	return true;
}

static bool
source_copy_numeric(const uint8_t *at, uint32_t length, NumericValue *numeric)
{
	uint16_t sign;

	if (length < 8)
		return false;
	memset(numeric, 0, sizeof(*numeric));
	numeric->digits = at + 8;
	sign = source_be16(at + 4);
	switch (sign)
	{
		case 0x0000:
		case 0x4000:
			break;
		case 0xc000:
			numeric->sign = NUMERIC_NAN;
			return true;
		case 0xd000:
			numeric->sign = NUMERIC_PLUS_INFINITY;
			return true;
		case 0xf000:
			numeric->sign = NUMERIC_MINUS_INFINITY;
			return true;
		default:
			return false;
	}
	numeric->sign = sign == 0 ? NUMERIC_POSITIVE : NUMERIC_NEGATIVE;
	numeric->ndigits = source_be16(at);
	numeric->weight = (int16_t) source_be16(at + 2);
	numeric->dscale = source_be16(at + 6);
	if (length != 8 + 2 * (uint32_t) numeric->ndigits)
		return false;
	for (uint32_t i = 0; i < numeric->ndigits; i++)
		if (source_be16(numeric->digits + 2 * (size_t) i) > 9999)
			return false;
	return true;
}

static int64_t
source_copy_date(uint32_t wire)
{
	int32_t days = (int32_t) wire;

	if (days == INT32_MAX)
		return VALUE_PLUS_INFINITY;
	if (days == INT32_MIN)
		return VALUE_MINUS_INFINITY;
	return (int64_t) days + SOURCE_EPOCH_DAYS;
}

/* What does not fit becomes infinity, as in the stream. */
static int64_t
source_copy_instant(uint64_t wire)
{
	int64_t instant = (int64_t) wire;

	if (instant == INT64_MIN)
		return VALUE_MINUS_INFINITY;
	if (instant > INT64_MAX - CLOCK_POSTGRES_EPOCH)
		return VALUE_PLUS_INFINITY;
	return instant + CLOCK_POSTGRES_EPOCH;
}

static void
source_copy_fixed(SourceForm form, const uint8_t *at, Value *value)
{
	uint64_t bits64;
	uint32_t bits32;
	float real;

	switch (form)
	{
		case SOURCE_FORM_BOOL:
			value->as.boolean = at[0] != 0;
			break;
		case SOURCE_FORM_INT2:
			value->as.integer = (int16_t) source_be16(at);
			break;
		case SOURCE_FORM_INT4:
			value->as.integer = (int32_t) source_be32(at);
			break;
		case SOURCE_FORM_OID:
			value->as.integer = source_be32(at);
			break;
		case SOURCE_FORM_FLOAT4:
			bits32 = source_be32(at);
			memcpy(&real, &bits32, sizeof(real));
			value->as.real = (double) real;
			break;
		case SOURCE_FORM_FLOAT8:
			bits64 = source_be64(at);
			memcpy(&value->as.real, &bits64, sizeof(bits64));
			break;
		case SOURCE_FORM_DATE:
			value->as.integer = source_copy_date(source_be32(at));
			break;
		case SOURCE_FORM_TIMESTAMP:
		case SOURCE_FORM_TIMESTAMPTZ:
			value->as.integer = source_copy_instant(source_be64(at));
			break;
		case SOURCE_FORM_UUID:
			value->length = 16;
			value->as.bytes = at;
			break;
		case SOURCE_FORM_INT8:
		case SOURCE_FORM_TIME:
		default:
			value->as.integer = (int64_t) source_be64(at);
			break;
	}
}

static bool
source_copy_value(SourceForm form, const uint8_t *at, uint32_t length, Value *value,
				  const char **error)
{
	value->state = VALUE_PRESENT;
	value->length = 0;
	if (source_form_size[form] != 0)
	{
		*error = "a value has not the length of its type";
		if (length != source_form_size[form])
			return false;
		source_copy_fixed(form, at, value);
		return true;
	}
	if (form == SOURCE_FORM_NUMERIC)
	{
		*error = "a numeric is malformed";
		return source_copy_numeric(at, length, &value->as.numeric);
	}
	value->length = length;
	if (length > SOURCE_MAX_VALUE)
	{
		value->state = VALUE_WITHHELD;
		return true;
	}
	value->as.bytes = at;
	*error = "a text is not valid UTF-8";
	return form == SOURCE_FORM_BYTES || source_utf8_valid(at, length);
}

bool
source_copy_row(const SourceShape *shape, const uint8_t *bytes, size_t length, Value *values,
				size_t *used, bool *end, const char **error)
{
	const uint8_t *at = bytes;
	const uint8_t *limit = bytes + length;

	*end = false;
	*error = "a row ends before its values do";
	if (length < 2)
		return false;
	if (source_be16(at) == UINT16_MAX)
	{
		*end = true;
		*used = 2;
		return true;
	}
	if (source_be16(at) != shape->relation.ncolumns)
	{
		*error = "a row has another number of values than was asked for";
		return false;
	}
	at += 2;
	for (uint16_t i = 0; i < shape->relation.ncolumns; i++)
	{
		Value *value = &values[i];
		uint32_t size;

		memset(value, 0, sizeof(*value));
		value->kind = shape->kinds[i];
		*error = "a row ends before its values do";
		if (limit - at < 4)
			return false;
		size = source_be32(at);
		at += 4;
		if (size == UINT32_MAX)
			continue; /* null */
		if (size > (size_t) (limit - at))
			return false;
		if (!source_copy_value((SourceForm) shape->forms[i], at, size, value, error))
			return false;
		at += size;
	}
	*used = (size_t) (at - bytes);
	return true;
}
