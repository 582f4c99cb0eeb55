#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# python.sh — every Python script compiles.

set -u
. tests/lint/files.sh
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
tree_files '*.py' | PYTHONDONTWRITEBYTECODE=1 python3 -c '
import sys
failed = False
for path in sys.stdin.read().split():
    try:
        with open(path, encoding="utf-8") as file:
            compile(file.read(), path, "exec")
    except SyntaxError as error:
        print(f"{path}:{error.lineno}: {error.msg}")
        failed = True
sys.exit(failed)'
