/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_dataset_config.c — identity configurations: what they say, and how they are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "goldpan/dataset.h"

static DatasetConfig *
parse(Arena *arena, const char *text, Err *err)
{
	err_clear(err);
	return dataset_config_parse(text, strlen(text), "t.conf", arena, err);
}

#define INPUT(rest)	 "inputs = ( { source = \"crm\"; record_id = \"id\";\n" rest "} );\n"
#define COLUMN(rest) INPUT("columns = ( { column = \"c\"; " rest " } );\n")

static void
says_which_column_is_which_attribute(void **state)
{
	static const char text[] =
		"deployment = \"d\"; kind = \"person\";\n"
		"parameters = ( { name = \"person.link\"; value = 3; } );\n"
		"inputs = (\n"
		"  { source = \"crm\"; record_id = \"id\"; country = \"GB\"; separator = \";\";\n"
		"    columns = ( { column = \"dob\"; attribute = \"birth_date\"; verified = true;\n"
		"                  date_format = \"DD/MM/YYYY\"; },\n"
		"                { column = \"vat\"; attribute = \"strong_id\"; scheme = \"vat\";\n"
		"                  exclusive = true; } ); },\n"
		"  { name = \"accounts\"; topic = \"customer.account\"; } );\n";
	Arena arena;
	Err err;
	DatasetConfig *config;

	(void) state;
	arena_init(&arena, 1 << 20);
	config = parse(&arena, text, &err);
	assert_non_null(config);
	assert_string_equal(config->deployment, "d");
	assert_int_equal(config->nparameters, 1);
	assert_string_equal(config->parameters[0].name, "person.link");
	assert_true(config->parameters[0].value > 2.9 && config->parameters[0].value < 3.1);
	assert_int_equal(config->ninputs, 2);
	assert_true(config->several_sources);
	assert_string_equal(config->inputs[0].name, "crm");
	assert_int_equal(config->inputs[0].separator, ';');
	assert_string_equal(config->inputs[0].country, "GB");
	assert_int_equal(config->inputs[0].columns[0].attribute, IDENTITY_BIRTH_DATE);
	assert_int_equal(config->inputs[0].columns[0].flags, IDENTITY_VERIFIED);
	assert_int_equal(config->inputs[0].columns[1].flags, IDENTITY_EXCLUSIVE);
	assert_string_equal(config->inputs[0].columns[1].scheme, "vat");
	assert_int_equal(config->inputs[1].kind, IDENTITY_COMPANY);
	assert_true(config->inputs[1].ncolumns > 5);
	assert_ptr_equal(dataset_config_input(config, "accounts", 8), &config->inputs[1]);
	assert_null(dataset_config_input(config, "account", 7));
	arena_release(&arena);
}

static void
a_contact_s_account_is_no_evidence(void **state)
{
	Arena arena;
	Err err;
	DatasetConfig *config;

	(void) state;
	arena_init(&arena, 1 << 20);
	config = parse(&arena, "inputs = ( { name = \"c\"; topic = \"customer.contact\"; } );", &err);
	assert_non_null(config);
	assert_int_equal(config->inputs[0].kind, IDENTITY_PERSON);
	for (size_t i = 0; i < config->inputs[0].ncolumns; i++)
		assert_string_not_equal(config->inputs[0].columns[i].name, "account_id");
	arena_release(&arena);
}

