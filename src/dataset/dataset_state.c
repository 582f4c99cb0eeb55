/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_state.c — the state directory: what is in force, and reading it.
 *
 * Nothing that state.json names is ever changed but for the journal and events.csv, which only grow: a
 * torn end of the journal is an answer that never counted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/dataset_state_priv.h"
#include "goldpan/alloc.h"

/* ---- paths ---- */

const char *
dataset_state_path(const DatasetState *state, const char *name, uint64_t generation, char *path)
{
	if (generation == 0)
		(void) snprintf(path, DATASET_STATE_PATH, "%s/%s", state->path, name);
	else
		(void) snprintf(path, DATASET_STATE_PATH, "%s/%s-%llu%s", state->path, name,
						(unsigned long long) generation, strcmp(name, "model") == 0 ? ".json" : "");
	return path;
}

static bool
state_lock(DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];
	struct stat status;

	if (strlen(state->path) + 64 > DATASET_STATE_PATH)
		return err_set(err, ERR_CLASS_USAGE, ERR_IO, "the path of the state is too long");
	if (state->mode == DATASET_MAKE && mkdir(state->path, 0700) != 0 && errno != EEXIST)
		return err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not make directory \"%s\": %s",
					   state->path, strerror(errno));
	if (stat(state->path, &status) == 0 && !S_ISDIR(status.st_mode))
		return err_set(err, ERR_CLASS_USAGE, ERR_IO,
					   "could not open state \"%s\": it is a file, not a directory", state->path);
	/* in a folder that is no state nothing is left by looking */
	(void) dataset_state_path(state, "state.json", 0, path);
	if (stat(state->path, &status) != 0 || (state->mode != DATASET_MAKE && access(path, F_OK) != 0))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "there is no state in \"%s\": %s", state->path,
					   strerror(errno));
		return err_hint(err, "goldpan identity match --state %s makes one.", state->path);
	}
	(void) dataset_state_path(state, "lock", 0, path);
	state->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (state->lock < 0 && state->mode == DATASET_READ)
		state->lock = open(path, O_RDONLY | O_CLOEXEC);
	if (state->lock < 0)
		return err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
	if (flock(state->lock, (state->mode != DATASET_READ ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not lock the state in \"%s\": %s",
					   state->path, strerror(errno));
	(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "the state in \"%s\" is in use", state->path);
	return err_hint(err, "Wait for the other goldpan command that uses it to end.");
}

/* ---- state.json ---- */

static uint64_t
state_number(const json_t *json, const char *name)
{
	return strtoull(json_string_value(json_object_get(json, name)) != NULL
						? json_string_value(json_object_get(json, name))
						: "0",
					NULL, 10);
}

/* No state is there: neither may be a file under the one name that a first run writes to and that
 * has no number. */
static bool
state_vacant(const DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];

	(void) dataset_state_path(state, "events.csv", 0, path);
	if (state->mode != DATASET_MAKE || access(path, F_OK) != 0)
		return true;
	(void) err_set(
		err, ERR_CLASS_USAGE, ERR_IO,
		"could not make a state in \"%s\": it has a file \"events.csv\" of another origin",
		state->path);
	return err_hint(err, "Give a directory that is empty or not there yet, or move the file away.");
}

bool
dataset_state_sum(const json_t *json, char sum[DATASET_STATE_SUM])
{
	json_t *copy = json_copy((json_t *) json);
	char *text;

	(void) json_object_del(copy, "checksum");
	text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(copy);
	if (text == NULL)
		return false;
	(void) snprintf(sum, DATASET_STATE_SUM, "%016llx",
					(unsigned long long) dataset_hash(7, text, strlen(text)));
	free(text);
	return true;
}

/* As it was written: nothing is cut or removed by what a damaged one says. */
static bool
state_undamaged(const json_t *json, const char *path, Err *err)
{
	const char *stored = json_string_value(json_object_get(json, "checksum"));
	char sum[DATASET_STATE_SUM];

	if (stored == NULL) /* of an earlier version */
		return true;
	if (!dataset_state_sum(json, sum))
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading \"%s\"", path);
	return strcmp(stored, sum) == 0 ||
		   err_set(err, ERR_CLASS_STOP, ERR_DATA,
				   "file \"%s\" is damaged: its checksum is another one", path);
}

/* The files that state.json names; one from before the last run names others, and by
 * it what is in force would be taken for leftovers. */
