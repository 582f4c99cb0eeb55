/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_explain — why two records are one customer or not, as lines of text.
 *
 * "bits" lines sum to the score printed, so that a reader, or a script, can check it.
 */
#include "identity/identity_explain_priv.h"

#include <string.h>

static bool
print_score(const Identity *identity, const Comparison *c, unsigned kind, Buffer *out, Err *err)
{
	if (!buffer_printf(out, err, "bits %+.4f prior\n",
					   model_parameter(identity->model, kind, PARAMETER_prior) / (double) BIT))
		return false;
	for (unsigned i = 0; i < COMPARES; i++)
		if (c->level[i] != 0 &&
			!buffer_printf(out, err, "bits %+.4f %s %s\n", c->part[i] / (double) BIT,
						   compare_names[i], identity_compare_level_name((Compare) i, c->level[i])))
			return false;
	if (c->capped != 0 &&
		!buffer_printf(out, err, "bits %+.4f %s: shared, so bounded\n", c->capped / (double) BIT,
					   kind == IDENTITY_COMPANY ? "group" : "household"))
		return false;
	if (!buffer_printf(out, err, "score %+.4f\n", c->bits / (double) BIT))
		return false;
	return !c->conflict || buffer_printf(out, err, "conflict %s\n", c->why);
}

/* Ids and reasons are other people's texts: none may end a line or steer a terminal. */
static bool
print_text(const char *text, Buffer *out, Err *err)
{
	for (const uint8_t *at = (const uint8_t *) text; *at != 0; at++)
	{
		bool control = *at < 0x20 || *at == 0x7f ||
					   (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0); /* U+0080 to U+009F */

		if (!(control ? buffer_printf(out, err, "\\x%02X", *at)
					  : buffer_append_byte(out, *at, err)))
			return false;
		if (control && *at == 0xc2 && !buffer_printf(out, err, "\\x%02X", *++at))
			return false;
	}
	return true;
}

static bool
print_ref(const char *before, IdentityRef ref, Buffer *out, Err *err)
{
	return buffer_append_text(out, before, err) && print_text(ref.source, out, err) &&
		   buffer_append_byte(out, '/', err) && print_text(ref.id, out, err);
}

static bool
print_side(const Identity *identity, const char *label, uint32_t number, Buffer *out, Err *err)
{
	const RecordRow *record = identity_record(identity, number);
	IdentityRef ref = identity_record_ref(identity, record);

	return buffer_printf(out, err, "record %s", label) && print_ref(" ", ref, out, err) &&
		   buffer_append_byte(out, '\n', err) &&
		   identity_form_print(identity_form_of(identity, record), out, err);
}

static bool
absent(Err *err)
{
	return err_set(err, ERR_CLASS_USAGE, ERR_CHECK_FAILED, "no such record or customer");
}

/* What answers say about the two. */
static bool
print_answers(const Identity *identity, const RecordRow *x, const RecordRow *y, Buffer *out,
			  Err *err)
{
	uint32_t judges[JUDGES_MOST], n = identity_judges(identity, x, judges, JUDGES_MOST);

	for (uint32_t i = 0; i < n; i++)
	{
		const JudgeRow *judge = identity_judge(identity, judges[i]);
		const JudgeBody *body = store_at(&identity->store, judge->body);
		bool names = false;

		for (uint32_t k = 0; k < identity_judge_named(body); k++)
			names |= body->hash[k] == y->hash;
		if (names &&
			!(buffer_printf(out, err, "judgement %llu %s by ", (unsigned long long) judge->handle,
							identity_verdict_name((IdentityVerdict) judge->verdict)) &&
			  print_text(identity_judge_text(body, 4), out, err) &&
			  buffer_append_text(out, ": ", err) &&
			  print_text(identity_judge_text(body, 5), out, err) &&
			  buffer_append_byte(out, '\n', err)))
			return false;
	}
	return true;
}

