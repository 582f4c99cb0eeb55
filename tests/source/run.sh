#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# run.sh PROGRAM PLUGIN — runs the source room's tests against a throw-away server.
#
# The server runs as user postgres when we are root, on a Unix socket only, in a temporary
# folder to which the plugin is copied, so that a clone in an unreadable home works. The
# program is run in phases, since some settings take a restart.
set -euo pipefail

program=$1
plugin=$2
bin=$("${PG_CONFIG:-pg_config}" --bindir)
home=$(mktemp -d "${TMPDIR:-/tmp}/goldpan-source.XXXXXX")
as_postgres=()
if [ "$(id -u)" -eq 0 ]; then
	as_postgres=(runuser -u postgres --)
	chown postgres "$home"
fi
chmod 711 "$home"

ctl() {
	"${as_postgres[@]}" "$bin/pg_ctl" -D "$home/data" -l "$home/log" -w -s "$@"
}
# shellcheck disable=SC2317 # reached by the trap
finish() {
	ctl -m immediate stop 2>/dev/null || true
	rm -rf "$home"
}
trap finish EXIT

"${as_postgres[@]}" "$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 --locale=C -N >/dev/null
"${as_postgres[@]}" mkdir "$home/lib"
"${as_postgres[@]}" tee "$home/lib/goldpan.so" <"$plugin" >/dev/null
"${as_postgres[@]}" tee "$home/data/pg_hba.conf" >/dev/null <<HBA
local all with_password scram-sha-256
local all all trust
HBA
"${as_postgres[@]}" tee -a "$home/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$home'
wal_level = logical
max_wal_senders = 6
max_replication_slots = 4
max_prepared_transactions = 4
wal_sender_timeout = 4s
fsync = off
autovacuum = off
log_min_messages = fatal
dynamic_library_path = '$home/lib:\$libdir'
CONF
# only servers that know the setting may be given it
if [ "$("${as_postgres[@]}" "$bin/postgres" -D "$home/data" -C output_plugin_libraries 2>/dev/null)" != "" ]; then
	echo "output_plugin_libraries = 'pgoutput, test_decoding, goldpan'" |
		"${as_postgres[@]}" tee -a "$home/data/postgresql.conf" >/dev/null
fi

export SOURCE_TEST_HOST=$home
export CMOCKA_MESSAGE_OUTPUT=TAP
failed=0

ctl -o '-c wal_level=replica' start
"$program" replica || failed=1
ctl -m fast stop
ctl start
"$program" main || failed=1
SOURCE_TEST_STOP="${as_postgres[*]} $bin/pg_ctl -D $home/data -s -m fast -W stop" "$program" shutdown || failed=1
exit $failed
