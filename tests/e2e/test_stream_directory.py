#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""test_stream_directory — the streamer on a real server into a directory log.

What is in the log is compared with what a test_decoding slot, or the tables, say: each change
exactly once, in order, whatever was killed in between.
"""

import datetime
import json
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402  pylint: disable=wrong-import-position
from harness import contains, equal, wait_until  # noqa: E402  pylint: disable=wrong-import-position

MAPPING = """
version = "test-1";
ownership = ( { of = "contact"; owner = "crm"; rule = "owner_wins";
                direction = "source_to_canonical"; steward = "sales-ops"; },
              { of = "account"; owner = "crm"; rule = "owner_wins";
                direction = "source_to_canonical"; steward = "sales-ops"; } );
sources = ( { name = "crm"; tables = (
  { schema = "public"; table = "person"; entity = "contact"; key = [ "id" ];
    fields = (
      { to = "full_name"; from = "name"; },
      { to = "email"; from = "mail"; on_bad = "reject"; apply = ( { do = "email"; } );
        sensitive = true; },
      { to = "lead_score"; from = "score"; } ); },
  { schema = "public"; table = "Company"; entity = "account"; key = [ "id" ];
    fields = ( { to = "name"; from = "title"; } ); } ); } );
"""

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, name text, mail text, score int, secret text);
CREATE TABLE "Company" (id int PRIMARY KEY, title text);
"""

SEGMENTS = 'directory: { segment_age = "1 s"; };\n'
PERSON = "customer.contact"
COMPANY = "customer.account"


def setup(case, rows=0, extra=""):
    cluster = case.cluster()
    cluster.create("crm", TABLES)
    if rows:
        cluster.sql(
            "crm",
            "INSERT INTO person SELECT i, 'name ' || i, 'p' || i || '@example.org', i % 90, 's'"
            f" FROM generate_series(1, {rows}) i",
        )
    config = case.config({"crm": cluster.conninfo("crm")}, MAPPING, extra=SEGMENTS + extra)
    return cluster, config


def catch_up(case, config, **more):
    return case.run("stream", "-c", config, "--until-current", **more)


def rows_of(case, config, topic=PERSON):
    done = case.run("log", "cat", "-c", config, topic)
    return [json.loads(line) for line in done.stdout.splitlines()]


def ids(records):
    return [record["meta"]["event_id"] for record in records]


def no_doubles(records):
    seen = ids(records)
    equal(len(seen), len(set(seen)), "records with an event id of their own")


def state_of(records):
    """Folds records into the last state per id."""
    state = {}
    for record in records:
        if record["meta"]["operation"] == "delete":
            state.pop(record["id"], None)
        else:
            state[record["id"]] = record
    return state


def ordered(records):
    """Order is (end_lsn, ordinal, sub) for everything after the snapshot."""
    places = [
        (record["meta"]["end_lsn"], record["meta"]["ordinal"], record["meta"]["sub"])
        for record in records
        if record["meta"]["operation"] != "snapshot"
    ]
    text = [(as_lsn(lsn), int(ordinal), int(sub)) for lsn, ordinal, sub in places]
    equal(text, sorted(text), "order of records")


def as_lsn(value):
    if isinstance(value, int):
        return value
    high, low = value.split("/")
    return int(high, 16) << 32 | int(low, 16)


def same_as_tables(case, cluster, config):
    """The log, folded, is what the tables hold."""
    records = rows_of(case, config)
    no_doubles(records)
    ordered(records)
    got = {
        int(key): (record["full_name"], record["lead_score"])
        for key, record in state_of(records).items()
    }
    expected = {
        row[0]: (row[1], row[2]) for row in cluster.sql("crm", "SELECT id, name, score FROM person")
    }
    equal(got, expected, "folded log against table")
    return records


# ---- the plain way ----


def test_first_copy_then_changes(case):
    cluster, config = setup(case, rows=100)
    catch_up(case, config)
    records = rows_of(case, config)
    equal(len(records), 100, "records of the first copy")
    equal({record["meta"]["operation"] for record in records}, {"snapshot"}, "operations")
    for record in records:
        age = time.time() - datetime.datetime.fromisoformat(record["meta"]["commit_time"]).timestamp()
        equal(0 <= age < 300, True, f"the copy's time {record['meta']['commit_time']} is of this minute")
    cluster.sql("crm", "UPDATE person SET score = 7 WHERE id = 3")
    cluster.sql("crm", "DELETE FROM person WHERE id = 4")
    cluster.sql("crm", "INSERT INTO person VALUES (1000, 'new', 'n@example.org', 1, 'x')")
    cluster.sql("crm", "UPDATE person SET id = 1001 WHERE id = 1000")
    catch_up(case, config)
    records = same_as_tables(case, cluster, config)[100:]
    equal(
        [(record["meta"]["operation"], record["id"]) for record in records],
        [("update", "3"), ("delete", "4"), ("create", "1000"), ("delete", "1000"), ("create", "1001")],
        "changes",
    )
    equal([record["meta"]["sub"] for record in records[-2:]], [0, 1], "sub of a key change")


