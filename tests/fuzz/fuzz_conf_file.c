/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_conf_file.c — any bytes as a configuration file.
 */
#include <stddef.h>
#include <stdint.h>

#include "goldpan/conf_file.h"

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
	ConfFile *file = conf_file_parse((const char *) data, size, "fuzz", &err);

	conf_file_free(file);
	return 0;
}
