/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_node.c — members of a group of the mapping file, each mistake a problem.
 *
 * The counterpart of conf_get_*, which stops at the first mistake; these go on
 * with a harmless value. Texts are copied: the file is freed after reading.
 */
#include "mapping/mapping_priv.h"

#include <inttypes.h>
#include <string.h>

void
mapping_node_keys(MappingReader *reader, const ConfNode *group, const char *const *known)
{
	size_t index = 0;
	const ConfNode *unknown;
	char path[CONF_PATH_SIZE];

	while ((unknown = conf_next_unknown(group, known, &index)) != NULL)
		mapping_problem_add(reader, conf_node_line(unknown),
							mapping_problem_suggest(reader, conf_node_name(unknown), known),
							"%s: unknown key", conf_node_path(unknown, path));
}

/* The member when it has that kind; another kind is a problem. */
static const ConfNode *
mapping_node_member(MappingReader *reader, const ConfNode *group, const char *name, ConfKind kind)
{
	const ConfNode *node = conf_node_member(group, name);
	char path[CONF_PATH_SIZE];

	if (node == NULL || conf_node_kind(node) == kind)
		return node;
	mapping_problem_add(reader, conf_node_line(node), "", "%s: must be %s, is %s",
						conf_node_path(node, path), conf_kind_name(kind),
						conf_kind_name(conf_node_kind(node)));
	return NULL;
}

static const ConfNode *
mapping_node_list(MappingReader *reader, const ConfNode *group, const char *name)
{
	const ConfNode *list = mapping_node_member(reader, group, name, CONF_LIST);
	char path[CONF_PATH_SIZE];

	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < conf_node_count(list); i++)
	{
		const ConfNode *element = conf_node_at(list, i);

		if (conf_node_kind(element) == CONF_GROUP)
			continue;
		mapping_problem_add(reader, conf_node_line(element), "", "%s: must be %s, is %s",
							conf_node_path(element, path), conf_kind_name(CONF_GROUP),
							conf_kind_name(conf_node_kind(element)));
		return NULL;
	}
	return list;
}

void *
mapping_node_rows(MappingReader *reader, const ConfNode *group, const char *name, size_t size,
				  const ConfNode **list, size_t *count)
{
	void *rows;

	*list = mapping_node_list(reader, group, name);
	*count = *list == NULL ? 0 : conf_node_count(*list);
	rows = mapping_problem_alloc(reader, *count * size);
	if (rows == NULL)
		*count = 0;
	return rows;
}

const char *
mapping_node_text(MappingReader *reader, const ConfNode *group, const char *name)
{
	const ConfNode *node = mapping_node_member(reader, group, name, CONF_TEXT);

	return node == NULL ? NULL : mapping_problem_copy(reader, conf_node_text(node));
}

bool
mapping_node_boolean(MappingReader *reader, const ConfNode *group, const char *name)
{
	const ConfNode *node = mapping_node_member(reader, group, name, CONF_BOOLEAN);

	return node != NULL && conf_node_boolean(node);
}

const char *const *
mapping_node_texts(MappingReader *reader, const ConfNode *group, const char *name, size_t *count)
{
	const ConfNode *node = conf_node_member(group, name);
	const char **texts;
	char path[CONF_PATH_SIZE];

	*count = 0;
	if (node == NULL)
		return NULL;
	if (conf_node_kind(node) == CONF_TEXT)
	{
		texts = mapping_problem_alloc(reader, sizeof(char *));
		if (texts == NULL)
			return NULL;
		texts[(*count)++] = mapping_problem_copy(reader, conf_node_text(node));
		return texts;
	}
	if (conf_node_kind(node) != CONF_LIST)
	{
		mapping_problem_add(reader, conf_node_line(node), "",
							"%s: must be a text or a list of texts, is %s",
							conf_node_path(node, path), conf_kind_name(conf_node_kind(node)));
		return NULL;
	}
	texts = mapping_problem_alloc(reader, (conf_node_count(node) + 1) * sizeof(char *));
	for (size_t i = 0; texts != NULL && i < conf_node_count(node); i++)
	{
		const ConfNode *element = conf_node_at(node, i);

		if (conf_node_kind(element) == CONF_TEXT)
			texts[(*count)++] = mapping_problem_copy(reader, conf_node_text(element));
		else
			mapping_problem_add(
				reader, conf_node_line(element), "", "%s: must be a text in quotes, is %s",
				conf_node_path(element, path), conf_kind_name(conf_node_kind(element)));
	}
	return texts;
}

int
mapping_node_choice(MappingReader *reader, const ConfNode *group, const char *name,
					const char *const *choices, int fallback)
{
	const ConfNode *node = mapping_node_member(reader, group, name, CONF_TEXT);
	char path[CONF_PATH_SIZE];

	if (node == NULL)
		return fallback;
	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(choices[i], conf_node_text(node)) == 0)
			return i;
	mapping_problem_add(reader, conf_node_line(node),
						mapping_problem_suggest(reader, conf_node_text(node), choices),
						"%s: unknown value \"%s\"", conf_node_path(node, path),
						conf_node_text(node));
	return fallback;
}

int64_t
mapping_node_integer(MappingReader *reader, const ConfNode *group, const char *name, int64_t min,
					 int64_t max, int64_t fallback)
{
	const ConfNode *node = mapping_node_member(reader, group, name, CONF_INTEGER);
	char path[CONF_PATH_SIZE];

	if (node == NULL)
		return fallback;
	if (conf_node_integer(node) >= min && conf_node_integer(node) <= max)
		return conf_node_integer(node);
	mapping_problem_add(
		reader, conf_node_line(node),
		mapping_problem_text(reader, "It must lie between %" PRId64 " and %" PRId64 ".", min, max),
		"%s: %" PRId64 " is out of range", conf_node_path(node, path), conf_node_integer(node));
	return fallback;
}
