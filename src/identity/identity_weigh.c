/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_weigh — what levels of agreement weigh: Fellegi-Sunter, frequencies, dependence.
 *
 * Each comparison adds log2(m/u) of its level, rarer values more.  Comparisons that
 * repeat what another has said are tempered, so that evidence is not counted twice.
 */
#include "identity/identity_priv.h"

#include <string.h>

static int32_t
rarer(const IdentityForm *a, const IdentityForm *b, FormKind kind)
{
	const FormValue *x = &a->values[a->first[kind]], *y = &b->values[b->first[kind]];

	return x->rarity < y->rarity ? x->rarity : y->rarity;
}

static int32_t
positive(int32_t part)
{
	return part > 0 ? part : 0;
}

/* Mailboxes are named after their owners: local parts that are alike say little that the names
 * did not say. */
static void
temper_email(const KindModel *kind, Comparison *c)
{
	/* by level: what a mailbox may weigh whatever the names weigh, bits */
	static const uint8_t least[] = {[EMAIL_CLOSE] = 6,
									[EMAIL_SAME_LOCAL] = 6,
									[EMAIL_CLOSE_NAME] = 3,
									[EMAIL_SAME_NAME] = 3,
									[EMAIL_EXACT_SHARED] = 0};
	uint8_t level = c->level[COMPARE_EMAIL];
	int32_t names = positive(c->part[COMPARE_FAMILY]) + positive(c->part[COMPARE_GIVEN]);
	int32_t most = kind->parameter[PARAMETER_mailbox] - names;

	if (level == 0 || level == EMAIL_EXACT || level == EMAIL_DIFFERS || level == EMAIL_EXACT_SHARED)
		return;
	if (most < least[level] * BIT)
		most = least[level] * BIT;
	if (c->part[COMPARE_EMAIL] > most)
		c->part[COMPARE_EMAIL] = most;
}

/* A postcode that agrees implies the place; under another family name any two do. */
static void
temper_place(const KindModel *kind, Comparison *c)
{
	uint8_t family = c->level[COMPARE_FAMILY];
	unsigned last = family == FAMILY_DIFFERS || family == FAMILY_INITIAL_DIFFERS ? POSTCODE_DIFFERS
																				 : POSTCODE_OUTWARD;

	if (c->level[COMPARE_POSTCODE] != 0 && c->level[COMPARE_POSTCODE] <= last &&
		c->part[COMPARE_PLACE] > 0)
		c->part[COMPARE_PLACE] =
			c->part[COMPARE_PLACE] * kind->parameter[PARAMETER_place_by_postcode] / BIT;
}

/* What others use too still names its owner once the given names agree. */
static void
temper_shared(Comparison *c)
{
	bool named =
		c->level[COMPARE_GIVEN] == GIVEN_EXACT || c->level[COMPARE_GIVEN] == GIVEN_NICKNAME;

	if (named && c->level[COMPARE_EMAIL] == EMAIL_EXACT_SHARED)
		c->part[COMPARE_EMAIL] += 2 * BIT;
	if (named && c->level[COMPARE_PHONE] == PHONE_EXACT_SHARED)
		c->part[COMPARE_PHONE] += 2 * BIT;
}

/* Who moves abroad takes the mailbox along. */
static void
temper_country(Comparison *c)
{
	if (c->level[COMPARE_EMAIL] == EMAIL_EXACT && c->part[COMPARE_COUNTRY] < 0)
		c->part[COMPARE_COUNTRY] = 0;
}

/* Agreement on a rare value weighs more, on a frequent one less. */
static void
weigh_facts(const KindModel *kind, const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	const uint8_t *level = c->level;

#pragma GCC unroll 32
	for (unsigned i = COMPARE_NAMES; i < COMPARES; i++)
		c->part[i] = kind->weight[i][level[i]];
	if (level[COMPARE_POSTCODE] == POSTCODE_EXACT)
		c->part[COMPARE_POSTCODE] += rarer(a, b, FORM_POSTCODE);
	if (level[COMPARE_PLACE] == 1)
		c->part[COMPARE_PLACE] += rarer(a, b, FORM_PLACE);
	if (level[COMPARE_OCCUPATION] == 1)
		c->part[COMPARE_OCCUPATION] += rarer(a, b, FORM_OCCUPATION);
	if (level[COMPARE_STREET] == STREET_EXACT || level[COMPARE_STREET] == STREET_NAME)
		c->part[COMPARE_STREET] += rarer(a, b, FORM_STREET);
	if (level[COMPARE_COMPANY] == COMPANY_EXACT)
		c->part[COMPARE_COMPANY] += rarer(a, b, FORM_COMPANY);
}

