/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_deliver.c — one batch as one Kafka transaction.
 *
 * Everything that can be refused is refused before the transaction begins. Bodies are framed
 * into one buffer that lives until the transaction is settled, so librdkafka copies none of
 * them; partitions are computed here over the count that open() found, so that a topic
 * that grows meanwhile moves no key.
 */
#include "log_kafka_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/clock.h"
#include "goldpan/debug_point.h"

#define LOG_KAFKA_CONTENT_TYPE "application/vnd.confluent.avro"

static void
log_kafka_header(LogKafkaHeader *headers, size_t *count, const char *name, const void *value,
				 size_t length)
{
	if (length > 0)
		headers[(*count)++] = (LogKafkaHeader){name, value, length};
}

/* CloudEvents 1.0, Kafka binding, binary mode: the body is the payload. */
static size_t
log_kafka_record_headers(LogKafka *kafka, const LogBatch *batch, const LogRecord *record,
						 LogKafkaHeader headers[LOG_KAFKA_RECORD_HEADERS])
{
	const uint8_t *event_id =
		batch->bytes.data + record->bytes + record->key_length + record->value_length;
	size_t count = 0;

	/* all records of a transaction have one time */
	if (record->time != kafka->time || kafka->time_length == 0)
	{
		kafka->time_length = clock_format(record->time, kafka->time_text);
		kafka->time = record->time;
	}
	log_kafka_header(headers, &count, "ce_specversion", "1.0", 3);
	log_kafka_header(headers, &count, "content-type", LOG_KAFKA_CONTENT_TYPE,
					 sizeof(LOG_KAFKA_CONTENT_TYPE) - 1);
	log_kafka_header(headers, &count, "ce_id", event_id, record->event_id_length);
	log_kafka_header(headers, &count, "ce_source", record->table,
					 record->table == NULL ? 0 : strlen(record->table));
	log_kafka_header(headers, &count, "ce_type", record->event_type,
					 record->event_type == NULL ? 0 : strlen(record->event_type));
	log_kafka_header(headers, &count, "ce_time", kafka->time_text, kafka->time_length);
	log_kafka_header(headers, &count, "ce_subject", event_id + record->event_id_length,
					 record->id_length);
	return count;
}

/* Before anything is produced: a record that the broker would refuse (D9), and room for all. */
static bool
log_kafka_measure(LogKafka *kafka, const LogBatch *batch, size_t *framed, size_t *culprit, Err *err)
{
	LogKafkaHeader headers[LOG_KAFKA_RECORD_HEADERS];

	*framed = batch->progress.length + LOG_KAFKA_FRAME_SIZE;
	for (size_t i = 0; i < batch->count; i++)
	{
		const LogRecord *record = &batch->records[i];
		const LogKafkaTopic *topic = &kafka->states[record->topic];
		size_t count = log_kafka_record_headers(kafka, batch, record, headers);
		size_t size =
			log_kafka_batch_size(record->key_length, record->value_length, headers, count);

		if (size > topic->limit)
		{
			*culprit = i;
			(void) err_set(err, ERR_CLASS_REJECT, ERR_RECORD_TOO_LARGE,
						   "a record for topic \"%s\" takes %zu bytes and the limit is %zu",
						   topic->name, size, topic->limit);
			return err_hint(err,
							"Raise the topic's max.message.bytes (%lld) and the option "
							"message.max.bytes (%zu).",
							(long long) topic->state.max_message,
							log_kafka_options_max_message(&kafka->config));
		}
		*framed += record->key_length + record->value_length + 2 * LOG_KAFKA_FRAME_SIZE;
	}
	return true;
}

/* The library purges what is queued when the transaction cannot go on, and tells the reason to
 * whoever tries to commit it. */
static bool
log_kafka_purged(LogKafka *kafka, const char *doing, Err *err)
{
	rd_kafka_error_t *error = rd_kafka_commit_transaction(kafka->producer, 1000);

	if (error == NULL) /* cannot be; open() tells what became of it */
		return log_kafka_fail(err, &kafka->events, doing, kafka->events.failed, NULL);
	return log_kafka_fail_object(err, &kafka->events, doing, error);
}

/* Between two steps: whether going on makes sense. */
static bool
log_kafka_may_go_on(LogKafka *kafka, Err *err)
{
	char doing[LOG_KAFKA_NAME_MAX + 32];

	if (!log_kafka_events_check(&kafka->events, "deliver a batch", err))
		return false;
	if (kafka->events.failed != RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		(void) snprintf(doing, sizeof(doing), "deliver to topic \"%s\"",
						kafka->events.failed_topic);
		if (kafka->events.failed == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
			kafka->events.failed == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
			return log_kafka_purged(kafka, doing, err);
		return log_kafka_fail(err, &kafka->events, doing, kafka->events.failed, NULL);
	}
	if (atomic_load(&kafka->interrupted))
		return err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN, "delivering a batch was interrupted");
	return true;
}

