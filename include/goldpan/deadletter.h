/* SPDX-License-Identifier: PostgreSQL */
/*
 * deadletter.h — the record of a change that could not become a canonical record.
 *
 * It is written in the same atomic batch as the progress that passes the change (B3). Values of
 * sensitive columns and of columns that nobody mapped appear as type and length only.
 */
#ifndef GOLDPAN_DEADLETTER_H
#define GOLDPAN_DEADLETTER_H

#include "goldpan/buffer.h"
#include "goldpan/canonical.h"
#include "goldpan/mapping.h"
#include "goldpan/model.h"

typedef struct DeadLetter
{
	const char *event_id; /* that the record would have had */
	size_t event_id_length;
	const char *source;
	const char *database;
	const char *schema;
	const char *table;
	Operation operation;
	Lsn end_lsn;
	uint64_t ordinal;
	uint32_t xid;
	int64_t commit_time;
	const char *key; /* NULL: could not be made */
	size_t key_length;
	const char *stage; /* "key", "transform", "validate", "publish" */
	const char *field; /* NULL or "": none */
	const char *column;
	const char *reason; /* without any personal value */
	ErrCode code;
	const char *mapping_version;
	uint64_t config_hash;
	uint32_t relation_id;
	uint64_t relation_hash;
	const Change *change;		 /* the raw values; NULL: without payload */
	const MappingTable *mapping; /* says which columns are mapped and which are sensitive */
} DeadLetter;

/* Longest value that a dead letter carries, in bytes of its text. */
#define DEADLETTER_MAX_VALUE 65536

/* Appends the Avro body by the "dead_letter" schema. Errors: STOP ERR_NOMEM. */
bool deadletter_encode(const DeadLetter *letter, Buffer *out, Err *err) MUST_CHECK;

/* Appends a present value as text, as PostgreSQL would print it (timestamps as RFC 3339, bytes in
 * hex). Errors: STOP ERR_NOMEM. */
bool deadletter_value_text(const Value *value, Buffer *out, Err *err) MUST_CHECK;

#endif
