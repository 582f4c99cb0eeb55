/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_encode_record.c — 10,000 seeded records of all entities are libavro's
 * bytes, and come back from our reader and from container files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include <jansson.h>

#include "encode_oracle.h"
#include "encode_samples.h"
#include "goldpan/alloc.h"
#include "goldpan/clock.h"

/* valgrind takes minutes for what else takes seconds */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#define RECORDS_PER_ENTITY (RUNNING_ON_VALGRIND ? 100 : 1000)
#define TABLES_PER_ENTITY  4

static const uint8_t marker[CONTAINER_SYNC_SIZE] = "0123456789abcdef";

typedef struct Fixture
{
	Arena arena; /* entity, plans, schema */
	Arena event; /* values of one record */
	Samples samples;
	CanonicalEntity *entity;
	AvroSchema *schema;
	CanonicalTable tables[TABLES_PER_ENTITY];
	EncodeTable *compiled[TABLES_PER_ENTITY];
} Fixture;

static void
fixture_open(Fixture *fixture, const char *name)
{
	const char *text = canonical_builtin_schema(name);
	EncodePlan *plan;
	Err err;

	arena_init(&fixture->arena, (size_t) 8 << 20);
	arena_init(&fixture->event, (size_t) 8 << 20);
	fixture->samples = (Samples){20261126, false, &fixture->arena};
	fixture->entity = canonical_entity_parse(&fixture->arena, text, strlen(text), name, &err);
	assert_non_null(fixture->entity);
	fixture->schema = avro_schema_parse(&fixture->arena, fixture->entity->schema_text,
										strlen(fixture->entity->schema_text), &err);
	assert_non_null(fixture->schema);
	plan = encode_plan_compile(&fixture->arena, fixture->entity, &err);
	assert_non_null(plan);
	for (int i = 0; i < TABLES_PER_ENTITY; i++)
	{
		fixture->tables[i] = samples_table(&fixture->samples, fixture->entity);
		fixture->compiled[i] =
			encode_table_compile(&fixture->arena, plan, &fixture->tables[i], &err);
		assert_non_null(fixture->compiled[i]);
	}
	fixture->samples.arena = &fixture->event;
}

static void
fixture_close(Fixture *fixture)
{
	arena_release(&fixture->event);
	arena_release(&fixture->arena);
}

/* ---- reading back ---- */

static Decimal
decimal_of_text(const char *text)
{
	bool negative = *text == '-';
	int scale = -1;
	Decimal value = 0;

	for (text += negative; *text != '\0'; text++)
	{
		if (*text == '.')
		{
			scale = 0;
			continue;
		}
		value = value * 10 + (*text - '0');
		scale += scale >= 0;
	}
	for (scale = scale < 0 ? 0 : scale; scale < CANONICAL_DECIMAL_SCALE; scale++)
		value *= 10;
	return negative ? -value : value;
}

static void
assert_real(const json_t *json, double real)
{
	const char *text = json_string_value(json);

	if (isnan(real))
		assert_string_equal(text, "NaN");
	else if (isinf(real))
		assert_string_equal(text, real > 0 ? "Infinity" : "-Infinity");
	else
		assert_true(json_number_value(json) == real &&
					signbit(json_number_value(json)) == signbit(real));
}

static void
assert_instant(const json_t *json, int64_t micros)
{
	char text[CLOCK_TEXT_SIZE];

	(void) clock_format(micros, text);
	assert_string_equal(json_string_value(json), text);
}

static void
assert_date(const json_t *json, int64_t days)
{
	char text[CLOCK_TEXT_SIZE];

	if (json_is_integer(json)) /* beyond what a clock in microseconds can say */
	{
		assert_true(days > INT64_C(106000000) || days < -INT64_C(106000000));
		assert_true(json_integer_value(json) == days);
		return;
	}
	(void) clock_format(days * 86400 * CLOCK_SECOND, text);
	text[strcspn(text, "T")] = '\0';
	assert_string_equal(json_string_value(json), text);
}

