/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity — takes changes one by one and keeps the state they make.
 *
 * Each change of a batch does the same three things: it mends index and edges, settles
 * the neighbourhoods that touches, and compares memberships before and after.  A
 * batch is only a bracket around changes: its size decides nothing.  Memory that runs
 * out anywhere below leaves by longjmp to identity_prepare, which takes the whole
 * batch back from the journal.
 */
#include "identity/identity_state_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"

#define RECORDS offsetof(Root, records)

static void take_change(Identity *identity, const IdentityChange *change, size_t at);
static IdentityStatus put_record(Identity *identity, const IdentityChange *change, char *message,
								 size_t size);
static IdentityStatus drop_record(Identity *identity, const IdentityChange *change, bool erase);
static IdentityStatus settle_adopted(Identity *identity);
static bool make_batch(Identity *identity, const IdentityChange *changes, size_t nchanges,
					   Err *err);
static void free_batch(Identity *identity);
static void note_visits(Identity *identity);

/* ---- life ---- */

static void
make_root(Identity *identity)
{
	Store *store = &identity->store;
	Root *root = identity_root(identity);
	Table *tables[] = {&root->keys, &root->records_by_hash, &root->entities_by_id,
					   &root->judges_by_handle, &root->judged_by_record};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		tables[i]->top = identity_store_new(store, TABLE_TOP * sizeof(Ref));
	identity_rows_init(store, offsetof(Root, records), sizeof(RecordRow));
	identity_rows_init(store, offsetof(Root, entities), sizeof(EntityRow));
	identity_rows_init(store, offsetof(Root, judges), sizeof(JudgeRow));
	root->key = identity_text_hash(identity->deployment, strlen(identity->deployment), 15);
}

Identity *
identity_open(const IdentityModel *model, const char *deployment, const IdentityMemory *memory,
			  bool with_root, Err *err)
{
	Identity *identity = alloc_zero(sizeof(*identity));
	jmp_buf out;

	if (identity == NULL)
		goto fail;
	identity->model = model;
	snprintf(identity->deployment, sizeof(identity->deployment), "%s", deployment);
	pthread_rwlock_init(&identity->lock, NULL);
	pthread_mutex_init(&identity->gate, NULL);
	identity_delta_init(&identity->delta);
	if (!identity_store_open(&identity->store, memory, sizeof(Root)))
		goto fail;
	identity->store.out = &out;
	if (with_root)
	{
		if (setjmp(out) != 0)
			goto fail;
		make_root(identity);
	}
	return identity;

fail:
	identity_free(identity);
	err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening the identity state");
	return NULL;
}

Identity *
identity_new(const IdentityModel *model, const char *deployment, const IdentityMemory *memory,
			 Err *err)
{
	return identity_open(model, deployment, memory, true, err);
}

void
identity_free(Identity *identity)
{
	List *lists[11];

	if (identity == NULL)
		return;
	lists[0] = &identity->dirty;
	lists[1] = &identity->relink;
	lists[2] = &identity->wave;
	lists[3] = &identity->seen;
	lists[4] = &identity->affected;
	lists[5] = &identity->fresh;
	lists[6] = &identity->emptied;
	lists[7] = &identity->watched;
	lists[8] = &identity->touched;
	lists[9] = &identity->gone;
	lists[10] = &identity->judges;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		identity_store_give(&identity->store, lists[i]->item, lists[i]->room * sizeof(uint32_t));
	identity_store_give(&identity->store, identity->stamp, identity->stamp_room * 4);
	identity_store_give(&identity->store, identity->slot, identity->stamp_room * 4);
	identity_store_give(&identity->store, identity->live, identity->stamp_room * 2);
	identity_store_give(&identity->store, identity->work, identity->work_room);
	identity_store_close(&identity->store);
	identity_delta_release(&identity->delta);
	pthread_rwlock_destroy(&identity->lock);
	pthread_mutex_destroy(&identity->gate);
	alloc_free(identity);
}

/* ---- helpers of the other files ---- */

static void *
scratch(Identity *identity, size_t size)
{
	void *pointer = identity_store_take(&identity->store, size);

	if (pointer == NULL)
		longjmp(*identity->store.out, 1);
	return pointer;
}

void
identity_list_add(Identity *identity, List *list, uint32_t item)
{
	if (list->count == list->room)
	{
		size_t room = list->room ? list->room * 2 : 256;
		uint32_t *more = scratch(identity, room * sizeof(*more));

		if (list->count > 0)
			memcpy(more, list->item, list->count * sizeof(*more));
		identity_store_give(&identity->store, list->item, list->room * sizeof(*more));
		list->item = more;
		list->room = room;
	}
	list->item[list->count++] = item;
}

