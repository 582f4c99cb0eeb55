/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_csv.c — reads CSV as RFC 4180 has it, row by row, within bounds.
 *
 * Line breaks inside quotes belong to the value. Nothing is guessed: a row that breaks the
 * format is handed out with its problem and its bytes, and reading goes on at the line
 * after its first one, so that a single quote too many does not swallow the rest of a file.
 * Such a line is never read more than twice, whatever the file holds: in a stretch that
 * an open quote reached over, every line has an even number of quotes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/dataset.h"

#define CSV_FIRST_READ ((size_t) 256 << 10)

struct DatasetCsv
{
	char *path;
	int fd; /* -1: memory */
	bool ended;
	char separator;
	int64_t line;	  /* of the next row */
	int64_t consumed; /* bytes read from the file */
	int64_t size;
	const uint8_t *data; /* window, data[at..length) not yet parsed */
	uint8_t *owned;		 /* the window's memory when it is ours */
	size_t at;
	size_t length;
	size_t capacity;
	Buffer text; /* values of quoted fields, without quotes */
	DatasetText fields[DATASET_CSV_MAX_COLUMNS];
	size_t nfields;
	Arena names;
	const char *columns[DATASET_CSV_MAX_COLUMNS];
	size_t ncolumns;
	/* what is still to be dropped of a row that is too long */
	enum
	{
		CSV_NOTHING,
		CSV_LINE,	/* up to the next line break */
		CSV_QUOTES, /* up to one outside quotes, which open and close from here on */
	} drop;
	bool open_quote; /* the last field that was parsed ends within quotes, or not at all */
	int64_t rewind;	 /* CSV_QUOTES: where to go on if a quote is never closed */
	int64_t rewind_line;
};

typedef enum CsvResult
{
	CSV_ROW,
	CSV_BAD,
	CSV_MORE, /* the window ends within the row */
	CSV_FAILED,
} CsvResult;

/* ---- bytes ---- */

static bool
csv_fill(DatasetCsv *csv, Err *err)
{
	if (csv->ended)
		return true;
	if (csv->at > 0)
	{
		memmove(csv->owned, csv->owned + csv->at, csv->length - csv->at);
		csv->length -= csv->at;
		csv->at = 0;
	}
	if (csv->length == csv->capacity)
	{
		size_t wanted = csv->capacity == 0 ? CSV_FIRST_READ : csv->capacity * 2;
		uint8_t *grown = alloc_resize(csv->owned, wanted);

		if (grown == NULL)
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading file \"%s\"",
						   csv->path);
		csv->owned = grown;
		csv->capacity = wanted;
	}
	csv->data = csv->owned;
	while (csv->length < csv->capacity && !csv->ended)
	{
		ssize_t got = read(csv->fd, csv->owned + csv->length, csv->capacity - csv->length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not read file \"%s\": %s", csv->path,
						   strerror(errno));
		csv->ended = got == 0;
		csv->length += (size_t) got;
		csv->consumed += got;
	}
	return true;
}

bool
dataset_utf8_valid(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	const uint8_t *end = at + length;

	while (at < end)
	{
		unsigned lead = *at;
		size_t more;
		uint32_t least;
		uint32_t point;

		if (lead < 0x80)
		{
			at++;
			continue;
		}
		more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
		least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
		if (lead < 0xc2 || lead > 0xf4 || (size_t) (end - at) <= more)
			return false;
		point = lead & (0x3fu >> more);
		for (size_t i = 1; i <= more; i++)
		{
			if ((at[i] & 0xc0) != 0x80)
				return false;
			point = point << 6 | (at[i] & 0x3fu);
		}
		if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return false;
		at += more + 1;
	}
	return true;
}

/* ---- one row ---- */

/* Length of the line break at `at`: 0 none, 1 LF (or CR at the very end), 2 CRLF. */
static size_t
csv_break(const uint8_t *at, const uint8_t *end)
{
	if (at == end)
		return 0;
	if (*at == '\n')
		return 1;
	return *at != '\r' ? 0 : at + 1 == end ? 1 : at[1] == '\n' ? 2 : 0;
}

/* Reads a field in quotes; *at stands on the first quote and is left behind the last. A value
 * without doubled quotes is a slice of the window, else it is put together in csv->text, as an
 * offset (the buffer may move) that csv_settle turns into a pointer. */
