/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_show.c — the mapping as the table that a data steward reviews.
 *
 * Eight columns, one line per mapped field, the key of each table first. Markdown for
 * reading, CSV (RFC 4180, with a header, formulas defused) for spreadsheets.
 */
#include "mapping/mapping_priv.h"

#include <string.h>

#define SHOW_COLUMNS 8

static const char *const mapping_show_titles[SHOW_COLUMNS] = {
	"source system",  "source field", "target system", "target field",
	"transformation", "required",	  "conflict rule", "direction"};

static bool
mapping_show_markdown_cell(const char *text, Buffer *out, Err *err)
{
	for (; *text != '\0'; text++)
	{
		bool ok = *text == '|'	  ? buffer_append_text(out, "\\|", err)
				  : *text == '\n' ? buffer_append_text(out, " ", err)
								  : buffer_append_byte(out, (uint8_t) *text, err);

		if (!ok)
			return false;
	}
	return true;
}

static bool
mapping_show_csv_cell(const char *text, Buffer *out, Err *err)
{
	bool formula = strchr("=+-@", text[0]) != NULL && text[0] != '\0';

	if (!formula && strpbrk(text, ",\"\r\n") == NULL)
		return buffer_append_text(out, text, err);
	if (!buffer_append_text(out, formula ? "\"'" : "\"", err))
		return false;
	for (; *text != '\0'; text++)
		if ((*text == '"' && !buffer_append_byte(out, '"', err)) ||
			!buffer_append_byte(out, (uint8_t) *text, err))
			return false;
	return buffer_append_byte(out, '"', err);
}

static bool
mapping_show_row(const char *const cells[SHOW_COLUMNS], ShowFormat format, Buffer *out, Err *err)
{
	for (int i = 0; i < SHOW_COLUMNS; i++)
	{
		const char *before =
			format == SHOW_MARKDOWN ? (i == 0 ? "| " : " | ") : (i == 0 ? "" : ",");

		if (!buffer_append_text(out, before, err))
			return false;
		if (!(format == SHOW_MARKDOWN ? mapping_show_markdown_cell(cells[i], out, err)
									  : mapping_show_csv_cell(cells[i], out, err)))
			return false;
	}
	return buffer_append_text(out, format == SHOW_MARKDOWN ? " |\n" : "\r\n", err);
}

static bool
mapping_show_header(ShowFormat format, Buffer *out, Err *err)
{
	if (!mapping_show_row(mapping_show_titles, format, out, err))
		return false;
	return format != SHOW_MARKDOWN ||
		   buffer_append_text(out, "|---|---|---|---|---|---|---|---|\n", err);
}

/* "public.Contact: first name, last name" */
static bool
mapping_show_columns(const MappingTable *table, const char *const *names, size_t count, Buffer *out,
					 Err *err)
{
	if (count == 0)
		return buffer_append_text(out, "(constant)", err);
	if (!buffer_printf(out, err, "%s.%s: ", table->schema, table->name))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!buffer_printf(out, err, "%s%s", i > 0 ? ", " : "", names[i]))
			return false;
	return true;
}

static bool
mapping_show_steps(const MappingField *field, Buffer *out, Err *err)
{
	for (size_t i = 0; i < field->nsteps; i++)
	{
		if (i > 0 && !buffer_append_text(out, "; ", err))
			return false;
		if (!mapping_steps_print(&field->steps[i], out, err))
			return false;
	}
	if (field->null_when_bad)
		return buffer_printf(out, err, "%sa bad value becomes null", field->nsteps > 0 ? "; " : "");
	return field->nsteps > 0 || buffer_append_text(out, "as it is", err);
}

/* Three texts for one row are built in one buffer, each closed by a zero. */
static bool
mapping_show_field(const MappingTable *table, const MappingField *field, ShowFormat format,
				   Buffer *scratch, Buffer *out, Err *err)
{
	const OwnershipRule *rule =
		mapping_ownership_rule(table->mapping, table->entity, field->target);
	size_t target;
	size_t steps;
	size_t conflict;
	const char *text;

	buffer_clear(scratch);
	if (!mapping_show_columns(table, field->from, field->nfrom, scratch, err) ||
		!buffer_append_byte(scratch, 0, err))
		return false;
	target = scratch->length;
	if (!buffer_printf(scratch, err, "%s.%s", table->entity->name,
					   table->entity->fields[field->target].name) ||
		!buffer_append_byte(scratch, 0, err))
		return false;
	steps = scratch->length;
	if (!mapping_show_steps(field, scratch, err) || !buffer_append_byte(scratch, 0, err))
		return false;
	conflict = scratch->length;
	if (!(rule == NULL ? buffer_append_text(scratch, "(no owner)", err)
					   : buffer_printf(scratch, err, "%s: %s",
									   mapping_ownership_rule_name(rule->rule), rule->owner)) ||
		!buffer_append_byte(scratch, 0, err))
		return false;
	text = (const char *) scratch->data;
	return mapping_show_row(
		(const char *const[SHOW_COLUMNS]){
			table->source, text, "canonical", text + target, text + steps,
			field->required ? "yes" : "no", text + conflict,
			rule == NULL ? "" : mapping_ownership_direction_name(rule->direction)},
		format, out, err);
}

static bool
mapping_show_key(const MappingTable *table, ShowFormat format, Buffer *scratch, Buffer *out,
				 Err *err)
{
	size_t target;
	size_t steps;
	const char *text;

	buffer_clear(scratch);
	if (!mapping_show_columns(table, table->key, table->nkey, scratch, err) ||
		!buffer_append_byte(scratch, 0, err))
		return false;
	target = scratch->length;
	if (!buffer_printf(scratch, err, "%s.id", table->entity->name) ||
		!buffer_append_byte(scratch, 0, err))
		return false;
	steps = scratch->length;
	if (!buffer_printf(scratch, err, "key%s%s%s", table->nkey > 1 ? ", joined with /" : "",
					   table->discriminator[0] != '\0' ? ", after " : "", table->discriminator) ||
		!buffer_append_byte(scratch, 0, err))
		return false;
	text = (const char *) scratch->data;
	return mapping_show_row((const char *const[SHOW_COLUMNS]){table->source, text, "canonical",
															  text + target, text + steps, "yes",
															  "key", "source_to_canonical"},
							format, out, err);
}

static bool
mapping_show_table(const MappingTable *table, ShowFormat format, Buffer *scratch, Buffer *out,
				   Err *err)
{
	if (table->entity == NULL)
		return true;
	if (!mapping_show_key(table, format, scratch, out, err))
		return false;
	for (size_t i = 0; i < table->nfields; i++)
		if (!mapping_show_field(table, &table->fields[i], format, scratch, out, err))
			return false;
	return true;
}

bool
mapping_show(const Mapping *mapping, ShowFormat format, Buffer *out, Err *err)
{
	Buffer scratch;
	bool ok;

	buffer_init(&scratch, (size_t) 1 << 20);
	ok = mapping_show_header(format, out, err);
	for (size_t i = 0; ok && i < mapping->nsources; i++)
		for (size_t j = 0; ok && j < mapping->sources[i].ntables; j++)
			ok = mapping_show_table(&mapping->sources[i].tables[j], format, &scratch, out, err);
	buffer_release(&scratch);
	return ok;
}
