/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_log.c — a batch keeps its records, its ceilings, and can be used again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "goldpan/alloc.h"
#include "goldpan/log.h"

static void
a_batch_keeps_records_in_order(void **state)
{
	LogBatch batch;
	Err err;

	(void) state;
	log_batch_init(&batch, 1 << 20);
	for (int round = 0; round < 2; round++)
	{
		for (uint32_t i = 0; i < 3000; i++)
		{
			LogRecord *record = log_batch_add(&batch, &err);
			char text[16];

			assert_non_null(record);
			assert_int_equal(record->key_length, 0);
			assert_false(record->tombstone);
			record->value_length = (uint32_t) snprintf(text, sizeof(text), "%u", i);
			assert_true(buffer_append(&batch.bytes, text, record->value_length, &err));
		}
		assert_int_equal(batch.count, 3000);
		for (uint32_t i = 0; i < 3000; i++)
		{
			char text[16];

			(void) snprintf(text, sizeof(text), "%u", i);
			assert_memory_equal(batch.bytes.data + batch.records[i].bytes, text,
								batch.records[i].value_length);
		}
		batch.hold = true;
		log_batch_clear(&batch);
		assert_int_equal(batch.count, 0);
		assert_int_equal(batch.bytes.length, 0);
		assert_false(batch.hold);
	}
	log_batch_release(&batch);
}

static void
a_batch_has_a_ceiling_of_bytes_and_of_records(void **state)
{
	LogBatch batch;
	Err err;
	size_t count = 0;

	(void) state;
	log_batch_init(&batch, 1000);
	assert_false(buffer_reserve(&batch.bytes, 1001, &err));
	assert_int_equal(err.code, ERR_NOMEM);
	while (log_batch_add(&batch, &err) != NULL)
		count++;
	assert_int_equal(err.code, ERR_NOMEM);
	assert_int_equal(count, 1 << 20);
	log_batch_release(&batch);
}

static void
a_batch_survives_a_failed_allocation(void **state)
{
	LogBatch batch;
	Err err;

	(void) state;
	log_batch_init(&batch, 1000);
	for (int i = 0; i < 256; i++)
		assert_non_null(log_batch_add(&batch, &err));
	alloc_fail_at(1);
	assert_null(log_batch_add(&batch, &err));
	alloc_fail_at(0);
	assert_int_equal(err.code, ERR_NOMEM);
	assert_int_equal(batch.count, 256);
	assert_non_null(log_batch_add(&batch, &err));
	log_batch_release(&batch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_keeps_records_in_order),
		cmocka_unit_test(a_batch_has_a_ceiling_of_bytes_and_of_records),
		cmocka_unit_test(a_batch_survives_a_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
