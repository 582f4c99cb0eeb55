# SPDX-License-Identifier: PostgreSQL
#
# What a row costs the server, by output plugin.

BENCH_DECODE_READER := build/bench/bench_decode_reader

$(BENCH_DECODE_READER): tests/bench/bench_decode_reader.c
	@mkdir -p $(dir $@)
	@$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -g $(PKG_CFLAGS) -o $@ $< $(PKG_LIBS)

.PHONY: bench-decode
bench-decode: plugin $(BENCH_DECODE_READER) ## compare the plugin's CPU per row with others' (BENCH_DECODE='--rows 5000 --runs 1')
	@/usr/bin/python3 tests/bench/bench_decode.py $(BENCH_DECODE)
