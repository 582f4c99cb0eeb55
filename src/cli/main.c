/* SPDX-License-Identifier: PostgreSQL */
/*
 * main.c — the program's entry; the only place that calls exit().
 */
#include <stdlib.h>

#include "cli/cli_priv.h"

int
main(int argc, char **argv)
{
	exit(cli_main(argc, argv));
}
