/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_wire.c — the plugin's protocol: golden bytes, round trips, hostile frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "goldpan/model.h"
#include "goldpan/wire.h"

/* The reader's structs are promised to be copied as they are. */
_Static_assert(sizeof(WireValue) == sizeof(Value), "WireValue differs from Value");
_Static_assert(offsetof(WireValue, length) == offsetof(Value, length), "length moved");
_Static_assert(offsetof(WireValue, as) == offsetof(Value, as), "as moved");
_Static_assert(sizeof(WireNumeric) == sizeof(NumericValue), "WireNumeric differs");
_Static_assert(offsetof(WireNumeric, digits) == offsetof(NumericValue, digits), "digits moved");
_Static_assert(offsetof(WireNumeric, dscale) == offsetof(NumericValue, dscale), "dscale moved");
_Static_assert((int) WIRE_STATE_WITHHELD == (int) VALUE_WITHHELD, "states differ");
_Static_assert((int) WIRE_STATE_UNCHANGED == (int) VALUE_UNCHANGED, "states differ");
_Static_assert((int) WIRE_TYPE_TEXT == (int) VALUE_TEXT, "kinds differ");
_Static_assert((int) WIRE_TYPE_UUID == (int) VALUE_UUID, "kinds differ");
_Static_assert((int) WIRE_OLD_FULL == (int) OLD_FULL, "old rows differ");

#define TEXT(literal) ((WireText){(literal), sizeof(literal) - 1})

static WireText
text_of(const char *string)
{
	return (WireText){string, (uint32_t) strlen(string)};
}

/* The expected bytes as hex; spaces and "// …" to the end of the line are comments. */
static size_t
unhex(const char *hex, uint8_t *bytes)
{
	size_t n = 0;
	int high = -1;

	for (; *hex != '\0'; hex++)
	{
		int digit;

		if (hex[0] == '/' && hex[1] == '/')
		{
			while (hex[1] != '\0' && hex[0] != '\n')
				hex++;
			continue;
		}
		if (*hex == ' ' || *hex == '\n')
			continue;
		digit = *hex <= '9' ? *hex - '0' : *hex - 'a' + 10;
		if (high < 0)
			high = digit;
		else
		{
			bytes[n++] = (uint8_t) (high << 4 | digit);
			high = -1;
		}
	}
	assert_int_equal(high, -1);
	return n;
}

static void
assert_bytes(const WireWriter *writer, const char *hex)
{
	uint8_t expected[1024];
	size_t length = unhex(hex, expected);

	assert_false(writer->failed);
	assert_int_equal(writer->at - writer->start, length);
	assert_memory_equal(writer->start, expected, length);
}

static const WireTransaction transaction = {
	.xid = 742,
	.commit_lsn = 0x10A0,
	.end_lsn = 0x10D0,
	.commit_time = WIRE_EPOCH_MICROSECONDS + 1,
	.changes = 300,
};

static void
begin_and_commit_have_their_bytes(void **state)
{
	uint8_t buffer[256];
	WireWriter writer;

	(void) state;
	wire_writer_init(&writer, buffer, sizeof(buffer));
	wire_put_hello(&writer,
				   &(WireHello){WIRE_PROTOCOL_VERSION, TEXT("0.1.0"), 150020, TEXT("UTF8")});
	wire_put_begin(&writer, &transaction);
	wire_put_origin(&writer, &(WireOrigin){0x20, TEXT("hub")});
	wire_put_commit(&writer, &transaction);
	assert_bytes(&writer, "48 01            // hello, protocol 1\n"
						  "05 302e312e30    // plugin 0.1.0\n"
						  "044a0200         // server 150020\n"
						  "04 55544638      // UTF8\n"
						  "42 e6020000      // begin, xid 742\n"
						  "a010000000000000 // commit record at 0/10A0\n"
						  "d010000000000000 // ends at 0/10D0\n"
						  "0100000000000000 // 1 us after 2000-01-01\n"
						  "4f 2000000000000000 03 687562 // origin hub at 0/20\n"
						  "43 e6020000      // commit: the same again\n"
						  "a010000000000000 d010000000000000 0100000000000000\n"
						  "ac02             // of 300 changes\n");
}

