/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_catalog.c — checks a mapping against what a source's catalog says.
 *
 * Finds before a start what would otherwise stop it or, worse, go unseen: tables and
 * columns that lack, types that cannot become the field's, keys outside the replica
 * identity (R11), identities that do not show what ownership and large values need.
 */
#include "mapping/mapping_priv.h"

#include <string.h>

typedef struct CatalogCheck
{
	MappingReader *reader;
	const MappingSource *source;
	const MappingTable *table;
	const MappingCatalogTable *catalog;
} CatalogCheck;

static const Column *
mapping_catalog_column(const Relation *relation, const char *name)
{
	for (uint16_t i = 0; relation != NULL && i < relation->ncolumns; i++)
		if (strcmp(relation->columns[i].name, name) == 0)
			return &relation->columns[i];
	return NULL;
}

static int
mapping_catalog_column_line(const MappingTable *table, const char *name)
{
	for (size_t i = 0; i < table->nkey; i++)
		if (strcmp(table->key[i], name) == 0)
			return table->key_line;
	for (size_t i = 0; i < table->nfields; i++)
		for (size_t j = 0; j < table->fields[i].nfrom; j++)
			if (strcmp(table->fields[i].from[j], name) == 0)
				return table->fields[i].line;
	return table->soft_line;
}

static bool
mapping_catalog_columns(CatalogCheck *check)
{
	MappingReader *reader = check->reader;
	const MappingTable *table = check->table;
	const Relation *relation = check->catalog->relation;
	const char **names = arena_zero(reader->problems->arena,
									sizeof(char *) * (relation->ncolumns + 1u), reader->err);
	bool complete = true;

	if (names == NULL)
	{
		reader->failed = true;
		return false;
	}
	for (uint16_t i = 0; i < relation->ncolumns; i++)
		names[i] = relation->columns[i].name;
	for (size_t i = 0; i < table->ncolumns; i++)
	{
		if (mapping_catalog_column(relation, table->columns[i]) != NULL)
			continue;
		complete = false;
		mapping_problem_add(reader, mapping_catalog_column_line(table, table->columns[i]),
							mapping_problem_suggest(reader, table->columns[i], names),
							"source \"%s\": table \"%s.%s\" has no column \"%s\"",
							check->source->name, table->schema, table->name, table->columns[i]);
	}
	return complete;
}

/* Labels of an enum that a picklist without a way out does not know. */
static void
mapping_catalog_labels(CatalogCheck *check, const MappingField *field, const Column *column)
{
	const MappingStep *step = field->nsteps > 0 ? &field->steps[0] : NULL;
	const Picklist *picklist = step != NULL && step->kind == STEP_PICKLIST ? step->picklist : NULL;

	if (picklist == NULL || picklist->otherwise != PICKLIST_REJECT || picklist->fallback != NULL)
		return;
	for (uint16_t i = 0; i < column->nlabels; i++)
	{
		size_t j = 0;

		while (j < picklist->nvalues && strcmp(picklist->values[j].from, column->labels[i]) != 0)
			j++;
		if (j == picklist->nvalues)
			mapping_problem_warn(check->reader, picklist->line,
								 mapping_problem_text(check->reader,
													  "Add { from = \"%s\"; to = \"…\"; }.",
													  column->labels[i]),
								 "picklist \"%s\" lacks \"%s\", a label of column \"%s\" of table "
								 "\"%s.%s\": such rows become dead letters",
								 picklist->name, column->labels[i], column->name,
								 check->table->schema, check->table->name);
	}
}

static void
mapping_catalog_types(CatalogCheck *check)
{
	MappingReader *reader = check->reader;
	const MappingTable *table = check->table;

	for (size_t i = 0; i < table->nfields; i++)
	{
		const MappingField *field = &table->fields[i];
		uint8_t kinds[MAPPING_MAX_STEPS];
		const char *cure;
		const char *wrong;
		const Column *column = NULL;
		int line;

		for (size_t j = 0; j < field->nfrom; j++)
		{
			column = mapping_catalog_column(check->catalog->relation, field->from[j]);
			kinds[j] = column != NULL ? column->kind : CELL_ANY;
		}
		wrong = mapping_check_types(reader, table, field, kinds, &line, &cure);
		if (wrong != NULL)
			mapping_problem_add(reader, line, cure,
								"source \"%s\": table \"%s.%s\": column \"%s\" of type %s to field "
								"\"%s\": %s",
								check->source->name, table->schema, table->name,
								field->nfrom > 0 ? field->from[0] : "",
								column != NULL ? column->base_type : "unknown",
								table->entity->fields[field->target].name, wrong);
		if (column != NULL && field->nfrom == 1)
			mapping_catalog_labels(check, field, column);
	}
}

