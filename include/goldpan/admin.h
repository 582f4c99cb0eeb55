/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin.h — looks at other rooms and changes nothing: checks, status, filters over records.
 *
 * Commands print what these return; nothing here prints.
 */
#ifndef GOLDPAN_ADMIN_H
#define GOLDPAN_ADMIN_H

#include "goldpan/arena.h"
#include "goldpan/err.h"
#include "goldpan/log.h"
#include "goldpan/mapping.h"
#include "goldpan/stream.h"

/* ---- conditions on records: `goldpan log --where --key --from` ---- */

typedef struct AdminFilter AdminFilter;

/* An empty filter lets every record pass. Lives in `arena` but for regular expressions: free it. */
AdminFilter *admin_filter_new(Arena *arena, Err *err) MUST_CHECK;
void admin_filter_free(AdminFilter *filter);

/* "field op value" with op one of = != < <= > >= ~ (regular expression). Fields of inner records
 * are reached by dots (meta.operation); of an array any element may match. Numbers compare as
 * numbers, everything else as text; `null` is null. All conditions must hold. Error: USAGE
 * ERR_COMMAND_LINE. */
bool admin_filter_where(AdminFilter *filter, const char *condition, Err *err) MUST_CHECK;

/* "source/id": the record's key. */
bool admin_filter_key(AdminFilter *filter, const char *key, Err *err) MUST_CHECK;

/* A commit time (2026-11-24 or 2026-11-24T10:00:00Z) or a position in the source's WAL
 * (0/16B3C2A): only records committed there or later. */
bool admin_filter_from(AdminFilter *filter, const char *from, Err *err) MUST_CHECK;

/* Whether a record, given as its JSON text, passes. Error: STOP ERR_DATA when it is no JSON. */
bool admin_filter_pass(const AdminFilter *filter, const char *json, size_t length, bool *pass,
					   Err *err) MUST_CHECK;

/* ---- checks: `goldpan check` ---- */

typedef enum AdminVerdict
{
	ADMIN_OK,
	ADMIN_WARNING, /* works, but should be looked at */
	ADMIN_FAILURE, /* must be mended before streaming */
	ADMIN_SKIPPED, /* could not be asked because another check failed */
} AdminVerdict;

typedef struct AdminCheck
{
	const char *scope; /* "crm", "log", "goldpan" */
	const char *name;  /* "wal_level" */
	AdminVerdict verdict;
	const char *what; /* what was found */
	const char *cure; /* what to do, often SQL; "" when all is well */
} AdminCheck;

typedef struct AdminReport
{
	Arena *arena; /* texts live here */
	size_t count;
	size_t capacity;
	AdminCheck *checks;
	size_t failures;
	size_t warnings;
} AdminReport;

/* Adds a check to the report; `what` is formatted. */
bool admin_report_add(AdminReport *report, const char *scope, const char *name,
					  AdminVerdict verdict, const char *cure, Err *err, const char *fmt,
					  ...) MUST_CHECK PRINTF_LIKE(7, 8);

/* Everything about one source: server, settings, plugin, privileges, tables, blockers, slot. */
bool admin_check_source(AdminReport *report, const SourceConfig *source, const Mapping *mapping,
						Err *err) MUST_CHECK;

/* Libraries, and the log: folder and disk space, or brokers, topics and registry. */
bool admin_check_log(AdminReport *report, const StreamConfig *config, const LogTopic *topics,
					 size_t ntopics, Err *err) MUST_CHECK;

/* Names as the text of an SQL array, for a query's parameter. */
char *admin_sql_array(Arena *arena, const char *const *items, size_t count, Err *err) MUST_CHECK;

/* ---- status: `goldpan status` ---- */

typedef struct AdminStatus
{
	const char *source;
	bool reachable;
	const char *why; /* it is not reachable, or "" */
	const char *slot;
	const char *slot_state; /* "streaming", "idle", "missing", "lost", "foreign" */
	int64_t bytes_behind;	/* from the acknowledged position to the end of the WAL; -1: unknown */
	int64_t seconds_behind; /* microseconds; -1: unknown */
	int64_t retained_bytes; /* of WAL kept for the slot; -1: unknown */
	int64_t safe_bytes;		/* until the slot may be lost; -1: no limit */
	Lsn acknowledged;
	int64_t last_progress; /* microseconds since the server heard from us; -1: not connected */
} AdminStatus;

/* Asks one source. Not reaching it is a result, not an error. */
bool admin_status_read(const SourceConfig *source, Arena *arena, AdminStatus *status,
					   Err *err) MUST_CHECK;

#endif
