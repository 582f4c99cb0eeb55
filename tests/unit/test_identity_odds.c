/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity_odds — answers teach which questions to ask next, and nothing else.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "goldpan/identity.h"

static IdentityModel *model;
static Identity *identity;
static uint64_t position;

static int
setup(void **state)
{
	Err err;

	(void) state;
	model = identity_model_default(&err);
	identity = model == NULL ? NULL : identity_new(model, "test", NULL, &err);
	position = 0;
	return identity == NULL;
}

static int
teardown(void **state)
{
	(void) state;
	identity_free(identity);
	identity_model_free(model);
	return 0;
}

static void
take(IdentityChange *change)
{
	const IdentityDelta *delta;
	Err err;

	change->position = ++position;
	assert_true(identity_prepare(identity, change, 1, &delta, &err));
	assert_int_equal(identity_delta_status(delta, 0, NULL), IDENTITY_DONE);
	identity_commit(identity);
}

static void
put(const char *id, const char *name, const char *email, const char *phone)
{
	const IdentityField fields[] = {
		{.attribute = IDENTITY_FULL_NAME, .text = name, .length = strlen(name)},
		{.attribute = IDENTITY_EMAIL, .text = email, .length = strlen(email)},
		{.attribute = IDENTITY_PHONE, .text = phone, .length = strlen(phone)}};
	IdentityChange change = {.type = IDENTITY_UPSERT,
							 .ref = {"crm", id},
							 .kind = IDENTITY_PERSON,
							 .fields = fields,
							 .nfields = 3};

	take(&change);
}

static const char *const names[][3] = {/* family, given, another given */
									   {"Tremaine", "Philippa", "Gregory"},
									   {"Oddershede", "Torsten", "Wilma"},
									   {"Vasquelle", "Ignacio", "Beatriz"},
									   {"Krumbholtz", "Hannelore", "Ulrich"},
									   {"Pennyquick", "Desmond", "Leticia"},
									   {"Zwaanswijk", "Cornelis", "Femke"},
									   {"Lillicrap", "Jocelyn", "Rupert"},
									   {"Featherstonhaugh", "Araminta", "Quentin"}};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* Two records for each family name under two given names: with one mailbox, or one landline. */
static void
put_pairs(bool mailbox)
{
	for (unsigned i = 0; i < NAMES; i++)
	{
		for (unsigned side = 0; side < 2; side++)
		{
			unsigned own = mailbox ? 9000 + i * 2 + side : 1000 + i;
			char id[20], name[60], email[60], phone[20];

			snprintf(id, sizeof(id), "%c%u%c", mailbox ? 'm' : 'p', i, side == 0 ? 'a' : 'b');
			snprintf(name, sizeof(name), "%s %s%s", names[i][1 + side], names[i][0],
					 mailbox ? "son" : "");
			if (mailbox)
				snprintf(email, sizeof(email), "%sson@example.org", names[i][0]);
			else
				snprintf(email, sizeof(email), "%c%u@example.org", names[i][1 + side][0], 7001 + i);
			snprintf(phone, sizeof(phone), "+44 113 496 %u", own);
			put(id, name, email, phone);
		}
	}
}

static void
answer(const char *a, const char *b, IdentityVerdict verdict)
{
	const IdentityRef one = {"crm", a}, other = {"crm", b};
	IdentityChange change = {.type = IDENTITY_JUDGE,
							 .judgement = {.handle = position + 1,
										   .verdict = verdict,
										   .a = one,
										   .b = other,
										   .seen_a = &one,
										   .nseen_a = 1,
										   .seen_b = &other,
										   .nseen_b = 1,
										   .user = "test",
										   .reason = ""}};

	change.handle = change.judgement.handle;
	take(&change);
}

typedef struct Asked
{
	const char *a;
	double probability;
	size_t rank, count;
} Asked;

static bool
look(void *context, const IdentityReviewItem *item)
{
	Asked *asked = context;

	asked->count++;
	if (asked->rank == 0 &&
		(strcmp(item->a.id, asked->a) == 0 || strcmp(item->b.id, asked->a) == 0))
	{
		asked->probability = item->probability;
		asked->rank = asked->count;
	}
	return true;
}

static Asked
question(const char *a)
{
	Asked asked = {.a = a};
	Err err;

	assert_true(identity_review(identity, 0, look, &asked, &err));
	assert_int_not_equal(asked.rank, 0);
	return asked;
}

