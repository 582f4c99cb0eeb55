/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_rows_print.c — the rows of a table as values in force, as the manual's section and as
 * the sample file.
 *
 * Text in quotes is escaped as libconfig reads it; what `show` prints loads again, but for
 * secrets.
 */
#include "conf/conf_priv.h"

#include <stdio.h>
#include <string.h>

static bool
print_quoted(Buffer *out, const char *text, Err *err)
{
	if (!buffer_append_byte(out, '"', err))
		return false;
	for (const char *c = text; *c != '\0'; c++)
	{
		if (((*c == '"' || *c == '\\') && !buffer_append_byte(out, '\\', err)))
			return false;
		if ((unsigned char) *c < 0x20 ? !buffer_printf(out, err, "\\x%02x", (unsigned char) *c)
									  : !buffer_append_byte(out, (uint8_t) *c, err))
			return false;
	}
	return buffer_append_byte(out, '"', err);
}

static bool
print_value(Buffer *out, const ConfRow *row, const char *text, Err *err)
{
	return conf_value_quoted(row) ? print_quoted(out, text, err)
								  : buffer_append_text(out, text, err);
}

/* ---- values in force ---- */

static bool
print_current(Buffer *out, const ConfRow *row, const char *group, const char *indent, Err *err)
{
	char text[CONF_VALUE_SIZE];
	const char *value = NULL;
	int64_t number;

	if (!buffer_printf(out, err, "%s%s = ", indent, row->name))
		return false;
	if (row->type == CONF_ROW_TEXT || row->type == CONF_ROW_PATH ||
		row->type == CONF_ROW_SECRET_FILE)
	{
		value = *(const char *const *) (const void *) (group + row->offset);
		if (value == NULL)
			value = "";
		else if ((row->flags & CONF_SECRET) != 0)
			value = "********";
	}
	else
	{
		number = row->type == CONF_ROW_BOOLEAN
					 ? *(const bool *) (const void *) (group + row->offset)
					 : *(const int64_t *) (const void *) (group + row->offset);
		value = conf_value_format(row, number, text);
	}
	return print_value(out, row, value, err) && buffer_append_text(out, ";\n", err);
}

static bool
print_current_list(Buffer *out, const ConfSection *section, const char *values, Err *err)
{
	const ConfList *list = (const ConfList *) (const void *) (values + section->list_offset);
	const char *dot = strrchr(section->name, '.');
	const char *outer = dot != NULL ? "\t" : "";

	if (!buffer_printf(out, err, "%s%s =\n%s(\n", outer, dot != NULL ? dot + 1 : section->name,
					   outer))
		return false;
	for (size_t i = 0; i < list->count; i++)
	{
		if (!buffer_printf(out, err, "%s\t{\n", outer))
			return false;
		for (size_t j = 0; j < section->nrows; j++)
		{
			if (!print_current(out, &section->rows[j],
							   (const char *) list->items + i * section->list_size,
							   dot != NULL ? "\t\t\t" : "\t\t", err))
				return false;
		}
		if (!buffer_printf(out, err, "%s\t}%s\n", outer, i + 1 < list->count ? "," : ""))
			return false;
	}
	return buffer_printf(out, err, "%s);\n", outer);
}

/* Lists inside a group ("kafka.options") follow their group in the table. */
static bool
print_is_inner(const ConfSection *section, const ConfSection *outer)
{
	size_t length = strlen(outer->name);

	return length > 0 && strncmp(section->name, outer->name, length) == 0 &&
		   section->name[length] == '.';
}

bool
conf_rows_show(const ConfTable *table, const void *values, Buffer *out, Err *err)
{
	for (size_t i = 0; i < table->nsections; i++)
	{
		const ConfSection *section = &table->sections[i];
		bool top = section->name[0] == '\0';

		if (section->list_size != 0)
		{
			if (!print_current_list(out, section, values, err))
				return false;
			continue;
		}
		if (!top && !buffer_printf(out, err, "%s:\n{\n", section->name))
			return false;
		for (size_t j = 0; j < section->nrows; j++)
		{
			if (!print_current(out, &section->rows[j], values, top ? "" : "\t", err))
				return false;
		}
		while (i + 1 < table->nsections && print_is_inner(&table->sections[i + 1], section))
		{
			if (!print_current_list(out, &table->sections[++i], values, err))
				return false;
		}
		if (!top && !buffer_append_text(out, "};\n", err))
			return false;
	}
	return true;
}

/* ---- the manual's section ---- */

/* scdoc reads *, _, \ and a few more as markup. */
static bool
print_scdoc(Buffer *out, const char *text, Err *err)
{
	for (const char *c = text; *c != '\0'; c++)
	{
		if (strchr("*_\\<>#~`[]|", *c) != NULL && !buffer_append_byte(out, '\\', err))
			return false;
		if (!buffer_append_byte(out, (uint8_t) *c, err))
			return false;
	}
	return true;
}

