#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# run.sh — runs the plugin's regression suite (pg_regress) on a throw-away server.
#
#   run.sh [--valgrind] [TEST...]          environment: PG_CONFIG, BUILD (build/regress)
#
# The server refuses to run as root and cannot read a folder under root's home, so everything
# it needs is copied to a temporary folder that belongs to its user. It listens on a unix
# socket there, and is stopped and removed whatever happens. Differences are printed and kept
# in build/regress.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
bin=$("$PG_CONFIG" --bindir)
pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")
regress=$pgxs/../../src/test/regress/pg_regress
output=${BUILD:-$root/build/regress}
valgrind=
if [ "${1:-}" = --valgrind ]
then
	valgrind=yes
	shift
fi
tests=("$@")
if [ ${#tests[@]} -eq 0 ]
then
	mapfile -t tests < <(grep -v '^#' "$root/tests/regress/schedule")
fi

folder=$(mktemp -d /tmp/goldpan-regress.XXXXXX)
server_pid=

as_server()
{
	if [ "$(id -u)" -eq 0 ]
	then
		(cd "$folder" && runuser -u postgres -- "$@")
	else
		(cd "$folder" && "$@")
	fi
}

# shellcheck disable=SC2317
finish()
{
	as_server "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
	[ -z "$server_pid" ] || wait "$server_pid" 2>/dev/null || true
	rm -rf "$folder"
}
trap finish EXIT

# What the server reads: the library, the extension, the tests.
make -s -C "$root" install-plugin PG_CONFIG="$PG_CONFIG" DESTDIR="$folder/dest" >/dev/null
library=$folder/dest$("$PG_CONFIG" --pkglibdir)
mkdir "$folder/regress" "$folder/output"
cp -r "$root/tests/regress/sql" "$root/tests/regress/expected" "$root/tests/regress/walsender.sh" \
	"$folder/regress/"
if [ "$(id -u)" -eq 0 ]
then
	chown -R postgres:postgres "$folder"
fi
chmod 755 "$folder"

as_server "$bin/initdb" -D data -U postgres -A trust --no-sync -E UTF8 --locale=C >"$folder/initdb.log" ||
	{ cat "$folder/initdb.log"; exit 1; }
known=$(as_server "$bin/postgres" --describe-config)
{
	echo "listen_addresses = ''"
	echo "unix_socket_directories = '$folder'"
	echo "wal_level = logical"
	echo "max_replication_slots = 20"
	echo "max_prepared_transactions = 4"
	echo "fsync = off"
	echo "autovacuum = off"
	echo "shared_buffers = '32MB'"
	echo "dynamic_library_path = '$library:\$libdir'"
	# Debian's servers find an extension elsewhere; others need it installed.
	if grep -q '^extension_destdir' <<<"$known"
	then
		echo "extension_destdir = '$folder/dest'"
	fi
	# An older server refuses to start on a setting that it does not know.
	if grep -q '^output_plugin_libraries' <<<"$known"
	then
		echo "output_plugin_libraries = 'pgoutput, test_decoding, goldpan'"
	fi
} >>"$folder/data/postgresql.conf"

if [ -n "$valgrind" ]
then
	cp "$root/tests/regress/valgrind.supp" "$folder/"
	as_server valgrind --quiet --trace-children=yes --leak-check=no \
		--suppressions="$folder/valgrind.supp" --log-file="$folder/output/valgrind.%p.log" \
		"$bin/postgres" -D "$folder/data" >"$folder/server.log" 2>&1 &
	server_pid=$!
	# Half a minute on a quiet machine.
	for _ in $(seq 300)
	do
		"$bin/pg_isready" -q -h "$folder" && break
		kill -0 "$server_pid" || { cat "$folder/server.log" "$folder"/output/valgrind.*; exit 1; }
		sleep 1
	done
else
	as_server "$bin/pg_ctl" -D data -l "$folder/server.log" -w start >/dev/null ||
		{ cat "$folder/server.log" "$folder"/output/valgrind.*; exit 1; }
fi

status=0
as_server "$regress" --bindir="$bin" --inputdir="$folder/regress" --outputdir="$folder/output" \
	--host="$folder" --port=5432 --user=postgres --dbname=regress --encoding=UTF8 \
	--load-extension=goldpan "${tests[@]}" || status=$?
if [ -z "$valgrind" ]
then
	as_server "$folder/regress/walsender.sh" "$bin" "$folder" || status=$?
fi

rm -rf "$output"
mkdir -p "$output"
cp -r "$folder/output/." "$output/"
cp "$folder/server.log" "$output/"
if [ -s "$output/regression.diffs" ]
then
	cat "$output/regression.diffs"
fi
if [ -n "$valgrind" ]
then
	as_server "$bin/pg_ctl" -D data -m fast -w stop >/dev/null || status=1
	if grep -lq '==.*\(Invalid\|uninitialised\|Conditional\|points to\|overlap\)' "$output"/valgrind.*.log
	then
		cat "$output"/valgrind.*.log
		echo "valgrind found errors"
		status=1
	fi
fi
exit "$status"
