/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_corrupt — what happens to a value on its way into a system.
 */
#include <string.h>

#include "customers.h"

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A key beside the right one. */
static char
neighbour(Chance *chance, char c)
{
	static const char *const rows[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890"};
	bool upper = c >= 'A' && c <= 'Z';
	char low = upper ? (char) (c - 'A' + 'a') : c;

	for (int i = 0; i < 4; i++)
	{
		const char *at = strchr(rows[i], low);
		bool left;

		if (at == NULL)
			continue;
		left = at[1] == '\0' || (at > rows[i] && chance_of(chance, .5));
		low = left ? at[-1] : at[1];
		break;
	}
	return upper ? (char) (low - 'a' + 'A') : low;
}

/* Transposes, drops, doubles or misses one letter or digit, never half a character. */
void
corrupt_typo(Chance *chance, char *text, size_t size)
{
	size_t length = strlen(text);

	if (length < 2)
		return;
	for (int attempt = 0; attempt < 20; attempt++)
	{
		size_t at = chance_below(chance, (uint32_t) length);
		int kind = (int) chance_below(chance, 4);
		char kept = text[at];

		if (!letter(kept) && !digit(kept))
			continue;
		if (kind == 0)
		{
			char next = text[at + 1];

			if ((!letter(next) && !digit(next)) || next == kept)
				continue;
			text[at] = next;
			text[at + 1] = kept;
		}
		else if (kind == 1 && length > 3)
			memmove(text + at, text + at + 1, length - at);
		else if (kind == 2 && length + 2 < size)
			memmove(text + at + 1, text + at, length - at + 1);
		else
			text[at] = neighbour(chance, kept);
		return;
	}
}

void
corrupt_email(Chance *chance, char *email, size_t size)
{
	static const char *const tags[] = {"shop", "crm", "news", "billing", "app", "work"};
	char domain[TEXT_MAX], local[TEXT_MAX], out[TEXT_MAX];
	char *at = strchr(email, '@');

	if (at == NULL)
		return;
	put(domain, sizeof(domain), "%s", at + 1);
	put(local, sizeof(local), "%.*s", (int) (at - email), email);
	if (strcmp(domain, "gmail.com") == 0 && chance_of(chance, rate(RATE_EMAIL_DOTS)))
	{
		size_t used = 0;
		bool had = strchr(local, '.') != NULL;

		/* Dots dropped, or one put behind the first letter. */
		for (const char *c = local; *c != '\0' && used + 2 < sizeof(out); c++)
		{
			if (*c != '.')
				out[used++] = *c;
			if (!had && c == local && c[1] != '\0')
				out[used++] = '.';
		}
		out[used] = '\0';
		put(local, sizeof(local), "%s", out);
	}
	if (chance_of(chance, rate(RATE_EMAIL_TYPO)))
	{
		if (chance_of(chance, .6))
			corrupt_typo(chance, local, sizeof(local));
		else
			corrupt_typo(chance, domain, sizeof(domain));
	}
	if (chance_of(chance, rate(RATE_EMAIL_TAG)))
		put(out, sizeof(out), "%s+%s@%s", local, tags[chance_below(chance, 6)], domain);
	else
		put(out, sizeof(out), "%s@%s", local, domain);
	if (chance_of(chance, .04) && out[0] >= 'a' && out[0] <= 'z')
		out[0] = (char) (out[0] - 'a' + 'A');
	put(email, size, "%s", out);
}

/* E.164 to what people write: 2, 3 or 4 digits together, with some separator. */
void
corrupt_phone(Chance *chance, int country, const char *e164, char *out, size_t size)
{
	const Country *land = &countries[country];
	const char *number = e164 + strlen(land->dial);
	bool national = chance_of(chance, rate(RATE_PHONE_NATIONAL));
	bool formatted = chance_of(chance, rate(RATE_PHONE_FORMAT));
	static const char separators[] = " -./ ";
	char separator = separators[chance_below(chance, 5)];
	int first = chance_between(chance, 2, 4);
	int step = chance_between(chance, 2, 4);
	char grouped[40];
	size_t used = 0;
	bool brackets = formatted && chance_of(chance, .2);

	for (int i = 0; number[i] != '\0' && used + 3 < sizeof(grouped); i++)
	{
		bool gap = i == first || (i > first && (i - first) % step == 0 && number[i + 1] != '\0');

		if (formatted && gap)
			grouped[used++] = separator;
		grouped[used++] = number[i];
	}
	grouped[used] = '\0';
	if (national && brackets)
		put(out, size, "(%s%.*s)%s", land->trunk, first, grouped, grouped + first);
	else if (national)
		put(out, size, "%s%s", land->trunk, grouped);
	else if (formatted)
		put(out, size, "%s%s%c%s", chance_of(chance, .3) ? "00" : "+", land->dial,
			separator == '/' ? ' ' : separator, grouped);
	else
		put(out, size, "+%s%s", land->dial, grouped);
}

void
corrupt_id(Chance *chance, char *id, size_t size)
{
	char out[48];
	size_t used = 0;
	const char *from = id;
	static const char separators[] = " .- ";
	char separator = separators[chance_below(chance, 4)];

	if (!chance_of(chance, rate(RATE_ID_FORMAT)))
		return;
	if (letter(id[0]) && letter(id[1]) && strlen(id) > 9 && chance_of(chance, .4))
		from = id + 2;
	if (*from == ' ')
		from++;
	for (int i = 0; from[i] != '\0' && used + 3 < sizeof(out); i++)
	{
		if (i > 0 && i % 3 == 0 && from[i] != ' ' && from[i] != '-' && out[used - 1] != '-' &&
			out[used - 1] != ' ')
			out[used++] = separator;
		out[used++] = from[i];
	}
	out[used] = '\0';
	put(id, size, "%s", out);
}

bool
corrupt_nickname(Chance *chance, const char *given, char *out, size_t size)
{
	int matching = 0;

	for (int i = 0; i < nickname_count; i++)
		matching += strcmp(nicknames[i][0], given) == 0;
	if (matching == 0)
		return false;
	matching = (int) chance_below(chance, (uint32_t) matching);
	for (int i = 0; i < nickname_count; i++)
	{
		if (strcmp(nicknames[i][0], given) == 0 && matching-- == 0)
		{
			put(out, size, "%s", nicknames[i][1]);
			return true;
		}
	}
	return false;
}

bool
corrupt_spelling(Chance *chance, const char *name, char *out, size_t size)
{
	int start = (int) chance_below(chance, (uint32_t) spelling_count);
	char written[TEXT_MAX];

	for (int i = 0; i < spelling_count; i++)
	{
		const char *const *pair = spellings[(start + i) % spelling_count];
		size_t length = strlen(pair[0]);

		if (strncmp(name, pair[0], length) == 0 && (name[length] == '\0' || name[length] == 'a'))
		{
			put(out, size, "%s%s", pair[1], name + length);
			return true;
		}
	}
	transliterate(written, sizeof(written), name, chance_of(chance, .5) ? 1 : 0);
	put(out, size, "%s", written);
	return strcmp(written, name) != 0;
}
