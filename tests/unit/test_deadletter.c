/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_deadletter.c — a dead letter says all that is needed to mend the row, and nothing that the
 * mapping calls sensitive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/deadletter.h"
#include "goldpan/encode.h"

static const char mapping_text[] =
	"ownership = ( { of = \"account\"; owner = \"crm\"; rule = \"owner_wins\";"
	"  direction = \"source_to_canonical\"; steward = \"s\"; } );"
	"sources = ( { name = \"crm\"; tables = ( { schema = \"public\"; table = \"firm\";"
	"  entity = \"account\"; key = [ \"id\" ]; fields = ("
	"    { to = \"name\"; from = \"title\"; },"
	"    { to = \"website\"; from = \"site\"; sensitive = true; } ); } ); } );";

static const Column columns[] = {
	{.name = "id", .type_name = "int4", .kind = VALUE_INTEGER, .key = true},
	{.name = "title", .type_name = "text", .kind = VALUE_TEXT},
	{.name = "site", .type_name = "citext", .kind = VALUE_TEXT},
	{.name = "hidden", .type_name = "text", .kind = VALUE_TEXT, .key = true},
};
static const Relation relation = {
	.id = 16400, .schema = "public", .name = "firm", .ncolumns = 4, .columns = columns, .hash = 5};

static Value
text_value(const char *text)
{
	Value value = {.state = VALUE_PRESENT, .kind = VALUE_TEXT, .length = (uint32_t) strlen(text)};

	value.as.text = text;
	return value;
}

static Value
integer_value(ValueKind kind, int64_t integer)
{
	Value value = {.state = VALUE_PRESENT, .kind = (uint8_t) kind};

	value.as.integer = integer;
	return value;
}

typedef struct Fixture
{
	Arena arena;
	Mapping *mapping;
	Value new_values[4];
	Value old_values[4];
	Change change;
	DeadLetter letter;
	Buffer out;
	Buffer json;
} Fixture;

static void
fixture_open(Fixture *fixture)
{
	MappingProblems problems = {.arena = &fixture->arena};
	Err err;

	memset(fixture, 0, sizeof(*fixture));
	arena_init(&fixture->arena, 4 << 20);
	if (!mapping_parse(mapping_text, sizeof(mapping_text) - 1, "mapping.conf", NULL,
					   &fixture->mapping, &problems, &err))
		fail_msg("%s: %s", err.message, problems.count > 0 ? problems.list[0].what : "");
	buffer_init(&fixture->out, 4 << 20);
	buffer_init(&fixture->json, 4 << 20);
	fixture->new_values[0] = integer_value(VALUE_INTEGER, 42);
	fixture->new_values[1] = text_value("Meyer & Sohn");
	fixture->new_values[2] = text_value("https://secret.example");
	fixture->new_values[3] = text_value("unmapped secret");
	fixture->change =
		(Change){.kind = CHANGE_UPDATE, .relation = &relation, .new_values = fixture->new_values};
	fixture->letter = (DeadLetter){.event_id = "crm/0000000000000010/3",
								   .event_id_length = 22,
								   .source = "crm",
								   .database = "crmdb",
								   .schema = "public",
								   .table = "firm",
								   .operation = OPERATION_UPDATE,
								   .end_lsn = 16,
								   .ordinal = 3,
								   .xid = 700,
								   .key = "42",
								   .key_length = 2,
								   .stage = "transform",
								   .field = "website",
								   .column = "site",
								   .reason = "it is no URL",
								   .code = ERR_BAD_VALUE,
								   .mapping_version = "v1",
								   .relation_id = 16400,
								   .relation_hash = 5,
								   .change = &fixture->change,
								   .mapping = mapping_table(fixture->mapping, "crm", 0)};
}

static void
fixture_close(Fixture *fixture)
{
	buffer_release(&fixture->out);
	buffer_release(&fixture->json);
	mapping_free(fixture->mapping);
	arena_release(&fixture->arena);
}

/* Encodes the letter and reads it back by the registered schema. */
static const char *
fixture_json(Fixture *fixture)
{
	const char *text = encode_own_schema("dead_letter");
	AvroSchema *schema;
	AvroReader reader;
	Err err;

	buffer_clear(&fixture->out);
	buffer_clear(&fixture->json);
	if (!deadletter_encode(&fixture->letter, &fixture->out, &err))
		fail_msg("%s", err.message);
	schema = avro_schema_parse(&fixture->arena, text, strlen(text), &err);
	assert_non_null(schema);
	reader = (AvroReader){fixture->out.data, fixture->out.data + fixture->out.length};
	if (!encode_read_json(schema, &reader, &fixture->json, &err))
		fail_msg("%s", err.message);
	assert_ptr_equal(reader.next, reader.end);
	assert_true(buffer_append_byte(&fixture->json, 0, &err));
	return (const char *) fixture->json.data;
}