static void
put_shape(WireWriter *writer)
{
	wire_put_relation(writer, &(WireRelation){1, 16385, 'd', TEXT("public"), TEXT("c"), 2});
	wire_put_column(
		writer, &(WireColumn){TEXT("id"), TEXT("pg_catalog"), TEXT("int4"), TEXT("int4"), -1,
							  WIRE_TYPE_INTEGER,
							  WIRE_COLUMN_KEY | WIRE_COLUMN_PRIMARY_KEY | WIRE_COLUMN_NOT_NULL, 0});
	wire_put_column(writer, &(WireColumn){TEXT("m"), TEXT("s"), TEXT("mood"), TEXT("mood"), -1,
										  WIRE_TYPE_TEXT, 0, 2});
	wire_put_text(writer, TEXT("ok"));
	wire_put_text(writer, TEXT("sad"));
}

static void
relations_and_rows_have_their_bytes(void **state)
{
	uint8_t buffer[256];
	WireWriter writer;

	(void) state;
	wire_writer_init(&writer, buffer, sizeof(buffer));
	put_shape(&writer);
	wire_put_row(&writer, WIRE_UPDATE, &(WireRow){1, 129, WIRE_OLD_KEY});
	wire_put_row_size(&writer, 1);
	wire_put_tag32(&writer, WIRE_TAG_INT4, 7);
	wire_put_row_size(&writer, 2);
	wire_put_tag32(&writer, WIRE_TAG_INT4, (uint32_t) -8);
	wire_put_string(&writer, WIRE_TAG_TEXT, "sad", 3);
	wire_put_row(&writer, WIRE_DELETE, &(WireRow){1, 130, WIRE_OLD_NONE});
	wire_put_truncate(&writer, &(WireTruncate){WIRE_TRUNCATE_CASCADE, 1});
	wire_put_truncated(&writer, 1, 131);
	wire_put_logical(&writer, &(WireLogical){1, 0x30, TEXT("p"), TEXT("\xff")});
	assert_bytes(&writer, "52 01 01400000 64      // relation 1, oid 16385, identity d\n"
						  "06 7075626c6963 01 63  // public.c\n"
						  "02                     // two columns\n"
						  "02 6964 0a 70675f636174616c6f67 04 696e7434 04 696e7434\n"
						  "ffffffff 01 07 00      // no typmod, integer, key+pk+not null\n"
						  "01 6d 01 73 04 6d6f6f64 04 6d6f6f64 ffffffff 04 00\n"
						  "02 02 6f6b 03 736164   // its labels\n"
						  "55 01 8101 01          // update, ordinal 129, with old key\n"
						  "01 06 07000000         // key: 7\n"
						  "02 06 f8ffffff 0c 03 736164 // new: -8, 'sad'\n"
						  "44 01 8201 00          // delete, no identity\n"
						  "54 01 01 01 8301       // truncate cascade\n"
						  "4d 01 3000000000000000 01 70 01 ff // message\n");
}

static void
put_all_values(WireWriter *writer)
{
	static const uint16_t digits[] = {12, 3400};

	wire_put_row_size(writer, WIRE_NTAGS);
	wire_put_tag(writer, WIRE_TAG_NULL);
	wire_put_tag(writer, WIRE_TAG_UNCHANGED);
	wire_put_withheld(writer, WIRE_WITHHELD_TOO_LARGE, 300);
	wire_put_tag(writer, WIRE_TAG_FALSE);
	wire_put_tag(writer, WIRE_TAG_TRUE);
	wire_put_tag16(writer, WIRE_TAG_INT2, (uint16_t) INT16_MIN);
	wire_put_tag32(writer, WIRE_TAG_INT4, (uint32_t) INT32_MIN);
	wire_put_tag64(writer, WIRE_TAG_INT8, (uint64_t) INT64_MIN);
	wire_put_tag32(writer, WIRE_TAG_OID, UINT32_MAX);
	wire_put_tag32(writer, WIRE_TAG_FLOAT4, 0x3fc00000);
	wire_put_tag64(writer, WIRE_TAG_FLOAT8, UINT64_C(0xbff8000000000000));
	wire_put_numeric(writer, &(WireNumeric){1, 0, 2, 0, 2, NULL}, digits);
	wire_put_string(writer, WIRE_TAG_TEXT, "h\xc3\xa9", 3);
	wire_put_string(writer, WIRE_TAG_BYTES, "\0\1", 2);
	wire_put_tag32(writer, WIRE_TAG_DATE, 1);
	wire_put_tag64(writer, WIRE_TAG_TIME, UINT64_C(86400000000));
	wire_put_tag64(writer, WIRE_TAG_TIMESTAMP, INT64_MAX);
	wire_put_tag64(writer, WIRE_TAG_TIMESTAMPTZ, (uint64_t) -1);
	wire_put_uuid(writer, "0123456789abcdef");
}

