/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_change — what would have to be otherwise for a record to belong to a customer, or not.
 *
 * Said of what the clustering decides by: the pairs between the two sides, a conflict, answers, the
 * limit and the cuts.
 */
#include "identity/identity_explain_priv.h"

typedef struct Between /* the record's own customer, or the record alone where it is inside, and
						* the others of the customer asked about */
{
	int64_t sum; /* clamped */
	uint32_t pairs, records;
	int32_t best;
	const char *why;				  /* of a conflict; NULL: none */
	const JudgeRow *apart, *together; /* answers that speak of both sides; NULL: none */
	bool looked_at;					  /* a pair has an edge: a key in common led to it */
	bool one_area;
} Between;

typedef struct Sides
{
	const Identity *identity;
	uint32_t number, own, entity;
	bool inside;
} Sides;

/* 1, 2: the side that a hash's record is on; 0: none. */
static unsigned
side_of(const Sides *sides, uint64_t hash)
{
	uint32_t number = identity_find_hash(sides->identity, hash);
	uint32_t entity = number == 0 ? 0 : identity_record(sides->identity, number)->entity;

	if (number == sides->number)
		return number == 0 ? 0 : 1;
	return entity == 0 ? 0 : entity == sides->entity ? 2 : entity == sides->own ? 1 : 0;
}

static void
weigh_answer(const Sides *sides, const JudgeRow *judge, Between *between)
{
	const JudgeBody *body = identity_judge_body(sides->identity, judge);
	bool split = judge->verdict == IDENTITY_SPLIT;
	uint32_t first = split ? 2 + body->nseen_a : 1, last = split ? identity_judge_named(body) : 2;
	unsigned anchor = side_of(sides, body->hash[0]);

	if (judge->verdict == IDENTITY_UNSURE)
		return;
	for (uint32_t i = first; i < last; i++)
	{
		unsigned other = side_of(sides, body->hash[i]);

		if (anchor == 0 || other == 0 || anchor == other)
			continue;
		if (judge->verdict == IDENTITY_SAME)
			between->together = judge;
		else
			between->apart = judge;
	}
}

static void
weigh_answers(const Sides *sides, uint32_t record, Between *between)
{
	uint32_t judges[JUDGES_MOST];
	uint32_t n = identity_judges(sides->identity, identity_record(sides->identity, record), judges,
								 JUDGES_MOST);

	for (uint32_t i = 0; i < n; i++)
		weigh_answer(sides, identity_judge(sides->identity, judges[i]), between);
}

static void
weigh_pair(const Identity *identity, const RecordRow *x, uint32_t other, Between *between)
{
	const RecordRow *y = identity_record(identity, other);
	const IdentityForm *form = identity_form_of(identity, x);
	int32_t clamp = model_parameter(identity->model, form->kind, PARAMETER_clamp);
	int32_t bits;
	Comparison c;

	identity_compare(identity->model, form, identity_form_of(identity, y), &c);
	if (c.conflict)
		between->why = c.why;
	bits = c.conflict || c.bits < -clamp ? -clamp : c.bits > clamp ? clamp : c.bits;
	between->sum += bits;
	between->pairs++;
	if (!c.conflict && c.bits > between->best)
		between->best = c.bits;
	between->looked_at |= identity_explain_linked(identity, x, other);
	between->one_area |= x->area != 0 && x->area == y->area;
}

/* All pairs between one record and the others of the customer. */
static void
weigh_record(const Sides *sides, uint32_t record, Between *between)
{
	const Identity *identity = sides->identity;
	const RecordRow *x = identity_record(identity, record);

	between->records++;
	for (uint32_t at = identity_entity(identity, sides->entity)->head; at != 0;
		 at = identity_record(identity, at)->next_member)
		if (at != sides->number &&
			identity_form_of(identity, identity_record(identity, at))->kind ==
				identity_form_of(identity, x)->kind)
			weigh_pair(identity, x, at, between);
	weigh_answers(sides, record, between);
}

static bool
print_inside(const Between *between, double link, double gate, Buffer *out, Err *err)
{
	double best = between->best / (double) BIT, mean = (double) between->sum / between->pairs / BIT;

	if (between->together != NULL)
		return buffer_printf(out, err,
							 "change would leave only when judgement %llu is undone, and its best "
							 "bits (now %.2f) are below %.2f or its mean bits (now %.2f over %u) "
							 "below %.2f\n",
							 (unsigned long long) between->together->handle, best, link, mean,
							 between->pairs, gate);
	return buffer_printf(out, err,
						 "change would leave if its best bits fell below %.2f (now %.2f), by the "
						 "answer \"split\", and perhaps if its mean bits fell below %.2f (now %.2f "
						 "over %u)\n",
						 link, best, gate, mean, between->pairs);
}

/* What else keeps two apart whose bits may be enough. */
static bool
print_hindrance(const Between *between, uint32_t most, bool enough, Buffer *out, Err *err)
{
	bool ok = true;

	if (between->why != NULL)
		ok = buffer_printf(out, err, "change and only without the conflict: %s\n", between->why);
	if (ok && between->records > most)
		ok = buffer_printf(out, err, "change and only with %u records or fewer in both (now %u)\n",
						   most, between->records);
	if (ok && between->apart != NULL)
		return buffer_printf(out, err, "change and only when judgement %llu (%s) is undone\n",
							 (unsigned long long) between->apart->handle,
							 identity_verdict_name((IdentityVerdict) between->apart->verdict));
	if (ok && enough && between->why == NULL && between->records <= most)
		ok = buffer_append_text(
			out,
			!between->looked_at ? "change and only with a value in common by which records are "
								  "looked up: no two of them were compared\n"
			: between->one_area ? "change and only with another pair between the two that links "
								  "them: one alone is too weak a bridge\n"
								: "change and only with fewer similar records around them: the "
								  "neighbourhood was cut between them\n",
			err);
	return ok && buffer_append_text(out, "change or by the answer \"same\"\n", err);
}

bool
identity_explain_change(const Identity *identity, uint32_t number, uint32_t entity, Buffer *out,
						Err *err)
{
	const RecordRow *record = identity_record(identity, number);
	unsigned kind = identity_form_of(identity, record)->kind;
	int32_t link = model_parameter(identity->model, kind, PARAMETER_link);
	int32_t gate = model_parameter(identity->model, kind, PARAMETER_gate);
	uint32_t most = (uint32_t) model_parameter(identity->model, kind, PARAMETER_records);
	Sides sides = {identity, number, record->entity, entity, record->entity == entity};
	Between between = {.best = INT32_MIN};
	bool enough;

	if (sides.inside)
		weigh_record(&sides, number, &between);
	else
	{
		for (uint32_t at = identity_entity(identity, sides.own)->head; at != 0;
			 at = identity_record(identity, at)->next_member)
			weigh_record(&sides, at, &between);
		between.records += identity_entity(identity, entity)->count;
	}
	if (between.pairs == 0)
		return true;
	if (between.best == INT32_MIN)
		between.best = -model_parameter(identity->model, kind, PARAMETER_clamp);
	if (sides.inside)
		return print_inside(&between, link / (double) BIT, gate / (double) BIT, out, err);
	enough = between.best >= link && between.sum >= (int64_t) gate * between.pairs;
	return buffer_printf(out, err,
						 "change would join with best bits of %.2f or more (now %.2f) and mean "
						 "bits of %.2f or more (now %.2f over %u pairs of the two customers)\n",
						 link / (double) BIT, between.best / (double) BIT, gate / (double) BIT,
						 (double) between.sum / between.pairs / BIT, between.pairs) &&
		   print_hindrance(&between, most, enough, out, err);
}
