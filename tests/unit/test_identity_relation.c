/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity_relation — what relatives, neighbours and sister companies share joins nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "goldpan/identity.h"
#include "identity/identity_priv.h"

#define FIELDS 8

typedef struct Row /* attribute, text: pairs up to a NULL text */
{
	struct
	{
		IdentityAttribute attribute;
		const char *text;
	} field[FIELDS];
} Row;

static IdentityModel *model;

static int
setup(void **state)
{
	Err err;

	(void) state;
	model = identity_model_default(&err);
	return model == NULL;
}

static int
teardown(void **state)
{
	(void) state;
	identity_model_free(model);
	return 0;
}

static size_t
fill(const Row *row, IdentityField fields[FIELDS])
{
	size_t n = 0;

	memset(fields, 0, FIELDS * sizeof(fields[0]));
	for (; n < FIELDS && row->field[n].text != NULL; n++)
	{
		fields[n].attribute = row->field[n].attribute;
		fields[n].text = row->field[n].text;
		fields[n].length = strlen(row->field[n].text);
		fields[n].scheme = "tax";
	}
	return n;
}

static IdentityForm *
form_of(IdentityKind kind, const Row *row)
{
	IdentityField fields[FIELDS];
	Err err;
	IdentityForm *form = identity_form(model, kind, fields, fill(row, fields), &err);

	assert_non_null(form);
	return form;
}

/* Compares both ways round, which must be the same. */
static Comparison
compare(IdentityKind kind, const Row *one, const Row *other)
{
	IdentityForm *a = form_of(kind, one), *b = form_of(kind, other);
	Comparison c, back;

	identity_compare(model, a, b, &c);
	identity_compare(model, b, a, &back);
	assert_int_equal(c.bits, back.bits);
	assert_memory_equal(c.level, back.level, sizeof(c.level));
	identity_form_free(a);
	identity_form_free(b);
	return c;
}

static bool
links(IdentityKind kind, const Row *one, const Row *other)
{
	return compare(kind, one, other).bits >= model_parameter(model, kind, PARAMETER_link);
}

#define NAME(text)                                                                                 \
	{                                                                                              \
		IDENTITY_FULL_NAME, text                                                                   \
	}
#define MAIL(text)                                                                                 \
	{                                                                                              \
		IDENTITY_EMAIL, text                                                                       \
	}
#define PHONE(text)                                                                                \
	{                                                                                              \
		IDENTITY_PHONE, text                                                                       \
	}
#define BORN(text)                                                                                 \
	{                                                                                              \
		IDENTITY_BIRTH_DATE, text                                                                  \
	}
#define STREET(text)                                                                               \
	{                                                                                              \
		IDENTITY_STREET, text                                                                      \
	}
#define POSTCODE(text)                                                                             \
	{                                                                                              \
		IDENTITY_POSTCODE, text                                                                    \
	}
#define CITY(text)                                                                                 \
	{                                                                                              \
		IDENTITY_CITY, text                                                                        \
	}
#define COUNTRY(text)                                                                              \
	{                                                                                              \
		IDENTITY_COUNTRY, text                                                                     \
	}
#define COMPANY(text)                                                                              \
	{                                                                                              \
		IDENTITY_COMPANY_NAME, text                                                                \
	}
#define TAX(text)                                                                                  \
	{                                                                                              \
		IDENTITY_STRONG_ID, text                                                                   \
	}
#define AT_HOME                                                                                    \
	STREET("12 Hillgate Street"), POSTCODE("LS8 3US"), CITY("Leeds"), COUNTRY("GB"),               \
		PHONE("+44 113 496 0733")

static void
test_household(void **state)
{
	static const Row anna = {{NAME("Anna Thornwick"), AT_HOME}};
	static const Row anna_again = {{NAME("Anna Thornwick"), MAIL("anna@example.org"), AT_HOME}};
	static const Row george = {{NAME("George Thornwick"), AT_HOME}};
	static const Row nobody = {{MAIL("thornwick@example.org"), AT_HOME}};

	(void) state;
	assert_true(links(IDENTITY_PERSON, &anna, &anna_again));
	assert_false(links(IDENTITY_PERSON, &anna, &george));
	assert_true(compare(IDENTITY_PERSON, &anna, &george).capped < 0);
	/* whose record is it? */
	assert_false(links(IDENTITY_PERSON, &anna, &nobody));
}

