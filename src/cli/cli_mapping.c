/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_mapping.c — `goldpan mapping check` and `goldpan mapping show`.
 *
 * Check prints every mistake of the file and, unless --offline, of what the sources' catalogs
 * say against it. Both take the mapping from the configuration or, with --mapping, a file alone.
 */
#include "cli/cli_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAPPING_OUTPUT_MAX ((size_t) 64 << 20)
#define MAPPING_ARENA	   ((size_t) 64 << 20)

typedef struct MappingRun
{
	CliConfig config;
	bool has_config;
	const char *path;
	Arena arena;
	MappingProblems problems;
	Mapping *mapping;
} MappingRun;

static bool
mapping_open(MappingRun *run, const CliArgs *args, Err *err)
{
	static const char *const no_folders[] = {NULL};
	const char *path = cli_value(args, "mapping");

	memset(run, 0, sizeof(*run));
	arena_init(&run->arena, MAPPING_ARENA);
	run->problems.arena = &run->arena;
	if (path == NULL)
	{
		run->has_config = true;
		if (!cli_load(&run->config, args, err))
			return false;
		path = run->config.settings.mapping;
	}
	run->path = path;
	return mapping_load(path, no_folders, &run->mapping, &run->problems, err);
}

static void
mapping_close(MappingRun *run)
{
	if (run->mapping != NULL)
		mapping_free(run->mapping);
	if (run->has_config)
		cli_open_release(&run->config);
	arena_release(&run->arena);
}

/* ---- check ---- */

static size_t
mapping_print_problems(const MappingProblems *problems)
{
	size_t errors = 0;

	for (size_t i = 0; i < problems->count; i++)
	{
		const MappingProblem *problem = &problems->list[i];

		(void) printf("%s:%d: %s: %s\n", problem->file, problem->line,
					  problem->warning ? "warning" : "error", problem->what);
		if (problem->cure[0] != '\0')
			(void) printf("  -> %s\n", problem->cure);
		errors += problem->warning ? 0 : 1;
	}
	return errors;
}

static bool
mapping_check_source(MappingRun *run, const SourceConfig *source, Err *err)
{
	Arena *arena = &run->arena;
	SourceTable *tables;
	Relation *relations;
	bool *exists;
	MappingCatalogTable *catalog;
	size_t ntables;

	if (!stream_source_tables(run->mapping, source->name, arena, &tables, &ntables, err))
		return false;
	relations = arena_zero(arena, (ntables + 1) * sizeof(Relation), err);
	exists = arena_zero(arena, ntables + 1, err);
	catalog = arena_zero(arena, (ntables + 1) * sizeof(MappingCatalogTable), err);
	if (relations == NULL || exists == NULL || catalog == NULL)
		return false;
	if (!source_catalog(source, arena, tables, ntables, relations, exists, err))
		return err_context(err,
						   "checking the mapping against source \"%s\"; --offline leaves it out",
						   source->name);
	for (size_t i = 0; i < ntables; i++)
		catalog[i] = (MappingCatalogTable){.schema = tables[i].schema,
										   .name = tables[i].name,
										   .replica_identity = relations[i].replica_identity,
										   .exists = exists[i],
										   .relation = &relations[i]};
	return mapping_check_catalog(run->mapping, source->name, catalog, ntables, &run->problems, err);
}

static bool
mapping_check_sources(MappingRun *run, Err *err)
{
	for (size_t i = 0; i < run->config.stream.nsources; i++)
	{
		if (!mapping_check_source(run, &run->config.stream.sources[i], err))
			return false;
	}
	return true;
}

static bool
mapping_report(const MappingRun *run, bool offline, Err *err)
{
	size_t errors = mapping_print_problems(&run->problems);

	if (errors > 0)
	{
		(void) fflush(stdout);
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "mapping file \"%s\" holds %zu mistake%s",
					   run->path, errors, errors == 1 ? "" : "s");
	}
	(void) printf("mapping file \"%s\" is right%s, %zu warning%s, version %s\n", run->path,
				  offline ? " as far as can be told without the sources" : " and fits the sources",
				  run->problems.count, run->problems.count == 1 ? "" : "s",
				  mapping_version(run->mapping));
	return true;
}

