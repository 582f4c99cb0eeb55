/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_log_directory_commit.c — a commit record comes back as it was; any damaged one is noticed.
 */
#include "log_directory_fixture.h"

static void
fill(LogCommit *commit)
{
	Err err;

	log_directory_commit_init(commit);
	commit->generation = UINT64_C(0x1122334455667788);
	for (int i = 0; i < 5; i++)
	{
		LogCommitSegment *segment;
		char name[32];
		int topic;

		(void) snprintf(name, sizeof(name), "customer.t%d", i % 3);
		topic = log_directory_commit_topic(commit, name, &err);
		assert_int_equal(topic, i % 3);
		commit->topics[topic].next_sequence = 100 + i;
		segment = log_directory_commit_add(commit, &err);
		assert_non_null(segment);
		*segment =
			(LogCommitSegment){(uint32_t) topic, (LogSegmentState) (i % 3), 10 + i, 1000000 * i, i};
	}
	assert_true(buffer_append_text(&commit->progress, "progress", &err));
}

static void
a_record_comes_back_as_it_was(void **state)
{
	LogCommit commit;
	LogCommit back;
	Buffer bytes;
	Buffer again;
	Err err;

	(void) state;
	fill(&commit);
	log_directory_commit_init(&back);
	buffer_init(&bytes, 1 << 20);
	buffer_init(&again, 1 << 20);
	assert_true(log_directory_commit_encode(&commit, &bytes, &err));
	assert_true(log_directory_commit_decode(&back, bytes.data, bytes.length, &err));
	assert_true(back.generation == commit.generation);
	assert_int_equal(back.ntopics, 3);
	assert_int_equal(back.nsegments, 5);
	assert_memory_equal(back.segments, commit.segments, 5 * sizeof(*back.segments));
	assert_string_equal(back.topics[2].name, "customer.t2");
	assert_memory_equal(back.progress.data, "progress", 8);
	assert_true(log_directory_commit_encode(&back, &again, &err));
	assert_int_equal(again.length, bytes.length);
	assert_memory_equal(again.data, bytes.data, bytes.length);
	log_directory_commit_release(&commit);
	log_directory_commit_release(&back);
	buffer_release(&bytes);
	buffer_release(&again);
}

static void
every_changed_bit_and_every_cut_is_noticed(void **state)
{
	LogCommit commit;
	LogCommit back;
	Buffer bytes;
	Err err;

	(void) state;
	fill(&commit);
	log_directory_commit_init(&back);
	buffer_init(&bytes, 1 << 20);
	assert_true(log_directory_commit_encode(&commit, &bytes, &err));
	for (size_t length = 0; length < bytes.length; length++)
	{
		assert_false(log_directory_commit_decode(&back, bytes.data, length, &err));
		assert_int_equal(err.code, ERR_DATA);
	}
	for (size_t bit = 0; bit < bytes.length * 8; bit++)
	{
		bytes.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
		assert_false(log_directory_commit_decode(&back, bytes.data, bytes.length, &err));
		bytes.data[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	log_directory_commit_release(&commit);
	log_directory_commit_release(&back);
	buffer_release(&bytes);
}

/* A right checksum does not make content right: names that would leave the folder, numbers and
 * states that cannot be. */
static void
impossible_content_is_refused(void **state)
{
	LogCommit commit;
	LogCommit back;
	Buffer bytes;
	Err err;

	(void) state;
	log_directory_commit_init(&back);
	buffer_init(&bytes, 1 << 20);
	for (int what = 0; what < 6; what++)
	{
		fill(&commit);
		if (what == 0)
			memcpy(commit.topics[0].name, "../../etc", 10);
		else if (what == 1)
			memcpy(commit.topics[0].name, "customer.t1", 12);
		else if (what == 2)
			commit.segments[2].topic = 3;
		else if (what == 3)
			commit.segments[2].state = (LogSegmentState) 3;
		else if (what == 4)
			commit.segments[2].sequence = 0;
		else
			commit.segments[2].sequence = 5000;
		buffer_clear(&bytes);
		assert_true(log_directory_commit_encode(&commit, &bytes, &err));
		assert_false(log_directory_commit_decode(&back, bytes.data, bytes.length, &err));
		assert_int_equal(err.code, ERR_DATA);
		log_directory_commit_release(&commit);
	}
	log_directory_commit_release(&back);
	buffer_release(&bytes);
}

static void
names_of_files_are_read_as_they_are_written(void **state)
{
	static const char *const wrong[] = {
		"crm-00000000001.avro", "crm-0000000000001.avro", "crm000000000001.avro",
		"-000000000001.avro",	"crm-00000000000x.avro",  "crm-000000000001.avrox",
		".c-000000000001.avro", "crm-000000000000.avro",  "",
	};
	char file[LOG_DIRECTORY_FILE_SIZE];
	char stem[LOG_DIRECTORY_NAME_SIZE];
	int64_t sequence;

	(void) state;
	log_directory_file_format(file, "crm-1", 42, ".avro");
	assert_string_equal(file, "crm-1-000000000042.avro");
	assert_true(log_directory_file_parse(file, ".avro", stem, &sequence));
	assert_string_equal(stem, "crm-1");
	assert_int_equal(sequence, 42);
	assert_false(log_directory_file_parse(file, ".open", stem, &sequence));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(log_directory_file_parse(wrong[i], ".avro", stem, &sequence));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was),
		cmocka_unit_test(every_changed_bit_and_every_cut_is_noticed),
		cmocka_unit_test(impossible_content_is_refused),
		cmocka_unit_test(names_of_files_are_read_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
