/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_rows.c — fills a struct from a settings file by the rows of a table.
 *
 * Defaults first, then what the file says. Every key in the file must be a row (so that a
 * mistyped name is an error and not a silent default), and every row is looked up. The
 * first mistake ends the reading: it names file and line, what is wrong and what
 * would be right.
 */
#include "conf/conf_priv.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "goldpan/conf_file.h"

#define ROWS_NAMES 128

typedef struct RowsLoad
{
	const ConfTable *table;
	const ConfFile *file;
	char folder[4096];
	Arena *arena;
	char *target;
	Err *err;
} RowsLoad;

/* ---- values ---- */

static const char *
rows_wanted(const ConfRow *row, char text[256])
{
	static const char *const wanted[] = {
		[CONF_ROW_BOOLEAN] = "true or false",
		[CONF_ROW_INTEGER] = "a whole number",
		[CONF_ROW_DURATION] = "a duration such as \"10 s\", \"500 ms\" or \"5 min\"",
		[CONF_ROW_SIZE] = "a size such as \"64 MiB\" or \"16 kB\"",
		[CONF_ROW_TEXT] = "a text in quotes",
		[CONF_ROW_PATH] = "a path in quotes",
		[CONF_ROW_CHOICE] = "one of",
		[CONF_ROW_SECRET_FILE] = "the path of a file in quotes",
	};
	size_t used = (size_t) snprintf(text, 256, "%s", wanted[row->type]);

	for (size_t i = 0; row->type == CONF_ROW_CHOICE && row->choices[i] != NULL && used < 256; i++)
		used += (size_t) snprintf(text + used, 256 - used, "%s \"%s\"", i > 0 ? "," : "",
								  row->choices[i]);
	if (row->minimum != NULL && row->maximum != NULL && used < 256)
		(void) snprintf(text + used, 256 - used, ", from %s to %s", row->minimum, row->maximum);
	return text;
}

static bool
rows_bad_value(const RowsLoad *load, const ConfNode *node, const ConfRow *row, const char *given)
{
	char wanted[256];

	(void) conf_node_error(load->file, node, load->err, "invalid value %s", given);
	return err_hint(load->err, "Give %s.", rows_wanted(row, wanted));
}

static void
rows_store_number(const ConfRow *row, char *group, int64_t value)
{
	if (row->type == CONF_ROW_BOOLEAN)
		*(bool *) (void *) (group + row->offset) = value != 0;
	else
		*(int64_t *) (void *) (group + row->offset) = value;
}

static bool
rows_store_text(const RowsLoad *load, const ConfRow *row, char *group, const char *text)
{
	const char *stored = NULL;

	if (text[0] == '\0')
		stored = NULL;
	else if (row->type == CONF_ROW_TEXT || text[0] == '/')
		stored = arena_text(load->arena, text, strlen(text), load->err);
	else
		stored = arena_printf(load->arena, load->err, "%s/%s", load->folder, text);
	if (text[0] != '\0' && stored == NULL)
		return false;
	if (row->type == CONF_ROW_SECRET_FILE && stored != NULL)
	{
		stored = conf_secret_read(stored, load->arena, load->err);
		if (stored == NULL)
			return err_context(load->err, "setting \"%s\"", row->name);
	}
	*(const char **) (void *) (group + row->offset) = stored;
	return true;
}

static bool
rows_in_range(const ConfRow *row, int64_t value)
{
	int64_t bound;

	if (row->minimum != NULL && conf_value_parse(row, row->minimum, &bound) && value < bound)
		return false;
	return row->maximum == NULL || !conf_value_parse(row, row->maximum, &bound) || value <= bound;
}

/* The node's value as text; false when it has none that a row could take. */
static bool
rows_text_of(const ConfNode *node, char *text, size_t size)
{
	ConfKind kind = conf_node_kind(node);

	if (kind == CONF_TEXT)
		return (size_t) snprintf(text, size, "%s", conf_node_text(node)) < size;
	if (kind == CONF_INTEGER)
		(void) snprintf(text, size, "%lld", (long long) conf_node_integer(node));
	else if (kind == CONF_BOOLEAN)
		(void) snprintf(text, size, "%s", conf_node_boolean(node) ? "true" : "false");
	else
		(void) snprintf(text, size, "(%s)", conf_kind_name(kind));
	return kind == CONF_INTEGER || kind == CONF_BOOLEAN;
}

