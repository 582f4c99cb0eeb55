/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_journal.c — answers between two runs, and the file of all events.
 *
 * An entry holds the engine's delta, the rows for events.csv and the judgement, with one checksum:
 * it counts from the moment it is flushed. events.csv follows; what a crash kept from it is in
 * the journal or in events-N, and is put there at the next opening.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/dataset_state_priv.h"
#include "goldpan/debug_point.h"

#define JOURNAL_MAGIC	  UINT32_C(0x314a5047) /* "GPJ1" */
#define JOURNAL_MAX_PIECE (UINT32_C(256) << 20)
/* Zeros behind an entry, so that each delta lies at a multiple of 8, as the engine wants it. */
#define JOURNAL_PADDING(length) ((8 - (length) % 8) % 8)

typedef struct JournalHead
{
	uint32_t magic;
	uint32_t lengths[3]; /* delta, events, judgement */
	uint64_t hash;		 /* of the lengths and the bytes */
} JournalHead;

/* ---- files ---- */

bool
dataset_read_file(const char *path, Buffer *text, Err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (fd >= 0)
	{
		do
		{
			if (!buffer_reserve(text, (size_t) 64 << 10, err))
				break;
			got = read(fd, text->data + text->length, (size_t) 64 << 10);
			if (got > 0)
				text->length += (size_t) got;
		} while (got > 0 || (got < 0 && errno == EINTR));
		if (got != 0 && err->code == ERR_NOMEM)
		{
			(void) close(fd);
			return false;
		}
	}
	if (got != 0)
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not read file \"%s\": %s", path,
					   strerror(errno));
	if (fd >= 0)
		(void) close(fd);
	return got == 0;
}

static bool
journal_write(int fd, const char *path, const void *bytes, size_t length, Err *err)
{
	size_t done = 0;

	while (done < length)
	{
		ssize_t wrote = write(fd, (const char *) bytes + done, length - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write file \"%s\": %s", path,
						   strerror(errno));
		done += (size_t) wrote;
	}
	return true;
}

/* ---- entries ---- */

static uint64_t
journal_hash(const JournalHead *head, const uint8_t *bytes, size_t length)
{
	return dataset_hash(dataset_hash(5, head->lengths, sizeof(head->lengths)), bytes, length);
}

/* Reads the entry at `at`, checked; false when there is no whole one. */
static bool
journal_entry(const Buffer *text, size_t at, DatasetJournalEntry *entry, size_t *next)
{
	JournalHead head;
	const uint8_t *bytes;
	size_t length;

	if (text->length - at < sizeof(head))
		return false;
	memcpy(&head, text->data + at, sizeof(head));
	at += sizeof(head);
	if (head.magic != JOURNAL_MAGIC || head.lengths[0] > JOURNAL_MAX_PIECE ||
		head.lengths[1] > JOURNAL_MAX_PIECE || head.lengths[2] > JOURNAL_MAX_PIECE)
		return false;
	length = (size_t) head.lengths[0] + head.lengths[1] + head.lengths[2];
	bytes = text->data + at;
	if (text->length - at < length || journal_hash(&head, bytes, length) != head.hash)
		return false;
	entry->delta = bytes;
	entry->delta_length = head.lengths[0];
	entry->events = (const char *) bytes + head.lengths[0];
	entry->events_length = head.lengths[1];
	entry->judgement = entry->events + head.lengths[1];
	entry->judgement_length = head.lengths[2];
	*next = at + length + JOURNAL_PADDING(length);
	return *next <= text->length;
}

bool
dataset_journal_each(DatasetState *state, DatasetJournalVisit visit, void *context, Err *err)
{
	char path[DATASET_STATE_PATH];
	DatasetJournalEntry entry;
	Buffer text;
	size_t at = 0;
	bool ok = true;

	(void) dataset_state_path(state, "journal", state->generation, path);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return true;
	buffer_init(&text, (size_t) 4 << 30);
	ok = dataset_read_file(path, &text, err);
	while (ok && journal_entry(&text, at, &entry, &at))
		ok = visit == NULL || visit(context, &entry, err);
	state->journal_size = at;
	buffer_release(&text);
	return ok;
}

/* ---- events.csv ---- */

static bool
journal_count(void *context, const DatasetJournalEntry *entry, Err *err)
{
	DatasetState *state = context;

	(void) err;
	state->journal_events += entry->events_length;
	return true;
}

static bool
journal_put_events(void *context, const DatasetJournalEntry *entry, Err *err)
{
	return journal_write(*(int *) context, "events.csv", entry->events, entry->events_length, err);
}

/* Copies events-N behind what events.csv held before that generation. */
static bool
journal_put_own(DatasetState *state, int fd, const char *own, Err *err)
{
	Buffer piece;
	bool ok = true;
	int from = open(own, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	buffer_init(&piece, (size_t) 1 << 20);
	if (from >= 0)
		ok = buffer_reserve(&piece, (size_t) 1 << 20, err);
	while (ok && from >= 0 && (got = read(from, piece.data, piece.capacity)) > 0)
		ok = journal_write(fd, "events.csv", piece.data, (size_t) got, err);
	if (ok && got < 0)
		ok = err_set(err, ERR_CLASS_STOP, ERR_IO, "could not read file \"%s\": %s", own,
					 strerror(errno));
	if (from >= 0)
		(void) close(from);
	buffer_release(&piece);
	(void) state;
	return ok;
}

/* Cuts the file of events to `size`; one that is shorter has lost some. */
static bool
journal_cut_events(const char *path, int fd, uint64_t found, uint64_t size, Err *err)
{
	if (found < size)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "file \"%s\" is shorter than when the last run ended", path);
		return err_hint(err, "Put back the file that this program wrote; it only ever grows.");
	}
	if (ftruncate(fd, (off_t) size) != 0 || lseek(fd, 0, SEEK_END) < 0)
		return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not cut file \"%s\": %s", path,
					   strerror(errno));
	return true;
}

