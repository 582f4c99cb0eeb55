/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_log_directory.c — what the directory log promises while nothing goes wrong, and what it
 * refuses. Crashes and failures of every single operation: test_log_directory_recover.c.
 */
#include "log_directory_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "goldpan/clock.h"

static int64_t values[FIXTURE_MAX];

static void
deliver_or_fail(LogWriter *writer, int number, bool hold)
{
	Err err;

	if (!fixture_deliver(writer, number, hold, &err))
		fixture_fail("deliver", &err);
}

static void
a_batch_is_readable_at_once_and_progress_comes_back(void **state)
{
	LogWriter *writer = fixture_writer(0, CONTAINER_NULL);
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	for (int b = 1; b <= 5; b++)
	{
		deliver_or_fail(writer, b, false);
		fixture_expect(b);
	}
	/* Open segments are outside the topics' folders. */
	assert_int_equal(fixture_glob("customer.a", values), 0);
	assert_int_equal(fixture_read("customer.a", false, values, &err), 0);
	writer->ops->close(writer);
	/* Closing makes them complete. */
	assert_int_equal(fixture_glob("customer.a", values), 15);
	fixture_expect(5);
	writer = fixture_writer(0, CONTAINER_NULL);
	assert_int_equal(fixture_open(writer, &err), 5);
	writer->ops->close(writer);
	fixture_expect(5);
}

static void
deflated_segments_read_the_same(void **state)
{
	LogWriter *writer = fixture_writer(300, CONTAINER_DEFLATE);
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	for (int b = 1; b <= 20; b++)
		deliver_or_fail(writer, b, false);
	fixture_expect(20);
	writer->ops->close(writer);
	fixture_expect(20);
}

static int
count_files(const char *topic)
{
	LogReader *reader;
	const LogTopicInfo *infos;
	size_t count;
	int files = -1;
	Err err;

	reader = log_reader_directory(fixture_path, &err);
	assert_non_null(reader);
	assert_true(reader->ops->list(reader, &infos, &count, &err));
	for (size_t i = 0; i < count; i++)
		if (strcmp(infos[i].name, topic) == 0)
			files = (int) infos[i].files;
	reader->ops->close(reader);
	return files;
}

static bool
count_uncached(const LogFileCall *call, void *context)
{
	*(int *) context += call->op == LOG_FILE_UNCACHE;
	return true;
}

static void
segments_close_by_size_and_by_age(void **state)
{
	LogDirectoryConfig config = {fixture_path, CONTAINER_NULL, 600, 50000};
	LogWriter *writer;
	int64_t next;
	int uncached = 0;
	Err err;

	(void) state;
	log_directory_file_hook(count_uncached, &uncached);
	writer = log_directory_new(&config, "crm", fixture_topics, 2, &err);
	assert_non_null(writer);
	assert_int_equal(fixture_open(writer, &err), 0);
	for (int b = 1; count_files("customer.a") == 0; b++)
	{
		assert_true(b < 20);
		deliver_or_fail(writer, b, false);
	}
	/* Bulk leaves the page cache; what closes by age or at the end is for readers at hand. */
	assert_int_equal(uncached, 1);
	writer->ops->close(writer);
	fixture_remove(fixture_path);

	config.segment_max_bytes = 1 << 20;
	writer = log_directory_new(&config, "crm", fixture_topics, 2, &err);
	assert_int_equal(fixture_open(writer, &err), 0);
	deliver_or_fail(writer, 1, false);
	assert_true(writer->ops->tick(writer, &next, &err));
	assert_true(next > 0 && next <= 50000);
	assert_int_equal(count_files("customer.a"), 0);
	(void) usleep((useconds_t) next + 1000);
	assert_true(writer->ops->tick(writer, &next, &err));
	assert_int_equal(count_files("customer.a"), 1);
	fixture_expect(1);
	deliver_or_fail(writer, 2, false);
	fixture_expect(2);
	writer->ops->close(writer);
	assert_int_equal(uncached, 1);
}

static void
held_batches_become_readable_together(void **state)
{
	LogWriter *writer = fixture_writer(300, CONTAINER_NULL);
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	deliver_or_fail(writer, 1, false);
	for (int b = 2; b <= 9; b++)
	{
		deliver_or_fail(writer, b, true);
		fixture_expect(1);
		fixture_expect_whole_batches(1);
	}
	deliver_or_fail(writer, 10, false);
	fixture_expect(10);
	/* Also for who only looks at complete files. */
	assert_int_equal(fixture_glob("customer.a", values), 30);
	deliver_or_fail(writer, 11, false);
	fixture_expect(11);
	writer->ops->close(writer);
	fixture_expect(11);
}

