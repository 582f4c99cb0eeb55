/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_normal_name — person names as an ordered list of words.
 *
 * Titles go, a generation suffix becomes a field of its own (dropping it glues
 * father and son together), "family, given" is turned round.  Particles stay:
 * they are weak words, and the family name is the last word either way.
 */
#include "identity/identity_priv.h"

#include <string.h>

typedef struct NicknameRow
{
	char name[14];
	uint16_t first;
	uint16_t count;
} NicknameRow;

#include "identity/tables/nicknames.inc"

static const char *const titles[] = {
	"mr",	 "mrs", "ms",	"miss", "mx",  "dr",  "prof", "professor", "herr", "frau", "sir",
	"madam", "mme", "mlle", "sra",	"sig", "rev", "hon",  "dame",	   "lord", "lady", "messrs"};

static bool listed(const char *const *list, size_t count, const NormalText *word);
static bool handle(const NormalText *word);
static void strip(NormalName *name);
static void add_words(NormalName *name, const IdentityField *field);

char
identity_normal_suffix(const char *word, unsigned length)
{
	static const struct
	{
		char word[8];
		char suffix;
	} known[] = {{"jr", 'j'},  {"jnr", 'j'},	{"junior", 'j'}, {"sr", 's'},
				 {"snr", 's'}, {"senior", 's'}, {"ii", '2'},	 {"iii", '3'},
				 {"iv", '4'},  {"2nd", '2'},	{"3rd", '3'},	 {"4th", '4'}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].word) == length && memcmp(known[i].word, word, length) == 0)
			return known[i].suffix;
	return 0;
}

void
identity_normal_full_name(const char *text, size_t length, NormalName *name)
{
	const char *comma = memchr(text, ',', length);

	memset(name, 0, sizeof(*name));
	name->given = name->family = ABSENT;
	if (comma != NULL && memchr(comma + 1, ',', length - (size_t) (comma - text) - 1) == NULL)
	{
		NormalWords before, after;
		bool turned =
			identity_normal_words(text, (size_t) (comma - text), &before) &&
			identity_normal_words(comma + 1, length - (size_t) (comma + 1 - text), &after);

		/* "Smith, John A." but neither "John Smith, Jr" nor "John, 1st baron Smith" */
		if (turned && before.count <= 2 && after.count <= 3 &&
			identity_normal_suffix(after.word[0].text, after.word[0].length) == 0 &&
			(after.word[0].text[0] < '0' || after.word[0].text[0] > '9') &&
			before.count + after.count <= NORMAL_WORDS && before.count == 1)
		{
			name->words = after;
			memcpy(&name->words.word[after.count], before.word,
				   before.count * sizeof(before.word[0]));
			name->words.count += before.count;
			strip(name);
			return;
		}
	}
	if (identity_normal_words(text, length, &name->words))
		strip(name);
}

void
identity_normal_name_parts(const IdentityField *given, const IdentityField *other,
						   const IdentityField *family, NormalName *name)
{
	unsigned before_family;

	memset(name, 0, sizeof(*name));
	name->given = name->family = ABSENT;
	add_words(name, given);
	add_words(name, other);
	before_family = name->words.count;
	add_words(name, family);
	if (name->words.count == before_family && before_family > 0)
	{
		strip(name);
		if (family == NULL || family->length == 0)
		{
			name->given = 0;
			name->family = ABSENT;
		}
		return;
	}
	strip(name);
	if (before_family == 0 && name->words.count > 0)
	{
		name->family = (uint8_t) (name->words.count - 1);
		name->given = ABSENT;
	}
}

static void
add_words(NormalName *name, const IdentityField *field)
{
	NormalWords words;

	if (field == NULL || !identity_normal_words(field->text, field->length, &words))
		return;
	for (unsigned i = 0; i < words.count && name->words.count < NORMAL_WORDS; i++)
		name->words.word[name->words.count++] = words.word[i];
}

/* Titles off the front, suffixes off the back, places of given and family name. */
static void
strip(NormalName *name)
{
	NormalWords *words = &name->words;
	unsigned skip = 0;

	while (words->count - skip > 1 &&
		   listed(titles, sizeof(titles) / sizeof(titles[0]), &words->word[skip]))
		skip++;
	if (skip > 0)
	{
		memmove(words->word, words->word + skip, (words->count - skip) * sizeof(words->word[0]));
		words->count -= skip;
	}
	while (words->count > 2)
	{
		NormalText *last = &words->word[words->count - 1];
		char suffix = identity_normal_suffix(last->text, last->length);

		if (suffix == 0)
			break;
		name->suffix = suffix;
		words->count--;
	}
	if (words->count >= 2)
	{
		name->given = 0;
		name->family = (uint8_t) (words->count - 1);
	}
	else if (words->count == 1 && skip > 0) /* "Mr Smith" */
		name->family = 0;
	else if (words->count == 1 && !handle(&words->word[0]))
		name->given = 0;
}

/* "jsmith84" is a user's name, neither given nor family name. */
static bool
handle(const NormalText *word)
{
	for (unsigned i = 1; i < word->length; i++)
		if (word->text[i] >= '0' && word->text[i] <= '9')
			return true;
	return false;
}

static bool
listed(const char *const *list, size_t count, const NormalText *word)
{
	for (size_t i = 0; i < count; i++)
		if (identity_text_order(list[i], word->text) == 0)
			return true;
	return false;
}

unsigned
identity_normal_nickname(const char *name, unsigned length)
{
	size_t low = 1, high = sizeof(nickname_rows) / sizeof(nickname_rows[0]);

	if (length >= sizeof(nickname_rows[0].name))
		return 0;
	while (low < high)
	{
		size_t middle = (low + high) / 2;
		int order = (unsigned char) *name - (unsigned char) *nickname_rows[middle].name;

		if (order == 0)
			order = strncmp(name, nickname_rows[middle].name, length);
		if (order == 0 && nickname_rows[middle].name[length] != 0)
			order = -1;
		if (order == 0)
			return (unsigned) middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

const uint16_t *
identity_normal_nickname_classes(unsigned index, unsigned *count)
{
	if (index >= sizeof(nickname_rows) / sizeof(nickname_rows[0]))
		index = 0;
	*count = nickname_rows[index].count;
	return nickname_classes + nickname_rows[index].first;
}

bool
identity_normal_same_nickname(unsigned index_a, unsigned index_b)
{
	unsigned na, nb;
	const uint16_t *a = identity_normal_nickname_classes(index_a, &na);
	const uint16_t *b = identity_normal_nickname_classes(index_b, &nb);

	for (unsigned i = 0, j = 0; i < na && j < nb;)
	{
		if (a[i] == b[j])
			return true;
		if (a[i] < b[j])
			i++;
		else
			j++;
	}
	return false;
}
