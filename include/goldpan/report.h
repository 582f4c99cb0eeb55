/* SPDX-License-Identifier: PostgreSQL */
/*
 * report.h — messages to the operator.
 *
 * Wording follows PostgreSQL's rules: what was being done, to what, why it
 * failed; then a hint. No secrets and no personal values, ever. Lines go to
 * standard error, one write each, safe from several threads:
 *
 *   2026-11-24 10:00:00.123Z warning crm: message
 */
#ifndef GOLDPAN_REPORT_H
#define GOLDPAN_REPORT_H

#include "goldpan/err.h"

typedef enum ReportLevel
{
	REPORT_ERROR,
	REPORT_WARNING,
	REPORT_INFO,
	REPORT_DEBUG
} ReportLevel;

/* Drops messages less important than level; default REPORT_INFO. */
void report_set_level(ReportLevel level);

/* scope names who speaks (a source, a command); may be NULL. */
void report_error(const char *scope, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_warning(const char *scope, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_info(const char *scope, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_debug(const char *scope, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Prints message, frames and hint of an error. */
void report_err(ReportLevel level, const char *scope, const Err *err);

#endif
