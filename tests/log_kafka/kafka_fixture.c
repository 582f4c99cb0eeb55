/* SPDX-License-Identifier: PostgreSQL */
/*
 * kafka_fixture.c — what the Kafka tests share.
 */
#include "kafka_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char fixture_contact_schema[] =
	"{\"type\":\"record\",\"name\":\"contact\",\"namespace\":\"test\",\"fields\":["
	"{\"name\":\"source\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"string\"},"
	"{\"name\":\"note\",\"type\":[\"null\",\"string\"],\"default\":null},"
	"{\"name\":\"meta\",\"type\":{\"type\":\"record\",\"name\":\"meta\",\"fields\":["
	"{\"name\":\"snapshot_attempt\",\"type\":[\"null\",\"string\"],\"default\":null}]}}]}";

void
fixture_init(Fixture *fixture, const char *name)
{
	RegistryConfig registry = {.url = getenv("REGISTRY")};
	Err err;

	memset(fixture, 0, sizeof(*fixture));
	(void) snprintf(fixture->contact, sizeof(fixture->contact), "%s.contact", name);
	(void) snprintf(fixture->snapshot, sizeof(fixture->snapshot), "%s.snapshot", name);
	(void) snprintf(fixture->progress, sizeof(fixture->progress), "%s-progress", name);
	(void) snprintf(fixture->prefix, sizeof(fixture->prefix), "%s-", name);
	fixture->topics[FIXTURE_ENTITY] =
		(LogTopic){fixture->contact, TOPIC_ENTITY, fixture_contact_schema};
	fixture->topics[FIXTURE_SNAPSHOT] =
		(LogTopic){fixture->snapshot, TOPIC_SNAPSHOT, encode_own_schema("snapshot")};
	fixture->registry = registry_new(&registry, &err);
	assert_non_null(fixture->registry);
	fixture->config = (LogKafkaConfig){
		.brokers = getenv("BROKERS"),
		.transactional_id_prefix = fixture->prefix,
		.progress_topic = fixture->progress,
		.key_schema_text = encode_own_schema("key"),
		.registry = fixture->registry,
	};
}

void
fixture_setup(Fixture *fixture, const char *name, int partitions)
{
	Err err;

	fixture_init(fixture, name);
	if (!log_kafka_init_topics(&fixture->config, fixture->topics, 2, partitions, 1, false, &err) ||
		!log_kafka_init_subjects(&fixture->config, fixture->topics, 2, &err))
		fail_msg("%s", err.message);
}

void
fixture_release(Fixture *fixture)
{
	registry_free(fixture->registry);
}

LogWriter *
fixture_writer(const Fixture *fixture, const char *source)
{
	Err err;
	LogWriter *writer = log_kafka_new(&fixture->config, source, fixture->topics, 2, &err);

	if (writer == NULL)
		fail_msg("%s", err.message);
	return writer;
}

void
fixture_open(LogWriter *writer, char progress[64])
{
	Buffer buffer;
	Err err;

	buffer_init(&buffer, 4096);
	if (!writer->ops->open(writer, &buffer, &err))
		fail_msg("open: %s", err.message);
	(void) snprintf(progress, 64, "%.*s", (int) buffer.length,
					buffer.length > 0 ? (const char *) buffer.data : "");
	buffer_release(&buffer);
}

void
fixture_deliver(LogWriter *writer, const LogBatch *batch)
{
	size_t culprit;
	Err err;

	if (!writer->ops->deliver(writer, batch, &culprit, &err))
		fail_msg("deliver: %s", err.message);
}

void
fixture_add(LogBatch *batch, const char *id, const char *note, size_t note_length,
			const char *attempt)
{
	Err err;
	LogRecord *record = log_batch_add(batch, &err);
	char event_id[64];
	size_t start;

	assert_non_null(record);
	record->topic = FIXTURE_ENTITY;
	record->event_type = "test.contact.created";
	record->table = "/goldpan/crm/public.contact";
	record->time = INT64_C(1795000000123456);
	record->id_length = (uint32_t) strlen(id);
	start = batch->bytes.length;
	assert_true(encode_string(&batch->bytes, "crm", 3, &err));
	assert_true(encode_string(&batch->bytes, id, strlen(id), &err));
	record->key_length = (uint32_t) (batch->bytes.length - start);
	start = batch->bytes.length;
	assert_true(encode_string(&batch->bytes, "crm", 3, &err));
	assert_true(encode_string(&batch->bytes, id, strlen(id), &err));
	assert_true(encode_long(&batch->bytes, 1, &err));
	assert_true(encode_string(&batch->bytes, note, note_length, &err));
	assert_true(encode_optional_string(&batch->bytes, attempt, &err));
	record->value_length = (uint32_t) (batch->bytes.length - start);
	record->event_id_length =
		(uint32_t) snprintf(event_id, sizeof(event_id), "crm/0000000000000001/%s", id);
	assert_true(buffer_append(&batch->bytes, event_id, record->event_id_length, &err));
	assert_true(buffer_append(&batch->bytes, id, record->id_length, &err));
}

