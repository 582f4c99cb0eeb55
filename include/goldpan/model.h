/* SPDX-License-Identifier: PostgreSQL */
/*
 * model.h — what a source says: values, relations, changes, transactions.
 *
 * Plain structs, no I/O. Whoever fills one owns what it points to; the
 * lifetimes are stated where the structs are handed out (goldpan/source.h).
 * The canonical side of the language is in goldpan/canonical.h.
 */
#ifndef GOLDPAN_MODEL_H
#define GOLDPAN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "goldpan/lsn.h"

/* Whether a value is there. Never conflate the last two with null
 * (correctness.md R5). */
typedef enum ValueState
{
	VALUE_NULL = 0,
	VALUE_PRESENT,
	VALUE_UNCHANGED, /* an unchanged TOASTed value the source did not send */
	VALUE_WITHHELD,	 /* it is there, but was kept back: by policy, or for its size */
} ValueState;

/* In which form a present value comes. Chosen by the column's base type. */
typedef enum ValueKind
{
	VALUE_BOOLEAN,	   /* as.boolean */
	VALUE_INTEGER,	   /* int2, int4, int8, oid: as.integer */
	VALUE_FLOAT,	   /* float4, float8: as.real (NaN and infinities are legal) */
	VALUE_NUMERIC,	   /* as.numeric */
	VALUE_TEXT,		   /* text-like and everything else by its output function: as.text, UTF-8 */
	VALUE_BYTES,	   /* bytea: as.bytes */
	VALUE_DATE,		   /* as.integer: days since 1970-01-01 */
	VALUE_TIME,		   /* as.integer: microseconds since midnight, 0..86400000000 */
	VALUE_TIMESTAMP,   /* as.integer: microseconds since 1970-01-01 of a wall clock without zone */
	VALUE_TIMESTAMPTZ, /* as.integer: microseconds since 1970-01-01 UTC */
	VALUE_UUID,		   /* as.bytes, 16 of them */
} ValueKind;

/* Dates and timestamps: infinity, and whatever does not fit 64 bits of Unix
 * microseconds (correctness.md Z3). */
#define VALUE_PLUS_INFINITY	 INT64_MAX
#define VALUE_MINUS_INFINITY INT64_MIN

typedef enum NumericSign
{
	NUMERIC_POSITIVE = 0,
	NUMERIC_NEGATIVE,
	NUMERIC_NAN,
	NUMERIC_PLUS_INFINITY,
	NUMERIC_MINUS_INFINITY,
} NumericSign;

/* A numeric as PostgreSQL stores it: value = sum digits[i] * 10000^(weight-i). */
typedef struct NumericValue
{
	uint8_t sign; /* NumericSign */
	uint8_t reserved;
	uint16_t ndigits;	   /* base-10000 digits; 0 means zero */
	int16_t weight;		   /* of the first digit */
	uint16_t dscale;	   /* decimal digits after the point that are shown */
	const uint8_t *digits; /* 2 * ndigits bytes, each digit big-endian 0..9999 */
} NumericValue;

typedef struct Value
{
	uint8_t state;	 /* ValueState */
	uint8_t kind;	 /* ValueKind, meaningful when VALUE_PRESENT */
	uint32_t length; /* bytes of as.text or as.bytes */
	union
	{
		bool boolean;
		int64_t integer;
		double real;
		const char *text; /* not zero-terminated; valid UTF-8, checked by the decoder */
		const uint8_t *bytes;
		NumericValue numeric;
	} as;
} Value;

typedef struct Column
{
	const char *name;
	const char *type_schema;
	const char *type_name; /* as declared: a domain's own name */
	const char *base_type; /* pg_type.typname under all domains, e.g. "int4", "numeric" */
	int32_t typmod;		   /* -1 when none */
	uint8_t kind;		   /* ValueKind its present values have */
	bool key;			   /* belongs to the replica identity */
	bool primary_key;
	bool not_null;
	uint16_t nlabels; /* of an enum */
	const char *const *labels;
} Column;

/* One shape of a table at one moment of its history. Only mapped columns and
 * key columns are listed. */
typedef struct Relation
{
	uint32_t id; /* the table's oid */
	const char *schema;
	const char *name;
	char replica_identity; /* as pg_class.relreplident: d, n, f, i */
	uint16_t ncolumns;
	const Column *columns;
	uint64_t hash;	/* of everything above: equal shapes have equal hashes */
	void *attached; /* for the consumer: its compiled plan; NULL at first */
} Relation;

typedef struct Transaction
{
	uint32_t xid;
	Lsn commit_lsn;		 /* start of the commit record */
	Lsn end_lsn;		 /* end of the commit record: the position to acknowledge */
	int64_t commit_time; /* microseconds since 1970-01-01 UTC */
	const char *origin;	 /* replication origin's name, or NULL */
} Transaction;

typedef enum ChangeKind
{
	CHANGE_INSERT,
	CHANGE_UPDATE,
	CHANGE_DELETE,
	CHANGE_TRUNCATE, /* relation only; one Change per truncated table */
	CHANGE_SNAPSHOT, /* a row read by a snapshot: new_values only */
} ChangeKind;

typedef enum OldRow
{
	OLD_NONE, /* no old values: key unchanged, or no identity at all */
	OLD_KEY,  /* only columns with .key are meaningful, others are not data (R3) */
	OLD_FULL, /* replica identity FULL */
} OldRow;

typedef struct Change
{
	ChangeKind kind;
	OldRow old_row;
	const Relation *relation;
	const Transaction *transaction;
	uint64_t ordinal;		 /* 0, 1, 2 … within the transaction, in stream order */
	const Value *new_values; /* relation->ncolumns, or NULL */
	const Value *old_values; /* relation->ncolumns, or NULL when OLD_NONE */
} Change;

#endif
