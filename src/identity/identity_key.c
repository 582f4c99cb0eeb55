/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_key — the blocking keys of a form: who is worth comparing with whom.
 *
 * A key is a hash of a few parts; a missing part yields no key.  Sparse records
 * are why there are keys of single words with one other fact: with keys of whole
 * names only, they would meet nobody.
 */
#include "identity/identity_priv.h"

#include <string.h>

/* name, comparisons it blocks on (what training must not learn from it) */
#define NAMES (1u << COMPARE_FAMILY | 1u << COMPARE_GIVEN | 1u << COMPARE_OTHER)
#define DATE  (1u << COMPARE_DATE)
#define CODE  (1u << COMPARE_POSTCODE)
#define PLACE (1u << COMPARE_PLACE)
#define OCC	  (1u << COMPARE_OCCUPATION)

#define FAMILY_TABLE(X)                                                                            \
	X(EMAIL, "email", 1u << COMPARE_EMAIL)                                                         \
	X(EMAIL_LOCAL, "email local part", 1u << COMPARE_EMAIL)                                        \
	X(PHONE, "phone", 1u << COMPARE_PHONE)                                                         \
	X(ID, "strong id", 1u << COMPARE_ID)                                                           \
	X(ADDRESS, "street, number, postcode", 1u << COMPARE_STREET | CODE)                            \
	X(DATE_INITIAL, "birth date, given initial", DATE | NAMES)                                     \
	X(GIVEN_FAMILY, "given, family", NAMES)                                                        \
	X(POSTCODE, "postcode", CODE)                                                                  \
	X(DAY_FAMILY, "month and day, family start", DATE | NAMES)                                     \
	X(DATE_OUT, "birth date, outward", DATE | CODE)                                                \
	X(DATE_PLACE, "birth date, place", DATE | PLACE)                                               \
	X(WORD_YEAR, "word, year", NAMES | DATE)                                                       \
	X(WORD, "word", NAMES)                                                                         \
	X(WORD_LESS, "word less a letter", NAMES)                                                      \
	X(WSOUND_PLACE, "word sound, place", NAMES | PLACE)                                            \
	X(WSOUND_OUT, "word sound, outward", NAMES | CODE)                                             \
	X(WORD_OCC, "word, occupation", NAMES | OCC)                                                   \
	X(COMPANY, "company name", 1u << COMPARE_COMPANY)                                              \
	X(COMPANY_WORDS, "two company words", 1u << COMPARE_COMPANY)                                   \
	X(COMPANY_CODE, "company start, postcode", 1u << COMPARE_COMPANY | CODE)                       \
	X(COMPANY_WORD, "company word", 1u << COMPARE_COMPANY)                                         \
	X(INITIALS_DOMAIN, "company initials", 1u << COMPARE_COMPANY)                                  \
	X(DOMAIN, "domain", 1u << COMPARE_DOMAIN)

enum
{
#define X(symbol, name, blocks) KEY_##symbol,
	FAMILY_TABLE(X)
#undef X
		KEY_FAMILIES
};

static const char *const family_names[] = {
#define X(symbol, name, blocks) name,
	FAMILY_TABLE(X)
#undef X
};

static const uint32_t family_blocks[] = {
#define X(symbol, name, blocks) blocks,
	FAMILY_TABLE(X)
#undef X
};

typedef struct Keys
{
	const IdentityForm *form;
	Key *key;
	unsigned count;
	uint64_t year, day, date, place, outward, postcode, occupation;
} Keys;

static void person_keys(Keys *k);
static void word_keys(Keys *k);
static void less_keys(Keys *k, const FormValue *word);
static void company_keys(Keys *k);
static void common_keys(Keys *k);

const char *
identity_key_name(unsigned family)
{
	return family < KEY_FAMILIES ? family_names[family] : NULL;
}

uint32_t
identity_key_blocks(unsigned family)
{
	return family_blocks[family];
}

unsigned
identity_key_families(IdentityKind kind)
{
	(void) kind;
	return KEY_FAMILIES;
}

static void
add_value(Keys *k, unsigned family, uint64_t a, uint64_t b, uint64_t c, unsigned value)
{
	uint64_t hash;

	if (a == 0 || b == 0 || c == 0 || k->count == KEYS_MAX)
		return;
	hash = identity_text_mix(identity_text_mix(family * 64 + k->form->kind + 1, a),
							 identity_text_mix(b, c)) &
		   KEY_BITS;
	k->key[k->count].hash = hash;
	k->key[k->count].family = (uint8_t) family;
	k->key[k->count].value = (uint8_t) value;
	k->count++;
}

