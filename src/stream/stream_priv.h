/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_priv.h — what the files of the streamer share.
 *
 *   stream.c            the process: signals, systemd, workers, exit
 *   stream_worker.c     one source: the state machine's driver and the error policy
 *   stream_state.c      the states as a table
 *   stream_open.c       opens a pipeline: lock, identity, writer, progress
 *   stream_position.c   compares progress, server and slot; decides
 *   stream_snapshot.c   the first copy
 *   stream_loop.c       the streaming loop: timers, feedback, hand-over
 *   stream_event.c      one event of the stream into the open batch
 *   stream_plan.c       a change into records and dead letters
 *   stream_part.c       marks of a split transaction in encoded records
 *   stream_delivery.c   the delivery thread
 */
#ifndef GOLDPAN_STREAM_PRIV_H
#define GOLDPAN_STREAM_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "goldpan/deadletter.h"
#include "goldpan/loop.h"
#include "goldpan/progress.h"
#include "goldpan/queue.h"
#include "goldpan/stream.h"

/* ---- states ---- */

typedef enum StreamState
{
	STREAM_CONNECTING, /* source lock, identity, slot */
	STREAM_READING_PROGRESS,
	STREAM_CHECKING_POSITION,
	STREAM_COPYING,
	STREAM_STREAMING,
	STREAM_DRAINING, /* reads no more, publishes what is in flight */
	STREAM_WAITING,	 /* before the next try */
	STREAM_STOPPED,	 /* in a named state, see the error's code */
	STREAM_FINISHED,
	STREAM_STATE_COUNT
} StreamState;

const char *stream_state_name(StreamState state);
bool stream_state_may_follow(StreamState from, StreamState to);

/* ---- counters: written by one worker, read by anyone ---- */

typedef struct StreamCounters
{
	_Atomic uint64_t rows;
	_Atomic uint64_t records;
	_Atomic uint64_t dead_letters;
	_Atomic uint64_t bytes;
	_Atomic uint64_t batches; /* durable ones */
	_Atomic uint64_t received_lsn;
	_Atomic uint64_t durable_lsn;
	_Atomic int64_t commit_time; /* of the last transaction published; 0: none yet */
	_Atomic bool caught_up;		 /* nothing received waits */
	_Atomic int state;
	_Atomic int code; /* of the last error */
} StreamCounters;

/* ---- the mapping, shared by all workers, replaced by SIGHUP ---- */

typedef struct StreamMapping
{
	const Mapping *mapping;
	bool owned;
	atomic_int users;
} StreamMapping;

void stream_mapping_release(StreamMapping *mapping);

/* ---- worker ---- */

typedef struct StreamWorker
{
	const StreamConfig *config;
	SourceConfig source; /* a copy that asks this worker whether to stop */
	StreamCounters counters;
	pthread_t thread;
	bool started;
	StreamState state;
	SourceLock *lock;
	Ledger ledger; /* what was ever acknowledged outlives a connection (P4) */
	StreamMapping *mapping;
	_Atomic(StreamMapping *) next_mapping; /* from SIGHUP, to be taken at a commit boundary */
	atomic_bool stop;					   /* from SIGTERM */
	_Atomic int64_t stop_deadline;		   /* monotonic */
	pthread_mutex_t opening_mutex;
	LogWriter *opening; /* its open() runs: may be interrupted */
	int wake;			/* an eventfd: look at the flags above */
	int notify;			/* the process's eventfd: look at this worker's state */
	Lsn target;			/* until_current: publish up to here; 0: not known yet */
	/* retry */
	int64_t failing_since; /* first failure since something became durable; 0: none */
	int64_t retry_delay;
	uint64_t batches_before; /* what the last failure found */
	unsigned poisoned;		 /* equal failures at one position */
	int64_t reported_at;
	uint32_t random;
	/* why it stopped; read by the process once the state says so */
	Err err;
	bool failed;
} StreamWorker;

void stream_worker_set_state(StreamWorker *worker, StreamState state, const char *why);
void *stream_worker_run(void *context);
/* Whether the worker has been told to stop or to take another mapping. */
bool stream_worker_interrupted(const StreamWorker *worker);
/* Empties the wake descriptor. */
void stream_worker_woken(StreamWorker *worker);
/* Makes the worker look at its flags, whatever it waits for. Any thread. */
void stream_worker_wake(StreamWorker *worker);

/* ---- batches and the delivery thread ---- */

