/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_source_options.c — what is asked of the plugin, hashes, and texts without secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "source/source_priv.h"

static const char *const test_ab[] = {"a", "b"};
static const char *const test_ba[] = {"b", "a"};
static const char *const test_odd[] = {"it's", "x\"y\\"};

static void
names_are_quoted_for_both_grammars(void **state)
{
	static const SourceTable tables[] = {{"public", "contact", 2, test_ab},
										 {"s", "t", 2, test_odd}};
	Buffer out;
	Err err;

	(void) state;
	buffer_init(&out, 65536);
	assert_true(source_options_allow_list(tables, 2, &out, &err));
	assert_true(buffer_append_byte(&out, 0, &err));
	assert_string_equal((char *) out.data,
						"\"public\".\"contact\"(\"a\",\"b\"),\"s\".\"t\"(\"it's\",\"x\"\"y\\\")");
	buffer_clear(&out);
	assert_true(source_options_start("slot", &tables[1], 1, UINT64_C(0x16B374D848), &out, &err));
	assert_string_equal((char *) out.data, "START_REPLICATION SLOT \"slot\" LOGICAL 16/B374D848 "
										   "(\"protocol\" '1', \"tables\" "
										   "'\"s\".\"t\"(\"it''s\",\"x\"\"y\\\")')");
	buffer_release(&out);
}

static void
the_config_hash_ignores_order_only(void **state)
{
	const SourceTable t = {"s", "t", 2, test_ab};
	const SourceTable t_reordered = {"s", "t", 2, test_ba};
	const SourceTable t_fewer = {"s", "t", 1, test_ab};
	const SourceTable u = {"s", "u", 2, test_ab};
	const SourceTable st = {"st", "", 2, test_ab};
	const SourceTable tu[] = {t, u};
	const SourceTable ut[] = {u, t_reordered};
	const SourceTable uf[] = {u, t_fewer};

	(void) state;
	assert_true(source_stream_config_hash(tu, 2) == source_stream_config_hash(ut, 2));
	assert_true(source_stream_config_hash(tu, 2) != source_stream_config_hash(uf, 2));
	assert_true(source_stream_config_hash(tu, 2) != source_stream_config_hash(tu, 1));
	assert_true(source_stream_config_hash(&t, 1) != source_stream_config_hash(&u, 1));
	assert_true(source_stream_config_hash(&t, 1) != source_stream_config_hash(&st, 1));
}

static void
a_relation_hash_sees_every_part(void **state)
{
	const char *labels[] = {"x", "y"};
	Column column = {.name = "c",
					 .type_schema = "s",
					 .type_name = "t",
					 .base_type = "b",
					 .typmod = -1,
					 .kind = VALUE_TEXT,
					 .nlabels = 2,
					 .labels = labels};
	Relation relation = {.id = 1,
						 .schema = "s",
						 .name = "n",
						 .replica_identity = 'd',
						 .ncolumns = 1,
						 .columns = &column};
	uint64_t hash = source_relation_hash(&relation);

	(void) state;
	relation.attached = &column;
	assert_true(source_relation_hash(&relation) == hash);
#define CHANGES(part, other)                                                                       \
	{                                                                                              \
		__typeof__(part) kept = (part);                                                            \
                                                                                                   \
		(part) = (other);                                                                          \
		assert_true(source_relation_hash(&relation) != hash);                                      \
		(part) = kept;                                                                             \
		assert_true(source_relation_hash(&relation) == hash);                                      \
	}
	CHANGES(relation.id, 2)
	CHANGES(relation.schema, "")
	CHANGES(relation.name, "m")
	CHANGES(relation.replica_identity, 'f')
	CHANGES(relation.ncolumns, 0)
	CHANGES(column.name, "d")
	CHANGES(column.type_schema, "")
	CHANGES(column.type_name, "")
	CHANGES(column.base_type, "")
	CHANGES(column.typmod, 4)
	CHANGES(column.kind, VALUE_BYTES)
	CHANGES(column.key, true)
	CHANGES(column.primary_key, true)
	CHANGES(column.not_null, true)
	CHANGES(column.nlabels, 1)
	CHANGES(labels[1], "z")
#undef CHANGES
}

static void
a_list_of_libraries_is_read(void **state)
{
	(void) state;
	assert_true(source_failure_lists("goldpan", "goldpan"));
	assert_true(source_failure_lists("pgoutput, test_decoding, goldpan", "goldpan"));
	assert_true(source_failure_lists("\"goldpan\",x", "goldpan"));
	assert_false(source_failure_lists("", "goldpan"));
	assert_false(source_failure_lists("pgoutput, goldpan2", "goldpan"));
	/* what quotes around the whole list make of it: one library of an odd name */
	assert_false(source_failure_lists("\"pgoutput, goldpan\"", "goldpan"));
	assert_false(source_failure_lists("\"goldpan", "goldpan"));
}

static void
a_described_conninfo_holds_no_secret(void **state)
{
	static const struct
	{
		const char *conninfo;
		const char *text;
	} cases[] = {
		{"host=db port=5433 dbname=crm user=u password=secret",
		 "host=db port=5433 dbname=crm user=u"},
		{"postgresql://u:secret@db/crm?sslpassword=secret", "host=db dbname=crm user=u"},
		{"dbname='postgres://u:secret@db/crm'", "dbname=***"},
		{"host=x password=a secret", "a malformed connection string"},
		{"", "libpq's defaults"},
	};
	char text[128];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		source_conninfo_describe(cases[i].conninfo, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

static void
slot_names_are_those_of_the_server(void **state)
{
	(void) state;
	assert_true(source_slot_name_is_legal("goldpan_crm2"));
	assert_true(source_slot_name_is_legal(
		"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"));
	assert_false(source_slot_name_is_legal(
		"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd"));
	assert_false(source_slot_name_is_legal(""));
	assert_false(source_slot_name_is_legal("Crm"));
	assert_false(source_slot_name_is_legal("a\"b"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_quoted_for_both_grammars),
		cmocka_unit_test(the_config_hash_ignores_order_only),
		cmocka_unit_test(a_relation_hash_sees_every_part),
		cmocka_unit_test(a_list_of_libraries_is_read),
		cmocka_unit_test(a_described_conninfo_holds_no_secret),
		cmocka_unit_test(slot_names_are_those_of_the_server),
	};

	return cmocka_run_group_tests_name("source_options", tests, NULL, NULL);
}