static void
mapping_catalog_key(CatalogCheck *check)
{
	MappingReader *reader = check->reader;
	const MappingTable *table = check->table;
	const Relation *relation = check->catalog->relation;
	const char *alter =
		mapping_problem_text(reader, "Run: ALTER TABLE \"%s\".\"%s\" REPLICA IDENTITY FULL;",
							 table->schema, table->name);
	bool any = false;

	for (size_t i = 0; i < table->nkey; i++)
	{
		const Column *column = mapping_catalog_column(relation, table->key[i]);

		if (column == NULL)
			continue;
		if (column->kind == VALUE_FLOAT || column->kind == VALUE_BYTES)
			mapping_problem_add(reader, table->key_line, "Name other columns in \"key\".",
								"source \"%s\": table \"%s.%s\": key column \"%s\" of type %s has "
								"no exact text",
								check->source->name, table->schema, table->name, column->name,
								column->base_type);
		if (!column->not_null)
			mapping_problem_warn(reader, table->key_line, "",
								 "source \"%s\": table \"%s.%s\": key column \"%s\" may be null; "
								 "such rows become dead letters",
								 check->source->name, table->schema, table->name, column->name);
	}
	if (check->catalog->replica_identity == 'f')
		return;
	for (uint16_t i = 0; i < relation->ncolumns; i++)
		any = any || relation->columns[i].key;
	if (!any || check->catalog->replica_identity == 'n')
	{
		mapping_problem_add(reader, table->line, alter,
							"source \"%s\": table \"%s.%s\" has no replica identity: its first "
							"update or delete would stop the source",
							check->source->name, table->schema, table->name);
		return;
	}
	for (size_t i = 0; i < table->nkey; i++)
	{
		const Column *column = mapping_catalog_column(relation, table->key[i]);

		if (column != NULL && !column->key)
			mapping_problem_add(reader, table->key_line, alter,
								"source \"%s\": table \"%s.%s\": key column \"%s\" is not part of "
								"the replica identity, so its changes would go unseen",
								check->source->name, table->schema, table->name, column->name);
	}
}

/* A key that leaves out a column of the primary key may name two rows alike. */
static void
mapping_catalog_unique(CatalogCheck *check)
{
	const MappingTable *table = check->table;
	const Relation *relation = check->catalog->relation;

	for (uint16_t i = 0; i < relation->ncolumns; i++)
	{
		size_t j = 0;

		if (!relation->columns[i].primary_key)
			continue;
		while (j < table->nkey && strcmp(table->key[j], relation->columns[i].name) != 0)
			j++;
		if (j == table->nkey)
			mapping_problem_warn(check->reader, table->key_line,
								 "Add it to \"key\" unless the other columns are unique.",
								 "source \"%s\": table \"%s.%s\": the key leaves out column \"%s\" "
								 "of the primary key",
								 check->source->name, table->schema, table->name,
								 relation->columns[i].name);
	}
}

static void
mapping_catalog_ownership(CatalogCheck *check)
{
	MappingReader *reader = check->reader;
	const MappingTable *table = check->table;
	char list[300] = "";

	if (check->catalog->replica_identity == 'f' || table->ownership == NULL)
		return;
	for (size_t i = 0; i < table->nfields; i++)
	{
		const FieldOwnership *tag = &table->ownership[table->fields[i].target];
		size_t used = strlen(list);

		if (tag->is_owner || tag->owner[0] == '\0')
			continue;
		if (used + strlen(tag->field) + 6 >= sizeof(list))
		{
			(void) strncat(list, " …", sizeof(list) - used - 1);
			break;
		}
		if (used > 0)
			(void) strncat(list, ", ", sizeof(list) - used - 1);
		(void) strncat(list, tag->field, sizeof(list) - strlen(list) - 1);
	}
	if (list[0] == '\0')
		return;
	mapping_problem_add(
		reader, table->line,
		mapping_problem_text(reader, "Run: ALTER TABLE \"%s\".\"%s\" REPLICA IDENTITY FULL;",
							 table->schema, table->name),
		"source \"%s\": table \"%s.%s\" maps fields that it does not own (%s) "
		"without replica identity FULL: violations could not be seen",
		check->source->name, table->schema, table->name, list);
}

