/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_snapshot.c — the rows as they were at the position where the stream begins.
 *
 * One session creates a temporary slot and exports the snapshot that belongs to its
 * consistent point; it stays open, idle, so that the slot keeps the WAL. A second session
 * imports the snapshot and copies the tables (correctness.md W1). When all rows are safe the
 * temporary slot is copied to the permanent one at the same position: until then a crash
 * leaves nothing behind on the server, after it the stream goes on without gap or overlap.
 */
#include "source_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"

#define SOURCE_SQL_CEILING ((size_t) 1 << 20)

typedef enum SourceCopyState
{
	SOURCE_COPY_NONE,  /* the table at hand is not asked for yet */
	SOURCE_COPY_ASKED, /* its COPY is sent */
	SOURCE_COPY_ROWS,
	SOURCE_COPY_ENDING, /* all rows had, the result outstanding */
	SOURCE_COPY_DONE,	/* after the last table */
} SourceCopyState;

struct SourceSnapshot
{
	const SourceConfig *config;
	SourceConnection exporter;
	SourceConnection reader;
	SourceTemporary temporary;
	int64_t time; /* of the import, microseconds since 1970-01-01 UTC by the server's clock */
	SourceShapes shapes;
	SourceShape **tables;
	size_t ntables;
	size_t table; /* at hand */
	SourceCopyState state;
	bool header_read;
	char *message; /* libpq's */
	size_t length;
	size_t at;
	Value *values;
	char what[160];
};

static bool
source_snapshot_import(SourceSnapshot *snapshot, Err *err)
{
	const char *exported = snapshot->temporary.snapshot;
	int64_t deadline = source_connection_deadline(snapshot->config);
	char *quoted = PQescapeLiteral(snapshot->reader.conn, exported, strlen(exported));
	char sql[256];
	PGresult *result;

	if (quoted == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "could not quote a snapshot's name");
	(void) snprintf(sql, sizeof(sql),
					"BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
					"SET TRANSACTION SNAPSHOT %s;"
					"SELECT (EXTRACT(epoch FROM pg_catalog.now()) * 1000000)::bigint",
					quoted);
	PQfreemem(quoted);
	result = source_connection_query(&snapshot->reader, SOURCE_DOING_QUERY, "import the snapshot",
									 sql, 0, NULL, deadline, err);
	if (result == NULL)
		return false;
	snapshot->time = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return true;
}

/* ---- opening ---- */

