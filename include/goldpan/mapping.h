/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping.h — the mapping file: read, checked, printed, compiled, applied.
 *
 * Reading and checking collect every mistake in one pass. Compiling a table
 * against the relation that the stream announces gives a plan that maps a row with
 * no look-up by name. All strings handed out live as long as the Mapping.
 */
#ifndef GOLDPAN_MAPPING_H
#define GOLDPAN_MAPPING_H

#include "goldpan/buffer.h"
#include "goldpan/canonical.h"
#include "goldpan/model.h"

typedef struct Mapping Mapping;

/* ---- problems: what `goldpan mapping check` prints ---- */

typedef struct MappingProblem
{
	const char *file;
	int line;		  /* 0: of the whole file */
	const char *what; /* what is wrong, naming source, table, field */
	const char *cure; /* what would be right; may be "" */
	bool warning;	  /* does not forbid starting */
} MappingProblem;

typedef struct MappingProblems
{
	Arena *arena;
	size_t count;
	size_t capacity;
	MappingProblem *list;
} MappingProblems;

/* Reads a mapping file; its entities are the built-in ones and those of `schema_dirs` (NULL, or
 * NULL terminated; later ones override). The caller gives problems->arena; the problems are
 * sorted by line. False when it does not parse: *mapping is NULL. False also when it does but
 * holds mistakes: *mapping is set (and to be freed), err counts them, problems lists them with
 * the warnings. True with warnings only. Errors: USAGE ERR_CONFIG, ERR_IO. */
bool mapping_load(const char *path, const char *const *schema_dirs, Mapping **mapping,
				  MappingProblems *problems, Err *err) MUST_CHECK;
/* The same from memory; `path` is only named in messages. */
bool mapping_parse(const char *text, size_t length, const char *path,
				   const char *const *schema_dirs, Mapping **mapping, MappingProblems *problems,
				   Err *err) MUST_CHECK;
void mapping_free(Mapping *mapping);

/* First part of the event types, the configuration's topic_prefix; "customer" unless set. Call
 * it before plans are compiled. */
bool mapping_set_prefix(Mapping *mapping, const char *prefix, Err *err) MUST_CHECK;

/* What a source's catalog says of one table, for checks that need it. */
typedef struct MappingCatalogTable
{
	const char *schema;
	const char *name;
	char replica_identity;
	bool exists;
	const Relation *relation; /* all columns of the table */
} MappingCatalogTable;

/* Checks a source's mapped tables against its catalog: columns that lack, types
 * that cannot become the target's, replica identity. Adds to `problems`. */
bool mapping_check_catalog(const Mapping *mapping, const char *source,
						   const MappingCatalogTable *tables, size_t ntables,
						   MappingProblems *problems, Err *err) MUST_CHECK;

/* Hash of the mapping's meaning (not of its comments or blanks), 16 hex digits:
 * meta.mapping_version unless the file names a version. */
const char *mapping_version(const Mapping *mapping);

/* ---- what others need to know of it ---- */

typedef struct MappingTable MappingTable; /* one source table → one entity */

size_t mapping_nsources(const Mapping *mapping);
const char *mapping_source_name(const Mapping *mapping, size_t index);
size_t mapping_ntables(const Mapping *mapping, const char *source);
const MappingTable *mapping_table(const Mapping *mapping, const char *source, size_t index);
const char *mapping_table_schema(const MappingTable *table);
const char *mapping_table_name(const MappingTable *table);
const CanonicalEntity *mapping_table_entity(const MappingTable *table);
/* Source columns that the table's fields, key, discriminator and delete rule use; *count of
 * them. A column that nobody named is never asked of the server. */
const char *const *mapping_table_columns(const MappingTable *table, size_t *count);
bool mapping_column_sensitive(const MappingTable *table, const char *column);

typedef enum ShowFormat
{
	SHOW_MARKDOWN,
	SHOW_CSV
} ShowFormat;

/* Appends the eight columns that a steward reviews: source system, source field, target
 * system, target field, transformation, required, conflict rule, direction. */
bool mapping_show(const Mapping *mapping, ShowFormat format, Buffer *out, Err *err) MUST_CHECK;

/* ---- plan and apply ---- */

typedef struct MappingPlan MappingPlan; /* a MappingTable bound to one Relation shape */

/* Binds by column name. Lives in `arena`. Errors: STOP ERR_TABLE_CHANGED naming table, column
 * and cure when the shape no longer fits. */
MappingPlan *mapping_plan_compile(Arena *arena, const MappingTable *table, const Relation *relation,
								  Err *err) MUST_CHECK;

/* One ownership tag per own field of the entity, in order. */
const FieldOwnership *mapping_plan_ownership(const MappingPlan *plan, uint16_t *count);

typedef enum MappingOutcome
{
	MAPPING_ONE, /* records[0] is to be published */
	MAPPING_TWO, /* a key change: records[0] deletes the old key, records[1] creates the new (R3) */
	MAPPING_NOTHING, /* the mapping says to ignore this change (deletes = ignore) */
	MAPPING_REJECT,	 /* this change is a dead letter; err says why (class REJECT) */
} MappingOutcome;

typedef struct MappingReject
{
	const char *field;	/* canonical field or "" */
	const char *column; /* source column or "" */
	const char *stage;	/* "key", "transform", "validate" */
	const char *reason; /* no personal value in it; lives in the event arena */
	bool deletes_old;	/* a key change whose new row is bad: records[0], the delete of the old key,
						 * is to be published besides the dead letter */
} MappingReject;

/* Maps one change. Fills id, operation, knows_changed, changed, violations, unchanged,
 * event_type and fields[] of the records; position fields are the caller's. records[] have
 * fields[] of entity->nfields each, allocated by the caller; text in them points into the
 * change's values, the plan or `event` (reset by the caller after encoding).
 * False only for STOP: a truncate (ERR_TRUNCATED), an update or delete without
 * identity (ERR_NO_IDENTITY), each with the SQL that cures it in the hint. */
bool mapping_apply(const MappingPlan *plan, const Change *change, Arena *event,
				   CanonicalRecord records[2], MappingOutcome *outcome, MappingReject *reject,
				   Err *err) MUST_CHECK;

#endif
