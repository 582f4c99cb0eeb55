/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin_frames — goldpan.frames(bytea): a frame as rows that a person can read.
 *
 * For tests and for looking at a slot by hand. Reads any bytes through the streamer's own
 * bounded reader. Names are printed where the frame itself describes the table, numbers
 * otherwise.
 */
#include "postgres.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "goldpan/wire.h"

PG_FUNCTION_INFO_V1(goldpan_frames);
extern PGDLLEXPORT Datum goldpan_frames(PG_FUNCTION_ARGS);

#define FRAME_COLUMNS 5

/* A table that this frame describes. */
typedef struct FrameTable
{
	uint32 number;
	char *name;
	uint32 ncolumns;
	char **columns;
	bool *keys;
} FrameTable;

typedef struct FramePrinter
{
	WireReader reader;
	WireMessage message;
	ReturnSetInfo *result;
	List *tables;
	int nmessages;
	StringInfoData detail;
	const char *relation;
	bool has_ordinal;
	int64 ordinal;
} FramePrinter;

static const char *const type_names[WIRE_NTYPES] = {
	"boolean", "integer", "float",	   "numeric",	  "text", "bytes",
	"date",	   "time",	  "timestamp", "timestamptz", "uuid",
};

static char *
frame_text(const char *data, uint32 length)
{
	return pg_any_to_server(pnstrdup(data, length), (int) length, PG_UTF8);
}

static void
frame_error(FramePrinter *printer)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED), errmsg("invalid goldpan frame"),
			 errdetail("At byte %d: %s.", (int) (printer->reader.at - printer->reader.start) + 1,
					   printer->reader.error)));
}

static void
frame_check(FramePrinter *printer, bool ok)
{
	if (!ok)
		frame_error(printer);
}

static const FrameTable *
frame_table(FramePrinter *printer, uint32 number)
{
	ListCell *cell;

	foreach (cell, printer->tables)
	{
		FrameTable *table = lfirst(cell);

		if (table->number == number)
			return table;
	}
	return NULL;
}

/* ---- values ---- */

static void
print_quoted(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '\'');
	for (; *text != '\0'; text++)
	{
		if (*text == '\'')
			appendStringInfoChar(out, '\'');
		appendStringInfoChar(out, *text);
	}
	appendStringInfoChar(out, '\'');
}

static void
print_hex(StringInfo out, const uint8 *bytes, uint32 length)
{
	appendStringInfoString(out, "\\x");
	for (uint32 i = 0; i < length; i++)
		appendStringInfo(out, "%02x", bytes[i]);
}

/* Through the server's own type: its receive function takes big-endian digits as the wire's. */
static void
print_numeric(StringInfo out, const WireNumeric *numeric)
{
	static const uint16 signs[] = {0x0000, 0x4000, 0xC000, 0xD000, 0xF000};
	StringInfoData bytes;
	Datum value;

	initStringInfo(&bytes);
	pq_sendint16(&bytes, numeric->ndigits);
	pq_sendint16(&bytes, (uint16) numeric->weight);
	pq_sendint16(&bytes, signs[numeric->sign]);
	pq_sendint16(&bytes, numeric->dscale);
	appendBinaryStringInfo(&bytes, (const char *) numeric->digits, 2 * numeric->ndigits);
	value = DirectFunctionCall3(numeric_recv, PointerGetDatum(&bytes), ObjectIdGetDatum(InvalidOid),
								Int32GetDatum(-1));
	appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out, value)));
}

/* Infinities by name: the reader has made them the ends of the range. */
static void
print_instant(StringInfo out, const WireValue *value)
{
	int64 x = value->as.integer;
	Datum text;

	if (x == PG_INT64_MAX || x == PG_INT64_MIN)
	{
		appendStringInfoString(out, x < 0 ? "-infinity" : "infinity");
		return;
	}
	switch ((WireType) value->type)
	{
		case WIRE_TYPE_DATE:
			text = DirectFunctionCall1(date_out, DateADTGetDatum((DateADT) (x - WIRE_EPOCH_DAYS)));
			break;
		case WIRE_TYPE_TIMESTAMP:
			text =
				DirectFunctionCall1(timestamp_out, TimestampGetDatum(x - WIRE_EPOCH_MICROSECONDS));
			break;
		default:
			text = DirectFunctionCall1(timestamptz_out,
									   TimestampTzGetDatum(x - WIRE_EPOCH_MICROSECONDS));
			break;
	}
	appendStringInfoString(out, DatumGetCString(text));
}

