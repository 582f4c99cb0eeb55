/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_tree.c — walks the tree of commands: reads the command line, prints help, runs.
 *
 * The tree is static structs, so help is always what the commands really take.
 * Options may stand anywhere after their command. A wrong command line is reported with the nearest
 * right word and ends with status 2.
 */
#include "cli/cli_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/conf_file.h"

#define TREE_NAMES 32 /* most options or commands of one command */

static const CliCommand *const tree_commands[] = {
	&cli_init, &cli_check,	&cli_stream,   &cli_status, &cli_mapping,
	&cli_log,  &cli_config, &cli_identity, &cli_review, NULL};

const CliCommand cli_root = {
	.name = "goldpan",
	.summary = "changes in PostgreSQL databases as owned, canonical customer records",
	.description = "Reads the changes of PostgreSQL databases, maps them to a canonical customer\n"
				   "schema, tags each field with its owner, and publishes them exactly once to\n"
				   "Kafka or to a directory of Avro files.",
	.children = tree_commands,
};

/* ---- what a command was given ---- */

const char *
cli_value(const CliArgs *args, const char *name)
{
	for (size_t i = args->ngiven; i-- > 0;)
	{
		if (strcmp(args->given[i].option->name, name) == 0)
			return args->given[i].value;
	}
	return NULL;
}

bool
cli_has(const CliArgs *args, const char *name)
{
	return cli_value(args, name) != NULL;
}

bool
cli_number(const CliArgs *args, const char *name, int64_t least, int64_t *value, Err *err)
{
	const char *text = cli_value(args, name);
	char *end;
	long long number;

	if (text == NULL)
		return true;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || number < least)
		return cli_usage_error(args->command, err,
							   "--%s needs a whole number of at least %" PRId64 ", not \"%s\"",
							   name, least, text);
	*value = number;
	return true;
}

bool
cli_print(const Buffer *out, Err *err)
{
	if ((out->length == 0 || fwrite(out->data, 1, out->length, stdout) == out->length) &&
		fflush(stdout) == 0)
		return true;
	return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %s",
				   strerror(errno));
}

/* ---- help ---- */

/* "goldpan mapping check": found by looking the command up in the tree. */
static void
tree_path(const CliCommand *command, char path[64])
{
	for (size_t i = 0; tree_commands[i] != NULL; i++)
	{
		const CliCommand *const *children = tree_commands[i]->children;

		if (tree_commands[i] == command)
		{
			(void) snprintf(path, 64, "goldpan %s", command->name);
			return;
		}
		for (size_t j = 0; children != NULL && children[j] != NULL; j++)
		{
			if (children[j] == command)
			{
				(void) snprintf(path, 64, "goldpan %s %s", tree_commands[i]->name, command->name);
				return;
			}
		}
	}
	(void) snprintf(path, 64, "goldpan");
}

bool
cli_usage_error(const CliCommand *command, Err *err, const char *fmt, ...)
{
	char path[64];
	va_list args;

	tree_path(command, path);
	(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "wrong command line");
	va_start(args, fmt);
	(void) vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return err_hint(err, "Try \"%s --help\".", path);
}

static void
tree_help_options(const CliCommand *command)
{
	(void) printf("\nOptions:\n");
	for (const CliOption *option = command->options; option != NULL && option->name != NULL;
		 option++)
	{
		char left[64];
		char letter[8] = "    ";

		if (option->letter != 0)
			(void) snprintf(letter, sizeof(letter), "-%c, ", option->letter);
		(void) snprintf(left, sizeof(left), "%s--%s%s%s", letter, option->name,
						option->argument != NULL ? " " : "",
						option->argument != NULL ? option->argument : "");
		(void) printf("  %-28s  %s\n", left, option->doc);
	}
	(void) printf("  %-28s  %s\n", "-h, --help", "this text");
	if (command == &cli_root)
		(void) printf("  %-28s  %s\n", "-V, --version", "version of goldpan and of its libraries");
}

static void
tree_help_statuses(void)
{
	(void) printf("\nExit status:\n");
	for (int code = 0; code < ERR_CODE_COUNT; code++)
		(void) printf("  %2d  %-22s %s\n", err_exit_status((ErrCode) code),
					  err_code_name((ErrCode) code), err_code_doc((ErrCode) code));
}

static void
tree_help(const CliCommand *command)
{
	char path[64];

	tree_path(command, path);
	(void) printf("Usage: %s%s%s%s\n\n", path,
				  command->children != NULL ? " COMMAND" : " [OPTION...]",
				  command->arguments != NULL ? " " : "",
				  command->arguments != NULL ? command->arguments : "");
	if (command->description != NULL)
		(void) printf("%s\n", command->description);
	else
		(void) printf("%c%s.\n", command->summary[0] - ('a' - 'A'), command->summary + 1);
	if (command->children != NULL)
		(void) printf("\nCommands:\n");
	for (size_t i = 0; command->children != NULL && command->children[i] != NULL; i++)
		(void) printf("  %-10s %s\n", command->children[i]->name, command->children[i]->summary);
	tree_help_options(command);
	if (command == &cli_root)
	{
		tree_help_statuses();
		(void) printf(
			"\nManual: goldpan(1), goldpan.conf(5), goldpan-mapping(5), goldpan-plugin(7).\n");
	}
}

/* ---- reading ---- */

