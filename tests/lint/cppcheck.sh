#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# cppcheck.sh — cppcheck's errors, warnings and portability findings, of the whole tree but the plugin,
# whose macros need the server's headers.

set -u
. tests/lint/files.sh
command -v cppcheck >/dev/null || { echo "cppcheck is not installed"; exit 77; }
mkdir -p build/lint/cppcheck
# shellcheck disable=SC2046,SC2086
cppcheck --quiet -j 2 --std=c11 --enable=warning,portability,performance --inline-suppr \
	--suppressions-list=tests/lint/cppcheck.txt --cppcheck-build-dir=build/lint/cppcheck \
	--error-exitcode=1 -D_GNU_SOURCE -DGOLDPAN_VERSION='""' -DGOLDPAN_PREFIX='""' -Iinclude -Isrc \
	${FILES:-$(tree_files 'src/*.c' | grep -v '^src/plugin/')}
