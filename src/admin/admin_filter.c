/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_filter.c — conditions on records, for `goldpan log`.
 *
 * Records are judged by their JSON text, so one filter works for every entity, for dead
 * letters and for either log. A field that a record lacks matches nothing, not even "!=":
 * a mistyped name gives no output rather than all of it.
 */
#include "goldpan/admin.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "goldpan/clock.h"

#define FILTER_MAX		 32
#define FILTER_MAX_DEPTH 8

typedef enum FilterOp
{
	FILTER_EQUAL,
	FILTER_UNEQUAL,
	FILTER_LESS,
	FILTER_AT_MOST,
	FILTER_MORE,
	FILTER_AT_LEAST,
	FILTER_LIKE,
} FilterOp;

/* Longer ones first, so that "<=" is not read as "<". */
static const struct
{
	const char *text;
	FilterOp op;
} filter_ops[] = {{"!=", FILTER_UNEQUAL}, {"<=", FILTER_AT_MOST}, {">=", FILTER_AT_LEAST},
				  {"=", FILTER_EQUAL},	  {"<", FILTER_LESS},	  {">", FILTER_MORE},
				  {"~", FILTER_LIKE}};

typedef struct FilterCondition
{
	const char *path[FILTER_MAX_DEPTH + 1]; /* names, ends with NULL */
	FilterOp op;
	const char *value;
	bool quoted; /* compares as text even when it looks like a number */
	regex_t regex;
	bool has_regex;
} FilterCondition;

struct AdminFilter
{
	Arena *arena;
	size_t count;
	FilterCondition conditions[FILTER_MAX];
	const char *key_source;
	const char *key_id;
	bool from_time;
	int64_t time; /* microseconds */
	bool from_lsn;
	Lsn lsn;
};

AdminFilter *
admin_filter_new(Arena *arena, Err *err)
{
	AdminFilter *filter = arena_zero(arena, sizeof(AdminFilter), err);

	if (filter != NULL)
		filter->arena = arena;
	return filter;
}

void
admin_filter_free(AdminFilter *filter)
{
	for (size_t i = 0; filter != NULL && i < filter->count; i++)
	{
		if (filter->conditions[i].has_regex)
			regfree(&filter->conditions[i].regex);
	}
}

/* ---- reading conditions ---- */

static bool
filter_wrong(const char *condition, Err *err)
{
	(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "could not read condition \"%s\"",
				   condition);
	return err_hint(err, "Write 'field op value' with op one of = != < <= > >= ~, such as "
						 "'meta.operation = update' or 'amount >= 100'.");
}

static bool
filter_read_path(FilterCondition *condition, char *text)
{
	size_t depth = 0;
	char *rest = text;

	for (char *name = strsep(&rest, "."); name != NULL; name = strsep(&rest, "."))
	{
		if (name[0] == '\0' || depth == FILTER_MAX_DEPTH)
			return false;
		condition->path[depth++] = name;
	}
	return true;
}

static char *
filter_trim(char *text)
{
	char *end;

	while (isspace((unsigned char) *text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char) end[-1]))
		*--end = '\0';
	return text;
}

/* A value in quotes is text even when it looks like a number or null. */
static bool
filter_unquote(AdminFilter *filter, FilterCondition *condition, Err *err)
{
	const char *value = condition->value;
	size_t length = strlen(value);

	if (length < 2 || strchr("'\"", value[0]) == NULL || value[length - 1] != value[0])
		return true;
	condition->quoted = true;
	condition->value = arena_text(filter->arena, value + 1, length - 2, err);
	return condition->value != NULL;
}

static bool
filter_compile(FilterCondition *condition, Err *err)
{
	if (condition->op != FILTER_LIKE)
		return true;
	if (regcomp(&condition->regex, condition->value, REG_EXTENDED | REG_NOSUB) != 0)
		return err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE,
					   "could not read regular expression \"%s\"", condition->value);
	condition->has_regex = true;
	return true;
}

