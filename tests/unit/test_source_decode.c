/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_source_decode.c — frames become changes; what does not fit stops the source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "goldpan/alloc.h"
#include "source/source_priv.h"

#define TEXT(literal) ((WireText){(literal), sizeof(literal) - 1})

static uint8_t test_frame[65536];
static WireWriter test_writer;

static const WireTransaction test_transaction = {
	.xid = 7, .commit_lsn = 100, .end_lsn = 140, .commit_time = 1000000, .changes = 100};

static void
test_start(void)
{
	const WireHello hello = {WIRE_PROTOCOL_VERSION, TEXT("0.1"), 150020, TEXT("UTF8")};

	wire_writer_init(&test_writer, test_frame, sizeof(test_frame));
	wire_put_hello(&test_writer, &hello);
}

/* Two columns: id int4, the key; note text. */
static void
test_put_relation(uint32_t number, const char *name)
{
	const WireRelation relation = {
		number, 4711, 'd', TEXT("public"), {name, (uint32_t) strlen(name)}, 2};
	const WireColumn id = {.name = TEXT("id"),
						   .type_schema = TEXT("pg_catalog"),
						   .type_name = TEXT("int4"),
						   .base_type = TEXT("int4"),
						   .typmod = -1,
						   .type = WIRE_TYPE_INTEGER,
						   .flags = WIRE_COLUMN_KEY | WIRE_COLUMN_PRIMARY_KEY};
	const WireColumn note = {.name = TEXT("note"),
							 .type_schema = TEXT("public"),
							 .type_name = TEXT("mood"),
							 .base_type = TEXT("mood"),
							 .typmod = -1,
							 .type = WIRE_TYPE_TEXT,
							 .flags = 0,
							 .nlabels = 2};

	wire_put_relation(&test_writer, &relation);
	wire_put_column(&test_writer, &id);
	wire_put_column(&test_writer, &note);
	wire_put_text(&test_writer, TEXT("well"));
	wire_put_text(&test_writer, TEXT("unwell"));
}

static void
test_put_head(WireKind kind, uint64_t ordinal, WireOld old)
{
	const WireRow row = {0, ordinal, old};

	wire_put_row(&test_writer, kind, &row);
}

static void
test_put_values(uint32_t id, const char *note)
{
	wire_put_row_size(&test_writer, 2);
	wire_put_tag32(&test_writer, WIRE_TAG_INT4, id);
	wire_put_string(&test_writer, WIRE_TAG_TEXT, note, (uint32_t) strlen(note));
}

static void
test_give(SourceDecoder *decoder)
{
	assert_false(test_writer.failed);
	source_decode_frame(decoder, test_frame, (size_t) (test_writer.at - test_frame));
}

static void
test_expect(SourceDecoder *decoder, SourceEvent *event, SourceEventKind kind)
{
	Err err;

	if (!source_decode_next(decoder, event, &err))
		fail_msg("%s", err.message);
	assert_int_equal(event->kind, kind);
}

static void
test_expect_error(SourceDecoder *decoder, const char *text)
{
	SourceEvent event;
	Err err;

	test_give(decoder);
	while (source_decode_next(decoder, &event, &err))
		assert_int_not_equal(event.kind, SOURCE_NOTHING);
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_POISON);
	if (strstr(err.message, text) == NULL)
		fail_msg("%s", err.message);
	source_decode_release(decoder);
	source_decode_init(decoder, "crm");
}

