/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_event.c — one event of the stream into the open batch.
 *
 * Whole transactions are grouped into batches. One that grows over the limit is cut into
 * marked parts (L1): the part's progress keeps the position before the transaction and
 * says which of its rows comes next, so that a restart decodes it again and leaves out what the
 * log has. Where it is cut depends on the transaction alone, never on what shared a batch with
 * it, and the server numbers all its rows, mapped or not: the parts are the same in every run
 * (I10), also after the mapping changed in the middle (P7).
 */
#include "stream/stream_run.h"

#include "goldpan/clock.h"
#include "goldpan/debug_point.h"

#define STREAM_SHUTDOWN_FEEDBACK INT64_C(20000)

static StreamStep stream_event_begin(StreamRun *run);
static StreamStep stream_event_change(StreamRun *run);
static StreamStep stream_event_commit(StreamRun *run);
static StreamStep stream_event_keepalive(StreamRun *run);
static StreamStep stream_event_shutdown(StreamRun *run);

StreamStep
stream_event_handle(StreamRun *run)
{
	switch (run->event.kind)
	{
		case SOURCE_BEGIN:
			return stream_event_begin(run);
		case SOURCE_CHANGE:
			return stream_event_change(run);
		case SOURCE_COMMIT:
			return stream_event_commit(run);
		case SOURCE_KEEPALIVE:
			return stream_event_keepalive(run);
		case SOURCE_SHUTDOWN:
			return stream_event_shutdown(run);
		case SOURCE_NOTHING:
			break;
	}
	return STREAM_STEP_DONE;
}

static bool
stream_event_has_records(const StreamRun *run)
{
	return run->batch != NULL && run->batch->log.count > 0;
}

/* Where the open transaction's records begin. */
static void
stream_event_mark(StreamRun *run)
{
	const StreamBatch *batch = run->batch;
	StreamOpen *open = &run->transaction;

	open->first_record = batch == NULL ? 0 : batch->log.count;
	open->first_byte = batch == NULL ? 0 : batch->log.bytes.length;
	open->first_dead_letter = batch == NULL ? 0 : batch->dead_letters;
	open->first_row = batch == NULL ? 0 : batch->rows;
}

void
stream_event_forget(StreamRun *run)
{
	StreamBatch *batch = run->batch;
	const StreamOpen *open = &run->transaction;

	if (open->open && batch != NULL)
	{
		batch->log.count = open->first_record;
		batch->log.bytes.length = open->first_byte;
		batch->dead_letters = open->first_dead_letter;
		batch->rows = open->first_row;
	}
	run->transaction.open = false;
}

static StreamStep
stream_event_begin(StreamRun *run)
{
	const Transaction *transaction = run->event.transaction;
	const StreamPosition *position = &run->position;
	StreamOpen *open = &run->transaction;
	bool resumes = position->part_end_lsn != LSN_INVALID;

	if (run->worker->target != LSN_INVALID && transaction->end_lsn > run->worker->target)
	{
		stream_run_drain(run, "caught up");
		return STREAM_STEP_DONE;
	}
	if (run->aged && stream_event_has_records(run))
		stream_run_hand(run);
	ledger_received(&run->worker->ledger, source_stream_received(run->stream));
	*open = (StreamOpen){.open = true};
	stream_event_mark(run);
	/* P2. A server that begins where it was asked to, by this very comparison, never sends such a
	 * one; nothing tells when one does not, and a change in the log twice is not mended. */
	open->skip = transaction->commit_lsn < position->end_lsn;
	if (open->skip || !resumes)
		return STREAM_STEP_DONE;
	if (transaction->end_lsn != position->part_end_lsn)
	{
		char want[LSN_TEXT_SIZE];
		char got[LSN_TEXT_SIZE];

		(void) err_set(&run->err, ERR_CLASS_STOP, ERR_GAP,
					   "could not go on with the transaction that ends at %s, of which %d parts "
					   "are in the log: the server sent one that ends at %s",
					   lsn_format(position->part_end_lsn, want), position->part,
					   lsn_format(transaction->end_lsn, got));
		return STREAM_STEP_FAILED;
	}
	open->part = position->part;
	open->resume_ordinal = position->next_ordinal;
	return STREAM_STEP_DONE;
}

/* Hands over what there is of a transaction over the limit, up to the change at hand. */
static bool
stream_event_cut(StreamRun *run)
{
	StreamOpen *open = &run->transaction;
	StreamPosition *position = &run->position;

	if (open->part == 0 && !stream_part_mark_first(&run->batch->log, open->first_record, &run->err))
		return false;
	open->part++;
	position->part_end_lsn = run->event.transaction->end_lsn;
	position->next_ordinal = run->event.change->ordinal;
	position->part = open->part;
	stream_run_hand(run);
	stream_event_mark(run);
	ledger_received(&run->worker->ledger, source_stream_received(run->stream));
	GP_DEBUG_POINT("stream_event.part");
	return true;
}

