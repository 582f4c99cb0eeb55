# SPDX-License-Identifier: PostgreSQL
"""test_kafka_log — the streamer into a real Kafka and a real registry: what others read, and every fault.

Readers are foreign: kcat, and fastavro behind a client with read_committed. A test_decoding slot
says what must be there, each change once and in order.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

import confluent_kafka.admin

import harness
import load
from harness import contains, equal, wait_until
from kafka_faults import KafkaSource


def kcat(source, *arguments):
    done = subprocess.run(
        ["kcat", "-b", source.brokers.bootstrap, "-X", "isolation.level=read_committed", "-q", *arguments],
        capture_output=True, check=True, timeout=60,
    )
    return done.stdout


def streaming_pid(source):
    """The walsender's, or None."""
    rows = source.sql(f"SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{source.slot}'")
    return rows[0][0] if rows else None


class Load:
    """Writers that run while something happens."""

    def __init__(self, source, writers=2, pause=0.05):
        self.writers = [load.Writer(source.cluster, source.name, n, 7, pause=pause) for n in range(1, writers + 1)]
        for writer in self.writers:
            writer.start()

    def stop(self):
        for writer in self.writers:
            writer.stop()


# ---- what a reader gets ----


def test_kcat_reads_keys_headers_and_tombstones(case):
    source = KafkaSource(case, "plain", rows=0)
    source.copy()
    source.sql("INSERT INTO person VALUES (1, 'Ada', 'x')")
    source.sql("UPDATE person SET name = 'Ada L.' WHERE id = 1")
    source.sql("DELETE FROM person WHERE id = 1")
    source.stream()
    source.prove()
    lines = kcat(source, "-C", "-t", source.topic, "-e", "-f", "%S;%K;%h\n").decode().splitlines()
    equal(len(lines), 4, "messages")
    seen = []
    for line in lines:
        size, key, headers = line.split(";", 2)
        fields = dict(pair.split("=", 1) for pair in headers.split(","))
        equal(fields["ce_specversion"], "1.0", "ce_specversion")
        equal(fields["content-type"], "application/vnd.confluent.avro", "content-type")
        equal(fields["ce_source"], "/goldpan/plain/public.person", "ce_source")
        equal(fields["ce_subject"], "1", "ce_subject")
        assert fields["ce_time"].endswith("Z") and int(key) > 5, line
        seen.append((int(size), fields["ce_id"], fields["ce_type"].rsplit(".", 1)[1]))
    equal([what for _, _, what in seen], ["created", "updated", "deleted", "deleted"], "types")
    equal([size < 0 for size, _, _ in seen], [False, False, False, True], "a delete is a record, then a tombstone")
    equal(seen[2][1], seen[3][1], "event id of a delete and of its tombstone")
    equal(len({ce_id for _, ce_id, _ in seen}), 3, "event ids")
    for (key, value, headers), (_, ce_id, _) in zip(source.messages(), seen):
        equal(key, {"source": "plain", "id": "1"}, "key")
        if value is not None:
            equal((value["meta"]["event_id"], headers["ce_id"]), (ce_id, ce_id), "event id in value and header")


def test_goldpan_reads_what_fastavro_reads(case):
    source = KafkaSource(case, "reader")
    source.copy()
    source.change()
    source.stream()
    done = case.run("log", "cat", "-c", source.config, source.topic)
    own = sorted(json.loads(line)["meta"]["event_id"] for line in done.stdout.splitlines())
    equal(own, sorted(r["meta"]["event_id"] for r in source.records()), "event ids")
    contains(case.run("log", "list", "-c", source.config).stdout, source.topic)


def test_message_over_the_limit_is_a_dead_letter_without_payload(case):
    source = KafkaSource(case, "large", rows=1)
    source.copy()
    source.sql("BEGIN; INSERT INTO person VALUES (10, 'before', 'x'); INSERT INTO person VALUES (11, 'huge', repeat('PAYLOAD', 300000)); INSERT INTO person VALUES (12, 'behind', 'x'); COMMIT")
    source.change()
    source.stream()
    letters = [value for _, value, _ in source.messages("large.dead_letter") if value is not None]
    equal([(letter["key"], letter["stage"]) for letter in letters], [("11", "publish")], "dead letters")
    assert "PAYLOADPAYLOAD" not in str(letters), "the payload is in the dead letter"
    got = [r["id"] for r in source.records() if r["meta"]["operation"] == "create"]
    equal(("10" in got, "11" in got, "12" in got), (True, False, True), "the others of its transaction")
    before = len(source.messages())
    source.stream()
    equal((len(source.messages()), len(source.messages("large.dead_letter"))), (before, 1), "messages after another run")


