/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_delivery.c — the thread that makes the log's blocking calls.
 *
 * It takes batches from one queue, makes each durable together with the progress that covers it,
 * and gives it back by another. Progress is this thread's own: a batch says only where it
 * ends, so that a record which the log refuses can still become a dead letter and the
 * counts stay true. After the first failure nothing more is delivered: order would be lost.
 */
#include "stream/stream_priv.h"

#include <assert.h>
#include <string.h>

#include "goldpan/clock.h"
#include "goldpan/debug_point.h"
#include "goldpan/report.h"

static void *stream_delivery_main(void *context);

/* Cannot be full: a queue holds more than there are batches. */
static void
stream_delivery_put(Queue *queue, void *item)
{
	bool put = queue_put(queue, item);

	assert(put);
	(void) put;
}

bool
stream_delivery_start(StreamDelivery *delivery, Err *err)
{
	if (!queue_init(&delivery->todo, err))
		return false;
	if (!queue_init(&delivery->done, err))
	{
		queue_release(&delivery->todo);
		return false;
	}
	for (size_t i = 0; i < STREAM_BATCHES; i++)
	{
		log_batch_init(&delivery->batches[i].log, delivery->max_bytes);
		delivery->free[delivery->nfree++] = &delivery->batches[i];
	}
	if (pthread_create(&delivery->thread, NULL, stream_delivery_main, delivery) != 0)
	{
		stream_delivery_stop(delivery, false, err);
		queue_release(&delivery->todo);
		queue_release(&delivery->done);
		return err_set(err, ERR_CLASS_RETRY, ERR_NOMEM, "could not start a delivery thread");
	}
	delivery->running = true;
	return true;
}

void
stream_delivery_stop(StreamDelivery *delivery, bool abandon, Err *err)
{
	if (delivery->running)
	{
		if (abandon)
			delivery->writer->ops->interrupt(delivery->writer);
		stream_delivery_put(&delivery->todo, &delivery->quit);
		(void) pthread_join(delivery->thread, NULL);
		queue_release(&delivery->todo);
		queue_release(&delivery->done);
		delivery->running = false;
	}
	/* A fenced writer must not come back, whoever failed first and however late it hears. */
	if (err->class == ERR_CLASS_RETRY && delivery->stopped.class != ERR_CLASS_NONE)
		*err = delivery->stopped;
	for (size_t i = 0; i < STREAM_BATCHES; i++)
		log_batch_release(&delivery->batches[i].log);
	delivery->nfree = 0;
	progress_release(&delivery->progress);
}

StreamBatch *
stream_delivery_take(StreamDelivery *delivery)
{
	StreamBatch *batch;

	if (delivery->nfree == 0)
		return NULL;
	batch = delivery->free[--delivery->nfree];
	log_batch_clear(&batch->log);
	batch->rows = 0;
	batch->dead_letters = 0;
	batch->commit_time = 0;
	batch->delivered = false;
	return batch;
}

void
stream_delivery_give(StreamDelivery *delivery, StreamBatch *batch)
{
	if (batch == &delivery->housekeeping)
		return;
	if (batch->log.bytes.capacity > delivery->keep_bytes)
	{
		log_batch_release(&batch->log);
		log_batch_init(&batch->log, delivery->max_bytes);
	}
	delivery->free[delivery->nfree++] = batch;
}

void
stream_delivery_hand(StreamDelivery *delivery, StreamBatch *batch)
{
	stream_delivery_put(&delivery->todo, batch);
}

/* ---- the thread ---- */

/* A record that the log will never take becomes a dead letter without payload (D9). */
static bool
stream_delivery_bury(StreamDelivery *delivery, StreamBatch *batch, size_t culprit, const Err *why,
					 Err *err)
{
	LogBatch *log = &batch->log;
	LogRecord *record;
	const StreamPlan *plan;
	const uint8_t *bytes;
	StreamMeta meta;
	DeadLetter letter;

	if (culprit >= log->count)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "the log refused a record that is not");
	record = &log->records[culprit];
	plan = stream_plan_of(record);
	if (record->topic != plan->topic)
	{
		*err = *why;
		err->class = ERR_CLASS_STOP;
		return false;
	}
	bytes = log->bytes.data + record->bytes + record->key_length;
	if (!stream_part_read(plan->entity, bytes, record->value_length, &meta, err))
		return false;
	bytes += record->value_length;
	letter = (DeadLetter){.event_id = (const char *) bytes,
						  .event_id_length = record->event_id_length,
						  .source = delivery->progress.source,
						  .database = delivery->database,
						  .schema = mapping_table_schema(plan->table),
						  .table = mapping_table_name(plan->table),
						  .operation = meta.operation,
						  .end_lsn = meta.end_lsn,
						  .ordinal = meta.ordinal,
						  .xid = meta.xid,
						  .commit_time = meta.commit_time,
						  .key = (const char *) bytes + record->event_id_length,
						  .key_length = record->id_length,
						  .stage = "publish",
						  .reason = why->message,
						  .code = ERR_RECORD_TOO_LARGE,
						  .mapping_version = delivery->progress.mapping_version,
						  .config_hash = delivery->progress.config_hash,
						  .relation_id = plan->relation_id,
						  .relation_hash = plan->relation_hash,
						  .mapping = plan->table};
	if (!stream_plan_dead_letter(&letter, delivery->dead_letter_topic, plan->uri, record, log, err))
		return false;
	batch->dead_letters++;
	report_warning(delivery->scope, "%s: dead letter instead", why->message);
	return true;
}