static void
print_time(StringInfo out, int64 time)
{
	if (time < 0 || time > USECS_PER_DAY)
		appendStringInfo(out, INT64_FORMAT, time);
	else
		appendStringInfoString(
			out, DatumGetCString(DirectFunctionCall1(time_out, TimeADTGetDatum(time))));
}

static void
print_present(StringInfo out, const WireValue *value)
{
	pg_uuid_t uuid;

	switch ((WireType) value->type)
	{
		case WIRE_TYPE_BOOLEAN:
			appendStringInfoString(out, value->as.boolean ? "true" : "false");
			break;
		case WIRE_TYPE_INTEGER:
			appendStringInfo(out, INT64_FORMAT, value->as.integer);
			break;
		case WIRE_TYPE_FLOAT:
			appendStringInfoString(out, float8out_internal(value->as.real));
			break;
		case WIRE_TYPE_NUMERIC:
			print_numeric(out, &value->as.numeric);
			break;
		case WIRE_TYPE_TEXT:
			print_quoted(out, frame_text(value->as.text, value->length));
			break;
		case WIRE_TYPE_BYTES:
			print_hex(out, value->as.bytes, value->length);
			break;
		case WIRE_TYPE_DATE:
		case WIRE_TYPE_TIMESTAMP:
		case WIRE_TYPE_TIMESTAMPTZ:
			print_instant(out, value);
			break;
		case WIRE_TYPE_TIME:
			print_time(out, value->as.integer);
			break;
		case WIRE_TYPE_UUID:
			memcpy(uuid.data, value->as.bytes, sizeof(uuid.data));
			appendStringInfoString(
				out, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&uuid))));
			break;
		case WIRE_NTYPES:
			break;
	}
}

static void
print_value(StringInfo out, const WireValue *value)
{
	switch ((WireState) value->state)
	{
		case WIRE_STATE_NULL:
			appendStringInfoString(out, "null");
			break;
		case WIRE_STATE_UNCHANGED:
			appendStringInfoString(out, "unchanged");
			break;
		case WIRE_STATE_WITHHELD:
			appendStringInfo(out, "withheld(%s, %u bytes)",
							 value->type == WIRE_WITHHELD_POLICY ? "policy" : "too large",
							 value->length);
			break;
		case WIRE_STATE_PRESENT:
			appendStringInfo(out, "%s ", type_names[value->type]);
			print_present(out, value);
			break;
	}
}

/* ---- messages ---- */

static void
print_row(FramePrinter *printer, const char *title, bool only_key)
{
	const FrameTable *table = frame_table(printer, printer->message.as.row.relation);
	WireValue value;
	uint32 n, column = 0;

	appendStringInfo(&printer->detail, "%s%s (", printer->detail.len > 0 ? " " : "", title);
	frame_check(printer, wire_read_row_size(&printer->reader, &n));
	for (uint32 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		frame_check(printer, wire_read_value(&printer->reader, &value));
		if (i > 0)
			appendStringInfoString(&printer->detail, ", ");
		while (table != NULL && only_key && column < table->ncolumns && !table->keys[column])
			column++;
		if (table != NULL && column < table->ncolumns)
			appendStringInfo(&printer->detail, "%s: ", table->columns[column]);
		column++;
		print_value(&printer->detail, &value);
	}
	appendStringInfoChar(&printer->detail, ')');
}

static const char *
frame_table_name(FramePrinter *printer, uint32 number)
{
	const FrameTable *table = frame_table(printer, number);

	return table != NULL ? table->name : psprintf("#%u", number);
}

