/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_torture — memory that runs out at every place it can, and ceilings.
 *
 * The n-th allocation fails, for every n, in prepare, apply, restore, new, snapshot and
 * the queries.  Each must say so, leave the state byte for byte as it was, and succeed
 * when tried again, with the bytes of an engine that never lacked anything.
 */
#include "properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define MANY 400

static unsigned long failures, tries;

static void
wrong(const char *what, unsigned long n)
{
	fprintf(stderr, "identity_torture: %s (allocation %lu)\n", what, n);
	exit(1);
}

static void
check_err(const Err *err, const char *what, unsigned long n)
{
	if (err->code != ERR_NOMEM)
		wrong(what, n);
	failures++;
}

/* ---- prepare and apply ---- */

/* Fails every allocation of one change, each on an engine that has no scratch memory yet and on
 * one that failed before. */
static void
torture_prepare(const World *world, const IdentityChange *change, size_t count)
{
	Identity *worn = fork_of(world, world->main), *whole = fork_of(world, world->main);
	Buffer before, after, delta;
	const IdentityDelta *d;
	const void *bytes;
	size_t length;
	unsigned taken = 0;

	buffer_init(&before, (size_t) 1 << 30);
	buffer_init(&after, (size_t) 1 << 30);
	buffer_init(&delta, (size_t) 1 << 30);
	snapshot_of(world, world->main, &before);
	if (!identity_prepare(whole, change, count, &d, NULL))
		wrong("a change failed", 0);
	bytes = identity_delta_bytes(d, &length);
	if (!buffer_append(&delta, bytes, length, NULL))
		wrong("out of memory", 0);
	identity_commit(whole);
	for (unsigned long n = 1; taken < 3; n += count == 1 ? 1 : 1 + n / 8)
		for (unsigned way = taken = 0; way < 3; way++)
		{
			Identity *identity = way == 1 ? worn : fork_of(world, world->main);
			bool took;
			Err err;

			tries++;
			err_clear(&err);
			alloc_fail_at(n);
			if (way == 2)
				took = identity_apply(identity, delta.data, delta.length, &err);
			else
				took = identity_prepare(identity, change, count, NULL, &err);
			alloc_fail_at(0);
			if (!took)
			{
				check_err(&err, "another error than no memory", n);
				snapshot_of(world, identity, &after);
				if (!same_bytes(&before, &after))
					wrong("a failed change left something", n);
				if (!identity_prepare(identity, change, count, NULL, NULL))
					wrong("a change failed when tried again", n);
			}
			if (way != 2 || !took)
				identity_commit(identity);
			expect_same_state(world, identity, whole, "a change after a failure has other bytes");
			taken += took;
			if (identity != worn)
				identity_free(identity);
			else
			{
				identity_free(worn);
				worn = fork_of(world, world->main);
			}
		}
	identity_free(worn);
	identity_free(whole);
	buffer_release(&before);
	buffer_release(&after);
	buffer_release(&delta);
}

static void
torture_step(World *world, const Step *step)
{
	IdentityChange change;
	Built built;

	build(world, step, &change, &built);
	change.position = world->position + 1;
	change.ordinal = 0;
	torture_prepare(world, &change, 1);
}

static void
torture_changes(World *world)
{
	Step step = {.type = IDENTITY_JUDGE, .verdict = IDENTITY_SAME, .judgement = 9999};

	for (unsigned i = 0; i < 4; i++)
	{
		Step upsert = {.type = IDENTITY_UPSERT, .a = (uint8_t) draw(world, RECORDS)};

		upsert.values = some_values(world, false);
		torture_step(world, &upsert);
		upsert.type = draw(world, 2) ? IDENTITY_DELETE : IDENTITY_ERASE;
		torture_step(world, &upsert);
	}
	step.a = (uint8_t) draw(world, RECORDS);
	step.b = (uint8_t) draw(world, RECORDS);
	step.seen_a = (uint16_t) draw(world, 1u << RECORDS);
	step.seen_b = (uint16_t) draw(world, 1u << RECORDS);
	torture_step(world, &step);
	step.verdict = IDENTITY_SPLIT;
	torture_step(world, &step);
	step = (Step){.type = IDENTITY_UNDO, .judgement = 1 + draw(world, 6)};
	torture_step(world, &step);
}

/* ---- many records: chunks, tables and sets that grow in the middle of a batch ---- */

typedef struct Crowd
{
	IdentityChange change[MANY];
	IdentityField field[MANY][2];
	char id[MANY][16], name[MANY][32], email[MANY][32];
} Crowd;