static void
a_transaction_becomes_events_in_order(void **state)
{
	const WireOrigin origin = {5, TEXT("elsewhere")};
	const WireTruncate truncate = {0, 2};
	SourceDecoder decoder;
	SourceEvent event;

	(void) state;
	source_decode_init(&decoder, "crm");
	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	wire_put_origin(&test_writer, &origin);
	test_put_relation(0, "contact");
	test_put_head(WIRE_INSERT, 2, WIRE_OLD_NONE);
	test_put_values(1, "h\xc3\xa9llo, w\xc3\xb6rld");
	test_put_head(WIRE_UPDATE, 3, WIRE_OLD_KEY);
	wire_put_row_size(&test_writer, 1);
	wire_put_tag32(&test_writer, WIRE_TAG_INT4, 1);
	wire_put_row_size(&test_writer, 2);
	wire_put_tag32(&test_writer, WIRE_TAG_INT4, 2);
	wire_put_tag(&test_writer, WIRE_TAG_UNCHANGED);
	wire_put_truncate(&test_writer, &truncate);
	wire_put_truncated(&test_writer, 0, 4);
	wire_put_truncated(&test_writer, 0, 5);
	wire_put_commit(&test_writer, &test_transaction);
	test_give(&decoder);

	test_expect(&decoder, &event, SOURCE_BEGIN);
	assert_int_equal(event.transaction->xid, 7);
	assert_int_equal(event.transaction->end_lsn, 140);
	test_expect(&decoder, &event, SOURCE_CHANGE);
	assert_string_equal(event.transaction->origin, "elsewhere");
	assert_int_equal(event.change->kind, CHANGE_INSERT);
	assert_int_equal(event.change->ordinal, 2);
	assert_string_equal(event.change->relation->name, "contact");
	assert_string_equal(event.change->relation->columns[1].labels[1], "unwell");
	assert_int_equal(event.change->new_values[0].as.integer, 1);
	assert_int_equal(event.change->new_values[1].length, 14);
	assert_null(event.change->old_values);
	test_expect(&decoder, &event, SOURCE_CHANGE);
	assert_int_equal(event.change->old_row, OLD_KEY);
	assert_int_equal(event.change->old_values[0].as.integer, 1);
	assert_int_equal(event.change->old_values[1].state, VALUE_NULL);
	assert_int_equal(event.change->new_values[1].state, VALUE_UNCHANGED);
	test_expect(&decoder, &event, SOURCE_CHANGE);
	assert_int_equal(event.change->kind, CHANGE_TRUNCATE);
	test_expect(&decoder, &event, SOURCE_CHANGE);
	assert_int_equal(event.change->ordinal, 5);
	test_expect(&decoder, &event, SOURCE_COMMIT);
	assert_int_equal(event.lsn, 140);
	test_expect(&decoder, &event, SOURCE_NOTHING);
	source_decode_release(&decoder);
}

static void
relations_live_on_and_equal_ones_are_one(void **state)
{
	SourceDecoder decoder;
	SourceEvent event;
	const Relation *first;

	(void) state;
	source_decode_init(&decoder, "crm");
	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(0, "contact");
	test_put_head(WIRE_INSERT, 0, WIRE_OLD_NONE);
	test_put_values(1, "a");
	test_put_relation(0, "renamed");
	test_put_head(WIRE_INSERT, 1, WIRE_OLD_NONE);
	test_put_values(2, "b");
	test_put_relation(0, "contact");
	test_put_head(WIRE_INSERT, 2, WIRE_OLD_NONE);
	test_put_values(3, "c");
	test_give(&decoder);
	test_expect(&decoder, &event, SOURCE_BEGIN);
	test_expect(&decoder, &event, SOURCE_CHANGE);
	first = event.change->relation;
	test_expect(&decoder, &event, SOURCE_CHANGE);
	assert_ptr_not_equal(event.change->relation, first);
	assert_string_equal(first->name, "contact");
	test_expect(&decoder, &event, SOURCE_CHANGE);
	assert_ptr_equal(event.change->relation, first);
	source_decode_release(&decoder);
}

