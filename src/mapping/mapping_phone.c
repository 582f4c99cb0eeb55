/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_phone.c — telephone numbers to E.164, "+" and digits.
 *
 * From public numbering facts (ITU-T E.164 and the national plans): calling code,
 * trunk prefix and international prefix per country. What it knows: a number with
 * +, with the country's international prefix or with "00" is international; any other is
 * national, its trunk prefix falls away. "(0)" after a calling code falls away. What
 * it does not know: whether a number is in use, lengths per country beyond E.164's 15 digits
 * (at least 7, NANP numbers exactly 10), extensions and letters (both are bad values).
 */
#include "mapping/mapping_priv.h"

#include <pthread.h>
#include <string.h>

struct PhoneCountry
{
	char iso2[3];
	uint16_t code;
	const char *trunk;		   /* falls away from a national number; "" : none */
	const char *international; /* besides 00 and + */
};

static const PhoneCountry mapping_phone_countries[] = {
	{"AC", 247, "", "00"},	 {"AD", 376, "", "00"},	  {"AE", 971, "0", "00"},
	{"AF", 93, "0", "00"},	 {"AG", 1, "1", "011"},	  {"AI", 1, "1", "011"},
	{"AL", 355, "0", "00"},	 {"AM", 374, "0", "00"},  {"AO", 244, "", "00"},
	{"AR", 54, "0", "00"},	 {"AS", 1, "1", "011"},	  {"AT", 43, "0", "00"},
	{"AU", 61, "0", "0011"}, {"AW", 297, "", "00"},	  {"AX", 358, "0", "00"},
	{"AZ", 994, "0", "00"},	 {"BA", 387, "0", "00"},  {"BB", 1, "1", "011"},
	{"BD", 880, "0", "00"},	 {"BE", 32, "0", "00"},	  {"BF", 226, "", "00"},
	{"BG", 359, "0", "00"},	 {"BH", 973, "", "00"},	  {"BI", 257, "", "00"},
	{"BJ", 229, "", "00"},	 {"BL", 590, "0", "00"},  {"BM", 1, "1", "011"},
	{"BN", 673, "", "00"},	 {"BO", 591, "0", "00"},  {"BQ", 599, "", "00"},
	{"BR", 55, "0", "00"},	 {"BS", 1, "1", "011"},	  {"BT", 975, "", "00"},
	{"BW", 267, "", "00"},	 {"BY", 375, "8", "810"}, {"BZ", 501, "", "00"},
	{"CA", 1, "1", "011"},	 {"CC", 61, "0", "0011"}, {"CD", 243, "0", "00"},
	{"CF", 236, "", "00"},	 {"CG", 242, "", "00"},	  {"CH", 41, "0", "00"},
	{"CI", 225, "", "00"},	 {"CK", 682, "", "00"},	  {"CL", 56, "", "00"},
	{"CM", 237, "", "00"},	 {"CN", 86, "0", "00"},	  {"CO", 57, "", "00"},
	{"CR", 506, "", "00"},	 {"CU", 53, "0", "119"},  {"CV", 238, "", "00"},
	{"CW", 599, "", "00"},	 {"CX", 61, "0", "0011"}, {"CY", 357, "", "00"},
	{"CZ", 420, "", "00"},	 {"DE", 49, "0", "00"},	  {"DJ", 253, "", "00"},
	{"DK", 45, "", "00"},	 {"DM", 1, "1", "011"},	  {"DO", 1, "1", "011"},
	{"DZ", 213, "0", "00"},	 {"EC", 593, "0", "00"},  {"EE", 372, "", "00"},
	{"EG", 20, "0", "00"},	 {"EH", 212, "0", "00"},  {"ER", 291, "0", "00"},
	{"ES", 34, "", "00"},	 {"ET", 251, "0", "00"},  {"FI", 358, "0", "00"},
	{"FJ", 679, "", "00"},	 {"FK", 500, "", "00"},	  {"FM", 691, "", "011"},
	{"FO", 298, "", "00"},	 {"FR", 33, "0", "00"},	  {"GA", 241, "0", "00"},
	{"GB", 44, "0", "00"},	 {"GD", 1, "1", "011"},	  {"GE", 995, "0", "00"},
	{"GF", 594, "0", "00"},	 {"GG", 44, "0", "00"},	  {"GH", 233, "0", "00"},
	{"GI", 350, "", "00"},	 {"GL", 299, "", "00"},	  {"GM", 220, "", "00"},
	{"GN", 224, "", "00"},	 {"GP", 590, "0", "00"},  {"GQ", 240, "", "00"},
	{"GR", 30, "", "00"},	 {"GT", 502, "", "00"},	  {"GU", 1, "1", "011"},
	{"GW", 245, "", "00"},	 {"GY", 592, "", "001"},  {"HK", 852, "", "001"},
	{"HN", 504, "", "00"},	 {"HR", 385, "0", "00"},  {"HT", 509, "", "00"},
	{"HU", 36, "06", "00"},	 {"ID", 62, "0", "001"},  {"IE", 353, "0", "00"},
	{"IL", 972, "0", "00"},	 {"IM", 44, "0", "00"},	  {"IN", 91, "0", "00"},
	{"IO", 246, "", "00"},	 {"IQ", 964, "0", "00"},  {"IR", 98, "0", "00"},
	{"IS", 354, "", "00"},	 {"IT", 39, "", "00"},	  {"JE", 44, "0", "00"},
	{"JM", 1, "1", "011"},	 {"JO", 962, "0", "00"},  {"JP", 81, "0", "010"},
	{"KE", 254, "0", "000"}, {"KG", 996, "0", "00"},  {"KH", 855, "0", "001"},
	{"KI", 686, "", "00"},	 {"KM", 269, "", "00"},	  {"KN", 1, "1", "011"},
	{"KP", 850, "0", "00"},	 {"KR", 82, "0", "001"},  {"KW", 965, "", "00"},
	{"KY", 1, "1", "011"},	 {"KZ", 7, "8", "810"},	  {"LA", 856, "0", "00"},
	{"LB", 961, "0", "00"},	 {"LC", 1, "1", "011"},	  {"LI", 423, "", "00"},
	{"LK", 94, "0", "00"},	 {"LR", 231, "0", "00"},  {"LS", 266, "", "00"},
	{"LT", 370, "0", "00"},	 {"LU", 352, "", "00"},	  {"LV", 371, "", "00"},
	{"LY", 218, "0", "00"},	 {"MA", 212, "0", "00"},  {"MC", 377, "0", "00"},
	{"MD", 373, "0", "00"},	 {"ME", 382, "0", "00"},  {"MF", 590, "0", "00"},
	{"MG", 261, "0", "00"},	 {"MH", 692, "1", "011"}, {"MK", 389, "0", "00"},
	{"ML", 223, "", "00"},	 {"MM", 95, "0", "00"},	  {"MN", 976, "0", "001"},
	{"MO", 853, "", "00"},	 {"MP", 1, "1", "011"},	  {"MQ", 596, "0", "00"},
	{"MR", 222, "", "00"},	 {"MS", 1, "1", "011"},	  {"MT", 356, "", "00"},
	{"MU", 230, "", "020"},	 {"MV", 960, "", "00"},	  {"MW", 265, "0", "00"},
	{"MX", 52, "", "00"},	 {"MY", 60, "0", "00"},	  {"MZ", 258, "", "00"},
	{"NA", 264, "0", "00"},	 {"NC", 687, "", "00"},	  {"NE", 227, "", "00"},
	{"NF", 672, "", "00"},	 {"NG", 234, "0", "009"}, {"NI", 505, "", "00"},
	{"NL", 31, "0", "00"},	 {"NO", 47, "", "00"},	  {"NP", 977, "0", "00"},
	{"NR", 674, "", "00"},	 {"NU", 683, "", "00"},	  {"NZ", 64, "0", "00"},
	{"OM", 968, "", "00"},	 {"PA", 507, "", "00"},	  {"PE", 51, "0", "00"},
	{"PF", 689, "", "00"},	 {"PG", 675, "", "00"},	  {"PH", 63, "0", "00"},
	{"PK", 92, "0", "00"},	 {"PL", 48, "", "00"},	  {"PM", 508, "0", "00"},
	{"PR", 1, "1", "011"},	 {"PS", 970, "0", "00"},  {"PT", 351, "", "00"},
	{"PW", 680, "", "011"},	 {"PY", 595, "0", "00"},  {"QA", 974, "", "00"},
	{"RE", 262, "0", "00"},	 {"RO", 40, "0", "00"},	  {"RS", 381, "0", "00"},
	{"RU", 7, "8", "810"},	 {"RW", 250, "0", "00"},  {"SA", 966, "0", "00"},
	{"SB", 677, "", "00"},	 {"SC", 248, "", "00"},	  {"SD", 249, "0", "00"},
	{"SE", 46, "0", "00"},	 {"SG", 65, "", "001"},	  {"SH", 290, "", "00"},
	{"SI", 386, "0", "00"},	 {"SJ", 47, "", "00"},	  {"SK", 421, "0", "00"},
	{"SL", 232, "0", "00"},	 {"SM", 378, "", "00"},	  {"SN", 221, "", "00"},
	{"SO", 252, "0", "00"},	 {"SR", 597, "", "00"},	  {"SS", 211, "0", "00"},
	{"ST", 239, "", "00"},	 {"SV", 503, "", "00"},	  {"SX", 1, "1", "011"},
	{"SY", 963, "0", "00"},	 {"SZ", 268, "", "00"},	  {"TC", 1, "1", "011"},
	{"TD", 235, "", "00"},	 {"TG", 228, "", "00"},	  {"TH", 66, "0", "001"},
	{"TJ", 992, "", "810"},	 {"TK", 690, "", "00"},	  {"TL", 670, "", "00"},
	{"TM", 993, "8", "810"}, {"TN", 216, "", "00"},	  {"TO", 676, "", "00"},
	{"TR", 90, "0", "00"},	 {"TT", 1, "1", "011"},	  {"TV", 688, "", "00"},
	{"TW", 886, "0", "00"},	 {"TZ", 255, "0", "000"}, {"UA", 380, "0", "00"},
	{"UG", 256, "0", "000"}, {"US", 1, "1", "011"},	  {"UY", 598, "0", "00"},
	{"UZ", 998, "", "810"},	 {"VA", 39, "", "00"},	  {"VC", 1, "1", "011"},
	{"VE", 58, "0", "00"},	 {"VG", 1, "1", "011"},	  {"VI", 1, "1", "011"},
	{"VN", 84, "0", "00"},	 {"VU", 678, "", "00"},	  {"WF", 681, "", "00"},
	{"WS", 685, "", "0"},	 {"XK", 383, "0", "00"},  {"YE", 967, "0", "00"},
	{"YT", 262, "0", "00"},	 {"ZA", 27, "0", "00"},	  {"ZM", 260, "0", "00"},
	{"ZW", 263, "0", "00"},
};

