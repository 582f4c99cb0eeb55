/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_stream.c — `goldpan stream`: reads the configuration and lets the streamer run.
 */
#include "cli/cli_priv.h"

#include <sys/prctl.h>

#include "goldpan/report.h"

static Mapping *
stream_reload(void *context, Err *err)
{
	const CliConfig *config = context;
	Mapping *mapping;

	return cli_open_mapping_file(config->settings.mapping, &mapping, err) ? mapping : NULL;
}

/* A core file would hold passwords and personal values. Crash tests and the leak checker need to
 * look into the process, so builds with debug points stay open. */
static void
stream_forbid_cores(void)
{
#ifndef GOLDPAN_DEBUG_POINTS
	if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0)
		report_warning("stream", "could not forbid core files");
#endif
}

static bool
stream_start(CliConfig *config, const CliArgs *args, Err *err)
{
	if (!cli_load(config, args, err) || !cli_open_mapping(config, err) ||
		!cli_load_sources(config, args, &config->stream.sources, &config->stream.nsources, err))
		return false;
	config->stream.until_current = cli_has(args, "until-current");
	config->stream.copy_again = cli_has(args, "copy-again");
	config->stream.reload_mapping = stream_reload;
	config->stream.reload_context = config;
	return stream_run(&config->stream, err);
}

static bool
stream_command(const CliArgs *args, Err *err)
{
	CliConfig config;
	bool ok;

	stream_forbid_cores();
	ok = stream_start(&config, args, err);
	cli_open_release(&config);
	return ok;
}

static const CliOption stream_options[] = {
	CLI_OPTION_CONFIG,
	CLI_OPTION_SOURCE,
	{"until-current", 0, NULL, "publish what is committed now, then end"},
	{"copy-again", 0, NULL,
	 "where the slot was dropped, take a new copy that supersedes the log's"},
	CLI_OPTION_END};

const CliCommand cli_stream = {
	.name = "stream",
	.summary = "copy the mapped tables once, then publish every change",
	.description =
		"Copies the mapped tables of every source once, then publishes each committed change,\n"
		"exactly once and in commit order, until it is told to stop.\n"
		"SIGTERM and SIGINT end it in order, SIGHUP reads the mapping again.",
	.options = stream_options,
	.run = stream_command,
};
