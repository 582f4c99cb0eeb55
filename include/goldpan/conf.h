/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf.h — settings as rows of a table: read, checked, explained, printed.
 *
 * A row says everything about one setting. The same rows load the file, print
 * the values in force, the manual's section and the sample file, so that these
 * cannot disagree.
 */
#ifndef GOLDPAN_CONF_H
#define GOLDPAN_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "goldpan/arena.h"
#include "goldpan/buffer.h"
#include "goldpan/err.h"

typedef enum ConfRowType
{
	CONF_ROW_BOOLEAN, /* bool: true, false */
	CONF_ROW_INTEGER, /* int64_t */
	CONF_ROW_DURATION, /* int64_t microseconds: "500 ms", "10 s", "5 min", "1 h"; a number is seconds */
	CONF_ROW_SIZE,	   /* int64_t bytes: "64 MiB", "16 kB"; a number is bytes */
	CONF_ROW_TEXT,	   /* const char * or NULL */
	CONF_ROW_PATH,	   /* const char * or NULL: relative to the file's folder */
	CONF_ROW_CHOICE,	  /* int64_t: index into choices */
	CONF_ROW_SECRET_FILE, /* const char * or NULL: first line of the file that is named */
} ConfRowType;

#define CONF_REQUIRED	1u /* must be given and not empty */
#define CONF_RELOADABLE 2u /* a new value is taken up by SIGHUP */
#define CONF_SECRET		4u /* printed as stars */
#define CONF_SHOWN		8u /* the sample sets it instead of showing the default in a comment */

typedef struct ConfRow
{
	const char *name;
	ConfRowType type;
	size_t offset;		  /* in the section's struct */
	const char *fallback; /* default as the file would write it, without quotes; NULL: unset */
	const char *minimum;  /* as fallback; NULL: none */
	const char *maximum;
	const char *const *choices; /* NULL terminated, of CONF_ROW_CHOICE */
	unsigned flags;
	const char *sample; /* value in the sample; NULL: the default */
	const char *doc;	/* one line, a sentence */
} ConfRow;

/* Items of a list section, `size` bytes each. */
typedef struct ConfList
{
	size_t count;
	void *items;
} ConfList;

typedef struct ConfSection
{
	const char *name;	/* "" top level, "log", "kafka.options" */
	size_t list_size;	/* 0: one group whose rows have offsets in the whole struct; else the
						* size of an item */
	size_t list_offset; /* of the ConfList in the whole struct */
	size_t list_limit;	/* most items */
	size_t list_least;	/* fewest items */
	size_t nrows;
	const ConfRow *rows;
	const char *doc;
} ConfSection;

typedef struct ConfTable
{
	size_t nsections;
	const ConfSection *sections;
} ConfTable;

/* Reads `path` into `target` (zeroed by the caller); texts live in `arena`. Unknown keys, wrong types and
 * values out of range are errors that name file, line and what would be right. Errors: USAGE ERR_CONFIG. */
bool conf_rows_load(const ConfTable *table, const char *path, void *target, Arena *arena,
					Err *err) MUST_CHECK;

/* Values in force as a file that loads again, but for secrets, which are stars. */
bool conf_rows_show(const ConfTable *table, const void *values, Buffer *out, Err *err) MUST_CHECK;

/* The manual's section (scdoc) and the sample file. */
bool conf_rows_manual(const ConfTable *table, Buffer *out, Err *err) MUST_CHECK;
bool conf_rows_sample(const ConfTable *table, Buffer *out, Err *err) MUST_CHECK;

/* Reads the first line of a file that holds a secret: a regular file, not a symbolic link, owned by
 * this user or root, not accessible to group or others. Errors: USAGE ERR_CONFIG. */
char *conf_secret_read(const char *path, Arena *arena, Err *err) MUST_CHECK;

#endif
