/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin_priv.h — what the plugin's files share.
 *
 * Lifetimes: the state lives as long as the decoding context; a relation's columns until the
 * relation is described anew; the change context is reset after each change.
 */
#ifndef GOLDPAN_PLUGIN_PRIV_H
#define GOLDPAN_PLUGIN_PRIV_H

#include "fmgr.h"
#include "replication/logical.h"
#include "replication/output_plugin.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"

#include "goldpan/wire.h"
#include "plugin_compat.h"

/* No frame grows past this; what would make it is withheld (Y3). */
#define PLUGIN_FRAME_CEILING ((Size) 512 * 1024 * 1024)

/* ---- options ---- */

typedef struct PluginTable
{
	char *schema;
	char *name;
	int ncolumns;
	char **columns;
} PluginTable;

typedef struct PluginOptions
{
	int ntables;
	PluginTable *tables;
	Size frame_bytes;
	Size max_value_bytes;
	bool messages;
	bool local_only; /* origin 'none' */
} PluginOptions;

/* Raises an error that names the option. Allocates in the current context. */
extern void plugin_options_parse(List *options, PluginOptions *result);

/* The table's entry in the allow-list or NULL; names in the database's encoding. */
extern const PluginTable *plugin_options_find(const PluginOptions *options, const char *schema,
											  const char *name);
extern bool plugin_options_has_column(const PluginTable *table, const char *column);

/* ---- relations ---- */

/* How a column's datum becomes a value of the wire. */
typedef enum PluginForm
{
	FORM_BOOL,
	FORM_INT2,
	FORM_INT4,
	FORM_INT8,
	FORM_OID,
	FORM_FLOAT4,
	FORM_FLOAT8,
	FORM_DATE,
	FORM_TIME,
	FORM_TIMESTAMP,
	FORM_TIMESTAMPTZ,
	FORM_UUID,
	FORM_TEXT,	/* varlena of text */
	FORM_BYTEA, /* varlena of bytes */
	FORM_NUMERIC,
	FORM_NAME,
	FORM_ENUM,
	FORM_OUTPUT, /* its output function */
} PluginForm;

typedef struct PluginLabel
{
	Oid oid;
	uint32 length;
	const char *utf8;
} PluginLabel;

typedef struct PluginColumn
{
	int attribute; /* index in the tuple descriptor */
	PluginForm form;
	bool varlena; /* may be stored out of line */
	bool key;
	uint32 nlabels;
	const PluginLabel *labels; /* by oid */
	FmgrInfo output;
} PluginColumn;

typedef struct PluginRelation
{
	Oid relid;		   /* hash key */
	uint64 generation; /* valid while equal to the state's */
	bool mapped;
	bool numbered;
	bool own;  /* numbered under its own name, not that of an ancestor */
	bool sent; /* the reader knows this shape */
	uint32 number;
	char identity;	 /* pg_class.relreplident */
	int nattributes; /* how many leading attributes hold all columns */
	int ncolumns;
	int nkeys;
	PluginColumn *columns;
	Size message_length;
	uint8 *message; /* the relation message */
	MemoryContext context;
} PluginRelation;

#define PLUGIN_TYPE_BITS 4096

typedef struct PluginState
{
	MemoryContext context; /* of the decoding context: lives with the state */
	MemoryContext change_context;
	PluginOptions options;
	bool convert; /* the database's encoding is not UTF-8 */

	HTAB *relations;
	PluginRelation *last; /* most changes are of the table of the one before */
	uint32 nrelations;	  /* numbers given out */
	uint64 generation;	  /* counts the reasons to look at all tables anew; never 0 */
	uint32 types[PLUGIN_TYPE_BITS / 32]; /* a bit for each type's cache hash in use */

	WireWriter writer; /* the frame being filled */
	bool hello_sent;
	bool begun; /* the reader knows of this transaction */
	bool pinned;
	uint64 ordinal; /* of the next change */
	int quiet;		/* changes since the client was last thought of */

	Datum *values;
	bool *nulls;
} PluginState;

extern void plugin_relation_startup(PluginState *state);
extern void plugin_relation_shutdown(PluginState *state);
extern PluginRelation *plugin_relation_lookup(PluginState *state, Relation relation);

static inline PluginRelation *
plugin_relation_get(PluginState *state, Relation relation)
{
	PluginRelation *last = state->last;

	if (likely(last != NULL && last->relid == RelationGetRelid(relation) &&
			   last->generation == state->generation))
		return last;
	return plugin_relation_lookup(state, relation);
}

/* ---- values ---- */

/* Fills how the type is written; says which kind its values have. */
extern WireType plugin_value_form(Oid base_type, PluginColumn *column);
extern void plugin_value_labels(PluginState *state, Oid enum_type, PluginColumn *column,
								WireWriter *writer);
extern void plugin_value_put(PluginState *state, const PluginColumn *column, Datum value);
/* The text in UTF-8; the argument itself when nothing is to be done. */
extern WireText plugin_value_utf8(const PluginState *state, const char *text, Size length);

/* ---- changes ---- */

extern void plugin_change_row(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
							  ReorderBufferChange *change);
extern void plugin_change_truncate(LogicalDecodingContext *ctx, ReorderBufferTXN *txn,
								   int nrelations, Relation relations[],
								   ReorderBufferChange *change);

/* Frames, in plugin.c. */
extern void plugin_begin_once(LogicalDecodingContext *ctx, ReorderBufferTXN *txn);
extern void plugin_flush(LogicalDecodingContext *ctx, bool last);
/* Notes a change that is not sent. */
extern void plugin_skipped(LogicalDecodingContext *ctx);
extern bool plugin_writer_grow(WireWriter *writer, size_t need);

#endif
