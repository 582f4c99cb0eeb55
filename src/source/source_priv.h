/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_priv.h — what the files of the source room share.
 */
#ifndef SOURCE_PRIV_H
#define SOURCE_PRIV_H

#include <libpq-fe.h>
#include <string.h>

#include "goldpan/source.h"
#include "goldpan/wire.h"

/* Bytes that the shapes of one connection's or snapshot's tables may take. */
#define SOURCE_SHAPES_CEILING ((size_t) 64 << 20)
/* PostgreSQL's MaxTupleAttributeNumber: no table has more columns. */
#define SOURCE_MAX_COLUMNS 1664

/* ---- source_connection.c: one session, bounded in time ---- */

typedef struct SourceConnection
{
	PGconn *conn;
	bool replication;
	char name[64];	  /* of the source */
	char slot[64];	  /* the permanent one */
	char target[256]; /* conninfo without secrets */
	bool (*stop_requested)(void *context);
	void *stop_context;
} SourceConnection;

/* What a statement was for: decides how a failure is read. */
typedef enum SourceDoing
{
	SOURCE_DOING_QUERY,
	SOURCE_DOING_CREATE_SLOT,
	SOURCE_DOING_START,
	SOURCE_DOING_STREAM,
	SOURCE_DOING_READ_TABLE,
} SourceDoing;

/* "never" for deadlines */
#define SOURCE_NO_DEADLINE INT64_MAX

int64_t source_connection_deadline(const SourceConfig *config);
bool source_connection_open(SourceConnection *connection, const SourceConfig *config,
							bool replication, int64_t deadline, Err *err) MUST_CHECK;
void source_connection_close(SourceConnection *connection);

/* Waits for the socket to be readable (or also writable) until the deadline. *ready is
 * false when it passed. Error: stop requested, or poll failed. */
bool source_connection_wait(const SourceConnection *connection, bool write, int64_t deadline,
							bool *ready, Err *err) MUST_CHECK;

/* Runs one statement and returns its last result (owned), NULL with *err set on any failure.
 * `what` completes "could not …". Parameters only on plain connections. A COPY result leaves
 * the connection in that state. */
PGresult *source_connection_query(SourceConnection *connection, SourceDoing doing, const char *what,
								  const char *sql, int nparams, const char *const *params,
								  int64_t deadline, Err *err) MUST_CHECK;
/* Takes the next result of a statement that was sent, NULL without error after the last. */
bool source_connection_result(SourceConnection *connection, const char *what, int64_t deadline,
							  PGresult **result, Err *err) MUST_CHECK;

/* Appends an identifier quoted for SQL. */
bool source_connection_identifier(const SourceConnection *connection, Buffer *out, const char *name,
								  Err *err) MUST_CHECK;

/* ---- source_failure.c: what a failure means and what cures it ---- */

/* Reads a connection that could not be made. */
bool source_failure_connect(const SourceConnection *connection, Err *err);
/* Reads a failed result (or, when NULL, a broken connection). Asks the server for facts when
 * the SQLSTATE alone does not tell. */
bool source_failure_result(SourceConnection *connection, const PGresult *result, SourceDoing doing,
						   const char *what, Err *err);
/* True when the list (a GUC of list form) names the library. */
bool source_failure_lists(const char *list, const char *library);

/* ---- source_slot.c ---- */

bool source_slot_read(SourceConnection *connection, int64_t deadline, SourceSlot *slot,
					  Err *err) MUST_CHECK;
bool source_slot_read_identity(SourceConnection *connection, int64_t deadline,
							   SourceIdentity *identity, Err *err) MUST_CHECK;
bool source_slot_name_is_legal(const char *name);

/* ---- source_relation.c: shapes of tables ---- */

/* How PostgreSQL's binary output of a column reads. */
typedef enum SourceForm
{
	SOURCE_FORM_BOOL,
	SOURCE_FORM_INT2,
	SOURCE_FORM_INT4,
	SOURCE_FORM_INT8,
	SOURCE_FORM_OID,
	SOURCE_FORM_FLOAT4,
	SOURCE_FORM_FLOAT8,
	SOURCE_FORM_NUMERIC,
	SOURCE_FORM_TEXT,	 /* text, varchar, char(n), name, json: binary output is the text */
	SOURCE_FORM_PRINTED, /* anything else: what its output function prints */
	SOURCE_FORM_BYTES,
	SOURCE_FORM_DATE,
	SOURCE_FORM_TIME,
	SOURCE_FORM_TIMESTAMP,
	SOURCE_FORM_TIMESTAMPTZ,
	SOURCE_FORM_UUID,
} SourceForm;

/* One shape, alone in its arena. `kinds` repeats each column's kind densely for the decoder. */
typedef struct SourceShape
{
	struct SourceShape *next;
	Arena arena;
	Relation relation;
	Column *columns; /* relation.columns, writable */
	uint8_t *kinds;
	uint8_t *forms; /* SourceForm; only of shapes read from the catalog */
	bool partitioned;
	bool logged;		   /* its changes are in the WAL */
	const char *ancestors; /* oids of the tables it is a partition of; only from the catalog */
	uint16_t nkeys;
} SourceShape;

/* All shapes seen by one stream or snapshot; equal ones are one object. */
typedef struct SourceShapes
{
	SourceShape *first;
	size_t total;
} SourceShapes;

#define SOURCE_HASH_START UINT64_C(14695981039346656037)

/* FNV-1a, and the hash of everything in a relation but `hash` and `attached`. */
uint64_t source_relation_hash_bytes(uint64_t hash, const void *bytes, size_t length);
uint64_t source_relation_hash(const Relation *relation);

