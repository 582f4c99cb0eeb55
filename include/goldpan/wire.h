/* SPDX-License-Identifier: PostgreSQL */
/*
 * wire.h — the plugin's protocol, for both of its sides.
 *
 * src/wire/PROTOCOL.md is the specification. Pure C, no allocation, no I/O: the server's side
 * compiles it beside postgres.h, the streamer's side without. Numbers of states, kinds and old
 * rows equal those of goldpan/model.h.
 */
#ifndef GOLDPAN_WIRE_H
#define GOLDPAN_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PROTOCOL_VERSION 1
#define WIRE_MAX_COLUMNS	  1600
#define WIRE_MAX_RELATIONS	  65536
#define WIRE_MAX_LABELS		  65535
#define WIRE_MUST_CHECK		  __attribute__((warn_unused_result))

/* Instants and dates count from 2000-01-01 on the wire, from 1970-01-01 in the structs. */
#define WIRE_EPOCH_DAYS			INT32_C(10957)
#define WIRE_EPOCH_MICROSECONDS INT64_C(946684800000000)

typedef enum WireKind
{
	WIRE_END = 0,	/* the frame is read to its end */
	WIRE_ERROR = 1, /* see WireReader.error; every further read fails */
	WIRE_HELLO = 'H',
	WIRE_BEGIN = 'B',
	WIRE_COMMIT = 'C',
	WIRE_ORIGIN = 'O',
	WIRE_RELATION = 'R',
	WIRE_INSERT = 'I',
	WIRE_UPDATE = 'U',
	WIRE_DELETE = 'D',
	WIRE_TRUNCATE = 'T',
	WIRE_LOGICAL = 'M',
} WireKind;

typedef enum WireTag
{
	WIRE_TAG_NULL = 0,
	WIRE_TAG_UNCHANGED,
	WIRE_TAG_WITHHELD,
	WIRE_TAG_FALSE,
	WIRE_TAG_TRUE,
	WIRE_TAG_INT2,
	WIRE_TAG_INT4,
	WIRE_TAG_INT8,
	WIRE_TAG_OID,
	WIRE_TAG_FLOAT4,
	WIRE_TAG_FLOAT8,
	WIRE_TAG_NUMERIC,
	WIRE_TAG_TEXT,
	WIRE_TAG_BYTES,
	WIRE_TAG_DATE,
	WIRE_TAG_TIME,
	WIRE_TAG_TIMESTAMP,
	WIRE_TAG_TIMESTAMPTZ,
	WIRE_TAG_UUID,
	WIRE_NTAGS,
} WireTag;

typedef enum WireState
{
	WIRE_STATE_NULL = 0,
	WIRE_STATE_PRESENT,
	WIRE_STATE_UNCHANGED,
	WIRE_STATE_WITHHELD,
} WireState;

typedef enum WireType
{
	WIRE_TYPE_BOOLEAN = 0,
	WIRE_TYPE_INTEGER,
	WIRE_TYPE_FLOAT,
	WIRE_TYPE_NUMERIC,
	WIRE_TYPE_TEXT,
	WIRE_TYPE_BYTES,
	WIRE_TYPE_DATE,
	WIRE_TYPE_TIME,
	WIRE_TYPE_TIMESTAMP,
	WIRE_TYPE_TIMESTAMPTZ,
	WIRE_TYPE_UUID,
	WIRE_NTYPES,
} WireType;

typedef enum WireOld
{
	WIRE_OLD_NONE = 0,
	WIRE_OLD_KEY,
	WIRE_OLD_FULL,
} WireOld;
#define WIRE_COLUMN_KEY			   1
#define WIRE_COLUMN_PRIMARY_KEY	   2
#define WIRE_COLUMN_NOT_NULL	   4
#define WIRE_TRUNCATE_CASCADE	   1
#define WIRE_TRUNCATE_RESTART	   2
#define WIRE_LOGICAL_TRANSACTIONAL 1
#define WIRE_WITHHELD_POLICY	   1
#define WIRE_WITHHELD_TOO_LARGE	   2

/* Bytes inside the frame (reading) or of the caller (writing); no terminating zero. */
typedef struct WireText
{
	const char *data;
	uint32_t length;
} WireText;

typedef struct WireHello
{
	uint8_t protocol; /* the reader refuses others than WIRE_PROTOCOL_VERSION */
	WireText plugin_version;
	uint32_t server_version;
	WireText encoding;
} WireHello;

