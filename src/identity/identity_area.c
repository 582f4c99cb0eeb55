/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_area — repair neighbourhoods, kept up to date, with their pair weights.
 *
 * The neighbourhood of a record is its connected component over edges of at least t
 * bits, at the lowest t of T, T + 1, T + 2 … where it has no more than L members.  One step may part
 * too much, where many edges weigh the same: so of the edges below it those stay whose ends' names
 * agree, hashed, in so many bits as keep it within L.
 * That is an equivalence relation and a function of the edges alone, so clustering
 * neighbourhoods one by one gives what clustering everything at once would give.  It
 * can only change where an edge changed: in the old and the new neighbourhoods of the
 * edge's ends.  An answer "same" is an edge at every t.
 */
#include "identity/identity_state_priv.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_OF_CUT 130
#define AGREEMENTS	  64 /* bits of a name's hash */

static void widen(Identity *identity);
static uint32_t search(Identity *identity, uint32_t number);
static void build(Identity *identity, List *singles);
static void assign(Identity *identity);

int16_t *
identity_area_bits(AreaRow *area)
{
	return (int16_t *) (area->member + area->count);
}

size_t
identity_area_size(uint32_t count)
{
	return sizeof(AreaRow) + count * sizeof(uint32_t) +
		   (size_t) count * (count - 1) / 2 * sizeof(int16_t);
}

static AreaRow *
area_of(const Identity *identity, const RecordRow *record)
{
	return record->area == 0 ? NULL : store_at(&identity->store, record->area);
}

/* affected: all members of the neighbourhoods of what is dirty, each once. */
static void
widen(Identity *identity)
{
	uint32_t now = identity_stamp(identity);

	identity->affected.count = 0;
	for (size_t i = 0; i < identity->dirty.count; i++)
	{
		uint32_t number = identity->dirty.item[i];
		AreaRow *area;

		if (identity->stamp[number] == now)
			continue;
		area = area_of(identity, identity_record(identity, number));
		if (area == NULL)
		{
			identity->stamp[number] = now;
			identity_list_add(identity, &identity->affected, number);
			continue;
		}
		for (uint32_t m = 0; m < area->count; m++)
		{
			identity->stamp[area->member[m]] = now;
			identity_list_add(identity, &identity->affected, area->member[m]);
		}
	}
	identity->dirty.count = 0;
}

static void
reach(Identity *identity, uint32_t other, uint32_t now)
{
	if (identity->stamp[other] == now)
		return;
	identity->stamp[other] = now;
	identity_list_add(identity, &identity->wave, other);
}

static void
reach_judged(Identity *identity, const RecordRow *record, uint32_t now)
{
	unsigned kind = identity_form_of(identity, record)->kind;
	uint32_t judges[JUDGES_MOST], n;

	n = identity_judges(identity, record, judges, JUDGES_MOST);
	for (uint32_t i = 0; i < n; i++)
	{
		const JudgeRow *judge = identity_judge(identity, judges[i]);
		const JudgeBody *body = store_at(&identity->store, judge->body);

		if (judge->verdict != IDENTITY_SAME ||
			(body->hash[0] != record->hash && body->hash[1] != record->hash))
			continue;
		for (unsigned side = 0; side < 2; side++)
		{
			uint32_t other = identity_find_hash(identity, body->hash[side]);

			/* kinds may have changed since the answer; what is adopted waits to be settled */
			if (other != 0 &&
				identity_form_of(identity, identity_record(identity, other))->kind == kind &&
				!(identity_record(identity, other)->flags & RECORD_UNSETTLED))
				reach(identity, other, now);
		}
	}
}

/* Of two names' hashes, how many bits agree before the first that does not. */
static unsigned
agreement(uint64_t a, uint64_t b)
{
	return a == b ? AGREEMENTS - 1 : (unsigned) __builtin_clzll(a ^ b);
}

/* Fills wave with the component of the record over edges of at least so many bits, and below that
 * bit those whose ends agree so far; true when it is within the limit. */