static void
refuses_with_file_and_line(void **state)
{
	static const struct
	{
		const char *text;
		const char *message; /* how it begins */
		const char *hint;
	} cases[] = {
		{"", "t.conf:1: there are no \"inputs\"", ""},
		{"\nkind = \"persons\";", "t.conf:2: kind: \"persons\" is no kind of record",
		 "Did you mean \"person\"?"},
		{"input = ();", "t.conf:1: input:", ""},
		{"inputs = ( 1 );", "t.conf:1: inputs[0]: an input must be a group, not an integer", ""},
		{"inputs = ( { source = \"crm\"; } );",
		 "t.conf:1: inputs[0]: the input has no \"record_id\"",
		 "Name the column that tells rows apart and stays the same tomorrow."},
		{"inputs = ( { record_id = \"id\"; } );", "t.conf:1: inputs[0]: the input has no \"name\"",
		 ""},
		{INPUT(""), "t.conf:1: inputs[0]: the input has no \"columns\"", ""},
		{INPUT("separator = \"ab\"; columns = ();"),
		 "t.conf:2: inputs[0].separator: a separator is one character, and no quote", ""},
		{COLUMN(""), "t.conf:2: inputs[0].columns[0]: the column has no \"attribute\"", ""},
		{COLUMN("attribute = \"emial\";"),
		 "t.conf:2: inputs[0].columns[0].attribute: there is no attribute \"emial\"",
		 "Did you mean \"email\"?"},
		{COLUMN("attribute = \"email\"; scheme = \"x\";"),
		 "t.conf:2: inputs[0].columns[0]: \"scheme\" is for the attribute \"strong_id\" alone", ""},
		{COLUMN("attribute = \"strong_id\";"),
		 "t.conf:2: inputs[0].columns[0]: a strong id needs its \"scheme\" (\"vat\", \"ssn\" …)",
		 ""},
		{COLUMN("attribute = \"email\"; exclusive = true;"),
		 "t.conf:2: inputs[0].columns[0]: \"exclusive\" is for the attribute \"strong_id\" alone",
		 ""},
		{COLUMN("attribute = \"email\"; verified = true;"),
		 "t.conf:2: inputs[0].columns[0]: \"verified\" is for the attribute \"birth_date\" alone",
		 ""},
		{COLUMN("attribute = \"birth_date\"; date_format = \"DD/MM\";"),
		 "t.conf:2: inputs[0].columns[0].date_format: \"DD/MM\" is no date format",
		 "Write YYYY, MM and DD once each, as in \"DD/MM/YYYY\"."},
		{"inputs = ( { name = \"i\"; topic = \"customer.invoice\"; } );",
		 "t.conf:1: inputs[0]: the columns of topic \"customer.invoice\" are not known",
		 "Contacts and accounts are; other entities need \"columns\"."},
		{"inputs = ( { name = \"c\"; topic = \"customer.contact\";\n source = \"x\"; } );",
		 "t.conf:2: inputs[0].source: a record of the log says that itself; it is for CSV alone",
		 ""},
		{"parameters = ( { name = \"x\"; } );",
		 "t.conf:1: parameters[0]: a parameter needs a \"name\" and a \"value\" in numbers", ""},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Arena arena;
		Err err;

		arena_init(&arena, 1 << 20);
		assert_null(parse(&arena, cases[i].text, &err));
		assert_int_equal(err.code, ERR_CONFIG);
		if (strncmp(err.message, cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("case %zu: %s", i, err.message);
		if (cases[i].hint[0] != '\0')
			assert_string_equal(err.hint, cases[i].hint);
		arena_release(&arena);
	}
}

static void
rewrites_dates_of_the_format_and_no_others(void **state)
{
	static const struct
	{
		const char *format, *text, *iso; /* iso NULL: not of the format */
	} cases[] = {
		{"YYYYMMDD", "19560409", "1956-04-09"},
		{"YYYYMMDD", "1956049", NULL},
		{"YYYYMMDD", "195604091", NULL},
		{"YYYYMMDD", "1956-04-09", NULL},
		{"DD/MM/YYYY", "9/4/1956", "1956-04-09"},
		{"DD/MM/YYYY", "09/04/1956", "1956-04-09"},
		{"DD/MM/YYYY", "09/13/1956", NULL},
		{"DD/MM/YYYY", "09/04/56", NULL},
		{"DD/MM/YYYY", "", NULL},
		{"YYYY-MM-DD", "2000-00-10", NULL},
		{"YYYY-MM-DD", "2000-02-30", "2000-02-30"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char iso[11] = "";
		bool ok = dataset_date(cases[i].format, cases[i].text, strlen(cases[i].text), iso);

		assert_int_equal(ok, cases[i].iso != NULL);
		if (ok)
			assert_string_equal(iso, cases[i].iso);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_which_column_is_which_attribute),
		cmocka_unit_test(a_contact_s_account_is_no_evidence),
		cmocka_unit_test(refuses_with_file_and_line),
		cmocka_unit_test(rewrites_dates_of_the_format_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
