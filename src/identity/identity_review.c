/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_review — which questions to ask a steward, most valuable first.
 *
 * A question is a pair of customers joined by an edge, or a record that fits its own
 * customer badly.  Its value is what the answer is expected to gain: the probability, as
 * the model and earlier answers have it, that something changes times a root of the pairs it would
 * mend, which stands between counting pairs and counting customers made whole.
 */
#include "identity/identity_odds_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define SIDE_MOST	12 /* members of a side whose pairs make a mean */
#define AUDIT_EVERY 3  /* an audit for so many questions */

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
	Odds odds[IDENTITY_KINDS]; /* as answers have taught */
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

static void
in_order(Items *items)
{
	if (items->count > 1)
		qsort(items->item, items->count, sizeof(items->item[0]), by_value);
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

/* Does the answer settle the question between the two customers? */
static bool
settles(const Identity *identity, const JudgeRow *judge, uint32_t x, uint32_t y)
{
	const JudgeBody *body = store_at(&identity->store, judge->body);
	uint32_t first = identity_find_hash(identity, body->hash[0]);
	uint32_t second = identity_find_hash(identity, body->hash[1]);
	uint32_t e, f;

	if (first == 0 || second == 0 || (judge->flags & JUDGE_ASK_AGAIN))
		return false;
	e = identity_record(identity, first)->entity;
	f = identity_record(identity, second)->entity;
	if (!((e == x && f == y) || (e == y && f == x)))
		return false;
	return judge->verdict != IDENTITY_UNSURE ||
		   (judge->version_a == identity_entity(identity, e)->version &&
			judge->version_b == identity_entity(identity, f)->version);
}

/* Has a steward settled the question already?  An answer names an anchor of either. */
static bool
pair_settled(const Identity *identity, const Pair *pair)
{
	bool swap =
		identity_entity(identity, pair->x)->count > identity_entity(identity, pair->y)->count;
	uint32_t smaller = swap ? pair->y : pair->x;

	for (uint32_t at = identity_entity(identity, smaller)->head; at != 0;
		 at = identity_record(identity, at)->next_member)
	{
		uint32_t judges[JUDGES_MOST];
		uint32_t n = identity_judges(identity, identity_record(identity, at), judges, JUDGES_MOST);

		for (uint32_t k = 0; k < n; k++)
			if (settles(identity, identity_judge(identity, judges[k]), pair->x, pair->y))
				return true;
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

/* rivals: open questions about the one customer and about the other, together */
static bool
join_item(const Identity *identity, const Pair *pair, unsigned rivals, Items *items)
{
	uint32_t a[SIDE_MOST], b[SIDE_MOST];
	uint32_t x = identity_record(identity, pair->a)->entity;
	uint32_t y = identity_record(identity, pair->b)->entity;
	size_t na = members(identity, x, a, SIDE_MOST), nb = members(identity, y, b, SIDE_MOST);
	unsigned kind = identity_form_of(identity, identity_record(identity, pair->a))->kind;
	const EntityRow *p = identity_entity(identity, x), *q = identity_entity(identity, y);
	IdentityReviewItem *item;
	Comparison c;
	Doubt doubt;

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
	item->mean = identity_mean_bits(identity, a, na, b, nb);
	identity_doubt(&c, item->mean, p->count, q->count, &doubt);
	doubt.rivals = rivals / 2.0;
	item->probability = identity_chance(identity_odds(&items->odds[kind], &doubt));
	/* between customers made whole and pairs of records joined, nearer the former */
	item->value = item->probability * pow((double) p->count * q->count, 0.25);
	item->reason = held_back(identity, kind, pair, item->mean, p->count + q->count);
	return true;
}

/* One question for each two customers, from their best pair. */
static bool
best_items(const Identity *identity, Pair *list, size_t n, Items *items)
{
	uint32_t *open = alloc_zero((identity_root(identity)->entities.count + 1) * sizeof(*open));
	size_t kept = 0;
	bool ok = open != NULL;

	if (n > 1)
		qsort(list, n, sizeof(*list), by_entities);
	for (size_t i = 0, last = 0; ok && i < n; i++)
	{
		Pair pair = list[i];

		if (i > 0 && pair.x == list[last].x && pair.y == list[last].y)
			continue;
		last = i;
		if (pair_settled(identity, &pair))
			continue;
		open[pair.x]++;
		open[pair.y]++;
		list[kept++] = pair;
	}
	for (size_t i = 0; ok && i < kept; i++)
		ok = join_item(identity, &list[i], open[list[i].x] + open[list[i].y], items);
	alloc_free(open);
	return ok;
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

/* Did somebody say that the record belongs to its customer, or not know it of the customer as it
 * is?  Who did not know of another record of the customer's said nothing of this one. */
static bool
confirmed(const Identity *identity, uint32_t number)
{
	const RecordRow *record = identity_record(identity, number);
	uint32_t version = identity_entity(identity, record->entity)->version;
	uint32_t judges[JUDGES_MOST];
	uint32_t n = identity_judges(identity, record, judges, JUDGES_MOST);

	for (uint32_t k = 0; k < n; k++)
	{
		const JudgeRow *judge = identity_judge(identity, judges[k]);
		const JudgeBody *body = store_at(&identity->store, judge->body);

		if (judge->verdict == IDENTITY_SAME || judge->verdict == IDENTITY_SPLIT ||
			(judge->verdict == IDENTITY_UNSURE && body->hash[1] == record->hash &&
			 judge->version_b == version))
			return true;
	}
	return false;
}

static bool
split_item(const Identity *identity, uint32_t entity, Items *items)
{
	const EntityRow *row = identity_entity(identity, entity);
	uint32_t list[64], worst = 0, best = 0;
	size_t n = members(identity, entity, list, 64);
	double worst_mean = 0, best_mean = 0;
	IdentityReviewItem *item;
	Odds odds;

	for (size_t i = 0; i < n; i++)
	{
		double mean = identity_mean_bits(identity, &list[i], 1, list, n);

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
	/* no pair is asked about: what was learned from pairs says nothing */
	identity_odds_model(identity->model,
						identity_form_of(identity, identity_record(identity, worst))->kind, &odds);
	item->probability = identity_chance(identity_odds(
		&odds,
		&(Doubt){
			.best = 10, .mean = worst_mean, .smaller = 1, .larger = (double) n - 1, .rivals = 1}));
	item->value = (1 - item->probability) * sqrt(row->count - 1.0);
	item->reason = "fits badly";
	return true;
}

static bool
split_items(const Identity *identity, Items *items)
{
	const Root *root = identity_root(identity);

	for (uint32_t e = 1; e <= root->entities.count; e++)
	{
		const EntityRow *row = identity_entity(identity, e);

		if (row->state == ENTITY_LIVE && row->count >= 3 && !split_item(identity, e, items))
			return false;
	}
	return true;
}

typedef struct Drawn
{
	uint64_t hash;
	uint32_t entity;
} Drawn;

static int
by_hash(const void *a, const void *b)
{
	const Drawn *p = a, *q = b;

	if (p->hash != q->hash)
		return p->hash < q->hash ? -1 : 1;
	return p->entity < q->entity ? -1 : p->entity > q->entity;
}

static bool
audit_item(const Identity *identity, const Drawn *drawn, double value, Items *items)
{
	const EntityRow *row = identity_entity(identity, drawn->entity);
	const RecordRow *head = identity_record(identity, row->head);
	IdentityReviewItem *item = add_item(items);

	if (item == NULL)
		return false;
	item->type = IDENTITY_REVIEW_AUDIT;
	item->a = identity_record_ref(identity, head);
	item->b = identity_record_ref(identity, identity_record(identity, head->next_member));
	item->customer_a = item->customer_b = row->id;
	item->version_a = item->version_b = row->version;
	item->size_a = row->count - 1;
	item->size_b = 1;
	item->best = item->mean = identity_mean_bits(identity, &row->head, 1, &head->next_member, 1);
	item->probability = 1;
	item->value = value;
	item->reason = "audit";
	return true;
}

/* Before which question the i-th of the links drawn comes.  A list is asked for again after each
 * answer, so what comes first is drawn anew each time, by the question it would come before. */
static size_t
audit_place(const Items *items, size_t i, const Drawn *drawn)
{
	uint64_t mixed;

	memcpy(&mixed, items->item[0].customer_a.bytes, sizeof(mixed));
	return AUDIT_EVERY * i + (mixed ^ drawn->hash) % AUDIT_EVERY;
}

/* So many links that nobody confirmed, those of the smallest hashes, mixed into the questions, which
 * are in their order. */
static bool
audit_items(const Identity *identity, size_t audit, Items *items)
{
	const Root *root = identity_root(identity);
	size_t n = 0, questions = items->count;
	Drawn *drawn;
	bool ok = true;

	if (audit == 0)
		return true;
	drawn = alloc_bytes((root->entities.count + 1) * sizeof(*drawn));
	if (drawn == NULL)
		return false;
	for (uint32_t e = 1; e <= root->entities.count; e++)
	{
		const EntityRow *row = identity_entity(identity, e);
		uint64_t hash;

		if (row->state != ENTITY_LIVE || row->count < 2 ||
			confirmed(identity, identity_record(identity, row->head)->next_member))
			continue;
		memcpy(&hash, row->id.bytes, sizeof(hash));
		drawn[n++] = (Drawn){hash, e};
	}
	if (n > 1)
		qsort(drawn, n, sizeof(*drawn), by_hash);
	for (size_t i = 0; ok && i < n && i < audit; i++)
	{
		size_t place = questions == 0 ? 0 : audit_place(items, i, &drawn[i]);
		double value = place < questions ? nextafter(items->item[place].value, INFINITY) : 0;

		ok = audit_item(identity, &drawn[i], value, items);
	}
	alloc_free(drawn);
	return ok;
}

bool
identity_review(const Identity *identity, size_t audit, IdentityReviewVisit visit, void *context,
				Err *err)
{
	Items items = {.item = NULL};
	bool done;

	identity_query_enter(identity);
	done = identity_odds_learn(identity, items.odds) && join_items(identity, &items) &&
		   split_items(identity, &items);
	if (done)
	{
		in_order(&items);
		done = audit_items(identity, audit, &items);
	}
	if (!done)
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory collecting questions");
	else
	{
		in_order(&items);
		for (size_t i = 0; i < items.count; i++)
			if (!visit(context, &items.item[i]))
				break;
	}
	identity_query_leave(identity);
	alloc_free(items.item);
	return done;
}
