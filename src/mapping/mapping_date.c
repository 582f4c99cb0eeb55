/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_date.c — dates and times in the texts that applications keep them in.
 *
 * Own parser instead of strptime: no locale, no process zone, a reason when it
 * fails, and nothing accepted that is not a day of the calendar. Formats use
 * strptime's letters: %Y %y %m %d %e %b %B %H %I %p %M %S %f %z %%; a blank in the
 * format stands for any number of blanks. %y is 1969–2068.
 */
#include "mapping/mapping_priv.h"

#include <stdio.h>
#include <string.h>

static const char *const mapping_date_syntax = "it does not have the expected date format";
static const char *const mapping_date_range = "it is not a day of the calendar";
static const char *const mapping_date_clock = "it is not a time of day";

static const char *const mapping_date_months[] = {"january",   "february", "march",	   "april",
												  "may",	   "june",	   "july",	   "august",
												  "september", "october",  "november", "december"};

typedef struct DateReader
{
	const char *next;
	const char *end;
	bool afternoon;
	bool has_half; /* %p was read */
	bool half_clock;
} DateReader;

/* Days since 1970-01-01; the usual era arithmetic of the proleptic Gregorian calendar. */
int64_t
mapping_date_days(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

void
mapping_date_civil(int64_t days, int64_t *year, int *month, int *day)
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
mapping_date_format(int64_t days, char text[32])
{
	int64_t year;
	int month;
	int day;

	if (days == VALUE_PLUS_INFINITY || days == VALUE_MINUS_INFINITY)
		return (size_t) snprintf(text, 32, days > 0 ? "infinity" : "-infinity");
	mapping_date_civil(days, &year, &month, &day);
	return (size_t) snprintf(text, 32,
							 year >= 0 && year <= 9999 ? "%04lld-%02d-%02d" : "%+07lld-%02d-%02d",
							 (long long) year, month, day);
}

int64_t
mapping_date_local_micros(const CivilTime *time)
{
	int64_t seconds = mapping_date_days(time->year, time->month, time->day) * 86400 +
					  time->hour * 3600 + time->minute * 60 + time->second;

	return seconds * 1000000 + time->micro;
}

static bool
mapping_date_number(DateReader *reader, int min_digits, int max_digits, int *value)
{
	int digits = 0;

	*value = 0;
	while (digits < max_digits && reader->next < reader->end && *reader->next >= '0' &&
		   *reader->next <= '9')
	{
		*value = *value * 10 + (*reader->next++ - '0');
		digits++;
	}
	return digits >= min_digits;
}

/* Digits after the decimal point of a second; more than six must be zeros. */
static bool
mapping_date_fraction(DateReader *reader, int *micro)
{
	int digits = 0;

	*micro = 0;
	for (; reader->next < reader->end && *reader->next >= '0' && *reader->next <= '9'; digits++)
	{
		int digit = *reader->next++ - '0';

		if (digits < 6)
			*micro = *micro * 10 + digit;
		else if (digit != 0)
			return false;
	}
	for (int i = digits; i < 6; i++)
		*micro *= 10;
	return digits > 0;
}

/* Z, +hh, +hhmm, +hh:mm */
static bool
mapping_date_offset(DateReader *reader, CivilTime *time)
{
	int hours;
	int minutes = 0;
	bool negative;

	if (reader->next == reader->end)
		return false;
	time->has_offset = true;
	if (*reader->next == 'Z' || *reader->next == 'z')
	{
		reader->next++;
		time->offset = 0;
		return true;
	}
	if (*reader->next != '+' && *reader->next != '-')
		return false;
	negative = *reader->next++ == '-';
	if (!mapping_date_number(reader, 2, 2, &hours))
		return false;
	if (reader->next < reader->end && *reader->next == ':')
		reader->next++;
	else if (reader->next == reader->end)
		goto done;
	if (!mapping_date_number(reader, 2, 2, &minutes))
		return false;
done:
	if (hours > 15 || minutes > 59)
		return false;
	time->offset = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
	return true;
}

static bool
mapping_date_month_name(DateReader *reader, int *month)
{
	size_t left = (size_t) (reader->end - reader->next);

	for (int i = 0; i < 12; i++)
	{
		size_t length = strlen(mapping_date_months[i]);

		/* the whole name, else its first three letters */
		if (left < length || strncasecmp(reader->next, mapping_date_months[i], length) != 0)
			length = 3;
		if (left < length || strncasecmp(reader->next, mapping_date_months[i], length) != 0)
			continue;
		reader->next += length;
		*month = i + 1;
		return true;
	}
	return false;
}

static bool
mapping_date_half(DateReader *reader)
{
	if (reader->end - reader->next < 2 || (reader->next[1] | 0x20) != 'm' ||
		((reader->next[0] | 0x20) != 'a' && (reader->next[0] | 0x20) != 'p'))
		return false;
	reader->has_half = true;
	reader->afternoon = (reader->next[0] | 0x20) == 'p';
	reader->next += 2;
	return true;
}

static bool
mapping_date_letter(DateReader *reader, char letter, CivilTime *time)
{
	int number;

	switch (letter)
	{
		case 'Y':
			if (!mapping_date_number(reader, 4, 4, &number))
				return false;
			time->year = number;
			return true;
		case 'y':
			if (!mapping_date_number(reader, 2, 2, &number))
				return false;
			time->year = number < 69 ? 2000 + number : 1900 + number;
			return true;
		case 'm':
			return mapping_date_number(reader, 1, 2, &time->month);
		case 'd':
		case 'e':
			return mapping_date_number(reader, 1, 2, &time->day);
		case 'b':
		case 'B':
			return mapping_date_month_name(reader, &time->month);
		case 'I':
			reader->half_clock = true;
			return mapping_date_number(reader, 1, 2, &time->hour);
		case 'H':
			return mapping_date_number(reader, 1, 2, &time->hour);
		case 'M':
			return mapping_date_number(reader, 2, 2, &time->minute);
		case 'S':
			return mapping_date_number(reader, 2, 2, &time->second);
		case 'f':
			return mapping_date_fraction(reader, &time->micro);
		case 'z':
			return mapping_date_offset(reader, time);
		case 'p':
			return mapping_date_half(reader);
		default:
			return false;
	}
}

static void
mapping_date_blanks(DateReader *reader)
{
	while (reader->next < reader->end && (*reader->next == ' ' || *reader->next == '\t'))
		reader->next++;
}

static bool
mapping_date_by_format(DateReader *reader, const char *format, CivilTime *time)
{
	for (; *format != '\0'; format++)
	{
		if (*format == ' ')
			mapping_date_blanks(reader);
		else if (*format == '%' && format[1] != '%' && format[1] != '\0')
		{
			if (!mapping_date_letter(reader, *++format, time))
				return false;
		}
		else
		{
			if (*format == '%' && format[1] == '%')
				format++;
			if (reader->next == reader->end || *reader->next++ != *format)
				return false;
		}
	}
	return true;
}

/* YYYY-MM-DD, then perhaps T or blank, HH:MM, :SS, .ffffff, an offset. */
static bool
mapping_date_iso(DateReader *reader, CivilTime *time)
{
	if (!mapping_date_by_format(reader, "%Y-%m-%d", time))
		return false;
	if (reader->next == reader->end)
		return true;
	if (*reader->next != 'T' && *reader->next != 't' && *reader->next != ' ')
		return false;
	reader->next++;
	if (!mapping_date_by_format(reader, "%H:%M", time))
		return false;
	if (reader->next < reader->end && *reader->next == ':')
	{
		reader->next++;
		if (!mapping_date_number(reader, 2, 2, &time->second))
			return false;
		if (reader->next < reader->end && *reader->next == '.')
		{
			reader->next++;
			if (!mapping_date_fraction(reader, &time->micro))
				return false;
		}
	}
	mapping_date_blanks(reader);
	return reader->next == reader->end || mapping_date_offset(reader, time);
}

static int
mapping_date_month_days(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

static const char *
mapping_date_validate(const DateReader *reader, CivilTime *time)
{
	if (time->year < 1 || time->month < 1 || time->month > 12 || time->day < 1 ||
		time->day > mapping_date_month_days(time->year, time->month))
		return mapping_date_range;
	if (reader->half_clock)
	{
		if (time->hour < 1 || time->hour > 12 || !reader->has_half)
			return mapping_date_clock;
		time->hour = time->hour % 12 + (reader->afternoon ? 12 : 0);
	}
	/* 24:00:00 is the end of that day; a leap second is the next minute's first */
	if (time->hour > 24 || time->minute > 59 || time->second > 60 ||
		(time->hour == 24 && (time->minute > 0 || time->second > 0 || time->micro > 0)))
		return mapping_date_clock;
	return NULL;
}

const char *
mapping_date_parse(const char *format, const char *text, size_t length, CivilTime *out)
{
	DateReader reader = {.next = text, .end = text + length};

	memset(out, 0, sizeof(*out));
	mapping_date_blanks(&reader);
	while (reader.end > reader.next && (reader.end[-1] == ' ' || reader.end[-1] == '\t'))
		reader.end--;
	if (!(format == NULL ? mapping_date_iso(&reader, out)
						 : mapping_date_by_format(&reader, format, out)) ||
		reader.next != reader.end)
		return mapping_date_syntax;
	return mapping_date_validate(&reader, out);
}

const char *
mapping_date_check_format(const char *format, bool *has_time, bool *has_offset)
{
	unsigned seen[128] = {0};

	for (; *format != '\0'; format++)
	{
		unsigned char letter;

		if (*format != '%')
			continue;
		letter = (unsigned char) *++format;
		if (letter == '\0')
			return "it ends in the middle of a %";
		if (strchr("YymdebBHIpMSfz%", letter) == NULL)
			return "it may hold only %Y %y %m %d %e %b %B %H %I %p %M %S %f %z %%";
		if (letter != '%' && ++seen[letter] > 1)
			return "a letter occurs twice";
	}
	if (seen['Y'] + seen['y'] != 1 || seen['m'] + seen['b'] + seen['B'] != 1 ||
		seen['d'] + seen['e'] != 1)
		return "it must hold one year (%Y or %y), one month (%m, %b or %B) and one day (%d or %e)";
	if (seen['H'] + seen['I'] > 1 || seen['I'] != seen['p'])
		return "it may hold %H, or %I together with %p";
	*has_time = seen['H'] + seen['I'] > 0;
	*has_offset = seen['z'] > 0;
	return NULL;
}
