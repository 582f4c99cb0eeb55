# SPDX-License-Identifier: PostgreSQL
"""test_identity_erasure — who was erased is gone: from answers, from ids, and for any older log; and
who was not stays, whatever of the log is left.

The logs are written here, so that a test says what came in which segment.
"""

import csv
import json
import os

import fastavro
import harness
from harness import contains, equal

CONFIG = 'deployment = "test";\ninputs = ( { name = "contacts"; topic = "customer.contact"; } );\n'
SHEET = ("answer", "foreign_records", "user", "note", "type", "source_a", "record_id_a", "source_b", "record_id_b",
         "customer_a", "customer_b", "version_a", "version_b")
FIELDS = ("given_name", "family_name", "email", "phone")
SCHEMA = fastavro.parse_schema({
    "type": "record", "name": "contact", "namespace": "goldpan.canonical",
    "fields": [
        {"name": "source", "type": "string"}, {"name": "id", "type": "string"},
        *({"name": name, "type": ["null", "string"]} for name in FIELDS),
        {"name": "meta", "type": {"type": "record", "name": "Meta", "fields": [
            {"name": "operation", "type": "string"}, {"name": "end_lsn", "type": "long"},
            {"name": "ordinal", "type": "long"},
            {"name": "unchanged", "type": {"type": "array", "items": "string"}}]}},
    ],
})


