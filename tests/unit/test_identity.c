/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity — a few records by hand: joined, parted, taken back, written out, read in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "goldpan/identity.h"

typedef struct State
{
	IdentityModel *model;
	Identity *identity;
	uint64_t position;
} State;

static void
start(State *state)
{
	Err err;

	state->model = identity_model_default(&err);
	assert_non_null(state->model);
	state->identity = identity_new(state->model, "test", NULL, &err);
	assert_non_null(state->identity);
	state->position = 0;
}

static void
stop(State *state)
{
	identity_free(state->identity);
	identity_model_free(state->model);
}

static IdentityStatus
prepare(State *state, IdentityChange *change, const IdentityDelta **delta)
{
	Err err;

	change->position = ++state->position;
	assert_true(identity_prepare(state->identity, change, 1, delta, &err));
	return identity_delta_status(*delta, 0, NULL);
}

static IdentityStatus
take(State *state, IdentityChange *change)
{
	const IdentityDelta *delta;
	IdentityStatus status = prepare(state, change, &delta);

	identity_commit(state->identity);
	return status;
}

static IdentityChange
person(const char *id, IdentityField fields[3], const char *name, const char *email,
	   const char *born)
{
	IdentityChange change;

	memset(&change, 0, sizeof(change));
	memset(fields, 0, 3 * sizeof(fields[0]));
	fields[0] = (IdentityField){IDENTITY_FULL_NAME, 0, NULL, name, strlen(name)};
	fields[1] = (IdentityField){IDENTITY_EMAIL, 0, NULL, email, strlen(email)};
	fields[2] = (IdentityField){IDENTITY_BIRTH_DATE, 0, NULL, born, strlen(born)};
	change.type = IDENTITY_UPSERT;
	change.ref = (IdentityRef){"crm", id};
	change.fields = fields;
	change.nfields = 3;
	return change;
}

static void
put(State *state, const char *id, const char *name, const char *email, const char *born)
{
	IdentityField fields[3];
	IdentityChange change = person(id, fields, name, email, born);

	take(state, &change);
}

static bool
together(const State *state, const char *a, const char *b)
{
	IdentityId x, y;

	assert_true(identity_customer(state->identity, (IdentityRef){"crm", a}, &x));
	assert_true(identity_customer(state->identity, (IdentityRef){"crm", b}, &y));
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static IdentityStatus
judge(State *state, uint64_t handle, IdentityVerdict verdict, const char *a, const char *b)
{
	IdentityChange change;

	memset(&change, 0, sizeof(change));
	change.type = IDENTITY_JUDGE;
	change.judgement.handle = handle;
	change.judgement.verdict = verdict;
	change.judgement.a = (IdentityRef){"crm", a};
	change.judgement.b = (IdentityRef){"crm", b};
	return take(state, &change);
}

static IdentityStatus
undo(State *state, uint64_t handle)
{
	IdentityChange change;

	memset(&change, 0, sizeof(change));
	change.type = IDENTITY_UNDO;
	change.judgement.handle = handle;
	return take(state, &change);
}

static void
the_same_person_is_joined_and_another_is_not(void **unused)
{
	State state;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Mr Bob Miller", "bob.miller@example.org", "17.05.1970");
	put(&state, "3", "Agatha Jones", "aj@example.net", "1981-02-03");
	assert_true(together(&state, "1", "2"));
	assert_false(together(&state, "1", "3"));
	stop(&state);
}

static void
answers_outrank_the_data_and_can_be_undone(void **unused)
{
	State state;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Bob Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "3", "Agatha Jones", "aj@example.net", "1981-02-03");
	assert_int_equal(judge(&state, 7, IDENTITY_DIFFERENT, "1", "2"), IDENTITY_DONE);
	assert_false(together(&state, "1", "2"));
	assert_int_equal(judge(&state, 8, IDENTITY_SAME, "1", "3"), IDENTITY_DONE);
	assert_true(together(&state, "1", "3"));
	assert_int_equal(judge(&state, 9, IDENTITY_SAME, "3", "2"), IDENTITY_CONTRADICTION);
	assert_int_equal(undo(&state, 7), IDENTITY_DONE);
	assert_true(together(&state, "1", "2"));
	assert_int_equal(undo(&state, 8), IDENTITY_DONE);
	assert_false(together(&state, "1", "3"));
	assert_int_equal(undo(&state, 8), IDENTITY_ABSENT);
	stop(&state);
}

