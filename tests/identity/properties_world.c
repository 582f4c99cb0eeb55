/* SPDX-License-Identifier: PostgreSQL */
/*
 * properties_world.c — random values from a pool so small that records meet all the
 * time, an allocator whose live memory can be searched, and engines set aside.
 */
#include "properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fail(const World *world, const char *what)
{
	fprintf(stderr, "identity_properties: history %llu, step %u, position %llu: %s\n",
			(unsigned long long) world->history, world->nsteps,
			(unsigned long long) world->position, what);
	exit(1);
}

unsigned
draw(World *world, unsigned n)
{
	world->random += UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned) (identity_text_mix(world->random, 99) >> 33) % n;
}

/* ---- memory ---- */

static void *
pool_allocate(void *context, size_t size)
{
	Pool *pool = context;
	Block *block;

	if (pool->countdown > 0 && --pool->countdown == 0)
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	memset(block + 1, 0xa5, size);
	block->size = size;
	block->previous = NULL;
	block->next = pool->first;
	if (pool->first != NULL)
		pool->first->previous = block;
	pool->first = block;
	pool->bytes += size;
	return block + 1;
}

static void
pool_release(void *context, void *pointer, size_t size)
{
	Pool *pool = context;
	Block *block = (Block *) pointer - 1;

	if (block->size != size)
	{
		fprintf(stderr, "identity_properties: %zu bytes given back of %zu\n", size, block->size);
		abort();
	}
	if (block->previous != NULL)
		block->previous->next = block->next;
	else
		pool->first = block->next;
	if (block->next != NULL)
		block->next->previous = block->previous;
	pool->bytes -= size;
	free(block);
}

IdentityMemory
pool_memory(Pool *pool)
{
	return (IdentityMemory){pool_allocate, pool_release, pool, 0};
}

bool
pool_holds(const Pool *pool, const void *bytes, size_t length)
{
	for (const Block *block = pool->first; block != NULL; block = block->next)
		if (memmem(block + 1, block->size, bytes, length) != NULL)
			return true;
	return false;
}

/* ---- records ---- */

IdentityRef
ref_of(unsigned record)
{
	static const char *const ids[RECORDS] = {"r0", "r1",		 "r2",		   "r3",		"r4",
											 "r5", "r6",		 "r7",		   "r8",		"r9",
											 "rA", "canaryid-B", "canaryid-C", "canaryid-D"};

	return (IdentityRef){record % 2 ? "crm" : "shop", ids[record]};
}

Values
some_values(World *world, bool canary)
{
	Values values;

	memset(&values, 0, sizeof(values));
	values.company = world->kinds == 1 || (world->kinds == 2 && draw(world, 3) == 0);
	values.canary = canary;
	for (unsigned i = 0; i < sizeof(values.pick); i++)
		values.pick[i] = (uint8_t) draw(world, 240);
	return values;
}

static void
add(IdentityChange *change, Built *built, IdentityAttribute attribute, const char *text)
{
	static const char *const scheme[] = {"ssn", "vat"};
	IdentityField *field = &built->field[change->nfields];

	if (text == NULL)
		return;
	*field = (IdentityField){attribute, 0, NULL, text, strlen(text)};
	if (attribute == IDENTITY_STRONG_ID)
	{
		field->scheme = scheme[change->kind];
		field->flags = IDENTITY_EXCLUSIVE;
	}
	change->nfields++;
}

