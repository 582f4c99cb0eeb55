/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_temporary.c — the temporary slot that a snapshot hangs on, and the permanent one
 * that is made from it.
 *
 * A slot's creation waits for every transaction that is older, as long as they last, and the
 * server says nothing meanwhile. So the wait has no deadline, but can be stopped, and after a
 * few seconds the operator is told for whom. Two sessions: the exporter makes the slot and
 * waits, the reader asks who holds it up and ends it if we must go.
 */
#include "source_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "goldpan/clock.h"
#include "goldpan/report.h"

#define SOURCE_FIRST_REPORT	 (3 * CLOCK_SECOND)
#define SOURCE_REPORT_EVERY	 (30 * CLOCK_SECOND)
#define SOURCE_CANCEL_WITHIN (2 * CLOCK_SECOND)

/* ---- waiting ---- */

static void
source_temporary_report_one(const char *name, const PGresult *result, int row, int64_t seconds)
{
	const char *pid = PQgetvalue(result, row, 0);

	if (pid[0] == '0')
		report_warning(name,
					   "the snapshot has waited %" PRId64 " s for the prepared transaction \"%s\" "
					   "of user \"%s\", age %s; COMMIT PREPARED or ROLLBACK PREPARED ends it",
					   seconds, PQgetvalue(result, row, 3), PQgetvalue(result, row, 1),
					   PQgetvalue(result, row, 2));
	else
		report_warning(name,
					   "the snapshot has waited %" PRId64 " s for the transaction of process %s, "
					   "user \"%s\", age %s; it must end first (or pg_terminate_backend(%s))",
					   seconds, pid, PQgetvalue(result, row, 1), PQgetvalue(result, row, 2), pid);
}

/* One line for each transaction that holds up the slot's creation. */
static void
source_temporary_report(const SourceConnection *exporter, SourceConnection *reader, int64_t waited)
{
	static const char blockers[] =
		"SELECT b.pid, coalesce(a.usename::text, p.owner::text, '?'),"
		" coalesce(pg_catalog.trunc(EXTRACT(epoch FROM pg_catalog.clock_timestamp()"
		" - coalesce(a.xact_start, p.prepared)))::text || ' s', 'unknown'), p.gid"
		" FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::int4)) AS b(pid)"
		" LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid"
		" LEFT JOIN (SELECT * FROM pg_catalog.pg_prepared_xacts ORDER BY prepared LIMIT 1) p"
		" ON b.pid = 0";
	char pid[16];
	const char *const params[] = {pid};
	PGresult *result;
	Err ignored;

	(void) snprintf(pid, sizeof(pid), "%d", PQbackendPID(exporter->conn));
	result = source_connection_query(reader, SOURCE_DOING_QUERY, "ask who holds up the snapshot",
									 blockers, 1, params, clock_monotonic() + SOURCE_CANCEL_WITHIN,
									 &ignored);
	if (result == NULL || PQntuples(result) == 0)
		report_warning(exporter->name,
					   "the snapshot has waited %" PRId64 " s for transactions that are older",
					   waited / CLOCK_SECOND);
	for (int row = 0; result != NULL && row < PQntuples(result); row++)
		source_temporary_report_one(exporter->name, result, row, waited / CLOCK_SECOND);
	PQclear(result);
}

/* A walsender that waits does not notice that its client is gone: end it ourselves. */
void
source_temporary_abandon(const SourceConnection *exporter, SourceConnection *reader)
{
	char pid[16];
	const char *const params[] = {pid};
	Err ignored;

	if (exporter->conn == NULL || reader->conn == NULL ||
		PQtransactionStatus(exporter->conn) != PQTRANS_ACTIVE ||
		PQtransactionStatus(reader->conn) != PQTRANS_IDLE)
		return;
	reader->stop_requested = NULL;
	(void) snprintf(pid, sizeof(pid), "%d", PQbackendPID(exporter->conn));
	PQclear(source_connection_query(reader, SOURCE_DOING_QUERY, "end the waiting session",
									"SELECT pg_catalog.pg_terminate_backend($1::int4)", 1, params,
									clock_monotonic() + SOURCE_CANCEL_WITHIN, &ignored));
}

/* Waits for the creation's result, or an error of waiting. */
static bool
source_temporary_wait(SourceConnection *exporter, SourceConnection *reader, const char *what,
					  Err *err)
{
	int64_t began = clock_monotonic();
	int64_t next_report = began + SOURCE_FIRST_REPORT;
	bool ready;

	while (PQflush(exporter->conn) > 0 || PQisBusy(exporter->conn))
	{
		if (!source_connection_wait(exporter, false, next_report, &ready, err))
			return false;
		if (!ready)
		{
			source_temporary_report(exporter, reader, clock_monotonic() - began);
			next_report = clock_monotonic() + SOURCE_REPORT_EVERY;
		}
		else if (PQconsumeInput(exporter->conn) == 0)
			return source_failure_result(exporter, NULL, SOURCE_DOING_CREATE_SLOT, what, err);
	}
	return true;
}

