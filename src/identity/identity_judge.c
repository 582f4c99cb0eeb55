/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_judge — a steward's answers: kept, found by record, checked against each other.
 *
 * Answers name records by the hash of (source, id), so they outlive the records.  They
 * are input of the clustering and nothing else: undoing one takes it away, and the
 * partition is what it would have been without it.
 */
#include "identity/identity_state_priv.h"

#include <stdio.h>
#include <string.h>

#define JUDGES	  offsetof(Root, judges)
#define TEXT_MOST 500	/* bytes of a user or a reason */
#define SEEN_MOST 30000 /* records listed, of both sides */

_Static_assert(sizeof(JudgeBody) + (2 + SEEN_MOST) * sizeof(uint64_t) + 8192 <= STORE_LARGEST,
			   "the largest answer, with its names and texts, has a place");

const char *
identity_verdict_name(IdentityVerdict verdict)
{
	static const char *const names[] = {NULL, "same", "different", "unsure", "split"};

	return (size_t) verdict < sizeof(names) / sizeof(names[0]) ? names[verdict] : NULL;
}

bool
identity_verdict_parse(const char *text, size_t length, IdentityVerdict *verdict)
{
	const char *name;

	for (*verdict = IDENTITY_SAME; (name = identity_verdict_name(*verdict)) != NULL; ++*verdict)
		if (strlen(name) == length && memcmp(name, text, length) == 0)
			return true;
	return false;
}

uint32_t
identity_judges_of_hash(const Identity *identity, uint64_t hash, uint32_t *out, uint32_t max)
{
	Ref set =
		identity_table_get(&identity->store, &identity_root(identity)->judged_by_record, hash);

	return identity_set_list(&identity->store, set, out, max);
}

uint32_t
identity_judges(const Identity *identity, const RecordRow *record, uint32_t *out, uint32_t max)
{
	return record->judged == 0 ? 0 : identity_judges_of_hash(identity, record->hash, out, max);
}

/* The table keeps 44 bits of a hash.  Handles that share them are a chain, its first in the
 * table. */
static uint32_t
first_handle(const Identity *identity, uint64_t handle)
{
	return identity_table_get(&identity->store, &identity_root(identity)->judges_by_handle,
							  identity_text_mix(handle, 14));
}

static void
put_first_handle(Identity *identity, uint64_t handle, uint32_t number)
{
	identity_table_put(&identity->store, &identity_root(identity)->judges_by_handle,
					   identity_text_mix(handle, 14), number);
}

static void
unlink_handle(Identity *identity, uint32_t number)
{
	const JudgeRow *judge = identity_judge(identity, number);
	uint32_t at = first_handle(identity, judge->handle);

	if (at == number)
	{
		put_first_handle(identity, judge->handle, judge->next_handle);
		return;
	}
	while (identity_judge(identity, at)->next_handle != number)
		at = identity_judge(identity, at)->next_handle;
	identity_judge_edit(identity, at)->next_handle = judge->next_handle;
}

uint32_t
identity_judge_find(const Identity *identity, uint64_t handle)
{
	uint32_t number = first_handle(identity, handle);

	while (number != 0 && identity_judge(identity, number)->handle != handle)
		number = identity_judge(identity, number)->next_handle;
	return number;
}

const char *
identity_judge_text(const JudgeBody *body, unsigned n)
{
	const char *text = (const char *) &body->hash[identity_judge_named(body)];

	while (n-- > 0)
		text += strlen(text) + 1;
	return text;
}

static const IdentityRef *
side_b(const IdentityJudgement *j)
{
	return j->verdict == IDENTITY_SPLIT && j->nseen_b > 0 ? &j->seen_b[0] : &j->b;
}

/* Is there room for one more with each record that it names?  Else says with which there is none. */
static bool
has_room(const Identity *identity, const IdentityJudgement *j, char *message, size_t size)
{
	for (size_t i = 0; i < 2 + j->nseen_a + j->nseen_b; i++)
	{
		const IdentityRef *ref = i == 0				  ? &j->a
								 : i == 1			  ? side_b(j)
								 : i < 2 + j->nseen_a ? &j->seen_a[i - 2]
													  : &j->seen_b[i - 2 - j->nseen_a];
		Ref set = identity_table_get(&identity->store, &identity_root(identity)->judged_by_record,
									 identity_ref_hash(ref->source, ref->id));

		if (identity_set_count(&identity->store, set) < JUDGES_MOST)
			continue;
		snprintf(message, size,
				 "judgement %llu names record %s/%s, which %d judgements name already; undo some "
				 "of them first",
				 (unsigned long long) j->handle, ref->source, ref->id, JUDGES_MOST);
		return false;
	}
	return true;
}

