/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_directory_fixture.h — what the tests of the directory log share: a scratch folder, batches
 * whose content follows from their number, and readers of both kinds (ours and one that, as foreign
 * engines do, only looks at *.avro in a topic's folder).
 *
 * Batch b writes 3 records to topic a, and 1 to topic b when b is even; its progress is "<b>".
 */
#ifndef LOG_DIRECTORY_FIXTURE_H
#define LOG_DIRECTORY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goldpan/log.h"
#include "log/log_priv.h"

#define FIXTURE_SCHEMA                                                                             \
	"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"},"          \
	"{\"name\":\"text\",\"type\":\"string\"}]}"
#define FIXTURE_MAX 100000

static const LogTopic fixture_topics[] = {
	{"customer.a", TOPIC_ENTITY, FIXTURE_SCHEMA},
	{"customer.b", TOPIC_ENTITY, FIXTURE_SCHEMA},
};

static char fixture_path[256];

static inline int
fixture_remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void) status;
	(void) type;
	(void) ftw;
	return remove(path);
}

static inline void
fixture_remove(const char *path)
{
	(void) nftw(path, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int
fixture_setup(void **state)
{
	const char *base = getenv("TMPDIR");

	(void) state;
	/* Memory, where there is such a folder: thousands of flushes cost minutes on a disk, and what a
	 * lost flush does is simulated anyway. */
	if (base == NULL && access("/dev/shm", W_OK) == 0)
		base = "/dev/shm";
	(void) snprintf(fixture_path, sizeof(fixture_path), "%s/test_log_directory.XXXXXX",
					base == NULL ? "/tmp" : base);
	return mkdtemp(fixture_path) == NULL ? -1 : 0;
}

static inline int
fixture_teardown(void **state)
{
	(void) state;
	log_directory_file_hook(NULL, NULL);
	fixture_remove(fixture_path);
	return 0;
}

static inline void
fixture_fail(const char *doing, const Err *err)
{
	fail_msg("%s: %s (%s)", doing, err->message, err_code_name(err->code));
}

static inline LogWriter *
fixture_writer(int64_t segment_bytes, ContainerCodec codec)
{
	LogDirectoryConfig config = {fixture_path, codec, segment_bytes, 0};
	Err err;
	LogWriter *writer = log_directory_new(&config, "crm", fixture_topics, 2, &err);

	if (writer == NULL)
		fixture_fail("new", &err);
	return writer;
}

/* Opens and returns the number in the progress; 0 when there is none, -1 on error. */
static inline int
fixture_open(LogWriter *writer, Err *err)
{
	Buffer progress;
	int number = -1;

	buffer_init(&progress, 1 << 20);
	if (writer->ops->open(writer, &progress, err))
	{
		number = 0;
		for (size_t i = 0; i < progress.length; i++)
			number = number * 10 + (progress.data[i] - '0');
	}
	buffer_release(&progress);
	return number;
}

static inline void
fixture_add(LogBatch *batch, uint16_t topic, int64_t n, size_t size)
{
	static const char filler[4096];
	Err err;
	LogRecord *record = log_batch_add(batch, &err);
	size_t start;

	assert_non_null(record);
	record->topic = topic;
	assert_true(buffer_append_text(&batch->bytes, "key", &err));
	record->key_length = 3;
	start = batch->bytes.length;
	assert_true(encode_long(&batch->bytes, n, &err));
	assert_true(encode_string(&batch->bytes, filler, size, &err));
	record->value_length = (uint32_t) (batch->bytes.length - start);
	assert_true(buffer_append_text(&batch->bytes, "event/idid", &err));
	record->event_id_length = 8;
	record->id_length = 2;
}

static inline void
fixture_fill(LogBatch *batch, int number, bool hold)
{
	Err err;

	log_batch_clear(batch);
	batch->hold = hold;
	for (int i = 0; i < 3; i++)
		fixture_add(batch, 0, (int64_t) number * 10 + i, 40);
	if (number % 2 == 0)
		fixture_add(batch, 1, number, 40);
	assert_true(buffer_printf(&batch->progress, &err, "%d", number));
}

static inline bool
fixture_deliver(LogWriter *writer, int number, bool hold, Err *err)
{
	LogBatch batch;
	size_t culprit;
	bool ok;

	log_batch_init(&batch, 1 << 20);
	fixture_fill(&batch, number, hold);
	ok = writer->ops->deliver(writer, &batch, &culprit, err);
	log_batch_release(&batch);
	return ok;
}

/* Everything that our reader shows of a topic; their number, or -1 with err. */
static inline int
fixture_read(const char *topic, bool open_segments, int64_t *values, Err *err)
{
	LogReader *reader = log_reader_directory(fixture_path, err);
	LogEntry entry;
	bool found = true;
	int count = 0;

	if (reader == NULL)
		return -1;
	if (!reader->ops->start(reader, topic, open_segments, err))
		count = -1;
	while (count >= 0 && found)
	{
		if (!reader->ops->next(reader, &entry, &found, err))
			count = -1;
		else if (found)
		{
			assert_true(count < FIXTURE_MAX);
			assert_true(encode_read_long(&entry.value, &values[count++], err));
		}
	}
	reader->ops->close(reader);
	return count;
}

static inline int
fixture_is_avro(const struct dirent *entry)
{
	if (entry->d_name[0] == '.')
		return 0;
	/* Nothing but *.avro lies there. */
	assert_non_null(strstr(entry->d_name, ".avro"));
	return 1;
}

/* As a foreign engine reads: every *.avro in the folder, whole. */
static inline int
fixture_glob(const char *topic, int64_t *values)
{
	char path[1024];
	struct dirent **names;
	Err err;
	int count = 0;
	int nnames;

	(void) snprintf(path, sizeof(path), "%s/%s", fixture_path, topic);
	nnames = scandir(path, &names, fixture_is_avro, alphasort);
	for (int i = 0; i < nnames; i++)
	{
		ContainerReader *container;
		AvroReader record;
		bool found;

		(void) snprintf(path, sizeof(path), "%s/%s/%s", fixture_path, topic, names[i]->d_name);
		container = container_open(path, -1, &err);
		if (container == NULL)
			fixture_fail("container_open", &err);
		for (;;)
		{
			if (!container_next(container, &record, &found, &err))
				fixture_fail("container_next", &err);
			if (!found)
				break;
			assert_true(encode_read_long(&record, &values[count++], &err));
		}
		container_close(container);
		free(names[i]);
	}
	if (nnames >= 0)
		free(names);
	return count;
}

/* The records must be those of batches 1..last, complete and in order. */
static inline void
fixture_check(const char *topic, const int64_t *values, int count, int last)
{
	int at = 0;

	for (int b = 1; b <= last; b++)
	{
		if (strcmp(topic, "customer.b") == 0)
		{
			if (b % 2 == 0)
			{
				assert_true(at < count);
				assert_int_equal(values[at++], b);
			}
			continue;
		}
		for (int i = 0; i < 3; i++)
		{
			assert_true(at < count);
			assert_int_equal(values[at++], b * 10 + i);
		}
	}
	assert_int_equal(at, count);
}

static inline void
fixture_expect(int last)
{
	static int64_t values[FIXTURE_MAX];
	Err err;

	for (int t = 0; t < 2; t++)
	{
		int count = fixture_read(fixture_topics[t].name, true, values, &err);

		if (count < 0)
			fixture_fail("read", &err);
		fixture_check(fixture_topics[t].name, values, count, last);
	}
}

/* A foreign reader may lag, but sees whole batches in order, each topic for itself. */
static inline void
fixture_expect_whole_batches(int last)
{
	static int64_t values[FIXTURE_MAX];
	int count = fixture_glob("customer.a", values);

	assert_int_equal(count % 3, 0);
	assert_true(count / 3 <= last);
	fixture_check("customer.a", values, count, count / 3);
	count = fixture_glob("customer.b", values);
	assert_true(count <= last / 2);
	fixture_check("customer.b", values, count, count * 2);
}

#endif
