/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin_relation — what is known of each table: whether it is sent, and how.
 *
 * A table is described from the catalog as it was at the change (the historic snapshot is
 * active in every callback), and described anew when the server says that something of it may
 * have changed. The description's bytes are kept: only a description that differs is sent
 * again. Invalidation callbacks cannot be taken back, so they are registered once per backend
 * and find the cache through a pointer that is reset with the decoding context, also after
 * an error.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "plugin_priv.h"

/* Tables that are not sent are remembered too, but not for ever. */
#define MAX_RELATIONS_KEPT 20000

/* The cache of the decoding context that is running in this backend, if any. */
static PluginState *active_state = NULL;

static void
forget_state(void *state)
{
	if (active_state == state)
		active_state = NULL;
}

static void
relation_invalidated(Datum arg, Oid relid)
{
	PluginRelation *entry;

	if (active_state == NULL)
		return;
	if (!OidIsValid(relid))
	{
		active_state->generation++;
		return;
	}
	entry = hash_search(active_state->relations, &relid, HASH_FIND, NULL);
	if (entry != NULL)
		entry->generation = 0;
}

/* A schema's name or an enum's label: rare enough to look at all tables anew. */
static void
name_invalidated(Datum arg, int cache, uint32 hash)
{
	if (active_state != NULL)
		active_state->generation++;
}

/* Every new table, temporary ones too, brings types of its own: only those that a described
 * column has matter. */
static void
type_invalidated(Datum arg, int cache, uint32 hash)
{
	uint32 bit = hash % PLUGIN_TYPE_BITS;

	if (active_state != NULL &&
		(hash == 0 || (active_state->types[bit / 32] & (UINT32_C(1) << bit % 32)) != 0))
		active_state->generation++;
}

static void
note_type(PluginState *state, Oid type)
{
	uint32 bit = GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type)) % PLUGIN_TYPE_BITS;

	state->types[bit / 32] |= UINT32_C(1) << bit % 32;
}

static void
register_callbacks(void)
{
	static bool registered = false;

	if (registered)
		return;
	CacheRegisterRelcacheCallback(relation_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, name_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, type_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, name_invalidated, (Datum) 0);
	registered = true;
}

void
plugin_relation_startup(PluginState *state)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));
	HASHCTL control = {
		.keysize = sizeof(Oid),
		.entrysize = sizeof(PluginRelation),
		.hcxt = state->context,
	};

	state->relations =
		hash_create("goldpan relations", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	callback->func = forget_state;
	callback->arg = state;
	MemoryContextRegisterResetCallback(state->context, callback);
	state->generation = 1;
	active_state = state;
	register_callbacks();
}

void
plugin_relation_shutdown(PluginState *state)
{
	forget_state(state);
}

/* ---- describing ---- */

/* The allow-list's entry for the table itself, or for the nearest ancestor of a partition;
 * sets the oid and names under which it is sent. */
static const PluginTable *
find_table(PluginState *state, Relation relation, Oid *relid, const char **schema,
		   const char **name)
{
	const PluginTable *table;
	ListCell *cell;

	*relid = RelationGetRelid(relation);
	*schema = get_namespace_name(RelationGetNamespace(relation));
	*name = RelationGetRelationName(relation);
	if (*schema == NULL)
		return NULL;
	table = plugin_options_find(&state->options, *schema, *name);
	if (table != NULL || !relation->rd_rel->relispartition)
		return table;
	foreach (cell, get_partition_ancestors(RelationGetRelid(relation)))
	{
		*relid = lfirst_oid(cell);
		*schema = get_namespace_name(get_rel_namespace(*relid));
		*name = get_rel_name(*relid);
		if (*schema == NULL || *name == NULL)
			continue;
		table = plugin_options_find(&state->options, *schema, *name);
		if (table != NULL)
			return table;
	}
	return NULL;
}

