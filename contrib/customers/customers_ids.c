/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_ids — tax, registration and personal numbers with the check digits of their schemes,
 * so that a reader that verifies them finds them valid.
 */
#include <string.h>

#include "customers.h"

static void
draw(Chance *chance, char *out, int count)
{
	out[0] = (char) ('1' + chance_below(chance, 9));
	for (int i = 1; i < count; i++)
		out[i] = (char) ('0' + chance_below(chance, 10));
	out[count] = '\0';
}

static int
weighted_sum(const char *text, const int *weights, int count)
{
	int sum = 0;

	for (int i = 0; i < count; i++)
		sum += (text[i] - '0') * weights[i];
	return sum;
}

/* The digit that makes text a number valid by Luhn. */
static char
luhn(const char *text)
{
	int sum = 0;
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
	{
		int digit = text[length - 1 - i] - '0';

		if (i % 2 == 0)
			digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
		sum += digit;
	}
	return (char) ('0' + (10 - sum % 10) % 10);
}

/* ISO 7064 MOD 11,10: the German tax and VAT numbers. */
static char
mod_11_10(const char *text)
{
	int product = 10;

	for (const char *c = text; *c != '\0'; c++)
	{
		int sum = (*c - '0' + product) % 10;

		product = (sum == 0 ? 10 : sum) * 2 % 11;
	}
	return (char) ('0' + (11 - product) % 10);
}

static int
modulo(const char *text, int divisor)
{
	int rest = 0;

	for (const char *c = text; *c != '\0'; c++)
		rest = (rest * 10 + (*c - '0')) % divisor;
	return rest;
}

static void
append(char *text, char digit)
{
	size_t length = strlen(text);

	text[length] = digit;
	text[length + 1] = '\0';
}

/* The Dutch eleven-test: nine digits whose weighted sum is divisible by 11. */
static void
draw_bsn(Chance *chance, char *out)
{
	static const int weights[8] = {9, 8, 7, 6, 5, 4, 3, 2};
	int rest;

	do
	{
		draw(chance, out, 8);
		rest = weighted_sum(out, weights, 8) % 11;
	} while (rest == 10);
	append(out, (char) ('0' + rest));
}

static void
draw_gb_vat(Chance *chance, char *out)
{
	static const int weights[7] = {8, 7, 6, 5, 4, 3, 2};
	int check;

	draw(chance, out, 7);
	check = 97 - weighted_sum(out, weights, 7) % 97;
	put(out + 7, 3, "%02d", check);
}

static void
draw_nip(Chance *chance, char *out)
{
	static const int weights[9] = {6, 5, 7, 2, 3, 4, 5, 6, 7};
	int rest;

	do
	{
		draw(chance, out, 9);
		rest = weighted_sum(out, weights, 9) % 11;
	} while (rest == 10);
	append(out, (char) ('0' + rest));
}

/* Spain's company number: B, seven digits, a control digit. */
static void
draw_cif(Chance *chance, char *out)
{
	draw(chance, out, 7);
	append(out, luhn(out));
	memmove(out + 1, out, 9);
	out[0] = 'B';
}

static void
vat_draw(Chance *chance, int country, char *out, size_t size)
{
	char number[16];
	char siren[12];

	switch (country)
	{
		case COUNTRY_GB:
			draw_gb_vat(chance, number);
			put(out, size, "GB%s", number);
			break;
		case COUNTRY_US:
			draw(chance, number, 9);
			put(out, size, "%.2s-%s", number, number + 2);
			break;
		case COUNTRY_DE:
			draw(chance, number, 8);
			append(number, mod_11_10(number));
			put(out, size, "DE%s", number);
			break;
		case COUNTRY_FR:
			draw(chance, siren, 8);
			append(siren, luhn(siren));
			put(out, size, "FR%02d%s", (12 + 3 * modulo(siren, 97)) % 97, siren);
			break;
		case COUNTRY_ES:
			draw_cif(chance, number);
			put(out, size, "ES%s", number);
			break;
		case COUNTRY_PL:
			draw_nip(chance, number);
			put(out, size, "PL%s", number);
			break;
		case COUNTRY_NL:
			draw_bsn(chance, number);
			put(out, size, "NL%sB01", number);
			break;
		default:
			put(number, sizeof(number), "556");
			draw(chance, number + 3, 6);
			append(number, luhn(number));
			put(out, size, "SE%s01", number);
			break;
	}
}

