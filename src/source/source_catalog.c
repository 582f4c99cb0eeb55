/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_catalog.c — the shape of tables, read from the catalog.
 *
 * For snapshots and checks. Rows of the stream are never read with it: the catalog may be
 * ahead of them (correctness.md C3), so the plugin sends what was true when a row was
 * written. Both sides describe a table by the same rules, those of src/wire/PROTOCOL.md, so
 * that one shape has one hash.
 */
#include "source_priv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Labels come as netstrings ("5:green3:red"), names are compared as bytes. The indexes are
 * those the server itself takes for primary key and replica identity. */
static const char source_catalog_table[] =
	"SELECT c.oid, c.relreplident, c.relkind,"
	" (SELECT pg_catalog.array_to_string((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1], ' ')"
	"  FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid"
	"  AND i.indimmediate),"
	" (SELECT pg_catalog.array_to_string((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1], ' ')"
	"  FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid"
	"  AND i.indimmediate AND i.indisunique), c.relpersistence,"
	" (SELECT pg_catalog.string_agg(a.relid::pg_catalog.oid::pg_catalog.text, ' ')"
	"  FROM pg_catalog.pg_partition_ancestors(c.oid) a(relid) WHERE a.relid <> c.oid)"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";

static const char source_catalog_columns[] =
	"SELECT a.attnum, a.attname, n.nspname, t.typname, b.oid, b.typname, b.typmod, a.attnotnull,"
	" e.count, e.labels"
	" FROM pg_catalog.pg_attribute a"
	" JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
	" JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
	" CROSS JOIN LATERAL (WITH RECURSIVE d AS ("
	"  SELECT p.oid, p.typname, p.typtype, p.typbasetype, p.typtypmod, a.atttypmod AS typmod"
	"  FROM pg_catalog.pg_type p WHERE p.oid = a.atttypid"
	"  UNION ALL"
	"  SELECT p.oid, p.typname, p.typtype, p.typbasetype, p.typtypmod, d.typtypmod"
	"  FROM d JOIN pg_catalog.pg_type p ON p.oid = d.typbasetype WHERE d.typtype = 'd')"
	"  SELECT oid, typname, typmod FROM d WHERE typtype <> 'd') b"
	" CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS count, pg_catalog.string_agg("
	"  pg_catalog.octet_length(enumlabel::pg_catalog.text) || ':' || enumlabel, ''"
	"  ORDER BY enumsortorder) AS labels FROM pg_catalog.pg_enum WHERE enumtypid = b.oid) e"
	" WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped"
	" ORDER BY a.attnum";

typedef struct SourceBase
{
	uint32_t oid; /* of the base type; the built-in ones never change */
	SourceForm form;
	ValueKind kind;
} SourceBase;

static const SourceBase source_bases[] = {
	{16, SOURCE_FORM_BOOL, VALUE_BOOLEAN},
	{17, SOURCE_FORM_BYTES, VALUE_BYTES},
	{19, SOURCE_FORM_TEXT, VALUE_TEXT},
	{20, SOURCE_FORM_INT8, VALUE_INTEGER},
	{21, SOURCE_FORM_INT2, VALUE_INTEGER},
	{23, SOURCE_FORM_INT4, VALUE_INTEGER},
	{25, SOURCE_FORM_TEXT, VALUE_TEXT},
	{26, SOURCE_FORM_OID, VALUE_INTEGER},
	{114, SOURCE_FORM_TEXT, VALUE_TEXT},
	{700, SOURCE_FORM_FLOAT4, VALUE_FLOAT},
	{701, SOURCE_FORM_FLOAT8, VALUE_FLOAT},
	{1042, SOURCE_FORM_TEXT, VALUE_TEXT},
	{1043, SOURCE_FORM_TEXT, VALUE_TEXT},
	{1082, SOURCE_FORM_DATE, VALUE_DATE},
	{1083, SOURCE_FORM_TIME, VALUE_TIME},
	{1114, SOURCE_FORM_TIMESTAMP, VALUE_TIMESTAMP},
	{1184, SOURCE_FORM_TIMESTAMPTZ, VALUE_TIMESTAMPTZ},
	{1700, SOURCE_FORM_NUMERIC, VALUE_NUMERIC},
	{2950, SOURCE_FORM_UUID, VALUE_UUID},
};

