# SPDX-License-Identifier: PostgreSQL
#
# The plugin's regression suite.

.PHONY: regress
regress: plugin ## run the plugin's regression suite on a server of its own
	@PG_CONFIG=$(PG_CONFIG) tests/regress/run.sh

.PHONY: regress-valgrind
regress-valgrind: plugin ## run its short form with the server under valgrind
	@PG_CONFIG=$(PG_CONFIG) BUILD=build/regress-valgrind tests/regress/run.sh --valgrind setup values changes toast
