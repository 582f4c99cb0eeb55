/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_compare_priv.h — how alike two values are.
 *
 * Where a similarity depends on the order of its arguments, the smaller hash goes first.
 */
#ifndef GOLDPAN_IDENTITY_COMPARE_PRIV_H
#define GOLDPAN_IDENTITY_COMPARE_PRIV_H

#include <string.h>

#include "identity/identity_priv.h"

/* Can two texts that have so many letters in common reach `least`, with that prefix?  Jaro is at
 * most (common / n + common / m + 1) / 3; a prefix takes off a tenth of what is missing for each
 * letter.  In 1/10000, without a division. */
static inline bool
within_reach(unsigned common, unsigned n, unsigned m, unsigned prefix, unsigned least)
{
	/* 10 * jaro + prefix * (10000 - jaro) >= 10 * least; 40 make up for what is rounded */
	unsigned needed = (10 * least - 10000 * prefix) * 3 - 10000 * (10 - prefix);

	return common * (n + m) * 10000 * (10 - prefix) + 40 * (10 - prefix) * n * m >= needed * n * m;
}

/* Jaro-Winkler of two values, or 0 when it cannot reach `least`. */
static inline unsigned
compare_jaro(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y,
			 unsigned least)
{
	unsigned n = x->length, m = y->length;
	unsigned common =
		identity_text_count(x->letters & y->letters) + (x->more < y->more ? x->more : y->more);
	unsigned prefix = 0, most = x->initial == y->initial ? 4 : 0;
	const char *s, *t;

	if (n == 0 || m == 0 || !within_reach(common, n, m, most, least))
		return 0;
	s = form_text(a, x);
	t = form_text(b, y);
	while (prefix < most && prefix < n && prefix < m && s[prefix] == t[prefix])
		prefix++;
	if (prefix < most && !within_reach(common, n, m, prefix, least))
		return 0;
	if (x->hash < y->hash || (x->hash == y->hash && n <= m))
		return identity_text_jaro(s, n, t, m);
	return identity_text_jaro(t, m, s, n);
}

/* One value, letter by letter: among ten millions of mailboxes thousands share 32 bits of a hash. */
static inline bool
compare_same(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	return x->hash == y->hash && x->length == y->length &&
		   memcmp(form_text(a, x), form_text(b, y), x->length) == 0;
}

/* One edit, or two neighbours swapped.  No edit changes more than two of the letters there are. */
static inline bool
compare_near(const IdentityForm *a, const FormValue *x, const IdentityForm *b, const FormValue *y)
{
	uint32_t differ = x->letters ^ y->letters;

	differ &= differ - 1; /* without the lowest, and without the next */
	differ &= differ - 1;
	if (differ != 0)
		return false;
	return identity_text_near(form_text(a, x), x->length, form_text(b, y), y->length);
}

#endif
