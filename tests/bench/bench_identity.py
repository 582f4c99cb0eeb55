#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""bench_identity — how well and how fast records become customers, and what others reach.

  bench_identity.py [--program P] [--part NAME]... [--peers] [--quick] [--must] [--seed N]

Each part prints its lines; the last line is RESULT name=value ….  historical_50k half A is the
development set: what is chosen is chosen there.  febrl3, fake_1000 and the generator's seed run by
the same model configuration.  What a build does not have is said to be not built yet and left
out of RESULT; where only the commands are missing, partitions come from the library itself.  Peers run in a virtual environment of their own under build/.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import identity_data as data
from identity_engine import Engine, NotBuilt, Oracle, clusters_in, review

CONFIGS = os.path.join(data.ROOT, "contrib", "identity")
EXACT = {
    "febrl3": ["soc_sec_id", "given_name,surname,date_of_birth"],
    "febrl3_without_ssn": ["given_name,surname,date_of_birth"],
    "fake_1000": ["email", "first_name,surname,dob"],
    "historical_50k_a": ["full_name,dob", "first_name,surname,dob", "full_name,postcode_fake"],
    "persons": ["email", "phone:digits", "tax_id"],
    "companies": ["email", "phone:digits", "vat_id", "registration"],
}
CONFIG = {
    "febrl3": "febrl.conf",
    "febrl3_without_ssn": "febrl_without_ssn.conf",
    "fake_1000": "fake_1000.conf",
    "historical_50k_a": "historical_50k.conf",
}
MUST = {  # what --must holds a run to
    "febrl3_f1": 0.9993, "febrl3_without_ssn_f1": 0.9985, "fake_1000_f1": 0.965, "fake_1000_precision": 0.985,
    "half_a_f1": 0.95, "half_a_precision": 0.98,
}


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = os.path.join(data.ROOT, "build", "bench-identity")
        os.makedirs(self.folder, exist_ok=True)
        self.library = os.path.join(data.ROOT, options.build, "bench", "bench_identity_engine")
        self.engine = Engine(options.program, os.path.join(self.folder, "run"), self.library)
        self.result = {}
        self.missing = []
        self.kept = {}

    def note(self, name, value):
        self.result[name] = f"{value:.4f}" if isinstance(value, float) else str(value)

    def line(self, what, text):
        print(f"  {what:<44} {text}", flush=True)

    def scores(self, what, rows, clusters, seconds=None, name=None):
        m = data.measure(rows, clusters)
        text = (
            f"P {m['precision']:.4f}  R {m['recall']:.4f}  F1 {m['f1']:.4f}  B3 {m['b3_f1']:.4f}"
            f"  unified {m['unified_share']:.4f}  polluted {m['polluted_share']:.4f}"
            f"  wrong pairs {m['fp']}"
        )
        self.line(what, text + (f"  {seconds:.1f} s" if seconds is not None else ""))
        if name:
            self.note(name + "_f1", m["f1"])
            self.note(name + "_precision", m["precision"])
        return m

    def table(self, name):
        if name not in self.kept:
            file = name.replace("_without_ssn", "") + ".csv"
            self.kept[name] = data.read(os.path.join(data.DATA, file))
        return self.kept[name]

    def config(self, name):
        if name in ("persons", "companies"):
            return os.path.join(data.CUSTOMERS, name + ".conf")
        return os.path.join(CONFIGS, CONFIG[name])

    def exact(self, name, rows, note=True):
        clusters = data.exact_clusters(rows, EXACT[name])
        self.scores("exact: " + " | ".join(EXACT[name]), rows, clusters,
                    name="exact_" + name if note else None)
        return clusters

    def blocking(self, name, rows):
        """Comparisons per record and blocking recall of these rows, beside their F1."""
        if not os.path.exists(self.library):
            raise NotBuilt("bench_identity_engine")
        source, members = data.write(self.engine.path("blocking.csv"), rows), defaultdict(list)
        for place, row in enumerate(rows):
            members[row["truth"]].append(place)
        true = self.engine.path("blocking-true.csv")
        with open(true, "w", encoding="ascii") as file:
            for places in members.values():
                for a, b in itertools.combinations(places, 2):
                    file.write(f"{a},{b}\n")
        values = engine_values(self, self.config(name), source, self.engine.path("blocking-clusters.csv"), true)
        self.line("comparisons per record; blocking recall", f"{values['comparisons_per_record']}; "
                  f"{values['blocking_recall']} of {values['true_pairs']} true pairs; cut {values['repairs_cut']}")
        self.line("visits per change: p50, p99, max", "  ".join(values["visits_" + v] for v in ("p50", "p99", "max")))
        for key in ("comparisons_per_record", "blocking_recall", "visits_p50", "visits_p99", "visits_max"):
            self.note(f"{name.replace('historical_50k_a', 'half_a')}_{key}", values[key])

    def customers(self, seed, records):
        folder = os.path.join(self.folder, f"customers-{seed}-{records}")
        if not os.path.exists(os.path.join(folder, "companies.csv")):
            program = os.path.join(data.ROOT, "build", "customers", "customers")
            started = time.monotonic()
            subprocess.run(
                [program, "--seed", str(seed), "--records", str(records), folder],
                check=True, stdout=subprocess.DEVNULL,
            )
            self.line(f"generated {records} records", f"{time.monotonic() - started:.1f} s")
        return folder


