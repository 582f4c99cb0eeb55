/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_file.c — libconfig behind a door that knows lines and limits.
 *
 * Nothing here knows a key of either configuration file: rooms and the mapping
 * reader ask for members by name, and get errors that say file, line and path.
 */
#include "goldpan/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_priv.h"
#include "goldpan/alloc.h"

struct ConfFile
{
	config_t config;
	char *path;
};

/* ---- files ---- */

static bool
conf_file_read_all(int fd, char *text, size_t size, const char *path, Err *err)
{
	size_t done = 0;

	while (done < size)
	{
		ssize_t got = read(fd, text + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not read file \"%s\": %s", path,
						   got < 0 ? strerror(errno) : "it became shorter meanwhile");
		done += (size_t) got;
	}
	text[size] = '\0';
	return true;
}

ConfFile *
conf_file_load(const char *path, Err *err)
{
	ConfFile *file = NULL;
	char *text = NULL;
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &status) != 0)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
		goto out;
	}
	if (!S_ISREG(status.st_mode))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not read \"%s\": not a regular file",
					   path);
		goto out;
	}
	if ((uint64_t) status.st_size > CONF_FILE_SIZE_LIMIT)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not read file \"%s\": it is larger than 4 MiB", path);
		goto out;
	}
	text = alloc_bytes((size_t) status.st_size + 1);
	if (text == NULL)
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading file \"%s\"", path);
	else if (conf_file_read_all(fd, text, (size_t) status.st_size, path, err))
		file = conf_file_parse(text, (size_t) status.st_size, path, err);
out:
	alloc_free(text);
	if (fd >= 0)
		(void) close(fd);
	return file;
}

ConfFile *
conf_file_parse(const char *text, size_t length, const char *path, Err *err)
{
	ConfFile *file = NULL;
	char *copy = NULL;
	bool ok = false;

	if (length > CONF_FILE_SIZE_LIMIT)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s: it is larger than 4 MiB", path);
		return NULL;
	}
	if (!conf_scan(text, length, path, err))
		return NULL;
	file = alloc_zero(sizeof(ConfFile));
	copy = alloc_bytes(length + 2);
	if (file != NULL)
	{
		config_init(&file->config);
		file->path = alloc_text(path);
	}
	if (file == NULL || copy == NULL || file->path == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading \"%s\"", path);
		goto out;
	}
	memcpy(copy, text, length);
	/* libconfig does not see the last line without its end */
	copy[length] = '\n';
	copy[length + 1] = '\0';
	if (config_read_string(&file->config, copy) == CONFIG_FALSE)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s:%d: %s", path,
					   config_error_line(&file->config), config_error_text(&file->config));
	else
		ok = true;
out:
	alloc_free(copy);
	if (!ok)
	{
		conf_file_free(file);
		file = NULL;
	}
	return file;
}

void
conf_file_free(ConfFile *file)
{
	if (file == NULL)
		return;
	config_destroy(&file->config);
	alloc_free(file->path);
	alloc_free(file);
}

const char *
conf_file_path(const ConfFile *file)
{
	return file->path;
}

const ConfNode *
conf_file_root(const ConfFile *file)
{
	return config_root_setting(&file->config);
}

/* ---- nodes ---- */

ConfKind
conf_node_kind(const ConfNode *node)
{
	switch (config_setting_type(node))
	{
		case CONFIG_TYPE_GROUP:
			return CONF_GROUP;
		case CONFIG_TYPE_INT:
		case CONFIG_TYPE_INT64:
			return CONF_INTEGER;
		case CONFIG_TYPE_FLOAT:
			return CONF_REAL;
		case CONFIG_TYPE_STRING:
			return CONF_TEXT;
		case CONFIG_TYPE_BOOL:
			return CONF_BOOLEAN;
		default:
			return CONF_LIST;
	}
}

const char *
conf_kind_name(ConfKind kind)
{
	static const char *const names[] = {"a group { … }", "a list ( … )",  "a text in quotes",
										"an integer",	 "a real number", "true or false"};

	return names[kind];
}

const char *
conf_node_name(const ConfNode *node)
{
	return config_setting_name(node);
}

int
conf_node_line(const ConfNode *node)
{
	return (int) config_setting_source_line(node);
}

size_t
conf_node_count(const ConfNode *node)
{
	if (!config_setting_is_aggregate(node))
		return 0;
	return (size_t) config_setting_length(node);
}

const ConfNode *
conf_node_at(const ConfNode *node, size_t index)
{
	return config_setting_get_elem(node, (unsigned) index);
}

const ConfNode *
conf_node_member(const ConfNode *group, const char *name)
{
	return config_setting_get_member(group, name);
}

const char *
conf_node_text(const ConfNode *node)
{
	const char *text = config_setting_get_string(node);

	return text != NULL ? text : "";
}