def test_second_run_repeats_nothing(case):
    cluster, config = setup(case, rows=10)
    catch_up(case, config)
    cluster.sql("crm", "INSERT INTO person VALUES (11, 'a', 'a@example.org', 1, 'x')")
    catch_up(case, config)
    before = rows_of(case, config)
    catch_up(case, config)
    equal(rows_of(case, config), before, "log after a run without changes")


def test_until_current_ends_on_an_idle_server(case):
    cluster, config = setup(case)
    started = time.monotonic()
    catch_up(case, config)
    catch_up(case, config)
    cluster.sql("crm", "SELECT pg_switch_wal()")
    catch_up(case, config)
    assert time.monotonic() - started < 20, "an idle server held up --until-current"


def test_until_current_publishes_asynchronous_commits(case):
    cluster, config = setup(case, rows=1)
    catch_up(case, config)
    for number in range(5):
        cluster.sql(
            "crm",
            "SET synchronous_commit = off;"
            f"INSERT INTO person VALUES ({100 + number}, 'a', 'a@example.org', 1, 'x')",
        )
        catch_up(case, config)
        equal(len(rows_of(case, config)), 2 + number, "records after an asynchronous commit")


def test_running_stream_is_prompt_and_stops_in_order(case):
    cluster, config = setup(case, rows=5)
    stream = case.start("stream", "-c", config)
    wait_until("streaming", lambda: "streaming from" in stream.stderr)
    started = time.monotonic()
    cluster.sql("crm", "INSERT INTO person VALUES (100, 'a', 'a@example.org', 1, 'x')")
    wait_until("the row", lambda: len(rows_of(case, config)) == 6, interval=0.01)
    assert time.monotonic() - started < 2, "a row took 2 s"
    equal(stream.stop(), 0, "exit status after SIGTERM")
    catch_up(case, config)
    same_as_tables(case, cluster, config)


def test_bad_value_becomes_a_dead_letter(case):
    cluster, config = setup(case, rows=2)
    cluster.sql("crm", "INSERT INTO person VALUES (77, 'bad', 'no mail address', 1, 'hidden')")
    catch_up(case, config)
    cluster.sql("crm", "INSERT INTO person VALUES (78, 'Erika', 'again none', 1, 'hidden')")
    catch_up(case, config)
    equal(len(rows_of(case, config)), 2, "records")
    letters = rows_of(case, config, "customer.dead_letter")
    equal([letter["key"] for letter in letters], ["77", "78"], "dead letters")
    text = json.dumps(letters)
    for secret in ("no mail address", "again none", "hidden", "Erika"):
        assert secret not in text, f"{secret!r} in a dead letter"
    row = {column["name"]: column for column in letters[1]["new_row"]}
    equal(row["mail"]["omitted"], "sensitive", "the sensitive column")
    equal(row["mail"]["length"], len("again none"), "its length")
    equal(row["id"]["value"], "78", "a column that may be seen")
    equal((row["name"]["value"], row["name"]["omitted"]), (None, "sensitive"), "personal by schema")
    equal(letters[1]["field"], "email", "field")


# ---- kills ----


def kill_at(case, config, point, action="kill"):
    stream = case.start(
        "stream",
        "-c",
        config,
        environment={"GOLDPAN_DEBUG_POINT": point, "GOLDPAN_DEBUG_POINT_ACTION": action},
    )
    return stream


@harness.debug_points
def test_kills_in_the_first_copy(case):
    cluster, config = setup(
        case, rows=3000, extra='stream: { batch_records = 500; retry_min = "50 ms"; };\n'
    )
    points = ["open", "begun", "half:2", "rows", "slot"]
    for number, point in enumerate(points):
        stream = kill_at(case, config, "stream_snapshot." + point)
        equal(stream.wait(), -signal.SIGKILL, f"status at {point}")
        # Rows deleted meanwhile, and rows that come, are right in the end.
        cluster.sql("crm", f"DELETE FROM person WHERE id = {number + 1}")
        cluster.sql("crm", f"UPDATE person SET score = -1 WHERE id = {number + 100}")
    equal(rows_of(case, config), [], "records of copies that were killed")
    stream = kill_at(case, config, "stream_snapshot.complete")
    equal(stream.wait(), -signal.SIGKILL, "status at complete")
    equal(len(rows_of(case, config)), 3000 - len(points), "records after the copy")
    cluster.sql("crm", "DELETE FROM person WHERE id = 500")
    catch_up(case, config)
    same_as_tables(case, cluster, config)


