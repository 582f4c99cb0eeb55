/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_stream.c — the replication stream: start, receive, acknowledge, end.
 *
 * Opening is bounded in time; from then on nothing blocks. The positions at which a stream
 * may start are checked against the slot and the server before the server is asked, since it
 * forwards one that is too low and obeys one that is too high in silence (correctness.md P3,
 * P5). An acknowledgement beyond what this connection has received is refused here, whatever
 * the ledger above says: the server would believe it and never send those changes.
 */
#include "source_priv.h"

#include <poll.h>
#include <stdio.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"

#define SOURCE_HEADER_DATA		 25
#define SOURCE_HEADER_KEEPALIVE	 18
#define SOURCE_FEEDBACK_LENGTH	 34
#define SOURCE_FEEDBACK_INTERVAL (10 * CLOCK_SECOND)

struct SourceStream
{
	SourceConnection connection;
	SourceDecoder decoder;
	char *message; /* libpq's; the decoder reads from it */
	bool decoding; /* message holds a frame that is not used up */
	bool ending;   /* the copy has ended, its result is outstanding */
	bool unsent;   /* libpq holds bytes that the socket did not take */
	Lsn received;
	Lsn acknowledged;
	int64_t last_byte;
	int64_t last_feedback;
	int64_t feedback_interval;
	int64_t wal_sender_timeout;
	Lsn asked_at; /* walEnd of the last keepalive that wanted a reply */
	int asked;	  /* such keepalives in a row that no timeout explains */
};

/* ---- opening ---- */

static bool
source_stream_check_gap(const SourceStream *stream, const SourceSlot *slot, Lsn start, Lsn flushed,
						Err *err)
{
	const SourceConnection *connection = &stream->connection;
	char start_text[LSN_TEXT_SIZE];
	char other[LSN_TEXT_SIZE];

	if (slot->confirmed_flush_lsn == LSN_INVALID || slot->confirmed_flush_lsn > start)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_GAP,
					   "could not stream source \"%s\" (%s) from %s: slot \"%s\" is already at %s, "
					   "the changes between are no longer sent",
					   connection->name, connection->target, lsn_format(start, start_text),
					   connection->slot, lsn_format(slot->confirmed_flush_lsn, other));
		return err_hint(err,
						"Somebody made the slot anew or advanced it. Drop it (SELECT "
						"pg_drop_replication_slot('%s');) and copy the tables anew.",
						connection->slot);
	}
	if (start > flushed)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DIVERGED,
					   "could not stream source \"%s\" (%s) from %s: the server has only written "
					   "WAL up to %s, so it is not the one this progress was made with",
					   connection->name, connection->target, lsn_format(start, start_text),
					   lsn_format(flushed, other));
		return err_hint(err, "Was the server restored from a backup, or a standby promoted that "
							 "lagged? The log then holds changes that it has lost.");
	}
	return true;
}

static bool
source_stream_check_slot(const SourceStream *stream, const SourceSlot *slot, Err *err)
{
	const SourceConnection *connection = &stream->connection;

	if (!slot->exists || strcmp(slot->wal_status, "lost") == 0)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_SLOT_LOST,
					   "could not stream source \"%s\" (%s): slot \"%s\" %s", connection->name,
					   connection->target, connection->slot,
					   slot->exists ? "was invalidated by the server (max_slot_wal_keep_size)"
									: "does not exist");
		return err_hint(err,
						"The changes since the last acknowledged one can no longer be had. "
						"Copy the tables anew%s.",
						slot->exists ? ", after dropping the slot" : "");
	}
	if (!slot->ours)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP,
					   "could not stream source \"%s\" (%s): slot \"%s\" belongs to output plugin "
					   "\"%s\" or to another database",
					   connection->name, connection->target, connection->slot, slot->plugin);
		return err_hint(err, "Name another slot in the configuration.");
	}
	if (slot->active)
	{
		(void) err_set(
			err, ERR_CLASS_RETRY, ERR_SLOT_BUSY,
			"could not stream source \"%s\" (%s): slot \"%s\" is in use by process %d of "
			"the server",
			connection->name, connection->target, connection->slot, (int) slot->active_pid);
		return err_hint(err, "After a crash the server notices within wal_sender_timeout; "
							 "otherwise stop the other goldpan.");
	}
	return true;
}

