/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream.c — the process: starts a worker per source, listens to signals, tells systemd and the
 * terminal, ends when all have ended.
 *
 * Workers share nothing but configuration and counters, so one that hangs cannot hold up
 * another; this thread only looks at counters and never waits for a worker but at the end.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"
#include "goldpan/report.h"
#include "goldpan/signals.h"
#include "stream/stream_priv.h"

typedef struct StreamProcess
{
	const StreamConfig *config;
	Signals signals;
	StreamWorker *workers;
	size_t nworkers;
	const Mapping *mapping; /* the one that new starts would use */
	int notify;
	bool ready;
	bool stopping;
	bool terminal;
	bool line_open; /* a progress line without its end is on the terminal */
	int64_t watchdog;
	int64_t watchdog_due;
	int64_t line_due;
	int64_t line_at;
	uint64_t *line_rows; /* of each worker at the last line */
} StreamProcess;

static bool stream_process_start(StreamProcess *process, Err *err);
static void stream_process_loop(StreamProcess *process);
static void stream_process_stop(StreamProcess *process);
static bool stream_process_end(StreamProcess *process, Err *err);

bool
stream_run(const StreamConfig *config, Err *err)
{
	StreamProcess process = {.config = config, .mapping = config->mapping, .notify = -1};
	uint64_t watchdog = 0;
	bool done = false;

	if (!signals_open(&process.signals, err))
		return false;
	process.terminal = isatty(STDERR_FILENO) == 1;
	if (sd_watchdog_enabled(0, &watchdog) > 0)
		process.watchdog = (int64_t) watchdog / 2;
	if (stream_process_start(&process, err))
	{
		stream_process_loop(&process);
		done = stream_process_end(&process, err);
	}
	signals_close(&process.signals);
	return done;
}

/* ---- workers ---- */

static bool
stream_worker_asked_to_stop(void *context)
{
	return stream_worker_interrupted(context);
}

static bool
stream_worker_init(StreamWorker *worker, StreamProcess *process, const SourceConfig *source,
				   StreamMapping *mapping, Err *err)
{
	worker->config = process->config;
	worker->source = *source;
	worker->source.stop_requested = stream_worker_asked_to_stop;
	worker->source.stop_context = worker;
	worker->state = STREAM_CONNECTING;
	worker->mapping = mapping;
	(void) atomic_fetch_add(&mapping->users, 1);
	worker->notify = process->notify;
	(void) pthread_mutex_init(&worker->opening_mutex, NULL);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake < 0)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "could not create an eventfd");
	if (pthread_create(&worker->thread, NULL, stream_worker_run, worker) != 0)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "could not start a thread for source \"%s\"",
					   source->name);
	worker->started = true;
	return true;
}

static StreamMapping *
stream_mapping_new(const Mapping *mapping, bool owned, int users)
{
	StreamMapping *shared = alloc_zero(sizeof(*shared));

	if (shared == NULL)
		return NULL;
	shared->mapping = mapping;
	shared->owned = owned;
	atomic_init(&shared->users, users);
	return shared;
}

/* What the process needs besides its workers. */
static bool
stream_process_allocate(StreamProcess *process, Err *err)
{
	process->workers = alloc_zero(process->config->nsources * sizeof(StreamWorker));
	process->line_rows = alloc_zero(process->config->nsources * sizeof(uint64_t));
	process->notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (process->workers != NULL && process->line_rows != NULL && process->notify >= 0)
		return true;
	alloc_free(process->workers);
	alloc_free(process->line_rows);
	if (process->notify >= 0)
		(void) close(process->notify);
	return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory starting the streamer");
}

static bool
stream_process_start(StreamProcess *process, Err *err)
{
	const StreamConfig *config = process->config;
	StreamMapping *mapping;
	bool done = true;

	if (!stream_process_allocate(process, err))
		return false;
	mapping = stream_mapping_new(config->mapping, false, 1);
	if (mapping == NULL)
		done = err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory starting the streamer");
	for (size_t i = 0; done && i < config->nsources; i++)
	{
		process->nworkers++;
		done = stream_worker_init(&process->workers[i], process, &config->sources[i], mapping, err);
	}
	if (mapping != NULL)
		stream_mapping_release(mapping);
	if (!done)
	{
		Err ignored;

		stream_process_stop(process);
		(void) stream_process_end(process, &ignored);
	}
	return done;
}

