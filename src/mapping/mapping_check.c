/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_check.c — what must hold between the parts of a mapping file.
 *
 * Needs no database: keys, duplicate targets, sources and tables that would collide,
 * steps that cannot follow each other, values that a field does not allow. The checks
 * that need a catalog are in mapping_catalog.
 */
#include "mapping/mapping_priv.h"

#include <string.h>

/* ---- kinds through the steps ---- */

static bool
mapping_check_is_number(CellKind kind)
{
	return kind == CELL_INTEGER || kind == CELL_NUMERIC || kind == CELL_DECIMAL ||
		   kind == CELL_FLOAT;
}

static const char *
mapping_check_cure(CellKind kind, FieldType type)
{
	switch (type)
	{
		case FIELD_TIMESTAMP:
			if (mapping_check_is_number(kind))
				return "Add { do = \"epoch\"; unit = \"ms\"; } to \"apply\".";
			return "Add { do = \"timestamp\"; zone = \"Europe/Berlin\"; } to \"apply\".";
		case FIELD_DATE:
			if (kind == CELL_INSTANT)
				return "Add { do = \"date\"; zone = \"Europe/Berlin\"; } to \"apply\".";
			if (kind == CELL_TEXT || kind == CELL_TIMESTAMP)
				return "Add { do = \"date\"; } to \"apply\".";
			return "";
		case FIELD_INT:
		case FIELD_LONG:
		case FIELD_DOUBLE:
		case FIELD_DECIMAL:
			if (kind == CELL_TEXT || kind == CELL_FLOAT)
				return "Add { do = \"number\"; } to \"apply\".";
			return "";
		case FIELD_BOOLEAN:
			if (kind == CELL_TEXT || kind == CELL_INTEGER)
				return "Add { do = \"boolean\"; } to \"apply\".";
			return "";
		default:
			return "";
	}
}

/* The kind that several columns have together after a first concatenate or coalesce. */
static CellKind
mapping_check_first_kind(const MappingField *field, const uint8_t *kinds)
{
	CellKind kind = kinds[0];

	for (size_t i = 1; i < field->nfrom; i++)
		if (kinds[i] == CELL_ANY || kind == CELL_ANY)
			kind = CELL_ANY;
		else if (kinds[i] != kind)
			kind = kinds[i] == CELL_BYTES || kind == CELL_BYTES ? CELL_BYTES : CELL_TEXT;
	return kind;
}

static bool
mapping_check_needs_zone(const MappingStep *step, CellKind kind)
{
	bool has_time;
	bool has_offset = false;

	if (step->zone_name != NULL)
		return false;
	if (step->kind == STEP_DATE)
		return kind == CELL_INSTANT;
	if (step->kind != STEP_TIMESTAMP)
		return false;
	if (kind == CELL_TEXT)
		return step->text != NULL &&
			   mapping_date_check_format(step->text, &has_time, &has_offset) == NULL && !has_offset;
	return kind == CELL_TIMESTAMP || kind == CELL_DATE;
}

static CellKind
mapping_check_result(const MappingStep *step, CellKind kind)
{
	CellKind gives = mapping_step_rows[step->kind].gives;

	if (step->kind == STEP_CONSTANT || (step->kind == STEP_DEFAULT && kind == CELL_NULL))
		return step->constant.kind;
	return kind == CELL_NULL || gives == CELL_ANY ? kind : gives;
}

/* What is wrong with a step that gets this kind, or NULL. */
static const char *
mapping_check_step(MappingReader *reader, const MappingStep *step, CellKind kind, const char **cure)
{
	const StepRow *row = &mapping_step_rows[step->kind];

	*cure = "";
	if (kind == CELL_ANY || kind == CELL_NULL)
		return NULL;
	if ((row->accepts & (1u << kind)) == 0)
		return mapping_problem_text(reader, "step \"%s\" cannot take %s", row->name,
									mapping_types_name(kind));
	if (mapping_check_needs_zone(step, kind))
	{
		*cure = "Add zone = \"Europe/Berlin\": the zone that this clock shows.";
		return mapping_problem_text(reader, "step \"%s\" of %s needs \"zone\"", row->name,
									mapping_types_name(kind));
	}
	if (step->kind == STEP_DEFAULT && step->constant.kind != kind &&
		step->constant.kind != CELL_NULL &&
		!(mapping_check_is_number(kind) && step->constant.kind == CELL_INTEGER))
	{
		*cure = "Give a value of that type, or put the default before the step that makes it.";
		return mapping_problem_text(reader, "default is %s where the value is %s",
									mapping_types_name(step->constant.kind),
									mapping_types_name(kind));
	}
	return NULL;
}

const char *
mapping_check_types(MappingReader *reader, const MappingTable *table, const MappingField *field,
					const uint8_t *kinds, int *line, const char **cure)
{
	FieldType type = table->entity->fields[field->target].type;
	CellKind kind = field->nfrom == 0 ? CELL_NULL : mapping_check_first_kind(field, kinds);
	CellKind seen = kind;

	for (size_t i = 0; i < field->nsteps; i++)
	{
		const MappingStep *step = &field->steps[i];
		const char *wrong = mapping_check_step(reader, step, kind, cure);

		*line = step->line;
		if (wrong != NULL)
			return wrong;
		kind = mapping_check_result(step, kind);
		seen = kind;
	}
	*line = field->line;
	*cure = mapping_check_cure(seen, type);
	if (mapping_types_convertible(kind, type))
		return NULL;
	return mapping_problem_text(reader, "%s cannot become %s", mapping_types_name(kind),
								mapping_types_field_name(type));
}