void *
identity_work(Identity *identity, size_t size)
{
	if (identity->work_room < size)
	{
		void *more = scratch(identity, size * 2);

		identity_store_give(&identity->store, identity->work, identity->work_room);
		identity->work = more;
		identity->work_room = size * 2;
	}
	return identity->work;
}

/* Makes stamp, slot and live as long as there are record numbers. */
static void
make_room(Identity *identity)
{
	size_t need = identity_root(identity)->records.count + 2u;
	size_t room = identity->stamp_room ? identity->stamp_room * 2 : 1024;
	uint32_t *stamp, *slot;
	uint16_t *live;

	if (need <= identity->stamp_room)
		return;
	while (room < need)
		room *= 2;
	identity_store_give(&identity->store, identity->stamp, identity->stamp_room * 4);
	identity_store_give(&identity->store, identity->slot, identity->stamp_room * 4);
	identity_store_give(&identity->store, identity->live, identity->stamp_room * 2);
	identity->stamp = identity->slot = NULL;
	identity->live = NULL;
	identity->stamp_room = 0;
	stamp = identity_store_take(&identity->store, room * 4);
	slot = identity_store_take(&identity->store, room * 4);
	live = identity_store_take(&identity->store, room * 2);
	if (stamp == NULL || slot == NULL || live == NULL)
	{
		identity_store_give(&identity->store, stamp, room * 4);
		identity_store_give(&identity->store, slot, room * 4);
		identity_store_give(&identity->store, live, room * 2);
		longjmp(*identity->store.out, 1);
	}
	memset(stamp, 0, room * 4);
	identity->stamp = stamp;
	identity->slot = slot;
	identity->live = live;
	identity->stamp_room = room;
	identity->stamp_now = 0;
}

uint32_t
identity_stamp(Identity *identity)
{
	make_room(identity);
	if (++identity->stamp_now == 0)
	{
		memset(identity->stamp, 0, identity->stamp_room * 4);
		identity->stamp_now = 1;
	}
	return identity->stamp_now;
}

static void *
row_edit(Identity *identity, const Rows *rows, uint32_t number)
{
	const Ref *top = store_at(&identity->store, rows->top);

	return identity_store_edit(&identity->store, top[number / ROWS_PAGE],
							   (size_t) (number % ROWS_PAGE) * rows->size, rows->size);
}

RecordRow *
identity_record_edit(Identity *identity, uint32_t number)
{
	return row_edit(identity, &identity_root(identity)->records, number);
}

EntityRow *
identity_entity_edit(Identity *identity, uint32_t number)
{
	return row_edit(identity, &identity_root(identity)->entities, number);
}

JudgeRow *
identity_judge_edit(Identity *identity, uint32_t number)
{
	return row_edit(identity, &identity_root(identity)->judges, number);
}

uint64_t
identity_ref_hash(const char *source, const char *id)
{
	/* not keyed by the deployment: equal weights are parted by the order of these, and a name that
	 * enters customer ids alone must not decide who is whose customer */
	uint64_t hash =
		identity_text_hash(id, strlen(id), identity_text_hash(source, strlen(source), 15));

	return hash == 0 ? 1 : hash;
}

uint32_t
identity_find_hash(const Identity *identity, uint64_t hash)
{
	uint32_t number =
		identity_table_get(&identity->store, &identity_root(identity)->records_by_hash, hash);

	while (number != 0 && identity_record(identity, number)->hash != hash)
		number = identity_record(identity, number)->next_hash;
	return number;
}

IdentityRef
identity_record_ref(const Identity *identity, const RecordRow *record)
{
	const NameRow *name = store_at(&identity->store, record->name);

	return (IdentityRef){name->text, name->text + name->source_length + 1};
}

static bool
is_named(const Identity *identity, uint32_t number, IdentityRef ref)
{
	IdentityRef has = identity_record_ref(identity, identity_record(identity, number));

	return strcmp(has.source, ref.source) == 0 && strcmp(has.id, ref.id) == 0;
}

uint32_t
identity_find(const Identity *identity, IdentityRef ref)
{
	uint32_t number;

	if (ref.source == NULL || ref.id == NULL)
		return 0;
	number = identity_find_hash(identity, identity_ref_hash(ref.source, ref.id));
	return number != 0 && is_named(identity, number, ref) ? number : 0;
}

void
identity_touched(Identity *identity, uint32_t entity, uint32_t before)
{
	identity_list_add(identity, &identity->touched, entity);
	identity_list_add(identity, &identity->touched, before);
}

/* ---- batches ---- */

static void
clear_scratch(Identity *identity)
{
	identity->dirty.count = identity->relink.count = identity->wave.count = 0;
	identity->seen.count = identity->affected.count = identity->fresh.count = 0;
	identity->emptied.count = identity->watched.count = identity->touched.count = 0;
	identity->gone.count = 0;
}