#define STREAM_BATCHES 3
/* Room above the limits for what is added before they are looked at: the progress, dead letters. */
#define STREAM_BATCH_SLACK ((size_t) 1 << 20)

/* What progress becomes when the batch is durable. */
typedef struct StreamPosition
{
	Lsn end_lsn;
	Lsn part_end_lsn;
	uint64_t next_ordinal;
	int32_t part;
	SnapshotState snapshot_state;
	char snapshot_attempt[40];
	Lsn snapshot_lsn;
} StreamPosition;

typedef struct StreamBatch
{
	LogBatch log;
	StreamPosition position;
	uint64_t rows;
	uint64_t dead_letters; /* of log.count */
	int64_t commit_time;   /* of its last transaction; 0: none */
	/* the delivery thread's answer */
	bool delivered;
	Err err;
} StreamBatch;

/* One mapped table at one shape. Its uri is in every LogRecord, which leads back to it. */
typedef struct StreamPlan
{
	struct StreamPlan *next; /* of the same relation */
	const MappingTable *table;
	const MappingPlan *plan;
	const EncodeTable *encode;
	const CanonicalEntity *entity;
	const CanonicalTable *canonical;
	uint32_t relation_id;
	uint64_t relation_hash;
	uint16_t topic;
	char uri[]; /* ce_source: "/goldpan/crm/public.contact" */
} StreamPlan;

typedef struct StreamDelivery
{
	LogWriter *writer;
	Progress progress; /* the thread's own while it runs */
	StreamCounters *counters;
	const char *scope;
	const char *database;
	uint16_t dead_letter_topic;
	size_t max_bytes;  /* ceiling of a batch */
	size_t keep_bytes; /* a batch that grew larger is given back to the system */
	Queue todo;
	Queue done;
	pthread_t thread;
	bool running;
	bool failed; /* the thread's own */
	Err stopped; /* what must not be tried again, if anything; the thread's own until it is joined */
	char quit;	 /* its address ends the thread */
	StreamBatch batches[STREAM_BATCHES];
	StreamBatch housekeeping; /* carries the failure of a tick */
	StreamBatch *free[STREAM_BATCHES];
	size_t nfree;
} StreamDelivery;

/* Starts the thread. Takes progress (moves it). */
bool stream_delivery_start(StreamDelivery *delivery, Err *err) MUST_CHECK;
/* Ends and joins the thread after the batches handed over; frees the batches. When `abandon`, what
 * is in flight is interrupted first. An error in *err that leaves hope (RETRY) gives way to one of
 * the log's that does not, also when nobody took the batch that failed. */
void stream_delivery_stop(StreamDelivery *delivery, bool abandon, Err *err);
/* An empty batch, or NULL when all are in use. */
StreamBatch *stream_delivery_take(StreamDelivery *delivery);
/* Gives back a batch that was taken or that came back. */
void stream_delivery_give(StreamDelivery *delivery, StreamBatch *batch);
void stream_delivery_hand(StreamDelivery *delivery, StreamBatch *batch);

/* ---- pipeline: everything that lives from one connection to the next ---- */

typedef struct StreamPlans
{
	StreamWorker *worker;
	const Mapping *mapping;
	const char *database;
	const LogTopic *topics;
	size_t ntopics;
	char **tables; /* of the source, quoted as SQL */
	const SourceTable *sources;
	const uint32_t *table_ids;
	size_t ntables;
	size_t max_record;
	uint64_t config_hash;
	Arena shapes; /* plans: as long as the relations they are bound to */
	Arena event;  /* reset after each change */
	size_t nplans;
	CanonicalRecord records[2];
	StreamPlan *empty; /* stands for what no mapped table made */
} StreamPlans;

/* Where a record lies in the history, for its event id and meta. */
typedef struct StreamPlace
{
	Lsn end_lsn;
	uint64_t ordinal;
	uint32_t xid;
	int64_t commit_time;
	const char *origin;
	const char *snapshot_attempt;
	int32_t part;
} StreamPlace;

bool stream_plans_init(StreamPlans *plans, Err *err) MUST_CHECK;
void stream_plans_release(StreamPlans *plans);
/* Appends the records and dead letters of one change. Errors: STOP ERR_TRUNCATED,
 * ERR_NO_IDENTITY, ERR_TABLE_CHANGED, ERR_NOMEM. */
bool stream_plans_apply(StreamPlans *plans, const Change *change, const StreamPlace *place,
						StreamBatch *batch, Err *err) MUST_CHECK;