/* ---- taking and undoing ---- */

static void
mark_named(Identity *identity, uint32_t number, bool present)
{
	const JudgeBody *body = identity_judge_body(identity, identity_judge(identity, number));

	for (uint32_t i = 0; i < identity_judge_named(body); i++)
	{
		uint32_t record = identity_find_hash(identity, body->hash[i]);

		if (record == 0)
			continue;
		if (present && identity_record(identity, record)->judged == 0)
			identity_record_edit(identity, record)->judged = 1;
		identity_list_add(identity, &identity->dirty, record);
	}
}

static bool
first_mention(const JudgeBody *body, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (body->hash[i] == body->hash[at])
			return false;
	return true;
}

static void
enter(Identity *identity, uint32_t number, bool in)
{
	const JudgeBody *body = identity_judge_body(identity, identity_judge(identity, number));
	const Table *table = &identity_root(identity)->judged_by_record;

	for (uint32_t i = 0; i < identity_judge_named(body); i++)
	{
		Ref before = identity_table_get(&identity->store, table, body->hash[i]), set = before;

		if (body->hash[i] == 0 || !first_mention(body, i))
			continue;
		if (in)
			identity_set_add(&identity->store, &set, number);
		else
			identity_set_remove(&identity->store, &set, number);
		if (set != before)
			identity_table_put(&identity->store, table, body->hash[i], set);
	}
}

static Ref
make_body(Identity *identity, const IdentityJudgement *j)
{
	const IdentityRef *b = side_b(j);
	/* as identity_judge_text() numbers them */
	const char *texts[6] = {j->a.source, j->a.id, b->source, b->id, j->user, j->reason};
	size_t size = sizeof(JudgeBody) + (2 + j->nseen_a + j->nseen_b) * sizeof(uint64_t);
	size_t length[6];
	JudgeBody *body;
	Ref ref;
	char *at;

	for (unsigned i = 0; i < 6; i++)
	{
		/* names whole, a user and a reason as far as a person reads */
		length[i] = texts[i] == NULL ? 0
					: i < 4			 ? strlen(texts[i])
									 : identity_text_cut(texts[i], TEXT_MOST);
		size += length[i] + 1;
	}
	ref = identity_store_new(&identity->store, size);
	body = store_at(&identity->store, ref);
	body->size = (uint32_t) size;
	body->nseen_a = (uint32_t) j->nseen_a;
	body->nseen_b = (uint32_t) j->nseen_b;
	body->hash[0] = identity_ref_hash(j->a.source, j->a.id);
	body->hash[1] = identity_ref_hash(b->source, b->id);
	for (size_t i = 0; i < j->nseen_a; i++)
		body->hash[2 + i] = identity_ref_hash(j->seen_a[i].source, j->seen_a[i].id);
	for (size_t i = 0; i < j->nseen_b; i++)
		body->hash[2 + j->nseen_a + i] = identity_ref_hash(j->seen_b[i].source, j->seen_b[i].id);
	at = (char *) &body->hash[identity_judge_named(body)];
	for (unsigned i = 0; i < 6; i++)
	{
		if (length[i] > 0)
			memcpy(at, texts[i], length[i]);
		at += length[i] + 1;
	}
	return ref;
}

/* Of the customer a record is in; both 0 when it is not there. */
static uint32_t
version_of(const Identity *identity, uint32_t record)
{
	return record == 0
			   ? 0
			   : identity_entity(identity, identity_record(identity, record)->entity)->version;
}

static bool
stale(const Identity *identity, uint32_t record, uint32_t version)
{
	return version != 0 && version_of(identity, record) != version;
}

static unsigned
kind_of(const Identity *identity, uint32_t record)
{
	return identity_form_of(identity, identity_record(identity, record))->kind;
}

static bool
all_named(const IdentityRef *refs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!identity_named(refs[i]))
			return false;
	return true;
}

