/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_loop.c — the streaming state: events in, batches out, feedback on its own timer.
 *
 * The loop fills one batch while others are in flight. A batch goes when it is large or old
 * enough, or at once when nothing is in flight and the socket has nothing more. When all
 * batches are in use it stops reading: the source's log is the only buffer (I9). Feedback
 * depends on none of this: its timer reports what the ledger allows, and nothing else does.
 */
#include "stream/stream_run.h"

#include <poll.h>
#include <string.h>

#include "goldpan/clock.h"
#include "goldpan/debug_point.h"
#include "goldpan/report.h"

#define STREAM_EVENTS_PER_STEP	 2000
#define STREAM_PROMPT_FEEDBACK	 INT64_C(100000)
#define STREAM_IDLE_BYTES		 ((Lsn) 16 << 20)
#define STREAM_IDLE_LONG		 (300 * CLOCK_SECOND)
#define STREAM_LOOP_WAIT		 CLOCK_SECOND
#define STREAM_LAST_WORD_TIMEOUT 1000 /* milliseconds for the last feedback to leave */

void
stream_run_fail(StreamRun *run, const Err *err)
{
	if (run->failed)
		return;
	run->failed = true;
	if (err != &run->err)
		run->err = *err;
}

/* ---- batches ---- */

bool
stream_run_need_batch(StreamRun *run)
{
	if (run->batch == NULL)
		run->batch = stream_delivery_take(&run->pipeline->delivery);
	return run->batch != NULL;
}

void
stream_run_hand(StreamRun *run)
{
	run->batch->position = run->position;
	ledger_handed(&run->worker->ledger);
	stream_delivery_hand(&run->pipeline->delivery, run->batch);
	run->batch = NULL;
	run->aged = false;
	run->age->due = 0;
	run->progressed_at = clock_monotonic();
}

void
stream_run_idle(StreamRun *run, bool now)
{
	Ledger *ledger = &run->worker->ledger;
	Lsn position = ledger_idle_position(ledger, run->keepalive);
	int64_t since = clock_monotonic() - run->progressed_at;

	/* Between a part and the rest of its transaction the position stays before both. */
	if (position == LSN_INVALID || run->transaction.open ||
		run->position.part_end_lsn != LSN_INVALID)
		return;
	now = now || since >= STREAM_IDLE_LONG ||
		  (since >= run->worker->config->idle_progress &&
		   position - ledger->durable >= STREAM_IDLE_BYTES);
	if (!now || position <= run->position.end_lsn || !stream_run_need_batch(run))
		return;
	run->position.end_lsn = position;
	stream_run_hand(run);
}

/* Nothing waits behind the open batch: let it go at once. */
static void
stream_run_prompt(StreamRun *run)
{
	if (run->exhausted && !run->transaction.open && run->worker->ledger.in_flight == 0 &&
		run->batch != NULL && run->batch->log.count > 0)
		stream_run_hand(run);
}

static void
stream_run_settled(StreamRun *run, StreamBatch *batch)
{
	StreamCounters *counters = &run->worker->counters;
	int64_t commit_time = batch->commit_time;

	ledger_settled(&run->worker->ledger, batch->position.end_lsn);
	atomic_fetch_add(&counters->rows, batch->rows);
	atomic_fetch_add(&counters->records, batch->log.count - batch->dead_letters);
	atomic_fetch_add(&counters->dead_letters, batch->dead_letters);
	atomic_fetch_add(&counters->bytes, batch->log.bytes.length);
	atomic_fetch_add(&counters->batches, 1);
	atomic_store(&counters->durable_lsn, run->worker->ledger.durable);
	if (commit_time != 0)
		atomic_store(&counters->commit_time, commit_time);
	stream_delivery_give(&run->pipeline->delivery, batch);
	GP_DEBUG_POINT("stream_loop.settled");
}

