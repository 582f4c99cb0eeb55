/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_log.c — `goldpan log list|cat|tail`: reads committed records of either log as JSON lines.
 *
 * A record's line is the Avro value and nothing else, so that any JSON tool reads it;
 * --envelope adds where it lies, its key and its headers. Tombstones, which have no value, show only
 * there.
 */
#include "cli/cli_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "goldpan/admin.h"
#include "goldpan/alloc.h"

#define LOG_LINE_MAX	((size_t) 256 << 20)
#define LOG_TAIL_MAX	1000000
#define LOG_FOLLOW_WAIT 200000000L /* nanoseconds */

typedef struct LogRun
{
	CliConfig config;
	bool has_config;
	LogReader *reader;
	Arena arena;
	AdminFilter *filter;
	bool envelope;
	bool open_segments;
	int64_t limit; /* records to print; -1: all */
	Buffer line;
	/* tail: the last lines, in a ring */
	char **ring;
	size_t ring_size;
	size_t ring_next;
	size_t ring_count;
} LogRun;

static volatile sig_atomic_t log_stopped;

static void
log_stop(int number)
{
	(void) number;
	log_stopped = 1;
}

/* ---- opening ---- */

static bool
log_filters(LogRun *run, const CliArgs *args, Err *err)
{
	const char *key = cli_value(args, "key");
	const char *from = cli_value(args, "from");

	run->filter = admin_filter_new(&run->arena, err);
	if (run->filter == NULL)
		return false;
	for (size_t i = 0; i < args->ngiven; i++)
	{
		if (strcmp(args->given[i].option->name, "where") == 0 &&
			!admin_filter_where(run->filter, args->given[i].value, err))
			return false;
	}
	return (key == NULL || admin_filter_key(run->filter, key, err)) &&
		   (from == NULL || admin_filter_from(run->filter, from, err));
}

static bool
log_open(LogRun *run, const CliArgs *args, Err *err)
{
	const char *directory = cli_value(args, "directory");

	memset(run, 0, sizeof(*run));
	run->limit = -1;
	arena_init(&run->arena, 1 << 20);
	buffer_init(&run->line, LOG_LINE_MAX);
	run->envelope = cli_has(args, "envelope");
	run->open_segments = !cli_has(args, "closed");
	if (!log_filters(run, args, err) || !cli_number(args, "limit", 0, &run->limit, err))
		return false;
	if (directory != NULL)
		run->reader = log_reader_directory(directory, err);
	else
	{
		run->has_config = true;
		if (!cli_load(&run->config, args, err))
			return false;
		run->reader = cli_open_reader(&run->config, err);
	}
	return run->reader != NULL;
}

static void
log_close(LogRun *run)
{
	for (size_t i = 0; i < run->ring_size && run->ring != NULL; i++)
		alloc_free(run->ring[i]);
	alloc_free(run->ring);
	if (run->reader != NULL)
		run->reader->ops->close(run->reader);
	if (run->has_config)
		cli_open_release(&run->config);
	admin_filter_free(run->filter);
	buffer_release(&run->line);
	arena_release(&run->arena);
}

/* ---- a record as a line ---- */

static bool
log_append_json_text(Buffer *line, const char *text, Err *err)
{
	json_t *json = json_string(text);
	char *dump = json != NULL ? json_dumps(json, JSON_ENCODE_ANY) : NULL;
	bool ok = buffer_append_text(line, dump != NULL ? dump : "null", err);

	free(dump);
	json_decref(json);
	return ok;
}

static bool
log_append_place(Buffer *line, const LogEntry *entry, Err *err)
{
	bool ok = buffer_append_text(line, "{\"topic\":", err) &&
			  log_append_json_text(line, entry->topic, err);

	if (ok && entry->file != NULL)
		ok = buffer_append_text(line, ",\"file\":", err) &&
			 log_append_json_text(line, entry->file, err);
	else if (ok)
		ok = buffer_printf(line, err, ",\"partition\":%" PRId32, entry->partition);
	ok = ok && buffer_printf(line, err, ",\"offset\":%" PRId64, entry->offset);
	if (ok && entry->key != NULL)
	{
		ok = buffer_append_text(line, ",\"key\":\"", err);
		for (size_t i = 0; ok && i < entry->key_length; i++)
			ok = buffer_printf(line, err, "%02x", entry->key[i]);
		ok = ok && buffer_append_byte(line, '"', err);
	}
	return ok;
}

static bool
log_append_headers(Buffer *line, const LogEntry *entry, Err *err)
{
	bool ok;

	if (entry->nheaders == 0)
		return true;
	ok = buffer_append_text(line, ",\"headers\":{", err);
	for (size_t i = 0; ok && i < entry->nheaders; i++)
		ok = (i == 0 || buffer_append_byte(line, ',', err)) &&
			 log_append_json_text(line, entry->header_names[i], err) &&
			 buffer_append_byte(line, ':', err) &&
			 log_append_json_text(line, entry->header_values[i], err);
	return ok && buffer_append_byte(line, '}', err);
}