static bool
append(void *context, const void *bytes, size_t length, Err *err)
{
	return buffer_append(context, bytes, length, err);
}

typedef struct Tape
{
	const Buffer *buffer;
	size_t at;
} Tape;

static bool
play(void *context, void *bytes, size_t length, Err *err)
{
	Tape *tape = context;

	if (tape->buffer->length - tape->at < length)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the tape ends early");
	memcpy(bytes, tape->buffer->data + tape->at, length);
	tape->at += length;
	return true;
}

static void
snapshot(const State *state, Buffer *out)
{
	Err err;

	buffer_init(out, 1u << 30);
	assert_true(identity_snapshot(state->identity, append, out, &err));
}

static void
abort_leaves_no_trace(void **unused)
{
	State state;
	Buffer before, after;
	IdentityField fields[3];
	IdentityChange change;
	const IdentityDelta *delta;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Agatha Jones", "aj@example.net", "1981-02-03");
	snapshot(&state, &before);
	change = person("3", fields, "Bob Miller", "bob.miller@example.org", "1970-05-17");
	prepare(&state, &change, &delta);
	identity_abort(state.identity);
	snapshot(&state, &after);
	assert_int_equal(before.length, after.length);
	assert_memory_equal(before.data, after.data, before.length);
	buffer_release(&before);
	buffer_release(&after);
	stop(&state);
}

static void
snapshot_and_deltas_give_the_same_bytes(void **unused)
{
	State state;
	Buffer before, after, copy;
	IdentityField fields[3];
	IdentityChange change;
	const IdentityDelta *delta;
	const void *bytes;
	size_t length;
	Tape tape;
	Identity *other;
	Err err;
	void *stored;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	snapshot(&state, &before);
	change = person("2", fields, "Bob Miller", "bob.miller@example.org", "1970-05-17");
	prepare(&state, &change, &delta);
	bytes = identity_delta_bytes(delta, &length);
	stored = malloc(length);
	assert_non_null(stored);
	memcpy(stored, bytes, length);
	identity_commit(state.identity);
	snapshot(&state, &after);

	tape = (Tape){&before, 0};
	other = identity_restore(state.model, "test", NULL, play, &tape, &err);
	assert_non_null(other);
	assert_true(identity_apply(other, stored, length, &err));
	buffer_init(&copy, 1u << 30);
	assert_true(identity_snapshot(other, append, &copy, &err));
	assert_int_equal(copy.length, after.length);
	assert_memory_equal(copy.data, after.data, after.length);

	/* once more it does not follow */
	assert_false(identity_apply(other, stored, length, &err));
	((char *) stored)[length / 2] ^= 1;
	assert_false(identity_apply(other, stored, length, &err));
	assert_int_equal(err.code, ERR_DATA);
	identity_free(other);

	before.data[before.length / 2] ^= 1;
	tape = (Tape){&before, 0};
	assert_null(identity_restore(state.model, "test", NULL, play, &tape, &err));
	assert_int_equal(err.code, ERR_DATA);
	tape = (Tape){&after, 0};
	assert_null(identity_restore(state.model, "elsewhere", NULL, play, &tape, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	free(stored);
	buffer_release(&before);
	buffer_release(&after);
	buffer_release(&copy);
	stop(&state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_person_is_joined_and_another_is_not),
		cmocka_unit_test(answers_outrank_the_data_and_can_be_undone),
		cmocka_unit_test(abort_leaves_no_trace),
		cmocka_unit_test(snapshot_and_deltas_give_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
