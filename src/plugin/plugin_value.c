/* SPDX-License-Identifier: PostgreSQL */
/*
 * plugin_value — writes a datum as a value of the wire.
 *
 * Types of fixed width are written from the datum, text is copied once, a numeric from its
 * digits; every other type goes through its output function under pinned settings. A value
 * that lies out of line is never fetched: under a historic snapshot its rows may be gone
 * (R8); it is unchanged.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/date.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/pg_locale.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "plugin_priv.h"

/* How a numeric lies in its datum: unchanged since 9.1, private to the server's numeric.c. The
 * regression suite compares against numeric_out. */
#define NUMERIC_KIND_MASK	 0xC000
#define NUMERIC_SHORT		 0x8000
#define NUMERIC_SPECIAL		 0xC000
#define NUMERIC_SPECIAL_MASK 0xF000
#define NUMERIC_NAN_BITS	 0xC000
#define NUMERIC_PINF_BITS	 0xD000
#define NUMERIC_NEGATIVE	 0x4000
#define NUMERIC_DSCALE_MASK	 0x3FFF
#define SHORT_NEGATIVE		 0x2000
#define SHORT_DSCALE_MASK	 0x1F80
#define SHORT_DSCALE_SHIFT	 7
#define SHORT_WEIGHT_SIGN	 0x0040
#define SHORT_WEIGHT_MASK	 0x003F

/* Signs of WireNumeric. */
enum
{
	SIGN_PLUS,
	SIGN_MINUS,
	SIGN_NAN,
	SIGN_PLUS_INFINITY,
	SIGN_MINUS_INFINITY,
};

static const struct
{
	PluginForm form;
	WireType type;
	Oid oid;
} direct_forms[] = {
	{FORM_BOOL, WIRE_TYPE_BOOLEAN, BOOLOID},
	{FORM_INT2, WIRE_TYPE_INTEGER, INT2OID},
	{FORM_INT4, WIRE_TYPE_INTEGER, INT4OID},
	{FORM_INT8, WIRE_TYPE_INTEGER, INT8OID},
	{FORM_OID, WIRE_TYPE_INTEGER, OIDOID},
	{FORM_FLOAT4, WIRE_TYPE_FLOAT, FLOAT4OID},
	{FORM_FLOAT8, WIRE_TYPE_FLOAT, FLOAT8OID},
	{FORM_NUMERIC, WIRE_TYPE_NUMERIC, NUMERICOID},
	{FORM_BYTEA, WIRE_TYPE_BYTES, BYTEAOID},
	{FORM_DATE, WIRE_TYPE_DATE, DATEOID},
	{FORM_TIME, WIRE_TYPE_TIME, TIMEOID},
	{FORM_TIMESTAMP, WIRE_TYPE_TIMESTAMP, TIMESTAMPOID},
	{FORM_TIMESTAMPTZ, WIRE_TYPE_TIMESTAMPTZ, TIMESTAMPTZOID},
	{FORM_UUID, WIRE_TYPE_UUID, UUIDOID},
	{FORM_NAME, WIRE_TYPE_TEXT, NAMEOID},
};

WireType
plugin_value_form(Oid base_type, PluginColumn *column)
{
	MemoryContext context = column->output.fn_mcxt;
	Oid function;
	bool varlena;

	for (Size i = 0; i < lengthof(direct_forms); i++)
	{
		if (direct_forms[i].oid == base_type)
		{
			column->form = direct_forms[i].form;
			return direct_forms[i].type;
		}
	}
	getTypeOutputInfo(base_type, &function, &varlena);
	fmgr_info_cxt(function, &column->output, context);
	/* Text by whatever name: its output function says that it is stored as it is printed. */
	if (column->output.fn_addr == textout || column->output.fn_addr == varcharout ||
		column->output.fn_addr == bpcharout || column->output.fn_addr == json_out)
		column->form = FORM_TEXT;
	else if (column->output.fn_addr == enum_out)
		column->form = FORM_ENUM;
	else
		column->form = FORM_OUTPUT;
	return WIRE_TYPE_TEXT;
}

WireText
plugin_value_utf8(const PluginState *state, const char *text, Size length)
{
	char *converted;

	if (likely(!state->convert))
		return (WireText){text, (uint32) length};
	converted = pg_server_to_any(text, (int) length, PG_UTF8);
	if (converted == text)
		return (WireText){text, (uint32) length};
	return (WireText){converted, (uint32) strlen(converted)};
}

/* ---- enums ---- */

static int
compare_labels(const void *a, const void *b)
{
	Oid left = ((const PluginLabel *) a)->oid;
	Oid right = ((const PluginLabel *) b)->oid;

	return left < right ? -1 : left > right;
}

