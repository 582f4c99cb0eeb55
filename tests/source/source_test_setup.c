/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_test_setup.c — talking to the test's server, and keeping rows to compare.
 */
#include "source_test.h"

#include <poll.h>
#include <unistd.h>

PGconn *test_admin;

static PGresult *test_last;

void
test_connect(void)
{
	char conninfo[512];

	(void) snprintf(conninfo, sizeof(conninfo),
					"host=%s user=postgres dbname=postgres options='-c client_min_messages=error'",
					getenv("SOURCE_TEST_HOST"));
	test_admin = PQconnectdb(conninfo);
	if (PQstatus(test_admin) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(test_admin));
}

static PGresult *
test_run(const char *sql)
{
	PGresult *result = PQexec(test_admin, sql);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(test_admin));
	return result;
}

void
test_sql(const char *fmt, ...)
{
	char sql[8192];
	va_list args;

	va_start(args, fmt);
	(void) vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	PQclear(test_run(sql));
}

const char *
test_cell(const char *fmt, ...)
{
	char sql[8192];
	va_list args;

	va_start(args, fmt);
	(void) vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	PQclear(test_last);
	test_last = test_run(sql);
	return PQntuples(test_last) > 0 ? PQgetvalue(test_last, 0, 0) : "";
}

void
test_wait_inactive(void)
{
	for (int i = 0; i < 250; i++)
	{
		if (strcmp(test_cell("SELECT count(*) FROM pg_replication_slots WHERE active"), "0") == 0)
			return;
		(void) usleep(20000);
		/* one that a failed case left open */
		if (i == 150)
			test_sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots");
	}
	fail_msg("a slot stays in use");
}

SourceConfig
test_config(const char *role, const char *slot)
{
	static char conninfo[8][512];
	static unsigned next;
	char *text = conninfo[next++ % 8];
	SourceConfig config = {
		.name = "crm", .slot = slot, .connect_timeout = 5 * CLOCK_SECOND, .conninfo = text};

	(void) snprintf(text, sizeof(conninfo[0]), "host=%s user=%s dbname=postgres",
					getenv("SOURCE_TEST_HOST"), role);
	return config;
}

/* ---- rows ---- */

static bool
test_numeric_equal(const NumericValue *a, const NumericValue *b)
{
	return a->sign == b->sign && a->ndigits == b->ndigits && a->weight == b->weight &&
		   a->dscale == b->dscale && memcmp(a->digits, b->digits, 2 * (size_t) a->ndigits) == 0;
}

bool
test_value_equal(const Value *a, const Value *b)
{
	if (a->state != b->state)
		return false;
	/* a withheld value's length is that of its stored or of its printed form */
	if (a->state != VALUE_PRESENT)
		return true;
	if (a->kind != b->kind)
		return false;
	switch ((ValueKind) a->kind)
	{
		case VALUE_BOOLEAN:
			return a->as.boolean == b->as.boolean;
		case VALUE_NUMERIC:
			return test_numeric_equal(&a->as.numeric, &b->as.numeric);
		case VALUE_TEXT:
		case VALUE_BYTES:
		case VALUE_UUID:
			return a->length == b->length && memcmp(a->as.bytes, b->as.bytes, a->length) == 0;
		default: /* doubles by their bits */
			return a->as.integer == b->as.integer;
	}
}

static Value *
test_values_copy(const Value *values, size_t count)
{
	Value *copies = calloc(count + 1, sizeof(Value));

	for (size_t i = 0; i < count; i++)
	{
		const Value *from = &values[i];
		const void *bytes = from->kind == VALUE_NUMERIC ? from->as.numeric.digits : from->as.bytes;
		size_t length =
			from->kind == VALUE_NUMERIC ? 2 * (size_t) from->as.numeric.ndigits : from->length;
		void *copy;

		copies[i] = *from;
		if (from->state != VALUE_PRESENT ||
			(from->kind != VALUE_NUMERIC && from->kind != VALUE_TEXT && from->kind != VALUE_BYTES &&
			 from->kind != VALUE_UUID))
			continue;
		copy = malloc(length + 1);
		memcpy(copy, bytes, length);
		if (from->kind == VALUE_NUMERIC)
			copies[i].as.numeric.digits = copy;
		else
			copies[i].as.bytes = copy;
	}
	return copies;
}

static void
test_values_free(Value *values, size_t count)
{
	for (size_t i = 0; values != NULL && i < count; i++)
	{
		if (values[i].state != VALUE_PRESENT)
			continue;
		if (values[i].kind == VALUE_NUMERIC)
			free((void *) (uintptr_t) values[i].as.numeric.digits);
		else if (values[i].kind == VALUE_TEXT || values[i].kind == VALUE_BYTES ||
				 values[i].kind == VALUE_UUID)
			free((void *) (uintptr_t) values[i].as.bytes);
	}
	free(values);
}

void
test_rows_release(TestRows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
	{
		test_values_free(rows->rows[i].new_values, rows->rows[i].ncolumns);
		test_values_free(rows->rows[i].old_values, rows->rows[i].ncolumns);
	}
	memset(rows, 0, sizeof(*rows));
}

void
test_rows_add(TestRows *rows, const Change *change)
{
	TestRow *row = &rows->rows[rows->count];

	assert_true(rows->count < TEST_MAX_ROWS);
	rows->count++;
	row->kind = change->kind;
	row->old_row = change->old_row;
	(void) snprintf(row->name, sizeof(row->name), "%s", change->relation->name);
	row->relation = change->relation;
	row->hash = change->relation->hash;
	row->ordinal = change->ordinal;
	row->ncolumns = change->relation->ncolumns;
	if (change->transaction != NULL)
	{
		row->xid = change->transaction->xid;
		row->end_lsn = change->transaction->end_lsn;
	}
	if (change->new_values != NULL)
		row->new_values = test_values_copy(change->new_values, row->ncolumns);
	if (change->old_values != NULL)
		row->old_values = test_values_copy(change->old_values, row->ncolumns);
}

void
test_read(SourceStream *stream, size_t commits, TestRows *rows)
{
	int64_t deadline = clock_monotonic() + 10 * CLOCK_SECOND;

	while (rows->commits < commits)
	{
		struct pollfd descriptor = {.fd = source_stream_socket(stream), .events = POLLIN};
		SourceEvent event;
		Err err;

		if (!source_stream_next(stream, &event, &err))
			test_fail_err(err);
		if (event.kind == SOURCE_CHANGE)
			test_rows_add(rows, event.change);
		else if (event.kind == SOURCE_KEEPALIVE)
			rows->keepalive = event.lsn;
		else if (event.kind == SOURCE_COMMIT)
		{
			rows->commits++;
			rows->end_lsn = event.lsn;
		}
		else if (event.kind == SOURCE_NOTHING)
			(void) poll(&descriptor, 1, 100);
		if (clock_monotonic() > deadline)
			fail_msg("%zu of %zu commits came", rows->commits, commits);
	}
}

void
test_read_snapshot(SourceSnapshot *snapshot, TestRows *rows)
{
	bool found = true;
	bool waiting = false;

	while (found || waiting)
	{
		Change change;
		Err err;

		if (!source_snapshot_next(snapshot, CLOCK_SECOND, &change, &found, &waiting, &err))
			test_fail_err(err);
		if (found)
			test_rows_add(rows, &change);
	}
}