#define MAPPING_PHONE_NCOUNTRIES                                                                   \
	(sizeof(mapping_phone_countries) / sizeof(mapping_phone_countries[0]))

const PhoneCountry *
mapping_phone_country(const char *iso2)
{
	for (size_t i = 0; i < MAPPING_PHONE_NCOUNTRIES; i++)
		if (strcmp(mapping_phone_countries[i].iso2, iso2) == 0)
			return &mapping_phone_countries[i];
	return NULL;
}

/* Which numbers are calling codes: every telephone number is looked up here. */
static pthread_once_t mapping_phone_once = PTHREAD_ONCE_INIT;
static bool mapping_phone_codes[1000];

static void
mapping_phone_fill_codes(void)
{
	static const uint16_t global[] = {800, 808, 870, 878, 881, 882, 883, 888, 979};

	for (size_t i = 0; i < MAPPING_PHONE_NCOUNTRIES; i++)
		mapping_phone_codes[mapping_phone_countries[i].code] = true;
	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++)
		mapping_phone_codes[global[i]] = true;
}

/* Digits of the calling code that the number starts with; 0 when no country has it. */
static size_t
mapping_phone_code_length(const char *digits, size_t length)
{
	unsigned code = 0;

	(void) pthread_once(&mapping_phone_once, mapping_phone_fill_codes);
	if (length > 0 && digits[0] == '0')
		return 0;
	for (size_t n = 1; n <= 3 && n <= length; n++)
	{
		code = code * 10 + (unsigned) (digits[n - 1] - '0');
		if (mapping_phone_codes[code])
			return n;
	}
	return 0;
}

