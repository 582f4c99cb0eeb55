/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin_options — reads the options of START_REPLICATION, strictly.
 *
 * An option that is unknown, given twice or malformed is an error that names it: a typing
 * mistake in an allow-list must never mean "send something else". src/wire/PROTOCOL.md
 * specifies them.
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "utils/builtins.h"

#include "plugin_priv.h"

typedef struct OptionScan
{
	const char *text;
	const char *at;
} OptionScan;

typedef struct OptionKind
{
	const char *name;
	void (*parse)(const char *name, const char *value, PluginOptions *result);
} OptionKind;

static void parse_protocol(const char *name, const char *value, PluginOptions *result);
static void parse_tables(const char *name, const char *value, PluginOptions *result);
static void parse_frame_bytes(const char *name, const char *value, PluginOptions *result);
static void parse_max_value_bytes(const char *name, const char *value, PluginOptions *result);
static void parse_messages(const char *name, const char *value, PluginOptions *result);
static void parse_origin(const char *name, const char *value, PluginOptions *result);

/* The first two are required. */
#define NREQUIRED 2
static const OptionKind option_kinds[] = {
	{"protocol", parse_protocol},		{"tables", parse_tables},
	{"frame_bytes", parse_frame_bytes}, {"max_value_bytes", parse_max_value_bytes},
	{"messages", parse_messages},		{"origin", parse_origin},
};

void
plugin_options_parse(List *options, PluginOptions *result)
{
	bool seen[lengthof(option_kinds)] = {false};
	ListCell *cell;

	memset(result, 0, sizeof(*result));
	result->frame_bytes = 16 * 1024;
	result->max_value_bytes = 8 * 1024 * 1024;
	foreach (cell, options)
	{
		DefElem *element = lfirst_node(DefElem, cell);
		Size i = 0;

		while (i < lengthof(option_kinds) && strcmp(option_kinds[i].name, element->defname) != 0)
			i++;
		if (i == lengthof(option_kinds))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown goldpan option \"%s\"", element->defname),
					 errhint("Known are protocol, tables, frame_bytes, max_value_bytes, messages "
							 "and origin.")));
		if (seen[i])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("goldpan option \"%s\" is given twice", element->defname)));
		if (element->arg == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("goldpan option \"%s\" needs a value", element->defname)));
		seen[i] = true;
		option_kinds[i].parse(element->defname, strVal(element->arg), result);
	}
	for (int i = 0; i < NREQUIRED; i++)
	{
		if (!seen[i])
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("goldpan option \"%s\" is missing", option_kinds[i].name)));
	}
}

const PluginTable *
plugin_options_find(const PluginOptions *options, const char *schema, const char *name)
{
	for (int i = 0; i < options->ntables; i++)
	{
		const PluginTable *table = &options->tables[i];

		if (strcmp(table->name, name) == 0 && strcmp(table->schema, schema) == 0)
			return table;
	}
	return NULL;
}

bool
plugin_options_has_column(const PluginTable *table, const char *column)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (strcmp(table->columns[i], column) == 0)
			return true;
	}
	return false;
}

static void
option_error(const char *name, const char *value, const char *expected)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for goldpan option \"%s\": \"%s\"", name, value),
					errdetail("Expected %s.", expected)));
}

static Size
option_number(const char *name, const char *value, Size lowest, Size highest)
{
	Size number = 0;
	const char *at = value;

	/* No sign, space or other base, and no overflow: 10 digits are enough. */
	while (*at >= '0' && *at <= '9' && at - value < 10)
		number = number * 10 + (Size) (*at++ - '0');
	if (at == value || *at != '\0' || number < lowest || number > highest)
		option_error(name, value, psprintf("a number from %zu to %zu", lowest, highest));
	return number;
}

static void
parse_protocol(const char *name, const char *value, PluginOptions *result)
{
	(void) name;
	(void) result;
	if (strcmp(value, "1") != 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("goldpan option \"protocol\" asks for version \"%s\"", value),
						errdetail("This plugin, goldpan %s, speaks protocol version %d.",
								  GOLDPAN_VERSION, WIRE_PROTOCOL_VERSION),
						errhint("Install the plugin and the streamer from the same release.")));
}

