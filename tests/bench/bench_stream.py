#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""bench_stream — the whole path, from the server's WAL to the record log, against pg_recvlogical.

One backlog of inserts, a hundred rows a transaction, all 20 columns mapped, ownership tags on,
fsync on, codec null. In turns: pg_recvlogical with pgoutput into /dev/null, `goldpan stream` to the
directory log, and to Apache Kafka with a Schema Registry. Each reader has a slot of its own made before the
backlog. Times are of the whole process, start to end; rows and the last position are verified. The first round
warms up the server, the broker and the page cache and is not counted.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "python")]
# pylint: disable=wrong-import-position
from bench_decode import BATCH, ROW, TABLE
from brokers import Brokers, Missing
from cluster import PG_BIN, ROOT, Cluster

GOLDPAN = os.path.join(ROOT, "build", "gcc", "goldpan")
FIELDS = [
    ("parent_account_id", "tenant_id", ""),
    ("email", "email", '{ do = "email"; }'),
    ("legal_name", "first_name", ""),
    ("account_number", "last_name", ""),
    ("name", "company", '{ do = "trim"; }'),
    ("phone", "phone", '{ do = "phone"; country = "DE"; }'),
    ("billing_street", "street", ""),
    ("billing_city", "city", ""),
    ("billing_postal_code", "postal_code", ""),
    ("billing_country", "country", ""),
    ("status", "status", ""),
    ("is_person", "vip", ""),
    ("annual_revenue", "balance", ""),
    ("credit_limit", "credit_limit", ""),
    ("health_score", "score", ""),
    ("customer_since", "birth_date", ""),
    ("created_at", "created_at", ""),
    ("updated_at", "updated_at", ""),
    ("segment", "note", ""),
]


def mapping(source):
    fields = ",\n".join(
        f'{{ to = "{to}"; from = "{column}"; ' + (f"apply = ( {step} ); " if step else "") + "}"
        for to, column, step in FIELDS
    )
    return (
        f'ownership = ( {{ of = "account"; owner = "{source}"; rule = "owner_wins"; '
        f'direction = "source_to_canonical"; steward = "bench"; }} );\n'
        f'sources = ( {{ name = "{source}"; tables = ( {{ schema = "public"; table = "customers"; entity = "account"; '
        f'key = [ "id" ]; deletes = {{ kind = "tombstone"; }}; fields = (\n{fields}\n); }} ); }} );\n'
    )


