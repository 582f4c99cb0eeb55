/* SPDX-License-Identifier: PostgreSQL */
/*
 * properties_step.c — one step of the main engine, and what the steps are drawn from.
 *
 * Every step is told to a replica that sees stored deltas only and to a consumer that
 * sees events only, and its status is foretold by an oracle that knows no more than
 * which records are there and which answers hold.
 */
#include "properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what holds, worked out from the steps alone ---- */

static unsigned
anchor_b(const Step *step)
{
	return step->verdict == IDENTITY_SPLIT && step->seen_b != 0
			   ? (unsigned) __builtin_ctz(step->seen_b)
			   : step->b;
}

/* Bits of the records tied to one by answers "same". */
static unsigned
tied(const World *world, unsigned record)
{
	unsigned set = 1u << record, before;

	do
	{
		before = set;
		for (unsigned s = 0; s < world->nsteps; s++)
			if (world->in_force[s] && world->step[s].verdict == IDENTITY_SAME)
			{
				unsigned pair = 1u << world->step[s].a | 1u << world->step[s].b;

				set |= set & pair ? pair : 0;
			}
	} while (set != before);
	return set;
}

static bool
contradicts(const World *world, const Step *step)
{
	unsigned x = tied(world, step->a), y;

	if (step->verdict == IDENTITY_UNSURE)
		return false;
	if (step->verdict == IDENTITY_DIFFERENT)
		return x >> step->b & 1;
	if (step->verdict == IDENTITY_SPLIT)
		return (x & step->seen_b) != 0;
	y = tied(world, step->b);
	for (unsigned s = 0; s < world->nsteps; s++)
	{
		const Step *k = &world->step[s];
		unsigned foreign =
			k->verdict == IDENTITY_SPLIT ? k->seen_b & ~world->forgotten[s] : 1u << k->b;

		if (!world->in_force[s] || k->verdict < IDENTITY_DIFFERENT || k->verdict == IDENTITY_UNSURE)
			continue;
		if (((x >> k->a & 1) && (y & foreign)) || ((y >> k->a & 1) && (x & foreign)))
			return true;
	}
	return false;
}

static IdentityStatus
foretold_judge(const World *world, const Step *step)
{
	unsigned a = step->a, b = anchor_b(step);
	bool split = step->verdict == IDENTITY_SPLIT;

	if (!world->present[a] || !world->present[b] || a == b || (split && step->seen_b == 0))
		return IDENTITY_ABSENT;
	for (unsigned s = 0; s < world->nsteps; s++)
		if (world->in_force[s] && world->step[s].judgement == step->judgement)
			return IDENTITY_REPLAYED;
	if ((step->version_a != 0 &&
		 step->version_a != identity_version(world->main, world->consumer[a], NULL)) ||
		(!split && step->version_b != 0 &&
		 step->version_b != identity_version(world->main, world->consumer[b], NULL)))
		return IDENTITY_STALE;
	if (step->verdict == IDENTITY_SAME && world->values[a].company != world->values[b].company)
		return IDENTITY_ABSENT;
	return contradicts(world, step) ? IDENTITY_CONTRADICTION : IDENTITY_DONE;
}

static unsigned
step_of(const World *world, uint64_t handle)
{
	for (unsigned s = 0; s < world->nsteps; s++)
		if (world->in_force[s] && world->step[s].judgement == handle)
			return s;
	return STEPS_MAX;
}

/* Is this the status that the step must have?  judge: what an answer's must be, worked out before. */
static bool
foretold(const World *world, const Step *step, IdentityStatus judge, IdentityStatus status)
{
	switch (step->type)
	{
		case IDENTITY_UPSERT:
			if (world->present[step->a] &&
				memcmp(&step->values, &world->values[step->a], sizeof(Values)) == 0)
				return status == IDENTITY_SAME_FORM;
			return status == IDENTITY_DONE ||
				   (status == IDENTITY_SAME_FORM && world->present[step->a]);
		case IDENTITY_ADOPT:
		case IDENTITY_SETTLE:
		case IDENTITY_ERASE:
			return status == IDENTITY_DONE;
		case IDENTITY_DELETE:
			return status == (world->present[step->a] ? IDENTITY_DONE : IDENTITY_ABSENT);
		case IDENTITY_JUDGE:
			return status == judge;
		case IDENTITY_UNDO:
			return status ==
				   (step_of(world, step->judgement) < STEPS_MAX ? IDENTITY_DONE : IDENTITY_ABSENT);
	}
	return false;
}

static void
forget_answers(World *world, unsigned record)
{
	for (unsigned s = 0; s < world->nsteps; s++)
	{
		const Step *k = &world->step[s];

		if (!world->in_force[s])
			continue;
		if (k->a == record || anchor_b(k) == record)
			world->in_force[s] = false;
		world->forgotten[s] |= (uint16_t) (1u << record);
	}
}