static void
expect(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("lacks %s: %s", part, text);
}

static void
sensitive_and_unmapped_columns_show_type_and_length_only(void **state)
{
	Fixture fixture;
	const char *json;

	(void) state;
	fixture_open(&fixture);
	json = fixture_json(&fixture);
	assert_null(strstr(json, "secret"));
	expect(json, "\"name\":\"site\",\"type\":\"citext\",\"value\":null,\"omitted\":\"sensitive\","
				 "\"length\":22");
	expect(json, "\"name\":\"hidden\",\"type\":\"text\",\"value\":null,\"omitted\":\"unmapped\","
				 "\"length\":15");
	expect(json, "\"name\":\"id\",\"type\":\"int4\",\"value\":\"42\",\"omitted\":null");
	expect(json, "\"old_row\":null");
	fixture_close(&fixture);
}

static void
it_names_the_change_and_what_is_wrong(void **state)
{
	Fixture fixture;
	const char *json;

	(void) state;
	fixture_open(&fixture);
	json = fixture_json(&fixture);
	expect(json, "\"event_id\":\"crm/0000000000000010/3\"");
	expect(json, "\"key\":\"42\"");
	expect(json, "\"stage\":\"transform\",\"field\":\"website\",\"column\":\"site\"");
	expect(json, "\"reason\":\"it is no URL\",\"code\":\"bad-value\"");
	fixture.letter.key = NULL;
	fixture.letter.field = "";
	fixture.letter.column = NULL;
	json = fixture_json(&fixture);
	expect(json, "\"key\":null");
	expect(json, "\"field\":null,\"column\":null");
	fixture_close(&fixture);
}

static void
of_an_old_key_only_the_key_columns_are_data(void **state)
{
	Fixture fixture;
	const char *json;

	(void) state;
	fixture_open(&fixture);
	fixture.old_values[0] = integer_value(VALUE_INTEGER, 41);
	fixture.change.old_row = OLD_KEY;
	fixture.change.old_values = fixture.old_values;
	fixture.change.new_values = NULL;
	json = fixture_json(&fixture);
	expect(json, "\"old_row\":[{\"name\":\"id\",\"type\":\"int4\",\"value\":\"41\"");
	expect(json, "\"new_row\":null");
	assert_null(strstr(json, "\"title\""));
	fixture.change.old_row = OLD_FULL;
	expect(fixture_json(&fixture), "\"name\":\"title\",\"type\":\"text\",\"value\":null,"
								   "\"omitted\":null,\"length\":0");
	fixture_close(&fixture);
}

static void
values_not_sent_and_long_values_say_so(void **state)
{
	Fixture fixture;
	char *large = alloc_zero(DEADLETTER_MAX_VALUE + 2);
	const char *json;

	(void) state;
	fixture_open(&fixture);
	memset(large, 'x', DEADLETTER_MAX_VALUE + 1);
	fixture.new_values[0].state = VALUE_UNCHANGED;
	fixture.new_values[1] = text_value(large);
	fixture.new_values[2].state = VALUE_WITHHELD;
	json = fixture_json(&fixture);
	expect(json, "\"omitted\":\"unchanged\",\"length\":-1");
	expect(json, "\"omitted\":\"too_large\",\"length\":65537");
	expect(json, "\"omitted\":\"withheld\",\"length\":-1");
	fixture.new_values[1].length--;
	assert_null(strstr(fixture_json(&fixture), "too_large"));
	alloc_free(large);
	fixture_close(&fixture);
}

static void
without_a_change_there_is_no_payload(void **state)
{
	Fixture fixture;

	(void) state;
	fixture_open(&fixture);
	fixture.letter.change = NULL;
	expect(fixture_json(&fixture), "\"old_row\":null,\"new_row\":null");
	fixture_close(&fixture);
}

