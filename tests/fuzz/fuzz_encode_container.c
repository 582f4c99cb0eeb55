/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_encode_container.c — any bytes as an Avro object container file.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "goldpan/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("container", MFD_CLOEXEC);
	ContainerReader *reader = NULL;
	char path[64];
	Buffer json;
	Err err;

	buffer_init(&json, 1 << 20);
	if (fd < 0 || write(fd, data, size) != (ssize_t) size)
		abort();
	(void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = container_open(path, -1, &err);
	for (int records = 0; reader != NULL && records < 10000; records++)
	{
		AvroReader record;
		bool found;

		if (!container_next(reader, &record, &found, &err) || !found)
			break;
		buffer_clear(&json);
		if (encode_read_json(container_schema(reader), &record, &json, &err) &&
			record.next != record.end)
			abort();
	}
	container_close(reader);
	buffer_release(&json);
	(void) close(fd);
	return 0;
}
