/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_compare — levels of agreement of two forms, and their weight.
 *
 * Level 0 is "a value is missing" and weighs nothing.  Levels are symmetric: where
 * a similarity depends on the order of its arguments, the smaller hash goes first.
 */
#include "identity/identity_priv.h"

#include <string.h>

const char *const compare_names[COMPARES] = {
	"family",	  "given",	"other",  "birth_date", "postcode", "place",
	"occupation", "gender", "email",  "phone",		"id",		"street",
	"unit",		  "region", "suffix", "company",	"domain"};

static const char *const level_names[COMPARES][LEVELS] = {
	{NULL, "exact", "close", "similar", "elsewhere", "initial", "initial_differs", "faint",
	 "differs", "one_word", "one_word_close"},
	{NULL, "exact", "nickname", "close", "initial", "similar", "elsewhere", "differs_same_initial",
	 "differs"},
	{NULL, "exact", "close", "initial", "differs"},
	{NULL, "exact", "exact_new_year", "digit_or_swap", "close", "year_only", "same_year",
	 "same_day", "two_digits", "same_decade", "differs"},
	{NULL, "exact", "close", "outward", "area", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "differs"},
	{NULL, "exact", "close", "same_local", "similar", "differs"},
	{NULL, "exact", "national", "close", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "close_same_number", "street", "street_close", "number", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "close", "differs"},
	{NULL, "exact", "differs"},
	{NULL, "exact", "same_words", "close", "part", "initials", "some_words", "differs"},
	{NULL, "exact", "same_brand", "differs"},
};

const char *
identity_compare_level_name(Compare compare, unsigned level)
{
	return level < LEVELS ? level_names[compare][level] : NULL;
}

/* Jaro-Winkler of two values, or 0 when it cannot reach `least`. */
static unsigned
jaro(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y,
	 unsigned least)
{
	unsigned n = x->length, m = y->length;
	unsigned rest_x = n - (unsigned) __builtin_popcountll(x->letters);
	unsigned rest_y = m - (unsigned) __builtin_popcountll(y->letters);
	unsigned common = (unsigned) __builtin_popcountll(x->letters & y->letters) +
					  (rest_x < rest_y ? rest_x : rest_y);
	const char *s = form_text(a, x), *t = form_text(b, y);
	unsigned prefix = 0, bound;

	if (n == 0 || m == 0)
		return 0;
	while (prefix < 4 && prefix < n && prefix < m && s[prefix] == t[prefix])
		prefix++;
	bound = (10000 * common / n + 10000 * common / m + 10000) / 3 + 2;
	bound = bound > 10000 ? 10000 : bound;
	if (bound + prefix * (10000 - bound) / 10 < least)
		return 0;
	if (x->hash < y->hash || (x->hash == y->hash && n <= m))
		return identity_text_jaro(s, n, t, m);
	return identity_text_jaro(t, m, s, n);
}

static bool
near(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	return identity_text_near(form_text(a, x), x->length, form_text(b, y), y->length);
}

static const FormValue *
value_of(const IdentityForm *form, FormKind kind)
{
	const FormValue *value = &form->values[form->first[kind]];

	return form->first[kind + 1] > form->first[kind] && !(value->flags & VALUE_GENERIC) ? value
																						: NULL;
}

static bool
has_word(const IdentityForm *form, uint32_t hash)
{
	for (unsigned i = 0; i < form->first[FORM_TOKEN + 1]; i++)
		if (form->values[i].hash == hash)
			return true;
	return false;
}

static unsigned
family_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	unsigned similar;

	if (x->hash == y->hash)
		return 1;
	similar = jaro(a, x, b, y, 7000);
	if (similar >= 9200)
		return 2;
	if (has_word(a, y->hash) || has_word(b, x->hash))
		return 4;
	if (similar >= 8500 || (x->sound == y->sound && x->sound != 0))
		return 3;
	if (x->length == 1 || y->length == 1)
		return *form_text(a, x) == *form_text(b, y) ? 5 : 6;
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

