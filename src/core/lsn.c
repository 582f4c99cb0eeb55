/* SPDX-License-Identifier: PostgreSQL */
/*
 * lsn.c — text form of write-ahead log positions.
 */
#include "goldpan/lsn.h"

#include <stdio.h>
#include <string.h>

const char *
lsn_format(Lsn lsn, char text[LSN_TEXT_SIZE])
{
	(void) snprintf(text, LSN_TEXT_SIZE, "%X/%X", (unsigned) (lsn >> 32), (unsigned) lsn);
	return text;
}

static bool
lsn_parse_half(const char *text, size_t length, uint32_t *half)
{
	uint32_t value = 0;

	if (length < 1 || length > 8)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		char c = text[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t) (c - '0');
		else if (c >= 'A' && c <= 'F')
			digit = (uint32_t) (c - 'A') + 10;
		else if (c >= 'a' && c <= 'f')
			digit = (uint32_t) (c - 'a') + 10;
		else
			return false;
		value = value << 4 | digit;
	}
	*half = value;
	return true;
}

bool
lsn_parse(const char *text, Lsn *lsn)
{
	const char *slash = strchr(text, '/');
	uint32_t high;
	uint32_t low;

	if (slash == NULL || !lsn_parse_half(text, (size_t) (slash - text), &high) ||
		!lsn_parse_half(slash + 1, strlen(slash + 1), &low))
		return false;
	*lsn = (Lsn) high << 32 | low;
	return true;
}
