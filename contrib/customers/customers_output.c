/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_output — rows in memory, and the table on disk.
 *
 * Rows are kept as packed text, so that a million of them fit, and written in an order that says
 * nothing about who belongs together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "customers.h"

#define BLOCK_SIZE ((size_t) 4 << 20)

typedef struct Block
{
	struct Block *next;
	size_t used;
	char bytes[];
} Block;

static Block *blocks;

void
row_keep(Row *row, const Record *record, bool persons)
{
	int columns = columns_of(persons);
	size_t need = 0;

	for (int i = 0; i < columns; i++)
		need += strlen(record->value[i]) + 1;
	if (blocks == NULL || blocks->used + need > BLOCK_SIZE)
	{
		Block *block = malloc(sizeof(*block) + BLOCK_SIZE);

		if (block == NULL)
			abort();
		block->next = blocks;
		block->used = 0;
		blocks = block;
	}
	row->values = blocks->bytes + blocks->used;
	for (int i = 0; i < columns; i++)
	{
		size_t length = strlen(record->value[i]) + 1;

		memcpy(blocks->bytes + blocks->used, record->value[i], length);
		blocks->used += length;
	}
}

void
rows_release(void)
{
	while (blocks != NULL)
	{
		Block *next = blocks->next;

		free(blocks);
		blocks = next;
	}
}

void
header_write(FILE *out, bool persons)
{
	const char *const *names = persons ? person_columns : firm_columns;

	fputs("record_id,source,truth,class,class_group", out);
	for (int i = 0; names[i] != NULL; i++)
		fprintf(out, ",%s", names[i]);
	putc('\n', out);
}

static void
field_write(FILE *out, const char *value)
{
	putc(',', out);
	if (strpbrk(value, ",\"\n\r") == NULL)
	{
		fputs(value, out);
		return;
	}
	putc('"', out);
	for (; *value != '\0'; value++)
	{
		if (*value == '"')
			putc('"', out);
		putc(*value, out);
	}
	putc('"', out);
}

/* values == NULL: a deletion, which has none. */
void
row_write(FILE *out, bool persons, const Row *row, long place, const char *values)
{
	char kind = persons ? 'p' : 'c';
	int columns = columns_of(persons);

	fprintf(out, "%c%07ld,%s,%c%ld,%s,", kind, place + 1, system_names[row->system],
			persons ? 'P' : 'C', row->truth, class_names[row->class]);
	if (row->group >= 0)
		fprintf(out, "g%ld", row->group);
	for (int i = 0; i < columns; i++)
	{
		field_write(out, values == NULL ? "" : values);
		if (values != NULL)
			values += strlen(values) + 1;
	}
	putc('\n', out);
}

bool
table_write(const char *folder, bool persons, const Row *rows, long count, const long *order)
{
	char path[4096];
	FILE *out;
	bool failed;

	put(path, sizeof(path), "%s/%s.csv", folder, persons ? "persons" : "companies");
	out = fopen(path, "w");
	if (out == NULL)
	{
		fprintf(stderr, "could not create file \"%s\": %s\n", path, strerror(errno));
		return false;
	}
	header_write(out, persons);
	for (long i = 0; i < count; i++)
		row_write(out, persons, &rows[order[i]], i, rows[order[i]].values);
	failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed)
	{
		fprintf(stderr, "could not write file \"%s\": %s\n", path, strerror(errno));
		return false;
	}
	return true;
}
