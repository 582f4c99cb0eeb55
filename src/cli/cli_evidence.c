/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_evidence.c — reads an explanation's text line by line, for the terminal and the page to draw.
 *
 * The engine's text is made for programs; people get its weights as a waterfall, under names that they
 * know. Lines that carry values of a record are told apart, so that they can be masked.
 */
#include "cli/cli_evidence.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static const char *
evidence_name(const char *word, size_t length)
{
	static const char *const names[][2] = {{"prior", "before any evidence"},
										   {"family", "family name"},
										   {"given", "given name"},
										   {"other", "other names"},
										   {"birth_date", "date of birth"},
										   {"email", "e-mail"},
										   {"id", "strong id"},
										   {"suffix", "name suffix"},
										   {"company", "company name"},
										   {"household:", "household"},
										   {"group:", "group"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strlen(names[i][0]) == length && memcmp(names[i][0], word, length) == 0)
			return names[i][1];
	}
	return NULL;
}

/* Copies with blanks for underscores. */
static void
evidence_words(char *to, size_t size, const char *from, size_t length)
{
	size_t i = 0;

	for (; i < length && i + 1 < size; i++)
		to[i] = from[i];
	to[i] = '\0';
	for (char *at = to; *at != '\0'; at++)
		*at = *at == '_' ? ' ' : *at;
}

/* ---- lines ---- */

static bool
evidence_starts(const char *text, size_t length, const char *prefix)
{
	size_t size = strlen(prefix);

	return length >= size && memcmp(text, prefix, size) == 0;
}

static void
evidence_bits(CliEvidence *line, const char *text, size_t length)
{
	const char *at = text + strcspn(text, " ") + 1;
	const char *word = at + strcspn(at, " \n");
	const char *end = text + length;
	size_t size;
	const char *known;

	line->bits = strtod(at, NULL);
	if (word >= end)
		return;
	word++;
	size = strcspn(word, " \n");
	known = evidence_name(word, size);
	evidence_words(line->name, sizeof(line->name), known != NULL ? known : word,
				   known != NULL ? strlen(known) : size);
	if (word + size < end)
		evidence_words(line->level, sizeof(line->level), word + size + 1,
					   (size_t) (end - word) - size - 1);
}

static CliEvidenceType
evidence_type(const char *text, size_t length)
{
	static const struct
	{
		const char *prefix;
		CliEvidenceType type;
	} types[] = {{"bits ", EVIDENCE_BITS},
				 {"score ", EVIDENCE_SCORE},
				 {"conflict ", EVIDENCE_NOTE},
				 {"candidates ", EVIDENCE_STANDING},
				 {"neighbourhood ", EVIDENCE_STANDING},
				 {"customer ", EVIDENCE_STANDING},
				 {"judgement ", EVIDENCE_ANSWER}};

	/* A value may hold any text, a line's first word too: values come as name=value. */
	if (memchr(text, '=', length) == NULL)
	{
		for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		{
			if (evidence_starts(text, length, types[i].prefix))
				return types[i].type;
		}
	}
	return evidence_starts(text, length, "judgement ") ? EVIDENCE_ANSWER : EVIDENCE_VALUE;
}

bool
cli_evidence_next(const char **at, CliEvidence *line)
{
	size_t length = strcspn(*at, "\n");

	if (**at == '\0')
		return false;
	memset(line, 0, sizeof(*line));
	line->text = *at;
	line->length = length;
	line->type = evidence_type(*at, length);
	if (line->type == EVIDENCE_BITS || line->type == EVIDENCE_SCORE)
		evidence_bits(line, *at, length);
	*at += length + ((*at)[length] == '\n' ? 1 : 0);
	return true;
}

/* ---- the waterfall ---- */

void
cli_evidence_range(const char *text, double *low, double *high)
{
	CliEvidence line;
	double sum = 0;

	*low = *high = 0;
	while (cli_evidence_next(&text, &line))
	{
		if (line.type != EVIDENCE_BITS)
			continue;
		sum += line.bits;
		*low = sum < *low ? sum : *low;
		*high = sum > *high ? sum : *high;
	}
	if (*high - *low < 1)
		*high = *low + 1;
}

/* ---- odds ---- */

const char *
cli_likely_text(double probability, char text[CLI_LIKELY_TEXT])
{
	if (probability > .99)
		return "over 99 %";
	if (probability < .01)
		return "under 1 %";
	(void) snprintf(text, CLI_LIKELY_TEXT, "%.0f %%", probability * 100);
	return text;
}

/* ---- values side by side ---- */

#define EVIDENCE_PHONE_DIGITS 7 /* of a number without country and area */

/* The next letter or digit, capitals made small; 0 at the end. */
static unsigned char
evidence_letter(const IdentityField *field, size_t *at)
{
	while (*at < field->length)
	{
		unsigned char byte = (unsigned char) field->text[(*at)++];

		if (byte >= 0x80 || isalnum(byte))
			return byte < 0x80 ? (unsigned char) tolower(byte) : byte;
	}
	return 0;
}

bool
cli_reads_same(const IdentityField *a, const IdentityField *b)
{
	size_t i = a->length;
	size_t j = b->length;
	int alike = 0;
	unsigned char left;

	if (a->attribute == IDENTITY_PHONE)
	{
		while (i > 0 && j > 0)
		{
			if (!isdigit((unsigned char) a->text[i - 1]))
				i--;
			else if (!isdigit((unsigned char) b->text[j - 1]))
				j--;
			else if (a->text[--i] != b->text[--j])
				break;
			else
				alike++;
		}
		return alike >= EVIDENCE_PHONE_DIGITS;
	}
	i = j = 0;
	do
	{
		left = evidence_letter(a, &i);
		if (left != evidence_letter(b, &j))
			return false;
	} while (left != 0);
	return true;
}
