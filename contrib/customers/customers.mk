# SPDX-License-Identifier: PostgreSQL
#
# The generator of made-up customers; it links nothing of the library.

CUSTOMERS := build/customers/customers

$(CUSTOMERS): $(wildcard contrib/customers/*.c) contrib/customers/customers.h
	@mkdir -p $(dir $@)
	@echo "CC    $@"
	@$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -g -o $@ $(filter %.c,$^)

.PHONY: customers
customers: $(CUSTOMERS) ## build the generator of made-up customers (contrib/customers/README.md)

.PHONY: customers-check
customers-check: $(CUSTOMERS) ## the generator keeps its rates, and a seed its bytes
	@python3 contrib/customers/check.py $(CUSTOMERS)
