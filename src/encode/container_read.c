/* SPDX-License-Identifier: PostgreSQL */
/*
 * container_read.c — reads Avro object container files, whoever wrote them.
 *
 * One block is in memory at a time. The size of header and block and the size of an
 * unpacked block are bounded before memory is taken for them; a block's
 * count of records cannot exceed its bytes. Reading with pread, not mmap: a file that
 * is cut while it is read must give an error, not a signal.
 */
#include "encode/encode_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "goldpan/alloc.h"

#define HEADER_CEILING	   ((size_t) 4 * 1024 * 1024)
#define HEADER_STEP		   ((size_t) 16 * 1024)
#define MAX_METADATA	   1000
#define BLOCK_HEAD_CEILING (2 * ENCODE_VARINT_SIZE)

typedef struct MetadataPair
{
	const char *name;
	const char *value;
} MetadataPair;

struct ContainerReader
{
	int fd;
	char *path;
	int64_t offset; /* of the next block */
	int64_t limit;
	Arena arena; /* schema, metadata */
	AvroSchema *schema;
	const char *schema_text;
	ContainerCodec codec;
	uint8_t sync[CONTAINER_SYNC_SIZE];
	size_t nmetadata;
	MetadataPair *metadata;
	Buffer raw;		   /* header or block as it lies in the file */
	Buffer plain;	   /* unpacked block */
	AvroReader block;  /* what is left of the current block */
	int64_t remaining; /* records of it */
};

static bool read_header(ContainerReader *reader, Err *err);

static bool
bad_file(const ContainerReader *reader, Err *err, const char *what)
{
	return err_set(err, ERR_CLASS_STOP, ERR_DATA,
				   "could not read Avro file \"%s\" at byte %lld: %s", reader->path,
				   (long long) reader->offset, what);
}

ContainerReader *
container_open(const char *path, int64_t limit, Err *err)
{
	ContainerReader *reader = alloc_zero(sizeof(*reader));

	if (reader == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening \"%s\"", path);
		return NULL;
	}
	reader->fd = -1;
	reader->limit = limit;
	arena_init(&reader->arena, 4 * HEADER_CEILING);
	buffer_init(&reader->raw, CONTAINER_MAX_BLOCK + CONTAINER_SYNC_SIZE);
	buffer_init(&reader->plain, CONTAINER_MAX_BLOCK);
	reader->path = alloc_text(path);
	if (reader->path == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening \"%s\"", path);
		goto out;
	}
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
		goto out;
	}
	if (read_header(reader, err))
		return reader;
out:
	container_close(reader);
	return NULL;
}

void
container_close(ContainerReader *reader)
{
	if (reader == NULL)
		return;
	if (reader->fd >= 0)
		(void) close(reader->fd);
	buffer_release(&reader->raw);
	buffer_release(&reader->plain);
	arena_release(&reader->arena);
	alloc_free(reader->path);
	alloc_free(reader);
}

const AvroSchema *
container_schema(const ContainerReader *reader)
{
	return reader->schema;
}

const char *
container_schema_text(const ContainerReader *reader)
{
	return reader->schema_text;
}

ContainerCodec
container_codec(const ContainerReader *reader)
{
	return reader->codec;
}

const uint8_t *
container_sync(const ContainerReader *reader)
{
	return reader->sync;
}

int64_t
container_offset(const ContainerReader *reader)
{
	return reader->offset;
}

void
container_set_limit(ContainerReader *reader, int64_t limit)
{
	reader->limit = limit;
}

const char *
container_metadata(const ContainerReader *reader, const char *name)
{
	for (size_t i = 0; i < reader->nmetadata; i++)
		if (strcmp(reader->metadata[i].name, name) == 0)
			return reader->metadata[i].value;
	return NULL;
}

/* Reads up to `wanted` bytes at `offset` to the end of raw, not beyond the limit; *got says how
 * many there were. */
static bool
read_at(ContainerReader *reader, int64_t offset, size_t wanted, size_t *got, Err *err)
{
	*got = 0;
	if (reader->limit >= 0 && (int64_t) wanted > reader->limit - offset)
		wanted = reader->limit > offset ? (size_t) (reader->limit - offset) : 0;
	if (!buffer_reserve(&reader->raw, wanted, err))
		return false;
	while (*got < wanted)
	{
		ssize_t count = pread(reader->fd, reader->raw.data + reader->raw.length, wanted - *got,
							  (off_t) (offset + (int64_t) *got));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not read file \"%s\": %s",
						   reader->path, strerror(errno));
		if (count == 0)
			break;
		reader->raw.length += (size_t) count;
		*got += (size_t) count;
	}
	return true;
}

