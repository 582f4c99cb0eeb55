/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_normal_contact — e-mail addresses, telephone numbers and domains.
 *
 * A tag is dropped only where the provider is known to ignore it.  Telephone
 * numbers get their country code from the record's country; without one the
 * national digits are what is compared.
 */
#include "identity/identity_priv.h"

#include <string.h>

#include <libpsl.h>
#include <stdlib.h>

#define EMAIL_MAX 256

static const char *const free_mail[] = {
	"aol.com",		  "bigpond.com",   "btinternet.com", "comcast.net",	   "fastmail.com",
	"free.fr",		  "gmail.com",	   "gmx.at",		 "gmx.de",		   "gmx.net",
	"googlemail.com", "hotmail.co.uk", "hotmail.com",	 "hotmail.fr",	   "icloud.com",
	"laposte.net",	  "libero.it",	   "live.co.uk",	 "live.com",	   "mac.com",
	"mail.com",		  "mail.ru",	   "me.com",		 "msn.com",		   "orange.fr",
	"outlook.com",	  "pm.me",		   "proton.me",		 "protonmail.com", "qq.com",
	"sbcglobal.net",  "sky.com",	   "t-online.de",	 "verizon.net",	   "virgilio.it",
	"wanadoo.fr",	  "web.de",		   "yahoo.co.uk",	 "yahoo.com",	   "yahoo.de",
	"yahoo.fr",		  "yandex.ru",	   "ymail.com",		 "zoho.com"};

static const char *const roles[] = {
	"abuse",	 "accounts", "admin",	"billing", "bookings", "contact",  "enquiries",
	"hello",	 "help",	 "hr",		"info",	   "jobs",	   "kontakt",  "mail",
	"marketing", "no-reply", "noreply", "office",  "orders",   "post",	   "postmaster",
	"reception", "sales",	 "service", "support", "team",	   "webmaster"};

static bool
listed(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (identity_text_order(list[i], text) == 0)
			return true;
	return false;
}

/* "family.smith": the household's. */
static bool
of_family(const char *local)
{
	static const char *const words[] = {"fam",	  "familia",  "familie", "familj",
										"family", "famiglia", "famille", "rodzina"};
	size_t n = strcspn(local, "._-");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && local[n] != 0; i++)
		if (strlen(words[i]) == n && memcmp(words[i], local, n) == 0)
			return true;
	return false;
}

/* The local part without its tag; at Google without dots. Returns its length. */
static size_t
keep_local(const char *text, size_t length, bool google, char local[EMAIL_MAX])
{
	size_t kept = 0;

	for (size_t i = 0; i < length && kept < EMAIL_MAX; i++)
	{
		if (i > 0 && text[i] == '+')
			break;
		if (!(google && text[i] == '.'))
			local[kept++] = text[i];
	}
	return kept;
}

bool
identity_normal_email(const char *text, size_t length, NormalEmail *email)
{
	char folded[EMAIL_MAX], full[2 * EMAIL_MAX];
	size_t n, at, kept;
	const char *domain;
	char *sign;
	bool shared, google;

	memset(email, 0, sizeof(*email));
	if (!identity_normal_fold(text, length, folded, sizeof(folded), &n))
		return false;
	sign = strrchr(folded, '@');
	if (n + 1 >= sizeof(folded)) /* RFC 5321 allows no mailbox so long */
		return false;
	if (sign == NULL || sign == folded || sign[1] == 0 || memchr(folded, ' ', n) != NULL)
		return false;
	while (n > 0 && folded[n - 1] == '.')
		folded[--n] = 0;
	*sign = 0;
	domain = sign + 1;
	at = (size_t) (sign - folded);
	if (strcmp(domain, "googlemail.com") == 0)
		domain = "gmail.com";
	google = strcmp(domain, "gmail.com") == 0;
	email->free_mail = listed(free_mail, sizeof(free_mail) / sizeof(free_mail[0]), domain);
	kept = keep_local(folded, at, google, full);
	if (kept == 0)
		return false;
	full[kept] = 0;
	email->role = listed(roles, sizeof(roles) / sizeof(roles[0]), full) || of_family(folded);
	identity_normal_keep(&email->local, full, kept);
	full[kept] = '@';
	memcpy(full + kept + 1, domain, strlen(domain));
	identity_normal_keep(&email->full, full, kept + 1 + strlen(domain));
	if (!identity_normal_domain(domain, strlen(domain), &email->domain, &shared))
		identity_normal_keep(&email->domain, domain, strlen(domain));
	email->free_mail |= shared;
	return true;
}

