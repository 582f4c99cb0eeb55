/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_priv.h — the command tree, and what the commands share.
 */
#ifndef CLI_PRIV_H
#define CLI_PRIV_H

#include "goldpan/arena.h"
#include "goldpan/buffer.h"
#include "goldpan/conf.h"
#include "goldpan/err.h"
#include "goldpan/log.h"
#include "goldpan/mapping.h"
#include "goldpan/registry.h"
#include "goldpan/source.h"
#include "goldpan/stream.h"

/* ---- the tree ---- */

#define CLI_MAX_GIVEN	  64
#define CLI_MAX_ARGUMENTS 64

typedef struct CliArgs CliArgs;

typedef struct CliOption
{
	const char *name;	  /* "config", given as --config */
	char letter;		  /* 'c', or 0 */
	const char *argument; /* "FILE"; NULL: a switch */
	const char *doc;
} CliOption;

typedef struct CliCommand CliCommand;

struct CliCommand
{
	const char *name;
	const char *summary;   /* one line, in the list of commands */
	const char *arguments; /* as the usage line shows them: "[TOPIC...]" */
	int max_arguments;
	const char *description;					/* more lines, or NULL */
	const CliOption *options;					/* ends with a row without name; NULL: none */
	const CliCommand *const *children;			/* ends with NULL; NULL: a leaf */
	bool (*run)(const CliArgs *args, Err *err); /* of a leaf */
};

struct CliArgs
{
	const CliCommand *command;
	size_t ngiven;
	struct
	{
		const CliOption *option;
		const char *value; /* "" for a switch */
	} given[CLI_MAX_GIVEN];
	int narguments;
	const char *arguments[CLI_MAX_ARGUMENTS];
};

/* Last value given for an option, or NULL. */
const char *cli_value(const CliArgs *args, const char *name);
bool cli_has(const CliArgs *args, const char *name);

/* A whole number option from `least` on; sets *value only when it is given. */
bool cli_number(const CliArgs *args, const char *name, int64_t least, int64_t *value,
				Err *err) MUST_CHECK;

/* Runs the program; returns its exit status. */
int cli_main(int argc, char **argv);

/* Prints the versions of goldpan and its libraries. */
void cli_version_print(void);

/* A command line error whose hint tells how to get help on `command`. Returns false. */
bool cli_usage_error(const CliCommand *command, Err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Prints what a buffer holds to standard output. Error: ERR_IO (disk full, closed pipe). */
bool cli_print(const Buffer *out, Err *err) MUST_CHECK;

extern const CliCommand cli_root;

/* ---- configuration ---- */

typedef struct CliSource
{
	const char *name;
	const char *conninfo;
	const char *slot;
	const char *region;
	const char *password; /* never printed */
} CliSource;

typedef struct CliKafkaOption
{
	const char *name;
	const char *value;
} CliKafkaOption;

/* The settings as the file has them; cli_settings.c has a row for each. */
typedef struct CliSettings
{
	const char *deployment;
	const char *mapping;
	const char *topic_prefix;

	int64_t log_kind; /* StreamLogKind */
	const char *log_path;
	const char *brokers;
	const char *registry_url;

	int64_t codec; /* ContainerCodec */
	int64_t segment_size;
	int64_t segment_age;

	const char *progress_topic;
	int64_t partitions;
	int64_t replication;
	bool compact;
	bool kafka_allow_insecure;
	bool accept_partitions;
	const char *kafka_password;
	ConfList kafka_options; /* CliKafkaOption */

	const char *registry_user;
	const char *registry_password;
	const char *ca_file;
	int64_t registry_timeout;
	bool registry_allow_insecure;

	ConfList sources; /* CliSource */

	int64_t feedback_interval;
	int64_t connect_timeout;
	int64_t batch_records;
	int64_t batch_size;
	int64_t batch_age;
	int64_t transaction_records;
	int64_t transaction_size;
	int64_t shutdown_timeout;
	int64_t server_shutdown_timeout;
	int64_t retry_min;
	int64_t retry_max;
	int64_t idle_progress;

	int64_t report_level; /* ReportLevel */
} CliSettings;

extern const ConfTable cli_settings_table;

/* A configuration that was read: the settings, and what the rooms want of them. */
typedef struct CliConfig
{
	Arena arena;
	const char *path;
	CliSettings settings;
	Mapping *mapping; /* NULL until cli_open_mapping */
	StreamConfig stream;
	Registry *registry; /* NULL until cli_open_registry */
} CliConfig;

#define CLI_CONFIG_DEFAULT "/etc/goldpan/goldpan.conf"

/* Reads the file that --config names. Release with cli_load_release also after a failure. */
bool cli_load(CliConfig *config, const CliArgs *args, Err *err) MUST_CHECK;
void cli_load_release(CliConfig *config);

/* Replaces passwords inside texts that are no secrets as a whole, for printing the settings. */
bool cli_load_hide_secrets(CliConfig *config, Err *err) MUST_CHECK;

/* Loads and checks the mapping; its problems are printed to standard error. */
bool cli_open_mapping(CliConfig *config, Err *err) MUST_CHECK;
bool cli_open_mapping_file(const char *path, Mapping **mapping, Err *err) MUST_CHECK;

/* Makes the registry's client and puts it into config->stream.kafka; for commands that use the
 * log themselves. Nothing to do for a directory log. */
bool cli_open_registry(CliConfig *config, Err *err) MUST_CHECK;

/* A reader of the configured log; closed with its ops->close. */
LogReader *cli_open_reader(CliConfig *config, Err *err) MUST_CHECK;

/* Frees what was opened and loaded; also after a failure. */
void cli_open_release(CliConfig *config);

/* The source that --source names, or all. *nsources of them from *sources. */
bool cli_load_sources(const CliConfig *config, const CliArgs *args, const SourceConfig **sources,
					  size_t *nsources, Err *err) MUST_CHECK;

/* ---- rows of options that several commands have ---- */

#define CLI_OPTION_CONFIG                                                                          \
	{                                                                                              \
		"config", 'c', "FILE", "configuration file (default " CLI_CONFIG_DEFAULT ")"               \
	}
#define CLI_OPTION_SOURCE                                                                          \
	{                                                                                              \
		"source", 's', "NAME", "only this source"                                                  \
	}
#define CLI_OPTION_END                                                                             \
	{                                                                                              \
		NULL, 0, NULL, NULL                                                                        \
	}

/* ---- the commands, one file each ---- */

extern const CliCommand cli_init;
extern const CliCommand cli_check;
extern const CliCommand cli_stream;
extern const CliCommand cli_status;
extern const CliCommand cli_mapping;
extern const CliCommand cli_log;
extern const CliCommand cli_config;
extern const CliCommand cli_identity;
extern const CliCommand cli_review;

#endif
