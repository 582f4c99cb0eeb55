/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_mapping_check.c — every mistake of a mapping file, with its line and its cure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "mapping/mapping_priv.h"

static Arena arena;
static MappingProblems problems;
static Mapping *mapping;

static int
start(void **state)
{
	(void) state;
	arena_init(&arena, (size_t) 16 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void) state;
	mapping_free(mapping);
	mapping = NULL;
	arena_release(&arena);
	return 0;
}

static bool
load(const char *text, Err *err)
{
	mapping_free(mapping);
	memset(&problems, 0, sizeof(problems));
	problems.arena = &arena;
	err_clear(err);
	return mapping_parse(text, strlen(text), "m.conf", NULL, &mapping, &problems, err);
}

/* A whole mapping with one place to put a mistake: line 3 is the head, line 5 the table, line 6
 * its fields. */
static const char *
whole(const char *head, const char *table, const char *fields)
{
	Err err;

	return arena_printf(
		&arena, &err,
		"picklists = ( { name = \"st\"; values = ( { from = \"A\"; to = \"active\"; } ); } );\n"
		"systems = ( { name = \"erp\"; } );\n"
		"%s\n"
		"sources = ( { name = \"crm\"; tables = (\n"
		"{ table = \"t\"; entity = \"contact\"; %s\n"
		"fields = ( %s ); } ); } );\n",
		head, table, fields);
}

#define OWNED  "ownership = ( { of = \"contact\"; owner = \"crm\"; } );"
#define KEY	   "key = [ \"id\" ];"
#define FIELDS "{ to = \"email\"; from = \"e\"; }"

typedef struct CheckCase
{
	const char *head, *table, *fields;
	int line;
	const char *what;
	const char *cure;
} CheckCase;

