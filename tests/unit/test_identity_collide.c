/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity_collide — names that are different and look alike to the engine's tables, which keep
 * 44 bits of a hash; and a deployment's name, which decides nothing but customer ids.
 *
 * The names here were searched for; each test first says that they do collide.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity/identity_state_priv.h"

typedef struct State
{
	IdentityModel *model;
	Identity *identity;
	uint64_t position;
} State;

static void
start(State *state, const char *deployment)
{
	state->model = identity_model_default(NULL);
	assert_non_null(state->model);
	state->identity = identity_new(state->model, deployment, NULL, NULL);
	assert_non_null(state->identity);
	state->position = 0;
}

static void
stop(State *state)
{
	char message[200];

	assert_true(identity_verify(state->identity, message, sizeof(message)));
	identity_free(state->identity);
	identity_model_free(state->model);
}

static IdentityStatus
take(State *state, IdentityChange *change)
{
	const IdentityDelta *delta;
	IdentityStatus status;

	change->position = ++state->position;
	assert_true(identity_prepare(state->identity, change, 1, &delta, NULL));
	status = identity_delta_status(delta, 0, NULL);
	identity_commit(state->identity);
	return status;
}

static IdentityChange
record(IdentityField fields[2], IdentityChangeType type, const char *id, const char *name,
	   const char *email)
{
	IdentityChange change = {.type = type, .ref = {"shop", id}, .fields = fields, .nfields = 2};

	fields[0] = (IdentityField){IDENTITY_FULL_NAME, 0, NULL, name, strlen(name)};
	fields[1] = (IdentityField){IDENTITY_EMAIL, 0, NULL, email, strlen(email)};
	return change;
}

static IdentityStatus
put(State *state, const char *id, const char *name, const char *email)
{
	IdentityField fields[2];
	IdentityChange change = record(fields, IDENTITY_UPSERT, id, name, email);

	return take(state, &change);
}

static IdentityStatus
drop(State *state, IdentityChangeType type, const char *id)
{
	IdentityChange change = {.type = type, .ref = {"shop", id}};

	return take(state, &change);
}

static IdentityStatus
judge(State *state, uint64_t handle, IdentityVerdict verdict, const char *a, const char *b)
{
	IdentityChange change = {.type = IDENTITY_JUDGE};

	change.judgement.handle = handle;
	change.judgement.verdict = verdict;
	change.judgement.a = (IdentityRef){"shop", a};
	change.judgement.b = (IdentityRef){"shop", b};
	return take(state, &change);
}

static bool
together(const State *state, const char *a, const char *b)
{
	IdentityId x, y;

	assert_true(identity_customer(state->identity, (IdentityRef){"shop", a}, &x));
	assert_true(identity_customer(state->identity, (IdentityRef){"shop", b}, &y));
	return memcmp(&x, &y, sizeof(x)) == 0;
}

/* What a table keeps. */
static uint64_t
kept(uint64_t hash)
{
	return hash >> 52 << 32 | (uint32_t) hash;
}

/* ---- customer ids ---- */

static IdentityId
made_id(uint32_t number)
{
	IdentityId id = {{0}};

	memcpy(id.bytes, &number, sizeof(number));
	id.bytes[4] = 1;
	return id;
}

static void
adopt(State *state, const char *id, const char *name, const char *email, IdentityId customer)
{
	IdentityField fields[2];
	IdentityChange change = record(fields, IDENTITY_ADOPT, id, name, email);

	change.customer = customer;
	assert_int_equal(take(state, &change), IDENTITY_DONE);
}

