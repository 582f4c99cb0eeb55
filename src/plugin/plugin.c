/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin — the output plugin's callbacks, and the frame they fill.
 *
 * Rows are gathered in a buffer of our own over many callbacks and given to the server as one
 * message at commit or at the size limit: a write per row costs more than all the rest.
 * Nothing of a transaction is written before its first mapped change, so filtered
 * transactions are silent; the client is kept informed of progress instead. The plugin does
 * not write, run SQL or open files, and everything it holds belongs to the decoding context,
 * so that an error at any point leaves nothing behind.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "replication/origin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "plugin_priv.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);
extern PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks *cb);

/* After a frame larger than this the buffer is given back. */
#define KEEP_BUFFER ((Size) 1024 * 1024)

#if !SERVER_REPORTS_PROGRESS
#define PROGRESS_INTERVAL 100
#endif

static void plugin_startup(LogicalDecodingContext *ctx, OutputPluginOptions *options, bool is_init);
static void plugin_shutdown(LogicalDecodingContext *ctx);
static void plugin_begin(LogicalDecodingContext *ctx, ReorderBufferTXN *txn);
static void plugin_commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
						  XLogRecPtr commit_lsn);
static void plugin_message(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn,
						   bool transactional, const char *prefix, Size size, const char *content);
static bool plugin_filter_origin(LogicalDecodingContext *ctx, RepOriginId origin);

void
_PG_init(void)
{
	/* Nothing: the server calls _PG_output_plugin_init. */
}

void
_PG_output_plugin_init(OutputPluginCallbacks *cb)
{
	cb->startup_cb = plugin_startup;
	cb->begin_cb = plugin_begin;
	cb->change_cb = plugin_change_row;
	cb->truncate_cb = plugin_change_truncate;
	cb->commit_cb = plugin_commit;
	cb->message_cb = plugin_message;
	cb->filter_by_origin_cb = plugin_filter_origin;
	cb->shutdown_cb = plugin_shutdown;
}

static void
plugin_startup(LogicalDecodingContext *ctx, OutputPluginOptions *options, bool is_init)
{
	PluginState *state;
	MemoryContext before;

	options->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
	options->receive_rewrites = false;
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("goldpan cannot decode a database with encoding SQL_ASCII"),
						errdetail("Such a database does not say in which encoding its text is."),
						errhint("Stream from a database with a known encoding, such as UTF8.")));
	/* A slot being made decodes no changes, and its options are not kept. */
	if (is_init)
		return;

	before = MemoryContextSwitchTo(ctx->context);
	state = palloc0(sizeof(PluginState));
	state->context = ctx->context;
	state->change_context =
		AllocSetContextCreate(ctx->context, "goldpan change", ALLOCSET_DEFAULT_SIZES);
	plugin_options_parse(ctx->output_plugin_options, &state->options);
	state->convert = GetDatabaseEncoding() != PG_UTF8;
	state->values = palloc(sizeof(Datum) * MaxTupleAttributeNumber);
	state->nulls = palloc(sizeof(bool) * MaxTupleAttributeNumber);
	wire_writer_init(&state->writer, NULL, 0);
	state->writer.grow = plugin_writer_grow;
	state->writer.context = state;
	plugin_relation_startup(state);
	ctx->output_plugin_private = state;
	MemoryContextSwitchTo(before);
}

static void
plugin_shutdown(LogicalDecodingContext *ctx)
{
	PluginState *state = ctx->output_plugin_private;

	if (state != NULL)
		plugin_relation_shutdown(state);
	ctx->output_plugin_private = NULL;
}

static bool
plugin_filter_origin(LogicalDecodingContext *ctx, RepOriginId origin)
{
	PluginState *state = ctx->output_plugin_private;

	return state != NULL && state->options.local_only && origin != InvalidRepOriginId;
}

/* ---- frames ---- */

bool
plugin_writer_grow(WireWriter *writer, size_t need)
{
	PluginState *state = writer->context;
	Size used = writer->at - writer->start;
	Size size = Max(used + need, Min(2 * (Size) (writer->end - writer->start), MaxAllocSize));

	size = Max(size, 2 * state->options.frame_bytes);
	if (writer->start == NULL)
		writer->start = MemoryContextAlloc(state->context, size);
	else
		writer->start = repalloc(writer->start, size);
	writer->at = writer->start + used;
	writer->end = writer->start + size;
	return true;
}

