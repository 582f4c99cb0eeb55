/* SPDX-License-Identifier: PostgreSQL */
/*
 * canonical.h — what Goldpan says: canonical entities and records.
 *
 * An entity is an Avro record whose first two fields are `source` and `id` (the
 * key: one record of one system of record), whose last field is `meta`, and
 * whose fields between them are the entity's own, each nullable with default
 * null. include/goldpan/canonical/ *.avsc holds the ten that Goldpan brings.
 */
#ifndef GOLDPAN_CANONICAL_H
#define GOLDPAN_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goldpan/arena.h"
#include "goldpan/err.h"
#include "goldpan/lsn.h"

#define CANONICAL_MAX_FIELDS	 256
#define CANONICAL_DECIMAL_SCALE	 9
#define CANONICAL_DECIMAL_DIGITS 38

typedef __int128 Decimal; /* unscaled, scale 9, at most 38 digits */

/* The Avro types that an entity's own fields may have (each in a union with null). */
typedef enum FieldType
{
	FIELD_BOOLEAN,
	FIELD_INT,		 /* int: as.integer */
	FIELD_LONG,		 /* long: as.integer */
	FIELD_DOUBLE,	 /* double: as.real */
	FIELD_STRING,	 /* string: as.text */
	FIELD_DECIMAL,	 /* bytes, logicalType decimal(38,9): as.decimal */
	FIELD_DATE,		 /* int, logicalType date: as.integer, days since 1970-01-01 */
	FIELD_TIMESTAMP, /* long, logicalType timestamp-micros: as.integer, UTC */
} FieldType;

typedef struct CanonicalField
{
	const char *name;
	const char *doc;
	FieldType type;
	bool pii;			 /* property goldpan.pii is missing or not "none" */
	const char *steward; /* property goldpan.steward or NULL */
	const char
		*format; /* property goldpan.format or NULL: "email", "phone", "country", "currency" … */
	uint16_t nallowed; /* property goldpan.allowed: allowed values of a string */
	const char *const *allowed;
} CanonicalField;

typedef struct CanonicalEntity
{
	const char *name;	   /* record name in lower case: "contact" */
	const char *full_name; /* Avro full name */
	const char *doc;
	const char *schema_text; /* our own .avsc text, normalised: what is registered and written */
	uint16_t nfields;		 /* own fields: without source, id and meta */
	const CanonicalField *fields;
} CanonicalEntity;

/* Index of an own field by name, or -1. */
int canonical_field_index(const CanonicalEntity *entity, const char *name, size_t length);

typedef struct FieldSet
{
	uint64_t bits[CANONICAL_MAX_FIELDS / 64];
} FieldSet;

static inline void
field_set_add(FieldSet *set, unsigned field)
{
	set->bits[field / 64] |= UINT64_C(1) << (field % 64);
}

static inline bool
field_set_has(const FieldSet *set, unsigned field)
{
	return (set->bits[field / 64] >> (field % 64) & 1) != 0;
}

typedef struct CanonicalValue
{
	bool present; /* false: null */
	uint32_t length;
	union
	{
		bool boolean;
		int64_t integer;
		double real;
		const char *text; /* valid UTF-8, not terminated */
		Decimal decimal;
	} as;
} CanonicalValue;

/* Order is the order of the enum symbols in meta.operation. */
typedef enum Operation
{
	OPERATION_CREATE,
	OPERATION_UPDATE,
	OPERATION_DELETE,
	OPERATION_SNAPSHOT,
	OPERATION_TRUNCATE,
	OPERATION_ERASE,
} Operation;

typedef enum ConflictRule
{
	RULE_OWNER_WINS,
	RULE_SOURCE_PRECEDENCE,
	RULE_LAST_WRITE_WINS,
	RULE_MANUAL,
} ConflictRule;

/* The ownership tag of one field, the same for all records of one table. */
typedef struct FieldOwnership
{
	const char *field;
	const char *owner; /* name of the owning system, a source or outside */
	ConflictRule rule;
	bool is_owner; /* this source is that owner */
} FieldOwnership;

/* What all records of one mapped table have in common; pre-encoded once. */
typedef struct CanonicalTable
{
	const char *source;
	const char *database;
	const char *schema;
	const char *table;
	const char *region; /* or NULL */
	const char *mapping_version;
	uint16_t nownership; /* one per own field of the entity, in order */
	const FieldOwnership *ownership;
} CanonicalTable;

typedef struct CanonicalRecord
{
	const char *id; /* the record's id in its source; not terminated */
	uint32_t id_length;
	Operation operation;
	bool knows_changed;		/* false: meta.changed and meta.violations are null */
	FieldSet changed;		/* fields whose canonical value differs from the old row's */
	FieldSet violations;	/* changed ones that this source does not own */
	FieldSet unchanged;		/* fields built from a value the source did not send; value is null */
	const char *event_type; /* ce_type: "customer.contact.updated"; zero-terminated, long-lived */
	CanonicalValue *fields; /* entity->nfields */
	/* position and transaction, filled by stream/ */
	Lsn end_lsn;
	uint64_t ordinal;
	uint32_t sub; /* 0 for the first record of a change */
	uint32_t xid;
	int64_t commit_time;		  /* microseconds UTC */
	const char *origin;			  /* or NULL */
	const char *snapshot_attempt; /* or NULL */
	int32_t part;				  /* 1, 2 … of a split transaction; 0: not split */
	bool last_part;
} CanonicalRecord;

/* Event id: source, commit end LSN as 16 hex digits, ordinal of the row change in
 * its transaction (counted by the server over all rows, mapped or not), and
 * ".N" for the N-th further record of the same change (a key change is delete
 * and create; one table may feed two entities). Never the timeline. Examples:
 * "crm/00000000016B3C2A/7", "crm/00000000016B3C2A/7.1". */
#define EVENT_ID_SIZE 128

/* ---- reading .avsc ---- */

/* Names of the entities that Goldpan brings, in alphabetical order; NULL after the last. */
const char *canonical_builtin_name(size_t index);

/* The .avsc text of a built-in entity, or NULL. A deployment's directories override it. */
const char *canonical_builtin_schema(const char *name);

/* Parses one entity's schema text. Everything lives in `arena`. Errors: USAGE
 * ERR_CONFIG naming `origin` (a path), the field, what is wrong and what would be right. */
CanonicalEntity *canonical_entity_parse(Arena *arena, const char *text, size_t length,
										const char *origin, Err *err) MUST_CHECK;

#endif