static bool
lists_given(const IdentityRef *refs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (refs == NULL || refs[i].source == NULL || refs[i].id == NULL)
			return false;
	return true;
}

/* Is each change one that can be stored, be it taken or not? */
static bool
takeable(const IdentityChange *changes, size_t nchanges, Err *err)
{
	for (size_t i = 0; i < nchanges; i++)
	{
		const IdentityJudgement *j = &changes[i].judgement;

		if (changes[i].type < IDENTITY_UPSERT || changes[i].type > IDENTITY_SETTLE ||
			changes[i].kind >= IDENTITY_KINDS)
			return err_set(err, ERR_CLASS_USAGE, ERR_INTERNAL,
						   "change %zu of the batch is of type %d and kind %d: there is none such",
						   i, (int) changes[i].type, (int) changes[i].kind);
		if (changes[i].type == IDENTITY_JUDGE &&
			(!lists_given(j->seen_a, j->nseen_a) || !lists_given(j->seen_b, j->nseen_b)))
			return err_set(err, ERR_CLASS_USAGE, ERR_INTERNAL,
						   "change %zu of the batch lists a record that has no name", i);
	}
	return true;
}

bool
identity_prepare(Identity *identity, const IdentityChange *changes, size_t nchanges,
				 const IdentityDelta **delta, Err *err)
{
	jmp_buf out;
	int why;

	if (identity->prepared)
		return err_set(err, ERR_CLASS_USAGE, ERR_INTERNAL,
					   "a batch is already prepared; commit or abort it first");
	if (!takeable(changes, nchanges, err) || !make_batch(identity, changes, nchanges, err))
		return false;
	identity_query_own(identity);
	clear_scratch(identity);
	identity_position(identity, &identity->position_before, &identity->ordinal_before);
	identity->store.out = &out;
	why = setjmp(out);
	if (why == 0)
	{
		identity_store_begin(&identity->store, sizeof(Root));
		for (size_t i = 0; i < nchanges; i++)
			take_change(identity, &identity->batch[i], i);
		identity_delta_finish(identity, identity->batch, nchanges);
		free_batch(identity);
		identity->prepared = true;
		if (delta != NULL)
			*delta = &identity->delta;
		return true;
	}
	identity_store_abort(&identity->store);
	free_batch(identity);
	identity_delta_clear(&identity->delta);
	clear_scratch(identity);
	identity_query_disown(identity);
	if (why == 2)
		return err_set(err, ERR_CLASS_REJECT, ERR_DATA,
					   "the batch ties more records together than a neighbourhood can hold");
	if (identity->store.over_ceiling)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "the identity state needs more than its ceiling of %zu bytes",
					   identity->store.memory.ceiling);
	return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory taking a batch of changes");
}

void
identity_commit(Identity *identity)
{
	if (!identity->prepared)
		return;
	identity_store_commit(&identity->store);
	identity_delta_clear(&identity->delta);
	identity->prepared = false;
	identity_query_disown(identity);
}

void
identity_abort(Identity *identity)
{
	if (!identity->prepared)
		return;
	identity_store_abort(&identity->store);
	identity_delta_clear(&identity->delta);
	identity->prepared = false;
	identity_query_disown(identity);
}

static void
take_change(Identity *identity, const IdentityChange *change, size_t at)
{
	Root *root = identity_root(identity);
	char message[500] = "";
	IdentityStatus status = IDENTITY_ABSENT;

	if (change->position < root->position ||
		(change->position == root->position && change->ordinal <= root->ordinal))
	{
		identity_delta_status_add(identity, at, IDENTITY_REPLAYED, NULL);
		return;
	}
	identity->change = change;
	identity->serial = 0;
	identity->judged[0] = identity->judged[1] = 0;
	identity->visits = 0;
	root->position = change->position;
	root->ordinal = change->ordinal;
	root->nchanges++;
	root->epoch++;
	switch (change->type)
	{
		case IDENTITY_UPSERT:
		case IDENTITY_ADOPT:
			status = put_record(identity, change, message, sizeof(message));
			break;
		case IDENTITY_DELETE:
		case IDENTITY_ERASE:
			status = drop_record(identity, change, change->type == IDENTITY_ERASE);
			break;
		case IDENTITY_JUDGE:
			status = identity_judge_take(identity, change, message, sizeof(message));
			break;
		case IDENTITY_UNDO:
			status = identity_judge_undo(identity, change->judgement.handle);
			break;
		case IDENTITY_SETTLE:
			status = settle_adopted(identity);
			break;
	}
	if (identity->dirty.count > 0)
		identity_area_settle(identity);
	identity_judge_look(identity);
	for (size_t i = 0; i < identity->gone.count; i++)
		identity_rows_delete(&identity->store, RECORDS, identity->gone.item[i]);
	identity->gone.count = 0;
	identity_delta_touched(identity);
	identity_member_sweep(identity);
	note_visits(identity);
	identity_delta_status_add(identity, at, status, message);
}

