/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_stream — the same customers as a stream of changes.
 *
 * Each change has a position in the order in which it happened.  Lines stand in the order in which
 * they arrive: some late, some a second time.  Who ignores a change whose position is not higher
 * than the last one applied to its record ends with exactly the table.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "customers.h"

typedef enum ChangeKind
{
	CHANGE_FINAL,
	CHANGE_EARLIER,
	CHANGE_DELETE
} ChangeKind;

typedef struct Change
{
	uint64_t key; /* when it happened, then when it arrives */
	uint64_t position;
	uint64_t seed; /* of the earlier state */
	long place;	   /* its record; beyond the table's: a record that is deleted in the end */
	long row;
	ChangeKind kind;
} Change;

typedef struct Changes
{
	Change *change;
	size_t used, room;
} Changes;

static Change *
add(Changes *changes)
{
	if (changes->used == changes->room)
	{
		changes->room = changes->room == 0 ? 4096 : changes->room * 2;
		changes->change = realloc(changes->change, changes->room * sizeof(Change));
		if (changes->change == NULL)
			abort();
	}
	return &changes->change[changes->used++];
}

static void
add_change(Changes *changes, uint64_t when, long place, long row, ChangeKind kind, uint64_t seed)
{
	*add(changes) = (Change){.key = when, .place = place, .row = row, .kind = kind, .seed = seed};
}

static int
by_key(const void *left, const void *right)
{
	const Change *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

static uint64_t
between(Chance *chance, uint64_t low, uint64_t high)
{
	return low + chance_next(chance) % (high - low);
}

static void
changes_draw(Chance *chance, Changes *changes, long count, const long *order)
{
	const uint64_t end = (uint64_t) 1 << 48;
	long extra = count;

	for (long i = 0; i < count; i++)
	{
		uint64_t when = between(chance, 0, end);

		if (chance_of(chance, rate(RATE_UPDATED)))
		{
			add_change(changes, when, i, order[i], CHANGE_EARLIER, chance_next(chance));
			when = between(chance, when + 1, end + 1);
		}
		add_change(changes, when, i, order[i], CHANGE_FINAL, 0);
		if (chance_of(chance, rate(RATE_RETURNED)))
		{
			when = between(chance, when + 1, end + 2);
			add_change(changes, when, i, order[i], CHANGE_DELETE, 0);
			when = between(chance, when + 1, end + 3);
			add_change(changes, when, i, order[i], CHANGE_FINAL, 0);
		}
		if (chance_of(chance, rate(RATE_DELETED)))
		{
			when = between(chance, 0, end);
			add_change(changes, when, extra, order[i], CHANGE_EARLIER, chance_next(chance));
			when = between(chance, when + 1, end + 1);
			add_change(changes, when, extra, order[i], CHANGE_DELETE, 0);
			extra++;
		}
	}
}

/* From the order of events to the order of arrival. */
static void
changes_arrive(Chance *chance, Changes *changes)
{
	size_t happened = changes->used;

	qsort(changes->change, happened, sizeof(Change), by_key);
	for (size_t i = 0; i < happened; i++)
	{
		changes->change[i].position = i + 1;
		changes->change[i].key = i * 2;
	}
	for (size_t i = 0; i < happened; i++)
	{
		bool replayed = chance_of(chance, rate(RATE_REPLAYED));

		if (chance_of(chance, rate(RATE_LATE)))
			changes->change[i].key += 1 + 2 * (uint64_t) chance_between(chance, 1, 500);
		if (replayed)
		{
			uint64_t later =
				changes->change[i].key + 1 + 2 * (uint64_t) chance_between(chance, 1, 2000);
			Change *again = add(changes);

			*again = changes->change[i];
			again->key = later;
		}
	}
	qsort(changes->change, changes->used, sizeof(Change), by_key);
}

/* One or two values differ: empty then, or mistyped. */
static const char *
earlier_values(const Row *row, bool persons, uint64_t seed, char *room, size_t size)
{
	char values[COLUMNS_MAX][TEXT_MAX];
	const char *from = row->values;
	int columns = columns_of(persons);
	size_t used = 0;
	Chance chance;

	chance_seed(&chance, seed);
	for (int i = 0; i < columns; i++)
	{
		put(values[i], TEXT_MAX, "%s", from);
		from += strlen(from) + 1;
	}
	for (int changed = 0, tries = 0; changed < 2 && tries < 12; tries++)
	{
		int at = (int) chance_below(&chance, (uint32_t) columns);

		if (values[at][0] == '\0')
			continue;
		if (chance_of(&chance, .5))
			values[at][0] = '\0';
		else
			corrupt_typo(&chance, values[at], TEXT_MAX);
		changed += chance_of(&chance, .5) ? 1 : 2;
	}
	for (int i = 0; i < columns; i++)
	{
		size_t length = strlen(values[i]) + 1;

		if (used + length > size)
			abort();
		memcpy(room + used, values[i], length);
		used += length;
	}
	return room;
}

/* One change a second, from the start of 2026. */
static void
time_write(FILE *out, uint64_t position)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int day = (int) (position / 86400), second = (int) (position % 86400), month = 0;

	while (day >= lengths[month % 12])
		day -= lengths[month++ % 12];
	fprintf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", 2026 + month / 12, month % 12 + 1, day + 1,
			second / 3600, second / 60 % 60, second % 60);
}

static void
change_write(FILE *out, bool persons, const Row *rows, const Change *change)
{
	char room[COLUMNS_MAX * TEXT_MAX];
	const Row *row = &rows[change->row];
	const char *values = NULL;

	fprintf(out, "%llu,", (unsigned long long) change->position);
	time_write(out, change->position);
	fputs(change->kind == CHANGE_DELETE ? ",delete," : ",upsert,", out);
	if (change->kind == CHANGE_FINAL)
		values = row->values;
	else if (change->kind == CHANGE_EARLIER)
		values = earlier_values(row, persons, change->seed, room, sizeof(room));
	row_write(out, persons, row, change->place, values);
}

bool
stream_write(uint64_t seed, const char *folder, bool persons, const Row *rows, long count,
			 const long *order)
{
	char path[4096];
	Changes changes = {0};
	Chance chance;
	bool failed;
	FILE *out;

	put(path, sizeof(path), "%s/%s_stream.csv", folder, persons ? "persons" : "companies");
	out = fopen(path, "w");
	if (out == NULL)
	{
		fprintf(stderr, "could not create file \"%s\": %s\n", path, strerror(errno));
		return false;
	}
	chance_seed(&chance, seed);
	changes_draw(&chance, &changes, count, order);
	changes_arrive(&chance, &changes);
	fputs("position,time,op,", out);
	header_write(out, persons);
	for (size_t i = 0; i < changes.used; i++)
		change_write(out, persons, rows, &changes.change[i]);
	free(changes.change);
	failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed)
	{
		fprintf(stderr, "could not write file \"%s\": %s\n", path, strerror(errno));
		return false;
	}
	return true;
}
