/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_test.c — the Kafka log against a real broker and a real registry.
 *
 * What librdkafka's mock cluster does not implement (aborts, fencing) is shown here, with a
 * consumer and a kcat that are not ours. Run by run.sh.
 */
#include "kafka_fixture.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "goldpan/clock.h"
#include "log/log_kafka_priv.h"

#define COMMITTED	"read_committed"
#define UNCOMMITTED "read_uncommitted"

static void
init_makes_topics_once_and_refuses_what_does_not_fit(void **state)
{
	Fixture fixture;
	Err err;

	(void) state;
	fixture_init(&fixture, "init");
	assert_false(log_kafka_check(&fixture.config, fixture.topics, 2, &err));
	assert_int_equal(err.class, ERR_CLASS_USAGE);
	assert_int_equal(err.code, ERR_LOG_SETUP);
	assert_non_null(strstr(err.message, "topic \"init.contact\" does not exist"));
	assert_non_null(strstr(err.hint, "goldpan init"));
	fixture_release(&fixture);

	fixture_setup(&fixture, "init", 3);
	if (!log_kafka_init_topics(&fixture.config, fixture.topics, 2, 3, 1, false, &err))
		fail_msg("%s", err.message);
	assert_true(log_kafka_check(&fixture.config, fixture.topics, 2, &err));
	assert_false(log_kafka_init_topics(&fixture.config, fixture.topics, 2, 4, 1, false, &err));
	assert_int_equal(err.code, ERR_LOG_SETUP);
	assert_non_null(strstr(err.message, "with 3 partitions where 4 are wanted"));
	fixture_release(&fixture);

	fixture_init(&fixture, "compacted");
	fixture_topic("compacted.contact", 3, "cleanup.policy", "compact");
	assert_false(log_kafka_init_topics(&fixture.config, fixture.topics, 2, 3, 1, false, &err));
	assert_non_null(strstr(err.message, "cleanup.policy=compact"));
	assert_true(log_kafka_init_topics(&fixture.config, fixture.topics, 2, 3, 1, true, &err));
	fixture_release(&fixture);

	fixture_init(&fixture, "replicas");
	assert_false(log_kafka_init_topics(&fixture.config, fixture.topics, 2, 3, 3, false, &err));
	assert_int_equal(err.code, ERR_LOG_SETUP);
	assert_non_null(strstr(err.hint, "no more replicas than"));
	fixture_release(&fixture);

	fixture_init(&fixture, "positions");
	fixture_topic("positions-progress", 8, "cleanup.policy", "delete");
	assert_false(log_kafka_init_topics(&fixture.config, fixture.topics, 2, 3, 1, false, &err));
	assert_non_null(strstr(err.message, "positions would be deleted"));
	fixture_release(&fixture);
}

static void
a_missing_topic_stops_with_the_cure(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	Buffer progress;
	Err err;

	(void) state;
	fixture_init(&fixture, "missing");
	assert_true(log_kafka_init_subjects(&fixture.config, fixture.topics, 2, &err));
	writer = fixture_writer(&fixture, "crm");
	buffer_init(&progress, 4096);
	assert_false(writer->ops->open(writer, &progress, &err));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_LOG_SETUP);
	assert_non_null(strstr(err.message, "topic \"missing.contact\" does not exist"));
	assert_non_null(strstr(err.hint, "goldpan init"));
	writer->ops->close(writer);
	buffer_release(&progress);
	fixture_release(&fixture);
}

