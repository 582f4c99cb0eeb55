/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping.c — a mapping's life, and what other rooms ask of it.
 */
#include "goldpan/mapping.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "mapping/mapping_priv.h"

#define MAPPING_ARENA_LIMIT ((size_t) 256 << 20)

/* ---- hash of the meaning ---- */

static uint64_t
mapping_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	/* FNV-1a: a fingerprint to notice a change by, not a defence */
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	return hash;
}

static uint64_t
mapping_hash_text(uint64_t hash, const char *text)
{
	return mapping_hash_bytes(hash, text, strlen(text) + 1);
}

/* Members of a group count in any order: their hashes are added. */
static uint64_t
mapping_hash_group(const ConfNode *group, bool root)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < conf_node_count(group); i++)
	{
		const ConfNode *member = conf_node_at(group, i);
		uint64_t hash;

		if (root && strcmp(conf_node_name(member), "version") == 0)
			continue;
		hash = mapping_hash_text(UINT64_C(14695981039346656037), conf_node_name(member));
		sum += (hash ^ mapping_hash_node(member)) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return sum;
}

uint64_t
mapping_hash_node(const ConfNode *node)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	ConfKind kind = conf_node_kind(node);
	int64_t integer;
	uint64_t part;

	hash = mapping_hash_bytes(hash, &(uint8_t){(uint8_t) kind}, 1);
	switch (kind)
	{
		case CONF_GROUP:
			part =
				mapping_hash_group(node, conf_node_name(node) == NULL && conf_node_line(node) == 0);
			return mapping_hash_bytes(hash, &part, sizeof(part));
		case CONF_LIST:
			for (size_t i = 0; i < conf_node_count(node); i++)
			{
				part = mapping_hash_node(conf_node_at(node, i));
				hash = mapping_hash_bytes(hash, &part, sizeof(part));
			}
			return hash;
		case CONF_TEXT:
			return mapping_hash_text(hash, conf_node_text(node));
		case CONF_REAL:
			return mapping_hash_bytes(hash, &(double){conf_node_real(node)}, sizeof(double));
		default:
			integer = kind == CONF_BOOLEAN ? conf_node_boolean(node) : conf_node_integer(node);
			return mapping_hash_bytes(hash, &integer, sizeof(integer));
	}
}

/* ---- columns ---- */

static void
mapping_add_column(const char **columns, size_t *count, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(columns[i], name) == 0)
			return;
	columns[(*count)++] = name;
}

static void
mapping_collect_columns(MappingReader *reader, MappingTable *table)
{
	size_t most = table->nkey + 1;
	const char **columns;

	for (size_t i = 0; i < table->nfields; i++)
		most += table->fields[i].nfrom;
	columns = mapping_problem_alloc(reader, most * sizeof(char *));
	if (columns == NULL)
		return;
	for (size_t i = 0; i < table->nkey; i++)
		mapping_add_column(columns, &table->ncolumns, table->key[i]);
	for (size_t i = 0; i < table->nfields; i++)
		for (size_t j = 0; j < table->fields[i].nfrom; j++)
			mapping_add_column(columns, &table->ncolumns, table->fields[i].from[j]);
	if (table->deletes == DELETE_SOFT)
		mapping_add_column(columns, &table->ncolumns, table->soft_column);
	table->columns = columns;
}

/* ---- reading ---- */

static Mapping *
mapping_new(const char *path, Err *err)
{
	Mapping *mapping = alloc_zero(sizeof(Mapping));

	if (mapping == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading \"%s\"", path);
		return NULL;
	}
	arena_init(&mapping->arena, MAPPING_ARENA_LIMIT);
	mapping->prefix = "customer";
	mapping->path = arena_text(&mapping->arena, path, strlen(path), err);
	if (mapping->path == NULL)
	{
		mapping_free(mapping);
		return NULL;
	}
	return mapping;
}

static size_t
mapping_count_mistakes(const MappingProblems *problems)
{
	size_t count = 0;

	for (size_t i = 0; i < problems->count; i++)
		count += !problems->list[i].warning;
	return count;
}

static int
mapping_compare_problems(const void *a, const void *b)
{
	const MappingProblem *x = a;
	const MappingProblem *y = b;

	if (x->line != y->line)
		return x->line - y->line;
	return strcmp(x->what, y->what);
}

