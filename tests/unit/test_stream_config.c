/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_stream_config.c — topics and tables that follow from a mapping, and marks in records of every
 * type of field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "stream/stream_priv.h"

static const char mapping_text[] =
	"ownership = ( { of = \"account\"; owner = \"crm\"; rule = \"owner_wins\";"
	"  direction = \"source_to_canonical\"; steward = \"s\"; },"
	" { of = \"contact\"; owner = \"crm\"; rule = \"owner_wins\";"
	"  direction = \"source_to_canonical\"; steward = \"s\"; } );"
	"sources = ( { name = \"crm\"; tables = ("
	" { schema = \"Sales\"; table = \"firm\"; entity = \"account\"; key = [ \"id\" ];"
	"   discriminator = \"firm:\"; fields = ( { to = \"name\"; from = \"title\"; } ); },"
	" { schema = \"Sales\"; table = \"firm\"; entity = \"contact\"; key = [ \"id\" ];"
	"   fields = ( { to = \"full_name\"; from = \"title\"; },"
	"              { to = \"username\"; from = \"login\"; } ); },"
	" { schema = \"Sales\"; table = \"Odd\"; entity = \"account\"; key = [ \"id\" ];"
	"   discriminator = \"odd:\"; fields = ( { to = \"name\"; from = \"title\"; } ); }"
	" ); } );";

typedef struct Fixture
{
	Arena arena;
	MappingProblems problems;
	Mapping *mapping;
} Fixture;

static void
fixture_open(Fixture *fixture)
{
	Err err;

	memset(fixture, 0, sizeof(*fixture));
	arena_init(&fixture->arena, 8 << 20);
	fixture->problems.arena = &fixture->arena;
	if (!mapping_parse(mapping_text, sizeof(mapping_text) - 1, "mapping.conf", NULL,
					   &fixture->mapping, &fixture->problems, &err))
		fail_msg("%s: %s", err.message,
				 fixture->problems.count > 0 ? fixture->problems.list[0].what : "");
}

static void
fixture_close(Fixture *fixture)
{
	mapping_free(fixture->mapping);
	arena_release(&fixture->arena);
}

static void
each_topic_is_named_once(void **state)
{
	static const char *const expected[] = {"customer.account", "customer.contact",
										   "customer.dead_letter", "customer.snapshot"};
	Fixture fixture;
	LogTopic *topics;
	size_t ntopics;
	Err err;

	(void) state;
	fixture_open(&fixture);
	assert_true(
		stream_topics(fixture.mapping, "customer", &fixture.arena, &topics, &ntopics, &err));
	assert_int_equal(ntopics, 4);
	for (size_t i = 0; i < ntopics; i++)
	{
		assert_string_equal(topics[i].name, expected[i]);
		assert_non_null(topics[i].schema_text);
	}
	assert_int_equal(topics[2].kind, TOPIC_DEAD_LETTER);
	assert_int_equal(topics[3].kind, TOPIC_SNAPSHOT);
	assert_int_equal(stream_topic_index(topics, ntopics, "contact"), 1);
	fixture_close(&fixture);
}

static void
a_table_of_two_entities_is_read_once_with_the_columns_of_both(void **state)
{
	Fixture fixture;
	SourceTable *tables;
	size_t ntables;
	Err err;

	(void) state;
	fixture_open(&fixture);
	assert_true(
		stream_source_tables(fixture.mapping, "crm", &fixture.arena, &tables, &ntables, &err));
	assert_int_equal(ntables, 2);
	assert_string_equal(tables[0].name, "firm");
	assert_int_equal(tables[0].ncolumns, 3);
	assert_int_equal(tables[1].ncolumns, 2);
	fixture_close(&fixture);
}

static void
a_tables_text_is_quoted_where_sql_needs_it(void **state)
{
	static const struct
	{
		const char *schema;
		const char *name;
		const char *text;
	} rows[] = {{"public", "contact_2", "public.contact_2"},
				{"Sales", "a b", "\"Sales\".\"a b\""},
				{"public", "say \"x\"", "public.\"say \"\"x\"\"\""},
				{"2nd", "", "\"2nd\".\"\""}};
	Arena arena;
	Err err;

	(void) state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(stream_table_text(&arena, rows[i].schema, rows[i].name, &err),
							rows[i].text);
	arena_release(&arena);
}

/* ---- marks ---- */

static void
add_record(const StreamPlan *plan, const CanonicalRecord *record, LogBatch *batch)
{
	Err err;
	LogRecord *entry = log_batch_add(batch, &err);
	size_t at;

	assert_true(encode_key("crm", record->id, record->id_length, &batch->bytes, &err));
	at = batch->bytes.length;
	entry->key_length = (uint32_t) (at - entry->bytes);
	assert_true(encode_record(plan->encode, record, &batch->bytes, &err));
	entry->value_length = (uint32_t) (batch->bytes.length - at);
	assert_true(buffer_append_text(&batch->bytes, "event", &err));
	entry->event_id_length = 5;
	assert_true(buffer_append(&batch->bytes, record->id, record->id_length, &err));
	entry->id_length = record->id_length;
	entry->topic = plan->topic;
	entry->table = plan->uri;
}

