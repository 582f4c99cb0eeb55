/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_connection.c — one session with the source, bounded in time.
 *
 * Every session, replication or not, pins the settings that shape what output functions
 * print (correctness.md Y1) in its startup packet, where they win over ALTER ROLE and ALTER
 * DATABASE, and then reads them back: a pooler that drops startup options would otherwise
 * change values in silence. Nothing here waits without a deadline or a way to be stopped,
 * and no secret reaches a message: libpq's own parse errors are withheld since they quote
 * the connection string.
 */
#include "source_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"

#define SOURCE_APPLICATION_NAME "goldpan" /* fixed: P15 */
#define SOURCE_POLL_SLICE		(CLOCK_SECOND / 5)
#define SOURCE_MAX_KEYWORDS		64
#define SOURCE_MIN_VERSION		150000

/* The same as the plugin pins for output functions (src/wire/PROTOCOL.md), so that snapshot and
 * stream print alike. search_path decides how regclass and its like are printed; the timeouts would end a
 * snapshot whose exporting session has nothing to do but wait. */
#define SOURCE_PINNED                                                                              \
	"-c datestyle=ISO,MDY -c intervalstyle=iso_8601 -c extra_float_digits=3 "                      \
	"-c bytea_output=hex -c timezone=UTC -c standard_conforming_strings=on "                       \
	"-c search_path=pg_catalog -c row_security=off -c xmlbinary=base64 "                           \
	"-c quote_all_identifiers=off -c lc_monetary=C -c statement_timeout=0 -c lock_timeout=0 "      \
	"-c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 -c jit=off"

static const char source_pinned_query[] =
	"SELECT pg_catalog.current_setting('datestyle') || ' ' ||"
	" pg_catalog.current_setting('intervalstyle') || ' ' ||"
	" pg_catalog.current_setting('extra_float_digits') || ' ' ||"
	" pg_catalog.current_setting('bytea_output') || ' ' ||"
	" pg_catalog.current_setting('timezone') || ' ' ||"
	" pg_catalog.current_setting('standard_conforming_strings') || ' ' ||"
	" pg_catalog.current_setting('search_path') || ' ' ||"
	" pg_catalog.current_setting('row_security') || ' ' ||"
	" pg_catalog.current_setting('client_encoding')";
static const char source_pinned_answer[] = "ISO, MDY iso_8601 3 hex UTC on pg_catalog off UTF8";

typedef struct SourceKeywords
{
	const char *keywords[SOURCE_MAX_KEYWORDS + 1];
	const char *values[SOURCE_MAX_KEYWORDS + 1];
	int count;
} SourceKeywords;

int64_t
source_connection_deadline(const SourceConfig *config)
{
	int64_t timeout = config->connect_timeout > 0 ? config->connect_timeout : 10 * CLOCK_SECOND;

	return clock_monotonic() + timeout;
}

/* ---- describing without secrets ---- */

static void
source_describe_parsed(const PQconninfoOption *options, char *text, size_t size)
{
	static const char *const shown[] = {"service", "host", "hostaddr", "port", "dbname", "user"};
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
		{
			const char *value = option->val;
			int written;

			if (value == NULL || value[0] == '\0' || strcmp(option->keyword, shown[i]) != 0)
				continue;
			/* a connection string in the wrong place may hold a password */
			if (strchr(value, '=') != NULL || strstr(value, "://") != NULL)
				value = "***";
			written = snprintf(text + used, size - used, "%s%s=%s", used > 0 ? " " : "",
							   option->keyword, value);
			if (written < 0 || (size_t) written >= size - used)
				return;
			used += (size_t) written;
		}
	if (used == 0)
		(void) snprintf(text, size, "libpq's defaults");
}

void
source_conninfo_describe(const char *conninfo, char *text, size_t size)
{
	char *message = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &message);

	if (options != NULL)
		source_describe_parsed(options, text, size);
	else
		(void) snprintf(text, size, "a malformed connection string");
	PQconninfoFree(options);
	PQfreemem(message);
}

