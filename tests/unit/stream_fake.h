/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_fake.h — a source and a log made of memory, put under the real streamer by the linker.
 *
 * The source sends scripted transactions from the position it is asked for, as a server does: those
 * whose commit record begins there or later. The log keeps what was delivered, fails as it is told,
 * and both note every broken promise in fake_broken.
 */
#ifndef STREAM_FAKE_H
#define STREAM_FAKE_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"
#include "stream/stream_priv.h"

#define FAKE_TABLE_ID 16384

#define FAKE_MAX_TRANSACTIONS 64
#define FAKE_MAX_RECORDS	  20000
#define FAKE_BIG			  2000 /* bytes of a value that makes a record too large */

#define FAKE_OLD_KEY 500000 /* what a row that moves had more in its key */

typedef struct FakeTransaction
{
	unsigned rows;
	Lsn commit_lsn;
	Lsn end_lsn;
	int bad_row;	 /* its value cannot be mapped; -1: none */
	int big_row;	 /* its record is too large; -1: none */
	int truncate_at; /* a truncate before this row; -1: none */
	bool bad_moves;	 /* the bad row is an update that changes the key too */
} FakeTransaction;

typedef enum FakeFault
{
	FAKE_OK,
	FAKE_REFUSED,	 /* RETRY, nothing is visible */
	FAKE_UNKNOWN,	 /* RETRY, but it is durable */
	FAKE_CUT_SOURCE, /* delivered, and the source's connection breaks */
	FAKE_FENCED_LATE /* the connection breaks, and only then the log says STOP */
} FakeFault;

typedef struct FakeRecord
{
	char event_id[EVENT_ID_SIZE];
	char id[32];
	uint16_t topic;
	int32_t part;
	bool last_part;
	bool tombstone;
} FakeRecord;

typedef struct FakeWorld
{
	/* source */
	FakeTransaction transactions[FAKE_MAX_TRANSACTIONS];
	unsigned ntransactions;
	Lsn end;	   /* of the source's log */
	Lsn confirmed; /* of the slot */
	bool slot_exists;
	unsigned snapshot_rows;
	bool cut; /* the next read fails */
	atomic_bool cut_seen;
	bool forgets;	  /* sends from its oldest change on, whatever start it is asked for */
	bool slow_server; /* wants everything acknowledged: it shuts down */
	unsigned opens;
	/* log */
	pthread_mutex_t mutex;
	FakeRecord *records;
	size_t nrecords;
	size_t held; /* records at the end that are not readable yet */
	uint8_t progress[4096];
	size_t progress_length;
	Progress last;
	FakeFault faults[256]; /* of each delivery, in order */
	unsigned deliveries;
	unsigned largest_batch;
	bool refuses_big; /* only deliver() knows its limit */
	bool hangs;		  /* deliver() waits for interrupt() */
	bool interrupted;
	unsigned progress_only; /* batches without records */
	char broken[640];
} FakeWorld;

static FakeWorld fake;

static void
fake_broke(const char *what)
{
	if (fake.broken[0] == '\0')
		(void) snprintf(fake.broken, sizeof(fake.broken), "%s", what);
}

/* ---- source ---- */

static const Column fake_columns[] = {
	{.name = "id",
	 .type_schema = "pg_catalog",
	 .type_name = "int4",
	 .base_type = "int4",
	 .typmod = -1,
	 .kind = VALUE_INTEGER,
	 .key = true,
	 .primary_key = true,
	 .not_null = true},
	{.name = "name",
	 .type_schema = "pg_catalog",
	 .type_name = "text",
	 .base_type = "text",
	 .typmod = -1,
	 .kind = VALUE_TEXT},
	{.name = "score",
	 .type_schema = "pg_catalog",
	 .type_name = "text",
	 .base_type = "text",
	 .typmod = -1,
	 .kind = VALUE_TEXT},
};

