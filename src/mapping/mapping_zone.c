/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_zone.c — time zones read from TZif files (RFC 8536).
 *
 * The process's own TZ is neither used nor touched, so that four sources may
 * have four zones. The 64-bit data of version 2 and later files and their POSIX
 * TZ footer are read; version 1 files (32 bits) are refused.
 *
 * A wall clock that a transition skips or repeats is read as PostgreSQL's AT TIME
 * ZONE reads it: a skipped one with the offset before the gap, a repeated one with the
 * offset after the overlap (standard time), the later of the two instants.
 */
#include "mapping/mapping_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/alloc.h"

#define ZONE_DIRECTORY	"/usr/share/zoneinfo"
#define ZONE_SIZE_LIMIT ((size_t) 1 << 18)
#define ZONE_DAY		INT64_C(86400)

typedef enum ZoneRuleKind
{
	ZONE_RULE_MONTH, /* Mm.w.d */
	ZONE_RULE_JULIAN,
	ZONE_RULE_DAY,
} ZoneRuleKind;

typedef struct ZoneRule
{
	ZoneRuleKind kind;
	int month, week, day;
	int time; /* seconds of that day, may be negative or beyond it */
} ZoneRule;

struct Zone
{
	size_t ntransitions;
	int64_t *at;
	int32_t *offset; /* from at[i] on */
	int32_t first;	 /* before at[0] */
	bool has_footer;
	bool has_summer;
	int32_t standard;
	int32_t summer;
	ZoneRule start; /* of summer time */
	ZoneRule end;
};

/* ---- the footer: a POSIX TZ text ---- */

typedef struct FooterReader
{
	const char *next;
	const char *end;
} FooterReader;

static char
zone_peek(const FooterReader *reader)
{
	return reader->next < reader->end ? *reader->next : '\0';
}

static bool
zone_name(FooterReader *reader)
{
	const char *start = reader->next;

	if (zone_peek(reader) == '<')
	{
		const char *close = memchr(start, '>', (size_t) (reader->end - start));

		if (close == NULL)
			return false;
		reader->next = close + 1;
		return true;
	}
	while ((zone_peek(reader) | 0x20) >= 'a' && (zone_peek(reader) | 0x20) <= 'z')
		reader->next++;
	return reader->next - start >= 3;
}

static bool
zone_number(FooterReader *reader, int max, int *value)
{
	const char *start = reader->next;

	*value = 0;
	while (zone_peek(reader) >= '0' && zone_peek(reader) <= '9' && reader->next - start < 4)
		*value = *value * 10 + (*reader->next++ - '0');
	return reader->next > start && *value <= max;
}

/* [+-]h[hh][:mm[:ss]] */
static bool
zone_time(FooterReader *reader, int *seconds)
{
	int sign = 1;
	int part;

	if (zone_peek(reader) == '-' || zone_peek(reader) == '+')
		sign = *reader->next++ == '-' ? -1 : 1;
	if (!zone_number(reader, 167, &part))
		return false;
	*seconds = part * 3600;
	for (int unit = 60; unit >= 1 && zone_peek(reader) == ':'; unit /= 60)
	{
		reader->next++;
		if (!zone_number(reader, 59, &part))
			return false;
		*seconds += part * unit;
	}
	*seconds *= sign;
	return true;
}

static bool
zone_rule(FooterReader *reader, ZoneRule *rule)
{
	if (zone_peek(reader) != ',')
		return false;
	reader->next++;
	rule->time = 2 * 3600;
	if (zone_peek(reader) == 'M')
	{
		reader->next++;
		rule->kind = ZONE_RULE_MONTH;
		if (!zone_number(reader, 12, &rule->month) || rule->month < 1 || zone_peek(reader) != '.')
			return false;
		reader->next++;
		if (!zone_number(reader, 5, &rule->week) || rule->week < 1 || zone_peek(reader) != '.')
			return false;
		reader->next++;
		if (!zone_number(reader, 6, &rule->day))
			return false;
	}
	else
	{
		rule->kind = zone_peek(reader) == 'J' ? ZONE_RULE_JULIAN : ZONE_RULE_DAY;
		if (rule->kind == ZONE_RULE_JULIAN)
			reader->next++;
		if (!zone_number(reader, 365, &rule->day) ||
			(rule->kind == ZONE_RULE_JULIAN && rule->day < 1))
			return false;
	}
	if (zone_peek(reader) != '/')
		return true;
	reader->next++;
	return zone_time(reader, &rule->time);
}

