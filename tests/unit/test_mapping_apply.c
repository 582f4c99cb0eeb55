/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_mapping_apply.c — changes of rows to records, rule by rule.
 *
 * The table under test has an integer id and text columns, with one mapped field per
 * type; the cases differ in identity, delete rule and values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"
#include "mapping/mapping_priv.h"

#define NCOLUMNS 6
enum
{
	ID,
	EMAIL,
	FIRST,
	LAST,
	GONE,
	SCORE
};

static Arena arena; /* plans and problems */
static Arena event;
static Mapping *mapping;
static MappingPlan *plan;
static CanonicalValue fields[2][CANONICAL_MAX_FIELDS];
static CanonicalRecord records[2];
static MappingOutcome outcome;
static MappingReject reject;
static Err err;
static Relation relation;
static Column columns[NCOLUMNS];

static int
start(void **state)
{
	(void) state;
	arena_init(&arena, (size_t) 64 << 20);
	arena_init(&event, (size_t) 64 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void) state;
	mapping_free(mapping);
	mapping = NULL;
	arena_release(&arena);
	arena_release(&event);
	return 0;
}

#define FIELDS                                                                                     \
	"{ to = \"email\"; from = \"email\"; apply = ( { do = \"email\"; } ); },"                      \
	"{ to = \"given_name\"; from = \"first\"; },"                                                  \
	"{ to = \"full_name\"; from = [ \"first\", \"last\" ]; apply = ( { do = \"concatenate\"; "     \
	"separator = \" \"; } ); },"                                                                   \
	"{ to = \"username\"; from = [ \"email\", \"first\" ]; apply = ( { do = \"coalesce\"; } ); }," \
	"{ to = \"lead_score\"; from = \"score\"; }"

static void
load_text(const char *text)
{
	MappingProblems problems = {.arena = &arena};

	mapping_free(mapping);
	err_clear(&err);
	if (!mapping_parse(text, strlen(text), "m.conf", NULL, &mapping, &problems, &err))
	{
		for (size_t i = 0; i < problems.count; i++)
			print_message("%d: %s\n", problems.list[i].line, problems.list[i].what);
		fail_msg("%s", err.message);
	}
}

static void
set_column(int index, const char *name, ValueKind kind, const char *type)
{
	columns[index] = (Column){.name = name,
							  .type_schema = "pg_catalog",
							  .type_name = type,
							  .base_type = type,
							  .typmod = -1,
							  .kind = (uint8_t) kind};
}

/* `table` are further settings of the table; identity as pg_class.relreplident. */
static bool
prepare_with(const char *table, const char *mapped, char identity)
{
	char text[4000];

	(void) snprintf(text, sizeof(text),
					"ownership = ( { of = \"contact\"; owner = \"crm\"; }, { of = "
					"\"contact.email\"; owner = \"billing\"; } );\n"
					"systems = ( { name = \"billing\"; } );\n"
					"sources = ( { name = \"crm\"; tables = ( { table = \"t\"; entity = "
					"\"contact\"; %s fields = ( %s ); } ); } );",
					table, mapped);
	load_text(text);
	set_column(ID, "id", VALUE_INTEGER, "int8");
	set_column(EMAIL, "email", VALUE_TEXT, "text");
	set_column(FIRST, "first", VALUE_TEXT, "text");
	set_column(LAST, "last", VALUE_TEXT, "text");
	set_column(GONE, "gone", VALUE_BOOLEAN, "bool");
	set_column(SCORE, "score", VALUE_INTEGER, "int8");
	columns[ID].key = identity == 'd' || identity == 'i';
	relation = (Relation){.schema = "public",
						  .name = "t",
						  .replica_identity = identity,
						  .ncolumns = NCOLUMNS,
						  .columns = columns};
	plan = mapping_plan_compile(&arena, mapping_table(mapping, "crm", 0), &relation, &err);
	records[0].fields = fields[0];
	records[1].fields = fields[1];
	return plan != NULL;
}

static void
prepare(const char *table, char identity)
{
	assert_true(prepare_with(table, FIELDS, identity));
}

static Value
text_value(const char *text)
{
	Value value = {.state = VALUE_NULL, .kind = VALUE_TEXT};

	if (text == NULL)
		return value;
	if (strcmp(text, "UNCHANGED") == 0)
	{
		value.state = VALUE_UNCHANGED;
		return value;
	}
	value.state = VALUE_PRESENT;
	value.length = (uint32_t) strlen(text);
	value.as.text = text;
	return value;
}

