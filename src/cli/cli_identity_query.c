/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity_query.c — `goldpan identity train|explain|score`: what needs no run.
 */
#include "cli/cli_identity_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"

#define QUERY_OUTPUT_MAX ((size_t) 64 << 20)

/* ---- train ---- */

static bool
query_train(const CliArgs *args, Err *err)
{
	CliIdentity identity;
	static const char *const written[] = {"model"};
	const char *path = cli_identity_required(args, "model", err);
	IdentityModel *model = NULL;
	Buffer notes;
	bool ok;

	if (path == NULL)
		return false;
	buffer_init(&notes, QUERY_OUTPUT_MAX);
	ok = cli_identity_read(&identity, args, true, err) &&
		 cli_identity_apart(&identity, args, written, 1, err) &&
		 (model = cli_identity_train(&identity, &notes, err)) != NULL;
	if (ok && identity_model_records(model) == 0)
		ok = err_set(err, ERR_CLASS_USAGE, ERR_DATA,
					 "could not train a model: the input has no records");
	ok = ok && cli_identity_write_model(path, model, err);
	if (ok && !identity.quiet)
		ok = buffer_printf(&notes, err, "model %016" PRIx64 "\n", identity_model_hash(model)) &&
			 cli_print(&notes, err);
	identity_model_free(model);
	buffer_release(&notes);
	cli_identity_release(&identity);
	return ok;
}

static const CliOption query_train_options[] = {CLI_IDENTITY_OPTION_CONFIG,
												CLI_IDENTITY_OPTION_INPUT,
												{"model", 'm', "FILE", "write the model here"},
												CLI_IDENTITY_OPTION_MEMORY,
												CLI_IDENTITY_OPTION_QUIET,
												CLI_OPTION_END};

const CliCommand cli_identity_train_leaf = {
	.name = "train",
	.summary = "learn a model from records, without labels",
	.options = query_train_options,
	.run = query_train,
};

/* ---- explain ---- */

static bool
query_explain_records(const CliArgs *args, const Identity *identity, const DatasetStore *store,
					  Buffer *out, Err *err)
{
	const char *customer = cli_value(args, "customer");
	DatasetStored a;
	DatasetStored b;
	IdentityId id;

	if (!cli_identity_find(store, args->arguments[0], &a, err))
		return false;
	if (args->narguments == 2)
		return cli_identity_find(store, args->arguments[1], &b, err) &&
			   identity_explain_pair(identity, a.ref, b.ref, out, err);
	if (customer == NULL)
		return identity_explain_record(identity, a.ref, NULL, out, err);
	if (!dataset_id_parse(customer, &id))
		return cli_usage_error(args->command, err,
							   "--customer needs 32 hexadecimal digits, not \"%s\"", customer);
	return identity_explain_record(identity, a.ref, &id, out, err);
}

static bool
query_explain(const CliArgs *args, Err *err)
{
	const char *path = cli_identity_required(args, "state", err);
	const IdentityMemory memory = {.ceiling = 0};
	DatasetState *state = NULL;
	DatasetStore *store;
	Identity *identity;
	Buffer out;
	bool ok = false;

	if (path == NULL)
		return false;
	if (args->narguments == 0)
		return cli_usage_error(args->command, err, "a record is missing");
	if (args->narguments == 2 && cli_has(args, "customer"))
		return cli_usage_error(args->command, err,
							   "--customer is for one record, beside which there is another");
	buffer_init(&out, QUERY_OUTPUT_MAX);
	if ((state = dataset_state_open(path, DATASET_READ, err)) != NULL &&
		(store = dataset_state_store(state, err)) != NULL &&
		(identity = dataset_state_identity(state, &memory, err)) != NULL)
		ok = query_explain_records(args, identity, store, &out, err) && cli_print(&out, err);
	buffer_release(&out);
	dataset_state_close(state);
	return ok;
}

static const CliOption query_explain_options[] = {
	CLI_IDENTITY_OPTION_STATE,
	{"customer", 0, "ID", "why the record is, or is not, in that customer"},
	CLI_OPTION_END};

const CliCommand cli_identity_explain = {
	.name = "explain",
	.summary = "why records are together, or not, and what would change it",
	.arguments = "RECORD [RECORD]",
	.max_arguments = 2,
	.description =
		"Explains one record's place, or what stands between two records. A RECORD is an id, or\n"
		"SOURCE:ID where several sources have that id.",
	.options = query_explain_options,
	.run = query_explain,
};

/* ---- score ---- */

typedef struct ScoreRun
{
	CliIdentity common;
	DatasetState *state;
	IdentityModel *model;
	bool owns_model;
	DatasetStore *store;
	bool owns_store;
} ScoreRun;

static bool
score_open(ScoreRun *run, const CliArgs *args, Err *err)
{
	const char *path = cli_value(args, "state");
	const char *model = cli_value(args, "model");

	memset(run, 0, sizeof(*run));
	if (!cli_identity_read(&run->common, args, path == NULL, err))
		return false;
	if (model != NULL)
	{
		run->owns_model = true;
		run->model = cli_identity_model(model, err);
		if (run->model == NULL)
			return false;
	}
	if (path != NULL)
	{
		run->state = dataset_state_open(path, DATASET_READ, err);
		if (run->state == NULL || (run->store = dataset_state_store(run->state, err)) == NULL)
			return false;
		if (run->model == NULL)
			run->model = dataset_state_model(run->state, err);
		return run->model != NULL;
	}
	if (run->model == NULL && cli_identity_required(args, "model", err) == NULL)
		return false;
	run->owns_store = true;
	run->store = cli_identity_load(&run->common, err);
	return run->store != NULL;
}