def load(cluster, seconds, stop=None):
    """Random work in many small transactions; returns their number."""
    cluster.sql(
        "crm",
        """
        DO $$ BEGIN
          FOR i IN 1..300 LOOP
            INSERT INTO person VALUES ((SELECT coalesce(max(id), 0) + 1 FROM person),
                                       'n', 'n@example.org', i % 90, 's');
            UPDATE person SET score = score + 1 WHERE id % 17 = i % 17 AND id > 50;
            IF i % 7 = 0 THEN DELETE FROM person WHERE id = (SELECT min(id) FROM person); END IF;
            COMMIT;
          END LOOP;
        END $$""",
    )


@harness.debug_points
def test_kills_while_streaming(case):
    cluster, config = setup(
        case, rows=60, extra='stream: { batch_records = 200; retry_min = "50 ms"; };\n'
    )
    catch_up(case, config)
    cluster.sql(
        "crm", "SELECT pg_create_logical_replication_slot('oracle', 'test_decoding')"
    )
    points = [
        "stream_event.row:37",
        "stream_loop.settled:1",
        "stream_loop.acknowledged:2",
        "stream_event.row:501",
        "stream_loop.settled:3",
    ]
    for point in points:
        load(cluster, 1)
        stream = kill_at(case, config, point)
        equal(stream.wait(), -signal.SIGKILL, f"status at {point}")
    catch_up(case, config)
    records = same_as_tables(case, cluster, config)
    changes = [
        row[0]
        for row in cluster.sql(
            "crm", "SELECT data FROM pg_logical_slot_get_changes('oracle', NULL, NULL)"
        )
        if row[0].startswith("table public.person")
    ]
    got = [
        (record["meta"]["operation"], record["id"])
        for record in records
        if record["meta"]["operation"] != "snapshot"
    ]
    kinds = {"INSERT": "create", "UPDATE": "update", "DELETE": "delete"}
    expected = []
    for change in changes:
        match = re.match(r"table public\.person: (\w+): .*?id\[integer\]:(\d+)", change)
        expected.append((kinds[match.group(1)], match.group(2)))
    equal(got, expected, "changes of the log against test_decoding")


def test_two_runs_over_one_history_give_equal_records(case):
    cluster, config = setup(case, rows=20)
    catch_up(case, config)
    cluster.sql(
        "crm", "SELECT pg_copy_logical_replication_slot('goldpan_crm', 'goldpan_again')"
    )
    case.run("log", "list", "-c", config)
    copy = case.path("log-again")
    import shutil  # pylint: disable=import-outside-toplevel

    shutil.copytree(case.path("log"), copy)
    load(cluster, 1)
    catch_up(case, config)
    first = rows_of(case, config)
    cluster.sql("crm", "SELECT pg_drop_replication_slot('goldpan_crm')")
    cluster.sql(
        "crm", "SELECT pg_copy_logical_replication_slot('goldpan_again', 'goldpan_crm')"
    )
    shutil.rmtree(case.path("log"))
    os.rename(copy, case.path("log"))
    # Other batches, the same records.
    with open(config, "a", encoding="utf-8") as file:
        file.write("stream: { batch_records = 7; };\n")
    catch_up(case, config)
    equal(rows_of(case, config), first, "records of the second run")


def test_large_transaction_comes_in_marked_parts(case):
    cluster, config = setup(
        case, rows=1, extra="stream: { transaction_records = 100; batch_records = 50; };\n"
    )
    catch_up(case, config)
    cluster.sql("crm", "INSERT INTO person VALUES (2, 'before', 'b@example.org', 0, 's')")
    cluster.sql(
        "crm",
        "INSERT INTO person SELECT i, 'n', 'n@example.org', 0, 's' FROM generate_series(10, 359) i",
    )
    cluster.sql("crm", "INSERT INTO person VALUES (3, 'after', 'a@example.org', 0, 's')")
    catch_up(case, config)
    records = same_as_tables(case, cluster, config)[1:]
    marks = [(record["meta"]["part"], record["meta"]["last_part"]) for record in records]
    expected = (
        [(None, None)]
        + [(1, False)] * 100
        + [(2, False)] * 100
        + [(3, False)] * 100
        + [(4, True)] * 50
        + [(None, None)]
    )
    equal(marks, expected, "marks of the parts")


