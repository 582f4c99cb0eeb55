/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_match_switch.c — puts a state's records under another model, with their ids.
 *
 * Each record is adopted into the customer it is in, at the version that it has; judgements follow in the
 * order they were made, those of records that are away too: what a steward said holds under any
 * model. All this is as before, and is told to nobody. Then everything is clustered at once, ids go by
 * overlap, and what differs are the events.
 */
#include <string.h>

#include "cli/cli_match_priv.h"
#include "goldpan/clock.h"

typedef struct SwitchRun
{
	Identity *to;
	CliCustomers from;
	uint64_t *position;
	Arena arena;
} SwitchRun;

static bool
switch_judge(void *context, const char *line, size_t length, Err *err)
{
	SwitchRun *run = context;
	IdentityChange change;

	arena_reset(&run->arena);
	if (!dataset_judgement_parse(line, length, &run->arena, &change, err))
		return false;
	change.position = ++*run->position;
	change.judgement.carried = true;
	if (!identity_prepare(run->to, &change, 1, NULL, err))
		return false;
	identity_commit(run->to);
	return true;
}

/* In which customer a record is, and at which version that is; false: in none. */
static bool
switch_customer(const CliCustomers *from, IdentityRef ref, IdentityChange *change)
{
	if (from->identity == NULL)
	{
		if (!dataset_partition_customer(from->partition, ref, &change->customer))
			return false;
		change->version = dataset_partition_version(from->partition, &change->customer);
		return true;
	}
	if (!identity_customer(from->identity, ref, &change->customer))
		return false;
	change->version = identity_version(from->identity, change->customer, NULL);
	return true;
}

/* Puts those of the records that are in a customer there, or all others into the engine. */
static bool
switch_records(SwitchRun *run, DatasetFeed *feed, DatasetStore *store, bool adopted, Err *err)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	DatasetStored stored;
	size_t at = 0;

	while (dataset_store_next(store, &at, &stored))
	{
		IdentityChange change = {.type = adopted ? IDENTITY_ADOPT : IDENTITY_UPSERT,
								 .position = *run->position + 1,
								 .handle = *run->position + 1,
								 .ref = stored.ref,
								 .kind = stored.kind,
								 .fields = fields};

		if (switch_customer(&run->from, stored.ref, &change) != adopted)
			continue;
		change.nfields = dataset_store_fields(&stored, fields);
		*run->position += 1;
		if (!dataset_feed_add(feed, &change, err))
			return false;
	}
	return dataset_feed_flush(feed, err);
}

/* Nobody is told, but a record that was refused would be missing. */
static bool
switch_adopted(void *context, const IdentityDelta *delta, const IdentityChange *changes,
			   size_t nchanges, Err *err)
{
	(void) context;
	(void) changes;
	for (size_t i = 0; i < nchanges; i++)
	{
		const char *message = NULL;

		if (identity_delta_status(delta, i, &message) != IDENTITY_DONE)
			return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "the engine adopted no record: %s",
						   message != NULL ? message : "no reason");
	}
	return true;
}

static bool
switch_adopt(SwitchRun *run, const IdentityModel *model, DatasetStore *store, int threads, Err *err)
{
	DatasetFeed *silent = dataset_feed_new(run->to, model, threads, switch_adopted, NULL, err);
	bool ok = silent != NULL && switch_records(run, silent, store, true, err);

	dataset_feed_free(silent);
	return ok;
}

bool
cli_identity_switch(Identity *to, const IdentityModel *model, CliCustomers from,
					DatasetStore *store, DatasetState *state, int threads, DatasetDeltaSink sink,
					void *context, uint64_t *position, Err *err)
{
	SwitchRun run = {.to = to, .from = from, .position = position};
	IdentityChange settle = {.type = IDENTITY_SETTLE};
	DatasetFeed *feed = NULL;
	bool ok;

	arena_init(&run.arena, (size_t) 64 << 20);
	ok = switch_adopt(&run, model, store, threads, err) &&
		 (state == NULL || dataset_state_judgements(state, switch_judge, &run, err)) &&
		 (feed = dataset_feed_new(to, model, threads, sink, context, err)) != NULL &&
		 switch_records(&run, feed, store, false, err);
	arena_release(&run.arena);
	if (ok)
	{
		settle.position = settle.handle = ++*position;
		ok = dataset_feed_add(feed, &settle, err) && dataset_feed_flush(feed, err);
	}
	dataset_feed_free(feed);
	return ok;
}
