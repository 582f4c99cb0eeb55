/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_delta — what came of a batch, and its bytes for storing.
 *
 * The bytes hold the changes as forms and what came of them.  Taking a stored delta
 * runs the same code over the same changes, so the state is the same byte for byte;
 * the outcome stored beside them proves it.  Byte order is the machine's, and the
 * model's hash, which is checked, covers the rules.
 */
#include "identity/identity_state_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define CEILING ((size_t) 1 << 32)
#define MAGIC	"GPIDLT4"
#define CARRIED 0x100u /* beside the verdict */

typedef struct DeltaHead
{
	char magic[8];
	uint64_t model, length, checksum; /* of what follows, zero here */
	uint64_t position_before, position_after;
	uint32_t ordinal_before, ordinal_after;
	uint64_t nchanges, nevents, nversions;
	uint64_t outcome;
} DeltaHead;

typedef struct ChangeHead
{
	uint32_t type, kind, ordinal, verdict;
	uint64_t handle, position;
	int64_t time;
	uint64_t judgement;
	uint32_t version_a, version_b;
	uint32_t nseen_a, nseen_b;
	uint32_t form, status; /* bytes of the form */
	IdentityId customer;
} ChangeHead;

void
identity_delta_init(IdentityDelta *delta)
{
	buffer_init(&delta->bytes, CEILING);
	buffer_init(&delta->texts, CEILING);
	buffer_init(&delta->events, CEILING);
	buffer_init(&delta->versions, CEILING);
	buffer_init(&delta->statuses, CEILING);
}

/* Nothing of what may be erased later stays in memory. */
static void
wipe(Buffer *buffer)
{
	if (buffer->length > 0)
		memset(buffer->data, 0, buffer->length);
	buffer_clear(buffer);
}

void
identity_delta_clear(IdentityDelta *delta)
{
	wipe(&delta->bytes);
	wipe(&delta->texts);
	buffer_clear(&delta->events);
	buffer_clear(&delta->versions);
	buffer_clear(&delta->statuses);
}

void
identity_delta_release(IdentityDelta *delta)
{
	buffer_release(&delta->bytes);
	buffer_release(&delta->texts);
	buffer_release(&delta->events);
	buffer_release(&delta->versions);
	buffer_release(&delta->statuses);
}

static void
append(Identity *identity, Buffer *buffer, const void *bytes, size_t length)
{
	if (!buffer_append(buffer, bytes, length, NULL))
		longjmp(*identity->store.out, 1);
}

static size_t
text(Identity *identity, const char *t)
{
	size_t at = identity->delta.texts.length;

	append(identity, &identity->delta.texts, t, strlen(t) + 1);
	return at + 1;
}

void
identity_event(Identity *identity, IdentityEventType type, uint32_t entity, uint32_t other,
			   uint32_t record, uint64_t handle)
{
	IdentityEvent event;

	memset(&event, 0, sizeof(event));
	event.type = type;
	if (entity != 0)
	{
		event.customer = identity_entity(identity, entity)->id;
		event.version = identity_entity(identity, entity)->version;
	}
	if (other != 0)
		event.other = identity_entity(identity, other)->id;
	event.position = identity->change->position;
	event.ordinal = identity->change->ordinal;
	event.handle = handle;
	if (record != 0)
	{
		const RecordRow *row = identity_record(identity, record);
		IdentityRef ref = identity_record_ref(identity, row);

		event.record_handle = row->handle;
		/* places in texts until the batch is done */
		event.ref.source = (const char *) text(identity, ref.source);
		event.ref.id = (const char *) text(identity, ref.id);
	}
	append(identity, &identity->delta.events, &event, sizeof(event));
}

void
identity_delta_status_add(Identity *identity, IdentityStatus status, const char *message)
{
	DeltaStatus row = {status, message == NULL, 0};

	if (message != NULL && message[0] != 0)
		row.message = text(identity, message);

	append(identity, &identity->delta.statuses, &row, sizeof(row));
}

/* An answer is told before what comes of it: its event gets the version that this has left.
 * Customers whose versions it read are listed though they stayed as they were. */
static void
judged_versions(Identity *identity)
{
	IdentityEvent *events = (IdentityEvent *) (void *) identity->delta.events.data;

	for (unsigned i = 0; i < 2 && identity->judged[i] != 0; i++)
	{
		const EntityRow *entity = identity_entity(identity, identity->judged[i]);
		IdentityVersion version = {entity->id, entity->version, entity->version};

		if (i == 0)
			events[identity->judged_event].version = entity->version;
		if (entity->touched != identity_root(identity)->epoch &&
			(i == 0 || identity->judged[1] != identity->judged[0]))
			append(identity, &identity->delta.versions, &version, sizeof(version));
	}
	identity->judged[0] = identity->judged[1] = 0;
}

