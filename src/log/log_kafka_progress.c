/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_progress.c — find the last durable position of a source.
 *
 * Called after init_transactions has settled what a predecessor left open, never before:
 * read first, and the predecessor may still commit (correctness.md 2.2). The topic is read
 * committed up to the high watermark seen in this read. End of partition alone is not
 * enough: with an open transaction of another source in the partition it comes at that
 * transaction's first record, and our last record may lie behind it.
 *
 * All partitions are read, so that a position is missed neither after the topic was given
 * more partitions nor by a rule that later versions change; the newest record is in our own.
 */
#include "log_kafka_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"

typedef struct LogKafkaProgress
{
	rd_kafka_t *client;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	LogKafkaEvents events;
	const char *topic_name;
	const char *source;
	size_t source_length;
	int32_t partitions;
	int32_t own; /* partition of this source */
	bool accept_partitions;
	int32_t found_in; /* -1: nothing yet */
	int64_t found_time;
	int64_t *watermark; /* of each partition, -1: not seen yet */
	bool *finished;
	int32_t nfinished;
	Buffer *value;
	Buffer *pins;
} LogKafkaProgress;

static bool
log_kafka_progress_start(LogKafkaProgress *read, Err *err)
{
	read->topic = rd_kafka_topic_new(read->client, read->topic_name, NULL);
	read->queue = rd_kafka_queue_new(read->client);
	if (read->topic == NULL)
		return log_kafka_fail(err, &read->events, "read the progress topic", rd_kafka_last_error(),
							  NULL);
	log_kafka_topics_learn_leaders(read->client, read->topic);
	for (int32_t p = 0; p < read->partitions; p++)
	{
		read->watermark[p] = -1;
		if (rd_kafka_consume_start_queue(read->topic, p, RD_KAFKA_OFFSET_BEGINNING, read->queue) !=
			0)
			return log_kafka_fail(err, &read->events, "read the progress topic",
								  rd_kafka_last_error(), NULL);
	}
	return true;
}

static bool
log_kafka_progress_keep(LogKafkaProgress *read, const rd_kafka_message_t *message, Err *err)
{
	rd_kafka_headers_t *headers;
	const void *pins;
	size_t length;
	int32_t id;
	int64_t time = rd_kafka_message_timestamp(message, NULL);

	if (message->key_len != read->source_length ||
		memcmp(message->key, read->source, read->source_length) != 0 || message->payload == NULL)
		return true;
	/* the own partition wins; elsewhere lies what was written with another partition count */
	if (message->partition != read->own && (read->found_in == read->own || time < read->found_time))
		return true;
	if (!log_kafka_unframe(message->payload, message->len, &id, err))
		return err_context(err, "progress of source \"%s\"", read->source);
	read->found_in = message->partition;
	read->found_time = time;
	buffer_clear(read->value);
	buffer_clear(read->pins);
	if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
		rd_kafka_header_get_last(headers, LOG_KAFKA_PINS_HEADER, &pins, &length) ==
			RD_KAFKA_RESP_ERR_NO_ERROR &&
		!buffer_append(read->pins, pins, length, err))
		return false;
	return buffer_append(read->value, (const uint8_t *) message->payload + LOG_KAFKA_FRAME_SIZE,
						 message->len - LOG_KAFKA_FRAME_SIZE, err);
}

/* At the end of what is committed: the end for us when it is past the watermark first seen. */
static void
log_kafka_progress_at_end(LogKafkaProgress *read, const rd_kafka_message_t *message)
{
	int32_t p = message->partition;
	int64_t low;
	int64_t high;

	if (rd_kafka_get_watermark_offsets(read->client, read->topic_name, p, &low, &high) !=
			RD_KAFKA_RESP_ERR_NO_ERROR ||
		high < 0)
		return;
	if (read->watermark[p] < 0)
		read->watermark[p] = high;
	/* other partitions can only hold what an older run left: their committed end will do */
	if (!read->finished[p] && (message->offset >= read->watermark[p] || p != read->own))
	{
		read->finished[p] = true;
		read->nfinished++;
	}
}