/* Plain permanent tables only: no catalog, materialized view, or heap that a rewrite fills. */
static bool
is_table_of_data(Relation relation)
{
	char relkind = relation->rd_rel->relkind;

	return (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
		   relation->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		   !OidIsValid(relation->rd_rel->relrewrite) && !IsCatalogRelation(relation) &&
		   !IsToastRelation(relation);
}

static Bitmapset *
index_attributes(Oid index_oid)
{
	Bitmapset *attributes = NULL;
	Relation index;

	if (!OidIsValid(index_oid))
		return NULL;
	index = RelationIdGetRelation(index_oid);
	if (!RelationIsValid(index))
		return NULL;
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		int attnum = index->rd_index->indkey.values[i];

		if (attnum > 0)
			attributes = bms_add_member(attributes, attnum);
	}
	RelationClose(index);
	return attributes;
}

static void
describe_column(PluginState *state, Form_pg_attribute attribute, uint8 flags, PluginColumn *column,
				WireWriter *writer)
{
	WireColumn described = {.typmod = attribute->atttypmod, .flags = flags};
	Oid base = getBaseTypeAndTypmod(attribute->atttypid, &described.typmod);
	WireWriter labels;
	HeapTuple tuple;
	Form_pg_type type;
	char *schema;

	column->attribute = attribute->attnum - 1;
	column->varlena = attribute->attlen == -1;
	column->key = (flags & WIRE_COLUMN_KEY) != 0;

	note_type(state, attribute->atttypid);
	note_type(state, base);
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(attribute->atttypid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", attribute->atttypid);
	type = (Form_pg_type) GETSTRUCT(tuple);
	schema = get_namespace_name(type->typnamespace);
	described.name =
		plugin_value_utf8(state, NameStr(attribute->attname), strlen(NameStr(attribute->attname)));
	described.type_name =
		plugin_value_utf8(state, pstrdup(NameStr(type->typname)), strlen(NameStr(type->typname)));
	if (schema != NULL)
		described.type_schema = plugin_value_utf8(state, schema, strlen(schema));
	ReleaseSysCache(tuple);

	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(base));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", base);
	type = (Form_pg_type) GETSTRUCT(tuple);
	described.base_type =
		plugin_value_utf8(state, pstrdup(NameStr(type->typname)), strlen(NameStr(type->typname)));
	ReleaseSysCache(tuple);

	described.type = (uint8) plugin_value_form(base, column);
	/* The labels' bytes follow their count, which only the scan tells. */
	wire_writer_init(&labels, NULL, 0);
	labels.grow = plugin_writer_grow;
	labels.context = state;
	if (column->form == FORM_ENUM)
		plugin_value_labels(state, base, column, &labels);
	described.nlabels = column->nlabels;
	wire_put_column(writer, &described);
	if (labels.at > labels.start && wire_reserve(writer, labels.at - labels.start))
	{
		memcpy(writer->at, labels.start, labels.at - labels.start);
		writer->at += labels.at - labels.start;
	}
	if (labels.start != NULL)
		pfree(labels.start);
}

/* The flags of each attribute that is listed, 0xff for one that is not. */
#define NOT_LISTED 0xff

static int
choose_columns(Relation relation, const PluginTable *table, uint8 *flags)
{
	TupleDesc desc = RelationGetDescr(relation);
	char identity = relation->rd_rel->relreplident;
	Bitmapset *primary = index_attributes(relation_primary_key(relation));
	Bitmapset *key = NULL;
	int listed = 0;

	if (identity == REPLICA_IDENTITY_DEFAULT || identity == REPLICA_IDENTITY_INDEX)
		key = index_attributes(RelationGetReplicaIndex(relation));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		bool in_key = bms_is_member(attribute->attnum, key);

		flags[i] = NOT_LISTED;
		if (attribute->attisdropped ||
			(!in_key && !plugin_options_has_column(table, NameStr(attribute->attname))))
			continue;
		flags[i] = 0;
		if (in_key || identity == REPLICA_IDENTITY_FULL)
			flags[i] |= WIRE_COLUMN_KEY;
		if (bms_is_member(attribute->attnum, primary))
			flags[i] |= WIRE_COLUMN_PRIMARY_KEY;
		if (attribute->attnotnull)
			flags[i] |= WIRE_COLUMN_NOT_NULL;
		listed++;
	}
	return listed;
}

/* A table that was sent bears a name now that nobody asked for: leaving its changes out would
 * lose them silently. */
static void
refuse_renamed(Relation relation)
{
	const char *schema = get_namespace_name(RelationGetNamespace(relation));

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("a table that goldpan sends was renamed to \"%s\".\"%s\", which is not in its "
					"list of tables",
					schema == NULL ? "" : schema, RelationGetRelationName(relation))));
}