/* Steps down the tree as far as words go; *next is the first word after the command. */
static const CliCommand *
tree_find(int argc, char **argv, int *next, Err *err)
{
	const CliCommand *command = &cli_root;

	while (command->children != NULL && *next < argc && argv[*next][0] != '-')
	{
		const CliCommand *const *child = command->children;
		const char *names[TREE_NAMES + 1] = {NULL};
		const char *nearest;

		while (*child != NULL && strcmp((*child)->name, argv[*next]) != 0)
			child++;
		if (*child == NULL)
		{
			for (size_t i = 0; i < TREE_NAMES && command->children[i] != NULL; i++)
				names[i] = command->children[i]->name;
			nearest = conf_suggest(argv[*next], names);
			(void) cli_usage_error(command, err, "unknown command \"%s\"", argv[*next]);
			if (nearest != NULL)
				(void) err_hint(err, "Did you mean \"%s\"?", nearest);
			return NULL;
		}
		command = *child;
		(*next)++;
	}
	return command;
}

static const CliOption *
tree_option(const CliCommand *command, const char *word, size_t length)
{
	const CliOption *option = command->options;

	for (; option != NULL && option->name != NULL; option++)
	{
		if (word[1] != '-' ? option->letter == word[1]
						   : strlen(option->name) == length - 2 &&
								 strncmp(option->name, word + 2, length - 2) == 0)
			return option;
	}
	return NULL;
}

static bool
tree_unknown_option(const CliCommand *command, const char *word, Err *err)
{
	const char *names[TREE_NAMES + 1] = {"help", NULL};
	const char *nearest = NULL;

	for (size_t i = 0;
		 command->options != NULL && i + 1 < TREE_NAMES && command->options[i].name != NULL; i++)
		names[i + 1] = command->options[i].name;
	if (word[1] == '-')
		nearest = conf_suggest(word + 2, names);
	(void) cli_usage_error(command, err, "unknown option \"%s\"", word);
	return nearest != NULL ? err_hint(err, "Did you mean \"--%s\"?", nearest) : false;
}

/* Reads one option at argv[*next] and its value. */
static bool
tree_read_option(CliArgs *args, int argc, char **argv, int *next, Err *err)
{
	const char *word = argv[*next];
	const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
	size_t length = equals != NULL ? (size_t) (equals - word) : strlen(word);
	const CliOption *option = tree_option(args->command, word, length);
	const char *value = "";

	if (option == NULL || (word[1] != '-' && word[2] != '\0' && option->argument == NULL))
		return tree_unknown_option(args->command, word, err);
	if (option->argument == NULL && equals != NULL)
		return cli_usage_error(args->command, err, "option --%s takes no value", option->name);
	if (option->argument != NULL)
	{
		if (equals != NULL)
			value = equals + 1;
		else if (word[1] != '-' && word[2] != '\0')
			value = word + 2;
		else if (++*next < argc)
			value = argv[*next];
		else
			return cli_usage_error(args->command, err, "option --%s needs a value: --%s %s",
								   option->name, option->name, option->argument);
	}
	if (args->ngiven == CLI_MAX_GIVEN)
		return cli_usage_error(args->command, err, "more than %d options", CLI_MAX_GIVEN);
	args->given[args->ngiven].option = option;
	args->given[args->ngiven++].value = value;
	return true;
}

static bool
tree_read(CliArgs *args, int argc, char **argv, int next, Err *err)
{
	bool only_arguments = false;

	for (; next < argc; next++)
	{
		if (!only_arguments && strcmp(argv[next], "--") == 0)
			only_arguments = true;
		else if (!only_arguments && argv[next][0] == '-' && argv[next][1] != '\0')
		{
			if (!tree_read_option(args, argc, argv, &next, err))
				return false;
		}
		else if (args->narguments == args->command->max_arguments)
			return cli_usage_error(args->command, err, "unexpected argument \"%s\"", argv[next]);
		else
			args->arguments[args->narguments++] = argv[next];
	}
	return true;
}

/* --help counts wherever it stands before "--". */
static bool
tree_wants(int argc, char **argv, int next, const char *name, const char *letter)
{
	for (; next < argc && strcmp(argv[next], "--") != 0; next++)
	{
		if (strcmp(argv[next], name) == 0 || strcmp(argv[next], letter) == 0)
			return true;
	}
	return false;
}

static int
tree_fail(const Err *err)
{
	(void) fprintf(stderr, "goldpan: %s\n", err->message);
	for (int i = 0; i < err->nframes; i++)
		(void) fprintf(stderr, "  in: %s\n", err->frames[i]);
	if (err->hint[0] != '\0')
		(void) fprintf(stderr, "  hint: %s\n", err->hint);
	return err_exit_status(err->code);
}

int
cli_main(int argc, char **argv)
{
	CliArgs args = {.ngiven = 0};
	Err err;
	int next = 1;

	err_clear(&err);
	if (argc > 1 && strcmp(argv[1], "help") == 0)
	{
		argv[1] = argv[0];
		args.command = tree_find(argc, argv, &(int){2}, &err);
		if (args.command == NULL)
			return tree_fail(&err);
		tree_help(args.command);
		return 0;
	}
	args.command = tree_find(argc, argv, &next, &err);
	if (args.command == NULL)
		return tree_fail(&err);
	if (tree_wants(argc, argv, next, "--help", "-h"))
	{
		tree_help(args.command);
		return fflush(stdout) == 0 ? 0 : err_exit_status(ERR_IO);
	}
	if (args.command == &cli_root && tree_wants(argc, argv, next, "--version", "-V"))
	{
		cli_version_print();
		return fflush(stdout) == 0 ? 0 : err_exit_status(ERR_IO);
	}
	if (args.command->run == NULL)
	{
		if (next < argc)
			(void) cli_usage_error(args.command, &err, "unknown option \"%s\"", argv[next]);
		else
			(void) cli_usage_error(args.command, &err, "a command is missing");
		return tree_fail(&err);
	}
	if (!tree_read(&args, argc, argv, next, &err) || !args.command->run(&args, &err))
		return tree_fail(&err);
	return 0;
}