bool
admin_filter_where(AdminFilter *filter, const char *text, Err *err)
{
	FilterCondition *condition = &filter->conditions[filter->count];
	const char *value = NULL;
	char *copy;
	char *at;

	if (filter->count == FILTER_MAX)
		return err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "more than %d conditions",
					   FILTER_MAX);
	copy = arena_text(filter->arena, text, strlen(text), err);
	if (copy == NULL)
		return false;
	at = copy + strcspn(copy, "!<>=~");
	for (size_t i = 0; value == NULL && i < sizeof(filter_ops) / sizeof(filter_ops[0]); i++)
	{
		size_t length = strlen(filter_ops[i].text);

		if (strncmp(at, filter_ops[i].text, length) == 0)
		{
			condition->op = filter_ops[i].op;
			value = filter_trim(at + length);
		}
	}
	*at = '\0';
	if (value == NULL || !filter_read_path(condition, filter_trim(copy)))
		return filter_wrong(text, err);
	condition->value = value;
	if (!filter_unquote(filter, condition, err) || !filter_compile(condition, err))
		return false;
	filter->count++;
	return true;
}

bool
admin_filter_key(AdminFilter *filter, const char *key, Err *err)
{
	const char *slash = strchr(key, '/');

	if (slash == NULL || slash == key || slash[1] == '\0')
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "could not read key \"%s\"", key);
		return err_hint(err, "Write 'source/id', such as 'crm/42'.");
	}
	filter->key_source = arena_text(filter->arena, key, (size_t) (slash - key), err);
	filter->key_id = arena_text(filter->arena, slash + 1, strlen(slash + 1), err);
	return filter->key_source != NULL && filter->key_id != NULL;
}

/* What follows the seconds: a fraction, then "Z" or an offset such as +02:00. */
static bool
filter_parse_rest(const char *rest, int64_t *time)
{
	int hours = 0;
	int minutes = 0;
	char sign;

	if (*rest == '.')
	{
		int64_t unit = 100000;

		for (rest++; isdigit((unsigned char) *rest); rest++, unit /= 10)
			*time += (*rest - '0') * unit;
	}
	if (*rest == '\0' || strcmp(rest, "Z") == 0)
		return true;
	sign = *rest++;
	if ((sign != '+' && sign != '-') || sscanf(rest, "%2d:%2d", &hours, &minutes) < 1)
		return false;
	*time -= (sign == '+' ? 1 : -1) * (int64_t) (hours * 3600 + minutes * 60) * CLOCK_SECOND;
	return true;
}

/* RFC 3339 or a prefix of it; UTC unless an offset is given. */
static bool
filter_parse_time(const char *text, int64_t *time)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
										"%Y-%m-%d %H:%M",	 "%Y-%m-%d",		  NULL};

	for (size_t i = 0; forms[i] != NULL; i++)
	{
		struct tm tm;
		const char *rest;

		memset(&tm, 0, sizeof(tm));
		rest = strptime(text, forms[i], &tm);
		if (rest == NULL)
			continue;
		*time = (int64_t) timegm(&tm) * CLOCK_SECOND;
		return filter_parse_rest(rest, time);
	}
	return false;
}

bool
admin_filter_from(AdminFilter *filter, const char *from, Err *err)
{
	if (lsn_parse(from, &filter->lsn))
		filter->from_lsn = true;
	else if (filter_parse_time(from, &filter->time))
		filter->from_time = true;
	else
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE, "could not read start \"%s\"", from);
		return err_hint(err, "Give a time (2026-11-24, 2026-11-24T10:00:00Z) or a WAL position "
							 "(0/16B3C2A).");
	}
	return true;
}

/* ---- judging ---- */

static bool
filter_number(const char *text, long double *number)
{
	char *end;

	if (text[0] == '\0' || strspn(text, "+-.0123456789eE") != strlen(text) ||
		isalpha((unsigned char) text[0]))
		return false;
	*number = strtold(text, &end);
	return *end == '\0';
}

static bool
filter_integer(const char *text, long long *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0;
}

/* Integers exactly, other numbers as long double, everything else as text. */
static int
filter_order(const char *left, const char *right, bool quoted)
{
	long long integers[2];
	long double numbers[2];

	if (!quoted && filter_integer(left, &integers[0]) && filter_integer(right, &integers[1]))
		return integers[0] < integers[1] ? -1 : integers[0] > integers[1];
	if (!quoted && filter_number(left, &numbers[0]) && filter_number(right, &numbers[1]))
		return numbers[0] < numbers[1] ? -1 : numbers[0] > numbers[1];
	return strcmp(left, right);
}

