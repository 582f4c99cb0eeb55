/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_types.c — which kind of value can become which type of field.
 *
 * One table, used by the checks before a start and by the conversion of each row, so
 * that they cannot disagree. What needs a decision (a zone, a format, a unit) is not a
 * conversion but a step.
 */
#include "mapping/mapping_priv.h"

#define TYPES_BIT(type) (1u << (type))

static const struct
{
	const char *name;
	unsigned targets; /* bit per FieldType */
} mapping_types_kinds[] = {
	[CELL_BOOLEAN] = {"a boolean", TYPES_BIT(FIELD_BOOLEAN) | TYPES_BIT(FIELD_STRING)},
	[CELL_INTEGER] = {"an integer", TYPES_BIT(FIELD_INT) | TYPES_BIT(FIELD_LONG) |
										TYPES_BIT(FIELD_DOUBLE) | TYPES_BIT(FIELD_DECIMAL) |
										TYPES_BIT(FIELD_STRING)},
	[CELL_FLOAT] = {"a floating-point number", TYPES_BIT(FIELD_DOUBLE) | TYPES_BIT(FIELD_STRING)},
	[CELL_NUMERIC] = {"a numeric", TYPES_BIT(FIELD_INT) | TYPES_BIT(FIELD_LONG) |
									   TYPES_BIT(FIELD_DOUBLE) | TYPES_BIT(FIELD_DECIMAL) |
									   TYPES_BIT(FIELD_STRING)},
	[CELL_TEXT] = {"text", TYPES_BIT(FIELD_STRING)},
	[CELL_BYTES] = {"bytes", 0},
	[CELL_DATE] = {"a date", TYPES_BIT(FIELD_DATE) | TYPES_BIT(FIELD_STRING)},
	[CELL_TIME] = {"a time of day", TYPES_BIT(FIELD_STRING)},
	[CELL_TIMESTAMP] = {"a timestamp without time zone", TYPES_BIT(FIELD_STRING)},
	[CELL_INSTANT] = {"an instant", TYPES_BIT(FIELD_TIMESTAMP) | TYPES_BIT(FIELD_STRING)},
	[CELL_UUID] = {"a UUID", TYPES_BIT(FIELD_STRING)},
	[CELL_DECIMAL] = {"a decimal", TYPES_BIT(FIELD_INT) | TYPES_BIT(FIELD_LONG) |
									   TYPES_BIT(FIELD_DOUBLE) | TYPES_BIT(FIELD_DECIMAL) |
									   TYPES_BIT(FIELD_STRING)},
	[CELL_NULL] = {"null", ~0u},
	[CELL_ANY] = {"a value", ~0u},
};

const char *
mapping_types_name(CellKind kind)
{
	return mapping_types_kinds[kind].name;
}

const char *
mapping_types_field_name(FieldType type)
{
	static const char *const names[] = {"a boolean", "an int (32 bits)", "a long (64 bits)",
										"a double",	 "a string",		 "a decimal(38,9)",
										"a date",	 "a UTC timestamp"};

	return names[type];
}

bool
mapping_types_convertible(CellKind kind, FieldType type)
{
	return (mapping_types_kinds[kind].targets & TYPES_BIT(type)) != 0;
}
