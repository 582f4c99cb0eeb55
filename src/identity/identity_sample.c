/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_sample — the pairs that training learns from: what they agree on, counted.
 *
 * A session pairs the records that share a key and is blind to what the key says.  No
 * session's sample depends on another's, so threads take them as they come.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "identity/identity_train_priv.h"

#define SESSION_PAIRS 400000

const Session identity_sessions[TRAIN_SESSIONS] = {
	{"birth date", 1u << COMPARE_DATE, {NULL}},
	{"names", 1u << COMPARE_FAMILY | 1u << COMPARE_GIVEN, {"given, family"}},
	{"postcode", 1u << COMPARE_POSTCODE, {"postcode"}},
	{"e-mail", 1u << COMPARE_EMAIL, {"email"}},
	{"phone", 1u << COMPARE_PHONE, {"phone"}},
	{"strong id", 1u << COMPARE_ID, {"strong id"}},
	{"address", 1u << COMPARE_STREET | 1u << COMPARE_POSTCODE, {"street, number, postcode"}},
	{"company name", 1u << COMPARE_COMPANY, {"company name", "two company words"}},
	{"domain", 1u << COMPARE_DOMAIN, {"domain"}},
};

typedef struct Sampling
{
	const Forms *forms;
	size_t key_cap;
	Sample *sample;
	atomic_uint next; /* session to sample */
} Sampling;

static bool
add_pattern(Patterns *patterns, const uint8_t level[COMPARES], double count)
{
	size_t at;

	if (patterns->count * 2 >= patterns->size)
	{
		Patterns more = {NULL, 0, patterns->size ? patterns->size * 2 : 4096};

		more.pattern = alloc_zero(more.size * sizeof(Pattern));
		if (more.pattern == NULL)
			return false;
		for (size_t i = 0; i < patterns->size; i++)
			if (patterns->pattern[i].count > 0 &&
				!add_pattern(&more, patterns->pattern[i].level, patterns->pattern[i].count))
				return false;
		alloc_free(patterns->pattern);
		*patterns = more;
	}
	at = identity_text_hash(level, COMPARES, 12) & (patterns->size - 1);
	while (patterns->pattern[at].count > 0 &&
		   memcmp(patterns->pattern[at].level, level, COMPARES) != 0)
		at = (at + 1) & (patterns->size - 1);
	patterns->count += patterns->pattern[at].count == 0;
	memcpy(patterns->pattern[at].level, level, COMPARES);
	patterns->pattern[at].count += count;
	return true;
}

static int
by_key(const void *a, const void *b)
{
	const Posting *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->record > y->record) - (x->record < y->record);
}

/* The sessions that block on a family, a bit each. */
static unsigned
sessions_of(unsigned family)
{
	unsigned found = 0;

	for (unsigned i = 0; i < TRAIN_SESSIONS; i++)
		for (unsigned j = 0; j < 6 && identity_sessions[i].families[j] != NULL; j++)
			if (strcmp(identity_key_name(family), identity_sessions[i].families[j]) == 0)
				found |= 1u << i;
	return found;
}

static bool
add_posting(Postings *postings, uint64_t key, size_t record)
{
	if (postings->count == postings->capacity)
	{
		size_t capacity = postings->capacity ? postings->capacity * 2 : 4096;
		Posting *more = alloc_resize(postings->list, capacity * sizeof(*more));

		if (more == NULL)
			return false;
		postings->list = more;
		postings->capacity = capacity;
	}
	postings->list[postings->count++] = (Posting){key, (uint32_t) record};
	return true;
}

