# SPDX-License-Identifier: PostgreSQL
"""identity_data — rows, folds, thinning and scores of the identity bench.

Scores come from tests/data/identity/score.py; what is added here is what that cannot say: folds,
intervals, shares per hard-negative class.  Nothing is random: choices are made by a hash of the
truth and a name.
"""

import csv
import hashlib
import os
import random
import sys
from collections import Counter, defaultdict

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
DATA = os.path.join(ROOT, "tests", "data", "identity")
CUSTOMERS = os.path.join(ROOT, "contrib", "customers")
sys.path[:0] = [DATA, CUSTOMERS]
# pylint: disable=wrong-import-position
import exact
import score


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    return path


def number(name, text):
    """A number of 64 bits that belongs to the text."""
    return int.from_bytes(hashlib.sha256(f"{name}:{text}".encode()).digest()[:8], "big")


def truth_of(rows):
    return {row["record_id"]: row["truth"] for row in rows}


def clusters_of(path, rows):
    """record_id -> cluster_id; who is not listed is alone."""
    found = {row["record_id"]: row["cluster_id"] for row in read(path)}
    return {r["record_id"]: found.get(r["record_id"]) or "alone:" + r["record_id"] for r in rows}


def measure(rows, clusters):
    return score.measure(truth_of(rows), clusters)


def exact_clusters(rows, rules):
    return exact.clusters_of(rows, [exact.rule_of(rule) for rule in rules])


def shuffled(rows, seed):
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    return rows


def thinned(rows, share=0.4):
    """Of that share of the persons one record is left."""
    kept, seen = [], set()
    for row in sorted(rows, key=lambda r: number("record", r["record_id"])):
        person = row["truth"]
        if number("thin", person) % 1000 < share * 1000:
            if person in seen:
                continue
            seen.add(person)
        kept.append(row)
    order = {row["record_id"]: place for place, row in enumerate(rows)}
    return sorted(kept, key=lambda r: order[r["record_id"]])


def fold_of(person, folds=5):
    return number("fold", person) % folds


def fold_scores(rows, clusters, folds=5):
    """Precision, recall and F1 of each fold of persons; a wrong pair with another fold counts."""
    truth = truth_of(rows)
    cell, found = Counter(), Counter()
    for record, person in truth.items():
        cell[clusters[record], person] += 1
        found[clusters[record]] += 1
    sizes = Counter(truth.values())
    inside = defaultdict(Counter)
    for (cluster, person), count in cell.items():
        inside[cluster, fold_of(person, folds)][person] += count
    right, wrong = [0] * folds, [0] * folds
    for (cluster, fold), persons in inside.items():
        here = sum(persons.values())
        same = sum(score.pairs_in(n) for n in persons.values())
        right[fold] += same
        wrong[fold] += score.pairs_in(here) - same + here * (found[cluster] - here)
    true = [0] * folds
    for person, size in sizes.items():
        true[fold_of(person, folds)] += score.pairs_in(size)
    scores = []
    for r, w, t in zip(right, wrong, true):
        scores.append((score.ratio(r, r + w), score.ratio(r, t), score.ratio(2 * r, r + w + t)))
    return scores


def bootstrap(rows, clusters, rounds=1000):
    """95 % interval of F1 and precision when persons are drawn with replacement."""
    truth = truth_of(rows)
    cell, found, sizes = Counter(), Counter(), Counter(truth.values())
    for record, person in truth.items():
        cell[clusters[record], person] += 1
        found[clusters[record]] += 1
    right, wrong = Counter(), Counter()
    for (cluster, person), count in cell.items():
        right[person] += score.pairs_in(count)
        wrong[person] += count * (found[cluster] - count) / 2
    persons = sorted(sizes)
    draw = random.Random(1)
    f1s, precisions = [], []
    for _ in range(rounds):
        r = w = t = 0
        for person in draw.choices(persons, k=len(persons)):
            r += right[person]
            w += wrong[person]
            t += score.pairs_in(sizes[person])
        f1s.append(score.ratio(2 * r, r + w + t))
        precisions.append(score.ratio(r, r + w))
    low, high = int(rounds * 0.025), int(rounds * 0.975) - 1
    f1s.sort()
    precisions.sort()
    return (f1s[low], f1s[high]), (precisions[low], precisions[high])


def polluted(rows, clusters):
    """Share of the entities of two or more records that hold two customers; those entities."""
    owners, sizes = defaultdict(set), Counter()
    for row in rows:
        owners[clusters[row["record_id"]]].add(row["truth"])
        sizes[clusters[row["record_id"]]] += 1
    many = [c for c in sizes if sizes[c] > 1]
    bad = {c for c in many if len(owners[c]) > 1}
    return len(bad) / max(1, len(many)), bad


def classes(rows, clusters):
    """class -> (customers, share of them in an entity with another customer)."""
    _, bad = polluted(rows, clusters)
    members, wrong = defaultdict(set), defaultdict(set)
    for row in rows:
        members[row["class"]].add(row["truth"])
        if clusters[row["record_id"]] in bad:
            wrong[row["class"]].add(row["truth"])
    return {c: (len(m), len(wrong[c]) / len(m)) for c, m in sorted(members.items())}


def same_partition(one, other):
    """Persons aside: the records whose cluster mates differ."""
    mates_one, mates_other = defaultdict(set), defaultdict(set)
    for record in one:
        mates_one[one[record]].add(record)
        mates_other[other[record]].add(record)
    return [r for r in one if mates_one[one[r]] != mates_other[other[r]]]


def candidate_pairs(rows):
    """Pairs of record ids that share two of name, date, place and postcode; of half A."""
    blocks = (("first_name", "dob"), ("surname", "dob"), ("first_name", "surname"),
              ("postcode_fake", "first_name"), ("postcode_fake", "surname"), ("dob", "birth_place"))
    pairs = set()
    for block in blocks:
        groups = defaultdict(list)
        for row in rows:
            key = tuple(row[c] for c in block)
            if all(key):
                groups[key].append(row["record_id"])
        for group in groups.values():
            for i, one in enumerate(group[:60]):
                for other in group[i + 1 : 60]:
                    pairs.add((one, other) if one < other else (other, one))
    return pairs
