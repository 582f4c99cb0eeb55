#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# tidy.sh — clang-tidy with .clang-tidy, two files at a time. A file is looked at again only when it,
# a header or the configuration has changed since it passed.
#
#   tests/lint/tidy.sh [--analyze]     also with clang's analyzer: minutes instead of seconds

set -u
. tests/lint/files.sh
command -v clang-tidy >/dev/null || { echo "clang-tidy is not installed"; exit 77; }
checks=
[ "${1:-}" != --analyze ] || checks='clang-analyzer-core.*,clang-analyzer-unix.*,clang-analyzer-deadcode.*'
kept=build/lint/tidy${checks:+-analyze}
mkdir -p "$kept"
flags="-std=gnu11 -D_GNU_SOURCE -DGOLDPAN_VERSION=__FILE__ -DGOLDPAN_PREFIX=__FILE__ -Iinclude -Isrc -Ibuild/gcc/gen"
flags="$flags $(pkg-config --cflags libpq libconfig jansson rdkafka icu-i18n 2>/dev/null)"
common=$(tree_files .clang-tidy tests/lint/analyze.h 'include/*.h' 'src/*.h' | xargs cat | sha256sum | cut -c1-16)
export checks kept flags common

tidy_one() {
	local file=$1 stamp told=
	stamp=$kept/${file//\//_}.$common.$(sha256sum <"$file" | cut -c1-16)
	[ -f "$stamp" ] && return 0
	rm -f "$kept/${file//\//_}".*
	# these two define what analyze.h describes
	[ -z "$checks" ] || [[ $file == src/core/@(err|alloc).c ]] || told='-include tests/lint/analyze.h'
	# shellcheck disable=SC2086
	clang-tidy --quiet ${checks:+--checks="$checks"} --warnings-as-errors='*' "$file" -- $flags $told 2>/dev/null &&
		: >"$stamp"
}
export -f tidy_one

# shellcheck disable=SC2016,SC2046,SC2086
printf '%s\n' ${FILES:-$(tree_files 'src/*.c' | grep -v '^src/plugin/')} |
	xargs -n 1 -P 2 bash -c 'tidy_one "$1"' tidy
