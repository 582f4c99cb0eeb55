/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_problem.c — collects what is wrong with a mapping, and goes on.
 *
 * Reading never stops at a mistake: each is added here with its line and its
 * cure, so that one run of `goldpan mapping check` names them all.
 */
#include "mapping/mapping_priv.h"

#include <stdio.h>
#include <string.h>

static void
mapping_problem_push(MappingReader *reader, int line, bool warning, const char *cure,
					 const char *what)
{
	MappingProblems *problems = reader->problems;
	MappingProblem *problem;

	if (reader->failed)
		return;
	if (problems->count == problems->capacity)
	{
		size_t capacity = problems->capacity == 0 ? 16 : problems->capacity * 2;
		MappingProblem *list =
			arena_alloc(problems->arena, capacity * sizeof(MappingProblem), reader->err);

		if (list == NULL)
		{
			reader->failed = true;
			return;
		}
		if (problems->count > 0)
			memcpy(list, problems->list, problems->count * sizeof(MappingProblem));
		problems->list = list;
		problems->capacity = capacity;
	}
	problem = &problems->list[problems->count++];
	problem->file = mapping_problem_text(reader, "%s", reader->mapping->path);
	problem->line = line;
	problem->what = what;
	problem->cure = cure;
	problem->warning = warning;
}

static PRINTF_LIKE(2, 0) const
	char *mapping_problem_format(MappingReader *reader, const char *fmt, va_list args)
{
	char text[1024];
	char *copy;
	int length = vsnprintf(text, sizeof(text), fmt, args);

	if (length < 0)
		return "";
	if (length >= (int) sizeof(text))
		length = (int) sizeof(text) - 1;
	copy = arena_text(reader->problems->arena, text, (size_t) length, reader->err);
	if (copy == NULL)
	{
		reader->failed = true;
		return "";
	}
	return copy;
}

const char *
mapping_problem_text(MappingReader *reader, const char *fmt, ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = mapping_problem_format(reader, fmt, args);
	va_end(args);
	return text;
}

void
mapping_problem_add(MappingReader *reader, int line, const char *cure, const char *fmt, ...)
{
	const char *what;
	va_list args;

	va_start(args, fmt);
	what = mapping_problem_format(reader, fmt, args);
	va_end(args);
	mapping_problem_push(reader, line, false, cure, what);
}

void
mapping_problem_warn(MappingReader *reader, int line, const char *cure, const char *fmt, ...)
{
	const char *what;
	va_list args;

	va_start(args, fmt);
	what = mapping_problem_format(reader, fmt, args);
	va_end(args);
	mapping_problem_push(reader, line, true, cure, what);
}

const char *
mapping_problem_suggest(MappingReader *reader, const char *name, const char *const *known)
{
	const char *near = conf_suggest(name, known);
	char list[240];
	size_t used = 0;

	if (near != NULL)
		return mapping_problem_text(reader, "Did you mean \"%s\"?", near);
	list[0] = '\0';
	for (size_t i = 0; known[i] != NULL; i++)
	{
		int length =
			snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", known[i]);

		if (length < 0 || (size_t) length >= sizeof(list) - used - 8)
		{
			(void) snprintf(list + used, sizeof(list) - used, ", …");
			break;
		}
		used += (size_t) length;
	}
	if (list[0] == '\0')
		return "";
	return mapping_problem_text(reader, "There are: %s.", list);
}

void *
mapping_problem_alloc(MappingReader *reader, size_t size)
{
	void *result = arena_zero(&reader->mapping->arena, size > 0 ? size : 1, reader->err);

	if (result == NULL)
		reader->failed = true;
	return result;
}

const char *
mapping_problem_copy(MappingReader *reader, const char *text)
{
	const char *copy = arena_text(&reader->mapping->arena, text, strlen(text), reader->err);

	if (copy == NULL)
		reader->failed = true;
	return copy != NULL ? copy : "";
}
