/* SPDX-License-Identifier: PostgreSQL */
/*
 * analyze.h — what clang's analyzer must be told: it looks at one file and not into others.
 *
 * Forced into each file by tidy.sh --analyze. Without it, a function that fails through err_set
 * seems to go on with what it did not fill, and memory from alloc_zero to hold anything.
 */
#ifndef GOLDPAN_ANALYZE_H
#define GOLDPAN_ANALYZE_H

#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "goldpan/err.h"

#define err_set(...)	 ((void) err_set(__VA_ARGS__), false)
#define err_hint(...)	 ((void) err_hint(__VA_ARGS__), false)
#define err_context(...) ((void) err_context(__VA_ARGS__), false)

#define alloc_bytes(size)		  malloc(size)
#define alloc_zero(size)		  calloc(1, size)
#define alloc_resize(block, size) realloc(block, size)
#define alloc_text(text)		  strdup(text)
#define alloc_free(block)		  free(block)

#endif
