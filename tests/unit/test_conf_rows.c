/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_conf_rows.c — settings: defaults, ranges, unknown names, what is printed loads again.
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

#include "goldpan/conf.h"

typedef struct Item
{
	const char *name;
} Item;

typedef struct Things
{
	const char *title;
	const char *folder;
	bool loud;
	int64_t count;
	int64_t pause;
	int64_t room;
	int64_t colour;
	ConfList items;
} Things;

static const char *const colours[] = {"red", "green", NULL};

static const ConfRow top_rows[] = {
	{.name = "title",
	 .type = CONF_ROW_TEXT,
	 .offset = offsetof(Things, title),
	 .flags = CONF_REQUIRED,
	 .sample = "x",
	 .doc = "A title."},
	{.name = "folder",
	 .type = CONF_ROW_PATH,
	 .offset = offsetof(Things, folder),
	 .doc = "A folder."},
	{.name = "loud",
	 .type = CONF_ROW_BOOLEAN,
	 .offset = offsetof(Things, loud),
	 .fallback = "true",
	 .doc = "A switch."},
};

static const ConfRow group_rows[] = {
	{.name = "count",
	 .type = CONF_ROW_INTEGER,
	 .offset = offsetof(Things, count),
	 .fallback = "6",
	 .minimum = "1",
	 .maximum = "10",
	 .doc = "A count."},
	{.name = "pause",
	 .type = CONF_ROW_DURATION,
	 .offset = offsetof(Things, pause),
	 .fallback = "10 s",
	 .minimum = "1 ms",
	 .maximum = "1 h",
	 .doc = "A pause."},
	{.name = "room",
	 .type = CONF_ROW_SIZE,
	 .offset = offsetof(Things, room),
	 .fallback = "64 MiB",
	 .doc = "A size."},
	{.name = "colour",
	 .type = CONF_ROW_CHOICE,
	 .offset = offsetof(Things, colour),
	 .fallback = "green",
	 .choices = colours,
	 .doc = "A colour."},
};

static const ConfRow item_rows[] = {
	{.name = "name",
	 .type = CONF_ROW_TEXT,
	 .offset = offsetof(Item, name),
	 .flags = CONF_REQUIRED,
	 .sample = "an item",
	 .doc = "Its name."},
};

static const ConfSection sections[] = {
	{.name = "", .nrows = 3, .rows = top_rows, .doc = "Top."},
	{.name = "group", .nrows = 4, .rows = group_rows, .doc = "Group."},
	{.name = "group.items",
	 .list_size = sizeof(Item),
	 .list_offset = offsetof(Things, items),
	 .list_limit = 3,
	 .nrows = 1,
	 .rows = item_rows,
	 .doc = "Items."},
};

static const ConfTable table = {3, sections};

static char folder[] = "/tmp/goldpan-test-conf-XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
	(void) state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void) snprintf(path, sizeof(path), "%s/t.conf", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void) state;
	(void) unlink(path);
	return rmdir(folder);
}

static bool
load(const char *text, Things *things, Arena *arena, Err *err)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	memset(things, 0, sizeof(*things));
	arena_init(arena, 1 << 20);
	err_clear(err);
	return conf_rows_load(&table, path, things, arena, err);
}

static void
what_is_not_given_has_its_default(void **state)
{
	Things things;
	Arena arena;
	Err err;

	(void) state;
	assert_true(load("title = \"t\";", &things, &arena, &err));
	assert_string_equal(things.title, "t");
	assert_null(things.folder);
	assert_true(things.loud);
	assert_int_equal(things.count, 6);
	assert_int_equal(things.pause, 10000000);
	assert_int_equal(things.room, 64 << 20);
	assert_int_equal(things.colour, 1);
	assert_int_equal(things.items.count, 0);
	arena_release(&arena);
}

static void
what_is_given_is_read_by_its_type(void **state)
{
	Things things;
	Arena arena;
	char expected[128];
	Err err;

	(void) state;
	assert_true(load("title = \"t\"; folder = \"log\"; loud = false;\n"
					 "group: { count = 10; pause = 2; room = 4096; colour = \"red\";\n"
					 "  items = ( { name = \"a\"; }, { name = \"b\"; } ); };",
					 &things, &arena, &err));
	(void) snprintf(expected, sizeof(expected), "%s/log", folder);
	assert_string_equal(things.folder, expected);
	assert_false(things.loud);
	assert_int_equal(things.count, 10);
	assert_int_equal(things.pause, 2000000);
	assert_int_equal(things.room, 4096);
	assert_int_equal(things.colour, 0);
	assert_int_equal(things.items.count, 2);
	assert_string_equal(((Item *) things.items.items)[1].name, "b");
	arena_release(&arena);
}

