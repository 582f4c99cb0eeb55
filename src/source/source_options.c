/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_options.c — what the plugin is asked to send.
 *
 * The allow-list of tables and columns, quoted twice: as SQL identifiers for the plugin, and
 * as a string of the replication grammar for the command that carries it.
 */
#include "source_priv.h"

#include <stdio.h>

static bool
source_options_quote(const char *name, Buffer *out, Err *err)
{
	if (!buffer_append_byte(out, '"', err))
		return false;
	for (const char *at = name; *at != '\0'; at++)
		if ((*at == '"' && !buffer_append_byte(out, '"', err)) ||
			!buffer_append_byte(out, (uint8_t) *at, err))
			return false;
	return buffer_append_byte(out, '"', err);
}

bool
source_options_allow_list(const SourceTable *tables, size_t ntables, Buffer *out, Err *err)
{
	for (size_t i = 0; i < ntables; i++)
	{
		const SourceTable *table = &tables[i];

		if ((i > 0 && !buffer_append_byte(out, ',', err)) ||
			!source_options_quote(table->schema, out, err) || !buffer_append_byte(out, '.', err) ||
			!source_options_quote(table->name, out, err) || !buffer_append_byte(out, '(', err))
			return false;
		for (size_t j = 0; j < table->ncolumns; j++)
			if ((j > 0 && !buffer_append_byte(out, ',', err)) ||
				!source_options_quote(table->columns[j], out, err))
				return false;
		if (!buffer_append_byte(out, ')', err))
			return false;
	}
	return true;
}

/* Commutative over tables and over columns: the order in which they are listed changes
 * nothing that is sent. */
uint64_t
source_stream_config_hash(const SourceTable *tables, size_t ntables)
{
	uint64_t sum = WIRE_PROTOCOL_VERSION;

	for (size_t i = 0; i < ntables; i++)
	{
		uint64_t columns = 0;
		uint64_t table;

		for (size_t j = 0; j < tables[i].ncolumns; j++)
			columns += source_relation_hash_bytes(SOURCE_HASH_START, tables[i].columns[j],
												  strlen(tables[i].columns[j]));
		table = source_relation_hash_bytes(SOURCE_HASH_START, tables[i].schema,
										   strlen(tables[i].schema) + 1);
		table = source_relation_hash_bytes(table, tables[i].name, strlen(tables[i].name) + 1);
		sum += source_relation_hash_bytes(table, &columns, sizeof(columns));
	}
	return source_relation_hash_bytes(SOURCE_HASH_START, &sum, sizeof(sum));
}

bool
source_options_start(const char *slot, const SourceTable *tables, size_t ntables, Lsn start,
					 Buffer *out, Err *err)
{
	char lsn[LSN_TEXT_SIZE];
	Buffer list;
	bool ok;

	buffer_init(&list, SOURCE_COMMAND_CEILING);
	ok = source_options_allow_list(tables, ntables, &list, err) &&
		 buffer_printf(out, err,
					   "START_REPLICATION SLOT \"%s\" LOGICAL %s (\"protocol\" '%d', "
					   "\"tables\" '",
					   slot, lsn_format(start, lsn), WIRE_PROTOCOL_VERSION);
	/* the replication grammar's strings know '' and nothing else: libpq's E'' would not do */
	for (size_t i = 0; ok && i < list.length; i++)
		ok = (list.data[i] != '\'' || buffer_append_byte(out, '\'', err)) &&
			 buffer_append_byte(out, list.data[i], err);
	ok = ok && buffer_append_text(out, "')", err) && buffer_append_byte(out, 0, err);
	buffer_release(&list);
	return ok;
}
