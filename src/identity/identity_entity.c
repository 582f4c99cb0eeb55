/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_entity — customers as rows: their ids, where an id is found, and when a row goes.
 *
 * A customer that merged into another keeps its row as long as something may still return to it: a
 * record that bore its id, or another that merged into it.
 */
#include "identity/identity_state_priv.h"

#include <string.h>

#define ENTITIES offsetof(Root, entities)

/* A customer adopted from an earlier state may have been made at this very position: then the
 * next serial number is taken. */
IdentityId
identity_entity_new_id(Identity *identity)
{
	struct
	{
		uint64_t position;
		uint32_t ordinal, serial;
		char deployment[sizeof(identity->deployment)];
	} seed;
	size_t length = strlen(identity->deployment);
	IdentityId id;

	memset(&seed, 0, sizeof(seed));
	seed.position = identity->change->position;
	seed.ordinal = identity->change->ordinal;
	memcpy(seed.deployment, identity->deployment, length);
	for (;; identity->serial++)
	{
		seed.serial = identity->serial;
		identity_text_name(&seed, offsetof(__typeof__(seed), deployment) + length, id.bytes);
		if (identity_entity_find(identity, &id) == 0)
			return id;
	}
}

static uint64_t
id_hash(const IdentityId *id)
{
	return identity_text_hash(id->bytes, sizeof(id->bytes), 13);
}

/* The table keeps 44 bits of a hash.  Ids that share them are a chain, its first in the table. */
static uint32_t
first_id(const Identity *identity, const IdentityId *id)
{
	return identity_table_get(&identity->store, &identity_root(identity)->entities_by_id,
							  id_hash(id));
}

static void
put_first_id(Identity *identity, const IdentityId *id, uint32_t number)
{
	identity_table_put(&identity->store, &identity_root(identity)->entities_by_id, id_hash(id),
					   number);
}

static void
unlink_id(Identity *identity, uint32_t number)
{
	const EntityRow *entity = identity_entity(identity, number);
	uint32_t at = first_id(identity, &entity->id);

	if (at == number)
	{
		put_first_id(identity, &entity->id, entity->next_id);
		return;
	}
	while (identity_entity(identity, at)->next_id != number)
		at = identity_entity(identity, at)->next_id;
	identity_entity_edit(identity, at)->next_id = entity->next_id;
}

uint32_t
identity_entity_make(Identity *identity, const IdentityId *id)
{
	uint32_t number = identity_rows_new(&identity->store, ENTITIES);
	EntityRow *entity = identity_entity_edit(identity, number);

	entity->state = ENTITY_LIVE;
	entity->id = *id;
	entity->position = identity->change->position;
	entity->ordinal = identity->change->ordinal;
	entity->serial = identity->serial++;
	entity->next_id = first_id(identity, id);
	put_first_id(identity, id, number);
	identity_root(identity)->nentities++;
	return number;
}

uint32_t
identity_entity_find(const Identity *identity, const IdentityId *id)
{
	uint32_t number = first_id(identity, id);

	while (number != 0 && memcmp(&identity_entity(identity, number)->id, id, sizeof(*id)) != 0)
		number = identity_entity(identity, number)->next_id;
	return number;
}

uint32_t
identity_entity_adopt(Identity *identity, const IdentityId *id, uint32_t version)
{
	uint32_t number = identity_entity_find(identity, id);

	if (number == 0)
	{
		number = identity_entity_make(identity, id);
		identity_entity_touch(identity, number);
		if (version != 0)
			identity_entity_edit(identity, number)->version = version;
		identity_event(identity, IDENTITY_EVENT_CREATED, number, 0, 0, identity->change->handle);
	}
	return number;
}

void
identity_entity_touch(Identity *identity, uint32_t number)
{
	EntityRow *entity = identity_entity(identity, number);
	uint32_t now = identity_root(identity)->epoch;

	if (entity->touched == now)
		return;
	identity_entity_edit(identity, number);
	identity_touched(identity, number, entity->version);
	entity->touched = now;
	entity->version++;
}

void
identity_entity_release(Identity *identity, uint32_t number)
{
	EntityRow *entity = identity_entity_edit(identity, number);
	uint32_t into;

	if (--entity->referred > 0 || entity->state != ENTITY_MERGED)
		return;
	into = entity->into;
	unlink_id(identity, number);
	identity_list_add(identity, &identity->emptied, number);
	if (into != 0)
		identity_entity_release(identity, into);
}

void
identity_entity_sweep(Identity *identity)
{
	for (size_t i = 0; i < identity->emptied.count; i++)
	{
		uint32_t number = identity->emptied.item[i];

		identity_rows_delete(&identity->store, ENTITIES, number);
	}
	identity->emptied.count = 0;
}
