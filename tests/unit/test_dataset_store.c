/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_dataset_store.c — a state's records: written, found, compared, and damage refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/dataset_state.h"

#define COUNT 5000

static void
fill(DatasetStoreWriter *writer, Buffer *packed)
{
	for (int i = 0; i < COUNT; i++)
	{
		char id[16];
		char name[32];
		IdentityField fields[2] = {{.attribute = IDENTITY_FULL_NAME, .text = name},
								   {.attribute = IDENTITY_STRONG_ID,
									.scheme = "vat",
									.flags = IDENTITY_EXCLUSIVE,
									.text = id}};
		DatasetRecord record = {
			.kind = IDENTITY_PERSON, .ref = {"crm", id}, .fields = fields, .nfields = 2};
		bool twice;
		Err err;

		(void) snprintf(id, sizeof(id), "r%d", i);
		(void) snprintf(name, sizeof(name), "name, \"%d\"\n", i);
		fields[0].length = strlen(name);
		fields[1].length = strlen(id);
		assert_true(dataset_store_pack(&record, packed, &err));
		assert_true(
			dataset_store_add(writer, record.ref, packed->data, packed->length, &twice, &err));
		assert_false(twice);
		assert_true(
			dataset_store_add(writer, record.ref, packed->data, packed->length, &twice, &err));
		assert_true(twice);
	}
}

static void
what_was_written_is_found_and_told_apart(void **state)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	char path[] = "/tmp/test_dataset_store.XXXXXX";
	int fd = mkstemp(path);
	DatasetStoreWriter *writer;
	DatasetStore *store;
	DatasetStored stored;
	Buffer packed;
	uint64_t size;
	uint64_t hash;
	size_t at = 0;
	size_t walked = 0;
	Err err;

	(void) state;
	assert_true(fd >= 0);
	buffer_init(&packed, 1 << 16);
	writer = dataset_store_create(path, &err);
	assert_non_null(writer);
	fill(writer, &packed);
	assert_true(dataset_store_finish(writer, &size, &hash, &err));
	store = dataset_store_open(path, size, hash, &err);
	assert_non_null(store);
	assert_int_equal(dataset_store_count(store), COUNT);
	assert_true(dataset_store_find(store, (IdentityRef){"crm", "r4999"}, &stored));
	assert_int_equal(stored.bytes.length, packed.length);
	assert_memory_equal(stored.bytes.text, packed.data, packed.length);
	assert_int_equal(dataset_store_fields(&stored, fields), 2);
	assert_int_equal(fields[0].attribute, IDENTITY_FULL_NAME);
	assert_memory_equal(fields[0].text, "name, \"4999\"\n", fields[0].length);
	assert_string_equal(fields[1].scheme, "vat");
	assert_int_equal(fields[1].flags, IDENTITY_EXCLUSIVE);
	assert_false(dataset_store_find(store, (IdentityRef){"crm", "r5000"}, &stored));
	assert_false(dataset_store_find(store, (IdentityRef){"cr", "mr1"}, &stored));
	while (dataset_store_next(store, &at, &stored))
	{
		assert_int_equal(dataset_store_marked(store, &stored), 0);
		assert_false(dataset_store_mark(store, &stored));
		assert_true(dataset_store_mark(store, &stored));
		walked++;
	}
	assert_int_equal(walked, COUNT);
	dataset_store_close(store);
	/* One byte changed, or one lost. */
	assert_int_equal(pwrite(fd, "X", 1, 100), 1);
	assert_null(dataset_store_open(path, size, hash, &err));
	assert_int_equal(err.code, ERR_DATA);
	assert_null(dataset_store_open(path, size + 1, hash, &err));
	assert_int_equal(err.code, ERR_DATA);
	buffer_release(&packed);
	(void) close(fd);
	(void) unlink(path);
}

static void
an_empty_store_finds_nothing(void **state)
{
	DatasetStored stored;
	size_t at = 0;
	Err err;
	DatasetStore *store = dataset_store_new(&err);

	(void) state;
	assert_non_null(store);
	assert_int_equal(dataset_store_count(store), 0);
	assert_false(dataset_store_find(store, (IdentityRef){"a", "b"}, &stored));
	assert_false(dataset_store_next(store, &at, &stored));
	dataset_store_close(store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_found_and_told_apart),
		cmocka_unit_test(an_empty_store_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
