/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_dataset_csv.c — what a CSV file may hold, what becomes of a bad row, what is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/dataset.h"

/* Reads everything into one line of text a row: "2:a|b|c" or "3!problem". */
static void
read_all(DatasetCsv *csv, char *out, size_t size)
{
	DatasetCsvRow row;
	bool found;
	Err err;
	size_t used = 0;

	out[0] = '\0';
	for (;;)
	{
		assert_true(dataset_csv_next(csv, &row, &found, &err));
		if (!found)
			return;
		used += (size_t) snprintf(out + used, size - used, "%s%lld%s", used > 0 ? "\n" : "",
								  (long long) row.line, row.problem != NULL ? "!" : ":");
		if (row.problem != NULL)
			used += (size_t) snprintf(out + used, size - used, "%s", row.problem);
		for (size_t i = 0; row.problem == NULL && i < row.nfields; i++)
			used += (size_t) snprintf(out + used, size - used, "%s<%.*s>", i > 0 ? "" : "",
									  (int) row.fields[i].length, row.fields[i].text);
		assert_true(used < size);
	}
}

static const struct
{
	const char *text;
	size_t length; /* 0: strlen */
	const char *rows;
} torture[] = {
	{"a,b\n1,2\n", 0, "2:<1><2>"},
	{"a,b\r\n1,2\r\n3,4", 0, "2:<1><2>\n3:<3><4>"},
	{"\xef\xbb\xbf"
	 "a,b\n1,2",
	 0, "2:<1><2>"},
	{"a,b\n\"x\ny\",2\n3,4\n", 0, "2:<x\ny><2>\n4:<3><4>"},
	{"a,b\n\"x\r\ny\",\"2\"\r\n", 0, "2:<x\r\ny><2>"},
	{"a,b\n\"he said \"\"no\"\"\",\"\"\"\"\n", 0, "2:<he said \"no\"><\">"},
	{"a,b\n\"\",\n", 0, "2:<><>"},
	{"a,b\n,\n", 0, "2:<><>"},
	{"a,b\n\n\r\n1,2\n\n", 0, "4:<1><2>"},
	{"a,b\n\"a,b\",\"c,d\"", 0, "2:<a,b><c,d>"},
	{"a,b\n 1 , 2 \n", 0, "2:< 1 >< 2 >"},
	{"a\n1\n2", 0, "2:<1>\n3:<2>"},
	{"\"a\",\"b\"\n1,2", 0, "2:<1><2>"},
	{"a,b\n", 0, ""},
	{"a,b", 0, ""},
	{"a,b\nZo\xc3\xab,\xf0\x9f\x98\x80\n", 0, "2:<Zo\xc3\xab><\xf0\x9f\x98\x80>"},
	/* bad rows, and what comes after them */
	{"a,b\n1\n1,2\n", 0, "2!it has fewer fields than the header\n3:<1><2>"},
	{"a,b\n1,2,3\n1,2\n", 0, "2!it has more fields than the header\n3:<1><2>"},
	{"a,b\n1,x\"y\n3,4\n", 0, "2!there is a quote inside a field that is not quoted\n3:<3><4>"},
	{"a,b\n\"x\"y,2\n3,4\n", 0, "2!text follows a closing quote\n3:<3><4>"},
	{"a,b\n\"x\" ,2\n3,4\n", 0, "2!text follows a closing quote\n3:<3><4>"},
	{"a,b\n1,\"open\n3,4\n5,6\n", 0, "2!a quote is never closed\n3:<3><4>\n4:<5><6>"},
	{"a,b\n1,\"open\n3,\"x\"\n5,6\n", 0, "2!text follows a closing quote\n3:<3><x>\n4:<5><6>"},
	{"a,b\n1,\"", 0, "2!a quote is never closed"},
	{"a,b\n1,\"\"\"", 0, "2!a quote is never closed"},
	{"a,b\n1,\xff\n3,4", 0, "2!it is not valid UTF-8\n3:<3><4>"},
	{"a,b\n1,\xed\xa0\x80\n", 0, "2!it is not valid UTF-8"},
	{"a,b\n1,\xc0\xaf\n", 0, "2!it is not valid UTF-8"},
	{"a,b\n1,\xf4\x90\x80\x80\n", 0, "2!it is not valid UTF-8"},
	{"a,b\n1,\xe2\x82\n", 0, "2!it is not valid UTF-8"},
	{"a,b\n1,\0\n3,4\n", 12, "2!it has a NUL byte\n3:<3><4>"},
	{"a,b\n1,x\ry\n3,4\n", 0,
	 "2!there is a carriage return inside a field that is not quoted\n3:<3><4>"},
	{"a,b\n1,\"x\ry\"\n", 0, "2:<1><x\ry>"},
};

