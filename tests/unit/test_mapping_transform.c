/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_mapping_transform.c — every step and parser, in tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mapping/mapping_priv.h"

static Arena arena;

static int
start(void **state)
{
	(void) state;
	arena_init(&arena, (size_t) 16 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void) state;
	arena_release(&arena);
	return 0;
}

static Cell
text_cell(const char *text)
{
	Cell cell = {.kind = CELL_TEXT, .length = (uint32_t) strlen(text), .as.text = text};

	return cell;
}

/* Runs a step on a text; the result as text, "null", or "bad: reason". */
static const char *
run(const MappingStep *step, Cell cell)
{
	Err err;
	StepContext context = {.arena = &arena, .err = &err};
	StepResult result = mapping_step_run(step, &cell, &context);

	if (result == STEP_OK && cell.kind != CELL_NULL)
		result = mapping_value_text(&cell, &context);
	if (result == STEP_BAD)
		return arena_printf(&arena, &err, "bad: %s", context.reason);
	assert_int_equal(result, STEP_OK);
	if (cell.kind == CELL_NULL)
		return "null";
	return arena_text(&arena, cell.as.text, cell.length, &err);
}

typedef struct TextCase
{
	StepKind kind;
	const char *text;  /* the step's */
	const char *to;	   /* the step's */
	int number;		   /* the step's */
	const char *input; /* NULL: null */
	const char *output;
} TextCase;