bool
identity_explain_linked(const Identity *identity, const RecordRow *record, uint32_t other)
{
	const EdgeRow *edge = record->edges == 0 ? NULL : store_at(&identity->store, record->edges);

	for (unsigned e = 0; e < record->nedges; e++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what has edges has a place for them */
		if (edge[e].record == other)
			return true;
	return false;
}

/* What answers say about the two, and whether they were looked at together at all. */
static bool
print_standing(const Identity *identity, uint32_t a, uint32_t b, Buffer *out, Err *err)
{
	const RecordRow *x = identity_record(identity, a), *y = identity_record(identity, b);

	return print_answers(identity, x, y, out, err) &&
		   buffer_printf(out, err, "candidates %s\nneighbourhood %s\ncustomer %s\n",
						 identity_explain_linked(identity, x, b)
							 ? "yes, and an edge"
							 : "no edge: no live key in common, or too few bits",
						 x->area != 0 && x->area == y->area ? "the same" : "different",
						 x->entity == y->entity ? "the same" : "different");
}

bool
identity_explain_pair(const Identity *identity, IdentityRef a, IdentityRef b, Buffer *out, Err *err)
{
	uint32_t x, y;
	Comparison c;
	bool done = false;

	identity_query_enter(identity);
	x = identity_find(identity, a);
	y = identity_find(identity, b);
	if (x == 0 || y == 0)
	{
		absent(err);
		goto out;
	}
	if (!print_side(identity, "a", x, out, err) || !print_side(identity, "b", y, out, err))
		goto out;
	if (identity_form_of(identity, identity_record(identity, x))->kind !=
		identity_form_of(identity, identity_record(identity, y))->kind)
	{
		done = buffer_append_text(out, "a person and a company are never one customer\n", err);
		goto out;
	}
	identity_compare(identity->model, identity_form_of(identity, identity_record(identity, x)),
					 identity_form_of(identity, identity_record(identity, y)), &c);
	done = print_score(identity, &c, identity_form_of(identity, identity_record(identity, x))->kind,
					   out, err) &&
		   print_standing(identity, x, y, out, err);
out:
	identity_query_leave(identity);
	return done;
}

bool
identity_explain_record(const Identity *identity, IdentityRef ref, const IdentityId *customer,
						Buffer *out, Err *err)
{
	uint32_t number, entity, best_member = 0, members = 0, others = 0;
	const IdentityForm *form;
	int64_t sum = 0;
	int32_t best = INT32_MIN;
	Comparison c;
	bool done = false;

	identity_query_enter(identity);
	number = identity_find(identity, ref);
	entity = number == 0		? 0
			 : customer == NULL ? identity_record(identity, number)->entity
								: identity_entity_find(identity, customer);
	if (entity == 0 || identity_entity(identity, entity)->state != ENTITY_LIVE)
	{
		absent(err);
		goto out;
	}
	form = identity_form_of(identity, identity_record(identity, number));
	if (!print_side(identity, "a", number, out, err))
		goto out;
	for (uint32_t at = identity_entity(identity, entity)->head; at != 0;
		 at = identity_record(identity, at)->next_member)
	{
		const RecordRow *other = identity_record(identity, at);
		IdentityRef name = identity_record_ref(identity, other);

		others += identity_form_of(identity, other)->kind != form->kind;
		if (at == number || identity_form_of(identity, other)->kind != form->kind)
			continue;
		identity_compare(identity->model, form, identity_form_of(identity, other), &c);
		sum += c.bits;
		members++;
		if (c.bits > best)
		{
			best = c.bits;
			best_member = at;
		}
		if (!print_ref("member ", name, out, err) ||
			!buffer_printf(out, err, " %+.4f%s%s\n", c.bits / (double) BIT,
						   c.conflict ? " conflict: " : "", c.conflict ? c.why : ""))
			goto out;
	}
	if (members == 0)
	{
		done = buffer_append_text(out,
								  others > 0 ? "a person and a company are never one customer\n"
											 : "the customer has no other record\n",
								  err);
		goto out;
	}
	identity_compare(identity->model, form,
					 identity_form_of(identity, identity_record(identity, best_member)), &c);
	done = print_side(identity, "b (best member)", best_member, out, err) &&
		   print_score(identity, &c, form->kind, out, err) &&
		   print_standing(identity, number, best_member, out, err) &&
		   buffer_printf(out, err, "best %+.4f mean %+.4f over %u\n", best / (double) BIT,
						 (double) sum / members / BIT, members) &&
		   identity_explain_change(identity, number, entity, out, err);
out:
	identity_query_leave(identity);
	return done;
}
