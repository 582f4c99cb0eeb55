/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity.c — `goldpan identity`: its commands, and what their command lines have in common.
 */
#include "cli/cli_identity_priv.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"
#include "goldpan/conf_file.h"

#define IDENTITY_MODEL_MAX ((size_t) 256 << 20)

/* ---- inputs ---- */

static bool
identity_is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool
identity_add_input(CliIdentity *identity, const CliArgs *args, const DatasetInput *input,
				   const char *path, Err *err)
{
	if (identity->ninputs == CLI_IDENTITY_MAX_INPUTS)
		return cli_usage_error(args->command, err, "more than %d inputs", CLI_IDENTITY_MAX_INPUTS);
	if (input->topic == NULL && identity_is_directory(path))
		return cli_usage_error(args->command, err,
							   "\"%s\" is a directory, and input \"%s\" reads a CSV file", path,
							   input->name);
	identity->inputs[identity->ninputs].input = input;
	identity->inputs[identity->ninputs++].path = path;
	return true;
}

/* NAME=FILE; or a directory, which is read by every input with a topic; or a file for the only CSV
 * input there is. */
static bool
identity_read_input(CliIdentity *identity, const CliArgs *args, const char *value, Err *err)
{
	const DatasetConfig *config = identity->config;
	const char *equals = strchr(value, '=');
	const DatasetInput *only = NULL;
	bool directory = identity_is_directory(value);
	size_t found = 0;

	if (equals != NULL)
	{
		const DatasetInput *input = dataset_config_input(config, value, (size_t) (equals - value));

		if (input != NULL)
			return identity_add_input(identity, args, input, equals + 1, err);
	}
	for (size_t i = 0; i < config->ninputs; i++)
	{
		if ((config->inputs[i].topic != NULL) != directory)
			continue;
		only = &config->inputs[i];
		found++;
		if (directory && !identity_add_input(identity, args, only, value, err))
			return false;
	}
	if (directory && found > 0)
		return true;
	if (found == 1)
		return identity_add_input(identity, args, only, value, err);
	if (found == 0)
		return cli_usage_error(args->command, err, "%s has no input that reads a %s like \"%s\"",
							   config->path, directory ? "directory log" : "CSV file", value);
	return cli_usage_error(args->command, err,
						   "%s has %zu CSV inputs: say which one, as --input %s=%s", config->path,
						   found, only->name, value);
}

/* ---- reading the command line ---- */

static bool
identity_limits(CliIdentity *identity, const CliArgs *args, Err *err)
{
	const char *memory = cli_value(args, "memory");
	int64_t bytes = (int64_t) sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 2;
	int64_t threads = sysconf(_SC_NPROCESSORS_ONLN);

	if (memory != NULL && (!conf_parse_size(memory, &bytes) || bytes < (int64_t) 1 << 20))
		return cli_usage_error(args->command, err,
							   "--memory needs a size of at least 1 MiB, as \"4 GiB\", not \"%s\"",
							   memory);
	if (!cli_number(args, "threads", 1, &threads, err))
		return false;
	identity->memory = (size_t) bytes;
	identity->threads = threads > 64 ? 64 : (int) threads;
	identity->quiet = cli_has(args, "quiet");
	return true;
}

bool
cli_identity_read(CliIdentity *identity, const CliArgs *args, bool needs_input, Err *err)
{
	const char *path = cli_value(args, "config");

	memset(identity, 0, sizeof(*identity));
	arena_init(&identity->arena, (size_t) 64 << 20);
	if (!identity_limits(identity, args, err))
		return false;
	if (path == NULL)
	{
		if (cli_has(args, "input"))
			return cli_usage_error(args->command, err, "--input needs a --config");
		return !needs_input || cli_identity_required(args, "config", err) != NULL;
	}
	identity->config = dataset_config_load(path, &identity->arena, err);
	if (identity->config == NULL)
		return false;
	for (size_t i = 0; i < args->ngiven; i++)
	{
		if (strcmp(args->given[i].option->name, "input") == 0 &&
			!identity_read_input(identity, args, args->given[i].value, err))
			return false;
	}
	if (needs_input && identity->ninputs == 0)
		return cli_identity_required(args, "input", err) != NULL;
	return true;
}

