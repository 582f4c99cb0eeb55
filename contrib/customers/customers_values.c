/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_values — addresses, phones and texts that persons and companies have alike, and the
 * memory of what is taken: a mailbox, a number or an id belongs to one customer unless a
 * hard-negative class shares it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "customers.h"

static uint64_t *seen;
static size_t seen_room, seen_used;

static void
seen_grow(void)
{
	uint64_t *old = seen;
	size_t old_room = seen_room;

	seen_room = seen_room == 0 ? 1 << 16 : seen_room * 2;
	seen = calloc(seen_room, sizeof(*seen));
	if (seen == NULL)
		abort();
	for (size_t i = 0; i < old_room; i++)
	{
		size_t place = old[i] & (seen_room - 1);

		if (old[i] == 0)
			continue;
		while (seen[place] != 0)
			place = (place + 1) & (seen_room - 1);
		seen[place] = old[i];
	}
	free(old);
}

bool
taken(const char *value)
{
	uint64_t hash = 0xcbf29ce484222325U;
	size_t place;

	if ((seen_used + 1) * 2 > seen_room)
		seen_grow();
	for (const char *c = value; *c != '\0'; c++)
		hash = (hash ^ (unsigned char) *c) * 0x100000001b3U;
	hash ^= hash >> 29;
	hash |= 1;
	for (place = hash & (seen_room - 1); seen[place] != 0; place = (place + 1) & (seen_room - 1))
	{
		if (seen[place] == hash)
			return true;
	}
	seen[place] = hash;
	seen_used++;
	return false;
}

void
taken_release(void)
{
	free(seen);
	seen = NULL;
	seen_room = seen_used = 0;
}

void
put(char *out, size_t size, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(out, size, format, arguments);
	va_end(arguments);
	if (length < 0)
		abort();
	/* Cut at a character, not inside one. */
	if ((size_t) length >= size)
	{
		size_t end = size - 1;

		while (end > 0 && ((unsigned char) out[end - 1] & 0xc0) == 0x80)
			end--;
		if (end > 0 && ((unsigned char) out[end - 1] & 0x80) != 0)
			end--;
		out[end] = '\0';
	}
}

typedef struct Letter
{
	const char *from;
	const char *dropped;
	const char *written;
} Letter;

static const Letter letters[] = {
	{"ä", "a", "ae"}, {"ö", "o", "oe"}, {"ü", "u", "ue"}, {"ß", "ss", "ss"}, {"Ä", "A", "Ae"},
	{"Ö", "O", "Oe"}, {"Ü", "U", "Ue"}, {"å", "a", "aa"}, {"Å", "A", "Aa"},	 {"ø", "o", "oe"},
	{"é", "e", "e"},  {"è", "e", "e"},	{"ê", "e", "e"},  {"ë", "e", "e"},	 {"É", "E", "E"},
	{"ç", "c", "c"},  {"ï", "i", "i"},	{"î", "i", "i"},  {"ô", "o", "o"},	 {"á", "a", "a"},
	{"í", "i", "i"},  {"ó", "o", "o"},	{"ú", "u", "u"},  {"ñ", "n", "n"},	 {"Á", "A", "A"},
	{"Ó", "O", "O"},  {"ł", "l", "l"},	{"Ł", "L", "L"},  {"ą", "a", "a"},	 {"ę", "e", "e"},
	{"ś", "s", "s"},  {"Ś", "S", "S"},	{"ć", "c", "c"},  {"ń", "n", "n"},	 {"ż", "z", "z"},
	{"ź", "z", "z"},  {"Ż", "Z", "Z"},	{"Ş", "S", "S"},  {"ş", "s", "s"},	 {"ı", "i", "i"},
	{"Ç", "C", "C"},
};

void
transliterate(char *out, size_t size, const char *text, int style)
{
	size_t used = 0;

	while (*text != '\0' && used + 3 < size)
	{
		const Letter *found = NULL;

		if (((unsigned char) *text & 0x80) != 0)
		{
			for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
			{
				if (strncmp(text, letters[i].from, strlen(letters[i].from)) == 0)
					found = &letters[i];
			}
		}
		if (found == NULL)
		{
			out[used++] = *text++;
			continue;
		}
		for (const char *c = style == 0 ? found->dropped : found->written; *c != '\0'; c++)
			out[used++] = *c;
		text += strlen(found->from);
	}
	out[used] = '\0';
}

