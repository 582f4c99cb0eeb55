# SPDX-License-Identifier: PostgreSQL
"""faults — what the fault tests share: one server for all tests of a file, and a source on it.

A Source is a database with the table person, a test_decoding slot that hears everything from the
first moment, and a configuration of its own. `prove()` is the end of each test: the log then
holds the first copy and each change after it exactly once, in order.
"""

import json
import re

import harness
import load
import oracle
from harness import contains, equal

SEGMENTS = 'directory: { segment_age = "1 s"; };\n'
_servers = {}


def server(settings=None, hba=None):
    """The server that the tests of this process share; ended with the process."""
    if "shared" not in _servers:
        _servers["shared"] = harness.Cluster(settings, hba)
    return _servers["shared"]


def drop_slots(cluster):
    """No slot outlives its test: some settings cannot be changed beside one."""
    cluster.sql("postgres", "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
    harness.wait_until(
        "slots without readers",
        lambda: not cluster.value("postgres", "SELECT count(*) FROM pg_replication_slots WHERE active"),
    )
    cluster.sql("postgres", "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def mapping(source, fields=None, more="", **table):
    """A mapping of table person of one source. table: further settings of the table, as text."""
    fields = fields or '{ to = "full_name"; from = "name"; }, { to = "job_title"; from = "note"; }'
    settings = {"deletes": '{ kind = "tombstone"; }', **table}
    text = " ".join(f"{name} = {value};" for name, value in settings.items())
    return f"""version = "1";
ownership = ( {{ of = "contact"; owner = "{source}"; rule = "owner_wins"; direction = "source_to_canonical"; steward = "sales"; }} );
sources = ( {{ name = "{source}"; tables = ( {{
  schema = "public"; table = "person"; entity = "contact"; key = [ "id" ]; {text}
  fields = ( {fields} ); }}{more} ); }} );
"""


class Source:
    """A database and what streams from it. Its name is also the slot's ("goldpan_<name>")."""

    def __init__(self, case, name, rows=3, cluster=None, log=None, extra="", user="postgres", retry='"500 ms"', table=load.TABLE):
        self.case, self.name, self.log = case, name, log
        self.cluster = cluster or server()
        self.slot = f"goldpan_{name}"
        self.extra = f'stream: {{ retry_min = "50 ms"; retry_max = {retry}; }};\n{SEGMENTS}{extra}'
        self.cluster.create(name, table)
        case.cleanups.append(lambda: drop_slots(self.cluster))
        if rows:
            self.sql(f"INSERT INTO person SELECT i, 'name ' || i, 'note' FROM generate_series(1, {rows}) i")
        self.next_id = 1000
        self.copied = None
        self.user = user
        self.configure()

    def configure(self, text=None, conninfo=None, extra=""):
        self.mapping = text or mapping(self.name)
        conninfo = conninfo or self.cluster.conninfo(self.name, user=self.user)
        self.config = self.case.config({self.name: conninfo}, self.mapping, log=self.log, extra=self.extra + extra)
        return self.config

    def remap(self, text):
        self.mapping = text
        self.case.write("mapping.conf", text)

    def sql(self, text):
        return self.cluster.sql(self.name, text)

    def value(self, text):
        return self.cluster.value(self.name, text)

    def insert(self, rows=1):
        first = self.next_id
        self.next_id += rows
        self.sql(f"INSERT INTO person SELECT i, 'name ' || i, 'note' FROM generate_series({first}, {self.next_id - 1}) i")

    def change(self):
        """One of each kind of change, in one transaction."""
        self.insert()
        self.sql(
            f"UPDATE person SET name = 'changed {self.next_id}' WHERE id = {self.next_id - 1};"
            f"INSERT INTO person VALUES ({self.next_id}, 'comes', NULL);"
            f"UPDATE person SET id = {self.next_id + 1} WHERE id = {self.next_id};"
            f"DELETE FROM person WHERE id = {self.next_id + 1}"
        )
        self.next_id += 2

    def stream(self, status=0, **more):
        return self.case.run("stream", "-c", self.config, "--until-current", status=status, **more)

    def copy(self):
        """The first copy; the oracle hears all that follows."""
        self.stream()
        self.mark_copied()

    def mark_copied(self):
        self.copied = sorted((str(key), name) for key, name in self.sql("SELECT id, name FROM person"))
        oracle.create(self.cluster, self.name, slot=f"oracle_{self.name}")

    def running(self):
        """A stream that runs until it is stopped."""
        run = self.case.start("stream", "-c", self.config)
        harness.wait_until("streaming", lambda: "streaming from" in run.stderr)
        return run

    def fails(self, status, *texts):
        """A run that ends with the status; it says what it was doing, to what, why, and the cure."""
        done = self.stream(status=status)
        contains(done.stderr, "could not ", f'"{self.name}"', "hint", *texts)
        return done

    def records(self):
        done = self.case.run("log", "cat", "-c", self.config, "customer.contact")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def prove(self):
        """The log equals the source: the copy's rows, then each change once and in order."""
        records = self.records()
        snapshot = sorted((r["id"], r["full_name"]) for r in records if r["meta"]["operation"] == "snapshot")
        equal(snapshot, self.copied, "records of the first copy")
        return oracle.compare(records, oracle.expected(self.cluster, self.name, slot=f"oracle_{self.name}"))

    def prove_copied(self):
        """For a first copy after a cure: the log is the table."""
        records = self.records()
        got = sorted((r["id"], r["full_name"]) for r in records)
        equal(got, sorted((str(key), name) for key, name in self.sql("SELECT id, name FROM person")), "log and table")


def cure(text, pattern):
    """The SQL that a message advises."""
    match = re.search(pattern, text)
    if not match:
        raise AssertionError(f"no cure like {pattern!r} in:\n{text}")
    return match.group(0)
