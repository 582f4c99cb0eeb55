/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_compare — levels of agreement of two forms.
 *
 * Level 0 is "a value is missing" and weighs nothing.  Levels are symmetric.
 */
#include "identity/identity_compare_priv.h"

const char *const compare_names[COMPARES] = {
	"family",	  "given",	"other",  "birth_date", "postcode", "place",
	"occupation", "gender", "email",  "phone",		"id",		"street",
	"unit",		  "region", "suffix", "company",	"domain",	"country"};

static const char *const level_names[COMPARES][LEVELS] = {
	{NULL, "exact", "close", "similar", "elsewhere", "initial", "initial_differs", "faint",
	 "differs", "one_word", "one_word_close", "handle"},
	{NULL, "exact", "nickname", "close", "initial", "similar", "elsewhere", "differs_same_initial",
	 "differs"},
	{NULL, "exact", "close", "initial", "differs"},
	{NULL, "exact", "exact_new_year", "digit_or_swap", "close", "year_only", "same_year",
	 "same_day", "two_digits", "same_decade", "differs"},
	{NULL, "exact", "close", "outward", "area", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "differs"},
	{NULL, "exact", "close", "same_local", "similar", "differs", "close_name", "same_name",
	 "similar_name", "exact_shared"},
	{NULL, "exact", "national", "close", "differs", "exact_shared"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "close_same_number", "street", "street_close", "number", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "differs"},
	{NULL, "exact", "same_words", "close", "part", "initials", "some_words", "differs"},
	{NULL, "exact", "same_brand", "differs", "exact_shared"},
	{NULL, "exact", "differs"},
};

const char *
identity_compare_level_name(Compare compare, unsigned level)
{
	return level < LEVELS ? level_names[compare][level] : NULL;
}

bool
identity_compare_fixed(Compare compare, unsigned level)
{
	return (compare == COMPARE_EMAIL && level == EMAIL_EXACT_SHARED) ||
		   (compare == COMPARE_PHONE && level == PHONE_EXACT_SHARED) ||
		   (compare == COMPARE_DOMAIN && level == DOMAIN_EXACT_SHARED) ||
		   (compare == COMPARE_COUNTRY && level == COUNTRY_EXACT);
}

static const FormValue *
value_of(const IdentityForm *form, FormKind kind)
{
	const FormValue *value = &form->values[form->first[kind]];

	return form->first[kind + 1] > form->first[kind] && !(value->flags & VALUE_GENERIC) ? value
																						: NULL;
}

/* How many of the eight digits of a binary-coded date are not 0? */
static unsigned
nibbles(uint32_t bits)
{
	bits |= bits >> 2;
	bits |= bits >> 1;
	return (bits & 0x11111111u) * 0x11111111u >> 28;
}

static unsigned
date_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	uint32_t differing = x->hash ^ y->hash;
	bool vague_x = (x->hash & 0xffff) == 0x0101, vague_y = (y->hash & 0xffff) == 0x0101;
	bool year = differing >> 16 == 0, day = (differing & 0xffff) == 0;
	unsigned digits;

	if (differing == 0)
		return vague_x ? 2 : 1;
	digits = nibbles(differing);
	if (year && (x->hash >> 8 & 0xff) == (y->hash & 0xff) &&
		(x->hash & 0xff) == (y->hash >> 8 & 0xff))
		return 3;
	if (digits == 1)
		return day ? 4 : 3;
	if (compare_near(a, x, b, y))
		return 4;
	if (year)
		return vague_x || vague_y ? 5 : 6;
	if (day)
		return vague_x ? 9 : 7;
	if (digits == 2)
		return 8;
	return differing >> 20 == 0 ? 9 : 10;
}

static unsigned
postcode_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	const char *s = form_text(a, x), *t = form_text(b, y);
	unsigned i = 0;

	if (compare_same(a, x, b, y))
		return 1;
	if (compare_near(a, x, b, y))
		return 2;
	if (x->hash2 == y->hash2)
		return 3;
	while (i < 2 && i < x->part && i < y->part && s[i] == t[i] && s[i] >= 'a')
		i++;
	return i > 0 && (i >= x->part || s[i] < 'a') && (i >= y->part || t[i] < 'a') ? 4 : 5;
}

static bool
inside(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	return memmem(form_text(a, x), x->length, form_text(b, y), y->length) != NULL ||
		   memmem(form_text(b, y), y->length, form_text(a, x), x->length) != NULL;
}

