/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_state_priv.h — the engine's half of the room: store, index, records, customers.
 *
 * All of the state lies in the store and is reached by Refs, so that it can be
 * written out and read back as it is, and taken back word by word on abort.  What
 * does not lie in the store is scratch and lives no longer than one change.
 */
#ifndef IDENTITY_STATE_PRIV_H
#define IDENTITY_STATE_PRIV_H

#include <pthread.h>

#include "identity/identity_store_priv.h"

typedef struct RecordRow
{
	uint32_t next_free; /* 0 while in use */
	uint32_t entity;
	uint64_t hash; /* of (source, id), the same in every deployment */
	uint64_t handle;
	Ref form;
	Ref name;  /* NameRow */
	Ref edges; /* EdgeRow[edges_room] */
	uint16_t nedges, edges_room;
	Ref area; /* AreaRow; 0 when alone */
	uint16_t area_at;
	uint16_t flags;
	uint32_t next_member; /* in the entity */
	uint32_t next_hash;	  /* same hash in the table */
	uint32_t judged;	  /* judgements name it */
	Ref former;			  /* FormerRow */
} RecordRow;

_Static_assert(sizeof(RecordRow) == 64, "RecordRow has no holes");

#define RECORD_UNSETTLED 1u
#define RECORD_STALE	 2u /* its bits in the area are not those of its form */
#define RECORD_GONE		 4u

typedef struct NameRow
{
	uint16_t size; /* of the whole */
	uint8_t source_length;
	char text[]; /* source, zero, id, zero */
} NameRow;

#define EDGE_CONFLICT 0x8000u

typedef struct EdgeRow
{
	uint32_t record;
	int16_t bits;  /* 1/256 bit */
	uint16_t live; /* live keys shared; EDGE_CONFLICT */
} EdgeRow;

#define FORMER_MAX 8

typedef struct Former /* an entity the record was in when it merged */
{
	uint32_t entity;
	uint32_t since; /* epoch of that merge: one that came back may merge again without the record */
} Former;

typedef struct FormerRow
{
	uint32_t count, unused;
	Former item[FORMER_MAX]; /* latest first */
} FormerRow;

typedef struct AreaRow /* a repair neighbourhood: what is clustered together */
{
	uint32_t count;
	uint32_t level;	   /* the cut that it was found at, bits */
	uint32_t member[]; /* by hash; then int16_t bits[count * (count - 1) / 2] */
} AreaRow;

enum
{
	ENTITY_LIVE = 1,
	ENTITY_MERGED
};

typedef struct EntityRow
{
	uint32_t next_id; /* whose id has the same bits in the table; of a free row the next free */
	uint32_t state;
	IdentityId id;
	uint64_t position;
	uint32_t ordinal;
	uint32_t serial;  /* among those one change created */
	uint32_t version; /* raised by each change that touches it */
	uint32_t count;	  /* of members; of a merged one: when it merged */
	uint32_t head;
	uint32_t into;	   /* merged */
	uint32_t referred; /* records that have it as a former one */
	uint32_t touched;  /* scratch stamp */
} EntityRow;

_Static_assert(sizeof(EntityRow) == 64, "EntityRow has no holes");

typedef struct JudgeRow
{
	uint32_t next_free;
	uint32_t verdict;
	uint64_t handle;
	int64_t time;
	uint64_t position;
	uint32_t ordinal;
	uint32_t version_a, version_b;
	uint32_t flags;
	Ref body;			  /* JudgeBody */
	uint32_t next_handle; /* whose handle has the same bits in the table */
} JudgeRow;

#define JUDGE_ASK_AGAIN 1u
#define JUDGES_MOST		1024 /* that may name one record: the next is refused */

/* Hashes of a, b, then of the members seen; then texts: source, id of a, of b, user, reason. */
typedef struct JudgeBody
{
	uint32_t size, nseen_a, nseen_b, unused;
	uint64_t hash[]; /* a, b, seen_a…, seen_b… */
} JudgeBody;

#define VISIT_BUCKETS 128

