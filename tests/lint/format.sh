#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# format.sh — clang-format has nothing to change.

set -u
. tests/lint/files.sh
command -v clang-format >/dev/null || { echo "clang-format is not installed"; exit 77; }
c_files | xargs -n 20 -P 2 clang-format --dry-run -Werror
