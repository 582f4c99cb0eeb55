/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_conf_secret.c — a password is read from a safe file only.
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

#include "goldpan/conf.h"

static char folder[] = "/tmp/goldpan-test-secret-XXXXXX";
static char path[64];
static Arena arena;

static int
make_folder(void **state)
{
	(void) state;
	arena_init(&arena, 1 << 20);
	if (mkdtemp(folder) == NULL)
		return -1;
	(void) snprintf(path, sizeof(path), "%s/secret", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void) state;
	arena_release(&arena);
	return rmdir(folder);
}

static void
write_file(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
assert_refused(const char *why)
{
	Err err;

	err_clear(&err);
	assert_null(conf_secret_read(path, &arena, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.message, path));
	if (strstr(err.message, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.message, why);
	assert_null(strstr(err.message, "hunter2"));
	assert_non_null(strstr(err.hint, "chmod 0600"));
}

static void
a_private_file_gives_its_first_line(void **state)
{
	Err err;

	(void) state;
	write_file("hunter2\nnot this\n", 0600);
	assert_string_equal(conf_secret_read(path, &arena, &err), "hunter2");
	write_file("hunter2", 0400);
	assert_string_equal(conf_secret_read(path, &arena, &err), "hunter2");
	assert_int_equal(unlink(path), 0);
}

static void
a_file_that_others_reach_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0610};

	(void) state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
	{
		write_file("hunter2\n", modes[i]);
		assert_refused("group or others have access");
	}
	assert_int_equal(unlink(path), 0);
}

static void
what_is_no_regular_file_is_refused(void **state)
{
	(void) state;
	assert_refused("No such file");
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_refused("symbolic link");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused("not a regular file"); /* and does not hang */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused("not a regular file");
	assert_int_equal(rmdir(path), 0);
}

static void
a_folder_that_others_write_is_refused(void **state)
{
	(void) state;
	write_file("hunter2\n", 0600);
	assert_int_equal(chmod(folder, 0770), 0);
	assert_refused("folder can be written by others");
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(unlink(path), 0);
}

static void
an_empty_first_line_is_refused(void **state)
{
	(void) state;
	write_file("\nhunter2\n", 0600);
	assert_refused("first line is empty");
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_private_file_gives_its_first_line),
		cmocka_unit_test(a_file_that_others_reach_is_refused),
		cmocka_unit_test(what_is_no_regular_file_is_refused),
		cmocka_unit_test(a_folder_that_others_write_is_refused),
		cmocka_unit_test(an_empty_first_line_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