/* What identifies a table, and its keys as lists of column numbers. */
typedef struct SourceCatalogTable
{
	char oid[16];
	char replica_identity;
	bool partitioned;
	bool logged;
	char primary_key[256];
	char identity[256];
	const char *ancestors; /* their oids; in the result */
} SourceCatalogTable;

static bool
source_catalog_listed(const char *numbers, long wanted)
{
	char *next;

	while (*numbers != '\0')
	{
		long number = strtol(numbers, &next, 10);

		if (next == numbers)
			return false;
		if (number == wanted)
			return true;
		numbers = next;
	}
	return false;
}

static bool
source_catalog_asked(const SourceTable *table, const char *column)
{
	for (size_t i = 0; i < table->ncolumns; i++)
		if (strcmp(table->columns[i], column) == 0)
			return true;
	return false;
}

static bool
source_catalog_labels(SourceShape *shape, Column *column, const char *count, const char *netstrings,
					  Err *err)
{
	long nlabels = strtol(count, NULL, 10);
	const char **labels;

	if (nlabels <= 0 || nlabels > UINT16_MAX)
		return true;
	labels = arena_zero(&shape->arena, (size_t) nlabels * sizeof(char *), err);
	if (labels == NULL)
		return false;
	for (long i = 0; i < nlabels; i++)
	{
		char *colon;
		unsigned long length = strtoul(netstrings, &colon, 10);

		if (*colon != ':' || length > strlen(colon + 1))
			return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
						   "could not read the labels of an enum");
		labels[i] = arena_text(&shape->arena, colon + 1, length, err);
		if (labels[i] == NULL)
			return false;
		netstrings = colon + 1 + length;
	}
	column->labels = labels;
	column->nlabels = (uint16_t) nlabels;
	return true;
}

static const char *
source_catalog_copy(SourceShape *shape, const PGresult *result, int row, int field, Err *err)
{
	return arena_text(&shape->arena, PQgetvalue(result, row, field),
					  (size_t) PQgetlength(result, row, field), err);
}

static bool
source_catalog_column(SourceShape *shape, uint16_t position, const PGresult *result, int row,
					  const SourceCatalogTable *facts, Err *err)
{
	Column *column = &shape->columns[position];
	long number = strtol(PQgetvalue(result, row, 0), NULL, 10);
	uint32_t base = (uint32_t) strtoul(PQgetvalue(result, row, 4), NULL, 10);

	column->name = source_catalog_copy(shape, result, row, 1, err);
	column->type_schema = source_catalog_copy(shape, result, row, 2, err);
	column->type_name = source_catalog_copy(shape, result, row, 3, err);
	column->base_type = source_catalog_copy(shape, result, row, 5, err);
	if (column->name == NULL || column->type_schema == NULL || column->type_name == NULL ||
		column->base_type == NULL)
		return false;
	column->typmod = (int32_t) strtol(PQgetvalue(result, row, 6), NULL, 10);
	column->not_null = PQgetvalue(result, row, 7)[0] == 't';
	column->primary_key = source_catalog_listed(facts->primary_key, number);
	column->key = facts->replica_identity == 'f' || source_catalog_listed(facts->identity, number);
	column->kind = VALUE_TEXT;
	shape->forms[position] = SOURCE_FORM_PRINTED;
	for (size_t i = 0; i < sizeof(source_bases) / sizeof(source_bases[0]); i++)
		if (source_bases[i].oid == base)
		{
			column->kind = (uint8_t) source_bases[i].kind;
			shape->forms[position] = (uint8_t) source_bases[i].form;
		}
	return source_catalog_labels(shape, column, PQgetvalue(result, row, 8),
								 PQgetvalue(result, row, 9), err);
}