/* Two digits make a local part more than the owner's name, which the names say already. */
static bool
numbered(const IdentityForm *form, const FormValue *email)
{
	const char *text = form_text(form, email);
	unsigned digits = 0;

	for (unsigned i = 0; i < email->part; i++)
		digits += text[i] >= '0' && text[i] <= '9';
	return digits >= 2;
}

/* A year of birth or a running number that differs is no slip of the finger. */
static bool
same_digits(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	const char *s = form_text(a, x), *t = form_text(b, y);
	unsigned i = 0, j = 0;

	for (;;)
	{
		while (i < x->part && (s[i] < '0' || s[i] > '9'))
			i++;
		while (j < y->part && (t[j] < '0' || t[j] > '9'))
			j++;
		if (i == x->part || j == y->part)
			return i == x->part && j == y->part;
		if (s[i++] != t[j++])
			return false;
	}
}

static unsigned
email_level(const IdentityForm *a, const IdentityForm *b)
{
	/* which of two levels tells more */
	static const uint8_t email_order[] = {99, 0, 2, 3, 5, 9, 4, 6, 8, 1};
	unsigned best = 0;

	for (unsigned i = a->first[FORM_EMAIL]; i < a->first[FORM_EMAIL + 1]; i++)
		for (unsigned j = b->first[FORM_EMAIL]; j < b->first[FORM_EMAIL + 1]; j++)
		{
			const FormValue *x = &a->values[i], *y = &b->values[j];
			unsigned level = 5;

			if ((x->flags | y->flags) & (VALUE_GENERIC | VALUE_WEAK))
				continue;
			if (compare_same(a, x, b, y))
				level = (x->flags | y->flags) & VALUE_SHARED ? 9 : 1;
			else if (!same_digits(a, x, b, y))
				level = 5;
			else if (compare_near(a, x, b, y))
				level = numbered(a, x) ? 2 : 6;
			else if (x->hash2 == y->hash2 && x->part >= 5)
				level = numbered(a, x) ? 3 : 7;
			else if (compare_jaro(a, x, b, y, 9000) >= 9000)
				level = numbered(a, x) ? 4 : 8;
			if (best == 0 || email_order[level] < email_order[best])
				best = level;
		}
	return best;
}

static unsigned
phone_level(const IdentityForm *a, const IdentityForm *b)
{
	static const uint8_t phone_order[] = {99, 0, 1, 3, 4, 2};
	unsigned best = 0;

	for (unsigned i = a->first[FORM_PHONE]; i < a->first[FORM_PHONE + 1]; i++)
		for (unsigned j = b->first[FORM_PHONE]; j < b->first[FORM_PHONE + 1]; j++)
		{
			const FormValue *x = &a->values[i], *y = &b->values[j];
			unsigned level = 4;

			if ((x->flags | y->flags) & VALUE_GENERIC)
				continue;
			if (x->hash2 == y->hash2 && (x->flags | y->flags) & VALUE_SHARED)
				level = 5;
			else if (compare_same(a, x, b, y))
				level = 1;
			else if (x->hash2 == y->hash2)
				level = 2;
			else if (compare_near(a, x, b, y))
				level = 3;
			if (best == 0 || phone_order[level] < phone_order[best])
				best = level;
		}
	return best;
}

static unsigned
id_level(const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	unsigned best = 0;

	for (unsigned i = a->first[FORM_ID]; i < a->first[FORM_ID + 1]; i++)
		for (unsigned j = b->first[FORM_ID]; j < b->first[FORM_ID + 1]; j++)
		{
			const FormValue *x = &a->values[i], *y = &b->values[j];
			unsigned level = 3;

			if (x->hash2 != y->hash2 || ((x->flags | y->flags) & VALUE_GENERIC))
				continue;
			if (compare_same(a, x, b, y))
				level = 1;
			else if (compare_near(a, x, b, y))
				level = 2;
			if (level == 3 && (x->flags & y->flags & VALUE_EXCLUSIVE))
			{
				c->conflict = true;
				c->why = "strong ids of an exclusive type differ";
			}
			if (best == 0 || level < best)
				best = level;
		}
	return best;
}

static unsigned
street_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	bool number = x->sound == y->sound && x->sound != 0;
	unsigned similar;

	if (x->hash2 != 0 && x->hash2 == y->hash2)
		return number ? 1 : 3;
	similar = compare_jaro(a, x, b, y, 9000);
	if (similar >= 9000)
		return number ? 2 : 4;
	return number ? 5 : 6;
}