void
cli_identity_release(CliIdentity *identity)
{
	arena_release(&identity->arena);
}

const char *
cli_identity_required(const CliArgs *args, const char *name, Err *err)
{
	const char *value = cli_value(args, name);

	if (value == NULL)
		(void) cli_usage_error(args->command, err, "--%s is missing", name);
	return value;
}

/* ---- what is written ---- */

/* Where a path's last name begins. */
static const char *
identity_last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* The directory that holds what the path names; false: there is none. */
static bool
identity_parent(const char *path, struct stat *status)
{
	size_t length = (size_t) (identity_last_name(path) - path);
	char parent[PATH_MAX];

	if (length >= sizeof(parent))
		return false;
	memcpy(parent, path, length);
	memcpy(parent + length, ".", 2);
	return stat(parent, status) == 0;
}

/* Is what either names, or would name, one file?  Devices and pipes may be given twice, and "-" is
 * standard input for one and standard output for the other. */
static bool
identity_same_file(const char *a, const char *b)
{
	struct stat x, y;
	bool is_x = stat(a, &x) == 0, is_y = stat(b, &y) == 0;

	if (strcmp(a, "-") == 0 || strcmp(b, "-") == 0)
		return false;
	if ((is_x && !S_ISREG(x.st_mode)) || (is_y && !S_ISREG(y.st_mode)))
		return false;
	if (is_x && is_y)
		return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
	return !is_x && !is_y && strcmp(identity_last_name(a), identity_last_name(b)) == 0 &&
		   identity_parent(a, &x) && identity_parent(b, &y) && x.st_dev == y.st_dev &&
		   x.st_ino == y.st_ino;
}

/* Is it, or what a link leads to, one of the state's own files? */
static bool
identity_of_state(const char *state, const char *path)
{
	char *real = realpath(path, NULL);
	const char *name = real != NULL ? real : path;
	struct stat folder, parent;
	bool owned = state != NULL && strcmp(path, "-") != 0 && stat(state, &folder) == 0 &&
				 identity_parent(name, &parent) && folder.st_dev == parent.st_dev &&
				 folder.st_ino == parent.st_ino && dataset_state_owns(identity_last_name(name));

	free(real);
	return owned;
}

bool
cli_identity_apart(const CliIdentity *identity, const CliArgs *args, const char *const *options,
				   size_t noptions, Err *err)
{
	const char *state = cli_value(args, "state");

	for (size_t j = 0; identity != NULL && j < identity->ninputs; j++)
		if (identity_of_state(state, identity->inputs[j].path))
			return cli_usage_error(args->command, err, "input \"%s\" is a file of the state's own",
								   identity->inputs[j].path);
	for (size_t i = 0; i < noptions; i++)
	{
		const char *path = cli_value(args, options[i]);

		if (path == NULL)
			continue;
		if (identity_of_state(state, path))
			return cli_usage_error(args->command, err,
								   "--%s names a file of the state's own, \"%s\"", options[i],
								   path);
		for (size_t j = 0; identity != NULL && j < identity->ninputs; j++)
			if (identity_same_file(path, identity->inputs[j].path))
				return cli_usage_error(args->command, err, "--%s would overwrite the input \"%s\"",
									   options[i], path);
		if (identity != NULL && identity->config != NULL &&
			identity_same_file(path, identity->config->path))
			return cli_usage_error(args->command, err,
								   "--%s would overwrite the configuration \"%s\"", options[i],
								   path);
		for (size_t j = 0; j < i; j++)
		{
			const char *other = cli_value(args, options[j]);

			if (other != NULL && (identity_same_file(path, other) ||
								  (strcmp(path, "-") == 0 && strcmp(other, "-") == 0)))
				return cli_usage_error(args->command, err, "--%s and --%s name one file, \"%s\"",
									   options[j], options[i], path);
		}
	}
	return true;
}

/* ---- models ---- */

