/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_normal_text — folds text to lower case ASCII and drops placeholders.
 *
 * Plain ASCII, nearly all there is, takes a path of its own; the rest goes
 * through ICU (NFKC, case folding, transliteration to Latin and then to ASCII).
 * ICU's transliterator is shared behind a lock, since opening one is slow.
 */
#include "identity/identity_priv.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <libpsl.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>
#include <unicode/uversion.h>

#define WIDE_MAX 1024

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static UTransliterator *transliterator;
static char versions[128];

static bool fold_wide(const char *text, size_t length, char *out, size_t size, size_t *out_length);
static size_t squeeze(const char *text, size_t length, char *out, size_t size);
static bool placeholder(const char *text, size_t length);

static void
open_once(void)
{
	static const UChar id[] = u"Any-Latin; Latin-ASCII; Any-Lower";
	UErrorCode code = U_ZERO_ERROR;
	UVersionInfo icu;
	char icu_text[U_MAX_VERSION_STRING_LENGTH];

	transliterator = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &code);
	if (U_FAILURE(code))
		transliterator = NULL;
	u_getVersion(icu);
	u_versionToString(icu, icu_text);
	snprintf(versions, sizeof(versions), "rules %d; icu %s; psl %s", IDENTITY_RULES, icu_text,
			 psl_get_version());
}

const char *
identity_normal_versions(void)
{
	pthread_once(&once, open_once);
	return versions;
}

bool
identity_normal_fold(const char *text, size_t length, char *out, size_t size, size_t *out_length)
{
	bool plain = true;

	if (length > WIDE_MAX)
		length = WIDE_MAX;
	for (size_t i = 0; i < length && plain; i++)
		plain = (signed char) text[i] >= 0;
	if (plain)
		*out_length = squeeze(text, length, out, size);
	else if (!fold_wide(text, length, out, size, out_length))
		return false;
	return *out_length > 0 && !placeholder(out, *out_length);
}

/* Lower case, control characters and runs of blanks to one blank, none at the ends. */
static size_t
squeeze(const char *text, size_t length, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length && n + 1 < size; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c <= ' ' || c >= 127)
		{
			if (n > 0 && out[n - 1] != ' ')
				out[n++] = ' ';
		}
		else
			out[n++] = (char) (c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = 0;
	return n;
}

static bool
fold_wide(const char *text, size_t length, char *out, size_t size, size_t *out_length)
{
	UChar wide[WIDE_MAX * 3 + 1];
	char narrow[WIDE_MAX * 3 + 1];
	int32_t n = 0, limit, kept = 0;
	UErrorCode code = U_ZERO_ERROR;

	pthread_once(&once, open_once);
	u_strFromUTF8WithSub(wide, WIDE_MAX, &n, text, (int32_t) length, 0xfffd, NULL, &code);
	if (U_FAILURE(code) || transliterator == NULL)
		return false;
	for (int32_t i = 0; i < n; i++)
		if (u_charType(wide[i]) != U_FORMAT_CHAR && wide[i] != 0xfffd)
			wide[kept++] = wide[i];
	n = limit = kept;
	pthread_mutex_lock(&lock);
	utrans_transUChars(transliterator, wide, &n, WIDE_MAX * 3, 0, &limit, &code);
	pthread_mutex_unlock(&lock);
	if (U_FAILURE(code))
		return false;
	kept = 0;
	for (int32_t i = 0; i < n; i++)
		if (wide[i] < 127)
			narrow[kept++] = (char) wide[i];
	*out_length = squeeze(narrow, (size_t) kept, out, size);
	return true;
}

/* Sorted. What people and programs write when they know nothing. */
static const char *const placeholders[] = {"-",
										   "--",
										   "---",
										   ".",
										   "?",
										   "??",
										   "anonymous",
										   "blank",
										   "deleted",
										   "dummy",
										   "empty",
										   "example",
										   "false",
										   "keine",
										   "leer",
										   "missing",
										   "n.a.",
										   "n/a",
										   "na",
										   "nan",
										   "nil",
										   "no email",
										   "no name",
										   "no phone",
										   "none",
										   "not given",
										   "not known",
										   "not provided",
										   "null",
										   "o.a.",
										   "redacted",
										   "tba",
										   "tbc",
										   "tbd",
										   "test",
										   "tester",
										   "testing",
										   "true",
										   "undefined",
										   "unknown",
										   "unknown unknown",
										   "x",
										   "xx",
										   "xxx",
										   "xxxx",
										   "xxxxx"};

static bool
placeholder(const char *text, size_t length)
{
	size_t low = 0, high = sizeof(placeholders) / sizeof(placeholders[0]);
	size_t zeros = 0;

	if (length > 16)
		return false;
	while (zeros < length && (text[zeros] == '0' || text[zeros] == '-' || text[zeros] == ' '))
		zeros++;
	if (zeros == length)
		return length > 1 || text[0] == '-';
	while (low < high)
	{
		size_t middle = (low + high) / 2;
		int order = identity_text_order(text, placeholders[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

void
identity_normal_mark(NormalText *text, uint64_t hash)
{
	for (unsigned i = 0; i < 16; i++, hash >>= 4)
		text->text[NORMAL_MAX - 16 + i] = "0123456789abcdef"[hash & 15];
	text->length = NORMAL_MAX;
}

void
identity_normal_keep(NormalText *text, const char *bytes, size_t length)
{
	memset(text, 0, sizeof(*text));
	text->length = (uint8_t) (length < NORMAL_MAX ? length : NORMAL_MAX);
	memcpy(text->text, bytes, text->length);
	if (length > NORMAL_MAX)
		identity_normal_mark(text, identity_text_hash(bytes, length, 63));
}

bool
identity_normal_words(const char *text, size_t length, NormalWords *words)
{
	char folded[512];
	size_t n, kept = 0; /* characters of the word, which go to the front of folded */

	words->count = 0;
	if (!identity_normal_fold(text, length, folded, sizeof(folded), &n))
		return false;
	for (size_t i = 0, start = 0; i <= n; i++)
	{
		char c = i < n ? folded[i] : ' ';

		if (c == '\'' || c == '`')
			continue;
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		{
			folded[start + kept++] = c;
			continue;
		}
		if (kept > 0 && words->count == NORMAL_WORDS)
			break;
		if (kept > 0)
			identity_normal_keep(&words->word[words->count++], folded + start, kept);
		start = i + 1;
		kept = 0;
	}
	return words->count > 0;
}
