/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity_match.c — `goldpan identity match`: files in, customers out.
 *
 * With --state a run is the difference to the last one: rows that are new, changed or gone become
 * changes, in the order of the input and then of the store, so that the same files always
 * give the same ids. Nothing counts before the state is committed, which is the last thing done.
 *
 * What could wipe out customers by accident is refused: a source of which more than half is missing, and
 * deletes from an input that has rows nobody can read.
 */
#include "cli/cli_identity_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_match_priv.h"
#include "goldpan/alloc.h"
#include "goldpan/clock.h"

/* ---- rejects ---- */

static bool
match_reject(MatchRun *run, const char *path, const DatasetRecord *record, Err *err)
{
	char line[24];
	Buffer *out;

	run->rejected++;
	if (run->rejects == NULL)
		return true;
	out = dataset_file_buffer(run->rejects);
	(void) snprintf(line, sizeof(line), "%" PRId64, record->line);
	if (!dataset_csv_put(out, true, path, strlen(path), err) ||
		!dataset_csv_put(out, false, line, strlen(line), err) ||
		!dataset_csv_put(out, false, record->ref.id, strlen(record->ref.id), err) ||
		!dataset_csv_put(out, false, record->problem, strlen(record->problem), err))
		return false;
	if (dataset_utf8_valid(record->raw.text, record->raw.length))
	{
		if (!dataset_csv_put(out, false, record->raw.text, record->raw.length, err))
			return false;
	}
	else
	{
		/* Bytes that are no text: each as \xHH, so that the file of rejects can be read. */
		buffer_clear(&run->scratch);
		for (size_t i = 0; i < record->raw.length; i++)
		{
			unsigned char byte = (unsigned char) record->raw.text[i];

			if (!(byte < 0x80 ? buffer_append_byte(&run->scratch, byte, err)
							  : buffer_printf(&run->scratch, err, "\\x%02X", byte)))
				return false;
		}
		if (!dataset_csv_put(out, false, (const char *) run->scratch.data, run->scratch.length,
							 err))
			return false;
	}
	return dataset_csv_end(out, err) && dataset_file_flush(run->rejects, err);
}

/* ---- records ---- */

static bool
match_memory(MatchRun *run, Err *err)
{
	IdentityStats stats;
	size_t own = dataset_store_bytes(run->old) + dataset_store_writer_bytes(run->doubles);

	identity_stats(run->identity, &stats);
	if (own + stats.bytes <= run->common.memory)
		return true;
	(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
				   "%" PRId64 " records need more than %zu MiB of memory", run->rows,
				   run->common.memory >> 20);
	return err_hint(err, "Give more with --memory.");
}

bool
match_change(MatchRun *run, IdentityChangeType type, IdentityRef ref, IdentityKind kind,
			 const IdentityField *fields, size_t nfields, Err *err)
{
	IdentityChange change = {.type = type,
							 .position = run->position + 1,
							 .handle = run->position + 1,
							 .time = run->time,
							 .ref = ref,
							 .kind = kind,
							 .fields = fields,
							 .nfields = nfields};

	run->position++;
	return dataset_feed_add(run->feed, &change, err);
}

/* Values that did not change, and that the log does not have any more, are those the state has. */
static void
match_fill(MatchRun *run, DatasetRecord *record, bool anew)
{
	static IdentityField filled[2 * DATASET_MAX_FIELDS];
	static IdentityField fields[DATASET_MAX_FIELDS];
	DatasetStored stored;
	size_t count;

	if (record->unknown == 0)
		return;
	if (anew || !dataset_store_find(run->old, record->ref, &stored) ||
		dataset_store_marked(run->old, &stored))
	{
		run->holes++;
		return;
	}
	memcpy(filled, record->fields, record->nfields * sizeof(filled[0]));
	count = dataset_store_fields(&stored, fields);
	for (size_t i = 0; i < count; i++)
	{
		if (record->unknown >> fields[i].attribute & 1)
			filled[record->nfields++] = fields[i];
	}
	record->fields = filled;
}

