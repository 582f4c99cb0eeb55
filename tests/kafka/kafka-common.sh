# SPDX-License-Identifier: PostgreSQL
# shellcheck shell=bash
#
# kafka-common.sh — what the scripts in this folder share (sourced).
#
# Versions, where the downloaded parts lie, and the one way to say "cannot be
# had here": a line on standard error and exit status 77, which prove, automake
# and `make check` read as skipped.

KAFKA_VERSION=${KAFKA_VERSION:-4.3.1}
# shellcheck disable=SC2034 # used by the scripts that source this
LOG4J_VERSION=2.25.3
REGISTRY_VERSION=2.6.13.Final

kafka_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Downloads; `make clean` removes it, Maven's own cache (~/.m2) makes the next fetch quick.
KAFKA_DIR=${KAFKA_DIR:-$kafka_top/build/kafka}
# shellcheck disable=SC2034 # used by the scripts that source this
KAFKA_LIBS=${KAFKA_LIBS:-$KAFKA_DIR/kafka-$KAFKA_VERSION}
REGISTRY_LIBS=${REGISTRY_LIBS:-$KAFKA_DIR/registry-$REGISTRY_VERSION}

skip() {
	echo "skipped: $*" >&2
	exit 77
}

# find_java: sets $java to a Java 17 or newer, or skips.
find_java() {
	local candidate version
	for candidate in "${KAFKA_JAVA:-}" java /usr/lib/jvm/java-17-openjdk-*/bin/java; do
		command -v "${candidate:--}" >/dev/null || continue
		version=$("$candidate" -XX:-UsePerfData -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
		if [ "${version:-0}" -ge 17 ]; then
			# shellcheck disable=SC2034 # what this function is for
			java=$candidate
			return
		fi
	done
	skip "no Java 17 or newer (apt-get install -y openjdk-17-jre-headless)"
}

# confine_java FOLDER: sets $confined to options that keep what Java leaves behind
# (native libraries, caches, counters) in FOLDER/tmp, which goes with the folder, and out of /tmp.
confine_java() {
	mkdir -p "$1/tmp"
	# shellcheck disable=SC2034 # what this function is for
	confined=(-XX:-UsePerfData -Djava.io.tmpdir="$1/tmp")
}

# free_port: sets $port to a free port on 127.0.0.1, never the same twice in one run.
used_ports=" "
free_port() {
	while :; do
		port=$((15000 + (RANDOM << 2 ^ RANDOM) % 17000))
		[[ $used_ports == *" $port "* ]] && continue
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
		used_ports="$used_ports$port "
		return
	done
}

# watch_owner OWNER RUN: ends every server of RUN when the process OWNER is gone, so that
# a test that was killed leaves none behind. `stop` removes RUN/owner and so ends the watch.
watch_owner() {
	echo "$1" >"$2/owner"
	# shellcheck disable=SC2016 # expands in the watching shell
	setsid bash -c '
		run=$1
		while [ -s "$run/owner" ]; do
			if ! kill -0 "$(<"$run/owner")" 2>/dev/null; then
				for file in "$run"/*.pid; do
					[ -s "$file" ] && kill -KILL "$(<"$file")" 2>/dev/null
					rm -f "$file"
				done
				rm -f "$run/owner"
			fi
			sleep 1
		done' watch "$2" </dev/null >/dev/null 2>&1 &
}