class World:
    """A log, and a state that is matched from it."""

    def __init__(self, case, strangers=30):
        self.case, self.state, self.lsn = case, case.path("state"), 0
        self.config = case.write("test.conf", CONFIG)
        self.write("log", 1, [self.record("create", f"s{i}", "ABCDEFGHIJ"[i % 10] + "lma", f"Str{'aeiou'[i % 5]}ng{i}er",
                                          f"str{i}@example.org") for i in range(strangers)])

    def record(self, operation, identifier, given=None, family=None, email=None, phone=None):
        self.lsn += 100
        return {"source": "crm", "id": identifier, "given_name": given, "family_name": family, "email": email, "phone": phone,
                "meta": {"operation": operation, "end_lsn": self.lsn, "ordinal": 1, "unchanged": []}}

    def write(self, log, number, records):
        os.makedirs(self.case.path(log, "customer.contact"), exist_ok=True)
        with open(self.case.path(log, "customer.contact", f"crm-{number:012d}.avro"), "wb") as file:
            fastavro.writer(file, SCHEMA, records, codec="null")

    def match(self, log="log", *options):
        """record -> customer, and what the run said."""
        path = self.case.path("clusters.csv")
        done = self.case.run("identity", "match", "-c", self.config, "-i", self.case.path(log), "-s", self.state, "-o", path, *options)
        with open(path, encoding="utf-8", newline="") as file:
            return {row["record_id"]: row["cluster_id"] for row in csv.DictReader(file)}, done.stderr

    def split(self, customers, a, foreign):
        self.answered(customers, a, foreign[0], "split", " ".join(f"crm/contact:{name}" for name in foreign))

    def different(self, customers, a, b):
        self.answered(customers, a, b, "different", "")

    def answered(self, customers, a, b, answer, foreign):
        """As a filled-in sheet answers about two records."""
        versions = {}
        with open(os.path.join(self.state, "events.csv"), encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                versions[row["customer_id"]] = row["version"]
        with open(self.case.path("sheet.csv"), "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([SHEET, [
                answer, foreign, "anna", f"{a} is somebody", "join", "crm/contact", a, "crm/contact", b,
                customers[a], customers[b], versions[customers[a]], versions[customers[b]]]])
        done = self.case.run("review", "-s", self.state, "--import", file.name)
        contains(done.stdout + done.stderr, "1 answers taken")

    def judgements(self):
        newest = max((name for name in os.listdir(self.state) if name.startswith("judgements-")), key=lambda name: int(name[11:]))
        with open(os.path.join(self.state, newest), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def events(self, name):
        with open(os.path.join(self.state, "events.csv"), encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["event"] == name]

    def bobs(self, *ids):
        return [self.record("create", i, "Robert", "Quintenberg", "bob.quint@rare.example", "+49309999111") for i in ids]


def test_an_older_log_brings_nobody_back(case):
    world = World(case)
    bobs = world.bobs("b1", "b2")
    world.write("log", 2, bobs)
    world.match()
    world.write("log", 3, [world.record("erase", "b1")])
    erased, _ = world.match()
    assert "b1" not in erased and "b2" in erased
    equal(len(world.events("erased")), 1, "erasures told")

    # the same log again: nothing is left to do
    _, said = world.match()
    contains(said, " 0 records added, 0 changed,", " 0 removed")
    # a copy of the log from before, and a copy of the table made afterwards
    world.write("older", 2, bobs)
    same, said = world.match("older")
    equal(same, erased, "the records after an older log")
    contains(said, "1 records were erased before and stay so")
    world.write("log", 4, [world.record("snapshot", "b1", "Robert", "Quintenberg", "bob.quint@rare.example")])
    equal(world.match()[0], erased, "the records after a copy of the table")
    world.write("copy", 4, [world.record("snapshot", "b1", "Robert", "Quintenberg", "bob.quint@rare.example")])
    equal(world.match("copy")[0], erased, "the records after a copy of the table alone")

    # who comes back by what the source writes is there, and nothing older takes the place
    world.write("log", 5, [world.record("create", "b1", "Zoe", "Other", "zoe@other.example")])
    back, _ = world.match()
    equal(set(back), set(erased) | {"b1"}, "the records")
    assert back["b1"] != back["b2"]
    again, said = world.match("older")
    equal(again, back, "the records after an older log")
    contains(said, " 0 records added, 0 changed,")
    explained = case.run("identity", "explain", "-s", world.state, "crm/contact:b1").stdout
    assert "zoe" in explained and "quint" not in explained, explained
    # the first copy of the table is older too
    world.lsn, now = 50, world.lsn
    world.write("first", 1, [world.record("snapshot", "b1", "Robert", "Quintenberg", "bob.quint@rare.example")])
    world.lsn = now
    equal(world.match("first")[0], back, "the records after the first copy of the table")
    assert "zoe" in case.run("identity", "explain", "-s", world.state, "crm/contact:b1").stdout
    # its segments may go; a copy of the table is of the new one
    world.write("copy", 4, [world.record("snapshot", "b1", "Zoe", "Other", "zoe@newer.example")])
    _, said = world.match("copy")
    contains(said, " 1 changed,")


def test_the_latest_of_several_erasures_counts(case):
    world = World(case)
    world.write("log", 2, world.bobs("b1", "b2"))
    world.match()
    world.write("log", 3, [world.record("erase", "b1")])
    world.match()
    world.write("log", 4, [world.record("create", "b1", "Zoe", "Secret", "zoe@secret.example")])
    second, _ = world.match()
    # a log that ends with the first erasure is an older one: who is there stays, as it is
    for number in (1, 2, 3):
        os.makedirs(case.path("short", "customer.contact"), exist_ok=True)
        os.link(case.path("log", "customer.contact", f"crm-{number:012d}.avro"), case.path("short", "customer.contact", f"crm-{number:012d}.avro"))
    equal(world.match("short")[0], second, "the records after a log that ends with the first erasure")
    world.write("log", 5, [world.record("erase", "b1")])
    third, _ = world.match()
    assert "b1" not in third
    os.link(case.path("log", "customer.contact", "crm-000000000004.avro"), case.path("short", "customer.contact", "crm-000000000004.avro"))
    equal(world.match("short")[0], third, "the records after a log that ends before the second erasure")
    # neither does a deletion make way for a copy of the table
    world.write("log", 6, [world.record("delete", "b1")])
    world.write("log", 7, [world.record("snapshot", "b1", "Zoe", "Secret", "zoe@secret.example")])
    equal(world.match()[0], third, "the records after a deletion and a copy of the table")


def test_a_record_read_before_its_erasure_is_refused(case):
    """In one run, from another input: it would be written into the state behind the erasure."""
    world = World(case)
    world.config = case.write("both.conf", """deployment = "test";
inputs = ( { name = "contacts"; topic = "customer.contact"; },
           { name = "sheet"; source = "crm/contact"; record_id = "id"; columns = ( { column = "mail"; attribute = "email"; } ); } );
""")
    world.write("log", 2, world.bobs("b1"))
    world.write("log", 3, [world.record("erase", "b1")])
    log, rows = f"--input=contacts={case.path('log')}", f"--input=sheet={case.write('sheet.csv', 'id,mail' + chr(10) + 'b1,bob.quint@rare.example' + chr(10))}"
    done = case.run("identity", "match", "-c", world.config, rows, log, "-s", world.state, status=6)
    contains(done.stderr, "that a log read after it says was erased")
    done = case.run("identity", "match", "-c", world.config, log, rows, "-s", world.state)
    contains(done.stderr, "1 records were erased before and stay so")
    # the sheet alone says nothing of what else the log has
    done = case.run("identity", "match", "-c", world.config, rows, "-s", world.state)
    contains(done.stderr, " 0 removed")


def test_erased_and_made_anew_between_two_runs(case):
    """It makes no difference whether a run came between."""
    found = []
    for between in (True, False):
        world = World(case)
        world.state = case.path(f"state-{between}")
        world.write("log", 2, world.bobs("b1", "b2"))
        first, _ = world.match()
        world.different(first, "b1", "s1")
        world.write("log", 3, [world.record("erase", "b1")])
        if between:
            world.match()
        world.write("log", 4, [world.record("create", "b1", "Zoe", "Other", "zoe@other.example")])
        last, _ = world.match()
        equal(len(world.events("erased")), 1, "erasures told")
        equal(world.judgements(), [], "answers about the one who was erased")
        assert last["b1"] not in first.values(), "the new one has the id of the old one"
        found.append(set(last))
        for number in (3, 4):
            os.remove(case.path("log", "customer.contact", f"crm-{number:012d}.avro"))
    equal(found[0], found[1], "the records")


def test_answers_hold_without_a_record_that_was_listed(case):
    world = World(case)
    world.write("log", 2, world.bobs("b1", "b2", "b3", "b4"))
    world.different(world.match()[0], "b1", "b2")
    apart, _ = world.match()
    assert apart["b1"] != apart["b2"]
    seen = [name for side in ("seen_a", "seen_b") for _, name in world.judgements()[0][side] if name in ("b3", "b4")]
    assert seen, "the answer lists nobody else"
    world.write("log", 3, [world.record("erase", seen[0])])
    world.match()
    (held,) = world.judgements()
    assert seen[0] not in json.dumps(held), held
    # made anew from the answers alone, as after an upgrade
    os.remove(next(os.path.join(world.state, name) for name in os.listdir(world.state) if name.startswith("snapshot-")))
    rebuilt, _ = world.match("log", "--switch-model", "-m", case.path("model.json"))
    assert rebuilt["b1"] != rebuilt["b2"], "the answer is lost"
    # who is named by it takes it along
    world.write("log", 4, [world.record("erase", "b2")])
    world.match()
    equal(world.judgements(), [], "answers")


def test_engine_and_file_keep_the_same_answers_of_one_run(case):
    """The engine takes one change after the other, the file is written once."""
    for changes in ((("delete", "b1"), ("erase", "b2")), (("erase", "b2"), ("delete", "b1")), (("erase", "b1"), ("create", "b1")),
                    (("erase", "b1"), ("erase", "b2"), ("create", "b1")), (("erase", "b3"), ("delete", "b4"))):
        world = World(case)
        world.state = case.path("state-" + "-".join(name + operation[0] for operation, name in changes))
        world.write("log", 2, world.bobs("b1", "b2", "b3", "b4"))
        customers, _ = world.match()
        world.split(customers, "b1", ("b3", "b4"))
        world.write("log", 3, [world.record(operation, name, *(("Robert", "Quintenberg", "bob.quint@rare.example") if operation == "create" else ()))
                               for operation, name in changes])
        last, _ = world.match()
        equal(len(world.events("undone")), 1 - len(world.judgements()), f"answers undone after {changes}")
        os.remove(next(os.path.join(world.state, name) for name in os.listdir(world.state) if name.startswith("snapshot-")))
        equal(world.match("log", "--switch-model", "-m", case.path(os.path.basename(world.state) + ".json"))[0], last, f"the customers after {changes}")
        os.remove(case.path("log", "customer.contact", "crm-000000000003.avro"))


def test_engine_and_file_keep_the_same_answers(case):
    """A split goes with those it is named by, in the engine and in the file."""
    world = World(case)
    world.write("log", 2, world.bobs("b1", "b2", "b3", "b4"))
    customers, _ = world.match()
    world.split(customers, "b1", ("b3", "b4"))
    for number, (operation, name) in enumerate((("delete", "b1"), ("erase", "b3"), ("erase", "b2")), 3):
        world.write("log", number, [world.record(operation, name)])
        world.match()
        held = len(world.judgements())
        equal(len([row for row in world.events("undone")]), 1 - held, f"answers undone after {operation} of {name}")
    equal(held, 0, "answers")


def test_a_log_may_begin_with_who_was_erased(case):
    world = World(case, strangers=0)
    world.write("log", 1, world.bobs("b1"))
    world.write("log", 2, [world.record("erase", "b1")] + world.bobs("b2"))
    for _ in range(3):
        equal(set(world.match()[0]), {"b2"}, "the records")
    done = case.run("identity", "match", "-c", world.config, "-i", case.path("log"), "-o", case.path("alone.csv"))
    contains(done.stderr, "1 records are 1 customers")


def test_a_damaged_list_is_refused(case):
    world = World(case)
    world.write("log", 2, world.bobs("b1"))
    world.match()
    world.write("log", 3, [world.record("erase", "b1")])
    world.match()
    (path,) = [os.path.join(world.state, name) for name in os.listdir(world.state) if name.startswith("erased-")]
    with open(path, "r+b") as file:
        text = file.read()
        file.seek(0)
        file.write(text.replace(b"0", b"1", 1))
    done = case.run("identity", "match", "-c", world.config, "-i", case.path("log"), "-s", world.state, status=6)
    contains(done.stderr, "is damaged")
    with open(path, "wb") as file:
        file.write(text[:-1])
    done = case.run("identity", "match", "-c", world.config, "-i", case.path("log"), "-s", world.state, status=6)
    contains(done.stderr, "erased-2")


def test_removed_by_one_input_and_given_again_by_the_next(case):
    """An archived log ends with a delete and an erasure, the log that follows it makes both anew as they were."""
    world = World(case)
    bobs = world.bobs("b1", "b2", "b3")
    world.write("log", 2, bobs)
    first, _ = world.match()
    world.write("old", 1, [*bobs, world.record("delete", "b1"), world.record("erase", "b2")])
    world.write("new", 1, [world.record("create", name, *(bobs[0][field] for field in FIELDS)) for name in ("b1", "b2")])
    again, said = world.match("old", "-i", case.path("new"))
    equal(set(again), set(first), "records after they were made anew")
    contains(said, "2 records added", "2 removed")
    equal([row["record_id"] for row in world.events("erased")], ["b2"], "erased")
    equal(set(world.match("new")[0]), set(first), "records of the day after")


def test_values_that_the_log_lost_are_those_of_the_state(case):
    """Old segments are gone; an update says of some fields only that they did not change."""
    world = World(case)
    world.write("log", 2, world.bobs("b1", "b2"))
    first, _ = world.match()
    equal(first["b1"], first["b2"], "one customer")
    update = world.record("update", "b2", "Robert", "Quintenburg")
    update["meta"]["unchanged"] = ["email", "phone"]
    stranger = world.record("update", "b9", "Zoe", "Zimmer")
    stranger["meta"]["unchanged"] = ["email"]
    world.write("log", 3, [update, stranger])
    for number in (1, 2):
        os.remove(case.path("log", "customer.contact", f"crm-{number:012d}.avro"))
    after, said = world.match()
    equal(after["b1"], after["b2"], "one customer still")
    contains(said, "1 records lack values that did not change and are not in the log any more")
    explained = case.run("identity", "explain", "-s", world.state, "b2", "b1").stdout
    equal(explained.count("email=bob.quint@rare.example"), 2, "who has the mailbox")
    assert "family_name=quintenburg" in explained, explained
    contains(world.match()[1], " 0 changed")


harness.main(__name__)