typedef struct Row
{
	Value values[NCOLUMNS];
} Row;

static Row
row(int64_t id, const char *email, const char *first, const char *last, bool gone, int64_t score)
{
	Row result = {{{.state = VALUE_PRESENT, .kind = VALUE_INTEGER, .as.integer = id},
				   text_value(email),
				   text_value(first),
				   text_value(last),
				   {.state = VALUE_PRESENT, .kind = VALUE_BOOLEAN, .as.boolean = gone},
				   {.state = VALUE_PRESENT, .kind = VALUE_INTEGER, .as.integer = score}}};

	return result;
}

static bool
apply(ChangeKind kind, OldRow old_kind, const Row *old_row, const Row *new_row)
{
	Change change = {.kind = kind,
					 .old_row = old_kind,
					 .relation = &relation,
					 .new_values = new_row != NULL ? new_row->values : NULL,
					 .old_values = old_row != NULL ? old_row->values : NULL};

	err_clear(&err);
	/* whatever was left over from before must not show */
	memset(fields, 0xff, sizeof(fields));
	memset(&records[0].changed, 0xff, sizeof(FieldSet));
	memset(&records[1].unchanged, 0xff, sizeof(FieldSet));
	return mapping_apply(plan, &change, &event, records, &outcome, &reject, &err);
}

static int
index_of(const char *name)
{
	int index = canonical_field_index(mapping_table_entity(mapping_table(mapping, "crm", 0)), name,
									  strlen(name));

	assert_true(index >= 0);
	return index;
}

static void
assert_text(const CanonicalRecord *record, const char *name, const char *text)
{
	const CanonicalValue *value = &record->fields[index_of(name)];

	assert_int_equal(value->present, text != NULL);
	if (text == NULL)
		return;
	assert_int_equal(value->length, strlen(text));
	assert_memory_equal(value->as.text, text, value->length);
}

static void
assert_record(const CanonicalRecord *record, const char *id, Operation operation,
			  const char *event_type)
{
	assert_int_equal(record->id_length, strlen(id));
	assert_memory_equal(record->id, id, record->id_length);
	assert_int_equal(record->operation, operation);
	assert_string_equal(record->event_type, event_type);
}

static void
assert_all_null(const CanonicalRecord *record)
{
	for (unsigned i = 0; i < mapping_table_entity(mapping_table(mapping, "crm", 0))->nfields; i++)
		assert_false(record->fields[i].present);
}

/* The set as names, "email full_name". */
static void
assert_set(const FieldSet *set, const char *expected)
{
	const CanonicalEntity *entity = mapping_table_entity(mapping_table(mapping, "crm", 0));
	char names[500] = "";

	for (unsigned i = 0; i < CANONICAL_MAX_FIELDS; i++)
	{
		if (!field_set_has(set, i))
			continue;
		assert_true(i < entity->nfields);
		if (names[0] != '\0')
			strcat(names, " ");
		strcat(names, entity->fields[i].name);
	}
	assert_string_equal(names, expected);
}

#define KEY "key = \"id\";"

static void
inserts_and_snapshots_become_records(void **state)
{
	Row new_row = row(7, "A@B.de", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'd');
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_int_equal(outcome, MAPPING_ONE);
	assert_record(&records[0], "7", OPERATION_CREATE, "customer.contact.created");
	assert_text(&records[0], "email", "A@b.de");
	assert_text(&records[0], "given_name", "Ada");
	assert_text(&records[0], "full_name", "Ada L");
	assert_text(&records[0], "username", "A@B.de");
	assert_text(&records[0], "phone", NULL);
	assert_int_equal(records[0].fields[index_of("lead_score")].as.integer, 5);
	assert_false(records[0].knows_changed);
	assert_set(&records[0].changed, "");
	assert_set(&records[0].violations, "");
	assert_set(&records[0].unchanged, "");
	assert_true(apply(CHANGE_SNAPSHOT, OLD_NONE, NULL, &new_row));
	assert_record(&records[0], "7", OPERATION_SNAPSHOT, "customer.contact.snapshot");
	assert_false(records[0].knows_changed);
}

