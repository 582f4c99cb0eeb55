/* SPDX-License-Identifier: PostgreSQL */
/*
 * clock.c — time sources and the RFC 3339 text of an instant.
 *
 * The calendar is computed here rather than by gmtime_r: it runs for each
 * transaction, and must hold for every year PostgreSQL knows.
 */
#include "goldpan/clock.h"

#include <stdio.h>
#include <time.h>

int64_t
clock_monotonic(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

int64_t
clock_wall(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t) now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

/* Days since 1970-01-01 to civil date; Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms", civil_from_days. */
static void
clock_civil(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int) (doy - (153 * mp + 2) / 5 + 1);
	*month = (int) (mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

size_t
clock_format(int64_t unix_us, char text[CLOCK_TEXT_SIZE])
{
	int64_t seconds = unix_us / CLOCK_SECOND;
	int64_t micros = unix_us % CLOCK_SECOND;
	int64_t days;
	int64_t rest;
	int64_t year;
	int month;
	int day;

	if (micros < 0)
	{
		micros += CLOCK_SECOND;
		seconds--;
	}
	days = seconds / 86400;
	rest = seconds % 86400;
	if (rest < 0)
	{
		rest += 86400;
		days--;
	}
	clock_civil(days, &year, &month, &day);
	return (size_t) snprintf(text, CLOCK_TEXT_SIZE,
							 year >= 0 && year <= 9999 ? "%04lld-%02d-%02dT%02d:%02d:%02d.%06dZ"
													   : "%+07lld-%02d-%02dT%02d:%02d:%02d.%06dZ",
							 (long long) year, month, day, (int) (rest / 3600),
							 (int) (rest / 60 % 60), (int) (rest % 60), (int) micros);
}
