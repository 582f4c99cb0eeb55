/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_plan.c — one change into the records and dead letters of a batch.
 *
 * A relation is bound to its mapping once and carries the plan with it, so a row costs no
 * look-up. A table may feed several entities: its plans form a list, and the records of one
 * change are numbered through it (sub), always in the same order (I10).
 */
#include "stream/stream_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/alloc.h"

#define STREAM_SHAPES_CEILING ((size_t) 32 << 20)
#define STREAM_EVENT_CEILING  ((size_t) 64 << 20)

static bool stream_plan_bind(StreamPlans *plans, const Relation *relation, StreamPlan **first,
							 Err *err);
static bool stream_plan_publish(StreamPlans *plans, const StreamPlan *plan, CanonicalRecord *record,
								const StreamPlace *place, uint32_t sub, const Change *change,
								StreamBatch *batch, Err *err);
static bool stream_plan_reject(StreamPlans *plans, const StreamPlan *plan, const Change *change,
							   const StreamPlace *place, uint32_t sub, const MappingReject *reject,
							   StreamBatch *batch, Err *err);

bool
stream_plans_init(StreamPlans *plans, Err *err)
{
	size_t most = 1;
	const char *source = plans->worker->source.name;
	size_t uri_size;

	arena_init(&plans->shapes, STREAM_SHAPES_CEILING);
	arena_init(&plans->event, STREAM_EVENT_CEILING);
	plans->nplans = 0;
	for (size_t i = 0; i < mapping_ntables(plans->mapping, source); i++)
	{
		size_t count = mapping_table_entity(mapping_table(plans->mapping, source, i))->nfields;

		most = count > most ? count : most;
	}
	uri_size = strlen(source) + sizeof("/goldpan/");
	plans->empty = arena_zero(&plans->shapes, sizeof(StreamPlan) + uri_size, err);
	for (int i = 0; i < 2; i++)
	{
		memset(&plans->records[i], 0, sizeof(plans->records[i]));
		plans->records[i].fields = arena_zero(&plans->shapes, most * sizeof(CanonicalValue), err);
	}
	if (plans->empty == NULL || plans->records[0].fields == NULL ||
		plans->records[1].fields == NULL)
	{
		stream_plans_release(plans);
		return false;
	}
	plans->empty->topic = UINT16_MAX;
	(void) snprintf(plans->empty->uri, uri_size, "/goldpan/%s", source);
	return true;
}

void
stream_plans_release(StreamPlans *plans)
{
	arena_release(&plans->shapes);
	arena_release(&plans->event);
}

const StreamPlan *
stream_plan_of(const LogRecord *record)
{
	return (const StreamPlan *) (const void *) (record->table - offsetof(StreamPlan, uri));
}

bool
stream_plans_apply(StreamPlans *plans, const Change *change, const StreamPlace *place,
				   StreamBatch *batch, Err *err)
{
	/* The relation is the source's, its `attached` is ours: the one field to write. */
	Relation *relation = (Relation *) (uintptr_t) change->relation;
	StreamPlan *plan = relation->attached;
	uint32_t sub = 0;

	if (plan == NULL)
	{
		if (!stream_plan_bind(plans, relation, &plan, err))
			return false;
		relation->attached = plan;
	}
	if (plan == plans->empty)
		return true;
	for (; plan != NULL; plan = plan->next)
	{
		MappingOutcome outcome = MAPPING_NOTHING;
		MappingReject reject = {.deletes_old = false};

		arena_reset(&plans->event);
		if (!mapping_apply(plan->plan, change, &plans->event, plans->records, &outcome, &reject,
						   err))
			return false;
		if (outcome == MAPPING_REJECT && reject.deletes_old &&
			!stream_plan_publish(plans, plan, &plans->records[0], place, sub++, change, batch, err))
			return false;
		if (outcome == MAPPING_REJECT &&
			!stream_plan_reject(plans, plan, change, place, sub++, &reject, batch, err))
			return false;
		if (outcome != MAPPING_ONE && outcome != MAPPING_TWO)
			continue;
		if (!stream_plan_publish(plans, plan, &plans->records[0], place, sub++, change, batch, err))
			return false;
		if (outcome == MAPPING_TWO &&
			!stream_plan_publish(plans, plan, &plans->records[1], place, sub++, change, batch, err))
			return false;
	}
	return true;
}

/* ---- binding ---- */