static const CheckCase cases[] = {
	/* unknown keys, kinds, values */
	{OWNED " sorces = 1;", KEY, FIELDS, 3, "sorces: unknown key", "Did you mean \"sources\"?"},
	{OWNED, KEY " discriminater = \"x\";", FIELDS, 5,
	 "sources[0].tables[0].discriminater: unknown key", "Did you mean \"discriminator\"?"},
	{OWNED, KEY, "{ to = \"email\"; frm = \"e\"; from = \"e\"; }", 6,
	 "sources[0].tables[0].fields[0].frm: unknown key", "Did you mean \"from\"?"},
	{OWNED, KEY,
	 "{ to = \"email\"; from = \"e\"; apply = ( { do = \"trim\"; zone = \"UTC\"; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0].zone: unknown key", "There are: do."},
	{OWNED, KEY, "{ to = \"email\"; from = 3; }", 6,
	 "sources[0].tables[0].fields[0].from: must be a text or a list of texts, is an integer", ""},
	{OWNED, KEY, "{ to = \"email\"; from = \"e\"; required = 1; }", 6,
	 "sources[0].tables[0].fields[0].required: must be true or false, is an integer", ""},
	{OWNED, KEY, "{ to = \"email\"; from = \"e\"; on_bad = \"nul\"; }", 6,
	 "sources[0].tables[0].fields[0].on_bad: unknown value \"nul\"", "Did you mean \"null\"?"},
	{OWNED " version = \"123456789012345678901234\";", KEY, FIELDS, 3,
	 "\"version\" must have 1 to 23 bytes", ""},
	{OWNED " schemas = \"/nonexistent\";", KEY, FIELDS, 0,
	 "could not read schema folder \"/nonexistent\": No such file or directory", ""},
	/* names */
	{OWNED, KEY, "{ to = \"emial\"; from = \"e\"; }", 6,
	 "table \"public.t\": entity \"contact\" has no field \"emial\"", "Did you mean \"email\"?"},
	{OWNED, KEY, "{ to = \"email\"; from = \"e\"; apply = ( { do = \"tirm\"; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0].do: unknown value \"tirm\"",
	 "Did you mean \"trim\"?"},
	{OWNED, KEY,
	 "{ to = \"status\"; from = \"e\"; apply = ( { do = \"picklist\"; name = \"sta\"; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0]: unknown picklist \"sta\"", "Did you mean \"st\"?"},
	{OWNED, KEY, "{ to = \"email\"; from = \"e\"; apply = ( { zone = \"x\"; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0]: a step needs \"do\"", "Write { do = \"trim\"; }."},
	{OWNED, KEY, "{ from = \"e\"; }", 6, "sources[0].tables[0].fields[0]: \"to\" is required",
	 "Add to = \"…\"."},
	/* steps */
	{OWNED, KEY,
	 "{ to = \"created_at\"; from = \"c\"; apply = ( { do = \"timestamp\"; zone = "
	 "\"Europe/Berlim\"; } ); }",
	 6,
	 "sources[0].tables[0].fields[0].apply[0]: time zone \"Europe/Berlim\": no such time zone is "
	 "installed",
	 "Did you mean \"Europe/Berlin\"?"},
	{OWNED, KEY,
	 "{ to = \"birth_date\"; from = \"c\"; apply = ( { do = \"date\"; format = \"%d/%m\"; } ); }",
	 6,
	 "sources[0].tables[0].fields[0].apply[0]: format \"%d/%m\": it must hold one year (%Y or %y), "
	 "one month (%m, %b or %B) and one day (%d or %e)",
	 "A format looks like \"%d/%m/%Y\" or \"%Y-%m-%d %H:%M:%S\"."},
	{OWNED, KEY, "{ to = \"email\"; from = \"e\"; apply = ( { do = \"split\"; part = 0; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0]: part 0", "Parts count from 1; -1 is the last."},
	{OWNED, KEY,
	 "{ to = \"phone\"; from = \"e\"; apply = ( { do = \"phone\"; country = \"de\"; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0]: unknown country \"de\"",
	 "A country is its ISO 3166-1 code of two capital letters, \"DE\"."},
	{OWNED, KEY,
	 "{ to = \"created_at\"; from = \"e\"; apply = ( { do = \"epoch\"; unit = \"msec\"; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0].unit: unknown value \"msec\"",
	 "There are: s, ms, us."},
	{OWNED, KEY,
	 "{ to = \"lead_score\"; from = \"e\"; apply = ( { do = \"number\"; scale = 99; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0].scale: 99 is out of range",
	 "It must lie between 0 and 18."},
	{OWNED, KEY, "{ to = \"email\"; from = \"e\"; apply = ( { do = \"constant\"; } ); }", 6,
	 "sources[0].tables[0].fields[0].apply[0]: step \"constant\" needs \"value\"",
	 "Add value = \"…\"."},
	/* fields */
	{OWNED, KEY, FIELDS ", " FIELDS, 6,
	 "table \"public.t\": field \"email\" is mapped twice, first at line 6",
	 "Keep one of the two; { do = \"coalesce\"; } reads several columns."},
	{OWNED, KEY, "{ to = \"email\"; }", 6,
	 "table \"public.t\": field \"email\" has no source column",
	 "Add from = \"column\", or { do = \"constant\"; value = \"…\"; } as the first step."},
	{OWNED, KEY, "{ to = \"email\"; from = [ \"a\", \"b\" ]; }", 6,
	 "table \"public.t\": field \"email\" has several columns and no step that joins them",
	 "Make { do = \"concatenate\"; separator = \" \"; } or { do = \"coalesce\"; } the first step."},
	{OWNED, KEY, "{ to = \"email\"; from = \"e\"; required = true; on_bad = \"null\"; }", 6,
	 "table \"public.t\": field \"email\" is required, but a bad value shall make it null",
	 "Keep required = true with on_bad = \"reject\", or drop it."},
	{OWNED, KEY,
	 "{ to = \"status\"; from = []; apply = ( { do = \"constant\"; value = \"activ\"; } ); }", 6,
	 "constant: field \"status\" does not allow the value \"activ\"", "Did you mean \"active\"?"},
	{OWNED, KEY,
	 "{ to = \"role\"; from = \"r\"; apply = ( { do = \"picklist\"; name = \"st\"; } ); }", 1,
	 "picklist \"st\": field \"role\" does not allow the value \"active\"", NULL},
	{OWNED, KEY,
	 "{ to = \"mailing_country\"; from = []; apply = ( { do = \"constant\"; value = \"GERMANY\"; } "
	 "); }",
	 6,
	 "constant: value \"GERMANY\" of field \"mailing_country\": it is not an ISO 3166-1 alpha-2 "
	 "country code",
	 ""},
	{OWNED, KEY, "{ to = \"birth_date\"; from = \"b\"; apply = ( { do = \"trim\"; } ); }", 6,
	 "table \"public.t\": field \"birth_date\": text cannot become a date",
	 "Add { do = \"date\"; } to \"apply\"."},
	{OWNED, KEY,
	 "{ to = \"created_at\"; from = \"b\"; apply = ( { do = \"trim\"; }, { do = \"timestamp\"; "
	 "format = \"%Y-%m-%d %H:%M\"; } ); }",
	 6, "table \"public.t\": field \"created_at\": step \"timestamp\" of text needs \"zone\"",
	 "Add zone = \"Europe/Berlin\": the zone that this clock shows."},
	{OWNED, KEY, "{ to = \"birth_date\"; from = \"b\"; apply = ( { do = \"epoch\"; } ); }", 6,
	 "table \"public.t\": field \"birth_date\": an instant cannot become a date",
	 "Add { do = \"date\"; zone = \"Europe/Berlin\"; } to \"apply\"."},
	{OWNED, KEY,
	 "{ to = \"birth_date\"; from = \"b\"; apply = ( { do = \"date\"; }, { do = \"email\"; } ); }",
	 6, "table \"public.t\": field \"birth_date\": step \"email\" cannot take a date", ""},
	{OWNED, KEY,
	 "{ to = \"birth_date\"; from = \"b\"; apply = ( { do = \"date\"; }, { do = \"default\"; value "
	 "= \"2000-01-01\"; } ); }",
	 6, "table \"public.t\": field \"birth_date\": default is text where the value is a date",
	 "Give a value of that type, or put the default before the step that makes it."},
	/* tables and sources */
	{OWNED, "", FIELDS, 5, "table \"public.t\" has no key",
	 "Add key = [ \"id\" ]: the columns of the primary key."},
	{OWNED, "key = [ \"id\", \"id\" ];", FIELDS, 5,
	 "table \"public.t\": key names column \"id\" twice", ""},
	{OWNED, KEY, "", 5, "table \"public.t\" maps no field",
	 "Add fields = ( { to = \"…\"; from = \"…\"; } )."},
	{OWNED, KEY " deletes = { kind = \"soft\"; column = \"d\"; };", FIELDS, 5,
	 "table \"public.t\": soft deletes need \"values\"",
	 "Add values = [ \"true\" ]: what the column holds when the row counts as deleted."},
	{OWNED, KEY " deletes = { kind = \"tombston\"; };", FIELDS, 5,
	 "sources[0].tables[0].deletes.kind: unknown value \"tombston\"",
	 "Did you mean \"tombstone\"?"},
	{OWNED, KEY " deletes = { column = \"d\"; };", FIELDS, 5,
	 "table \"public.t\": \"column\" and \"values\" belong to soft deletes",
	 "Write kind = \"soft\"."},
	/* ownership */
	{"", KEY, FIELDS, 6, "field \"contact.email\" has no owner",
	 "Add { of = \"contact.email\"; owner = \"crm\"; } to \"ownership\", or one for \"contact\" as "
	 "a "
	 "whole."},
	{"", KEY, FIELDS, 5, "entity \"contact\": 35 fields that this table does not map have no owner",
	 "Add { of = \"contact\"; owner = \"crm\"; } to \"ownership\"."},
	{"ownership = ( { of = \"contact\"; owner = \"crm\"; }, { of = \"contact\"; owner = \"erp\"; } "
	 ");",
	 KEY, FIELDS, 3, "\"contact\" has two owners: \"erp\", and \"crm\" at line 3",
	 "Keep one of the two: a field has one system of record."},
	{"ownership = ( { of = \"contact\"; owner = \"crn\"; } );", KEY, FIELDS, 3,
	 "ownership of \"contact\": owner \"crn\" is neither a source nor listed in \"systems\"",
	 "Did you mean \"crm\"?"},
	{"ownership = ( { of = \"contacts\"; owner = \"crm\"; } );", KEY, FIELDS, 3,
	 "ownership of \"contacts\": unknown entity \"contacts\"", "Did you mean \"contact\"?"},
	{"ownership = ( { of = \"contact.emial\"; owner = \"crm\"; } );", KEY, FIELDS, 3,
	 "ownership of \"contact.emial\": entity \"contact\" has no field \"emial\"",
	 "Did you mean \"email\"?"},
	{"ownership = ( { of = \"contact\"; } );", KEY, FIELDS, 3,
	 "ownership[0]: \"of\" and \"owner\" are required",
	 "Write { of = \"contact.email\"; owner = \"crm\"; }."},
	{"ownership = ( { of = \"contact\"; owner = \"crm\"; rule = \"owner_win\"; } );", KEY, FIELDS,
	 3, "ownership[0].rule: unknown value \"owner_win\"", "Did you mean \"owner_wins\"?"},
};

