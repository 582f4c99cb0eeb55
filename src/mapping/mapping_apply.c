/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_apply.c — one change of a source row to canonical records.
 *
 * The rules, by their ids in the design:
 *  - A changed key is a delete of the old id and a create of the new (R3). An old key
 *    that comes although nothing changed (a TOASTed key, R4) is compared after filling
 *    what was not sent.
 *  - A value that the source did not send is filled from a full old row, else its field is
 *    listed in `unchanged` (R5). Where that would leave a hole no reader could fill (a
 *    create, or a field joined from sent and unsent columns), the table is a named stop
 *    and not a dead letter (R6): the next update would publish the hole as if it were whole.
 *  - `changed` needs a full old row of an update and compares canonical values, so that a
 *    change that the mapping irons out is none.
 *  - A delete carries the id alone; no value of a row that is gone, and no bad value that
 *    could keep it from being said.
 */
#include "mapping/mapping_plan_priv.h"

#include <string.h>

typedef enum ApplyResult
{
	APPLY_OK,
	APPLY_REJECT,
	APPLY_STOP,
} ApplyResult;

typedef struct ApplyRow
{
	const MappingPlan *plan;
	const Value *values;
	const Value *fill; /* where unsent values may be found, or NULL */
	bool fill_all;	   /* in every column, else in key columns only */
	bool no_holes;	   /* the record is a create: an unsent value is a hole */
	StepContext context;
	const char *stage;
	MappingReject *reject;
} ApplyRow;

static inline const Value *
apply_value(const ApplyRow *row, uint16_t column)
{
	const Value *value = &row->values[column];

	if (__builtin_expect(value->state == VALUE_UNCHANGED, 0) && row->fill != NULL &&
		(row->fill_all || row->plan->relation->columns[column].key))
		return &row->fill[column];
	return value;
}

/* ---- errors ---- */

static ApplyResult
apply_hole(const ApplyRow *row, uint16_t column)
{
	const MappingTable *table = row->plan->table;
	Err *err = row->context.err;

	(void) err_set(
		err, ERR_CLASS_STOP, ERR_TABLE_CHANGED,
		"could not map a row of table \"%s.%s\" of source \"%s\": the server did not send "
		"the unchanged large value of column \"%s\", and without it the record would "
		"have a hole",
		table->schema, table->name, table->source, row->plan->relation->columns[column].name);
	(void) err_hint(
		err,
		"Run in the source: ALTER TABLE \"%s\".\"%s\" REPLICA IDENTITY FULL; then copy the source "
		"anew, since the change that was written without the value stays so: drop its replication "
		"slot, then goldpan stream --copy-again.",
		table->schema, table->name);
	return APPLY_STOP;
}

static ApplyResult
apply_reject(const ApplyRow *row, const char *stage, const char *field, const char *column,
			 const char *reason)
{
	const MappingTable *table = row->plan->table;
	MappingReject *reject = row->reject;

	reject->stage = stage;
	reject->field = field;
	reject->column = column;
	reject->reason = reason;
	(void) err_set(
		row->context.err, ERR_CLASS_REJECT, ERR_BAD_VALUE,
		"could not map a row of table \"%s.%s\" of source \"%s\": %s%s%s%scolumn \"%s\": %s",
		table->schema, table->name, table->source, field[0] != '\0' ? "field \"" : "", field,
		field[0] != '\0' ? "\"" : "", field[0] != '\0' ? " from " : "", column, reason);
	return APPLY_REJECT;
}

/* ---- fields ---- */

/* A value that exists and was kept back must not pass for a null. */
static StepResult
apply_withheld(ApplyRow *row)
{
	row->stage = "transform";
	return step_bad(&row->context, "it was withheld: it is larger than 8 MiB");
}

/* Gathers the columns of a field. *unchanged: none of them was sent; *withheld: one was kept back. */
static ApplyResult
apply_gather(ApplyRow *row, const PlanField *field, Cell *cells, bool *unchanged, bool *withheld)
{
	uint16_t unsent = 0;
	uint16_t column = 0;
	bool coalesce = field->ncolumns > 1 && field->field->steps[0].kind == STEP_COALESCE;

	for (uint16_t i = 0; i < field->ncolumns; i++)
	{
		const Value *value = apply_value(row, field->columns[i]);

		if (value->state == VALUE_UNCHANGED)
		{
			column = field->columns[i];
			unsent++;
		}
		*withheld = *withheld || value->state == VALUE_WITHHELD;
		mapping_value_cell(value, field->single[i], &cells[i]);
		if (coalesce && unsent == 0 && !*withheld && cells[i].kind != CELL_NULL)
		{
			/* what follows does not matter */
			cells[0] = cells[i];
			return APPLY_OK;
		}
	}
	*unchanged = unsent > 0;
	if (unsent > 0 && unsent < field->ncolumns)
		return apply_hole(row, column);
	if (coalesce)
		cells[0].kind = CELL_NULL;
	return APPLY_OK;
}