/* Fills run->line; *print false when the record does not pass the filter. */
static bool
log_format(LogRun *run, const LogEntry *entry, bool *print, Err *err)
{
	AvroReader value = entry->value;
	size_t start;

	buffer_clear(&run->line);
	*print = value.next != NULL || run->envelope;
	if (!*print)
		return true;
	if (run->envelope &&
		(!log_append_place(&run->line, entry, err) || !log_append_headers(&run->line, entry, err) ||
		 !buffer_append_text(&run->line, ",\"value\":", err)))
		return false;
	start = run->line.length;
	if (value.next == NULL ? !buffer_append_text(&run->line, "null", err)
						   : !encode_read_json(entry->schema, &value, &run->line, err))
		return err_context(err, "record %" PRId64 " of %s", entry->offset,
						   entry->file != NULL ? entry->file : entry->topic);
	if (value.next != NULL && !admin_filter_pass(run->filter, (const char *) run->line.data + start,
												 run->line.length - start, print, err))
		return false;
	return buffer_append_text(&run->line, run->envelope ? "}\n" : "\n", err);
}

/* ---- cat ---- */

static bool
log_cat_topic(LogRun *run, const char *topic, Err *err)
{
	bool found = true;

	if (!run->reader->ops->start(run->reader, topic, run->open_segments, err))
		return false;
	while (run->limit != 0 && !log_stopped)
	{
		LogEntry entry;
		bool print;

		if (!run->reader->ops->next(run->reader, &entry, &found, err))
			return false;
		if (!found)
			break;
		if (!log_format(run, &entry, &print, err))
			return false;
		if (!print)
			continue;
		if (fwrite(run->line.data, 1, run->line.length, stdout) != run->line.length)
			return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %s",
						   strerror(errno));
		run->limit -= run->limit > 0 ? 1 : 0;
	}
	return true;
}

/* Calls for each topic that was named, or for all of the log. */
static bool
log_each_topic(LogRun *run, const CliArgs *args, bool (*each)(LogRun *, const char *, Err *),
			   Err *err)
{
	const LogTopicInfo *topics;
	const char **names;
	size_t count;

	if (args->narguments > 0)
	{
		for (int i = 0; i < args->narguments; i++)
		{
			if (!each(run, args->arguments[i], err))
				return false;
		}
		return true;
	}
	if (!run->reader->ops->list(run->reader, &topics, &count, err))
		return false;
	names = arena_zero(&run->arena, (count + 1) * sizeof(char *), err);
	if (names == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		names[i] = arena_text(&run->arena, topics[i].name, strlen(topics[i].name), err);
		if (names[i] == NULL)
			return false;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (!each(run, names[i], err))
			return false;
	}
	return true;
}

static bool
log_cat_command(const CliArgs *args, Err *err)
{
	LogRun run;
	bool ok = log_open(&run, args, err) && log_each_topic(&run, args, log_cat_topic, err);

	if (ok && fflush(stdout) != 0)
		ok = err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %s",
					 strerror(errno));
	log_close(&run);
	return ok;
}

/* ---- tail ---- */

static bool
log_ring_add(LogRun *run, Err *err)
{
	char *copy;

	if (run->ring_size == 0)
		return true;
	if (!buffer_append_byte(&run->line, 0, err))
		return false;
	copy = alloc_text((const char *) run->line.data);
	if (copy == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory while keeping %zu lines",
					   run->ring_size);
	alloc_free(run->ring[run->ring_next]);
	run->ring[run->ring_next] = copy;
	run->ring_next = (run->ring_next + 1) % run->ring_size;
	run->ring_count += run->ring_count < run->ring_size ? 1 : 0;
	return true;
}

static bool
log_ring_print(LogRun *run, Err *err)
{
	for (size_t i = 0; i < run->ring_count; i++)
	{
		size_t at = (run->ring_next + run->ring_size - run->ring_count + i) % run->ring_size;

		if (fputs(run->ring[at], stdout) < 0)
			break;
	}
	run->ring_count = 0;
	return fflush(stdout) == 0 ||
		   err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %s",
				   strerror(errno));
}

/* Reads what there is now into the ring, or prints it. */
static bool
log_tail_read(LogRun *run, bool print_now, bool *any, Err *err)
{
	bool found = true;

	*any = false;
	while (!log_stopped)
	{
		LogEntry entry;
		bool print;

		if (!run->reader->ops->next(run->reader, &entry, &found, err))
			return false;
		if (!found)
			break;
		*any = true;
		if (!log_format(run, &entry, &print, err))
			return false;
		if (!print)
			continue;
		if (!print_now && !log_ring_add(run, err))
			return false;
		if (print_now && fwrite(run->line.data, 1, run->line.length, stdout) != run->line.length)
			return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %s",
						   strerror(errno));
	}
	return true;
}

static bool
log_follow(LogRun *run, Err *err)
{
	const struct timespec pause = {0, LOG_FOLLOW_WAIT};
	struct sigaction action = {.sa_handler = log_stop};
	bool any;

	(void) sigaction(SIGINT, &action, NULL);
	(void) sigaction(SIGTERM, &action, NULL);
	while (!log_stopped)
	{
		if (!log_tail_read(run, true, &any, err))
			return false;
		if (any && fflush(stdout) != 0)
			return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %s",
						   strerror(errno));
		if (!any)
			(void) nanosleep(&pause, NULL);
	}
	return true;
}

