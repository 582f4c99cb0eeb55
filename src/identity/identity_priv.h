/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_priv.h — the pure half of the room: text, forms, keys, levels, model.
 *
 * Weights are integers in 1/256 bit, so that sums do not depend on their order
 * and results are the same on every compiler.
 */
#ifndef IDENTITY_PRIV_H
#define IDENTITY_PRIV_H

#include <string.h>

#include "goldpan/identity.h"

#define IDENTITY_RULES 5 /* raised when a rule of normalising, keys or levels changes, or a form */
#define BIT			   256
#define ABSENT		   0xff

/* ---- text ---- */

uint64_t identity_text_hash(const void *bytes, size_t length, uint64_t seed);
/* The same for many bytes: four hashes at a time, made one. */
uint64_t identity_text_sum(const void *bytes, size_t length, uint64_t seed);
uint64_t identity_text_mix(uint64_t a, uint64_t b);
/* 128 bits that no two inputs share in practice, the same on every machine. */
void identity_text_name(const void *bytes, size_t length, uint8_t name[16]);
/* How many of the first `most` bytes are whole characters of UTF-8. */
size_t identity_text_cut(const char *text, size_t most);
/* Jaro-Winkler similarity in 1/10000; both at most 64 bytes, readable 16 bytes past the end. */
unsigned identity_text_jaro(const char *a, unsigned n, const char *b, unsigned m);
/* Are the texts at most one insertion, deletion, replacement or swap of neighbours apart? */
bool identity_text_near(const char *a, unsigned n, const char *b, unsigned m);
/* Soundex of a-z text as one number, 0 when it does not start with a letter. */
uint16_t identity_text_sound(const char *text, unsigned length);
/* Which letters it has: with how many more characters there are, bounds what two texts share. */
uint32_t identity_text_letters(const char *text, unsigned length);

/* Bits that are set; without an instruction for it a call costs more than this. */
static inline unsigned
identity_text_count(uint64_t bits)
{
	bits -= bits >> 1 & UINT64_C(0x5555555555555555);
	bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned) (bits * UINT64_C(0x0101010101010101) >> 56);
}

/* strcmp(), which is called only where the first characters do not decide. */
static inline int
identity_text_order(const char *a, const char *b)
{
	int order = (unsigned char) *a - (unsigned char) *b;

	return order != 0 ? order : strcmp(a, b);
}

/* ---- normalisation: identity_normal_*.c ---- */

#define NORMAL_MAX 63

typedef struct NormalText
{
	uint8_t length;
	char text[NORMAL_MAX + 1];
} NormalText;

#define NORMAL_WORDS 12

typedef struct NormalWords
{
	unsigned count;
	NormalText word[NORMAL_WORDS];
} NormalWords;

/* Case folded, transliterated to ASCII, trimmed, blanks collapsed; false when empty or a
 * placeholder (n/a, none, 0000, …). Cuts what is too long. */
bool identity_normal_fold(const char *text, size_t length, char *out, size_t size,
						  size_t *out_length);
/* Keeps a text; of one that is longer than NORMAL_MAX its start and, over the last 16 places, a hash
 * of the whole: two that differ anywhere differ. */
void identity_normal_keep(NormalText *text, const char *bytes, size_t length);
void identity_normal_mark(NormalText *text, uint64_t hash); /* writes those places */
/* fold, then words of letters and digits; apostrophes vanish. */
bool identity_normal_words(const char *text, size_t length, NormalWords *words);

typedef struct NormalName
{
	NormalWords words;	   /* given first, family last */
	uint8_t given, family; /* index into words or ABSENT */
	char suffix;		   /* 'j' junior, 's' senior, '2'…'9'; 0 none */
} NormalName;

void identity_normal_full_name(const char *text, size_t length, NormalName *name);
/* From parts; each may be empty. */
void identity_normal_name_parts(const IdentityField *given, const IdentityField *other,
								const IdentityField *family, NormalName *name);
char identity_normal_suffix(const char *word, unsigned length);
/* Sorted class numbers of a given name; none: 0 entries. */
unsigned identity_normal_nickname(const char *name, unsigned length); /* index, 0 none */
bool identity_normal_same_nickname(unsigned index_a, unsigned index_b);
const uint16_t *identity_normal_nickname_classes(unsigned index, unsigned *count);

