/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_test.c — stream and snapshot against a real server with the real plugin.
 *
 * Run by run.sh, in phases that need servers of different settings.
 */
#include "source_test.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static Lsn
test_slot(const char *name)
{
	Lsn lsn = LSN_INVALID;

	test_sql("SELECT pg_create_logical_replication_slot('%s', 'goldpan')", name);
	assert_true(lsn_parse(
		test_cell("SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '%s'",
				  name),
		&lsn));
	return lsn;
}

static void
test_drop_slot(const char *name)
{
	test_wait_inactive();
	test_sql("SELECT pg_drop_replication_slot('%s')", name);
}

static SourceStream *
test_open(const SourceConfig *config, const SourceTable *tables, size_t ntables, Lsn start)
{
	Err err;
	SourceStream *stream = source_stream_open(config, tables, ntables, start, &err);

	if (stream == NULL)
		test_fail_err(err);
	return stream;
}

static bool
test_text_is(const Value *value, const char *text)
{
	return value->state == VALUE_PRESENT && value->kind == VALUE_TEXT &&
		   value->length == strlen(text) && memcmp(value->as.text, text, value->length) == 0;
}

static void
the_server_is_identified(void **state)
{
	SourceConfig config = test_config("postgres", "who");
	SourceIdentity identity;
	SourceSlot slot;
	Err err;

	(void) state;
	if (!source_identify(&config, &identity, &slot, &err))
		test_fail_err(err);
	assert_false(slot.exists);
	assert_true(identity.system_identifier ==
				strtoull(test_cell("SELECT system_identifier FROM pg_control_system()"), NULL, 10));
	assert_int_equal(identity.timeline, 1);
	assert_int_equal(identity.server_version, PQserverVersion(test_admin));
	assert_string_equal(identity.database, "postgres");
	assert_int_equal(identity.wal_sender_timeout, 4 * CLOCK_SECOND);
	assert_true(identity.insert_lsn >= identity.flush_lsn);
	(void) test_slot("who");
	if (!source_identify(&config, &identity, &slot, &err))
		test_fail_err(err);
	assert_true(slot.exists);
	assert_true(slot.ours);
	assert_false(slot.active);
	assert_string_equal(slot.plugin, "goldpan");
	assert_string_equal(slot.wal_status, "reserved");
	assert_true(slot.restart_lsn <= slot.confirmed_flush_lsn);
	test_drop_slot("who");
}