static void
expect_same(const LogBatch *got, const LogBatch *expected)
{
	assert_int_equal(got->count, expected->count);
	assert_int_equal(got->bytes.length, expected->bytes.length);
	assert_memory_equal(got->bytes.data, expected->bytes.data, got->bytes.length);
	for (size_t i = 0; i < got->count; i++)
	{
		assert_int_equal(got->records[i].bytes, expected->records[i].bytes);
		assert_int_equal(got->records[i].value_length, expected->records[i].value_length);
	}
}

/* Marks put in afterwards give the bytes that the encoder gives for marked records. */
static void
expect_marks(StreamPlan *plan, CanonicalRecord *record)
{
	LogBatch plain;
	LogBatch marked;
	LogBatch last;
	Err err;

	log_batch_init(&plain, 1 << 20);
	log_batch_init(&marked, 1 << 20);
	log_batch_init(&last, 1 << 20);
	for (unsigned i = 0; i < 20; i++)
	{
		record->ordinal = i;
		record->part = 0;
		record->last_part = false;
		add_record(plan, record, &plain);
		record->part = i < 5 ? 0 : 1;
		add_record(plan, record, &marked);
		record->last_part = i >= 5;
		add_record(plan, record, &last);
	}
	assert_true(stream_part_mark_first(&plain, 5, &err));
	expect_same(&plain, &marked);
	assert_true(stream_part_mark_last(&plain, 5, &err));
	expect_same(&plain, &last);
	log_batch_release(&plain);
	log_batch_release(&marked);
	log_batch_release(&last);
}

static void
fill_field(CanonicalValue *value, FieldType type)
{
	value->present = true;
	switch (type)
	{
		case FIELD_BOOLEAN:
			value->as.boolean = true;
			break;
		case FIELD_DOUBLE:
			value->as.real = 1.5;
			break;
		case FIELD_STRING:
			value->as.text = "text";
			value->length = 4;
			break;
		case FIELD_DECIMAL:
			value->as.decimal = -((Decimal) 1 << 100);
			break;
		case FIELD_INT:
		case FIELD_DATE:
			value->as.integer = INT32_MIN;
			break;
		case FIELD_LONG:
		case FIELD_TIMESTAMP:
			value->as.integer = INT64_MIN;
			break;
	}
}

static void
marks_are_those_that_the_encoder_writes_in_every_entity(void **state)
{
	(void) state;
	for (size_t e = 0; canonical_builtin_name(e) != NULL; e++)
	{
		const char *text = canonical_builtin_schema(canonical_builtin_name(e));
		FieldOwnership ownership[CANONICAL_MAX_FIELDS];
		CanonicalValue fields[CANONICAL_MAX_FIELDS];
		CanonicalTable table = {.source = "crm",
								.database = "d",
								.schema = "s",
								.table = "t",
								.region = e % 2 == 0 ? NULL : "eu",
								.mapping_version = "v"};
		CanonicalRecord record = {.id = "77",
								  .id_length = 2,
								  .operation = OPERATION_UPDATE,
								  .event_type = "x",
								  .fields = fields,
								  .end_lsn = UINT64_MAX / 3,
								  .xid = UINT32_MAX,
								  .commit_time = -1};
		StreamPlan *plan;
		StreamMeta meta;
		CanonicalEntity *entity;
		EncodePlan *encode;
		Arena arena;
		Buffer out;
		Err err;

		arena_init(&arena, 4 << 20);
		entity = canonical_entity_parse(&arena, text, strlen(text), "built in", &err);
		assert_non_null(entity);
		for (uint16_t i = 0; i < entity->nfields; i++)
			ownership[i] = (FieldOwnership){entity->fields[i].name, "crm", RULE_MANUAL, true};
		table.nownership = entity->nfields;
		table.ownership = ownership;
		encode = encode_plan_compile(&arena, entity, &err);
		assert_non_null(encode);
		plan = arena_zero(&arena, sizeof(StreamPlan) + 8, &err);
		plan->entity = entity;
		plan->topic = 3;
		plan->encode = encode_table_compile(&arena, encode, &table, &err);
		assert_non_null(plan->encode);
		memset(fields, 0, sizeof(fields));
		expect_marks(plan, &record);
		for (uint16_t i = 0; i < entity->nfields; i++)
			fill_field(&fields[i], entity->fields[i].type);
		record.origin = "hub";
		record.snapshot_attempt = "a";
		expect_marks(plan, &record);

		buffer_init(&out, 1 << 16);
		record.ordinal = 12;
		assert_true(encode_record(plan->encode, &record, &out, &err));
		assert_true(stream_part_read(entity, out.data, out.length, &meta, &err));
		assert_true(meta.end_lsn == UINT64_MAX / 3 && meta.ordinal == 12 &&
					meta.xid == UINT32_MAX && meta.commit_time == -1 &&
					meta.operation == OPERATION_UPDATE);
		for (size_t length = 0; length < meta.part_at; length++)
			assert_false(stream_part_read(entity, out.data, length, &meta, &err));
		buffer_release(&out);
		arena_release(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_topic_is_named_once),
		cmocka_unit_test(a_table_of_two_entities_is_read_once_with_the_columns_of_both),
		cmocka_unit_test(a_tables_text_is_quoted_where_sql_needs_it),
		cmocka_unit_test(marks_are_those_that_the_encoder_writes_in_every_entity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