static void
text_steps_do_what_their_names_say(void **state)
{
	static const TextCase cases[] = {
		{STEP_TRIM, "", "", 0, "  a b\t\n", "a b"},
		{STEP_TRIM, "", "", 0, "", ""},
		{STEP_TRIM, "", "", 0, " \u00a0\u3000", ""},
		{STEP_TRIM, "", "", 0, "\u00a0\u00e9\u2003", "\u00e9"},
		{STEP_TRIM, "", "", 0, NULL, "null"},
		{STEP_LOWER, "", "", 0, "MÜLLER Straße ÉΩЖ@[`{", "müller straße éωж@[`{"},
		{STEP_UPPER, "", "", 0, "müller é z@[`{", "MÜLLER É Z@[`{"},
		{STEP_LOWER, "", "", 0, "\u023a", "\u2c65"}, /* two bytes become three */
		{STEP_UPPER, "", "", 0, "\U00010428", "\U00010400"},
		{STEP_REPLACE, "a", "bb", 0, "banana", "bbbnbbnbb"},
		{STEP_REPLACE, "aa", "", 0, "aaa", "a"},
		{STEP_REPLACE, "x", "y", 0, "banana", "banana"},
		{STEP_SPLIT, " ", "", 1, "Ada King Lovelace", "Ada"},
		{STEP_SPLIT, " ", "", 2, "Ada King Lovelace", "King"},
		{STEP_SPLIT, " ", "", -1, "Ada King Lovelace", "Lovelace"},
		{STEP_SPLIT, " ", "", -3, "Ada King Lovelace", "Ada"},
		{STEP_SPLIT, " ", "", -4, "Ada King Lovelace", "null"},
		{STEP_SPLIT, " ", "", 4, "Ada King Lovelace", "null"},
		{STEP_SPLIT, ", ", "", 2, "a, b", "b"},
		{STEP_SPLIT, ",", "", 2, "a,", ""},
		{STEP_SPLIT, ",", "", 1, "", ""},
		{STEP_NULL_IF, "", "", 0, "", "null"},
		{STEP_NULL_IF, "n/a", "", 0, "n/a", "null"},
		{STEP_NULL_IF, "n/a", "", 0, "n/b", "n/b"},
		{STEP_BOOLEAN, "", "", 0, "YES", "true"},
		{STEP_BOOLEAN, "", "", 0, "0", "false"},
		{STEP_BOOLEAN, "", "", 0, "ja", "bad: it is none of true, false, yes, no, on, off, 1, 0"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const TextCase *c = &cases[i];
		MappingStep step = {.kind = c->kind,
							.text = c->text,
							.text_length = (uint32_t) strlen(c->text),
							.to = c->to,
							.to_length = (uint32_t) strlen(c->to),
							.number = c->number};
		Cell null = {.kind = CELL_NULL};

		assert_string_equal(run(&step, c->input == NULL ? null : text_cell(c->input)), c->output);
	}
}

static void
constant_and_default_need_no_value(void **state)
{
	MappingStep step = {.kind = STEP_CONSTANT, .constant = text_cell("DE")};
	Cell null = {.kind = CELL_NULL};

	(void) state;
	assert_string_equal(run(&step, null), "DE");
	step.kind = STEP_DEFAULT;
	assert_string_equal(run(&step, null), "DE");
	assert_string_equal(run(&step, text_cell("FR")), "FR");
}

static void
concatenate_skips_nulls(void **state)
{
	MappingStep step = {.kind = STEP_CONCATENATE, .text = ", ", .text_length = 2};
	static const struct
	{
		const char *parts[3];
		const char *output;
	} cases[] = {
		{{"a", "b", "c"}, "a, b, c"}, {{NULL, "b", "c"}, "b, c"}, {{"a", NULL, "c"}, "a, c"},
		{{"", "b", NULL}, ", b"},	  {{"a", NULL, NULL}, "a"},	  {{NULL, NULL, NULL}, NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Err err;
		StepContext context = {.arena = &arena, .err = &err};
		Cell cells[3];
		Cell out;

		for (int j = 0; j < 3; j++)
		{
			cells[j].kind = CELL_NULL;
			if (cases[i].parts[j] != NULL)
				cells[j] = text_cell(cases[i].parts[j]);
		}
		assert_int_equal(mapping_step_concatenate(&step, cells, 3, &out, &context), STEP_OK);
		if (cases[i].output == NULL)
		{
			assert_int_equal(out.kind, CELL_NULL);
			continue;
		}
		assert_int_equal(out.length, strlen(cases[i].output));
		assert_memory_equal(out.as.text, cases[i].output, out.length);
	}
}

static void
picklists_translate_keep_null_or_reject(void **state)
{
	PicklistValue values[] = {
		{"", 0, "empty", 5, 1}, {"A", 1, "active", 6, 1}, {"AB", 2, NULL, 0, 1}};
	Picklist picklist = {.name = "p", .nvalues = 3, .values = values};
	MappingStep step = {.kind = STEP_PICKLIST, .picklist = &picklist};

	(void) state;
	assert_string_equal(run(&step, text_cell("A")), "active");
	assert_string_equal(run(&step, text_cell("AB")), "null");
	assert_string_equal(run(&step, text_cell("")), "empty");
	assert_string_equal(run(&step, text_cell("a")), "bad: it is not in the picklist");
	picklist.otherwise = PICKLIST_KEEP;
	assert_string_equal(run(&step, text_cell("a")), "a");
	picklist.otherwise = PICKLIST_NULL;
	assert_string_equal(run(&step, text_cell("a")), "null");
	picklist.fallback = "other";
	assert_string_equal(run(&step, text_cell("zzz")), "other");
}

static void
numbers_are_exact_or_bad(void **state)
{
	static const struct
	{
		const char *text;
		int scale;
		const char *output; /* or "bad: …" */
	} cases[] = {
		{"0", 0, "0"},
		{"-0", 0, "0"},
		{"1", 0, "1"},
		{"-1.50", 0, "-1.5"},
		{"+.5", 0, "0.5"},
		{"1.", 0, "1"},
		{"12345", 2, "123.45"},
		{"-5", 2, "-0.05"},
		{"0.000000001", 0, "0.000000001"},
		{"0.0000000010000", 0, "0.000000001"},
		{"0.0000000001", 0, "bad: it has more than 9 decimals"},
		{"1", 10, "bad: it has more than 9 decimals"},
		{"99999999999999999999999999999.999999999", 0, "99999999999999999999999999999.999999999"},
		{"100000000000000000000000000000", 0, "bad: it has more than 38 digits"},
		{"100000000000000000000000000000", 1, "10000000000000000000000000000"},
		{"1.5e3", 0, "1500"},
		{"1E-3", 0, "0.001"},
		{"1e99999999999", 0, "bad: it has more than 38 digits"},
		{"0e99999999999", 0, "0"},
		{"1e-99999999999", 0, "bad: it has more than 9 decimals"},
		{"", 0, "bad: it is not a number"},
		{".", 0, "bad: it is not a number"},
		{"-", 0, "bad: it is not a number"},
		{"1e", 0, "bad: it is not a number"},
		{"1 2", 0, "bad: it is not a number"},
		{"NaN", 0, "bad: it is not a number"},
		{"0x10", 0, "bad: it is not a number"},
		{"1,5", 0, "bad: it is not a number"},
		{" 7 ", 0, "7"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		MappingStep step = {.kind = STEP_NUMBER, .number = cases[i].scale, .decimal_mark = '.'};

		assert_string_equal(run(&step, text_cell(cases[i].text)), cases[i].output);
	}
	{
		MappingStep german = {.kind = STEP_NUMBER, .decimal_mark = ',', .group_mark = '.'};
		Cell integer = {.kind = CELL_INTEGER, .as.integer = -1999};
		MappingStep cents = {.kind = STEP_NUMBER, .number = 2, .decimal_mark = '.'};

		assert_string_equal(run(&german, text_cell("1.234.567,89")), "1234567.89");
		assert_string_equal(run(&german, text_cell("1.23")), "bad: it is not a number");
		assert_string_equal(run(&german, text_cell("1.2345")), "bad: it is not a number");
		assert_string_equal(run(&cents, integer), "-19.99");
		integer.kind = CELL_FLOAT;
		integer.as.real = 0.1;
		cents.number = 0;
		assert_string_equal(run(&cents, integer), "0.1");
		integer.as.real = (double) 0.1f;
		integer.single = true;
		assert_string_equal(run(&cents, integer), "0.1");
	}
}

/* A numeric from base-10000 digits. */
static NumericValue
numeric(int sign, int weight, int dscale, uint8_t *bytes, int ndigits, const int *digits)
{
	NumericValue value = {.sign = (uint8_t) sign,
						  .ndigits = (uint16_t) ndigits,
						  .weight = (int16_t) weight,
						  .dscale = (uint16_t) dscale,
						  .digits = bytes};

	for (int i = 0; i < ndigits; i++)
	{
		bytes[2 * i] = (uint8_t) (digits[i] >> 8);
		bytes[2 * i + 1] = (uint8_t) digits[i];
	}
	return value;
}

static void
numerics_become_decimals_exactly(void **state)
{
	static const struct
	{
		int sign, weight, dscale, ndigits;
		int digits[10];
		const char *text; /* exact */
		const char *decimal;
	} cases[] = {
		{0, 0, 0, 0, {0}, "0", "0"},
		{0, 0, 2, 0, {0}, "0.00", "0"},
		{0, 0, 0, 1, {7}, "7", "7"},
		{1, 0, 2, 2, {12, 3400}, "-12.34", "-12.34"},
		{0, 1, 0, 1, {5}, "50000", "50000"},
		{0, 1, 1, 3, {1, 20, 3000}, "10020.3", "10020.3"},
		{0, -1, 4, 1, {1}, "0.0001", "0.0001"},
		{0, -3, 9, 1, {1000}, "0.000000001", "0.000000001"},
		{0, -3, 10, 1, {100}, "0.0000000001", "bad"},
		{0, -4, 16, 1, {1}, "0.0000000000000001", "bad"},
		{0, 0, 12, 4, {1, 0, 0, 1}, "1.000000000001", "bad"},
		{0, 7, 0, 1, {10}, "100000000000000000000000000000", "bad"},
		{0,
		 7,
		 0,
		 8,
		 {9, 9999, 9999, 9999, 9999, 9999, 9999, 9999},
		 "99999999999999999999999999999",
		 "99999999999999999999999999999"},
		{2, 0, 0, 0, {0}, "NaN", "bad"},
		{3, 0, 0, 0, {0}, "Infinity", "bad"},
		{4, 0, 0, 0, {0}, "-Infinity", "bad"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t bytes[40];
		char text[128];
		NumericValue value = numeric(cases[i].sign, cases[i].weight, cases[i].dscale, bytes,
									 cases[i].ndigits, cases[i].digits);
		Decimal decimal = 0;
		const char *reason = mapping_number_from_numeric(&value, &decimal);

		assert_true(mapping_number_numeric_size(&value) <= sizeof(text));
		assert_int_equal(mapping_number_numeric_text(&value, text), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		if (strcmp(cases[i].decimal, "bad") == 0)
			assert_non_null(reason);
		else
		{
			assert_null(reason);
			(void) mapping_number_format(decimal, text);
			assert_string_equal(text, cases[i].decimal);
		}
	}
}

static void
reals_have_their_shortest_text(void **state)
{
	static const struct
	{
		double value;
		bool single;
		const char *text;
	} cases[] = {{0.1, false, "0.1"},		   {(double) 0.1f, false, "0.10000000149011612"},
				 {(double) 0.1f, true, "0.1"}, {1e20, false, "1e+20"},
				 {-0.0, false, "-0"},		   {1.0 / 3, false, "0.3333333333333333"}};
	char text[32];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		(void) mapping_number_real_text(cases[i].value, cases[i].single, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
dates_are_days_of_the_calendar(void **state)
{
	static const char *const syntax = "bad: it does not have the expected date format";
	static const char *const range = "bad: it is not a day of the calendar";
	const struct
	{
		const char *format;
		const char *text;
		const char *output;
	} cases[] = {
		{NULL, "2026-11-24", "2026-11-24"},
		{NULL, " 2026-11-24 ", "2026-11-24"},
		{NULL, "2024-02-29", "2024-02-29"},
		{NULL, "2026-02-29", range},
		{NULL, "1900-02-29", range},
		{NULL, "2000-02-29", "2000-02-29"},
		{NULL, "2026-13-01", range},
		{NULL, "0000-01-01", range},
		{NULL, "2026-11-24x", syntax},
		{NULL, "24.11.2026", syntax},
		{NULL, "", syntax},
		{"%d/%m/%Y", "24/11/2026", "2026-11-24"},
		{"%d/%m/%Y", "4/1/2026", "2026-01-04"},
		{"%d/%m/%Y", "31/04/2026", range},
		{"%d/%m/%Y", "24/11/26", syntax},
		{"%d.%m.%y", "01.02.68", "2068-02-01"},
		{"%d.%m.%y", "01.02.69", "1969-02-01"},
		{"%d %b %Y", "3  Mar 2020", "2020-03-03"},
		{"%B %d, %Y", "September 30, 2021", "2021-09-30"},
		{"%B %d, %Y", "SEP 30, 2021", "2021-09-30"},
		{"%B %d, %Y", "Smarch 30, 2021", syntax},
		{"%Y%m%d", "20261124", "2026-11-24"},
		{"%Y-%m-%d %I:%M %p", "2026-11-24 12:30 am", "2026-11-24"},
		{"100%% %Y-%m-%d", "100% 2026-11-24", "2026-11-24"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		MappingStep step = {.kind = STEP_DATE, .text = cases[i].format};

		assert_string_equal(run(&step, text_cell(cases[i].text)), cases[i].output);
	}
}

static void
date_formats_are_checked(void **state)
{
	static const struct
	{
		const char *format;
		const char *reason; /* NULL: good */
	} cases[] = {
		{"%Y-%m-%d", NULL},
		{"%d.%m.%y %H:%M:%S.%f%z", NULL},
		{"%Y-%m", "it must hold one year (%Y or %y), one month (%m, %b or %B) and one day (%d or "
				  "%e)"},
		{"%Y-%m-%d %Q", "it may hold only %Y %y %m %d %e %b %B %H %I %p %M %S %f %z %%"},
		{"%Y-%m-%d%", "it ends in the middle of a %"},
		{"%Y-%m-%d %d", "a letter occurs twice"},
		{"%Y-%m-%d %I", "it may hold %H, or %I together with %p"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		bool has_time;
		bool has_offset;
		const char *reason = mapping_date_check_format(cases[i].format, &has_time, &has_offset);

		if (cases[i].reason == NULL)
			assert_null(reason);
		else
			assert_string_equal(reason, cases[i].reason);
	}
}

static void
epochs_become_instants(void **state)
{
	static const struct
	{
		int32_t unit;
		const char *text;
		const char *output;
	} cases[] = {
		{1000000, "0", "1970-01-01T00:00:00.000000Z"},
		{1000, "1700000000123", "2023-11-14T22:13:20.123000Z"},
		{1, "-1", "1969-12-31T23:59:59.999999Z"},
		{1000000, "1700000000.5", "2023-11-14T22:13:20.500000Z"},
		{1000, "0.0001", "bad: it is finer than a microsecond"},
		{1000000, "9223372036855", "bad: it is beyond what 64 bits of microseconds hold"},
		{1000000, "99999999999999999999999999999",
		 "bad: it is beyond what 64 bits of microseconds hold"},
		{1000000, "soon", "bad: it is not a number"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		MappingStep step = {.kind = STEP_EPOCH, .number = cases[i].unit, .decimal_mark = '.'};

		assert_string_equal(run(&step, text_cell(cases[i].text)), cases[i].output);
	}
}

static const Zone *
zone(const char *name)
{
	Err err;
	const char *why;
	const Zone *result = mapping_zone_load(&arena, name, &why, &err);

	assert_non_null(result);
	return result;
}

static void
timestamps_are_read_in_their_zone(void **state)
{
	static const struct
	{
		const char *zone; /* NULL: none */
		const char *format;
		const char *text;
		const char *output;
	} cases[] = {
		{"Europe/Berlin", NULL, "2026-07-01 12:00:00", "2026-07-01T10:00:00.000000Z"},
		{"Europe/Berlin", NULL, "2026-01-01 12:00", "2026-01-01T11:00:00.000000Z"},
		{"Europe/Berlin", NULL, "2026-01-01", "2025-12-31T23:00:00.000000Z"},
		/* skipped: the offset before the gap; repeated: the offset after */
		{"Europe/Berlin", NULL, "2026-03-29 02:30:00", "2026-03-29T01:30:00.000000Z"},
		{"Europe/Berlin", NULL, "2026-03-29 01:59:59.5", "2026-03-29T00:59:59.500000Z"},
		{"Europe/Berlin", NULL, "2026-03-29 03:00:00", "2026-03-29T01:00:00.000000Z"},
		{"Europe/Berlin", NULL, "2026-10-25 02:30:00", "2026-10-25T01:30:00.000000Z"},
		{"Europe/Berlin", NULL, "2026-10-25 01:59:59", "2026-10-24T23:59:59.000000Z"},
		/* beyond the file's table: its footer's rule */
		{"Europe/Berlin", NULL, "2126-07-01 12:00:00", "2126-07-01T10:00:00.000000Z"},
		{"America/New_York", NULL, "2050-03-13 02:30:00", "2050-03-13T07:30:00.000000Z"},
		{"Australia/Lord_Howe", NULL, "2026-01-01 12:00:00", "2026-01-01T01:00:00.000000Z"},
		{"Pacific/Apia", NULL, "2011-12-30 12:00:00", "2011-12-30T22:00:00.000000Z"},
		{"Asia/Kolkata", NULL, "2026-01-01 05:30", "2026-01-01T00:00:00.000000Z"},
		{"UTC", NULL, "1969-12-31 23:59:59.999999", "1969-12-31T23:59:59.999999Z"},
		{"Europe/Berlin", NULL, "2026-07-01T12:00:00Z", "2026-07-01T12:00:00.000000Z"},
		{NULL, NULL, "2026-07-01T12:00:00+05:30", "2026-07-01T06:30:00.000000Z"},
		{NULL, NULL, "2026-07-01T12:00:00-0330", "2026-07-01T15:30:00.000000Z"},
		{NULL, NULL, "2026-07-01T12:00:00",
		 "bad: it names no offset from UTC, and the step names no zone"},
		{"UTC", "%d/%m/%Y %I:%M %p", "01/07/2026 11:05 pm", "2026-07-01T23:05:00.000000Z"},
		{"UTC", NULL, "2026-07-01 25:00", "bad: it is not a time of day"},
		{"UTC", NULL, "2026-07-01 24:00:00", "2026-07-02T00:00:00.000000Z"},
		{"UTC", NULL, "2026-06-30 23:59:60", "2026-07-01T00:00:00.000000Z"},
		{"UTC", NULL, "2026-06-30 12:00:00.1234567",
		 "bad: it does not have the expected date format"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		MappingStep step = {.kind = STEP_TIMESTAMP,
							.text = cases[i].format,
							.zone = cases[i].zone == NULL ? NULL : zone(cases[i].zone)};

		assert_string_equal(run(&step, text_cell(cases[i].text)), cases[i].output);
	}
}

static void
instants_and_clocks_have_days(void **state)
{
	MappingStep step = {.kind = STEP_DATE, .zone = zone("Asia/Tokyo")};
	Cell cell = {.kind = CELL_INSTANT, .as.integer = INT64_C(1700000000) * 1000000};

	(void) state;
	/* 2023-11-14 22:13 UTC is the next day in Tokyo */
	assert_string_equal(run(&step, cell), "2023-11-15");
	cell.kind = CELL_TIMESTAMP;
	assert_string_equal(run(&step, cell), "2023-11-14");
	cell.as.integer = -1;
	assert_string_equal(run(&step, cell), "1969-12-31");
	cell.as.integer = VALUE_PLUS_INFINITY;
	assert_string_equal(run(&step, cell), "bad: it is infinite or too far off");
}

/* The C library knows the same zones: both must agree at every instant. */
static void
zones_agree_with_the_c_library(void **state)
{
	static const char *const names[] = {
		"Europe/Berlin",	   "America/New_York",	"Asia/Kathmandu",
		"Australia/Lord_Howe", "Africa/Casablanca", "UTC",
		"America/Sao_Paulo",   "Europe/Dublin",		"Asia/Tehran"};
	char *before = getenv("TZ") != NULL ? strdup(getenv("TZ")) : NULL;

	(void) state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		const Zone *loaded = zone(names[i]);

		setenv("TZ", names[i], 1);
		tzset();
		for (int64_t at = INT64_C(-2500000000); at < INT64_C(5000000000); at += 4231307)
		{
			time_t when = (time_t) at;
			struct tm tm;

			assert_non_null(localtime_r(&when, &tm));
			assert_int_equal(mapping_zone_offset(loaded, at), tm.tm_gmtoff);
			/* an instant whose clock shows once comes back */
			if (mapping_zone_offset(loaded, at - 93600) == mapping_zone_offset(loaded, at + 93600))
				assert_int_equal(mapping_zone_to_utc(loaded, at + tm.tm_gmtoff), at);
		}
	}
	if (before != NULL)
		setenv("TZ", before, 1);
	else
		unsetenv("TZ");
	free(before);
}

static void
unknown_zones_are_refused(void **state)
{
	static const char *const names[] = {
		"",		  "/etc/passwd", "../../etc/passwd", "Europe/Berlim",
		"Europe", "zone.tab",	 "Europe/Berlin\n"};
	Err err;
	const char *why;

	(void) state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		assert_null(mapping_zone_load(&arena, names[i], &why, &err));
		assert_non_null(why);
	}
	assert_string_equal(mapping_zone_suggest(&arena, "Europe/Berlim"), "Europe/Berlin");
}

static void
emails_have_a_normal_form(void **state)
{
	static const char *const local = "bad: the part before the @ is not a dot-atom of RFC 5322";
	static const char *const host = "bad: the part after the @ is not a host name";
	const struct
	{
		const char *text;
		const char *output;
	} cases[] = {
		{"Ada.Lovelace@Example.COM", "Ada.Lovelace@example.com"},
		{" a@b.de\n", "a@b.de"},
		{"a+b'c@b-c.example.org", "a+b'c@b-c.example.org"},
		{"a", "bad: it holds no @"},
		{"", "bad: it holds no @"},
		{"@b.de", "bad: the part before the @ is empty or longer than 64 characters"},
		{".a@b.de", local},
		{"a.@b.de", local},
		{"a..b@b.de", local},
		{"a b@b.de", local},
		{"\"a b\"@b.de", local},
		{"é@b.de", local},
		{"a@b", host},
		{"a@b..de", host},
		{"a@-b.de", host},
		{"a@b-.de", host},
		{"a@b.de.", host},
		{"a@b_c.de", host},
		{"a@1.2.3.4", host},
		{"a@[1.2.3.4]", host},
		{"a@b@c.de", host},
		{"Ada <a@b.de>", local},
	};
	MappingStep step = {.kind = STEP_EMAIL};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(run(&step, text_cell(cases[i].text)), cases[i].output);
	assert_true(mapping_email_valid("a@b.de", 6));
	assert_false(mapping_email_valid("a@B.de", 6));
	assert_false(mapping_email_valid(" a@b.de", 7));
}

static void
phones_become_e164(void **state)
{
	static const struct
	{
		const char *country; /* NULL: none */
		const char *text;
		const char *output;
	} cases[] = {
		{"DE", "030 1234-567", "+49301234567"},
		{"DE", "(030) 1234/567", "+49301234567"},
		{"DE", "+49 (0)30 1234567", "+49301234567"},
		{"DE", "0049 30 1234567", "+49301234567"},
		{"DE", "+44 20 7946 0958", "+442079460958"},
		{"DE", "030\u00a01234567", "+49301234567"},
		{"GB", "020 7946 0958", "+442079460958"},
		{"US", "(212) 555-0123", "+12125550123"},
		{"US", "1-212-555-0123", "+12125550123"},
		{"US", "011 49 30 1234567", "+49301234567"},
		{"US", "555-0123", "bad: a number of calling code 1 must have ten digits after it"},
		{"IT", "06 1234 5678", "+390612345678"},
		{"ES", "912 34 56 78", "+34912345678"},
		{"HU", "06 1 234 5678", "+3612345678"},
		{"RU", "8 (495) 123-45-67", "+74951234567"},
		{"AU", "0011 49 30 1234567", "+49301234567"},
		{"AU", "02 9876 5432", "+61298765432"},
		{"JP", "010 49 30 1234567", "+49301234567"},
		{NULL, "+49301234567", "+49301234567"},
		{NULL, "0301234567", "bad: it has no calling code, and the step names no country"},
		{"DE", "", "bad: it holds no digits"},
		{"DE", "call me",
		 "bad: it holds a character that is no digit, blank or one of + - . ( ) /"},
		{"DE", "030 1234567 ext 5",
		 "bad: it holds a character that is no digit, blank or one of + - . ( ) /"},
		{"DE", "12", "bad: it has too few digits"},
		{"DE", "+999 1234567", "bad: it starts with a calling code that no country has"},
		{"DE", "0001718218086", "bad: it starts with a calling code that no country has"},
		{"DE", "+49 1234567890123456", "bad: it has more than 15 digits"},
		{"DE", "12345678901234567890123456789012345678901234567890",
		 "bad: it has more than 15 digits"},
		{"DE", "++49301234567",
		 "bad: it holds a character that is no digit, blank or one of + - . ( ) /"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		MappingStep step = {.kind = STEP_PHONE};

		if (cases[i].country != NULL)
		{
			step.country = mapping_phone_country(cases[i].country);
			assert_non_null(step.country);
		}
		assert_string_equal(run(&step, text_cell(cases[i].text)), cases[i].output);
	}
	assert_null(mapping_phone_country("XX"));
	assert_true(mapping_phone_valid("+49301234567", 12));
	assert_false(mapping_phone_valid("49301234567", 11));
	assert_false(mapping_phone_valid("+4930123456x", 12));
}

static void
formats_are_validated(void **state)
{
	static const struct
	{
		const char *format;
		const char *text;
		bool good;
	} cases[] = {
		{"country", "DE", true},		 {"country", "XK", false},
		{"country", "de", false},		 {"country", "ED", false},
		{"country", "DEU", false},		 {"currency", "EUR", true},
		{"currency", "URD", false},		 {"currency", "eur", false},
		{"language", "de", true},		 {"language", "de-CH", true},
		{"language", "german", false},	 {"language", "", false},
		{"language", "de-", false},		 {"url", "https://a.b/c", true},
		{"url", "a.b", false},			 {"url", "https://a b", false},
		{"domain", "a.de", true},		 {"domain", "A.de", false},
		{"email", "a@b.de", true},		 {"email", "a", false},
		{"phone", "+49301234567", true}, {"phone", "030", false},
		{"something", "else", true},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *reason = mapping_codes_check(mapping_codes_format(cases[i].format),
												 cases[i].text, strlen(cases[i].text));

		assert_int_equal(reason == NULL, cases[i].good);
	}
}

/* The lists are searched by halves: one code out of order, and others are not found. */
static void
every_listed_code_is_found(void **state)
{
	int countries = 0;
	int currencies = 0;

	(void) state;
	for (int i = 0; i < 26 * 26 * 26; i++)
	{
		char code[3] = {(char) ('A' + i / 676), (char) ('A' + i / 26 % 26), (char) ('A' + i % 26)};

		currencies += mapping_codes_currency(code, 3);
		countries += i < 676 && mapping_codes_country(code + 1, 2);
	}
	assert_int_equal(countries, 249);
	assert_int_equal(currencies, 184);
}

static void
only_what_a_step_makes_goes_unchecked(void **state)
{
	(void) state;
	assert_null(mapping_codes_format(NULL));
	assert_null(mapping_codes_format("something"));
	assert_null(mapping_codes_format_after("email", STEP_EMAIL));
	assert_null(mapping_codes_format_after("phone", STEP_PHONE));
	assert_ptr_equal(mapping_codes_format_after("email", STEP_PHONE),
					 mapping_codes_format("email"));
	assert_ptr_equal(mapping_codes_format_after("country", STEP_EMAIL),
					 mapping_codes_format("country"));
	assert_non_null(mapping_codes_format("country"));
}

static void
every_kind_has_one_text(void **state)
{
	static const uint8_t uuid[] = {0xA0, 0xEE, 0xBC, 0x99, 0x9c, 0x0b, 0x4e, 0xf8,
								   0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11};
	const struct
	{
		Cell cell;
		const char *text;
	} cases[] = {
		{{.kind = CELL_BOOLEAN, .as.boolean = true}, "true"},
		{{.kind = CELL_INTEGER, .as.integer = INT64_MIN}, "-9223372036854775808"},
		{{.kind = CELL_DATE, .as.integer = -1}, "1969-12-31"},
		{{.kind = CELL_DATE, .as.integer = VALUE_MINUS_INFINITY}, "-infinity"},
		{{.kind = CELL_TIME, .as.integer = INT64_C(86400000000)}, "24:00:00"},
		{{.kind = CELL_TIME, .as.integer = 1500000}, "00:00:01.500000"},
		{{.kind = CELL_TIMESTAMP, .as.integer = 0}, "1970-01-01T00:00:00.000000"},
		{{.kind = CELL_INSTANT, .as.integer = 1}, "1970-01-01T00:00:00.000001Z"},
		{{.kind = CELL_INSTANT, .as.integer = VALUE_PLUS_INFINITY}, "infinity"},
		{{.kind = CELL_UUID, .length = 16, .as.bytes = uuid},
		 "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{{.kind = CELL_FLOAT, .as.real = 2.5}, "2.5"},
		{{.kind = CELL_DECIMAL, .as.decimal = 1500000000}, "1.5"},
	};
	MappingStep step = {.kind = STEP_TRIM};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(run(&step, cases[i].cell), cases[i].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_steps_do_what_their_names_say),
		cmocka_unit_test(constant_and_default_need_no_value),
		cmocka_unit_test(concatenate_skips_nulls),
		cmocka_unit_test(picklists_translate_keep_null_or_reject),
		cmocka_unit_test(numbers_are_exact_or_bad),
		cmocka_unit_test(numerics_become_decimals_exactly),
		cmocka_unit_test(reals_have_their_shortest_text),
		cmocka_unit_test(dates_are_days_of_the_calendar),
		cmocka_unit_test(date_formats_are_checked),
		cmocka_unit_test(epochs_become_instants),
		cmocka_unit_test(timestamps_are_read_in_their_zone),
		cmocka_unit_test(instants_and_clocks_have_days),
		cmocka_unit_test(zones_agree_with_the_c_library),
		cmocka_unit_test(unknown_zones_are_refused),
		cmocka_unit_test(emails_have_a_normal_form),
		cmocka_unit_test(phones_become_e164),
		cmocka_unit_test(formats_are_validated),
		cmocka_unit_test(every_listed_code_is_found),
		cmocka_unit_test(only_what_a_step_makes_goes_unchecked),
		cmocka_unit_test(every_kind_has_one_text),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