static void
assert_field(const json_t *json, FieldType type, const CanonicalValue *value)
{
	if (!value->present)
	{
		assert_true(json_is_null(json));
		return;
	}
	switch (type)
	{
		case FIELD_BOOLEAN:
			assert_true(json_is_boolean(json) && json_boolean_value(json) == value->as.boolean);
			break;
		case FIELD_INT:
		case FIELD_LONG:
			assert_true(json_is_integer(json) && json_integer_value(json) == value->as.integer);
			break;
		case FIELD_DATE:
			assert_date(json, value->as.integer);
			break;
		case FIELD_TIMESTAMP:
			assert_instant(json, value->as.integer);
			break;
		case FIELD_DOUBLE:
			assert_real(json, value->as.real);
			break;
		case FIELD_DECIMAL:
			assert_true(decimal_of_text(json_string_value(json)) == value->as.decimal);
			break;
		case FIELD_STRING:
			assert_int_equal(json_string_length(json), value->length);
			assert_memory_equal(json_string_value(json), value->as.text, value->length);
			break;
	}
}

static void
assert_names(const json_t *json, const CanonicalEntity *entity, const FieldSet *set)
{
	size_t at = 0;

	for (unsigned i = 0; i < entity->nfields; i++)
		if (field_set_has(set, i))
			assert_string_equal(json_string_value(json_array_get(json, at++)),
								entity->fields[i].name);
	assert_true(json_is_array(json));
	assert_int_equal(json_array_size(json), at);
}

static void
assert_meta(const json_t *meta, const CanonicalEntity *entity, const CanonicalTable *table,
			const CanonicalRecord *record)
{
	static const char *const operations[] = {"create",	 "update",	 "delete",
											 "snapshot", "truncate", "erase"};
	char lsn[LSN_TEXT_SIZE];
	json_t *ownership = json_object_get(meta, "ownership");

	assert_string_equal(json_string_value(json_object_get(meta, "operation")),
						operations[record->operation]);
	assert_string_equal(json_string_value(json_object_get(meta, "end_lsn")),
						lsn_format(record->end_lsn, lsn));
	assert_true(json_integer_value(json_object_get(meta, "xid")) == record->xid);
	assert_instant(json_object_get(meta, "commit_time"), record->commit_time);
	if (record->part == 0)
		assert_true(json_is_null(json_object_get(meta, "last_part")));
	else
		assert_true(json_boolean_value(json_object_get(meta, "last_part")) == record->last_part);
	if (record->knows_changed)
	{
		assert_names(json_object_get(meta, "changed"), entity, &record->changed);
		assert_names(json_object_get(meta, "violations"), entity, &record->violations);
	}
	else
	{
		assert_true(json_is_null(json_object_get(meta, "changed")));
		assert_true(json_is_null(json_object_get(meta, "violations")));
	}
	assert_names(json_object_get(meta, "unchanged"), entity, &record->unchanged);
	assert_int_equal(json_array_size(ownership), entity->nfields);
	for (unsigned i = 0; i < entity->nfields; i++)
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(ownership, i), "owner")),
			table->ownership[i].owner);
}

static void
assert_read_back(const Fixture *fixture, const CanonicalTable *table, const CanonicalRecord *record,
				 const uint8_t *bytes, size_t length)
{
	AvroReader reader = {bytes, bytes + length};
	AvroReader skipped = reader;
	json_error_t problem;
	const char *text;
	size_t text_length;
	Buffer json;
	json_t *root;
	Err err;

	buffer_init(&json, (size_t) 64 << 20);
	assert_true(encode_skip(fixture->schema, &skipped, &err));
	assert_ptr_equal(skipped.next, skipped.end);
	assert_true(encode_read_json(fixture->schema, &reader, &json, &err));
	assert_ptr_equal(reader.next, reader.end);
	root = json_loadb((const char *) json.data, json.length, 0, &problem);
	if (root == NULL)
		fail_msg("%s: %.*s", problem.text, (int) json.length, (const char *) json.data);
	assert_memory_equal(json_string_value(json_object_get(root, "id")), record->id,
						record->id_length);
	for (unsigned i = 0; i < fixture->entity->nfields; i++)
		assert_field(json_object_get(root, fixture->entity->fields[i].name),
					 fixture->entity->fields[i].type, &record->fields[i]);
	assert_meta(json_object_get(root, "meta"), fixture->entity, table, record);
	json_decref(root);
	buffer_release(&json);

	skipped.next = bytes;
	assert_true(encode_find_text(fixture->schema, &skipped, "meta.snapshot_attempt", &text,
								 &text_length, &err));
	if (record->snapshot_attempt == NULL)
		assert_null(text);
	else
		assert_memory_equal(text, record->snapshot_attempt, text_length);
	assert_true(
		encode_find_text(fixture->schema, &skipped, "meta.nothing", &text, &text_length, &err));
	assert_null(text);
}

/* ---- the oracle ---- */