/* ---- fields ---- */

static void
mapping_check_columns_of_field(MappingReader *reader, const MappingTable *table,
							   const MappingField *field, const char *name)
{
	StepKind first = field->nsteps > 0 ? field->steps[0].kind : STEP_KINDS;

	if (field->nfrom == 0 && first != STEP_CONSTANT)
		mapping_problem_add(reader, field->line,
							"Add from = \"column\", or { do = \"constant\"; value = \"…\"; } as "
							"the first step.",
							"table \"%s.%s\": field \"%s\" has no source column", table->schema,
							table->name, name);
	if (field->nfrom > 0 && first == STEP_CONSTANT)
		mapping_problem_add(reader, field->line, "Write from = [].",
							"table \"%s.%s\": field \"%s\" is a constant and needs no column",
							table->schema, table->name, name);
	if (field->nfrom > 1 && first != STEP_CONCATENATE && first != STEP_COALESCE)
		mapping_problem_add(reader, field->line,
							"Make { do = \"concatenate\"; separator = \" \"; } or { do = "
							"\"coalesce\"; } the first step.",
							"table \"%s.%s\": field \"%s\" has several columns and no step that "
							"joins them",
							table->schema, table->name, name);
	for (size_t i = 1; i < field->nsteps; i++)
		if (field->steps[i].kind == STEP_CONSTANT)
			mapping_problem_add(reader, field->steps[i].line,
								"Use { do = \"default\"; } for a value that stands in for null.",
								"table \"%s.%s\": field \"%s\": constant must be the first step",
								table->schema, table->name, name);
}

static bool
mapping_check_allowed(const CanonicalField *field, const char *text)
{
	for (unsigned i = 0; i < field->nallowed; i++)
		if (strcmp(field->allowed[i], text) == 0)
			return true;
	return false;
}

/* The allowed values as a NULL terminated list. */
static const char *const *
mapping_check_allowed_list(MappingReader *reader, const CanonicalField *field)
{
	const char **list = mapping_problem_alloc(reader, (field->nallowed + 1u) * sizeof(char *));

	for (unsigned i = 0; list != NULL && i < field->nallowed; i++)
		list[i] = field->allowed[i];
	return list;
}

static void
mapping_check_value(MappingReader *reader, const CanonicalField *field, int line, const char *from,
					const char *text)
{
	const char *reason;
	const char *const *allowed;

	if (field->nallowed > 0 && !mapping_check_allowed(field, text))
	{
		allowed = mapping_check_allowed_list(reader, field);
		if (allowed != NULL)
			mapping_problem_add(reader, line, mapping_problem_suggest(reader, text, allowed),
								"%s: field \"%s\" does not allow the value \"%s\"", from,
								field->name, text);
		return;
	}
	if (field->format == NULL)
		return;
	reason = mapping_codes_check(mapping_codes_format(field->format), text, strlen(text));
	if (reason != NULL)
		mapping_problem_add(reader, line, "", "%s: value \"%s\" of field \"%s\": %s", from, text,
							field->name, reason);
}

/* Values that the file itself gives to a field by its last step. */
static void
mapping_check_values(MappingReader *reader, const MappingField *field, const CanonicalField *target)
{
	const MappingStep *last = field->nsteps > 0 ? &field->steps[field->nsteps - 1] : NULL;
	const Picklist *picklist;

	if (last == NULL || target->type != FIELD_STRING)
		return;
	if ((last->kind == STEP_CONSTANT || last->kind == STEP_DEFAULT) &&
		last->constant.kind == CELL_TEXT)
		mapping_check_value(reader, target, last->line, mapping_step_rows[last->kind].name,
							last->constant.as.text);
	picklist = last->kind == STEP_PICKLIST ? last->picklist : NULL;
	if (picklist == NULL)
		return;
	for (size_t i = 0; i < picklist->nvalues; i++)
		if (picklist->values[i].to != NULL)
			mapping_check_value(reader, target, picklist->values[i].line,
								mapping_problem_text(reader, "picklist \"%s\"", picklist->name),
								picklist->values[i].to);
	if (picklist->fallback != NULL)
		mapping_check_value(reader, target, picklist->line,
							mapping_problem_text(reader, "picklist \"%s\"", picklist->name),
							picklist->fallback);
}

