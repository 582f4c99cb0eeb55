#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""read_samples.py — fastavro reads what write_samples wrote, and agrees with our JSON.

usage: read_samples.py FOLDER COUNT; prints TAP.
"""
import datetime
import decimal
import glob
import json
import math
import os
import sys

import fastavro
import fastavro.read

decimal.getcontext().prec = 60
MAX_DATE = 106751991  # days that microseconds in 64 bits can say


def civil(days):
    """Year, month, day of a day number, for any year (datetime ends at 9999)."""
    era, rest = divmod(days + 719468, 146097)
    year = (rest - rest // 1460 + rest // 36524 - rest // 146096) // 365
    day = rest - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + (month <= 2), month, day


def date_text(days):
    year, month, day = civil(days)
    if 0 <= year <= 9999:
        return "%04d-%02d-%02d" % (year, month, day)
    return "%s%06d-%02d-%02d" % ("-" if year < 0 else "+", abs(year), month, day)


def instant_text(micros):
    days, rest = divmod(micros, 86400 * 10**6)
    seconds, micros = divmod(rest, 10**6)
    return "%sT%02d:%02d:%02d.%06dZ" % (
        date_text(days), seconds // 3600, seconds // 60 % 60, seconds % 60, micros)


def lsn_text(lsn):
    return "%X/%X" % (lsn >> 32, lsn & 0xFFFFFFFF)


def expected(value, schema):
    """A value as fastavro gives it, in the form our JSON has."""
    if isinstance(schema, list):
        if value is None:
            return None
        return expected(value, schema[1])
    kind = schema["type"] if isinstance(schema, dict) else schema
    logical = schema.get("logicalType") if isinstance(schema, dict) else None
    if kind == "record":
        return {f["name"]: lsn_text(value[f["name"]]) if f.get("goldpan.format") == "pg_lsn"
                else expected(value[f["name"]], f["type"]) for f in schema["fields"]}
    if kind == "array":
        return [expected(item, schema["items"]) for item in value]
    if logical == "decimal":
        assert isinstance(value, decimal.Decimal), value
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if logical == "date":
        days = (value - datetime.date(1970, 1, 1)).days if isinstance(value, datetime.date) else value
        return days if abs(days) > MAX_DATE else date_text(days)
    if logical == "timestamp-micros":
        if isinstance(value, datetime.datetime):
            value = (value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
                     ) // datetime.timedelta(microseconds=1)
        return instant_text(value)
    if kind == "double" and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def same(ours, theirs):
    if isinstance(ours, float) and isinstance(theirs, float):
        return ours == theirs and math.copysign(1, ours) == math.copysign(1, theirs)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    return type(ours) is type(theirs) and ours == theirs


def compare(avro, jsonl, count):
    read = 0
    with open(avro, "rb") as file, open(jsonl, encoding="utf-8", newline="\n") as lines:
        reader = fastavro.reader(file)
        schema = reader.writer_schema
        types = {f["name"]: f for f in schema["fields"]}
        for record in reader:
            ours = json.loads(next(lines))
            theirs = expected(record, schema)
            for name in types:
                if not same(ours[name], theirs[name]):
                    return "record %d, field %s: %r, fastavro says %r" % (
                        read, name, ours[name], theirs[name])
            read += 1
        if next(lines, None) is not None or read != count:
            return "%d records, not %d" % (read, count)
    return None


def raw(data, writer_schema=None, reader_schema=None, *_):
    return data


def check_dictionary(folder):
    """The header's schema keeps what libavro would drop."""
    with open(os.path.join(folder, "invoice.plain.avro"), "rb") as file:
        text = fastavro.reader(file).metadata["avro.schema"]
    for wanted in ("timestamp-micros", "decimal", '"doc"', "goldpan.pii", "goldpan.currency"):
        if wanted not in text:
            return "the header's schema lacks " + wanted
    return None


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    results = [("header keeps logical types, documentation and dictionary", check_dictionary(folder))]
    plain = sorted(glob.glob(os.path.join(folder, "*.plain.avro")))
    for path in plain:
        results.append(("fastavro reads " + os.path.basename(path),
                        compare(path, path.replace(".avro", ".jsonl"), count // 10 + 1)))
    # Python's own dates end at the year 9999, so the extremes are compared as numbers.
    for name in ("long-timestamp-micros", "int-date"):
        fastavro.read.LOGICAL_READERS[name] = raw
    extreme = sorted(glob.glob(os.path.join(folder, "*.extreme.*.avro")))
    for path in extreme:
        results.append(("fastavro reads " + os.path.basename(path),
                        compare(path, path.split(".extreme.")[0] + ".extreme.jsonl", count)))
    if len(plain) != 10 or len(extreme) != 20:
        results.append(("all entities are there", "%d and %d files" % (len(plain), len(extreme))))
    print("1..%d" % len(results))
    for number, (name, problem) in enumerate(results, 1):
        print("%s %d - %s" % ("ok" if problem is None else "not ok", number, name))
        if problem is not None:
            print("# " + problem)
    return 1 if any(problem for _, problem in results) else 0


if __name__ == "__main__":
    sys.exit(main())
