/* SPDX-License-Identifier: PostgreSQL */
/*
 * signals.h — signals as something to read from a descriptor.
 */
#ifndef GOLDPAN_SIGNALS_H
#define GOLDPAN_SIGNALS_H

#include <signal.h>

#include "goldpan/err.h"

typedef struct Signals
{
	int descriptor; /* a signalfd, readable when a signal came */
	sigset_t before;
} Signals;

/* Blocks SIGTERM, SIGINT and SIGHUP in this thread and those it will start, and ignores SIGPIPE.
 * Call before the first thread. Errors: STOP ERR_INTERNAL. */
bool signals_open(Signals *signals, Err *err) MUST_CHECK;
/* The next signal that came, or 0. Never blocks. */
int signals_next(Signals *signals);
/* Restores the mask of before. */
void signals_close(Signals *signals);

#endif