bool
identity_normal_domain(const char *text, size_t length, NormalText *domain, bool *shared)
{
	char folded[256];
	size_t n;
	char *host = folded, *end;
	const char *registrable;

	*shared = false;
	if (!identity_normal_fold(text, length, folded, sizeof(folded), &n))
		return false;
	if ((end = strstr(host, "://")) != NULL)
		host = end + 3;
	host[strcspn(host, "/?#: ")] = 0;
	if ((end = strrchr(host, '@')) != NULL)
		host = end + 1;
	if (strchr(host, '.') == NULL)
		return false;
	registrable = psl_registrable_domain(psl_builtin(), host);
	if (registrable == NULL)
		registrable = host;
	*shared = listed(free_mail, sizeof(free_mail) / sizeof(free_mail[0]), registrable);
	identity_normal_keep(domain, registrable, strlen(registrable));
	return domain->length > 3;
}

/* country, its code, the prefix dialled inside it, digits of a national number, how mobile numbers
 * begin (empty: not to be told) */
static const struct
{
	char country[3];
	char code[4];
	char trunk[2];
	uint8_t least, most;
	char mobile[48];
} plans[] = {{"us", "1", "1", 10, 10, ""},
			 {"ca", "1", "1", 10, 10, ""},
			 {"gb", "44", "0", 9, 10, "7"},
			 {"ie", "353", "0", 7, 9, "8"},
			 {"de", "49", "0", 6, 11, "15 16 17"},
			 {"at", "43", "0", 6, 12, "6"},
			 {"ch", "41", "0", 9, 9, "7"},
			 {"fr", "33", "0", 9, 9, "6 7"},
			 {"es", "34", "", 9, 9, "6 7"},
			 {"it", "39", "", 8, 11, "3"},
			 {"pt", "351", "", 9, 9, "9"},
			 {"nl", "31", "0", 9, 9, "6"},
			 {"be", "32", "0", 8, 9, "4"},
			 {"lu", "352", "", 6, 9, "6"},
			 {"dk", "45", "", 8, 8, ""},
			 {"se", "46", "0", 7, 9, "7"},
			 {"no", "47", "", 8, 8, "4 9"},
			 {"fi", "358", "0", 6, 11, "4 5"},
			 {"pl", "48", "", 9, 9, "45 50 51 53 57 60 66 69 72 73 78 79 88"},
			 {"cz", "420", "", 9, 9, "6 7"},
			 {"sk", "421", "0", 9, 9, "9"},
			 {"hu", "36", "", 8, 9, "20 30 31 50 70"},
			 {"gr", "30", "", 10, 10, "69"},
			 {"au", "61", "0", 9, 9, "4"},
			 {"nz", "64", "0", 8, 10, "2"},
			 {"in", "91", "0", 10, 10, "6 7 8 9"},
			 {"jp", "81", "0", 9, 10, "70 80 90"},
			 {"br", "55", "0", 10, 11, ""},
			 {"mx", "52", "", 10, 10, ""},
			 {"za", "27", "0", 9, 9, "6 7 8"}};

#define PLANS (sizeof(plans) / sizeof(plans[0]))

static size_t
plan_of(const char *digits, size_t n)
{
	for (size_t i = 0; i < PLANS; i++)
	{
		size_t code = strlen(plans[i].code);

		if (n > code && memcmp(digits, plans[i].code, code) == 0 && n - code >= plans[i].least &&
			n - code <= plans[i].most + 1u)
			return i;
	}
	return PLANS;
}

typedef struct Dialled
{
	char digits[32];
	size_t n;
	bool plus;
} Dialled;

static bool
made_up(const char *digits)
{
	return strspn(digits, (const char[]){digits[0], 0}) == strlen(digits) ||
		   strcmp(digits, "1234567890") == 0 || strcmp(digits, "123456789") == 0;
}

