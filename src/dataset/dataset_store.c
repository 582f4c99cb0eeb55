/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_store.c — the file of a state's records, read through a mapping.
 *
 * One entry a record: length, kind, source, id, fields. The text of a value is kept as it came, so that a
 * person sees what the source says. Entries are compared as bytes: a row that changed is one
 * whose entry differs. In memory lie only offsets, 16 bytes a record.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/dataset_priv.h"
#include "goldpan/alloc.h"

struct DatasetStore
{
	uint8_t *data;
	size_t size;
	uint64_t *slots; /* offset + 1 of an entry, the top bit is its mark */
	size_t nslots;
	size_t count;
};

#define STORE_MARK (UINT64_C(1) << 63)

/* ---- entries ---- */

/* Reads the entry at *at with all lengths checked; false at the end or when it is damaged. */
static bool
store_entry(const DatasetStore *store, size_t at, DatasetStored *stored, size_t *next)
{
	uint32_t length;
	const char *source;
	const char *id;
	const char *end;

	if (store->size - at < sizeof(length))
		return false;
	memcpy(&length, store->data + at, sizeof(length));
	at += sizeof(length);
	if (length < 5 || length > store->size - at)
		return false;
	stored->bytes.text = (const char *) store->data + at;
	stored->bytes.length = length;
	stored->kind = (IdentityKind) store->data[at];
	source = stored->bytes.text + 1;
	end = stored->bytes.text + length;
	id = memchr(source, '\0', (size_t) (end - source));
	if (id == NULL || memchr(id + 1, '\0', (size_t) (end - id - 1)) == NULL)
		return false;
	stored->ref.source = source;
	stored->ref.id = id + 1;
	*next = at + length;
	return true;
}

static uint64_t
store_hash(IdentityRef ref, uint64_t seed)
{
	return dataset_hash(dataset_hash(seed, ref.source, strlen(ref.source)), ref.id, strlen(ref.id));
}

static bool
store_index(DatasetStore *store, const char *path, Err *err)
{
	DatasetStored stored;
	size_t at = 0;
	size_t next;

	while (at < store->size && store_entry(store, at, &stored, &next))
	{
		store->count++;
		at = next;
	}
	if (at != store->size)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "file \"%s\" is damaged at byte %zu", path,
					   at);
	store->nslots = 16;
	while (store->nslots < store->count * 2)
		store->nslots *= 2;
	store->slots = alloc_zero(store->nslots * sizeof(*store->slots));
	if (store->slots == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading \"%s\"", path);
	for (at = 0; at < store->size; at = next)
	{
		size_t slot;

		if (!store_entry(store, at, &stored, &next))
			break;
		slot = store_hash(stored.ref, 2) & (store->nslots - 1);
		while (store->slots[slot] != 0)
			slot = (slot + 1) & (store->nslots - 1);
		store->slots[slot] = at + 1;
	}
	return true;
}

/* ---- opening ---- */

DatasetStore *
dataset_store_new(Err *err)
{
	DatasetStore *store = alloc_zero(sizeof(*store));

	if (store != NULL && store_index(store, "", err))
		return store;
	alloc_free(store);
	(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory making a store");
	return NULL;
}

DatasetStore *
dataset_store_open(const char *path, uint64_t size, uint64_t hash, Err *err)
{
	DatasetStore *store = alloc_zero(sizeof(*store));
	struct stat status;
	int fd = -1;
	bool ok = false;

	if (store == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading \"%s\"", path);
	else if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &status) != 0)
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
	else if ((uint64_t) status.st_size != size)
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "file \"%s\" has %lld bytes where the state says %llu", path,
					   (long long) status.st_size, (unsigned long long) size);
	else
	{
		store->size = size;
		store->data = size > 0 ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
		if (store->data == MAP_FAILED)
		{
			store->data = NULL;
			(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not map file \"%s\": %s", path,
						   strerror(errno));
		}
		else if (size > 0 && dataset_hash(0, store->data, size) != hash)
			(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
						   "file \"%s\" is damaged: its checksum is another one", path);
		else
			ok = store_index(store, path, err);
	}
	if (fd >= 0)
		(void) close(fd);
	if (ok)
		return store;
	dataset_store_close(store);
	return NULL;
}

