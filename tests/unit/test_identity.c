/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity — a few records by hand: joined, parted, taken back, written out, read in.
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

/* Record n of many: a person like no other, or the one that all twins are. */
static const char *
nth(unsigned n, bool twin, State *state)
{
	static char id[16];
	char name[64], email[64], born[16];

	snprintf(id, sizeof(id), "%u", n);
	snprintf(name, sizeof(name), "Nadia%c%c Q%c%czko", 'a' + n % 26, 'a' + n / 26 % 26, 'a' + n % 7,
			 'a' + n % 11);
	snprintf(email, sizeof(email), "n%u@example.org", n * 7919);
	snprintf(born, sizeof(born), "19%02u-%02u-%02u", 20 + n % 70, 1 + n % 12, 1 + n % 28);
	if (state != NULL && twin)
		put(state, id, "Robert Miller", "bob.miller@example.org", "1970-05-17");
	else if (state != NULL)
		put(state, id, name, email, born);
	return id;
}

static const char *
refusal(State *state, uint64_t handle, IdentityVerdict verdict, const char *a, const char *b)
{
	IdentityChange change = {.type = IDENTITY_JUDGE};
	const IdentityDelta *delta;
	const char *message;
	static char text[640];

	change.judgement.handle = handle;
	change.judgement.verdict = verdict;
	change.judgement.a = (IdentityRef){"crm", a};
	change.judgement.b = (IdentityRef){"crm", b};
	assert_int_equal(prepare(state, &change, &delta), IDENTITY_CONTRADICTION);
	(void) identity_delta_status(delta, 0, &message);
	(void) snprintf(text, sizeof(text), "%s", message);
	identity_abort(state->identity);
	return text;
}

/* Of all that a record was judged with, those that contradict the answer. */
static void
a_refused_answer_is_told_by_which(void **unused)
{
	State state;

	(void) unused;
	start(&state);
	for (unsigned n = 1; n <= 6; n++)
		(void) nth(n, false, &state);
	assert_int_equal(judge(&state, 11, IDENTITY_SAME, "1", "2"), IDENTITY_DONE);
	assert_int_equal(judge(&state, 12, IDENTITY_SAME, "1", "3"), IDENTITY_DONE);
	assert_int_equal(judge(&state, 13, IDENTITY_SAME, "4", "3"), IDENTITY_DONE);
	assert_int_equal(judge(&state, 14, IDENTITY_DIFFERENT, "3", "5"), IDENTITY_DONE);
	assert_string_equal(refusal(&state, 20, IDENTITY_DIFFERENT, "1", "4"),
						"judgement 20 contradicts judgements 13 (same: crm/4, crm/3) and 12 (same: "
						"crm/1, crm/3)");
	assert_string_equal(refusal(&state, 21, IDENTITY_DIFFERENT, "2", "1"),
						"judgement 21 contradicts judgement 11 (same: crm/1, crm/2)");
	assert_string_equal(refusal(&state, 22, IDENTITY_SAME, "5", "1"),
						"judgement 22 contradicts judgements 14 (different: crm/3, crm/5) and 12 "
						"(same: crm/1, crm/3)");
	assert_string_equal(refusal(&state, 23, IDENTITY_SAME, "5", "3"),
						"judgement 23 contradicts judgement 14 (different: crm/3, crm/5)");
	stop(&state);
}

static void
differ(State *state, unsigned a, unsigned b)
{
	char first[16];

	snprintf(first, sizeof(first), "%u", a);
	assert_int_equal(
		judge(state, (uint64_t) a * 100000 + b + 1, IDENTITY_DIFFERENT, first, nth(b, false, NULL)),
		IDENTITY_DONE);
}

/* Both have been answered about often before they come to look alike. */
static void
no_answer_about_a_record_is_one_too_many(void **unused)
{
	State state;

	(void) unused;
	start(&state);
	for (unsigned n = 0; n < 170; n++)
		(void) nth(n, false, &state);
	for (unsigned n = 2; n < 86; n++)
	{
		differ(&state, 0, n);
		differ(&state, 1, n + 84);
	}
	differ(&state, 0, 1);
	(void) nth(0, true, &state);
	(void) nth(1, true, &state);
	assert_false(together(&state, "0", "1"));
	assert_int_equal(undo(&state, 2), IDENTITY_DONE);
	assert_true(together(&state, "0", "1"));
	stop(&state);
}

