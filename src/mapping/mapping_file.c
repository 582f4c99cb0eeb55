/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_file.c — reads the mapping file into structs with lines.
 *
 * Names that refer to something else in the file (entities, picklists, systems) are
 * resolved here; what holds between several parts is mapping_check's.
 */
#include "mapping/mapping_priv.h"

#include <stdlib.h>
#include <string.h>

static const char *const mapping_file_root_keys[] = {"version",	  "schemas", "picklists", "systems",
													 "ownership", "sources", NULL};
static const char *const mapping_file_picklist_keys[] = {"name", "values", "otherwise", "default",
														 NULL};
static const char *const mapping_file_value_keys[] = {"from", "to", NULL};
static const char *const mapping_file_system_keys[] = {"name", "steward", NULL};
static const char *const mapping_file_source_keys[] = {"name", "tables", NULL};
static const char *const mapping_file_table_keys[] = {
	"schema", "table", "entity", "key", "discriminator", "deletes", "events", "fields", NULL};
static const char *const mapping_file_delete_keys[] = {"kind", "column", "values", NULL};
static const char *const mapping_file_event_keys[] = {"create", "update", "delete", "snapshot",
													  NULL};
static const char *const mapping_file_field_keys[] = {"to",		"from",		 "apply", "required",
													  "on_bad", "sensitive", NULL};

/* A required text; its absence is a problem and gives "". */
static const char *
mapping_file_name(MappingReader *reader, const ConfNode *node, const char *key, bool *ok)
{
	const char *text = mapping_node_text(reader, node, key);
	char path[CONF_PATH_SIZE];

	*ok = text != NULL && text[0] != '\0';
	if (*ok)
		return text;
	if (text != NULL || conf_node_member(node, key) == NULL)
		mapping_problem_add(reader, conf_node_line(node),
							mapping_problem_text(reader, "Add %s = \"…\".", key),
							"%s: \"%s\" is required", conf_node_path(node, path), key);
	return "";
}

/* ---- picklists and systems ---- */

static int
mapping_file_compare_values(const void *a, const void *b)
{
	const PicklistValue *x = a;
	const PicklistValue *y = b;
	int order = strcmp(x->from, y->from);

	return order != 0 ? order : x->line - y->line;
}

static void
mapping_file_picklist_values(MappingReader *reader, const ConfNode *node, Picklist *picklist)
{
	const ConfNode *list;
	size_t count;

	picklist->values =
		mapping_node_rows(reader, node, "values", sizeof(PicklistValue), &list, &count);
	for (size_t i = 0; i < count; i++)
	{
		const ConfNode *element = conf_node_at(list, i);
		PicklistValue *value = &picklist->values[picklist->nvalues];

		mapping_node_keys(reader, element, mapping_file_value_keys);
		value->line = conf_node_line(element);
		value->from = mapping_node_text(reader, element, "from");
		value->to = mapping_node_text(reader, element, "to");
		if (value->from == NULL)
		{
			mapping_problem_add(reader, value->line, "Write { from = \"A\"; to = \"active\"; }.",
								"picklist \"%s\": a value needs \"from\"", picklist->name);
			continue;
		}
		value->from_length = (uint32_t) strlen(value->from);
		value->to_length = value->to == NULL ? 0 : (uint32_t) strlen(value->to);
		picklist->nvalues++;
	}
	if (picklist->nvalues > 1)
		qsort(picklist->values, picklist->nvalues, sizeof(PicklistValue),
			  mapping_file_compare_values);
	for (size_t i = 1; i < picklist->nvalues; i++)
		if (strcmp(picklist->values[i - 1].from, picklist->values[i].from) == 0)
			mapping_problem_add(reader, picklist->values[i].line, "",
								"picklist \"%s\": \"%s\" is listed twice, first at line %d",
								picklist->name, picklist->values[i].from,
								picklist->values[i - 1].line);
}

static void
mapping_file_picklists(MappingReader *reader, const ConfNode *root)
{
	static const char *const otherwise[] = {"reject", "null", "keep", NULL};
	Mapping *mapping = reader->mapping;
	const ConfNode *list;
	size_t count;

	mapping->picklists =
		mapping_node_rows(reader, root, "picklists", sizeof(Picklist), &list, &count);
	for (size_t i = 0; i < count; i++)
	{
		const ConfNode *node = conf_node_at(list, i);
		Picklist *picklist = &mapping->picklists[mapping->npicklists];
		bool ok;

		mapping_node_keys(reader, node, mapping_file_picklist_keys);
		picklist->line = conf_node_line(node);
		picklist->name = mapping_file_name(reader, node, "name", &ok);
		picklist->otherwise = (PicklistOtherwise) mapping_node_choice(reader, node, "otherwise",
																	  otherwise, PICKLIST_REJECT);
		picklist->fallback = mapping_node_text(reader, node, "default");
		if (picklist->fallback != NULL && conf_node_member(node, "otherwise") != NULL)
			mapping_problem_add(reader, picklist->line, "Keep one of the two.",
								"picklist \"%s\" has both \"otherwise\" and \"default\"",
								picklist->name);
		mapping_file_picklist_values(reader, node, picklist);
		for (size_t j = 0; j < mapping->npicklists; j++)
			if (ok && strcmp(mapping->picklists[j].name, picklist->name) == 0)
				mapping_problem_add(reader, picklist->line, "",
									"picklist \"%s\" exists already, at line %d", picklist->name,
									mapping->picklists[j].line);
		mapping->npicklists++;
	}
}

