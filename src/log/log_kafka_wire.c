/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_wire.c — bytes that other programs must agree on.
 *
 * The Confluent wire format, the partitioner of the Java client (so that a Java
 * tool finds a key in the partition it expects), and the size of a record batch of
 * format 2, which is what a broker compares with max.message.bytes.
 */
#include "log_kafka_priv.h"

#include <string.h>

void
log_kafka_frame(uint8_t *out, int32_t schema_id)
{
	uint32_t id = (uint32_t) schema_id;

	out[0] = 0;
	out[1] = (uint8_t) (id >> 24);
	out[2] = (uint8_t) (id >> 16);
	out[3] = (uint8_t) (id >> 8);
	out[4] = (uint8_t) id;
}

bool
log_kafka_unframe(const uint8_t *bytes, size_t length, int32_t *schema_id, Err *err)
{
	uint32_t id;

	if (length < LOG_KAFKA_FRAME_SIZE || bytes[0] != 0)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read a record: it does not begin with the Confluent wire "
					   "format's zero and schema id");
	id = (uint32_t) bytes[1] << 24 | (uint32_t) bytes[2] << 16 | (uint32_t) bytes[3] << 8 |
		 (uint32_t) bytes[4];
	if (id == 0 || id > INT32_MAX)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read a record: its schema id %u is out of range", id);
	*schema_id = (int32_t) id;
	return true;
}

uint32_t
log_kafka_murmur2(const uint8_t *bytes, size_t length)
{
	const uint32_t m = 0x5bd1e995;
	uint32_t h = UINT32_C(0x9747b28c) ^ (uint32_t) length;
	size_t i;

	for (i = 0; i + 4 <= length; i += 4)
	{
		uint32_t k = (uint32_t) bytes[i] | (uint32_t) bytes[i + 1] << 8 |
					 (uint32_t) bytes[i + 2] << 16 | (uint32_t) bytes[i + 3] << 24;

		k *= m;
		k ^= k >> 24;
		k *= m;
		h *= m;
		h ^= k;
	}
	if (i < length)
	{
		if (length - i >= 3)
			h ^= (uint32_t) bytes[i + 2] << 16;
		if (length - i >= 2)
			h ^= (uint32_t) bytes[i + 1] << 8;
		h ^= (uint32_t) bytes[i];
		h *= m;
	}
	h ^= h >> 13;
	h *= m;
	h ^= h >> 15;
	return h;
}

int32_t
log_kafka_partition(const uint8_t *key, size_t length, int32_t partitions)
{
	return (int32_t) ((log_kafka_murmur2(key, length) & INT32_MAX) % (uint32_t) partitions);
}

/* Length of a zigzag varint of a value that is not negative. */
static size_t
log_kafka_varint_size(uint64_t value)
{
	size_t size = 1;

	for (value <<= 1; value >= 0x80; value >>= 7)
		size++;
	return size;
}

size_t
log_kafka_batch_size(size_t key_length, size_t value_length, const LogKafkaHeader *headers,
					 size_t nheaders)
{
	/* attributes, time delta 0, offset delta 0 */
	size_t body = 3;

	body += log_kafka_varint_size(key_length + LOG_KAFKA_FRAME_SIZE) + key_length +
			LOG_KAFKA_FRAME_SIZE;
	if (value_length == SIZE_MAX)
		body += 1;
	else
		body += log_kafka_varint_size(value_length + LOG_KAFKA_FRAME_SIZE) + value_length +
				LOG_KAFKA_FRAME_SIZE;
	body += log_kafka_varint_size(nheaders);
	for (size_t i = 0; i < nheaders; i++)
	{
		size_t name = strlen(headers[i].name);

		body += log_kafka_varint_size(name) + name;
		body += log_kafka_varint_size(headers[i].length) + headers[i].length;
	}
	return 61 + log_kafka_varint_size(body) + body;
}