static unsigned
given_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	bool same_initial;
	unsigned similar;

	if (x->hash == y->hash)
		return 1;
	if (x->hash2 != 0 && y->hash2 != 0 && identity_normal_same_nickname(x->hash2, y->hash2))
		return 2;
	same_initial = *form_text(a, x) == *form_text(b, y);
	if (x->length == 1 || y->length == 1)
		return same_initial ? 4 : 8;
	similar = jaro(a, x, b, y, 8200);
	if (similar >= 9200)
		return 3;
	if (has_word(a, y->hash) || has_word(b, x->hash))
		return 6;
	if (similar >= 8200)
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
			if (x->hash == y->hash)
				level = x->length > 1 ? 1 : 3;
			else if ((x->length == 1 || y->length == 1))
				level = *form_text(a, x) == *form_text(b, y) ? 3 : 4;
			else if ((x->hash2 != 0 && y->hash2 != 0 &&
					  identity_normal_same_nickname(x->hash2, y->hash2)) ||
					 jaro(a, x, b, y, 8800) >= 8800)
				level = 2;
			if (best == 0 || level < best)
				best = level;
		}
	return best;
}

static void
compare_names_of(const IdentityForm *a, const IdentityForm *b, uint8_t level[COMPARES])
{
	const FormValue *fa = a->family == ABSENT ? NULL : &a->values[a->family];
	const FormValue *fb = b->family == ABSENT ? NULL : &b->values[b->family];
	const FormValue *ga = a->given == ABSENT ? NULL : &a->values[a->given];
	const FormValue *gb = b->given == ABSENT ? NULL : &b->values[b->given];

	if (fa != NULL && fb != NULL)
		level[COMPARE_FAMILY] = (uint8_t) family_level(a, fa, b, fb);
	else if (fa != NULL && gb != NULL)
		level[COMPARE_FAMILY] = gb->hash == fa->hash			   ? 9
								: jaro(a, fa, b, gb, 9000) >= 9000 ? 10
																   : 0;
	else if (fb != NULL && ga != NULL)
		level[COMPARE_FAMILY] = ga->hash == fb->hash			   ? 9
								: jaro(a, ga, b, fb, 9000) >= 9000 ? 10
																   : 0;
	if (ga != NULL && gb != NULL && level[COMPARE_FAMILY] < 9)
		level[COMPARE_GIVEN] = (uint8_t) given_level(a, ga, b, gb);
	level[COMPARE_OTHER] = (uint8_t) other_level(a, b);
}

static unsigned
date_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	uint32_t differing = x->hash ^ y->hash;
	bool vague_x = (x->hash & 0xffff) == 0x0101, vague_y = (y->hash & 0xffff) == 0x0101;
	bool year = differing >> 16 == 0, day = (differing & 0xffff) == 0;
	unsigned digits = 0;

	if (differing == 0)
		return vague_x ? 2 : 1;
	for (uint32_t rest = differing; rest != 0; rest >>= 4)
		digits += (rest & 15) != 0;
	if (year && (x->hash >> 8 & 0xff) == (y->hash & 0xff) &&
		(x->hash & 0xff) == (y->hash >> 8 & 0xff))
		return 3;
	if (digits == 1)
		return day ? 4 : 3;
	if (near(a, x, b, y))
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

	if (x->hash == y->hash)
		return 1;
	if (near(a, x, b, y))
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

static unsigned
email_level(const IdentityForm *a, const IdentityForm *b)
{
	unsigned best = 0;

	for (unsigned i = a->first[FORM_EMAIL]; i < a->first[FORM_EMAIL + 1]; i++)
		for (unsigned j = b->first[FORM_EMAIL]; j < b->first[FORM_EMAIL + 1]; j++)
		{
			const FormValue *x = &a->values[i], *y = &b->values[j];
			unsigned level = 5;

			if ((x->flags | y->flags) & (VALUE_GENERIC | VALUE_WEAK))
				continue;
			if (x->hash == y->hash)
				level = 1;
			else if (near(a, x, b, y))
				level = 2;
			else if (x->hash2 == y->hash2 && x->part >= 5)
				level = 3;
			else if (jaro(a, x, b, y, 9000) >= 9000)
				level = 4;
			if (best == 0 || level < best)
				best = level;
		}
	return best;
}

