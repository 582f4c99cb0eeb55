/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_train — learns weights and frequencies from records without labels.
 *
 * u comes from pseudo-random pairs, m from expectation maximisation with u held
 * fixed, in sessions that each block on some fields and are blind to them; the
 * sessions are averaged.  Records are sorted by content first, so that the order of
 * additions does not matter.  Random pairs of a small set hold enough true pairs to
 * spoil u; their expected share is taken out again.
 */
#include "identity/identity_train_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define RANDOM_PAIRS 600000
#define FREQUENT	 10
#define ROUNDS		 100
#define RECALL		 0.7 /* share of all true pairs that the best session sees, a guess */

struct IdentityTrainer
{
	const IdentityModel *model;
	Forms kind[IDENTITY_KINDS];
	size_t bytes, ceiling;
	unsigned threads;
};

typedef struct Work
{
	const Forms *forms;
	KindModel *kind;
	Sample sample[TRAIN_SESSIONS];
	double random[COMPARES][LEVELS]; /* counts among random pairs */
	double u[COMPARES][LEVELS];
	double m[COMPARES][LEVELS], weight[COMPARES];
	double matches;					   /* the most that one session expects */
	double given_known, given_differs; /* pairs of one address */
	double given_least;				   /* the least share of differing ones a session found */
	Buffer *notes;
} Work;

static bool train_kind(Work *work, unsigned threads, Err *err);
static bool frequencies(Work *work, Err *err);
static void random_pairs(Work *work);
static void settle_u(Work *work, double lambda, bool corrected);
static bool session(Work *work, unsigned number, Err *err);
static void learn(KindModel *kind, Parameter parameter, int32_t value);
static void settle_household(Work *work);
static void maximise(Work *work, const Patterns *patterns, uint32_t blind, double scale,
					 double found[COMPARES][LEVELS], double seen[COMPARES], double *share);

IdentityTrainer *
identity_trainer_new(const IdentityModel *model, size_t ceiling, Err *err)
{
	IdentityTrainer *trainer = alloc_zero(sizeof(*trainer));

	if (trainer == NULL)
	{
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for training");
		return NULL;
	}
	trainer->model = model;
	trainer->ceiling = ceiling;
	trainer->threads = 1;
	return trainer;
}

void
identity_trainer_threads(IdentityTrainer *trainer, unsigned threads)
{
	trainer->threads = threads;
}

void
identity_trainer_free(IdentityTrainer *trainer)
{
	if (trainer == NULL)
		return;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		for (size_t i = 0; i < trainer->kind[k].count; i++)
			identity_form_free(trainer->kind[k].form[i]);
		alloc_free(trainer->kind[k].form);
	}
	alloc_free(trainer);
}

bool
identity_trainer_add(IdentityTrainer *trainer, IdentityKind kind, const IdentityField *fields,
					 size_t nfields, Err *err)
{
	Forms *forms = &trainer->kind[kind];
	IdentityForm *form = identity_form(trainer->model, kind, fields, nfields, err);

	if (form == NULL)
		return false;
	if (forms->count == forms->capacity)
	{
		size_t capacity = forms->capacity ? forms->capacity * 2 : 1024;
		IdentityForm **more = alloc_resize(forms->form, capacity * sizeof(*more));

		if (more == NULL)
		{
			identity_form_free(form);
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for training");
		}
		forms->form = more;
		forms->capacity = capacity;
	}
	trainer->bytes += form->size;
	if (trainer->ceiling > 0 && trainer->bytes > trainer->ceiling)
	{
		identity_form_free(form);
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "training needs more than its ceiling of %zu bytes", trainer->ceiling);
	}
	forms->form[forms->count++] = form;
	return true;
}

/* By what was written first, so that how forms are laid out does not choose the random pairs. */
static int
by_content(const void *a, const void *b)
{
	const IdentityForm *x = *(IdentityForm *const *) a, *y = *(IdentityForm *const *) b;
	size_t chars = x->nchars < y->nchars ? x->nchars : y->nchars;
	size_t size = x->size < y->size ? x->size : y->size;
	int order = memcmp((const char *) x + x->chars, (const char *) y + y->chars, chars);

	if (order == 0 && x->nchars != y->nchars)
		order = x->nchars < y->nchars ? -1 : 1;
	if (order == 0)
		order = memcmp(x, y, size);
	return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

IdentityModel *
identity_trainer_finish(IdentityTrainer *trainer, Buffer *notes, Err *err)
{
	IdentityModel *model = identity_model_copy(trainer->model, err);
	Work *work = alloc_bytes(sizeof(*work));

	if (model == NULL || work == NULL)
	{
		if (model != NULL)
			err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for training");
		goto fail;
	}
	model->trained_on = 0;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		Forms *forms = &trainer->kind[k];
		bool trained;

		model->trained_on += forms->count;
		if (forms->count < 2)
			continue;
		qsort(forms->form, forms->count, sizeof(forms->form[0]), by_content);
		memset(work, 0, sizeof(*work));
		work->forms = forms;
		work->kind = &model->kind[k];
		work->notes = notes;
		trained = train_kind(work, trainer->threads, err);
		identity_sample_release(work->sample);
		if (!trained)
			goto fail;
	}
	alloc_free(work);
	identity_model_rehash(model);
	return model;

fail:
	alloc_free(work);
	identity_model_free(model);
	return NULL;
}

