/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_hash.c — spreads names and rows over tables.
 *
 * Eight bytes a step, multiplied to 128 bits and folded. Two seeds give 128 bits, which is what tells a row
 * that changed from one that did not.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataset/dataset_priv.h"

static uint64_t
hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128) a * b;

	return (uint64_t) product ^ (uint64_t) (product >> 64);
}

uint64_t
dataset_hash(uint64_t seed, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t hash = seed ^ UINT64_C(0x9e3779b97f4a7c15);

	for (size_t left = length; left > 0;)
	{
		size_t part = left < 8 ? left : 8;
		uint64_t word = 0;

		memcpy(&word, at, part);
		hash = hash_fold(hash ^ word, UINT64_C(0xa0761d6478bd642f) ^ part);
		hash ^= hash >> 29;
		at += part;
		left -= part;
	}
	return hash_fold(hash ^ length, UINT64_C(0xe7037ed1a0b428db));
}

bool
dataset_hash_file(const char *path, uint64_t size, uint64_t *hash, Err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *data = MAP_FAILED;
	bool ok = fd >= 0 && size == 0;

	*hash = 0;
	if (fd >= 0 && size > 0)
		data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data != MAP_FAILED)
	{
		*hash = dataset_hash(0, data, size);
		(void) munmap(data, size);
		ok = true;
	}
	if (!ok)
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not read file \"%s\": %s", path,
					   strerror(errno));
	if (fd >= 0)
		(void) close(fd);
	return ok;
}
