/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_stream_state.c — every state can be reached and left, and the diagram shows all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "stream/stream_priv.h"

static void
every_state_can_be_reached_from_the_first(void **state)
{
	bool reached[STREAM_STATE_COUNT] = {[STREAM_CONNECTING] = true};

	(void) state;
	for (int round = 0; round < STREAM_STATE_COUNT; round++)
		for (int from = 0; from < STREAM_STATE_COUNT; from++)
			for (int to = 0; to < STREAM_STATE_COUNT; to++)
				if (reached[from] && stream_state_may_follow((StreamState) from, (StreamState) to))
					reached[to] = true;
	for (int i = 0; i < STREAM_STATE_COUNT; i++)
		if (!reached[i])
			fail_msg("state \"%s\" cannot be reached", stream_state_name((StreamState) i));
}

static void
every_state_but_the_last_leads_to_the_end(void **state)
{
	(void) state;
	for (int from = 0; from < STREAM_STATE_COUNT; from++)
	{
		bool ends = stream_state_may_follow((StreamState) from, STREAM_FINISHED);

		if (ends != (from != STREAM_FINISHED))
			fail_msg("state \"%s\"", stream_state_name((StreamState) from));
	}
	for (int to = 0; to < STREAM_STATE_COUNT; to++)
		assert_false(stream_state_may_follow(STREAM_FINISHED, (StreamState) to));
}

static void
no_working_state_is_entered_without_the_checks_before_it(void **state)
{
	(void) state;
	for (int from = 0; from < STREAM_STATE_COUNT; from++)
	{
		if (from != STREAM_CHECKING_POSITION)
			assert_false(stream_state_may_follow((StreamState) from, STREAM_COPYING));
		if (from != STREAM_CHECKING_POSITION && from != STREAM_COPYING)
			assert_false(stream_state_may_follow((StreamState) from, STREAM_STREAMING));
	}
}

static void
every_error_that_stops_a_worker_has_a_way_back(void **state)
{
	(void) state;
	assert_true(stream_state_may_follow(STREAM_STOPPED, STREAM_CONNECTING));
	assert_true(stream_state_may_follow(STREAM_WAITING, STREAM_CONNECTING));
	assert_false(stream_state_may_follow(STREAM_WAITING, STREAM_STREAMING));
}

static void
the_diagram_shows_every_state_and_transition(void **state)
{
	Buffer out;
	Err err;
	size_t lines = 0;

	(void) state;
	buffer_init(&out, 1 << 16);
	assert_true(stream_states_print(&out, &err));
	assert_true(buffer_append_byte(&out, 0, &err));
	for (int i = 0; i < STREAM_STATE_COUNT; i++)
	{
		char line[64];

		(void) snprintf(line, sizeof(line), "%s: ", stream_state_name((StreamState) i));
		assert_non_null(strstr((char *) out.data, line));
	}
	for (const char *c = (char *) out.data; *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 2 * STREAM_STATE_COUNT - 1);
	assert_non_null(
		strstr((char *) out.data, "-> reading progress | waiting | stopped | finished"));
	buffer_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_can_be_reached_from_the_first),
		cmocka_unit_test(every_state_but_the_last_leads_to_the_end),
		cmocka_unit_test(no_working_state_is_entered_without_the_checks_before_it),
		cmocka_unit_test(every_error_that_stops_a_worker_has_a_way_back),
		cmocka_unit_test(the_diagram_shows_every_state_and_transition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
