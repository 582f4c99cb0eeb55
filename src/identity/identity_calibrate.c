/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_calibrate — the model's probabilities fitted to the answers of a state.
 */
#include "identity/identity_odds_priv.h"

#include <math.h>
#include <stdio.h>

#define SLOPE_MOST 3

typedef struct Fit
{
	double offset, slope, n, yes;
} Fit;

/* One Newton step of a logistic regression on the odds that the anchors alone would give. */
static void
step(const Identity *identity, unsigned kind, Fit *fit)
{
	Odds odds;
	double g0 = 0, g1 = 0, h00 = 1e-3, h01 = 0, h11 = 1e-3, det;

	identity_odds_model(identity->model, kind, &odds);
	fit->n = fit->yes = 0;
	for (uint32_t j = 1; j <= identity_root(identity)->judges.count; j++)
	{
		const JudgeRow *judge = identity_judge(identity, j);
		const JudgeBody *body;
		uint32_t a, b;
		double bits, p, same, w;
		Comparison c;
		Doubt doubt;

		if (judge->body == 0 ||
			(judge->verdict != IDENTITY_SAME && judge->verdict != IDENTITY_DIFFERENT))
			continue;
		body = store_at(&identity->store, judge->body);
		a = identity_find_hash(identity, body->hash[0]);
		b = identity_find_hash(identity, body->hash[1]);
		if (a == 0 || b == 0 ||
			identity_form_of(identity, identity_record(identity, a))->kind != kind ||
			identity_form_of(identity, identity_record(identity, b))->kind != kind)
			continue;
		identity_compare(identity->model, identity_form_of(identity, identity_record(identity, a)),
						 identity_form_of(identity, identity_record(identity, b)), &c);
		identity_doubt(&c, c.bits / (double) BIT, 1, 1, &doubt);
		bits = identity_odds(&odds, &doubt);
		same = judge->verdict == IDENTITY_SAME;
		p = identity_chance(fit->offset + fit->slope * bits);
		w = p * (1 - p);
		g0 += same - p;
		g1 += (same - p) * bits;
		h00 += w;
		h01 += w * bits;
		h11 += w * bits * bits;
		fit->n++;
		fit->yes += same;
	}
	det = h00 * h11 - h01 * h01;
	if (det > 1e-9)
	{
		fit->offset += (h11 * g0 - h01 * g1) / det;
		fit->slope += (h00 * g1 - h01 * g0) / det;
	}
}

/* Every parameter of the odds by the slope, and the offset by what the fit moved it. */
static bool
scale_odds(const Identity *identity, IdentityModel *model, unsigned kind, const Fit *fit, Err *err)
{
	static const struct
	{
		const char *name;
		Parameter parameter;
	} parts[] = {{"sure_offset", PARAMETER_sure_offset},   {"sure_best", PARAMETER_sure_best},
				 {"sure_mean", PARAMETER_sure_mean},	   {"sure_smaller", PARAMETER_sure_smaller},
				 {"sure_larger", PARAMETER_sure_larger},   {"sure_capped", PARAMETER_sure_capped},
				 {"sure_against", PARAMETER_sure_against}, {"sure_rivals", PARAMETER_sure_rivals}};
	static const char *const kinds[] = {"person", "company"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
	{
		double value = model_parameter(identity->model, kind, parts[i].parameter) / (double) BIT;
		char name[48];

		snprintf(name, sizeof(name), "%s.%s", kinds[kind], parts[i].name);
		if (!identity_model_set(model, name, value * fit->slope + (i == 0 ? fit->offset : 0), err))
			return false;
	}
	return true;
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
		Fit fit = {0, 1, 0, 0};

		for (unsigned i = 0; i < 20; i++)
			step(identity, k, &fit);
		if (fit.n < IDENTITY_CALIBRATE_ANSWERS || fit.yes < IDENTITY_CALIBRATE_EACH ||
			fit.n - fit.yes < IDENTITY_CALIBRATE_EACH || !(fit.slope > 0) ||
			fit.slope > SLOPE_MOST || fabs(fit.offset) > 50)
			continue;
		any = scale_odds(identity, model, k, &fit, err);
		failed = !any;
	}
	identity_query_leave(identity);
	return any;
}
