/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_test_faults.c — each failure is provoked, and its cure followed.
 */
#include "source_test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const test_columns[] = {"id"};
static const SourceTable test_table = {"faults", "t", 1, test_columns};

static void
test_make_table(void)
{
	test_sql("DROP SCHEMA IF EXISTS faults CASCADE; CREATE SCHEMA faults;"
			 "CREATE TABLE faults.t (id int4 PRIMARY KEY); INSERT INTO faults.t VALUES (1)");
}

static void
test_expect(const Err *err, ErrClass class, ErrCode code, const char *message, const char *hint)
{
	if (err->class != class || err->code != code || strstr(err->message, message) == NULL ||
		strstr(err->hint, hint) == NULL)
		fail_msg("class %d code %s: %s [%s]", err->class, err_code_name(err->code), err->message,
				 err->hint);
	assert_null(strstr(err->message, "secret"));
	assert_null(strstr(err->hint, "secret"));
}

static void
test_identify(const SourceConfig *config, Err *err)
{
	SourceIdentity identity;
	SourceSlot slot;

	assert_false(source_identify(config, &identity, &slot, err));
}

static void
test_snapshot_fails(const SourceConfig *config, Err *err)
{
	assert_null(source_snapshot_open(config, &test_table, 1, err));
}

static void
test_snapshot_works(const SourceConfig *config)
{
	Err err;
	SourceSnapshot *snapshot = source_snapshot_open(config, &test_table, 1, &err);

	if (snapshot == NULL)
		test_fail_err(err);
	source_snapshot_close(snapshot);
}

void
failures_to_connect_are_named(void **state)
{
	SourceConfig config = test_config("postgres", "faults");
	char conninfo[512];
	Err err;

	(void) state;
	config.conninfo = conninfo;
	(void) snprintf(conninfo, sizeof(conninfo), "host=/nonexistent user=x password=secret");
	test_identify(&config, &err);
	test_expect(&err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "source \"crm\" (host=/nonexistent user=x)",
				"Check host and port");

	test_sql("CREATE ROLE with_password LOGIN REPLICATION PASSWORD 'right'");
	(void) snprintf(conninfo, sizeof(conninfo),
					"host=%s user=with_password password=secret dbname=postgres",
					getenv("SOURCE_TEST_HOST"));
	test_identify(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_AUTH, "password authentication failed",
				"Check user and password");
	(void) snprintf(conninfo, sizeof(conninfo), "host=%s user=with_password dbname=postgres",
					getenv("SOURCE_TEST_HOST"));
	test_identify(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_AUTH, "no password", "~/.pgpass");
	test_sql("DROP ROLE with_password");

	(void) snprintf(conninfo, sizeof(conninfo), "host=%s user=postgres dbname=nowhere",
					getenv("SOURCE_TEST_HOST"));
	test_identify(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "\"nowhere\" does not exist", "dbname");

	(void) snprintf(conninfo, sizeof(conninfo), "host=x password=a secret");
	test_identify(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_CONFIG, "malformed", "keyword=value");

	config = test_config("postgres", "no; DROP");
	test_identify(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_CONFIG, "slot name", "lower-case");
}

void
a_hung_server_is_given_up_in_time(void **state)
{
	SourceConfig config = test_config("postgres", "faults");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char conninfo[512];
	char folder[] = "/tmp/goldpan-hung.XXXXXX";
	int64_t began = clock_monotonic();
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	Err err;

	(void) state;
	assert_non_null(mkdtemp(folder));
	(void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder);
	assert_int_equal(bind(listener, (struct sockaddr *) &address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 5), 0);
	(void) snprintf(conninfo, sizeof(conninfo), "host=%s user=postgres", folder);
	config.conninfo = conninfo;
	config.connect_timeout = CLOCK_SECOND / 2;
	test_identify(&config, &err);
	test_expect(&err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "no answer in time", "connect_timeout");
	assert_true(clock_monotonic() - began < 2 * CLOCK_SECOND);
	(void) close(listener);
	(void) unlink(address.sun_path);
	(void) rmdir(folder);
}

void
a_missing_privilege_is_named(void **state)
{
	SourceConfig config = test_config("plain", "faults");
	Err err;

	(void) state;
	test_make_table();
	test_sql("CREATE ROLE plain LOGIN");
	test_snapshot_fails(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "replication role",
				"ALTER ROLE \"plain\" REPLICATION;");
	test_sql("ALTER ROLE plain REPLICATION");
	{
		SourceSnapshot *snapshot = source_snapshot_open(&config, &test_table, 1, &err);
		Change change;
		bool found;
		bool waiting;

		if (snapshot == NULL)
			test_fail_err(err);
		assert_false(source_snapshot_next(snapshot, CLOCK_SECOND, &change, &found, &waiting, &err));
		test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "permission denied", "GRANT SELECT");
		source_snapshot_close(snapshot);
	}
	test_sql("DROP ROLE plain");
}

