/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_odds — how likely two customers are one, and what answers teach about it.
 *
 * Logistic regression: the model's parameters say where it starts, the answers in force move it,
 * by the evidence they were given on.  What is learned is a function of the state, kept nowhere;
 * it decides which question comes next, never who is one customer.
 */
#include "identity/identity_odds_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define ANSWERS_MOST 2000 /* the newest; a fit costs about 10 us an answer */
#define SIDE_MOST	 12
#define ROUNDS_MOST	 20
#define COLUMNS_MOST (ODDS_PARTS + COMPARES * LEVELS)

_Static_assert(COLUMNS_MOST < 256, "columns are numbered in a byte");

static const Parameter part_parameters[ODDS_PARTS] = {
#define X(name) [ODDS_##name] = PARAMETER_sure_##name,
	ODDS_PART_TABLE(X)
#undef X
};

/* How firmly a part keeps to the model's parameter, by the usual size of what it multiplies;
 * then how firmly a level keeps to nothing. */
static const double part_firmness[ODDS_PARTS] = {
	[ODDS_offset] = 3,	 [ODDS_best] = 90,	 [ODDS_mean] = 90,	[ODDS_capped] = 300,
	[ODDS_against] = 90, [ODDS_smaller] = 9, [ODDS_larger] = 9, [ODDS_rivals] = 9};
static const double level_firmness = 3;

double
identity_mean_bits(const Identity *identity, const uint32_t *a, size_t na, const uint32_t *b,
				   size_t nb)
{
	double sum = 0, n = 0;

	for (size_t i = 0; i < na; i++)
		for (size_t j = 0; j < nb; j++)
		{
			Comparison c;

			if (a[i] == b[j])
				continue;
			identity_compare(identity->model,
							 identity_form_of(identity, identity_record(identity, a[i])),
							 identity_form_of(identity, identity_record(identity, b[j])), &c);
			sum += c.bits > 20 * BIT ? 20 * BIT : c.bits < -20 * BIT ? -20 * BIT : c.bits;
			n++;
		}
	return n == 0 ? 0 : sum / n / BIT;
}

double
identity_chance(double bits)
{
	return 1 / (1 + exp2(-bits));
}

double
identity_chance_log(double bits)
{
	return bits < -50 ? bits : -log2(1 + exp2(-bits));
}

static void
parts_of(const Doubt *doubt, double part[ODDS_PARTS])
{
	part[ODDS_offset] = 1;
	part[ODDS_best] = doubt->best;
	part[ODDS_mean] = doubt->mean;
	part[ODDS_capped] = doubt->capped;
	part[ODDS_against] = doubt->against;
	part[ODDS_smaller] = log2(doubt->smaller);
	part[ODDS_larger] = log2(doubt->larger);
	part[ODDS_rivals] = log2(doubt->rivals);
}

void
identity_doubt(const Comparison *c, double mean, size_t na, size_t nb, Doubt *doubt)
{
	*doubt = (Doubt){.best = c->bits / (double) BIT,
					 .mean = mean,
					 .capped = -c->capped / (double) BIT,
					 .against = c->against / (double) BIT,
					 .smaller = (double) (na < nb ? na : nb),
					 .larger = (double) (na < nb ? nb : na),
					 .rivals = 1};
	memcpy(doubt->level, c->level, COMPARES);
}

double
identity_odds(const Odds *odds, const Doubt *doubt)
{
	double part[ODDS_PARTS], bits = 0;

	parts_of(doubt, part);
	for (unsigned i = 0; i < ODDS_PARTS; i++)
		bits += odds->part[i] * part[i];
	for (unsigned c = 0; c < COMPARES; c++)
		bits += odds->level[c][doubt->level[c]];
	return bits;
}

void
identity_odds_model(const IdentityModel *model, unsigned kind, Odds *odds)
{
	memset(odds, 0, sizeof(*odds));
	for (unsigned i = 0; i < ODDS_PARTS; i++)
		odds->part[i] = model_parameter(model, kind, part_parameters[i]) / (double) BIT;
}

/* ---- answers ---- */

typedef struct Answer
{
	double part[ODDS_PARTS];
	uint8_t level[COMPARES];
	uint8_t same;
	uint8_t kind;
} Answer;

typedef struct Answers
{
	Answer *item;
	size_t count;
} Answers;

static int
by_newest(const void *a, const void *b)
{
	const JudgeRow *p = *(const JudgeRow *const *) a, *q = *(const JudgeRow *const *) b;

	if (p->position != q->position)
		return p->position > q->position ? -1 : 1;
	return p->ordinal > q->ordinal ? -1 : p->ordinal < q->ordinal;
}

/* The records there still are of those that the answer's side had; at most SIDE_MOST. */
static size_t
side_of(const Identity *identity, const uint64_t *hash, size_t count, uint32_t anchor,
		uint32_t list[SIDE_MOST])
{
	size_t n = 0;

	for (size_t i = 0; i < count && n < SIDE_MOST; i++)
	{
		list[n] = identity_find_hash(identity, hash[i]);
		n += list[n] != 0;
	}
	if (n == 0)
		list[n++] = anchor;
	return n;
}