static void
an_unfinished_snapshot_is_thrown_away_by_open(void **state)
{
	LogWriter *writer = fixture_writer(300, CONTAINER_NULL);
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	deliver_or_fail(writer, 1, false);
	for (int b = 2; b <= 7; b++)
		deliver_or_fail(writer, b, true);
	writer->ops->close(writer);
	fixture_expect(1);
	writer = fixture_writer(300, CONTAINER_NULL);
	/* The progress tells that there was an attempt. */
	assert_int_equal(fixture_open(writer, &err), 7);
	fixture_expect(1);
	for (int b = 2; b <= 4; b++)
		deliver_or_fail(writer, b, true);
	assert_int_equal(fixture_open(writer, &err), 4);
	for (int b = 2; b <= 4; b++)
		deliver_or_fail(writer, b, true);
	fixture_expect(1);
	deliver_or_fail(writer, 5, false);
	fixture_expect(5);
	writer->ops->close(writer);
	assert_int_equal(fixture_glob("customer.a", values), 15);
}

static void
a_second_writer_is_refused_and_told_who_writes(void **state)
{
	LogWriter *first = fixture_writer(0, CONTAINER_NULL);
	LogWriter *second = fixture_writer(0, CONTAINER_NULL);
	char pid[32];
	Err err;

	(void) state;
	assert_int_equal(fixture_open(first, &err), 0);
	deliver_or_fail(first, 1, false);
	assert_int_equal(fixture_open(second, &err), -1);
	assert_int_equal(err.code, ERR_LOG_FENCED);
	assert_int_equal(err.class, ERR_CLASS_STOP);
	(void) snprintf(pid, sizeof(pid), "process %d ", (int) getpid());
	assert_non_null(strstr(err.message, pid));
	assert_false(fixture_deliver(second, 2, false, &err));
	deliver_or_fail(first, 2, false);
	first->ops->close(first);
	assert_int_equal(fixture_open(second, &err), 2);
	second->ops->close(second);
	fixture_expect(2);
}

static void
an_interrupted_delivery_leaves_nothing(void **state)
{
	LogWriter *writer = fixture_writer(0, CONTAINER_NULL);
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	deliver_or_fail(writer, 1, false);
	writer->ops->interrupt(writer);
	assert_false(fixture_deliver(writer, 2, false, &err));
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	fixture_expect(1);
	assert_int_equal(fixture_open(writer, &err), 1);
	deliver_or_fail(writer, 2, false);
	fixture_expect(2);
	writer->ops->close(writer);
}

static void
a_record_over_the_limit_is_named_and_nothing_is_written(void **state)
{
	LogWriter *writer = fixture_writer(0, CONTAINER_NULL);
	LogBatch batch;
	size_t culprit = 99;
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	writer->max_record = 100;
	log_batch_init(&batch, 1 << 20);
	fixture_fill(&batch, 1, false);
	fixture_add(&batch, 1, 7, 200);
	assert_false(writer->ops->deliver(writer, &batch, &culprit, &err));
	assert_int_equal(err.class, ERR_CLASS_REJECT);
	assert_int_equal(err.code, ERR_RECORD_TOO_LARGE);
	assert_int_equal(culprit, 3);
	fixture_expect(0);
	log_batch_release(&batch);
	/* No `open` is needed. */
	deliver_or_fail(writer, 1, false);
	fixture_expect(1);
	writer->ops->close(writer);
}

/* ---- refusals ---- */

static void
path_of(char path[512], const char *rest)
{
	(void) snprintf(path, 512, "%s/%s", fixture_path, rest);
}

static void
write_log(int batches, bool with_close)
{
	LogWriter *writer = fixture_writer(600, CONTAINER_NULL);
	Err err;

	assert_int_equal(fixture_open(writer, &err), 0);
	for (int b = 1; b <= batches; b++)
		deliver_or_fail(writer, b, false);
	if (!with_close)
		((LogDirectory *) writer)->usable = false; /* as a killed process leaves it */
	writer->ops->close(writer);
}

static void
expect_open_stops(const char *text)
{
	LogWriter *writer = fixture_writer(600, CONTAINER_NULL);
	Err err;

	assert_int_equal(fixture_open(writer, &err), -1);
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_DATA);
	assert_non_null(strstr(err.message, text));
	assert_true(err.hint[0] != '\0');
	writer->ops->close(writer);
}

static void
lost_files_are_refused_and_never_papered_over(void **state)
{
	char path[512];
	char moved[512];

	(void) state;
	write_log(10, false);
	path_of(path, ".goldpan/crm/commit");
	path_of(moved, "elsewhere");
	assert_int_equal(rename(path, moved), 0);
	expect_open_stops("commit\" is missing");
	assert_int_equal(rename(moved, path), 0);

	/* batches 1..10 with segments of 600 bytes: the last one is open */
	path_of(path, ".goldpan/crm/customer.b-000000000001.open");
	assert_int_equal(truncate(path, 20), 0);
	expect_open_stops("it has 20 bytes");
	assert_int_equal(unlink(path), 0);
	expect_open_stops("is missing");
}

