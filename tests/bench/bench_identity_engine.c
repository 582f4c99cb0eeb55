/* SPDX-License-Identifier: PostgreSQL */
/*
 * bench_identity_engine.c — the engine in memory: training, ingest, pairs, snapshot.
 *
 * bench_identity_engine CONFIG FILE.csv [CLUSTERS.csv [TRUE.csv]] reads the file first, so that no reading is timed, and
 * prints name=value lines.  Records go in one by one, each a batch of its own, with
 * clustering and events; then, as feed_…, as `goldpan identity match` hands them over: in batches,
 * whose forms threads make meanwhile.  Up to FEW records both are medians of RUNS.  Pairs are those
 * that share a blocking key, in the order in which blocking yields them; scoring them is timed alone.  With CLUSTERS.csv only the partition is
 * written, right after the last change.  TRUE.csv has a line for each true pair, two numbers of
 * rows from 0: how many of them share a key that is not over the cap is the blocking recall.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "goldpan/arena.h"
#include "goldpan/dataset.h"
#include "goldpan/dataset_state.h"
#include "goldpan/identity.h"

#define MAX_KEYS  128
#define MAX_PAIRS 2000000
#define RUNS	  5
#define FEW		  100000
/* Records of one key that are paired: the engine's key_cap. A mailbox, number or id may have more
 * there, so that the recall printed is no more than the engine's. */
#define MAX_FAMILY 60

typedef struct Record
{
	IdentityKind kind;
	IdentityRef ref;
	IdentityField *fields;
	size_t nfields;
} Record;

typedef struct Key
{
	uint64_t hash;
	uint32_t record;
} Key;

typedef struct Bytes
{
	unsigned char *data;
	size_t used, room, read;
} Bytes;

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

/* Copies a record out of the reader; texts live in the arena. */
static bool
record_copy(Arena *arena, const DatasetRecord *from, Record *to, Err *err)
{
	to->kind = from->kind;
	to->nfields = from->nfields;
	to->ref.source = arena_text(arena, from->ref.source, strlen(from->ref.source), err);
	to->ref.id = arena_text(arena, from->ref.id, strlen(from->ref.id), err);
	to->fields = arena_zero(arena, (from->nfields + 1) * sizeof(*to->fields), err);
	if (to->ref.source == NULL || to->ref.id == NULL || to->fields == NULL)
		return false;
	for (size_t i = 0; i < from->nfields; i++)
	{
		to->fields[i] = from->fields[i];
		to->fields[i].text = arena_text(arena, from->fields[i].text, from->fields[i].length, err);
		if (to->fields[i].text == NULL)
			return false;
	}
	return true;
}

static Record *
records_read(Arena *arena, const DatasetConfig *config, const char *path, size_t *count, Err *err)
{
	DatasetReader *reader = dataset_reader_open(config, &config->inputs[0], path, 0, err);
	Record *records = NULL;
	DatasetRecord record;
	DatasetStep step = DATASET_RECORD;
	size_t room = 0;
	bool ok = reader != NULL;

	*count = 0;
	while (ok && step != DATASET_END)
	{
		ok = dataset_reader_next(reader, &record, &step, err);
		if (!ok || step != DATASET_RECORD)
			continue;
		if (*count == room)
		{
			room = room == 0 ? 4096 : room * 2;
			records = realloc(records, room * sizeof(*records));
			if (records == NULL)
				abort();
		}
		ok = record_copy(arena, &record, &records[(*count)++], err);
	}
	if (reader != NULL)
		dataset_reader_close(reader);
	if (ok)
		return records;
	free(records);
	return NULL;
}

static IdentityModel *
model_train(const DatasetConfig *config, const Record *records, size_t count, Err *err)
{
	IdentityModel *base = identity_model_default(err);
	IdentityTrainer *trainer = NULL;
	IdentityModel *model = NULL;
	bool ok = base != NULL;

	for (size_t i = 0; ok && i < config->nparameters; i++)
		ok = identity_model_set(base, config->parameters[i].name, config->parameters[i].value, err);
	if (ok)
		trainer = identity_trainer_new(base, 0, err);
	ok = trainer != NULL;
	for (size_t i = 0; ok && i < count; i++)
		ok = identity_trainer_add(trainer, records[i].kind, records[i].fields, records[i].nfields,
								  err);
	if (ok)
		model = identity_trainer_finish(trainer, NULL, err);
	identity_trainer_free(trainer);
	identity_model_free(base);
	return model;
}