static bool
state_complete(const DatasetState *state, Err *err)
{
	const struct
	{
		const char *name;
		uint64_t size;
		bool lacking; /* rightly */
	} files[] = {{"records", state->records_size, false},
				 {"judgements", state->judgements_size, false},
				 {"erased", state->erased_size, state->erased_size == 0}};

	for (size_t i = 0; state->generation > 0 && i < sizeof(files) / sizeof(files[0]); i++)
	{
		char path[DATASET_STATE_PATH];
		struct stat status;

		if (files[i].lacking)
			continue;
		if (stat(dataset_state_path(state, files[i].name, state->generation, path), &status) == 0 &&
			(uint64_t) status.st_size == files[i].size)
			continue;
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "file \"%s\" is not there with the %llu bytes that state.json says", path,
					   (unsigned long long) files[i].size);
		return err_hint(err, "Put back the state whole, from one moment: nothing was changed.");
	}
	return true;
}

static bool
state_load(DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];
	json_error_t error;
	json_t *json;
	const char *deployment;

	(void) dataset_state_path(state, "state.json", 0, path);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return state_vacant(state, err);
	json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "could not read file \"%s\": %s", path,
					   error.text);
	if (!state_undamaged(json, path, err))
	{
		json_decref(json);
		return false;
	}
	deployment = json_string_value(json_object_get(json, "deployment"));
	state->generation = state_number(json, "generation");
	state->model_generation = state_number(json, "model");
	state->model_hash = state_number(json, "model_hash");
	state->records_size = state_number(json, "records_size");
	state->records_hash = state_number(json, "records_hash");
	state->judgements_size = state_number(json, "judgements_size");
	state->erased_size = state_number(json, "erased_size");
	state->erased_hash = state_number(json, "erased_hash");
	state->events_base = state_number(json, "events_base");
	state->events_size = state_number(json, "events_size");
	state->deployment = deployment != NULL ? alloc_text(deployment) : NULL;
	if (state_number(json, "format") != DATASET_STATE_FORMAT || state->generation == 0 ||
		state->deployment == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "file \"%s\" is of format %llu, this program reads %d", path,
					   (unsigned long long) state_number(json, "format"), DATASET_STATE_FORMAT);
	json_decref(json);
	return state->deployment != NULL && err->code == ERR_OK && state_complete(state, err);
}

/* ---- opening ---- */

DatasetState *
dataset_state_open(const char *path, DatasetMode mode, Err *err)
{
	DatasetState *state = alloc_zero(sizeof(*state));

	err_clear(err);
	errno = 0;
	if (state == NULL || (state->path = alloc_text(path)) == NULL)
	{
		alloc_free(state);
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening state \"%s\"", path);
		return NULL;
	}
	state->mode = mode;
	state->lock = -1;
	state->journal = -1;
	/* Slashes at the end would show in every message. */
	for (size_t length = strlen(state->path); length > 1 && state->path[length - 1] == '/';)
		state->path[--length] = '\0';
	if (state_lock(state, err) && state_load(state, err) &&
		(state->generation == 0 || dataset_journal_open(state, err)))
	{
		if (state->mode != DATASET_READ)
			dataset_state_tidy(state);
		return state;
	}
	dataset_state_close(state);
	return NULL;
}

void
dataset_state_release(DatasetState *state)
{
	identity_free(state->identity);
	identity_model_free(state->model);
	dataset_store_close(state->store);
	dataset_erasures_free(state->erasures);
	state->erasures = NULL;
	state->identity = NULL;
	state->model = NULL;
	state->store = NULL;
	if (state->journal >= 0)
		(void) close(state->journal);
	state->journal = -1;
}

void
dataset_state_close(DatasetState *state)
{
	if (state == NULL)
		return;
	dataset_state_release(state);
	if (state->lock >= 0)
		(void) close(state->lock);
	alloc_free(state->deployment);
	alloc_free(state->path);
	alloc_free(state);
}

static const char *const state_names[] = {"records-", "snapshot-", "journal-", "judgements-",
										  "model-",	  "events-",   "erased-"};

/* Skips the digits of a number above 0; NULL: there is none. */
static const char *
state_digits(const char *text, unsigned long long *number)
{
	char *end;

	if (*text < '1' || *text > '9')
		return NULL;
	*number = strtoull(text, &end, 10);
	return end;
}

bool
dataset_state_owns(const char *name)
{
	unsigned long long number;

	if (strcmp(name, "state.json") == 0 || strcmp(name, "events.csv") == 0 ||
		strcmp(name, "lock") == 0)
		return true;
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
	{
		size_t length = strlen(state_names[i]);

		if (strncmp(name, state_names[i], length) == 0 &&
			state_digits(name + length, &number) != NULL)
			return true;
	}
	return false;
}

/* Whether a name is of a file that this room wrote and needs no more.  Whole names are compared, and no
 * run wrote more than one generation ahead: a directory may be given that holds files of
 * others, as records-2025, records-2025.csv or notes.tmp. */