/* Whether the stream would list this column too (PROTOCOL.md, relation). */
static bool
source_catalog_wanted(const PGresult *result, int row, const SourceTable *table, bool every,
					  const SourceCatalogTable *facts)
{
	bool sent_as_key = facts->replica_identity == 'd' || facts->replica_identity == 'i';

	return every || source_catalog_asked(table, PQgetvalue(result, row, 1)) ||
		   (sent_as_key &&
			source_catalog_listed(facts->identity, strtol(PQgetvalue(result, row, 0), NULL, 10)));
}

static SourceShape *
source_catalog_build(const PGresult *result, const SourceTable *table, bool every,
					 const SourceCatalogTable *facts, Err *err)
{
	SourceShape *shape;
	size_t ncolumns = 0;
	uint16_t position = 0;

	for (int row = 0; row < PQntuples(result); row++)
		ncolumns += source_catalog_wanted(result, row, table, every, facts) ? 1 : 0;
	shape = source_relation_new(ncolumns, err);
	if (shape == NULL)
		return NULL;
	shape->partitioned = facts->partitioned;
	shape->logged = facts->logged;
	shape->relation.id = (uint32_t) strtoul(facts->oid, NULL, 10);
	shape->relation.replica_identity = facts->replica_identity;
	shape->ancestors = arena_text(&shape->arena, facts->ancestors, strlen(facts->ancestors), err);
	shape->relation.schema = arena_text(&shape->arena, table->schema, strlen(table->schema), err);
	shape->relation.name = arena_text(&shape->arena, table->name, strlen(table->name), err);
	if (shape->relation.schema == NULL || shape->relation.name == NULL || shape->ancestors == NULL)
		goto failed;
	for (int row = 0; row < PQntuples(result); row++)
		if (source_catalog_wanted(result, row, table, every, facts) &&
			!source_catalog_column(shape, position++, result, row, facts, err))
			goto failed;
	source_relation_finish(shape);
	return shape;
failed:
	source_relation_discard(shape);
	return NULL;
}

static void
source_catalog_facts(const PGresult *result, SourceCatalogTable *facts)
{
	const char *identity = "";

	(void) snprintf(facts->oid, sizeof(facts->oid), "%s", PQgetvalue(result, 0, 0));
	facts->replica_identity = PQgetvalue(result, 0, 1)[0];
	facts->logged = PQgetvalue(result, 0, 5)[0] == 'p';
	facts->partitioned = PQgetvalue(result, 0, 2)[0] == 'p';
	facts->ancestors = PQgetvalue(result, 0, 6);
	if (facts->replica_identity == 'd')
		identity = PQgetvalue(result, 0, 3);
	else if (facts->replica_identity == 'i')
		identity = PQgetvalue(result, 0, 4);
	(void) snprintf(facts->primary_key, sizeof(facts->primary_key), "%s", PQgetvalue(result, 0, 3));
	(void) snprintf(facts->identity, sizeof(facts->identity), "%s", identity);
}

bool
source_catalog_shape(SourceConnection *connection, const SourceTable *table, bool every,
					 int64_t deadline, SourceShape **shape, Err *err)
{
	const char *const names[] = {table->schema, table->name};
	SourceCatalogTable facts;
	const char *const oids[] = {facts.oid};
	PGresult *result;
	PGresult *columns;
	char what[200];

	*shape = NULL;
	(void) snprintf(what, sizeof(what), "read the columns of table \"%.64s\".\"%.64s\"",
					table->schema, table->name);
	result = source_connection_query(connection, SOURCE_DOING_QUERY, what, source_catalog_table, 2,
									 names, deadline, err);
	if (result == NULL)
		return false;
	if (PQntuples(result) != 1)
	{
		PQclear(result);
		return true;
	}
	source_catalog_facts(result, &facts);
	columns = source_connection_query(connection, SOURCE_DOING_QUERY, what, source_catalog_columns,
									  1, oids, deadline, err);
	if (columns != NULL)
		*shape = source_catalog_build(columns, table, every, &facts, err);
	PQclear(columns);
	PQclear(result);
	return *shape != NULL;
}

