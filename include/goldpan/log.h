/* SPDX-License-Identifier: PostgreSQL */
/*
 * log.h — the record log: topics, one atomic batch at a time, and readers.
 *
 * A batch is the unit of delivery: whole source transactions (or one marked part of
 * a huge one) with the progress record that covers them. Either all of it becomes
 * visible to read-committed readers or nothing (correctness.md I1, I3, I5). The loop
 * thread fills a batch, the delivery thread hands it to a LogWriter; a batch is never shared.
 */
#ifndef GOLDPAN_LOG_H
#define GOLDPAN_LOG_H

#include "goldpan/buffer.h"
#include "goldpan/canonical.h"
#include "goldpan/encode.h"

/* ---- topics ---- */

typedef enum TopicKind
{
	TOPIC_ENTITY,
	TOPIC_DEAD_LETTER,
	TOPIC_SNAPSHOT, /* attempts: started, completed (goldpan.h "snapshot" schema) */
} TopicKind;

typedef struct LogTopic
{
	const char *name; /* "customer.contact" */
	TopicKind kind;
	const char *schema_text; /* of the value */
} LogTopic;

/* ---- batches ---- */

typedef struct LogRecord
{
	uint16_t topic; /* index into the writer's topics */
	bool tombstone; /* Kafka: a null value with the same key and event id follows */
	uint32_t key_length;
	uint32_t value_length; /* Avro bodies, without wire framing */
	uint32_t event_id_length;
	uint32_t id_length;		/* ce_subject: the record's id in its source */
	size_t bytes;			/* offset in batch->bytes: key, value, event id, id follow each other */
	const char *event_type; /* ce_type; long-lived */
	const char *table;		/* ce_source: "/goldpan/crm/public.contact"; long-lived */
	int64_t time;			/* ce_time: commit time */
} LogRecord;

typedef struct LogBatch
{
	LogRecord *records;
	size_t count;
	size_t capacity;
	Buffer bytes;
	Buffer progress; /* Avro body of the progress record ("progress" schema) */
	bool hold;		 /* part of a snapshot: a writer that can keep it unreadable until the
					  * next batch without hold does so (LogWriterOps.holds). `open` throws away
					  * what is still held then, but returns the progress that came with it: a
					  * new attempt begins with `open`, also within one process */
} LogBatch;

/* Prepares an empty batch; at most max_bytes of records. */
void log_batch_init(LogBatch *batch, size_t max_bytes);
void log_batch_clear(LogBatch *batch);
void log_batch_release(LogBatch *batch);
/* Begins a record: returns it with .bytes set and the lengths 0; the caller appends key, value,
 * event id, id to batch->bytes in this order and fills the lengths. */
LogRecord *log_batch_add(LogBatch *batch, Err *err) MUST_CHECK;

/* ---- writers ---- */

typedef struct LogWriter LogWriter;

typedef struct LogWriterOps
{
	const char *kind; /* "directory", "kafka" */
	bool holds;		  /* keeps held batches unreadable; else they carry an attempt id */
	/* Takes over the source (fences a predecessor), recovers what it left, and reads the
	 * last durable progress record into *progress (empty: none yet). Blocks. */
	bool (*open)(LogWriter *writer, Buffer *progress, Err *err);
	/* Makes one batch visible and durable at once (or holds it). Blocks. Errors: RETRY — nothing of
	 * it is or will be visible, hand it in again after `open`; REJECT ERR_RECORD_TOO_LARGE
	 * with *culprit — nothing visible; STOP ERR_LOG_FENCED and others. An unknown outcome is resolved
	 * by `open`, whose progress tells (correctness.md D1). */
	bool (*deliver)(LogWriter *writer, const LogBatch *batch, size_t *culprit, Err *err);
	/* Time-driven housekeeping (closing aged segments), on the thread that delivers; *next_us:
	 * microseconds from now until it should be called again. */
	bool (*tick)(LogWriter *writer, int64_t *next_us, Err *err);
	/* Asks a blocking deliver() in another thread to give up soon. Thread safe. */
	void (*interrupt)(LogWriter *writer);
	void (*close)(LogWriter *writer); /* frees; aborts what is open */
} LogWriterOps;

struct LogWriter
{
	const LogWriterOps *ops;
	size_t max_record;	   /* largest value in bytes that deliver() takes */
	int32_t key_schema_id; /* of the key schema, known after open(); directory: -1. Another id than
							* the progress pins would move keys to other partitions */
};

/*
 * The directory log. Under `path` lies one folder per topic that holds nothing but complete
 * container files, <topic>/<source>-000000000001.avro, numbered without gaps per topic and source;
 * locks, commit records and segments that are being written lie in <path>/.goldpan/<source>/, in
 * the same file system, out of the sight of engines that read every file of a folder.
 *
 * - deliver() returns when the blocks are flushed and one flushed commit record names them: that
 *   is the commit point of all topics together. A reader of *.avro sees whole batches of one topic;
 *   topics may appear a moment after each other (renames); LogReader honours the commit record.
 * - A segment closes at the end of the batch that brings it to segment_max_bytes, at
 *   segment_max_age, at close(), and when a later process opens the log. By age that is at most
 *   288 files a day per topic and source with the defaults (none while nothing comes), by size one
 *   per 64 MiB, and one per restart.
 * - Held batches go into segments of their own. The first batch without hold makes all of them
 *   readable in its own commit record, and complete right after. open() throws held ones away,
 *   also after an error in this process: then the attempt begins anew.
 * - A tombstone is not written: a delete is one record.
 * - open() on a source that another process writes: STOP ERR_LOG_FENCED naming its pid. Files
 *   missing or shorter than the commit record says: STOP ERR_DATA. A full disk or any other failed
 *   operation: RETRY ERR_IO; what was written of the batch is cut off again, and the writer wants
 *   open() before it takes the next one.
 */