static void
print_change(FramePrinter *printer)
{
	const WireRow *row = &printer->message.as.row;
	WireOld old = row->old;

	printer->relation = frame_table_name(printer, row->relation);
	printer->has_ordinal = true;
	printer->ordinal = (int64) row->ordinal;
	if (old != WIRE_OLD_NONE)
		print_row(printer, old == WIRE_OLD_KEY ? "key" : "old", old == WIRE_OLD_KEY);
	if (printer->message.kind != WIRE_DELETE)
		print_row(printer, "new", false);
	else if (old == WIRE_OLD_NONE)
		appendStringInfoString(&printer->detail, "no identity");
}

static void
print_column(FramePrinter *printer, FrameTable *table)
{
	static const char *const flag_names[] = {" key", " primary key", " not null"};
	StringInfo out = &printer->detail;
	WireColumn column;
	WireText label;
	char *schema, *type, *base;

	frame_check(printer, wire_read_column(&printer->reader, &column));
	table->columns[table->ncolumns] = frame_text(column.name.data, column.name.length);
	table->keys[table->ncolumns] = (column.flags & WIRE_COLUMN_KEY) != 0;
	schema = frame_text(column.type_schema.data, column.type_schema.length);
	type = frame_text(column.type_name.data, column.type_name.length);
	base = frame_text(column.base_type.data, column.base_type.length);
	appendStringInfo(out, "; %s %s.%s", table->columns[table->ncolumns], schema, type);
	table->ncolumns++;
	if (strcmp(type, base) != 0)
		appendStringInfo(out, " over %s", base);
	if (column.typmod != -1)
		appendStringInfo(out, " typmod %d", column.typmod);
	appendStringInfo(out, " %s", type_names[column.type]);
	for (int i = 0; i < 3; i++)
	{
		if (column.flags & (1 << i))
			appendStringInfoString(out, flag_names[i]);
	}
	for (uint32 i = 0; i < column.nlabels; i++)
	{
		frame_check(printer, wire_read_text(&printer->reader, &label));
		appendStringInfoString(out, i == 0 ? " labels " : ", ");
		print_quoted(out, frame_text(label.data, label.length));
	}
}

static void
print_relation(FramePrinter *printer)
{
	WireRelation relation = printer->message.as.relation;
	FrameTable *table = palloc0(sizeof(FrameTable));

	table->number = relation.number;
	table->name = psprintf("%s.%s", frame_text(relation.schema.data, relation.schema.length),
						   frame_text(relation.name.data, relation.name.length));
	table->columns = palloc(sizeof(char *) * (relation.ncolumns + 1));
	table->keys = palloc(sizeof(bool) * (relation.ncolumns + 1));
	appendStringInfo(&printer->detail, "#%u oid %u identity %c", relation.number, relation.id,
					 relation.replica_identity);
	for (uint32 i = 0; i < relation.ncolumns; i++)
		print_column(printer, table);
	printer->tables = lcons(table, printer->tables);
	printer->relation = table->name;
}

static void
print_transaction(FramePrinter *printer)
{
	const WireTransaction *transaction = &printer->message.as.transaction;

	appendStringInfo(&printer->detail, "xid %u commit %X/%X end %X/%X at %s", transaction->xid,
					 LSN_FORMAT_ARGS(transaction->commit_lsn),
					 LSN_FORMAT_ARGS(transaction->end_lsn),
					 timestamptz_to_str(transaction->commit_time - WIRE_EPOCH_MICROSECONDS));
	if (printer->message.kind == WIRE_COMMIT)
		appendStringInfo(&printer->detail, " changes " UINT64_FORMAT, transaction->changes);
}

static void
print_truncate(FramePrinter *printer)
{
	WireTruncate truncate = printer->message.as.truncate;
	uint32 number;
	uint64 ordinal;

	if (truncate.flags & WIRE_TRUNCATE_CASCADE)
		appendStringInfoString(&printer->detail, "cascade ");
	if (truncate.flags & WIRE_TRUNCATE_RESTART)
		appendStringInfoString(&printer->detail, "restart ");
	for (uint32 i = 0; i < truncate.ntables; i++)
	{
		frame_check(printer, wire_read_truncated(&printer->reader, &number, &ordinal));
		appendStringInfo(&printer->detail, "%s%s at " UINT64_FORMAT, i == 0 ? "" : ", ",
						 frame_table_name(printer, number), ordinal);
	}
}

