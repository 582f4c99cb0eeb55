/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_reader_kafka_test.c — reading back: what is shown, when, and how often.
 */
#include "kafka_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SHOWN 4096

/* Reads on until the end for now; ids of the records in the order shown, "-" for a tombstone. */
static size_t
read_ids(LogReader *reader, char *text, size_t size)
{
	size_t count = 0;
	size_t length = 0;

	text[0] = '\0';
	for (;;)
	{
		LogEntry entry;
		const char *id = "-";
		size_t id_length = 1;
		bool found;
		Err err;

		if (!reader->ops->next(reader, &entry, &found, &err))
			fail_msg("next: %s", err.message);
		if (!found)
			return count;
		count++;
		if (entry.value.next != NULL)
			assert_true(encode_find_text(entry.schema, &entry.value, "id", &id, &id_length, &err));
		length += (size_t) snprintf(text + length, size - length, "%s%.*s", length > 0 ? " " : "",
									(int) id_length, id);
		assert_true(length < size);
	}
}

static LogReader *
start(const Fixture *fixture, const char *topic)
{
	Err err;
	LogReader *reader = log_reader_kafka(&fixture->config, &err);

	if (reader == NULL || !reader->ops->start(reader, topic, false, &err))
		fail_msg("start: %s", err.message);
	return reader;
}

