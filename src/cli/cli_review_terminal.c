/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review_terminal.c — `goldpan review` for a person: one question at a time, one key an answer.
 *
 * Shown are the values of both sides under each other's attribute, then the evidence as the engine
 * explains it. Without a terminal keys are read from standard input all the same and the screen is
 * not cleared. Values cannot send anything to the terminal but text.
 */
#include "cli/cli_review_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli_evidence.h"
#include "cli/cli_keys.h"
#include "goldpan/alloc.h"

#define TERMINAL_VALUES	 4	 /* different values shown of one attribute and side, at most */
#define TERMINAL_MEMBERS 200 /* whose values are looked at */
#define TERMINAL_NAME	 14
#define TERMINAL_LABEL	 28
#define TERMINAL_LEAST	 40 /* columns */

typedef struct Terminal
{
	ReviewSession *session;
	const char *user;
	bool mask;
	bool screen;
	bool color;
	bool details; /* show what the engine says word by word */
	int width;
	size_t values; /* shown of one attribute and side: fewer on a low screen */
	Buffer out;
	Buffer text;
	char status[512];
	bool ended;
} Terminal;

/* ---- text ---- */

static bool
terminal_style(Terminal *terminal, const char *code, Err *err)
{
	return !terminal->color || buffer_printf(&terminal->out, err, "\033[%sm", code);
}

/* Appends at most `width` characters, then blanks up to it. */
static bool
terminal_cell(Terminal *terminal, const char *text, size_t length, int width, Err *err)
{
	int shown = 0;
	size_t at = 0;

	while (at < length && shown < width)
	{
		size_t next = at + 1;

		while (next < length && ((unsigned char) text[next] & 0xc0) == 0x80)
			next++;
		if (shown + 1 == width && next < length)
		{
			if (!buffer_append_text(&terminal->out, "\xe2\x80\xa6", err))
				return false;
			at = length;
		}
		else if (!buffer_append(&terminal->out, text + at, next - at, err))
			return false;
		else
			at = next;
		shown++;
	}
	for (; shown < width; shown++)
	{
		if (!buffer_append_byte(&terminal->out, ' ', err))
			return false;
	}
	return true;
}

/* A value as it may be shown: safe, and masked when asked for; valid until the next call. */
static bool
terminal_value(Terminal *terminal, const char *text, size_t length, Err *err)
{
	Buffer masked;
	bool ok;

	buffer_clear(&terminal->text);
	if (!terminal->mask)
		return cli_terminal_text(&terminal->text, text, length, err);
	buffer_init(&masked, (size_t) 16 << 20);
	ok = cli_mask_text(&masked, text, length, err) &&
		 cli_terminal_text(&terminal->text, (const char *) masked.data, masked.length, err);
	buffer_release(&masked);
	return ok;
}

/* ---- both sides ---- */

typedef struct TerminalValues
{
	DatasetText texts[TERMINAL_VALUES];
	size_t count;
	size_t more;
} TerminalValues;

static void
terminal_add_value(TerminalValues *values, size_t most, const IdentityField *field)
{
	for (size_t i = 0; i < values->count; i++)
	{
		if (values->texts[i].length == field->length &&
			memcmp(values->texts[i].text, field->text, field->length) == 0)
			return;
	}
	if (values->count == most)
	{
		values->more++;
		return;
	}
	values->texts[values->count].text = field->text;
	values->texts[values->count++].length = field->length;
}

static void
terminal_collect(const Terminal *terminal, IdentityRef ref, TerminalValues *values)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	DatasetStored stored;
	size_t count;

	if (!dataset_store_find(terminal->session->store, ref, &stored))
		return;
	count = dataset_store_fields(&stored, fields);
	for (size_t i = 0; i < count; i++)
		terminal_add_value(&values[fields[i].attribute], terminal->values, &fields[i]);
}

static bool
terminal_side_cell(Terminal *terminal, const TerminalValues *values, size_t row, int width,
				   Err *err)
{
	char more[32];

	if (row < values->count)
		return terminal_value(terminal, values->texts[row].text, values->texts[row].length, err) &&
			   terminal_cell(terminal, (const char *) terminal->text.data, terminal->text.length,
							 width, err);
	(void) snprintf(more, sizeof(more), "and %zu more", values->more);
	return terminal_cell(terminal, more,
						 row == values->count && values->more > 0 ? strlen(more) : 0, width, err);
}

