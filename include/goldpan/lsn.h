/* SPDX-License-Identifier: PostgreSQL */
/*
 * lsn.h — a position in a server's write-ahead log, and how it is written.
 */
#ifndef GOLDPAN_LSN_H
#define GOLDPAN_LSN_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t Lsn;

#define LSN_INVALID	  ((Lsn) 0)
#define LSN_TEXT_SIZE 18 /* "FFFFFFFF/FFFFFFFF" and a zero */

/* Writes PostgreSQL's form, "1/6B3C2A0", to text; returns text. */
const char *lsn_format(Lsn lsn, char text[LSN_TEXT_SIZE]);

/* Reads PostgreSQL's form; false when text is anything else. */
bool lsn_parse(const char *text, Lsn *lsn);

#endif
