#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# manual.sh — every manual page builds and mandoc finds nothing wrong in it.

set -u
command -v scdoc >/dev/null || { echo "scdoc is not installed"; exit 77; }
command -v mandoc >/dev/null || { echo "mandoc is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for page in contrib/man/*.scd; do
	name=$(basename "$page" .scd)
	if ! SOURCE_DATE_EPOCH=0 scdoc <"$page" >"$work/$name"; then
		echo "$page: scdoc cannot read it"
		failed=1
		continue
	fi
	# scdoc's own header lines and empty paragraphs are no fault of ours.
	if mandoc -T lint -W warning "$work/$name" 2>&1 | grep -v -E 'missing date|skipping paragraph macro'; then
		failed=1
	fi
	for other in $(grep -oE '\*?goldpan[a-z.-]*\*?\([0-9]\)' "$page" | tr -d '*' | sort -u); do
		[ -f "contrib/man/${other%(*}.${other: -2:1}.scd" ] || {
			echo "$page: there is no page $other"
			failed=1
		}
	done
done
exit $failed
