/* SPDX-License-Identifier: PostgreSQL */
/*
 * log.c — batches: the unit that becomes visible at once.
 *
 * A batch is plain memory with two ceilings (bytes, records), filled by one
 * thread and delivered by another; it never points into an arena (I9).
 */
#include "goldpan/log.h"

#include <string.h>

#include "goldpan/alloc.h"

#define LOG_BATCH_FIRST_RECORDS 256
#define LOG_BATCH_MAX_RECORDS	(1 << 20)
#define LOG_BATCH_MAX_PROGRESS	(1 << 20)

void
log_batch_init(LogBatch *batch, size_t max_bytes)
{
	memset(batch, 0, sizeof(*batch));
	buffer_init(&batch->bytes, max_bytes);
	buffer_init(&batch->progress, LOG_BATCH_MAX_PROGRESS);
}

void
log_batch_clear(LogBatch *batch)
{
	batch->count = 0;
	batch->hold = false;
	buffer_clear(&batch->bytes);
	buffer_clear(&batch->progress);
}

void
log_batch_release(LogBatch *batch)
{
	alloc_free(batch->records);
	batch->records = NULL;
	batch->count = 0;
	batch->capacity = 0;
	batch->hold = false;
	buffer_release(&batch->bytes);
	buffer_release(&batch->progress);
}

static bool
log_batch_grow(LogBatch *batch, Err *err)
{
	size_t capacity = batch->capacity == 0 ? LOG_BATCH_FIRST_RECORDS : batch->capacity * 2;
	LogRecord *records;

	if (capacity > LOG_BATCH_MAX_RECORDS)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "could not add a record to a batch: it holds its limit of %d records",
					   LOG_BATCH_MAX_RECORDS);
	records = alloc_resize(batch->records, capacity * sizeof(*records));
	if (records == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "out of memory growing a batch to %zu records", capacity);
	batch->records = records;
	batch->capacity = capacity;
	return true;
}

LogRecord *
log_batch_add(LogBatch *batch, Err *err)
{
	LogRecord *record;

	if (batch->count == batch->capacity && !log_batch_grow(batch, err))
		return NULL;
	record = &batch->records[batch->count++];
	memset(record, 0, sizeof(*record));
	record->bytes = batch->bytes.length;
	return record;
}
