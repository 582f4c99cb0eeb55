/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_samples.h — seeded canonical records with extremes, for the tests and
 * benchmarks of encode/.
 */
#ifndef GOLDPAN_ENCODE_SAMPLES_H
#define GOLDPAN_ENCODE_SAMPLES_H

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/arena.h"
#include "goldpan/canonical.h"

typedef struct Samples
{
	uint64_t seed;
	bool plain; /* values of everyday size only */
	Arena *arena;
} Samples;

static inline uint64_t
samples_next(Samples *samples)
{
	uint64_t z = samples->seed += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static inline uint64_t
samples_below(Samples *samples, uint64_t limit)
{
	return samples_next(samples) % limit;
}

static inline bool
samples_chance(Samples *samples, unsigned of)
{
	return samples_below(samples, of) == 0;
}

/* 10^38 - 1: the largest decimal(38,9), unscaled. */
static inline Decimal
samples_max_decimal(void)
{
	Decimal value = 1;

	for (int i = 0; i < 38; i++)
		value *= 10;
	return value - 1;
}

static inline int64_t
samples_integer(Samples *samples, int64_t low, int64_t high)
{
	static const int64_t edges[] = {0, 1, -1, 63, 64, -64, -65, 8191, 8192, -8192, -8193};
	uint64_t choice = samples_below(samples, 16);
	uint64_t raw = samples_next(samples) >> samples_below(samples, 64);
	int64_t value = samples_chance(samples, 2) ? (int64_t) raw : -(int64_t) (raw >> 1);

	if (!samples->plain && choice == 0)
		return low;
	if (!samples->plain && choice == 1)
		return high;
	if (choice == 2)
		return edges[samples_below(samples, sizeof(edges) / sizeof(edges[0]))];
	if (samples->plain || value < low || value > high)
		return (int64_t) samples_below(samples, 2000000) - 1000000;
	return value;
}

static inline double
samples_double(Samples *samples)
{
	static const double edges[] = {0.0,		-0.0,	0.1,	  DBL_MAX,	 -DBL_MAX,
								   DBL_MIN, 5e-324, INFINITY, -INFINITY, NAN};
	uint64_t raw = samples_next(samples);
	double value;

	if (!samples->plain && samples_chance(samples, 3))
		return edges[samples_below(samples, sizeof(edges) / sizeof(edges[0]))];
	if (samples->plain)
		return (double) (int64_t) (raw >> 40) / 1000;
	memcpy(&value, &raw, sizeof(value));
	return value;
}

static inline Decimal
samples_decimal(Samples *samples)
{
	static const int64_t edges[] = {0,	   1,	   -1,	   127,		  128,		-128,
									-129,  255,	   256,	   -255,	  -256,		32767,
									32768, -32768, -32769, INT64_MAX, INT64_MIN};
	Decimal max = samples_max_decimal();
	unsigned __int128 raw = (unsigned __int128) samples_next(samples) << 64;
	Decimal value;

	raw |= samples_next(samples);
	if (samples->plain)
		return (Decimal) (int64_t) (raw >> 92) * 10000000;
	switch (samples_below(samples, 6))
	{
		case 0:
			return edges[samples_below(samples, sizeof(edges) / sizeof(edges[0]))];
		case 1:
			return max;
		case 2:
			return -max;
		case 3:
			value = (Decimal) 1 << samples_below(samples, 126);
			return samples_chance(samples, 2) ? value : -value;
		default:
			value = (Decimal) (raw >> (1 + samples_below(samples, 126)));
			if (value > max)
				value %= max;
			return samples_chance(samples, 2) ? value : -value;
	}
}

static inline void
samples_text(Samples *samples, CanonicalValue *value)
{
	static const char *const pieces[] = {"a",  "Zoë",  " ", "ß", "€", "\"", "\\",	"\n",
										 "\t", "日本", "😀", "x", "0", "é",	"\x01", "\x7f"};
	size_t count = samples_below(samples, 24);
	char *text;
	Err err;

	if (!samples->plain && samples_chance(samples, 20))
		count = 0;
	else if (!samples->plain && samples_chance(samples, 400))
		count = 16384;
	text = arena_alloc(samples->arena, count * 6 + 1, &err);
	if (text == NULL)
		abort();
	value->length = 0;
	for (size_t i = 0; i < count; i++)
	{
		const char *piece =
			pieces[samples_below(samples, samples->plain ? 4 : sizeof(pieces) / sizeof(pieces[0]))];
		size_t length = count == 16384 ? 4 : strlen(piece); /* 64 kB exactly */

		memcpy(text + value->length, count == 16384 ? "\xf0\x9f\x98\x80" : piece, length);
		value->length += (uint32_t) length;
	}
	text[value->length] = '\0';
	value->as.text = text;
}

static inline void
samples_value(Samples *samples, FieldType type, CanonicalValue *value)
{
	switch (type)
	{
		case FIELD_BOOLEAN:
			value->as.boolean = samples_chance(samples, 2);
			break;
		case FIELD_INT:
			value->as.integer = samples_integer(samples, INT32_MIN, INT32_MAX);
			break;
		case FIELD_DATE:
			value->as.integer = samples->plain ? (int64_t) samples_below(samples, 30000)
											   : samples_integer(samples, INT32_MIN, INT32_MAX);
			break;
		case FIELD_LONG:
			value->as.integer = samples_integer(samples, INT64_MIN, INT64_MAX);
			break;
		case FIELD_TIMESTAMP:
			value->as.integer = samples->plain
									? (int64_t) samples_below(samples, UINT64_C(1800000000000000))
									: samples_integer(samples, INT64_MIN, INT64_MAX);
			break;
		case FIELD_DOUBLE:
			value->as.real = samples_double(samples);
			break;
		case FIELD_DECIMAL:
			value->as.decimal = samples_decimal(samples);
			break;
		case FIELD_STRING:
			samples_text(samples, value);
			break;
	}
}

/* Nothing, everything, or some of the fields. */
static inline FieldSet
samples_set(Samples *samples, unsigned nfields)
{
	uint64_t choice = samples_below(samples, 4);
	FieldSet set = {{0}};

	for (unsigned i = 0; i < nfields && choice != 0; i++)
		if (choice == 1 || samples_chance(samples, 4))
			field_set_add(&set, i);
	return set;
}

static inline CanonicalRecord
samples_record(Samples *samples, const CanonicalEntity *entity)
{
	CanonicalRecord record = {0};
	CanonicalValue id = {0};
	uint64_t fill = samples_below(samples, 8); /* 0: all null; 1: all present */
	Err err;

	samples_text(samples, &id);
	record.id = id.as.text;
	record.id_length = id.length;
	record.operation = (Operation) samples_below(samples, OPERATION_ERASE + 1);
	record.knows_changed = samples_chance(samples, 2);
	record.changed = samples_set(samples, entity->nfields);
	record.violations = samples_set(samples, entity->nfields);
	record.unchanged = samples_set(samples, entity->nfields);
	record.fields = arena_zero(samples->arena, entity->nfields * sizeof(CanonicalValue), &err);
	if (record.fields == NULL)
		abort();
	for (unsigned i = 0; i < entity->nfields; i++)
	{
		CanonicalValue *value = &record.fields[i];

		value->present = fill == 1 || (fill != 0 && samples_chance(samples, 2));
		/* what is absent may hold anything */
		samples_value(samples, entity->fields[i].type, value);
	}
	record.end_lsn = samples_next(samples) >> (1 + samples_below(samples, 60));
	record.ordinal = samples_next(samples) >> (1 + samples_below(samples, 62));
	record.sub = samples_chance(samples, 2) ? 0 : (uint32_t) samples_next(samples) >> 1;
	record.xid = (uint32_t) samples_next(samples);
	record.commit_time =
		samples->plain ? INT64_C(1795000000000000) : samples_integer(samples, INT64_MIN, INT64_MAX);
	record.origin = samples_chance(samples, 3) ? "node_b" : NULL;
	record.snapshot_attempt = samples_chance(samples, 3) ? "0192-attempt" : NULL;
	record.part = samples_chance(samples, 3) ? 1 + (int32_t) samples_below(samples, 1000) : 0;
	record.last_part = samples_chance(samples, 2);
	return record;
}

/* The constant part, with an owner and a rule for each field. */
static inline CanonicalTable
samples_table(Samples *samples, const CanonicalEntity *entity)
{
	static const char *const owners[] = {"crm", "billing", "", "an outside system"};
	Err err;
	FieldOwnership *tags = arena_alloc(samples->arena, entity->nfields * sizeof(*tags), &err);
	CanonicalTable table = {"crm", "crm_production",   "public",		"Kontakte \"alt\"",
							NULL,  "9f86d081884c7d65", entity->nfields, tags};

	if (tags == NULL)
		abort();
	for (unsigned i = 0; i < entity->nfields; i++)
	{
		tags[i].field = entity->fields[i].name;
		tags[i].owner = owners[samples_below(samples, 4)];
		tags[i].rule = (ConflictRule) samples_below(samples, RULE_MANUAL + 1);
		tags[i].is_owner = strcmp(tags[i].owner, "crm") == 0;
	}
	if (samples_chance(samples, 2))
		table.region = "eu-central";
	return table;
}

#endif