struct SourceStream
{
	Relation relation;
	Lsn start;
	Lsn received;
	Lsn acknowledged;
	unsigned transaction;
	int row; /* -1: BEGIN comes next */
	bool truncated;
	bool keepalive_sent;
	Transaction current;
	Change change;
	Value values[3];
	Value old_values[3];
	char big[FAKE_BIG];
	int descriptor;
};

struct SourceSnapshot
{
	SourceStream rows;
	unsigned next;
	Lsn lsn;
};

struct SourceLock
{
	int nothing;
};

static SourceLock fake_lock;

SourceLock *
source_lock(const SourceConfig *config, Err *err)
{
	(void) config;
	(void) err;
	return &fake_lock;
}

bool
source_lock_held(SourceLock *lock)
{
	return lock == &fake_lock;
}

bool
source_lock_answers(SourceLock *lock)
{
	return lock == &fake_lock;
}

void
source_unlock(SourceLock *lock)
{
	(void) lock;
}

bool
source_timeline_end(const SourceConfig *config, uint32_t timeline, Lsn *end_lsn, Err *err)
{
	(void) config;
	(void) timeline;
	(void) err;
	*end_lsn = LSN_INVALID;
	return true;
}

uint64_t
source_stream_config_hash(const SourceTable *tables, size_t ntables)
{
	return ntables + tables[0].ncolumns;
}

bool
source_identify(const SourceConfig *config, SourceIdentity *identity, SourceSlot *slot, Err *err)
{
	(void) config;
	(void) err;
	memset(identity, 0, sizeof(*identity));
	memset(slot, 0, sizeof(*slot));
	identity->system_identifier = 7;
	identity->timeline = 1;
	identity->insert_lsn = fake.end;
	(void) snprintf(identity->database, sizeof(identity->database), "crm");
	slot->exists = fake.slot_exists;
	slot->ours = fake.slot_exists;
	slot->confirmed_flush_lsn = fake.confirmed;
	return true;
}

static void
fake_stream_init(SourceStream *stream)
{
	memset(stream, 0, sizeof(*stream));
	stream->relation = (Relation){.id = FAKE_TABLE_ID,
								  .schema = "public",
								  .name = "person",
								  .replica_identity = 'd',
								  .ncolumns = 3,
								  .columns = fake_columns,
								  .hash = 99};
	stream->row = -1;
	memset(stream->big, 'x', sizeof(stream->big));
}

SourceStream *
source_stream_open(const SourceConfig *config, const SourceTable *tables, size_t ntables, Lsn start,
				   Err *err)
{
	SourceStream *stream = malloc(sizeof(*stream));

	(void) config;
	(void) tables;
	(void) ntables;
	(void) err;
	fake_stream_init(stream);
	if (start < fake.confirmed)
		fake_broke("opened below the slot's position");
	stream->start = start;
	stream->descriptor = eventfd(1, EFD_NONBLOCK);
	fake.cut = false;
	fake.opens++;
	while (!fake.forgets && stream->transaction < fake.ntransactions &&
		   fake.transactions[stream->transaction].commit_lsn < start)
		stream->transaction++;
	return stream;
}

void
source_stream_close(SourceStream *stream)
{
	(void) close(stream->descriptor);
	free(stream);
}

int
source_stream_socket(const SourceStream *stream)
{
	return stream->descriptor;
}

bool
source_stream_wants_write(const SourceStream *stream)
{
	(void) stream;
	return false;
}

int64_t
source_stream_last_byte(const SourceStream *stream)
{
	(void) stream;
	return clock_monotonic();
}

Lsn
source_stream_received(const SourceStream *stream)
{
	return stream->received;
}

int64_t
source_stream_feedback_interval(const SourceStream *stream)
{
	(void) stream;
	return 2000;
}

