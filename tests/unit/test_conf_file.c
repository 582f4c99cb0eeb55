/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_conf_file.c — what a configuration file may hold, and how it is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/conf_file.h"

static ConfFile *
parse(const char *text, Err *err)
{
	err_clear(err);
	return conf_file_parse(text, strlen(text), "t.conf", err);
}

static void
refuses_with_file_and_line(void **state)
{
	static const struct
	{
		const char *text;
		const char *message;
		const char *hint;
	} cases[] = {
		{"a = 1;\n@include \"/etc/shadow\"\n",
		 "t.conf:2: @include is not supported: a configuration is one file", ""},
		{"a = 1;\n  @include \"x\"",
		 "t.conf:2: @include is not supported: a configuration is one file", ""},
		{"a = 1;\nb = 4294967296;\n", "t.conf:2: the integer 4294967296 does not fit 32 bits",
		 "Write 4294967296L: the L makes it a 64-bit integer."},
		{"a = ( 1,\n 2147483648 );", "t.conf:2: the integer 2147483648 does not fit 32 bits",
		 "Write 2147483648L: the L makes it a 64-bit integer."},
		{"a=-2147483649;", "t.conf:1: the integer -2147483649 does not fit 32 bits",
		 "Write -2147483649L: the L makes it a 64-bit integer."},
		{"a=0xFFFFFFFF;", "t.conf:1: the integer 0xFFFFFFFF does not fit 32 bits",
		 "Write 0xFFFFFFFFL: the L makes it a 64-bit integer."},
		{"a=9223372036854775808L;",
		 "t.conf:1: the integer 9223372036854775808L does not fit 64 bits", ""},
		{"a=99999999999999999999999;",
		 "t.conf:1: the integer 99999999999999999999999 does not fit 32 bits", ""},
		{"/* \n */ # 99999999999\n// 99999999999\na=\"99999999999 \\\" @ "
		 "99999999999\";\nb=99999999999;",
		 "t.conf:5: the integer 99999999999 does not fit 32 bits",
		 "Write 99999999999L: the L makes it a 64-bit integer."},
		{"a = \"x\\x00y\";", "t.conf:1: a text may not hold a zero byte (\\x00)", ""},
		{"a = \"\n\xff\";", "t.conf:2: the text is not valid UTF-8", ""},
		{"a = \"\xed\xa0\x80\";", "t.conf:1: the text is not valid UTF-8", ""},
		{"a = 1;\nb = \"x;\n\n", "t.conf:2: a text in quotes is not closed", ""},
		{"a = 1;\n\nb = ;\n", "t.conf:3: syntax error", ""},
		{"a = 1;\na = 2;\n", "t.conf:2: duplicate setting name", ""},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Err err;

		assert_null(parse(cases[i].text, &err));
		assert_string_equal(err.message, cases[i].message);
		assert_string_equal(err.hint, cases[i].hint);
		assert_int_equal(err.class, ERR_CLASS_USAGE);
		assert_int_equal(err.code, ERR_CONFIG);
	}
}

static void
refuses_a_nul_byte_depth_and_size(void **state)
{
	Err err;
	char deep[200];
	size_t size = CONF_FILE_SIZE_LIMIT + 1;
	char *large = alloc_zero(size);

	(void) state;
	assert_null(conf_file_parse("a = 1;\n\0b", 9, "t.conf", &err));
	assert_string_equal(err.message, "t.conf:2: a NUL byte is not allowed");
	strcpy(deep, "a = ");
	memset(deep + 4, '(', 40);
	deep[44] = '\0';
	assert_null(parse(deep, &err));
	assert_string_equal(err.message, "t.conf:1: brackets are nested more than 32 deep");
	memset(large, ' ', size);
	assert_null(conf_file_parse(large, size, "t.conf", &err));
	assert_string_equal(err.message, "t.conf: it is larger than 4 MiB");
	alloc_free(large);
}

static void
refuses_files_that_are_none(void **state)
{
	Err err;

	(void) state;
	assert_null(conf_file_load("/nonexistent/goldpan.conf", &err));
	assert_string_equal(err.message, "could not open file \"/nonexistent/goldpan.conf\": No such "
									 "file or directory");
	assert_int_equal(err.code, ERR_IO);
	assert_null(conf_file_load("/", &err));
	assert_string_equal(err.message, "could not read \"/\": not a regular file");
	assert_null(conf_file_load("/dev/zero", &err));
	assert_string_equal(err.message, "could not read \"/dev/zero\": not a regular file");
}

static void
integers_keep_all_64_bits(void **state)
{
	Err err;
	ConfFile *file = parse("a = 4294967296L; b = -2147483648; c = 0x7fffffff; x1-2 = 3; d = "
						   "-9223372036854775808L; r = 1e10; s = 12345678901.5;",
						   &err);
	const ConfNode *root;
	int64_t value = 7;

	(void) state;
	assert_non_null(file);
	root = conf_file_root(file);
	assert_true(conf_get_integer(file, root, "a", INT64_MIN, INT64_MAX, &value, &err));
	assert_int_equal(value, INT64_C(4294967296));
	assert_true(conf_get_integer(file, root, "b", INT64_MIN, INT64_MAX, &value, &err));
	assert_int_equal(value, INT32_MIN);
	assert_true(conf_get_integer(file, root, "c", INT64_MIN, INT64_MAX, &value, &err));
	assert_int_equal(value, INT32_MAX);
	assert_true(conf_get_integer(file, root, "d", INT64_MIN, INT64_MAX, &value, &err));
	assert_true(value == INT64_MIN);
	value = 7;
	assert_true(conf_get_integer(file, root, "absent", 0, 1, &value, &err));
	assert_int_equal(value, 7);
	assert_false(conf_get_integer(file, root, "a", 0, 10, &value, &err));
	assert_string_equal(err.message,
						"t.conf:1: a: 4294967296 is out of range: it must lie between 0 and 10");
	assert_int_equal(conf_node_kind(conf_node_member(root, "s")), CONF_REAL);
	conf_file_free(file);
}

