/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_record — what a system writes down of a customer, by its habits.
 *
 *   crm      first and last name, e-mail, phone, employer, often an address and a birth date
 *   billing  the legal name, tax id, address, birth date
 *   support  a free-text name, e-mail, a call-back number
 *   product  a display name, e-mail, locale
 *
 * Each record has an e-mail, a phone or a typed id: a system would not have let it in otherwise.
 */
#include <string.h>

#include "customers.h"

enum
{
	PERSON_FULL_NAME,
	PERSON_FIRST_NAME,
	PERSON_LAST_NAME,
	PERSON_EMAIL,
	PERSON_PHONE,
	PERSON_BIRTH_DATE,
	PERSON_TAX_ID,
	PERSON_STREET,
	PERSON_CITY,
	PERSON_POSTCODE,
	PERSON_COUNTRY,
	PERSON_COMPANY,
	PERSON_LOCALE,
	PERSON_COLUMNS
};

enum
{
	FIRM_NAME,
	FIRM_EMAIL,
	FIRM_PHONE,
	FIRM_WEBSITE,
	FIRM_VAT_ID,
	FIRM_REGISTRATION,
	FIRM_STREET,
	FIRM_CITY,
	FIRM_POSTCODE,
	FIRM_COUNTRY,
	FIRM_LOCALE,
	FIRM_COLUMNS
};

const char *const person_columns[] = {"full_name",	"first_name", "last_name", "email", "phone",
									  "birth_date", "tax_id",	  "street",	   "city",	"postcode",
									  "country",	"company",	  "locale",	   NULL};
const char *const firm_columns[] = {"name",		"email",		"phone",  "website",
									"vat_id",	"registration", "street", "city",
									"postcode", "country",		"locale", NULL};

int
columns_of(bool persons)
{
	return persons ? PERSON_COLUMNS : FIRM_COLUMNS;
}

/* How many records, and in which systems: a further one in the same system is a duplicate there. */
int
records_of_customer(Chance *chance, SystemId *systems)
{
	double weights[SYSTEM_COUNT] = {rate(RATE_OVERLAP_CRM), rate(RATE_OVERLAP_BILLING),
									rate(RATE_OVERLAP_SUPPORT), rate(RATE_OVERLAP_PRODUCT)};
	double sizes[] = {rate(RATE_RECORDS_2), rate(RATE_RECORDS_3), rate(RATE_RECORDS_4),
					  rate(RATE_RECORDS_5), rate(RATE_RECORDS_6)};
	double left[SYSTEM_COUNT];
	int count = chance_of(chance, rate(RATE_SINGLE)) ? 1 : 2 + chance_weighted(chance, sizes, 5);

	memcpy(left, weights, sizeof(left));
	for (int i = 0; i < count; i++)
	{
		bool again = i >= SYSTEM_COUNT || (i > 0 && chance_of(chance, rate(RATE_OVERLAP_AGAIN)));

		if (again)
			systems[i] =
				systems[chance_below(chance, (uint32_t) (i < SYSTEM_COUNT ? i : SYSTEM_COUNT))];
		else
		{
			systems[i] = (SystemId) chance_weighted(chance, left, SYSTEM_COUNT);
			left[systems[i]] = 0;
		}
	}
	return count;
}

static bool
kept(Chance *chance, bool person, SystemId system, KeptField field)
{
	return !chance_of(chance, rate_null(person, system, field));
}

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text >= 'A' && *text <= 'Z')
			*text = (char) (*text - 'A' + 'a');
	}
}

static void
upper(char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text >= 'a' && *text <= 'z')
			*text = (char) (*text - 'a' + 'A');
	}
}

typedef struct Name
{
	char given[TEXT_MAX];
	char surname[TEXT_MAX];
} Name;

/* Shares of names that have a nickname or another spelling: raises the rates so that they are
 * shares of all person records, as promised. */
#define NICKNAME_SHARE 0.50
#define SPELLING_SHARE 0.24