static StepResult
apply_concatenate(ApplyRow *row, const PlanField *field, Cell *cells)
{
	Cell joined;
	StepResult result = STEP_OK;

	for (uint16_t i = 0; result == STEP_OK && i < field->ncolumns; i++)
		result = mapping_value_text(&cells[i], &row->context);
	if (result == STEP_OK)
		result = mapping_step_concatenate(&field->field->steps[0], cells, field->ncolumns, &joined,
										  &row->context);
	if (result == STEP_OK)
		cells[0] = joined;
	return result;
}

/* Several columns of different kinds have only their text in common. */
static bool
apply_is_mixed(const ApplyRow *row, const PlanField *field)
{
	const Column *columns = row->plan->relation->columns;

	for (uint16_t i = 1; i < field->ncolumns; i++)
		if (columns[field->columns[i]].kind != columns[field->columns[0]].kind)
			return true;
	return false;
}

static StepResult
apply_steps(ApplyRow *row, const PlanField *field, Cell *cells, CanonicalValue *out)
{
	const MappingField *mapped = field->field;
	StepResult result = STEP_OK;
	size_t first = 0;

	row->stage = "transform";
	if (field->ncolumns > 1)
	{
		if (mapped->steps[0].kind == STEP_CONCATENATE)
			result = apply_concatenate(row, field, cells);
		else if (apply_is_mixed(row, field))
			result = mapping_value_text(&cells[0], &row->context);
		first = 1;
	}
	for (size_t i = first; result == STEP_OK && i < mapped->nsteps; i++)
		result = mapping_step_run(&mapped->steps[i], &cells[0], &row->context);
	if (result == STEP_OK)
		result = mapping_value_canonical(&cells[0], field->canonical->type, out, &row->context);
	if (result != STEP_OK || !out->present || field->canonical->type != FIELD_STRING)
		return result;
	row->stage = "validate";
	return mapping_value_validate(field->canonical, field->format, out, &row->context);
}

static StepResult
apply_checked_text(ApplyRow *row, const PlanField *field, CanonicalValue *out)
{
	row->stage = "validate";
	return mapping_value_validate(field->canonical, field->format, out, &row->context);
}

static StepResult
apply_infinite(ApplyRow *row)
{
	row->stage = "transform";
	return step_bad(&row->context, "it is infinite or beyond what 64 bits of microseconds hold");
}

static StepResult
apply_numeric(ApplyRow *row, const Value *value, CanonicalValue *out)
{
	const char *reason = mapping_number_from_numeric(&value->as.numeric, &out->as.decimal);

	if (__builtin_expect(reason == NULL, 1))
		return STEP_OK;
	row->stage = "transform";
	return step_bad(&row->context, reason);
}

/* The common conversions: one column, no step, the kind that the plan saw. */
static inline StepResult
apply_direct(ApplyRow *row, const PlanField *field, const Value *value, CanonicalValue *out)
{
	out->present = true;
	switch ((PlanOp) field->op)
	{
		case PLAN_TEXT:
			out->as.text = value->as.text;
			out->length = value->length;
			return STEP_OK;
		case PLAN_CHECKED_TEXT:
			out->as.text = value->as.text;
			out->length = value->length;
			return apply_checked_text(row, field, out);
		case PLAN_INT:
			out->as.integer = value->as.integer;
			if (__builtin_expect(value->as.integer == (int32_t) value->as.integer, 1))
				return STEP_OK;
			row->stage = "transform";
			return step_bad(&row->context, "it does not fit 32 bits");
		case PLAN_LONG:
			out->as.integer = value->as.integer;
			return STEP_OK;
		case PLAN_BOOLEAN:
			out->as.boolean = value->as.boolean;
			return STEP_OK;
		case PLAN_DOUBLE:
			out->as.real = value->as.real;
			return STEP_OK;
		case PLAN_NUMERIC:
			return apply_numeric(row, value, out);
		case PLAN_DATE:
		case PLAN_INSTANT:
			out->as.integer = value->as.integer;
			if (__builtin_expect(value->as.integer != VALUE_PLUS_INFINITY &&
									 value->as.integer != VALUE_MINUS_INFINITY,
								 1))
				return STEP_OK;
			return apply_infinite(row);
		case PLAN_STEPS:
			break;
	}
	return STEP_OK;
}

