/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_directory_commit.c — the commit record of one source: what is true.
 *
 * The file has two slots that are written in turn, so that a torn write leaves the
 * record before it whole; a reader takes the higher generation of those whose checksum is right.
 * Its space is allocated once: a commit overwrites blocks and changes no metadata, which makes
 * its fdatasync as cheap as it can be. A record that outgrows its slot moves to a new file.
 *
 * A slot: "GPCOMMIT", CRC-32 of the rest (4 bytes), length of the body (4), generation (8), all
 * little-endian, then the body: format version, topics (name, next sequence), segments
 * (topic, state, sequence, length, records), progress; integers and texts as Avro writes them.
 *
 * Bytes read are not trusted: lengths, counts, names and states are checked first.
 */
#include "log_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "goldpan/alloc.h"

#define LOG_COMMIT_MAGIC		"GPCOMMIT"
#define LOG_COMMIT_HEAD			24
#define LOG_COMMIT_VERSION		1
#define LOG_COMMIT_FILE			"commit"
#define LOG_COMMIT_NEW			"commit.new"
#define LOG_COMMIT_SLOT			(16 * 1024)
#define LOG_COMMIT_MAX			(8 * 1024 * 1024)
#define LOG_COMMIT_MAX_TOPICS	4096
#define LOG_COMMIT_MAX_SEGMENTS (256 * 1024)

void
log_directory_commit_init(LogCommit *commit)
{
	memset(commit, 0, sizeof(*commit));
	buffer_init(&commit->progress, LOG_DIRECTORY_MAX_PROGRESS);
	buffer_init(&commit->scratch, LOG_COMMIT_MAX);
}

void
log_directory_commit_release(LogCommit *commit)
{
	alloc_free(commit->topics);
	alloc_free(commit->segments);
	buffer_release(&commit->progress);
	buffer_release(&commit->scratch);
	log_directory_commit_init(commit);
}

/* Arrays grow in powers of two: full when the count is one. */
static bool
log_commit_grow(void **array, size_t count, size_t size, size_t max, Err *err)
{
	void *grown;

	if (count >= max)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
					   "could not commit to the log directory: more than %zu topics or segments",
					   max);
	if ((count & (count - 1)) != 0)
		return true;
	grown = alloc_resize(*array, (count == 0 ? 1 : count * 2) * size);
	if (grown == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory committing to the log");
	*array = grown;
	return true;
}

int
log_directory_commit_topic(LogCommit *commit, const char *name, Err *err)
{
	LogCommitTopic *topic;

	for (size_t i = 0; i < commit->ntopics; i++)
		if (strcmp(commit->topics[i].name, name) == 0)
			return (int) i;
	if (!log_commit_grow((void **) &commit->topics, commit->ntopics, sizeof(*topic),
						 LOG_COMMIT_MAX_TOPICS, err))
		return -1;
	topic = &commit->topics[commit->ntopics];
	memset(topic, 0, sizeof(*topic));
	memcpy(topic->name, name, strnlen(name, sizeof(topic->name) - 1));
	topic->next_sequence = 1;
	return (int) commit->ntopics++;
}

LogCommitSegment *
log_directory_commit_add(LogCommit *commit, Err *err)
{
	LogCommitSegment *segment;

	if (!log_commit_grow((void **) &commit->segments, commit->nsegments, sizeof(*segment),
						 LOG_COMMIT_MAX_SEGMENTS, err))
		return NULL;
	segment = &commit->segments[commit->nsegments++];
	memset(segment, 0, sizeof(*segment));
	return segment;
}

void
log_directory_commit_remove(LogCommit *commit, size_t index)
{
	commit->nsegments--;
	memmove(&commit->segments[index], &commit->segments[index + 1],
			(commit->nsegments - index) * sizeof(*commit->segments));
}

/* ---- bytes ---- */

static void
log_commit_put(uint8_t *to, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = (uint8_t) (value >> (8 * i));
}

static uint64_t
log_commit_get(const uint8_t *from, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint64_t) from[i] << (8 * i);
	return value;
}

static bool
log_commit_encode_body(const LogCommit *commit, Buffer *out, Err *err)
{
	if (!encode_long(out, LOG_COMMIT_VERSION, err) ||
		!encode_long(out, (int64_t) commit->ntopics, err))
		return false;
	for (size_t i = 0; i < commit->ntopics; i++)
	{
		const LogCommitTopic *topic = &commit->topics[i];

		if (!encode_string(out, topic->name, strlen(topic->name), err) ||
			!encode_long(out, topic->next_sequence, err))
			return false;
	}
	if (!encode_long(out, (int64_t) commit->nsegments, err))
		return false;
	for (size_t i = 0; i < commit->nsegments; i++)
	{
		const LogCommitSegment *segment = &commit->segments[i];

		if (!encode_long(out, segment->topic, err) || !encode_long(out, segment->state, err) ||
			!encode_long(out, segment->sequence, err) || !encode_long(out, segment->length, err) ||
			!encode_long(out, segment->records, err))
			return false;
	}
	return encode_bytes(out, commit->progress.data, commit->progress.length, err);
}

