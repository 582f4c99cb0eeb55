/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_priv.h — what the files of the Kafka log share.
 */
#ifndef GOLDPAN_LOG_KAFKA_PRIV_H
#define GOLDPAN_LOG_KAFKA_PRIV_H

#include <stdatomic.h>

#include <librdkafka/rdkafka.h>

#include "goldpan/clock.h"
#include "goldpan/log.h"

/* Ordered (correctness.md 2.3): one request < one message <= one transaction <= the broker's
 * transaction.max.timeout.ms (15 minutes by default). */
#define LOG_KAFKA_SOCKET_TIMEOUT_MS		 20000
#define LOG_KAFKA_MESSAGE_TIMEOUT_MS	 50000
#define LOG_KAFKA_TRANSACTION_TIMEOUT_MS 60000

/* How long open() and the set-up calls try before they give up with RETRY. */
#define LOG_KAFKA_OPEN_TIMEOUT_MS 60000
#define LOG_KAFKA_SLICE_MS		  200

#define LOG_KAFKA_NAME_MAX 256

/* ---- log_kafka_wire: bytes ---- */

#define LOG_KAFKA_FRAME_SIZE 5

/* Confluent wire format: 0x00, schema id big-endian. */
void log_kafka_frame(uint8_t *out, int32_t schema_id);
/* The id of a framed body. Error: STOP ERR_DATA. */
bool log_kafka_unframe(const uint8_t *bytes, size_t length, int32_t *schema_id,
					   Err *err) MUST_CHECK;

/* The hash of Java's default partitioner, and the partition it picks. */
uint32_t log_kafka_murmur2(const uint8_t *bytes, size_t length);
int32_t log_kafka_partition(const uint8_t *key, size_t length, int32_t partitions);

typedef struct LogKafkaHeader
{
	const char *name;
	const void *value;
	size_t length;
} LogKafkaHeader;

#define LOG_KAFKA_RECORD_HEADERS 7

/* The bytes that this one record takes as a record batch of its own: what a broker compares with
 * max.message.bytes. Value length without framing; SIZE_MAX: null. */
size_t log_kafka_batch_size(size_t key_length, size_t value_length, const LogKafkaHeader *headers,
							size_t nheaders);

/* ---- log_kafka_error: what went wrong ---- */

/* What the library reports through callbacks, which run inside rd_kafka_poll and flush. */
typedef struct LogKafkaEvents
{
	const char *scope;			/* for reports */
	bool down;					/* all brokers down, said once per outage */
	bool refused;				/* authentication failed: waiting would be for ever */
	char last[200];				/* last transport error */
	rd_kafka_resp_err_t failed; /* first message that could not be delivered */
	char failed_topic[LOG_KAFKA_NAME_MAX];
} LogKafkaEvents;

void log_kafka_events_install(rd_kafka_conf_t *conf, LogKafkaEvents *events, bool deliveries);
/* A clear stop when authentication failed, else true. */
bool log_kafka_events_check(const LogKafkaEvents *events, const char *doing, Err *err) MUST_CHECK;

/* Fills *err by the class of a library error; returns false. `doing`: "commit a transaction". */
bool log_kafka_fail(Err *err, const LogKafkaEvents *events, const char *doing,
					rd_kafka_resp_err_t code, const char *text);
/* The same, and destroys the error object. */
bool log_kafka_fail_object(Err *err, const LogKafkaEvents *events, const char *doing,
						   rd_kafka_error_t *error);

/* ---- log_kafka_options: configuration ---- */

typedef enum LogKafkaRole
{
	LOG_KAFKA_PRODUCER, /* transactional; transactional_id needed */
	LOG_KAFKA_CONSUMER, /* read_committed, no group */
	LOG_KAFKA_ADMIN,
} LogKafkaRole;

/* A client with the guarantees of its role and the operator's options. batch_size: most bytes of a
 * record batch (producer). Errors: USAGE ERR_CONFIG naming the option. */
rd_kafka_t *log_kafka_client(const LogKafkaConfig *config, LogKafkaRole role, const char *source,
							 size_t batch_size, LogKafkaEvents *events, Err *err) MUST_CHECK;
/* Checks the options alone. */
bool log_kafka_options_check(const LogKafkaConfig *config, Err *err) MUST_CHECK;
/* The operator's message.max.bytes or librdkafka's default. */
size_t log_kafka_options_max_message(const LogKafkaConfig *config);

/* ---- log_kafka_topics: what the brokers know ---- */

typedef struct LogKafkaTopicState
{
	bool exists;
	int32_t partitions;
	int32_t broker;		   /* one that answers, or -1 */
	int64_t max_message;   /* max.message.bytes */
	int64_t before_max_ms; /* how far in the past a record's time may lie */
	int64_t after_max_ms;  /* and in the future */
	char cleanup_policy[64];
} LogKafkaTopicState;