typedef struct LogDirectoryConfig
{
	const char *path; /* made when it is missing; its parent is not */
	ContainerCodec codec;
	int64_t segment_max_bytes; /* default (0) 64 MiB */
	int64_t segment_max_age;   /* microseconds; default (0) 5 min */
} LogDirectoryConfig;

typedef struct LogKafkaConfig
{
	const char *brokers;
	const char *transactional_id_prefix;
	const char *progress_topic;
	const char *key_schema_text;
	size_t noptions; /* pass-through librdkafka options, checked against the allow-list */
	const char *const *option_names;
	const char *const *option_values;
	struct Registry *registry; /* schema ids; borrowed */
	bool allow_insecure;	   /* no TLS to brokers on other hosts than loopback (K1) */
	bool accept_partitions;	   /* accept that a topic's partition count changed (D12) */
} LogKafkaConfig;

/* Make a writer of one source's records. Topics are borrowed for its life. */
LogWriter *log_directory_new(const LogDirectoryConfig *config, const char *source,
							 const LogTopic *topics, size_t ntopics, Err *err) MUST_CHECK;
LogWriter *log_kafka_new(const LogKafkaConfig *config, const char *source, const LogTopic *topics,
						 size_t ntopics, Err *err) MUST_CHECK;

/* ---- Kafka: for `goldpan init` and `goldpan check` ---- */

/* Makes the topics (cleanup.policy=delete; entity topics compacted too when `compact`) and the
 * compacted progress topic; verifies those that exist: policy, and no fewer partitions than asked.
 * Blocks. Errors: RETRY ERR_LOG_DOWN; USAGE ERR_LOG_SETUP naming the topic. */
bool log_kafka_init_topics(const LogKafkaConfig *config, const LogTopic *topics, size_t ntopics,
						   int partitions, int replication, bool compact, Err *err) MUST_CHECK;

/* Registers "<topic>-key" (NONE) and "<topic>-value" (FULL_TRANSITIVE) of every topic and the
 * progress topic's value. Errors as registry_register. */
bool log_kafka_init_subjects(const LogKafkaConfig *config, const LogTopic *topics, size_t ntopics,
							 Err *err) MUST_CHECK;

/* Verifies without changing anything that the brokers answer and the topics are there. Errors as
 * log_kafka_init_topics. */
bool log_kafka_check(const LogKafkaConfig *config, const LogTopic *topics, size_t ntopics,
					 Err *err) MUST_CHECK;

/* librdkafka's version as "2.0.2"; *defects: what is known to be wrong with it, or NULL. Error:
 * USAGE ERR_LOG_SETUP below 1.9.0. */
bool log_kafka_library(const char **version, const char **defects, Err *err) MUST_CHECK;

/* ---- readers: committed records only ---- */

typedef struct LogReader LogReader;

typedef struct LogEntry
{
	const char *topic;
	const char *file;		  /* directory: path; Kafka: NULL */
	int32_t partition;		  /* Kafka */
	int64_t offset;			  /* Kafka offset, or number of the record in its file */
	const AvroSchema *schema; /* of the value */
	AvroReader value;		  /* Avro body; valid until the next call; next == NULL: tombstone */
	const uint8_t *key;		  /* Kafka key bytes or NULL */
	size_t key_length;
	size_t nheaders; /* Kafka */
	const char *const *header_names;
	const char *const *header_values;
} LogEntry;

typedef struct LogTopicInfo
{
	const char *name;
	int64_t records; /* directory: open segments' committed blocks included, as in bytes */
	int64_t bytes;
	int64_t files; /* directory: complete ones; Kafka: partitions */
} LogTopicInfo;

typedef struct LogReaderOps
{
	/* Lists topics (valid until the reader is closed). */
	bool (*list)(LogReader *reader, const LogTopicInfo **topics, size_t *count, Err *err);
	/* Starts reading one topic from its beginning. open_segments: also the committed blocks
	 * of segments that are still being written. */
	bool (*start)(LogReader *reader, const char *topic, bool open_segments, Err *err);
	/* Next committed record; *found false when there is none now (call again to follow). Records of
	 * superseded snapshot attempts are left out. */
	bool (*next)(LogReader *reader, LogEntry *entry, bool *found, Err *err);
	void (*close)(LogReader *reader);
} LogReaderOps;

struct LogReader
{
	const LogReaderOps *ops;
};

LogReader *log_reader_directory(const char *path, Err *err) MUST_CHECK;
LogReader *log_reader_kafka(const LogKafkaConfig *config, Err *err) MUST_CHECK;

#endif