bool
log_directory_commit_encode(LogCommit *commit, Buffer *out, Err *err)
{
	uint8_t *head;
	size_t start = out->length;

	if (!buffer_reserve(out, LOG_COMMIT_HEAD, err))
		return false;
	out->length += LOG_COMMIT_HEAD;
	if (!log_commit_encode_body(commit, out, err))
		return false;
	head = out->data + start;
	memcpy(head, LOG_COMMIT_MAGIC, 8);
	log_commit_put(head + 12, out->length - start - LOG_COMMIT_HEAD, 4);
	log_commit_put(head + 16, commit->generation, 8);
	log_commit_put(head + 8, crc32(0, head + 12, (uInt) (out->length - start - 12)), 4);
	return true;
}

static bool
log_commit_number(AvroReader *reader, int64_t max, int64_t *value, Err *err)
{
	if (!encode_read_long(reader, value, err))
		return false;
	if (*value < 0 || *value > max)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "number %lld is not between 0 and %lld",
					   (long long) *value, (long long) max);
	return true;
}

static bool
log_commit_decode_topic(LogCommit *commit, AvroReader *reader, Err *err)
{
	char name[LOG_DIRECTORY_NAME_SIZE];
	const uint8_t *bytes;
	size_t length;
	int64_t sequence;

	if (!encode_read_bytes(reader, &bytes, &length, err) ||
		!log_commit_number(reader, INT64_C(999999999999), &sequence, err))
		return false;
	if (length >= sizeof(name))
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "a topic's name has %zu bytes", length);
	if (length > 0)
		memcpy(name, bytes, length);
	name[length] = '\0';
	if (strlen(name) != length || !log_directory_file_name_ok(name) || sequence < 1)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "a topic's name or number is impossible");
	if (log_directory_commit_topic(commit, name, err) != (int) commit->ntopics - 1)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "a topic is named twice");
	commit->topics[commit->ntopics - 1].next_sequence = sequence;
	return true;
}

static bool
log_commit_decode_segment(LogCommit *commit, AvroReader *reader, Err *err)
{
	LogCommitSegment *segment = log_directory_commit_add(commit, err);
	int64_t topic;
	int64_t state;

	if (segment == NULL || !log_commit_number(reader, (int64_t) commit->ntopics - 1, &topic, err) ||
		!log_commit_number(reader, LOG_SEGMENT_CLOSED, &state, err) ||
		!log_commit_number(reader, commit->topics[topic].next_sequence - 1, &segment->sequence,
						   err) ||
		!log_commit_number(reader, INT64_MAX, &segment->length, err) ||
		!log_commit_number(reader, INT64_MAX, &segment->records, err))
		return false;
	if (segment->sequence == 0)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "a segment has number 0");
	segment->topic = (uint32_t) topic;
	segment->state = (LogSegmentState) state;
	return true;
}

static bool
log_commit_decode_body(LogCommit *commit, AvroReader *reader, Err *err)
{
	const uint8_t *bytes;
	size_t length;
	int64_t count;

	if (!log_commit_number(reader, INT64_MAX, &count, err))
		return false;
	if (count != LOG_COMMIT_VERSION)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "format version %lld is unknown",
					   (long long) count);
	if (!log_commit_number(reader, LOG_COMMIT_MAX_TOPICS, &count, err))
		return false;
	for (int64_t i = 0; i < count; i++)
		if (!log_commit_decode_topic(commit, reader, err))
			return false;
	if (!log_commit_number(reader, LOG_COMMIT_MAX_SEGMENTS, &count, err))
		return false;
	for (int64_t i = 0; i < count; i++)
		if (!log_commit_decode_segment(commit, reader, err))
			return false;
	if (!encode_read_bytes(reader, &bytes, &length, err))
		return false;
	if (reader->next != reader->end)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "bytes follow the last field");
	return buffer_append(&commit->progress, bytes, length, err);
}

bool
log_directory_commit_decode(LogCommit *commit, const uint8_t *bytes, size_t length, Err *err)
{
	AvroReader reader;
	uint64_t body;

	commit->generation = 0;
	commit->ntopics = 0;
	commit->nsegments = 0;
	buffer_clear(&commit->progress);
	if (length < LOG_COMMIT_HEAD || memcmp(bytes, LOG_COMMIT_MAGIC, 8) != 0)
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "there is no commit record");
	body = log_commit_get(bytes + 12, 4);
	if (body > length - LOG_COMMIT_HEAD ||
		log_commit_get(bytes + 8, 4) != crc32(0, bytes + 12, (uInt) (body + LOG_COMMIT_HEAD - 12)))
		return err_set(err, ERR_CLASS_STOP, ERR_DATA, "the commit record's checksum is wrong");
	reader.next = bytes + LOG_COMMIT_HEAD;
	reader.end = reader.next + body;
	if (!log_commit_decode_body(commit, &reader, err))
		return err_context(err, "reading a commit record");
	commit->generation = log_commit_get(bytes + 16, 8);
	return true;
}

