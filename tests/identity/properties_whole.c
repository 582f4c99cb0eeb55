/* SPDX-License-Identifier: PostgreSQL */
/*
 * properties_whole.c — what must hold of a history as a whole, tried on engines set aside.
 */
#include "properties.h"

#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

/* ---- at any point ---- */

/* Were customers joined and none of them parted?  What was parted may be joined under the id
 * of either part, the one with more records. */
static bool
only_merges(const IdentityId before[RECORDS], const IdentityId after[RECORDS])
{
	for (unsigned i = 0; i < RECORDS; i++)
		for (unsigned j = 0; j < i; j++)
			if (some_id(&before[i]) && same_id(&before[i], &before[j]) &&
				!same_id(&after[i], &after[j]))
				return false;
	return true;
}

/* A record comes and goes: the partition is what it was, and so are the ids after a merge. */
static void
probe_insert_delete(World *world)
{
	IdentityId before[RECORDS], between[RECORDS], after[RECORDS];
	Step step = {.type = IDENTITY_UPSERT};
	Identity *aside;
	unsigned r = draw(world, RECORDS);

	if (world->present[r])
		return;
	aside = fork_of(world, world->main);
	step.a = (uint8_t) r;
	step.values = some_values(world, false);
	ids_of(world, aside, before);
	take_aside(world, aside, &step);
	ids_of(world, aside, between);
	step.type = IDENTITY_DELETE;
	take_aside(world, aside, &step);
	ids_of(world, aside, after);
	if (!same_partition(before, after))
		fail(world, "delete does not undo insert");
	if (only_merges(before, between) && memcmp(before, after, sizeof(before)) != 0)
		fail(world, "insert and delete change an id");
	identity_free(aside);
}

/* An update is a delete and an insert, but for the id; whoever stays among the same keeps it. */
static void
probe_update(World *world)
{
	IdentityId before[RECORDS], updated[RECORDS], replaced[RECORDS];
	Step step = {.type = IDENTITY_UPSERT};
	Identity *update, *replace;
	unsigned r = draw(world, RECORDS);

	if (!world->present[r])
		return;
	update = fork_of(world, world->main);
	replace = fork_of(world, world->main);
	step.a = (uint8_t) r;
	step.values = some_values(world, false);
	ids_of(world, update, before);
	take_aside(world, update, &step);
	ids_of(world, update, updated);
	step.type = IDENTITY_DELETE;
	take_aside(world, replace, &step);
	step.type = IDENTITY_UPSERT;
	take_aside(world, replace, &step);
	ids_of(world, replace, replaced);
	if (!same_partition(updated, replaced))
		fail(world, "an update is not a delete and an insert");
	for (unsigned i = 0; i < RECORDS; i++)
	{
		bool same = some_id(&before[i]);

		for (unsigned j = 0; j < RECORDS; j++)
			same &= same_id(&before[i], &before[j]) == same_id(&updated[i], &updated[j]);
		if (same && !same_id(&before[i], &updated[i]))
			fail(world, "an update changes the id of a customer that stays as it was");
	}
	identity_free(update);
	identity_free(replace);
}

/* Judged the same, then not any more: each has the id it had. */
static void
probe_merge_split(World *world)
{
	IdentityId before[RECORDS], between[RECORDS], after[RECORDS];
	Step step = {.type = IDENTITY_JUDGE, .verdict = IDENTITY_SAME};
	Identity *aside = fork_of(world, world->main);

	step.a = (uint8_t) draw(world, RECORDS);
	step.b = (uint8_t) draw(world, RECORDS);
	step.judgement = world->handles + 1000;
	ids_of(world, aside, before);
	if (take_aside(world, aside, &step) == IDENTITY_DONE)
	{
		ids_of(world, aside, between);
		step.type = IDENTITY_UNDO;
		take_aside(world, aside, &step);
		ids_of(world, aside, after);
		if (!same_partition(before, after))
			fail(world, "an undone answer has an effect");
		if (only_merges(before, between) && memcmp(before, after, sizeof(before)) != 0)
			fail(world, "merge and split do not give former ids back");
	}
	identity_free(aside);
}