static const MappingProblem *
find(const char *what)
{
	for (size_t i = 0; i < problems.count; i++)
		if (strcmp(problems.list[i].what, what) == 0)
			return &problems.list[i];
	for (size_t i = 0; i < problems.count; i++)
		print_message("found: %d: %s\n", problems.list[i].line, problems.list[i].what);
	fail_msg("not found: %s", what);
	return NULL;
}

static void
every_mistake_has_its_line_and_its_cure(void **state)
{
	Err err;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const CheckCase *c = &cases[i];
		const MappingProblem *problem;

		assert_false(load(whole(c->head, c->table, c->fields), &err));
		problem = find(c->what);
		assert_string_equal(problem->file, "m.conf");
		assert_int_equal(problem->line, c->line);
		if (c->cure != NULL)
			assert_string_equal(problem->cure, c->cure);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(mapping);
	}
}

static void
a_mapping_without_mistakes_has_none(void **state)
{
	Err err;

	(void) state;
	assert_true(load(whole(OWNED, KEY, FIELDS), &err));
	assert_int_equal(problems.count, 0);
}

static void
one_run_finds_all_mistakes_sorted_by_line(void **state)
{
	Err err;

	(void) state;
	assert_false(load(whole("ownership = ( { of = \"contact\"; owner = \"nobody\"; } );",
							"kye = [ \"id\" ];",
							"{ to = \"emial\"; from = \"e\"; },\n{ to = \"phone\"; from = []; }"),
					  &err));
	assert_string_equal(err.message, "mapping file \"m.conf\" has 5 mistakes");
	assert_int_equal(problems.count, 5);
	for (size_t i = 1; i < problems.count; i++)
		assert_true(problems.list[i - 1].line <= problems.list[i].line);
	(void) find("sources[0].tables[0].kye: unknown key");
	(void) find("table \"public.t\" has no key");
	(void) find("table \"public.t\": field \"phone\" has no source column");
}

