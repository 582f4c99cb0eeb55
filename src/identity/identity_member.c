/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_member — which customer id a cluster bears, and what that tells the consumer.
 *
 * A cluster keeps the id that most of its records bore, the oldest among equals.  Where an id's
 * records part, it stays with those who bore it before others were merged into it.  A
 * cluster without one gets back a merged id most of whose records it holds, or else a new
 * id: a hash of deployment, position and ordinal of the change.  Merges and splits fall out
 * of comparing the old membership with the new.
 */
#include "identity/identity_state_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct Overlap
{
	uint32_t entity, label, count;
	uint32_t own;	/* of them, records that no merge brought */
	uint32_t since; /* the change that brought the latest of its records from a merged entity */
	uint32_t rank;	/* its count; of an heir the largest that its entity has */
	bool heir;		/* to the entity's id */
} Overlap;

typedef struct Plan
{
	Identity *identity;
	const uint32_t *record, *label;
	size_t count;
	uint32_t nlabels;
	Overlap *overlap;
	size_t noverlaps;
	uint32_t *entity; /* by label; 0 none yet */
	uint8_t *made;	  /* by label: 1 new, 2 returned */
	uint32_t *old;	  /* by record: the entity before */
} Plan;

static void find_overlaps(Plan *plan);
static void keep_ids(Plan *plan);
static void give_ids(Plan *plan);
static void move(Plan *plan);
static void retire_emptied(Plan *plan);
static void link_members(Plan *plan);

static int
older(const Identity *identity, uint32_t a, uint32_t b)
{
	const EntityRow *x = identity_entity(identity, a), *y = identity_entity(identity, b);

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	if (x->ordinal != y->ordinal)
		return x->ordinal < y->ordinal ? -1 : 1;
	return (x->serial > y->serial) - (x->serial < y->serial);
}

static int
by_count(const void *a, const void *b, void *context)
{
	const Overlap *x = a, *y = b;
	int order;

	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	order = older(context, x->entity, y->entity);
	if (order != 0)
		return order;
	if (x->heir != y->heir)
		return x->heir ? -1 : 1;
	return (x->label > y->label) - (x->label < y->label);
}

/* Of an entity's overlaps, does x rather than y go on with its id?  Who came with a merge gets his own
 * back; among equals the id stays where it was before the last one. */
static bool
inherits(const Overlap *x, const Overlap *y)
{
	if (x->own != y->own)
		return x->own > y->own;
	if (x->count != y->count)
		return x->count > y->count;
	return x->since < y->since;
}

/* overlap: all of one entity, in the order of their labels. */
static void
name_heir(Overlap *overlap, size_t count)
{
	size_t heir = 0;
	uint32_t most = 0;

	for (size_t i = 0; i < count; i++)
	{
		overlap[i].rank = overlap[i].count;
		most = overlap[i].count > most ? overlap[i].count : most;
		heir = inherits(&overlap[i], &overlap[heir]) ? i : heir;
	}
	overlap[heir].heir = true;
	overlap[heir].rank = most;
}

static int
by_both(const void *a, const void *b)
{
	const Overlap *x = a, *y = b;

	if (x->entity != y->entity)
		return x->entity < y->entity ? -1 : 1;
	return (x->label > y->label) - (x->label < y->label);
}

void
identity_member_assign(Identity *identity, const uint32_t *records, const uint32_t *label,
					   size_t count)
{
	Plan plan = {.identity = identity, .record = records, .label = label, .count = count};
	uint8_t *at;

	for (size_t i = 0; i < count; i++)
		if (label[i] >= plan.nlabels)
			plan.nlabels = label[i] + 1;
	at = identity_work(identity, count * (sizeof(Overlap) + 4) + plan.nlabels * 5 + 64);
	plan.overlap = (Overlap *) at;
	plan.old = (uint32_t *) (at + count * sizeof(Overlap));
	plan.entity = plan.old + count;
	plan.made = (uint8_t *) (plan.entity + plan.nlabels);
	memset(plan.entity, 0, plan.nlabels * 5);
	for (size_t i = 0; i < count; i++)
		plan.old[i] = identity_record(identity, records[i])->entity;
	find_overlaps(&plan);
	keep_ids(&plan);
	give_ids(&plan);
	move(&plan);
	retire_emptied(&plan);
	link_members(&plan);
}

