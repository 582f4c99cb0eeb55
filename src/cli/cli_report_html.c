/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_report_html.c — draws the report: one HTML file that loads nothing and runs nothing.
 *
 * The policy in its head forbids scripts, images and connections; every text that comes from data is
 * escaped, and masked when that was asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_report_priv.h"
#include "goldpan/clock.h"

static const char html_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
	"<meta name=\"referrer\" content=\"no-referrer\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>Customers and their records</title>\n<style>\n"
	":root{color-scheme:light}\n"
	"body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;background:#fff;max-width:68rem;"
	"margin:0 auto;padding:1.5rem}\n"
	"h1{font-size:1.7rem;margin:0 0 .2rem}h2{font-size:1.25rem;margin:2.4rem 0 .4rem;"
	"border-bottom:2px solid #d9e0e7;padding-bottom:.2rem}h3{font-size:1rem;margin:1.4rem 0 "
	".3rem}\n"
	"p{margin:.3rem 0 .8rem;max-width:52rem}.soft{color:#5b6b7b}\n"
	".cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}"
	".card{border:1px solid #d9e0e7;border-radius:.5rem;padding:.6rem 1rem;min-width:8rem}"
	".card b{display:block;font-size:1.5rem;font-weight:600}\n"
	"table{border-collapse:collapse;margin:.4rem 0 1rem}"
	"td,th{padding:.2rem .7rem .2rem 0;text-align:left;vertical-align:top}"
	"th{font-weight:600;color:#5b6b7b;font-size:.85rem}"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
	".bar{display:inline-block;height:.8rem;background:#2f6f9f;border-radius:2px;vertical-align:"
	"middle}"
	".held{background:#d98a29}\n"
	".chart{display:flex;align-items:flex-end;height:11rem;gap:2px;border-bottom:1px solid #8a98a6}"
	".chart div{flex:1;display:flex;align-items:flex-end;gap:1px;height:100%}"
	".chart i{flex:1;background:#2f6f9f;min-height:0}.chart i.h{background:#d98a29}"
	".axis{display:flex;gap:2px;font-size:.7rem;color:#5b6b7b}.axis "
	"span{flex:1;text-align:center}\n"
	".key{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin:0 .3rem 0 1rem;"
	"vertical-align:middle}\n"
	".pair{border:1px solid #d9e0e7;border-radius:.5rem;padding:.6rem 1rem;margin:.7rem 0}"
	".pair table{width:100%;table-layout:fixed}.pair th:first-child,.pair "
	"td:first-child{width:9rem}"
	".pair td{overflow-wrap:anywhere}td.same{color:#1e7a45}td.other{color:#b3372b}\n"
	"details pre{background:#f4f6f8;padding:.6rem .8rem;overflow:auto;font-size:.8rem}"
	"summary{cursor:pointer;color:#2f6f9f}\n"
	".wide{overflow-x:auto}code{font-size:.85em}\n"
	"@media print{details>*{display:block}}\n"
	"</style>\n</head>\n<body>\n";

/* ---- values ---- */

static bool
html_value(const ReportRun *run, Buffer *out, const char *text, size_t length, Err *err)
{
	Buffer masked;
	bool ok;

	if (!run->mask)
		return cli_html_text(out, text, length, err);
	buffer_init(&masked, (size_t) 16 << 20);
	ok = cli_mask_text(&masked, text, length, err) &&
		 cli_html_text(out, (const char *) masked.data, masked.length, err);
	buffer_release(&masked);
	return ok;
}

static bool
html_text(Buffer *out, const char *text, Err *err)
{
	return cli_html_text(out, text, strlen(text), err);
}

/* A record's id may name a person (an e-mail address as a key): masked with the values. */
static bool
html_ref(const ReportRun *run, Buffer *out, IdentityRef ref, Err *err)
{
	return html_text(out, ref.source, err) && buffer_append_byte(out, ':', err) &&
		   html_value(run, out, ref.id, strlen(ref.id), err);
}

/* ---- sizes ---- */

