/* SPDX-License-Identifier: PostgreSQL */
/*
 * canonical_schema.c — an entity's .avsc text becomes a CanonicalEntity.
 *
 * A canonical schema is narrower than Avro: `source` and `id` first, `meta`
 * last, nullable fields of eight types between them.  What is refused here need
 * not be handled by the mapping, the encoder, or a reader.  `meta` is one type
 * for all entities; a deployment's own schema repeats it or just names it.
 */
#include "goldpan/canonical.h"

#include <string.h>

#include <jansson.h>

#define CANONICAL_MAX_SCHEMA_TEXT ((size_t) 1024 * 1024)
#define CANONICAL_META_NAME		  "goldpan.canonical.Meta"

static const char own_field_shape[] =
	"an own field has the type [\"null\", T] and \"default\": null, where T is \"boolean\", "
	"\"int\", "
	"\"long\", \"double\", \"string\", or the logical type date, timestamp-micros or decimal(38,9)";

typedef struct CanonicalParser
{
	Arena *arena;
	const char *origin;
	Err *err;
} CanonicalParser;

static const char *text_of(const json_t *object, const char *key);
static bool names_are_valid(const CanonicalParser *parser, json_t *root);
static bool check_key_field(const CanonicalParser *parser, json_t *field, const char *name);
static bool settle_meta(const CanonicalParser *parser, json_t *field);
static bool parse_fields(const CanonicalParser *parser, json_t *fields, CanonicalEntity *entity);
static bool fill_entity(const CanonicalParser *parser, json_t *root, CanonicalEntity *entity);

int
canonical_field_index(const CanonicalEntity *entity, const char *name, size_t length)
{
	for (unsigned i = 0; i < entity->nfields; i++)
	{
		const char *candidate = entity->fields[i].name;

		if (strncmp(candidate, name, length) == 0 && candidate[length] == '\0')
			return (int) i;
	}
	return -1;
}

CanonicalEntity *
canonical_entity_parse(Arena *arena, const char *text, size_t length, const char *origin, Err *err)
{
	CanonicalParser parser = {arena, origin, err};
	CanonicalEntity *entity = NULL;
	CanonicalEntity *result = NULL;
	json_error_t problem;
	json_t *root = NULL;

	if (length > CANONICAL_MAX_SCHEMA_TEXT)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not read schema \"%s\": it has %zu bytes, at most %zu are allowed",
					   origin, length, CANONICAL_MAX_SCHEMA_TEXT);
		goto out;
	}
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
	if (root == NULL)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "could not read schema \"%s\": line %d, column %d: %s", origin, problem.line,
					   problem.column, problem.text);
		goto out;
	}
	entity = arena_zero(arena, sizeof(*entity), err);
	if (entity == NULL || !names_are_valid(&parser, root) || !fill_entity(&parser, root, entity))
		goto out;
	result = entity;
out:
	json_decref(root);
	return result;
}

static bool
refuse(const CanonicalParser *parser, const char *where, const char *what, const char *cure)
{
	(void) err_set(parser->err, ERR_CLASS_USAGE, ERR_CONFIG, "could not use schema \"%s\": %s: %s",
				   parser->origin, where, what);
	return err_hint(parser->err, "%s", cure);
}

/* The same for a field, which has a name to say where. */
static bool
refuse_field(const CanonicalParser *parser, const char *name, const char *what, const char *cure)
{
	(void) err_set(parser->err, ERR_CLASS_USAGE, ERR_CONFIG,
				   "could not use schema \"%s\": field \"%s\": %s", parser->origin,
				   name == NULL ? "" : name, what);
	return err_hint(parser->err, "%s", cure);
}

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool
text_is(const json_t *value, const char *text)
{
	const char *have = json_string_value(value);

	return have != NULL && strcmp(have, text) == 0;
}