typedef struct PhoneText
{
	char digits[40];
	size_t length;
	size_t optional_zero; /* index of the digit of a "(0)"; SIZE_MAX: none */
	bool plus;
} PhoneText;

static bool
mapping_phone_mark(char c)
{
	return c == ' ' || c == '-' || c == '\t' || c == '.' || c == '(' || c == ')' || c == '/';
}

/* Keeps digits and a leading +; blanks and the usual marks fall away. */
static const char *
mapping_phone_read(const char *text, size_t length, PhoneText *phone)
{
	phone->length = 0;
	phone->optional_zero = SIZE_MAX;
	phone->plus = false;
	for (size_t i = 0; i < length; i++)
	{
		char c = text[i];

		if (c >= '0' && c <= '9')
		{
			if (phone->length == sizeof(phone->digits))
				return "it has more than 15 digits";
			if (c == '0' && i > 0 && text[i - 1] == '(' && i + 1 < length && text[i + 1] == ')')
				phone->optional_zero = phone->length;
			phone->digits[phone->length++] = c;
		}
		else if (c == '+' && phone->length == 0 && !phone->plus)
			phone->plus = true;
		else if ((uint8_t) c == 0xc2 && i + 1 < length && (uint8_t) text[i + 1] == 0xa0)
			i++; /* no-break space */
		else if (!mapping_phone_mark(c))
			return "it holds a character that is no digit, blank or one of + - . ( ) /";
	}
	return NULL;
}

