/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_index — postings of keys, and the edges between records that share a live one.
 *
 * Invariant: two records have an edge if and only if they share a live key and weigh
 * at least the edge floor.  A key is live while no more than its cap of records have
 * it and its value is not generic (few enough distinct names use it), so both are
 * functions of the records present and never of their order.  When a key dies or
 * revives, or a value becomes generic or stops being it, the records with it are
 * visited: at most the cap and one.
 */
#include "identity/identity_state_priv.h"

#include <string.h>

#define SINGLE		0x80000000u
#define FETCH_AHEAD 4 /* candidates */

typedef struct Postings
{
	uint32_t value; /* in the table */
	uint32_t count;
} Postings;

static void relink(Identity *identity, uint32_t number, const Key *keys, const Postings *posting,
				   unsigned nkeys);
static void remove_edges(Identity *identity, uint32_t number);

static Postings
postings_of(const Identity *identity, uint32_t value)
{
	Postings p = {value, 0};

	p.count = value == 0 ? 0 : value & SINGLE ? 1 : identity_set_count(&identity->store, value);
	return p;
}

static Postings
postings(const Identity *identity, uint64_t key)
{
	return postings_of(identity,
					   identity_table_get(&identity->store, &identity_root(identity)->keys, key));
}

/* Postings lie all over memory: asked for together they come together.  No two of a record's
 * keys are one to the table, so what is done to one leaves the others right. */
static void
postings_of_keys(const Identity *identity, const Key *keys, unsigned nkeys, Postings *found)
{
	uint64_t hash[KEYS_MAX] = {0};
	uint32_t value[KEYS_MAX];

	for (unsigned k = 0; k < nkeys; k++)
		hash[k] = keys[k].hash;
	identity_table_fetch(&identity->store, &identity_root(identity)->keys, hash, value, nkeys);
	for (unsigned k = 0; k < nkeys; k++)
		if (value[k] != 0 && !(value[k] & SINGLE))
			__builtin_prefetch(store_at(&identity->store, value[k]));
	for (unsigned k = 0; k < nkeys; k++)
		found[k] = postings_of(identity, value[k]);
}

static uint32_t
list_postings(const Identity *identity, const Postings *p, uint32_t *out, uint32_t max)
{
	if (p->count == 1 && (p->value & SINGLE))
	{
		out[0] = p->value & ~SINGLE;
		return 1;
	}
	return p->count == 0 ? 0 : identity_set_list(&identity->store, p->value, out, max);
}

static Postings
put_posting(Identity *identity, uint64_t key, Postings p, uint32_t record)
{
	Ref set = p.value;

	if (p.count == 0)
		set = record | SINGLE;
	else
	{
		if (p.value & SINGLE)
		{
			set = 0;
			identity_set_add(&identity->store, &set, p.value & ~SINGLE);
		}
		identity_set_add(&identity->store, &set, record);
	}
	if (set != p.value)
		identity_table_put(&identity->store, &identity_root(identity)->keys, key, set);
	return (Postings){set, p.count + 1};
}

static Postings
take_posting(Identity *identity, uint64_t key, Postings p, uint32_t record)
{
	Ref set = p.value;

	if (p.value & SINGLE)
		set = 0;
	else
	{
		identity_set_remove(&identity->store, &set, record);
		if (p.count == 2)
		{
			uint32_t last;

			identity_set_list(&identity->store, set, &last, 1);
			identity_set_remove(&identity->store, &set, last);
			set = last | SINGLE;
		}
	}
	if (set != p.value)
		identity_table_put(&identity->store, &identity_root(identity)->keys, key, set);
	return (Postings){set, p.count - 1};
}

static FormKind
value_kind(const IdentityForm *form, const Key *key)
{
	return (FormKind) form->values[key->value].kind;
}

/* Marks, in the stored form, the value behind a key; finds it by the key again, since the
 * other record's value may stand elsewhere. */
