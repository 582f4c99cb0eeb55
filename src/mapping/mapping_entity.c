/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_entity.c — the canonical entities that a mapping may name.
 *
 * The built-in ones first, then every *.avsc of the directories in turn; a
 * later entity replaces an earlier one of the same name. A schema that does not
 * parse is a problem like any other.
 */
#include "mapping/mapping_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goldpan/alloc.h"

#define MAPPING_MAX_ENTITIES 256
#define MAPPING_SCHEMA_LIMIT ((size_t) 1 << 20)

static void
mapping_entity_add(MappingReader *reader, const char *text, size_t length, const char *origin)
{
	Mapping *mapping = reader->mapping;
	Err err;
	CanonicalEntity *entity;
	size_t i = 0;

	err_clear(&err);
	entity = canonical_entity_parse(&mapping->arena, text, length, origin, &err);
	if (entity == NULL)
	{
		if (err.code == ERR_NOMEM)
		{
			*reader->err = err;
			reader->failed = true;
			return;
		}
		mapping_problem_add(reader, 0, mapping_problem_text(reader, "%s", err.hint), "%s",
							err.message);
		return;
	}
	while (i < mapping->nentities && strcmp(mapping->entities[i]->name, entity->name) != 0)
		i++;
	if (i == MAPPING_MAX_ENTITIES)
	{
		mapping_problem_add(reader, 0, "", "%s: more than %d entities", origin,
							MAPPING_MAX_ENTITIES);
		return;
	}
	mapping->entities[i] = entity;
	if (i == mapping->nentities)
		mapping->nentities++;
}

/* Reads a whole small file; NULL with a problem added when that fails. */
static char *
mapping_entity_slurp(MappingReader *reader, const char *path, size_t *length)
{
	char *text = NULL;
	struct stat status;
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		(size_t) status.st_size <= MAPPING_SCHEMA_LIMIT)
	{
		text = alloc_bytes((size_t) status.st_size + 1);
		got = text != NULL ? read(fd, text, (size_t) status.st_size) : -1;
	}
	if (got < 0)
	{
		mapping_problem_add(reader, 0, "It must be a readable file of at most 1 MiB.",
							"could not read schema \"%s\"", path);
		alloc_free(text);
		text = NULL;
	}
	else
		*length = (size_t) got;
	if (fd >= 0)
		(void) close(fd);
	return text;
}

static int
mapping_entity_is_schema(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && entry->d_name[0] != '.' &&
		   strcmp(entry->d_name + length - 5, ".avsc") == 0;
}

static void
mapping_entity_directory(MappingReader *reader, const char *directory)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, mapping_entity_is_schema, alphasort);

	if (count < 0)
	{
		mapping_problem_add(reader, 0, "", "could not read schema folder \"%s\": %s", directory,
							strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++)
	{
		const char *path = mapping_problem_text(reader, "%s/%s", directory, entries[i]->d_name);
		size_t length = 0;
		char *text = mapping_entity_slurp(reader, path, &length);

		if (text != NULL)
			mapping_entity_add(reader, text, length, path);
		alloc_free(text);
		free(entries[i]);
	}
	free(entries);
}

void
mapping_entity_load_all(MappingReader *reader, const char *const *directories)
{
	Mapping *mapping = reader->mapping;
	const ConfNode *root = conf_file_root(reader->file);
	const char *own = mapping_node_text(reader, root, "schemas");
	const char *slash = strrchr(mapping->path, '/');

	mapping->entities =
		mapping_problem_alloc(reader, MAPPING_MAX_ENTITIES * sizeof(CanonicalEntity *));
	if (mapping->entities == NULL)
		return;
	for (size_t i = 0; canonical_builtin_name(i) != NULL; i++)
	{
		const char *text = canonical_builtin_schema(canonical_builtin_name(i));

		mapping_entity_add(reader, text, strlen(text), canonical_builtin_name(i));
	}
	for (size_t i = 0; directories != NULL && directories[i] != NULL; i++)
		mapping_entity_directory(reader, directories[i]);
	if (own == NULL || own[0] == '\0')
		return;
	if (own[0] == '/' || slash == NULL)
		mapping_entity_directory(reader, own);
	else
		mapping_entity_directory(reader, mapping_problem_text(reader, "%.*s/%s",
															  (int) (slash - mapping->path),
															  mapping->path, own));
}

const CanonicalEntity *
mapping_entity_find(const Mapping *mapping, const char *name)
{
	for (size_t i = 0; i < mapping->nentities; i++)
		if (strcmp(mapping->entities[i]->name, name) == 0)
			return mapping->entities[i];
	return NULL;
}

const char *const *
mapping_entity_names(MappingReader *reader)
{
	Mapping *mapping = reader->mapping;
	const char **names = mapping_problem_alloc(reader, (mapping->nentities + 1) * sizeof(char *));

	for (size_t i = 0; names != NULL && i < mapping->nentities; i++)
		names[i] = mapping->entities[i]->name;
	return names;
}

const char *const *
mapping_entity_fields(MappingReader *reader, const CanonicalEntity *entity)
{
	const char **names = mapping_problem_alloc(reader, (entity->nfields + 1u) * sizeof(char *));

	for (size_t i = 0; names != NULL && i < entity->nfields; i++)
		names[i] = entity->fields[i].name;
	return names;
}
