/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_container.c — container files: golden header, round trip in both codecs,
 * limits, growth, and every way to be damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zlib.h>

#include "goldpan/alloc.h"
#include "goldpan/encode.h"

static const uint8_t marker[CONTAINER_SYNC_SIZE] = "0123456789abcdef";
static const char schema_text[] =
	"{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"},"
	"{\"name\":\"b\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}}]}";

static void
write_file(const char *path, const Buffer *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes->data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void
temporary_path(char path[32])
{
	int fd;

	(void) snprintf(path, 32, "/tmp/goldpan-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void) close(fd);
}

/* Appends a block of `count` records numbered from `first`. */
static void
add_block(Buffer *file, ContainerCodec codec, int first, int count)
{
	Buffer body;
	Err err;

	buffer_init(&body, 1 << 20);
	for (int i = first; i < first + count; i++)
	{
		char text[32];
		int length = snprintf(text, sizeof(text), "record %d", i);

		assert_true(encode_string(&body, text, (size_t) length, &err));
		assert_true(encode_long(&body, i, &err));
	}
	assert_true(container_block(file, codec, marker, count, body.data, body.length, &err));
	buffer_release(&body);
}

static void
start_file(Buffer *file, ContainerCodec codec)
{
	static const char *const metadata[] = {"goldpan.source", "crm", "goldpan.topic", "x.y"};
	Err err;

	buffer_init(file, (size_t) 1 << 28);
	assert_true(container_header(file, schema_text, codec, marker, metadata, 2, &err));
}

/* Reads to the end; returns how many records there were, or -1 with *err. */
static int
count_records(ContainerReader *reader, int first, Err *err)
{
	int count = 0;

	for (;;)
	{
		AvroReader record;
		const uint8_t *text;
		size_t length;
		char expected[32];
		int64_t number;
		bool found;

		if (!container_next(reader, &record, &found, err))
			return -1;
		if (!found)
			return count;
		assert_true(encode_read_bytes(&record, &text, &length, err));
		(void) snprintf(expected, sizeof(expected), "record %d", first + count);
		assert_int_equal(length, strlen(expected));
		assert_memory_equal(text, expected, length);
		assert_true(encode_read_long(&record, &number, err));
		assert_int_equal(number, first + count);
		assert_ptr_equal(record.next, record.end);
		count++;
	}
}

static void
a_file_is_the_golden_bytes(void **state)
{
	static const uint8_t golden[] = {
		'O',  'b',	'j',  0x01,											/* magic */
		0x06,															/* three pairs */
		0x14, 'a',	'v',  'r',	'o', '.', 'c', 'o', 'd', 'e', 'c',		/* name */
		0x08, 'n',	'u',  'l',	'l',									/* value */
		0x16, 'a',	'v',  'r',	'o', '.', 's', 'c', 'h', 'e', 'm', 'a', /* name */
		0x0c, '"',	'l',  'o',	'n', 'g', '"',							/* value */
		0x12, 'g',	'o',  'l',	'd', 'p', 'a', 'n', '.', 'x',			/* name */
		0x02, 'y',														/* value */
		0x00,															/* end of map */
		'0',  '1',	'2',  '3',	'4', '5', '6', '7', '8', '9', 'a', 'b',
		'c',  'd',	'e',  'f', /* sync */
		0x04,				   /* two records */
		0x06,				   /* three bytes */
		0x01, 0x80, 0x01,	   /* -1, 64 */
		'0',  '1',	'2',  '3',	'4', '5', '6', '7', '8', '9', 'a', 'b',
		'c',  'd',	'e',  'f', /* sync */
	};
	static const char *const metadata[] = {"goldpan.x", "y"};
	static const uint8_t body[] = {0x01, 0x80, 0x01};
	Buffer file;
	Err err;

	(void) state;
	buffer_init(&file, 1 << 16);
	assert_true(container_header(&file, "\"long\"", CONTAINER_NULL, marker, metadata, 1, &err));
	assert_true(container_block(&file, CONTAINER_NULL, marker, 2, body, sizeof(body), &err));
	assert_true(container_block(&file, CONTAINER_NULL, marker, 0, body, 0, &err));
	assert_int_equal(file.length, sizeof(golden));
	assert_memory_equal(file.data, golden, sizeof(golden));
	buffer_release(&file);
}

static void
what_was_written_is_read_in_both_codecs(void **state)
{
	char path[32];

	(void) state;
	temporary_path(path);
	for (int codec = CONTAINER_NULL; codec <= CONTAINER_DEFLATE; codec++)
	{
		ContainerReader *reader;
		Buffer file;
		Err err;

		start_file(&file, (ContainerCodec) codec);
		add_block(&file, (ContainerCodec) codec, 0, 1);
		add_block(&file, (ContainerCodec) codec, 1, 5000);
		write_file(path, &file, file.length);
		reader = container_open(path, -1, &err);
		assert_non_null(reader);
		assert_string_equal(container_schema_text(reader), schema_text);
		assert_string_equal(container_metadata(reader, "goldpan.topic"), "x.y");
		assert_null(container_metadata(reader, "goldpan.nothing"));
		assert_int_equal(container_codec(reader), codec);
		assert_memory_equal(container_sync(reader), marker, CONTAINER_SYNC_SIZE);
		assert_int_equal(count_records(reader, 0, &err), 5001);
		assert_int_equal(container_offset(reader), file.length);
		container_close(reader);
		buffer_release(&file);
	}
	(void) unlink(path);
}

static void
a_growing_file_is_read_to_its_limit_and_on(void **state)
{
	ContainerReader *reader;
	size_t first;
	char path[32];
	Buffer file;
	Err err;

	(void) state;
	temporary_path(path);
	start_file(&file, CONTAINER_NULL);
	add_block(&file, CONTAINER_NULL, 0, 10);
	first = file.length;
	add_block(&file, CONTAINER_NULL, 10, 10);
	/* half of the second block lies behind the limit */
	write_file(path, &file, file.length - 20);
	reader = container_open(path, (int64_t) first, &err);
	assert_non_null(reader);
	assert_int_equal(count_records(reader, 0, &err), 10);
	assert_int_equal(count_records(reader, 10, &err), 0);
	assert_int_equal(container_offset(reader), first);
	write_file(path, &file, file.length);
	assert_int_equal(count_records(reader, 10, &err), 0);
	container_set_limit(reader, (int64_t) file.length);
	assert_int_equal(count_records(reader, 10, &err), 10);
	container_close(reader);
	buffer_release(&file);
	(void) unlink(path);
}

/* Reads path to its end or first error. */
static bool
reads_well(const char *path, Err *err)
{
	ContainerReader *reader = container_open(path, -1, err);
	bool found = true;
	bool done = true;

	if (reader == NULL)
		return false;
	while (done && found)
	{
		AvroReader record;

		done = container_next(reader, &record, &found, err);
	}
	container_close(reader);
	return done;
}

static void
every_cut_within_header_or_block_is_bad_data(void **state)
{
	size_t ends[4];
	char path[32];
	Buffer file;
	Err err;

	(void) state;
	temporary_path(path);
	for (int codec = CONTAINER_NULL; codec <= CONTAINER_DEFLATE; codec++)
	{
		start_file(&file, (ContainerCodec) codec);
		ends[0] = file.length;
		add_block(&file, (ContainerCodec) codec, 0, 3);
		ends[1] = file.length;
		add_block(&file, (ContainerCodec) codec, 3, 3);
		ends[2] = file.length;
		for (size_t length = 0; length <= file.length; length++)
		{
			bool whole = length == ends[0] || length == ends[1] || length == ends[2];

			write_file(path, &file, length);
			assert_int_equal(reads_well(path, &err), whole);
			if (!whole)
			{
				assert_int_equal(err.code, ERR_DATA);
				assert_int_equal(err.class, ERR_CLASS_STOP);
				assert_non_null(strstr(err.message, path));
			}
		}
		buffer_release(&file);
	}
	(void) unlink(path);
}

static void
damage_is_named(void **state)
{
	char path[32];
	Buffer file;
	size_t block;
	Err err;

	(void) state;
	temporary_path(path);
	start_file(&file, CONTAINER_NULL);
	block = file.length;
	add_block(&file, CONTAINER_NULL, 0, 3);

	file.data[file.length - 1] ^= 1;
	write_file(path, &file, file.length);
	assert_false(reads_well(path, &err));
	assert_non_null(strstr(err.message, "sync marker"));
	file.data[file.length - 1] ^= 1;

	file.data[block] = 2 * 2; /* two records in a block of three */
	write_file(path, &file, file.length);
	assert_false(reads_well(path, &err));
	assert_non_null(strstr(err.message, "behind its last record"));

	file.data[block] = 63 * 2; /* more records than bytes */
	write_file(path, &file, file.length);
	assert_false(reads_well(path, &err));
	assert_int_equal(err.code, ERR_DATA);

	file.data[0] = 'o';
	write_file(path, &file, file.length);
	assert_false(reads_well(path, &err));
	assert_non_null(strstr(err.message, "not an Avro object container file"));
	buffer_release(&file);
	(void) unlink(path);

	assert_false(reads_well(path, &err));
	assert_int_equal(err.code, ERR_IO);
}

static void
a_block_that_unpacks_without_end_is_refused(void **state)
{
	const size_t size = CONTAINER_MAX_BLOCK + 1;
	uint8_t *zeros = calloc(1, size);
	z_stream stream = {0};
	char path[32];
	Buffer file;
	uint8_t *packed;
	size_t bound;
	Err err;

	(void) state;
	assert_non_null(zeros);
	temporary_path(path);
	start_file(&file, CONTAINER_DEFLATE);
	assert_false(
		container_block(&file, CONTAINER_DEFLATE, marker, (int64_t) size / 2, zeros, size, &err));
	assert_int_equal(err.code, ERR_NOMEM);
	/* so pack it by hand */
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	bound = deflateBound(&stream, size);
	packed = malloc(bound);
	assert_non_null(packed);
	stream.next_in = zeros;
	stream.avail_in = (uInt) size;
	stream.next_out = packed;
	stream.avail_out = (uInt) bound;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_true(encode_long(&file, (int64_t) size / 2, &err));
	assert_true(encode_bytes(&file, packed, stream.total_out, &err));
	assert_true(buffer_append(&file, marker, CONTAINER_SYNC_SIZE, &err));
	(void) deflateEnd(&stream);
	write_file(path, &file, file.length);
	assert_true(file.length < 100000);
	assert_false(reads_well(path, &err));
	assert_int_equal(err.code, ERR_DATA);
	assert_non_null(strstr(err.message, "unpacks to more"));
	free(packed);
	free(zeros);
	buffer_release(&file);
	(void) unlink(path);
}

static void
running_out_of_memory_is_an_error_at_every_allocation(void **state)
{
	unsigned long failures = 0;
	char path[32];
	Buffer file;
	Err err;

	(void) state;
	temporary_path(path);
	start_file(&file, CONTAINER_DEFLATE);
	add_block(&file, CONTAINER_DEFLATE, 0, 100);
	write_file(path, &file, file.length);
	for (bool done = false; !done; failures++)
	{
		Buffer again;

		buffer_init(&again, 1 << 20);
		alloc_fail_at(failures + 1);
		done = reads_well(path, &err) && container_block(&again, CONTAINER_DEFLATE, marker, 1,
														 (const uint8_t *) "x", 1, &err);
		alloc_fail_at(0);
		if (!done)
			assert_int_equal(err.code, ERR_NOMEM);
		buffer_release(&again);
	}
	assert_true(failures > 6);
	buffer_release(&file);
	(void) unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_the_golden_bytes),
		cmocka_unit_test(what_was_written_is_read_in_both_codecs),
		cmocka_unit_test(a_growing_file_is_read_to_its_limit_and_on),
		cmocka_unit_test(every_cut_within_header_or_block_is_bad_data),
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(a_block_that_unpacks_without_end_is_refused),
		cmocka_unit_test(running_out_of_memory_is_an_error_at_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
