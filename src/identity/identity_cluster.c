/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_cluster — cuts one neighbourhood into customers.
 *
 * Agglomeration over all pairs: best pair of clusters first, by a mix of their mean
 * and their best weight, while the best reaches the link bound, the mean passes the
 * gate, and no rule forbids it.  Members come sorted by a stable hash and all sums
 * are of integers, so the result depends on nothing but records, model and
 * judgements.  Answers "same" are united first, whatever the weights say.
 */
#include "identity/identity_state_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct Work
{
	uint32_t n;
	int32_t link, gate, clamp, share, bridge, bridge_side;
	uint32_t most;
	int32_t *sum;	/* n * n: clamped bits over all pairs */
	int16_t *best;	/* n * n */
	uint8_t *links; /* n * n: pairs that reach the link bound, up to 255 */
	uint8_t *apart; /* n * n: a rule forbids it */
	uint32_t *size;
	uint32_t *into; /* the cluster it went into, itself while alive */
	uint32_t *near; /* best partner, n when there is none */
	int64_t *value; /* of that partner */
} Work;

static void fill(Identity *identity, const AreaRow *area, Work *w);
static void judged(Identity *identity, const AreaRow *area, Work *w, bool unite_now);
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
	uint8_t *at = identity_work(identity, nn * 8 + (size_t) n * 24 + 256);
	const RecordRow *first = identity_record(identity, area->member[0]);
	const int32_t *p = identity->model->kind[identity_form_of(identity, first)->kind].parameter;

	w->n = n;
	w->link = p[PARAMETER_link];
	w->gate = p[PARAMETER_gate];
	w->clamp = p[PARAMETER_clamp];
	w->share = p[PARAMETER_share_of_mean];
	w->bridge = p[PARAMETER_bridge];
	w->bridge_side = p[PARAMETER_bridge_side];
	w->most = (uint32_t) p[PARAMETER_records];
	w->value = carve(&at, n * sizeof(int64_t));
	w->sum = carve(&at, nn * sizeof(int32_t));
	w->best = carve(&at, nn * sizeof(int16_t));
	w->links = carve(&at, nn);
	w->apart = carve(&at, nn);
	w->size = carve(&at, n * sizeof(uint32_t));
	w->into = carve(&at, n * sizeof(uint32_t));
	w->near = carve(&at, n * sizeof(uint32_t));
	memset(w->apart, 0, nn);
	for (uint32_t i = 0; i < n; i++)
	{
		w->size[i] = 1;
		w->into[i] = i;
	}
	fill(identity, area, w);
}