static bool
component(Identity *identity, uint32_t number, int32_t least, unsigned agree, size_t limit)
{
	uint32_t now = identity_stamp(identity);
	int32_t surely = agree == 0 ? least : least + BIT;

	identity->wave.count = 0;
	reach(identity, number, now);
	for (size_t i = 0; i < identity->wave.count; i++)
	{
		const RecordRow *record = identity_record(identity, identity->wave.item[i]);
		const EdgeRow *edge = record->edges == 0 ? NULL : store_at(&identity->store, record->edges);

		identity->visits++;
		for (unsigned e = 0; e < record->nedges; e++)
			/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what has edges has a place for them */
			if (edge[e].bits >= surely ||
				(edge[e].bits >= least &&
				 agreement(record->hash, identity_record(identity, edge[e].record)->hash) >= agree))
				reach(identity, edge[e].record, now);
		reach_judged(identity, record, now);
		if (identity->wave.count > limit)
			return false;
	}
	return true;
}

/* Fills wave with the component of the record at the lowest cut; returns the cut. */
static uint32_t
search(Identity *identity, uint32_t number)
{
	const RecordRow *start = identity_record(identity, number);
	unsigned kind = identity_form_of(identity, start)->kind;
	size_t limit = (size_t) model_parameter(identity->model, kind, PARAMETER_neighbourhood);
	int32_t floor = model_parameter(identity->model, kind, PARAMETER_neighbour);
	uint32_t level = 0;

	while (level + 1 < LEVELS_OF_CUT &&
		   !component(identity, number, floor + (int32_t) level * BIT, 0, limit))
		level++;
	if (level == 0)
		return 0;
	for (unsigned agree = 1; agree < AGREEMENTS; agree++)
		if (component(identity, number, floor + (int32_t) (level - 1) * BIT, agree, limit))
			return (level - 1) * AGREEMENTS + agree;
	/* within the limit, or held together by answers alone */
	(void) component(identity, number, floor + (int32_t) level * BIT, 0, SIZE_MAX);
	return level * AGREEMENTS;
}

static int
by_hash(const void *a, const void *b, void *context)
{
	const Identity *identity = context;
	uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
	uint64_t hx = identity_record(identity, x)->hash, hy = identity_record(identity, y)->hash;

	return hx != hy ? (hx < hy ? -1 : 1) : (x > y) - (x < y);
}

/* Insertion sort: neighbourhoods are small and nearly in order. */
static void
sort_wave(Identity *identity)
{
	uint32_t *item = identity->wave.item;

	if (identity->wave.count > 64)
	{
		qsort_r(item, identity->wave.count, sizeof(item[0]), by_hash, identity);
		return;
	}
	for (size_t i = 1; i < identity->wave.count; i++)
	{
		uint32_t number = item[i];
		uint64_t hash = identity_record(identity, number)->hash;
		size_t j = i;

		for (; j > 0 && identity_record(identity, item[j - 1])->hash > hash; j--)
			item[j] = item[j - 1];
		item[j] = number;
	}
}