static void
describe(PluginState *state, Relation relation, PluginRelation *entry)
{
	TupleDesc desc = RelationGetDescr(relation);
	WireRelation described = {.replica_identity = relation->rd_rel->relreplident};
	const PluginTable *table;
	const char *schema, *name;
	uint8 *flags;
	Oid relid;
	WireWriter writer;

	entry->mapped = false;
	entry->identity = relation->rd_rel->relreplident;
	entry->nattributes = entry->ncolumns = entry->nkeys = 0;
	if (!is_table_of_data(relation))
		return;
	table = find_table(state, relation, &relid, &schema, &name);
	if (table == NULL && entry->own)
		refuse_renamed(relation);
	if (table == NULL)
		return;

	if (!entry->numbered)
	{
		if (state->nrelations == WIRE_MAX_RELATIONS)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("goldpan cannot describe more than %d tables in one session",
								   WIRE_MAX_RELATIONS),
							errhint("Connect again.")));
		entry->number = state->nrelations++;
		entry->numbered = true;
		entry->own = relid == entry->relid;
	}
	flags = palloc(Max(desc->natts, 1));
	described.number = entry->number;
	described.id = relid;
	described.schema = plugin_value_utf8(state, schema, strlen(schema));
	described.name = plugin_value_utf8(state, name, strlen(name));
	described.ncolumns = (uint32) choose_columns(relation, table, flags);
	entry->columns =
		MemoryContextAllocZero(entry->context, sizeof(PluginColumn) * (described.ncolumns + 1));

	wire_writer_init(&writer, NULL, 0);
	writer.grow = plugin_writer_grow;
	writer.context = state;
	wire_put_relation(&writer, &described);
	for (int i = 0; i < desc->natts; i++)
	{
		PluginColumn *column = &entry->columns[entry->ncolumns];

		if (flags[i] == NOT_LISTED)
			continue;
		column->output.fn_mcxt = entry->context;
		describe_column(state, TupleDescAttr(desc, i), flags[i], column, &writer);
		entry->ncolumns++;
		entry->nkeys += column->key;
		entry->nattributes = i + 1;
	}

	if (entry->message_length != (Size) (writer.at - writer.start) ||
		memcmp(entry->message, writer.start, entry->message_length) != 0)
	{
		if (entry->message != NULL)
			pfree(entry->message);
		entry->message_length = writer.at - writer.start;
		entry->message = MemoryContextAlloc(state->context, entry->message_length);
		memcpy(entry->message, writer.start, entry->message_length);
		entry->sent = false;
	}
	pfree(writer.start);
	entry->mapped = true;
}

/* Tables that came, went and were never sent. */
static void
forget_unsent(PluginState *state)
{
	HASH_SEQ_STATUS scan;
	PluginRelation *entry;

	hash_seq_init(&scan, state->relations);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->numbered)
			continue;
		if (entry->context != NULL)
			MemoryContextDelete(entry->context);
		hash_search(state->relations, &entry->relid, HASH_REMOVE, NULL);
	}
}

PluginRelation *
plugin_relation_lookup(PluginState *state, Relation relation)
{
	Oid relid = RelationGetRelid(relation);
	PluginRelation *entry;
	MemoryContext before;
	bool found;

	state->last = NULL;
	if (hash_get_num_entries(state->relations) >= MAX_RELATIONS_KEPT)
		forget_unsent(state);
	entry = hash_search(state->relations, &relid, HASH_ENTER, &found);
	if (!found)
	{
		memset(entry, 0, sizeof(*entry));
		entry->relid = relid;
	}
	if (entry->generation != state->generation)
	{
		if (entry->context != NULL)
			MemoryContextReset(entry->context);
		else
			entry->context =
				AllocSetContextCreate(state->context, "goldpan relation", ALLOCSET_SMALL_SIZES);
		/* An invalidation that arrives while the catalog is read must not be lost. */
		entry->generation = state->generation;
		before = MemoryContextSwitchTo(state->change_context);
		describe(state, relation, entry);
		MemoryContextSwitchTo(before);
		MemoryContextReset(state->change_context);
	}
	state->last = entry;
	return entry;
}
