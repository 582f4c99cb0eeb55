/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_plan.c — what can be known of a record before there is one.
 *
 * The plan of an entity knows its fields' types and holds their names as Avro
 * strings; the plan of a table holds the constant stretches of its records' bytes,
 * the ownership tags being the longest. encode_record.c copies them.
 */
#include "encode/encode_plan.h"

#define PLAN_SCRATCH_CEILING ((size_t) 1024 * 1024)
#define PLAN_MAX_SOURCE		 63

/* Moves what `scratch` holds into the arena as a stretch. */
static bool
keep_stretch(Arena *arena, const Buffer *scratch, EncodeStretch *stretch, Err *err)
{
	uint8_t *bytes = arena_alloc(arena, scratch->length + 1, err);

	if (bytes == NULL)
		return false;
	if (scratch->length > 0)
		memcpy(bytes, scratch->data, scratch->length);
	stretch->bytes = bytes;
	stretch->length = scratch->length;
	return true;
}

static bool
plan_names(Arena *arena, EncodePlan *plan, Err *err)
{
	const CanonicalEntity *entity = plan->entity;
	Buffer scratch;
	bool done = false;

	buffer_init(&scratch, PLAN_SCRATCH_CEILING);
	for (unsigned i = 0; i < entity->nfields; i++)
	{
		const char *name = entity->fields[i].name;

		buffer_clear(&scratch);
		if (!encode_string(&scratch, name, strlen(name), err) ||
			!keep_stretch(arena, &scratch, &plan->names[i], err))
			goto out;
		plan->names_bound += scratch.length;
		plan->types[i] = (uint8_t) entity->fields[i].type;
		if (entity->fields[i].type == FIELD_STRING)
			plan->strings[plan->nstrings++] = (uint16_t) i;
	}
	done = true;
out:
	buffer_release(&scratch);
	return done;
}

EncodePlan *
encode_plan_compile(Arena *arena, const CanonicalEntity *entity, Err *err)
{
	EncodePlan *plan = arena_zero(arena, sizeof(*plan), err);

	if (plan == NULL)
		return NULL;
	plan->entity = entity;
	plan->nfields = entity->nfields;
	plan->names = arena_zero(arena, entity->nfields * sizeof(*plan->names), err);
	if (plan->names == NULL)
		return NULL;
	plan->types = arena_zero(arena, entity->nfields * sizeof(*plan->types), err);
	if (plan->types == NULL)
		return NULL;
	plan->strings = arena_zero(arena, entity->nfields * sizeof(*plan->strings), err);
	if (plan->strings == NULL)
		return NULL;
	return plan_names(arena, plan, err) ? plan : NULL;
}

static bool
encode_place(const CanonicalTable *table, Buffer *scratch, Err *err)
{
	return encode_string(scratch, table->database, strlen(table->database), err) &&
		   encode_string(scratch, table->schema, strlen(table->schema), err) &&
		   encode_string(scratch, table->table, strlen(table->table), err) &&
		   encode_optional_string(scratch, table->region, err) &&
		   encode_string(scratch, table->mapping_version, strlen(table->mapping_version), err);
}

static bool
encode_ownership(const EncodePlan *plan, const CanonicalTable *table, Buffer *scratch, Err *err)
{
	if (!encode_long(scratch, table->nownership, err))
		return false;
	for (unsigned i = 0; i < table->nownership; i++)
	{
		const FieldOwnership *tag = &table->ownership[i];

		if (strcmp(tag->field, plan->entity->fields[i].name) != 0)
			return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
						   "ownership tag %u of entity \"%s\" is of field \"%s\", not \"%s\"", i,
						   plan->entity->name, tag->field, plan->entity->fields[i].name);
		if (!encode_string(scratch, tag->field, strlen(tag->field), err) ||
			!encode_string(scratch, tag->owner, strlen(tag->owner), err) ||
			!encode_long(scratch, tag->rule, err) ||
			!buffer_append_byte(scratch, tag->is_owner ? 1 : 0, err))
			return false;
	}
	return encode_long(scratch, 0, err);
}

EncodeTable *
encode_table_compile(Arena *arena, const EncodePlan *plan, const CanonicalTable *table, Err *err)
{
	EncodeTable *compiled = NULL;
	EncodeTable *result = NULL;
	Buffer scratch;

	buffer_init(&scratch, PLAN_SCRATCH_CEILING);
	if (strlen(table->source) > PLAN_MAX_SOURCE)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not use source name \"%s\": it has more than %d bytes", table->source,
					   PLAN_MAX_SOURCE);
		goto out;
	}
	if (table->nownership != plan->nfields)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
					   "entity \"%s\" has %u fields but %u ownership tags", plan->entity->name,
					   plan->nfields, table->nownership);
		goto out;
	}
	compiled = arena_zero(arena, sizeof(*compiled), err);
	if (compiled == NULL)
		goto out;
	compiled->plan = plan;
	compiled->source = arena_text(arena, table->source, strlen(table->source), err);
	if (compiled->source == NULL ||
		!encode_string(&scratch, table->source, strlen(table->source), err) ||
		!keep_stretch(arena, &scratch, &compiled->head, err))
		goto out;
	buffer_clear(&scratch);
	if (!encode_place(table, &scratch, err) ||
		!keep_stretch(arena, &scratch, &compiled->place, err))
		goto out;
	buffer_clear(&scratch);
	if (!encode_ownership(plan, table, &scratch, err) ||
		!keep_stretch(arena, &scratch, &compiled->ownership, err))
		goto out;
	compiled->bound = compiled->head.length + compiled->place.length + compiled->ownership.length +
					  EVENT_ID_SIZE + plan->nfields * ENCODE_FIELD_BOUND + ENCODE_META_BOUND;
	result = compiled;
out:
	buffer_release(&scratch);
	return result;
}
