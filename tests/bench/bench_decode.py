#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""bench_decode — what a row costs the server: CPU of the walsender for each output plugin.

One backlog per workload, read by every plugin through a copy of its own slot, in turns, by
pg_recvlogical into /dev/null.  The CPU time is that of the walsender process alone, from
/proc, so that other work on the machine disturbs little.  The last line compares goldpan
with pgoutput's text format; `slow_insert` reads through a reader that sips every 10 ms
instead, where pgoutput is spared its wake-up for each row.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
# pylint: disable=wrong-import-position
from cluster import PG_BIN, PLUGIN, ROOT, Cluster

TABLE = """
CREATE TABLE {table} (
    id bigint PRIMARY KEY, tenant_id integer NOT NULL, email text NOT NULL, first_name text,
    last_name text, company text, phone varchar(40), street text, city text, postal_code text,
    country char(2), status text, vip boolean, balance numeric(18,4), credit_limit numeric(12,2),
    score double precision, birth_date date, created_at timestamptz, updated_at timestamptz,
    note text)
"""
COLUMNS = (
    "id tenant_id email first_name last_name company phone street city postal_code country status"
    " vip balance credit_limit score birth_date created_at updated_at note"
).split()
ROW = """
INSERT INTO {table} SELECT i, i % 50, 'customer.' || i || '@example.com', 'Firstname' || i % 1000,
    'Lastname' || i % 5000, 'Company ' || i % 3000 || ' Ltd', '+49 30 ' || 1000000 + i % 8999999,
    i % 200 || ' Long Street Name', 'Springfield', lpad((i % 99999)::text, 5, '0'), 'DE',
    'active', i % 7 = 0, (i * 1.2345)::numeric(18,4), 10000.50, i / 3.0,
    date '1970-01-01' + (i % 15000)::int, '2024-01-01'::timestamptz + i * interval '1 second',
    '2026-01-01'::timestamptz + i * interval '1 minute',
    'A note of usual length about customer ' || i || ', who likes long notes and longer calls, '
    'and was last seen in the shop around the corner.'
FROM generate_series({first}::bigint, {last}) i
"""
BATCH = 100


def goldpan_options(table):
    columns = ",".join(f'"{name}"' for name in COLUMNS)
    return {"protocol": "1", "tables": f'"public"."{table}"({columns})'}


def pgoutput_options(binary):
    options = {"proto_version": "1", "publication_names": "bench"}
    return {**options, "binary": "true"} if binary else options


# name, library, options of the table
PLUGINS = [
    ("goldpan", "goldpan", goldpan_options),
    ("pgoutput text", "pgoutput", lambda table: pgoutput_options(False)),
    ("pgoutput binary", "pgoutput", lambda table: pgoutput_options(True)),
    ("test_decoding", "test_decoding", lambda table: {}),
    ("wal2json", "wal2json", lambda table: {"format-version": "2"}),
    ("decoderbufs", "decoderbufs", lambda table: {}),
]


def installed(library):
    folder = subprocess.check_output([f"{PG_BIN}/pg_config", "--pkglibdir"], text=True).strip()
    return library == "goldpan" or os.path.exists(os.path.join(folder, library + ".so"))