static void
add_person(IdentityChange *change, Built *built, const Values *v)
{
	static const char *const given[] = {"Anna", "Ann", "Bob", "Robert"};
	static const char *const family[] = {"Miller", "Mueller", "Jones"};
	static const char *const suffix[] = {"Jr", NULL, NULL, NULL, NULL, NULL};
	static const char *const email[] = {"mailbox0@example.org", "mailbox1@example.org",
										"mailbox2@example.org", "mailbox0@example.org",
										"mailbox1@example.org", NULL};
	static const char *const born[] = {"1970-01-11", "1970-02-11", "1971-01-11", "1970-01-11"};
	static const char *const phone[] = {"+49 30 901820", "+49 30 901821", "+49 30 901820", NULL};
	static const char *const ssn[] = {"219-09-9999", "457-55-5462", NULL, NULL, NULL, NULL};

	add(change, built, IDENTITY_GIVEN_NAME, given[v->pick[0] % 4]);
	add(change, built, IDENTITY_FAMILY_NAME, v->canary ? CANARY : family[v->pick[1] % 3]);
	add(change, built, IDENTITY_NAME_SUFFIX, suffix[v->pick[2] % 6]);
	add(change, built, IDENTITY_EMAIL,
		v->canary && v->pick[3] % 2 ? CANARY "@example.org" : email[v->pick[3] % 6]);
	add(change, built, IDENTITY_BIRTH_DATE, born[v->pick[4] % 4]);
	add(change, built, IDENTITY_PHONE, phone[v->pick[5] % 4]);
	add(change, built, IDENTITY_STRONG_ID, ssn[v->pick[6] % 6]);
}

static void
add_company(IdentityChange *change, Built *built, const Values *v)
{
	static const char *const name[] = {"Acme Widgets Ltd", "Acme Widget Limited", "Beta Foods GmbH",
									   "Beta Food GmbH", "Gamma Tools Inc"};
	static const char *const site[] = {"www.acme-widgets.example", "beta-foods.example", NULL,
									   NULL};
	static const char *const phone[] = {"+49 30 901820", "+49 30 901821", "+49 30 901820", NULL};
	static const char *const code[] = {"10115", "10117", NULL};
	static const char *const street[] = {"Torstrasse 1", "Torstrasse 2", NULL};
	static const char *const vat[] = {"DE136695976", "DE129273398", NULL, NULL, NULL, NULL};

	add(change, built, IDENTITY_COMPANY_NAME,
		v->canary ? CANARY " Trading Ltd" : name[v->pick[0] % 5]);
	add(change, built, IDENTITY_WEBSITE, v->canary ? CANARY ".example" : site[v->pick[1] % 4]);
	add(change, built, IDENTITY_PHONE, phone[v->pick[2] % 4]);
	add(change, built, IDENTITY_POSTCODE, code[v->pick[3] % 3]);
	add(change, built, IDENTITY_STREET, street[v->pick[4] % 3]);
	add(change, built, IDENTITY_STRONG_ID, vat[v->pick[5] % 6]);
}

static size_t
list_seen(unsigned set, IdentityRef *out)
{
	size_t n = 0;

	for (unsigned r = 0; r < RECORDS; r++)
		if (set >> r & 1)
			out[n++] = ref_of(r);
	return n;
}

void
build(const World *world, const Step *step, IdentityChange *change, Built *built)
{
	(void) world;
	memset(change, 0, sizeof(*change));
	change->type = step->type;
	change->position = step->position;
	change->ordinal = step->ordinal;
	change->time = (int64_t) step->position * 1000;
	if (step->type == IDENTITY_JUDGE || step->type == IDENTITY_UNDO)
	{
		change->judgement.handle = step->judgement;
		change->handle = step->judgement;
		change->judgement.verdict = (IdentityVerdict) step->verdict;
		change->judgement.a = ref_of(step->a);
		change->judgement.b = ref_of(step->b);
		change->judgement.version_a = step->version_a;
		change->judgement.version_b = step->version_b;
		change->judgement.seen_a = built->seen;
		change->judgement.nseen_a = list_seen(step->seen_a, built->seen);
		change->judgement.seen_b = built->seen + change->judgement.nseen_a;
		change->judgement.nseen_b =
			list_seen(step->seen_b, built->seen + change->judgement.nseen_a);
		change->judgement.user = "steward";
		change->judgement.reason = "because";
		change->judgement.carried = step->carried;
		return;
	}
	if (step->type == IDENTITY_SETTLE)
		return;
	change->handle = step->a + 1u;
	change->ref = ref_of(step->a);
	change->customer = step->customer;
	if (step->type != IDENTITY_UPSERT && step->type != IDENTITY_ADOPT)
		return;
	change->kind = step->values.company ? IDENTITY_COMPANY : IDENTITY_PERSON;
	change->fields = built->field;
	if (step->values.company)
		add_company(change, built, &step->values);
	else
		add_person(change, built, &step->values);
}

