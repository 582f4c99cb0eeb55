/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_fixture.h — an engine, and records and answers that go into it one by one.
 *
 * Included after cmocka.h and what it needs.
 */
#ifndef GOLDPAN_TESTS_IDENTITY_FIXTURE_H
#define GOLDPAN_TESTS_IDENTITY_FIXTURE_H

#include "goldpan/identity.h"

typedef struct State
{
	IdentityModel *model;
	Identity *identity;
	uint64_t position;
} State;

static inline void
start(State *state)
{
	Err err;

	state->model = identity_model_default(&err);
	assert_non_null(state->model);
	state->identity = identity_new(state->model, "test", NULL, &err);
	assert_non_null(state->identity);
	state->position = 0;
}

static inline void
stop(State *state)
{
	identity_free(state->identity);
	identity_model_free(state->model);
}

static inline IdentityStatus
prepare(State *state, IdentityChange *change, const IdentityDelta **delta)
{
	Err err;

	change->position = ++state->position;
	assert_true(identity_prepare(state->identity, change, 1, delta, &err));
	return identity_delta_status(*delta, 0, NULL);
}

static inline IdentityStatus
take(State *state, IdentityChange *change)
{
	const IdentityDelta *delta;
	IdentityStatus status = prepare(state, change, &delta);

	identity_commit(state->identity);
	return status;
}

static inline IdentityChange
person(const char *id, IdentityField fields[3], const char *name, const char *email,
	   const char *born)
{
	IdentityChange change;

	memset(&change, 0, sizeof(change));
	memset(fields, 0, 3 * sizeof(fields[0]));
	fields[0] = (IdentityField){IDENTITY_FULL_NAME, 0, NULL, name, strlen(name)};
	fields[1] = (IdentityField){IDENTITY_EMAIL, 0, NULL, email, strlen(email)};
	fields[2] = (IdentityField){IDENTITY_BIRTH_DATE, 0, NULL, born, strlen(born)};
	change.type = IDENTITY_UPSERT;
	change.ref = (IdentityRef){"crm", id};
	change.fields = fields;
	change.nfields = 3;
	return change;
}

static inline void
put(State *state, const char *id, const char *name, const char *email, const char *born)
{
	IdentityField fields[3];
	IdentityChange change = person(id, fields, name, email, born);

	take(state, &change);
}

static inline bool
together(const State *state, const char *a, const char *b)
{
	IdentityId x, y;

	assert_true(identity_customer(state->identity, (IdentityRef){"crm", a}, &x));
	assert_true(identity_customer(state->identity, (IdentityRef){"crm", b}, &y));
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static inline IdentityStatus
judge(State *state, uint64_t handle, IdentityVerdict verdict, const char *a, const char *b)
{
	IdentityChange change;

	memset(&change, 0, sizeof(change));
	change.type = IDENTITY_JUDGE;
	change.judgement.handle = handle;
	change.judgement.verdict = verdict;
	change.judgement.a = (IdentityRef){"crm", a};
	change.judgement.b = (IdentityRef){"crm", b};
	return take(state, &change);
}

static inline IdentityStatus
undo(State *state, uint64_t handle)
{
	IdentityChange change;

	memset(&change, 0, sizeof(change));
	change.type = IDENTITY_UNDO;
	change.judgement.handle = handle;
	return take(state, &change);
}

#endif
