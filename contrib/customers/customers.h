/* SPDX-License-Identifier: PostgreSQL
 *
 * customers.h — what the files of the customer generator share.
 *
 * The generator is a program of its own: it takes nothing from src/ and nothing from the tables
 * of the identity engine, so that the engine is measured by something it does not know.
 */
#ifndef CUSTOMERS_H
#define CUSTOMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- chance (customers_chance.c) ---- */
typedef struct Chance
{
	uint64_t state[4];
} Chance;

extern void chance_seed(Chance *chance, uint64_t seed);
extern uint64_t chance_next(Chance *chance);
extern uint32_t chance_below(Chance *chance, uint32_t bound);
/* An index below bound that prefers the small ones: what is written first is more common. */
extern uint32_t chance_skewed(Chance *chance, uint32_t bound);
extern double chance_unit(Chance *chance);
extern bool chance_of(Chance *chance, double share);
extern int chance_between(Chance *chance, int low, int high);
/* Index of a weight, drawn in proportion. */
extern int chance_weighted(Chance *chance, const double *weights, int count);

/* ---- rates (customers_rates.c) ---- */
typedef enum RateId
{
	/* the free knobs: overlap and records per customer */
	RATE_SINGLE,
	RATE_RECORDS_2,
	RATE_RECORDS_3,
	RATE_RECORDS_4,
	RATE_RECORDS_5,
	RATE_RECORDS_6,
	RATE_OVERLAP_CRM,
	RATE_OVERLAP_BILLING,
	RATE_OVERLAP_SUPPORT,
	RATE_OVERLAP_PRODUCT,
	RATE_OVERLAP_AGAIN,
	/* corruptions */
	RATE_EMAIL_TWO,
	RATE_EMAIL_TAG,
	RATE_EMAIL_DOTS,
	RATE_EMAIL_TYPO,
	RATE_PHONE_FORMAT,
	RATE_PHONE_NATIONAL,
	RATE_PHONE_CHANGED,
	RATE_NICKNAME,
	RATE_TRANSLITERATION,
	RATE_SWAP,
	RATE_NAME_TYPO,
	RATE_MARRIAGE,
	RATE_LEGAL_FORM,
	RATE_MOVED,
	RATE_BIRTH_TYPO,
	RATE_STREET_FORMAT,
	RATE_ID_FORMAT,
	/* hard negatives */
	RATE_HOUSEHOLD,
	RATE_JR_SR,
	RATE_TWINS,
	RATE_COMMON_NAME,
	RATE_PLACEHOLDER,
	RATE_SHARED_MAILBOX,
	RATE_SWITCHBOARD,
	RATE_FAMILY,
	/* the stream */
	RATE_UPDATED,
	RATE_RETURNED,
	RATE_DELETED,
	RATE_LATE,
	RATE_REPLAYED,
	RATE_COUNT
} RateId;

extern double rate(RateId id);
extern bool rate_set(const char *assignment);
extern void rates_print(FILE *out);

/* ---- systems and nulls ---- */
typedef enum SystemId
{
	SYSTEM_CRM,
	SYSTEM_BILLING,
	SYSTEM_SUPPORT,
	SYSTEM_PRODUCT,
	SYSTEM_COUNT
} SystemId;

typedef enum KeptField
{
	KEPT_NAME,
	KEPT_EMAIL,
	KEPT_PHONE,
	KEPT_BIRTH,
	KEPT_ID,
	KEPT_STREET,
	KEPT_CITY,
	KEPT_COMPANY,
	KEPT_WEBSITE,
	KEPT_COUNT
} KeptField;

extern const char *const system_names[SYSTEM_COUNT];
/* Share of empty values of a field in a system; 1 where the system has no such field. */
extern double rate_null(bool person, SystemId system, KeptField field);

/* ---- tables (customers_tables.c) ---- */
enum
{
	COUNTRY_GB,
	COUNTRY_US,
	COUNTRY_DE,
	COUNTRY_FR,
	COUNTRY_ES,
	COUNTRY_PL,
	COUNTRY_NL,
	COUNTRY_SE,
	COUNTRY_COUNT
};

typedef struct City
{
	const char *name;
	const char *postcode; /* its start; the rest is drawn */
	const char *area;	  /* telephone area, without trunk prefix */
} City;

typedef struct Country
{
	const char *code;
	const char *locale;
	const char *dial;
	const char *trunk;
	double weight;
	const City *cities;
	int city_count;
	const char *const *street_stems;
	int stem_count;
	const char *const *street_ends;
	int end_count;
	const char *mobile; /* first digits after the dial code, drawn from blank-separated words */
	int mobile_digits;	/* digits that follow them */
	int land_digits;	/* digits that follow the area */
	bool number_last;
} Country;

typedef struct Culture
{
	const char *const *male;
	int male_count;
	const char *const *female;
	int female_count;
	const char *const *common; /* surnames */
	int common_count;
	const char *const *stems;
	int stem_count;
	const char *const *ends;
	int end_count;
} Culture;

enum
{
	CULTURE_ENGLISH,
	CULTURE_GERMAN,
	CULTURE_FRENCH,
	CULTURE_SPANISH,
	CULTURE_POLISH,
	CULTURE_DUTCH,
	CULTURE_SWEDISH,
	CULTURE_ARABIC,
	CULTURE_RUSSIAN,
	CULTURE_COUNT
};