static void
reads_what_the_format_allows_and_names_what_it_does_not(void **state)
{
	char rows[4096];

	(void) state;
	for (size_t i = 0; i < sizeof(torture) / sizeof(torture[0]); i++)
	{
		size_t length = torture[i].length > 0 ? torture[i].length : strlen(torture[i].text);
		Err err;
		DatasetCsv *csv = dataset_csv_memory(torture[i].text, length, ',', "t.csv", &err);

		assert_non_null(csv);
		read_all(csv, rows, sizeof(rows));
		if (strcmp(rows, torture[i].rows) != 0)
			fail_msg("case %zu: \"%s\", not \"%s\"", i, rows, torture[i].rows);
		dataset_csv_close(csv);
	}
}

static void
write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void
file_and_memory_read_alike_across_windows(void **state)
{
	char path[] = "/tmp/test_dataset_csv.XXXXXX";
	int fd = mkstemp(path);
	Buffer text;
	DatasetCsv *csv;
	DatasetCsvRow row;
	bool found = true;
	Err err;
	int64_t rows = 0;

	(void) state;
	assert_true(fd >= 0);
	(void) close(fd);
	buffer_init(&text, 16 << 20);
	assert_true(buffer_append_text(&text, "id,v\r\n", &err));
	for (int i = 0; i < 60000; i++)
		assert_true(buffer_printf(&text, &err, "%d,\"x\"\"%d\r\n%d\"\r\n", i, i, i));
	write_file(path, text.data, text.length);
	csv = dataset_csv_open(path, ',', &err);
	assert_non_null(csv);
	while (assert_true(dataset_csv_next(csv, &row, &found, &err)), found)
	{
		char wanted[64];
		int length = snprintf(wanted, sizeof(wanted), "x\"%d\r\n%d", (int) rows, (int) rows);

		assert_null(row.problem);
		assert_int_equal(row.line, 2 + 2 * rows);
		assert_int_equal(row.fields[1].length, length);
		assert_memory_equal(row.fields[1].text, wanted, (size_t) length);
		rows++;
	}
	assert_int_equal(rows, 60000);
	dataset_csv_close(csv);
	buffer_release(&text);
	(void) unlink(path);
}

static void
an_open_quote_in_a_large_file_costs_one_line(void **state)
{
	char path[] = "/tmp/test_dataset_csv.XXXXXX";
	int fd = mkstemp(path);
	Buffer text;
	DatasetCsv *csv;
	DatasetCsvRow row;
	bool found = true;
	Err err;
	int64_t good = 0;
	int64_t bad = 0;

	(void) state;
	assert_true(fd >= 0);
	(void) close(fd);
	buffer_init(&text, 16 << 20);
	assert_true(buffer_append_text(&text, "id,v\n0,\"open\n", &err));
	for (int i = 1; i < 300000; i++)
		assert_true(buffer_printf(&text, &err, "%d,value\n", i));
	write_file(path, text.data, text.length);
	csv = dataset_csv_open(path, ',', &err);
	assert_non_null(csv);
	while (assert_true(dataset_csv_next(csv, &row, &found, &err)), found)
	{
		if (row.problem == NULL)
			good++;
		else
		{
			assert_int_equal(row.line, 2);
			assert_string_equal(row.problem, "it is longer than 1 MiB, or a quote is never closed");
			bad++;
		}
	}
	assert_int_equal(good, 299999);
	assert_int_equal(bad, 1);
	dataset_csv_close(csv);
	buffer_release(&text);
	(void) unlink(path);
}

