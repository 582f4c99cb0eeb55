/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_calibrate — the model's probabilities fitted to the answers of a state.
 *
 * Platt scaling (Platt 1999): a logistic regression on the odds that the anchors alone would give,
 * held a little to the model's own, so that answers without one mistake do not make it certain.
 */
#include "identity/identity_odds_priv.h"

#include <math.h>
#include <stdio.h>

#include "goldpan/alloc.h"

#define SLOPE_MOST	  3
#define OFFSET_MOST	  50
#define ROUNDS_MOST	  20
#define HALVINGS_MOST 20

static const double offset_firmness = 0.1, slope_firmness = 3;

typedef struct Answer
{
	double bits; /* as the model has it */
	bool same;
} Answer;

typedef struct Fit
{
	Answer *answer;
	size_t count, same;
	double offset, slope;
} Fit;

/* The answers about one kind; false: out of memory. */
static bool
collect(const Identity *identity, unsigned kind, Fit *fit)
{
	uint32_t njudges = identity_root(identity)->judges.count;
	Odds odds;

	*fit = (Fit){.answer = alloc_bytes((njudges + 1) * sizeof(Answer)), .slope = 1};
	if (fit->answer == NULL)
		return false;
	identity_odds_model(identity->model, kind, &odds);
	for (uint32_t j = 1; j <= njudges; j++)
	{
		const JudgeRow *judge = identity_judge(identity, j);
		const IdentityForm *x;
		uint32_t a, b;
		Comparison c;
		Doubt doubt;

		if (!identity_odds_anchors(identity, judge, &a, &b))
			continue;
		x = identity_form_of(identity, identity_record(identity, a));
		if (x->kind != kind)
			continue;
		identity_compare(identity->model, x,
						 identity_form_of(identity, identity_record(identity, b)), &c);
		identity_doubt(&c, c.bits / (double) BIT, 1, 1, &doubt);
		fit->answer[fit->count++] =
			(Answer){identity_odds(&odds, &doubt), judge->verdict == IDENTITY_SAME};
		fit->same += judge->verdict == IDENTITY_SAME;
	}
	return true;
}

/* In bits. */
static double
likelihood(const Fit *fit, double offset, double slope)
{
	double sum =
		-offset_firmness / 2 * offset * offset - slope_firmness / 2 * (slope - 1) * (slope - 1);

	for (size_t i = 0; i < fit->count; i++)
		sum += identity_chance_log((offset + slope * fit->answer[i].bits) *
								   (fit->answer[i].same ? 1 : -1));
	return sum;
}

/* One step of Newton's method, shortened until it leads up; false: there is none. */
static bool
step(Fit *fit)
{
	double g0 = -offset_firmness * fit->offset, g1 = -slope_firmness * (fit->slope - 1);
	double h00 = offset_firmness, h01 = 0, h11 = slope_firmness, d0, d1;
	double before = likelihood(fit, fit->offset, fit->slope);

	for (size_t i = 0; i < fit->count; i++)
	{
		double bits = fit->answer[i].bits;
		double p = identity_chance(fit->offset + fit->slope * bits);
		double w = M_LN2 * p * (1 - p);

		g0 += fit->answer[i].same - p;
		g1 += (fit->answer[i].same - p) * bits;
		h00 += w;
		h01 += w * bits;
		h11 += w * bits * bits;
	}
	d0 = (h11 * g0 - h01 * g1) / (h00 * h11 - h01 * h01);
	d1 = (h00 * g1 - h01 * g0) / (h00 * h11 - h01 * h01);
	for (int halved = 0; halved < HALVINGS_MOST; halved++)
	{
		double offset = fit->offset + ldexp(d0, -halved), slope = fit->slope + ldexp(d1, -halved);

		if (likelihood(fit, offset, slope) > before + 1e-6)
		{
			fit->offset = offset;
			fit->slope = slope;
			return true;
		}
	}
	return false;
}

/* Every parameter of the odds by the slope, and the offset by what the fit moved it. */
static bool
scale_odds(const Identity *identity, IdentityModel *model, unsigned kind, const Fit *fit, Err *err)
{
	static const struct
	{
		const char *name;
		Parameter parameter;
	} parts[ODDS_PARTS] = {
#define X(name) [ODDS_##name] = {"sure_" #name, PARAMETER_sure_##name},
		ODDS_PART_TABLE(X)
#undef X
	};
	static const char *const kinds[] = {"person", "company"};

	for (unsigned i = 0; i < ODDS_PARTS; i++)
	{
		double value = model_parameter(identity->model, kind, parts[i].parameter) / (double) BIT;
		char name[48];

		snprintf(name, sizeof(name), "%s.%s", kinds[kind], parts[i].name);
		if (!identity_model_set(model, name,
								value * fit->slope + (i == ODDS_offset ? fit->offset : 0), err))
			return false;
	}
	return true;
}

/* Answers enough, and of both sorts, that the evidence tells apart. */
static bool
fits(Fit *fit)
{
	if (fit->count < IDENTITY_CALIBRATE_ANSWERS || fit->same < IDENTITY_CALIBRATE_EACH ||
		fit->count - fit->same < IDENTITY_CALIBRATE_EACH)
		return false;
	for (unsigned i = 0; i < ROUNDS_MOST && step(fit); i++)
		;
	return fit->slope > 0 && fit->slope <= SLOPE_MOST && fabs(fit->offset) <= OFFSET_MOST;
}

bool
identity_calibrate(const Identity *identity, IdentityModel *model, Err *err)
{
	bool any = false, failed = false;

	if (err != NULL)
		err_clear(err);
	identity_query_enter(identity);
	for (unsigned k = 0; k < IDENTITY_KINDS && !failed; k++)
	{
		Fit fit;

		if (!collect(identity, k, &fit))
			failed = !err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory calibrating");
		else if (fits(&fit))
		{
			failed = !scale_odds(identity, model, k, &fit, err);
			any = true;
		}
		alloc_free(fit.answer);
	}
	identity_query_leave(identity);
	return any && !failed;
}
