/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_reader_kafka.c — read one topic, committed records only, and follow it.
 *
 * Consumes without a group: it needs no right but Read, and leaves no trace. Rows of a snapshot
 * attempt that still runs are passed over; when it turns out complete, the partition is read again
 * from the first of them, showing those rows only. So a follower sees them late but once, and
 * never the rows of an attempt that came to nothing.
 */
#include "log_reader_kafka_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"
#include "goldpan/registry.h"

#define READER_MAX_PASSED 65536
#define READER_WAIT_MS	  100
#define READER_TIMEOUT_US (30 * CLOCK_SECOND)
#define READER_ARENA	  (64 * 1024 * 1024)

/* ---- consuming ---- */

static void
reader_kafka_stop(ReaderStream *stream)
{
	for (int32_t p = 0; stream->topic != NULL && p < stream->npartitions; p++)
		(void) rd_kafka_consume_stop(stream->topic, p);
	if (stream->queue != NULL)
		rd_kafka_queue_destroy(stream->queue);
	if (stream->topic != NULL)
		rd_kafka_topic_destroy(stream->topic);
	alloc_free(stream->partitions);
	memset(stream, 0, sizeof(*stream));
}

static bool
reader_kafka_consume(ReaderKafka *reader, ReaderStream *stream, int32_t partitions, Err *err)
{
	stream->npartitions = partitions;
	stream->partitions = alloc_zero((size_t) partitions * sizeof(*stream->partitions));
	stream->queue = rd_kafka_queue_new(reader->client);
	if (stream->partitions == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading a topic");
	stream->topic = rd_kafka_topic_new(reader->client, stream->name, NULL);
	if (stream->topic != NULL)
		log_kafka_topics_learn_leaders(reader->client, stream->topic);
	for (int32_t p = 0; p < partitions; p++)
		if (stream->topic == NULL ||
			rd_kafka_consume_start_queue(stream->topic, p, RD_KAFKA_OFFSET_BEGINNING,
										 stream->queue) != 0)
			return log_kafka_fail(err, &reader->events, "read a topic", rd_kafka_last_error(),
								  NULL);
	return true;
}

static bool
reader_kafka_all_at_end(const ReaderStream *stream)
{
	for (int32_t p = 0; p < stream->npartitions; p++)
		if (!stream->partitions[p].at_end)
			return false;
	return true;
}

/* The next message of a stream; NULL at its end for now, or with *ok false. */
static rd_kafka_message_t *
reader_kafka_take(ReaderKafka *reader, ReaderStream *stream, int wait_ms, bool *ok, Err *err)
{
	int64_t deadline = clock_monotonic() + READER_TIMEOUT_US;

	*ok = true;
	for (;;)
	{
		rd_kafka_message_t *message = rd_kafka_consume_queue(stream->queue, wait_ms);
		ReaderPartition *partition;

		(void) rd_kafka_poll(reader->client, 0);
		if (message == NULL)
		{
			*ok = log_kafka_events_check(&reader->events, "read a topic", err);
			if (!*ok || wait_ms == 0 || reader_kafka_all_at_end(stream))
				return NULL;
			if (clock_monotonic() < deadline)
				continue;
			*ok = log_kafka_fail(err, &reader->events, "read a topic", RD_KAFKA_RESP_ERR__TIMED_OUT,
								 NULL);
			return NULL;
		}
		partition = &stream->partitions[message->partition];
		partition->at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			return message;
		if (!partition->at_end)
			*ok = log_kafka_fail(err, &reader->events, "read a topic", message->err,
								 rd_kafka_message_errstr(message));
		else if (partition->rewound && message->offset >= partition->until)
			partition->until = 0;
		rd_kafka_message_destroy(message);
		if (!*ok || reader_kafka_all_at_end(stream))
			return NULL;
	}
}

/* ---- records ---- */

static bool
reader_kafka_schema(ReaderKafka *reader, int32_t id, const AvroSchema **schema, Err *err)
{
	const char *text;

	for (size_t i = 0; i < reader->nschemas; i++)
		if (reader->schemas[i].id == id)
		{
			*schema = reader->schemas[i].schema;
			return true;
		}
	if (reader->nschemas == READER_MAX_SCHEMAS)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "a topic has more than %d schemas",
					   READER_MAX_SCHEMAS);
	if (!registry_schema(reader->config.registry, id, &text, err))
		return false;
	reader->schemas[reader->nschemas].id = id;
	reader->schemas[reader->nschemas].schema =
		avro_schema_parse(&reader->arena, text, strlen(text), err);
	if (reader->schemas[reader->nschemas].schema == NULL)
		return err_context(err, "schema %d of the registry", id);
	*schema = reader->schemas[reader->nschemas++].schema;
	return true;
}