static CsvResult
csv_quoted(DatasetCsv *csv, const uint8_t **at, const uint8_t *end, DatasetText *field, Err *err)
{
	const uint8_t *start = *at + 1;
	size_t offset = csv->text.length;
	bool copied = false;

	for (;;)
	{
		const uint8_t *quote = start < end ? memchr(start, '"', (size_t) (end - start)) : NULL;

		if (quote == NULL || (quote + 1 == end && !csv->ended))
			return CSV_MORE;
		if (quote + 1 < end && quote[1] == '"')
		{
			copied = true;
			if (!buffer_append(&csv->text, start, (size_t) (quote + 1 - start), err))
				return CSV_FAILED;
			start = quote + 2;
			continue;
		}
		if (copied && !buffer_append(&csv->text, start, (size_t) (quote - start), err))
			return CSV_FAILED;
		field->text = copied ? NULL : (const char *) start;
		field->length = copied ? csv->text.length - offset : (size_t) (quote - start);
		*at = quote + 1;
		return CSV_ROW;
	}
}

/* A field in quotes and what may stand behind them. */
static CsvResult
csv_quoted_field(DatasetCsv *csv, const uint8_t **at, const uint8_t *end, DatasetText *field,
				 const char **problem, Err *err)
{
	CsvResult result = csv_quoted(csv, at, end, field, err);

	csv->open_quote = result == CSV_MORE;
	if (result != CSV_ROW)
		return result;
	if (!csv->ended && (*at == end || (**at == '\r' && *at + 1 == end)))
		return CSV_MORE;
	if (*at < end && **at != (uint8_t) csv->separator && csv_break(*at, end) == 0)
	{
		*problem = "text follows a closing quote";
		return CSV_BAD;
	}
	return CSV_ROW;
}

static CsvResult
csv_field(DatasetCsv *csv, const uint8_t **at, const uint8_t *end, const char **problem, Err *err)
{
	DatasetText *field = &csv->fields[csv->nfields];
	const uint8_t *start = *at;

	if (csv->nfields == DATASET_CSV_MAX_COLUMNS)
	{
		*problem = "it has more than 1024 fields";
		return CSV_BAD;
	}
	csv->nfields++;
	csv->open_quote = false;
	if (start < end && *start == '"')
		return csv_quoted_field(csv, at, end, field, problem, err);
	while (*at < end && **at != (uint8_t) csv->separator && **at != '\n')
	{
		if (**at == '"')
			*problem = "there is a quote inside a field that is not quoted";
		else if (**at == '\r' && *at + 1 < end && (*at)[1] != '\n')
			*problem = "there is a carriage return inside a field that is not quoted";
		(*at)++;
	}
	if (*at == end && !csv->ended)
		return CSV_MORE;
	if (*problem != NULL)
		return CSV_BAD;
	if ((*at == end || **at == '\n') && *at > start && (*at)[-1] == '\r')
		(*at)--;
	field->text = (const char *) start;
	field->length = (size_t) (*at - start);
	return CSV_ROW;
}

/* Parses the row at the window's start; *next is behind its line break. */
static CsvResult
csv_parse(DatasetCsv *csv, const uint8_t **next, const char **problem, Err *err)
{
	const uint8_t *at = csv->data + csv->at;
	const uint8_t *end = csv->data + csv->length;

	csv->nfields = 0;
	*problem = NULL;
	buffer_clear(&csv->text);
	for (;;)
	{
		CsvResult result = csv_field(csv, &at, end, problem, err);

		if (result != CSV_ROW)
			return result;
		if (at == end || *at != (uint8_t) csv->separator)
			break;
		at++;
	}
	*next = at + csv_break(at, end);
	return CSV_ROW;
}

static void
csv_settle(DatasetCsv *csv)
{
	size_t offset = 0;

	for (size_t i = 0; i < csv->nfields; i++)
	{
		if (csv->fields[i].text != NULL)
			continue;
		csv->fields[i].text = (const char *) csv->text.data + offset;
		offset += csv->fields[i].length;
	}
}

static const char *
csv_judge(const DatasetCsv *csv, const DatasetCsvRow *row)
{
	if (memchr(row->raw.text, '\0', row->raw.length) != NULL)
		return "it has a NUL byte";
	if (!dataset_utf8_valid(row->raw.text, row->raw.length))
		return "it is not valid UTF-8";
	if (csv->ncolumns > 0 && row->nfields < csv->ncolumns)
		return "it has fewer fields than the header";
	if (csv->ncolumns > 0 && row->nfields > csv->ncolumns)
		return "it has more fields than the header";
	return NULL;
}

static int64_t
csv_count_lines(const uint8_t *at, const uint8_t *end)
{
	int64_t count = 0;

	while (at < end && (at = memchr(at, '\n', (size_t) (end - at))) != NULL)
	{
		count++;
		at++;
	}
	return count;
}

/* Takes the first line of what could not be parsed as one bad row; what is longer than the limit is
 * dropped at the next call. */
