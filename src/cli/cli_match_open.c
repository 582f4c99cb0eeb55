/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_match_open.c — what a run of `goldpan identity match` stands on: state, model, engine.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli_match_priv.h"
#include "goldpan/alloc.h"
#include "goldpan/clock.h"

#define MATCH_MAX_SOURCES	 4096
#define MATCH_PARAMETER_STEP 0.01 /* models keep 1/256 bit */

/* ---- sources ---- */

MatchSource *
match_find_source(MatchRun *run, const char *name)
{
	if (run->last_source < run->nsources && strcmp(run->sources[run->last_source].name, name) == 0)
		return &run->sources[run->last_source];
	for (size_t i = 0; i < run->nsources; i++)
	{
		if (strcmp(run->sources[i].name, name) != 0)
			continue;
		run->last_source = i;
		return &run->sources[i];
	}
	return NULL;
}

bool
match_source(MatchRun *run, const char *name, bool broken, Err *err)
{
	MatchSource *source;

	if (name == NULL)
	{
		run->all_broken = run->all_broken || broken;
		return true;
	}
	source = match_find_source(run, name);
	if (source == NULL)
	{
		MatchSource *grown = alloc_resize(run->sources, (run->nsources + 1) * sizeof(*grown));

		if (grown == NULL)
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
		run->sources = grown;
		if (run->nsources == MATCH_MAX_SOURCES)
		{
			(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "the input has more than %d sources",
						   MATCH_MAX_SOURCES);
			return err_hint(err, "Is source_column the column that names the system?");
		}
		source = &run->sources[run->nsources];
		memset(source, 0, sizeof(*source));
		source->name = alloc_text(name);
		if (source->name == NULL)
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
		run->last_source = run->nsources++;
	}
	source->broken = source->broken || broken;
	return true;
}

/* ---- deltas ---- */

static bool
match_delta(void *context, const IdentityDelta *delta, const IdentityChange *changes,
			size_t nchanges, Err *err)
{
	MatchRun *run = context;

	for (size_t i = 0; i < nchanges; i++)
	{
		const char *message = NULL;
		IdentityStatus status = identity_delta_status(delta, i, &message);

		/* A record's change is never refused; if it were, the state would lack it silently. */
		if (status == IDENTITY_STALE || status == IDENTITY_CONTRADICTION ||
			status == IDENTITY_REPLAYED ||
			(status == IDENTITY_ABSENT && changes[i].type == IDENTITY_UPSERT))
			return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "the engine refused a record: %s",
						   message != NULL ? message : "no reason");
	}
	if (run->state != NULL &&
		(!dataset_events_put(delta, dataset_file_buffer(run->next.events), err) ||
		 !dataset_file_flush(run->next.events, err)))
		return false;
	return run->events == NULL ||
		   (dataset_events_put(delta, dataset_file_buffer(run->events), err) &&
			dataset_file_flush(run->events, err));
}

/* ---- model and engine ---- */

