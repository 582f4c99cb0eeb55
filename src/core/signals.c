/* SPDX-License-Identifier: PostgreSQL */
/*
 * signals.c — signals through a signalfd.
 *
 * No handler ever runs: the main thread polls the descriptor beside everything else,
 * the other threads never see a signal.
 */
#include "goldpan/signals.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

bool
signals_open(Signals *signals, Err *err)
{
	sigset_t wanted;

	(void) sigemptyset(&wanted);
	(void) sigaddset(&wanted, SIGTERM);
	(void) sigaddset(&wanted, SIGINT);
	(void) sigaddset(&wanted, SIGHUP);
	(void) signal(SIGPIPE, SIG_IGN);
	(void) pthread_sigmask(SIG_BLOCK, &wanted, &signals->before);
	signals->descriptor = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->descriptor >= 0)
		return true;
	(void) pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
	return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "could not create a signalfd: %s",
				   strerror(errno));
}

int
signals_next(Signals *signals)
{
	struct signalfd_siginfo info;

	if (read(signals->descriptor, &info, sizeof(info)) != (ssize_t) sizeof(info))
		return 0;
	return (int) info.ssi_signo;
}

void
signals_close(Signals *signals)
{
	(void) close(signals->descriptor);
	signals->descriptor = -1;
	(void) pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}
