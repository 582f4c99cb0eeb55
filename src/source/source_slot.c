/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_slot.c — who the server is, and where our slot stands.
 *
 * Everything is asked on a replication connection: it proves the REPLICATION privilege,
 * IDENTIFY_SYSTEM needs no other, and walsenders of a database also answer SQL. Positions
 * are read as text, so that nothing is lost in a number format.
 */
#include "source_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/clock.h"

#define SOURCE_PLUGIN "goldpan"

bool
source_slot_name_is_legal(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return length > 0 && length < 64 && name[length] == '\0';
}

/* A column of the only row as LSN; null is LSN_INVALID. */
static Lsn
source_slot_lsn(const PGresult *result, int column)
{
	Lsn lsn = LSN_INVALID;

	if (!PQgetisnull(result, 0, column) && !lsn_parse(PQgetvalue(result, 0, column), &lsn))
		return LSN_INVALID;
	return lsn;
}

static bool
source_slot_odd(const SourceConnection *connection, const char *what, Err *err)
{
	return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
				   "could not read %s of source \"%s\" (%s): unexpected answer", what,
				   connection->name, connection->target);
}

bool
source_slot_read_identity(SourceConnection *connection, int64_t deadline, SourceIdentity *identity,
						  Err *err)
{
	static const char facts[] =
		"SELECT (SELECT oid FROM pg_catalog.pg_database"
		" WHERE datname = pg_catalog.current_database()),"
		" CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_receive_lsn()"
		" ELSE pg_catalog.pg_current_wal_insert_lsn() END,"
		" CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()"
		" ELSE pg_catalog.pg_current_wal_flush_lsn() END,"
		" (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout')";
	PGresult *result;
	bool ok;

	memset(identity, 0, sizeof(*identity));
	identity->server_version = PQserverVersion(connection->conn);
	result = source_connection_query(connection, SOURCE_DOING_QUERY, "identify the server",
									 "IDENTIFY_SYSTEM", 0, NULL, deadline, err);
	if (result == NULL)
		return false;
	ok = PQntuples(result) == 1 && PQnfields(result) >= 4 && !PQgetisnull(result, 0, 3);
	if (ok)
	{
		identity->system_identifier = strtoull(PQgetvalue(result, 0, 0), NULL, 10);
		identity->timeline = (uint32_t) strtoul(PQgetvalue(result, 0, 1), NULL, 10);
		(void) snprintf(identity->database, sizeof(identity->database), "%s",
						PQgetvalue(result, 0, 3));
	}
	PQclear(result);
	if (!ok || identity->system_identifier == 0)
		return source_slot_odd(connection, "the system identifier", err);

	result = source_connection_query(connection, SOURCE_DOING_QUERY, "read the WAL position", facts,
									 0, NULL, deadline, err);
	if (result == NULL)
		return false;
	ok = PQntuples(result) == 1;
	if (ok)
	{
		identity->database_oid = (uint32_t) strtoul(PQgetvalue(result, 0, 0), NULL, 10);
		identity->insert_lsn = source_slot_lsn(result, 1);
		identity->flush_lsn = source_slot_lsn(result, 2);
		identity->wal_sender_timeout = strtoll(PQgetvalue(result, 0, 3), NULL, 10) * 1000;
	}
	PQclear(result);
	if (!ok || identity->insert_lsn == LSN_INVALID)
		return source_slot_odd(connection, "the WAL position", err);
	return true;
}

static void
source_slot_fill(const PGresult *result, SourceSlot *slot)
{
	slot->exists = true;
	(void) snprintf(slot->plugin, sizeof(slot->plugin), "%s", PQgetvalue(result, 0, 0));
	slot->active = PQgetvalue(result, 0, 2)[0] == 't';
	slot->active_pid = (int32_t) strtol(PQgetvalue(result, 0, 3), NULL, 10);
	slot->confirmed_flush_lsn = source_slot_lsn(result, 4);
	slot->restart_lsn = source_slot_lsn(result, 5);
	(void) snprintf(slot->wal_status, sizeof(slot->wal_status), "%s", PQgetvalue(result, 0, 6));
	if (!PQgetisnull(result, 0, 7))
		slot->retained_bytes = strtoll(PQgetvalue(result, 0, 7), NULL, 10);
	if (!PQgetisnull(result, 0, 8))
		slot->safe_wal_bytes = strtoll(PQgetvalue(result, 0, 8), NULL, 10);
	slot->ours = strcmp(slot->plugin, SOURCE_PLUGIN) == 0 && PQgetvalue(result, 0, 1)[0] == 't' &&
				 PQgetvalue(result, 0, 9)[0] != 't';
}

bool
source_slot_read(SourceConnection *connection, int64_t deadline, SourceSlot *slot, Err *err)
{
	char sql[900];
	PGresult *result;

	memset(slot, 0, sizeof(*slot));
	slot->safe_wal_bytes = -1;
	/* the name is one of [a-z0-9_]: checked when the connection was opened */
	(void) snprintf(sql, sizeof(sql),
					"SELECT plugin, slot_type = 'logical' AND database = "
					"pg_catalog.current_database(), active, active_pid, confirmed_flush_lsn, "
					"restart_lsn, wal_status, pg_catalog.trunc(pg_catalog.pg_wal_lsn_diff(CASE "
					"WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() "
					"ELSE pg_catalog.pg_current_wal_lsn() END, restart_lsn)), safe_wal_size, "
					"temporary FROM pg_catalog.pg_replication_slots WHERE slot_name = '%s'",
					connection->slot);
	result = source_connection_query(connection, SOURCE_DOING_QUERY, "read the slot", sql, 0, NULL,
									 deadline, err);
	if (result == NULL)
		return false;
	if (PQntuples(result) == 1)
		source_slot_fill(result, slot);
	PQclear(result);
	return true;
}

bool
source_identify(const SourceConfig *config, SourceIdentity *identity, SourceSlot *slot, Err *err)
{
	int64_t deadline = source_connection_deadline(config);
	SourceConnection connection;
	bool ok;

	if (!source_connection_open(&connection, config, true, deadline, err))
		return false;
	ok = source_slot_read_identity(&connection, deadline, identity, err) &&
		 source_slot_read(&connection, deadline, slot, err);
	source_connection_close(&connection);
	return ok;
}