static bool
zone_footer(Zone *zone, const char *text, size_t length)
{
	FooterReader reader = {.next = text, .end = text + length};
	int seconds;

	if (length == 0)
		return true;
	if (!zone_name(&reader) || !zone_time(&reader, &seconds))
		return false;
	zone->has_footer = true;
	zone->standard = -seconds; /* POSIX counts west of Greenwich */
	if (reader.next == reader.end)
		return true;
	zone->has_summer = true;
	zone->summer = zone->standard + 3600;
	if (!zone_name(&reader))
		return false;
	if (zone_peek(&reader) != ',')
	{
		if (!zone_time(&reader, &seconds))
			return false;
		zone->summer = -seconds;
	}
	return zone_rule(&reader, &zone->start) && zone_rule(&reader, &zone->end) &&
		   reader.next == reader.end;
}

/* Local seconds at which a rule strikes in a year. */
static int64_t
zone_rule_local(const ZoneRule *rule, int64_t year)
{
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	int64_t day;

	if (rule->kind == ZONE_RULE_MONTH)
	{
		int64_t first = mapping_date_days(year, rule->month, 1);
		int64_t next = rule->month == 12 ? mapping_date_days(year + 1, 1, 1)
										 : mapping_date_days(year, rule->month + 1, 1);
		int weekday = (int) (((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */

		day = first + (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
		while (day >= next)
			day -= 7;
	}
	else
	{
		day = mapping_date_days(year, 1, 1) + rule->day;
		if (rule->kind == ZONE_RULE_JULIAN && !(leap && rule->day >= 60))
			day--;
	}
	return day * ZONE_DAY + rule->time;
}

static int64_t
zone_year(int64_t seconds)
{
	int64_t year;
	int month;
	int day;

	mapping_date_civil(seconds / ZONE_DAY - (seconds % ZONE_DAY < 0), &year, &month, &day);
	return year;
}

static int32_t
zone_footer_offset(const Zone *zone, int64_t utc)
{
	int64_t year;
	int64_t start;
	int64_t end;

	if (!zone->has_summer)
		return zone->standard;
	year = zone_year(utc + zone->standard);
	start = zone_rule_local(&zone->start, year) - zone->standard;
	end = zone_rule_local(&zone->end, year) - zone->summer;
	if (start < end)
		return utc >= start && utc < end ? zone->summer : zone->standard;
	return utc >= start || utc < end ? zone->summer : zone->standard;
}

/* ---- using a zone ---- */

/* Index of the first transition after `utc`. */
static size_t
zone_after(const Zone *zone, int64_t utc)
{
	size_t low = 0;
	size_t high = zone->ntransitions;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (zone->at[middle] <= utc)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int32_t
mapping_zone_offset(const Zone *zone, int64_t utc)
{
	size_t after = zone_after(zone, utc);

	if (after == zone->ntransitions && zone->has_footer)
		return zone_footer_offset(zone, utc);
	return after == 0 ? zone->first : zone->offset[after - 1];
}

/* The instant between low and high at which the offset stops being `before`. */
static int64_t
zone_boundary(const Zone *zone, int64_t low, int64_t high, int32_t before)
{
	while (high - low > 1)
	{
		int64_t middle = low + (high - low) / 2;

		if (mapping_zone_offset(zone, middle) == before)
			low = middle;
		else
			high = middle;
	}
	return high;
}

int64_t
mapping_zone_to_utc(const Zone *zone, int64_t local)
{
	/* no offset is larger than 26 hours, so the instant lies between these two */
	int64_t low = local - 26 * 3600;
	int64_t high = local + 26 * 3600;
	int32_t before = mapping_zone_offset(zone, low);
	int32_t after = mapping_zone_offset(zone, high);
	int64_t boundary;

	if (before == after)
		return local - before;
	boundary = zone_boundary(zone, low, high, before);
	after = mapping_zone_offset(zone, boundary);
	if (local - after >= boundary)
		return local - after; /* after it, or repeated: the later instant */
	return local - before;	  /* before it, or skipped */
}

/* ---- reading a TZif file ---- */

typedef struct ZoneHeader
{
	uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
} ZoneHeader;

static uint32_t
zone_read32(const uint8_t *at)
{
	return (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
}

static bool
zone_header(const uint8_t *bytes, size_t length, ZoneHeader *header)
{
	uint32_t *counts[] = {&header->isutcnt, &header->isstdcnt, &header->leapcnt,
						  &header->timecnt, &header->typecnt,  &header->charcnt};

	if (length < 44 || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2')
		return false;
	for (size_t i = 0; i < 6; i++)
	{
		*counts[i] = zone_read32(bytes + 20 + 4 * i);
		if (*counts[i] > 65536)
			return false;
	}
	return true;
}

static size_t
zone_body_size(const ZoneHeader *header, size_t word)
{
	return header->timecnt * (word + 1) + header->typecnt * 6 + header->charcnt +
		   header->leapcnt * (word + 4) + header->isstdcnt + header->isutcnt;
}

static bool
zone_fill(Zone *zone, const ZoneHeader *header, const uint8_t *body)
{
	const uint8_t *types = body + 8 * (size_t) header->timecnt;
	const uint8_t *infos = types + header->timecnt;

	for (size_t i = 0; i < header->typecnt; i++)
		if ((int32_t) zone_read32(infos + 6 * i) > 93599 ||
			(int32_t) zone_read32(infos + 6 * i) < -93599)
			return false;
	zone->first = (int32_t) zone_read32(infos);
	for (size_t i = 0; i < header->timecnt; i++)
	{
		if (types[i] >= header->typecnt)
			return false;
		zone->at[i] =
			(int64_t) ((uint64_t) zone_read32(body + 8 * i) << 32 | zone_read32(body + 8 * i + 4));
		zone->offset[i] = (int32_t) zone_read32(infos + 6 * (size_t) types[i]);
		if (i > 0 && zone->at[i] <= zone->at[i - 1])
			return false;
	}
	zone->ntransitions = header->timecnt;
	return true;
}

Zone *
mapping_zone_parse(Arena *arena, const uint8_t *bytes, size_t length, const char **why, Err *err)
{
	ZoneHeader header;
	const uint8_t *body;
	const uint8_t *newline;
	size_t skip;
	size_t left;
	Zone *zone;

	*why = "its file is not a TZif file of version 2 or later";
	if (!zone_header(bytes, length, &header))
		return NULL;
	skip = 44 + zone_body_size(&header, 4);
	if (skip >= length || !zone_header(bytes + skip, length - skip, &header))
		return NULL;
	body = bytes + skip + 44;
	left = length - skip - 44;
	if (header.typecnt == 0 || zone_body_size(&header, 8) >= left)
		return NULL;
	zone = arena_zero(arena, sizeof(Zone), err);
	if (zone == NULL)
		return NULL;
	zone->at = arena_alloc(arena, sizeof(int64_t) * (header.timecnt + 1), err);
	zone->offset = arena_alloc(arena, sizeof(int32_t) * (header.timecnt + 1), err);
	if (zone->at == NULL || zone->offset == NULL || !zone_fill(zone, &header, body))
		return NULL;
	body += zone_body_size(&header, 8);
	left -= zone_body_size(&header, 8);
	newline = left > 1 ? memchr(body + 1, '\n', left - 1) : NULL;
	if (body[0] != '\n' || newline == NULL ||
		!zone_footer(zone, (const char *) body + 1, (size_t) (newline - body) - 1))
		return NULL;
	*why = NULL;
	return zone;
}

static bool
zone_name_is_safe(const char *name)
{
	if (name[0] == '\0' || name[0] == '/' || strlen(name) > 100 || strstr(name, "..") != NULL)
		return false;
	for (const char *at = name; *at != '\0'; at++)
		if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			  (*at >= '0' && *at <= '9') || strchr("_+-/", *at) != NULL))
			return false;
	return true;
}

Zone *
mapping_zone_load(Arena *arena, const char *name, const char **why, Err *err)
{
	char path[200];
	uint8_t *bytes;
	ssize_t got = -1;
	Zone *zone = NULL;
	int fd;

	err_clear(err);
	*why = "no such time zone is installed";
	if (!zone_name_is_safe(name))
		return NULL;
	(void) snprintf(path, sizeof(path), "%s/%s", ZONE_DIRECTORY, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	bytes = alloc_bytes(ZONE_SIZE_LIMIT);
	if (bytes == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading a time zone");
	else
		got = read(fd, bytes, ZONE_SIZE_LIMIT);
	if (got > 0)
		zone = mapping_zone_parse(arena, bytes, (size_t) got, why, err);
	alloc_free(bytes);
	(void) close(fd);
	return zone;
}

/* Adds the names below one folder, one level deep ("Europe/Berlin"). */
static void
zone_collect(Arena *arena, const char *folder, const char **names, size_t *count, size_t limit,
			 int depth)
{
	char path[400];
	DIR *directory;
	struct dirent *entry;
	Err err;

	(void) snprintf(path, sizeof(path), "%s/%s", ZONE_DIRECTORY, folder);
	directory = opendir(path);
	while (directory != NULL && *count < limit && (entry = readdir(directory)) != NULL)
	{
		char *name;

		if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' || strlen(entry->d_name) > 100)
			continue;
		name = folder[0] == '\0' ? arena_printf(arena, &err, "%s", entry->d_name)
								 : arena_printf(arena, &err, "%s/%s", folder, entry->d_name);
		if (name == NULL)
			break;
		if (entry->d_type == DT_DIR && depth == 0)
			zone_collect(arena, name, names, count, limit, 1);
		else if (*count < limit)
			names[(*count)++] = name;
	}
	if (directory != NULL)
		(void) closedir(directory);
}

const char *
mapping_zone_suggest(Arena *arena, const char *name)
{
	const size_t limit = 1000;
	size_t count = 0;
	Err err;
	const char **names = arena_zero(arena, (limit + 1) * sizeof(char *), &err);

	if (names == NULL)
		return NULL;
	zone_collect(arena, "", names, &count, limit, 0);
	return conf_suggest(name, names);
}