/* Versions that rose, once a change; events say so too. */
void
identity_delta_touched(Identity *identity)
{
	for (size_t i = 0; i + 1 < identity->touched.count; i += 2)
	{
		const EntityRow *entity = identity_entity(identity, identity->touched.item[i]);
		IdentityVersion version = {entity->id, identity->touched.item[i + 1], entity->version};

		append(identity, &identity->delta.versions, &version, sizeof(version));
		if (entity->state == ENTITY_LIVE)
			identity_event(identity, IDENTITY_EVENT_UPDATED, identity->touched.item[i], 0, 0,
						   identity->change->handle);
	}
	identity->touched.count = 0;
	judged_versions(identity);
}

static uint64_t
outcome_of(const IdentityDelta *delta)
{
	const IdentityEvent *events = (const IdentityEvent *) (const void *) delta->events.data;
	size_t n = delta->events.length / sizeof(IdentityEvent);
	uint64_t hash = identity_text_hash(delta->versions.data, delta->versions.length, 20);

	for (size_t i = 0; i < n; i++)
	{
		const IdentityEvent *e = &events[i];

		hash = identity_text_hash(&e->type, sizeof(e->type), hash);
		hash = identity_text_hash(&e->customer, sizeof(e->customer), hash);
		hash = identity_text_hash(&e->other, sizeof(e->other), hash);
		hash = identity_text_mix(hash, e->version);
		hash = identity_text_mix(hash, e->record_handle);
	}
	return hash;
}

static void
append_text(Identity *identity, const char *t)
{
	uint32_t length = t == NULL ? 0 : (uint32_t) strlen(t);

	append(identity, &identity->delta.bytes, &length, sizeof(length));
	append(identity, &identity->delta.bytes, t == NULL ? "" : t, length + 1);
}

static void
append_refs(Identity *identity, const IdentityRef *refs, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		append_text(identity, refs[i].source);
		append_text(identity, refs[i].id);
	}
}

static void
append_change(Identity *identity, const IdentityChange *change, IdentityStatus status)
{
	ChangeHead head;
	const IdentityForm *form = change->form;
	bool record = change->type == IDENTITY_UPSERT || change->type == IDENTITY_ADOPT;

	memset(&head, 0, sizeof(head));
	head.type = change->type;
	head.kind = change->kind;
	head.ordinal = change->ordinal;
	head.handle = change->handle;
	head.position = change->position;
	head.time = change->time;
	head.status = status;
	head.customer = change->customer;
	head.form = record && form != NULL ? form->size : 0;
	if (change->type == IDENTITY_ADOPT)
		head.version_a = change->version;
	if (change->type == IDENTITY_JUDGE || change->type == IDENTITY_UNDO)
	{
		head.verdict = change->judgement.verdict | (change->judgement.carried ? CARRIED : 0);
		head.judgement = change->judgement.handle;
		head.version_a = change->judgement.version_a;
		head.version_b = change->judgement.version_b;
		head.nseen_a = (uint32_t) change->judgement.nseen_a;
		head.nseen_b = (uint32_t) change->judgement.nseen_b;
	}
	append(identity, &identity->delta.bytes, &head, sizeof(head));
	if (head.form > 0)
		append(identity, &identity->delta.bytes, form, head.form);
	append_refs(identity, &change->ref, 1);
	if (change->type == IDENTITY_JUDGE)
	{
		append_refs(identity, &change->judgement.a, 1);
		append_refs(identity, &change->judgement.b, 1);
		append_refs(identity, change->judgement.seen_a, head.nseen_a);
		append_refs(identity, change->judgement.seen_b, head.nseen_b);
		append_text(identity, change->judgement.user);
		append_text(identity, change->judgement.reason);
	}
	while (identity->delta.bytes.length % 8 != 0)
		append(identity, &identity->delta.bytes, "", 1);
}

