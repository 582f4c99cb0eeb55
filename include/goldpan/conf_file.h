/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_file.h — a libconfig file, read safely, with lines for every message.
 *
 * Both configuration files are read through this. It refuses what libconfig
 * would take silently: included files, integers it would cut to 32 bits, NUL
 * bytes, invalid UTF-8, absurd depth or size (correctness.md X2).
 *
 * Every error is USAGE ERR_CONFIG (ERR_IO when the file cannot be read) and
 * starts with "file:line: path: ".
 */
#ifndef GOLDPAN_CONF_FILE_H
#define GOLDPAN_CONF_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "goldpan/err.h"

#define CONF_FILE_SIZE_LIMIT  ((size_t) 4 << 20)
#define CONF_FILE_DEPTH_LIMIT 32

typedef struct ConfFile ConfFile;
typedef struct config_setting_t ConfNode; /* libconfig's; lives as long as its ConfFile */

typedef enum ConfKind
{
	CONF_GROUP, /* { name = value; … } */
	CONF_LIST,	/* ( … ) or [ … ] */
	CONF_TEXT,
	CONF_INTEGER,
	CONF_REAL,
	CONF_BOOLEAN,
} ConfKind;

ConfFile *conf_file_load(const char *path, Err *err) MUST_CHECK;
/* The same from memory; `path` is only named in messages. */
ConfFile *conf_file_parse(const char *text, size_t length, const char *path, Err *err) MUST_CHECK;
void conf_file_free(ConfFile *file);
const char *conf_file_path(const ConfFile *file);
const ConfNode *conf_file_root(const ConfFile *file);

/* ---- nodes ---- */

ConfKind conf_node_kind(const ConfNode *node);
const char *conf_kind_name(ConfKind kind);		  /* "a group", "a list" … for messages */
const char *conf_node_name(const ConfNode *node); /* NULL for an element of a list */
int conf_node_line(const ConfNode *node);
size_t conf_node_count(const ConfNode *node); /* members or elements; 0 for a scalar */
const ConfNode *conf_node_at(const ConfNode *node, size_t index);
const ConfNode *conf_node_member(const ConfNode *group, const char *name); /* or NULL */
const char *conf_node_text(const ConfNode *node);						   /* of a CONF_TEXT */
int64_t conf_node_integer(const ConfNode *node);						   /* of a CONF_INTEGER */
bool conf_node_boolean(const ConfNode *node);							   /* of a CONF_BOOLEAN */
double conf_node_real(const ConfNode *node);							   /* of a CONF_REAL */

#define CONF_PATH_SIZE 256
/* Writes the node's path, "sources[1].tables[0].key"; returns `path`. Too long a path is cut. */
const char *conf_node_path(const ConfNode *node, char path[CONF_PATH_SIZE]);

/* Sets "file:line: path: <text>"; returns false. */
bool conf_node_error(const ConfFile *file, const ConfNode *node, Err *err, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* ---- members by name: an absent one leaves *value as it is and is no error ---- */

bool conf_get_text(const ConfFile *file, const ConfNode *group, const char *name,
				   const char **value, Err *err) MUST_CHECK;
bool conf_get_boolean(const ConfFile *file, const ConfNode *group, const char *name, bool *value,
					  Err *err) MUST_CHECK;
bool conf_get_integer(const ConfFile *file, const ConfNode *group, const char *name, int64_t min,
					  int64_t max, int64_t *value, Err *err) MUST_CHECK;
/* "10 s", "500 ms", "5 min" …, or an integer of seconds; *value, min and max in microseconds. */
bool conf_get_duration(const ConfFile *file, const ConfNode *group, const char *name, int64_t min,
					   int64_t max, int64_t *value, Err *err) MUST_CHECK;
/* "64 MiB", "10 kB" …, or an integer of bytes. */
bool conf_get_size(const ConfFile *file, const ConfNode *group, const char *name, int64_t min,
				   int64_t max, int64_t *value, Err *err) MUST_CHECK;
/* The member when it is of that kind; *node is NULL when absent. */
bool conf_get_node(const ConfFile *file, const ConfNode *group, const char *name, ConfKind kind,
				   const ConfNode **node, Err *err) MUST_CHECK;

/* Text to microseconds or bytes; units us ms s min h d, and B kB KiB MB MiB GB GiB. False when
 * it is no such text or overflows. */
bool conf_parse_duration(const char *text, int64_t *microseconds) MUST_CHECK;
bool conf_parse_size(const char *text, int64_t *bytes) MUST_CHECK;

/* ---- unknown keys ---- */

/* The next member of `group`, from *index on, whose name is not in `known` (NULL terminated);
 * advances *index; NULL when there is none. */
const ConfNode *conf_next_unknown(const ConfNode *group, const char *const *known, size_t *index);
/* Error for the first unknown member, with the nearest known name. */
bool conf_check_keys(const ConfFile *file, const ConfNode *group, const char *const *known,
					 Err *err) MUST_CHECK;
/* The name in `known` that `name` was probably meant to be, or NULL. */
const char *conf_suggest(const char *name, const char *const *known);

#endif
