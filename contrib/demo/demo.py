#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""demo — four source databases stream into one log, then a scripted day happens.

Starts a PostgreSQL server of its own (and, with --log kafka, a broker and a registry), loads
generated customers, streams them, applies the day and shows what came out. Every figure is read
back from the log with `goldpan log` and compared with the databases: a record too few or too
many ends the demo with status 1. Nothing is left running.
"""

import argparse
import collections
import contextlib
import csv
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "python"))

from brokers import Brokers, Missing  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402 pylint: disable=wrong-import-position
from day import STEPS  # noqa: E402 pylint: disable=wrong-import-position

SOURCES = ("crm", "billing", "support", "product")
IDENTITY = os.path.join("contrib", "identity", "demo.conf")
ENTITIES = ("account", "contact", "opportunity", "invoice", "subscription", "ticket", "product", "usage", "consent")

README = """What lies here (all of it goes with `make clean`):

log/            the record log{where}
goldpan.conf    the configuration: sources, log
mapping.conf    what becomes what, and who owns it; print it with
                  {goldpan} mapping show -c {folder}/goldpan.conf --format md
data/           the generated rows of the four databases, as SQL
stream-*.txt    what the streamer said while it copied (1) and streamed (2)
server.log      what the PostgreSQL server said
"""


def bold(text):
    return f"\033[1m{text}\033[0m" if sys.stdout.isatty() else text


def heading(text):
    print(f"\n{bold(text)}")


def table(rows, header):
    """Prints rows under a header, numbers to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows + [list(header)]) for i in range(len(header))]
    for row in [list(header)] + rows:
        cells = [c.rjust(w) if c.lstrip("-").isdigit() else c.ljust(w) for c, w in zip(row, widths)]
        print("  " + "  ".join(cells).rstrip())


class Failure(Exception):
    """What the demo promised is not what the log holds."""


