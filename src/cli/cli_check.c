/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_check.c — `goldpan check`: everything that streaming needs, a line each, with the cure.
 */
#include "cli/cli_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/admin.h"

#define CHECK_ARENA		 ((size_t) 64 << 20)
#define CHECK_OUTPUT_MAX ((size_t) 16 << 20)

static const char *const check_words[] = {[ADMIN_OK] = "OK",
										  [ADMIN_WARNING] = "WARN",
										  [ADMIN_FAILURE] = "FAIL",
										  [ADMIN_SKIPPED] = "SKIP"};

static bool
check_print_lines(const AdminReport *report, Buffer *out, Err *err)
{
	for (size_t i = 0; i < report->count; i++)
	{
		const AdminCheck *check = &report->checks[i];

		if (!buffer_printf(out, err, "%-4s  %-10s %-13s  %s\n", check_words[check->verdict],
						   check->scope, check->name, check->what))
			return false;
		if (check->cure[0] != '\0' && !buffer_printf(out, err, "%*s-> %s\n", 32, "", check->cure))
			return false;
	}
	return buffer_printf(out, err, "%zu checks, %zu failed, %zu warnings\n", report->count,
						 report->failures, report->warnings);
}

static bool
check_print_json(const AdminReport *report, Buffer *out, Err *err)
{
	for (size_t i = 0; i < report->count; i++)
	{
		const AdminCheck *check = &report->checks[i];
		json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s}", "scope", check->scope, "name",
								 check->name, "verdict", check_words[check->verdict], "what",
								 check->what, "cure", check->cure);
		char *text = line != NULL ? json_dumps(line, 0) : NULL;
		bool ok = text != NULL && buffer_printf(out, err, "%s\n", text);

		if (text == NULL)
			(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory while printing checks");
		free(text);
		json_decref(line);
		if (!ok)
			return false;
	}
	return true;
}

static bool
check_run(CliConfig *config, const CliArgs *args, AdminReport *report, Err *err)
{
	const SourceConfig *sources;
	LogTopic *topics;
	size_t ntopics;
	size_t count;

	if (!cli_load(config, args, err) || !cli_open_mapping(config, err) ||
		!cli_load_sources(config, args, &sources, &count, err) ||
		!stream_topics(config->mapping, config->stream.topic_prefix, &config->arena, &topics,
					   &ntopics, err) ||
		!cli_open_registry(config, err) ||
		!admin_check_log(report, &config->stream, topics, ntopics, err))
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (!admin_check_source(report, &sources[i], config->mapping, err))
			return false;
	}
	return true;
}

static bool
check_print(const CliArgs *args, const AdminReport *report, Err *err)
{
	const char *format = cli_value(args, "format");
	Buffer out;
	bool ok;

	buffer_init(&out, CHECK_OUTPUT_MAX);
	ok = format != NULL && strcmp(format, "json") == 0 ? check_print_json(report, &out, err)
													   : check_print_lines(report, &out, err);
	ok = ok && cli_print(&out, err);
	buffer_release(&out);
	return ok;
}

static bool
check_command(const CliArgs *args, Err *err)
{
	const char *format = cli_value(args, "format");
	CliConfig config;
	Arena arena;
	AdminReport report = {.arena = &arena};
	bool ok;

	if (format != NULL && strcmp(format, "json") != 0 && strcmp(format, "text") != 0)
		return cli_usage_error(args->command, err,
							   "--format needs \"text\" or \"json\", not \"%s\"", format);
	arena_init(&arena, CHECK_ARENA);
	ok = check_run(&config, args, &report, err) && check_print(args, &report, err);
	if (ok && report.failures > 0)
	{
		ok = err_set(err, ERR_CLASS_USAGE, ERR_CHECK_FAILED, "%zu of %zu checks failed",
					 report.failures, report.count);
		(void) err_hint(err, "Each line that starts with FAIL is followed by its cure.");
	}
	arena_release(&arena);
	cli_open_release(&config);
	return ok;
}

static const CliOption check_options[] = {
	CLI_OPTION_CONFIG,
	CLI_OPTION_SOURCE,
	{"format", 0, "FORMAT", "text (default) or json: a line for each check"},
	CLI_OPTION_END};

const CliCommand cli_check = {
	.name = "check",
	.summary = "check everything that streaming needs, with the cure of each fault",
	.description =
		"Looks at every source (server, settings, plugin, privileges, mapped tables, blockers, "
		"slot)\n"
		"and at the log, and changes nothing. Each line is OK, WARN, FAIL or SKIP and, where there "
		"is\n"
		"something to do, followed by what to do. Ends with status 4 when a check failed.",
	.options = check_options,
	.run = check_command,
};
