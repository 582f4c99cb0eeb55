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

#include "cli/cli_evidence.h"
#include "cli/cli_report_priv.h"
#include "goldpan/clock.h"

static const char html_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
	"<meta name=\"referrer\" content=\"no-referrer\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>Customers and their records</title>\n<style>\n"
	":root{color-scheme:light dark;--ink:#1c2733;--paper:#fff;--soft:#5b6b7b;--line:#d9e0e7;"
	"--axis:#8a98a6;--way:#f4f6f8;--joined:#2f6f9f;--held:#d98a29;--same:#1e7a45;--other:#b3372b}\n"
	"@media (prefers-color-scheme:dark){:root{--ink:#dfe6ec;--paper:#151b21;--soft:#98a7b5;"
	"--line:#33404c;--axis:#5f6f7e;--way:#1f2830;--joined:#5aa3d8;--held:#e2a04a;--same:#5cc48a;"
	"--other:#f08a7e}}\n"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
	"max-width:68rem;margin:0 auto;padding:1.5rem}\n"
	"h1{font-size:1.7rem;margin:0 0 .2rem}h2{font-size:1.25rem;margin:2.4rem 0 .4rem;"
	"border-bottom:2px solid var(--line);padding-bottom:.2rem}h3{font-size:1rem;margin:1.4rem 0 "
	".3rem}\n"
	"p{margin:.3rem 0 .8rem;max-width:52rem}.soft{color:var(--soft)}\n"
	".cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}"
	".card{border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1rem;min-width:8rem}"
	".card b{display:block;font-size:1.5rem;font-weight:600}\n"
	"table{border-collapse:collapse;margin:.4rem 0 1rem}"
	"td,th{padding:.2rem .7rem .2rem 0;text-align:left;vertical-align:top}"
	"th{font-weight:600;color:var(--soft);font-size:.85rem}"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
	"table.full{width:100%}table.full td:last-child{width:60%}"
	".bar{display:inline-block;height:.8rem;background:var(--joined);border-radius:2px;"
	"vertical-align:middle}"
	".held{background:var(--held)}\n"
	".chart{display:flex;align-items:flex-end;height:11rem;gap:2px;"
	"border-bottom:1px solid var(--axis)}"
	".chart div{flex:1;display:flex;align-items:flex-end;gap:1px;height:100%}"
	".chart i{flex:1;background:var(--joined);min-height:0}.chart i.h{background:var(--held)}"
	".axis{display:flex;gap:2px;font-size:.7rem;color:var(--soft)}.axis "
	"span{flex:1;text-align:center}\n"
	".key{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin:0 .5rem 0 0;"
	"vertical-align:middle}\n"
	".pair{border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1rem;margin:.7rem 0}"
	".pair table{width:100%;table-layout:fixed}.pair th:first-child,.pair "
	"td:first-child{width:9rem}"
	".pair td,.pair th{overflow-wrap:anywhere}"
	"td.same{color:var(--same)}td.other{color:var(--other)}\n"
	".pair .fall th:first-child,.pair .fall td:first-child{width:34%}"
	".fall td:nth-child(2){width:4.5rem}"
	".fall .way{position:relative;height:.9rem;border-left:0;background:var(--way)}"
	".fall .way i{position:absolute;top:0;bottom:0;min-width:2px;background:var(--same)}"
	".fall .way i.m{background:var(--other)}.fall .way i.s{background:var(--joined)}"
	".fall .way u{position:absolute;top:-.15rem;bottom:-.15rem;width:1px;background:var(--ink)}"
	".fall tr.sum td{font-weight:600;border-top:1px solid var(--axis)}\n"
	"details p{color:var(--other)}"
	"summary{cursor:pointer;color:var(--joined)}\n"
	".wide{overflow-x:auto}code{font-size:.85em}\n"
	"@media print{details>*{display:block}}\n"
	"</style>\n</head>\n<body>\n";