static void
mapping_check_field(MappingReader *reader, const MappingTable *table, size_t index)
{
	const MappingField *field = &table->fields[index];
	const CanonicalField *target = &table->entity->fields[field->target];
	uint8_t kinds[MAPPING_MAX_STEPS];
	const char *cure;
	const char *wrong;
	int line;

	for (size_t i = 0; i < index; i++)
		if (table->fields[i].target == field->target)
		{
			mapping_problem_add(
				reader, field->line,
				"Keep one of the two; { do = \"coalesce\"; } reads several columns.",
				"table \"%s.%s\": field \"%s\" is mapped twice, first at line %d", table->schema,
				table->name, target->name, table->fields[i].line);
			break;
		}
	if (field->required && field->null_when_bad)
		mapping_problem_add(reader, field->line,
							"Keep required = true with on_bad = \"reject\", or drop it.",
							"table \"%s.%s\": field \"%s\" is required, but a bad value shall make "
							"it null",
							table->schema, table->name, target->name);
	mapping_check_columns_of_field(reader, table, field, target->name);
	mapping_check_values(reader, field, target);
	memset(kinds, CELL_ANY, sizeof(kinds));
	wrong = mapping_check_types(reader, table, field, kinds, &line, &cure);
	if (wrong != NULL)
		mapping_problem_add(reader, line, cure, "table \"%s.%s\": field \"%s\": %s", table->schema,
							table->name, target->name, wrong);
}

/* ---- tables and sources ---- */

static void
mapping_check_table(MappingReader *reader, const MappingTable *table)
{
	if (table->nkey == 0)
		mapping_problem_add(reader, table->key_line,
							"Add key = [ \"id\" ]: the columns of the primary key.",
							"table \"%s.%s\" has no key", table->schema, table->name);
	for (size_t i = 0; i < table->nkey; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(table->key[i], table->key[j]) == 0)
				mapping_problem_add(reader, table->key_line, "",
									"table \"%s.%s\": key names column \"%s\" twice", table->schema,
									table->name, table->key[i]);
	if (table->entity == NULL)
		return;
	if (table->nfields == 0)
		mapping_problem_add(reader, table->line, "Add fields = ( { to = \"…\"; from = \"…\"; } ).",
							"table \"%s.%s\" maps no field", table->schema, table->name);
	for (size_t i = 0; i < table->nfields; i++)
		mapping_check_field(reader, table, i);
}

static bool
mapping_check_is_prefix(const char *a, const char *b)
{
	return strncmp(a, b, strlen(a)) == 0;
}

/* Two tables of one source with one entity must have ids that cannot meet. */
static void
mapping_check_collisions(MappingReader *reader, const MappingSource *source)
{
	for (size_t i = 0; i < source->ntables; i++)
		for (size_t j = 0; j < i; j++)
		{
			const MappingTable *table = &source->tables[i];
			const MappingTable *first = &source->tables[j];

			if (table->entity == NULL || table->entity != first->entity)
				continue;
			/* an empty text is a prefix of every other */
			if (!mapping_check_is_prefix(table->discriminator, first->discriminator) &&
				!mapping_check_is_prefix(first->discriminator, table->discriminator))
				continue;
			mapping_problem_add(reader, table->line,
								mapping_problem_text(reader,
													 "Give each a discriminator of its own, such "
													 "as \"%s:\"; none may be the beginning of "
													 "another.",
													 table->name),
								"tables \"%s.%s\" and \"%s.%s\" (line %d) of source \"%s\" both "
								"give \"%s\" with ids that can collide",
								table->schema, table->name, first->schema, first->name, first->line,
								source->name, table->entity_name);
			break;
		}
}

static bool
mapping_check_is_system_name(const char *name)
{
	size_t length = strlen(name);

	return length <= 40 &&
		   strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
			   length;
}

static void
mapping_check_source(MappingReader *reader, size_t index)
{
	const Mapping *mapping = reader->mapping;
	const MappingSource *source = &mapping->sources[index];

	if (!mapping_check_is_system_name(source->name))
		mapping_problem_add(reader, source->line,
							"Use at most 40 letters, digits, \"_\", \"-\" and \".\".",
							"source \"%s\": the name cannot be part of an event id", source->name);
	for (size_t i = 0; i < index; i++)
		if (source->name[0] != '\0' && strcmp(mapping->sources[i].name, source->name) == 0)
			mapping_problem_add(reader, source->line, "Put all its tables into one source.",
								"source \"%s\" exists already, at line %d", source->name,
								mapping->sources[i].line);
	for (size_t i = 0; i < mapping->nsystems; i++)
		if (strcmp(mapping->systems[i].name, source->name) == 0)
			mapping_problem_add(
				reader, mapping->systems[i].line, "\"systems\" lists owners that are no source.",
				"system \"%s\" is a source, at line %d", source->name, source->line);
	if (source->ntables == 0)
		mapping_problem_add(reader, source->line,
							"Add tables = ( … ), or list it in \"systems\" if it only owns fields.",
							"source \"%s\" maps no table", source->name);
	for (size_t i = 0; i < source->ntables; i++)
		mapping_check_table(reader, &source->tables[i]);
	mapping_check_collisions(reader, source);
}

void
mapping_check_structure(MappingReader *reader)
{
	if (reader->mapping->nsources == 0)
		mapping_problem_add(reader, 0, "Add sources = ( { name = \"crm\"; tables = ( … ); } ).",
							"the mapping names no source");
	for (size_t i = 0; i < reader->mapping->nsources; i++)
		mapping_check_source(reader, i);
}
