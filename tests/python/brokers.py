# SPDX-License-Identifier: PostgreSQL
"""brokers — a real Apache Kafka (KRaft, one node) and a real Schema Registry on loopback.

Uses the scripts of tests/kafka; both are ended with the Python process at the latest.
"""

import atexit
import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77


class Missing(Exception):
    """The broker or the registry cannot be had on this machine; the text says why."""


class Brokers:
    def __init__(self, registry=True):
        self.folder = tempfile.mkdtemp(prefix="goldpan-kafka.")
        self.registry = None
        atexit.register(self.remove)
        try:
            self.bootstrap = self.script("kafka-node.sh", "start", "kafka", "--owner", str(os.getpid()))
            if registry:
                self.registry = self.script("registry.sh", "start", "registry", "--owner", str(os.getpid()))
        except BaseException:
            self.remove()
            raise

    def script(self, name, verb, run, *arguments, check=True):
        """Runs a script of tests/kafka on one of the two run folders; returns its last line."""
        command = [os.path.join(ROOT, "tests", "kafka", name), verb, os.path.join(self.folder, run), *arguments]
        done = subprocess.run(
            ["bash", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode == SKIPPED:
            raise Missing(done.stderr.strip())
        if done.returncode != 0 and check:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return (done.stdout.strip().splitlines() or [""])[-1]

    def stop_broker(self, how="KILL"):
        self.script("kafka-node.sh", "stop-node", "kafka", "1", how)

    def start_broker(self):
        self.script("kafka-node.sh", "start-node", "kafka", "1")

    def signal_broker(self, number):
        """SIGSTOP makes it hang without ending it, SIGCONT wakes it."""
        with open(os.path.join(self.folder, "kafka", "1.pid"), encoding="utf-8") as file:
            os.kill(int(file.read()), number)

    def stop_registry(self):
        self.script("registry.sh", "stop", "registry")

    def remove(self):
        if os.path.isdir(self.folder):
            self.script("kafka-node.sh", "stop", "kafka", check=False)
            self.script("registry.sh", "stop", "registry", check=False)
            shutil.rmtree(self.folder, ignore_errors=True)
