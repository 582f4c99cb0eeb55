# SPDX-License-Identifier: PostgreSQL
#
# Property tests of the identity engine: short form and long form.

PROPERTIES := $(wildcard tests/identity/properties*.c)
SEED_FROM ?= 0
SEED_TO ?= 10000
JOBS ?= 2

$(BUILD)/identity_properties $(BUILD)/identity_torture: $(BUILD)/%: tests/identity/%.c $(PROPERTIES) \
		tests/identity/properties.h $(LIB)
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/identity $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $< $(PROPERTIES) $(LIB) $(GP_LIBS)

.PHONY: identity-properties
identity-properties: $(BUILD)/identity_properties $(BUILD)/identity_torture ## random histories of the identity engine (200), and no memory
	@$(BUILD)/identity_properties 0 200
	@$(BUILD)/identity_torture

.PHONY: identity-properties-long
identity-properties-long: $(BUILD)/identity_properties ## the same, 10,000 (SEED_FROM=0 SEED_TO=10000 JOBS=2)
	@$(BUILD)/identity_properties $(SEED_FROM) $(SEED_TO) $(JOBS)

# The engine alone with ThreadSanitizer: readers beside the owner, threads that make forms.
THREADED := $(filter $(BUILD)/obj/identity/% $(BUILD)/obj/core/%,$(LIB_OBJECTS))

build/tsan/identity_threads: tests/identity/identity_threads.c tests/identity/properties_world.c \
		tests/identity/properties.h $(if $(filter tsan,$(VARIANT)),$(THREADED))
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/identity $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $(filter %.c %.o,$^) $(GP_LIBS)

.PHONY: identity-threads
identity-threads: ## the identity engine's threads under ThreadSanitizer
	@$(MAKE) --no-print-directory -s -j2 VARIANT=tsan build/tsan/identity_threads
	@TSAN_OPTIONS=halt_on_error=1 build/tsan/identity_threads 2000
