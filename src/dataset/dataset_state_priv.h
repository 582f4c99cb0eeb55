/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_state_priv.h — the state directory from within.
 */
#ifndef DATASET_STATE_PRIV_H
#define DATASET_STATE_PRIV_H

#include <jansson.h>

#include "dataset/dataset_priv.h"

#define DATASET_STATE_PATH	 4096
#define DATASET_STATE_FORMAT 1
#define DATASET_MODEL_MAX	 ((size_t) 256 << 20)
#define DATASET_STATE_SUM	 17

struct DatasetState
{
	char *path;
	DatasetMode mode;
	int lock;
	/* state.json */
	uint64_t generation; /* 0: empty */
	uint64_t model_generation;
	uint64_t model_hash;
	uint64_t records_size;
	uint64_t records_hash;
	uint64_t judgements_size;
	uint64_t erased_size; /* 0: nobody was erased, and there is no such file */
	uint64_t erased_hash;
	uint64_t events_base; /* bytes of events.csv before this generation */
	uint64_t events_size; /* bytes of this generation's own events */
	char *deployment;
	/* journal */
	int journal;
	uint64_t journal_size;	 /* of its whole entries */
	uint64_t journal_events; /* bytes of events in them */
	/* opened on demand */
	IdentityModel *model;
	DatasetStore *store;
	Identity *identity;
	DatasetErasures *erasures;
};

/* Writes the path of a file of that generation, 0: without one; `path` has DATASET_STATE_PATH bytes. */
const char *dataset_state_path(const DatasetState *state, const char *name, uint64_t generation,
							   char *path);
/* What state.json's "checksum" must be, by its other members; false: out of memory. */
bool dataset_state_sum(const json_t *json, char sum[DATASET_STATE_SUM]) MUST_CHECK;
void dataset_state_tidy(const DatasetState *state);
/* Closes what was opened on demand. */
void dataset_state_release(DatasetState *state);

/* Appends the lines of erased-N. */
bool dataset_erasures_put(const DatasetErasures *erasures, Buffer *out, Err *err) MUST_CHECK;
void dataset_erasures_free(DatasetErasures *erasures);
/* Was anybody erased in this run? */
bool dataset_erasures_fresh(const DatasetErasures *erasures);
/* Takes the records that were erased in this run out of an answer, as the engine does: false when
 * it is named by one of them. */
bool dataset_judgement_forget(const DatasetErasures *erasures, IdentityJudgement *judgement);

/* Appends a whole file. Errors: ERR_IO, ERR_NOMEM. */
bool dataset_read_file(const char *path, Buffer *text, Err *err) MUST_CHECK;

/* ---- journal ---- */

typedef struct DatasetJournalEntry
{
	const void *delta;
	size_t delta_length;
	const char *events;
	size_t events_length;
	const char *judgement;
	size_t judgement_length;
} DatasetJournalEntry;

typedef bool (*DatasetJournalVisit)(void *context, const DatasetJournalEntry *entry, Err *err);

/* Finds the whole entries; when writing, cuts off a torn end and mends events.csv. */
bool dataset_journal_open(DatasetState *state, Err *err) MUST_CHECK;
bool dataset_journal_each(DatasetState *state, DatasetJournalVisit visit, void *context,
						  Err *err) MUST_CHECK;

#endif
