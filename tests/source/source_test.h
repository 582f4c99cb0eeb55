/* SPDX-License-Identifier: PostgreSQL */
/*
 * source_test.h — what the tests against a real server share.
 */
#ifndef SOURCE_TEST_H
#define SOURCE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libpq-fe.h>

#include "goldpan/clock.h"
#include "goldpan/source.h"

/* Copies of rows, since those of a stream live until the next call only. */
#define TEST_MAX_ROWS 64

typedef struct TestRow
{
	ChangeKind kind;
	OldRow old_row;
	char name[64]; /* of the table */
	uint64_t hash;
	const Relation *relation;
	uint64_t ordinal;
	uint32_t xid;
	Lsn end_lsn;
	size_t ncolumns;
	Value *new_values;
	Value *old_values;
} TestRow;

typedef struct TestRows
{
	TestRow rows[TEST_MAX_ROWS];
	size_t count;
	size_t commits;
	Lsn end_lsn; /* of the last commit */
	Lsn keepalive;
} TestRows;

extern PGconn *test_admin;

void test_connect(void);
void test_sql(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The first cell of a query; lives until the next call. */
const char *test_cell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Until no slot is in use: a closed connection takes the server a moment. */
void test_wait_inactive(void);
/* A configuration for the role and database on the test's server. */
SourceConfig test_config(const char *role, const char *slot);
bool test_value_equal(const Value *a, const Value *b);
void test_rows_release(TestRows *rows);
void test_rows_add(TestRows *rows, const Change *change);
/* Reads events until `commits` transactions are complete; fails the test after 10 s. */
void test_read(SourceStream *stream, size_t commits, TestRows *rows);
/* Reads all rows of a snapshot. */
void test_read_snapshot(SourceSnapshot *snapshot, TestRows *rows);

/* The cases of each file, called by name from source_test.c. */
void snapshot_and_stream_give_equal_values_for_every_type(void **state);
void settings_of_roles_do_not_change_values(void **state);
void failures_to_connect_are_named(void **state);
void a_hung_server_is_given_up_in_time(void **state);
void a_missing_privilege_is_named(void **state);
void a_plugin_that_is_not_listed_is_named(void **state);
void a_missing_plugin_is_named(void **state);
void exhausted_slots_are_named(void **state);
void starting_points_are_checked(void **state);
void a_slot_in_use_is_named(void **state);
void row_security_is_an_error(void **state);
void a_wrong_wal_level_is_named(void **state);

#define test_fail_err(err) fail_msg("%s [%s]", (err).message, (err).hint)

#endif
