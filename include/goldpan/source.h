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
} SourceSlot;

/* Connects briefly, asks, and disconnects. Blocks up to connect_timeout. Errors:
 * RETRY ERR_SOURCE_DOWN, USAGE ERR_SOURCE_AUTH … each named with its cure. */
bool source_identify(const SourceConfig *config, SourceIdentity *identity, SourceSlot *slot,
					 Err *err) MUST_CHECK;

/* ---- stream ---- */

typedef struct SourceStream SourceStream;

typedef enum SourceEventKind
{
	SOURCE_NOTHING, /* the socket would block: poll it */
	SOURCE_BEGIN,
	SOURCE_CHANGE,
	SOURCE_COMMIT,
	SOURCE_KEEPALIVE, /* lsn: the server's WAL end that may be acknowledged when idle */
	SOURCE_SHUTDOWN,  /* the server shuts down and waits for us (P14) */
} SourceEventKind;

typedef struct SourceEvent
{
	SourceEventKind kind;
	const Transaction *transaction; /* BEGIN, CHANGE, COMMIT */
	const Change *change;			/* CHANGE */
	Lsn lsn;						/* KEEPALIVE, COMMIT: end_lsn */
	bool reply_requested;
} SourceEvent;

/* Connects and starts replication at `start`, which is not below the slot's position.
 * Blocks up to connect_timeout. Errors: RETRY ERR_SOURCE_DOWN, ERR_SLOT_BUSY; STOP ERR_GAP,
 * ERR_SLOT_LOST, ERR_PLUGIN_REFUSED … */
SourceStream *source_stream_open(const SourceConfig *config, const SourceTable *tables,
								 size_t ntables, Lsn start, Err *err) MUST_CHECK;
void source_stream_close(SourceStream *stream);

int source_stream_socket(const SourceStream *stream);
bool source_stream_wants_write(const SourceStream *stream);

/* Takes what the socket has and returns the next event without blocking. */
bool source_stream_next(SourceStream *stream, SourceEvent *event, Err *err) MUST_CHECK;

/* Sends a standby status update: write = received, flush = apply = durable. */
bool source_stream_feedback(SourceStream *stream, Lsn received, Lsn durable, Err *err) MUST_CHECK;

/* Hash of everything that decides what the plugin sends (P7). */
uint64_t source_stream_config_hash(const SourceTable *tables, size_t ntables);

/* ---- snapshot ---- */

typedef struct SourceSnapshot SourceSnapshot;

/* Creates a temporary slot, imports its exported snapshot in a second session (W1) with
 * row_security off (W7). After 3 s of waiting for old transactions reports for whom. */
SourceSnapshot *source_snapshot_open(const SourceConfig *config, const SourceTable *tables,
									 size_t ntables, Err *err) MUST_CHECK;
Lsn source_snapshot_lsn(const SourceSnapshot *snapshot);
/* Next row as a CHANGE_SNAPSHOT; *found false after the last row of the last table. Same
 * value kinds as the stream gives for the same types. Blocks on the socket for at most
 * `timeout_us`: then *waiting is true. */
bool source_snapshot_next(SourceSnapshot *snapshot, int64_t timeout_us, Change *change, bool *found,
						  bool *waiting, Err *err) MUST_CHECK;
/* Copies the temporary slot to the permanent one at the same position. */
bool source_snapshot_make_slot(SourceSnapshot *snapshot, Err *err) MUST_CHECK;
void source_snapshot_close(SourceSnapshot *snapshot);

/* Reads the catalog's shape of the tables for `mapping check` and `goldpan check`. */
bool source_catalog(const SourceConfig *config, Arena *arena, const SourceTable *tables,
					size_t ntables, Relation *relations, bool *exists, Err *err) MUST_CHECK;

#endif
