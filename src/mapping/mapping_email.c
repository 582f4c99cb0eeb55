/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_email.c — the normal form of an e-mail address.
 *
 * RFC 5322's addr-spec with a dot-atom local part and a host name of at least
 * two labels (RFC 1035 letters, digits, hyphens): what real addresses are. Not
 * accepted: quoted local parts, comments, address literals, display names, letters
 * beyond ASCII. The domain becomes lower case; the local part keeps its case,
 * since only its own server may say that case does not matter.
 */
#include "mapping/mapping_priv.h"

#include <string.h>

/* What a character may be part of; looked up for each one of every address. */
enum
{
	EMAIL_HOST = 1, /* a label of a host name */
	EMAIL_ATOM = 2, /* RFC 5322's atext */
	EMAIL_DIGIT = 4,
};

static const uint8_t mapping_email_classes[256] = {
	['a' ... 'z'] = EMAIL_HOST | EMAIL_ATOM,
	['A' ... 'Z'] = EMAIL_HOST | EMAIL_ATOM,
	['0' ... '9'] = EMAIL_HOST | EMAIL_ATOM | EMAIL_DIGIT,
	['-'] = EMAIL_HOST | EMAIL_ATOM,
	['!'] = EMAIL_ATOM,
	['#' ... '\''] = EMAIL_ATOM,
	['*' ... '+'] = EMAIL_ATOM,
	['/'] = EMAIL_ATOM,
	['='] = EMAIL_ATOM,
	['?'] = EMAIL_ATOM,
	['^' ... '`'] = EMAIL_ATOM,
	['{' ... '~'] = EMAIL_ATOM,
};

static inline uint8_t
mapping_email_class(char c)
{
	return mapping_email_classes[(uint8_t) c];
}

static const char *
mapping_email_local(const char *text, size_t length)
{
	static const char *const wrong = "the part before the @ is not a dot-atom of RFC 5322";
	bool dot = true; /* where a dot may not follow */

	if (length == 0 || length > 64)
		return "the part before the @ is empty or longer than 64 characters";
	for (size_t i = 0; i < length; i++)
	{
		bool atom = (mapping_email_class(text[i]) & EMAIL_ATOM) != 0;

		if (!atom && (dot || text[i] != '.'))
			return wrong;
		dot = !atom;
	}
	return dot ? wrong : NULL;
}

/* Writes the host name in lower case. */
static const char *
mapping_email_domain(const char *text, size_t length, char *out)
{
	static const char *const wrong = "the part after the @ is not a host name";
	size_t start = 0;
	int labels = 0;
	uint8_t common = EMAIL_DIGIT; /* of the characters of the label at hand */

	if (length == 0 || length > 253)
		return wrong;
	for (size_t i = 0; i <= length; i++)
	{
		if (i < length && text[i] != '.')
		{
			uint8_t class = mapping_email_class(text[i]);

			if ((class & EMAIL_HOST) == 0)
				return wrong;
			common = i == start ? class : common & class;
			out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char) (text[i] | 0x20) : text[i];
			continue;
		}
		if (i == start || i - start > 63 || text[start] == '-' || text[i - 1] == '-')
			return wrong;
		if (i < length)
			out[i] = '.';
		labels++;
		start = i + 1;
	}
	return labels < 2 || (common & EMAIL_DIGIT) != 0 ? wrong : NULL;
}

const char *
mapping_email_normal(const char *text, size_t length, char *out, size_t *out_length)
{
	const char *at;
	const char *reason;
	size_t local;

	while (length > 0 && (*text == ' ' || (*text >= '\t' && *text <= '\r')))
	{
		text++;
		length--;
	}
	while (length > 0 &&
		   (text[length - 1] == ' ' || (text[length - 1] >= '\t' && text[length - 1] <= '\r')))
		length--;
	at = memchr(text, '@', length);
	if (at == NULL)
		return "it holds no @";
	if (length > 254)
		return "it is longer than 254 characters";
	local = (size_t) (at - text);
	reason = mapping_email_local(text, local);
	if (reason == NULL)
		reason = mapping_email_domain(at + 1, length - local - 1, out + local + 1);
	if (reason != NULL)
		return reason;
	memcpy(out, text, local + 1);
	*out_length = length;
	return NULL;
}

bool
mapping_email_valid(const char *text, size_t length)
{
	char out[256];
	size_t out_length;

	return length <= 254 && mapping_email_normal(text, length, out, &out_length) == NULL &&
		   out_length == length && memcmp(out, text, length) == 0;
}