/* The postings of all sessions, from one pass over the forms. */
static bool
collect_postings(Sampling *work)
{
	unsigned sessions_by_family[256];
	bool done = true;

	for (unsigned f = 0; f < 256; f++)
		sessions_by_family[f] = identity_key_name(f) == NULL ? 0 : sessions_of(f);
	for (size_t i = 0; done && i < work->forms->count; i++)
	{
		const IdentityForm *form = work->forms->form[i];
		unsigned at = form->first[FORM_DATE], n;
		Key keys[KEYS_MAX];

		/* the first session is by the whole date of birth */
		if (at < form->first[FORM_DATE + 1] && (form->values[at].hash & 0xffff) != 0x0101)
			done = add_posting(&work->sample[0].postings, form->values[at].hash, i);
		n = identity_keys(NULL, form, keys);
		for (unsigned k = 0; done && k < n; k++)
			for (unsigned to = sessions_by_family[keys[k].family]; done && to != 0; to &= to - 1)
				done = add_posting(&work->sample[__builtin_ctz(to)].postings, keys[k].hash, i);
	}
	return done;
}

/* Compares the pairs of one key. */
static bool
pair_up(const Sampling *work, const Posting *list, size_t n, uint32_t blind, Patterns *patterns)
{
	for (size_t a = 0; a < n; a++)
		for (size_t b = a + 1; b < n; b++)
		{
			Comparison c;

			identity_compare_levels(work->forms->form[list[a].record],
									work->forms->form[list[b].record], &c);
			for (unsigned k = 0; k < COMPARES; k++)
				if (blind >> k & 1)
					c.level[k] = 0;
			if (!add_pattern(patterns, c.level, 1))
				return false;
		}
	return true;
}

/* Counts the patterns of a session's pairs, of a sample when there are many. */
static bool
sample_session(const Sampling *work, const Session *which, Sample *sample)
{
	const Posting *list = sample->postings.list;
	size_t n = sample->postings.count, cap = work->key_cap;
	double pairs = 0;
	uint64_t every;

	if (n > 1)
		qsort(sample->postings.list, n, sizeof(*list), by_key);
	for (unsigned pass = 0; pass < 2; pass++)
	{
		every = pairs > SESSION_PAIRS ? (uint64_t) (pairs / SESSION_PAIRS) + 1 : 1;
		for (size_t i = 0, j; i < n; i = j)
		{
			for (j = i + 1; j < n && list[j].key == list[i].key; j++)
				;
			if (j - i > cap || j - i < 2)
				continue;
			if (pass == 0)
				pairs += (double) (j - i) * (double) (j - i - 1) / 2;
			else if (identity_text_mix(list[i].key, 5) % every == 0 &&
					 !pair_up(work, list + i, j - i, which->blind, &sample->patterns))
				return false;
		}
	}
	alloc_free(sample->postings.list);
	sample->postings = (Postings){NULL, 0, 0};
	sample->scale = (double) every;
	return true;
}

static void *
sample_some(void *context)
{
	Sampling *work = context;
	unsigned i;

	while ((i = atomic_fetch_add(&work->next, 1)) < TRAIN_SESSIONS)
		work->sample[i].failed = !sample_session(work, &identity_sessions[i], &work->sample[i]);
	return NULL;
}

bool
identity_sample(const Forms *forms, size_t key_cap, unsigned threads,
				Sample samples[TRAIN_SESSIONS], Err *err)
{
	Sampling work = {.forms = forms, .key_cap = key_cap, .sample = samples};
	pthread_t thread[TRAIN_SESSIONS];
	unsigned started = 0;
	bool done = collect_postings(&work);

	while (done && started + 1 < threads && started + 1 < TRAIN_SESSIONS &&
		   pthread_create(&thread[started], NULL, sample_some, &work) == 0)
		started++;
	if (done)
		(void) sample_some(&work);
	for (unsigned i = 0; i < started; i++)
		(void) pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < TRAIN_SESSIONS; i++)
		done = done && !samples[i].failed;
	return done || err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for training");
}

void
identity_sample_release(Sample samples[TRAIN_SESSIONS])
{
	for (unsigned i = 0; i < TRAIN_SESSIONS; i++)
	{
		alloc_free(samples[i].postings.list);
		alloc_free(samples[i].patterns.pattern);
	}
}