static void
fill(Identity *identity, const AreaRow *area, Work *w)
{
	const int16_t *bits = (const int16_t *) (area->member + area->count);
	uint32_t n = w->n;

	for (uint32_t j = 0; j < n; j++)
		for (uint32_t i = 0; i < j; i++)
		{
			int16_t b = *bits++;

			w->apart[i * n + j] = b == INT16_MIN;
			w->best[i * n + j] = b == INT16_MIN ? -w->clamp : b;
		}
	judged(identity, area, w, false);
	for (uint32_t j = 0; j < n; j++)
	{
		w->best[j * n + j] = INT16_MIN;
		for (uint32_t i = 0; i < j; i++)
		{
			int32_t b = w->best[i * n + j];
			int32_t clamped = b > w->clamp ? w->clamp : b < -w->clamp ? -w->clamp : b;

			w->best[j * n + i] = (int16_t) b;
			w->sum[i * n + j] = w->sum[j * n + i] = clamped;
			w->links[i * n + j] = w->links[j * n + i] = b >= w->link;
			w->apart[j * n + i] = w->apart[i * n + j];
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
	int16_t *best;
	uint32_t n = w->n;

	if (a >= n || b >= n || a == b)
		return;
	best = &w->best[a < b ? a * n + b : b * n + a];
	if (together)
	{
		w->apart[a < b ? a * n + b : b * n + a] = 0;
		if (*best < bits)
			*best = (int16_t) bits;
	}
	else if (*best > -bits)
		*best = (int16_t) -bits;
}

static void
forbid(Work *w, uint32_t a, uint32_t b)
{
	if (a < w->n && b < w->n && a != b)
		w->apart[a < b ? a * w->n + b : b * w->n + a] = 1;
}

static void
judge_one(Identity *identity, const AreaRow *area, Work *w, const JudgeRow *judge)
{
	const JudgeBody *body = store_at(&identity->store, judge->body);
	unsigned kind = identity_form_of(identity, identity_record(identity, area->member[0]))->kind;
	int32_t together = model_parameter(identity->model, kind, PARAMETER_seen_together);
	int32_t apart = model_parameter(identity->model, kind, PARAMETER_seen_apart);
	uint32_t total = 2 + body->nseen_a + body->nseen_b, side_b = 2 + body->nseen_a;

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
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

	return (x > y) - (x < y);
}

/* The judgements that name a member, in the order they were given. */
static size_t
judges_of(Identity *identity, const AreaRow *area, uint32_t *out, size_t max)
{
	size_t n = 0, kept = 0;

	for (uint32_t m = 0; m < area->count && n < max; m++)
	{
		const RecordRow *record = identity_record(identity, area->member[m]);

		n += identity_judges(identity, record, out + n, (uint32_t) (max - n));
	}
	if (n > 1)
		qsort(out, n, sizeof(out[0]), by_number);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || out[kept - 1] != out[i])
			out[kept++] = out[i];
	/* numbers are used again: the order is that of the answers */
	for (size_t i = 1; i < kept; i++)
		for (size_t j = i; j > 0; j--)
		{
			const JudgeRow *x = identity_judge(identity, out[j - 1]);
			const JudgeRow *y = identity_judge(identity, out[j]);
			uint32_t swap = out[j];

			if (x->position < y->position ||
				(x->position == y->position && x->ordinal < y->ordinal))
				break;
			out[j] = out[j - 1];
			out[j - 1] = swap;
		}
	return kept;
}

static void
judged(Identity *identity, const AreaRow *area, Work *w, bool unite_now)
{
	uint32_t judges[1024];
	size_t n = judges_of(identity, area, judges, 1024);

	for (size_t i = 0; i < n && !unite_now; i++)
		judge_one(identity, area, w, identity_judge(identity, judges[i]));
	for (size_t i = 0; i < n; i++)
	{
		const JudgeRow *judge = identity_judge(identity, judges[i]);
		const JudgeBody *body = store_at(&identity->store, judge->body);
		uint32_t a = place_of(identity, area, body->hash[0]);
		uint32_t b = place_of(identity, area, body->hash[1]);

		if (judge->verdict == IDENTITY_DIFFERENT && !unite_now)
			forbid(w, a, b);
		if (judge->verdict == IDENTITY_SPLIT && !unite_now)
			for (uint32_t k = 0; k < body->nseen_b; k++)
				forbid(w, a, place_of(identity, area, body->hash[2 + body->nseen_a + k]));
		if (judge->verdict == IDENTITY_SAME && unite_now && a < w->n && b < w->n)
		{
			while (w->into[a] != a)
				a = w->into[a];
			while (w->into[b] != b)
				b = w->into[b];
			if (a != b)
				unite(w, a < b ? a : b, a < b ? b : a);
		}
	}
}

/* ---- agglomeration ---- */

static bool
allowed(const Work *w, uint32_t a, uint32_t b)
{
	uint32_t at = a * w->n + b;

	if (w->apart[at] || w->best[at] < w->link || w->size[a] + w->size[b] > w->most)
		return false;
	if (w->sum[at] < w->gate * (int32_t) (w->size[a] * w->size[b]))
		return false;
	return w->links[at] > 1 || (int32_t) w->size[a] < w->bridge_side ||
		   (int32_t) w->size[b] < w->bridge_side || w->best[at] >= w->bridge;
}

static int64_t
worth(const Work *w, uint32_t a, uint32_t b)
{
	uint32_t at = a * w->n + b;
	int64_t pairs = (int64_t) w->size[a] * w->size[b];
	int64_t best = w->best[at] < w->clamp ? w->best[at] : w->clamp;

	/* in 1/65536 bit */
	return w->share * ((int64_t) w->sum[at] * BIT / pairs) + (BIT - w->share) * best * BIT;
}

static void
find_partner(Work *w, uint32_t a)
{
	w->near[a] = w->n;
	for (uint32_t b = 0; b < w->n; b++)
	{
		int64_t value;

		if (b == a || w->into[b] != b || !allowed(w, a, b))
			continue;
		value = worth(w, a, b);
		if (w->near[a] == w->n || value > w->value[a])
		{
			w->near[a] = b;
			w->value[a] = value;
		}
	}
}

/* b goes into a; a < b. */
static void
unite(Work *w, uint32_t a, uint32_t b)
{
	uint32_t n = w->n;

	for (uint32_t k = 0; k < n; k++)
	{
		uint32_t ak = a * n + k, bk = b * n + k;
		unsigned links;

		if (k == a || k == b || w->into[k] != k)
			continue;
		w->sum[ak] += w->sum[bk];
		if (w->best[bk] > w->best[ak])
			w->best[ak] = w->best[bk];
		links = w->links[ak] + w->links[bk];
		w->links[ak] = (uint8_t) (links > 255 ? 255 : links);
		w->apart[ak] |= w->apart[bk];
		w->sum[k * n + a] = w->sum[ak];
		w->best[k * n + a] = w->best[ak];
		w->links[k * n + a] = w->links[ak];
		w->apart[k * n + a] = w->apart[ak];
	}
	w->size[a] += w->size[b];
	w->into[b] = a;
}

/* After b went into a: who has a better partner now, or lost its own? */
static void
mend_partners(Work *w, uint32_t a, uint32_t b)
{
	for (uint32_t k = 0; k < w->n; k++)
	{
		int64_t value;

		if (k == a || w->into[k] != k)
			continue;
		if (w->near[k] == a || w->near[k] == b)
			find_partner(w, k);
		else if (allowed(w, k, a))
		{
			value = worth(w, k, a);
			if (w->near[k] == w->n || value > w->value[k] ||
				(value == w->value[k] && a < w->near[k]))
			{
				w->near[k] = a;
				w->value[k] = value;
			}
		}
	}
}

void
identity_cluster(Identity *identity, const AreaRow *area, uint32_t *label)
{
	Work w;
	uint32_t next = 0;

	prepare(identity, area, &w);
	judged(identity, area, &w, true);
	for (uint32_t i = 0; i < w.n; i++)
		if (w.into[i] == i)
			find_partner(&w, i);
	for (;;)
	{
		uint32_t a = w.n, b, keep;

		for (uint32_t i = 0; i < w.n; i++)
			if (w.into[i] == i && w.near[i] < w.n && (a == w.n || w.value[i] > w.value[a]))
				a = i;
		if (a == w.n)
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