/* yyyymmdd as decimal digits packed in a byte each nibble; 0 when unusable. */
uint32_t identity_normal_date(const char *text, size_t length);

typedef struct NormalEmail
{
	NormalText full, local, domain; /* full: tag kept only where it is meaningful */
	bool role, free_mail;
} NormalEmail;

bool identity_normal_email(const char *text, size_t length, NormalEmail *email);
/* Digits with country code when known; `national`: the last 8 of it. */
typedef struct NormalPhone
{
	NormalText number;	 /* E.164 digits without +, or national digits */
	NormalText national; /* significant digits without country code */
	bool international;
	bool mobile, landline; /* both false: the number does not tell */
	const char *country;   /* the first of its calling code when that was dialled; or NULL */
} NormalPhone;

bool identity_normal_phone(const char *text, size_t length, const char *country,
						   NormalPhone *phone);
/* Telephone code of a country ("gb": 44), or a number of its own when that is not known. */
uint32_t identity_normal_calling_code(const char *country);
/* The country that a domain's last label stands for; NULL when none that we know. */
const char *identity_normal_domain_country(const NormalText *domain);
/* Postcode without blanks; *outward: length of its coarse part. */
bool identity_normal_postcode(const char *text, size_t length, NormalText *postcode,
							  unsigned *outward);

typedef struct NormalStreet
{
	NormalText name, number;
} NormalStreet;

bool identity_normal_street(const char *text, size_t length, const char *number,
							size_t number_length, NormalStreet *street);

typedef struct NormalCompany
{
	NormalText name;   /* words joined by a blank, legal form off */
	NormalWords words; /* the same */
	NormalText form;   /* generic class of the legal form, empty when none */
} NormalCompany;

bool identity_normal_company(const char *text, size_t length, NormalCompany *company);
/* Registrable domain of a web address, host or e-mail domain. */
bool identity_normal_domain(const char *text, size_t length, NormalText *domain, bool *shared);
/* Letters and digits only; false for placeholders and wrong check digits of known schemes. */
bool identity_normal_strong_id(const char *scheme, const char *text, size_t length, NormalText *id);
/* ISO 3166 two letters, lower case; false when not known. */
bool identity_normal_country(const char *text, size_t length, char out[3]);
/* Versions of the data normalisation depends on: "icu 72.1; psl …; phone …". */
const char *identity_normal_versions(void);

/* ---- forms ---- */

typedef enum FormKind
{
	FORM_TOKEN = 0,
	FORM_SUFFIX,
	FORM_DATE,
	FORM_POSTCODE,
	FORM_PLACE,
	FORM_OCCUPATION,
	FORM_GENDER,
	FORM_EMAIL,
	FORM_PHONE,
	FORM_ID,
	FORM_STREET,
	FORM_UNIT,
	FORM_REGION,
	FORM_COUNTRY,
	FORM_COMPANY,
	FORM_WORD, /* of a company's name */
	FORM_DOMAIN,
	FORM_GIVEN, /* never a value: frequencies of given names */
	FORM_KINDS
} FormKind;

#define FORM_PAST_END 16 /* bytes that may be read behind a form, whatever they hold */

#define FORM_VALUES 40
#define FORM_CHARS	900

/* flags */
#define VALUE_EXCLUSIVE 1u
#define VALUE_VERIFIED	2u
#define VALUE_GENERIC	4u	/* set by the engine in its own copy: counts as absent */
#define VALUE_WEAK		8u	/* role mailbox; number that is not known to be a mobile one */
#define VALUE_LANDLINE	16u /* number that is known to be none */
#define VALUE_SHARED	32u /* set by the engine: people with other given names use it too */