static void
mapping_file_systems(MappingReader *reader, const ConfNode *root)
{
	Mapping *mapping = reader->mapping;
	const ConfNode *list;
	size_t count;

	mapping->systems =
		mapping_node_rows(reader, root, "systems", sizeof(MappingSystem), &list, &count);
	for (size_t i = 0; i < count; i++)
	{
		const ConfNode *node = conf_node_at(list, i);
		MappingSystem *system = &mapping->systems[mapping->nsystems];
		bool ok;

		mapping_node_keys(reader, node, mapping_file_system_keys);
		system->line = conf_node_line(node);
		system->name = mapping_file_name(reader, node, "name", &ok);
		system->steward = mapping_node_text(reader, node, "steward");
		if (ok)
			mapping->nsystems++;
	}
}

/* ---- tables ---- */

static bool
mapping_file_field(MappingReader *reader, const ConfNode *node, const MappingTable *table,
				   MappingField *field)
{
	static const char *const on_bad[] = {"reject", "null", NULL};
	const char *const *names;
	const char *to;
	size_t nfrom;
	int target = 0;
	bool ok;

	mapping_node_keys(reader, node, mapping_file_field_keys);
	field->line = conf_node_line(node);
	to = mapping_file_name(reader, node, "to", &ok);
	field->from = mapping_node_texts(reader, node, "from", &nfrom);
	if (nfrom > MAPPING_MAX_STEPS)
	{
		mapping_problem_add(reader, field->line, "", "field \"%s\": more than %d columns", to,
							MAPPING_MAX_STEPS);
		nfrom = MAPPING_MAX_STEPS;
	}
	field->nfrom = (uint16_t) nfrom;
	field->steps = mapping_steps_read(reader, node, &field->nsteps);
	field->required = mapping_node_boolean(reader, node, "required");
	field->sensitive = mapping_node_boolean(reader, node, "sensitive");
	field->null_when_bad = mapping_node_choice(reader, node, "on_bad", on_bad, 0) == 1;
	if (table->entity == NULL || !ok)
		return false;
	target = canonical_field_index(table->entity, to, strlen(to));
	if (target < 0)
	{
		names = mapping_entity_fields(reader, table->entity);
		if (names != NULL)
			mapping_problem_add(reader, field->line, mapping_problem_suggest(reader, to, names),
								"table \"%s.%s\": entity \"%s\" has no field \"%s\"", table->schema,
								table->name, table->entity_name, to);
		return false;
	}
	field->target = (uint16_t) target;
	return true;
}

static void
mapping_file_fields(MappingReader *reader, const ConfNode *node, MappingTable *table)
{
	const ConfNode *list;
	size_t count;

	table->fields = mapping_node_rows(reader, node, "fields", sizeof(MappingField), &list, &count);
	for (size_t i = 0; i < count; i++)
	{
		memset(&table->fields[table->nfields], 0, sizeof(MappingField));
		if (mapping_file_field(reader, conf_node_at(list, i), table,
							   &table->fields[table->nfields]))
			table->nfields++;
	}
}

static void
mapping_file_deletes(MappingReader *reader, const ConfNode *node, MappingTable *table)
{
	static const char *const kinds[] = {"tombstone", "ignore", "soft", NULL};
	const ConfNode *deletes = conf_node_member(node, "deletes");
	bool ok;

	if (deletes == NULL)
		return;
	table->soft_line = conf_node_line(deletes);
	if (conf_node_kind(deletes) != CONF_GROUP)
	{
		mapping_problem_add(reader, table->soft_line, "Write deletes = { kind = \"tombstone\"; }.",
							"table \"%s.%s\": \"deletes\" must be a group", table->schema,
							table->name);
		return;
	}
	mapping_node_keys(reader, deletes, mapping_file_delete_keys);
	table->deletes = (DeleteKind) mapping_node_choice(reader, deletes, "kind", kinds, 0);
	if (table->deletes != DELETE_SOFT)
	{
		if (conf_node_member(deletes, "column") != NULL ||
			conf_node_member(deletes, "values") != NULL)
			mapping_problem_add(reader, table->soft_line, "Write kind = \"soft\".",
								"table \"%s.%s\": \"column\" and \"values\" belong to soft deletes",
								table->schema, table->name);
		return;
	}
	table->soft_column = mapping_file_name(reader, deletes, "column", &ok);
	table->soft_values = mapping_node_texts(reader, deletes, "values", &table->nsoft_values);
	if (table->nsoft_values == 0)
		mapping_problem_add(reader, table->soft_line,
							"Add values = [ \"true\" ]: what the column holds when the row counts "
							"as deleted.",
							"table \"%s.%s\": soft deletes need \"values\"", table->schema,
							table->name);
	if (!ok)
		table->deletes = DELETE_TOMBSTONE; /* reported */
}

