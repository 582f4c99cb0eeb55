#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# settings.sh — manual, sample file and table of settings agree; so do the tables of exit statuses
# and commands. `make docs` writes them anew.

set -u
program=${PROGRAM:-build/gcc/goldpan}
[ -x "$program" ] || { echo "$program is not built"; exit 77; }
failed=0
if ! diff -u contrib/examples/goldpan.conf <("$program" config show --format sample); then
	echo "contrib/examples/goldpan.conf differs from the table of settings"
	failed=1
fi
for page in goldpan.1 goldpan.conf.5; do
	if ! diff -u "contrib/man/$page.scd" <(PROGRAM=$program contrib/man/generate.sh "$page"); then
		echo "contrib/man/$page.scd differs from what the program says"
		failed=1
	fi
done
[ $failed = 0 ] || echo "Run: make docs"
exit $failed