static Crowd *
crowd(World *world)
{
	Crowd *c = calloc(1, sizeof(*c));

	if (c == NULL)
		wrong("out of memory", 0);
	for (unsigned i = 0; i < MANY; i++)
	{
		unsigned who = draw(world, MANY / 2);

		snprintf(c->id[i], sizeof(c->id[i]), "many%u", i);
		snprintf(c->name[i], sizeof(c->name[i]), "Anna M%c%c%cer", 'a' + who % 26,
				 'a' + who / 26 % 26, 'a' + i % 26);
		snprintf(c->email[i], sizeof(c->email[i]), "mailbox%u@example.org", who);
		c->field[i][0] =
			(IdentityField){IDENTITY_FULL_NAME, 0, NULL, c->name[i], strlen(c->name[i])};
		c->field[i][1] = (IdentityField){IDENTITY_EMAIL, 0, NULL, c->email[i], strlen(c->email[i])};
		c->change[i].type = IDENTITY_UPSERT;
		c->change[i].fields = c->field[i];
		c->change[i].nfields = 2;
		c->change[i].ref = (IdentityRef){"crowd", c->id[i]};
		c->change[i].position = world->position + 1 + i;
	}
	return c;
}

/* A ceiling refuses a batch as a whole; what fits below it goes on being taken. */
static void
torture_ceilings(World *world, const Crowd *c)
{
	for (size_t ceiling = 1100000; ceiling < 4500000; ceiling += 230000)
	{
		IdentityMemory memory = {NULL, NULL, NULL, ceiling};
		Identity *low = identity_new(world->model, "p", &memory, NULL);
		Identity *whole = identity_new(world->model, "p", NULL, NULL);
		IdentityStats stats;
		unsigned refused = 0;

		if (low == NULL || whole == NULL)
			wrong("no engine under a ceiling", 0);
		for (unsigned at = 0; at < MANY; at += 25)
		{
			unsigned count = refused > 0 ? 1 : 25; /* smaller pieces once it is tight */
			Err err;

			tries++;
			err_clear(&err);
			if (!identity_prepare(low, c->change + at, count, NULL, &err))
			{
				check_err(&err, "a ceiling gives another error", at);
				expect_same_state(world, low, whole, "a refused batch left something");
				if (++refused == 6)
					break;
				continue;
			}
			identity_commit(low);
			if (!identity_prepare(whole, c->change + at, count, NULL, NULL))
				wrong("a batch failed", at);
			identity_commit(whole);
		}
		expect_same_state(world, low, whole, "an engine under a ceiling has other bytes");
		identity_stats(low, &stats);
		if (stats.bytes_peak > ceiling)
			wrong("a ceiling was passed", stats.bytes_peak);
		identity_free(low);
		identity_free(whole);
	}
}

/* ---- new, restore, snapshot, queries ---- */

static bool
append(void *context, const void *bytes, size_t length, Err *err)
{
	return buffer_append(context, bytes, length, err);
}

typedef struct Tape
{
	const Buffer *buffer;
	size_t at;
} Tape;

static bool
play(void *context, void *bytes, size_t length, Err *err)
{
	Tape *tape = context;

	if (tape->buffer->length - tape->at < length)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the tape ends early");
	memcpy(bytes, tape->buffer->data + tape->at, length);
	tape->at += length;
	return true;
}

static bool
no_item(void *context, const IdentityReviewItem *item)
{
	(void) context;
	return item != NULL;
}

typedef struct Call
{
	const World *world;
	const Buffer *snapshot;
	IdentityModel *fitted;
} Call;

static bool
call_new(const Call *call, Err *err)
{
	Identity *identity = identity_new(call->world->model, "p", NULL, err);

	identity_free(identity);
	return identity != NULL;
}

static bool
call_restore(const Call *call, Err *err)
{
	Tape tape = {call->snapshot, 0};
	Identity *identity = identity_restore(call->world->model, "p", NULL, play, &tape, err);

	alloc_fail_at(0);
	if (identity != NULL)
		expect_same_state(call->world, identity, call->world->main, "a restored state differs");
	identity_free(identity);
	return identity != NULL;
}

static bool
call_snapshot(const Call *call, Err *err)
{
	Buffer out;
	bool done;

	buffer_init(&out, (size_t) 1 << 30);
	done = identity_snapshot(call->world->main, append, &out, err);
	buffer_release(&out);
	return done;
}

static bool
call_review(const Call *call, Err *err)
{
	return identity_review(call->world->main, 5, no_item, NULL, err);
}

