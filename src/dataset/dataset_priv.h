/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_priv.h — what the files of this room share.
 */
#ifndef DATASET_PRIV_H
#define DATASET_PRIV_H

#include "goldpan/dataset.h"
#include "goldpan/dataset_state.h"

/* Flushes the folder that `path` lies in, so that a rename there lasts. */
bool dataset_sync_folder(const char *path, Err *err) MUST_CHECK;

/* The columns of a topic's canonical entity ("customer.contact"), or NULL when it has none. */
const DatasetColumn *dataset_canonical_columns(const char *topic, IdentityKind *kind,
											   size_t *count);

/* ---- hashing: not secret, only well spread ---- */

uint64_t dataset_hash(uint64_t seed, const void *bytes, size_t length);
/* dataset_hash(0, …) of the first `size` bytes of a file. */
bool dataset_hash_file(const char *path, uint64_t size, uint64_t *hash, Err *err) MUST_CHECK;

/* ---- the last states of a topic of the directory log ---- */

typedef struct DatasetFold DatasetFold;

/* The text of a value that did not change with the log's first event of its record. */
extern const char dataset_unknown[];

typedef struct DatasetFolded
{
	const char *source; /* "crm/contact" */
	const char *id;
	DatasetStep step; /* DATASET_RECORD, _DELETED or _ERASED */
	const DatasetText
		*values;	  /* one per column; text NULL: null, dataset_unknown: not in the log */
	DatasetMoment at; /* as in a DatasetRecord, and the next three */
	DatasetMoment copied;
	bool erased;
	DatasetMoment erased_at;
} DatasetFolded;

DatasetFold *dataset_fold_open(const char *path, const DatasetInput *input, size_t ceiling,
							   Err *err) MUST_CHECK;
/* False at the end. */
bool dataset_fold_next(DatasetFold *fold, DatasetFolded *record);
void dataset_fold_progress(const DatasetFold *fold, int64_t *done, int64_t *size);
void dataset_fold_close(DatasetFold *fold);

#endif