@harness.debug_points
def test_kill_between_parts_goes_on_with_the_next(case):
    cluster, config = setup(
        case, rows=1, extra="stream: { transaction_records = 100; batch_records = 50; };\n"
    )
    catch_up(case, config)
    cluster.sql(
        "crm",
        "INSERT INTO person SELECT i, 'n', 'n@example.org', 0, 's' FROM generate_series(10, 359) i",
    )
    stream = kill_at(case, config, "stream_loop.settled:2")
    equal(stream.wait(), -signal.SIGKILL, "status")
    # A part of the transaction is in the log; other columns are mapped from now on (P7).
    before = len(rows_of(case, config))
    assert before in (201, 301), f"{before} records after the kill"
    changed = MAPPING.replace('{ to = "lead_score"; from = "score"; }', "").replace(
        "sensitive = true; },", "sensitive = true; }"
    )
    case.write("mapping.conf", changed)
    catch_up(case, config)
    records = rows_of(case, config)[1:]
    no_doubles(records)
    equal([record["id"] for record in records], [str(i) for i in range(10, 360)], "ids")
    equal([record["meta"]["part"] for record in records][::100], [1, 2, 3, 4], "parts")


# ---- named stops ----


def stops(case, config, status, *texts):
    done = catch_up(case, config, status=status)
    contains(done.stderr, *texts)
    return done


def test_slot_moved_behind_our_back_is_a_gap_and_a_new_copy_mends_it(case):
    cluster, config = setup(case, rows=3)
    catch_up(case, config)
    cluster.sql("crm", "INSERT INTO person VALUES (50, 'lost', 'l@example.org', 0, 's')")
    cluster.sql(
        "crm", "SELECT pg_replication_slot_advance('goldpan_crm', pg_current_wal_lsn())"
    )
    done = stops(case, config, 30, "the changes between are gone", "--copy-again")
    cure = re.search(r"(SELECT pg_drop_replication_slot\('goldpan_crm'\))", done.stderr).group(1)
    cluster.sql("crm", cure)
    stops(case, config, 31, "does not exist any more")
    case.run("stream", "-c", config, "--until-current", "--copy-again")
    same_as_tables(case, cluster, config)


def test_slot_without_progress_is_not_adopted(case):
    cluster, config = setup(case)
    cluster.sql("crm", "SELECT pg_create_logical_replication_slot('goldpan_crm', 'goldpan')")
    stops(case, config, 30, "holds no progress of this source")
    cluster.sql("crm", "SELECT pg_drop_replication_slot('goldpan_crm')")
    catch_up(case, config)


def test_truncate_stops_and_a_new_copy_mends_it(case):
    cluster, config = setup(case, rows=3)
    catch_up(case, config)
    cluster.sql("crm", "INSERT INTO person VALUES (50, 'b', 'b@example.org', 0, 's')")
    cluster.sql("crm", "TRUNCATE person")
    done = stops(case, config, 34, "truncate")
    equal(len(rows_of(case, config)), 4, "what was committed before is in the log")
    stops(case, config, 34, "truncate")
    assert done.stderr.count(" error ") == 1, "the error is reported once"
    cluster.sql("crm", "SELECT pg_drop_replication_slot('goldpan_crm')")
    cluster.sql("crm", "INSERT INTO person VALUES (60, 'c', 'c@example.org', 0, 's')")
    case.run("stream", "-c", config, "--until-current", "--copy-again")
    equal(rows_of(case, config)[-1]["id"], "60", "last record")


def test_newly_mapped_table_is_refused(case):
    cluster, config = setup(case, rows=3)
    both = MAPPING
    case.write("mapping.conf", re.sub(r",\s*\{ schema = \"public\"; table = \"Company\".*?\); \}", "", both, flags=re.S))
    catch_up(case, config)
    case.write("mapping.conf", both)
    stops(case, config, 37, 'public."Company"', "after the first copy")
    cluster.sql("crm", "INSERT INTO person VALUES (50, 'b', 'b@example.org', 0, 's')")
    case.write("mapping.conf", re.sub(r",\s*\{ schema = \"public\"; table = \"Company\".*?\); \}", "", both, flags=re.S))
    catch_up(case, config)
    same_as_tables(case, cluster, config)