static int
by_double(const void *left, const void *right)
{
	double a = *(const double *) left, b = *(const double *) right;

	return a < b ? -1 : a > b;
}

static IdentityChange
change_of(const Record *records, size_t i)
{
	return (IdentityChange){.type = IDENTITY_UPSERT,
							.handle = i + 1,
							.position = i + 1,
							.ref = records[i].ref,
							.kind = records[i].kind,
							.fields = records[i].fields,
							.nfields = records[i].nfields};
}

static void
ingest_stats(const Identity *identity, size_t count)
{
	IdentityStats stats;

	identity_stats(identity, &stats);
	printf("bytes_per_record=%.0f\n", (double) stats.bytes / (double) count);
	printf("comparisons_per_record=%.1f\n", (double) stats.comparisons / (double) count);
	printf("candidates_per_record=%.1f\n", (double) stats.candidates / (double) count);
	printf("visits_p50=%llu\nvisits_p99=%llu\nvisits_max=%llu\n",
		   (unsigned long long) stats.visits_p50, (unsigned long long) stats.visits_p99,
		   (unsigned long long) stats.visits_max);
	printf("repairs_cut=%llu\nlost_to_caps=%llu\n", (unsigned long long) stats.repairs_cut,
		   (unsigned long long) stats.lost_to_caps);
}

/* One record after the other; seconds in all, and of each in took. */
static bool
ingest_once(Identity *identity, const Record *records, size_t count, double *took, double *seconds,
			Err *err)
{
	double started = now(), begun = started;
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++)
	{
		IdentityChange change = change_of(records, i);
		const IdentityDelta *delta;

		ok = identity_prepare(identity, &change, 1, &delta, err);
		if (ok)
			identity_commit(identity);
		took[i] = now() - begun;
		begun += took[i];
	}
	*seconds = now() - started;
	return ok;
}

static bool
feed_once(Identity *identity, const IdentityModel *model, const Record *records, size_t count,
		  int threads, double *seconds, Err *err)
{
	DatasetFeed *feed = dataset_feed_new(identity, model, threads, NULL, NULL, err);
	double started = now();
	bool ok = feed != NULL;

	for (size_t i = 0; ok && i < count; i++)
	{
		IdentityChange change = change_of(records, i);

		ok = dataset_feed_add(feed, &change, err);
	}
	ok = ok && dataset_feed_flush(feed, err);
	*seconds = now() - started;
	dataset_feed_free(feed);
	return ok;
}

/* Medians of both; *identity is the last of those fed one by one. */
static bool
ingest(Identity **identity, const IdentityModel *model, const Record *records, size_t count,
	   Err *err)
{
	const IdentityMemory memory = {.ceiling = 0};
	unsigned runs = count <= FEW ? RUNS : 1;
	int threads = (int) sysconf(_SC_NPROCESSORS_ONLN);
	double *took = calloc(count + 1, sizeof(*took));
	double one[RUNS], fed[RUNS];
	bool ok = took != NULL;

	for (unsigned run = 0; ok && run < runs; run++)
	{
		*identity = identity_new(model, "bench", &memory, err);
		ok = *identity != NULL &&
			 feed_once(*identity, model, records, count, threads, &fed[run], err);
		identity_free(*identity);
		*identity = ok ? identity_new(model, "bench", &memory, err) : NULL;
		ok = *identity != NULL && ingest_once(*identity, records, count, took, &one[run], err);
		if (run + 1 < runs)
		{
			identity_free(*identity);
			*identity = NULL;
		}
	}
	if (ok)
	{
		qsort(one, runs, sizeof(*one), by_double);
		qsort(fed, runs, sizeof(*fed), by_double);
		qsort(took, count, sizeof(*took), by_double);
		printf("records_per_second=%.0f\n", (double) count / one[runs / 2]);
		printf("feed_records_per_second=%.0f\nfeed_threads=%d\n", (double) count / fed[runs / 2],
			   threads);
		printf("p50_us=%.0f\np99_us=%.0f\nmax_us=%.0f\n", took[count / 2] * 1e6,
			   took[count * 99 / 100] * 1e6, took[count - 1] * 1e6);
		ingest_stats(*identity, count);
	}
	free(took);
	return ok;
}

static int
by_key(const void *left, const void *right)
{
	const Key *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->record < b->record ? -1 : a->record > b->record;
}

