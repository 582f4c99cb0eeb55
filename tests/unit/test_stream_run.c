/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_stream_run.c — the whole streamer between a source and a log made of memory: whatever fails
 * in between, each change is in the log exactly once, in order, and nothing is acknowledged before.
 *
 * TEST_STRIDE=n runs every n-th random history only (for valgrind).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>

#include "goldpan/report.h"
#include "stream_fake.h"

static const char mapping_text[] =
	"version = \"t\";"
	"ownership = ( { of = \"contact\"; owner = \"crm\"; rule = \"owner_wins\";"
	"  direction = \"source_to_canonical\"; steward = \"s\"; } );"
	"sources = ( { name = \"crm\"; tables = ( { schema = \"public\"; table = \"person\";"
	"  entity = \"contact\"; key = [ \"id\" ]; fields = ("
	"    { to = \"full_name\"; from = \"name\"; },"
	"    { to = \"lead_score\"; from = \"score\"; apply = ( { do = \"number\"; } ); } );"
	" } ); } );";

typedef struct World
{
	Mapping *mapping;
	Arena arena;
	MappingProblems problems;
	SourceConfig source;
	StreamConfig config;
} World;

static void
world_open(World *world, unsigned ntransactions, unsigned rows)
{
	Err err;

	memset(&fake, 0, sizeof(fake));
	progress_init(&fake.last);
	(void) pthread_mutex_init(&fake.mutex, NULL);
	fake.records = calloc(FAKE_MAX_RECORDS, sizeof(FakeRecord));
	fake.ntransactions = ntransactions;
	for (unsigned i = 0; i < ntransactions; i++)
		fake.transactions[i] = (FakeTransaction){.rows = rows,
												 .commit_lsn = 1000 + 100 * i,
												 .end_lsn = 1050 + 100 * i,
												 .bad_row = -1,
												 .big_row = -1,
												 .truncate_at = -1};
	fake.end = 1000 + 100 * ntransactions;
	memset(world, 0, sizeof(*world));
	arena_init(&world->arena, 1 << 20);
	world->problems.arena = &world->arena;
	if (!mapping_parse(mapping_text, sizeof(mapping_text) - 1, "mapping.conf", NULL,
					   &world->mapping, &world->problems, &err))
		fail_msg("%s: %s", err.message,
				 world->problems.count > 0 ? world->problems.list[0].what : "");
	world->source = (SourceConfig){.name = "crm", .conninfo = "", .slot = "goldpan_crm"};
	stream_config_defaults(&world->config);
	world->config.nsources = 1;
	world->config.sources = &world->source;
	world->config.mapping = world->mapping;
	world->config.topic_prefix = "customer";
	world->config.until_current = true;
	world->config.retry_min = 1000;
	world->config.retry_max = 5000000;
	world->config.batch_age = 1000;
}

static void
world_close(World *world)
{
	mapping_free(world->mapping);
	arena_release(&world->arena);
	progress_release(&fake.last);
	free(fake.records);
}

static void
run(World *world)
{
	Err err;

	err_clear(&err);
	if (!stream_run(&world->config, &err))
		fail_msg("%s", err.message);
	if (fake.broken[0] != '\0')
		fail_msg("%s", fake.broken);
}

static void
run_stops(World *world, ErrCode code)
{
	Err err;

	err_clear(&err);
	assert_false(stream_run(&world->config, &err));
	assert_int_equal(err.code, code);
	if (fake.broken[0] != '\0')
		fail_msg("%s", fake.broken);
}

#define CONTACT		0
#define DEAD_LETTER 1

/* Every row of every transaction is there once, in order; `from` skips the snapshot's records. */
static void
expect_all(size_t from)
{
	size_t at = from;

	for (unsigned i = 0; i < fake.ntransactions; i++)
		for (unsigned row = 0; row < fake.transactions[i].rows; row++)
		{
			char expected[EVENT_ID_SIZE];
			const FakeRecord *record = &fake.records[at++];
			bool dead = fake.transactions[i].bad_row == (int) row ||
						fake.transactions[i].big_row == (int) row;

			assert_true(at <= fake.nrecords);
			(void) encode_event_id("crm", fake.transactions[i].end_lsn, row * 2, 0, expected);
			assert_string_equal(record->event_id, expected);
			assert_int_equal(record->topic, dead ? DEAD_LETTER : CONTACT);
			(void) snprintf(expected, sizeof(expected), "%u", i * 1000 + row);
			assert_string_equal(record->id, expected);
		}
	assert_int_equal(at, fake.nrecords);
}

/* Records of the copy: started, rows, completed. */
static size_t
copied(void)
{
	return fake.snapshot_rows + 2;
}

