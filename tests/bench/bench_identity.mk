# SPDX-License-Identifier: PostgreSQL
#
# How well and how fast records become customers, and what others reach on the same rows.

.PHONY: bench-identity
bench-identity: program customers ## identity: quality, speed and peers on labelled data (BENCH_IDENTITY='--part half_a')
	@/usr/bin/python3 tests/bench/bench_identity.py --program $(PROGRAM) --build $(BUILD) $(BENCH_IDENTITY)
