/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset.h — record files for the identity engine: CSV, the directory log, configurations, state.
 *
 * The engine knows no files. This room reads rows into records, keeps what must be there
 * tomorrow, and writes results. Texts may hold personal values: they go into the files
 * the operator asked for (mode 0600) and never into a message.
 */
#ifndef GOLDPAN_DATASET_H
#define GOLDPAN_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "goldpan/arena.h"
#include "goldpan/buffer.h"
#include "goldpan/err.h"
#include "goldpan/identity.h"

/* ---- reading CSV (RFC 4180) ---- */

#define DATASET_CSV_MAX_COLUMNS 1024
#define DATASET_CSV_MAX_ROW		((size_t) 1 << 20) /* bytes of one row */

typedef struct DatasetCsv DatasetCsv;

typedef struct DatasetText
{
	const char *text; /* not terminated */
	size_t length;
} DatasetText;

typedef struct DatasetCsvRow
{
	int64_t line;		 /* of its first byte, from 1 */
	const char *problem; /* NULL: a good row; else why it is none, a constant text */
	DatasetText raw;	 /* its bytes without the line break that ends it */
	size_t nfields;
	const DatasetText *fields; /* valid UTF-8; of a good row as many as the header has */
} DatasetCsvRow;

/* Opens a file and reads its header; "-" is standard input. Line ends may be LF or CRLF, a UTF-8
 * byte-order mark is skipped. Errors: USAGE ERR_IO; USAGE ERR_DATA for an empty file, a bad header or
 * another encoding. Free with dataset_csv_close. */
DatasetCsv *dataset_csv_open(const char *path, char separator, Err *err) MUST_CHECK;
/* The same from memory, which is borrowed; `name` is for messages. */
DatasetCsv *dataset_csv_memory(const void *bytes, size_t length, char separator, const char *name,
							   Err *err) MUST_CHECK;
void dataset_csv_close(DatasetCsv *csv);

const char *dataset_csv_path(const DatasetCsv *csv);
size_t dataset_csv_columns(const DatasetCsv *csv);
/* Name of a column, zero-terminated; or its index, -1 when there is none, -2 when it is there twice. */
const char *dataset_csv_column(const DatasetCsv *csv, size_t index);
int dataset_csv_find(const DatasetCsv *csv, const char *name);

/* The next row, valid until the next call; *found false at the end. Lines that are empty are no
 * rows. A row that breaks the format comes with its problem, and reading goes on at the
 * line after its first: a quote that was never closed costs one line. Errors: STOP ERR_IO, ERR_NOMEM. */
bool dataset_csv_next(DatasetCsv *csv, DatasetCsvRow *row, bool *found, Err *err) MUST_CHECK;
/* Bytes read and the file's size (-1: not known), for progress. */
void dataset_csv_progress(const DatasetCsv *csv, int64_t *read, int64_t *size);

/* ---- writing ---- */

/* Appends a field, quoted where it must be, with a comma before it unless it is the first of a row. */
bool dataset_csv_put(Buffer *out, bool first, const char *text, size_t length, Err *err) MUST_CHECK;
bool dataset_csv_end(Buffer *out, Err *err) MUST_CHECK; /* LF */

/* A file that appears under its name when it is complete and flushed, or not at all: mode 0600,
 * written beside it, then renamed. What a link leads to is replaced, not the link. "-" and
 * /dev/stdout are standard output, /dev/fd/N is that open file; pipes are written as they are. */
typedef struct DatasetFile DatasetFile;

DatasetFile *dataset_file_create(const char *path, Err *err) MUST_CHECK;
/* Where to append; call dataset_file_flush now and then, it writes when there is enough. */
Buffer *dataset_file_buffer(DatasetFile *file);
bool dataset_file_flush(DatasetFile *file, Err *err) MUST_CHECK;
/* Writes, flushes to disk, renames and frees; on failure the file is removed and freed. */
bool dataset_file_finish(DatasetFile *file, Err *err) MUST_CHECK;
/* Removes what was written; NULL is allowed. */
void dataset_file_abandon(DatasetFile *file);

bool dataset_utf8_valid(const void *bytes, size_t length);

/* ---- identity configurations ---- */

