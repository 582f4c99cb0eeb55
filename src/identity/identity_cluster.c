/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_cluster — cuts one neighbourhood into customers.
 *
 * Agglomeration: best pair of clusters first, by a mix of their mean and their best
 * weight, while the best reaches the link bound, the mean passes the gate, and no rule
 * forbids it.  Members come sorted by a stable hash and all sums are of integers, so the
 * result depends on nothing but records, model and judgements.  Answers "same" are united
 * first, whatever the weights say.
 *
 * Few pairs reach the link bound.  Only for clusters that have such a pair, neighbours,
 * is anything kept; what a cluster weighs with one that becomes a neighbour later is
 * added up from the pairs when that happens.
 */
#include "identity/identity_state_priv.h"

#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define PLACES_MOST 512
#define NOTHING		INT64_MIN

_Static_assert(sizeof(AreaRow) + PLACES_MOST * sizeof(uint32_t) +
					   PLACES_MOST * (PLACES_MOST - 1) / 2 * sizeof(int16_t) >
				   STORE_LARGEST,
			   "no neighbourhood has as many members");

typedef struct Cell /* of two neighbours */
{
	int32_t sum;	/* clamped bits over all pairs */
	int16_t best;	/* the largest of them, not clamped */
	uint16_t links; /* pairs that reach the link bound */
} Cell;

typedef struct Work
{
	uint32_t n, words;
	int32_t link, gate, clamp, share, bridge, bridge_side;
	uint32_t most;
	int16_t *bits;	 /* of pairs, as identity_area_pair() numbers them */
	Cell *cell;		 /* n * n, the smaller place first; of neighbours only */
	uint64_t *open;	 /* n * words: the neighbours of a cluster that is alive */
	uint64_t *apart; /* n * words: clusters that a rule forbids */
	uint32_t *size;
	uint32_t *into; /* the cluster it went into, itself while alive */
	uint32_t *last; /* its last member */
	uint32_t *next; /* member of the same cluster, n at the end */
	uint32_t *near; /* best partner */
	int64_t *value; /* of that partner; NOTHING when there is none or it is not alive */
} Work;

static void unite(Work *w, uint32_t a, uint32_t b);
static void find_partner(Work *w, uint32_t a);

static void *
carve(uint8_t **at, size_t size)
{
	void *piece = *at;

	*at += (size + 15) / 16 * 16;
	return piece;
}

static void
prepare(Identity *identity, const AreaRow *area, Work *w)
{
	uint32_t n = area->count;
	size_t nn = (size_t) n * n;
	uint8_t *at;
	const RecordRow *first = identity_record(identity, area->member[0]);
	const int32_t *p = identity->model->kind[identity_form_of(identity, first)->kind].parameter;

	w->n = n;
	w->words = (n + 63) / 64;
	w->link = p[PARAMETER_link];
	w->gate = p[PARAMETER_gate];
	w->clamp = p[PARAMETER_clamp];
	w->share = p[PARAMETER_share_of_mean];
	w->bridge = p[PARAMETER_bridge];
	w->bridge_side = p[PARAMETER_bridge_side];
	w->most = (uint32_t) p[PARAMETER_records];
	at = identity_work(identity, nn * 10 + (size_t) n * (w->words * 16 + 32) + 512);
	w->value = carve(&at, n * sizeof(int64_t));
	w->cell = carve(&at, nn * sizeof(Cell));
	w->open = carve(&at, n * w->words * sizeof(uint64_t));
	w->apart = carve(&at, n * w->words * sizeof(uint64_t));
	w->bits = carve(&at, nn * sizeof(int16_t));
	w->size = carve(&at, n * sizeof(uint32_t));
	w->into = carve(&at, n * sizeof(uint32_t));
	w->last = carve(&at, n * sizeof(uint32_t));
	w->next = carve(&at, n * sizeof(uint32_t));
	w->near = carve(&at, n * sizeof(uint32_t));
	memcpy(w->bits, area->member + n, (nn - n) / 2 * sizeof(int16_t));
	memset(w->open, 0, n * w->words * sizeof(uint64_t));
	memset(w->apart, 0, n * w->words * sizeof(uint64_t));
	for (uint32_t i = 0; i < n; i++)
	{
		w->size[i] = 1;
		w->into[i] = w->last[i] = i;
		w->next[i] = n;
		w->value[i] = NOTHING;
	}
}

/* ---- sets of places, and pairs ---- */

static void
set_put(uint64_t *set, uint32_t at)
{
	set[at / 64] |= (uint64_t) 1 << at % 64;
}

static void
set_drop(uint64_t *set, uint32_t at)
{
	set[at / 64] &= ~((uint64_t) 1 << at % 64);
}

