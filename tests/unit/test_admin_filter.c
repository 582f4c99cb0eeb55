/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_admin_filter.c — conditions on records as `goldpan log` takes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "goldpan/admin.h"

static const char record[] =
	"{\"source\":\"crm\",\"id\":\"a/42\",\"email\":\"ann@example.com\",\"phone\":null,"
	"\"amount\":\"100.50\",\"zip\":\"00123\",\"vip\":true,\"employees\":9007199254740993,"
	"\"meta\":{\"operation\":\"update\",\"end_lsn\":5000,"
	"\"commit_time\":\"2026-11-24T10:00:00.500000Z\",\"changed\":[\"email\",\"phone\"],"
	"\"violations\":[],\"ownership\":[{\"field\":\"email\",\"owner\":\"billing\",\"is_owner\":"
	"false},"
	"{\"field\":\"phone\",\"owner\":\"crm\",\"is_owner\":true}]}}";

typedef bool (*Adder)(AdminFilter *, const char *, Err *);

static bool
passes(Adder add, const char *text)
{
	Arena arena;
	AdminFilter *filter;
	bool pass = false;
	Err err;

	err_clear(&err);
	arena_init(&arena, 1 << 20);
	filter = admin_filter_new(&arena, &err);
	assert_non_null(filter);
	if (!add(filter, text, &err))
		fail_msg("%s: %s", text, err.message);
	assert_true(admin_filter_pass(filter, record, strlen(record), &pass, &err));
	admin_filter_free(filter);
	arena_release(&arena);
	return pass;
}

static void
conditions_hold_or_do_not(void **state)
{
	static const struct
	{
		const char *condition;
		bool pass;
	} cases[] = {
		{"meta.operation = update", true},
		{"meta.operation=update", true},
		{"meta.operation != update", false},
		{"meta.operation = 'update'", true},
		{"email ~ @example[.]com$", true},
		{"email ~ ^bob", false},
		{"amount = 100.5", true}, /* numbers compare as numbers, whatever their form */
		{"amount = '100.5'", false},
		{"amount > 99", true},
		{"amount < 99", false},
		{"amount >= 100.50", true},
		{"amount <= 100.49", false},
		{"zip = 123", true},
		{"zip = '123'", false},
		{"employees = 9007199254740993", true}, /* beyond what a double holds */
		{"employees = 9007199254740992", false},
		{"vip = true", true},
		{"phone = null", true},
		{"phone != null", false},
		{"email = null", false},
		{"email != null", true},
		{"phone > 1", false},
		{"meta.changed = phone", true},
		{"meta.changed = name", false},
		{"meta.changed != name", true},
		{"meta.changed != email", false},
		{"meta.ownership.owner = crm", true},
		{"meta.ownership.owner = erp", false},
		{"meta.violations = email", false},
		{"emial != x", false}, /* a mistyped name matches nothing */
		{"meta.operation > create", true},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		if (passes(admin_filter_where, cases[i].condition) != cases[i].pass)
			fail_msg("%s", cases[i].condition);
	}
}

static void
a_key_is_a_source_and_an_id_that_may_hold_slashes(void **state)
{
	(void) state;
	assert_true(passes(admin_filter_key, "crm/a/42"));
	assert_false(passes(admin_filter_key, "crm/42"));
	assert_false(passes(admin_filter_key, "billing/a/42"));
}

static void
a_start_is_a_time_or_a_position(void **state)
{
	(void) state;
	assert_true(passes(admin_filter_from, "2026-11-24"));
	assert_true(passes(admin_filter_from, "2026-11-24T10:00:00.5Z"));
	assert_false(passes(admin_filter_from, "2026-11-24T10:00:00.500001Z"));
	assert_true(passes(admin_filter_from, "2026-11-24T12:00:00+02:00"));
	assert_false(passes(admin_filter_from, "2026-11-24T10:00:00-01:00"));
	assert_false(passes(admin_filter_from, "2026-11-25"));
	assert_true(passes(admin_filter_from, "0/1388"));
	assert_false(passes(admin_filter_from, "0/1389"));
}

static void
what_cannot_be_read_is_refused_with_a_hint(void **state)
{
	static const struct
	{
		Adder add;
		const char *text;
	} cases[] = {
		{admin_filter_where, "meta.operation"},
		{admin_filter_where, "= 5"},
		{admin_filter_where, "a..b = 5"},
		{admin_filter_where, ""},
		{admin_filter_where, "a ~ ("},
		{admin_filter_where, "a.b.c.d.e.f.g.h.i = 1"},
		{admin_filter_key, "crm"},
		{admin_filter_key, "/42"},
		{admin_filter_key, "crm/"},
		{admin_filter_from, "yesterday"},
		{admin_filter_from, "2026-11-24T10:00:00 o'clock"},
	};
	Arena arena;
	AdminFilter *filter;
	Err err;

	(void) state;
	arena_init(&arena, 1 << 20);
	filter = admin_filter_new(&arena, &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		err_clear(&err);
		if (cases[i].add(filter, cases[i].text, &err))
			fail_msg("\"%s\" was taken", cases[i].text);
		assert_int_equal(err.code, ERR_COMMAND_LINE);
	}
	admin_filter_free(filter);
	arena_release(&arena);
}

static void
what_is_no_json_is_an_error(void **state)
{
	Arena arena;
	AdminFilter *filter;
	bool pass;
	Err err;

	(void) state;
	arena_init(&arena, 1 << 20);
	filter = admin_filter_new(&arena, &err);
	assert_true(admin_filter_pass(filter, "{", 1, &pass, &err)); /* no condition: not looked at */
	assert_true(pass);
	assert_true(admin_filter_where(filter, "a = 1", &err));
	assert_false(admin_filter_pass(filter, "{", 1, &pass, &err));
	assert_int_equal(err.code, ERR_DATA);
	admin_filter_free(filter);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_hold_or_do_not),
		cmocka_unit_test(a_key_is_a_source_and_an_id_that_may_hold_slashes),
		cmocka_unit_test(a_start_is_a_time_or_a_position),
		cmocka_unit_test(what_cannot_be_read_is_refused_with_a_hint),
		cmocka_unit_test(what_is_no_json_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
