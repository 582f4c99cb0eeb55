/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_keys.h — single keys from a terminal, which is left as it was found.
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Takes keys from standard input one by one from here on, without echo; ^C and ^Z are keys, and a
 * signal that ends the program gives the terminal back first.  Where standard input is no terminal
 * its bytes are the keys.  One at a time in a process.  False: it is no terminal. */
bool cli_keys_open(void);
void cli_keys_close(void);

/* The next key; -1 at the end. */
int cli_keys_next(void);
/* Drops what was typed already, as the rest of an arrow key's bytes. */
void cli_keys_drop(void);
/* A line as the terminal lets people type it, without its end; at most size - 1 bytes of it. */
void cli_keys_line(char *line, size_t size);

#endif