void
a_reader_shows_what_is_committed_and_follows(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogReader *reader;
	LogBatch batch;
	LogEntry entry;
	Buffer json;
	char text[MAX_SHOWN];
	char progress[64];
	size_t culprit;
	bool found;
	Err err;

	(void) state;
	fixture_setup(&fixture, "reader", 1);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	reader = start(&fixture, "reader.contact");
	assert_int_equal(read_ids(reader, text, sizeof(text)), 0);
	log_batch_init(&batch, 1 << 20);
	fixture_add(&batch, "a", "note", 4, NULL);
	fixture_add(&batch, "b", "note", 4, NULL);
	batch.records[1].tombstone = true;
	fixture_progress(&batch, "p");
	/* once aborted, once committed */
	writer->ops->interrupt(writer);
	assert_false(writer->ops->deliver(writer, &batch, &culprit, &err));
	fixture_open(writer, progress);
	assert_int_equal(read_ids(reader, text, sizeof(text)), 0);
	fixture_deliver(writer, &batch);
	for (int tries = 0; tries < 50 && read_ids(reader, text, sizeof(text)) == 0; tries++)
		;
	assert_string_equal(text, "a b -");
	/* follow */
	log_batch_clear(&batch);
	fixture_add(&batch, "c", "note", 4, NULL);
	fixture_progress(&batch, "p");
	fixture_deliver(writer, &batch);
	for (int tries = 0; tries < 50 && read_ids(reader, text, sizeof(text)) == 0; tries++)
		;
	assert_string_equal(text, "c");

	/* an entry has everything */
	assert_true(reader->ops->start(reader, "reader.contact", false, &err));
	assert_true(reader->ops->next(reader, &entry, &found, &err));
	assert_true(found);
	assert_string_equal(entry.topic, "reader.contact");
	assert_int_equal(entry.partition, 0);
	buffer_init(&json, 4096);
	assert_true(encode_read_json(entry.schema, &entry.value, &json, &err));
	assert_true(buffer_append_byte(&json, 0, &err));
	assert_string_equal((const char *) json.data,
						"{\"source\":\"crm\",\"id\":\"a\",\"note\":\"note\",\"meta\":{"
						"\"snapshot_attempt\":null}}");
	buffer_release(&json);
	assert_int_equal(entry.nheaders, 7);
	assert_string_equal(entry.header_names[2], "ce_id");
	assert_string_equal(entry.header_values[2], "crm/0000000000000001/a");
	assert_int_equal(entry.key_length, 5 + 4 + 2);
	assert_false(reader->ops->start(reader, "reader.nothing", false, &err));
	assert_int_equal(err.code, ERR_LOG_SETUP);
	reader->ops->close(reader);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

void
a_reader_leaves_out_attempts_that_came_to_nothing(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogReader *reader;
	LogBatch batch;
	char text[MAX_SHOWN];
	char progress[64];

	(void) state;
	fixture_setup(&fixture, "attempts", 1);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_progress(&batch, "p");
	fixture_add_snapshot(&batch, "one", "started");
	fixture_add(&batch, "killed", "note", 4, "one");
	fixture_deliver(writer, &batch);
	log_batch_clear(&batch);
	fixture_progress(&batch, "p");
	fixture_add_snapshot(&batch, "two", "started");
	fixture_add(&batch, "kept", "note", 4, "two");
	fixture_deliver(writer, &batch);
	log_batch_clear(&batch);
	fixture_progress(&batch, "p");
	fixture_add(&batch, "last", "note", 4, "two");
	fixture_add_snapshot(&batch, "two", "completed");
	fixture_deliver(writer, &batch);
	log_batch_clear(&batch);
	fixture_progress(&batch, "p");
	fixture_add(&batch, "streamed", "note", 4, NULL);
	fixture_deliver(writer, &batch);
	reader = start(&fixture, "attempts.contact");
	(void) read_ids(reader, text, sizeof(text));
	assert_string_equal(text, "kept last streamed");
	reader->ops->close(reader);
	reader = start(&fixture, "attempts.snapshot");
	assert_int_equal(read_ids(reader, text, sizeof(text)), 3);
	reader->ops->close(reader);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

void
a_reader_shows_a_completed_attempt_late_but_once(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogReader *reader;
	LogBatch batch;
	char text[MAX_SHOWN];
	char progress[64];

	(void) state;
	fixture_setup(&fixture, "late", 1);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_progress(&batch, "p");
	fixture_add_snapshot(&batch, "one", "started");
	fixture_add(&batch, "1", "note", 4, "one");
	fixture_add(&batch, "other", "note", 4, NULL); /* of another source, say */
	fixture_add(&batch, "2", "note", 4, "one");
	fixture_deliver(writer, &batch);
	reader = start(&fixture, "late.contact");
	(void) read_ids(reader, text, sizeof(text));
	assert_string_equal(text, "other");
	assert_int_equal(read_ids(reader, text, sizeof(text)), 0);
	log_batch_clear(&batch);
	fixture_progress(&batch, "p");
	fixture_add(&batch, "3", "note", 4, "one");
	fixture_add_snapshot(&batch, "one", "completed");
	fixture_add(&batch, "streamed", "note", 4, NULL);
	fixture_deliver(writer, &batch);
	{
		char all[MAX_SHOWN] = "";
		size_t length = 0;
		size_t count = 0;

		for (int tries = 0; tries < 50 && count < 4; tries++)
		{
			size_t n = read_ids(reader, text, sizeof(text));

			if (n > 0)
				length += (size_t) snprintf(all + length, sizeof(all) - length, "%s ", text);
			count += n;
		}
		/* each once; 1 and 2 in order */
		assert_int_equal(count, 4);
		assert_non_null(strstr(all, "1 2 "));
		assert_non_null(strstr(all, "3 "));
		assert_non_null(strstr(all, "streamed "));
		for (int tries = 0; tries < 3; tries++)
			assert_int_equal(read_ids(reader, text, sizeof(text)), 0);
	}
	reader->ops->close(reader);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

void
a_reader_lists_our_topics_with_exact_counts(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogReader *reader;
	LogBatch batch;
	const LogTopicInfo *topics;
	size_t count;
	int64_t records = -1;
	char progress[64];
	Err err;

	(void) state;
	fixture_setup(&fixture, "listed", 3);
	fixture_topic("listed-not-ours", 1, "cleanup.policy", "delete");
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_progress(&batch, "p");
	fixture_add_snapshot(&batch, "one", "started");
	fixture_add(&batch, "void", "note", 4, "one");
	fixture_add(&batch, "1", "note", 4, NULL);
	fixture_add(&batch, "2", "note", 4, NULL);
	for (int i = 0; i < 3; i++)
		fixture_deliver(writer, &batch);
	reader = log_reader_kafka(&fixture.config, &err);
	assert_non_null(reader);
	if (!reader->ops->list(reader, &topics, &count, &err))
		fail_msg("%s", err.message);
	for (size_t i = 0; i < count; i++)
	{
		assert_string_not_equal(topics[i].name, "listed-not-ours");
		assert_string_not_equal(topics[i].name, "listed-progress");
		if (strcmp(topics[i].name, "listed.contact") == 0)
		{
			records = topics[i].records;
			assert_int_equal(topics[i].files, 3);
		}
	}
	/* transaction markers and rows of the running attempt are no records */
	assert_int_equal(records, 6);
	reader->ops->close(reader);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}