static void
mark(Identity *identity, uint32_t number, uint64_t key, uint8_t flag)
{
	RecordRow *record = identity_record(identity, number);
	IdentityForm *form = identity_form_of(identity, record);
	Key keys[KEYS_MAX];
	unsigned n = identity_keys(identity->model, form, keys);

	for (unsigned i = 0; i < n; i++)
		if (keys[i].hash == key && keys[i].value != ABSENT)
		{
			size_t offset = offsetof(IdentityForm, values) + keys[i].value * sizeof(FormValue);
			uint8_t *flags = &form->values[keys[i].value].flags;

			identity_store_edit(&identity->store, record->form, offset, sizeof(FormValue));
			*flags = (uint8_t) ((*flags & ~(VALUE_GENERIC | VALUE_SHARED)) | flag);
			identity_record_edit(identity, number)->flags |= RECORD_STALE;
			identity_list_add(identity, &identity->dirty, number);
		}
}

/* ---- edges ---- */

static EdgeRow *
edges_of(const Identity *identity, const RecordRow *record)
{
	return record->edges == 0 ? NULL : store_at(&identity->store, record->edges);
}

static unsigned
find_edge(const Identity *identity, const RecordRow *record, uint32_t other)
{
	const EdgeRow *edge = edges_of(identity, record);
	unsigned i = 0;

	while (i < record->nedges && edge[i].record != other)
		i++;
	return i;
}

static void
put_edge(Identity *identity, uint32_t from, uint32_t to, int16_t bits, uint16_t live)
{
	RecordRow *record = identity_record(identity, from);
	unsigned at = find_edge(identity, record, to);
	EdgeRow *edge;

	if (at == record->edges_room)
	{
		unsigned room = record->edges_room + 2u + record->edges_room / 4 * 2u;
		Ref more;

		if (room > 16384)
			longjmp(*identity->store.out, 1);
		more = identity_store_new(&identity->store, room * sizeof(EdgeRow));
		if (record->nedges > 0)
			memcpy(store_at(&identity->store, more), edges_of(identity, record),
				   record->nedges * sizeof(EdgeRow));
		identity_record_edit(identity, from);
		identity_store_delete(&identity->store, record->edges,
							  record->edges_room * sizeof(EdgeRow));
		record->edges = more;
		record->edges_room = (uint16_t) room;
	}
	edge =
		identity_store_edit(&identity->store, record->edges, at * sizeof(EdgeRow), sizeof(EdgeRow));
	edge->record = to;
	edge->bits = bits;
	edge->live = live;
	if (at == record->nedges)
	{
		identity_record_edit(identity, from);
		record->nedges++;
	}
	identity_list_add(identity, &identity->dirty, from);
}

static void
take_edge(Identity *identity, uint32_t from, uint32_t to)
{
	RecordRow *record = identity_record(identity, from);
	unsigned at = find_edge(identity, record, to);
	unsigned last = record->nedges - 1u;
	EdgeRow *edge;

	if (at > last)
		return;
	edge =
		identity_store_edit(&identity->store, record->edges, 0, record->nedges * sizeof(EdgeRow));
	edge[at] = edge[last];
	memset(&edge[last], 0, sizeof(edge[last]));
	identity_record_edit(identity, from);
	record->nedges--;
	if (record->nedges == 0)
	{
		identity_store_delete(&identity->store, record->edges,
							  record->edges_room * sizeof(EdgeRow));
		record->edges = 0;
		record->edges_room = 0;
	}
	identity_list_add(identity, &identity->dirty, from);
}

static void
remove_edges(Identity *identity, uint32_t number)
{
	RecordRow *record = identity_record(identity, number);

	while (record->nedges > 0)
	{
		uint32_t other = edges_of(identity, record)[record->nedges - 1].record;

		take_edge(identity, other, number);
		take_edge(identity, number, other);
	}
	identity_list_add(identity, &identity->dirty, number);
}

/* A key dies: edges inside its members share one live key less. */
static void
die(Identity *identity, const uint32_t *members, uint32_t count)
{
	uint32_t now = identity_stamp(identity);

	for (uint32_t i = 0; i < count; i++)
		identity->stamp[members[i]] = now;
	for (uint32_t i = 0; i < count; i++)
	{
		RecordRow *record = identity_record(identity, members[i]);

		identity->visits++;
		for (unsigned e = record->nedges; e-- > 0;)
		{
			EdgeRow *edge = &edges_of(identity, record)[e];

			if (identity->stamp[edge->record] != now)
				continue;
			if ((edge->live & ~EDGE_CONFLICT) <= 1)
			{
				uint32_t other = edge->record;

				/* once, from either end */
				take_edge(identity, other, members[i]);
				take_edge(identity, members[i], other);
			}
			else
			{
				identity_store_edit(&identity->store, record->edges, e * sizeof(EdgeRow),
									sizeof(EdgeRow));
				edge->live--;
			}
		}
	}
}

