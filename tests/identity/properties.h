/* SPDX-License-Identifier: PostgreSQL */
/*
 * properties.h — the world of one random history, shared by the property tests' files.
 *
 * A history is a list of Steps that say all there is to say about a change, so that
 * any part of it can be played again: in another order, without one answer, in
 * other batches, after a kill.
 */
#ifndef PROPERTIES_H
#define PROPERTIES_H

#include "identity/identity_state_priv.h"

#define RECORDS	  14
#define STEPS	  80
#define STEPS_MAX (STEPS * 3 + RECORDS * 2 + 8)
#define CUSTOMERS 1024 /* that one history makes, at most */
#define CANARY	  "canaryqz"

typedef struct Values
{
	bool company, canary;
	uint8_t pick[8];
} Values;

typedef struct Step
{
	IdentityChangeType type;
	uint8_t a, b, verdict;
	uint16_t seen_a, seen_b; /* a bit a record */
	uint32_t version_a, version_b;
	uint64_t judgement;
	bool carried;
	Values values;
	IdentityId customer;
	uint64_t position;
	uint32_t ordinal;
	IdentityStatus status;
} Step;

typedef struct Built /* what an IdentityChange borrows */
{
	IdentityField field[8];
	IdentityRef seen[2 * RECORDS];
} Built;

typedef struct Known /* what a consumer knows of a customer */
{
	IdentityId id;
	bool live;
	uint32_t version, records;
} Known;

typedef struct Mix
{
	uint64_t histories, steps, moving, merged, split, upserts, deletes, erases, adopted;
	uint64_t judged[5], refused, undone, aborted, probes;
} Mix;

typedef struct Block /* of the allocator that can be searched */
{
	struct Block *next, *previous;
	size_t size;
	size_t unused;
} Block;

typedef struct Pool
{
	Block *first;
	size_t bytes;
	unsigned long countdown; /* the n-th call from now fails; 0 never */
} Pool;

typedef struct World
{
	const IdentityModel *model, *other_model;
	uint64_t random, history, position;
	uint32_t ordinal;
	unsigned kinds; /* 0 persons, 1 companies, 2 both */
	bool present[RECORDS];
	bool clean;			/* the canaries were erased, and none comes any more */
	unsigned unsettled; /* a bit a record: adopted, not clustered yet */
	unsigned adoptions;
	Values values[RECORDS];
	Step step[STEPS_MAX];
	unsigned nsteps;
	uint64_t handles;
	bool in_force[STEPS_MAX];	   /* by step: an answer that holds, */
	uint16_t forgotten[STEPS_MAX]; /* and records it named that were erased since */
	IdentityId consumer[RECORDS];  /* from the events alone, as is what follows */
	Known known[CUSTOMERS];
	unsigned customers;
	Identity *main, *replica;
	Pool pool; /* main's */
	IdentityMemory memory;
	Mix mix;
} World;

/* ---- properties_world.c ---- */

void fail(const World *world, const char *what) __attribute__((noreturn));
unsigned draw(World *world, unsigned n);
IdentityMemory pool_memory(Pool *pool);
bool pool_holds(const Pool *pool, const void *bytes, size_t length);
IdentityRef ref_of(unsigned record);
Values some_values(World *world, bool canary);
/* A change that borrows from the step, `built` and nothing else. */
void build(const World *world, const Step *step, IdentityChange *change, Built *built);
void snapshot_of(const World *world, const Identity *identity, Buffer *out);
Identity *restored(const World *world, const Buffer *bytes, const IdentityMemory *memory);
Identity *fork_of(const World *world, const Identity *identity);
bool same_bytes(const Buffer *a, const Buffer *b);
void expect_same_state(const World *world, const Identity *a, const Identity *b, const char *what);
/* Takes one step on an engine that is not the main one, at its next position. */
IdentityStatus take_aside(const World *world, Identity *identity, const Step *step);
void ids_of(const World *world, const Identity *identity, IdentityId ids[RECORDS]);
bool same_id(const IdentityId *a, const IdentityId *b);
bool some_id(const IdentityId *id);
bool same_partition(const IdentityId a[RECORDS], const IdentityId b[RECORDS]);

/* ---- properties_step.c: one step of the main engine, told to its followers ---- */

IdentityStatus take(World *world, Step *step);
void random_step(World *world);
void adopt_some(World *world);

/* ---- properties_check.c: what must hold after every step ---- */

void consume(World *world, const IdentityDelta *delta);
void check_step(World *world);
void check_answers(const World *world, const Identity *identity);

/* ---- properties_whole.c: what must hold of a history, or at any point in it ---- */

void probe(World *world);
void check_whole(World *world);

#endif
