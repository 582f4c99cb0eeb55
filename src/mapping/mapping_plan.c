/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_plan.c — binds a mapped table to one shape of the source's table.
 *
 * Names become column numbers and the common conversions one-byte operations, once
 * per shape; mapping_apply never looks a name up. What no longer fits is a named
 * stop: the mapping was checked against another shape.
 */
#include "mapping/mapping_plan_priv.h"

#include <string.h>

typedef struct PlanBuild
{
	Arena *arena;
	const MappingTable *table;
	const Relation *relation;
	Err *err;
} PlanBuild;

static bool
mapping_plan_column(const PlanBuild *build, const char *name, uint16_t *index)
{
	const Relation *relation = build->relation;

	for (uint16_t i = 0; i < relation->ncolumns; i++)
		if (strcmp(relation->columns[i].name, name) == 0)
		{
			*index = i;
			return true;
		}
	(void) err_set(build->err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
				   "could not map table \"%s.%s\" of source \"%s\": column \"%s\" no longer exists",
				   build->table->schema, build->table->name, build->table->source, name);
	return err_hint(build->err,
					"Change the mapping file to the table's new shape (\"goldpan mapping "
					"check\" compares them) and start again.");
}

/* The error of a type that cannot become the field's. */
static bool
mapping_plan_type_error(const PlanBuild *build, const MappingField *field, const char *wrong,
						const char *cure)
{
	const char *column = field->nfrom > 0 ? field->from[0] : "";

	(void) err_set(build->err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
				   "could not map column \"%s\" of table \"%s.%s\" of source \"%s\" to \"%s\": %s",
				   column, build->table->schema, build->table->name, build->table->source,
				   build->table->entity->fields[field->target].name, wrong);
	return err_hint(build->err, "Change line %d of the mapping file to the table's new shape. %s",
					field->line, cure);
}

static bool
mapping_plan_check_types(const PlanBuild *build, const PlanField *plan)
{
	MappingProblems problems = {.arena = build->arena};
	MappingReader reader = {.problems = &problems, .err = build->err};
	uint8_t kinds[MAPPING_MAX_STEPS];
	const char *wrong;
	const char *cure;
	int line;

	for (uint16_t i = 0; i < plan->ncolumns; i++)
		kinds[i] = build->relation->columns[plan->columns[i]].kind;
	wrong = mapping_check_types(&reader, build->table, plan->field, kinds, &line, &cure);
	if (reader.failed)
		return false;
	return wrong == NULL || mapping_plan_type_error(build, plan->field, wrong, cure);
}

static PlanOp
mapping_plan_op(const PlanBuild *build, const PlanField *plan)
{
	const CanonicalField *canonical = plan->canonical;
	ValueKind kind;

	if (plan->ncolumns != 1 || plan->field->nsteps > 0)
		return PLAN_STEPS;
	kind = build->relation->columns[plan->column].kind;
	switch (canonical->type)
	{
		case FIELD_STRING:
			if (kind != VALUE_TEXT)
				return PLAN_STEPS;
			return canonical->nallowed > 0 || plan->format != NULL ? PLAN_CHECKED_TEXT : PLAN_TEXT;
		case FIELD_LONG:
			return kind == VALUE_INTEGER ? PLAN_LONG : PLAN_STEPS;
		case FIELD_INT:
			return kind == VALUE_INTEGER ? PLAN_INT : PLAN_STEPS;
		case FIELD_BOOLEAN:
			return kind == VALUE_BOOLEAN ? PLAN_BOOLEAN : PLAN_STEPS;
		case FIELD_DOUBLE:
			return kind == VALUE_FLOAT ? PLAN_DOUBLE : PLAN_STEPS;
		case FIELD_DECIMAL:
			return kind == VALUE_NUMERIC ? PLAN_NUMERIC : PLAN_STEPS;
		case FIELD_DATE:
			return kind == VALUE_DATE ? PLAN_DATE : PLAN_STEPS;
		case FIELD_TIMESTAMP:
			return kind == VALUE_TIMESTAMPTZ ? PLAN_INSTANT : PLAN_STEPS;
	}
	return PLAN_STEPS;
}

static const CodeFormat *
mapping_plan_format(const PlanField *plan)
{
	const MappingField *field = plan->field;
	const char *name = plan->canonical->format;

	return field->nsteps == 0
			   ? mapping_codes_format(name)
			   : mapping_codes_format_after(name, field->steps[field->nsteps - 1].kind);
}

