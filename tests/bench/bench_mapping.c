/* SPDX-License-Identifier: PostgreSQL */
/*
 * bench_mapping.c — what mapping one row costs.
 *
 * A customer table of 20 columns (half text, the rest integers, numerics, dates, instants,
 * booleans) mapped as it is, the same with steps, and updates with a full old row of which
 * one column differs. Prints the median of five runs in microseconds a row.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/clock.h"
#include "goldpan/mapping.h"

#define COLUMNS 20
#define ROWS	400000
#define RUNS	5

static const struct
{
	const char *column;
	const char *type;
	ValueKind kind;
	const char *plain; /* field */
	const char *steps; /* "apply" of the second mapping, or "" */
} bench_columns[COLUMNS] = {
	{"name", "text", VALUE_TEXT, "name", "{ do = \"trim\"; }"},
	{"legal", "text", VALUE_TEXT, "legal_name", "{ do = \"trim\"; }"},
	{"number", "text", VALUE_TEXT, "account_number", "{ do = \"upper\"; }"},
	{"person", "bool", VALUE_BOOLEAN, "is_person", ""},
	{"industry", "text", VALUE_TEXT, "industry", "{ do = \"lower\"; }"},
	{"staff", "int4", VALUE_INTEGER, "employee_count", ""},
	{"revenue", "numeric", VALUE_NUMERIC, "annual_revenue", ""},
	{"credit", "numeric", VALUE_NUMERIC, "credit_limit", ""},
	{"terms", "int4", VALUE_INTEGER, "payment_terms_days", ""},
	{"site", "text", VALUE_TEXT, "duns", "{ do = \"lower\"; }"},
	{"street", "text", VALUE_TEXT, "billing_street", "{ do = \"trim\"; }"},
	{"city", "text", VALUE_TEXT, "billing_city", "{ do = \"trim\"; }"},
	{"region", "text", VALUE_TEXT, "billing_region", ""},
	{"zip", "text", VALUE_TEXT, "billing_postal_code", ""},
	{"segment", "text", VALUE_TEXT, "segment", "{ do = \"lower\"; }"},
	{"health", "float8", VALUE_FLOAT, "health_score", ""},
	{"owner", "text", VALUE_TEXT, "owner_id", ""},
	{"since", "date", VALUE_DATE, "customer_since", ""},
	{"created", "timestamptz", VALUE_TIMESTAMPTZ, "created_at", ""},
	{"changed", "timestamptz", VALUE_TIMESTAMPTZ, "updated_at", ""},
};

typedef struct Bench
{
	Arena arena;
	Arena event;
	Mapping *mapping;
	MappingPlan *plan;
	Column columns[COLUMNS + 1];
	Relation relation;
	Value values[2][COLUMNS + 1];
	CanonicalValue fields[2][CANONICAL_MAX_FIELDS];
	CanonicalRecord records[2];
} Bench;

static uint64_t bench_sum; /* keeps the work from being optimised away */

static void
bench_fail(const Err *err)
{
	(void) fprintf(stderr, "bench_mapping: %s\n", err->message);
	exit(1);
}

static void
bench_load(Bench *bench, bool steps)
{
	MappingProblems problems = {.arena = &bench->arena};
	Err err;
	char text[8192];
	size_t used;

	used =
		(size_t) snprintf(text, sizeof(text),
						  "ownership = ( { of = \"account\"; owner = \"crm\"; } ); sources = ( { "
						  "name = \"crm\"; tables = ( { table = \"customer\"; entity = "
						  "\"account\"; key = \"id\"; fields = (");
	for (int i = 0; i < COLUMNS; i++)
		used += (size_t) snprintf(text + used, sizeof(text) - used,
								  "%s{ to = \"%s\"; from = \"%s\"; apply = ( %s ); }",
								  i > 0 ? ", " : "", bench_columns[i].plain,
								  bench_columns[i].column, steps ? bench_columns[i].steps : "");
	(void) snprintf(text + used, sizeof(text) - used, "); } ); } );");
	if (!mapping_parse(text, strlen(text), "bench", NULL, &bench->mapping, &problems, &err))
		bench_fail(&err);
	bench->plan = mapping_plan_compile(&bench->arena, mapping_table(bench->mapping, "crm", 0),
									   &bench->relation, &err);
	if (bench->plan == NULL)
		bench_fail(&err);
}

