/* SPDX-License-Identifier: PostgreSQL */
/*
 * clock.h — time: one monotonic clock for waiting, one wall clock for people.
 *
 * Published records never depend on either (correctness.md I10).
 */
#ifndef GOLDPAN_CLOCK_H
#define GOLDPAN_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_SECOND INT64_C(1000000)
/* Microseconds between 1970-01-01 and PostgreSQL's epoch 2000-01-01. */
#define CLOCK_POSTGRES_EPOCH INT64_C(946684800000000)

/* Microseconds that only grow; no meaning outside this process. */
int64_t clock_monotonic(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall(void);

#define CLOCK_TEXT_SIZE 40
/* Writes RFC 3339 UTC with microseconds, "2026-11-24T10:00:00.000000Z"; returns
 * its length. Years outside 0000-9999 get a sign and up to six digits. */
size_t clock_format(int64_t unix_us, char text[CLOCK_TEXT_SIZE]);

#endif
