#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""explain_check — rebuilds a score from the text of an explanation alone.

    goldpan identity explain --state DIR A B | contrib/identity/explain_check.py

Adds the lines "bits NUMBER …" and compares the sum with the line "score NUMBER" that follows them. Ends
with status 0 when every score is the sum of its bits, 1 when one is not, 2 when there is none.
"""

import sys

TOLERANCE = 0.001  # what rounding of the printed numbers can add up to


def main():
    total, parts, scores, wrong = 0.0, 0, 0, 0
    for line in sys.stdin:
        words = line.split()
        if len(words) >= 2 and words[0] == "bits":
            total += float(words[1])
            parts += 1
        elif len(words) >= 2 and words[0] == "score":
            scores += 1
            if parts == 0 or abs(total - float(words[1])) > TOLERANCE:
                wrong += 1
                print(f"score {words[1]} is not the sum of its {parts} parts, {total:.4f}")
            total, parts = 0.0, 0
    print(f"{scores} scores, {wrong} wrong")
    return 2 if scores == 0 else 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
