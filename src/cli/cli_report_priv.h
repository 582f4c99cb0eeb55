/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_report_priv.h — what `goldpan identity report` counts, and then draws.
 */
#ifndef CLI_REPORT_PRIV_H
#define CLI_REPORT_PRIV_H

#include "cli/cli_identity_priv.h"

#define REPORT_SIZES	8  /* bands of sizes: 1, 2, 3, 4, 5-9, 10-19, 20-49, 50 and more */
#define REPORT_BINS		32 /* of scores, 2 bits wide, from -20 to 44 */
#define REPORT_BIN_LOW	(-20)
#define REPORT_BIN_BITS 2
#define REPORT_EXAMPLES 8
#define REPORT_SOURCES	32
#define REPORT_REASONS	16
#define REPORT_LARGEST	5
#define REPORT_MEMBERS	60 /* of one customer, whose pairs are scored and values shown */

typedef struct ReportPair
{
	IdentityRef a, b; /* live in the store */
	IdentityId customer_a, customer_b;
	uint32_t size_a, size_b;
	double score; /* bits */
	double probability;
	const char *reason; /* NULL: joined */
} ReportPair;

typedef struct ReportCustomer
{
	IdentityId id;
	size_t size;
	IdentityRef members[REPORT_MEMBERS];
	size_t nmembers;
} ReportCustomer;

typedef struct ReportReason
{
	char name[64];
	size_t count;
	ReportPair examples[3];
	size_t nexamples;
} ReportReason;

typedef struct ReportSource
{
	const char *name;
	size_t records;
	size_t shared; /* records whose customer has records of other sources too */
} ReportSource;

typedef struct ReportRun
{
	Arena arena;
	DatasetState *state;
	DatasetStore *store;
	const IdentityModel *model;
	const Identity *identity;
	bool mask;
	IdentityStats stats;
	size_t customers[REPORT_SIZES];
	size_t records[REPORT_SIZES];
	size_t joined[REPORT_BINS];
	size_t held[REPORT_BINS];
	ReportPair weakest[REPORT_EXAMPLES]; /* joined, weakest first */
	size_t nweakest;
	ReportPair nearest[REPORT_EXAMPLES]; /* held back, most probable first */
	size_t nnearest;
	ReportCustomer largest[REPORT_LARGEST];
	size_t nlargest;
	ReportReason reasons[REPORT_REASONS];
	size_t nreasons;
	size_t questions;
	ReportSource sources[REPORT_SOURCES];
	size_t nsources;
	size_t verdicts[IDENTITY_SPLIT + 1];
	/* the customer being walked */
	ReportCustomer current;
	Err *err;
	bool ok;
} ReportRun;

/* Parts of the page: a value, masked when that was asked for; a text of our own; a record's source
 * and id; an attribute's name. All escaped. */
bool report_html_value(const ReportRun *run, Buffer *out, const char *text, size_t length,
					   Err *err) MUST_CHECK;
bool report_html_text(Buffer *out, const char *text, Err *err) MUST_CHECK;
bool report_html_ref(const ReportRun *run, Buffer *out, IdentityRef ref, Err *err) MUST_CHECK;
bool report_html_attribute(Buffer *out, int attribute, Err *err) MUST_CHECK;
/* A record's nth value of an attribute, or NULL. */
const IdentityField *report_html_find(const IdentityField *fields, size_t count, int attribute,
									  size_t nth);
bool report_html_pair(const ReportRun *run, Buffer *out, const ReportPair *pair,
					  Err *err) MUST_CHECK;

/* Draws it all. */
bool report_html(ReportRun *run, Buffer *out, Err *err) MUST_CHECK;

#endif