/* anew: what was known of the record was erased in this run. */
static bool
match_record(MatchRun *run, const CliIdentityInput *input, DatasetRecord *record, bool anew,
			 Err *err)
{
	DatasetStored stored;
	bool known;
	bool twice;

	match_fill(run, record, anew);
	if (!dataset_store_pack(record, &run->packed, err) ||
		!dataset_store_add(run->doubles, record->ref, run->packed.data, run->packed.length, &twice,
						   err))
		return false;
	if (twice)
	{
		record->problem = "its record id came before in this run";
		return match_reject(run, input->path, record, err);
	}
	/* What is marked, and no double, an input before this one deleted or erased. */
	known = !anew && dataset_store_find(run->old, record->ref, &stored) &&
			!dataset_store_marked(run->old, &stored);
	if (known)
	{
		(void) dataset_store_mark(run->old, &stored);
		if (stored.bytes.length == run->packed.length &&
			memcmp(stored.bytes.text, run->packed.data, run->packed.length) == 0)
		{
			run->same++;
			return true;
		}
		/* The engine's records do not change their kind: this one leaves, another one comes. */
		if (stored.kind != record->kind &&
			!match_change(run, IDENTITY_DELETE, record->ref, stored.kind, NULL, 0, err))
			return false;
		run->changed++;
	}
	else
		run->added++;
	return match_change(run, IDENTITY_UPSERT, record->ref, record->kind, record->fields,
						record->nfields, err);
}

static bool
match_gone(MatchRun *run, const DatasetRecord *record, Err *err)
{
	DatasetStored stored;

	if (!dataset_store_find(run->old, record->ref, &stored) ||
		dataset_store_mark(run->old, &stored))
		return true;
	run->removed++;
	return match_change(run, IDENTITY_DELETE, record->ref, record->kind, NULL, 0, err);
}

/* One step of an input that is no rejected row. */
static bool
match_step(MatchRun *run, const CliIdentityInput *input, DatasetRecord *record, DatasetStep step,
		   Err *err)
{
	bool anew;

	if (!match_source(run, record->ref.source, false, err) ||
		!match_erasure(run, record, step == DATASET_ERASED, &anew, err))
		return false;
	if (step == DATASET_ERASED)
		return true;
	if (step == DATASET_DELETED)
		return match_gone(run, record, err);
	return match_withheld(run, record) ? match_withhold(run, record, err)
									   : match_record(run, input, record, anew, err);
}

static bool
match_input(MatchRun *run, const CliIdentityInput *input, Err *err)
{
	DatasetReader *reader =
		dataset_reader_open(run->common.config, input->input, input->path, run->common.memory, err);
	CliProgress progress;
	DatasetRecord record;
	DatasetStep step = DATASET_RECORD;
	bool ok = reader != NULL;

	cli_progress_start(&progress, input->path, run->common.quiet);
	/* A file without rows covers its source all the same. */
	if (ok && input->input->source != NULL)
		ok = match_source(run, input->input->source, false, err);
	while (ok && (ok = dataset_reader_next(reader, &record, &step, err)) && step != DATASET_END)
	{
		int64_t done = 0;
		int64_t size = -1;

		run->rows++;
		if (step == DATASET_REJECTED)
			/* Without an id nobody knows which record of yesterday it is. */
			ok = match_reject(run, input->path, &record, err) &&
				 match_source(run, input->input->source, true, err);
		else
			ok = match_step(run, input, &record, step, err);
		if (ok && input->input->topic != NULL && step != DATASET_REJECTED)
			match_find_source(run, record.ref.source)->logged = true;
		if (ok && run->rows % 1024 == 0)
		{
			dataset_reader_progress(reader, &done, &size);
			cli_progress_step(&progress, done, size, run->rows);
			ok = match_memory(run, err);
		}
	}
	cli_progress_end(&progress);
	dataset_reader_close(reader);
	return ok;
}

/* ---- what is gone ---- */

static bool
match_given(const MatchRun *run, const DatasetInput *input)
{
	for (size_t i = 0; i < run->common.ninputs; i++)
	{
		if (run->common.inputs[i].input == input)
			return true;
	}
	return false;
}

/* May the input have records of that source?  One of a topic has them as "crm/contact"; one whose source
 * is in a column may have any. */
static bool
match_may_have(const DatasetInput *input, const char *source)
{
	const char *entity = strrchr(source, '/');
	const char *dot = input->topic != NULL ? strrchr(input->topic, '.') : NULL;

	if (input->topic == NULL)
		return input->source == NULL || strcmp(input->source, source) == 0;
	return entity != NULL && strcmp(entity + 1, dot != NULL ? dot + 1 : input->topic) == 0;
}

/* Would a record of that source and kind be in what was given?  Not where the configuration has
 * another input for them. */
static bool
match_covers(MatchRun *run, const DatasetStored *stored)
{
	const DatasetConfig *config = run->common.config;

	for (size_t i = 0; i < config->ninputs; i++)
	{
		const DatasetInput *input = &config->inputs[i];

		if (input->kind == stored->kind && match_may_have(input, stored->ref.source) &&
			!match_given(run, input))
			return false;
	}
	return match_find_source(run, stored->ref.source) != NULL;
}

