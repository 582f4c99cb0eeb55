# SPDX-License-Identifier: PostgreSQL

$(BUILD)/bench/bench_mapping: tests/bench/bench_mapping.c $(LIB)
	@mkdir -p $(dir $@)
	@echo "BENCH $@"
	@$(CC) $(GP_CPPFLAGS) $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $< $(LIB) $(GP_LIBS)

.PHONY: bench-mapping
bench-mapping: $(BUILD)/bench/bench_mapping ## what mapping one row of 20 columns costs
	@$(BUILD)/bench/bench_mapping
