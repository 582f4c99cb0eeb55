/* SPDX-License-Identifier: PostgreSQL */
/*
 * debug_point.h — named places where a test may kill or delay the program.
 *
 * Only builds with -DGOLDPAN_DEBUG_POINTS contain them. The environment decides:
 *
 *   GOLDPAN_DEBUG_POINT="log_directory.after_commit:3"   the third hit of that name
 *   GOLDPAN_DEBUG_POINT_ACTION=kill|stop|sleep:500       default kill (SIGKILL); stop is
 *                                                        SIGSTOP, sleep is in milliseconds
 *
 * Names are "<basename>.<where>". Several points are separated by commas; each hit
 * that does something says so on standard error first.
 */
#ifndef GOLDPAN_DEBUG_POINT_H
#define GOLDPAN_DEBUG_POINT_H

#ifdef GOLDPAN_DEBUG_POINTS
#define GP_DEBUG_POINT(name) debug_point_hit(name)
#else
#define GP_DEBUG_POINT(name) ((void) 0)
#endif

/* Counts a hit and acts when the environment says so. Thread safe. */
void debug_point_hit(const char *name);

#endif