/* ---- connecting ---- */

static void
source_keywords_add(SourceKeywords *list, const char *keyword, const char *value)
{
	if (list->count >= SOURCE_MAX_KEYWORDS)
		return; /* more than libpq knows: cannot be */
	list->keywords[list->count] = keyword;
	list->values[list->count] = value;
	list->count++;
	list->keywords[list->count] = NULL;
	list->values[list->count] = NULL;
}

/* Adds a default that the configuration may override; returns the user's value. */
static const char *
source_keywords_user(const SourceKeywords *list, const char *keyword)
{
	for (int i = 0; i < list->count; i++)
		if (strcmp(list->keywords[i], keyword) == 0)
			return list->values[i];
	return NULL;
}

static void
source_keywords_default(SourceKeywords *list, const char *keyword, const char *value)
{
	if (source_keywords_user(list, keyword) == NULL)
		source_keywords_add(list, keyword, value);
}

static bool
source_connection_start(SourceConnection *connection, const char *conninfo, Err *err)
{
	char *message = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &message);
	SourceKeywords list = {.count = 0};
	Buffer pinned;
	const char *user_options;
	bool ok = false;

	buffer_init(&pinned, 65536);
	if (options == NULL)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not read the connection string of source \"%s\": it is malformed "
					   "(its text is not shown, since it may hold a password)",
					   connection->name);
		(void) err_hint(err, "Write it as keyword=value pairs, quoting values that contain spaces "
							 "or quotes: host=db.example dbname=crm user=goldpan");
		goto out;
	}
	source_describe_parsed(options, connection->target, sizeof(connection->target));
	for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
		if (option->val != NULL && option->val[0] != '\0')
			source_keywords_add(&list, option->keyword, option->val);

	user_options = source_keywords_user(&list, "options");
	if (!buffer_printf(&pinned, err, "%s%s" SOURCE_PINNED, user_options ? user_options : "",
					   user_options ? " " : ""))
		goto out;
	/* a dead network must show within a minute (P12) */
	source_keywords_default(&list, "keepalives_idle", "30");
	source_keywords_default(&list, "keepalives_interval", "10");
	source_keywords_default(&list, "keepalives_count", "3");
	source_keywords_default(&list, "tcp_user_timeout", "60000");
	source_keywords_add(&list, "options", (const char *) pinned.data);
	source_keywords_add(&list, "client_encoding", "UTF8");
	source_keywords_add(&list, "application_name", SOURCE_APPLICATION_NAME);
	if (connection->replication)
		source_keywords_add(&list, "replication", "database");

	connection->conn = PQconnectStartParams(list.keywords, list.values, 0);
	if (connection->conn == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory connecting to source \"%s\"",
					   connection->name);
		goto out;
	}
	/* the SQLSTATE of a refused connection is only to be had from the verbose text */
	(void) PQsetErrorVerbosity(connection->conn, PQERRORS_VERBOSE);
	ok = PQstatus(connection->conn) != CONNECTION_BAD || source_failure_connect(connection, err);
out:
	buffer_release(&pinned);
	PQconninfoFree(options);
	PQfreemem(message);
	return ok;
}

static bool
source_connection_poll(SourceConnection *connection, int64_t deadline, Err *err)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	while (status != PGRES_POLLING_OK)
	{
		bool ready;

		if (status == PGRES_POLLING_FAILED)
			return source_failure_connect(connection, err);
		if (!source_connection_wait(connection, status == PGRES_POLLING_WRITING, deadline, &ready,
									err))
			return false;
		if (!ready)
		{
			(void) err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
						   "could not connect to source \"%s\" (%s): no answer in time",
						   connection->name, connection->target);
			return err_hint(err, "Check that the server runs, that this machine reaches it, and "
								 "connect_timeout.");
		}
		status = PQconnectPoll(connection->conn);
	}
	return true;
}

