/* SPDX-License-Identifier: PostgreSQL */
/*
 * encode.h — Avro: schemas compiled once, records written straight to bytes,
 * bytes read back within bounds, and object container files.
 *
 * Source of the format: Apache Avro 1.11 specification, "Binary Encoding",
 * "Object Container Files", "Logical Types". A plan and a schema are constant
 * after compilation and may be shared by threads.
 */
#ifndef GOLDPAN_ENCODE_H
#define GOLDPAN_ENCODE_H

#include "goldpan/arena.h"
#include "goldpan/buffer.h"
#include "goldpan/canonical.h"

/* ---- schemas ---- */

typedef struct AvroSchema AvroSchema; /* a parsed schema of any shape */

/* Parses any Avro schema that Goldpan writes or may meet in a container header:
 * records, enums, arrays, maps, unions, fixed, primitives, the logical types.
 * Lives in `arena`. Errors: STOP ERR_DATA with what is wrong, ERR_NOMEM. */
AvroSchema *avro_schema_parse(Arena *arena, const char *text, size_t length, Err *err) MUST_CHECK;

/* The schema texts of Goldpan's own records, compiled in: "key", "dead_letter",
 * "progress", "snapshot". NULL for another name. */
const char *encode_own_schema(const char *name);

/* ---- canonical records ---- */

typedef struct EncodePlan EncodePlan;	/* of one entity */
typedef struct EncodeTable EncodeTable; /* the constant part of one table's meta, pre-encoded */

/* Compiles the writer of an entity. Lives in `arena`; keeps `entity`. */
EncodePlan *encode_plan_compile(Arena *arena, const CanonicalEntity *entity, Err *err) MUST_CHECK;

/* Pre-encodes what all records of one table share. Lives in `arena`. */
EncodeTable *encode_table_compile(Arena *arena, const EncodePlan *plan, const CanonicalTable *table,
								  Err *err) MUST_CHECK;

/* Appends one record's Avro body. Never allocates but for growing `out`.
 * Errors: STOP ERR_NOMEM (ceiling of out). */
bool encode_record(const EncodeTable *table, const CanonicalRecord *record, Buffer *out,
				   Err *err) MUST_CHECK;

/* Appends the key's Avro body: {source, id}. */
bool encode_key(const char *source, const char *id, size_t id_length, Buffer *out,
				Err *err) MUST_CHECK;

/* Writes the event id of (source, end_lsn, ordinal, sub) to text; returns its length. */
size_t encode_event_id(const char *source, Lsn end_lsn, uint64_t ordinal, uint32_t sub,
					   char text[EVENT_ID_SIZE]);

/* ---- primitive writers, for the small own records (progress, dead letter) ---- */

bool encode_long(Buffer *out, int64_t value, Err *err) MUST_CHECK; /* int and long: zigzag varint */
bool encode_string(Buffer *out, const char *text, size_t length, Err *err) MUST_CHECK;
bool encode_bytes(Buffer *out, const void *bytes, size_t length, Err *err) MUST_CHECK;
/* ["null","string"] with null first; text NULL writes null. */
bool encode_optional_string(Buffer *out, const char *text, Err *err) MUST_CHECK;

/* ---- reading: bounded, for `log cat`, recovery and tests ---- */

typedef struct AvroReader
{
	const uint8_t *next;
	const uint8_t *end;
} AvroReader;

/* int and long. Errors: STOP ERR_DATA. */
bool encode_read_long(AvroReader *reader, int64_t *value, Err *err) MUST_CHECK;
/* Returns a slice of the input. Errors: STOP ERR_DATA when it runs past the end. */
bool encode_read_bytes(AvroReader *reader, const uint8_t **bytes, size_t *length,
					   Err *err) MUST_CHECK;

