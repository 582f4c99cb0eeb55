/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_worker.c — one source from start to end: drives the states, decides on errors.
 *
 * An attempt opens a pipeline, copies if need be, streams, and releases everything again; the
 * next attempt starts from what the log says, never from memory. What an attempt ends with is
 * decided by the error's class: RETRY waits and tries again, with growing delays; anything
 * else stops in the state that the error names, until a reload or the end. A source that
 * the server cannot decode is tried a few times, then it is poison (Y4).
 */
#include "stream/stream_priv.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"
#include "goldpan/report.h"

#define STREAM_POISON_TRIES	  3
#define STREAM_REPORT_PERIOD  (60 * CLOCK_SECOND)
#define STREAM_FORGIVE_PERIOD (60 * CLOCK_SECOND)

/* ---- what others tell it ---- */

bool
stream_worker_interrupted(const StreamWorker *worker)
{
	/* A copy is not given up for another mapping: it is taken right after. */
	return atomic_load(&worker->stop) ||
		   (atomic_load(&worker->next_mapping) != NULL && worker->state != STREAM_COPYING);
}

void
stream_worker_woken(StreamWorker *worker)
{
	uint64_t count;

	if (read(worker->wake, &count, sizeof(count)) < 0)
		return; /* nobody woke it */
}

void
stream_worker_wake(StreamWorker *worker)
{
	const uint64_t one = 1;

	(void) pthread_mutex_lock(&worker->opening_mutex);
	if (worker->opening != NULL && stream_worker_interrupted(worker))
		worker->opening->ops->interrupt(worker->opening);
	(void) pthread_mutex_unlock(&worker->opening_mutex);
	if (write(worker->wake, &one, sizeof(one)) < 0)
		return; /* the counter is full: it will wake anyway */
}

static void
stream_worker_notify(const StreamWorker *worker)
{
	const uint64_t one = 1;

	if (write(worker->notify, &one, sizeof(one)) < 0)
		return; /* the counter is full: the process will look anyway */
}

void
stream_mapping_release(StreamMapping *mapping)
{
	if (atomic_fetch_sub(&mapping->users, 1) > 1)
		return;
	if (mapping->owned)
		mapping_free((Mapping *) (uintptr_t) mapping->mapping);
	alloc_free(mapping);
}

static void
stream_worker_adopt(StreamWorker *worker)
{
	StreamMapping *next = atomic_exchange(&worker->next_mapping, NULL);

	if (next == NULL)
		return;
	stream_mapping_release(worker->mapping);
	worker->mapping = next;
	report_info(worker->source.name, "mapping version %s is in use",
				mapping_version(next->mapping));
}

/* ---- an attempt ---- */

/* Which tables bear the mapped names now. */
static bool
stream_worker_look_at_tables(StreamPipeline *pipeline, Err *err)
{
	size_t count = pipeline->ntables;
	Relation *relations = arena_zero(&pipeline->arena, (count + 1) * sizeof(Relation), err);
	bool *exists = arena_zero(&pipeline->arena, (count + 1) * sizeof(bool), err);

	if (relations == NULL || exists == NULL ||
		!source_catalog(&pipeline->worker->source, &pipeline->arena, pipeline->tables, count,
						relations, exists, err))
		return false;
	for (size_t i = 0; i < count; i++)
		pipeline->table_ids[i] = exists[i] ? relations[i].id : 0;
	return true;
}

static bool
stream_worker_position(StreamPipeline *pipeline, StreamDecision *decision, Err *err)
{
	const StreamWorker *worker = pipeline->worker;
	const Progress *progress = &pipeline->progress;
	StreamPositionInput input = {.source = worker->source.name,
								 .slot_name = worker->source.slot,
								 .progress = progress,
								 .identity = &pipeline->identity,
								 .slot = &pipeline->slot,
								 .tables = pipeline->table_names,
								 .table_ids = pipeline->table_ids,
								 .ntables = pipeline->ntables,
								 .key_schema_id = pipeline->writer->key_schema_id,
								 .copy_again = worker->config->copy_again};

	if (progress->sequence > 0 &&
		progress->system_identifier == pipeline->identity.system_identifier &&
		progress->timeline < pipeline->identity.timeline &&
		!source_timeline_end(&worker->source, progress->timeline, &input.switch_lsn, err))
		return false;
	return stream_worker_look_at_tables(pipeline, err) &&
		   stream_position_decide(&input, decision, err);
}

static bool
stream_worker_open(StreamPipeline *pipeline, Err *err)
{
	StreamWorker *worker = pipeline->worker;
	bool done;

	if (!stream_pipeline_connect(pipeline, err))
		return false;
	if (worker->config->until_current && worker->target == LSN_INVALID)
		worker->target = stream_position_target(pipeline->identity.insert_lsn);
	stream_worker_set_state(worker, STREAM_READING_PROGRESS, "the source answers");
	done = stream_pipeline_read_progress(pipeline, err);
	/* Between the two questions a predecessor may have moved the slot. */
	if (done)
		done = source_identify(&worker->source, &pipeline->identity, &pipeline->slot, err);
	if (done)
		stream_worker_set_state(worker, STREAM_CHECKING_POSITION, "the log answers");
	return done;
}

