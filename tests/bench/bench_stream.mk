# SPDX-License-Identifier: PostgreSQL

.PHONY: bench-stream
bench-stream: program plugin ## rows a second from PostgreSQL to either log, against pg_recvlogical (BENCH_STREAM='--rows 50000 --runs 1')
	@/usr/bin/python3 tests/bench/bench_stream.py $(BENCH_STREAM)