/* Decodes one value of `schema` and appends it as one line of JSON (no line feed): unions
 * without branch names; decimals ("129.9"), dates, instants, LSNs and NaN as text; other bytes
 * as base64. Depth, length and work are bounded. Errors: STOP ERR_DATA, ERR_NOMEM. */
bool encode_read_json(const AvroSchema *schema, AvroReader *reader, Buffer *json,
					  Err *err) MUST_CHECK;

/* Steps over one value of `schema`. Errors: STOP ERR_DATA. */
bool encode_skip(const AvroSchema *schema, AvroReader *reader, Err *err) MUST_CHECK;

/* Finds a field of a record by its path ("meta.commit_time") without decoding the others. *type
 * is its type with the union's branch taken, *at stands on its value: hand both to
 * encode_read_json. *found is false when the schema has no such field or a null stands on the way.
 * Errors: STOP ERR_DATA. */
bool encode_find(const AvroSchema *schema, const AvroReader *record, const char *path,
				 const AvroSchema **type, AvroReader *at, bool *found, Err *err) MUST_CHECK;

/* As encode_find for a string or an enum: *text is a slice of the record (or the symbol), NULL
 * when the field is null, missing or of another type. */
bool encode_find_text(const AvroSchema *schema, const AvroReader *record, const char *path,
					  const char **text, size_t *length, Err *err) MUST_CHECK;

/* ---- object container files ---- */

typedef enum ContainerCodec
{
	CONTAINER_NULL,
	CONTAINER_DEFLATE
} ContainerCodec;

#define CONTAINER_SYNC_SIZE 16
#define CONTAINER_MAX_BLOCK ((size_t) 64 * 1024 * 1024) /* bytes of a block, packed or not */

/* Appends a file header with our own schema text and `nmetadata` further pairs: name, value,
 * name, value … (names starting with "goldpan."; nmetadata may be 0). */
bool container_header(Buffer *out, const char *schema_text, ContainerCodec codec,
					  const uint8_t sync[CONTAINER_SYNC_SIZE], const char *const *metadata,
					  size_t nmetadata, Err *err) MUST_CHECK;

/* Appends one block of `count` records whose bodies are `bytes`; nothing when count is 0.
 * Errors: STOP ERR_NOMEM, also when the block is larger than CONTAINER_MAX_BLOCK. */
bool container_block(Buffer *out, ContainerCodec codec, const uint8_t sync[CONTAINER_SYNC_SIZE],
					 int64_t count, const uint8_t *bytes, size_t length, Err *err) MUST_CHECK;

typedef struct ContainerReader ContainerReader;

/* Opens a container file; reads no further than `limit` bytes of it (-1: to its
 * end). Errors: ERR_IO, STOP ERR_DATA. Free with container_close. */
ContainerReader *container_open(const char *path, int64_t limit, Err *err) MUST_CHECK;
void container_close(ContainerReader *reader);

/* Sets a new, higher limit on a file that has grown (or was renamed) since: container_next goes
 * on where it found the end. */
void container_set_limit(ContainerReader *reader, int64_t limit);

const AvroSchema *container_schema(const ContainerReader *reader);
const char *container_schema_text(const ContainerReader *reader);
ContainerCodec container_codec(const ContainerReader *reader);
const uint8_t *container_sync(const ContainerReader *reader);
/* A further pair of the header ("goldpan.…"), or NULL. */
const char *container_metadata(const ContainerReader *reader, const char *name);

/* Steps to the next record: *record is its bytes, valid until the next call; *found false at the
 * end or limit. Both must lie between two blocks: a file that ends within one is STOP ERR_DATA. */
bool container_next(ContainerReader *reader, AvroReader *record, bool *found, Err *err) MUST_CHECK;

/* Where the file was read to: behind the block of the last record that was handed out. */
int64_t container_offset(const ContainerReader *reader);
/* Moves the limit of a file that still grows; after *found was false, container_next goes on. */
void container_set_limit(ContainerReader *reader, int64_t limit);

#endif
