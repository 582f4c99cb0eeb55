/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_number.c — numbers to decimal(38,9) and to text, never rounded.
 *
 * A value with more than nine decimals or more than 38 digits is a bad value,
 * not a shorter one. All in integers: no number passes through a double.
 */
#include "mapping/mapping_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const mapping_number_decimals = "it has more than 9 decimals";
static const char *const mapping_number_digits = "it has more than 38 digits";
static const char *const mapping_number_syntax = "it is not a number";

/* 10^38 - 1; a macro, so that its quotients are constants and not 128-bit divisions */
#define NUMBER_TEN_19 ((unsigned __int128) UINT64_C(10000000000000000000))
#define NUMBER_MAX	  (NUMBER_TEN_19 * NUMBER_TEN_19 - 1)

/* value * 10^power, power may be negative; NULL or the reason why not. */
static const char *
mapping_number_shift(unsigned __int128 *value, int power)
{

	if (*value == 0)
		return NULL;
	for (; power < 0; power++)
	{
		if (*value % 10 != 0)
			return mapping_number_decimals;
		*value /= 10;
	}
	for (; power > 0; power--)
	{
		if (*value > NUMBER_MAX / 10)
			return mapping_number_digits;
		*value *= 10;
	}
	return NULL;
}

typedef struct NumberText
{
	const char *next;
	const char *end;
	unsigned __int128 value; /* significant digits */
	int zeros;				 /* zeros after them that do not count yet */
	int power;				 /* of ten to multiply by */
	int ndigits;
	bool overflow;
	bool negative;
} NumberText;

static void
mapping_number_digit(NumberText *number, int digit, bool fraction)
{
	number->ndigits++;
	if (fraction)
		number->power--;
	if (digit == 0)
	{
		if (number->value != 0)
			number->zeros++;
		return;
	}
	if (mapping_number_shift(&number->value, number->zeros + 1) != NULL)
	{
		number->overflow = true;
		return;
	}
	number->value += (unsigned) digit;
	number->zeros = 0;
}

/* Digits with a group mark between them, and a fraction. */
static bool
mapping_number_mantissa(NumberText *number, char decimal_mark, char group_mark)
{
	bool fraction = false;

	for (; number->next < number->end; number->next++)
	{
		char c = *number->next;

		if (c >= '0' && c <= '9')
			mapping_number_digit(number, c - '0', fraction);
		else if (c == decimal_mark && !fraction)
			fraction = true;
		else if (group_mark != '\0' && c == group_mark && !fraction && number->ndigits > 0 &&
				 number->end - number->next >= 4)
		{
			/* a group is three digits and then no fourth */
			for (int i = 1; i <= 3; i++)
				if (number->next[i] < '0' || number->next[i] > '9')
					return false;
			if (number->end - number->next > 4 && number->next[4] >= '0' && number->next[4] <= '9')
				return false;
		}
		else
			break;
	}
	return number->ndigits > 0;
}

static bool
mapping_number_exponent(NumberText *number)
{
	bool negative = false;
	int exponent = 0;
	int ndigits = 0;

	if (number->next == number->end)
		return true;
	if (*number->next != 'e' && *number->next != 'E')
		return false;
	number->next++;
	if (number->next < number->end && (*number->next == '-' || *number->next == '+'))
		negative = *number->next++ == '-';
	for (; number->next < number->end; number->next++, ndigits++)
	{
		if (*number->next < '0' || *number->next > '9')
			return false;
		if (exponent < 100000)
			exponent = exponent * 10 + (*number->next - '0');
	}
	number->power += negative ? -exponent : exponent;
	return ndigits > 0;
}

const char *
mapping_number_parse(const char *text, size_t length, int scale, char decimal_mark, char group_mark,
					 Decimal *out)
{
	NumberText number = {.next = text, .end = text + length};
	const char *reason;

	if (length > 1000)
		return mapping_number_syntax;
	while (number.next < number.end && *number.next == ' ')
		number.next++;
	while (number.next < number.end && number.end[-1] == ' ')
		number.end--;
	if (number.next < number.end && (*number.next == '-' || *number.next == '+'))
		number.negative = *number.next++ == '-';
	if (!mapping_number_mantissa(&number, decimal_mark, group_mark) ||
		!mapping_number_exponent(&number))
		return mapping_number_syntax;
	if (number.overflow)
		return mapping_number_digits;
	reason = mapping_number_shift(&number.value,
								  number.power + number.zeros - scale + CANONICAL_DECIMAL_SCALE);
	if (reason != NULL)
		return reason;
	*out = number.negative ? -(Decimal) number.value : (Decimal) number.value;
	return NULL;
}

static int
mapping_number_base_digit(const NumericValue *numeric, int index)
{
	const uint8_t *at;

	if (index < 0 || index >= numeric->ndigits)
		return 0;
	at = numeric->digits + 2 * index;
	return at[0] << 8 | at[1];
}

/* The first `count` base-10000 digits as one number. */
static const char *
mapping_number_whole(const NumericValue *numeric, int count, unsigned __int128 *value)
{
	for (int i = 0; i < count; i++)
	{
		if (i >= numeric->ndigits && *value == 0)
			break;
		if (*value > NUMBER_MAX / 10000)
			return mapping_number_digits;
		*value = *value * 10000 + (unsigned) mapping_number_base_digit(numeric, i);
	}
	return NULL;
}

