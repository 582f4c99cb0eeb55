/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_identity_delta.c — any bytes as a stored delta: taken or refused, and what is refused leaves
 * every byte of the state as it was.
 *
 * The head is mended (length, checksum, model, positions), so that what it says of the changes is
 * believed and they are read and taken.  What came of them then differs from what the delta says,
 * and all is taken back.
 */
#include "fuzz_identity.h"

#define HEAD		88 /* as identity_delta.c lays it out */
#define LENGTH_AT	16
#define CHECKSUM_AT 24
#define BEFORE_AT	32
#define ORDINAL_AT	48

static IdentityModel *model;
static Identity *identity;
static Buffer base, after;
static char magic[8];

static void
open_state(void)
{
	/* what a small input may make of a small state */
	IdentityMemory memory = {NULL, NULL, NULL, (size_t) 256 << 20};
	Tape tape = {base.data, base.length, 0};

	identity_free(identity);
	identity = identity_restore(model, "fuzz", &memory, tape_play, &tape, NULL);
	if (identity == NULL)
		abort();
}

static void
mend(uint8_t *bytes, uint64_t size)
{
	uint64_t sum = 0, hash = identity_model_hash(model), position;
	uint32_t ordinal;

	identity_position(identity, &position, &ordinal);
	memcpy(bytes, magic, sizeof(magic));
	memcpy(bytes + 8, &hash, sizeof(hash));
	memcpy(bytes + LENGTH_AT, &size, sizeof(size));
	memcpy(bytes + BEFORE_AT, &position, sizeof(position));
	memcpy(bytes + ORDINAL_AT, &ordinal, sizeof(ordinal));
	memcpy(bytes + CHECKSUM_AT, &sum, sizeof(sum));
	sum = identity_text_sum(bytes, size, 21);
	memcpy(bytes + CHECKSUM_AT, &sum, sizeof(sum));
}

static void
apply(const uint8_t *bytes, size_t size, bool must)
{
	Err err;

	err_clear(&err);
	if (identity_apply(identity, bytes, size, &err))
	{
		open_state();
		return;
	}
	if (must || (err.code != ERR_DATA && err.code != ERR_DIVERGED))
		abort();
	buffer_clear(&after);
	if (!identity_snapshot(identity, tape_record, &after, NULL) || after.length != base.length ||
		memcmp(after.data, base.data, base.length) != 0)
		abort();
}

/* A real delta, mended, is taken: were its head laid out otherwise, it would be refused. */
static void
try_real(void)
{
	Identity *ahead;
	const IdentityDelta *delta;
	IdentityField fields[3];
	IdentityChange change;
	const void *bytes;
	uint8_t *copy;
	size_t length;
	Tape tape = {base.data, base.length, 0};

	ahead = identity_restore(model, "fuzz", NULL, tape_play, &tape, NULL);
	small_change(&change, fields, 3);
	if (ahead == NULL || !identity_prepare(ahead, &change, 1, &delta, NULL))
		abort();
	bytes = identity_delta_bytes(delta, &length);
	copy = malloc(length);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes, length);
	memcpy(magic, bytes, sizeof(magic));
	mend(copy, length);
	apply(copy, length, true);
	free(copy);
	identity_free(ahead);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	Identity *first;

	(void) argc;
	(void) argv;
	buffer_init(&base, (size_t) 1 << 30);
	buffer_init(&after, (size_t) 1 << 30);
	model = identity_model_default(NULL);
	first = identity_new(model, "fuzz", NULL, NULL);
	if (first == NULL)
		abort();
	small_records(first, 3);
	if (!identity_snapshot(first, tape_record, &base, NULL))
		abort();
	identity_free(first);
	open_state();
	try_real();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	if (bytes == NULL)
		return 0;
	memcpy(bytes, data, size);
	if (size >= HEAD)
		mend(bytes, size);
	apply(bytes, size, false);
	free(bytes);
	return 0;
}