static bool
compare_records(Identity *identity, uint32_t a, uint32_t b, Comparison *c)
{
	const RecordRow *x = identity_record(identity, a), *y = identity_record(identity, b);
	const IdentityForm *f = identity_form_of(identity, x), *g = identity_form_of(identity, y);

	if (f->kind != g->kind)
		return false;
	identity_compare(identity->model, f, g, c);
	identity_root(identity)->comparisons++;
	return !c->conflict;
}

int32_t
identity_pair_bits(Identity *identity, uint32_t a, uint32_t b)
{
	Comparison c;

	return compare_records(identity, a, b, &c) ? c.bits : INT16_MIN;
}

int32_t
identity_pair_beside(Identity *identity, uint32_t a, uint32_t b)
{
	Comparison c;
	unsigned kind = identity_form_of(identity, identity_record(identity, a))->kind;

	if (!compare_records(identity, a, b, &c))
		return INT16_MIN;
	return c.bits < model_parameter(identity->model, kind, PARAMETER_link) && c.bits < c.against
			   ? c.against
			   : c.bits;
}

static bool
key_lives(const Identity *identity, const IdentityForm *form, const Key *key, const Postings *p)
{
	if (key->value != ABSENT && (form->values[key->value].flags & VALUE_GENERIC))
		return false;
	return p->count <= identity_key_cap(identity, form->kind, key);
}

static void
gather(Identity *identity, uint32_t number, const IdentityForm *form, const Key *keys,
	   const Postings *posting, unsigned n, List *found)
{
	uint32_t members[POSTINGS_MAX], now = identity_stamp(identity);

	found->count = 0;
	identity->stamp[number] = now;
	identity->live[number] = 0;
	for (unsigned k = 0; k < n; k++)
	{
		uint32_t count;

		if (posting[k].count < 2 || !key_lives(identity, form, &keys[k], &posting[k]))
			continue;
		count = list_postings(identity, &posting[k], members, POSTINGS_MAX);
		for (uint32_t i = 0; i < count; i++)
		{
			uint32_t other = members[i];

			if (identity->stamp[other] != now)
			{
				identity->stamp[other] = now;
				identity->live[other] = 0;
				identity_list_add(identity, found, other);
				__builtin_prefetch(identity_record(identity, other));
			}
			identity->live[other]++;
		}
	}
}

static const char *
form_at(const Identity *identity, const List *list, size_t at)
{
	return (const char *) identity_form_of(identity, identity_record(identity, list->item[at]));
}

/* What comparing reads of a form: its head, whose row is here already; some candidates later the
 * rest, whose size is here by then. */
static void
fetch_form(const Identity *identity, const List *list, size_t at)
{
	if (at + FETCH_AHEAD < list->count)
		__builtin_prefetch(form_at(identity, list, at + FETCH_AHEAD));
	if (at < list->count)
	{
		const char *form = form_at(identity, list, at);
		uint32_t size = ((const IdentityForm *) (const void *) form)->size;

		for (uint32_t byte = 64; byte < size; byte += 64)
			__builtin_prefetch(form + byte);
	}
}

