/* SPDX-License-Identifier: PostgreSQL */
/*
 * properties_check.c — what must hold after every step, and a consumer that knows
 * nothing but events.
 */
#include "properties.h"

#include <stdio.h>
#include <string.h>

static Known *
known(World *world, const IdentityId *id)
{
	for (unsigned k = world->customers; k-- > 0;)
		if (same_id(&world->known[k].id, id))
			return &world->known[k];
	if (world->customers == CUSTOMERS)
		fail(world, "too many customers");
	world->known[world->customers] = (Known){.id = *id};
	return &world->known[world->customers++];
}

static const IdentityVersion *
version_of(const IdentityVersion *version, size_t n, const IdentityId *id)
{
	for (size_t i = 0; i < n; i++)
		if (same_id(&version[i].customer, id))
			return &version[i];
	return NULL;
}

static void
consume_one(World *world, const IdentityEvent *event)
{
	Known *customer = some_id(&event->customer) ? known(world, &event->customer) : NULL;
	Known *other;

	switch (event->type)
	{
		case IDENTITY_EVENT_CREATED:
			if (customer->live)
				fail(world, "a customer is created twice");
			customer->live = true;
			break;
		case IDENTITY_EVENT_MOVED:
			if (!same_id(&world->consumer[event->record_handle - 1], &event->other))
				fail(world, "a record moves from where it is not");
			if (!customer->live)
				fail(world, "a record moves to where nothing is");
			world->consumer[event->record_handle - 1] = event->customer;
			customer->records++;
			if (some_id(&event->other))
				known(world, &event->other)->records--;
			break;
		case IDENTITY_EVENT_DELETED:
		case IDENTITY_EVENT_ERASED:
			if (!same_id(&world->consumer[event->record_handle - 1], &event->customer))
				fail(world, "a record leaves where it is not");
			memset(&world->consumer[event->record_handle - 1], 0, sizeof(IdentityId));
			customer->records--;
			break;
		case IDENTITY_EVENT_MERGED:
			other = known(world, &event->other);
			if (!customer->live || !other->live || customer->records != 0)
				fail(world, "a merge of what is not there or not empty");
			customer->live = false;
			break;
		case IDENTITY_EVENT_RETIRED:
			if (!customer->live || customer->records != 0)
				fail(world, "what retires is not there or not empty");
			customer->live = false;
			break;
		case IDENTITY_EVENT_SPLIT:
		case IDENTITY_EVENT_UPDATED:
			if (!customer->live)
				fail(world, "an event of a customer that is not there");
			break;
		default:
			break;
	}
}

/* Versions rise by one a change, in the list and in every event that changes something. */
static void
check_versions(World *world, const IdentityDelta *delta)
{
	size_t nevents, nversions;
	const IdentityEvent *event = identity_delta_events(delta, &nevents);
	const IdentityVersion *version = identity_delta_versions(delta, &nversions);

	for (size_t i = 0; i < nversions; i++)
	{
		Known *customer = known(world, &version[i].customer);

		if (version_of(version, i, &version[i].customer) != NULL)
			fail(world, "a version is listed twice");
		if (version[i].before != customer->version)
			fail(world, "a version is not the one that was before");
		if (version[i].after != version[i].before && version[i].after != version[i].before + 1)
			fail(world, "a version does not rise by one");
		customer->version = version[i].after;
	}
	for (size_t i = 0; i < nevents; i++)
	{
		const IdentityVersion *own = version_of(version, nversions, &event[i].customer);
		bool changes = event[i].type <= IDENTITY_EVENT_UPDATED;

		if (!some_id(&event[i].customer))
			continue;
		if (changes && (own == NULL || own->after != own->before + 1))
			fail(world, "an event without a new version");
		if (event[i].version != known(world, &event[i].customer)->version)
		{
			char what[100];

			snprintf(what, sizeof(what), "a %s event has version %u, its customer %u",
					 identity_event_name(event[i].type), event[i].version,
					 known(world, &event[i].customer)->version);
			fail(world, what);
		}
		if (event[i].type == IDENTITY_EVENT_MOVED && some_id(&event[i].other))
		{
			own = version_of(version, nversions, &event[i].other);
			if (own == NULL || own->after != own->before + 1)
				fail(world, "a record leaves a customer without a new version");
		}
	}
}