static void
source_stream_set_intervals(SourceStream *stream, const SourceConfig *config,
							const SourceIdentity *identity)
{
	int64_t third = identity->wal_sender_timeout / 3;

	stream->wal_sender_timeout = identity->wal_sender_timeout;
	stream->feedback_interval =
		config->feedback_interval > 0 ? config->feedback_interval : SOURCE_FEEDBACK_INTERVAL;
	if (third > 0 && third < stream->feedback_interval)
		stream->feedback_interval = third;
}

/* The last record of an open transaction, or of one that rolled back, may lie in a page of WAL
 * that an idle server never flushes, and what is not flushed is not decoded: the stream would
 * never reach a position that was read before. Committing a transaction of our own, empty but
 * for its id, has the WAL writer flush all that lies before it. */
static bool
source_stream_nudge(SourceConnection *connection, int64_t deadline, Err *err)
{
	const char *standby = PQparameterStatus(connection->conn, "in_hot_standby");
	PGresult *result;

	if (standby != NULL && strcmp(standby, "on") == 0)
		return true;
	result = source_connection_query(connection, SOURCE_DOING_QUERY, "have the WAL flushed",
									 "SELECT pg_catalog.txid_current()", 0, NULL, deadline, err);
	PQclear(result);
	return result != NULL;
}

static bool
source_stream_start(SourceStream *stream, const SourceConfig *config, const SourceTable *tables,
					size_t ntables, Lsn start, Err *err)
{
	int64_t deadline = source_connection_deadline(config);
	SourceConnection *connection = &stream->connection;
	SourceIdentity identity;
	SourceSlot slot;
	PGresult *result = NULL;
	Buffer command;
	char what[128];
	bool ok;

	if (!source_connection_open(connection, config, true, deadline, err) ||
		!source_slot_read_identity(connection, deadline, &identity, err) ||
		!source_slot_read(connection, deadline, &slot, err) ||
		!source_stream_check_slot(stream, &slot, err) ||
		!source_stream_check_gap(stream, &slot, start, identity.flush_lsn, err) ||
		!source_stream_nudge(connection, deadline, err))
		return false;
	source_stream_set_intervals(stream, config, &identity);
	(void) snprintf(what, sizeof(what), "start replication from slot \"%s\"", connection->slot);
	buffer_init(&command, SOURCE_COMMAND_CEILING);
	ok = source_options_start(connection->slot, tables, ntables, start, &command, err);
	if (ok)
		result = source_connection_query(connection, SOURCE_DOING_START, what,
										 (const char *) command.data, 0, NULL, deadline, err);
	buffer_release(&command);
	if (result == NULL)
		return false;
	ok = PQresultStatus(result) == PGRES_COPY_BOTH;
	PQclear(result);
	if (!ok)
		return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
					   "could not %s of source \"%s\" (%s): the server did not begin to stream",
					   what, connection->name, connection->target);
	return true;
}

SourceStream *
source_stream_open(const SourceConfig *config, const SourceTable *tables, size_t ntables, Lsn start,
				   Err *err)
{
	SourceStream *stream = alloc_zero(sizeof(SourceStream));

	if (stream == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening a stream");
		return NULL;
	}
	source_decode_init(&stream->decoder, config->name);
	if (!source_stream_start(stream, config, tables, ntables, start, err))
	{
		source_stream_close(stream);
		return NULL;
	}
	/* from here on the caller's loop waits */
	stream->connection.stop_requested = NULL;
	stream->last_byte = clock_monotonic();
	stream->last_feedback = stream->last_byte;
	return stream;
}

void
source_stream_close(SourceStream *stream)
{
	if (stream == NULL)
		return;
	PQfreemem(stream->message);
	source_decode_release(&stream->decoder);
	source_connection_close(&stream->connection);
	alloc_free(stream);
}

int
source_stream_socket(const SourceStream *stream)
{
	return PQsocket(stream->connection.conn);
}

bool
source_stream_wants_write(const SourceStream *stream)
{
	return stream->unsent;
}

int64_t
source_stream_last_byte(const SourceStream *stream)
{
	return stream->last_byte;
}

