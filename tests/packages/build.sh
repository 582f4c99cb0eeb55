#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
#
# build.sh — builds the Debian packages from a copy of the tracked files and checks them.
#
# lintian must find no error, and each package must hold exactly its share of what the other does
# not: a list below names what a person would miss. Packages end in build/packages/.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$top/build/packages
log=$out/build.log

rm -rf "$out"
mkdir -p "$out/goldpan"
cd "$top"
# What git does not track has no place in a package; a release without git is taken as it is.
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
	git ls-files -z | xargs -0 cp --parents -t "$out/goldpan"
else
	tar -c --exclude=./build . | tar -x -C "$out/goldpan"
fi

echo "packages: building (log: build/packages/build.log)"
if ! (cd "$out/goldpan" && dpkg-buildpackage -b -us -uc -d) >"$log" 2>&1; then
	tail -n 40 "$log" >&2
	exit 1
fi
rm -rf "$out/goldpan"

missing=0
contents() {
	local package=$1 file
	shift
	mkdir -p "$out/unpacked/$package"
	for file in "$out/$package"_*.deb; do
		dpkg-deb -x "$file" "$out/unpacked/$package"
	done
	for file in "$@"; do
		[ -e "$out/unpacked/$package/$file" ] || {
			echo "packages: $package lacks $file" >&2
			missing=1
		}
	done
}
contents goldpan usr/bin/goldpan lib/systemd/system/goldpan.service usr/share/man/man1/goldpan.1.gz \
	usr/share/man/man5/goldpan.conf.5.gz usr/share/man/man5/goldpan-mapping.5.gz \
	usr/share/doc/goldpan/examples/goldpan.conf usr/share/goldpan/canonical/contact.avsc
contents postgresql-15-goldpan usr/lib/postgresql/15/lib/goldpan.so \
	usr/share/postgresql/15/extension/goldpan.control \
	usr/share/doc/postgresql-15-goldpan/README.Debian
[ "$missing" -eq 0 ]
"$out/unpacked/goldpan/usr/bin/goldpan" --version >/dev/null

lintian --fail-on error --suppress-tags bad-distribution-in-changes-file "$out"/*.changes
ls -l "$out"/*.deb