/* ---- values ---- */

bool
report_html_value(const ReportRun *run, Buffer *out, const char *text, size_t length, Err *err)
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

bool
report_html_text(Buffer *out, const char *text, Err *err)
{
	return cli_html_text(out, text, strlen(text), err);
}

/* A record's id may name a person (an e-mail address as a key): masked with the values. */
bool
report_html_ref(const ReportRun *run, Buffer *out, IdentityRef ref, Err *err)
{
	return report_html_text(out, ref.source, err) && buffer_append_byte(out, ':', err) &&
		   report_html_value(run, out, ref.id, strlen(ref.id), err);
}

/* A number with a narrow blank every three digits. */
static bool
html_count(Buffer *out, uint64_t number, Err *err)
{
	if (number >= 1000)
		return html_count(out, number / 1000, err) &&
			   buffer_printf(out, err, "\xe2\x80\xaf%03" PRIu64, number % 1000);
	return buffer_printf(out, err, "%" PRIu64, number);
}

/* An attribute's name in words. */
bool
report_html_attribute(Buffer *out, int attribute, Err *err)
{
	const char *name = identity_attribute_name((IdentityAttribute) attribute);

	for (; *name != '\0'; name++)
	{
		if (!buffer_append_byte(out, *name == '_' ? ' ' : (uint8_t) *name, err))
			return false;
	}
	return true;
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
	if (!buffer_append_text(
			out,
			"<h2>Customers by size</h2>\n<p>How many records each customer has. "
			"Large ones deserve a look: they are where two people get glued "
			"together.</p>\n<table class=\"full\">\n<tr><th>records</th><th class=\"n\">customers"
			"</th><th class=\"n\">records in them</th><th></th></tr>\n",
			err))
		return false;
	for (size_t i = 0; i < REPORT_SIZES; i++)
	{
		if (run->customers[i] > 0 &&
			!(buffer_printf(out, err, "<tr><td>%s</td><td class=\"n\">", bands[i]) &&
			  html_count(out, run->customers[i], err) &&
			  buffer_append_text(out, "</td><td class=\"n\">", err) &&
			  html_count(out, run->records[i], err) &&
			  buffer_printf(
				  out, err,
				  "</td><td><span class=\"bar\" style=\"width:%.1f%%\"></span></td></tr>\n",
				  100.0 * (double) run->customers[i] / (double) most)))
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

		if (!buffer_append_text(out, "<tr><td>", err) ||
			!report_html_text(out, source->name, err) ||
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

static double
html_parameter(const ReportRun *run, const char *name)
{
	double value = 0;
	Err err;

	err_clear(&err);
	return identity_model_get(run->model, name, &value, &err) ? value : 0;
}

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
			"<h2>Scores</h2>\n<p>How much evidence there is that two records are one customer, in "
			"bits: at 0 it is as likely as not, at +10 a thousand to one for it, at −10 a thousand "
			"to one against. From %.1f bits on two records may be joined (companies: %.1f), if the "
			"rest of their customers agree; below %.1f bits (companies: %.1f) nobody is "
			"asked.</p>\n"
			"<p><span class=\"key bar\"></span>pairs of records inside a customer (highest bar: "
			"%zu pairs)<br><span class=\"key held\"></span>best pair of two customers held apart, "
			"an open question (highest bar: %zu pairs)</p>\n"
			"<div class=\"chart\">",
			html_parameter(run, "person.link"), html_parameter(run, "company.link"),
			html_parameter(run, "person.review"), html_parameter(run, "company.review"), most,
			most_held))
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
	return buffer_append_text(out,
							  "</div>\n<p class=\"soft\">bits of evidence; the first and the last "
							  "bar hold all that lies beyond. The colours have scales of their "
							  "own.</p>\n",
							  err);
}