/* What follows the first MiB of a row is no row of its own, nor is what is in quotes there. */
static void
makes_no_rows_of_one_that_is_too_long(void **state)
{
	char path[] = "/tmp/goldpan_csv_XXXXXX";
	int fd = mkstemp(path);
	DatasetCsv *csv;
	DatasetCsvRow row;
	bool found = true;
	Buffer text;
	Err err;
	char seen[64] = "";

	(void) state;
	assert_true(fd >= 0);
	(void) close(fd);
	buffer_init(&text, 32 << 20);
	assert_true(buffer_append_text(&text, "id,v\n1,\"note ", &err));
	for (int i = 0; i < (3 << 20); i++)
		assert_true(buffer_append_byte(&text, 'z', &err));
	assert_true(buffer_append_text(&text, "\n77,Injected\n\"\"\n78,x\n\"\n2,two\n", &err));
	for (int i = 0; i < (2 << 20) + 100; i++)
		assert_true(buffer_append_byte(&text, 'y', &err));
	assert_true(buffer_append_text(&text, ",Evil\n3,three\n4,\"a\"b", &err));
	for (int i = 0; i < (3 << 20); i++)
		assert_true(buffer_append_byte(&text, 'w', &err));
	assert_true(buffer_append_text(&text, ",Tail\n5,five\n", &err));
	write_file(path, text.data, text.length);
	csv = dataset_csv_open(path, ',', &err);
	assert_non_null(csv);
	while (assert_true(dataset_csv_next(csv, &row, &found, &err)), found)
	{
		char one[24];

		(void) snprintf(one, sizeof(one), "%d%c ", (int) row.line,
						row.problem != NULL ? '!' : row.fields[0].text[0]);
		(void) strncat(seen, one, sizeof(seen) - strlen(seen) - 1);
	}
	assert_string_equal(seen, "2! 72 8! 93 10! 115 ");
	dataset_csv_close(csv);
	buffer_release(&text);
	(void) unlink(path);
}