static void
weigh_names(const KindModel *kind, const IdentityForm *a, const IdentityForm *b, Comparison *c)
{
	const uint8_t *level = c->level;

	for (unsigned i = 0; i < COMPARE_NAMES; i++)
		c->part[i] = kind->weight[i][level[i]];
	if (level[COMPARE_FAMILY] >= FAMILY_EXACT && level[COMPARE_FAMILY] <= FAMILY_SIMILAR)
	{
		int32_t x = a->values[a->family].rarity, y = b->values[b->family].rarity;
		int32_t rarity = x < y ? x : y;

		c->part[COMPARE_FAMILY] += level[COMPARE_FAMILY] == FAMILY_EXACT ? rarity : rarity / 2;
	}
	if (level[COMPARE_GIVEN] == GIVEN_EXACT)
		c->part[COMPARE_GIVEN] += a->values[a->given].rarity;
}

/* What a name may weigh at most, before it is compared: less than if it were the same, unless the
 * hashes are. */
static int32_t
name_reach(const KindModel *kind, Compare compare, const FormValue *x, const FormValue *y)
{
	int32_t rarity = x->rarity < y->rarity ? x->rarity : y->rarity;
	int32_t most = kind->names_most[compare] + positive(rarity);
	int32_t exact = kind->weight[compare][1] + rarity;

	return x->hash == y->hash && exact > most ? exact : most;
}

/* What the sum may be at most whatever the names are, which cost the most to compare.  Rules that
 * temper take off; the two that add do so beside a mailbox or a number in common. */
static int32_t
reach(const KindModel *kind, const IdentityForm *a, const IdentityForm *b, const Comparison *c)
{
	int32_t sum = kind->parameter[PARAMETER_prior] + kind->names_most[COMPARE_OTHER];

	if (c->level[COMPARE_EMAIL] == EMAIL_EXACT || c->level[COMPARE_EMAIL] == EMAIL_EXACT_SHARED ||
		c->level[COMPARE_PHONE] == PHONE_EXACT_SHARED)
		return INT32_MAX;
	for (unsigned i = COMPARE_NAMES; i < COMPARES; i++)
		sum += c->part[i];
	if (a->family == ABSENT || b->family == ABSENT)
		sum += kind->names_most[COMPARE_FAMILY];
	else
		sum += name_reach(kind, COMPARE_FAMILY, &a->values[a->family], &b->values[b->family]);
	if (a->given != ABSENT && b->given != ABSENT)
		sum += name_reach(kind, COMPARE_GIVEN, &a->values[a->given], &b->values[b->given]);
	return sum;
}

static void
add_up(const KindModel *kind, const IdentityForm *a, const IdentityForm *b, int32_t floor,
	   Comparison *c)
{
	int32_t sum = 0, against = 0;

	for (unsigned i = 0; i < COMPARES; i++)
	{
		sum += c->part[i];
		against += c->part[i] < 0 ? c->part[i] : 0;
	}
	sum += kind->parameter[PARAMETER_prior];
	c->against = against;
	/* relatives only take off */
	c->capped = sum < floor ? 0 : identity_compare_relation(kind, a, b, c, sum);
	sum += c->capped;
	c->bits = sum > 120 * BIT ? 120 * BIT : sum < -120 * BIT ? -120 * BIT : sum;
}

void
identity_compare_from(const IdentityModel *model, const IdentityForm *a, const IdentityForm *b,
					  int32_t floor, Comparison *c)
{
	const KindModel *kind = &model->kind[a->kind];

	identity_compare_facts(a, b, c);
	weigh_facts(kind, a, b, c);
	if (a->kind == IDENTITY_PERSON && floor > INT32_MIN)
	{
		c->bits = reach(kind, a, b, c);
		if (c->bits < floor)
			return;
	}
	identity_compare_names(a, b, c->level);
	weigh_names(kind, a, b, c);
	if (a->kind == IDENTITY_PERSON)
	{
		temper_email(kind, c);
		temper_place(kind, c);
		temper_country(c);
		temper_shared(c);
	}
	add_up(kind, a, b, floor, c);
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