/* ---- for checks: into the caller's arena ---- */

static bool
source_catalog_hand_out(const SourceShape *shape, Arena *arena, Relation *relation, Err *err)
{
	size_t ncolumns = shape->relation.ncolumns;
	Column *columns = arena_zero(arena, ncolumns * sizeof(Column) + 1, err);
	bool ok = columns != NULL;

	*relation = shape->relation;
	relation->columns = columns;
	relation->schema = arena_text(arena, relation->schema, strlen(relation->schema), err);
	relation->name = arena_text(arena, relation->name, strlen(relation->name), err);
	ok = ok && relation->schema != NULL && relation->name != NULL;
	for (size_t i = 0; ok && i < ncolumns; i++)
	{
		const Column *from = &shape->columns[i];
		const char **labels = arena_zero(arena, from->nlabels * sizeof(char *) + 1, err);

		columns[i] = *from;
		columns[i].name = arena_text(arena, from->name, strlen(from->name), err);
		columns[i].type_schema =
			arena_text(arena, from->type_schema, strlen(from->type_schema), err);
		columns[i].type_name = arena_text(arena, from->type_name, strlen(from->type_name), err);
		columns[i].base_type = arena_text(arena, from->base_type, strlen(from->base_type), err);
		columns[i].labels = labels;
		ok = columns[i].name != NULL && columns[i].type_schema != NULL &&
			 columns[i].type_name != NULL && columns[i].base_type != NULL && labels != NULL;
		for (size_t j = 0; ok && j < from->nlabels; j++)
		{
			labels[j] = arena_text(arena, from->labels[j], strlen(from->labels[j]), err);
			ok = labels[j] != NULL;
		}
	}
	return ok;
}

/* The copy would read a partition's rows for both tables, the stream sends them for one. */
static bool
source_catalog_overlap(const SourceConfig *config, const SourceTable *tables, size_t ntables,
					   const Relation *relations, const char *const *ancestors, Err *err)
{
	for (size_t i = 0; i < ntables; i++)
		for (size_t j = 0; ancestors[i] != NULL && j < ntables; j++)
		{
			if (relations[j].id == 0 || !source_catalog_listed(ancestors[i], relations[j].id))
				continue;
			(void) err_set(err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
						   "could not use the tables of source \"%s\": \"%.64s\".\"%.64s\" is a "
						   "partition of \"%.64s\".\"%.64s\", and both are mapped",
						   config->name, tables[i].schema, tables[i].name, tables[j].schema,
						   tables[j].name);
			return err_hint(err, "Map the partitioned table, or its partitions one by one: a row "
								 "is sent for one of them only.");
		}
	return true;
}

bool
source_catalog(const SourceConfig *config, Arena *arena, const SourceTable *tables, size_t ntables,
			   Relation *relations, bool *exists, Err *err)
{
	int64_t deadline = source_connection_deadline(config);
	const char **ancestors = arena_zero(arena, (ntables + 1) * sizeof(char *), err);
	SourceConnection connection;
	bool ok = true;

	if (ancestors == NULL || !source_connection_open(&connection, config, false, deadline, err))
		return false;
	for (size_t i = 0; ok && i < ntables; i++)
	{
		SourceShape *shape;

		memset(&relations[i], 0, sizeof(relations[i]));
		ok = source_catalog_shape(&connection, &tables[i], tables[i].ncolumns == 0, deadline,
								  &shape, err);
		exists[i] = ok && shape != NULL;
		if (exists[i])
		{
			ancestors[i] = arena_text(arena, shape->ancestors, strlen(shape->ancestors), err);
			ok = ancestors[i] != NULL && source_catalog_hand_out(shape, arena, &relations[i], err);
		}
		source_relation_discard(shape);
	}
	source_connection_close(&connection);
	return ok && source_catalog_overlap(config, tables, ntables, relations, ancestors, err);
}