void
probe(World *world)
{
	world->mix.probes++;
	switch (draw(world, 3))
	{
		case 0:
			probe_insert_delete(world);
			break;
		case 1:
			probe_update(world);
			break;
		default:
			probe_merge_split(world);
			break;
	}
}

/* ---- another order, one batch ---- */

typedef struct Batch
{
	IdentityChange change[STEPS_MAX + 2 * RECORDS];
	Built built[STEPS_MAX + 2 * RECORDS];
	Step step[STEPS_MAX + 2 * RECORDS];
	unsigned count;
} Batch;

static void
put(const World *world, Batch *batch, const Step *step)
{
	unsigned at = batch->count++;

	batch->step[at] = *step;
	batch->step[at].position = at + 1;
	batch->step[at].ordinal = 0;
	batch->step[at].version_a = batch->step[at].version_b = 0;
	build(world, &batch->step[at], &batch->change[at], &batch->built[at]);
}

static void
put_record(const World *world, Batch *batch, unsigned record, IdentityChangeType type)
{
	Step step = {.type = type, .a = (uint8_t) record, .values = world->values[record]};

	put(world, batch, &step);
}

/* The records in another order, the answers that hold in theirs; absent anchors go last. */
static void
put_all(World *world, Batch *batch)
{
	static const unsigned stride[] = {1, 3, 5, 9, 11, 13};
	unsigned offset = draw(world, RECORDS), step = stride[draw(world, 6)];

	for (unsigned i = 0; i < RECORDS; i++)
		put_record(world, batch, (i * step + offset) % RECORDS, IDENTITY_UPSERT);
	for (unsigned s = 0; s < world->nsteps; s++)
		if (world->in_force[s])
		{
			Step answer = world->step[s];

			answer.seen_a &= (uint16_t) ~world->forgotten[s];
			answer.seen_b &= (uint16_t) ~world->forgotten[s];
			answer.carried = true; /* kinds may have changed since */
			put(world, batch, &answer);
		}
	for (unsigned r = 0; r < RECORDS; r++)
		if (!world->present[r])
			put_record(world, batch, r, IDENTITY_DELETE);
}

static void
check_order(World *world)
{
	Identity *other = identity_new(world->model, "p", NULL, NULL);
	Batch *batch = calloc(1, sizeof(*batch));
	IdentityId ids[RECORDS];

	if (other == NULL || batch == NULL)
		fail(world, "out of memory");
	put_all(world, batch);
	if (!identity_prepare(other, batch->change, batch->count, NULL, NULL))
		fail(world, "a batch failed");
	identity_commit(other);
	ids_of(world, other, ids);
	if (!same_partition(ids, world->consumer))
		fail(world, "another order gives another partition");
	free(batch);
	identity_free(other);
}

/* ---- the same changes in other batches, with kills ---- */

static void
make_forms(const World *world, Batch *batch, IdentityForm **forms)
{
	for (unsigned i = 0; i < batch->count; i++)
		if (batch->change[i].fields != NULL)
		{
			forms[i] = identity_form(world->model, batch->change[i].kind, batch->change[i].fields,
									 batch->change[i].nfields, NULL);
			batch->change[i].form = forms[i];
		}
}