typedef struct Root
{
	uint8_t head[STORE_HEAD];
	Table keys, records_by_hash, entities_by_id, judges_by_handle, judged_by_record;
	Rows records, entities, judges;
	uint64_t position;
	uint32_t ordinal;
	uint32_t epoch;
	uint64_t key; /* the deployment's */
	uint64_t nrecords, nentities, njudges, nchanges;
	uint64_t comparisons, candidates, dead_postings, generic_values, repairs, repairs_cut;
	uint64_t visits_max;
	Ref unsettled; /* set of records */
	uint32_t unused;
	uint32_t visits[VISIT_BUCKETS]; /* by logarithm, 8 to an octave */
} Root;

#define ROOT_REF 1

/* ---- the engine ---- */

typedef struct List /* scratch, of numbers */
{
	uint32_t *item;
	size_t count, room;
} List;

struct IdentityDelta
{
	Buffer bytes;
	Buffer texts;
	Buffer events, versions, statuses; /* arrays of the public structs and of DeltaStatus */
};

typedef struct DeltaStatus
{
	IdentityStatus status;
	bool skipped;	/* a replay: no part of the delta */
	size_t message; /* offset in texts + 1; 0: none */
} DeltaStatus;

struct Identity
{
	Store store;
	const IdentityModel *model;
	char deployment[128];
	pthread_rwlock_t lock;
	pthread_mutex_t gate; /* to the lock: who waits to write comes before later readers */
	bool prepared;
	const void *preparing; /* names the thread that holds the lock to write */
	IdentityDelta delta;
	const IdentityChange *change; /* being taken */
	uint64_t position_before;	  /* the batch */
	uint32_t ordinal_before;
	uint32_t serial;	/* customers it created so far */
	uint32_t judged[2]; /* customers of the answer being taken, its event */
	size_t judged_event;
	uint64_t visits;
	IdentityChange *batch; /* the changes, each record with its form */
	IdentityForm **own;	   /* forms made here */
	size_t nbatch;
	/* scratch, kept between changes for its room only */
	List dirty;	 /* records whose edges or judgements changed */
	List relink; /* records to compare with their candidates anew */
	List wave, seen, affected, fresh;
	List judges;	 /* of the neighbourhood being clustered */
	List emptied;	 /* entities whose rows go at the end of the change */
	List gone;		 /* records whose rows go at the end of the change */
	List watched;	 /* records whose judgements may ask again */
	List touched;	 /* entity, version before: pairs */
	uint32_t *stamp; /* by record: a number of the search that saw it */
	uint32_t *slot;	 /* by record: where in the search's list */
	uint16_t *live;	 /* by record: live keys shared with the one relinked */
	size_t stamp_room;
	uint32_t stamp_now;
	void *work; /* clustering */
	size_t work_room;
};

static inline Root *
identity_root(const Identity *identity)
{
	return store_at(&identity->store, ROOT_REF);
}

static inline void *
identity_row(const Store *store, const Rows *rows, uint32_t number)
{
	const Ref *top = store_at(store, rows->top);

	return (uint8_t *) store_at(store, top[number / ROWS_PAGE]) +
		   (size_t) (number % ROWS_PAGE) * rows->size;
}

static inline RecordRow *
identity_record(const Identity *identity, uint32_t number)
{
	return identity_row(&identity->store, &identity_root(identity)->records, number);
}

static inline EntityRow *
identity_entity(const Identity *identity, uint32_t number)
{
	return identity_row(&identity->store, &identity_root(identity)->entities, number);
}

static inline JudgeRow *
identity_judge(const Identity *identity, uint32_t number)
{
	return identity_row(&identity->store, &identity_root(identity)->judges, number);
}

static inline IdentityForm *
identity_form_of(const Identity *identity, const RecordRow *record)
{
	return store_at(&identity->store, record->form);
}

/* rows: new numbers start at 1; leave by store->out when memory is out */
void identity_rows_init(Store *store, size_t root_offset, uint32_t row_size);
uint32_t identity_rows_new(Store *store, size_t root_offset);
void identity_rows_delete(Store *store, size_t root_offset, uint32_t number);
/* Notes the row before it changes. */
RecordRow *identity_record_edit(Identity *identity, uint32_t number);
EntityRow *identity_entity_edit(Identity *identity, uint32_t number);
JudgeRow *identity_judge_edit(Identity *identity, uint32_t number);

