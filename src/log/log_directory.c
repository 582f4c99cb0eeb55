/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_directory.c — the log as a folder per topic of Avro container files.
 *
 * One delivery: append blocks to the topics' open segments, fdatasync them, write and fdatasync
 * one commit record that names each segment's length and carries the progress. That record is the
 * commit point for all topics together (I1, I5); before it nothing happened, after it everything
 * did. A segment closes by size or age at a batch's end: the commit record says so first,
 * then it is renamed into its topic's folder, so that whoever reads only *.avro there never sees
 * part of a transaction. Recovery (log_directory_recover.c) does by the commit record what a
 * crash left undone.
 *
 * Held batches (a snapshot) go into segments that the commit record calls held. The first batch
 * without hold turns all of them into closed ones in the same commit record.
 *
 * After a failure the writer refuses everything but `open`: what is on the disk then is
 * learnt by reading it, never from memory.
 */
#include "log_priv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"
#include "goldpan/debug_point.h"
#include "goldpan/report.h"

#define LOG_DIRECTORY_SEGMENT_BYTES INT64_C(67108864)
#define LOG_DIRECTORY_SEGMENT_AGE	(5 * 60 * CLOCK_SECOND)

/* ---- the commit state follows the segments ---- */

static LogCommitSegment *
log_directory_entry(LogDirectory *log, size_t topic, int64_t sequence, Err *err)
{
	int in_commit = log_directory_commit_topic(&log->commit, log->topics[topic].name, err);
	LogCommitSegment *entry;

	if (in_commit < 0)
		return NULL;
	for (size_t i = 0; i < log->commit.nsegments; i++)
	{
		entry = &log->commit.segments[i];
		if (entry->topic == (uint32_t) in_commit && entry->sequence == sequence)
			return entry;
	}
	entry = log_directory_commit_add(&log->commit, err);
	if (entry == NULL)
		return NULL;
	entry->topic = (uint32_t) in_commit;
	entry->sequence = sequence;
	log->commit.topics[in_commit].next_sequence = sequence + 1;
	return entry;
}

static bool
log_directory_is_due(const LogDirectory *log, const LogSegment *segment, int64_t now)
{
	return segment->length >= log->config.segment_max_bytes ||
		   (!log->holding && now - segment->opened >= log->config.segment_max_age);
}

/* Writes the segments' lengths into the commit state; closes those that are due (all: every
 * one). A closed segment's descriptor is let go; its file is renamed after the commit. */
static bool
log_directory_note(LogDirectory *log, bool all, Err *err)
{
	int64_t now = clock_monotonic();

	for (size_t i = 0; i < log->ntopics; i++)
	{
		LogSegment *segment = &log->segments[i];
		LogCommitSegment *entry;
		bool close_it;

		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without segments ntopics is 0 */
		if (segment->fd < 0)
			continue;
		entry = log_directory_entry(log, i, segment->sequence, err);
		if (entry == NULL)
			return false;
		close_it = all || log_directory_is_due(log, segment, now);
		entry->length = segment->length;
		entry->records = segment->records;
		entry->state = log->holding ? LOG_SEGMENT_HELD
					   : close_it	? LOG_SEGMENT_CLOSED
									: LOG_SEGMENT_OPEN;
		segment->committed = segment->length;
		segment->touched = false;
		if (!close_it)
			continue;
		if (segment->length >= log->config.segment_max_bytes)
			log_directory_file_uncache(segment->name, segment->fd);
		log_directory_segment_release(segment);
	}
	return true;
}

/* The snapshot is complete: what was held becomes readable with the next commit record. */
static void
log_directory_unhold(LogDirectory *log)
{
	for (size_t i = 0; i < log->commit.nsegments; i++)
		if (log->commit.segments[i].state == LOG_SEGMENT_HELD)
			log->commit.segments[i].state = LOG_SEGMENT_CLOSED;
	log->holding = false;
}

/* ---- deliver ---- */

static bool
log_directory_unusable(const LogDirectory *log, Err *err)
{
	return err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
				   "could not write to log directory \"%s\" for source \"%s\": it is not open, or "
				   "an earlier write failed",
				   log->config.path, log->source);
}

static bool
log_directory_check_batch(const LogDirectory *log, const LogBatch *batch, size_t *culprit, Err *err)
{
	for (size_t i = 0; i < batch->count; i++)
	{
		const LogRecord *record = &batch->records[i];

		if (record->topic >= log->ntopics ||
			record->bytes + record->key_length + record->value_length > batch->bytes.length)
			return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
						   "record %zu of a batch does not lie in it", i);
		if (record->value_length <= log->base.max_record)
			continue;
		*culprit = i;
		return err_set(err, ERR_CLASS_REJECT, ERR_RECORD_TOO_LARGE,
					   "could not write a record of %u bytes to topic \"%s\": the log directory's "
					   "limit is %zu bytes",
					   record->value_length, log->topics[record->topic].name, log->base.max_record);
	}
	return true;
}

