# SPDX-License-Identifier: PostgreSQL
#
# The source room against a real server with the real plugin.

SOURCE_TEST := $(BUILD)/tests/source_test

$(SOURCE_TEST): $(wildcard tests/source/*.c) tests/source/source_test.h $(LIB)
	@mkdir -p $(dir $@)
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/source $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ \
		$(filter %.c,$^) $(LIB) $(GP_LIBS) -lcmocka

.PHONY: test-source
test-source: $(SOURCE_TEST) plugin ## test the source room against a real server (VARIANT=asan for sanitizers)
	@PG_CONFIG=$(PG_CONFIG) tests/source/run.sh $(SOURCE_TEST) build/plugin/goldpan.so
