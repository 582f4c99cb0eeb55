/* SPDX-License-Identifier: PostgreSQL */
/*
 * source.h — a PostgreSQL source: connection, slot, stream, snapshot.
 *
 * The stream never blocks: its socket is polled by the caller's loop. Everything that an
 * event points to is valid until the next call on the same stream, but for relations, which
 * live until the stream is closed.
 */
#ifndef GOLDPAN_SOURCE_H
#define GOLDPAN_SOURCE_H

#include "goldpan/arena.h"
#include "goldpan/buffer.h"
#include "goldpan/err.h"
#include "goldpan/lsn.h"
#include "goldpan/model.h"

typedef struct SourceConfig
{
	const char *name;		   /* "crm" */
	const char *conninfo;	   /* libpq's; secrets stay out of every message */
	const char *slot;		   /* default goldpan_<name> */
	const char *region;		   /* or NULL */
	int64_t connect_timeout;   /* microseconds */
	int64_t feedback_interval; /* microseconds; default 10 s, at most wal_sender_timeout / 3 */
	/* NULL, or asked at least every 200 ms by whatever blocks: true ends the wait with RETRY
	 * ERR_SOURCE_DOWN. Only source_snapshot_open can wait longer than connect_timeout. */
	bool (*stop_requested)(void *context);
	void *stop_context;
} SourceConfig;

/* One mapped table and the columns that may leave the server. */
typedef struct SourceTable
{
	const char *schema;
	const char *name;
	size_t ncolumns;
	const char *const *columns;
} SourceTable;

/* ---- identity and slot ---- */

typedef struct SourceIdentity
{
	uint64_t system_identifier;
	uint32_t timeline;
	int server_version; /* 150020 */
	uint32_t database_oid;
	char database[64];
	Lsn insert_lsn; /* WAL insert position */
	Lsn flush_lsn;
	int64_t wal_sender_timeout; /* microseconds; 0: off */
} SourceIdentity;

typedef struct SourceSlot
{
	bool exists;
	bool active;
	int32_t active_pid;
	bool ours; /* logical, plugin goldpan, this database */
	char plugin[64];
	Lsn confirmed_flush_lsn;
	Lsn restart_lsn;
	char wal_status[16]; /* reserved, extended, unreserved, lost */
	int64_t retained_bytes;
	int64_t safe_wal_bytes; /* until it may be lost; -1: no limit */
} SourceSlot;

/* Connects briefly, asks, and disconnects. Blocks up to connect_timeout. Errors:
 * RETRY ERR_SOURCE_DOWN, USAGE ERR_SOURCE_AUTH … each named with its cure. */
bool source_identify(const SourceConfig *config, SourceIdentity *identity, SourceSlot *slot,
					 Err *err) MUST_CHECK;

/* The conninfo without its secrets, for messages: "host=db dbname=crm user=goldpan". */
void source_conninfo_describe(const char *conninfo, char *text, size_t size);

/* What a query returned: cells[row * ncolumns + column], NULL for null. */
typedef struct SourceRows
{
	size_t nrows;
	size_t ncolumns;
	const char **cells;
} SourceRows;

/* Connects as the streamer does, runs one query of text parameters, and disconnects. Blocks
 * up to connect_timeout. For checks, never for data. The rows live in the arena. */
bool source_query(const SourceConfig *config, Arena *arena, const char *sql, size_t nparams,
				  const char *const *params, SourceRows *rows, Err *err) MUST_CHECK;

/* Where `timeline` ended on the server, which is on a later one now: reads the current timeline's
 * history by a replication connection. 0 when that history does not name it. Blocks as
 * source_identify. */
bool source_timeline_end(const SourceConfig *config, uint32_t timeline, Lsn *end_lsn,
						 Err *err) MUST_CHECK;

/* ---- one writer per source (I6) ---- */

typedef struct SourceLock SourceLock;

/* Takes a session advisory lock named after the slot on a connection of its own. Blocks up to
 * connect_timeout. Errors: RETRY ERR_SLOT_BUSY naming the holder's pid, and source_identify's. */
SourceLock *source_lock(const SourceConfig *config, Err *err) MUST_CHECK;
/* Asks without blocking whether the session, and so the lock, still lives. */
bool source_lock_held(SourceLock *lock);
/* The same by asking the server, which notices also what only the other end knows. Blocks for a
 * few seconds at most. */
bool source_lock_answers(SourceLock *lock) MUST_CHECK;
void source_unlock(SourceLock *lock);

/* ---- stream ---- */

typedef struct SourceStream SourceStream;

