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

static void take_change(Identity *identity, const IdentityChange *change);
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
	Identity *identity;
	jmp_buf out;

	if (strlen(deployment) >= sizeof(identity->deployment))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "the deployment's name has %zu bytes, more than %zu", strlen(deployment),
					   sizeof(identity->deployment) - 1);
		return NULL;
	}
	identity = alloc_zero(sizeof(*identity));
	if (identity == NULL)
		goto fail;
	identity->model = model;
	memcpy(identity->deployment, deployment, strlen(deployment));
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

void
identity_make_room(Identity *identity)
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
	identity_make_room(identity);
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

bool
identity_named(IdentityRef ref)
{
	return ref.source != NULL && ref.id != NULL && ref.source[0] != 0 && ref.id[0] != 0 &&
		   strlen(ref.source) <= 200 && strlen(ref.id) <= 2000;
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

bool
identity_record_is(const Identity *identity, uint32_t number, IdentityRef ref)
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
	return number != 0 && identity_record_is(identity, number, ref) ? number : 0;
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
			take_change(identity, &identity->batch[i]);
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
take_change(Identity *identity, const IdentityChange *change)
{
	Root *root = identity_root(identity);
	char message[500] = "";
	IdentityStatus status = IDENTITY_ABSENT;

	if (change->position < root->position ||
		(change->position == root->position && change->ordinal <= root->ordinal))
	{
		identity_delta_status_add(identity, IDENTITY_REPLAYED, NULL);
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
			status = identity_record_put(identity, change, message, sizeof(message));
			break;
		case IDENTITY_DELETE:
		case IDENTITY_ERASE:
			status = identity_record_drop(identity, change, change->type == IDENTITY_ERASE);
			break;
		case IDENTITY_JUDGE:
			status = identity_judge_take(identity, change, message, sizeof(message));
			break;
		case IDENTITY_UNDO:
			status = identity_judge_undo(identity, change->judgement.handle);
			break;
		case IDENTITY_SETTLE:
			status = identity_record_settle(identity);
			break;
	}
	if (identity->dirty.count > 0)
		identity_area_settle(identity);
	identity_judge_look(identity);
	for (size_t i = 0; i < identity->gone.count; i++)
		identity_rows_delete(&identity->store, offsetof(Root, records), identity->gone.item[i]);
	identity->gone.count = 0;
	identity_delta_touched(identity);
	identity_entity_sweep(identity);
	note_visits(identity);
	identity_delta_status_add(identity, status, message);
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