static bool
set_has(const uint64_t *set, uint32_t at)
{
	return set[at / 64] >> at % 64 & 1;
}

/* The next place in a set at or after `from`; n when there is none. */
static uint32_t
set_next(const Work *w, const uint64_t *set, uint32_t from)
{
	uint32_t word = from / 64;
	uint64_t rest;

	if (from >= w->n)
		return w->n;
	rest = set[word] >> from % 64 << from % 64;
	while (rest == 0)
	{
		if (++word == w->words)
			return w->n;
		rest = set[word];
	}
	return word * 64 + (uint32_t) __builtin_ctzll(rest);
}

static uint64_t *
open_of(const Work *w, uint32_t a)
{
	return w->open + (size_t) a * w->words;
}

static uint64_t *
apart_of(const Work *w, uint32_t a)
{
	return w->apart + (size_t) a * w->words;
}

static Cell *
cell_of(const Work *w, uint32_t a, uint32_t b)
{
	return &w->cell[a < b ? (size_t) a * w->n + b : (size_t) b * w->n + a];
}

static int32_t
clamped(const Work *w, int32_t bits)
{
	return bits > w->clamp ? w->clamp : bits < -w->clamp ? -w->clamp : bits;
}

static void
set_apart(Work *w, uint32_t a, uint32_t b)
{
	set_put(apart_of(w, a), b);
	set_put(apart_of(w, b), a);
}

/* The next pair from `at` on that reaches the link bound or is a conflict. */
static size_t
next_notable(const Work *w, size_t at, size_t end)
{
#ifdef __SSE2__
	const __m128i least = _mm_set1_epi16((int16_t) (w->link - 1));
	const __m128i conflict = _mm_set1_epi16(INT16_MIN);

	for (; at + 8 <= end; at += 8)
	{
		__m128i b = _mm_loadu_si128((const __m128i *) (const void *) (w->bits + at));
		int mask = _mm_movemask_epi8(
			_mm_or_si128(_mm_cmpgt_epi16(b, least), _mm_cmpeq_epi16(b, conflict)));

		if (mask != 0)
			return at + (size_t) __builtin_ctz((unsigned) mask) / 2;
	}
#endif
	while (at < end && w->bits[at] < w->link && w->bits[at] != INT16_MIN)
		at++;
	return at;
}

/* What the pairs say before any answer. */
static void
read_conflicts(Work *w)
{
	for (uint32_t j = 1; j < w->n; j++)
	{
		size_t start = identity_area_pair(0, j), end = start + j;

		for (size_t at = next_notable(w, start, end); at < end; at = next_notable(w, at + 1, end))
			if (w->bits[at] == INT16_MIN)
			{
				w->bits[at] = (int16_t) -w->clamp;
				set_apart(w, (uint32_t) (at - start), j);
			}
	}
}

/* Once answers have bent the pairs: who are neighbours? */
static void
read_links(Work *w)
{
	for (uint32_t j = 1; j < w->n; j++)
	{
		size_t start = identity_area_pair(0, j), end = start + j;

		for (size_t at = next_notable(w, start, end); at < end; at = next_notable(w, at + 1, end))
		{
			uint32_t i = (uint32_t) (at - start);

			set_put(open_of(w, i), j);
			set_put(open_of(w, j), i);
			*cell_of(w, i, j) = (Cell){clamped(w, w->bits[at]), w->bits[at], 1};
		}
	}
}

/* ---- judgements ---- */