typedef enum SourceEventKind
{
	SOURCE_NOTHING, /* the socket would block: poll it */
	SOURCE_BEGIN,
	SOURCE_CHANGE,
	SOURCE_COMMIT,
	SOURCE_KEEPALIVE, /* lsn: the server's WAL end that may be acknowledged when idle */
	SOURCE_SHUTDOWN,  /* the server waits for us to shut down (treat its lsn as a keepalive's),
					   * or, with lsn 0, has ended the stream in order (P14) */
} SourceEventKind;

typedef struct SourceEvent
{
	SourceEventKind kind;
	const Transaction *transaction; /* BEGIN, CHANGE, COMMIT */
	const Change *change;			/* CHANGE */
	Lsn lsn;						/* KEEPALIVE, SHUTDOWN; COMMIT: end_lsn */
	bool reply_requested;
} SourceEvent;

/* Connects and starts replication at `start`, which is not below the slot's position (else
 * ERR_GAP) nor above what the server has flushed (else ERR_DIVERGED). Blocks up to
 * connect_timeout. Errors: RETRY ERR_SOURCE_DOWN, ERR_SLOT_BUSY; STOP ERR_GAP,
 * ERR_SLOT_LOST, ERR_PLUGIN_REFUSED … */
SourceStream *source_stream_open(const SourceConfig *config, const SourceTable *tables,
								 size_t ntables, Lsn start, Err *err) MUST_CHECK;
void source_stream_close(SourceStream *stream);

int source_stream_socket(const SourceStream *stream);
bool source_stream_wants_write(const SourceStream *stream);

/* Monotonic time of the last byte received: for the receive watchdog (P12). */
int64_t source_stream_last_byte(const SourceStream *stream);
/* Highest position received on this connection; 0 at first (P3). */
Lsn source_stream_received(const SourceStream *stream);
/* How often feedback is due: feedback_interval, at most wal_sender_timeout / 3 (P11). */
int64_t source_stream_feedback_interval(const SourceStream *stream);

/* Takes what the socket has and returns the next event without blocking. Errors: RETRY
 * ERR_SOURCE_DOWN; STOP ERR_POISON, ERR_SLOT_LOST. The stream is then of no further use. */
bool source_stream_next(SourceStream *stream, SourceEvent *event, Err *err) MUST_CHECK;

/* Sends a standby status update: write = received, flush = apply = durable, which must not be
 * above what this connection has received (STOP ERR_INTERNAL) nor below what it sent before.
 * Never blocks: what the socket does not take is sent when it can (wants_write). */
bool source_stream_feedback(SourceStream *stream, Lsn received, Lsn durable, Err *err) MUST_CHECK;

/* Hash of everything that decides what the plugin sends (P7). */
uint64_t source_stream_config_hash(const SourceTable *tables, size_t ntables);

/* ---- snapshot ---- */

typedef struct SourceSnapshot SourceSnapshot;

/* Creates a temporary slot, imports its exported snapshot in a second session (W1) with
 * row_security off (W7). Waits for transactions older than itself as long as they last,
 * after 3 s reporting for whom; config->stop_requested ends that. *config, *tables and what
 * they point to must outlive the snapshot. */
SourceSnapshot *source_snapshot_open(const SourceConfig *config, const SourceTable *tables,
									 size_t ntables, Err *err) MUST_CHECK;
Lsn source_snapshot_lsn(const SourceSnapshot *snapshot);
/* oid of the table with this index in `tables`. */
uint32_t source_snapshot_table_id(const SourceSnapshot *snapshot, size_t table);
/* When the snapshot was imported, by the server's clock: microseconds since 1970-01-01 UTC. */
int64_t source_snapshot_time(const SourceSnapshot *snapshot);
/* Next row as a CHANGE_SNAPSHOT; *found false after the last row of the last table. Same
 * values as the stream gives for the same rows; transaction is NULL and ordinal 0, the caller
 * counts. Valid until the next call, the relation until close. Blocks on the socket for at
 * most `timeout_us`: then *waiting is true. */
bool source_snapshot_next(SourceSnapshot *snapshot, int64_t timeout_us, Change *change, bool *found,
						  bool *waiting, Err *err) MUST_CHECK;
/* Copies the temporary slot to the permanent one at the same position. A permanent slot of
 * ours that an earlier attempt left is kept if it is not ahead of this snapshot. */
bool source_snapshot_make_slot(SourceSnapshot *snapshot, Err *err) MUST_CHECK;
void source_snapshot_close(SourceSnapshot *snapshot);

/* Reads the catalog's shape of the tables for the checks, and for a start to see which tables they
 * are. */
bool source_catalog(const SourceConfig *config, Arena *arena, const SourceTable *tables,
					size_t ntables, Relation *relations, bool *exists, Err *err) MUST_CHECK;

#endif