static void
name_of(Chance *chance, const Person *person, SystemId system, Name *name)
{
	char other[TEXT_MAX];

	put(name->given, sizeof(name->given), "%s", person->given);
	put(name->surname, sizeof(name->surname), "%s",
		person->maiden[0] != '\0' && chance_of(chance, .5) ? person->maiden : person->surname);
	/* A legal name is no nickname. */
	if (system != SYSTEM_BILLING && chance_of(chance, rate(RATE_NICKNAME) / NICKNAME_SHARE) &&
		corrupt_nickname(chance, name->given, other, sizeof(other)))
		memcpy(name->given, other, sizeof(other));
	if (chance_of(chance, rate(RATE_TRANSLITERATION) / SPELLING_SHARE))
	{
		if (corrupt_spelling(chance, name->given, other, sizeof(other)))
			memcpy(name->given, other, sizeof(other));
		if (corrupt_spelling(chance, name->surname, other, sizeof(other)))
			memcpy(name->surname, other, sizeof(other));
	}
	if (chance_of(chance, rate(RATE_NAME_TYPO)))
		corrupt_typo(chance, chance_of(chance, .5) ? name->given : name->surname, TEXT_MAX);
	if (chance_of(chance, rate(RATE_SWAP)))
	{
		memcpy(other, name->given, sizeof(other));
		memcpy(name->given, name->surname, sizeof(other));
		memcpy(name->surname, other, sizeof(other));
	}
}

/* The first character, whole. */
static const char *
initial(const char *text, char *out)
{
	size_t length = 1;

	while (length < 4 && ((unsigned char) text[length] & 0xc0) == 0x80)
		length++;
	memcpy(out, text, length);
	out[length] = '\0';
	return out;
}

/* Support writes down what it hears. */
static void
free_text_name(Chance *chance, const Person *person, const Name *name, char *out)
{
	static const double styles[] = {.48, .16, .10, .10, .06, .04, .06};
	const char *title = person->female ? "Mrs" : "Mr";
	char first[8];

	switch (chance_weighted(chance, styles, 7))
	{
		case 0:
			put(out, TEXT_MAX, "%s %s", name->given, name->surname);
			break;
		case 1:
			put(out, TEXT_MAX, "%s %s", name->given, name->surname);
			lower(out);
			break;
		case 2:
			put(out, TEXT_MAX, "%s, %s", name->surname, name->given);
			break;
		case 3:
			put(out, TEXT_MAX, "%s. %s", initial(name->given, first), name->surname);
			break;
		case 4:
			put(out, TEXT_MAX, "%s", name->given);
			break;
		case 5:
			put(out, TEXT_MAX, "%s %s", title, name->surname);
			break;
		default:
			put(out, TEXT_MAX, "%s %s %s", chance_of(chance, .2) ? "Dr." : title, name->given,
				name->surname);
			break;
	}
}

static void
display_name(Chance *chance, const Person *person, const Name *name, char *out)
{
	static const double styles[] = {.66, .14, .12, .08};
	char given[48], surname[48];

	switch (chance_weighted(chance, styles, 4))
	{
		case 0:
			put(out, TEXT_MAX, "%s %s", name->given, name->surname);
			break;
		case 1:
			put(out, TEXT_MAX, "%s", name->given);
			break;
		case 2:
			put(out, TEXT_MAX, "%s %s.", name->given, initial(name->surname, given));
			break;
		default:
			plain(given, sizeof(given), name->given);
			plain(surname, sizeof(surname), name->surname);
			put(out, TEXT_MAX, "%.1s%s%02d", given, surname, person->year % 100);
			break;
	}
}