static ApplyResult
apply_bad(ApplyRow *row, const PlanField *field, CanonicalValue *out)
{
	out->present = false;
	if (field->field->null_when_bad)
		return APPLY_OK;
	return apply_reject(row, row->stage, field->canonical->name,
						field->ncolumns > 0 ? field->field->from[0] : "", row->context.reason);
}

/* What follows a value that is not simply there. */
static ApplyResult
apply_verdict(ApplyRow *row, const PlanField *field, StepResult result, CanonicalValue *out,
			  bool unchanged)
{
	if (result == STEP_FAILED)
		return APPLY_STOP;
	if (result == STEP_BAD)
		return apply_bad(row, field, out);
	if (unchanged && row->no_holes)
		return apply_hole(row, field->column);
	if (!out->present && field->field->required && !unchanged)
		return apply_reject(row, "validate", field->canonical->name,
							field->ncolumns > 0 ? field->field->from[0] : "",
							"it is null, and the field is required");
	return APPLY_OK;
}

/* Kept out of line: its cells make a frame that the common conversions need not pay for. */
static __attribute__((noinline)) ApplyResult
apply_general(ApplyRow *row, const PlanField *field, CanonicalValue *out, bool *unchanged)
{
	Cell cells[MAPPING_MAX_STEPS];
	bool withheld = false;
	StepResult result;

	cells[0].kind = CELL_NULL;
	if (apply_gather(row, field, cells, unchanged, &withheld) == APPLY_STOP)
		return APPLY_STOP;
	if (withheld)
		result = apply_withheld(row);
	else
		result = *unchanged ? STEP_OK : apply_steps(row, field, cells, out);
	return apply_verdict(row, field, result, out, *unchanged);
}

/* One field's value. *unchanged: the source did not send it; the value is null. */
static inline ApplyResult
apply_field(ApplyRow *row, const PlanField *field, CanonicalValue *out, bool *unchanged)
{
	StepResult result = STEP_OK;
	const Value *value;

	*unchanged = false;
	out->present = false;
	if (field->op == PLAN_STEPS)
		return apply_general(row, field, out, unchanged);
	value = apply_value(row, field->column);
	if (__builtin_expect(value->state == VALUE_PRESENT, 1))
		result = apply_direct(row, field, value, out);
	else if (value->state == VALUE_WITHHELD)
		result = apply_withheld(row);
	else
		*unchanged = value->state == VALUE_UNCHANGED;
	if (__builtin_expect(result == STEP_OK && out->present, 1))
		return APPLY_OK;
	return apply_verdict(row, field, result, out, *unchanged);
}

static ApplyResult
apply_fields(ApplyRow *row, CanonicalRecord *record)
{
	const MappingPlan *plan = row->plan;

	for (uint16_t i = 0; i < plan->nfields; i++)
	{
		const PlanField *field = &plan->fields[i];
		bool unchanged;
		ApplyResult result = apply_field(row, field, &record->fields[field->target], &unchanged);

		if (__builtin_expect(result != APPLY_OK, 0))
			return result;
		if (__builtin_expect(unchanged, 0))
			field_set_add(&record->unchanged, field->target);
	}
	return APPLY_OK;
}

/* ---- changed ---- */

static bool
apply_same_columns(const ApplyRow *new_row, const ApplyRow *old_row, const PlanField *field)
{
	for (uint16_t i = 0; i < field->ncolumns; i++)
		if (!mapping_value_raw_equal(apply_value(new_row, field->columns[i]),
									 apply_value(old_row, field->columns[i])))
			return false;
	return true;
}

/* Compares with the canonical values of the old row; an old value that could not be mapped
 * differs from every new one. */
static ApplyResult
apply_changed(const ApplyRow *new_row, ApplyRow *old_row, CanonicalRecord *record)
{
	const MappingPlan *plan = new_row->plan;
	Err old_err;

	for (uint16_t i = 0; i < plan->nfields; i++)
	{
		const PlanField *field = &plan->fields[i];
		CanonicalValue old_value;
		ApplyResult result;
		bool unchanged;

		if (apply_same_columns(new_row, old_row, field))
			continue;
		err_clear(&old_err);
		old_row->context.err = &old_err;
		result = apply_field(old_row, field, &old_value, &unchanged);
		if (result == APPLY_STOP)
		{
			*new_row->context.err = old_err;
			return APPLY_STOP;
		}
		if (result == APPLY_OK &&
			mapping_value_equal(field->canonical->type, &old_value, &record->fields[field->target]))
			continue;
		field_set_add(&record->changed, field->target);
		if (!field->owned)
			field_set_add(&record->violations, field->target);
	}
	record->knows_changed = true;
	return APPLY_OK;
}

