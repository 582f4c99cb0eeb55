/* SPDX-License-Identifier: PostgreSQL */
/*
 * buffer.c — growable bytes with a ceiling.
 */
#include "goldpan/buffer.h"

#include <stdio.h>
#include <stdlib.h>

#include "goldpan/alloc.h"

void
buffer_init(Buffer *buffer, size_t ceiling)
{
	buffer->data = NULL;
	buffer->length = 0;
	buffer->capacity = 0;
	buffer->ceiling = ceiling;
}

void
buffer_release(Buffer *buffer)
{
	alloc_free(buffer->data);
	buffer->data = NULL;
	buffer->length = 0;
	buffer->capacity = 0;
}

bool
buffer_reserve_slow(Buffer *buffer, size_t more, Err *err)
{
	size_t capacity = buffer->capacity < 128 ? 128 : buffer->capacity;
	size_t needed;
	uint8_t *data;

	if (__builtin_add_overflow(buffer->length, more, &needed) || needed > buffer->ceiling)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "could not grow a buffer of %zu bytes by %zu: its ceiling is %zu bytes",
					   buffer->length, more, buffer->ceiling);
	while (capacity < needed)
		capacity *= 2;
	if (capacity > buffer->ceiling)
		capacity = buffer->ceiling;
	data = alloc_resize(buffer->data, capacity);
	if (data == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "out of memory growing a buffer to %zu bytes", capacity);
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

bool
buffer_printf(Buffer *buffer, Err *err, const char *fmt, ...)
{
	va_list args;
	int needed;

	va_start(args, fmt);
	needed = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (needed < 0)
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "could not format a text");
	if (!buffer_reserve(buffer, (size_t) needed + 1, err))
		return false;
	va_start(args, fmt);
	(void) vsnprintf((char *) buffer->data + buffer->length, (size_t) needed + 1, fmt, args);
	va_end(args);
	buffer->length += (size_t) needed;
	return true;
}