static void
note_visits(Identity *identity)
{
	Root *root = identity_root(identity);
	unsigned octave, bucket = (unsigned) identity->visits;

	if (identity->visits >= 8)
	{
		octave = 63 - (unsigned) __builtin_clzll(identity->visits);
		bucket = (octave - 2) * 8 + (unsigned) (identity->visits >> (octave - 3) & 7);
	}
	root->visits[bucket < VISIT_BUCKETS ? bucket : VISIT_BUCKETS - 1]++;
	if (identity->visits > root->visits_max)
		root->visits_max = identity->visits;
}

/* ---- records ---- */

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
	make_room(identity);
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
		if (change->type == IDENTITY_UPSERT && same_form(identity_form_of(identity, record), form))
			return IDENTITY_SAME_FORM;
		if (record->entity != 0)
			identity_member_touch(identity, record->entity);
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
		uint32_t entity = identity_member_adopt(identity, &change->customer, change->version);

		identity_member_touch(identity, entity);
		if (change->version != 0)
			identity_entity_edit(identity, entity)->version = change->version;
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

bool
identity_named(IdentityRef ref)
{
	return ref.source != NULL && ref.id != NULL && ref.source[0] != 0 && ref.id[0] != 0 &&
		   strlen(ref.source) <= 200 && strlen(ref.id) <= 2000;
}

/* Only a customer that is new or has nothing but adopted records takes another: where records
 * are clustered already, that decides. */
static bool
adoptable(const Identity *identity, const IdentityChange *change)
{
	static const IdentityId none;
	uint32_t number = identity_find_entity(identity, &change->customer);
	const EntityRow *entity = number == 0 ? NULL : identity_entity(identity, number);

	if (memcmp(&change->customer, &none, sizeof(none)) == 0)
		return false;
	return entity == NULL || (entity->state == ENTITY_LIVE &&
							  (identity_record(identity, entity->head)->flags & RECORD_UNSETTLED));
}

static IdentityStatus
put_record(Identity *identity, const IdentityChange *change, char *message, size_t size)
{
	uint64_t hash;
	uint32_t number;

	if (!identity_named(change->ref))
		return IDENTITY_ABSENT;
	hash = identity_ref_hash(change->ref.source, change->ref.id);
	number = identity_find_hash(identity, hash);
	/* 64 bits name a record: of two with one hash the second is refused */
	if (number != 0 && !is_named(identity, number, change->ref))
	{
		IdentityRef has = identity_record_ref(identity, identity_record(identity, number));

		snprintf(message, size, "record %.100s/%.100s has the 64-bit hash of record %.100s/%.100s",
				 change->ref.source, change->ref.id, has.source, has.id);
		return IDENTITY_CONTRADICTION;
	}
	if (change->type == IDENTITY_ADOPT && number == 0 && !adoptable(identity, change))
	{
		snprintf(message, size, "the customer to adopt the record has clustered ones already");
		return IDENTITY_STALE;
	}
	return put_form(identity, change, hash, number);
}

static void
free_batch(Identity *identity)
{
	for (size_t i = 0; identity->own != NULL && i < identity->nbatch; i++)
		identity_form_free(identity->own[i]);
	alloc_free(identity->own);
	alloc_free(identity->batch);
	identity->own = NULL;
	identity->batch = NULL;
	identity->nbatch = 0;
}

/* A copy of the changes in which every record has its form. */
static bool
make_batch(Identity *identity, const IdentityChange *changes, size_t nchanges, Err *err)
{
	identity->batch = alloc_bytes((nchanges + 1) * sizeof(IdentityChange));
	identity->own = alloc_zero((nchanges + 1) * sizeof(IdentityForm *));
	identity->nbatch = nchanges;
	if (identity->batch == NULL || identity->own == NULL)
		goto fail;
	for (size_t i = 0; i < nchanges; i++)
	{
		IdentityChange *change = &identity->batch[i];

		*change = changes[i];
		if ((change->type != IDENTITY_UPSERT && change->type != IDENTITY_ADOPT) ||
			change->form != NULL || !identity_named(change->ref))
			continue;
		identity->own[i] =
			identity_form(identity->model, change->kind, change->fields, change->nfields, NULL);
		if (identity->own[i] == NULL)
			goto fail;
		change->form = identity->own[i];
	}
	return true;

fail:
	free_batch(identity);
	return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory taking a batch of changes");
}

static IdentityStatus
drop_record(Identity *identity, const IdentityChange *change, bool erase)
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

static IdentityStatus
settle_adopted(Identity *identity)
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