/* Time stamp in the record: the commit's, unless the broker would refuse or soon delete it (D13). */
static int64_t
log_kafka_timestamp(const LogKafkaTopic *topic, int64_t time, int64_t now)
{
	int64_t age = (now - time) / 1000;

	if (time <= 0 || age > topic->state.before_max_ms / 2 || -age > topic->state.after_max_ms / 2)
		return 0; /* librdkafka: now */
	return time / 1000;
}

typedef struct LogKafkaMessage
{
	const LogKafkaTopic *topic;
	int32_t partition;
	const void *key;
	size_t key_length;
	void *value; /* NULL: tombstone */
	size_t value_length;
	int64_t timestamp;
	const LogKafkaHeader *headers;
	size_t nheaders;
} LogKafkaMessage;

static bool
log_kafka_produce(LogKafka *kafka, const LogKafkaMessage *message, Err *err)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(message->nheaders);
	rd_kafka_vu_t vus[] = {
		{.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = message->topic->handle},
		{.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = message->partition},
		{.vtype = RD_KAFKA_VTYPE_KEY,
		 .u.mem = {.ptr = (void *) (uintptr_t) message->key, .size = message->key_length}},
		{.vtype = RD_KAFKA_VTYPE_VALUE,
		 .u.mem = {.ptr = message->value, .size = message->value_length}},
		{.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = message->timestamp},
		{.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
	};

	for (size_t i = 0; i < message->nheaders; i++)
		(void) rd_kafka_header_add(headers, message->headers[i].name, -1, message->headers[i].value,
								   (ssize_t) message->headers[i].length);
	for (;;)
	{
		rd_kafka_error_t *error =
			rd_kafka_produceva(kafka->producer, vus, sizeof(vus) / sizeof(vus[0]));
		bool full;

		if (error == NULL)
			return true; /* headers belong to the message now */
		full = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL;
		if (full)
		{
			rd_kafka_error_destroy(error);
			(void) rd_kafka_poll(kafka->producer, 1);
			if (log_kafka_may_go_on(kafka, err))
				continue;
		}
		else
		{
			char doing[LOG_KAFKA_NAME_MAX + 32];

			(void) snprintf(doing, sizeof(doing), "produce to topic \"%s\"", message->topic->name);
			(void) log_kafka_fail_object(err, &kafka->events, doing, error);
		}
		rd_kafka_headers_destroy(headers);
		return false;
	}
}

/* Copies a body behind its frame; room was reserved, so the bytes stay where they are. */
static uint8_t *
log_kafka_framed(LogKafka *kafka, int32_t id, const uint8_t *bytes, size_t length)
{
	uint8_t *out = kafka->framed.data + kafka->framed.length;

	log_kafka_frame(out, id);
	if (length > 0)
		memcpy(out + LOG_KAFKA_FRAME_SIZE, bytes, length);
	kafka->framed.length += length + LOG_KAFKA_FRAME_SIZE;
	return out;
}

static bool
log_kafka_produce_record(LogKafka *kafka, const LogBatch *batch, const LogRecord *record,
						 int64_t now, Err *err)
{
	LogKafkaHeader headers[LOG_KAFKA_RECORD_HEADERS];
	const LogKafkaTopic *topic = &kafka->states[record->topic];
	const uint8_t *bytes = batch->bytes.data + record->bytes;
	LogKafkaMessage message = {
		.topic = topic,
		.headers = headers,
		.nheaders = log_kafka_record_headers(kafka, batch, record, headers),
		.timestamp = log_kafka_timestamp(topic, record->time, now),
	};

	message.key = log_kafka_framed(kafka, kafka->base.key_schema_id, bytes, record->key_length);
	message.key_length = record->key_length + LOG_KAFKA_FRAME_SIZE;
	message.partition =
		log_kafka_partition(message.key, message.key_length, topic->state.partitions);
	message.value =
		log_kafka_framed(kafka, topic->value_id, bytes + record->key_length, record->value_length);
	message.value_length = record->value_length + LOG_KAFKA_FRAME_SIZE;
	if (!log_kafka_produce(kafka, &message, err))
		return false;
	if (!record->tombstone)
		return true;
	message.value = NULL;
	message.value_length = 0;
	return log_kafka_produce(kafka, &message, err);
}

static bool
log_kafka_produce_progress(LogKafka *kafka, const LogBatch *batch, Err *err)
{
	const LogKafkaTopic *topic = &kafka->states[kafka->ntopics];
	size_t length = strlen(kafka->source);
	LogKafkaHeader headers[] = {
		{"content-type", LOG_KAFKA_CONTENT_TYPE, sizeof(LOG_KAFKA_CONTENT_TYPE) - 1},
		{LOG_KAFKA_PINS_HEADER, kafka->pins.data, kafka->pins.length},
	};
	LogKafkaMessage message = {
		.topic = topic,
		.partition =
			log_kafka_partition((const uint8_t *) kafka->source, length, topic->state.partitions),
		.key = kafka->source,
		.key_length = length,
		.headers = headers,
		.nheaders = 2,
	};

	if (batch->progress.length == 0)
		return true;
	message.value =
		log_kafka_framed(kafka, topic->value_id, batch->progress.data, batch->progress.length);
	message.value_length = batch->progress.length + LOG_KAFKA_FRAME_SIZE;
	return log_kafka_produce(kafka, &message, err);
}

