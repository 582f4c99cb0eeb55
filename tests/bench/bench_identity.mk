# SPDX-License-Identifier: PostgreSQL
#
# How well and how fast records become customers, and what others reach on the same rows.

BENCH_IDENTITY_ENGINE := $(BUILD)/bench/bench_identity_engine

$(BENCH_IDENTITY_ENGINE): tests/bench/bench_identity_engine.c $(LIB)
	@mkdir -p $(dir $@)
	@echo "BENCH $@"
	@$(CC) $(GP_CPPFLAGS) $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $< $(LIB) $(GP_LIBS)

.PHONY: bench-identity
bench-identity: program customers $(BENCH_IDENTITY_ENGINE) ## identity: quality, speed and peers on labelled data (BENCH_IDENTITY='--part half_a')
	@/usr/bin/python3 tests/bench/bench_identity.py --program $(PROGRAM) --build $(BUILD) $(BENCH_IDENTITY)

.PHONY: identity-figures
identity-figures: program customers $(BENCH_IDENTITY_ENGINE) ## identity: the figures that must be reached on the labelled sets
	@/usr/bin/python3 tests/bench/bench_identity.py --program $(PROGRAM) --build $(BUILD) --quick --must \
		--part febrl3 --part fake_1000 --part half_a