static void
registration_draw(Chance *chance, int country, char *out, size_t size)
{
	char number[16];

	switch (country)
	{
		case COUNTRY_DE:
			draw(chance, number, 6);
			put(out, size, "HRB %s", number);
			break;
		case COUNTRY_FR:
			draw(chance, number, 8);
			append(number, luhn(number));
			put(out, size, "%s", number);
			break;
		case COUNTRY_ES:
			draw_cif(chance, number);
			put(out, size, "%s", number);
			break;
		case COUNTRY_PL:
			draw(chance, number, 6);
			put(out, size, "0000%s", number);
			break;
		case COUNTRY_SE:
			put(number, sizeof(number), "559");
			draw(chance, number + 3, 6);
			append(number, luhn(number));
			put(out, size, "%.6s-%s", number, number + 6);
			break;
		default:
			draw(chance, number, 8);
			put(out, size, "%s", number);
			break;
	}
}

void
id_vat(Chance *chance, int country, char *out, size_t size)
{
	do
		vat_draw(chance, country, out, size);
	while (taken(out));
}

void
id_registration(Chance *chance, int country, char *out, size_t size)
{
	do
		registration_draw(chance, country, out, size);
	while (taken(out));
}

static void
draw_steuer_id(Chance *chance, char *out)
{
	/* One digit twice, one missing: a shuffle of 0-9 with one overwritten. */
	char pool[] = "0123456789";

	do
	{
		for (int i = 9; i > 0; i--)
		{
			int other = (int) chance_below(chance, (uint32_t) i + 1);
			char kept = pool[i];

			pool[i] = pool[other];
			pool[other] = kept;
		}
	} while (pool[0] == '0');
	memcpy(out, pool, 11);
	out[9] = out[chance_between(chance, 0, 6)];
	append(out, mod_11_10(out));
}

static void
draw_pesel(Chance *chance, const Person *person, char *out)
{
	static const int weights[10] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3};

	put(out, 12, "%02d%02d%02d%03d%d", person->year % 100,
		person->month + (person->year >= 2000 ? 20 : 0), person->day,
		(int) chance_below(chance, 1000),
		(int) chance_below(chance, 5) * 2 + (person->female ? 0 : 1));
	append(out, (char) ('0' + (10 - weighted_sum(out, weights, 10) % 10) % 10));
}

static void
person_draw(Chance *chance, const Person *person, char *out, size_t size)
{
	char number[20];

	switch (person->country)
	{
		case COUNTRY_GB:
			put(out, size, "%c%c%06d%c", "ABCEGHJKLMNPRST"[chance_below(chance, 15)],
				"ABCEGHJKLMNPRST"[chance_below(chance, 15)], (int) chance_below(chance, 1000000),
				"ABCD"[chance_below(chance, 4)]);
			break;
		case COUNTRY_US:
			put(out, size, "%03d-%02d-%04d", chance_between(chance, 1, 665),
				chance_between(chance, 1, 99), chance_between(chance, 1, 9999));
			break;
		case COUNTRY_DE:
			draw_steuer_id(chance, number);
			put(out, size, "%s", number);
			break;
		case COUNTRY_FR:
			put(number, sizeof(number), "%d%02d%02d%02d%03d%03d", person->female ? 2 : 1,
				person->year % 100, person->month, chance_between(chance, 1, 95),
				chance_between(chance, 1, 600), chance_between(chance, 1, 400));
			put(out, size, "%s%02d", number, 97 - modulo(number, 97));
			break;
		case COUNTRY_ES:
			draw(chance, number, 8);
			put(out, size, "%s%c", number, "TRWAGMYFPDXBNJZSQVHLCKE"[modulo(number, 23)]);
			break;
		case COUNTRY_PL:
			draw_pesel(chance, person, number);
			put(out, size, "%s", number);
			break;
		case COUNTRY_NL:
			draw_bsn(chance, number);
			put(out, size, "%s", number);
			break;
		default:
			put(number, sizeof(number), "%02d%02d%02d%03d", person->year % 100, person->month,
				person->day, (int) chance_below(chance, 1000));
			put(out, size, "%d%.6s-%.3s%c", person->year / 100, number, number + 6, luhn(number));
			break;
	}
}

void
id_person(Chance *chance, const Person *person, char *out, size_t size)
{
	do
		person_draw(chance, person, out, size);
	while (taken(out));
}
