/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_plan_priv.h — a compiled plan, shared by its compiler and its user.
 */
#ifndef GOLDPAN_MAPPING_PLAN_PRIV_H
#define GOLDPAN_MAPPING_PLAN_PRIV_H

#include "mapping/mapping_priv.h"

/* How a field gets its value; all but PLAN_STEPS have one column and no step. */
typedef enum PlanOp
{
	PLAN_STEPS, /* the general way */
	PLAN_TEXT,
	PLAN_CHECKED_TEXT, /* with allowed values or a format */
	PLAN_LONG,
	PLAN_INT,
	PLAN_BOOLEAN,
	PLAN_DOUBLE,
	PLAN_NUMERIC,
	PLAN_DATE,
	PLAN_INSTANT,
} PlanOp;

typedef struct PlanField
{
	uint8_t op; /* PlanOp */
	bool owned; /* by this source */
	uint16_t target;
	uint16_t ncolumns;
	uint16_t column; /* the first one */
	const uint16_t *columns;
	const bool *single; /* per column: a float4 */
	const MappingField *field;
	const CanonicalField *canonical;
	const CodeFormat *format; /* what a text must be checked against, or NULL */
} PlanField;

struct MappingPlan
{
	const MappingTable *table;
	const Relation *relation;
	const CanonicalEntity *entity;
	bool has_identity; /* an update shows its old key */
	uint16_t nkey;
	const uint16_t *key;
	int soft; /* column, or -1 */
	uint16_t nfields;
	const PlanField *fields;
	size_t discriminator_length;
	const char *events[4]; /* created, updated, deleted, snapshot */
};

#endif
