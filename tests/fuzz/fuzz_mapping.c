/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_mapping.c — any bytes as a mapping file: read, checked, printed.
 */
#include <stddef.h>
#include <stdint.h>

#include "goldpan/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses its text buffer when a syntax error follows a text: 64 bytes per refused
 * file, not ours to mend. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Err err;
	Arena arena;
	Mapping *mapping = NULL;
	MappingProblems problems = {.arena = &arena};
	Buffer out;

	arena_init(&arena, (size_t) 64 << 20);
	buffer_init(&out, (size_t) 4 << 20);
	if (mapping_parse((const char *) data, size, "fuzz", NULL, &mapping, &problems, &err) ||
		mapping != NULL)
	{
		if (mapping_show(mapping, SHOW_MARKDOWN, &out, &err))
			buffer_clear(&out);
		(void) !mapping_show(mapping, SHOW_CSV, &out, &err);
	}
	mapping_free(mapping);
	buffer_release(&out);
	arena_release(&arena);
	return 0;
}