static void
a_first_run_copies_then_streams(void **state)
{
	World world;

	(void) state;
	world_open(&world, 5, 3);
	fake.snapshot_rows = 10;
	run(&world);
	assert_string_equal(fake.records[1].id, "900000");
	expect_all(copied());
	assert_int_equal(fake.last.snapshot_state, SNAPSHOT_COMPLETE);
	assert_int_equal(fake.last.ntables, 1);
	assert_string_equal(fake.last.tables[0], "public.person#16384");
	assert_true(fake.last.end_lsn == fake.end);
	assert_true(fake.confirmed == fake.end);
	assert_int_equal(fake.last.records, copied() + 15);
	run(&world);
	expect_all(copied());
	world_close(&world);
}

static void
an_empty_source_needs_no_records(void **state)
{
	World world;

	(void) state;
	world_open(&world, 0, 0);
	run(&world);
	assert_int_equal(fake.nrecords, 2);
	run(&world);
	assert_int_equal(fake.nrecords, 2);
	world_close(&world);
}

static void
small_transactions_share_a_batch_up_to_its_limits(void **state)
{
	World world;

	(void) state;
	world_open(&world, 40, 5);
	world.config.batch_records = 20;
	run(&world);
	expect_all(copied());
	assert_true(fake.largest_batch >= 10 && fake.largest_batch < 25);
	world_close(&world);
}

static void
a_large_transaction_is_cut_where_it_alone_decides(void **state)
{
	World world;
	int32_t parts[2][70];

	(void) state;
	for (int round = 0; round < 2; round++)
	{
		world_open(&world, 4, 3);
		fake.transactions[2].rows = 61;
		world.config.transaction_records = 20;
		world.config.batch_records = round == 0 ? 1 : 1000;
		run(&world);
		expect_all(copied());
		for (size_t i = 0; i < 70; i++)
		{
			const FakeRecord *record = &fake.records[copied() + i];

			parts[round][i] = record->part * 2 + record->last_part;
		}
		for (size_t i = 0; i < 70; i++)
		{
			int32_t part = i < 6 || i >= 67 ? 0 : (int32_t) (i - 6) / 20 + 1;

			assert_int_equal(parts[round][i], part * 2 + (part == 4));
		}
		assert_int_equal(fake.last.part, 0);
		assert_true(fake.last.part_end_lsn == LSN_INVALID);
		world_close(&world);
	}
	assert_memory_equal(parts[0], parts[1], sizeof(parts[0]));
}

static void
a_transaction_of_exactly_the_limit_is_not_split(void **state)
{
	World world;

	(void) state;
	world_open(&world, 1, 20);
	world.config.transaction_records = 20;
	run(&world);
	expect_all(copied());
	for (size_t i = copied(); i < fake.nrecords; i++)
		assert_int_equal(fake.records[i].part, 0);
	world_close(&world);
}

static void
a_bad_value_is_a_dead_letter_in_its_place(void **state)
{
	World world;

	(void) state;
	world_open(&world, 3, 4);
	fake.transactions[1].bad_row = 2;
	run(&world);
	expect_all(copied());
	assert_int_equal(fake.last.dead_letters, 1);
	assert_int_equal(fake.last.records, copied() + 11);
	world_close(&world);
}

/* R3: the old key's record is deleted once, whatever becomes of the new one. */
static void
a_moved_row_that_is_bad_is_one_delete_and_one_dead_letter(void **state)
{
	World world;
	const FakeRecord *record;

	(void) state;
	world_open(&world, 1, 3);
	fake.transactions[0].bad_row = 1;
	fake.transactions[0].bad_moves = true;
	run(&world);
	assert_int_equal(fake.nrecords, copied() + 4);
	record = &fake.records[copied() + 1];
	assert_int_equal(record->topic, CONTACT);
	assert_string_equal(record->id, "500001");
	assert_int_equal(record[1].topic, DEAD_LETTER);
	assert_string_equal(record[1].id, "1");
	assert_int_equal(record[2].topic, CONTACT);
	assert_string_equal(record[2].id, "2");
	world_close(&world);
}

static void
a_record_over_the_limit_is_a_dead_letter_whoever_finds_out(void **state)
{
	(void) state;
	for (int late = 0; late < 2; late++)
	{
		World world;

		world_open(&world, 3, 4);
		fake.refuses_big = late == 1;
		fake.transactions[0].big_row = 3;
		fake.transactions[2].big_row = 0;
		fake.faults[3] = FAKE_REFUSED;
		run(&world);
		expect_all(copied());
		assert_int_equal(fake.last.dead_letters, 2);
		assert_int_equal(fake.last.records, copied() + 10);
		world_close(&world);
	}
}

