#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
#
# generate.sh — prints a manual page's source with its generated parts anew.
#
#   PROGRAM=build/gcc/goldpan contrib/man/generate.sh goldpan.conf.5
#
# What lies between "; begin NAME" and "; end NAME" is replaced by what the program says of
# NAME: settings, commands, statuses.

set -eu
cd "$(dirname "$0")/../.."
program=${PROGRAM:-build/gcc/goldpan}

escape() {
	sed -E 's/([*_\\<>#~`|[])/\\\1/g; s/\]/\\]/g'
}

# Options of a command as scdoc paragraphs.
options() {
	sed -n '/^Options:/,/^$/p' | sed 1d | grep '^  ' | sed -E 's/^ +//' |
		while IFS= read -r line; do
			printf '*%s*\n\t%s\n\n' "$(echo "${line%%  *}" | escape)" \
				"$(echo "$line" | sed -E 's/^.*  +//' | escape)"
		done
}

# names PARENT...: the commands below a command.
names() {
	"$program" "$@" --help | sed -n '/^Commands:/,/^$/p' | sed 1d | awk 'NF {print $1}'
}

command_text() {
	printf '## goldpan %s\n\n' "$*"
	"$program" "$@" --help | sed -n '3,/^$/p' | sed '/^$/d' | escape
	echo
	"$program" "$@" --help | sed -n 's/^Usage: //p' | escape | sed -E 's/^(.*)$/Usage: \1/'
	echo
	"$program" "$@" --help | options | awk '/^\*-h, --help\*$/ {skip = 3} skip-- > 0 {next} {print}'
}

generate() {
	case $1 in
	settings) "$program" config show --format man ;;
	statuses)
		"$program" --help | sed -n '/^Exit status:/,/^$/p' | sed '1d;/^$/d' |
			sed -E 's/^ +([0-9]+) +([^ ]+) +(.*)$/*\1* \2\n\t\3\n/' |
			sed -E '/^\t/!b; s/_/\\_/g'
		;;
	commands)
		for name in $(names); do
			children=$(names "$name")
			if [ -z "$children" ]; then
				command_text "$name"
			else
				for child in $children; do command_text "$name" "$child"; done
			fi
		done
		;;
	esac
}

while IFS= read -r line; do
	case $line in
	"; begin "*)
		echo "$line"
		generate "${line#; begin }"
		skipping=yes
		;;
	"; end "*)
		echo "$line"
		skipping=
		;;
	*) [ -n "${skipping:-}" ] || printf '%s\n' "$line" ;;
	esac
done <"contrib/man/$1.scd"
