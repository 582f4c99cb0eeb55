/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_progress.c — a progress record comes back as it was, agrees with its schema, and refuses
 * bytes that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "goldpan/alloc.h"
#include "goldpan/encode.h"
#include "goldpan/progress.h"

static char *tables[] = {(char *) "public.contact", (char *) "\"Odd Name\".\"x\"\"y\""};

static const Progress sample = {
	.source = "crm",
	.system_identifier = UINT64_MAX - 5,
	.timeline = UINT32_MAX,
	.slot = "goldpan_crm",
	.end_lsn = UINT64_C(0xFFFFFFFF12345678),
	.part_end_lsn = 77,
	.next_ordinal = 1234567890123,
	.part = 3,
	.previous_lsn = 42,
	.sequence = 9,
	.records = 1000,
	.dead_letters = 2,
	.snapshot_state = SNAPSHOT_RUNNING,
	.snapshot_attempt = "2026-11-26T05:00:00-1",
	.snapshot_lsn = 11,
	.config_hash = UINT64_C(0x8000000000000001),
	.mapping_version = "abc123",
	.key_schema_id = -1,
	.ntables = 2,
	.tables = tables,
};

static void
encode_sample(Buffer *out)
{
	Err err;

	buffer_init(out, 1 << 20);
	assert_true(progress_encode(&sample, out, &err));
}

static void
a_record_comes_back_as_it_was(void **state)
{
	Progress back;
	Buffer bytes;
	Buffer again;
	Err err;

	(void) state;
	encode_sample(&bytes);
	progress_init(&back);
	assert_true(progress_decode(&back, bytes.data, bytes.length, &err));
	assert_string_equal(back.source, sample.source);
	assert_true(back.system_identifier == sample.system_identifier);
	assert_true(back.timeline == sample.timeline);
	assert_true(back.end_lsn == sample.end_lsn);
	assert_true(back.next_ordinal == sample.next_ordinal);
	assert_int_equal(back.snapshot_state, SNAPSHOT_RUNNING);
	assert_true(back.config_hash == sample.config_hash);
	assert_int_equal(back.key_schema_id, -1);
	assert_int_equal(back.ntables, 2);
	assert_string_equal(back.tables[1], tables[1]);
	buffer_init(&again, 1 << 20);
	assert_true(progress_encode(&back, &again, &err));
	assert_int_equal(again.length, bytes.length);
	assert_memory_equal(again.data, bytes.data, bytes.length);
	progress_release(&back);
	buffer_release(&bytes);
	buffer_release(&again);
}

static void
it_reads_by_its_schema_to_the_last_byte(void **state)
{
	const char *text = encode_own_schema("progress");
	AvroSchema *schema;
	AvroReader reader;
	Buffer bytes;
	Buffer json;
	Arena arena;
	Err err;
	static const char *const expected[] = {
		"\"source\":\"crm\"",	"\"part\":3",		"\"snapshot_state\":\"running\"",
		"\"sequence\":9",		"\"records\":1000", "\"mapping_version\":\"abc123\"",
		"\"key_schema_id\":-1",
	};

	(void) state;
	assert_non_null(text);
	arena_init(&arena, 1 << 20);
	schema = avro_schema_parse(&arena, text, strlen(text), &err);
	assert_non_null(schema);
	encode_sample(&bytes);
	buffer_init(&json, 1 << 20);
	reader = (AvroReader){bytes.data, bytes.data + bytes.length};
	assert_true(encode_read_json(schema, &reader, &json, &err));
	assert_ptr_equal(reader.next, reader.end);
	assert_true(buffer_append_byte(&json, 0, &err));
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_non_null(strstr((const char *) json.data, expected[i]));
	buffer_release(&bytes);
	buffer_release(&json);
	arena_release(&arena);
}

static void
every_cut_and_every_extra_byte_is_refused(void **state)
{
	Progress back;
	Buffer bytes;
	Err err;

	(void) state;
	encode_sample(&bytes);
	progress_init(&back);
	for (size_t length = 0; length < bytes.length; length++)
	{
		assert_false(progress_decode(&back, bytes.data, length, &err));
		assert_int_equal(err.class, ERR_CLASS_STOP);
		assert_int_equal(err.code, ERR_DATA);
		assert_int_equal(back.ntables, 0);
	}
	assert_true(buffer_append_byte(&bytes, 0, &err));
	assert_false(progress_decode(&back, bytes.data, bytes.length, &err));
	assert_int_equal(err.code, ERR_DATA);
	progress_release(&back);
	buffer_release(&bytes);
}

static void
running_out_of_memory_is_an_error_and_leaks_nothing(void **state)
{
	Progress back;
	Buffer bytes;
	Err err;

	(void) state;
	encode_sample(&bytes);
	progress_init(&back);
	for (unsigned long n = 1;; n++)
	{
		bool ok;

		alloc_fail_at(n);
		ok = progress_decode(&back, bytes.data, bytes.length, &err);
		alloc_fail_at(0);
		if (ok)
			break;
		assert_true(n < 10);
		assert_int_equal(err.code, ERR_NOMEM);
		assert_int_equal(back.ntables, 0);
	}
	progress_release(&back);
	buffer_release(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was),
		cmocka_unit_test(it_reads_by_its_schema_to_the_last_byte),
		cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
		cmocka_unit_test(running_out_of_memory_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
