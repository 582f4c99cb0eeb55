/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_priv.h — shared inside conf/.
 */
#ifndef GOLDPAN_CONF_PRIV_H
#define GOLDPAN_CONF_PRIV_H

#include <stddef.h>

#include "goldpan/conf.h"
#include "goldpan/err.h"

/* Refuses, with the line, what libconfig would read wrong or should not read at all. */
bool conf_scan(const char *text, size_t length, const char *path, Err *err) MUST_CHECK;

/* Writes a value of a row's type as the file would say it ("10 s", "64 MiB", "true");
 * texts without quotes. Returns text or a static string. */
#define CONF_VALUE_SIZE 32
const char *conf_value_format(const ConfRow *row, int64_t value, char text[CONF_VALUE_SIZE]);

/* Reads a number of the row's type from its textual form. */
bool conf_value_parse(const ConfRow *row, const char *text, int64_t *value);

/* True when a row's value is a text in quotes in the file. */
bool conf_value_quoted(const ConfRow *row);

#endif
