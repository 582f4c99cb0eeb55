/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_match_priv.h — one run of `goldpan identity match`.
 */
#ifndef CLI_MATCH_PRIV_H
#define CLI_MATCH_PRIV_H

#include "cli/cli_identity_priv.h"

typedef struct MatchSource
{
	char *name;
	bool broken; /* rows came whose id nobody knows */
	bool logged; /* in a log, which says what was deleted: who is not there is not gone */
	size_t known;
	size_t missing;
} MatchSource;

typedef struct MatchRun
{
	CliIdentity common;
	DatasetState *state; /* NULL: none */
	DatasetNext next;
	IdentityModel *model;
	Identity *identity;
	bool owns_model; /* else the state does */
	bool owns_identity;
	DatasetStore *old;
	bool owns_old;
	DatasetStoreWriter *doubles; /* next.records when there is a state */
	DatasetFeed *feed;
	DatasetFile *rejects;
	DatasetFile *events;
	DatasetFile *clusters; /* and the next: whole, but not under their names yet */
	DatasetFile *review;
	uint64_t position;
	int64_t time;
	bool partial;
	bool accept_deletes;
	bool all_broken; /* a row of no known source was unreadable */
	MatchSource *sources;
	size_t nsources;
	size_t last_source;
	DatasetErasures *erasures; /* the state's; NULL: there is none */
	int64_t rows, rejected, added, changed, same, removed, kept, unlogged, withheld, uncovered;
	int64_t holes; /* records without values that the log had once */
	size_t questions;
	Buffer packed;
	Buffer scratch;
} MatchRun;

/* Reads the command line, opens state, model and engine. */
bool match_open(MatchRun *run, const CliArgs *args, Err *err) MUST_CHECK;
void match_close(MatchRun *run);

/* Notes that the run covers a source; broken: with a row whose id is not known (NULL: of any). */
bool match_source(MatchRun *run, const char *name, bool broken, Err *err) MUST_CHECK;
MatchSource *match_find_source(MatchRun *run, const char *name);
/* Hands the engine one change of a record, at the next position. */
bool match_change(MatchRun *run, IdentityChangeType type, IdentityRef ref, IdentityKind kind,
				  const IdentityField *fields, size_t nfields, Err *err) MUST_CHECK;

/* Takes an erasure that the log has and no run took before; last: it is the record's last word.
 * *anew: it was taken, and what is known of the record is nothing. */
bool match_erasure(MatchRun *run, const DatasetRecord *record, bool last, bool *anew,
				   Err *err) MUST_CHECK;
/* Was the record erased, and is this what it was before? */
bool match_withheld(MatchRun *run, const DatasetRecord *record);
/* Leaves such a record out; what the state has of it, from a later log, stays. */
bool match_withhold(MatchRun *run, const DatasetRecord *record, Err *err) MUST_CHECK;

/* Who is in which customer: as an engine knows it, or where there is none as the events tell. */
typedef struct CliCustomers
{
	const Identity *identity;
	const DatasetPartition *partition;
} CliCustomers;

/* Puts the records of `from` under another model: adopted with their ids, settled, and
 * every judgement made again; sink NULL as for a feed. Used by match and by diff. */
bool cli_identity_switch(Identity *to, const IdentityModel *model, CliCustomers from,
						 DatasetStore *store, DatasetState *state, int threads,
						 DatasetDeltaSink sink, void *context, uint64_t *position,
						 Err *err) MUST_CHECK;

#endif
