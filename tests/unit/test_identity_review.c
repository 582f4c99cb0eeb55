/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity_review — what is asked, what is asked no more, and what the engine does not take.
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

#define SIDE 15 /* records of a customer: more than are looked at for a mean */

typedef struct Asked
{
	size_t joins, splits;
	char doubtful[16]; /* the record of the last split */
	char anchor[16];
} Asked;

static bool
count_question(void *context, const IdentityReviewItem *item)
{
	Asked *asked = context;

	asked->joins += item->type == IDENTITY_REVIEW_JOIN;
	asked->splits += item->type == IDENTITY_REVIEW_SPLIT;
	if (item->type == IDENTITY_REVIEW_SPLIT)
	{
		snprintf(asked->doubtful, sizeof(asked->doubtful), "%s", item->b.id);
		snprintf(asked->anchor, sizeof(asked->anchor), "%s", item->a.id);
	}
	return true;
}

static Asked
ask(const State *state)
{
	Asked asked = {0};
	Err err;

	assert_true(identity_review(state->identity, 0, count_question, &asked, &err));
	return asked;
}

/* Two customers of many records each, kept apart by nothing but an answer. */
static void
an_answer_settles_whichever_members_it_names(void **unused)
{
	State state;

	(void) unused;
	start(&state);
	for (unsigned n = 0; n < 2 * SIDE; n++)
	{
		char id[16];

		snprintf(id, sizeof(id), "%u", n);
		put(&state, id, "Robert Miller", n < SIDE ? "bob.miller@example.org" : "robert@example.net",
			n < SIDE ? "1970-05-17" : "1970-05-18");
	}
	for (unsigned n = 0; n < SIDE; n++)
	{
		char a[16], b[16];

		snprintf(a, sizeof(a), "%u", n);
		snprintf(b, sizeof(b), "%u", 2 * SIDE - 1 - n);
		assert_int_equal(judge(&state, 100 + n, IDENTITY_DIFFERENT, a, b), IDENTITY_DONE);
		assert_int_equal(ask(&state).joins, 0);
		assert_int_equal(undo(&state, 100 + n), IDENTITY_DONE);
	}
	stop(&state);
}

static IdentityStatus
judge_seen(State *state, uint64_t handle, IdentityVerdict verdict, const char *a, const char *b,
		   const IdentityRef *seen, size_t nseen)
{
	IdentityChange change = {.type = IDENTITY_JUDGE};

	change.judgement.handle = handle;
	change.judgement.verdict = verdict;
	change.judgement.a = (IdentityRef){"crm", a};
	change.judgement.b = (IdentityRef){"crm", b};
	change.judgement.seen_a = seen;
	change.judgement.nseen_a = nseen;
	return take(state, &change);
}

/* A model of its own, in which members may be ill-assorted. */
static void
start_lax(State *state)
{
	Err err;

	start(state);
	identity_free(state->identity);
	assert_true(identity_model_set(state->model, "person.gate", -30, &err));
	assert_true(identity_model_set(state->model, "person.link", -3, &err));
	assert_true(identity_model_set(state->model, "person.neighbour", -3, &err));
	state->identity = identity_new(state->model, "test", NULL, &err);
	assert_non_null(state->identity);
}

