/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_loop.c — loop, queue and signals: nothing is lost, nothing runs twice, timers are not starved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

#include "goldpan/clock.h"
#include "goldpan/loop.h"
#include "goldpan/queue.h"
#include "goldpan/signals.h"

static void
count_call(void *context)
{
	(*(int *) context)++;
}

static void
a_queue_gives_items_back_in_order_and_refuses_more_than_it_holds(void **state)
{
	Queue queue;
	Err err;
	int items[QUEUE_CAPACITY + 1];

	(void) state;
	assert_true(queue_init(&queue, &err));
	assert_null(queue_take(&queue));
	for (int round = 0; round < 3; round++)
	{
		for (int i = 0; i < QUEUE_CAPACITY; i++)
			assert_true(queue_put(&queue, &items[i]));
		assert_false(queue_put(&queue, &items[QUEUE_CAPACITY]));
		for (int i = 0; i < QUEUE_CAPACITY; i++)
			assert_ptr_equal(queue_take(&queue), &items[i]);
		assert_null(queue_take(&queue));
	}
	queue_release(&queue);
}

static void
a_queues_descriptor_is_readable_while_it_holds_an_item(void **state)
{
	Queue queue;
	Err err;
	struct pollfd polled = {.events = POLLIN};
	int item;

	(void) state;
	assert_true(queue_init(&queue, &err));
	polled.fd = queue_descriptor(&queue);
	assert_int_equal(poll(&polled, 1, 0), 0);
	assert_true(queue_put(&queue, &item));
	assert_true(queue_put(&queue, &item));
	assert_ptr_equal(queue_take(&queue), &item);
	assert_int_equal(poll(&polled, 1, 0), 1);
	assert_ptr_equal(queue_take(&queue), &item);
	assert_int_equal(poll(&polled, 1, 0), 0);
	queue_release(&queue);
}

#define TRANSFER 20000

static void *
transfer_items(void *context)
{
	Queue *queues = context;

	for (uintptr_t i = 1; i <= TRANSFER; i++)
	{
		while (!queue_put(&queues[0], (void *) i))
			(void) poll(NULL, 0, 1);
	}
	return NULL;
}

static void
a_queue_between_threads_loses_nothing(void **state)
{
	Queue queue;
	Err err;
	pthread_t thread;

	(void) state;
	assert_true(queue_init(&queue, &err));
	assert_int_equal(pthread_create(&thread, NULL, transfer_items, &queue), 0);
	for (uintptr_t i = 1; i <= TRANSFER; i++)
		assert_ptr_equal(queue_wait(&queue, 5 * CLOCK_SECOND), (void *) i);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_null(queue_wait(&queue, 1000));
	queue_release(&queue);
}

static void
a_timer_runs_once_and_not_before_its_time(void **state)
{
	Loop loop;
	LoopTimer *timer;
	int calls = 0;

	(void) state;
	loop_init(&loop);
	timer = loop_add_timer(&loop, count_call, &calls);
	loop_step(&loop, 0);
	assert_int_equal(calls, 0);
	timer->due = clock_monotonic() + 20000;
	loop_step(&loop, 0);
	assert_int_equal(calls, 0);
	loop_step(&loop, CLOCK_SECOND);
	loop_step(&loop, 0);
	assert_int_equal(calls, 1);
	loop_step(&loop, 0);
	assert_int_equal(calls, 1);
}

static void
a_descriptor_that_is_always_ready_does_not_starve_a_timer(void **state)
{
	Loop loop;
	LoopTimer *timer;
	LoopWatch *watch;
	Queue queue;
	Err err;
	int reads = 0;
	int ticks = 0;

	(void) state;
	assert_true(queue_init(&queue, &err));
	assert_true(queue_put(&queue, &reads));
	loop_init(&loop);
	watch = loop_add_watch(&loop, count_call, &reads);
	watch->descriptor = queue_descriptor(&queue);
	watch->events = POLLIN;
	timer = loop_add_timer(&loop, count_call, &ticks);
	timer->due = clock_monotonic() + 5000;
	for (int i = 0; i < 100000 && ticks == 0; i++)
		loop_step(&loop, CLOCK_SECOND);
	assert_int_equal(ticks, 1);
	assert_true(reads > 1);
	watch->events = 0;
	reads = 0;
	loop_step(&loop, 0);
	assert_int_equal(reads, 0);
	assert_non_null(queue_take(&queue));
	queue_release(&queue);
}

static void
a_signal_is_read_not_handled(void **state)
{
	Signals signals;
	Err err;

	(void) state;
	assert_true(signals_open(&signals, &err));
	assert_int_equal(signals_next(&signals), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(signals_next(&signals) + signals_next(&signals), SIGTERM + SIGHUP);
	assert_int_equal(signals_next(&signals), 0);
	signals_close(&signals);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_queue_gives_items_back_in_order_and_refuses_more_than_it_holds),
		cmocka_unit_test(a_queues_descriptor_is_readable_while_it_holds_an_item),
		cmocka_unit_test(a_queue_between_threads_loses_nothing),
		cmocka_unit_test(a_timer_runs_once_and_not_before_its_time),
		cmocka_unit_test(a_descriptor_that_is_always_ready_does_not_starve_a_timer),
		cmocka_unit_test(a_signal_is_read_not_handled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
