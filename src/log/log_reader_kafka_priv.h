/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_reader_kafka_priv.h — what the two files of the Kafka log's reader share.
 */
#ifndef GOLDPAN_LOG_READER_KAFKA_PRIV_H
#define GOLDPAN_LOG_READER_KAFKA_PRIV_H

#include "log_kafka_priv.h"

#define READER_MAX_HEADERS 32
#define READER_MAX_SCHEMAS 1024

typedef struct ReaderPartition
{
	bool at_end;
	int64_t next;	/* offset after the last record judged; those before it were */
	size_t attempt; /* reading again for this attempt's rows … */
	int64_t until;	/* … below this offset; 0: not reading again */
	bool rewound;	/* the going back has taken effect */
} ReaderPartition;

/* Rows of a running attempt in one partition, passed over since `offset`. */
typedef struct ReaderPassed
{
	size_t attempt;
	int32_t partition;
	int64_t offset;
} ReaderPassed;

typedef struct ReaderSchema
{
	int32_t id;
	AvroSchema *schema;
} ReaderSchema;

/* One topic being consumed. */
typedef struct ReaderStream
{
	char name[LOG_KAFKA_NAME_MAX];
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	ReaderPartition *partitions;
	int32_t npartitions;
} ReaderStream;

typedef struct ReaderKafka
{
	LogReader base;
	LogKafkaConfig config;
	LogKafkaEvents events;
	rd_kafka_t *client;
	ReaderStream records;
	ReaderStream snapshots; /* name empty: the topic has none beside it */
	LogKafkaAttempts attempts;
	ReaderPassed *passed;
	size_t npassed;
	size_t passed_capacity;
	Arena arena; /* schemas */
	ReaderSchema schemas[READER_MAX_SCHEMAS];
	size_t nschemas;
	rd_kafka_message_t *message; /* what the last entry points into */
	Buffer header_text;
	const char *header_names[READER_MAX_HEADERS];
	const char *header_values[READER_MAX_HEADERS];
	LogTopicInfo *topics;
	size_t ntopics;
} ReaderKafka;

/* ---- log_reader_kafka_list: which topics there are ---- */

/* LogReaderOps.list */
bool log_reader_kafka_list(LogReader *base, const LogTopicInfo **topics, size_t *count,
						   Err *err) MUST_CHECK;
void log_reader_kafka_list_forget(ReaderKafka *reader);

#endif