/* Value and schema of a message; a tombstone has neither. */
static bool
reader_kafka_open_value(ReaderKafka *reader, const rd_kafka_message_t *message,
						const AvroSchema **schema, AvroReader *value, Err *err)
{
	const uint8_t *bytes = message->payload;
	int32_t id;

	*schema = NULL;
	*value = (AvroReader){NULL, NULL};
	if (bytes == NULL)
		return true;
	if (!log_kafka_unframe(bytes, message->len, &id, err) ||
		!reader_kafka_schema(reader, id, schema, err))
		return err_context(err, "topic \"%s\", partition %d, offset %lld",
						   rd_kafka_topic_name(message->rkt), message->partition,
						   (long long) message->offset);
	*value = (AvroReader){bytes + LOG_KAFKA_FRAME_SIZE, bytes + message->len};
	return true;
}

static bool
reader_kafka_learn(ReaderKafka *reader, int wait_ms, Err *err)
{
	while (reader->snapshots.name[0] != '\0')
	{
		bool ok;
		rd_kafka_message_t *message =
			reader_kafka_take(reader, &reader->snapshots, wait_ms, &ok, err);
		const AvroSchema *schema;
		AvroReader value;

		if (message == NULL)
			return ok;
		ok = reader_kafka_open_value(reader, message, &schema, &value, err) &&
			 (schema == NULL || log_kafka_attempts_learn(&reader->attempts, schema, &value, err));
		rd_kafka_message_destroy(message);
		if (!ok)
			return false;
	}
	return true;
}

static bool
reader_kafka_pass(ReaderKafka *reader, size_t attempt, const rd_kafka_message_t *message, Err *err)
{
	ReaderPassed *rows;

	for (size_t i = 0; i < reader->npassed; i++)
		if (reader->passed[i].attempt == attempt &&
			reader->passed[i].partition == message->partition)
			return true;
	if (reader->npassed == reader->passed_capacity)
	{
		size_t capacity = reader->passed_capacity == 0 ? 16 : reader->passed_capacity * 2;

		rows = capacity > READER_MAX_PASSED
				   ? NULL
				   : alloc_resize(reader->passed, capacity * sizeof(*rows));
		if (rows == NULL)
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "too many snapshots are unfinished");
		reader->passed = rows;
		reader->passed_capacity = capacity;
	}
	reader->passed[reader->npassed++] =
		(ReaderPassed){attempt, message->partition, message->offset};
	return true;
}

/* Goes back for rows of attempts that were completed; forgets those of void ones. */
static bool
reader_kafka_go_back(ReaderKafka *reader, Err *err)
{
	for (size_t i = 0; i < reader->npassed;)
	{
		ReaderPassed *passed = &reader->passed[i];
		LogKafkaAttemptState state = reader->attempts.rows[passed->attempt].state;
		ReaderPartition *partition = &reader->records.partitions[passed->partition];
		rd_kafka_resp_err_t code;

		if (state == LOG_KAFKA_ATTEMPT_RUNNING ||
			(state == LOG_KAFKA_ATTEMPT_COMPLETED && partition->until != 0))
		{
			i++;
			continue;
		}
		if (state == LOG_KAFKA_ATTEMPT_COMPLETED)
		{
			code = rd_kafka_seek(reader->records.topic, passed->partition, passed->offset, 10000);
			if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
				return log_kafka_fail(err, &reader->events, "read a snapshot's rows", code, NULL);
			partition->attempt = passed->attempt;
			partition->until = partition->next;
			partition->rewound = false;
			partition->at_end = false;
		}
		*passed = reader->passed[--reader->npassed];
	}
	return true;
}

