/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_example — the engine as a program of yours would use it.
 *
 * Records arrive one by one.  What came of each is stored before it is committed; now and then
 * the whole state is written out.  A batch is tried and taken back.  Then the process dies, and
 * another starts from the snapshot and the deltas stored since: the clusters, their ids and every
 * byte of the state are the same.
 *
 * Nothing but goldpan/identity.h is included, and what that includes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "goldpan/identity.h"

#define DELTAS	   16
#define CEILING	   ((size_t) 1 << 30)
#define DEPLOYMENT "example"

typedef struct Person
{
	const char *source, *id, *name, *email, *birth_date, *phone;
} Person;

static const Person people[] = {
	{"crm", "17", "Robert Miller", "bob.miller@example.org", "1970-05-17", "+49 30 901820"},
	{"crm", "18", "Anna Jones", "anna@example.net", "1981-02-03", "+49 30 901833"},
	{"shop", "a1", "Bob Miller", "bob.miller@example.org", "1970-05-17", ""},
	{"shop", "a2", "Jones, Anna", "anna@example.net", "", "030 901833"},
	{"shop", "a3", "Carla Rossi", "carla@example.com", "1990-11-30", ""},
	{"care", "900", "Miller Robert", "", "1970-05-17", "+49 (30) 901820"},
};
#define PEOPLE (sizeof(people) / sizeof(people[0]))

/* What a program keeps where a crash cannot reach it: files, or rows of a database. */
typedef struct Storage
{
	Buffer snapshot;
	Buffer delta[DELTAS]; /* in order; those before `first` are in the snapshot already */
	unsigned deltas, first;
} Storage;

static void
stop(const char *what, const Err *err)
{
	fprintf(stderr, "identity_example: %s: %s\n", what, err->message);
	exit(1);
}

/* ---- changes ---- */

static size_t
fill(IdentityField *fields, const Person *person)
{
	const IdentityField all[] = {
		{IDENTITY_FULL_NAME, 0, NULL, person->name, strlen(person->name)},
		{IDENTITY_EMAIL, 0, NULL, person->email, strlen(person->email)},
		{IDENTITY_BIRTH_DATE, 0, NULL, person->birth_date, strlen(person->birth_date)},
		{IDENTITY_PHONE, 0, NULL, person->phone, strlen(person->phone)},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].length > 0)
			fields[n++] = all[i];
	return n;
}

static void
say(const IdentityDelta *delta)
{
	size_t count;
	const IdentityEvent *events = identity_delta_events(delta, &count);

	for (size_t i = 0; i < count; i++)
		printf("  %s%s%s%s%s\n", identity_event_name(events[i].type),
			   events[i].ref.source ? " " : "", events[i].ref.source ? events[i].ref.source : "",
			   events[i].ref.source ? " " : "", events[i].ref.source ? events[i].ref.id : "");
}

/* Prepare, store, commit: a crash between any two of these loses nothing and doubles nothing. */
static void
take(Identity *identity, Storage *storage, IdentityChange *change)
{
	const IdentityDelta *delta;
	const void *bytes;
	size_t length;
	Err err;

	err_clear(&err);
	if (!identity_prepare(identity, change, 1, &delta, &err))
		stop("a change was not taken", &err);
	say(delta);
	bytes = identity_delta_bytes(delta, &length);
	if (!buffer_append(&storage->delta[storage->deltas++], bytes, length, &err))
		stop("a delta was not stored", &err);
	identity_commit(identity);
}

static void
insert(Identity *identity, Storage *storage, size_t n)
{
	IdentityField fields[4];
	IdentityChange change = {.type = IDENTITY_UPSERT,
							 .handle = n + 1,
							 .position = n + 1,
							 .kind = IDENTITY_PERSON,
							 .ref = {people[n].source, people[n].id},
							 .fields = fields};

	change.nfields = fill(fields, &people[n]);
	printf("insert %s %s\n", people[n].source, people[n].id);
	take(identity, storage, &change);
}

static void
answer(Identity *identity, Storage *storage)
{
	IdentityChange change = {.type = IDENTITY_JUDGE, .handle = 1, .position = PEOPLE + 1};

	change.judgement = (IdentityJudgement){.handle = 1,
										   .verdict = IDENTITY_DIFFERENT,
										   .a = {"crm", "18"},
										   .b = {"shop", "a2"},
										   .user = "steward",
										   .reason = "mother and daughter"};
	printf("a steward says that crm 18 and shop a2 are two people\n");
	take(identity, storage, &change);
}

/* ---- what there is ---- */

typedef struct Listing
{
	Buffer text;
	IdentityId last;
} Listing;

static bool
list_member(void *context, const IdentityMember *member)
{
	Listing *listing = context;
	bool more = memcmp(&member->customer, &listing->last, sizeof(IdentityId)) == 0;

	if (!more)
	{
		if (!buffer_append_text(&listing->text, listing->text.length > 0 ? "\n " : " ", NULL))
			return false;
		for (size_t i = 0; i < sizeof(IdentityId); i++)
			if (!buffer_printf(&listing->text, NULL, "%02x", member->customer.bytes[i]))
				return false;
	}
	listing->last = member->customer;
	return buffer_printf(&listing->text, NULL, " %s/%s", member->ref.source, member->ref.id);
}

