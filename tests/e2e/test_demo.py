# SPDX-License-Identifier: PostgreSQL
"""test_demo — the demo runs on both logs, leaves nothing running, and fails when the log lacks a file."""

import glob
import os
import re
import socket
import subprocess
import sys

import avro.datafile
import avro.io

import harness
from harness import contains, equal

DEMO = os.path.join(harness.ROOT, "contrib", "demo", "demo.py")
PLUGIN = os.path.join(harness.ROOT, "build", "plugin", "goldpan.so")
PARTS = ("1. ", "2. ", "3. ", "4. ", "5. ", "Where it is", "customer.contact", "violations", "dead letter")


def demo(case, *arguments, status=0, goldpan=harness.GOLDPAN):
    folder = case.path("demo")
    done = subprocess.run(
        [sys.executable, DEMO, "--folder", folder, "--goldpan", goldpan, "--plugin", PLUGIN, "--customers", "200", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300, cwd=harness.ROOT,
    )
    if done.returncode == 77:
        raise harness.Skip(done.stderr.strip())
    if done.returncode != status:
        raise AssertionError(f"status {done.returncode}, expected {status}\n{done.stdout}{done.stderr}")
    return done


def nothing_left(case):
    """Neither the server that its configuration names nor a process that knows of it."""
    with open(case.path("demo", "goldpan.conf"), encoding="utf-8") as file:
        config = file.read()
    server = re.search(r"host=(\S+)", config).group(1)
    assert not os.path.exists(server), f"{server} is still there"
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                assert server.encode() not in file.read(), f"{path} still runs"
        except OSError:
            continue  # it has ended
    return config


def apache_avro(path):
    """The records of a file as Apache's own implementation reads them."""
    with open(path, "rb") as file, avro.datafile.DataFileReader(file, avro.io.DatumReader()) as reader:
        return list(reader)


def test_demo_into_a_directory_log(case):
    done = demo(case)
    contains(done.stdout, *PARTS)
    nothing_left(case)
    topics = sorted(os.path.basename(path) for path in glob.glob(case.path("demo", "log", "customer.*")))
    assert "customer.contact" in topics and len(topics) > 8, topics
    assert os.path.exists(case.path("demo", "README")), "the README of its files"
    files = glob.glob(case.path("demo", "log", "customer.*", "*.avro"))
    for path in files:
        equal(apache_avro(path), harness.read_file(path), f"records of {path} by Apache Avro and by fastavro")
    equal({os.path.basename(os.path.dirname(path)) for path in files}, set(topics), "topics with files")
    # the commands that it advises work on what it left
    for command in re.findall(r"^    (\S*goldpan.*)$", done.stdout, re.M):
        subprocess.run(command, shell=True, check=True, stdin=subprocess.DEVNULL, capture_output=True, cwd=harness.ROOT, timeout=60)
    assert re.findall(r"^    (\S*goldpan.*)$", done.stdout, re.M), "it advises nothing"


def liar(case, topic, after=1, verb="*"):
    """A goldpan whose `log` VERB does not see the first file of a topic, once the streamer has run AFTER times."""
    path = case.path("demo")
    program = case.write(
        "goldpan",
        "#!/bin/sh\n"
        f'case "$1 $2" in "log "{verb}) [ -f {path}/stream-{after}.txt ] || exec {harness.GOLDPAN} "$@"\n'
        f"    file=$(find {path}/log/customer.{topic} -type f | sort | head -1)\n"
        f'    mv "$file" {path}/hidden; {harness.GOLDPAN} "$@"; status=$?; mv {path}/hidden "$file"; exit $status;;\n'
        f'esac\nexec {harness.GOLDPAN} "$@"\n',
    )
    os.chmod(program, 0o755)
    return program


# A whole table's records, dead letters, what a copy says of itself; gone later; gone from the closing list.
HIDDEN = (
    ({"topic": "contact"}, ("billing.customer holds", "0 records of it in customer.contact")),
    ({"topic": "dead_letter"}, ("billing.customer holds", "0 dead letters in customer.dead_letter")),
    ({"topic": "snapshot"}, ("copied records of billing", "customer.snapshot says of its copy: {'completed':")),
    ({"topic": "contact", "after": 2}, ("132 of 466 records that were in customer.contact are gone",)),
    ({"topic": "usage", "after": 2, "verb": "list"}, ("customer.usage has", "`goldpan log list` says")),
)


def test_demo_fails_without_one_of_its_segments(case):
    """Its figures are read back: a program that hides one file of the log is found out, and the text names it."""
    for hidden, texts in HIDDEN:
        done = demo(case, status=1, goldpan=liar(case, **hidden))
        contains(done.stderr, "demo failed:", *texts)
        nothing_left(case)


def test_demo_into_kafka(case):
    done = demo(case, "--log", "kafka")
    contains(done.stdout, *PARTS)
    config = nothing_left(case)
    host, port = re.search(r'brokers = "([^:"]+):(\d+)', config).groups()
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0, "the broker still answers"


harness.main(__name__)