static bool
terminal_values(Terminal *terminal, const ReviewItem *item, int width, Err *err)
{
	static TerminalValues a[IDENTITY_ATTRIBUTES];
	static TerminalValues b[IDENTITY_ATTRIBUTES];

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	/* The anchors' values come first. */
	terminal_collect(terminal, item->item.a, a);
	terminal_collect(terminal, item->item.b, b);
	for (size_t i = 0; i < item->nmembers_a && i < TERMINAL_MEMBERS; i++)
		terminal_collect(terminal, item->members_a[i], a);
	for (size_t i = 0; i < item->nmembers_b && i < TERMINAL_MEMBERS; i++)
		terminal_collect(terminal, item->members_b[i], b);
	for (int i = 0; i < IDENTITY_ATTRIBUTES; i++)
	{
		size_t rows_a = a[i].count + (a[i].more > 0 ? 1 : 0);
		size_t rows_b = b[i].count + (b[i].more > 0 ? 1 : 0);
		size_t rows = rows_a > rows_b ? rows_a : rows_b;

		for (size_t row = 0; row < rows; row++)
		{
			const char *name = row == 0 ? identity_attribute_name((IdentityAttribute) i) : "";

			if (!terminal_style(terminal, "2", err) ||
				!terminal_cell(terminal, name, strlen(name), TERMINAL_NAME, err) ||
				!terminal_style(terminal, "0", err) ||
				!terminal_side_cell(terminal, &a[i], row, width, err) ||
				!buffer_append_text(&terminal->out, "  ", err) ||
				!terminal_side_cell(terminal, &b[i], row, width, err) ||
				!buffer_append_byte(&terminal->out, '\n', err))
				return false;
		}
	}
	return true;
}

/* Under whose name a side stands, then how many records it is. */
static bool
terminal_heads(Terminal *terminal, const ReviewItem *item, int width, Err *err)
{
	const size_t sizes[] = {item->nmembers_a, item->nmembers_b};
	const IdentityRef refs[] = {item->item.a, item->item.b};
	char size[32];

	for (int row = 0; row < 2; row++)
	{
		if (!terminal_cell(terminal, "", 0, TERMINAL_NAME, err))
			return false;
		for (int side = 0; side < 2; side++)
		{
			buffer_clear(&terminal->text);
			(void) snprintf(size, sizeof(size), "%zu record%s", sizes[side],
							sizes[side] == 1 ? "" : "s");
			if (!(row == 1 ? buffer_append_text(&terminal->text, size, err)
						   : cli_terminal_text(&terminal->text, refs[side].source,
											   strlen(refs[side].source), err) &&
								 buffer_append_byte(&terminal->text, ':', err) &&
								 cli_terminal_text(&terminal->text, refs[side].id,
												   strlen(refs[side].id), err)) ||
				!terminal_cell(terminal, (const char *) terminal->text.data, terminal->text.length,
							   width, err) ||
				!buffer_append_text(&terminal->out, side == 0 ? "  " : "\n", err))
				return false;
		}
	}
	return true;
}

/* ---- evidence ---- */

static bool
terminal_strip(Terminal *terminal, int start, int end, int zero, char mark, Err *err)
{
	for (int i = 0; i <= end || i <= zero; i++)
	{
		char letter = ' ';

		if (i == zero)
			letter = '|';
		else if (i >= start && i <= end)
			letter = mark;
		if (!buffer_append_byte(&terminal->out, (uint8_t) letter, err))
			return false;
	}
	return true;
}