static void
check_replay(World *world)
{
	Identity *other = identity_new(world->model, "p", NULL, NULL);
	Batch *batch = calloc(1, sizeof(*batch));
	IdentityForm *forms[STEPS_MAX + 2 * RECORDS] = {NULL};
	unsigned at = 0;

	if (other == NULL || batch == NULL)
		fail(world, "out of memory");
	for (unsigned s = 0; s < world->nsteps; s++)
		build(world, &world->step[s], &batch->change[s], &batch->built[s]);
	batch->count = world->nsteps;
	if (draw(world, 2)) /* as preparing threads would */
		make_forms(world, batch, forms);
	while (at < world->nsteps)
	{
		unsigned n = 1 + draw(world, draw(world, 2) ? 4 : world->nsteps), back;

		n = at + n > world->nsteps ? world->nsteps - at : n;
		if (!identity_prepare(other, batch->change + at, n, NULL, NULL))
			fail(world, "a batch failed");
		if (draw(world, 8) == 0) /* killed before the commit */
		{
			identity_abort(other);
			continue;
		}
		identity_commit(other);
		at += n;
		if (draw(world, 8) == 0) /* killed after a snapshot; older changes come again */
		{
			Identity *again = fork_of(world, other);

			identity_free(other);
			other = again;
			back = draw(world, 8);
			at -= back < at ? back : at;
		}
	}
	expect_same_state(world, world->main, other, "other batches or a kill give other bytes");
	for (unsigned i = 0; i < batch->count; i++)
		identity_form_free(forms[i]);
	free(batch);
	identity_free(other);
}

/* ---- an answer undone under later ones ---- */

static void
check_undo(World *world)
{
	Identity *with, *without;
	IdentityId x[RECORDS], y[RECORDS];
	unsigned k = draw(world, world->nsteps), tries = 0;
	Step undo = {.type = IDENTITY_UNDO};

	while (!world->in_force[k] && tries++ < world->nsteps)
		k = (k + 1) % world->nsteps;
	if (!world->in_force[k])
		return;
	with = fork_of(world, world->main);
	without = identity_new(world->model, "p", NULL, NULL);
	if (without == NULL)
		fail(world, "out of memory");
	undo.judgement = world->step[k].judgement;
	if (take_aside(world, with, &undo) != IDENTITY_DONE)
		fail(world, "an answer that holds cannot be undone");
	for (unsigned s = 0; s < world->nsteps; s++)
	{
		Step step = world->step[s];

		step.version_a = step.version_b = 0;
		step.carried = step.status == IDENTITY_DONE;
		if (s != k && (step.type != IDENTITY_JUDGE || step.status == IDENTITY_DONE))
			take_aside(world, without, &step);
	}
	ids_of(world, with, x);
	ids_of(world, without, y);
	if (!same_partition(x, y))
		fail(world, "undo is not the history without the answer");
	identity_free(with);
	identity_free(without);
}

/* ---- another model ---- */

static void
check_switch(World *world)
{
	Identity *other = identity_new(world->other_model, "p", NULL, NULL);
	IdentityId ids[RECORDS];
	Step step;

	if (other == NULL)
		fail(world, "out of memory");
	for (unsigned r = 0; r < RECORDS; r++)
	{
		memset(&step, 0, sizeof(step));
		step.type = IDENTITY_ADOPT;
		step.a = (uint8_t) r;
		step.values = world->values[r];
		step.customer = world->consumer[r];
		if (world->present[r])
			take_aside(world, other, &step);
	}
	for (unsigned s = 0; s < world->nsteps; s++)
		if (world->in_force[s])
		{
			step = world->step[s];
			step.version_a = step.version_b = 0;
			step.seen_a &= (uint16_t) ~world->forgotten[s];
			step.seen_b &= (uint16_t) ~world->forgotten[s];
			step.carried = true;
			if (take_aside(world, other, &step) != IDENTITY_DONE)
				fail(world, "an answer that holds is not carried to another model");
		}
	memset(&step, 0, sizeof(step));
	step.type = IDENTITY_SETTLE;
	take_aside(world, other, &step);
	check_answers(world, other);
	ids_of(world, other, ids);
	for (unsigned i = 0; i < RECORDS; i++)
	{
		bool same = some_id(&ids[i]);

		for (unsigned j = 0; j < RECORDS; j++)
			same &= same_id(&ids[i], &ids[j]) == same_id(&world->consumer[i], &world->consumer[j]);
		if (same && !same_id(&ids[i], &world->consumer[i]))
			fail(world, "another model changes the id of a customer that stays as it was");
	}
	/* what was away comes back: the answers hold for it too */
	for (unsigned r = 0; r < RECORDS; r++)
	{
		memset(&step, 0, sizeof(step));
		step.type = IDENTITY_UPSERT;
		step.a = (uint8_t) r;
		step.values = world->values[r];
		if (!world->present[r])
			take_aside(world, other, &step);
	}
	check_answers(world, other);
	identity_free(other);
}

