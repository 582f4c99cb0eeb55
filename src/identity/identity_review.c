/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_review — which questions to ask a steward, most valuable first.
 *
 * A question is a pair of customers joined by an edge, or a record that fits its own
 * customer badly.  Its value is what the answer is expected to gain: the calibrated
 * probability that something changes times the root of the pairs it would mend, which
 * stands between counting pairs and counting customers made whole.
 */
#include "identity/identity_state_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define SIDE_MOST 12

typedef struct Pair
{
	uint32_t x, y; /* entities, the smaller first */
	uint32_t a, b; /* records of the best edge */
	int32_t bits;
	bool conflict;
} Pair;

typedef struct Items
{
	IdentityReviewItem *item;
	size_t count, room;
} Items;

static int
by_entities(const void *a, const void *b)
{
	const Pair *p = a, *q = b;

	if (p->x != q->x)
		return p->x < q->x ? -1 : 1;
	if (p->y != q->y)
		return p->y < q->y ? -1 : 1;
	if (p->bits != q->bits)
		return p->bits > q->bits ? -1 : 1;
	return p->a != q->a ? (p->a < q->a ? -1 : 1) : (p->b > q->b) - (p->b < q->b);
}

static int
by_value(const void *a, const void *b)
{
	const IdentityReviewItem *p = a, *q = b;
	int order;

	if (p->value != q->value)
		return p->value > q->value ? -1 : 1;
	order = memcmp(&p->customer_a, &q->customer_a, sizeof(p->customer_a));
	return order != 0 ? order : memcmp(&p->customer_b, &q->customer_b, sizeof(p->customer_b));
}

typedef struct Doubt /* whether two customers are one; bits */
{
	double best, mean; /* between their records */
	double capped;	   /* what the best pair would weigh more without the bounds on relatives */
	double against;	   /* what speaks against it there, <= 0 */
	double smaller, larger; /* records */
} Doubt;

/* In bits of odds.  Two large customers would have found together; what a bound took off is
 * evidence still; what speaks against it counts once more where little was known. */
static double
odds(const IdentityModel *model, unsigned kind, const Doubt *d)
{
	const int32_t *p = model->kind[kind].parameter;

	return (p[PARAMETER_sure_offset] + p[PARAMETER_sure_best] * d->best +
			p[PARAMETER_sure_mean] * d->mean + p[PARAMETER_sure_capped] * d->capped +
			p[PARAMETER_sure_against] * d->against + p[PARAMETER_sure_smaller] * log2(d->smaller) +
			p[PARAMETER_sure_larger] * log2(d->larger)) /
		   BIT;
}

static double
chance(double bits)
{
	return 1 / (1 + exp2(-bits));
}

static IdentityReviewItem *
add_item(Items *items)
{
	if (items->count == items->room)
	{
		size_t room = items->room ? items->room * 2 : 256;
		IdentityReviewItem *more = alloc_resize(items->item, room * sizeof(*more));

		if (more == NULL)
			return NULL;
		items->item = more;
		items->room = room;
	}
	memset(&items->item[items->count], 0, sizeof(items->item[0]));
	return &items->item[items->count++];
}

static size_t
members(const Identity *identity, uint32_t entity, uint32_t *out, size_t max)
{
	size_t n = 0;

	for (uint32_t at = identity_entity(identity, entity)->head; at != 0 && n < max;
		 at = identity_record(identity, at)->next_member)
		out[n++] = at;
	return n;
}

