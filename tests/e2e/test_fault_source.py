# SPDX-License-Identifier: PostgreSQL
"""test_fault_source — a source that is away, refuses, or lacks what decoding needs.

Each fault is made on a real server. The message must say what was being done, to what, why
it failed and the cure; the exit status is the one of the table; following the cure to the letter
resumes, and the log is then the source's history, nothing lost or repeated.
"""

import os
import shutil

import psycopg2
import psycopg2.extras

import faults
import harness
from faults import Source, cure
from harness import contains, equal

HBA = """local all postgres trust
local all stranger reject
local all all scram-sha-256
local replication postgres trust
"""


def shared():
    return faults.server(hba=HBA)


def role(cluster, name, options="REPLICATION"):
    """A login of least privilege, with a password."""
    cluster.sql("postgres", f"CREATE ROLE {name} LOGIN {options} PASSWORD 'right horse'")


def login(case, source, password):
    """Configures the source for its role and the password, in a file."""
    path = case.write("password", password + "\n")
    os.chmod(path, 0o600)
    conninfo = source.cluster.conninfo(source.name, user=source.user)
    case.config({source.name: f'{conninfo}"; password_file = "{path}'}, source.mapping, extra=source.extra)


def least(case, name, grants=True, options="REPLICATION"):
    cluster = shared()
    source = Source(case, name, cluster=cluster, user=name)
    role(cluster, name, options)
    if grants:
        source.sql(f"GRANT SELECT ON person TO {name}")
    login(case, source, "right horse")
    return source


# ---- reaching it ----


def test_unreachable_source(case):
    source = Source(case, "away", cluster=shared())
    source.copy()
    source.change()
    source.configure(conninfo="host=/nowhere dbname=away user=postgres")
    done = source.fails(10, "could not connect to source", "host=/nowhere", "No such file or directory")
    contains(done.stderr, "Check host and port, that the server runs")
    source.configure()
    source.stream()
    source.prove()


def test_wrong_password_and_least_privilege(case):
    source = least(case, "knock")
    login(case, source, "wrong horse")
    done = source.fails(11, "could not connect to source", "password authentication failed", "Check user and password")
    assert "wrong horse" not in done.stderr + done.stdout, "a password in a message"
    login(case, source, "right horse")
    source.copy()
    source.change()
    source.stream()
    source.prove()
    # and again with a position to resume from
    source.change()
    login(case, source, "wrong horse")
    source.fails(11)
    login(case, source, "right horse")
    source.stream()
    source.prove()


def test_login_that_pg_hba_refuses(case):
    source = Source(case, "refused", cluster=shared(), user="stranger")
    source.cluster.sql("postgres", "CREATE ROLE stranger LOGIN REPLICATION")
    source.fails(11, "could not connect to source", "pg_hba.conf")
    source.user = "postgres"
    source.configure()
    source.stream()
    source.prove_copied()


def test_database_that_is_not_there(case):
    source = Source(case, "lonely", cluster=shared())
    source.configure(conninfo=source.cluster.conninfo("no_such_database"))
    source.fails(12, 'database "no_such_database" does not exist', "Correct dbname")
    source.configure()
    source.stream()
    source.prove_copied()