void
identity_delta_finish(Identity *identity, const IdentityChange *changes, size_t nchanges)
{
	IdentityDelta *delta = &identity->delta;
	IdentityEvent *events = (IdentityEvent *) (void *) delta->events.data;
	const DeltaStatus *status = (const DeltaStatus *) (const void *) delta->statuses.data;
	const char *texts;
	DeltaHead head;

	memset(&head, 0, sizeof(head));
	memcpy(head.magic, MAGIC, sizeof(head.magic));
	head.model = identity->model->hash;
	head.nevents = delta->events.length / sizeof(IdentityEvent);
	head.nversions = delta->versions.length / sizeof(IdentityVersion);
	head.outcome = outcome_of(delta);
	head.position_before = identity->position_before;
	head.ordinal_before = identity->ordinal_before;
	head.position_after = identity_root(identity)->position;
	head.ordinal_after = identity_root(identity)->ordinal;
	append(identity, &delta->bytes, &head, sizeof(head));
	for (size_t i = 0; i < nchanges; i++)
		if (!status[i].skipped)
		{
			append_change(identity, &changes[i], status[i].status);
			head.nchanges++;
		}
	head.length = delta->bytes.length;
	memcpy(delta->bytes.data, &head, sizeof(head));
	head.checksum = identity_text_sum(delta->bytes.data, delta->bytes.length, 21);
	memcpy(delta->bytes.data, &head, sizeof(head));
	texts = (const char *) delta->texts.data;
	for (size_t i = 0; i < head.nevents; i++)
		if (events[i].ref.source != NULL)
		{
			events[i].ref.source = texts + (size_t) events[i].ref.source - 1;
			events[i].ref.id = texts + (size_t) events[i].ref.id - 1;
		}
}

/* ---- accessors ---- */

const void *
identity_delta_bytes(const IdentityDelta *delta, size_t *length)
{
	*length = delta->bytes.length;
	return delta->bytes.data;
}

const IdentityEvent *
identity_delta_events(const IdentityDelta *delta, size_t *count)
{
	*count = delta->events.length / sizeof(IdentityEvent);
	return (const IdentityEvent *) (const void *) delta->events.data;
}

const IdentityVersion *
identity_delta_versions(const IdentityDelta *delta, size_t *count)
{
	*count = delta->versions.length / sizeof(IdentityVersion);
	return (const IdentityVersion *) (const void *) delta->versions.data;
}

IdentityStatus
identity_delta_status(const IdentityDelta *delta, size_t change, const char **message)
{
	const DeltaStatus *status = (const DeltaStatus *) (const void *) delta->statuses.data;

	if (change >= delta->statuses.length / sizeof(DeltaStatus))
		return IDENTITY_ABSENT;
	if (message != NULL)
		*message = status[change].message == 0
					   ? ""
					   : (const char *) delta->texts.data + status[change].message - 1;
	return status[change].status;
}

const char *
identity_event_name(IdentityEventType type)
{
	static const char *const names[] = {
#define X(symbol, name) name,
		IDENTITY_EVENT_TABLE(X)
#undef X
	};

	return (unsigned) type < IDENTITY_EVENTS ? names[type] : "?";
}

/* ---- taking stored bytes ---- */

typedef struct Reader
{
	const uint8_t *at, *end, *start;
	bool bad;
} Reader;

static const void *
read_bytes(Reader *reader, size_t length)
{
	const void *bytes = reader->at;

	if (reader->bad || (size_t) (reader->end - reader->at) < length)
	{
		reader->bad = true;
		return NULL;
	}
	reader->at += length;
	return bytes;
}

static const char *
read_text(Reader *reader)
{
	const uint8_t *head = read_bytes(reader, 4);
	uint32_t length;
	const char *t;

	if (head == NULL)
		return "";
	memcpy(&length, head, sizeof(length));
	t = read_bytes(reader, (size_t) length + 1);
	if (t == NULL || t[length] != 0 || strlen(t) != length)
	{
		reader->bad = true;
		return "";
	}
	return t;
}

static IdentityRef
read_ref(Reader *reader)
{
	IdentityRef ref;

	ref.source = read_text(reader);
	ref.id = read_text(reader);
	return ref;
}