static void
colliding_tables_and_sources_are_found(void **state)
{
	Err err;
	static const char *const text =
		OWNED "\nsources = ( { name = \"crm\"; tables = (\n"
			  "{ table = \"lead\"; entity = \"contact\"; " KEY " %s fields = ( " FIELDS " ); },\n"
			  "{ table = \"person\"; entity = \"contact\"; " KEY " %s fields = ( " FIELDS
			  " ); } ); }\n%s );";
	static const struct
	{
		const char *first, *second, *rest;
		int line;		  /* 0: no mistake */
		const char *what; /* NULL: the collision */
	} pairs[] = {
		{"", "", "", 4, NULL},
		{"discriminator = \"lead:\";", "", "", 4, NULL},
		{"discriminator = \"lead:\";", "discriminator = \"lead:x\";", "", 4, NULL},
		{"discriminator = \"lead:\";", "discriminator = \"person:\";", "", 0, NULL},
		{"discriminator = \"lead:\";", "discriminator = \"person:\";",
		 ", { name = \"crm\"; tables = (); }", 5, "source \"crm\" exists already, at line 2"},
		{"discriminator = \"lead:\";", "discriminator = \"person:\";",
		 ", { name = \"a/b\"; tables = (); }", 5,
		 "source \"a/b\": the name cannot be part of an event id"},
		{"discriminator = \"lead:\";", "discriminator = \"person:\";",
		 ", { name = \"erp\"; tables = (); }", 5, "source \"erp\" maps no table"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
	{
		char whole_text[2000];

		(void) snprintf(whole_text, sizeof(whole_text), text, pairs[i].first, pairs[i].second,
						pairs[i].rest);
		assert_int_equal(load(whole_text, &err), pairs[i].line == 0);
		if (pairs[i].line > 0)
			assert_int_equal(
				find(pairs[i].what != NULL
						 ? pairs[i].what
						 : "tables \"public.person\" and \"public.lead\" (line 3) of source "
						   "\"crm\" both give \"contact\" with ids that can collide")
					->line,
				pairs[i].line);
	}
}

static void
the_version_is_a_hash_of_the_meaning(void **state)
{
	Err err;
	char first[MAPPING_VERSION_SIZE];

	(void) state;
	assert_true(load(whole(OWNED, KEY, FIELDS), &err));
	assert_int_equal(strlen(mapping_version(mapping)), 16);
	strcpy(first, mapping_version(mapping));
	assert_true(load(whole(OWNED " // other blanks,", "  /* comments */ " KEY,
						   "{ from = \"e\";\n\n to = \"email\"; }"),
					 &err));
	assert_string_equal(mapping_version(mapping), first);
	assert_true(load(whole(OWNED, KEY, "{ to = \"email\"; from = \"f\"; }"), &err));
	assert_string_not_equal(mapping_version(mapping), first);
	assert_true(load(whole("version = \"7\"; " OWNED, KEY, FIELDS), &err));
	assert_string_equal(mapping_version(mapping), "7");
}

static void
columns_are_those_that_somebody_named(void **state)
{
	Err err;
	size_t count;
	const char *const *columns;
	const MappingTable *table;

	(void) state;
	assert_true(
		load(whole(OWNED,
				   KEY " deletes = { kind = \"soft\"; column = \"gone\"; values = \"t\"; "
					   "};",
				   "{ to = \"full_name\"; from = [ \"id\", \"n\" ]; apply = ( { do = "
				   "\"concatenate\"; } ); }, { to = \"account_id\"; from = \"s\"; }, { to = "
				   "\"status\"; from = \"n2\"; sensitive = true; }"),
			 &err));
	table = mapping_table(mapping, "crm", 0);
	columns = mapping_table_columns(table, &count);
	assert_int_equal(count, 5);
	assert_string_equal(columns[0], "id");
	assert_string_equal(columns[1], "n");
	assert_string_equal(columns[4], "gone");
	assert_true(mapping_column_sensitive(table, "n"));
	assert_true(mapping_column_sensitive(table, "n2"));
	assert_false(mapping_column_sensitive(table, "s"));
	assert_null(mapping_table(mapping, "crm", 1));
	assert_null(mapping_table(mapping, "erp", 0));
	assert_int_equal(mapping_ntables(mapping, "erp"), 0);
}

/* ---- the catalog ---- */

static Column catalog_columns[] = {
	{.name = "id",
	 .base_type = "int4",
	 .kind = VALUE_INTEGER,
	 .key = true,
	 .not_null = true,
	 .primary_key = true},
	{.name = "e", .base_type = "text", .kind = VALUE_TEXT, .typmod = -1},
	{.name = "d", .base_type = "timestamp", .kind = VALUE_TIMESTAMP},
	{.name = "b", .base_type = "bytea", .kind = VALUE_BYTES},
	{.name = "st",
	 .base_type = "mood",
	 .kind = VALUE_TEXT,
	 .nlabels = 2,
	 .labels = (const char *const[]){"A", "B"}},
	{.name = "v", .base_type = "varchar", .kind = VALUE_TEXT, .typmod = 44},
	{.name = "tenant", .base_type = "int4", .kind = VALUE_INTEGER},
};

static void
check_catalog(const char *head, const char *table, const char *fields, char identity)
{
	Relation relation = {.schema = "public",
						 .name = "t",
						 .replica_identity = identity,
						 .ncolumns = sizeof(catalog_columns) / sizeof(catalog_columns[0]),
						 .columns = catalog_columns};
	MappingCatalogTable catalog[] = {{.schema = "public",
									  .name = "t",
									  .replica_identity = identity,
									  .exists = true,
									  .relation = &relation}};
	Err err;

	assert_true(load(whole(head, table, fields), &err));
	assert_int_equal(problems.count, 0);
	assert_true(mapping_check_catalog(mapping, "crm", catalog, 1, &problems, &err));
}

static void
catalog_mistakes_are_found(void **state)
{
	static const struct
	{
		const char *head, *table, *fields;
		char identity;
		bool warning;
		int line;
		const char *what;
		const char *cure;
	} rows[] = {
		{OWNED, KEY, "{ to = \"email\"; from = \"ee\"; }", 'd', false, 6,
		 "source \"crm\": table \"public.t\" has no column \"ee\"", "Did you mean \"e\"?"},
		{OWNED, "key = \"ID\";", FIELDS, 'f', false, 5,
		 "source \"crm\": table \"public.t\" has no column \"ID\"", "Did you mean \"id\"?"},
		{OWNED, KEY, "{ to = \"created_at\"; from = \"d\"; }", 'd', false, 6,
		 "source \"crm\": table \"public.t\": column \"d\" of type timestamp to field "
		 "\"created_at\": a timestamp without time zone cannot become a UTC timestamp",
		 "Add { do = \"timestamp\"; zone = \"Europe/Berlin\"; } to \"apply\"."},
		{OWNED, KEY, "{ to = \"lead_score\"; from = \"e\"; }", 'd', false, 6,
		 "source \"crm\": table \"public.t\": column \"e\" of type text to field \"lead_score\": "
		 "text cannot become an int (32 bits)",
		 "Add { do = \"number\"; } to \"apply\"."},
		{OWNED, KEY, "{ to = \"email\"; from = \"b\"; }", 'd', false, 6,
		 "source \"crm\": table \"public.t\": column \"b\" of type bytea to field \"email\": bytes "
		 "cannot become a string",
		 ""},
		{"ownership = ( { of = \"contact\"; owner = \"erp\"; } );", KEY,
		 "{ to = \"email\"; from = \"v\"; }", 'd', false, 5,
		 "source \"crm\": table \"public.t\" maps fields that it does not own (email) without "
		 "replica identity FULL: violations could not be seen",
		 "Run: ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL;"},
		{OWNED, "key = \"tenant\";", "{ to = \"email\"; from = \"v\"; }", 'd', false, 5,
		 "source \"crm\": table \"public.t\": key column \"tenant\" is not part of the replica "
		 "identity, so its changes would go unseen",
		 "Run: ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL;"},
		{OWNED, KEY, "{ to = \"email\"; from = \"v\"; }", 'n', false, 5,
		 "source \"crm\": table \"public.t\" has no replica identity: its first update or delete "
		 "would stop the source",
		 "Run: ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL;"},
		{OWNED, "key = \"tenant\";", "{ to = \"email\"; from = \"v\"; }", 'f', true, 5,
		 "source \"crm\": table \"public.t\": the key leaves out column \"id\" of the primary key",
		 "Add it to \"key\" unless the other columns are unique."},
		{OWNED, "key = \"tenant\";", "{ to = \"email\"; from = \"v\"; }", 'f', true, 5,
		 "source \"crm\": table \"public.t\": key column \"tenant\" may be null; such rows become "
		 "dead letters",
		 ""},
		{OWNED, KEY, FIELDS, 'd', true, 5,
		 "source \"crm\": table \"public.t\": values of column \"e\" (and perhaps more) that are "
		 "larger than about 2 kB are not sent when unchanged; such a row whose key changes would "
		 "stop the source",
		 "If so, run: ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL;"},
		{OWNED, KEY,
		 "{ to = \"status\"; from = \"st\"; apply = ( { do = \"picklist\"; name = \"st\"; } ); }",
		 'd', true, 1,
		 "picklist \"st\" lacks \"B\", a label of column \"st\" of table \"public.t\": such rows "
		 "become dead letters",
		 "Add { from = \"B\"; to = \"…\"; }."},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		const MappingProblem *problem;

		check_catalog(rows[i].head, rows[i].table, rows[i].fields, rows[i].identity);
		problem = find(rows[i].what);
		assert_int_equal(problem->line, rows[i].line);
		assert_int_equal(problem->warning, rows[i].warning);
		assert_string_equal(problem->cure, rows[i].cure);
	}
	check_catalog(OWNED, KEY, "{ to = \"email\"; from = \"v\"; }", 'd');
	assert_int_equal(problems.count, 0);
}

static void
a_missing_table_is_found(void **state)
{
	Relation relation = {.schema = "public", .name = "tt"};
	MappingCatalogTable catalog[] = {
		{.schema = "public", .name = "t", .exists = false, .relation = &relation},
		{.schema = "public", .name = "tt", .exists = true, .relation = &relation}};
	Err err;

	(void) state;
	assert_true(load(whole(OWNED, KEY, FIELDS), &err));
	assert_true(mapping_check_catalog(mapping, "crm", catalog, 2, &problems, &err));
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.list[0].what, "source \"crm\": table \"public.t\" does not exist");
	assert_string_equal(problems.list[0].cure, "Did you mean \"public.tt\"?");
}

static void
the_steward_sees_eight_columns(void **state)
{
	static const char *const text =
		"picklists = ( { name = \"st\"; values = ( { from = \"A\"; to = \"active\"; } ); } );\n"
		"ownership = ( { of = \"contact\"; owner = \"crm\"; }, { of = \"contact.email\"; owner = "
		"\"billing\"; rule = \"last_write_wins\"; direction = \"bidirectional\"; } );\n"
		"systems = ( { name = \"billing\"; } );\n"
		"sources = ( { name = \"crm\"; tables = ( { schema = \"s\"; table = \"a|b\"; entity = "
		"\"contact\"; key = [ \"x\", \"y\" ]; discriminator = \"p:\"; fields = (\n"
		"{ to = \"email\"; from = \"E\"; apply = ( { do = \"trim\"; }, { do = \"email\"; } ); "
		"on_bad "
		"= \"null\"; },\n"
		"{ to = \"full_name\"; from = [ \"f\", \"l\" ]; apply = ( { do = \"concatenate\"; "
		"separator = "
		"\", \"; } ); required = true; },\n"
		"{ to = \"language\"; from = []; apply = ( { do = \"constant\"; value = \"de\"; } ); },\n"
		"{ to = \"role\"; from = \"=r\"; } ); } ); } );";
	static const char *const markdown =
		"| source system | source field | target system | target field | transformation | required "
		"| "
		"conflict rule | direction |\n"
		"|---|---|---|---|---|---|---|---|\n"
		"| crm | s.a\\|b: x, y | canonical | contact.id | key, joined with /, after p: | yes | key "
		"| "
		"source_to_canonical |\n"
		"| crm | s.a\\|b: E | canonical | contact.email | trim; email; a bad value becomes null | "
		"no "
		"| last_write_wins: billing | bidirectional |\n"
		"| crm | s.a\\|b: f, l | canonical | contact.full_name | concatenate with \", \" | yes | "
		"owner_wins: crm | source_to_canonical |\n"
		"| crm | (constant) | canonical | contact.language | constant \"de\" | no | owner_wins: "
		"crm | "
		"source_to_canonical |\n"
		"| crm | s.a\\|b: =r | canonical | contact.role | as it is | no | owner_wins: crm | "
		"source_to_canonical |\n";
	static const char *const csv_line =
		"crm,\"s.a|b: f, l\",canonical,contact.full_name,\"concatenate with \"\", \"\"\",yes,"
		"owner_wins: crm,source_to_canonical\r\n";
	Buffer out;
	Err err;

	(void) state;
	assert_true(load(text, &err));
	buffer_init(&out, 1 << 20);
	assert_true(mapping_show(mapping, SHOW_MARKDOWN, &out, &err));
	assert_int_equal(out.length, strlen(markdown));
	assert_memory_equal(out.data, markdown, out.length);
	buffer_clear(&out);
	assert_true(mapping_show(mapping, SHOW_CSV, &out, &err));
	assert_true(buffer_append_byte(&out, 0, &err));
	assert_non_null(strstr((const char *) out.data, csv_line));
	buffer_release(&out);
}

static void
running_out_of_memory_is_an_error_not_a_crash(void **state)
{
	const char *text = whole(OWNED, KEY, FIELDS);
	Err err;

	(void) state;
	for (unsigned long n = 1; n < 60; n++)
	{
		bool ok;
		Arena own;

		arena_init(&own, (size_t) 16 << 20);
		mapping_free(mapping);
		mapping = NULL;
		memset(&problems, 0, sizeof(problems));
		problems.arena = &own;
		err_clear(&err);
		alloc_fail_at(n);
		ok = mapping_parse(text, strlen(text), "m.conf", NULL, &mapping, &problems, &err);
		alloc_fail_at(0);
		if (!ok)
			assert_int_equal(err.code, ERR_NOMEM);
		arena_release(&own);
	}
}

/* Tests run in the project's root; elsewhere these files are not there. */
static void
the_example_files_are_without_mistakes(void **state)
{
	static const char *const paths[] = {"contrib/examples/mapping.conf",
										"contrib/demo/mapping.conf"};
	Err err;

	(void) state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
	{
		if (access(paths[i], R_OK) != 0)
			skip();
		mapping_free(mapping);
		memset(&problems, 0, sizeof(problems));
		problems.arena = &arena;
		if (!mapping_load(paths[i], NULL, &mapping, &problems, &err))
			print_message("%s: %s\n", paths[i], err.message);
		for (size_t j = 0; j < problems.count; j++)
			print_message("%d: %s\n", problems.list[j].line, problems.list[j].what);
		assert_non_null(mapping);
		assert_int_equal(problems.count, 0);
	}
}

static void
every_step_is_in_the_manual_and_the_example(void **state)
{
	static char texts[2][65536];
	static const char *const paths[] = {"contrib/man/goldpan-mapping.5.scd",
										"contrib/examples/mapping.conf"};
	char wanted[64];

	(void) state;
	for (int i = 0; i < 2; i++)
	{
		FILE *file = fopen(paths[i], "r");

		if (file == NULL)
			skip();
		texts[i][fread(texts[i], 1, sizeof(texts[i]) - 1, file)] = '\0';
		(void) fclose(file);
	}
	for (int i = 0; i < STEP_KINDS; i++)
	{
		const StepRow *step = &mapping_step_rows[i];

		(void) snprintf(wanted, sizeof(wanted), "*%s*", step->name);
		if (strstr(texts[0], wanted) == NULL)
			fail_msg("the manual lacks step %s", step->name);
		for (int j = 0; step->keys[j] != NULL; j++)
		{
			(void) snprintf(wanted, sizeof(wanted), "_%s_", step->keys[j]);
			if (strstr(texts[0], wanted) == NULL)
				fail_msg("the manual lacks key %s of step %s", step->keys[j], step->name);
		}
		(void) snprintf(wanted, sizeof(wanted), "do = \"%s\"", step->name);
		if (strstr(texts[1], wanted) == NULL)
			fail_msg("the example lacks step %s", step->name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_has_its_line_and_its_cure),
		cmocka_unit_test(a_mapping_without_mistakes_has_none),
		cmocka_unit_test(one_run_finds_all_mistakes_sorted_by_line),
		cmocka_unit_test(colliding_tables_and_sources_are_found),
		cmocka_unit_test(the_version_is_a_hash_of_the_meaning),
		cmocka_unit_test(columns_are_those_that_somebody_named),
		cmocka_unit_test(catalog_mistakes_are_found),
		cmocka_unit_test(a_missing_table_is_found),
		cmocka_unit_test(the_steward_sees_eight_columns),
		cmocka_unit_test(the_example_files_are_without_mistakes),
		cmocka_unit_test(every_step_is_in_the_manual_and_the_example),
		cmocka_unit_test(running_out_of_memory_is_an_error_not_a_crash),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