static void
learn(World *world, const Step *step, IdentityStatus status)
{
	unsigned a = step->a, at = world->nsteps - 1;
	Mix *mix = &world->mix;

	switch (step->type)
	{
		case IDENTITY_UPSERT:
		case IDENTITY_ADOPT:
			world->present[a] = true;
			world->values[a] = step->values;
			if (step->type == IDENTITY_ADOPT)
				world->unsettled |= 1u << a;
			mix->upserts += step->type == IDENTITY_UPSERT;
			mix->adopted += step->type == IDENTITY_ADOPT;
			break;
		case IDENTITY_DELETE:
		case IDENTITY_ERASE:
			world->present[a] = false;
			world->unsettled &= ~(1u << a);
			if (step->type == IDENTITY_ERASE)
				forget_answers(world, a);
			mix->deletes += step->type == IDENTITY_DELETE;
			mix->erases += step->type == IDENTITY_ERASE;
			break;
		case IDENTITY_JUDGE:
			world->in_force[at] = status == IDENTITY_DONE;
			if (status == IDENTITY_DONE)
				mix->judged[step->verdict]++;
			else
				mix->refused++;
			break;
		case IDENTITY_UNDO:
			if (status == IDENTITY_DONE)
				world->in_force[step_of(world, step->judgement)] = false;
			mix->undone += status == IDENTITY_DONE;
			break;
		case IDENTITY_SETTLE:
			world->unsettled = 0;
			break;
	}
}

/* ---- taking ---- */

static void
try_and_abort(World *world, const IdentityChange *change)
{
	Buffer before, after;

	buffer_init(&before, (size_t) 1 << 30);
	buffer_init(&after, (size_t) 1 << 30);
	snapshot_of(world, world->main, &before);
	if (!identity_prepare(world->main, change, 1, NULL, NULL))
		fail(world, "a change failed");
	identity_abort(world->main);
	snapshot_of(world, world->main, &after);
	if (!same_bytes(&before, &after))
		fail(world, "an aborted batch left something");
	buffer_release(&before);
	buffer_release(&after);
	world->mix.aborted++;
}

static void
follow(World *world, const void *bytes, size_t length)
{
	size_t shift = draw(world, 8); /* where stored bytes lie in memory is nobody's business */
	uint8_t *stored = malloc(length + shift);
	Err err;

	if (stored == NULL)
		fail(world, "out of memory");
	memcpy(stored + shift, bytes, length);
	err_clear(&err);
	if (!identity_apply(world->replica, stored + shift, length, &err))
		fail(world, err.message);
	free(stored);
	if (draw(world, 24) == 0)
	{
		Identity *again = fork_of(world, world->replica);

		identity_free(world->replica);
		world->replica = again;
	}
}

static void
next_position(World *world, Step *step)
{
	if (draw(world, 4) == 0)
		world->ordinal++;
	else
	{
		world->position += 1 + draw(world, 3);
		world->ordinal = draw(world, 2);
	}
	step->position = world->position;
	step->ordinal = world->ordinal;
}

IdentityStatus
take(World *world, Step *step)
{
	const IdentityDelta *delta;
	IdentityChange change;
	IdentityStatus status, judge = IDENTITY_DONE;
	size_t length;
	const void *bytes;
	Built built;

	if (world->nsteps == STEPS_MAX)
		fail(world, "a history is too long");
	next_position(world, step);
	build(world, step, &change, &built);
	if (step->type == IDENTITY_JUDGE)
		judge = foretold_judge(world, step);
	if (draw(world, 12) == 0)
		try_and_abort(world, &change);
	if (!identity_prepare(world->main, &change, 1, &delta, NULL))
		fail(world, "a change failed");
	status = identity_delta_status(delta, 0, NULL);
	bytes = identity_delta_bytes(delta, &length);
	/* a record's name is in the change that erases it, and nowhere after all were erased */
	if ((step->type == IDENTITY_ERASE && memmem(bytes, length, CANARY, strlen(CANARY)) != NULL) ||
		(world->clean && memmem(bytes, length, "canary", 6) != NULL))
		fail(world, "an erased value is in a delta");
	follow(world, bytes, length);
	if (!foretold(world, step, judge, status))
	{
		char what[100];

		snprintf(what, sizeof(what), "change of type %d, verdict %d, has the status %d, not %d",
				 (int) step->type, step->verdict, (int) status,
				 step->type == IDENTITY_JUDGE ? (int) judge : -1);
		fail(world, what);
	}
	step->status = status;
	world->step[world->nsteps++] = *step;
	learn(world, step, status);
	world->mix.steps++;
	consume(world, delta);
	identity_commit(world->main);
	if (memmem(bytes, length, "canary", 6) != NULL) /* still the engine's memory */
		fail(world, "a value stays in the delta's memory after the commit");
	check_step(world);
	return status;
}

/* ---- drawing ---- */

/* Mostly an answer that holds. */
static uint64_t
draw_handle(World *world)
{
	unsigned from = world->nsteps == 0 ? 0 : draw(world, world->nsteps);

	for (unsigned i = 0; i < world->nsteps && draw(world, 50) > 0; i++)
		if (world->in_force[(from + i) % world->nsteps])
			return world->step[(from + i) % world->nsteps].judgement;
	return 1 + draw(world, (unsigned) world->handles + 1);
}

