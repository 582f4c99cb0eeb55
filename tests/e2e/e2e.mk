# SPDX-License-Identifier: PostgreSQL
E2E_PYTHON := build/venv/bin/python3
E2E_TESTS ?= $(sort $(wildcard tests/e2e/test_*.py))

.PHONY: e2e
e2e: program plugin ## run the end-to-end tests on real PostgreSQL servers (E2E_TESTS=FILES, ONLY=NAME)
	@sh tests/python/venv.sh
	@VARIANT=$(VARIANT) prove -Q --timer --exec $(E2E_PYTHON) $(E2E_TESTS)
