/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_stream_position.c — what a start decides: each way to lose or repeat changes is a named stop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "stream/stream_priv.h"

static char first_table[] = "public.contact";
static char second_table[] = "crm.\"Account\"";
static char *tables[] = {first_table, second_table};
static const uint32_t table_ids[] = {16385, 16390};

typedef struct Start
{
	Progress progress;
	SourceIdentity identity;
	SourceSlot slot;
	StreamPositionInput input;
} Start;

/* A start at which everything agrees. */
static void
start_init(Start *start)
{
	memset(start, 0, sizeof(*start));
	progress_init(&start->progress);
	start->progress.system_identifier = 7;
	start->progress.timeline = 2;
	start->progress.sequence = 9;
	start->progress.end_lsn = 5000;
	start->progress.snapshot_state = SNAPSHOT_COMPLETE;
	start->progress.tables = tables;
	start->progress.ntables = 2;
	start->identity.system_identifier = 7;
	start->identity.timeline = 2;
	start->identity.insert_lsn = 9000;
	start->slot.exists = true;
	start->slot.ours = true;
	start->slot.confirmed_flush_lsn = 5000;
	strcpy(start->slot.wal_status, "reserved");
	start->input = (StreamPositionInput){.source = "crm",
										 .slot_name = "goldpan_crm",
										 .progress = &start->progress,
										 .identity = &start->identity,
										 .slot = &start->slot,
										 .tables = tables,
										 .table_ids = table_ids,
										 .ntables = 2,
										 .key_schema_id = -1};
}

static void
expect_decision(const Start *start, StreamDecision expected)
{
	StreamDecision decision;
	Err err;

	err_clear(&err);
	if (!stream_position_decide(&start->input, &decision, &err))
		fail_msg("%s", err.message);
	assert_int_equal(decision, expected);
}

static void
expect_stop(const Start *start, ErrCode code, const char *message, const char *hint)
{
	StreamDecision decision;
	Err err;

	err_clear(&err);
	assert_false(stream_position_decide(&start->input, &decision, &err));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, code);
	if (strstr(err.message, message) == NULL || strstr(err.hint, hint) == NULL)
		fail_msg("%s / %s", err.message, err.hint);
	assert_non_null(strstr(err.message, "crm"));
}

static void
agreement_streams(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	expect_decision(&start, STREAM_DECIDE_STREAM);
	/* The slot persists its position lazily (P1). */
	start.slot.confirmed_flush_lsn = 100;
	expect_decision(&start, STREAM_DECIDE_STREAM);
	strcpy(start.slot.wal_status, "unreserved");
	expect_decision(&start, STREAM_DECIDE_STREAM);
}

static void
nothing_yet_is_copied(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.progress.sequence = 0;
	start.slot.exists = false;
	start.slot.ours = false;
	expect_decision(&start, STREAM_DECIDE_COPY);
}

static void
a_slot_without_progress_is_not_adopted(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.progress.sequence = 0;
	expect_stop(&start, ERR_GAP, "holds no progress",
				"SELECT pg_drop_replication_slot('goldpan_crm')");
}

static void
a_copy_that_was_killed_is_made_again(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.progress.snapshot_state = SNAPSHOT_RUNNING;
	start.progress.end_lsn = 0;
	start.slot.exists = false;
	expect_decision(&start, STREAM_DECIDE_COPY);
	/* It was killed between its slot and its completion record. */
	start.slot.exists = true;
	expect_decision(&start, STREAM_DECIDE_COPY);
	start.slot.ours = false;
	expect_stop(&start, ERR_GAP, "exists", "pg_drop_replication_slot");
}

static void
a_slot_ahead_of_the_log_is_a_gap(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.slot.confirmed_flush_lsn = 5001;
	expect_stop(&start, ERR_GAP, "starts at 0/1389, but the log ends at 0/1388", "--copy-again");
}

static void
a_missing_or_invalidated_slot_is_lost_until_a_new_copy_is_asked_for(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	strcpy(start.slot.wal_status, "lost");
	expect_stop(&start, ERR_SLOT_LOST, "invalidated", "--copy-again");
	/* Asking is not enough while the slot is there: dropping it is the operator's act. */
	start.input.copy_again = true;
	expect_stop(&start, ERR_SLOT_LOST, "invalidated", "pg_drop_replication_slot");
	start.slot.exists = false;
	expect_decision(&start, STREAM_DECIDE_COPY);
	start.input.copy_again = false;
	expect_stop(&start, ERR_SLOT_LOST, "does not exist any more", "--copy-again");
}

static void
asking_for_a_new_copy_changes_nothing_while_all_is_well(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.input.copy_again = true;
	expect_decision(&start, STREAM_DECIDE_STREAM);
}