static void
stream_run_on_done(void *context)
{
	StreamRun *run = context;
	StreamBatch *batch;

	while ((batch = queue_take(&run->pipeline->delivery.done)) != NULL)
	{
		if (!batch->delivered)
		{
			run->log_failed = true;
			stream_run_fail(run, &batch->err);
			return;
		}
		stream_run_settled(run, batch);
	}
	stream_run_prompt(run);
	if (run->server_ends && !run->draining)
		stream_run_idle(run, true);
	if ((run->server_ends || clock_monotonic() - run->feedback_at >= STREAM_PROMPT_FEEDBACK) &&
		!stream_run_feedback(run))
		stream_run_fail(run, &run->err);
}

/* ---- feedback ---- */

bool
stream_run_feedback(StreamRun *run)
{
	Ledger *ledger = &run->worker->ledger;
	Lsn received = source_stream_received(run->stream);
	Lsn durable = ledger_acknowledge(ledger);

	run->feedback_at = clock_monotonic();
	run->feedback->due = run->feedback_at + source_stream_feedback_interval(run->stream);
	atomic_store(&run->worker->counters.received_lsn, received);
	if (!source_stream_feedback(run->stream, received, durable, &run->err))
		return false;
	GP_DEBUG_POINT("stream_loop.acknowledged");
	return true;
}

static bool
stream_run_blocked(const StreamRun *run)
{
	return run->has_event && run->pipeline->delivery.nfree == 0 && run->batch == NULL;
}

static void
stream_run_on_feedback(void *context)
{
	StreamRun *run = context;
	int64_t timeout = run->pipeline->identity.wal_sender_timeout;
	int64_t silent = clock_monotonic() - source_stream_last_byte(run->stream);

	if (!stream_run_feedback(run))
		stream_run_fail(run, &run->err);
	stream_run_idle(run, false);
	if (timeout > 0 && silent > 2 * timeout && !stream_run_blocked(run))
	{
		(void) err_set(&run->err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
					   "the server has been silent for %d s", (int) (silent / CLOCK_SECOND));
		stream_run_fail(run, &run->err);
	}
	/* A server that shuts down ends that session first, and the stream only when all is
	 * acknowledged: no rival can come meanwhile. */
	if (!run->server_ends && !source_lock_held(run->worker->lock))
	{
		(void) err_set(&run->err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
					   "lost the session that holds the lock of slot \"%s\"",
					   run->worker->source.slot);
		stream_run_fail(run, &run->err);
	}
}

/* ---- timers and descriptors ---- */

static void
stream_run_on_age(void *context)
{
	StreamRun *run = context;

	if (run->batch == NULL || run->batch->log.count == 0)
		return;
	if (run->transaction.open)
		run->aged = true;
	else
		stream_run_hand(run);
}

static void
stream_run_on_patience(void *context)
{
	StreamRun *run = context;

	/* The log is down and the DBA waits: what is not acknowledged will be sent again. Nothing in
	 * flight is waited for any longer. */
	run->log_failed = true;
	(void) err_set(&run->err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
				   "the server shuts down and the log did not take what was read: closing the "
				   "connection");
	stream_run_fail(run, &run->err);
}

static void
stream_run_on_socket(void *context)
{
	StreamRun *run = context;

	run->exhausted = false;
	/* Not reading, but what is to be sent must leave. */
	if ((run->draining || stream_run_blocked(run)) && source_stream_wants_write(run->stream) &&
		!stream_run_feedback(run))
		stream_run_fail(run, &run->err);
}

static void
stream_run_on_wake(void *context)
{
	StreamRun *run = context;

	stream_worker_woken(run->worker);
	if (atomic_load(&run->worker->stop))
		stream_run_drain(run, "told to stop");
	else if (atomic_load(&run->worker->next_mapping) != NULL)
		stream_run_drain(run, "takes another mapping");
}

/* ---- filling ---- */