static void
customers_whose_ids_look_alike_are_two(void **unused)
{
	IdentityId one = made_id(4513895), two = made_id(5842951), found;
	IdentityChange settle = {.type = IDENTITY_SETTLE};
	State state;

	(void) unused;
	assert_true(kept(identity_text_hash(one.bytes, sizeof(one.bytes), 13)) ==
				kept(identity_text_hash(two.bytes, sizeof(two.bytes), 13)));
	for (unsigned first_to_go = 0; first_to_go < 2; first_to_go++)
	{
		start(&state, "test");
		adopt(&state, "1", "Anna Jones", "anna@example.org", one);
		adopt(&state, "2", "Bob Miller", "bob@example.net", two);
		adopt(&state, "3", "Anna Jones", "anna@example.org", one); /* not a new customer */
		assert_int_equal(take(&state, &settle), IDENTITY_DONE);
		assert_true(together(&state, "1", "3"));
		assert_int_equal(identity_root(state.identity)->nentities, 2);
		assert_true(identity_version(state.identity, one, NULL) > 0);
		assert_true(identity_version(state.identity, two, NULL) > 0);
		assert_true(identity_customer(state.identity, (IdentityRef){"shop", "2"}, &found));
		assert_memory_equal(&found, &two, sizeof(two));
		/* one goes, the other stays */
		drop(&state, IDENTITY_ERASE, first_to_go ? "2" : "1");
		if (!first_to_go)
			drop(&state, IDENTITY_ERASE, "3");
		assert_true((identity_version(state.identity, one, NULL) > 0) == (first_to_go == 1));
		assert_true((identity_version(state.identity, two, NULL) > 0) == (first_to_go == 0));
		stop(&state);
	}
}

/* ---- answers ---- */

#define HANDLE_1 UINT64_C(10357623287580340247)
#define HANDLE_2 UINT64_C(15560330204924568394)

static void
answers_whose_handles_look_alike_are_two(void **unused)
{
	IdentityChange undo = {.type = IDENTITY_UNDO};
	State state;

	(void) unused;
	assert_true(kept(identity_text_mix(HANDLE_1, 14)) == kept(identity_text_mix(HANDLE_2, 14)));
	for (unsigned first_undone = 0; first_undone < 2; first_undone++)
	{
		start(&state, "test");
		put(&state, "1", "Anna Jones", "anna@example.org");
		put(&state, "2", "Bob Miller", "bob@example.net");
		put(&state, "3", "Carla Rossi", "carla@example.com");
		assert_int_equal(judge(&state, HANDLE_1, IDENTITY_SAME, "1", "2"), IDENTITY_DONE);
		assert_int_equal(judge(&state, HANDLE_2, IDENTITY_SAME, "2", "3"), IDENTITY_DONE);
		assert_true(together(&state, "1", "3"));
		undo.judgement.handle = first_undone ? HANDLE_1 : HANDLE_2;
		assert_int_equal(take(&state, &undo), IDENTITY_DONE);
		assert_true(together(&state, "1", "2") == (first_undone == 0));
		assert_true(together(&state, "2", "3") == (first_undone == 1));
		undo.judgement.handle = first_undone ? HANDLE_2 : HANDLE_1;
		assert_int_equal(take(&state, &undo), IDENTITY_DONE);
		assert_false(together(&state, "1", "2"));
		assert_false(together(&state, "2", "3"));
		assert_int_equal(take(&state, &undo), IDENTITY_ABSENT);
		stop(&state);
	}
}

/* A record is erased whose name looks like another's: the answers about that one hold. */
static void
erasing_forgets_no_answer_about_a_name_that_looks_alike(void **unused)
{
	static const char one[] = "431620", two[] = "8046778";
	State state;

	(void) unused;
	assert_true(kept(identity_ref_hash("shop", one)) == kept(identity_ref_hash("shop", two)));
	start(&state, "test");
	put(&state, one, "Anna Jones", "anna@example.org");
	put(&state, "2", "Anna Jones", "anna@example.org");
	put(&state, two, "Bob Miller", "bob@example.net");
	assert_true(together(&state, one, "2"));
	assert_int_equal(judge(&state, 1, IDENTITY_DIFFERENT, one, "2"), IDENTITY_DONE);
	assert_false(together(&state, one, "2"));
	drop(&state, IDENTITY_ERASE, two);
	assert_false(together(&state, one, "2"));
	drop(&state, IDENTITY_DELETE, one);
	put(&state, one, "Anna Jones", "anna@example.org");
	assert_false(together(&state, one, "2"));
	/* and they are still found by it: to be told what contradicts them, and to be forgotten */
	assert_int_equal(judge(&state, 2, IDENTITY_SAME, one, "2"), IDENTITY_CONTRADICTION);
	drop(&state, IDENTITY_ERASE, one);
	assert_int_equal(identity_root(state.identity)->njudges, 0);
	stop(&state);
}

/* ---- values and records ---- */