static bool
train_kind(Work *work, unsigned threads, Err *err)
{
	KindModel *kind = work->kind;
	double pairs = (double) work->forms->count * ((double) work->forms->count - 1) / 2;
	double lambda = 0;

	if (!frequencies(work, err))
		return false;
	random_pairs(work);
	if (!identity_sample(work->forms, (size_t) kind->parameter[PARAMETER_key_cap], threads,
						 work->sample, err))
		return false;
	for (unsigned round = 0; round < 2; round++)
	{
		settle_u(work, lambda, round > 0);
		memset(work->m, 0, sizeof(work->m));
		memset(work->weight, 0, sizeof(work->weight));
		work->matches = work->given_least = 0;
		for (unsigned i = 0; i < TRAIN_SESSIONS; i++)
			if (!session(work, i, err))
				return false;
		lambda = work->matches / RECALL / pairs;
	}
	for (unsigned c = 0; c < COMPARES; c++)
		for (unsigned l = 1; l < LEVELS; l++)
		{
			if (identity_compare_level_name((Compare) c, l) == NULL ||
				identity_compare_fixed((Compare) c, l))
				continue;
			if (work->u[c][l] > 0)
				kind->u[c][l] = identity_model_log(work->u[c][l]);
			if (work->weight[c] > 0)
				kind->m[c][l] = identity_model_log(work->m[c][l] / work->weight[c]);
			if (!kind->pinned[c][l])
				kind->weight[c][l] = kind->m[c][l] - kind->u[c][l];
		}
	if (lambda > 0)
		learn(kind, PARAMETER_prior, identity_model_log(lambda < .5 ? lambda : .5));
	settle_household(work);
	if (work->notes != NULL &&
		!buffer_printf(work->notes, err, "records %zu, chance of a match 2^%.2f\n",
					   work->forms->count, kind->parameter[PARAMETER_prior] / (double) BIT))
		return false;
	return true;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

	return (x > y) - (x < y);
}

/* The hashes of one kind of value over all records; returns how many. */
static size_t
collect(const Work *work, FormKind kind, uint32_t *hash)
{
	FormKind held = kind == FORM_GIVEN ? FORM_TOKEN : kind;
	size_t n = 0;

	for (size_t i = 0; i < work->forms->count; i++)
	{
		const IdentityForm *form = work->forms->form[i];
		unsigned at = form->first[held];

		if (kind == FORM_GIVEN || kind == FORM_TOKEN)
			at = kind == FORM_GIVEN ? form->given : form->family;
		if (at == ABSENT || at >= form->first[held + 1])
			continue;
		hash[n++] = form->values[at].hash;
	}
	if (n > 1)
		qsort(hash, n, sizeof(hash[0]), by_number);
	return n;
}