static void
values_have_their_bytes(void **state)
{
	uint8_t buffer[256];
	WireWriter writer;

	(void) state;
	wire_writer_init(&writer, buffer, sizeof(buffer));
	put_all_values(&writer);
	assert_bytes(&writer, "13                   // 19 values\n"
						  "00 01 02 02 ac02     // null, unchanged, withheld: 300 bytes\n"
						  "03 04                // false, true\n"
						  "05 0080 06 00000080 07 0000000000000080 // smallest integers\n"
						  "08 ffffffff          // oid\n"
						  "09 0000c03f          // 1.5\n"
						  "0a 000000000000f8bf  // -1.5\n"
						  "0b 01 02 0000 0200 000c 0d48 // -12.34\n"
						  "0c 03 68c3a9 0d 02 0001 // text, bytes\n"
						  "0e 01000000          // 2000-01-02\n"
						  "0f 0060d71d14000000  // 24:00\n"
						  "10 ffffffffffffff7f  // infinity\n"
						  "11 ffffffffffffffff  // 1999-12-31 23:59:59.999999\n"
						  "12 30313233343536373839616263646566 // uuid\n");
}

static void
values_are_read_back(void **state)
{
	uint8_t buffer[256];
	WireWriter writer;
	WireReader reader;
	WireValue v[WIRE_NTAGS];
	uint32_t n;

	(void) state;
	wire_writer_init(&writer, buffer, sizeof(buffer));
	put_all_values(&writer);
	wire_reader_init(&reader, buffer, (size_t) (writer.at - writer.start));
	assert_true(wire_read_row_size(&reader, &n));
	assert_int_equal(n, WIRE_NTAGS);
	for (uint32_t i = 0; i < n; i++)
		assert_true(wire_read_value(&reader, &v[i]));
	assert_ptr_equal(reader.at, reader.end);
	assert_int_equal(v[WIRE_TAG_NULL].state, WIRE_STATE_NULL);
	assert_int_equal(v[WIRE_TAG_UNCHANGED].state, WIRE_STATE_UNCHANGED);
	assert_int_equal(v[WIRE_TAG_WITHHELD].state, WIRE_STATE_WITHHELD);
	assert_int_equal(v[WIRE_TAG_WITHHELD].length, 300);
	assert_false(v[WIRE_TAG_FALSE].as.boolean);
	assert_true(v[WIRE_TAG_TRUE].as.boolean);
	assert_true(v[WIRE_TAG_INT2].as.integer == INT16_MIN);
	assert_true(v[WIRE_TAG_INT4].as.integer == INT32_MIN);
	assert_true(v[WIRE_TAG_INT8].as.integer == INT64_MIN);
	assert_true(v[WIRE_TAG_OID].as.integer == UINT32_MAX);
	assert_true(v[WIRE_TAG_FLOAT4].as.real == 1.5);
	assert_true(v[WIRE_TAG_FLOAT8].as.real == -1.5);
	assert_int_equal(v[WIRE_TAG_NUMERIC].as.numeric.sign, NUMERIC_NEGATIVE);
	assert_int_equal(v[WIRE_TAG_NUMERIC].as.numeric.ndigits, 2);
	assert_int_equal(v[WIRE_TAG_NUMERIC].as.numeric.dscale, 2);
	assert_memory_equal(v[WIRE_TAG_NUMERIC].as.numeric.digits, "\x00\x0c\x0d\x48", 4);
	assert_memory_equal(v[WIRE_TAG_TEXT].as.text, "h\xc3\xa9", v[WIRE_TAG_TEXT].length);
	assert_int_equal(v[WIRE_TAG_BYTES].length, 2);
	assert_true(v[WIRE_TAG_DATE].as.integer == 10958);
	assert_true(v[WIRE_TAG_TIME].as.integer == INT64_C(86400000000));
	assert_true(v[WIRE_TAG_TIMESTAMP].as.integer == VALUE_PLUS_INFINITY);
	assert_true(v[WIRE_TAG_TIMESTAMPTZ].as.integer == WIRE_EPOCH_MICROSECONDS - 1);
	assert_memory_equal(v[WIRE_TAG_UUID].as.bytes, "0123456789abcdef", 16);
}