/* Mostly a record that is there. */
static unsigned
draw_record(World *world)
{
	unsigned r = draw(world, RECORDS);

	for (unsigned i = 0; i < RECORDS && draw(world, 8) > 0; i++)
		if (world->present[(r + i) % RECORDS])
			return (r + i) % RECORDS;
	return r;
}

static void
draw_judgement(World *world, Step *step)
{
	static const uint8_t verdicts[] = {IDENTITY_SAME,	   IDENTITY_SAME,	   IDENTITY_SAME,
									   IDENTITY_DIFFERENT, IDENTITY_DIFFERENT, IDENTITY_DIFFERENT,
									   IDENTITY_UNSURE,	   IDENTITY_SPLIT};

	step->type = IDENTITY_JUDGE;
	step->verdict = verdicts[draw(world, 8)];
	step->judgement =
		draw(world, 20) == 0 && world->handles > 0 ? world->handles : ++world->handles;
	step->a = (uint8_t) draw_record(world);
	step->b = (uint8_t) draw_record(world);
	/* mostly an answer that changes something: two customers joined, or one parted */
	for (unsigned i = 0; i < 6; i++)
		if (world->values[step->a].company != world->values[step->b].company ||
			same_id(&world->consumer[step->a], &world->consumer[step->b]) ==
				(step->verdict == IDENTITY_SAME))
			step->b = (uint8_t) draw_record(world);
	for (unsigned r = 0; r < RECORDS; r++)
	{
		if (!world->present[r])
			continue;
		if (same_id(&world->consumer[r], &world->consumer[step->a]) && draw(world, 2))
			step->seen_a |= (uint16_t) (1u << r);
		if (same_id(&world->consumer[r], &world->consumer[step->b]) && draw(world, 2))
			step->seen_b |= (uint16_t) (1u << r);
	}
	if (step->verdict == IDENTITY_SPLIT)
	{
		step->seen_b = (uint16_t) (step->seen_a & ~(1u << step->a) & draw(world, 1u << RECORDS));
		step->seen_a &= (uint16_t) ~step->seen_b;
	}
	if (draw(world, 3) == 0)
	{
		step->version_a = identity_version(world->main, world->consumer[step->a], NULL);
		step->version_b = identity_version(world->main, world->consumer[step->b], NULL);
		step->version_a += draw(world, 8) == 0;
	}
}

/* An earlier step comes again: nothing may come of it. */
static void
replay(World *world)
{
	const IdentityDelta *delta;
	IdentityChange change;
	Built built;

	if (world->nsteps == 0)
		return;
	build(world, &world->step[draw(world, world->nsteps)], &change, &built);
	if (!identity_prepare(world->main, &change, 1, &delta, NULL))
		fail(world, "a change failed");
	if (identity_delta_status(delta, 0, NULL) != IDENTITY_REPLAYED)
		fail(world, "a replay is not seen");
	identity_commit(world->main);
}

void
adopt_some(World *world)
{
	IdentityId customer = {{0xad}};
	unsigned adopted = 0;

	for (unsigned r = 0; r < RECORDS; r++)
	{
		Step step = {.type = IDENTITY_ADOPT, .a = (uint8_t) r};

		if (world->present[r] || draw(world, 2))
			continue;
		if (adopted++ == 0 || draw(world, 2) ||
			identity_version(world->main, customer, NULL) == 0) /* an id is not used again */
		{
			customer.bytes[1] = (uint8_t) ++world->adoptions;
			customer.bytes[2] = (uint8_t) (world->adoptions >> 8);
		}
		step.customer = customer;
		step.values = some_values(world, r >= 11);
		take(world, &step);
		if (draw(world, 4) == 0) /* other changes come between */
		{
			step.type = draw(world, 2) ? IDENTITY_UPSERT : IDENTITY_DELETE;
			step.a = (uint8_t) draw(world, RECORDS);
			step.values = some_values(world, step.a >= 11);
			take(world, &step);
		}
	}
	if (adopted > 0)
	{
		Step step = {.type = IDENTITY_SETTLE};

		take(world, &step);
	}
}

void
random_step(World *world)
{
	unsigned what = draw(world, 100), a = draw(world, RECORDS);
	Step step = {.a = (uint8_t) a};

	if (what < 1)
	{
		adopt_some(world);
		return;
	}
	if (what < 4)
	{
		replay(world);
		return;
	}
	if (what < 64 || (what < 66 && !world->present[a]))
	{
		step.type = IDENTITY_UPSERT;
		step.values = some_values(world, a >= 11);
	}
	else if (what < 66)
	{
		step.type = IDENTITY_UPSERT;
		step.values = world->values[a];
		if (draw(world, 8) > 0)
			step.values.pick[draw(world, 8)] = (uint8_t) draw(world, 240);
	}
	else if (what < 70)
		step.type = IDENTITY_DELETE;
	else if (what < 71)
		step.type = IDENTITY_ERASE;
	else if (what < 89)
		draw_judgement(world, &step);
	else
	{
		step.type = IDENTITY_UNDO;
		step.judgement = draw_handle(world);
	}
	take(world, &step);
}
