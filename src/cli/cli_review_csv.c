/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review_csv.c — questions as a CSV file for many people, and their answers back.
 *
 * A row names the two customers with the versions they had. Where either has changed since, also by a row
 * before it, the row is stale: it is refused with its reason and the others are taken.
 */
#include "cli/cli_review_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

enum
{
	COLUMN_ANSWER,
	COLUMN_FOREIGN,
	COLUMN_USER,
	COLUMN_NOTE,
	COLUMN_TYPE,
	COLUMN_SOURCE_A,
	COLUMN_ID_A,
	COLUMN_SOURCE_B,
	COLUMN_ID_B,
	COLUMN_CUSTOMER_A,
	COLUMN_CUSTOMER_B,
	COLUMN_VERSION_A,
	COLUMN_VERSION_B,
	COLUMNS
};

static const char *const csv_columns[COLUMNS] = {
	"answer",	  "foreign_records", "user",	 "note",		"type",
	"source_a",	  "record_id_a",	 "source_b", "record_id_b", "customer_a",
	"customer_b", "version_a",		 "version_b"};

/* ---- export ---- */

typedef struct ExportRun
{
	ReviewSession *session;
	DatasetFile *file;
	Buffer text;
	size_t rows;
	bool ok;
	Err *err;
} ExportRun;

static bool
csv_put(ExportRun *run, const char *text)
{
	return dataset_csv_put(dataset_file_buffer(run->file), false, text, strlen(text), run->err);
}

/* "given_name: Ann; family_name: Lee": what a person decides by. */
static bool
csv_put_values(ExportRun *run, IdentityRef ref)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	DatasetStored stored;
	size_t count = 0;

	buffer_clear(&run->text);
	if (dataset_store_find(run->session->store, ref, &stored))
		count = dataset_store_fields(&stored, fields);
	for (size_t i = 0; i < count; i++)
	{
		if (!buffer_printf(&run->text, run->err, "%s%s: ", i > 0 ? "; " : "",
						   identity_attribute_name(fields[i].attribute)) ||
			!cli_terminal_text(&run->text, fields[i].text, fields[i].length, run->err))
			return false;
	}
	return dataset_csv_put(dataset_file_buffer(run->file), false, (const char *) run->text.data,
						   run->text.length, run->err);
}

static bool
csv_put_members(ExportRun *run, const IdentityRef *members, size_t count)
{
	buffer_clear(&run->text);
	for (size_t i = 0; i < count; i++)
	{
		if (!buffer_printf(&run->text, run->err, "%s%s:%s", i > 0 ? " " : "", members[i].source,
						   members[i].id))
			return false;
	}
	return dataset_csv_put(dataset_file_buffer(run->file), false, (const char *) run->text.data,
						   run->text.length, run->err);
}

static bool
csv_put_number(ExportRun *run, const char *format, double value)
{
	char text[32];

	(void) snprintf(text, sizeof(text), strcmp(format, "bits") == 0 ? "%.2f" : "%.4f", value);
	return csv_put(run, text);
}

/* What the import finds the question by. */
static bool
csv_put_key(ExportRun *run, const IdentityReviewItem *from)
{
	char customer_a[DATASET_ID_TEXT];
	char customer_b[DATASET_ID_TEXT];
	char version_a[16];
	char version_b[16];
	const char *const texts[] = {"",
								 "",
								 "",
								 review_type_name(from->type),
								 from->a.source,
								 from->a.id,
								 from->b.source,
								 from->b.id,
								 dataset_id_text(from->customer_a, customer_a),
								 dataset_id_text(from->customer_b, customer_b),
								 version_a,
								 version_b};

	(void) snprintf(version_a, sizeof(version_a), "%u", from->version_a);
	(void) snprintf(version_b, sizeof(version_b), "%u", from->version_b);
	if (!dataset_csv_put(dataset_file_buffer(run->file), true, "", 0, run->err))
		return false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (!csv_put(run, texts[i]))
			return false;
	}
	return true;
}

static bool
csv_item(void *context, const IdentityReviewItem *from)
{
	ExportRun *run = context;
	ReviewItem item = {.item = *from};

	run->rows++;
	arena_reset(&run->session->arena);
	run->ok = review_members(run->session, &item, run->err) && csv_put_key(run, from) &&
			  csv_put_number(run, "bits", from->best) &&
			  csv_put_number(run, "share", from->probability) && csv_put(run, from->reason) &&
			  csv_put_members(run, item.members_a, item.nmembers_a) &&
			  csv_put_members(run, item.members_b, item.nmembers_b) &&
			  csv_put_values(run, from->a) && csv_put_values(run, from->b) &&
			  dataset_csv_end(dataset_file_buffer(run->file), run->err) &&
			  dataset_file_flush(run->file, run->err);
	return run->ok;
}

