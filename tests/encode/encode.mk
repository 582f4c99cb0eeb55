# SPDX-License-Identifier: PostgreSQL
#
# Tests of encode/ that need libavro or fastavro.

UNIT_LIBS_test_encode_record := -lavro
ENCODE_SAMPLES := 1000

$(BUILD)/tests/write_samples: tests/encode/write_samples.c tests/unit/encode_samples.h $(LIB)
	@mkdir -p $(dir $@)
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/unit $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $< $(LIB) $(GP_LIBS)

.PHONY: test-encode
test-encode: $(BUILD)/tests/write_samples ## fastavro reads 10,000 records in container files of ours
	@rm -rf build/tests/samples && mkdir -p build/tests/samples
	@$(BUILD)/tests/write_samples build/tests/samples $(ENCODE_SAMPLES)
	@python=$$(tests/python/venv.sh) && \
		$(PROVE) --exec "$$python" tests/encode/read_samples.py :: build/tests/samples $(ENCODE_SAMPLES)
	@rm -rf build/tests/samples
