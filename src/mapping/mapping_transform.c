/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_transform.c — the steps that a field's value goes through.
 *
 * One row per step: its name and keys in the file, the kinds it takes, the kind it
 * gives, and the function that does it. A step that takes text gets the text form of
 * any kind. null passes through every step but default (and constant, which needs no
 * value).
 */
#include "mapping/mapping_priv.h"

#include <stdlib.h>
#include <string.h>

#define BIT(kind) (1u << (kind))
#define TEXTUAL                                                                                    \
	(BIT(CELL_BOOLEAN) | BIT(CELL_INTEGER) | BIT(CELL_FLOAT) | BIT(CELL_NUMERIC) |                 \
	 BIT(CELL_TEXT) | BIT(CELL_DATE) | BIT(CELL_TIME) | BIT(CELL_TIMESTAMP) | BIT(CELL_INSTANT) |  \
	 BIT(CELL_UUID) | BIT(CELL_DECIMAL))
#define NUMBERS                                                                                    \
	(BIT(CELL_INTEGER) | BIT(CELL_FLOAT) | BIT(CELL_NUMERIC) | BIT(CELL_TEXT) | BIT(CELL_DECIMAL))

static StepResult
mapping_transform_constant(const MappingStep *step, Cell *cell, StepContext *context)
{
	(void) context;
	*cell = step->constant;
	return STEP_OK;
}

static StepResult
mapping_transform_default(const MappingStep *step, Cell *cell, StepContext *context)
{
	(void) context;
	if (cell->kind == CELL_NULL)
		*cell = step->constant;
	return STEP_OK;
}

static StepResult
mapping_transform_coalesce(const MappingStep *step, Cell *cell, StepContext *context)
{
	(void) step;
	(void) cell;
	(void) context;
	return STEP_OK; /* the first value that is not null was chosen already */
}

static StepResult
mapping_transform_null_if(const MappingStep *step, Cell *cell, StepContext *context)
{
	(void) context;
	if (cell->length == step->text_length &&
		(cell->length == 0 || memcmp(cell->as.text, step->text, cell->length) == 0))
		cell->kind = CELL_NULL;
	return STEP_OK;
}

static int
mapping_transform_compare(const void *key, const void *element)
{
	const Cell *cell = key;
	const PicklistValue *value = element;
	size_t length = cell->length < value->from_length ? cell->length : value->from_length;
	int order = length > 0 ? memcmp(cell->as.text, value->from, length) : 0;

	if (order != 0)
		return order;
	return (cell->length > value->from_length) - (cell->length < value->from_length);
}

static StepResult
mapping_transform_picklist(const MappingStep *step, Cell *cell, StepContext *context)
{
	const Picklist *picklist = step->picklist;
	const PicklistValue *value = picklist->nvalues == 0
									 ? NULL
									 : bsearch(cell, picklist->values, picklist->nvalues,
											   sizeof(PicklistValue), mapping_transform_compare);

	if (value != NULL && value->to != NULL)
	{
		cell->as.text = value->to;
		cell->length = value->to_length;
	}
	else if (value != NULL)
		cell->kind = CELL_NULL;
	else if (picklist->fallback != NULL)
	{
		cell->as.text = picklist->fallback;
		cell->length = (uint32_t) strlen(picklist->fallback);
	}
	else if (picklist->otherwise == PICKLIST_NULL)
		cell->kind = CELL_NULL;
	else if (picklist->otherwise == PICKLIST_REJECT)
		return step_bad(context, "it is not in the picklist");
	return STEP_OK;
}

static StepResult
mapping_transform_boolean(const MappingStep *step, Cell *cell, StepContext *context)
{
	static const char *const words[] = {"t", "true",  "y", "yes", "on",	 "1",
										"f", "false", "n", "no",  "off", "0"};

	(void) step;
	for (size_t i = 0; i < 12; i++)
	{
		if (cell->length != strlen(words[i]) ||
			strncasecmp(cell->as.text, words[i], cell->length) != 0)
			continue;
		cell->kind = CELL_BOOLEAN;
		cell->as.boolean = i < 6;
		return STEP_OK;
	}
	return step_bad(context, "it is none of true, false, yes, no, on, off, 1, 0");
}