bool
review_export(ReviewSession *session, const char *path, Err *err)
{
	ExportRun run = {.session = session, .ok = true, .err = err};
	bool ok;

	run.file = dataset_file_create(path, err);
	if (run.file == NULL)
		return false;
	buffer_init(&run.text, (size_t) 64 << 20);
	for (size_t i = 0; run.ok && i < COLUMNS; i++)
		run.ok = dataset_csv_put(dataset_file_buffer(run.file), i == 0, csv_columns[i],
								 strlen(csv_columns[i]), err);
	ok = run.ok &&
		 buffer_append_text(dataset_file_buffer(run.file),
							",score,probability,reason,members_a,members_b,values_a,values_b\n",
							err) &&
		 identity_review(session->identity, session->audit, csv_item, &run, err) && run.ok;
	buffer_release(&run.text);
	if (ok && dataset_file_finish(run.file, err))
	{
		(void) fprintf(stderr, "%zu questions written\n", run.rows);
		return true;
	}
	if (!ok)
		dataset_file_abandon(run.file);
	return false;
}

/* ---- import ---- */

typedef struct ImportRun
{
	ReviewSession *session;
	const char *path;
	const char *user;
	DatasetCsv *csv;
	int columns[COLUMNS];
	DatasetFile *rejects;
	size_t taken, refused, empty;
} ImportRun;

static const char *
csv_text(ImportRun *run, const DatasetCsvRow *row, int column, Err *err)
{
	const DatasetText *field = &row->fields[run->columns[column]];

	return arena_text(&run->session->arena, field->text, field->length, err);
}

static const IdentityRef *
csv_member(const ReviewItem *item, size_t index)
{
	return index < item->nmembers_a ? &item->members_a[index]
									: &item->members_b[index - item->nmembers_a];
}

/* Where a text goes on after the member it begins with, past the blanks; 0 when it does not. */
static size_t
csv_begins(const char *text, const IdentityRef *member)
{
	size_t source = strlen(member->source);
	size_t id = strlen(member->id);
	const char *end;

	if (strncmp(text, member->source, source) != 0 || text[source] != ':' ||
		strncmp(text + source + 1, member->id, id) != 0)
		return 0;
	end = text + source + 1 + id;
	return *end == ' ' || *end == '\0' ? (size_t) (end - text) + strspn(end, " ") : 0;
}

/* Splits "source:id source:id"; members are found by their whole texts. Ids may have blanks, and
 * then a text may be read in two ways, which is refused; NULL, or why. */
static const char *
csv_foreign(ImportRun *run, const ReviewItem *item, const char *text, IdentityRef *foreign,
			size_t *count, Err *err)
{
	size_t length = strlen(text);
	size_t at = strspn(text, " ");
	/* in how many ways, at most 2, the text can be read from there on */
	uint8_t *ways = arena_zero(&run->session->arena, length + 1, err);

	*count = 0;
	if (ways == NULL)
		return "out of memory";
	ways[length] = 1;
	for (size_t from = length; from-- > 0;)
	{
		if (from > 0 && text[from - 1] != ' ')
			continue;
		for (size_t i = 0; ways[from] < 2 && i < item->nmembers_a + item->nmembers_b; i++)
		{
			size_t next = csv_begins(text + from, csv_member(item, i));

			ways[from] = (uint8_t) (ways[from] + (next > 0 ? ways[from + next] : 0));
		}
	}
	if (at == length || ways[at] == 0)
		return "foreign_records must name members, as source:id separated by blanks";
	if (ways[at] > 1)
		return "its foreign_records can be read in two ways: name fewer, or answer without a file";
	while (at < length)
		for (size_t i = 0, next = 0; next == 0; i++)
		{
			next = csv_begins(text + at, csv_member(item, i));
			if (next == 0 || ways[at + next] == 0)
			{
				next = 0;
				continue;
			}
			foreign[(*count)++] = *csv_member(item, i);
			at += next;
		}
	return NULL;
}

static bool
csv_version(const char *text, uint32_t *version)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	*version = (uint32_t) number;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number > 0 && number <= UINT32_MAX;
}

