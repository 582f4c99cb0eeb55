/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_text.c — trim, lower, upper, replace, split on UTF-8 text.
 *
 * Letters beyond ASCII change case one by one as the C library's C.UTF-8 locale
 * has it: no language's own rules (Turkish i), no letter that becomes two (ß).
 * Blanks are ASCII's, and U+00A0, U+1680, U+2000–U+200B, U+2028, U+2029, U+202F,
 * U+205F, U+3000, U+FEFF.
 */
#include "mapping/mapping_priv.h"

#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <wctype.h>

static pthread_once_t mapping_text_once = PTHREAD_ONCE_INIT;
static locale_t mapping_text_locale;

static void
mapping_text_open_locale(void)
{
	mapping_text_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
}

/* Decodes one code point of valid UTF-8; returns its length. */
static size_t
mapping_text_decode(const char *text, size_t left, uint32_t *point)
{
	const uint8_t *at = (const uint8_t *) text;
	size_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (length > left)
		length = left;
	*point = length == 1 ? at[0] : at[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
		*point = *point << 6 | (at[i] & 0x3fu);
	return length;
}

static size_t
mapping_text_encode(uint32_t point, char *out)
{
	if (point < 0x80)
	{
		out[0] = (char) point;
		return 1;
	}
	if (point < 0x800)
	{
		out[0] = (char) (0xc0 | point >> 6);
		out[1] = (char) (0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000)
	{
		out[0] = (char) (0xe0 | point >> 12);
		out[1] = (char) (0x80 | (point >> 6 & 0x3f));
		out[2] = (char) (0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char) (0xf0 | point >> 18);
	out[1] = (char) (0x80 | (point >> 12 & 0x3f));
	out[2] = (char) (0x80 | (point >> 6 & 0x3f));
	out[3] = (char) (0x80 | (point & 0x3f));
	return 4;
}

static bool
mapping_text_blank(uint32_t point)
{
	return point == ' ' || (point >= 0x09 && point <= 0x0d) || point == 0xa0 || point == 0x1680 ||
		   (point >= 0x2000 && point <= 0x200b) || point == 0x2028 || point == 0x2029 ||
		   point == 0x202f || point == 0x205f || point == 0x3000 || point == 0xfeff;
}

StepResult
mapping_text_trim(const MappingStep *step, Cell *cell, StepContext *context)
{
	const char *text = cell->as.text;
	size_t length = cell->length;
	uint32_t point;

	(void) step;
	(void) context;
	while (length > 0)
	{
		size_t size = mapping_text_decode(text, length, &point);

		if (!mapping_text_blank(point))
			break;
		text += size;
		length -= size;
	}
	while (length > 0)
	{
		size_t start = length - 1;

		while (start > 0 && length - start < 4 && ((uint8_t) text[start] & 0xc0) == 0x80)
			start--;
		(void) mapping_text_decode(text + start, length - start, &point);
		if (!mapping_text_blank(point))
			break;
		length = start;
	}
	cell->as.text = text;
	cell->length = (uint32_t) length;
	return STEP_OK;
}

static size_t
mapping_text_case_point(const char *text, size_t left, bool upper, char *out, size_t *out_length)
{
	uint32_t point;
	size_t size = mapping_text_decode(text, left, &point);

	if (mapping_text_locale != (locale_t) 0)
		point = upper ? (uint32_t) towupper_l((wint_t) point, mapping_text_locale)
					  : (uint32_t) towlower_l((wint_t) point, mapping_text_locale);
	*out_length += mapping_text_encode(point, out + *out_length);
	return size;
}

static StepResult
mapping_text_case(Cell *cell, bool upper, StepContext *context)
{
	/* a letter's other case has at most twice its bytes */
	char *out = arena_alloc(context->arena, (size_t) cell->length * 2 + 4, context->err);
	char first = upper ? 'a' : 'A';
	size_t length = 0;
	size_t at = 0;

	if (out == NULL)
		return STEP_FAILED;
	while (at < cell->length)
	{
		char c = cell->as.text[at];

		if ((uint8_t) c < 0x80)
		{
			out[length++] = (uint8_t) (c - first) < 26 ? (char) (c ^ 0x20) : c;
			at++;
			continue;
		}
		(void) pthread_once(&mapping_text_once, mapping_text_open_locale);
		at += mapping_text_case_point(cell->as.text + at, cell->length - at, upper, out, &length);
	}
	cell->as.text = out;
	cell->length = (uint32_t) length;
	return STEP_OK;
}

StepResult
mapping_text_lower(const MappingStep *step, Cell *cell, StepContext *context)
{
	(void) step;
	return mapping_text_case(cell, false, context);
}

StepResult
mapping_text_upper(const MappingStep *step, Cell *cell, StepContext *context)
{
	(void) step;
	return mapping_text_case(cell, true, context);
}

static const char *
mapping_text_find(const char *text, size_t length, const MappingStep *step)
{
	return memmem(text, length, step->text, step->text_length);
}

StepResult
mapping_text_replace(const MappingStep *step, Cell *cell, StepContext *context)
{
	const char *text = cell->as.text;
	const char *end = text + cell->length;
	size_t count = 0;
	size_t size;
	char *out;
	char *at;

	for (const char *hit = text; (hit = mapping_text_find(hit, (size_t) (end - hit), step)) != NULL;
		 hit += step->text_length)
		count++;
	if (count == 0)
		return STEP_OK;
	size = cell->length - count * step->text_length + count * step->to_length;
	if (size > UINT32_MAX)
		return step_bad(context, "it would become too long");
	out = at = arena_alloc(context->arena, size + 1, context->err);
	if (out == NULL)
		return STEP_FAILED;
	for (const char *hit; (hit = mapping_text_find(text, (size_t) (end - text), step)) != NULL;
		 text = hit + step->text_length)
	{
		memcpy(at, text, (size_t) (hit - text));
		at += hit - text;
		memcpy(at, step->to, step->to_length);
		at += step->to_length;
	}
	memcpy(at, text, (size_t) (end - text));
	cell->as.text = out;
	cell->length = (uint32_t) size;
	return STEP_OK;
}

/* Part n between separators; counted from 1, or from the end with -1. A part that is not there
 * is null. */
StepResult
mapping_text_split(const MappingStep *step, Cell *cell, StepContext *context)
{
	const char *text = cell->as.text;
	const char *end = text + cell->length;
	int wanted = step->number;

	(void) context;
	if (wanted < 0)
	{
		int parts = 1;

		for (const char *hit = text;
			 (hit = mapping_text_find(hit, (size_t) (end - hit), step)) != NULL;
			 hit += step->text_length)
			parts++;
		wanted = parts + 1 + wanted;
	}
	for (int part = 1; wanted >= 1; part++)
	{
		const char *hit = mapping_text_find(text, (size_t) (end - text), step);

		if (part == wanted)
		{
			cell->as.text = text;
			cell->length = (uint32_t) ((hit != NULL ? hit : end) - text);
			return STEP_OK;
		}
		if (hit == NULL)
			break;
		text = hit + step->text_length;
	}
	cell->kind = CELL_NULL;
	return STEP_OK;
}
