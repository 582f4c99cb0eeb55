# SPDX-License-Identifier: PostgreSQL
E2E_PYTHON := build/venv/bin/python3
E2E_TESTS ?= $(sort $(wildcard tests/e2e/test_*.py))

.PHONY: e2e
e2e: program plugin ## run the end-to-end tests on real PostgreSQL servers (E2E_TESTS=FILES, ONLY=NAME)
	@sh tests/python/venv.sh
	@VARIANT=$(VARIANT) $(PROVE) --timer --exec $(E2E_PYTHON) $(E2E_TESTS)

# What the sanitizers see in a short run.
E2E_SHORT ?= tests/e2e/test_cli.py

.PHONY: e2e-short
e2e-short: ## run a few end-to-end tests, for VARIANT=asan
	@$(MAKE) --no-print-directory e2e VARIANT=$(VARIANT) E2E_TESTS="$(E2E_SHORT)"
