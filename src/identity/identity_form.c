/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_form — turns a record's fields into the form that is compared.
 *
 * One block: a header, the values ordered by kind, their characters.  Everything a comparison wants more than once (hashes,
 * soundex, nickname row, rarity) is worked out here.
 */
#include "identity/identity_priv.h"

#include <string.h>

#include "goldpan/alloc.h"

typedef struct Builder
{
	const KindModel *model;
	const IdentityField *fields;
	size_t nfields;
	bool company;
	unsigned nvalues, nchars;
	uint8_t given, family;
	char country[3];
	FormValue values[FORM_VALUES];
	char chars[FORM_CHARS];
} Builder;

static const char *const kind_names[FORM_KINDS] = {
	"name",	  "suffix",	 "birth_date", "postcode",	"place",  "occupation",
	"gender", "email",	 "phone",	   "strong_id", "street", "unit",
	"region", "country", "company",	   "word",		"domain", "given"};

static void add_name(Builder *b);
static void add_places(Builder *b);
static void add_contacts(Builder *b);
static void add_company(Builder *b);
static void add_rest(Builder *b);

/* The n-th field of an attribute that is not empty; NULL when there is none. */
static const IdentityField *
field(const Builder *b, IdentityAttribute attribute, unsigned n)
{
	for (size_t i = 0; i < b->nfields; i++)
		if (b->fields[i].attribute == attribute && b->fields[i].length > 0 && n-- == 0)
			return &b->fields[i];
	return NULL;
}

static FormValue *
add(Builder *b, FormKind kind, const char *text, size_t length)
{
	FormValue *value;

	if (b->nvalues == FORM_VALUES || length > NORMAL_MAX || b->nchars + length > FORM_CHARS)
		return NULL;
	value = &b->values[b->nvalues++];
	memset(value, 0, sizeof(*value));
	value->kind = (uint8_t) kind;
	value->offset = (uint16_t) b->nchars;
	value->length = (uint8_t) length;
	memcpy(b->chars + b->nchars, text, length);
	b->nchars += (unsigned) length;
	value->hash = (uint32_t) identity_text_hash(text, length, 0);
	value->letters = identity_text_letters(text, (unsigned) length);
	value->more = (uint8_t) (length - identity_text_count(value->letters));
	value->initial = length > 0 ? (uint8_t) text[0] : 0;
	value->rarity = identity_model_rarity(b->model, kind, value->hash);
	return value;
}

IdentityForm *
identity_form(const IdentityModel *model, IdentityKind kind, const IdentityField *fields,
			  size_t nfields, Err *err)
{
	Builder b;
	IdentityForm *form;
	unsigned at = 0;
	size_t chars, size;

	b.model = &model->kind[kind];
	b.fields = fields;
	b.nfields = nfields;
	b.company = kind == IDENTITY_COMPANY;
	b.nvalues = b.nchars = 0;
	b.given = b.family = ABSENT;
	b.country[0] = 0;
	if (kind == IDENTITY_PERSON)
		add_name(&b);
	add_places(&b);
	add_contacts(&b);
	add_company(&b);
	add_rest(&b);
	chars = sizeof(*form) + b.nvalues * sizeof(FormValue);
	size = (chars + b.nchars + 7) / 8 * 8;
	form = alloc_zero(size + FORM_PAST_END);
	if (form == NULL)
	{
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory normalising a record");
		return NULL;
	}
	form->size = (uint32_t) size;
	form->model = (uint32_t) model->hash;
	form->chars = (uint16_t) chars;
	form->nchars = (uint16_t) b.nchars;
	form->kind = (uint8_t) kind;
	form->nvalues = (uint8_t) b.nvalues;
	form->given = b.given;
	form->family = b.family;
	for (unsigned k = 0; k < FORM_KINDS; k++)
	{
		form->first[k] = (uint8_t) at;
		for (unsigned i = 0; i < b.nvalues; i++)
			if (b.values[i].kind == k)
				form->values[at++] = b.values[i];
		form->present |= (uint32_t) (at > form->first[k]) << k;
	}
	form->first[FORM_KINDS] = (uint8_t) at;
	memcpy((char *) form + chars, b.chars, b.nchars);
	return form;
}

void
identity_form_free(IdentityForm *form)
{
	alloc_free(form);
}

