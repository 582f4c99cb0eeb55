/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_load.c — a configuration file becomes what each room wants of it.
 *
 * Passwords come from files and are joined to the connection strings here, in memory that
 * is wiped when the configuration is released.
 */
#include "cli/cli_priv.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "goldpan/report.h"

#define LOAD_STARS "********"
#define LOAD_ARENA ((size_t) 64 << 20)

static bool
load_wrong(const CliConfig *config, Err *err, const char *what, const char *name, const char *why)
{
	return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s: %s \"%s\" %s", config->path, what, name,
				   why);
}

/* A name that becomes part of file names, topics and identifiers. */
static bool
load_name_is_plain(const char *name)
{
	return strlen(name) < 64 &&
		   strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
			   strlen(name) &&
		   name[0] != '.' && name[0] != '-';
}

static bool
load_slot_is_plain(const char *name)
{
	return name[0] != '\0' && strlen(name) < 64 &&
		   strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* ---- connection strings ---- */

static bool
load_append_pair(Buffer *out, const char *keyword, const char *value, Err *err)
{
	if (!buffer_printf(out, err, "%s%s='", out->length > 0 ? " " : "", keyword))
		return false;
	for (const char *c = value; *c != '\0'; c++)
	{
		if ((*c == '\'' || *c == '\\') && !buffer_append_byte(out, '\\', err))
			return false;
		if (!buffer_append_byte(out, (uint8_t) *c, err))
			return false;
	}
	return buffer_append_byte(out, '\'', err);
}

/* A password in the file itself is accepted only where nobody else can read the file. */
static bool
load_inline_password(const CliConfig *config, const CliSource *source, Err *err)
{
	struct stat status;

	if (stat(config->path, &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return true;
	(void) load_wrong(config, err, "source", source->name,
					  "has a password in its conninfo, and others have access to this file");
	return err_hint(err,
					"Put it into a file of its own: password_file = \"…\"; or chmod 0600 \"%s\".",
					config->path);
}

/* libpq's own reading of conninfo, which also tells a bad one now and not at the first connection. */
static bool
load_conninfo(CliConfig *config, const CliSource *source, const char **conninfo, Err *err)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(source->conninfo, &why);
	Buffer text;
	bool ok = options != NULL;

	buffer_init(&text, 65536);
	if (!ok)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "%s: conninfo of source \"%s\" cannot be read", config->path, source->name);
		(void) err_hint(
			err, "Write it as \"host=… dbname=… user=…\"; values with blanks in single quotes.");
	}
	for (PQconninfoOption *option = options; ok && option->keyword != NULL; option++)
	{
		if (option->val == NULL)
			continue;
		if (strcmp(option->keyword, "password") == 0)
			ok = source->password == NULL ? load_inline_password(config, source, err)
										  : load_wrong(config, err, "source", source->name,
													   "has both a password and a password_file");
		ok = ok && load_append_pair(&text, option->keyword, option->val, err);
	}
	if (ok && source->password != NULL)
		ok = load_append_pair(&text, "password", source->password, err);
	if (ok)
	{
		*conninfo = arena_text(&config->arena, (const char *) text.data, text.length, err);
		ok = *conninfo != NULL;
	}
	if (text.data != NULL)
		explicit_bzero(text.data, text.length);
	buffer_release(&text);
	PQconninfoFree(options);
	PQfreemem(why);
	return ok;
}

static bool
load_source(CliConfig *config, size_t index, SourceConfig *source, Err *err)
{
	CliSource *sources = config->settings.sources.items;
	CliSource *given = &sources[index];

	if (!load_name_is_plain(given->name))
		return load_wrong(config, err, "source name", given->name,
						  "is not made of letters, digits, \"_\", \"-\" and \".\"");
	for (size_t i = 0; i < index; i++)
	{
		if (strcmp(sources[i].name, given->name) == 0)
			return load_wrong(config, err, "source", given->name, "is there twice");
	}
	*source = (SourceConfig){
		.name = given->name,
		.region = given->region,
		.slot = given->slot,
		.connect_timeout = config->settings.connect_timeout,
		.feedback_interval = config->settings.feedback_interval,
	};
	if (source->slot == NULL)
	{
		char *slot = arena_printf(&config->arena, err, "goldpan_%s", given->name);

		if (slot == NULL)
			return false;
		for (char *c = slot; *c != '\0'; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char) (*c - 'A' + 'a')
										: (*c == '-' || *c == '.' ? '_' : *c);
		source->slot = slot;
		given->slot = slot;
	}
	if (!load_slot_is_plain(source->slot))
		return load_wrong(config, err, "slot name", source->slot,
						  "is not made of lower-case letters, digits and \"_\"");
	return load_conninfo(config, given, &source->conninfo, err);
}