/* ---- ids ---- */

typedef enum ApplyId
{
	APPLY_ID_OK,
	APPLY_ID_NULL, /* a key column is null */
	APPLY_ID_HOLE, /* a key column was not sent */
	APPLY_ID_FAILED,
} ApplyId;

/* Bytes of a part in a composite id: "%" and "/" are written as %25 and %2F. */
static size_t
apply_id_part(const Cell *cell, char *out)
{
	size_t length = 0;

	for (uint32_t i = 0; i < cell->length; i++)
	{
		char c = cell->as.text[i];
		bool escape = c == '/' || c == '%';

		if (out != NULL && escape)
			memcpy(out + length, c == '/' ? "%2F" : "%25", 3);
		else if (out != NULL)
			out[length] = c;
		length += escape ? 3 : 1;
	}
	return length;
}

static ApplyId
apply_id_join(ApplyRow *row, const Cell *cells, CanonicalRecord *record)
{
	const MappingPlan *plan = row->plan;
	size_t size = plan->discriminator_length + plan->nkey;
	char *text;
	char *at;

	for (uint16_t i = 0; i < plan->nkey; i++)
		size += plan->nkey == 1 ? cells[i].length : apply_id_part(&cells[i], NULL);
	text = at = arena_alloc(row->context.arena, size + 1, row->context.err);
	if (text == NULL)
		return APPLY_ID_FAILED;
	memcpy(at, plan->table->discriminator, plan->discriminator_length);
	at += plan->discriminator_length;
	for (uint16_t i = 0; i < plan->nkey; i++)
	{
		if (i > 0)
			*at++ = '/';
		if (plan->nkey > 1)
			at += apply_id_part(&cells[i], at);
		else if (cells[i].length > 0)
		{
			memcpy(at, cells[i].as.text, cells[i].length);
			at += cells[i].length;
		}
	}
	record->id = text;
	record->id_length = (uint32_t) (at - text);
	return APPLY_ID_OK;
}

static ApplyId
apply_id(ApplyRow *row, CanonicalRecord *record, uint16_t *column)
{
	const MappingPlan *plan = row->plan;
	Cell cells[MAPPING_MAX_STEPS];

	for (uint16_t i = 0; i < plan->nkey; i++)
	{
		const Value *value = apply_value(row, plan->key[i]);

		*column = plan->key[i];
		if (value->state == VALUE_UNCHANGED)
			return APPLY_ID_HOLE;
		mapping_value_cell(value, false, &cells[i]);
		if (cells[i].kind == CELL_NULL)
			return APPLY_ID_NULL;
		switch (mapping_value_text(&cells[i], &row->context))
		{
			case STEP_OK:
				break;
			case STEP_BAD:
				(void) err_set(row->context.err, ERR_CLASS_STOP, ERR_DATA,
							   "could not read key column \"%s\" of table \"%s.%s\": %s",
							   plan->relation->columns[plan->key[i]].name, plan->table->schema,
							   plan->table->name, row->context.reason);
				return APPLY_ID_FAILED;
			case STEP_FAILED:
				return APPLY_ID_FAILED;
		}
	}
	if (plan->nkey == 1 && plan->discriminator_length == 0)
	{
		record->id = cells[0].as.text;
		record->id_length = cells[0].length;
		return APPLY_ID_OK;
	}
	return apply_id_join(row, cells, record);
}

/* The id of a row that must have one. */
static ApplyResult
apply_id_required(ApplyRow *row, CanonicalRecord *record)
{
	uint16_t column = 0;
	ApplyId result = apply_id(row, record, &column);

	switch (result)
	{
		case APPLY_ID_OK:
			return APPLY_OK;
		case APPLY_ID_NULL:
			return apply_reject(row, "key", "", row->plan->relation->columns[column].name,
								"it is part of the key and null");
		case APPLY_ID_HOLE:
			return apply_hole(row, column);
		default:
			return APPLY_STOP;
	}
}

/* ---- records ---- */