# ---- the labelled sets ----


def part_febrl3(bench):
    for name in ("febrl3", "febrl3_without_ssn"):
        rows = bench.table(name)
        print(f"{name}: 5,000 records, never tuned on")
        bench.exact(name, rows)
        clusters, took = bench.engine.match(bench.config(name), rows, name)
        bench.scores("goldpan", rows, clusters, took, name=name)
        bench.blocking(name, rows)


def part_fake(bench):
    rows = bench.table("fake_1000")
    print("fake_1000: 1,000 records, never tuned on")
    bench.exact("fake_1000", rows)
    clusters, took = bench.engine.match(bench.config("fake_1000"), rows, "fake_1000")
    bench.scores("goldpan", rows, clusters, took, name="fake_1000")
    bench.blocking("fake_1000", rows)
    f1, precision = data.bootstrap(rows, clusters)
    bench.line("95 % by person", f"F1 {f1[0]:.4f} to {f1[1]:.4f}  P {precision[0]:.4f} to {precision[1]:.4f}")
    bench.note("fake_1000_f1_low", f1[0])
    bench.note("fake_1000_f1_high", f1[1])


def part_half_a(bench):
    rows = bench.table("historical_50k_a")
    print("historical_50k half A: 25,700 records, the development set, in random order")
    bench.exact("historical_50k_a", rows)
    config = bench.config("historical_50k_a")
    clusters, took = bench.engine.match(config, data.shuffled(rows, 1), "half_a")
    m = bench.scores("goldpan", rows, clusters, took, name="half_a")
    bench.blocking("historical_50k_a", data.shuffled(rows, 1))
    folds = data.fold_scores(rows, clusters)
    f1s = [f[2] for f in folds]
    worst = min(folds, key=lambda f: f[2])
    bench.line("5 folds by person", f"mean F1 {sum(f1s) / 5:.4f}  worst F1 {worst[2]:.4f} at P {worst[0]:.4f}")
    bench.note("half_a_fold_mean_f1", sum(f1s) / 5)
    bench.note("half_a_fold_worst_f1", worst[2])
    thin = data.thinned(rows)
    found, took = bench.engine.match(config, data.shuffled(thin, 1), "half_a_thin")
    t = bench.scores("40 % of persons thinned to one record", thin, found, took, name="half_a_thinned")
    bench.note("half_a_thinned_precision_lost", m["precision"] - t["precision"])