void identity_list_add(Identity *identity, List *list, uint32_t item);
void *identity_work(Identity *identity, size_t size);
uint32_t identity_stamp(Identity *identity); /* a new search's number */

uint64_t identity_ref_hash(const char *source, const char *id);
bool identity_named(IdentityRef ref); /* can a record have this name? */
bool identity_record_is(const Identity *identity, uint32_t number, IdentityRef ref);
/* Makes stamp, slot and live as long as there are record numbers. */
void identity_make_room(Identity *identity);

/* records: what one change makes of its record; edges and memberships follow from dirty */
IdentityStatus identity_record_put(Identity *identity, const IdentityChange *change, char *message,
								   size_t size);
IdentityStatus identity_record_drop(Identity *identity, const IdentityChange *change, bool erase);
IdentityStatus identity_record_settle(Identity *identity);
uint32_t identity_find(const Identity *identity, IdentityRef ref); /* record or 0 */
uint32_t identity_find_hash(const Identity *identity, uint64_t hash);
IdentityRef identity_record_ref(const Identity *identity, const RecordRow *record);

/* standing: of values, by the records that bear them */
#define POSTINGS_MAX   256
#define VALUE_CAPS	   4 /* times key_cap */
#define VALUE_CAP_MOST 250

/* What many bear is worth no comparing; but what few names bear, a mailbox or a number, many
 * records of one customer may bear. */
static inline uint32_t
identity_value_cap(const Identity *identity, unsigned kind)
{
	uint32_t cap =
		VALUE_CAPS * (uint32_t) model_parameter(identity->model, kind, PARAMETER_key_cap);

	return cap < VALUE_CAP_MOST ? cap : VALUE_CAP_MOST;
}

static inline uint32_t
identity_key_cap(const Identity *identity, unsigned kind, const Key *key)
{
	return key->value == ABSENT
			   ? (uint32_t) model_parameter(identity->model, kind, PARAMETER_key_cap)
			   : identity_value_cap(identity, kind);
}

/* What a value is with these users: 0, VALUE_SHARED or VALUE_GENERIC.  before: what it was
 * with one of them less, the last, or with one more, -1: then all are compared. */
uint8_t identity_value_standing(const Identity *identity, const uint32_t *members, uint32_t count,
								unsigned kind, FormKind value, int before);

/* index: links a record, or takes it out; changed ends of edges go to dirty */
void identity_index_add(Identity *identity, uint32_t number);
void identity_index_remove(Identity *identity, uint32_t number);
/* Live keys that two records share, worked out anew. */
unsigned identity_index_shared(const Identity *identity, uint32_t a, uint32_t b);
/* The weight of a pair; INT16_MIN when a conflict forbids it. */
int32_t identity_pair_bits(Identity *identity, uint32_t a, uint32_t b);
/* The same as it counts in a mean beside other pairs: what is missing speaks neither for nor
 * against, so below the link bound it is no less than what speaks against the pair. */
int32_t identity_pair_beside(Identity *identity, uint32_t a, uint32_t b);
/* Tests only: are the record's values marked generic where they are, and linked to all they
 * should be? */
bool identity_index_right(Identity *identity, uint32_t number);

/* areas: rebuilds the neighbourhoods of what is dirty, and clusters them */
void identity_area_settle(Identity *identity);
int16_t *identity_area_bits(AreaRow *area);
/* Tests only: is the record's neighbourhood what a search finds? */
bool identity_area_right(Identity *identity, uint32_t number);
size_t identity_area_size(uint32_t count);

static inline size_t
identity_area_pair(uint32_t i, uint32_t j) /* i != j */
{
	return i < j ? (size_t) j * (j - 1) / 2 + i : (size_t) i * (i - 1) / 2 + j;
}

/* cluster: labels members of an area; pure in members, bits and judgements */
void identity_cluster(Identity *identity, const AreaRow *area, uint32_t *label);