static bool
mapping_check_command(const CliArgs *args, Err *err)
{
	bool offline = cli_has(args, "offline") || cli_has(args, "mapping");
	MappingRun run;
	bool ok = mapping_open(&run, args, err);

	if (ok && !offline && run.mapping != NULL)
		ok = mapping_check_sources(&run, err);
	/* What was found is told even when a source could not be asked. */
	if (run.mapping != NULL && ok)
		ok = mapping_report(&run, offline, err);
	else
		(void) mapping_print_problems(&run.problems);
	mapping_close(&run);
	return ok;
}

/* ---- show ---- */

static bool
mapping_write(const char *path, const Buffer *out, Err *err)
{
	FILE *file;
	bool ok;

	if (path == NULL || strcmp(path, "-") == 0)
		return cli_print(out, err);
	file = fopen(path, "we");
	ok = file != NULL && fwrite(out->data, 1, out->length, file) == out->length;
	if (file != NULL && fclose(file) != 0)
		ok = false;
	return ok || err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not write \"%s\": %s", path,
						 strerror(errno));
}

static bool
mapping_show_command(const CliArgs *args, Err *err)
{
	const char *format = cli_value(args, "format");
	bool csv = format != NULL && strcmp(format, "csv") == 0;
	MappingRun run;
	Buffer out;
	bool ok;

	if (format != NULL && !csv && strcmp(format, "md") != 0)
		return cli_usage_error(args->command, err, "--format needs \"md\" or \"csv\", not \"%s\"",
							   format);
	buffer_init(&out, MAPPING_OUTPUT_MAX);
	ok = mapping_open(&run, args, err);
	for (size_t i = 0; ok && i < run.problems.count; i++)
	{
		if (!run.problems.list[i].warning)
		{
			ok = err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "mapping file \"%s\" holds mistakes",
						 run.path);
			(void) err_hint(err, "goldpan mapping check lists them.");
		}
	}
	ok = ok && mapping_show(run.mapping, csv ? SHOW_CSV : SHOW_MARKDOWN, &out, err) &&
		 mapping_write(cli_value(args, "output"), &out, err);
	buffer_release(&out);
	mapping_close(&run);
	return ok;
}

static const CliOption mapping_check_options[] = {
	CLI_OPTION_CONFIG,
	{"mapping", 'm', "FILE", "this mapping file alone, without a configuration or sources"},
	{"offline", 0, NULL, "do not ask the sources"},
	CLI_OPTION_END};

static const CliOption mapping_show_options[] = {
	CLI_OPTION_CONFIG,
	{"mapping", 'm', "FILE", "this mapping file alone, without a configuration"},
	{"format", 0, "FORMAT", "md (Markdown, default) or csv"},
	{"output", 'o', "FILE", "write there instead of standard output"},
	CLI_OPTION_END};

static const CliCommand mapping_check_leaf = {
	.name = "check",
	.summary = "find every mistake in the mapping",
	.description =
		"Prints every mistake with file, line and what would be right, of the file itself and of\n"
		"what the sources' tables say against it.",
	.options = mapping_check_options,
	.run = mapping_check_command,
};

static const CliCommand mapping_show_leaf = {
	.name = "show",
	.summary = "print the mapping as a table for review",
	.description =
		"Prints a row for each field: source system, source field, target system, target\n"
		"field, transformation, required, conflict rule, direction.",
	.options = mapping_show_options,
	.run = mapping_show_command,
};

static const CliCommand *const mapping_commands[] = {&mapping_check_leaf, &mapping_show_leaf, NULL};

const CliCommand cli_mapping = {
	.name = "mapping",
	.summary = "check the mapping, or print it for review",
	.children = mapping_commands,
};