IdentityModel *
cli_identity_model(const char *path, Err *err)
{
	IdentityModel *model = NULL;
	FILE *file = fopen(path, "re");
	Buffer text;
	size_t got = 1;

	buffer_init(&text, IDENTITY_MODEL_MAX);
	if (file == NULL)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not open file \"%s\": %m", path);
	while (file != NULL && got > 0 && buffer_reserve(&text, (size_t) 64 << 10, err))
	{
		got = fread(text.data + text.length, 1, (size_t) 64 << 10, file);
		text.length += got;
	}
	if (file != NULL && ferror(file) != 0)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not read file \"%s\": %m", path);
	else if (file != NULL && got == 0)
	{
		model = identity_model_parse((const char *) text.data, text.length, err);
		if (model == NULL)
			(void) err_context(err, "model \"%s\"", path);
	}
	if (file != NULL)
		(void) fclose(file);
	buffer_release(&text);
	return model;
}

bool
cli_identity_write_model(const char *path, const IdentityModel *model, Err *err)
{
	DatasetFile *file = dataset_file_create(path, err);

	if (file == NULL)
		return false;
	if (identity_model_print(model, dataset_file_buffer(file), err))
		return dataset_file_finish(file, err);
	dataset_file_abandon(file);
	return false;
}

static void
identity_warn_rejected(int64_t rejected)
{
	if (rejected > 0)
		(void) fprintf(stderr,
					   "warning: %" PRId64
					   " rows were rejected: \"goldpan identity match --rejects FILE\" tells them, "
					   "with reasons\n",
					   rejected);
}

static bool
identity_train_input(CliIdentity *identity, const CliIdentityInput *input, IdentityTrainer *trainer,
					 int64_t *rejected, Err *err)
{
	DatasetReader *reader =
		dataset_reader_open(identity->config, input->input, input->path, identity->memory, err);
	CliProgress progress;
	DatasetRecord record;
	DatasetStep step = DATASET_RECORD;
	int64_t rows = 0;
	bool ok = reader != NULL;

	cli_progress_start(&progress, "reading for training", identity->quiet);
	while (ok && (ok = dataset_reader_next(reader, &record, &step, err)) && step != DATASET_END)
	{
		int64_t done = 0;
		int64_t size = -1;

		if (step == DATASET_RECORD)
			ok = identity_trainer_add(trainer, record.kind, record.fields, record.nfields, err);
		*rejected += step == DATASET_REJECTED ? 1 : 0;
		if (rows++ % 1024 == 0)
		{
			dataset_reader_progress(reader, &done, &size);
			cli_progress_step(&progress, done, size, rows);
		}
	}
	cli_progress_end(&progress);
	dataset_reader_close(reader);
	return ok;
}

IdentityModel *
cli_identity_train(CliIdentity *identity, Buffer *notes, Err *err)
{
	IdentityModel *start = identity_model_default(err);
	IdentityModel *model = NULL;
	IdentityTrainer *trainer = NULL;
	int64_t rejected = 0;
	bool ok = start != NULL;

	for (size_t i = 0; ok && i < identity->config->nparameters; i++)
	{
		const DatasetParameter *parameter = &identity->config->parameters[i];

		ok = identity_model_set(start, parameter->name, parameter->value, err);
		if (!ok)
			(void) err_context(err, "parameters in %s", identity->config->path);
	}
	ok = ok && (trainer = identity_trainer_new(start, identity->memory, err)) != NULL;
	for (size_t i = 0; ok && i < identity->ninputs; i++)
		ok = identity_train_input(identity, &identity->inputs[i], trainer, &rejected, err);
	if (ok)
	{
		identity_trainer_threads(trainer, (unsigned) identity->threads);
		model = identity_trainer_finish(trainer, notes, err);
		/* who matches afterwards says it then */
		if (model != NULL && notes != NULL)
			identity_warn_rejected(rejected);
	}
	identity_trainer_free(trainer);
	identity_model_free(start);
	return model;
}

/* ---- records without a state ---- */

static bool
identity_load_input(CliIdentity *identity, const CliIdentityInput *input,
					DatasetStoreWriter *writer, int64_t *rejected, Err *err)
{
	DatasetReader *reader =
		dataset_reader_open(identity->config, input->input, input->path, identity->memory, err);
	DatasetRecord record;
	DatasetStep step = DATASET_RECORD;
	Buffer packed;
	bool ok = reader != NULL;

	buffer_init(&packed, 8 * DATASET_CSV_MAX_ROW);
	while (ok && (ok = dataset_reader_next(reader, &record, &step, err)) && step != DATASET_END)
	{
		bool twice = step == DATASET_REJECTED;

		if (step == DATASET_RECORD)
			ok = dataset_store_pack(&record, &packed, err) &&
				 dataset_store_add(writer, record.ref, packed.data, packed.length, &twice, err);
		*rejected += twice ? 1 : 0;
	}
	buffer_release(&packed);
	dataset_reader_close(reader);
	return ok;
}