static void
event_types_can_be_named(void **state)
{
	Row new_row = row(7, "a@b.de", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY " events = { create = \"shop.signup\"; };", 'd');
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_string_equal(records[0].event_type, "shop.signup");
	assert_true(mapping_set_prefix(mapping, "acme", &err));
	plan = mapping_plan_compile(&arena, mapping_table(mapping, "crm", 0), &relation, &err);
	assert_true(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_string_equal(records[0].event_type, "acme.contact.updated");
}

static void
updates_without_an_old_row_do_not_know_what_changed(void **state)
{
	Row new_row = row(7, "a@b.de", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'd');
	assert_true(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_record(&records[0], "7", OPERATION_UPDATE, "customer.contact.updated");
	assert_false(records[0].knows_changed);
	assert_set(&records[0].violations, "");
}

static void
full_old_rows_show_changes_and_violations(void **state)
{
	Row old_row = row(7, "A@B.de", "Ada", "L", false, 5);
	Row new_row = row(7, "x@b.de", "Ada", "K", false, 5);
	Row same_row = row(7, "A@b.DE ", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'f');
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &new_row));
	assert_true(records[0].knows_changed);
	assert_set(&records[0].changed, "full_name email username");
	assert_set(&records[0].violations, "email");
	/* another spelling of the same canonical value is no change */
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &same_row));
	assert_true(records[0].knows_changed);
	assert_set(&records[0].changed, "username");
	assert_set(&records[0].violations, "");
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &old_row));
	assert_true(records[0].knows_changed);
	assert_set(&records[0].changed, "");
}

static void
an_old_value_that_was_bad_counts_as_changed(void **state)
{
	Row old_row = row(7, "bad", "Ada", "L", false, INT64_MAX);
	Row new_row = row(7, "a@b.de", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'f');
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &new_row));
	assert_int_equal(outcome, MAPPING_ONE);
	assert_set(&records[0].changed, "email username lead_score");
	assert_int_equal(err.code, ERR_OK);
}

static void
a_key_change_is_a_delete_and_a_create(void **state)
{
	Row old_row = row(7, "UNCHANGED", NULL, NULL, false, 0);
	Row new_row = row(8, "a@b.de", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'd');
	assert_true(apply(CHANGE_UPDATE, OLD_KEY, &old_row, &new_row));
	assert_int_equal(outcome, MAPPING_TWO);
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	assert_all_null(&records[0]);
	assert_record(&records[1], "8", OPERATION_CREATE, "customer.contact.created");
	assert_text(&records[1], "full_name", "Ada L");
	assert_false(records[1].knows_changed);
	prepare(KEY, 'f');
	old_row = row(7, "a@b.de", "Ada", "L", false, 5);
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &new_row));
	assert_int_equal(outcome, MAPPING_TWO);
	assert_record(&records[1], "8", OPERATION_CREATE, "customer.contact.created");
	assert_false(records[1].knows_changed);
}

static void
an_old_key_that_did_not_change_is_a_plain_update(void **state)
{
	/* a TOASTed key (R4): old key sent, new one not */
	Row old_row = row(7, NULL, NULL, NULL, false, 0);
	Row new_row = row(7, "a@b.de", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'd');
	new_row.values[ID].state = VALUE_UNCHANGED;
	assert_true(apply(CHANGE_UPDATE, OLD_KEY, &old_row, &new_row));
	assert_int_equal(outcome, MAPPING_ONE);
	assert_record(&records[0], "7", OPERATION_UPDATE, "customer.contact.updated");
	/* the other columns of an old key are not data (R3) */
	new_row.values[FIRST].state = VALUE_UNCHANGED;
	new_row.values[LAST].state = VALUE_UNCHANGED;
	assert_true(apply(CHANGE_UPDATE, OLD_KEY, &old_row, &new_row));
	assert_set(&records[0].unchanged, "given_name full_name");
	assert_false(records[0].knows_changed);
}

static void
unsent_values_are_filled_or_listed(void **state)
{
	Row old_row = row(7, "a@b.de", "Ada", "L", false, 5);
	Row new_row = row(7, "UNCHANGED", "Eve", "L", false, 5);

	(void) state;
	prepare(KEY, 'd');
	new_row.values[EMAIL].state = VALUE_UNCHANGED;
	/* username is joined from a sent and an unsent column: a hole */
	assert_false(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_int_equal(err.code, ERR_TABLE_CHANGED);
	assert_true(prepare_with(KEY,
							 "{ to = \"email\"; from = \"email\"; apply = ( { do = \"email\"; "
							 "} ); required = true; }",
							 'd'));
	assert_true(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_text(&records[0], "email", NULL);
	assert_set(&records[0].unchanged, "email");
	prepare(KEY, 'f');
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &new_row));
	assert_text(&records[0], "email", "a@b.de");
	assert_set(&records[0].unchanged, "");
	assert_set(&records[0].changed, "given_name full_name");
}