int64_t
conf_node_integer(const ConfNode *node)
{
	return config_setting_type(node) == CONFIG_TYPE_INT64 ? config_setting_get_int64(node)
														  : config_setting_get_int(node);
}

bool
conf_node_boolean(const ConfNode *node)
{
	return config_setting_get_bool(node) != 0;
}

double
conf_node_real(const ConfNode *node)
{
	return config_setting_get_float(node);
}

const char *
conf_node_path(const ConfNode *node, char path[CONF_PATH_SIZE])
{
	char *end = path + CONF_PATH_SIZE - 1;
	char *start = end;

	/* from the leaf to the root, written backwards from the end */
	*end = '\0';
	while (node != NULL && !config_setting_is_root(node))
	{
		const char *name = config_setting_name(node);
		char part[CONF_PATH_SIZE];
		int length;

		if (name != NULL)
			length = snprintf(part, sizeof(part), "%s%s",
							  config_setting_is_root(config_setting_parent(node)) ? "" : ".", name);
		else
			length = snprintf(part, sizeof(part), "[%d]", config_setting_index(node));
		if (length < 0 || length >= (int) sizeof(part) || length > start - path)
			break;
		start -= length;
		memcpy(start, part, (size_t) length);
		node = config_setting_parent(node);
	}
	memmove(path, start, (size_t) (end - start) + 1);
	return path;
}

bool
conf_node_error(const ConfFile *file, const ConfNode *node, Err *err, const char *fmt, ...)
{
	char path[CONF_PATH_SIZE];
	char text[400];
	va_list args;

	va_start(args, fmt);
	(void) vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void) conf_node_path(node, path);
	return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "%s:%d: %s%s%s", file->path,
				   conf_node_line(node), path, path[0] != '\0' ? ": " : "", text);
}

/* ---- members ---- */

bool
conf_get_node(const ConfFile *file, const ConfNode *group, const char *name, ConfKind kind,
			  const ConfNode **node, Err *err)
{
	const ConfNode *member = conf_node_member(group, name);

	*node = NULL;
	if (member == NULL)
		return true;
	if (conf_node_kind(member) != kind)
		return conf_node_error(file, member, err, "must be %s, is %s", conf_kind_name(kind),
							   conf_kind_name(conf_node_kind(member)));
	*node = member;
	return true;
}

bool
conf_get_text(const ConfFile *file, const ConfNode *group, const char *name, const char **value,
			  Err *err)
{
	const ConfNode *node;

	if (!conf_get_node(file, group, name, CONF_TEXT, &node, err))
		return false;
	if (node != NULL)
		*value = conf_node_text(node);
	return true;
}

bool
conf_get_boolean(const ConfFile *file, const ConfNode *group, const char *name, bool *value,
				 Err *err)
{
	const ConfNode *node;

	if (!conf_get_node(file, group, name, CONF_BOOLEAN, &node, err))
		return false;
	if (node != NULL)
		*value = conf_node_boolean(node);
	return true;
}

bool
conf_get_integer(const ConfFile *file, const ConfNode *group, const char *name, int64_t min,
				 int64_t max, int64_t *value, Err *err)
{
	const ConfNode *node;
	int64_t number;

	if (!conf_get_node(file, group, name, CONF_INTEGER, &node, err))
		return false;
	if (node == NULL)
		return true;
	number = conf_node_integer(node);
	if (number < min || number > max)
		return conf_node_error(file, node, err,
							   "%" PRId64 " is out of range: it must lie between %" PRId64
							   " and %" PRId64,
							   number, min, max);
	*value = number;
	return true;
}

typedef struct ConfUnit
{
	const char *name;
	int64_t factor;
} ConfUnit;

static const ConfUnit conf_durations[] = {
	{"us", 1},
	{"ms", 1000},
	{"s", 1000000},
	{"min", 60 * 1000000L},
	{"h", 3600 * 1000000L},
	{"d", 86400 * 1000000L},
	{NULL, 0},
};

static const ConfUnit conf_sizes[] = {
	{"B", 1},		  {"kB", 1000},		  {"KiB", 1024},	 {"MB", 1000000},
	{"MiB", 1 << 20}, {"GB", 1000000000}, {"GiB", 1L << 30}, {NULL, 0},
};

static bool
conf_parse_unit(const char *text, const ConfUnit *units, int64_t *value)
{
	int64_t number = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, *at - '0', &number))
			return false;
	if (at == text)
		return false;
	while (*at == ' ')
		at++;
	for (; units->name != NULL; units++)
		if (strcmp(at, units->name) == 0)
			return !__builtin_mul_overflow(number, units->factor, value);
	return false;
}

