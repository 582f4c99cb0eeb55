/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_snapshot.c — the first copy of a source, and the slot that goes on from it.
 *
 * In this order, so that a kill at any point converges: a temporary slot exports the snapshot;
 * progress says "running" with the attempt's id; rows go out, unreadable or void until the attempt
 * is completed; when all are durable the permanent slot is made at the same position; the last
 * batch carries the completion record and the progress "complete" at that position. A start that
 * finds "running" copies anew under another id. A slot that the killed attempt left is kept: it
 * lies before the new snapshot, and nothing was ever streamed from it.
 */
#include "stream/stream_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "goldpan/clock.h"
#include "goldpan/debug_point.h"
#include "goldpan/report.h"

typedef struct StreamSnapshot
{
	StreamPipeline *pipeline;
	StreamWorker *worker;
	SourceSnapshot *source;
	StreamBatch *batch; /* being filled */
	StreamPosition running;
	StreamPlace place;
	uint64_t rows;
	uint64_t records;
	unsigned in_flight;
} StreamSnapshot;

#define STREAM_SNAPSHOT_PATIENCE INT64_C(200000)

static bool
stream_snapshot_interrupted(const StreamSnapshot *snapshot, Err *err)
{
	if (!stream_worker_interrupted(snapshot->worker))
		return false;
	(void) err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "told to stop while copying");
	return true;
}

/* Takes back what the delivery thread is done with; waits for one when told so. */
static bool
stream_snapshot_settle(StreamSnapshot *snapshot, int64_t wait_us, Err *err)
{
	StreamDelivery *delivery = &snapshot->pipeline->delivery;
	StreamBatch *batch;

	while ((batch = queue_wait(&delivery->done, wait_us)) != NULL)
	{
		StreamCounters *counters = &snapshot->worker->counters;

		wait_us = 0;
		if (!batch->delivered)
		{
			*err = batch->err;
			return false;
		}
		snapshot->in_flight--;
		atomic_fetch_add(&counters->records, batch->log.count - batch->dead_letters);
		atomic_fetch_add(&counters->dead_letters, batch->dead_letters);
		atomic_fetch_add(&counters->bytes, batch->log.bytes.length);
		atomic_fetch_add(&counters->batches, 1);
		stream_delivery_give(delivery, batch);
	}
	return true;
}

/* Makes sure that there is a batch to fill. */
static bool
stream_snapshot_need_batch(StreamSnapshot *snapshot, Err *err)
{
	while (snapshot->batch == NULL)
	{
		snapshot->batch = stream_delivery_take(&snapshot->pipeline->delivery);
		if (snapshot->batch != NULL)
		{
			snapshot->batch->position = snapshot->running;
			snapshot->batch->log.hold = true;
			return true;
		}
		if (stream_snapshot_interrupted(snapshot, err) ||
			!stream_snapshot_settle(snapshot, STREAM_SNAPSHOT_PATIENCE, err))
			return false;
	}
	return true;
}

static void
stream_snapshot_hand(StreamSnapshot *snapshot)
{
	stream_delivery_hand(&snapshot->pipeline->delivery, snapshot->batch);
	snapshot->batch = NULL;
	snapshot->in_flight++;
}

/* Hands over what is filled and waits until all is durable. */
static bool
stream_snapshot_flush(StreamSnapshot *snapshot, Err *err)
{
	if (snapshot->batch != NULL)
		stream_snapshot_hand(snapshot);
	while (snapshot->in_flight > 0)
		if (stream_snapshot_interrupted(snapshot, err) ||
			!stream_snapshot_settle(snapshot, STREAM_SNAPSHOT_PATIENCE, err))
			return false;
	return true;
}

/* The attempt's first batch is readable at once: it makes the progress say "running". */
static bool
stream_snapshot_begin(StreamSnapshot *snapshot, Err *err)
{
	StreamPipeline *pipeline = snapshot->pipeline;
	const Progress *progress = &pipeline->delivery.progress;
	StreamPosition *running = &snapshot->running;
	char at[LSN_TEXT_SIZE];

	*running = stream_pipeline_position(progress);
	running->snapshot_state = SNAPSHOT_RUNNING;
	running->snapshot_lsn = source_snapshot_lsn(snapshot->source);
	running->part_end_lsn = LSN_INVALID;
	running->next_ordinal = 0;
	running->part = 0;
	/* Unique because a slot's creation writes to the log, so that no two have one position. */
	(void) snprintf(running->snapshot_attempt, sizeof(running->snapshot_attempt),
					"%016" PRIX64 "-%" PRIu64, running->snapshot_lsn, progress->sequence + 1);
	snapshot->place = (StreamPlace){.end_lsn = running->snapshot_lsn,
									.commit_time = source_snapshot_time(snapshot->source),
									.snapshot_attempt = running->snapshot_attempt};
	report_info(snapshot->worker->source.name, "copying %zu tables as of %s, attempt %s",
				pipeline->ntables, lsn_format(running->snapshot_lsn, at),
				running->snapshot_attempt);
	if (!stream_snapshot_need_batch(snapshot, err))
		return false;
	snapshot->batch->log.hold = false;
	return stream_plans_snapshot_record(&pipeline->plans, &snapshot->place, "started", 0,
										snapshot->batch, err) &&
		   stream_snapshot_flush(snapshot, err);
}

