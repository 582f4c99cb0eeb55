/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_ownership.c — the ownership matrix: who is right about which field.
 *
 * A rule names an entity or one of its fields; the field's rule wins. Every own
 * field of a mapped entity must have an owner, since every record carries the tag
 * of each of its fields.
 */
#include "mapping/mapping_priv.h"

#include <string.h>

static const char *const mapping_ownership_rules[] = {"owner_wins", "source_precedence",
													  "last_write_wins", "manual", NULL};
static const char *const mapping_ownership_directions[] = {"source_to_canonical", "bidirectional",
														   "canonical_to_target", NULL};
static const char *const mapping_ownership_keys[] = {"of",		  "owner",	 "rule",
													 "direction", "steward", NULL};

const char *
mapping_ownership_rule_name(ConflictRule rule)
{
	return mapping_ownership_rules[rule];
}

const char *
mapping_ownership_direction_name(Direction direction)
{
	return mapping_ownership_directions[direction];
}

static void
mapping_ownership_target(MappingReader *reader, OwnershipRule *rule)
{
	const char *dot = strchr(rule->of, '.');
	const char *name = dot == NULL
						   ? rule->of
						   : mapping_problem_text(reader, "%.*s", (int) (dot - rule->of), rule->of);

	rule->field = -1;
	rule->entity = mapping_entity_find(reader->mapping, name);
	if (rule->entity == NULL)
	{
		const char *const *names = mapping_entity_names(reader);

		if (names != NULL)
			mapping_problem_add(reader, rule->line, mapping_problem_suggest(reader, name, names),
								"ownership of \"%s\": unknown entity \"%s\"", rule->of, name);
		return;
	}
	if (dot == NULL)
		return;
	rule->field = canonical_field_index(rule->entity, dot + 1, strlen(dot + 1));
	if (rule->field < 0)
	{
		const char *const *names = mapping_entity_fields(reader, rule->entity);

		if (names != NULL)
			mapping_problem_add(reader, rule->line, mapping_problem_suggest(reader, dot + 1, names),
								"ownership of \"%s\": entity \"%s\" has no field \"%s\"", rule->of,
								name, dot + 1);
		rule->entity = NULL;
	}
}