static bool
state_leftover(const DatasetState *state, const char *name)
{
	unsigned long long process;

	if (strncmp(name, "state.json", 10) == 0 || strncmp(name, "events.csv", 10) == 0)
	{
		const char *end = name[10] == '.' ? state_digits(name + 11, &process) : NULL;

		return end != NULL && strcmp(end, ".tmp") == 0;
	}
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
	{
		size_t length = strlen(state_names[i]);
		bool model = strcmp(state_names[i], "model-") == 0;
		unsigned long long generation;
		const char *end;

		if (strncmp(name, state_names[i], length) != 0 ||
			(end = state_digits(name + length, &generation)) == NULL)
			continue;
		if (model && strncmp(end, ".json", 5) != 0)
			return false;
		end += model ? 5 : 0;
		if (*end == '\0')
			return generation <= state->generation + 1 && generation != state->generation &&
				   (!model || generation != state->model_generation);
		end = *end == '.' ? state_digits(end + 1, &process) : NULL;
		return end != NULL && strcmp(end, ".tmp") == 0;
	}
	return false;
}

/* Removes files of generations that are not in force: what a killed run left. */
void
dataset_state_tidy(const DatasetState *state)
{
	DIR *folder = opendir(state->path);
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
	{
		char path[DATASET_STATE_PATH + 256];

		(void) snprintf(path, sizeof(path), "%s/%s", state->path, entry->d_name);
		if (state_leftover(state, entry->d_name))
			(void) unlink(path);
	}
	if (folder != NULL)
		(void) closedir(folder);
}

/* ---- what it holds ---- */

bool
dataset_state_empty(const DatasetState *state)
{
	return state->generation == 0;
}

const char *
dataset_state_deployment(const DatasetState *state)
{
	return state->deployment;
}

uint64_t
dataset_state_generation(const DatasetState *state)
{
	return state->generation;
}

static bool
state_needs_run(const DatasetState *state, Err *err)
{
	if (state->generation != 0)
		return true;
	(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "the state in \"%s\" is empty", state->path);
	return err_hint(err, "goldpan identity match --state %s fills it.", state->path);
}

/* What to do about a state of another version, or a damaged one: model and engine can be made anew. */
static void
state_cure(const DatasetState *state, Err *err)
{
	if (err == NULL || err->code == ERR_NOMEM)
		return;
	(void) err_hint(
		err,
		"Take a model that this program reads, or train one, with \"goldpan identity match "
		"--state %s --model FILE --switch-model\": customers keep their ids.",
		state->path);
}

IdentityModel *
dataset_state_model(DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];
	Buffer text;

	if (state->model != NULL || !state_needs_run(state, err))
		return state->model;
	buffer_init(&text, DATASET_MODEL_MAX);
	(void) dataset_state_path(state, "model", state->model_generation, path);
	if (dataset_read_file(path, &text, err))
		state->model = identity_model_parse((const char *) text.data, text.length, err);
	buffer_release(&text);
	if (state->model == NULL)
	{
		(void) err_context(err, "model \"%s\"", path);
		state_cure(state, err);
	}
	else if (identity_model_hash(state->model) != state->model_hash)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA, "file \"%s\" is not the state's model: %s",
					   path, "its hash is another one");
		state_cure(state, err);
		identity_model_free(state->model);
		state->model = NULL;
	}
	return state->model;
}

DatasetStore *
dataset_state_store(DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];

	if (state->store == NULL && state_needs_run(state, err))
		state->store =
			dataset_store_open(dataset_state_path(state, "records", state->generation, path),
							   state->records_size, state->records_hash, err);
	return state->store;
}

typedef struct StateFile
{
	FILE *file;
	const char *path;
} StateFile;

static bool
state_source(void *context, void *bytes, size_t length, Err *err)
{
	StateFile *from = context;

	if (fread(bytes, 1, length, from->file) == length)
		return true;
	return err_set(err, ERR_CLASS_STOP, ERR_DATA, "could not read file \"%s\": %s", from->path,
				   ferror(from->file) ? strerror(errno) : "it ends too early");
}

static bool
state_apply(void *context, const DatasetJournalEntry *entry, Err *err)
{
	return identity_apply(context, entry->delta, entry->delta_length, err);
}

Identity *
dataset_state_identity(DatasetState *state, const IdentityMemory *memory, Err *err)
{
	char path[DATASET_STATE_PATH];
	StateFile from = {.path = path};

	if (state->identity != NULL || dataset_state_model(state, err) == NULL)
		return state->identity;
	(void) dataset_state_path(state, "snapshot", state->generation, path);
	from.file = fopen(path, "rbe");
	if (from.file == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
	else
	{
		state->identity =
			identity_restore(state->model, state->deployment, memory, state_source, &from, err);
		(void) fclose(from.file);
	}
	if (state->identity != NULL && !dataset_journal_each(state, state_apply, state->identity, err))
	{
		identity_free(state->identity);
		state->identity = NULL;
	}
	if (state->identity == NULL)
	{
		(void) err_context(err, "file \"%s\"", path);
		state_cure(state, err);
	}
	return state->identity;
}
