/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_state.c — the states of a worker as a table.
 *
 * The table is the truth: a transition that it lacks is a defect and aborts, and the
 * diagram that people see is printed from it.
 */
#include "stream/stream_priv.h"

#include <assert.h>

#include "goldpan/report.h"

typedef struct StreamStateRow
{
	const char *name;
	const char *doc;
	unsigned follow; /* bit per state that may follow */
} StreamStateRow;

#define TO(state) (1u << (state))

static const StreamStateRow stream_states[STREAM_STATE_COUNT] = {
	[STREAM_CONNECTING] = {"connecting", "takes the source's lock, asks who the server is",
						   TO(STREAM_READING_PROGRESS) | TO(STREAM_WAITING) | TO(STREAM_STOPPED) |
							   TO(STREAM_FINISHED)},
	[STREAM_READING_PROGRESS] = {"reading progress",
								 "opens the log, fences a predecessor, reads the last position",
								 TO(STREAM_CHECKING_POSITION) | TO(STREAM_WAITING) |
									 TO(STREAM_STOPPED) | TO(STREAM_FINISHED)},
	[STREAM_CHECKING_POSITION] = {"checking position", "compares progress, server and slot",
								  TO(STREAM_COPYING) | TO(STREAM_STREAMING) | TO(STREAM_WAITING) |
									  TO(STREAM_STOPPED) | TO(STREAM_FINISHED)},
	[STREAM_COPYING] = {"copying", "reads the first snapshot and makes the slot",
						TO(STREAM_STREAMING) | TO(STREAM_WAITING) | TO(STREAM_STOPPED) |
							TO(STREAM_FINISHED)},
	[STREAM_STREAMING] = {"streaming", "reads changes and publishes them",
						  TO(STREAM_DRAINING) | TO(STREAM_WAITING) | TO(STREAM_STOPPED) |
							  TO(STREAM_FINISHED)},
	[STREAM_DRAINING] = {"draining", "reads no more, publishes what is in flight",
						 TO(STREAM_CONNECTING) | TO(STREAM_WAITING) | TO(STREAM_STOPPED) |
							 TO(STREAM_FINISHED)},
	[STREAM_WAITING] = {"waiting", "waits before the next try",
						TO(STREAM_CONNECTING) | TO(STREAM_STOPPED) | TO(STREAM_FINISHED)},
	[STREAM_STOPPED] = {"stopped",
						"ended in a named state that a person must look at; "
						"a reload tries again",
						TO(STREAM_CONNECTING) | TO(STREAM_FINISHED)},
	[STREAM_FINISHED] = {"finished", "ended as told", 0},
};

#undef TO

const char *
stream_state_name(StreamState state)
{
	return stream_states[state].name;
}

bool
stream_state_may_follow(StreamState from, StreamState to)
{
	return (stream_states[from].follow >> to & 1) != 0;
}

void
stream_worker_set_state(StreamWorker *worker, StreamState state, const char *why)
{
	assert(stream_state_may_follow(worker->state, state));
	report_debug(worker->source.name, "%s -> %s: %s", stream_state_name(worker->state),
				 stream_state_name(state), why);
	worker->state = state;
	atomic_store(&worker->counters.state, (int) state);
}

bool
stream_states_print(Buffer *out, Err *err)
{
	for (int from = 0; from < STREAM_STATE_COUNT; from++)
	{
		const char *separator = "    -> ";

		if (!buffer_printf(out, err, "%s: %s\n", stream_states[from].name, stream_states[from].doc))
			return false;
		for (int to = 0; to < STREAM_STATE_COUNT; to++)
		{
			if (!stream_state_may_follow((StreamState) from, (StreamState) to))
				continue;
			if (!buffer_printf(out, err, "%s%s", separator, stream_states[to].name))
				return false;
			separator = " | ";
		}
		if (!buffer_append_text(out, separator[0] == ' ' && separator[1] == '|' ? "\n" : "", err))
			return false;
	}
	return true;
}
