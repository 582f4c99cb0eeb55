/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_position.c — what a start does: copy, stream, or stop in a named state.
 *
 * The server validates nothing: it forwards a start position that is too low and skips
 * what lies below one that is too high (P5). So progress, server and slot are compared
 * here, before anything is read, and every difference that could lose or repeat a change is a
 * stop that says how to go on.
 */
#include "stream/stream_priv.h"

#include <inttypes.h>
#include <string.h>

static bool
stream_position_gone(const StreamPositionInput *in, Err *err)
{
	(void) err_hint(err,
					"Copy the source again: SELECT pg_drop_replication_slot('%s') on the source if "
					"the slot exists, then goldpan stream --copy-again. The new copy supersedes "
					"what the log holds of this source.",
					in->slot_name);
	return false;
}

/* Event ids of two servers may be equal, so not even a new copy mends this. */
static bool
stream_position_server(const StreamPositionInput *in, Err *err)
{
	const Progress *progress = in->progress;

	if (progress->system_identifier == in->identity->system_identifier)
		return true;
	(void) err_set(err, ERR_CLASS_STOP, ERR_DIVERGED,
				   "could not resume source \"%s\": the server's system identifier is %" PRIu64
				   ", but the progress was made with %" PRIu64,
				   in->source, in->identity->system_identifier, progress->system_identifier);
	return err_hint(err, "Point conninfo to the server that the progress was made with, or start "
						 "another source name or log for the new one.");
}

static bool
stream_position_timeline(const StreamPositionInput *in, Err *err)
{
	const Progress *progress = in->progress;

	if (in->identity->timeline < progress->timeline)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DIVERGED,
					   "could not resume source \"%s\": the server is on timeline %u, but the "
					   "progress was made on timeline %u",
					   in->source, in->identity->timeline, progress->timeline);
		return err_hint(err, "This is an old primary or a restored copy: point conninfo to the "
							 "current primary.");
	}
	if (in->identity->timeline > progress->timeline && in->switch_lsn < progress->end_lsn)
	{
		char ended[LSN_TEXT_SIZE];
		char at[LSN_TEXT_SIZE];

		(void) err_set(err, ERR_CLASS_STOP, ERR_DIVERGED,
					   "could not resume source \"%s\": the server left timeline %u at %s, before "
					   "the log's position %s: the log holds changes that this server never had",
					   in->source, progress->timeline, lsn_format(in->switch_lsn, ended),
					   lsn_format(progress->end_lsn, at));
		return stream_position_gone(in, err);
	}
	return true;
}

static bool
stream_position_slot(const StreamPositionInput *in, Err *err)
{
	const Progress *progress = in->progress;
	const SourceSlot *slot = in->slot;
	char at[LSN_TEXT_SIZE];
	char have[LSN_TEXT_SIZE];

	if (!slot->ours)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_GAP,
					   "could not resume source \"%s\": replication slot \"%s\" belongs to "
					   "plugin \"%s\" or another database",
					   in->source, in->slot_name, slot->plugin);
		return err_hint(err, "Name another slot in the configuration.");
	}
	if (strcmp(slot->wal_status, "lost") == 0)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_SLOT_LOST,
					   "could not resume source \"%s\": the server has invalidated replication "
					   "slot \"%s\" (wal_status lost), changes after %s are gone",
					   in->source, in->slot_name, lsn_format(progress->end_lsn, at));
		return stream_position_gone(in, err);
	}
	if (slot->confirmed_flush_lsn > progress->end_lsn)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_GAP,
					   "could not resume source \"%s\": replication slot \"%s\" starts at %s, "
					   "but the log ends at %s: the changes between are gone",
					   in->source, in->slot_name, lsn_format(slot->confirmed_flush_lsn, at),
					   lsn_format(progress->end_lsn, have));
		return stream_position_gone(in, err);
	}
	if (in->identity->timeline == progress->timeline &&
		in->identity->insert_lsn < progress->end_lsn)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DIVERGED,
					   "could not resume source \"%s\": the server's write-ahead log ends at "
					   "%s, before the log's position %s",
					   in->source, lsn_format(in->identity->insert_lsn, at),
					   lsn_format(progress->end_lsn, have));
		return stream_position_gone(in, err);
	}
	return true;
}

bool
stream_table_replaced(const char *table, const char *source, const char *slot, Err *err)
{
	(void) err_set(err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
				   "could not stream: table %s of source \"%s\" is another table than the one that "
				   "was copied: it was dropped and made again, or another was given its name",
				   table, source);
	return err_hint(err,
					"Copy the source again: SELECT pg_drop_replication_slot('%s') on the source, "
					"then goldpan stream --copy-again. The new copy supersedes what the log holds "
					"of this source.",
					slot);
}

