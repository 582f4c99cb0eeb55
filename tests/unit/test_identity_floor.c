/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_identity_floor — a comparison that may stop early says the same as one that does not.
 *
 * Pairs of random forms, rarities and marks, under random weights: what is at or above the floor
 * has the same bits, levels and conflict, and what is below it stays below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "goldpan/identity.h"
#include "identity/identity_priv.h"

#define FIELDS 10
#define MODELS 40
#define PAIRS  500

static uint64_t seed = 20261127;

static unsigned
chance(unsigned below)
{
	seed = identity_text_mix(seed, 99);
	return (unsigned) (seed >> 33) % below;
}

static const struct
{
	IdentityAttribute attribute;
	const char *text[6];
} pool[FIELDS] = {
	{IDENTITY_FULL_NAME,
	 {"John Smith", "Jon Smith", "Smith, John", "jsmith", "Mary Ann Smyth", "John Smyth"}},
	{IDENTITY_BIRTH_DATE,
	 {"1980-02-03", "1980-03-02", "1981-02-03", "1980-01-01", "1955-12-31", "1980-02-04"}},
	{IDENTITY_POSTCODE, {"2119", "2191", "2118", "3000", "800", "2119"}},
	{IDENTITY_CITY, {"Cleveland", "Clevland", "Darwin", "Perth", "Cleveland", "Hobart"}},
	{IDENTITY_EMAIL,
	 {"john.smith84@example.com", "john.smith84@example.org", "jsmith@example.com",
	  "jon.smith84@example.com", "mary@example.com", "john.smith84@example.com"}},
	{IDENTITY_PHONE,
	 {"+61 2 9374 4000", "02 9374 4000", "+61 2 9374 4001", "+61 412 345 678", "+61 412 345 679",
	  "+61 2 9374 4000"}},
	{IDENTITY_STREET,
	 {"7 Wallaby Place", "7 Wallabi Place", "9 Wallaby Place", "1 High Street", "7 Wallaby Pl",
	  "High Street 2"}},
	{IDENTITY_COUNTRY, {"AU", "NZ", "AU", "GB", "AU", "US"}},
	{IDENTITY_STRONG_ID, {"1804974", "1804947", "1804975", "5550001", "1804974", "42"}},
	{IDENTITY_OCCUPATION, {"baker", "bakker", "master baker", "painter", "poet", "baker"}}};

static IdentityForm *
random_form(const IdentityModel *model)
{
	IdentityField fields[FIELDS];
	IdentityForm *form;
	size_t n = 0;
	Err err;

	memset(fields, 0, sizeof(fields));
	for (unsigned i = 0; i < FIELDS; i++)
	{
		if (chance(4) == 0)
			continue;
		fields[n].attribute = pool[i].attribute;
		fields[n].text = pool[i].text[chance(6)];
		fields[n].length = strlen(fields[n].text);
		fields[n++].scheme = "tax";
	}
	form = identity_form(model, IDENTITY_PERSON, fields, n, &err);
	assert_non_null(form);
	for (unsigned v = 0; v < form->nvalues; v++)
	{
		/* one value has one rarity */
		form->values[v].rarity =
			(int16_t) (identity_text_mix(form->values[v].hash, model->hash) % (16 * BIT) - 6 * BIT);
		if (chance(8) == 0)
			form->values[v].flags |= chance(2) == 0 ? VALUE_GENERIC : VALUE_SHARED;
	}
	return form;
}

static void
random_weights(IdentityModel *model)
{
	Err err;

	for (unsigned c = 0; c < COMPARES; c++)
		for (unsigned l = 1; l < LEVELS; l++)
		{
			char name[96];

			if (identity_compare_level_name((Compare) c, l) == NULL)
				continue;
			snprintf(name, sizeof(name), "person.weight.%s.%s", compare_names[c],
					 identity_compare_level_name((Compare) c, l));
			assert_true(identity_model_set(
				model, name, chance(l <= 3 || c >= COMPARE_NAMES ? 24 : 8) - 12.0, &err));
		}
}

static void
test_floor_changes_nothing(void **state)
{
	unsigned left_out = 0, kept = 0;
	Err err;

	(void) state;
	for (unsigned m = 0; m < MODELS; m++)
	{
		IdentityModel *model = identity_model_default(&err);

		assert_non_null(model);
		if (m > 0)
			random_weights(model);
		for (unsigned i = 0; i < PAIRS; i++)
		{
			IdentityForm *a = random_form(model), *b = random_form(model);
			Comparison whole, early;
			int32_t floor;

			identity_compare(model, a, b, &whole);
			/* at the very bits, where one bit too few promised shows */
			floor = chance(2) == 0 ? whole.bits : ((int32_t) chance(60) - 40) * BIT;
			identity_compare_from(model, a, b, floor, &early);
			if (whole.bits >= floor)
			{
				assert_int_equal(whole.bits, early.bits);
				assert_memory_equal(whole.level, early.level, sizeof(whole.level));
				assert_int_equal(whole.conflict, early.conflict);
				kept++;
			}
			else
			{
				assert_true(early.bits < floor);
				left_out++;
			}
			identity_form_free(a);
			identity_form_free(b);
		}
		identity_model_free(model);
	}
	assert_true(left_out > MODELS * PAIRS / 5 && kept > MODELS * PAIRS / 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_floor_changes_nothing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