static unsigned
simple_level(const IdentityForm *a, const IdentityForm *b, FormKind kind, unsigned close)
{
	const FormValue *x = value_of(a, kind), *y = value_of(b, kind);

	if (x == NULL || y == NULL)
		return 0;
	if (compare_same(a, x, b, y))
		return 1;
	if (compare_jaro(a, x, b, y, close) >= close)
		return 2;
	if (kind == FORM_OCCUPATION && inside(a, x, b, y))
		return 2;
	return 3;
}

static bool
word_close(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	return compare_same(a, x, b, y) ||
		   (x->length >= 4 && y->length >= 4 && compare_near(a, x, b, y)) ||
		   compare_jaro(a, x, b, y, 9000) >= 9000;
}

/* Words of a that have no counterpart in b; *exact: none of the others is misspelt. */
static unsigned
words_left(const IdentityForm *a, const IdentityForm *b, bool *exact)
{
	unsigned left = 0;

	for (unsigned i = a->first[FORM_WORD]; i < a->first[FORM_WORD + 1]; i++)
	{
		unsigned best = 2;

		for (unsigned j = b->first[FORM_WORD]; j < b->first[FORM_WORD + 1] && best > 0; j++)
			if (a->values[i].hash == b->values[j].hash)
				best = 0;
			else if (best == 2 && word_close(a, &a->values[i], b, &b->values[j]))
				best = 1;
		left += best == 2;
		*exact &= best == 0;
	}
	return left;
}

/* Is the short name made of the initials of the other's words? */
static bool
initials_of(const IdentityForm *one, const FormValue *initials, const IdentityForm *many)
{
	unsigned from = many->first[FORM_WORD], n = many->first[FORM_WORD + 1] - from;

	if (n < 2 || initials->length != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if ((uint8_t) form_text(one, initials)[i] != many->values[from + i].initial)
			return false;
	return true;
}

/* What names have in common is often the brand or the trade; the words that only one of them has
 * tell a franchise from its sister. */
static unsigned
company_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	unsigned na = a->first[FORM_WORD + 1] - a->first[FORM_WORD];
	unsigned left_a, left_b;
	bool exact = true;

	if (compare_same(a, x, b, y))
		return 1;
	left_a = words_left(a, b, &exact);
	left_b = words_left(b, a, &exact);
	if (left_a == 0 && left_b == 0)
		return exact ? 2 : 3;
	if (compare_near(a, x, b, y))
		return 3;
	if (left_a == 0 || left_b == 0)
		return 4;
	if (initials_of(a, x, b) || initials_of(b, y, a))
		return 5;
	return left_a < na ? 6 : 7;
}

static unsigned
domain_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	const char *s = form_text(a, x), *t = form_text(b, y);
	unsigned i = 0;

	if (compare_same(a, x, b, y))
		return (x->flags | y->flags) & VALUE_SHARED ? 4 : 1;
	while (i < x->length && i < y->length && s[i] == t[i] && s[i] != '.')
		i++;
	return i >= 3 && i < x->length && i < y->length && s[i] == '.' && t[i] == '.' ? 2 : 3;
}

static bool
dates_conflict(const FormValue *x, const FormValue *y, unsigned level)
{
	return (x->flags & y->flags & VALUE_VERIFIED) && level > 4;
}

static void
compare_dates(const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	const FormValue *x = value_of(a, FORM_DATE), *y = value_of(b, FORM_DATE);

	if (x == NULL || y == NULL)
		return;
	c->level[COMPARE_DATE] = (uint8_t) date_level(a, x, b, y);
	if (dates_conflict(x, y, c->level[COMPARE_DATE]))
	{
		c->conflict = true;
		c->why = "verified dates of birth differ";
	}
}

static void
compare_suffixes(const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	const FormValue *x = value_of(a, FORM_SUFFIX), *y = value_of(b, FORM_SUFFIX);
	char s, t;

	if (x == NULL || y == NULL)
		return;
	s = (char) x->initial;
	t = (char) y->initial;
	/* a junior is the second */
	if (s == t || (s == 'j' && t == '2') || (s == '2' && t == 'j'))
	{
		c->level[COMPARE_SUFFIX] = 1;
		return;
	}
	c->level[COMPARE_SUFFIX] = 2;
	c->conflict = true;
	c->why = "name suffixes differ";
}

static bool
same_value(const IdentityForm *a, const IdentityForm *b, FormKind kind)
{
	for (unsigned i = a->first[kind]; i < a->first[kind + 1]; i++)
		for (unsigned j = b->first[kind]; j < b->first[kind + 1]; j++)
			if (kind == FORM_PHONE ? a->values[i].hash2 == b->values[j].hash2
								   : a->values[i].hash == b->values[j].hash)
				return true;
	return false;
}

