/* SPDX-License-Identifier: PostgreSQL */
/*
 * container_write.c — headers and blocks of Avro object container files.
 *
 * Source: Apache Avro 1.11 specification, "Object Container Files". The schema's text
 * is copied as it is: a library that prints a parsed schema loses logical types
 * and documentation. Writing to a file is the log's business.
 */
#include "encode/encode_priv.h"

#include <zlib.h>

#include "goldpan/alloc.h"

static bool
append_pair(Buffer *out, const char *name, const char *value, Err *err)
{
	return encode_string(out, name, strlen(name), err) &&
		   encode_bytes(out, value, strlen(value), err);
}

bool
container_header(Buffer *out, const char *schema_text, ContainerCodec codec,
				 const uint8_t sync[CONTAINER_SYNC_SIZE], const char *const *metadata,
				 size_t nmetadata, Err *err)
{
	if (!buffer_append(out, "Obj\1", 4, err) || !encode_long(out, (int64_t) nmetadata + 2, err) ||
		!append_pair(out, "avro.codec", codec == CONTAINER_DEFLATE ? "deflate" : "null", err) ||
		!append_pair(out, "avro.schema", schema_text, err))
		return false;
	for (size_t i = 0; i < nmetadata; i++)
		if (!append_pair(out, metadata[2 * i], metadata[2 * i + 1], err))
			return false;
	return encode_long(out, 0, err) && buffer_append(out, sync, CONTAINER_SYNC_SIZE, err);
}

static void *
zlib_allocate(void *opaque, uInt items, uInt size)
{
	(void) opaque;
	return alloc_bytes((size_t) items * size);
}

static void
zlib_free(void *opaque, void *address)
{
	(void) opaque;
	alloc_free(address);
}

/* Appends `bytes` packed as raw deflate, after `gap` bytes that are left free. */
static bool
append_deflated(Buffer *out, size_t gap, const uint8_t *bytes, size_t length, size_t *packed,
				Err *err)
{
	z_stream stream = {.zalloc = zlib_allocate, .zfree = zlib_free};
	size_t bound;
	int status;

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory packing a block");
	bound = deflateBound(&stream, length);
	if (!buffer_reserve(out, gap + bound + CONTAINER_SYNC_SIZE, err))
	{
		(void) deflateEnd(&stream);
		return false;
	}
	/* zlib's interface lacks the const; it does not write there */
	stream.next_in = (Bytef *) (uintptr_t) bytes;
	stream.avail_in = (uInt) length;
	stream.next_out = out->data + out->length + gap;
	stream.avail_out = (uInt) bound;
	status = deflate(&stream, Z_FINISH);
	*packed = stream.total_out;
	(void) deflateEnd(&stream);
	return status == Z_STREAM_END || err_set(err, ERR_CLASS_STOP, ERR_INTERNAL,
											 "could not pack a block: zlib status %d", status);
}

bool
container_block(Buffer *out, ContainerCodec codec, const uint8_t sync[CONTAINER_SYNC_SIZE],
				int64_t count, const uint8_t *bytes, size_t length, Err *err)
{
	const size_t gap = 2 * ENCODE_VARINT_SIZE;
	size_t packed = length;
	uint8_t *start;
	uint8_t *at;

	if (count <= 0)
		return true;
	if (length > CONTAINER_MAX_BLOCK)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "could not write a block of %zu bytes: at most %zu are allowed", length,
					   CONTAINER_MAX_BLOCK);
	if (codec == CONTAINER_DEFLATE)
	{
		if (!append_deflated(out, gap, bytes, length, &packed, err))
			return false;
	}
	else if (!buffer_reserve(out, gap + length + CONTAINER_SYNC_SIZE, err))
		return false;
	start = out->data + out->length;
	at = encode_put_long(start, count);
	at = encode_put_long(at, (int64_t) packed);
	if (codec == CONTAINER_DEFLATE)
		memmove(at, start + gap, packed);
	else if (length > 0)
		memcpy(at, bytes, length);
	at += packed;
	memcpy(at, sync, CONTAINER_SYNC_SIZE);
	at += CONTAINER_SYNC_SIZE;
	out->length = (size_t) (at - out->data);
	return true;
}
