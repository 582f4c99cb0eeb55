/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_match_switch.c — puts a state's records under another model, with their ids.
 *
 * Each record is adopted into the customer it is in; judgements follow in the order they were made, those
 * of records that are away too: what a steward said holds under any model. Then everything is
 * clustered at once and ids go by overlap.
 */
#include <string.h>

#include "cli/cli_match_priv.h"
#include "goldpan/clock.h"

typedef struct SwitchRun
{
	Identity *to;
	DatasetDeltaSink sink;
	void *context;
	uint64_t *position;
	Arena arena;
} SwitchRun;

static bool
switch_judge(void *context, const char *line, size_t length, Err *err)
{
	SwitchRun *run = context;
	const IdentityDelta *delta;
	IdentityChange change;
	bool ok;

	arena_reset(&run->arena);
	if (!dataset_judgement_parse(line, length, &run->arena, &change, err))
		return false;
	change.position = ++*run->position;
	/* The versions seen were those of the other model. */
	change.judgement.version_a = 0;
	change.judgement.version_b = 0;
	change.judgement.carried = true;
	if (!identity_prepare(run->to, &change, 1, &delta, err))
		return false;
	ok = run->sink == NULL || run->sink(run->context, delta, NULL, 0, err);
	if (ok)
		identity_commit(run->to);
	else
		identity_abort(run->to);
	return ok;
}

bool
cli_identity_switch(Identity *to, const IdentityModel *model, CliCustomers from,
					DatasetStore *store, DatasetState *state, int threads, DatasetDeltaSink sink,
					void *context, uint64_t *position, Err *err)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	SwitchRun run = {.to = to, .sink = sink, .context = context, .position = position};
	DatasetFeed *feed = dataset_feed_new(to, model, threads, sink, context, err);
	DatasetStored stored;
	size_t at = 0;
	bool ok = feed != NULL;

	while (ok && dataset_store_next(store, &at, &stored))
	{
		IdentityChange change = {.type = IDENTITY_ADOPT,
								 .position = *position + 1,
								 .handle = *position + 1,
								 .ref = stored.ref,
								 .kind = stored.kind,
								 .fields = fields,
								 .nfields = dataset_store_fields(&stored, fields)};

		*position += 1;
		if (!(from.identity != NULL
				  ? identity_customer(from.identity, stored.ref, &change.customer)
				  : dataset_partition_customer(from.partition, stored.ref, &change.customer)))
			change.type = IDENTITY_UPSERT;
		ok = dataset_feed_add(feed, &change, err);
	}
	ok = ok && dataset_feed_flush(feed, err);
	arena_init(&run.arena, (size_t) 64 << 20);
	ok = ok && (state == NULL || dataset_state_judgements(state, switch_judge, &run, err));
	arena_release(&run.arena);
	if (ok)
	{
		IdentityChange settle = {.type = IDENTITY_SETTLE, .position = ++*position};

		settle.handle = *position;
		ok = dataset_feed_add(feed, &settle, err) && dataset_feed_flush(feed, err);
	}
	dataset_feed_free(feed);
	return ok;
}