class Bench:
    def __init__(self, rows, runs, only):
        libraries = sorted({library for _, library, _ in PLUGINS if installed(library)})
        self.plugins = [p for p in PLUGINS if p[1] in libraries and (not only or p[0] in only)]
        self.rows = rows
        self.runs = runs
        self.cluster = Cluster(
            {
                "fsync": "on",
                "autovacuum": "off",
                "max_wal_size": "'8GB'",
                "checkpoint_timeout": "'1h'",
                "shared_buffers": "'256MB'",
                "output_plugin_libraries": f"'{', '.join(libraries)}'",
            }
        )
        self.control = self.cluster.connect("postgres")
        self.reader = os.path.join(ROOT, "build", "bench", "bench_decode_reader")
        library = os.path.join(self.cluster.folder, "lib", os.path.basename(PLUGIN))
        self.query(
            "CREATE FUNCTION frames(bytea, OUT n int, OUT kind text, OUT relation text, OUT "
            "ordinal bigint, OUT detail text) RETURNS SETOF record LANGUAGE c STRICT AS "
            f"'{library}', 'goldpan_frames'"
        )
        self.query("CREATE PUBLICATION bench FOR ALL TABLES")

    def query(self, text, parameters=None):
        with self.control.cursor() as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall() if cursor.description else []

    def batches(self, text, table, size=BATCH):
        """One transaction per batch, in one round trip of the loop's own."""
        for first in range(1, self.rows + 1, size):
            last = min(first + size - 1, self.rows)
            self.query(text.format(table=table, first=first, last=last))

    def make_slots(self):
        for name, library, _ in self.plugins:
            self.query(
                "SELECT pg_create_logical_replication_slot(%s, %s)", (slot_name(name), library)
            )

    def drop_slots(self):
        for name, _, _ in self.plugins:
            self.query("SELECT pg_drop_replication_slot(%s)", (slot_name(name),))

    def end_of_backlog(self):
        """Makes the next record another transaction's, so that a plugin is done when it passed."""
        self.query("CREATE TABLE IF NOT EXISTS after(i int)")
        (lsn,) = self.query("SELECT pg_current_wal_insert_lsn()")[0]
        self.query("SELECT pg_logical_emit_message(true, 'bench', 'end')")
        self.query("SELECT pg_switch_wal()")
        return lsn

    def verify(self, table):
        """Both sides of the comparison send each row, once."""
        options = [text for pair in goldpan_options(table).items() for text in pair]
        (count,) = self.query(
            "SELECT count(*) FROM (SELECT string_agg(data, '' ORDER BY n) FROM "
            "pg_logical_slot_peek_binary_changes(%s, NULL, NULL, VARIADIC %s) WITH ORDINALITY AS "
            "c(lsn, xid, data, n) GROUP BY n) s(data), frames(data) "
            "WHERE kind IN ('insert', 'update', 'delete')",
            (slot_name("goldpan"), options),
        )[0]
        options = [text for pair in pgoutput_options(False).items() for text in pair]
        (other,) = self.query(
            "SELECT count(*) FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL, VARIADIC %s) "
            "WHERE get_byte(data, 0) IN (73, 85, 68)",
            (slot_name("pgoutput text"), options),
        )[0]
        if count != self.rows or other != self.rows:
            sys.exit(f"{table}: {self.rows} rows, goldpan sent {count}, pgoutput {other}")

    def walsender(self):
        """The pid and the position of the only walsender."""
        found = self.query("SELECT pid, sent_lsn, flush_lsn FROM pg_stat_replication")
        return found[0] if found else None

    def read_once(self, name, table, options, end, slow):
        """CPU of the walsender in microseconds a row."""
        self.query("SELECT pg_copy_logical_replication_slot(%s, 'run')", (slot_name(name),))
        conninfo = self.cluster.conninfo("postgres", replication="database")
        if slow:
            text = ", ".join(f"\"{key}\" '{value}'" for key, value in options.items())
            command = [self.reader, conninfo, f"run LOGICAL 0/0 ({text})" if text else "run"]
        else:
            command = [f"{PG_BIN}/pg_recvlogical", "-d", self.cluster.conninfo("postgres")]
            command += ["--start", "-S", "run", "-f", "/dev/null", "--no-loop", "-F", "0", "-s", "1"]
            command += [f"-o{key}={value}" for key, value in options.items()]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as reader:
            try:
                nanoseconds = self.wait_for(reader, end)
            finally:
                reader.send_signal(signal.SIGINT)
                reader.communicate()
        self.drop_when_free("run")
        return nanoseconds / 1000 / self.rows

    def wait_for(self, reader, end):
        limit = time.monotonic() + 300
        while time.monotonic() < limit:
            if reader.poll() is not None:
                sys.exit(f"the reader ended: {reader.stderr.read()}")
            sender = self.walsender()
            if sender is not None and sender[1] is not None:
                # The last position sent, and confirmed by the reader, is past the backlog.
                if lsn(sender[1]) > lsn(end) and lsn(sender[2] or "0/0") >= lsn(end):
                    with open(f"/proc/{sender[0]}/schedstat", encoding="ascii") as file:
                        return int(file.read().split()[0])
            time.sleep(0.05)
        sys.exit("the walsender did not reach the end of the backlog in 300 s")

    def drop_when_free(self, slot):
        for _ in range(200):
            active = self.query("SELECT active FROM pg_replication_slots WHERE slot_name=%s", (slot,))
            if not active[0][0] and self.walsender() is None:
                break
            time.sleep(0.02)
        self.query("SELECT pg_drop_replication_slot(%s)", (slot,))

    def measure(self, title, table, slow=False, only=None):
        """Medians for each plugin, the plugins in turns."""
        end = self.end_of_backlog()
        self.verify(table)
        plugins = [p for p in self.plugins if only is None or p[0] in only]
        figures = {name: [] for name, _, _ in plugins}
        for _ in range(self.runs):
            for name, _, options in plugins:
                figures[name].append(self.read_once(name, table, options(table), end, slow))
        medians = {name: statistics.median(values) for name, values in figures.items()}
        for name, value in medians.items():
            spread = f"{min(figures[name]):.2f}-{max(figures[name]):.2f}"
            ratio = value / medians["pgoutput text"]
            print(f"{title:<12} {name:<16} {value:6.2f} us/row  {spread:>12}  {ratio:5.2f}")
        sys.stdout.flush()
        return medians["goldpan"] / medians["pgoutput text"]

    def create(self, table, full=False):
        self.query(TABLE.format(table=table))
        if full:
            self.query(f"ALTER TABLE {table} REPLICA IDENTITY FULL")

    def workload(self, table, prepare, change, full=False):
        self.create(table, full)
        if prepare:
            self.batches(ROW, table, 10000)
        self.make_slots()
        change(table)

    def run(self, names):
        update = (
            "UPDATE {table} SET balance = balance + 1, updated_at = updated_at + interval '1 day', "
            "status = 'changed' WHERE id BETWEEN {first} AND {last}"
        )
        delete = "DELETE FROM {table} WHERE id BETWEEN {first} AND {last}"
        workloads = {
            "insert": (False, lambda t: self.batches(ROW, t), False),
            "update": (True, lambda t: self.batches(update, t), False),
            "full": (True, lambda t: self.batches(update, t), True),
            "delete": (True, lambda t: self.batches(delete, t), False),
            "large": (False, lambda t: self.batches(ROW, t, self.rows), False),
        }
        result = {}
        for name, (prepare, change, full) in workloads.items():
            if names and name not in names:
                continue
            table = "customers_" + name
            self.workload(table, prepare, change, full)
            result[name] = self.measure(name, table)
            if name == "insert":
                both = ("goldpan", "pgoutput text")
                result["slow_insert"] = self.measure("slow_insert", table, True, both)
            self.drop_slots()
        order = ["insert", "update", "full", "delete", "large", "slow_insert"]
        print("RESULT " + " ".join(f"{n}={result[n]:.2f}" for n in order if n in result))


def slot_name(name):
    return "bench_" + name.replace(" ", "_")


def lsn(text):
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=50000, help="rows of each workload")
    parser.add_argument("--runs", type=int, default=5, help="runs of each plugin")
    parser.add_argument("--plugins", default="", help="only these, by comma")
    parser.add_argument("--workloads", default="", help="only these, by comma")
    arguments = parser.parse_args()
    only = {"goldpan", "pgoutput text", *arguments.plugins.split(",")} if arguments.plugins else None
    bench = Bench(arguments.rows, arguments.runs, only)
    bench.run([name for name in arguments.workloads.split(",") if name])


if __name__ == "__main__":
    main()