static StepResult
mapping_transform_decimal(int scale, const MappingStep *step, Cell *cell, StepContext *context)
{
	bool own_marks = cell->kind == CELL_TEXT && step->kind == STEP_NUMBER;
	const char *reason;
	Decimal decimal;

	if (cell->kind == CELL_INTEGER && scale <= CANONICAL_DECIMAL_SCALE)
	{
		int64_t unit = 1;

		for (int i = scale; i < CANONICAL_DECIMAL_SCALE; i++)
			unit *= 10;
		cell->as.decimal = (Decimal) cell->as.integer * unit;
		cell->kind = CELL_DECIMAL;
		return STEP_OK;
	}
	if (cell->kind == CELL_NUMERIC && cell->as.numeric.sign > NUMERIC_NEGATIVE)
		return step_bad(context,
						cell->as.numeric.sign == NUMERIC_NAN ? "it is NaN" : "it is infinite");
	if (cell->kind != CELL_TEXT)
	{
		StepResult result = mapping_value_text(cell, context);

		if (result != STEP_OK)
			return result;
	}
	reason = mapping_number_parse(cell->as.text, cell->length, scale,
								  own_marks ? step->decimal_mark : '.',
								  own_marks ? step->group_mark : '\0', &decimal);
	if (reason != NULL)
		return step_bad(context, reason);
	cell->kind = CELL_DECIMAL;
	cell->as.decimal = decimal;
	return STEP_OK;
}

static StepResult
mapping_transform_number(const MappingStep *step, Cell *cell, StepContext *context)
{
	return mapping_transform_decimal(step->number, step, cell, context);
}

static StepResult
mapping_transform_epoch(const MappingStep *step, Cell *cell, StepContext *context)
{
	const Decimal unit = 1000000000;
	StepResult result = mapping_transform_decimal(0, step, cell, context);
	Decimal micros;

	if (result != STEP_OK)
		return result;
	if (__builtin_mul_overflow(cell->as.decimal, (Decimal) step->number, &micros))
		return step_bad(context, "it is beyond what 64 bits of microseconds hold");
	if (micros % unit != 0)
		return step_bad(context, "it is finer than a microsecond");
	micros /= unit;
	if (micros <= INT64_MIN || micros >= INT64_MAX)
		return step_bad(context, "it is beyond what 64 bits of microseconds hold");
	cell->kind = CELL_INSTANT;
	cell->as.integer = (int64_t) micros;
	return STEP_OK;
}

static int64_t
mapping_transform_floor(int64_t value, int64_t unit)
{
	return value / unit - (value % unit < 0);
}

/* Infinity and instants so far off that a zone cannot be applied. */
static bool
mapping_transform_is_far(int64_t micros)
{
	const int64_t margin = INT64_C(4) * 86400 * 1000000;

	return micros > INT64_MAX - margin || micros < INT64_MIN + margin;
}

static StepResult
mapping_transform_date(const MappingStep *step, Cell *cell, StepContext *context)
{
	const char *reason;
	CivilTime time;
	int64_t seconds;

	switch ((CellKind) cell->kind)
	{
		case CELL_DATE:
			return STEP_OK;
		case CELL_INSTANT:
		case CELL_TIMESTAMP:
			if (mapping_transform_is_far(cell->as.integer))
				return step_bad(context, "it is infinite or too far off");
			seconds = mapping_transform_floor(cell->as.integer, 1000000);
			if (cell->kind == CELL_INSTANT)
				seconds += mapping_zone_offset(step->zone, seconds);
			cell->as.integer = mapping_transform_floor(seconds, 86400);
			break;
		default:
			reason = mapping_date_parse(step->text, cell->as.text, cell->length, &time);
			if (reason != NULL)
				return step_bad(context, reason);
			cell->as.integer = mapping_date_days(time.year, time.month, time.day);
			break;
	}
	cell->kind = CELL_DATE;
	return STEP_OK;
}