static void
a_split_transaction_survives_a_record_over_the_limit(void **state)
{
	World world;

	(void) state;
	world_open(&world, 1, 50);
	world.config.transaction_records = 10;
	fake.transactions[0].big_row = 4;
	fake.transactions[0].bad_row = 7;
	run(&world);
	expect_all(copied());
	assert_int_equal(fake.records[copied() + 3].part, 1);
	assert_int_equal(fake.records[copied() + 9].part, 1);
	assert_int_equal(fake.records[copied() + 49].part, 5);
	assert_true(fake.records[copied() + 49].last_part);
	world_close(&world);
}

static void
a_truncate_stops_after_what_was_committed_before(void **state)
{
	World world;

	(void) state;
	world_open(&world, 4, 3);
	fake.transactions[2].truncate_at = 1;
	run_stops(&world, ERR_TRUNCATED);
	assert_int_equal(fake.nrecords, copied() + 6);
	assert_true(fake.confirmed <= fake.transactions[1].end_lsn);
	run_stops(&world, ERR_TRUNCATED);
	assert_int_equal(fake.nrecords, copied() + 6);
	world_close(&world);
}

static void
a_run_to_the_end_gives_up_when_nothing_works(void **state)
{
	World world;

	(void) state;
	world_open(&world, 2, 2);
	for (int i = 0; i < 256; i++)
		fake.faults[i] = FAKE_REFUSED;
	world.config.retry_max = 50000;
	run_stops(&world, ERR_LOG_DOWN);
	assert_true(fake.deliveries > 2);
	assert_int_equal(fake.nrecords, 0);
	assert_true(fake.confirmed == LSN_INVALID);
	world_close(&world);
}

static uint32_t random_state;

static uint32_t
pick(uint32_t below)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % below;
}

/* Random histories, limits and faults; every run converges to each change exactly once. */
static void
no_order_of_faults_loses_or_repeats_a_change(void **state)
{
	const char *stride = getenv("TEST_STRIDE");
	uint32_t step = stride == NULL || atoi(stride) < 1 ? 1 : (uint32_t) atoi(stride);

	(void) state;
	for (uint32_t seed = 1; seed <= 150; seed += step)
	{
		World world;

		random_state = seed;
		world_open(&world, 1 + pick(20), 1 + pick(6));
		for (unsigned i = 0; i < fake.ntransactions; i++)
		{
			if (pick(4) == 0)
				fake.transactions[i].rows = pick(60);
			if (pick(6) == 0)
				fake.transactions[i].bad_row = (int) pick(5);
			if (pick(6) == 0)
				fake.transactions[i].big_row = (int) pick(5);
			if (fake.transactions[i].big_row == fake.transactions[i].bad_row)
				fake.transactions[i].big_row = -1;
		}
		fake.refuses_big = pick(2) == 0;
		fake.snapshot_rows = pick(30);
		world.config.batch_records = 1 + pick(30);
		world.config.transaction_records = 5 + pick(40);
		for (int i = 0; i < 256; i++)
			fake.faults[i] = pick(4) == 0 ? (FakeFault) pick(4) : FAKE_OK;
		run(&world);
		/* Copies that were begun and not completed leave their first record. */
		for (size_t i = 0; i < fake.nrecords; i++)
			if (strncmp(fake.records[i].id, "900000", 7) == 0 && fake.snapshot_rows > 0)
				fake.opens = (unsigned) i;
		if (fake.snapshot_rows == 0)
		{
			fake.opens = 0;
			while (fake.opens < fake.nrecords && fake.records[fake.opens].topic == 2)
				fake.opens++;
			expect_all(fake.opens);
		}
		else
			expect_all(fake.opens + fake.snapshot_rows + 1);
		world_close(&world);
	}
}

/* P2: what a server sends again is told by its commit record's place, not by trust in the server:
 * whole transactions of the log, and the parts of one that it holds in part. */
static void
a_server_that_sends_from_an_older_position_repeats_nothing(void **state)
{
	(void) state;
	for (int parted = 0; parted < 2; parted++)
	{
		World world;

		world_open(&world, 3, 4);
		fake.forgets = true;
		fake.transactions[1].rows = 35;
		world.config.transaction_records = parted ? 10 : 1000;
		world.config.batch_records = 1;
		fake.faults[5] = FAKE_UNKNOWN;
		run(&world);
		expect_all(copied());
		run(&world);
		fake.transactions[3] = (FakeTransaction){2, 1300, 1350, -1, -1, -1, false};
		fake.ntransactions = 4;
		fake.end = 1400;
		run(&world);
		expect_all(copied());
		assert_true(fake.confirmed == fake.end);
		world_close(&world);
	}
}

/* ---- told to stop ---- */

