# SPDX-License-Identifier: PostgreSQL
"""oracle — what a source's history must give, told by a test_decoding slot, and how a log is held against it.

The slot reads the same WAL through PostgreSQL's own decoding and a plugin that is not ours. Every
change of table person(id, name, note) becomes one expected event, a key change two; the log
must hold exactly these, each once, per key in the same order.
"""

import collections
import re

SLOT = "oracle"
LINE = re.compile(r"^table public\.person: (INSERT|UPDATE|DELETE): (.*)$", re.S)
# with replica identity FULL the old row comes even when the key stays
OLD_KEY = re.compile(r"^old-key: id\[integer\]:(-?\d+)\b.*? new-tuple: (.*)$", re.S)
ID = re.compile(r"^id\[integer\]:(-?\d+)")
NAME = re.compile(r" name\[text\]:(null|'((?:[^']|'')*)')", re.S)


def create(cluster, database, slot=SLOT):
    cluster.sql(database, f"SELECT pg_create_logical_replication_slot('{slot}', 'test_decoding')")


def expected(cluster, database, slot=SLOT):
    """Events per key: {id: [(operation, name), …]} in commit order; name is None for deletes."""
    rows = cluster.sql(
        database, f"SELECT data FROM pg_logical_slot_peek_changes('{slot}', NULL, NULL, 'include-xids', '0')"
    )
    events = collections.defaultdict(list)
    for (line,) in rows:
        match = LINE.match(line)
        if not match:
            continue
        kind, rest = match.groups()
        old = OLD_KEY.match(rest)
        rest = old.group(2) if old else rest
        key = ID.match(rest).group(1)
        moved = old and old.group(1) != key
        if moved:
            events[old.group(1)].append(("delete", None))
        name = NAME.search(rest)
        text = name.group(2).replace("''", "'") if name and name.group(2) is not None else None
        operation = {"INSERT": "create", "DELETE": "delete", "UPDATE": "create" if moved else "update"}[kind]
        events[key].append((operation, None if kind == "DELETE" else text))
    return events


def compare(records, wanted):
    """Asserts that the records, in log order, are the wanted events: nothing lost, doubled or out of order.
    Rows of a snapshot are left out: the caller starts with empty tables or holds them against a SELECT."""
    got = collections.defaultdict(list)
    seen = set()
    for record in records:
        meta = record["meta"]
        if meta["operation"] == "snapshot":
            continue
        if meta["event_id"] in seen:
            raise AssertionError(f"event {meta['event_id']} is in the log twice")
        seen.add(meta["event_id"])
        name = None if meta["operation"] == "delete" else record["full_name"]
        got[record["id"]].append((meta["operation"], name))
    for key in sorted(set(got) | set(wanted)):
        if got[key] != wanted[key]:
            raise AssertionError(
                f"key {key}: the log has {len(got[key])} events, the source {len(wanted[key])}; first difference: "
                f"{first_difference(got[key], wanted[key])}"
            )
    return len(seen)


def first_difference(got, wanted):
    for number in range(max(len(got), len(wanted))):
        left = got[number] if number < len(got) else "nothing"
        right = wanted[number] if number < len(wanted) else "nothing"
        if left != right:
            return f"event {number}: log {left}, source {right}"
    return "none"
