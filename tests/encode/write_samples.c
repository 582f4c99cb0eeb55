/* SPDX-License-Identifier: PostgreSQL */
/*
 * write_samples.c — seeded records of all entities as container files and as
 * our JSON, for fastavro to compare: write_samples FOLDER COUNT.
 *
 * For each entity: <entity>.extreme.{null,deflate}.avro with extremes,
 * <entity>.plain.avro with everyday values, and a .jsonl beside each kind.
 */
#include <errno.h>
#include <stdio.h>

#include "encode_samples.h"
#include "goldpan/encode.h"

#define BLOCK_RECORDS 50

static const uint8_t marker[CONTAINER_SYNC_SIZE] = "0123456789abcdef";

static void
must(bool fine, const char *what, const Err *err)
{
	if (fine)
		return;
	(void) fprintf(stderr, "write_samples: %s: %s\n", what, err->message);
	exit(1);
}

static void
save(const char *folder, const char *entity, const char *suffix, const Buffer *bytes)
{
	char path[512];
	FILE *file;

	(void) snprintf(path, sizeof(path), "%s/%s.%s", folder, entity, suffix);
	file = fopen(path, "w");
	if (file == NULL || fwrite(bytes->data, 1, bytes->length, file) != bytes->length ||
		fclose(file) != 0)
	{
		(void) fprintf(stderr, "write_samples: could not write \"%s\": %s\n", path,
					   strerror(errno));
		exit(1);
	}
}

static void
write_entity(const char *folder, const char *name, int count, bool plain)
{
	const char *text = canonical_builtin_schema(name);
	Arena arena;
	Arena event;
	Samples samples = {20261127, plain, &arena};
	CanonicalEntity *entity;
	CanonicalTable table;
	EncodePlan *plan;
	EncodeTable *compiled;
	AvroSchema *schema;
	Buffer files[2];
	Buffer json;
	Buffer block;
	int in_block = 0;
	Err err;

	arena_init(&arena, (size_t) 8 << 20);
	arena_init(&event, (size_t) 8 << 20);
	buffer_init(&json, (size_t) 1 << 30);
	buffer_init(&block, (size_t) 1 << 30);
	entity = canonical_entity_parse(&arena, text, strlen(text), name, &err);
	must(entity != NULL, name, &err);
	schema = avro_schema_parse(&arena, entity->schema_text, strlen(entity->schema_text), &err);
	must(schema != NULL, name, &err);
	table = samples_table(&samples, entity);
	plan = encode_plan_compile(&arena, entity, &err);
	must(plan != NULL, name, &err);
	compiled = encode_table_compile(&arena, plan, &table, &err);
	must(compiled != NULL, name, &err);
	for (int codec = 0; codec < 2; codec++)
	{
		buffer_init(&files[codec], (size_t) 1 << 30);
		must(container_header(&files[codec], entity->schema_text, (ContainerCodec) codec, marker,
							  NULL, 0, &err),
			 name, &err);
	}
	samples.arena = &event;
	for (int n = 1; n <= count; n++)
	{
		CanonicalRecord record = samples_record(&samples, entity);
		size_t start = block.length;
		AvroReader reader;

		must(encode_record(compiled, &record, &block, &err), name, &err);
		reader.next = block.data + start;
		reader.end = block.data + block.length;
		must(encode_read_json(schema, &reader, &json, &err), name, &err);
		must(buffer_append_byte(&json, '\n', &err), name, &err);
		arena_reset(&event);
		if (++in_block < BLOCK_RECORDS && n < count)
			continue;
		for (int codec = 0; codec < 2; codec++)
			must(container_block(&files[codec], (ContainerCodec) codec, marker, in_block,
								 block.data, block.length, &err),
				 name, &err);
		buffer_clear(&block);
		in_block = 0;
	}
	save(folder, name, plain ? "plain.jsonl" : "extreme.jsonl", &json);
	save(folder, name, plain ? "plain.avro" : "extreme.null.avro", &files[0]);
	if (!plain)
		save(folder, name, "extreme.deflate.avro", &files[1]);
	buffer_release(&files[0]);
	buffer_release(&files[1]);
	buffer_release(&json);
	buffer_release(&block);
	arena_release(&event);
	arena_release(&arena);
}

int
main(int argc, char **argv)
{
	if (argc != 3)
	{
		(void) fprintf(stderr, "usage: write_samples FOLDER COUNT\n");
		return 2;
	}
	for (size_t i = 0; canonical_builtin_name(i) != NULL; i++)
	{
		write_entity(argv[1], canonical_builtin_name(i), atoi(argv[2]), false);
		write_entity(argv[1], canonical_builtin_name(i), atoi(argv[2]) / 10 + 1, true);
	}
	return 0;
}