static void
add_name(Builder *b)
{
	const IdentityField *full = field(b, IDENTITY_FULL_NAME, 0);
	const IdentityField *suffix = field(b, IDENTITY_NAME_SUFFIX, 0);
	NormalName name;
	NormalWords words;

	if (full != NULL)
		identity_normal_full_name(full->text, full->length, &name);
	else
		identity_normal_name_parts(field(b, IDENTITY_GIVEN_NAME, 0),
								   field(b, IDENTITY_OTHER_NAMES, 0),
								   field(b, IDENTITY_FAMILY_NAME, 0), &name);
	for (unsigned i = 0; i < name.words.count && i < 10; i++)
	{
		const NormalText *word = &name.words.word[i];
		FormValue *value;

		if (i == 9) /* a very long name: its last word is the family name */
		{
			word = &name.words.word[name.words.count - 1];
			if (name.family != ABSENT)
				name.family = (uint8_t) i;
		}
		value = add(b, FORM_TOKEN, word->text, word->length);
		if (value == NULL)
			break;
		value->sound = identity_text_sound(word->text, word->length);
		value->hash2 = identity_normal_nickname(word->text, word->length);
		if (i == name.given)
			value->rarity = identity_model_rarity(b->model, FORM_GIVEN, value->hash);
	}
	if (name.words.count > 0)
	{
		b->given = name.given;
		b->family = name.family;
	}
	if (suffix != NULL && identity_normal_words(suffix->text, suffix->length, &words))
		name.suffix = identity_normal_suffix(words.word[0].text, words.word[0].length);
	if (name.suffix != 0)
		add(b, FORM_SUFFIX, &name.suffix, 1);
}

/* Countries of one calling code count as one: a number does not tell them apart. */
static void
add_country(Builder *b, const char *country)
{
	FormValue *value = add(b, FORM_COUNTRY, country, 2);

	if (value != NULL)
		value->hash2 = identity_normal_calling_code(country);
}

static void
add_places(Builder *b)
{
	const IdentityField *country = field(b, IDENTITY_COUNTRY, 0);
	const IdentityField *postcode = field(b, IDENTITY_POSTCODE, 0);
	const IdentityField *street = field(b, IDENTITY_STREET, 0);
	const IdentityField *number = field(b, IDENTITY_HOUSE_NUMBER, 0);
	NormalText text;
	NormalStreet address;
	unsigned outward;

	if (country != NULL && identity_normal_country(country->text, country->length, b->country))
		add_country(b, b->country);
	if (postcode != NULL &&
		identity_normal_postcode(postcode->text, postcode->length, &text, &outward))
	{
		FormValue *value = add(b, FORM_POSTCODE, text.text, text.length);

		if (value != NULL)
		{
			value->part = (uint8_t) outward;
			value->hash2 = (uint32_t) identity_text_hash(text.text, outward, 1);
		}
	}
	if ((street != NULL || number != NULL) &&
		identity_normal_street(
			street != NULL ? street->text : "", street != NULL ? street->length : 0,
			number != NULL ? number->text : "", number != NULL ? number->length : 0, &address))
	{
		FormValue *value = add(b, FORM_STREET, address.name.text, address.name.length);

		if (value != NULL)
		{
			value->hash2 = address.name.length > 0 ? value->hash : 0;
			value->sound = address.number.length == 0
							   ? 0
							   : (uint16_t) (identity_text_hash(address.number.text,
																address.number.length, 2) |
											 1);
			value->hash = (uint32_t) identity_text_mix(value->hash, value->sound);
			/* the number's characters follow the name's, for explanations */
			if (b->nchars + address.number.length <= FORM_CHARS)
			{
				memcpy(b->chars + b->nchars, address.number.text, address.number.length);
				b->nchars += address.number.length;
				value->part = address.number.length;
			}
		}
	}
}

/* Returns the country that a domain stands for, or NULL. */
static const char *
add_emails(Builder *b)
{
	const IdentityField *f;
	const char *country = NULL;

	for (unsigned i = 0; i < 4 && (f = field(b, IDENTITY_EMAIL, i)) != NULL; i++)
	{
		NormalEmail email;
		FormValue *value;

		if (!identity_normal_email(f->text, f->length, &email) ||
			(value = add(b, FORM_EMAIL, email.full.text, email.full.length)) == NULL)
			continue;
		value->part = email.local.length;
		value->hash2 = (uint32_t) identity_text_hash(email.local.text, email.local.length, 3);
		if (email.role)
			value->flags |= VALUE_WEAK;
		country = identity_normal_domain_country(&email.domain);
		if (!email.free_mail && b->company && i == 0 && field(b, IDENTITY_WEBSITE, 0) == NULL)
			add(b, FORM_DOMAIN, email.domain.text, email.domain.length);
	}
	return country;
}

