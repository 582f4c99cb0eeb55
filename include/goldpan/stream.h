/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream.h — wires source → mapping → encode → log, one worker per source.
 *
 * Workers share nothing but read-only configuration. The state machine, what an
 * error class leads to, and when the process ends are decided here and nowhere else.
 */
#ifndef GOLDPAN_STREAM_H
#define GOLDPAN_STREAM_H

#include "goldpan/arena.h"
#include "goldpan/buffer.h"
#include "goldpan/err.h"
#include "goldpan/log.h"
#include "goldpan/mapping.h"
#include "goldpan/registry.h"
#include "goldpan/source.h"

typedef enum StreamLogKind
{
	STREAM_LOG_DIRECTORY,
	STREAM_LOG_KAFKA
} StreamLogKind;

typedef struct StreamConfig
{
	size_t nsources;
	const SourceConfig *sources; /* each with a source of the same name in the mapping */

	const Mapping *mapping; /* borrowed; checked, without problems */
	/* SIGHUP: loads and checks the mapping anew; takes nothing, returns it owned (freed by
	 * stream_run with mapping_free). Called on the thread of stream_run. NULL: no reload. */
	Mapping *(*reload_mapping)(void *context, Err *err);
	void *reload_context;

	const char *topic_prefix; /* "customer" */
	StreamLogKind log_kind;
	LogDirectoryConfig directory;
	LogKafkaConfig kafka;	 /* .registry and .key_schema_text are filled by stream */
	RegistryConfig registry; /* Kafka: each worker makes a client of its own */

	/* When the operator has dropped the slot: take a new copy, which supersedes what the log
	 * holds of the source, instead of stopping with ERR_SLOT_LOST. The cure of ERR_GAP,
	 * ERR_TRUNCATED, ERR_NO_IDENTITY, ERR_NOT_COPIED (`goldpan stream --copy-again`). */
	bool copy_again;
	bool until_current; /* publish all commits up to the insert position read at start, then end */

	/* Durations in microseconds, sizes in bytes. */
	size_t batch_records; /* grouping of source transactions into one log transaction */
	size_t batch_size;
	int64_t batch_age;
	size_t transaction_records; /* over it a source transaction is split into marked parts */
	size_t transaction_size;
	int64_t shutdown_timeout;		 /* SIGTERM: time for what is in flight */
	int64_t server_shutdown_timeout; /* a server that shuts down waits this long for a dead log */
	int64_t retry_min;
	int64_t retry_max;
	int64_t idle_progress;
} StreamConfig;

/* Defaults. Kafka's delivery holds about five batches' bytes: 7 MiB keep the process below 64 MB. */
#define STREAM_BATCH_RECORDS		   20000
#define STREAM_BATCH_SIZE			   ((size_t) 7 << 20)
#define STREAM_BATCH_AGE			   INT64_C(100000)
#define STREAM_TRANSACTION_RECORDS	   100000
#define STREAM_TRANSACTION_SIZE		   ((size_t) 64 << 20)
#define STREAM_SHUTDOWN_TIMEOUT		   INT64_C(10000000)
#define STREAM_SERVER_SHUTDOWN_TIMEOUT INT64_C(30000000)
#define STREAM_RETRY_MIN			   INT64_C(100000)
#define STREAM_RETRY_MAX			   INT64_C(30000000)
#define STREAM_IDLE_PROGRESS		   INT64_C(30000000)

/* Fills batch, transaction, timeout and retry fields with the defaults above. */
void stream_config_defaults(StreamConfig *config);

/* The topics that a mapping's sources write, for `goldpan init` and `goldpan check` and the workers
 * alike: "<prefix>.<entity>" of every mapped entity, "<prefix>.dead_letter",
 * "<prefix>.snapshot". In `arena`. */
bool stream_topics(const Mapping *mapping, const char *prefix, Arena *arena, LogTopic **topics,
				   size_t *ntopics, Err *err) MUST_CHECK;

/* The tables of one source with the columns that may leave it: each table once, even when it
 * feeds two entities. In `arena`. */
bool stream_source_tables(const Mapping *mapping, const char *source, Arena *arena,
						  SourceTable **tables, size_t *ntables, Err *err) MUST_CHECK;

/* A table as progress records name it: schema and name quoted as SQL where needed. In `arena`. */
char *stream_table_text(Arena *arena, const char *schema, const char *name, Err *err) MUST_CHECK;
/* Whether `noted` is what progress says of this table ("schema.table#oid"); *id 0: without oid. */
bool stream_table_noted(const char *noted, const char *table, uint32_t *id);

/* Runs a worker per source until all have ended: told to stop (SIGTERM, SIGINT), caught up
 * (until_current), or stopped in a named state. False when a worker stopped in a named state; err is
 * a summary of the first such error, which has been reported. Blocks; owns SIGTERM, SIGINT, SIGHUP meanwhile; speaks
 * to systemd when NOTIFY_SOCKET is set. */
bool stream_run(const StreamConfig *config, Err *err) MUST_CHECK;

/* Appends the worker's state diagram, drawn from the transition table. */
bool stream_states_print(Buffer *out, Err *err) MUST_CHECK;

#endif
