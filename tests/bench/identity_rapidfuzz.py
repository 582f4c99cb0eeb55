#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""identity_rapidfuzz — pairs a second when rapidfuzz makes the comparisons of one person pair.

  identity_rapidfuzz.py historical_50k_a.csv

Jaro-Winkler of given name, surname, birth place and occupation, OSA of birth date and postcode, as
vectors in C++ (cpdist, one worker), on the values of half a million pairs that share a name, a date or
a postcode; equal and empty values are not compared, as an engine would not.  Prints one number.
"""

import csv
import sys
import time
from collections import defaultdict

from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

FIELDS = (
    ("first_name", JaroWinkler.similarity), ("surname", JaroWinkler.similarity),
    ("birth_place", JaroWinkler.similarity), ("occupation", JaroWinkler.similarity),
    ("dob", OSA.distance), ("postcode_fake", OSA.distance),
)
WANTED = 500000


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pairs = set()
    for column in ("dob", "postcode_fake", "surname", "first_name"):
        groups = defaultdict(list)
        for place, row in enumerate(rows):
            if row[column]:
                groups[row[column]].append(place)
        for group in groups.values():
            for i, one in enumerate(group[:60]):
                pairs.update((one, other) for other in group[i + 1 : 60])
    pairs = sorted(pairs)
    pairs = pairs[:: max(1, len(pairs) // WANTED)]
    spent = 0.0
    for column, scorer in FIELDS:
        left, right = [], []
        for a, b in pairs:
            one, other = rows[a][column], rows[b][column]
            if one and other and one != other:
                left.append(one)
                right.append(other)
        started = time.perf_counter()
        cpdist(left, right, scorer=scorer, workers=1)
        spent += time.perf_counter() - started
    print(f"{len(pairs) / spent:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
