/* SPDX-License-Identifier: PostgreSQL */
/*
 * buffer.h — growable bytes with a ceiling.
 *
 * A Buffer never grows past its ceiling: exceeding it is an error (class STOP
 * or what the caller makes of it, code ERR_NOMEM), never an abort.
 */
#ifndef GOLDPAN_BUFFER_H
#define GOLDPAN_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "goldpan/err.h"

typedef struct Buffer
{
	uint8_t *data;
	size_t length;	 /* bytes used */
	size_t capacity; /* bytes allocated */
	size_t ceiling;	 /* most bytes ever allocated */
} Buffer;

/* Prepares an empty buffer; allocates nothing. */
void buffer_init(Buffer *buffer, size_t ceiling);

/* Frees the bytes; the buffer may be used again. */
void buffer_release(Buffer *buffer);

/* Makes room for `more` bytes after length (contents kept). Error: ERR_NOMEM. */
bool buffer_reserve_slow(Buffer *buffer, size_t more, Err *err) MUST_CHECK;

static inline void
buffer_clear(Buffer *buffer)
{
	buffer->length = 0;
}

static inline bool MUST_CHECK
buffer_reserve(Buffer *buffer, size_t more, Err *err)
{
	if (__builtin_expect(buffer->capacity - buffer->length >= more, 1))
		return true;
	return buffer_reserve_slow(buffer, more, err);
}

static inline bool MUST_CHECK
buffer_append(Buffer *buffer, const void *bytes, size_t length, Err *err)
{
	if (!buffer_reserve(buffer, length, err))
		return false;
	if (length > 0)
		memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
	return true;
}

static inline bool MUST_CHECK
buffer_append_byte(Buffer *buffer, uint8_t byte, Err *err)
{
	if (!buffer_reserve(buffer, 1, err))
		return false;
	buffer->data[buffer->length++] = byte;
	return true;
}

static inline bool MUST_CHECK
buffer_append_text(Buffer *buffer, const char *text, Err *err)
{
	return buffer_append(buffer, text, strlen(text), err);
}

/* Appends formatted text (no terminating zero is counted in length, but one
 * always follows the bytes). */
bool buffer_printf(Buffer *buffer, Err *err, const char *fmt, ...) MUST_CHECK PRINTF_LIKE(3, 4);

#endif
