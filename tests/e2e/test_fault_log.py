# SPDX-License-Identifier: PostgreSQL
"""test_fault_log — the directory log in trouble, sources that hang, and stops in the middle of work."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import faults
import harness
import load
from faults import Source
from harness import contains, equal, wait_until


class Load:
    """Writers that run while something happens."""

    def __init__(self, source, writers=2, pause=0.02):
        self.writers = [load.Writer(source.cluster, source.name, n, 7, pause=pause) for n in range(1, writers + 1)]
        for writer in self.writers:
            writer.start()

    def stop(self):
        for writer in self.writers:
            writer.stop()


def log_at(path):
    return f'kind = "directory"; path = "{path}";'


# ---- the log's folder ----


def small_disk(case, megabytes):
    """A file system of its own that can be filled; skips where none can be mounted."""
    path = case.path("disk")
    os.mkdir(path)
    if os.geteuid() != 0:
        raise harness.Skip("mounting a small file system takes root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise harness.Skip(f"no small file system: {done.stderr.strip()}")
    case.cleanups.append(lambda: subprocess.run(["umount", "-l", path], check=False))
    return path


def fill(disk):
    """Takes all that is left."""
    ballast = os.path.join(disk, "ballast")
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    return ballast


def test_disk_full(case):
    disk = small_disk(case, 16)
    source = Source(case, "full", log=log_at(os.path.join(disk, "log")), rows=100, retry='"1 s"')
    source.copy()
    run = source.running()
    source.change()
    wait_until("the change", lambda: len(source.records()) > 100)
    ballast = fill(disk)
    acknowledged = source.value(f"SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '{source.slot}'")
    for _ in range(10):
        source.insert(2000)
    wait_until("the report", lambda: "No space left on device" in run.stderr)
    contains(run.stderr, "could not write to", disk, "Free space in the file system", "Nothing of the failed batch is visible or acknowledged")
    assert run.running, "a full disk ended the streamer"
    # a run that is to end by itself says so in its status
    run.kill()
    done = source.stream(status=7)
    contains(done.stderr, "No space left on device", "Free space")
    run = source.case.start("stream", "-c", source.config)
    wait_until("the report", lambda: "No space left on device" in run.stderr)
    held = source.value(f"SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '{source.slot}'")
    last = source.value("SELECT pg_current_wal_lsn()")
    assert held < last and acknowledged <= held, f"acknowledged {held} of {last} with a full disk"
    os.unlink(ballast)
    wait_until("all of it", lambda: len(source.records()) >= 100 + 20000, timeout=60)
    equal(run.stop(), 0, "status")
    source.stream()
    source.prove()


def test_log_folder_that_is_none(case):
    source = Source(case, "folder")
    source.copy()
    source.change()
    shutil.move(case.path("log"), case.path("log.away"))
    case.write("log", "a file\n")
    done = source.stream(status=7)
    contains(done.stderr, "could not", case.path("log"), "hint" if "hint" in done.stderr else "Not a directory")
    os.unlink(case.path("log"))
    shutil.move(case.path("log.away"), case.path("log"))
    source.stream()
    source.prove()


def test_damaged_commit_record_is_refused(case):
    source = Source(case, "damaged")
    source.copy()
    source.change()
    source.stream()
    (commit,) = glob.glob(case.path("log") + "/**/commit", recursive=True) + glob.glob(case.path("log") + "/.*/**/commit", recursive=True)
    shutil.copy(commit, case.path("commit.whole"))
    with open(commit, "r+b") as file:
        size = os.path.getsize(commit)
        file.write(b"\0" * size)
    source.change()
    done = source.stream(status=6)
    contains(done.stderr, "could not read", "neither of its two commit records is whole", "restore the log directory from a backup")
    shutil.copy(case.path("commit.whole"), commit)
    source.stream()
    source.prove()


def test_second_writer_of_a_source(case):
    """Two configurations that share a log but not a slot: the lock of the source's folder tells."""
    source = Source(case, "shared")
    source.copy()
    run = source.running()
    conninfo = source.cluster.conninfo("shared")
    case.config({"shared": f'{conninfo}"; slot = "another'}, source.mapping, extra=source.extra, name="second.conf")
    done = case.run("stream", "-c", case.path("second.conf"), "--until-current", status=22)
    contains(done.stderr, 'could not take over source "shared"', f"process {run.process.pid} writes it", "A source has one writer")
    source.change()
    equal(run.stop(), 0, "status of the first")
    source.stream()
    source.prove()