static uint32_t
place_of(Identity *identity, const AreaRow *area, uint64_t hash)
{
	uint32_t low = 0, high = area->count;

	while (low < high)
	{
		uint32_t middle = (low + high) / 2;
		uint64_t at = identity_record(identity, area->member[middle])->hash;

		if (at == hash)
			return middle;
		if (at < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return area->count;
}

static void
bend(Work *w, uint32_t a, uint32_t b, int32_t bits, bool together)
{
	int16_t *pair;

	if (a >= w->n || b >= w->n || a == b)
		return;
	pair = &w->bits[identity_area_pair(a, b)];
	if (together)
	{
		set_drop(apart_of(w, a), b);
		set_drop(apart_of(w, b), a);
		if (*pair < bits)
			*pair = (int16_t) bits;
	}
	else if (*pair > -bits)
		*pair = (int16_t) -bits;
}

static void
forbid(Work *w, uint32_t a, uint32_t b)
{
	if (a < w->n && b < w->n && a != b)
		set_apart(w, a, b);
}

static void
judge_one(Identity *identity, const AreaRow *area, Work *w, const JudgeRow *judge)
{
	const JudgeBody *body = store_at(&identity->store, judge->body);
	unsigned kind = identity_form_of(identity, identity_record(identity, area->member[0]))->kind;
	int32_t together = model_parameter(identity->model, kind, PARAMETER_seen_together);
	int32_t apart = model_parameter(identity->model, kind, PARAMETER_seen_apart);
	uint32_t total = identity_judge_named(body), side_b = 2 + body->nseen_a;

	if (judge->verdict == IDENTITY_UNSURE)
		return;
	for (uint32_t i = 0; i < total; i++)
	{
		uint32_t x = place_of(identity, area, body->hash[i]);
		bool b_x = i == 1 || i >= side_b;

		if (x == area->count)
			continue;
		for (uint32_t j = 0; j < i; j++)
		{
			uint32_t y = place_of(identity, area, body->hash[j]);
			bool b_y = j == 1 || j >= side_b;

			if (judge->verdict == IDENTITY_SAME || (!b_x && !b_y))
				bend(w, x, y, together, true);
			else if (b_x != b_y)
				bend(w, x, y, apart, false);
		}
	}
}

static int
by_answer(const void *a, const void *b, void *context)
{
	const JudgeRow *x = identity_judge(context, *(const uint32_t *) a);
	const JudgeRow *y = identity_judge(context, *(const uint32_t *) b);

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->ordinal > y->ordinal) - (x->ordinal < y->ordinal);
}

/* identity->judges: those that name a member, in the order in which they were given. */
static void
find_judges(Identity *identity, const AreaRow *area)
{
	List *judges = &identity->judges;
	size_t kept = 0;

	judges->count = 0;
	for (uint32_t m = 0; m < area->count; m++)
	{
		uint32_t found[JUDGES_MOST];
		uint32_t n = identity_judges(identity, identity_record(identity, area->member[m]), found,
									 JUDGES_MOST);

		for (uint32_t i = 0; i < n; i++)
			identity_list_add(identity, judges, found[i]);
	}
	if (judges->count > 1)
		qsort_r(judges->item, judges->count, sizeof(uint32_t), by_answer, identity);
	for (size_t i = 0; i < judges->count; i++)
		if (kept == 0 || judges->item[kept - 1] != judges->item[i])
			judges->item[kept++] = judges->item[i];
	judges->count = kept;
}

static void
bend_and_forbid(Identity *identity, const AreaRow *area, Work *w)
{
	const List *judges = &identity->judges;

	for (size_t i = 0; i < judges->count; i++)
		judge_one(identity, area, w, identity_judge(identity, judges->item[i]));
	for (size_t i = 0; i < judges->count; i++)
	{
		const JudgeRow *judge = identity_judge(identity, judges->item[i]);
		const JudgeBody *body = store_at(&identity->store, judge->body);
		uint32_t a = place_of(identity, area, body->hash[0]);

		if (judge->verdict == IDENTITY_DIFFERENT)
			forbid(w, a, place_of(identity, area, body->hash[1]));
		if (judge->verdict == IDENTITY_SPLIT)
			for (uint32_t k = 0; k < body->nseen_b; k++)
				forbid(w, a, place_of(identity, area, body->hash[2 + body->nseen_a + k]));
	}
}

static void
unite_same(Identity *identity, const AreaRow *area, Work *w)
{
	const List *judges = &identity->judges;

	for (size_t i = 0; i < judges->count; i++)
	{
		const JudgeRow *judge = identity_judge(identity, judges->item[i]);
		const JudgeBody *body = store_at(&identity->store, judge->body);
		uint32_t a = place_of(identity, area, body->hash[0]);
		uint32_t b = place_of(identity, area, body->hash[1]);

		if (judge->verdict != IDENTITY_SAME || a >= w->n || b >= w->n)
			continue;
		while (w->into[a] != a)
			a = w->into[a];
		while (w->into[b] != b)
			b = w->into[b];
		if (a != b)
			unite(w, a < b ? a : b, a < b ? b : a);
	}
}

/* ---- agglomeration ---- */

static bool
allowed(const Work *w, uint32_t a, uint32_t b, const Cell *cell)
{
	if (set_has(apart_of(w, a), b) || w->size[a] + w->size[b] > w->most)
		return false;
	if (cell->sum < w->gate * (int32_t) (w->size[a] * w->size[b]))
		return false;
	return cell->links > 1 || (int32_t) w->size[a] < w->bridge_side ||
		   (int32_t) w->size[b] < w->bridge_side || cell->best >= w->bridge;
}

static int64_t
worth(const Work *w, uint32_t a, uint32_t b, const Cell *cell)
{
	int64_t pairs = (int64_t) w->size[a] * w->size[b];
	int64_t best = cell->best < w->clamp ? cell->best : w->clamp;
	int64_t mean = pairs == 1 ? (int64_t) cell->sum * BIT : (int64_t) cell->sum * BIT / pairs;

	/* in 1/65536 bit */
	return w->share * mean + (BIT - w->share) * best * BIT;
}

static void
find_partner(Work *w, uint32_t a)
{
	const uint64_t *open = open_of(w, a);

	w->value[a] = NOTHING;
	for (uint32_t b = set_next(w, open, 0); b < w->n; b = set_next(w, open, b + 1))
	{
		const Cell *cell = cell_of(w, a, b);
		int64_t value;

		if (!allowed(w, a, b, cell))
			continue;
		value = worth(w, a, b, cell);
		if (value > w->value[a])
		{
			w->near[a] = b;
			w->value[a] = value;
		}
	}
}

/* What two clusters that are no neighbours weigh. */
static int32_t
sum_of(const Work *w, uint32_t a, uint32_t b)
{
	int32_t sum = 0;

	for (uint32_t x = a; x < w->n; x = w->next[x])
		for (uint32_t y = b; y < w->n; y = w->next[y])
			sum += clamped(w, w->bits[identity_area_pair(x, y)]);
	return sum;
}

/* b goes into a; a < b. */
static void
unite(Work *w, uint32_t a, uint32_t b)
{
	uint64_t *open_a = open_of(w, a), *open_b = open_of(w, b);
	uint64_t *apart_a = apart_of(w, a), *apart_b = apart_of(w, b);

	set_drop(open_a, b);
	set_drop(open_b, a);
	for (uint32_t k = set_next(w, open_a, 0); k < w->n; k = set_next(w, open_a, k + 1))
		if (!set_has(open_b, k))
			cell_of(w, a, k)->sum += sum_of(w, b, k);
	for (uint32_t k = set_next(w, open_b, 0); k < w->n; k = set_next(w, open_b, k + 1))
	{
		Cell *to = cell_of(w, a, k), from = *cell_of(w, b, k);

		if (set_has(open_a, k))
			*to = (Cell){to->sum + from.sum, to->best > from.best ? to->best : from.best,
						 (uint16_t) (to->links < 255 ? to->links + from.links : 255)};
		else
			*to = (Cell){from.sum + sum_of(w, a, k), from.best, from.links};
		set_drop(open_of(w, k), b);
		set_put(open_of(w, k), a);
	}
	for (uint32_t k = set_next(w, apart_b, 0); k < w->n; k = set_next(w, apart_b, k + 1))
		set_put(apart_of(w, k), a);
	for (uint32_t i = 0; i < w->words; i++)
	{
		open_a[i] |= open_b[i];
		apart_a[i] |= apart_b[i];
	}
	w->next[w->last[a]] = b;
	w->last[a] = w->last[b];
	w->size[a] += w->size[b];
	w->into[b] = a;
	w->value[b] = NOTHING;
}

/* After b went into a: who has a better partner now, or lost its own? */
static void
mend_partners(Work *w, uint32_t a, uint32_t b)
{
	const uint64_t *open = open_of(w, a);

	for (uint32_t k = set_next(w, open, 0); k < w->n; k = set_next(w, open, k + 1))
	{
		const Cell *cell = cell_of(w, k, a);
		int64_t value;

		if (w->value[k] != NOTHING && (w->near[k] == a || w->near[k] == b))
			find_partner(w, k);
		else if (allowed(w, k, a, cell))
		{
			value = worth(w, k, a, cell);
			if (value > w->value[k] || (value == w->value[k] && a < w->near[k]))
			{
				w->near[k] = a;
				w->value[k] = value;
			}
		}
	}
}

static uint32_t
best_of(const Work *w)
{
	uint32_t a = 0;

	for (uint32_t i = 1; i < w->n; i++)
		a = w->value[i] > w->value[a] ? i : a;
	return a;
}

void
identity_cluster(Identity *identity, const AreaRow *area, uint32_t *label)
{
	Work w;
	uint32_t next = 0;

	prepare(identity, area, &w);
	read_conflicts(&w);
	find_judges(identity, area);
	bend_and_forbid(identity, area, &w);
	read_links(&w);
	unite_same(identity, area, &w);
	for (uint32_t i = 0; i < w.n; i++)
		if (w.into[i] == i)
			find_partner(&w, i);
	for (;;)
	{
		uint32_t a = best_of(&w), b, keep;

		if (w.value[a] == NOTHING)
			break;
		b = w.near[a];
		keep = a < b ? a : b;
		b = a < b ? b : a;
		unite(&w, keep, b);
		find_partner(&w, keep);
		mend_partners(&w, keep, b);
	}
	for (uint32_t i = 0; i < w.n; i++)
		/* into[] always points to a smaller one, labelled already */
		label[i] = w.into[i] == i ? next++ : label[w.into[i]];
}