static double
mean_bits(const Identity *identity, const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
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

/* Has a steward settled the question between the two customers already? */
static bool
settled(const Identity *identity, const uint32_t *a, size_t na, uint32_t x, uint32_t y)
{
	for (size_t i = 0; i < na; i++)
	{
		uint32_t judges[JUDGES_MOST];
		uint32_t n =
			identity_judges(identity, identity_record(identity, a[i]), judges, JUDGES_MOST);

		for (uint32_t k = 0; k < n; k++)
		{
			const JudgeRow *judge = identity_judge(identity, judges[k]);
			const JudgeBody *body = store_at(&identity->store, judge->body);
			uint32_t first = identity_find_hash(identity, body->hash[0]);
			uint32_t second = identity_find_hash(identity, body->hash[1]);
			uint32_t e, f;

			if (first == 0 || second == 0 || (judge->flags & JUDGE_ASK_AGAIN))
				continue;
			e = identity_record(identity, first)->entity;
			f = identity_record(identity, second)->entity;
			if (!((e == x && f == y) || (e == y && f == x)))
				continue;
			if (judge->verdict != IDENTITY_UNSURE)
				return true;
			if (judge->version_a == identity_entity(identity, e)->version &&
				judge->version_b == identity_entity(identity, f)->version)
				return true;
		}
	}
	return false;
}

static const char *
held_back(const Identity *identity, unsigned kind, const Pair *pair, double mean, uint32_t size)
{
	const IdentityModel *model = identity->model;

	if (pair->conflict)
		return "conflict";
	if (pair->bits < model_parameter(model, kind, PARAMETER_link))
		return "below link";
	if (mean * BIT < model_parameter(model, kind, PARAMETER_gate))
		return "gate";
	if (size > (uint32_t) model_parameter(model, kind, PARAMETER_records))
		return "limit";
	if (identity_record(identity, pair->a)->area != identity_record(identity, pair->b)->area)
		return "neighbourhood cut";
	return "bridge";
}

static bool
join_item(const Identity *identity, const Pair *pair, Items *items)
{
	uint32_t a[SIDE_MOST], b[SIDE_MOST];
	uint32_t x = identity_record(identity, pair->a)->entity;
	uint32_t y = identity_record(identity, pair->b)->entity;
	size_t na = members(identity, x, a, SIDE_MOST), nb = members(identity, y, b, SIDE_MOST);
	unsigned kind = identity_form_of(identity, identity_record(identity, pair->a))->kind;
	const EntityRow *p = identity_entity(identity, x), *q = identity_entity(identity, y);
	IdentityReviewItem *item;
	Comparison c;

	if (settled(identity, a, na, x, y))
		return true;
	identity_compare(identity->model,
					 identity_form_of(identity, identity_record(identity, pair->a)),
					 identity_form_of(identity, identity_record(identity, pair->b)), &c);
	item = add_item(items);
	if (item == NULL)
		return false;
	item->type = IDENTITY_REVIEW_JOIN;
	item->a = identity_record_ref(identity, identity_record(identity, pair->a));
	item->b = identity_record_ref(identity, identity_record(identity, pair->b));
	item->customer_a = p->id;
	item->customer_b = q->id;
	item->version_a = p->version;
	item->version_b = q->version;
	item->size_a = p->count;
	item->size_b = q->count;
	item->best = pair->bits / (double) BIT;
	item->mean = mean_bits(identity, a, na, b, nb);
	item->probability =
		chance(odds(identity->model, kind,
					&(Doubt){item->best, item->mean, -c.capped / (double) BIT,
							 c.against / (double) BIT, p->count < q->count ? p->count : q->count,
							 p->count < q->count ? q->count : p->count}));
	/* between customers made whole and pairs of records joined */
	item->value = item->probability * sqrt((double) p->count * q->count);
	item->reason = held_back(identity, kind, pair, item->mean, p->count + q->count);
	return true;
}

/* One question for each two customers, from their best pair. */
static bool
best_items(const Identity *identity, Pair *list, size_t n, Items *items)
{
	if (n > 1)
		qsort(list, n, sizeof(*list), by_entities);
	for (size_t i = 0; i < n; i++)
		if ((i == 0 || list[i].x != list[i - 1].x || list[i].y != list[i - 1].y) &&
			!join_item(identity, &list[i], items))
			return false;
	return true;
}

static bool
join_items(const Identity *identity, Items *items)
{
	const Root *root = identity_root(identity);
	Pair *list = NULL;
	size_t n = 0, room = 0;
	bool done = false;

	for (uint32_t number = 1; number <= root->records.count; number++)
	{
		const RecordRow *record = identity_record(identity, number);
		const EdgeRow *edge = record->edges == 0 ? NULL : store_at(&identity->store, record->edges);
		int32_t floor;

		if (edge == NULL || record->entity == 0)
			continue;
		floor = model_parameter(identity->model, identity_form_of(identity, record)->kind,
								PARAMETER_review);
		for (unsigned e = 0; e < record->nedges; e++)
		{
			uint32_t other = edge[e].record, y = identity_record(identity, other)->entity;

			if (number > other || y == record->entity || y == 0 || edge[e].bits < floor)
				continue;
			if (n == room)
			{
				Pair *more;

				room = room ? room * 2 : 1024;
				more = alloc_resize(list, room * sizeof(*list));
				if (more == NULL)
					goto out;
				list = more;
			}
			list[n++] = (Pair){record->entity < y ? record->entity : y,
							   record->entity < y ? y : record->entity,
							   number,
							   other,
							   edge[e].bits,
							   (edge[e].live & EDGE_CONFLICT) != 0};
		}
	}
	done = best_items(identity, list, n, items);
out:
	alloc_free(list);
	return done;
}

/* Was the record confirmed beside its customer's other members? */
static bool
confirmed(const Identity *identity, uint32_t record)
{
	uint32_t judges[JUDGES_MOST];
	uint32_t n = identity_judges(identity, identity_record(identity, record), judges, JUDGES_MOST);

	for (uint32_t k = 0; k < n; k++)
		if (identity_judge(identity, judges[k])->verdict != IDENTITY_DIFFERENT)
			return true;
	return false;
}

static bool
split_item(const Identity *identity, uint32_t entity, Items *items)
{
	const EntityRow *row = identity_entity(identity, entity);
	uint32_t list[64], worst = 0, best = 0;
	size_t n = members(identity, entity, list, 64);
	double worst_mean = 0, best_mean = 0, probability;
	IdentityReviewItem *item;
	unsigned kind;

	if (n == 0)
		return true;
	kind = identity_form_of(identity, identity_record(identity, list[0]))->kind;
	for (size_t i = 0; i < n; i++)
	{
		double mean = mean_bits(identity, &list[i], 1, list, n);

		if (worst == 0 || mean < worst_mean)
		{
			worst = list[i];
			worst_mean = mean;
		}
		if (best == 0 || mean > best_mean)
		{
			best = list[i];
			best_mean = mean;
		}
	}
	probability =
		chance(odds(identity->model, kind, &(Doubt){10, worst_mean, 0, 0, 1, (double) n - 1}));
	if (worst == best || worst_mean > 6 || confirmed(identity, worst))
		return true;
	item = add_item(items);
	if (item == NULL)
		return false;
	item->type = IDENTITY_REVIEW_SPLIT;
	item->a = identity_record_ref(identity, identity_record(identity, best));
	item->b = identity_record_ref(identity, identity_record(identity, worst));
	item->customer_a = item->customer_b = row->id;
	item->version_a = item->version_b = row->version;
	item->size_a = row->count - 1;
	item->size_b = 1;
	item->best = best_mean;
	item->mean = worst_mean;
	item->probability = probability;
	item->value = (1 - probability) * sqrt(row->count - 1.0);
	item->reason = "fits badly";
	return true;
}

static bool
entity_items(const Identity *identity, size_t audit, Items *items)
{
	const Root *root = identity_root(identity);
	uint64_t every = audit == 0 ? 0 : root->nentities / audit + 1;

	for (uint32_t e = 1; e <= root->entities.count; e++)
	{
		const EntityRow *row = identity_entity(identity, e);
		const RecordRow *head, *next;
		IdentityReviewItem *item;
		uint64_t hash;

		if (row->state != ENTITY_LIVE || row->count < 2)
			continue;
		if (row->count >= 3 && !split_item(identity, e, items))
			return false;
		memcpy(&hash, row->id.bytes, sizeof(hash));
		if (every == 0 || hash % every != 0)
			continue;
		item = add_item(items);
		if (item == NULL)
			return false;
		head = identity_record(identity, row->head);
		next = identity_record(identity, head->next_member);
		item->type = IDENTITY_REVIEW_AUDIT;
		item->a = identity_record_ref(identity, head);
		item->b = identity_record_ref(identity, next);
		item->customer_a = item->customer_b = row->id;
		item->version_a = item->version_b = row->version;
		item->size_a = row->count - 1;
		item->size_b = 1;
		item->best = item->mean = mean_bits(identity, &row->head, 1, &head->next_member, 1);
		item->probability = 1;
		item->value = (double) (hash >> 32 & 0xff) / 64;
		item->reason = "audit";
	}
	return true;
}

bool
identity_review(const Identity *identity, size_t audit, IdentityReviewVisit visit, void *context,
				Err *err)
{
	Items items = {NULL, 0, 0};
	bool done;

	identity_query_enter(identity);
	done = join_items(identity, &items) && entity_items(identity, audit, &items);
	if (!done)
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory collecting questions");
	else if (items.count > 0)
	{
		qsort(items.item, items.count, sizeof(items.item[0]), by_value);
		for (size_t i = 0; i < items.count; i++)
			if (!visit(context, &items.item[i]))
				break;
	}
	identity_query_leave(identity);
	alloc_free(items.item);
	return done;
}

/* ---- calibration ---- */

#define SLOPE_MOST 3

typedef struct Fit
{
	double offset, slope, n, yes;
} Fit;

/* One Newton step of a logistic regression on the odds that the anchors alone would give. */
static void
step(const Identity *identity, unsigned kind, Fit *fit)
{
	double g0 = 0, g1 = 0, h00 = 1e-3, h01 = 0, h11 = 1e-3, det;

	fit->n = fit->yes = 0;
	for (uint32_t j = 1; j <= identity_root(identity)->judges.count; j++)
	{
		const JudgeRow *judge = identity_judge(identity, j);
		const JudgeBody *body;
		uint32_t a, b;
		double bits, p, same, w;
		Comparison c;

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
		bits = odds(identity->model, kind,
					&(Doubt){c.bits / (double) BIT, c.bits / (double) BIT, -c.capped / (double) BIT,
							 c.against / (double) BIT, 1, 1});
		same = judge->verdict == IDENTITY_SAME;
		p = 1 / (1 + exp2(-(fit->offset + fit->slope * bits)));
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
	} parts[] = {{"sure_offset", PARAMETER_sure_offset},  {"sure_best", PARAMETER_sure_best},
				 {"sure_mean", PARAMETER_sure_mean},	  {"sure_smaller", PARAMETER_sure_smaller},
				 {"sure_larger", PARAMETER_sure_larger},  {"sure_capped", PARAMETER_sure_capped},
				 {"sure_against", PARAMETER_sure_against}};
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
