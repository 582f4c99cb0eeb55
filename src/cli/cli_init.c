/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_init.c — `goldpan init`: makes topics and registry subjects, or the log's folder.
 *
 * Apart from streaming because it needs rights that the streamer should not have. It never makes the
 * replication slot: the process that copies the tables does, at the very position of its copy.
 */
#include "cli/cli_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "goldpan/admin.h"

static bool
init_folder(const char *path, Err *err)
{
	struct stat status;

	if (mkdir(path, 0750) == 0)
		return true;
	if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return true;
	(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not make log folder \"%s\": %s", path,
				   strerror(errno));
	return err_hint(err, "Make its parent folder, writable by the user that runs goldpan stream.");
}

static bool
init_kafka(CliConfig *config, const LogTopic *topics, size_t ntopics, Err *err)
{
	const CliSettings *settings = &config->settings;

	return cli_open_registry(config, err) &&
		   log_kafka_init_topics(&config->stream.kafka, topics, ntopics, (int) settings->partitions,
								 (int) settings->replication, settings->compact, err) &&
		   log_kafka_init_subjects(&config->stream.kafka, topics, ntopics, err);
}

/* Compaction would keep only a record without the values that its source did not send. */
static bool
init_check_compaction(CliConfig *config, Err *err)
{
	const char *sql =
		"SELECT format('%I.%I', n.nspname, c.relname)"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE n.nspname = $1 AND c.relname = $2 AND c.relreplident <> 'f' AND EXISTS"
		" (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0"
		"  AND NOT a.attisdropped AND a.attstorage <> 'p' AND a.attname = ANY ($3::text[]))";

	for (size_t i = 0; i < config->stream.nsources; i++)
	{
		const SourceConfig *source = &config->stream.sources[i];
		SourceTable *tables;
		size_t ntables;

		if (!stream_source_tables(config->mapping, source->name, &config->arena, &tables, &ntables,
								  err))
			return false;
		for (size_t j = 0; j < ntables; j++)
		{
			const char *params[3] = {tables[j].schema, tables[j].name, NULL};
			SourceRows rows;

			params[2] = admin_sql_array(&config->arena, tables[j].columns, tables[j].ncolumns, err);
			if (params[2] == NULL ||
				!source_query(source, &config->arena, sql, 3, params, &rows, err))
				return false;
			if (rows.nrows == 0)
				continue;
			(void) err_set(err, ERR_CLASS_USAGE, ERR_LOG_SETUP,
						   "topics cannot be compacted: table %s of source \"%s\" may send updates "
						   "without its large values",
						   rows.cells[0], source->name);
			return err_hint(err, "ALTER TABLE %s REPLICA IDENTITY FULL; or set compact = false.",
							rows.cells[0]);
		}
	}
	return true;
}

static bool
init_start(CliConfig *config, const CliArgs *args, Err *err)
{
	LogTopic *topics;
	size_t ntopics;

	if (!cli_load(config, args, err) || !cli_open_mapping(config, err) ||
		!stream_topics(config->mapping, config->stream.topic_prefix, &config->arena, &topics,
					   &ntopics, err))
		return false;
	if (config->stream.log_kind == STREAM_LOG_DIRECTORY)
	{
		if (!init_folder(config->stream.directory.path, err))
			return false;
		(void) printf("log folder \"%s\" is ready\n", config->stream.directory.path);
		return true;
	}
	if (config->settings.compact && !init_check_compaction(config, err))
		return false;
	if (!init_kafka(config, topics, ntopics, err))
		return false;
	for (size_t i = 0; i < ntopics; i++)
		(void) printf("topic %s and its subjects are ready\n", topics[i].name);
	(void) printf("topic %s is ready\n", config->stream.kafka.progress_topic);
	return true;
}

static bool
init_command(const CliArgs *args, Err *err)
{
	CliConfig config;
	bool ok = init_start(&config, args, err);

	cli_open_release(&config);
	return ok;
}

static const CliOption init_options[] = {CLI_OPTION_CONFIG, CLI_OPTION_END};

const CliCommand cli_init = {
	.name = "init",
	.summary = "make topics and registry subjects, or the log's folder",
	.description =
		"Makes what the log needs: in Kafka the topics and the subjects of the Schema\n"
		"Registry, otherwise the log's folder. What is there already is verified, never\n"
		"changed. The replication slot is not made here: goldpan stream makes it.",
	.options = init_options,
	.run = init_command,
};