static bool
source_connection_verify(SourceConnection *connection, int64_t deadline, Err *err)
{
	const char *encoding = PQparameterStatus(connection->conn, "server_encoding");
	int version = PQserverVersion(connection->conn);
	PGresult *result;
	bool ok;

	if (version < SOURCE_MIN_VERSION)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP,
					   "could not use source \"%s\" (%s): its server is version %d.%d",
					   connection->name, connection->target, version / 10000, version % 10000);
		return err_hint(err, "Goldpan reads from PostgreSQL 15 and later.");
	}
	if (encoding != NULL && strcmp(encoding, "SQL_ASCII") == 0)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP,
					   "could not use source \"%s\" (%s): its database has the encoding SQL_ASCII, "
					   "which does not say what its bytes mean",
					   connection->name, connection->target);
		return err_hint(err, "Move the database to encoding UTF8 (pg_dump, createdb -E UTF8 -T "
							 "template0, restore).");
	}
	result = source_connection_query(connection, SOURCE_DOING_QUERY, "read the session's settings",
									 source_pinned_query, 0, NULL, deadline, err);
	if (result == NULL)
		return false;
	ok = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), source_pinned_answer) == 0;
	if (!ok)
	{
		(void) err_set(
			err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP,
			"could not pin the session settings of source \"%s\" (%s): they are \"%.100s\"",
			connection->name, connection->target,
			PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "");
		(void) err_hint(err, "Connect to the server itself rather than through a pooler that drops "
							 "startup options.");
	}
	PQclear(result);
	return ok;
}

bool
source_connection_open(SourceConnection *connection, const SourceConfig *config, bool replication,
					   int64_t deadline, Err *err)
{
	memset(connection, 0, sizeof(*connection));
	connection->replication = replication;
	connection->stop_requested = config->stop_requested;
	connection->stop_context = config->stop_context;
	(void) snprintf(connection->name, sizeof(connection->name), "%s", config->name);
	(void) snprintf(connection->slot, sizeof(connection->slot), "%s",
					config->slot != NULL ? config->slot : "");
	if (config->slot != NULL && !source_slot_name_is_legal(config->slot))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "slot name \"%.80s\" of source \"%s\" is not one that PostgreSQL takes",
					   config->slot, config->name);
		return err_hint(err, "Use 1 to 63 lower-case letters, digits and underscores.");
	}
	if (source_connection_start(connection, config->conninfo, err) &&
		source_connection_poll(connection, deadline, err) &&
		source_connection_verify(connection, deadline, err))
		return true;
	source_connection_close(connection);
	return false;
}

void
source_connection_close(SourceConnection *connection)
{
	if (connection->conn != NULL)
		PQfinish(connection->conn);
	connection->conn = NULL;
}

/* ---- waiting and asking ---- */

bool
source_connection_wait(const SourceConnection *connection, bool write, int64_t deadline,
					   bool *ready, Err *err)
{
	struct pollfd descriptor = {.fd = PQsocket(connection->conn),
								.events = (short) (write ? POLLIN | POLLOUT : POLLIN)};

	*ready = false;
	for (;;)
	{
		int64_t left = deadline - clock_monotonic();
		int rc;

		if (connection->stop_requested != NULL &&
			connection->stop_requested(connection->stop_context))
			return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
						   "stopped waiting for source \"%s\" (%s) on request", connection->name,
						   connection->target);
		if (left > SOURCE_POLL_SLICE)
			left = SOURCE_POLL_SLICE;
		rc = poll(&descriptor, 1, left > 0 ? (int) (left / 1000 + 1) : 0);
		if (rc > 0)
		{
			*ready = true;
			return true;
		}
		if (rc < 0 && errno != EINTR)
			return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
						   "could not wait for source \"%s\" (%s): %s", connection->name,
						   connection->target, strerror(errno));
		if (clock_monotonic() >= deadline)
			return true;
	}
}