typedef struct DatasetColumn
{
	const char *name; /* of the CSV column, or the canonical field */
	int line;		  /* in the configuration */
	IdentityAttribute attribute;
	unsigned flags;			 /* IDENTITY_VERIFIED, IDENTITY_EXCLUSIVE */
	const char *scheme;		 /* of a strong id */
	const char *date_format; /* "DD/MM/YYYY"; NULL: as it is */
} DatasetColumn;

/* How the rows of one kind of file become records. */
typedef struct DatasetInput
{
	const char *name; /* as --input NAME=FILE says it */
	int line;
	IdentityKind kind;
	const char *topic; /* of the directory log; NULL: CSV */
	const char *source;
	const char *source_column; /* instead of source */
	const char *record_id;	   /* column */
	const char *country;	   /* of a record that names none; or NULL */
	char separator;
	size_t ncolumns;
	const DatasetColumn *columns;
} DatasetInput;

typedef struct DatasetParameter /* of the model, set before training */
{
	const char *name;
	double value;
} DatasetParameter;

typedef struct DatasetConfig
{
	const char *path;
	const char *deployment;
	size_t nparameters;
	const DatasetParameter *parameters;
	size_t ninputs;
	const DatasetInput *inputs;
	bool several_sources; /* rows may come from more than one source */
} DatasetConfig;

/* Reads an identity configuration; everything lives in `arena`. Errors: USAGE ERR_CONFIG with file
 * and line, ERR_IO. */
DatasetConfig *dataset_config_load(const char *path, Arena *arena, Err *err) MUST_CHECK;
DatasetConfig *dataset_config_parse(const char *text, size_t length, const char *path, Arena *arena,
									Err *err) MUST_CHECK;
/* The input of that name, or NULL. */
const DatasetInput *dataset_config_input(const DatasetConfig *config, const char *name,
										 size_t length);

/* Rewrites a date of that format as YYYY-MM-DD; false when it is not of the format. */
bool dataset_date(const char *format, const char *text, size_t length, char iso[11]);

/* ---- records ---- */

#define DATASET_MAX_ID	   1024 /* bytes of a record's id */
#define DATASET_MAX_SOURCE 200	/* and of its source's name */

typedef enum DatasetStep
{
	DATASET_END,
	DATASET_RECORD,
	DATASET_DELETED,  /* log: the record's last word is a delete */
	DATASET_ERASED,	  /* log: it is to be forgotten */
	DATASET_REJECTED, /* record->problem says why */
} DatasetStep;

/* When its source wrote something: the order of one source (meta.end_lsn, meta.ordinal). */
typedef struct DatasetMoment
{
	uint64_t lsn;
	uint64_t ordinal;
} DatasetMoment;

/* Valid until the next step. Of a deleted or erased one only ref and kind. */
typedef struct DatasetRecord
{
	IdentityKind kind;
	IdentityRef ref;
	const IdentityField *fields;
	size_t nfields;
	int64_t line;		  /* CSV */
	const char *problem;  /* a constant text */
	DatasetText raw;	  /* CSV: the row's bytes */
	DatasetMoment at;	  /* log: of the last create or update; 0: there is none */
	DatasetMoment copied; /* log: of the last copy of the table that has it; 0: there is none */
	bool erased;		  /* log: it has an erasure of the record, and this is what came after */
	DatasetMoment erased_at;
	/* log: a bit for each attribute whose values the last update did not change, and that no event
	 * before it in the log tells; fields have none of it */
	uint32_t unknown;
} DatasetRecord;

typedef struct DatasetReader DatasetReader;

/* Opens a CSV file, or for an input with a topic the directory log at `path`. A log is folded
 * first: its records' last states are handed out, at most `ceiling` bytes of them. */
DatasetReader *dataset_reader_open(const DatasetConfig *config, const DatasetInput *input,
								   const char *path, size_t ceiling, Err *err) MUST_CHECK;
bool dataset_reader_next(DatasetReader *reader, DatasetRecord *record, DatasetStep *step,
						 Err *err) MUST_CHECK;
void dataset_reader_progress(const DatasetReader *reader, int64_t *done, int64_t *size);
void dataset_reader_close(DatasetReader *reader);

#endif
