/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_review.h — what to ask a steward, what was answered, and why records are together.
 *
 * The part of identity.h that is for people; identity.h includes it.
 */
#ifndef GOLDPAN_IDENTITY_REVIEW_H
#define GOLDPAN_IDENTITY_REVIEW_H

#include "goldpan/identity.h"

typedef enum IdentityReviewType
{
	IDENTITY_REVIEW_JOIN = 1, /* are a and b one customer? */
	IDENTITY_REVIEW_SPLIT,	  /* does b belong to a's customer? */
	IDENTITY_REVIEW_AUDIT,	  /* was this automatic link right? */
} IdentityReviewType;

typedef struct IdentityReviewItem
{
	IdentityReviewType type;
	IdentityRef a, b; /* anchors: the best pair; for a split b is the doubtful record */
	IdentityId customer_a, customer_b;
	uint32_t version_a, version_b;
	uint32_t size_a, size_b; /* records on each side */
	double best, mean;		 /* bits between the sides */
	double probability;		 /* that they are one customer */
	double value;			 /* what the answer is expected to gain; the order */
	const char *reason;		 /* "below link", "gate", "conflict", "limit", "bridge", … */
} IdentityReviewItem;

typedef bool (*IdentityReviewVisit)(void *context, const IdentityReviewItem *item);
/* Items in the order of their value, most valuable first; audit: so many automatic links,
 * chosen by a stable hash among those that nobody confirmed, mixed in. */
bool identity_review(const Identity *identity, size_t audit, IdentityReviewVisit visit,
					 void *context, Err *err) MUST_CHECK;

typedef struct IdentityJudged
{
	uint64_t handle;
	IdentityVerdict verdict;
	IdentityRef a, b;
	int64_t time;
	const char *user, *reason;
	bool asks_again;			   /* an anchor left the customer it was judged in */
	uint32_t version_a, version_b; /* of the anchors' customers when it was given */
} IdentityJudged;

typedef bool (*IdentityJudgedVisit)(void *context, const IdentityJudged *judged);
void identity_judgements(const Identity *identity, IdentityJudgedVisit visit, void *context);

/* Explanations as text, a fact a line; the bits of the lines sum to the score.  Of two records;
 * of a record and a customer (NULL: its own): why there, why not, what would change it.  USAGE
 * when a record or the customer is not there. */
bool identity_explain_pair(const Identity *identity, IdentityRef a, IdentityRef b, Buffer *out,
						   Err *err) MUST_CHECK;
bool identity_explain_record(const Identity *identity, IdentityRef ref, const IdentityId *customer,
							 Buffer *out, Err *err) MUST_CHECK;

#endif