/* One weight: what it is, its bits, and a bar from where the sum was to where it is now. */
static bool
terminal_bar(Terminal *terminal, const CliEvidence *line, double sum, double low, double high,
			 Err *err)
{
	bool score = line->type == EVIDENCE_SCORE;
	double scale = (terminal->width - TERMINAL_LABEL - 13) / (high - low);
	double from = score ? 0 : sum - line->bits;
	int start = (int) (((from < sum ? from : sum) - low) * scale + 0.5);
	int end = (int) (((from < sum ? sum : from) - low) * scale + 0.5);
	char label[sizeof(line->name) + sizeof(line->level) + 2];

	(void) snprintf(label, sizeof(label), "%s%s%s", score ? "score of these two" : line->name,
					line->level[0] != '\0' ? " " : "", line->level);
	return terminal_style(terminal, score ? "1" : "0", err) &&
		   terminal_cell(terminal, label, strlen(label), TERMINAL_LABEL, err) &&
		   buffer_printf(&terminal->out, err, "%+7.1f  ", line->bits) &&
		   terminal_style(terminal, line->bits < 0 ? "31" : "32", err) &&
		   terminal_strip(terminal, start, end, (int) (-low * scale + 0.5),
						  line->bits < 0 ? '-' : '+', err) &&
		   terminal_style(terminal, "0", err) && buffer_append_byte(&terminal->out, '\n', err);
}

/* Where the two stand, and what people said of them; a reason is a person's own words. */
static bool
terminal_note(Terminal *terminal, const CliEvidence *line, Err *err)
{
	size_t length = line->length;
	const char *colon = memchr(line->text, ':', length);

	if (line->type == EVIDENCE_ANSWER && terminal->mask && colon != NULL)
		length = (size_t) (colon - line->text);
	buffer_clear(&terminal->text);
	return cli_terminal_text(&terminal->text, line->text, length, err) &&
		   terminal_style(terminal, line->type == EVIDENCE_NOTE ? "31" : "2", err) &&
		   buffer_append(&terminal->out, terminal->text.data, terminal->text.length, err) &&
		   terminal_style(terminal, "0", err) && buffer_append_byte(&terminal->out, '\n', err);
}

/* The weights as a waterfall; with [e] the engine's own words too. */
static bool
terminal_evidence(Terminal *terminal, const ReviewItem *item, Err *err)
{
	Buffer text;
	CliEvidence line;
	const char *at;
	double low;
	double high;
	double sum = 0;
	bool ok;

	buffer_init(&text, (size_t) 16 << 20);
	ok = identity_explain_pair(terminal->session->identity, item->item.a, item->item.b, &text,
							   err) &&
		 buffer_append_byte(&text, '\0', err);
	at = (const char *) text.data;
	if (ok)
		cli_evidence_range(at, &low, &high);
	while (ok && cli_evidence_next(&at, &line))
	{
		sum += line.type == EVIDENCE_BITS ? line.bits : 0;
		if (line.type == EVIDENCE_BITS || line.type == EVIDENCE_SCORE)
			ok = terminal_bar(terminal, &line, sum, low, high, err);
		else if (line.type == EVIDENCE_NOTE || line.type == EVIDENCE_ANSWER || terminal->details)
			ok = (line.type == EVIDENCE_VALUE && terminal->mask) ||
				 terminal_note(terminal, &line, err);
	}
	buffer_release(&text);
	return ok;
}

/* ---- the screen ---- */