static bool
log_tail_run(LogRun *run, const CliArgs *args, Err *err)
{
	int64_t lines = 10;
	bool any;

	if (args->narguments != 1)
		return cli_usage_error(args->command, err, "name one topic");
	if (!cli_number(args, "lines", 0, &lines, err))
		return false;
	if (lines > LOG_TAIL_MAX)
		return cli_usage_error(args->command, err, "--lines can be at most %d", LOG_TAIL_MAX);
	run->ring_size = (size_t) lines;
	run->ring = alloc_zero((run->ring_size + 1) * sizeof(char *));
	if (run->ring == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for %" PRId64 " lines",
					   lines);
	return run->reader->ops->start(run->reader, args->arguments[0], true, err) &&
		   log_tail_read(run, false, &any, err) && log_ring_print(run, err) &&
		   (!cli_has(args, "follow") || log_follow(run, err));
}

static bool
log_tail_command(const CliArgs *args, Err *err)
{
	LogRun run;
	bool ok = log_open(&run, args, err) && log_tail_run(&run, args, err);

	log_close(&run);
	return ok;
}

/* ---- list ---- */

static bool
log_list_run(LogRun *run, Err *err)
{
	const LogTopicInfo *topics;
	size_t count;
	bool files;

	if (!run->reader->ops->list(run->reader, &topics, &count, err))
		return false;
	files = !run->has_config || run->config.stream.log_kind == STREAM_LOG_DIRECTORY;
	(void) printf("%-32s %12s %14s %10s\n", "topic", "records", "bytes",
				  files ? "files" : "partitions");
	for (size_t i = 0; i < count; i++)
		(void) printf("%-32s %12" PRId64 " %14" PRId64 " %10" PRId64 "\n", topics[i].name,
					  topics[i].records, topics[i].bytes, topics[i].files);
	return fflush(stdout) == 0 ||
		   err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %s",
				   strerror(errno));
}

static bool
log_list_command(const CliArgs *args, Err *err)
{
	LogRun run;
	bool ok = log_open(&run, args, err) && log_list_run(&run, err);

	log_close(&run);
	return ok;
}

/* ---- the tree ---- */

#define LOG_OPTION_DIRECTORY                                                                       \
	{                                                                                              \
		"directory", 'd', "PATH", "read this directory log, without a configuration"               \
	}
#define LOG_OPTIONS_FILTER                                                                         \
	{"where", 'w', "'FIELD OP VALUE'", "only records with this; may be given several times"},      \
		{"key", 'k', "SOURCE/ID", "only records of this key"},                                     \
		{"from", 'f', "TIME|LSN", "only records committed then or later"},                         \
	{                                                                                              \
		"envelope", 'e', NULL, "add place, key and headers; show tombstones"                       \
	}

static const CliOption log_list_options[] = {CLI_OPTION_CONFIG, LOG_OPTION_DIRECTORY,
											 CLI_OPTION_END};
static const CliOption log_cat_options[] = {
	CLI_OPTION_CONFIG,
	LOG_OPTION_DIRECTORY,
	LOG_OPTIONS_FILTER,
	{"limit", 'n', "N", "at most so many records"},
	{"closed", 0, NULL, "only complete files, as other tools see them"},
	CLI_OPTION_END};
static const CliOption log_tail_options[] = {
	CLI_OPTION_CONFIG,
	LOG_OPTION_DIRECTORY,
	LOG_OPTIONS_FILTER,
	{"lines", 'n', "N", "last records to begin with (default 10)"},
	{"follow", 'F', NULL, "go on with records as they are committed"},
	CLI_OPTION_END};

static const CliCommand log_list_leaf = {.name = "list",
										 .summary = "topics with their records, bytes and files",
										 .options = log_list_options,
										 .run = log_list_command};
static const CliCommand log_cat_leaf = {
	.name = "cat",
	.summary = "print committed records as JSON lines",
	.arguments = "[TOPIC...]",
	.max_arguments = CLI_MAX_ARGUMENTS,
	.description =
		"Prints the committed records of topics (default: of all) as JSON, one line each.\n"
		"Conditions reach inner fields by dots ('meta.operation = update', 'amount >= 100',\n"
		"'email ~ @example[.]com$', 'phone = null'); OP is one of = != < <= > >= ~.",
	.options = log_cat_options,
	.run = log_cat_command};
static const CliCommand log_tail_leaf = {
	.name = "tail",
	.summary = "print a topic's last records as JSON lines, and follow",
	.arguments = "TOPIC",
	.max_arguments = 1,
	.description =
		"Prints the last committed records of a topic as JSON lines, of files that are still\n"
		"being written too; with --follow goes on until interrupted.",
	.options = log_tail_options,
	.run = log_tail_command};
static const CliCommand *const log_commands[] = {&log_list_leaf, &log_cat_leaf, &log_tail_leaf,
												 NULL};

const CliCommand cli_log = {
	.name = "log",
	.summary = "read the log: topics and records",
	.children = log_commands,
};
