/* SPDX-License-Identifier: PostgreSQL */
/*
 * stream_config.c — what follows from configuration and mapping: limits, topics, tables.
 */
#include "stream/stream_priv.h"

#include <stdlib.h>
#include <string.h>

void
stream_config_defaults(StreamConfig *config)
{
	config->batch_records = STREAM_BATCH_RECORDS;
	config->batch_size = STREAM_BATCH_SIZE;
	config->batch_age = STREAM_BATCH_AGE;
	config->transaction_records = STREAM_TRANSACTION_RECORDS;
	config->transaction_size = STREAM_TRANSACTION_SIZE;
	config->shutdown_timeout = STREAM_SHUTDOWN_TIMEOUT;
	config->server_shutdown_timeout = STREAM_SERVER_SHUTDOWN_TIMEOUT;
	config->retry_min = STREAM_RETRY_MIN;
	config->retry_max = STREAM_RETRY_MAX;
	config->idle_progress = STREAM_IDLE_PROGRESS;
}

/* ---- topics ---- */

static bool
stream_add_topic(LogTopic *topics, size_t *ntopics, const char *prefix, const char *suffix,
				 TopicKind kind, const char *schema_text, Arena *arena, Err *err)
{
	char *name = arena_printf(arena, err, "%s.%s", prefix, suffix);

	if (name == NULL)
		return false;
	for (size_t i = 0; i < *ntopics; i++)
		if (strcmp(topics[i].name, name) == 0)
			return true;
	topics[(*ntopics)++] = (LogTopic){.name = name, .kind = kind, .schema_text = schema_text};
	return true;
}

bool
stream_topics(const Mapping *mapping, const char *prefix, Arena *arena, LogTopic **topics,
			  size_t *ntopics, Err *err)
{
	size_t most = 2;

	*ntopics = 0;
	for (size_t i = 0; i < mapping_nsources(mapping); i++)
		most += mapping_ntables(mapping, mapping_source_name(mapping, i));
	*topics = arena_zero(arena, most * sizeof(LogTopic), err);
	if (*topics == NULL)
		return false;
	for (size_t i = 0; i < mapping_nsources(mapping); i++)
	{
		const char *source = mapping_source_name(mapping, i);

		for (size_t j = 0; j < mapping_ntables(mapping, source); j++)
		{
			const CanonicalEntity *entity = mapping_table_entity(mapping_table(mapping, source, j));

			if (!stream_add_topic(*topics, ntopics, prefix, entity->name, TOPIC_ENTITY,
								  entity->schema_text, arena, err))
				return false;
		}
	}
	return stream_add_topic(*topics, ntopics, prefix, "dead_letter", TOPIC_DEAD_LETTER,
							encode_own_schema("dead_letter"), arena, err) &&
		   stream_add_topic(*topics, ntopics, prefix, "snapshot", TOPIC_SNAPSHOT,
							encode_own_schema("snapshot"), arena, err);
}

uint16_t
stream_topic_index(const LogTopic *topics, size_t ntopics, const char *suffix)
{
	for (size_t i = 0; i < ntopics; i++)
	{
		const char *dot = strrchr(topics[i].name, '.');

		if (dot != NULL && strcmp(dot + 1, suffix) == 0)
			return (uint16_t) i;
	}
	return 0;
}

/* ---- tables ---- */

static bool
stream_has_column(const SourceTable *table, const char *column)
{
	for (size_t i = 0; i < table->ncolumns; i++)
		if (strcmp(table->columns[i], column) == 0)
			return true;
	return false;
}

/* Adds the columns of one mapped table that are not there yet. */
static bool
stream_add_columns(SourceTable *to, const MappingTable *from, Arena *arena, Err *err)
{
	size_t count;
	const char *const *columns = mapping_table_columns(from, &count);
	const char **merged = arena_alloc(arena, (to->ncolumns + count + 1) * sizeof(char *), err);

	if (merged == NULL)
		return false;
	for (size_t i = 0; i < to->ncolumns; i++)
		merged[i] = to->columns[i];
	to->columns = merged;
	for (size_t i = 0; i < count; i++)
		if (!stream_has_column(to, columns[i]))
			merged[to->ncolumns++] = columns[i];
	return true;
}

bool
stream_source_tables(const Mapping *mapping, const char *source, Arena *arena, SourceTable **tables,
					 size_t *ntables, Err *err)
{
	size_t count = mapping_ntables(mapping, source);

	*ntables = 0;
	*tables = arena_zero(arena, (count + 1) * sizeof(SourceTable), err);
	if (*tables == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		const MappingTable *table = mapping_table(mapping, source, i);
		const char *schema = mapping_table_schema(table);
		const char *name = mapping_table_name(table);
		size_t at = 0;

		while (at < *ntables &&
			   (strcmp((*tables)[at].schema, schema) != 0 || strcmp((*tables)[at].name, name) != 0))
			at++;
		if (at == *ntables)
			(*tables)[(*ntables)++] = (SourceTable){.schema = schema, .name = name};
		if (!stream_add_columns(&(*tables)[at], table, arena, err))
			return false;
	}
	return true;
}

/* ---- names ---- */

/* Quoted as quote_ident does, but for keywords: the text names a table for people. */
static char *
stream_quote(Arena *arena, const char *name, Err *err)
{
	bool plain = name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z');
	size_t length = strlen(name);
	char *text;
	char *to;

	for (const char *c = name; *c != '\0'; c++)
		plain = plain && (*c == '_' || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9'));
	if (plain)
		return arena_text(arena, name, length, err);
	text = arena_alloc(arena, 2 * length + 3, err);
	if (text == NULL)
		return NULL;
	to = text;
	*to++ = '"';
	for (const char *c = name; *c != '\0'; c++)
	{
		if (*c == '"')
			*to++ = '"';
		*to++ = *c;
	}
	*to++ = '"';
	*to = '\0';
	return text;
}

char *
stream_table_text(Arena *arena, const char *schema, const char *name, Err *err)
{
	char *quoted_schema = stream_quote(arena, schema, err);
	char *quoted_name = quoted_schema == NULL ? NULL : stream_quote(arena, name, err);

	return quoted_name == NULL ? NULL
							   : arena_printf(arena, err, "%s.%s", quoted_schema, quoted_name);
}

/* A name ends in a letter or a quote, so that "#" cannot belong to it. */
bool
stream_table_noted(const char *noted, const char *table, uint32_t *id)
{
	size_t length = strlen(table);

	*id = 0;
	if (strncmp(noted, table, length) != 0)
		return false;
	if (noted[length] == '#')
		*id = (uint32_t) strtoul(noted + length + 1, NULL, 10);
	return noted[length] == '#' || noted[length] == '\0';
}