bool
source_connection_result(SourceConnection *connection, const char *what, int64_t deadline,
						 PGresult **result, Err *err)
{
	int unsent;
	bool ready;

	while ((unsent = PQflush(connection->conn)) > 0 || PQisBusy(connection->conn))
	{
		if (!source_connection_wait(connection, unsent > 0, deadline, &ready, err))
			return false;
		if (!ready)
			return err_set(err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN,
						   "could not %s of source \"%s\" (%s): no answer in time", what,
						   connection->name, connection->target);
		if (PQconsumeInput(connection->conn) == 0)
			return source_failure_result(connection, NULL, SOURCE_DOING_QUERY, what, err);
	}
	*result = PQgetResult(connection->conn);
	return true;
}

static bool
source_result_is_copy(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COPY_BOTH || status == PGRES_COPY_OUT || status == PGRES_COPY_IN;
}

static bool
source_result_failed(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
		   !source_result_is_copy(result);
}

PGresult *
source_connection_query(SourceConnection *connection, SourceDoing doing, const char *what,
						const char *sql, int nparams, const char *const *params, int64_t deadline,
						Err *err)
{
	PGresult *last = NULL;
	PGresult *next = NULL;
	int sent;

	/* no check of PQsetnonblocking's result: it only fails on a broken connection */
	(void) PQsetnonblocking(connection->conn, 1);
	if (nparams > 0)
		sent = PQsendQueryParams(connection->conn, sql, nparams, NULL, params, NULL, NULL, 0);
	else
		sent = PQsendQuery(connection->conn, sql);
	if (sent == 0)
	{
		(void) source_failure_result(connection, NULL, doing, what, err);
		return NULL;
	}
	for (;;)
	{
		if (!source_connection_result(connection, what, deadline, &next, err))
		{
			PQclear(last);
			return NULL;
		}
		if (next == NULL)
			break;
		if (last != NULL && source_result_failed(last))
			PQclear(next); /* the first error is the telling one */
		else
		{
			PQclear(last);
			last = next;
		}
		if (source_result_is_copy(last))
			return last;
	}
	if (last != NULL && !source_result_failed(last))
		return last;
	(void) source_failure_result(connection, last, doing, what, err);
	PQclear(last);
	return NULL;
}

bool
source_connection_identifier(const SourceConnection *connection, Buffer *out, const char *name,
							 Err *err)
{
	char *quoted = PQescapeIdentifier(connection->conn, name, strlen(name));
	bool ok;

	if (quoted == NULL)
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not quote a name of %zu bytes for source \"%s\": not valid UTF-8",
					   strlen(name), connection->name);
	ok = buffer_append_text(out, quoted, err);
	PQfreemem(quoted);
	return ok;
}

/* ---- a query for checks ---- */

static bool
source_rows_copy(const PGresult *result, Arena *arena, SourceRows *rows, Err *err)
{
	rows->nrows = (size_t) PQntuples(result);
	rows->ncolumns = (size_t) PQnfields(result);
	rows->cells = arena_zero(arena, (rows->nrows * rows->ncolumns + 1) * sizeof(char *), err);
	if (rows->cells == NULL)
		return false;
	for (size_t i = 0; i < rows->nrows * rows->ncolumns; i++)
	{
		int row = (int) (i / rows->ncolumns);
		int column = (int) (i % rows->ncolumns);

		if (PQgetisnull(result, row, column))
			continue;
		rows->cells[i] = arena_text(arena, PQgetvalue(result, row, column),
									(size_t) PQgetlength(result, row, column), err);
		if (rows->cells[i] == NULL)
			return false;
	}
	return true;
}

bool
source_query(const SourceConfig *config, Arena *arena, const char *sql, size_t nparams,
			 const char *const *params, SourceRows *rows, Err *err)
{
	int64_t deadline = source_connection_deadline(config);
	SourceConnection connection;
	PGresult *result;
	bool ok = false;

	memset(rows, 0, sizeof(*rows));
	if (!source_connection_open(&connection, config, false, deadline, err))
		return false;
	result = source_connection_query(&connection, SOURCE_DOING_QUERY, "query the catalog", sql,
									 (int) nparams, params, deadline, err);
	if (result != NULL)
		ok = source_rows_copy(result, arena, rows, err);
	PQclear(result);
	source_connection_close(&connection);
	return ok;
}
