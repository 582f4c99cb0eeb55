#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# words.sh — no postponed work in comments, and no C function that cannot be called safely.

set -u
. tests/lint/files.sh

failed=0
markers='TO''DO|FIX''ME|X''XX|HA''CK'
if tree_files '*' | grep -vE '\.(avsc|svg|png)$|^tests/fuzz/corpus/|^LICENSE$' |
	xargs grep -nIE "\\b($markers)\\b"; then
	echo "Finish it or leave it out."
	failed=1
fi
banned='strcpy|strcat|sprintf|vsprintf|gets|strtok|strncpy|tmpnam|mktemp|asctime|ctime|gmtime|localtime|atoll|system|popen|alloca'
if tree_files 'src/*.c' 'src/*.h' | xargs grep -nE "(^|[^_a-zA-Z0-9>.\"])($banned)\\("; then
	echo "Use snprintf, memcpy, strtok_r, mkstemp, gmtime_r, strtoll."
	failed=1
fi
if tree_files 'src/*.c' | grep -v '^src/core/alloc\.c$' | grep -v '^src/plugin/' |
	xargs grep -nE '(^|[^_a-zA-Z0-9>.])(malloc|calloc|realloc|strdup|strndup)\('; then
	echo "Allocate through goldpan/alloc.h, an Arena or a Buffer."
	failed=1
fi
if tree_files 'src/*.c' | grep -v '^src/cli/main\.c$' | grep -v '^src/plugin/' |
	xargs grep -nE '(^|[^_a-zA-Z0-9>.])(exit|_exit|abort)\('; then
	echo "Only src/cli/main.c ends the program."
	failed=1
fi
exit $failed
