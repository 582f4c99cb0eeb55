/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_status.c — how far a source's reader is: bytes behind, seconds behind, what is retained.
 *
 * All of it is asked of the source's server, which knows it also when no streamer runs.
 * Seconds behind is what the server measured on its last answer from the streamer; a
 * slot that nobody reads is as old as the WAL file that holds its position, which only some roles may
 * ask.
 */
#include "goldpan/admin.h"

#include <stdlib.h>
#include <string.h>

#include "goldpan/clock.h"

static const char *const status_sql =
	"SELECT coalesce(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), s.confirmed_flush_lsn), "
	"-1)::int8,"
	" CASE WHEN pg_current_wal_insert_lsn() <= s.confirmed_flush_lsn THEN 0"
	"  WHEN r.pid IS NULL THEN -1"
	"  ELSE (extract(epoch FROM coalesce(r.flush_lag, '0'::interval)) * 1000000)::int8 END,"
	" coalesce((extract(epoch FROM now() - r.reply_time) * 1000000)::int8, -1)"
	" FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid"
	" WHERE s.slot_name = $1";

/* For a slot that nobody reads: age of the file that holds its position. */
static const char *const status_age_sql =
	"SELECT (extract(epoch FROM now() - w.modification) * 1000000)::int8"
	" FROM pg_replication_slots s, pg_ls_waldir() w"
	" WHERE s.slot_name = $1 AND w.name = pg_walfile_name(s.confirmed_flush_lsn)";

static int64_t
status_number(const char *cell)
{
	return cell != NULL ? strtoll(cell, NULL, 10) : -1;
}

static const char *
status_slot_state(const SourceSlot *slot)
{
	if (!slot->exists)
		return "missing";
	if (!slot->ours)
		return "foreign";
	if (strcmp(slot->wal_status, "lost") == 0)
		return "lost";
	return slot->active ? "streaming" : "idle";
}

static bool
status_lag(const SourceConfig *source, Arena *arena, AdminStatus *status, Err *err)
{
	const char *params[] = {source->slot};
	SourceRows rows;
	Err ignored;

	if (!source_query(source, arena, status_sql, 1, params, &rows, err))
		return false;
	if (rows.nrows == 0)
		return true;
	status->bytes_behind = status_number(rows.cells[0]);
	status->seconds_behind = status_number(rows.cells[1]);
	status->last_progress = status_number(rows.cells[2]);
	if (status->bytes_behind < 0)
		status->bytes_behind = -1;
	if (status->seconds_behind < 0 &&
		source_query(source, arena, status_age_sql, 1, params, &rows, &ignored) && rows.nrows > 0)
		status->seconds_behind = status_number(rows.cells[0]);
	return true;
}

bool
admin_status_read(const SourceConfig *source, Arena *arena, AdminStatus *status, Err *err)
{
	SourceIdentity identity;
	SourceSlot slot;
	Err why;

	*status = (AdminStatus){.source = source->name,
							.why = "",
							.slot = source->slot,
							.slot_state = "unknown",
							.bytes_behind = -1,
							.seconds_behind = -1,
							.retained_bytes = -1,
							.safe_bytes = -1,
							.last_progress = -1};
	err_clear(&why);
	if (source_identify(source, &identity, &slot, &why))
	{
		status->slot_state = status_slot_state(&slot);
		status->reachable = true;
		if (slot.exists)
		{
			status->acknowledged = slot.confirmed_flush_lsn;
			status->retained_bytes = slot.retained_bytes;
			status->safe_bytes = slot.safe_wal_bytes;
			status->reachable = status_lag(source, arena, status, &why);
		}
	}
	if (!status->reachable)
	{
		status->why = arena_text(arena, why.message, strlen(why.message), err);
		if (status->why == NULL)
			return false;
	}
	return true;
}
