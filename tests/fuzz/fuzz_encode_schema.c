/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_encode_schema.c — any bytes as a canonical schema; what is accepted must
 * parse as Avro and again, and an empty record of it must be read back.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "goldpan/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool fine)
{
	if (!fine)
		abort();
}

static void
encode_nulls(Arena *arena, const CanonicalEntity *entity)
{
	CanonicalTable table = {"crm", "db", "public", "t", NULL, "v", entity->nfields, NULL};
	CanonicalRecord record = {.id = "1", .id_length = 1};
	FieldOwnership *tags;
	AvroReader reader;
	AvroSchema *schema;
	EncodePlan *plan;
	EncodeTable *compiled;
	Buffer out;
	Err err;

	buffer_init(&out, (size_t) 1 << 20);
	tags = arena_zero(arena, entity->nfields * sizeof(*tags), &err);
	record.fields = arena_zero(arena, entity->nfields * sizeof(*record.fields), &err);
	must(tags != NULL && record.fields != NULL);
	for (unsigned i = 0; i < entity->nfields; i++)
		tags[i] = (FieldOwnership){entity->fields[i].name, "crm", RULE_MANUAL, true};
	table.ownership = tags;
	schema = avro_schema_parse(arena, entity->schema_text, strlen(entity->schema_text), &err);
	must(schema != NULL);
	plan = encode_plan_compile(arena, entity, &err);
	must(plan != NULL);
	compiled = encode_table_compile(arena, plan, &table, &err);
	must(compiled != NULL);
	must(encode_record(compiled, &record, &out, &err));
	reader.next = out.data;
	reader.end = out.data + out.length;
	must(encode_skip(schema, &reader, &err));
	must(reader.next == reader.end);
	buffer_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CanonicalEntity *entity;
	CanonicalEntity *again;
	Arena arena;
	Err err;

	arena_init(&arena, (size_t) 64 << 20);
	(void) avro_schema_parse(&arena, (const char *) data, size, &err);
	entity = canonical_entity_parse(&arena, (const char *) data, size, "fuzz", &err);
	if (entity != NULL)
	{
		again = canonical_entity_parse(&arena, entity->schema_text, strlen(entity->schema_text),
									   "fuzz", &err);
		must(again != NULL && strcmp(again->schema_text, entity->schema_text) == 0);
		encode_nulls(&arena, entity);
	}
	arena_release(&arena);
	return 0;
}
