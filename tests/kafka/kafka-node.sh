#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# kafka-node.sh — a throw-away Apache Kafka in KRaft mode on 127.0.0.1.
#
#   kafka-node.sh start      RUN [--nodes 1|3] [--secure] [--owner PID]
#                            format (first time), start, wait until ready
#   kafka-node.sh start-node RUN N             start node N again
#   kafka-node.sh stop-node  RUN N [SIGNAL]    end node N (TERM; KILL for a crash)
#   kafka-node.sh stop       RUN [SIGNAL]      end every node
#   kafka-node.sh status     RUN               pids, RSS, ports
#   kafka-node.sh bootstrap  RUN [--secure|--mtls]   the bootstrap servers
#
# RUN is a folder of the caller's. `start` prints the plain bootstrap servers on one line.
# Every node is broker and controller at once. Ports are random free ones, kept
# in RUN, so a node that comes back has the same address. --owner: ended with that process.
# --secure adds a SASL_SSL listener (SCRAM-SHA-512 and PLAIN, user alice, password
# alice-secret) and an SSL listener that asks for a client certificate (--mtls); the CA
# is RUN/tls/ca.crt, the client's pair RUN/tls/client.crt and client.key.
#
# Fetches what is missing (kafka-fetch.sh); exit status 77 when it cannot be had.
# Environment: KAFKA_HEAP   heap of one node (default 256m; three nodes 192m)
#              KAFKA_JAVA   the java program (default: the first that is 17 or newer)
#              KAFKA_EXTRA  lines for server.properties
set -euo pipefail
# shellcheck source=tests/kafka/kafka-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/kafka-common.sh"
[ $# -ge 2 ] || {
	echo "usage: see the head of kafka-node.sh" >&2
	exit 2
}
cmd=$1
dir=$2
shift 2
nodes=1
secure=0
owner=
args=()
while [ $# -gt 0 ]; do
	case $1 in
	--nodes)
		nodes=$2
		shift
		;;
	--owner)
		owner=$2
		shift
		;;
	--secure) secure=1 ;;
	--mtls) secure=2 ;;
	*) args+=("$1") ;;
	esac
	shift
done

uuid() { # a Kafka uuid: 16 bytes, base64url, no dash in front
	local u
	while :; do
		u=$(head -c16 /dev/urandom | base64 | tr '+/' '-_' | tr -d =)
		[[ $u == -* ]] || { echo "$u"; return; }
	done
}

make_tls() {
	mkdir -p "$dir/tls"; (
	cd "$dir/tls"
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=test-ca \
		-keyout ca.key -out ca.crt
	openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout node.key -out node.csr
	printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >san
	openssl x509 -req -in node.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 \
		-extfile san -out node.crt
	openssl pkcs8 -topk8 -nocrypt -in node.key -out node.p8
	openssl req -newkey rsa:2048 -nodes -subj /CN=alice -keyout client.key -out client.csr
	openssl x509 -req -in client.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out client.crt
	cat node.p8 node.crt ca.crt >node.pem
	) >/dev/null 2>&1
}