void
fixture_add_snapshot(LogBatch *batch, const char *attempt, const char *state)
{
	Err err;
	LogRecord *record = log_batch_add(batch, &err);
	Buffer *bytes = &batch->bytes;
	size_t start;

	assert_non_null(record);
	record->topic = FIXTURE_SNAPSHOT;
	record->time = INT64_C(1795000000123456);
	start = bytes->length;
	assert_true(encode_string(bytes, "crm", 3, &err));
	assert_true(encode_string(bytes, attempt, strlen(attempt), &err));
	record->key_length = (uint32_t) (bytes->length - start);
	start = bytes->length;
	assert_true(encode_string(bytes, "crm", 3, &err));
	assert_true(encode_string(bytes, attempt, strlen(attempt), &err));
	assert_true(encode_long(bytes, strcmp(state, "started") == 0 ? 0 : 1, &err));
	assert_true(encode_long(bytes, 4711, &err));
	assert_true(encode_string(bytes, "1", 1, &err));
	assert_true(encode_long(bytes, 0, &err));
	assert_true(encode_long(bytes, 0, &err)); /* no tables */
	record->value_length = (uint32_t) (bytes->length - start);
}

void
fixture_progress(LogBatch *batch, const char *text)
{
	Err err;

	buffer_clear(&batch->progress);
	assert_true(buffer_append_text(&batch->progress, text, &err));
}

int
fixture_read(const char *topic, const char *isolation, FixtureEach each, void *opaque)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_t *handle;
	rd_kafka_queue_t *queue;
	rd_kafka_t *client;
	const struct rd_kafka_metadata *metadata;
	char why[200];
	int count = 0;
	int partitions;
	int ended = 0;

	(void) rd_kafka_conf_set(conf, "bootstrap.servers", getenv("BROKERS"), NULL, 0);
	(void) rd_kafka_conf_set(conf, "isolation.level", isolation, NULL, 0);
	(void) rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
	(void) rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
	client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	assert_non_null(client);
	handle = rd_kafka_topic_new(client, topic, NULL);
	assert_int_equal(rd_kafka_metadata(client, 0, handle, &metadata, 10000), 0);
	partitions = metadata->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(metadata);
	queue = rd_kafka_queue_new(client);
	for (int p = 0; p < partitions; p++)
		assert_int_equal(rd_kafka_consume_start_queue(handle, p, RD_KAFKA_OFFSET_BEGINNING, queue),
						 0);
	while (ended < partitions)
	{
		rd_kafka_message_t *message = rd_kafka_consume_queue(queue, 10000);

		assert_non_null(message);
		if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			ended++;
		else
		{
			assert_int_equal(message->err, 0);
			count++;
			if (each != NULL)
				each(message, opaque);
		}
		rd_kafka_message_destroy(message);
	}
	for (int p = 0; p < partitions; p++)
		(void) rd_kafka_consume_stop(handle, p);
	rd_kafka_queue_destroy(queue);
	rd_kafka_topic_destroy(handle);
	rd_kafka_destroy(client);
	return count;
}

void
fixture_topic(const char *name, int partitions, const char *setting, const char *value)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, 1, NULL, 0);
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event;

	(void) rd_kafka_conf_set(conf, "bootstrap.servers", getenv("BROKERS"), NULL, 0);
	client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	queue = rd_kafka_queue_new(client);
	(void) rd_kafka_NewTopic_set_config(topic, setting, value);
	rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
	event = rd_kafka_queue_poll(queue, 10000);
	assert_non_null(event);
	assert_int_equal(rd_kafka_event_error(event), 0);
	rd_kafka_event_destroy(event);
	rd_kafka_NewTopic_destroy(topic);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
}

void
fixture_node(const char *command, const char *arguments)
{
	char line[1024];

	(void) snprintf(line, sizeof(line), "'%s' %s '%s' %s >/dev/null", getenv("KAFKA_NODE"), command,
					getenv("KAFKA_RUN"), arguments);
	assert_int_equal(system(line), 0);
}
