/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_compare_name — levels of agreement of two persons' names.
 *
 * Which word is the given name and which the family name is a guess, so each is looked for
 * among the other's words too.
 */
#include "identity/identity_compare_priv.h"

static bool
has_word(const IdentityForm *form, uint32_t hash)
{
	for (unsigned i = 0; i < form->first[FORM_TOKEN + 1]; i++)
		if (form->values[i].hash == hash)
			return true;
	return false;
}

/* Are all words of one name among the other's? */
static bool
words_within(const IdentityForm *a, const IdentityForm *b)
{
	for (unsigned i = 0; i < a->first[FORM_TOKEN + 1]; i++)
		if (!has_word(b, a->values[i].hash))
			return false;
	return true;
}

/* Given and family name swapped, one of them with an error. */
static bool
swapped(const IdentityForm *a, const IdentityForm *b)
{
	const FormValue *fa = &a->values[a->family], *fb = &b->values[b->family];
	const FormValue *ga = &a->values[a->given], *gb = &b->values[b->given];

	if (a->family == ABSENT || b->family == ABSENT)
		return false;
	return (ga->hash == fb->hash && compare_jaro(a, fa, b, gb, 8500) >= 8500) ||
		   (gb->hash == fa->hash && compare_jaro(a, ga, b, fb, 8500) >= 8500);
}

static unsigned
family_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	unsigned similar;

	if (compare_same(a, x, b, y))
		return 1;
	similar = compare_jaro(a, x, b, y, 7000);
	if (similar >= 9200)
		return 2;
	if (has_word(a, y->hash) || has_word(b, x->hash))
		return 4;
	if (similar >= 8500 || (x->sound == y->sound && x->sound != 0))
		return 3;
	if (x->length == 1 || y->length == 1)
		return x->initial == y->initial ? 5 : 6;
	return similar >= 7000 ? 7 : 8;
}

/* Is a middle word of one the nickname of the other's given name? */
static bool
nickname_inside(const IdentityForm *a, const FormValue *given)
{
	for (unsigned i = 0; i < a->first[FORM_TOKEN + 1]; i++)
		if (i != a->given && i != a->family && given->hash2 != 0 && a->values[i].hash2 != 0 &&
			identity_normal_same_nickname(a->values[i].hash2, given->hash2))
			return true;
	return false;
}

/* Swapped, or called by the middle name.  A word of the family in common does not make it so. */
static bool
elsewhere(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	return (has_word(a, y->hash) && has_word(b, x->hash)) || words_within(a, b) ||
		   words_within(b, a) || swapped(a, b);
}

static unsigned
given_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	bool same_initial;
	unsigned similar;

	if (compare_same(a, x, b, y))
		return 1;
	if (x->hash2 != 0 && y->hash2 != 0 && identity_normal_same_nickname(x->hash2, y->hash2))
		return 2;
	same_initial = x->initial == y->initial;
	if (x->length == 1 || y->length == 1)
		return same_initial ? 4 : 8;
	similar = compare_jaro(a, x, b, y, 8200);
	if (similar >= 9200)
		return 3;
	if (elsewhere(a, x, b, y))
		return 6;
	if (similar >= 8200 || (x->length > 3 && y->length > 3 && compare_near(a, x, b, y)))
		return 5;
	if (nickname_inside(a, y) || nickname_inside(b, x))
		return 6;
	return same_initial ? 7 : 8;
}