/* Whether a record is to be shown now. */
static bool
reader_kafka_judge(ReaderKafka *reader, const rd_kafka_message_t *message, const AvroSchema *schema,
				   const AvroReader *value, bool *show, Err *err)
{
	ReaderPartition *partition = &reader->records.partitions[message->partition];
	const char *id = NULL;
	size_t length;
	size_t attempt = SIZE_MAX;

	if (schema != NULL &&
		!encode_find_text(schema, value, "meta.snapshot_attempt", &id, &length, err))
		return false;
	if (id != NULL && !log_kafka_attempts_find(&reader->attempts, "", 0, id, length, &attempt, err))
		return false;
	/* messages fetched before the going back may still come: only offsets tell */
	if (message->offset < partition->next)
	{
		partition->rewound = true;
		*show = attempt == partition->attempt && message->offset < partition->until;
		return true;
	}
	if (partition->rewound)
		partition->until = 0;
	partition->next = message->offset + 1;
	*show =
		attempt == SIZE_MAX || reader->attempts.rows[attempt].state == LOG_KAFKA_ATTEMPT_COMPLETED;
	if (*show || reader->attempts.rows[attempt].state == LOG_KAFKA_ATTEMPT_VOID)
		return true;
	return reader_kafka_pass(reader, attempt, message, err);
}

