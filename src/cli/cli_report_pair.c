/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_report_pair.c — one pair of records in the report: their values side by side, and its evidence.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli_evidence.h"
#include "cli/cli_report_priv.h"

const IdentityField *
report_html_find(const IdentityField *fields, size_t count, int attribute, size_t nth)
{
	for (size_t i = 0; i < count; i++)
	{
		if ((int) fields[i].attribute == attribute && nth-- == 0)
			return &fields[i];
	}
	return NULL;
}

static bool
html_pair_cell(const ReportRun *run, Buffer *out, const IdentityField *field,
			   const IdentityField *other, Err *err)
{
	bool same = field != NULL && other != NULL && cli_reads_same(field, other);

	return buffer_printf(out, err, "<td%s>",
						 field == NULL || other == NULL ? ""
						 : same							? " class=\"same\""
														: " class=\"other\"") &&
		   (field == NULL || report_html_value(run, out, field->text, field->length, err)) &&
		   buffer_append_text(out, "</td>", err);
}

static bool
html_pair_values(const ReportRun *run, Buffer *out, const ReportPair *pair, Err *err)
{
	static IdentityField a[DATASET_MAX_FIELDS];
	static IdentityField b[DATASET_MAX_FIELDS];
	DatasetStored stored;
	size_t na =
		dataset_store_find(run->store, pair->a, &stored) ? dataset_store_fields(&stored, a) : 0;
	size_t nb =
		dataset_store_find(run->store, pair->b, &stored) ? dataset_store_fields(&stored, b) : 0;

	for (int attribute = 0; attribute < IDENTITY_ATTRIBUTES; attribute++)
	{
		for (size_t nth = 0;; nth++)
		{
			const IdentityField *left = report_html_find(a, na, attribute, nth);
			const IdentityField *right = report_html_find(b, nb, attribute, nth);

			if (left == NULL && right == NULL)
				break;
			if (!buffer_append_text(out, "<tr><td class=\"soft\">", err) ||
				!report_html_attribute(out, attribute, err) ||
				!buffer_append_text(out, "</td>", err) ||
				!html_pair_cell(run, out, left, right, err) ||
				!html_pair_cell(run, out, right, left, err) ||
				!buffer_append_text(out, "</tr>\n", err))
				return false;
		}
	}
	return true;
}

/* One weight, drawn from where the sum was to where it is now; the score from zero. */
static bool
html_weight(Buffer *out, const CliEvidence *line, double sum, double low, double high, Err *err)
{
	bool score = line->type == EVIDENCE_SCORE;
	double from = score ? 0 : sum - line->bits;
	double left = from < sum ? from : sum;
	double scale = 100 / (high - low);

	return buffer_printf(out, err, "<tr%s><td>", score ? " class=\"sum\"" : "") &&
		   report_html_text(out, score ? "score of these two" : line->name, err) &&
		   buffer_append_text(out, line->level[0] != '\0' ? ": " : "", err) &&
		   report_html_text(out, line->level, err) &&
		   buffer_printf(out, err,
						 "</td><td class=\"n\">%+.1f</td><td><div class=\"way\">"
						 "<i class=\"%s\" style=\"left:%.1f%%;width:%.1f%%\"></i>"
						 "<u style=\"left:%.1f%%\"></u></div></td></tr>\n",
						 line->bits,
						 score			  ? "s"
						 : line->bits < 0 ? "m"
										  : "p",
						 (left - low) * scale, (from < sum ? sum - from : from - sum) * scale,
						 -low * scale);
}

/* What else the explanation says, in words; values and people's own words only unmasked. */
static bool
html_note(const ReportRun *run, Buffer *out, const CliEvidence *line, Err *err)
{
	const char *colon = memchr(line->text, ':', line->length);
	size_t length = line->length;

	if (line->type == EVIDENCE_VALUE || line->type == EVIDENCE_STANDING)
		return true;
	if (line->type == EVIDENCE_ANSWER && run->mask && colon != NULL)
		length = (size_t) (colon - line->text);
	return buffer_append_text(out, "<p>", err) && cli_html_text(out, line->text, length, err) &&
		   buffer_append_text(out, "</p>\n", err);
}

static bool
html_explanation(const ReportRun *run, Buffer *out, const char *text, Err *err)
{
	CliEvidence line;
	const char *at = text;
	double low;
	double high;
	double sum = 0;
	bool ok =
		buffer_append_text(out,
						   "<details><summary>evidence</summary><table class=\"fall\"><tr>"
						   "<th>what was compared</th><th class=\"n\">bits</th><th>the sum so "
						   "far; the line is 0</th></tr>\n",
						   err);

	cli_evidence_range(text, &low, &high);
	while (ok && cli_evidence_next(&at, &line))
	{
		sum += line.type == EVIDENCE_BITS ? line.bits : 0;
		if (line.type == EVIDENCE_BITS || line.type == EVIDENCE_SCORE)
			ok = html_weight(out, &line, sum, low, high, err);
	}
	ok = ok && buffer_append_text(out, "</table>\n", err);
	at = text;
	while (ok && cli_evidence_next(&at, &line))
		ok = line.type == EVIDENCE_BITS || line.type == EVIDENCE_SCORE ||
			 html_note(run, out, &line, err);
	return ok && buffer_append_text(out, "</details>\n", err);
}

/* The score as the engine explains it: with what it knows of shared values, which a model does not. */
static double
html_score(const ReportPair *pair, const char *text)
{
	CliEvidence line;

	while (cli_evidence_next(&text, &line))
	{
		if (line.type == EVIDENCE_SCORE)
			return line.bits;
	}
	return pair->score;
}

static bool
html_side(const ReportRun *run, Buffer *out, const ReportPair *pair, IdentityRef ref, uint32_t size,
		  Err *err)
{
	return report_html_ref(run, out, ref, err) &&
		   (pair->reason == NULL ||
			buffer_printf(out, err, " (%u record%s)", size, size == 1 ? "" : "s"));
}

bool
report_html_pair(const ReportRun *run, Buffer *out, const ReportPair *pair, Err *err)
{
	Buffer text;
	bool ok;
	char likely[CLI_LIKELY_TEXT];

	buffer_init(&text, (size_t) 16 << 20);
	ok = identity_explain_pair(run->identity, pair->a, pair->b, &text, err) &&
		 buffer_append_byte(&text, '\0', err) &&
		 buffer_printf(out, err, "<div class=\"pair\"><b>%.1f bits</b>",
					   html_score(pair, (const char *) text.data));
	if (ok && pair->reason != NULL)
		ok =
			buffer_printf(out, err, " between the two records, %s likely one customer, held back: ",
						  cli_likely_text(pair->probability, likely)) &&
			report_html_text(out, pair->reason, err);
	ok = ok && buffer_append_text(out, "\n<table><tr><th></th><th>", err) &&
		 html_side(run, out, pair, pair->a, pair->size_a, err) &&
		 buffer_append_text(out, "</th><th>", err) &&
		 html_side(run, out, pair, pair->b, pair->size_b, err) &&
		 buffer_append_text(out, "</th></tr>\n", err) && html_pair_values(run, out, pair, err) &&
		 buffer_append_text(out, "</table>\n", err) &&
		 html_explanation(run, out, (const char *) text.data, err) &&
		 buffer_append_text(out, "</div>\n", err);
	buffer_release(&text);
	return ok;
}
