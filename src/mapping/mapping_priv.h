/* SPDX-License-Identifier: PostgreSQL */
/*
 * mapping_priv.h — shared inside mapping/: the parsed mapping, cells, steps.
 */
#ifndef GOLDPAN_MAPPING_PRIV_H
#define GOLDPAN_MAPPING_PRIV_H

#include "goldpan/arena.h"
#include "goldpan/conf_file.h"
#include "goldpan/mapping.h"

#define MAPPING_VERSION_SIZE 24
#define MAPPING_MAX_COLUMNS	 1600 /* PostgreSQL's own limit */
#define MAPPING_MAX_STEPS	 32

/* ---- cells: a value on its way through the steps of a field ---- */

/* The first ones are ValueKind's, with the same numbers. */
typedef enum CellKind
{
	CELL_BOOLEAN = VALUE_BOOLEAN,
	CELL_INTEGER = VALUE_INTEGER,
	CELL_FLOAT = VALUE_FLOAT,
	CELL_NUMERIC = VALUE_NUMERIC,
	CELL_TEXT = VALUE_TEXT,
	CELL_BYTES = VALUE_BYTES,
	CELL_DATE = VALUE_DATE,
	CELL_TIME = VALUE_TIME,
	CELL_TIMESTAMP = VALUE_TIMESTAMP,
	CELL_INSTANT = VALUE_TIMESTAMPTZ,
	CELL_UUID = VALUE_UUID,
	CELL_DECIMAL, /* scale 9 */
	CELL_NULL,
	CELL_ANY, /* checks only: not known before the catalog is */
} CellKind;

typedef struct Cell
{
	uint8_t kind; /* CellKind */
	bool single;  /* CELL_FLOAT: from a float4, so its shortest text is a float4's */
	uint32_t length;
	union
	{
		bool boolean;
		int64_t integer;
		double real;
		const char *text;
		const uint8_t *bytes;
		NumericValue numeric;
		Decimal decimal;
	} as;
} Cell;

typedef enum StepResult
{
	STEP_OK,
	STEP_BAD,	 /* the value is bad; context->reason says why, without the value */
	STEP_FAILED, /* context->err is set: out of memory */
} StepResult;

typedef struct StepContext
{
	Arena *arena; /* of the event */
	const char *reason;
	Err *err;
} StepContext;

static inline StepResult
step_bad(StepContext *context, const char *reason)
{
	context->reason = reason;
	return STEP_BAD;
}

/* ---- steps ---- */

typedef struct Zone Zone;
typedef struct PhoneCountry PhoneCountry;
typedef struct MappingStep MappingStep;

typedef struct PicklistValue
{
	const char *from;
	uint32_t from_length;
	const char *to; /* NULL: null */
	uint32_t to_length;
	int line;
} PicklistValue;

typedef enum PicklistOtherwise
{
	PICKLIST_REJECT,
	PICKLIST_NULL,
	PICKLIST_KEEP,
} PicklistOtherwise;

typedef struct Picklist
{
	const char *name;
	int line;
	size_t nvalues;
	PicklistValue *values; /* sorted by from */
	PicklistOtherwise otherwise;
	const char *fallback; /* value for everything else, or NULL */
} Picklist;

typedef enum StepKind
{
	STEP_TRIM,
	STEP_LOWER,
	STEP_UPPER,
	STEP_REPLACE,
	STEP_CONCATENATE,
	STEP_SPLIT,
	STEP_COALESCE,
	STEP_CONSTANT,
	STEP_DEFAULT,
	STEP_NULL_IF,
	STEP_PICKLIST,
	STEP_BOOLEAN,
	STEP_NUMBER,
	STEP_DATE,
	STEP_EPOCH,
	STEP_TIMESTAMP,
	STEP_EMAIL,
	STEP_PHONE,
	STEP_KINDS,
} StepKind;