typedef struct FormValue
{
	uint32_t hash;	/* of the whole value */
	uint32_t hash2; /* token: nickname index; e-mail: local part; phone: last digits;
					   id: scheme; street: name; postcode: outward part;
					   country: calling code */
	uint32_t letters;
	uint16_t offset;
	uint16_t sound; /* soundex of a token; street: hash of the number */
	int16_t rarity; /* log2 of expected over actual frequency, 1/256 bit */
	uint8_t length;
	uint8_t part; /* e-mail: length of the local part; postcode: of the outward part */
	uint8_t flags;
	uint8_t kind;
	uint8_t more;	 /* characters that letters does not hold */
	uint8_t initial; /* the first character; 0: there is none */
} FormValue;

_Static_assert(sizeof(FormValue) == 24, "FormValue is packed");

struct IdentityForm
{
	uint32_t size;	/* of the whole, a multiple of 8 */
	uint32_t model; /* low half of the model's hash */
	uint16_t chars, nchars;
	uint8_t kind;
	uint8_t nvalues;
	uint8_t given, family; /* index into values or ABSENT */
	uint32_t present;	   /* bit k: there are values of FormKind k */
	uint8_t first[FORM_KINDS + 1];
	uint8_t unused;
	FormValue values[];
};

static inline const char *
form_text(const IdentityForm *form, const FormValue *value)
{
	return (const char *) form + form->chars + value->offset;
}

/* Is this a form that the functions here may read?  For bytes from outside. */
bool identity_form_valid(const void *bytes, size_t length, const IdentityModel *model);

typedef struct KindModel KindModel;

/* ---- comparisons ---- */

typedef enum Compare
{
	COMPARE_FAMILY = 0,
	COMPARE_GIVEN,
	COMPARE_OTHER,
	COMPARE_NAMES, /* how many are of names; the others are called facts */
	COMPARE_DATE = COMPARE_NAMES,
	COMPARE_POSTCODE,
	COMPARE_PLACE,
	COMPARE_OCCUPATION,
	COMPARE_GENDER,
	COMPARE_EMAIL,
	COMPARE_PHONE,
	COMPARE_ID,
	COMPARE_STREET,
	COMPARE_UNIT,
	COMPARE_REGION,
	COMPARE_SUFFIX,
	COMPARE_COMPANY,
	COMPARE_DOMAIN,
	COMPARE_COUNTRY,
	COMPARES
} Compare;

#define LEVELS 12 /* level 0: a value is missing */

/* Levels by name where a rule looks at them; in the order of level_names. */
enum
{
	FAMILY_EXACT = 1,
	FAMILY_CLOSE,
	FAMILY_SIMILAR,
	FAMILY_ELSEWHERE,
	FAMILY_INITIAL,
	FAMILY_INITIAL_DIFFERS,
	FAMILY_FAINT,
	FAMILY_DIFFERS,
	FAMILY_ONE_WORD,
	FAMILY_ONE_WORD_CLOSE,
	FAMILY_HANDLE,

	GIVEN_EXACT = 1,
	GIVEN_NICKNAME,
	GIVEN_CLOSE,
	GIVEN_INITIAL,
	GIVEN_SIMILAR,
	GIVEN_ELSEWHERE,
	GIVEN_DIFFERS_SAME_INITIAL,
	GIVEN_DIFFERS,

	DATE_EXACT = 1,
	DATE_CLOSE = 4,
	DATE_SAME_YEAR = 6,

	POSTCODE_EXACT = 1,
	POSTCODE_OUTWARD = 3,
	POSTCODE_DIFFERS = 5,

	EMAIL_EXACT = 1,
	EMAIL_CLOSE,
	EMAIL_SAME_LOCAL,
	EMAIL_SIMILAR,
	EMAIL_DIFFERS,
	EMAIL_CLOSE_NAME,
	EMAIL_SAME_NAME,
	EMAIL_SIMILAR_NAME,
	EMAIL_EXACT_SHARED,

	PHONE_EXACT = 1,
	PHONE_NATIONAL,
	PHONE_CLOSE,
	PHONE_DIFFERS,
	PHONE_EXACT_SHARED,

	ID_EXACT = 1,
	ID_CLOSE,
	ID_DIFFERS,

	STREET_EXACT = 1,
	STREET_CLOSE_SAME_NUMBER,
	STREET_NAME,