static void
a_batch_is_visible_at_once_and_its_progress_is_found_again(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	char id[32];

	(void) state;
	fixture_setup(&fixture, "visible", 3);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	assert_string_equal(progress, "");
	assert_true(writer->key_schema_id > 0);
	log_batch_init(&batch, 1 << 20);
	for (int round = 1; round <= 20; round++)
	{
		log_batch_clear(&batch);
		for (int i = 0; i < 10; i++)
		{
			(void) snprintf(id, sizeof(id), "%d", round * 10 + i);
			fixture_add(&batch, id, "note", 4, NULL);
		}
		(void) snprintf(id, sizeof(id), "round %d", round);
		fixture_progress(&batch, id);
		fixture_deliver(writer, &batch);
		if (round % 10 == 1)
			assert_int_equal(fixture_read("visible.contact", COMMITTED, NULL, NULL), round * 10);
	}
	fixture_open(writer, progress);
	assert_string_equal(progress, "round 20");
	writer->ops->close(writer);

	/* another process, another source beside it */
	writer = fixture_writer(&fixture, "billing");
	fixture_open(writer, progress);
	assert_string_equal(progress, "");
	writer->ops->close(writer);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	assert_string_equal(progress, "round 20");
	/* progress alone: an idle source */
	log_batch_clear(&batch);
	fixture_progress(&batch, "idle");
	fixture_deliver(writer, &batch);
	fixture_open(writer, progress);
	assert_string_equal(progress, "idle");
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

static void
an_interrupted_batch_is_invisible_and_delivered_once_later(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	size_t culprit;
	Err err;

	(void) state;
	fixture_setup(&fixture, "interrupted", 3);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_add(&batch, "1", "note", 4, NULL);
	fixture_add(&batch, "2", "note", 4, NULL);
	fixture_progress(&batch, "first");
	writer->ops->interrupt(writer);
	assert_false(writer->ops->deliver(writer, &batch, &culprit, &err));
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	assert_int_equal(fixture_read("interrupted.contact", COMMITTED, NULL, NULL), 0);
	/* it was written, and aborted */
	assert_int_equal(fixture_read("interrupted.contact", UNCOMMITTED, NULL, NULL), 2);
	/* not before open */
	assert_false(writer->ops->deliver(writer, &batch, &culprit, &err));
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	fixture_open(writer, progress);
	assert_string_equal(progress, "");
	fixture_deliver(writer, &batch);
	assert_int_equal(fixture_read("interrupted.contact", COMMITTED, NULL, NULL), 2);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

static void
a_second_writer_fences_the_first_which_adds_nothing(void **state)
{
	Fixture fixture;
	LogWriter *first;
	LogWriter *second;
	LogBatch batch;
	char progress[64];
	size_t culprit;
	Err err;

	(void) state;
	fixture_setup(&fixture, "fenced", 3);
	first = fixture_writer(&fixture, "crm");
	second = fixture_writer(&fixture, "crm");
	fixture_open(first, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_add(&batch, "1", "note", 4, NULL);
	fixture_progress(&batch, "by first");
	fixture_deliver(first, &batch);
	fixture_open(second, progress);
	assert_string_equal(progress, "by first");
	assert_false(first->ops->deliver(first, &batch, &culprit, &err));
	if (err.class != ERR_CLASS_STOP)
		fail_msg("%s", err.message);
	assert_int_equal(err.code, ERR_LOG_FENCED);
	assert_int_equal(fixture_read("fenced.contact", COMMITTED, NULL, NULL), 1);
	fixture_progress(&batch, "by second");
	fixture_deliver(second, &batch);
	assert_int_equal(fixture_read("fenced.contact", COMMITTED, NULL, NULL), 2);
	fixture_open(second, progress);
	assert_string_equal(progress, "by second");
	first->ops->close(first);
	second->ops->close(second);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

/* A transaction of somebody else with a record in a partition of the progress topic. */
static rd_kafka_t *
hold_partition_open(const char *topic, int32_t partition)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;
	char bytes[] = "other";

	(void) rd_kafka_conf_set(conf, "bootstrap.servers", getenv("BROKERS"), NULL, 0);
	(void) rd_kafka_conf_set(conf, "transactional.id", "somebody-else", NULL, 0);
	client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	assert_null(rd_kafka_init_transactions(client, 30000));
	assert_null(rd_kafka_begin_transaction(client));
	assert_int_equal(rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic),
									   RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(bytes, 5),
									   RD_KAFKA_V_VALUE(bytes, 1), RD_KAFKA_V_END),
					 0);
	assert_int_equal(rd_kafka_flush(client, 10000), 0);
	return client;
}

static void *
end_later(void *opaque)
{
	(void) usleep(1500000);
	assert_null(rd_kafka_abort_transaction(opaque, -1));
	return NULL;
}

static void
progress_behind_another_sources_open_transaction_is_found(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	rd_kafka_t *other;
	pthread_t thread;

	(void) state;
	fixture_setup(&fixture, "behind", 3);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_progress(&batch, "old");
	fixture_deliver(writer, &batch);
	other =
		hold_partition_open(fixture.progress, log_kafka_partition((const uint8_t *) "crm", 3, 8));
	fixture_progress(&batch, "new");
	fixture_deliver(writer, &batch);
	assert_int_equal(pthread_create(&thread, NULL, end_later, other), 0);
	fixture_open(writer, progress);
	assert_string_equal(progress, "new");
	(void) pthread_join(thread, NULL);
	rd_kafka_destroy(other);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

/* The size of record 0 as a batch of its own, as the writer computes it. */
static size_t
size_of_first(const LogBatch *batch)
{
	const LogRecord *record = &batch->records[0];
	char time[CLOCK_TEXT_SIZE];
	LogKafkaHeader headers[] = {
		{"ce_specversion", "1.0", 3},
		{"content-type", "", strlen("application/vnd.confluent.avro")},
		{"ce_id", "", record->event_id_length},
		{"ce_source", "", strlen(record->table)},
		{"ce_type", "", strlen(record->event_type)},
		{"ce_time", time, clock_format(record->time, time)},
		{"ce_subject", "", record->id_length},
	};

	return log_kafka_batch_size(record->key_length, record->value_length, headers, 7);
}

static void
the_size_limit_is_exact_to_the_byte(void **state)
{
	const size_t limit = 20000;
	static char note[30000];
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	size_t length = 15000;
	size_t culprit = 99;
	Err err;

	(void) state;
	memset(note, 'x', sizeof(note));
	fixture_topic("size.contact", 1, "max.message.bytes", "20000");
	fixture_setup(&fixture, "size", 1);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	for (;; length++)
	{
		log_batch_clear(&batch);
		fixture_add(&batch, "1", note, length, NULL);
		if (size_of_first(&batch) >= limit)
			break;
	}
	assert_int_equal(size_of_first(&batch), limit);
	fixture_progress(&batch, "fits");
	/* the broker takes exactly this: our arithmetic is not too small */
	fixture_deliver(writer, &batch);
	assert_int_equal(fixture_read("size.contact", COMMITTED, NULL, NULL), 1);

	log_batch_clear(&batch);
	fixture_add(&batch, "1", note, 10, NULL);
	fixture_add(&batch, "2", note, length + 1, NULL);
	assert_false(writer->ops->deliver(writer, &batch, &culprit, &err));
	assert_int_equal(err.class, ERR_CLASS_REJECT);
	assert_int_equal(err.code, ERR_RECORD_TOO_LARGE);
	assert_int_equal(culprit, 1);
	assert_non_null(strstr(err.message, "takes 20001 bytes and the limit is 20000"));
	/* nothing of it, and the writer goes on without open */
	assert_int_equal(fixture_read("size.contact", UNCOMMITTED, NULL, NULL), 1);

	/* many records that fit each, more than one batch together */
	log_batch_clear(&batch);
	for (int i = 0; i < 40; i++)
		fixture_add(&batch, "1", note, 4000, NULL);
	fixture_progress(&batch, "many");
	fixture_deliver(writer, &batch);
	assert_int_equal(fixture_read("size.contact", COMMITTED, NULL, NULL), 41);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

static void
one_byte_more_is_refused_by_the_broker_too(void **state)
{
	static char note[30000];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;
	LogBatch batch;
	Err err;
	int32_t answer = 0;

	(void) state;
	/* the same record as above plus one byte, by a plain producer */
	memset(note, 'x', sizeof(note));
	fixture_topic("exact.contact", 1, "max.message.bytes", "20000");
	(void) rd_kafka_conf_set(conf, "bootstrap.servers", getenv("BROKERS"), NULL, 0);
	client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	log_batch_init(&batch, 1 << 20);
	(void) err;
	for (size_t value = 19000; value < 20000; value++)
	{
		LogKafkaHeader header = {"a", "b", 1};
		size_t size = log_kafka_batch_size(5, value - LOG_KAFKA_FRAME_SIZE, &header, 1);

		if (size < 20000 || size > 20001)
			continue;
		assert_int_equal(rd_kafka_producev(client, RD_KAFKA_V_TOPIC("exact.contact"),
										   RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY(note, 10),
										   RD_KAFKA_V_VALUE(note, value),
										   RD_KAFKA_V_HEADER("a", "b", 1), RD_KAFKA_V_END),
						 0);
		(void) rd_kafka_flush(client, 10000);
		answer = fixture_read("exact.contact", COMMITTED, NULL, NULL);
		assert_int_equal(answer, 1);
	}
	assert_int_equal(answer, 1);
	log_batch_release(&batch);
	rd_kafka_destroy(client);
}

static void *
interrupt_later(void *opaque)
{
	LogWriter *writer = opaque;

	(void) usleep(1500000);
	writer->ops->interrupt(writer);
	return NULL;
}

static void *
restart_later(void *opaque)
{
	(void) opaque;
	(void) usleep(500000);
	fixture_node("start-node", "1");
	return NULL;
}

static void
a_killed_broker_loses_and_repeats_nothing(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	pthread_t thread;
	int64_t began;
	size_t culprit;
	Err err;

	(void) state;
	fixture_setup(&fixture, "killed", 3);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_add(&batch, "1", "note", 4, NULL);
	fixture_progress(&batch, "first");
	fixture_deliver(writer, &batch);

	fixture_node("stop-node", "1 KILL");
	began = clock_monotonic();
	assert_int_equal(pthread_create(&thread, NULL, interrupt_later, writer), 0);
	log_batch_clear(&batch);
	fixture_add(&batch, "2", "note", 4, NULL);
	fixture_progress(&batch, "second");
	assert_false(writer->ops->deliver(writer, &batch, &culprit, &err));
	(void) pthread_join(thread, NULL);
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	assert_int_equal(err.code, ERR_LOG_DOWN);
	assert_true(clock_monotonic() - began < 8 * CLOCK_SECOND);

	fixture_node("start-node", "1");
	fixture_open(writer, progress);
	assert_string_equal(progress, "first");
	fixture_deliver(writer, &batch);
	assert_int_equal(fixture_read("killed.contact", COMMITTED, NULL, NULL), 2);

	/* and one that comes back in time is waited for */
	fixture_node("stop-node", "1 KILL");
	assert_int_equal(pthread_create(&thread, NULL, restart_later, NULL), 0);
	log_batch_clear(&batch);
	fixture_add(&batch, "3", "note", 4, NULL);
	fixture_progress(&batch, "third");
	if (!writer->ops->deliver(writer, &batch, &culprit, &err))
	{
		assert_int_equal(err.class, ERR_CLASS_RETRY);
		fixture_open(writer, progress);
		if (strcmp(progress, "third") != 0)
			fixture_deliver(writer, &batch);
	}
	(void) pthread_join(thread, NULL);
	assert_int_equal(fixture_read("killed.contact", COMMITTED, NULL, NULL), 3);
	fixture_open(writer, progress);
	assert_string_equal(progress, "third");
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

static void
the_registry_refuses_what_is_incompatible_and_names_what_is_missing(void **state)
{
	static const char other[] =
		"{\"type\":\"record\",\"name\":\"contact\",\"namespace\":\"test\",\"fields\":["
		"{\"name\":\"source\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"long\"}]}";
	RegistryConfig down = {.url = "http://127.0.0.1:1/apis"};
	Fixture fixture;
	Registry *registry;
	LogWriter *writer;
	Buffer progress;
	const char *text;
	int32_t id;
	int32_t again;
	Err err;

	(void) state;
	fixture_setup(&fixture, "registry", 1);
	assert_true(registry_lookup(fixture.registry, "registry.contact-value", fixture_contact_schema,
								&id, &err));
	assert_true(registry_register(fixture.registry, "registry.contact-value",
								  fixture_contact_schema, "FULL_TRANSITIVE", &again, &err));
	assert_int_equal(id, again);
	assert_true(registry_schema(fixture.registry, id, &text, &err));
	assert_string_equal(text, fixture_contact_schema);

	assert_false(registry_register(fixture.registry, "registry.contact-value", other,
								   "FULL_TRANSITIVE", &id, &err));
	assert_int_equal(err.class, ERR_CLASS_USAGE);
	assert_int_equal(err.code, ERR_REGISTRY_REFUSED);
	assert_non_null(strstr(err.message, "HTTP 409"));
	assert_non_null(strstr(err.hint, "not compatible"));
	assert_false(registry_register(fixture.registry, "registry.bad-value", "{\"type\":\"bogus\"}",
								   "FULL_TRANSITIVE", &id, &err));
	assert_non_null(strstr(err.message, "HTTP 422"));
	assert_false(registry_schema(fixture.registry, 999999, &text, &err));
	assert_int_equal(err.code, ERR_REGISTRY_REFUSED);

	fixture.topics[FIXTURE_ENTITY].schema_text = other;
	writer = fixture_writer(&fixture, "crm");
	buffer_init(&progress, 4096);
	assert_false(writer->ops->open(writer, &progress, &err));
	assert_int_equal(err.class, ERR_CLASS_USAGE);
	assert_int_equal(err.code, ERR_REGISTRY_REFUSED);
	assert_non_null(strstr(err.hint, "goldpan init"));
	writer->ops->close(writer);

	registry = registry_new(&down, &err);
	fixture.config.registry = registry;
	writer = fixture_writer(&fixture, "crm");
	assert_false(writer->ops->open(writer, &progress, &err));
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	assert_int_equal(err.code, ERR_REGISTRY_DOWN);
	writer->ops->close(writer);
	registry_free(registry);
	buffer_release(&progress);
	fixture_release(&fixture);
}

static void
kcat_reads_key_headers_and_the_tombstone(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	char command[256];
	char lines[4096];
	size_t length;
	FILE *kcat;

	(void) state;
	if (system("command -v kcat >/dev/null") != 0)
		skip();
	fixture_setup(&fixture, "kcat", 3);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_add(&batch, "4711", "note", 4, NULL);
	batch.records[0].tombstone = true;
	fixture_progress(&batch, "first");
	fixture_deliver(writer, &batch);
	(void) snprintf(command, sizeof(command),
					"kcat -C -q -b %s -t kcat.contact -e -X isolation.level=read_committed "
					"-f '%%S %%K %%h\\n'",
					getenv("BROKERS"));
	kcat = popen(command, "r");
	assert_non_null(kcat);
	length = fread(lines, 1, sizeof(lines) - 1, kcat);
	lines[length] = '\0';
	assert_int_equal(pclose(kcat), 0);
	for (const char *line = lines; line != NULL && *line != '\0';)
	{
		static const char headers[] =
			"ce_specversion=1.0,content-type=application/vnd.confluent.avro,"
			"ce_id=crm/0000000000000001/4711,ce_source=/goldpan/crm/public.contact,"
			"ce_type=test.contact.created,ce_time=2026-11-18T11:06:40.123456Z,ce_subject=4711\n";
		const char *wanted = line == lines ? "21 14 " : "-1 14 ";

		if (strncmp(line, wanted, 6) != 0 || strncmp(line + 6, headers, strlen(headers)) != 0)
			fail_msg("%s", line);
		line = strchr(line, '\n') + 1;
	}
	assert_int_equal(fixture_read("kcat.contact", COMMITTED, NULL, NULL), 2);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

typedef struct Seen
{
	int64_t timestamp;
	int32_t partition;
} Seen;

static void
see(const rd_kafka_message_t *message, void *opaque)
{
	Seen *seen = opaque;

	seen->timestamp = rd_kafka_message_timestamp(message, NULL);
	seen->partition = message->partition;
}

static void
a_commit_time_that_the_broker_would_refuse_becomes_now(void **state)
{
	/* year 9999, long ago, and an hour before now */
	const int64_t now = clock_wall();
	const struct
	{
		int64_t time;
		bool kept;
	} rows[] = {
		{INT64_C(253402300799000000), false},
		{INT64_C(1000000), false},
		{now - 3600 * CLOCK_SECOND, true},
	};
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];

	(void) state;
	fixture_setup(&fixture, "time", 1);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		Seen seen = {0};

		log_batch_clear(&batch);
		fixture_add(&batch, "1", "note", 4, NULL);
		batch.records[0].time = rows[i].time;
		fixture_progress(&batch, "p");
		fixture_deliver(writer, &batch);
		assert_int_equal(fixture_read("time.contact", COMMITTED, see, &seen), i + 1);
		if (rows[i].kept)
			assert_true(seen.timestamp == rows[i].time / 1000);
		else
			assert_true(llabs(seen.timestamp - clock_wall() / 1000) < 60000);
	}
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

static void
other_partitions_or_another_registry_stop_the_source(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	Buffer buffer;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;
	rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new("moved.contact", 4, NULL, 0);
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event;
	Err err;

	(void) state;
	fixture_setup(&fixture, "moved", 3);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 1 << 20);
	fixture_add(&batch, "1", "note", 4, NULL);
	fixture_progress(&batch, "first");
	fixture_deliver(writer, &batch);
	writer->ops->close(writer);

	(void) rd_kafka_conf_set(conf, "bootstrap.servers", getenv("BROKERS"), NULL, 0);
	client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	queue = rd_kafka_queue_new(client);
	rd_kafka_CreatePartitions(client, &more, 1, NULL, queue);
	event = rd_kafka_queue_poll(queue, 10000);
	assert_non_null(event);
	rd_kafka_event_destroy(event);
	rd_kafka_NewPartitions_destroy(more);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
	(void) usleep(500000);

	buffer_init(&buffer, 4096);
	writer = fixture_writer(&fixture, "crm");
	assert_false(writer->ops->open(writer, &buffer, &err));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_LOG_SETUP);
	assert_non_null(strstr(err.message, "has 4 partitions where the last run"));
	writer->ops->close(writer);
	fixture.config.accept_partitions = true;
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	assert_string_equal(progress, "first");
	fixture_progress(&batch, "second");
	fixture_deliver(writer, &batch);
	writer->ops->close(writer);
	fixture.config.accept_partitions = false;
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	assert_string_equal(progress, "second");
	writer->ops->close(writer);
	buffer_release(&buffer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

static void
a_refused_login_stops_at_once_and_the_right_one_works(void **state)
{
	static const char *const names[] = {"security.protocol", "sasl.mechanism", "sasl.username",
										"sasl.password", "ssl.ca.location"};
	const char *values[] = {"SASL_SSL", "PLAIN", "alice", "wrong-canary", NULL};
	const char *brokers = getenv("SECURE_BROKERS");
	char authority[256];
	Fixture fixture;
	LogWriter *writer;
	Buffer buffer;
	char progress[64];
	int64_t began = clock_monotonic();
	Err err;

	(void) state;
	if (brokers == NULL || brokers[0] == '\0')
		skip();
	fixture_setup(&fixture, "login", 1);
	(void) snprintf(authority, sizeof(authority), "%s/tls/ca.crt", getenv("KAFKA_RUN"));
	values[4] = authority;
	fixture.config.brokers = brokers;
	fixture.config.noptions = 5;
	fixture.config.option_names = names;
	fixture.config.option_values = values;
	buffer_init(&buffer, 4096);
	writer = fixture_writer(&fixture, "crm");
	assert_false(writer->ops->open(writer, &buffer, &err));
	if (err.class != ERR_CLASS_STOP || err.code != ERR_LOG_SETUP ||
		strstr(err.message, "refuse the login") == NULL)
		fail_msg("%s", err.message);
	assert_null(strstr(err.message, "canary"));
	assert_true(clock_monotonic() - began < 20 * CLOCK_SECOND);
	writer->ops->close(writer);

	values[3] = "alice-secret";
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	writer->ops->close(writer);

	/* a certificate that the system's authorities did not sign */
	fixture.config.noptions = 4;
	writer = fixture_writer(&fixture, "crm");
	assert_false(writer->ops->open(writer, &buffer, &err));
	if (err.class != ERR_CLASS_STOP || strstr(err.message, "certificate") == NULL)
		fail_msg("%s", err.message);
	writer->ops->close(writer);
	buffer_release(&buffer);
	fixture_release(&fixture);
}

#ifdef GOLDPAN_DEBUG_POINTS
/* Stopped before its commit, overtaken, and let go on: it must add nothing. */
static void
a_zombie_that_wakes_up_adds_nothing(void **state)
{
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	pid_t child;
	int status;

	(void) state;
	fixture_setup(&fixture, "zombie", 1);
	log_batch_init(&batch, 1 << 20);
	fixture_add(&batch, "1", "note", 4, NULL);
	fixture_progress(&batch, "p");
	child = fork();
	if (child == 0)
	{
		size_t culprit;
		Err err = {0};

		(void) setenv("GOLDPAN_DEBUG_POINT", "log_kafka.before_commit", 1);
		(void) setenv("GOLDPAN_DEBUG_POINT_ACTION", "stop", 1);
		writer = fixture_writer(&fixture, "crm");
		fixture_open(writer, progress);
		(void) writer->ops->deliver(writer, &batch, &culprit, &err);
		_exit(err.code == ERR_LOG_FENCED ? 22 : 1);
	}
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	assert_string_equal(progress, "");
	fixture_deliver(writer, &batch);
	(void) kill(child, SIGCONT);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 22);
	assert_int_equal(fixture_read("zombie.contact", COMMITTED, NULL, NULL), 1);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

/* Killed at each point of a delivery: the next open tells whether it is there. */
static void
killed_at_every_point_the_batch_is_there_once_or_not_at_all(void **state)
{
	static const struct
	{
		const char *point;
		bool delivered;
	} rows[] = {
		{"log_kafka.after_begin", false},
		{"log_kafka.after_produce", false},
		{"log_kafka.before_commit", false},
		{"log_kafka.after_commit", true},
	};
	Fixture fixture;
	LogBatch batch;
	char progress[64];
	char name[32];

	(void) state;
	fixture_setup(&fixture, "points", 1);
	log_batch_init(&batch, 1 << 20);
	for (int i = 0; i < 4; i++)
	{
		LogWriter *writer;
		int status;
		pid_t child;

		log_batch_clear(&batch);
		(void) snprintf(name, sizeof(name), "batch %d", i);
		fixture_add(&batch, name, "note", 4, NULL);
		fixture_progress(&batch, name);
		child = fork();
		if (child == 0)
		{
			(void) setenv("GOLDPAN_DEBUG_POINT", rows[i].point, 1);
			writer = fixture_writer(&fixture, "crm");
			fixture_open(writer, progress);
			fixture_deliver(writer, &batch);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		writer = fixture_writer(&fixture, "crm");
		fixture_open(writer, progress);
		assert_int_equal(strcmp(progress, name) == 0, rows[i].delivered);
		if (!rows[i].delivered)
			fixture_deliver(writer, &batch);
		assert_int_equal(fixture_read("points.contact", COMMITTED, NULL, NULL), i + 1);
		writer->ops->close(writer);
	}
	log_batch_release(&batch);
	fixture_release(&fixture);
}
#endif

static void
speed_of_grouped_transactions(void **state)
{
	const int rounds = 20;
	const int size = 10000;
	static char note[420];
	Fixture fixture;
	LogWriter *writer;
	LogBatch batch;
	char progress[64];
	char id[32];
	int64_t began;
	double seconds;
	double cpu;
	struct rusage usage;

	(void) state;
	memset(note, 'x', sizeof(note));
	fixture_setup(&fixture, "speed", 3);
	writer = fixture_writer(&fixture, "crm");
	fixture_open(writer, progress);
	log_batch_init(&batch, 64 << 20);
	for (int i = 0; i < size; i++)
	{
		(void) snprintf(id, sizeof(id), "%d", i);
		fixture_add(&batch, id, note, sizeof(note), NULL);
	}
	fixture_progress(&batch, "p");
	fixture_deliver(writer, &batch);
	(void) getrusage(RUSAGE_SELF, &usage);
	began = clock_monotonic();
	for (int round = 0; round < rounds; round++)
		fixture_deliver(writer, &batch);
	seconds = (double) (clock_monotonic() - began) / 1e6;
	cpu = -(double) usage.ru_utime.tv_sec * 1e6 - (double) usage.ru_utime.tv_usec -
		  (double) usage.ru_stime.tv_sec * 1e6 - (double) usage.ru_stime.tv_usec;
	(void) getrusage(RUSAGE_SELF, &usage);
	cpu += (double) usage.ru_utime.tv_sec * 1e6 + (double) usage.ru_utime.tv_usec +
		   (double) usage.ru_stime.tv_sec * 1e6 + (double) usage.ru_stime.tv_usec;
	(void) fprintf(stderr,
				   "# %d records of %zu bytes in transactions of %d: %.0f per second, %.2f us of "
				   "CPU each, peak %ld MB\n",
				   rounds * size, sizeof(note) + 100, size, rounds * size / seconds,
				   cpu / (rounds * size), usage.ru_maxrss / 1024);
	writer->ops->close(writer);
	log_batch_release(&batch);
	fixture_release(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_makes_topics_once_and_refuses_what_does_not_fit),
		cmocka_unit_test(a_missing_topic_stops_with_the_cure),
		cmocka_unit_test(a_batch_is_visible_at_once_and_its_progress_is_found_again),
		cmocka_unit_test(an_interrupted_batch_is_invisible_and_delivered_once_later),
		cmocka_unit_test(a_second_writer_fences_the_first_which_adds_nothing),
		cmocka_unit_test(progress_behind_another_sources_open_transaction_is_found),
		cmocka_unit_test(the_size_limit_is_exact_to_the_byte),
		cmocka_unit_test(one_byte_more_is_refused_by_the_broker_too),
		cmocka_unit_test(a_killed_broker_loses_and_repeats_nothing),
		cmocka_unit_test(the_registry_refuses_what_is_incompatible_and_names_what_is_missing),
		cmocka_unit_test(kcat_reads_key_headers_and_the_tombstone),
		cmocka_unit_test(a_commit_time_that_the_broker_would_refuse_becomes_now),
		cmocka_unit_test(other_partitions_or_another_registry_stop_the_source),
		cmocka_unit_test(a_reader_shows_what_is_committed_and_follows),
		cmocka_unit_test(a_reader_leaves_out_attempts_that_came_to_nothing),
		cmocka_unit_test(a_reader_shows_a_completed_attempt_late_but_once),
		cmocka_unit_test(a_reader_lists_our_topics_with_exact_counts),
		cmocka_unit_test(a_refused_login_stops_at_once_and_the_right_one_works),
#ifdef GOLDPAN_DEBUG_POINTS
		cmocka_unit_test(a_zombie_that_wakes_up_adds_nothing),
		cmocka_unit_test(killed_at_every_point_the_batch_is_there_once_or_not_at_all),
#endif
		cmocka_unit_test(speed_of_grouped_transactions),
	};

	(void) mallopt(M_ARENA_MAX, 1); /* as main.c does */
	if (getenv("ONLY") != NULL)
		cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
