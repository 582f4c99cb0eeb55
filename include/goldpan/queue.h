/* SPDX-License-Identifier: PostgreSQL */
/*
 * queue.h — a bounded queue of pointers between two threads, with a descriptor to poll.
 */
#ifndef GOLDPAN_QUEUE_H
#define GOLDPAN_QUEUE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "goldpan/err.h"

#define QUEUE_CAPACITY 16

typedef struct Queue
{
	pthread_mutex_t mutex;
	void *items[QUEUE_CAPACITY];
	size_t first;
	size_t count;
	int event; /* an eventfd that counts the items: readable while there are any */
} Queue;

/* Errors: STOP ERR_INTERNAL when the system gives no descriptor. */
bool queue_init(Queue *queue, Err *err) MUST_CHECK;
/* The queue must be empty of anything that anyone still wants. */
void queue_release(Queue *queue);

/* Never blocks. False when the queue is full. */
bool queue_put(Queue *queue, void *item) MUST_CHECK;
/* Never blocks. NULL when the queue is empty. */
void *queue_take(Queue *queue);
/* Waits for an item up to timeout_us (-1: for ever); NULL when none came. */
void *queue_wait(Queue *queue, int64_t timeout_us);
/* Readable while the queue holds an item; only to be polled. */
int queue_descriptor(const Queue *queue);

#endif
