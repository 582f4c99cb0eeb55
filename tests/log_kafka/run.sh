#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# run.sh PROGRAM — run a test program against a Kafka and a registry of its own.
#
# The program finds BROKERS, REGISTRY, KAFKA_RUN (folder of the node) and KAFKA_NODE (the
# script that stops and starts it) in its environment. Everything ends with this script.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KAFKA_NODE=$here/../kafka/kafka-node.sh
REGISTRY_SCRIPT=$here/../kafka/registry.sh
KAFKA_RUN=$(mktemp -d "${TMPDIR:-/tmp}/goldpan-kafka.XXXXXX")

end() {
	"$KAFKA_NODE" stop "$KAFKA_RUN" KILL || true
	"$REGISTRY_SCRIPT" stop "$KAFKA_RUN/registry" || true
	rm -rf "$KAFKA_RUN"
}
trap end EXIT

skip_or_fail() {
	if [ "$1" = 77 ]; then
		echo "1..0 # SKIP $(tail -1 "$KAFKA_RUN/start.log")"
		exit 0
	fi
	cat "$KAFKA_RUN/start.log" >&2
	exit 1
}

# with openssl also a listener with TLS and logins
secure=
command -v openssl >/dev/null && secure=--secure
# shellcheck disable=SC2086 # empty or one word
BROKERS=$("$KAFKA_NODE" start "$KAFKA_RUN" $secure --owner $$ 2>"$KAFKA_RUN/start.log") || skip_or_fail $?
REGISTRY=$("$REGISTRY_SCRIPT" start "$KAFKA_RUN/registry" --owner $$ 2>"$KAFKA_RUN/start.log") ||
	skip_or_fail $?
SECURE_BROKERS=
[ -z "$secure" ] || SECURE_BROKERS=$("$KAFKA_NODE" bootstrap "$KAFKA_RUN" --secure)
export SECURE_BROKERS BROKERS REGISTRY KAFKA_RUN KAFKA_NODE
"$@"