static void *
stop_soon(void *context)
{
	(void) usleep(*(unsigned *) context);
	(void) kill(getpid(), SIGTERM);
	return NULL;
}

/* A streamer that was asleep finds its connections gone before it hears that it was fenced. */
static void
a_fenced_log_stops_also_a_source_that_failed_first(void **state)
{
	static const int64_t patience[] = {1000, 10000000};

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		World world;

		world_open(&world, 3, 4);
		world.config.batch_records = 1;
		world.config.shutdown_timeout = patience[i];
		fake.faults[2] = FAKE_FENCED_LATE;
		run_stops(&world, ERR_LOG_FENCED);
		assert_int_equal(fake.opens, 2);
		world_close(&world);
	}
}

static void
a_log_that_hangs_does_not_outlast_the_shutdown_timeout(void **state)
{
	World world;
	pthread_t thread;
	unsigned wait = 200000;
	int64_t started;

	(void) state;
	world_open(&world, 3, 2);
	run(&world);
	fake.ntransactions = 5;
	fake.transactions[3] = (FakeTransaction){1, 1300, 1350, -1, -1, -1, false};
	fake.transactions[4] = (FakeTransaction){1, 1400, 1450, -1, -1, -1, false};
	fake.end = 1500;
	fake.hangs = true;
	world.config.until_current = false;
	world.config.shutdown_timeout = 300000;
	started = clock_monotonic();
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, &wait), 0);
	run(&world);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_in_range(clock_monotonic() - started, 400000, 2000000);
	assert_int_equal(fake.nrecords, copied() + 6);
	fake.hangs = false;
	world.config.until_current = true;
	run(&world);
	assert_int_equal(fake.nrecords, copied() + 8);
	world_close(&world);
}

static void
a_server_that_shuts_down_gets_its_last_position_acknowledged(void **state)
{
	World world;
	pthread_t thread;
	unsigned wait = 300000;

	(void) state;
	world_open(&world, 3, 2);
	world.config.until_current = false;
	fake.slow_server = true;
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, &wait), 0);
	run(&world);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(fake.confirmed == fake.end);
	assert_true(fake.last.end_lsn == fake.end);
	world_close(&world);
}

static void
a_server_that_shuts_down_does_not_wait_for_a_dead_log(void **state)
{
	World world;
	pthread_t thread;
	unsigned wait = 700000;

	(void) state;
	world_open(&world, 3, 2);
	run(&world);
	fake.transactions[3] = (FakeTransaction){1, 1300, 1350, -1, -1, -1, false};
	fake.ntransactions = 4;
	fake.end = 1400;
	fake.slow_server = true;
	fake.hangs = true;
	fake.opens = 0;
	world.config.until_current = false;
	world.config.server_shutdown_timeout = 100000;
	world.config.shutdown_timeout = 50000;
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, &wait), 0);
	run(&world);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* It closed its connection, and came back for another try. */
	assert_true(fake.opens >= 2);
	assert_true(fake.confirmed < 1350);
	world_close(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_run_copies_then_streams),
		cmocka_unit_test(an_empty_source_needs_no_records),
		cmocka_unit_test(small_transactions_share_a_batch_up_to_its_limits),
		cmocka_unit_test(a_large_transaction_is_cut_where_it_alone_decides),
		cmocka_unit_test(a_transaction_of_exactly_the_limit_is_not_split),
		cmocka_unit_test(a_bad_value_is_a_dead_letter_in_its_place),
		cmocka_unit_test(a_moved_row_that_is_bad_is_one_delete_and_one_dead_letter),
		cmocka_unit_test(a_record_over_the_limit_is_a_dead_letter_whoever_finds_out),
		cmocka_unit_test(a_split_transaction_survives_a_record_over_the_limit),
		cmocka_unit_test(a_truncate_stops_after_what_was_committed_before),
		cmocka_unit_test(a_run_to_the_end_gives_up_when_nothing_works),
		cmocka_unit_test(no_order_of_faults_loses_or_repeats_a_change),
		cmocka_unit_test(a_server_that_sends_from_an_older_position_repeats_nothing),
		cmocka_unit_test(a_fenced_log_stops_also_a_source_that_failed_first),
		cmocka_unit_test(a_log_that_hangs_does_not_outlast_the_shutdown_timeout),
		cmocka_unit_test(a_server_that_shuts_down_gets_its_last_position_acknowledged),
		cmocka_unit_test(a_server_that_shuts_down_does_not_wait_for_a_dead_log),
	};
	sigset_t term;

	/* The threads that send signals must not be the ones to get them. */
	(void) sigemptyset(&term);
	(void) sigaddset(&term, SIGTERM);
	(void) pthread_sigmask(SIG_BLOCK, &term, NULL);
	report_set_level(REPORT_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