/* ---- engines ---- */

static bool
append(void *context, const void *bytes, size_t length, Err *err)
{
	return buffer_append(context, bytes, length, err);
}

typedef struct Tape
{
	const Buffer *buffer;
	size_t at;
} Tape;

static bool
play(void *context, void *bytes, size_t length, Err *err)
{
	Tape *tape = context;

	if (tape->buffer->length - tape->at < length)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the tape ends early");
	memcpy(bytes, tape->buffer->data + tape->at, length);
	tape->at += length;
	return true;
}

void
snapshot_of(const World *world, const Identity *identity, Buffer *out)
{
	buffer_clear(out);
	if (!identity_snapshot(identity, append, out, NULL))
		fail(world, "a snapshot failed");
}

Identity *
restored(const World *world, const Buffer *bytes, const IdentityMemory *memory)
{
	Tape tape = {bytes, 0};
	Identity *identity = identity_restore(world->model, "p", memory, play, &tape, NULL);

	if (identity == NULL)
		fail(world, "a snapshot was not restored");
	return identity;
}

Identity *
fork_of(const World *world, const Identity *identity)
{
	Buffer bytes;
	Identity *other;

	buffer_init(&bytes, (size_t) 1 << 30);
	snapshot_of(world, identity, &bytes);
	other = restored(world, &bytes, NULL);
	buffer_release(&bytes);
	return other;
}

bool
same_bytes(const Buffer *a, const Buffer *b)
{
	return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

void
expect_same_state(const World *world, const Identity *a, const Identity *b, const char *what)
{
	Buffer x, y;

	buffer_init(&x, (size_t) 1 << 30);
	buffer_init(&y, (size_t) 1 << 30);
	snapshot_of(world, a, &x);
	snapshot_of(world, b, &y);
	if (!same_bytes(&x, &y))
		fail(world, what);
	buffer_release(&x);
	buffer_release(&y);
}

IdentityStatus
take_aside(const World *world, Identity *identity, const Step *step)
{
	const IdentityDelta *delta;
	IdentityChange change;
	IdentityStatus status;
	uint64_t position;
	uint32_t ordinal;
	Built built;

	build(world, step, &change, &built);
	identity_position(identity, &position, &ordinal);
	change.position = position + 1;
	change.ordinal = 0;
	if (!identity_prepare(identity, &change, 1, &delta, NULL))
		fail(world, "a change set aside failed");
	status = identity_delta_status(delta, 0, NULL);
	identity_commit(identity);
	return status;
}

void
ids_of(const World *world, const Identity *identity, IdentityId ids[RECORDS])
{
	(void) world;
	memset(ids, 0, RECORDS * sizeof(ids[0]));
	for (unsigned r = 0; r < RECORDS; r++)
		(void) identity_customer(identity, ref_of(r), &ids[r]);
}

bool
same_id(const IdentityId *a, const IdentityId *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool
some_id(const IdentityId *id)
{
	static const IdentityId none;

	return !same_id(id, &none);
}

bool
same_partition(const IdentityId a[RECORDS], const IdentityId b[RECORDS])
{
	for (unsigned i = 0; i < RECORDS; i++)
	{
		if (some_id(&a[i]) != some_id(&b[i]))
			return false;
		for (unsigned j = 0; j < i; j++)
			if (some_id(&a[i]) && some_id(&a[j]) && same_id(&a[i], &a[j]) != same_id(&b[i], &b[j]))
				return false;
	}
	return true;
}
