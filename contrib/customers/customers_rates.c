/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_rates — every rate of the generator in one table: `--help` prints it, `--rate`
 * changes it, the test reads it.
 */
#include <stdlib.h>
#include <string.h>

#include "customers.h"

typedef struct Rate
{
	const char *name;
	double value;
	const char *what;
} Rate;

static Rate rates[RATE_COUNT] = {
	[RATE_SINGLE] = {"single", .40, "customers with one record"},
	[RATE_RECORDS_2] = {"records_2", .40, "of the others: with 2 records"},
	[RATE_RECORDS_3] = {"records_3", .26, "with 3"},
	[RATE_RECORDS_4] = {"records_4", .17, "with 4"},
	[RATE_RECORDS_5] = {"records_5", .10, "with 5"},
	[RATE_RECORDS_6] = {"records_6", .07, "with 6"},
	[RATE_OVERLAP_CRM] = {"overlap_crm", .35, "weight of crm when a record's system is drawn"},
	[RATE_OVERLAP_BILLING] = {"overlap_billing", .35, "of billing"},
	[RATE_OVERLAP_SUPPORT] = {"overlap_support", .17, "of support"},
	[RATE_OVERLAP_PRODUCT] = {"overlap_product", .13, "of product"},
	[RATE_OVERLAP_AGAIN] = {"overlap_again", .20,
							"a further record is in a system that has the customer already"},

	[RATE_EMAIL_TWO] = {"email_two", .25,
						"customers with two addresses in use, a record holding either"},
	[RATE_EMAIL_TAG] = {"email_tag", .05, "e-mails with a +tag"},
	[RATE_EMAIL_DOTS] = {"email_dots", .03, "gmail addresses with other dots"},
	[RATE_EMAIL_TYPO] = {"email_typo", .02, "e-mails with a typing error"},
	[RATE_PHONE_FORMAT] = {"phone_format", .60, "phones with blanks, dashes, dots or brackets"},
	[RATE_PHONE_NATIONAL] = {"phone_national", .30, "phones without country code"},
	[RATE_PHONE_CHANGED] = {"phone_changed", .10, "records that hold a former number"},
	[RATE_NICKNAME] = {"nickname", .15, "person records outside billing with a nickname"},
	[RATE_TRANSLITERATION] =
		{"transliteration", .04,
		 "person records with another spelling of the name (ue for ü, Muhammad)"},
	[RATE_SWAP] = {"swap", .01, "given name and surname swapped"},
	[RATE_NAME_TYPO] = {"name_typo", .06, "names with a typing error"},
	[RATE_MARRIAGE] = {"marriage", .03,
					   "persons with two surnames over time, a record holding either"},
	[RATE_LEGAL_FORM] = {"legal_form", .40,
						 "company names with another spelling of the legal form, or none"},
	[RATE_MOVED] = {"moved", .12,
					"customers with two addresses over time, a record holding either"},
	[RATE_BIRTH_TYPO] = {"birth_typo", .02,
						 "birth dates with a wrong digit, or day and month swapped"},
	[RATE_STREET_FORMAT] = {"street_format", .30, "streets written otherwise (Street, St)"},
	[RATE_ID_FORMAT] = {"id_format", .30, "ids with blanks or dots, or without country letters"},

	[RATE_HOUSEHOLD] = {"household", .08,
						"persons who share surname, address and sometimes landline or mailbox"},
	[RATE_JR_SR] = {"jr_sr", .005,
					"persons who share the full name, often the address, with another generation"},
	[RATE_TWINS] = {"twins", .002, "persons who share surname, birth date and address"},
	[RATE_COMMON_NAME] = {"common_name", .03,
						  "persons with one of the commonest names, half of them in one city"},
	[RATE_PLACEHOLDER] = {"placeholder", .01,
						  "customers with a made-up id, phone or e-mail (000000000, n/a, …)"},
	[RATE_SHARED_MAILBOX] =
		{"shared_mailbox", .03,
		 "companies whose info@ is used by several persons, and by another company"},
	[RATE_SWITCHBOARD] =
		{"switchboard", .10,
		 "companies whose number is used by several persons, and by another company"},
	[RATE_FAMILY] = {"family", .05, "companies in a franchise or a group of subsidiaries"},

	[RATE_UPDATED] = {"updated", .30, "stream: records that had another state before"},
	[RATE_RETURNED] = {"returned", .03, "stream: records deleted and inserted again"},
	[RATE_DELETED] = {"deleted", .04, "stream: further records, deleted in the end"},
	[RATE_LATE] = {"late", .02, "stream: changes that arrive after up to 500 later ones"},
	[RATE_REPLAYED] = {"replayed", .02, "stream: changes that arrive a second time"},
};

