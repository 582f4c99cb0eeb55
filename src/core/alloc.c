/* SPDX-License-Identifier: PostgreSQL */
/*
 * alloc.c — malloc with a failure hook for torture tests.
 */
#include "goldpan/alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static unsigned long alloc_countdown;

static bool
alloc_must_fail(void)
{
	if (__builtin_expect(alloc_countdown == 0, 1))
		return false;
	return --alloc_countdown == 0;
}

void
alloc_fail_at(unsigned long n)
{
	alloc_countdown = n;
}

void *
alloc_bytes(size_t size)
{
	return alloc_must_fail() ? NULL : malloc(size);
}

void *
alloc_zero(size_t size)
{
	return alloc_must_fail() ? NULL : calloc(1, size);
}

void *
alloc_resize(void *pointer, size_t size)
{
	return alloc_must_fail() ? NULL : realloc(pointer, size);
}

void
alloc_free(void *pointer)
{
	free(pointer);
}

char *
alloc_text(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = alloc_bytes(size);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}
