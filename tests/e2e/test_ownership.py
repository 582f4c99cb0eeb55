# SPDX-License-Identifier: PostgreSQL
"""test_ownership — every record says who owns each of its fields, and who wrote what is not theirs.

Two systems share the contact: crm owns it but for the address, which billing owns. What may be known
depends on what the server sends: with a full old row changed and violations are lists,
otherwise both are null, never empty.
"""

import json
import os
import signal

import faults
import harness
from harness import equal, wait_until

TABLE = "CREATE TABLE person (id int PRIMARY KEY, name text, city text, title text)"

MAPPING = """version = "1";
ownership = (
  { of = "contact"; owner = "crm"; rule = "owner_wins"; direction = "source_to_canonical"; steward = "sales"; },
  { of = "contact.mailing_city"; owner = "billing"; rule = "last_write_wins"; direction = "bidirectional"; steward = "finance"; } );
sources = ( TABLES );
"""

SOURCE = """{ name = "%s"; tables = ( { schema = "public"; table = "person"; entity = "contact"; key = [ "id" ];
  fields = ( { to = "full_name"; from = "name"; }, { to = "mailing_city"; from = "city"; }, { to = "job_title"; from = "title"; } ); } ); }"""


class Two:
    """Both systems on one server, copied and ready."""

    def __init__(self, case, identity):
        self.case, self.cluster = case, faults.server()
        case.cleanups.append(lambda: [faults.drop_slots(self.cluster), self.drop()])
        for name in ("crm", "billing"):
            self.cluster.create(name, TABLE + f"; ALTER TABLE person REPLICA IDENTITY {identity}")
            self.cluster.sql(name, "INSERT INTO person VALUES (1, 'Ada', 'London', 'Countess'), (2, 'Max', 'Bonn', 'Dr')")
        self.mapping = MAPPING.replace("TABLES", ", ".join(SOURCE % name for name in ("crm", "billing")))
        self.config = case.config(
            {name: self.cluster.conninfo(name) for name in ("crm", "billing")}, self.mapping, extra=faults.SEGMENTS
        )
        self.stream()

    def drop(self):
        for name in ("crm", "billing"):
            self.cluster.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def stream(self):
        self.case.run("stream", "-c", self.config, "--until-current")

    def records(self, source):
        done = self.case.run("log", "cat", "-c", self.config, "customer.contact")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return [r for r in records if r["source"] == source]

    def after(self, source, sql):
        """What the statements add to the log: (operation, id, changed, violations) each."""
        before = len(self.records(source))
        self.cluster.sql(source, sql)
        self.stream()
        return [
            (r["meta"]["operation"], r["id"], r["meta"]["changed"], r["meta"]["violations"])
            for r in self.records(source)[before:]
        ]


def entity_fields():
    path = os.path.join(harness.ROOT, "include", "goldpan", "canonical", "contact.avsc")
    with open(path, encoding="utf-8") as file:
        names = [field["name"] for field in json.load(file)["fields"]]
    return names[names.index("id") + 1 : names.index("meta")]


def check_tags(record, source):
    tags = record["meta"]["ownership"]
    equal([tag["field"] for tag in tags], entity_fields(), "fields with a tag")
    for tag in tags:
        address = tag["field"] == "mailing_city"
        owner = "billing" if address else "crm"
        rule = "last_write_wins" if address else "owner_wins"
        equal((tag["owner"], tag["rule"], tag["is_owner"]), (owner, rule, owner == source), f"tag of {tag['field']} from {source}")


def test_every_record_carries_the_tag_of_every_field(case):
    two = Two(case, "FULL")
    for source in ("crm", "billing"):
        two.after(source, "INSERT INTO person VALUES (3, 'c', 'd', 'e'); UPDATE person SET city = 'Ulm' WHERE id = 2; DELETE FROM person WHERE id = 1")
        records = two.records(source)
        equal([r["meta"]["operation"] for r in records], ["snapshot", "snapshot", "create", "update", "delete"], "operations")
        for record in records:
            check_tags(record, source)
    # and a foreign reader finds the same in the files, without any other file
    wait_until("complete files", lambda: two.stream() or len(case.records("customer.contact")) == 10, interval=0.5)
    for record in case.records("customer.contact"):
        check_tags(record, record["source"])


def test_copies_and_inserts_never_violate(case):
    two = Two(case, "FULL")
    for source in ("crm", "billing"):
        for record in two.records(source):
            equal((record["meta"]["changed"], record["meta"]["violations"]), (None, None), "of a snapshot row")
        equal(two.after(source, "INSERT INTO person VALUES (3, 'foreign', 'and own', 'x')"), [("create", "3", None, None)], source)


def test_updates_with_a_full_old_row(case):
    two = Two(case, "FULL")
    equal(
        two.after("crm", "UPDATE person SET name = 'Ada L.' WHERE id = 1; UPDATE person SET city = 'Paris' WHERE id = 1;"
                         "UPDATE person SET city = 'Rome', title = 'Mx' WHERE id = 2; UPDATE person SET title = title WHERE id = 2;"
                         "UPDATE person SET city = NULL WHERE id = 1"),
        [
            ("update", "1", ["full_name"], []),
            ("update", "1", ["mailing_city"], ["mailing_city"]),
            ("update", "2", ["job_title", "mailing_city"], ["mailing_city"]),
            ("update", "2", [], []),
            ("update", "1", ["mailing_city"], ["mailing_city"]),
        ],
        "updates by crm, who does not own the city",
    )
    equal(
        two.after("billing", "UPDATE person SET city = 'Paris' WHERE id = 1; UPDATE person SET name = 'x', title = 'y', city = 'z' WHERE id = 2"),
        [
            ("update", "1", ["mailing_city"], []),
            ("update", "2", ["full_name", "job_title", "mailing_city"], ["full_name", "job_title"]),
        ],
        "updates by billing, who owns only the city",
    )


def test_updates_without_the_old_row_say_that_nothing_is_known(case):
    two = Two(case, "DEFAULT")
    for source in ("crm", "billing"):
        equal(
            two.after(source, "UPDATE person SET city = 'Paris', name = 'x' WHERE id = 1; UPDATE person SET id = 9 WHERE id = 2; DELETE FROM person WHERE id = 1"),
            [("update", "1", None, None), ("delete", "2", None, None), ("create", "9", None, None), ("delete", "1", None, None)],
            source,
        )


def test_new_owners_come_with_the_mapping(case):
    two = Two(case, "FULL")
    run = case.start("stream", "-c", two.config)
    wait_until("streaming", lambda: run.stderr.count("streaming from") == 2)
    case.write("mapping.conf", two.mapping.replace('owner = "billing"', 'owner = "crm"').replace('version = "1"', 'version = "2"'))
    run.signal(signal.SIGHUP)
    wait_until("the new mapping", lambda: run.stderr.count("mapping version 2 is in use") == 2)
    two.cluster.sql("crm", "UPDATE person SET city = 'Paris' WHERE id = 1")
    two.cluster.sql("billing", "UPDATE person SET city = 'Paris' WHERE id = 1")
    wait_until("the records", lambda: len(two.records("crm")) == 3 and len(two.records("billing")) == 3)
    equal(two.records("crm")[-1]["meta"]["violations"], [], "violations of crm, now the owner")
    equal(two.records("billing")[-1]["meta"]["violations"], ["mailing_city"], "violations of billing")
    equal(run.stop(), 0, "status")


harness.main(__name__)
