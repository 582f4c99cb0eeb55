/* SPDX-License-Identifier: PostgreSQL */
/*
 * loop.h — one thread's poll loop: descriptors and timers with their handlers.
 *
 * A handler does one bounded step and returns; timers run even when a descriptor is
 * ready in every round.
 */
#ifndef GOLDPAN_LOOP_H
#define GOLDPAN_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOP_MAX_WATCHES 8
#define LOOP_MAX_TIMERS	 8

typedef void (*LoopHandler)(void *context);

typedef struct LoopWatch
{
	int descriptor; /* -1: not polled */
	short events;	/* POLLIN, POLLOUT; 0: not polled */
	LoopHandler handler;
	void *context;
} LoopWatch;

typedef struct LoopTimer
{
	int64_t due; /* monotonic microseconds; 0: off */
	LoopHandler handler;
	void *context;
} LoopTimer;

typedef struct Loop
{
	size_t nwatches;
	size_t ntimers;
	LoopWatch watches[LOOP_MAX_WATCHES];
	LoopTimer timers[LOOP_MAX_TIMERS];
} Loop;

void loop_init(Loop *loop);

/* Adds a watch or a timer, not yet active; returns its handle, valid as long as the loop. */
LoopWatch *loop_add_watch(Loop *loop, LoopHandler handler, void *context);
LoopTimer *loop_add_timer(Loop *loop, LoopHandler handler, void *context);

/* Runs the due timers, polls once (no longer than to the next timer or max_wait_us), and runs
 * the handlers of what is ready. A timer is off when its handler is called. */
void loop_step(Loop *loop, int64_t max_wait_us);

#endif
