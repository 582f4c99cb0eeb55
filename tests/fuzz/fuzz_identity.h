/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_identity.h — what the fuzz targets of the identity engine share: a small state, memory
 * that is counted, and snapshots in memory.
 */
#ifndef FUZZ_IDENTITY_H
#define FUZZ_IDENTITY_H

#include <stdlib.h>
#include <string.h>

#include "identity/identity_state_priv.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Tape
{
	const uint8_t *bytes;
	size_t length, at;
} Tape;

static inline bool
tape_play(void *context, void *bytes, size_t length, Err *err)
{
	Tape *tape = context;

	if (tape->length - tape->at < length)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the tape ends early");
	memcpy(bytes, tape->bytes + tape->at, length);
	tape->at += length;
	return true;
}

static inline bool
tape_record(void *context, const void *bytes, size_t length, Err *err)
{
	return buffer_append(context, bytes, length, err);
}

static inline IdentityField
field_of(IdentityAttribute attribute, const char *text)
{
	return (IdentityField){attribute, 0, NULL, text, strlen(text)};
}

/* One record a change; `n` names it and its values. */
static inline void
small_change(IdentityChange *change, IdentityField fields[3], unsigned n)
{
	static const char *const ids[] = {"1", "2", "3", "4"};
	static const char *const names[] = {"Anna Miller", "Ann Miller", "Bob Jones", "Robert Jones"};
	static const char *const emails[] = {"anna@example.org", "bob@example.org"};

	memset(change, 0, sizeof(*change));
	fields[0] = field_of(IDENTITY_FULL_NAME, names[n]);
	fields[1] = field_of(IDENTITY_EMAIL, emails[n / 2]);
	fields[2] = field_of(IDENTITY_BIRTH_DATE, n / 2 ? "1970-05-17" : "1981-02-03");
	change->type = IDENTITY_UPSERT;
	change->handle = change->position = n + 1;
	change->ref = (IdentityRef){"shop", ids[n]};
	change->fields = fields;
	change->nfields = 3;
}

static inline void
small_records(Identity *identity, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
	{
		IdentityField fields[3];
		IdentityChange change;

		small_change(&change, fields, n);
		if (!identity_prepare(identity, &change, 1, NULL, NULL))
			abort();
		identity_commit(identity);
	}
}

#endif