/* Pairs of records that share a key, MAX_PAIRS at most. */
static uint32_t (*pairs_make(const IdentityModel *model, IdentityForm **forms, size_t count,
							 size_t *npairs))[2]
{
	uint64_t hashes[MAX_KEYS];
	Key *keys = calloc(count * MAX_KEYS, sizeof(*keys));
	uint32_t(*pairs)[2] = calloc(MAX_PAIRS, sizeof(*pairs));
	size_t nkeys = 0;

	if (keys == NULL || pairs == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
	{
		size_t have = identity_form_keys(model, forms[i], hashes, MAX_KEYS);

		for (size_t k = 0; k < have && k < MAX_KEYS; k++)
			keys[nkeys++] = (Key){.hash = hashes[k], .record = (uint32_t) i};
	}
	qsort(keys, nkeys, sizeof(*keys), by_key);
	*npairs = 0;
	for (size_t first = 0, last; first < nkeys; first = last)
	{
		for (last = first + 1; last < nkeys && keys[last].hash == keys[first].hash; last++)
			;
		if (last - first > MAX_FAMILY)
			continue;
		for (size_t i = first; i < last; i++)
		{
			for (size_t j = i + 1; j < last && *npairs < MAX_PAIRS; j++)
			{
				pairs[*npairs][0] = keys[i].record;
				pairs[(*npairs)++][1] = keys[j].record;
			}
		}
	}
	free(keys);
	return pairs;
}

static bool
score_pairs(const IdentityModel *model, const Record *records, size_t count, Err *err)
{
	IdentityForm **forms = calloc(count + 1, sizeof(*forms));
	uint32_t(*pairs)[2];
	size_t npairs;
	double started = now(), total = 0;

	if (forms == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
	{
		forms[i] =
			identity_form(model, records[i].kind, records[i].fields, records[i].nfields, err);
		if (forms[i] == NULL)
			return false;
	}
	printf("forms_per_second=%.0f\n", (double) count / (now() - started));
	pairs = pairs_make(model, forms, count, &npairs);
	started = now();
	for (size_t i = 0; i < npairs; i++)
	{
		IdentityScore score;

		identity_score_forms(model, forms[pairs[i][0]], forms[pairs[i][1]], &score);
		total += score.bits;
	}
	printf("pairs=%zu\npairs_per_second=%.0f\nmean_bits=%.2f\n", npairs,
		   (double) npairs / (now() - started), npairs > 0 ? total / (double) npairs : 0);
	for (size_t i = 0; i < count; i++)
		identity_form_free(forms[i]);
	free(forms);
	free(pairs);
	return true;
}

/* Leaves of each record's keys, which are sorted, those that pair. */
static size_t
keys_live(uint64_t *hashes, size_t have, const Key *keys, size_t nkeys)
{
	size_t kept = 0;

	for (size_t k = 0; k < have; k++)
	{
		size_t low = 0, high = nkeys, first;

		while (low < high)
		{
			size_t middle = low + (high - low) / 2;

			if (keys[middle].hash < hashes[k])
				low = middle + 1;
			else
				high = middle;
		}
		for (first = low; low < nkeys && keys[low].hash == hashes[k]; low++)
			;
		if (low - first <= MAX_FAMILY)
			hashes[kept++] = hashes[k];
	}
	return kept;
}

static bool
share_any(const uint64_t *a, size_t na, const uint64_t *b, size_t nb)
{
	for (size_t i = 0; i < na; i++)
		for (size_t j = 0; j < nb; j++)
			if (a[i] == b[j])
				return true;
	return false;
}

/* Share of the true pairs that share a key over which no cap closed. */
static bool
blocking_recall(const IdentityModel *model, const Record *records, size_t count, const char *path,
				Err *err)
{
	uint64_t(*hashes)[MAX_KEYS] = calloc(count, sizeof(*hashes));
	size_t *have = calloc(count, sizeof(*have));
	Key *keys = calloc(count * MAX_KEYS, sizeof(*keys));
	size_t nkeys = 0, pairs = 0, found = 0, a, b;
	FILE *file = fopen(path, "r");
	bool ok = hashes != NULL && have != NULL && keys != NULL && file != NULL;

	for (size_t i = 0; ok && i < count; i++)
	{
		IdentityForm *form =
			identity_form(model, records[i].kind, records[i].fields, records[i].nfields, err);

		ok = form != NULL;
		have[i] = ok ? identity_form_keys(model, form, hashes[i], MAX_KEYS) : 0;
		have[i] = have[i] < MAX_KEYS ? have[i] : MAX_KEYS;
		for (size_t k = 0; k < have[i]; k++)
			keys[nkeys++] = (Key){.hash = hashes[i][k], .record = (uint32_t) i};
		identity_form_free(form);
	}
	if (ok)
		qsort(keys, nkeys, sizeof(*keys), by_key);
	for (size_t i = 0; ok && i < count; i++)
		have[i] = keys_live(hashes[i], have[i], keys, nkeys);
	while (ok && fscanf(file, "%zu,%zu", &a, &b) == 2 && (ok = a < count && b < count))
	{
		pairs++;
		found += share_any(hashes[a], have[a], hashes[b], have[b]);
	}
	if (ok)
		printf("true_pairs=%zu\nblocking_recall=%.5f\n", pairs,
			   pairs > 0 ? (double) found / (double) pairs : 0);
	else if (err->class == ERR_CLASS_NONE)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not use file \"%s\"", path);
	if (file != NULL)
		fclose(file);
	free(hashes);
	free(have);
	free(keys);
	return ok;
}

static bool
bytes_take(void *context, const void *bytes, size_t length, Err *err)
{
	Bytes *into = context;

	(void) err;
	if (into->used + length > into->room)
	{
		into->room = (into->used + length) * 2;
		into->data = realloc(into->data, into->room);
		if (into->data == NULL)
			abort();
	}
	memcpy(into->data + into->used, bytes, length);
	into->used += length;
	return true;
}

static bool
bytes_give(void *context, void *bytes, size_t length, Err *err)
{
	Bytes *from = context;

	if (from->read + length > from->used)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the snapshot ends early");
	memcpy(bytes, from->data + from->read, length);
	from->read += length;
	return true;
}

static bool
snapshot(const Identity *identity, const IdentityModel *model, Err *err)
{
	const IdentityMemory memory = {.ceiling = 0};
	Bytes bytes = {0};
	Identity *restored = NULL;
	double started = now();
	bool ok = identity_snapshot(identity, bytes_take, &bytes, err);

	if (ok)
	{
		printf("snapshot_seconds=%.3f\nsnapshot_bytes=%zu\n", now() - started, bytes.used);
		started = now();
		restored = identity_restore(model, "bench", &memory, bytes_give, &bytes, err);
		ok = restored != NULL;
	}
	if (ok)
		printf("restore_seconds=%.3f\n", now() - started);
	identity_free(restored);
	free(bytes.data);
	return ok;
}

static bool
member_write(void *context, const IdentityMember *member)
{
	fprintf(context, "%s,", member->ref.id);
	for (size_t i = 0; i < sizeof(member->customer.bytes); i++)
		fprintf(context, "%02x", member->customer.bytes[i]);
	putc('\n', context);
	return true;
}

static bool
clusters_write(const Identity *identity, const char *path, Err *err)
{
	FILE *out = fopen(path, "w");

	if (out == NULL)
		return err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not create file \"%s\": %m", path);
	fputs("record_id,cluster_id\n", out);
	identity_members(identity, NULL, member_write, out);
	return fclose(out) == 0 ||
		   err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write file \"%s\": %m", path);
}

