# SPDX-License-Identifier: PostgreSQL
"""test_identity_log — goldpan identity on the demo's four sources: what the log says is what is matched.

The demo's databases are streamed into a directory log and matched; then rows are changed, deleted and
added, streamed and matched again into the same state.
"""

import csv
import glob
import os
import sys
from types import SimpleNamespace

import fastavro
import harness
from harness import contains, equal

sys.path.insert(0, os.path.join(harness.ROOT, "contrib", "demo"))
import demo  # noqa: E402 pylint: disable=wrong-import-position

CONFIG = os.path.join(harness.ROOT, "contrib", "identity", "demo.conf")


class World:
    """The demo's sources, its streamer, and a state that is matched from its log."""

    def __init__(self, case):
        self.case, self.state, self.runs = case, case.path("state"), 0
        self.cluster = case.cluster({"wal_level": "logical"})
        self.demo = demo.Demo(SimpleNamespace(
            folder=case.path("demo"), goldpan=harness.GOLDPAN, log="directory", customers=120))
        os.makedirs(self.demo.folder)
        self.demo.prepare(self.cluster, '  kind = "directory";\n  path = "log";\n')
        self.demo.load(self.cluster)
        self.demo.run("init")
        self.demo.stream()
        self.log = case.path("demo", "log")

    def match(self, status=0):
        """(source, record) -> customer, and what the run said."""
        self.runs += 1
        path = self.case.path(f"clusters-{self.runs}.csv")
        done = self.case.run("identity", "match", "-c", CONFIG, "-i", self.log, "-s", self.state, "-o", path, status=status)
        with open(path, encoding="utf-8", newline="") as file:
            return {(row["source"], row["record_id"]): row["cluster_id"] for row in csv.DictReader(file)}, done.stderr

    def living(self):
        """The records that the log says are there, as (source/entity, id)."""
        found = {}
        for entity in ("contact", "account"):
            for record in self.demo.read(entity):
                gone = record["meta"]["operation"] in ("delete", "erase") or record.get("is_deleted") is True
                found[(f"{record['source']}/{entity}", record["id"])] = None if gone else record
        return {key: record for key, record in found.items() if record is not None}

    def sql(self, database, text):
        self.cluster.sql(database, text)

    def append(self, topic, source, change):
        """Adds a segment that holds the source's last record of the topic as `change` makes it."""
        path = sorted(glob.glob(os.path.join(self.log, topic, f"{source}-*.avro")))[-1]
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            schema, records = reader.writer_schema, list(reader)
        number = int(path[-17:-5]) + 1
        with open(f"{path[:-17]}{number:012d}.avro", "wb") as file:
            fastavro.writer(file, schema, [change(records[-1])], codec="null")


def test_four_sources_from_their_log(case):
    world = World(case)
    first, said = world.match()
    equal(set(first), set(world.living()), "the records matched")
    contains(said, f"{len(first)} records are ")
    # A contact of the CRM and the same person in billing and support are one customer.
    shared = {customer for (source, _), customer in first.items() if source == "crm/contact"}
    shared &= {customer for (source, _), customer in first.items() if source == "billing/contact"}
    assert len(shared) > 20, f"{len(shared)} customers of billing are known to the CRM"
    # What is null in the log is no value: no record says anything by the word.
    for number, key in enumerate(list(first)[::40]):
        text = case.run("identity", "explain", "-s", world.state, ":".join(key)).stdout
        assert "=null" not in text, f"record {number}: {text}"
    report = case.path("report.html")
    case.run("identity", "report", "-s", world.state, "-o", report)
    with open(report, encoding="utf-8") as file:
        assert ">null<" not in file.read(), "the report shows nulls as values"

    # Tomorrow: a deletion, an update, a new row.
    world.sql("product", "WITH gone AS (SELECT user_id FROM app_user ORDER BY user_id LIMIT 1), "
              "a AS (DELETE FROM usage_daily WHERE user_id IN (TABLE gone)), b AS (DELETE FROM consent WHERE user_id IN (TABLE gone)) "
              "DELETE FROM app_user WHERE user_id IN (TABLE gone)")
    world.sql("billing", "UPDATE customer SET street = 'Neue Straße 1' WHERE customer_no = (SELECT min(customer_no) FROM customer WHERE country = 'DE')")
    world.sql("crm", """INSERT INTO "Contact" SELECT '003900000000000009', "AccountId", "Salutation", "FirstName", "LastName",
        "Email", "Phone", "MobilePhone", "Title", "Birthdate__c", "Status__c", "LeadSource", "HasOptedOutOfEmail", now(), now(),
        false, "Notes__c" FROM "Contact" WHERE "Email" IS NOT NULL AND NOT "IsDeleted" ORDER BY "Id" LIMIT 1""")
    world.demo.stream()
    second, said = world.match()
    equal(set(second), set(world.living()), "the records matched on the second day")
    contains(said, " 1 records added, 1 changed,", " 1 removed")
    equal({key: second[key] for key in second if key in first}, {key: first[key] for key in first if key in second}, "ids")
    assert ("crm/contact", "003900000000000009") in second


def test_an_erasure_in_the_log_is_forgotten(case):
    """A record that had a value of its own is erased: nothing in the state knows the value or the record."""
    world = World(case)
    names = ("id", "email", "given_name", "family_name", "full_name")
    canary = dict(zip(names, ("canary-4711", "zanzibar@quux.example", "Zanzibar", "Quuxly", "Zanzibar Quuxly")))

    def record(operation, values):
        return lambda last: {**last, **values, "meta": {**last["meta"], "operation": operation, "unchanged": []}}

    def known():
        held = {}
        for path in glob.glob(os.path.join(world.state, "*")):
            with open(path, "rb") as file:
                held[os.path.basename(path)] = file.read().lower()
        return sorted({name for name, text in held.items() for value in canary.values() if value.lower().encode() in text})

    world.append("customer.contact", "support", record("create", canary))
    first, _ = world.match()
    key = ("support/contact", canary["id"])
    assert key in first and known(), "the canary was not read"
    world.append("customer.contact", "support", record("erase", {**dict.fromkeys(names), "id": canary["id"]}))
    second, _ = world.match()
    equal(set(first) - set(second), {key}, "what the erasure took")
    # The events are history for consumers: they name the record, by its id alone, and say that it is erased.
    equal(known(), ["events.csv"], "files that still know the erased record")
    with open(os.path.join(world.state, "events.csv"), encoding="utf-8") as file:
        said = file.read().lower()
    equal([name for name in names if canary[name].lower() in said], ["id"], "what the events say of it")
    assert any(",erased," in line and f",support/contact,{canary['id']}," in line for line in said.splitlines()), said[-400:]


harness.main(__name__)