static void
a_torn_commit_record_falls_back_to_the_one_before(void **state)
{
	char path[512];
	uint8_t bytes[32 * 1024];
	LogCommit commit;
	LogFolder folder;
	LogWriter *writer;
	Err err;
	int fd;
	int slot;

	(void) state;
	writer = fixture_writer(0, CONTAINER_NULL);
	assert_int_equal(fixture_open(writer, &err), 0);
	for (int b = 1; b <= 7; b++)
		deliver_or_fail(writer, b, false);
	((LogDirectory *) writer)->usable = false;
	writer->ops->close(writer);

	path_of(path, ".goldpan/crm");
	assert_true(log_directory_file_folder(NULL, path, false, &folder, &err));
	log_directory_commit_init(&commit);
	assert_true(log_directory_commit_read(&commit, &folder, &err));
	slot = (int) (commit.generation % 2);
	path_of(path, ".goldpan/crm/commit");
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	/* The second half of the newest record never arrived. */
	for (int i = 40; i < 200; i++)
		bytes[slot * 16384 + i] = 0;
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_true(log_directory_commit_read(&commit, &folder, &err));
	assert_int_equal(commit.generation % 2, 1 - slot);
	fixture_expect(6);
	writer = fixture_writer(0, CONTAINER_NULL);
	assert_int_equal(fixture_open(writer, &err), 6);
	fixture_expect(6);
	deliver_or_fail(writer, 7, false);
	writer->ops->close(writer);
	fixture_expect(7);
	(void) close(fd);

	fd = open(path, O_RDWR);
	memset(bytes, 0x55, sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	(void) close(fd);
	expect_open_stops("neither of its two commit records");
	log_directory_commit_release(&commit);
	log_directory_file_folder_close(&folder);
}

static void
a_commit_record_may_outgrow_its_slot(void **state)
{
	LogWriter *writer = fixture_writer(0, CONTAINER_NULL);
	Buffer progress;
	LogBatch batch;
	size_t culprit;
	Err err;

	(void) state;
	buffer_init(&progress, 1 << 20);
	log_batch_init(&batch, 1 << 20);
	assert_int_equal(fixture_open(writer, &err), 0);
	for (size_t size = 1; size < 300000; size = size * 3 + 1)
	{
		log_batch_clear(&batch);
		while (batch.progress.length < size)
			assert_true(buffer_append_byte(&batch.progress, (uint8_t) batch.progress.length, &err));
		assert_true(writer->ops->deliver(writer, &batch, &culprit, &err));
		assert_true(writer->ops->open(writer, &progress, &err));
		assert_int_equal(progress.length, size);
		assert_memory_equal(progress.data, batch.progress.data, size);
	}
	log_batch_release(&batch);
	buffer_release(&progress);
	writer->ops->close(writer);
}

static void
files_are_not_for_everybody(void **state)
{
	char path[512];
	struct stat status;
	static const char *const files[] = {"customer.b/crm-000000000001.avro", ".goldpan/crm/commit",
										".goldpan/crm/lock"};
	static const char *const folders[] = {"customer.b", ".goldpan", ".goldpan/crm"};

	(void) state;
	(void) umask(0);
	write_log(3, true);
	(void) umask(022);
	for (size_t i = 0; i < 3; i++)
	{
		path_of(path, files[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0640);
		path_of(path, folders[i]);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0750);
	}
}

static void
names_that_are_no_file_names_are_refused(void **state)
{
	static const char *const names[] = {"", ".x", "a/b", "..", "a b", "ä"};
	LogDirectoryConfig config = {fixture_path, CONTAINER_NULL, 0, 0};
	Err err;

	(void) state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		LogTopic topic = {names[i], TOPIC_ENTITY, FIXTURE_SCHEMA};

		assert_null(log_directory_new(&config, names[i], fixture_topics, 2, &err));
		assert_int_equal(err.class, ERR_CLASS_USAGE);
		assert_null(log_directory_new(&config, "crm", &topic, 1, &err));
		assert_int_equal(err.class, ERR_CLASS_USAGE);
	}
}

/* ---- a full disk, for real ---- */