static void
write_name(Chance *chance, const Person *person, SystemId system, Record *record)
{
	Name name;
	bool suffix = person->suffix[0] != '\0' && chance_of(chance, .7);

	name_of(chance, person, system, &name);
	if (system == SYSTEM_SUPPORT)
		free_text_name(chance, person, &name, record->value[PERSON_FULL_NAME]);
	else if (system == SYSTEM_PRODUCT)
		display_name(chance, person, &name, record->value[PERSON_FULL_NAME]);
	else
	{
		bool middle =
			system == SYSTEM_BILLING && person->middle[0] != '\0' && chance_of(chance, .7);

		put(record->value[PERSON_FULL_NAME], TEXT_MAX, "%s%s%s %s%s%s", name.given,
			middle ? " " : "", middle ? person->middle : "", name.surname, suffix ? " " : "",
			suffix ? person->suffix : "");
		put(record->value[PERSON_FIRST_NAME], TEXT_MAX, "%s", name.given);
		put(record->value[PERSON_LAST_NAME], TEXT_MAX, "%s%s%s", name.surname, suffix ? " " : "",
			suffix ? person->suffix : "");
		if (system == SYSTEM_BILLING && chance_of(chance, .2))
		{
			for (int i = PERSON_FULL_NAME; i <= PERSON_LAST_NAME; i++)
				upper(record->value[i]);
		}
	}
}

static void
write_street(Chance *chance, int country, const Address *address, char *out)
{
	static const char *const shorter[][2] = {
		{" Street", " St"}, {" Road", " Rd"},	  {" Avenue", " Ave"}, {" Lane", " Ln"},
		{" Drive", " Dr"},	{"straße", "str."},	  {"avenue ", "av. "}, {"boulevard ", "bd "},
		{"Calle ", "C/ "},	{"Avenida ", "Av. "}, {"ul. ", ""},		   {"gatan", "g."}};
	char street[TEXT_MAX], written[TEXT_MAX];

	put(street, sizeof(street), "%s", address->street);
	if (chance_of(chance, rate(RATE_STREET_FORMAT)))
	{
		for (size_t i = 0; i < sizeof(shorter) / sizeof(shorter[0]); i++)
		{
			const char *at = strstr(street, shorter[i][0]);

			if (at == NULL)
				continue;
			put(written, sizeof(written), "%.*s%s%s", (int) (at - street), street, shorter[i][1],
				at + strlen(shorter[i][0]));
			put(street, sizeof(street), "%s", written);
			break;
		}
	}
	if (countries[country].number_last)
		put(out, TEXT_MAX, "%s %s", street, address->number);
	else
		put(out, TEXT_MAX, "%s %s", address->number, street);
}

static void
write_birth(Chance *chance, const Person *person, char *out)
{
	int year = person->year, month = person->month, day = person->day;

	if (chance_of(chance, rate(RATE_BIRTH_TYPO)))
	{
		int kind = (int) chance_below(chance, 3);

		if (kind == 0 && day <= 12 && day != month)
		{
			month = person->day;
			day = person->month;
		}
		else if (kind == 1)
			day = day % 28 + 1;
		else
			year += chance_of(chance, .5) ? 1 : -10;
	}
	put(out, TEXT_MAX, "%04d-%02d-%02d", year, month, day);
}

/* What clerks type to get past a form. */
static void
write_placeholder(Chance *chance, Record *record, int id, int phone, int email)
{
	static const char *const ids[] = {"000000000", "123456789", "999999999", "n/a", "unknown"};
	static const char *const phones[] = {"0000000000", "1111111111", "1234567890", "+00 000 0000"};
	static const char *const emails[] = {"none@none.com", "noemail@example.com", "no@mail.com"};

	if (record->value[id][0] != '\0')
		put(record->value[id], TEXT_MAX, "%s", ids[chance_below(chance, 5)]);
	else if (record->value[phone][0] != '\0' && record->value[email][0] != '\0')
	{
		if (chance_of(chance, .7))
			put(record->value[phone], TEXT_MAX, "%s", phones[chance_below(chance, 4)]);
		else
			put(record->value[email], TEXT_MAX, "%s", emails[chance_below(chance, 3)]);
	}
}

