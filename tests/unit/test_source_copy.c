/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_source_copy.c — rows of a binary COPY, and UTF-8.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "goldpan/clock.h"
#include "source/source_priv.h"

static SourceShape *
test_shape(SourceForm form, ValueKind kind)
{
	Err err;
	SourceShape *shape = source_relation_new(1, &err);

	assert_non_null(shape);
	shape->forms[0] = (uint8_t) form;
	shape->kinds[0] = (uint8_t) kind;
	return shape;
}

/* One row of one value: its count and length are put before the bytes. */
static bool
test_one(SourceForm form, ValueKind kind, const void *bytes, uint32_t length, Value *value)
{
	static uint8_t row[512];
	SourceShape *shape = test_shape(form, kind);
	const char *error;
	size_t used = 0;
	bool end;
	bool ok;

	row[0] = 0;
	row[1] = 1;
	for (int i = 0; i < 4; i++)
		row[2 + i] = (uint8_t) (length >> (24 - 8 * i));
	memcpy(row + 6, bytes, length);
	ok = source_copy_row(shape, row, 6 + (size_t) length, value, &used, &end, &error);
	assert_true(!ok || (!end && used == 6 + (size_t) length));
	source_relation_discard(shape);
	return ok;
}

#define ONE(form, kind, literal) test_one((form), (kind), (literal), sizeof(literal) - 1, &value)

static void
fixed_values_are_read_at_their_extremes(void **state)
{
	Value value;

	(void) state;
	assert_true(ONE(SOURCE_FORM_INT2, VALUE_INTEGER, "\x80\x00"));
	assert_int_equal(value.as.integer, -32768);
	assert_true(ONE(SOURCE_FORM_OID, VALUE_INTEGER, "\xff\xff\xff\xff"));
	assert_true(value.as.integer == INT64_C(4294967295));
	assert_true(ONE(SOURCE_FORM_FLOAT4, VALUE_FLOAT, "\x3f\xc0\x00\x00"));
	assert_true(value.as.real == 1.5);
	assert_true(ONE(SOURCE_FORM_DATE, VALUE_DATE, "\x00\x00\x00\x00"));
	assert_int_equal(value.as.integer, 10957);
	assert_true(ONE(SOURCE_FORM_DATE, VALUE_DATE, "\x7f\xff\xff\xff"));
	assert_true(value.as.integer == VALUE_PLUS_INFINITY);
	assert_true(ONE(SOURCE_FORM_TIMESTAMP, VALUE_TIMESTAMP, "\x80\x00\x00\x00\x00\x00\x00\x00"));
	assert_true(value.as.integer == VALUE_MINUS_INFINITY);
	/* 294276-12-31 23:59:59.999999 does not fit Unix microseconds */
	assert_true(ONE(SOURCE_FORM_TIMESTAMP, VALUE_TIMESTAMP, "\x7f\xff\xfc\x67\x8f\x24\x3f\xff"));
	assert_true(value.as.integer == VALUE_PLUS_INFINITY);
	assert_true(ONE(SOURCE_FORM_TIMESTAMPTZ, VALUE_TIMESTAMPTZ, "\0\0\0\0\0\0\0\x01"));
	assert_true(value.as.integer == CLOCK_POSTGRES_EPOCH + 1);
	assert_false(ONE(SOURCE_FORM_INT4, VALUE_INTEGER, "\x00\x00\x00"));
	assert_false(ONE(SOURCE_FORM_UUID, VALUE_UUID, "short"));
}

static void
numerics_are_checked(void **state)
{
	Value value;

	(void) state;
	assert_true(ONE(SOURCE_FORM_NUMERIC, VALUE_NUMERIC, "\0\x01\0\0\x40\0\0\x02\x04\xd2"));
	assert_int_equal(value.as.numeric.sign, NUMERIC_NEGATIVE);
	assert_int_equal(value.as.numeric.ndigits, 1);
	assert_int_equal(value.as.numeric.dscale, 2);
	assert_memory_equal(value.as.numeric.digits, "\x04\xd2", 2);
	assert_true(ONE(SOURCE_FORM_NUMERIC, VALUE_NUMERIC, "\0\0\0\0\xd0\0\0\x20"));
	assert_int_equal(value.as.numeric.sign, NUMERIC_PLUS_INFINITY);
	assert_int_equal(value.as.numeric.dscale, 0);
	/* a digit of 10000; fewer digits than announced; an unknown sign */
	assert_false(ONE(SOURCE_FORM_NUMERIC, VALUE_NUMERIC, "\0\x01\0\0\0\0\0\0\x27\x10"));
	assert_false(ONE(SOURCE_FORM_NUMERIC, VALUE_NUMERIC, "\0\x02\0\0\0\0\0\0\x04\xd2"));
	assert_false(ONE(SOURCE_FORM_NUMERIC, VALUE_NUMERIC, "\0\0\0\0\x10\0\0\0"));
	assert_false(ONE(SOURCE_FORM_NUMERIC, VALUE_NUMERIC, "\0\0\0"));
}

