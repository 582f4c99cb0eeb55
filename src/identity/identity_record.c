/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_record — a record comes, changes, goes, or is adopted and settled later.
 */
#include "identity/identity_state_priv.h"

#include <stdio.h>
#include <string.h>

#define RECORDS		 offsetof(Root, records)
#define VERSION_MOST INT32_MAX /* of an adopted customer: no run of changes makes it go round */

static Ref
copy_form(Identity *identity, const IdentityForm *form)
{
	Ref ref = identity_store_new(&identity->store, form->size);

	memcpy(store_at(&identity->store, ref), form, form->size);
	return ref;
}

/* Equal but for the marks the engine set in its own copy. */
static bool
same_form(const IdentityForm *own, const IdentityForm *other)
{
	/* forms are zeroed before they are filled, padding too */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
	if (memcmp(own, other, sizeof(*own)) != 0)
		return false;
	for (unsigned i = 0; i < own->nvalues; i++)
	{
		FormValue value = own->values[i];

		value.flags &= (uint8_t) ~(VALUE_GENERIC | VALUE_SHARED);
		if (memcmp(&value, &other->values[i], sizeof(value)) != 0)
			return false;
	}
	return memcmp((const char *) own + own->chars, (const char *) other + other->chars,
				  own->nchars) == 0;
}

static uint32_t
new_record(Identity *identity, const IdentityChange *change, uint64_t hash)
{
	Store *store = &identity->store;
	uint32_t number = identity_rows_new(store, RECORDS);
	RecordRow *record = identity_record_edit(identity, number);
	size_t source = strlen(change->ref.source), id = strlen(change->ref.id);
	NameRow *name;

	record->hash = hash;
	record->name = identity_store_new(store, offsetof(NameRow, text) + source + id + 2);
	name = store_at(store, record->name);
	name->size = (uint16_t) (offsetof(NameRow, text) + source + id + 2);
	name->source_length = (uint8_t) source;
	memcpy(name->text, change->ref.source, source);
	memcpy(name->text + source + 1, change->ref.id, id);
	record->next_hash = identity_table_get(store, &identity_root(identity)->records_by_hash, hash);
	identity_table_put(store, &identity_root(identity)->records_by_hash, hash, number);
	identity_root(identity)->nrecords++;
	identity_make_room(identity);
	return number;
}

static IdentityStatus
put_form(Identity *identity, const IdentityChange *change, uint64_t hash, uint32_t number)
{
	Store *store = &identity->store;
	const IdentityForm *form = change->form;
	bool known = number != 0;
	RecordRow *record;

	if (known)
	{
		record = identity_record(identity, number);
		if (record->handle != change->handle)
			identity_record_edit(identity, number)->handle = change->handle;
		if (same_form(identity_form_of(identity, record), form))
			return IDENTITY_SAME_FORM;
		if (record->entity != 0)
			identity_entity_touch(identity, record->entity);
		if (!(record->flags & RECORD_UNSETTLED))
			identity_index_remove(identity, number);
		identity_record_edit(identity, number);
		identity_store_delete(store, record->form, identity_form_of(identity, record)->size);
		record->form = copy_form(identity, form);
		if (record->flags & RECORD_UNSETTLED) /* waits on */
			return IDENTITY_DONE;
		record->flags |= RECORD_STALE;
	}
	else
	{
		number = new_record(identity, change, hash);
		record = identity_record(identity, number);
		record->handle = change->handle;
		record->form = copy_form(identity, form);
	}
	if (change->type == IDENTITY_ADOPT && !known)
	{
		uint32_t entity = identity_entity_adopt(identity, &change->customer, change->version);
		uint32_t version = identity_entity(identity, entity)->version;

		identity_entity_touch(identity, entity);
		if (change->version != 0)
			identity_entity_edit(identity, entity)->version =
				change->version > version ? change->version : version;
		record->entity = entity;
		record->next_member = identity_entity(identity, entity)->head;
		record->flags |= RECORD_UNSETTLED;
		identity_entity_edit(identity, entity)->head = number;
		identity_entity(identity, entity)->count++;
		identity_set_add(store, &identity_root(identity)->unsettled, number);
		identity_event(identity, IDENTITY_EVENT_MOVED, entity, 0, number, change->handle);
		return IDENTITY_DONE;
	}
	identity_index_add(identity, number);
	identity_judge_arrived(identity, number);
	identity_list_add(identity, &identity->dirty, number);
	return IDENTITY_DONE;
}

/* Only a customer that is new or has nothing but adopted records takes another: where records
 * are clustered already, that decides. */
