/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_oracle.h — the same records by libavro's generic interface: what our
 * bytes are compared with.
 *
 * libavro knows no logical types, so a decimal is bytes here; they are made by another
 * way than in src/encode/.
 */
#ifndef GOLDPAN_ENCODE_ORACLE_H
#define GOLDPAN_ENCODE_ORACLE_H

#include <stdio.h>
#include <stdlib.h>

#include <avro.h>

#include "goldpan/encode.h"

static inline void
oracle_must(int status)
{
	if (status == 0)
		return;
	(void) fprintf(stderr, "libavro: %s\n", avro_strerror());
	abort();
}

static inline avro_value_t
oracle_field(avro_value_t *record, const char *name)
{
	avro_value_t field = {NULL, NULL};

	oracle_must(avro_value_get_by_name(record, name, &field, NULL));
	return field;
}

static inline avro_value_t
oracle_branch(avro_value_t *record, const char *name, bool present)
{
	avro_value_t field = oracle_field(record, name);
	avro_value_t branch;

	oracle_must(avro_value_set_branch(&field, present ? 1 : 0, &branch));
	if (!present)
		oracle_must(avro_value_set_null(&branch));
	return branch;
}

/* `text` need not be terminated: libavro counts the zero. */
static inline void
oracle_set_text(avro_value_t *value, const char *text, size_t length)
{
	char *copy = malloc(length + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, text, length);
	copy[length] = '\0';
	oracle_must(avro_value_set_string_len(value, copy, length + 1));
	free(copy);
}

static inline void
oracle_set_string(avro_value_t *record, const char *name, const char *text)
{
	avro_value_t field = oracle_field(record, name);

	oracle_set_text(&field, text, strlen(text));
}

static inline void
oracle_set_optional(avro_value_t *record, const char *name, const char *text)
{
	avro_value_t branch = oracle_branch(record, name, text != NULL);

	if (text != NULL)
		oracle_set_text(&branch, text, strlen(text));
}

static inline void
oracle_set_long(avro_value_t *record, const char *name, int64_t number)
{
	avro_value_t field = oracle_field(record, name);

	if (avro_value_get_type(&field) == AVRO_INT32)
		oracle_must(avro_value_set_int(&field, (int32_t) number));
	else
		oracle_must(avro_value_set_long(&field, number));
}

static inline void
oracle_set_decimal(avro_value_t *value, Decimal decimal)
{
	uint8_t bytes[16];
	unsigned first = 0;

	for (unsigned i = 0; i < 16; i++)
		bytes[i] = (uint8_t) (decimal >> (8 * (15 - i)));
	/* a leading byte that only repeats the sign of the next is not needed */
	while (first < 15 && ((bytes[first] == 0x00 && bytes[first + 1] < 0x80) ||
						  (bytes[first] == 0xff && bytes[first + 1] >= 0x80)))
		first++;
	oracle_must(avro_value_set_bytes(value, bytes + first, 16 - first));
}

static inline void
oracle_set_value(avro_value_t *branch, FieldType type, const CanonicalValue *value)
{
	switch (type)
	{
		case FIELD_BOOLEAN:
			oracle_must(avro_value_set_boolean(branch, value->as.boolean));
			break;
		case FIELD_INT:
		case FIELD_DATE:
			oracle_must(avro_value_set_int(branch, (int32_t) value->as.integer));
			break;
		case FIELD_LONG:
		case FIELD_TIMESTAMP:
			oracle_must(avro_value_set_long(branch, value->as.integer));
			break;
		case FIELD_DOUBLE:
			oracle_must(avro_value_set_double(branch, value->as.real));
			break;
		case FIELD_DECIMAL:
			oracle_set_decimal(branch, value->as.decimal);
			break;
		case FIELD_STRING:
			oracle_set_text(branch, value->as.text, value->length);
			break;
	}
}

static inline void
oracle_set_names(avro_value_t *array, const CanonicalEntity *entity, const FieldSet *set)
{
	avro_value_t item;

	for (unsigned i = 0; i < entity->nfields; i++)
	{
		if (!field_set_has(set, i))
			continue;
		oracle_must(avro_value_append(array, &item, NULL));
		oracle_set_text(&item, entity->fields[i].name, strlen(entity->fields[i].name));
	}
}

