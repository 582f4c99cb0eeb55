/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review_screen.c — one question of `goldpan review`, drawn.
 *
 * Shown are the values of both sides under each other's attribute, then the evidence as the engine
 * explains it. Values cannot send anything to the terminal but text.
 */
#include "cli/cli_review_screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>
#include <unistd.h>

#include "cli/cli_evidence.h"

#define SCREEN_VALUES  4   /* different values shown of one attribute and side, at most */
#define SCREEN_MEMBERS 200 /* whose values are looked at */
#define SCREEN_NAME	   14
#define SCREEN_LABEL   28
#define SCREEN_LEAST   40 /* columns */

/* ---- text ---- */

static bool
screen_style(ReviewScreen *screen, const char *code, Err *err)
{
	return !screen->color || buffer_printf(&screen->out, err, "\033[%sm", code);
}

/* How many columns a terminal gives a character. */
static int
screen_columns(UChar32 letter)
{
	int8_t type = u_charType(letter);
	int wide = u_getIntPropertyValue(letter, UCHAR_EAST_ASIAN_WIDTH);

	if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR)
		return 0;
	return wide == U_EA_FULLWIDTH || wide == U_EA_WIDE ? 2 : 1;
}

/* How many bytes of the text go into so many columns; *columns: those that they take. */
static size_t
screen_fits(const char *text, size_t length, int width, int *columns)
{
	size_t at = 0;

	*columns = 0;
	while (at < length)
	{
		size_t next = at;
		UChar32 letter;
		int more;

		U8_NEXT(text, next, length, letter);
		more = letter < 0 ? 1 : screen_columns(letter);
		if (*columns + more > width)
			break;
		*columns += more;
		at = next;
	}
	return at;
}

/* Appends what goes into `width` columns, then blanks up to it. */
static bool
screen_cell(ReviewScreen *screen, const char *text, size_t length, int width, Err *err)
{
	int columns;
	size_t fits = screen_fits(text, length, width, &columns);
	bool whole = fits == length;

	if (!whole)
		fits = screen_fits(text, length, width - 1, &columns);
	if (!buffer_append(&screen->out, text, fits, err) ||
		(!whole && !buffer_append_text(&screen->out, "\xe2\x80\xa6", err)))
		return false;
	for (columns += whole ? 0 : 1; columns < width; columns++)
	{
		if (!buffer_append_byte(&screen->out, ' ', err))
			return false;
	}
	return true;
}

/* To screen->text: safe, and masked when asked for. */
static bool
screen_append(ReviewScreen *screen, const char *text, size_t length, Err *err)
{
	Buffer masked;
	bool ok;

	if (!screen->mask)
		return cli_terminal_text(&screen->text, text, length, err);
	buffer_init(&masked, (size_t) 16 << 20);
	ok = cli_mask_text(&masked, text, length, err) &&
		 cli_terminal_text(&screen->text, (const char *) masked.data, masked.length, err);
	buffer_release(&masked);
	return ok;
}

bool
review_screen_value(ReviewScreen *screen, const char *text, size_t length, Err *err)
{
	buffer_clear(&screen->text);
	return screen_append(screen, text, length, err);
}

/* ---- both sides ---- */

typedef struct ScreenValues
{
	DatasetText texts[SCREEN_VALUES];
	size_t count;
	size_t more;
} ScreenValues;

static void
screen_add_value(ScreenValues *values, size_t most, const IdentityField *field)
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
screen_collect(const ReviewScreen *screen, IdentityRef ref, ScreenValues *values)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	DatasetStored stored;
	size_t count;

	if (!dataset_store_find(screen->session->store, ref, &stored))
		return;
	count = dataset_store_fields(&stored, fields);
	for (size_t i = 0; i < count; i++)
		screen_add_value(&values[fields[i].attribute], screen->values, &fields[i]);
}

static bool
screen_side_cell(ReviewScreen *screen, const ScreenValues *values, size_t row, int width, Err *err)
{
	char more[32];

	if (row < values->count)
		return review_screen_value(screen, values->texts[row].text, values->texts[row].length,
								   err) &&
			   screen_cell(screen, (const char *) screen->text.data, screen->text.length, width,
						   err);
	(void) snprintf(more, sizeof(more), "and %zu more", values->more);
	return screen_cell(screen, more, row == values->count && values->more > 0 ? strlen(more) : 0,
					   width, err);
}