static StreamPlan *
stream_plan_new(StreamPlans *plans, const MappingTable *table, const Relation *relation, Err *err)
{
	const SourceConfig *source = &plans->worker->source;
	Arena *arena = &plans->shapes;
	size_t size = sizeof(StreamPlan) + strlen(source->name) + strlen(relation->schema) +
				  strlen(relation->name) + sizeof("/goldpan//.");
	StreamPlan *plan = arena_zero(arena, size, err);
	CanonicalTable *canonical = arena_zero(arena, sizeof(CanonicalTable), err);
	EncodePlan *encode;

	if (plan == NULL || canonical == NULL)
		return NULL;
	(void) snprintf(plan->uri, size - sizeof(StreamPlan), "/goldpan/%s/%s.%s", source->name,
					relation->schema, relation->name);
	plan->table = table;
	plan->entity = mapping_table_entity(table);
	plan->relation_id = relation->id;
	plan->relation_hash = relation->hash;
	plan->topic = stream_topic_index(plans->topics, plans->ntopics, plan->entity->name);
	plan->plan = mapping_plan_compile(arena, table, relation, err);
	if (plan->plan == NULL)
		return NULL;
	*canonical = (CanonicalTable){.source = source->name,
								  .database = plans->database,
								  .schema = relation->schema,
								  .table = relation->name,
								  .region = source->region,
								  .mapping_version = mapping_version(plans->mapping)};
	canonical->ownership = mapping_plan_ownership(plan->plan, &canonical->nownership);
	plan->canonical = canonical;
	encode = encode_plan_compile(arena, plan->entity, err);
	if (encode == NULL)
		return NULL;
	plan->encode = encode_table_compile(arena, encode, canonical, err);
	return plan->encode == NULL ? NULL : plan;
}

/* The table's name may have passed to another since the copy, and since the start. */
static bool
stream_plan_same_table(const StreamPlans *plans, const Relation *relation, Err *err)
{
	for (size_t i = 0; i < plans->ntables; i++)
		if (strcmp(plans->sources[i].schema, relation->schema) == 0 &&
			strcmp(plans->sources[i].name, relation->name) == 0 &&
			plans->table_ids[i] != relation->id)
			return stream_table_replaced(plans->tables[i], plans->worker->source.name,
										 plans->worker->source.slot, err);
	return true;
}

static bool
stream_plan_bind(StreamPlans *plans, const Relation *relation, StreamPlan **first, Err *err)
{
	const char *source = plans->worker->source.name;
	StreamPlan **tail = first;

	*first = NULL;
	if (!stream_plan_same_table(plans, relation, err))
		return false;
	for (size_t i = 0; i < mapping_ntables(plans->mapping, source); i++)
	{
		const MappingTable *table = mapping_table(plans->mapping, source, i);

		if (strcmp(mapping_table_schema(table), relation->schema) != 0 ||
			strcmp(mapping_table_name(table), relation->name) != 0)
			continue;
		*tail = stream_plan_new(plans, table, relation, err);
		if (*tail == NULL)
		{
			/* Shapes pile up until the next connection; then it begins with an empty arena. */
			if (err->code == ERR_NOMEM && plans->nplans > 0)
				err->class = ERR_CLASS_RETRY;
			return err_context(err, "table \"%s.%s\"", relation->schema, relation->name);
		}
		tail = &(*tail)->next;
		plans->nplans++;
	}
	if (*first == NULL)
		*first = plans->empty;
	return true;
}

/* ---- records ---- */

/* Appends event id and id after the value; the record's lengths are filled with it. */
static bool
stream_plan_finish(LogRecord *record, LogBatch *log, const char *event_id, size_t event_id_length,
				   const char *id, size_t id_length, Err *err)
{
	record->event_id_length = (uint32_t) event_id_length;
	record->id_length = (uint32_t) id_length;
	return buffer_append(&log->bytes, event_id, event_id_length, err) &&
		   buffer_append(&log->bytes, id, id_length, err);
}

static void
stream_plan_undo(LogBatch *log)
{
	log->count--;
	log->bytes.length = log->records[log->count].bytes;
}

static size_t
stream_plan_size(const CanonicalRecord *record, const CanonicalEntity *entity)
{
	size_t size = record->id_length;

	for (uint16_t i = 0; i < entity->nfields; i++)
		if (record->fields[i].present && entity->fields[i].type == FIELD_STRING)
			size += record->fields[i].length;
	return size;
}