static void
a_withheld_value_is_no_null(void **state)
{
	Row old_row = row(7, "a@b.de", "Ada", "L", false, 5);
	Row new_row = row(7, "a@b.de", "Ada", "L", false, 5);

	(void) state;
	/* converted as it is, and through steps */
	prepare(KEY, 'f');
	new_row.values[FIRST].state = VALUE_WITHHELD;
	assert_true(apply(CHANGE_SNAPSHOT, OLD_NONE, NULL, &new_row));
	assert_int_equal(outcome, MAPPING_REJECT);
	assert_non_null(strstr(reject.reason, "larger than 8 MiB"));
	new_row.values[FIRST] = old_row.values[FIRST];
	new_row.values[EMAIL].state = VALUE_WITHHELD;
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_int_equal(outcome, MAPPING_REJECT);
	assert_string_equal(reject.field, "email");
	/* not sent, and withheld where the old row has it */
	new_row.values[EMAIL].state = VALUE_UNCHANGED;
	old_row.values[EMAIL].state = VALUE_WITHHELD;
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &new_row));
	assert_int_equal(outcome, MAPPING_REJECT);
	/* what follows it in a coalesce is not its value; what comes before it is */
	assert_true(prepare_with(KEY,
							 "{ to = \"full_name\"; from = [ \"first\", \"last\" ]; apply = ( { do "
							 "= \"coalesce\"; } ); }",
							 'd'));
	new_row = row(7, NULL, "Ada", "L", false, 5);
	new_row.values[FIRST].state = VALUE_WITHHELD;
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_int_equal(outcome, MAPPING_REJECT);
	new_row = row(7, NULL, "Ada", "L", false, 5);
	new_row.values[LAST].state = VALUE_WITHHELD;
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_text(&records[0], "full_name", "Ada");
}

static void
coalesce_needs_only_the_first_value(void **state)
{
	Row new_row = row(7, "a@b.de", "UNCHANGED", "L", false, 5);

	(void) state;
	assert_true(prepare_with(KEY,
							 "{ to = \"username\"; from = [ \"email\", \"first\" ]; apply = ( { do "
							 "= \"coalesce\"; } ); }",
							 'd'));
	assert_true(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_text(&records[0], "username", "a@b.de");
	assert_set(&records[0].unchanged, "");
	new_row.values[EMAIL].state = VALUE_NULL;
	assert_false(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	new_row.values[FIRST].state = VALUE_NULL;
	assert_true(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_text(&records[0], "username", NULL);
}

static void
a_create_with_a_hole_is_a_named_stop(void **state)
{
	Row old_row = row(7, NULL, NULL, NULL, false, 0);
	Row new_row = row(8, "a@b.de", "UNCHANGED", "UNCHANGED", false, 5);

	(void) state;
	prepare(KEY, 'd');
	assert_false(apply(CHANGE_UPDATE, OLD_KEY, &old_row, &new_row));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_TABLE_CHANGED);
	assert_string_equal(err.message,
						"could not map a row of table \"public.t\" of source \"crm\": the server "
						"did not send the unchanged large value of column \"first\", and without "
						"it the record would have a hole");
	assert_string_equal(err.hint,
						"Run in the source: ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL; "
						"then copy the source anew, since the change that was written without the "
						"value stays so: drop its replication slot, then goldpan stream "
						"--copy-again.");
}

static void
deletes_carry_the_id_alone(void **state)
{
	Row old_row = row(7, "bad", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'f');
	assert_true(apply(CHANGE_DELETE, OLD_FULL, &old_row, NULL));
	assert_int_equal(outcome, MAPPING_ONE);
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	assert_all_null(&records[0]);
	prepare(KEY " deletes = { kind = \"ignore\"; };", 'd');
	assert_true(apply(CHANGE_DELETE, OLD_KEY, &old_row, NULL));
	assert_int_equal(outcome, MAPPING_NOTHING);
	assert_true(apply(CHANGE_DELETE, OLD_NONE, NULL, NULL));
	assert_int_equal(outcome, MAPPING_NOTHING);
}

static void
soft_deletes_follow_their_column(void **state)
{
	Row live = row(7, "a@b.de", "Ada", "L", false, 5);
	Row gone = row(7, "a@b.de", "Ada", "L", true, 5);
	Row moved = row(8, "a@b.de", "Ada", "L", true, 5);

	(void) state;
	prepare(KEY " deletes = { kind = \"soft\"; column = \"gone\"; values = [ \"true\" ]; };", 'f');
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &live, &gone));
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	assert_all_null(&records[0]);
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &gone, &live));
	assert_record(&records[0], "7", OPERATION_CREATE, "customer.contact.created");
	assert_text(&records[0], "given_name", "Ada");
	assert_false(records[0].knows_changed);
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &live, &live));
	assert_record(&records[0], "7", OPERATION_UPDATE, "customer.contact.updated");
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &gone));
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	assert_true(apply(CHANGE_SNAPSHOT, OLD_NONE, NULL, &gone));
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	/* marked and renamed at once: the new id was never published */
	assert_true(apply(CHANGE_UPDATE, OLD_FULL, &live, &moved));
	assert_int_equal(outcome, MAPPING_ONE);
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	/* a row that is removed is gone as well */
	assert_true(apply(CHANGE_DELETE, OLD_FULL, &live, NULL));
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	/* without the old row it cannot be told from an update */
	prepare(KEY " deletes = { kind = \"soft\"; column = \"gone\"; values = [ \"true\" ]; };", 'd');
	assert_true(apply(CHANGE_UPDATE, OLD_NONE, NULL, &live));
	assert_record(&records[0], "7", OPERATION_UPDATE, "customer.contact.updated");
}