static void
changes_come_with_old_rows_and_ordinals(void **state)
{
	static const char *const columns[] = {"id", "name", "big"};
	static const SourceTable tables[] = {{"stream", "plain \"x\\", 3, columns},
										 {"stream", "full", 3, columns}};
	SourceConfig config = test_config("postgres", "changes");
	SourceStream *stream;
	TestRows rows = {0};
	const TestRow *row = rows.rows;
	Lsn start;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE TABLE stream.\"plain \"\"x\\\" (id int4 PRIMARY KEY, unmapped text, name text,"
			 " big text);"
			 "CREATE TABLE stream.\"full\" (id int8, name text, big text);"
			 "ALTER TABLE stream.\"plain \"\"x\\\" ALTER big SET STORAGE EXTERNAL;"
			 "ALTER TABLE stream.\"full\" ALTER big SET STORAGE EXTERNAL;"
			 "ALTER TABLE stream.\"full\" REPLICA IDENTITY FULL;"
			 "CREATE TABLE stream.other (id int4)");
	start = test_slot("changes");
	test_sql("BEGIN; INSERT INTO stream.other VALUES (1);"
			 "INSERT INTO stream.\"plain \"\"x\\\" VALUES (1, 'never', 'a', repeat('x', 9000));"
			 "INSERT INTO stream.other VALUES (2);"
			 "INSERT INTO stream.\"full\" VALUES (1, NULL, repeat('y', 9000)); COMMIT");
	test_sql("UPDATE stream.\"plain \"\"x\\\" SET name = 'b'");
	test_sql("UPDATE stream.\"plain \"\"x\\\" SET id = 2");
	test_sql("UPDATE stream.\"full\" SET name = 'c'");
	test_sql("DELETE FROM stream.\"plain \"\"x\\\"");
	test_sql("TRUNCATE stream.\"plain \"\"x\\\", stream.\"full\", stream.other");
	stream = test_open(&config, tables, 2, start);
	test_read(stream, 6, &rows);
	assert_int_equal(rows.count, 8);

	assert_int_equal(row[0].kind, CHANGE_INSERT);
	assert_string_equal(row[0].name, "plain \"x\\");
	assert_int_equal(row[0].ncolumns, 3);
	assert_int_equal(row[0].ordinal, 1); /* rows that are not mapped count too */
	assert_int_equal(row[0].new_values[0].as.integer, 1);
	assert_true(test_text_is(&row[0].new_values[1], "a"));
	assert_int_equal(row[0].new_values[2].length, 9000);
	assert_null(row[0].old_values);
	assert_int_equal(row[1].ordinal, 3);
	assert_true(row[1].end_lsn == row[0].end_lsn);
	assert_int_equal(row[1].new_values[1].state, VALUE_NULL);

	assert_int_equal(row[2].kind, CHANGE_UPDATE);
	assert_int_equal(row[2].old_row, OLD_NONE);
	assert_true(test_text_is(&row[2].new_values[1], "b"));
	assert_int_equal(row[2].new_values[2].state, VALUE_UNCHANGED);
	assert_ptr_equal(row[2].relation, row[0].relation);

	assert_int_equal(row[3].old_row, OLD_KEY);
	assert_int_equal(row[3].old_values[0].as.integer, 1);
	assert_int_equal(row[3].old_values[1].state, VALUE_NULL);
	assert_int_equal(row[3].new_values[0].as.integer, 2);

	assert_int_equal(row[4].old_row, OLD_FULL);
	assert_int_equal(row[4].old_values[1].state, VALUE_NULL);
	assert_int_equal(row[4].old_values[2].length, 9000);

	assert_int_equal(row[5].kind, CHANGE_DELETE);
	assert_int_equal(row[5].old_row, OLD_KEY);
	assert_null(row[5].new_values);
	assert_int_equal(row[6].kind, CHANGE_TRUNCATE);
	assert_int_equal(row[7].kind, CHANGE_TRUNCATE);
	assert_true(row[7].ordinal > row[6].ordinal);
	source_stream_close(stream);
	test_rows_release(&rows);
	test_drop_slot("changes");
}

static void
relations_follow_the_history_of_a_table(void **state)
{
	static const char *const columns[] = {"id", "name", "added"};
	static const SourceTable table = {"stream", "altered", 3, columns};
	SourceConfig config = test_config("postgres", "altered");
	SourceStream *stream;
	TestRows rows = {0};
	const TestRow *row = rows.rows;
	Lsn start;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE TABLE stream.altered (id int4 PRIMARY KEY, name text)");
	start = test_slot("altered");
	test_sql("BEGIN; INSERT INTO stream.altered VALUES (1, 'a');"
			 "ALTER TABLE stream.altered ADD COLUMN added int8 DEFAULT 7;"
			 "INSERT INTO stream.altered VALUES (2, 'b');"
			 "ALTER TABLE stream.altered DROP COLUMN added;"
			 "INSERT INTO stream.altered VALUES (3, 'c'); COMMIT");
	test_sql("INSERT INTO stream.altered VALUES (4, 'd'); DROP TABLE stream.altered");
	stream = test_open(&config, &table, 1, start);
	test_read(stream, 2, &rows);
	assert_int_equal(rows.count, 4);
	assert_int_equal(row[0].ncolumns, 2);
	assert_int_equal(row[1].ncolumns, 3);
	assert_string_equal(row[1].relation->columns[2].name, "added");
	assert_int_equal(row[1].new_values[2].as.integer, 7);
	assert_true(row[0].hash != row[1].hash);
	/* the same shape again is the same object */
	assert_ptr_equal(row[0].relation, row[2].relation);
	assert_ptr_equal(row[0].relation, row[3].relation);
	source_stream_close(stream);
	test_rows_release(&rows);
	test_drop_slot("altered");
}