/* A record above the log's limit never reaches it (D9). */
static bool
stream_plan_too_large(StreamPlans *plans, const StreamPlan *plan, const CanonicalRecord *record,
					  const Change *change, const StreamPlace *place, uint32_t sub, size_t size,
					  StreamBatch *batch, Err *err)
{
	LogBatch *log = &batch->log;
	LogRecord *entry = log_batch_add(log, err);
	char event_id[EVENT_ID_SIZE];
	char reason[160];
	DeadLetter letter = {.event_id = event_id,
						 .source = plans->worker->source.name,
						 .database = plans->database,
						 .schema = change->relation->schema,
						 .table = change->relation->name,
						 .operation = record->operation,
						 .end_lsn = place->end_lsn,
						 .ordinal = place->ordinal,
						 .xid = place->xid,
						 .commit_time = place->commit_time,
						 .key = record->id,
						 .key_length = record->id_length,
						 .stage = "publish",
						 .reason = reason,
						 .code = ERR_RECORD_TOO_LARGE,
						 .mapping_version = mapping_version(plans->mapping),
						 .config_hash = plans->config_hash,
						 .relation_id = plan->relation_id,
						 .relation_hash = plan->relation_hash,
						 .mapping = plan->table};

	if (entry == NULL)
		return false;
	entry->time = place->commit_time;
	(void) snprintf(reason, sizeof(reason),
					"the record has %zu bytes, more than the log's limit of %zu", size,
					plans->max_record);
	letter.event_id_length =
		encode_event_id(letter.source, place->end_lsn, place->ordinal, sub, event_id);
	batch->dead_letters++;
	return stream_plan_dead_letter(&letter,
								   stream_topic_index(plans->topics, plans->ntopics, "dead_letter"),
								   plan->uri, entry, log, err);
}

static bool
stream_plan_publish(StreamPlans *plans, const StreamPlan *plan, CanonicalRecord *record,
					const StreamPlace *place, uint32_t sub, const Change *change,
					StreamBatch *batch, Err *err)
{
	LogBatch *log = &batch->log;
	const char *source = plans->worker->source.name;
	size_t size;
	char event_id[EVENT_ID_SIZE];
	size_t event_id_length;
	LogRecord *entry;
	size_t at;

	record->end_lsn = place->end_lsn;
	record->ordinal = place->ordinal;
	record->sub = sub;
	record->xid = place->xid;
	record->commit_time = place->commit_time;
	record->origin = place->origin;
	record->snapshot_attempt = place->snapshot_attempt;
	record->part = place->part;
	record->last_part = false;
	entry = log_batch_add(log, err);
	if (entry == NULL || !encode_key(source, record->id, record->id_length, &log->bytes, err))
		return false;
	at = log->bytes.length;
	entry->key_length = (uint32_t) (at - entry->bytes);
	if (encode_record(plan->encode, record, &log->bytes, err))
		size = log->bytes.length - at;
	else
	{
		/* Every record that the log takes fits below the batch's ceiling. */
		size = stream_plan_size(record, plan->entity);
		if (err->code != ERR_NOMEM || size <= plans->max_record)
			return false;
	}
	if (size > plans->max_record)
	{
		stream_plan_undo(log);
		return stream_plan_too_large(plans, plan, record, change, place, sub, size, batch, err);
	}
	entry->value_length = (uint32_t) size;
	entry->topic = plan->topic;
	entry->tombstone = record->operation == OPERATION_DELETE;
	entry->event_type = record->event_type;
	entry->table = plan->uri;
	entry->time = place->commit_time;
	event_id_length = encode_event_id(source, place->end_lsn, place->ordinal, sub, event_id);
	return stream_plan_finish(entry, log, event_id, event_id_length, record->id, record->id_length,
							  err);
}

/* ---- dead letters ---- */