static void
truncates_and_missing_identities_are_named_stops(void **state)
{
	Row new_row = row(7, "a@b.de", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'n');
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_false(apply(CHANGE_TRUNCATE, OLD_NONE, NULL, NULL));
	assert_int_equal(err.code, ERR_TRUNCATED);
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_string_equal(err.message,
						"could not map the truncation of table \"public.t\" of source \"crm\": its "
						"rows are gone without a delete for each");
	assert_false(apply(CHANGE_UPDATE, OLD_NONE, NULL, &new_row));
	assert_int_equal(err.code, ERR_NO_IDENTITY);
	assert_string_equal(err.message,
						"could not map an update of table \"public.t\" of source \"crm\": it has "
						"no replica identity, so the server does not say which row was meant");
	assert_non_null(strstr(err.hint, "ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL;"));
	assert_false(apply(CHANGE_DELETE, OLD_NONE, NULL, NULL));
	assert_int_equal(err.code, ERR_NO_IDENTITY);
}

static void
bad_values_are_rejected_without_being_told(void **state)
{
	static const struct
	{
		const char *mapped;
		const char *email;
		int64_t score;
		const char *stage, *field, *column, *reason;
	} cases[] = {
		{FIELDS, "secret", 5, "transform", "email", "email", "it holds no @"},
		{FIELDS, "a@b.de", INT64_C(1) << 40, "transform", "lead_score", "score",
		 "it does not fit 32 bits"},
		{"{ to = \"email\"; from = \"email\"; required = true; }", NULL, 5, "validate", "email",
		 "email", "it is null, and the field is required"},
		{"{ to = \"email\"; from = \"email\"; }", "A@B", 5, "validate", "email", "email",
		 "it is not an e-mail address in its normal form"},
		{"{ to = \"status\"; from = \"email\"; }", "secret", 5, "validate", "status", "email",
		 "it is not one of the field's allowed values"},
		{"{ to = \"status\"; from = \"email\"; apply = ( { do = \"lower\"; } ); }", "secret", 5,
		 "validate", "status", "email", "it is not one of the field's allowed values"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Row new_row = row(7, cases[i].email, "Ada", "L", false, cases[i].score);

		assert_true(prepare_with(KEY, cases[i].mapped, 'd'));
		assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
		assert_int_equal(outcome, MAPPING_REJECT);
		assert_string_equal(reject.stage, cases[i].stage);
		assert_string_equal(reject.field, cases[i].field);
		assert_string_equal(reject.column, cases[i].column);
		assert_string_equal(reject.reason, cases[i].reason);
		assert_int_equal(err.class, ERR_CLASS_REJECT);
		assert_int_equal(err.code, ERR_BAD_VALUE);
		assert_null(strstr(err.message, "secret"));
		assert_false(reject.deletes_old);
	}
	assert_string_equal(err.message, "could not map a row of table \"public.t\" of source \"crm\": "
									 "field \"status\" from column \"email\": it is not one of the "
									 "field's allowed values");
}

static void
bad_values_can_become_null(void **state)
{
	Row new_row = row(7, "bad", "Ada", "L", false, 5);

	(void) state;
	assert_true(prepare_with(KEY,
							 "{ to = \"email\"; from = \"email\"; on_bad = \"null\"; }, { to = "
							 "\"given_name\"; from = \"first\"; }",
							 'd'));
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_int_equal(outcome, MAPPING_ONE);
	assert_text(&records[0], "email", NULL);
	assert_text(&records[0], "given_name", "Ada");
}

static void
a_key_change_with_a_bad_new_row_still_deletes_the_old(void **state)
{
	Row old_row = row(7, NULL, NULL, NULL, false, 0);
	Row new_row = row(8, "bad", "Ada", "L", false, 5);

	(void) state;
	prepare(KEY, 'd');
	assert_true(apply(CHANGE_UPDATE, OLD_KEY, &old_row, &new_row));
	assert_int_equal(outcome, MAPPING_REJECT);
	assert_true(reject.deletes_old);
	assert_record(&records[0], "7", OPERATION_DELETE, "customer.contact.deleted");
	assert_all_null(&records[0]);
}

static void
ids_are_joined_escaped_and_prefixed(void **state)
{
	Row new_row = row(7, "a@b.de", "x/y", "50%", false, 5);
	static const char *const simple = "{ to = \"given_name\"; from = \"first\"; }";

	(void) state;
	assert_true(prepare_with("key = [ \"id\", \"first\", \"last\" ];", simple, 'f'));
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_record(&records[0], "7/x%2Fy/50%25", OPERATION_CREATE, "customer.contact.created");
	assert_true(prepare_with("key = \"first\"; discriminator = \"lead:\";", simple, 'f'));
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_record(&records[0], "lead:x/y", OPERATION_CREATE, "customer.contact.created");
	new_row.values[FIRST].state = VALUE_NULL;
	assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &new_row));
	assert_int_equal(outcome, MAPPING_REJECT);
	assert_string_equal(reject.stage, "key");
	assert_string_equal(reject.column, "first");
	assert_string_equal(reject.reason, "it is part of the key and null");
}