struct MappingStep
{
	StepKind kind;
	int line;
	const char *text; /* separator, format, value, text to replace */
	uint32_t text_length;
	const char *to; /* what replaces it */
	uint32_t to_length;
	int32_t number;		   /* part, scale; epoch: microseconds per unit */
	char decimal_mark;	   /* number */
	char group_mark;	   /* number; '\0': none */
	Cell constant;		   /* constant, default */
	const Zone *zone;	   /* date, timestamp; or NULL */
	const char *zone_name; /* for printing */
	const Picklist *picklist;
	const PhoneCountry *country;
};

typedef struct StepRow
{
	const char *name;
	const char *keys[6]; /* besides "do"; NULL terminated */
	uint32_t accepts;	 /* bit per CellKind */
	CellKind gives;		 /* CELL_ANY: the kind it got */
	StepResult (*run)(const MappingStep *step, Cell *cell, StepContext *context);
} StepRow;

extern const StepRow mapping_step_rows[STEP_KINDS];
/* Runs one step on one cell. concatenate and coalesce have their own entry. */
StepResult mapping_step_run(const MappingStep *step, Cell *cell, StepContext *context);
StepResult mapping_step_concatenate(const MappingStep *step, const Cell *cells, size_t count,
									Cell *out, StepContext *context);

/* mapping_text.c: on UTF-8 text */
StepResult mapping_text_trim(const MappingStep *step, Cell *cell, StepContext *context);
StepResult mapping_text_lower(const MappingStep *step, Cell *cell, StepContext *context);
StepResult mapping_text_upper(const MappingStep *step, Cell *cell, StepContext *context);
StepResult mapping_text_replace(const MappingStep *step, Cell *cell, StepContext *context);
StepResult mapping_text_split(const MappingStep *step, Cell *cell, StepContext *context);

/* mapping_email.c, mapping_phone.c: normal forms. Return NULL or the reason why not. `out` has
 * room for length + 1 bytes (e-mail), MAPPING_PHONE_SIZE bytes (phone). */
#define MAPPING_PHONE_SIZE 24
const char *mapping_email_normal(const char *text, size_t length, char *out, size_t *out_length);
bool mapping_email_valid(const char *text, size_t length);
const PhoneCountry *mapping_phone_country(const char *iso2);
const char *mapping_phone_normal(const PhoneCountry *country, const char *text, size_t length,
								 char out[MAPPING_PHONE_SIZE], size_t *out_length);
bool mapping_phone_valid(const char *text, size_t length);

/* mapping_codes.c: ISO 3166-1 alpha-2 and ISO 4217 */
bool mapping_codes_country(const char *text, size_t length);
bool mapping_codes_currency(const char *text, size_t length);
/* mapping_codes.c: what goldpan.format promises. NULL, also for no name: nothing that is known. */
typedef struct CodeFormat CodeFormat;
const CodeFormat *mapping_codes_format(const char *name);
/* NULL also when the last step makes nothing else. */
const CodeFormat *mapping_codes_format_after(const char *name, StepKind step);
/* NULL when the text fits (any does when there is no format), or the reason why not. */
const char *mapping_codes_check(const CodeFormat *format, const char *text, size_t length);

/* mapping_number.c */
#define MAPPING_DECIMAL_SIZE 52
/* Returns NULL or the reason why not. */
const char *mapping_number_parse(const char *text, size_t length, int scale, char decimal_mark,
								 char group_mark, Decimal *out);
const char *mapping_number_from_numeric(const NumericValue *numeric, Decimal *out);
size_t mapping_number_format(Decimal value, char text[MAPPING_DECIMAL_SIZE]);
/* A numeric exactly as PostgreSQL prints it; room for mapping_number_numeric_size bytes. */
size_t mapping_number_numeric_size(const NumericValue *numeric);
size_t mapping_number_numeric_text(const NumericValue *numeric, char *text);
size_t mapping_number_real_text(double value, bool single, char text[32]);

/* mapping_date.c */
typedef struct CivilTime
{
	int64_t year;
	int month, day, hour, minute, second, micro;
	bool has_offset;
	int offset; /* seconds east of UTC */
} CivilTime;

