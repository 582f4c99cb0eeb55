#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# walsender.sh — what SQL functions cannot show: the plugin in a walsender.
#
# Run by run.sh with the server's folder, as the server's user, the server being up. Prints one
# line a case; exit status 1 if one fails.
set -euo pipefail

bin=$1
folder=$2
failed=0

query()
{
	"$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$folder" -U postgres -d walsender -c "$1"
}

report()
{
	if [ "$1" -eq 0 ]
	then
		echo "walsender: $2 ... ok"
	else
		echo "walsender: $2 ... FAILED"
		failed=1
	fi
}

# Streams the slot up to now into $folder/stream; further arguments are for pg_recvlogical.
stream()
{
	local end
	end=$(query "SELECT pg_current_wal_insert_lsn()")
	timeout 120 "$bin/pg_recvlogical" -h "$folder" -U postgres -d walsender -S walsender --start \
		-f "$folder/stream" --no-loop --endpos "$end" -o protocol=1 "$@" 2>"$folder/errors"
}

"$bin/createdb" -h "$folder" -U postgres walsender
query "CREATE TABLE t (id int PRIMARY KEY, i interval, d date, r regclass)"
query "CREATE TABLE unmapped (id int)"
query "SELECT pg_create_logical_replication_slot('walsender', 'goldpan')" >/dev/null

# The session's settings do not reach the output (Y1).
query "ALTER ROLE postgres SET datestyle = 'SQL, DMY'; ALTER ROLE postgres SET intervalstyle = 'sql_standard';
	ALTER ROLE postgres SET timezone = 'Asia/Tokyo'; ALTER ROLE postgres SET search_path = 'public'"
query "INSERT INTO t VALUES (1, '1 mon 2 days', '2024-02-29', 't')"
rm -f "$folder/stream"
stream -o 'tables="public"."t"("id","i","d","r")'
# shellcheck disable=SC2016
grep -qa 'P1M2D' "$folder/stream" && grep -qa 'public\.t' "$folder/stream"
report $? "hostile role settings do not reach the output"

# A long transaction of which nothing is sent: keepalives are answered in its middle (T13). It
# must take longer than the timeout, or it shows nothing; and it must not spill, since the
# server itself does not look at the client while it writes to its disk.
query "INSERT INTO unmapped SELECT generate_series(1, 800000)"
query "ALTER SYSTEM SET wal_sender_timeout = '500ms'"
query "ALTER SYSTEM SET logical_decoding_work_mem = '1GB'"
query "SELECT pg_reload_conf()" >/dev/null
started=$(date +%s%N)
status=0
stream -o 'tables="public"."t"("id")' || status=$?
took=$((($(date +%s%N) - started) / 1000000))
query "ALTER SYSTEM RESET wal_sender_timeout"
query "ALTER SYSTEM RESET logical_decoding_work_mem"
query "SELECT pg_reload_conf()" >/dev/null
if [ "$took" -lt 1000 ]
then
	echo "walsender: a long filtered transaction took only $took ms: not shown"
else
	report "$status" "a long filtered transaction does not look like a dead server"
fi

# A mistake in the options refuses the start, by name.
status=0
stream -o 'tables="public"."t"("id")' -o frame_bytes=7 || status=$?
[ "$status" -ne 0 ] && grep -q 'invalid value for goldpan option "frame_bytes": "7"' "$folder/errors"
report $? "an invalid option refuses the start"

query "ALTER ROLE postgres RESET ALL"
query "SELECT pg_drop_replication_slot('walsender')" >/dev/null
exit "$failed"
