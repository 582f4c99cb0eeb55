# SPDX-License-Identifier: PostgreSQL
#
# End-to-end tests. Those marked @harness.debug_points kill the program at a point that only
# VARIANT=asan and VARIANT=debug contain: e2e-asan runs them, e2e all others.

E2E_PYTHON := build/venv/bin/python3
E2E_TESTS ?= $(sort $(shell for file in tests/e2e/test_*.py; do \
	[ $$(grep -c '^def test_' $$file) -eq $$(grep -c '^@harness.debug_points' $$file) ] || \
	echo $$file; done))
E2E_POINTS := $(sort $(shell grep -l '^@harness.debug_points' tests/e2e/test_*.py))

.PHONY: e2e
e2e: program plugin ## run the end-to-end tests on real PostgreSQL servers (E2E_TESTS=FILES, ONLY=NAME)
	@$(MAKE) --no-print-directory -s VARIANT=asan program
	@sh tests/python/venv.sh
	@VARIANT=$(VARIANT) $(PROVE) --timer --exec $(E2E_PYTHON) $(E2E_TESTS)

.PHONY: e2e-asan
e2e-asan: plugin ## run the end-to-end tests that need debug points, and the command line's, with sanitizers
	@$(MAKE) --no-print-directory VARIANT=asan program
	@POINTS=only $(MAKE) --no-print-directory VARIANT=asan E2E_TESTS="$(E2E_POINTS)" e2e
	@$(MAKE) --no-print-directory VARIANT=asan E2E_TESTS=tests/e2e/test_cli.py e2e