static bool
well_formed(const IdentityJudgement *j)
{
	const IdentityRef *b = side_b(j);

	/* a record is no stranger to itself */
	for (size_t i = 0; j->verdict == IDENTITY_SPLIT && i < j->nseen_b; i++)
		if (identity_named(j->seen_b[i]) && identity_named(j->a) &&
			strcmp(j->seen_b[i].source, j->a.source) == 0 && strcmp(j->seen_b[i].id, j->a.id) == 0)
			return false;
	return identity_named(j->a) && identity_named(*b) && all_named(j->seen_a, j->nseen_a) &&
		   all_named(j->seen_b, j->nseen_b) && j->handle != 0 && j->verdict >= IDENTITY_SAME &&
		   j->verdict <= IDENTITY_SPLIT && (j->verdict != IDENTITY_SPLIT || j->nseen_b > 0);
}

/* Whether the answer can be taken; a, b: the records, 0 when away; x, y: their hashes. */
static IdentityStatus
judgeable(const Identity *identity, const IdentityJudgement *j, uint32_t a, uint32_t b, uint64_t x,
		  uint64_t y, char *message, size_t size)
{
	if (((a == 0 || b == 0) && !j->carried) || x == y)
		return IDENTITY_ABSENT;
	if (identity_judge_find(identity, j->handle) != 0)
		return IDENTITY_REPLAYED;
	if (!j->carried && (stale(identity, a, j->version_a) ||
						(j->verdict != IDENTITY_SPLIT && stale(identity, b, j->version_b))))
		return IDENTITY_STALE;
	if (j->verdict == IDENTITY_SAME && !j->carried && kind_of(identity, a) != kind_of(identity, b))
	{
		snprintf(message, size, "judgement %llu calls a person and a company the same",
				 (unsigned long long) j->handle);
		return IDENTITY_ABSENT;
	}
	if (j->nseen_a + j->nseen_b > SEEN_MOST)
	{
		snprintf(message, size, "judgement %llu lists more than %d records",
				 (unsigned long long) j->handle, SEEN_MOST);
		return IDENTITY_CONTRADICTION;
	}
	if (!has_room(identity, j, message, size))
		return IDENTITY_CONTRADICTION;
	return identity_judge_check(identity, j, x, y, message, size);
}

static uint32_t
entity_of(const Identity *identity, uint32_t record)
{
	return record == 0 ? 0 : identity_record(identity, record)->entity;
}

IdentityStatus
identity_judge_take(Identity *identity, const IdentityChange *change, char *message, size_t size)
{
	const IdentityJudgement *j = &change->judgement;
	uint32_t a, b, number;
	uint64_t x, y;
	IdentityStatus status;
	JudgeRow *judge;

	if (!well_formed(j))
		return IDENTITY_ABSENT;
	x = identity_ref_hash(j->a.source, j->a.id);
	y = identity_ref_hash(side_b(j)->source, side_b(j)->id);
	a = identity_find_hash(identity, x);
	b = identity_find_hash(identity, y);
	status = judgeable(identity, j, a, b, x, y, message, size);
	if (status != IDENTITY_DONE)
		return status;
	number = identity_rows_new(&identity->store, JUDGES);
	judge = identity_judge_edit(identity, number);
	judge->verdict = j->verdict;
	judge->handle = j->handle;
	judge->time = change->time;
	judge->position = change->position;
	judge->ordinal = change->ordinal;
	/* a carried answer is as old as it was */
	judge->version_a = j->carried && j->version_a != 0 ? j->version_a : version_of(identity, a);
	judge->version_b = j->carried && j->version_b != 0 ? j->version_b : version_of(identity, b);
	judge->body = make_body(identity, j);
	judge->next_handle = first_handle(identity, j->handle);
	put_first_handle(identity, j->handle, number);
	enter(identity, number, true);
	mark_named(identity, number, true);
	identity_root(identity)->njudges++;
	identity->judged[0] = entity_of(identity, a);
	identity->judged[1] = entity_of(identity, b);
	identity->judged_event = identity->delta.events.length / sizeof(IdentityEvent);
	identity_event(identity, IDENTITY_EVENT_JUDGED, identity->judged[0], identity->judged[1], 0,
				   j->handle);
	return IDENTITY_DONE;
}

static void
drop(Identity *identity, uint32_t number)
{
	JudgeRow *judge = identity_judge(identity, number);
	JudgeBody *body = identity_judge_body(identity, judge);

	mark_named(identity, number, false);
	enter(identity, number, false);
	unlink_handle(identity, number);
	identity_event(identity, IDENTITY_EVENT_UNDONE, 0, 0, 0, judge->handle);
	identity_store_delete(&identity->store, judge->body, body->size);
	identity_rows_delete(&identity->store, JUDGES, number);
	identity_root(identity)->njudges--;
}

