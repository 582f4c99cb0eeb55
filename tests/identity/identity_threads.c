/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_threads — readers beside the owner, and many threads that make forms.
 *
 *   identity_threads BATCHES
 *
 * Built with ThreadSanitizer.  Every second batch holds a record "ghost" and is aborted:
 * no reader may ever see it, for a query waits while a batch is prepared.  Records come
 * and go in pairs, so a walk that counts an odd number saw half a batch.  At the end the
 * state is the one that a single thread makes of the same changes.
 */
#include "properties.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS 3
#define MAKERS	4
#define PAIRS	12

typedef struct Shared
{
	World world;
	Identity *identity;
	bool done;
	unsigned long reads;
} Shared;

static void
wrong(const char *what)
{
	fprintf(stderr, "identity_threads: %s\n", what);
	exit(1);
}

/* ---- changes ---- */

typedef struct Pair
{
	char id[2][16];
	Built built[2];
	IdentityChange change[2];
} Pair;

static void
make_pair(World *world, unsigned number, bool ghost, Pair *pair)
{
	Step step = {.type = draw(world, 4) ? IDENTITY_UPSERT : IDENTITY_DELETE};

	for (unsigned i = 0; i < 2; i++)
	{
		step.values = some_values(world, false);
		build(world, &step, &pair->change[i], &pair->built[i]);
		snprintf(pair->id[i], sizeof(pair->id[i]), "%s%u", ghost ? "ghost" : i ? "b" : "a", number);
		pair->change[i].ref = (IdentityRef){"shop", pair->id[i]};
		pair->change[i].handle = number * 2 + i + 1;
		pair->change[i].ordinal = i;
	}
}

/* ---- readers ---- */

static bool
count_member(void *context, const IdentityMember *member)
{
	++*(unsigned *) context;
	if (strncmp(member->ref.id, "ghost", 5) == 0)
		wrong("a reader saw a record of a batch that was aborted");
	return true;
}

static bool
no_item(void *context, const IdentityReviewItem *item)
{
	(void) item;
	++*(unsigned *) context;
	return true;
}

static bool
swallow(void *context, const void *bytes, size_t length, Err *err)
{
	(void) bytes;
	(void) err;
	*(size_t *) context += length;
	return true;
}

static void *
read_on(void *context)
{
	Shared *shared = context;
	const Identity *identity = shared->identity;
	IdentityRef a = {"shop", "a3"}, b = {"shop", "b3"};
	Buffer text;

	buffer_init(&text, (size_t) 1 << 24);
	while (!__atomic_load_n(&shared->done, __ATOMIC_RELAXED))
	{
		unsigned count = 0, items = 0;
		uint64_t position;
		uint32_t ordinal;
		size_t length = 0;
		IdentityStats stats;
		IdentityId customer;

		identity_members(identity, NULL, count_member, &count);
		if (count % 2 != 0)
			wrong("a reader saw half a batch");
		identity_stats(identity, &stats);
		if (stats.records % 2 != 0)
			wrong("a reader counted half a batch");
		identity_position(identity, &position, &ordinal);
		if (identity_customer(identity, a, &customer))
			identity_version(identity, customer, NULL);
		buffer_clear(&text);
		(void) !identity_explain_pair(identity, a, b, &text, NULL);
		(void) !identity_explain_record(identity, a, NULL, &text, NULL);
		if (!identity_review(identity, 2, no_item, &items, NULL))
			wrong("a review failed");
		if (!identity_snapshot(identity, swallow, &length, NULL) || length == 0)
			wrong("a snapshot by a reader failed");
		__atomic_fetch_add(&shared->reads, 1, __ATOMIC_RELAXED);
	}
	buffer_release(&text);
	return NULL;
}

/* ---- the owner ---- */