/* Compares a record with all its candidates and makes its edges what they must be. */
static void
relink(Identity *identity, uint32_t number, const Key *keys, const Postings *posting,
	   unsigned nkeys)
{
	RecordRow *record = identity_record(identity, number);
	const IdentityForm *form = identity_form_of(identity, record);
	int32_t floor = model_parameter(identity->model, form->kind, PARAMETER_edge);
	List *found = &identity->seen;
	uint32_t now;

	gather(identity, number, form, keys, posting, nkeys, found);
	now = identity->stamp_now;
	for (unsigned e = record->nedges; e-- > 0;)
	{
		uint32_t other = edges_of(identity, record)[e].record;

		if (identity->stamp[other] == now)
			continue;
		take_edge(identity, other, number);
		take_edge(identity, number, other);
	}
	identity->visits += found->count;
	identity_root(identity)->candidates += found->count;
	identity_root(identity)->comparisons += found->count;
	for (size_t i = 0; i < FETCH_AHEAD && i < found->count; i++)
		__builtin_prefetch(form_at(identity, found, i));
	for (size_t i = 0; i < FETCH_AHEAD; i++)
		fetch_form(identity, found, i);
	for (size_t i = 0; i < found->count; i++)
	{
		uint32_t other = found->item[i];
		Comparison c;

		fetch_form(identity, found, i + FETCH_AHEAD);
		identity_compare_from(identity->model, form,
							  identity_form_of(identity, identity_record(identity, other)), floor,
							  &c);
		if (c.bits < floor)
		{
			if (find_edge(identity, record, other) < record->nedges)
			{
				take_edge(identity, other, number);
				take_edge(identity, number, other);
			}
			continue;
		}
		if (identity->live[other] > 0x7fff)
			identity->live[other] = 0x7fff;
		put_edge(identity, number, other, (int16_t) c.bits,
				 (uint16_t) (identity->live[other] | (c.conflict ? EDGE_CONFLICT : 0)));
		put_edge(identity, other, number, (int16_t) c.bits,
				 (uint16_t) (identity->live[other] | (c.conflict ? EDGE_CONFLICT : 0)));
	}
}

static void
relink_listed(Identity *identity)
{
	for (size_t i = 0; i < identity->relink.count; i++)
	{
		uint32_t number = identity->relink.item[i];
		Key keys[KEYS_MAX];
		Postings posting[KEYS_MAX];
		unsigned n = identity_keys(
			identity->model, identity_form_of(identity, identity_record(identity, number)), keys);

		postings_of_keys(identity, keys, n, posting);
		relink(identity, number, keys, posting, n);
	}
	identity->relink.count = 0;
}

/* The value behind a key has another standing for all who have it. */
static void
turn(Identity *identity, uint64_t key, const uint32_t *members, uint32_t count, uint8_t before,
	 uint8_t after)
{
	Root *root = identity_root(identity);

	root->generic_values +=
		(uint64_t) (after == VALUE_GENERIC) - (uint64_t) (before == VALUE_GENERIC);
	for (uint32_t i = 0; i < count; i++)
	{
		mark(identity, members[i], key, after);
		identity_list_add(identity, &identity->relink, members[i]);
	}
}

/* A record more has the value: what becomes of it for the others and for this one? */
static void
value_gained(Identity *identity, uint32_t number, const Key *key, uint32_t *members, uint32_t count)
{
	const IdentityForm *form = identity_form_of(identity, identity_record(identity, number));
	FormKind value = value_kind(form, key);
	uint8_t before, after;

	for (uint32_t i = 0; i < count; i++)
		if (members[i] == number)
			members[i--] = members[--count];
	before = identity_value_standing(identity, members, count, form->kind, value, -1);
	members[count++] = number;
	after = identity_value_standing(identity, members, count, form->kind, value,
									before == VALUE_GENERIC ? -1 : before);
	if (before != after)
		turn(identity, key->hash, members, count, before, after);
	else if (after != 0)
		mark(identity, number, key->hash, after);
}

void
identity_index_add(Identity *identity, uint32_t number)
{
	RecordRow *record = identity_record(identity, number);
	const IdentityForm *form = identity_form_of(identity, record);
	uint32_t members[POSTINGS_MAX];
	Key keys[KEYS_MAX];
	Postings posting[KEYS_MAX];
	unsigned n = identity_keys(identity->model, form, keys);

	postings_of_keys(identity, keys, n, posting);
	for (unsigned k = 0; k < n; k++)
	{
		uint32_t cap = identity_key_cap(identity, form->kind, &keys[k]), count;
		Postings p;

		p = posting[k] = put_posting(identity, keys[k].hash, posting[k], number);
		if (p.count > cap)
			identity_root(identity)->dead_postings += p.count == cap + 1 ? p.count : 1;
		if (keys[k].value == ABSENT)
		{
			if (p.count != cap + 1)
				continue;
			count = list_postings(identity, &p, members, POSTINGS_MAX);
			die(identity, members, count);
			continue;
		}
		if (p.count > cap + 1)
		{
			mark(identity, number, keys[k].hash, VALUE_GENERIC);
			continue;
		}
		if (p.count < 2)
			continue;
		count = list_postings(identity, &p, members, POSTINGS_MAX);
		value_gained(identity, number, &keys[k], members, count);
	}
	relink_listed(identity);
	relink(identity, number, keys, posting, n);
}

