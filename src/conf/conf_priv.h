/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_priv.h — shared inside conf/.
 */
#ifndef GOLDPAN_CONF_PRIV_H
#define GOLDPAN_CONF_PRIV_H

#include <stddef.h>

#include "goldpan/err.h"

/* Refuses, with the line, what libconfig would read wrong or should not read at all. */
bool conf_scan(const char *text, size_t length, const char *path, Err *err) MUST_CHECK;

#endif
