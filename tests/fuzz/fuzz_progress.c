/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_progress.c — any bytes as a progress record; what is read must survive a round trip.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/progress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Progress first;
	Progress second;
	Buffer once;
	Buffer twice;
	Err err;

	progress_init(&first);
	progress_init(&second);
	buffer_init(&once, 1 << 20);
	buffer_init(&twice, 1 << 20);
	if (progress_decode(&first, data, size, &err))
	{
		if (!progress_encode(&first, &once, &err) ||
			!progress_decode(&second, once.data, once.length, &err) ||
			!progress_encode(&second, &twice, &err) || once.length != twice.length ||
			memcmp(once.data, twice.data, once.length) != 0)
			abort();
	}
	progress_release(&first);
	progress_release(&second);
	buffer_release(&once);
	buffer_release(&twice);
	return 0;
}
