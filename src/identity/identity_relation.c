/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_relation — evidence that relatives share is not evidence of one customer.
 *
 * A household shares family name, address, landline and sometimes a mailbox; companies
 * of one group share brand, domain and address; neighbours in an office house a
 * switchboard.  Summed as if they were independent these outvote a given name that
 * plainly differs.  Here they form one group whose sum is bounded, unless something
 * that one customer alone has agrees as well.  All of this is symmetric in the two forms.
 */
#include "identity/identity_priv.h"

#include <string.h>

static int32_t
positive(int32_t part)
{
	return part > 0 ? part : 0;
}

static bool
is(const Comparison *c, Compare compare, unsigned level)
{
	return c->level[compare] == level;
}

static bool
between(const Comparison *c, Compare compare, unsigned least, unsigned most)
{
	return c->level[compare] >= least && c->level[compare] <= most;
}

static int32_t
sum_of(const Comparison *c, const Compare *compares, size_t count)
{
	int32_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += positive(c->part[compares[i]]);
	return sum;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Does the form say how to reach its owner? */
static bool
reachable(const IdentityForm *form)
{
	return form->first[FORM_EMAIL + 1] > form->first[FORM_EMAIL] ||
		   form->first[FORM_PHONE + 1] > form->first[FORM_PHONE] ||
		   form->first[FORM_ID + 1] > form->first[FORM_ID];
}

static bool
other_family(const Comparison *c)
{
	return is(c, COMPARE_FAMILY, FAMILY_DIFFERS) || is(c, COMPARE_FAMILY, FAMILY_INITIAL_DIFFERS);
}

/* ---- what one person alone has ---- */

/* Is there a number without the flags among the form's? */
static bool
has_number(const IdentityForm *form, unsigned flags)
{
	for (unsigned i = form->first[FORM_PHONE]; i < form->first[FORM_PHONE + 1]; i++)
		if (!(form->values[i].flags & flags))
			return true;
	return false;
}

/* Could the mailboxes of a belong to who bears b's given name? */
static bool
mailbox_fits(const IdentityForm *a, const IdentityForm *b)
{
	const FormValue *given = b->given == ABSENT ? NULL : &b->values[b->given];

	for (unsigned i = a->first[FORM_EMAIL]; given != NULL && i < a->first[FORM_EMAIL + 1]; i++)
	{
		const char *local = form_text(a, &a->values[i]), *name = form_text(b, given);
		unsigned end = a->values[i].part;

		while (end > 1 && local[end - 1] >= '0' && local[end - 1] <= '9')
			end--;
		if (*local != *name && local[end - 1] != *name &&
			memmem(local, end, name, given->length) == NULL)
			return false;
	}
	return true;
}

static bool
own_mailbox(const Comparison *c)
{
	return is(c, COMPARE_EMAIL, EMAIL_EXACT);
}

/* Another spelling of the mailbox, or the same at another provider. */
static bool
like_mailbox(const Comparison *c)
{
	return between(c, COMPARE_EMAIL, EMAIL_CLOSE, EMAIL_SAME_LOCAL) ||
		   between(c, COMPARE_EMAIL, EMAIL_CLOSE_NAME, EMAIL_SAME_NAME);
}

/* A mobile number; or one that may be, if the mailbox of the one fits the name of the other. */
static bool
own_number(const IdentityForm *a, const IdentityForm *b, const Comparison *c)
{
	if (!between(c, COMPARE_PHONE, PHONE_EXACT, PHONE_NATIONAL))
		return false;
	if (has_number(a, VALUE_WEAK) && has_number(b, VALUE_WEAK))
		return true;
	return is(c, COMPARE_EMAIL, 0) && has_number(a, VALUE_LANDLINE) &&
		   has_number(b, VALUE_LANDLINE) && mailbox_fits(a, b) && mailbox_fits(b, a);
}

static bool
personal(const IdentityForm *a, const IdentityForm *b, const Comparison *c)
{
	return between(c, COMPARE_DATE, DATE_EXACT, DATE_CLOSE) ||
		   between(c, COMPARE_ID, ID_EXACT, ID_CLOSE) || own_mailbox(c) || own_number(a, b, c);
}

/* ---- households ---- */

static bool
has_suffix(const IdentityForm *form)
{
	return form->first[FORM_SUFFIX + 1] > form->first[FORM_SUFFIX];
}

/* A number or mailbox that both use, though a family may share it. */
static bool
one_line(const Comparison *c)
{
	return between(c, COMPARE_PHONE, PHONE_EXACT, PHONE_NATIONAL) ||
		   is(c, COMPARE_PHONE, PHONE_EXACT_SHARED) || is(c, COMPARE_EMAIL, EMAIL_EXACT_SHARED);
}

/* Is it open which person of a household each is?  A given name is missing or only alike, or
 * one name alone says which generation, and nothing that one person alone has agrees. */
static bool
unnamed(const IdentityForm *a, const IdentityForm *b, const Comparison *c)
{
	if (is(c, COMPARE_GIVEN, 0) && !is(c, COMPARE_FAMILY, FAMILY_ONE_WORD) &&
		!is(c, COMPARE_FAMILY, FAMILY_ONE_WORD_CLOSE) && !is(c, COMPARE_FAMILY, FAMILY_HANDLE))
		return true;
	/* Bob and Robert with one number or mailbox are one more often than they are father and son;
	 * Mark and Maria with mailboxes of their own are two */
	if (between(c, COMPARE_GIVEN, GIVEN_NICKNAME, GIVEN_ELSEWHERE) &&
		!(is(c, COMPARE_GIVEN, GIVEN_SIMILAR) && is(c, COMPARE_EMAIL, EMAIL_DIFFERS)) &&
		has_suffix(a) == has_suffix(b) && one_line(c))
		return false;
	return (between(c, COMPARE_GIVEN, GIVEN_NICKNAME, GIVEN_ELSEWHERE) ||
			has_suffix(a) != has_suffix(b)) &&
		   !personal(a, b, c);
}

/* Jan and Jana, father and son: names alike, but with birth dates or ids of their own. */
static bool
siblings(const Comparison *c, bool contacts)
{
	bool alike = is(c, COMPARE_GIVEN, GIVEN_NICKNAME) || is(c, COMPARE_GIVEN, GIVEN_CLOSE) ||
				 is(c, COMPARE_GIVEN, GIVEN_SIMILAR);
	bool together = between(c, COMPARE_STREET, STREET_EXACT, STREET_CLOSE_SAME_NUMBER) ||
					(contacts && is(c, COMPARE_POSTCODE, POSTCODE_EXACT));

	if (is(c, COMPARE_GIVEN, GIVEN_EXACT) && together)
		alike = !own_mailbox(c) && !is(c, COMPARE_ID, ID_EXACT);
	return alike && (c->level[COMPARE_DATE] >= DATE_SAME_YEAR || is(c, COMPARE_ID, ID_DIFFERS));
}

static bool
at_one_address(const Comparison *c)
{
	return between(c, COMPARE_STREET, STREET_EXACT, STREET_CLOSE_SAME_NUMBER) ||
		   between(c, COMPARE_PHONE, PHONE_EXACT, PHONE_NATIONAL) ||
		   is(c, COMPARE_PHONE, PHONE_EXACT_SHARED);
}

/* Are number and mailbox one person's, whatever the names? */
static bool
one_user(const Comparison *c)
{
	if (!between(c, COMPARE_PHONE, PHONE_EXACT, PHONE_NATIONAL))
		return false;
	/* nobody with another name uses either: a name misspelt or unheard of */
	return own_mailbox(c) || (is(c, COMPARE_FAMILY, 0) && is(c, COMPARE_GIVEN, 0) &&
							  (like_mailbox(c) || is(c, COMPARE_EMAIL, EMAIL_EXACT_SHARED)));
}

static int32_t
household(const KindModel *kind, const IdentityForm *a, const IdentityForm *b, const Comparison *c)
{
	static const Compare shared[] = {COMPARE_FAMILY, COMPARE_OTHER, COMPARE_POSTCODE, COMPARE_PLACE,
									 COMPARE_STREET, COMPARE_UNIT,	COMPARE_REGION};
	bool contacts = reachable(a) && reachable(b);
	bool other_given =
		c->level[COMPARE_GIVEN] >= GIVEN_DIFFERS_SAME_INITIAL || siblings(c, contacts);
	bool open = unnamed(a, b, c);
	int32_t bound = kind->parameter[PARAMETER_neighbours];
	int32_t sum = sum_of(c, shared, COUNT(shared));

	if (!other_given && !open && !other_family(c))
		return 0;
	if (one_user(c))
		return 0;
	/* given names that are alike excuse nothing here */
	if (other_given)
		bound = kind->parameter[PARAMETER_household] -
				positive(c->part[COMPARE_GIVEN] - kind->weight[COMPARE_GIVEN][GIVEN_DIFFERS]);
	else if (open)
		bound = kind->parameter[PARAMETER_household_unnamed] -
				positive(c->part[COMPARE_GIVEN]) / (is(c, COMPARE_GIVEN, GIVEN_EXACT) ? 1 : 2);
	if (other_given || !own_mailbox(c))
		sum += positive(c->part[COMPARE_EMAIL]);
	if (other_given || !own_number(a, b, c))
		sum += positive(c->part[COMPARE_PHONE]);
	if (other_given && (contacts || at_one_address(c))) /* twins */
		sum += positive(c->part[COMPARE_DATE]);
	return sum > bound ? bound - sum : 0;
}

/* ---- companies ---- */

/* A number may be a switchboard where the name or the domain is another. */
static bool
own_line(const Comparison *c)
{
	return between(c, COMPARE_PHONE, PHONE_EXACT, PHONE_NATIONAL) &&
		   !is(c, COMPARE_DOMAIN, DOMAIN_DIFFERS) && !is(c, COMPARE_EMAIL, EMAIL_DIFFERS) &&
		   (!is(c, COMPARE_COMPANY, 0) || is(c, COMPARE_DOMAIN, DOMAIN_EXACT));
}

/* A domain, unless its mailboxes are those of its parts. */
static bool
own_domain(const Comparison *c)
{
	return is(c, COMPARE_DOMAIN, DOMAIN_EXACT) && !is(c, COMPARE_EMAIL, EMAIL_DIFFERS) &&
		   (!is(c, COMPARE_COMPANY, 0) || !is(c, COMPARE_PHONE, PHONE_DIFFERS));
}

/* Where the names differ in words of their own, or one is missing or but a part of the other,
 * what a group or a house shares weighs no more than a bound. */
static int32_t
group(const KindModel *kind, const Comparison *c)
{
	static const Compare shared[] = {COMPARE_POSTCODE, COMPARE_PLACE, COMPARE_STREET, COMPARE_UNIT,
									 COMPARE_REGION};
	bool other_name = c->level[COMPARE_COMPANY] >= COMPANY_SOME_WORDS;
	bool sisters = c->level[COMPARE_DOMAIN] >= DOMAIN_DIFFERS ||
				   is(c, COMPARE_PHONE, PHONE_EXACT_SHARED) ||
				   is(c, COMPARE_EMAIL, EMAIL_DIFFERS) || is(c, COMPARE_COUNTRY, COUNTRY_DIFFERS);
	int32_t bound = kind->parameter[other_name ? PARAMETER_household : PARAMETER_household_unnamed];
	int32_t sum = sum_of(c, shared, COUNT(shared));

	if (between(c, COMPARE_COMPANY, COMPANY_EXACT, COMPANY_CLOSE))
		return 0;
	if (is(c, COMPARE_COMPANY, COMPANY_PART) && sisters)
		sum += positive(c->part[COMPARE_COMPANY]);
	if (other_name || !own_mailbox(c))
		sum += positive(c->part[COMPARE_EMAIL]);
	if (other_name || !own_line(c))
		sum += positive(c->part[COMPARE_PHONE]);
	if (other_name || !own_domain(c))
		sum += positive(c->part[COMPARE_DOMAIN]);
	return sum > bound ? bound - sum : 0;
}

/* ---- names alone ---- */

/* A name that hardly two people among so many bear, less what speaks against it. */
static bool
rare_name(const KindModel *kind, const Comparison *c)
{
	int32_t bits = c->part[COMPARE_FAMILY] + c->part[COMPARE_GIVEN] +
				   positive(c->part[COMPARE_OTHER]) + c->against;

	return is(c, COMPARE_EMAIL, 0) && is(c, COMPARE_FAMILY, FAMILY_EXACT) &&
		   is(c, COMPARE_GIVEN, GIVEN_EXACT) &&
		   bits + kind->parameter[PARAMETER_prior] >= kind->parameter[PARAMETER_name_rare];
}

/* Does the comparison tell more than that the name is the same, and the region? */
static bool
tells(Compare compare, const Comparison *c)
{
	/* what one stranger of eight shares too tells nothing of where somebody lives */
	int32_t least = compare == COMPARE_POSTCODE || compare == COMPARE_STREET ? 3 * BIT : 1;

	if (c->part[compare] < least)
		return false;
	switch (compare)
	{
		case COMPARE_DATE:
			return !other_family(c);
		case COMPARE_POSTCODE:
			return !other_family(c) && !is(c, COMPARE_FAMILY, FAMILY_FAINT);
		case COMPARE_PLACE: /* beside two postcodes it tells no more than they do */
			return !other_family(c) && !is(c, COMPARE_FAMILY, FAMILY_FAINT) &&
				   is(c, COMPARE_POSTCODE, 0);
		case COMPARE_EMAIL:
			/* the latter two: with a number in it that is no name's */
			return own_mailbox(c) || is(c, COMPARE_EMAIL, EMAIL_EXACT_SHARED) ||
				   between(c, COMPARE_EMAIL, EMAIL_CLOSE, EMAIL_SAME_LOCAL);
		default:
			return true;
	}
}

/* Do the two share nothing but a name, though each says how to reach its owner? */
static bool
person_by_name(const KindModel *kind, const IdentityForm *a, const IdentityForm *b,
			   const Comparison *c)
{
	static const Compare facts[] = {COMPARE_DATE,  COMPARE_POSTCODE,  COMPARE_PLACE,
									COMPARE_PHONE, COMPARE_ID,		  COMPARE_STREET,
									COMPARE_EMAIL, COMPARE_OCCUPATION};

	for (size_t i = 0; i < COUNT(facts); i++)
		if (tells(facts[i], c))
			return false;
	return reachable(a) && reachable(b) && !rare_name(kind, c);
}

/* A company's name is registered in one country; elsewhere, or without any other fact, somebody
 * else may have the same. */
static bool
company_by_name(const Comparison *c)
{
	bool reached = own_mailbox(c) || between(c, COMPARE_PHONE, PHONE_EXACT, PHONE_NATIONAL) ||
				   is(c, COMPARE_DOMAIN, DOMAIN_EXACT) || is(c, COMPARE_ID, ID_EXACT);
	bool there = is(c, COMPARE_POSTCODE, POSTCODE_EXACT) ||
				 between(c, COMPARE_STREET, STREET_EXACT, STREET_CLOSE_SAME_NUMBER) ||
				 is(c, COMPARE_PHONE, PHONE_EXACT_SHARED);

	return !reached && (is(c, COMPARE_COUNTRY, COUNTRY_DIFFERS) || !there);
}

int32_t
identity_compare_relation(const KindModel *kind, const IdentityForm *a, const IdentityForm *b,
						  const Comparison *c, int32_t sum)
{
	bool person = a->kind == IDENTITY_PERSON;
	int32_t most = kind->parameter[PARAMETER_name_only];
	int32_t off = person ? household(kind, a, b, c) : group(kind, c);

	if (sum + off > most && (person ? person_by_name(kind, a, b, c) : company_by_name(c)))
		off = most - sum;
	return off;
}
