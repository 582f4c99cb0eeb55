/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity_damage — snapshots that claim what they do not hold.
 *
 * What any bytes do is the fuzz targets' business; here are the cases that were found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity/identity_state_priv.h"

#define USED_AT		12 /* in a snapshot's head, as identity_snapshot.c lays it out */
#define CHECKSUM_AT 48
#define HEAD		56

typedef struct Tape
{
	const uint8_t *bytes;
	size_t length, at;
} Tape;

static bool
play(void *context, void *bytes, size_t length, Err *err)
{
	Tape *tape = context;

	if (tape->length - tape->at < length)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the tape ends early");
	memcpy(bytes, tape->bytes + tape->at, length);
	tape->at += length;
	return true;
}

static bool
append(void *context, const void *bytes, size_t length, Err *err)
{
	return buffer_append(context, bytes, length, err);
}

typedef struct Counter
{
	size_t now, peak;
} Counter;

static void *
counted(void *context, size_t size)
{
	Counter *counter = context;

	counter->now += size;
	counter->peak = counter->now > counter->peak ? counter->now : counter->peak;
	return malloc(size);
}

static void
given(void *context, void *pointer, size_t size)
{
	((Counter *) context)->now -= size;
	free(pointer);
}

static void
claim(uint8_t *head, uint32_t used)
{
	uint64_t sum = 0;

	memcpy(head + USED_AT, &used, sizeof(used));
	memcpy(head + CHECKSUM_AT, &sum, sizeof(sum));
	sum = identity_text_hash(head, HEAD, 30);
	memcpy(head + CHECKSUM_AT, &sum, sizeof(sum));
}

static void
a_snapshot_takes_memory_for_what_it_holds_alone(void **unused)
{
	IdentityModel *model = identity_model_default(NULL);
	Identity *identity = identity_new(model, "test", NULL, NULL), *other;
	Counter counter = {0, 0};
	IdentityMemory memory = {counted, given, &counter, 0};
	Buffer snapshot;
	uint32_t used;
	Tape tape;
	Err err;

	(void) unused;
	assert_non_null(identity);
	buffer_init(&snapshot, 1u << 30);
	assert_true(identity_snapshot(identity, append, &snapshot, &err));
	/* the head is laid out as it is taken to be: written anew it is as good as before */
	memcpy(&used, snapshot.data + USED_AT, sizeof(used));
	claim(snapshot.data, used);
	tape = (Tape){snapshot.data, snapshot.length, 0};
	other = identity_restore(model, "test", &memory, play, &tape, &err);
	assert_non_null(other);
	identity_free(other);
	assert_int_equal(counter.now, 0);

	/* sixteen gigabytes are claimed, and one chunk at most comes */
	claim(snapshot.data, 0x7ffffff0);
	counter.peak = 0;
	tape = (Tape){snapshot.data, snapshot.length, 0};
	assert_null(identity_restore(model, "test", &memory, play, &tape, &err));
	assert_int_equal(err.code, ERR_DATA);
	assert_true(counter.peak <= snapshot.length + 2 * STORE_CHUNK);
	assert_int_equal(counter.now, 0);
	buffer_release(&snapshot);
	identity_free(identity);
	identity_model_free(model);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_takes_memory_for_what_it_holds_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
