/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_check_tables.c — is the role allowed what it needs, and no more; do the mapped tables fit.
 *
 * The rights asked for are the least: REPLICATION, USAGE of the schemas and SELECT of the mapped
 * columns alone. Whether columns and replica identity fit the mapping is the mapping room's
 * judgement.
 */
#include "admin/admin_priv.h"

#include <stdio.h>
#include <string.h>

bool
admin_source_add(AdminSource *check, const char *name, AdminVerdict verdict, const char *cure,
				 Err *err, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	(void) vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return admin_report_add(check->report, check->source->name, name, verdict, cure, err, "%s",
							text);
}

static bool
tables_fact(const AdminSource *check, AdminFact fact)
{
	return strcmp(check->facts[fact], "t") == 0;
}

bool
admin_check_role(AdminSource *check, Err *err)
{
	const char *role = check->facts[FACT_ROLE];
	char cure[256];

	if (tables_fact(check, FACT_SUPERUSER))
		return admin_source_add(
			check, "role", ADMIN_WARNING,
			"CREATE ROLE goldpan LOGIN REPLICATION; and grant it SELECT of the mapped columns.",
			err, "\"%s\" is a superuser, which is more than is needed", role);
	if (tables_fact(check, FACT_REPLICATION))
		return admin_source_add(check, "role", ADMIN_OK, "", err, "\"%s\" has REPLICATION", role);
	(void) snprintf(cure, sizeof(cure), "ALTER ROLE %s REPLICATION;",
					check->facts[FACT_ROLE_QUOTED]);
	return admin_source_add(check, "role", ADMIN_FAILURE, cure, err, "\"%s\" lacks REPLICATION",
							role);
}

/* The columns of a table that the role may not read, as a list for GRANT; NULL when none. */
static const char *const tables_rights_sql =
	"SELECT quote_ident(n.nspname), quote_ident(c.relname),"
	" has_schema_privilege(n.oid, 'USAGE'),"
	" (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a"
	"  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
	"  AND a.attname = ANY ($3::text[])"
	"  AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')),"
	" c.relrowsecurity AND (c.relforcerowsecurity OR NOT pg_has_role(c.relowner, 'USAGE'))"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = $1 AND c.relname = $2";

static bool
tables_judge_rights(AdminSource *check, const char *const *row, Err *err)
{
	const char *role = check->facts[FACT_ROLE_QUOTED];
	char cure[1024];

	if (strcmp(row[2], "t") != 0 || row[3] != NULL)
	{
		int used = 0;

		if (strcmp(row[2], "t") != 0)
			used = snprintf(cure, sizeof(cure), "GRANT USAGE ON SCHEMA %s TO %s; ", row[0], role);
		if (row[3] != NULL)
			(void) snprintf(cure + used, sizeof(cure) - (size_t) used,
							"GRANT SELECT (%.700s) ON %s.%s TO %s;", row[3], row[0], row[1], role);
		return admin_source_add(check, "privileges", ADMIN_FAILURE, cure, err,
								"table %s.%s: mapped columns may not be read", row[0], row[1]);
	}
	if (strcmp(row[4], "t") == 0 && !tables_fact(check, FACT_BYPASSRLS) &&
		!tables_fact(check, FACT_SUPERUSER))
	{
		(void) snprintf(cure, sizeof(cure), "ALTER ROLE %s BYPASSRLS;", role);
		return admin_source_add(check, "privileges", ADMIN_FAILURE, cure, err,
								"table %s.%s has row security, which would hide rows from the copy",
								row[0], row[1]);
	}
	return admin_source_add(check, "privileges", ADMIN_OK, "", err,
							"table %s.%s: mapped columns may be read", row[0], row[1]);
}

static bool
tables_rights(AdminSource *check, const SourceTable *table, Err *err)
{
	const char *params[3] = {table->schema, table->name, NULL};
	SourceRows rows;
	Err why;

	params[2] = admin_sql_array(check->report->arena, table->columns, table->ncolumns, err);
	if (params[2] == NULL)
		return false;
	if (!source_query(check->source, check->report->arena, tables_rights_sql, 3, params, &rows,
					  &why))
		return admin_source_add(check, "privileges", ADMIN_SKIPPED, why.hint, err, "%s",
								why.message);
	if (rows.nrows == 0)
		return true; /* the mapping's check says that it is missing */
	return tables_judge_rights(check, rows.cells, err);
}

/* Lets the mapping room judge what the catalog says. */
static bool
tables_fit(AdminSource *check, const SourceTable *tables, size_t ntables, Err *err)
{
	AdminReport *report = check->report;
	Relation *relations = arena_zero(report->arena, (ntables + 1) * sizeof(Relation), err);
	bool *exists = arena_zero(report->arena, ntables + 1, err);
	MappingCatalogTable *catalog =
		arena_zero(report->arena, (ntables + 1) * sizeof(MappingCatalogTable), err);
	MappingProblems problems = {.arena = report->arena};
	Err why;

	if (relations == NULL || exists == NULL || catalog == NULL)
		return false;
	if (!source_catalog(check->source, report->arena, tables, ntables, relations, exists, &why))
		return admin_source_add(check, "tables", ADMIN_FAILURE, why.hint, err, "%s", why.message);
	for (size_t i = 0; i < ntables; i++)
		catalog[i] = (MappingCatalogTable){.schema = tables[i].schema,
										   .name = tables[i].name,
										   .replica_identity = relations[i].replica_identity,
										   .exists = exists[i],
										   .relation = &relations[i]};
	if (!mapping_check_catalog(check->mapping, check->source->name, catalog, ntables, &problems,
							   err))
		return false;
	for (size_t i = 0; i < problems.count; i++)
	{
		const MappingProblem *problem = &problems.list[i];

		if (!admin_source_add(check, "mapping", problem->warning ? ADMIN_WARNING : ADMIN_FAILURE,
							  problem->cure, err, "%s:%d: %s", problem->file, problem->line,
							  problem->what))
			return false;
	}
	return problems.count > 0 || admin_source_add(check, "mapping", ADMIN_OK, "", err,
												  "%zu table%s with all mapped columns and a fit "
												  "replica identity",
												  ntables, ntables == 1 ? "" : "s");
}

bool
admin_check_tables(AdminSource *check, Err *err)
{
	SourceTable *tables;
	size_t ntables;

	if (!stream_source_tables(check->mapping, check->source->name, check->report->arena, &tables,
							  &ntables, err))
		return false;
	for (size_t i = 0; i < ntables; i++)
	{
		if (!tables_rights(check, &tables[i], err))
			return false;
	}
	return tables_fit(check, tables, ntables, err);
}