/* Returns the country whose code was dialled, or NULL. */
static const char *
add_phones(Builder *b)
{
	const IdentityField *f;
	const char *country = NULL;

	for (unsigned i = 0; i < 4 && (f = field(b, IDENTITY_PHONE, i)) != NULL; i++)
	{
		NormalPhone phone;
		FormValue *value;
		size_t last;

		if (!identity_normal_phone(f->text, f->length, b->country[0] ? b->country : NULL, &phone) ||
			(value = add(b, FORM_PHONE, phone.number.text, phone.number.length)) == NULL)
			continue;
		if (!phone.mobile)
			value->flags |= phone.landline ? VALUE_WEAK | VALUE_LANDLINE : VALUE_WEAK;
		if (phone.country != NULL)
			country = phone.country;
		last = phone.national.length > 8 ? phone.national.length - 8u : 0;
		value->hash2 = (uint32_t) identity_text_hash(phone.national.text + last,
													 phone.national.length - last, 4);
	}
	return country;
}

static void
add_contacts(Builder *b)
{
	const char *by_domain = add_emails(b), *by_number = add_phones(b);
	const IdentityField *f = field(b, IDENTITY_WEBSITE, 0);
	NormalText domain;
	bool shared;

	if (b->country[0] == 0 && (by_number != NULL || by_domain != NULL))
		add_country(b, by_number != NULL ? by_number : by_domain);
	if (f != NULL && identity_normal_domain(f->text, f->length, &domain, &shared) && !shared)
		add(b, FORM_DOMAIN, domain.text, domain.length);
}

static void
add_company(Builder *b)
{
	const IdentityField *f = field(b, IDENTITY_COMPANY_NAME, 0);
	NormalCompany company;
	FormValue *value;

	if (f == NULL || !identity_normal_company(f->text, f->length, &company))
		return;
	value = add(b, FORM_COMPANY, company.name.text, company.name.length);
	if (value != NULL && company.form.length > 0)
		value->hash2 = (uint32_t) identity_text_hash(company.form.text, company.form.length, 5);
	for (unsigned i = 0; i < company.words.count && i < 8; i++)
	{
		value = add(b, FORM_WORD, company.words.word[i].text, company.words.word[i].length);
		if (value != NULL)
			value->sound =
				identity_text_sound(company.words.word[i].text, company.words.word[i].length);
	}
}

static void
add_folded(Builder *b, FormKind kind, IdentityAttribute attribute)
{
	const IdentityField *f = field(b, attribute, 0);
	NormalWords words;
	char text[NORMAL_MAX];
	size_t n = 0;

	if (f == NULL || !identity_normal_words(f->text, f->length, &words))
		return;
	for (unsigned i = 0; i < words.count; i++)
	{
		if (i > 0 && n < sizeof(text))
			text[n++] = ' ';
		for (unsigned j = 0; j < words.word[i].length && n < sizeof(text); j++)
			text[n++] = words.word[i].text[j];
	}
	if (kind == FORM_GENDER)
	{
		n = 1;
		if (text[0] == 'w') /* weiblich, woman */
			text[0] = 'f';
	}
	add(b, kind, text, n);
}

static void
add_rest(Builder *b)
{
	const IdentityField *f = field(b, IDENTITY_BIRTH_DATE, 0);

	if (f != NULL)
	{
		uint32_t date = identity_normal_date(f->text, f->length);
		char text[8];
		FormValue *value;

		for (unsigned i = 0; i < 8; i++)
			text[i] = (char) ('0' + (date >> 4 * (7 - i) & 15));
		if (date != 0 && (value = add(b, FORM_DATE, text, 8)) != NULL)
		{
			value->hash = date;
			value->rarity = 0;
			if (f->flags & IDENTITY_VERIFIED)
				value->flags |= VALUE_VERIFIED;
		}
	}
	for (unsigned i = 0; i < 6 && (f = field(b, IDENTITY_STRONG_ID, i)) != NULL; i++)
	{
		const char *scheme = f->scheme != NULL ? f->scheme : "";
		NormalText id;
		FormValue *value;

		if (!identity_normal_strong_id(scheme, f->text, f->length, &id) ||
			(value = add(b, FORM_ID, id.text, id.length)) == NULL)
			continue;
		value->hash2 = (uint32_t) identity_text_hash(scheme, strlen(scheme), 6);
		value->hash = (uint32_t) identity_text_mix(value->hash, value->hash2);
		if (f->flags & IDENTITY_EXCLUSIVE)
			value->flags |= VALUE_EXCLUSIVE;
	}
	add_folded(b, FORM_PLACE,
			   field(b, IDENTITY_CITY, 0) != NULL ? IDENTITY_CITY : IDENTITY_BIRTH_PLACE);
	add_folded(b, FORM_OCCUPATION, IDENTITY_OCCUPATION);
	add_folded(b, FORM_GENDER, IDENTITY_GENDER);
	add_folded(b, FORM_UNIT, IDENTITY_UNIT);
	add_folded(b, FORM_REGION, IDENTITY_REGION);
}