def part_review(bench):
    rows = bench.table("historical_50k_a")
    print("half A, closed review loop: each answer through the engine before the next question")
    config = bench.config("historical_50k_a")
    bench.engine.needs("review")
    folder, _ = bench.engine.state(config, rows, "review")
    truth = data.truth_of(rows)
    marks = [round(len(rows) * share / 100) for share in (1, 2, 5)]
    spent, done = 0, Counter()
    for share, mark in zip((1, 2, 5), marks):
        counts, copies = review(bench.engine, folder, Oracle(truth), mark - spent)
        spent += counts["questions"]
        done.update(counts)
        clusters = clusters_in(bench.engine, config, rows, copies[mark - (spent - counts["questions"])], "review")
        bench.scores(f"{share} questions per 100 records", rows, clusters, name=f"review_{share}")
        answers = done["same"] + done["different"] + done["split"] + done["unsure"]
        bench.line("  answers", "  ".join(f"{k} {v}" for k, v in sorted(done.items())))
        bench.note(f"review_{share}_same", done["same"] / max(1, answers))


def part_shuffles(bench):
    rows = bench.table("historical_50k_a")
    count = 3 if bench.options.quick else 20
    print(f"half A, {count} shuffles")
    config, truth = bench.config("historical_50k_a"), data.truth_of(bench.table("historical_50k_a"))
    first, different = {}, {"before": set(), "after": set()}
    for seed in range(count):
        order = data.shuffled(rows, seed)
        for when, find in (("before", bench.engine.match_by_library), ("after", bench.engine.match)):
            clusters, _ = find(config, order, "shuffle")
            base = first.setdefault(when, clusters)
            different[when].update(truth[r] for r in data.same_partition(base, clusters))
    print("  before: the partition right after the last record, fed one by one; no step that settles follows."
          "\n  The engine repairs within each change, so nothing is left to repair by construction.")
    for when, persons in different.items():
        bench.line(f"persons whose records differ {when} repair", f"{len(persons)} of {len(set(truth.values()))}")
        bench.note(f"shuffles_{when}_repair_share", len(persons) / len(set(truth.values())))
    bench.note("shuffles_persons_differ", len(different["after"]))


def id_changes(path):
    """record -> the customer ids it had, in order."""
    had = defaultdict(list)
    for event in data.read(path):
        if event["event"] == "moved":
            had[event["source"], event["record_id"]].append(event["customer_id"])
    return had


def part_stream(bench):
    rows = bench.table("historical_50k_a")
    print("half A streaming: customer ids over time")
    config = bench.config("historical_50k_a")
    folder = bench.engine.path("stream-state")
    events = bench.engine.path("stream-events.csv")
    shutil.rmtree(folder, ignore_errors=True)
    order = data.shuffled(rows, 2)
    bench.engine.match(config, order, "stream", f"--state={folder}", f"--events={events}")
    had = id_changes(events)
    often = sum(len(ids) - 1 > 2 for ids in had.values()) / max(1, len(rows))
    back = sum(
        any(ids[i] == ids[i + 2] for i in range(len(ids) - 2)) for ids in had.values()
    )
    bench.line("records whose id changed more than twice", f"{often:.4f}")
    bench.line("records with A, B, A on new evidence", str(back))
    bench.note("stream_changed_thrice", often)
    source = bench.engine.path("stream.csv")
    bench.engine.call(
        "identity", "match", f"--config={config}", f"--input={source}", f"--state={folder}",
        f"--events={events}",
    )
    again = sum(len(ids) for ids in id_changes(events).values())
    bench.line("ids changed by the same rows once more", str(again))
    bench.note("stream_changes_without_evidence", again)


