/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_canonical.c — what the canonical entities say about identity, and dates.
 *
 * A contact is a person, an account a company. A contact's account is a relation between two
 * customers, never evidence that they are one, so account_id is not among the columns; nor are ids
 * that mean something in one source alone.
 */
#include <string.h>

#include "dataset/dataset_priv.h"

static const DatasetColumn canonical_contact[] = {
	{.name = "full_name", .attribute = IDENTITY_FULL_NAME},
	{.name = "given_name", .attribute = IDENTITY_GIVEN_NAME},
	{.name = "middle_name", .attribute = IDENTITY_OTHER_NAMES},
	{.name = "family_name", .attribute = IDENTITY_FAMILY_NAME},
	{.name = "name_suffix", .attribute = IDENTITY_NAME_SUFFIX},
	{.name = "birth_date", .attribute = IDENTITY_BIRTH_DATE},
	{.name = "gender", .attribute = IDENTITY_GENDER},
	{.name = "email", .attribute = IDENTITY_EMAIL},
	{.name = "email_secondary", .attribute = IDENTITY_EMAIL},
	{.name = "phone", .attribute = IDENTITY_PHONE},
	{.name = "mobile", .attribute = IDENTITY_PHONE},
	{.name = "mailing_street", .attribute = IDENTITY_STREET},
	{.name = "mailing_city", .attribute = IDENTITY_CITY},
	{.name = "mailing_postal_code", .attribute = IDENTITY_POSTCODE},
	{.name = "mailing_region", .attribute = IDENTITY_REGION},
	{.name = "mailing_country", .attribute = IDENTITY_COUNTRY},
};

static const DatasetColumn canonical_account[] = {
	{.name = "legal_name", .attribute = IDENTITY_COMPANY_NAME},
	{.name = "name", .attribute = IDENTITY_COMPANY_NAME},
	{.name = "tax_id", .attribute = IDENTITY_STRONG_ID, .scheme = "vat"},
	{.name = "registration_number", .attribute = IDENTITY_STRONG_ID, .scheme = "registration"},
	{.name = "duns", .attribute = IDENTITY_STRONG_ID, .scheme = "duns"},
	{.name = "lei", .attribute = IDENTITY_STRONG_ID, .scheme = "lei"},
	{.name = "website", .attribute = IDENTITY_WEBSITE},
	{.name = "domain", .attribute = IDENTITY_WEBSITE},
	{.name = "email", .attribute = IDENTITY_EMAIL},
	{.name = "phone", .attribute = IDENTITY_PHONE},
	{.name = "billing_street", .attribute = IDENTITY_STREET},
	{.name = "billing_city", .attribute = IDENTITY_CITY},
	{.name = "billing_postal_code", .attribute = IDENTITY_POSTCODE},
	{.name = "billing_region", .attribute = IDENTITY_REGION},
	{.name = "billing_country", .attribute = IDENTITY_COUNTRY},
};

const DatasetColumn *
dataset_canonical_columns(const char *topic, IdentityKind *kind, size_t *count)
{
	const char *dot = strrchr(topic, '.');
	const char *entity = dot != NULL ? dot + 1 : topic;

	if (strcmp(entity, "contact") == 0)
	{
		*kind = IDENTITY_PERSON;
		*count = sizeof(canonical_contact) / sizeof(canonical_contact[0]);
		return canonical_contact;
	}
	if (strcmp(entity, "account") == 0)
	{
		*kind = IDENTITY_COMPANY;
		*count = sizeof(canonical_account) / sizeof(canonical_account[0]);
		return canonical_account;
	}
	return NULL;
}

/* ---- dates ---- */

/* Reads up to `most` digits (fixed: exactly so many). */
static bool
canonical_digits(const char **at, const char *end, int most, bool fixed, int *value)
{
	int count = 0;

	*value = 0;
	while (count < most && *at < end && **at >= '0' && **at <= '9')
	{
		*value = *value * 10 + (**at - '0');
		(*at)++;
		count++;
	}
	return fixed ? count == most : count > 0;
}

bool
dataset_date(const char *format, const char *text, size_t length, char iso[11])
{
	const char *at = text;
	const char *end = text + length;
	/* Between separators "1/2/1990" has one digit; "19900102" always has two. */
	bool fixed = strspn(format, "YMD") == strlen(format);
	int year = 0;
	int month = 0;
	int day = 0;

	while (*format != '\0')
	{
		bool ok = true;

		if (strncmp(format, "YYYY", 4) == 0)
		{
			ok = canonical_digits(&at, end, 4, true, &year);
			format += 4;
		}
		else if (strncmp(format, "MM", 2) == 0)
		{
			ok = canonical_digits(&at, end, 2, fixed, &month);
			format += 2;
		}
		else if (strncmp(format, "DD", 2) == 0)
		{
			ok = canonical_digits(&at, end, 2, fixed, &day);
			format += 2;
		}
		else
			ok = at < end && *at++ == *format++;
		if (!ok)
			return false;
	}
	if (at != end || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	iso[0] = (char) ('0' + year / 1000 % 10);
	iso[1] = (char) ('0' + year / 100 % 10);
	iso[2] = (char) ('0' + year / 10 % 10);
	iso[3] = (char) ('0' + year % 10);
	iso[4] = '-';
	iso[5] = (char) ('0' + month / 10);
	iso[6] = (char) ('0' + month % 10);
	iso[7] = '-';
	iso[8] = (char) ('0' + day / 10);
	iso[9] = (char) ('0' + day % 10);
	iso[10] = '\0';
	return true;
}
