/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_properties — random histories against what must always hold.
 *
 *   identity_properties HISTORIES [SEED]
 *
 * Values come from a pool so small that records meet all the time.  After each history: the
 * kept state agrees with itself worked out anew; another order of the same records and
 * answers, in one batch, gives the same partition; a consumer of the events alone has
 * it too; stored deltas give the same bytes; an aborted batch leaves none; nothing that
 * was judged different is together; an erased record's text is nowhere.
 */
#include "identity/identity_state_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 14
#define STEPS	40

typedef struct Record
{
	bool present;
	char name[40], email[40], born[12];
} Record;

typedef struct World
{
	const IdentityModel *model;
	uint64_t random;
	Record record[RECORDS];
	bool canary[RECORDS];
	int8_t apart[RECORDS][RECORDS], answer[64][3];
	unsigned answers;
	bool undone[64];
	IdentityId consumer[RECORDS]; /* from the events alone */
	Identity *main, *replica;
	uint64_t position, joins, steps;
} World;

static void
fail(const World *world, const char *what)
{
	fprintf(stderr, "identity_properties: %s at position %llu\n", what,
			(unsigned long long) world->position);
	exit(1);
}

static unsigned
draw(World *world, unsigned n)
{
	world->random = identity_text_mix(world->random + 1, 99);
	return (unsigned) (world->random >> 33) % n;
}

static void
ref_of(unsigned record, char text[16])
{
	snprintf(text, 16, "r%u", record);
}

static bool
append(void *context, const void *bytes, size_t length, Err *err)
{
	return buffer_append(context, bytes, length, err);
}

static void
snapshot(World *world, const Identity *identity, Buffer *out)
{
	buffer_clear(out);
	if (!identity_snapshot(identity, append, out, NULL))
		fail(world, "a snapshot failed");
}

static void
fill(World *world, Record *r, bool canary)
{
	static const char *const given[] = {"anna", "ann", "bob", "robert"};
	static const char *const family[] = {"miller", "mueller", "jones"};

	r->present = true;
	snprintf(r->name, sizeof(r->name), "%s %s", given[draw(world, 4)],
			 canary ? "canaryqz" : family[draw(world, 3)]);
	snprintf(r->email, sizeof(r->email), "mailbox%u@example.org", draw(world, 4));
	snprintf(r->born, sizeof(r->born), "19%02u-0%u-11", 70 + draw(world, 2), 1 + draw(world, 3));
	if (draw(world, 3) == 0)
		r->email[0] = 0;
	if (draw(world, 3) == 0)
		r->born[0] = 0;
}

typedef struct Built
{
	char id[16], other[16];
	IdentityField field[3];
} Built;

static void
build_upsert(const Record *r, unsigned number, IdentityChange *change, Built *b)
{
	memset(change, 0, sizeof(*change));
	ref_of(number, b->id);
	change->type = IDENTITY_UPSERT;
	change->handle = number + 1;
	change->ref = (IdentityRef){"src", b->id};
	b->field[0] = (IdentityField){IDENTITY_FULL_NAME, 0, NULL, r->name, strlen(r->name)};
	b->field[1] = (IdentityField){IDENTITY_EMAIL, 0, NULL, r->email, strlen(r->email)};
	b->field[2] = (IdentityField){IDENTITY_BIRTH_DATE, 0, NULL, r->born, strlen(r->born)};
	change->fields = b->field;
	change->nfields = 3;
}

static void
build_judge(unsigned handle, int verdict, unsigned a, unsigned c, IdentityChange *change, Built *b)
{
	memset(change, 0, sizeof(*change));
	ref_of(a, b->id);
	ref_of(c, b->other);
	change->type = IDENTITY_JUDGE;
	change->judgement.handle = handle;
	change->judgement.verdict = (IdentityVerdict) verdict;
	change->judgement.a = (IdentityRef){"src", b->id};
	change->judgement.b = (IdentityRef){"src", b->other};
}

static void
consume(World *world, const IdentityDelta *delta)
{
	size_t n;
	const IdentityEvent *event = identity_delta_events(delta, &n);

	for (size_t i = 0; i < n; i++)
	{
		if (event[i].type == IDENTITY_EVENT_MOVED)
		{
			IdentityId *own = &world->consumer[event[i].record_handle - 1];

			if (memcmp(own, &event[i].other, sizeof(*own)) != 0)
				fail(world, "a record moved from where it was not");
			*own = event[i].customer;
		}
		else if (event[i].type == IDENTITY_EVENT_DELETED || event[i].type == IDENTITY_EVENT_ERASED)
			memset(&world->consumer[event[i].record_handle - 1], 0, sizeof(IdentityId));
		else if (event[i].type == IDENTITY_EVENT_MERGED)
			world->joins++;
	}
}