/* Is the entity merged still, or again, by the merge that the record came with? */
static bool
came_with(const Identity *identity, const Former *former)
{
	const EntityRow *entity = identity_entity(identity, former->entity);

	return entity->state == ENTITY_MERGED && entity->touched == former->since;
}

/* The change in which the record's former entity merged; 0 when it has none to go back to. */
static uint32_t
merged_since(const Plan *plan, uint32_t number)
{
	const RecordRow *record = identity_record(plan->identity, number);
	const FormerRow *former;

	if (record->former == 0)
		return 0;
	former = store_at(&plan->identity->store, record->former);
	for (uint32_t f = 0; f < former->count; f++)
		if (came_with(plan->identity, &former->item[f]))
			return former->item[f].since;
	return 0;
}

static void
find_overlaps(Plan *plan)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->old[i] != 0)
		{
			uint32_t since = merged_since(plan, plan->record[i]);

			plan->overlap[n++] = (Overlap){.entity = plan->old[i],
										   .label = plan->label[i],
										   .count = 1,
										   .own = since == 0,
										   .since = since};
		}
	if (n > 1)
		qsort(plan->overlap, n, sizeof(Overlap), by_both);
	for (size_t i = 0; i < n; i++)
		if (kept > 0 && by_both(&plan->overlap[kept - 1], &plan->overlap[i]) == 0)
		{
			Overlap *o = &plan->overlap[kept - 1];

			o->count++;
			o->own += plan->overlap[i].own;
			o->since = o->since > plan->overlap[i].since ? o->since : plan->overlap[i].since;
		}
		else
			plan->overlap[kept++] = plan->overlap[i];
	for (size_t i = 0, end; i < kept; i = end)
	{
		end = i + 1;
		while (end < kept && plan->overlap[end].entity == plan->overlap[i].entity)
			end++;
		name_heir(&plan->overlap[i], end - i);
	}
	plan->noverlaps = kept;
	qsort_r(plan->overlap, kept, sizeof(Overlap), by_count, plan->identity);
}

static void
keep_ids(Plan *plan)
{
	for (size_t i = 0; i < plan->noverlaps; i++)
	{
		Overlap *o = &plan->overlap[i];
		bool taken = false;

		if (plan->entity[o->label] != 0)
			continue;
		for (size_t j = 0; j < i && !taken; j++)
			taken = plan->overlap[j].entity == o->entity &&
					plan->entity[plan->overlap[j].label] == o->entity;
		if (!taken)
			plan->entity[o->label] = o->entity;
	}
}

static bool
merged_later(const Identity *identity, uint32_t a, uint32_t b)
{
	const EntityRow *x = identity_entity(identity, a), *y = identity_entity(identity, b);

	return x->touched != y->touched ? x->touched > y->touched : older(identity, a, b) < 0;
}

/* Of two merged ids, is it a whose records the cluster has more wholly?  An id that had taken others in
 * has them in the count, so that they get back their own.  Among equals the one with more
 * records, then the one that merged last: that is the merge taken back. */
static bool
fits_better(const Identity *identity, uint32_t a, uint32_t votes_a, uint32_t b, uint32_t votes_b)
{
	uint64_t x = (uint64_t) votes_a * identity_entity(identity, b)->count;
	uint64_t y = (uint64_t) votes_b * identity_entity(identity, a)->count;

	if (x != y)
		return x > y;
	return votes_a != votes_b ? votes_a > votes_b : merged_later(identity, a, b);
}