static void
what_is_acknowledged_is_not_sent_again(void **state)
{
	static const char *const columns[] = {"id"};
	static const SourceTable table = {"stream", "acked", 1, columns};
	SourceConfig config = test_config("postgres", "acked");
	SourceStream *stream;
	TestRows rows = {0};
	Lsn confirmed;
	Lsn start;
	Lsn first;
	Err err;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE TABLE stream.acked (id int4 PRIMARY KEY)");
	start = test_slot("acked");
	test_sql("INSERT INTO stream.acked VALUES (1)");
	test_sql("INSERT INTO stream.acked VALUES (2)");
	stream = test_open(&config, &table, 1, start);
	assert_int_equal(source_stream_feedback_interval(stream), 4 * CLOCK_SECOND / 3);
	assert_true(source_stream_received(stream) == 0);
	assert_true(source_stream_feedback(stream, 0, 0, &err));
	test_read(stream, 1, &rows);
	first = rows.end_lsn;
	assert_true(source_stream_received(stream) >= first);
	assert_true(clock_monotonic() - source_stream_last_byte(stream) < CLOCK_SECOND);

	assert_false(source_stream_feedback(stream, UINT64_MAX, UINT64_C(0xFF00000000), &err));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_non_null(strstr(err.message, "refused to acknowledge FF/0"));
	assert_true(source_stream_feedback(stream, first, first, &err));
	assert_false(source_stream_feedback(stream, first, first - 1, &err));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	for (int i = 0; i < 100; i++)
	{
		assert_true(lsn_parse(test_cell("SELECT confirmed_flush_lsn FROM pg_replication_slots"),
							  &confirmed));
		if (confirmed == first)
			break;
		(void) usleep(20000);
	}
	assert_true(confirmed == first);
	source_stream_close(stream);
	test_rows_release(&rows);
	test_wait_inactive();
	stream = test_open(&config, &table, 1, first);
	test_read(stream, 1, &rows);
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.rows[0].new_values[0].as.integer, 2);
	source_stream_close(stream);
	test_rows_release(&rows);
	test_drop_slot("acked");
}

static void
an_idle_stream_gives_positions_that_grow(void **state)
{
	static const char *const columns[] = {"id"};
	static const SourceTable table = {"stream", "idle", 1, columns};
	SourceConfig config = test_config("postgres", "idle");
	int64_t deadline = clock_monotonic() + 10 * CLOCK_SECOND;
	SourceStream *stream;
	Lsn wanted = LSN_INVALID;
	Lsn seen = LSN_INVALID;
	Lsn start;
	Err err;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE TABLE stream.idle (id int4); CREATE TABLE stream.other (id int4)");
	start = test_slot("idle");
	stream = test_open(&config, &table, 1, start);
	test_sql("INSERT INTO stream.other SELECT generate_series(1, 1000)");
	assert_true(lsn_parse(test_cell("SELECT pg_current_wal_flush_lsn()"), &wanted));
	while (seen < wanted && clock_monotonic() < deadline)
	{
		struct pollfd descriptor = {.fd = source_stream_socket(stream), .events = POLLIN};
		SourceEvent event;

		if (!source_stream_next(stream, &event, &err))
			test_fail_err(err);
		if (event.kind == SOURCE_KEEPALIVE)
		{
			assert_true(event.lsn >= seen);
			seen = event.lsn;
			assert_true(source_stream_feedback(stream, seen, seen, &err));
		}
		else
		{
			assert_int_equal(event.kind, SOURCE_NOTHING);
			(void) poll(&descriptor, 1, 100);
		}
	}
	assert_true(seen >= wanted);
	source_stream_close(stream);
	test_drop_slot("idle");
}