static bool
screen_values(ReviewScreen *screen, const ReviewItem *item, int width, Err *err)
{
	static ScreenValues a[IDENTITY_ATTRIBUTES];
	static ScreenValues b[IDENTITY_ATTRIBUTES];

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	/* The anchors' values come first. */
	screen_collect(screen, item->item.a, a);
	screen_collect(screen, item->item.b, b);
	for (size_t i = 0; i < item->nmembers_a && i < SCREEN_MEMBERS; i++)
		screen_collect(screen, item->members_a[i], a);
	for (size_t i = 0; i < item->nmembers_b && i < SCREEN_MEMBERS; i++)
		screen_collect(screen, item->members_b[i], b);
	for (int i = 0; i < IDENTITY_ATTRIBUTES; i++)
	{
		size_t rows_a = a[i].count + (a[i].more > 0 ? 1 : 0);
		size_t rows_b = b[i].count + (b[i].more > 0 ? 1 : 0);
		size_t rows = rows_a > rows_b ? rows_a : rows_b;

		for (size_t row = 0; row < rows; row++)
		{
			const char *name = row == 0 ? identity_attribute_name((IdentityAttribute) i) : "";

			if (!screen_style(screen, "2", err) ||
				!screen_cell(screen, name, strlen(name), SCREEN_NAME, err) ||
				!screen_style(screen, "0", err) ||
				!screen_side_cell(screen, &a[i], row, width, err) ||
				!buffer_append_text(&screen->out, "  ", err) ||
				!screen_side_cell(screen, &b[i], row, width, err) ||
				!buffer_append_byte(&screen->out, '\n', err))
				return false;
		}
	}
	return true;
}

/* Under whose name a side stands, then how many records it is. */
static bool
screen_heads(ReviewScreen *screen, const ReviewItem *item, int width, Err *err)
{
	const size_t sizes[] = {item->nmembers_a, item->nmembers_b};
	const IdentityRef refs[] = {item->item.a, item->item.b};
	char size[32];

	for (int row = 0; row < 2; row++)
	{
		if (!screen_cell(screen, "", 0, SCREEN_NAME, err))
			return false;
		for (int side = 0; side < 2; side++)
		{
			buffer_clear(&screen->text);
			(void) snprintf(size, sizeof(size), "%zu record%s", sizes[side],
							sizes[side] == 1 ? "" : "s");
			if (!(row == 1
					  ? buffer_append_text(&screen->text, size, err)
					  : cli_terminal_text(&screen->text, refs[side].source,
										  strlen(refs[side].source), err) &&
							buffer_append_byte(&screen->text, ':', err) &&
							/* an id may name a person: an e-mail address as a key */
							screen_append(screen, refs[side].id, strlen(refs[side].id), err)) ||
				!screen_cell(screen, (const char *) screen->text.data, screen->text.length, width,
							 err) ||
				!buffer_append_text(&screen->out, side == 0 ? "  " : "\n", err))
				return false;
		}
	}
	return true;
}

/* ---- evidence ---- */

static bool
screen_strip(ReviewScreen *screen, int start, int end, int zero, char mark, Err *err)
{
	for (int i = 0; i <= end || i <= zero; i++)
	{
		char letter = ' ';

		if (i == zero)
			letter = '|';
		else if (i >= start && i <= end)
			letter = mark;
		if (!buffer_append_byte(&screen->out, (uint8_t) letter, err))
			return false;
	}
	return true;
}

/* One weight: what it is, its bits, and a bar from where the sum was to where it is now. */
static bool
screen_bar(ReviewScreen *screen, const CliEvidence *line, double sum, double low, double high,
		   Err *err)
{
	bool score = line->type == EVIDENCE_SCORE;
	double scale = (screen->width - SCREEN_LABEL - 13) / (high - low);
	double from = score ? 0 : sum - line->bits;
	int start = (int) (((from < sum ? from : sum) - low) * scale + 0.5);
	int end = (int) (((from < sum ? sum : from) - low) * scale + 0.5);
	char label[sizeof(line->name) + sizeof(line->level) + 2];

	(void) snprintf(label, sizeof(label), "%s%s%s", score ? "score of these two" : line->name,
					line->level[0] != '\0' ? " " : "", line->level);
	return screen_style(screen, score ? "1" : "0", err) &&
		   screen_cell(screen, label, strlen(label), SCREEN_LABEL, err) &&
		   buffer_printf(&screen->out, err, "%+7.1f  ", line->bits) &&
		   screen_style(screen, line->bits < 0 ? "31" : "32", err) &&
		   screen_strip(screen, start, end, (int) (-low * scale + 0.5), line->bits < 0 ? '-' : '+',
						err) &&
		   screen_style(screen, "0", err) && buffer_append_byte(&screen->out, '\n', err);
}

