/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_canonical_schema.c — the built-in entities keep the house's rules, and
 * a deployment's schema is refused with the field and the cure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "goldpan/alloc.h"
#include "goldpan/canonical.h"

#define ARENA_CEILING ((size_t) 4 << 20)

static CanonicalEntity *
parse(Arena *arena, const char *text, Err *err)
{
	return canonical_entity_parse(arena, text, strlen(text), "test.avsc", err);
}

static void
every_file_is_compiled_in_and_parses(void **state)
{
	glob_t files;
	size_t count = 0;

	(void) state;
	assert_int_equal(glob("include/goldpan/canonical/*.avsc", 0, NULL, &files), 0);
	while (canonical_builtin_name(count) != NULL)
		count++;
	assert_int_equal(count, files.gl_pathc);
	assert_int_equal(count, 10);
	for (size_t i = 0; i < count; i++)
	{
		const char *name = canonical_builtin_name(i);
		Arena arena;
		Err err = {0};
		CanonicalEntity *entity;
		char path[200];

		(void) snprintf(path, sizeof(path), "include/goldpan/canonical/%s.avsc", name);
		assert_string_equal(files.gl_pathv[i], path);
		arena_init(&arena, ARENA_CEILING);
		entity = parse(&arena, canonical_builtin_schema(name), &err);
		if (entity == NULL)
			fail_msg("%s: %s (%s)", name, err.message, err.hint);
		assert_string_equal(entity->name, name);
		assert_true(entity->nfields >= 20);
		arena_release(&arena);
	}
	globfree(&files);
	assert_null(canonical_builtin_schema("nobody"));
}

static const char *
property(const json_t *field, const char *name)
{
	return json_string_value(json_object_get(field, name));
}

static bool
names_a_currency(const json_t *fields, const char *name)
{
	size_t i;
	json_t *field;

	json_array_foreach(fields, i, field)
	{
		if (strcmp(property(field, "name"), name) == 0)
			return strcmp(property(field, "goldpan.format"), "currency") == 0;
	}
	return false;
}

static void
every_own_field_carries_the_data_dictionary(void **state)
{
	(void) state;
	for (size_t n = 0; canonical_builtin_name(n) != NULL; n++)
	{
		json_t *root = json_loads(canonical_builtin_schema(canonical_builtin_name(n)), 0, NULL);
		json_t *fields = json_object_get(root, "fields");

		for (size_t i = 2; i + 1 < json_array_size(fields); i++)
		{
			json_t *field = json_array_get(fields, i);
			json_t *type = json_array_get(json_object_get(field, "type"), 1);
			const char *unit = property(field, "goldpan.unit");
			const char *currency = property(field, "goldpan.currency");

			assert_non_null(property(field, "goldpan.pii"));
			assert_non_null(property(field, "goldpan.purpose"));
			assert_non_null(property(field, "goldpan.retention"));
			assert_non_null(property(field, "goldpan.steward"));
			/* a number without unit or currency cannot be added up */
			if (json_is_object(type) && strcmp(property(type, "type"), "bytes") == 0)
				assert_true(currency == NULL ? unit != NULL : names_a_currency(fields, currency));
		}
		json_decref(root);
	}
}

static void
all_entities_share_one_meta(void **state)
{
	json_t *first = NULL;

	(void) state;
	for (size_t n = 0; canonical_builtin_name(n) != NULL; n++)
	{
		json_t *root = json_loads(canonical_builtin_schema(canonical_builtin_name(n)), 0, NULL);
		json_t *fields = json_object_get(root, "fields");
		json_t *meta = json_array_get(fields, json_array_size(fields) - 1);

		if (first == NULL)
			first = json_deep_copy(meta);
		assert_true(json_equal(first, meta));
		json_decref(root);
	}
	json_decref(first);
}

static void
a_field_is_found_by_its_whole_name(void **state)
{
	Arena arena;
	Err err;
	CanonicalEntity *entity;
	int email;

	(void) state;
	arena_init(&arena, ARENA_CEILING);
	entity = parse(&arena, canonical_builtin_schema("contact"), &err);
	assert_non_null(entity);
	email = canonical_field_index(entity, "email", 5);
	assert_true(email >= 0);
	assert_string_equal(entity->fields[email].name, "email");
	assert_string_equal(entity->fields[email].format, "email");
	assert_true(entity->fields[email].pii);
	assert_int_equal(entity->fields[email].type, FIELD_STRING);
	assert_int_equal(canonical_field_index(entity, "email_", 4), -1);
	assert_int_equal(canonical_field_index(entity, "mail", 4), -1);
	assert_int_equal(canonical_field_index(entity, "source", 6), -1);
	assert_int_equal(canonical_field_index(entity, "meta", 4), -1);
	arena_release(&arena);
}

#define HEAD "{\"type\":\"record\",\"name\":\"device\",\"namespace\":\"acme\",\"fields\":["
#define KEY	 "{\"name\":\"source\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"string\"},"
#define META "{\"name\":\"meta\",\"type\":\"goldpan.canonical.Meta\"}]}"
#define SERIAL                                                                                     \
	"{\"name\":\"serial\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Number.\"},"