/* The last record of an open transaction lies in a page that nobody flushes by itself. */
static void
an_idle_stream_reaches_the_position_read_before(void **state)
{
	static const char *const columns[] = {"id"};
	static const SourceTable table = {"stream", "reached", 1, columns};
	SourceConfig config = test_config("postgres", "reached");
	int64_t deadline = clock_monotonic() + 5 * CLOCK_SECOND;
	SourceIdentity identity;
	SourceStream *stream;
	SourceSlot slot;
	PGconn *other;
	char conninfo[512];
	Lsn seen = LSN_INVALID;
	Err err;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE TABLE stream.reached (id int4)");
	(void) test_slot("reached");
	(void) snprintf(conninfo, sizeof(conninfo), "host=%s user=postgres dbname=postgres",
					getenv("SOURCE_TEST_HOST"));
	other = PQconnectdb(conninfo);
	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "INSERT INTO stream.reached VALUES (1)"));
	assert_true(source_identify(&config, &identity, &slot, &err));
	assert_true(identity.insert_lsn > identity.flush_lsn);
	stream = test_open(&config, &table, 1, slot.confirmed_flush_lsn);
	while (seen < identity.insert_lsn && clock_monotonic() < deadline)
	{
		struct pollfd descriptor = {.fd = source_stream_socket(stream), .events = POLLIN};
		SourceEvent event;

		if (!source_stream_next(stream, &event, &err))
			test_fail_err(err);
		if (event.kind == SOURCE_KEEPALIVE)
			seen = event.lsn;
		else if (event.kind == SOURCE_NOTHING)
			(void) poll(&descriptor, 1, 100);
		if (event.reply_requested)
			assert_true(source_stream_feedback(stream, seen, slot.confirmed_flush_lsn, &err));
	}
	assert_true(seen >= identity.insert_lsn);
	PQfinish(other);
	source_stream_close(stream);
	test_drop_slot("reached");
}

/* ---- snapshots ---- */

typedef struct TestBlocker
{
	PGconn *conn;
	int64_t commit_at;
	int64_t stop_at;
} TestBlocker;

static bool
test_blocker_asked(void *context)
{
	TestBlocker *blocker = context;
	int64_t now = clock_monotonic();

	if (now > blocker->commit_at)
	{
		PQclear(PQexec(blocker->conn, "COMMIT"));
		blocker->commit_at = INT64_MAX;
	}
	return now > blocker->stop_at;
}

static void
a_snapshot_says_for_whom_it_waits(void **state)
{
	static const char *const columns[] = {"id"};
	static const SourceTable table = {"stream", "waited", 1, columns};
	SourceConfig config = test_config("postgres", "waited");
	TestBlocker blocker = {.commit_at = INT64_MAX};
	char conninfo[512];
	char text[4096] = "";
	char expected[64];
	FILE *captured = tmpfile();
	int error = dup(STDERR_FILENO);
	SourceSnapshot *snapshot;
	Err err;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE TABLE stream.waited (id int4)");
	(void) snprintf(conninfo, sizeof(conninfo), "host=%s user=postgres dbname=postgres",
					getenv("SOURCE_TEST_HOST"));
	blocker.conn = PQconnectdb(conninfo);
	PQclear(PQexec(blocker.conn, "BEGIN"));
	PQclear(PQexec(blocker.conn, "INSERT INTO stream.waited VALUES (1)"));
	config.stop_requested = test_blocker_asked;
	config.stop_context = &blocker;

	/* stopped on request, and nothing of it stays on the server */
	blocker.stop_at = clock_monotonic() + 7 * CLOCK_SECOND / 2;
	assert_non_null(captured);
	(void) dup2(fileno(captured), STDERR_FILENO);
	snapshot = source_snapshot_open(&config, &table, 1, &err);
	(void) dup2(error, STDERR_FILENO);
	(void) close(error);
	assert_null(snapshot);
	assert_non_null(strstr(err.message, "on request"));
	rewind(captured);
	(void) fread(text, 1, sizeof(text) - 1, captured);
	(void) fclose(captured);
	(void) snprintf(expected, sizeof(expected), "process %d, user \"postgres\", age ",
					PQbackendPID(blocker.conn));
	if (strstr(text, expected) == NULL)
		fail_msg("reported: %s", text);
	(void) usleep(300000);
	assert_string_equal(test_cell("SELECT count(*) FROM pg_replication_slots"), "0");

	/* it waits as long as it takes */
	blocker.stop_at = INT64_MAX;
	blocker.commit_at = clock_monotonic() + CLOCK_SECOND / 2;
	snapshot = source_snapshot_open(&config, &table, 1, &err);
	if (snapshot == NULL)
		test_fail_err(err);
	assert_true(blocker.commit_at == INT64_MAX);
	PQfinish(blocker.conn);

	source_snapshot_close(snapshot);
}