/* Asked for before each question: windows change. */
static void
terminal_size(Terminal *terminal)
{
	struct winsize size;

	terminal->width = 100;
	terminal->values = TERMINAL_VALUES;
	if (!terminal->screen || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return;
	terminal->width = size.ws_col > 160				 ? 160
					  : size.ws_col < TERMINAL_LEAST ? TERMINAL_LEAST
													 : size.ws_col;
	if (size.ws_row != 0 && size.ws_row < 50)
		terminal->values = size.ws_row < 34 ? 1 : 2;
}

static bool
terminal_head(Terminal *terminal, const ReviewItem *item, Err *err)
{
	const IdentityReviewItem *of = &item->item;
	const char *question = of->type == IDENTITY_REVIEW_SPLIT
							   ? "Does the record on the right belong to the customer on the left?"
						   : of->type == IDENTITY_REVIEW_AUDIT
							   ? "These were joined automatically. Are they one customer?"
							   : "Are these one customer?";
	char likely[CLI_LIKELY_TEXT];

	return (!terminal->screen || buffer_append_text(&terminal->out, "\033[H\033[2J", err)) &&
		   buffer_printf(&terminal->out, err, "%zu answered, %zu open    ",
						 terminal->session->answered, terminal->session->open) &&
		   buffer_printf(&terminal->out, err, "%s, %s likely\n", of->reason,
						 cli_likely_text(of->probability, likely)) &&
		   terminal_style(terminal, "1", err) &&
		   buffer_printf(&terminal->out, err, "%s", question) &&
		   terminal_style(terminal, "0", err) && buffer_append_text(&terminal->out, "\n\n", err);
}

static bool
terminal_show(Terminal *terminal, const ReviewItem *item, Err *err)
{
	int width;
	bool ok;

	terminal_size(terminal);
	width = (terminal->width - TERMINAL_NAME - 2) / 2;
	buffer_clear(&terminal->out);
	ok = terminal_head(terminal, item, err) && terminal_heads(terminal, item, width, err) &&
		 terminal_values(terminal, item, width, err) &&
		 buffer_append_byte(&terminal->out, '\n', err) && terminal_evidence(terminal, item, err);
	if (ok && terminal->status[0] != '\0')
		ok = buffer_printf(&terminal->out, err, "\n%s\n", terminal->status);
	ok = ok && buffer_append_text(
				   &terminal->out,
				   terminal->width < 72
					   ? "\n[s]ame [d]ifferent [u]nsure s[p]lit, ? explains: "
					   : "\n[s]ame [d]ifferent [u]nsure s[p]lit [z]undo [e]vidence [?]help [q]uit ",
				   err);
	terminal->status[0] = '\0';
	return ok && cli_print(&terminal->out, err);
}

/* ---- a split: which records are foreign ---- */

static bool
terminal_list(Terminal *terminal, const IdentityRef *members, size_t count, size_t first, Err *err)
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
			if (!terminal_value(terminal, fields[j].text, fields[j].length, err) ||
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
terminal_foreign(Terminal *terminal, const ReviewItem *item, IdentityRef **foreign, size_t *count,
				 Err *err)
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
terminal_undo(Terminal *terminal, Err *err)
{
	uint64_t handle;

	if (!review_undo(terminal->session, terminal->user, &handle, err))
		return false;
	(void) snprintf(terminal->status, sizeof(terminal->status), "%s",
					handle != 0 ? "The last answer is taken back." : "There is no answer to undo.");
	return true;
}

static bool
terminal_answer(Terminal *terminal, const ReviewItem *item, IdentityVerdict verdict, Err *err)
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
	if (status != IDENTITY_DONE)
		(void) snprintf(terminal->status, sizeof(terminal->status), "Not taken (%s): %s",
						review_status_name(status), message != NULL ? message : "");
	return true;
}

static bool
terminal_help(Terminal *terminal, Err *err)
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
	if (terminal->screen && cli_keys_next() < 0)
		terminal->ended = true;
	return true;
}

/* Reads keys until one answers, undoes or ends. */
static bool
terminal_ask(Terminal *terminal, const ReviewItem *item, Err *err)
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
				if (terminal->screen)
					cli_keys_drop();
				return true;
		}
	}
}

/* No question is left: the last answer may still have been a slip. */
static bool
terminal_last(Terminal *terminal, Err *err)
{
	buffer_clear(&terminal->out);
	if ((terminal->screen && !buffer_append_text(&terminal->out, "\033[H\033[2J", err)) ||
		!buffer_append_text(&terminal->out, "No question is left. [z]undo the last answer [q]uit ",
							err) ||
		!cli_print(&terminal->out, err))
		return false;
	if (cli_keys_next() == 'z')
		return terminal_undo(terminal, err);
	if (terminal->screen)
		cli_keys_drop();
	terminal->ended = true;
	return true;
}

bool
review_terminal(ReviewSession *session, const CliArgs *args, Err *err)
{
	Terminal terminal = {
		.session = session, .user = review_user(args), .mask = cli_has(args, "mask")};
	ReviewItem item;
	bool found = false;
	bool ok = true;

	buffer_init(&terminal.out, (size_t) 64 << 20);
	buffer_init(&terminal.text, (size_t) 16 << 20);
	terminal.screen = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	terminal.color = terminal.screen && getenv("NO_COLOR") == NULL;
	(void) cli_keys_open();
	while (ok && !terminal.ended)
	{
		ok = review_next(session, &item, &found, err);
		if (ok && found)
			ok = terminal_show(&terminal, &item, err) && terminal_ask(&terminal, &item, err);
		else if (ok && (terminal.screen || session->answered > 0))
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
