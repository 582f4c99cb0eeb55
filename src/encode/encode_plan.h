/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_plan.h — a compiled entity and a compiled table, as encode_plan.c
 * makes them and encode_record.c uses them.
 */
#ifndef GOLDPAN_ENCODE_PLAN_H
#define GOLDPAN_ENCODE_PLAN_H

#include "encode/encode_priv.h"

/* Most bytes of one own field without a string's text: branch, length or value. */
#define ENCODE_FIELD_BOUND 18
/* Most bytes of meta's variable parts, texts and field names apart: eight longs, branches
 * and three array heads. */
#define ENCODE_META_BOUND 200

typedef struct EncodeStretch
{
	const uint8_t *bytes;
	size_t length;
} EncodeStretch;

struct EncodePlan
{
	const CanonicalEntity *entity;
	uint16_t nfields;
	uint16_t nstrings;
	uint8_t *types;		  /* FieldType */
	uint16_t *strings;	  /* indexes of the string fields */
	EncodeStretch *names; /* each field's name as an Avro string */
	size_t names_bound;	  /* bytes of all names */
};

struct EncodeTable
{
	const EncodePlan *plan;
	const char *source;
	EncodeStretch head;		 /* the field source */
	EncodeStretch place;	 /* database … mapping_version */
	EncodeStretch ownership; /* the array */
	size_t bound;			 /* most bytes of a record without its texts and name lists */
};

#endif