	COMPANY_EXACT = 1,
	COMPANY_SAME_WORDS,
	COMPANY_CLOSE,
	COMPANY_PART,
	COMPANY_INITIALS,
	COMPANY_SOME_WORDS,
	COMPANY_DIFFERS,

	DOMAIN_EXACT = 1,
	DOMAIN_SAME_BRAND,
	DOMAIN_DIFFERS,
	DOMAIN_EXACT_SHARED,

	COUNTRY_EXACT = 1,
	COUNTRY_DIFFERS
};

typedef struct Comparison
{
	int32_t bits; /* prior and all evidence, 1/256 bit */
	bool conflict;
	const char *why; /* of the conflict */
	uint8_t level[COMPARES];
	int32_t part[COMPARES]; /* bits of each comparison, rarity included */
	int32_t capped;			/* taken off by identity_compare_relation, <= 0 */
	int32_t against;		/* the evidence against alone, <= 0 */
} Comparison;

extern const char *const compare_names[COMPARES];
/* Name of a level; NULL when the comparison has no such level. */
const char *identity_compare_level_name(Compare compare, unsigned level);

/* Levels whose weight training cannot learn, because the names explain them, or because only
 * the engine knows them; they keep the weight they start with. */
bool identity_compare_fixed(Compare compare, unsigned level);

/* Do the two plainly bear different names (given names; companies: the whole)? */
bool identity_compare_other_name(const IdentityForm *a, const IdentityForm *b);

/* Fills level[] and conflict; pure in the forms.  Facts are all but names, which come after. */
void identity_compare_levels(const IdentityForm *a, const IdentityForm *b, Comparison *c);
void identity_compare_facts(const IdentityForm *a, const IdentityForm *b, Comparison *c);
void identity_compare_names(const IdentityForm *a, const IdentityForm *b, uint8_t level[COMPARES]);
/* What to take off a sum of bits (<= 0) for evidence that relatives share too. */
int32_t identity_compare_relation(const KindModel *kind, const IdentityForm *a,
								  const IdentityForm *b, const Comparison *c, int32_t sum);
/* For who wants to know bits from floor on alone: below it they are somewhere below, and the
 * rest is not filled. */
void identity_compare_from(const IdentityModel *model, const IdentityForm *a, const IdentityForm *b,
						   int32_t floor, Comparison *c);

static inline void
identity_compare(const IdentityModel *model, const IdentityForm *a, const IdentityForm *b,
				 Comparison *c)
{
	identity_compare_from(model, a, b, INT32_MIN, c);
}

/* ---- keys ---- */

#define KEYS_MAX 160
#define KEY_BITS UINT64_C(0xfff00000ffffffff) /* those that tables look at */

typedef struct Key
{
	uint64_t hash;	/* family included; of KEY_BITS only */
	uint8_t family; /* see identity_key.c */
	uint8_t value;	/* index of the value that may become generic, or ABSENT */
} Key;

/* Distinct keys, in an order that depends on the form alone. */
unsigned identity_keys(const IdentityModel *model, const IdentityForm *form, Key keys[KEYS_MAX]);
unsigned identity_key_families(IdentityKind kind);
const char *identity_key_name(unsigned family);
/* What training calls a family that blocks on these comparisons: a bit each. */
uint32_t identity_key_blocks(unsigned family);

/* ---- model ---- */

