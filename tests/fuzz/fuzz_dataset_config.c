/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_dataset_config.c — any bytes as an identity configuration.
 */
#include <stddef.h>
#include <stdint.h>

#include "goldpan/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena arena;
	Err err;

	arena_init(&arena, (size_t) 16 << 20);
	err_clear(&err);
	(void) !dataset_config_parse((const char *) data, size, "fuzz", &arena, &err);
	arena_release(&arena);
	return 0;
}