static bool
rows_load_value(const RowsLoad *load, const ConfNode *node, const ConfRow *row, char *group)
{
	ConfKind kind = conf_node_kind(node);
	char text[4096];
	char given[512];
	bool known = rows_text_of(node, text, sizeof(text));
	int64_t value;

	(void) snprintf(given, sizeof(given), kind == CONF_TEXT ? "\"%.400s\"" : "%.400s", text);
	if (!known)
		return rows_bad_value(load, node, row, given);
	if (row->type == CONF_ROW_TEXT || row->type == CONF_ROW_PATH ||
		row->type == CONF_ROW_SECRET_FILE)
	{
		if (kind != CONF_TEXT || (text[0] == '\0' && (row->flags & CONF_REQUIRED) != 0))
			return rows_bad_value(load, node, row, given);
		return rows_store_text(load, row, group, text);
	}
	if (kind == CONF_TEXT ? !conf_value_quoted(row)
						  : (kind == CONF_BOOLEAN) != (row->type == CONF_ROW_BOOLEAN))
		return rows_bad_value(load, node, row, given);
	if (!conf_value_parse(row, text, &value) || !rows_in_range(row, value))
		return rows_bad_value(load, node, row, given);
	rows_store_number(row, group, value);
	return true;
}

/* ---- groups ---- */

/* The part of a section's name below `parent`, or NULL when it is not directly below. */
static const char *
rows_child_name(const ConfSection *parent, const ConfSection *section)
{
	size_t length = strlen(parent->name);
	const char *rest = section->name;

	if (length > 0)
	{
		if (strncmp(section->name, parent->name, length) != 0 || section->name[length] != '.')
			return NULL;
		rest = section->name + length + 1;
	}
	return rest[0] != '\0' && strchr(rest, '.') == NULL ? rest : NULL;
}

static bool
rows_check_names(const RowsLoad *load, const ConfNode *group, const ConfSection *section)
{
	const char *known[ROWS_NAMES + 1];
	size_t count = 0;

	for (size_t i = 0; i < section->nrows && count < ROWS_NAMES; i++)
		known[count++] = section->rows[i].name;
	for (size_t i = 0; i < load->table->nsections && count < ROWS_NAMES; i++)
	{
		const char *name = rows_child_name(section, &load->table->sections[i]);

		if (name != NULL)
			known[count++] = name;
	}
	known[count] = NULL;
	return conf_check_keys(load->file, group, known, load->err);
}

static bool
rows_defaults(const RowsLoad *load, const ConfSection *section, char *group)
{
	for (size_t i = 0; i < section->nrows; i++)
	{
		const ConfRow *row = &section->rows[i];
		int64_t value = 0;

		if (row->fallback == NULL)
			continue;
		if (row->type == CONF_ROW_TEXT || row->type == CONF_ROW_PATH)
		{
			if (!rows_store_text(load, row, group, row->fallback))
				return false;
			continue;
		}
		if (!conf_value_parse(row, row->fallback, &value))
			return err_set(load->err, ERR_CLASS_STOP, ERR_INTERNAL,
						   "default \"%s\" of setting \"%s\" cannot be read", row->fallback,
						   row->name);
		rows_store_number(row, group, value);
	}
	return true;
}

static bool
rows_missing(const RowsLoad *load, const ConfNode *group, const ConfSection *section,
			 const ConfRow *row)
{
	if (group != NULL)
		(void) conf_node_error(load->file, group, load->err, "setting \"%s\" is missing",
							   row->name);
	else
		(void) err_set(load->err, ERR_CLASS_USAGE, ERR_CONFIG, "%s: group \"%s\" is missing",
					   conf_file_path(load->file), section->name);
	return err_hint(load->err, "Add %s = \"%s\"; (%s)", row->name,
					row->sample != NULL ? row->sample : "", row->doc);
}