/* What progress will be; the strings and tables are borrowed from the old one. */
static Progress
stream_delivery_next(const Progress *progress, const StreamBatch *batch)
{
	Progress next = *progress;
	const StreamPosition *position = &batch->position;

	next.previous_lsn = progress->end_lsn;
	next.sequence = progress->sequence + 1;
	next.end_lsn = position->end_lsn;
	next.part_end_lsn = position->part_end_lsn;
	next.next_ordinal = position->next_ordinal;
	next.part = position->part;
	next.records += batch->log.count - batch->dead_letters;
	next.dead_letters += batch->dead_letters;
	next.snapshot_state = position->snapshot_state;
	memcpy(next.snapshot_attempt, position->snapshot_attempt, sizeof(next.snapshot_attempt));
	next.snapshot_lsn = position->snapshot_lsn;
	return next;
}

static bool
stream_delivery_batch(StreamDelivery *delivery, StreamBatch *batch, Err *err)
{
	LogWriter *writer = delivery->writer;
	Progress next;
	Progress written;
	Err why;

	for (;;)
	{
		size_t culprit = SIZE_MAX;

		next = stream_delivery_next(&delivery->progress, batch);
		written = next;
		if (next.snapshot_state != SNAPSHOT_COMPLETE)
			written.ntables = 0;
		buffer_clear(&batch->log.progress);
		if (!progress_encode(&written, &batch->log.progress, err))
			return false;
		err_clear(&why);
		if (writer->ops->deliver(writer, &batch->log, &culprit, &why))
			break;
		*err = why;
		if (why.class != ERR_CLASS_REJECT || why.code != ERR_RECORD_TOO_LARGE ||
			!stream_delivery_bury(delivery, batch, culprit, &why, err))
			return false;
	}
	delivery->progress = next;
	return true;
}

/* Nothing more is delivered. */
static void
stream_delivery_fail(StreamDelivery *delivery, const Err *err)
{
	delivery->failed = true;
	if (err->class != ERR_CLASS_RETRY)
		delivery->stopped = *err;
}

static void
stream_delivery_handle(StreamDelivery *delivery, StreamBatch *batch)
{
	if (delivery->failed)
		(void) err_set(&batch->err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
					   "given up after an earlier failure");
	else
	{
		batch->delivered = stream_delivery_batch(delivery, batch, &batch->err);
		if (!batch->delivered)
			stream_delivery_fail(delivery, &batch->err);
	}
	stream_delivery_put(&delivery->done, batch);
}

/* Housekeeping between batches; its failure comes back as that of a batch. */
static int64_t
stream_delivery_tick(StreamDelivery *delivery)
{
	StreamBatch *notice = &delivery->housekeeping;
	int64_t next_us = CLOCK_SECOND;

	if (delivery->failed || delivery->writer->ops->tick == NULL)
		return -1;
	if (delivery->writer->ops->tick(delivery->writer, &next_us, &notice->err))
		return next_us < 1000 ? 1000 : next_us;
	stream_delivery_fail(delivery, &notice->err);
	notice->delivered = false;
	stream_delivery_put(&delivery->done, notice);
	return -1;
}

static void *
stream_delivery_main(void *context)
{
	StreamDelivery *delivery = context;
	int64_t due = 0;

	for (;;)
	{
		int64_t now = clock_monotonic();
		void *item;

		if (due >= 0 && due <= now)
		{
			int64_t wait = stream_delivery_tick(delivery);

			due = wait < 0 ? -1 : clock_monotonic() + wait;
		}
		item = queue_wait(&delivery->todo, due < 0 ? -1 : due - clock_monotonic());
		if (item == &delivery->quit)
			return NULL;
		if (item != NULL)
			stream_delivery_handle(delivery, item);
	}
}
