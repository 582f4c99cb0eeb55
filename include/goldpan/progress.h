/* SPDX-License-Identifier: PostgreSQL */
/*
 * progress.h — the one durable position of a source, and the ledger of what is in flight.
 *
 * A progress record lies in the log, in the same atomic batch as the records
 * it covers; a position is acknowledged to PostgreSQL only after that (I1, P8). Positions
 * only grow, each record names its predecessor (I7).
 */
#ifndef GOLDPAN_PROGRESS_H
#define GOLDPAN_PROGRESS_H

#include "goldpan/buffer.h"
#include "goldpan/lsn.h"

typedef enum SnapshotState
{
	SNAPSHOT_NONE,
	SNAPSHOT_RUNNING,
	SNAPSHOT_COMPLETE,
} SnapshotState;

#define PROGRESS_NAME_SIZE	64
#define PROGRESS_MAX_TABLES 1024

typedef struct Progress
{
	char source[PROGRESS_NAME_SIZE];
	uint64_t system_identifier;
	uint32_t timeline;
	char slot[PROGRESS_NAME_SIZE];
	Lsn end_lsn;		   /* everything committed before this is in the log */
	Lsn part_end_lsn;	   /* of a split transaction in the middle of delivery; 0: none */
	uint64_t next_ordinal; /* its first row not yet in the log */
	int32_t part;		   /* parts of it delivered so far */
	Lsn previous_lsn;	   /* end_lsn of the previous record (I7) */
	uint64_t sequence;	   /* 1, 2, 3 … */
	uint64_t records;	   /* published by this source so far */
	uint64_t dead_letters;
	SnapshotState snapshot_state;
	char snapshot_attempt[40];
	Lsn snapshot_lsn;
	uint64_t config_hash; /* of the plugin's options (P7) */
	char mapping_version[24];
	int32_t key_schema_id; /* Kafka: pinned; -1 in the directory log */
	size_t ntables;		   /* tables with a complete snapshot: "schema.table#oid" quoted as SQL */
	char **tables;		   /* owned */
} Progress;

void progress_init(Progress *progress);
void progress_release(Progress *progress);

/* Avro body by the "progress" schema, and back. Errors: STOP ERR_DATA. */
bool progress_encode(const Progress *progress, Buffer *out, Err *err) MUST_CHECK;
bool progress_decode(Progress *progress, const uint8_t *bytes, size_t length, Err *err) MUST_CHECK;

/* ---- ledger: what may be acknowledged ----
 * Pure state: received, in flight, durable. One per source, kept across connections; used by
 * the loop thread only. Property-tested over random interleavings. */

typedef struct Ledger
{
	Lsn received;		/* highest LSN received on this connection */
	Lsn durable;		/* covered by a durable progress record */
	Lsn acknowledged;	/* highest position ever sent to the server */
	uint64_t in_flight; /* batches handed to delivery and not yet settled */
	bool pending;		/* something received is not yet handed to delivery */
} Ledger;

void ledger_init(Ledger *ledger, Lsn durable);
/* A new connection: received starts over, and what was pending will be sent again. Batches in
 * flight stay in flight. */
void ledger_connected(Ledger *ledger);
/* BEGIN, row or COMMIT arrived: raises received and makes it pending. After handing over a part
 * of a transaction whose COMMIT has not come, call it again: the rest is pending still. */
void ledger_received(Ledger *ledger, Lsn lsn);
/* What was pending turned out to hold nothing to publish (an empty transaction). */
void ledger_skipped(Ledger *ledger);
/* A keepalive arrived: raises received, makes nothing pending. */
void ledger_keepalive(Ledger *ledger, Lsn lsn);
void ledger_handed(Ledger *ledger);
/* One batch in flight is done; its progress record says `durable` (0: it was given up). */
void ledger_settled(Ledger *ledger, Lsn durable);
/* The position to acknowledge now: never beyond received, durable, never backwards (P3, P4).
 * 0 when nothing may be said on this connection yet: send 0, which the server ignores. */
Lsn ledger_acknowledge(Ledger *ledger);
/* A position that idle keepalives allow to make durable, or 0 (P8, P9): hand over a batch
 * without records whose progress says it. */
Lsn ledger_idle_position(const Ledger *ledger, Lsn keepalive);

#endif