static void
every_mistake_names_line_and_cure(void **state)
{
	static const struct
	{
		const char *text;
		const char *message;
		const char *hint;
	} cases[] = {
		{"title = \"t\";\ntitel = \"x\";", ":2: titel: unknown key", "\"title\""},
		{"title = \"t\";\ngroup: { cuont = 1; };", ":2: group.cuont: unknown key", "\"count\""},
		{"loud = true;", "setting \"title\" is missing", "title ="},
		{"title = \"\";", ":1: title: invalid value \"\"", "a text in quotes"},
		{"title = 5;", ":1: title: invalid value 5", "a text in quotes"},
		{"title = \"t\"; loud = \"true\";", "loud: invalid value \"true\"", "true or false"},
		{"title = \"t\"; loud = 1;", "loud: invalid value 1", "true or false"},
		{"title = \"t\"; group: { count = 11; };", "group.count: invalid value 11", "from 1 to 10"},
		{"title = \"t\"; group: { count = true; };", "invalid value true", "a whole number"},
		{"title = \"t\"; group: { count = 1.5; };", "invalid value (", "a whole number"},
		{"title = \"t\"; group: { pause = \"2 h\"; };", "invalid value \"2 h\"",
		 "from 1 ms to 1 h"},
		{"title = \"t\"; group: { pause = \"2 MiB\"; };", "invalid value \"2 MiB\"", "a duration"},
		{"title = \"t\"; group: { colour = \"blue\"; };", "\"blue\"", "one of \"red\", \"green\""},
		{"title = \"t\"; group = 5;", "where a group is needed", "{"},
		{"title = \"t\"; group: { items = { }; };", "where a list is needed", "("},
		{"title = \"t\"; group: { items = ( {}, {}, {}, {} ); };", "has 4 entries, 0 to 3", "("},
		{"title = \"t\"; group: { items = ( { } ); };", "setting \"name\" is missing", "an item"},
	};
	Things things;
	Arena arena;
	Err err;

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		assert_false(load(cases[i].text, &things, &arena, &err));
		assert_int_equal(err.code, ERR_CONFIG);
		if (strstr(err.message, cases[i].message) == NULL ||
			strstr(err.hint, cases[i].hint) == NULL)
			fail_msg("case %zu gave \"%s\" (%s)", i, err.message, err.hint);
		arena_release(&arena);
	}
}

static void
what_is_shown_loads_again(void **state)
{
	Things things;
	Things again;
	Arena arena;
	Arena second;
	Buffer out;
	Err err;

	(void) state;
	assert_true(
		load("title = \"a \\\"b\\\" \\\\ c\"; group: { pause = \"1500 ms\"; room = \"3 KiB\";\n"
			 "  items = ( { name = \"i\"; } ); };",
			 &things, &arena, &err));
	buffer_init(&out, 1 << 16);
	assert_true(conf_rows_show(&table, &things, &out, &err));
	assert_true(buffer_append_byte(&out, 0, &err));
	if (!load((const char *) out.data, &again, &second, &err))
		fail_msg("%s in:\n%s", err.message, (const char *) out.data);
	assert_string_equal(again.title, "a \"b\" \\ c");
	assert_int_equal(again.pause, 1500000);
	assert_int_equal(again.room, 3072);
	assert_string_equal(((Item *) again.items.items)[0].name, "i");
	buffer_release(&out);
	arena_release(&arena);
	arena_release(&second);
}

static void
the_sample_loads_and_the_manual_names_every_row(void **state)
{
	Things things;
	Arena arena;
	Buffer out;
	Err err;

	(void) state;
	buffer_init(&out, 1 << 16);
	assert_true(conf_rows_sample(&table, &out, &err));
	assert_true(buffer_append_byte(&out, 0, &err));
	if (!load((const char *) out.data, &things, &arena, &err))
		fail_msg("%s in:\n%s", err.message, (const char *) out.data);
	buffer_clear(&out);
	assert_true(conf_rows_manual(&table, &out, &err));
	assert_true(buffer_append_byte(&out, 0, &err));
	for (size_t i = 0; i < 3; i++)
	{
		for (size_t j = 0; j < sections[i].nrows; j++)
			assert_non_null(strstr((const char *) out.data, sections[i].rows[j].name));
	}
	buffer_release(&out);
	arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(what_is_given_is_read_by_its_type),
		cmocka_unit_test(every_mistake_names_line_and_cure),
		cmocka_unit_test(what_is_shown_loads_again),
		cmocka_unit_test(the_sample_loads_and_the_manual_names_every_row),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
