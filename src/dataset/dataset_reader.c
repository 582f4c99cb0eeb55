/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_reader.c — turns rows of a CSV file, or states of the log, into records.
 *
 * A row that cannot be a record is handed out with its problem: the caller writes it to the
 * rejects and goes on. What cannot be true of a single row (a column that is not there)
 * ends the run before the first one.
 */
#include <stdio.h>
#include <string.h>

#include "dataset/dataset_priv.h"
#include "goldpan/alloc.h"
#include "goldpan/conf_file.h"

struct DatasetReader
{
	const DatasetConfig *config;
	const DatasetInput *input;
	DatasetCsv *csv;   /* or */
	DatasetFold *fold; /* the other is NULL */
	int record_id;
	int source_column;
	int *columns; /* index in the row of each input column */
	IdentityField *fields;
	char (*dates)[11];
	char source[DATASET_MAX_SOURCE + 1];
	char id[DATASET_MAX_ID + 1];
};

/* ---- opening ---- */

static bool
reader_column(const DatasetReader *reader, const char *name, int line, int *index, Err *err)
{
	const char *names[DATASET_CSV_MAX_COLUMNS + 1];
	const char *nearest;
	size_t count = dataset_csv_columns(reader->csv);

	*index = dataset_csv_find(reader->csv, name);
	if (*index >= 0)
		return true;
	if (*index == -2)
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "file \"%s\" has two columns \"%s\", which %s:%d names",
					   dataset_csv_path(reader->csv), name, reader->config->path, line);
	(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
				   "file \"%s\" has no column \"%s\", which %s:%d names",
				   dataset_csv_path(reader->csv), name, reader->config->path, line);
	for (size_t i = 0; i < count; i++)
		names[i] = dataset_csv_column(reader->csv, i);
	names[count] = NULL;
	nearest = conf_suggest(name, names);
	if (nearest != NULL)
		return err_hint(err, "It has a column \"%s\".", nearest);
	/* not what the line says: it may be a record of somebody's */
	if (count == 1)
		return err_hint(err,
						"Its first line has one column: is it a header, and does the input need "
						"a \"separator\"?");
	return err_hint(err, "Its first line has %zu columns: is it a header?", count);
}

static bool
reader_open_csv(DatasetReader *reader, const char *path, Err *err)
{
	const DatasetInput *input = reader->input;

	reader->csv = dataset_csv_open(path, input->separator, err);
	if (reader->csv == NULL ||
		!reader_column(reader, input->record_id, input->line, &reader->record_id, err) ||
		(input->source_column != NULL &&
		 !reader_column(reader, input->source_column, input->line, &reader->source_column, err)))
		return false;
	for (size_t i = 0; i < input->ncolumns; i++)
	{
		if (!reader_column(reader, input->columns[i].name, input->columns[i].line,
						   &reader->columns[i], err))
			return false;
	}
	return true;
}

DatasetReader *
dataset_reader_open(const DatasetConfig *config, const DatasetInput *input, const char *path,
					size_t ceiling, Err *err)
{
	DatasetReader *reader = alloc_zero(sizeof(*reader));
	bool ok = reader != NULL;

	if (ok)
	{
		reader->config = config;
		reader->input = input;
		reader->source_column = -1;
		reader->columns = alloc_zero(input->ncolumns * sizeof(*reader->columns));
		reader->fields = alloc_zero((input->ncolumns + 1) * sizeof(*reader->fields));
		reader->dates = alloc_zero(input->ncolumns * sizeof(*reader->dates));
		ok = reader->columns != NULL && reader->fields != NULL && reader->dates != NULL;
	}
	if (!ok)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening \"%s\"", path);
	else if (input->topic != NULL)
		ok = (reader->fold = dataset_fold_open(path, input, ceiling, err)) != NULL;
	else
		ok = reader_open_csv(reader, path, err);
	if (ok)
		return reader;
	dataset_reader_close(reader);
	return NULL;
}

void
dataset_reader_close(DatasetReader *reader)
{
	if (reader == NULL)
		return;
	dataset_csv_close(reader->csv);
	dataset_fold_close(reader->fold);
	alloc_free(reader->columns);
	alloc_free(reader->fields);
	alloc_free(reader->dates);
	alloc_free(reader);
}

void
dataset_reader_progress(const DatasetReader *reader, int64_t *done, int64_t *size)
{
	if (reader->csv != NULL)
		dataset_csv_progress(reader->csv, done, size);
	else
		dataset_fold_progress(reader->fold, done, size);
}

/* ---- records ---- */

static bool
reader_blank(const DatasetText *value)
{
	for (size_t i = 0; i < value->length; i++)
	{
		if (value->text[i] != ' ' && value->text[i] != '\t' && value->text[i] != '\n' &&
			value->text[i] != '\r')
			return false;
	}
	return true;
}

