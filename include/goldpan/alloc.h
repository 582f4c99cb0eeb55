/* SPDX-License-Identifier: PostgreSQL */
/*
 * alloc.h — malloc with a hook that lets a test fail the n-th call.
 *
 * Daemon code allocates only through these (or an Arena or Buffer on top of
 * them), so that the torture tests reach every out-of-memory path.
 */
#ifndef GOLDPAN_ALLOC_H
#define GOLDPAN_ALLOC_H

#include <stddef.h>

/* As malloc, calloc(1, n), realloc, free, strdup. NULL when out of memory. */
void *alloc_bytes(size_t size);
void *alloc_zero(size_t size);
void *alloc_resize(void *pointer, size_t size);
void alloc_free(void *pointer);
char *alloc_text(const char *text);

/* Tests only: the n-th allocation from now (1 = next) fails; 0 turns it off.
 * Process wide; not for use while other threads allocate. */
void alloc_fail_at(unsigned long n);

#endif