static void
fake_fill_row(SourceStream *stream, unsigned number, bool bad, bool big)
{
	stream->values[0] = (Value){.state = VALUE_PRESENT, .kind = VALUE_INTEGER};
	stream->values[0].as.integer = number;
	stream->values[1] = (Value){.state = VALUE_PRESENT, .kind = VALUE_TEXT};
	stream->values[1].as.text = big ? stream->big : "Anna";
	stream->values[1].length = big ? FAKE_BIG : 4;
	stream->values[2] = (Value){.state = VALUE_PRESENT, .kind = VALUE_TEXT};
	stream->values[2].as.text = bad ? "many" : "12";
	stream->values[2].length = bad ? 4 : 2;
	stream->change = (Change){
		.kind = CHANGE_INSERT, .relation = &stream->relation, .new_values = stream->values};
}

static bool
fake_next_row(SourceStream *stream, const FakeTransaction *transaction, SourceEvent *event)
{
	if (stream->row >= (int) transaction->rows)
		return false;
	event->kind = SOURCE_CHANGE;
	event->change = &stream->change;
	if (transaction->truncate_at == stream->row && !stream->truncated)
	{
		stream->truncated = true;
		stream->change = (Change){.kind = CHANGE_TRUNCATE, .relation = &stream->relation};
	}
	else
	{
		fake_fill_row(stream, stream->transaction * 1000 + (unsigned) stream->row,
					  transaction->bad_row == stream->row, transaction->big_row == stream->row);
		if (transaction->bad_moves && transaction->bad_row == stream->row)
		{
			stream->old_values[0] = stream->values[0];
			stream->old_values[0].as.integer += FAKE_OLD_KEY;
			stream->change.kind = CHANGE_UPDATE;
			stream->change.old_row = OLD_KEY;
			stream->change.old_values = stream->old_values;
		}
		stream->change.ordinal = (uint64_t) stream->row * 2; /* every other row is unmapped */
		stream->row++;
	}
	stream->change.transaction = &stream->current;
	return true;
}

static bool
fake_cut(Err *err)
{
	atomic_store(&fake.cut_seen, true);
	return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "the connection was cut");
}

bool
source_stream_next(SourceStream *stream, SourceEvent *event, Err *err)
{
	const FakeTransaction *transaction = &fake.transactions[stream->transaction];

	memset(event, 0, sizeof(*event));
	if (fake.cut)
		return fake_cut(err);
	event->transaction = &stream->current;
	if (stream->transaction >= fake.ntransactions)
	{
		if (!stream->keepalive_sent)
		{
			event->kind = fake.slow_server ? SOURCE_SHUTDOWN : SOURCE_KEEPALIVE;
			event->lsn = fake.end;
			stream->received = fake.end;
			stream->keepalive_sent = true;
		}
		return true;
	}
	if (stream->row < 0)
	{
		stream->current = (Transaction){.xid = 700 + stream->transaction,
										.commit_lsn = transaction->commit_lsn,
										.end_lsn = transaction->end_lsn,
										.commit_time = INT64_C(1700000000000000)};
		event->kind = SOURCE_BEGIN;
		stream->row = 0;
		stream->truncated = false;
		return true;
	}
	if (fake_next_row(stream, transaction, event))
		return true;
	event->kind = SOURCE_COMMIT;
	event->lsn = transaction->end_lsn;
	stream->received = transaction->end_lsn;
	stream->transaction++;
	stream->row = -1;
	return true;
}

bool
source_stream_feedback(SourceStream *stream, Lsn received, Lsn durable, Err *err)
{
	if (durable > stream->received || received > stream->received)
		fake_broke("acknowledged more than was received (P3)");
	if (durable != 0 && durable < stream->acknowledged)
		fake_broke("acknowledged less than before (P4)");
	(void) pthread_mutex_lock(&fake.mutex);
	if (durable > fake.last.end_lsn)
		fake_broke("acknowledged more than is durable (I1)");
	(void) pthread_mutex_unlock(&fake.mutex);
	if (durable > fake.confirmed)
		fake.confirmed = durable;
	stream->acknowledged = durable;
	if (fake.cut)
		return fake_cut(err);
	return true;
}