bool
identity_odds_anchors(const Identity *identity, const JudgeRow *judge, uint32_t *a, uint32_t *b)
{
	const JudgeBody *body;

	if (judge->body == 0 ||
		(judge->verdict != IDENTITY_SAME && judge->verdict != IDENTITY_DIFFERENT))
		return false;
	body = store_at(&identity->store, judge->body);
	*a = identity_find_hash(identity, body->hash[0]);
	*b = identity_find_hash(identity, body->hash[1]);
	return *a != 0 && *b != 0 &&
		   identity_form_of(identity, identity_record(identity, *a))->kind ==
			   identity_form_of(identity, identity_record(identity, *b))->kind;
}

/* The evidence that the answer was given on, as far as it is there still. */
static void
recall(const Identity *identity, const JudgeRow *judge, uint32_t a, uint32_t b, Answer *answer)
{
	const JudgeBody *body = store_at(&identity->store, judge->body);
	const IdentityForm *x = identity_form_of(identity, identity_record(identity, a));
	const IdentityForm *y = identity_form_of(identity, identity_record(identity, b));
	uint32_t one[SIDE_MOST], other[SIDE_MOST];
	size_t none, nother;
	Comparison c;
	Doubt doubt;

	none = side_of(identity, body->hash + 2, body->nseen_a, a, one);
	nother = side_of(identity, body->hash + 2 + body->nseen_a, body->nseen_b, b, other);
	identity_compare(identity->model, x, y, &c);
	identity_doubt(&c, identity_mean_bits(identity, one, none, other, nother),
				   body->nseen_a > 0 ? body->nseen_a : 1, body->nseen_b > 0 ? body->nseen_b : 1,
				   &doubt);
	parts_of(&doubt, answer->part);
	memcpy(answer->level, doubt.level, COMPARES);
	answer->kind = x->kind;
	answer->same = judge->verdict == IDENTITY_SAME;
}

/* The newest answers in force; false: out of memory. */
static bool
recall_answers(const Identity *identity, Answers *answers)
{
	const Root *root = identity_root(identity);
	const JudgeRow **judges = alloc_bytes((root->judges.count + 1) * sizeof(const JudgeRow *));
	uint32_t a, b;
	size_t n = 0;

	answers->item = alloc_bytes((ANSWERS_MOST + 1) * sizeof(Answer));
	answers->count = 0;
	for (uint32_t j = 1; judges != NULL && j <= root->judges.count; j++)
	{
		const JudgeRow *judge = identity_judge(identity, j);

		if (identity_odds_anchors(identity, judge, &a, &b))
			judges[n++] = judge;
	}
	if (n > 1)
		qsort(judges, n, sizeof(const JudgeRow *), by_newest);
	for (size_t i = 0; answers->item != NULL && i < n && i < ANSWERS_MOST; i++)
		if (identity_odds_anchors(identity, judges[i], &a, &b))
			recall(identity, judges[i], a, b, &answers->item[answers->count++]);
	alloc_free(judges);
	if (judges != NULL && answers->item != NULL)
		return true;
	alloc_free(answers->item);
	return false;
}

/* ---- the fit: penalised likelihood by Newton's method; likelihoods in bits ---- */

typedef struct Fit
{
	const Answers *answers;
	unsigned kind;
	unsigned columns;
	uint8_t column[COMPARES][LEVELS]; /* 0: no answer has the level */
	double start[COLUMNS_MOST], firmness[COLUMNS_MOST];
	double weight[COLUMNS_MOST], move[COLUMNS_MOST];
	double *curve; /* columns * columns */
} Fit;

static double
odds_of(const Fit *fit, const double *weight, const Answer *answer)
{
	double bits = 0;

	for (unsigned i = 0; i < ODDS_PARTS; i++)
		bits += weight[i] * answer->part[i];
	for (unsigned c = 0; c < COMPARES; c++)
		if (answer->level[c] != 0)
			bits += weight[fit->column[c][answer->level[c]]];
	return bits;
}

static double
likelihood(const Fit *fit, const double *weight)
{
	double sum = 0;

	for (size_t i = 0; i < fit->answers->count; i++)
	{
		const Answer *answer = &fit->answers->item[i];

		if (answer->kind == fit->kind)
			sum += identity_chance_log(odds_of(fit, weight, answer) * (answer->same ? 1 : -1));
	}
	for (unsigned i = 0; i < fit->columns; i++)
		sum -= fit->firmness[i] / 2 * (weight[i] - fit->start[i]) * (weight[i] - fit->start[i]);
	return sum;
}

