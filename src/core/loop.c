/* SPDX-License-Identifier: PostgreSQL */
/*
 * loop.c — one thread's poll loop.
 *
 * poll() suffices for a handful of descriptors. Errors and hang-ups of a descriptor
 * wake its handler too: reading it tells what happened.
 */
#include "goldpan/loop.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

#include "goldpan/clock.h"

void
loop_init(Loop *loop)
{
	memset(loop, 0, sizeof(*loop));
}

LoopWatch *
loop_add_watch(Loop *loop, LoopHandler handler, void *context)
{
	LoopWatch *watch = &loop->watches[loop->nwatches++];

	assert(loop->nwatches <= LOOP_MAX_WATCHES);
	*watch = (LoopWatch){.descriptor = -1, .handler = handler, .context = context};
	return watch;
}

LoopTimer *
loop_add_timer(Loop *loop, LoopHandler handler, void *context)
{
	LoopTimer *timer = &loop->timers[loop->ntimers++];

	assert(loop->ntimers <= LOOP_MAX_TIMERS);
	*timer = (LoopTimer){.handler = handler, .context = context};
	return timer;
}

static void
loop_run_timers(Loop *loop, int64_t now)
{
	for (size_t i = 0; i < loop->ntimers; i++)
	{
		LoopTimer *timer = &loop->timers[i];

		if (timer->due == 0 || timer->due > now)
			continue;
		timer->due = 0;
		timer->handler(timer->context);
	}
}

static int64_t
loop_wait_time(const Loop *loop, int64_t now, int64_t max_wait_us)
{
	int64_t wait = max_wait_us;

	for (size_t i = 0; i < loop->ntimers; i++)
		if (loop->timers[i].due != 0 && loop->timers[i].due - now < wait)
			wait = loop->timers[i].due - now;
	return wait < 0 ? 0 : wait;
}

void
loop_step(Loop *loop, int64_t max_wait_us)
{
	struct pollfd polled[LOOP_MAX_WATCHES];
	LoopWatch *watches[LOOP_MAX_WATCHES];
	nfds_t count = 0;
	int64_t wait;

	loop_run_timers(loop, clock_monotonic());
	for (size_t i = 0; i < loop->nwatches; i++)
	{
		LoopWatch *watch = &loop->watches[i];

		if (watch->descriptor < 0 || watch->events == 0)
			continue;
		watches[count] = watch;
		polled[count++] = (struct pollfd){.fd = watch->descriptor, .events = watch->events};
	}
	wait = loop_wait_time(loop, clock_monotonic(), max_wait_us);
	/* Rounded up, so that a timer is due when poll returns. */
	if (poll(polled, count, (int) ((wait + 999) / 1000)) <= 0)
		return;
	for (nfds_t i = 0; i < count; i++)
		if (polled[i].revents != 0)
			watches[i]->handler(watches[i]->context);
}