static bool
mapping_read(MappingReader *reader, const char *const *schema_dirs)
{
	Mapping *mapping = reader->mapping;
	const ConfNode *root = conf_file_root(reader->file);

	mapping_entity_load_all(reader, schema_dirs);
	if (reader->failed)
		return false;
	mapping_file_read(reader, root);
	if (reader->failed)
		return false;
	mapping_check_structure(reader);
	mapping_ownership_tag(reader);
	for (size_t i = 0; i < mapping->nsources; i++)
		for (size_t j = 0; j < mapping->sources[i].ntables; j++)
			mapping_collect_columns(reader, &mapping->sources[i].tables[j]);
	if (mapping->version[0] == '\0')
		(void) snprintf(mapping->version, sizeof(mapping->version), "%016" PRIx64,
						mapping_hash_node(root));
	return !reader->failed;
}

static bool
mapping_finish(ConfFile *file, const char *const *schema_dirs, Mapping **mapping,
			   MappingProblems *problems, Err *err)
{
	MappingReader reader = {.file = file, .problems = problems, .err = err};
	size_t before = mapping_count_mistakes(problems);
	size_t mistakes;

	*mapping = mapping_new(conf_file_path(file), err);
	if (*mapping == NULL)
		return false;
	reader.mapping = *mapping;
	if (!mapping_read(&reader, schema_dirs))
	{
		mapping_free(*mapping);
		*mapping = NULL;
		return false;
	}
	if (problems->count > 1)
		qsort(problems->list, problems->count, sizeof(MappingProblem), mapping_compare_problems);
	mistakes = mapping_count_mistakes(problems) - before;
	if (mistakes == 0)
		return true;
	(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "mapping file \"%s\" has %zu mistake%s",
				   (*mapping)->path, mistakes, mistakes == 1 ? "" : "s");
	return err_hint(err, "Run \"goldpan mapping check\" to see each with its line and its cure.");
}

bool
mapping_load(const char *path, const char *const *schema_dirs, Mapping **mapping,
			 MappingProblems *problems, Err *err)
{
	ConfFile *file = conf_file_load(path, err);
	bool ok;

	*mapping = NULL;
	if (file == NULL)
		return false;
	ok = mapping_finish(file, schema_dirs, mapping, problems, err);
	conf_file_free(file);
	return ok;
}

bool
mapping_parse(const char *text, size_t length, const char *path, const char *const *schema_dirs,
			  Mapping **mapping, MappingProblems *problems, Err *err)
{
	ConfFile *file = conf_file_parse(text, length, path, err);
	bool ok;

	*mapping = NULL;
	if (file == NULL)
		return false;
	ok = mapping_finish(file, schema_dirs, mapping, problems, err);
	conf_file_free(file);
	return ok;
}

void
mapping_free(Mapping *mapping)
{
	if (mapping == NULL)
		return;
	arena_release(&mapping->arena);
	alloc_free(mapping);
}

bool
mapping_set_prefix(Mapping *mapping, const char *prefix, Err *err)
{
	const char *copy = arena_text(&mapping->arena, prefix, strlen(prefix), err);

	if (copy == NULL)
		return false;
	mapping->prefix = copy;
	return true;
}

const char *
mapping_version(const Mapping *mapping)
{
	return mapping->version;
}

/* ---- what others ask ---- */

size_t
mapping_nsources(const Mapping *mapping)
{
	return mapping->nsources;
}

const char *
mapping_source_name(const Mapping *mapping, size_t index)
{
	return mapping->sources[index].name;
}

static const MappingSource *
mapping_find_source(const Mapping *mapping, const char *name)
{
	for (size_t i = 0; i < mapping->nsources; i++)
		if (strcmp(mapping->sources[i].name, name) == 0)
			return &mapping->sources[i];
	return NULL;
}

size_t
mapping_ntables(const Mapping *mapping, const char *source)
{
	const MappingSource *found = mapping_find_source(mapping, source);

	return found == NULL ? 0 : found->ntables;
}

const MappingTable *
mapping_table(const Mapping *mapping, const char *source, size_t index)
{
	const MappingSource *found = mapping_find_source(mapping, source);

	return found == NULL || index >= found->ntables ? NULL : &found->tables[index];
}

const char *
mapping_table_schema(const MappingTable *table)
{
	return table->schema;
}

const char *
mapping_table_name(const MappingTable *table)
{
	return table->name;
}

const CanonicalEntity *
mapping_table_entity(const MappingTable *table)
{
	return table->entity;
}

const char *const *
mapping_table_columns(const MappingTable *table, size_t *count)
{
	*count = table->ncolumns;
	return table->columns;
}

bool
mapping_column_sensitive(const MappingTable *table, const char *column)
{
	for (size_t i = 0; i < table->nfields; i++)
	{
		const MappingField *field = &table->fields[i];

		if (!field->sensitive &&
			(table->entity == NULL || !table->entity->fields[field->target].pii))
			continue;
		for (size_t j = 0; j < field->nfrom; j++)
			if (strcmp(field->from[j], column) == 0)
				return true;
	}
	return false;
}
