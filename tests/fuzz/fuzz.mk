# SPDX-License-Identifier: PostgreSQL
#
# Fuzz targets: tests/fuzz/fuzz_<thing>.c on the stored corpus tests/fuzz/corpus/<thing>/.

FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_PROGRAMS := $(FUZZ_SOURCES:tests/fuzz/%.c=build/fuzz/bin/%)
FUZZ_SECONDS ?= 30

build/fuzz/bin/%: tests/fuzz/%.c $(if $(filter fuzz,$(VARIANT)),$(LIB))
	@mkdir -p $(dir $@)
	@echo "FUZZ  $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/fuzz $(GP_CFLAGS) -Wno-missing-prototypes -fsanitize=fuzzer \
		$(GP_LDFLAGS) -MMD -MP -o $@ $< $(LIB) $(GP_LIBS)

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)

.PHONY: fuzz
fuzz: ## run every fuzz target on its corpus (FUZZ_SECONDS=30, FUZZ_ONLY="conf_file …")
	@$(MAKE) --no-print-directory -s VARIANT=fuzz fuzz-programs
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(FUZZ_ONLY)

-include $(FUZZ_PROGRAMS:=.d)
