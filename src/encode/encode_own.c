/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_own.c — the schemas of Goldpan's own records, compiled in.
 *
 * Unlike the canonical entities nobody may override them: program and log
 * agree on them.
 */
#include "goldpan/encode.h"

#include "dead_letter_avsc.h"
#include "key_avsc.h"
#include "progress_avsc.h"
#include "snapshot_avsc.h"

const char *
encode_own_schema(const char *name)
{
	static const struct
	{
		const char *name;
		const unsigned char *text;
	} own[] = {
		{"dead_letter", avsc_dead_letter},
		{"key", avsc_key},
		{"progress", avsc_progress},
		{"snapshot", avsc_snapshot},
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(own[i].name, name) == 0)
			return (const char *) own[i].text;
	return NULL;
}