/* Adds the value of column `index`, if there is one. */
static void
reader_field(DatasetReader *reader, DatasetRecord *record, size_t index, const DatasetText *value)
{
	const DatasetColumn *column = &reader->input->columns[index];
	IdentityField *field = &reader->fields[record->nfields];

	if (value->text == dataset_unknown)
		record->unknown |= UINT32_C(1) << column->attribute;
	if (value->text == NULL || reader_blank(value))
		return;
	field->attribute = column->attribute;
	field->flags = column->flags;
	field->scheme = column->scheme;
	field->text = value->text;
	field->length = value->length;
	if (column->date_format != NULL &&
		dataset_date(column->date_format, value->text, value->length, reader->dates[index]))
	{
		field->text = reader->dates[index];
		field->length = 10;
	}
	record->nfields++;
}

static void
reader_finish(DatasetReader *reader, DatasetRecord *record)
{
	record->fields = reader->fields;
	record->kind = reader->input->kind;
	if (reader->input->country == NULL || record->unknown >> IDENTITY_COUNTRY & 1)
		return;
	for (size_t i = 0; i < record->nfields; i++)
	{
		if (reader->fields[i].attribute == IDENTITY_COUNTRY)
			return;
	}
	reader->fields[record->nfields].attribute = IDENTITY_COUNTRY;
	reader->fields[record->nfields].flags = 0;
	reader->fields[record->nfields].scheme = NULL;
	reader->fields[record->nfields].text = reader->input->country;
	reader->fields[record->nfields].length = strlen(reader->input->country);
	record->nfields++;
}

/* Copies a key with its zero; NULL, or why it cannot be one. */
static const char *
reader_key(const DatasetText *value, char *key, size_t size, const char *empty, const char *large)
{
	if (reader_blank(value))
		return empty;
	if (value->length >= size)
		return large;
	memcpy(key, value->text, value->length);
	key[value->length] = '\0';
	return NULL;
}

static void
reader_row(DatasetReader *reader, const DatasetCsvRow *row, DatasetRecord *record)
{
	const DatasetInput *input = reader->input;

	record->line = row->line;
	record->raw = row->raw;
	record->problem = row->problem;
	if (record->problem != NULL)
		return;
	record->problem = reader_key(&row->fields[reader->record_id], reader->id, sizeof(reader->id),
								 "it has no record id", "its record id is longer than 1024 bytes");
	record->ref.id = record->problem == NULL ? reader->id : "";
	record->ref.source = input->source;
	if (reader->source_column >= 0 && record->problem == NULL)
	{
		record->problem =
			reader_key(&row->fields[reader->source_column], reader->source, sizeof(reader->source),
					   "it has no source", "its source is longer than 200 bytes");
		record->ref.source = reader->source;
	}
	for (size_t i = 0; record->problem == NULL && i < input->ncolumns; i++)
		reader_field(reader, record, i, &row->fields[reader->columns[i]]);
}

/* Which values of an attribute are which column's, a state does not keep. */
static void
reader_unknown(const DatasetReader *reader, DatasetRecord *record, const DatasetText *values,
			   DatasetStep *step)
{
	for (size_t i = 0; i < reader->input->ncolumns; i++)
	{
		if (!(record->unknown >> reader->input->columns[i].attribute & 1) ||
			values[i].text == NULL || values[i].text == dataset_unknown)
			continue;
		record->problem =
			"a value that did not change is not in the log any more, nor can it be told "
			"from others of its kind";
		*step = DATASET_REJECTED;
	}
}

bool
dataset_reader_next(DatasetReader *reader, DatasetRecord *record, DatasetStep *step, Err *err)
{
	DatasetFolded folded;
	DatasetCsvRow row;
	bool found;

	memset(record, 0, sizeof(*record));
	record->ref.source = record->ref.id = "";
	*step = DATASET_END;
	if (reader->csv != NULL)
	{
		if (!dataset_csv_next(reader->csv, &row, &found, err))
			return false;
		if (!found)
			return true;
		reader_row(reader, &row, record);
		*step = record->problem != NULL ? DATASET_REJECTED : DATASET_RECORD;
	}
	else
	{
		if (!dataset_fold_next(reader->fold, &folded))
			return true;
		record->ref.source = folded.source;
		record->ref.id = folded.id;
		*step = folded.step;
		record->at = folded.at;
		record->copied = folded.copied;
		record->erased = folded.erased;
		record->erased_at = folded.erased_at;
		record->problem =
			folded.id[0] == '\0'						 ? "it has no record id"
			: strlen(folded.id) > DATASET_MAX_ID		 ? "its record id is longer than 1024 bytes"
			: strlen(folded.source) > DATASET_MAX_SOURCE ? "its source is longer than 200 bytes"
														 : NULL;
		if (record->problem != NULL)
			*step = DATASET_REJECTED;
		for (size_t i = 0; *step == DATASET_RECORD && i < reader->input->ncolumns; i++)
			reader_field(reader, record, i, &folded.values[i]);
		if (*step == DATASET_RECORD && record->unknown != 0)
			reader_unknown(reader, record, folded.values, step);
	}
	reader_finish(reader, record);
	return true;
}