/* Where the two stand, and what people said of them; a reason is a person's own words. */
static bool
screen_note(ReviewScreen *screen, const CliEvidence *line, Err *err)
{
	size_t length = line->length;
	const char *colon = memchr(line->text, ':', length);

	if (line->type == EVIDENCE_ANSWER && screen->mask && colon != NULL)
		length = (size_t) (colon - line->text);
	buffer_clear(&screen->text);
	return cli_terminal_text(&screen->text, line->text, length, err) &&
		   screen_style(screen, line->type == EVIDENCE_NOTE ? "31" : "2", err) &&
		   buffer_append(&screen->out, screen->text.data, screen->text.length, err) &&
		   screen_style(screen, "0", err) && buffer_append_byte(&screen->out, '\n', err);
}

/* The weights as a waterfall; with [e] the engine's own words too. */
static bool
screen_evidence(ReviewScreen *screen, const ReviewItem *item, Err *err)
{
	Buffer text;
	CliEvidence line;
	const char *at;
	double low;
	double high;
	double sum = 0;
	bool ok;

	buffer_init(&text, (size_t) 16 << 20);
	ok = identity_explain_pair(screen->session->identity, item->item.a, item->item.b, &text, err) &&
		 buffer_append_byte(&text, '\0', err);
	at = (const char *) text.data;
	if (ok)
		cli_evidence_range(at, &low, &high);
	while (ok && cli_evidence_next(&at, &line))
	{
		sum += line.type == EVIDENCE_BITS ? line.bits : 0;
		if (line.type == EVIDENCE_BITS || line.type == EVIDENCE_SCORE)
			ok = screen_bar(screen, &line, sum, low, high, err);
		else if (line.type == EVIDENCE_NOTE || line.type == EVIDENCE_ANSWER || screen->details)
			ok = (line.type == EVIDENCE_VALUE && screen->mask) || screen_note(screen, &line, err);
	}
	buffer_release(&text);
	return ok;
}

/* ---- the screen ---- */

/* Asked for before each question: windows change. */
static void
screen_size(ReviewScreen *screen)
{
	struct winsize size;

	screen->width = 100;
	screen->values = SCREEN_VALUES;
	if (!screen->clears || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return;
	screen->width = size.ws_col > 160			 ? 160
					: size.ws_col < SCREEN_LEAST ? SCREEN_LEAST
												 : size.ws_col;
	if (size.ws_row != 0 && size.ws_row < 50)
		screen->values = size.ws_row < 34 ? 1 : 2;
}

static bool
screen_head(ReviewScreen *screen, const ReviewItem *item, Err *err)
{
	const IdentityReviewItem *of = &item->item;
	const char *question = of->type == IDENTITY_REVIEW_SPLIT
							   ? "Does the record on the right belong to the customer on the left?"
						   : of->type == IDENTITY_REVIEW_AUDIT
							   ? "These were joined automatically. Are they one customer?"
							   : "Are these one customer?";
	char likely[CLI_LIKELY_TEXT];

	return (!screen->clears || buffer_append_text(&screen->out, "\033[H\033[2J", err)) &&
		   buffer_printf(&screen->out, err, "%zu answered, %zu open    ", screen->session->answered,
						 screen->session->open) &&
		   buffer_printf(&screen->out, err, "%s, %s likely\n", of->reason,
						 cli_likely_text(of->probability, likely)) &&
		   screen_style(screen, "1", err) && buffer_printf(&screen->out, err, "%s", question) &&
		   screen_style(screen, "0", err) && buffer_append_text(&screen->out, "\n\n", err);
}

bool
review_screen_show(ReviewScreen *screen, const ReviewItem *item, Err *err)
{
	int width;
	bool ok;

	screen_size(screen);
	width = (screen->width - SCREEN_NAME - 2) / 2;
	buffer_clear(&screen->out);
	ok = screen_head(screen, item, err) && screen_heads(screen, item, width, err) &&
		 screen_values(screen, item, width, err) && buffer_append_byte(&screen->out, '\n', err) &&
		 screen_evidence(screen, item, err);
	if (ok && screen->status[0] != '\0')
		ok = buffer_printf(&screen->out, err, "\n%s\n", screen->status);
	ok = ok && buffer_append_text(
				   &screen->out,
				   screen->width < 72
					   ? "\n[s]ame [d]ifferent [u]nsure s[p]lit, ? explains: "
					   : "\n[s]ame [d]ifferent [u]nsure s[p]lit [z]undo [e]vidence [?]help [q]uit ",
				   err);
	screen->status[0] = '\0';
	return ok && cli_print(&screen->out, err);
}