static void
test_generations(void **state)
{
	static const Row father = {{NAME("Paul Thornwick Sr"), AT_HOME}};
	static const Row one_of_them = {{NAME("Paul Thornwick"), AT_HOME}};
	static const Row early = {{NAME("Paul Thornwick"), BORN("1950-02-03"), AT_HOME}};
	static const Row late = {{NAME("Paul Thornwick"), BORN("1981-11-30"), AT_HOME}};
	static const Row late_again = {{NAME("Paul Thornwick"), BORN("1981-11-30"), AT_HOME}};

	(void) state;
	assert_false(links(IDENTITY_PERSON, &father, &one_of_them));
	assert_false(links(IDENTITY_PERSON, &early, &late));
	assert_true(links(IDENTITY_PERSON, &late, &late_again));
}

static void
test_twins(void **state)
{
	static const Row one = {{NAME("Erik Thornwick"), BORN("1981-11-30"), AT_HOME}};
	static const Row other = {{NAME("Sophie Thornwick"), BORN("1981-11-30"), AT_HOME}};

	(void) state;
	assert_false(links(IDENTITY_PERSON, &one, &other));
}

static void
test_name_alone(void **state)
{
	static const Row mail = {{NAME("Anna Thornwick"), MAIL("anna.thornwick@example.org")}};
	static const Row phone = {{NAME("Anna Thornwick"), PHONE("+44 7700 900123")}};
	static const Row same_mail = {{NAME("A. Thornwick"), MAIL("anna.thornwick@example.org")}};

	(void) state;
	assert_false(links(IDENTITY_PERSON, &mail, &phone));
	assert_true(links(IDENTITY_PERSON, &mail, &same_mail));
}

/* Two of a name in one city, each with a mailbox of their own: the city is no fact about them. */
static void
test_name_and_city(void **state)
{
	static const Row one = {{NAME("Anna Thornwick"), MAIL("a.thornwick@example.org"),
							 POSTCODE("N7 3AG"), CITY("London")}};
	static const Row other = {
		{NAME("Anna Thornwick"), MAIL("anna85@example.net"), POSTCODE("N7 1WG"), CITY("London")}};
	static const Row beside = {
		{NAME("Anna Thornwick"), MAIL("anna85@example.net"), POSTCODE("N7 3AG"), CITY("London")}};
	int32_t most = model_parameter(model, IDENTITY_PERSON, PARAMETER_name_only);

	IdentityModel *shipped = model;
	Err err;

	(void) state;
	/* as where most customers live in a few cities */
	model = identity_model_default(&err);
	assert_non_null(model);
	assert_true(identity_model_set(model, "person.weight.postcode.outward", 0.1, &err));
	assert_true(compare(IDENTITY_PERSON, &one, &other).part[COMPARE_PLACE] > 0);
	assert_true(compare(IDENTITY_PERSON, &one, &other).bits <= most);
	assert_true(compare(IDENTITY_PERSON, &one, &beside).bits > most);
	identity_model_free(model);
	model = shipped;
}

/* Given names that are but similar, one line, and a mailbox each: man and wife. */
static void
test_similar_given_names(void **state)
{
	static const Row mark = {{NAME("Mark Bosvenor"), MAIL("mark.bosvenor@example.org"), AT_HOME}};
	static const Row maria = {{NAME("Maria Bosvenor"), MAIL("mb84@example.net"), AT_HOME}};

	(void) state;
	assert_int_equal(compare(IDENTITY_PERSON, &mark, &maria).level[COMPARE_GIVEN], GIVEN_SIMILAR);
	assert_true(compare(IDENTITY_PERSON, &mark, &maria).capped < 0);
	assert_false(links(IDENTITY_PERSON, &mark, &maria));
}

static void
test_mailbox_named_after_owner(void **state)
{
	static const Row one = {{NAME("Anna Thornwick"), MAIL("anna.thornwick@example.org")}};
	static const Row other = {{NAME("Anna Thornwick"), MAIL("anna.thornwick@example.net")}};
	static const Row year = {{NAME("Anna Thornwick"), MAIL("anna84@example.org")}};
	static const Row other_year = {{NAME("Anna Thornwick"), MAIL("anna85@example.org")}};

	(void) state;
	assert_int_equal(compare(IDENTITY_PERSON, &one, &other).level[COMPARE_EMAIL], EMAIL_SAME_NAME);
	assert_true(compare(IDENTITY_PERSON, &one, &other).part[COMPARE_EMAIL] <= 3 * BIT);
	assert_int_equal(compare(IDENTITY_PERSON, &year, &other_year).level[COMPARE_EMAIL],
					 EMAIL_DIFFERS);
}

