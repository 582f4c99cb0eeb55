/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_reader_kafka_list.c — which topics of a Kafka cluster are ours, and what they hold.
 *
 * A topic is ours when the registry knows our key schema under its name. A topic of modest size is
 * counted by reading it, as a reader of it would; of a larger one only the span of its offsets
 * is told.
 */
#include "log_reader_kafka_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/registry.h"

#define READER_COUNT_BY_READING 1000000

/* Reads a topic of modest size to count what a reader sees; offsets alone also count markers,
 * aborted records and void snapshot rows. */
static bool
reader_kafka_count(const LogKafkaConfig *config, LogTopicInfo *info)
{
	Err err;
	LogReader *reader = log_reader_kafka(config, &err);
	LogEntry entry;
	bool found = false;
	int64_t records = 0;
	int64_t bytes = 0;
	bool ok;

	if (reader == NULL)
		return false;
	for (ok = reader->ops->start(reader, info->name, false, &err); ok;)
	{
		ok = reader->ops->next(reader, &entry, &found, &err);
		if (!ok || !found)
			break;
		records++;
		bytes += (int64_t) entry.key_length + (entry.value.end - entry.value.next);
	}
	reader->ops->close(reader);
	if (ok)
	{
		info->records = records;
		info->bytes = bytes;
	}
	return ok;
}

static bool
reader_kafka_list_one(ReaderKafka *reader, const struct rd_kafka_metadata_topic *topic,
					  LogTopicInfo *info, Err *err)
{
	int64_t span = 0;

	info->name = alloc_text(topic->topic);
	if (info->name == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory listing topics");
	reader->ntopics++;
	info->files = topic->partition_cnt;
	for (int p = 0; p < topic->partition_cnt; p++)
	{
		int64_t low;
		int64_t high;
		rd_kafka_resp_err_t code =
			rd_kafka_query_watermark_offsets(reader->client, topic->topic, p, &low, &high, 10000);

		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			return log_kafka_fail(err, &reader->events, "list the topics", code, NULL);
		span += high - low;
	}
	info->records = span;
	if (span <= READER_COUNT_BY_READING)
		(void) reader_kafka_count(&reader->config, info);
	return true;
}

static bool
reader_kafka_list_all(ReaderKafka *reader, const struct rd_kafka_metadata *metadata, Err *err)
{
	for (int t = 0; t < metadata->topic_cnt; t++)
	{
		const struct rd_kafka_metadata_topic *topic = &metadata->topics[t];
		char subject[LOG_KAFKA_NAME_MAX + 16];
		int32_t id;

		/* a topic of ours has our key schema under its name */
		(void) snprintf(subject, sizeof(subject), "%s-key", topic->topic);
		if (strncmp(topic->topic, "__", 2) == 0)
			continue;
		if (!registry_lookup(reader->config.registry, subject, reader->config.key_schema_text, &id,
							 err))
		{
			if (err->code != ERR_REGISTRY_REFUSED)
				return false;
			continue;
		}
		if (!reader_kafka_list_one(reader, topic, &reader->topics[reader->ntopics], err))
			return false;
	}
	return true;
}

void
log_reader_kafka_list_forget(ReaderKafka *reader)
{
	for (size_t i = 0; i < reader->ntopics; i++)
		alloc_free((void *) (uintptr_t) reader->topics[i].name);
	alloc_free(reader->topics);
	reader->topics = NULL;
	reader->ntopics = 0;
}

bool
log_reader_kafka_list(LogReader *base, const LogTopicInfo **topics, size_t *count, Err *err)
{
	ReaderKafka *reader = (ReaderKafka *) base;
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t code;
	bool ok;

	log_reader_kafka_list_forget(reader);
	code = rd_kafka_metadata(reader->client, 1, NULL, &metadata, 10000);
	(void) rd_kafka_poll(reader->client, 0);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return log_kafka_events_check(&reader->events, "list the topics", err) &&
			   log_kafka_fail(err, &reader->events, "list the topics", code, NULL);
	reader->topics = alloc_zero(((size_t) metadata->topic_cnt + 1) * sizeof(*reader->topics));
	if (reader->topics == NULL)
		ok = err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory listing topics");
	else
		ok = reader_kafka_list_all(reader, metadata, err);
	rd_kafka_metadata_destroy(metadata);
	*topics = reader->topics;
	*count = reader->ntopics;
	return ok;
}