/* Refuses a run that would delete more than half of a source, and says so before anything is done. */
static bool
match_check_missing(MatchRun *run, Err *err)
{
	DatasetStored stored;
	size_t at = 0;

	while (dataset_store_next(run->old, &at, &stored))
	{
		MatchSource *source = match_find_source(run, stored.ref.source);

		if (source == NULL || !match_covers(run, &stored))
			continue;
		source->known++;
		source->missing += dataset_store_marked(run->old, &stored) ? 0 : 1;
	}
	for (size_t i = 0; i < run->nsources && !run->accept_deletes && !run->partial; i++)
	{
		const MatchSource *source = &run->sources[i];

		if (source->missing * 2 <= source->known || source->missing <= 10 || source->broken ||
			source->logged || run->all_broken)
			continue;
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CHECK_FAILED,
					   "the input lacks %zu of the %zu records of source \"%s\"", source->missing,
					   source->known, source->name);
		return err_hint(err, "Give --partial if the input holds changes only, or "
							 "--accept-deletes if these records are gone.");
	}
	return true;
}

static bool
match_missing(MatchRun *run, Err *err)
{
	DatasetStored stored;
	size_t at = 0;
	bool twice;

	if (!match_check_missing(run, err))
		return false;
	while (dataset_store_next(run->old, &at, &stored))
	{
		const MatchSource *source = match_find_source(run, stored.ref.source);
		bool covered, logged;

		if (dataset_store_marked(run->old, &stored))
			continue;
		covered = match_covers(run, &stored);
		logged = covered && source->logged;
		if (covered && !logged && !run->partial && !source->broken && !run->all_broken)
		{
			run->removed++;
			if (!match_change(run, IDENTITY_DELETE, stored.ref, stored.kind, NULL, 0, err))
				return false;
			continue;
		}
		if (logged)
			run->unlogged++;
		else if (!covered)
			run->uncovered++;
		else
			run->kept += run->partial ? 0 : 1;
		if (!dataset_store_add(run->doubles, stored.ref, stored.bytes.text, stored.bytes.length,
							   &twice, err))
			return false;
	}
	return true;
}

/* ---- results ---- */

/* Are there records of more than one source, of today or of before? */
static bool
match_several(const MatchRun *run)
{
	const char *first = run->nsources > 0 ? run->sources[0].name : NULL;
	DatasetStored stored;
	size_t at = 0;

	if (run->common.config->several_sources || run->nsources > 1)
		return true;
	while (dataset_store_next(run->old, &at, &stored))
	{
		if (first == NULL)
			first = stored.ref.source;
		if (strcmp(first, stored.ref.source) != 0)
			return true;
	}
	return false;
}

/* Makes the files, as they will be when the state is committed. */
static bool
match_results(MatchRun *run, const CliArgs *args, Err *err)
{
	const char *output = cli_value(args, "output");
	const char *review = cli_value(args, "review");
	int64_t audit = 0;
	bool several = match_several(run);

	if (!cli_number(args, "audit", 0, &audit, err))
		return false;
	if (output != NULL &&
		(run->clusters = cli_identity_clusters(run->identity, output, several, err)) == NULL)
		return false;
	return review == NULL ||
		   (run->review = cli_identity_review(run->identity, review, several, (size_t) audit,
											  &run->questions, err)) != NULL;
}

/* Gives the files their names: what they say is in force. */
static bool
match_publish(MatchRun *run, Err *err)
{
	DatasetFile **files[] = {&run->clusters, &run->review, &run->rejects, &run->events};
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(files) / sizeof(files[0]); i++)
	{
		DatasetFile *file = *files[i];

		*files[i] = NULL;
		ok = file == NULL || dataset_file_finish(file, err);
	}
	if (!ok && run->state != NULL)
		(void) err_hint(err, "The state has taken the run: run it again for the files. Its events "
							 "are in the state's events.csv.");
	return ok;
}

static void
match_warnings(const MatchRun *run, const CliArgs *args)
{
	if (run->kept > 0)
		(void) fprintf(stderr,
					   "warning: %" PRId64
					   " records are missing but were kept, since rows without a readable id were "
					   "rejected\n",
					   run->kept);
	if (run->rejected > 0 && cli_has(args, "rejects"))
		(void) fprintf(stderr, "warning: %" PRId64 " rows were rejected: see \"%s\"\n",
					   run->rejected, cli_value(args, "rejects"));
	else if (run->rejected > 0)
		(void) fprintf(stderr,
					   "warning: %" PRId64
					   " rows were rejected: --rejects names a file for them, with reasons\n",
					   run->rejected);
}