static void
parse_frame_bytes(const char *name, const char *value, PluginOptions *result)
{
	result->frame_bytes = option_number(name, value, 1024, 1024 * 1024);
}

static void
parse_max_value_bytes(const char *name, const char *value, PluginOptions *result)
{
	result->max_value_bytes = option_number(name, value, 1024, 256 * 1024 * 1024);
}

static void
parse_messages(const char *name, const char *value, PluginOptions *result)
{
	result->messages = strcmp(value, "on") == 0;
	if (!result->messages && strcmp(value, "off") != 0)
		option_error(name, value, "on or off");
}

static void
parse_origin(const char *name, const char *value, PluginOptions *result)
{
	result->local_only = strcmp(value, "none") == 0;
	if (!result->local_only && strcmp(value, "any") != 0)
		option_error(name, value, "any or none");
}

/* ---- the allow-list ---- */

static void
scan_error(const OptionScan *scan, const char *expected)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for goldpan option \"tables\""),
					errdetail("Expected %s at byte %d of the list.", expected,
							  (int) (scan->at - scan->text) + 1),
					errhint("Write it as \"schema\".\"table\"(\"column\",...),... with every name "
							"quoted.")));
}

static void
scan_spaces(OptionScan *scan)
{
	while (*scan->at == ' ')
		scan->at++;
}

static bool
scan_accept(OptionScan *scan, char c)
{
	scan_spaces(scan);
	if (*scan->at != c)
		return false;
	scan->at++;
	return true;
}

static void
scan_expect(OptionScan *scan, char c, const char *expected)
{
	if (!scan_accept(scan, c))
		scan_error(scan, expected);
}

static char *
scan_name(OptionScan *scan)
{
	char name[NAMEDATALEN];
	int length = 0;

	scan_expect(scan, '"', "a quoted name");
	for (;;)
	{
		if (*scan->at == '\0')
			scan_error(scan, "the end of a quoted name");
		if (*scan->at == '"' && *++scan->at != '"')
			break;
		if (length == NAMEDATALEN - 1)
			scan_error(scan, "a name of at most 63 bytes");
		name[length++] = *scan->at++;
	}
	if (length == 0)
		scan_error(scan, "a name that is not empty");
	return pnstrdup(name, length);
}

#define COLUMNS_STEP 16

static void
scan_columns(OptionScan *scan, PluginTable *table)
{
	scan_expect(scan, '(', "\"(\"");
	if (scan_accept(scan, ')'))
		return;
	do
	{
		char *column = scan_name(scan);

		if (plugin_options_has_column(table, column))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("invalid value for goldpan option \"tables\""),
							errdetail("Column \"%s\" of table \"%s\".\"%s\" is listed twice.",
									  column, table->schema, table->name)));
		if (table->ncolumns == 0)
			table->columns = palloc(COLUMNS_STEP * sizeof(char *));
		else if (table->ncolumns % COLUMNS_STEP == 0)
			table->columns =
				repalloc(table->columns, (table->ncolumns + COLUMNS_STEP) * sizeof(char *));
		table->columns[table->ncolumns++] = column;
	} while (scan_accept(scan, ','));
	scan_expect(scan, ')', "\",\" or \")\"");
}

static void
parse_tables(const char *name, const char *value, PluginOptions *result)
{
	OptionScan scan = {value, value};
	List *tables = NIL;
	ListCell *cell;

	(void) name;
	do
	{
		PluginTable *table = palloc0(sizeof(PluginTable));

		table->schema = scan_name(&scan);
		scan_expect(&scan, '.', "\".\"");
		table->name = scan_name(&scan);
		scan_columns(&scan, table);
		tables = lappend(tables, table);
	} while (scan_accept(&scan, ','));
	scan_spaces(&scan);
	if (*scan.at != '\0')
		scan_error(&scan, "\",\" or the end");

	result->tables = palloc(sizeof(PluginTable) * list_length(tables));
	foreach (cell, tables)
	{
		PluginTable *table = lfirst(cell);

		if (plugin_options_find(result, table->schema, table->name) != NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("invalid value for goldpan option \"tables\""),
							errdetail("Table \"%s\".\"%s\" is listed twice.", table->schema,
									  table->name)));
		result->tables[result->ntables++] = *table;
	}
	list_free(tables);
}