/* refs: room for all seen members; advanced. */
static void
read_change(Reader *reader, const IdentityModel *model, IdentityChange *change, IdentityRef **refs,
			const IdentityRef *refs_end)
{
	ChangeHead head;
	const void *bytes = read_bytes(reader, sizeof(head));

	memset(change, 0, sizeof(*change));
	if (bytes == NULL)
		return;
	memcpy(&head, bytes, sizeof(head));
	change->type = (IdentityChangeType) head.type;
	change->kind = (IdentityKind) head.kind;
	change->ordinal = head.ordinal;
	change->handle = head.handle;
	change->position = head.position;
	change->time = head.time;
	change->customer = head.customer;
	change->version = head.type == IDENTITY_ADOPT ? head.version_a : 0;
	if (head.type < IDENTITY_UPSERT || head.type > IDENTITY_SETTLE || head.kind >= IDENTITY_KINDS)
		reader->bad = true;
	if (head.form > 0)
	{
		change->form = read_bytes(reader, head.form);
		if (change->form == NULL || !identity_form_valid(change->form, head.form, model))
		{
			change->form = NULL;
			reader->bad = true;
		}
	}
	change->ref = read_ref(reader);
	change->judgement.handle = head.judgement;
	change->judgement.verdict = (IdentityVerdict) (head.verdict & ~CARRIED);
	change->judgement.carried = (head.verdict & CARRIED) != 0;
	if (head.type == IDENTITY_JUDGE)
	{
		change->judgement.version_a = head.version_a;
		change->judgement.version_b = head.version_b;
		change->judgement.a = read_ref(reader);
		change->judgement.b = read_ref(reader);
		if ((size_t) (refs_end - *refs) < (size_t) head.nseen_a + head.nseen_b)
			reader->bad = true;
		change->judgement.seen_a = *refs;
		for (uint32_t i = 0; i < head.nseen_a && !reader->bad; i++)
			*(*refs)++ = read_ref(reader);
		change->judgement.seen_b = *refs;
		for (uint32_t i = 0; i < head.nseen_b && !reader->bad; i++)
			*(*refs)++ = read_ref(reader);
		change->judgement.nseen_a = head.nseen_a;
		change->judgement.nseen_b = head.nseen_b;
		change->judgement.user = read_text(reader);
		change->judgement.reason = read_text(reader);
	}
	while (!reader->bad && (reader->at - reader->start) % 8 != 0)
		read_bytes(reader, 1);
}

/* `copy` has zero where the checksum stood. */
static bool
head_fits(const DeltaHead *head, const uint8_t *copy, size_t length)
{
	return memcmp(head->magic, MAGIC, sizeof(head->magic)) == 0 && head->length == length &&
		   head->nchanges <= length / sizeof(ChangeHead) &&
		   identity_text_sum(copy, length, 21) == head->checksum;
}

static bool
follows(const Identity *identity, const DeltaHead *head)
{
	const Root *root = identity_root(identity);

	return head->position_before == root->position && head->ordinal_before == root->ordinal;
}

static bool
diverged(Err *err)
{
	return err_set(err, ERR_CLASS_STOP, ERR_DIVERGED,
				   "a stored identity delta does not follow the state it is applied to");
}

/* bytes: an aligned copy of the whole, its checksum zeroed. */
static bool
apply_copy(Identity *identity, const DeltaHead *head, const uint8_t *bytes, Err *err)
{
	Reader reader = {bytes + sizeof(*head), bytes + head->length, bytes, false};
	size_t nrefs = head->length / 10 + 1;
	IdentityChange *changes = alloc_zero((head->nchanges + 1) * sizeof(*changes));
	IdentityRef *refs = alloc_bytes(nrefs * sizeof(*refs)), *refs_at = refs;
	const IdentityDelta *delta;
	bool done = false;

	if (changes == NULL || refs == NULL)
	{
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading an identity delta");
		goto out;
	}
	for (uint64_t i = 0; i < head->nchanges && !reader.bad; i++)
		read_change(&reader, identity->model, &changes[i], &refs_at, refs + nrefs);
	if (reader.bad || reader.at != reader.end)
	{
		err_set(err, ERR_CLASS_STOP, ERR_DATA, "a stored identity delta is damaged");
		goto out;
	}
	if (!identity_prepare(identity, changes, head->nchanges, &delta, err))
		goto out;
	done = outcome_of(delta) == head->outcome &&
		   identity_root(identity)->position == head->position_after &&
		   identity_root(identity)->ordinal == head->ordinal_after;
	if (done)
		identity_commit(identity);
	else
	{
		identity_abort(identity);
		diverged(err);
	}
out:
	alloc_free(changes);
	alloc_free(refs);
	return done;
}

bool
identity_apply(Identity *identity, const void *bytes, size_t length, Err *err)
{
	DeltaHead head, blank;
	uint8_t *copy;
	bool done = false;

	if (length < sizeof(head))
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "a stored identity delta is damaged");
	copy = alloc_bytes(length);
	if (copy == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading an identity delta");
	memcpy(&head, bytes, sizeof(head));
	blank = head;
	blank.checksum = 0;
	memcpy(copy, bytes, length);
	memcpy(copy, &blank, sizeof(blank));
	if (!head_fits(&head, copy, length))
		err_set(err, ERR_CLASS_STOP, ERR_DATA, "a stored identity delta is damaged");
	else if (head.model != identity->model->hash)
		err_set(err, ERR_CLASS_STOP, ERR_DIVERGED,
				"a stored identity delta was made with another model");
	else if (!follows(identity, &head))
		diverged(err);
	else
		done = apply_copy(identity, &head, copy, err);
	alloc_free(copy);
	return done;
}