static StepResult
mapping_transform_timestamp(const MappingStep *step, Cell *cell, StepContext *context)
{
	const char *reason;
	CivilTime time = {.has_offset = false};
	int64_t local;
	int64_t seconds;

	switch ((CellKind) cell->kind)
	{
		case CELL_INSTANT:
			return STEP_OK;
		case CELL_TIMESTAMP:
			local = cell->as.integer;
			break;
		case CELL_DATE:
			if (cell->as.integer > 100000000 || cell->as.integer < -100000000)
				return step_bad(context, "it is infinite or too far off");
			local = cell->as.integer * 86400 * 1000000;
			break;
		default:
			reason = mapping_date_parse(step->text, cell->as.text, cell->length, &time);
			if (reason != NULL)
				return step_bad(context, reason);
			local = mapping_date_local_micros(&time);
			break;
	}
	if (mapping_transform_is_far(local))
		return step_bad(context, "it is infinite or too far off");
	if (time.has_offset)
		cell->as.integer = local - (int64_t) time.offset * 1000000;
	else if (step->zone == NULL)
		return step_bad(context, "it names no offset from UTC, and the step names no zone");
	else
	{
		seconds = mapping_transform_floor(local, 1000000);
		cell->as.integer =
			mapping_zone_to_utc(step->zone, seconds) * 1000000 + (local - seconds * 1000000);
	}
	cell->kind = CELL_INSTANT;
	return STEP_OK;
}

static StepResult
mapping_transform_email(const MappingStep *step, Cell *cell, StepContext *context)
{
	char *out = arena_alloc(context->arena, (size_t) cell->length + 1, context->err);
	const char *reason;
	size_t length = 0;

	(void) step;
	if (out == NULL)
		return STEP_FAILED;
	reason = mapping_email_normal(cell->as.text, cell->length, out, &length);
	if (reason != NULL)
		return step_bad(context, reason);
	cell->as.text = out;
	cell->length = (uint32_t) length;
	return STEP_OK;
}

static StepResult
mapping_transform_phone(const MappingStep *step, Cell *cell, StepContext *context)
{
	char *out = arena_alloc(context->arena, MAPPING_PHONE_SIZE, context->err);
	const char *reason;
	size_t length = 0;

	if (out == NULL)
		return STEP_FAILED;
	reason = mapping_phone_normal(step->country, cell->as.text, cell->length, out, &length);
	if (reason != NULL)
		return step_bad(context, reason);
	cell->as.text = out;
	cell->length = (uint32_t) length;
	return STEP_OK;
}

StepResult
mapping_step_concatenate(const MappingStep *step, const Cell *cells, size_t count, Cell *out,
						 StepContext *context)
{
	size_t size = 0;
	size_t parts = 0;
	char *at;

	for (size_t i = 0; i < count; i++)
		if (cells[i].kind != CELL_NULL)
		{
			size += cells[i].length + (parts > 0 ? step->text_length : 0);
			parts++;
		}
	out->kind = parts > 0 ? CELL_TEXT : CELL_NULL;
	if (parts == 0)
		return STEP_OK;
	if (size > UINT32_MAX)
		return step_bad(context, "it would become too long");
	at = arena_alloc(context->arena, size + 1, context->err);
	if (at == NULL)
		return STEP_FAILED;
	out->as.text = at;
	out->length = (uint32_t) size;
	for (size_t i = 0; i < count; i++)
	{
		if (cells[i].kind == CELL_NULL)
			continue;
		if (at > out->as.text || parts == 0)
		{
			memcpy(at, step->text, step->text_length);
			at += step->text_length;
		}
		if (cells[i].length > 0)
			memcpy(at, cells[i].as.text, cells[i].length);
		at += cells[i].length;
		parts = 0; /* from now on a separator goes first */
	}
	return STEP_OK;
}