/* ---- erasing ---- */

static bool
print_judged(void *context, const IdentityJudged *judged)
{
	Buffer *out = context;

	return buffer_printf(out, NULL, "%s %s %s %s %s\n", judged->a.source, judged->a.id,
						 judged->b.id, judged->user, judged->reason);
}

static bool
print_item(void *context, const IdentityReviewItem *item)
{
	Buffer *out = context;

	return buffer_printf(out, NULL, "%s %s %s\n", item->a.id, item->b.id, item->reason);
}

/* Everything that a report is made of. */
static void
report_of(const World *world, const Identity *identity, Buffer *out)
{
	if (!identity_review(identity, 100, print_item, out, NULL))
		fail(world, "a review failed");
	identity_judgements(identity, print_judged, out);
	for (unsigned r = 0; r < RECORDS; r++)
		if (world->present[r] &&
			(!identity_explain_record(identity, ref_of(r), NULL, out, NULL) ||
			 !identity_explain_pair(identity, ref_of(r), ref_of(r), out, NULL)))
			fail(world, "an explanation failed");
	if (!identity_model_print(world->model, out, NULL))
		fail(world, "the model was not printed");
}

static void
check_erase(World *world)
{
	static const char *const canaries[] = {CANARY, "canaryid-"};
	uint64_t hash[RECORDS];
	Buffer bytes, report;

	for (unsigned r = 0; r < RECORDS; r++)
	{
		IdentityRef ref = ref_of(r);
		Step step = {.type = IDENTITY_ERASE, .a = (uint8_t) r};

		hash[r] = identity_ref_hash(ref.source, ref.id);
		if (r >= 11)
			take(world, &step);
	}
	world->clean = true;
	for (unsigned r = 0; r < 3; r++)
	{
		Step step = {
			.type = IDENTITY_UPSERT, .a = (uint8_t) r, .values = some_values(world, false)};

		take(world, &step);
	}
	buffer_init(&bytes, (size_t) 1 << 30);
	buffer_init(&report, (size_t) 1 << 30);
	snapshot_of(world, world->main, &bytes);
	report_of(world, world->main, &report);
	for (unsigned c = 0; c < 2; c++)
	{
		size_t length = strlen(canaries[c]);

		if (memmem(bytes.data, bytes.length, canaries[c], length) != NULL)
			fail(world, "an erased value is in the snapshot");
		if (memmem(report.data, report.length, canaries[c], length) != NULL)
			fail(world, "an erased value is in a report");
		if (pool_holds(&world->pool, canaries[c], length))
			fail(world, "an erased value is in memory");
	}
	for (unsigned r = 11; r < RECORDS; r++)
		if (memmem(bytes.data, bytes.length, &hash[r], sizeof(hash[r])) != NULL)
			fail(world, "an erased record's name is in the snapshot as a hash");
	buffer_release(&bytes);
	buffer_release(&report);
}

void
check_whole(World *world)
{
	char message[200];

	if (world->unsettled == 0 && !identity_verify(world->main, message, sizeof(message)))
		fail(world, message);
	expect_same_state(world, world->main, world->replica, "stored deltas give other bytes");
	check_order(world);
	check_replay(world);
	check_undo(world);
	check_switch(world);
	check_erase(world);
	expect_same_state(world, world->main, world->replica, "stored deltas give other bytes");
}
