/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_model.h — models and match forms: the pure half of identity.h.
 *
 * Included by identity.h.  An IdentityModel is constant once made and may be
 * shared by threads; identity_form() and identity_score_forms() are pure.
 */
#ifndef GOLDPAN_IDENTITY_MODEL_H
#define GOLDPAN_IDENTITY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goldpan/buffer.h"
#include "goldpan/err.h"

typedef struct IdentityModel IdentityModel;
typedef struct IdentityForm IdentityForm;
typedef struct IdentityTrainer IdentityTrainer;

/* Where an Identity takes its memory.  release gets the size that was asked for.
 * NULL functions mean alloc.h; ceiling 0 means none.  Exceeding it is ERR_NOMEM. */
typedef struct IdentityMemory
{
	void *(*allocate)(void *context, size_t size);
	void (*release)(void *context, void *pointer, size_t size);
	void *context;
	size_t ceiling;
} IdentityMemory;

typedef enum IdentityKind
{
	IDENTITY_PERSON = 0,
	IDENTITY_COMPANY,
	IDENTITY_KINDS
} IdentityKind;

/* symbol, name as configurations write it */
#define IDENTITY_ATTRIBUTE_TABLE(X)                                                                \
	X(IDENTITY_FULL_NAME, "full_name")                                                             \
	X(IDENTITY_GIVEN_NAME, "given_name")                                                           \
	X(IDENTITY_OTHER_NAMES, "other_names")                                                         \
	X(IDENTITY_FAMILY_NAME, "family_name")                                                         \
	X(IDENTITY_NAME_SUFFIX, "name_suffix")                                                         \
	X(IDENTITY_BIRTH_DATE, "birth_date")                                                           \
	X(IDENTITY_BIRTH_PLACE, "birth_place")                                                         \
	X(IDENTITY_GENDER, "gender")                                                                   \
	X(IDENTITY_OCCUPATION, "occupation")                                                           \
	X(IDENTITY_EMAIL, "email")                                                                     \
	X(IDENTITY_PHONE, "phone")                                                                     \
	X(IDENTITY_COMPANY_NAME, "company_name")                                                       \
	X(IDENTITY_WEBSITE, "website")                                                                 \
	X(IDENTITY_HOUSE_NUMBER, "house_number")                                                       \
	X(IDENTITY_STREET, "street")                                                                   \
	X(IDENTITY_UNIT, "unit")                                                                       \
	X(IDENTITY_CITY, "city")                                                                       \
	X(IDENTITY_POSTCODE, "postcode")                                                               \
	X(IDENTITY_REGION, "region")                                                                   \
	X(IDENTITY_COUNTRY, "country")                                                                 \
	X(IDENTITY_STRONG_ID, "strong_id")

typedef enum IdentityAttribute
{
#define X(symbol, name) symbol,
	IDENTITY_ATTRIBUTE_TABLE(X)
#undef X
		IDENTITY_ATTRIBUTES
} IdentityAttribute;

/* The attribute's name; NULL when out of range.  And back; false when unknown. */
const char *identity_attribute_name(IdentityAttribute attribute);
bool identity_attribute_find(const char *name, IdentityAttribute *attribute) MUST_CHECK;

#define IDENTITY_VERIFIED  1u /* a difference in a verified birth date is a hard conflict */
#define IDENTITY_EXCLUSIVE 2u /* a customer has at most one strong id of this scheme */

/* One value; an attribute may come several times (two phones).  scheme names the type of
 * a strong id ("ssn", "vat", "duns", "registration:GB", …).  Borrows its texts (UTF-8). */
typedef struct IdentityField
{
	IdentityAttribute attribute;
	unsigned flags;
	const char *scheme;
	const char *text;
	size_t length;
} IdentityField;

/* A record's name: the source system and the record's key there. */
typedef struct IdentityRef
{
	const char *source;
	const char *id;
} IdentityRef;

typedef struct IdentityId /* a customer's id; all zero means none */
{
	uint8_t bytes[16];
} IdentityId;

/* ---- models: parameters and keyed hashes of frequent values, never personal values ---- */

/* The shipped default of both kinds.  NULL: ERR_NOMEM. */
IdentityModel *identity_model_default(Err *err);

/* Reads the JSON text that identity_model_print writes.  Refuses (ERR_CONFIG) a text made
 * under other rules or other ICU, public suffix or phone data than this build's. */
IdentityModel *identity_model_parse(const char *text, size_t length, Err *err);
void identity_model_free(IdentityModel *model);

/* Appends diffable JSON: one parameter a line, fixed order. */
bool identity_model_print(const IdentityModel *model, Buffer *out, Err *err) MUST_CHECK;

/* Hash of all that decides a result: parameters, frequencies, rules, library data. */
uint64_t identity_model_hash(const IdentityModel *model);

/* How many records it was trained on. */
uint64_t identity_model_records(const IdentityModel *model);

/* Reads or sets one parameter by its name in the JSON ("person.link", "person.gate",
 * "person.weight.family.exact", …), in bits or counts.  What is set so is pinned: training
 * leaves it alone.  USAGE when the name is unknown or the value out of range. */
bool identity_model_get(const IdentityModel *model, const char *name, double *value,
						Err *err) MUST_CHECK;
bool identity_model_set(IdentityModel *model, const char *name, double value, Err *err) MUST_CHECK;

/* What identity_calibrate needs at least. */
#define IDENTITY_CALIBRATE_ANSWERS 50 /* about persons, or about companies */
#define IDENTITY_CALIBRATE_EACH	   5  /* same, and different, among them */

/* Appends one line per parameter that differs. */
bool identity_model_diff(const IdentityModel *old_model, const IdentityModel *new_model,
						 Buffer *out, Err *err) MUST_CHECK;

/* Unsupervised training; deterministic and independent of the order of additions.
 * The model borrowed here must outlive the trainer.  finish may be called once. */
IdentityTrainer *identity_trainer_new(const IdentityModel *model, size_t ceiling, Err *err);
/* How many threads finish may use, 1 unless said; the model does not depend on it. */
void identity_trainer_threads(IdentityTrainer *trainer, unsigned threads);
bool identity_trainer_add(IdentityTrainer *trainer, IdentityKind kind, const IdentityField *fields,
						  size_t nfields, Err *err) MUST_CHECK;
/* A new model; notes (may be NULL) gets one line per session and per weight clipped. */
IdentityModel *identity_trainer_finish(IdentityTrainer *trainer, Buffer *notes, Err *err);
void identity_trainer_free(IdentityTrainer *trainer);

/* ---- forms: what a record looks like to the comparison; pure ---- */

/* Normalises a record.  The form belongs to the caller and to this model's hash. */
IdentityForm *identity_form(const IdentityModel *model, IdentityKind kind,
							const IdentityField *fields, size_t nfields, Err *err);
void identity_form_free(IdentityForm *form);

/* Appends the normalised values, one `name=value` a line. */
bool identity_form_print(const IdentityForm *form, Buffer *out, Err *err) MUST_CHECK;

#define IDENTITY_LEVELS 24 /* comparisons of one pair, at most */

typedef struct IdentityScore
{
	double bits; /* prior and all evidence */
	bool conflict;
	uint8_t levels[IDENTITY_LEVELS];
} IdentityScore;

void identity_score_forms(const IdentityModel *model, const IdentityForm *a, const IdentityForm *b,
						  IdentityScore *score);

/* Number of blocking keys; writes at most `max` of their hashes. */
size_t identity_form_keys(const IdentityModel *model, const IdentityForm *form, uint64_t *keys,
						  size_t max);

#endif