static unsigned
phone_level(const IdentityForm *a, const IdentityForm *b)
{
	unsigned best = 0;

	for (unsigned i = a->first[FORM_PHONE]; i < a->first[FORM_PHONE + 1]; i++)
		for (unsigned j = b->first[FORM_PHONE]; j < b->first[FORM_PHONE + 1]; j++)
		{
			const FormValue *x = &a->values[i], *y = &b->values[j];
			unsigned level = 4;

			if ((x->flags | y->flags) & VALUE_GENERIC)
				continue;
			if (x->hash == y->hash)
				level = 1;
			else if (x->hash2 == y->hash2)
				level = 2;
			else if (near(a, x, b, y))
				level = 3;
			if (best == 0 || level < best)
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
			if (x->hash == y->hash)
				level = 1;
			else if (near(a, x, b, y))
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
	similar = jaro(a, x, b, y, 9000);
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
	if (x->hash == y->hash)
		return 1;
	if (jaro(a, x, b, y, close) >= close)
		return 2;
	if (kind == FORM_OCCUPATION && inside(a, x, b, y))
		return 2;
	return 3;
}

static unsigned
shared_words(const IdentityForm *a, const IdentityForm *b)
{
	unsigned shared = 0;

	for (unsigned i = a->first[FORM_WORD]; i < a->first[FORM_WORD + 1]; i++)
		for (unsigned j = b->first[FORM_WORD]; j < b->first[FORM_WORD + 1]; j++)
			if (a->values[i].hash == b->values[j].hash)
			{
				shared++;
				break;
			}
	return shared;
}

/* Is the short name made of the initials of the other's words? */
static bool
initials_of(const IdentityForm *one, const FormValue *initials, const IdentityForm *many)
{
	unsigned from = many->first[FORM_WORD], n = many->first[FORM_WORD + 1] - from;

	if (n < 2 || initials->length != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (form_text(one, initials)[i] != *form_text(many, &many->values[from + i]))
			return false;
	return true;
}

static unsigned
company_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	unsigned na = a->first[FORM_WORD + 1] - a->first[FORM_WORD];
	unsigned nb = b->first[FORM_WORD + 1] - b->first[FORM_WORD];
	unsigned shared, fewer = na < nb ? na : nb;

	if (x->hash == y->hash)
		return 1;
	shared = shared_words(a, b);
	if (shared == na && shared == nb)
		return 2;
	if (near(a, x, b, y) || jaro(a, x, b, y, 9300) >= 9300)
		return 3;
	if (shared == fewer && fewer > 0)
		return 4;
	if (initials_of(a, x, b) || initials_of(b, y, a))
		return 5;
	return shared * 2 >= fewer && shared > 0 ? 6 : 7;
}

static unsigned
domain_level(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	const char *s = form_text(a, x), *t = form_text(b, y);
	unsigned i = 0;

	if (x->hash == y->hash)
		return 1;
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
	s = *form_text(a, x);
	t = *form_text(b, y);
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

void
identity_compare_levels(const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	const FormValue *x, *y;

	c->conflict = false;
	c->why = NULL;
	memset(c->level, 0, sizeof(c->level));
	compare_names_of(a, b, c->level);
	compare_dates(a, b, c);
	if ((x = value_of(a, FORM_POSTCODE)) != NULL && (y = value_of(b, FORM_POSTCODE)) != NULL)
		c->level[COMPARE_POSTCODE] = (uint8_t) postcode_level(a, x, b, y);
	c->level[COMPARE_PLACE] = (uint8_t) simple_level(a, b, FORM_PLACE, 9000);
	c->level[COMPARE_OCCUPATION] = (uint8_t) simple_level(a, b, FORM_OCCUPATION, 9000);
	if ((x = value_of(a, FORM_GENDER)) != NULL && (y = value_of(b, FORM_GENDER)) != NULL)
		c->level[COMPARE_GENDER] = x->hash == y->hash ? 1 : 2;
	c->level[COMPARE_EMAIL] = (uint8_t) email_level(a, b);
	c->level[COMPARE_PHONE] = (uint8_t) phone_level(a, b);
	c->level[COMPARE_ID] = (uint8_t) id_level(a, b, c);
	if ((x = value_of(a, FORM_STREET)) != NULL && (y = value_of(b, FORM_STREET)) != NULL)
		c->level[COMPARE_STREET] = (uint8_t) street_level(a, x, b, y);
	c->level[COMPARE_UNIT] = (uint8_t) simple_level(a, b, FORM_UNIT, 9000);
	c->level[COMPARE_REGION] = (uint8_t) simple_level(a, b, FORM_REGION, 9000);
	compare_suffixes(a, b, c);
	if ((x = value_of(a, FORM_COMPANY)) != NULL && (y = value_of(b, FORM_COMPANY)) != NULL)
		c->level[COMPARE_COMPANY] = (uint8_t) company_level(a, x, b, y);
	if ((x = value_of(a, FORM_DOMAIN)) != NULL && (y = value_of(b, FORM_DOMAIN)) != NULL)
		c->level[COMPARE_DOMAIN] = (uint8_t) domain_level(a, x, b, y);
}

static int32_t
rarer(const IdentityForm *a, const IdentityForm *b, FormKind kind)
{
	const FormValue *x = &a->values[a->first[kind]], *y = &b->values[b->first[kind]];

	return x->rarity < y->rarity ? x->rarity : y->rarity;
}

/* What the household shares says little about who in it: those comparisons together
 * weigh no more than a bound when the given names plainly differ. */
static int32_t
household(const IdentityModel *model, const IdentityForm *a, const Comparison *c)
{
	static const Compare shared[] = {COMPARE_FAMILY, COMPARE_POSTCODE, COMPARE_PLACE,
									 COMPARE_STREET, COMPARE_UNIT,	   COMPARE_REGION,
									 COMPARE_PHONE,	 COMPARE_EMAIL};
	int32_t bound = model_parameter(model, a->kind, PARAMETER_household), sum = 0;

	if (c->level[COMPARE_GIVEN] < 7)
		return 0;
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		if (c->part[shared[i]] > 0)
			sum += c->part[shared[i]];
	return sum > bound ? bound - sum : 0;
}

void
identity_compare_weigh(const IdentityModel *model, const IdentityForm *a, const IdentityForm *b,
					   Comparison *c)
{
	const KindModel *kind = &model->kind[a->kind];
	const uint8_t *level = c->level;
	int32_t sum = kind->parameter[PARAMETER_prior];

	for (unsigned i = 0; i < COMPARES; i++)
		c->part[i] = level[i] == 0 ? 0 : kind->weight[i][level[i]];
	if (level[COMPARE_FAMILY] >= 1 && level[COMPARE_FAMILY] <= 3)
	{
		int32_t x = a->values[a->family].rarity, y = b->values[b->family].rarity;
		int32_t rarity = x < y ? x : y;

		c->part[COMPARE_FAMILY] += level[COMPARE_FAMILY] == 1 ? rarity : rarity / 2;
	}
	if (level[COMPARE_GIVEN] == 1)
		c->part[COMPARE_GIVEN] += a->values[a->given].rarity;
	if (level[COMPARE_POSTCODE] == 1)
		c->part[COMPARE_POSTCODE] += rarer(a, b, FORM_POSTCODE);
	if (level[COMPARE_PLACE] == 1)
		c->part[COMPARE_PLACE] += rarer(a, b, FORM_PLACE);
	if (level[COMPARE_OCCUPATION] == 1)
		c->part[COMPARE_OCCUPATION] += rarer(a, b, FORM_OCCUPATION);
	if (level[COMPARE_STREET] == 1 || level[COMPARE_STREET] == 3)
		c->part[COMPARE_STREET] += rarer(a, b, FORM_STREET);
	if (level[COMPARE_COMPANY] == 1)
		c->part[COMPARE_COMPANY] += rarer(a, b, FORM_COMPANY);
	for (unsigned i = 0; i < COMPARES; i++)
		sum += c->part[i];
	c->capped = a->kind == IDENTITY_PERSON ? household(model, a, c) : 0;
	sum += c->capped;
	c->bits = sum > 120 * BIT ? 120 * BIT : sum < -120 * BIT ? -120 * BIT : sum;
}

void
identity_score_forms(const IdentityModel *model, const IdentityForm *a, const IdentityForm *b,
					 IdentityScore *score)
{
	Comparison c;

	memset(score, 0, sizeof(*score));
	if (a->kind != b->kind)
	{
		score->bits = -120;
		return;
	}
	identity_compare(model, a, b, &c);
	score->bits = (double) c.bits / BIT;
	score->conflict = c.conflict;
	memcpy(score->levels, c.level, COMPARES);
}
