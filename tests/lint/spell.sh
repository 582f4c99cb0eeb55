#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# spell.sh — codespell over prose and code. Words that are right stand in tests/lint/words.txt.

set -u
. tests/lint/files.sh
command -v codespell >/dev/null || { echo "codespell is not installed"; exit 77; }
tree_files '*' | grep -vE '^tests/fuzz/corpus/|^src/identity/tables/|^contrib/demo/|^contrib/identity/tables/[^/]*\.csv$|^tests/regress/expected/|^tests/golden/|^contrib/customers/customers_tables\.c$|^tests/data/identity/([^/]*\.(csv|txt)|score\.py)$' |
	xargs codespell -q 7 -I tests/lint/words.txt