int64_t mapping_date_days(int64_t year, int month, int day);
void mapping_date_civil(int64_t days, int64_t *year, int *month, int *day);
/* Why a format cannot be used, or NULL. */
const char *mapping_date_check_format(const char *format, bool *has_time, bool *has_offset);
/* Reads text by a format (strptime's letters), or ISO 8601 when format is NULL. Returns NULL or
 * the reason why not. */
const char *mapping_date_parse(const char *format, const char *text, size_t length, CivilTime *out);
int64_t mapping_date_local_micros(const CivilTime *time);
size_t mapping_date_format(int64_t days, char text[32]);

/* mapping_zone.c: TZif files; nothing of the process's own zone is used or changed. */
Zone *mapping_zone_load(Arena *arena, const char *name, const char **why, Err *err) MUST_CHECK;
Zone *mapping_zone_parse(Arena *arena, const uint8_t *bytes, size_t length, const char **why,
						 Err *err) MUST_CHECK;
int32_t mapping_zone_offset(const Zone *zone, int64_t utc_seconds);
int64_t mapping_zone_to_utc(const Zone *zone, int64_t local_seconds);
/* The zone name in the database nearest to a wrong one, or NULL; lives in `arena`. */
const char *mapping_zone_suggest(Arena *arena, const char *name);

/* mapping_value.c: text form of a cell, conversion of a cell to a canonical value */
StepResult mapping_value_text(Cell *cell, StepContext *context); /* becomes CELL_TEXT */
void mapping_value_cell(const Value *value, bool single, Cell *cell);
StepResult mapping_value_canonical(const Cell *cell, FieldType type, CanonicalValue *out,
								   StepContext *context);
StepResult mapping_value_validate(const CanonicalField *field, const CodeFormat *format,
								  const CanonicalValue *value, StepContext *context);
bool mapping_value_equal(FieldType type, const CanonicalValue *a, const CanonicalValue *b);
bool mapping_value_raw_equal(const Value *a, const Value *b);

/* mapping_types.c: what a kind can become */
const char *mapping_types_name(CellKind kind);		  /* "text", "a date" … */
const char *mapping_types_field_name(FieldType type); /* "string", "decimal" … */
bool mapping_types_convertible(CellKind kind, FieldType type);

/* ---- the parsed mapping ---- */

typedef struct MappingField
{
	int line;
	uint16_t target; /* index in the entity */
	uint16_t nfrom;
	const char *const *from;
	uint16_t nsteps;
	const MappingStep *steps;
	bool required;
	bool null_when_bad;
	bool sensitive;
} MappingField;

typedef enum DeleteKind
{
	DELETE_TOMBSTONE,
	DELETE_IGNORE,
	DELETE_SOFT,
} DeleteKind;

struct MappingTable
{
	const Mapping *mapping;
	const char *source;
	int line;
	const char *schema;
	const char *name;
	const CanonicalEntity *entity; /* NULL: unknown, reported */
	const char *entity_name;
	size_t nkey;
	const char *const *key;
	int key_line;
	const char *discriminator; /* "" : none */
	DeleteKind deletes;
	const char *soft_column;
	int soft_line;
	size_t nsoft_values;
	const char *const *soft_values;
	const char *events[4]; /* create, update, delete, snapshot; NULL: default */
	size_t nfields;
	MappingField *fields;
	size_t ncolumns;
	const char *const *columns;
	const FieldOwnership *ownership; /* entity->nfields */
};

typedef enum Direction
{
	DIRECTION_SOURCE_TO_CANONICAL,
	DIRECTION_BIDIRECTIONAL,
	DIRECTION_CANONICAL_TO_TARGET,
} Direction;

typedef struct OwnershipRule
{
	int line;
	const char *of;
	const CanonicalEntity *entity;
	int field; /* -1: the whole entity */
	const char *owner;
	ConflictRule rule;
	Direction direction;
	const char *steward; /* or NULL */
} OwnershipRule;

typedef struct MappingSystem
{
	const char *name;
	const char *steward; /* or NULL */
	int line;
} MappingSystem;

typedef struct MappingSource
{
	const char *name;
	int line;
	size_t ntables;
	MappingTable *tables;
} MappingSource;

