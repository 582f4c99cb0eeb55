/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_normal_other — dates, addresses, strong ids and company names.
 */
#include "identity/identity_priv.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX 400 /* characters */

typedef struct LegalFormRow
{
	const char *form;
	const char *generic;
} LegalFormRow;

#include "identity/tables/legal_forms.inc"

static uint64_t
hash_of(const NormalWords *words, unsigned first, unsigned count)
{
	uint64_t hash = 63;

	for (unsigned i = first; i < first + count; i++)
		hash = identity_text_hash(words->word[i].text, words->word[i].length, hash);
	return hash;
}

static void
join(const NormalWords *words, unsigned first, unsigned count, const char *between, NormalText *out)
{
	size_t n = 0, gap = strlen(between);
	bool more = false;

	memset(out, 0, sizeof(*out));
	for (unsigned i = first; i < first + count; i++)
	{
		const NormalText *word = &words->word[i];

		if (n > 0 && n + gap < NORMAL_MAX)
		{
			memcpy(out->text + n, between, gap);
			n += gap;
		}
		more |= n + word->length > NORMAL_MAX;
		for (unsigned j = 0; j < word->length && n < NORMAL_MAX; j++)
			out->text[n++] = word->text[j];
	}
	out->length = (uint8_t) n;
	if (more)
		identity_normal_mark(out, hash_of(words, first, count));
}

static uint32_t
pack_date(unsigned year, unsigned month, unsigned day)
{
	uint32_t packed = 0, digits = year * 10000 + month * 100 + day;

	if (year < 1000 || year > 2999 || month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	for (unsigned i = 0; i < 8; i++, digits /= 10)
		packed |= digits % 10 << 4 * i;
	return packed;
}

uint32_t
identity_normal_date(const char *text, size_t length)
{
	unsigned part[3] = {0, 0, 0}, width[3] = {0, 0, 0}, n = 0;
	bool inside = false;

	for (size_t i = 0; i < length; i++)
	{
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (digit && !inside && ++n > 3)
			break; /* a time of day follows */
		if (digit && width[n - 1] < 8)
		{
			part[n - 1] = part[n - 1] * 10 + (unsigned) (text[i] - '0');
			width[n - 1]++;
		}
		inside = digit;
	}
	if (n == 1 && width[0] == 8)
		return pack_date(part[0] / 10000, part[0] / 100 % 100, part[0] % 100);
	if (n == 1 && width[0] == 4) /* only the year: as the first of January */
		return pack_date(part[0], 1, 1);
	if (n >= 3 && width[0] == 4)
		return pack_date(part[0], part[1], part[2]);
	if (n >= 3 && width[2] == 4)
		return part[1] > 12 ? pack_date(part[2], part[0], part[1])
							: pack_date(part[2], part[1], part[0]);
	return 0;
}

bool
identity_normal_postcode(const char *text, size_t length, NormalText *postcode, unsigned *outward)
{
	NormalWords words;
	bool digits = true;

	if (!identity_normal_words(text, length, &words))
		return false;
	join(&words, 0, words.count, "", postcode);
	for (unsigned i = 0; i < postcode->length; i++)
		digits &= postcode->text[i] >= '0' && postcode->text[i] <= '9';
	if (postcode->length > 12 || postcode->length < 2)
		return false;
	if (words.count > 1 && !digits)
		*outward = words.word[0].length;
	else if (digits)
	{
		if (postcode->length == 9) /* ZIP+4 */
			postcode->length = 5;
		*outward = postcode->length > 3 ? postcode->length - 2u : postcode->length;
	}
	else
		*outward = postcode->length > 4 ? postcode->length - 3u : postcode->length;
	postcode->text[postcode->length] = 0;
	return true;
}

static const char *const street_words[][2] = {
	{"alley", "al"},	{"avenue", "ave"}, {"av", "ave"},		{"boulevard", "blvd"},
	{"circuit", "cct"}, {"close", "cl"},   {"court", "ct"},		{"crescent", "cres"},
	{"crt", "ct"},		{"drive", "dr"},   {"gardens", "gdns"}, {"grove", "gr"},
	{"highway", "hwy"}, {"lane", "ln"},	   {"parade", "pde"},	{"place", "pl"},
	{"road", "rd"},		{"square", "sq"},  {"strasse", "str"},	{"street", "st"},
	{"terrace", "tce"}, {"way", "wy"}};

static bool
numeric(const NormalText *word)
{
	return word->text[0] >= '0' && word->text[0] <= '9' && word->length <= 6;
}

bool
identity_normal_street(const char *text, size_t length, const char *number, size_t number_length,
					   NormalStreet *street)
{
	NormalWords words, numbers;
	unsigned first = 0;

	memset(street, 0, sizeof(*street));
	if (number_length > 0 && identity_normal_words(number, number_length, &numbers))
		join(&numbers, 0, numbers.count, "", &street->number);
	if (!identity_normal_words(text, length, &words))
		return street->number.length > 0;
	for (unsigned i = 0; i < words.count; i++)
		for (size_t j = 0; j < sizeof(street_words) / sizeof(street_words[0]); j++)
			if (identity_text_order(words.word[i].text, street_words[j][0]) == 0)
			{
				memset(&words.word[i], 0, sizeof(words.word[i]));
				words.word[i].length = (uint8_t) strlen(street_words[j][1]);
				memcpy(words.word[i].text, street_words[j][1], words.word[i].length);
				break;
			}
	if (street->number.length == 0)
	{
		/* "12 High St", "Hauptstr. 12 a" */
		if (words.count > 1 && numeric(&words.word[0]))
		{
			street->number = words.word[0];
			first = 1;
		}
		else if (words.count > 1 && numeric(&words.word[words.count - 1]))
		{
			street->number = words.word[words.count - 1];
			words.count--;
		}
		else if (words.count > 2 && numeric(&words.word[words.count - 2]) &&
				 words.word[words.count - 1].length == 1)
		{
			join(&words, words.count - 2, 2, "", &street->number);
			words.count -= 2;
		}
	}
	join(&words, first, words.count - first, " ", &street->name);
	return street->name.length > 0 || street->number.length > 0;
}

bool
identity_normal_country(const char *text, size_t length, char out[3])
{
	static const char *const names[][2] = {
		{"australia", "au"}, {"austria", "at"},		   {"belgium", "be"},
		{"canada", "ca"},	 {"deutschland", "de"},	   {"england", "gb"},
		{"france", "fr"},	 {"germany", "de"},		   {"great britain", "gb"},
		{"ireland", "ie"},	 {"italy", "it"},		   {"netherlands", "nl"},
		{"scotland", "gb"},	 {"spain", "es"},		   {"switzerland", "ch"},
		{"uk", "gb"},		 {"united kingdom", "gb"}, {"united states", "us"},
		{"usa", "us"}};
	char folded[64];
	size_t n;

	if (!identity_normal_fold(text, length, folded, sizeof(folded), &n))
		return false;
	out[2] = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(folded, names[i][0]) == 0)
		{
			memcpy(out, names[i][1], 2);
			return true;
		}
	memcpy(out, folded, 2);
	return n == 2;
}