/* Writes what was encoded as a container file, and has libavro read it. */
static void
assert_libavro_reads_file(const Fixture *fixture, const Buffer *file, const Buffer *bodies)
{
	char path[] = "/tmp/goldpan-test-XXXXXX";
	int fd = mkstemp(path);
	avro_file_reader_t reader;
	avro_schema_t schema;
	avro_value_iface_t *iface;
	avro_value_t value;
	size_t length = 0;
	char *again = malloc(bodies->length + 1);
	avro_writer_t writer = avro_writer_memory(again, (int64_t) bodies->length + 1);
	int count = 0;
	int status;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file->data, file->length), (ssize_t) file->length);
	(void) close(fd);
	oracle_must(avro_schema_from_json_length(fixture->entity->schema_text,
											 strlen(fixture->entity->schema_text), &schema));
	oracle_must(avro_file_reader(path, &reader));
	iface = avro_generic_class_from_schema(schema);
	oracle_must(avro_generic_value_new(iface, &value));
	while ((status = avro_file_reader_read_value(reader, &value)) == 0)
	{
		oracle_must(avro_value_write(writer, &value));
		oracle_must(avro_value_reset(&value));
		count++;
	}
	assert_int_equal(status, EOF);
	assert_int_equal(count, RECORDS_PER_ENTITY);
	length = (size_t) avro_writer_tell(writer);
	assert_int_equal(length, bodies->length);
	assert_memory_equal(again, bodies->data, length);
	avro_value_decref(&value);
	avro_value_iface_decref(iface);
	(void) avro_file_reader_close(reader);
	avro_schema_decref(schema);
	avro_writer_free(writer);
	free(again);
	(void) unlink(path);
}

static void
check_entity(const char *name, ContainerCodec codec)
{
	const size_t capacity = (size_t) 32 << 20;
	Fixture fixture;
	avro_schema_t schema;
	avro_value_iface_t *iface;
	avro_value_t value;
	char *oracle = malloc(capacity);
	Buffer bodies;
	Buffer file;
	size_t block_start = 0;
	Err err;

	fixture_open(&fixture, name);
	buffer_init(&bodies, (size_t) 1 << 30);
	buffer_init(&file, (size_t) 1 << 30);
	oracle_must(avro_schema_from_json_length(fixture.entity->schema_text,
											 strlen(fixture.entity->schema_text), &schema));
	iface = avro_generic_class_from_schema(schema);
	oracle_must(avro_generic_value_new(iface, &value));
	assert_true(container_header(&file, fixture.entity->schema_text, codec, marker, NULL, 0, &err));
	for (int n = 1; n <= RECORDS_PER_ENTITY; n++)
	{
		unsigned table = (unsigned) n / 3 % TABLES_PER_ENTITY;
		CanonicalRecord record = samples_record(&fixture.samples, fixture.entity);
		avro_writer_t writer = avro_writer_memory(oracle, (int64_t) capacity);
		size_t start = bodies.length;

		assert_true(encode_record(fixture.compiled[table], &record, &bodies, &err));
		oracle_fill(&value, fixture.entity, &fixture.tables[table], &record);
		oracle_must(avro_value_write(writer, &value));
		assert_int_equal(bodies.length - start, (size_t) avro_writer_tell(writer));
		assert_memory_equal(bodies.data + start, oracle, bodies.length - start);
		/* comparing JSON costs most of the time; test-encode does it for all of them */
		if (n % 4 == 0)
			assert_read_back(&fixture, &fixture.tables[table], &record, bodies.data + start,
							 bodies.length - start);
		avro_writer_free(writer);
		arena_reset(&fixture.event);
		if (n % 100 != 0)
			continue;
		assert_true(container_block(&file, codec, marker, 100, bodies.data + block_start,
									bodies.length - block_start, &err));
		block_start = bodies.length;
	}
	assert_libavro_reads_file(&fixture, &file, &bodies);
	avro_value_decref(&value);
	avro_value_iface_decref(iface);
	avro_schema_decref(schema);
	buffer_release(&file);
	buffer_release(&bodies);
	free(oracle);
	fixture_close(&fixture);
}

static void
records_of_all_entities_are_libavros_bytes_and_come_back(void **state)
{
	size_t n;

	(void) state;
	for (n = 0; canonical_builtin_name(n) != NULL; n++)
		check_entity(canonical_builtin_name(n), n % 2 == 0 ? CONTAINER_NULL : CONTAINER_DEFLATE);
	assert_int_equal(n, 10);
}

/* ---- golden bytes ---- */

