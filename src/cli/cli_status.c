/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_status.c — `goldpan status`: how far each source is, as a table or JSON.
 */
#include "cli/cli_priv.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/admin.h"
#include "goldpan/clock.h"

#define STATUS_OUTPUT_MAX ((size_t) 4 << 20)

static const char *
status_bytes(int64_t bytes, char text[32])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double) bytes;
	size_t unit = 0;

	if (bytes < 0)
		return "-";
	while (value >= 1024 && unit < 4)
	{
		value /= 1024;
		unit++;
	}
	(void) snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text;
}

static const char *
status_seconds(int64_t microseconds, char text[32])
{
	if (microseconds < 0)
		return "-";
	(void) snprintf(text, 32, "%.1f s", (double) microseconds / CLOCK_SECOND);
	return text;
}

static bool
status_print_table(const AdminStatus *states, size_t count, Buffer *out, Err *err)
{
	bool ok = buffer_printf(out, err, "%-16s %-10s %12s %12s %12s %12s  %s\n", "source", "state",
							"behind", "behind", "retained", "heard", "acknowledged");

	for (size_t i = 0; ok && i < count; i++)
	{
		const AdminStatus *s = &states[i];
		char text[4][32];
		char lsn[LSN_TEXT_SIZE];

		if (s->reachable)
			ok = buffer_printf(
				out, err, "%-16s %-10s %12s %12s %12s %12s  %s\n", s->source, s->slot_state,
				status_bytes(s->bytes_behind, text[0]), status_seconds(s->seconds_behind, text[1]),
				status_bytes(s->retained_bytes, text[2]), status_seconds(s->last_progress, text[3]),
				s->acknowledged != 0 ? lsn_format(s->acknowledged, lsn) : "-");
		else
			ok = buffer_printf(out, err, "%-16s unreachable: %s\n", s->source, s->why);
	}
	return ok;
}

static json_t *
status_json_number(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *
status_json_seconds(int64_t microseconds)
{
	return microseconds < 0 ? json_null() : json_real((double) microseconds / CLOCK_SECOND);
}

/* One line of JSON for each source. */
static bool
status_print_json(const AdminStatus *states, size_t count, Buffer *out, Err *err)
{
	for (size_t i = 0; i < count; i++)
	{
		const AdminStatus *s = &states[i];
		char lsn[LSN_TEXT_SIZE];
		json_t *line = json_pack(
			"{s:s, s:b, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "source", s->source,
			"reachable", (int) s->reachable, "why", s->why, "slot", s->slot, "state", s->slot_state,
			"bytes_behind", status_json_number(s->bytes_behind), "seconds_behind",
			status_json_seconds(s->seconds_behind), "retained_bytes",
			status_json_number(s->retained_bytes), "safe_bytes", status_json_number(s->safe_bytes),
			"seconds_since_heard", status_json_seconds(s->last_progress), "acknowledged",
			lsn_format(s->acknowledged, lsn));
		char *text = line != NULL ? json_dumps(line, JSON_REAL_PRECISION(12)) : NULL;
		bool ok = text != NULL && buffer_printf(out, err, "%s\n", text);

		if (text == NULL)
			(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory while printing status");
		free(text);
		json_decref(line);
		if (!ok)
			return false;
	}
	return true;
}

static bool
status_read(CliConfig *config, const CliArgs *args, Buffer *out, Err *err)
{
	const char *format = cli_value(args, "format");
	bool json = format != NULL && strcmp(format, "json") == 0;
	const SourceConfig *sources;
	AdminStatus *states;
	size_t count;

	if (format != NULL && !json && strcmp(format, "table") != 0)
		return cli_usage_error(args->command, err,
							   "--format needs \"table\" or \"json\", not \"%s\"", format);
	if (!cli_load(config, args, err) || !cli_load_sources(config, args, &sources, &count, err))
		return false;
	states = arena_zero(&config->arena, count * sizeof(AdminStatus), err);
	if (states == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (!admin_status_read(&sources[i], &config->arena, &states[i], err))
			return false;
	}
	return json ? status_print_json(states, count, out, err)
				: status_print_table(states, count, out, err);
}

static bool
status_command(const CliArgs *args, Err *err)
{
	CliConfig config = {.path = NULL};
	Buffer out;
	bool ok;

	buffer_init(&out, STATUS_OUTPUT_MAX);
	if (cli_has(args, "states"))
		ok = stream_states_print(&out, err);
	else
	{
		ok = status_read(&config, args, &out, err);
		if (config.path != NULL)
			cli_open_release(&config);
	}
	ok = ok && cli_print(&out, err);
	buffer_release(&out);
	return ok;
}

static const CliOption status_options[] = {
	CLI_OPTION_CONFIG,
	CLI_OPTION_SOURCE,
	{"format", 0, "FORMAT", "table (default) or json: a line for each source"},
	{"states", 0, NULL, "print the diagram of a worker's states instead"},
	CLI_OPTION_END};

const CliCommand cli_status = {
	.name = "status",
	.summary = "how far each source is behind, and what its server retains",
	.description = "Asks each source's server about its slot: bytes between the acknowledged "
				   "position and the\n"
				   "end of the WAL, seconds between commit and acknowledgement, WAL that is kept "
				   "for the slot,\n"
				   "and when the server last heard from the streamer. \"-\" is not known.",
	.options = status_options,
	.run = status_command,
};
