/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_utf8.c — whether bytes are UTF-8: the part that is not ASCII.
 *
 * A UTF8 server does not validate what it sends to a UTF8 client, and the log's readers
 * reject what is not valid, so every text is looked at here, at the door.
 */
#include "source_priv.h"

static inline bool
source_utf8_tail(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The length of the valid sequence at `at`, which is not ASCII; 0 when it is none. */
static size_t
source_utf8_sequence(const uint8_t *at, size_t left)
{
	uint8_t lead = at[0];

	if (lead < 0xc2 || lead > 0xf4)
		return 0; /* a tail byte, an overlong form of ASCII, beyond U+10FFFF */
	if (left < 2 || !source_utf8_tail(at[1]))
		return 0;
	if (lead < 0xe0)
		return 2;
	if (left < 3 || !source_utf8_tail(at[2]))
		return 0;
	if (lead < 0xf0)
	{
		if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f))
			return 0; /* overlong; a surrogate */
		return 3;
	}
	if (left < 4 || !source_utf8_tail(at[3]))
		return 0;
	if ((lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] > 0x8f))
		return 0;
	return 4;
}

bool
source_utf8_rest(const uint8_t *at, const uint8_t *end)
{
	while (at < end)
	{
		size_t length;

		if (*at < 0x80)
		{
			if (*at == 0)
				return false;
			at++;
			continue;
		}
		length = source_utf8_sequence(at, (size_t) (end - at));
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}