static bool
take_pair(ContainerReader *reader, AvroReader *at, Err *err)
{
	const uint8_t *name;
	const uint8_t *value;
	size_t name_length;
	size_t value_length;
	MetadataPair *pair = &reader->metadata[reader->nmetadata];

	if (!encode_read_bytes(at, &name, &name_length, err) ||
		!encode_read_bytes(at, &value, &value_length, err))
		return false;
	pair->name = arena_text(&reader->arena, (const char *) name, name_length, err);
	pair->value = arena_text(&reader->arena, (const char *) value, value_length, err);
	if (pair->name == NULL || pair->value == NULL)
		return false;
	reader->nmetadata++;
	return true;
}

/* Parses the header that begins raw. False with ERR_DATA also when raw ends too early. */
static bool
parse_header(ContainerReader *reader, size_t *length, Err *err)
{
	AvroReader at = {reader->raw.data, reader->raw.data + reader->raw.length};
	const uint8_t *bytes;
	int64_t count;

	reader->nmetadata = 0;
	if (!encode_read_fixed(&at, 4, &bytes, err))
		return false;
	do
	{
		if (!encode_read_block(&at, &count, err))
			return false;
		for (int64_t i = 0; i < count; i++)
		{
			if (reader->nmetadata >= MAX_METADATA)
				return bad_file(reader, err, "its header has too many entries");
			if (!take_pair(reader, &at, err))
				return false;
		}
	} while (count != 0);
	if (!encode_read_fixed(&at, CONTAINER_SYNC_SIZE, &bytes, err))
		return false;
	memcpy(reader->sync, bytes, CONTAINER_SYNC_SIZE);
	*length = (size_t) (at.next - reader->raw.data);
	return true;
}

/* Reads more of the file until the header is whole. */
static bool
read_whole_header(ContainerReader *reader, size_t *length, Err *err)
{
	size_t step = HEADER_STEP;
	size_t got;

	for (;;)
	{
		if (!read_at(reader, (int64_t) reader->raw.length, step, &got, err))
			return false;
		if (reader->raw.length >= 4 && memcmp(reader->raw.data, "Obj\1", 4) != 0)
			return bad_file(reader, err, "it is not an Avro object container file");
		arena_reset(&reader->arena);
		reader->metadata =
			arena_zero(&reader->arena, MAX_METADATA * sizeof(*reader->metadata), err);
		if (reader->metadata == NULL)
			return false;
		if (parse_header(reader, length, err))
			return true;
		if (err->code != ERR_DATA)
			return false;
		if (got < step)
			return bad_file(reader, err, "it ends within its header, or the header is damaged");
		if (reader->raw.length >= HEADER_CEILING)
			return bad_file(reader, err, "its header is too large or damaged");
		step = reader->raw.length;
	}
}

static bool
read_header(ContainerReader *reader, Err *err)
{
	Err local;
	const char *codec;
	size_t length = 0;

	/* The parser's error tells whether more bytes may help, so it is needed here. */
	if (err == NULL)
		err = &local;
	if (!read_whole_header(reader, &length, err))
		return false;
	reader->schema_text = container_metadata(reader, "avro.schema");
	if (reader->schema_text == NULL)
		return bad_file(reader, err, "its header has no schema");
	codec = container_metadata(reader, "avro.codec");
	if (codec == NULL || strcmp(codec, "null") == 0)
		reader->codec = CONTAINER_NULL;
	else if (strcmp(codec, "deflate") == 0)
		reader->codec = CONTAINER_DEFLATE;
	else
		return bad_file(reader, err, "its codec is neither null nor deflate");
	reader->schema =
		avro_schema_parse(&reader->arena, reader->schema_text, strlen(reader->schema_text), err);
	if (reader->schema == NULL)
		return err_context(err, "header of Avro file \"%s\"", reader->path);
	reader->offset = (int64_t) length;
	err_clear(err);
	return true;
}

