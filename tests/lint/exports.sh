#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# exports.sh — the plugin exports its entry points and nothing else: every other symbol could
# clash with another library in the server.

set -u
plugin=build/plugin/goldpan.so
[ -f "$plugin" ] || { echo "$plugin is not built"; exit 77; }
unexpected=$(nm -D --defined-only "$plugin" | awk '{print $NF}' |
	grep -vE '^(Pg_magic_func|_PG_init|_PG_output_plugin_init|pg_finfo_[a-z_]+|goldpan_[a-z_]+)$')
if [ -n "$unexpected" ]; then
	printf 'exported, but no entry point:\n%s\n' "$unexpected"
	exit 1
fi
for needed in Pg_magic_func _PG_output_plugin_init; do
	nm -D --defined-only "$plugin" | grep -q " $needed\$" || { echo "$needed is not exported"; exit 1; }
done
# What the SQL script calls must be there, and what is there must be called.
for symbol in $(nm -D --defined-only "$plugin" | awk '{print $NF}' | grep '^goldpan_'); do
	grep -qs "'$symbol'" sql/goldpan--*.sql || { echo "$symbol is exported but no SQL function uses it"; exit 1; }
done