static void
snapshot_and_stream_meet_without_gap_or_overlap(void **state)
{
	static const char *const columns[] = {"id"};
	static const SourceTable tables[] = {{"stream", "a", 1, columns},
										 {"stream", "empty", 1, columns},
										 {"stream", "parts", 1, columns}};
	SourceConfig config = test_config("postgres", "meet");
	SourceSnapshot *snapshot;
	SourceStream *stream;
	TestRows rows = {0};
	Err err;

	(void) state;
	test_sql(
		"DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
		"CREATE TABLE stream.a (id int4 PRIMARY KEY); CREATE TABLE stream.empty (id int4);"
		"CREATE TABLE stream.child () INHERITS (stream.a); INSERT INTO stream.child VALUES (9);"
		"CREATE TABLE stream.parts (id int4 PRIMARY KEY) PARTITION BY RANGE (id);"
		"CREATE TABLE stream.part1 PARTITION OF stream.parts FOR VALUES FROM (0) TO (9);"
		"INSERT INTO stream.parts VALUES (5); INSERT INTO stream.a VALUES (1), (2)");
	snapshot = source_snapshot_open(&config, tables, 3, &err);
	if (snapshot == NULL)
		test_fail_err(err);
	test_sql("DELETE FROM stream.a WHERE id = 1; INSERT INTO stream.a VALUES (3);"
			 "INSERT INTO stream.parts VALUES (6)");
	assert_false(source_snapshot_make_slot(snapshot, &err)); /* not read to its end */
	test_read_snapshot(snapshot, &rows);
	assert_int_equal(rows.count, 3);
	assert_int_equal(rows.rows[0].new_values[0].as.integer, 1);
	assert_int_equal(rows.rows[1].new_values[0].as.integer, 2);
	assert_string_equal(rows.rows[2].name, "parts");
	test_rows_release(&rows);
	assert_string_equal(test_cell("SELECT count(*) FROM pg_replication_slots WHERE NOT temporary"),
						"0");
	if (!source_snapshot_make_slot(snapshot, &err))
		test_fail_err(err);
	stream = test_open(&config, tables, 3, source_snapshot_lsn(snapshot));
	source_snapshot_close(snapshot);
	test_read(stream, 1, &rows);
	assert_int_equal(rows.count, 3);
	assert_int_equal(rows.rows[0].kind, CHANGE_DELETE);
	assert_int_equal(rows.rows[0].old_values[0].as.integer, 1);
	assert_int_equal(rows.rows[1].new_values[0].as.integer, 3);
	assert_string_equal(rows.rows[2].name, "parts");
	source_stream_close(stream);
	test_rows_release(&rows);
	test_wait_inactive();

	/* an attempt that died after its slot was made: the slot serves the next one too */
	snapshot = source_snapshot_open(&config, tables, 3, &err);
	if (snapshot == NULL)
		test_fail_err(err);
	test_sql("INSERT INTO stream.empty VALUES (4)");
	test_read_snapshot(snapshot, &rows);
	test_rows_release(&rows);
	if (!source_snapshot_make_slot(snapshot, &err))
		test_fail_err(err);
	stream = test_open(&config, tables, 3, source_snapshot_lsn(snapshot));
	test_read(stream, 1, &rows);
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.rows[0].name, "empty");
	source_stream_close(stream);
	source_snapshot_close(snapshot);
	test_rows_release(&rows);
	test_drop_slot("meet");
}

