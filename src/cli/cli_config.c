/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_config.c — `goldpan config show`: settings in force, or the table of settings as the
 * manual's section or the sample file.
 */
#include "cli/cli_priv.h"

#include <string.h>

#define CONFIG_OUTPUT_MAX ((size_t) 16 << 20)

static bool
config_show_values(const CliArgs *args, Buffer *out, Err *err)
{
	CliConfig config;
	bool ok = cli_load(&config, args, err) && cli_load_hide_secrets(&config, err) &&
			  conf_rows_show(&cli_settings_table, &config.settings, out, err);

	cli_load_release(&config);
	return ok;
}

static bool
config_show(const CliArgs *args, Err *err)
{
	const char *format = cli_value(args, "format");
	Buffer out;
	bool ok;

	buffer_init(&out, CONFIG_OUTPUT_MAX);
	if (format == NULL || strcmp(format, "conf") == 0)
		ok = config_show_values(args, &out, err);
	else if (strcmp(format, "man") == 0)
		ok = conf_rows_manual(&cli_settings_table, &out, err);
	else if (strcmp(format, "sample") == 0)
		ok = conf_rows_sample(&cli_settings_table, &out, err);
	else
		ok = cli_usage_error(args->command, err,
							 "--format needs \"conf\", \"man\" or \"sample\", not \"%s\"", format);
	ok = ok && cli_print(&out, err);
	buffer_release(&out);
	return ok;
}

static const CliOption config_show_options[] = {
	CLI_OPTION_CONFIG,
	{"format", 0, "FORMAT",
	 "conf: the values in force (default); man, sample: the table of settings"},
	CLI_OPTION_END};

static const CliCommand config_show_command = {
	.name = "show",
	.summary = "print the settings in force, secrets as stars",
	.options = config_show_options,
	.run = config_show,
};

static const CliCommand *const config_commands[] = {&config_show_command, NULL};

const CliCommand cli_config = {
	.name = "config",
	.summary = "print the settings",
	.children = config_commands,
};
