/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_report.c — the list that checks add their findings to.
 */
#include "goldpan/admin.h"

#include <stdio.h>
#include <string.h>

#define REPORT_FIRST 64

static bool
report_grow(AdminReport *report, Err *err)
{
	size_t capacity = report->capacity > 0 ? 2 * report->capacity : REPORT_FIRST;
	AdminCheck *checks = arena_zero(report->arena, capacity * sizeof(AdminCheck), err);

	if (checks == NULL)
		return false;
	if (report->count > 0)
		memcpy(checks, report->checks, report->count * sizeof(AdminCheck));
	report->checks = checks;
	report->capacity = capacity;
	return true;
}

bool
admin_report_add(AdminReport *report, const char *scope, const char *name, AdminVerdict verdict,
				 const char *cure, Err *err, const char *fmt, ...)
{
	AdminCheck *check;
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void) vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (report->count == report->capacity && !report_grow(report, err))
		return false;
	check = &report->checks[report->count];
	check->scope = arena_text(report->arena, scope, strlen(scope), err);
	check->name = name;
	check->verdict = verdict;
	check->what = arena_text(report->arena, text, strlen(text), err);
	check->cure = arena_text(report->arena, cure, strlen(cure), err);
	if (check->scope == NULL || check->what == NULL || check->cure == NULL)
		return false;
	report->count++;
	report->failures += verdict == ADMIN_FAILURE ? 1 : 0;
	report->warnings += verdict == ADMIN_WARNING ? 1 : 0;
	return true;
}