/* The weight of a pair, from the old neighbourhood of both, an edge, or by comparing. */
static int16_t
pair_bits(Identity *identity, uint32_t a, const RecordRow *x, uint32_t b, const RecordRow *y)
{
	const EdgeRow *edge;
	int32_t link =
		model_parameter(identity->model, identity_form_of(identity, x)->kind, PARAMETER_link);

	if (x->area != 0 && x->area == y->area && !((x->flags | y->flags) & RECORD_STALE))
		return identity_area_bits(area_of(identity, x))[identity_area_pair(x->area_at, y->area_at)];
	edge = x->edges == 0 ? NULL : store_at(&identity->store, x->edges);
	for (unsigned e = 0; e < x->nedges; e++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what has edges has a place for them */
		if (edge[e].record == b && edge[e].bits >= link)
			return edge[e].live & EDGE_CONFLICT ? INT16_MIN : edge[e].bits;
	return (int16_t) identity_pair_beside(identity, a, b);
}

/* New neighbourhoods of all that is affected go to fresh as Refs, single records as such. */
static void
build(Identity *identity, List *singles)
{
	uint32_t *slot = identity->slot;
	List *fresh = &identity->fresh;

	fresh->count = 0;
	singles->count = 0;
	for (size_t i = 0; i < identity->affected.count; i++)
		slot[identity->affected.item[i]] = 0;
	for (size_t i = 0; i < identity->affected.count; i++)
	{
		uint32_t number = identity->affected.item[i], level;
		RecordRow *record = identity_record(identity, number);
		uint32_t count;
		Ref ref;
		AreaRow *area;
		int16_t *bits;

		if (slot[number] != 0 || (record->flags & (RECORD_GONE | RECORD_UNSETTLED)))
			continue;
		level = search(identity, number);
		count = (uint32_t) identity->wave.count;
		identity_root(identity)->repairs++;
		identity_root(identity)->repairs_cut += level > 0;
		if (count == 1)
		{
			slot[number] = 1;
			identity_list_add(identity, singles, number);
			continue;
		}
		sort_wave(identity);
		if (identity_area_size(count) > STORE_LARGEST)
			longjmp(*identity->store.out, 2);
		ref = identity_store_new(&identity->store, identity_area_size(count));
		area = store_at(&identity->store, ref);
		area->count = count;
		area->level = level;
		memcpy(area->member, identity->wave.item, count * sizeof(uint32_t));
		bits = identity_area_bits(area);
		for (uint32_t j = 0; j < count; j++)
		{
			const RecordRow *y = identity_record(identity, area->member[j]);

			slot[area->member[j]] = 1;
			for (uint32_t k = 0; k < j; k++)
				*bits++ = pair_bits(identity, area->member[k],
									identity_record(identity, area->member[k]), area->member[j], y);
		}
		identity_list_add(identity, fresh, ref);
	}
}

/* Old neighbourhoods go, the new ones are entered at their members. */
static void
replace(Identity *identity, const List *singles)
{
	for (size_t i = 0; i < identity->affected.count; i++)
	{
		RecordRow *record = identity_record(identity, identity->affected.item[i]);
		AreaRow *area = area_of(identity, record);
		Ref ref = record->area;

		if (area == NULL)
			continue;
		for (uint32_t m = 0; m < area->count; m++)
			identity_record_edit(identity, area->member[m])->area = 0;
		identity_store_delete(&identity->store, ref, identity_area_size(area->count));
	}
	for (size_t i = 0; i < singles->count; i++)
		if (identity_record(identity, singles->item[i])->flags & RECORD_STALE)
			identity_record_edit(identity, singles->item[i])->flags &= (uint16_t) ~RECORD_STALE;
	for (size_t i = 0; i < identity->fresh.count; i++)
	{
		AreaRow *area = store_at(&identity->store, identity->fresh.item[i]);

		for (uint32_t m = 0; m < area->count; m++)
		{
			RecordRow *record = identity_record_edit(identity, area->member[m]);

			record->area = identity->fresh.item[i];
			record->area_at = (uint16_t) m;
			record->flags &= (uint16_t) ~RECORD_STALE;
		}
	}
}

static void
assign(Identity *identity)
{
	List *singles = &identity->seen;
	size_t total = singles->count, at = 0;
	uint32_t labels = 0;

	for (size_t i = 0; i < identity->fresh.count; i++)
		total += ((AreaRow *) store_at(&identity->store, identity->fresh.item[i]))->count;
	if (total == 0)
		return;
	identity->wave.count = 0;
	for (size_t i = 0; i < total * 2; i++) /* records, then labels */
		identity_list_add(identity, &identity->wave, 0);
	for (size_t i = 0; i < singles->count; i++, at++)
	{
		identity->wave.item[at] = singles->item[i];
		identity->wave.item[total + at] = labels++;
	}
	for (size_t i = 0; i < identity->fresh.count; i++)
	{
		AreaRow *area = store_at(&identity->store, identity->fresh.item[i]);
		uint32_t *label = identity->wave.item + total + at, most = 0;

		memcpy(identity->wave.item + at, area->member, area->count * sizeof(uint32_t));
		identity_cluster(identity, area, label);
		identity->visits += area->count;
		for (uint32_t m = 0; m < area->count; m++)
		{
			most = label[m] > most ? label[m] : most;
			label[m] += labels;
		}
		labels += most + 1;
		at += area->count;
	}
	identity_member_assign(identity, identity->wave.item, identity->wave.item + total, total);
}

void
identity_area_settle(Identity *identity)
{
	widen(identity);
	build(identity, &identity->seen);
	replace(identity, &identity->seen);
	assign(identity);
}

bool
identity_area_right(Identity *identity, uint32_t number)
{
	const AreaRow *area = area_of(identity, identity_record(identity, number));
	uint32_t level = search(identity, number);

	if (area == NULL || identity->wave.count == 1)
		return area == NULL && identity->wave.count == 1;
	if (area->count != identity->wave.count || area->level != level)
		return false;
	sort_wave(identity);
	return memcmp(area->member, identity->wave.item, area->count * sizeof(uint32_t)) == 0;
}
