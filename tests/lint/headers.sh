#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# headers.sh — every header compiles alone, included twice.

set -u
. tests/lint/files.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -Isrc -Ibuild/gcc/gen"
flags="$flags $(pkg-config --cflags libpq libconfig jansson rdkafka 2>/dev/null)"
failed=0
for header in $(tree_files 'include/goldpan/*.h' 'src/*.h' | grep -v -e '^src/plugin/' -e '/wire_[a-z]*\.h$'); do
	name=${header#include/}
	name=${name#src/}
	printf '#include "%s"\n#include "%s"\nextern int empty;\n' "$name" "$name" >"$work/one.c"
	# shellcheck disable=SC2086
	if ! gcc $flags -fsyntax-only "$work/one.c"; then
		echo "$header does not compile alone"
		failed=1
	fi
done
exit $failed
