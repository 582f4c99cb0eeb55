#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
#
# deps.sh — installs the Debian packages that Goldpan needs, or says which are missing.
#
#   tests/deps.sh [build] [demo [directory|kafka]] [check]      default: all of them
#
# As root on Debian it installs what is missing; otherwise it prints the command and ends with
# status 1. Quick when nothing is missing. Debian's default cluster is not wanted: it would
# only take a port, so it is turned off before a server is installed.

set -eu

MAJOR=15

build="gcc make pkg-config xxd libc6-dev libpq-dev libconfig-dev libjansson-dev librdkafka-dev
	libcurl4-openssl-dev zlib1g-dev libsystemd-dev libicu-dev libpsl-dev
	postgresql-server-dev-$MAJOR"
server="postgresql-$MAJOR postgresql-client-$MAJOR python3 python3-psycopg2 util-linux procps"
broker="maven openjdk-17-jre-headless ca-certificates kcat curl openssl"
check="python3-venv python3-confluent-kafka ca-certificates libcmocka-dev libavro-dev clang libclang-rt-14-dev llvm clang-format clang-tidy cppcheck
	valgrind pmccabe shellcheck codespell scdoc mandoc bsdextrautils file perl git
	dpkg-dev debhelper fakeroot lintian postgresql-$MAJOR-wal2json postgresql-$MAJOR-decoderbufs"

wanted=
[ $# -gt 0 ] || set -- build demo kafka check
for group in "$@"; do
	case $group in
	build) wanted="$wanted $build" ;;
	demo | directory) wanted="$wanted $build $server" ;;
	kafka) wanted="$wanted $broker" ;;
	check) wanted="$wanted $build $server $broker $check" ;;
	*)
		echo "deps.sh: unknown group \"$group\"; there are build, demo, kafka, check" >&2
		exit 2
		;;
	esac
done

missing=
# shellcheck disable=SC2086  # a list of words
have=" $(dpkg-query -W -f '${db:Status-Status}/${Package} ' $wanted 2>/dev/null || true)"
for package in $wanted; do
	case $have in
	*" installed/$package "*) ;;
	*) case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac ;;
	esac
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
	echo "These packages are missing:$missing" >&2
	echo "Install them as root: apt-get install -y --no-install-recommends$missing" >&2
	exit 1
fi

apt_install() {
	echo "deps: installing $*"
	if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
		-o Dpkg::Options::=--force-confold "$@" >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		echo "deps: apt-get failed" >&2
		exit 1
	fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "deps: missing:$missing"
apt-get update -q >"$log" 2>&1 || {
	cat "$log" >&2
	echo "deps: apt-get update failed; trying with the package lists there are" >&2
}
case " $missing " in
*" postgresql-$MAJOR "*)
	apt_install postgresql-common
	sed -i -E "s/^#?create_main_cluster *=.*/create_main_cluster = false/" \
		/etc/postgresql-common/createcluster.conf
	;;
esac
# shellcheck disable=SC2086
apt_install $missing
echo "deps: done"