format() {
	local n voters='' rf=$nodes isr=1 scram=()
	[ "$nodes" -ge 3 ] && { rf=3; isr=2; }
	mkdir -p "$dir"
	cat >"$dir/log4j2.properties" <<'L'
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
L
	for ((n = 1; n <= nodes; n++)); do
		free_port; echo "$port" >"$dir/$n.port"
		free_port; echo "$port" >"$dir/$n.cport"
		free_port; echo "$port" >"$dir/$n.sport"
		free_port; echo "$port" >"$dir/$n.mport"
		voters="$voters${voters:+,}$n@127.0.0.1:$(<"$dir/$n.cport")"
	done
	if [ $secure = 1 ]; then
		make_tls
		scram=(--add-scram 'SCRAM-SHA-512=[name=alice,password=alice-secret]')
	fi
	local id; id=$(uuid); echo "$nodes" >"$dir/nodes"; local pids=()
	for ((n = 1; n <= nodes; n++)); do
		local p c s m l a
		p=$(<"$dir/$n.port") c=$(<"$dir/$n.cport") s=$(<"$dir/$n.sport") m=$(<"$dir/$n.mport")
		l="PLAINTEXT://127.0.0.1:$p,CONTROLLER://127.0.0.1:$c"; a="PLAINTEXT://127.0.0.1:$p"
		[ $secure = 1 ] && {
			l="$l,SASL_SSL://127.0.0.1:$s,SSL://127.0.0.1:$m"; a="$a,SASL_SSL://127.0.0.1:$s,SSL://127.0.0.1:$m"; }
		cat >"$dir/$n.properties" <<P
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=$l
advertised.listeners=$a
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/$n.data
num.partitions=1
default.replication.factor=$rf
min.insync.replicas=$isr
offsets.topic.replication.factor=$rf
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$rf
transaction.state.log.min.isr=$isr
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$rf
share.coordinator.state.topic.min.isr=$isr
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=8388608
log.segment.bytes=268435456
controlled.shutdown.enable=true
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
P
		[ $secure = 1 ] && cat >>"$dir/$n.properties" <<P
ssl.keystore.type=PEM
ssl.keystore.location=$dir/tls/node.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/tls/ca.crt
listener.name.sasl_ssl.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret";
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
P
		[ -z "${KAFKA_EXTRA:-}" ] || printf '%s\n' "$KAFKA_EXTRA" >>"$dir/$n.properties"
		"$java" "${confined[@]}" -Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
			-Dlog4j2.configurationFile="$dir/log4j2.properties" -cp "$KAFKA_LIBS/*" \
			kafka.tools.StorageTool format -t "$id" -c "$dir/$n.properties" \
			${scram[@]+"${scram[@]}"} >"$dir/$n.format.log" 2>&1 &
		pids+=($!)
	done
	for n in "${pids[@]}"; do wait "$n" || { cat "$dir"/*.format.log >&2; rm -f "$dir/nodes"; exit 1; }; done
}

alive() { [ -s "$dir/$1.pid" ] && kill -0 "$(<"$dir/$1.pid")" 2>/dev/null; }

launch() { # launch N
	alive "$1" && return
	local heap=256m; [ "$nodes" -ge 3 ] && heap=192m
	heap=${KAFKA_HEAP:-$heap}
	: >"$dir/$1.log"
	setsid "$java" "${confined[@]}" -Xms64m -Xmx"$heap" -XX:+UseG1GC -Djava.awt.headless=true \
		-Dlog4j2.configurationFile="$dir/log4j2.properties" -cp "$KAFKA_LIBS/*" \
		kafka.Kafka "$dir/$1.properties" >"$dir/$1.log" 2>&1 </dev/null &
	echo $! >"$dir/$1.pid"
}

ready() { # ready N: its log says that it is up
	local t
	for ((t = 0; t < 600; t++)); do
		grep -q 'Kafka Server started' "$dir/$1.log" && return
		alive "$1" || { echo "kafka-node: node $1 ended:" >&2; tail -20 "$dir/$1.log" >&2; exit 1; }
		sleep 0.1
	done
	echo "kafka-node: node $1 is not ready after 60 s, see $dir/$1.log" >&2; exit 1
}

end() { # end N SIGNAL
	local t pid
	alive "$1" || { rm -f "$dir/$1.pid"; return 0; }
	pid=$(<"$dir/$1.pid"); kill -"$2" "$pid"
	for ((t = 0; t < 200; t++)); do
		kill -0 "$pid" 2>/dev/null || { rm -f "$dir/$1.pid"; return 0; }
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true; rm -f "$dir/$1.pid"
}

bootstrap() {
	local n out='' f=port
	case $secure in 1) f=sport;; 2) f=mport;; esac
	for ((n = 1; n <= nodes; n++)); do out="$out${out:+,}127.0.0.1:$(<"$dir/$n.$f")"; done
	echo "$out"
}

mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
case $cmd in start|start-node)
	"$kafka_top/tests/kafka/kafka-fetch.sh" kafka
	find_java
	confine_java "$dir";;
esac
[ "$cmd" = start ] && [ ! -s "$dir/nodes" ] && format
[ -s "$dir/nodes" ] || { [ "$cmd" = stop ] && exit 0; echo "kafka-node: nothing was started in $dir" >&2; exit 2; }
nodes=$(<"$dir/nodes")
case $cmd in
	start)
		for ((n = 1; n <= nodes; n++)); do launch $n; done
		[ -z "$owner" ] || watch_owner "$owner" "$dir"
		for ((n = 1; n <= nodes; n++)); do ready $n; done
		secure=0; bootstrap;;
	start-node) launch "${args[0]}"; ready "${args[0]}";;
	stop-node)  end "${args[0]}" "${args[1]:-TERM}";;
	stop)
		rm -f "$dir/owner"
		# all at once: the last controllers cannot hand over to anyone
		for ((n = 1; n <= nodes; n++)); do end $n "${args[0]:-TERM}" & done; wait;;
	status)
		for ((n = 1; n <= nodes; n++)); do
			if alive $n; then
				echo "node $n pid $(<"$dir/$n.pid") port $(<"$dir/$n.port") rss $(awk '/VmRSS/{print int($2/1024)}' "/proc/$(<"$dir/$n.pid")/status") MiB"
			else echo "node $n down"; fi
		done;;
	bootstrap) bootstrap;;
	*) echo "kafka-node: unknown command $cmd" >&2; exit 2;;
esac