static void
mapping_phone_drop(PhoneText *phone, size_t count)
{
	memmove(phone->digits, phone->digits + count, phone->length - count);
	phone->length -= count;
	if (phone->optional_zero != SIZE_MAX)
		phone->optional_zero =
			phone->optional_zero >= count ? phone->optional_zero - count : SIZE_MAX;
}

static bool
mapping_phone_starts(const PhoneText *phone, const char *prefix)
{
	size_t length = strlen(prefix);

	return length > 0 && phone->length > length && memcmp(phone->digits, prefix, length) == 0;
}

/* International digits: calling code first, without a "(0)" after it. */
static const char *
mapping_phone_international(PhoneText *phone)
{
	size_t code = mapping_phone_code_length(phone->digits, phone->length);

	if (code == 0)
		return "it starts with a calling code that no country has";
	if (phone->optional_zero == code)
	{
		memmove(phone->digits + code, phone->digits + code + 1, phone->length - code - 1);
		phone->length--;
	}
	if (phone->digits[0] == '1' && phone->length != 11)
		return "a number of calling code 1 must have ten digits after it";
	return NULL;
}

const char *
mapping_phone_normal(const PhoneCountry *country, const char *text, size_t length,
					 char out[MAPPING_PHONE_SIZE], size_t *out_length)
{
	PhoneText phone;
	const char *reason = mapping_phone_read(text, length, &phone);
	size_t used = 0;

	if (reason != NULL)
		return reason;
	if (phone.length == 0)
		return "it holds no digits";
	if (!phone.plus && (mapping_phone_starts(&phone, "00") ||
						(country != NULL && mapping_phone_starts(&phone, country->international))))
	{
		/* the country's own prefix may be longer than 00 */
		bool own = country != NULL && mapping_phone_starts(&phone, country->international);

		mapping_phone_drop(&phone, own ? strlen(country->international) : 2);
		phone.plus = true;
	}
	if (!phone.plus)
	{
		char national[sizeof(phone.digits) + 8];
		size_t count = 0;
		unsigned code;

		if (country == NULL)
			return "it has no calling code, and the step names no country";
		if (mapping_phone_starts(&phone, country->trunk))
			mapping_phone_drop(&phone, strlen(country->trunk));
		code = country->code;
		for (unsigned divisor = 100; divisor > 0; divisor /= 10)
			if (code >= divisor)
				national[count++] = (char) ('0' + code / divisor % 10);
		if (phone.length + count > 15)
			return "it has more than 15 digits";
		memmove(phone.digits + count, phone.digits, phone.length);
		memcpy(phone.digits, national, count);
		phone.length += count;
		phone.optional_zero = SIZE_MAX;
	}
	reason = mapping_phone_international(&phone);
	if (reason != NULL)
		return reason;
	if (phone.length > 15)
		return "it has more than 15 digits";
	if (phone.length < 7)
		return "it has too few digits";
	out[used++] = '+';
	memcpy(out + used, phone.digits, phone.length);
	*out_length = used + phone.length;
	return NULL;
}

bool
mapping_phone_valid(const char *text, size_t length)
{
	if (length < 8 || length > 16 || text[0] != '+' || text[1] == '0')
		return false;
	for (size_t i = 1; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return mapping_phone_code_length(text + 1, length - 1) > 0;
}