static StepResult
mapping_transform_concatenate(const MappingStep *step, Cell *cell, StepContext *context)
{
	(void) step;
	(void) cell;
	(void) context;
	return STEP_OK; /* of one value: that value */
}

const StepRow mapping_step_rows[STEP_KINDS] = {
	[STEP_TRIM] = {"trim", {NULL}, TEXTUAL, CELL_TEXT, mapping_text_trim},
	[STEP_LOWER] = {"lower", {NULL}, TEXTUAL, CELL_TEXT, mapping_text_lower},
	[STEP_UPPER] = {"upper", {NULL}, TEXTUAL, CELL_TEXT, mapping_text_upper},
	[STEP_REPLACE] = {"replace", {"text", "by", NULL}, TEXTUAL, CELL_TEXT, mapping_text_replace},
	[STEP_CONCATENATE] =
		{"concatenate", {"separator", NULL}, TEXTUAL, CELL_TEXT, mapping_transform_concatenate},
	[STEP_SPLIT] = {"split", {"separator", "part", NULL}, TEXTUAL, CELL_TEXT, mapping_text_split},
	[STEP_COALESCE] = {"coalesce", {NULL}, ~0u, CELL_ANY, mapping_transform_coalesce},
	[STEP_CONSTANT] = {"constant", {"value", NULL}, ~0u, CELL_ANY, mapping_transform_constant},
	[STEP_DEFAULT] = {"default", {"value", NULL}, ~0u, CELL_ANY, mapping_transform_default},
	[STEP_NULL_IF] = {"null_if", {"value", NULL}, TEXTUAL, CELL_TEXT, mapping_transform_null_if},
	[STEP_PICKLIST] = {"picklist", {"name", NULL}, TEXTUAL, CELL_TEXT, mapping_transform_picklist},
	[STEP_BOOLEAN] = {"boolean",
					  {NULL},
					  BIT(CELL_BOOLEAN) | BIT(CELL_INTEGER) | BIT(CELL_TEXT),
					  CELL_BOOLEAN,
					  mapping_transform_boolean},
	[STEP_NUMBER] = {"number",
					 {"scale", "decimal", "group", NULL},
					 NUMBERS,
					 CELL_DECIMAL,
					 mapping_transform_number},
	[STEP_DATE] = {"date",
				   {"format", "zone", NULL},
				   BIT(CELL_TEXT) | BIT(CELL_DATE) | BIT(CELL_TIMESTAMP) | BIT(CELL_INSTANT),
				   CELL_DATE,
				   mapping_transform_date},
	[STEP_EPOCH] = {"epoch", {"unit", NULL}, NUMBERS, CELL_INSTANT, mapping_transform_epoch},
	[STEP_TIMESTAMP] = {"timestamp",
						{"zone", "format", NULL},
						BIT(CELL_TEXT) | BIT(CELL_DATE) | BIT(CELL_TIMESTAMP) | BIT(CELL_INSTANT),
						CELL_INSTANT,
						mapping_transform_timestamp},
	[STEP_EMAIL] = {"email", {NULL}, BIT(CELL_TEXT), CELL_TEXT, mapping_transform_email},
	[STEP_PHONE] = {"phone",
					{"country", NULL},
					BIT(CELL_TEXT) | BIT(CELL_INTEGER) | BIT(CELL_NUMERIC),
					CELL_TEXT,
					mapping_transform_phone},
};

StepResult
mapping_step_run(const MappingStep *step, Cell *cell, StepContext *context)
{
	const StepRow *row = &mapping_step_rows[step->kind];

	if (cell->kind == CELL_NULL && step->kind != STEP_DEFAULT && step->kind != STEP_CONSTANT)
		return STEP_OK;
	if ((row->accepts & BIT(cell->kind)) == 0)
		return step_bad(context, "its type is none that the step takes");
	if (cell->kind != CELL_TEXT && (row->gives == CELL_TEXT || row->gives == CELL_BOOLEAN))
	{
		StepResult result = mapping_value_text(cell, context);

		if (result != STEP_OK)
			return result;
	}
	return row->run(step, cell, context);
}
