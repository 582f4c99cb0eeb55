/* SPDX-License-Identifier: PostgreSQL */
/*
 * queue.c — a bounded queue of pointers between two threads.
 *
 * The eventfd counts the items as a semaphore does, so that a poll loop sees at any
 * time whether there is one, and no wake-up is lost or left over. Bounded because what
 * goes through is recycled: the capacity is above the number of things in circulation.
 */
#include "goldpan/queue.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool
queue_init(Queue *queue, Err *err)
{
	memset(queue, 0, sizeof(*queue));
	queue->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (queue->event < 0)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "could not create an eventfd: %s",
					   strerror(errno));
	(void) pthread_mutex_init(&queue->mutex, NULL);
	return true;
}

void
queue_release(Queue *queue)
{
	if (queue->event < 0)
		return;
	(void) close(queue->event);
	queue->event = -1;
	(void) pthread_mutex_destroy(&queue->mutex);
}

bool
queue_put(Queue *queue, void *item)
{
	const uint64_t one = 1;
	bool done = false;

	(void) pthread_mutex_lock(&queue->mutex);
	if (queue->count < QUEUE_CAPACITY)
	{
		queue->items[(queue->first + queue->count) % QUEUE_CAPACITY] = item;
		queue->count++;
		done = write(queue->event, &one, sizeof(one)) == (ssize_t) sizeof(one);
	}
	(void) pthread_mutex_unlock(&queue->mutex);
	return done;
}

void *
queue_take(Queue *queue)
{
	uint64_t one;
	void *item = NULL;

	(void) pthread_mutex_lock(&queue->mutex);
	if (queue->count > 0 && read(queue->event, &one, sizeof(one)) == (ssize_t) sizeof(one))
	{
		item = queue->items[queue->first];
		queue->first = (queue->first + 1) % QUEUE_CAPACITY;
		queue->count--;
	}
	(void) pthread_mutex_unlock(&queue->mutex);
	return item;
}

void *
queue_wait(Queue *queue, int64_t timeout_us)
{
	struct pollfd poll_fd = {.fd = queue->event, .events = POLLIN};
	void *item = queue_take(queue);

	if (item != NULL)
		return item;
	/* Rounded up: a wait must not spin through its last millisecond. */
	(void) poll(&poll_fd, 1, timeout_us < 0 ? -1 : (int) ((timeout_us + 999) / 1000));
	return queue_take(queue);
}

int
queue_descriptor(const Queue *queue)
{
	return queue->event;
}