/* node may be NULL: the section is not in the file. */
static bool
rows_load_group(const RowsLoad *load, const ConfNode *node, const ConfSection *section, char *group)
{
	if (!rows_defaults(load, section, group))
		return false;
	if (node != NULL && conf_node_kind(node) != CONF_GROUP)
	{
		(void) conf_node_error(load->file, node, load->err, "it is %s where a group is needed",
							   conf_kind_name(conf_node_kind(node)));
		return err_hint(load->err, "Write { setting = value; … }.");
	}
	if (node != NULL && !rows_check_names(load, node, section))
		return false;
	for (size_t i = 0; i < section->nrows; i++)
	{
		const ConfRow *row = &section->rows[i];
		const ConfNode *value = node != NULL ? conf_node_member(node, row->name) : NULL;

		if (value != NULL)
		{
			if (!rows_load_value(load, value, row, group))
				return false;
		}
		else if ((row->flags & CONF_REQUIRED) != 0)
			return rows_missing(load, node, section, row);
	}
	return true;
}

static bool
rows_load_list(const RowsLoad *load, const ConfNode *node, const ConfSection *section)
{
	ConfList *list = (ConfList *) (void *) (load->target + section->list_offset);
	size_t count = node != NULL ? conf_node_count(node) : 0;

	if (node != NULL && conf_node_kind(node) != CONF_LIST)
	{
		(void) conf_node_error(load->file, node, load->err, "it is %s where a list is needed",
							   conf_kind_name(conf_node_kind(node)));
		return err_hint(load->err, "Write %s = ( { … }, { … } ); — %s", section->name,
						section->doc);
	}
	if (count < section->list_least || count > section->list_limit)
	{
		(void) err_set(load->err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "%s: list \"%s\" has %zu entries, %zu to %zu are possible",
					   conf_file_path(load->file), section->name, count, section->list_least,
					   section->list_limit);
		return err_hint(load->err, "Write %s = ( { … }, { … } ); — %s", section->name,
						section->doc);
	}
	list->count = count;
	list->items = arena_zero(load->arena, section->list_size * count + 1, load->err);
	if (list->items == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (!rows_load_group(load, conf_node_at(node, i), section,
							 (char *) list->items + section->list_size * i))
			return false;
	}
	return true;
}

/* The node of a section, "kafka.options", or NULL when the file lacks it. */
static const ConfNode *
rows_find(const ConfNode *root, const char *name)
{
	const ConfNode *node = root;
	char part[64];

	while (node != NULL && name[0] != '\0')
	{
		size_t length = strcspn(name, ".");

		(void) snprintf(part, sizeof(part), "%.*s", (int) length, name);
		node = conf_node_kind(node) == CONF_GROUP ? conf_node_member(node, part) : NULL;
		name += length + (name[length] == '.' ? 1 : 0);
	}
	return node;
}

static bool
rows_load_sections(const RowsLoad *load)
{
	for (size_t i = 0; i < load->table->nsections; i++)
	{
		const ConfSection *section = &load->table->sections[i];
		const ConfNode *node = rows_find(conf_file_root(load->file), section->name);
		bool ok = section->list_size == 0 ? rows_load_group(load, node, section, load->target)
										  : rows_load_list(load, node, section);

		if (!ok)
			return false;
	}
	return true;
}

bool
conf_rows_load(const ConfTable *table, const char *path, void *target, Arena *arena, Err *err)
{
	RowsLoad load = {.table = table, .arena = arena, .target = target, .err = err};
	char copy[4096];
	ConfFile *file;
	bool ok;

	if ((size_t) snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not read configuration file: the path is too long");
	(void) snprintf(load.folder, sizeof(load.folder), "%s", dirname(copy));
	file = conf_file_load(path, err);
	if (file == NULL)
		return false;
	load.file = file;
	ok = rows_load_sections(&load);
	conf_file_free(file);
	return ok;
}
