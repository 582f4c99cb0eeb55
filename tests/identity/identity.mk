# SPDX-License-Identifier: PostgreSQL
#
# Property tests of the identity engine: short form and long form.

PROPERTIES := $(wildcard tests/identity/properties*.c)
SEED_FROM ?= 0
SEED_TO ?= 10000
JOBS ?= 2

$(BUILD)/identity_properties: tests/identity/identity_properties.c $(PROPERTIES) tests/identity/properties.h $(LIB)
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/identity $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $< $(PROPERTIES) $(LIB) $(GP_LIBS)

.PHONY: identity-properties
identity-properties: $(BUILD)/identity_properties ## random histories of the identity engine (200)
	@$(BUILD)/identity_properties 0 200

.PHONY: identity-properties-long
identity-properties-long: $(BUILD)/identity_properties ## the same, 10,000 (SEED_FROM=0 SEED_TO=10000 JOBS=2)
	@$(BUILD)/identity_properties $(SEED_FROM) $(SEED_TO) $(JOBS)
