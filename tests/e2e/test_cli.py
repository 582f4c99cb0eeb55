#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""test_cli — the commands around streaming, on a real server: check, status, mapping, log, config.

Faults are made for real; what is asserted is the text that a person reads, the exit status, and
that the printed cure works.
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402  pylint: disable=wrong-import-position
from harness import contains, equal  # noqa: E402  pylint: disable=wrong-import-position

MAPPING = """
version = "test-1";
ownership = ( { of = "contact"; owner = "crm"; rule = "owner_wins";
                direction = "source_to_canonical"; steward = "sales-ops"; },
              { of = "contact.email"; owner = "billing"; rule = "last_write_wins";
                direction = "source_to_canonical"; steward = "finance-ops"; } );
systems = ( { name = "billing"; steward = "finance-ops"; } );
sources = ( { name = "crm"; tables = (
  { schema = "public"; table = "person"; entity = "contact"; key = [ "id" ];
    fields = (
      { to = "full_name"; from = "name"; },
      { to = "email"; from = "mail"; },
      { to = "lead_score"; from = "score"; } ); } ); } );
"""

TABLES = """
CREATE TABLE person (id int PRIMARY KEY, name text, mail text, score int);
ALTER TABLE person REPLICA IDENTITY FULL;
"""


def setup(case, settings=None, mapping=MAPPING):
    cluster = case.cluster(settings)
    cluster.create("crm", TABLES)
    config = case.config({"crm": cluster.conninfo("crm")}, mapping)
    return cluster, config


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def verdicts(case, config, status=0):
    done = case.run("check", "-c", config, "--format", "json", status=status)
    return {(row["scope"], row["name"]): row for row in lines(done)}


def test_check_names_each_part_and_is_content_with_a_fit_server(case):
    _, config = setup(case)
    case.run("init", "-c", config)
    found = verdicts(case, config)
    for name in ("connection", "server", "wal_level", "slots", "senders", "encoding", "role",
                 "plugin listed", "plugin found", "privileges", "mapping", "blockers", "slot",
                 "retention"):
        row = found[("crm", name)]
        if row["verdict"] not in ("OK", "WARN"):
            raise AssertionError(row)
    equal(found[("crm", "plugin found")]["verdict"], "OK", "plugin found")
    equal(found[("log", "disk")]["verdict"] in ("OK", "WARN"), True, "disk")
    contains(found[("goldpan", "librdkafka")]["what"], ".")


def test_check_finds_what_lacks_and_its_cure_mends_it(case):
    cluster, config = setup(case, {"output_plugin_libraries": "'pgoutput, test_decoding'"})
    cluster.sql("crm", "CREATE ROLE \"Poor\" LOGIN")
    found = verdicts(case, config, status=4)
    equal(found[("log", "folder")]["verdict"], "FAIL", "folder")
    contains(found[("log", "folder")]["cure"], "goldpan init")
    case.run("init", "-c", config)
    equal(found[("crm", "plugin listed")]["verdict"], "FAIL", "plugin listed")
    mend = found[("crm", "plugin listed")]["cure"]
    contains(mend, "pgoutput, test_decoding, goldpan; then ")

    config = case.config({"crm": re.sub(r"user=\S+", "user=Poor", cluster.conninfo("crm"))},
                         MAPPING)
    found = verdicts(case, config, status=4)
    for name, verdict in (("role", "FAIL"), ("privileges", "FAIL"), ("plugin listed", "SKIP"),
                          ("plugin found", "SKIP")):
        equal(found[("crm", name)]["verdict"], verdict, name)
    for name in ("role", "privileges"):
        cluster.sql("crm", found[("crm", name)]["cure"])
    found = verdicts(case, config, status=4)
    equal(found[("crm", "role")]["verdict"], "OK", "role")
    equal(found[("crm", "privileges")]["verdict"], "OK", "privileges")
    equal(found[("crm", "plugin found")]["verdict"], "FAIL", "plugin found")
    contains(found[("crm", "plugin found")]["cure"], "output_plugin_libraries")
    for statement in mend.split("; then "):
        cluster.sql("crm", statement)
    found = verdicts(case, config)
    equal(found[("crm", "plugin found")]["verdict"], "OK", "plugin found")
    # The least privileges are enough for the first copy and for streaming.
    cluster.sql("crm", "INSERT INTO person VALUES (1, 'Ann', 'ann@example.org', 1)")
    case.run("stream", "-c", config, "--until-current")
    equal(len(case.tail(config, "customer.contact")), 1, "records")


def test_check_names_who_blocks_and_wrong_settings(case):
    cluster, config = setup(case, {"wal_level": "replica"})
    case.run("init", "-c", config)
    found = verdicts(case, config, status=4)
    equal(found[("crm", "wal_level")]["verdict"], "FAIL", "wal_level")
    contains(found[("crm", "wal_level")]["cure"], "ALTER SYSTEM SET wal_level = logical")
    equal(found[("crm", "plugin found")]["verdict"], "SKIP", "plugin found")
    cluster.stop()
    done = case.run("check", "-c", config, status=4)
    contains(done.stdout, "FAIL  crm        connection", "-> ")