/* entity: customers as rows; numbers, 0 for none */
uint32_t identity_entity_find(const Identity *identity, const IdentityId *id);
/* An id that nobody bears, of the change that is being taken. */
IdentityId identity_entity_new_id(Identity *identity);
uint32_t identity_entity_make(Identity *identity, const IdentityId *id);
/* version: of the customer so far, 0 of a new one */
uint32_t identity_entity_adopt(Identity *identity, const IdentityId *id, uint32_t version);
/* Makes the version rise, once a change. */
void identity_entity_touch(Identity *identity, uint32_t number);
/* One reference less to what merged; with the last the row goes. */
void identity_entity_release(Identity *identity, uint32_t number);
/* Deletes the rows of those released. */
void identity_entity_sweep(Identity *identity);

/* members: gives the clusters of the area's records their customers; makes events */
void identity_member_assign(Identity *identity, const uint32_t *records, const uint32_t *label,
							size_t count);
void identity_member_remove(Identity *identity, uint32_t number, bool erased);
/* Notes an entity's version for the delta. */
void identity_touched(Identity *identity, uint32_t entity, uint32_t before);
void identity_event(Identity *identity, IdentityEventType type, uint32_t entity, uint32_t other,
					uint32_t record, uint64_t handle);

/* judgements */
static inline JudgeBody *
identity_judge_body(const Identity *identity, const JudgeRow *judge)
{
	return store_at(&identity->store, judge->body);
}

static inline uint32_t
identity_judge_named(const JudgeBody *body) /* hashes: two anchors, then those seen */
{
	return 2 + body->nseen_a + body->nseen_b;
}

/* Numbers of those that name a record, be it there or not; returns how many, at most `max`. */
uint32_t identity_judges_of_hash(const Identity *identity, uint64_t hash, uint32_t *out,
								 uint32_t max);
/* Whether earlier answers allow this one about the records of these hashes; else names them. */
IdentityStatus identity_judge_check(const Identity *identity, const IdentityJudgement *j,
									uint64_t a, uint64_t b, char *message, size_t size);
IdentityStatus identity_judge_take(Identity *identity, const IdentityChange *change, char *message,
								   size_t size);
IdentityStatus identity_judge_undo(Identity *identity, uint64_t handle);
/* What names the record comes into force for it again. */
void identity_judge_arrived(Identity *identity, uint32_t number);
void identity_judge_forget(Identity *identity, uint64_t record_hash);
/* The record left a customer: its judgements are looked at when the change is done. */
void identity_judge_watch(Identity *identity, uint32_t number);
void identity_judge_look(Identity *identity);
/* Numbers of the judgements that name a record; returns how many, at most `max`. */
uint32_t identity_judges(const Identity *identity, const RecordRow *record, uint32_t *out,
						 uint32_t max);
uint32_t identity_judge_find(const Identity *identity, uint64_t handle);
/* Text `n` of a body: source and id of a, of b, user, reason. */
const char *identity_judge_text(const JudgeBody *body, unsigned n);

/* delta and its bytes; these leave by store->out when memory is out */
void identity_delta_init(IdentityDelta *delta);
void identity_delta_clear(IdentityDelta *delta);
void identity_delta_release(IdentityDelta *delta);
/* message NULL: the change was seen before and is no part of the delta. */
void identity_delta_status_add(Identity *identity, IdentityStatus status, const char *message);
void identity_delta_touched(Identity *identity);
void identity_delta_finish(Identity *identity, const IdentityChange *changes, size_t nchanges);

/* Queries hold the state still between these. */
/* Takes and gives back the lock to write; the thread's own queries pass it. */
void identity_query_own(Identity *identity);
void identity_query_disown(Identity *identity);
bool identity_query_owned(const Identity *identity);
void identity_query_enter(const Identity *identity);
void identity_query_leave(const Identity *identity);

/* Tests only: does everything kept agree with what can be worked out anew? */
bool identity_verify(Identity *identity, char *message, size_t size);

Identity *identity_open(const IdentityModel *model, const char *deployment,
						const IdentityMemory *memory, bool with_root, Err *err);

#endif
