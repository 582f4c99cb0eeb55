/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_config.c — identity configurations: which column says what about whom.
 *
 * A configuration names columns; what they are worth is the model's business, so two data
 * sets differ in nothing but names. Whatever is wrong is said with file and line before any row
 * is read.
 */
#include <stdio.h>
#include <string.h>

#include "dataset/dataset_priv.h"
#include "goldpan/conf_file.h"

#define CONFIG_MAX_INPUTS 64

static const char *const config_keys[] = {"deployment", "kind", "parameters", "inputs", NULL};
static const char *const config_input_keys[] = {
	"name",		 "kind",	"topic",	 "source",	"source_column",
	"record_id", "country", "separator", "columns", NULL};
static const char *const config_column_keys[] = {"column",	  "attribute",	 "scheme", "verified",
												 "exclusive", "date_format", NULL};
static const char *const config_parameter_keys[] = {"name", "value", NULL};
static const char *const config_kinds[] = {"person", "company", NULL};

typedef struct ConfigRead
{
	const ConfFile *file;
	Arena *arena;
	DatasetConfig *config;
	IdentityKind kind; /* default of inputs */
} ConfigRead;

static bool
config_copy(const ConfigRead *read, const char **text, Err *err)
{
	if (*text == NULL)
		return true;
	*text = arena_text(read->arena, *text, strlen(*text), err);
	return *text != NULL;
}

/* A text that is given and not empty; absent: *value stays as it is. */
static bool
config_text(const ConfigRead *read, const ConfNode *group, const char *name, const char **value,
			Err *err)
{
	const char *text = NULL;

	if (!conf_get_text(read->file, group, name, &text, err))
		return false;
	if (text == NULL)
		return true;
	if (text[0] == '\0')
		return conf_node_error(read->file, conf_node_member(group, name), err, "it is empty");
	*value = text;
	return config_copy(read, value, err);
}

static bool
config_kind(const ConfigRead *read, const ConfNode *group, IdentityKind *kind, Err *err)
{
	const char *text = NULL;
	const char *nearest;

	if (!config_text(read, group, "kind", &text, err))
		return false;
	if (text == NULL)
		return true;
	for (int i = 0; config_kinds[i] != NULL; i++)
	{
		if (strcmp(config_kinds[i], text) == 0)
		{
			*kind = i == 0 ? IDENTITY_PERSON : IDENTITY_COMPANY;
			return true;
		}
	}
	(void) conf_node_error(read->file, conf_node_member(group, "kind"), err,
						   "\"%s\" is no kind of record", text);
	nearest = conf_suggest(text, config_kinds);
	if (nearest != NULL)
		return err_hint(err, "Did you mean \"%s\"?", nearest);
	return err_hint(err, "Kinds are \"person\" and \"company\".");
}

/* ---- columns ---- */

static bool
config_attribute(const ConfigRead *read, const ConfNode *node, DatasetColumn *column, Err *err)
{
	const char *names[IDENTITY_ATTRIBUTES + 1] = {NULL};
	const char *text = NULL;
	const char *nearest;

	if (!config_text(read, node, "attribute", &text, err))
		return false;
	if (text == NULL)
		return conf_node_error(read->file, node, err, "the column has no \"attribute\"");
	if (identity_attribute_find(text, &column->attribute))
		return true;
	for (int i = 0; i < IDENTITY_ATTRIBUTES; i++)
		names[i] = identity_attribute_name((IdentityAttribute) i);
	nearest = conf_suggest(text, names);
	(void) conf_node_error(read->file, conf_node_member(node, "attribute"), err,
						   "there is no attribute \"%s\"", text);
	if (nearest != NULL)
		return err_hint(err, "Did you mean \"%s\"?", nearest);
	return err_hint(err, "goldpan-identity(1) lists the attributes.");
}

static bool
config_date_format_valid(const char *format)
{
	const char *year = strstr(format, "YYYY");
	const char *month = strstr(format, "MM");
	const char *day = strstr(format, "DD");

	return year != NULL && month != NULL && day != NULL && strstr(month + 1, "MM") == NULL &&
		   strstr(day + 1, "DD") == NULL && strstr(year + 1, "YYYY") == NULL;
}

