/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka.c — the writer of one source's records to Kafka, exactly once.
 *
 * One batch is one Kafka transaction with the progress record in it (correctness.md 2.2).
 * open() takes the source over: a new producer, init_transactions, which settles and fences a
 * predecessor, and only then the progress. After any outcome but success the producer is
 * given up, never used again (D1): what became of the transaction is read from the progress by
 * the next open(). Delivery itself is in log_kafka_deliver. Blocks in librdkafka and belongs to one thread; only interrupt() may be
 * called from another.
 */
#include "log_kafka_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"
#include "goldpan/registry.h"
#include "goldpan/report.h"

#define LOG_KAFKA_MAX_FRAMED (256 * 1024 * 1024)

/* ---- open ---- */

void
log_kafka_give_up(LogKafka *kafka)
{
	if (kafka->producer == NULL)
		return;
	for (size_t i = 0; i <= kafka->ntopics; i++)
	{
		if (kafka->states[i].handle != NULL)
			rd_kafka_topic_destroy(kafka->states[i].handle);
		kafka->states[i].handle = NULL;
	}
	/* nothing may point into `framed` afterwards */
	(void) rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	(void) rd_kafka_poll(kafka->producer, 0);
	rd_kafka_destroy(kafka->producer);
	kafka->producer = NULL;
}

static bool
log_kafka_lookup(LogKafka *kafka, Err *err)
{
	char subject[LOG_KAFKA_NAME_MAX + 16];
	Registry *registry = kafka->config.registry;
	LogKafkaTopic *progress = &kafka->states[kafka->ntopics];
	int32_t key_id = 0;

	for (size_t i = 0; i < kafka->ntopics; i++)
	{
		LogKafkaTopic *topic = &kafka->states[i];
		int32_t id;

		(void) snprintf(subject, sizeof(subject), "%s-key", topic->name);
		if (!registry_lookup(registry, subject, kafka->config.key_schema_text, &id, err))
			return false;
		if (key_id != 0 && id != key_id)
			return err_set(err, ERR_CLASS_STOP, ERR_KEY_SCHEMA,
						   "the schema registry knows the key schema by id %d under subject \"%s\" "
						   "and by id %d elsewhere: topics must share one",
						   id, subject, key_id);
		key_id = id;
		(void) snprintf(subject, sizeof(subject), "%s-value", topic->name);
		if (!registry_lookup(registry, subject, kafka->topics[i].schema_text, &topic->value_id,
							 err))
			return false;
	}
	(void) snprintf(subject, sizeof(subject), "%s-value", progress->name);
	if (!registry_lookup(registry, subject, encode_own_schema("progress"), &progress->value_id,
						 err))
		return false;
	kafka->base.key_schema_id = key_id;
	return true;
}