/* A merged id most of whose records are in the cluster; 0 when there is none. */
static uint32_t
former_id(Plan *plan, uint32_t label)
{
	Identity *identity = plan->identity;
	uint32_t best = 0, best_votes = 0;
	struct
	{
		uint32_t entity, votes;
	} candidate[32];
	unsigned n = 0;

	for (size_t i = 0; i < plan->count; i++)
	{
		const RecordRow *record = identity_record(identity, plan->record[i]);
		const FormerRow *former =
			record->former == 0 ? NULL : store_at(&identity->store, record->former);

		if (plan->label[i] != label || former == NULL)
			continue;
		for (uint32_t f = 0; f < former->count; f++)
		{
			unsigned c = 0;

			if (!came_with(identity, &former->item[f]))
				continue;
			while (c < n && candidate[c].entity != former->item[f].entity)
				c++;
			if (c == n && n < 32)
			{
				candidate[n].entity = former->item[f].entity;
				candidate[n++].votes = 0;
			}
			if (c < n)
				candidate[c].votes++;
		}
	}
	for (unsigned c = 0; c < n; c++)
	{
		uint32_t entity = candidate[c].entity, votes = candidate[c].votes;

		if (votes * 2 <= identity_entity(identity, entity)->count)
			continue;
		if (best == 0 || fits_better(identity, entity, votes, best, best_votes))
		{
			best = entity;
			best_votes = votes;
		}
	}
	return best;
}

static void
give_ids(Plan *plan)
{
	Identity *identity = plan->identity;

	for (uint32_t label = 0; label < plan->nlabels; label++)
	{
		uint32_t number = plan->entity[label];

		if (number == 0)
		{
			number = former_id(plan, label);
			plan->made[label] = 2;
		}
		if (number == 0)
		{
			IdentityId id = identity_entity_new_id(identity);

			number = identity_entity_make(identity, &id);
			plan->made[label] = 1;
		}
		else if (plan->made[label] == 2)
		{
			EntityRow *entity = identity_entity_edit(identity, number);
			uint32_t into = entity->into;

			entity->state = ENTITY_LIVE;
			entity->into = 0;
			entity->count = 0;
			if (into != 0)
				identity_entity_release(identity, into);
			identity_root(identity)->nentities++;
		}
		plan->entity[label] = number;
		if (plan->made[label] != 0)
		{
			identity_entity_touch(identity, number);
			identity_event(identity, IDENTITY_EVENT_CREATED, number, 0, 0,
						   identity->change->handle);
		}
	}
}

static void
forget_former(Identity *identity, uint32_t number, uint32_t entity)
{
	RecordRow *record = identity_record(identity, number);
	FormerRow *former;

	if (record->former == 0)
		return;
	former = store_at(&identity->store, record->former);
	for (uint32_t f = 0; f < former->count; f++)
		if (former->item[f].entity == entity)
		{
			identity_store_edit(&identity->store, record->former, 0, sizeof(*former));
			memmove(former->item + f, former->item + f + 1,
					(former->count - f - 1) * sizeof(Former));
			former->item[--former->count] = (Former){0, 0};
			identity_entity_release(identity, entity);
			break;
		}
}

static void
remember_former(Identity *identity, uint32_t number, uint32_t entity)
{
	RecordRow *record = identity_record_edit(identity, number);
	FormerRow *former;

	if (record->former == 0)
		record->former = identity_store_new(&identity->store, sizeof(FormerRow));
	former = identity_store_edit(&identity->store, record->former, 0, sizeof(*former));
	if (former->count == FORMER_MAX)
		identity_entity_release(identity, former->item[--former->count].entity);
	memmove(former->item + 1, former->item, former->count * sizeof(Former));
	former->item[0] = (Former){entity, identity_root(identity)->epoch};
	former->count++;
	identity_entity_edit(identity, entity)->referred++;
}

static void
move(Plan *plan)
{
	Identity *identity = plan->identity;

	for (size_t i = 0; i < plan->count; i++)
	{
		uint32_t from = plan->old[i], to = plan->entity[plan->label[i]];

		if (from == to)
			continue;
		identity_record_edit(identity, plan->record[i])->entity = to;
		identity_entity_touch(identity, to);
		if (from != 0)
		{
			identity_entity_touch(identity, from);
			identity_judge_watch(identity, plan->record[i]);
		}
		forget_former(identity, plan->record[i], to);
		identity_event(identity, IDENTITY_EVENT_MOVED, to, from, plan->record[i],
					   identity->change->handle);
	}
}

/* Entities that kept no cluster merged into where most of their records are; entities that
 * kept one but lost records to a cluster of its own were split. */
