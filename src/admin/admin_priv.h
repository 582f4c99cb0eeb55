/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_priv.h — what the checks of one source share.
 */
#ifndef ADMIN_PRIV_H
#define ADMIN_PRIV_H

#include "goldpan/admin.h"

/* Columns of the facts that one query gathers; check_facts_sql has the same order. */
typedef enum AdminFact
{
	FACT_VERSION_NUMBER,
	FACT_VERSION,
	FACT_WAL_LEVEL,
	FACT_SLOTS,
	FACT_SLOTS_USED,
	FACT_SENDERS,
	FACT_SENDERS_USED,
	FACT_RECOVERY,
	FACT_ENCODING,
	FACT_ROLE,
	FACT_SUPERUSER,
	FACT_REPLICATION,
	FACT_BYPASSRLS,
	FACT_LIBRARIES,			/* NULL: the server does not know the setting */
	FACT_LIBRARIES_CONTEXT, /* "sighup", "postmaster" */
	FACT_KEEP_SIZE,
	FACT_SYNCHRONOUS,
	FACT_ROLE_QUOTED,
	FACT_DATABASE_QUOTED,
	FACT_COUNT
} AdminFact;

typedef struct AdminSource
{
	AdminReport *report;
	const SourceConfig *source;
	const Mapping *mapping;
	const char *const *facts;
	bool identified;
	SourceIdentity identity;
	SourceSlot slot;
} AdminSource;

/* admin_report_add with the source's name as scope. */
bool admin_source_add(AdminSource *check, const char *name, AdminVerdict verdict, const char *cure,
					  Err *err, const char *fmt, ...) MUST_CHECK PRINTF_LIKE(6, 7);

/* The role's attributes. */
bool admin_check_role(AdminSource *check, Err *err) MUST_CHECK;

/* Mapped tables: there, columns, privileges, replica identity, row security. */
bool admin_check_tables(AdminSource *check, Err *err) MUST_CHECK;

#endif