IdentityStatus
identity_judge_undo(Identity *identity, uint64_t handle)
{
	uint32_t number = identity_judge_find(identity, handle);

	if (number == 0)
		return IDENTITY_ABSENT;
	drop(identity, number);
	return IDENTITY_DONE;
}

void
identity_judge_arrived(Identity *identity, uint32_t number)
{
	RecordRow *record = identity_record(identity, number);
	uint32_t judges[JUDGES_MOST], n;

	if (identity_root(identity)->njudges == 0)
		return;
	n = identity_judges_of_hash(identity, record->hash, judges, JUDGES_MOST);
	if (n == 0)
		return;
	identity_record_edit(identity, number)->judged = 1;
	for (uint32_t i = 0; i < n; i++)
		mark_named(identity, judges[i], true);
	/* what was to be asked again for its absence is so no more */
	identity_judge_watch(identity, number);
}

static bool
listed(const JudgeBody *body, uint32_t from, uint32_t to, uint64_t hash)
{
	while (from < to && body->hash[from] != hash)
		from++;
	return from < to;
}

/* The answer holds on, without a record that it names beside its anchors. */
static void
forget_seen(Identity *identity, uint32_t number, uint64_t hash)
{
	JudgeRow *judge = identity_judge(identity, number);
	JudgeBody *body = identity_judge_body(identity, judge);
	const Table *table = &identity_root(identity)->judged_by_record;
	Ref before = identity_table_get(&identity->store, table, hash), set = before;

	mark_named(identity, number, false);
	identity_store_edit(&identity->store, judge->body, 0, body->size);
	for (uint32_t k = 2; k < identity_judge_named(body); k++)
		if (body->hash[k] == hash)
			body->hash[k] = 0; /* no record has this hash */
	identity_set_remove(&identity->store, &set, number);
	if (set != before)
		identity_table_put(&identity->store, table, hash, set);
}

void
identity_judge_forget(Identity *identity, uint64_t hash)
{
	uint32_t judges[JUDGES_MOST], n;

	n = identity_judges_of_hash(identity, hash, judges, JUDGES_MOST);
	for (uint32_t i = 0; i < n; i++)
	{
		const JudgeBody *body = identity_judge_body(identity, identity_judge(identity, judges[i]));

		if (body->hash[0] == hash || body->hash[1] == hash)
			drop(identity, judges[i]);
		else if (listed(body, 2, identity_judge_named(body),
						hash)) /* or another record whose hash has the same bits */
			forget_seen(identity, judges[i], hash);
	}
}

/* ---- asking again ---- */

void
identity_judge_watch(Identity *identity, uint32_t number)
{
	if (identity_record(identity, number)->judged != 0)
		identity_list_add(identity, &identity->watched, number);
}

/* Does the anchor still share a customer with a member seen beside it? */
static bool
left_alone(const Identity *identity, const JudgeBody *body, unsigned side)
{
	uint32_t anchor = identity_find_hash(identity, body->hash[side]), seen = 0, with = 0;
	uint32_t from = side == 0 ? 2 : 2 + body->nseen_a;
	uint32_t to = side == 0 ? 2 + body->nseen_a : identity_judge_named(body);

	for (uint32_t i = from; i < to; i++)
	{
		uint32_t other = identity_find_hash(identity, body->hash[i]);

		if (other == 0 || other == anchor)
			continue;
		seen++;
		with += anchor != 0 && identity_record(identity, anchor)->entity ==
								   identity_record(identity, other)->entity;
	}
	return seen > 0 && with == 0;
}

void
identity_judge_look(Identity *identity)
{
	for (size_t i = 0; i < identity->watched.count; i++)
	{
		const RecordRow *record = identity_record(identity, identity->watched.item[i]);
		uint32_t judges[JUDGES_MOST], n = identity_judges(identity, record, judges, JUDGES_MOST);

		for (uint32_t k = 0; k < n; k++)
		{
			JudgeRow *judge = identity_judge(identity, judges[k]);
			const JudgeBody *body = identity_judge_body(identity, judge);
			bool again = judge->verdict != IDENTITY_SPLIT &&
						 (left_alone(identity, body, 0) || left_alone(identity, body, 1));

			if (again == ((judge->flags & JUDGE_ASK_AGAIN) != 0))
				continue;
			identity_judge_edit(identity, judges[k]);
			judge->flags ^= JUDGE_ASK_AGAIN;
			if (again)
				identity_event(identity, IDENTITY_EVENT_ASK_AGAIN, record->entity, 0, 0,
							   judge->handle);
		}
	}
	identity->watched.count = 0;
}