/* Asks for existence and partitions of named topics; never makes one. */
bool log_kafka_topics_find(rd_kafka_t *client, LogKafkaEvents *events, const char *const *names,
						   size_t count, LogKafkaTopicState *states, Err *err) MUST_CHECK;
/* Fills the configured limits of topics that exist; brokers without the call: Kafka's defaults. */
bool log_kafka_topics_describe(rd_kafka_t *client, LogKafkaEvents *events, const char *const *names,
							   size_t count, LogKafkaTopicState *states, Err *err) MUST_CHECK;
/* Asks for the leaders of a topic that is going to be read; failure is only a slower start. */
void log_kafka_topics_learn_leaders(rd_kafka_t *client, rd_kafka_topic_t *topic);
/* "topic X does not exist" with the cure. */
bool log_kafka_topics_missing(ErrClass class, const char *name, Err *err);

/* ---- log_kafka_pins: what must not change between two runs ---- */

typedef struct LogKafkaPin
{
	const char *topic;
	int32_t partitions;	  /* D12: another count moves keys */
	int32_t value_id;	  /* A11: another id for the same schema is another registry */
	uint64_t schema_hash; /* of the value's schema text */
} LogKafkaPin;

uint64_t log_kafka_pins_hash(const char *text);
/* Header text "topic=partitions/id/hash;…". */
bool log_kafka_pins_write(const LogKafkaPin *pins, size_t count, Buffer *out, Err *err) MUST_CHECK;
/* Compares the pins in a progress record's header with today's. Errors: STOP ERR_LOG_SETUP (partitions,
 * unless accepted), STOP ERR_REGISTRY_REFUSED (registry). */
bool log_kafka_pins_check(const char *text, size_t length, const LogKafkaPin *pins, size_t count,
						  bool accept_partitions, Err *err) MUST_CHECK;

#define LOG_KAFKA_PINS_HEADER "goldpan_topics"

/* ---- log_kafka_progress: the last durable position ---- */

/* Reads the progress topic up to its end as of this call: the value (without framing) of the last
 * committed record of `source`, and its pins (zero-terminated; empty: none). *interrupted gives
 * up. */
bool log_kafka_progress_read(const LogKafkaConfig *config, const char *source, int32_t partitions,
							 const atomic_bool *interrupted, Buffer *value, Buffer *pins,
							 Err *err) MUST_CHECK;

/* ---- log_kafka_attempts: which rows of snapshots count ---- */

typedef enum LogKafkaAttemptState
{
	LOG_KAFKA_ATTEMPT_RUNNING,
	LOG_KAFKA_ATTEMPT_COMPLETED,
	LOG_KAFKA_ATTEMPT_VOID, /* started anew, or another was completed */
} LogKafkaAttemptState;

typedef struct LogKafkaAttempt
{
	char *source;
	char *id;
	LogKafkaAttemptState state;
} LogKafkaAttempt;

typedef struct LogKafkaAttempts
{
	LogKafkaAttempt *rows;
	size_t count;
	size_t capacity;
} LogKafkaAttempts;

void log_kafka_attempts_release(LogKafkaAttempts *attempts);
/* Index of an attempt; one not heard of yet is added as running. */
bool log_kafka_attempts_find(LogKafkaAttempts *attempts, const char *source, size_t source_length,
							 const char *id, size_t id_length, size_t *index, Err *err) MUST_CHECK;
/* Takes in one record of the snapshot topic. */
bool log_kafka_attempts_learn(LogKafkaAttempts *attempts, const AvroSchema *schema,
							  const AvroReader *record, Err *err) MUST_CHECK;

/* ---- log_kafka, log_kafka_deliver: the writer ---- */

typedef struct LogKafkaTopic
{
	const char *name;
	rd_kafka_topic_t *handle;
	LogKafkaTopicState state;
	int32_t value_id;
	size_t limit; /* most bytes of a record batch */
} LogKafkaTopic;

typedef struct LogKafka
{
	LogWriter base;
	LogKafkaConfig config; /* texts are borrowed */
	char *source;
	const LogTopic *topics; /* borrowed */
	size_t ntopics;
	LogKafkaTopic *states; /* ntopics, then the progress topic */
	rd_kafka_t *producer;  /* NULL: open() must come first */
	LogKafkaEvents events;
	atomic_bool interrupted;
	int64_t begun; /* of the open transaction, monotonic and wall */
	int64_t begun_wall;
	Buffer framed; /* keys and values as the broker gets them; the producer points into it */
	Buffer pins;   /* header of every progress record */
	int64_t time;  /* what time_text says */
	size_t time_length;
	char time_text[CLOCK_TEXT_SIZE];
} LogKafka;

/* Frees the producer and whatever it still holds; open() must come next. */
void log_kafka_give_up(LogKafka *kafka);
/* LogWriterOps.deliver */
bool log_kafka_deliver(LogWriter *writer, const LogBatch *batch, size_t *culprit,
					   Err *err) MUST_CHECK;

#endif