# ---- stops in the middle of work ----


def test_told_to_stop_under_load(case):
    source = Source(case, "stops", rows=0)
    source.copy()
    writing = Load(source)
    for pause in (0.3, 0.8, 0.1, 0.5):
        run = source.running()
        time.sleep(pause)
        started = time.monotonic()
        equal(run.stop(), 0, "status after SIGTERM")
        assert time.monotonic() - started < 12, "it took longer than shutdown_timeout"
    writing.stop()
    source.stream()
    assert source.prove() > 50, "the load was too small"


# ---- one hangs, one is away, the others go on ----


class Proxy(threading.Thread):
    """Between streamer and server; told to, it swallows everything and closes nothing."""

    def __init__(self, folder, target):
        super().__init__(daemon=True)
        os.mkdir(folder)
        self.target = target
        self.swallows = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, ".s.PGSQL.5432"))
        self.listener.listen(20)
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            swallowed = [self.swallows.is_set()]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(*pair, swallowed), daemon=True).start()

    def pump(self, source, sink, swallowed):
        try:
            while data := source.recv(65536):
                swallowed[0] = swallowed[0] or self.swallows.is_set()
                if not swallowed[0]:
                    sink.sendall(data)
            if not swallowed[0]:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_hung_source_and_one_away_hold_up_nobody(case):
    cluster = faults.server()
    cluster.sql("postgres", "ALTER SYSTEM SET wal_sender_timeout = '3s'")
    cluster.sql("postgres", "SELECT pg_reload_conf()")
    hung = Source(case, "hung")
    well = Source(case, "well")
    proxy = Proxy(case.path("proxy"), os.path.join(cluster.folder, ".s.PGSQL.5432"))
    one = faults.mapping("well")
    rows = [one[one.index("{ name = \"well\"; tables") : one.rindex(");")].replace("well", name) for name in ("well", "hung", "away")]
    text = one[: one.index("{ name = \"well\"; tables")] + ",".join(rows) + ");\n"
    config = case.config(
        {
            "well": cluster.conninfo("well"),
            "hung": f"host={case.path('proxy')} dbname=hung user=postgres",
            "away": "host=/nowhere dbname=away user=postgres connect_timeout=2",
        },
        text,
        extra=well.extra,
    )
    run = case.start("stream", "-c", config)
    wait_until("two sources", lambda: run.stderr.count("streaming from") == 2)
    for source in (hung, well):
        source.config = config
        source.mark_copied()
    proxy.swallows.set()

    def seen(name):
        return sum(r["source"] == name for r in well.records())

    slowest = 0.0
    try:
        for number in range(8):
            hung.insert()
            started = time.monotonic()
            well.insert()
            wait_until("the row", lambda n=number: seen("well") == 3 + n + 1, timeout=5, interval=0.01)
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.5)
        print(f"# slowest row beside a hung and an absent source: {slowest:.2f} s, `goldpan log cat` included")
        assert slowest < 2, f"a lag of {slowest:.2f} s"
        equal(seen("hung"), 3, "records of the hung source")
        # P12: silence is noticed, and what the network swallowed comes again
        proxy.swallows.clear()
        wait_until("the hung source", lambda: seen("hung") == 11, timeout=40)
        contains(run.stderr, "warning hung:", "warning away: could not connect")
        equal(run.stop(), 0, "status")
    finally:
        cluster.sql("postgres", "ALTER SYSTEM RESET wal_sender_timeout")
        cluster.sql("postgres", "SELECT pg_reload_conf()")
    records = well.records()
    for source in (hung, well):
        mine = [r for r in records if r["source"] == source.name]
        source.records = lambda mine=mine: mine
        source.prove()


harness.main(__name__)