/* A scalar's text; `room` is for numbers. NULL for null, objects and arrays. */
static const char *
filter_scalar(const json_t *json, char room[48])
{
	if (json_is_string(json))
		return json_string_value(json);
	if (json_is_boolean(json))
		return json_is_true(json) ? "true" : "false";
	if (json_is_integer(json))
		(void) snprintf(room, 48, "%lld", (long long) json_integer_value(json));
	else if (json_is_real(json))
		(void) snprintf(room, 48, "%.17g", json_real_value(json));
	else
		return NULL;
	return room;
}

static bool
filter_compare_null(const FilterCondition *condition, const json_t *json)
{
	bool null = json_is_null(json) && !condition->quoted && strcmp(condition->value, "null") == 0;

	if (condition->op == FILTER_UNEQUAL)
		return !null;
	return condition->op == FILTER_EQUAL && null;
}

static bool
filter_compare(const FilterCondition *condition, const json_t *json)
{
	char room[48];
	const char *text = filter_scalar(json, room);
	int order;

	if (text == NULL)
		return filter_compare_null(condition, json);
	order = filter_order(text, condition->value, condition->quoted);
	switch (condition->op)
	{
		case FILTER_EQUAL:
			return order == 0;
		case FILTER_UNEQUAL:
			return order != 0;
		case FILTER_LESS:
			return order < 0;
		case FILTER_AT_MOST:
			return order <= 0;
		case FILTER_MORE:
			return order > 0;
		case FILTER_AT_LEAST:
			return order >= 0;
		case FILTER_LIKE:
			break;
	}
	return regexec(&condition->regex, text, 0, NULL, 0) == 0;
}

/* Walks down a path; of an array any element may match, but with "!=" all must. */
static bool
filter_match(const FilterCondition *condition, const char *const *path, const json_t *json)
{
	size_t index;
	json_t *element;

	if (json_is_array(json))
	{
		bool all = condition->op == FILTER_UNEQUAL;

		json_array_foreach(json, index, element)
		{
			if (filter_match(condition, path, element) != all)
				return !all;
		}
		return all;
	}
	if (*path == NULL)
		return filter_compare(condition, json);
	json = json_object_get(json, *path);
	return json != NULL && filter_match(condition, path + 1, json);
}

static bool
filter_lsn_of(const json_t *json, Lsn *lsn)
{
	if (json_is_integer(json))
		*lsn = (Lsn) json_integer_value(json);
	return json_is_integer(json) ||
		   (json_is_string(json) && lsn_parse(json_string_value(json), lsn));
}

static bool
filter_starts(const AdminFilter *filter, const json_t *record)
{
	const json_t *meta = json_object_get(record, "meta");
	const char *text;
	Lsn lsn;
	int64_t time;

	if (meta == NULL)
		meta = record; /* dead letters and snapshots have their facts at the first level */
	if (filter->from_time)
	{
		text = json_string_value(json_object_get(meta, "commit_time"));
		if (text == NULL || !filter_parse_time(text, &time) || time < filter->time)
			return false;
	}
	if (!filter->from_lsn)
		return true;
	return filter_lsn_of(json_object_get(meta, "end_lsn"), &lsn) && lsn >= filter->lsn;
}

static bool
filter_has_key(const AdminFilter *filter, const json_t *record)
{
	const char *source = json_string_value(json_object_get(record, "source"));
	const char *id = json_string_value(json_object_get(record, "id"));

	return source != NULL && id != NULL && strcmp(source, filter->key_source) == 0 &&
		   strcmp(id, filter->key_id) == 0;
}

bool
admin_filter_pass(const AdminFilter *filter, const char *json, size_t length, bool *pass, Err *err)
{
	json_error_t why;
	json_t *record;

	*pass = true;
	if (filter->count == 0 && filter->key_id == NULL && !filter->from_time && !filter->from_lsn)
		return true;
	record = json_loadb(json, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (record == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "could not read a record as JSON: %s",
					   why.text);
	*pass =
		(filter->key_id == NULL || filter_has_key(filter, record)) && filter_starts(filter, record);
	for (size_t i = 0; *pass && i < filter->count; i++)
		*pass = filter_match(&filter->conditions[i], filter->conditions[i].path, record);
	json_decref(record);
	return true;
}