/* Reads the labels of the moment, writes them in the enum's order and keeps them by oid. */
void
plugin_value_labels(PluginState *state, Oid enum_type, PluginColumn *column, WireWriter *writer)
{
	MemoryContext context = column->output.fn_mcxt;
	int capacity = 16;
	PluginLabel *labels = MemoryContextAlloc(context, sizeof(PluginLabel) * capacity);
	ScanKeyData key;
	Relation enums = table_open(EnumRelationId, AccessShareLock);
	Relation index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple tuple;
	int n = 0;

	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(enum_type));
	scan = systable_beginscan_ordered(enums, index, NULL, 1, &key);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(tuple);
		WireText text =
			plugin_value_utf8(state, NameStr(label->enumlabel), strlen(NameStr(label->enumlabel)));
		char *copy = MemoryContextAlloc(context, Max(text.length, 1));

		if (n == capacity)
		{
			capacity *= 2;
			labels = repalloc(labels, sizeof(PluginLabel) * capacity);
		}
		memcpy(copy, text.data, text.length);
		labels[n++] = (PluginLabel){label->oid, text.length, copy};
		wire_put_text(writer, text);
		CHECK_FOR_INTERRUPTS();
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(enums, AccessShareLock);
	if (n > WIRE_MAX_LABELS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("goldpan cannot describe enum %s: it has more than %d labels",
							   format_type_be(enum_type), WIRE_MAX_LABELS)));
	qsort(labels, n, sizeof(PluginLabel), compare_labels);
	column->nlabels = (uint32) n;
	column->labels = labels;
}

/* ---- pinned settings ---- */

/* The settings that output functions obey, for the rest of this transaction: the server ends
 * it by a rollback, which brings the session's own values back, in a walsender as in a SQL
 * session, after an error as without one. */
static void
pin_settings(PluginState *state)
{
	static const struct
	{
		const char *name;
		const char *value;
	} settings[] = {
		{"datestyle", "ISO, MDY"},	   {"intervalstyle", "iso_8601"}, {"extra_float_digits", "3"},
		{"bytea_output", "hex"},	   {"timezone", "UTC"},			  {"lc_monetary", "C"},
		{"search_path", "pg_catalog"},
	};

	state->pinned = true;
	if (DateStyle == USE_ISO_DATES && IntervalStyle == INTSTYLE_ISO_8601 &&
		extra_float_digits == 3 && bytea_output == BYTEA_OUTPUT_HEX &&
		strcmp(pg_get_timezone_name(session_timezone), "UTC") == 0 &&
		strcmp(locale_monetary, "C") == 0 && strcmp(namespace_search_path, "pg_catalog") == 0)
		return;
	for (Size i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i].name, settings[i].value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_LOCAL, true, 0, false);
}

/* ---- values ---- */

static void
put_string(PluginState *state, WireTag tag, const char *data, Size length)
{
	WireWriter *writer = &state->writer;

	if (unlikely(length > state->options.max_value_bytes ||
				 (Size) (writer->at - writer->start) + length > PLUGIN_FRAME_CEILING))
		wire_put_withheld(writer, WIRE_WITHHELD_TOO_LARGE, length);
	else
		wire_put_string(writer, tag, data, (uint32) length);
}

static void
put_text(PluginState *state, const char *data, Size length)
{
	if (unlikely(state->convert) && length <= state->options.max_value_bytes)
	{
		WireText text = plugin_value_utf8(state, data, length);

		data = text.data;
		length = text.length;
	}
	put_string(state, WIRE_TAG_TEXT, data, length);
}

/* The value inline and uncompressed, with a header of one or four bytes. NULL: it was written
 * already, as unchanged or withheld. */
static struct varlena *
fetch_varlena(PluginState *state, Datum value)
{
	struct varlena *datum = (struct varlena *) DatumGetPointer(value);
	Size raw;

	/* A pointer to elsewhere has a short header too. */
	if (likely(!VARATT_IS_EXTENDED(datum) ||
			   (VARATT_IS_SHORT(datum) && !VARATT_IS_EXTERNAL(datum))))
		return datum;
	if (VARATT_IS_EXTERNAL_ONDISK(datum))
	{
		wire_put_tag(&state->writer, WIRE_TAG_UNCHANGED);
		return NULL;
	}
	raw = toast_raw_datum_size(value) - VARHDRSZ;
	if (raw > state->options.max_value_bytes)
	{
		wire_put_withheld(&state->writer, WIRE_WITHHELD_TOO_LARGE, raw);
		return NULL;
	}
	return pg_detoast_datum_packed(datum);
}

static void
put_numeric(PluginState *state, Datum value)
{
	struct varlena *datum = fetch_varlena(state, value);
	WireNumeric numeric = {0};
	const char *data;
	uint16 header;
	Size size;

	if (datum == NULL)
		return;
	data = VARDATA_ANY(datum);
	size = VARSIZE_ANY_EXHDR(datum);
	memcpy(&header, data, sizeof(header));
	data += sizeof(header);
	size -= sizeof(header);
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_SPECIAL)
	{
		uint16 special = header & NUMERIC_SPECIAL_MASK;

		numeric.sign = special == NUMERIC_NAN_BITS	  ? SIGN_NAN
					   : special == NUMERIC_PINF_BITS ? SIGN_PLUS_INFINITY
													  : SIGN_MINUS_INFINITY;
		size = 0;
	}
	else if ((header & NUMERIC_KIND_MASK) == NUMERIC_SHORT)
	{
		numeric.sign = (header & SHORT_NEGATIVE) ? SIGN_MINUS : SIGN_PLUS;
		numeric.dscale = (header & SHORT_DSCALE_MASK) >> SHORT_DSCALE_SHIFT;
		numeric.weight = (int16) ((header & SHORT_WEIGHT_SIGN ? ~SHORT_WEIGHT_MASK : 0) |
								  (header & SHORT_WEIGHT_MASK));
	}
	else
	{
		numeric.sign = (header & NUMERIC_NEGATIVE) ? SIGN_MINUS : SIGN_PLUS;
		numeric.dscale = header & NUMERIC_DSCALE_MASK;
		memcpy(&numeric.weight, data, sizeof(numeric.weight));
		data += sizeof(numeric.weight);
		size -= sizeof(numeric.weight);
	}
	numeric.ndigits = (uint16) (size / sizeof(uint16));
	wire_put_numeric(&state->writer, &numeric, data);
}

