/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_scan.c — looks at a configuration's raw text before libconfig does.
 *
 * libconfig 1.5 follows @include anywhere on the disk, cuts integers without
 * an L to 32 bits, ends a text at a NUL byte, and recurses as deep as it is
 * told. This pass knows just enough of the syntax (strings, comments, names,
 * numbers, brackets) to refuse those with a line number; everything else is
 * libconfig's to judge.
 */
#include "conf/conf_priv.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "goldpan/conf_file.h"

typedef struct ConfScan
{
	const char *next;
	const char *end;
	const char *path;
	int line;
	int depth;
} ConfScan;

static bool
conf_scan_error(const ConfScan *scan, Err *err, const char *what)
{
	return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s:%d: %s", scan->path, scan->line, what);
}

/* Length of the UTF-8 sequence at `at`, or 0 when it is not valid. */
static size_t
conf_scan_utf8(const uint8_t *at, const uint8_t *end)
{
	size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	uint32_t point;

	if (length == 1)
		return at[0] != 0;
	if (at[0] < 0xc2 || at[0] > 0xf4 || (size_t) (end - at) < length)
		return 0;
	point = at[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++)
	{
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	if ((length == 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) ||
		(length == 4 && (point < 0x10000 || point > 0x10ffff)))
		return 0;
	return length;
}

static bool
conf_scan_encoding(ConfScan *scan, Err *err)
{
	const uint8_t *at = (const uint8_t *) scan->next;
	const uint8_t *end = (const uint8_t *) scan->end;

	while (at < end)
	{
		size_t length = conf_scan_utf8(at, end);

		if (length == 0)
			return conf_scan_error(
				scan, err, *at == 0 ? "a NUL byte is not allowed" : "the text is not valid UTF-8");
		if (*at == '\n')
			scan->line++;
		at += length;
	}
	scan->line = 1;
	return true;
}

/* An open text would end the file; libconfig would also lose its buffer. */
static bool
conf_scan_string(ConfScan *scan, Err *err)
{
	int start = scan->line;

	for (scan->next++; scan->next < scan->end; scan->next++)
	{
		char c = *scan->next;

		if (c == '"')
		{
			scan->next++;
			return true;
		}
		if (c == '\n')
			scan->line++;
		if (c != '\\' || scan->next + 1 >= scan->end)
			continue;
		if (scan->end - scan->next >= 4 && memcmp(scan->next, "\\x00", 4) == 0)
			return conf_scan_error(scan, err, "a text may not hold a zero byte (\\x00)");
		scan->next++;
		if (*scan->next == '\n')
			scan->line++;
	}
	scan->line = start;
	return conf_scan_error(scan, err, "a text in quotes is not closed");
}

static void
conf_scan_comment(ConfScan *scan)
{
	bool block = scan->next[0] == '/' && scan->next[1] == '*';

	if (block)
		scan->next += 2;
	while (scan->next < scan->end)
	{
		if (block && scan->end - scan->next >= 2 && memcmp(scan->next, "*/", 2) == 0)
		{
			scan->next += 2;
			return;
		}
		if (*scan->next == '\n')
		{
			if (!block)
				return;
			scan->line++;
		}
		scan->next++;
	}
}

static int
conf_scan_digit(char c, int base)
{
	int digit = c >= '0' && c <= '9'   ? c - '0'
				: c >= 'a' && c <= 'f' ? c - 'a' + 10
				: c >= 'A' && c <= 'F' ? c - 'A' + 10
									   : 99;

	return digit < base ? digit : -1;
}

/* Reads digits; false when they overflow 64 bits. */
static bool
conf_scan_digits(ConfScan *scan, int base, uint64_t *value)
{
	bool fits = true;

	*value = 0;
	for (; scan->next < scan->end && conf_scan_digit(*scan->next, base) >= 0; scan->next++)
	{
		uint64_t digit = (uint64_t) conf_scan_digit(*scan->next, base);

		if (__builtin_mul_overflow(*value, (uint64_t) base, value) ||
			__builtin_add_overflow(*value, digit, value))
			fits = false;
	}
	return fits;
}

static bool
conf_scan_fits(uint64_t value, bool negative, bool wide)
{
	return value <= (wide ? (uint64_t) INT64_MAX : (uint64_t) INT32_MAX) + (negative ? 1 : 0);
}

static bool
conf_scan_too_wide(const ConfScan *scan, const char *start, bool curable, bool wide, Err *err)
{
	int length = (int) (scan->next - start > 40 ? 40 : scan->next - start);

	(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s:%d: the integer %.*s does not fit %d bits",
				   scan->path, scan->line, length, start, wide ? 64 : 32);
	if (curable)
		(void) err_hint(err, "Write %.*sL: the L makes it a 64-bit integer.", length, start);
	return false;
}

static bool
conf_scan_number(ConfScan *scan, Err *err)
{
	const char *start = scan->next;
	bool negative = *scan->next == '-';
	bool overflow;
	bool suffix = false;
	uint64_t value = 0;
	int base = 10;

	if (*scan->next == '-' || *scan->next == '+')
		scan->next++;
	if (scan->end - scan->next > 2 && scan->next[0] == '0' &&
		(scan->next[1] == 'x' || scan->next[1] == 'X'))
	{
		base = 16;
		scan->next += 2;
	}
	overflow = !conf_scan_digits(scan, base, &value);
	if (base == 10 && scan->next < scan->end &&
		(*scan->next == '.' || *scan->next == 'e' || *scan->next == 'E'))
	{
		scan->next++;
		return true; /* a real number; what follows is scanned as it comes */
	}
	for (; scan->next < scan->end && *scan->next == 'L'; scan->next++)
		suffix = true;
	if (overflow || !conf_scan_fits(value, negative, suffix))
		return conf_scan_too_wide(scan, start, !suffix && !overflow && value <= INT64_MAX, suffix,
								  err);
	return true;
}

static bool
conf_scan_is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
		   c == '-' || c == '*';
}

static bool
conf_scan_bracket(ConfScan *scan, Err *err)
{
	if (strchr("({[", *scan->next) != NULL)
		scan->depth++;
	else
		scan->depth--;
	if (scan->depth > CONF_FILE_DEPTH_LIMIT)
		return conf_scan_error(scan, err, "brackets are nested more than 32 deep");
	scan->next++;
	return true;
}

static bool
conf_scan_token(ConfScan *scan, Err *err)
{
	char c = *scan->next;
	char after = scan->next + 1 < scan->end ? scan->next[1] : '\0';

	if (c == '"')
		return conf_scan_string(scan, err);
	if (c == '#' || (c == '/' && (after == '/' || after == '*')))
	{
		conf_scan_comment(scan);
		return true;
	}
	if (c == '@')
		return conf_scan_error(scan, err, "@include is not supported: a configuration is one file");
	if ((c >= '0' && c <= '9') || ((c == '-' || c == '+') && after >= '0' && after <= '9'))
		return conf_scan_number(scan, err);
	if (strchr("(){}[]", c) != NULL)
		return conf_scan_bracket(scan, err);
	if (conf_scan_is_name(c))
	{
		while (scan->next < scan->end && conf_scan_is_name(*scan->next))
			scan->next++;
		return true;
	}
	if (c == '\n')
		scan->line++;
	scan->next++;
	return true;
}

bool
conf_scan(const char *text, size_t length, const char *path, Err *err)
{
	ConfScan scan = {.next = text, .end = text + length, .path = path, .line = 1};

	if (!conf_scan_encoding(&scan, err))
		return false;
	while (scan.next < scan.end)
		if (!conf_scan_token(&scan, err))
			return false;
	return true;
}