void
row_security_is_an_error(void **state)
{
	SourceConfig config = test_config("plain", "faults");
	SourceSnapshot *snapshot;
	Change change;
	bool found;
	bool waiting;
	Err err;

	(void) state;
	test_make_table();
	test_sql("CREATE ROLE plain LOGIN REPLICATION; GRANT USAGE ON SCHEMA faults TO plain;"
			 "GRANT SELECT ON faults.t TO plain;"
			 "ALTER TABLE faults.t ENABLE ROW LEVEL SECURITY;"
			 "CREATE POLICY none ON faults.t USING (false)");
	snapshot = source_snapshot_open(&config, &test_table, 1, &err);
	if (snapshot == NULL)
		test_fail_err(err);
	assert_false(source_snapshot_next(snapshot, CLOCK_SECOND, &change, &found, &waiting, &err));
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "row-level security",
				"ALTER ROLE \"plain\" BYPASSRLS;");
	source_snapshot_close(snapshot);
	test_sql("ALTER ROLE plain BYPASSRLS");
	snapshot = source_snapshot_open(&config, &test_table, 1, &err);
	if (snapshot == NULL)
		test_fail_err(err);
	assert_true(source_snapshot_next(snapshot, CLOCK_SECOND, &change, &found, &waiting, &err));
	assert_true(found);
	source_snapshot_close(snapshot);
	test_sql("DROP TABLE faults.t; DROP OWNED BY plain; DROP ROLE plain");
}

/* Runs the statements that a hint ends with. */
static void
test_follow(const char *hint)
{
	const char *sql = strstr(hint, "ALTER SYSTEM");
	char one[512];

	assert_non_null(sql);
	(void) snprintf(one, sizeof(one), "%s", sql);
	one[strcspn(one, ";")] = '\0';
	test_sql("%s", one); /* ALTER SYSTEM does not run in a block */
	test_sql("SELECT pg_reload_conf()");
	(void) usleep(300000);
}

void
a_plugin_that_is_not_listed_is_named(void **state)
{
	SourceConfig admin = test_config("postgres", "faults");
	SourceConfig least = test_config("least", "faults");
	Err err;

	(void) state;
	if (test_cell("SELECT current_setting('output_plugin_libraries', true)")[0] == '\0')
		skip();
	test_make_table();
	test_sql("CREATE ROLE least LOGIN REPLICATION");
	test_sql("ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding");
	test_sql("SELECT pg_reload_conf()");
	(void) usleep(300000);
	test_snapshot_fails(&least, &err);
	test_expect(&err, ERR_CLASS_STOP, ERR_PLUGIN_REFUSED, "does not list it", "ALTER SYSTEM SET");
	test_snapshot_fails(&admin, &err);
	test_expect(&err, ERR_CLASS_STOP, ERR_PLUGIN_REFUSED, "does not list it",
				"= pgoutput, test_decoding, goldpan;");
	test_follow(err.hint);
	test_snapshot_works(&admin);

	/* the same at start, with a slot that is there */
	test_sql("SELECT pg_create_logical_replication_slot('faults', 'goldpan')");
	test_sql("ALTER SYSTEM SET output_plugin_libraries = pgoutput");
	test_sql("SELECT pg_reload_conf()");
	(void) usleep(300000);
	assert_null(source_stream_open(
		&admin, &test_table, 1,
		strtoull(test_cell("SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots"), NULL,
				 10),
		&err));
	test_expect(&err, ERR_CLASS_STOP, ERR_PLUGIN_REFUSED, "does not list it", "goldpan;");
	test_follow(err.hint);
	test_sql("ALTER SYSTEM RESET output_plugin_libraries");
	test_sql("SELECT pg_reload_conf()");
	(void) usleep(300000);
	test_sql("SELECT pg_drop_replication_slot('faults'); DROP ROLE least");
}

void
a_missing_plugin_is_named(void **state)
{
	SourceConfig config = test_config("postgres", "faults");
	Err err;

	(void) state;
	test_make_table();
	test_sql("ALTER SYSTEM SET dynamic_library_path = '/nonexistent'");
	test_sql("SELECT pg_reload_conf()");
	(void) usleep(300000);
	test_snapshot_fails(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_PLUGIN_MISSING, "does not find output plugin",
				"postgresql-15-goldpan");
	test_sql("ALTER SYSTEM RESET dynamic_library_path");
	test_sql("SELECT pg_reload_conf()");
	(void) usleep(300000);
	test_snapshot_works(&config);
}