/* Avro's rule for one part of a name. */
static bool
name_is_valid(const char *name, bool lower_only)
{
	if (name == NULL || *name == '\0' || strlen(name) > 128 || (*name >= '0' && *name <= '9'))
		return false;
	for (; *name != '\0'; name++)
	{
		bool fine = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') ||
					*name == '_' || (!lower_only && *name >= 'A' && *name <= 'Z');

		if (!fine)
			return false;
	}
	return true;
}

static bool
namespace_is_valid(const char *namespace)
{
	bool part_begins = true;

	for (; *namespace != '\0'; namespace ++)
	{
		char c = *namespace;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		bool digit = c >= '0' && c <= '9';

		if (c == '.' ? part_begins : !letter && (part_begins || !digit))
			return false;
		part_begins = c == '.';
	}
	return !part_begins;
}

static bool
names_are_valid(const CanonicalParser *parser, json_t *root)
{
	const char *namespace = text_of(root, "namespace");

	if (!json_is_object(root) || !text_is(json_object_get(root, "type"), "record"))
		return refuse(parser, "schema", "it is not a record",
					  "write {\"type\": \"record\", \"name\": …, \"fields\": […]}");
	if (!name_is_valid(text_of(root, "name"), true))
		return refuse(parser, "schema", "\"name\" is missing or not an entity's name",
					  "use lower-case letters, digits and underscores, a letter first");
	if (namespace == NULL || !namespace_is_valid(namespace))
		return refuse(parser, "schema", "\"namespace\" is missing or not an Avro namespace",
					  "write \"namespace\": \"goldpan.canonical\", or one of your own");
	if (!json_is_array(json_object_get(root, "fields")))
		return refuse(parser, "schema", "\"fields\" is missing or not a list",
					  "list the fields source, id, the entity's own, and meta");
	return true;
}

static bool
fill_entity(const CanonicalParser *parser, json_t *root, CanonicalEntity *entity)
{
	json_t *fields = json_object_get(root, "fields");
	size_t count = json_array_size(fields);
	const char *doc = text_of(root, "doc");
	const char *name = text_of(root, "name");
	char *text = NULL;
	bool done = false;

	if (count < 4 || count > CANONICAL_MAX_FIELDS + 3)
		return refuse(parser, "schema", "it has too few or too many fields",
					  "list source, id, 1 to 256 fields of the entity's own, and meta");
	if (!check_key_field(parser, json_array_get(fields, 0), "source") ||
		!check_key_field(parser, json_array_get(fields, 1), "id") ||
		!settle_meta(parser, json_array_get(fields, count - 1)) ||
		!parse_fields(parser, fields, entity))
		return false;
	/* Sorted keys and no blanks: the same schema has the same text however it was laid out (A4). */
	text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	if (text == NULL)
		return err_set(parser->err, ERR_CLASS_STOP, ERR_NOMEM,
					   "out of memory normalising schema \"%s\"", parser->origin);
	entity->schema_text = arena_text(parser->arena, text, strlen(text), parser->err);
	entity->name = arena_text(parser->arena, name, strlen(name), parser->err);
	entity->full_name =
		arena_printf(parser->arena, parser->err, "%s.%s", text_of(root, "namespace"), name);
	entity->doc = doc == NULL ? "" : arena_text(parser->arena, doc, strlen(doc), parser->err);
	done = entity->schema_text != NULL && entity->name != NULL && entity->full_name != NULL &&
		   entity->doc != NULL;
	free(text);
	return done;
}

static bool
check_key_field(const CanonicalParser *parser, json_t *field, const char *name)
{
	if (text_is(json_object_get(field, "name"), name) &&
		text_is(json_object_get(field, "type"), "string") &&
		json_object_get(field, "default") == NULL)
		return true;
	return refuse_field(parser, name, "it is missing or not a plain string",
						"the first two fields are source and id, both of type \"string\" without "
						"a default");
}