static bool
html_sizes(const ReportRun *run, Buffer *out, Err *err)
{
	static const char *const bands[REPORT_SIZES] = {"1",   "2",		"3",	 "4",
													"5–9", "10–19", "20–49", "50 and more"};
	size_t most = 1;

	for (size_t i = 0; i < REPORT_SIZES; i++)
		most = run->customers[i] > most ? run->customers[i] : most;
	if (!buffer_append_text(out,
							"<h2>Customers by size</h2>\n<p>How many records each customer has. "
							"Large ones deserve a look: they are where two people get glued "
							"together.</p>\n<table>\n<tr><th>records</th><th class=\"n\">customers"
							"</th><th class=\"n\">records in them</th><th></th></tr>\n",
							err))
		return false;
	for (size_t i = 0; i < REPORT_SIZES; i++)
	{
		if (run->customers[i] > 0 &&
			!buffer_printf(out, err,
						   "<tr><td>%s</td><td class=\"n\">%zu</td><td class=\"n\">%zu</td><td>"
						   "<span class=\"bar\" style=\"width:%.1frem\"></span></td></tr>\n",
						   bands[i], run->customers[i], run->records[i],
						   24.0 * (double) run->customers[i] / (double) most))
			return false;
	}
	return buffer_append_text(out, "</table>\n", err);
}

static bool
html_sources(const ReportRun *run, Buffer *out, Err *err)
{
	if (run->nsources < 2)
		return true;
	if (!buffer_append_text(out,
							"<h2>Sources</h2>\n<table>\n<tr><th>source</th><th class=\"n\">records"
							"</th><th class=\"n\">known to another source too</th></tr>\n",
							err))
		return false;
	for (size_t i = 0; i < run->nsources; i++)
	{
		const ReportSource *source = &run->sources[i];

		if (!buffer_append_text(out, "<tr><td>", err) || !html_text(out, source->name, err) ||
			!buffer_printf(
				out, err, "</td><td class=\"n\">%zu</td><td class=\"n\">%zu (%.0f %%)</td></tr>\n",
				source->records, source->shared,
				source->records > 0 ? 100.0 * (double) source->shared / (double) source->records
									: 0.0))
			return false;
	}
	return buffer_append_text(out, "</table>\n", err);
}

/* ---- scores ---- */

static bool
html_scores(const ReportRun *run, Buffer *out, Err *err)
{
	size_t most = 1;
	size_t most_held = 1;

	for (size_t i = 0; i < REPORT_BINS; i++)
	{
		most = run->joined[i] > most ? run->joined[i] : most;
		most_held = run->held[i] > most_held ? run->held[i] : most_held;
	}
	if (!buffer_printf(
			out, err,
			"<h2>Scores</h2>\n<p>Evidence in bits: 0 is even odds that two records are one "
			"person, +10 is a thousand to one for it, −10 against it. Each "
			"colour has a scale of its own.<br><span class=\"key bar\"></span>pairs inside "
			"customers (highest bar: %zu)<span class=\"key held\"></span>best pairs of "
			"customers held apart, open as questions (highest bar: %zu)</p>\n"
			"<div class=\"chart\">",
			most, most_held))
		return false;
	for (size_t i = 0; i < REPORT_BINS; i++)
	{
		int low = REPORT_BIN_LOW + (int) i * REPORT_BIN_BITS;

		if (!buffer_printf(
				out, err,
				"<div title=\"%d to %d bits: %zu joined, %zu held apart\">"
				"<i style=\"height:%.1f%%\"></i><i class=\"h\" style=\"height:%.1f%%\"></i>"
				"</div>",
				low, low + REPORT_BIN_BITS, run->joined[i], run->held[i],
				100.0 * (double) run->joined[i] / (double) most,
				100.0 * (double) run->held[i] / (double) most_held))
			return false;
	}
	if (!buffer_append_text(out, "</div>\n<div class=\"axis\">", err))
		return false;
	for (size_t i = 0; i < REPORT_BINS; i++)
	{
		if (!(i % 5 == 0 ? buffer_printf(out, err, "<span>%d</span>",
										 REPORT_BIN_LOW + (int) i * REPORT_BIN_BITS)
						 : buffer_append_text(out, "<span></span>", err)))
			return false;
	}
	return buffer_append_text(out, "</div>\n", err);
}

/* ---- pairs ---- */