/* Finds the question of a row as it is today; a reason when it is no longer the same. */
static const char *
csv_question(ImportRun *run, const DatasetCsvRow *row, ReviewItem *item, Err *err)
{
	IdentityReviewItem *of = &item->item;
	const char *customer_a = csv_text(run, row, COLUMN_CUSTOMER_A, err);
	const char *customer_b = csv_text(run, row, COLUMN_CUSTOMER_B, err);
	const char *version_a = csv_text(run, row, COLUMN_VERSION_A, err);
	const char *version_b = csv_text(run, row, COLUMN_VERSION_B, err);
	IdentityId now_a;
	IdentityId now_b;

	memset(item, 0, sizeof(*item));
	of->a.source = csv_text(run, row, COLUMN_SOURCE_A, err);
	of->a.id = csv_text(run, row, COLUMN_ID_A, err);
	of->b.source = csv_text(run, row, COLUMN_SOURCE_B, err);
	of->b.id = csv_text(run, row, COLUMN_ID_B, err);
	if (customer_a == NULL || customer_b == NULL || version_a == NULL || version_b == NULL ||
		of->a.source == NULL || of->a.id == NULL || of->b.source == NULL || of->b.id == NULL)
		return "out of memory";
	if (!dataset_id_parse(customer_a, &of->customer_a) ||
		!dataset_id_parse(customer_b, &of->customer_b) || !csv_version(version_a, &of->version_a) ||
		!csv_version(version_b, &of->version_b))
		return "its customers or versions cannot be read";
	if (!identity_customer(run->session->identity, of->a, &now_a) ||
		!identity_customer(run->session->identity, of->b, &now_b))
		return "stale: one of its records is gone";
	if (memcmp(&now_a, &of->customer_a, sizeof(now_a)) != 0 ||
		memcmp(&now_b, &of->customer_b, sizeof(now_b)) != 0)
		return "stale: one of its records is in another customer now";
	if (identity_version(run->session->identity, of->customer_a, NULL) != of->version_a ||
		identity_version(run->session->identity, of->customer_b, NULL) != of->version_b)
		return "stale: one of its customers changed since the file was written";
	return review_members(run->session, item, err) ? NULL : "out of memory";
}

typedef struct CsvAnswered
{
	const IdentityReviewItem *item;
	IdentityVerdict verdict;
	bool found;
} CsvAnswered;

static bool
csv_judged(void *context, const IdentityJudged *judged)
{
	CsvAnswered *answered = context;
	const IdentityReviewItem *item = answered->item;

	bool swapped = !review_same_ref(judged->a, item->a);
	IdentityRef a = swapped ? item->b : item->a, b = swapped ? item->a : item->b;
	uint32_t version_a = swapped ? item->version_b : item->version_a;
	uint32_t version_b = swapped ? item->version_a : item->version_b;

	answered->found = judged->verdict == answered->verdict && !judged->asks_again &&
					  review_same_ref(judged->a, a) && review_same_ref(judged->b, b) &&
					  (judged->verdict != IDENTITY_UNSURE ||
					   (judged->version_a == version_a && judged->version_b == version_b));
	return !answered->found;
}

/* "Different" and "unsure" change no customer: a sheet that is read again must not be taken again.
 * An "unsure" about what the customers were is no answer about what they are. */
static bool
csv_answered(const ImportRun *run, const ReviewItem *item, IdentityVerdict verdict)
{
	CsvAnswered answered = {.item = &item->item, .verdict = verdict};

	identity_judgements(run->session->identity, csv_judged, &answered);
	return answered.found;
}

static const char *
csv_take(ImportRun *run, const DatasetCsvRow *row, Err *err)
{
	const DatasetText *verdict = &row->fields[run->columns[COLUMN_ANSWER]];
	const char *foreign_text = csv_text(run, row, COLUMN_FOREIGN, err);
	ReviewAnswer answer = {.user = csv_text(run, row, COLUMN_USER, err),
						   .reason = csv_text(run, row, COLUMN_NOTE, err)};
	ReviewItem item;
	IdentityStatus status;
	IdentityRef *foreign;
	const char *message;
	const char *problem;

	if (foreign_text == NULL || answer.user == NULL || answer.reason == NULL)
		return "out of memory";
	if (answer.user[0] == '\0')
		answer.user = run->user;
	problem = review_user_problem(answer.user);
	if (problem != NULL)
		return problem;
	if (!identity_verdict_parse(verdict->text, verdict->length, &answer.verdict))
		return "its answer is none of same, different, unsure and split";
	problem = csv_question(run, row, &item, err);
	if (problem != NULL)
		return problem;
	if (csv_answered(run, &item, answer.verdict))
		return "stale: it was answered so since";
	if (answer.verdict == IDENTITY_SPLIT)
	{
		foreign = arena_alloc(&run->session->arena,
							  (strlen(foreign_text) / 2 + 1) * sizeof(*foreign), err);
		if (foreign == NULL)
			return "out of memory";
		problem = csv_foreign(run, &item, foreign_text, foreign, &answer.nforeign, err);
		if (problem != NULL)
			return problem;
		answer.foreign = foreign;
	}
	else if (foreign_text[0] != '\0')
		return "foreign_records are for the answer split alone";
	if (!review_answer(run->session, &item, &answer, &status, &message, err))
		return err->message;
	if (status == IDENTITY_DONE)
		return NULL;
	return message != NULL && message[0] != '\0' ? message : review_status_name(status);
}