static void
stream_run_fill(StreamRun *run)
{
	for (int i = 0; i < STREAM_EVENTS_PER_STEP && !run->draining && !run->failed; i++)
	{
		StreamStep step;

		if (!run->has_event && !source_stream_next(run->stream, &run->event, &run->err))
		{
			stream_run_fail(run, &run->err);
			return;
		}
		run->has_event = run->event.kind != SOURCE_NOTHING;
		if (!run->has_event)
		{
			run->exhausted = true;
			return;
		}
		step = stream_event_handle(run);
		if (step == STREAM_STEP_WAIT)
			return;
		run->has_event = false;
		if (step == STREAM_STEP_FAILED)
			stream_run_fail(run, &run->err);
		/* A server that shuts down asks again after each answer, without end: the timer that
		 * ends this must have its turn. */
		if (run->event.kind == SOURCE_KEEPALIVE || run->event.kind == SOURCE_SHUTDOWN)
			return;
	}
}

static void
stream_run_reached(StreamRun *run)
{
	Lsn reached = run->keepalive > run->position.end_lsn ? run->keepalive : run->position.end_lsn;

	if (run->worker->target != LSN_INVALID && reached >= run->worker->target &&
		!run->transaction.open && !run->has_event)
		stream_run_drain(run, "caught up");
}

/* ---- draining ---- */

void
stream_run_drain(StreamRun *run, const char *why)
{
	int64_t deadline = atomic_load(&run->worker->stop_deadline);

	if (run->draining)
	{
		run->drain_deadline = deadline != 0 ? deadline : run->drain_deadline;
		return;
	}
	stream_worker_set_state(run->worker, STREAM_DRAINING, why);
	run->draining = true;
	run->drain_deadline =
		deadline != 0 ? deadline : clock_monotonic() + run->worker->config->shutdown_timeout;
	/* Up to the last commit boundary; the rest comes again. */
	stream_event_forget(run);
	run->has_event = false;
	if (run->batch != NULL && run->batch->log.count > 0)
		stream_run_hand(run);
	else if (run->worker->ledger.in_flight == 0)
		ledger_skipped(&run->worker->ledger);
}

static void
stream_run_check_drain(StreamRun *run)
{
	if (!run->draining || run->failed)
		return;
	if (run->worker->ledger.in_flight == 0)
	{
		/* Runs that only ever catch up must release the source's log too. */
		if (run->worker->target != LSN_INVALID && !run->last_progress)
		{
			run->last_progress = true;
			ledger_skipped(&run->worker->ledger);
			stream_run_idle(run, true);
			if (run->worker->ledger.in_flight > 0)
				return;
		}
		run->finished = true;
		return;
	}
	/* Catching up has no deadline of its own, only being told to stop has. */
	if (clock_monotonic() < run->drain_deadline || !stream_worker_interrupted(run->worker))
		return;
	report_warning(run->worker->source.name,
				   "the log did not take what was in flight in time: giving it up, the next start "
				   "publishes it");
	run->finished = true;
}

/* The last feedback should leave: it spares the next start what the log has. */
static void
stream_run_last_word(StreamRun *run)
{
	struct pollfd socket = {.fd = source_stream_socket(run->stream), .events = POLLOUT};
	Err ignored; /* the connection may be what failed */

	for (int i = 0; i < 10; i++)
	{
		if (!source_stream_feedback(run->stream, source_stream_received(run->stream),
									ledger_acknowledge(&run->worker->ledger), &ignored) ||
			!source_stream_wants_write(run->stream))
			return;
		(void) poll(&socket, 1, STREAM_LAST_WORD_TIMEOUT / 10);
	}
}

/* After the source failed: what is in flight may still become durable. */
static void
stream_run_settle_rest(StreamRun *run)
{
	StreamDelivery *delivery = &run->pipeline->delivery;
	int64_t deadline = clock_monotonic() + run->worker->config->shutdown_timeout;

	if (run->log_failed)
		return;
	/* Whole transactions before the one that failed are as good as any. */
	stream_event_forget(run);
	if (run->batch != NULL && run->batch->log.count > 0)
		stream_run_hand(run);
	while (run->worker->ledger.in_flight > 0 && clock_monotonic() < deadline &&
		   !stream_worker_interrupted(run->worker))
	{
		StreamBatch *batch = queue_wait(&delivery->done, STREAM_PROMPT_FEEDBACK);

		if (batch != NULL && !batch->delivered)
			return;
		if (batch != NULL)
			stream_run_settled(run, batch);
	}
}