static bool
stream_worker_attempt(StreamWorker *worker, Err *err)
{
	StreamPipeline pipeline = {.worker = worker};
	StreamDecision decision = STREAM_DECIDE_STREAM;
	bool done = false;

	if (!stream_worker_open(&pipeline, err) || !stream_worker_position(&pipeline, &decision, err))
		goto out;
	if (decision == STREAM_DECIDE_COPY)
	{
		stream_worker_set_state(worker, STREAM_COPYING, "the log holds no complete copy");
		stream_worker_notify(worker);
		if (!stream_snapshot_run(&pipeline, err))
			goto out;
	}
	stream_worker_set_state(worker, STREAM_STREAMING, "progress and slot agree");
	stream_worker_notify(worker);
	done = stream_loop_run(&pipeline, err);
out:
	stream_pipeline_release(&pipeline);
	return done;
}

/* ---- errors ---- */

/* Uniform in 3/4 … 5/4 of the delay: many workers must not come back in one moment. */
static int64_t
stream_worker_jitter(StreamWorker *worker, int64_t delay)
{
	worker->random = worker->random * 1664525u + 1013904223u;
	return delay - delay / 4 + (int64_t) ((worker->random >> 8) % 1024) * (delay / 2) / 1024;
}

static bool
stream_worker_is_poison(StreamWorker *worker, const Err *err)
{
	if (err->code != ERR_POISON)
		return false;
	return ++worker->poisoned >= STREAM_POISON_TRIES;
}

/* Whether the error leaves hope; reports it when it is news. */
static bool
stream_worker_may_retry(StreamWorker *worker, const Err *err)
{
	const StreamConfig *config = worker->config;
	uint64_t batches = atomic_load(&worker->counters.batches);
	int64_t now = clock_monotonic();

	if (err->class != ERR_CLASS_RETRY && err->code != ERR_POISON)
		return false;
	/* Anything that became durable means that it works again. */
	if (batches > worker->batches_before || worker->failing_since == 0)
	{
		worker->failing_since = now;
		worker->retry_delay = config->retry_min;
		worker->poisoned = 0;
		worker->reported_at = 0;
	}
	worker->batches_before = batches;
	if (stream_worker_is_poison(worker, err))
		return false;
	/* Nobody waits for ever for a run that is to end by itself. */
	if (config->until_current && now - worker->failing_since >= config->retry_max)
		return false;
	if (worker->reported_at == 0 || now - worker->reported_at >= STREAM_REPORT_PERIOD ||
		atomic_load(&worker->counters.code) != (int) err->code)
	{
		report_err(REPORT_WARNING, worker->source.name, err);
		worker->reported_at = now;
	}
	atomic_store(&worker->counters.code, (int) err->code);
	return true;
}

/* Sleeps until woken, or for the time given (-1: for ever). */
static void
stream_worker_sleep(StreamWorker *worker, int64_t wait_us)
{
	int64_t end = clock_monotonic() + wait_us;
	struct pollfd wake = {.fd = worker->wake, .events = POLLIN};

	while (!stream_worker_interrupted(worker))
	{
		int64_t left = end - clock_monotonic();

		if (wait_us >= 0 && left <= 0)
			return;
		(void) poll(&wake, 1, wait_us < 0 ? -1 : (int) ((left + 999) / 1000));
		stream_worker_woken(worker);
	}
}

static void
stream_worker_wait(StreamWorker *worker, const Err *err)
{
	stream_worker_set_state(worker, STREAM_WAITING, err->message);
	stream_worker_notify(worker);
	stream_worker_sleep(worker, stream_worker_jitter(worker, worker->retry_delay));
	worker->retry_delay = worker->retry_delay * 2 < worker->config->retry_max
							  ? worker->retry_delay * 2
							  : worker->config->retry_max;
}

/* A named state: reports it, and waits for a reload or the end. */
static void
stream_worker_halt(StreamWorker *worker, const Err *err)
{
	report_err(REPORT_ERROR, worker->source.name, err);
	atomic_store(&worker->counters.code, (int) err->code);
	worker->err = *err;
	worker->failed = true;
	if (worker->lock != NULL)
	{
		source_unlock(worker->lock);
		worker->lock = NULL;
	}
	stream_worker_set_state(worker, STREAM_STOPPED, err_code_name(err->code));
	stream_worker_notify(worker);
	stream_worker_sleep(worker, -1);
}

/* True: try again. */
static bool
stream_worker_after(StreamWorker *worker, bool done, const Err *err)
{
	if (!done && !atomic_load(&worker->stop) &&
		(atomic_load(&worker->next_mapping) == NULL || worker->state == STREAM_COPYING))
	{
		if (stream_worker_may_retry(worker, err))
			stream_worker_wait(worker, err);
		else
			stream_worker_halt(worker, err);
	}
	if (atomic_load(&worker->stop))
		return false;
	return !done || atomic_load(&worker->next_mapping) != NULL;
}

void *
stream_worker_run(void *context)
{
	StreamWorker *worker = context;
	bool again = true;

	worker->random = (uint32_t) clock_wall() ^ (uint32_t) getpid();
	atomic_store(&worker->counters.state, (int) worker->state);
	while (again)
	{
		Err err;
		bool done;

		err_clear(&err);
		stream_worker_adopt(worker);
		done = stream_worker_attempt(worker, &err);
		again = stream_worker_after(worker, done, &err);
		if (again)
		{
			/* Another mapping came in the middle of an attempt that failed with it. */
			if (worker->state != STREAM_DRAINING && worker->state != STREAM_WAITING &&
				worker->state != STREAM_STOPPED)
				stream_worker_set_state(worker, STREAM_WAITING, "takes another mapping");
			worker->failed = false;
			stream_worker_set_state(worker, STREAM_CONNECTING, "next attempt");
		}
	}
	if (worker->lock != NULL)
		source_unlock(worker->lock);
	worker->lock = NULL;
	stream_worker_set_state(worker, STREAM_FINISHED, "ended");
	stream_worker_notify(worker);
	return NULL;
}