DatasetStore *
cli_identity_load(CliIdentity *identity, Err *err)
{
	const char *folder = getenv("TMPDIR");
	char *path = arena_printf(&identity->arena, err, "%s/goldpan-records.XXXXXX",
							  folder != NULL ? folder : "/tmp");
	DatasetStoreWriter *writer = NULL;
	DatasetStore *store = NULL;
	uint64_t size;
	uint64_t hash;
	int64_t rejected = 0;
	bool ok = path != NULL;
	int fd = ok ? mkstemp(path) : -1;

	if (ok && fd < 0)
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not create file \"%s\": %m", path);
	ok = fd >= 0 && (writer = dataset_store_create(path, err)) != NULL;
	for (size_t i = 0; ok && i < identity->ninputs; i++)
		ok = identity_load_input(identity, &identity->inputs[i], writer, &rejected, err);
	if (ok)
	{
		if (dataset_store_finish(writer, &size, &hash, err))
			store = dataset_store_open(path, size, hash, err);
	}
	else
		dataset_store_abandon(writer);
	if (store != NULL)
		identity_warn_rejected(rejected);
	/* It lives on in the mapping alone. */
	if (fd >= 0)
	{
		(void) close(fd);
		(void) unlink(path);
	}
	return store;
}

bool
cli_identity_find(const DatasetStore *store, const char *arg, DatasetStored *stored, Err *err)
{
	DatasetStored other;
	size_t at = 0;
	size_t found = 0;

	while (dataset_store_next(store, &at, &other))
	{
		size_t length = strlen(other.ref.source);

		if (strncmp(arg, other.ref.source, length) == 0 && arg[length] == ':' &&
			strcmp(arg + length + 1, other.ref.id) == 0)
		{
			*stored = other;
			return true;
		}
		if (strcmp(arg, other.ref.id) != 0)
			continue;
		found++;
		*stored = other;
	}
	if (found == 1)
		return true;
	if (found == 0)
		return err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "there is no record \"%s\"", arg);
	(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "%zu sources have a record \"%s\"",
				   found, arg);
	return err_hint(err, "Name the source too: %s:%s.", stored->ref.source, arg);
}

/* ---- progress ---- */

void
cli_progress_start(CliProgress *progress, const char *label, bool quiet)
{
	progress->shown = !quiet && isatty(STDERR_FILENO);
	progress->label = label;
	progress->started = clock_monotonic();
	progress->last = 0;
}

void
cli_progress_step(CliProgress *progress, int64_t done, int64_t size, int64_t rows)
{
	int64_t now;
	double seconds;

	if (!progress->shown)
		return;
	now = clock_monotonic();
	if (now - progress->last < CLOCK_SECOND / 5)
		return;
	progress->last = now;
	seconds = (double) (now - progress->started) / (double) CLOCK_SECOND;
	(void) fprintf(stderr, "\r\033[K%s: %" PRId64 " rows", progress->label, rows);
	if (seconds > 0.5)
		(void) fprintf(stderr, ", %.0f rows/s", (double) rows / seconds);
	if (size > 0 && done > 0)
		(void) fprintf(stderr, ", %d %%, %.0f s left", (int) (done * 100 / size),
					   seconds * (double) (size - done) / (double) done);
	(void) fflush(stderr);
}

void
cli_progress_end(CliProgress *progress)
{
	if (progress->shown)
		(void) fprintf(stderr, "\r\033[K");
}

/* ---- the commands ---- */

static const CliCommand *const identity_commands[] = {
	&cli_identity_match, &cli_identity_train_leaf, &cli_identity_calibrate, &cli_identity_explain,
	&cli_identity_score, &cli_identity_report,	   &cli_identity_diff,		NULL};

const CliCommand cli_identity = {
	.name = "identity",
	.summary = "find the records that are the same customer",
	.children = identity_commands,
};
