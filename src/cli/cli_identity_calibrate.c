/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity_calibrate.c — `goldpan identity calibrate`: what the answers say about the model.
 *
 * The answers of a state's stewards set how sure the model is of a pair: in which order questions
 * come, and which probability stands beside them. Nothing is switched here: the state keeps its
 * model until a run of match is given the new one.
 */
#include "cli/cli_identity_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct CalibrateCount
{
	size_t same, different;
} CalibrateCount;

typedef struct CalibrateRun
{
	DatasetState *state;
	DatasetStore *store; /* the state's */
	Identity *identity;	 /* the state's */
	IdentityModel *model;
	CalibrateCount counts[IDENTITY_KINDS];
	Buffer out;
} CalibrateRun;

static const char *const calibrate_kinds[] = {"persons", "companies"};

/* An answer counts where both records it was about are there, and of one kind. */
static bool
calibrate_visit(void *context, const IdentityJudged *judged)
{
	CalibrateRun *run = context;
	DatasetStored a;
	DatasetStored b;

	if (!dataset_store_find(run->store, judged->a, &a) ||
		!dataset_store_find(run->store, judged->b, &b) || a.kind != b.kind)
		return true;
	if (judged->verdict == IDENTITY_SAME)
		run->counts[a.kind].same++;
	else if (judged->verdict == IDENTITY_DIFFERENT)
		run->counts[a.kind].different++;
	return true;
}

/* A model of our own with the text of the state's. */
static bool
calibrate_copy(CalibrateRun *run, const IdentityModel *model, Err *err)
{
	Buffer text;
	bool ok;

	buffer_init(&text, (size_t) 256 << 20);
	ok = identity_model_print(model, &text, err) &&
		 (run->model = identity_model_parse((const char *) text.data, text.length, err)) != NULL;
	buffer_release(&text);
	return ok;
}

static bool
calibrate_count_line(CalibrateRun *run, int kind, Err *err)
{
	const CalibrateCount *count = &run->counts[kind];
	size_t all = count->same + count->different;

	if (!buffer_printf(&run->out, err, "answers about %s: %zu same, %zu different",
					   calibrate_kinds[kind], count->same, count->different))
		return false;
	if (all < IDENTITY_CALIBRATE_ANSWERS &&
		!buffer_printf(&run->out, err, "; %zu more are needed", IDENTITY_CALIBRATE_ANSWERS - all))
		return false;
	if (count->same < IDENTITY_CALIBRATE_EACH &&
		!buffer_printf(&run->out, err, "; %zu more \"same\" are needed",
					   IDENTITY_CALIBRATE_EACH - count->same))
		return false;
	if (count->different < IDENTITY_CALIBRATE_EACH &&
		!buffer_printf(&run->out, err, "; %zu more \"different\" are needed",
					   IDENTITY_CALIBRATE_EACH - count->different))
		return false;
	return buffer_append_byte(&run->out, '\n', err);
}

static bool
calibrate_enough(const CalibrateRun *run)
{
	for (int kind = 0; kind < IDENTITY_KINDS; kind++)
	{
		const CalibrateCount *count = &run->counts[kind];

		if (count->same + count->different >= IDENTITY_CALIBRATE_ANSWERS &&
			count->same >= IDENTITY_CALIBRATE_EACH && count->different >= IDENTITY_CALIBRATE_EACH)
			return true;
	}
	return false;
}

static bool
calibrate_fit(CalibrateRun *run, Err *err)
{
	IdentityModel *old = dataset_state_model(run->state, err);

	for (int kind = 0; kind < IDENTITY_KINDS; kind++)
	{
		const CalibrateCount *count = &run->counts[kind];

		if (count->same + count->different > 0 && !calibrate_count_line(run, kind, err))
			return false;
	}
	if (old == NULL || !calibrate_copy(run, old, err))
		return false;
	if (!identity_calibrate(run->identity, run->model, err))
	{
		if (err->class != ERR_CLASS_NONE)
			return false;
		if (run->out.length > 0 && !cli_print(&run->out, err))
			return false;
		if (calibrate_enough(run))
		{
			(void) err_set(err, ERR_CLASS_USAGE, ERR_CHECK_FAILED,
						   "the answers do not follow the evidence: nothing can be fitted to them");
			return err_hint(err, "See who answered what in journal and judgements of the state; in "
								 "goldpan review, z takes answers back.");
		}
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CHECK_FAILED,
					   "there are too few answers to calibrate by");
		return err_hint(err,
						"A kind of customer needs %d answers \"same\" or \"different\" on records "
						"that are still there, at least %d of each: goldpan review.",
						IDENTITY_CALIBRATE_ANSWERS, IDENTITY_CALIBRATE_EACH);
	}
	return identity_model_diff(old, run->model, &run->out, err);
}

static bool
calibrate_run(const CliArgs *args, Err *err)
{
	static const char *const written[] = {"model"};
	const IdentityMemory memory = {.ceiling = 0};
	const char *folder = cli_identity_required(args, "state", err);
	const char *path = folder != NULL ? cli_identity_required(args, "model", err) : NULL;
	CalibrateRun run;
	bool ok;

	if (path == NULL || !cli_identity_apart(NULL, args, written, 1, err))
		return false;
	if (access(path, F_OK) == 0)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "file \"%s\" is there already", path);
		return err_hint(err, "Name a new file: the old model is needed to compare the two.");
	}
	memset(&run, 0, sizeof(run));
	buffer_init(&run.out, (size_t) 16 << 20);
	ok = (run.state = dataset_state_open(folder, DATASET_READ, err)) != NULL &&
		 (run.store = dataset_state_store(run.state, err)) != NULL &&
		 (run.identity = dataset_state_identity(run.state, &memory, err)) != NULL;
	if (ok)
	{
		identity_judgements(run.identity, calibrate_visit, &run);
		ok = calibrate_fit(&run, err) && cli_identity_write_model(path, run.model, err);
	}
	if (ok && !cli_has(args, "quiet"))
		ok = buffer_printf(&run.out, err,
						   "model %016" PRIx64
						   " is in \"%s\"; the state keeps its own.\nSee what it would change with "
						   "\"goldpan identity diff\", then take it with \"goldpan identity match "
						   "--switch-model\".\n",
						   identity_model_hash(run.model), path) &&
			 cli_print(&run.out, err);
	identity_model_free(run.model);
	buffer_release(&run.out);
	dataset_state_close(run.state);
	return ok;
}

static const CliOption calibrate_options[] = {
	CLI_IDENTITY_OPTION_STATE,
	{"model", 'm', "FILE", "write the calibrated model here; must not exist"},
	CLI_IDENTITY_OPTION_QUIET,
	CLI_OPTION_END};

const CliCommand cli_identity_calibrate = {
	.name = "calibrate",
	.summary = "fit how sure the model is to the answers of goldpan review",
	.description =
		"Reads the answers kept in the state and writes the state's model with probabilities that\n"
		"fit them: they order the questions, and join and part no records. Prints what moved.\n"
		"The state keeps its model; \"goldpan identity diff\" shows what the new one would "
		"change,\n"
		"\"goldpan identity match --switch-model\" takes it.",
	.options = calibrate_options,
	.run = calibrate_run,
};
