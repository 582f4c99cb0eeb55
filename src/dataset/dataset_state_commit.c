/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_state_commit.c — writes the next generation of a state and puts it into force.
 *
 * All files are complete and flushed before state.json is replaced; after that the old ones are
 * removed. A kill at any moment leaves one generation or the other.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/dataset_state_priv.h"
#include "goldpan/alloc.h"
#include "goldpan/debug_point.h"

bool
dataset_state_begin(DatasetState *state, DatasetNext *next, Err *err)
{
	char path[DATASET_STATE_PATH];

	memset(next, 0, sizeof(*next));
	next->state = state;
	next->deployment = state->deployment;
	next->records = dataset_store_create(
		dataset_state_path(state, "records", state->generation + 1, path), err);
	if (next->records == NULL || dataset_state_erasures(state, err) == NULL)
		return false;
	next->events =
		dataset_file_create(dataset_state_path(state, "events", state->generation + 1, path), err);
	return next->events != NULL &&
		   (state->generation > 0 ||
			buffer_append_text(dataset_file_buffer(next->events), DATASET_EVENTS_HEADER, err));
}

void
dataset_state_abandon(DatasetNext *next)
{
	dataset_store_abandon(next->records);
	dataset_file_abandon(next->events);
	next->records = NULL;
	next->events = NULL;
}

/* ---- judgements ---- */

static bool
commit_lines(const char *text, size_t length, DatasetJudgementVisit visit, void *context, Err *err)
{
	while (length > 0)
	{
		const char *end = memchr(text, '\n', length);
		size_t line = end != NULL ? (size_t) (end - text) : length;

		if (line > 0 && !visit(context, text, line, err))
			return false;
		if (end == NULL)
			return true;
		text += line + 1;
		length -= line + 1;
	}
	return true;
}

typedef struct CommitVisit
{
	DatasetJudgementVisit visit;
	void *context;
} CommitVisit;

static bool
commit_journal_lines(void *context, const DatasetJournalEntry *entry, Err *err)
{
	const CommitVisit *to = context;

	return commit_lines(entry->judgement, entry->judgement_length, to->visit, to->context, err);
}

bool
dataset_state_judgements(DatasetState *state, DatasetJudgementVisit visit, void *context, Err *err)
{
	char path[DATASET_STATE_PATH];
	CommitVisit to = {visit, context};
	Buffer text;
	bool ok = true;

	if (state->generation == 0)
		return true;
	buffer_init(&text, (size_t) 1 << 30);
	if (state->judgements_size > 0)
		ok = dataset_read_file(dataset_state_path(state, "judgements", state->generation, path),
							   &text, err) &&
			 (text.length == state->judgements_size ||
			  err_set(err, ERR_CLASS_STOP, ERR_DATA, "file \"%s\" is damaged", path));
	ok = ok && commit_lines((const char *) text.data, text.length, visit, context, err) &&
		 dataset_journal_each(state, commit_journal_lines, &to, err);
	buffer_release(&text);
	return ok;
}

typedef struct CommitKeep
{
	const DatasetErasures *erasures;
	Buffer *out;
	Arena arena;
} CommitKeep;

static bool
commit_keep_judgement(void *context, const char *line, size_t length, Err *err)
{
	CommitKeep *keep = context;
	IdentityChange change;

	if (dataset_erasures_fresh(keep->erasures))
	{
		arena_reset(&keep->arena);
		if (!dataset_judgement_parse(line, length, &keep->arena, &change, err))
			return false;
		if (change.type == IDENTITY_JUDGE)
			return !dataset_judgement_forget(keep->erasures, &change.judgement) ||
				   dataset_judgement_put(&change, keep->out, err);
	}
	return buffer_append(keep->out, line, length, err) && buffer_append_byte(keep->out, '\n', err);
}

static bool
commit_judgements(const DatasetNext *next, uint64_t *size, Err *err)
{
	DatasetState *state = next->state;
	char path[DATASET_STATE_PATH];
	CommitKeep keep = {.erasures = state->erasures};
	DatasetFile *file = dataset_file_create(
		dataset_state_path(state, "judgements", state->generation + 1, path), err);
	bool ok = file != NULL;

	arena_init(&keep.arena, (size_t) 64 << 20);
	if (ok)
	{
		keep.out = dataset_file_buffer(file);
		ok = dataset_state_judgements(state, commit_keep_judgement, &keep, err);
		*size = keep.out->length;
	}
	arena_release(&keep.arena);
	if (ok)
		return dataset_file_finish(file, err);
	dataset_file_abandon(file);
	return false;
}

/* ---- erased records ---- */

static bool
commit_erasures(const DatasetState *state, DatasetState *after, Err *err)
{
	char path[DATASET_STATE_PATH];
	DatasetFile *file =
		dataset_file_create(dataset_state_path(state, "erased", state->generation + 1, path), err);
	Buffer *out;

	if (file == NULL)
		return false;
	out = dataset_file_buffer(file);
	if (dataset_erasures_put(state->erasures, out, err) && out->length > 0)
	{
		after->erased_size = out->length;
		after->erased_hash = dataset_hash(8, out->data, out->length);
		return dataset_file_finish(file, err);
	}
	dataset_file_abandon(file);
	return err->code == ERR_OK; /* nobody was erased: no file */
}

/* ---- snapshot and model ---- */