static bool
adoptable(const Identity *identity, const IdentityChange *change)
{
	uint32_t number = identity_entity_find(identity, &change->customer);
	const EntityRow *entity = number == 0 ? NULL : identity_entity(identity, number);

	return entity == NULL || (entity->state == ENTITY_LIVE &&
							  (identity_record(identity, entity->head)->flags & RECORD_UNSETTLED));
}

IdentityStatus
identity_record_put(Identity *identity, const IdentityChange *change, char *message, size_t size)
{
	static const IdentityId none;
	uint64_t hash;
	uint32_t number;

	if (!identity_named(change->ref))
		return IDENTITY_ABSENT;
	hash = identity_ref_hash(change->ref.source, change->ref.id);
	number = identity_find_hash(identity, hash);
	/* 64 bits name a record: of two with one hash the second is refused */
	if (number != 0 && !identity_record_is(identity, number, change->ref))
	{
		IdentityRef has = identity_record_ref(identity, identity_record(identity, number));

		snprintf(message, size, "record %.100s/%.100s has the 64-bit hash of record %.100s/%.100s",
				 change->ref.source, change->ref.id, has.source, has.id);
		return IDENTITY_CONTRADICTION;
	}
	if (change->type == IDENTITY_ADOPT && number == 0 &&
		(memcmp(&change->customer, &none, sizeof(none)) == 0 || change->version > VERSION_MOST))
	{
		snprintf(message, size,
				 "the customer to adopt the record has no id, or an impossible version");
		return IDENTITY_ABSENT;
	}
	if (change->type == IDENTITY_ADOPT && number == 0 && !adoptable(identity, change))
	{
		snprintf(message, size, "the customer to adopt the record has clustered ones already");
		return IDENTITY_STALE;
	}
	return put_form(identity, change, hash, number);
}

IdentityStatus
identity_record_drop(Identity *identity, const IdentityChange *change, bool erase)
{
	Store *store = &identity->store;
	uint32_t number = identity_find(identity, change->ref), *place;
	const NameRow *name;
	RecordRow *record;
	uint64_t hash;

	if (number == 0)
	{
		if (!erase || !identity_named(change->ref))
			return IDENTITY_ABSENT;
		identity_judge_forget(identity, identity_ref_hash(change->ref.source, change->ref.id));
		return IDENTITY_DONE;
	}
	record = identity_record(identity, number);
	hash = record->hash;
	if (record->flags & RECORD_UNSETTLED)
		identity_set_remove(store, &identity_root(identity)->unsettled, number);
	else
		identity_index_remove(identity, number);
	identity_member_remove(identity, number, erase);
	if (erase)
		identity_judge_forget(identity, hash);
	identity_list_add(identity, &identity->dirty, number);
	/* out of the table, the chain of equal hashes kept */
	if (identity_table_get(store, &identity_root(identity)->records_by_hash, hash) == number)
		identity_table_put(store, &identity_root(identity)->records_by_hash, hash,
						   record->next_hash);
	else
	{
		uint32_t at = identity_table_get(store, &identity_root(identity)->records_by_hash, hash);

		for (place = &identity_record_edit(identity, at)->next_hash; *place != number;
			 place = &identity_record_edit(identity, at)->next_hash)
			at = *place;
		*place = record->next_hash;
	}
	identity_record_edit(identity, number);
	record->flags |= RECORD_GONE;
	name = store_at(store, record->name);
	identity_store_delete(store, record->name, name->size);
	identity_list_add(identity, &identity->gone, number);
	identity_root(identity)->nrecords--;
	/* search and clustering still ask for the kind; the values go now */
	identity_store_delete(store, record->form, identity_form_of(identity, record)->size);
	record->form = 0;
	record->name = 0;
	return IDENTITY_DONE;
}

IdentityStatus
identity_record_settle(Identity *identity)
{
	Root *root = identity_root(identity);
	uint32_t count = identity_set_count(&identity->store, root->unsettled);
	uint32_t *list;

	if (count == 0)
		return IDENTITY_DONE;
	identity->affected.count = 0;
	for (uint32_t i = 0; i < count; i++)
		identity_list_add(identity, &identity->affected, 0);
	list = identity->affected.item;
	identity_set_list(&identity->store, root->unsettled, list, count);
	for (uint32_t i = 0; i < count; i++)
	{
		identity_set_remove(&identity->store, &root->unsettled, list[i]);
		identity_record_edit(identity, list[i])->flags &= (uint16_t) ~RECORD_UNSETTLED;
	}
	for (uint32_t i = 0; i < count; i++)
	{
		identity_index_add(identity, list[i]);
		identity_judge_arrived(identity, list[i]);
		identity_list_add(identity, &identity->dirty, list[i]);
	}
	return IDENTITY_DONE;
}