static void
refuses_files_that_have_no_usable_header(void **state)
{
	static const struct
	{
		const char *text;
		const char *message;
	} cases[] = {
		{"", "could not read file \"t.csv\": it is empty, not even a header is there"},
		{"\n\n", "could not read file \"t.csv\": it is empty, not even a header is there"},
		{"\"a,b\n", "could not read the header of file \"t.csv\", line 1: a quote is never closed"},
		{"a,\xff\n", "could not read the header of file \"t.csv\", line 1: it is not valid UTF-8"},
		{"\xff\xfe"
		 "a",
		 "could not read file \"t.csv\": it is UTF-16"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Err err;

		assert_null(dataset_csv_memory(cases[i].text, strlen(cases[i].text), ',', "t.csv", &err));
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(err.class, ERR_CLASS_USAGE);
	}
}

static void
refuses_files_it_cannot_open(void **state)
{
	Err err;

	(void) state;
	assert_null(dataset_csv_open("/nowhere/a.csv", ',', &err));
	assert_string_equal(err.message, "could not open file \"/nowhere/a.csv\": "
									 "No such file or directory");
	assert_int_equal(err.code, ERR_IO);
	assert_null(dataset_csv_open("/tmp", ',', &err));
	assert_string_equal(err.message, "could not read \"/tmp\": it is a directory");
}

static void
finds_columns_by_name_and_tells_doubles(void **state)
{
	static const char text[] = "id,name,id,\n";
	Err err;
	DatasetCsv *csv = dataset_csv_memory(text, sizeof(text) - 1, ',', "t.csv", &err);

	(void) state;
	assert_non_null(csv);
	assert_int_equal(dataset_csv_columns(csv), 4);
	assert_int_equal(dataset_csv_find(csv, "name"), 1);
	assert_int_equal(dataset_csv_find(csv, "id"), -2);
	assert_int_equal(dataset_csv_find(csv, "Name"), -1);
	assert_string_equal(dataset_csv_column(csv, 3), "");
	dataset_csv_close(csv);
}

static void
separates_by_another_character(void **state)
{
	static const char text[] = "a;b\n1,5;\"x;y\"\n";
	char rows[256];
	Err err;
	DatasetCsv *csv = dataset_csv_memory(text, sizeof(text) - 1, ';', "t.csv", &err);

	(void) state;
	assert_non_null(csv);
	read_all(csv, rows, sizeof(rows));
	assert_string_equal(rows, "2:<1,5><x;y>");
	dataset_csv_close(csv);
}

static void
what_is_written_reads_back(void **state)
{
	static const char *const values[] = {"",		   "plain", "a,b",	   "he said \"no\"", "\"",
										 "two\nlines", "cr\r",	" blank ", "Zo\xc3\xab"};
	enum
	{
		COUNT = sizeof(values) / sizeof(values[0])
	};
	Buffer out;
	DatasetCsv *csv;
	DatasetCsvRow row;
	bool found;
	Err err;

	(void) state;
	buffer_init(&out, 1 << 16);
	for (int i = 0; i < COUNT; i++)
		assert_true(buffer_printf(&out, &err, "%sc%d", i > 0 ? "," : "", i));
	assert_true(dataset_csv_end(&out, &err));
	for (int i = 0; i < COUNT; i++)
		assert_true(dataset_csv_put(&out, i == 0, values[i], strlen(values[i]), &err));
	assert_true(dataset_csv_end(&out, &err));
	csv = dataset_csv_memory(out.data, out.length, ',', "t.csv", &err);
	assert_non_null(csv);
	assert_true(dataset_csv_next(csv, &row, &found, &err));
	assert_true(found);
	assert_null(row.problem);
	for (int i = 0; i < COUNT; i++)
	{
		assert_int_equal(row.fields[i].length, strlen(values[i]));
		assert_memory_equal(row.fields[i].text, values[i], strlen(values[i]));
	}
	dataset_csv_close(csv);
	buffer_release(&out);
}

static void
out_of_memory_is_an_error_wherever_it_strikes(void **state)
{
	static const char text[] = "a,b\n\"x\"\"y\",2\n";

	(void) state;
	for (unsigned long n = 1; n < 100; n++)
	{
		Err err;
		DatasetCsvRow row;
		bool found = false;
		DatasetCsv *csv;
		bool ok;

		err_clear(&err);
		alloc_fail_at(n);
		csv = dataset_csv_memory(text, sizeof(text) - 1, ',', "t.csv", &err);
		ok = csv != NULL && dataset_csv_next(csv, &row, &found, &err);
		alloc_fail_at(0);
		dataset_csv_close(csv);
		if (ok)
		{
			assert_true(n > 3);
			return;
		}
		assert_int_equal(err.code, ERR_NOMEM);
	}
	fail_msg("it never succeeds");
}

static void
a_file_appears_whole_or_not_at_all(void **state)
{
	char folder[] = "/tmp/test_dataset_csv.XXXXXX";
	char path[64];
	char command[128];
	struct stat status;
	DatasetFile *file;
	Err err;

	(void) state;
	assert_non_null(mkdtemp(folder));
	(void) snprintf(path, sizeof(path), "%s/out.csv", folder);
	file = dataset_file_create(path, &err);
	assert_non_null(file);
	assert_true(buffer_append_text(dataset_file_buffer(file), "a\n", &err));
	assert_int_not_equal(stat(path, &status), 0);
	dataset_file_abandon(file);
	(void) snprintf(command, sizeof(command), "test -z \"$(ls -A %s)\"", folder);
	assert_int_equal(system(command), 0);

	file = dataset_file_create(path, &err);
	assert_non_null(file);
	assert_true(buffer_append_text(dataset_file_buffer(file), "a\n", &err));
	assert_true(dataset_file_finish(file, &err));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(status.st_size, 2);
	(void) unlink(path);
	(void) rmdir(folder);

	assert_null(dataset_file_create(path, &err));
	assert_int_equal(err.code, ERR_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_format_allows_and_names_what_it_does_not),
		cmocka_unit_test(file_and_memory_read_alike_across_windows),
		cmocka_unit_test(an_open_quote_in_a_large_file_costs_one_line),
		cmocka_unit_test(makes_no_rows_of_one_that_is_too_long),
		cmocka_unit_test(refuses_files_that_have_no_usable_header),
		cmocka_unit_test(refuses_files_it_cannot_open),
		cmocka_unit_test(finds_columns_by_name_and_tells_doubles),
		cmocka_unit_test(separates_by_another_character),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(out_of_memory_is_an_error_wherever_it_strikes),
		cmocka_unit_test(a_file_appears_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