bool
identity_compare_other_name(const IdentityForm *a, const IdentityForm *b)
{
	uint8_t level[COMPARES] = {0};

	if (a->kind == IDENTITY_COMPANY)
	{
		const FormValue *x = value_of(a, FORM_COMPANY), *y = value_of(b, FORM_COMPANY);

		return x != NULL && y != NULL && company_level(a, x, b, y) >= 6;
	}
	if (a->given == ABSENT || b->given == ABSENT || a->values[a->given].length < 2 ||
		b->values[b->given].length < 2)
		return false;
	identity_compare_names(a, b, level);
	/* who shares mailbox and telephone is the same, with a name misspelt or unheard of */
	return level[COMPARE_GIVEN] >= GIVEN_DIFFERS_SAME_INITIAL &&
		   !(same_value(a, b, FORM_EMAIL) && same_value(a, b, FORM_PHONE));
}

static void
compare_others(const IdentityForm *a, const IdentityForm *b, uint32_t both, Comparison *c)
{
	const FormValue *x, *y;

	if (both >> FORM_OCCUPATION & 1)
		c->level[COMPARE_OCCUPATION] = (uint8_t) simple_level(a, b, FORM_OCCUPATION, 9000);
	if (both >> FORM_GENDER & 1 && (x = value_of(a, FORM_GENDER)) != NULL &&
		(y = value_of(b, FORM_GENDER)) != NULL)
		c->level[COMPARE_GENDER] = x->hash == y->hash ? 1 : 2;
	if (both >> FORM_SUFFIX & 1)
		compare_suffixes(a, b, c);
	if (both >> FORM_COMPANY & 1 && (x = value_of(a, FORM_COMPANY)) != NULL &&
		(y = value_of(b, FORM_COMPANY)) != NULL)
		c->level[COMPARE_COMPANY] = (uint8_t) company_level(a, x, b, y);
	if (both >> FORM_DOMAIN & 1 && (x = value_of(a, FORM_DOMAIN)) != NULL &&
		(y = value_of(b, FORM_DOMAIN)) != NULL)
		c->level[COMPARE_DOMAIN] = (uint8_t) domain_level(a, x, b, y);
	if (both >> FORM_COUNTRY & 1 && (x = value_of(a, FORM_COUNTRY)) != NULL &&
		(y = value_of(b, FORM_COUNTRY)) != NULL)
		c->level[COMPARE_COUNTRY] = x->hash2 == y->hash2 ? 1 : 2;
}

static void
compare_address(const IdentityForm *a, const IdentityForm *b, uint32_t both, Comparison *c)
{
	const FormValue *x, *y;

	if (both >> FORM_POSTCODE & 1 && (x = value_of(a, FORM_POSTCODE)) != NULL &&
		(y = value_of(b, FORM_POSTCODE)) != NULL)
		c->level[COMPARE_POSTCODE] = (uint8_t) postcode_level(a, x, b, y);
	if (both >> FORM_PLACE & 1)
		c->level[COMPARE_PLACE] = (uint8_t) simple_level(a, b, FORM_PLACE, 9000);
	if (both >> FORM_STREET & 1 && (x = value_of(a, FORM_STREET)) != NULL &&
		(y = value_of(b, FORM_STREET)) != NULL)
		c->level[COMPARE_STREET] = (uint8_t) street_level(a, x, b, y);
	if (both >> FORM_UNIT & 1)
		c->level[COMPARE_UNIT] = (uint8_t) simple_level(a, b, FORM_UNIT, 9000);
	if (both >> FORM_REGION & 1)
		c->level[COMPARE_REGION] = (uint8_t) simple_level(a, b, FORM_REGION, 9000);
}

/* Of kinds of values that one of the two lacks nothing is looked at. */
void
identity_compare_facts(const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	uint32_t both = a->present & b->present;

	c->conflict = false;
	c->why = NULL;
	memset(c->level, 0, sizeof(c->level));
	if (both >> FORM_DATE & 1)
		compare_dates(a, b, c);
	compare_address(a, b, both, c);
	if (both >> FORM_EMAIL & 1)
		c->level[COMPARE_EMAIL] = (uint8_t) email_level(a, b);
	if (both >> FORM_PHONE & 1)
		c->level[COMPARE_PHONE] = (uint8_t) phone_level(a, b);
	if (both >> FORM_ID & 1)
		c->level[COMPARE_ID] = (uint8_t) id_level(a, b, c);
	compare_others(a, b, both, c);
}

void
identity_compare_levels(const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	identity_compare_facts(a, b, c);
	identity_compare_names(a, b, c->level);
}