static bool
commit_sink(void *context, const void *bytes, size_t length, Err *err)
{
	DatasetFile *file = context;

	return buffer_append(dataset_file_buffer(file), bytes, length, err) &&
		   dataset_file_flush(file, err);
}

static bool
commit_snapshot(const DatasetState *state, const Identity *identity, Err *err)
{
	char path[DATASET_STATE_PATH];
	DatasetFile *file = dataset_file_create(
		dataset_state_path(state, "snapshot", state->generation + 1, path), err);

	if (file == NULL)
		return false;
	if (identity_snapshot(identity, commit_sink, file, err))
		return dataset_file_finish(file, err);
	dataset_file_abandon(file);
	return false;
}

static bool
commit_model(const DatasetState *state, const IdentityModel *model, Err *err)
{
	char path[DATASET_STATE_PATH];
	DatasetFile *file =
		dataset_file_create(dataset_state_path(state, "model", state->generation + 1, path), err);

	if (file == NULL)
		return false;
	if (identity_model_print(model, dataset_file_buffer(file), err))
		return dataset_file_finish(file, err);
	dataset_file_abandon(file);
	return false;
}

/* ---- the commit point ---- */

static bool
commit_number(json_t *json, const char *name, uint64_t value)
{
	char text[24];

	(void) snprintf(text, sizeof(text), "%llu", (unsigned long long) value);
	return json_object_set_new(json, name, json_string(text)) == 0;
}

static bool
commit_state(const DatasetState *next, Err *err)
{
	char path[DATASET_STATE_PATH];
	DatasetFile *file = NULL;
	json_t *json = json_object();
	char sum[DATASET_STATE_SUM];
	char *text = NULL;
	bool ok;

	ok = json != NULL && commit_number(json, "format", DATASET_STATE_FORMAT) &&
		 commit_number(json, "generation", next->generation) &&
		 json_object_set_new(json, "deployment", json_string(next->deployment)) == 0 &&
		 commit_number(json, "model", next->model_generation) &&
		 commit_number(json, "model_hash", next->model_hash) &&
		 commit_number(json, "records_size", next->records_size) &&
		 commit_number(json, "records_hash", next->records_hash) &&
		 commit_number(json, "judgements_size", next->judgements_size) &&
		 commit_number(json, "erased_size", next->erased_size) &&
		 commit_number(json, "erased_hash", next->erased_hash) &&
		 commit_number(json, "events_base", next->events_base) &&
		 commit_number(json, "events_size", next->events_size) && dataset_state_sum(json, sum) &&
		 json_object_set_new(json, "checksum", json_string(sum)) == 0 &&
		 (text = json_dumps(json, JSON_INDENT(1))) != NULL;
	if (!ok)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory writing the state");
	else
		file = dataset_file_create(dataset_state_path(next, "state.json", 0, path), err);
	ok = file != NULL && buffer_append_text(dataset_file_buffer(file), text, err) &&
		 buffer_append_byte(dataset_file_buffer(file), '\n', err);
	if (ok)
		ok = dataset_file_finish(file, err);
	else
		dataset_file_abandon(file);
	free(text);
	json_decref(json);
	return ok;
}

static bool
commit_size(const DatasetState *state, const char *name, uint64_t *size, Err *err)
{
	char path[DATASET_STATE_PATH];
	struct stat status;

	if (stat(dataset_state_path(state, name, state->generation + 1, path), &status) != 0)
		return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not read file \"%s\": %s", path,
					   strerror(errno));
	*size = (uint64_t) status.st_size;
	return true;
}

bool
dataset_state_commit(DatasetNext *next, const Identity *identity, const IdentityModel *model,
					 Err *err)
{
	DatasetState *state = next->state;
	DatasetState after = *state;
	DatasetStoreWriter *records = next->records;
	DatasetFile *events = next->events;
	bool ok;

	next->records = NULL;
	next->events = NULL;
	after.generation = state->generation + 1;
	after.model_hash = identity_model_hash(model);
	after.events_base = state->generation == 0
							? 0
							: state->events_base + state->events_size + state->journal_events;
	after.deployment = alloc_text(next->deployment);
	ok = dataset_store_finish(records, &after.records_size, &after.records_hash, err);
	if (!dataset_file_finish(events, ok ? err : NULL) || after.deployment == NULL)
		ok = false;
	ok = ok && commit_size(state, "events", &after.events_size, err) &&
		 commit_judgements(next, &after.judgements_size, err) &&
		 commit_erasures(state, &after, err) && commit_snapshot(state, identity, err);
	/* a model that was not read may be there no more */
	if (ok && (state->model == NULL || after.model_hash != state->model_hash))
	{
		after.model_generation = after.generation;
		ok = commit_model(state, model, err);
	}
	/* Not after a failure of what follows: it may have come into force all the same. */
	if (!ok)
		dataset_state_tidy(state);
	GP_DEBUG_POINT("dataset_state.before_commit");
	ok = ok && commit_state(&after, err);
	GP_DEBUG_POINT("dataset_state.after_commit");
	if (!ok)
	{
		alloc_free(after.deployment);
		return false;
	}
	dataset_state_release(state);
	alloc_free(state->deployment);
	after.journal = -1;
	after.model = NULL;
	after.store = NULL;
	after.identity = NULL;
	after.erasures = NULL;
	*state = after;
	ok = dataset_journal_open(state, err);
	dataset_state_tidy(state);
	return ok;
}
