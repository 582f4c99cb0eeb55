/* SPDX-License-Identifier: PostgreSQL */
/*
 * avro_schema.c — any Avro schema's JSON becomes an AvroSchema.
 *
 * Source: Apache Avro 1.11 specification, "Schema Declaration", "Names",
 * "Logical Types". Texts come out of files and registries, so size, depth and
 * the number of named types are bounded. A logical type that is unknown or does not
 * fit its type is ignored, as the specification asks. Resolution of one schema
 * against another is not done here: a value is read with the schema it was written with.
 */
#include "encode/encode_priv.h"

#include <jansson.h>

typedef struct NamedType
{
	struct NamedType *next;
	const AvroSchema *schema;
} NamedType;

typedef struct SchemaParser
{
	Arena *arena;
	NamedType *named;
	unsigned nnamed;
	int depth;
	Err *err;
} SchemaParser;

static const AvroSchema *parse_type(SchemaParser *parser, const json_t *json, const char *space);
static const AvroSchema *parse_reference(SchemaParser *parser, const char *name, const char *space);
static const AvroSchema *parse_object(SchemaParser *parser, const json_t *json, const char *space);
static const AvroSchema *parse_union(SchemaParser *parser, const json_t *json, const char *space);

AvroSchema *
avro_schema_parse(Arena *arena, const char *text, size_t length, Err *err)
{
	SchemaParser parser = {arena, NULL, 0, 0, err};
	AvroSchema *copy = NULL;
	const AvroSchema *schema;
	json_error_t problem;
	json_t *root;

	if (length > ENCODE_MAX_SCHEMA_TEXT)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read an Avro schema: it has %zu bytes, at most %zu are allowed",
					   length, ENCODE_MAX_SCHEMA_TEXT);
		return NULL;
	}
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
	if (root == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read an Avro schema: line %d, column %d: %s", problem.line,
					   problem.column, problem.text);
		return NULL;
	}
	schema = parse_type(&parser, root, "");
	if (schema != NULL)
	{
		copy = arena_alloc(arena, sizeof(*copy), err);
		if (copy != NULL)
			*copy = *schema;
	}
	json_decref(root);
	return copy;
}

static const AvroSchema *
fail(const SchemaParser *parser, const char *name, const char *what)
{
	(void) err_set(parser->err, ERR_CLASS_STOP, ERR_DATA, "could not read an Avro schema: %s%s%s%s",
				   name == NULL ? "" : "\"", name == NULL ? "" : name,
				   name == NULL ? "" : "\": ", what);
	return NULL;
}

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static AvroSchema *
new_schema(SchemaParser *parser, AvroKind kind)
{
	AvroSchema *schema = arena_zero(parser->arena, sizeof(*schema), parser->err);

	if (schema != NULL)
		schema->kind = kind;
	return schema;
}

/* Makes room for names and children of a schema with `count` of them. */
static bool
new_children(SchemaParser *parser, AvroSchema *schema, size_t count, bool named)
{
	if (count > UINT16_MAX)
		return fail(parser, schema->full_name, "it has too many parts") != NULL;
	schema->children = arena_zero(parser->arena, count * sizeof(*schema->children), parser->err);
	if (schema->children == NULL)
		return false;
	if (named)
	{
		schema->names = arena_zero(parser->arena, count * sizeof(*schema->names), parser->err);
		if (schema->names == NULL)
			return false;
	}
	schema->count = (uint32_t) count;
	return true;
}

static const AvroSchema *
parse_type(SchemaParser *parser, const json_t *json, const char *space)
{
	const AvroSchema *schema;

	if (parser->depth >= ENCODE_MAX_DEPTH)
		return fail(parser, NULL, "it is nested too deeply");
	parser->depth++;
	if (json_is_string(json))
		schema = parse_reference(parser, json_string_value(json), space);
	else if (json_is_array(json))
		schema = parse_union(parser, json, space);
	else if (json_is_object(json))
		schema = parse_object(parser, json, space);
	else
		schema = fail(parser, NULL, "a type is neither a name, an object nor a list");
	parser->depth--;
	return schema;
}

static bool
primitive_kind(const char *name, AvroKind *kind)
{
	static const char *const names[] = {
		[AVRO_NULL] = "null",	[AVRO_BOOLEAN] = "boolean", [AVRO_INT] = "int",
		[AVRO_LONG] = "long",	[AVRO_FLOAT] = "float",		[AVRO_DOUBLE] = "double",
		[AVRO_BYTES] = "bytes", [AVRO_STRING] = "string"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcmp(names[i], name) == 0)
		{
			*kind = (AvroKind) i;
			return true;
		}
	}
	return false;
}