def test_mapping_check_compares_with_the_catalog(case):
    cluster, config = setup(case)
    done = case.run("mapping", "check", "-c", config)
    contains(done.stdout, "is right and fits the sources", "version test-1")
    cluster.sql("crm", "ALTER TABLE person RENAME mail TO email_address")
    done = case.run("mapping", "check", "-c", config, status=3)
    contains(done.stdout, "mapping.conf:", "\"mail\"")
    case.run("mapping", "check", "-c", config, "--offline")
    done = case.run("mapping", "show", "-c", config, "--format", "csv")
    equal(len(done.stdout.splitlines()[0].split(",")), 8, "columns")
    contains(done.stdout, "crm", "lead_score")
    done = case.run("mapping", "show", "-c", config, "--output", case.path("map.md"))
    equal(done.stdout, "", "standard output")
    with open(case.path("map.md"), encoding="utf-8") as file:
        contains(file.read(), "|", "lead_score")


def test_log_and_status_tell_what_is_there(case):
    cluster, config = setup(case)
    cluster.sql("crm", "INSERT INTO person SELECT i, 'P' || i, 'p' || i || '@example.org', i"
                       " FROM generate_series(1, 30) i")
    status = lines(case.run("status", "-c", config, "--format", "json"))[0]
    equal(status["state"], "missing", "state before the first copy")
    case.run("stream", "-c", config, "--until-current")
    cluster.sql("crm", "UPDATE person SET mail = 'new@example.org' WHERE id = 7")
    cluster.sql("crm", "DELETE FROM person WHERE id = 8")
    status = lines(case.run("status", "-c", config, "--format", "json"))[0]
    equal(status["state"], "idle", "state")
    equal(status["bytes_behind"] > 0, True, "bytes behind")
    equal(status["retained_bytes"] >= 0, True, "retained bytes")
    case.run("stream", "-c", config, "--until-current")

    contains(case.run("log", "list", "-c", config).stdout, "customer.contact", "32")
    topic = "customer.contact"
    cat = ("log", "cat", "-c", config, topic)
    equal(len(lines(case.run(*cat))), 32, "all records")
    equal(len(lines(case.run("log", "tail", "-c", config, topic))), 10, "last records")
    equal(len(lines(case.run("log", "tail", "-c", config, topic, "-n", "3"))), 3, "last three")
    equal(len(lines(case.run(*cat, "--where", "meta.operation = snapshot"))), 30, "snapshot")
    equal(len(lines(case.run(*cat, "--where", "lead_score > 20"))), 10, "more than 20")
    equal(len(lines(case.run(*cat, "--where", "lead_score > 20", "-w", "email ~ ^p2"))), 9, "both")
    equal(len(lines(case.run(*cat, "--key", "crm/7"))), 2, "one key")
    changed = lines(case.run(*cat, "--where", "meta.violations = email"))
    equal([row["id"] for row in changed], ["7"], "violations")
    start = changed[0]["meta"]["commit_time"]
    equal(len(lines(case.run(*cat, "--from", start))), 2, "from a time")
    lsn = changed[0]["meta"]["end_lsn"]
    if isinstance(lsn, int):
        lsn = f"{lsn >> 32:X}/{lsn & 0xffffffff:X}"
    equal(len(lines(case.run(*cat, "--from", lsn))), 2, "from a position")
    enveloped = lines(case.run(*cat, "-e", "-n", "1"))[0]
    equal((enveloped["topic"], enveloped["offset"]), (topic, 0), "place")
    equal(len(lines(case.run("log", "cat", "-d", case.path("log"), topic))), 32, "by folder")
    done = case.run(*cat, "--where", "nonsense", status=2)
    contains(done.stderr, 'could not read condition "nonsense"', "hint")


def test_passwords_are_read_from_safe_files_and_never_printed(case):
    cluster, config = setup(case)
    case.write("secret", "hunter2\n")
    with open(config, encoding="utf-8") as file:
        text = file.read().replace('name = "crm";', 'name = "crm"; password_file = "secret";')
    config = case.write("secret.conf", text)
    os.chmod(case.path("secret"), 0o644)
    done = case.run("config", "show", "-c", config, status=3)
    contains(done.stderr, "group or others have access", "chmod 0600")
    os.chmod(case.path("secret"), 0o600)
    done = case.run("config", "show", "-c", config)
    contains(done.stdout, 'password_file = "********"')
    equal("hunter2" in done.stdout + done.stderr, False, "secret printed")
    inline = case.config({"crm": cluster.conninfo("crm") + " password=hunter2"}, MAPPING)
    os.chmod(inline, 0o644)
    done = case.run("config", "show", "-c", inline, status=3)
    contains(done.stderr, "has a password in its conninfo", "chmod 0600")
    equal("hunter2" in done.stdout + done.stderr, False, "secret printed")
    os.chmod(inline, 0o600)
    done = case.run("config", "show", "-c", inline)
    equal("hunter2" in done.stdout + done.stderr, False, "secret printed")


def test_a_wrong_command_line_ends_with_status_2_and_a_hint(case):
    for arguments, text in (
        (["strem"], 'Did you mean "stream"'),
        (["stream", "--util-current"], 'Did you mean "--until-current"'),
        (["stream", "more"], 'unexpected argument "more"'),
        (["log"], "a command is missing"),
        (["log", "cat", "--limit", "many"], "whole number"),
        (["status", "--format", "xml"], '"table" or "json"'),
        (["mapping", "show", "--output"], "needs a value"),
    ):
        done = case.run(*arguments, status=2)
        contains(done.stderr, text, "hint")
    for arguments in (["--help"], ["stream", "--help"], ["log", "-h"], ["help", "log", "cat"]):
        contains(case.run(*arguments).stdout, "Usage: goldpan")
    contains(case.run("--version").stdout, "goldpan ", "librdkafka", "libpq")
    contains(case.run("status", "--states").stdout, "streaming")


harness.main(__name__)