static void
stream_process_stop(StreamProcess *process)
{
	int64_t deadline = clock_monotonic() + process->config->shutdown_timeout;

	process->stopping = true;
	(void) sd_notify(0, "STOPPING=1\nSTATUS=publishing what is in flight");
	for (size_t i = 0; i < process->nworkers; i++)
	{
		StreamWorker *worker = &process->workers[i];

		atomic_store(&worker->stop_deadline, deadline);
		atomic_store(&worker->stop, true);
		if (worker->started)
			stream_worker_wake(worker);
	}
}

/* The worker has reported its error with the cure; here it only gives the exit status. */
static void
stream_process_summary(const StreamWorker *worker, Err *err)
{
	(void) err_set(err, worker->err.class, worker->err.code, "source \"%s\" stopped: %s",
				   worker->source.name, err_code_doc(worker->err.code));
}

/* Joins all; the first worker that stopped in a named state gives the error. */
static bool
stream_process_end(StreamProcess *process, Err *err)
{
	bool done = true;

	for (size_t i = 0; i < process->nworkers; i++)
	{
		StreamWorker *worker = &process->workers[i];
		StreamMapping *next;

		if (worker->started)
			(void) pthread_join(worker->thread, NULL);
		if (worker->failed && done)
		{
			stream_process_summary(worker, err);
			done = false;
		}
		next = atomic_load(&worker->next_mapping);
		if (next != NULL)
			stream_mapping_release(next);
		if (worker->mapping != NULL)
			stream_mapping_release(worker->mapping);
		if (worker->wake > 0)
			(void) close(worker->wake);
		(void) pthread_mutex_destroy(&worker->opening_mutex);
	}
	if (process->notify >= 0)
		(void) close(process->notify);
	alloc_free(process->workers);
	alloc_free(process->line_rows);
	return done;
}

/* ---- reload ---- */

static bool
stream_table_listed(const SourceTable *tables, size_t ntables, const SourceTable *wanted)
{
	for (size_t i = 0; i < ntables; i++)
		if (strcmp(tables[i].schema, wanted->schema) == 0 &&
			strcmp(tables[i].name, wanted->name) == 0)
			return true;
	return false;
}

/* A newly mapped table has rows that nobody copied: it waits for copies on demand. */
static bool
stream_reload_check(const StreamProcess *process, const Mapping *next, Arena *arena, Err *err)
{
	for (size_t i = 0; i < process->config->nsources; i++)
	{
		const char *source = process->config->sources[i].name;
		SourceTable *before;
		SourceTable *after;
		size_t nbefore;
		size_t nafter;

		if (!stream_source_tables(process->mapping, source, arena, &before, &nbefore, err) ||
			!stream_source_tables(next, source, arena, &after, &nafter, err))
			return false;
		if (nafter == 0)
			return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
						   "could not take the new mapping: it maps nothing of source \"%s\"",
						   source);
		for (size_t j = 0; j < nafter; j++)
		{
			if (stream_table_listed(before, nbefore, &after[j]))
				continue;
			(void) err_set(err, ERR_CLASS_USAGE, ERR_NOT_COPIED,
						   "could not take the new mapping: table %s of source \"%s\" is new in "
						   "it, and its rows of before are not in the log",
						   stream_table_text(arena, after[j].schema, after[j].name, err), source);
			return err_hint(err, "The mapping of before stays in use. Take the table out, or stop, "
								 "drop the source's slot and start with --copy-again.");
		}
	}
	return true;
}

static void
stream_process_reload(StreamProcess *process)
{
	const StreamConfig *config = process->config;
	StreamMapping *shared = NULL;
	Mapping *next;
	Arena arena;
	Err err;

	if (config->reload_mapping == NULL)
		return;
	(void) sd_notify(0, "STATUS=reading the mapping");
	err_clear(&err);
	arena_init(&arena, (size_t) 16 << 20);
	next = config->reload_mapping(config->reload_context, &err);
	if (next != NULL && stream_reload_check(process, next, &arena, &err))
		shared = stream_mapping_new(next, true, (int) process->nworkers + 1);
	arena_release(&arena);
	if (shared == NULL)
	{
		if (err.code != ERR_OK)
			report_err(REPORT_ERROR, "reload", &err);
		if (next != NULL)
			mapping_free(next);
		return;
	}
	process->mapping = next;
	for (size_t i = 0; i < process->nworkers; i++)
	{
		StreamMapping *unused = atomic_exchange(&process->workers[i].next_mapping, shared);

		if (unused != NULL)
			stream_mapping_release(unused);
		stream_worker_wake(&process->workers[i]);
	}
	stream_mapping_release(shared);
}

/* ---- what it tells ---- */

static StreamState
stream_worker_state(const StreamWorker *worker)
{
	return (StreamState) atomic_load(&worker->counters.state);
}

