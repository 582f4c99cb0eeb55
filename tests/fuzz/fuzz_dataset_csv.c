/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_dataset_csv.c — any bytes as a CSV file; good rows are written and read again.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(const DatasetCsvRow *row)
{
	Buffer out;
	Err err;
	DatasetCsv *csv;
	DatasetCsvRow second;
	bool found;

	buffer_init(&out, (size_t) 64 << 20);
	for (size_t i = 0; i < row->nfields; i++)
	{
		if (!dataset_csv_put(&out, i == 0, "c", 1, &err))
			abort();
	}
	if (!dataset_csv_end(&out, &err))
		abort();
	for (size_t i = 0; i < row->nfields; i++)
	{
		if (!dataset_csv_put(&out, i == 0, row->fields[i].text, row->fields[i].length, &err))
			abort();
	}
	if (!dataset_csv_end(&out, &err))
		abort();
	csv = dataset_csv_memory(out.data, out.length, ',', "again", &err);
	if (csv == NULL || !dataset_csv_next(csv, &second, &found, &err))
		abort();
	/* A row of one empty field is an empty line, which is no row. */
	if (!found && row->nfields == 1 && row->fields[0].length == 0)
		goto out;
	if (!found || second.problem != NULL || second.nfields != row->nfields)
		abort();
	for (size_t i = 0; i < row->nfields; i++)
	{
		if (second.fields[i].length != row->fields[i].length ||
			memcmp(second.fields[i].text, row->fields[i].text, row->fields[i].length) != 0)
			abort();
	}
out:
	dataset_csv_close(csv);
	buffer_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Err err;
	DatasetCsv *csv = dataset_csv_memory(data, size, ',', "fuzz", &err);
	DatasetCsvRow row;
	bool found = csv != NULL;

	while (found)
	{
		if (!dataset_csv_next(csv, &row, &found, &err))
			abort();
		if (found && row.problem == NULL)
			again(&row);
	}
	dataset_csv_close(csv);
	return 0;
}