static IdentityStatus
take(World *world, IdentityChange *change)
{
	const IdentityDelta *delta;
	IdentityStatus status;
	size_t length;
	const void *bytes;
	Buffer before, after;

	change->position = ++world->position;
	buffer_init(&before, (size_t) 1 << 30);
	buffer_init(&after, (size_t) 1 << 30);
	if (draw(world, 8) == 0)
	{
		snapshot(world, world->main, &before);
		if (!identity_prepare(world->main, change, 1, &delta, NULL))
			fail(world, "a change failed");
		identity_abort(world->main);
		snapshot(world, world->main, &after);
		if (before.length != after.length || memcmp(before.data, after.data, before.length) != 0)
			fail(world, "an aborted batch left something");
	}
	if (!identity_prepare(world->main, change, 1, &delta, NULL))
		fail(world, "a change failed");
	status = identity_delta_status(delta, 0, NULL);
	bytes = identity_delta_bytes(delta, &length);
	if (!identity_apply(world->replica, bytes, length, NULL))
		fail(world, "a delta did not follow");
	consume(world, delta);
	identity_commit(world->main);
	buffer_release(&before);
	buffer_release(&after);
	return status;
}

static void
step(World *world)
{
	unsigned a = draw(world, RECORDS), b = draw(world, RECORDS), what = draw(world, 20);
	IdentityChange change;
	Built built;

	world->steps++;
	if (what < 12)
	{
		world->canary[a] = draw(world, 6) == 0;
		fill(world, &world->record[a], world->canary[a]);
		build_upsert(&world->record[a], a, &change, &built);
		take(world, &change);
	}
	else if (what < 15)
	{
		memset(&change, 0, sizeof(change));
		ref_of(a, built.id);
		change.type = IDENTITY_DELETE;
		change.ref = (IdentityRef){"src", built.id};
		take(world, &change);
		world->record[a].present = world->canary[a] = false;
	}
	else if (what < 18 && world->answers < 60)
	{
		int verdict = draw(world, 2) ? IDENTITY_SAME : IDENTITY_DIFFERENT;

		build_judge(world->answers + 1, verdict, a, b, &change, &built);
		if (take(world, &change) != IDENTITY_DONE)
			return;
		world->answer[world->answers][0] = (int8_t) verdict;
		world->answer[world->answers][1] = (int8_t) a;
		world->answer[world->answers++][2] = (int8_t) b;
	}
	else if (world->answers > 0)
	{
		unsigned which = draw(world, world->answers);

		memset(&change, 0, sizeof(change));
		change.type = IDENTITY_UNDO;
		change.judgement.handle = which + 1;
		take(world, &change);
		world->undone[which] = true;
	}
}

static bool
together(const World *world, const Identity *identity, unsigned a, unsigned b)
{
	char x[16], y[16];
	IdentityId p, q;

	ref_of(a, x);
	ref_of(b, y);
	if (!identity_customer(identity, (IdentityRef){"src", x}, &p) ||
		!identity_customer(identity, (IdentityRef){"src", y}, &q))
		fail(world, "a record is lost");
	return memcmp(&p, &q, sizeof(p)) == 0;
}

/* The same records, in another order and one batch, then the answers in force. */
static void
rebuild(World *world)
{
	Identity *other = identity_new(world->model, "p", NULL, NULL);
	IdentityChange changes[RECORDS + 64];
	Built built[RECORDS + 64];
	unsigned n = 0, offset = draw(world, RECORDS);

	if (other == NULL)
		fail(world, "out of memory");
	for (unsigned i = 0; i < RECORDS; i++)
	{
		unsigned r = (i * 5 + offset) % RECORDS;

		if (world->record[r].present)
		{
			build_upsert(&world->record[r], r, &changes[n], &built[n]);
			n++;
		}
	}
	/* an answer needs its records: those of absent ones have no effect now */
	for (unsigned k = 0; k < world->answers; k++)
		if (!world->undone[k] && world->record[world->answer[k][1]].present &&
			world->record[world->answer[k][2]].present)
		{
			build_judge(k + 1, world->answer[k][0], (unsigned) world->answer[k][1],
						(unsigned) world->answer[k][2], &changes[n], &built[n]);
			n++;
		}
	for (unsigned i = 0; i < n; i++)
		changes[i].position = i + 1;
	if (!identity_prepare(other, changes, n, NULL, NULL))
		fail(world, "a batch failed");
	identity_commit(other);
	for (unsigned a = 0; a < RECORDS; a++)
		for (unsigned b = 0; b < a; b++)
			if (world->record[a].present && world->record[b].present &&
				together(world, world->main, a, b) != together(world, other, a, b))
				fail(world, "another order gives another partition");
	identity_free(other);
}

