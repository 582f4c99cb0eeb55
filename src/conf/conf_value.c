/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_value.c — values of settings between text and number: durations, sizes, choices.
 *
 * A value is printed with the largest unit that divides it, so that printing and
 * reading again gives the same number.
 */
#include "conf/conf_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/conf_file.h"

typedef struct ValueUnit
{
	const char *name;
	int64_t factor;
} ValueUnit;

/* Largest first: the first that divides a value prints it. */
static const ValueUnit value_durations[] = {
	{"h", INT64_C(3600000000)}, {"min", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}};

static const ValueUnit value_sizes[] = {
	{"GiB", INT64_C(1) << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

static bool
value_parse_choice(const ConfRow *row, const char *text, int64_t *value)
{
	for (int64_t i = 0; row->choices[i] != NULL; i++)
	{
		if (strcmp(row->choices[i], text) == 0)
		{
			*value = i;
			return true;
		}
	}
	return false;
}

static bool
value_parse_number(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0;
}

bool
conf_value_parse(const ConfRow *row, const char *text, int64_t *value)
{
	switch (row->type)
	{
		case CONF_ROW_BOOLEAN:
			*value = strcmp(text, "true") == 0;
			return *value == 1 || strcmp(text, "false") == 0;
		case CONF_ROW_INTEGER:
			return value_parse_number(text, value);
		case CONF_ROW_DURATION:
			if (value_parse_number(text, value))
				return !__builtin_mul_overflow(*value, INT64_C(1000000), value);
			return conf_parse_duration(text, value);
		case CONF_ROW_SIZE:
			return value_parse_number(text, value) || conf_parse_size(text, value);
		case CONF_ROW_CHOICE:
			return value_parse_choice(row, text, value);
		case CONF_ROW_TEXT:
		case CONF_ROW_PATH:
		case CONF_ROW_SECRET_FILE:
			break;
	}
	return false;
}

static const char *
value_format_units(const ValueUnit *units, int64_t value, char text[CONF_VALUE_SIZE])
{
	const ValueUnit *unit = units;

	if (value == 0)
	{
		(void) snprintf(text, CONF_VALUE_SIZE, "0");
		return text;
	}
	while (value % unit->factor != 0)
		unit++;
	(void) snprintf(text, CONF_VALUE_SIZE, "%" PRId64 " %s", value / unit->factor, unit->name);
	return text;
}

const char *
conf_value_format(const ConfRow *row, int64_t value, char text[CONF_VALUE_SIZE])
{
	switch (row->type)
	{
		case CONF_ROW_BOOLEAN:
			return value != 0 ? "true" : "false";
		case CONF_ROW_CHOICE:
			return row->choices[value];
		case CONF_ROW_DURATION:
			return value_format_units(value_durations, value, text);
		case CONF_ROW_SIZE:
			return value_format_units(value_sizes, value, text);
		case CONF_ROW_INTEGER:
		case CONF_ROW_TEXT:
		case CONF_ROW_PATH:
		case CONF_ROW_SECRET_FILE:
			break;
	}
	(void) snprintf(text, CONF_VALUE_SIZE, "%" PRId64, value);
	return text;
}

bool
conf_value_quoted(const ConfRow *row)
{
	return row->type != CONF_ROW_BOOLEAN && row->type != CONF_ROW_INTEGER;
}
