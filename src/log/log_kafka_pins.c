/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_pins.c — what must not change between two runs of a source.
 *
 * Each progress record carries, as a header, the partition count, value schema id and schema
 * hash of every topic. Another partition count sends a key's next record to another
 * partition, where it may be read before its predecessor (correctness.md D12). Another id
 * for the same schema text means that the registry was wiped or is another one, and that old
 * ids now name other schemas (A11).
 */
#include "log_kafka_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t
log_kafka_pins_hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t) *text) * UINT64_C(0x100000001b3);
	return hash;
}

bool
log_kafka_pins_write(const LogKafkaPin *pins, size_t count, Buffer *out, Err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!buffer_printf(out, err, "%s%s=%d/%d/%016" PRIx64, i == 0 ? "" : ";", pins[i].topic,
						   pins[i].partitions, pins[i].value_id, pins[i].schema_hash))
			return false;
	return true;
}

static bool
log_kafka_pins_check_one(const LogKafkaPin *old, const LogKafkaPin *now, bool accept_partitions,
						 Err *err)
{
	if (old->partitions != now->partitions && !accept_partitions)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_LOG_SETUP,
					   "topic \"%s\" has %d partitions where the last run of this source found %d: "
					   "keys would move to other partitions",
					   now->topic, now->partitions, old->partitions);
		return err_hint(err, "When every consumer has read what is there, set accept_partitions "
							 "for one start.");
	}
	if (old->schema_hash == now->schema_hash && old->value_id != now->value_id)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_REGISTRY_REFUSED,
					   "the schema registry knows the unchanged schema of topic \"%s\" by id %d "
					   "where the last run of this source found %d: it was emptied or is another "
					   "one, and records already written name other schemas there",
					   now->topic, now->value_id, old->value_id);
		return err_hint(err, "Restore the registry's content, or configure the registry that "
							 "these topics were written with.");
	}
	return true;
}

bool
log_kafka_pins_check(const char *text, size_t length, const LogKafkaPin *pins, size_t count,
					 bool accept_partitions, Err *err)
{
	const char *end = text + length;

	while (text < end)
	{
		const char *stop = memchr(text, ';', (size_t) (end - text));
		size_t size = (size_t) ((stop == NULL ? end : stop) - text);
		char one[LOG_KAFKA_NAME_MAX + 64];
		char *equals;
		LogKafkaPin old = {0};

		if (size >= sizeof(one))
			return err_set(err, ERR_CLASS_STOP, ERR_DATA,
						   "could not read the header \"%s\" of a progress record",
						   LOG_KAFKA_PINS_HEADER);
		memcpy(one, text, size);
		one[size] = '\0';
		equals = strchr(one, '=');
		if (equals == NULL || sscanf(equals, "=%d/%d/%" SCNx64, &old.partitions, &old.value_id,
									 &old.schema_hash) != 3)
			return err_set(err, ERR_CLASS_STOP, ERR_DATA,
						   "could not read the header \"%s\" of a progress record",
						   LOG_KAFKA_PINS_HEADER);
		*equals = '\0';
		for (size_t i = 0; i < count; i++)
			if (strcmp(pins[i].topic, one) == 0 &&
				!log_kafka_pins_check_one(&old, &pins[i], accept_partitions, err))
				return false;
		text += size + 1;
	}
	return true;
}