static bool
log_kafka_survey_topics(LogKafka *kafka, rd_kafka_t *client, const char **names,
						LogKafkaTopicState *states, Err *err)
{
	size_t count = kafka->ntopics + 1;

	for (size_t i = 0; i < count; i++)
		names[i] = kafka->states[i].name;
	if (!log_kafka_topics_find(client, &kafka->events, names, count, states, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!states[i].exists)
			return log_kafka_topics_missing(ERR_CLASS_STOP, names[i], err);
	return log_kafka_topics_describe(client, &kafka->events, names, count, states, err);
}

/* Learns partitions and limits with a client of its own: the producer needs batch.size from it. */
static bool
log_kafka_survey(LogKafka *kafka, size_t *batch_size, Err *err)
{
	size_t count = kafka->ntopics + 1;
	size_t limit = log_kafka_options_max_message(&kafka->config);
	rd_kafka_t *client;
	const char **names = alloc_zero(count * sizeof(*names));
	LogKafkaTopicState *states = alloc_zero(count * sizeof(*states));
	bool ok = false;

	if (names == NULL || states == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening the Kafka log");
	else
	{
		client = log_kafka_client(&kafka->config, LOG_KAFKA_ADMIN, kafka->source, 0, &kafka->events,
								  err);
		ok = client != NULL && log_kafka_survey_topics(kafka, client, names, states, err);
		if (client != NULL)
			rd_kafka_destroy(client);
	}
	*batch_size = limit;
	for (size_t i = 0; ok && i < count; i++)
	{
		LogKafkaTopic *topic = &kafka->states[i];

		topic->state = states[i];
		topic->limit =
			(uint64_t) states[i].max_message < limit ? (size_t) states[i].max_message : limit;
		if (topic->limit < *batch_size)
			*batch_size = topic->limit;
	}
	/* keys and headers of ordinary length; deliver() measures each record exactly */
	kafka->base.max_record = *batch_size > 8192 ? *batch_size - 4096 : *batch_size / 2;
	alloc_free(names);
	alloc_free(states);
	return ok;
}

static bool
log_kafka_take_over(LogKafka *kafka, size_t batch_size, Err *err)
{
	int64_t deadline = clock_monotonic() + LOG_KAFKA_OPEN_TIMEOUT_MS * INT64_C(1000);

	kafka->producer = log_kafka_client(&kafka->config, LOG_KAFKA_PRODUCER, kafka->source,
									   batch_size, &kafka->events, err);
	if (kafka->producer == NULL)
		return false;
	for (;;)
	{
		/* resumable: a time-out goes on in the background */
		rd_kafka_error_t *error = rd_kafka_init_transactions(kafka->producer, 1000);
		bool again;

		(void) rd_kafka_poll(kafka->producer, 0);
		if (error == NULL)
			return true;
		again = rd_kafka_error_is_retriable(error) && clock_monotonic() < deadline;
		if (!log_kafka_events_check(&kafka->events, "take over the transactional id", err) ||
			atomic_load(&kafka->interrupted))
		{
			bool refused = kafka->events.refused;

			rd_kafka_error_destroy(error);
			return refused ? false
						   : err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
									 "taking over the transactional id was interrupted");
		}
		if (!again)
			return log_kafka_fail_object(err, &kafka->events, "take over the transactional id",
										 error);
		rd_kafka_error_destroy(error);
	}
}

static bool
log_kafka_pin(LogKafka *kafka, const Buffer *old, Err *err)
{
	LogKafkaPin *pins = alloc_zero((kafka->ntopics + 1) * sizeof(*pins));
	bool ok;

	if (pins == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening the Kafka log");
	for (size_t i = 0; i < kafka->ntopics; i++)
		pins[i] = (LogKafkaPin){
			.topic = kafka->states[i].name,
			.partitions = kafka->states[i].state.partitions,
			.value_id = kafka->states[i].value_id,
			.schema_hash = log_kafka_pins_hash(kafka->topics[i].schema_text),
		};
	buffer_clear(&kafka->pins);
	ok = log_kafka_pins_check((const char *) old->data, old->length - 1, pins, kafka->ntopics,
							  kafka->config.accept_partitions, err) &&
		 log_kafka_pins_write(pins, kafka->ntopics, &kafka->pins, err);
	alloc_free(pins);
	return ok;
}

/* Once per process: the library does not change while it runs. */
static bool
log_kafka_judge_library(Err *err)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	const char *version;
	const char *defects;

	if (!log_kafka_library(&version, &defects, err))
		return false;
	if (defects != NULL && !atomic_flag_test_and_set(&said))
		report_warning("kafka", "librdkafka %s has known defects: %s; 2.6.1 or newer is better",
					   version, defects);
	return true;
}

static bool
log_kafka_open(LogWriter *writer, Buffer *progress, Err *err)
{
	LogKafka *kafka = (LogKafka *) writer;
	LogKafkaTopic *last = &kafka->states[kafka->ntopics];
	size_t batch_size;
	Buffer pins;
	bool ok;

	log_kafka_give_up(kafka);
	atomic_store(&kafka->interrupted, false);
	kafka->events = (LogKafkaEvents){.scope = kafka->source};
	buffer_clear(progress);
	buffer_init(&pins, 1 << 20);
	ok = log_kafka_judge_library(err) && log_kafka_lookup(kafka, err) &&
		 log_kafka_survey(kafka, &batch_size, err) && log_kafka_take_over(kafka, batch_size, err) &&
		 log_kafka_progress_read(&kafka->config, kafka->source, last->state.partitions,
								 &kafka->interrupted, progress, &pins, err) &&
		 log_kafka_pin(kafka, &pins, err);
	for (size_t i = 0; ok && i <= kafka->ntopics; i++)
	{
		LogKafkaTopic *topic = &kafka->states[i];

		topic->handle = rd_kafka_topic_new(kafka->producer, topic->name, NULL);
		if (topic->handle == NULL)
			ok = log_kafka_fail(err, &kafka->events, "open a topic", rd_kafka_last_error(), NULL);
	}
	if (!ok)
		log_kafka_give_up(kafka);
	buffer_release(&pins);
	return ok;
}

/* ---- the rest ---- */

static bool
log_kafka_tick(LogWriter *writer, int64_t *next_us, Err *err)
{
	LogKafka *kafka = (LogKafka *) writer;

	*next_us = CLOCK_SECOND;
	if (kafka->producer == NULL)
		return true;
	(void) rd_kafka_poll(kafka->producer, 0);
	return log_kafka_events_check(&kafka->events, "keep the connection to Kafka", err);
}

static void
log_kafka_interrupt(LogWriter *writer)
{
	atomic_store(&((LogKafka *) writer)->interrupted, true);
}

static void
log_kafka_close(LogWriter *writer)
{
	LogKafka *kafka = (LogKafka *) writer;

	log_kafka_give_up(kafka);
	buffer_release(&kafka->framed);
	buffer_release(&kafka->pins);
	alloc_free(kafka->states);
	alloc_free(kafka->source);
	alloc_free(kafka);
}

static const LogWriterOps log_kafka_ops = {
	.kind = "kafka",
	.holds = false,
	.open = log_kafka_open,
	.deliver = log_kafka_deliver,
	.tick = log_kafka_tick,
	.interrupt = log_kafka_interrupt,
	.close = log_kafka_close,
};

LogWriter *
log_kafka_new(const LogKafkaConfig *config, const char *source, const LogTopic *topics,
			  size_t ntopics, Err *err)
{
	LogKafka *kafka;

	if (!log_kafka_options_check(config, err))
		return NULL;
	kafka = alloc_zero(sizeof(*kafka));
	if (kafka != NULL)
	{
		kafka->source = alloc_text(source);
		kafka->states = alloc_zero((ntopics + 1) * sizeof(*kafka->states));
	}
	if (kafka == NULL || kafka->source == NULL || kafka->states == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory preparing the Kafka log");
		if (kafka != NULL)
		{
			alloc_free(kafka->source);
			alloc_free(kafka->states);
			alloc_free(kafka);
		}
		return NULL;
	}
	kafka->base.ops = &log_kafka_ops;
	kafka->base.key_schema_id = -1;
	kafka->config = *config;
	kafka->topics = topics;
	kafka->ntopics = ntopics;
	for (size_t i = 0; i < ntopics; i++)
		kafka->states[i].name = topics[i].name;
	kafka->states[ntopics].name = config->progress_topic;
	buffer_init(&kafka->framed, LOG_KAFKA_MAX_FRAMED);
	buffer_init(&kafka->pins, 1 << 20);
	return &kafka->base;
}