static void
shapes_of_snapshot_and_stream_are_equal(void **state)
{
	static const char *const columns[] = {"a", "doubled", "missing"};
	static const SourceTable table = {"stream", "shaped", 3, columns};
	static const char *const setups[] = {
		"ALTER TABLE stream.shaped ADD PRIMARY KEY (id)",
		"ALTER TABLE stream.shaped ADD PRIMARY KEY (id, k) INCLUDE (a)",
		"ALTER TABLE stream.shaped ADD PRIMARY KEY (id) DEFERRABLE",
		"ALTER TABLE stream.shaped ADD PRIMARY KEY (id);"
		"ALTER TABLE stream.shaped REPLICA IDENTITY FULL",
		"ALTER TABLE stream.shaped ADD PRIMARY KEY (id);"
		"CREATE UNIQUE INDEX shaped_k ON stream.shaped (k);"
		"ALTER TABLE stream.shaped REPLICA IDENTITY USING INDEX shaped_k",
		"ALTER TABLE stream.shaped ADD PRIMARY KEY (id);"
		"ALTER TABLE stream.shaped REPLICA IDENTITY NOTHING",
		"SELECT 1",
	};
	SourceConfig config = test_config("postgres", "shaped");
	Err err;

	(void) state;
	for (size_t i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
	{
		TestRows copied = {0};
		TestRows streamed = {0};
		SourceSnapshot *snapshot;
		SourceStream *stream;

		test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
				 "CREATE TABLE stream.shaped (gone int4, id int4 NOT NULL, k int8 NOT NULL,"
				 " a numeric(5,1), doubled numeric GENERATED ALWAYS AS (a * 2) STORED);"
				 "ALTER TABLE stream.shaped DROP COLUMN gone; %s;"
				 "INSERT INTO stream.shaped VALUES (1, 2, 3.5)",
				 setups[i]);
		snapshot = source_snapshot_open(&config, &table, 1, &err);
		if (snapshot == NULL)
			test_fail_err(err);
		test_sql("INSERT INTO stream.shaped VALUES (2, 3, 3.5)");
		test_read_snapshot(snapshot, &copied);
		if (!source_snapshot_make_slot(snapshot, &err))
			test_fail_err(err);
		stream = test_open(&config, &table, 1, source_snapshot_lsn(snapshot));
		test_read(stream, 1, &streamed);
		if (copied.rows[0].hash != streamed.rows[0].hash)
			fail_msg("hashes differ: %s", setups[i]);
		for (size_t j = 1; j <= 2; j++)
			assert_true(
				test_value_equal(&copied.rows[0].new_values[copied.rows[0].ncolumns - j],
								 &streamed.rows[0].new_values[streamed.rows[0].ncolumns - j]));
		source_stream_close(stream);
		source_snapshot_close(snapshot);
		test_rows_release(&copied);
		test_rows_release(&streamed);
		test_drop_slot("shaped");
	}
}

static void
tables_that_cannot_be_copied_are_named(void **state)
{
	static const char *const columns[] = {"id"};
	static const SourceTable missing = {"stream", "missing", 1, columns};
	static const SourceTable unlogged = {"stream", "unlogged", 1, columns};
	SourceConfig config = test_config("postgres", "named");
	Err err;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE UNLOGGED TABLE stream.unlogged (id int4)");
	assert_null(source_snapshot_open(&config, &missing, 1, &err));
	assert_int_equal(err.code, ERR_TABLE_CHANGED);
	assert_non_null(strstr(err.message, "\"stream\".\"missing\""));
	assert_null(source_snapshot_open(&config, &unlogged, 1, &err));
	assert_int_equal(err.code, ERR_TABLE_CHANGED);
	assert_non_null(strstr(err.message, "unlogged"));
}

