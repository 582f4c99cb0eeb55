#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# registry.sh — a throw-away Apicurio Registry (Confluent-compatible API) on 127.0.0.1.
#
#   registry.sh start RUN [--port PORT] [--owner PID]   start, wait, print the API's address
#   registry.sh stop  RUN [SIGNAL]
#   registry.sh address RUN
#
# RUN is a folder of the caller's. Schemas lie in memory: they are gone when the process
# ends. --owner: ended with that process. Fetches what is missing (kafka-fetch.sh);
# exit status 77 when it cannot be had. REGISTRY_HEAP: default 256m.
set -euo pipefail
# shellcheck source=tests/kafka/kafka-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/kafka-common.sh"

usage() {
	echo "usage: registry.sh start|stop|address RUN [--port PORT] [--owner PID]" >&2
	exit 2
}
[ $# -ge 2 ] || usage
command=$1
mkdir -p "$2"
run=$(cd "$2" && pwd)
shift 2

start() {
	local jar pid t
	port=
	owner=
	while [ $# -gt 0 ]; do
		case $1 in
		--port) port=$2 ;;
		--owner) owner=$2 ;;
		*) usage ;;
		esac
		shift 2
	done
	"$kafka_top/tests/kafka/kafka-fetch.sh" registry
	find_java
	confine_java "$run"
	[ -n "$port" ] || free_port
	jar=$(find "$REGISTRY_LIBS" -maxdepth 1 \( -name '*-runner.jar' -o -name quarkus-run.jar \) | head -1)
	setsid "$java" "${confined[@]}" -Xmx"${REGISTRY_HEAP:-256m}" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
		-Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" \
		-jar "$jar" >"$run/registry.log" 2>&1 </dev/null &
	pid=$!
	echo "$pid" >"$run/registry.pid"
	echo "http://127.0.0.1:$port/apis/ccompat/v7" >"$run/registry.address"
	[ -z "$owner" ] || watch_owner "$owner" "$run"
	for ((t = 0; t < 900; t++)); do
		# no curl: a bare clone has none, bash speaks enough HTTP for this
		if { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then
			printf 'GET /apis/ccompat/v7/subjects HTTP/1.0\r\n\r\n' >&3
			if head -1 <&3 | grep -q ' 200 '; then
				exec 3>&-
				cat "$run/registry.address"
				return
			fi
			exec 3>&-
		fi
		kill -0 "$pid" 2>/dev/null || {
			echo "registry.sh: the registry ended:" >&2
			tail -20 "$run/registry.log" >&2
			rm -f "$run/registry.pid"
			exit 1
		}
		sleep 0.1
	done
	echo "registry.sh: not ready after 90 s, see $run/registry.log" >&2
	exit 1
}

stop() {
	local pid t
	rm -f "$run/owner"
	[ -s "$run/registry.pid" ] || return 0
	pid=$(<"$run/registry.pid")
	kill -"${1:-TERM}" "$pid" 2>/dev/null || true
	for ((t = 0; t < 100; t++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true
	rm -f "$run/registry.pid"
}

case $command in
start) start "$@" ;;
stop) stop "$@" ;;
address) cat "$run/registry.address" ;;
*) usage ;;
esac