static void
shapes_that_no_longer_fit_are_named_stops(void **state)
{
	(void) state;
	assert_false(prepare_with(KEY, "{ to = \"email\"; from = \"mail\"; }", 'd'));
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_TABLE_CHANGED);
	assert_string_equal(err.message, "could not map table \"public.t\" of source \"crm\": column "
									 "\"mail\" no longer exists");
	assert_false(prepare_with(KEY, "{ to = \"birth_date\"; from = \"first\"; }", 'd'));
	assert_string_equal(err.message, "could not map column \"first\" of table \"public.t\" of "
									 "source \"crm\" to \"birth_date\": text cannot become a date");
	assert_non_null(strstr(err.hint, "{ do = \"date\"; }"));
	assert_false(prepare_with("key = \"first\";", "{ to = \"email\"; from = \"email\"; }", 'd'));
	assert_string_equal(err.message,
						"could not map table \"public.t\" of source \"crm\": key column \"first\" "
						"is not part of the table's replica identity, so its changes would go "
						"unseen");
	assert_string_equal(err.hint, "Run: ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL;");
}

static void
every_field_has_its_ownership_tag(void **state)
{
	uint16_t count;
	const FieldOwnership *tags;

	(void) state;
	prepare(KEY, 'd');
	tags = mapping_plan_ownership(plan, &count);
	assert_int_equal(count, mapping_table_entity(mapping_table(mapping, "crm", 0))->nfields);
	for (uint16_t i = 0; i < count; i++)
	{
		bool email = strcmp(tags[i].field, "email") == 0;

		assert_string_equal(tags[i].owner, email ? "billing" : "crm");
		assert_int_equal(tags[i].is_owner, !email);
	}
}

/* ---- property: changed is the field-wise difference of two maps ---- */

static const char *
random_text(unsigned *seed)
{
	static const char *const texts[] = {NULL, "",		 "a@b.de", "A@b.de", "a@B.de",	 " a@b.de",
										"x",  "bad @ x", "Ada",	   "Eve",	 "UNCHANGED"};

	return texts[rand_r(seed) % 11];
}

