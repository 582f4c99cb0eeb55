/* SPDX-License-Identifier: PostgreSQL */
/*
 * wire_write.h — writing wire.h's protocol.
 *
 * Included by goldpan/wire.h only. A WireWriter appends to a caller's buffer; when space is
 * short its `grow` makes room or fails, and a failed writer swallows the rest.
 */
#ifndef GOLDPAN_WIRE_WRITE_H
#define GOLDPAN_WIRE_WRITE_H

#ifndef GOLDPAN_WIRE_H
#error "include goldpan/wire.h instead"
#endif

typedef struct WireWriter WireWriter;

struct WireWriter
{
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool failed;
	/* Makes room for `need` bytes after `at` (moves all three pointers) or returns false. NULL:
	 * the buffer is of fixed size. */
	bool (*grow)(WireWriter *writer, size_t need);
	void *context;
};

bool wire_writer_grow(WireWriter *writer, size_t need);

static inline bool
wire_reserve(WireWriter *writer, size_t need)
{
	if (__builtin_expect((size_t) (writer->end - writer->at) >= need, 1))
		return true;
	return wire_writer_grow(writer, need);
}

/* The functions with _raw expect the space to be reserved and return where to go on. */
static inline uint8_t *
wire_raw16(uint8_t *at, uint16_t x)
{
	x = WIRE_LE16(x);
	memcpy(at, &x, sizeof(x));
	return at + sizeof(x);
}

static inline uint8_t *
wire_raw32(uint8_t *at, uint32_t x)
{
	x = WIRE_LE32(x);
	memcpy(at, &x, sizeof(x));
	return at + sizeof(x);
}

static inline uint8_t *
wire_raw64(uint8_t *at, uint64_t x)
{
	x = WIRE_LE64(x);
	memcpy(at, &x, sizeof(x));
	return at + sizeof(x);
}

static inline uint8_t *
wire_raw_varint(uint8_t *at, uint64_t x)
{
	while (x >= 0x80)
	{
		*at++ = (uint8_t) (x | 0x80);
		x >>= 7;
	}
	*at++ = (uint8_t) x;
	return at;
}

/* A value that is a tag alone: null, unchanged, false, true. */
static inline void
wire_put_tag(WireWriter *writer, WireTag tag)
{
	if (wire_reserve(writer, 1))
		*writer->at++ = (uint8_t) tag;
}

static inline void
wire_put_tag16(WireWriter *writer, WireTag tag, uint16_t x)
{
	if (!wire_reserve(writer, 3))
		return;
	*writer->at = (uint8_t) tag;
	writer->at = wire_raw16(writer->at + 1, x);
}

static inline void
wire_put_tag32(WireWriter *writer, WireTag tag, uint32_t x)
{
	if (!wire_reserve(writer, 5))
		return;
	*writer->at = (uint8_t) tag;
	writer->at = wire_raw32(writer->at + 1, x);
}

static inline void
wire_put_tag64(WireWriter *writer, WireTag tag, uint64_t x)
{
	if (!wire_reserve(writer, 9))
		return;
	*writer->at = (uint8_t) tag;
	writer->at = wire_raw64(writer->at + 1, x);
}

static inline void
wire_put_uuid(WireWriter *writer, const void *bytes)
{
	if (!wire_reserve(writer, 17))
		return;
	*writer->at = WIRE_TAG_UUID;
	memcpy(writer->at + 1, bytes, 16);
	writer->at += 17;
}

/* WIRE_TAG_TEXT and WIRE_TAG_BYTES. */
static inline void
wire_put_string(WireWriter *writer, WireTag tag, const void *data, uint32_t length)
{
	uint8_t *at;

	if (!wire_reserve(writer, (size_t) length + 6))
		return;
	at = writer->at;
	*at++ = (uint8_t) tag;
	at = wire_raw_varint(at, length);
	memcpy(at, data, length);
	writer->at = at + length;
}

/* Messages; what is pulled on the reading side is put here in the same order. */
void wire_writer_init(WireWriter *writer, void *buffer, size_t length);
void wire_put_hello(WireWriter *writer, const WireHello *hello);
void wire_put_begin(WireWriter *writer, const WireTransaction *transaction);
void wire_put_commit(WireWriter *writer, const WireTransaction *transaction);
void wire_put_origin(WireWriter *writer, const WireOrigin *origin);
void wire_put_relation(WireWriter *writer, const WireRelation *relation);
void wire_put_column(WireWriter *writer, const WireColumn *column);
void wire_put_text(WireWriter *writer, WireText text);
/* Head of WIRE_INSERT, WIRE_UPDATE or WIRE_DELETE; rows follow by wire_put_row_size. */
void wire_put_row(WireWriter *writer, WireKind kind, const WireRow *row);
void wire_put_row_size(WireWriter *writer, uint32_t nvalues);
void wire_put_truncate(WireWriter *writer, const WireTruncate *truncate);
void wire_put_truncated(WireWriter *writer, uint32_t relation, uint64_t ordinal);
void wire_put_logical(WireWriter *writer, const WireLogical *logical);
void wire_put_withheld(WireWriter *writer, uint8_t reason, uint64_t length);
/* `digits` are native 16-bit numbers, as PostgreSQL keeps them; value->digits is not read. */
void wire_put_numeric(WireWriter *writer, const WireNumeric *value, const void *digits);

#endif