def part_calibration(bench):
    """Pairs that share a value of a strict block; probabilities of a model that saw other folds."""
    print("half A, calibration on held-out folds (pairs that share a name and a date, place or postcode)")
    rows, config = bench.table("historical_50k_a"), bench.config("historical_50k_a")
    bins = defaultdict(lambda: [0, 0.0, 0])
    for fold in range(2 if bench.options.quick else 5):
        held = [r for r in rows if data.fold_of(r["truth"]) == fold]
        others = [r for r in rows if data.fold_of(r["truth"]) != fold]
        source = data.write(bench.engine.path("calibration-train.csv"), others)
        model = bench.engine.path("calibration-model.json")
        bench.engine.train(config, [source], model)
        truth = data.truth_of(held)
        pairs = sorted(data.candidate_pairs(held), key=lambda p: data.number("pair", "/".join(p)))[:20000]
        for (a, b), bits in zip(pairs, bench.engine.scores(config, held, pairs, "calibration", model)):
            p = 1 / (1 + 2.0 ** -max(-60.0, min(60.0, bits)))
            bucket = bins[min(9, int(p * 10))]
            bucket[0] += 1
            bucket[1] += p
            bucket[2] += truth[a] == truth[b]
    total = sum(b[0] for b in bins.values())
    error = sum(abs(b[1] - b[2]) for b in bins.values()) / max(1, total)
    for place in sorted(bins):
        count, promised, right = bins[place]
        bench.line(f"p {place / 10:.1f} to {place / 10 + .1:.1f}", f"{count} pairs  said {promised / count:.4f}  true {right / count:.4f}")
    bench.line("expected calibration error", f"{error:.4f}")
    bench.note("calibration_error", error)


# ---- the generator ----


def customers_scores(bench, what, rows, clusters, name):
    m = data.measure(rows, clusters)
    share, bad = data.polluted(rows, clusters)
    bench.line(what, f"unified {m['unified_share']:.4f}  polluted {share:.5f} ({len(bad)})  P {m['precision']:.4f}  R {m['recall']:.4f}")
    if name:
        bench.note(name + "_unified", m["unified_share"])
        bench.note(name + "_polluted", share)


def part_customers(bench):
    seed, records = bench.options.seed, 100000
    folder = bench.customers(seed, records)
    for kind in ("persons", "companies"):
        rows = data.read(os.path.join(folder, kind + ".csv"))
        print(f"generator, seed {seed}: {kind}")
        customers_scores(bench, "exact: " + " | ".join(EXACT[kind]), rows,
                         data.exact_clusters(rows, EXACT[kind]), "exact_" + kind)
    for kind in ("persons", "companies"):
        rows = data.read(os.path.join(folder, kind + ".csv"))
        owners = len({r["truth"] for r in rows})
        print(f"generator, seed {seed}: {len(rows)} records of {owners} {kind}, auto and reviewed")
        config = bench.config(kind)
        clusters, _ = bench.engine.match(config, rows, kind)
        customers_scores(bench, "goldpan, auto", rows, clusters, kind)
        bench.blocking(kind, rows)
        for name, (count, wrong) in data.classes(rows, clusters).items():
            few = "" if count >= 200 else "  (fewer than 200)"
            bench.line(f"  {name}", f"{count} customers  in a wrong merge {wrong:.4f}{few}")
            if count >= 200:
                bench.note(f"{kind}_{name}_wrong", wrong)
    for kind in ("persons", "companies"):
        rows = data.read(os.path.join(folder, kind + ".csv"))
        config = bench.config(kind)
        bench.engine.needs("review")
        state, _ = bench.engine.state(config, rows, kind)
        budget = len({r["truth"] for r in rows}) * 5 // 100
        oracle = Oracle(data.truth_of(rows), wrong=0.03)
        counts, copies = review(bench.engine, state, oracle, budget)
        found = clusters_in(bench.engine, config, rows, copies[budget], kind + "-reviewed")
        customers_scores(bench, f"{kind}, after 5 reviews per 100, 3 % wrong", rows, found, kind + "_reviewed")
        bench.line("  answers", "  ".join(f"{k} {v}" for k, v in sorted(counts.items())))
        bench.line("  answers \"same\" about two customers", str(oracle.wrong_same))
        bench.note(f"{kind}_wrong_same", oracle.wrong_same)