void
plain(char *out, size_t size, const char *text)
{
	char folded[TEXT_MAX];
	size_t used = 0;

	transliterate(folded, sizeof(folded), text, 1);
	for (const char *c = folded; *c != '\0' && used + 1 < size; c++)
	{
		if (*c >= 'A' && *c <= 'Z')
			out[used++] = (char) (*c - 'A' + 'a');
		else if ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'))
			out[used++] = *c;
	}
	out[used] = '\0';
}

/* '#' draws a digit, '@' a letter; others stand for themselves. */
static void
draw_pattern(Chance *chance, const char *pattern, char *out, size_t size)
{
	size_t used = 0;

	for (; *pattern != '\0' && used + 1 < size; pattern++)
	{
		if (*pattern == '#')
			out[used++] = (char) ('0' + chance_below(chance, 10));
		else if (*pattern == '@')
			out[used++] = "ABDEFGHJLNPQRSTUWXYZ"[chance_below(chance, 20)];
		else
			out[used++] = *pattern;
	}
	out[used] = '\0';
}

void
address_draw(Chance *chance, int country, Address *address)
{
	const Country *land = &countries[country];
	const City *city = &land->cities[chance_skewed(chance, (uint32_t) land->city_count)];
	const char *stem = land->street_stems[chance_below(chance, (uint32_t) land->stem_count)];
	const char *end = land->street_ends[chance_skewed(chance, (uint32_t) land->end_count)];
	static const char *const patterns[COUNTRY_COUNT] = {" #@@", "##",	"###",	 "##",
														"##",	"-###", "## @@", "# ##"};
	char rest[12];

	address->city = city;
	draw_pattern(chance, patterns[country], rest, sizeof(rest));
	put(address->postcode, sizeof(address->postcode), "%s%s", city->postcode, rest);
	put(address->number, sizeof(address->number), "%d%s", chance_between(chance, 1, 160),
		chance_of(chance, .05) ? "a" : "");
	if (country == COUNTRY_FR || country == COUNTRY_ES || country == COUNTRY_PL)
		put(address->street, sizeof(address->street), "%s%s", end, stem);
	else
		put(address->street, sizeof(address->street), "%s%s", stem, end);
}

static void
digits(Chance *chance, int count, char *out, size_t size)
{
	for (int i = 0; i < count && i + 1 < (int) size; i++)
		out[i] = (char) ('0' + chance_below(chance, 10));
	out[count] = '\0';
}

void
phone_land(Chance *chance, int country, const City *city, char *out, size_t size)
{
	const Country *land = &countries[country];
	char rest[12];
	int count = land->land_digits;

	/* The whole national number has nine digits in Spain, France, Poland and the Netherlands, ten
	 * in Britain and the United States. */
	if (country == COUNTRY_GB)
		count = 10 - (int) strlen(city->area);
	else if (country == COUNTRY_ES || country == COUNTRY_PL || country == COUNTRY_NL)
		count = 9 - (int) strlen(city->area);
	do
	{
		digits(chance, count, rest, sizeof(rest));
		rest[0] = (char) ('2' + chance_below(chance, 8));
		if (country == COUNTRY_US && rest[1] == '1' && rest[2] == '1')
			rest[2] = '4';
		put(out, size, "%s%s%s", land->dial, city->area, rest);
	} while (taken(out));
}

void
phone_mobile(Chance *chance, int country, char *out, size_t size)
{
	const Country *land = &countries[country];
	char rest[12], start[4] = "";
	int words = 1, wanted;
	const char *word = land->mobile;

	if (country == COUNTRY_US)
	{
		phone_land(chance, country,
				   &land->cities[chance_below(chance, (uint32_t) land->city_count)], out, size);
		return;
	}
	for (const char *c = word; *c != '\0'; c++)
		words += *c == ' ';
	wanted = (int) chance_below(chance, (uint32_t) words);
	while (wanted-- > 0)
		word = strchr(word, ' ') + 1;
	for (int i = 0; i < 3 && word[i] != ' ' && word[i] != '\0'; i++)
	{
		start[i] = word[i];
		start[i + 1] = '\0';
	}
	do
	{
		digits(chance, land->mobile_digits, rest, sizeof(rest));
		put(out, size, "%s%s%s", land->dial, start, rest);
	} while (taken(out));
}