static void
write_email(Chance *chance, const Person *person, SystemId system, char *out)
{
	/* With two in use: work for crm, private for product, either elsewhere. */
	static const double second[SYSTEM_COUNT] = {.75, .35, .50, .25};

	if (person->shared_email[0] != '\0' && chance_of(chance, person->shared_email_share))
		put(out, TEXT_MAX, "%s", person->shared_email);
	else
		put(out, TEXT_MAX, "%s", person->email[chance_of(chance, second[system])]);
	corrupt_email(chance, out, TEXT_MAX);
}

static bool
dialled(const char *number, int country)
{
	return strncmp(number, countries[country].dial, strlen(countries[country].dial)) == 0;
}

static void
write_phone(Chance *chance, const Person *person, char *out)
{
	const char *number = person->phone;

	if (chance_of(chance, rate(RATE_PHONE_CHANGED)))
		number = person->former_phone;
	else if (person->shared_phone[0] != '\0' && chance_of(chance, person->shared_phone_share))
	{
		/* A contact may sit in another country than the company's switchboard. */
		int country = person->country;

		for (int i = 0; i < COUNTRY_COUNT && !dialled(person->shared_phone, country); i++)
			country = i;
		corrupt_phone(chance, country, person->shared_phone, out, TEXT_MAX);
		return;
	}
	corrupt_phone(chance, person->country, number, out, TEXT_MAX);
}

void
record_of_person(Chance *chance, const Person *person, SystemId system, Record *record)
{
	const Address *address =
		person->moved && chance_of(chance, .5) ? &person->former : &person->home;
	const Country *country = &countries[person->country];

	if (kept(chance, true, system, KEPT_NAME))
		write_name(chance, person, system, record);
	if (kept(chance, true, system, KEPT_EMAIL))
		write_email(chance, person, system, record->value[PERSON_EMAIL]);
	if (kept(chance, true, system, KEPT_PHONE))
		write_phone(chance, person, record->value[PERSON_PHONE]);
	if (kept(chance, true, system, KEPT_BIRTH))
		write_birth(chance, person, record->value[PERSON_BIRTH_DATE]);
	if (kept(chance, true, system, KEPT_ID))
	{
		put(record->value[PERSON_TAX_ID], TEXT_MAX, "%s", person->id);
		corrupt_id(chance, record->value[PERSON_TAX_ID], TEXT_MAX);
	}
	if (kept(chance, true, system, KEPT_STREET))
		write_street(chance, person->country, address, record->value[PERSON_STREET]);
	if (kept(chance, true, system, KEPT_CITY))
	{
		put(record->value[PERSON_CITY], TEXT_MAX, "%s", address->city->name);
		put(record->value[PERSON_POSTCODE], TEXT_MAX, "%s", address->postcode);
	}
	if (system != SYSTEM_SUPPORT)
		put(record->value[PERSON_COUNTRY], TEXT_MAX, "%s", country->code);
	if (person->company[0] != '\0' && kept(chance, true, system, KEPT_COMPANY))
		put(record->value[PERSON_COMPANY], TEXT_MAX, "%s", person->company);
	if (system == SYSTEM_PRODUCT)
		put(record->value[PERSON_LOCALE], TEXT_MAX, "%s", country->locale);
	if (record->value[PERSON_EMAIL][0] == '\0' && record->value[PERSON_PHONE][0] == '\0' &&
		record->value[PERSON_TAX_ID][0] == '\0')
		write_email(chance, person, system, record->value[PERSON_EMAIL]);
	if (person->class == CLASS_PLACEHOLDER)
		write_placeholder(chance, record, PERSON_TAX_ID, PERSON_PHONE, PERSON_EMAIL);
}

