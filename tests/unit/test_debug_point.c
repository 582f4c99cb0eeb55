/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_debug_point.c — a debug point acts at the named hit and at no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "goldpan/debug_point.h"

/* Runs a child that hits a.one and b.two in turn, four times each; returns how many rounds
 * it finished, or -1 when it was not ended by SIGKILL or by itself. */
static int
rounds_with(const char *points, bool *killed)
{
	int ends[2];
	int status;
	int rounds = 0;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
	{
		(void) setenv("GOLDPAN_DEBUG_POINT", points, 1);
		(void) freopen("/dev/null", "w", stderr);
		for (int i = 0; i < 4; i++)
		{
			debug_point_hit("a.one");
			debug_point_hit("b.two");
			if (write(ends[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	(void) close(ends[1]);
	while (read(ends[0], &byte, 1) == 1)
		rounds++;
	(void) close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	*killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return *killed || WIFEXITED(status) ? rounds : -1;
}

static void
the_named_hit_kills_and_no_other(void **state)
{
	static const struct
	{
		const char *points;
		int rounds;
		bool killed;
	} rows[] = {
		{"a.one", 0, true},	  {"a.one:1", 0, true},			{"a.one:3", 2, true},
		{"b.two:4", 3, true}, {"a.one:5", 4, false},		{"a.on", 4, false},
		{"a.one2", 4, false}, {"a.one:4,b.two:2", 1, true}, {"", 4, false},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		bool killed;

		assert_int_equal(rounds_with(rows[i].points, &killed), rows[i].rounds);
		assert_int_equal(killed, rows[i].killed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_named_hit_kills_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