static void
the_catalog_gives_the_shape(void **state)
{
	static const char *const some[] = {"name", "nowhere"};
	static const SourceTable tables[] = {
		{"stream", "shape", 2, some}, {"stream", "shape", 0, NULL}, {"stream", "none", 0, NULL}};
	static const char *const params[] = {"public"};
	SourceConfig config = test_config("postgres", NULL);
	Relation relations[3];
	SourceRows rows;
	bool exists[3];
	Arena arena;
	Err err;

	(void) state;
	test_sql(
		"DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
		"CREATE TYPE stream.mood AS ENUM ('well', 'un:well');"
		"CREATE DOMAIN stream.short AS varchar(7); CREATE DOMAIN stream.shorter AS stream.short;"
		"CREATE TABLE stream.shape (gone int4, id int4, feels stream.mood NOT NULL,"
		" name stream.shorter, PRIMARY KEY (id) INCLUDE (feels));"
		"ALTER TABLE stream.shape DROP COLUMN gone");
	arena_init(&arena, 1 << 20);
	if (!source_catalog(&config, &arena, tables, 3, relations, exists, &err))
		test_fail_err(err);
	assert_true(exists[0] && exists[1]);
	assert_false(exists[2]);
	assert_int_equal(relations[0].ncolumns, 2);
	assert_string_equal(relations[0].columns[0].name, "id");
	assert_true(relations[0].columns[0].key && relations[0].columns[0].primary_key);
	assert_string_equal(relations[0].columns[1].type_name, "shorter");
	assert_string_equal(relations[0].columns[1].base_type, "varchar");
	assert_int_equal(relations[0].columns[1].typmod, 7 + 4);
	assert_int_equal(relations[1].ncolumns, 3);
	assert_false(relations[1].columns[1].key);
	assert_true(relations[1].columns[1].not_null);
	assert_int_equal(relations[1].columns[1].nlabels, 2);
	assert_string_equal(relations[1].columns[1].labels[1], "un:well");

	if (!source_query(&config, &arena, "SELECT $1::text || '!', NULL", 1, params, &rows, &err))
		test_fail_err(err);
	assert_int_equal(rows.nrows, 1);
	assert_string_equal(rows.cells[0], "public!");
	assert_null(rows.cells[1]);
	arena_release(&arena);
}

static void
a_lock_keeps_a_second_process_out(void **state)
{
	SourceConfig config = test_config("postgres", "locked");
	SourceConfig other = test_config("postgres", "other");
	SourceLock *lock;
	SourceLock *free_one;
	Err err;

	(void) state;
	lock = source_lock(&config, &err);
	if (lock == NULL)
		test_fail_err(err);
	assert_null(source_lock(&config, &err));
	assert_int_equal(err.class, ERR_CLASS_RETRY);
	assert_int_equal(err.code, ERR_SLOT_BUSY);
	assert_non_null(strstr(err.message, "the session of backend"));
	free_one = source_lock(&other, &err);
	assert_non_null(free_one);
	source_unlock(free_one);
	assert_true(source_lock_held(lock));
	test_sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
	for (int i = 0; i < 100 && source_lock_held(lock); i++)
		(void) usleep(20000);
	assert_false(source_lock_held(lock));
	source_unlock(lock);
}

/* ---- the server goes ---- */