static bool
stream_event_over_limit(const StreamRun *run)
{
	const StreamConfig *config = run->worker->config;
	const StreamOpen *open = &run->transaction;
	const LogBatch *log;

	if (run->batch == NULL)
		return false;
	log = &run->batch->log;
	return log->count - open->first_record >= config->transaction_records ||
		   log->bytes.length - open->first_byte >= config->transaction_size;
}

static StreamStep
stream_event_change(StreamRun *run)
{
	const Transaction *transaction = run->event.transaction;
	const Change *change = run->event.change;
	const StreamOpen *open = &run->transaction;
	StreamPlace place;

	if (!open->open || open->skip || change->ordinal < open->resume_ordinal)
		return STREAM_STEP_DONE;
	if (stream_event_over_limit(run) && !stream_event_cut(run))
		return STREAM_STEP_FAILED;
	if (!stream_run_need_batch(run))
		return STREAM_STEP_WAIT;
	place = (StreamPlace){.end_lsn = transaction->end_lsn,
						  .ordinal = change->ordinal,
						  .xid = transaction->xid,
						  .commit_time = transaction->commit_time,
						  .origin = transaction->origin,
						  .part = open->part == 0 ? 0 : open->part + 1};
	if (!stream_plans_apply(&run->pipeline->plans, change, &place, run->batch, &run->err))
		return STREAM_STEP_FAILED;
	run->batch->rows++;
	if (run->age->due == 0 && !run->aged && run->batch->log.count > 0)
		run->age->due = clock_monotonic() + run->worker->config->batch_age;
	GP_DEBUG_POINT("stream_event.row");
	return STREAM_STEP_DONE;
}

static StreamStep
stream_event_commit(StreamRun *run)
{
	const Transaction *transaction = run->event.transaction;
	const StreamConfig *config = run->worker->config;
	StreamOpen *open = &run->transaction;
	StreamPosition *position = &run->position;
	Ledger *ledger = &run->worker->ledger;
	bool parted = open->part > 0;
	LogBatch *log;

	if (!open->open)
		return STREAM_STEP_DONE;
	if (!open->skip && parted && !stream_run_need_batch(run))
		return STREAM_STEP_WAIT;
	ledger_received(ledger, run->event.lsn);
	if (!open->skip)
	{
		if (parted && !stream_part_mark_last(&run->batch->log, open->first_record, &run->err))
			return STREAM_STEP_FAILED;
		position->end_lsn = transaction->end_lsn;
		position->part_end_lsn = LSN_INVALID;
		position->next_ordinal = 0;
		position->part = 0;
		if (run->batch != NULL)
			run->batch->commit_time = transaction->commit_time;
	}
	open->open = false;
	if (!parted && !stream_event_has_records(run))
	{
		ledger_skipped(ledger);
		return STREAM_STEP_DONE;
	}
	log = &run->batch->log;
	if (parted || run->aged || log->count >= config->batch_records ||
		log->bytes.length >= config->batch_size)
		stream_run_hand(run);
	return STREAM_STEP_DONE;
}

static StreamStep
stream_event_keepalive(StreamRun *run)
{
	run->keepalive = run->event.lsn;
	ledger_keepalive(&run->worker->ledger, run->event.lsn);
	stream_run_idle(run, false);
	if (run->event.reply_requested && !stream_run_feedback(run))
		return STREAM_STEP_FAILED;
	return STREAM_STEP_DONE;
}

static StreamStep
stream_event_shutdown(StreamRun *run)
{
	if (run->event.lsn == LSN_INVALID)
	{
		(void) err_set(&run->err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
					   "the server has ended the stream: it shuts down");
		return STREAM_STEP_FAILED;
	}
	if (run->server_ends && clock_monotonic() - run->feedback_at < STREAM_SHUTDOWN_FEEDBACK)
	{
		/* It spins until all is acknowledged; answering each time would only spin with it. */
		run->feedback->due = run->feedback_at + STREAM_SHUTDOWN_FEEDBACK;
		return STREAM_STEP_DONE;
	}
	if (!run->server_ends)
		run->patience->due = clock_monotonic() + run->worker->config->server_shutdown_timeout;
	run->server_ends = true;
	run->keepalive = run->event.lsn;
	ledger_keepalive(&run->worker->ledger, run->event.lsn);
	stream_run_idle(run, true);
	return stream_run_feedback(run) ? STREAM_STEP_DONE : STREAM_STEP_FAILED;
}