static void
four_of_whom_one_fits_badly(State *state)
{
	put(state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(state, "2", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(state, "3", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(state, "4", "Robert Miller", "rm@example.net", "1955-11-17");
	put(state, "9", "Agatha Jones", "aj@example.net", "1981-02-03");
}

static void
only_who_was_asked_about_it_did_not_know(void **unused)
{
	const IdentityRef seen[] = {{"crm", "1"}, {"crm", "2"}, {"crm", "3"}, {"crm", "4"}};
	State state;

	(void) unused;
	start_lax(&state);
	four_of_whom_one_fits_badly(&state);
	assert_true(together(&state, "1", "4"));
	assert_int_equal(ask(&state).splits, 1);
	assert_string_equal(ask(&state).doubtful, "4");
	/* about the customer and somebody else */
	assert_int_equal(judge_seen(&state, 7, IDENTITY_UNSURE, "1", "9", seen, 4), IDENTITY_DONE);
	assert_int_equal(ask(&state).splits, 1);
	/* about the record; until the customer changes */
	assert_int_equal(judge_seen(&state, 8, IDENTITY_UNSURE, ask(&state).anchor, "4", seen, 3),
					 IDENTITY_DONE);
	assert_int_equal(ask(&state).splits, 0);
	put(&state, "5", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	assert_int_equal(ask(&state).splits, 1);
	assert_int_equal(judge_seen(&state, 9, IDENTITY_SAME, "1", "4", seen, 3), IDENTITY_DONE);
	assert_int_equal(ask(&state).splits, 0);
	stop(&state);
}

static bool
asks_again(void *context, const IdentityJudged *judged)
{
	*(bool *) context |= judged->asks_again;
	return true;
}

static bool
any_asks_again(const State *state)
{
	bool again = false;

	identity_judgements(state->identity, asks_again, &again);
	return again;
}

static void
who_returns_is_not_asked_about_again(void **unused)
{
	const IdentityRef seen[] = {{"crm", "2"}};
	IdentityChange gone = {.type = IDENTITY_DELETE, .ref = {"crm", "1"}};
	State state;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "9", "Agatha Jones", "aj@example.net", "1981-02-03");
	assert_int_equal(judge_seen(&state, 7, IDENTITY_DIFFERENT, "1", "9", seen, 1), IDENTITY_DONE);
	assert_false(any_asks_again(&state));
	assert_int_equal(take(&state, &gone), IDENTITY_DONE);
	assert_true(any_asks_again(&state));
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	assert_true(together(&state, "1", "2"));
	assert_false(any_asks_again(&state));
	stop(&state);
}

static void
what_names_no_record_is_not_taken(void **unused)
{
	const IdentityRef empty[] = {{"", "1"}};
	IdentityChange erase = {.type = IDENTITY_ERASE, .ref = {"crm", NULL}};
	State state;

	(void) unused;
	start(&state);
	four_of_whom_one_fits_badly(&state);
	assert_int_equal(judge_seen(&state, 7, IDENTITY_SAME, "1", "9", empty, 1), IDENTITY_ABSENT);
	assert_int_equal(judge_seen(&state, 7, IDENTITY_SAME, "1", NULL, NULL, 0), IDENTITY_ABSENT);
	assert_int_equal(take(&state, &erase), IDENTITY_ABSENT);
	stop(&state);
}

static void
what_could_not_be_stored_is_refused(void **unused)
{
	const IdentityRef no_id[] = {{"crm", "1"}, {"crm", NULL}};
	IdentityChange change = {.position = 50, .ref = {"crm", "1"}};
	const IdentityDelta *delta;
	State state;
	Err err;

	(void) unused;
	start(&state);
	for (int type = -1; type < 100; type += type == -1 ? 1 : 99)
	{
		change.type = (IdentityChangeType) type;
		assert_false(identity_prepare(state.identity, &change, 1, &delta, &err));
		assert_int_equal(err.class, ERR_CLASS_USAGE);
	}
	change.type = IDENTITY_UPSERT;
	change.kind = (IdentityKind) 9;
	assert_false(identity_prepare(state.identity, &change, 1, &delta, &err));
	change = (IdentityChange){.type = IDENTITY_JUDGE, .position = 50};
	change.judgement = (IdentityJudgement){
		.handle = 7, .verdict = IDENTITY_SPLIT, .a = {"crm", "1"}, .nseen_b = 1};
	assert_false(identity_prepare(state.identity, &change, 1, &delta, &err));
	change.judgement.seen_b = no_id;
	change.judgement.nseen_b = 2;
	assert_false(identity_prepare(state.identity, &change, 1, &delta, &err));
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	stop(&state);
}

static void
texts_of_others_stay_on_their_line(void **unused)
{
	IdentityChange change = {.type = IDENTITY_JUDGE};
	State state;
	Buffer text;
	Err err;

	(void) unused;
	start(&state);
	buffer_init(&text, 1 << 20);
	put(&state, "1\n\x1b[2J", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	change.judgement = (IdentityJudgement){.handle = 7,
										   .verdict = IDENTITY_SAME,
										   .a = {"crm", "1\n\x1b[2J"},
										   .b = {"crm", "2"},
										   .user = "anna\xc2\x9b",
										   .reason = "seen\nscore +99 \xc3\xa9t\xc3\xa9"};
	assert_int_equal(take(&state, &change), IDENTITY_DONE);
	assert_true(identity_explain_pair(state.identity, (IdentityRef){"crm", "1\n\x1b[2J"},
									  (IdentityRef){"crm", "2"}, &text, &err));
	assert_true(buffer_append_byte(&text, 0, &err));
	assert_null(strstr((const char *) text.data, "\nscore +99"));
	assert_null(strchr((const char *) text.data, '\x1b'));
	assert_non_null(strstr((const char *) text.data, "record a crm/1\\x0A\\x1B[2J\n"));
	assert_non_null(strstr((const char *) text.data,
						   "same by anna\\xC2\\x9B: seen\\x0Ascore +99 \xc3\xa9t\xc3\xa9\n"));
	buffer_release(&text);
	stop(&state);
}

static bool
last_judged(void *context, const IdentityJudged *judged)
{
	snprintf(context, 1500, "%s|%s", judged->a.id, judged->reason);
	return true;
}

/* Names are whole, whatever their length; a reason ends with a whole character. */
static void
what_is_cut_is_cut_between_characters(void **unused)
{
	IdentityChange change = {.type = IDENTITY_JUDGE};
	char id[901], reason[700], found[1500], expected[1500];
	State state;

	(void) unused;
	start(&state);
	memset(id, 'i', sizeof(id));
	id[900] = 0;
	memset(reason, 'r', sizeof(reason));
	memcpy(reason + 499, "\xe2\x82\xac", 4); /* ends at byte 502 */
	put(&state, id, "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	change.judgement = (IdentityJudgement){.handle = 7,
										   .verdict = IDENTITY_SAME,
										   .a = {"crm", id},
										   .b = {"crm", "2"},
										   .reason = reason};
	assert_int_equal(take(&state, &change), IDENTITY_DONE);
	identity_judgements(state.identity, last_judged, found);
	snprintf(expected, sizeof(expected), "%s|%.499s", id, reason);
	assert_string_equal(found, expected);
	stop(&state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_settles_whichever_members_it_names),
		cmocka_unit_test(only_who_was_asked_about_it_did_not_know),
		cmocka_unit_test(who_returns_is_not_asked_about_again),
		cmocka_unit_test(what_names_no_record_is_not_taken),
		cmocka_unit_test(what_could_not_be_stored_is_refused),
		cmocka_unit_test(texts_of_others_stay_on_their_line),
		cmocka_unit_test(what_is_cut_is_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