static void
own(Shared *shared, unsigned batches)
{
	size_t length = 0;
	uint64_t position = 0;
	IdentityId customer;

	for (unsigned n = 0; n < batches; n++)
	{
		bool ghost = n % 2 == 1;
		Pair pair;

		make_pair(&shared->world, draw(&shared->world, PAIRS), ghost, &pair);
		pair.change[0].position = pair.change[1].position = ++position;
		if (!identity_prepare(shared->identity, pair.change, 2, NULL, NULL))
			wrong("a batch failed");
		/* the owner may look at what it prepared, but not write it out */
		(void) identity_customer(shared->identity, pair.change[0].ref, &customer);
		if (identity_snapshot(shared->identity, swallow, &length, NULL))
			wrong("a prepared batch was written out");
		if (ghost)
			identity_abort(shared->identity);
		else
			identity_commit(shared->identity);
	}
	__atomic_store_n(&shared->done, true, __ATOMIC_RELAXED);
}

static void
readers_beside_the_owner(const IdentityModel *model, unsigned batches)
{
	static Shared shared;
	pthread_t reader[READERS];

	shared.world.model = model;
	shared.world.kinds = 2;
	shared.identity = identity_new(model, "p", NULL, NULL);
	if (shared.identity == NULL)
		wrong("out of memory");
	for (unsigned i = 0; i < READERS; i++)
		if (pthread_create(&reader[i], NULL, read_on, &shared) != 0)
			wrong("no thread");
	own(&shared, batches);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(reader[i], NULL);
	printf("%u batches, %lu rounds of queries by %d readers\n", batches, shared.reads, READERS);
	identity_free(shared.identity);
}

/* ---- makers of forms ---- */

typedef struct Making
{
	const IdentityModel *model;
	Pair *pair;
	IdentityForm **form;
	unsigned from, count;
} Making;

static void *
make_forms(void *context)
{
	Making *m = context;

	for (unsigned i = m->from; i < m->count * 2; i += MAKERS)
	{
		IdentityChange *change = &m->pair[i / 2].change[i % 2];

		if (change->fields == NULL)
			continue;
		m->form[i] = identity_form(m->model, change->kind, change->fields, change->nfields, NULL);
		if (m->form[i] == NULL)
			wrong("a form failed");
		change->form = m->form[i];
	}
	return NULL;
}

static Identity *
taken(const IdentityModel *model, const Pair *pair, unsigned count)
{
	Identity *identity = identity_new(model, "p", NULL, NULL);

	if (identity == NULL)
		wrong("out of memory");
	for (unsigned i = 0; i < count; i++)
	{
		if (!identity_prepare(identity, pair[i].change, 2, NULL, NULL))
			wrong("a batch failed");
		identity_commit(identity);
	}
	return identity;
}

static void
one_thread_or_many(const IdentityModel *model, unsigned count)
{
	static World world = {.kinds = 2};
	Pair *pair = calloc(count, sizeof(*pair));
	IdentityForm **form = calloc(count * 2, sizeof(*form));
	Making making[MAKERS];
	pthread_t maker[MAKERS];
	Identity *one, *many;

	if (pair == NULL || form == NULL)
		wrong("out of memory");
	world.model = model;
	for (unsigned i = 0; i < count; i++)
	{
		make_pair(&world, draw(&world, PAIRS), false, &pair[i]);
		pair[i].change[0].position = pair[i].change[1].position = i + 1;
	}
	one = taken(model, pair, count);
	for (unsigned i = 0; i < MAKERS; i++)
	{
		making[i] = (Making){model, pair, form, i, count};
		if (pthread_create(&maker[i], NULL, make_forms, &making[i]) != 0)
			wrong("no thread");
	}
	for (unsigned i = 0; i < MAKERS; i++)
		pthread_join(maker[i], NULL);
	many = taken(model, pair, count);
	expect_same_state(&world, one, many, "many threads give other bytes than one");
	printf("%u changes with forms of %d threads: the same bytes as with one\n", count * 2, MAKERS);
	for (unsigned i = 0; i < count * 2; i++)
		identity_form_free(form[i]);
	identity_free(one);
	identity_free(many);
	free(pair);
	free(form);
}

int
main(int argc, char **argv)
{
	unsigned batches = argc > 1 ? (unsigned) atoi(argv[1]) : 2000;
	IdentityModel *model = identity_model_default(NULL);

	if (model == NULL)
		wrong("out of memory");
	readers_beside_the_owner(model, batches);
	one_thread_or_many(model, batches / 4);
	identity_model_free(model);
	return 0;
}