static void
a_shutdown_is_seen_and_waits_for_us(void **state)
{
	static const char *const columns[] = {"id"};
	static const SourceTable table = {"stream", "last", 1, columns};
	SourceConfig config = test_config("postgres", "last");
	int64_t deadline = clock_monotonic() + 20 * CLOCK_SECOND;
	SourceStream *stream;
	TestRows rows = {0};
	bool asked = false;
	bool ended = false;
	Lsn durable;
	Lsn start;
	Err err;

	(void) state;
	test_sql("DROP SCHEMA IF EXISTS stream CASCADE; CREATE SCHEMA stream;"
			 "CREATE TABLE stream.last (id int4 PRIMARY KEY)");
	start = test_slot("last");
	test_sql("INSERT INTO stream.last VALUES (1)");
	stream = test_open(&config, &table, 1, start);
	test_read(stream, 1, &rows);
	durable = start; /* held back: the server may not end before we have the row */
	PQfinish(test_admin);
	test_admin = NULL;
	assert_int_equal(system(getenv("SOURCE_TEST_STOP")), 0);
	while (!ended && clock_monotonic() < deadline)
	{
		struct pollfd descriptor = {.fd = source_stream_socket(stream), .events = POLLIN};
		SourceEvent event;

		if (!source_stream_next(stream, &event, &err))
			test_fail_err(err);
		if (event.kind == SOURCE_NOTHING)
			(void) poll(&descriptor, 1, 100);
		if (event.kind == SOURCE_SHUTDOWN && event.lsn == LSN_INVALID)
			ended = true;
		else if (event.kind == SOURCE_SHUTDOWN || event.kind == SOURCE_KEEPALIVE)
		{
			asked = asked || event.kind == SOURCE_SHUTDOWN;
			if (asked)
				durable = event.lsn;
			assert_true(source_stream_feedback(stream, event.lsn, durable, &err));
		}
	}
	assert_true(asked);
	assert_true(ended);
	source_stream_close(stream);
	test_rows_release(&rows);
}

static int
test_begin(void **state)
{
	(void) state;
	test_connect();
	return 0;
}

static int
test_end(void **state)
{
	(void) state;
	(void) test_cell("SELECT 1");
	PQfinish(test_admin);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest main_tests[] = {
		cmocka_unit_test(the_server_is_identified),
		cmocka_unit_test(failures_to_connect_are_named),
		cmocka_unit_test(a_hung_server_is_given_up_in_time),
		cmocka_unit_test(changes_come_with_old_rows_and_ordinals),
		cmocka_unit_test(relations_follow_the_history_of_a_table),
		cmocka_unit_test(what_is_acknowledged_is_not_sent_again),
		cmocka_unit_test(an_idle_stream_gives_positions_that_grow),
		cmocka_unit_test(an_idle_stream_reaches_the_position_read_before),
		cmocka_unit_test(shapes_of_snapshot_and_stream_are_equal),
		cmocka_unit_test(a_snapshot_says_for_whom_it_waits),
		cmocka_unit_test(snapshot_and_stream_meet_without_gap_or_overlap),
		cmocka_unit_test(snapshot_and_stream_give_equal_values_for_every_type),
		cmocka_unit_test(settings_of_roles_do_not_change_values),
		cmocka_unit_test(a_lock_keeps_a_second_process_out),
		cmocka_unit_test(tables_that_cannot_be_copied_are_named),
		cmocka_unit_test(the_catalog_gives_the_shape),
		cmocka_unit_test(a_missing_privilege_is_named),
		cmocka_unit_test(row_security_is_an_error),
		cmocka_unit_test(a_plugin_that_is_not_listed_is_named),
		cmocka_unit_test(a_missing_plugin_is_named),
		cmocka_unit_test(exhausted_slots_are_named),
		cmocka_unit_test(starting_points_are_checked),
		cmocka_unit_test(a_slot_in_use_is_named),
	};
	const struct CMUnitTest shutdown_tests[] = {
		cmocka_unit_test(a_shutdown_is_seen_and_waits_for_us),
	};
	const struct CMUnitTest replica_tests[] = {
		cmocka_unit_test(a_wrong_wal_level_is_named),
	};

	if (argc == 2 && strcmp(argv[1], "main") == 0)
		return cmocka_run_group_tests_name("source", main_tests, test_begin, test_end);
	if (argc == 2 && strcmp(argv[1], "shutdown") == 0)
		return cmocka_run_group_tests_name("source shutdown", shutdown_tests, test_begin, NULL);
	if (argc == 2 && strcmp(argv[1], "replica") == 0)
		return cmocka_run_group_tests_name("source replica", replica_tests, test_begin, test_end);
	(void) fprintf(stderr, "usage: source_test main|shutdown|replica\n");
	return 2;
}