static const IdentityField *
html_find(const IdentityField *fields, size_t count, int attribute, size_t nth)
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
	bool same = field != NULL && other != NULL && field->length == other->length &&
				memcmp(field->text, other->text, field->length) == 0;

	return buffer_printf(out, err, "<td%s>",
						 field == NULL || other == NULL ? ""
						 : same							? " class=\"same\""
														: " class=\"other\"") &&
		   (field == NULL || html_value(run, out, field->text, field->length, err)) &&
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
			const IdentityField *left = html_find(a, na, attribute, nth);
			const IdentityField *right = html_find(b, nb, attribute, nth);

			if (left == NULL && right == NULL)
				break;
			if (!buffer_append_text(out, "<tr><td class=\"soft\">", err) ||
				!html_text(out, identity_attribute_name((IdentityAttribute) attribute), err) ||
				!buffer_append_text(out, "</td>", err) ||
				!html_pair_cell(run, out, left, right, err) ||
				!html_pair_cell(run, out, right, left, err) ||
				!buffer_append_text(out, "</tr>\n", err))
				return false;
		}
	}
	return true;
}

static bool
html_explanation(const ReportRun *run, Buffer *out, const ReportPair *pair, Err *err)
{
	Buffer text;
	bool ok;

	buffer_init(&text, (size_t) 16 << 20);
	ok = identity_explain_pair(run->identity, pair->a, pair->b, &text, err) &&
		 buffer_append_text(out, "<details><summary>evidence</summary><pre>", err);
	for (size_t at = 0; ok && at < text.length;)
	{
		const char *line = (const char *) text.data + at;
		const char *end = memchr(line, '\n', text.length - at);
		size_t length = end != NULL ? (size_t) (end - line) : text.length - at;

		if (!run->mask || cli_explain_maskable(line, length))
			ok = cli_html_text(out, line, length, err) && buffer_append_byte(out, '\n', err);
		at += length + 1;
	}
	ok = ok && buffer_append_text(out, "</pre></details>\n", err);
	buffer_release(&text);
	return ok;
}

static bool
html_pair(const ReportRun *run, Buffer *out, const ReportPair *pair, Err *err)
{
	bool ok = buffer_printf(out, err, "<div class=\"pair\"><b>%.1f bits</b>", pair->score);

	if (ok && pair->reason != NULL)
		ok = buffer_printf(out, err,
						   ", probability %.0f %%, held back: ", 100 * pair->probability) &&
			 html_text(out, pair->reason, err);
	ok = ok && buffer_append_text(out, "\n<table><tr><th></th><th>", err) &&
		 html_ref(run, out, pair->a, err);
	if (ok && pair->reason != NULL)
		ok = buffer_printf(out, err, " (%u record%s)", pair->size_a, pair->size_a == 1 ? "" : "s");
	ok = ok && buffer_append_text(out, "</th><th>", err) && html_ref(run, out, pair->b, err);
	if (ok && pair->reason != NULL)
		ok = buffer_printf(out, err, " (%u record%s)", pair->size_b, pair->size_b == 1 ? "" : "s");
	return ok && buffer_append_text(out, "</th></tr>\n", err) &&
		   html_pair_values(run, out, pair, err) && buffer_append_text(out, "</table>\n", err) &&
		   html_explanation(run, out, pair, err) && buffer_append_text(out, "</div>\n", err);
}

static bool
html_pairs(const ReportRun *run, Buffer *out, const ReportPair *pairs, size_t count,
		   const char *title, const char *text, Err *err)
{
	if (count == 0)
		return true;
	if (!buffer_printf(out, err, "<h3>%s</h3>\n<p>%s</p>\n", title, text))
		return false;
	for (size_t i = 0; i < count; i++)
	{
		if (!html_pair(run, out, &pairs[i], err))
			return false;
	}
	return true;
}

/* ---- held back ---- */

