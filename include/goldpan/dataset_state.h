/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_state.h — what a run keeps for tomorrow: records, model, engine, judgements, events.
 *
 * The second half of dataset.h. One process uses a state for writing, or several for reading.
 */
#ifndef GOLDPAN_DATASET_STATE_H
#define GOLDPAN_DATASET_STATE_H

#include "goldpan/dataset.h"

/* ---- the records of a state: what a row said, for tomorrow's comparison and for people ---- */

typedef struct DatasetStore DatasetStore;			  /* read: constant, but for its marks */
typedef struct DatasetStoreWriter DatasetStoreWriter; /* the next one */

typedef struct DatasetStored
{
	IdentityKind kind;
	IdentityRef ref;   /* lives as long as the store */
	DatasetText bytes; /* packed: equal bytes are equal records */
	size_t slot;	   /* below dataset_store_slots, its own while the store is open */
} DatasetStored;

#define DATASET_MAX_FIELDS (DATASET_CSV_MAX_COLUMNS + 1)

/* An empty store. */
DatasetStore *dataset_store_new(Err *err) MUST_CHECK;
/* Errors: STOP ERR_DATA when the file is not as its writer left it. */
DatasetStore *dataset_store_open(const char *path, uint64_t size, uint64_t hash,
								 Err *err) MUST_CHECK;
void dataset_store_close(DatasetStore *store);
size_t dataset_store_count(const DatasetStore *store);
size_t dataset_store_bytes(const DatasetStore *store); /* of memory */
size_t dataset_store_slots(const DatasetStore *store);
bool dataset_store_find(const DatasetStore *store, IdentityRef ref, DatasetStored *stored);
/* Walks all in the order they were written; *at starts at 0. */
bool dataset_store_next(const DatasetStore *store, size_t *at, DatasetStored *stored);
/* Decodes fields; their texts live in the store. */
size_t dataset_store_fields(const DatasetStored *stored, IdentityField fields[DATASET_MAX_FIELDS]);
/* A mark per record, for one run: true when it was there already. */
bool dataset_store_mark(DatasetStore *store, const DatasetStored *stored);
bool dataset_store_marked(const DatasetStore *store, const DatasetStored *stored);

/* Packs a record the way stores keep it. */
bool dataset_store_pack(const DatasetRecord *record, Buffer *out, Err *err) MUST_CHECK;

/* path NULL: keeps only which records came, to tell doubles. */
DatasetStoreWriter *dataset_store_create(const char *path, Err *err) MUST_CHECK;
/* *twice: a record of that name was added before, and this one is not. */
bool dataset_store_add(DatasetStoreWriter *writer, IdentityRef ref, const void *packed,
					   size_t length, bool *twice, Err *err) MUST_CHECK;
bool dataset_store_added(const DatasetStoreWriter *writer, IdentityRef ref);
size_t dataset_store_writer_bytes(const DatasetStoreWriter *writer);
/* Completes the file; frees. */
bool dataset_store_finish(DatasetStoreWriter *writer, uint64_t *size, uint64_t *hash,
						  Err *err) MUST_CHECK;
void dataset_store_abandon(DatasetStoreWriter *writer);

/* ---- feeding the engine: batches whose forms are made by threads ---- */

typedef struct DatasetFeed DatasetFeed;

/* Called for every batch after its prepare and before its commit. */
typedef bool (*DatasetDeltaSink)(void *context, const IdentityDelta *delta,
								 const IdentityChange *changes, size_t nchanges, Err *err);

/* sink NULL: nobody looks at the deltas. */
DatasetFeed *dataset_feed_new(Identity *identity, const IdentityModel *model, int threads,
							  DatasetDeltaSink sink, void *context, Err *err) MUST_CHECK;
/* Takes a record change (upsert, adopt, delete, erase, settle); copies what it points to. Which
 * batch a change falls into makes no difference to what comes out. Errors: the engine's and the sink's. */
bool dataset_feed_add(DatasetFeed *feed, const IdentityChange *change, Err *err) MUST_CHECK;
bool dataset_feed_flush(DatasetFeed *feed, Err *err) MUST_CHECK;
void dataset_feed_free(DatasetFeed *feed);

/* ---- customer ids and events as text ---- */

#define DATASET_ID_TEXT 33
/* 32 hexadecimal digits; the empty text for the id that means none. Returns `text`. */
const char *dataset_id_text(IdentityId id, char text[DATASET_ID_TEXT]);
bool dataset_id_parse(const char *text, IdentityId *id);

#define DATASET_EVENTS_HEADER "position,event,customer_id,other_id,source,record_id,version\n"
/* Appends the events of a delta as rows of that header. */
bool dataset_events_put(const IdentityDelta *delta, Buffer *out, Err *err) MUST_CHECK;

/* ---- judgements as lines of JSON: what a steward said, with the members seen ---- */

/* Appends one line for a JUDGE or UNDO change. */
bool dataset_judgement_put(const IdentityChange *change, Buffer *out, Err *err) MUST_CHECK;
/* Reads such a line; what it points to lives in `arena`. Errors: STOP ERR_DATA. */
bool dataset_judgement_parse(const char *line, size_t length, Arena *arena, IdentityChange *change,
							 Err *err) MUST_CHECK;

