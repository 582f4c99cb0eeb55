/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_encode_json.c — every Avro type as people read it, primitives at their
 * edges, and values that are larger than they look.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "goldpan/encode.h"

/* The JSON of `bytes` read as `schema`; the error's message when it cannot be read. */
static const char *
read_as(const char *schema_text, const void *bytes, size_t length)
{
	static char result[2048];
	AvroReader reader = {bytes, (const uint8_t *) bytes + length};
	const AvroSchema *schema;
	Arena arena;
	Buffer json;
	Err err;

	arena_init(&arena, (size_t) 1 << 22);
	buffer_init(&json, 1000);
	schema = avro_schema_parse(&arena, schema_text, strlen(schema_text), &err);
	if (schema == NULL || !encode_read_json(schema, &reader, &json, &err))
		(void) snprintf(result, sizeof(result), "error: %s", err.message);
	else
	{
		assert_ptr_equal(reader.next, reader.end);
		(void) snprintf(result, sizeof(result), "%.*s", (int) json.length,
						(const char *) json.data);
	}
	buffer_release(&json);
	arena_release(&arena);
	return result;
}

#define LOGICAL(type, name) "{\"type\":\"" type "\",\"logicalType\":\"" name "\"}"
#define DECIMAL(scale)                                                                             \
	"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":38,\"scale\":" #scale "}"

typedef struct JsonCase
{
	const char *schema;
	const char *bytes;
	size_t length;
	const char *json;
} JsonCase;

#define CASE(schema, bytes, json)                                                                  \
	{                                                                                              \
		schema, bytes, sizeof(bytes) - 1, json                                                     \
	}