struct Mapping
{
	Arena arena;
	const char *path;
	const char *prefix; /* of event types */
	char version[MAPPING_VERSION_SIZE];
	size_t nentities;
	const CanonicalEntity **entities;
	size_t npicklists;
	Picklist *picklists;
	size_t nsystems;
	MappingSystem *systems;
	size_t nownership;
	OwnershipRule *ownership;
	size_t nsources;
	MappingSource *sources;
};

/* ---- problems ---- */

typedef struct MappingReader
{
	Mapping *mapping;
	ConfFile *file;
	MappingProblems *problems;
	Err *err;
	bool failed; /* out of memory: err is set */
} MappingReader;

/* Adds a problem; `cure` is "" or a text that outlives the reader (mapping_problem_text). */
void mapping_problem_add(MappingReader *reader, int line, const char *cure, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void mapping_problem_warn(MappingReader *reader, int line, const char *cure, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Formats a text into the problems' arena; "" when out of memory. */
const char *mapping_problem_text(MappingReader *reader, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "Did you mean "x"?" or, without a near name, the names there are. */
const char *mapping_problem_suggest(MappingReader *reader, const char *name,
									const char *const *known);
/* Zeroed memory of the mapping, or NULL with reader->failed set. */
void *mapping_problem_alloc(MappingReader *reader, size_t size);
const char *mapping_problem_copy(MappingReader *reader, const char *text);

/* mapping_node.c: members of a group, each mistake a problem */
void mapping_node_keys(MappingReader *reader, const ConfNode *group, const char *const *known);
/* Begins the reading of an optional list of groups: zeroed room for *count elements of `size` bytes,
 * one for each node of *list. Without memory *count is 0. */
void *mapping_node_rows(MappingReader *reader, const ConfNode *group, const char *name, size_t size,
						const ConfNode **list, size_t *count);
const char *mapping_node_text(MappingReader *reader, const ConfNode *group, const char *name);
bool mapping_node_boolean(MappingReader *reader, const ConfNode *group, const char *name);
/* A text, or a list of texts. */
const char *const *mapping_node_texts(MappingReader *reader, const ConfNode *group,
									  const char *name, size_t *count);
/* Index of the member's text in `choices` (NULL terminated), or `fallback`. */
int mapping_node_choice(MappingReader *reader, const ConfNode *group, const char *name,
						const char *const *choices, int fallback);
int64_t mapping_node_integer(MappingReader *reader, const ConfNode *group, const char *name,
							 int64_t min, int64_t max, int64_t fallback);

/* mapping_entity.c */
void mapping_entity_load_all(MappingReader *reader, const char *const *directories);
const CanonicalEntity *mapping_entity_find(const Mapping *mapping, const char *name);
const char *const *mapping_entity_names(MappingReader *reader);
const char *const *mapping_entity_fields(MappingReader *reader, const CanonicalEntity *entity);

/* mapping_steps.c, mapping_file.c, mapping_ownership.c, mapping_check.c */
const MappingStep *mapping_steps_read(MappingReader *reader, const ConfNode *field,
									  uint16_t *count);
bool mapping_steps_print(const MappingStep *step, Buffer *out, Err *err) MUST_CHECK;
void mapping_file_read(MappingReader *reader, const ConfNode *root);
void mapping_ownership_read(MappingReader *reader, const ConfNode *root);
void mapping_ownership_tag(MappingReader *reader);
const OwnershipRule *mapping_ownership_rule(const Mapping *mapping, const CanonicalEntity *entity,
											int field);
const char *mapping_ownership_rule_name(ConflictRule rule);
const char *mapping_ownership_direction_name(Direction direction);
void mapping_check_structure(MappingReader *reader);
/* Follows the kinds through a field's steps. NULL when all is well, else what is wrong (in the
 * problems' arena), with the line and cure. `kinds` has one per column (CELL_ANY: unknown). */
const char *mapping_check_types(MappingReader *reader, const MappingTable *table,
								const MappingField *field, const uint8_t *kinds, int *line,
								const char **cure);
uint64_t mapping_hash_node(const ConfNode *node);

#endif