/* ---- file ---- */

static bool
log_commit_read_file(const LogFolder *folder, Buffer *bytes, Err *err)
{
	int fd = openat(folder->fd, LOG_COMMIT_FILE, O_RDONLY | O_CLOEXEC);
	struct stat status;
	bool ok = false;

	buffer_clear(bytes);
	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd < 0 || fstat(fd, &status) != 0)
	{
		(void) log_directory_file_error(folder, LOG_COMMIT_FILE, "open", err);
		goto out;
	}
	if (!buffer_reserve(bytes, (size_t) status.st_size + 1, err))
		goto out;
	while (bytes->length < (size_t) status.st_size)
	{
		ssize_t got = pread(fd, bytes->data + bytes->length,
							(size_t) status.st_size - bytes->length, (off_t) bytes->length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
		{
			(void) log_directory_file_error(folder, LOG_COMMIT_FILE, "read", err);
			goto out;
		}
		if (got == 0)
			break;
		bytes->length += (size_t) got;
	}
	ok = true;
out:
	if (fd >= 0)
		(void) close(fd);
	return ok;
}

bool
log_directory_commit_read(LogCommit *commit, const LogFolder *folder, Err *err)
{
	Buffer bytes;
	Err first;
	Err second;
	uint64_t generation = 0;
	size_t slot;
	bool ok = false;

	buffer_init(&bytes, 2 * LOG_COMMIT_MAX + 1);
	commit->generation = 0;
	if (!log_commit_read_file(folder, &bytes, err))
		goto out;
	slot = bytes.length / 2;
	ok = true;
	if (bytes.length == 0)
		goto out;
	if (log_directory_commit_decode(commit, bytes.data, slot, &first))
		generation = commit->generation;
	if (!log_directory_commit_decode(commit, bytes.data + slot, slot, &second) ||
		commit->generation < generation)
		ok = generation > 0 && log_directory_commit_decode(commit, bytes.data, slot, &first);
	commit->slot_size = slot;
	if (!ok)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not read \"%s/" LOG_COMMIT_FILE "\": neither of its two commit "
					   "records is whole (%s; %s)",
					   folder->path, first.message, second.message);
		(void) err_hint(err, "The file was damaged from outside: restore the log directory from "
							 "a backup, or begin a new log in an empty folder.");
	}
out:
	buffer_release(&bytes);
	return ok;
}

/* A new file that holds the record in slot `slot`, renamed over the old one. */
static bool
log_commit_write_fresh(LogCommit *commit, const LogFolder *folder, int *fd, int slot, Err *err)
{
	size_t length = commit->scratch.length;
	size_t size = LOG_COMMIT_SLOT;
	size_t offset;
	int new_fd;

	while (size < length * 2)
		size *= 2;
	offset = (size_t) slot * size;
	if (!buffer_reserve(&commit->scratch, 2 * size - length, err))
		return false;
	memmove(commit->scratch.data + offset, commit->scratch.data, length);
	if (offset > 0)
		memset(commit->scratch.data, 0, offset);
	memset(commit->scratch.data + offset + length, 0, 2 * size - offset - length);
	new_fd = log_directory_file_create(folder, LOG_COMMIT_NEW, true, err);
	if (new_fd < 0)
		return false;
	if (!log_directory_file_write(folder, LOG_COMMIT_NEW, new_fd, commit->scratch.data, 2 * size, 0,
								  err) ||
		!log_directory_file_sync(folder, LOG_COMMIT_NEW, new_fd, err) ||
		!log_directory_file_rename(folder, LOG_COMMIT_NEW, folder, LOG_COMMIT_FILE, err) ||
		!log_directory_file_sync_folder(folder, err))
	{
		(void) close(new_fd);
		return false;
	}
	if (*fd >= 0)
		(void) close(*fd);
	*fd = new_fd;
	commit->slot_size = size;
	return true;
}

bool
log_directory_commit_write(LogCommit *commit, const LogFolder *folder, int *fd, bool fresh,
						   Err *err)
{
	struct stat status;
	int slot;

	commit->generation++;
	slot = (int) (commit->generation % 2);
	buffer_clear(&commit->scratch);
	if (!log_directory_commit_encode(commit, &commit->scratch, err))
		return false;
	if (fresh || commit->scratch.length > commit->slot_size)
		return log_commit_write_fresh(commit, folder, fd, slot, err);
	if (fstat(*fd, &status) != 0 || status.st_nlink == 0)
	{
		errno = ENOENT;
		return log_directory_file_error(folder, LOG_COMMIT_FILE, "commit to", err);
	}
	return log_directory_file_write(folder, LOG_COMMIT_FILE, *fd, commit->scratch.data,
									commit->scratch.length,
									(off_t) ((size_t) slot * commit->slot_size), err) &&
		   log_directory_file_sync(folder, LOG_COMMIT_FILE, *fd, err);
}