static void
inspect(World *world)
{
	char message[200];
	Buffer x, y;

	if (!identity_verify(world->main, message, sizeof(message)))
		fail(world, message);
	for (unsigned a = 0; a < RECORDS; a++)
	{
		char id[16];
		IdentityId own = {{0}};

		ref_of(a, id);
		if (identity_customer(world->main, (IdentityRef){"src", id}, &own) !=
			world->record[a].present)
			fail(world, "a record is where it should not be");
		if (memcmp(&own, &world->consumer[a], sizeof(own)) != 0)
			fail(world, "the events do not tell the partition");
	}
	for (unsigned k = 0; k < world->answers; k++)
		if (!world->undone[k] && world->record[world->answer[k][1]].present &&
			world->record[world->answer[k][2]].present &&
			together(world, world->main, (unsigned) world->answer[k][1],
					 (unsigned) world->answer[k][2]) != (world->answer[k][0] == IDENTITY_SAME))
			fail(world, "an answer is not obeyed");
	buffer_init(&x, (size_t) 1 << 30);
	buffer_init(&y, (size_t) 1 << 30);
	snapshot(world, world->main, &x);
	snapshot(world, world->replica, &y);
	if (x.length != y.length || memcmp(x.data, y.data, x.length) != 0)
		fail(world, "deltas did not give the same bytes");
	buffer_release(&x);
	buffer_release(&y);
}

static void
erase_canaries(World *world)
{
	Buffer x;

	for (unsigned a = 0; a < RECORDS; a++)
	{
		IdentityChange change;
		char id[16];

		if (!world->record[a].present || !world->canary[a])
			continue;
		memset(&change, 0, sizeof(change));
		ref_of(a, id);
		change.type = IDENTITY_ERASE;
		change.ref = (IdentityRef){"src", id};
		take(world, &change);
		world->record[a].present = false;
	}
	buffer_init(&x, (size_t) 1 << 30);
	snapshot(world, world->main, &x);
	if (memmem(x.data, x.length, "canaryqz", 8) != NULL)
		fail(world, "an erased value is still there");
	buffer_release(&x);
}

int
main(int argc, char **argv)
{
	unsigned histories = argc > 1 ? (unsigned) atoi(argv[1]) : 200;
	uint64_t seed = argc > 2 ? (uint64_t) atoll(argv[2]) : 1, joins = 0, steps = 0;
	IdentityModel *model = identity_model_default(NULL);
	World *world = calloc(1, sizeof(*world));

	if (model == NULL || world == NULL || !identity_model_set(model, "person.key_cap", 6, NULL) ||
		!identity_model_set(model, "person.names_per_email", 2, NULL) ||
		!identity_model_set(model, "person.neighbourhood", 8, NULL))
		return 1;
	for (unsigned h = 0; h < histories; h++)
	{
		memset(world, 0, sizeof(*world));
		world->model = model;
		world->random = seed * 1000003 + h;
		world->main = identity_new(model, "p", NULL, NULL);
		world->replica = identity_new(model, "p", NULL, NULL);
		if (world->main == NULL || world->replica == NULL)
			return 1;
		for (unsigned s = 0; s < STEPS; s++)
			step(world);
		inspect(world);
		rebuild(world);
		erase_canaries(world);
		joins += world->joins;
		steps += world->steps;
		identity_free(world->main);
		identity_free(world->replica);
	}
	printf("%u histories, %llu steps, %llu merges: all properties hold\n", histories,
		   (unsigned long long) steps, (unsigned long long) joins);
	identity_model_free(model);
	free(world);
	return 0;
}
