/* SPDX-License-Identifier: PostgreSQL */
/*
 * main.c — the program's entry; the only place that calls exit().
 */
#include <malloc.h>
#include <stdlib.h>

#include "cli/cli_priv.h"

int
main(int argc, char **argv)
{
	/*
	 * One malloc arena, before any thread exists: librdkafka's broker thread frees what the
	 * delivery thread allocated, about nine pieces a message, and between two arenas that
	 * costs as much as all else it does (12.5 against 6.3 us of CPU a message, measured).
	 */
	(void) mallopt(M_ARENA_MAX, 1);
	exit(cli_main(argc, argv));
}