static Value
bench_value(ValueKind kind)
{
	static const uint8_t digits[] = {0, 123, 0x11, 0xd7, 0x15, 0x7c};
	Value value = {.state = VALUE_PRESENT, .kind = (uint8_t) kind};

	switch (kind)
	{
		case VALUE_TEXT:
			value.as.text = "A customer's text value";
			value.length = 23;
			break;
		case VALUE_NUMERIC:
			value.as.numeric =
				(NumericValue){.ndigits = 3, .weight = 1, .dscale = 2, .digits = digits};
			break;
		case VALUE_FLOAT:
			value.as.real = 0.75;
			break;
		case VALUE_BOOLEAN:
			value.as.boolean = true;
			break;
		default:
			value.as.integer = 20000;
			break;
	}
	return value;
}

static void
bench_prepare(Bench *bench)
{
	bench->columns[0] =
		(Column){.name = "id", .base_type = "int8", .kind = VALUE_INTEGER, .key = true};
	bench->values[0][0] = bench_value(VALUE_INTEGER);
	for (int i = 0; i < COLUMNS; i++)
	{
		bench->columns[i + 1] = (Column){.name = bench_columns[i].column,
										 .base_type = bench_columns[i].type,
										 .typmod = -1,
										 .kind = (uint8_t) bench_columns[i].kind};
		bench->values[0][i + 1] = bench_value(bench_columns[i].kind);
	}
	memcpy(bench->values[1], bench->values[0], sizeof(bench->values[0]));
	bench->values[1][1].as.text = "a customer's text value";
	bench->relation = (Relation){.schema = "public",
								 .name = "customer",
								 .replica_identity = 'f',
								 .ncolumns = COLUMNS + 1,
								 .columns = bench->columns};
	bench->records[0].fields = bench->fields[0];
	bench->records[1].fields = bench->fields[1];
}

static double
bench_run(Bench *bench, const Change *change)
{
	MappingOutcome outcome;
	MappingReject reject;
	Err err;
	int64_t start = clock_monotonic();

	for (int i = 0; i < ROWS; i++)
	{
		arena_reset(&bench->event);
		if (!mapping_apply(bench->plan, change, &bench->event, bench->records, &outcome, &reject,
						   &err))
			bench_fail(&err);
		bench_sum += bench->records[0].id_length + bench->fields[0][0].length + (unsigned) outcome;
	}
	return (double) (clock_monotonic() - start) / ROWS;
}

static int
bench_compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
bench_median(Bench *bench, const Change *change, const char *name)
{
	double runs[RUNS];

	for (int i = 0; i < RUNS; i++)
		runs[i] = bench_run(bench, change);
	qsort(runs, RUNS, sizeof(runs[0]), bench_compare);
	(void) printf("%-34s %.3f us a row\n", name, runs[RUNS / 2]);
	return runs[RUNS / 2];
}

int
main(void)
{
	static Bench bench;
	Change insert = {
		.kind = CHANGE_INSERT, .relation = &bench.relation, .new_values = bench.values[0]};
	Change update = {.kind = CHANGE_UPDATE,
					 .old_row = OLD_FULL,
					 .relation = &bench.relation,
					 .new_values = bench.values[0],
					 .old_values = bench.values[1]};
	double plain;
	double steps;
	double full;

	arena_init(&bench.arena, (size_t) 64 << 20);
	arena_init(&bench.event, (size_t) 1 << 20);
	bench_prepare(&bench);
	bench_load(&bench, false);
	plain = bench_median(&bench, &insert, "insert, 20 columns as they are");
	full = bench_median(&bench, &update, "update with full old row");
	mapping_free(bench.mapping);
	bench_load(&bench, true);
	steps = bench_median(&bench, &insert, "insert, eight columns with a step");
	(void) printf("RESULT plain=%.3f full=%.3f steps=%.3f\n", plain, full, steps);
	mapping_free(bench.mapping);
	arena_release(&bench.arena);
	arena_release(&bench.event);
	return bench_sum == 0;
}