static const AvroSchema *
find_named(const SchemaParser *parser, const char *full_name)
{
	for (const NamedType *named = parser->named; named != NULL; named = named->next)
		if (strcmp(named->schema->full_name, full_name) == 0)
			return named->schema;
	return NULL;
}

/* A name with a dot is a full name; another lies in the enclosing namespace. */
static const char *
qualify(SchemaParser *parser, const char *name, const char *space)
{
	if (strchr(name, '.') != NULL || *space == '\0')
		return arena_text(parser->arena, name, strlen(name), parser->err);
	return arena_printf(parser->arena, parser->err, "%s.%s", space, name);
}

static const AvroSchema *
parse_reference(SchemaParser *parser, const char *name, const char *space)
{
	const AvroSchema *schema;
	const char *full_name;
	AvroKind kind;

	if (primitive_kind(name, &kind))
		return new_schema(parser, kind);
	full_name = qualify(parser, name, space);
	if (full_name == NULL)
		return NULL;
	schema = find_named(parser, full_name);
	if (schema == NULL)
		return fail(parser, name, "there is no such type");
	return schema;
}

static const AvroSchema *
parse_union(SchemaParser *parser, const json_t *json, const char *space)
{
	size_t count = json_array_size(json);
	AvroSchema *schema = new_schema(parser, AVRO_UNION);

	if (schema == NULL)
		return NULL;
	if (count == 0)
		return fail(parser, NULL, "a union has no branches");
	if (!new_children(parser, schema, count, false))
		return NULL;
	for (size_t i = 0; i < count; i++)
	{
		schema->children[i] = parse_type(parser, json_array_get(json, i), space);
		if (schema->children[i] == NULL)
			return NULL;
		if (schema->children[i]->kind == AVRO_UNION)
			return fail(parser, NULL, "a union holds another union");
	}
	return schema;
}

/* Sets what the logical type says, where it fits the type below it. */
static void
settle_logical(AvroSchema *schema, const json_t *json)
{
	static const struct
	{
		const char *name;
		AvroKind kind;
		AvroLogical logical;
	} table[] = {
		{"decimal", AVRO_BYTES, AVRO_DECIMAL},
		{"decimal", AVRO_FIXED, AVRO_DECIMAL},
		{"date", AVRO_INT, AVRO_DATE},
		{"time-millis", AVRO_INT, AVRO_TIME_MILLIS},
		{"time-micros", AVRO_LONG, AVRO_TIME_MICROS},
		{"timestamp-millis", AVRO_LONG, AVRO_TIMESTAMP_MILLIS},
		{"timestamp-micros", AVRO_LONG, AVRO_TIMESTAMP_MICROS},
		{"local-timestamp-millis", AVRO_LONG, AVRO_LOCAL_TIMESTAMP_MILLIS},
		{"local-timestamp-micros", AVRO_LONG, AVRO_LOCAL_TIMESTAMP_MICROS},
	};
	const char *name = text_of(json, "logicalType");
	json_int_t precision = json_integer_value(json_object_get(json, "precision"));
	json_int_t scale = json_integer_value(json_object_get(json, "scale"));

	for (size_t i = 0; name != NULL && i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].kind == schema->kind && strcmp(table[i].name, name) == 0)
			schema->logical = table[i].logical;
	if (schema->logical != AVRO_DECIMAL)
		return;
	if (precision < 1 || precision > 1000 || scale < 0 || scale > precision)
	{
		schema->logical = AVRO_PLAIN;
		return;
	}
	schema->precision = (uint32_t) precision;
	schema->scale = (uint32_t) scale;
}

/* Names a record, enum or fixed and makes it known; *space becomes its namespace. */
static bool
define_name(SchemaParser *parser, AvroSchema *schema, const json_t *json, const char **space)
{
	const char *name = text_of(json, "name");
	const char *namespace = text_of(json, "namespace");
	const char *dot;
	NamedType *named;

	if (name == NULL || *name == '\0')
		return fail(parser, NULL, "a record, enum or fixed has no name") != NULL;
	schema->full_name = qualify(parser, name, namespace != NULL ? namespace : *space);
	if (schema->full_name == NULL)
		return false;
	if (find_named(parser, schema->full_name) != NULL)
		return fail(parser, schema->full_name, "it is defined twice") != NULL;
	if (parser->nnamed++ >= ENCODE_MAX_NAMED_TYPES)
		return fail(parser, NULL, "it has too many named types") != NULL;
	named = arena_alloc(parser->arena, sizeof(*named), parser->err);
	if (named == NULL)
		return false;
	named->schema = schema;
	named->next = parser->named;
	parser->named = named;
	dot = strrchr(schema->full_name, '.');
	*space = dot == NULL ? ""
						 : arena_text(parser->arena, schema->full_name,
									  (size_t) (dot - schema->full_name), parser->err);
	return *space != NULL;
}