/* ---- pairs ---- */

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
		if (!report_html_pair(run, out, &pairs[i], err))
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
		{"gate", "one pair of records agrees, but those of both sides do not on the whole"},
		{"conflict", "something says that they cannot be one: two ids of a kind, Jr and Sr"},
		{"limit", "the customer would become larger than a customer may be"},
		{"bridge", "one record alone would hold two groups together"},
		{"neighbourhood cut", "so many similar records that not all were looked at together"},
		{"fits badly", "a record is in a customer whose other records it fits badly"},
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
			!report_html_text(out, run->reasons[i].name, err) ||
			!buffer_printf(out, err, "</td><td class=\"n\">%zu</td><td>%s</td></tr>\n",
						   run->reasons[i].count, html_reason(run->reasons[i].name)))
			return false;
	}
	if (!buffer_append_text(out, "</table>\n", err))
		return false;
	for (size_t i = 0; i < run->nreasons; i++)
	{
		if (!buffer_append_text(out, "<h3>Held back: ", err) ||
			!report_html_text(out, run->reasons[i].name, err) ||
			!buffer_append_text(out, "</h3>\n", err))
			return false;
		for (size_t j = 0; j < run->reasons[i].nexamples; j++)
		{
			if (!report_html_pair(run, out, &run->reasons[i].examples[j], err))
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

	if (!buffer_append_text(out, "<tr><td>", err) || !report_html_ref(run, out, ref, err))
		return false;
	for (int attribute = 0; attribute < IDENTITY_ATTRIBUTES; attribute++)
	{
		if (!shown[attribute])
			continue;
		if (!buffer_append_text(out, "</td><td>", err))
			return false;
		for (size_t nth = 0;; nth++)
		{
			const IdentityField *field = report_html_find(fields, count, attribute, nth);

			if (field == NULL)
				break;
			if ((nth > 0 && !buffer_append_text(out, "<br>", err)) ||
				!report_html_value(run, out, field->text, field->length, err))
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
			!(buffer_append_text(out, "<th>", err) && report_html_attribute(out, attribute, err) &&
			  buffer_append_text(out, "</th>", err)))
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
html_card(Buffer *out, uint64_t number, const char *what, Err *err)
{
	return buffer_append_text(out, "<div class=\"card\"><b>", err) &&
		   html_count(out, number, err) && buffer_printf(out, err, "</b>%s</div>", what);
}

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
		   report_html_text(out, dataset_state_deployment(run->state), err) &&
		   buffer_printf(out, err, ", run %" PRIu64 ", model %016" PRIx64 ", %s UTC%s</p>\n",
						 dataset_state_generation(run->state), identity_model_hash(run->model), now,
						 run->mask ? ", values masked" : "") &&
		   buffer_printf(out, err, "<div class=\"cards\">") &&
		   html_card(out, run->stats.records, "records", err) &&
		   html_card(out, run->stats.customers, "customers", err) &&
		   buffer_printf(out, err,
						 "<div class=\"card\"><b>%.0f %%</b>of records are in a customer with "
						 "others</div>",
						 run->stats.records > 0
							 ? 100.0 * (double) several / (double) run->stats.records
							 : 0.0) &&
		   html_card(out, run->questions, "open questions", err) &&
		   html_card(out, run->stats.judgements, "answers in force", err) &&
		   buffer_append_text(out, "</div>\n", err);
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
		"<tr><td>pairs not compared because too many records share what they share</td><td "
		"class=\"n\">%" PRIu64 "</td></tr>\n"
		"<tr><td>values too common to identify anybody</td><td class=\"n\">%" PRIu64 "</td></tr>\n"
		"<tr><td>groups of similar records decided together; of them too large, and cut</td><td "
		"class=\"n\">%" PRIu64 "; %" PRIu64 "</td></tr>\n"
		"<tr><td>records looked at for one change: usually / one time in a hundred / at "
		"most</td><td class=\"n\">%" PRIu64 " / %" PRIu64 " / %" PRIu64 "</td></tr>\n"
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