static Row
random_row(unsigned *seed)
{
	return row(7, random_text(seed), random_text(seed), random_text(seed), rand_r(seed) % 2,
			   rand_r(seed) % 2);
}

static void
changed_is_the_difference_of_the_maps(void **state)
{
	unsigned seed = 20261124;
	unsigned known = 0;

	(void) state;
	assert_true(
		prepare_with(KEY,
					 "{ to = \"email\"; from = \"email\"; apply = ( { do = \"email\"; } ); "
					 "on_bad = \"null\"; },"
					 "{ to = \"given_name\"; from = \"first\"; apply = ( { do = \"lower\"; } ); },"
					 "{ to = \"full_name\"; from = [ \"first\", \"last\" ]; apply = ( { do = "
					 "\"concatenate\"; separator = \" \"; }, { do = \"trim\"; } ); },"
					 "{ to = \"username\"; from = [ \"email\", \"first\" ]; apply = ( { do = "
					 "\"coalesce\"; } ); },"
					 "{ to = \"lead_score\"; from = \"score\"; }",
					 'f'));
	for (int round = 0; round < 20000; round++)
	{
		const CanonicalEntity *entity = mapping_table_entity(mapping_table(mapping, "crm", 0));
		Row old_row = random_row(&seed);
		Row new_row = random_row(&seed);
		Row filled;
		CanonicalValue maps[2][64];

		arena_reset(&event);
		for (int i = 0; i < NCOLUMNS; i++)
			if (old_row.values[i].state == VALUE_UNCHANGED)
				old_row.values[i].state = VALUE_NULL; /* a full old row has every value */
		filled = new_row;
		for (int i = 0; i < NCOLUMNS; i++)
			if (filled.values[i].state == VALUE_UNCHANGED)
				filled.values[i] = old_row.values[i];
		assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &old_row));
		memcpy(maps[0], fields[0], sizeof(CanonicalValue) * entity->nfields);
		assert_true(apply(CHANGE_INSERT, OLD_NONE, NULL, &filled));
		memcpy(maps[1], fields[0], sizeof(CanonicalValue) * entity->nfields);
		assert_true(apply(CHANGE_UPDATE, OLD_FULL, &old_row, &new_row));
		assert_true(records[0].knows_changed);
		for (unsigned i = 0; i < entity->nfields; i++)
		{
			bool differs = !mapping_value_equal(entity->fields[i].type, &maps[0][i], &maps[1][i]);

			assert_int_equal(field_set_has(&records[0].changed, i), differs);
			assert_int_equal(field_set_has(&records[0].violations, i),
							 differs && strcmp(entity->fields[i].name, "email") == 0);
			known += differs;
		}
	}
	assert_true(known > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inserts_and_snapshots_become_records),
		cmocka_unit_test(event_types_can_be_named),
		cmocka_unit_test(updates_without_an_old_row_do_not_know_what_changed),
		cmocka_unit_test(full_old_rows_show_changes_and_violations),
		cmocka_unit_test(an_old_value_that_was_bad_counts_as_changed),
		cmocka_unit_test(a_key_change_is_a_delete_and_a_create),
		cmocka_unit_test(an_old_key_that_did_not_change_is_a_plain_update),
		cmocka_unit_test(unsent_values_are_filled_or_listed),
		cmocka_unit_test(a_withheld_value_is_no_null),
		cmocka_unit_test(coalesce_needs_only_the_first_value),
		cmocka_unit_test(a_create_with_a_hole_is_a_named_stop),
		cmocka_unit_test(deletes_carry_the_id_alone),
		cmocka_unit_test(soft_deletes_follow_their_column),
		cmocka_unit_test(truncates_and_missing_identities_are_named_stops),
		cmocka_unit_test(bad_values_are_rejected_without_being_told),
		cmocka_unit_test(bad_values_can_become_null),
		cmocka_unit_test(a_key_change_with_a_bad_new_row_still_deletes_the_old),
		cmocka_unit_test(ids_are_joined_escaped_and_prefixed),
		cmocka_unit_test(shapes_that_no_longer_fit_are_named_stops),
		cmocka_unit_test(every_field_has_its_ownership_tag),
		cmocka_unit_test(changed_is_the_difference_of_the_maps),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
