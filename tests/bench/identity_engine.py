# SPDX-License-Identifier: PostgreSQL
"""identity_engine — `goldpan identity` and `goldpan review` as the bench calls them.

The review is answered by an oracle that knows the truth, item by item, each answer going through
the engine before the next question is asked (`goldpan review --json`).
"""

import json
import os
import random
import shutil
import subprocess
import time
from collections import Counter

import identity_data as data


class NotBuilt(Exception):
    """What the bench asks for does not exist in this build."""


class Engine:
    def __init__(self, program, folder, library):
        self.program = program
        self.library = library  # the bench program, for partitions where the command is missing
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def needs(self, *command):
        done = subprocess.run([self.program, *command, "--help"], capture_output=True, check=False)
        if done.returncode != 0:
            raise NotBuilt("goldpan " + " ".join(command))

    def path(self, name):
        return os.path.join(self.folder, name)

    def call(self, *arguments):
        """Seconds and standard output."""
        started = time.monotonic()
        done = subprocess.run(
            [self.program, *arguments], capture_output=True, text=True, check=False
        )
        took = time.monotonic() - started
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
            raise RuntimeError(f"goldpan {' '.join(arguments)}: {' / '.join(last)}")
        return took, done.stdout

    def train(self, config, inputs, model):
        self.needs("identity", "train")
        if os.path.exists(model):
            os.remove(model)
        files = [f"--input={i}" for i in inputs]
        return self.call("identity", "train", f"--config={config}", *files, f"--model={model}")[0]

    def match(self, config, rows, name, *options, model=None):
        """Matches the rows; gives clusters and seconds.  A model that exists is used."""
        try:
            self.needs("identity", "match")
        except NotBuilt:
            if options or model or not os.path.exists(self.library):
                raise
            return self.match_by_library(config, rows, name)
        source = data.write(self.path(name + ".csv"), rows)
        output, fresh = self.path(name + "-clusters.csv"), model is None
        model = model or self.path(name + "-model.json")
        if fresh and os.path.exists(model):
            os.remove(model)
        took, _ = self.call(
            "identity", "match", f"--config={config}", f"--input={source}", f"--output={output}",
            f"--model={model}", *options,
        )
        return data.clusters_of(output, rows), took

    def match_by_library(self, config, rows, name):
        source = data.write(self.path(name + ".csv"), rows)
        output = self.path(name + "-clusters.csv")
        started = time.monotonic()
        done = subprocess.run(
            [self.library, config, source, output], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return data.clusters_of(output, rows), time.monotonic() - started

    def state(self, config, rows, name):
        """A fresh state directory holding the rows; gives its path and the clusters."""
        folder = self.path(name + "-state")
        shutil.rmtree(folder, ignore_errors=True)
        clusters, _ = self.match(config, rows, name, f"--state={folder}")
        return folder, clusters

    def scores(self, config, rows, pairs, name, model):
        """Bits of each pair of record ids."""
        self.needs("identity", "score")
        source = data.write(self.path(name + ".csv"), rows)
        listed = data.write(
            self.path(name + "-pairs.csv"), [{"record_id_a": a, "record_id_b": b} for a, b in pairs]
        )
        _, text = self.call(
            "identity", "score", f"--config={config}", f"--input={source}", f"--model={model}",
            f"--pairs={listed}",
        )
        return [float(line.split(",")[2]) for line in text.splitlines()[1:]]


class Oracle:
    """Answers as somebody who knows the truth, and is wrong in a share of the answers."""

    def __init__(self, truth, wrong=0.0, seed=1):
        self.truth = truth
        self.wrong = wrong
        self.chance = random.Random(seed)
        self.wrong_same = 0  # answers "same" about two persons

    def person(self, side):
        """Whom most of a side's records are."""
        counts = Counter(self.truth[record] for _, record in side["members"])
        anchor = self.truth[side["id"]]
        best = max(counts.values())
        return anchor if counts[anchor] == best else min(p for p in counts if counts[p] == best)

    def foreign(self, side, person):
        return [m for m in side["members"] if self.truth[m[1]] != person]

    def answer(self, item):
        """The answer, and how many questions it costs: one, and one for each record moved.

        The question is about the two records shown; the others matter where a side is mixed:
        then the records that are not the shown one's person are split off first, or, where
        those are the most, nothing is said.
        """
        a, b = item["a"], item["b"]
        one, other = self.truth[a["id"]], self.truth[b["id"]]
        if item["type"] != "join":
            records = self.foreign(a, one)
            if records and len(records) * 2 <= len(a["members"]):
                return {"answer": "split", "records": records}, len(records)
            return {"answer": "unsure" if records else "same"}, 1
        verdict = "same" if one == other else "different"
        for side, person in ((a, one), (b, other)):
            records = self.foreign(side, person)
            if not records or (verdict == "different" and self.person(side) == person):
                continue
            if verdict == "same" and len(records) * 2 <= len(side["members"]):
                return {"answer": "split", "records": records}, len(records)
            return {"answer": "unsure"}, 1
        if self.wrong and self.chance.random() < self.wrong:
            verdict = {"same": "different", "different": "same"}[verdict]
            self.wrong_same += verdict == "same"
        return {"answer": verdict}, 1


def review(engine, folder, oracle, budget, marks=()):
    """Answers questions until the budget is spent; gives counts, and the state at each mark.

    marks: numbers of questions at which the state is copied aside (state path -> folder-N).
    """
    engine.needs("review")
    counts, copies, spent = Counter(), {}, 0
    stops = sorted(set(list(marks) + [budget]))
    for stop in stops:
        process = subprocess.Popen(
            [engine.program, "review", f"--state={folder}", "--json", "--user=oracle"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        while spent < stop:
            line = process.stdout.readline()
            if not line:
                break
            item = json.loads(line)
            if item.get("end"):
                counts["exhausted"] = 1
                break
            if "item" not in item:
                continue
            answer, cost = oracle.answer(item)
            spent += cost
            counts[answer["answer"]] += 1
            counts["type " + item["type"]] += 1
            process.stdin.write(json.dumps({"item": item["item"], **answer}) + "\n")
            process.stdin.flush()
            reply = json.loads(process.stdout.readline())
            if reply.get("status") != "done":
                counts["refused: " + reply.get("status", "?")] += 1
        try:
            process.stdin.write('{"end":true}\n')
            process.stdin.close()
        except BrokenPipeError:
            pass
        process.stdin = None
        process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"goldpan review ended with status {process.returncode}")
        copies[stop] = f"{folder}-{stop}"
        shutil.rmtree(copies[stop], ignore_errors=True)
        shutil.copytree(folder, copies[stop])
    counts["questions"] = spent
    return counts, copies


def clusters_in(engine, config, rows, folder, name):
    """The clusters of a state: matching the same rows once more changes nothing."""
    source = data.write(engine.path(name + ".csv"), rows)
    output = engine.path(name + "-clusters.csv")
    engine.call(
        "identity", "match", f"--config={config}", f"--input={source}", f"--output={output}",
        f"--state={folder}",
    )
    return data.clusters_of(output, rows)
