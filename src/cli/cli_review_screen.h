/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review_screen.h — what draws a question of `goldpan review`, for what asks it.
 */
#ifndef CLI_REVIEW_SCREEN_H
#define CLI_REVIEW_SCREEN_H

#include "cli/cli_review_priv.h"

typedef struct ReviewScreen
{
	ReviewSession *session;
	const char *user;
	bool mask;
	bool clears; /* a terminal, not a pipe */
	bool color;
	bool details; /* show what the engine says word by word */
	int width;
	size_t values; /* shown of one attribute and side: fewer on a low screen */
	Buffer out;
	Buffer text;
	char status[512];
	bool ended;
} ReviewScreen;

/* Draws the question, its evidence, the status and the keys; empties the status. */
bool review_screen_show(ReviewScreen *screen, const ReviewItem *item, Err *err) MUST_CHECK;

/* A value as it may be shown, into screen->text: safe, and masked when asked for; valid until the
 * next call. */
bool review_screen_value(ReviewScreen *screen, const char *text, size_t length,
						 Err *err) MUST_CHECK;

#endif