void
exhausted_slots_are_named(void **state)
{
	SourceConfig config = test_config("postgres", "faults");
	Err err;

	(void) state;
	test_make_table();
	test_sql(
		"SELECT pg_create_physical_replication_slot('full' || n) FROM generate_series(1, 4) n");
	test_snapshot_fails(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "replication slots are in use",
				"max_replication_slots");
	test_sql("SELECT pg_drop_replication_slot('full' || n) FROM generate_series(1, 4) n");
	test_snapshot_works(&config);
}

static Lsn
test_lsn(const char *text)
{
	Lsn lsn = LSN_INVALID;

	assert_true(lsn_parse(text, &lsn));
	return lsn;
}

void
starting_points_are_checked(void **state)
{
	SourceConfig config = test_config("postgres", "faults");
	Lsn start;
	Err err;

	(void) state;
	test_make_table();
	assert_null(source_stream_open(&config, &test_table, 1, 1, &err));
	test_expect(&err, ERR_CLASS_STOP, ERR_SLOT_LOST, "slot \"faults\" does not exist", "Copy");

	test_sql("SELECT pg_create_logical_replication_slot('faults', 'test_decoding')");
	assert_null(source_stream_open(&config, &test_table, 1, 1, &err));
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "plugin \"test_decoding\"",
				"another slot");
	test_snapshot_fails(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "plugin \"test_decoding\"",
				"another slot");
	test_sql("SELECT pg_drop_replication_slot('faults')");

	test_sql("SELECT pg_create_logical_replication_slot('faults', 'goldpan')");
	start = test_lsn(test_cell("SELECT confirmed_flush_lsn FROM pg_replication_slots"));
	test_sql("INSERT INTO faults.t VALUES (2)");
	test_sql("SELECT pg_replication_slot_advance('faults', pg_current_wal_flush_lsn())");
	assert_null(source_stream_open(&config, &test_table, 1, start, &err));
	test_expect(&err, ERR_CLASS_STOP, ERR_GAP, "is already at",
				"pg_drop_replication_slot('faults')");
	assert_null(source_stream_open(&config, &test_table, 1, UINT64_C(0xFF00000000), &err));
	test_expect(&err, ERR_CLASS_STOP, ERR_DIVERGED, "only written", "backup");
	test_sql("SELECT pg_drop_replication_slot('faults')");
}

void
a_slot_in_use_is_named(void **state)
{
	SourceConfig config = test_config("postgres", "faults");
	SourceStream *stream;
	char pid[32];
	Lsn start;
	Err err;

	(void) state;
	test_make_table();
	test_sql("SELECT pg_create_logical_replication_slot('faults', 'goldpan')");
	start = test_lsn(test_cell("SELECT confirmed_flush_lsn FROM pg_replication_slots"));
	stream = source_stream_open(&config, &test_table, 1, start, &err);
	if (stream == NULL)
		test_fail_err(err);
	(void) snprintf(pid, sizeof(pid), "process %s",
					test_cell("SELECT active_pid FROM pg_replication_slots"));
	assert_null(source_stream_open(&config, &test_table, 1, start, &err));
	test_expect(&err, ERR_CLASS_RETRY, ERR_SLOT_BUSY, pid, "wal_sender_timeout");
	assert_null(source_snapshot_open(&config, &test_table, 1, &err));
	test_expect(&err, ERR_CLASS_RETRY, ERR_SLOT_BUSY, pid, "Stop the other");

	/* a session that the DBA ends is one to open again */
	test_sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots");
	for (int i = 0; i < 100; i++)
	{
		SourceEvent event;

		err_clear(&err);
		if (!source_stream_next(stream, &event, &err))
			break;
		(void) usleep(20000);
	}
	test_expect(&err, ERR_CLASS_RETRY, ERR_SOURCE_DOWN, "could not read the stream", "");
	source_stream_close(stream);
	test_wait_inactive();
	stream = source_stream_open(&config, &test_table, 1, start, &err);
	assert_non_null(stream);
	source_stream_close(stream);
	test_wait_inactive();
	test_sql("SELECT pg_drop_replication_slot('faults')");
}

void
a_wrong_wal_level_is_named(void **state)
{
	SourceConfig config = test_config("postgres", "faults");
	Err err;

	(void) state;
	test_make_table();
	test_snapshot_fails(&config, &err);
	test_expect(&err, ERR_CLASS_USAGE, ERR_SOURCE_SETUP, "wal_level of the server is \"replica\"",
				"ALTER SYSTEM SET wal_level = logical; then restart");
}