static void
messages_are_read_back(void **state)
{
	uint8_t buffer[512];
	WireWriter writer;
	WireReader reader;
	WireMessage m;
	WireColumn column;
	WireText label;

	(void) state;
	wire_writer_init(&writer, buffer, sizeof(buffer));
	wire_put_begin(&writer, &transaction);
	put_shape(&writer);
	wire_put_row(&writer, WIRE_INSERT, &(WireRow){1, UINT64_MAX, WIRE_OLD_NONE});
	wire_put_row_size(&writer, 0);
	wire_put_commit(&writer, &transaction);
	wire_reader_init(&reader, buffer, (size_t) (writer.at - writer.start));
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_BEGIN);
	assert_true(m.as.transaction.commit_time == transaction.commit_time);
	assert_true(m.as.transaction.end_lsn == transaction.end_lsn);
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_RELATION);
	assert_int_equal(m.as.relation.id, 16385);
	assert_int_equal(m.as.relation.ncolumns, 2);
	assert_true(wire_read_column(&reader, &column));
	assert_int_equal(column.flags, 7);
	assert_int_equal(column.typmod, -1);
	assert_true(wire_read_column(&reader, &column));
	assert_int_equal(column.nlabels, 2);
	assert_true(wire_read_text(&reader, &label));
	assert_true(wire_read_text(&reader, &label));
	assert_int_equal(label.length, 3);
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_INSERT);
	assert_true(m.as.row.ordinal == UINT64_MAX);
	assert_true(wire_read_row_size(&reader, &label.length));
	assert_int_equal(label.length, 0);
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_COMMIT);
	assert_int_equal(m.as.transaction.changes, 300);
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_END);
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_END);
}

/* Reads a frame to its end or its first error. */
static const char *
read_all(const uint8_t *frame, size_t length)
{
	WireReader reader;
	WireMessage m;
	WireColumn column;
	WireText text;
	WireValue value;
	uint32_t n = 0;
	uint64_t ordinal;
	bool ok = true;

	wire_reader_init(&reader, frame, length);
	while (ok && wire_reader_next(&reader, &m) > WIRE_ERROR)
	{
		int nrows = m.kind == WIRE_INSERT	? 1
					: m.kind == WIRE_UPDATE ? 1 + (m.as.row.old != WIRE_OLD_NONE)
					: m.kind == WIRE_DELETE ? m.as.row.old != WIRE_OLD_NONE
											: 0;

		for (uint32_t i = 0; ok && m.kind == WIRE_RELATION && i < m.as.relation.ncolumns; i++)
		{
			ok = wire_read_column(&reader, &column);
			for (uint32_t j = 0; ok && j < column.nlabels; j++)
				ok = wire_read_text(&reader, &text);
		}
		for (uint32_t i = 0; ok && m.kind == WIRE_TRUNCATE && i < m.as.truncate.ntables; i++)
			ok = wire_read_truncated(&reader, &n, &ordinal);
		while (ok && nrows-- > 0)
		{
			ok = wire_read_row_size(&reader, &n);
			for (uint32_t i = 0; ok && i < n; i++)
				ok = wire_read_value(&reader, &value);
		}
	}
	assert_true(reader.at <= frame + length);
	assert_true(ok || reader.error != NULL);
	return reader.error;
}