static void
values_read_as_the_server_prints_them(void **state)
{
	static const uint8_t digits[] = {0, 12, 0x0d, 0x80, 0x23, 0x28}; /* 12 3456 9000 */
	static const uint8_t bytes[] = {0x00, 0xff, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60,
									0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0};
	struct
	{
		Value value;
		const char *text;
	} rows[] = {
		{integer_value(VALUE_INTEGER, INT64_MIN), "-9223372036854775808"},
		{integer_value(VALUE_DATE, 19000), "2022-01-08"},
		{integer_value(VALUE_DATE, VALUE_PLUS_INFINITY), "infinity"},
		{integer_value(VALUE_DATE, 2145031948), "day 2145031948 since 1970-01-01"},
		{integer_value(VALUE_TIME, INT64_C(86400000000)), "24:00:00.000000"},
		{integer_value(VALUE_TIMESTAMP, 1), "1970-01-01T00:00:00.000001"},
		{integer_value(VALUE_TIMESTAMPTZ, VALUE_MINUS_INFINITY), "-infinity"},
		{integer_value(VALUE_TIMESTAMPTZ, 0), "1970-01-01T00:00:00.000000Z"},
		{text_value("O'Hara"), "O'Hara"},
	};
	Buffer out;
	Err err;
	Value value;

	(void) state;
	buffer_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		buffer_clear(&out);
		assert_true(deadletter_value_text(&rows[i].value, &out, &err));
		assert_int_equal(out.length, strlen(rows[i].text));
		assert_memory_equal(out.data, rows[i].text, out.length);
	}

#define EXPECT_TEXT(expected)                                                                      \
	buffer_clear(&out);                                                                            \
	assert_true(deadletter_value_text(&value, &out, &err));                                        \
	assert_int_equal(out.length, strlen(expected));                                                \
	assert_memory_equal(out.data, expected, out.length)

	value = (Value){.state = VALUE_PRESENT, .kind = VALUE_NUMERIC};
	value.as.numeric = (NumericValue){
		.sign = NUMERIC_NEGATIVE, .ndigits = 3, .weight = 1, .dscale = 2, .digits = digits};
	EXPECT_TEXT("-123456.90");
	value.as.numeric.weight = -2;
	value.as.numeric.dscale = 14;
	EXPECT_TEXT("-0.00000012345690");
	value.as.numeric.weight = 3;
	value.as.numeric.dscale = 0;
	EXPECT_TEXT("-12345690000000");
	value.as.numeric = (NumericValue){.ndigits = 0, .dscale = 3};
	EXPECT_TEXT("0.000");
	value.as.numeric.sign = NUMERIC_NAN;
	EXPECT_TEXT("NaN");
	value.as.numeric.sign = NUMERIC_MINUS_INFINITY;
	EXPECT_TEXT("-Infinity");
	value = (Value){.state = VALUE_PRESENT, .kind = VALUE_BYTES, .length = 3};
	value.as.bytes = bytes;
	EXPECT_TEXT("\\x00ff10");
	value = (Value){.state = VALUE_PRESENT, .kind = VALUE_UUID, .length = 16};
	value.as.bytes = bytes;
	EXPECT_TEXT("00ff1020-3040-5060-7080-90a0b0c0d0e0");
	value = (Value){.state = VALUE_PRESENT, .kind = VALUE_BOOLEAN};
	value.as.boolean = true;
	EXPECT_TEXT("t");
	value = (Value){.state = VALUE_PRESENT, .kind = VALUE_FLOAT};
	value.as.real = -INFINITY;
	EXPECT_TEXT("-Infinity");
	buffer_release(&out);
}

static void
running_out_of_memory_is_an_error_at_every_allocation(void **state)
{
	Fixture fixture;
	bool done = false;

	(void) state;
	fixture_open(&fixture);
	for (unsigned long n = 1; !done; n++)
	{
		Err err;

		buffer_release(&fixture.out);
		alloc_fail_at(n);
		err_clear(&err);
		done = deadletter_encode(&fixture.letter, &fixture.out, &err);
		alloc_fail_at(0);
		assert_true(done || err.code == ERR_NOMEM);
		assert_true(n < 100);
	}
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sensitive_and_unmapped_columns_show_type_and_length_only),
		cmocka_unit_test(it_names_the_change_and_what_is_wrong),
		cmocka_unit_test(of_an_old_key_only_the_key_columns_are_data),
		cmocka_unit_test(values_not_sent_and_long_values_say_so),
		cmocka_unit_test(without_a_change_there_is_no_payload),
		cmocka_unit_test(values_read_as_the_server_prints_them),
		cmocka_unit_test(running_out_of_memory_is_an_error_at_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
