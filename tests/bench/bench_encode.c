/* SPDX-License-Identifier: PostgreSQL */
/*
 * bench_encode.c — nanoseconds for one record of 20 fields, ours against
 * libavro's generic interface: encode alone, tags on, best of five runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "encode_oracle.h"
#include "encode_samples.h"

#define FIELDS 20
/* few, so that values are in the cache as they are when a change was just mapped */
#define RECORDS 100
#define ROUNDS	1000
#define RUNS	5

static double
now(void)
{
	struct timespec time;

	(void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double) time.tv_sec * 1e9 + (double) time.tv_nsec;
}

/* A customer of 20 fields: 11 texts, three amounts, a date, two instants, three others. */
static CanonicalEntity *
bench_entity(Arena *arena)
{
	static const char *const types[FIELDS] = {
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"\"string\"",
		"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9}",
		"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9}",
		"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":9}",
		"{\"type\":\"int\",\"logicalType\":\"date\"}",
		"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}",
		"{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}",
		"\"int\"",
		"\"boolean\"",
		"\"double\""};
	CanonicalEntity *entity = NULL;
	Buffer text;
	Err err;

	buffer_init(&text, 1 << 16);
	if (!buffer_append_text(&text,
							"{\"type\":\"record\",\"name\":\"customer\",\"namespace\":\"bench\","
							"\"fields\":[{\"name\":\"source\",\"type\":\"string\"},"
							"{\"name\":\"id\",\"type\":\"string\"},",
							&err))
		abort();
	for (int i = 0; i < FIELDS; i++)
		if (!buffer_printf(&text, &err,
						   "{\"name\":\"field_%02d\",\"type\":[\"null\",%s],\"default\":null,"
						   "\"doc\":\"x\"},",
						   i, types[i]))
			abort();
	if (!buffer_append_text(&text, "{\"name\":\"meta\",\"type\":\"goldpan.canonical.Meta\"}]}",
							&err))
		abort();
	entity = canonical_entity_parse(arena, (const char *) text.data, text.length, "bench", &err);
	buffer_release(&text);
	return entity;
}

static double
bench_ours(const EncodeTable *table, const CanonicalRecord *records, Buffer *out)
{
	double best = 1e18;
	Err err;

	for (int run = 0; run < RUNS; run++)
	{
		double start = now();

		for (int round = 0; round < ROUNDS; round++)
		{
			buffer_clear(out);
			for (int i = 0; i < RECORDS; i++)
				if (!encode_record(table, &records[i], out, &err))
					abort();
		}
		start = (now() - start) / ((double) ROUNDS * RECORDS);
		best = start < best ? start : best;
	}
	return best;
}

/* Encoding alone: the generic values were filled before. */
static double
bench_libavro(const CanonicalEntity *entity, const CanonicalTable *table,
			  const CanonicalRecord *records, char *out, size_t capacity, double *filling)
{
	avro_value_t *values = calloc(RECORDS, sizeof(*values));
	avro_value_iface_t *iface;
	avro_schema_t schema;
	double best = 1e18;

	if (values == NULL)
		abort();
	oracle_must(
		avro_schema_from_json_length(entity->schema_text, strlen(entity->schema_text), &schema));
	iface = avro_generic_class_from_schema(schema);
	for (int i = 0; i < RECORDS; i++)
		oracle_must(avro_generic_value_new(iface, &values[i]));
	for (int run = 0; run < RUNS; run++)
	{
		double start = now();

		for (int i = 0; i < RECORDS; i++)
			oracle_fill(&values[i], entity, table, &records[i]);
		*filling = (now() - start) / RECORDS;
		start = now();
		for (int round = 0; round < 50; round++)
		{
			avro_writer_t writer = avro_writer_memory(out, (int64_t) capacity);

			for (int i = 0; i < RECORDS; i++)
				oracle_must(avro_value_write(writer, &values[i]));
			avro_writer_free(writer);
		}
		start = (now() - start) / (50.0 * RECORDS);
		best = start < best ? start : best;
	}
	for (int i = 0; i < RECORDS; i++)
		avro_value_decref(&values[i]);
	avro_value_iface_decref(iface);
	avro_schema_decref(schema);
	free(values);
	return best;
}

int
main(void)
{
	const size_t capacity = (size_t) 16 << 20;
	Arena arena;
	Samples samples = {1, true, &arena};
	CanonicalRecord *records = calloc(RECORDS, sizeof(*records));
	char *oracle = malloc(capacity);
	CanonicalEntity *entity;
	CanonicalTable table;
	EncodePlan *plan;
	EncodeTable *compiled = NULL;
	double filling = 0;
	double ours;
	double theirs;
	Buffer out;
	Err err;

	arena_init(&arena, (size_t) 64 << 20);
	buffer_init(&out, capacity);
	entity = bench_entity(&arena);
	if (entity == NULL || records == NULL || oracle == NULL)
		abort();
	table = samples_table(&samples, entity);
	plan = encode_plan_compile(&arena, entity, &err);
	if (plan != NULL)
		compiled = encode_table_compile(&arena, plan, &table, &err);
	if (compiled == NULL)
		abort();
	for (int i = 0; i < RECORDS; i++)
	{
		records[i] = samples_record(&samples, entity);
		for (int f = 0; f < FIELDS; f++)
			records[i].fields[f].present = true;
	}
	ours = bench_ours(compiled, records, &out);
	theirs = bench_libavro(entity, &table, records, oracle, capacity, &filling);
	if (memcmp(oracle, out.data, out.length) != 0)
	{
		(void) fprintf(stderr, "bench_encode: the bytes differ\n");
		return 1;
	}
	(void) printf("%d fields, %zu bytes a record, %d tags\n", FIELDS, out.length / RECORDS, FIELDS);
	(void) printf("goldpan  %8.0f ns a record\n", ours);
	(void) printf("libavro  %8.0f ns a record, and %.0f ns to fill its value\n", theirs, filling);
	(void) printf("RESULT goldpan_ns=%.0f libavro_ns=%.0f ratio=%.3f\n", ours, theirs,
				  ours / theirs);
	buffer_release(&out);
	arena_release(&arena);
	free(records);
	free(oracle);
	return 0;
}