bool
identity_form_print(const IdentityForm *form, Buffer *out, Err *err)
{
	for (unsigned i = 0; i < form->nvalues; i++)
	{
		const FormValue *value = &form->values[i];
		const char *role = value->kind != FORM_TOKEN ? ""
						   : i == form->given		 ? "given_"
						   : i == form->family		 ? "family_"
													 : "other_";

		if (!buffer_printf(out, err, "%s%s=%.*s", role, kind_names[value->kind], value->length,
						   form_text(form, value)))
			return false;
		if (value->kind == FORM_STREET && value->part > 0 &&
			!buffer_printf(out, err, " %.*s", value->part, form_text(form, value) + value->length))
			return false;
		if (!buffer_append_text(out, value->flags & VALUE_GENERIC ? " (generic)\n" : "\n", err))
			return false;
	}
	return true;
}

static bool
head_valid(const IdentityForm *form, size_t length, const IdentityModel *model)
{
	if (form->size != length || length % 8 != 0 || form->model != (uint32_t) model->hash ||
		form->kind >= IDENTITY_KINDS)
		return false;
	return form->nvalues <= FORM_VALUES && form->nchars <= FORM_CHARS &&
		   form->chars == sizeof(*form) + form->nvalues * sizeof(FormValue) &&
		   (size_t) form->chars + form->nchars <= length &&
		   form->first[FORM_KINDS] == form->nvalues && form->first[0] == 0;
}

static bool
value_valid(const IdentityForm *form, const FormValue *value, unsigned kind)
{
	unsigned extra = kind == FORM_STREET ? value->part : 0;

	if (value->kind != kind || value->length > NORMAL_MAX ||
		value->offset + value->length + extra > form->nchars)
		return false;
	if (value->initial != (value->length > 0 ? (uint8_t) *form_text(form, value) : 0))
		return false;
	if ((kind == FORM_EMAIL || kind == FORM_POSTCODE) && value->part > value->length)
		return false;
	if (kind == FORM_GENDER || kind == FORM_SUFFIX)
		return value->length == 1;
	return kind != FORM_DATE || value->length == 8;
}

bool
identity_form_valid(const void *bytes, size_t length, const IdentityModel *model)
{
	const IdentityForm *form = bytes;

	if (length < sizeof(*form) || !head_valid(form, length, model))
		return false;
	for (unsigned k = 0; k < FORM_KINDS; k++)
		if (form->first[k] > form->first[k + 1] ||
			(form->present >> k & 1) != (form->first[k] < form->first[k + 1]))
			return false;
	if ((form->given != ABSENT && form->given >= form->first[1]) ||
		(form->family != ABSENT && form->family >= form->first[1]))
		return false;
	for (unsigned k = 0; k < FORM_KINDS; k++)
		for (unsigned i = form->first[k]; i < form->first[k + 1]; i++)
			if (!value_valid(form, &form->values[i], k))
				return false;
	return true;
}

const char *
identity_attribute_name(IdentityAttribute attribute)
{
	static const char *const names[] = {
#define X(symbol, name) name,
		IDENTITY_ATTRIBUTE_TABLE(X)
#undef X
	};

	return (unsigned) attribute < IDENTITY_ATTRIBUTES ? names[attribute] : NULL;
}

bool
identity_attribute_find(const char *name, IdentityAttribute *attribute)
{
	for (unsigned i = 0; i < IDENTITY_ATTRIBUTES; i++)
		if (strcmp(identity_attribute_name((IdentityAttribute) i), name) == 0)
		{
			*attribute = (IdentityAttribute) i;
			return true;
		}
	return false;
}