def test_reload_takes_the_mapping_and_refuses_new_tables(case):
    cluster, config = setup(case, rows=1)
    one = re.sub(r",\s*\{ schema = \"public\"; table = \"Company\".*?\); \}", "", MAPPING, flags=re.S)
    case.write("mapping.conf", one)
    stream = case.start("stream", "-c", config)
    wait_until("streaming", lambda: "streaming from" in stream.stderr)
    case.write("mapping.conf", one.replace("test-1", "test-2").replace('from = "name"', 'from = "secret"'))
    stream.signal(signal.SIGHUP)
    wait_until("the new mapping", lambda: "mapping version test-2" in stream.stderr)
    cluster.sql("crm", "INSERT INTO person VALUES (50, 'b', 'b@example.org', 0, 'told')")
    wait_until("the row", lambda: len(rows_of(case, config)) == 2)
    last = rows_of(case, config)[-1]
    equal((last["full_name"], last["meta"]["mapping_version"]), ("told", "test-2"), "record")
    case.write("mapping.conf", MAPPING.replace("test-1", "test-3"))
    stream.signal(signal.SIGHUP)
    wait_until("the refusal", lambda: 'table public."Company"' in stream.stderr)
    cluster.sql("crm", "INSERT INTO person VALUES (51, 'b', 'b@example.org', 0, 'again')")
    wait_until("the row", lambda: len(rows_of(case, config)) == 3)
    equal(rows_of(case, config)[-1]["meta"]["mapping_version"], "test-2", "version in use")
    equal(stream.stop(), 0, "exit status")


# ---- several sources ----


def test_a_dead_source_does_not_hold_up_another(case):
    cluster, _ = setup(case, rows=1)
    cluster.create("billing", TABLES)
    mapping = MAPPING.replace(
        "sources = (", "systems = ( { name = \"none\"; } );\nsources = ("
    ).rstrip()
    second = mapping[mapping.index("{ name = \"crm\"; tables") : mapping.rindex(");")]
    mapping = mapping[: mapping.rindex(");")] + ", " + second.replace('"crm"', '"billing"') + ");"
    third = second.replace('"crm"', '"gone"')
    mapping = mapping[: mapping.rindex(");")] + ", " + third + ");"
    config = case.config(
        {
            "crm": cluster.conninfo("crm"),
            "billing": cluster.conninfo("billing"),
            "gone": "host=/nowhere dbname=gone user=postgres connect_timeout=2",
        },
        mapping,
        extra=SEGMENTS,
    )
    stream = case.start("stream", "-c", config)
    wait_until(
        "two sources streaming", lambda: stream.stderr.count("streaming from") == 2
    )
    # billing hangs: its walsender does not answer any more.
    pid = cluster.value(
        "billing", "SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'goldpan_billing'"
    )
    os.kill(pid, signal.SIGSTOP)
    try:
        for number in range(5):
            started = time.monotonic()
            cluster.sql(
                "crm", f"INSERT INTO person VALUES ({100 + number}, 'a', 'a@example.org', 1, 'x')"
            )
            wait_until(
                "the row",
                lambda n=number: sum(r["source"] == "crm" for r in rows_of(case, config)) == 2 + n,
                timeout=2,
                interval=0.01,
            )
            assert time.monotonic() - started < 2, "lag of 2 s"
    finally:
        os.kill(pid, signal.SIGCONT)
    contains(stream.stderr, "warning gone:")
    equal(stream.stop(), 0, "exit status")


def test_server_shutdown_and_restart_is_survived(case):
    cluster, config = setup(case, rows=1, extra='stream: { retry_max = "500 ms"; };\n')
    stream = case.start("stream", "-c", config)
    wait_until("streaming", lambda: "streaming from" in stream.stderr)
    cluster.sql("crm", "INSERT INTO person VALUES (50, 'b', 'b@example.org', 0, 's')")
    started = time.monotonic()
    cluster.stop("fast")
    assert time.monotonic() - started < 10, "the server's shutdown waited for the streamer"
    cluster.start()
    cluster.sql("crm", "INSERT INTO person VALUES (51, 'b', 'b@example.org', 0, 's')")
    wait_until("the row", lambda: len(rows_of(case, config)) == 3)
    cluster.restart("immediate")
    cluster.sql("crm", "INSERT INTO person VALUES (52, 'b', 'b@example.org', 0, 's')")
    wait_until("the row", lambda: len(rows_of(case, config)) == 4)
    equal(stream.stop(), 0, "exit status")
    same_as_tables(case, cluster, config)


harness.main(__name__)
