/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity_diff.c — `goldpan identity diff`: what another model would change.
 *
 * The same records are put under both models, ids going by overlap as a switch would carry them; then
 * the two partitions are held against each other. Nothing is written.
 */
#include "cli/cli_match_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define DIFF_SAMPLES	10
#define DIFF_SAMPLE_IDS 8

typedef struct DiffRecord
{
	IdentityRef ref;
	IdentityId before, after;
} DiffRecord;

typedef struct DiffRun
{
	CliIdentity common;
	DatasetState *state;
	DatasetStore *store;
	bool owns_store;
	IdentityModel *old_model;
	IdentityModel *new_model;
	Identity *before;
	bool owns_before;
	Identity *after;
	DiffRecord *records;
	size_t count;
	Buffer out;
} DiffRun;

static const char *
diff_second_model(const CliArgs *args)
{
	const char *first = NULL;

	for (size_t i = 0; i < args->ngiven; i++)
	{
		if (strcmp(args->given[i].option->name, "model") != 0)
			continue;
		if (first != NULL)
			return args->given[i].value;
		first = args->given[i].value;
	}
	return NULL;
}

static const char *
diff_first_model(const CliArgs *args)
{
	for (size_t i = 0; i < args->ngiven; i++)
	{
		if (strcmp(args->given[i].option->name, "model") == 0)
			return args->given[i].value;
	}
	return NULL;
}

/* ---- both partitions ---- */

static bool
diff_first(DiffRun *run, const IdentityMemory *memory, Err *err)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	const char *deployment =
		run->common.config != NULL ? run->common.config->deployment : "goldpan";
	DatasetFeed *feed = NULL;
	DatasetStored stored;
	size_t at = 0;
	uint64_t position = 0;
	bool ok;

	run->owns_before = true;
	run->before = identity_new(run->old_model, deployment, memory, err);
	ok = run->before != NULL &&
		 (feed = dataset_feed_new(run->before, run->old_model, run->common.threads, NULL, NULL,
								  err)) != NULL;
	while (ok && dataset_store_next(run->store, &at, &stored))
	{
		IdentityChange change = {.type = IDENTITY_UPSERT,
								 .position = position + 1,
								 .handle = position + 1,
								 .ref = stored.ref,
								 .kind = stored.kind,
								 .fields = fields,
								 .nfields = dataset_store_fields(&stored, fields)};

		position++;
		ok = dataset_feed_add(feed, &change, err);
	}
	ok = ok && dataset_feed_flush(feed, err);
	dataset_feed_free(feed);
	return ok;
}

static bool
diff_open(DiffRun *run, const CliArgs *args, Err *err)
{
	const char *old_path = diff_first_model(args);
	const char *path = cli_value(args, "state");
	const IdentityMemory memory = {.ceiling = run->common.memory};

	if (path == NULL)
	{
		run->owns_store = true;
		run->store = cli_identity_load(&run->common, err);
		return run->store != NULL && diff_first(run, &memory, err);
	}
	run->state = dataset_state_open(path, DATASET_READ, err);
	if (run->state == NULL || (run->store = dataset_state_store(run->state, err)) == NULL)
		return false;
	run->before = dataset_state_identity(run->state, &memory, err);
	if (run->before == NULL)
		return false;
	if (identity_model_hash(dataset_state_model(run->state, err)) !=
		identity_model_hash(run->old_model))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "model \"%s\" is not the one that state \"%s\" was made with", old_path,
					   path);
	return true;
}