/* Whether two types say the same to a decoder: documentation does not count. */
static bool
same_type(const json_t *a, const json_t *b, int depth)
{
	static const char *const keys[] = {"type",	  "name",		 "fields", "items",
									   "symbols", "logicalType", "values"};

	if (depth > 16 || (a == NULL) != (b == NULL))
		return false;
	if (a == NULL)
		return true;
	if (json_is_array(a))
	{
		if (!json_is_array(b) || json_array_size(a) != json_array_size(b))
			return false;
		for (size_t i = 0; i < json_array_size(a); i++)
			if (!same_type(json_array_get(a, i), json_array_get(b, i), depth + 1))
				return false;
		return true;
	}
	if (!json_is_object(a) || !json_is_object(b))
		return json_equal(a, b) != 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!same_type(json_object_get(a, keys[i]), json_object_get(b, keys[i]), depth + 1))
			return false;
	return true;
}

/* Checks the field meta; a mere name is replaced by the type, so that the
 * schema that is registered and written stands alone. */
static bool
settle_meta(const CanonicalParser *parser, json_t *field)
{
	const char *text = canonical_builtin_schema("account");
	json_t *builtin = json_loads(text, 0, NULL);
	json_t *fields = json_object_get(builtin, "fields");
	json_t *meta = json_object_get(json_array_get(fields, json_array_size(fields) - 1), "type");
	json_t *type = json_object_get(field, "type");
	bool fine = false;

	if (meta == NULL)
	{
		(void) err_set(parser->err, ERR_CLASS_STOP, ERR_NOMEM,
					   "out of memory reading schema \"%s\"", parser->origin);
		goto out;
	}
	if (text_is(json_object_get(field, "name"), "meta") && text_is(type, CANONICAL_META_NAME))
		fine = json_object_set(field, "type", meta) == 0;
	else
		fine = text_is(json_object_get(field, "name"), "meta") &&
			   text_is(json_object_get(type, "namespace"), "goldpan.canonical") &&
			   same_type(type, meta, 0);
	if (!fine)
		(void) refuse_field(parser, "meta", "it is not the last field or has another type",
							"end the fields with {\"name\": \"meta\", \"type\": "
							"\"" CANONICAL_META_NAME "\"}");
out:
	json_decref(builtin);
	return fine;
}

/* The FieldType of the union's second branch. */
static bool
type_of(const json_t *branch, FieldType *type)
{
	static const struct
	{
		const char *type;
		const char *logical;
		FieldType field_type;
	} table[] = {
		{"boolean", NULL, FIELD_BOOLEAN},
		{"int", NULL, FIELD_INT},
		{"int", "date", FIELD_DATE},
		{"long", NULL, FIELD_LONG},
		{"long", "timestamp-micros", FIELD_TIMESTAMP},
		{"double", NULL, FIELD_DOUBLE},
		{"string", NULL, FIELD_STRING},
		{"bytes", "decimal", FIELD_DECIMAL},
	};
	const char *name = json_is_string(branch) ? json_string_value(branch) : text_of(branch, "type");
	const char *logical = text_of(branch, "logicalType");

	if (name == NULL)
		return false;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		if (strcmp(table[i].type, name) != 0 || (table[i].logical == NULL) != (logical == NULL) ||
			(logical != NULL && strcmp(table[i].logical, logical) != 0))
			continue;
		*type = table[i].field_type;
		return *type != FIELD_DECIMAL ||
			   (json_integer_value(json_object_get(branch, "precision")) ==
					CANONICAL_DECIMAL_DIGITS &&
				json_integer_value(json_object_get(branch, "scale")) == CANONICAL_DECIMAL_SCALE);
	}
	return false;
}

