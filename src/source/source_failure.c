/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_failure.c — what a failure of the server means, and what cures it.
 *
 * Read from SQLSTATEs and facts, never from message texts, which servers translate. Where
 * one SQLSTATE has several causes the server is asked: 42501 at slot creation or start is
 * what a plugin outside output_plugin_libraries gives, 55000 is wal_level or a lost slot.
 * Only the primary message of the server is passed on: details and contexts may hold
 * values of rows.
 */
#include "source_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "goldpan/clock.h"

#define SOURCE_PLUGIN		  "goldpan"
#define SOURCE_FACTS_DEADLINE (5 * CLOCK_SECOND)
#define SOURCE_TEXT_SIZE	  320

/* ---- texts ---- */

/* Finds ":  XXXXX: " that PQERRORS_VERBOSE puts before the server's message. */
static const char *
source_verbose_sqlstate(const char *text, char sqlstate[6])
{
	const char *found = NULL;

	sqlstate[0] = '\0';
	for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  "))
	{
		size_t n = 0;

		while (n < 5 && (isdigit((unsigned char) at[3 + n]) || isupper((unsigned char) at[3 + n])))
			n++;
		if (n < 5 || at[8] != ':' || at[9] != ' ')
			continue;
		memcpy(sqlstate, at + 3, 5);
		sqlstate[5] = '\0';
		found = at + 10;
	}
	return found;
}

/* Copies the lines that do not begin with a tab (libpq's advice) or LOCATION. */
static void
source_text_flatten(const char *from, char *text, size_t size)
{
	size_t used = 0;

	while (*from != '\0' && used + 3 < size)
	{
		size_t length = strcspn(from, "\n");

		if (from[0] != '\t' && length > 0)
		{
			size_t room = size - used - 3;
			size_t take = length < room ? length : room;

			if (used > 0)
			{
				text[used++] = ';';
				text[used++] = ' ';
			}
			memcpy(text + used, from, take);
			used += take;
		}
		from += length;
		if (*from == '\n')
			from++;
	}
	text[used] = '\0';
	if (used == 0)
		(void) snprintf(text, size, "the connection broke");
}

static bool
source_sqlstate_is(const char *sqlstate, const char *prefix)
{
	return strncmp(sqlstate, prefix, strlen(prefix)) == 0;
}

bool
source_failure_lists(const char *list, const char *library)
{
	size_t wanted = strlen(library);

	while (*list != '\0')
	{
		const char *end;
		bool quoted;

		while (*list == ' ' || *list == ',')
			list++;
		quoted = *list == '"';
		if (quoted)
			list++;
		end = quoted ? strchr(list, '"') : list + strcspn(list, ", ");
		if (end == NULL)
			return false;
		if ((size_t) (end - list) == wanted && memcmp(list, library, wanted) == 0)
			return true;
		list = *end == '"' ? end + 1 : end;
	}
	return false;
}

static void
source_role(const SourceConnection *connection, char *text, size_t size)
{
	const char *user = connection->conn != NULL ? PQuser(connection->conn) : NULL;
	char *quoted = NULL;

	if (user != NULL)
		quoted = PQescapeIdentifier(connection->conn, user, strlen(user));
	(void) snprintf(text, size, "%s", quoted != NULL ? quoted : "the_role");
	PQfreemem(quoted);
}

/* ---- connecting ---- */

static bool
source_connect_hint(const SourceConnection *connection, const char *sqlstate, Err *err)
{
	char role[140];

	source_role(connection, role, sizeof(role));
	if (err->code == ERR_SOURCE_AUTH)
		return err_hint(err,
						"Check user and password of source \"%s\" (conninfo, PGPASSFILE or "
						"~/.pgpass) and that pg_hba.conf lets role %s in; psql with the same "
						"connection string must succeed.",
						connection->name, role);
	if (source_sqlstate_is(sqlstate, "42501") && connection->replication)
		return err_hint(err, "As a superuser: ALTER ROLE %s REPLICATION;", role);
	if (source_sqlstate_is(sqlstate, "42501"))
		return err_hint(err, "As a superuser: GRANT CONNECT ON DATABASE \"%s\" TO %s;",
						PQdb(connection->conn), role);
	if (source_sqlstate_is(sqlstate, "3D000"))
		return err_hint(err, "Correct dbname in the connection string of source \"%s\".",
						connection->name);
	if (source_sqlstate_is(sqlstate, "53300"))
		return err_hint(err, "Raise max_connections and max_wal_senders (restart needed), or close "
							 "sessions that are no longer used.");
	if (sqlstate[0] != '\0')
		return false;
	return err_hint(err, "Check host and port, that the server runs, and that this machine "
						 "reaches it.");
}