static int
fill_the_disk(void)
{
	LogWriter *writer;
	LogBatch batch;
	size_t culprit;
	Err err;
	char path[512];
	int delivered = 0;
	int fd;

	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", fixture_path, "tmpfs", 0, "size=2m") != 0)
		return 77;
	path_of(path, "ballast");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(posix_fallocate(fd, 0, 1 << 20), 0);
	writer = fixture_writer(0, CONTAINER_NULL);
	assert_int_equal(fixture_open(writer, &err), 0);
	log_batch_init(&batch, 1 << 20);
	for (int b = 1;; b++)
	{
		fixture_fill(&batch, b, false);
		for (int i = 0; i < 50; i++)
			fixture_add(&batch, 1, 1000000 + i, 4000);
		if (!writer->ops->deliver(writer, &batch, &culprit, &err))
			break;
		delivered = b;
		assert_true(b < 100);
	}
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.message, "No space left on device"));
	assert_non_null(strstr(err.message, "customer."));
	assert_non_null(strstr(err.hint, "Free space"));
	assert_true(delivered > 0);
	/* What was acknowledged is there and nothing else; then the cure. */
	assert_int_equal(fixture_read("customer.a", true, values, &err), 3 * delivered);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(fixture_open(writer, &err), delivered);
	assert_true(writer->ops->deliver(writer, &batch, &culprit, &err));
	assert_int_equal(fixture_read("customer.a", true, values, &err), 3 * (delivered + 1));
	fixture_check("customer.a", values, 3 * (delivered + 1), delivered + 1);
	writer->ops->close(writer);
	log_batch_release(&batch);
	(void) close(fd);
	return 0;
}

static void
a_full_disk_is_named_and_nothing_is_lost_or_repeated(void **state)
{
	pid_t child = fork();
	int status;

	(void) state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(fill_the_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
a_hundred_thousand_records_go_in_and_come_out(void **state)
{
	LogWriter *writer = fixture_writer(0, CONTAINER_NULL);
	LogBatch batch;
	size_t culprit;
	int64_t started;
	int64_t written;
	Err err;

	(void) state;
	assert_int_equal(fixture_open(writer, &err), 0);
	log_batch_init(&batch, 16 << 20);
	started = clock_monotonic();
	for (int b = 0; b < 10; b++)
	{
		log_batch_clear(&batch);
		for (int i = 0; i < 10000; i++)
			fixture_add(&batch, 0, b * 10000 + i, 400);
		assert_true(buffer_printf(&batch.progress, &err, "%d", b + 1));
		assert_true(writer->ops->deliver(writer, &batch, &culprit, &err));
	}
	written = clock_monotonic();
	log_batch_release(&batch);
	assert_int_equal(fixture_read("customer.a", true, values, &err), 100000);
	print_message("# 100000 records of 404 bytes: written in %lld ms, read in %lld ms\n",
				  (long long) (written - started) / 1000,
				  (long long) (clock_monotonic() - written) / 1000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(values[i], i);
	writer->ops->close(writer);
}

/* Tiny records fill a write by their number, others by their bytes; topics take turns. */
static void
records_of_all_sizes_share_writes(void **state)
{
	static const size_t sizes[] = {0, 1, 40, 4000};

	for (int codec = 0; codec < 2; codec++)
	{
		LogWriter *writer = fixture_writer(0, codec == 0 ? CONTAINER_NULL : CONTAINER_DEFLATE);
		int expected[2] = {0, 0};
		LogBatch batch;
		size_t culprit;
		Err err;

		assert_int_equal(fixture_open(writer, &err), 0);
		log_batch_init(&batch, 64 << 20);
		for (size_t size = 0; size < 4; size++)
			for (int i = 0; i < 3000; i++)
			{
				uint16_t topic = (uint16_t) (i % 7 == 0);

				fixture_add(&batch, topic, expected[topic]++, sizes[size]);
			}
		assert_true(buffer_append_text(&batch.progress, "1", &err));
		assert_true(writer->ops->deliver(writer, &batch, &culprit, &err));
		log_batch_release(&batch);
		writer->ops->close(writer);
		for (int topic = 0; topic < 2; topic++)
		{
			const char *name = fixture_topics[topic].name;

			assert_int_equal(fixture_read(name, false, values, &err), expected[topic]);
			for (int i = 0; i < expected[topic]; i++)
				assert_int_equal(values[i], i);
		}
		fixture_remove(fixture_path);
	}
	(void) state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_batch_is_readable_at_once_and_progress_comes_back),
		TEST(deflated_segments_read_the_same),
		TEST(segments_close_by_size_and_by_age),
		TEST(held_batches_become_readable_together),
		TEST(an_unfinished_snapshot_is_thrown_away_by_open),
		TEST(a_second_writer_is_refused_and_told_who_writes),
		TEST(an_interrupted_delivery_leaves_nothing),
		TEST(a_record_over_the_limit_is_named_and_nothing_is_written),
		TEST(lost_files_are_refused_and_never_papered_over),
		TEST(a_torn_commit_record_falls_back_to_the_one_before),
		TEST(a_commit_record_may_outgrow_its_slot),
		TEST(files_are_not_for_everybody),
		TEST(names_that_are_no_file_names_are_refused),
		TEST(a_full_disk_is_named_and_nothing_is_lost_or_repeated),
		TEST(a_hundred_thousand_records_go_in_and_come_out),
		TEST(records_of_all_sizes_share_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
