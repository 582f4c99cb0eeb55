# SPDX-License-Identifier: PostgreSQL
"""test_chaos — kill -9 of the streamer under load: nothing lost, nothing twice, order kept, no part seen.

Each kill hits a debug point (snapshot, open transaction, after produce, after commit, after
acknowledgement) or a random instant. KILLS=100 is the long form. The oracle is a test_decoding slot.
Needs a build with debug points: VARIANT=asan, or debug.
"""

import os
import random
import threading
import time

import harness
import load
import oracle

KILLS = int(os.environ.get("KILLS", "10"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
POINTS = {
    "directory": [
        "stream_event.row:{n}", "stream_event.row:{m}", "log_directory.after_block:{n}", "log_directory.after_fsync:{n}",
        "log_directory.after_commit:{n}", "log_directory.before_rename:1", "log_directory.after_rename:1",
        "stream_loop.settled:{n}", "stream_loop.acknowledged:{n}",
    ],
    "kafka": [
        "stream_event.row:{n}", "stream_event.row:{m}", "log_kafka.after_begin:{n}", "log_kafka.after_produce:{n}",
        "log_kafka.before_commit:{n}", "log_kafka.after_commit:{n}", "stream_loop.settled:{n}", "stream_loop.acknowledged:{n}",
    ],
}
# What the kills of a storm must have hit, besides the copy.
WANTED = {
    "directory": {"stream_event.row", "log_directory.after_block", "log_directory.after_commit", "stream_loop.acknowledged"},
    "kafka": {"stream_event.row", "log_kafka.after_produce", "log_kafka.after_commit", "stream_loop.acknowledged"},
}
SNAPSHOT_POINTS = ["stream_snapshot.open", "stream_snapshot.half", "stream_snapshot.slot"]


class FolderReader(threading.Thread):
    """Reads the topic folder over and over as a foreign tool would; each look must see whole transactions."""

    def __init__(self, case, topic):
        super().__init__(daemon=True)
        self.case, self.topic = case, topic
        self.enough = threading.Event()
        self.looks, self.problem = 0, None

    def run(self):
        while not self.enough.wait(0.2):
            try:
                load.check_whole(self.case.records(self.topic))
                self.looks += 1
            except Exception as problem:  # pylint: disable=broad-except
                self.problem = problem
                return

    def stop(self):
        self.enough.set()
        self.join()
        if self.problem:
            raise self.problem


def plan_kills(points, pick):
    """Every point in each round, in another order, and a random instant or two."""
    plan = []
    while len(plan) < KILLS:
        plan += pick.sample(points + ["random"], len(points) + 1)
    return plan[:KILLS]


def kill_once(case, config, point, pick):
    """Starts goldpan and has it killed; returns what hit it."""
    if point == "random":
        run = case.start("stream", "-c", config)
        time.sleep(pick.uniform(0.05, 2.5))
        run.kill()
        return point
    point = point.format(n=pick.randrange(1, 8), m=pick.randrange(100, 3000))
    run = case.start("stream", "-c", config, environment={"GOLDPAN_DEBUG_POINT": point})
    try:
        harness.equal(run.wait(20), -9, f"status of a run with debug point {point}")
    except AssertionError:
        if run.running:  # the point was not reached in time
            run.kill()
            return "random"
        raise
    return point.split(":")[0]


def snapshot_storm(case, config, cluster, hits):
    """Kills the first copy at three points; rows go away between the attempts."""
    cluster.sql("crm", "INSERT INTO person SELECT -i, 't0.' || i || '/1', repeat('x', 50) FROM generate_series(1, 2000) i")
    for number, point in enumerate(SNAPSHOT_POINTS):
        run = case.start("stream", "-c", config, environment={"GOLDPAN_DEBUG_POINT": point})
        harness.equal(run.wait(30), -9, f"status of a run with debug point {point}")
        hits[point] = 1
        cluster.sql("crm", f"DELETE FROM person WHERE id % 7 = -{number}")
    case.run("stream", "-c", config, "--until-current")
    return sorted((str(key), name) for key, name in cluster.sql("crm", "SELECT id, name FROM person"))


def compare_snapshot(records, wanted):
    """The copied rows are the table's rows at the time, each once; what earlier attempts left is not seen."""
    got = sorted((r["id"], r["full_name"]) for r in records if r["meta"]["operation"] == "snapshot")
    harness.equal(len(got), len(wanted), "records of the snapshot")
    harness.equal(got, wanted, "records of the snapshot")


def storm(case, kind, log, read, extra=""):
    print(f"# {kind}: seed {SEED}, {KILLS} kills")
    pick = random.Random(SEED)
    cluster = case.cluster()
    cluster.create("crm", load.TABLE)
    config = case.config({"crm": cluster.conninfo("crm")}, load.MAPPING, log=log, extra="stream: { batch_records = 500; };\n" + extra)
    case.run("init", "-c", config)
    hits = {}
    copied = snapshot_storm(case, config, cluster, hits)
    oracle.create(cluster, "crm")
    writers = [load.Writer(cluster, "crm", number, SEED, pause=0.01) for number in (1, 2, 3)]
    watcher = FolderReader(case, "customer.contact") if kind == "directory" else None
    for thread in writers + ([watcher] if watcher else []):
        thread.start()
    for point in plan_kills(POINTS[kind], pick):
        hit = kill_once(case, config, point, pick)
        hits[hit] = hits.get(hit, 0) + 1
    for writer in writers:
        writer.stop()
    case.run("stream", "-c", config, "--until-current", timeout=120)
    if watcher:
        watcher.stop()
        print(f"# {watcher.looks} looks by fastavro meanwhile")
    records = read()
    compare_snapshot(records, copied)
    events = oracle.compare(records, oracle.expected(cluster, "crm"))
    whole = load.check_whole(records)
    print(f"# {events} events of {whole} transactions, each once and in order; kills: {hits}")
    if KILLS >= 10 and WANTED[kind] - set(hits):
        raise AssertionError(f"no kill hit {WANTED[kind] - set(hits)}")
    if events < 100:
        raise AssertionError("the load was too small to prove anything")


@harness.debug_points
def test_kill_under_load_directory_log(case):
    extra = 'directory: { segment_age = "1 s"; };'

    def read():
        return case.tail(case.path("goldpan.conf"), "customer.contact")

    storm(case, "directory", None, read, extra)


@harness.debug_points
def test_kill_under_load_kafka_log(case):
    brokers = case.brokers()
    log = f'kind = "kafka"; brokers = "{brokers.bootstrap}"; registry = "{brokers.registry}";'

    def read():
        from kafka_reader import read_topic  # pylint: disable=import-outside-toplevel

        # Rows of an attempt that was never completed are void.
        attempts = [value for _, value, _ in read_topic(brokers, "customer.snapshot") if value]
        counts = {value["attempt"] for value in attempts if value["state"] == "completed"} | {None}
        records = [value for _, value, _ in read_topic(brokers, "customer.contact") if value is not None]
        return [value for value in records if value["meta"]["snapshot_attempt"] in counts]

    storm(case, "kafka", log, read, "kafka: { replication = 1; };")


harness.main(__name__)