static bool
journal_mend_events(DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];
	char own[DATASET_STATE_PATH];
	uint64_t before = state->events_base + state->events_size;
	struct stat status;
	bool has_own;
	bool ok = true;
	int fd;

	(void) dataset_state_path(state, "events.csv", 0, path);
	(void) dataset_state_path(state, "events", state->generation, own);
	has_own = access(own, F_OK) == 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &status) != 0)
		ok = err_set(err, ERR_CLASS_STOP, ERR_IO, "could not open file \"%s\": %s", path,
					 strerror(errno));
	if (ok && !has_own && (uint64_t) status.st_size == before + state->journal_events)
		goto out;
	ok = ok && journal_cut_events(path, fd, (uint64_t) status.st_size,
								  has_own ? state->events_base : before, err);
	ok = ok && (!has_own || journal_put_own(state, fd, own, err)) &&
		 dataset_journal_each(state, journal_put_events, &fd, err);
	if (ok && fsync(fd) != 0)
		ok = err_set(err, ERR_CLASS_STOP, ERR_IO, "could not flush file \"%s\": %s", path,
					 strerror(errno));
	if (ok && has_own)
		(void) unlink(own);
out:
	if (fd >= 0)
		(void) close(fd);
	return ok;
}

/* Events follow their entries. Where there are more than the entries hold, entries are gone: the journal
 * was damaged, and does not end where a kill tore it. */
static bool
journal_lacks_none(const DatasetState *state, Err *err)
{
	uint64_t whole = state->events_base + state->events_size + state->journal_events;
	char path[DATASET_STATE_PATH];
	struct stat status;

	if (access(dataset_state_path(state, "events", state->generation, path), F_OK) == 0 ||
		stat(dataset_state_path(state, "events.csv", 0, path), &status) != 0 ||
		(uint64_t) status.st_size <= whole)
		return true;
	(void) dataset_state_path(state, "journal", state->generation, path);
	(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
				   "file \"%s\" is damaged at byte %llu: events.csv has answers that it lacks",
				   path, (unsigned long long) state->journal_size);
	return err_hint(err,
					"Put the file back. To give these answers up, cut %s/events.csv to %llu bytes.",
					state->path, (unsigned long long) whole);
}

/* ---- opening and appending ---- */

bool
dataset_journal_open(DatasetState *state, Err *err)
{
	char path[DATASET_STATE_PATH];

	state->journal_size = 0;
	state->journal_events = 0;
	if (!dataset_journal_each(state, journal_count, state, err) || !journal_lacks_none(state, err))
		return false;
	if (state->mode == DATASET_READ)
		return true;
	(void) dataset_state_path(state, "journal", state->generation, path);
	state->journal = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (state->journal < 0 || ftruncate(state->journal, (off_t) state->journal_size) != 0 ||
		lseek(state->journal, 0, SEEK_END) < 0)
		return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
	return dataset_sync_folder(path, err) && journal_mend_events(state, err);
}

bool
dataset_state_append(DatasetState *state, const void *delta, size_t length, const Buffer *events,
					 const Buffer *judgement, Err *err)
{
	char path[DATASET_STATE_PATH];
	JournalHead head = {
		.magic = JOURNAL_MAGIC,
		.lengths = {(uint32_t) length, (uint32_t) events->length, (uint32_t) judgement->length}};
	static const uint8_t zeros[8];
	Buffer text;
	bool ok;
	int fd;

	(void) dataset_state_path(state, "journal", state->generation, path);
	if (length > JOURNAL_MAX_PIECE)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "an answer changes too much to be kept");
	buffer_init(&text, (size_t) 1 << 30);
	ok = buffer_append(&text, &head, sizeof(head), err) &&
		 buffer_append(&text, delta, length, err) &&
		 buffer_append(&text, events->data, events->length, err) &&
		 buffer_append(&text, judgement->data, judgement->length, err);
	if (ok)
	{
		head.hash = journal_hash(&head, text.data + sizeof(head), text.length - sizeof(head));
		memcpy(text.data, &head, sizeof(head));
		ok = buffer_append(&text, zeros, JOURNAL_PADDING(text.length), err) &&
			 journal_write(state->journal, path, text.data, text.length, err);
	}
	GP_DEBUG_POINT("dataset_journal.before_flush");
	if (ok && fdatasync(state->journal) != 0)
		ok = err_set(err, ERR_CLASS_STOP, ERR_IO, "could not flush file \"%s\": %s", path,
					 strerror(errno));
	if (ok)
	{
		state->journal_size += text.length;
		state->journal_events += events->length;
	}
	buffer_release(&text);
	GP_DEBUG_POINT("dataset_journal.before_events");
	if (!ok)
		return false;
	(void) dataset_state_path(state, "events.csv", 0, path);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not open file \"%s\": %s", path,
					   strerror(errno));
	ok = journal_write(fd, path, events->data, events->length, err);
	(void) close(fd);
	return ok;
}