bool
stream_plan_dead_letter(const DeadLetter *letter, uint16_t topic, const char *uri,
						LogRecord *record, LogBatch *log, Err *err)
{
	/* What the letter points to may lie in this very buffer, which moves when it grows. */
	char event_id[EVENT_ID_SIZE];
	const char *key = letter->key == NULL ? "" : letter->key;
	size_t key_length = letter->key == NULL ? 0 : letter->key_length;
	char *copy = alloc_bytes(key_length + 1);
	DeadLetter stable = *letter;
	size_t at;
	bool done = false;

	if (copy == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory making a dead letter");
	memcpy(copy, key, key_length);
	memcpy(event_id, letter->event_id, letter->event_id_length);
	stable.event_id = event_id;
	if (letter->key != NULL)
		stable.key = copy;
	record->bytes = log->bytes.length;
	if (!encode_key(letter->source, copy, key_length, &log->bytes, err))
		goto out;
	at = log->bytes.length;
	record->key_length = (uint32_t) (at - record->bytes);
	if (!deadletter_encode(&stable, &log->bytes, err))
		goto out;
	record->value_length = (uint32_t) (log->bytes.length - at);
	record->topic = topic;
	record->tombstone = false;
	record->event_type = "goldpan.dead_letter";
	record->table = uri;
	done =
		stream_plan_finish(record, log, event_id, letter->event_id_length, copy, key_length, err);
out:
	alloc_free(copy);
	return done;
}

static Operation
stream_plan_operation(const Change *change)
{
	switch (change->kind)
	{
		case CHANGE_INSERT:
			return OPERATION_CREATE;
		case CHANGE_UPDATE:
			return OPERATION_UPDATE;
		case CHANGE_DELETE:
			return OPERATION_DELETE;
		case CHANGE_TRUNCATE:
			return OPERATION_TRUNCATE;
		case CHANGE_SNAPSHOT:
			break;
	}
	return OPERATION_SNAPSHOT;
}

static bool
stream_plan_reject(StreamPlans *plans, const StreamPlan *plan, const Change *change,
				   const StreamPlace *place, uint32_t sub, const MappingReject *reject,
				   StreamBatch *batch, Err *err)
{
	uint16_t topic = stream_topic_index(plans->topics, plans->ntopics, "dead_letter");
	const CanonicalRecord *record = &plans->records[reject->deletes_old ? 1 : 0];
	bool has_key = strcmp(reject->stage, "key") != 0 && record->id_length > 0;
	LogBatch *log = &batch->log;
	LogRecord *entry = log_batch_add(log, err);
	char event_id[EVENT_ID_SIZE];
	DeadLetter letter = {.event_id = event_id,
						 .source = plans->worker->source.name,
						 .database = plans->database,
						 .schema = change->relation->schema,
						 .table = change->relation->name,
						 .operation = stream_plan_operation(change),
						 .end_lsn = place->end_lsn,
						 .ordinal = place->ordinal,
						 .xid = place->xid,
						 .commit_time = place->commit_time,
						 .key = has_key ? record->id : NULL,
						 .key_length = has_key ? record->id_length : 0,
						 .stage = reject->stage,
						 .field = reject->field,
						 .column = reject->column,
						 .reason = reject->reason,
						 .code = ERR_BAD_VALUE,
						 .mapping_version = mapping_version(plans->mapping),
						 .config_hash = plans->config_hash,
						 .relation_id = plan->relation_id,
						 .relation_hash = plan->relation_hash,
						 .change = change,
						 .mapping = plan->table};

	if (entry == NULL)
		return false;
	entry->time = place->commit_time;
	letter.event_id_length =
		encode_event_id(letter.source, place->end_lsn, place->ordinal, sub, event_id);
	batch->dead_letters++;
	if (!stream_plan_dead_letter(&letter, topic, plan->uri, entry, log, err))
		return false;
	if (entry->value_length <= plans->max_record)
		return true;
	stream_plan_undo(log);
	entry = log_batch_add(log, err);
	if (entry == NULL)
		return false;
	entry->time = place->commit_time;
	letter.change = NULL;
	return stream_plan_dead_letter(&letter, topic, plan->uri, entry, log, err);
}

/* ---- snapshot topic ---- */

bool
stream_plans_snapshot_record(StreamPlans *plans, const StreamPlace *place, const char *event,
							 uint64_t rows, StreamBatch *batch, Err *err)
{
	const char *source = plans->worker->source.name;
	const char *attempt = place->snapshot_attempt;
	const char *version = mapping_version(plans->mapping);
	bool completed = strcmp(event, "completed") == 0;
	LogBatch *log = &batch->log;
	LogRecord *entry = log_batch_add(log, err);
	char event_id[EVENT_ID_SIZE];
	size_t length = encode_event_id(source, place->end_lsn, place->ordinal, 0, event_id);
	size_t at;

	if (entry == NULL || !encode_key(source, attempt, strlen(attempt), &log->bytes, err))
		return false;
	at = log->bytes.length;
	entry->key_length = (uint32_t) (at - entry->bytes);
	if (!encode_string(&log->bytes, source, strlen(source), err) ||
		!encode_string(&log->bytes, attempt, strlen(attempt), err) ||
		!encode_long(&log->bytes, completed, err) ||
		!encode_long(&log->bytes, (int64_t) place->end_lsn, err) ||
		!encode_string(&log->bytes, version, strlen(version), err) ||
		!encode_long(&log->bytes, (int64_t) rows, err))
		return false;
	if (plans->ntables > 0 && !encode_long(&log->bytes, (int64_t) plans->ntables, err))
		return false;
	for (size_t i = 0; i < plans->ntables; i++)
		if (!encode_string(&log->bytes, plans->tables[i], strlen(plans->tables[i]), err))
			return false;
	if (!encode_long(&log->bytes, 0, err))
		return false;
	entry->value_length = (uint32_t) (log->bytes.length - at);
	entry->topic = stream_topic_index(plans->topics, plans->ntopics, "snapshot");
	entry->event_type = completed ? "goldpan.snapshot.completed" : "goldpan.snapshot.started";
	entry->table = plans->empty->uri;
	entry->time = place->commit_time;
	return stream_plan_finish(entry, log, event_id, length, attempt, strlen(attempt), err);
}