bool
source_failure_connect(const SourceConnection *connection, Err *err)
{
	char text[SOURCE_TEXT_SIZE];
	char sqlstate[6];
	const char *all = PQerrorMessage(connection->conn);
	const char *server = source_verbose_sqlstate(all, sqlstate);
	ErrClass class = ERR_CLASS_RETRY;
	ErrCode code = ERR_SOURCE_DOWN;

	source_text_flatten(server != NULL ? server : all, text, sizeof(text));
	if (server != NULL)
	{
		char *location = strstr(text, "; LOCATION:");

		text[strcspn(text, "\n")] = '\0';
		if (location != NULL)
			*location = '\0';
	}
	if (strstr(connection->target, "***") != NULL)
		(void) snprintf(text, sizeof(text), "%s",
						"refused (the reason is not shown: the connection string seems to hold a "
						"password in the wrong place)");
	if (PQconnectionNeedsPassword(connection->conn) || source_sqlstate_is(sqlstate, "28"))
	{
		class = ERR_CLASS_USAGE;
		code = ERR_SOURCE_AUTH;
	}
	else if (source_sqlstate_is(sqlstate, "42501") || source_sqlstate_is(sqlstate, "3D000"))
	{
		class = ERR_CLASS_USAGE;
		code = ERR_SOURCE_SETUP;
	}
	(void) err_set(err, class, code, "could not connect to source \"%s\" (%s): %s",
				   connection->name, connection->target, text);
	if (err != NULL)
		(void) source_connect_hint(connection, sqlstate, err);
	return false;
}

/* ---- statements ---- */

/* Asks for one text; empty when the server does not say. */
static void
source_fact(SourceConnection *connection, const char *sql, char *text, size_t size)
{
	PGresult *result;
	Err ignored;

	text[0] = '\0';
	if (PQstatus(connection->conn) != CONNECTION_OK ||
		PQtransactionStatus(connection->conn) != PQTRANS_IDLE)
		return;
	result = source_connection_query(connection, SOURCE_DOING_QUERY, "read a setting", sql, 0, NULL,
									 clock_monotonic() + SOURCE_FACTS_DEADLINE, &ignored);
	if (result != NULL && PQntuples(result) == 1 && !PQgetisnull(result, 0, 0))
		(void) snprintf(text, size, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
}

static bool
source_failure_refused(SourceConnection *connection, const char *intro, const char *text, Err *err)
{
	char list[256];
	char role[140];

	source_fact(connection, "SELECT pg_catalog.current_setting('output_plugin_libraries', true)",
				list, sizeof(list));
	/* A walsender has the REPLICATION privilege already, so that a list we may not read
	 * (it takes pg_read_all_settings) is still what refuses us. */
	if (connection->replication && !source_failure_lists(list, SOURCE_PLUGIN))
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_PLUGIN_REFUSED,
					   "%s: the server does not allow output plugin \"%s\": its setting "
					   "output_plugin_libraries does not list it",
					   intro, SOURCE_PLUGIN);
		return err_hint(err,
						"As a superuser (no quotes around the list; keep what others need): ALTER "
						"SYSTEM SET output_plugin_libraries = %s, %s; SELECT pg_reload_conf();",
						list[0] != '\0' ? list : "pgoutput, test_decoding", SOURCE_PLUGIN);
	}
	source_role(connection, role, sizeof(role));
	(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "%s: %s", intro, text);
	return err_hint(err, "As a superuser: ALTER ROLE %s REPLICATION;", role);
}

static bool
source_failure_prerequisite(SourceConnection *connection, SourceDoing doing, const char *intro,
							const char *text, Err *err)
{
	char level[32];

	source_fact(connection, "SELECT pg_catalog.current_setting('wal_level')", level, sizeof(level));
	if (level[0] != '\0' && strcmp(level, "logical") != 0)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP,
					   "%s: wal_level of the server is \"%s\", not \"logical\"", intro, level);
		return err_hint(err, "As a superuser: ALTER SYSTEM SET wal_level = logical; then restart "
							 "the server.");
	}
	if (doing == SOURCE_DOING_CREATE_SLOT)
		return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "%s: %s", intro, text);
	(void) err_set(err, ERR_CLASS_STOP, ERR_SLOT_LOST, "%s: %s", intro, text);
	return err_hint(err, "The changes since the last acknowledged one are gone from the server. "
						 "Drop the slot and copy the tables anew.");
}