static bool
load_sources(CliConfig *config, Err *err)
{
	size_t count = config->settings.sources.count;
	SourceConfig *sources = arena_zero(&config->arena, count * sizeof(SourceConfig), err);

	if (sources == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (!load_source(config, i, &sources[i], err))
			return false;
	}
	config->stream.nsources = count;
	config->stream.sources = sources;
	return true;
}

/* ---- the log ---- */

static bool
load_kafka_options(CliConfig *config, Err *err)
{
	const CliSettings *settings = &config->settings;
	const CliKafkaOption *options = settings->kafka_options.items;
	size_t count = settings->kafka_options.count;
	const char **names = arena_zero(&config->arena, (count + 1) * sizeof(char *), err);
	const char **values = arena_zero(&config->arena, (count + 1) * sizeof(char *), err);

	if (names == NULL || values == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		names[i] = options[i].name;
		values[i] = options[i].value;
	}
	if (settings->kafka_password != NULL)
	{
		names[count] = "sasl.password";
		values[count++] = settings->kafka_password;
	}
	config->stream.kafka.noptions = count;
	config->stream.kafka.option_names = names;
	config->stream.kafka.option_values = values;
	return true;
}

static bool
load_log(CliConfig *config, Err *err)
{
	const CliSettings *settings = &config->settings;
	StreamConfig *stream = &config->stream;

	stream->topic_prefix = settings->topic_prefix;
	stream->log_kind = (StreamLogKind) settings->log_kind;
	if (!load_name_is_plain(settings->deployment))
		return load_wrong(config, err, "deployment", settings->deployment,
						  "is not made of letters, digits, \"_\", \"-\" and \".\"");
	if (settings->topic_prefix == NULL || !load_name_is_plain(settings->topic_prefix))
		return load_wrong(config, err, "topic_prefix",
						  settings->topic_prefix != NULL ? settings->topic_prefix : "",
						  "is not made of letters, digits, \"_\", \"-\" and \".\"");
	if (stream->log_kind == STREAM_LOG_DIRECTORY && settings->log_path == NULL)
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s: setting \"path\" of log is empty",
					   config->path);
	if (stream->log_kind == STREAM_LOG_KAFKA &&
		(settings->brokers == NULL || settings->registry_url == NULL))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s: setting \"%s\" of log is missing",
					   config->path, settings->brokers == NULL ? "brokers" : "registry");
		return err_hint(err, "A log of kind \"kafka\" needs both brokers and registry.");
	}
	stream->directory = (LogDirectoryConfig){
		.path = settings->log_path,
		.codec = (ContainerCodec) settings->codec,
		.segment_max_bytes = settings->segment_size,
		.segment_max_age = settings->segment_age,
	};
	stream->kafka = (LogKafkaConfig){
		.brokers = settings->brokers,
		.progress_topic = settings->progress_topic,
		.allow_insecure = settings->kafka_allow_insecure,
		.accept_partitions = settings->accept_partitions,
	};
	stream->registry = (RegistryConfig){
		.url = settings->registry_url,
		.user = settings->registry_user,
		.password = settings->registry_password,
		.ca_file = settings->ca_file,
		.timeout = settings->registry_timeout,
		.allow_insecure = settings->registry_allow_insecure,
	};
	stream->kafka.transactional_id_prefix =
		arena_printf(&config->arena, err, "goldpan-%s", settings->deployment);
	return stream->kafka.transactional_id_prefix != NULL && load_kafka_options(config, err);
}