static bool
csv_skip_line(DatasetCsv *csv, DatasetCsvRow *row, Err *err)
{
	const uint8_t *start = csv->data + csv->at;
	const uint8_t *found = memchr(start, '\n', csv->length - csv->at);
	size_t length;

	while (found == NULL && !csv->ended && csv->length - csv->at <= DATASET_CSV_MAX_ROW)
	{
		if (!csv_fill(csv, err))
			return false;
		start = csv->data + csv->at;
		found = memchr(start, '\n', csv->length - csv->at);
	}
	length = found != NULL ? (size_t) (found - start) : csv->length - csv->at;
	row->raw.text = (const char *) start;
	row->raw.length = length > 0 && start[length - 1] == '\r' ? length - 1 : length;
	row->nfields = 0;
	row->fields = NULL;
	if (csv->drop == CSV_QUOTES)
	{
		csv->rewind = csv->consumed - (int64_t) (csv->length - csv->at - length);
		csv->rewind_line = csv->line;
		return true;
	}
	if (found == NULL && !csv->ended)
		csv->drop = CSV_LINE;
	csv->at += length + (found != NULL ? 1 : 0);
	csv->line += found != NULL ? 1 : 0;
	return true;
}

static bool csv_drop(DatasetCsv *csv, Err *err);

/* No quote closed the row: it ends with its first line, as a shorter one does. */
static bool
csv_rewind(DatasetCsv *csv, Err *err)
{
	csv->drop = CSV_LINE;
	if (csv->fd >= 0 && lseek(csv->fd, csv->rewind, SEEK_SET) < 0)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_DATA,
					   "could not read \"%s\": the quote that line %lld opens is never closed",
					   csv->path, (long long) csv->rewind_line);
		return err_hint(err, "Give it as a file, and only that line is lost.");
	}
	csv->line = csv->rewind_line;
	csv->at = csv->fd >= 0 ? 0 : (size_t) csv->rewind;
	if (csv->fd >= 0)
	{
		csv->length = 0;
		csv->consumed = csv->rewind;
		csv->ended = false;
	}
	return csv_drop(csv, err);
}

/* What follows of a row that was too long is no row. */
static bool
csv_drop(DatasetCsv *csv, Err *err)
{
	bool inside = false;

	for (;;)
	{
		while (csv->at < csv->length)
		{
			uint8_t byte = csv->data[csv->at++];

			inside ^= byte == '"' && csv->drop == CSV_QUOTES;
			csv->line += byte == '\n';
			if (byte == '\n' && !inside)
			{
				csv->drop = CSV_NOTHING;
				return true;
			}
		}
		if (csv->ended)
			break;
		if (!csv_fill(csv, err))
			return false;
	}
	if (inside)
		return csv_rewind(csv, err);
	csv->drop = CSV_NOTHING;
	return true;
}

/* One row or bad line; *found false at the end. */
static bool
csv_step(DatasetCsv *csv, DatasetCsvRow *row, bool *found, Err *err)
{
	const uint8_t *next = NULL;
	CsvResult result;

	*found = false;
	for (;;)
	{
		if (csv->at == csv->length)
		{
			if (csv->ended)
				return true;
			if (!csv_fill(csv, err))
				return false;
			continue;
		}
		result = csv_parse(csv, &next, &row->problem, err);
		if (result != CSV_MORE || csv->ended || csv->length - csv->at > DATASET_CSV_MAX_ROW)
			break;
		if (!csv_fill(csv, err))
			return false;
	}
	if (result == CSV_FAILED)
		return false;
	*found = true;
	row->line = csv->line;
	if (result == CSV_MORE && csv->open_quote && !csv->ended)
		csv->drop = CSV_QUOTES;
	if (result == CSV_MORE)
		row->problem = csv->ended ? "a quote is never closed"
								  : "it is longer than 1 MiB, or a quote is never closed";
	if (result != CSV_ROW)
		return csv_skip_line(csv, row, err);
	csv_settle(csv);
	row->raw.text = (const char *) csv->data + csv->at;
	row->raw.length = (size_t) (next - csv->data) - csv->at;
	while (row->raw.length > 0 && (row->raw.text[row->raw.length - 1] == '\n' ||
								   row->raw.text[row->raw.length - 1] == '\r'))
		row->raw.length--;
	row->nfields = csv->nfields;
	row->fields = csv->fields;
	row->problem = csv_judge(csv, row);
	csv->line += csv_count_lines(csv->data + csv->at, next);
	csv->at = (size_t) (next - csv->data);
	return true;
}