static bool
csv_refuse(ImportRun *run, const DatasetCsvRow *row, const char *problem, Err *err)
{
	char line[24];
	Buffer *out;

	run->refused++;
	(void) snprintf(line, sizeof(line), "%" PRId64, row->line);
	if (run->rejects == NULL)
	{
		/* records are named in it, by whatever their ids are */
		buffer_clear(&run->session->line);
		if (!cli_terminal_text(&run->session->line, problem, strlen(problem), err))
			return false;
		(void) fprintf(stderr, "%s:%s: refused: %.*s\n", run->path, line,
					   (int) run->session->line.length, (const char *) run->session->line.data);
		return true;
	}
	out = dataset_file_buffer(run->rejects);
	return dataset_csv_put(out, true, run->path, strlen(run->path), err) &&
		   dataset_csv_put(out, false, line, strlen(line), err) &&
		   dataset_csv_put(out, false, problem, strlen(problem), err) && dataset_csv_end(out, err);
}

static bool
csv_rows(ImportRun *run, Err *err)
{
	DatasetCsvRow row;
	bool found;

	for (;;)
	{
		const char *problem;

		if (!dataset_csv_next(run->csv, &row, &found, err))
			return false;
		if (!found)
			return true;
		arena_reset(&run->session->arena);
		problem = row.problem;
		if (problem == NULL && row.fields[run->columns[COLUMN_ANSWER]].length == 0)
		{
			run->empty++;
			continue;
		}
		err_clear(err);
		if (problem == NULL)
			problem = csv_take(run, &row, err);
		/* What is wrong with the state, not with the row, ends it. */
		if (err->code != ERR_OK && err->class == ERR_CLASS_STOP)
			return false;
		if (problem == NULL)
			run->taken++;
		else if (!csv_refuse(run, &row, problem, err))
			return false;
	}
}

static bool
csv_open(ImportRun *run, const CliArgs *args, Err *err)
{
	const char *rejects = cli_value(args, "rejects");

	run->csv = dataset_csv_open(run->path, ',', err);
	if (run->csv == NULL)
		return false;
	for (int i = 0; i < COLUMNS; i++)
	{
		run->columns[i] = dataset_csv_find(run->csv, csv_columns[i]);
		if (run->columns[i] >= 0)
			continue;
		(void) err_set(err, ERR_CLASS_USAGE, ERR_DATA, "file \"%s\" has no column \"%s\"",
					   run->path, csv_columns[i]);
		return err_hint(err, "Fill in the file that --export writes.");
	}
	if (rejects == NULL)
		return true;
	run->rejects = dataset_file_create(rejects, err);
	return run->rejects != NULL &&
		   buffer_append_text(dataset_file_buffer(run->rejects), "file,line,reason\n", err);
}

bool
review_import(ReviewSession *session, const CliArgs *args, const char *path, Err *err)
{
	ImportRun run = {.session = session, .path = path, .user = review_user(args)};
	bool ok = csv_open(&run, args, err) && csv_rows(&run, err);

	if (ok && run.rejects != NULL)
		ok = dataset_file_finish(run.rejects, err);
	else
		dataset_file_abandon(run.rejects);
	dataset_csv_close(run.csv);
	if (!ok)
		return false;
	(void) fprintf(stderr, "%zu answers taken, %zu refused, %zu rows without an answer\n",
				   run.taken, run.refused, run.empty);
	if (run.refused == 0)
		return true;
	(void) err_set(err, ERR_CLASS_USAGE, ERR_CHECK_FAILED, "%zu rows of \"%s\" were refused",
				   run.refused, path);
	return err_hint(err,
					"The others are in force. Export again for the questions as they are now.");
}
