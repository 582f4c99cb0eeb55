/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_contradict — does an answer contradict those before it, and which of them?
 *
 * "Same" ties records, and what ties are made of ties on; "different" and "split" keep apart
 * whatever is tied to what they name.
 */
#include "identity/identity_state_priv.h"

#include <stdio.h>
#include <string.h>

#define TIED_MOST 400

typedef struct Tied /* records tied by answers "same" */
{
	uint64_t hash[TIED_MOST];
	uint32_t by[TIED_MOST]; /* the judgement that tied it; 0 for the first */
	size_t to[TIED_MOST];	/* which of them it was tied to */
	size_t count;
} Tied;

static void
tie(const Identity *identity, uint64_t start, Tied *tied)
{
	tied->count = 1;
	tied->hash[0] = start;
	tied->by[0] = 0;
	tied->to[0] = 0;
	for (size_t i = 0; i < tied->count; i++)
	{
		uint32_t judges[JUDGES_MOST];
		uint32_t n = identity_judges_of_hash(identity, tied->hash[i], judges, JUDGES_MOST);

		for (uint32_t k = 0; k < n; k++)
		{
			const JudgeRow *judge = identity_judge(identity, judges[k]);
			const JudgeBody *body = identity_judge_body(identity, judge);
			uint64_t other;
			size_t j = 0;

			if (judge->verdict != IDENTITY_SAME ||
				(body->hash[0] != tied->hash[i] && body->hash[1] != tied->hash[i]))
				continue;
			other = body->hash[0] == tied->hash[i] ? body->hash[1] : body->hash[0];
			while (j < tied->count && tied->hash[j] != other)
				j++;
			if (j == tied->count && tied->count < TIED_MOST)
			{
				tied->hash[tied->count] = other;
				tied->to[tied->count] = i;
				tied->by[tied->count++] = judges[k];
			}
		}
	}
}

/* Which of them has the hash; their count where none has. */
static size_t
tied_at(const Tied *tied, uint64_t hash)
{
	size_t i = 0;

	while (i < tied->count && tied->hash[i] != hash)
		i++;
	return i;
}

static uint32_t
tied_by(const Tied *x, uint64_t one, const Tied *y, uint64_t other)
{
	uint32_t by = x->by[tied_at(x, one)];

	return by != 0 ? by : y->by[tied_at(y, other)];
}

/* A judgement that keeps a record of x apart from one of y, and one that tied either of the two; 0
 * when there is none. */
static uint32_t
parted(const Identity *identity, const Tied *x, const Tied *y, uint32_t *by)
{
	for (size_t i = 0; i < x->count; i++)
	{
		uint32_t judges[JUDGES_MOST];
		uint32_t n = identity_judges_of_hash(identity, x->hash[i], judges, JUDGES_MOST);

		for (uint32_t k = 0; k < n; k++)
		{
			const JudgeRow *judge = identity_judge(identity, judges[k]);
			const JudgeBody *body = identity_judge_body(identity, judge);
			uint32_t first = judge->verdict == IDENTITY_SPLIT ? 2 + body->nseen_a : 1;
			uint32_t last = judge->verdict == IDENTITY_SPLIT ? identity_judge_named(body) : 2;

			if (judge->verdict != IDENTITY_DIFFERENT && judge->verdict != IDENTITY_SPLIT)
				continue;
			for (uint32_t f = first; f < last; f++)
			{
				uint64_t one = body->hash[0], other = body->hash[f];

				if (tied_at(x, one) == x->count || tied_at(y, other) == y->count)
				{
					one = body->hash[f];
					other = body->hash[0];
				}
				if (tied_at(x, one) == x->count || tied_at(y, other) == y->count)
					continue;
				*by = tied_by(x, one, y, other);
				return judges[k];
			}
		}
	}
	return 0;
}

static void
describe(const Identity *identity, uint32_t number, char *out, size_t size)
{
	const JudgeRow *judge = number == 0 ? NULL : identity_judge(identity, number);
	const JudgeBody *body = judge == NULL ? NULL : identity_judge_body(identity, judge);

	if (judge == NULL)
		snprintf(out, size, "none");
	else
	{
		snprintf(out, size, "%llu (%s: %s/%s, %s/%s)", (unsigned long long) judge->handle,
				 identity_verdict_name((IdentityVerdict) judge->verdict),
				 identity_judge_text(body, 0), identity_judge_text(body, 1),
				 identity_judge_text(body, 2), identity_judge_text(body, 3));
		out[identity_text_cut(out, strlen(out))] = 0;
	}
}

/* third: 0 where two contradict each other. */
static IdentityStatus
refuse(const Identity *identity, const IdentityJudgement *j, uint32_t second, uint32_t third,
	   char *message, size_t size)
{
	char x[150], y[150];

	describe(identity, second, x, sizeof(x));
	describe(identity, third, y, sizeof(y));
	if (third == 0)
		snprintf(message, size, "judgement %llu contradicts judgement %s",
				 (unsigned long long) j->handle, x);
	else
		snprintf(message, size, "judgement %llu contradicts judgements %s and %s",
				 (unsigned long long) j->handle, x, y);
	return IDENTITY_CONTRADICTION;
}

IdentityStatus
identity_judge_check(const Identity *identity, const IdentityJudgement *j, uint64_t a, uint64_t b,
					 char *message, size_t size)
{
	Tied x, y;
	uint32_t other, by = 0;

	if (j->verdict == IDENTITY_UNSURE)
		return IDENTITY_DONE;
	tie(identity, a, &x);
	if (j->verdict == IDENTITY_SAME)
	{
		tie(identity, b, &y);
		other = parted(identity, &x, &y, &by);
		if (other != 0)
			return refuse(identity, j, other, by, message, size);
		if (tied_at(&x, b) == x.count && x.count + y.count > TIED_MOST / 2)
		{
			snprintf(message, size, "judgement %llu would tie more than %d records",
					 (unsigned long long) j->handle, TIED_MOST / 2);
			return IDENTITY_CONTRADICTION;
		}
		return IDENTITY_DONE;
	}
	for (size_t k = 0; k < (j->verdict == IDENTITY_SPLIT ? j->nseen_b : 1); k++)
	{
		uint64_t foreign = j->verdict == IDENTITY_SPLIT
							   ? identity_ref_hash(j->seen_b[k].source, j->seen_b[k].id)
							   : b;
		size_t at = tied_at(&x, foreign);

		if (at < x.count)
			return refuse(identity, j, x.by[at], x.by[x.to[at]], message, size);
	}
	return IDENTITY_DONE;
}
