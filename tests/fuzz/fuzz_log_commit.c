/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_log_commit.c — any bytes as a commit record of the directory log.
 *
 * The checksum is put right first: no input would get past it otherwise.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "log/log_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_head_right(uint8_t *bytes, size_t size)
{
	size_t body = size - 24;
	uint32_t sum;

	memcpy(bytes, "GPCOMMIT", 8);
	for (int i = 0; i < 4; i++)
		bytes[12 + i] = (uint8_t) (body >> (8 * i));
	sum = (uint32_t) crc32(0, bytes + 12, (uInt) (size - 12));
	for (int i = 0; i < 4; i++)
		bytes[8 + i] = (uint8_t) (sum >> (8 * i));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	LogCommit commit;
	LogCommit again;
	Buffer out;
	Err err;

	if (bytes == NULL)
		return 0;
	if (size > 0)
		memcpy(bytes, data, size);
	log_directory_commit_init(&commit);
	log_directory_commit_init(&again);
	buffer_init(&out, 16 << 20);
	if (size >= 24 && bytes[0] != 'X')
		put_head_right(bytes, size);
	if (log_directory_commit_decode(&commit, bytes, size, &err))
	{
		for (size_t i = 0; i < commit.ntopics; i++)
			if (strchr(commit.topics[i].name, '/') != NULL)
				abort();
		for (size_t i = 0; i < commit.nsegments; i++)
			if (commit.segments[i].topic >= commit.ntopics || commit.segments[i].sequence < 1)
				abort();
		if (!log_directory_commit_encode(&commit, &out, &err) ||
			!log_directory_commit_decode(&again, out.data, out.length, &err) ||
			again.nsegments != commit.nsegments || again.generation != commit.generation)
			abort();
	}
	log_directory_commit_release(&commit);
	log_directory_commit_release(&again);
	buffer_release(&out);
	free(bytes);
	return 0;
}