/* Appends a record of the snapshot topic: "started" or "completed". */
bool stream_plans_snapshot_record(StreamPlans *plans, const StreamPlace *place, const char *event,
								  uint64_t rows, StreamBatch *batch, Err *err) MUST_CHECK;

typedef struct StreamPipeline
{
	StreamWorker *worker;
	Arena arena;
	LogTopic *topics;
	size_t ntopics;
	SourceTable *tables;
	size_t ntables;
	Registry *registry;
	LogWriter *writer;
	SourceIdentity identity;
	SourceSlot slot;
	StreamDelivery delivery;
	Progress progress; /* as read from the log; moved to delivery when it starts */
	StreamPlans plans;
	char **table_names;	 /* quoted as SQL */
	uint32_t *table_ids; /* their oids; 0: there is no such table */
	uint64_t config_hash;
} StreamPipeline;

bool stream_pipeline_connect(StreamPipeline *pipeline, Err *err) MUST_CHECK;
bool stream_pipeline_read_progress(StreamPipeline *pipeline, Err *err) MUST_CHECK;
void stream_pipeline_release(StreamPipeline *pipeline);
bool stream_pipeline_set_tables(StreamPipeline *pipeline, const SourceSnapshot *snapshot,
								Err *err) MUST_CHECK;
bool stream_pipeline_start_delivery(StreamPipeline *pipeline, Err *err) MUST_CHECK;
bool stream_pipeline_init_plans(StreamPipeline *pipeline, Err *err) MUST_CHECK;
StreamPosition stream_pipeline_position(const Progress *progress);
/* Index of "<prefix>.<suffix>" among the topics; it is there. */
uint16_t stream_topic_index(const LogTopic *topics, size_t ntopics, const char *suffix);

/* ---- position ---- */

typedef enum StreamDecision
{
	STREAM_DECIDE_COPY,
	STREAM_DECIDE_STREAM
} StreamDecision;

typedef struct StreamPositionInput
{
	const char *source;
	const char *slot_name;
	const Progress *progress; /* sequence 0: none */
	const SourceIdentity *identity;
	const SourceSlot *slot;
	Lsn switch_lsn; /* where the progress's timeline ended, when the server is on a later one */
	char *const *tables;	   /* quoted as SQL */
	const uint32_t *table_ids; /* 0: there is no such table */
	size_t ntables;
	int32_t key_schema_id;
	bool copy_again;
} StreamPositionInput;

/* What a start does, or the named stop that forbids it (P5, S3, D12). */
bool stream_position_decide(const StreamPositionInput *input, StreamDecision *decision,
							Err *err) MUST_CHECK;
/* Sets the error of a table whose name another one has taken; returns false. */
bool stream_table_replaced(const char *table, const char *source, const char *slot, Err *err);
/* The position as a target that a server can reach: an insert position just behind a page header
 * is the end of the page before. */
Lsn stream_position_target(Lsn insert_lsn);

/* ---- marks of a split transaction ---- */

typedef struct StreamMeta
{
	Operation operation;
	Lsn end_lsn;
	uint64_t ordinal;
	uint32_t xid;
	int64_t commit_time;
	size_t part_at; /* offset of meta.part in the record */
} StreamMeta;

/* Reads the part of a record's meta that does not vary by table. */
bool stream_part_read(const CanonicalEntity *entity, const uint8_t *value, size_t length,
					  StreamMeta *meta, Err *err) MUST_CHECK;
/* Marks records first … of the batch, encoded as not split, as part 1. */
bool stream_part_mark_first(LogBatch *batch, size_t first, Err *err) MUST_CHECK;
/* Says in records first … of the batch, which are marked, that theirs is the last part. */
bool stream_part_mark_last(LogBatch *batch, size_t first, Err *err) MUST_CHECK;

/* ---- the two long states ---- */

bool stream_snapshot_run(StreamPipeline *pipeline, Err *err) MUST_CHECK;
bool stream_loop_run(StreamPipeline *pipeline, Err *err) MUST_CHECK;

/* The plan that a record of a batch was made by; its topic is another for a dead letter, and none
 * for a record of the snapshot topic. */
const StreamPlan *stream_plan_of(const LogRecord *record);
/* Appends a dead letter as the record's replacement. */
bool stream_plan_dead_letter(const DeadLetter *letter, uint16_t topic, const char *uri,
							 LogRecord *record, LogBatch *batch, Err *err) MUST_CHECK;

#endif