static void
each_type_reads_as_people_write_it(void **state)
{
	static const JsonCase cases[] = {
		CASE("\"null\"", "", "null"),
		CASE("\"boolean\"", "\1", "true"),
		CASE("\"boolean\"", "\0", "false"),
		CASE("\"boolean\"", "\2",
			 "error: could not read an Avro value: a boolean is neither 0 nor 1"),
		CASE("\"int\"", "\xff\xff\xff\xff\x0f", "-2147483648"),
		CASE("\"int\"", "\x80\x80\x80\x80\x10",
			 "error: could not read an Avro value: an int has more than 32 bits"),
		CASE("\"long\"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "-9223372036854775808"),
		CASE("\"long\"", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
			 "error: could not read an Avro value: an integer has more than 64 bits"),
		CASE("\"float\"", "\xcd\xcc\xcc\x3d", "0.1"),
		CASE("\"float\"", "\0\0\xc0\x7f", "\"NaN\""),
		CASE("\"double\"", "\x9a\x99\x99\x99\x99\x99\xb9\x3f", "0.1"),
		CASE("\"double\"", "\0\0\0\0\0\0\0\x80", "-0.0"),
		CASE("\"double\"", "\0\0\0\0\0\0\xf0\xff", "\"-Infinity\""),
		CASE("\"string\"",
			 "\x10"
			 "a\"\\\n\x01\xc3\xa9z",
			 "\"a\\\"\\\\\\n\\u0001éz\""),
		CASE("\"string\"", "\x02\xff",
			 "error: could not read an Avro value: a text is not valid UTF-8"),
		CASE("\"string\"", "\x06\xed\xa0\x80",
			 "error: could not read an Avro value: a text is not valid UTF-8"),
		CASE("\"string\"", "\x04\xc0\x80",
			 "error: could not read an Avro value: a text is not valid UTF-8"),
		CASE("\"bytes\"", "\x08\1\2\3\4", "\"AQIDBA==\""),
		CASE("\"bytes\"", "\0", "\"\""),
		CASE("{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}", "ab", "\"YWI=\""),
		CASE(DECIMAL(9), "\2\0", "\"0\""),
		CASE(DECIMAL(9), "\0", "\"0\""),
		CASE(DECIMAL(2), "\2\xfb", "\"-0.05\""),
		CASE(DECIMAL(2), "\4\x04\xd2", "\"12.34\""),
		CASE(DECIMAL(2), "\4\x04\xb0", "\"12\""),
		CASE(DECIMAL(0), "\4\x04\xb0", "\"1200\""),
		CASE(DECIMAL(9), "\x20\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff",
			 "\"99999999999999999999999999999.999999999\""),
		CASE(DECIMAL(9), "\x20\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
			 "\"-170141183460469231731687303715.884105728\""),
		CASE(DECIMAL(9), "\x22\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "\"AQAAAAAAAAAAAAAAAAAAAAA=\""),
		CASE("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":2,\"scale\":3}", "\2\1",
			 "\"AQ==\""),
		CASE(LOGICAL("int", "date"), "\xaf\x01", "\"1969-10-05\""),
		CASE(LOGICAL("int", "date"), "\xff\xff\xff\xff\x0f", "-2147483648"),
		CASE(LOGICAL("string", "date"), "\x02x", "\"x\""),
		CASE(LOGICAL("int", "time-millis"), "\x02", "\"00:00:00.001000\""),
		CASE(LOGICAL("long", "time-micros"), "\x80\x80\xbb\xdd\x83\x05", "\"24:00:00.000000\""),
		CASE(LOGICAL("long", "timestamp-millis"), "\x02", "\"1970-01-01T00:00:00.001000Z\""),
		CASE(LOGICAL("long", "timestamp-micros"), "\x01", "\"1969-12-31T23:59:59.999999Z\""),
		CASE(LOGICAL("long", "local-timestamp-micros"), "\x02", "\"1970-01-01T00:00:00.000001\""),
		CASE(LOGICAL("long", "local-timestamp-millis"), "\x02", "\"1970-01-01T00:00:00.001000\""),
		CASE("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "\2", "\"B\""),
		CASE("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"A\",\"B\"]}", "\4",
			 "error: could not read an Avro value: an enum has no such symbol"),
		CASE("[\"null\",\"int\"]", "\0", "null"),
		CASE("[\"null\",\"int\"]", "\2\2", "1"),
		CASE("[\"null\",\"int\"]", "\1",
			 "error: could not read an Avro value: a union has no such branch"),
		CASE("{\"type\":\"array\",\"items\":\"int\"}", "\0", "[]"),
		CASE("{\"type\":\"array\",\"items\":\"int\"}", "\4\2\4\2\6\0", "[1,2,3]"),
		/* a block with a negative count is followed by its size */
		CASE("{\"type\":\"array\",\"items\":\"int\"}", "\3\4\2\4\0", "[1,2]"),
		CASE("{\"type\":\"map\",\"values\":\"int\"}", "\4\2a\2\2b\4\0", "{\"a\":1,\"b\":2}"),
		CASE("{\"type\":\"record\",\"name\":\"r\",\"fields\":[]}", "", "{}"),
		CASE("{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"p\",\"type\":\"long\","
			 "\"goldpan.format\":\"pg_lsn\"}]}",
			 "\xd4\xf0\xd9\x16", "{\"p\":\"0/16B3C2A\"}"),
		/* a list that holds itself */
		CASE("{\"type\":\"record\",\"name\":\"n\",\"fields\":[{\"name\":\"v\",\"type\":\"int\"},"
			 "{\"name\":\"next\",\"type\":[\"null\",\"n\"]}]}",
			 "\2\2\4\0", "{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"),
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *json = read_as(cases[i].schema, cases[i].bytes, cases[i].length);

		if (strcmp(json, cases[i].json) != 0)
			fail_msg("case %zu, %s: %s, not %s", i, cases[i].schema, json, cases[i].json);
	}
}

static void
values_without_bytes_cannot_keep_the_reader_busy(void **state)
{
	static const uint8_t many[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	Buffer schema;
	Err err;

	(void) state;
	assert_non_null(strstr(read_as("{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":"
								   "\"r\",\"fields\":[]}}",
								   many, sizeof(many)),
						   "error: "));
	/* each record holds the one before it twice: 2^60 values in no bytes */
	buffer_init(&schema, 1 << 16);
	assert_true(
		buffer_append_text(&schema, "[{\"type\":\"record\",\"name\":\"r0\",\"fields\":[]}", &err));
	for (int i = 1; i <= 60; i++)
		assert_true(buffer_printf(&schema, &err,
								  ",{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":"
								  "\"a\",\"type\":\"r%d\"},{\"name\":\"b\",\"type\":\"r%d\"}]}",
								  i, i - 1, i - 1));
	assert_true(buffer_append(&schema, "]", 2, &err));
	{
		static const uint8_t last[] = {0x78}; /* branch 60 */
		AvroReader reader = {last, last + 1};
		AvroSchema *parsed;
		Arena arena;

		arena_init(&arena, 1 << 20);
		parsed = avro_schema_parse(&arena, (const char *) schema.data, schema.length - 1, &err);
		assert_non_null(parsed);
		assert_false(encode_skip(parsed, &reader, &err));
		assert_int_equal(err.code, ERR_DATA);
		arena_release(&arena);
	}
	buffer_release(&schema);
	/* a record that holds itself without end */
	assert_non_null(
		strstr(read_as("{\"type\":\"record\",\"name\":\"n\",\"fields\":[{\"name\":\"v\","
					   "\"type\":\"n\"}]}",
					   many, sizeof(many)),
			   "nested too deeply"));
}

static void
integers_of_every_length_round_trip(void **state)
{
	Buffer out;
	Err err;

	(void) state;
	buffer_init(&out, 1 << 16);
	for (int shift = 0; shift < 64; shift++)
	{
		for (int offset = -2; offset <= 2; offset++)
		{
			int64_t value = (int64_t) ((UINT64_C(1) << shift) + (uint64_t) (int64_t) offset);
			AvroReader reader;
			int64_t back;

			buffer_clear(&out);
			assert_true(encode_long(&out, value, &err));
			reader.next = out.data;
			reader.end = out.data + out.length;
			assert_true(encode_read_long(&reader, &back, &err));
			assert_true(back == value);
			assert_ptr_equal(reader.next, reader.end);
			reader.next = out.data;
			reader.end = out.data + out.length - 1;
			assert_false(encode_read_long(&reader, &back, &err));
		}
	}
	buffer_release(&out);
}

static void
primitives_key_and_event_id_are_the_golden_bytes(void **state)
{
	static const uint8_t key[] = {0x06, 'c', 'r', 'm', 0x04, '4', '2'};
	static const uint8_t optional[] = {0x00, 0x02, 0x02, 'x'};
	char text[EVENT_ID_SIZE];
	char source[200];
	Buffer out;
	Err err;

	(void) state;
	buffer_init(&out, 1 << 16);
	assert_true(encode_key("crm", "42 and more", 2, &out, &err));
	assert_int_equal(out.length, sizeof(key));
	assert_memory_equal(out.data, key, sizeof(key));
	buffer_clear(&out);
	assert_true(encode_optional_string(&out, NULL, &err));
	assert_true(encode_optional_string(&out, "x", &err));
	assert_int_equal(out.length, sizeof(optional));
	assert_memory_equal(out.data, optional, sizeof(optional));
	buffer_release(&out);

	assert_int_equal(encode_event_id("crm", 0x16B3C2A, 7, 0, text), 22);
	assert_string_equal(text, "crm/00000000016B3C2A/7");
	assert_int_equal(encode_event_id("crm", 0x16B3C2A, 7, 1, text), 24);
	assert_string_equal(text, "crm/00000000016B3C2A/7.1");
	memset(source, 'x', sizeof(source));
	source[sizeof(source) - 1] = '\0';
	assert_int_equal(encode_event_id(source, UINT64_MAX, UINT64_MAX, UINT32_MAX, text),
					 EVENT_ID_SIZE - 1);
	assert_non_null(strstr(text, "/FFFFFFFFFFFFFFFF/18446744073709551615.4294967295"));
}

static void
own_schemas_parse_and_others_are_refused(void **state)
{
	static const char *const own[] = {"key", "dead_letter", "progress", "snapshot"};
	static const char *const bad[] = {
		"",
		"17",
		"[]",
		"\"nobody\"",
		"[\"null\",[\"int\"]]",
		"{\"type\":\"record\",\"name\":\"r\"}",
		"{\"type\":\"record\",\"fields\":[]}",
		"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\"}]}",
		"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"type\":\"int\"}]}",
		"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[]}",
		"{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[1]}",
		"{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}",
		"{\"type\":\"array\"}",
		("[{\"type\":\"fixed\",\"name\":\"f\",\"size\":1},{\"type\":\"fixed\",\"name\":\"f\","
		 "\"size\":1}]"),
	};
	char deep[3000] = "";
	Arena arena;
	Err err;

	(void) state;
	arena_init(&arena, (size_t) 1 << 22);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
	{
		const char *text = encode_own_schema(own[i]);

		assert_non_null(text);
		assert_non_null(avro_schema_parse(&arena, text, strlen(text), &err));
	}
	assert_null(encode_own_schema("nobody"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		if (avro_schema_parse(&arena, bad[i], strlen(bad[i]), &err) != NULL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err.code, ERR_DATA);
	}
	for (int i = 0; i < 100; i++)
		(void) strcat(deep, "{\"type\":\"array\",\"items\":");
	assert_null(avro_schema_parse(&arena, strcat(deep, "1"), strlen(deep), &err));
	for (int i = 0; i < 100; i++)
		(void) strcat(deep, "}");
	assert_null(avro_schema_parse(&arena, deep, strlen(deep), &err));
	assert_non_null(strstr(err.message, "nested too deeply"));
	arena_release(&arena);
}

static void
names_are_found_in_their_namespace(void **state)
{
	static const char text[] =
		"{\"type\":\"record\",\"name\":\"a.b.r\",\"fields\":["
		"{\"name\":\"x\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"P\",\"Q\"]}},"
		"{\"name\":\"y\",\"type\":\"e\"},{\"name\":\"z\",\"type\":\"a.b.e\"},"
		"{\"name\":\"w\",\"type\":{\"type\":\"fixed\",\"name\":\"f\",\"namespace\":\"c\",\"size\":"
		"1}},"
		"{\"name\":\"v\",\"type\":\"c.f\"}]}";

	(void) state;
	assert_string_equal(read_as(text, "\0\2\0ab", 5),
						"{\"x\":\"P\",\"y\":\"Q\",\"z\":\"P\",\"w\":\"YQ==\",\"v\":\"Yg==\"}");
	assert_non_null(
		strstr(read_as("[{\"type\":\"fixed\",\"name\":\"a.f\",\"size\":1},\"f\"]", "", 0),
			   "there is no such type"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_reads_as_people_write_it),
		cmocka_unit_test(values_without_bytes_cannot_keep_the_reader_busy),
		cmocka_unit_test(integers_of_every_length_round_trip),
		cmocka_unit_test(primitives_key_and_event_id_are_the_golden_bytes),
		cmocka_unit_test(own_schemas_parse_and_others_are_refused),
		cmocka_unit_test(names_are_found_in_their_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