static void
write_firm_name(Chance *chance, const Firm *firm, SystemId system, char *out)
{
	char name[TEXT_MAX];
	int forms = 0;

	put(name, sizeof(name), "%s", firm->name);
	/* Support says the brand only. */
	if (firm->brand[0] != '\0' && system == SYSTEM_SUPPORT && chance_of(chance, .3))
		put(name, sizeof(name), "%s", firm->brand);
	if (chance_of(chance, rate(RATE_NAME_TYPO)))
		corrupt_typo(chance, name, sizeof(name));
	while (firm->form[forms] != NULL)
		forms++;
	if (!chance_of(chance, rate(RATE_LEGAL_FORM)))
		put(out, TEXT_MAX, "%s %s", name, firm->form[0]);
	else if (chance_of(chance, .5))
		put(out, TEXT_MAX, "%s", name);
	else
	{
		const char *form = firm->form[chance_between(chance, 1, forms - 1)];

		put(out, TEXT_MAX, "%s%s%s", name, form[0] == ',' ? "" : " ", form);
	}
	if (system == SYSTEM_PRODUCT && chance_of(chance, .3))
		lower(out);
	else if (system == SYSTEM_BILLING && chance_of(chance, .2))
		upper(out);
}

static void
write_website(Chance *chance, const Firm *firm, char *out)
{
	static const char *const starts[] = {"https://www.", "www.", "", "http://", "https://"};
	int style = (int) chance_below(chance, 5);

	put(out, TEXT_MAX, "%s%s%s", starts[style], firm->domain, style == 3 ? "/" : "");
}

static void
write_firm_email(Chance *chance, const Firm *firm, SystemId system, char *out)
{
	static const double second[SYSTEM_COUNT] = {.25, .75, .50, .50};

	put(out, TEXT_MAX, "%s", firm->email[chance_of(chance, second[system])]);
	corrupt_email(chance, out, TEXT_MAX);
}

void
record_of_firm(Chance *chance, const Firm *firm, SystemId system, Record *record)
{
	const Address *address = firm->moved && chance_of(chance, .5) ? &firm->former : &firm->seat;
	const char *phone =
		chance_of(chance, rate(RATE_PHONE_CHANGED)) ? firm->former_phone : firm->phone;

	if (kept(chance, false, system, KEPT_NAME))
		write_firm_name(chance, firm, system, record->value[FIRM_NAME]);
	if (kept(chance, false, system, KEPT_EMAIL))
		write_firm_email(chance, firm, system, record->value[FIRM_EMAIL]);
	if (kept(chance, false, system, KEPT_PHONE))
		corrupt_phone(chance, firm->country, phone, record->value[FIRM_PHONE], TEXT_MAX);
	if (kept(chance, false, system, KEPT_WEBSITE))
		write_website(chance, firm, record->value[FIRM_WEBSITE]);
	if (kept(chance, false, system, KEPT_ID))
	{
		put(record->value[FIRM_VAT_ID], TEXT_MAX, "%s", firm->vat);
		corrupt_id(chance, record->value[FIRM_VAT_ID], TEXT_MAX);
		if (chance_of(chance, .4))
			put(record->value[FIRM_REGISTRATION], TEXT_MAX, "%s", firm->registration);
	}
	if (kept(chance, false, system, KEPT_STREET))
		write_street(chance, firm->country, address, record->value[FIRM_STREET]);
	if (kept(chance, false, system, KEPT_CITY))
	{
		put(record->value[FIRM_CITY], TEXT_MAX, "%s", address->city->name);
		put(record->value[FIRM_POSTCODE], TEXT_MAX, "%s", address->postcode);
	}
	if (system != SYSTEM_SUPPORT)
		put(record->value[FIRM_COUNTRY], TEXT_MAX, "%s", countries[firm->country].code);
	if (system == SYSTEM_PRODUCT)
		put(record->value[FIRM_LOCALE], TEXT_MAX, "%s", countries[firm->country].locale);
	if (record->value[FIRM_EMAIL][0] == '\0' && record->value[FIRM_PHONE][0] == '\0' &&
		record->value[FIRM_VAT_ID][0] == '\0')
		write_firm_email(chance, firm, system, record->value[FIRM_EMAIL]);
	if (firm->class == CLASS_PLACEHOLDER)
		write_placeholder(chance, record, FIRM_VAT_ID, FIRM_PHONE, FIRM_EMAIL);
}
