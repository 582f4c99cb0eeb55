/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_feed.c — hands changes to the engine in batches, whose forms threads make meanwhile.
 *
 * Two batches: while this thread lets the engine take one, the others normalise the next. Only this
 * thread touches the engine. What comes out does not depend on the number of threads nor on
 * where a batch ends: both are the engine's promises.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "dataset/dataset_priv.h"
#include "goldpan/alloc.h"

#define FEED_BATCH		 256
#define FEED_BATCH_BYTES ((size_t) 64 << 20)
#define FEED_MAX_THREADS 64

typedef struct FeedBatch
{
	IdentityChange changes[FEED_BATCH];
	IdentityForm *forms[FEED_BATCH];
	size_t count;
	Arena arena;
} FeedBatch;

struct DatasetFeed
{
	Identity *identity;
	const IdentityModel *model;
	DatasetDeltaSink sink;
	void *context;
	FeedBatch *filling;
	FeedBatch *forming; /* handed to the threads, not yet to the engine */
	/* threads */
	int nthreads;
	pthread_t threads[FEED_MAX_THREADS];
	pthread_mutex_t mutex;
	pthread_cond_t work;
	pthread_cond_t done;
	uint64_t round; /* grows with every batch handed over */
	int busy;		/* threads that have not finished the round */
	bool stop;
	atomic_size_t next; /* change to take */
	atomic_bool failed;
};

/* ---- threads ---- */

static bool
feed_needs_form(const IdentityChange *change)
{
	return change->type == IDENTITY_UPSERT || change->type == IDENTITY_ADOPT;
}

static void
feed_form_batch(DatasetFeed *feed, FeedBatch *batch)
{
	for (;;)
	{
		size_t index = atomic_fetch_add(&feed->next, 1);
		IdentityChange *change;

		if (index >= batch->count)
			return;
		change = &batch->changes[index];
		if (!feed_needs_form(change))
			continue;
		batch->forms[index] =
			identity_form(feed->model, change->kind, change->fields, change->nfields, NULL);
		change->form = batch->forms[index];
		if (change->form == NULL)
			atomic_store(&feed->failed, true);
	}
}

static void *
feed_thread(void *context)
{
	DatasetFeed *feed = context;
	uint64_t seen = 0;

	(void) pthread_mutex_lock(&feed->mutex);
	for (;;)
	{
		while (feed->round == seen && !feed->stop)
			(void) pthread_cond_wait(&feed->work, &feed->mutex);
		if (feed->stop)
			break;
		seen = feed->round;
		(void) pthread_mutex_unlock(&feed->mutex);
		feed_form_batch(feed, feed->forming);
		(void) pthread_mutex_lock(&feed->mutex);
		if (--feed->busy == 0)
			(void) pthread_cond_signal(&feed->done);
	}
	(void) pthread_mutex_unlock(&feed->mutex);
	return NULL;
}

static void
feed_wait(DatasetFeed *feed)
{
	(void) pthread_mutex_lock(&feed->mutex);
	while (feed->busy > 0)
		(void) pthread_cond_wait(&feed->done, &feed->mutex);
	(void) pthread_mutex_unlock(&feed->mutex);
}

/* ---- batches ---- */

static void
feed_clear(FeedBatch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
	{
		identity_form_free(batch->forms[i]);
		batch->forms[i] = NULL;
	}
	batch->count = 0;
	arena_reset(&batch->arena);
}

static bool
feed_take(DatasetFeed *feed, FeedBatch *batch, Err *err)
{
	const IdentityDelta *delta;
	bool ok = batch->count == 0;

	if (atomic_load(&feed->failed))
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory normalising records");
	else if (batch->count > 0 &&
			 identity_prepare(feed->identity, batch->changes, batch->count, &delta, err))
	{
		ok = feed->sink == NULL ||
			 feed->sink(feed->context, delta, batch->changes, batch->count, err);
		if (ok)
			identity_commit(feed->identity);
		else
			identity_abort(feed->identity);
	}
	feed_clear(batch);
	return ok;
}

/* Hands the batch being filled to the threads, and the one they finished to the engine. */
static bool
feed_turn(DatasetFeed *feed, Err *err)
{
	FeedBatch *formed = feed->forming;
	bool ok;

	if (feed->nthreads == 0)
		return feed_take(feed, feed->filling, err);
	feed_wait(feed);
	(void) pthread_mutex_lock(&feed->mutex);
	feed->forming = feed->filling;
	atomic_store(&feed->next, 0);
	feed->busy = feed->nthreads;
	feed->round++;
	(void) pthread_cond_broadcast(&feed->work);
	(void) pthread_mutex_unlock(&feed->mutex);
	ok = feed_take(feed, formed, err);
	feed->filling = formed;
	return ok;
}

