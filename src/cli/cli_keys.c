/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_keys.c — single keys from a terminal, which is left as it was found.
 */
#include "cli/cli_keys.h"

#include <errno.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static struct termios keys_before; /* a signal's handler has no other way to it */
static volatile sig_atomic_t keys_changed;

static const int keys_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static volatile sig_atomic_t keys_are_raw;

static void keys_raw(bool raw);

/* The shell that takes the terminal over meanwhile finds it as it was; afterwards keys come as before. */
static void
keys_stopped(int number)
{
	int saved = errno;
	bool raw = keys_are_raw != 0;

	(void) number;
	keys_raw(false);
	(void) raise(SIGSTOP);
	keys_raw(raw);
	errno = saved;
}

static void
keys_ended(int number)
{
	int saved = errno;

	if (keys_changed)
		(void) tcsetattr(STDIN_FILENO, TCSANOW, &keys_before);
	errno = saved;
	(void) raise(number); /* once more, with what it does by itself */
}

static void
keys_raw(bool raw)
{
	struct termios settings = keys_before;

	if (!keys_changed)
		return;
	keys_are_raw = raw;
	if (raw)
	{
		/* ^C and ^Z come as keys, so that the terminal is never left without its echo. */
		settings.c_lflag &= ~(tcflag_t) (ICANON | ECHO | ISIG);
		settings.c_cc[VMIN] = 1;
		settings.c_cc[VTIME] = 0;
	}
	(void) tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

bool
cli_keys_open(void)
{
	struct sigaction ended = {.sa_handler = keys_ended, .sa_flags = (int) SA_RESETHAND};
	struct sigaction stopped = {.sa_handler = keys_stopped, .sa_flags = SA_RESTART};
	struct sigaction before;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &keys_before) != 0)
		return false;
	(void) sigemptyset(&ended.sa_mask);
	keys_changed = 1;
	for (size_t i = 0; i < sizeof(keys_signals) / sizeof(keys_signals[0]); i++)
	{
		struct sigaction was;

		/* nohup's wish is kept */
		if (sigaction(keys_signals[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			(void) sigaction(keys_signals[i], &ended, NULL);
	}
	(void) sigemptyset(&stopped.sa_mask);
	if (sigaction(SIGTSTP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		(void) sigaction(SIGTSTP, &stopped, NULL);
	keys_raw(true);
	return true;
}

void
cli_keys_close(void)
{
	keys_raw(false);
	keys_changed = 0;
}

int
cli_keys_next(void)
{
	char key;
	ssize_t got;

	do
		got = read(STDIN_FILENO, &key, 1);
	while (got < 0 && errno == EINTR);

	return got == 1 ? (unsigned char) key : -1;
}

void
cli_keys_drop(void)
{
	if (keys_changed)
		(void) tcflush(STDIN_FILENO, TCIFLUSH);
}

void
cli_keys_line(char *line, size_t size)
{
	size_t length = 0;
	int key;

	keys_raw(false);
	while ((key = cli_keys_next()) >= 0 && key != '\n')
	{
		if (length + 1 < size)
			line[length++] = (char) key;
	}
	line[length] = '\0';
	keys_raw(true);
}