static void
test_answers_teach(void **state)
{
	Asked before, after;

	(void) state;
	put_pairs(false);
	put_pairs(true);
	before = question("m7a");
	assert_true(before.rank < question("p7a").rank);
	for (unsigned i = 0; i < NAMES - 1; i++)
	{
		for (unsigned mailbox = 0; mailbox < 2; mailbox++)
		{
			char a[8], b[8];

			snprintf(a, sizeof(a), "%c%ua", mailbox ? 'm' : 'p', i);
			snprintf(b, sizeof(b), "%c%ub", mailbox ? 'm' : 'p', i);
			answer(a, b, mailbox ? IDENTITY_DIFFERENT : IDENTITY_SAME);
		}
	}
	after = question("m7a");
	assert_true(after.probability < before.probability / 2);
	assert_true(after.rank > question("p7a").rank);
}

/* Three in one house: with two questions about each, each is half as likely. */
static void
test_rivals(void **state)
{
	double alone, beside;

	(void) state;
	put("1", "Philippa Tremaine", "tremaine@example.org", "+44 113 496 1000");
	put("2", "Gregory Tremaine", "tremaine@example.org", "+44 113 496 2000");
	alone = question("1").probability;
	put("3", "Ignacio Tremaine", "tremaine@example.org", "+44 113 496 3000");
	assert_int_equal(question("1").count, 3);
	beside = question("1").probability;
	assert_true(fabs(alone / (1 - alone) - 2 * beside / (1 - beside)) < 1e-6);
}

/* Undone, they are forgotten. */
static void
test_undone(void **state)
{
	IdentityChange undo = {.type = IDENTITY_UNDO};
	double before;

	(void) state;
	put_pairs(false);
	before = question("p7a").probability;
	answer("p0a", "p0b", IDENTITY_DIFFERENT);
	undo.judgement.handle = position;
	assert_true(question("p7a").probability < before);
	take(&undo);
	assert_true(question("p7a").probability == before);
}

#define TWINS 56

/* Twice the same record TWINS times, and what a steward says of each; then of strangers, two each. */
static void
answer_twins(unsigned wrong)
{
	for (unsigned i = 0; i < TWINS; i++)
	{
		char name[60], email[60], phone[20], a[8], b[8];

		snprintf(name, sizeof(name), "%s %s%c", names[i % NAMES][1 + i / NAMES % 2],
				 names[i % NAMES][0], 'a' + i / 16);
		snprintf(email, sizeof(email), "t%u@example.org", 700 + i);
		snprintf(phone, sizeof(phone), "+44 113 496 %u", 1000 + i);
		snprintf(a, sizeof(a), "a%u", i);
		snprintf(b, sizeof(b), "b%u", i);
		put(a, name, email, phone);
		put(b, name, email, phone);
		answer(a, b, wrong != 0 && i % wrong == 0 ? IDENTITY_DIFFERENT : IDENTITY_SAME);
	}
	for (unsigned i = 0; i + 1 < TWINS; i += 4)
	{
		char a[8], b[8];

		snprintf(a, sizeof(a), "a%u", i);
		snprintf(b, sizeof(b), "a%u", i + 1);
		answer(a, b, IDENTITY_DIFFERENT);
	}
}

static double
calibrated(void)
{
	IdentityModel *to = identity_model_default(NULL);
	double before = 0, after = 0;
	Err err;

	assert_non_null(to);
	assert_true(identity_model_get(to, "person.sure_best", &before, &err));
	assert_true(identity_calibrate(identity, to, &err));
	assert_true(identity_model_get(to, "person.sure_best", &after, &err));
	identity_model_free(to);
	return after / before;
}

/* One answer in nine is wrong, also where all agrees: the odds are worth less, and still something. */
static void
test_calibrated_to_errors(void **state)
{
	double slope;

	(void) state;
	answer_twins(9);
	slope = calibrated();
	assert_true(slope > 0.01 && slope < 0.5);
}

/* No mistake at all makes nothing certain. */
static void
test_calibrated_to_perfection(void **state)
{
	double slope;

	(void) state;
	answer_twins(0);
	slope = calibrated();
	assert_true(slope > 0.8 && slope < 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers_teach, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rivals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calibrated_to_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calibrated_to_perfection, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
