/* SPDX-License-Identifier: PostgreSQL */
/*
 * main.c — the program's entry; the only place that calls exit().
 */
#include <stdio.h>

int
main(void)
{
	(void) puts("goldpan " GOLDPAN_VERSION);
	return 0;
}