/* The result, with the session idle again, so that facts can be asked. */
static PGresult *
source_temporary_result(SourceConnection *exporter, const char *what, Err *err)
{
	PGresult *result = PQgetResult(exporter->conn);
	PGresult *next = result;

	while (next != NULL)
	{
		if (!source_connection_result(exporter, what, clock_monotonic() + SOURCE_CANCEL_WITHIN,
									  &next, err))
		{
			PQclear(result);
			return NULL;
		}
		PQclear(next);
	}
	if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
		PQnfields(result) >= 3)
		return result;
	(void) source_failure_result(exporter, result, SOURCE_DOING_CREATE_SLOT, what, err);
	PQclear(result);
	return NULL;
}

bool
source_temporary_create(SourceConnection *exporter, SourceConnection *reader,
						SourceTemporary *temporary, Err *err)
{
	char what[128];
	char sql[160];
	PGresult *result;
	bool ok;

	(void) snprintf(temporary->name, sizeof(temporary->name), "%.40s_copy_%d", exporter->slot,
					PQbackendPID(exporter->conn));
	(void) snprintf(what, sizeof(what), "create temporary slot \"%s\"", temporary->name);
	(void) snprintf(sql, sizeof(sql),
					"CREATE_REPLICATION_SLOT \"%s\" TEMPORARY LOGICAL goldpan EXPORT_SNAPSHOT",
					temporary->name);
	(void) PQsetnonblocking(exporter->conn, 1);
	if (PQsendQuery(exporter->conn, sql) == 0)
		return source_failure_result(exporter, NULL, SOURCE_DOING_CREATE_SLOT, what, err);
	if (!source_temporary_wait(exporter, reader, what, err))
		return false;
	result = source_temporary_result(exporter, what, err);
	if (result == NULL)
		return false;
	ok = lsn_parse(PQgetvalue(result, 0, 1), &temporary->lsn) &&
		 PQgetlength(result, 0, 2) < (int) sizeof(temporary->snapshot);
	if (ok)
		(void) snprintf(temporary->snapshot, sizeof(temporary->snapshot), "%s",
						PQgetvalue(result, 0, 2));
	else
		(void) err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "could not %s: unexpected answer", what);
	PQclear(result);
	return ok;
}

/* ---- the permanent slot ---- */

bool
source_temporary_check(SourceConnection *connection, int64_t deadline, SourceSlot *slot, Err *err)
{
	if (!source_slot_read(connection, deadline, slot, err))
		return false;
	if (!slot->exists)
		return true;
	if (!slot->ours)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP,
					   "could not use slot \"%s\" of source \"%s\": it belongs to output plugin "
					   "\"%s\" or to another database",
					   connection->slot, connection->name, slot->plugin);
		return err_hint(err, "Name another slot in the configuration.");
	}
	if (slot->active)
	{
		(void) err_set(err, ERR_CLASS_RETRY, ERR_SLOT_BUSY,
					   "could not use slot \"%s\" of source \"%s\": process %d reads it",
					   connection->slot, connection->name, (int) slot->active_pid);
		return err_hint(err, "Stop the other goldpan.");
	}
	return true;
}

/* An earlier attempt's slot serves if it is not ahead: the server skips what lies between. */
static bool
source_temporary_keep(const SourceConnection *connection, const SourceTemporary *temporary,
					  const SourceSlot *slot, Err *err)
{
	char slot_text[LSN_TEXT_SIZE];
	char snapshot_text[LSN_TEXT_SIZE];

	if (slot->confirmed_flush_lsn != LSN_INVALID && slot->confirmed_flush_lsn <= temporary->lsn &&
		strcmp(slot->wal_status, "lost") != 0)
		return true;
	(void) err_set(err, ERR_CLASS_STOP, ERR_GAP,
				   "could not keep slot \"%s\" of source \"%s\": it is lost, or at %s and so ahead "
				   "of the snapshot at %s",
				   connection->slot, connection->name,
				   lsn_format(slot->confirmed_flush_lsn, slot_text),
				   lsn_format(temporary->lsn, snapshot_text));
	return err_hint(err, "Drop it and start again: SELECT pg_drop_replication_slot('%s');",
					connection->slot);
}

bool
source_temporary_make_permanent(SourceConnection *reader, const SourceTemporary *temporary,
								int64_t deadline, Err *err)
{
	const char *const params[] = {temporary->name, reader->slot};
	char what[128];
	SourceSlot slot;
	PGresult *result;
	Lsn made;
	bool ok;

	if (!source_temporary_check(reader, deadline, &slot, err))
		return false;
	if (slot.exists)
		return source_temporary_keep(reader, temporary, &slot, err);
	(void) snprintf(what, sizeof(what), "make slot \"%s\" permanent", reader->slot);
	result = source_connection_query(
		reader, SOURCE_DOING_CREATE_SLOT, what,
		"SELECT lsn FROM pg_catalog.pg_copy_logical_replication_slot($1, $2, false)", 2, params,
		deadline, err);
	if (result == NULL)
		return false;
	ok = PQntuples(result) == 1 && lsn_parse(PQgetvalue(result, 0, 0), &made) &&
		 made == temporary->lsn;
	PQclear(result);
	if (!ok)
		return err_set(err, ERR_CLASS_STOP, ERR_GAP,
					   "could not %s of source \"%s\": the copy is not at the snapshot's position",
					   what, reader->name);
	return true;
}