void
identity_index_remove(Identity *identity, uint32_t number)
{
	RecordRow *record = identity_record(identity, number);
	const IdentityForm *form = identity_form_of(identity, record);
	uint32_t members[POSTINGS_MAX];
	Key keys[KEYS_MAX];
	Postings posting[KEYS_MAX];
	unsigned n = identity_keys(identity->model, form, keys);

	postings_of_keys(identity, keys, n, posting);
	remove_edges(identity, number);
	for (unsigned k = 0; k < n; k++)
	{
		uint8_t was = keys[k].value == ABSENT
						  ? 0
						  : form->values[keys[k].value].flags & (VALUE_GENERIC | VALUE_SHARED);
		uint32_t cap = identity_key_cap(identity, form->kind, &keys[k]), count;
		uint8_t now;
		Postings p;

		p = take_posting(identity, keys[k].hash, posting[k], number);
		if (p.count >= cap)
			identity_root(identity)->dead_postings -= p.count == cap ? p.count + 1 : 1;
		if (p.count > cap)
			continue;
		if (keys[k].value == ABSENT)
		{
			if (p.count != cap)
				continue;
			count = list_postings(identity, &p, members, POSTINGS_MAX);
			for (uint32_t i = 0; i < count; i++)
				identity_list_add(identity, &identity->relink, members[i]);
			continue;
		}
		if (was == 0)
			continue;
		count = list_postings(identity, &p, members, POSTINGS_MAX);
		now = identity_value_standing(identity, members, count, form->kind,
									  value_kind(form, &keys[k]), -1);
		if (now != was)
			turn(identity, keys[k].hash, members, count, was, now);
	}
	relink_listed(identity);
}

unsigned
identity_index_shared(const Identity *identity, uint32_t a, uint32_t b)
{
	const IdentityForm *f = identity_form_of(identity, identity_record(identity, a));
	const IdentityForm *g = identity_form_of(identity, identity_record(identity, b));
	Key x[KEYS_MAX], y[KEYS_MAX];
	unsigned nx = identity_keys(identity->model, f, x), ny = identity_keys(identity->model, g, y);
	unsigned shared = 0;

	for (unsigned i = 0; i < nx; i++)
		for (unsigned j = 0; j < ny; j++)
			if (x[i].hash == y[j].hash)
			{
				Postings p = postings(identity, x[i].hash);

				shared += key_lives(identity, f, &x[i], &p);
			}
	return shared;
}

bool
identity_index_right(Identity *identity, uint32_t number)
{
	const RecordRow *record = identity_record(identity, number);
	const IdentityForm *form = identity_form_of(identity, record);
	int32_t floor = model_parameter(identity->model, form->kind, PARAMETER_edge);
	uint32_t members[POSTINGS_MAX];
	Key keys[KEYS_MAX];
	Postings posting[KEYS_MAX];
	unsigned n = identity_keys(identity->model, form, keys), linked = 0;
	uint8_t due[FORM_VALUES] = {0};

	for (unsigned k = 0; k < n; k++)
	{
		Postings p = postings(identity, keys[k].hash);
		uint32_t count = list_postings(identity, &p, members, POSTINGS_MAX);

		if (keys[k].value != ABSENT)
			due[keys[k].value] |=
				p.count > identity_value_cap(identity, form->kind)
					? VALUE_GENERIC
					: identity_value_standing(identity, members, count, form->kind,
											  value_kind(form, &keys[k]), -1);
	}
	for (unsigned v = 0; v < form->nvalues; v++)
		if (due[v] != (form->values[v].flags & (VALUE_GENERIC | VALUE_SHARED)))
			return false;
	postings_of_keys(identity, keys, n, posting);
	gather(identity, number, form, keys, posting, n, &identity->seen);
	for (size_t i = 0; i < identity->seen.count; i++)
	{
		uint32_t other = identity->seen.item[i];
		Comparison c;

		identity_compare(identity->model, form,
						 identity_form_of(identity, identity_record(identity, other)), &c);
		linked += c.bits >= floor;
		if (c.bits >= floor && find_edge(identity, record, other) == record->nedges)
			return false;
	}
	return linked == record->nedges;
}
