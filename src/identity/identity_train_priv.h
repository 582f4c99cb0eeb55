/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_train_priv.h — what training and the sampling of its pairs share.
 */
#ifndef IDENTITY_TRAIN_PRIV_H
#define IDENTITY_TRAIN_PRIV_H

#include "identity/identity_priv.h"

#define TRAIN_SESSIONS 9

typedef struct Forms
{
	IdentityForm **form;
	size_t count, capacity;
} Forms;

typedef struct Pattern
{
	uint8_t level[COMPARES];
	double count;
} Pattern;

typedef struct Patterns
{
	Pattern *pattern;
	size_t count, size; /* size: a power of two */
} Patterns;

typedef struct Session /* pairs that agree on some fields, and is blind to them */
{
	const char *name;
	uint32_t blind;
	const char *families[6]; /* by name; none: the whole date of birth */
} Session;

typedef struct Posting
{
	uint64_t key;
	uint32_t record;
} Posting;

typedef struct Postings
{
	Posting *list;
	size_t count, capacity;
} Postings;

typedef struct Sample /* of a session: its pairs */
{
	Postings postings; /* until they are paired */
	Patterns patterns;
	double scale; /* one pair stands for so many */
	bool failed;
} Sample;

extern const Session identity_sessions[TRAIN_SESSIONS];

/* Fills a sample for each session, on so many threads; what they hold does not depend on these.
 * Zeroed before; released by the caller, also after an error. */
bool identity_sample(const Forms *forms, size_t key_cap, unsigned threads,
					 Sample samples[TRAIN_SESSIONS], Err *err) MUST_CHECK;
void identity_sample_release(Sample samples[TRAIN_SESSIONS]);

#endif
