/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity_report.c — `goldpan identity report`: counts what a steward should see.
 *
 * Customers are walked once; pairs within each are scored anew, so the distribution is that of what was
 * really joined. A customer of more than 60 records is judged by its first 60.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli_report_priv.h"
#include "goldpan/alloc.h"

/* ---- bands ---- */

static size_t
report_size_band(size_t size)
{
	return size < 5 ? size - 1 : size < 10 ? 4 : size < 20 ? 5 : size < 50 ? 6 : 7;
}

static size_t
report_bin(double score)
{
	int bin = (int) ((score - REPORT_BIN_LOW) / REPORT_BIN_BITS);

	return score < REPORT_BIN_LOW ? 0 : bin >= REPORT_BINS ? REPORT_BINS - 1 : (size_t) bin;
}

static ReportSource *
report_source(ReportRun *run, const char *name)
{
	for (size_t i = 0; i < run->nsources; i++)
	{
		if (strcmp(run->sources[i].name, name) == 0)
			return &run->sources[i];
	}
	if (run->nsources == REPORT_SOURCES)
		return NULL;
	run->sources[run->nsources].name = name;
	return &run->sources[run->nsources++];
}

/* ---- joined ---- */

/* Keeps the weakest, in order. */
static void
report_keep_weakest(ReportRun *run, const ReportPair *pair)
{
	size_t at = run->nweakest;

	if (at == REPORT_EXAMPLES && pair->score >= run->weakest[at - 1].score)
		return;
	if (at < REPORT_EXAMPLES)
		run->nweakest++;
	else
		at--;
	for (; at > 0 && run->weakest[at - 1].score > pair->score; at--)
		run->weakest[at] = run->weakest[at - 1];
	run->weakest[at] = *pair;
}

/* Scores all pairs of the current customer; its weakest member is the one whose best link is least. */
static void
report_score(ReportRun *run, IdentityForm *const forms[], const IdentityRef *refs, size_t count)
{
	ReportPair weakest = {.score = 1e9};

	for (size_t i = 0; i < count; i++)
	{
		ReportPair best = {.a = refs[i], .score = -1e9};

		for (size_t j = 0; j < count; j++)
		{
			IdentityScore score;

			if (i == j || forms[i] == NULL || forms[j] == NULL)
				continue;
			identity_score_forms(run->model, forms[i], forms[j], &score);
			if (i < j)
				run->joined[report_bin(score.bits)]++;
			if (score.bits > best.score)
			{
				best.score = score.bits;
				best.b = refs[j];
			}
		}
		if (best.b.source != NULL && best.score < weakest.score)
			weakest = best;
	}
	if (weakest.b.source == NULL)
		return;
	weakest.customer_a = weakest.customer_b = run->current.id;
	weakest.size_a = weakest.size_b = (uint32_t) run->current.size;
	report_keep_weakest(run, &weakest);
}

static void
report_keep_largest(ReportRun *run)
{
	size_t at = run->nlargest;

	if (run->current.size < 2 ||
		(at == REPORT_LARGEST && run->current.size <= run->largest[at - 1].size))
		return;
	if (at < REPORT_LARGEST)
		run->nlargest++;
	else
		at--;
	for (; at > 0 && run->largest[at - 1].size < run->current.size; at--)
		run->largest[at] = run->largest[at - 1];
	run->largest[at] = run->current;
}

static void
report_finish_customer(ReportRun *run)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	IdentityForm *forms[REPORT_MEMBERS] = {NULL};
	size_t count = run->current.nmembers;
	bool shared = false;

	if (run->current.size == 0)
		return;
	run->customers[report_size_band(run->current.size)]++;
	run->records[report_size_band(run->current.size)] += run->current.size;
	for (size_t i = 1; i < count; i++)
		shared |= strcmp(run->current.members[i].source, run->current.members[0].source) != 0;
	for (size_t i = 0; i < count; i++)
	{
		ReportSource *source = report_source(run, run->current.members[i].source);
		DatasetStored stored;

		if (source != NULL)
		{
			source->records++;
			source->shared += shared ? 1 : 0;
		}
		if (count > 1 && dataset_store_find(run->store, run->current.members[i], &stored))
			forms[i] = identity_form(run->model, stored.kind, fields,
									 dataset_store_fields(&stored, fields), NULL);
	}
	report_score(run, forms, run->current.members, count);
	for (size_t i = 0; i < count; i++)
		identity_form_free(forms[i]);
	report_keep_largest(run);
	run->current.size = run->current.nmembers = 0;
}

static bool
report_member(void *context, const IdentityMember *member)
{
	ReportRun *run = context;
	DatasetStored stored;

	if (run->current.size > 0 &&
		memcmp(&run->current.id, &member->customer, sizeof(run->current.id)) != 0)
		report_finish_customer(run);
	run->current.id = member->customer;
	run->current.size++;
	if (run->current.nmembers < REPORT_MEMBERS &&
		dataset_store_find(run->store, member->ref, &stored))
		run->current.members[run->current.nmembers++] = stored.ref;
	return true;
}