bool
dataset_csv_next(DatasetCsv *csv, DatasetCsvRow *row, bool *found, Err *err)
{
	do
	{
		if ((csv->drop != CSV_NOTHING && !csv_drop(csv, err)) || !csv_step(csv, row, found, err))
			return false;
	} while (*found && row->raw.length == 0);
	return true;
}

/* ---- opening ---- */

static bool
csv_header(DatasetCsv *csv, Err *err)
{
	DatasetCsvRow row;
	bool found;

	if (!csv_fill(csv, err))
		return false;
	if (csv->length >= 3 && memcmp(csv->data, "\xef\xbb\xbf", 3) == 0)
		csv->at = 3;
	else if (csv->length >= 2 &&
			 (memcmp(csv->data, "\xff\xfe", 2) == 0 || memcmp(csv->data, "\xfe\xff", 2) == 0))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_DATA, "could not read file \"%s\": it is UTF-16",
					   csv->path);
		return err_hint(err, "Convert it to UTF-8: iconv -f UTF-16 -t UTF-8.");
	}
	if (!dataset_csv_next(csv, &row, &found, err))
		return false;
	if (!found)
		return err_set(err, ERR_CLASS_USAGE, ERR_DATA,
					   "could not read file \"%s\": it is empty, not even a header is there",
					   csv->path);
	if (row.problem != NULL)
		return err_set(err, ERR_CLASS_USAGE, ERR_DATA,
					   "could not read the header of file \"%s\", line %lld: %s", csv->path,
					   (long long) row.line, row.problem);
	for (size_t i = 0; i < row.nfields; i++)
	{
		csv->columns[i] = arena_text(&csv->names, row.fields[i].text, row.fields[i].length, err);
		if (csv->columns[i] == NULL)
			return false;
	}
	csv->ncolumns = row.nfields;
	return true;
}

static DatasetCsv *
csv_new(const char *path, char separator, Err *err)
{
	DatasetCsv *csv = alloc_zero(sizeof(*csv));

	if (csv == NULL || (csv->path = alloc_text(path)) == NULL)
	{
		alloc_free(csv);
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening file \"%s\"", path);
		return NULL;
	}
	csv->fd = -1;
	csv->size = -1;
	csv->line = 1;
	csv->separator = separator;
	buffer_init(&csv->text, 4 * DATASET_CSV_MAX_ROW);
	arena_init(&csv->names, 2 * DATASET_CSV_MAX_ROW);
	return csv;
}

DatasetCsv *
dataset_csv_open(const char *path, char separator, Err *err)
{
	DatasetCsv *csv = csv_new(path, separator, err);
	struct stat status;

	if (csv == NULL)
		return NULL;
	csv->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (csv->fd < 0 || fstat(csv->fd, &status) != 0)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
	else if (S_ISDIR(status.st_mode))
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not read \"%s\": it is a directory",
					   path);
	else
	{
		if (S_ISREG(status.st_mode))
			csv->size = status.st_size;
		if (csv_header(csv, err))
			return csv;
	}
	dataset_csv_close(csv);
	return NULL;
}

DatasetCsv *
dataset_csv_memory(const void *bytes, size_t length, char separator, const char *name, Err *err)
{
	DatasetCsv *csv = csv_new(name, separator, err);

	if (csv == NULL)
		return NULL;
	csv->data = bytes != NULL ? bytes : (const uint8_t *) "";
	csv->length = length;
	csv->size = csv->consumed = (int64_t) length;
	csv->ended = true;
	if (csv_header(csv, err))
		return csv;
	dataset_csv_close(csv);
	return NULL;
}

void
dataset_csv_close(DatasetCsv *csv)
{
	if (csv == NULL)
		return;
	if (csv->fd >= 0)
		(void) close(csv->fd);
	buffer_release(&csv->text);
	arena_release(&csv->names);
	alloc_free(csv->owned);
	alloc_free(csv->path);
	alloc_free(csv);
}

/* ---- what is known ---- */

const char *
dataset_csv_path(const DatasetCsv *csv)
{
	return csv->path;
}

size_t
dataset_csv_columns(const DatasetCsv *csv)
{
	return csv->ncolumns;
}

const char *
dataset_csv_column(const DatasetCsv *csv, size_t index)
{
	return csv->columns[index];
}

int
dataset_csv_find(const DatasetCsv *csv, const char *name)
{
	int found = -1;

	for (size_t i = 0; i < csv->ncolumns; i++)
	{
		if (strcmp(csv->columns[i], name) != 0)
			continue;
		if (found >= 0)
			return -2;
		found = (int) i;
	}
	return found;
}

void
dataset_csv_progress(const DatasetCsv *csv, int64_t *read, int64_t *size)
{
	*read = csv->consumed - (int64_t) (csv->length - csv->at);
	*size = csv->size;
}