static void
test_names(void **state)
{
	static const Row full = {{NAME("Christopher White")}};
	static const Row swapped = {{NAME("White Christopher")}};
	static const Row brother = {{NAME("Marcus White")}};
	static const Row handle = {{NAME("cwhite84")}};
	static const Row wrong_handle = {{NAME("mwhite84")}};
	static const Row title = {{NAME("Mr White")}};

	(void) state;
	assert_int_equal(compare(IDENTITY_PERSON, &full, &swapped).level[COMPARE_GIVEN],
					 GIVEN_ELSEWHERE);
	assert_true(compare(IDENTITY_PERSON, &swapped, &brother).level[COMPARE_GIVEN] >=
				GIVEN_DIFFERS_SAME_INITIAL);
	assert_int_equal(compare(IDENTITY_PERSON, &full, &handle).level[COMPARE_FAMILY], FAMILY_HANDLE);
	assert_int_equal(compare(IDENTITY_PERSON, &full, &wrong_handle).level[COMPARE_FAMILY], 0);
	assert_int_equal(compare(IDENTITY_PERSON, &full, &title).level[COMPARE_FAMILY], FAMILY_EXACT);
	assert_int_equal(compare(IDENTITY_PERSON, &full, &title).level[COMPARE_GIVEN], 0);
}

static void
test_diminutives(void **state)
{
	static const char *const pairs[][2] = {{"Małgorzata", "Gosia"}, {"Francisco", "Paco"},
										   {"Friedrich", "Fritz"},	{"Kristina", "Stina"},
										   {"Hendrik", "Henk"},		{"Dmitry", "Dima"}};

	(void) state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		Row one = {{{IDENTITY_GIVEN_NAME, pairs[i][0]}, {IDENTITY_FAMILY_NAME, "Thornwick"}}};
		Row other = {{{IDENTITY_GIVEN_NAME, pairs[i][1]}, {IDENTITY_FAMILY_NAME, "Thornwick"}}};

		assert_int_equal(compare(IDENTITY_PERSON, &one, &other).level[COMPARE_GIVEN],
						 GIVEN_NICKNAME);
	}
}

static void
test_countries(void **state)
{
	static const Row explicit = {{NAME("Anna Thornwick"), COUNTRY("United Kingdom")}};
	static const Row dialled = {{NAME("Anna Thornwick"), PHONE("+44 7700 900123")}};
	static const Row domain = {{NAME("Anna Thornwick"), MAIL("anna@example.de")}};

	(void) state;
	assert_int_equal(compare(IDENTITY_PERSON, &explicit, &dialled).level[COMPARE_COUNTRY],
					 COUNTRY_EXACT);
	assert_int_equal(compare(IDENTITY_PERSON, &explicit, &domain).level[COMPARE_COUNTRY],
					 COUNTRY_DIFFERS);
}

#define OFFICE                                                                                     \
	STREET("4 Quay Lane"), POSTCODE("LS1 4AP"), CITY("Leeds"), COUNTRY("GB"),                      \
		PHONE("+44 113 496 0100")

static void
test_sister_companies(void **state)
{
	static const Row energy = {
		{COMPANY("Hollowell Energy Ltd"), MAIL("energy@hollowell.test"), OFFICE}};
	static const Row leasing = {
		{COMPANY("Hollowell Leasing Ltd"), MAIL("leasing@hollowell.test"), OFFICE}};
	static const Row misspelt = {{COMPANY("Hollowell Enregy Limited"), OFFICE}};
	static const Row brand = {{COMPANY("Hollowell"), MAIL("paul@hollowell.test")}};
	static const Row tenant = {{COMPANY("Brackwater Dental"), OFFICE}};

	(void) state;
	assert_int_equal(compare(IDENTITY_COMPANY, &energy, &leasing).level[COMPARE_COMPANY],
					 COMPANY_SOME_WORDS);
	assert_false(links(IDENTITY_COMPANY, &energy, &leasing));
	assert_true(links(IDENTITY_COMPANY, &energy, &misspelt));
	assert_false(links(IDENTITY_COMPANY, &energy, &brand));
	assert_false(links(IDENTITY_COMPANY, &energy, &tenant));
}

static void
test_company_name_alone(void **state)
{
	static const Row here = {{COMPANY("Hollowell Energy"), COUNTRY("GB"), TAX("123456")}};
	static const Row there = {{COMPANY("Hollowell Energy"), COUNTRY("DE"), TAX("654321")}};
	static const Row bare = {{COMPANY("Hollowell Energy"), COUNTRY("GB")}};

	(void) state;
	assert_false(links(IDENTITY_COMPANY, &here, &there));
	assert_false(links(IDENTITY_COMPANY, &here, &bare));
}