/* The digits up to an extension; false when they cannot be a number. */
static bool
read_digits(const char *text, size_t length, Dialled *d)
{
	memset(d, 0, sizeof(*d));
	for (size_t i = 0; i < length && d->n < sizeof(d->digits) - 1; i++)
	{
		char c = text[i];

		if (strchr("xX#;", c) != NULL || ((c | 32) == 'e' && d->n > 5))
			break;
		d->plus |= c == '+' && d->n == 0;
		/* +44 (0) 20: the nought inside brackets is not dialled from abroad */
		if (d->plus && c == '(' && i + 2 < length && text[i + 1] == '0' && text[i + 2] == ')')
			i += 2;
		else if (c >= '0' && c <= '9')
			d->digits[d->n++] = c;
	}
	if (!d->plus && d->n > 8 && d->digits[0] == '0' && d->digits[1] == '0')
	{
		d->plus = true;
		d->n -= 2;
		memmove(d->digits, d->digits + 2, d->n + 1);
	}
	return d->n >= 5 && d->n <= 16 && !made_up(d->digits);
}

/* Digits before the national number; *plan: PLANS when the country is not known. */
static size_t
find_plan(const Dialled *d, const char *country, size_t *plan)
{
	size_t skip;

	*plan = PLANS;
	if (d->plus)
	{
		*plan = plan_of(d->digits, d->n);
		if (*plan == PLANS)
			return 0;
		skip = strlen(plans[*plan].code);
		return skip + (d->digits[skip] == '0' && plans[*plan].trunk[0] == '0');
	}
	if (country == NULL)
		return d->digits[0] == '0';
	for (*plan = 0; *plan < PLANS && strcmp(plans[*plan].country, country) != 0; (*plan)++)
		;
	return *plan < PLANS && d->digits[0] == plans[*plan].trunk[0] && d->n > plans[*plan].least;
}

/* Does the number begin with one of the prefixes, which blanks part? */
static bool
starts(const char *prefixes, const char *number)
{
	while (*prefixes != 0)
	{
		size_t n = strcspn(prefixes, " ");

		if (strncmp(prefixes, number, n) == 0)
			return true;
		prefixes += n + (prefixes[n] == ' ');
	}
	return false;
}

bool
identity_normal_phone(const char *text, size_t length, const char *country, NormalPhone *phone)
{
	Dialled d;
	size_t plan, skip;

	memset(phone, 0, sizeof(*phone));
	if (!read_digits(text, length, &d))
		return false;
	skip = find_plan(&d, country, &plan);
	identity_normal_keep(&phone->national, d.digits + skip, d.n - skip);
	phone->international = plan < PLANS;
	phone->mobile = plan < PLANS && starts(plans[plan].mobile, phone->national.text);
	phone->landline = plan < PLANS && plans[plan].mobile[0] != 0 && !phone->mobile;
	phone->country = phone->international && d.plus ? plans[plan].country : NULL;
	if (phone->international)
	{
		size_t code = strlen(plans[plan].code);

		memcpy(phone->number.text, plans[plan].code, code);
		memcpy(phone->number.text + code, d.digits + skip, d.n - skip);
		phone->number.length = (uint8_t) (code + d.n - skip);
	}
	else
		phone->number = phone->national;
	return phone->national.length >= 5;
}

uint32_t
identity_normal_calling_code(const char *country)
{
	for (size_t i = 0; i < PLANS; i++)
		if (strcmp(plans[i].country, country) == 0)
			return (uint32_t) strtoul(plans[i].code, NULL, 10);
	return 1u << 16 | (uint32_t) (unsigned char) country[0] << 8 | (unsigned char) country[1];
}

const char *
identity_normal_domain_country(const NormalText *domain)
{
	const char *label = domain->length > 3 ? domain->text + domain->length - 2 : "";

	if (label[0] == 0 || label[-1] != '.')
		return NULL;
	if (strcmp(label, "uk") == 0)
		return "gb";
	for (size_t i = 0; i < PLANS; i++)
		if (strcmp(plans[i].country, label) == 0)
			return plans[i].country;
	return NULL;
}
