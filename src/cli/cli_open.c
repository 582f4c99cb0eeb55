/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_open.c — opens what a configuration names: the mapping, the registry, a log's reader.
 *
 * Apart from cli_load.c, so that printing settings needs none of it.
 */
#include "cli/cli_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/encode.h"

#define OPEN_PROBLEMS_ARENA ((size_t) 8 << 20)

static void
open_print_problems(const MappingProblems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
	{
		const MappingProblem *problem = &problems->list[i];

		(void) fprintf(stderr, "%s:%d: %s: %s\n", problem->file, problem->line,
					   problem->warning ? "warning" : "error", problem->what);
		if (problem->cure[0] != '\0')
			(void) fprintf(stderr, "  hint: %s\n", problem->cure);
	}
}

/* Each source of the configuration needs one of the same name in the mapping. */
static bool
open_sources_are_mapped(const CliConfig *config, const Mapping *mapping, Err *err)
{
	for (size_t i = 0; i < config->stream.nsources; i++)
	{
		const char *name = config->stream.sources[i].name;

		if (mapping_ntables(mapping, name) == 0)
		{
			(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
						   "source \"%s\" of %s has no table in mapping file \"%s\"", name,
						   config->path, config->settings.mapping);
			return err_hint(err, "Add it to \"sources\" there, or remove it here.");
		}
	}
	return true;
}

bool
cli_open_mapping_file(const char *path, Mapping **mapping, Err *err)
{
	static const char *const no_folders[] = {NULL};
	MappingProblems problems = {.count = 0};
	Arena arena;
	size_t errors = 0;
	bool ok;

	*mapping = NULL;
	arena_init(&arena, OPEN_PROBLEMS_ARENA);
	problems.arena = &arena;
	ok = mapping_load(path, no_folders, mapping, &problems, err);
	open_print_problems(&problems);
	for (size_t i = 0; i < problems.count; i++)
		errors += problems.list[i].warning ? 0 : 1;
	arena_release(&arena);
	if (ok && errors == 0)
		return true;
	if (ok)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "mapping file \"%s\" holds %zu mistake%s, listed above", path, errors,
					   errors == 1 ? "" : "s");
		(void) err_hint(err, "goldpan mapping check prints them again.");
	}
	if (*mapping != NULL)
		mapping_free(*mapping);
	*mapping = NULL;
	return false;
}

bool
cli_open_mapping(CliConfig *config, Err *err)
{
	if (!cli_open_mapping_file(config->settings.mapping, &config->mapping, err) ||
		!open_sources_are_mapped(config, config->mapping, err))
		return false;
	config->stream.mapping = config->mapping;
	return true;
}

bool
cli_open_registry(CliConfig *config, Err *err)
{
	if (config->stream.log_kind != STREAM_LOG_KAFKA)
		return true;
	config->stream.kafka.key_schema_text = encode_own_schema("key");
	config->registry = registry_new(&config->stream.registry, err);
	config->stream.kafka.registry = config->registry;
	return config->registry != NULL;
}

LogReader *
cli_open_reader(CliConfig *config, Err *err)
{
	if (config->stream.log_kind == STREAM_LOG_DIRECTORY)
		return log_reader_directory(config->stream.directory.path, err);
	if (!cli_open_registry(config, err))
		return NULL;
	return log_reader_kafka(&config->stream.kafka, err);
}

void
cli_open_release(CliConfig *config)
{
	if (config->mapping != NULL)
		mapping_free(config->mapping);
	if (config->registry != NULL)
		registry_free(config->registry);
	config->mapping = NULL;
	config->registry = NULL;
	cli_load_release(config);
}
