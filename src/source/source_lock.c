/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_lock.c — one writer per source, and where a timeline ended.
 *
 * A slot's own activity does not tell a rival from a walsender that has not yet noticed that its
 * client died (P13), and it ends with every broken connection. So a worker holds a session
 * advisory lock, named after the slot, on a plain connection of its own (I6).
 */
#include "source_priv.h"

#include <stdio.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"

struct SourceLock
{
	SourceConnection connection;
};

#define SOURCE_LOCK_DEADLINE (5 * CLOCK_SECOND)

/* ---- lock ---- */

#define SOURCE_LOCK_KEY "pg_catalog.hashtextextended('goldpan slot ' || $1, 0)"

/* Names who holds the lock; "another session" when it is gone by now or may not be seen. */
static void
source_lock_holder(SourceConnection *connection, int64_t deadline, char *text, size_t size)
{
	static const char sql[] = "SELECT l.pid, a.client_addr FROM pg_catalog.pg_locks l"
							  " LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)"
							  " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
							  " AND l.classid::int8 << 32 | l.objid::int8 = " SOURCE_LOCK_KEY;
	const char *const params[] = {connection->slot};
	Err ignored;
	PGresult *result = source_connection_query(connection, SOURCE_DOING_QUERY, "read the locks",
											   sql, 1, params, deadline, &ignored);

	(void) snprintf(text, size, "another session");
	if (result != NULL && PQntuples(result) > 0)
		(void) snprintf(text, size, "the session of backend %s%s%s", PQgetvalue(result, 0, 0),
						PQgetisnull(result, 0, 1) ? "" : " from ", PQgetvalue(result, 0, 1));
	PQclear(result);
}

static bool
source_lock_take(SourceConnection *connection, int64_t deadline, Err *err)
{
	const char *const params[] = {connection->slot};
	char holder[128];
	bool taken;
	PGresult *result = source_connection_query(
		connection, SOURCE_DOING_QUERY, "take the lock of the slot",
		"SELECT pg_catalog.pg_try_advisory_lock(" SOURCE_LOCK_KEY ")", 1, params, deadline, err);

	if (result == NULL)
		return false;
	taken = PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 't';
	PQclear(result);
	if (taken)
		return true;
	source_lock_holder(connection, deadline, holder, sizeof(holder));
	(void) err_set(err, ERR_CLASS_RETRY, ERR_SLOT_BUSY,
				   "could not take the lock of slot \"%s\" of source \"%s\" (%s): %s holds it",
				   connection->slot, connection->name, connection->target, holder);
	return err_hint(err, "Another goldpan streams this source. Stop one of them, or give this one "
						 "another slot and another log.");
}

SourceLock *
source_lock(const SourceConfig *config, Err *err)
{
	int64_t deadline = source_connection_deadline(config);
	SourceLock *lock = alloc_zero(sizeof(*lock));

	if (lock == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory taking the lock of a slot");
		return NULL;
	}
	if (source_connection_open(&lock->connection, config, false, deadline, err))
	{
		if (source_lock_take(&lock->connection, deadline, err))
			return lock;
		source_connection_close(&lock->connection);
	}
	alloc_free(lock);
	return NULL;
}

bool
source_lock_held(SourceLock *lock)
{
	PGconn *conn = lock->connection.conn;

	return PQconsumeInput(conn) == 1 && PQstatus(conn) == CONNECTION_OK;
}

bool
source_lock_answers(SourceLock *lock)
{
	int64_t deadline = clock_monotonic() + SOURCE_LOCK_DEADLINE;
	PGresult *result;
	Err ignored; /* a session without an answer is lost, whatever the reason */

	if (!source_lock_held(lock))
		return false;
	result =
		source_connection_query(&lock->connection, SOURCE_DOING_QUERY, "ask the lock's session",
								"SELECT 1", 0, NULL, deadline, &ignored);
	PQclear(result);
	return result != NULL;
}

void
source_unlock(SourceLock *lock)
{
	source_connection_close(&lock->connection);
	alloc_free(lock);
}

/* ---- timelines ---- */

/* A history file has lines "<timeline> <switch position> <reason>". */
static Lsn
source_lock_history_end(const char *history, uint32_t timeline)
{
	for (const char *line = history; line != NULL && *line != '\0'; line = strchr(line, '\n'))
	{
		char position[LSN_TEXT_SIZE];
		unsigned parent;
		Lsn lsn;

		line += *line == '\n';
		if (sscanf(line, "%u %17s", &parent, position) == 2 && parent == timeline &&
			lsn_parse(position, &lsn))
			return lsn;
	}
	return LSN_INVALID;
}

bool
source_timeline_end(const SourceConfig *config, uint32_t timeline, Lsn *end_lsn, Err *err)
{
	int64_t deadline = source_connection_deadline(config);
	SourceConnection connection;
	SourceIdentity identity;
	char command[64];
	PGresult *result = NULL;

	*end_lsn = LSN_INVALID;
	if (!source_connection_open(&connection, config, true, deadline, err))
		return false;
	if (source_slot_read_identity(&connection, deadline, &identity, err))
	{
		(void) snprintf(command, sizeof(command), "TIMELINE_HISTORY %u", identity.timeline);
		result =
			source_connection_query(&connection, SOURCE_DOING_QUERY, "read the timeline's history",
									command, 0, NULL, deadline, err);
	}
	if (result != NULL && PQntuples(result) == 1 && PQnfields(result) >= 2)
		*end_lsn = source_lock_history_end(PQgetvalue(result, 0, 1), timeline);
	PQclear(result);
	source_connection_close(&connection);
	return result != NULL;
}