/* Keys that only some attributes know. */
static bool
config_column_agrees(const ConfigRead *read, const ConfNode *node, const DatasetColumn *column,
					 Err *err)
{
	bool verified = (column->flags & IDENTITY_VERIFIED) != 0;

	if ((column->scheme != NULL) != (column->attribute == IDENTITY_STRONG_ID))
		return conf_node_error(read->file, node, err,
							   column->scheme != NULL
								   ? "\"scheme\" is for the attribute \"strong_id\" alone"
								   : "a strong id needs its \"scheme\" (\"vat\", \"ssn\" …)");
	if ((column->flags & IDENTITY_EXCLUSIVE) != 0 && column->attribute != IDENTITY_STRONG_ID)
		return conf_node_error(read->file, node, err,
							   "\"exclusive\" is for the attribute \"strong_id\" alone");
	if ((verified || column->date_format != NULL) && column->attribute != IDENTITY_BIRTH_DATE)
		return conf_node_error(read->file, node, err,
							   "\"%s\" is for the attribute \"birth_date\" alone",
							   verified ? "verified" : "date_format");
	if (column->date_format != NULL && !config_date_format_valid(column->date_format))
	{
		(void) conf_node_error(read->file, conf_node_member(node, "date_format"), err,
							   "\"%s\" is no date format", column->date_format);
		return err_hint(err, "Write YYYY, MM and DD once each, as in \"DD/MM/YYYY\".");
	}
	return true;
}

static bool
config_column(const ConfigRead *read, const ConfNode *node, DatasetColumn *column, Err *err)
{
	bool verified = false;
	bool exclusive = false;

	if (conf_node_kind(node) != CONF_GROUP)
		return conf_node_error(read->file, node, err, "a column must be a group, not %s",
							   conf_kind_name(conf_node_kind(node)));
	column->line = conf_node_line(node);
	if (!conf_check_keys(read->file, node, config_column_keys, err) ||
		!config_text(read, node, "column", &column->name, err) ||
		!config_attribute(read, node, column, err) ||
		!config_text(read, node, "scheme", &column->scheme, err) ||
		!config_text(read, node, "date_format", &column->date_format, err) ||
		!conf_get_boolean(read->file, node, "verified", &verified, err) ||
		!conf_get_boolean(read->file, node, "exclusive", &exclusive, err))
		return false;
	column->flags = (verified ? IDENTITY_VERIFIED : 0) | (exclusive ? IDENTITY_EXCLUSIVE : 0);
	if (column->name == NULL)
		return conf_node_error(read->file, node, err, "the \"column\" is not named");
	return config_column_agrees(read, node, column, err);
}

static bool
config_columns(const ConfigRead *read, const ConfNode *node, DatasetInput *input, Err *err)
{
	const ConfNode *list = NULL;
	DatasetColumn *columns;
	size_t count;

	if (!conf_get_node(read->file, node, "columns", CONF_LIST, &list, err))
		return false;
	count = list != NULL ? conf_node_count(list) : 0;
	if (count == 0)
		return conf_node_error(read->file, node, err, "the input has no \"columns\"");
	if (count > DATASET_CSV_MAX_COLUMNS)
		return conf_node_error(read->file, list, err, "there are more than %d columns",
							   DATASET_CSV_MAX_COLUMNS);
	columns = arena_zero(read->arena, count * sizeof(*columns), err);
	if (columns == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (!config_column(read, conf_node_at(list, i), &columns[i], err))
			return false;
	}
	input->columns = columns;
	input->ncolumns = count;
	return true;
}

/* ---- inputs ---- */

