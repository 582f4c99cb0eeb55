/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review_terminal.c — `goldpan review` for a person: one question at a time, one key an answer.
 *
 * Without a terminal keys are read from standard input all the same and the screen is not cleared.
 */
#include "cli/cli_review_screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli_keys.h"

/* ---- a split: which records are foreign ---- */

static bool
terminal_list(ReviewScreen *terminal, const IdentityRef *members, size_t count, size_t first,
			  Err *err)
{
	static IdentityField fields[DATASET_MAX_FIELDS];

	for (size_t i = 0; i < count; i++)
	{
		DatasetStored stored;
		size_t nfields = 0;

		if (dataset_store_find(terminal->session->store, members[i], &stored))
			nfields = dataset_store_fields(&stored, fields);
		if (!buffer_printf(&terminal->out, err, "%3zu ", first + i))
			return false;
		for (size_t j = 0; j < nfields; j++)
		{
			if (!review_screen_value(terminal, fields[j].text, fields[j].length, err) ||
				!buffer_append_text(&terminal->out, j > 0 ? ", " : "", err) ||
				!buffer_append(&terminal->out, terminal->text.data, terminal->text.length, err))
				return false;
		}
		if (!buffer_append_byte(&terminal->out, '\n', err))
			return false;
	}
	return true;
}