int
main(int argc, char **argv)
{
	IdentityModel *model = NULL;
	Identity *identity = NULL;
	DatasetConfig *config;
	Record *records = NULL;
	size_t count = 0;
	double started;
	Err err = {0};
	Arena arena;
	bool ok;

	if (argc < 3 || argc > 5)
	{
		fprintf(stderr, "usage: bench_identity_engine CONFIG FILE.csv [CLUSTERS.csv [TRUE.csv]]\n");
		return 2;
	}
	arena_init(&arena, (size_t) 8 << 30);
	config = dataset_config_load(argv[1], &arena, &err);
	if (config != NULL)
		records = records_read(&arena, config, argv[2], &count, &err);
	ok = records != NULL && count > 0;
	started = now();
	if (ok)
		ok = (model = model_train(config, records, count, &err)) != NULL;
	if (ok)
	{
		printf("records=%zu\ntrain_seconds=%.2f\n", count, now() - started);
		ok = ingest(&identity, model, records, count, &err);
	}
	if (ok && argc > 3)
		ok = clusters_write(identity, argv[3], &err) &&
			 (argc == 4 || blocking_recall(model, records, count, argv[4], &err));
	else if (ok)
		ok = snapshot(identity, model, &err) && score_pairs(model, records, count, &err);
	if (!ok)
		fprintf(stderr, "%s: %s\n", argv[2], err.message);
	identity_free(identity);
	identity_model_free(model);
	free(records);
	arena_release(&arena);
	return ok ? 0 : 1;
}
