/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_core.c — arena, buffer, err, lsn, clock: ceilings and text forms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "goldpan/alloc.h"
#include "goldpan/arena.h"
#include "goldpan/buffer.h"
#include "goldpan/clock.h"
#include "goldpan/lsn.h"

static void
buffer_never_passes_its_ceiling(void **state)
{
	Buffer buffer;
	Err err;

	(void) state;
	buffer_init(&buffer, 1000);
	for (int i = 0; i < 1000; i++)
		assert_true(buffer_append_byte(&buffer, (uint8_t) i, &err));
	assert_false(buffer_append_byte(&buffer, 0, &err));
	assert_int_equal(err.code, ERR_NOMEM);
	assert_int_equal(buffer.length, 1000);
	assert_int_equal(buffer.data[999], 999 & 0xff);
	buffer_release(&buffer);
}

static void
buffer_survives_a_failed_allocation(void **state)
{
	Buffer buffer;
	Err err;

	(void) state;
	buffer_init(&buffer, 1 << 20);
	assert_true(buffer_append_text(&buffer, "kept", &err));
	alloc_fail_at(1);
	assert_false(buffer_reserve(&buffer, 4096, &err));
	alloc_fail_at(0);
	assert_int_equal(err.code, ERR_NOMEM);
	assert_memory_equal(buffer.data, "kept", 4);
	buffer_release(&buffer);
}

static void
arena_gives_back_all_at_once_and_keeps_its_ceiling(void **state)
{
	Arena arena;
	Err err;

	(void) state;
	arena_init(&arena, 20000);
	for (int round = 0; round < 3; round++)
	{
		assert_non_null(arena_alloc(&arena, 5000, &err));
		assert_non_null(arena_alloc(&arena, 5000, &err));
		assert_null(arena_alloc(&arena, 15000, &err));
		assert_int_equal(err.code, ERR_NOMEM);
		arena_reset(&arena);
	}
	arena_release(&arena);
}

static void
lsn_text_round_trips_and_refuses_other_text(void **state)
{
	static const char *const bad[] = {"",	 "/",	 "1",	"1/", "/1", "1/123456789",
									  "g/1", "1/1 ", "1//1"};
	char text[LSN_TEXT_SIZE];
	Lsn lsn;

	(void) state;
	assert_true(lsn_parse("16/B374D848", &lsn));
	assert_true(lsn == UINT64_C(0x16B374D848));
	assert_string_equal(lsn_format(lsn, text), "16/B374D848");
	assert_true(lsn_parse("ffffffff/ffffffff", &lsn));
	assert_true(lsn == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(lsn_parse(bad[i], &lsn));
}

static void
clock_formats_every_year(void **state)
{
	static const struct
	{
		int64_t us;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{-1, "1969-12-31T23:59:59.999999Z"},
		{INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z"},
		{INT64_C(4102444799999999), "2099-12-31T23:59:59.999999Z"},
		{INT64_C(253402300800000000), "+010000-01-01T00:00:00.000000Z"},
		{INT64_C(-62167219200000001), "-000001-12-31T23:59:59.999999Z"},
	};
	char text[CLOCK_TEXT_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		(void) clock_format(rows[i].us, text);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_never_passes_its_ceiling),
		cmocka_unit_test(buffer_survives_a_failed_allocation),
		cmocka_unit_test(arena_gives_back_all_at_once_and_keeps_its_ceiling),
		cmocka_unit_test(lsn_text_round_trips_and_refuses_other_text),
		cmocka_unit_test(clock_formats_every_year),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