static bool
luhn(const NormalText *id)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < id->length; i++)
	{
		unsigned digit = (unsigned) (id->text[id->length - 1 - i] - '0');

		if (digit > 9)
			return false;
		digit <<= i & 1;
		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 == 0;
}

/* ISO 7064 mod 97-10, as in LEI and IBAN. */
static bool
mod97(const NormalText *id, unsigned turn)
{
	unsigned rest = 0;

	for (unsigned i = 0; i < id->length; i++)
	{
		char c = id->text[(i + turn) % id->length];
		unsigned value = c >= 'a' ? (unsigned) (c - 'a') + 10 : (unsigned) (c - '0');

		rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
	}
	return rest == 1;
}

bool
identity_normal_strong_id(const char *scheme, const char *text, size_t length, NormalText *id)
{
	char folded[ID_MAX + 2];
	size_t n, kept = 0;
	bool same = true;

	/* what would have to be cut is no id */
	if (!identity_normal_fold(text, length, folded, sizeof(folded), &n) || n > ID_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((folded[i] >= 'a' && folded[i] <= 'z') || (folded[i] >= '0' && folded[i] <= '9'))
			folded[kept++] = folded[i];
	identity_normal_keep(id, folded, kept);
	for (unsigned i = 1; i < id->length; i++)
		same &= id->text[i] == id->text[0];
	if (id->length < 4 || same || strcmp(id->text, "123456789") == 0 ||
		strcmp(id->text, "1234567890") == 0)
		return false;
	if (strcmp(scheme, "lei") == 0)
		return id->length == 20 && mod97(id, 0);
	if (strcmp(scheme, "iban") == 0)
		return id->length >= 15 && mod97(id, 4);
	if (strcmp(scheme, "card") == 0 || strcmp(scheme, "siren") == 0)
		return luhn(id);
	return true;
}

static int
compare_form(const void *key, const void *row)
{
	return strcmp(key, ((const LegalFormRow *) row)->form);
}

/* "S.A." is one word, "&" is a word, "Co.Ltd" is two. */
static size_t
spell(const char *text, size_t length, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length && n + 6 < size; i++)
	{
		bool letter_dot = (i < 2 || text[i - 2] == '.' || text[i - 2] == ' ') && text[i] == '.';

		if (text[i] == '&')
		{
			memcpy(out + n, " and ", 5);
			n += 5;
		}
		else if (text[i] == '.' && !letter_dot)
			out[n++] = ' ';
		else if (text[i] != '.')
			out[n++] = text[i];
	}
	return n;
}

/* Takes a legal form of up to four words off the end; false when there is none. */
static bool
take_form(NormalWords *words, NormalText *form)
{
	for (unsigned k = words->count > 4 ? 4 : words->count - 1; k > 0; k--)
	{
		NormalText tail;
		const LegalFormRow *row;

		join(words, words->count - k, k, " ", &tail);
		row = bsearch(tail.text, legal_form_rows,
					  sizeof(legal_form_rows) / sizeof(legal_form_rows[0]),
					  sizeof(legal_form_rows[0]), compare_form);
		if (row == NULL && strcmp(tail.text, "co") != 0 && strcmp(tail.text, "company") != 0)
			continue;
		if (row != NULL && form->length == 0)
		{
			form->length = (uint8_t) strlen(row->generic);
			memcpy(form->text, row->generic, form->length + 1u);
		}
		words->count -= k;
		if (words->count > 1 && strcmp(words->word[words->count - 1].text, "and") == 0)
			words->count--;
		return true;
	}
	return false;
}

bool
identity_normal_company(const char *text, size_t length, NormalCompany *company)
{
	char spelled[512];
	size_t n = spell(text, length, spelled, sizeof(spelled));
	NormalWords *words = &company->words;

	memset(company, 0, sizeof(*company));
	if (!identity_normal_words(spelled, n, words))
		return false;
	while (words->count > 1 && take_form(words, &company->form))
		;
	if (words->count > 1 && strcmp(words->word[0].text, "the") == 0)
	{
		memmove(words->word, words->word + 1, (words->count - 1) * sizeof(words->word[0]));
		words->count--;
	}
	join(words, 0, words->count, " ", &company->name);
	return true;
}
