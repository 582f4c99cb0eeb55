/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_identity_snapshot.c — any bytes as a snapshot: refused or restored, never more memory than
 * what came, one chunk and what an empty engine needs.
 *
 * The head's checksum is mended, so that what the head claims is believed.  That of the body is
 * left alone: a snapshot with a right checksum is as trusted as the process's own memory.  The
 * model, deployment and layout of this build are put in, so that the stored corpus does not age.
 */
#include "fuzz_identity.h"

#define MODEL_AT	16 /* in the head, as identity_snapshot.c lays it out */
#define DEPLOY_AT	24
#define CHECKSUM_AT 48
#define HEAD		56

static IdentityModel *model;
static uint8_t real[HEAD];

typedef struct Counter
{
	size_t now, most;
} Counter;

static void *
counted(void *context, size_t size)
{
	Counter *counter = context;

	counter->now += size;
	if (counter->now > counter->most)
		abort();
	return malloc(size);
}

static void
given(void *context, void *pointer, size_t size)
{
	((Counter *) context)->now -= size;
	free(pointer);
}

static void
restore(const uint8_t *bytes, size_t size, bool must)
{
	Counter counter = {0, size + 2 * STORE_CHUNK + 65536};
	IdentityMemory memory = {counted, given, &counter, 0};
	Tape tape = {bytes, size, 0};
	Identity *identity;
	Err err;

	err_clear(&err);
	identity = identity_restore(model, "fuzz", &memory, tape_play, &tape, &err);
	if ((identity == NULL) == must || (identity == NULL && err.code != ERR_DATA))
		abort();
	identity_free(identity);
	if (counter.now != 0)
		abort();
}

static void
mend(uint8_t *bytes)
{
	uint64_t sum = 0;

	memcpy(bytes, real, 12); /* magic, layout */
	memcpy(bytes + MODEL_AT, real + MODEL_AT, DEPLOY_AT + 8 - MODEL_AT);
	memcpy(bytes + CHECKSUM_AT, &sum, sizeof(sum));
	sum = identity_text_hash(bytes, HEAD, 30);
	memcpy(bytes + CHECKSUM_AT, &sum, sizeof(sum));
}

/* A real snapshot mended is the same: were the head laid out otherwise, it would be refused. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	Identity *identity;
	Buffer out;

	(void) argc;
	(void) argv;
	model = identity_model_default(NULL);
	identity = identity_new(model, "fuzz", NULL, NULL);
	if (identity == NULL)
		abort();
	small_records(identity, 3);
	buffer_init(&out, (size_t) 1 << 30);
	if (!identity_snapshot(identity, tape_record, &out, NULL) || out.length < HEAD)
		abort();
	memcpy(real, out.data, HEAD);
	mend(out.data);
	restore(out.data, out.length, true);
	buffer_release(&out);
	identity_free(identity);
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
		mend(bytes);
	restore(bytes, size, false);
	free(bytes);
	return 0;
}
