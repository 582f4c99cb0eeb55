/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_mapping_zone.c — any bytes as a TZif file, then used at many instants.
 */
#include "mapping/mapping_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t instants[] = {
		INT64_C(-62135596800), INT64_C(-2500000000), -1, 0, INT64_C(1750000000),
		INT64_C(4000000000),   INT64_C(253402300799)};
	Err err;
	Arena arena;
	const char *why;
	Zone *zone;

	err_clear(&err);
	arena_init(&arena, (size_t) 16 << 20);
	zone = mapping_zone_parse(&arena, data, size, &why, &err);
	for (size_t i = 0; zone != NULL && i < sizeof(instants) / sizeof(instants[0]); i++)
	{
		(void) mapping_zone_offset(zone, instants[i]);
		(void) mapping_zone_to_utc(zone, instants[i]);
	}
	arena_release(&arena);
	return 0;
}