/* A field's goldpan.format "pg_lsn" makes its long an LSN for people. */
static const AvroSchema *
settle_format(SchemaParser *parser, const json_t *field, const AvroSchema *type)
{
	const char *format = text_of(field, "goldpan.format");
	AvroSchema *lsn;

	if (format == NULL || strcmp(format, "pg_lsn") != 0 || type->kind != AVRO_LONG ||
		type->logical != AVRO_PLAIN)
		return type;
	lsn = new_schema(parser, AVRO_LONG);
	if (lsn != NULL)
		lsn->logical = AVRO_PG_LSN;
	return lsn;
}

static const AvroSchema *
parse_record(SchemaParser *parser, const json_t *json, const char *space)
{
	const json_t *fields = json_object_get(json, "fields");
	AvroSchema *schema = new_schema(parser, AVRO_RECORD);

	if (schema == NULL || !define_name(parser, schema, json, &space))
		return NULL;
	if (!json_is_array(fields))
		return fail(parser, schema->full_name, "a record has no fields");
	if (!new_children(parser, schema, json_array_size(fields), true))
		return NULL;
	for (uint32_t i = 0; i < schema->count; i++)
	{
		const json_t *field = json_array_get(fields, i);
		const char *name = text_of(field, "name");
		const AvroSchema *type;

		if (name == NULL)
			return fail(parser, schema->full_name, "a field has no name");
		type = parse_type(parser, json_object_get(field, "type"), space);
		if (type == NULL)
			return NULL;
		schema->names[i] = arena_text(parser->arena, name, strlen(name), parser->err);
		schema->children[i] = settle_format(parser, field, type);
		if (schema->names[i] == NULL || schema->children[i] == NULL)
			return NULL;
	}
	return schema;
}

static const AvroSchema *
parse_enum(SchemaParser *parser, const json_t *json, const char *space)
{
	const json_t *symbols = json_object_get(json, "symbols");
	AvroSchema *schema = new_schema(parser, AVRO_ENUM);

	if (schema == NULL || !define_name(parser, schema, json, &space))
		return NULL;
	if (json_array_size(symbols) == 0)
		return fail(parser, schema->full_name, "an enum has no symbols");
	if (!new_children(parser, schema, json_array_size(symbols), true))
		return NULL;
	for (uint32_t i = 0; i < schema->count; i++)
	{
		const char *symbol = json_string_value(json_array_get(symbols, i));

		if (symbol == NULL)
			return fail(parser, schema->full_name, "a symbol is not a text");
		schema->names[i] = arena_text(parser->arena, symbol, strlen(symbol), parser->err);
		if (schema->names[i] == NULL)
			return NULL;
	}
	return schema;
}

static const AvroSchema *
parse_fixed(SchemaParser *parser, const json_t *json, const char *space)
{
	const json_t *size = json_object_get(json, "size");
	AvroSchema *schema = new_schema(parser, AVRO_FIXED);

	if (schema == NULL || !define_name(parser, schema, json, &space))
		return NULL;
	if (!json_is_integer(size) || json_integer_value(size) < 0 ||
		json_integer_value(size) > INT32_MAX)
		return fail(parser, schema->full_name, "a fixed has no usable size");
	schema->size = (size_t) json_integer_value(size);
	settle_logical(schema, json);
	return schema;
}

static const AvroSchema *
parse_collection(SchemaParser *parser, const json_t *json, const char *space, AvroKind kind)
{
	const json_t *items = json_object_get(json, kind == AVRO_ARRAY ? "items" : "values");
	AvroSchema *schema = new_schema(parser, kind);

	if (schema == NULL || !new_children(parser, schema, 1, false))
		return NULL;
	schema->children[0] = parse_type(parser, items, space);
	return schema->children[0] == NULL ? NULL : schema;
}

static const AvroSchema *
parse_object(SchemaParser *parser, const json_t *json, const char *space)
{
	const json_t *type = json_object_get(json, "type");
	const char *name = json_string_value(type);
	AvroSchema *schema;
	AvroKind kind;

	if (name == NULL)
		return parse_type(parser, type, space);
	if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0)
		return parse_record(parser, json, space);
	if (strcmp(name, "enum") == 0)
		return parse_enum(parser, json, space);
	if (strcmp(name, "fixed") == 0)
		return parse_fixed(parser, json, space);
	if (strcmp(name, "array") == 0)
		return parse_collection(parser, json, space, AVRO_ARRAY);
	if (strcmp(name, "map") == 0)
		return parse_collection(parser, json, space, AVRO_MAP);
	if (!primitive_kind(name, &kind))
		return parse_reference(parser, name, space);
	schema = new_schema(parser, kind);
	if (schema != NULL)
		settle_logical(schema, json);
	return schema;
}