static void
a_deployment_may_name_meta_instead_of_repeating_it(void **state)
{
	Arena arena;
	Err err;
	CanonicalEntity *entity;

	(void) state;
	arena_init(&arena, ARENA_CEILING);
	entity = parse(&arena, HEAD KEY SERIAL META, &err);
	assert_non_null(entity);
	assert_string_equal(entity->full_name, "acme.device");
	assert_int_equal(entity->nfields, 1);
	assert_true(entity->fields[0].pii); /* not classified */
	assert_non_null(strstr(entity->schema_text, "\"name\":\"Operation\""));
	arena_release(&arena);
}

static void
the_same_schema_has_the_same_text_however_it_is_laid_out(void **state)
{
	static const char other[] =
		"{\"name\":\"device\", \"namespace\":\"acme\",\n\"fields\":[" KEY
		"{\"doc\":\"Number.\",\"default\":null,\"type\":[\"null\",\"string\"],\"name\":\"serial\"},"
		"{\"type\":\"goldpan.canonical.Meta\",\"name\":\"meta\"}],\"type\":\"record\"}";
	Arena arena;
	Err err;
	CanonicalEntity *a;
	CanonicalEntity *b;

	(void) state;
	arena_init(&arena, ARENA_CEILING);
	a = parse(&arena, HEAD KEY SERIAL META, &err);
	b = parse(&arena, other, &err);
	assert_non_null(a);
	assert_non_null(b);
	assert_string_equal(a->schema_text, b->schema_text);
	arena_release(&arena);
}

static void
what_is_not_canonical_is_refused_with_field_and_cure(void **state)
{
	static const struct
	{
		const char *text;
		const char *says;
	} cases[] = {
		{"", "line 1"},
		{"[1]", "not a record"},
		{"{\"type\":\"record\",\"name\":\"Device\",\"namespace\":\"acme\",\"fields\":[]}",
		 "\"name\""},
		{"{\"type\":\"record\",\"name\":\"device\",\"namespace\":\"a..b\",\"fields\":[]}",
		 "\"namespace\""},
		{HEAD KEY META, "too few"},
		{HEAD SERIAL KEY META, "\"source\""},
		{HEAD KEY SERIAL SERIAL META, "field \"serial\": it occurs twice"},
		{HEAD KEY SERIAL "{\"name\":\"meta\",\"type\":\"string\"}]}", "field \"meta\""},
		{HEAD KEY
		 "{\"name\":\"a b\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"x\"}," META,
		 "field \"a b\": its name"},
		{HEAD KEY "{\"name\":\"a\",\"type\":\"int\",\"doc\":\"x\"}," META, "field \"a\": its type"},
		{HEAD KEY
		 "{\"name\":\"a\",\"type\":[\"null\",\"float\"],\"default\":null,\"doc\":\"x\"}," META,
		 "field \"a\": its type"},
		{HEAD KEY
		 "{\"name\":\"a\",\"type\":[\"null\",{\"type\":\"bytes\",\"logicalType\":\"decimal\","
		 "\"precision\":10,\"scale\":2}],\"default\":null,\"doc\":\"x\"}," META,
		 "field \"a\": its type"},
		{HEAD KEY "{\"name\":\"a\",\"type\":[\"null\",\"int\"],\"doc\":\"x\"}," META,
		 "field \"a\": its default"},
		{HEAD KEY "{\"name\":\"a\",\"type\":[\"null\",\"int\"],\"default\":null}," META,
		 "field \"a\": it is not documented"},
		{HEAD KEY "{\"name\":\"a\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"x\","
				  "\"goldpan.allowed\":[\"y\"]}," META,
		 "field \"a\": \"goldpan.allowed\""},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Arena arena;
		Err err = {0};

		arena_init(&arena, ARENA_CEILING);
		assert_null(parse(&arena, cases[i].text, &err));
		assert_int_equal(err.class, ERR_CLASS_USAGE);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.message, "test.avsc"));
		if (strstr(err.message, cases[i].says) == NULL)
			fail_msg("case %zu: \"%s\" lacks \"%s\"", i, err.message, cases[i].says);
		arena_release(&arena);
	}
}

static void
running_out_of_memory_is_an_error_at_every_allocation(void **state)
{
	(void) state;
	for (unsigned long n = 1;; n++)
	{
		Arena arena;
		Err err = {0};
		CanonicalEntity *entity;

		arena_init(&arena, ARENA_CEILING);
		alloc_fail_at(n);
		entity = parse(&arena, canonical_builtin_schema("contact"), &err);
		alloc_fail_at(0);
		arena_release(&arena);
		if (entity != NULL)
		{
			assert_true(n > 1);
			break;
		}
		assert_int_equal(err.code, ERR_NOMEM);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_compiled_in_and_parses),
		cmocka_unit_test(every_own_field_carries_the_data_dictionary),
		cmocka_unit_test(all_entities_share_one_meta),
		cmocka_unit_test(a_field_is_found_by_its_whole_name),
		cmocka_unit_test(a_deployment_may_name_meta_instead_of_repeating_it),
		cmocka_unit_test(the_same_schema_has_the_same_text_however_it_is_laid_out),
		cmocka_unit_test(what_is_not_canonical_is_refused_with_field_and_cure),
		cmocka_unit_test(running_out_of_memory_is_an_error_at_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