static void
put_enum(PluginState *state, const PluginColumn *column, Oid value)
{
	uint32 low = 0, high = column->nlabels;
	char *label;

	while (low < high)
	{
		uint32 middle = (low + high) / 2;
		const PluginLabel *found = &column->labels[middle];

		if (found->oid == value)
		{
			wire_put_string(&state->writer, WIRE_TAG_TEXT, found->utf8, found->length);
			return;
		}
		if (found->oid < value)
			low = middle + 1;
		else
			high = middle;
	}
	/* Not in the list: let the server say what it is, or that it is nothing. */
	label = OutputFunctionCall(unconstify(FmgrInfo *, &column->output), ObjectIdGetDatum(value));
	put_text(state, label, strlen(label));
}

static void
put_output(PluginState *state, const PluginColumn *column, Datum value)
{
	char *text;

	if (column->varlena)
	{
		struct varlena *datum = fetch_varlena(state, value);

		if (datum == NULL)
			return;
		value = PointerGetDatum(datum);
	}
	if (!state->pinned)
		pin_settings(state);
	text = OutputFunctionCall(unconstify(FmgrInfo *, &column->output), value);
	put_text(state, text, strlen(text));
}

static void
put_varlena(PluginState *state, PluginForm form, Datum value)
{
	struct varlena *datum = fetch_varlena(state, value);

	if (datum == NULL)
		return;
	if (form == FORM_BYTEA)
		put_string(state, WIRE_TAG_BYTES, VARDATA_ANY(datum), VARSIZE_ANY_EXHDR(datum));
	else
		put_text(state, VARDATA_ANY(datum), VARSIZE_ANY_EXHDR(datum));
}

void
plugin_value_put(PluginState *state, const PluginColumn *column, Datum value)
{
	WireWriter *writer = &state->writer;
	char *name;

	switch (column->form)
	{
		case FORM_BOOL:
			wire_put_tag(writer, DatumGetBool(value) ? WIRE_TAG_TRUE : WIRE_TAG_FALSE);
			break;
		case FORM_INT2:
			wire_put_tag16(writer, WIRE_TAG_INT2, (uint16) DatumGetInt16(value));
			break;
		case FORM_INT4:
			wire_put_tag32(writer, WIRE_TAG_INT4, (uint32) DatumGetInt32(value));
			break;
		case FORM_INT8:
			wire_put_tag64(writer, WIRE_TAG_INT8, (uint64) DatumGetInt64(value));
			break;
		case FORM_OID:
			wire_put_tag32(writer, WIRE_TAG_OID, DatumGetObjectId(value));
			break;
		case FORM_FLOAT4:
			wire_put_tag32(writer, WIRE_TAG_FLOAT4, DatumGetUInt32(value));
			break;
		case FORM_FLOAT8:
			wire_put_tag64(writer, WIRE_TAG_FLOAT8, (uint64) DatumGetInt64(value));
			break;
		case FORM_DATE:
			wire_put_tag32(writer, WIRE_TAG_DATE, (uint32) DatumGetDateADT(value));
			break;
		case FORM_TIME:
			wire_put_tag64(writer, WIRE_TAG_TIME, (uint64) DatumGetTimeADT(value));
			break;
		case FORM_TIMESTAMP:
			wire_put_tag64(writer, WIRE_TAG_TIMESTAMP, (uint64) DatumGetTimestamp(value));
			break;
		case FORM_TIMESTAMPTZ:
			wire_put_tag64(writer, WIRE_TAG_TIMESTAMPTZ, (uint64) DatumGetTimestampTz(value));
			break;
		case FORM_UUID:
			wire_put_uuid(writer, DatumGetUUIDP(value)->data);
			break;
		case FORM_NUMERIC:
			put_numeric(state, value);
			break;
		case FORM_NAME:
			name = NameStr(*DatumGetName(value));
			put_text(state, name, strlen(name));
			break;
		case FORM_ENUM:
			put_enum(state, column, DatumGetObjectId(value));
			break;
		case FORM_TEXT:
		case FORM_BYTEA:
			put_varlena(state, column->form, value);
			break;
		case FORM_OUTPUT:
			put_output(state, column, value);
			break;
	}
}