/* ---- snapshot ---- */

SourceSnapshot *
source_snapshot_open(const SourceConfig *config, const SourceTable *tables, size_t ntables,
					 Err *err)
{
	SourceSnapshot *snapshot = calloc(1, sizeof(*snapshot));

	(void) config;
	(void) tables;
	(void) ntables;
	(void) err;
	fake_stream_init(&snapshot->rows);
	snapshot->lsn = 50 + fake.opens++;
	return snapshot;
}

uint32_t
source_snapshot_table_id(const SourceSnapshot *snapshot, size_t table)
{
	(void) table;
	return snapshot->rows.relation.id;
}

bool
source_catalog(const SourceConfig *config, Arena *arena, const SourceTable *tables, size_t ntables,
			   Relation *relations, bool *exists, Err *err)
{
	(void) config;
	(void) arena;
	(void) tables;
	(void) err;
	for (size_t i = 0; i < ntables; i++)
	{
		relations[i].id = FAKE_TABLE_ID;
		exists[i] = true;
	}
	return true;
}

Lsn
source_snapshot_lsn(const SourceSnapshot *snapshot)
{
	return snapshot->lsn;
}

int64_t
source_snapshot_time(const SourceSnapshot *snapshot)
{
	return (int64_t) snapshot->lsn;
}

bool
source_snapshot_next(SourceSnapshot *snapshot, int64_t timeout_us, Change *change, bool *found,
					 bool *waiting, Err *err)
{
	(void) timeout_us;
	(void) err;
	*waiting = false;
	*found = snapshot->next < fake.snapshot_rows;
	if (!*found)
		return true;
	fake_fill_row(&snapshot->rows, 900000 + snapshot->next++, false, false);
	*change = snapshot->rows.change;
	change->kind = CHANGE_SNAPSHOT;
	return true;
}

bool
source_snapshot_make_slot(SourceSnapshot *snapshot, Err *err)
{
	(void) err;
	if (!fake.slot_exists)
		fake.confirmed = snapshot->lsn;
	fake.slot_exists = true;
	return true;
}

void
source_snapshot_close(SourceSnapshot *snapshot)
{
	free(snapshot);
}

/* ---- log ---- */

static bool
fake_log_open(LogWriter *writer, Buffer *progress, Err *err)
{
	(void) writer;
	fake.interrupted = false;
	fake.nrecords -= fake.held;
	fake.held = 0;
	return buffer_append(progress, fake.progress, fake.progress_length, err);
}

static void
fake_log_keep_record(const LogBatch *batch, const LogRecord *record)
{
	FakeRecord *kept = &fake.records[fake.nrecords++];
	const uint8_t *at = batch->bytes.data + record->bytes + record->key_length;
	StreamMeta meta;
	Err err;

	memset(kept, 0, sizeof(*kept));
	kept->topic = record->topic;
	kept->tombstone = record->tombstone;
	if (record->topic == stream_plan_of(record)->topic)
	{
		AvroReader reader;
		int64_t branch;
		int64_t part = 0;

		if (!stream_part_read(stream_plan_of(record)->entity, at, record->value_length, &meta,
							  &err))
			fake_broke(err.message);
		reader = (AvroReader){at + meta.part_at, at + record->value_length};
		if (!encode_read_long(&reader, &branch, &err) ||
			(branch == 1 && !encode_read_long(&reader, &part, &err)) ||
			!encode_read_long(&reader, &branch, &err))
			fake_broke("cannot read the marks");
		kept->part = (int32_t) part;
		kept->last_part = branch == 1 && *reader.next == 1;
	}
	at += record->value_length;
	memcpy(kept->event_id, at, record->event_id_length);
	memcpy(kept->id, at + record->event_id_length, record->id_length);
}

