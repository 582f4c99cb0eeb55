# SPDX-License-Identifier: PostgreSQL
# shellcheck shell=bash
#
# files.sh — sourced by lints: the files of the tree, whether in git or not yet.

# tree_files PATTERN...: files that git knows or does not ignore, and that exist.
tree_files() {
	local file
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard -- "$@"
	else
		for pattern in "$@"; do
			find . -path ./build -prune -o -type f -path "./${pattern//\*\*/*}" -print | sed 's|^\./||'
		done
	fi | sort -u | while IFS= read -r file; do
		[ -f "$file" ] && echo "$file"
	done
}

c_files() {
	tree_files 'src/*.c' 'src/*.h' 'include/*.h' 'tests/*.c' 'tests/*.h' 'contrib/*.c'
}
