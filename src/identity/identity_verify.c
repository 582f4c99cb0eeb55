/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_verify — recomputes what the engine keeps up to date, for tests.
 *
 * Slow on purpose: it looks at everything and trusts nothing but forms and keys.
 */
#include "identity/identity_state_priv.h"

#include <stdio.h>
#include <string.h>

static bool
wrong(char *message, size_t size, const char *what, uint32_t a, uint32_t b)
{
	snprintf(message, size, "%s (%u, %u)", what, a, b);
	return false;
}

static bool
check_entities(const Identity *identity, char *message, size_t size)
{
	uint64_t records = 0, entities = 0;

	for (uint32_t e = 1; e <= identity_root(identity)->entities.count; e++)
	{
		const EntityRow *entity = identity_entity(identity, e);
		uint32_t n = 0;

		if (entity->state != ENTITY_LIVE)
			continue;
		entities++;
		for (uint32_t at = entity->head; at != 0; at = identity_record(identity, at)->next_member)
		{
			if (identity_record(identity, at)->entity != e)
				return wrong(message, size, "a member points to another customer", e, at);
			if (++n > entity->count)
				return wrong(message, size, "more members than counted", e, entity->count);
		}
		if (n != entity->count || n == 0)
			return wrong(message, size, "members and their count differ", e, n);
		records += n;
	}
	if (records != identity_root(identity)->nrecords)
		return wrong(message, size, "records outside customers", (uint32_t) records,
					 (uint32_t) identity_root(identity)->nrecords);
	if (entities != identity_root(identity)->nentities)
		return wrong(message, size, "customers and their count differ", (uint32_t) entities, 0);
	return true;
}

static bool
check_edges(Identity *identity, uint32_t number, char *message, size_t size)
{
	const RecordRow *record = identity_record(identity, number);
	const EdgeRow *edge = record->edges == 0 ? NULL : store_at(&identity->store, record->edges);

	if (edge == NULL && record->nedges > 0)
		return wrong(message, size, "edges are counted that are not there", number, record->nedges);
	for (unsigned e = 0; e < record->nedges; e++)
	{
		const RecordRow *other = identity_record(identity, edge[e].record);
		const EdgeRow *back = store_at(&identity->store, other->edges);
		unsigned i = 0;
		int32_t bits = identity_pair_bits(identity, number, edge[e].record);

		while (i < other->nedges && back[i].record != number)
			i++;
		if (i == other->nedges || back[i].bits != edge[e].bits || back[i].live != edge[e].live)
			return wrong(message, size, "an edge has no equal way back", number, edge[e].record);
		if ((edge[e].live & ~EDGE_CONFLICT) !=
			identity_index_shared(identity, number, edge[e].record))
			return wrong(message, size, "an edge miscounts its keys", number, edge[e].record);
		if (bits != INT16_MIN && bits != edge[e].bits)
			return wrong(message, size, "an edge's weight is old", number, edge[e].record);
	}
	if (!identity_index_right(identity, number))
		return wrong(message, size, "a generic mark or an edge is not what it must be", number, 0);
	return true;
}

static bool
check_area(Identity *identity, uint32_t number, char *message, size_t size)
{
	const RecordRow *record = identity_record(identity, number);
	AreaRow *area = record->area == 0 ? NULL : store_at(&identity->store, record->area);

	if (!identity_area_right(identity, number))
		return wrong(message, size, "a neighbourhood is not what a search finds", number, 0);
	if (area == NULL)
		return true;
	if (record->area_at >= area->count || area->member[record->area_at] != number)
		return wrong(message, size, "a neighbourhood does not know its member", number, 0);
	for (uint32_t m = 0; m < area->count; m++)
	{
		uint32_t other = area->member[m];

		if (identity_record(identity, other)->area != record->area)
			return wrong(message, size, "a member is in another neighbourhood", number, other);
		if (other != number && identity_area_bits(area)[identity_area_pair(record->area_at, m)] !=
								   (int16_t) identity_pair_beside(identity, number, other))
			return wrong(message, size, "a kept weight is old", number, other);
	}
	return true;
}

bool
identity_verify(Identity *identity, char *message, size_t size)
{
	uint64_t comparisons = identity_root(identity)->comparisons;
	bool right = check_entities(identity, message, size);

	for (uint32_t number = 1; right && number <= identity_root(identity)->records.count; number++)
		if (identity_record(identity, number)->form != 0)
			right = check_edges(identity, number, message, size) &&
					check_area(identity, number, message, size);
	/* looking must leave no trace */
	identity_root(identity)->comparisons = comparisons;
	return right;
}