/* Unpacks raw[start, start + length) to plain. */
static bool
inflate_block(ContainerReader *reader, const uint8_t *packed, size_t length, Err *err)
{
	z_stream stream = {0};
	int status = Z_OK;

	if (inflateInit2(&stream, -15) != Z_OK)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory unpacking a block");
	buffer_clear(&reader->plain);
	stream.next_in = (Bytef *) (uintptr_t) packed;
	stream.avail_in = (uInt) length;
	while (status == Z_OK)
	{
		size_t room = reader->plain.capacity - reader->plain.length;

		if (room == 0)
		{
			if (!buffer_reserve(&reader->plain, 1, err))
			{
				(void) inflateEnd(&stream);
				if (reader->plain.length >= CONTAINER_MAX_BLOCK)
					return bad_file(reader, err, "a block unpacks to more than is allowed");
				return false;
			}
			room = reader->plain.capacity - reader->plain.length;
		}
		stream.next_out = reader->plain.data + reader->plain.length;
		stream.avail_out = (uInt) room;
		status = inflate(&stream, Z_NO_FLUSH);
		reader->plain.length += room - stream.avail_out;
	}
	length = stream.avail_in;
	(void) inflateEnd(&stream);
	if (status != Z_STREAM_END || length != 0)
		return bad_file(reader, err, "a block cannot be unpacked");
	return true;
}

/* Reads count and size of the block at offset; *head bytes hold them, 0 at the end. */
static bool
read_block_head(ContainerReader *reader, int64_t *count, size_t *size, size_t *head, Err *err)
{
	AvroReader at;
	int64_t bytes;
	size_t got;

	*head = 0;
	buffer_clear(&reader->raw);
	if (!read_at(reader, reader->offset, BLOCK_HEAD_CEILING, &got, err))
		return false;
	if (got == 0)
		return true;
	at.next = reader->raw.data;
	at.end = reader->raw.data + got;
	if (!encode_read_long(&at, count, err) || !encode_read_long(&at, &bytes, err))
		return bad_file(reader, err, "it ends within a block, or the block is damaged");
	if (bytes < 0 || bytes > (int64_t) CONTAINER_MAX_BLOCK)
		return bad_file(reader, err, "a block is larger than is allowed");
	*size = (size_t) bytes;
	*head = (size_t) (at.next - reader->raw.data);
	return true;
}

/* Makes the next block the current one; *found false at the end. */
static bool
next_block(ContainerReader *reader, bool *found, Err *err)
{
	int64_t count;
	size_t size;
	size_t head;
	size_t got;

	*found = false;
	if (!read_block_head(reader, &count, &size, &head, err))
		return false;
	if (head == 0)
		return true;
	buffer_clear(&reader->raw);
	if (!read_at(reader, reader->offset + (int64_t) head, size + CONTAINER_SYNC_SIZE, &got, err))
		return false;
	if (got < size + CONTAINER_SYNC_SIZE)
		return bad_file(reader, err, "it ends within a block");
	if (memcmp(reader->raw.data + size, reader->sync, CONTAINER_SYNC_SIZE) != 0)
		return bad_file(reader, err, "a block does not end with the file's sync marker");
	if (reader->codec == CONTAINER_DEFLATE)
	{
		if (!inflate_block(reader, reader->raw.data, size, err))
			return false;
		reader->block.next = reader->plain.data;
		reader->block.end = reader->plain.data + reader->plain.length;
	}
	else
	{
		reader->block.next = reader->raw.data;
		reader->block.end = reader->raw.data + size;
	}
	if (count < 0 || count > reader->block.end - reader->block.next)
		return bad_file(reader, err, "a block has an impossible number of records");
	if (count == 0 && reader->block.next != reader->block.end)
		return bad_file(reader, err, "a block has bytes but no records");
	reader->remaining = count;
	reader->offset += (int64_t) (head + size + CONTAINER_SYNC_SIZE);
	*found = true;
	return true;
}

bool
container_next(ContainerReader *reader, AvroReader *record, bool *found, Err *err)
{
	*found = false;
	while (reader->remaining == 0)
	{
		bool block;

		if (!next_block(reader, &block, err))
			return false;
		if (!block)
			return true;
	}
	record->next = reader->block.next;
	if (!encode_skip(reader->schema, &reader->block, err))
	{
		(void) err_context(err, "block before byte %lld of Avro file \"%s\"",
						   (long long) reader->offset, reader->path);
		return false;
	}
	record->end = reader->block.next;
	if (--reader->remaining == 0 && reader->block.next != reader->block.end)
		return bad_file(reader, err, "a block has bytes behind its last record");
	*found = true;
	return true;
}