/* ---- held back ---- */

static bool
report_item(void *context, const IdentityReviewItem *item)
{
	ReportRun *run = context;
	ReportPair pair = {.customer_a = item->customer_a,
					   .customer_b = item->customer_b,
					   .size_a = item->size_a,
					   .size_b = item->size_b,
					   .score = item->best,
					   .probability = item->probability};
	ReportReason *reason = NULL;
	DatasetStored a;
	DatasetStored b;
	size_t at;

	run->questions++;
	run->held[report_bin(item->best)]++;
	if (!dataset_store_find(run->store, item->a, &a) ||
		!dataset_store_find(run->store, item->b, &b))
		return true;
	pair.a = a.ref;
	pair.b = b.ref;
	pair.reason = arena_text(&run->arena, item->reason, strlen(item->reason), run->err);
	run->ok = pair.reason != NULL;
	if (!run->ok)
		return false;
	for (size_t i = 0; i < run->nreasons && reason == NULL; i++)
	{
		if (strncmp(run->reasons[i].name, item->reason, sizeof(reason->name) - 1) == 0)
			reason = &run->reasons[i];
	}
	if (reason == NULL && run->nreasons < REPORT_REASONS)
	{
		reason = &run->reasons[run->nreasons++];
		(void) snprintf(reason->name, sizeof(reason->name), "%s", item->reason);
	}
	if (reason != NULL)
	{
		reason->count++;
		if (reason->nexamples < sizeof(reason->examples) / sizeof(reason->examples[0]))
			reason->examples[reason->nexamples++] = pair;
	}
	at = run->nnearest;
	if (at == REPORT_EXAMPLES && pair.probability <= run->nearest[at - 1].probability)
		return true;
	if (at < REPORT_EXAMPLES)
		run->nnearest++;
	else
		at--;
	for (; at > 0 && run->nearest[at - 1].probability < pair.probability; at--)
		run->nearest[at] = run->nearest[at - 1];
	run->nearest[at] = pair;
	return true;
}

static bool
report_judged(void *context, const IdentityJudged *judged)
{
	ReportRun *run = context;

	if (judged->verdict >= IDENTITY_SAME && judged->verdict <= IDENTITY_SPLIT)
		run->verdicts[judged->verdict]++;
	return true;
}

/* ---- the command ---- */

static bool
report_open(ReportRun *run, const CliArgs *args, Err *err)
{
	static const char *const written[] = {"output"};
	const IdentityMemory memory = {.ceiling = 0};
	const char *path = cli_identity_required(args, "state", err);

	run->err = err;
	run->ok = true;
	run->mask = cli_has(args, "mask");
	if (path == NULL || cli_identity_required(args, "output", err) == NULL ||
		!cli_identity_apart(NULL, args, written, 1, err))
		return false;
	run->state = dataset_state_open(path, DATASET_READ, err);
	return run->state != NULL && (run->store = dataset_state_store(run->state, err)) != NULL &&
		   (run->model = dataset_state_model(run->state, err)) != NULL &&
		   (run->identity = dataset_state_identity(run->state, &memory, err)) != NULL;
}

static bool
report_collect(ReportRun *run, Err *err)
{
	identity_stats(run->identity, &run->stats);
	identity_members(run->identity, NULL, report_member, run);
	report_finish_customer(run);
	identity_judgements(run->identity, report_judged, run);
	return identity_review(run->identity, 0, report_item, run, err) && run->ok;
}

static bool
report_run(const CliArgs *args, Err *err)
{
	ReportRun *run = alloc_zero(sizeof(*run));
	DatasetFile *file = NULL;
	bool ok;

	if (run == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
	arena_init(&run->arena, (size_t) 256 << 20);
	ok = report_open(run, args, err) &&
		 (file = dataset_file_create(cli_value(args, "output"), err)) != NULL &&
		 report_collect(run, err) && report_html(run, dataset_file_buffer(file), err);
	if (ok)
		ok = dataset_file_finish(file, err);
	else
		dataset_file_abandon(file);
	dataset_state_close(run->state);
	arena_release(&run->arena);
	alloc_free(run);
	return ok;
}

static const CliOption report_options[] = {
	CLI_IDENTITY_OPTION_STATE,
	{"output", 'o', "FILE", "write the HTML page here, mode 0600"},
	{"mask", 0, NULL, "show the first character of each word only"},
	CLI_OPTION_END};

const CliCommand cli_identity_report = {
	.name = "report",
	.summary = "a page for stewards: sizes, scores, examples, what was held back",
	.options = report_options,
	.run = report_run,
};