static bool
diff_partitions(DiffRun *run, Err *err)
{
	const IdentityMemory memory = {.ceiling = run->common.memory};
	const char *deployment = run->state != NULL			  ? dataset_state_deployment(run->state)
							 : run->common.config != NULL ? run->common.config->deployment
														  : "goldpan";
	DatasetStored stored;
	uint64_t position;
	uint32_t ordinal;
	size_t at = 0;

	identity_position(run->before, &position, &ordinal);
	run->after = identity_new(run->new_model, deployment, &memory, err);
	if (run->after == NULL ||
		!cli_identity_switch(run->after, run->new_model, (CliCustomers){run->before, NULL},
							 run->store, run->state, run->common.threads, NULL, NULL, &position,
							 err))
		return false;
	run->records = alloc_zero((dataset_store_count(run->store) + 1) * sizeof(*run->records));
	if (run->records == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
	while (dataset_store_next(run->store, &at, &stored))
	{
		DiffRecord *record = &run->records[run->count];

		record->ref = stored.ref;
		if (identity_customer(run->before, stored.ref, &record->before) &&
			identity_customer(run->after, stored.ref, &record->after))
			run->count++;
	}
	return true;
}

/* ---- what differs ---- */

static int
diff_compare_before(const void *a, const void *b)
{
	const DiffRecord *left = a;
	const DiffRecord *right = b;
	int order = memcmp(&left->before, &right->before, sizeof(left->before));

	if (order == 0)
		order = memcmp(&left->after, &right->after, sizeof(left->after));
	if (order == 0)
		order = strcmp(left->ref.source, right->ref.source);
	return order != 0 ? order : strcmp(left->ref.id, right->ref.id);
}

static int
diff_compare_after(const void *a, const void *b)
{
	const DiffRecord *left = a;
	const DiffRecord *right = b;
	int order = memcmp(&left->after, &right->after, sizeof(left->after));

	return order != 0 ? order : diff_compare_before(a, b);
}

static bool
diff_print_group(DiffRun *run, const DiffRecord *records, size_t count, bool by_after, Err *err)
{
	char id[DATASET_ID_TEXT];
	bool ok = buffer_printf(
		&run->out, err, "  %s:", dataset_id_text(by_after ? records->after : records->before, id));

	for (size_t i = 0; ok && i < count && i < DIFF_SAMPLE_IDS; i++)
	{
		const IdentityId *side = by_after ? &records[i].before : &records[i].after;
		const IdentityId *last =
			by_after ? &records[i > 0 ? i - 1 : 0].before : &records[i > 0 ? i - 1 : 0].after;

		ok = buffer_append_text(
				 &run->out, i > 0 && memcmp(side, last, sizeof(*side)) != 0 ? " | " : " ", err) &&
			 cli_terminal_text(&run->out, records[i].ref.source, strlen(records[i].ref.source),
							   err) &&
			 buffer_append_byte(&run->out, ':', err) &&
			 cli_terminal_text(&run->out, records[i].ref.id, strlen(records[i].ref.id), err);
	}
	if (ok && count > DIFF_SAMPLE_IDS)
		ok = buffer_printf(&run->out, err, " and %zu more", count - DIFF_SAMPLE_IDS);
	return ok && buffer_append_byte(&run->out, '\n', err);
}

/* Groups by one side; a group whose records lie in several customers of the other side counts. */
static bool
diff_groups(DiffRun *run, bool by_after, const char *what, Err *err)
{
	size_t groups = 0;

	qsort(run->records, run->count, sizeof(*run->records),
		  by_after ? diff_compare_after : diff_compare_before);
	for (int pass = 0; pass < 2; pass++)
	{
		size_t end;
		size_t shown = 0;

		for (size_t start = 0; start < run->count; start = end)
		{
			const DiffRecord *first = &run->records[start];
			bool several = false;

			for (end = start; end < run->count; end++)
			{
				const DiffRecord *record = &run->records[end];

				if (memcmp(by_after ? &record->after : &record->before,
						   by_after ? &first->after : &first->before, sizeof(first->after)) != 0)
					break;
				several |=
					memcmp(by_after ? &record->before : &record->after,
						   by_after ? &first->before : &first->after, sizeof(first->after)) != 0;
			}
			groups += several && pass == 0 ? 1 : 0;
			if (several && pass == 1 && shown++ < DIFF_SAMPLES &&
				!diff_print_group(run, first, end - start, by_after, err))
				return false;
		}
		if (pass == 0 && !buffer_printf(&run->out, err, "%s: %zu\n", what, groups))
			return false;
	}
	return true;
}

static bool
diff_report(DiffRun *run, Err *err)
{
	IdentityStats before;
	IdentityStats after;
	size_t moved = 0;

	identity_stats(run->before, &before);
	identity_stats(run->after, &after);
	for (size_t i = 0; i < run->count; i++)
		moved += memcmp(&run->records[i].before, &run->records[i].after,
						sizeof(run->records[i].before)) != 0
					 ? 1
					 : 0;
	return buffer_append_text(&run->out, "\n", err) &&
		   buffer_printf(&run->out, err,
						 "records: %zu\ncustomers: %" PRIu64 " before, %" PRIu64
						 " after\nrecords whose customer id would change: %zu\n",
						 run->count, before.customers, after.customers, moved) &&
		   diff_groups(run, true, "customers that several would merge into", err) &&
		   diff_groups(run, false, "customers that would be split", err);
}

/* ---- the command ---- */

static bool
diff_run(const CliArgs *args, Err *err)
{
	DiffRun run;
	const char *second = diff_second_model(args);
	bool records = cli_has(args, "state") || cli_has(args, "input");
	bool ok;

	if (second == NULL)
		return cli_usage_error(args->command, err,
							   "two models are needed: --model OLD --model NEW");
	memset(&run, 0, sizeof(run));
	buffer_init(&run.out, (size_t) 256 << 20);
	ok = cli_identity_read(&run.common, args, records && !cli_has(args, "state"), err) &&
		 (run.old_model = cli_identity_model(diff_first_model(args), err)) != NULL &&
		 (run.new_model = cli_identity_model(second, err)) != NULL &&
		 identity_model_diff(run.old_model, run.new_model, &run.out, err);
	if (ok && records)
		ok = diff_open(&run, args, err) && diff_partitions(&run, err) && diff_report(&run, err);
	ok = ok && cli_print(&run.out, err);
	alloc_free(run.records);
	identity_free(run.after);
	if (run.owns_before)
		identity_free(run.before);
	dataset_state_close(run.state);
	if (run.owns_store)
		dataset_store_close(run.store);
	identity_model_free(run.old_model);
	identity_model_free(run.new_model);
	buffer_release(&run.out);
	cli_identity_release(&run.common);
	return ok;
}

static const CliOption diff_options[] = {
	{"model", 'm', "FILE", "give it twice: the old model, then the new one"},
	CLI_IDENTITY_OPTION_STATE,
	CLI_IDENTITY_OPTION_CONFIG,
	CLI_IDENTITY_OPTION_INPUT,
	CLI_IDENTITY_OPTION_MEMORY,
	CLI_IDENTITY_OPTION_THREADS,
	CLI_IDENTITY_OPTION_QUIET,
	CLI_OPTION_END};

const CliCommand cli_identity_diff = {
	.name = "diff",
	.summary = "what another model would merge, split and move",
	.description =
		"Prints which parameters differ between two models; with --state, or with --config\n"
		"and --input, also what would become of the records, with samples.",
	.options = diff_options,
	.run = diff_run,
};