Lsn
source_stream_received(const SourceStream *stream)
{
	return stream->received;
}

int64_t
source_stream_feedback_interval(const SourceStream *stream)
{
	return stream->feedback_interval;
}

/* ---- receiving ---- */

static uint64_t
source_stream_get64(const char *at)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number = number << 8 | (uint8_t) at[i];
	return number;
}

static bool
source_stream_broken(SourceStream *stream, const char *what, Err *err)
{
	return err_set(err, ERR_CLASS_STOP, ERR_POISON,
				   "could not read the stream of source \"%s\": %s", stream->connection.name, what);
}

static void
source_stream_note(SourceStream *stream, Lsn lsn)
{
	if (lsn > stream->received)
		stream->received = lsn;
}

/* A server asks for a reply at half of its timeout, counted from our last one. One that asks
 * twice in a row much sooner, without anything new to say, waits for us to be done so that
 * it can shut down (P14). Once may be a crossing on the way. */
static bool
source_stream_is_shutdown(SourceStream *stream, Lsn lsn)
{
	int64_t since = clock_monotonic() - stream->last_feedback;

	if (lsn != stream->asked_at)
		stream->asked = 0;
	stream->asked_at = lsn;
	if (stream->wal_sender_timeout > 0 && since > stream->wal_sender_timeout / 4)
		stream->asked = 0;
	else
		stream->asked++;
	return stream->asked >= 3;
}

static bool
source_stream_keepalive(SourceStream *stream, size_t length, SourceEvent *event, Err *err)
{
	if (length < SOURCE_HEADER_KEEPALIVE)
		return source_stream_broken(stream, "a keepalive is too short", err);
	event->kind = SOURCE_KEEPALIVE;
	event->lsn = source_stream_get64(stream->message + 1);
	event->reply_requested = stream->message[17] != 0;
	source_stream_note(stream, event->lsn);
	if (!event->reply_requested)
		stream->asked = 0;
	else if (source_stream_is_shutdown(stream, event->lsn))
		event->kind = SOURCE_SHUTDOWN;
	return true;
}

/* Sorts out one CopyData message. *event stays SOURCE_NOTHING for a frame. */
static bool
source_stream_message(SourceStream *stream, size_t length, SourceEvent *event, Err *err)
{
	stream->last_byte = clock_monotonic();
	switch (stream->message[0])
	{
		case 'w':
			if (length < SOURCE_HEADER_DATA)
				return source_stream_broken(stream, "a message is too short", err);
			source_stream_note(stream, source_stream_get64(stream->message + 1));
			source_stream_note(stream, source_stream_get64(stream->message + 9));
			stream->asked = 0;
			stream->decoding = true;
			source_decode_frame(&stream->decoder, stream->message + SOURCE_HEADER_DATA,
								length - SOURCE_HEADER_DATA);
			return true;
		case 'k':
			return source_stream_keepalive(stream, length, event, err);
		default:
			return source_stream_broken(stream, "a message of unknown kind", err);
	}
}

/* After the last CopyData: the server said why. */
static bool
source_stream_end(SourceStream *stream, SourceEvent *event, Err *err)
{
	SourceConnection *connection = &stream->connection;
	PGresult *result;
	ExecStatusType status;

	stream->ending = true;
	if (PQisBusy(connection->conn))
		return true; /* the rest of it is still on its way */
	result = PQgetResult(connection->conn);
	status = PQresultStatus(result);
	if (result != NULL && (status == PGRES_COMMAND_OK || status == PGRES_COPY_IN ||
						   status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH))
	{
		event->kind = SOURCE_SHUTDOWN;
		PQclear(result);
		return true;
	}
	(void) source_failure_result(connection, result, SOURCE_DOING_STREAM, "read the stream", err);
	PQclear(result);
	return false;
}

/* Takes what the socket has. *more is false when it has nothing. */
static bool
source_stream_fill(SourceStream *stream, bool *more, Err *err)
{
	PGconn *conn = stream->connection.conn;
	struct pollfd descriptor = {.fd = PQsocket(conn), .events = POLLIN};

	*more = poll(&descriptor, 1, 0) > 0;
	if (!*more && !PQsslInUse(conn))
		return true;
	if (*more)
		stream->last_byte = clock_monotonic();
	/* its result is what tells of a dead server (P12) */
	if (PQconsumeInput(conn) == 0)
		return source_failure_result(&stream->connection, NULL, SOURCE_DOING_STREAM,
									 "read the stream", err);
	return true;
}