bool
dataset_feed_flush(DatasetFeed *feed, Err *err)
{
	return feed_turn(feed, err) && (feed->nthreads == 0 || feed_turn(feed, err));
}

/* ---- changes ---- */

static const char *
feed_text(FeedBatch *batch, const char *text, Err *err)
{
	return text != NULL ? arena_text(&batch->arena, text, strlen(text), err) : NULL;
}

static bool
feed_copy(FeedBatch *batch, const IdentityChange *from, IdentityChange *to, Err *err)
{
	IdentityField *fields = arena_alloc(&batch->arena, (from->nfields + 1) * sizeof(*fields), err);

	*to = *from;
	to->ref.source = feed_text(batch, from->ref.source, err);
	to->ref.id = feed_text(batch, from->ref.id, err);
	if (fields == NULL || (from->ref.source != NULL && to->ref.source == NULL) ||
		(from->ref.id != NULL && to->ref.id == NULL))
		return false;
	for (size_t i = 0; i < from->nfields; i++)
	{
		fields[i] = from->fields[i];
		fields[i].text = arena_text(&batch->arena, fields[i].text, fields[i].length, err);
		fields[i].scheme = feed_text(batch, from->fields[i].scheme, err);
		if (fields[i].text == NULL || (from->fields[i].scheme != NULL && fields[i].scheme == NULL))
			return false;
	}
	to->fields = fields;
	to->form = NULL;
	return true;
}

bool
dataset_feed_add(DatasetFeed *feed, const IdentityChange *change, Err *err)
{
	FeedBatch *batch = feed->filling;

	if (!feed_copy(batch, change, &batch->changes[batch->count], err))
		return false;
	batch->count++;
	return (batch->count < FEED_BATCH && batch->arena.total < FEED_BATCH_BYTES / 4) ||
		   feed_turn(feed, err);
}

/* ---- life ---- */

DatasetFeed *
dataset_feed_new(Identity *identity, const IdentityModel *model, int threads, DatasetDeltaSink sink,
				 void *context, Err *err)
{
	DatasetFeed *feed = alloc_zero(sizeof(*feed));

	if (feed == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
		return NULL;
	}
	feed->identity = identity;
	feed->model = model;
	feed->sink = sink;
	feed->context = context;
	(void) pthread_mutex_init(&feed->mutex, NULL);
	(void) pthread_cond_init(&feed->work, NULL);
	(void) pthread_cond_init(&feed->done, NULL);
	feed->filling = alloc_zero(sizeof(*feed->filling));
	feed->forming = alloc_zero(sizeof(*feed->forming));
	if (feed->filling == NULL || feed->forming == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
		dataset_feed_free(feed);
		return NULL;
	}
	arena_init(&feed->filling->arena, FEED_BATCH_BYTES);
	arena_init(&feed->forming->arena, FEED_BATCH_BYTES);
	if (threads > FEED_MAX_THREADS)
		threads = FEED_MAX_THREADS;
	/* With one thread the engine makes the forms itself; fewer threads than asked for also do. */
	while (threads > 1 && feed->nthreads < threads &&
		   pthread_create(&feed->threads[feed->nthreads], NULL, feed_thread, feed) == 0)
		feed->nthreads++;
	return feed;
}

void
dataset_feed_free(DatasetFeed *feed)
{
	if (feed == NULL)
		return;
	if (feed->nthreads > 0)
		feed_wait(feed);
	(void) pthread_mutex_lock(&feed->mutex);
	feed->stop = true;
	(void) pthread_cond_broadcast(&feed->work);
	(void) pthread_mutex_unlock(&feed->mutex);
	for (int i = 0; i < feed->nthreads; i++)
		(void) pthread_join(feed->threads[i], NULL);
	for (int i = 0; i < 2; i++)
	{
		FeedBatch *batch = i == 0 ? feed->filling : feed->forming;

		if (batch == NULL)
			continue;
		feed_clear(batch);
		arena_release(&batch->arena);
		alloc_free(batch);
	}
	(void) pthread_mutex_destroy(&feed->mutex);
	(void) pthread_cond_destroy(&feed->work);
	(void) pthread_cond_destroy(&feed->done);
	alloc_free(feed);
}
