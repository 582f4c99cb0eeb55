/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity.h — which records are the same customer.
 *
 * A pure library: no I/O, no clock, no randomness; time, position and memory
 * come from the caller.  The partition is a function of the records present, the
 * model and the judgements in force, never of arrival order or the deployment's name;
 * customer ids are a function of the history and that name.  Records of different kinds
 * never match.
 *
 * Threads: an IdentityModel is constant and may be shared.  identity_form() and
 * identity_score_forms() are pure.  One thread owns an Identity: only it calls
 * prepare, commit, abort, apply and free.  Other threads may query and snapshot; they
 * wait while a batch lies between prepare and commit or abort.
 */
#ifndef GOLDPAN_IDENTITY_H
#define GOLDPAN_IDENTITY_H

#include "goldpan/identity_model.h"

typedef struct Identity Identity;
typedef struct IdentityDelta IdentityDelta;

/* ---- the engine ---- */

typedef enum IdentityChangeType
{
	IDENTITY_UPSERT = 1,
	IDENTITY_DELETE, /* may come back: judgements stay in force */
	IDENTITY_ERASE,	 /* delete, and forget the judgements that name it */
	IDENTITY_JUDGE,
	IDENTITY_UNDO,	 /* of the judgement whose handle is `judgement.handle` */
	IDENTITY_ADOPT,	 /* a new record into the customer named, not yet clustered; else an upsert */
	IDENTITY_SETTLE, /* clusters what was adopted; ids are carried by overlap */
} IdentityChangeType;

typedef enum IdentityVerdict
{
	IDENTITY_SAME = 1,	/* anchors a and b are one customer */
	IDENTITY_DIFFERENT, /* they are not */
	IDENTITY_UNSURE,	/* do not ask again until one of the customers changes */
	IDENTITY_SPLIT,		/* the records in seen_b do not belong to a's customer; b unused */
} IdentityVerdict;

/* "same" and so on; NULL, or false, when there is none such. */
const char *identity_verdict_name(IdentityVerdict verdict);
bool identity_verdict_parse(const char *text, size_t length, IdentityVerdict *verdict);

/* A steward's answer.  Keyed by (source, id), so it survives delete and return.  Verdicts on a
 * and b hold for the anchors unconditionally and guide the members seen. */
typedef struct IdentityJudgement
{
	uint64_t handle; /* the caller's name for it, unique and not 0 */
	IdentityVerdict verdict;
	IdentityRef a, b;
	const IdentityRef *seen_a, *seen_b; /* members on each side when answered */
	size_t nseen_a, nseen_b;
	uint32_t version_a, version_b; /* entity versions seen; 0: not checked, else stale is refused */
	const char *user, *reason;
	bool
		carried; /* from another state: a and b may be gone, and come back; versions are not checked */
} IdentityJudgement;

/* (position, ordinal) rises strictly; a change at or below the last is skipped as a replay. */
typedef struct IdentityChange
{
	IdentityChangeType type;
	uint64_t handle; /* the caller's, handed back in events */
	uint64_t position;
	uint32_t ordinal;
	int64_t time; /* microseconds; kept, never interpreted */
	IdentityRef ref;
	IdentityKind kind;
	const IdentityField *fields;
	size_t nfields;
	const IdentityForm *form; /* made by identity_form with the same model, or NULL */
	IdentityJudgement judgement;
	IdentityId customer; /* ADOPT */
	uint32_t version;	 /* ADOPT: the customer's, below 2^31, which goes on from there and never
						  * back; 0: it is new */
} IdentityChange;

/* deployment: a text mixed into every customer id, of at most 127 bytes.  The model is borrowed for
 * life. Errors: USAGE ERR_CONFIG for a longer name, STOP ERR_NOMEM. */
Identity *identity_new(const IdentityModel *model, const char *deployment,
					   const IdentityMemory *memory, Err *err);
void identity_free(Identity *identity);

/* Applies the changes to the state, one after the other; the delta (owned by the Identity, valid
 * until commit or abort) tells what came of them.  Fails as a whole (out of memory, a
 * ceiling: ERR_NOMEM; USAGE for a type or kind that there is none of, or a NULL among those seen),
 * leaving the state as it was.  A change that alone is wrong is refused in its status, without
 * effect.  One batch at a time. */
bool identity_prepare(Identity *identity, const IdentityChange *changes, size_t nchanges,
					  const IdentityDelta **delta, Err *err) MUST_CHECK;
void identity_commit(Identity *identity);
void identity_abort(Identity *identity);

/* Takes a stored delta, wherever its bytes lie: the state afterwards is the one its commit had.
 * Fails when it is damaged (ERR_DATA) or does not follow this state (ERR_DIVERGED). */
bool identity_apply(Identity *identity, const void *bytes, size_t length, Err *err) MUST_CHECK;

typedef enum IdentityStatus
{
	IDENTITY_DONE = 0,
	IDENTITY_SAME_FORM, /* an update that changes nothing that is compared */
	IDENTITY_REPLAYED,
	IDENTITY_ABSENT,	   /* delete, undo or judgement of what is not there */
	IDENTITY_STALE,		   /* the customers changed since the steward saw them */
	IDENTITY_CONTRADICTION /* with other judgements, and message names the three; or over a limit,
							* which it names */
} IdentityStatus;