void
consume(World *world, const IdentityDelta *delta)
{
	size_t n;
	const IdentityEvent *event = identity_delta_events(delta, &n);
	bool merged = false, split = false;

	for (size_t i = 0; i < n; i++)
	{
		if (event[i].position != world->position || event[i].ordinal != world->ordinal)
			fail(world, "an event is not of its change");
		consume_one(world, &event[i]);
		merged |= event[i].type == IDENTITY_EVENT_MERGED;
		split |= event[i].type == IDENTITY_EVENT_SPLIT;
	}
	check_versions(world, delta);
	world->mix.merged += merged;
	world->mix.split += split;
	world->mix.moving += merged || split;
}

void
check_answers(const World *world, const Identity *identity)
{
	IdentityId ids[RECORDS];

	ids_of(world, identity, ids);
	for (unsigned s = 0; s < world->nsteps; s++)
	{
		const Step *k = &world->step[s];
		unsigned other =
			k->verdict == IDENTITY_SPLIT ? k->seen_b & ~world->forgotten[s] : 1u << k->b;

		if (!world->in_force[s] || !some_id(&ids[k->a]) || (world->unsettled >> k->a & 1))
			continue;
		for (unsigned b = 0; b < RECORDS; b++)
		{
			bool together = same_id(&ids[k->a], &ids[b]);
			bool same_kind = world->values[k->a].company == world->values[b].company;

			if (!(other >> b & 1) || !some_id(&ids[b]) || (world->unsettled >> b & 1))
				continue;
			if (k->verdict == IDENTITY_SAME && same_kind && !together)
				fail(world, identity == world->main
								? "records judged the same are apart"
								: "records judged the same are apart elsewhere");
			if ((k->verdict == IDENTITY_DIFFERENT || k->verdict == IDENTITY_SPLIT) && together)
				fail(world, identity == world->main
								? "records judged different are together"
								: "records judged different are together elsewhere");
		}
	}
}

/* How many customers live; each has the version that its events gave it. */
static unsigned
check_customers(World *world)
{
	unsigned live = 0;

	for (unsigned k = 0; k < world->customers; k++)
	{
		const Known *own = &world->known[k];
		IdentityId into;
		uint32_t version = identity_version(world->main, own->id, &into);

		live += own->live;
		if (version != (own->live ? own->version : 0))
			fail(world, "a customer has another version than its events");
		if (own->live && own->records == 0)
			fail(world, "a customer lives without records");
		if (!own->live && some_id(&into) && !known(world, &into)->live)
			fail(world, "a customer went into one that is not there");
	}
	return live;
}

void
check_step(World *world)
{
	IdentityStats stats;
	IdentityId ids[RECORDS];
	unsigned live, records = 0, answers = 0;
	char message[200];

	ids_of(world, world->main, ids);
	for (unsigned r = 0; r < RECORDS; r++)
	{
		if (some_id(&ids[r]) != world->present[r])
			fail(world, "a record is where it should not be");
		if (!same_id(&ids[r], &world->consumer[r]))
			fail(world, "the events do not tell the partition");
		records += world->present[r];
		for (unsigned q = 0; q < r && !world->unsettled; q++)
			if (world->present[r] && world->present[q] && same_id(&ids[q], &ids[r]) &&
				world->values[q].company != world->values[r].company)
				fail(world, "a person and a company are one");
	}
	live = check_customers(world);
	for (unsigned s = 0; s < world->nsteps; s++)
		answers += world->in_force[s];
	identity_stats(world->main, &stats);
	if (stats.records != records || stats.customers != live || stats.judgements != answers)
		fail(world, "the counts are wrong");
	check_answers(world, world->main);
	if (world->unsettled == 0 && draw(world, 4) == 0 &&
		!identity_verify(world->main, message, sizeof(message)))
		fail(world, message);
}