static const char golden_schema[] =
	"{\"type\":\"record\",\"name\":\"device\",\"namespace\":\"acme\",\"fields\":["
	"{\"name\":\"source\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"string\"},"
	"{\"name\":\"label\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"x\"},"
	"{\"name\":\"price\",\"type\":[\"null\",{\"type\":\"bytes\",\"logicalType\":\"decimal\","
	"\"precision\":38,\"scale\":9}],\"default\":null,\"doc\":\"x\"},"
	"{\"name\":\"made\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}],"
	"\"default\":null,\"doc\":\"x\"},"
	"{\"name\":\"ratio\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"x\"},"
	"{\"name\":\"live\",\"type\":[\"null\",\"boolean\"],\"default\":null,\"doc\":\"x\"},"
	"{\"name\":\"meta\",\"type\":\"goldpan.canonical.Meta\"}]}";

/* One record as the specification says it. */
static const uint8_t golden_record[] = {
	0x06, 'c',	'r',  'm',				/* source: length 3 */
	0x04, '4',	'2',					/* id */
	0x02, 0x06, 'Z',  0xc3, 0xab,		/* label: branch 1, "Zë" */
	0x02, 0x08, 0x87, 0xd6, 0x48, 0x00, /* price: -2.016 scaled by 10^9 */
	0x02, 0xe0, 0xca, 0x02,				/* made: 21168 days */
	0x00,								/* ratio: null */
	0x02, 0x01,							/* live: true */
	0x30, 'c',	'r',  'm',	'/',  '0',	'0',  '0', '0',	 '0',  '0',	 '0',  '0',
	'0',  '1',	'6',  'B',	'3',  'C',	'2',  'A', '/',	 '7',  '.',	 '1', /* meta.event_id: 24 */
	0x02,																  /* operation: update */
	0x04, 'd',	'b',													  /* database */
	0x02, 's',															  /* schema */
	0x02, 't',															  /* table */
	0x02, 0x04, 'e',  'u',												  /* region: branch 1 */
	0x02, 'v',															  /* mapping_version */
	0xd4, 0xf0, 0xd9, 0x16,												  /* end_lsn 0x16B3C2A */
	0x0e,																  /* ordinal 7 */
	0x02,																  /* sub 1 */
	0x8a, 0x0c,															  /* xid 773 */
	0x01,																  /* commit_time -1 */
	0x00,																  /* origin: null */
	0x00,												 /* snapshot_attempt: null */
	0x02, 0x04,											 /* part: 2 */
	0x02, 0x01,											 /* last_part: true */
	0x02, 0x02, 0x0a, 'l',	'a',  'b',	'e',  'l', 0x00, /* changed: one name */
	0x02, 0x00,											 /* violations: known, none */
	0x00,												 /* unchanged: none */
	0x0a,												 /* ownership: 5 tags */
	0x0a, 'l',	'a',  'b',	'e',  'l',	0x06, 'c', 'r',	 'm',  0x00, 0x01, /* owner_wins, is_owner */
	0x0a, 'p',	'r',  'i',	'c',  'e',	0x06, 'e', 'r',	 'p',  0x02, 0x00, /* source_precedence */
	0x08, 'm',	'a',  'd',	'e',  0x06, 'e',  'r', 'p',	 0x04, 0x00,	   /* last_write_wins */
	0x0a, 'r',	'a',  't',	'i',  'o',	0x06, 'e', 'r',	 'p',  0x06, 0x00, /* manual */
	0x08, 'l',	'i',  'v',	'e',  0x06, 'c',  'r', 'm',	 0x00, 0x01, 0x00, /* end of ownership */
};

static const char golden_json[] =
	"{\"source\":\"crm\",\"id\":\"42\",\"label\":\"Zë\",\"price\":\"-2.016\",\"made\":\"2027-12-"
	"16\","
	"\"ratio\":null,\"live\":true,\"meta\":{\"event_id\":\"crm/00000000016B3C2A/7.1\","
	"\"operation\":\"update\",\"database\":\"db\",\"schema\":\"s\",\"table\":\"t\",\"region\":"
	"\"eu\","
	"\"mapping_version\":\"v\",\"end_lsn\":\"0/16B3C2A\",\"ordinal\":7,\"sub\":1,\"xid\":773,"
	"\"commit_time\":\"1969-12-31T23:59:59.999999Z\",\"origin\":null,\"snapshot_attempt\":null,"
	"\"part\":2,\"last_part\":true,\"changed\":[\"label\"],\"violations\":[],\"unchanged\":[],"
	"\"ownership\":["
	"{\"field\":\"label\",\"owner\":\"crm\",\"rule\":\"owner_wins\",\"is_owner\":true},"
	"{\"field\":\"price\",\"owner\":\"erp\",\"rule\":\"source_precedence\",\"is_owner\":false},"
	"{\"field\":\"made\",\"owner\":\"erp\",\"rule\":\"last_write_wins\",\"is_owner\":false},"
	"{\"field\":\"ratio\",\"owner\":\"erp\",\"rule\":\"manual\",\"is_owner\":false},"
	"{\"field\":\"live\",\"owner\":\"crm\",\"rule\":\"owner_wins\",\"is_owner\":true}]}}";

