/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_store_write.c — writes the records of the next state, and tells doubles.
 *
 * A record is known by 128 bits of hash, so that a file of a million rows needs no second pass and
 * 32 to 64 MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataset/dataset_priv.h"
#include "goldpan/alloc.h"

#define STORE_WRITE_AT ((size_t) 1 << 20)

typedef struct StoreSeen
{
	uint64_t first, second; /* both 0: free */
} StoreSeen;

struct DatasetStoreWriter
{
	char *path; /* NULL: no file */
	int fd;
	Buffer buffer;
	uint64_t size;
	StoreSeen *seen;
	size_t nseen;
	size_t count;
};

DatasetStoreWriter *
dataset_store_create(const char *path, Err *err)
{
	DatasetStoreWriter *writer = alloc_zero(sizeof(*writer));

	if (writer == NULL || (path != NULL && (writer->path = alloc_text(path)) == NULL))
	{
		alloc_free(writer);
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory writing records");
		return NULL;
	}
	writer->fd = -1;
	buffer_init(&writer->buffer, (size_t) 16 << 20);
	if (path == NULL)
		return writer;
	/* Read again for its checksum when it is complete. */
	writer->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (writer->fd >= 0)
		return writer;
	(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not create file \"%s\": %s", path,
				   strerror(errno));
	dataset_store_abandon(writer);
	return NULL;
}

static bool
store_grow(DatasetStoreWriter *writer, Err *err)
{
	size_t wanted = writer->nseen == 0 ? 4096 : writer->nseen * 2;
	StoreSeen *seen = alloc_zero(wanted * sizeof(*seen));

	if (seen == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory after %zu records",
					   writer->count);
	for (size_t i = 0; i < writer->nseen; i++)
	{
		size_t slot = writer->seen[i].first & (wanted - 1);

		if (writer->seen[i].first == 0)
			continue;
		while (seen[slot].first != 0)
			slot = (slot + 1) & (wanted - 1);
		seen[slot] = writer->seen[i];
	}
	alloc_free(writer->seen);
	writer->seen = seen;
	writer->nseen = wanted;
	return true;
}

static bool
store_write(DatasetStoreWriter *writer, Err *err)
{
	size_t done = 0;

	while (done < writer->buffer.length)
	{
		ssize_t wrote = write(writer->fd, writer->buffer.data + done, writer->buffer.length - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write file \"%s\": %s",
						   writer->path, strerror(errno));
		done += (size_t) wrote;
	}
	writer->size += done;
	buffer_clear(&writer->buffer);
	return true;
}

static StoreSeen
store_name(IdentityRef ref)
{
	return (StoreSeen){
		dataset_hash(dataset_hash(3, ref.source, strlen(ref.source)), ref.id, strlen(ref.id)) | 1,
		dataset_hash(dataset_hash(4, ref.source, strlen(ref.source)), ref.id, strlen(ref.id))};
}

/* Where the name is, or would be. */
static StoreSeen *
store_slot(const DatasetStoreWriter *writer, StoreSeen name)
{
	size_t slot = name.first & (writer->nseen - 1);

	while (writer->seen[slot].first != 0 &&
		   (writer->seen[slot].first != name.first || writer->seen[slot].second != name.second))
		slot = (slot + 1) & (writer->nseen - 1);
	return &writer->seen[slot];
}

bool
dataset_store_added(const DatasetStoreWriter *writer, IdentityRef ref)
{
	return writer->nseen > 0 && store_slot(writer, store_name(ref))->first != 0;
}

bool
dataset_store_add(DatasetStoreWriter *writer, IdentityRef ref, const void *packed, size_t length,
				  bool *twice, Err *err)
{
	StoreSeen name = store_name(ref);
	uint32_t size = (uint32_t) length;
	StoreSeen *slot;

	*twice = false;
	if (writer->count * 3 >= writer->nseen * 2 && !store_grow(writer, err))
		return false;
	slot = store_slot(writer, name);
	*twice = slot->first != 0;
	if (*twice)
		return true;
	*slot = name;
	writer->count++;
	if (writer->path == NULL)
		return true;
	return buffer_append(&writer->buffer, &size, sizeof(size), err) &&
		   buffer_append(&writer->buffer, packed, length, err) &&
		   (writer->buffer.length < STORE_WRITE_AT || store_write(writer, err));
}

size_t
dataset_store_writer_bytes(const DatasetStoreWriter *writer)
{
	return writer->nseen * sizeof(*writer->seen) + writer->buffer.capacity;
}

bool
dataset_store_finish(DatasetStoreWriter *writer, uint64_t *size, uint64_t *hash, Err *err)
{
	bool ok = writer->path == NULL || store_write(writer, err);

	*size = writer->size;
	*hash = 0;
	if (ok && writer->path != NULL && fsync(writer->fd) != 0)
		ok = err_set(err, ERR_CLASS_STOP, ERR_IO, "could not flush file \"%s\": %s", writer->path,
					 strerror(errno));
	if (ok && writer->path != NULL)
		ok = dataset_hash_file(writer->path, writer->size, hash, err);
	if (ok && writer->fd >= 0)
	{
		(void) close(writer->fd);
		writer->fd = -1;
	}
	alloc_free(writer->path);
	writer->path = NULL; /* it stays */
	dataset_store_abandon(writer);
	return ok;
}

void
dataset_store_abandon(DatasetStoreWriter *writer)
{
	if (writer == NULL)
		return;
	if (writer->fd >= 0)
		(void) close(writer->fd);
	if (writer->path != NULL)
		(void) unlink(writer->path);
	buffer_release(&writer->buffer);
	alloc_free(writer->seen);
	alloc_free(writer->path);
	alloc_free(writer);
}