static void
mapping_file_events(MappingReader *reader, const ConfNode *node, MappingTable *table)
{
	const ConfNode *events = conf_node_member(node, "events");

	if (events == NULL)
		return;
	if (conf_node_kind(events) != CONF_GROUP)
	{
		mapping_problem_add(reader, conf_node_line(events), "",
							"table \"%s.%s\": \"events\" must be a group", table->schema,
							table->name);
		return;
	}
	mapping_node_keys(reader, events, mapping_file_event_keys);
	for (int i = 0; i < 4; i++)
		table->events[i] = mapping_node_text(reader, events, mapping_file_event_keys[i]);
}

static void
mapping_file_table(MappingReader *reader, const ConfNode *node, const char *source,
				   MappingTable *table)
{
	const ConfNode *key = conf_node_member(node, "key");
	const char *const *names;
	bool ok;

	mapping_node_keys(reader, node, mapping_file_table_keys);
	table->mapping = reader->mapping;
	table->source = source;
	table->line = conf_node_line(node);
	table->schema = mapping_node_text(reader, node, "schema");
	if (table->schema == NULL)
		table->schema = "public";
	table->name = mapping_file_name(reader, node, "table", &ok);
	table->entity_name = mapping_file_name(reader, node, "entity", &ok);
	table->entity = mapping_entity_find(reader->mapping, table->entity_name);
	if (table->entity == NULL && ok)
	{
		names = mapping_entity_names(reader);
		if (names != NULL)
			mapping_problem_add(reader, conf_node_line(conf_node_member(node, "entity")),
								mapping_problem_suggest(reader, table->entity_name, names),
								"table \"%s.%s\": unknown entity \"%s\"", table->schema,
								table->name, table->entity_name);
	}
	table->key = mapping_node_texts(reader, node, "key", &table->nkey);
	if (table->nkey > MAPPING_MAX_STEPS)
	{
		mapping_problem_add(reader, conf_node_line(key), "",
							"table \"%s.%s\": more than %d key columns", table->schema, table->name,
							MAPPING_MAX_STEPS);
		table->nkey = MAPPING_MAX_STEPS;
	}
	table->key_line = key != NULL ? conf_node_line(key) : table->line;
	table->discriminator = mapping_node_text(reader, node, "discriminator");
	if (table->discriminator == NULL)
		table->discriminator = "";
	mapping_file_deletes(reader, node, table);
	mapping_file_events(reader, node, table);
	mapping_file_fields(reader, node, table);
}

static void
mapping_file_source(MappingReader *reader, const ConfNode *node, MappingSource *source)
{
	const ConfNode *list;
	size_t count;
	bool ok;

	mapping_node_keys(reader, node, mapping_file_source_keys);
	source->line = conf_node_line(node);
	source->name = mapping_file_name(reader, node, "name", &ok);
	source->tables = mapping_node_rows(reader, node, "tables", sizeof(MappingTable), &list, &count);
	for (size_t i = 0; i < count; i++)
		mapping_file_table(reader, conf_node_at(list, i), source->name,
						   &source->tables[source->ntables++]);
}

static void
mapping_file_version(MappingReader *reader, const ConfNode *root)
{
	Mapping *mapping = reader->mapping;
	const char *version = mapping_node_text(reader, root, "version");

	if (version == NULL)
		return;
	if (version[0] == '\0' || strlen(version) >= MAPPING_VERSION_SIZE)
		mapping_problem_add(reader, conf_node_line(conf_node_member(root, "version")), "",
							"\"version\" must have 1 to %d bytes", MAPPING_VERSION_SIZE - 1);
	else
		memcpy(mapping->version, version, strlen(version) + 1);
}

void
mapping_file_read(MappingReader *reader, const ConfNode *root)
{
	Mapping *mapping = reader->mapping;
	const ConfNode *list;
	size_t count;

	mapping_node_keys(reader, root, mapping_file_root_keys);
	mapping_file_version(reader, root);
	mapping_file_picklists(reader, root);
	mapping_file_systems(reader, root);
	mapping->sources =
		mapping_node_rows(reader, root, "sources", sizeof(MappingSource), &list, &count);
	for (size_t i = 0; i < count; i++)
		mapping_file_source(reader, conf_node_at(list, i), &mapping->sources[mapping->nsources++]);
	mapping_ownership_read(reader, root);
}