void
dataset_store_close(DatasetStore *store)
{
	if (store == NULL)
		return;
	if (store->data != NULL)
		(void) munmap(store->data, store->size);
	alloc_free(store->slots);
	alloc_free(store);
}

/* ---- reading ---- */

size_t
dataset_store_count(const DatasetStore *store)
{
	return store->count;
}

size_t
dataset_store_bytes(const DatasetStore *store)
{
	return store->nslots * sizeof(*store->slots);
}

size_t
dataset_store_slots(const DatasetStore *store)
{
	return store->nslots;
}

bool
dataset_store_find(const DatasetStore *store, IdentityRef ref, DatasetStored *stored)
{
	size_t slot = store_hash(ref, 2) & (store->nslots - 1);
	size_t next;

	while (store->slots[slot] != 0)
	{
		if (store_entry(store, (size_t) ((store->slots[slot] & ~STORE_MARK) - 1), stored, &next) &&
			strcmp(stored->ref.source, ref.source) == 0 && strcmp(stored->ref.id, ref.id) == 0)
		{
			stored->slot = slot;
			return true;
		}
		slot = (slot + 1) & (store->nslots - 1);
	}
	return false;
}

bool
dataset_store_next(const DatasetStore *store, size_t *at, DatasetStored *stored)
{
	size_t offset = *at;

	if (!store_entry(store, offset, stored, at))
		return false;
	stored->slot = store_hash(stored->ref, 2) & (store->nslots - 1);
	while ((store->slots[stored->slot] & ~STORE_MARK) != offset + 1)
		stored->slot = (stored->slot + 1) & (store->nslots - 1);
	return true;
}

bool
dataset_store_mark(DatasetStore *store, const DatasetStored *stored)
{
	bool before = dataset_store_marked(store, stored);

	store->slots[stored->slot] |= STORE_MARK;
	return before;
}

bool
dataset_store_marked(const DatasetStore *store, const DatasetStored *stored)
{
	return (store->slots[stored->slot] & STORE_MARK) != 0;
}

/* ---- fields: attribute, flags, scheme with its zero, length, text ---- */

bool
dataset_store_pack(const DatasetRecord *record, Buffer *out, Err *err)
{
	uint8_t kind = (uint8_t) record->kind;

	buffer_clear(out);
	if (!buffer_append_byte(out, kind, err) ||
		!buffer_append(out, record->ref.source, strlen(record->ref.source) + 1, err) ||
		!buffer_append(out, record->ref.id, strlen(record->ref.id) + 1, err))
		return false;
	for (size_t i = 0; i < record->nfields; i++)
	{
		const IdentityField *field = &record->fields[i];
		const char *scheme = field->scheme != NULL ? field->scheme : "";
		uint32_t length = (uint32_t) field->length;

		if (!buffer_append_byte(out, (uint8_t) field->attribute, err) ||
			!buffer_append_byte(out, (uint8_t) field->flags, err) ||
			!buffer_append(out, scheme, strlen(scheme) + 1, err) ||
			!buffer_append(out, &length, sizeof(length), err) ||
			!buffer_append(out, field->text, length, err))
			return false;
	}
	return true;
}

size_t
dataset_store_fields(const DatasetStored *stored, IdentityField fields[DATASET_MAX_FIELDS])
{
	const char *at = stored->ref.id + strlen(stored->ref.id) + 1;
	const char *end = stored->bytes.text + stored->bytes.length;
	size_t count = 0;

	while (end - at >= 7 && count < DATASET_MAX_FIELDS)
	{
		IdentityField *field = &fields[count];
		const char *zero = memchr(at + 2, '\0', (size_t) (end - at - 2));
		uint32_t length;

		if (zero == NULL || (size_t) (end - zero - 1) < sizeof(length))
			break;
		field->attribute = (IdentityAttribute) (uint8_t) at[0];
		field->flags = (uint8_t) at[1];
		field->scheme = at[2] != '\0' ? at + 2 : NULL;
		memcpy(&length, zero + 1, sizeof(length));
		at = zero + 1 + sizeof(length);
		if (length > (size_t) (end - at) || field->attribute >= IDENTITY_ATTRIBUTES)
			break;
		field->text = at;
		field->length = length;
		at += length;
		count++;
	}
	return count;
}