static bool
mapping_plan_field(const PlanBuild *build, const MappingField *field, PlanField *plan)
{
	uint16_t *columns =
		arena_zero(build->arena, sizeof(uint16_t) * (field->nfrom + 1u), build->err);
	bool *single = arena_zero(build->arena, field->nfrom + 1u, build->err);

	if (columns == NULL || single == NULL)
		return false;
	for (uint16_t i = 0; i < field->nfrom; i++)
	{
		if (!mapping_plan_column(build, field->from[i], &columns[i]))
			return false;
		single[i] = strcmp(build->relation->columns[columns[i]].base_type, "float4") == 0;
	}
	plan->field = field;
	plan->target = field->target;
	plan->canonical = &build->table->entity->fields[field->target];
	plan->owned = build->table->ownership[field->target].is_owner;
	plan->ncolumns = field->nfrom;
	plan->columns = columns;
	plan->column = columns[0];
	plan->single = single;
	plan->format = mapping_plan_format(plan);
	plan->op = (uint8_t) mapping_plan_op(build, plan);
	return mapping_plan_check_types(build, plan);
}

static bool
mapping_plan_identity(const PlanBuild *build, MappingPlan *plan)
{
	const Relation *relation = build->relation;
	bool any = false;

	if (relation->replica_identity == 'f')
	{
		plan->has_identity = true;
		return true;
	}
	for (uint16_t i = 0; i < relation->ncolumns; i++)
		any = any || relation->columns[i].key;
	plan->has_identity = any && relation->replica_identity != 'n';
	if (!plan->has_identity)
		return true; /* inserts are fine; the first update or delete is a named stop */
	for (uint16_t i = 0; i < plan->nkey; i++)
	{
		const Column *column = &relation->columns[plan->key[i]];

		if (column->key)
			continue;
		(void) err_set(build->err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
					   "could not map table \"%s.%s\" of source \"%s\": key column \"%s\" is not "
					   "part of the table's replica identity, so its changes would go unseen",
					   build->table->schema, build->table->name, build->table->source,
					   column->name);
		return err_hint(build->err, "Run: ALTER TABLE \"%s\".\"%s\" REPLICA IDENTITY FULL;",
						build->table->schema, build->table->name);
	}
	return true;
}

static bool
mapping_plan_key(const PlanBuild *build, MappingPlan *plan)
{
	uint16_t *key =
		arena_zero(build->arena, sizeof(uint16_t) * (build->table->nkey + 1), build->err);

	if (key == NULL)
		return false;
	plan->nkey = (uint16_t) build->table->nkey;
	plan->key = key;
	for (uint16_t i = 0; i < plan->nkey; i++)
	{
		const Column *column;

		if (!mapping_plan_column(build, build->table->key[i], &key[i]))
			return false;
		column = &build->relation->columns[key[i]];
		if (column->kind == VALUE_FLOAT || column->kind == VALUE_BYTES)
		{
			(void) err_set(build->err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
						   "could not map table \"%s.%s\" of source \"%s\": key column \"%s\" is "
						   "of type %s, which has no exact text",
						   build->table->schema, build->table->name, build->table->source,
						   column->name, column->base_type);
			return err_hint(build->err, "Name other columns in \"key\" of the mapping file.");
		}
	}
	return mapping_plan_identity(build, plan);
}

static bool
mapping_plan_soft(const PlanBuild *build, MappingPlan *plan)
{
	uint16_t index;

	plan->soft = -1;
	if (build->table->deletes != DELETE_SOFT)
		return true;
	if (!mapping_plan_column(build, build->table->soft_column, &index))
		return false;
	plan->soft = index;
	return true;
}

static bool
mapping_plan_events(const PlanBuild *build, MappingPlan *plan)
{
	static const char *const suffixes[] = {"created", "updated", "deleted", "snapshot"};
	const MappingTable *table = build->table;

	for (int i = 0; i < 4; i++)
	{
		plan->events[i] =
			table->events[i] != NULL
				? table->events[i]
				: arena_printf(build->arena, build->err, "%s.%s.%s", table->mapping->prefix,
							   table->entity->name, suffixes[i]);
		if (plan->events[i] == NULL)
			return false;
	}
	return true;
}

MappingPlan *
mapping_plan_compile(Arena *arena, const MappingTable *table, const Relation *relation, Err *err)
{
	PlanBuild build = {.arena = arena, .table = table, .relation = relation, .err = err};
	MappingPlan *plan = arena_zero(arena, sizeof(MappingPlan), err);
	PlanField *fields = arena_zero(arena, sizeof(PlanField) * (table->nfields + 1), err);

	if (plan == NULL || fields == NULL)
		return NULL;
	plan->table = table;
	plan->relation = relation;
	plan->entity = table->entity;
	plan->fields = fields;
	plan->nfields = (uint16_t) table->nfields;
	plan->discriminator_length = strlen(table->discriminator);
	if (!mapping_plan_key(&build, plan) || !mapping_plan_soft(&build, plan) ||
		!mapping_plan_events(&build, plan))
		return NULL;
	for (size_t i = 0; i < table->nfields; i++)
		if (!mapping_plan_field(&build, &table->fields[i], &fields[i]))
			return NULL;
	return plan;
}

const FieldOwnership *
mapping_plan_ownership(const MappingPlan *plan, uint16_t *count)
{
	*count = plan->entity->nfields;
	return plan->table->ownership;
}