/* Gradient into move, curvature into the lower half of curve. */
static void
slopes(Fit *fit)
{
	unsigned n = fit->columns, at[ODDS_PARTS + COMPARES];
	double value[ODDS_PARTS + COMPARES];

	memset(fit->curve, 0, sizeof(double) * n * n);
	for (unsigned i = 0; i < n; i++)
	{
		fit->curve[i * n + i] = fit->firmness[i];
		fit->move[i] = -fit->firmness[i] * (fit->weight[i] - fit->start[i]);
	}
	for (size_t k = 0; k < fit->answers->count; k++)
	{
		const Answer *answer = &fit->answers->item[k];
		double p = identity_chance(odds_of(fit, fit->weight, answer));
		unsigned m = 0;

		if (answer->kind != fit->kind)
			continue;
		for (; m < ODDS_PARTS; m++)
		{
			at[m] = m;
			value[m] = answer->part[m];
		}
		for (unsigned c = 0; c < COMPARES; c++)
			if (answer->level[c] != 0)
			{
				at[m] = fit->column[c][answer->level[c]];
				value[m++] = 1;
			}
		for (unsigned i = 0; i < m; i++)
		{
			fit->move[at[i]] += value[i] * (answer->same - p);
			for (unsigned j = 0; j < m; j++)
				if (at[j] <= at[i])
					fit->curve[at[i] * n + at[j]] += M_LN2 * p * (1 - p) * value[i] * value[j];
		}
	}
}

/* Cholesky: curve is positive definite, as every firmness is. */
static void
solve(Fit *fit)
{
	unsigned n = fit->columns;
	double *l = fit->curve, *x = fit->move;

	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j <= i; j++)
		{
			double sum = l[i * n + j];

			for (unsigned k = 0; k < j; k++)
				sum -= l[i * n + k] * l[j * n + k];
			l[i * n + j] = i == j ? sqrt(sum) : sum / l[j * n + j];
		}
	for (unsigned i = 0; i < n; i++)
	{
		for (unsigned k = 0; k < i; k++)
			x[i] -= l[i * n + k] * x[k];
		x[i] /= l[i * n + i];
	}
	for (unsigned i = n; i-- > 0;)
	{
		for (unsigned k = i + 1; k < n; k++)
			x[i] -= l[k * n + i] * x[k];
		x[i] /= l[i * n + i];
	}
}

static void
climb(Fit *fit)
{
	double reached = likelihood(fit, fit->weight), before;
	double next[COLUMNS_MOST];

	for (unsigned round = 0; round < ROUNDS_MOST; round++)
	{
		slopes(fit);
		solve(fit);
		before = reached;
		for (unsigned halved = 0; halved < 10; halved++)
		{
			for (unsigned i = 0; i < fit->columns; i++)
				next[i] = fit->weight[i] + ldexp(fit->move[i], -(int) halved);
			reached = likelihood(fit, next);
			if (reached > before)
				break;
		}
		if (!(reached > before))
			break;
		memcpy(fit->weight, next, sizeof(double) * fit->columns);
		if (reached - before < 1e-3)
			break;
	}
}

/* Numbers the levels that answers have. */
static size_t
number_levels(Fit *fit)
{
	size_t n = 0;

	fit->columns = ODDS_PARTS;
	for (size_t i = 0; i < fit->answers->count; i++)
	{
		const Answer *answer = &fit->answers->item[i];

		if (answer->kind != fit->kind)
			continue;
		n++;
		for (unsigned c = 0; c < COMPARES; c++)
		{
			uint8_t *column = &fit->column[c][answer->level[c]];

			if (answer->level[c] == 0 || *column != 0)
				continue;
			fit->firmness[fit->columns] = level_firmness;
			*column = (uint8_t) fit->columns++;
		}
	}
	return n;
}

static bool
learn(const Answers *answers, unsigned kind, Odds *odds)
{
	Fit *fit = alloc_zero(sizeof(*fit));
	bool done;

	if (fit == NULL)
		return false;
	fit->answers = answers;
	fit->kind = kind;
	memcpy(fit->firmness, part_firmness, sizeof(part_firmness));
	memcpy(fit->start, odds->part, sizeof(odds->part));
	if (number_levels(fit) == 0)
	{
		alloc_free(fit);
		return true;
	}
	memcpy(fit->weight, fit->start, sizeof(fit->start));
	fit->curve = alloc_bytes(sizeof(double) * fit->columns * fit->columns);
	if (fit->curve != NULL)
	{
		climb(fit);
		memcpy(odds->part, fit->weight, sizeof(odds->part));
		for (unsigned c = 0; c < COMPARES; c++)
			for (unsigned l = 1; l < LEVELS; l++)
				odds->level[c][l] = fit->column[c][l] == 0 ? 0 : fit->weight[fit->column[c][l]];
	}
	done = fit->curve != NULL;
	alloc_free(fit->curve);
	alloc_free(fit);
	return done;
}

bool
identity_odds_learn(const Identity *identity, Odds odds[IDENTITY_KINDS])
{
	Answers answers;
	bool done = true;

	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
		identity_odds_model(identity->model, k, &odds[k]);
	if (identity_root(identity)->njudges == 0)
		return true;
	if (!recall_answers(identity, &answers))
		return false;
	for (unsigned k = 0; k < IDENTITY_KINDS && done; k++)
		done = learn(&answers, k, &odds[k]);
	alloc_free(answers.item);
	return done;
}
