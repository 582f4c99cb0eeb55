/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_attempts.c — which snapshot attempts count.
 *
 * In Kafka the rows of a snapshot are readable before it is complete, and carry the id of
 * their attempt. The snapshot topic tells what became of it: started, then completed. An attempt
 * that was started anew, or after which another of the same source was completed, is void
 * (its rows are never shown); one that still runs may be completed later.
 */
#include "log_kafka_priv.h"

#include <string.h>

#include "goldpan/alloc.h"

#define LOG_KAFKA_MAX_ATTEMPTS 100000

void
log_kafka_attempts_release(LogKafkaAttempts *attempts)
{
	for (size_t i = 0; i < attempts->count; i++)
	{
		alloc_free(attempts->rows[i].source);
		alloc_free(attempts->rows[i].id);
	}
	alloc_free(attempts->rows);
	memset(attempts, 0, sizeof(*attempts));
}

static char *
log_kafka_attempts_copy(const char *text, size_t length)
{
	char *copy = alloc_bytes(length + 1);

	if (copy != NULL)
	{
		memcpy(copy, text, length);
		copy[length] = '\0';
	}
	return copy;
}

static bool
log_kafka_attempts_is(const char *text, const char *other, size_t length)
{
	return strlen(text) == length && memcmp(text, other, length) == 0;
}

/* A row may have come before the record that names its attempt's source. */
static bool
log_kafka_attempts_name(LogKafkaAttempt *row, const char *source, size_t length, Err *err)
{
	char *copy;

	if (row->source[0] != '\0' || length == 0)
		return true;
	copy = log_kafka_attempts_copy(source, length);
	if (copy == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading snapshot attempts");
	alloc_free(row->source);
	row->source = copy;
	return true;
}

bool
log_kafka_attempts_find(LogKafkaAttempts *attempts, const char *source, size_t source_length,
						const char *id, size_t id_length, size_t *index, Err *err)
{
	LogKafkaAttempt *rows;

	/* the newest is asked for most */
	for (size_t i = attempts->count; i-- > 0;)
		if (log_kafka_attempts_is(attempts->rows[i].id, id, id_length))
		{
			*index = i;
			return log_kafka_attempts_name(&attempts->rows[i], source, source_length, err);
		}
	if (attempts->count == attempts->capacity)
	{
		size_t capacity = attempts->capacity == 0 ? 16 : attempts->capacity * 2;

		rows = capacity > LOG_KAFKA_MAX_ATTEMPTS
				   ? NULL
				   : alloc_resize(attempts->rows, capacity * sizeof(*rows));
		if (rows == NULL)
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
						   "could not remember more than %zu snapshot attempts", attempts->count);
		attempts->rows = rows;
		attempts->capacity = capacity;
	}
	rows = &attempts->rows[attempts->count];
	rows->source = log_kafka_attempts_copy(source, source_length);
	rows->id = log_kafka_attempts_copy(id, id_length);
	rows->state = LOG_KAFKA_ATTEMPT_RUNNING;
	if (rows->source == NULL || rows->id == NULL)
	{
		alloc_free(rows->source);
		alloc_free(rows->id);
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading snapshot attempts");
	}
	*index = attempts->count++;
	return true;
}

bool
log_kafka_attempts_learn(LogKafkaAttempts *attempts, const AvroSchema *schema,
						 const AvroReader *record, Err *err)
{
	const char *source;
	const char *id;
	const char *state;
	size_t source_length;
	size_t id_length;
	size_t state_length;
	size_t index;

	if (!encode_find_text(schema, record, "source", &source, &source_length, err) ||
		!encode_find_text(schema, record, "attempt", &id, &id_length, err) ||
		!encode_find_text(schema, record, "state", &state, &state_length, err))
		return false;
	if (source == NULL || id == NULL || state == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "a record of the snapshot topic lacks source, attempt or state");
	if (!log_kafka_attempts_find(attempts, source, source_length, id, id_length, &index, err))
		return false;
	if (log_kafka_attempts_is("completed", state, state_length))
		attempts->rows[index].state = LOG_KAFKA_ATTEMPT_COMPLETED;
	for (size_t i = 0; i < attempts->count; i++)
		if (i != index && attempts->rows[i].state == LOG_KAFKA_ATTEMPT_RUNNING &&
			log_kafka_attempts_is(attempts->rows[i].source, source, source_length))
			attempts->rows[i].state = LOG_KAFKA_ATTEMPT_VOID;
	return true;
}