/* The customers with their ids, as text. */
static Buffer
clusters(const Identity *identity)
{
	Listing listing = {.last = {{0}}};

	buffer_init(&listing.text, CEILING);
	identity_members(identity, NULL, list_member, &listing);
	return listing.text;
}

static void
print_clusters(const char *when, const Buffer *text)
{
	printf("customers %s:\n%.*s\n", when, (int) text->length, (const char *) text->data);
}

static void
must_be_same(const char *what, const Buffer *a, const Buffer *b)
{
	if (a->length == b->length && memcmp(a->data, b->data, a->length) == 0)
		return;
	fprintf(stderr, "identity_example: %s\n", what);
	exit(1);
}

/* ---- snapshots ---- */

static bool
keep(void *context, const void *bytes, size_t length, Err *err)
{
	return buffer_append(context, bytes, length, err);
}

typedef struct Reading
{
	const Buffer *from;
	size_t at;
} Reading;

static bool
read_back(void *context, void *bytes, size_t length, Err *err)
{
	Reading *reading = context;

	if (reading->from->length - reading->at < length)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the snapshot ends early");
	memcpy(bytes, reading->from->data + reading->at, length);
	reading->at += length;
	return true;
}

static void
write_snapshot(const Identity *identity, Buffer *out)
{
	Err err;

	err_clear(&err);
	buffer_clear(out);
	if (!identity_snapshot(identity, keep, out, &err))
		stop("the snapshot was not taken", &err);
}

/* Another process: it has the model and the storage, nothing else. */
static Identity *
restart(const IdentityModel *model, const Storage *storage)
{
	Reading reading = {&storage->snapshot, 0};
	Identity *identity;
	Err err;

	err_clear(&err);
	identity = identity_restore(model, DEPLOYMENT, NULL, read_back, &reading, &err);
	if (identity == NULL)
		stop("the snapshot was not restored", &err);
	for (unsigned i = storage->first; i < storage->deltas; i++)
		if (!identity_apply(identity, storage->delta[i].data, storage->delta[i].length, &err))
			stop("a stored delta was not applied", &err);
	return identity;
}

/* A batch that is looked at and taken back: nothing may come of it. */
static void
try_and_abort(Identity *identity)
{
	IdentityChange changes[2] = {
		{.type = IDENTITY_ERASE, .position = 100, .ref = {"crm", "17"}},
		{.type = IDENTITY_DELETE, .position = 101, .ref = {"shop", "a3"}},
	};
	Buffer before, during, after;
	Err err;

	err_clear(&err);
	before = clusters(identity);
	if (!identity_prepare(identity, changes, 2, NULL, &err))
		stop("a batch was not taken", &err);
	during = clusters(identity);
	print_clusters("while a batch is prepared", &during);
	identity_abort(identity);
	after = clusters(identity);
	must_be_same("an aborted batch left something", &before, &after);
	buffer_release(&before);
	buffer_release(&during);
	buffer_release(&after);
}

int
main(void)
{
	Err err;
	IdentityModel *model = identity_model_default(&err);
	Identity *identity = model == NULL ? NULL : identity_new(model, DEPLOYMENT, NULL, &err);
	static Storage storage;
	Buffer before, after, bytes_before, bytes_after;

	if (identity == NULL)
		stop("no engine", &err);
	buffer_init(&storage.snapshot, CEILING);
	buffer_init(&bytes_before, CEILING);
	buffer_init(&bytes_after, CEILING);
	for (unsigned i = 0; i < DELTAS; i++)
		buffer_init(&storage.delta[i], CEILING);
	for (size_t n = 0; n < PEOPLE; n++)
	{
		insert(identity, &storage, n);
		if (n == 2)
		{
			printf("snapshot\n");
			write_snapshot(identity, &storage.snapshot);
			storage.first = storage.deltas;
		}
	}
	answer(identity, &storage);
	try_and_abort(identity);
	before = clusters(identity);
	write_snapshot(identity, &bytes_before);
	print_clusters("before the kill", &before);

	identity_free(identity); /* killed: all that was in memory is gone */
	identity = restart(model, &storage);
	after = clusters(identity);
	write_snapshot(identity, &bytes_after);
	print_clusters("after the restart", &after);
	must_be_same("a restart changed the customers", &before, &after);
	must_be_same("a restart changed the state", &bytes_before, &bytes_after);

	identity_free(identity);
	identity_model_free(model);
	buffer_release(&before);
	buffer_release(&after);
	buffer_release(&bytes_before);
	buffer_release(&bytes_after);
	buffer_release(&storage.snapshot);
	for (unsigned i = 0; i < DELTAS; i++)
		buffer_release(&storage.delta[i]);
	return 0;
}