/* name, least, most, scale (1/256 bit or counts), person, company, what for */
#define IDENTITY_PARAMETER_TABLE(X)                                                                \
	X(prior, -60, 0, BIT, -10, -12)                                                                \
	X(link, -20, 60, BIT, 2, 4)                                                                    \
	X(gate, -60, 60, BIT, -1.5, 0)                                                                 \
	X(neighbour, -20, 60, BIT, 2, 2)                                                               \
	X(edge, -20, 60, BIT, -3, -3)                                                                  \
	X(share_of_mean, 0, 1, BIT, 0.5, 0.5)                                                          \
	X(clamp, 1, 100, BIT, 20, 20)                                                                  \
	X(bridge, -20, 60, BIT, 5, 7)                                                                  \
	X(bridge_side, 1, 1000, 1, 3, 3)                                                               \
	X(seen_together, 0, 100, BIT, 8, 8)                                                            \
	X(seen_apart, 0, 100, BIT, 24, 24)                                                             \
	X(household, -20, 100, BIT, 13, 12)                                                            \
	X(household_unnamed, -20, 100, BIT, 11, 15)                                                    \
	X(neighbours, 0, 100, BIT, 14, 60)                                                             \
	X(name_only, -20, 60, BIT, 1, 3)                                                               \
	X(name_rare, -60, 100, BIT, 9.5, 0)                                                            \
	X(mailbox, 0, 60, BIT, 14, 60)                                                                 \
	X(place_by_postcode, 0, 1, BIT, 0.25, 1)                                                       \
	X(key_cap, 2, 250, 1, 60, 60)                                                                  \
	X(neighbourhood, 2, 400, 1, 200, 200)                                                          \
	X(records, 2, 400, 1, 60, 100)                                                                 \
	X(names_per_email, 1, 200, 1, 6, 20)                                                           \
	X(names_per_phone, 1, 200, 1, 6, 10)                                                           \
	X(names_per_address, 1, 200, 1, 20, 20)                                                        \
	X(names_per_id, 1, 200, 1, 6, 6)                                                               \
	X(review, -60, 60, BIT, -6, -6)                                                                \
	X(sure_offset, -100, 100, BIT, -1, 0.5)                                                        \
	X(sure_best, 0, 10, BIT, 0.65, 0.3)                                                            \
	X(sure_mean, 0, 10, BIT, 0.33, 0.4)                                                            \
	X(sure_smaller, -10, 10, BIT, -2.2, -3.2)                                                      \
	X(sure_larger, -10, 10, BIT, -0.4, -0.7)                                                       \
	X(sure_capped, -10, 10, BIT, 0.45, 0)                                                          \
	X(sure_against, -10, 10, BIT, 0.3, 0.4)                                                        \
	X(sure_rivals, -10, 10, BIT, -1, -1)

typedef enum Parameter
{
#define X(name, least, most, scale, person, company) PARAMETER_##name,
	IDENTITY_PARAMETER_TABLE(X)
#undef X
		PARAMETERS
} Parameter;

typedef struct Frequency /* of one frequent value */
{
	uint32_t hash; /* keyed: field and value; 0 empty */
	int32_t bits;  /* log2 of its share, 1/256 bit, negative */
} Frequency;

struct KindModel
{
	int32_t parameter[PARAMETERS];
	bool held[PARAMETERS]; /* set by hand: training leaves it alone */
	int32_t weight[COMPARES][LEVELS];
	bool pinned[COMPARES][LEVELS];
	int32_t names_most[COMPARE_NAMES]; /* what each may weigh; of unequal given and family names */
	int32_t m[COMPARES][LEVELS];	   /* log2 of the share among pairs of one customer, */
	int32_t u[COMPARES][LEVELS];	   /* and among random pairs, 1/256 bit */
	int32_t expected[FORM_KINDS];	   /* log2 of the chance that two values are equal */
	int32_t rest[FORM_KINDS];		   /* the same among values not listed */
	uint32_t nfrequencies, mask;
	Frequency *frequencies; /* open addressing, mask + 1 entries */
};

struct IdentityModel
{
	KindModel kind[IDENTITY_KINDS];
	uint64_t hash;
	uint64_t trained_on; /* records */
};

static inline int32_t
model_parameter(const IdentityModel *model, unsigned kind, Parameter parameter)
{
	return model->kind[kind].parameter[parameter];
}

/* log2 of expected over actual frequency of a value; 0 for kinds without frequencies. */
int16_t identity_model_rarity(const KindModel *kind, FormKind form_kind, uint32_t hash);
uint32_t identity_model_frequency_key(FormKind form_kind, uint32_t hash);
/* log2 in 1/256 bit, of no less than 1e-9. */
int32_t identity_model_log(double share);
void identity_model_rehash(IdentityModel *model);
IdentityModel *identity_model_copy(const IdentityModel *model, Err *err);
bool identity_model_add_frequencies(KindModel *kind, const Frequency *list, size_t count, Err *err);

#endif