/* An input of the directory log: the canonical entity says its kind and its columns. */
static bool
config_log_input(const ConfigRead *read, const ConfNode *node, DatasetInput *input, Err *err)
{
	static const char *const csv_only[] = {"record_id", "source", "source_column", "separator"};
	const ConfNode *kind = conf_node_member(node, "kind");

	for (size_t i = 0; i < sizeof(csv_only) / sizeof(csv_only[0]); i++)
	{
		const ConfNode *other = conf_node_member(node, csv_only[i]);

		if (other != NULL)
			return conf_node_error(read->file, other, err,
								   "a record of the log says that itself; it is for CSV alone");
	}
	if (conf_node_member(node, "columns") != NULL)
		return config_columns(read, node, input, err);
	input->columns = dataset_canonical_columns(input->topic, &input->kind, &input->ncolumns);
	if (input->columns == NULL)
	{
		(void) conf_node_error(read->file, node, err, "the columns of topic \"%s\" are not known",
							   input->topic);
		return err_hint(err, "Contacts and accounts are; other entities need \"columns\".");
	}
	if (kind != NULL)
		return config_kind(read, node, &input->kind, err);
	return true;
}

static bool
config_csv_input(const ConfigRead *read, const ConfNode *node, DatasetInput *input, Err *err)
{
	const char *separator = NULL;

	if (!config_text(read, node, "separator", &separator, err))
		return false;
	if (separator != NULL && (strlen(separator) != 1 || strchr("\"\r\n", separator[0]) != NULL ||
							  (unsigned char) separator[0] >= 0x80))
		return conf_node_error(read->file, conf_node_member(node, "separator"), err,
							   "a separator is one character, and no quote");
	input->separator = separator != NULL ? separator[0] : ',';
	if (input->record_id == NULL)
	{
		(void) conf_node_error(read->file, node, err, "the input has no \"record_id\"");
		return err_hint(err, "Name the column that tells rows apart and stays the same tomorrow.");
	}
	if (input->source != NULL && input->source_column != NULL)
		return conf_node_error(read->file, conf_node_member(node, "source_column"), err,
							   "there is a \"source\" already");
	if (input->source == NULL && input->source_column == NULL)
		input->source = input->name;
	if (input->source != NULL && strlen(input->source) > DATASET_MAX_SOURCE)
		return conf_node_error(read->file, node, err, "the source's name is longer than %d bytes",
							   DATASET_MAX_SOURCE);
	return config_columns(read, node, input, err);
}

static bool
config_input(const ConfigRead *read, const ConfNode *node, DatasetInput *input, Err *err)
{
	if (conf_node_kind(node) != CONF_GROUP)
		return conf_node_error(read->file, node, err, "an input must be a group, not %s",
							   conf_kind_name(conf_node_kind(node)));
	input->line = conf_node_line(node);
	input->kind = read->kind;
	if (!conf_check_keys(read->file, node, config_input_keys, err) ||
		!config_text(read, node, "name", &input->name, err) ||
		!config_kind(read, node, &input->kind, err) ||
		!config_text(read, node, "topic", &input->topic, err) ||
		!config_text(read, node, "source", &input->source, err) ||
		!config_text(read, node, "source_column", &input->source_column, err) ||
		!config_text(read, node, "record_id", &input->record_id, err) ||
		!config_text(read, node, "country", &input->country, err))
		return false;
	if (input->name == NULL)
		input->name = input->topic != NULL ? input->topic : input->source;
	if (input->name == NULL)
		return conf_node_error(read->file, node, err, "the input has no \"name\"");
	if (dataset_config_input(read->config, input->name, strlen(input->name)) != NULL)
		return conf_node_error(read->file, node, err, "there are two inputs named \"%s\"",
							   input->name);
	if (strchr(input->name, '=') != NULL)
		return conf_node_error(read->file, node, err, "a name must not hold \"=\"");
	return input->topic != NULL ? config_log_input(read, node, input, err)
								: config_csv_input(read, node, input, err);
}

