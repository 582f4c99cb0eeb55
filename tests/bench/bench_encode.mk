# SPDX-License-Identifier: PostgreSQL
#
# The encoder against libavro.

$(BUILD)/tests/bench_encode: tests/bench/bench_encode.c tests/unit/encode_samples.h tests/unit/encode_oracle.h $(LIB)
	@mkdir -p $(dir $@)
	@echo "BENCH $@"
	@$(CC) $(GP_CPPFLAGS) -Itests/unit $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $< $(LIB) $(GP_LIBS) -lavro

.PHONY: bench-encode
bench-encode: $(BUILD)/tests/bench_encode ## nanoseconds a record: the encoder against libavro
	@$(BUILD)/tests/bench_encode