static void
rows_that_do_not_fit_stop(void **state)
{
	SourceDecoder decoder;

	(void) state;
	source_decode_init(&decoder, "crm");

	wire_writer_init(&test_writer, test_frame, sizeof(test_frame));
	wire_put_begin(&test_writer, &test_transaction);
	test_expect_error(&decoder, "no hello");

	test_start();
	test_put_relation(0, "t");
	test_put_head(WIRE_INSERT, 0, WIRE_OLD_NONE);
	test_put_values(1, "a");
	test_expect_error(&decoder, "outside a transaction");

	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_head(WIRE_INSERT, 0, WIRE_OLD_NONE);
	test_put_values(1, "a");
	test_expect_error(&decoder, "not described");

	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(0, "t");
	test_put_head(WIRE_INSERT, 1, WIRE_OLD_NONE);
	test_put_values(1, "a");
	test_put_head(WIRE_INSERT, 1, WIRE_OLD_NONE);
	test_put_values(1, "a");
	test_expect_error(&decoder, "out of order");

	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(0, "t");
	test_put_head(WIRE_INSERT, 0, WIRE_OLD_NONE);
	wire_put_row_size(&test_writer, 1);
	wire_put_tag32(&test_writer, WIRE_TAG_INT4, 1);
	test_expect_error(&decoder, "one value for each column");

	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(0, "t");
	test_put_head(WIRE_INSERT, 0, WIRE_OLD_NONE);
	wire_put_row_size(&test_writer, 2);
	wire_put_string(&test_writer, WIRE_TAG_TEXT, "1", 1);
	wire_put_tag(&test_writer, WIRE_TAG_NULL);
	test_expect_error(&decoder, "not of its column's kind");

	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(0, "t");
	test_put_head(WIRE_INSERT, 0, WIRE_OLD_NONE);
	test_put_values(1, "broken \xc3");
	test_expect_error(&decoder, "not valid UTF-8");

	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(3, "t");
	test_expect_error(&decoder, "out of order");
	source_decode_release(&decoder);
}

static void
transactions_that_do_not_fit_stop(void **state)
{
	WireTransaction other = test_transaction;
	SourceDecoder decoder;

	(void) state;
	source_decode_init(&decoder, "crm");
	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	wire_put_begin(&test_writer, &test_transaction);
	test_expect_error(&decoder, "inside another");

	test_start();
	wire_put_commit(&test_writer, &test_transaction);
	test_expect_error(&decoder, "outside a transaction");

	other.end_lsn++;
	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	wire_put_commit(&test_writer, &other);
	test_expect_error(&decoder, "differs from its begin");

	other = test_transaction;
	other.changes = 1;
	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(0, "t");
	test_put_head(WIRE_INSERT, 1, WIRE_OLD_NONE);
	test_put_values(1, "a");
	wire_put_commit(&test_writer, &other);
	test_expect_error(&decoder, "more rows than its commit says");

	other.end_lsn = other.commit_lsn;
	test_start();
	wire_put_begin(&test_writer, &other);
	test_expect_error(&decoder, "no position");
	source_decode_release(&decoder);
}

static void
running_out_of_memory_is_an_error_and_leaks_nothing(void **state)
{
	(void) state;
	test_start();
	wire_put_begin(&test_writer, &test_transaction);
	test_put_relation(0, "contact");
	test_put_head(WIRE_INSERT, 0, WIRE_OLD_NONE);
	test_put_values(1, "a");
	for (unsigned long n = 1;; n++)
	{
		SourceDecoder decoder;
		SourceEvent event;
		bool ok = true;
		Err err;

		source_decode_init(&decoder, "crm");
		test_give(&decoder);
		alloc_fail_at(n);
		for (int i = 0; ok && i < 2; i++)
			ok = source_decode_next(&decoder, &event, &err);
		alloc_fail_at(0);
		source_decode_release(&decoder);
		if (ok)
		{
			assert_true(n > 4);
			break;
		}
		assert_int_equal(err.code, ERR_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transaction_becomes_events_in_order),
		cmocka_unit_test(relations_live_on_and_equal_ones_are_one),
		cmocka_unit_test(rows_that_do_not_fit_stop),
		cmocka_unit_test(transactions_that_do_not_fit_stop),
		cmocka_unit_test(running_out_of_memory_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests_name("source_decode", tests, NULL, NULL);
}