static bool
print_facts(Buffer *out, const ConfRow *row, Err *err)
{
	static const char *const types[] = {"boolean", "whole number", "duration", "size",
										"text",	   "path",		   "one of",   "path of a file"};

	if (!buffer_append_text(out, types[row->type], err))
		return false;
	for (size_t i = 0; row->type == CONF_ROW_CHOICE && row->choices[i] != NULL; i++)
	{
		if (!buffer_append_text(out, i > 0 ? ", \"" : " \"", err) ||
			!print_scdoc(out, row->choices[i], err) || !buffer_append_byte(out, '"', err))
			return false;
	}
	if (row->minimum != NULL && row->maximum != NULL &&
		!buffer_printf(out, err, ", %s to %s", row->minimum, row->maximum))
		return false;
	if ((row->flags & CONF_REQUIRED) != 0)
		return buffer_append_text(out, "; required", err);
	if (row->fallback != NULL &&
		(!buffer_append_text(out, "; default ", err) || !print_scdoc(out, row->fallback, err)))
		return false;
	return (row->flags & CONF_RELOADABLE) == 0 ||
		   buffer_append_text(out, "; read again at SIGHUP", err);
}

bool
conf_rows_manual(const ConfTable *table, Buffer *out, Err *err)
{
	for (size_t i = 0; i < table->nsections; i++)
	{
		const ConfSection *section = &table->sections[i];

		if (!buffer_printf(out, err, "## %s%s\n\n",
						   section->name[0] != '\0' ? section->name : "At the top",
						   section->list_size != 0 ? " (list of groups)" : "") ||
			!print_scdoc(out, section->doc, err) || !buffer_append_text(out, "\n\n", err))
			return false;
		for (size_t j = 0; j < section->nrows; j++)
		{
			const ConfRow *row = &section->rows[j];

			if (!buffer_append_byte(out, '*', err) || !print_scdoc(out, row->name, err) ||
				!buffer_append_text(out, "* (", err) || !print_facts(out, row, err) ||
				!buffer_append_text(out, ")\n\t", err) || !print_scdoc(out, row->doc, err) ||
				!buffer_append_text(out, "\n\n", err))
				return false;
		}
	}
	return true;
}

/* ---- the sample file ---- */

static bool
print_sample_row(Buffer *out, const ConfRow *row, const char *indent, Err *err)
{
	const char *value = row->sample != NULL ? row->sample : row->fallback;
	bool shown = (row->flags & (CONF_REQUIRED | CONF_SHOWN)) != 0;

	return buffer_printf(out, err, "%s// %s\n%s%s%s = ", indent, row->doc, indent,
						 shown ? "" : "// ", row->name) &&
		   print_value(out, row, value != NULL ? value : "", err) &&
		   buffer_append_text(out, ";\n", err);
}

static bool
print_sample_rows(Buffer *out, const ConfSection *section, const char *indent, Err *err)
{
	for (size_t i = 0; i < section->nrows; i++)
	{
		if (!print_sample_row(out, &section->rows[i], indent, err))
			return false;
	}
	return true;
}

/* A list inside a group is an example in comments; a list at the top is a real one. */
static bool
print_sample_inner(Buffer *out, const ConfSection *section, Err *err)
{
	if (!buffer_printf(out, err, "\t// %s\n\t// %s = ( { ", section->doc,
					   strrchr(section->name, '.') + 1))
		return false;
	for (size_t i = 0; i < section->nrows; i++)
	{
		const ConfRow *row = &section->rows[i];

		if (!buffer_printf(out, err, "%s = ", row->name) ||
			!print_value(out, row, row->sample != NULL ? row->sample : "", err) ||
			!buffer_append_text(out, "; ", err))
			return false;
	}
	return buffer_append_text(out, "} );\n", err);
}

bool
conf_rows_sample(const ConfTable *table, Buffer *out, Err *err)
{
	bool ok = buffer_append_text(
		out,
		"// goldpan.conf: settings of goldpan, see goldpan.conf(5). Relative paths are relative "
		"to\n"
		"// this file. Durations: \"500 ms\", \"10 s\", \"5 min\"; sizes: \"64 MiB\"; plain "
		"numbers are\n"
		"// seconds and bytes. What is in comments shows the default or an example.\n",
		err);

	for (size_t i = 0; ok && i < table->nsections; i++)
	{
		const ConfSection *section = &table->sections[i];
		bool top = section->name[0] == '\0';
		bool list = section->list_size != 0;

		ok = buffer_printf(out, err, "\n// %s\n", section->doc);
		if (ok && !top)
			ok = buffer_printf(out, err, list ? "%s =\n(\n\t{\n" : "%s:\n{\n", section->name);
		ok = ok && print_sample_rows(out, section, top ? "" : list ? "\t\t" : "\t", err);
		while (ok && i + 1 < table->nsections && print_is_inner(&table->sections[i + 1], section))
			ok = print_sample_inner(out, &table->sections[++i], err);
		if (ok && !top)
			ok = buffer_append_text(out, list ? "\t}\n);\n" : "};\n", err);
	}
	return ok;
}