static void
members_name_file_line_and_path(void **state)
{
	Err err;
	ConfFile *file =
		parse("sources = (\n { name = \"a\"; },\n { name = 3;\n   on = true; } );", &err);
	const ConfNode *second;
	const char *text = "kept";
	bool on = false;
	char path[CONF_PATH_SIZE];

	(void) state;
	assert_non_null(file);
	second = conf_node_at(conf_node_member(conf_file_root(file), "sources"), 1);
	assert_false(conf_get_text(file, second, "name", &text, &err));
	assert_string_equal(err.message, "t.conf:3: sources[1].name: must be a text in quotes, is an "
									 "integer");
	assert_true(conf_get_boolean(file, second, "on", &on, &err));
	assert_true(on);
	assert_string_equal(text, "kept");
	assert_string_equal(conf_node_path(conf_node_member(second, "on"), path), "sources[1].on");
	conf_file_free(file);
}

static void
durations_and_sizes_have_units(void **state)
{
	static const struct
	{
		const char *text;
		int64_t value; /* -1: refused */
	} durations[] = {{"10 s", 10000000},
					 {"500 ms", 500000},
					 {"5min", 300000000},
					 {"2 h", 7200000000},
					 {"1 d", 86400000000},
					 {"7 us", 7},
					 {"10", -1},
					 {"s", -1},
					 {"-1 s", -1},
					 {"1 S", -1},
					 {"9999999999999 d", -1},
					 {"1.5 s", -1},
					 {"", -1},
					 {"10 s ", -1}};
	Err err;
	ConfFile *file = parse("a = \"64 MiB\"; b = 12; c = \"1 s\"; d = \"x\"; e = 1.5;", &err);
	const ConfNode *root = conf_file_root(file);
	int64_t value = 0;

	(void) state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
	{
		bool ok = conf_parse_duration(durations[i].text, &value);

		assert_int_equal(ok, durations[i].value >= 0);
		if (ok)
			assert_int_equal(value, durations[i].value);
	}
	assert_true(conf_get_size(file, root, "a", 0, INT64_MAX, &value, &err));
	assert_int_equal(value, 64 << 20);
	assert_true(conf_get_size(file, root, "b", 0, INT64_MAX, &value, &err));
	assert_int_equal(value, 12);
	assert_true(conf_get_duration(file, root, "b", 0, INT64_MAX, &value, &err));
	assert_int_equal(value, 12000000);
	assert_false(conf_get_duration(file, root, "c", 2000000, 60000000, &value, &err));
	assert_string_equal(err.message, "t.conf:1: c: is out of range: it must lie between \"2 s\" "
									 "and \"1 min\"");
	assert_false(conf_get_size(file, root, "d", 0, 1, &value, &err));
	assert_string_equal(err.message,
						"t.conf:1: d: \"x\" is not a number with a unit like \"64 MiB\"");
	assert_false(conf_get_size(file, root, "e", 0, 1, &value, &err));
	conf_file_free(file);
}

static void
unknown_keys_are_errors_with_the_nearest_name(void **state)
{
	static const char *const known[] = {"feedback_interval", "name", "slot", NULL};
	Err err;
	ConfFile *file = parse("stream: {\n name = \"x\";\n feedback_intervall = 3;\n};", &err);
	const ConfNode *group = conf_node_member(conf_file_root(file), "stream");

	(void) state;
	assert_false(conf_check_keys(file, group, known, &err));
	assert_string_equal(err.message, "t.conf:3: stream.feedback_intervall: unknown key");
	assert_string_equal(err.hint, "Did you mean \"feedback_interval\"?");
	assert_string_equal(conf_suggest("naem", known), "name");
	assert_string_equal(conf_suggest("NAME", known), "name");
	assert_null(conf_suggest("zzz", known));
	assert_null(conf_suggest("", known));
	conf_file_free(file);
}

static void
running_out_of_memory_is_an_error_not_a_crash(void **state)
{
	(void) state;
	for (unsigned long n = 1; n < 10; n++)
	{
		Err err;
		ConfFile *file;

		alloc_fail_at(n);
		file = parse("a = 1;", &err);
		alloc_fail_at(0);
		if (file == NULL)
			assert_int_equal(err.code, ERR_NOMEM);
		conf_file_free(file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_with_file_and_line),
		cmocka_unit_test(refuses_a_nul_byte_depth_and_size),
		cmocka_unit_test(refuses_files_that_are_none),
		cmocka_unit_test(integers_keep_all_64_bits),
		cmocka_unit_test(members_name_file_line_and_path),
		cmocka_unit_test(durations_and_sizes_have_units),
		cmocka_unit_test(unknown_keys_are_errors_with_the_nearest_name),
		cmocka_unit_test(running_out_of_memory_is_an_error_not_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