/* name: what a consumer does to rebuild the partition */
#define IDENTITY_EVENT_TABLE(X)                                                                    \
	X(IDENTITY_EVENT_CREATED, "created") /* customer exists, empty */                              \
	X(IDENTITY_EVENT_MOVED, "moved")	 /* record leaves `other` (or nowhere) for `customer` */   \
	X(IDENTITY_EVENT_DELETED, "deleted") /* record is in no customer any more */                   \
	X(IDENTITY_EVENT_ERASED, "erased")	 /* as deleted, and to be forgotten */                     \
	X(IDENTITY_EVENT_MERGED, "merged")	 /* `customer` is now part of `other`; empty */            \
	X(IDENTITY_EVENT_SPLIT, "split")	 /* `customer` came out of `other` */                      \
	X(IDENTITY_EVENT_RETIRED, "retired") /* the last record left */                                \
	X(IDENTITY_EVENT_UPDATED, "updated") /* a record's values or a membership changed */           \
	X(IDENTITY_EVENT_JUDGED, "judged")	 /* a judgement came into force */                         \
	X(IDENTITY_EVENT_UNDONE, "undone")	 /* and out of it */                                       \
	X(IDENTITY_EVENT_ASK_AGAIN, "ask_again") /* an anchor left the customer it was judged in */

typedef enum IdentityEventType
{
#define X(symbol, name) symbol,
	IDENTITY_EVENT_TABLE(X)
#undef X
		IDENTITY_EVENTS
} IdentityEventType;

const char *identity_event_name(IdentityEventType type);

typedef struct IdentityEvent
{
	IdentityEventType type;
	IdentityId customer, other;
	uint32_t version; /* of customer, after the event's change */
	uint64_t position;
	uint32_t ordinal;
	uint64_t handle;		/* the change's (judged, undone: the judgement's) */
	uint64_t record_handle; /* of the record in ref */
	IdentityRef ref;		/* moved, deleted, erased; source NULL otherwise */
} IdentityEvent;

/* A customer whose version a change read or raised, and what it was before (0: new). */
typedef struct IdentityVersion
{
	IdentityId customer;
	uint32_t before, after;
} IdentityVersion;

/* Texts in a delta live as long as it does. */
const void *identity_delta_bytes(const IdentityDelta *delta, size_t *length);
const IdentityEvent *identity_delta_events(const IdentityDelta *delta, size_t *count);
const IdentityVersion *identity_delta_versions(const IdentityDelta *delta, size_t *count);
IdentityStatus identity_delta_status(const IdentityDelta *delta, size_t change,
									 const char **message);

typedef bool (*IdentitySink)(void *context, const void *bytes, size_t length, Err *err);
typedef bool (*IdentitySource)(void *context, void *bytes, size_t length, Err *err);

/* Writes the state, its position, model hash and checksum; by its owner not while prepared. */
bool identity_snapshot(const Identity *identity, IdentitySink sink, void *context,
					   Err *err) MUST_CHECK;
/* A new Identity from a snapshot; refuses another model or deployment (ERR_CONFIG) and
 * damage (ERR_DATA).  The source fills all of `length` bytes or fails. */
Identity *identity_restore(const IdentityModel *model, const char *deployment,
						   const IdentityMemory *memory, IdentitySource source, void *context,
						   Err *err);
/* Position of the last change taken; both 0 at the start. */
void identity_position(const Identity *identity, uint64_t *position, uint32_t *ordinal);
/* ---- queries ---- */
/* Fits the model's probabilities to the judgements of this state (same and different, by the
 * evidence they had).  Changes no partition.  false with ERR_CLASS_NONE: too few. */
bool identity_calibrate(const Identity *identity, IdentityModel *model, Err *err) MUST_CHECK;

/* False when the record is not there. */
bool identity_customer(const Identity *identity, IdentityRef ref, IdentityId *customer);

typedef struct IdentityMember
{
	IdentityRef ref;
	uint64_t handle;
	IdentityKind kind;
	IdentityId customer;
} IdentityMember;

/* Returning false ends the walk.  Texts live during the call. */
typedef bool (*IdentityMemberVisit)(void *context, const IdentityMember *member);
/* The members of a customer, or of all customers when customer is NULL; in a stable order. */
void identity_members(const Identity *identity, const IdentityId *customer,
					  IdentityMemberVisit visit, void *context);
/* Version of a live customer, 0 when there is none; *into: where a merged one went. */
uint32_t identity_version(const Identity *identity, IdentityId customer, IdentityId *into);

typedef struct IdentityStats
{
	uint64_t records, customers, judgements, changes;
	uint64_t comparisons, candidates; /* pair scorings; distinct pairs that shared a live key */
	uint64_t lost_to_caps, lost_to_generics; /* postings in dead keys; generic values now */
	uint64_t repairs, repairs_cut; /* neighbourhoods clustered; of those cut at the limit */
	uint64_t visits_p50, visits_p99, visits_max; /* records looked at per change */
	uint64_t bytes, bytes_peak;					 /* taken from the allocator */
} IdentityStats;

void identity_stats(const Identity *identity, IdentityStats *stats);

#include "goldpan/identity_review.h"

#endif