/* One more than a customer may have is one that stands beside it, and is asked about; and more than a
 * neighbourhood may have are two neighbourhoods, not as many as there are records. */
static void
a_customer_of_many_records_does_not_fall_apart(void **unused)
{
	IdentityStats stats;
	State state;

	(void) unused;
	start(&state);
	for (unsigned n = 1; n <= 240; n++)
	{
		(void) nth(n, true, &state);
		identity_stats(state.identity, &stats);
		assert_in_range(stats.customers, (n + 59) / 60, (n + 59) / 60 + (n > 200 ? 2 : 0));
	}
	stop(&state);
}

static void
no_answer_in_a_neighbourhood_is_one_too_many(void **unused)
{
	enum
	{
		twins = 56 /* have 1,540 pairs, and fewer records than a key may have */
	};
	State state;

	(void) unused;
	start(&state);
	for (unsigned n = 0; n < twins; n++)
		(void) nth(n, true, &state);
	assert_true(together(&state, "0", "55"));
	for (unsigned a = 0; a < twins; a++)
		for (unsigned b = a + 1; b < twins; b++)
			differ(&state, a, b);
	for (unsigned a = 0; a < twins; a++)
		for (unsigned b = a + 1; b < twins; b++)
		{
			char first[16];

			snprintf(first, sizeof(first), "%u", a);
			assert_false(together(&state, first, nth(b, false, NULL)));
		}
	stop(&state);
}