bool
conf_parse_duration(const char *text, int64_t *microseconds)
{
	return conf_parse_unit(text, conf_durations, microseconds);
}

bool
conf_parse_size(const char *text, int64_t *bytes)
{
	return conf_parse_unit(text, conf_sizes, bytes);
}

/* The shortest exact text of a quantity in the units given. */
static void
conf_format_unit(int64_t value, const ConfUnit *units, char *text, size_t size)
{
	const ConfUnit *best = units;

	for (; units->name != NULL; units++)
		if (value != 0 && value % units->factor == 0 && units->factor > best->factor)
			best = units;
	(void) snprintf(text, size, "%" PRId64 " %s", value / best->factor, best->name);
}

static bool
conf_get_unit(const ConfFile *file, const ConfNode *group, const char *name, const ConfUnit *units,
			  int64_t plain, const char *example, int64_t min, int64_t max, int64_t *value,
			  Err *err)
{
	const ConfNode *node = conf_node_member(group, name);
	int64_t number;
	char low[40];
	char high[40];

	if (node == NULL)
		return true;
	if (conf_node_kind(node) == CONF_INTEGER)
	{
		if (__builtin_mul_overflow(conf_node_integer(node), plain, &number))
			return conf_node_error(file, node, err, "is out of range");
	}
	else if (conf_node_kind(node) != CONF_TEXT)
		return conf_node_error(file, node, err, "must be a text like \"%s\", is %s", example,
							   conf_kind_name(conf_node_kind(node)));
	else if (!conf_parse_unit(conf_node_text(node), units, &number))
		return conf_node_error(file, node, err, "\"%s\" is not a number with a unit like \"%s\"",
							   conf_node_text(node), example);
	if (number < min || number > max)
	{
		conf_format_unit(min, units, low, sizeof(low));
		conf_format_unit(max, units, high, sizeof(high));
		return conf_node_error(file, node, err,
							   "is out of range: it must lie between \"%s\" and \"%s\"", low, high);
	}
	*value = number;
	return true;
}

bool
conf_get_duration(const ConfFile *file, const ConfNode *group, const char *name, int64_t min,
				  int64_t max, int64_t *value, Err *err)
{
	return conf_get_unit(file, group, name, conf_durations, 1000000, "10 s", min, max, value, err);
}

bool
conf_get_size(const ConfFile *file, const ConfNode *group, const char *name, int64_t min,
			  int64_t max, int64_t *value, Err *err)
{
	return conf_get_unit(file, group, name, conf_sizes, 1, "64 MiB", min, max, value, err);
}

/* ---- unknown keys ---- */

const ConfNode *
conf_next_unknown(const ConfNode *group, const char *const *known, size_t *index)
{
	size_t count = conf_node_count(group);

	while (*index < count)
	{
		const ConfNode *member = conf_node_at(group, (*index)++);
		const char *name = conf_node_name(member);
		size_t i = 0;

		while (name != NULL && known[i] != NULL && strcmp(known[i], name) != 0)
			i++;
		if (name != NULL && known[i] == NULL)
			return member;
	}
	return NULL;
}

bool
conf_check_keys(const ConfFile *file, const ConfNode *group, const char *const *known, Err *err)
{
	size_t index = 0;
	const ConfNode *unknown = conf_next_unknown(group, known, &index);
	const char *near;

	if (unknown == NULL)
		return true;
	near = conf_suggest(conf_node_name(unknown), known);
	(void) conf_node_error(file, unknown, err, "unknown key");
	if (near != NULL)
		(void) err_hint(err, "Did you mean \"%s\"?", near);
	return false;
}

#define CONF_SUGGEST_LENGTH 64

/* Edits (insert, delete, replace, swap neighbours) between two names, case ignored. */
static size_t
conf_distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][CONF_SUGGEST_LENGTH + 1];
	size_t *before = rows[0];
	size_t *last = rows[1];
	size_t *now = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++)
	{
		size_t *free_row = before;

		now[0] = i;
		for (size_t j = 1; j <= nb; j++)
		{
			bool same = (a[i - 1] | 0x20) == (b[j - 1] | 0x20);
			size_t best = last[j - 1] + (same ? 0 : 1);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[nb];
}

const char *
conf_suggest(const char *name, const char *const *known)
{
	size_t length = strlen(name);
	size_t best = length <= 4 ? 2 : length / 3 + 2; /* one more than the edits allowed */
	const char *found = NULL;

	if (length == 0 || length > CONF_SUGGEST_LENGTH)
		return NULL;
	for (; *known != NULL; known++)
	{
		size_t other = strlen(*known);
		size_t distance;

		if (other > CONF_SUGGEST_LENGTH)
			continue;
		distance = conf_distance(name, length, *known, other);
		if (distance < best)
		{
			best = distance;
			found = *known;
		}
	}
	return found;
}