/* Types whose values the server may store out of line and then not send when unchanged. */
static bool
mapping_catalog_toastable(const Column *column)
{
	static const char *const types[] = {"text",	 "json",   "jsonb", "xml",
										"bytea", "citext", "hstore"};

	if (column->base_type[0] == '_')
		return true;
	if (strcmp(column->base_type, "varchar") == 0 || strcmp(column->base_type, "bpchar") == 0)
		return column->typmod < 0 || column->typmod > 500;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], column->base_type) == 0)
			return true;
	return false;
}

static void
mapping_catalog_large(CatalogCheck *check)
{
	MappingReader *reader = check->reader;
	const MappingTable *table = check->table;
	const char *alter =
		mapping_problem_text(reader, "If so, run: ALTER TABLE \"%s\".\"%s\" REPLICA IDENTITY FULL;",
							 table->schema, table->name);

	if (check->catalog->replica_identity == 'f')
		return;
	for (size_t i = 0; i < table->ncolumns; i++)
	{
		const Column *column = mapping_catalog_column(check->catalog->relation, table->columns[i]);

		if (column == NULL || !mapping_catalog_toastable(column))
			continue;
		mapping_problem_warn(reader, table->line, alter,
							 "source \"%s\": table \"%s.%s\": values of column \"%s\" (and perhaps "
							 "more) that are larger than about 2 kB are not sent when unchanged; "
							 "such a row whose key changes would stop the source",
							 check->source->name, table->schema, table->name, column->name);
		break;
	}
	if (table->deletes == DELETE_SOFT)
		mapping_problem_warn(reader, table->soft_line, alter,
							 "source \"%s\": table \"%s.%s\": without the old row a row that is "
							 "no longer marked as deleted is an update, not a create",
							 check->source->name, table->schema, table->name);
}

static void
mapping_catalog_missing(CatalogCheck *check, const MappingCatalogTable *tables, size_t ntables)
{
	MappingReader *reader = check->reader;
	const char **names =
		arena_zero(reader->problems->arena, sizeof(char *) * (ntables + 1), reader->err);
	size_t count = 0;
	const char *near;

	if (names == NULL)
	{
		reader->failed = true;
		return;
	}
	for (size_t i = 0; i < ntables; i++)
		if (tables[i].exists)
			names[count++] =
				mapping_problem_text(reader, "%s.%s", tables[i].schema, tables[i].name);
	near = conf_suggest(
		mapping_problem_text(reader, "%s.%s", check->table->schema, check->table->name), names);
	mapping_problem_add(reader, check->table->line,
						near != NULL ? mapping_problem_text(reader, "Did you mean \"%s\"?", near)
									 : "Names are taken as they are: upper and lower case count.",
						"source \"%s\": table \"%s.%s\" does not exist", check->source->name,
						check->table->schema, check->table->name);
}

static void
mapping_catalog_table(CatalogCheck *check, const MappingCatalogTable *tables, size_t ntables)
{
	for (size_t i = 0; i < ntables; i++)
		if (strcmp(tables[i].schema, check->table->schema) == 0 &&
			strcmp(tables[i].name, check->table->name) == 0)
			check->catalog = &tables[i];
	if (check->catalog == NULL || !check->catalog->exists || check->catalog->relation == NULL)
	{
		mapping_catalog_missing(check, tables, ntables);
		return;
	}
	(void) mapping_catalog_columns(check);
	mapping_catalog_types(check);
	mapping_catalog_key(check);
	mapping_catalog_unique(check);
	mapping_catalog_ownership(check);
	mapping_catalog_large(check);
}

bool
mapping_check_catalog(const Mapping *mapping, const char *source, const MappingCatalogTable *tables,
					  size_t ntables, MappingProblems *problems, Err *err)
{
	/* the reader's mapping is only read here: its path names the file */
	MappingReader reader = {.mapping = (Mapping *) mapping, .problems = problems, .err = err};

	for (size_t i = 0; i < mapping->nsources; i++)
	{
		if (strcmp(mapping->sources[i].name, source) != 0)
			continue;
		for (size_t j = 0; j < mapping->sources[i].ntables; j++)
		{
			CatalogCheck check = {.reader = &reader,
								  .source = &mapping->sources[i],
								  .table = &mapping->sources[i].tables[j]};

			if (check.table->entity != NULL)
				mapping_catalog_table(&check, tables, ntables);
		}
	}
	return !reader.failed;
}
