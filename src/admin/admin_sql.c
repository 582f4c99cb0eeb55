/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_sql.c — texts for queries: names as an array parameter.
 */
#include "goldpan/admin.h"

char *
admin_sql_array(Arena *arena, const char *const *items, size_t count, Err *err)
{
	Buffer text;
	char *array = NULL;
	bool ok;

	buffer_init(&text, 1 << 20);
	ok = buffer_append_byte(&text, '{', err);
	for (size_t i = 0; ok && i < count; i++)
	{
		ok = buffer_append_text(&text, i > 0 ? ",\"" : "\"", err);
		for (const char *c = items[i]; ok && *c != '\0'; c++)
		{
			if (*c == '"' || *c == '\\')
				ok = buffer_append_byte(&text, '\\', err);
			ok = ok && buffer_append_byte(&text, (uint8_t) *c, err);
		}
		ok = ok && buffer_append_byte(&text, '"', err);
	}
	ok = ok && buffer_append_byte(&text, '}', err);
	if (ok)
		array = arena_text(arena, (const char *) text.data, text.length, err);
	buffer_release(&text);
	return array;
}