/* Training reads the input once more than matching: a pipe has nothing left then. */
static bool
match_reads_twice(const MatchRun *run, Err *err)
{
	for (size_t i = 0; i < run->common.ninputs; i++)
	{
		const char *path = run->common.inputs[i].path;
		bool standard = strcmp(path, "-") == 0;
		struct stat status;

		if (!standard &&
			(stat(path, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
			continue;
		(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE,
					   "could not train on %s and then match it: it can be read only once",
					   standard ? "standard input" : path);
		return err_hint(err, "Give the input as a file, or a model with --model.");
	}
	return true;
}

/* The model of --model, which the run owns; trained on the input when the file is not there. */
static bool
match_first_model(MatchRun *run, const CliArgs *args, Err *err)
{
	const char *path = cli_value(args, "model");

	run->owns_model = true;
	if (path != NULL && access(path, F_OK) == 0)
		run->model = cli_identity_model(path, err);
	else if (match_reads_twice(run, err))
	{
		run->model = cli_identity_train(&run->common, NULL, err);
		if (run->model != NULL && run->state != NULL && identity_model_records(run->model) == 0)
		{
			(void) err_set(err, ERR_CLASS_USAGE, ERR_DATA,
						   "could not train a model for the state: the input has no records");
			return err_hint(err,
							"Start with an input that has some, or give a model with --model.");
		}
		if (run->model != NULL && path != NULL && !cli_identity_write_model(path, run->model, err))
			return false;
	}
	return run->model != NULL;
}

/* Puts the records of `from` under the model, which the run then owns. */
static bool
match_switch(MatchRun *run, const IdentityMemory *memory, CliCustomers from, Err *err)
{
	run->owns_identity = true;
	run->identity = identity_new(run->model, run->next.deployment, memory, err);
	return run->identity != NULL &&
		   cli_identity_switch(run->identity, run->model, from, run->old, run->state,
							   run->common.threads, match_delta, run, &run->position, err);
}

/* Another model, or the same one where this program cannot read the state's engine: of an older
 * version, damaged or lost. Ids are with the events, too. */
static bool
match_restore_switch(MatchRun *run, const CliArgs *args, const IdentityMemory *memory, Err *err)
{
	Identity *old = dataset_state_identity(run->state, memory, err);
	DatasetPartition *partition = NULL;
	uint32_t ordinal;
	bool ok;

	if (old == NULL)
	{
		if (err->code == ERR_NOMEM)
			return false;
		(void) fprintf(stderr, "warning: %s; customer ids are taken from events.csv\n",
					   err->message);
		err_clear(err);
	}
	else
		identity_position(old, &run->position, &ordinal);
	if (!match_first_model(run, args, err) ||
		(run->old = dataset_state_store(run->state, err)) == NULL)
		return false;
	if (old != NULL && identity_model_hash(run->model) ==
						   identity_model_hash(dataset_state_model(run->state, err)))
	{
		run->identity = old;
		return true;
	}
	if (old == NULL && (partition = dataset_state_partition(run->state, err)) == NULL)
		return false;
	if (partition != NULL)
		run->position = dataset_partition_position(partition);
	ok = match_switch(run, memory, (CliCustomers){old, partition}, err);
	dataset_partition_free(partition);
	return ok;
}

/* The engine as the last run left it; --model may name its model, or a file to write it to. */
static bool
match_restore(MatchRun *run, const CliArgs *args, const IdentityMemory *memory, Err *err)
{
	const char *path = cli_value(args, "model");
	IdentityModel *model;
	uint32_t ordinal;
	bool same;

	run->identity = dataset_state_identity(run->state, memory, err);
	run->model = run->identity != NULL ? dataset_state_model(run->state, err) : NULL;
	run->old = run->model != NULL ? dataset_state_store(run->state, err) : NULL;
	if (run->old == NULL)
		return false;
	identity_position(run->identity, &run->position, &ordinal);
	if (path == NULL)
		return true;
	if (access(path, F_OK) != 0)
		return cli_identity_write_model(path, run->model, err);
	model = cli_identity_model(path, err);
	if (model == NULL)
		return false;
	same = identity_model_hash(model) == identity_model_hash(run->model);
	identity_model_free(model);
	if (same)
		return true;
	(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
				   "model \"%s\" is not the one that state \"%s\" was made with", path,
				   cli_value(args, "state"));
	return err_hint(err, "See what a switch would do with \"goldpan identity diff\", then give "
						 "--switch-model; or leave out --model.");
}

static bool
match_engine(MatchRun *run, const CliArgs *args, Err *err)
{
	const IdentityMemory memory = {.ceiling = run->common.memory};
	const char *deployment = run->common.config->deployment;

	if (run->state != NULL)
	{
		if (!dataset_state_begin(run->state, &run->next, err))
			return false;
		run->doubles = run->next.records;
		if ((run->erasures = dataset_state_erasures(run->state, err)) == NULL)
			return false;
	}
	else if ((run->doubles = dataset_store_create(NULL, err)) == NULL)
		return false;
	if (run->state != NULL && !dataset_state_empty(run->state))
	{
		if (strcmp(deployment, run->next.deployment) != 0)
			return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
						   "%s is of deployment \"%s\", the state of \"%s\"",
						   run->common.config->path, deployment, run->next.deployment);
		return cli_has(args, "switch-model") ? match_restore_switch(run, args, &memory, err)
											 : match_restore(run, args, &memory, err);
	}
	run->next.deployment = deployment;
	run->owns_identity = run->owns_old = true;
	if (!match_first_model(run, args, err) || (run->old = dataset_store_new(err)) == NULL)
		return false;
	run->identity = identity_new(run->model, deployment, &memory, err);
	if (run->identity == NULL && err->code == ERR_NOMEM)
		(void) err_hint(err, "Give more with --memory.");
	return run->identity != NULL;
}

/* A model is trained once; what the configuration says of it later is not done, and not silently. */
static bool
match_parameters(const MatchRun *run, Err *err)
{
	const DatasetConfig *config = run->common.config;

	for (size_t i = 0; i < config->nparameters; i++)
	{
		const DatasetParameter *parameter = &config->parameters[i];
		double value;

		if (!identity_model_get(run->model, parameter->name, &value, err))
			return err_context(err, "parameters in %s", config->path);
		if (fabs(value - parameter->value) >= MATCH_PARAMETER_STEP)
			(void) fprintf(stderr,
						   "warning: \"%s\" is %g in %s and %g in the model, which counts\n"
						   "  hint: Train a model with it, and give that with --switch-model.\n",
						   parameter->name, parameter->value, config->path, value);
	}
	return true;
}

/* ---- opening and closing ---- */

static bool
match_files(MatchRun *run, const CliArgs *args, Err *err)
{
	const char *rejects = cli_value(args, "rejects");
	const char *events = cli_value(args, "events");

	if (rejects != NULL)
	{
		run->rejects = dataset_file_create(rejects, err);
		if (run->rejects == NULL || !buffer_append_text(dataset_file_buffer(run->rejects),
														"file,line,record_id,reason,row\n", err))
			return false;
	}
	if (events != NULL)
	{
		run->events = dataset_file_create(events, err);
		if (run->events == NULL ||
			!buffer_append_text(dataset_file_buffer(run->events), DATASET_EVENTS_HEADER, err))
			return false;
	}
	return true;
}

bool
match_open(MatchRun *run, const CliArgs *args, Err *err)
{
	static const char *const written[] = {"output", "review", "model", "events", "rejects"};
	const char *state = cli_value(args, "state");

	memset(run, 0, sizeof(*run));
	buffer_init(&run->packed, 8 * DATASET_CSV_MAX_ROW);
	buffer_init(&run->scratch, 8 * DATASET_CSV_MAX_ROW);
	run->partial = cli_has(args, "partial");
	run->accept_deletes = cli_has(args, "accept-deletes");
	run->time = clock_wall();
	if (!cli_identity_read(&run->common, args, true, err) ||
		!cli_identity_apart(&run->common, args, written, sizeof(written) / sizeof(written[0]),
							err) ||
		!match_files(run, args, err))
		return false;
	if (state != NULL && (run->state = dataset_state_open(state, DATASET_MAKE, err)) == NULL)
		return false;
	if (!match_engine(run, args, err) || !match_parameters(run, err))
		return false;
	run->feed =
		dataset_feed_new(run->identity, run->model, run->common.threads, match_delta, run, err);
	return run->feed != NULL;
}

void
match_close(MatchRun *run)
{
	dataset_feed_free(run->feed);
	dataset_file_abandon(run->rejects);
	dataset_file_abandon(run->events);
	dataset_file_abandon(run->clusters);
	dataset_file_abandon(run->review);
	if (run->state != NULL)
		dataset_state_abandon(&run->next);
	else
		dataset_store_abandon(run->doubles);
	if (run->owns_identity)
		identity_free(run->identity);
	if (run->owns_old)
		dataset_store_close(run->old);
	dataset_state_close(run->state);
	if (run->owns_model)
		identity_model_free(run->model);
	for (size_t i = 0; i < run->nsources; i++)
		alloc_free(run->sources[i].name);
	alloc_free(run->sources);
	buffer_release(&run->packed);
	buffer_release(&run->scratch);
	cli_identity_release(&run->common);
}