static void
hostile_frames_are_refused(void **state)
{
	static const struct
	{
		const char *hex;
		const char *error;
	} cases[] = {
		{"58", "unknown message kind"},
		{"00", "unknown message kind"},
		{"01", "unknown message kind"},
		{"48 02 00 00000000 00", "unknown protocol version"},
		{"48 01 7f 61", "frame ends inside a message"},
		{"48 01 ffffffffff01 61", "number is too large"},
		{"48 01 ffffffff1f 61", "number is too large"},
		{"48 01 8080808080 00", "number is too large"},
		{"48 01 ffffffff0f 61", "frame ends inside a message"},
		{"48 01 80", "frame ends inside a number"},
		{"42 00000000 00", "frame ends inside a message"},
		{"52 00 00000000 78", "unknown replica identity"},
		{"52 00 00000000 64 00 00 c10c", "count is over its limit"},
		{"52 00 00000000 64 00 00 c00c", "frame ends before what it announces"},
		{"52 808004 00000000 64 00 00 00", "relation number is too large"},
		{"52 00 00000000 64 00 00 01 00 00 00 00 ffffffff 0b 00 00", "unknown value kind"},
		{"52 00 00000000 64 00 00 01 00 00 00 00 ffffffff 01 08 00", "unknown flag"},
		{"52 00 00000000 64 00 00 01 00 00 00 00 ffffffff 04 00 80", "frame ends inside a number"},
		{"52 00 00000000 64 00 00 01 00 00 00 00 ffffffff 04 00 02 00",
		 "frame ends before what it announces"},
		{"49 00 00 c10c", "row has too many values"},
		{"49 00 00 01", "frame ends inside a row"},
		{"49 00 00 01 13", "unknown value tag"},
		{"49 00 00 01 ff", "unknown value tag"},
		{"49 00 00 01 06 000000", "frame ends inside a value"},
		{"49 00 00 01 0c 02 61", "frame ends inside a message"},
		{"49 00 00 01 0c ffffffff0f 61", "frame ends inside a message"},
		{"49 00 00 01 02 03 00", "unknown reason to withhold a value"},
		{"49 00 00 01 0b 05 00 0000 0000", "unknown sign of a numeric"},
		{"49 00 00 01 0b 00 01 0000 0000 2710", "digit of a numeric is too large"},
		{"49 00 00 01 0b 00 02 0000 0000 0001", "frame ends inside a message"},
		{"49 00 00 01 0b 00 808004 0000 0000", "numeric has too many digits"},
		{"49 00 ffffffffffffffffff02 00", "number is too large"},
		{"49 00 ffffffffffffffffffff 00", "number is too large"},
		{"55 00 00 03", "unknown form of an old row"},
		{"54 04 00", "unknown flag"},
		{"54 00 ffffffff0f 0000", "frame ends before what it announces"},
		{"4d 02", "unknown flag"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t bytes[256];
		size_t length = unhex(cases[i].hex, bytes);
		uint8_t *frame = malloc(length); /* exact, for the sanitizers */
		const char *error;

		memcpy(frame, bytes, length);
		error = read_all(frame, length);
		if (error == NULL || strcmp(error, cases[i].error) != 0)
			fail_msg("%s: got \"%s\"", cases[i].hex, error ? error : "no error");
		free(frame);
	}
}

static void
every_cut_is_an_error_or_a_whole_message(void **state)
{
	uint8_t buffer[512];
	WireWriter writer;
	size_t length;
	int whole = 0;

	(void) state;
	wire_writer_init(&writer, buffer, sizeof(buffer));
	wire_put_begin(&writer, &transaction);
	put_shape(&writer);
	wire_put_row(&writer, WIRE_INSERT, &(WireRow){1, 0, WIRE_OLD_NONE});
	put_all_values(&writer);
	wire_put_commit(&writer, &transaction);
	length = (size_t) (writer.at - writer.start);
	for (size_t cut = 0; cut <= length; cut++)
	{
		uint8_t *frame = malloc(cut + 1);

		memcpy(frame, buffer, cut);
		whole += read_all(frame, cut) == NULL;
		free(frame);
	}
	/* Nothing, and after each of the four messages. */
	assert_int_equal(whole, 5);
}

static void
an_error_stays(void **state)
{
	WireReader reader;
	WireMessage m;
	WireValue value;
	uint32_t n;

	(void) state;
	wire_reader_init(&reader, "XXXX", 4);
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_ERROR);
	assert_ptr_equal(reader.at, reader.start);
	assert_int_equal(wire_reader_next(&reader, &m), WIRE_ERROR);
	assert_false(wire_read_row_size(&reader, &n));
	assert_false(wire_read_value(&reader, &value));
	assert_string_equal(reader.error, "unknown message kind");
}

static bool
grow_once(WireWriter *writer, size_t need)
{
	uint8_t **bigger = writer->context;
	size_t used = (size_t) (writer->at - writer->start);

	if (*bigger == NULL || need > 200)
		return false;
	memcpy(*bigger, writer->start, used);
	writer->start = *bigger;
	writer->at = *bigger + used;
	writer->end = *bigger + 1024;
	*bigger = NULL;
	return true;
}

static void
a_writer_grows_or_fails_for_good(void **state)
{
	uint8_t small[8], large[1024], *bigger = large;
	WireWriter writer;

	(void) state;
	wire_writer_init(&writer, small, sizeof(small));
	writer.grow = grow_once;
	writer.context = &bigger;
	put_shape(&writer);
	assert_false(writer.failed);
	assert_ptr_equal(writer.start, large);
	wire_put_string(&writer, WIRE_TAG_TEXT, text_of("x").data, 1);
	wire_put_string(&writer, WIRE_TAG_BYTES, large, 1000);
	assert_true(writer.failed);
	large[writer.at - writer.start] = 0xee;
	wire_put_tag(&writer, WIRE_TAG_NULL);
	assert_int_equal(large[writer.at - writer.start], 0xee);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begin_and_commit_have_their_bytes),
		cmocka_unit_test(relations_and_rows_have_their_bytes),
		cmocka_unit_test(values_have_their_bytes),
		cmocka_unit_test(values_are_read_back),
		cmocka_unit_test(messages_are_read_back),
		cmocka_unit_test(hostile_frames_are_refused),
		cmocka_unit_test(every_cut_is_an_error_or_a_whole_message),
		cmocka_unit_test(an_error_stays),
		cmocka_unit_test(a_writer_grows_or_fails_for_good),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