static void
add(Keys *k, unsigned family, uint64_t a, uint64_t b, uint64_t c)
{
	add_value(k, family, a, b, c, ABSENT);
}

static const FormValue *
first(const IdentityForm *form, FormKind kind)
{
	return form->first[kind + 1] > form->first[kind] ? &form->values[form->first[kind]] : NULL;
}

/* Drops what comes twice, by a small table; the order is that of the families. */
static unsigned
distinct(Key *keys, unsigned count)
{
	uint8_t table[512] = {0};
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++)
	{
		/* cppcheck-suppress uninitvar; the caller filled `count` of them */
		unsigned at = (unsigned) (keys[i].hash >> 20) & 511;

		while (table[at] != 0 && keys[table[at] - 1].hash != keys[i].hash)
			at = (at + 1) & 511;
		if (table[at] != 0)
			continue;
		keys[kept++] = keys[i];
		table[at] = (uint8_t) kept;
	}
	return kept;
}

unsigned
identity_keys(const IdentityModel *model, const IdentityForm *form, Key keys[KEYS_MAX])
{
	Keys k = {.form = form, .key = keys};
	const FormValue *value;

	(void) model;
	if ((value = first(form, FORM_DATE)) != NULL)
	{
		k.date = value->hash;
		k.year = value->hash >> 16;
		k.day = (value->hash & 0xffff) == 0x0101 ? 0 : value->hash & 0xffff;
	}
	if ((value = first(form, FORM_PLACE)) != NULL)
		k.place = value->hash | UINT64_C(1) << 32;
	if ((value = first(form, FORM_OCCUPATION)) != NULL)
		k.occupation = value->hash | UINT64_C(1) << 32;
	if ((value = first(form, FORM_POSTCODE)) != NULL)
	{
		k.postcode = value->hash | UINT64_C(1) << 32;
		k.outward = value->hash2 | UINT64_C(1) << 32;
	}
	common_keys(&k);
	if (form->kind == IDENTITY_PERSON)
		person_keys(&k);
	else
		company_keys(&k);
	return distinct(keys, k.count);
}

size_t
identity_form_keys(const IdentityModel *model, const IdentityForm *form, uint64_t *keys, size_t max)
{
	Key own[KEYS_MAX];
	unsigned count = identity_keys(model, form, own);

	for (size_t i = 0; i < count && i < max; i++)
		keys[i] = own[i].hash;
	return count;
}

static void
common_keys(Keys *k)
{
	const IdentityForm *form = k->form;

	for (unsigned i = form->first[FORM_EMAIL]; i < form->first[FORM_EMAIL + 1]; i++)
	{
		const FormValue *value = &form->values[i];

		if (value->flags & VALUE_WEAK)
			continue;
		add_value(k, KEY_EMAIL, value->hash | UINT64_C(1) << 32, 1, 1, i);
		if (value->part >= 5)
			add(k, KEY_EMAIL_LOCAL, value->hash2 | UINT64_C(1) << 32, 1, 1);
	}
	for (unsigned i = form->first[FORM_PHONE]; i < form->first[FORM_PHONE + 1]; i++)
		add_value(k, KEY_PHONE, form->values[i].hash2 | UINT64_C(1) << 32, 1, 1, i);
	for (unsigned i = form->first[FORM_ID]; i < form->first[FORM_ID + 1]; i++)
		add_value(k, KEY_ID, form->values[i].hash | UINT64_C(1) << 32, 1, 1, i);
	if (first(form, FORM_STREET) != NULL && first(form, FORM_STREET)->sound != 0)
		add_value(k, KEY_ADDRESS, first(form, FORM_STREET)->hash, k->postcode, 1,
				  form->first[FORM_STREET]);
}