static void
print_logical(FramePrinter *printer)
{
	const WireLogical *logical = &printer->message.as.logical;

	appendStringInfo(&printer->detail, "%s at %X/%X ",
					 logical->flags & WIRE_LOGICAL_TRANSACTIONAL ? "transactional"
																 : "not transactional",
					 LSN_FORMAT_ARGS(logical->lsn));
	print_quoted(&printer->detail, frame_text(logical->prefix.data, logical->prefix.length));
	appendStringInfoChar(&printer->detail, ' ');
	print_hex(&printer->detail, (const uint8 *) logical->content.data, logical->content.length);
}

static const char *
print_message(FramePrinter *printer)
{
	const WireHello *hello = &printer->message.as.hello;
	const WireOrigin *origin = &printer->message.as.origin;

	switch (printer->message.kind)
	{
		case WIRE_HELLO:
			appendStringInfo(
				&printer->detail, "protocol %u plugin %s server %u encoding %s", hello->protocol,
				frame_text(hello->plugin_version.data, hello->plugin_version.length),
				hello->server_version, frame_text(hello->encoding.data, hello->encoding.length));
			return "hello";
		case WIRE_BEGIN:
			print_transaction(printer);
			return "begin";
		case WIRE_COMMIT:
			print_transaction(printer);
			return "commit";
		case WIRE_ORIGIN:
			appendStringInfo(&printer->detail, "%s at %X/%X",
							 frame_text(origin->name.data, origin->name.length),
							 LSN_FORMAT_ARGS(origin->lsn));
			return "origin";
		case WIRE_RELATION:
			print_relation(printer);
			return "relation";
		case WIRE_INSERT:
			print_change(printer);
			return "insert";
		case WIRE_UPDATE:
			print_change(printer);
			return "update";
		case WIRE_DELETE:
			print_change(printer);
			return "delete";
		case WIRE_TRUNCATE:
			print_truncate(printer);
			return "truncate";
		case WIRE_LOGICAL:
			print_logical(printer);
			return "message";
		case WIRE_END:
		case WIRE_ERROR:
			break;
	}
	return NULL;
}

/* What is printed depends on the frame alone, not on the session's settings. */
static int
pin_printing(void)
{
	int level = NewGUCNestLevel();

	(void) set_config_option("datestyle", "ISO, MDY", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("timezone", "UTC", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	(void) set_config_option("extra_float_digits", "3", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return level;
}

Datum
goldpan_frames(PG_FUNCTION_ARGS)
{
	bytea *frame = PG_GETARG_BYTEA_PP(0);
	FramePrinter printer = {0};
	int level = pin_printing();

	InitMaterializedSRF(fcinfo, 0);
	printer.result = (ReturnSetInfo *) fcinfo->resultinfo;
	initStringInfo(&printer.detail);
	wire_reader_init(&printer.reader, VARDATA_ANY(frame), VARSIZE_ANY_EXHDR(frame));
	while (wire_reader_next(&printer.reader, &printer.message) != WIRE_END)
	{
		Datum values[FRAME_COLUMNS];
		bool nulls[FRAME_COLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		frame_check(&printer, printer.message.kind != WIRE_ERROR);
		resetStringInfo(&printer.detail);
		printer.relation = NULL;
		printer.has_ordinal = false;
		values[0] = Int32GetDatum(++printer.nmessages);
		values[1] = CStringGetTextDatum(print_message(&printer));
		nulls[2] = printer.relation == NULL;
		values[2] = nulls[2] ? (Datum) 0 : CStringGetTextDatum(printer.relation);
		nulls[3] = !printer.has_ordinal;
		values[3] = Int64GetDatum(printer.ordinal);
		values[4] = CStringGetTextDatum(printer.detail.data);
		tuplestore_putvalues(printer.result->setResult, printer.result->setDesc, values, nulls);
	}
	AtEOXact_GUC(false, level);
	return (Datum) 0;
}