/* After a fatal error every call only says "fatal"; what it was is kept by the library. */
static void
log_kafka_judge_fatal(const LogKafka *kafka, Err *err)
{
	char text[256];
	rd_kafka_resp_err_t code = rd_kafka_fatal_error(kafka->producer, text, sizeof(text));

	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		(void) log_kafka_fail(err, NULL, "deliver a batch", code, text);
}

/* A broker that ends a transaction for its age answers like one whose writer was replaced. */
static void
log_kafka_judge_fence(const LogKafka *kafka, Err *err)
{
	int64_t age = clock_monotonic() - kafka->begun;
	int64_t age_wall = clock_wall() - kafka->begun_wall;

	if (err->code != ERR_LOG_FENCED ||
		(age_wall > age ? age_wall : age) <
			(LOG_KAFKA_TRANSACTION_TIMEOUT_MS - 1000) * INT64_C(1000))
		return;
	(void) err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
				   "the brokers ended a transaction that was open for more than %d seconds",
				   LOG_KAFKA_TRANSACTION_TIMEOUT_MS / 1000);
}

static bool
log_kafka_produce_all(LogKafka *kafka, const LogBatch *batch, Err *err)
{
	int64_t now = clock_wall();

	for (size_t i = 0; i < batch->count; i++)
	{
		if (!log_kafka_produce_record(kafka, batch, &batch->records[i], now, err))
			return false;
	}
	if (!log_kafka_produce_progress(kafka, batch, err))
		return false;
	GP_DEBUG_POINT("log_kafka.after_produce");
	/* commit would flush too, but cannot be interrupted */
	while (rd_kafka_flush(kafka->producer, LOG_KAFKA_SLICE_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		if (!log_kafka_may_go_on(kafka, err))
			return false;
	return log_kafka_may_go_on(kafka, err);
}

/* Ends what is open, so that readers need not wait for the next open(); best effort. */
static void
log_kafka_abort(LogKafka *kafka)
{
	rd_kafka_error_t *error;

	(void) rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	error = rd_kafka_abort_transaction(kafka->producer, 2000);
	if (error != NULL)
		rd_kafka_error_destroy(error);
}

/* -1: the rest of the transaction's time, as the library recommends: it keeps its state and ours
 * together. Everything is delivered by now, so this is one round trip. */
static bool
log_kafka_commit(LogKafka *kafka, Err *err)
{
	int64_t deadline = kafka->begun + LOG_KAFKA_TRANSACTION_TIMEOUT_MS * INT64_C(1000);

	for (;;)
	{
		rd_kafka_error_t *error = rd_kafka_commit_transaction(kafka->producer, -1);

		if (error == NULL)
			return true;
		if (!rd_kafka_error_is_retriable(error) || clock_monotonic() > deadline ||
			atomic_load(&kafka->interrupted))
		{
			bool requires_abort = rd_kafka_error_txn_requires_abort(error) != 0;

			(void) log_kafka_fail_object(err, &kafka->events, "commit a transaction", error);
			if (requires_abort)
				log_kafka_abort(kafka);
			return false;
		}
		rd_kafka_error_destroy(error);
	}
}

bool
log_kafka_deliver(LogWriter *writer, const LogBatch *batch, size_t *culprit, Err *err)
{
	LogKafka *kafka = (LogKafka *) writer;
	rd_kafka_error_t *error;
	size_t framed;

	if (kafka->producer == NULL)
		return err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
					   "could not deliver a batch: the Kafka log is not open");
	if (!log_kafka_measure(kafka, batch, &framed, culprit, err))
		return false;
	buffer_clear(&kafka->framed);
	if (!buffer_reserve(&kafka->framed, framed, err))
		return false;
	kafka->events.failed = RD_KAFKA_RESP_ERR_NO_ERROR;
	kafka->begun = clock_monotonic();
	kafka->begun_wall = clock_wall();
	error = rd_kafka_begin_transaction(kafka->producer);
	if (error != NULL)
	{
		(void) log_kafka_fail_object(err, &kafka->events, "begin a transaction", error);
		goto lost;
	}
	GP_DEBUG_POINT("log_kafka.after_begin");
	if (!log_kafka_produce_all(kafka, batch, err))
	{
		log_kafka_abort(kafka);
		goto lost;
	}
	GP_DEBUG_POINT("log_kafka.before_commit");
	if (!log_kafka_commit(kafka, err))
		goto lost; /* the outcome is unknown: open() tells (D1) */
	GP_DEBUG_POINT("log_kafka.after_commit");
	kafka->events.down = false;
	kafka->events.last[0] = '\0';
	return true;

lost:
	log_kafka_judge_fatal(kafka, err);
	log_kafka_judge_fence(kafka, err);
	log_kafka_give_up(kafka);
	return false;
}
