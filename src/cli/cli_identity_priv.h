/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_identity_priv.h — what `goldpan identity` and `goldpan review` share.
 */
#ifndef CLI_IDENTITY_PRIV_H
#define CLI_IDENTITY_PRIV_H

#include "cli/cli_priv.h"
#include "goldpan/dataset.h"
#include "goldpan/dataset_state.h"

/* ---- what the command line says ---- */

#define CLI_IDENTITY_MAX_INPUTS 64

typedef struct CliIdentityInput
{
	const DatasetInput *input;
	const char *path;
} CliIdentityInput;

typedef struct CliIdentity
{
	Arena arena;
	DatasetConfig *config; /* NULL: none was given */
	CliIdentityInput inputs[CLI_IDENTITY_MAX_INPUTS];
	size_t ninputs;
	size_t memory; /* bytes for the engine and what goes with it */
	int threads;
	bool quiet;
} CliIdentity;

/* Reads --config, --input, --memory, --threads and --quiet; needs_input: config and inputs must be given.
 * Release also after a failure. */
bool cli_identity_read(CliIdentity *identity, const CliArgs *args, bool needs_input,
					   Err *err) MUST_CHECK;
void cli_identity_release(CliIdentity *identity);

/* Value of an option that must be given. */
const char *cli_identity_required(const CliArgs *args, const char *name, Err *err) MUST_CHECK;

/* Refuses, before anything is written, an option's file that is an input, the configuration, the
 * file of an option before it or one of the state's own, and such an input. identity may be NULL. */
bool cli_identity_apart(const CliIdentity *identity, const CliArgs *args,
						const char *const *options, size_t noptions, Err *err) MUST_CHECK;

/* The model that --model names. */
IdentityModel *cli_identity_model(const char *path, Err *err) MUST_CHECK;
bool cli_identity_write_model(const char *path, const IdentityModel *model, Err *err) MUST_CHECK;
/* Trains on all inputs; notes (may be NULL) tell how it went. */
IdentityModel *cli_identity_train(CliIdentity *identity, Buffer *notes, Err *err) MUST_CHECK;

/* Reads all inputs into a store of its own, for commands without a state; `deleted` records and
 * rejected rows are left out, with a warning. */
DatasetStore *cli_identity_load(CliIdentity *identity, Err *err) MUST_CHECK;

/* The record that ARG names: its id, or SOURCE:ID where an id is in several sources. */
bool cli_identity_find(const DatasetStore *store, const char *arg, DatasetStored *stored,
					   Err *err) MUST_CHECK;

#define CLI_IDENTITY_OPTION_CONFIG                                                                 \
	{                                                                                              \
		"config", 'c', "FILE", "identity configuration: which column says what"                    \
	}
#define CLI_IDENTITY_OPTION_INPUT                                                                  \
	{                                                                                              \
		"input", 'i', "[NAME=]FILE", "CSV file, or directory log, read as input NAME; repeatable"  \
	}
#define CLI_IDENTITY_OPTION_STATE                                                                  \
	{                                                                                              \
		"state", 's', "DIR", "directory that keeps records, ids, judgements and model"             \
	}
#define CLI_IDENTITY_OPTION_MEMORY                                                                 \
	{                                                                                              \
		"memory", 0, "SIZE", "memory ceiling, \"4 GiB\" (default: half of the machine's)"          \
	}
#define CLI_IDENTITY_OPTION_THREADS                                                                \
	{                                                                                              \
		"threads", 0, "N", "threads that normalise (default: one per processor)"                   \
	}
#define CLI_IDENTITY_OPTION_QUIET                                                                  \
	{                                                                                              \
		"quiet", 'q', NULL, "no progress and no summary"                                           \
	}

/* ---- progress on a terminal ---- */

typedef struct CliProgress
{
	bool shown; /* a terminal, and not --quiet */
	const char *label;
	int64_t started;
	int64_t last;
} CliProgress;

void cli_progress_start(CliProgress *progress, const char *label, bool quiet);
/* done of size (in any unit, -1: not known), and how many rows that was. */
void cli_progress_step(CliProgress *progress, int64_t done, int64_t size, int64_t rows);
void cli_progress_end(CliProgress *progress);

/* ---- results ---- */

/* clusters.csv: record_id,cluster_id and, when there are several, source. To be finished when what it
 * says is in force. */
DatasetFile *cli_identity_clusters(const Identity *identity, const char *path, bool sources,
								   Err *err) MUST_CHECK;
/* review.csv: record_id_a,record_id_b,score,reason and sources; *count: its rows. */
DatasetFile *cli_identity_review(const Identity *identity, const char *path, bool sources,
								 size_t audit, size_t *count, Err *err) MUST_CHECK;

/* ---- text for people ---- */

/* Appends with <, >, &, " and ' as entities, control characters but line feed and tab as U+FFFD. */
bool cli_html_text(Buffer *out, const char *text, size_t length, Err *err) MUST_CHECK;
/* Appends a value for people who may not see it: first character of each word, then dots. */
bool cli_mask_text(Buffer *out, const char *text, size_t length, Err *err) MUST_CHECK;
/* Appends a value for a terminal: control characters and broken text cannot do anything there. */
bool cli_terminal_text(Buffer *out, const char *text, size_t length, Err *err) MUST_CHECK;

extern const CliCommand cli_identity_match;
extern const CliCommand cli_identity_train_leaf;
extern const CliCommand cli_identity_calibrate;
extern const CliCommand cli_identity_explain;
extern const CliCommand cli_identity_score;
extern const CliCommand cli_identity_report;
extern const CliCommand cli_identity_diff;

#endif
