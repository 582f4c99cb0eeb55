/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode_record.c — one canonical record straight to Avro bytes.
 *
 * The hot path: space for the largest possible outcome is reserved once, then
 * bytes are written through a bare pointer. The order of the fields of meta is that of
 * the .avsc files; canonical_entity_parse refuses any other.
 */
#include "encode/encode_plan.h"

static size_t
record_bound(const EncodeTable *table, const CanonicalRecord *record)
{
	const EncodePlan *plan = table->plan;
	size_t bound = table->bound + record->id_length + 3 * plan->names_bound;

	for (unsigned i = 0; i < plan->nstrings; i++)
	{
		const CanonicalValue *value = &record->fields[plan->strings[i]];

		/* Branch-free: an absent value's length is not promised to be 0. */
		bound += value->present ? value->length : 0;
	}
	if (record->origin != NULL)
		bound += strlen(record->origin);
	if (record->snapshot_attempt != NULL)
		bound += strlen(record->snapshot_attempt);
	return bound;
}

/* Two's complement, big-endian, as few bytes as hold the sign. */
static uint8_t *
put_decimal(uint8_t *at, Decimal value)
{
	unsigned __int128 magnitude =
		value < 0 ? ~(unsigned __int128) value : (unsigned __int128) value;
	uint64_t high = (uint64_t) (magnitude >> 64);
	uint64_t low = (uint64_t) magnitude;
	unsigned bits = high != 0  ? 128 - (unsigned) __builtin_clzll(high)
					: low != 0 ? 64 - (unsigned) __builtin_clzll(low)
							   : 0;
	unsigned length = bits / 8 + 1;

	*at++ = (uint8_t) (length << 1);
	if (length <= 8)
	{
		/* eight bytes are stored, `length` of them count; the rest is overwritten later */
		uint64_t swapped = __builtin_bswap64((uint64_t) value << (64 - 8 * length));

		memcpy(at, &swapped, sizeof(swapped));
		return at + length;
	}
	for (unsigned i = 0; i < length; i++)
		at[i] = (uint8_t) (value >> (8 * (length - 1 - i)));
	return at + length;
}

static bool
bad_int(const EncodePlan *plan, unsigned field, Err *err)
{
	return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
				   "a value of field \"%s\" of entity \"%s\" does not fit its type",
				   plan->entity->fields[field].name, plan->entity->name);
}

/* The entity's own fields. NULL when an integer does not fit an Avro int. */
static uint8_t *
put_fields(const EncodePlan *plan, const CanonicalValue *values, uint8_t *at, Err *err)
{
	for (unsigned i = 0; i < plan->nfields; i++)
	{
		const CanonicalValue *value = &values[i];

		if (!value->present)
		{
			*at++ = 0;
			continue;
		}
		*at++ = 2;
		switch ((FieldType) plan->types[i])
		{
			case FIELD_STRING:
				at = encode_put_string(at, value->as.text, value->length);
				break;
			case FIELD_INT:
			case FIELD_DATE:
				if (value->as.integer != (int32_t) value->as.integer)
				{
					(void) bad_int(plan, i, err);
					return NULL;
				}
				at = encode_put_long(at, value->as.integer);
				break;
			case FIELD_LONG:
			case FIELD_TIMESTAMP:
				at = encode_put_long(at, value->as.integer);
				break;
			case FIELD_DECIMAL:
				at = put_decimal(at, value->as.decimal);
				break;
			case FIELD_BOOLEAN:
				*at++ = value->as.boolean ? 1 : 0;
				break;
			case FIELD_DOUBLE:
				/* Avro is little-endian, as are the machines this is built for. */
				memcpy(at, &value->as.real, sizeof(double));
				at += sizeof(double);
				break;
		}
	}
	return at;
}

/* An array of the names of the fields in `set`. */
static uint8_t *
put_names(const EncodePlan *plan, const FieldSet *set, uint8_t *at)
{
	unsigned words = (plan->nfields + 63u) / 64u;
	int64_t count = 0;

	for (unsigned word = 0; word < words; word++)
		count += __builtin_popcountll(set->bits[word]);
	if (count > 0)
	{
		at = encode_put_long(at, count);
		for (unsigned word = 0; word < words; word++)
		{
			for (uint64_t bits = set->bits[word]; bits != 0; bits &= bits - 1)
			{
				const EncodeStretch *name =
					&plan->names[word * 64 + (unsigned) __builtin_ctzll(bits)];

				at = encode_put_bytes(at, name->bytes, name->length);
			}
		}
	}
	*at++ = 0;
	return at;
}

static uint8_t *
put_optional_text(uint8_t *at, const char *text)
{
	if (text == NULL)
	{
		*at++ = 0;
		return at;
	}
	*at++ = 2;
	return encode_put_string(at, text, strlen(text));
}

static uint8_t *
put_meta(const EncodeTable *table, const CanonicalRecord *record, uint8_t *at)
{
	const EncodePlan *plan = table->plan;
	char event_id[EVENT_ID_SIZE];
	size_t event_id_length =
		encode_event_id(table->source, record->end_lsn, record->ordinal, record->sub, event_id);

	at = encode_put_string(at, event_id, event_id_length);
	at = encode_put_long(at, record->operation);
	at = encode_put_bytes(at, table->place.bytes, table->place.length);
	at = encode_put_long(at, (int64_t) record->end_lsn);
	at = encode_put_long(at, (int64_t) record->ordinal);
	at = encode_put_long(at, record->sub);
	at = encode_put_long(at, record->xid);
	at = encode_put_long(at, record->commit_time);
	at = put_optional_text(at, record->origin);
	at = put_optional_text(at, record->snapshot_attempt);
	if (record->part == 0)
	{
		*at++ = 0; /* part */
		*at++ = 0; /* last_part */
	}
	else
	{
		*at++ = 2;
		at = encode_put_long(at, record->part);
		*at++ = 2;
		*at++ = record->last_part ? 1 : 0;
	}
	if (record->knows_changed)
	{
		*at++ = 2;
		at = put_names(plan, &record->changed, at);
		*at++ = 2;
		at = put_names(plan, &record->violations, at);
	}
	else
	{
		*at++ = 0; /* changed */
		*at++ = 0; /* violations */
	}
	at = put_names(plan, &record->unchanged, at);
	return encode_put_bytes(at, table->ownership.bytes, table->ownership.length);
}

bool
encode_record(const EncodeTable *table, const CanonicalRecord *record, Buffer *out, Err *err)
{
	uint8_t *at;

	if (!buffer_reserve(out, record_bound(table, record), err))
		return false;
	at = out->data + out->length;
	at = encode_put_bytes(at, table->head.bytes, table->head.length);
	at = encode_put_string(at, record->id, record->id_length);
	at = put_fields(table->plan, record->fields, at, err);
	if (at == NULL)
		return false;
	at = put_meta(table, record, at);
	out->length = (size_t) (at - out->data);
	return true;
}
