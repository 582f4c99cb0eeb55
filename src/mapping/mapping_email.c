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

static bool
mapping_email_is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static const char *
mapping_email_local(const char *text, size_t length)
{
	char before = '.';

	if (length == 0 || length > 64)
		return "the part before the @ is empty or longer than 64 characters";
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] == '.'
				? before == '.'
				: !mapping_email_is_letter_or_digit(text[i]) &&
					  (text[i] == '\0' || strchr("!#$%&'*+-/=?^_`{|}~", text[i]) == NULL))
			return "the part before the @ is not a dot-atom of RFC 5322";
		before = text[i];
	}
	return before == '.' ? "the part before the @ is not a dot-atom of RFC 5322" : NULL;
}

static const char *
mapping_email_domain(const char *text, size_t length)
{
	static const char *const wrong = "the part after the @ is not a host name";
	size_t start = 0;
	int labels = 0;
	bool digits = true;

	if (length == 0 || length > 253)
		return wrong;
	for (size_t i = 0; i <= length; i++)
	{
		if (i < length && text[i] != '.')
		{
			if (!mapping_email_is_letter_or_digit(text[i]) && text[i] != '-')
				return wrong;
			digits = (i == start || digits) && text[i] >= '0' && text[i] <= '9';
			continue;
		}
		if (i == start || i - start > 63 || text[start] == '-' || text[i - 1] == '-')
			return wrong;
		labels++;
		start = i + 1;
	}
	return labels < 2 || digits ? wrong : NULL;
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
		reason = mapping_email_domain(at + 1, length - local - 1);
	if (reason != NULL)
		return reason;
	for (size_t i = 0; i < length; i++)
		out[i] = i > local && text[i] >= 'A' && text[i] <= 'Z' ? (char) (text[i] | 0x20) : text[i];
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