def test_database_without_an_encoding(case):
    cluster = shared()
    source = Source(case, "encoded", cluster=cluster)
    cluster.sql("postgres", "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    source.configure(conninfo=cluster.conninfo("ascii"))
    source.fails(12, "SQL_ASCII", "encoding UTF8")


# ---- privileges ----


def test_role_without_replication(case):
    source = least(case, "norepl", options="")
    done = source.fails(12, "must be superuser or replication role")
    source.cluster.sql("postgres", cure(done.stderr, r'ALTER ROLE "norepl" REPLICATION;'))
    source.copy()
    source.change()
    source.stream()
    source.prove()


def test_table_that_may_not_be_read(case):
    source = least(case, "noselect", grants=False)
    done = source.fails(12, "permission denied for table person", "GRANT SELECT ON that table")
    equal(source.records(), [], "records before the cure")
    source.sql("GRANT SELECT ON person TO noselect")
    assert "noselect" in done.stderr
    source.stream()
    source.prove_copied()


def test_row_security_is_never_a_silent_filter(case):
    source = least(case, "rls")
    source.sql("ALTER TABLE person ENABLE ROW LEVEL SECURITY")
    source.sql("CREATE POLICY few ON person USING (id > 2)")
    done = source.fails(12, 'query would be affected by row-level security policy for table "person"')
    source.cluster.sql("postgres", cure(done.stderr, r'ALTER ROLE "rls" BYPASSRLS;'))
    source.copy()
    source.change()
    source.stream()
    source.prove()


# ---- the server's settings ----


def test_wal_level_that_cannot_be_decoded(case):
    source = Source(case, "replica", cluster=shared())
    cluster = source.cluster
    cluster.sql("postgres", "ALTER SYSTEM SET wal_level = replica")
    cluster.restart()
    try:
        done = source.fails(12, 'wal_level of the server is "replica", not "logical"', "then restart the server")
        cluster.sql("postgres", cure(done.stderr, r"ALTER SYSTEM SET wal_level = logical;"))
    finally:
        cluster.sql("postgres", "ALTER SYSTEM RESET wal_level")
        cluster.restart()
    source.stream()
    source.prove_copied()


def test_plugin_that_the_server_does_not_list(case):
    source = Source(case, "unlisted", cluster=shared())
    cluster = source.cluster
    if not cluster.value("postgres", "SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'"):
        raise harness.Skip("this server keeps no list of output plugins")
    unlist = "ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding"
    # at the slot's creation, and at the start of streaming
    for number in range(2):
        cluster.sql("postgres", unlist)
        cluster.sql("postgres", "SELECT pg_reload_conf()")
        harness.wait_until("the list", lambda: "goldpan" not in cluster.value("postgres", "SHOW output_plugin_libraries"))
        done = source.fails(14, 'does not allow output plugin "goldpan"', "output_plugin_libraries does not list it")
        for statement in cure(done.stderr, r"ALTER SYSTEM SET output_plugin_libraries = .*?; SELECT pg_reload_conf\(\);").split(";"):
            if statement.strip():
                cluster.sql("postgres", statement)
        harness.wait_until("the list", lambda: "goldpan" in cluster.value("postgres", "SHOW output_plugin_libraries"))
        if number == 0:
            source.copy()
        else:
            source.stream()
        source.change()
    cluster.sql("postgres", "ALTER SYSTEM RESET output_plugin_libraries")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    source.stream()
    source.prove()


def test_plugin_that_is_not_installed(case):
    source = Source(case, "uninstalled", cluster=shared())
    library = os.path.join(source.cluster.folder, "lib", "goldpan.so")
    if os.path.exists("/usr/lib/postgresql/15/lib/goldpan.so"):
        raise harness.Skip("the plugin is installed on this machine")
    for number in range(2):
        shutil.move(library, library + ".away")
        try:
            done = source.fails(13, 'does not find output plugin "goldpan"', "Install the plugin on the server")
        finally:
            shutil.move(library + ".away", library)
        contains(done.stderr, "postgresql-15-goldpan")
        if number == 0:
            source.copy()
        else:
            source.stream()
        source.change()
    source.stream()
    source.prove()


def test_no_slot_left(case):
    source = Source(case, "crowded", cluster=shared())
    cluster = source.cluster
    left = int(cluster.value("postgres", "SHOW max_replication_slots")) - cluster.value(
        "postgres", "SELECT count(*) FROM pg_replication_slots"
    )
    cluster.sql("postgres", f"SELECT pg_create_physical_replication_slot('filler_' || i) FROM generate_series(1, {left}) i")
    done = source.fails(12, "all replication slots are in use")
    names = cluster.sql("postgres", cure(done.stderr, r"SELECT slot_name FROM pg_replication_slots WHERE NOT active"))
    for (name,) in names:
        cluster.sql("postgres", f"SELECT pg_drop_replication_slot('{name}')")
    source.stream()
    source.prove_copied()


# ---- rivals ----


def hold_slot(source):
    """Another program that reads the slot and never acknowledges anything."""
    rival = psycopg2.connect(
        source.cluster.conninfo(source.name), connection_factory=psycopg2.extras.LogicalReplicationConnection
    )
    rival.cursor().start_replication(source.slot, options={"protocol": "1", "tables": '"public"."person"("id")'})
    return rival


def test_slot_that_another_program_reads(case):
    source = Source(case, "rival", cluster=shared())
    source.copy()
    source.change()
    rival = hold_slot(source)
    source.fails(15, 'slot "goldpan_rival" is in use by process', "otherwise stop the other goldpan")
    rival.close()
    source.stream()
    source.prove()


def test_source_that_another_goldpan_streams(case):
    source = Source(case, "twice", cluster=shared())
    source.copy()
    first = source.running()
    source.change()
    source.fails(15, "could not take the lock of slot", "Another goldpan streams this source")
    equal(first.stop(), 0, "status of the first")
    source.change()
    source.stream()
    source.prove()


# ---- positions ----


def again(source, done):
    """Does what the message of a gap or a lost slot says, to the letter."""
    statement = cure(done.stderr, r"SELECT pg_drop_replication_slot\('goldpan_\w+'\)")
    contains(done.stderr, "goldpan stream --copy-again")
    if source.value(f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{source.slot}'"):
        source.sql(statement)
    source.case.run("stream", "-c", source.config, "--until-current", "--copy-again")
    records = source.records()
    # the latest copy supersedes: a reader that folds from it sees the table
    last = [r["meta"]["snapshot_attempt"] for r in records if r["meta"]["snapshot_attempt"]][-1]
    got = sorted((r["id"], r["full_name"]) for r in records if r["meta"]["snapshot_attempt"] == last)
    equal(got, sorted((str(key), name) for key, name in source.sql("SELECT id, name FROM person")), "the new copy")
    events = [r["meta"]["event_id"] for r in records]
    equal(len(set(events)), len(events), "event ids")
    source.change()
    source.stream()


def test_slot_dropped_while_stopped(case):
    source = Source(case, "dropped", cluster=shared())
    source.copy()
    source.change()
    source.sql(f"SELECT pg_drop_replication_slot('{source.slot}')")
    again(source, source.fails(31, 'replication slot "goldpan_dropped" does not exist any more'))


def test_slot_recreated_while_stopped(case):
    source = Source(case, "recreated", cluster=shared())
    source.copy()
    source.sql(f"SELECT pg_drop_replication_slot('{source.slot}')")
    source.change()
    source.sql(f"SELECT pg_create_logical_replication_slot('{source.slot}', 'goldpan')")
    source.fails(30)
    again(source, source.fails(30, "but the log ends at", "the changes between are gone"))


def test_slot_advanced_while_stopped(case):
    source = Source(case, "advanced", cluster=shared())
    source.copy()
    source.change()
    source.sql(f"SELECT pg_replication_slot_advance('{source.slot}', pg_current_wal_lsn())")
    again(source, source.fails(30, "but the log ends at", "the changes between are gone"))


def test_slot_of_another_plugin(case):
    source = Source(case, "foreign", cluster=shared())
    source.copy()
    source.sql(f"SELECT pg_drop_replication_slot('{source.slot}')")
    source.sql(f"SELECT pg_create_logical_replication_slot('{source.slot}', 'test_decoding')")
    source.fails(30, 'belongs to plugin "test_decoding"', "Name another slot")


def test_slot_that_lost_its_log(case):
    source = Source(case, "lost", cluster=shared())
    cluster = source.cluster
    source.stream()
    cluster.sql("postgres", "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    try:
        source.change()
        for _ in range(3):
            source.sql("SELECT pg_switch_wal()")
            source.sql("INSERT INTO unmapped SELECT 0, 'x' ON CONFLICT DO NOTHING")
        source.sql("CHECKPOINT")
        harness.wait_until(
            "the slot to be invalidated",
            lambda: source.value(f"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{source.slot}'") == "lost",
        )
        again(source, source.fails(31, "has invalidated replication slot", "wal_status lost", "are gone"))
    finally:
        cluster.sql("postgres", "ALTER SYSTEM RESET max_slot_wal_keep_size")
        cluster.sql("postgres", "SELECT pg_reload_conf()")


def test_another_server_behind_the_same_name(case):
    source = Source(case, "diverged", cluster=shared())
    source.copy()
    other = case.cluster()
    other.create("diverged", faults.load.TABLE)
    source.configure(conninfo=other.conninfo("diverged"))
    done = source.fails(32, "system identifier is", "but the progress was made with")
    contains(done.stderr, "Point conninfo to the server that the progress was made with")
    source.configure()
    source.change()
    source.stream()
    source.prove()


harness.main(__name__)