static void
apply_start(const MappingPlan *plan, CanonicalRecord *record)
{
	record->knows_changed = false;
	memset(&record->changed, 0, sizeof(record->changed));
	memset(&record->violations, 0, sizeof(record->violations));
	memset(&record->unchanged, 0, sizeof(record->unchanged));
	memset(record->fields, 0, sizeof(CanonicalValue) * plan->entity->nfields);
}

static void
apply_operation(const MappingPlan *plan, CanonicalRecord *record, Operation operation)
{
	static const uint8_t events[] = {[OPERATION_CREATE] = 0,
									 [OPERATION_UPDATE] = 1,
									 [OPERATION_DELETE] = 2,
									 [OPERATION_SNAPSHOT] = 3};

	record->operation = operation;
	record->event_type = plan->events[events[operation]];
}

/* Whether the row's soft-delete column says that it is deleted. */
static ApplyResult
apply_soft_deleted(ApplyRow *row, bool *deleted)
{
	const MappingPlan *plan = row->plan;
	const Value *value;
	Cell cell;

	*deleted = false;
	if (plan->soft < 0)
		return APPLY_OK;
	value = apply_value(row, (uint16_t) plan->soft);
	if (value->state == VALUE_UNCHANGED)
		return apply_hole(row, (uint16_t) plan->soft);
	mapping_value_cell(value, false, &cell);
	if (cell.kind == CELL_NULL)
		return APPLY_OK;
	if (mapping_value_text(&cell, &row->context) == STEP_FAILED)
		return APPLY_STOP;
	if (cell.kind != CELL_TEXT)
		return APPLY_OK;
	for (size_t i = 0; i < plan->table->nsoft_values; i++)
		if (strlen(plan->table->soft_values[i]) == cell.length &&
			memcmp(plan->table->soft_values[i], cell.as.text, cell.length) == 0)
			*deleted = true;
	return APPLY_OK;
}

/* A new row without an old one: insert or snapshot. A row that comes deleted is a delete:
 * whatever was published for its id before is gone. */
static ApplyResult
apply_new(ApplyRow *row, Operation operation, CanonicalRecord *record)
{
	ApplyResult result = apply_id_required(row, record);
	bool deleted = false;

	if (result == APPLY_OK)
		result = apply_soft_deleted(row, &deleted);
	if (result != APPLY_OK)
		return result;
	apply_operation(row->plan, record, deleted ? OPERATION_DELETE : operation);
	return deleted ? APPLY_OK : apply_fields(row, record);
}

/* Compares the old row's id with the new one in records[0]. *moved: the key changed, records[0]
 * is the old id's delete and records[1] has the new id. *unborn: the old row was never published. */
static ApplyResult
apply_old_id(ApplyRow *old_row, CanonicalRecord records[2], bool *moved, bool *unborn)
{
	CanonicalRecord *record = &records[0];
	CanonicalRecord old = {.id = NULL};
	uint16_t column = 0;

	switch (apply_id(old_row, &old, &column))
	{
		case APPLY_ID_FAILED:
			return APPLY_STOP;
		case APPLY_ID_HOLE:
			return apply_hole(old_row, column);
		case APPLY_ID_NULL:
			*unborn = true; /* an old row without an id */
			return APPLY_OK;
		case APPLY_ID_OK:
			break;
	}
	if (old.id_length == record->id_length && memcmp(old.id, record->id, old.id_length) == 0)
		return APPLY_OK;
	*moved = true;
	apply_start(old_row->plan, &records[1]);
	records[1].id = record->id;
	records[1].id_length = record->id_length;
	record->id = old.id;
	record->id_length = old.id_length;
	apply_operation(old_row->plan, record, OPERATION_DELETE);
	return APPLY_OK;
}

static ApplyResult
apply_update(ApplyRow *row, ApplyRow *old_row, OldRow old_kind, CanonicalRecord records[2],
			 MappingOutcome *outcome)
{
	bool was_deleted = false;
	bool moved = false;
	bool deleted;
	CanonicalRecord *record = &records[0];
	ApplyResult result = apply_id_required(row, &records[0]);

	if (result == APPLY_OK)
		result = apply_soft_deleted(row, &deleted);
	if (result == APPLY_OK && old_kind == OLD_FULL)
		result = apply_soft_deleted(old_row, &was_deleted);
	if (result != APPLY_OK)
		return result;
	if (old_kind != OLD_NONE)
		result = apply_old_id(old_row, records, &moved, &was_deleted);
	if (result != APPLY_OK)
		return result;
	if (moved)
		record = &records[1];
	if (deleted)
	{
		/* after a key change the new id was never published: the old one's delete says it all */
		apply_operation(row->plan, &records[0], OPERATION_DELETE);
		return APPLY_OK;
	}
	*outcome = moved ? MAPPING_TWO : MAPPING_ONE;
	row->no_holes = moved || was_deleted;
	apply_operation(row->plan, record, moved || was_deleted ? OPERATION_CREATE : OPERATION_UPDATE);
	result = apply_fields(row, record);
	row->reject->deletes_old = result == APPLY_REJECT && moved;
	if (result != APPLY_OK || old_kind != OLD_FULL || record->operation != OPERATION_UPDATE)
		return result;
	return apply_changed(row, old_row, record);
}