static void
answers_beyond_what_a_record_can_hold_are_refused_by_name(void **unused)
{
	State state;
	IdentityChange change;
	const IdentityDelta *delta;
	const char *message;

	(void) unused;
	start(&state);
	for (unsigned n = 0; n <= 1025; n++)
		(void) nth(n, false, &state);
	for (unsigned n = 1; n <= 1024; n++)
		differ(&state, 0, n);
	memset(&change, 0, sizeof(change));
	change.type = IDENTITY_JUDGE;
	change.judgement.handle = 77777777;
	change.judgement.verdict = IDENTITY_DIFFERENT;
	change.judgement.a = (IdentityRef){"crm", "1025"};
	change.judgement.b = (IdentityRef){"crm", "0"};
	assert_int_equal(prepare(&state, &change, &delta), IDENTITY_CONTRADICTION);
	(void) identity_delta_status(delta, 0, &message);
	assert_string_equal(message,
						"judgement 77777777 names record crm/0, which 1024 judgements name "
						"already; undo some of them first");
	identity_commit(state.identity);
	assert_int_equal(undo(&state, 2), IDENTITY_DONE);
	assert_int_equal(take(&state, &change), IDENTITY_DONE);
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

static void
a_model_reads_back_as_it_was_written(void **unused)
{
	IdentityModel *model, *copy;
	Buffer text, difference;
	Err err;
	double value;

	(void) unused;
	model = identity_model_default(&err);
	assert_non_null(model);
	assert_true(identity_model_set(model, "person.link", 3.5, &err));
	assert_true(identity_model_set(model, "person.weight.email.exact", 14, &err));
	assert_false(identity_model_set(model, "person.no_such", 1, &err));
	assert_false(identity_model_set(model, "person.key_cap", 100000, &err));
	assert_false(identity_model_set(model, "person.key_cap", 60.5, &err));
	buffer_init(&text, 1u << 20);
	buffer_init(&difference, 1u << 20);
	assert_true(identity_model_print(model, &text, &err));
	copy = identity_model_parse((const char *) text.data, text.length, &err);
	assert_non_null(copy);
	assert_true(identity_model_hash(copy) == identity_model_hash(model));
	assert_true(identity_model_get(copy, "person.link", &value, &err));
	assert_true(value == 3.5);
	assert_true(identity_model_diff(model, copy, &difference, &err));
	assert_int_equal(difference.length, 0);
	assert_true(identity_model_set(copy, "company.gate", -2, &err));
	assert_true(identity_model_diff(model, copy, &difference, &err));
	assert_true(difference.length > 0);
	assert_false(identity_model_hash(copy) == identity_model_hash(model));
	assert_null(identity_model_parse("{}", 2, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	buffer_release(&text);
	buffer_release(&difference);
	identity_model_free(model);
	identity_model_free(copy);
}

static void
an_explanation_sums_to_its_score(void **unused)
{
	State state;
	Buffer text;
	Err err;
	double sum = 0, score = 1000;
	char *line, *rest;

	(void) unused;
	start(&state);
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Bob Miller", "bob.miller@example.org", "1970-05-18");
	buffer_init(&text, 1u << 20);
	assert_true(identity_explain_pair(state.identity, (IdentityRef){"crm", "1"},
									  (IdentityRef){"crm", "2"}, &text, &err));
	assert_true(buffer_append(&text, "", 1, &err));
	for (line = strtok_r((char *) text.data, "\n", &rest); line != NULL;
		 line = strtok_r(NULL, "\n", &rest))
	{
		if (strncmp(line, "bits ", 5) == 0)
			sum += strtod(line + 5, NULL);
		if (strncmp(line, "score ", 6) == 0)
			score = strtod(line + 6, NULL);
	}
	assert_true(sum - score < 0.01 && score - sum < 0.01);
	buffer_clear(&text);
	assert_true(
		identity_explain_record(state.identity, (IdentityRef){"crm", "1"}, NULL, &text, &err));
	assert_false(
		identity_explain_record(state.identity, (IdentityRef){"crm", "9"}, NULL, &text, &err));
	assert_int_equal(err.class, ERR_CLASS_USAGE);
	buffer_release(&text);
	stop(&state);
}

static bool
keep_first(void *context, const IdentityReviewItem *item)
{
	*(IdentityReviewItem *) context = *item;
	return false;
}

static void
what_is_held_back_is_asked_until_answered(void **unused)
{
	State state;
	IdentityReviewItem item;
	Err err;

	(void) unused;
	start(&state);
	/* joined by hand, then parted: weights say one, the answer says two */
	put(&state, "1", "Robert Miller", "bob.miller@example.org", "1970-05-17");
	put(&state, "2", "Robert Muller", "r.m@example.net", "1970-05-17");
	memset(&item, 0, sizeof(item));
	assert_true(identity_review(state.identity, 0, keep_first, &item, &err));
	if (!together(&state, "1", "2"))
	{
		assert_int_equal(item.type, IDENTITY_REVIEW_JOIN);
		assert_int_equal(judge(&state, 5, IDENTITY_DIFFERENT, "1", "2"), IDENTITY_DONE);
		memset(&item, 0, sizeof(item));
		assert_true(identity_review(state.identity, 0, keep_first, &item, &err));
		assert_int_equal(item.type, 0);
	}
	stop(&state);
}

static IdentityId
customer_of(const State *state, const char *id)
{
	IdentityId customer;

	assert_true(identity_customer(state->identity, (IdentityRef){"crm", id}, &customer));
	return customer;
}

/* Record 7 came to the first customer with the second, stayed when that left again, and is no
 * reason to take it for the second when the two merge and part once more. */
static void
who_stayed_behind_does_not_carry_an_id_away(void **unused)
{
	static const char *const pairs[][2] = {{"1", "2"}, {"2", "3"}, {"4", "5"}, {"5", "7"},
										   {"3", "7"}, {"4", "6"}, {"4", "8"}, {"4", "1"}};
	IdentityId first, second, now;
	State state;

	(void) unused;
	for (unsigned shift = 0; shift < 8; shift++)
	{
		start(&state);
		for (unsigned n = 1; n <= 8; n++)
			nth(n, false, &state);
		for (unsigned i = 0; i < shift; i++) /* the customers' order in memory */
			nth(100 + i, false, &state);
		for (unsigned i = 0; i < 8; i++)
		{
			if (i == 5)
				assert_int_equal(undo(&state, 13), IDENTITY_DONE);
			first = customer_of(&state, "1");
			second = customer_of(&state, "4");
			assert_int_equal(judge(&state, 10 + i, IDENTITY_SAME, pairs[i][0], pairs[i][1]),
							 IDENTITY_DONE);
		}
		assert_true(together(&state, "1", "4"));
		assert_int_equal(undo(&state, 17), IDENTITY_DONE);
		now = customer_of(&state, "1");
		assert_memory_equal(&now, &first, sizeof(now));
		now = customer_of(&state, "4");
		assert_memory_equal(&now, &second, sizeof(now));
		stop(&state);
	}
}

/* "Same", seen with all members of both. */
static IdentityStatus
join(State *state, uint64_t handle, const IdentityRef *a, size_t na, const IdentityRef *b,
	 size_t nb)
{
	IdentityChange change = {.type = IDENTITY_JUDGE,
							 .judgement = {.handle = handle,
										   .verdict = IDENTITY_SAME,
										   .a = a[0],
										   .b = b[0],
										   .seen_a = a,
										   .nseen_a = na,
										   .seen_b = b,
										   .nseen_b = nb}};

	return take(state, &change);
}

/* Undone in the order they were given, answers give each his own id back, whoever is more by then. */
static void
who_was_merged_first_gets_his_id_back(void **unused)
{
	static const char *const owners[] = {"1", "4", "6"};
	static const IdentityRef all[] = {{"crm", "6"}, {"crm", "7"}, {"crm", "1"}, {"crm", "2"},
									  {"crm", "3"}, {"crm", "4"}, {"crm", "5"}};
	IdentityId before[3], now;
	State state;

	(void) unused;
	start(&state);
	for (unsigned n = 0; n < 7; n++)
	{
		static const char *const people[][3] = {
			{"Philippa Tremaine", "tremaine@example.org", "1961-02-03"},
			{"Torsten Oddershede", "oddershede@example.net", "1974-11-30"},
			{"Ignacio Vasquelle", "vasquelle@example.com", "1988-07-19"}};
		unsigned who = n < 3 ? 0 : n < 5 ? 1 : 2;
		char id[8];

		snprintf(id, sizeof(id), "%u", n + 1);
		put(&state, id, people[who][0], people[who][1], people[who][2]);
	}
	for (unsigned i = 0; i < 3; i++)
		before[i] = customer_of(&state, owners[i]);
	assert_int_equal(join(&state, 31, all + 2, 3, all, 2), IDENTITY_DONE);
	assert_int_equal(join(&state, 32, all, 5, all + 5, 2), IDENTITY_DONE);
	assert_true(together(&state, "1", "4") && together(&state, "1", "6"));
	assert_int_equal(undo(&state, 31), IDENTITY_DONE);
	now = customer_of(&state, "1");
	assert_memory_equal(&now, &before[0], sizeof(now));
	assert_int_equal(undo(&state, 32), IDENTITY_DONE);
	for (unsigned i = 0; i < 3; i++)
	{
		now = customer_of(&state, owners[i]);
		assert_memory_equal(&now, &before[i], sizeof(now));
	}
	stop(&state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_stayed_behind_does_not_carry_an_id_away),
		cmocka_unit_test(who_was_merged_first_gets_his_id_back),
		cmocka_unit_test(the_same_person_is_joined_and_another_is_not),
		cmocka_unit_test(answers_outrank_the_data_and_can_be_undone),
		cmocka_unit_test(a_refused_answer_is_told_by_which),
		cmocka_unit_test(no_answer_about_a_record_is_one_too_many),
		cmocka_unit_test(a_customer_of_many_records_does_not_fall_apart),
		cmocka_unit_test(no_answer_in_a_neighbourhood_is_one_too_many),
		cmocka_unit_test(answers_beyond_what_a_record_can_hold_are_refused_by_name),
		cmocka_unit_test(abort_leaves_no_trace),
		cmocka_unit_test(snapshot_and_deltas_give_the_same_bytes),
		cmocka_unit_test(a_model_reads_back_as_it_was_written),
		cmocka_unit_test(an_explanation_sums_to_its_score),
		cmocka_unit_test(what_is_held_back_is_asked_until_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