extern const Country countries[COUNTRY_COUNT];
extern const Culture cultures[CULTURE_COUNT];
extern const int country_culture[COUNTRY_COUNT];
/* Pairs: a given name and what its bearer is called; a name may stand several times. */
extern const char *const nicknames[][2];
extern const int nickname_count;
/* Pairs: a spelling and another of the same name. */
extern const char *const spellings[][2];
extern const int spelling_count;
/* Legal forms of a country: the registered form first, then its spellings; ends with NULL. */
extern const char *const *const legal_forms[COUNTRY_COUNT][4];
extern const char *const private_domains[COUNTRY_COUNT][6];
extern const char *const firm_words[];
extern const int firm_word_count;
extern const char *const firm_ends[];
extern const int firm_end_count;
extern const char *const trades[COUNTRY_COUNT][12];

/* ---- truth (customers_person.c, customers_firm.c) ---- */
typedef enum ClassId
{
	CLASS_PLAIN,
	CLASS_HOUSEHOLD,
	CLASS_JR_SR,
	CLASS_TWINS,
	CLASS_COMMON_NAME,
	CLASS_PLACEHOLDER,
	CLASS_SHARED_MAILBOX,
	CLASS_SWITCHBOARD,
	CLASS_FRANCHISE,
	CLASS_SUBSIDIARY,
	CLASS_COUNT
} ClassId;

extern const char *const class_names[CLASS_COUNT];

#define TEXT_MAX 112

typedef struct Address
{
	char street[TEXT_MAX];
	char number[8];
	char postcode[12];
	const City *city;
} Address;

typedef struct Person
{
	ClassId class;
	long group;
	int country;
	int culture;
	bool female;
	char given[TEXT_MAX];
	char middle[TEXT_MAX];
	char surname[TEXT_MAX];
	char maiden[TEXT_MAX]; /* empty, or the surname before a marriage */
	const char *suffix;
	int year, month, day;
	Address home, former;
	bool moved;
	char phone[20], former_phone[20], shared_phone[20]; /* E.164 without plus */
	double shared_phone_share;
	char email[2][TEXT_MAX];
	char shared_email[TEXT_MAX];
	double shared_email_share;
	char id[24];
	char company[TEXT_MAX];
} Person;

typedef struct Firm
{
	ClassId class;
	long group;
	int country;
	char name[TEXT_MAX];  /* without the legal form */
	char brand[TEXT_MAX]; /* empty, or what a member of a family is called for short */
	const char *const *form;
	char domain[TEXT_MAX];
	char email[2][TEXT_MAX];
	char phone[20], former_phone[20];
	Address seat, former;
	bool moved;
	char vat[24];
	char registration[24];
} Firm;

/* Values that belong to one customer only are remembered here. */
extern bool taken(const char *value);
extern void taken_release(void);

extern void put(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Letters a-z, digits only, folded; what mailboxes and domains are made of. */
extern void plain(char *out, size_t size, const char *text);
/* Letters beyond ASCII written otherwise: style 0 drops marks, 1 writes ue for ü. */
extern void transliterate(char *out, size_t size, const char *text, int style);

extern void address_draw(Chance *chance, int country, Address *address);
extern void phone_mobile(Chance *chance, int country, char *out, size_t size);
extern void phone_land(Chance *chance, int country, const City *city, char *out, size_t size);

/* Draws persons until count are there; a hard-negative group is made as a whole. */
extern Person *persons_draw(Chance *chance, long count, const Firm *firms, long firm_count);
extern Firm *firms_draw(Chance *chance, long count);

/* ---- typed ids with the check digits of their schemes (customers_ids.c) ---- */
extern void id_person(Chance *chance, const Person *person, char *out, size_t size);
extern void id_vat(Chance *chance, int country, char *out, size_t size);
extern void id_registration(Chance *chance, int country, char *out, size_t size);

/* ---- corruptions (customers_corrupt.c) ---- */
extern void corrupt_typo(Chance *chance, char *text, size_t size);
extern void corrupt_email(Chance *chance, char *email, size_t size);
extern void corrupt_phone(Chance *chance, int country, const char *e164, char *out, size_t size);
extern void corrupt_id(Chance *chance, char *id, size_t size);
extern bool corrupt_nickname(Chance *chance, const char *given, char *out, size_t size);
extern bool corrupt_spelling(Chance *chance, const char *name, char *out, size_t size);

/* ---- records (customers_record.c) ---- */
#define COLUMNS_MAX 15

/* What is being written down. */
typedef struct Record
{
	char value[COLUMNS_MAX][TEXT_MAX];
} Record;

/* What was: the values one behind the other, each with its final zero. */
typedef struct Row
{
	SystemId system;
	ClassId class;
	long truth;
	long group;
	char *values;
} Row;

extern const char *const person_columns[];
extern const char *const firm_columns[];
extern int columns_of(bool persons);

extern int records_of_customer(Chance *chance, SystemId *systems);
extern void record_of_person(Chance *chance, const Person *person, SystemId system, Record *record);
extern void record_of_firm(Chance *chance, const Firm *firm, SystemId system, Record *record);

/* ---- output (customers_output.c, customers_stream.c) ---- */
/* Keeps the record in row.values; rows_release frees what was kept. */
extern void row_keep(Row *row, const Record *record, bool persons);
extern void rows_release(void);
/* One row of CSV after the columns that the caller has written. */
extern void row_write(FILE *out, bool persons, const Row *row, long place, const char *values);
extern void header_write(FILE *out, bool persons);
/* order[i] is the row that stands at place i. */
extern bool table_write(const char *folder, bool persons, const Row *rows, long count,
						const long *order);
/* Writes the changes that lead to the table, with late and replayed ones. */
extern bool stream_write(uint64_t seed, const char *folder, bool persons, const Row *rows,
						 long count, const long *order);

#endif