/* Takes the next CopyData message out of libpq. *taken is false when there is none yet. */
static bool
source_stream_take(SourceStream *stream, SourceEvent *event, bool *taken, Err *err)
{
	int length;

	PQfreemem(stream->message);
	stream->message = NULL;
	*taken = false;
	length = stream->ending ? -1 : PQgetCopyData(stream->connection.conn, &stream->message, 1);
	if (length > 0)
	{
		*taken = true;
		return source_stream_message(stream, (size_t) length, event, err);
	}
	if (length == 0)
		return true;
	if (length == -1)
		return source_stream_end(stream, event, err);
	return source_failure_result(&stream->connection, NULL, SOURCE_DOING_STREAM, "read the stream",
								 err);
}

bool
source_stream_next(SourceStream *stream, SourceEvent *event, Err *err)
{
	bool filled = false;

	memset(event, 0, sizeof(*event));
	for (;;)
	{
		bool taken;

		if (stream->decoding)
		{
			if (!source_decode_next(&stream->decoder, event, err))
				return false;
			if (event->kind == SOURCE_COMMIT)
				source_stream_note(stream, event->lsn);
			if (event->kind != SOURCE_NOTHING)
				return true;
			stream->decoding = false;
		}
		if (stream->unsent)
			stream->unsent = PQflush(stream->connection.conn) > 0;
		if (!source_stream_take(stream, event, &taken, err))
			return false;
		if (event->kind != SOURCE_NOTHING)
			return true;
		if (taken)
			continue;
		if (filled)
			return true;
		if (!source_stream_fill(stream, &filled, err))
			return false;
		if (!filled)
			return true;
	}
}

/* ---- acknowledging ---- */

static void
source_stream_put64(uint8_t *at, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		at[i] = (uint8_t) (number >> (56 - 8 * i));
}

static bool
source_stream_check_feedback(const SourceStream *stream, Lsn durable, Err *err)
{
	char wanted[LSN_TEXT_SIZE];
	char bound[LSN_TEXT_SIZE];

	if (durable > stream->received)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
					   "refused to acknowledge %s to source \"%s\": it has sent up to %s only",
					   lsn_format(durable, wanted), stream->connection.name,
					   lsn_format(stream->received, bound));
	if (durable < stream->acknowledged)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
					   "refused to acknowledge %s to source \"%s\": it was told %s before",
					   lsn_format(durable, wanted), stream->connection.name,
					   lsn_format(stream->acknowledged, bound));
	return true;
}

bool
source_stream_feedback(SourceStream *stream, Lsn received, Lsn durable, Err *err)
{
	PGconn *conn = stream->connection.conn;
	uint8_t message[SOURCE_FEEDBACK_LENGTH];
	int queued;
	int left;

	if (!source_stream_check_feedback(stream, durable, err))
		return false;
	if (received > stream->received)
		received = stream->received;
	message[0] = 'r';
	source_stream_put64(message + 1, received > durable ? received : durable);
	source_stream_put64(message + 9, durable);
	source_stream_put64(message + 17, durable);
	source_stream_put64(message + 25, (uint64_t) (clock_wall() - CLOCK_POSTGRES_EPOCH));
	message[33] = 0;
	queued = PQputCopyData(conn, (const char *) message, sizeof(message));
	left = queued >= 0 ? PQflush(conn) : -1;
	if (queued < 0 || left < 0)
	{
		/* an orderly end shows in what the server sent: leave it to source_stream_next */
		if (PQstatus(conn) == CONNECTION_OK)
			return true;
		return source_failure_result(&stream->connection, NULL, SOURCE_DOING_STREAM,
									 "acknowledge to the stream", err);
	}
	stream->unsent = left > 0;
	if (queued > 0)
	{
		stream->acknowledged = durable;
		stream->last_feedback = clock_monotonic();
	}
	return true;
}