/* The promises of a progress record: it grows, and names its predecessor (I7). */
static void
fake_log_keep_progress(const LogBatch *batch)
{
	Progress next;
	Err err;

	progress_init(&next);
	if (!progress_decode(&next, batch->progress.data, batch->progress.length, &err))
		fake_broke(err.message);
	if (next.sequence != fake.last.sequence + 1)
		fake_broke("sequence does not grow by one");
	if (next.previous_lsn != fake.last.end_lsn)
		fake_broke("the predecessor is another");
	if (next.end_lsn < fake.last.end_lsn ||
		(next.end_lsn == fake.last.end_lsn && next.part <= fake.last.part &&
		 fake.last.snapshot_state == SNAPSHOT_COMPLETE))
		fake_broke("progress does not grow");
	progress_release(&fake.last);
	fake.last = next;
	memcpy(fake.progress, batch->progress.data, batch->progress.length);
	fake.progress_length = batch->progress.length;
}

static void
fake_log_keep(const LogBatch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		fake_log_keep_record(batch, &batch->records[i]);
	fake.held = batch->hold ? fake.held + batch->count : 0;
	fake.largest_batch =
		batch->count > fake.largest_batch ? (unsigned) batch->count : fake.largest_batch;
	fake.progress_only += batch->count == 0;
	fake_log_keep_progress(batch);
}

/* Comes after the streamer has seen that its connection is gone, and after its patience. */
static bool
fake_log_fenced(Err *err)
{
	fake.cut = true;
	while (!atomic_load(&fake.cut_seen) && !fake.interrupted)
		(void) usleep(1000);
	(void) usleep(250000);
	return err_set(err, ERR_CLASS_STOP, ERR_LOG_FENCED, "taken over");
}

static bool
fake_log_deliver(LogWriter *writer, const LogBatch *batch, size_t *culprit, Err *err)
{
	FakeFault fault;

	while (fake.hangs && !fake.interrupted)
		(void) usleep(1000);
	if (fake.hangs)
		return err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN, "interrupted");
	for (size_t i = 0; i < batch->count; i++)
		if (batch->records[i].value_length > writer->max_record ||
			(fake.refuses_big && batch->records[i].value_length > FAKE_BIG))
		{
			*culprit = i;
			return err_set(err, ERR_CLASS_REJECT, ERR_RECORD_TOO_LARGE, "too large for this log");
		}
	fault = fake.faults[fake.deliveries++ % 256];
	if (fault == FAKE_FENCED_LATE)
		return fake_log_fenced(err);
	if (fault == FAKE_REFUSED)
		return err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN, "refused");
	(void) pthread_mutex_lock(&fake.mutex);
	fake_log_keep(batch);
	(void) pthread_mutex_unlock(&fake.mutex);
	if (fault == FAKE_CUT_SOURCE)
		fake.cut = true;
	if (fault == FAKE_UNKNOWN)
		return err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN, "no answer");
	return true;
}

static bool
fake_log_tick(LogWriter *writer, int64_t *next_us, Err *err)
{
	(void) writer;
	(void) err;
	*next_us = CLOCK_SECOND;
	return true;
}

static void
fake_log_interrupt(LogWriter *writer)
{
	(void) writer;
	fake.interrupted = true;
}

static void
fake_log_close(LogWriter *writer)
{
	free(writer);
}

LogWriter *
log_directory_new(const LogDirectoryConfig *config, const char *source, const LogTopic *topics,
				  size_t ntopics, Err *err)
{
	static const LogWriterOps ops = {.kind = "fake",
									 .holds = true,
									 .open = fake_log_open,
									 .deliver = fake_log_deliver,
									 .tick = fake_log_tick,
									 .interrupt = fake_log_interrupt,
									 .close = fake_log_close};
	LogWriter *writer = malloc(sizeof(*writer));

	(void) config;
	(void) source;
	(void) topics;
	(void) ntopics;
	(void) err;
	*writer = (LogWriter){
		.ops = &ops, .max_record = fake.refuses_big ? 1 << 20 : FAKE_BIG, .key_schema_id = -1};
	return writer;
}

#endif