static bool
source_snapshot_shapes(SourceSnapshot *snapshot, const SourceTable *tables, Err *err)
{
	size_t most = 0;

	snapshot->tables = alloc_zero((snapshot->ntables + 1) * sizeof(SourceShape *));
	if (snapshot->tables == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory listing tables");
	for (size_t i = 0; i < snapshot->ntables; i++)
	{
		SourceShape *shape;

		if (!source_catalog_shape(&snapshot->reader, &tables[i], false,
								  source_connection_deadline(snapshot->config), &shape, err))
			return false;
		if (shape == NULL)
		{
			(void) err_set(err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
						   "could not copy table \"%.64s\".\"%.64s\" of source \"%s\": there is no "
						   "such table",
						   tables[i].schema, tables[i].name, snapshot->config->name);
			return err_hint(err, "Correct the mapping, or create the table; goldpan mapping check "
								 "compares them.");
		}
		if (!shape->logged)
		{
			source_relation_discard(shape);
			(void) err_set(err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
						   "could not copy table \"%.64s\".\"%.64s\" of source \"%s\": it is "
						   "unlogged or temporary, its changes are never sent",
						   tables[i].schema, tables[i].name, snapshot->config->name);
			return err_hint(err, "As its owner: ALTER TABLE ... SET LOGGED, or take it out of the "
								 "mapping.");
		}
		shape = source_relation_intern(&snapshot->shapes, shape, err);
		if (shape == NULL)
			return false;
		snapshot->tables[i] = shape;
		if (shape->relation.ncolumns > most)
			most = shape->relation.ncolumns;
	}
	snapshot->values = alloc_zero((most + 1) * sizeof(Value));
	if (snapshot->values == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for a row of %zu values",
					   most);
	return true;
}

SourceSnapshot *
source_snapshot_open(const SourceConfig *config, const SourceTable *tables, size_t ntables,
					 Err *err)
{
	int64_t deadline = source_connection_deadline(config);
	SourceSnapshot *snapshot = alloc_zero(sizeof(SourceSnapshot));
	SourceSlot slot;

	if (snapshot == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening a snapshot");
		return NULL;
	}
	snapshot->config = config;
	snapshot->ntables = ntables;
	if (source_connection_open(&snapshot->exporter, config, true, deadline, err) &&
		source_connection_open(&snapshot->reader, config, false, deadline, err) &&
		source_temporary_check(&snapshot->exporter, deadline, &slot, err) &&
		source_temporary_create(&snapshot->exporter, &snapshot->reader, &snapshot->temporary,
								err) &&
		source_snapshot_import(snapshot, err) && source_snapshot_shapes(snapshot, tables, err))
		return snapshot;
	source_temporary_abandon(&snapshot->exporter, &snapshot->reader);
	source_snapshot_close(snapshot);
	return NULL;
}

void
source_snapshot_close(SourceSnapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	PQfreemem(snapshot->message);
	source_connection_close(&snapshot->reader);
	source_connection_close(&snapshot->exporter);
	source_relation_release(&snapshot->shapes);
	alloc_free(snapshot->tables);
	alloc_free(snapshot->values);
	alloc_free(snapshot);
}

Lsn
source_snapshot_lsn(const SourceSnapshot *snapshot)
{
	return snapshot->temporary.lsn;
}

uint32_t
source_snapshot_table_id(const SourceSnapshot *snapshot, size_t table)
{
	return snapshot->tables[table]->relation.id;
}

int64_t
source_snapshot_time(const SourceSnapshot *snapshot)
{
	return snapshot->time;
}

/* ---- rows ---- */

/* Binary output is the stream's value for types that have a kind; everything else is what
 * its output function prints: format('%s') calls it, where a cast to text would differ (inet,
 * char(n)). IS DISTINCT FROM NULL tests the value itself, also of a row of nulls. */
static bool
source_snapshot_column(const SourceSnapshot *snapshot, const SourceShape *shape, uint16_t position,
					   Buffer *sql, Err *err)
{
	const char *name = shape->columns[position].name;

	if (shape->forms[position] != SOURCE_FORM_PRINTED)
		return source_connection_identifier(&snapshot->reader, sql, name, err);
	return buffer_append_text(sql, "CASE WHEN ", err) &&
		   source_connection_identifier(&snapshot->reader, sql, name, err) &&
		   buffer_append_text(sql, " IS DISTINCT FROM NULL THEN pg_catalog.format('%s', ", err) &&
		   source_connection_identifier(&snapshot->reader, sql, name, err) &&
		   buffer_append_text(sql, ") END", err);
}

static bool
source_snapshot_sql(const SourceSnapshot *snapshot, const SourceShape *shape, Buffer *sql, Err *err)
{
	if (!buffer_append_text(sql, "COPY (SELECT ", err))
		return false;
	for (uint16_t i = 0; i < shape->relation.ncolumns; i++)
		if ((i > 0 && !buffer_append_text(sql, ", ", err)) ||
			!source_snapshot_column(snapshot, shape, i, sql, err))
			return false;
	/* ONLY: children of an inheritance parent are tables of their own, partitions are not */
	return buffer_append_text(sql, shape->partitioned ? " FROM " : " FROM ONLY ", err) &&
		   source_connection_identifier(&snapshot->reader, sql, shape->relation.schema, err) &&
		   buffer_append_text(sql, ".", err) &&
		   source_connection_identifier(&snapshot->reader, sql, shape->relation.name, err) &&
		   buffer_append_text(sql, ") TO STDOUT (FORMAT binary)", err) &&
		   buffer_append_byte(sql, 0, err);
}

static bool
source_snapshot_ask(SourceSnapshot *snapshot, Err *err)
{
	const SourceShape *shape = snapshot->tables[snapshot->table];
	Buffer sql;
	bool ok;

	(void) snprintf(snapshot->what, sizeof(snapshot->what), "copy table \"%.64s\".\"%.64s\"",
					shape->relation.schema, shape->relation.name);
	buffer_init(&sql, SOURCE_SQL_CEILING);
	ok = source_snapshot_sql(snapshot, shape, &sql, err);
	if (ok && PQsendQuery(snapshot->reader.conn, (const char *) sql.data) == 0)
		ok = source_failure_result(&snapshot->reader, NULL, SOURCE_DOING_READ_TABLE, snapshot->what,
								   err);
	buffer_release(&sql);
	if (ok)
		snapshot->state = SOURCE_COPY_ASKED;
	snapshot->header_read = false;
	return ok;
}

/* Reads results without waiting; *busy when there is none yet. */
static bool
source_snapshot_results(SourceSnapshot *snapshot, bool *busy, Err *err)
{
	PGconn *conn = snapshot->reader.conn;
	PGresult *result;

	*busy = false;
	for (;;)
	{
		ExecStatusType status;
		bool ok;

		if (PQflush(conn) > 0 || PQisBusy(conn))
		{
			*busy = true;
			return true;
		}
		result = PQgetResult(conn);
		if (result == NULL)
		{
			snapshot->state = SOURCE_COPY_NONE;
			snapshot->table++;
			return true;
		}
		status = PQresultStatus(result);
		ok = status == PGRES_COPY_OUT || status == PGRES_COMMAND_OK;
		if (!ok)
			(void) source_failure_result(&snapshot->reader, result, SOURCE_DOING_READ_TABLE,
										 snapshot->what, err);
		PQclear(result);
		if (!ok)
			return false;
		if (status == PGRES_COPY_OUT)
		{
			snapshot->state = SOURCE_COPY_ROWS;
			return true;
		}
	}
}

/* Takes the next message of the COPY without waiting. */
static bool
source_snapshot_message(SourceSnapshot *snapshot, bool *busy, Err *err)
{
	int length;

	PQfreemem(snapshot->message);
	snapshot->message = NULL;
	snapshot->length = 0;
	snapshot->at = 0;
	length = PQgetCopyData(snapshot->reader.conn, &snapshot->message, 1);
	*busy = length == 0;
	if (length > 0)
		snapshot->length = (size_t) length;
	else if (length == -1)
		snapshot->state = SOURCE_COPY_ENDING;
	else if (length < -1)
		return source_failure_result(&snapshot->reader, NULL, SOURCE_DOING_READ_TABLE,
									 snapshot->what, err);
	return true;
}

static bool
source_snapshot_row(SourceSnapshot *snapshot, Change *change, bool *found, Err *err)
{
	const SourceShape *shape = snapshot->tables[snapshot->table];
	const uint8_t *bytes = (const uint8_t *) snapshot->message + snapshot->at;
	size_t length = snapshot->length - snapshot->at;
	const char *error = NULL;
	size_t used = 0;
	bool end = false;
	bool ok;

	if (!snapshot->header_read)
		ok = source_copy_header(bytes, length, &used, &error);
	else
		ok = source_copy_row(shape, bytes, length, snapshot->values, &used, &end, &error);
	if (!ok)
		return err_set(err, ERR_CLASS_STOP, ERR_POISON, "could not %s of source \"%s\": %s",
					   snapshot->what, snapshot->config->name, error);
	snapshot->at += used;
	*found = snapshot->header_read && !end;
	snapshot->header_read = true;
	if (!*found)
		return true;
	memset(change, 0, sizeof(*change));
	change->kind = CHANGE_SNAPSHOT;
	change->relation = &shape->relation;
	change->new_values = snapshot->values;
	return true;
}

/* One step without waiting. *busy: the socket has to bring more first. */
static bool
source_snapshot_step(SourceSnapshot *snapshot, Change *change, bool *found, bool *busy, Err *err)
{
	switch (snapshot->state)
	{
		case SOURCE_COPY_NONE:
			if (snapshot->table < snapshot->ntables)
				return source_snapshot_ask(snapshot, err);
			snapshot->state = SOURCE_COPY_DONE;
			return true;
		case SOURCE_COPY_ASKED:
		case SOURCE_COPY_ENDING:
			return source_snapshot_results(snapshot, busy, err);
		case SOURCE_COPY_ROWS:
			if (snapshot->at < snapshot->length)
				return source_snapshot_row(snapshot, change, found, err);
			return source_snapshot_message(snapshot, busy, err);
		case SOURCE_COPY_DONE:
			break;
	}
	return true;
}

bool
source_snapshot_next(SourceSnapshot *snapshot, int64_t timeout_us, Change *change, bool *found,
					 bool *waiting, Err *err)
{
	int64_t deadline = INT64_MIN;

	*found = false;
	*waiting = false;
	while (!*found && snapshot->state != SOURCE_COPY_DONE)
	{
		bool busy = false;
		bool ready;

		if (!source_snapshot_step(snapshot, change, found, &busy, err))
			return false;
		if (!busy)
			continue;
		if (deadline == INT64_MIN)
			deadline = clock_monotonic() + timeout_us;
		if (!source_connection_wait(&snapshot->reader, PQflush(snapshot->reader.conn) > 0, deadline,
									&ready, err))
			return false;
		*waiting = !ready;
		if (!ready)
			return true;
		if (PQconsumeInput(snapshot->reader.conn) == 0)
			return source_failure_result(&snapshot->reader, NULL, SOURCE_DOING_READ_TABLE,
										 snapshot->what, err);
	}
	return true;
}

bool
source_snapshot_make_slot(SourceSnapshot *snapshot, Err *err)
{
	int64_t deadline = source_connection_deadline(snapshot->config);
	PGresult *result;

	if (snapshot->state != SOURCE_COPY_DONE)
		return err_set(
			err, ERR_CLASS_STOP, ERR_INTERNAL,
			"could not make the slot of source \"%s\": the snapshot is not read to its end",
			snapshot->config->name);
	result = source_connection_query(&snapshot->reader, SOURCE_DOING_QUERY, "end the snapshot",
									 "COMMIT", 0, NULL, deadline, err);
	PQclear(result);
	return result != NULL &&
		   source_temporary_make_permanent(&snapshot->reader, &snapshot->temporary, deadline, err);
}