static void
person_keys(Keys *k)
{
	const IdentityForm *form = k->form;
	const FormValue *given = form->given == ABSENT ? NULL : &form->values[form->given];
	const FormValue *family = form->family == ABSENT ? NULL : &form->values[form->family];
	uint64_t initial = given == NULL ? 0 : given->initial;

	add(k, KEY_POSTCODE, k->postcode, 1, 1);
	add(k, KEY_DATE_INITIAL, k->date, initial, 1);
	add(k, KEY_DATE_OUT, k->date, k->outward, 1);
	add(k, KEY_DATE_PLACE, k->date, k->place, 1);
	if (family != NULL)
	{
		unsigned start = family->length < 3 ? family->length : 3;

		add(k, KEY_DAY_FAMILY, k->day, identity_text_hash(form_text(form, family), start, 7) | 1,
			1);
	}
	if (given != NULL && family != NULL)
	{
		unsigned count;
		const uint16_t *classes = identity_normal_nickname_classes(given->hash2, &count);

		for (unsigned i = 0; i <= count; i++)
			add(k, KEY_GIVEN_FAMILY,
				i == 0 ? given->hash | UINT64_C(1) << 32 : (uint64_t) classes[i - 1], family->hash,
				1);
	}
	word_keys(k);
}

static void
word_keys(Keys *k)
{
	const IdentityForm *form = k->form;
	unsigned n = form->first[FORM_TOKEN + 1];

	for (unsigned i = 0; i < n; i++)
	{
		const FormValue *word = &form->values[i];

		if (word->length <= 2)
			continue;
		add(k, KEY_WORD, word->hash, 1, 1);
		add(k, KEY_WORD_YEAR, word->hash, k->year, 1);
		add(k, KEY_WORD_OCC, word->hash, k->occupation, 1);
		add(k, KEY_WSOUND_PLACE, word->sound, k->place, 1);
		add(k, KEY_WSOUND_OUT, word->sound, k->outward, 1);
	}
	for (unsigned i = 0; i < n; i++)
		if (form->values[i].length >= 5)
			less_keys(k, &form->values[i]);
}

/* Texts one deletion apart share a key, whichever letter went. */
static void
less_keys(Keys *k, const FormValue *word)
{
	const IdentityForm *form = k->form;
	const char *text = form_text(form, word);
	char less[NORMAL_MAX + 1];

	for (unsigned i = 0; i <= word->length && i < 16; i++)
	{
		unsigned n = word->length;

		if (i > 0 && i < word->length && text[i] == text[i - 1])
			continue;
		memcpy(less, text, n);
		if (i < word->length)
		{
			memmove(less + i, less + i + 1, n - i - 1);
			n--;
		}
		add(k, KEY_WORD_LESS, identity_text_hash(less, n, 8) | 1, 1, 1);
	}
}

static void
company_keys(Keys *k)
{
	const IdentityForm *form = k->form;
	const FormValue *name = first(form, FORM_COMPANY), *domain = first(form, FORM_DOMAIN);
	unsigned from = form->first[FORM_WORD], to = form->first[FORM_WORD + 1];
	char initials[8];

	if (domain != NULL)
		add_value(k, KEY_DOMAIN, domain->hash | UINT64_C(1) << 32, 1, 1, form->first[FORM_DOMAIN]);
	if (name == NULL)
		return;
	add(k, KEY_COMPANY, name->hash, 1, 1);
	add(k, KEY_COMPANY_CODE,
		identity_text_hash(form_text(form, name), name->length < 5 ? name->length : 5, 9) | 1,
		k->postcode, 1);
	for (unsigned i = from; i < to; i++)
	{
		add(k, KEY_COMPANY_WORD, form->values[i].hash, 1, 1);
		add(k, KEY_COMPANY_WORD, form->values[i].hash, k->outward, 2);
		add(k, KEY_COMPANY_WORD, form->values[i].hash, k->place, 3);
		for (unsigned j = from; j < to; j++)
			if (form->values[j].hash > form->values[i].hash)
				add(k, KEY_COMPANY_WORDS, form->values[i].hash, form->values[j].hash, 1);
		if (form->values[i].length >= 6)
			less_keys(k, &form->values[i]);
	}
	for (unsigned i = from; i < to && i - from < sizeof(initials); i++)
		initials[i - from] = *form_text(form, &form->values[i]);
	if (to - from >= 2)
		add(k, KEY_INITIALS_DOMAIN, identity_text_hash(initials, to - from, 10) | 1, 1, 1);
	else if (name->length <= sizeof(initials))
		add(k, KEY_INITIALS_DOMAIN, identity_text_hash(form_text(form, name), name->length, 10) | 1,
			1, 1);
}