/*
 * The server sends changes by the table's name alone. Under another name they are not sent, and
 * what bears the name now brought rows along that never were: both would be lost in silence.
 */
static bool
stream_position_same_table(const StreamPositionInput *in, size_t i, uint32_t copied, Err *err)
{
	if (in->table_ids[i] == 0)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
					   "could not stream: table %s of source \"%s\" does not exist any more",
					   in->tables[i], in->source);
		return err_hint(
			err,
			"Rename it back if it was renamed and not changed since. If it was dropped, "
			"take it out of the mapping. If it was changed under another name, copy the "
			"source again: SELECT pg_drop_replication_slot('%s') on the source, then "
			"goldpan stream --copy-again.",
			in->slot_name);
	}
	if (copied == 0 || in->table_ids[i] == copied)
		return true;
	return stream_table_replaced(in->tables[i], in->source, in->slot_name, err);
}

/* A table whose first rows nobody copied would come out as updates of unknown records. */
static bool
stream_position_tables(const StreamPositionInput *in, Err *err)
{
	const Progress *progress = in->progress;

	for (size_t i = 0; i < in->ntables; i++)
	{
		bool copied = false;
		uint32_t id = 0;

		for (size_t j = 0; j < progress->ntables && !copied; j++)
			copied = stream_table_noted(progress->tables[j], in->tables[i], &id);
		if (copied && !stream_position_same_table(in, i, id, err))
			return false;
		if (copied)
			continue;
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOT_COPIED,
					   "could not stream table %s of source \"%s\": it was mapped after the first "
					   "copy, and its rows of before are not in the log",
					   in->tables[i], in->source);
		return err_hint(err,
						"Take the table out of the mapping, or copy the source again: SELECT "
						"pg_drop_replication_slot('%s') on the source, then goldpan stream "
						"--copy-again.",
						in->slot_name);
	}
	return true;
}

/* No complete copy is in the log. */
static bool
stream_position_fresh(const StreamPositionInput *in, StreamDecision *decision, Err *err)
{
	*decision = STREAM_DECIDE_COPY;

	/*
	 * A slot beside a copy that was begun is what that copy left when it was killed between
	 * making the slot and its completion record; nothing was ever streamed from it. The new copy
	 * keeps it: it lies before the new snapshot, where streaming will start.
	 */
	if (!in->slot->exists || (in->progress->snapshot_state == SNAPSHOT_RUNNING && in->slot->ours))
		return true;
	(void) err_set(err, ERR_CLASS_STOP, ERR_GAP,
				   "could not start source \"%s\": replication slot \"%s\" exists, but the log "
				   "holds no progress of this source",
				   in->source, in->slot_name);
	return err_hint(
		err,
		"If another log goes with the slot, name that one. If this is a new log: SELECT "
		"pg_drop_replication_slot('%s') on the source, and start again.",
		in->slot_name);
}

bool
stream_position_decide(const StreamPositionInput *in, StreamDecision *decision, Err *err)
{
	const Progress *progress = in->progress;

	if (progress->sequence == 0)
		return stream_position_fresh(in, decision, err);
	if (progress->key_schema_id != in->key_schema_id)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_KEY_SCHEMA,
					   "could not resume source \"%s\": the registry's key schema has id %d, but "
					   "the log's keys were written with id %d: equal keys would go to "
					   "different partitions",
					   in->source, in->key_schema_id, progress->key_schema_id);
		return err_hint(err, "Point registry to the one the log was made with.");
	}
	if (progress->snapshot_state != SNAPSHOT_COMPLETE)
		return stream_position_fresh(in, decision, err);
	if (!stream_position_server(in, err))
		return false;
	if (in->copy_again && !in->slot->exists)
	{
		*decision = STREAM_DECIDE_COPY;
		return true;
	}
	if (!stream_position_timeline(in, err))
		return false;
	if (!in->slot->exists)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_SLOT_LOST,
					   "could not resume source \"%s\": replication slot \"%s\" does not exist "
					   "any more",
					   in->source, in->slot_name);
		return stream_position_gone(in, err);
	}
	*decision = STREAM_DECIDE_STREAM;
	return stream_position_slot(in, err) && stream_position_tables(in, err);
}

#define STREAM_WAL_PAGE		8192
#define STREAM_SHORT_HEADER 24
#define STREAM_LONG_HEADER	40

Lsn
stream_position_target(Lsn insert_lsn)
{
	unsigned offset = (unsigned) (insert_lsn % STREAM_WAL_PAGE);

	/* No record begins inside a page header; an idle server's flush position stays before it. */
	if (offset == STREAM_SHORT_HEADER || offset == STREAM_LONG_HEADER)
		return insert_lsn - offset;
	return insert_lsn;
}