static const char *
html_reason(const char *reason)
{
	static const struct
	{
		const char *name;
		const char *text;
	} reasons[] = {
		{"below link", "the evidence is not strong enough to join without a person"},
		{"gate", "the best pair agrees, but the records on both sides do not on the whole"},
		{"conflict", "something says that they cannot be one: two ids of a kind, Jr and Sr"},
		{"limit", "the customer would become larger than a customer may be"},
		{"bridge", "one record alone holds two groups together"},
		{"breaker", "one change would have joined too many customers at once"},
		{"split", "a record fits the rest of its customer badly"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
	{
		if (strcmp(reasons[i].name, reason) == 0)
			return reasons[i].text;
	}
	return "";
}

static bool
html_held(const ReportRun *run, Buffer *out, Err *err)
{
	if (!buffer_printf(out, err,
					   "<h2>What was held back, and why</h2>\n<p>%zu questions are open; "
					   "<code>goldpan review</code> asks them, the most valuable first.</p>\n",
					   run->questions))
		return false;
	if (run->nreasons == 0)
		return true;
	if (!buffer_append_text(
			out,
			"<table><tr><th>reason</th><th class=\"n\">questions</th><th>what it means"
			"</th></tr>\n",
			err))
		return false;
	for (size_t i = 0; i < run->nreasons; i++)
	{
		if (!buffer_append_text(out, "<tr><td>", err) ||
			!html_text(out, run->reasons[i].name, err) ||
			!buffer_printf(out, err, "</td><td class=\"n\">%zu</td><td>%s</td></tr>\n",
						   run->reasons[i].count, html_reason(run->reasons[i].name)))
			return false;
	}
	if (!buffer_append_text(out, "</table>\n", err))
		return false;
	for (size_t i = 0; i < run->nreasons; i++)
	{
		if (!buffer_append_text(out, "<h3>Held back: ", err) ||
			!html_text(out, run->reasons[i].name, err) || !buffer_append_text(out, "</h3>\n", err))
			return false;
		for (size_t j = 0; j < run->reasons[i].nexamples; j++)
		{
			if (!html_pair(run, out, &run->reasons[i].examples[j], err))
				return false;
		}
	}
	return true;
}

/* ---- the largest ---- */

static bool
html_member(const ReportRun *run, Buffer *out, IdentityRef ref, const bool shown[], Err *err)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	DatasetStored stored;
	size_t count =
		dataset_store_find(run->store, ref, &stored) ? dataset_store_fields(&stored, fields) : 0;

	if (!buffer_append_text(out, "<tr><td>", err) || !html_ref(run, out, ref, err))
		return false;
	for (int attribute = 0; attribute < IDENTITY_ATTRIBUTES; attribute++)
	{
		if (!shown[attribute])
			continue;
		if (!buffer_append_text(out, "</td><td>", err))
			return false;
		for (size_t nth = 0;; nth++)
		{
			const IdentityField *field = html_find(fields, count, attribute, nth);

			if (field == NULL)
				break;
			if ((nth > 0 && !buffer_append_text(out, "<br>", err)) ||
				!html_value(run, out, field->text, field->length, err))
				return false;
		}
	}
	return buffer_append_text(out, "</td></tr>\n", err);
}

static bool
html_customer(const ReportRun *run, Buffer *out, const ReportCustomer *customer, Err *err)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	bool shown[IDENTITY_ATTRIBUTES] = {false};
	char id[DATASET_ID_TEXT];

	for (size_t i = 0; i < customer->nmembers; i++)
	{
		DatasetStored stored;
		size_t count = dataset_store_find(run->store, customer->members[i], &stored)
						   ? dataset_store_fields(&stored, fields)
						   : 0;

		for (size_t j = 0; j < count; j++)
			shown[fields[j].attribute] = true;
	}
	if (!buffer_printf(out, err,
					   "<h3>%zu records <span class=\"soft\">customer %s</span></h3>\n"
					   "<div class=\"wide\"><table><tr><th>record</th>",
					   customer->size, dataset_id_text(customer->id, id)))
		return false;
	for (int attribute = 0; attribute < IDENTITY_ATTRIBUTES; attribute++)
	{
		if (shown[attribute] &&
			!buffer_printf(out, err, "<th>%s</th>",
						   identity_attribute_name((IdentityAttribute) attribute)))
			return false;
	}
	if (!buffer_append_text(out, "</tr>\n", err))
		return false;
	for (size_t i = 0; i < customer->nmembers; i++)
	{
		if (!html_member(run, out, customer->members[i], shown, err))
			return false;
	}
	return buffer_append_text(out, "</table></div>\n", err);
}

static bool
html_largest(const ReportRun *run, Buffer *out, Err *err)
{
	if (run->nlargest == 0)
		return true;
	if (!buffer_append_text(out, "<h2>The largest customers</h2>\n", err))
		return false;
	for (size_t i = 0; i < run->nlargest; i++)
	{
		if (!html_customer(run, out, &run->largest[i], err))
			return false;
	}
	return true;
}

