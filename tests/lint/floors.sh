#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# floors.sh — a room includes headers of its own or of lower floors only.
#
# wire is compiled into both sides and knows no other room; plugin knows wire alone, and only
# plugin sees the server's headers. A room's private headers stay in it.

set -u
. tests/lint/files.sh
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }

tree_files 'src/*.c' 'src/*.h' 'include/goldpan/*.h' | python3 -c '
import os, re, sys

ROOMS = ["wire", "core", "conf", "model", "identity", "source", "mapping", "encode",
         "registry", "log", "dataset", "progress", "deadletter", "stream", "admin", "cli"]
# Headers whose name is not that of their room.
CORE = {"alloc", "arena", "buffer", "clock", "debug_point", "err", "loop", "lsn", "queue",
        "report", "signals"}
OTHERS = {"canonical": "model"}
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]")
floors = {room: floor for floor, room in enumerate(ROOMS)}
failed = False


def wrong(where, text):
    global failed
    failed = True
    print(f"{where}: {text}")


def room_of(header):
    if header in CORE:
        return "core"
    if header in OTHERS:
        return OTHERS[header]
    return header if header in floors else header.split("_")[0]


def judge(where, room, kind, name):
    if name.startswith("goldpan/"):
        header = os.path.basename(name)[:-2]
        other = room_of(header)
        if other not in floors:
            wrong(where, f"{name} belongs to no room that tests/lint/floors.sh knows")
        elif room in ("plugin", "wire"):
            if other != "wire":
                wrong(where, f"{room}/ knows wire/ alone, not {name}")
        elif floors[other] > floors[room]:
            wrong(where, f"{room}/ includes {name} of the higher floor {other}/")
    elif kind == "\"" and "/" in name and name.split("/")[0] != room:
        if os.path.isdir("src/" + name.split("/")[0]):
            wrong(where, f"{name} is private to another room")
    elif re.match(r"(postgres|fmgr)[.]h$|replication/", name) and room != "plugin":
        wrong(where, f"only plugin/ may see the server, not {name}")


for path in sys.stdin.read().split():
    parts = path.split("/")
    room = parts[1] if parts[0] == "src" and len(parts) > 2 else room_of(parts[-1][:-2])
    if room not in floors and room != "plugin":
        wrong(path, f"room \"{room}\" is not in the list of tests/lint/floors.sh")
        continue
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                judge(f"{path}:{number}", room, match.group(1), match.group(2))
sys.exit(failed)'