static bool
config_inputs(const ConfigRead *read, Err *err)
{
	const ConfNode *root = conf_file_root(read->file);
	const ConfNode *list = NULL;
	DatasetConfig *config = read->config;
	DatasetInput *inputs;
	size_t count;

	if (!conf_get_node(read->file, root, "inputs", CONF_LIST, &list, err))
		return false;
	count = list != NULL ? conf_node_count(list) : 0;
	if (count == 0)
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s:1: there are no \"inputs\"",
					   config->path);
	if (count > CONFIG_MAX_INPUTS)
		return conf_node_error(read->file, list, err, "there are more than %d inputs",
							   CONFIG_MAX_INPUTS);
	inputs = arena_zero(read->arena, count * sizeof(*inputs), err);
	if (inputs == NULL)
		return false;
	config->inputs = inputs;
	for (size_t i = 0; i < count; i++)
	{
		if (!config_input(read, conf_node_at(list, i), &inputs[i], err))
			return false;
		config->ninputs = i + 1;
		config->several_sources |= inputs[i].topic != NULL || inputs[i].source_column != NULL ||
								   (i > 0 && (inputs[0].source == NULL ||
											  strcmp(inputs[i].source, inputs[0].source) != 0));
	}
	return true;
}

/* ---- the whole ---- */

static bool
config_parameters(const ConfigRead *read, Err *err)
{
	const ConfNode *list = NULL;
	DatasetParameter *parameters;
	size_t count;

	if (!conf_get_node(read->file, conf_file_root(read->file), "parameters", CONF_LIST, &list, err))
		return false;
	count = list != NULL ? conf_node_count(list) : 0;
	parameters = arena_zero(read->arena, (count + 1) * sizeof(*parameters), err);
	if (parameters == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		const ConfNode *node = conf_node_at(list, i);
		const ConfNode *value;

		if (conf_node_kind(node) != CONF_GROUP)
			return conf_node_error(read->file, node, err, "a parameter must be a group, not %s",
								   conf_kind_name(conf_node_kind(node)));
		if (!conf_check_keys(read->file, node, config_parameter_keys, err) ||
			!config_text(read, node, "name", &parameters[i].name, err))
			return false;
		value = conf_node_member(node, "value");
		if (parameters[i].name == NULL || value == NULL ||
			(conf_node_kind(value) != CONF_INTEGER && conf_node_kind(value) != CONF_REAL))
			return conf_node_error(read->file, node, err,
								   "a parameter needs a \"name\" and a \"value\" in numbers");
		parameters[i].value = conf_node_kind(value) == CONF_REAL
								  ? conf_node_real(value)
								  : (double) conf_node_integer(value);
	}
	read->config->parameters = parameters;
	read->config->nparameters = count;
	return true;
}

static DatasetConfig *
config_read(const ConfFile *file, Arena *arena, Err *err)
{
	const ConfNode *root = conf_file_root(file);
	DatasetConfig *config = arena_zero(arena, sizeof(*config), err);
	ConfigRead read = {.file = file, .arena = arena, .config = config, .kind = IDENTITY_PERSON};

	if (config == NULL)
		return NULL;
	config->path = conf_file_path(file);
	config->deployment = "goldpan";
	if (config_copy(&read, &config->path, err) && conf_check_keys(file, root, config_keys, err) &&
		config_text(&read, root, "deployment", &config->deployment, err) &&
		config_kind(&read, root, &read.kind, err) && config_parameters(&read, err) &&
		config_inputs(&read, err))
		return config;
	return NULL;
}

DatasetConfig *
dataset_config_load(const char *path, Arena *arena, Err *err)
{
	ConfFile *file = conf_file_load(path, err);
	DatasetConfig *config = file != NULL ? config_read(file, arena, err) : NULL;

	conf_file_free(file);
	return config;
}

DatasetConfig *
dataset_config_parse(const char *text, size_t length, const char *path, Arena *arena, Err *err)
{
	ConfFile *file = conf_file_parse(text, length, path, err);
	DatasetConfig *config = file != NULL ? config_read(file, arena, err) : NULL;

	conf_file_free(file);
	return config;
}

const DatasetInput *
dataset_config_input(const DatasetConfig *config, const char *name, size_t length)
{
	for (size_t i = 0; i < config->ninputs; i++)
	{
		if (strlen(config->inputs[i].name) == length &&
			memcmp(config->inputs[i].name, name, length) == 0)
			return &config->inputs[i];
	}
	return NULL;
}
