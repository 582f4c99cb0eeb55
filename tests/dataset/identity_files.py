# SPDX-License-Identifier: PostgreSQL
"""identity_files — what the tests of goldpan identity and goldpan review on files share."""

import csv
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "build", os.environ.get("VARIANT") or "gcc", "goldpan")
DATA = os.path.join(ROOT, "tests", "data", "identity", "fake_1000.csv")
CONFIG = os.path.join(ROOT, "contrib", "identity", "fake_1000.conf")
CHECK = os.path.join(ROOT, "contrib", "identity", "explain_check.py")


def run(*args, status=0, text=None):
    done = subprocess.run([PROGRAM, *args], input=text, capture_output=True, text=True, check=False)
    assert status in (None, done.returncode), f"{args}: status {done.returncode}: {done.stderr}"
    return done


def match(*args, data=DATA, status=0):
    return run("identity", "match", "-q", "-c", CONFIG, "-i", data, *args, status=status)


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def clusters(path):
    return {row["record_id"]: row["cluster_id"] for row in rows(path)}


def write(path, header, lines):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(lines)