/* Reads numbers and ranges ("2 5-7") of members; *count 0: none, or status says what is wrong. */
static bool
terminal_foreign(ReviewScreen *terminal, const ReviewItem *item, IdentityRef **foreign,
				 size_t *count, Err *err)
{
	size_t total = item->nmembers_a + item->nmembers_b;
	char line[1024];
	char *at = line;

	*count = 0;
	*foreign = arena_alloc(&terminal->session->arena, (total + 1) * sizeof(**foreign), err);
	buffer_clear(&terminal->out);
	if (*foreign == NULL || !buffer_append_text(&terminal->out, "\n", err) ||
		!terminal_list(terminal, item->members_a, item->nmembers_a, 1, err) ||
		!terminal_list(terminal, item->members_b, item->nmembers_b, item->nmembers_a + 1, err) ||
		!buffer_append_text(
			&terminal->out,
			"Records that belong to somebody else (as 2 5-7; Enter: none): ", err) ||
		!cli_print(&terminal->out, err))
		return false;
	cli_keys_line(line, sizeof(line));
	for (at += strspn(at, " ,"); *at != '\0'; at += strspn(at, " ,"))
	{
		char *end;
		unsigned long first = strtoul(at, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		if (end == at || first < 1 || last < first || last > total || strchr(" ,", *end) == NULL ||
			*count + (last - first) >= total)
		{
			*count = 0;
			(void) snprintf(terminal->status, sizeof(terminal->status),
							"Nothing was split: give numbers from 1 to %zu, as in 2 5-7.", total);
			return true;
		}
		for (; first <= last; first++)
			(*foreign)[(*count)++] = first <= item->nmembers_a
										 ? item->members_a[first - 1]
										 : item->members_b[first - 1 - item->nmembers_a];
		at = end;
	}
	if (*count == 0)
		(void) snprintf(terminal->status, sizeof(terminal->status),
						"Nothing was split: no record was named.");
	return true;
}

/* ---- one question ---- */

static bool
terminal_undo(ReviewScreen *terminal, Err *err)
{
	uint64_t handle;

	if (!review_undo(terminal->session, terminal->user, &handle, err))
		return false;
	(void) snprintf(terminal->status, sizeof(terminal->status), "%s",
					handle != 0 ? "The last answer is taken back." : "There is no answer to undo.");
	return true;
}

static bool
terminal_answer(ReviewScreen *terminal, const ReviewItem *item, IdentityVerdict verdict, Err *err)
{
	ReviewAnswer answer = {.verdict = verdict, .user = terminal->user, .reason = ""};
	IdentityRef *foreign = NULL;
	IdentityStatus status;
	const char *message;

	if (verdict == IDENTITY_SPLIT)
	{
		if (!terminal_foreign(terminal, item, &foreign, &answer.nforeign, err))
			return false;
		answer.foreign = foreign;
		if (answer.nforeign == 0)
			return true;
	}
	if (!review_answer(terminal->session, item, &answer, &status, &message, err))
		return false;
	if (status == IDENTITY_DONE)
		return true;
	/* It names records, by whatever their ids are. */
	buffer_clear(&terminal->text);
	if (message == NULL || terminal->mask)
		message = status == IDENTITY_CONTRADICTION ? "it contradicts earlier answers" : "";
	if (!cli_terminal_text(&terminal->text, message, strlen(message), err))
		return false;
	(void) snprintf(terminal->status, sizeof(terminal->status), "Not taken (%s): %.*s",
					review_status_name(status), (int) terminal->text.length,
					(const char *) terminal->text.data);
	return true;
}

static bool
terminal_help(ReviewScreen *terminal, Err *err)
{
	static const char help[] =
		"\n"
		"s  same: both sides are one customer\n"
		"d  different: they are two, and stay two whatever the data say\n"
		"u  unsure: asked again only when something changes\n"
		"p  split: some records belong to somebody else; asks for their numbers\n"
		"z  takes your last answer back, also one of an earlier sitting\n"
		"e  shows or hides the normalised values that were compared\n"
		"q  ends; every answer so far is kept\n\n"
		"Bits are evidence: each bit for doubles the odds, each bit against halves them;\n"
		"the sum starts below zero because most pairs of records are strangers.\n"
		"What a household or a group shares counts no more than a bound; the rest is taken off.\n"
		"Why a pair is asked:\n"
		"  below link         the evidence is too weak to join without a person\n"
		"  gate               one pair agrees, the records on the whole do not\n"
		"  fits badly         a record fits the rest of its customer badly\n"
		"  conflict           two facts of which nobody has two speak against it\n"
		"  limit              the customer would have more records than one may\n"
		"  bridge             one record alone would hold two groups together\n"
		"  neighbourhood cut  too many similar records to look at them all at once\n"
		"  audit              joined automatically; drawn to see whether that was right\n\n"
		"Any key goes back to the question. ";

	buffer_clear(&terminal->out);
	if (!buffer_append_text(&terminal->out, help, err) || !cli_print(&terminal->out, err))
		return false;
	if (terminal->clears)
	{
		terminal->ended = cli_keys_next() < 0;
		/* of a key of several bytes none may answer the question */
		cli_keys_drop();
	}
	return true;
}

/* Reads keys until one answers, undoes or ends. */
static bool
terminal_ask(ReviewScreen *terminal, const ReviewItem *item, Err *err)
{
	for (;;)
	{
		switch (cli_keys_next())
		{
			case 's':
				return terminal_answer(terminal, item, IDENTITY_SAME, err);
			case 'd':
				return terminal_answer(terminal, item, IDENTITY_DIFFERENT, err);
			case 'u':
				return terminal_answer(terminal, item, IDENTITY_UNSURE, err);
			case 'p':
				return terminal_answer(terminal, item, IDENTITY_SPLIT, err);
			case 'z':
				return terminal_undo(terminal, err);
			case 'e':
				terminal->details = !terminal->details;
				return true;
			case '?':
			case 'h':
				return terminal_help(terminal, err);
			case 'q':
			case -1:
			case 3: /* ^C */
			case 4: /* ^D */
				terminal->ended = true;
				return true;
			case '\n':
			case '\r':
				break;
			default:
				(void) snprintf(terminal->status, sizeof(terminal->status),
								"That key answers nothing; ? explains the keys.");
				/* an arrow key comes as several bytes: none of them may count as an answer */
				if (terminal->clears)
					cli_keys_drop();
				return true;
		}
	}
}

/* No question is left: the last answer may still have been a slip. */
static bool
terminal_last(ReviewScreen *terminal, Err *err)
{
	buffer_clear(&terminal->out);
	if ((terminal->clears && !buffer_append_text(&terminal->out, "\033[H\033[2J", err)) ||
		!buffer_append_text(&terminal->out, "No question is left. [z]undo the last answer [q]uit ",
							err) ||
		!cli_print(&terminal->out, err))
		return false;
	if (cli_keys_next() == 'z')
		return terminal_undo(terminal, err);
	if (terminal->clears)
		cli_keys_drop();
	terminal->ended = true;
	return true;
}

bool
review_terminal(ReviewSession *session, const CliArgs *args, Err *err)
{
	ReviewScreen terminal = {
		.session = session, .user = review_user(args), .mask = cli_has(args, "mask")};
	ReviewItem item;
	bool found = false;
	bool ok = true;

	buffer_init(&terminal.out, (size_t) 64 << 20);
	buffer_init(&terminal.text, (size_t) 16 << 20);
	terminal.clears = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	terminal.color = terminal.clears && getenv("NO_COLOR") == NULL;
	(void) cli_keys_open();
	while (ok && !terminal.ended)
	{
		ok = review_next(session, &item, &found, err);
		if (ok && found)
			ok = review_screen_show(&terminal, &item, err) && terminal_ask(&terminal, &item, err);
		else if (ok && (terminal.clears || session->answered > 0))
			ok = terminal_last(&terminal, err);
		else
			break;
	}
	cli_keys_close();
	if (ok)
	{
		buffer_clear(&terminal.out);
		ok = buffer_printf(&terminal.out, err, "\n%s%zu answered in this sitting, %zu open.\n",
						   found ? "" : "No question is left. ", session->answered,
						   found ? session->open : 0) &&
			 cli_print(&terminal.out, err);
	}
	buffer_release(&terminal.out);
	buffer_release(&terminal.text);
	return ok;
}