static const FieldOwnership golden_tags[] = {
	{"label", "crm", RULE_OWNER_WINS, true},	  {"price", "erp", RULE_SOURCE_PRECEDENCE, false},
	{"made", "erp", RULE_LAST_WRITE_WINS, false}, {"ratio", "erp", RULE_MANUAL, false},
	{"live", "crm", RULE_OWNER_WINS, true},
};

static const CanonicalTable golden_table = {"crm", "db", "s", "t", "eu", "v", 5, golden_tags};

static CanonicalRecord
golden_values(CanonicalValue values[5])
{
	CanonicalRecord record = {.id = "42",
							  .id_length = 2,
							  .operation = OPERATION_UPDATE,
							  .knows_changed = true,
							  .fields = values,
							  .end_lsn = 0x16B3C2A,
							  .ordinal = 7,
							  .sub = 1,
							  .xid = 773,
							  .commit_time = -1,
							  .part = 2,
							  .last_part = true};

	memset(values, 0, 5 * sizeof(*values));
	values[0] = (CanonicalValue){.present = true, .length = 3, .as.text = "Zë"};
	values[1] = (CanonicalValue){.present = true, .as.decimal = INT64_C(-2016000000)};
	values[2] = (CanonicalValue){.present = true, .as.integer = 21168};
	values[4] = (CanonicalValue){.present = true, .as.boolean = true};
	field_set_add(&record.changed, 0);
	return record;
}

static void
a_record_is_the_golden_bytes_and_they_are_the_golden_json(void **state)
{
	AvroReader reader = {golden_record, golden_record + sizeof(golden_record)};
	CanonicalValue values[5];
	CanonicalRecord record = golden_values(values);
	CanonicalEntity *entity;
	EncodePlan *plan;
	EncodeTable *table;
	AvroSchema *schema;
	Arena arena;
	Buffer out;
	Err err;

	(void) state;
	arena_init(&arena, (size_t) 1 << 20);
	buffer_init(&out, 1 << 20);
	entity =
		canonical_entity_parse(&arena, golden_schema, sizeof(golden_schema) - 1, "golden", &err);
	assert_non_null(entity);
	plan = encode_plan_compile(&arena, entity, &err);
	assert_non_null(plan);
	table = encode_table_compile(&arena, plan, &golden_table, &err);
	assert_non_null(table);
	assert_true(encode_record(table, &record, &out, &err));
	assert_int_equal(out.length, sizeof(golden_record));
	assert_memory_equal(out.data, golden_record, sizeof(golden_record));

	schema = avro_schema_parse(&arena, entity->schema_text, strlen(entity->schema_text), &err);
	assert_non_null(schema);
	buffer_clear(&out);
	assert_true(encode_read_json(schema, &reader, &out, &err));
	assert_true(buffer_append_byte(&out, 0, &err));
	assert_string_equal((const char *) out.data, golden_json);

	/* an integer that is too wide must not become another number */
	values[2].as.integer = INT64_C(1) << 31;
	buffer_clear(&out);
	assert_false(encode_record(table, &record, &out, &err));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(out.length, 0);
	buffer_release(&out);
	arena_release(&arena);
}

static void
every_cut_of_a_record_is_bad_data(void **state)
{
	AvroSchema *schema;
	CanonicalEntity *entity;
	Arena arena;
	Buffer json;
	Err err;

	(void) state;
	arena_init(&arena, (size_t) 1 << 20);
	buffer_init(&json, 1 << 20);
	entity =
		canonical_entity_parse(&arena, golden_schema, sizeof(golden_schema) - 1, "golden", &err);
	assert_non_null(entity);
	schema = avro_schema_parse(&arena, entity->schema_text, strlen(entity->schema_text), &err);
	assert_non_null(schema);
	for (size_t length = 0; length < sizeof(golden_record); length++)
	{
		AvroReader reader = {golden_record, golden_record + length};
		AvroReader skip = reader;

		buffer_clear(&json);
		assert_false(encode_read_json(schema, &reader, &json, &err));
		assert_int_equal(err.code, ERR_DATA);
		assert_int_equal(err.class, ERR_CLASS_STOP);
		assert_false(encode_skip(schema, &skip, &err));
		assert_int_equal(err.code, ERR_DATA);
	}
	buffer_release(&json);
	arena_release(&arena);
}