static void
mailboxes_with_one_hash_are_two(void **unused)
{
	State state;

	(void) unused;
	assert_true((uint32_t) identity_text_hash("user8374.c@mail.net", 19, 0) ==
				(uint32_t) identity_text_hash("user175109.z@corp.com", 21, 0));
	start(&state, "test");
	put(&state, "1", "Anna Jones", "user8374.c@mail.net");
	put(&state, "2", "Anna Miller", "user175109.z@corp.com");
	assert_false(together(&state, "1", "2"));
	stop(&state);
}

static void
a_record_does_not_replace_another_with_its_hash(void **unused)
{
	static const char one[] = "00003473s|t&srwn", two[] = "00005701WB@C[jV$";
	const IdentityField field = {
		.attribute = IDENTITY_FULL_NAME, .text = "Bob Miller", .length = 10};
	IdentityChange change = {.type = IDENTITY_UPSERT,
							 .position = 900,
							 .ref = {"crm", one},
							 .fields = &field,
							 .nfields = 1};
	const IdentityDelta *delta;
	const char *message;
	State state;
	Err err;

	(void) unused;
	assert_true(identity_ref_hash("crm", one) == identity_ref_hash("crm", two));
	start(&state, "test");
	assert_true(identity_prepare(state.identity, &change, 1, &delta, &err));
	identity_commit(state.identity);
	change.ref.id = two;
	change.position++;
	assert_true(identity_prepare(state.identity, &change, 1, &delta, &err));
	assert_int_equal(identity_delta_status(delta, 0, &message), IDENTITY_CONTRADICTION);
	assert_non_null(strstr(message, "64-bit hash of record crm/00003473"));
	identity_commit(state.identity);
	change.type = IDENTITY_DELETE;
	change.position++;
	assert_true(identity_prepare(state.identity, &change, 1, &delta, &err));
	assert_int_equal(identity_delta_status(delta, 0, &message), IDENTITY_ABSENT);
	identity_commit(state.identity);
	assert_int_equal(identity_root(state.identity)->nrecords, 1);
	stop(&state);
}

/* ---- deployments ---- */

#define TIED 60

/* Three records with the same values, two of which are judged different: the third may go to
 * either, and equal weights leave that to an order of names. */
static void
tied_records(State *state)
{
	for (unsigned i = 0; i < TIED; i += 3)
	{
		char id[3][16], name[32], email[32];

		snprintf(name, sizeof(name), "Anna J%c%cnes", 'a' + i / 3 % 5, 'g' + i / 15 % 5);
		snprintf(email, sizeof(email), "anna%u@example.org", i);
		for (unsigned k = 0; k < 3; k++)
		{
			snprintf(id[k], sizeof(id[k]), "%u", i + k);
			put(state, id[k], name, email);
		}
		assert_int_equal(judge(state, i + 1, IDENTITY_DIFFERENT, id[0], id[1]), IDENTITY_DONE);
	}
}

static void
a_deployment_s_name_decides_nothing_but_ids(void **unused)
{
	static const char *const deployments[] = {"a", "b", "production", "staging", "x1", "x2"};
	unsigned same_ids = 0;
	State first;

	(void) unused;
	start(&first, "first");
	tied_records(&first);
	for (unsigned d = 0; d < sizeof(deployments) / sizeof(deployments[0]); d++)
	{
		State other;

		start(&other, deployments[d]);
		tied_records(&other);
		for (unsigned i = 0; i < TIED; i++)
		{
			IdentityId x, y;
			char a[16];

			snprintf(a, sizeof(a), "%u", i);
			for (unsigned j = 0; j < i; j++)
			{
				char b[16];

				snprintf(b, sizeof(b), "%u", j);
				assert_int_equal(together(&first, a, b), together(&other, a, b));
			}
			assert_true(identity_customer(first.identity, (IdentityRef){"shop", a}, &x));
			assert_true(identity_customer(other.identity, (IdentityRef){"shop", a}, &y));
			same_ids += memcmp(&x, &y, sizeof(x)) == 0;
		}
		stop(&other);
	}
	assert_int_equal(same_ids, 0);
	stop(&first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(customers_whose_ids_look_alike_are_two),
		cmocka_unit_test(answers_whose_handles_look_alike_are_two),
		cmocka_unit_test(erasing_forgets_no_answer_about_a_name_that_looks_alike),
		cmocka_unit_test(mailboxes_with_one_hash_are_two),
		cmocka_unit_test(a_record_does_not_replace_another_with_its_hash),
		cmocka_unit_test(a_deployment_s_name_decides_nothing_but_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
