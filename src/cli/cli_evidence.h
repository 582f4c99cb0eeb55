/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_evidence.h — an explanation of the engine as lines that can be drawn for people.
 */
#ifndef CLI_EVIDENCE_H
#define CLI_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "goldpan/identity.h"

typedef enum CliEvidenceType
{
	EVIDENCE_VALUE,	   /* which record, or a normalised value of it: personal */
	EVIDENCE_BITS,	   /* a weight: name, level and bits are set */
	EVIDENCE_SCORE,	   /* the sum: bits is set */
	EVIDENCE_NOTE,	   /* a conflict */
	EVIDENCE_STANDING, /* how the two were found, and where they are now */
	EVIDENCE_ANSWER,   /* what a person said, with the reason that person gave */
} CliEvidenceType;

typedef struct CliEvidence
{
	CliEvidenceType type;
	const char *text; /* the line, not terminated; lives in the explanation */
	size_t length;
	double bits;
	char name[32]; /* "family name" */
	char level[64];
} CliEvidence;

/* The next line of an explanation that ends with a zero; *at goes forward. False at its end. */
bool cli_evidence_next(const char **at, CliEvidence *line);

/* Between what the sum of the weights moves, 0 included; never empty. */
void cli_evidence_range(const char *text, double *low, double *high);

/* "63 %"; what is asked is never certain: "over 99 %", "under 1 %". */
#define CLI_LIKELY_TEXT 16
const char *cli_likely_text(double probability, char text[CLI_LIKELY_TEXT]);

/* Do two values read the same to a person: but for case, blanks and marks; telephone numbers but
 * for how the country is dialled. */
bool cli_reads_same(const IdentityField *a, const IdentityField *b);

#endif