/*
 * ---- the state directory ----
 *
 * state.json names the files of the generation in force, and is replaced at once: that is the
 * commit point of a run. A run writes records-N, snapshot-N, judgements-N, erased-N, model-N.json and events-N
 * beside those in force; a killed one leaves files that nothing names. What a review answers is
 * appended to journal-N, each entry with its checksum, flushed before the answer counts.
 * events.csv is whole after every commit and mended at the next opening after a crash.
 *
 *   Errors: USAGE ERR_IO when the directory cannot be used or another process uses it; STOP
 *   ERR_DATA when a file is not what state.json says; USAGE ERR_CONFIG for another model.
 */
typedef struct DatasetState DatasetState;

typedef enum DatasetMode
{
	DATASET_READ,	/* locks it together with other readers */
	DATASET_CHANGE, /* locks it alone and mends it */
	DATASET_MAKE,	/* as DATASET_CHANGE; makes the directory when it is missing */
} DatasetMode;

DatasetState *dataset_state_open(const char *path, DatasetMode mode, Err *err) MUST_CHECK;
void dataset_state_close(DatasetState *state);

/* Is a file of that name in a state directory the state's? */
bool dataset_state_owns(const char *name);
bool dataset_state_empty(const DatasetState *state);			 /* no run was committed yet */
const char *dataset_state_deployment(const DatasetState *state); /* NULL when empty */
uint64_t dataset_state_generation(const DatasetState *state);
/* Of a state that is not empty; all owned by the state. */
IdentityModel *dataset_state_model(DatasetState *state, Err *err) MUST_CHECK;
DatasetStore *dataset_state_store(DatasetState *state, Err *err) MUST_CHECK;
Identity *dataset_state_identity(DatasetState *state, const IdentityMemory *memory,
								 Err *err) MUST_CHECK;
/* Walks the judgements and their undoings in the order they were made. */
typedef bool (*DatasetJudgementVisit)(void *context, const char *line, size_t length, Err *err);
bool dataset_state_judgements(DatasetState *state, DatasetJudgementVisit visit, void *context,
							  Err *err) MUST_CHECK;

/* Who is in which customer, by events.csv alone: enough to give a state another engine where this
 * program cannot read the one it has. For a state that was opened for writing. Errors: STOP ERR_DATA when
 * a record of the state is in no customer. Freed before the state is closed or committed. */
typedef struct DatasetPartition DatasetPartition;

DatasetPartition *dataset_state_partition(DatasetState *state, Err *err) MUST_CHECK;
void dataset_partition_free(DatasetPartition *partition);
bool dataset_partition_customer(const DatasetPartition *partition, IdentityRef ref,
								IdentityId *customer);
/* The last version that an event gave the customer; 0 when none did. */
uint32_t dataset_partition_version(const DatasetPartition *partition, const IdentityId *customer);
/* The last position that an event names. */
uint64_t dataset_partition_position(const DatasetPartition *partition);

/* Appends what one committed batch of answers brought: durable when it returns. */
bool dataset_state_append(DatasetState *state, const void *delta, size_t length,
						  const Buffer *events, const Buffer *judgement, Err *err) MUST_CHECK;

/* ---- erased records: who must not come back from an older log, or from a copy of the table ---- */

typedef struct DatasetErasure
{
	uint64_t name[2]; /* a hash of source and id */
	DatasetMoment at; /* of the last erasure */
	bool lifted;	  /* the source made a record of that name since */
	bool fresh;		  /* erased in this run: answers that name the record go with the commit */
} DatasetErasure;

typedef struct DatasetErasures DatasetErasures;

/* Of the state, as the last run left them; the next commit keeps what was changed. Owned by the
 * state. Errors: STOP ERR_DATA, ERR_NOMEM. */
DatasetErasures *dataset_state_erasures(DatasetState *state, Err *err) MUST_CHECK;
/* NULL when the record was never erased; valid until the next put. */
DatasetErasure *dataset_erasure_find(const DatasetErasures *erasures, IdentityRef ref);
DatasetErasure *dataset_erasure_put(DatasetErasures *erasures, IdentityRef ref, DatasetMoment at,
									Err *err) MUST_CHECK;

/* The next generation: files to fill, then commit or abandon. */
typedef struct DatasetNext
{
	DatasetState *state;
	DatasetStoreWriter *records;
	DatasetFile *events;
	const char *deployment;
} DatasetNext;

bool dataset_state_begin(DatasetState *state, DatasetNext *next, Err *err) MUST_CHECK;
/* Afterwards what the state had handed out (model, store, identity) is freed. After a failure it is not, and
 * the files of `next` are gone, unless it was the last step that failed: the next opening tells. */
bool dataset_state_commit(DatasetNext *next, const Identity *identity, const IdentityModel *model,
						  Err *err) MUST_CHECK;
void dataset_state_abandon(DatasetNext *next);

#endif