static void
load_stream(CliConfig *config)
{
	const CliSettings *settings = &config->settings;
	StreamConfig *stream = &config->stream;

	stream->batch_records = (size_t) settings->batch_records;
	stream->batch_size = (size_t) settings->batch_size;
	stream->batch_age = settings->batch_age;
	stream->transaction_records = (size_t) settings->transaction_records;
	stream->transaction_size = (size_t) settings->transaction_size;
	stream->shutdown_timeout = settings->shutdown_timeout;
	stream->server_shutdown_timeout = settings->server_shutdown_timeout;
	stream->retry_min = settings->retry_min;
	stream->retry_max = settings->retry_max;
	stream->idle_progress = settings->idle_progress;
}

bool
cli_load(CliConfig *config, const CliArgs *args, Err *err)
{
	const char *path = cli_value(args, "config");

	memset(config, 0, sizeof(*config));
	config->path = path != NULL ? path : CLI_CONFIG_DEFAULT;
	arena_init(&config->arena, LOAD_ARENA);
	if (!conf_rows_load(&cli_settings_table, config->path, &config->settings, &config->arena, err))
		return false;
	report_set_level((ReportLevel) config->settings.report_level);
	if (!load_sources(config, err) || !load_log(config, err))
		return false;
	load_stream(config);
	return true;
}

/* The conninfo with stars for the password. */
static bool
load_hide_conninfo(CliConfig *config, CliSource *source, Err *err)
{
	PQconninfoOption *options = PQconninfoParse(source->conninfo, NULL);
	Buffer text;
	bool ok = true;

	buffer_init(&text, 65536);
	for (PQconninfoOption *option = options; ok && option != NULL && option->keyword != NULL;
		 option++)
	{
		bool secret = strstr(option->keyword, "password") != NULL;

		if (option->val != NULL)
			ok = load_append_pair(&text, option->keyword, secret ? LOAD_STARS : option->val, err);
	}
	if (ok)
		source->conninfo = arena_printf(&config->arena, err, "%.*s", (int) text.length,
										text.data != NULL ? (const char *) text.data : "");
	buffer_release(&text);
	PQconninfoFree(options);
	return ok && source->conninfo != NULL;
}

bool
cli_load_hide_secrets(CliConfig *config, Err *err)
{
	CliSource *sources = config->settings.sources.items;
	CliKafkaOption *options = config->settings.kafka_options.items;

	for (size_t i = 0; i < config->settings.kafka_options.count; i++)
	{
		if (strstr(options[i].name, "password") != NULL ||
			strstr(options[i].name, "secret") != NULL)
			options[i].value = LOAD_STARS;
	}
	for (size_t i = 0; i < config->settings.sources.count; i++)
	{
		if (!load_hide_conninfo(config, &sources[i], err))
			return false;
	}
	return true;
}

static void
load_wipe(const char *secret)
{
	if (secret != NULL)
		explicit_bzero((char *) (uintptr_t) secret, strlen(secret));
}

void
cli_load_release(CliConfig *config)
{
	const CliSource *sources = config->settings.sources.items;

	for (size_t i = 0; sources != NULL && i < config->settings.sources.count; i++)
		load_wipe(sources[i].password);
	for (size_t i = 0; i < config->stream.nsources; i++)
		load_wipe(config->stream.sources[i].conninfo);
	load_wipe(config->settings.kafka_password);
	load_wipe(config->settings.registry_password);
	arena_release(&config->arena);
}

bool
cli_load_sources(const CliConfig *config, const CliArgs *args, const SourceConfig **sources,
				 size_t *nsources, Err *err)
{
	const char *name = cli_value(args, "source");

	*sources = config->stream.sources;
	*nsources = config->stream.nsources;
	if (name == NULL)
		return true;
	for (size_t i = 0; i < config->stream.nsources; i++)
	{
		if (strcmp(config->stream.sources[i].name, name) == 0)
		{
			*sources = &config->stream.sources[i];
			*nsources = 1;
			return true;
		}
	}
	(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "%s has no source \"%s\"", config->path,
				   name);
	return err_hint(err, "goldpan config show lists the sources.");
}
