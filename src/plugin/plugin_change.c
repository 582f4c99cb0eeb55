/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin_change — row changes and truncates.
 *
 * Every change is counted, also those of tables that are not sent: a row's ordinal must not
 * depend on the allow-list, or the ids of its events would change with the mapping (P7).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "plugin_priv.h"

static void
send_relation_once(PluginState *state, PluginRelation *entry)
{
	WireWriter *writer = &state->writer;

	if (likely(entry->sent))
		return;
	if (wire_reserve(writer, entry->message_length))
	{
		memcpy(writer->at, entry->message, entry->message_length);
		writer->at += entry->message_length;
	}
	entry->sent = true;
}

static void
put_tuple(PluginState *state, PluginRelation *entry, TupleDesc desc, HeapTuple tuple, bool only_key)
{
	WireWriter *writer = &state->writer;
	Datum *values = state->values;
	bool *nulls = state->nulls;

	heap_deform_tuple(tuple, desc, values, nulls);
	wire_put_row_size(writer, only_key ? entry->nkeys : entry->ncolumns);
	for (int i = 0; i < entry->ncolumns; i++)
	{
		const PluginColumn *column = &entry->columns[i];

		if (only_key && !column->key)
			continue;
		if (nulls[column->attribute])
			wire_put_tag(writer, WIRE_TAG_NULL);
		else
			plugin_value_put(state, column, values[column->attribute]);
	}
}

void
plugin_change_row(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
				  ReorderBufferChange *change)
{
	PluginState *state = ctx->output_plugin_private;
	uint64 ordinal = state->ordinal++;
	PluginRelation *entry = plugin_relation_get(state, relation);
	TupleDesc desc = RelationGetDescr(relation);
	HeapTuple old_tuple = change_tuple(change->data.tp.oldtuple);
	HeapTuple new_tuple = change_tuple(change->data.tp.newtuple);
	WireRow row = {.relation = entry->number, .ordinal = ordinal, .old = WIRE_OLD_NONE};
	MemoryContext before;
	WireKind kind;

	CHECK_FOR_INTERRUPTS();
	if (!entry->mapped)
	{
		plugin_skipped(ctx);
		return;
	}
	switch (change->action)
	{
		case REORDER_BUFFER_CHANGE_INSERT:
			kind = WIRE_INSERT;
			break;
		case REORDER_BUFFER_CHANGE_UPDATE:
			kind = WIRE_UPDATE;
			break;
		case REORDER_BUFFER_CHANGE_DELETE:
			kind = WIRE_DELETE;
			break;
		default:
			elog(ERROR, "unexpected change %d", (int) change->action);
	}
	if (kind != WIRE_DELETE && new_tuple == NULL)
		elog(ERROR, "change of table \"%s\" has no new row", RelationGetRelationName(relation));

	plugin_begin_once(ctx, txn);
	send_relation_once(state, entry);
	if (kind != WIRE_INSERT && old_tuple != NULL)
		row.old = entry->identity == REPLICA_IDENTITY_FULL ? WIRE_OLD_FULL : WIRE_OLD_KEY;
	before = MemoryContextSwitchTo(state->change_context);
	wire_put_row(&state->writer, kind, &row);
	if (row.old != WIRE_OLD_NONE)
		put_tuple(state, entry, desc, old_tuple, row.old == WIRE_OLD_KEY);
	if (kind != WIRE_DELETE)
		put_tuple(state, entry, desc, new_tuple, false);
	MemoryContextSwitchTo(before);
	MemoryContextReset(state->change_context);
	if ((Size) (state->writer.at - state->writer.start) >= state->options.frame_bytes)
		plugin_flush(ctx, false);
}

void
plugin_change_truncate(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, int nrelations,
					   Relation relations[], ReorderBufferChange *change)
{
	PluginState *state = ctx->output_plugin_private;
	uint64 ordinal = state->ordinal;
	WireTruncate truncate = {0};

	state->ordinal += (uint64) nrelations;
	for (int i = 0; i < nrelations; i++)
		truncate.ntables += plugin_relation_get(state, relations[i])->mapped;
	if (truncate.ntables == 0)
	{
		plugin_skipped(ctx);
		return;
	}
	plugin_begin_once(ctx, txn);
	for (int i = 0; i < nrelations; i++)
	{
		PluginRelation *entry = plugin_relation_get(state, relations[i]);

		if (entry->mapped)
			send_relation_once(state, entry);
	}
	if (change->data.truncate.cascade)
		truncate.flags |= WIRE_TRUNCATE_CASCADE;
	if (change->data.truncate.restart_seqs)
		truncate.flags |= WIRE_TRUNCATE_RESTART;
	wire_put_truncate(&state->writer, &truncate);
	for (int i = 0; i < nrelations; i++)
	{
		PluginRelation *entry = plugin_relation_get(state, relations[i]);

		if (entry->mapped)
			wire_put_truncated(&state->writer, entry->number, ordinal + (uint64) i);
		CHECK_FOR_INTERRUPTS();
	}
	if ((Size) (state->writer.at - state->writer.start) >= state->options.frame_bytes)
		plugin_flush(ctx, false);
}
