#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""exact — the baseline: records are the same when a rule's columns are equal, nothing else.

  exact.py --rule email --rule phone:digits --rule first,last,dob IN.csv OUT.csv

A rule is one or more columns that must all be filled and equal.  Values are compared in lower case,
trimmed, blanks inside made one; `:digits` keeps digits only.  Links are closed transitively.  No
list of placeholders, no country codes, no names: what a company does that joins by equal values.
OUT.csv has record_id,cluster_id.
"""

import argparse
import csv
import sys


def value_of(row, column, only_digits):
    text = row[column]
    if only_digits:
        return "".join(c for c in text if c.isascii() and c.isdigit())
    return " ".join(text.lower().split())


def rule_of(text):
    return [(part.split(":")[0], part.endswith(":digits")) for part in text.split(",")]


def clusters_of(rows, rules):
    """Gives record_id -> cluster_id for an iterable of rows."""
    ids, parent, first = [], [], {}

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for number, row in enumerate(rows):
        ids.append(row["record_id"])
        parent.append(number)
        for place, rule in enumerate(rules):
            key = tuple(value_of(row, column, digits) for column, digits in rule)
            if not all(key):
                continue
            other = first.setdefault((place, key), number)
            a, b = root(other), root(number)
            parent[max(a, b)] = min(a, b)
    return {name: ids[root(i)] for i, name in enumerate(ids)}


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def write(path, clusters):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["record_id", "cluster_id"])
        out.writerows(clusters.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rule", action="append", required=True, type=rule_of)
    parser.add_argument("input")
    parser.add_argument("output")
    arguments = parser.parse_args()
    write(arguments.output, clusters_of(read(arguments.input), arguments.rule))
    return 0


if __name__ == "__main__":
    sys.exit(main())