static void
rows_that_do_not_fit_are_refused(void **state)
{
	SourceShape *shape = test_shape(SOURCE_FORM_TEXT, VALUE_TEXT);
	Value value;
	const char *error;
	size_t used;
	bool end;

	(void) state;
	assert_true(source_copy_row(shape, (const uint8_t *) "\0\x01\xff\xff\xff\xff", 6, &value, &used,
								&end, &error));
	assert_int_equal(value.state, VALUE_NULL);
	assert_true(
		source_copy_row(shape, (const uint8_t *) "\xff\xff", 2, &value, &used, &end, &error));
	assert_true(end);
	assert_false(source_copy_row(shape, (const uint8_t *) "\0", 1, &value, &used, &end, &error));
	assert_false(
		source_copy_row(shape, (const uint8_t *) "\0\x02", 2, &value, &used, &end, &error));
	assert_non_null(strstr(error, "another number of values"));
	assert_false(source_copy_row(shape,
								 (const uint8_t *) "\0\x01\0\0\0\x05"
												   "abcd",
								 10, &value, &used, &end, &error));
	assert_false(source_copy_row(shape, (const uint8_t *) "\0\x01\xff\xff\xff\xfe", 6, &value,
								 &used, &end, &error));
	assert_false(ONE(SOURCE_FORM_TEXT, VALUE_TEXT, "\xff"));
	assert_true(ONE(SOURCE_FORM_BYTES, VALUE_BYTES, "\xff"));
	source_relation_discard(shape);
}

static void
headers_are_checked(void **state)
{
	static const uint8_t header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\x02xy";
	uint8_t broken[sizeof(header)];
	const char *error;
	size_t used;

	(void) state;
	assert_true(source_copy_header(header, sizeof(header) - 1, &used, &error));
	assert_int_equal(used, 21);
	assert_false(source_copy_header(header, 20, &used, &error));
	memcpy(broken, header, sizeof(header));
	broken[11] = 1; /* a critical flag */
	assert_false(source_copy_header(broken, sizeof(header) - 1, &used, &error));
}

static void
utf8_is_told_from_what_is_not(void **state)
{
	static const struct
	{
		const char *text;
		bool valid;
	} cases[] = {
		{"", true},
		{"seven b", true},
		{"eight by", true},
		{"sixteen bytes ok", true},
		{"caf\xc3\xa9", true},
		{"long enough \xe2\x82\xac and more", true},
		{"\xf0\x9f\x98\x80", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"\xef\xbf\xbf", true},
		{"\x01\x01\x01\x01\x01\x01\x01\x01", true},
		{"\xc3", false},
		{"ascii ascii \xc3", false},
		{"\x80", false},
		{"\xc0\xaf", false},
		{"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false},
		{"\xed\xa0\x80", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false},
		{"\xe2\x82", false},
		{"\xe2(\xa1", false},
		{"\xf0\x9f\x98", false},
		{"\xff\xfe", false},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (source_utf8_valid(cases[i].text, strlen(cases[i].text)) != cases[i].valid)
			fail_msg("case %zu", i);
	for (size_t at = 0; at < 20; at++)
	{
		char text[20];

		memset(text, 'a', sizeof(text));
		assert_true(source_utf8_valid(text, sizeof(text)));
		text[at] = '\0';
		assert_false(source_utf8_valid(text, sizeof(text)));
		text[at] = '\x80';
		assert_false(source_utf8_valid(text, sizeof(text)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_values_are_read_at_their_extremes),
		cmocka_unit_test(numerics_are_checked),
		cmocka_unit_test(rows_that_do_not_fit_are_refused),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(utf8_is_told_from_what_is_not),
	};

	return cmocka_run_group_tests_name("source_copy", tests, NULL, NULL);
}