static void
score_close(ScoreRun *run)
{
	if (run->owns_store)
		dataset_store_close(run->store);
	if (run->owns_model)
		identity_model_free(run->model);
	dataset_state_close(run->state);
	cli_identity_release(&run->common);
}

static IdentityForm *
score_form(const ScoreRun *run, const char *name, DatasetStored *stored, Err *err)
{
	static IdentityField fields[DATASET_MAX_FIELDS];

	if (!cli_identity_find(run->store, name, stored, err))
		return NULL;
	return identity_form(run->model, stored->kind, fields, dataset_store_fields(stored, fields),
						 err);
}

static bool
score_pair(const ScoreRun *run, const char *name_a, const char *name_b, Buffer *out, Err *err)
{
	DatasetStored a;
	DatasetStored b;
	IdentityScore score;
	IdentityForm *form_a = score_form(run, name_a, &a, err);
	IdentityForm *form_b = form_a != NULL ? score_form(run, name_b, &b, err) : NULL;
	bool ok = form_b != NULL;

	if (ok && a.kind != b.kind)
		ok = err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE,
					 "a person and a company have no score: \"%s\" and \"%s\"", name_a, name_b);
	if (ok)
	{
		identity_score_forms(run->model, form_a, form_b, &score);
		ok = dataset_csv_put(out, true, name_a, strlen(name_a), err) &&
			 dataset_csv_put(out, false, name_b, strlen(name_b), err) &&
			 buffer_printf(out, err, ",%.4f,%s\n", score.bits, score.conflict ? "conflict" : "");
	}
	identity_form_free(form_a);
	identity_form_free(form_b);
	return ok;
}

static bool
score_file(const ScoreRun *run, const char *path, Buffer *out, Err *err)
{
	DatasetCsv *csv = dataset_csv_open(path, ',', err);
	DatasetCsvRow row;
	bool found;
	bool ok = csv != NULL;
	int a = ok ? dataset_csv_find(csv, "record_id_a") : -1;
	int b = ok ? dataset_csv_find(csv, "record_id_b") : -1;

	if (ok && (a < 0 || b < 0))
		ok = err_set(err, ERR_CLASS_USAGE, ERR_DATA,
					 "file \"%s\" needs the columns record_id_a and record_id_b", path);
	while (ok && (ok = dataset_csv_next(csv, &row, &found, err)) && found)
	{
		char name_a[2 * DATASET_MAX_ID];
		char name_b[2 * DATASET_MAX_ID];

		if (row.problem != NULL || row.fields[a].length >= sizeof(name_a) ||
			row.fields[b].length >= sizeof(name_b))
		{
			ok = err_set(err, ERR_CLASS_USAGE, ERR_DATA, "%s:%" PRId64 ": %s", path, row.line,
						 row.problem != NULL ? row.problem : "a record id is too long");
			break;
		}
		(void) snprintf(name_a, sizeof(name_a), "%.*s", (int) row.fields[a].length,
						row.fields[a].text);
		(void) snprintf(name_b, sizeof(name_b), "%.*s", (int) row.fields[b].length,
						row.fields[b].text);
		ok = score_pair(run, name_a, name_b, out, err);
		if (!ok)
			(void) err_context(err, "%s:%" PRId64, path, row.line);
	}
	dataset_csv_close(csv);
	return ok;
}

static bool
query_score(const CliArgs *args, Err *err)
{
	const char *pairs = cli_value(args, "pairs");
	ScoreRun run;
	Buffer out;
	bool ok;

	if ((pairs != NULL) == (args->narguments == 2) || args->narguments == 1)
		return cli_usage_error(args->command, err, "give two records, or --pairs");
	buffer_init(&out, (size_t) 1 << 30);
	ok = score_open(&run, args, err) &&
		 buffer_append_text(&out, "record_id_a,record_id_b,score,conflict\n", err) &&
		 (pairs != NULL ? score_file(&run, pairs, &out, err)
						: score_pair(&run, args->arguments[0], args->arguments[1], &out, err)) &&
		 cli_print(&out, err);
	score_close(&run);
	buffer_release(&out);
	return ok;
}

static const CliOption query_score_options[] = {
	CLI_IDENTITY_OPTION_STATE,
	CLI_IDENTITY_OPTION_CONFIG,
	CLI_IDENTITY_OPTION_INPUT,
	{"model", 'm', "FILE", "model (default: the state's)"},
	{"pairs", 'p', "FILE", "CSV file with columns record_id_a and record_id_b"},
	CLI_IDENTITY_OPTION_MEMORY,
	CLI_IDENTITY_OPTION_QUIET,
	CLI_OPTION_END};

const CliCommand cli_identity_score = {
	.name = "score",
	.summary = "the bits of evidence between records",
	.arguments = "[RECORD RECORD]",
	.max_arguments = 2,
	.description =
		"Prints the score of pairs of records, in bits: 0 is even odds that they are one customer.",
	.options = query_score_options,
	.run = query_score,
};