/* ---- the run ---- */

static void
stream_run_start(StreamRun *run)
{
	StreamPipeline *pipeline = run->pipeline;
	LoopWatch *watch;

	loop_init(&run->loop);
	run->socket = loop_add_watch(&run->loop, stream_run_on_socket, run);
	run->socket->descriptor = source_stream_socket(run->stream);
	watch = loop_add_watch(&run->loop, stream_run_on_done, run);
	watch->descriptor = queue_descriptor(&pipeline->delivery.done);
	watch->events = POLLIN;
	watch = loop_add_watch(&run->loop, stream_run_on_wake, run);
	watch->descriptor = run->worker->wake;
	watch->events = POLLIN;
	run->feedback = loop_add_timer(&run->loop, stream_run_on_feedback, run);
	run->age = loop_add_timer(&run->loop, stream_run_on_age, run);
	run->patience = loop_add_timer(&run->loop, stream_run_on_patience, run);
	run->progressed_at = clock_monotonic();
	run->feedback->due = run->progressed_at + source_stream_feedback_interval(run->stream);
}

static void
stream_run_turn(StreamRun *run)
{
	bool blocked = stream_run_blocked(run);
	bool reads = !run->draining && !blocked;
	bool ready = reads && (!run->exhausted || run->has_event);

	run->socket->events =
		(short) ((reads ? POLLIN : 0) | (source_stream_wants_write(run->stream) ? POLLOUT : 0));
	loop_step(&run->loop, ready ? 0 : STREAM_LOOP_WAIT);
	if (!run->draining && !run->failed && !(run->exhausted && !run->has_event))
		stream_run_fill(run);
	if (!run->draining && !run->failed)
	{
		stream_run_prompt(run);
		stream_run_reached(run);
	}
	stream_run_check_drain(run);
	atomic_store(&run->worker->counters.caught_up,
				 run->exhausted && run->worker->ledger.in_flight == 0 && run->batch == NULL);
}

static bool
stream_run_loop(StreamRun *run)
{
	stream_run_start(run);
	stream_run_on_wake(run);
	while (!run->finished && !run->failed)
		stream_run_turn(run);
	if (run->failed)
		stream_run_settle_rest(run);
	stream_run_last_word(run);
	return !run->failed;
}

static void
stream_run_init_ledger(StreamWorker *worker, Lsn durable)
{
	Lsn acknowledged = worker->ledger.acknowledged;

	ledger_init(&worker->ledger, durable);
	worker->ledger.acknowledged = acknowledged;
	ledger_connected(&worker->ledger);
	atomic_store(&worker->counters.durable_lsn, durable);
}

bool
stream_loop_run(StreamPipeline *pipeline, Err *err)
{
	StreamWorker *worker = pipeline->worker;
	StreamRun run = {.pipeline = pipeline, .worker = worker};
	Lsn start = pipeline->progress.end_lsn;
	char at[LSN_TEXT_SIZE];
	bool done = false;

	run.position = stream_pipeline_position(&pipeline->progress);
	stream_run_init_ledger(worker, start);
	if (!stream_pipeline_start_delivery(pipeline, err))
		return false;
	if (!stream_pipeline_init_plans(pipeline, err))
	{
		stream_delivery_stop(&pipeline->delivery, true, err);
		return false;
	}
	run.stream =
		source_stream_open(&worker->source, pipeline->tables, pipeline->ntables, start, err);
	if (run.stream != NULL)
	{
		report_info(worker->source.name, "streaming from %s", lsn_format(start, at));
		done = stream_run_loop(&run);
		if (!done)
			*err = run.err;
	}
	stream_delivery_stop(&pipeline->delivery, worker->ledger.in_flight > 0, err);
	stream_plans_release(&pipeline->plans);
	if (run.stream != NULL)
		source_stream_close(run.stream);
	return done;
}