def call(url, body=None):
    request = urllib.request.Request(
        url, data=body and json.dumps(body).encode(), headers={"Content-Type": "application/vnd.schemaregistry.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def schemas(registry):
    """All schemas of a registry by id; ids have gaps."""
    found = {}
    for subject in call(f"{registry}/subjects"):
        latest = call(f"{registry}/subjects/{subject}/versions/latest")
        found[latest["id"]] = latest["schema"]
    return sorted(found.items())


def register(registry, subject, text):
    return call(f"{registry}/subjects/{subject}/versions", {"schema": text})["id"]


# ---- what is missing ----


def test_before_init(case):
    source = KafkaSource(case, "noinit", init=False)
    done = source.stream(status=24)
    contains(done.stderr, "could not look up a schema under subject", "goldpan init")
    case.run("init", "-c", source.config)
    source.copy()
    source.change()
    source.stream()
    source.prove()


def test_topic_missing(case):
    source = KafkaSource(case, "notopic")
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": source.brokers.bootstrap})
    for future in admin.delete_topics([source.topic]).values():
        future.result(20)
    wait_until("the topic to be gone", lambda: source.topic not in admin.list_topics(timeout=10).topics)
    done = source.stream(status=21)
    contains(done.stderr, f'topic "{source.topic}" does not exist', 'Run "goldpan init"')
    case.run("init", "-c", source.config)
    source.copy()
    source.change()
    source.stream()
    source.prove()


def test_registry_down(case):
    source = KafkaSource(case, "noregistry")
    source.copy()
    source.change()
    source.log_at(registry="http://127.0.0.1:1/apis/ccompat/v7")
    done = source.stream(status=23)
    contains(done.stderr, "could not", "registry", "127.0.0.1:1", "hint")
    source.log_at()
    source.stream()
    source.prove()


def test_broker_that_is_not_there(case):
    source = KafkaSource(case, "nobroker")
    source.copy()
    source.change()
    source.log_at(bootstrap="127.0.0.1:1")
    done = source.stream(status=20, timeout=120)
    contains(done.stderr, "could not", "Check that the Kafka brokers run and can be reached from here.")
    source.log_at()
    source.stream()
    source.prove()


def test_key_schema_of_another_registry(case):
    source = KafkaSource(case, "pinned")
    source.copy()
    source.change()
    other = source.brokers.script("registry.sh", "start", "registry-other", "--owner", str(os.getpid()))
    try:
        # a registry that knows every schema by the same id, but the keys' by another
        last = 0
        for number, text in schemas(source.brokers.registry):
            while last < number - 1:
                gap = {"type": "record", "name": f"gap{last}", "fields": []}
                last = register(other, f"gap-{last}", json.dumps(gap))
            is_key = json.loads(text).get("name") == "key"
            last = register(other, f"filler-{number}", '"string"' if is_key else text)
            equal(last, number, "id in the other registry")
        source.log_at(registry=other)
        case.run("init", "-c", source.config)
        done = source.fails(25, "the registry's key schema has id", "equal keys would go to different partitions")
        contains(done.stderr, "Point registry to the one the log was made with")
    finally:
        source.brokers.script("registry.sh", "stop", "registry-other", check=False)
    source.log_at()
    source.stream()
    source.prove()


# ---- brokers that fail under load ----


def test_broker_killed_under_load(case):
    """P11: the outage is three times wal_sender_timeout long, and the server still hears from us."""
    source = KafkaSource(case, "outage", rows=0, retry='"1 s"')
    cluster = source.cluster
    cluster.sql("postgres", "ALTER SYSTEM SET wal_sender_timeout = '2s'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    try:
        source.copy()
        run = source.running()
        writing = Load(source)
        time.sleep(1)
        source.brokers.stop_broker("KILL")
        pids = set()
        until = time.monotonic() + 6.5
        while time.monotonic() < until:
            pids.add(streaming_pid(source))
            time.sleep(0.2)
        source.brokers.start_broker()
        time.sleep(2)
        writing.stop()
        print(f"# walsenders seen while the broker was down: {sorted(map(str, pids))}")
        assert run.running, "the streamer ended with the broker"
        harness.equal(run.stop(), 0, "status")
        source.stream(timeout=120)
        print(f"# {source.prove()} events")
        with open(cluster.log, encoding="utf-8") as file:
            assert "terminating walsender process due to replication timeout" not in file.read(), "the server timed out"
    finally:
        cluster.sql("postgres", "ALTER SYSTEM RESET wal_sender_timeout")
        cluster.sql("postgres", "SELECT pg_reload_conf()")


def test_server_shuts_down_while_the_broker_is_down(case):
    """P14: a DBA's fast shutdown does not wait for Kafka for longer than it was told."""
    source = KafkaSource(case, "impatient", rows=0, retry='"1 s"')
    source.extra = source.extra.replace("stream: {", 'stream: { server_shutdown_timeout = "2 s";')
    source.configure()
    source.copy()
    run = source.running()
    source.brokers.signal_broker(signal.SIGSTOP)
    try:
        source.change()
        time.sleep(1)
        started = time.monotonic()
        source.cluster.stop("fast")
        took = time.monotonic() - started

        assert took < 8, f"the shutdown took {took:.1f} s"
    finally:
        source.brokers.signal_broker(signal.SIGCONT)
    source.cluster.start()
    wait_until("the change", lambda: "r" in run.stderr and streaming_pid(source))
    source.change()
    equal(run.stop(), 0, "status")
    source.stream(timeout=120)
    source.prove()


def test_told_to_stop_while_the_broker_hangs(case):
    source = KafkaSource(case, "hangs", rows=0)
    source.extra = source.extra.replace("stream: {", 'stream: { shutdown_timeout = "2 s";')
    source.configure()
    source.copy()
    run = source.running()
    source.brokers.signal_broker(signal.SIGSTOP)
    try:
        source.change()
        time.sleep(1)
        started = time.monotonic()
        equal(run.stop(), 0, "status")
        assert time.monotonic() - started < 8, "shutdown_timeout was not kept"
    finally:
        source.brokers.signal_broker(signal.SIGCONT)
    source.stream(timeout=120)
    source.prove()


# ---- the servers of these tests ----


def test_java_leaves_nothing_outside_the_tests_folder(case):
    source = KafkaSource(case, "tidy")
    source.copy()
    folder = source.brokers.folder
    for name in ("kafka/1.pid", "registry/registry.pid"):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            maps = f"/proc/{file.read().strip()}/maps"
        with open(maps, encoding="utf-8") as file:
            mapped = {line.split(None, 5)[5].strip() for line in file if len(line.split(None, 5)) == 6}
        equal([path for path in mapped if path.startswith("/tmp/") and not path.startswith(folder)], [], f"files in /tmp of {name}")
    assert os.listdir(os.path.join(folder, "registry", "tmp")), "the registry's cache lies elsewhere"


# ---- zombies ----


@harness.debug_points
def test_zombie_is_fenced(case):
    """A streamer that slept through its successor's start wakes with an open transaction: nothing
    of it is seen, and it ends with the status of one that was taken over."""
    source = KafkaSource(case, "zombie", rows=0)
    source.copy()
    source.insert(20)
    old = case.start(
        "stream", "-c", source.config,
        environment={"GOLDPAN_DEBUG_POINT": "log_kafka.before_commit:1", "GOLDPAN_DEBUG_POINT_ACTION": "stop"},
    )
    wait_until("the old one to fall asleep", old.asleep)
    # the network between it and the source is gone: the server has given its sessions up
    source.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'goldpan' AND datname = 'zombie'")
    new = source.running()
    source.insert(20)
    wait_until("the new one to publish", lambda: len(source.records()) == 40)
    old.signal(signal.SIGCONT)
    equal(old.wait(60), 22, "status of the old one")
    contains(old.stderr, "another writer of this source has taken over", "Only one", "End one of the two")
    source.change()
    equal(new.stop(), 0, "status of the new one")
    source.stream()
    source.prove()


harness.main(__name__)