const char *
mapping_number_from_numeric(const NumericValue *numeric, Decimal *out)
{
	unsigned __int128 value = 0;
	int fraction = numeric->weight + 3; /* index of the digit worth 10^-12 */

	if (numeric->sign == NUMERIC_NAN)
		return "it is NaN";
	if (numeric->sign > NUMERIC_NEGATIVE)
		return "it is infinite";
	if (fraction <= 4 && fraction >= 0)
	{
		/* at most 16 digits: 64 bits do */
		uint64_t small = 0;

		for (int i = 0; i < fraction; i++)
			small = small * 10000 + (unsigned) mapping_number_base_digit(numeric, i);
		value = small;
	}
	else
	{
		const char *reason = mapping_number_whole(numeric, fraction, &value);

		if (reason != NULL)
			return reason;
	}
	/* the digit worth 10^-12 may hold one more decimal; nothing may follow */
	if (mapping_number_base_digit(numeric, fraction) % 1000 != 0)
		return mapping_number_decimals;
	for (int i = fraction < -1 ? 0 : fraction + 1; i < numeric->ndigits; i++)
		if (mapping_number_base_digit(numeric, i) != 0)
			return mapping_number_decimals;
	if (value > NUMBER_MAX / 10)
		return mapping_number_digits;
	value = value * 10 + (unsigned) mapping_number_base_digit(numeric, fraction) / 1000;
	if (value > NUMBER_MAX)
		return mapping_number_digits;
	*out = numeric->sign == NUMERIC_NEGATIVE ? -(Decimal) value : (Decimal) value;
	return NULL;
}

size_t
mapping_number_format(Decimal value, char text[MAPPING_DECIMAL_SIZE])
{
	char digits[MAPPING_DECIMAL_SIZE];
	unsigned __int128 rest = value < 0 ? -(unsigned __int128) value : (unsigned __int128) value;
	size_t count = 0;
	size_t skip = 0;
	size_t length = 0;

	while (rest > 0 || count <= CANONICAL_DECIMAL_SCALE)
	{
		digits[count++] = (char) ('0' + (int) (rest % 10));
		rest /= 10;
	}
	while (skip < CANONICAL_DECIMAL_SCALE && digits[skip] == '0')
		skip++;
	if (value < 0)
		text[length++] = '-';
	while (count > skip)
	{
		if (count == CANONICAL_DECIMAL_SCALE)
			text[length++] = '.';
		text[length++] = digits[--count];
	}
	text[length] = '\0';
	return length;
}

size_t
mapping_number_numeric_size(const NumericValue *numeric)
{
	size_t whole = numeric->weight >= 0 ? ((size_t) numeric->weight + 1) * 4 : 1;

	return whole + numeric->dscale + 16;
}

size_t
mapping_number_numeric_text(const NumericValue *numeric, char *text)
{
	static const char *const special[] = {[NUMERIC_NAN] = "NaN",
										  [NUMERIC_PLUS_INFINITY] = "Infinity",
										  [NUMERIC_MINUS_INFINITY] = "-Infinity"};
	char *at = text;
	char group[8];

	if (numeric->sign > NUMERIC_NEGATIVE)
	{
		const char *name = numeric->sign <= NUMERIC_MINUS_INFINITY ? special[numeric->sign] : "NaN";

		memcpy(text, name, strlen(name) + 1);
		return strlen(name);
	}
	if (numeric->sign == NUMERIC_NEGATIVE)
		*at++ = '-';
	if (numeric->weight < 0 || numeric->ndigits == 0)
		*at++ = '0';
	else
		for (int i = 0; i <= numeric->weight; i++)
			at += snprintf(at, 5, i == 0 ? "%d" : "%04d",
						   mapping_number_base_digit(numeric, i) % 10000);
	if (numeric->dscale > 0)
		*at++ = '.';
	for (int done = 0; done < numeric->dscale; done += 4)
	{
		int index = (numeric->ndigits == 0 ? 0 : numeric->weight) + 1 + done / 4;
		int count = numeric->dscale - done < 4 ? numeric->dscale - done : 4;

		(void) snprintf(group, sizeof(group), "%04d",
						mapping_number_base_digit(numeric, index) % 10000);
		memcpy(at, group, (size_t) count);
		at += count;
	}
	*at = '\0';
	return (size_t) (at - text);
}

size_t
mapping_number_real_text(double value, bool single, char text[32])
{
	int length = 0;

	if (value != value)
		return (size_t) snprintf(text, 32, "NaN");
	if (value - value != 0)
		return (size_t) snprintf(text, 32, value > 0 ? "Infinity" : "-Infinity");
	for (int precision = single ? 6 : 15; precision <= (single ? 9 : 17); precision++)
	{
		length = snprintf(text, 32, "%.*g", precision, value);
		if (single ? strtof(text, NULL) == (float) value : strtod(text, NULL) == value)
			break;
	}
	return (size_t) length;
}