static bool
log_directory_is_interrupted(LogDirectory *log, Err *err)
{
	if (!atomic_load_explicit(&log->interrupted, memory_order_relaxed))
		return false;
	(void) err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN,
				   "gave up writing to log directory \"%s\" for source \"%s\": asked to stop",
				   log->config.path, log->source);
	return true;
}

/* One topic's records. */
static bool
log_directory_append_topic(LogDirectory *log, size_t topic, const LogBatch *batch, Err *err)
{
	LogSegment *segment = &log->segments[topic];

	if (!log_directory_segment_need(log, topic, err))
		return false;
	for (size_t i = 0; segment->incoming > 0; i++)
	{
		const LogRecord *record = &batch->records[i];

		if (record->topic != topic)
			continue;
		if (segment->incoming % 1024 == 0 && log_directory_is_interrupted(log, err))
			return false;
		if (!log_directory_blocks_add(log, segment,
									  batch->bytes.data + record->bytes + record->key_length,
									  record->value_length, err))
			return false;
		segment->incoming--;
	}
	return log_directory_blocks_finish(log, segment, err);
}

static bool
log_directory_append(LogDirectory *log, const LogBatch *batch, Err *err)
{
	log_directory_blocks_forget(&log->blocks);
	for (size_t i = 0; i < log->ntopics; i++)
		log->segments[i].incoming = 0;
	for (size_t i = 0; i < batch->count; i++)
		log->segments[batch->records[i].topic].incoming++;
	for (size_t i = 0; i < log->ntopics; i++)
		if (log->segments[i].incoming > 0 && !log_directory_append_topic(log, i, batch, err))
			return false;
	return !log_directory_is_interrupted(log, err);
}

/* Everything up to the commit point. */
static bool
log_directory_commit(LogDirectory *log, const LogBatch *batch, Err *err)
{
	bool released = log->holding && !batch->hold;

	/* What is readable and what is held never share a segment. */
	if (batch->hold && !log->holding && !log_directory_note(log, true, err))
		return false;
	log->holding = batch->hold || log->holding;
	if (!log_directory_append(log, batch, err) || !log_directory_segment_sync(log, err))
		return false;
	GP_DEBUG_POINT("log_directory.after_fsync");
	if (released)
		log_directory_unhold(log);
	buffer_clear(&log->commit.progress);
	return log_directory_note(log, released, err) &&
		   buffer_append(&log->commit.progress, batch->progress.data, batch->progress.length,
						 err) &&
		   log_directory_commit_write(&log->commit, &log->folder, &log->commit_fd, false, err);
}

static bool
log_directory_deliver(LogWriter *writer, const LogBatch *batch, size_t *culprit, Err *err)
{
	LogDirectory *log = (LogDirectory *) writer;
	Err later;

	if (!log->usable)
		return log_directory_unusable(log, err);
	if (!log_directory_check_batch(log, batch, culprit, err) ||
		!log_directory_segment_publish(log, err))
		return false;
	if (!log_directory_commit(log, batch, err))
	{
		log_directory_segment_undo(log);
		log->usable = false;
		return false;
	}
	GP_DEBUG_POINT("log_directory.after_commit");
	/* The batch is committed whatever happens now: a rename that fails is done, or given back as
	 * an error, by the next call. */
	if (!log_directory_segment_publish(log, &later))
		report_err(REPORT_DEBUG, log->source, &later);
	return true;
}

/* ---- tick, interrupt, close ---- */

static int64_t
log_directory_next_tick(const LogDirectory *log, int64_t now)
{
	int64_t next = log->config.segment_max_age;

	for (size_t i = 0; i < log->ntopics; i++)
	{
		const LogSegment *segment = &log->segments[i];
		int64_t left = segment->opened + log->config.segment_max_age - now;

		if (segment->fd >= 0 && !log->holding && left < next)
			next = left < 0 ? 0 : left;
	}
	return next;
}

static bool
log_directory_tick(LogWriter *writer, int64_t *next_us, Err *err)
{
	LogDirectory *log = (LogDirectory *) writer;
	int64_t now = clock_monotonic();
	bool due = false;

	*next_us = log->config.segment_max_age;
	if (!log->usable)
		return true;
	for (size_t i = 0; i < log->ntopics; i++)
		due |= log->segments[i].fd >= 0 && log_directory_is_due(log, &log->segments[i], now);
	if (due &&
		(!log_directory_note(log, false, err) ||
		 !log_directory_commit_write(&log->commit, &log->folder, &log->commit_fd, false, err)))
	{
		log->usable = false;
		return false;
	}
	if (!log_directory_segment_publish(log, err))
		return false;
	*next_us = log_directory_next_tick(log, now);
	return true;
}