/* A new shape with `ncolumns` zeroed columns for the caller to fill, which
 * source_relation_intern or _discard takes. */
SourceShape *source_relation_new(size_t ncolumns, Err *err) MUST_CHECK;
void source_relation_discard(SourceShape *shape);
/* Completes the shape (hash, kinds, keys) and returns it, or the equal one there was already,
 * discarding the shape. NULL over the ceiling, with the shape discarded. */
SourceShape *source_relation_intern(SourceShapes *shapes, SourceShape *shape, Err *err) MUST_CHECK;
/* Completes without keeping. */
void source_relation_finish(SourceShape *shape);
void source_relation_release(SourceShapes *shapes);

/* ---- source_catalog.c ---- */

/* Reads one table's shape as the connection's transaction sees it; *shape is NULL when there
 * is no such table. `every` lists all columns rather than those asked for. The shape is
 * finished and the caller's. */
bool source_catalog_shape(SourceConnection *connection, const SourceTable *table, bool every,
						  int64_t deadline, SourceShape **shape, Err *err) MUST_CHECK;

/* ---- source_utf8.c ---- */

bool source_utf8_rest(const uint8_t *at, const uint8_t *end);

/* True when eight bytes are surely ASCII and none is NUL: a set high bit is not ASCII, and the
 * subtraction sets it where a byte is zero. */
static inline bool
source_utf8_plain(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return ((word | (word - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080)) == 0;
}

/* True when the bytes are UTF-8 without overlong forms, surrogates or NUL. Customer data is
 * mostly ASCII: eight bytes at a time until some are not, the last ones overlapping. */
static inline bool
source_utf8_valid(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	const uint8_t *end = at + length;

	if (length < 8)
		return source_utf8_rest(at, end);
	for (; end - at >= 8; at += 8)
		if (!source_utf8_plain(at))
			return source_utf8_rest(at, end);
	return at == end || source_utf8_plain(end - 8) || source_utf8_rest(at, end);
}

/* ---- source_copy.c: rows of COPY (FORMAT binary) ---- */

/* The plugin's default max_value_bytes: longer values are withheld. */
#define SOURCE_MAX_VALUE ((uint32_t) 8 << 20)

/* Reads the header that begins a COPY; *used is its length. */
bool source_copy_header(const uint8_t *bytes, size_t length, size_t *used,
						const char **error) MUST_CHECK;
/* Reads one row into relation.ncolumns values, which point into the bytes; *used is its
 * length. *end: it was the trailer. */
bool source_copy_row(const SourceShape *shape, const uint8_t *bytes, size_t length, Value *values,
					 size_t *used, bool *end, const char **error) MUST_CHECK;

/* ---- source_decode.c: the plugin's frames ---- */

/* One object for both rooms' views of a value: the reader fills the one, we hand out the other. */
typedef union SourceValue
{
	WireValue wire;
	Value value;
} SourceValue;

typedef struct SourceDecoder
{
	char name[64]; /* of the source, for messages */
	WireReader reader;
	SourceShapes shapes;
	SourceShape **numbered; /* by the session's relation numbers */
	size_t nnumbered;
	size_t number_capacity;
	SourceValue *new_values;
	SourceValue *old_values;
	size_t capacity; /* of each */
	bool greeted;
	bool in_transaction;
	bool fresh; /* no row of the transaction came yet */
	uint64_t next_ordinal;
	uint32_t truncated_left;
	Transaction transaction;
	char origin[256];
	Change change;
} SourceDecoder;

void source_decode_init(SourceDecoder *decoder, const char *name);
void source_decode_release(SourceDecoder *decoder);
/* Gives the next frame, which stays borrowed until source_decode_next says SOURCE_NOTHING. */
void source_decode_frame(SourceDecoder *decoder, const void *bytes, size_t length);
/* The next BEGIN, CHANGE or COMMIT of the frame, SOURCE_NOTHING at its end. Error: STOP
 * ERR_POISON. */
bool source_decode_next(SourceDecoder *decoder, SourceEvent *event, Err *err) MUST_CHECK;

/* ---- source_options.c: what the plugin is asked to send ---- */

#define SOURCE_COMMAND_CEILING ((size_t) 8 << 20)

/* The plugin's allow-list, "public"."contact"("id","email"),… */
bool source_options_allow_list(const SourceTable *tables, size_t ntables, Buffer *out,
							   Err *err) MUST_CHECK;
/* The whole START_REPLICATION command, with a terminating zero. */
bool source_options_start(const char *slot, const SourceTable *tables, size_t ntables, Lsn start,
						  Buffer *out, Err *err) MUST_CHECK;

/* ---- source_temporary.c: the slot a snapshot hangs on ---- */

typedef struct SourceTemporary
{
	char name[64];
	char snapshot[64]; /* exported; to be imported while the exporter is open and idle */
	Lsn lsn;
} SourceTemporary;

/* Creates the slot on the exporter, waiting without a deadline and telling for whom. */
bool source_temporary_create(SourceConnection *exporter, SourceConnection *reader,
							 SourceTemporary *temporary, Err *err) MUST_CHECK;
/* Ends an exporter that still waits. */
void source_temporary_abandon(const SourceConnection *exporter, SourceConnection *reader);
/* The permanent slot must not be there, or be an unused one of ours. */
bool source_temporary_check(SourceConnection *connection, int64_t deadline, SourceSlot *slot,
							Err *err) MUST_CHECK;
/* Copies the temporary slot to the permanent one, or keeps one that is there and serves. */
bool source_temporary_make_permanent(SourceConnection *reader, const SourceTemporary *temporary,
									 int64_t deadline, Err *err) MUST_CHECK;

#endif