/* ---- errors ---- */

static void
a_wrong_tag_or_source_is_refused(void **state)
{
	CanonicalTable table = golden_table;
	FieldOwnership tags[5];
	CanonicalEntity *entity;
	EncodePlan *plan;
	Arena arena;
	Err err;

	(void) state;
	memcpy(tags, golden_tags, sizeof(tags));
	table.ownership = tags;
	arena_init(&arena, (size_t) 1 << 20);
	entity =
		canonical_entity_parse(&arena, golden_schema, sizeof(golden_schema) - 1, "golden", &err);
	assert_non_null(entity);
	plan = encode_plan_compile(&arena, entity, &err);
	assert_non_null(plan);
	table.nownership = 4;
	assert_null(encode_table_compile(&arena, plan, &table, &err));
	assert_string_equal(err.message, "entity \"device\" has 5 fields but 4 ownership tags");
	table.nownership = 5;
	tags[3].field = "price";
	assert_null(encode_table_compile(&arena, plan, &table, &err));
	assert_non_null(strstr(err.message, "\"ratio\""));
	tags[3].field = "ratio";
	table.source = "a_source_with_a_name_of_sixty_four_bytes_which_is_one_too_many_x";
	assert_null(encode_table_compile(&arena, plan, &table, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	arena_release(&arena);
}

/* Compiles and encodes; false at the first failure. */
static bool
golden_attempt(const CanonicalEntity *entity, Arena *arena, Buffer *out, Err *err)
{
	CanonicalValue values[5];
	CanonicalRecord record = golden_values(values);
	EncodePlan *plan = encode_plan_compile(arena, entity, err);
	EncodeTable *table;

	if (plan == NULL)
		return false;
	table = encode_table_compile(arena, plan, &golden_table, err);
	return table != NULL && encode_record(table, &record, out, err);
}

static void
running_out_of_memory_is_an_error_at_every_allocation(void **state)
{
	CanonicalEntity *entity;
	unsigned long failures = 0;
	Arena parsed;
	Err err;

	(void) state;
	arena_init(&parsed, (size_t) 1 << 20);
	entity =
		canonical_entity_parse(&parsed, golden_schema, sizeof(golden_schema) - 1, "golden", &err);
	assert_non_null(entity);
	for (bool done = false; !done; failures++)
	{
		Arena arena;
		Buffer out;

		arena_init(&arena, (size_t) 1 << 20);
		buffer_init(&out, 1 << 20);
		alloc_fail_at(failures + 1);
		done = golden_attempt(entity, &arena, &out, &err);
		alloc_fail_at(0);
		if (done)
			assert_memory_equal(out.data, golden_record, sizeof(golden_record));
		else
		{
			assert_int_equal(err.code, ERR_NOMEM);
			assert_int_equal(out.length, 0);
		}
		buffer_release(&out);
		arena_release(&arena);
	}
	assert_true(failures > 4);
	arena_release(&parsed);
}

static void
a_record_beyond_the_buffers_ceiling_is_an_error(void **state)
{
	Fixture fixture;
	CanonicalRecord record;
	Buffer out;
	Err err;

	(void) state;
	fixture_open(&fixture, "contact");
	record = samples_record(&fixture.samples, fixture.entity);
	buffer_init(&out, 1000);
	assert_false(encode_record(fixture.compiled[0], &record, &out, &err));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_NOMEM);
	assert_int_equal(out.length, 0);
	buffer_release(&out);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_the_golden_bytes_and_they_are_the_golden_json),
		cmocka_unit_test(every_cut_of_a_record_is_bad_data),
		cmocka_unit_test(a_wrong_tag_or_source_is_refused),
		cmocka_unit_test(running_out_of_memory_is_an_error_at_every_allocation),
		cmocka_unit_test(a_record_beyond_the_buffers_ceiling_is_an_error),
		cmocka_unit_test(records_of_all_entities_are_libavros_bytes_and_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
