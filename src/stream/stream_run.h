/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_run.h — the streaming state of one connection, shared by its loop and its event handlers.
 */
#ifndef GOLDPAN_STREAM_RUN_H
#define GOLDPAN_STREAM_RUN_H

#include "stream/stream_priv.h"

/* The transaction whose COMMIT has not come, and where it began in the open batch, so that it
 * can be taken out again or marked. */
typedef struct StreamOpen
{
	bool open;
	bool skip; /* it is in the log already (P2) */
	size_t first_record;
	size_t first_byte;
	uint64_t first_dead_letter;
	uint64_t first_row;
	uint64_t resume_ordinal; /* rows below are in the log already */
	int32_t part;			 /* parts of it handed over */
} StreamOpen;

typedef struct StreamRun
{
	StreamPipeline *pipeline;
	StreamWorker *worker;
	SourceStream *stream;
	Loop loop;
	LoopWatch *socket;
	LoopTimer *feedback;
	LoopTimer *age;
	LoopTimer *patience;	 /* P14: how long a server that shuts down waits for a dead log */
	StreamBatch *batch;		 /* being filled; NULL: none taken */
	StreamPosition position; /* after the last transaction (or part) received */
	StreamOpen transaction;
	SourceEvent event;
	bool has_event; /* waits for a batch */
	bool exhausted; /* the socket had nothing more */
	bool aged;		/* the open batch is old enough to go at the next commit */
	Lsn keepalive;
	int64_t progressed_at;
	int64_t feedback_at;
	bool server_ends;
	bool draining;
	int64_t drain_deadline;
	bool last_progress; /* until_current: the idle position has been handed over */
	bool finished;
	bool failed;
	bool log_failed; /* nothing more can be delivered */
	Err err;
} StreamRun;

typedef enum StreamStep
{
	STREAM_STEP_DONE,
	STREAM_STEP_WAIT, /* there is no batch: try the same event again */
	STREAM_STEP_FAILED
} StreamStep;

/* Puts run->event into the open batch; fills run->err on failure. */
StreamStep stream_event_handle(StreamRun *run);
/* Takes the open transaction's records out of the open batch. */
void stream_event_forget(StreamRun *run);
/* Hands over the open batch, which ends at run->position. */
void stream_run_hand(StreamRun *run);
/* Makes sure of an open batch; false: all are in use. */
bool stream_run_need_batch(StreamRun *run);
void stream_run_drain(StreamRun *run, const char *why);
/* Hands over a batch without records when the idle position may become progress (P8, P9). */
void stream_run_idle(StreamRun *run, bool now);
bool stream_run_feedback(StreamRun *run);
void stream_run_fail(StreamRun *run, const Err *err);

#endif
