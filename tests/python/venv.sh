#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
#
# venv.sh — makes build/venv, the Python that the tests use, and prints its
# interpreter. Quick when it is there and as requirements.txt wants it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
venv="$top/build/venv"
wanted="$here/requirements.txt"

if ! cmp -s "$wanted" "$venv/requirements.done"; then
	mkdir -p "$top/build"
	/usr/bin/python3 -m venv --system-site-packages "$venv" >&2
	"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted" >&2
	cp "$wanted" "$venv/requirements.done"
fi
echo "$venv/bin/python"
