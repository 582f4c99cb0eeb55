/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_query — questions about the state that need no scoring.
 */
#include "identity/identity_state_priv.h"

#include <string.h>

static _Thread_local char here; /* its address names the thread */

static _Thread_local unsigned reading; /* queries that this thread is in */

/* Readers that come while the owner waits for the lock queue behind him at the gate: a stream of
 * them would keep him waiting for ever. */
void
identity_query_own(Identity *identity)
{
	pthread_mutex_lock(&identity->gate);
	pthread_rwlock_wrlock(&identity->lock);
	__atomic_store_n(&identity->preparing, &here, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&identity->gate);
}

void
identity_query_disown(Identity *identity)
{
	__atomic_store_n(&identity->preparing, NULL, __ATOMIC_RELAXED);
	pthread_rwlock_unlock(&identity->lock);
}

/* Only this thread can have put its own name there, so no order with others is needed. */
bool
identity_query_owned(const Identity *identity)
{
	return __atomic_load_n(&identity->preparing, __ATOMIC_RELAXED) == &here;
}

/* The owner itself may ask between prepare and commit. */
void
identity_query_enter(const Identity *identity)
{
	Identity *own = (Identity *) identity;

	if (identity_query_owned(identity))
		return;
	/* who asks again out of a visit is inside already, and must not wait for the owner */
	if (reading++ > 0)
	{
		pthread_rwlock_rdlock(&own->lock);
		return;
	}
	pthread_mutex_lock(&own->gate);
	pthread_rwlock_rdlock(&own->lock);
	pthread_mutex_unlock(&own->gate);
}

void
identity_query_leave(const Identity *identity)
{
	if (identity_query_owned(identity))
		return;
	reading--;
	pthread_rwlock_unlock(&((Identity *) identity)->lock);
}

void
identity_position(const Identity *identity, uint64_t *position, uint32_t *ordinal)
{
	identity_query_enter(identity);
	*position = identity_root(identity)->position;
	*ordinal = identity_root(identity)->ordinal;
	identity_query_leave(identity);
}

bool
identity_customer(const Identity *identity, IdentityRef ref, IdentityId *customer)
{
	uint32_t number;

	identity_query_enter(identity);
	number = identity_find(identity, ref);
	if (number != 0)
		*customer = identity_entity(identity, identity_record(identity, number)->entity)->id;
	identity_query_leave(identity);
	return number != 0;
}

static bool
visit_members(const Identity *identity, const EntityRow *entity, IdentityMemberVisit visit,
			  void *context)
{
	for (uint32_t at = entity->head; at != 0; at = identity_record(identity, at)->next_member)
	{
		const RecordRow *record = identity_record(identity, at);
		IdentityMember member = {identity_record_ref(identity, record), record->handle,
								 (IdentityKind) identity_form_of(identity, record)->kind,
								 entity->id};

		if (!visit(context, &member))
			return false;
	}
	return true;
}

void
identity_members(const Identity *identity, const IdentityId *customer, IdentityMemberVisit visit,
				 void *context)
{
	uint32_t number;

	identity_query_enter(identity);
	if (customer != NULL)
	{
		number = identity_entity_find(identity, customer);
		if (number != 0 && identity_entity(identity, number)->state == ENTITY_LIVE)
			visit_members(identity, identity_entity(identity, number), visit, context);
	}
	else
		for (number = 1; number <= identity_root(identity)->entities.count; number++)
		{
			const EntityRow *entity = identity_entity(identity, number);

			if (entity->state == ENTITY_LIVE && !visit_members(identity, entity, visit, context))
				break;
		}
	identity_query_leave(identity);
}

uint32_t
identity_version(const Identity *identity, IdentityId customer, IdentityId *into)
{
	uint32_t number, version = 0;

	identity_query_enter(identity);
	number = identity_entity_find(identity, &customer);
	if (into != NULL)
		memset(into, 0, sizeof(*into));
	if (number != 0 && identity_entity(identity, number)->state == ENTITY_LIVE)
		version = identity_entity(identity, number)->version;
	else
	{
		while (number != 0 && identity_entity(identity, number)->state == ENTITY_MERGED)
			number = identity_entity(identity, number)->into;
		if (number != 0 && into != NULL)
			*into = identity_entity(identity, number)->id;
	}
	identity_query_leave(identity);
	return version;
}

void
identity_judgements(const Identity *identity, IdentityJudgedVisit visit, void *context)
{
	identity_query_enter(identity);
	for (uint32_t number = 1; number <= identity_root(identity)->judges.count; number++)
	{
		const JudgeRow *judge = identity_judge(identity, number);
		const JudgeBody *body;
		IdentityJudged judged;

		if (judge->body == 0)
			continue;
		body = store_at(&identity->store, judge->body);
		judged.handle = judge->handle;
		judged.verdict = (IdentityVerdict) judge->verdict;
		judged.a = (IdentityRef){identity_judge_text(body, 0), identity_judge_text(body, 1)};
		judged.b = (IdentityRef){identity_judge_text(body, 2), identity_judge_text(body, 3)};
		judged.time = judge->time;
		judged.user = identity_judge_text(body, 4);
		judged.reason = identity_judge_text(body, 5);
		judged.asks_again = (judge->flags & JUDGE_ASK_AGAIN) != 0;
		judged.version_a = judge->version_a;
		judged.version_b = judge->version_b;
		if (!visit(context, &judged))
			break;
	}
	identity_query_leave(identity);
}

/* The least number of visits that a share of the changes did not exceed. */
static uint64_t
quantile(const Root *root, double share)
{
	uint64_t total = 0, sum = 0;

	for (unsigned i = 0; i < VISIT_BUCKETS; i++)
		total += root->visits[i];
	for (unsigned i = 0; i < VISIT_BUCKETS; i++)
	{
		sum += root->visits[i];
		if (total > 0 && (double) sum >= share * (double) total)
			return i < 8 ? i : (uint64_t) (8 + i % 8) << (i / 8 - 1);
	}
	return root->visits_max;
}

void
identity_stats(const Identity *identity, IdentityStats *stats)
{
	const Root *root;

	identity_query_enter(identity);
	root = identity_root(identity);
	memset(stats, 0, sizeof(*stats));
	stats->records = root->nrecords;
	stats->customers = root->nentities;
	stats->judgements = root->njudges;
	stats->changes = root->nchanges;
	stats->comparisons = root->comparisons;
	stats->candidates = root->candidates;
	stats->lost_to_caps = root->dead_postings;
	stats->lost_to_generics = root->generic_values;
	stats->repairs = root->repairs;
	stats->repairs_cut = root->repairs_cut;
	stats->visits_p50 = quantile(root, .5);
	stats->visits_p99 = quantile(root, .99);
	stats->visits_max = root->visits_max;
	stats->bytes = identity->store.bytes;
	stats->bytes_peak = identity->store.peak;
	identity_query_leave(identity);
}