static bool
parse_allowed(const CanonicalParser *parser, const json_t *json, CanonicalField *field)
{
	json_t *list = json_object_get(json, "goldpan.allowed");
	size_t count = json_array_size(list);
	const char **allowed;

	if (list == NULL)
		return true;
	if (!json_is_array(list) || count == 0 || count > UINT16_MAX || field->type != FIELD_STRING)
		return refuse_field(parser, field->name, "\"goldpan.allowed\" is not a list for a string",
							"list the allowed texts of a string field: [\"active\", \"closed\"]");
	allowed = arena_alloc(parser->arena, count * sizeof(*allowed), parser->err);
	if (allowed == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		json_t *value = json_array_get(list, i);

		if (!json_is_string(value))
			return refuse_field(parser, field->name, "\"goldpan.allowed\" holds another than texts",
								"list texts only");
		allowed[i] = arena_text(parser->arena, json_string_value(value), json_string_length(value),
								parser->err);
		if (allowed[i] == NULL)
			return false;
	}
	field->nallowed = (uint16_t) count;
	field->allowed = allowed;
	return true;
}

/* Copies an optional text property; NULL stays NULL. */
static bool
copy_property(const CanonicalParser *parser, const json_t *json, const char *key, const char *field,
			  const char **copy)
{
	json_t *value = json_object_get(json, key);

	if (value == NULL)
		return true;
	if (!json_is_string(value))
		return refuse_field(parser, field, "a property that must be a text is something else",
							"\"doc\", \"goldpan.pii\", \"goldpan.steward\" and \"goldpan.format\" "
							"are texts");
	*copy =
		arena_text(parser->arena, json_string_value(value), json_string_length(value), parser->err);
	return *copy != NULL;
}

static bool
parse_field(const CanonicalParser *parser, const json_t *json, CanonicalField *field)
{
	const char *name = text_of(json, "name");
	json_t *type = json_object_get(json, "type");
	const char *pii = NULL;

	if (!name_is_valid(name, false))
		return refuse_field(parser, name, "its name is missing or not an Avro name",
							"use letters, digits and underscores, a letter first, at most 128");
	field->name = arena_text(parser->arena, name, strlen(name), parser->err);
	if (field->name == NULL)
		return false;
	if (json_array_size(type) != 2 || !text_is(json_array_get(type, 0), "null") ||
		!type_of(json_array_get(type, 1), &field->type))
		return refuse_field(parser, name, "its type cannot be used", own_field_shape);
	if (!json_is_null(json_object_get(json, "default")))
		return refuse_field(parser, name, "its default is not null", own_field_shape);
	if (!copy_property(parser, json, "doc", name, &field->doc) ||
		!copy_property(parser, json, "goldpan.steward", name, &field->steward) ||
		!copy_property(parser, json, "goldpan.format", name, &field->format) ||
		!copy_property(parser, json, "goldpan.pii", name, &pii) ||
		!parse_allowed(parser, json, field))
		return false;
	if (field->doc == NULL || *field->doc == '\0')
		return refuse_field(parser, name, "it is not documented",
							"add \"doc\": what a reader must know of the field");
	/* What nobody classified is treated as personal. */
	field->pii = pii == NULL || strcmp(pii, "none") != 0;
	return true;
}

static bool
parse_fields(const CanonicalParser *parser, json_t *fields, CanonicalEntity *entity)
{
	size_t count = json_array_size(fields) - 3;
	CanonicalField *list = arena_zero(parser->arena, count * sizeof(*list), parser->err);

	if (list == NULL)
		return false;
	entity->fields = list;
	for (size_t i = 0; i < count; i++)
	{
		CanonicalField *field = &list[i];

		if (!parse_field(parser, json_array_get(fields, i + 2), field))
			return false;
		if (strcmp(field->name, "source") == 0 || strcmp(field->name, "id") == 0 ||
			strcmp(field->name, "meta") == 0 ||
			canonical_field_index(entity, field->name, strlen(field->name)) >= 0)
			return refuse_field(parser, field->name, "it occurs twice",
								"give each field a name of its own");
		entity->nfields = (uint16_t) (i + 1);
	}
	return true;
}