def part_million(bench):
    records = 100000 if bench.options.quick else 1000000
    print(f"generator, {records} records")
    folder = bench.customers(bench.options.seed, records)
    rows_of = {"persons": records - records // 6, "companies": records // 6}
    total = 0.0
    for kind in rows_of:
        model = bench.engine.path(kind + "-million-model.json")
        if os.path.exists(model):
            os.remove(model)
        bench.engine.needs("identity", "match")
        took, _ = bench.engine.call(
            "identity", "match", f"--config={bench.config(kind)}",
            f"--input={os.path.join(folder, kind + '.csv')}",
            f"--output={bench.engine.path(kind + '-million.csv')}", f"--model={model}",
        )
        total += took
        bench.line(kind, f"{took:.1f} s, {rows_of[kind] / took:.0f} records/s, training included")
    bench.note("million_seconds", total)
    engine_bench(bench, "customers", bench.config("persons"), os.path.join(folder, "persons.csv"))


# ---- speed ----


def engine_values(bench, *arguments):
    done = subprocess.run([bench.library, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return dict(line.split("=") for line in done.stdout.split())


def engine_bench(bench, name, config, path):
    if not os.path.exists(bench.library):
        raise NotBuilt("bench_identity_engine")
    values = engine_values(bench, config, path)
    bench.line(f"{name} in memory", "  ".join(f"{k} {v}" for k, v in values.items()))
    for key, value in values.items():
        bench.note(f"speed_{name}_{key}", value)
    return values


def part_speed(bench):
    print("speed, one core; feed_…: as match feeds it, all cores")
    values = engine_bench(bench, "half_a", bench.config("historical_50k_a"),
                          os.path.join(data.DATA, "historical_50k_a.csv"))
    engine_bench(bench, "febrl3", bench.config("febrl3"), os.path.join(data.DATA, "febrl3.csv"))
    python = peers_python(bench)
    pairs = os.path.join(data.ROOT, "tests", "bench", "identity_rapidfuzz.py")
    done = subprocess.run([python, pairs, os.path.join(data.DATA, "historical_50k_a.csv")],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        bench.line("rapidfuzz", "did not run: " + done.stderr.strip().splitlines()[-1])
        return
    rapid = float(done.stdout)
    bench.line("rapidfuzz, the same comparisons", f"{rapid:.0f} pairs/s")
    bench.note("speed_rapidfuzz_pairs", int(rapid))
    bench.note("speed_ratio_rapidfuzz", float(values["pairs_per_second"]) / rapid)


# ---- peers ----

PEERS = {"splink": [], "recordlinkage": [], "dedupe": ["BTrees<6", "zope.index<7"], "rapidfuzz": []}


def peers_python(bench):
    if bench.options.peers_python:
        return bench.options.peers_python
    folder = os.path.join(data.ROOT, "build", "identity-peers")
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        subprocess.run(["/usr/bin/python3", "-m", "venv", folder], check=True)
        for name, pins in PEERS.items():
            done = subprocess.run(
                [python, "-m", "pip", "install", "-q", name, *pins], capture_output=True, text=True,
                check=False,
            )
            if done.returncode != 0:
                bench.line(name, "could not be installed: " + done.stderr.strip().splitlines()[-1])
    return python


def part_peers(bench):
    python = peers_python(bench)
    script = os.path.join(data.ROOT, "tests", "bench", "identity_peers.py")
    for name in EXACT:
        if name in ("persons", "companies"):
            continue
        print(f"{name}: other engines, by their own settings")
        rows = bench.table(name)
        path = os.path.join(data.DATA, name.replace("_without_ssn", "") + ".csv")
        for engine in ("splink", "recordlinkage", "dedupe"):
            prefix = os.path.join(bench.folder, f"{engine}-{name}")
            try:
                done = subprocess.run([python, script, engine, name, path, prefix], timeout=900,
                                      capture_output=True, text=True, check=False)
            except subprocess.TimeoutExpired:
                bench.line(engine, "did not end in 900 s")
                continue
            if done.returncode != 0:
                bench.line(engine, "did not run: " + (done.stderr.strip().splitlines() or ["?"])[-1])
                continue
            said = json.loads(done.stdout.splitlines()[-1])
            bench.line(f"{engine} {said['version']}", said["settings"])
            for what, (file, wall, cpu) in said["files"].items():
                m = bench.scores(f"  {what}", rows, data.clusters_of(file, rows), wall)
                bench.line("", f"{cpu:.1f} s of CPU")
                label = f"{engine}_{what.replace(' ', '_')}_{name}"
                bench.note(label + "_f1", m["f1"])
                bench.note(label + "_seconds", wall)


def part_splink(bench):
    """Splink's best cut against ours, both trained, matched and clustered in this run."""
    name, rows = "historical_50k_a", bench.table("historical_50k_a")
    path, script = os.path.join(data.DATA, name + ".csv"), os.path.join(data.ROOT, "tests", "bench", "identity_peers.py")
    clusters, took = bench.engine.match(bench.config(name), rows, "splink-ours")
    ours = bench.scores("goldpan, train + match + cluster", rows, clusters, took)
    done = subprocess.run([peers_python(bench), script, "splink", name, path, os.path.join(bench.folder, "splink-race")],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("splink: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    said = json.loads(done.stdout.splitlines()[-1])
    best, fastest = 0.0, None
    for what, (file, wall, _) in said["files"].items():
        best = max(best, bench.scores(f"splink {said['version']}, {what}", rows, data.clusters_of(file, rows), wall)["f1"])
        fastest = wall if fastest is None else min(fastest, wall)
    bench.line("times faster than its fastest; F1 ahead of its best", f"{fastest / took:.1f}; {ours['f1'] - best:+.4f}")
    bench.note("splink_times_faster", fastest / took)
    bench.note("splink_f1_ahead", ours["f1"] - best)


PARTS = {
    "febrl3": part_febrl3, "fake_1000": part_fake, "half_a": part_half_a, "review": part_review,
    "shuffles": part_shuffles, "stream": part_stream, "calibration": part_calibration,
    "customers": part_customers, "speed": part_speed, "million": part_million,
    "splink": part_splink, "peers": part_peers,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--program", default=os.path.join(data.ROOT, "build", "gcc", "goldpan"))
    parser.add_argument("--build", default="build/gcc", help="folder with bench programs")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part")
    parser.add_argument("--quick", action="store_true", help="fewer shuffles and folds, 100,000 records")
    parser.add_argument("--seed", type=int, default=1001, help="of the generator; below 100: development")
    parser.add_argument("--peers-python", help="a Python that has the peers already")
    parser.add_argument("--must", action="store_true", help="fail when a figure is less than it must be")
    bench = Bench(parser.parse_args())
    failed = False
    for name in bench.options.part or PARTS:
        print(f"---- {name}", flush=True)
        try:
            PARTS[name](bench)
        except NotBuilt as missing:
            bench.line("not built yet", str(missing))
            bench.missing.append(name)
        except (RuntimeError, OSError) as error:
            bench.line("FAILED", str(error))
            failed = True
    if bench.missing:
        print("not built yet: " + " ".join(bench.missing))
    if bench.options.must:
        low = [f"{k} {bench.result[k]} < {v}" for k, v in MUST.items() if float(bench.result.get(k, v)) < v]
        for text in low:
            print("less than it must be: " + text)
        failed = failed or bool(low) or not MUST.keys() & bench.result.keys()
    print("RESULT " + " ".join(f"{k}={v}" for k, v in bench.result.items()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
