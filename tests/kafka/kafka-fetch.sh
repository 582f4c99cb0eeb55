#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# kafka-fetch.sh — get a real Apache Kafka and a real Schema Registry, as plain jars.
#
#   kafka-fetch.sh [kafka|registry]     (default: both)
#
# From Maven Central by the ordinary Maven client into build/kafka/; a second call does
# nothing.  Needs Maven 3.6 and Java 17.  Exit status 77 and one line that says why
# when a part cannot be had.  Safe to run twice at once.
set -euo pipefail
# shellcheck source=tests/kafka/kafka-common.sh
. "$(dirname "${BASH_SOURCE[0]}")/kafka-common.sh"

maven() {
	command -v mvn >/dev/null || skip "no Maven (apt-get install -y maven)"
	find_java
	# Maven splits the options at blanks: a folder's name must not stand in them
	mkdir -p "$KAFKA_DIR/work/tmp"
	if ! (cd "$KAFKA_DIR" && MAVEN_OPTS="-XX:-UsePerfData -Djava.io.tmpdir=work/tmp ${MAVEN_OPTS:-}" \
		mvn -q -B ${MAVEN_REPO_LOCAL:+-Dmaven.repo.local="$MAVEN_REPO_LOCAL"} "$@") \
		>"$KAFKA_DIR/maven.log" 2>&1; then
		tail -5 "$KAFKA_DIR/maven.log" >&2
		skip "Maven could not download (see $KAFKA_DIR/maven.log)"
	fi
}

fetch_kafka() {
	local work=$KAFKA_DIR/work
	[ -e "$KAFKA_LIBS/kafka_2.13-$KAFKA_VERSION.jar" ] && return
	rm -rf "$work"
	mkdir -p "$work"
	# kafka_2.13 is the broker; kafka-tools pulls in the tools; the log4j pair gives
	# slf4j 1.7 (what Kafka uses) somewhere to log to.
	cat >"$work/pom.xml" <<XML
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId><artifactId>kafka-libs</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$KAFKA_VERSION</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$KAFKA_VERSION</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>$LOG4J_VERSION</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>$LOG4J_VERSION</version></dependency>
  </dependencies>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId>
    <artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
  </plugin></plugins></build>
</project>
XML
	maven -f "$work/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$work/libs"
	rm -rf "$KAFKA_LIBS"
	mv "$work/libs" "$KAFKA_LIBS"
	rm -rf "$work"
}

fetch_registry() {
	local work=$KAFKA_DIR/work archive=apicurio-registry-app-$REGISTRY_VERSION-all.tar.gz
	[ -e "$REGISTRY_LIBS" ] && return
	rm -rf "$work"
	mkdir -p "$work/unpacked"
	maven org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
		-Dartifact="io.apicurio:apicurio-registry-app:$REGISTRY_VERSION:tar.gz:all" \
		-DoutputDirectory="$work"
	tar -xzf "$work/$archive" -C "$work/unpacked"
	mv "$work/unpacked" "$REGISTRY_LIBS"
	rm -rf "$work"
}

mkdir -p "$KAFKA_DIR"
exec 8>"$KAFKA_DIR/lock"
flock 8
case ${1:-both} in
kafka) fetch_kafka ;;
registry) fetch_registry ;;
both)
	fetch_kafka
	fetch_registry
	;;
*)
	echo "usage: kafka-fetch.sh [kafka|registry]" >&2
	exit 2
	;;
esac