/* Ready when each source has been tried once: one that is down must not hold up the others. */
static void
stream_process_ready(StreamProcess *process)
{
	if (process->ready)
		return;
	for (size_t i = 0; i < process->nworkers; i++)
	{
		StreamState state = stream_worker_state(&process->workers[i]);

		if (state == STREAM_CONNECTING || state == STREAM_READING_PROGRESS ||
			state == STREAM_CHECKING_POSITION)
			return;
	}
	process->ready = true;
	(void) sd_notifyf(0, "READY=1\nSTATUS=%zu sources", process->nworkers);
}

/* One source's part of the progress line: "crm 1234/s 0.2 s". */
static void
stream_process_part(StreamProcess *process, size_t i, double seconds, char *text, size_t size)
{
	const StreamWorker *worker = &process->workers[i];
	const StreamCounters *counters = &worker->counters;
	StreamState state = stream_worker_state(worker);
	uint64_t rows = atomic_load(&counters->rows);
	double rate = seconds > 0 ? (double) (rows - process->line_rows[i]) / seconds : 0;
	int64_t commit_time = atomic_load(&counters->commit_time);
	double lag = 0;

	process->line_rows[i] = rows;
	if (commit_time != 0 && !atomic_load(&counters->caught_up))
		lag = (double) (clock_wall() - commit_time) / (double) CLOCK_SECOND;
	if (state == STREAM_STREAMING)
		(void) snprintf(text, size, "%s %" PRIu64 " rows %.0f/s lag %.1f s", worker->source.name,
						rows, rate, lag > 0 ? lag : 0);
	else
		(void) snprintf(text, size, "%s %" PRIu64 " rows %.0f/s %s", worker->source.name, rows,
						rate, stream_state_name(state));
}

static void
stream_process_line(StreamProcess *process, int64_t now)
{
	double seconds = (double) (now - process->line_at) / (double) CLOCK_SECOND;
	char line[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < process->nworkers; i++)
	{
		char part[160];

		stream_process_part(process, i, seconds, part, sizeof(part));
		if (length + strlen(part) + 4 < sizeof(line))
			length += (size_t) snprintf(line + length, sizeof(line) - length, "%s%s",
										i == 0 ? "" : " | ", part);
	}
	process->line_at = now;
	if (process->terminal)
	{
		(void) fprintf(stderr, "\r%s\033[K", line);
		process->line_open = true;
	}
	(void) sd_notifyf(0, "STATUS=%s", line);
}

static void
stream_process_tell(StreamProcess *process)
{
	int64_t now = clock_monotonic();

	stream_process_ready(process);
	if (now >= process->line_due)
	{
		stream_process_line(process, now);
		process->line_due = now + CLOCK_SECOND;
	}
	if (process->watchdog > 0 && now >= process->watchdog_due)
	{
		(void) sd_notify(0, "WATCHDOG=1");
		process->watchdog_due = now + process->watchdog;
	}
}

/* ---- the loop ---- */

/* Whether each worker has ended, or waits in a named state for a person. */
static bool
stream_process_all_ended(const StreamProcess *process)
{
	for (size_t i = 0; i < process->nworkers; i++)
	{
		const StreamWorker *worker = &process->workers[i];
		StreamState state = stream_worker_state(worker);

		if (state == STREAM_STOPPED && atomic_load(&worker->next_mapping) == NULL)
			continue;
		if (state != STREAM_FINISHED)
			return false;
	}
	return true;
}

static void
stream_process_signals(StreamProcess *process)
{
	int signal_number;

	while ((signal_number = signals_next(&process->signals)) != 0)
	{
		if (signal_number == SIGHUP && !process->stopping)
			stream_process_reload(process);
		else if (signal_number != SIGHUP && !process->stopping)
			stream_process_stop(process);
	}
}

static void
stream_process_loop(StreamProcess *process)
{
	struct pollfd polled[] = {{.fd = process->signals.descriptor, .events = POLLIN},
							  {.fd = process->notify, .events = POLLIN}};
	uint64_t count;

	process->line_at = clock_monotonic();
	process->line_due = process->line_at + CLOCK_SECOND;
	while (!stream_process_all_ended(process))
	{
		int64_t wait = process->line_due - clock_monotonic();

		if (process->watchdog > 0 && process->watchdog < wait)
			wait = process->watchdog;
		(void) poll(polled, 2, wait < 0 ? 0 : (int) ((wait + 999) / 1000));
		if (read(process->notify, &count, sizeof(count)) < 0)
			count = 0; /* nobody wrote */
		stream_process_signals(process);
		stream_process_tell(process);
	}
	if (process->line_open)
		(void) fputc('\n', stderr);
	if (!process->stopping)
		stream_process_stop(process);
}
