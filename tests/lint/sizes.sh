#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# sizes.sh — hard limits: 1,000 lines a .c file, 250 a public header, 100 a function, complexity 20.
#
# Files aim at 150 to 500 lines and functions at 40; these are the limits, not the aims.

set -u
. tests/lint/files.sh
command -v pmccabe >/dev/null || { echo "pmccabe is not installed"; exit 77; }

failed=0
while IFS= read -r file; do
	lines=$(wc -l <"$file")
	limit=1000
	case $file in
	tests/*) continue ;;
	*_priv.h) limit=500 ;;
	*.h) limit=250 ;;
	esac
	if [ "$lines" -gt "$limit" ]; then
		echo "$file: $lines lines, more than $limit"
		failed=1
	fi
done < <(c_files)

# pmccabe: complexity, without switch, statements, first line, lines, file(line): function
c_files | grep '\.c$' | xargs pmccabe 2>/dev/null | awk -F '\t' '
	$1 > 20 { print $6 ": complexity " $1 ", more than 20"; bad = 1 }
	$5 > 100 { print $6 ": " $5 " lines, more than 100"; bad = 1 }
	END { exit bad }' || failed=1
exit $failed
