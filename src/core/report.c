/* SPDX-License-Identifier: PostgreSQL */
/*
 * report.c — messages to the operator on standard error.
 *
 * A message is formatted whole and written with one call, so that lines of two
 * workers never mix.
 */
#include "goldpan/report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/clock.h"

static _Atomic ReportLevel report_level = REPORT_INFO;

static const char *const report_names[] = {"error", "warning", "info", "debug"};

void
report_set_level(ReportLevel level)
{
	report_level = level;
}

static void
report_line(ReportLevel level, const char *label, const char *scope, const char *text)
{
	char line[2048];
	char when[CLOCK_TEXT_SIZE];
	int length;

	if (level > report_level)
		return;
	(void) clock_format(clock_wall(), when);
	when[10] = ' ';
	when[23] = 'Z';
	when[24] = '\0';
	length = snprintf(line, sizeof(line), "%s %s %s%s%s\n", when, label, scope ? scope : "",
					  scope ? ": " : "", text);
	if (length >= (int) sizeof(line))
	{
		length = (int) sizeof(line) - 1;
		line[length - 1] = '\n';
	}
	if (length > 0 && write(STDERR_FILENO, line, (size_t) length) < 0)
		return; /* nobody listens: nothing else to tell it to */
}

#define REPORT_BODY(level)                                                                         \
	char text[1536];                                                                               \
	va_list args;                                                                                  \
                                                                                                   \
	va_start(args, fmt);                                                                           \
	(void) vsnprintf(text, sizeof(text), fmt, args);                                               \
	va_end(args);                                                                                  \
	report_line(level, report_names[level], scope, text)

void
report_error(const char *scope, const char *fmt, ...)
{
	REPORT_BODY(REPORT_ERROR);
}

void
report_warning(const char *scope, const char *fmt, ...)
{
	REPORT_BODY(REPORT_WARNING);
}

void
report_info(const char *scope, const char *fmt, ...)
{
	REPORT_BODY(REPORT_INFO);
}

void
report_debug(const char *scope, const char *fmt, ...)
{
	REPORT_BODY(REPORT_DEBUG);
}

void
report_err(ReportLevel level, const char *scope, const Err *err)
{
	report_line(level, report_names[level], scope, err->message);
	for (int i = 0; i < err->nframes; i++)
		report_line(level, "context", scope, err->frames[i]);
	if (err->hint[0] != '\0')
		report_line(level, "hint", scope, err->hint);
}
