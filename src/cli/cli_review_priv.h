/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review_priv.h — one sitting of `goldpan review`.
 */
#ifndef CLI_REVIEW_PRIV_H
#define CLI_REVIEW_PRIV_H

#include "cli/cli_identity_priv.h"

#define REVIEW_TEXT 32

/* An item with texts of its own. */
typedef struct ReviewItem
{
	IdentityReviewItem item;
	const IdentityRef *members_a; /* of customer_a; of a split: without b */
	const IdentityRef *members_b;
	size_t nmembers_a, nmembers_b;
} ReviewItem;

typedef struct ReviewSession
{
	DatasetState *state;
	DatasetStore *store;
	Identity *identity;
	uint64_t position;
	size_t audit;	/* automatic links to mix in */
	size_t audited; /* of them, asked in this sitting */
	Arena arena;	/* of the current item */
	Buffer events;
	Buffer line;
	char **asked; /* not asked again in this sitting: "source\0id\0source\0id" hashes as text */
	size_t nasked;
	size_t answered;
	size_t open; /* items in the queue at the last look, the one shown included */
} ReviewSession;

typedef struct ReviewAnswer
{
	IdentityVerdict verdict;
	const IdentityRef *foreign; /* of a split */
	size_t nforeign;
	const char *user, *reason;
} ReviewAnswer;

/* Opens a state for answers. Close also after a failure. */
bool review_open(ReviewSession *session, const CliArgs *args, Err *err) MUST_CHECK;
void review_close(ReviewSession *session);

/* Do both name one record? */
bool review_same_ref(IdentityRef a, IdentityRef b);
/* The most valuable question; *found false when none is left. It lives until the next call. */
bool review_next(ReviewSession *session, ReviewItem *item, bool *found, Err *err) MUST_CHECK;
/* Fills in the members of item->item's customers. */
bool review_members(ReviewSession *session, ReviewItem *item, Err *err) MUST_CHECK;

/* Takes an answer: durable when it returns true with *status IDENTITY_DONE. Any other status: it was
 * refused without effect, *message (of the session, until the next call) says why. */
bool review_answer(ReviewSession *session, const ReviewItem *item, const ReviewAnswer *answer,
				   IdentityStatus *status, const char **message, Err *err) MUST_CHECK;
/* Takes back the last answer of that user that is in force; *handle 0: there is none. */
bool review_undo(ReviewSession *session, const char *user, uint64_t *handle, Err *err) MUST_CHECK;

const char *review_type_name(IdentityReviewType type);
const char *review_status_name(IdentityStatus status);
/* Why a name cannot be one that answers carry, and are taken back by; NULL when it can. */
const char *review_user_problem(const char *user);
/* The name that answers carry unless --user says another. */
const char *review_user(const CliArgs *args);

bool review_terminal(ReviewSession *session, const CliArgs *args, Err *err) MUST_CHECK;
bool review_json(ReviewSession *session, const CliArgs *args, Err *err) MUST_CHECK;
bool review_export(ReviewSession *session, const char *path, Err *err) MUST_CHECK;
bool review_import(ReviewSession *session, const CliArgs *args, const char *path,
				   Err *err) MUST_CHECK;

#endif