/* ---- values that people with other names use too: known to the engine only ---- */

static void
put(Identity *identity, uint64_t position, const char *id, const Row *row)
{
	IdentityField fields[FIELDS];
	IdentityChange change = {.type = IDENTITY_UPSERT,
							 .position = position,
							 .ref = {"crm", id},
							 .kind = IDENTITY_PERSON,
							 .fields = fields,
							 .nfields = fill(row, fields)};
	const IdentityDelta *delta;
	Err err;

	change.type = row->field[0].text == NULL ? IDENTITY_DELETE : IDENTITY_UPSERT;
	assert_true(identity_prepare(identity, &change, 1, &delta, &err));
	identity_commit(identity);
}

static bool
together(Identity *identity, const char *a, const char *b)
{
	IdentityId x, y;

	assert_true(identity_customer(identity, (IdentityRef){"crm", a}, &x));
	assert_true(identity_customer(identity, (IdentityRef){"crm", b}, &y));
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static void
test_shared_mailbox(void **state)
{
	static const Row nobody = {{MAIL("thornwick.home@example.org")}};
	static const Row anna = {{NAME("Anna Thornwick"), MAIL("thornwick.home@example.org")}};
	static const Row george = {{NAME("George Thornwick"), MAIL("thornwick.home@example.org")}};
	static const Row gone = {{{0, NULL}}};
	Err err;
	Identity *identity = identity_new(model, "test", NULL, &err);

	(void) state;
	assert_non_null(identity);
	put(identity, 1, "1", &nobody);
	put(identity, 2, "2", &anna);
	assert_true(together(identity, "1", "2"));
	put(identity, 3, "3", &george);
	assert_false(together(identity, "1", "2"));
	assert_false(together(identity, "2", "3"));
	put(identity, 4, "3", &gone);
	assert_true(together(identity, "1", "2"));
	identity_free(identity);
}

/* Texts are kept to 63 characters; those that differ behind that are two all the same. */
static void
test_long_values(void **state)
{
	static const char start[] =
		"bounce-20261127-customer-relations-department-for-the-whole-of-europe";
	char mail[3][160], name[3][160], id[3][160];
	Row mails[3], names[3], ids[3];

	(void) state;
	memset(mails, 0, sizeof(mails));
	memset(names, 0, sizeof(names));
	memset(ids, 0, sizeof(ids));
	for (unsigned i = 0; i < 3; i++)
	{
		snprintf(mail[i], sizeof(mail[i]), "%s%u@example.org", start, i / 2);
		snprintf(name[i], sizeof(name[i]),
				 "Donaudampfschifffahrtsgesellschaft Oberoesterreich Zweigstelle %s",
				 i / 2 ? "Nord" : "West");
		mails[i] = (Row){{NAME("Anna Thornwick"), MAIL(mail[i])}};
		snprintf(id[i], sizeof(id[i]), "%064d%u", 4711, i / 2);
		ids[i] = (Row){{NAME("Anna Thornwick"), {IDENTITY_STRONG_ID, id[i]}}};
		names[i] = (Row){{{IDENTITY_COMPANY_NAME, name[i]}}};
	}
	assert_int_equal(compare(IDENTITY_PERSON, &mails[0], &mails[1]).level[COMPARE_EMAIL],
					 EMAIL_EXACT);
	assert_int_not_equal(compare(IDENTITY_PERSON, &mails[0], &mails[2]).level[COMPARE_EMAIL],
						 EMAIL_EXACT);
	assert_int_equal(compare(IDENTITY_PERSON, &ids[0], &ids[1]).level[COMPARE_ID], ID_EXACT);
	assert_int_not_equal(compare(IDENTITY_PERSON, &ids[0], &ids[2]).level[COMPARE_ID], ID_EXACT);
	assert_int_equal(compare(IDENTITY_COMPANY, &names[0], &names[1]).level[COMPARE_COMPANY],
					 COMPANY_EXACT);
	assert_true(compare(IDENTITY_COMPANY, &names[0], &names[2]).level[COMPARE_COMPANY] >=
				COMPANY_CLOSE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_household),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_name_alone),
		cmocka_unit_test(test_name_and_city),
		cmocka_unit_test(test_similar_given_names),
		cmocka_unit_test(test_mailbox_named_after_owner),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_diminutives),
		cmocka_unit_test(test_countries),
		cmocka_unit_test(test_sister_companies),
		cmocka_unit_test(test_company_name_alone),
		cmocka_unit_test(test_shared_mailbox),
		cmocka_unit_test(test_long_values),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