static void
log_directory_interrupt(LogWriter *writer)
{
	atomic_store_explicit(&((LogDirectory *) writer)->interrupted, true, memory_order_relaxed);
}

/* What is readable is made complete, so that it is found without us; what is held stays, and
 * the next `open` throws it away. Failures are mended there too. */
static void
log_directory_finish(LogDirectory *log)
{
	Err err;

	if (!log->usable || log->holding)
		return;
	if (!log_directory_note(log, true, &err) ||
		(log->commit.nsegments > 0 &&
		 !log_directory_commit_write(&log->commit, &log->folder, &log->commit_fd, false, &err)) ||
		!log_directory_segment_publish(log, &err))
		report_err(REPORT_DEBUG, log->source, &err);
}

static void
log_directory_close(LogWriter *writer)
{
	LogDirectory *log = (LogDirectory *) writer;

	log_directory_finish(log);
	for (size_t i = 0; i < log->ntopics && log->segments != NULL; i++)
		log_directory_segment_release(&log->segments[i]);
	alloc_free(log->segments);
	log_directory_blocks_release(&log->blocks);
	log_directory_commit_release(&log->commit);
	buffer_release(&log->scratch);
	if (log->commit_fd >= 0)
		(void) close(log->commit_fd);
	log_directory_file_folder_close(&log->folder);
	log_directory_file_folder_close(&log->root);
	if (log->lock_fd >= 0)
		(void) close(log->lock_fd);
	alloc_free((char *) log->config.path);
	alloc_free(log);
}

static bool
log_directory_open(LogWriter *writer, Buffer *progress, Err *err)
{
	return log_directory_recover((LogDirectory *) writer, progress, err);
}

static const LogWriterOps log_directory_ops = {
	.kind = "directory",
	.holds = true,
	.open = log_directory_open,
	.deliver = log_directory_deliver,
	.tick = log_directory_tick,
	.interrupt = log_directory_interrupt,
	.close = log_directory_close,
};

/* ---- new ---- */

static bool
log_directory_check_names(const char *source, const LogTopic *topics, size_t ntopics, Err *err)
{
	if (!log_directory_file_name_ok(source))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "source name \"%s\" cannot be part of a file name: use letters, digits, "
					   "\".\", \"_\" and \"-\", and no \".\" in front",
					   source);
	for (size_t i = 0; i < ntopics; i++)
		if (!log_directory_file_name_ok(topics[i].name))
			return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
						   "topic name \"%s\" cannot be the name of a folder: use letters, digits, "
						   "\".\", \"_\" and \"-\", and no \".\" in front",
						   topics[i].name);
	return true;
}

LogWriter *
log_directory_new(const LogDirectoryConfig *config, const char *source, const LogTopic *topics,
				  size_t ntopics, Err *err)
{
	LogDirectory *log;

	if (!log_directory_check_names(source, topics, ntopics, err))
		return NULL;
	log = alloc_zero(sizeof(*log));
	if (log == NULL)
		goto nomem;
	log->base.ops = &log_directory_ops;
	log->base.max_record = LOG_DIRECTORY_MAX_RECORD;
	log->base.key_schema_id = -1;
	log->config = *config;
	log->config.path = NULL;
	if (log->config.segment_max_bytes <= 0)
		log->config.segment_max_bytes = LOG_DIRECTORY_SEGMENT_BYTES;
	if (log->config.segment_max_age <= 0)
		log->config.segment_max_age = LOG_DIRECTORY_SEGMENT_AGE;
	(void) snprintf(log->source, sizeof(log->source), "%s", source);
	log->topics = topics;
	log->root.fd = -1;
	log->folder.fd = -1;
	log->lock_fd = -1;
	log->commit_fd = -1;
	log_directory_commit_init(&log->commit);
	log_directory_blocks_init(&log->blocks);
	buffer_init(&log->scratch, 2 * (LOG_DIRECTORY_MAX_RECORD + LOG_DIRECTORY_BLOCK));
	log->config.path = alloc_text(config->path);
	log->segments = alloc_zero(ntopics * sizeof(*log->segments) + 1);
	if (log->config.path == NULL || log->segments == NULL)
		goto nomem;
	log->ntopics = ntopics;
	for (size_t i = 0; i < ntopics; i++)
		log_directory_segment_init(&log->segments[i]);
	return &log->base;
nomem:
	(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening log directory \"%s\"",
				   config->path);
	if (log != NULL)
		log_directory_close(&log->base);
	return NULL;
}
