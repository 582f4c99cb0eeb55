/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity_output.c — clusters.csv, review.csv, and values made safe for where they go.
 */
#include "cli/cli_identity_priv.h"

#include <stdio.h>
#include <string.h>

/* ---- clusters.csv ---- */

typedef struct OutputRun
{
	DatasetFile *file;
	bool sources;
	size_t rows;
	bool ok;
	Err *err;
} OutputRun;

static bool
output_put(OutputRun *run, bool first, const char *text)
{
	return dataset_csv_put(dataset_file_buffer(run->file), first, text, strlen(text), run->err);
}

static bool
output_member(void *context, const IdentityMember *member)
{
	OutputRun *run = context;
	char id[DATASET_ID_TEXT];

	run->rows++;
	run->ok = output_put(run, true, member->ref.id) &&
			  output_put(run, false, dataset_id_text(member->customer, id)) &&
			  (!run->sources || output_put(run, false, member->ref.source)) &&
			  dataset_csv_end(dataset_file_buffer(run->file), run->err) &&
			  dataset_file_flush(run->file, run->err);
	return run->ok;
}

DatasetFile *
cli_identity_clusters(const Identity *identity, const char *path, bool sources, Err *err)
{
	OutputRun run = {.sources = sources, .ok = true, .err = err};

	run.file = dataset_file_create(path, err);
	if (run.file == NULL)
		return NULL;
	run.ok = buffer_append_text(
		dataset_file_buffer(run.file),
		sources ? "record_id,cluster_id,source\n" : "record_id,cluster_id\n", err);
	if (run.ok)
		identity_members(identity, NULL, output_member, &run);
	if (run.ok)
		return run.file;
	dataset_file_abandon(run.file);
	return NULL;
}

/* ---- review.csv ---- */

static bool
output_item(void *context, const IdentityReviewItem *item)
{
	OutputRun *run = context;
	char score[32];

	run->rows++;
	(void) snprintf(score, sizeof(score), "%.2f", item->best);
	run->ok = output_put(run, true, item->a.id) && output_put(run, false, item->b.id) &&
			  output_put(run, false, score) && output_put(run, false, item->reason) &&
			  (!run->sources || (output_put(run, false, item->a.source) &&
								 output_put(run, false, item->b.source))) &&
			  dataset_csv_end(dataset_file_buffer(run->file), run->err) &&
			  dataset_file_flush(run->file, run->err);
	return run->ok;
}

DatasetFile *
cli_identity_review(const Identity *identity, const char *path, bool sources, size_t audit,
					size_t *count, Err *err)
{
	OutputRun run = {.sources = sources, .ok = true, .err = err};

	run.file = dataset_file_create(path, err);
	if (run.file == NULL)
		return NULL;
	run.ok = buffer_append_text(dataset_file_buffer(run.file),
								sources ? "record_id_a,record_id_b,score,reason,source_a,source_b\n"
										: "record_id_a,record_id_b,score,reason\n",
								err) &&
			 identity_review(identity, audit, output_item, &run, err) && run.ok;
	*count = run.rows;
	if (run.ok)
		return run.file;
	dataset_file_abandon(run.file);
	return NULL;
}

/* ---- values ---- */

/* Bytes of the character at text if nobody sees it and it changes what is seen: a C1 control, which
 * some terminals obey, a line's or paragraph's end, or one that turns the direction of a text; else 0. */
static size_t
output_unseen(const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *) text;

	if (length >= 2 && ((at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xd8 && at[1] == 0x9c)))
		return 2;
	if (length < 3 || at[0] != 0xe2)
		return 0;
	return (at[1] == 0x80 &&
			(at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae))) ||
				   (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)
			   ? 3
			   : 0;
}

bool
cli_html_text(Buffer *out, const char *text, size_t length, Err *err)
{
	for (size_t i = 0; i < length; i++)
	{
		unsigned char letter = (unsigned char) text[i];
		size_t unseen = output_unseen(text + i, length - i);
		const char *safe =
			letter == '<'	 ? "&lt;"
			: letter == '>'	 ? "&gt;"
			: letter == '&'	 ? "&amp;"
			: letter == '"'	 ? "&quot;"
			: letter == '\'' ? "&#39;"
			: letter == 0x7f || unseen > 0 || (letter < 0x20 && letter != '\n' && letter != '\t')
				? "\xef\xbf\xbd"
				: NULL;

		if (!(safe != NULL ? buffer_append_text(out, safe, err)
						   : buffer_append_byte(out, letter, err)))
			return false;
		i += unseen > 0 ? unseen - 1 : 0;
	}
	return true;
}

bool
cli_mask_text(Buffer *out, const char *text, size_t length, Err *err)
{
	bool inside = false; /* behind the first character of a word */

	for (size_t i = 0; i < length; i++)
	{
		unsigned char letter = (unsigned char) text[i];
		bool word = letter >= 0x80 || (letter >= '0' && letter <= '9') ||
					(letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
		bool tail = letter >= 0x80 && letter < 0xc0; /* of a character of several bytes */

		if (!word)
		{
			inside = false;
			if (!buffer_append_byte(out, letter, err))
				return false;
			continue;
		}
		if (tail)
		{
			/* Belongs to a character that was shown or replaced whole. */
			if (!inside && !buffer_append_byte(out, letter, err))
				return false;
			if (!inside && (i + 1 == length || ((unsigned char) text[i + 1] & 0xc0) != 0x80))
				inside = true;
			continue;
		}
		if (!(inside ? buffer_append_text(out, "\xe2\x80\xa2", err)
					 : buffer_append_byte(out, letter, err)))
			return false;
		if (letter < 0x80)
			inside = true;
	}
	return true;
}

bool
cli_terminal_text(Buffer *out, const char *text, size_t length, Err *err)
{
	for (size_t i = 0; i < length; i++)
	{
		unsigned char letter = (unsigned char) text[i];
		size_t unseen = output_unseen(text + i, length - i);

		if (letter < 0x20 || letter == 0x7f || unseen > 0)
		{
			i += unseen > 0 ? unseen - 1 : 0;
			if (!buffer_append_byte(out, ' ', err))
				return false;
		}
		else if (!buffer_append_byte(out, letter, err))
			return false;
	}
	return true;
}
