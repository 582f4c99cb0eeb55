# SPDX-License-Identifier: PostgreSQL
LOG ?= directory

.PHONY: demo
demo: ## install what is missing, build, stream four sample databases and show the result (LOG=kafka)
	@sh tests/deps.sh demo $(LOG)
	@$(MAKE) --no-print-directory program plugin
	@/usr/bin/python3 contrib/demo/demo.py --log $(LOG) --goldpan $(PROGRAM)
