#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""make-tables.py - writes the tables of src/identity/tables/ from their published sources.

  make-tables.py NAMES.CSV ORG_TYPES.YML OUTDIR

names.csv is carltonnorthern/nicknames (Apache-2.0), org_types.yml is opensanctions/rigour
(MIT, resources/names/org_types.yml); both licences lie beside this script. diminutives.csv, beside
it too, is our own: short forms of given names in Dutch, French, German, Polish, Russian, Spanish
and Swedish, which names.csv lacks. Standard library only.
"""

import csv
import os
import re
import sys
import unicodedata


def fold(text):
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(c for c in text if not unicodedata.combining(c))
    return text


def words(text):
    return [w for w in re.split(r"[^a-z0-9]+", fold(text).replace("'", "").replace(".", "")) if w]


def nicknames(path):
    roots, classes = {}, {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            left, right = fold(row["name1"].strip()), fold(row["name2"].strip())
            if not (re.fullmatch("[a-z]+", left) and re.fullmatch("[a-z]+", right)):
                continue
            root = roots.setdefault(left, len(roots) + 1)
            classes.setdefault(left, set()).add(root)
            classes.setdefault(right, set()).add(root)
    with open(os.path.join(os.path.dirname(__file__), "diminutives.csv"), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            left = fold(row["name"].strip())
            root = roots.setdefault(left, len(roots) + 1)
            for name in [left, *map(fold, row["diminutives"].split())]:
                if re.fullmatch("[a-z]+", name):
                    classes.setdefault(name, set()).add(root)
    return classes


def write_nicknames(classes, path):
    with open(path, "w", encoding="ascii") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
        out.write("/* Given names and their classes, sorted; from carltonnorthern/nicknames\n"
                  " * (names.csv) and diminutives.csv; written by contrib/identity/tables/make-tables.py. */\n")
        flat, rows = [0], []
        for name in sorted(classes):
            rows.append((name, len(flat), len(classes[name])))
            flat.extend(sorted(classes[name]))
        out.write("static const uint16_t nickname_classes[] = {")
        for at, number in enumerate(flat):
            out.write(("\n\t" if at % 16 == 0 else " ") + f"{number},")
        out.write("\n};\n\nstatic const NicknameRow nickname_rows[] = {\n\t{\"\", 0, 0},\n")
        for name, at, count in rows:
            out.write(f"\t{{\"{name}\", {at}, {count}}},\n")
        out.write("};\n")


def legal_forms(path):
    """The few lines of YAML that the file uses: a list of maps of scalars and one list."""
    forms, current, in_aliases = {}, {}, False

    def close():
        generic = current.get("generic") or current.get("compare") or current.get("display")
        if not generic:
            return
        generic = "".join(words(generic)) or None
        if generic is None:
            return
        for alias in current.get("aliases", []) + [current.get("display", ""),
                                                   current.get("compare", "")]:
            key = " ".join(words(alias))
            if key and re.fullmatch("[a-z0-9 ]+", key) and len(key) >= 2:
                forms.setdefault(key, generic[:8])

    for line in open(path, encoding="utf-8"):
        line = line.split(" #")[0].rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        if line.startswith("  - "):
            close()
            current, in_aliases = {}, False
            line = "    " + line[4:]
        match = re.match(r"    (\w+):\s*(.*)$", line)
        if match:
            in_aliases = match.group(1) == "aliases"
            current[match.group(1)] = [] if in_aliases else match.group(2).strip("'\"")
        elif in_aliases and line.strip().startswith("- "):
            current["aliases"].append(line.strip()[2:].strip("'\""))
    close()
    return forms


def write_legal_forms(forms, path):
    with open(path, "w", encoding="ascii") as out:
        out.write("/* SPDX-License-Identifier: MIT */\n")
        out.write("/* Legal forms of companies and their generic class, sorted; from\n"
                  " * opensanctions/rigour (org_types.yml); written by\n"
                  " * contrib/identity/tables/make-tables.py. */\n")
        out.write("static const LegalFormRow legal_form_rows[] = {\n")
        for form in sorted(forms):
            out.write(f"\t{{\"{form}\", \"{forms[form]}\"}},\n")
        out.write("};\n")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    write_nicknames(nicknames(sys.argv[1]), sys.argv[3] + "/nicknames.inc")
    write_legal_forms(legal_forms(sys.argv[2]), sys.argv[3] + "/legal_forms.inc")


main()