static bool
reader_kafka_headers(ReaderKafka *reader, LogEntry *entry, Err *err)
{
	rd_kafka_headers_t *headers;
	size_t offsets[READER_MAX_HEADERS];
	size_t count = 0;
	const char *name;
	const void *value;
	size_t size;

	buffer_clear(&reader->header_text);
	entry->nheaders = 0;
	if (rd_kafka_message_headers(reader->message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return true;
	for (;
		 count < READER_MAX_HEADERS && rd_kafka_header_get_all(headers, count, &name, &value,
															   &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
		 count++)
	{
		reader->header_names[count] = name;
		offsets[count] = reader->header_text.length;
		if (!buffer_append(&reader->header_text, value, value == NULL ? 0 : size, err) ||
			!buffer_append_byte(&reader->header_text, 0, err))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		reader->header_values[i] = (const char *) reader->header_text.data + offsets[i];
	entry->nheaders = count;
	entry->header_names = reader->header_names;
	entry->header_values = reader->header_values;
	return true;
}

static bool
reader_kafka_fill(ReaderKafka *reader, const AvroSchema *schema, const AvroReader *value,
				  LogEntry *entry, Err *err)
{
	*entry = (LogEntry){
		.topic = reader->records.name,
		.partition = reader->message->partition,
		.offset = reader->message->offset,
		.schema = schema,
		.value = *value,
		.key = reader->message->key,
		.key_length = reader->message->key_len,
	};
	return reader_kafka_headers(reader, entry, err);
}

static bool
log_reader_kafka_next(LogReader *base, LogEntry *entry, bool *found, Err *err)
{
	ReaderKafka *reader = (ReaderKafka *) base;

	*found = false;
	if (reader->records.topic == NULL)
		return err_set(err, ERR_CLASS_USAGE, ERR_INTERNAL, "no topic is being read");
	for (;;)
	{
		const AvroSchema *schema;
		AvroReader value;
		bool ok;

		if (reader->message != NULL)
			rd_kafka_message_destroy(reader->message);
		reader->message = NULL;
		/* what is known of attempts decides about rows that follow */
		if (!reader_kafka_learn(reader, 0, err) || !reader_kafka_go_back(reader, err))
			return false;
		reader->message = reader_kafka_take(reader, &reader->records, READER_WAIT_MS, &ok, err);
		if (reader->message == NULL)
			return ok;
		if (!reader_kafka_open_value(reader, reader->message, &schema, &value, err) ||
			!reader_kafka_judge(reader, reader->message, schema, &value, found, err))
			return false;
		if (*found)
			return reader_kafka_fill(reader, schema, &value, entry, err);
	}
}

/* ---- start, close ---- */

static void
reader_kafka_reset(ReaderKafka *reader)
{
	if (reader->message != NULL)
		rd_kafka_message_destroy(reader->message);
	reader->message = NULL;
	reader_kafka_stop(&reader->records);
	reader_kafka_stop(&reader->snapshots);
	log_kafka_attempts_release(&reader->attempts);
	reader->npassed = 0;
}

static bool
log_reader_kafka_start(LogReader *base, const char *topic, bool open_segments, Err *err)
{
	ReaderKafka *reader = (ReaderKafka *) base;
	const char *dot = strrchr(topic, '.');
	const char *names[2];
	LogKafkaTopicState states[2];
	char *snapshot = reader->snapshots.name;

	(void) open_segments; /* what is committed is readable */
	reader_kafka_reset(reader);
	(void) snprintf(reader->records.name, sizeof(reader->records.name), "%s", topic);
	if (dot != NULL && strcmp(dot, ".snapshot") != 0 && strcmp(dot, ".dead_letter") != 0)
		(void) snprintf(snapshot, sizeof(reader->snapshots.name), "%.*s.snapshot",
						(int) (dot - topic), topic);
	names[0] = reader->records.name;
	names[1] = snapshot;
	if (!log_kafka_topics_find(reader->client, &reader->events, names, 2, states, err))
		return false;
	if (!states[0].exists)
		return log_kafka_topics_missing(ERR_CLASS_USAGE, topic, err);
	if (!states[1].exists)
		snapshot[0] = '\0';
	else if (!reader_kafka_consume(reader, &reader->snapshots, states[1].partitions, err) ||
			 !reader_kafka_learn(reader, READER_WAIT_MS, err))
		return false;
	return reader_kafka_consume(reader, &reader->records, states[0].partitions, err);
}

static void
log_reader_kafka_close(LogReader *base)
{
	ReaderKafka *reader = (ReaderKafka *) base;

	reader_kafka_reset(reader);
	log_reader_kafka_list_forget(reader);
	alloc_free(reader->passed);
	arena_release(&reader->arena);
	buffer_release(&reader->header_text);
	rd_kafka_destroy(reader->client);
	alloc_free(reader);
}

static const LogReaderOps log_reader_kafka_ops = {
	.list = log_reader_kafka_list,
	.start = log_reader_kafka_start,
	.next = log_reader_kafka_next,
	.close = log_reader_kafka_close,
};

LogReader *
log_reader_kafka(const LogKafkaConfig *config, Err *err)
{
	ReaderKafka *reader = alloc_zero(sizeof(*reader));

	if (reader == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading the Kafka log");
		return NULL;
	}
	reader->base.ops = &log_reader_kafka_ops;
	reader->config = *config;
	if (reader->config.key_schema_text == NULL)
		reader->config.key_schema_text = encode_own_schema("key");
	reader->events.scope = "kafka";
	arena_init(&reader->arena, READER_ARENA);
	buffer_init(&reader->header_text, 1 << 20);
	reader->client = log_kafka_client(config, LOG_KAFKA_CONSUMER, NULL, 0, &reader->events, err);
	if (reader->client == NULL)
	{
		alloc_free(reader);
		return NULL;
	}
	return &reader->base;
}