static bool
mapping_ownership_is_system(const Mapping *mapping, const char *name)
{
	for (size_t i = 0; i < mapping->nsources; i++)
		if (strcmp(mapping->sources[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < mapping->nsystems; i++)
		if (strcmp(mapping->systems[i].name, name) == 0)
			return true;
	return false;
}

static void
mapping_ownership_owner(MappingReader *reader, const OwnershipRule *rule)
{
	const Mapping *mapping = reader->mapping;
	size_t count = mapping->nsources + mapping->nsystems;
	const char **names;

	if (mapping_ownership_is_system(mapping, rule->owner))
		return;
	names = mapping_problem_alloc(reader, (count + 1) * sizeof(char *));
	if (names == NULL)
		return;
	for (size_t i = 0; i < mapping->nsources; i++)
		names[i] = mapping->sources[i].name;
	for (size_t i = 0; i < mapping->nsystems; i++)
		names[mapping->nsources + i] = mapping->systems[i].name;
	mapping_problem_add(reader, rule->line, mapping_problem_suggest(reader, rule->owner, names),
						"ownership of \"%s\": owner \"%s\" is neither a source nor listed in "
						"\"systems\"",
						rule->of, rule->owner);
}

void
mapping_ownership_read(MappingReader *reader, const ConfNode *root)
{
	Mapping *mapping = reader->mapping;
	const ConfNode *list;
	size_t count;

	mapping->ownership =
		mapping_node_rows(reader, root, "ownership", sizeof(OwnershipRule), &list, &count);
	for (size_t i = 0; i < count; i++)
	{
		const ConfNode *node = conf_node_at(list, i);
		OwnershipRule *rule = &mapping->ownership[mapping->nownership];

		mapping_node_keys(reader, node, mapping_ownership_keys);
		rule->line = conf_node_line(node);
		rule->of = mapping_node_text(reader, node, "of");
		rule->owner = mapping_node_text(reader, node, "owner");
		rule->steward = mapping_node_text(reader, node, "steward");
		rule->rule = (ConflictRule) mapping_node_choice(reader, node, "rule",
														mapping_ownership_rules, RULE_OWNER_WINS);
		rule->direction = (Direction) mapping_node_choice(
			reader, node, "direction", mapping_ownership_directions, DIRECTION_SOURCE_TO_CANONICAL);
		if (rule->of == NULL || rule->owner == NULL)
		{
			mapping_problem_add(reader, rule->line,
								"Write { of = \"contact.email\"; owner = \"crm\"; }.",
								"ownership[%zu]: \"of\" and \"owner\" are required", i);
			continue;
		}
		mapping_ownership_target(reader, rule);
		mapping_ownership_owner(reader, rule);
		mapping->nownership++;
	}
}

const OwnershipRule *
mapping_ownership_rule(const Mapping *mapping, const CanonicalEntity *entity, int field)
{
	const OwnershipRule *found = NULL;

	for (size_t i = 0; i < mapping->nownership; i++)
	{
		const OwnershipRule *rule = &mapping->ownership[i];

		if (rule->entity != entity)
			continue;
		if (rule->field == field)
			return rule;
		if (rule->field < 0 && found == NULL)
			found = rule;
	}
	return found;
}

static void
mapping_ownership_duplicates(MappingReader *reader)
{
	const Mapping *mapping = reader->mapping;

	for (size_t i = 0; i < mapping->nownership; i++)
		for (size_t j = 0; j < i; j++)
		{
			const OwnershipRule *rule = &mapping->ownership[i];
			const OwnershipRule *first = &mapping->ownership[j];

			if (rule->entity == NULL || rule->entity != first->entity ||
				rule->field != first->field)
				continue;
			mapping_problem_add(reader, rule->line,
								"Keep one of the two: a field has one system of record.",
								"\"%s\" has two owners: \"%s\", and \"%s\" at line %d", rule->of,
								rule->owner, first->owner, first->line);
			break;
		}
}

static const MappingField *
mapping_ownership_mapped(const MappingTable *table, unsigned target)
{
	for (size_t i = 0; i < table->nfields; i++)
		if (table->fields[i].target == target)
			return &table->fields[i];
	return NULL;
}

static void
mapping_ownership_tag_table(MappingReader *reader, const MappingSource *source, MappingTable *table)
{
	const CanonicalEntity *entity = table->entity;
	FieldOwnership *tags = mapping_problem_alloc(reader, entity->nfields * sizeof(FieldOwnership));
	unsigned unowned = 0;

	for (unsigned i = 0; tags != NULL && i < entity->nfields; i++)
	{
		const OwnershipRule *rule = mapping_ownership_rule(reader->mapping, entity, (int) i);
		const MappingField *field = mapping_ownership_mapped(table, i);

		tags[i].field = entity->fields[i].name;
		tags[i].owner = rule != NULL ? rule->owner : "";
		tags[i].rule = rule != NULL ? rule->rule : RULE_OWNER_WINS;
		tags[i].is_owner = rule != NULL && strcmp(rule->owner, source->name) == 0;
		if (rule != NULL)
			continue;
		if (field == NULL)
			unowned++;
		else
			mapping_problem_add(
				reader, field->line,
				mapping_problem_text(
					reader,
					"Add { of = \"%s.%s\"; owner = \"%s\"; } to \"ownership\", or one for "
					"\"%s\" as a whole.",
					entity->name, entity->fields[i].name, source->name, entity->name),
				"field \"%s.%s\" has no owner", entity->name, entity->fields[i].name);
	}
	if (unowned > 0)
		mapping_problem_add(
			reader, table->line,
			mapping_problem_text(reader, "Add { of = \"%s\"; owner = \"%s\"; } to \"ownership\".",
								 entity->name, source->name),
			"entity \"%s\": %u fields that this table does not map have no owner", entity->name,
			unowned);
	table->ownership = tags;
}

void
mapping_ownership_tag(MappingReader *reader)
{
	Mapping *mapping = reader->mapping;

	mapping_ownership_duplicates(reader);
	for (size_t i = 0; i < mapping->nsources; i++)
		for (size_t j = 0; j < mapping->sources[i].ntables; j++)
			if (mapping->sources[i].tables[j].entity != NULL)
				mapping_ownership_tag_table(reader, &mapping->sources[i],
											&mapping->sources[i].tables[j]);
}