class Demo:
    def __init__(self, arguments):
        self.folder = arguments.folder
        self.goldpan = arguments.goldpan
        self.kafka = arguments.log == "kafka"
        self.customers = arguments.customers
        self.config = os.path.join(self.folder, "goldpan.conf")
        self.runs = 0

    # ---- set-up ----

    def prepare(self, postgres, log_group, more=""):
        shutil.copy(os.path.join(HERE, "mapping.conf"), self.folder)
        sources = ",\n".join(
            f'  {{ name = "{name}"; conninfo = "{postgres.conninfo(name)}"; region = "eu"; }}' for name in SOURCES
        )
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(
                f'deployment = "demo";\nmapping = "mapping.conf";\ntopic_prefix = "customer";\n\n'
                f"// the log: three lines make it Apache Kafka\nlog:\n{{\n{log_group}}};\n{more}\nsources =\n(\n{sources}\n);\n"
            )
        with open(os.path.join(self.folder, "README"), "w", encoding="utf-8") as file:
            where = ": a folder per topic, Avro container files" if not self.kafka else " is in Kafka and went with it"
            file.write(README.format(where=where, goldpan=self.goldpan, folder=self.folder))

    def load(self, postgres):
        data = os.path.join(self.folder, "data")
        subprocess.run(
            [sys.executable, os.path.join(HERE, "generate.py"), data, "--customers", str(self.customers)], check=True
        )
        for name in SOURCES:
            postgres.create(name)
            for folder in (HERE, data):
                with open(os.path.join(folder, f"{name}.sql"), encoding="utf-8") as file:
                    postgres.sql(name, file.read())

    # ---- goldpan ----

    def run(self, *arguments, quiet=False):
        command = [self.goldpan, *arguments, "-c", self.config]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0 and not quiet:
            raise Failure(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def stream(self):
        """Streams all commits so far; returns the seconds it took."""
        self.runs += 1
        said = os.path.join(self.folder, f"stream-{self.runs}.txt")
        started = time.monotonic()
        with open(said, "w", encoding="utf-8") as file:
            done = subprocess.run(
                [self.goldpan, "stream", "-c", self.config, "--until-current"],
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False,
            )
        if done.returncode != 0:
            with open(said, encoding="utf-8") as file:
                raise Failure(f"goldpan stream ended with status {done.returncode}:\n{file.read()}")
        return time.monotonic() - started

    def read(self, topic):
        """All records of a topic in log order, open segments included."""
        return [json.loads(line) for line in self.run("log", "tail", f"customer.{topic}", "--lines", "1000000").splitlines()]

    def read_all(self):
        return {name: self.read(name) for name in ENTITIES + ("dead_letter", "snapshot")}

    def mapped(self):
        """What the mapping promises: (source, table, topic) of every mapped table."""
        found = set()
        for row in csv.DictReader(self.run("mapping", "show", "--format", "csv").splitlines()):
            table_name, column, _ = row["source field"].partition(": ")
            if column:
                found.add((row["source system"], table_name.split(".", 1)[1], "customer." + row["target field"].split(".")[0]))
        return sorted(found)


# ---- what came out ----


def by_table(log):
    """Counts (source, table, topic) -> records and dead letters."""
    counts = collections.Counter()
    dead = collections.Counter()
    for entity in ENTITIES:
        for record in log[entity]:
            counts[(record["source"], record["meta"]["table"], f"customer.{entity}")] += 1
    for letter in log["dead_letter"]:
        dead[(letter["source"], letter["table"])] += 1
    return counts, dead


def check_snapshot(log, postgres, mapped):
    """Each row of each mapped table is one record or one dead letter, and each copy says so itself."""
    counts, dead = by_table(log)
    copied = collections.Counter()
    rows = []
    for source, name, topic in mapped:
        in_table = postgres.value(source, f'SELECT count(*) FROM "{name}"')
        records, letters = counts[(source, name, topic)], dead[(source, name)]
        rows.append((topic, source, name, in_table, records, letters))
        copied[source] += records
        if records + letters != in_table:
            raise Failure(
                f"{source}.{name} holds {in_table} rows, but the log has {records} records of it in {topic} "
                f"and {letters} dead letters in customer.dead_letter"
            )
    said = collections.defaultdict(dict)
    for attempt in log["snapshot"]:
        said[attempt["source"]][attempt["state"]] = attempt["records"]
    for source, records in copied.items():
        if said[source] != {"started": 0, "completed": records}:
            raise Failure(
                f"the log has {records} copied records of {source}, but customer.snapshot says of its copy: "
                f"{said[source] or 'nothing'}"
            )
    return rows


def check_kept(before, after):
    """What was in the log is still there: the day only adds."""
    for topic in before:
        lost = collections.Counter(map(repr, before[topic])) - collections.Counter(map(repr, after[topic]))
        if lost:
            raise Failure(f"{lost.total()} of {len(before[topic])} records that were in customer.{topic} are gone")


def check_list(topics, log):
    """The closing list counts what was read."""
    listed = {words[0]: int(words[1]) for words in (line.split() for line in topics.splitlines()[1:])}
    for topic, records in log.items():
        if listed.get(f"customer.{topic}", 0) != len(records):
            raise Failure(
                f"customer.{topic} has {len(records)} records, but `goldpan log list` says "
                f"{listed.get(f'customer.{topic}', 'nothing of it')}"
            )


def sentence(entity, record):
    meta = record["meta"]
    verb = {"create": "created", "update": "changed", "delete": "deleted", "snapshot": "copied"}[meta["operation"]]
    text = f"{record['source']} {verb} {entity} {record['id'].strip()}"
    if meta["changed"]:
        text += ": " + ", ".join(
            f"{field} = {record[field]}" if field not in ("email", "full_name") else field for field in meta["changed"]
        )
    if meta["violations"]:
        owner = {tag["field"]: tag["owner"] for tag in meta["ownership"]}
        foreign = ", ".join(f"{field} (owner: {owner[field]})" for field in meta["violations"])
        text += f"\n      VIOLATION: {record['source']} does not own {foreign}"
    return text


def new_events(before, after):
    """Records that the day added, in the order of their commits."""
    events = []
    for entity in ENTITIES:
        known = {record["meta"]["event_id"] for record in before[entity]}
        for record in after[entity]:
            if record["meta"]["event_id"] not in known:
                events.append((record["meta"]["commit_time"], record["meta"]["event_id"], entity, record))
    return [(entity, record) for _, _, entity, record in sorted(events, key=lambda event: event[:2])]


def new_letters(before, after):
    known = {letter["event_id"] for letter in before["dead_letter"]}
    return [letter for letter in after["dead_letter"] if letter["event_id"] not in known]


def show(demo, postgres):
    heading("1. Copy: what stands in four databases becomes canonical records")
    took = demo.stream()
    before = demo.read_all()
    table(check_snapshot(before, postgres, demo.mapped()), ("topic", "source", "table", "rows", "records", "dead letters"))
    total = sum(len(before[entity]) for entity in ENTITIES)
    print(f"  {total} records, {len(before['dead_letter'])} dead letters in {took:.1f} s; every row is accounted for")

    heading("2. A day in the company")
    for database, text, statement in STEPS:
        postgres.sql(database, statement)
        print(f"  {database:8} {text}")

    heading("3. Stream: each committed change, as one event")
    demo.stream()
    after = demo.read_all()
    check_kept(before, after)
    events = new_events(before, after)
    for entity, record in events:
        print(f"    {sentence(entity, record)}")
    letters = new_letters(before, after)
    expect_day(events, letters)
    violated = next((record for _, record in events if record["meta"]["violations"]), None)

    heading("4. One record in full: the field that billing changed and the CRM owns")
    print(json.dumps(shorten(violated), indent=2, ensure_ascii=False))

    heading("5. A dead letter: what could not be mapped is kept, with the reason")
    letter = letters[0]
    for field in ("event_id", "table", "key", "stage", "field", "column", "reason"):
        print(f"    {field:9} {letter.get(field)}")
    return after


def shorten(record):
    """The record without its null fields, its ownership tags one line each."""
    small = {name: value for name, value in record.items() if value is not None and name != "meta"}
    meta = dict(record["meta"])
    meta["ownership"] = [
        f"{tag['field']}: {tag['owner']} ({tag['rule']}){'' if tag['is_owner'] else ', not ours'}"
        for tag in meta["ownership"] if record.get(tag["field"]) is not None
    ]
    return {**small, "meta": meta}


def expect_day(events, letters):
    """The day has a fixed outcome: whatever differs is a lost, doubled or wrong record."""
    got = collections.Counter((record["source"], entity, record["meta"]["operation"]) for entity, record in events)
    wanted = {
        ("crm", "account", "create"): 1, ("crm", "contact", "create"): 1, ("crm", "opportunity", "update"): 1,
        ("billing", "contact", "update"): 2, ("billing", "subscription", "update"): 1,
        ("support", "ticket", "create"): 1, ("support", "ticket", "update"): 1,
        ("product", "consent", "update"): 1, ("product", "contact", "delete"): 1,
    }
    for key, number in wanted.items():
        if got[key] != number:
            raise Failure(
                f"the day should give {number} × {' '.join(key)}, but customer.{key[1]} holds {got[key]}"
            )
    if len(letters) != 1:
        raise Failure(f"the day should give 1 dead letter, but customer.dead_letter holds {len(letters)}")
    if sum(bool(record["meta"]["violations"]) for _, record in events) != 1:
        raise Failure("the day should give exactly one violation of ownership")


def closing(demo, log):
    heading("Where it is")
    topics = demo.run("log", "list")
    if not demo.kafka:  # there the offsets count, tombstones and marks among them
        check_list(topics, log)
    print("\n".join("  " + line for line in topics.splitlines()))
    print(f"\n  Files: {demo.folder} (see README there); `make clean` removes them.")
    if not demo.kafka:
        print("  Try next:")
        print(f"    {demo.goldpan} log cat -c {demo.config} customer.contact --where 'meta.operation = update'")
        print(f"    {demo.goldpan} log tail -c {demo.config} customer.dead_letter")
        print(f"    {demo.goldpan} mapping show -c {demo.config} --format md")
        print("  Who is who in the four systems, with a page to look at and questions to answer:")
        state = os.path.join(demo.folder, "customers")
        print(f"    {demo.goldpan} identity match -c {IDENTITY} -i {os.path.join(demo.folder, 'log')} -s {state}")
        print(f"    {demo.goldpan} identity report -s {state} -o {os.path.join(demo.folder, 'customers.html')}")
        print(f"    {demo.goldpan} review -s {state}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--log", choices=("directory", "kafka"), default="directory")
    parser.add_argument("--folder", default=os.path.join("build", "demo"))
    parser.add_argument("--goldpan", default=os.path.join("build", "gcc", "goldpan"))
    parser.add_argument("--plugin", default=os.path.join("build", "plugin", "goldpan.so"))
    parser.add_argument("--customers", type=int, default=600)
    arguments = parser.parse_args()
    demo = Demo(arguments)
    shutil.rmtree(demo.folder, ignore_errors=True)
    os.makedirs(demo.folder)
    try:
        with contextlib.ExitStack() as stack:
            print("Starting a PostgreSQL server with four databases: crm, billing, support, product …")
            postgres = Cluster({"fsync": "on"})
            stack.callback(postgres.remove)
            stack.callback(shutil.copy, postgres.log, os.path.join(demo.folder, "server.log"))
            log_group, more = '  kind = "directory";\n  path = "log";\n', ""
            if demo.kafka:
                print("Starting Apache Kafka and a Schema Registry …")
                broker = Brokers()
                stack.callback(broker.remove)
                log_group = f'  kind = "kafka";\n  brokers = "{broker.bootstrap}";\n  registry = "{broker.registry}";\n'
                more = "kafka: { replication = 1; };  // there is one broker\n"
            demo.prepare(postgres, log_group, more)
            demo.load(postgres)
            demo.run("mapping", "check")
            demo.run("init")
            closing(demo, show(demo, postgres))
    except Missing as reason:
        print(f"\ndemo skipped: {reason}", file=sys.stderr)
        return 77
    except Failure as failure:
        print(f"\ndemo failed: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