const char *const system_names[SYSTEM_COUNT] = {"crm", "billing", "support", "product"};

/* name, email, phone, birth, id, street, city, company, website */
static const double person_nulls[SYSTEM_COUNT][KEPT_COUNT] = {
	[SYSTEM_CRM] = {0, .10, .10, .30, 1, .20, .10, .20, 1},
	[SYSTEM_BILLING] = {0, .10, .15, .15, .30, .10, .10, 1, 1},
	[SYSTEM_SUPPORT] = {.10, .10, .15, 1, 1, 1, 1, 1, 1},
	[SYSTEM_PRODUCT] = {.10, .10, .15, 1, 1, 1, 1, 1, 1},
};
static const double firm_nulls[SYSTEM_COUNT][KEPT_COUNT] = {
	[SYSTEM_CRM] = {0, .20, .10, 1, .30, .30, .10, 1, .20},
	[SYSTEM_BILLING] = {0, .15, .20, 1, .10, .10, .10, 1, 1},
	[SYSTEM_SUPPORT] = {.10, .10, .20, 1, 1, 1, 1, 1, 1},
	[SYSTEM_PRODUCT] = {.10, .10, .20, 1, 1, 1, 1, 1, .30},
};
static const char *const kept_names[KEPT_COUNT] = {"name",	 "email", "phone",	 "birth_date", "id",
												   "street", "city",  "company", "website"};

double
rate(RateId id)
{
	return rates[id].value;
}

double
rate_null(bool person, SystemId system, KeptField field)
{
	return person ? person_nulls[system][field] : firm_nulls[system][field];
}

bool
rate_set(const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	size_t length;
	char *end;

	if (equals == NULL)
		return false;
	length = (size_t) (equals - assignment);
	for (int i = 0; i < RATE_COUNT; i++)
	{
		if (strlen(rates[i].name) == length && strncmp(rates[i].name, assignment, length) == 0)
		{
			double value = strtod(equals + 1, &end);

			if (*end != '\0' || end == equals + 1 || !(value >= 0 && value <= 1))
				return false;
			rates[i].value = value;
			return true;
		}
	}
	return false;
}

void
rates_print(FILE *out)
{
	for (int i = 0; i < RATE_COUNT; i++)
	{
		if (i == RATE_SINGLE)
			fprintf(out, "\nOverlap and records per customer:\n");
		else if (i == RATE_EMAIL_TWO)
			fprintf(out, "\nCorruptions:\n");
		else if (i == RATE_HOUSEHOLD)
			fprintf(out, "\nHard negatives:\n");
		else if (i == RATE_UPDATED)
			fprintf(out, "\nThe stream:\n");
		fprintf(out, "  %-16s %5.3f  %s\n", rates[i].name, rates[i].value, rates[i].what);
	}
	for (int person = 1; person >= 0; person--)
	{
		fprintf(out, "\nEmpty values of %s, by system (- = the system has no such field):\n  %-8s",
				person ? "persons" : "companies", "");
		for (int f = 0; f < KEPT_COUNT; f++)
			fprintf(out, " %10s", kept_names[f]);
		for (int s = 0; s < SYSTEM_COUNT; s++)
		{
			fprintf(out, "\n  %-8s", system_names[s]);
			for (int f = 0; f < KEPT_COUNT; f++)
			{
				double share = rate_null(person != 0, (SystemId) s, (KeptField) f);

				if (share >= 1)
					fprintf(out, " %10s", "-");
				else
					fprintf(out, " %10.2f", share);
			}
		}
		fprintf(out, "\n");
	}
}
