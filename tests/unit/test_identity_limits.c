/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity_limits — what is too much or no sense is refused alone, and what would change a
 * customer is said as it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity_fixture.h"

static void
too_much_is_refused_alone(void **unused)
{
	enum
	{
		MANY = 32800
	};
	IdentityRef *seen = calloc(MANY, sizeof(*seen));
	IdentityField fields[3];
	IdentityChange changes[2];
	const IdentityDelta *delta;
	const char *message;
	State state;
	Err err;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller", "bob@example.org", "1970-05-17");
	put(&state, "2", "Agatha Jones", "aj@example.net", "1981-02-03");
	for (size_t i = 0; i < MANY; i++)
		seen[i] = (IdentityRef){"crm", "1"};
	memset(changes, 0, sizeof(changes));
	changes[0].type = IDENTITY_JUDGE;
	changes[0].position = ++state.position;
	changes[0].judgement = (IdentityJudgement){.handle = 5,
											   .verdict = IDENTITY_DIFFERENT,
											   .a = {"crm", "1"},
											   .b = {"crm", "2"},
											   .seen_a = seen,
											   .nseen_a = MANY};
	changes[1] = person("3", fields, "Ann Lee", "ann@example.org", "1990-01-01");
	changes[1].position = ++state.position;
	assert_true(identity_prepare(state.identity, changes, 2, &delta, &err));
	assert_int_equal(identity_delta_status(delta, 0, &message), IDENTITY_CONTRADICTION);
	assert_non_null(strstr(message, "lists more than"));
	assert_int_equal(identity_delta_status(delta, 1, NULL), IDENTITY_DONE);
	identity_commit(state.identity);
	free(seen);
	/* a record is no stranger to itself */
	memset(changes, 0, sizeof(changes));
	changes[0].type = IDENTITY_JUDGE;
	changes[0].judgement.handle = 6;
	changes[0].judgement.verdict = IDENTITY_SPLIT;
	changes[0].judgement.a = (IdentityRef){"crm", "1"};
	changes[0].judgement.seen_b = (IdentityRef[]){{"crm", "2"}, {"crm", "1"}};
	changes[0].judgement.nseen_b = 2;
	assert_int_equal(take(&state, &changes[0]), IDENTITY_ABSENT);
	stop(&state);
}

static void
who_is_tied_already_may_be_tied_again(void **unused)
{
	State state;
	char id[16];

	(void) unused;
	start(&state);
	for (unsigned n = 0; n < 120; n++)
	{
		char name[32], mail[32];

		snprintf(id, sizeof(id), "%u", n);
		snprintf(name, sizeof(name), "Ann%c%c Lee%c", 'a' + n % 26, 'a' + n / 26, 'a' + n % 7);
		snprintf(mail, sizeof(mail), "%u@example.org", n);
		put(&state, id, name, mail, "1970-05-17");
	}
	for (unsigned n = 1; n < 120; n++)
	{
		snprintf(id, sizeof(id), "%u", n);
		assert_int_equal(judge(&state, n, IDENTITY_SAME, "0", id), IDENTITY_DONE);
	}
	assert_int_equal(judge(&state, 500, IDENTITY_SAME, "1", "2"), IDENTITY_DONE);
	stop(&state);
}

static void
adopted_versions_never_go_back(void **unused)
{
	const IdentityId customer = {{7}};
	IdentityField fields[3];
	IdentityChange change = person("1", fields, "Ann Lee", "ann@example.org", "1990-01-01");
	State state;
	char name[200];
	Err err;

	(void) unused;
	start(&state);
	change.type = IDENTITY_ADOPT;
	assert_int_equal(take(&state, &change), IDENTITY_ABSENT);
	change.customer = customer;
	change.version = UINT32_MAX;
	assert_int_equal(take(&state, &change), IDENTITY_ABSENT);
	change.version = 7;
	assert_int_equal(take(&state, &change), IDENTITY_DONE);
	assert_int_equal(identity_version(state.identity, customer, NULL), 7);
	assert_int_equal(take(&state, &change), IDENTITY_SAME_FORM);
	assert_int_equal(identity_version(state.identity, customer, NULL), 7);
	change.ref.id = "2";
	change.version = 3;
	assert_int_equal(take(&state, &change), IDENTITY_DONE);
	assert_int_equal(identity_version(state.identity, customer, NULL), 7);
	/* a name that would be cut is no name to tell deployments by */
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_null(identity_new(state.model, name, NULL, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	stop(&state);
}

/* Does what is said about the record and the other's customer have the text? */
static bool
says(const State *state, const char *id, const char *other, const char *text)
{
	IdentityId customer;
	Buffer out;
	Err err;
	bool found;

	buffer_init(&out, 1 << 20);
	assert_true(identity_customer(state->identity, (IdentityRef){"crm", other}, &customer));
	assert_true(
		identity_explain_record(state->identity, (IdentityRef){"crm", id}, &customer, &out, &err));
	assert_true(buffer_append_byte(&out, '\0', &err));
	found = strstr((const char *) out.data, text) != NULL;
	buffer_release(&out);
	return found;
}

static void
what_would_change_it_is_all_said(void **unused)
{
	State state;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller Jr", "bob@example.org", "1970-05-17");
	put(&state, "2", "Robert Miller Sr", "bob@example.org", "1970-05-17");
	assert_false(together(&state, "1", "2"));
	assert_true(says(&state, "1", "2", "change and only without the conflict: "));
	assert_true(says(&state, "1", "2", "change or by the answer \"same\""));
	put(&state, "3", "Agatha Jones", "aj@example.net", "1981-02-03");
	put(&state, "4", "Agatha Jones", "aj@example.net", "1981-02-03");
	assert_true(says(&state, "3", "4", "change would leave if its best bits fell below"));
	assert_int_equal(judge(&state, 8, IDENTITY_DIFFERENT, "3", "4"), IDENTITY_DONE);
	assert_true(says(&state, "3", "4", "change and only when judgement 8 (different) is undone"));
	/* it would be refused */
	assert_false(says(&state, "3", "4", "by the answer \"same\""));
	put(&state, "5", "Ann Lee", "ann@example.org", "1990-01-01");
	assert_int_equal(judge(&state, 9, IDENTITY_SAME, "4", "5"), IDENTITY_DONE);
	assert_true(says(&state, "5", "4", "change would leave only when judgement 9 is undone"));
	/* the customers count, not the record alone; and it is the answer that keeps them apart */
	assert_true(says(&state, "5", "3", "over 2 pairs of the two customers"));
	assert_true(says(&state, "5", "3", "change and only when judgement 8 (different) is undone"));
	stop(&state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_much_is_refused_alone),
		cmocka_unit_test(who_is_tied_already_may_be_tied_again),
		cmocka_unit_test(adopted_versions_never_go_back),
		cmocka_unit_test(what_would_change_it_is_all_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
