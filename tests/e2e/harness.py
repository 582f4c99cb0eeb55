# SPDX-License-Identifier: PostgreSQL
"""harness — real PostgreSQL clusters, goldpan processes and readers for end-to-end tests.

A test file defines functions named test_* that take a Case, and ends with
`harness.main(__name__)`, which prints TAP for prove. Tests that kill the program at a debug point are
marked @harness.debug_points and belong to the variants that have points; the environment's POINTS
says whether to run all tests (the default), or only those that are so marked. Servers live in a temporary
folder, listen on a unix socket only and are ended by their own pid; as root they
run as user postgres, with the plugin copied in, so that a clone anywhere works.
"""

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "python"))

from brokers import Brokers, Missing  # noqa: E402 pylint: disable=wrong-import-position
from cluster import Cluster  # noqa: E402 pylint: disable=wrong-import-position

VARIANT = os.environ.get("VARIANT", "gcc")
GOLDPAN = os.path.join(ROOT, "build", VARIANT, "goldpan")


# Builds with -DGOLDPAN_DEBUG_POINTS; the others have nowhere to be killed.
POINT_VARIANTS = ("asan", "debug")


def debug_points(test):
    """Marks a test that only builds with debug points can run."""
    test.debug_points = True
    return test


class Skip(Exception):
    """Raised by a test whose part cannot be had; counted as skipped."""


class Goldpan:
    """A goldpan process, its output kept in files."""

    def __init__(self, case, arguments, environment=None, wrapper=None):
        case.runs += 1
        self.name = f"run{case.runs}"
        self.stdout_path = os.path.join(case.folder, self.name + ".out")
        self.stderr_path = os.path.join(case.folder, self.name + ".err")
        env = dict(os.environ)
        env.update(environment or {})
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen(
                (wrapper or []) + [GOLDPAN] + arguments,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=env,
            )
        case.processes.append(self)

    @property
    def stdout(self):
        with open(self.stdout_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def running(self):
        return self.process.poll() is None

    def asleep(self):
        """Whether a signal has stopped all of it, as debug points with action "stop" do."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"

    def signal(self, number):
        if self.running:
            self.process.send_signal(number)

    def wait(self, timeout=60):
        """Returns the exit status (negative: the signal that ended it)."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"goldpan still runs after {timeout} s; its messages:\n{self.stderr}"
            ) from None

    def stop(self, timeout=30):
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait(10)


class Case:
    """What one test owns: a folder, clusters, processes; all ended with it."""

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="goldpan-e2e.")
        self.clusters = []
        self.started = []  # brokers
        self.processes = []
        self.cleanups = []  # called when the test has ended, last one first
        self.runs = 0
        self.failed = False

    def cluster(self, settings=None, hba=None):
        cluster = Cluster(settings, hba)
        self.clusters.append(cluster)
        return cluster

    def brokers(self, registry=True):
        """A real broker and registry of the test's own; skips the test where they cannot be had."""
        try:
            started = Brokers(registry=registry)
        except Missing as reason:
            raise Skip(str(reason)) from None
        self.started.append(started)
        return started

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def config(self, sources, mapping, log=None, extra="", name="goldpan.conf"):
        """Writes mapping and configuration. sources: {name: conninfo}; log: libconfig text of the
        log group, default the directory log in <folder>/log."""
        self.write("mapping.conf", mapping)
        log = log or f'kind = "directory"; path = "{self.path("log")}";'
        rows = ",\n".join(
            f'  {{ name = "{source}"; conninfo = "{conninfo}"; }}'
            for source, conninfo in sources.items()
        )
        return self.write(
            name,
            f'deployment = "test";\nmapping = "mapping.conf";\nlog: {{ {log} }};\n'
            f"sources = (\n{rows}\n);\n{extra}\n",
        )

    def start(self, *arguments, environment=None, wrapper=None):
        return Goldpan(self, list(arguments), environment, wrapper)

    def run(self, *arguments, timeout=60, status=0, environment=None):
        """Runs goldpan to its end and asserts its exit status (None: any)."""
        process = self.start(*arguments, environment=environment)
        got = process.wait(timeout)
        if status is not None and got != status:
            raise AssertionError(
                f"goldpan {' '.join(arguments)}: exit status {got}, expected {status}\n"
                f"{process.stdout}{process.stderr}"
            )
        return process

    def records(self, topic="customer.contact", log=None):
        """All records in the complete files of a topic folder, by fastavro."""
        return read_topic(os.path.join(log or self.path("log"), topic))

    def tail(self, config, topic):
        """All committed records of a topic by goldpan's own reader, open segments included."""
        done = self.run("log", "tail", "-c", config, topic, "--lines", "1000000")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def release(self, keep):
        for process in self.processes:
            if process.running:
                process.kill()
        for cleanup in reversed(self.cleanups):
            with contextlib.suppress(Exception):
                cleanup()
        for started in self.clusters + self.started:
            started.remove()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def read_file(path):
    import fastavro  # pylint: disable=import-outside-toplevel

    with open(path, "rb") as file:
        return list(fastavro.reader(file))


def read_topic(folder):
    rows = []
    for path in sorted(glob.glob(os.path.join(folder, "*.avro"))):
        rows.extend(read_file(path))
    return rows


def wait_until(what, condition, timeout=30, interval=0.05):
    """Polls until condition() is true; fails naming what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for: {what}")
        time.sleep(interval)


def equal(got, expected, what="value"):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


def contains(text, *fragments):
    for fragment in fragments:
        if fragment not in text:
            raise AssertionError(f"lacks {fragment!r}:\n{text}")


def _run_one(number, function):
    name = function.__name__[len("test_"):].replace("_", " ")
    case = Case(name)
    started = time.monotonic()
    try:
        function(case)
        print(f"ok {number} - {name} # {time.monotonic() - started:.1f} s")
        return True
    except Skip as reason:
        print(f"ok {number} - {name} # SKIP {reason}")
        return True
    except Exception:  # pylint: disable=broad-except
        case.failed = True
        print(f"not ok {number} - {name}")
        for line in traceback.format_exc().splitlines():
            print(f"#   {line}")
        for process in case.processes[-2:]:
            for line in process.stderr.splitlines()[-15:]:
                print(f"#   {process.name}: {line}")
        for cluster in case.clusters:
            print(f"#   server log: {cluster.log}")
        return False
    finally:
        sys.stdout.flush()
        case.release(keep=case.failed and bool(os.environ.get("KEEP")))


def main(name):
    """Runs the test_* of the calling script that the variant can run; ONLY=text,… picks those whose name
    contains one, POINTS=only those that need debug points."""
    if name != "__main__":
        return
    module = sys.modules["__main__"]
    only = os.environ.get("ONLY", "").replace(" ", "_").split(",")
    tests = [
        value
        for key, value in vars(module).items()
        if key.startswith("test_") and callable(value) and any(text in key for text in only)
    ]
    if VARIANT not in POINT_VARIANTS:
        tests = [test for test in tests if not hasattr(test, "debug_points")]
    elif os.environ.get("POINTS") == "only":
        tests = [test for test in tests if hasattr(test, "debug_points")]
    print(f"1..{len(tests)}")
    failed = sum(not _run_one(number, test) for number, test in enumerate(tests, 1))
    sys.exit(1 if failed else 0)