static void
retire_emptied(Plan *plan)
{
	Identity *identity = plan->identity;

	for (size_t i = 0; i < plan->noverlaps; i++)
	{
		Overlap *o = &plan->overlap[i];
		uint32_t into = plan->entity[o->label];
		EntityRow *entity = identity_entity(identity, o->entity);
		bool kept = false;

		for (size_t j = 0; j < plan->noverlaps; j++)
			kept |= plan->overlap[j].entity == o->entity &&
					plan->entity[plan->overlap[j].label] == o->entity;
		if (kept)
		{
			if (into != o->entity && plan->made[o->label] != 0)
				identity_event(identity, IDENTITY_EVENT_SPLIT, into, o->entity, 0,
							   identity->change->handle);
			continue;
		}
		if (entity->state != ENTITY_LIVE) /* seen to with its largest overlap */
			continue;
		identity_entity_edit(identity, o->entity);
		entity->state = ENTITY_MERGED;
		entity->into = into;
		entity->head = 0;
		entity->referred++; /* while the records are being told */
		identity_entity_edit(identity, into)->referred++;
		identity_root(identity)->nentities--;
		for (size_t r = 0; r < plan->count; r++)
			if (plan->old[r] == o->entity)
				remember_former(identity, plan->record[r], o->entity);
		identity_event(identity, IDENTITY_EVENT_MERGED, o->entity, into, 0,
					   identity->change->handle);
		identity_entity_release(identity, o->entity);
	}
}

static void
link_members(Plan *plan)
{
	Identity *identity = plan->identity;
	uint32_t *last = plan->old; /* by label; not needed any more */

	/* counts of entities that lost records go down before those that won go up */
	for (size_t i = 0; i < plan->noverlaps; i++)
	{
		EntityRow *entity = identity_entity(identity, plan->overlap[i].entity);

		if (entity->state == ENTITY_LIVE)
		{
			identity_entity_edit(identity, plan->overlap[i].entity);
			entity->count -= plan->overlap[i].count;
		}
	}
	/* members come sorted by hash inside a label; build the lists from the end */
	for (uint32_t l = 0; l < plan->nlabels; l++)
		last[l] = 0;
	for (size_t i = plan->count; i-- > 0;)
	{
		RecordRow *record = identity_record(identity, plan->record[i]);
		uint32_t label = plan->label[i];

		if (record->next_member != last[label])
			identity_record_edit(identity, plan->record[i])->next_member = last[label];
		last[label] = plan->record[i];
	}
	for (size_t i = 0; i < plan->count; i++)
	{
		uint32_t number = plan->entity[plan->label[i]];
		EntityRow *entity = identity_entity(identity, number);

		if (last[plan->label[i]] == plan->record[i])
		{
			identity_entity_edit(identity, number);
			entity->head = plan->record[i];
		}
		entity->count++;
	}
}

void
identity_member_remove(Identity *identity, uint32_t number, bool erased)
{
	RecordRow *record = identity_record_edit(identity, number);
	uint32_t owner = record->entity, *place;
	EntityRow *entity;

	if (record->former != 0)
	{
		FormerRow *former =
			identity_store_edit(&identity->store, record->former, 0, sizeof(*former));

		while (former->count > 0)
			identity_entity_release(identity, former->item[--former->count].entity);
		identity_store_delete(&identity->store, record->former, sizeof(FormerRow));
		record->former = 0;
	}
	if (owner == 0)
		return;
	identity_entity_touch(identity, owner);
	entity = identity_entity_edit(identity, owner);
	identity_judge_watch(identity, number);
	for (place = &entity->head; *place != 0 && *place != number;)
	{
		identity_record_edit(identity, *place);
		place = &identity_record(identity, *place)->next_member;
	}
	if (*place == number)
	{
		*place = record->next_member;
		entity->count--;
	}
	record->entity = record->next_member = 0;
	identity_event(identity, erased ? IDENTITY_EVENT_ERASED : IDENTITY_EVENT_DELETED, owner, 0,
				   number, identity->change->handle);
	if (entity->count > 0)
		return;
	identity_event(identity, IDENTITY_EVENT_RETIRED, owner, 0, 0, identity->change->handle);
	identity_root(identity)->nentities--;
	entity->state = ENTITY_MERGED;
	entity->into = 0;
	entity->referred++;
	identity_entity_release(identity, owner);
}
