#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# titles.sh — each file starts with the SPDX line; each C file's title names the file; no two
# C files have the same name (the plugin's dependency files would overwrite each other).

set -u
. tests/lint/files.sh

failed=0
while IFS= read -r file; do
	if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: PostgreSQL'; then
		echo "$file: no SPDX line at the top"
		failed=1
	fi
	case $file in *.c | *.h)
		name=$(basename "$file" | sed "s/\.[ch]$//")
		if ! head -n 5 "$file" | grep -qE "^ \* $name(\.[ch])?( |$)"; then
			echo "$file: its title is not \"$name — what it is for\""
			failed=1
		fi
		;;
	esac
done < <(tree_files 'src/*.c' 'src/*.h' 'include/*.h' 'tests/*.c' 'tests/*.h' 'tests/*.sh' \
	'tests/*.mk' 'tests/*.py' 'src/*.mk' 'contrib/*.mk' 'contrib/*.py' Makefile)

twice=$(tree_files 'src/*.c' | sed 's|.*/||' | sort | uniq -d)
if [ -n "$twice" ]; then
	echo "C files with the same name: $twice"
	failed=1
fi
exit $failed