static void
match_summary(const MatchRun *run, const IdentityStats *stats, const CliArgs *args)
{
	(void) fprintf(stderr,
				   "%" PRId64 " rows read, %" PRId64 " rejected: %" PRId64
				   " records added, %" PRId64 " changed, %" PRId64 " unchanged, %" PRId64
				   " removed\n",
				   run->rows, run->rejected, run->added, run->changed, run->same, run->removed);
	(void) fprintf(stderr, "%" PRIu64 " records are %" PRIu64 " customers", stats->records,
				   stats->customers);
	if (cli_has(args, "review"))
		(void) fprintf(stderr, "; %zu questions for a person", run->questions);
	(void) fprintf(stderr, "\n");
	if (run->uncovered > 0 && !run->partial)
		(void) fprintf(stderr,
					   "note: %" PRId64
					   " records stay, since the input lacks their source or one of its files\n",
					   run->uncovered);
	if (run->unlogged > 0)
		(void) fprintf(stderr,
					   "note: %" PRId64
					   " records are not in the log any more, and stay until it says "
					   "that they were deleted\n",
					   run->unlogged);
	if (run->holes > 0)
		(void) fprintf(stderr,
					   "note: %" PRId64
					   " records lack values that did not change and are not in the log any more\n",
					   run->holes);
	if (run->withheld > 0)
		(void) fprintf(stderr,
					   "note: %" PRId64
					   " records were erased before and stay so: the input has them from then\n",
					   run->withheld);
}

/* ---- the command ---- */

static bool
match_feed_all(MatchRun *run, const CliArgs *args, Err *err)
{
	IdentityStats stats;
	bool ok = true;

	for (size_t i = 0; ok && i < run->common.ninputs; i++)
		ok = match_input(run, &run->common.inputs[i], err);
	ok = ok && match_missing(run, err) && dataset_feed_flush(run->feed, err) &&
		 match_results(run, args, err);
	if (!ok)
		return false;
	identity_stats(run->identity, &stats);
	if (run->state != NULL)
	{
		run->doubles = NULL; /* next.records, which commit takes */
		ok = dataset_state_commit(&run->next, run->identity, run->model, err);
		if (!run->owns_identity)
			run->identity = NULL;
		if (!run->owns_model)
			run->model = NULL;
		if (!run->owns_old)
			run->old = NULL;
	}
	ok = ok && match_publish(run, err);
	if (ok && !run->common.quiet)
		match_summary(run, &stats, args);
	if (ok)
		match_warnings(run, args);
	return ok;
}

static bool
match_check_args(const CliArgs *args, Err *err)
{
	static const char *const of_state[] = {"partial", "accept-deletes", "switch-model"};

	for (size_t i = 0; i < sizeof(of_state) / sizeof(of_state[0]); i++)
	{
		if (cli_has(args, of_state[i]) && !cli_has(args, "state"))
			return cli_usage_error(args->command, err, "--%s needs a --state", of_state[i]);
	}
	if (cli_has(args, "switch-model") && !cli_has(args, "model"))
		return cli_usage_error(args->command, err, "--switch-model needs a --model");
	if (!cli_has(args, "output") && !cli_has(args, "state"))
		return cli_usage_error(args->command, err, "--output or --state is missing");
	return true;
}

static bool
match_run(const CliArgs *args, Err *err)
{
	MatchRun run;
	bool ok;

	if (!match_check_args(args, err))
		return false;
	ok = match_open(&run, args, err) && match_feed_all(&run, args, err);
	match_close(&run);
	return ok;
}

static const CliOption match_options[] = {
	CLI_IDENTITY_OPTION_CONFIG,
	CLI_IDENTITY_OPTION_INPUT,
	{"output", 'o', "FILE", "write clusters here: record_id,cluster_id"},
	{"review", 'r', "FILE", "write the pairs for a person here"},
	{"model", 'm', "FILE", "model; trained on the input and written when it is missing"},
	CLI_IDENTITY_OPTION_STATE,
	{"events", 0, "FILE", "write this run's events here too"},
	{"rejects", 0, "FILE", "write rows that are no records here, with reasons"},
	{"partial", 0, NULL, "the input holds changes only: records that are missing stay"},
	{"accept-deletes", 0, NULL, "remove records although most of a source is missing"},
	{"switch-model", 0, NULL, "give the state the model of --model; ids are kept by overlap"},
	{"audit", 0, "N", "mix N random automatic links into --review"},
	CLI_IDENTITY_OPTION_MEMORY,
	CLI_IDENTITY_OPTION_THREADS,
	CLI_IDENTITY_OPTION_QUIET,
	CLI_OPTION_END};

const CliCommand cli_identity_match = {
	.name = "match",
	.summary = "read records, write which are one customer",
	.description =
		"Reads records from CSV files or a directory log and writes which of them are one\n"
		"customer. With --state, ids and a steward's answers are kept from run to run.",
	.options = match_options,
	.run = match_run,
};