/* Slot creation and start of replication. Returns false with *known set when it knew. */
static bool
source_failure_slot(SourceConnection *connection, const char *sqlstate, SourceDoing doing,
					const char *intro, const char *text, bool *known, Err *err)
{
	int major = PQserverVersion(connection->conn) / 10000;

	*known = true;
	if (source_sqlstate_is(sqlstate, "42501"))
		return source_failure_refused(connection, intro, text, err);
	if (source_sqlstate_is(sqlstate, "55000"))
		return source_failure_prerequisite(connection, doing, intro, text, err);
	if (source_sqlstate_is(sqlstate, "58P01"))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_PLUGIN_MISSING,
					   "%s: the server does not find output plugin \"%s\": %s", intro,
					   SOURCE_PLUGIN, text);
		return err_hint(err,
						"Install the plugin on the server: apt-get install postgresql-%d-goldpan, "
						"or make install in Goldpan's sources.",
						major);
	}
	if (source_sqlstate_is(sqlstate, "55006"))
	{
		(void) err_set(err, ERR_CLASS_RETRY, ERR_SLOT_BUSY, "%s: %s", intro, text);
		return err_hint(err, "After a crash the server notices within wal_sender_timeout; "
							 "otherwise stop the other goldpan.");
	}
	if (source_sqlstate_is(sqlstate, "42704") && doing == SOURCE_DOING_START)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_SLOT_LOST, "%s: %s", intro, text);
		return err_hint(err, "Somebody dropped the slot; the changes since then can no longer be "
							 "had. Copy the tables anew.");
	}
	if (source_sqlstate_is(sqlstate, "42710"))
		return err_set(err, ERR_CLASS_RETRY, ERR_SLOT_BUSY, "%s: %s", intro, text);
	if (source_sqlstate_is(sqlstate, "42704"))
		return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "%s: %s", intro, text);
	if (source_sqlstate_is(sqlstate, "53400"))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "%s: %s", intro, text);
		return err_hint(err, "Drop slots that nobody reads (SELECT slot_name FROM "
							 "pg_replication_slots WHERE NOT active), or as a superuser: ALTER "
							 "SYSTEM SET max_replication_slots = 20; then restart the server.");
	}
	if (source_sqlstate_is(sqlstate, "22") || source_sqlstate_is(sqlstate, "42") ||
		source_sqlstate_is(sqlstate, "0A"))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "%s: %s", intro, text);
		return err_hint(err, "Install the same version of the plugin and of this program.");
	}
	*known = false;
	return false;
}

/* The class of server trouble that passes by itself. */
static bool
source_sqlstate_passes(const char *sqlstate)
{
	static const char *const passing[] = {"08", "25", "40", "53", "55", "57", "58", "XX", "72"};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (source_sqlstate_is(sqlstate, passing[i]))
			return true;
	return sqlstate[0] == '\0';
}

static bool
source_failure_table(SourceConnection *connection, const char *sqlstate, const char *intro,
					 const char *text, Err *err)
{
	char role[140];

	if (source_sqlstate_is(sqlstate, "42501"))
	{
		source_role(connection, role, sizeof(role));
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "%s: %s", intro, text);
		return err_hint(
			err,
			"As the table's owner: GRANT SELECT ON that table (and USAGE ON its schema) "
			"TO %s; where row-level security is on, as a superuser: ALTER ROLE %s "
			"BYPASSRLS;",
			role, role);
	}
	if (source_sqlstate_is(sqlstate, "42") || source_sqlstate_is(sqlstate, "3F"))
		return err_set(err, ERR_CLASS_STOP, ERR_TABLE_CHANGED, "%s: %s", intro, text);
	return err_set(err, ERR_CLASS_STOP, ERR_POISON, "%s: %s", intro, text);
}

bool
source_failure_result(SourceConnection *connection, const PGresult *result, SourceDoing doing,
					  const char *what, Err *err)
{
	char intro[480];
	char text[SOURCE_TEXT_SIZE];
	const char *sqlstate = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *primary =
		result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	bool known;

	if (sqlstate == NULL)
		sqlstate = "";
	source_text_flatten(primary != NULL ? primary : PQerrorMessage(connection->conn), text,
						sizeof(text));
	(void) snprintf(intro, sizeof(intro), "could not %.160s of source \"%s\" (%.200s)", what,
					connection->name, connection->target);
	if (doing == SOURCE_DOING_CREATE_SLOT || doing == SOURCE_DOING_START)
	{
		(void) source_failure_slot(connection, sqlstate, doing, intro, text, &known, err);
		if (known)
			return false;
	}
	if (source_sqlstate_passes(sqlstate))
		return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "%s: %s", intro, text);
	if (doing == SOURCE_DOING_READ_TABLE)
		return source_failure_table(connection, sqlstate, intro, text, err);
	if (doing == SOURCE_DOING_STREAM && source_sqlstate_is(sqlstate, "42P01"))
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_TABLE_CHANGED, "%s: %s", intro, text);
		return err_hint(err,
						"What is changed under another name is not sent: rename the table back "
						"or map it by the new name, drop the slot, then goldpan stream "
						"--copy-again.");
	}
	if (doing == SOURCE_DOING_STREAM)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_POISON, "%s: %s (SQLSTATE %s)", intro, text,
					   sqlstate);
		return err_hint(err, "The server's log names the position; the same change will fail again "
							 "until its cause is mended.");
	}
	if (source_sqlstate_is(sqlstate, "42501"))
		return err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "%s: %s", intro, text);
	return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "%s: %s (SQLSTATE %s)", intro, text,
				   sqlstate);
}
