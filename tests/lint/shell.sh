#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# shell.sh — shellcheck over every shell script.

set -u
. tests/lint/files.sh
command -v shellcheck >/dev/null || { echo "shellcheck is not installed"; exit 77; }
tree_files '*' | grep -vE '^tests/fuzz/corpus/|\.(c|h|py|md|avsc|conf|sql|out|scd|mk)$' | while IFS= read -r file; do
	case $(head -c 64 "$file" | head -n 1 | tr -d '\0') in '#!'*sh*) echo "$file" ;; esac
done | xargs shellcheck -x -e SC1091,SC2317