static unsigned
other_level(const IdentityForm *a, const IdentityForm *b)
{
	unsigned best = 0;

	for (unsigned i = 0; i < a->first[FORM_TOKEN + 1]; i++)
		for (unsigned j = 0; j < b->first[FORM_TOKEN + 1]; j++)
		{
			const FormValue *x = &a->values[i], *y = &b->values[j];
			unsigned level = 4;

			if (i == a->given || i == a->family || j == b->given || j == b->family)
				continue;
			if (compare_same(a, x, b, y))
				level = x->length > 1 ? 1 : 3;
			else if ((x->length == 1 || y->length == 1))
				level = x->initial == y->initial ? 3 : 4;
			else if ((x->hash2 != 0 && y->hash2 != 0 &&
					  identity_normal_same_nickname(x->hash2, y->hash2)) ||
					 compare_jaro(a, x, b, y, 8800) >= 8800)
				level = 2;
			if (best == 0 || level < best)
				best = level;
		}
	return best;
}

/* A name that is neither given nor family name, like "jsmith84". */
static bool
is_handle(const IdentityForm *form)
{
	return form->given == ABSENT && form->family == ABSENT && form->first[FORM_TOKEN + 1] == 1;
}

/* Does the handle's text go on with the word, or with its initial only? Moves *at behind it. */
static bool
takes(const char *text, unsigned length, unsigned *at, const IdentityForm *form,
	  const FormValue *word, bool initial)
{
	unsigned n = initial ? 1 : word->length;

	if (n == 0 || *at + n > length || memcmp(text + *at, form_text(form, word), n) != 0)
		return false;
	*at += n;
	return true;
}

/* Is the handle made of the other's names: jsmith, johnsmith, smithjohn, johns? */
static bool
handle_fits(const IdentityForm *handle, const IdentityForm *named)
{
	const FormValue *given, *family;
	const char *text;
	unsigned length = 0;

	if (!is_handle(handle))
		return false;
	text = form_text(handle, &handle->values[0]);
	while (length < handle->values[0].length && (text[length] < '0' || text[length] > '9'))
		length++;
	if (is_handle(named))
		return handle->values[0].hash == named->values[0].hash;
	if (named->given == ABSENT || named->family == ABSENT)
		return false;
	given = &named->values[named->given];
	family = &named->values[named->family];
	for (unsigned way = 0; way < 4; way++)
	{
		bool turned = way == 3;
		unsigned at = 0;

		if (takes(text, length, &at, named, turned ? family : given, way == 0) &&
			takes(text, length, &at, named, turned ? given : family, way == 2) && at == length)
			return true;
	}
	return false;
}

/* Of a name of one word nobody knows which it is. */
static unsigned
one_word_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	if (compare_same(a, x, b, y))
		return FAMILY_ONE_WORD;
	return compare_jaro(a, x, b, y, 9000) >= 9000 ? FAMILY_ONE_WORD_CLOSE : 0;
}

void
identity_compare_names(const IdentityForm *a, const IdentityForm *b, uint8_t level[COMPARES])
{
	const FormValue *fa = a->family == ABSENT ? NULL : &a->values[a->family];
	const FormValue *fb = b->family == ABSENT ? NULL : &b->values[b->family];
	const FormValue *ga = a->given == ABSENT ? NULL : &a->values[a->given];
	const FormValue *gb = b->given == ABSENT ? NULL : &b->values[b->given];

	if (!(a->present & b->present & 1u << FORM_TOKEN))
		return;
	if (is_handle(a) || is_handle(b))
		level[COMPARE_FAMILY] = handle_fits(a, b) || handle_fits(b, a) ? FAMILY_HANDLE : 0;
	else if (fa != NULL && fb != NULL)
		level[COMPARE_FAMILY] = (uint8_t) family_level(a, fa, b, fb);
	else if (fa != NULL && gb != NULL)
		level[COMPARE_FAMILY] = (uint8_t) one_word_level(a, fa, b, gb);
	else if (fb != NULL && ga != NULL)
		level[COMPARE_FAMILY] = (uint8_t) one_word_level(a, ga, b, fb);
	if (ga != NULL && gb != NULL && level[COMPARE_FAMILY] < 9)
		level[COMPARE_GIVEN] = (uint8_t) given_level(a, ga, b, gb);
	level[COMPARE_OTHER] = (uint8_t) other_level(a, b);
}