static bool
call_explain(const Call *call, Err *err)
{
	Buffer out;
	unsigned r = 0;
	bool done;

	while (r + 1 < RECORDS && !call->world->present[r])
		r++;
	buffer_init(&out, (size_t) 1 << 24);
	done = identity_explain_record(call->world->main, ref_of(r), NULL, &out, err);
	buffer_release(&out);
	return done;
}

static bool
call_model(const Call *call, Err *err)
{
	Buffer out;
	IdentityModel *model = NULL;
	bool done;

	buffer_init(&out, (size_t) 1 << 24);
	done = identity_model_print(call->world->model, &out, err);
	if (done)
		model = identity_model_parse((const char *) out.data, out.length, err);
	done = model != NULL;
	identity_model_free(model);
	buffer_release(&out);
	return done;
}

static bool
call_train(const Call *call, Err *err)
{
	IdentityTrainer *trainer = identity_trainer_new(call->world->model, (size_t) 1 << 28, err);
	IdentityModel *model = NULL;
	bool done = trainer != NULL;

	for (unsigned r = 0; done && r < RECORDS; r++)
	{
		Step step = {.type = IDENTITY_UPSERT, .a = (uint8_t) r, .values = call->world->values[r]};
		IdentityChange change;
		Built built;

		build(call->world, &step, &change, &built);
		done = identity_trainer_add(trainer, change.kind, change.fields, change.nfields, err);
	}
	if (done)
		model = identity_trainer_finish(trainer, NULL, err);
	identity_trainer_free(trainer);
	identity_model_free(model);
	return model != NULL;
}

/* Too few answers is no failure. */
static bool
call_calibrate(const Call *call, Err *err)
{
	return identity_calibrate(call->world->main, call->fitted, err) || err->class == ERR_CLASS_NONE;
}

static void
torture_call(const Call *call, bool (*function)(const Call *, Err *), const char *what)
{
	Buffer before, after;

	buffer_init(&before, (size_t) 1 << 30);
	buffer_init(&after, (size_t) 1 << 30);
	snapshot_of(call->world, call->world->main, &before);
	for (unsigned long n = 1;; n++)
	{
		bool done;
		Err err;

		tries++;
		err_clear(&err);
		alloc_fail_at(n);
		done = function(call, &err);
		alloc_fail_at(0);
		snapshot_of(call->world, call->world->main, &after);
		if (!same_bytes(&before, &after))
			wrong("a query left something", n);
		if (done)
			break;
		check_err(&err, what, n);
	}
	buffer_release(&before);
	buffer_release(&after);
}

static void
torture_calls(World *world)
{
	Buffer bytes;
	Call call = {world, &bytes, identity_model_default(NULL)};

	if (call.fitted == NULL)
		wrong("out of memory", 0);
	buffer_init(&bytes, (size_t) 1 << 30);
	snapshot_of(world, world->main, &bytes);
	torture_call(&call, call_new, "new gives another error than no memory");
	torture_call(&call, call_restore, "restore gives another error than no memory");
	torture_call(&call, call_snapshot, "snapshot gives another error than no memory");
	torture_call(&call, call_review, "review gives another error than no memory");
	torture_call(&call, call_explain, "explain gives another error than no memory");
	torture_call(&call, call_model, "a model gives another error than no memory");
	torture_call(&call, call_calibrate, "calibrating gives another error than no memory");
	torture_call(&call, call_train, "training gives another error than no memory");
	identity_model_free(call.fitted);
	buffer_release(&bytes);
}

int
main(void)
{
	IdentityModel *model = identity_model_default(NULL);
	World *world = calloc(1, sizeof(*world));
	Crowd *c;

	if (model == NULL || world == NULL)
		return 2;
	world->model = world->other_model = model;
	world->random = 7;
	world->kinds = 2;
	world->main = identity_new(model, "p", NULL, NULL);
	world->replica = identity_new(model, "p", NULL, NULL);
	if (world->main == NULL || world->replica == NULL)
		return 2;
	for (unsigned round = 0; round < 3; round++)
	{
		for (unsigned s = 0; s < 20; s++)
			random_step(world);
		torture_changes(world);
	}
	torture_calls(world);
	c = crowd(world);
	torture_prepare(world, c->change, MANY);
	torture_ceilings(world, c);
	printf("%lu tries, %lu failures: nothing was left behind\n", tries, failures);
	identity_free(world->main);
	identity_free(world->replica);
	identity_model_free(model);
	free(c);
	free(world);
	return 0;
}