class Bench:
    def __init__(self, rows, runs, kafka):
        self.rows, self.runs = rows, runs
        self.folder = tempfile.mkdtemp(prefix="goldpan-bench.")
        self.brokers = Brokers() if kafka else None
        self.kinds = ["recvlogical", "directory"] + (["kafka"] if kafka else [])
        self.cluster = Cluster(
            {
                "fsync": "on", "autovacuum": "off", "max_wal_size": "'8GB'", "checkpoint_timeout": "'1h'",
                "shared_buffers": "'256MB'", "max_replication_slots": "40",
            }
        )
        self.cluster.sql("postgres", TABLE.format(table="customers"))
        self.cluster.sql("postgres", "CREATE PUBLICATION bench FOR TABLE customers")

    def close(self):
        self.cluster.remove()
        if self.brokers:
            self.brokers.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    def name(self, kind, run):
        return f"{kind}{run}"

    def config(self, kind, run):
        return os.path.join(self.folder, self.name(kind, run), "goldpan.conf")

    def prepare(self, kind, run):
        """A slot at the beginning of the backlog: pg_recvlogical's, or goldpan's own after a copy of no rows."""
        name = self.name(kind, run)
        if kind == "recvlogical":
            self.cluster.sql("postgres", f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
            return
        os.mkdir(os.path.join(self.folder, name))
        log = 'kind = "directory"; path = "log";'
        if kind == "kafka":
            log = f'kind = "kafka"; brokers = "{self.brokers.bootstrap}"; registry = "{self.brokers.registry}";'
        with open(os.path.join(self.folder, name, "mapping.conf"), "w", encoding="utf-8") as file:
            file.write(mapping(name))
        with open(self.config(kind, run), "w", encoding="utf-8") as file:
            file.write(
                f'deployment = "bench"; mapping = "mapping.conf"; topic_prefix = "{name}"; log: {{ {log} }};\n'
                "kafka: { replication = 1; };\n"
                f'sources = ( {{ name = "{name}"; conninfo = "{self.cluster.conninfo("postgres")}"; }} );\n'
            )
        self.goldpan("init", "-c", self.config(kind, run))
        self.goldpan("stream", "-c", self.config(kind, run), "--until-current")

    def goldpan(self, *arguments):
        done = subprocess.run([GOLDPAN, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"goldpan {' '.join(arguments)}: status {done.returncode}\n{done.stderr}")
        return done.stdout

    def load(self):
        """The backlog; returns its end."""
        connection = self.cluster.connect("postgres")
        with connection.cursor() as cursor:
            for first in range(1, self.rows + 1, BATCH):
                cursor.execute(ROW.format(table="customers", first=first, last=min(first + BATCH - 1, self.rows)))
            cursor.execute("SELECT pg_current_wal_lsn()")
            (end,) = cursor.fetchone()
            # one more record, so that a reader with an end position sees it pass
            cursor.execute("SELECT pg_logical_emit_message(true, 'bench', 'end')")
        connection.close()
        return end

    def command(self, kind, run, end):
        if kind != "recvlogical":
            return [GOLDPAN, "stream", "-c", self.config(kind, run), "--until-current"]
        return [
            f"{PG_BIN}/pg_recvlogical", "-d", self.cluster.conninfo("postgres"), "--start", "-S", self.name(kind, run),
            "-f", "/dev/null", "-o", "proto_version=1", "-o", "publication_names=bench", "-E", end, "--no-loop",
        ]

    def measure(self, kind, run, end):
        """Seconds, CPU microseconds a row of the reading process, its peak memory in MB."""
        started = time.monotonic()
        with open(os.path.join(self.folder, "messages"), "w+", encoding="utf-8") as messages:
            process = subprocess.Popen(self.command(kind, run, end), stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
            if status != 0:
                messages.seek(0)
                raise RuntimeError(f"{kind}: status {status}\n{messages.read()}")
        process.returncode = 0
        return seconds, (usage.ru_utime + usage.ru_stime) * 1e6 / self.rows, usage.ru_maxrss / 1024

    def verify(self, kind, run, end):
        if kind == "recvlogical":
            return
        topic = f"{self.name(kind, run)}.account"
        listed = self.goldpan("log", "list", "-c", self.config(kind, run))
        counts = {line.split()[0]: int(line.split()[1]) for line in listed.splitlines()[1:]}
        if counts.get(topic) != self.rows:
            raise RuntimeError(f"{topic} holds {counts.get(topic)} records, not {self.rows}")
        reached = self.cluster.value(
            "postgres",
            f"SELECT confirmed_flush_lsn >= '{end}'::pg_lsn FROM pg_replication_slots WHERE slot_name = 'goldpan_{self.name(kind, run)}'",
        )
        if not reached:
            raise RuntimeError(f"{kind}: the slot did not reach {end}")

    def run(self):
        for run in range(self.runs + 1):
            for kind in self.kinds:
                self.prepare(kind, run)
        end = self.load()
        figures = {kind: [] for kind in self.kinds}
        for run in range(self.runs + 1):
            for kind in self.kinds:
                figure = self.measure(kind, run, end)
                self.verify(kind, run, end)
                # what a run wrote stays in the page cache, which the next would have to grow beyond
                shutil.rmtree(os.path.join(self.folder, self.name(kind, run), "log"), ignore_errors=True)
                if run > 0:
                    figures[kind].append(figure)
        median = {kind: [statistics.median(column) for column in zip(*rows)] for kind, rows in figures.items()}
        for kind, (seconds, cpu, memory) in median.items():
            every = ", ".join(f"{row[0]:.2f}" for row in figures[kind])
            print(f"{kind:12} {self.rows / seconds:9.0f} rows/s  {cpu:5.2f} us of CPU a row  {memory:5.0f} MB  ({every} s)")
        base = median["recvlogical"][0]
        result = f"RESULT directory={base / median['directory'][0]:.2f}"
        if "kafka" in median:
            result += f" kafka={base / median['kafka'][0]:.2f}"
        peak = max(row[2] for kind in self.kinds[1:] for row in figures[kind])
        print(f"{result} rss_mb={peak:.0f} us_per_row={median['directory'][1]:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=300000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-kafka", action="store_true", help="leave out the broker")
    arguments = parser.parse_args()
    try:
        bench = Bench(arguments.rows, arguments.runs, not arguments.no_kafka)
    except Missing as reason:
        sys.exit(f"skipped: {reason}")
    try:
        bench.run()
    finally:
        bench.close()


if __name__ == "__main__":
    main()