static bool
stream_snapshot_row(StreamSnapshot *snapshot, const Change *change, Err *err)
{
	StreamPipeline *pipeline = snapshot->pipeline;
	const StreamConfig *config = snapshot->worker->config;
	StreamBatch *batch;

	if (!stream_snapshot_need_batch(snapshot, err))
		return false;
	batch = snapshot->batch;
	snapshot->place.ordinal = ++snapshot->rows;
	snapshot->records -= batch->log.count - batch->dead_letters;
	if (!stream_plans_apply(&pipeline->plans, change, &snapshot->place, batch, err))
		return false;
	snapshot->records += batch->log.count - batch->dead_letters;
	batch->rows++;
	atomic_fetch_add(&snapshot->worker->counters.rows, 1);
	if (batch->log.count >= config->batch_records || batch->log.bytes.length >= config->batch_size)
	{
		stream_snapshot_hand(snapshot);
		GP_DEBUG_POINT("stream_snapshot.half");
		return stream_snapshot_settle(snapshot, 0, err);
	}
	return true;
}

static bool
stream_snapshot_rows(StreamSnapshot *snapshot, Err *err)
{
	bool found = true;

	while (found)
	{
		Change change;
		bool waiting = false;

		if ((snapshot->rows & 1023) == 0 && stream_snapshot_interrupted(snapshot, err))
			return false;
		if (!source_snapshot_next(snapshot->source, STREAM_SNAPSHOT_PATIENCE, &change, &found,
								  &waiting, err))
			return false;
		if (waiting)
		{
			found = true;
			if (stream_snapshot_interrupted(snapshot, err) ||
				!stream_snapshot_settle(snapshot, 0, err))
				return false;
			continue;
		}
		if (found && !stream_snapshot_row(snapshot, &change, err))
			return false;
	}
	return stream_snapshot_flush(snapshot, err);
}

static bool
stream_snapshot_complete(StreamSnapshot *snapshot, Err *err)
{
	StreamPosition *position;

	if (!stream_snapshot_need_batch(snapshot, err))
		return false;
	snapshot->place.ordinal = snapshot->rows + 1;
	if (!stream_plans_snapshot_record(&snapshot->pipeline->plans, &snapshot->place, "completed",
									  snapshot->records, snapshot->batch, err))
		return false;
	position = &snapshot->batch->position;
	position->snapshot_state = SNAPSHOT_COMPLETE;
	position->end_lsn = position->snapshot_lsn;
	snapshot->batch->log.hold = false;
	return stream_snapshot_flush(snapshot, err);
}

static bool
stream_snapshot_steps(StreamSnapshot *snapshot, Err *err)
{
	GP_DEBUG_POINT("stream_snapshot.open");
	if (!stream_snapshot_begin(snapshot, err))
		return false;
	GP_DEBUG_POINT("stream_snapshot.begun");
	if (!stream_snapshot_rows(snapshot, err))
		return false;
	GP_DEBUG_POINT("stream_snapshot.rows");
	if (!source_snapshot_make_slot(snapshot->source, err))
		return false;
	GP_DEBUG_POINT("stream_snapshot.slot");
	if (!stream_snapshot_complete(snapshot, err))
		return false;
	GP_DEBUG_POINT("stream_snapshot.complete");
	report_info(snapshot->worker->source.name, "copied %" PRIu64 " rows into %" PRIu64 " records",
				snapshot->rows, snapshot->records);
	return true;
}

bool
stream_snapshot_run(StreamPipeline *pipeline, Err *err)
{
	StreamSnapshot snapshot = {.pipeline = pipeline, .worker = pipeline->worker};
	bool done = false;

	snapshot.source =
		source_snapshot_open(&pipeline->worker->source, pipeline->tables, pipeline->ntables, err);
	if (snapshot.source == NULL)
		return false;
	/* What no attempt has completed may not be called copied, but completion comes last. */
	if (stream_pipeline_set_tables(pipeline, snapshot.source, err) &&
		stream_pipeline_start_delivery(pipeline, err))
	{
		if (stream_pipeline_init_plans(pipeline, err))
		{
			done = stream_snapshot_steps(&snapshot, err);
			if (done)
			{
				/* The streaming state goes on from the very progress that became durable. */
				pipeline->progress = pipeline->delivery.progress;
				progress_init(&pipeline->delivery.progress);
			}
			stream_delivery_stop(&pipeline->delivery, !done, err);
			stream_plans_release(&pipeline->plans);
		}
		else
			stream_delivery_stop(&pipeline->delivery, true, err);
	}
	source_snapshot_close(snapshot.source);
	return done;
}
