#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Score record clusters against a truth file.

  score.py TRUTH.csv CLUSTERS.csv [--review REVIEW.csv] [options]
  score.py --self-test

TRUTH.csv     must have the columns record_id and truth (others are ignored).
CLUSTERS.csv  must have the columns record_id and cluster_id (others are ignored).
              A record that is not listed, or has an empty cluster_id, counts as
              a cluster of its own.
REVIEW.csv    must have the columns record_id_a, record_id_b and score: the pairs
              the engine queued for a human. A perfect reviewer answers every row;
              where the truth says "same", the two clusters are merged (transitive
              closure). "Different" changes nothing: review never splits here.

Options:
  --json             print one JSON object instead of text
  --min-f1 X         exit 1 if the pairwise F1 is under X
  --min-precision X  exit 1 if the pairwise precision is under X
  --min-review-f1 X  exit 1 if the pairwise F1 after review is under X
  --max-questions X  exit 1 if more than X questions per 100 records are asked

Exit status: 0 scored, 1 scored but under a --min/--max bound, 2 bad input or
bad use (one message on stderr that names file and line).

Counting is by contingency cells (found cluster x true cluster), never by
enumerating pairs. Standard library only.
"""
import argparse
import csv
import json
import math
import os
import sys

REVIEW_COLUMNS = ("record_id_a", "record_id_b", "score")


class InputError(Exception):
    pass


# ---------------------------------------------------------------- reading

def rows_of(path, wanted):
    """Yield (line number, values of the wanted columns) for each data row."""
    try:
        handle = open(path, newline="", encoding="utf-8-sig")
    except OSError as err:
        raise InputError("%s: cannot open: %s" % (path, err.strerror))
    with handle:
        reader = csv.reader(handle, strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise InputError("%s: empty file, no header line" % path)
            missing = [name for name in wanted if name not in header]
            if missing:
                raise InputError("%s: missing column%s %s (header has: %s)" % (
                    path, "s" if len(missing) > 1 else "",
                    ", ".join(missing), ", ".join(header)))
            for name in wanted:
                if header.count(name) > 1:
                    raise InputError("%s: column %s appears twice in the header"
                                     % (path, name))
            places = [header.index(name) for name in wanted]
            for row in reader:
                if not row:                      # blank line
                    continue
                if len(row) != len(header):
                    raise InputError("%s: line %d: %d fields, header has %d" % (
                        path, reader.line_num, len(row), len(header)))
                yield reader.line_num, [row[p] for p in places]
        except csv.Error as err:
            raise InputError("%s: line %d: not valid CSV: %s" % (
                path, reader.line_num, err))
        except UnicodeDecodeError as err:
            raise InputError("%s: not valid UTF-8: %s" % (path, err))


def read_truth(path):
    truth = {}
    for line, (record, person) in rows_of(path, ("record_id", "truth")):
        if record == "":
            raise InputError("%s: line %d: empty record_id" % (path, line))
        if person == "":
            raise InputError("%s: line %d: record id '%s' has an empty truth"
                             % (path, line, record))
        if record in truth:
            raise InputError("%s: line %d: duplicate record id '%s'"
                             % (path, line, record))
        truth[record] = person
    if not truth:
        raise InputError("%s: no records" % path)
    return truth


def read_clusters(path, truth):
    """Return ({record: cluster key}, number of unassigned records)."""
    found, seen = {}, set()
    for line, (record, cluster) in rows_of(path, ("record_id", "cluster_id")):
        if record in seen:
            raise InputError("%s: line %d: duplicate record id '%s'"
                             % (path, line, record))
        if record not in truth:
            raise InputError("%s: line %d: unknown record id '%s' (not in the truth file)"
                             % (path, line, record))
        seen.add(record)
        if cluster != "":
            found[record] = ("c", cluster)
    unassigned = 0
    for record in truth:
        if record not in found:
            found[record] = ("single", record)
            unassigned += 1
    return found, unassigned


def read_review(path, truth):
    pairs = []
    for line, (a, b, score) in rows_of(path, REVIEW_COLUMNS):
        for record in (a, b):
            if record not in truth:
                raise InputError("%s: line %d: unknown record id '%s' (not in the truth file)"
                                 % (path, line, record))
        if a == b:
            raise InputError("%s: line %d: record id '%s' is paired with itself"
                             % (path, line, a))
        try:
            number = float(score)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InputError("%s: line %d: score '%s' is not a number"
                             % (path, line, score))
        pairs.append((a, b))
    return pairs


# ---------------------------------------------------------------- counting

def pairs_in(n):
    return n * (n - 1) // 2


def count(items):
    sizes = {}
    for item in items:
        sizes[item] = sizes.get(item, 0) + 1
    return sizes


def ratio(part, whole):
    """0 of 0 counts as 1: nothing was there to get wrong."""
    return part / whole if whole else 1.0


def measure(truth, found):
    records = len(truth)
    true_size = count(truth.values())
    found_size = count(found[r] for r in truth)
    cell = count((found[r], truth[r]) for r in truth)

    true_pairs = sum(pairs_in(n) for n in true_size.values())
    found_pairs = sum(pairs_in(n) for n in found_size.values())
    tp = sum(pairs_in(n) for n in cell.values())
    fp, fn = found_pairs - tp, true_pairs - tp

    b3p = math.fsum(n * n / found_size[c] for (c, _), n in cell.items()) / records
    b3r = math.fsum(n * n / true_size[t] for (_, t), n in cell.items()) / records

    together = exact = together_multi = exact_multi = 0
    for (c, t), n in cell.items():
        if n != true_size[t]:
            continue
        together += 1
        together_multi += n > 1
        if n == found_size[c]:
            exact += 1
            exact_multi += n > 1
    persons_in = count(c for (c, _) in cell)
    polluted = sum(1 for n in persons_in.values() if n > 1)
    multi = sum(1 for n in true_size.values() if n > 1)

    return {
        "records": records,
        "true_pairs": true_pairs, "found_pairs": found_pairs,
        "tp": tp, "fp": fp, "fn": fn,
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "b3_precision": b3p, "b3_recall": b3r,
        "b3_f1": 2 * b3p * b3r / (b3p + b3r),
        "clusters_found": len(found_size), "clusters_true": len(true_size),
        "clusters_exact": exact,
        "cluster_exact_share": exact / len(true_size),
        "largest_found": max(found_size.values()),
        "largest_true": max(true_size.values()),
        "multi_true": multi,
        "multi_together": together_multi,
        "multi_exact": exact_multi,
        "together_share": ratio(together_multi, multi),
        "unified_share": ratio(exact_multi, multi),
        "polluted": polluted,
        "polluted_share": polluted / len(found_size),
    }


def apply_review(truth, found, pairs):
    """Merge found clusters where a perfect reviewer says 'same'."""
    parent = {c: c for c in found.values()}

    def root(c):
        while parent[c] != c:
            parent[c] = parent[parent[c]]
            c = parent[c]
        return c

    yes = already = repeated = implied = 0
    seen_records, seen_clusters = set(), set()
    for a, b in pairs:
        key = (a, b) if a < b else (b, a)
        if key in seen_records:
            repeated += 1
        seen_records.add(key)
        ca, cb = found[a], found[b]
        if ca == cb:
            already += 1
        else:
            seen_clusters.add((ca, cb) if ca < cb else (cb, ca))
        if truth[a] == truth[b]:
            yes += 1
            ra, rb = root(ca), root(cb)
            if ra != rb:
                parent[ra] = rb
            elif ca != cb:
                implied += 1
    merged = {record: root(c) for record, c in found.items()}
    stats = {
        "questions": len(pairs),
        "questions_per_100_records": 100.0 * len(pairs) / len(truth),
        "answers_same": yes, "answers_different": len(pairs) - yes,
        "cluster_pairs": len(seen_clusters),
        "already_together": already,
        "repeated": repeated,
        "implied_by_earlier_answers": implied,
    }
    return merged, stats


# ---------------------------------------------------------------- printing

def show(title, m, unassigned=None):
    out = [title] if title else []
    out.append("records            %d" % m["records"])
    if unassigned is not None:
        out.append("unassigned         %d (counted as singletons)" % unassigned)
    out.append("pairs              true %d  found %d  tp %d  fp %d  fn %d" % (
        m["true_pairs"], m["found_pairs"], m["tp"], m["fp"], m["fn"]))
    out.append("pairwise           precision %.6f  recall %.6f  F1 %.6f" % (
        m["precision"], m["recall"], m["f1"]))
    out.append("B-cubed            precision %.6f  recall %.6f  F1 %.6f" % (
        m["b3_precision"], m["b3_recall"], m["b3_f1"]))
    out.append("clusters           found %d  true %d  largest found %d  largest true %d" % (
        m["clusters_found"], m["clusters_true"], m["largest_found"], m["largest_true"]))
    out.append("cluster-exact      %d of %d true clusters (%.4f)" % (
        m["clusters_exact"], m["clusters_true"], m["cluster_exact_share"]))
    out.append("unified            %d of %d multi-record clusters exact (%.4f); together %d (%.4f)" % (
        m["multi_exact"], m["multi_true"], m["unified_share"],
        m["multi_together"], m["together_share"]))
    out.append("polluted           %d of %d found clusters hold more than one true cluster (%.4f)" % (
        m["polluted"], m["clusters_found"], m["polluted_share"]))
    return "\n".join(out)


def show_review(s, m):
    return "\n".join([
        "",
        "after a perfect reviewer",
        "questions asked    %d (%.2f per 100 records): same %d, different %d" % (
            s["questions"], s["questions_per_100_records"],
            s["answers_same"], s["answers_different"]),
        "                   %d distinct cluster pairs; %d already together, %d repeated, %d implied by earlier answers" % (
            s["cluster_pairs"], s["already_together"], s["repeated"],
            s["implied_by_earlier_answers"]),
        show("", m),
    ])


# ---------------------------------------------------------------- self-test

def self_test():
    import random
    import tempfile

    checks = [0]

    def same(what, got, want):
        checks[0] += 1
        ok = abs(got - want) < 1e-12 if isinstance(want, float) else got == want
        if not ok:
            raise SystemExit("self-test FAILED: %s is %r, expected %r" % (what, got, want))

    def check(what, m, **want):
        for key, value in want.items():
            same("%s: %s" % (what, key), m[key], value)

    # Truth {a b c d} {e f} {g}; found {a b} {c d e} {f}, g not assigned.
    # true pairs 6+1=7; found pairs 1+3=4; right ones: ab, cd = 2.
    # B3 precision: a1 b1 c2/3 d2/3 e1/3 f1 g1 = 17/3, /7 = 17/21.
    # B3 recall:    a..d 1/2 each = 2, e f 1/2 each = 1, g 1 = 4, /7.
    truth = dict(a="1", b="1", c="1", d="1", e="2", f="2", g="3")
    found = dict(a="x", b="x", c="y", d="y", e="y", f="z", g="g")
    check("hand example", measure(truth, found),
          records=7, true_pairs=7, found_pairs=4, tp=2, fp=2, fn=5,
          precision=0.5, recall=2 / 7, f1=4 / 11,
          b3_precision=17 / 21, b3_recall=4 / 7,
          b3_f1=2 * (17 / 21) * (4 / 7) / (17 / 21 + 4 / 7),
          clusters_found=4, clusters_true=3, clusters_exact=1,
          multi_true=2, multi_together=0, multi_exact=0, polluted=1,
          largest_found=3, largest_true=4)

    # Review a-c (same: merges {a b}+{c d e}), f-g (different), b-d (same, implied),
    # c-d (already together). Now {a b c d e} {f} {g}: found pairs 10, tp 6, fp 4, fn 1.
    after, stats = apply_review(truth, found,
                                [("a", "c"), ("f", "g"), ("d", "b"), ("c", "d"), ("c", "a")])
    check("review", stats, questions=5, answers_same=4, answers_different=1,
          cluster_pairs=2, already_together=1, repeated=1, implied_by_earlier_answers=2,
          questions_per_100_records=500 / 7)
    check("after review", measure(truth, after),
          found_pairs=10, tp=6, fp=4, fn=1, precision=0.6, recall=6 / 7, f1=12 / 17,
          multi_together=1, multi_exact=0)

    # Ends of the scale.
    check("perfect", measure(truth, truth), tp=7, fp=0, fn=0, f1=1.0, b3_f1=1.0,
          clusters_exact=3, unified_share=1.0, polluted=0)
    check("all apart", measure(truth, {r: r for r in truth}), tp=0, fp=0, fn=7,
          precision=1.0, recall=0.0, f1=0.0, b3_precision=1.0, b3_recall=3 / 7,
          clusters_exact=1)
    check("all in one", measure(truth, {r: "q" for r in truth}), tp=7, fp=14, fn=0,
          precision=1 / 3, recall=1.0, f1=0.5, b3_precision=21 / 49, b3_recall=1.0,
          together_share=1.0, unified_share=0.0, polluted=1)

    # Against plain enumeration of all pairs on random partitions.
    rng = random.Random(20240501)
    for size in (1, 2, 5, 40, 80):
        for _ in range(8):
            records = ["r%d" % i for i in range(size)]
            t = {r: "t%d" % rng.randrange(1 + size // 2) for r in records}
            f = {r: "f%d" % rng.randrange(1 + size // 3) for r in records}
            tp = fp = fn = 0
            for i in range(size):
                for j in range(i):
                    is_true = t[records[i]] == t[records[j]]
                    is_found = f[records[i]] == f[records[j]]
                    tp += is_true and is_found
                    fp += is_found and not is_true
                    fn += is_true and not is_found
            p = r = 0.0
            for x in records:
                both = sum(1 for y in records if t[x] == t[y] and f[x] == f[y])
                p += both / sum(1 for y in records if f[x] == f[y]) / size
                r += both / sum(1 for y in records if t[x] == t[y]) / size
            m = measure(t, f)
            check("enumeration", m, tp=tp, fp=fp, fn=fn)
            same("enumeration: b3_precision", abs(m["b3_precision"] - p) < 1e-9, True)
            same("enumeration: b3_recall", abs(m["b3_recall"] - r) < 1e-9, True)

    # Files: what must be read, and what must be refused.
    with tempfile.TemporaryDirectory() as folder:
        def put(name, text):
            path = os.path.join(folder, name)
            with open(path, "w", newline="", encoding="utf-8") as handle:
                handle.write(text)
            return path

        def refused(what, part, call, *args):
            checks[0] += 1
            try:
                call(*args)
            except InputError as err:
                if part not in str(err):
                    raise SystemExit("self-test FAILED: %s: message was: %s" % (what, err))
                return
            raise SystemExit("self-test FAILED: %s was accepted" % what)

        good = put("t.csv", '\ufeffname,truth,record_id\r\n"a ""b"", c\nd",1,r1\r\nx,1,r2\r\ny,2,r3\r\n')
        t = read_truth(good)
        same("truth read", t, {"r1": "1", "r2": "1", "r3": "2"})
        f, unassigned = read_clusters(put("c.csv", "record_id,cluster_id\nr1,7\nr3,\n"), t)
        same("unassigned", unassigned, 2)
        check("unassigned are singletons", measure(t, f), clusters_found=3, fn=1)
        f, _ = read_clusters(put("c0.csv", "record_id,cluster_id\nr1,r2\n"), t)
        check("a cluster named like a record", measure(t, f), clusters_found=3)
        same("review read", read_review(
            put("v.csv", "record_id_a,record_id_b,score\nr1,r2,-0.5\n"), t), [("r1", "r2")])
        refused("no file", "cannot open", read_truth, os.path.join(folder, "none"))
        refused("empty file", "no header", read_truth, put("1", ""))
        refused("no rows", "no records", read_truth, put("2", "record_id,truth\n"))
        refused("no truth column", "missing column truth", read_truth, put("3", "record_id,cluster\na,1\n"))
        refused("truth twice", "duplicate record id 'a'", read_truth, put("4", "record_id,truth\na,1\na,1\n"))
        refused("empty truth", "empty truth", read_truth, put("5", "record_id,truth\na,\n"))
        refused("ragged row", "line 2: 3 fields", read_truth, put("6", "record_id,truth\na,1,2\n"))
        refused("no cluster column", "missing column cluster_id", read_clusters, put("7", "record_id,id\nr1,1\n"), t)
        refused("record twice", "line 3: duplicate record id 'r1'", read_clusters,
                put("8", "record_id,cluster_id\nr1,1\nr1,2\n"), t)
        refused("unknown record", "line 2: unknown record id 'zz'", read_clusters,
                put("9", "record_id,cluster_id\nzz,1\n"), t)
        refused("no review columns", "missing columns record_id_b, score", read_review,
                put("10", "record_id_a,b\nr1,r2\n"), t)
        refused("unknown review record", "unknown record id 'zz'", read_review,
                put("11", "record_id_a,record_id_b,score\nr1,zz,1\n"), t)
        refused("self pair", "paired with itself", read_review,
                put("12", "record_id_a,record_id_b,score\nr1,r1,1\n"), t)
        refused("bad score", "is not a number", read_review,
                put("13", "record_id_a,record_id_b,score\nr1,r2,high\n"), t)
        refused("open quote", "not valid CSV", read_truth, put("14", 'record_id,truth\n"a,1\n'))
    print("self-test passed (%d checks)" % checks[0])
    return 0


# ---------------------------------------------------------------- main

def main(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="score.py TRUTH.csv CLUSTERS.csv [--review REVIEW.csv] [options] | score.py --self-test")
    parser.add_argument("truth", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("clusters", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--review", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--min-f1", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--min-precision", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--min-review-f1", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--max-questions", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--self-test", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.self_test:
        return self_test()
    if not args.truth or not args.clusters:
        parser.error("TRUTH.csv and CLUSTERS.csv are needed")
    if not args.review and (args.min_review_f1 is not None or args.max_questions is not None):
        parser.error("--min-review-f1 and --max-questions need --review")

    truth = read_truth(args.truth)
    found, unassigned = read_clusters(args.clusters, truth)
    result = measure(truth, found)
    result["unassigned"] = unassigned
    stats = after = None
    if args.review:
        merged, stats = apply_review(truth, found, read_review(args.review, truth))
        after = measure(truth, merged)

    if args.json:
        whole = dict(result)
        if args.review:
            whole["review"] = stats
            whole["after_review"] = after
        print(json.dumps(whole, indent=1))
    else:
        print(show("", result, unassigned))
        if args.review:
            print(show_review(stats, after))

    low = []
    if args.min_f1 is not None and result["f1"] < args.min_f1:
        low.append("F1 %.6f < %g" % (result["f1"], args.min_f1))
    if args.min_precision is not None and result["precision"] < args.min_precision:
        low.append("precision %.6f < %g" % (result["precision"], args.min_precision))
    if args.min_review_f1 is not None and after["f1"] < args.min_review_f1:
        low.append("F1 after review %.6f < %g" % (after["f1"], args.min_review_f1))
    if args.max_questions is not None and stats["questions_per_100_records"] > args.max_questions:
        low.append("%.2f questions per 100 records > %g" % (
            stats["questions_per_100_records"], args.max_questions))
    if low:
        print("score.py: under the bound: " + "; ".join(low), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except InputError as err:
        print("score.py: %s" % err, file=sys.stderr)
        sys.exit(2)