static bool
frequencies(Work *work, Err *err)
{
	static const FormKind kinds[] = {FORM_TOKEN,	  FORM_GIVEN,  FORM_POSTCODE, FORM_PLACE,
									 FORM_OCCUPATION, FORM_STREET, FORM_COMPANY,  FORM_WORD};
	size_t records = work->forms->count, listed = 0;
	uint32_t *hash = alloc_bytes(records * sizeof(*hash));
	Frequency *list =
		alloc_bytes((records / FREQUENT + 1) * sizeof(kinds) / sizeof(kinds[0]) * sizeof(*list));
	bool done = false;

	if (hash == NULL || list == NULL)
	{
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for training");
		goto out;
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
	{
		size_t n = collect(work, kinds[k], hash);
		double squares = 0, rest = 0, rest_squares = 0;

		if (n < 100)
			continue;
		for (size_t i = 0, j; i < n; i = j)
		{
			double count;

			for (j = i + 1; j < n && hash[j] == hash[i]; j++)
				;
			count = (double) (j - i);
			squares += count * count;
			if (j - i >= FREQUENT)
			{
				list[listed].hash = identity_model_frequency_key(kinds[k], hash[i]);
				list[listed++].bits = identity_model_log(count / (double) n);
				continue;
			}
			rest += count;
			rest_squares += count * count;
		}
		work->kind->expected[kinds[k]] = identity_model_log(squares / (double) n / (double) n);
		work->kind->rest[kinds[k]] =
			identity_model_log((rest > 0 ? rest_squares / rest : 1) / (double) n);
		if (work->kind->expected[kinds[k]] == 0) /* one value only: 0 means not known */
			work->kind->expected[kinds[k]] = -1;
	}
	done = identity_model_add_frequencies(work->kind, list, listed, err);
out:
	alloc_free(hash);
	alloc_free(list);
	return done;
}

static uint64_t
next(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	return identity_text_mix(*state, 77);
}

static void
random_pairs(Work *work)
{
	size_t n = work->forms->count;
	double all = (double) n * (double) (n - 1) / 2;
	size_t wanted = all * 2 < RANDOM_PAIRS ? (size_t) (all * 2) : RANDOM_PAIRS;
	uint64_t state = 1;

	for (size_t i = 0; i < wanted; i++)
	{
		size_t a = next(&state) % n, b = next(&state) % n;
		Comparison c;

		if (a == b)
			continue;
		identity_compare_levels(work->forms->form[a], work->forms->form[b], &c);
		for (unsigned k = 0; k < COMPARES; k++)
			work->random[k][c.level[k]]++;
	}
}

/* u from the counts, less what true pairs among them explain once m is known. */
static void
settle_u(Work *work, double lambda, bool corrected)
{
	for (unsigned c = 0; c < COMPARES; c++)
	{
		double total = 0, levels = 0, sum = 0;

		for (unsigned l = 1; l < LEVELS; l++)
		{
			total += work->random[c][l];
			levels += identity_compare_level_name((Compare) c, l) != NULL;
		}
		if (total < 100)
			continue;
		for (unsigned l = 1; l < LEVELS; l++)
		{
			double share = (work->random[c][l] + .5) / (total + .5 * levels);

			if (identity_compare_level_name((Compare) c, l) == NULL)
				continue;
			if (corrected && work->weight[c] > 0)
			{
				double expected = lambda * work->m[c][l] / work->weight[c];
				double least = .5 / total;

				share = share - expected > least ? share - expected : least;
			}
			work->u[c][l] = share;
			sum += share;
		}
		for (unsigned l = 1; l < LEVELS; l++)
			work->u[c][l] /= sum;
	}
}

/* How often given names plainly differ at one address. */
static void
count_given(Work *work, const Patterns *patterns)
{
	work->given_known = work->given_differs = 0;
	for (size_t i = 0; i < patterns->size; i++)
	{
		const Pattern *p = &patterns->pattern[i];

		work->given_known += p->level[COMPARE_GIVEN] > 0 ? p->count : 0;
		work->given_differs += p->level[COMPARE_GIVEN] >= 7 ? p->count : 0;
	}
}

static bool
addresses_known(const Forms *forms)
{
	size_t known = 0;

	for (size_t i = 0; i < forms->count; i++)
		known += forms->form[i]->first[FORM_STREET + 1] > forms->form[i]->first[FORM_STREET];
	return known * 100 > forms->count;
}

static void
learn(KindModel *kind, Parameter parameter, int32_t value)
{
	if (!kind->held[parameter])
		kind->parameter[parameter] = value;
}

/*
 * What a shared address may weigh when the given names plainly differ.  They differ among the
 * records of one person as often as elsewhere (m); what is beyond that are people who live
 * together.  The two shares give the odds of such a pair, and the bound is what leads there
 * from the prior.  Too few pairs: the preset stays; it is loose where no record says where anybody
 * lives, since then nothing is known of households.
 */
static void
settle_household(Work *work)
{
	KindModel *kind = work->kind;
	double m = work->given_least, beyond, odds;
	int32_t bound;

	if (work->forms->form[0]->kind == IDENTITY_COMPANY) /* sharing all but the name says nothing */
	{
		learn(kind, PARAMETER_household, -kind->parameter[PARAMETER_prior]);
		learn(kind, PARAMETER_household_unnamed,
			  -kind->parameter[PARAMETER_prior] + kind->parameter[PARAMETER_link] - BIT);
		return;
	}
	if (!addresses_known(work->forms))
	{
		learn(kind, PARAMETER_household, 18 * BIT);
		learn(kind, PARAMETER_household_unnamed, 60 * BIT);
	}
	if (work->given_known < 200 || m == 0)
		return;
	beyond = work->given_differs / work->given_known - m;
	/* within the error of measurement: nobody lives with anybody */
	if (beyond < 2 * sqrt(m * (1 - m) / work->given_known))
		beyond = .0001;
	odds = log2((m < .002 ? .002 : m) / beyond);
	odds = odds > 12 ? 12 : odds < -6 ? -6 : odds;
	bound = (int32_t) lrint(odds * BIT) - kind->parameter[PARAMETER_prior] -
			kind->weight[COMPARE_GIVEN][8];
	learn(kind, PARAMETER_household, bound < 0 ? 0 : bound);
	odds = log2((1 - m) / beyond) - 2;
	learn(kind, PARAMETER_household_unnamed,
		  (int32_t) lrint((odds > 12 ? 12 : odds) * BIT) - kind->parameter[PARAMETER_prior]);
}

static bool
session(Work *work, unsigned number, Err *err)
{
	const Session *which = &identity_sessions[number];
	const Patterns *patterns = &work->sample[number].patterns;
	double found[COMPARES][LEVELS], seen[COMPARES], share = 0, pairs = 0;

	for (size_t i = 0; i < patterns->size; i++)
		pairs += patterns->pattern[i].count;
	if (pairs < 50)
		return true;
	if (which->blind >> COMPARE_STREET & 1)
		count_given(work, patterns);
	maximise(work, patterns, which->blind, work->sample[number].scale, found, seen, &share);
	if (work->notes != NULL &&
		!buffer_printf(work->notes, err, "session %s: %.0f pairs, %.3f of them matches%s\n",
					   which->name, pairs, share, share < .001 || share > .999 ? ", not used" : ""))
		return false;
	if (share < .001 || share > .999)
		return true;
	if (seen[COMPARE_GIVEN] >= 30 && !(which->blind >> COMPARE_GIVEN & 1))
	{
		double differs = found[COMPARE_GIVEN][7] + found[COMPARE_GIVEN][8];

		if (work->given_least == 0 || differs < work->given_least)
			work->given_least = differs;
	}
	for (unsigned c = 0; c < COMPARES; c++)
	{
		double told = 0;

		/* A level that no two strangers showed has no m either: levels that tell less than all
		 * of what was seen would say that matches hardly ever have it. */
		for (unsigned l = 1; l < LEVELS; l++)
			told += found[c][l];
		if (seen[c] < 30 || told < .5 || (which->blind >> c & 1))
			continue;
		work->weight[c]++;
		for (unsigned l = 1; l < LEVELS; l++)
			work->m[c][l] += found[c][l];
	}
	return true;
}

static double
likelihood(const double share[COMPARES][LEVELS], const uint8_t level[COMPARES])
{
	double product = 1;

	for (unsigned c = 0; c < COMPARES; c++)
		if (level[c] != 0 && share[c][level[c]] > 0)
			product *= share[c][level[c]];
	return product;
}

static void
maximise(Work *work, const Patterns *patterns, uint32_t blind, double scale,
		 double found[COMPARES][LEVELS], double seen[COMPARES], double *share)
{
	double lambda = .2, matches = 0;

	(void) blind;
	for (unsigned c = 0; c < COMPARES; c++)
		for (unsigned l = 0; l < LEVELS; l++)
			found[c][l] = work->u[c][l] == 0 ? 0 : l == 1 ? .8 : .02;
	for (unsigned round = 0; round < ROUNDS; round++)
	{
		double count[COMPARES][LEVELS] = {{0}}, total = 0, before = lambda;

		matches = 0;
		for (size_t i = 0; i < patterns->size; i++)
		{
			const Pattern *p = &patterns->pattern[i];
			double yes, no;

			if (p->count == 0)
				continue;
			yes = lambda * likelihood((const double(*)[LEVELS]) found, p->level);
			no = (1 - lambda) * likelihood((const double(*)[LEVELS]) work->u, p->level);
			yes = yes + no > 0 ? yes / (yes + no) * p->count : 0;
			total += p->count;
			matches += yes;
			for (unsigned c = 0; c < COMPARES; c++)
				count[c][p->level[c]] += yes;
		}
		lambda = matches / total;
		for (unsigned c = 0; c < COMPARES; c++)
		{
			seen[c] = 0;
			for (unsigned l = 1; l < LEVELS; l++)
				seen[c] += count[c][l] + .01;
			for (unsigned l = 1; l < LEVELS; l++)
				if (work->u[c][l] > 0)
					found[c][l] = (count[c][l] + .01) / seen[c];
		}
		if (round > 10 && fabs(lambda - before) < 1e-6)
			break;
	}
	*share = lambda;
	if (matches * scale > work->matches && lambda > .001 && lambda < .999)
		work->matches = matches * scale;
}
