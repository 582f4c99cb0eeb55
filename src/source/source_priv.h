/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_priv.h — what the files of the source room share.
 */
#ifndef SOURCE_PRIV_H
#define SOURCE_PRIV_H

#include <libpq-fe.h>

#include "goldpan/source.h"

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

#endif