static void
a_foreign_slot_is_refused(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.slot.ours = false;
	strcpy(start.slot.plugin, "pgoutput");
	expect_stop(&start, ERR_GAP, "pgoutput", "another slot");
}

static void
another_server_is_refused_even_for_a_new_copy(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.identity.system_identifier = 8;
	expect_stop(&start, ERR_DIVERGED, "system identifier is 8", "conninfo");
	start.input.copy_again = true;
	start.slot.exists = false;
	expect_stop(&start, ERR_DIVERGED, "system identifier is 8", "conninfo");
}

static void
a_timeline_is_followed_only_when_it_has_all_that_was_published(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.identity.timeline = 1;
	expect_stop(&start, ERR_DIVERGED, "timeline 1", "current primary");
	start.identity.timeline = 3;
	start.input.switch_lsn = 4999;
	expect_stop(&start, ERR_DIVERGED, "left timeline 2 at 0/1387", "--copy-again");
	start.input.switch_lsn = 0; /* its history does not name our timeline */
	expect_stop(&start, ERR_DIVERGED, "left timeline 2", "--copy-again");
	start.input.switch_lsn = 5000;
	expect_decision(&start, STREAM_DECIDE_STREAM);
}

static void
a_server_behind_the_log_has_diverged(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.identity.insert_lsn = 4999;
	start.slot.confirmed_flush_lsn = 4000;
	expect_stop(&start, ERR_DIVERGED, "ends at 0/1387, before", "--copy-again");
}

static void
a_table_that_nobody_copied_is_refused(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.progress.ntables = 1;
	expect_stop(&start, ERR_NOT_COPIED, "crm.\"Account\"", "out of the mapping");
	/* Fewer tables than were copied do no harm. */
	start.input.ntables = 1;
	expect_decision(&start, STREAM_DECIDE_STREAM);
}

static void
a_table_that_is_gone_or_another_is_refused(void **state)
{
	static char noted_first[] = "public.contact#16385";
	static char noted_second[] = "crm.\"Account\"#16391";
	static char *noted[] = {noted_first, noted_second};
	static const uint32_t gone[] = {0, 16390};
	Start start;

	(void) state;
	start_init(&start);
	start.progress.tables = noted;
	expect_stop(&start, ERR_TABLE_CHANGED, "crm.\"Account\" of source \"crm\" is another",
				"--copy-again");
	noted_second[strlen(noted_second) - 1] = '0';
	expect_decision(&start, STREAM_DECIDE_STREAM);
	start.input.table_ids = gone;
	expect_stop(&start, ERR_TABLE_CHANGED, "public.contact of source \"crm\" does not exist",
				"Rename it back");
	/* A longer name is another table. */
	start_init(&start);
	noted_first[strlen("public.contact")] = 's';
	start.progress.tables = noted;
	expect_stop(&start, ERR_NOT_COPIED, "public.contact", "out of the mapping");
}

static void
another_key_schema_is_refused(void **state)
{
	Start start;

	(void) state;
	start_init(&start);
	start.progress.key_schema_id = 3;
	start.input.key_schema_id = 4;
	expect_stop(&start, ERR_KEY_SCHEMA, "has id 4", "registry");
	start.input.key_schema_id = 3;
	expect_decision(&start, STREAM_DECIDE_STREAM);
}

static void
a_target_is_a_position_that_an_idle_server_reaches(void **state)
{
	static const struct
	{
		Lsn insert;
		Lsn target;
	} rows[] = {{0x2000028, 0x2000000},
				{0x2002018, 0x2002000},
				{0x2002019, 0x2002019},
				{0x2000000, 0x2000000},
				{0x20000F0, 0x20000F0}};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(stream_position_target(rows[i].insert) == rows[i].target);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agreement_streams),
		cmocka_unit_test(nothing_yet_is_copied),
		cmocka_unit_test(a_slot_without_progress_is_not_adopted),
		cmocka_unit_test(a_copy_that_was_killed_is_made_again),
		cmocka_unit_test(a_slot_ahead_of_the_log_is_a_gap),
		cmocka_unit_test(a_missing_or_invalidated_slot_is_lost_until_a_new_copy_is_asked_for),
		cmocka_unit_test(asking_for_a_new_copy_changes_nothing_while_all_is_well),
		cmocka_unit_test(a_foreign_slot_is_refused),
		cmocka_unit_test(another_server_is_refused_even_for_a_new_copy),
		cmocka_unit_test(a_timeline_is_followed_only_when_it_has_all_that_was_published),
		cmocka_unit_test(a_server_behind_the_log_has_diverged),
		cmocka_unit_test(a_table_that_nobody_copied_is_refused),
		cmocka_unit_test(a_table_that_is_gone_or_another_is_refused),
		cmocka_unit_test(another_key_schema_is_refused),
		cmocka_unit_test(a_target_is_a_position_that_an_idle_server_reaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