/* ---- head and foot ---- */

static bool
html_summary(const ReportRun *run, Buffer *out, Err *err)
{
	size_t several = 0;
	char now[CLOCK_TEXT_SIZE];

	for (size_t i = 1; i < REPORT_SIZES; i++)
		several += run->records[i];
	(void) clock_format(clock_wall(), now);
	now[16] = '\0';
	now[10] = ' ';
	return buffer_append_text(out, html_head, err) &&
		   buffer_append_text(
			   out, "<h1>Customers and their records</h1>\n<p class=\"soft\">Deployment ", err) &&
		   html_text(out, dataset_state_deployment(run->state), err) &&
		   buffer_printf(out, err, ", run %" PRIu64 ", model %016" PRIx64 ", %s UTC%s</p>\n",
						 dataset_state_generation(run->state), identity_model_hash(run->model), now,
						 run->mask ? ", values masked" : "") &&
		   buffer_printf(out, err,
						 "<div class=\"cards\"><div class=\"card\"><b>%" PRIu64
						 "</b>records</div><div class=\"card\"><b>%" PRIu64
						 "</b>customers</div><div class=\"card\"><b>%.0f %%</b>of records share a "
						 "customer</div><div class=\"card\"><b>%zu</b>open questions</div>"
						 "<div class=\"card\"><b>%" PRIu64 "</b>answers in force</div></div>\n",
						 run->stats.records, run->stats.customers,
						 run->stats.records > 0
							 ? 100.0 * (double) several / (double) run->stats.records
							 : 0.0,
						 run->questions, run->stats.judgements);
}

static bool
html_engine(const ReportRun *run, Buffer *out, Err *err)
{
	const IdentityStats *stats = &run->stats;

	return buffer_printf(
		out, err,
		"<h2>Answers and effort</h2>\n<table>\n"
		"<tr><td>answers same / different / unsure / split</td><td class=\"n\">%zu / %zu / %zu / "
		"%zu</td></tr>\n"
		"<tr><td>comparisons per record</td><td class=\"n\">%.1f</td></tr>\n"
		"<tr><td>keys dropped because too many records share them</td><td class=\"n\">%" PRIu64
		"</td></tr>\n"
		"<tr><td>values too common to identify anybody</td><td class=\"n\">%" PRIu64 "</td></tr>\n"
		"<tr><td>neighbourhoods clustered; cut at their limit</td><td class=\"n\">%" PRIu64
		"; %" PRIu64 "</td></tr>\n"
		"<tr><td>records looked at per change, p50 / p99 / most</td><td class=\"n\">%" PRIu64
		" / %" PRIu64 " / %" PRIu64 "</td></tr>\n"
		"<tr><td>memory per record</td><td class=\"n\">%.0f bytes</td></tr>\n</table>\n",
		run->verdicts[IDENTITY_SAME], run->verdicts[IDENTITY_DIFFERENT],
		run->verdicts[IDENTITY_UNSURE], run->verdicts[IDENTITY_SPLIT],
		stats->records > 0 ? (double) stats->comparisons / (double) stats->records : 0.0,
		stats->lost_to_caps, stats->lost_to_generics, stats->repairs, stats->repairs_cut,
		stats->visits_p50, stats->visits_p99, stats->visits_max,
		stats->records > 0 ? (double) stats->bytes / (double) stats->records : 0.0);
}

bool
report_html(ReportRun *run, Buffer *out, Err *err)
{
	return html_summary(run, out, err) && html_sizes(run, out, err) &&
		   html_sources(run, out, err) && html_scores(run, out, err) &&
		   buffer_append_text(out, "<h2>Near the thresholds</h2>\n", err) &&
		   html_pairs(
			   run, out, run->weakest, run->nweakest, "Joined, but only just",
			   "The records with the weakest best link to the rest of their customer. If these "
			   "are right, the threshold is not too low.",
			   err) &&
		   html_pairs(run, out, run->nearest, run->nnearest, "Held apart, but only just",
					  "The open questions that are most likely one customer. If these are mostly "
					  "right, answer them, or the threshold is too high.",
					  err) &&
		   html_held(run, out, err) && html_largest(run, out, err) && html_engine(run, out, err) &&
		   buffer_append_text(out, "</body>\n</html>\n", err);
}
