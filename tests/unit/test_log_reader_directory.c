/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_log_reader_directory.c — readers beside a writer: no record missing, none twice, none that
 * is not committed, whatever is renamed meanwhile.
 */
#include "log_directory_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "goldpan/clock.h"

#define BATCHES 2000

static int64_t values[FIXTURE_MAX];

static LogReader *
start_reader(const char *topic, bool open_segments)
{
	LogReader *reader;
	Err err;

	reader = log_reader_directory(fixture_path, &err);
	if (reader == NULL || !reader->ops->start(reader, topic, open_segments, &err))
		fixture_fail("start", &err);
	return reader;
}

/* All that can be read now, after the `count` values of before. */
static int
read_more(LogReader *reader, int count)
{
	LogEntry entry;
	bool found;
	Err err;

	for (;;)
	{
		if (!reader->ops->next(reader, &entry, &found, &err))
			fixture_fail("next", &err);
		if (!found)
			return count;
		assert_true(count < FIXTURE_MAX);
		assert_non_null(entry.file);
		assert_non_null(entry.schema);
		assert_true(encode_read_long(&entry.value, &values[count++], &err));
	}
}

static void
a_follower_sees_each_batch_once_over_rotations(void **state)
{
	LogWriter *writer = fixture_writer(700, CONTAINER_NULL);
	LogReader *reader;
	int count = 0;
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	reader = start_reader("customer.a", true);
	assert_int_equal(read_more(reader, 0), 0);
	for (int b = 1; b <= 60; b++)
	{
		/* Held ones in between, a clean restart, and a restart after a kill. */
		bool held = b % 10 == 5 || b % 10 == 6;

		if (!fixture_deliver(writer, b, held, &err))
			fixture_fail("deliver", &err);
		if (b % 20 == 0)
		{
			((LogDirectory *) writer)->usable = b % 40 != 0;
			writer->ops->close(writer);
			writer = fixture_writer(700, CONTAINER_NULL);
			assert_int_equal(fixture_open(writer, &err), b);
		}
		if (b % 3 == 0 || held)
			count = read_more(reader, count);
		if (held)
			fixture_check("customer.a", values, count, b - b % 10 + 4);
		else if (b % 3 == 0)
			fixture_check("customer.a", values, count, b);
	}
	reader->ops->close(reader);
	writer->ops->close(writer);
}

static void
write_in_a_child(void)
{
	LogWriter *writer = fixture_writer(2000, CONTAINER_NULL);
	Err err;

	if (fixture_open(writer, &err) != 0)
		_exit(1);
	for (int b = 1; b <= BATCHES; b++)
		if (!fixture_deliver(writer, b, false, &err))
			_exit(2);
	writer->ops->close(writer);
	_exit(0);
}

static void
readers_beside_a_writing_process_see_whole_batches_in_order(void **state)
{
	int64_t deadline = clock_monotonic() + 60 * CLOCK_SECOND;
	char path[512];
	LogReader *reader;
	int count = 0;
	int rounds = 0;
	int status;
	pid_t child;

	(void) state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_in_a_child();
	(void) snprintf(path, sizeof(path), "%s/customer.a", fixture_path);
	while (access(path, F_OK) != 0 && clock_monotonic() < deadline)
		(void) usleep(1000);
	reader = start_reader("customer.a", true);
	while (count < 3 * BATCHES)
	{
		count = read_more(reader, count);
		if (count % 3 != 0 || clock_monotonic() > deadline)
			break;
		if (rounds++ % 4 == 0)
			fixture_expect_whole_batches(BATCHES);
	}
	reader->ops->close(reader);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(count % 3, 0);
	fixture_check("customer.a", values, count, BATCHES);
	print_message("# %d looks while %d batches were written\n", rounds, BATCHES);
}

static void
sources_follow_each_other_and_are_counted(void **state)
{
	LogDirectoryConfig config = {fixture_path, CONTAINER_NULL, 500, 0};
	static const char *const sources[] = {"billing", "crm", "crm-1"};
	LogWriter *writers[3];
	const LogTopicInfo *infos;
	LogReader *reader;
	size_t count;
	Err err;

	(void) state;
	for (int s = 0; s < 3; s++)
	{
		writers[s] = log_directory_new(&config, sources[s], fixture_topics, 2, &err);
		assert_non_null(writers[s]);
		assert_int_equal(fixture_open(writers[s], &err), 0);
		for (int b = 1; b <= 7; b++)
			assert_true(fixture_deliver(writers[s], b, false, &err));
	}
	reader = start_reader("customer.a", true);
	assert_int_equal(read_more(reader, 0), 63);
	for (int s = 0; s < 3; s++)
		fixture_check("customer.a", values + s * 21, 21, 7);
	/* Counts hold for the closed and for the open ones alike. */
	for (int round = 0; round < 2; round++)
	{
		assert_true(reader->ops->list(reader, &infos, &count, &err));
		assert_int_equal(count, 2);
		assert_string_equal(infos[0].name, "customer.a");
		assert_int_equal(infos[0].records, 63);
		assert_int_equal(infos[1].records, 9);
		assert_true(infos[0].bytes > 63 * 40);
		assert_true(infos[0].files >= 3);
		for (int s = 0; s < 3 && round == 0; s++)
			writers[s]->ops->close(writers[s]);
	}
	assert_false(reader->ops->start(reader, "customer.none", true, &err));
	assert_int_equal(err.class, ERR_CLASS_USAGE);
	assert_false(reader->ops->start(reader, "../x", true, &err));
	reader->ops->close(reader);
}

static void
a_hole_in_the_log_is_refused_but_not_old_age(void **state)
{
	LogWriter *writer = fixture_writer(300, CONTAINER_NULL);
	char first[512];
	char third[512];
	char hidden[512];
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	for (int b = 1; b <= 12; b++)
		assert_true(fixture_deliver(writer, b, false, &err));
	writer->ops->close(writer);
	(void) snprintf(first, sizeof(first), "%s/customer.a/crm-000000000001.avro", fixture_path);
	(void) snprintf(third, sizeof(third), "%s/customer.a/crm-000000000003.avro", fixture_path);
	(void) snprintf(hidden, sizeof(hidden), "%s/hidden", fixture_path);
	assert_int_equal(rename(third, hidden), 0);
	assert_int_equal(fixture_read("customer.a", true, values, &err), -1);
	assert_int_equal(err.code, ERR_DATA);
	assert_non_null(strstr(err.message, "segment 3 of source \"crm\" is missing"));
	assert_int_equal(rename(hidden, third), 0);
	assert_int_equal(unlink(first), 0);
	assert_true(fixture_read("customer.a", true, values, &err) > 0);
	assert_true(values[0] > 10);
}

static void
a_folder_that_is_no_log_is_named(void **state)
{
	Err err;

	(void) state;
	assert_null(log_reader_directory("/nowhere/at/all", &err));
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_follower_sees_each_batch_once_over_rotations),
		TEST(readers_beside_a_writing_process_see_whole_batches_in_order),
		TEST(sources_follow_each_other_and_are_counted),
		TEST(a_hole_in_the_log_is_refused_but_not_old_age),
		TEST(a_folder_that_is_no_log_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