static bool
log_kafka_progress_step(LogKafkaProgress *read, Err *err)
{
	rd_kafka_message_t *message = rd_kafka_consume_queue(read->queue, LOG_KAFKA_SLICE_MS);
	bool ok = true;

	(void) rd_kafka_poll(read->client, 0);
	if (message == NULL)
		return log_kafka_events_check(&read->events, "read the progress topic", err);
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		ok = log_kafka_progress_keep(read, message, err);
	else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		log_kafka_progress_at_end(read, message);
	else if (message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
			 message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
			 message->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
		ok = log_kafka_topics_missing(ERR_CLASS_RETRY, read->topic_name, err);
	else
		ok = log_kafka_fail(err, &read->events, "read the progress topic", message->err,
							rd_kafka_message_errstr(message));
	rd_kafka_message_destroy(message);
	return ok;
}

static bool
log_kafka_progress_run(LogKafkaProgress *read, const atomic_bool *interrupted, Err *err)
{
	int64_t deadline = clock_monotonic() + LOG_KAFKA_OPEN_TIMEOUT_MS * INT64_C(1000);

	if (!log_kafka_progress_start(read, err))
		return false;
	while (read->nfinished < read->partitions)
	{
		if (!log_kafka_progress_step(read, err))
			return false;
		if (atomic_load(interrupted))
			return err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
						   "reading the progress topic was interrupted");
		if (clock_monotonic() > deadline)
			return log_kafka_fail(err, &read->events, "read the progress topic",
								  RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
	}
	if (read->found_in < 0 || read->found_in == read->own || read->accept_partitions)
		return true;
	(void) err_set(err, ERR_CLASS_STOP, ERR_LOG_SETUP,
				   "the position of source \"%s\" lies in partition %d of topic \"%s\" and not in "
				   "%d: the topic's number of partitions was changed",
				   read->source, read->found_in, read->topic_name, read->own);
	return err_hint(err, "Set accept_partitions for one start.");
}

static void
log_kafka_progress_finish(LogKafkaProgress *read)
{
	for (int32_t p = 0; read->topic != NULL && p < read->partitions; p++)
		(void) rd_kafka_consume_stop(read->topic, p);
	if (read->queue != NULL)
		rd_kafka_queue_destroy(read->queue);
	if (read->topic != NULL)
		rd_kafka_topic_destroy(read->topic);
	rd_kafka_destroy(read->client);
}

bool
log_kafka_progress_read(const LogKafkaConfig *config, const char *source, int32_t partitions,
						const atomic_bool *interrupted, Buffer *value, Buffer *pins, Err *err)
{
	LogKafkaProgress read = {
		.events = {.scope = source},
		.topic_name = config->progress_topic,
		.source = source,
		.source_length = strlen(source),
		.partitions = partitions,
		.accept_partitions = config->accept_partitions,
		.found_in = -1,
		.value = value,
		.pins = pins,
	};
	bool ok = false;

	read.own = log_kafka_partition((const uint8_t *) source, read.source_length, partitions);
	read.watermark = alloc_zero((size_t) partitions * sizeof(*read.watermark));
	read.finished = alloc_zero((size_t) partitions * sizeof(*read.finished));
	if (read.watermark == NULL || read.finished == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading progress");
	else
	{
		read.client = log_kafka_client(config, LOG_KAFKA_CONSUMER, source, 0, &read.events, err);
		ok = read.client != NULL && log_kafka_progress_run(&read, interrupted, err);
		if (read.client != NULL)
			log_kafka_progress_finish(&read);
	}
	alloc_free(read.watermark);
	alloc_free(read.finished);
	if (ok)
		ok = buffer_append_byte(pins, 0, err);
	if (!ok)
		buffer_clear(value);
	return ok;
}