typedef struct WireTransaction
{
	uint32_t xid;
	uint64_t commit_lsn;
	uint64_t end_lsn;
	int64_t commit_time; /* Unix microseconds */
	uint64_t changes;	 /* WIRE_COMMIT only */
} WireTransaction;

typedef struct WireOrigin
{
	uint64_t lsn;
	WireText name;
} WireOrigin;

typedef struct WireRelation
{
	uint32_t number; /* what rows call it */
	uint32_t id;	 /* oid */
	char replica_identity;
	WireText schema;
	WireText name;
	uint32_t ncolumns;
} WireRelation;

typedef struct WireColumn
{
	WireText name;
	WireText type_schema;
	WireText type_name;
	WireText base_type;
	int32_t typmod;
	uint8_t type;  /* WireType */
	uint8_t flags; /* WIRE_COLUMN_* */
	uint32_t nlabels;
} WireColumn;

typedef struct WireRow
{
	uint32_t relation; /* number */
	uint64_t ordinal;
	WireOld old;
} WireRow;

typedef struct WireTruncate
{
	uint8_t flags;
	uint32_t ntables;
} WireTruncate;

typedef struct WireLogical
{
	uint8_t flags;
	uint64_t lsn;
	WireText prefix;
	WireText content; /* any bytes */
} WireLogical;

/* One message's head. What follows is pulled by the caller, all of it, before the next message:
 *   WIRE_RELATION  ncolumns times wire_read_column, each with nlabels times wire_read_text
 *   WIRE_INSERT    wire_read_row_size, that many wire_read_value
 *   WIRE_UPDATE    the same for the old row unless WIRE_OLD_NONE, then for the new row
 *   WIRE_DELETE    the same for the old row unless WIRE_OLD_NONE
 *   WIRE_TRUNCATE  ntables times wire_read_truncated */
typedef struct WireMessage
{
	WireKind kind;
	union
	{
		WireHello hello;
		WireTransaction transaction; /* WIRE_BEGIN, WIRE_COMMIT */
		WireOrigin origin;
		WireRelation relation;
		WireRow row; /* WIRE_INSERT, WIRE_UPDATE, WIRE_DELETE */
		WireTruncate truncate;
		WireLogical logical;
	} as;
} WireMessage;

/* Same layout as NumericValue of goldpan/model.h. */
typedef struct WireNumeric
{
	uint8_t sign; /* 0 plus, 1 minus, 2 NaN, 3 plus infinity, 4 minus infinity */
	uint8_t reserved;
	uint16_t ndigits;
	int16_t weight;
	uint16_t dscale;
	const uint8_t *digits; /* big-endian, each 0..9999 (checked) */
} WireNumeric;

/* Same layout and meaning as Value of goldpan/model.h; dates and instants are Unix ones, those
 * that do not fit and infinities are INT64_MAX and INT64_MIN. */
typedef struct WireValue
{
	uint8_t state;	 /* WireState */
	uint8_t type;	 /* WireType when present; the reason when withheld */
	uint32_t length; /* of text or bytes; of a withheld value when told, else 0 */
	union
	{
		bool boolean;
		int64_t integer;
		double real;
		const char *text; /* UTF-8 if the server keeps its word: not checked here */
		const uint8_t *bytes;
		WireNumeric numeric;
	} as;
} WireValue;

/* ---- reading: slices of the frame, never past its end ---- */

typedef struct WireReader
{
	const uint8_t *start;
	const uint8_t *at;
	const uint8_t *end;
	const char *error; /* NULL, or what was wrong at `at`; stays */
} WireReader;

void wire_reader_init(WireReader *reader, const void *frame, size_t length);
/* Reads the next message's head; WIRE_END and WIRE_ERROR are kinds too. */
WireKind wire_reader_next(WireReader *reader, WireMessage *message) WIRE_MUST_CHECK;
bool wire_read_text(WireReader *reader, WireText *text) WIRE_MUST_CHECK;
bool wire_read_column(WireReader *reader, WireColumn *column) WIRE_MUST_CHECK;
bool wire_read_truncated(WireReader *reader, uint32_t *relation, uint64_t *ordinal) WIRE_MUST_CHECK;
/* Sets the error state; returns false. For consumers too: a row that does not fit its relation. */
bool wire_reader_fail(WireReader *reader, const char *error);

#include "goldpan/wire_read.h"
#include "goldpan/wire_write.h"

#endif
