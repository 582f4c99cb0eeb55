/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_relation.c — shapes of tables, each kept once.
 *
 * The stream repeats a relation after reconnects and unrelated catalog changes, and snapshot
 * and stream describe the same table from two sides. Equal shapes hash alike, so that a
 * consumer compiles its plan once per shape and schema history is by content. Shapes live
 * until their stream or snapshot is closed, since changes in flight point to them; a ceiling
 * bounds a session that sees a table altered without end.
 */
#include "source_priv.h"

#include "goldpan/alloc.h"

#define SOURCE_FNV_PRIME UINT64_C(1099511628211)

uint64_t
source_relation_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * SOURCE_FNV_PRIME;
	return hash;
}

/* The terminating zero separates neighbours. */
static uint64_t
source_hash_text(uint64_t hash, const char *text)
{
	return source_relation_hash_bytes(hash, text, strlen(text) + 1);
}

static uint64_t
source_hash_number(uint64_t hash, uint64_t number)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t) (number >> (8 * i));
	return source_relation_hash_bytes(hash, bytes, sizeof(bytes));
}

uint64_t
source_relation_hash(const Relation *relation)
{
	uint64_t hash = source_hash_number(SOURCE_HASH_START, relation->id);

	hash = source_hash_text(hash, relation->schema);
	hash = source_hash_text(hash, relation->name);
	hash = source_hash_number(hash, (uint8_t) relation->replica_identity);
	hash = source_hash_number(hash, relation->ncolumns);
	for (uint16_t i = 0; i < relation->ncolumns; i++)
	{
		const Column *column = &relation->columns[i];

		hash = source_hash_text(hash, column->name);
		hash = source_hash_text(hash, column->type_schema);
		hash = source_hash_text(hash, column->type_name);
		hash = source_hash_text(hash, column->base_type);
		hash = source_hash_number(hash, (uint32_t) column->typmod);
		hash = source_hash_number(hash, column->kind);
		hash =
			source_hash_number(hash, (uint64_t) column->key | (uint64_t) column->primary_key << 1 |
										 (uint64_t) column->not_null << 2);
		hash = source_hash_number(hash, column->nlabels);
		for (uint16_t j = 0; j < column->nlabels; j++)
			hash = source_hash_text(hash, column->labels[j]);
	}
	return hash;
}

SourceShape *
source_relation_new(size_t ncolumns, Err *err)
{
	SourceShape *shape = alloc_zero(sizeof(SourceShape));

	if (shape == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory keeping a table's shape");
		return NULL;
	}
	arena_init(&shape->arena, SOURCE_SHAPES_CEILING);
	shape->relation.ncolumns = (uint16_t) ncolumns;
	shape->columns = arena_zero(&shape->arena, ncolumns * sizeof(Column) + 1, err);
	shape->kinds = arena_zero(&shape->arena, ncolumns + 1, err);
	shape->forms = arena_zero(&shape->arena, ncolumns + 1, err);
	if (ncolumns > SOURCE_MAX_COLUMNS || shape->columns == NULL || shape->kinds == NULL ||
		shape->forms == NULL)
	{
		source_relation_discard(shape);
		return NULL;
	}
	shape->relation.columns = shape->columns;
	return shape;
}

void
source_relation_discard(SourceShape *shape)
{
	if (shape == NULL)
		return;
	arena_release(&shape->arena);
	alloc_free(shape);
}

void
source_relation_finish(SourceShape *shape)
{
	Relation *relation = &shape->relation;

	relation->hash = source_relation_hash(relation);
	shape->nkeys = 0;
	for (uint16_t i = 0; i < relation->ncolumns; i++)
	{
		shape->kinds[i] = relation->columns[i].kind;
		shape->nkeys = (uint16_t) (shape->nkeys + (relation->columns[i].key ? 1 : 0));
	}
}

SourceShape *
source_relation_intern(SourceShapes *shapes, SourceShape *shape, Err *err)
{
	source_relation_finish(shape);
	for (SourceShape *other = shapes->first; other != NULL; other = other->next)
		if (other->relation.hash == shape->relation.hash &&
			other->relation.id == shape->relation.id &&
			other->relation.ncolumns == shape->relation.ncolumns)
		{
			source_relation_discard(shape);
			return other;
		}
	if (shape->arena.total > SOURCE_SHAPES_CEILING - shapes->total)
	{
		(void) err_set(err, ERR_CLASS_RETRY, ERR_NOMEM,
					   "could not keep the shape of table \"%.64s\".\"%.64s\": shapes seen since "
					   "connecting fill their ceiling of %zu bytes",
					   shape->relation.schema, shape->relation.name, SOURCE_SHAPES_CEILING);
		source_relation_discard(shape);
		return NULL;
	}
	shapes->total += shape->arena.total;
	shape->next = shapes->first;
	shapes->first = shape;
	return shape;
}

void
source_relation_release(SourceShapes *shapes)
{
	SourceShape *shape = shapes->first;

	while (shape != NULL)
	{
		SourceShape *next = shape->next;

		source_relation_discard(shape);
		shape = next;
	}
	shapes->first = NULL;
	shapes->total = 0;
}