static ApplyResult
apply_no_identity(const MappingPlan *plan, const char *verb, Err *err)
{
	const MappingTable *table = plan->table;

	(void) err_set(
		err, ERR_CLASS_STOP, ERR_NO_IDENTITY,
		"could not map %s of table \"%s.%s\" of source \"%s\": it has no replica identity, so "
		"the server does not say which row was meant",
		verb, table->schema, table->name, table->source);
	(void) err_hint(err,
					"Run in the source: ALTER TABLE \"%s\".\"%s\" REPLICA IDENTITY FULL; (or add a "
					"primary key), then copy the source anew, since the change that was written "
					"without it stays so: drop its replication slot, then goldpan stream "
					"--copy-again.",
					table->schema, table->name);
	return APPLY_STOP;
}

static ApplyResult
apply_truncate(const MappingPlan *plan, Err *err)
{
	const MappingTable *table = plan->table;

	(void) err_set(err, ERR_CLASS_STOP, ERR_TRUNCATED,
				   "could not map the truncation of table \"%s.%s\" of source \"%s\": its rows are "
				   "gone without a delete for each",
				   table->schema, table->name, table->source);
	(void) err_hint(err,
					"Copy the source anew: drop its replication slot, then goldpan stream "
					"--copy-again. To keep it from happening again, run in the source: "
					"REVOKE TRUNCATE ON \"%s\".\"%s\" FROM PUBLIC; (and from the roles that hold "
					"it) and use DELETE.",
					table->schema, table->name);
	return APPLY_STOP;
}

static ApplyResult
apply_change(const MappingPlan *plan, const Change *change, ApplyRow *row, ApplyRow *old_row,
			 CanonicalRecord records[2], MappingOutcome *outcome)
{
	switch (change->kind)
	{
		case CHANGE_INSERT:
			return apply_new(row, OPERATION_CREATE, &records[0]);
		case CHANGE_SNAPSHOT:
			return apply_new(row, OPERATION_SNAPSHOT, &records[0]);
		case CHANGE_UPDATE:
			if (change->old_row == OLD_NONE && !plan->has_identity)
				return apply_no_identity(plan, "an update", row->context.err);
			return apply_update(row, old_row, change->old_row, records, outcome);
		case CHANGE_DELETE:
			if (plan->table->deletes == DELETE_IGNORE)
			{
				*outcome = MAPPING_NOTHING;
				return APPLY_OK;
			}
			if (change->old_row == OLD_NONE)
				return apply_no_identity(plan, "a delete", row->context.err);
			apply_operation(plan, &records[0], OPERATION_DELETE);
			return apply_id_required(old_row, &records[0]);
		case CHANGE_TRUNCATE:
			return apply_truncate(plan, row->context.err);
	}
	return APPLY_OK;
}

bool
mapping_apply(const MappingPlan *plan, const Change *change, Arena *event,
			  CanonicalRecord records[2], MappingOutcome *outcome, MappingReject *reject, Err *err)
{
	ApplyRow row = {.plan = plan,
					.values = change->new_values,
					.fill = change->old_row != OLD_NONE ? change->old_values : NULL,
					.fill_all = change->old_row == OLD_FULL,
					.context = {.arena = event, .err = err},
					.reject = reject};
	ApplyRow old_row = {.plan = plan,
						.values = change->old_values,
						.context = {.arena = event, .err = err},
						.reject = reject};
	ApplyResult result;

	*outcome = MAPPING_ONE;
	reject->deletes_old = false;
	apply_start(plan, &records[0]);
	result = apply_change(plan, change, &row, &old_row, records, outcome);
	if (result == APPLY_REJECT)
		*outcome = MAPPING_REJECT;
	return result != APPLY_STOP;
}