void
plugin_flush(LogicalDecodingContext *ctx, bool last)
{
	PluginState *state = ctx->output_plugin_private;
	WireWriter *writer = &state->writer;

	OutputPluginPrepareWrite(ctx, last);
	appendBinaryStringInfo(ctx->out, (char *) writer->start, writer->at - writer->start);
	writer->at = writer->start;
	state->quiet = 0;
	if ((Size) (writer->end - writer->start) > KEEP_BUFFER + 2 * state->options.frame_bytes)
	{
		pfree(writer->start);
		writer->start = writer->at = writer->end = NULL;
	}
	OutputPluginWrite(ctx, last);
}

static void
plugin_hello_once(PluginState *state)
{
	const char *encoding = GetDatabaseEncodingName();
	WireHello hello = {
		.protocol = WIRE_PROTOCOL_VERSION,
		.plugin_version = {GOLDPAN_VERSION, sizeof(GOLDPAN_VERSION) - 1},
		.server_version = PG_VERSION_NUM,
		.encoding = {encoding, strlen(encoding)},
	};

	if (state->hello_sent)
		return;
	hello.server_version =
		(uint32) strtoul(GetConfigOption("server_version_num", false, false), NULL, 10);
	wire_put_hello(&state->writer, &hello);
	state->hello_sent = true;
}

static void
plugin_transaction(ReorderBufferTXN *txn, uint64 changes, WireTransaction *result)
{
	result->xid = txn->xid;
	result->commit_lsn = txn->final_lsn;
	result->end_lsn = txn->end_lsn;
	result->commit_time = txn->xact_time.commit_time + WIRE_EPOCH_MICROSECONDS;
	result->changes = changes;
}

static void
plugin_origin(PluginState *state, ReorderBufferTXN *txn)
{
	WireOrigin origin = {.lsn = txn->origin_lsn};
	MemoryContext before;
	char *name = NULL;

	if (txn->origin_id == InvalidRepOriginId)
		return;
	before = MemoryContextSwitchTo(state->change_context);
	/* The origin may have been dropped since: its changes still came from elsewhere. */
	if (!replorigin_by_oid(txn->origin_id, true, &name))
		name = psprintf("%u", (unsigned) txn->origin_id);
	origin.name = plugin_value_utf8(state, name, strlen(name));
	wire_put_origin(&state->writer, &origin);
	MemoryContextSwitchTo(before);
	MemoryContextReset(state->change_context);
}

void
plugin_begin_once(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	PluginState *state = ctx->output_plugin_private;
	WireTransaction transaction;

	if (likely(state->begun))
		return;
	plugin_hello_once(state);
	plugin_transaction(txn, 0, &transaction);
	wire_put_begin(&state->writer, &transaction);
	state->begun = true;
	plugin_origin(state, txn);
}

static void
plugin_begin(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	PluginState *state = ctx->output_plugin_private;

	state->begun = false;
	state->pinned = false;
	state->ordinal = 0;
}

static void
plugin_commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr commit_lsn)
{
	PluginState *state = ctx->output_plugin_private;
	WireTransaction transaction;

	OutputPluginUpdateProgress(ctx, !state->begun);
	if (!state->begun)
		return;
	plugin_transaction(txn, state->ordinal, &transaction);
	wire_put_commit(&state->writer, &transaction);
	plugin_flush(ctx, true);
	state->begun = false;
}

/* A long transaction of which nothing is sent must not look like a dead server (T13). */
void
plugin_skipped(LogicalDecodingContext *ctx)
{
#if !SERVER_REPORTS_PROGRESS
	PluginState *state = ctx->output_plugin_private;

	if (++state->quiet < PROGRESS_INTERVAL)
		return;
	state->quiet = 0;
	OutputPluginUpdateProgress(ctx, false);
#endif
}

static void
plugin_message(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr lsn,
			   bool transactional, const char *prefix, Size size, const char *content)
{
	PluginState *state = ctx->output_plugin_private;
	WireLogical logical = {
		.flags = transactional ? WIRE_LOGICAL_TRANSACTIONAL : 0,
		.lsn = lsn,
		.content = {content, size},
	};
	MemoryContext before;

	if (!state->options.messages)
		return;
	if (transactional)
		plugin_begin_once(ctx, txn);
	else
		plugin_hello_once(state);
	before = MemoryContextSwitchTo(state->change_context);
	logical.prefix = plugin_value_utf8(state, prefix, strlen(prefix));
	wire_put_logical(&state->writer, &logical);
	MemoryContextSwitchTo(before);
	MemoryContextReset(state->change_context);
	if (!transactional ||
		(Size) (state->writer.at - state->writer.start) >= state->options.frame_bytes)
		plugin_flush(ctx, !transactional);
}