static inline void
oracle_set_ownership(avro_value_t *meta, const CanonicalTable *table)
{
	avro_value_t array = oracle_field(meta, "ownership");
	avro_value_t item;
	avro_value_t field;

	for (unsigned i = 0; i < table->nownership; i++)
	{
		const FieldOwnership *tag = &table->ownership[i];

		oracle_must(avro_value_append(&array, &item, NULL));
		oracle_set_string(&item, "field", tag->field);
		oracle_set_string(&item, "owner", tag->owner);
		field = oracle_field(&item, "rule");
		oracle_must(avro_value_set_enum(&field, (int) tag->rule));
		field = oracle_field(&item, "is_owner");
		oracle_must(avro_value_set_boolean(&field, tag->is_owner));
	}
}

static inline void
oracle_set_meta(avro_value_t *meta, const CanonicalEntity *entity, const CanonicalTable *table,
				const CanonicalRecord *record)
{
	char event_id[EVENT_ID_SIZE];
	avro_value_t field;
	int length = snprintf(event_id, sizeof(event_id), "%s/%08X%08X/%llu", table->source,
						  (unsigned) (record->end_lsn >> 32), (unsigned) record->end_lsn,
						  (unsigned long long) record->ordinal);

	if (record->sub != 0)
		(void) snprintf(event_id + length, sizeof(event_id) - (size_t) length, ".%u", record->sub);
	oracle_set_string(meta, "event_id", event_id);
	field = oracle_field(meta, "operation");
	oracle_must(avro_value_set_enum(&field, (int) record->operation));
	oracle_set_string(meta, "database", table->database);
	oracle_set_string(meta, "schema", table->schema);
	oracle_set_string(meta, "table", table->table);
	oracle_set_optional(meta, "region", table->region);
	oracle_set_string(meta, "mapping_version", table->mapping_version);
	oracle_set_long(meta, "end_lsn", (int64_t) record->end_lsn);
	oracle_set_long(meta, "ordinal", (int64_t) record->ordinal);
	oracle_set_long(meta, "sub", record->sub);
	oracle_set_long(meta, "xid", record->xid);
	oracle_set_long(meta, "commit_time", record->commit_time);
	oracle_set_optional(meta, "origin", record->origin);
	oracle_set_optional(meta, "snapshot_attempt", record->snapshot_attempt);
	field = oracle_branch(meta, "part", record->part != 0);
	if (record->part != 0)
		oracle_must(avro_value_set_int(&field, record->part));
	field = oracle_branch(meta, "last_part", record->part != 0);
	if (record->part != 0)
		oracle_must(avro_value_set_boolean(&field, record->last_part));
	field = oracle_branch(meta, "changed", record->knows_changed);
	if (record->knows_changed)
		oracle_set_names(&field, entity, &record->changed);
	field = oracle_branch(meta, "violations", record->knows_changed);
	if (record->knows_changed)
		oracle_set_names(&field, entity, &record->violations);
	field = oracle_field(meta, "unchanged");
	oracle_set_names(&field, entity, &record->unchanged);
	oracle_set_ownership(meta, table);
}

/* Fills a value of the entity's schema. */
static inline void
oracle_fill(avro_value_t *value, const CanonicalEntity *entity, const CanonicalTable *table,
			const CanonicalRecord *record)
{
	avro_value_t field;

	oracle_must(avro_value_reset(value));
	oracle_set_string(value, "source", table->source);
	field = oracle_field(value, "id");
	oracle_set_text(&field, record->id, record->id_length);
	for (unsigned i = 0; i < entity->nfields; i++)
	{
		const CanonicalField *own = &entity->fields[i];

		field = oracle_branch(value, own->name, record->fields[i].present);
		if (record->fields[i].present)
			oracle_set_value(&field, own->type, &record->fields[i]);
	}
	field = oracle_field(value, "meta");
	oracle_set_meta(&field, entity, table, record);
}

#endif
