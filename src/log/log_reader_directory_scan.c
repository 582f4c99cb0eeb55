/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_reader_directory_scan.c — which segments of a topic there are to read.
 *
 * The state is read in this order: commit records first, folder second. A segment that is renamed
 * in between is then seen twice, never missed, and both names are one segment of one number.
 *
 * Segments of a source are numbered without gaps, so a missing one between two others is found and
 * refused: a log with a hole must not look whole. (Missing first ones are old age.)
 */
#include "log_reader_directory_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/alloc.h"

#define LOG_READER_MAX_SEGMENTS (1024 * 1024)
#define LOG_READER_MAX_SOURCES	4096

static int
log_reader_source(ReaderDirectory *reader, const char *name, Err *err)
{
	ReaderSource *source;
	ReaderSource **grown;

	for (size_t i = 0; i < reader->nsources; i++)
		if (strcmp(reader->sources[i]->name, name) == 0)
			return (int) i;
	if (reader->nsources >= LOG_READER_MAX_SOURCES)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "the log has more than %d sources",
					   LOG_READER_MAX_SOURCES);
		return -1;
	}
	grown = alloc_resize(reader->sources, (reader->nsources + 1) * sizeof(*grown));
	if (grown != NULL)
		reader->sources = grown;
	source = grown == NULL ? NULL : alloc_zero(sizeof(*source));
	if (source == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading the log");
		return -1;
	}
	memcpy(source->name, name, strlen(name));
	reader->sources[reader->nsources] = source;
	return (int) reader->nsources++;
}

static bool
log_reader_add_segment(ReaderDirectory *reader, const ReaderSegment *segment, Err *err)
{
	for (size_t i = 0; segment->complete && i < reader->nopen; i++)
	{
		ReaderSegment *known = &reader->segments[i];

		if (known->source == segment->source && known->sequence == segment->sequence)
		{
			*known = *segment; /* renamed meanwhile */
			return true;
		}
	}
	if (reader->nsegments == reader->capacity)
	{
		size_t capacity = reader->capacity == 0 ? 64 : reader->capacity * 2;
		ReaderSegment *grown = NULL;

		if (capacity <= LOG_READER_MAX_SEGMENTS)
			grown = alloc_resize(reader->segments, capacity * sizeof(*grown));
		if (grown == NULL)
			return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading the log");
		reader->segments = grown;
		reader->capacity = capacity;
	}
	reader->segments[reader->nsegments++] = *segment;
	return true;
}

static bool
log_reader_add_commit(ReaderDirectory *reader, const char *name, const char *topic, Err *err)
{
	int source = log_reader_source(reader, name, err);
	ReaderSource *of;

	if (source < 0)
		return false;
	of = reader->sources[source];
	/* Between the reads of the two slots the writer may have gone round: never go back. */
	if (reader->commit.generation < of->generation)
		return true;
	of->generation = reader->commit.generation;
	for (size_t i = 0; i < reader->commit.nsegments; i++)
	{
		const LogCommitSegment *from = &reader->commit.segments[i];
		ReaderSegment segment = {(uint32_t) source, false, from->sequence, from->length,
								 from->records};

		if (from->state == LOG_SEGMENT_HELD ||
			strcmp(reader->commit.topics[from->topic].name, topic) != 0)
			continue;
		if (!log_reader_add_segment(reader, &segment, err))
			return false;
	}
	return true;
}

const char *
log_reader_directory_scan_entry(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			return entry->d_name;
	return NULL;
}

bool
log_reader_directory_scan_open(const LogFolder *parent, const char *name, DIR **dir, Err *err)
{
	int fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*dir = fd < 0 ? NULL : fdopendir(fd);
	if (*dir != NULL)
		return true;
	if (fd >= 0)
		(void) close(fd);
	else if (errno == ENOENT || errno == ENOTDIR)
		return true;
	return log_directory_file_error(parent, name, "read the folder", err);
}

/* The writer may go round both slots while they are read: what is torn is read again. */
static bool
log_reader_commit(ReaderDirectory *reader, const LogFolder *folder, Err *err)
{
	for (int attempt = 0; attempt < 3; attempt++)
	{
		if (log_directory_commit_read(&reader->commit, folder, err))
			return true;
		if (err->code != ERR_DATA)
			break;
	}
	return false;
}

static bool
log_reader_commits(ReaderDirectory *reader, const char *topic, Err *err)
{
	DIR *dir;
	const char *name;
	bool ok = true;

	if (!log_reader_directory_scan_open(&reader->root, LOG_DIRECTORY_INTERNALS, &dir, err))
		return false;
	if (dir == NULL)
		return true;
	while (ok && (name = log_reader_directory_scan_entry(dir)) != NULL)
	{
		LogFolder folder;
		char path[NAME_MAX + sizeof(LOG_DIRECTORY_INTERNALS) + 1];

		if (!log_directory_file_name_ok(name))
			continue;
		(void) snprintf(path, sizeof(path), LOG_DIRECTORY_INTERNALS "/%s", name);
		ok = log_directory_file_folder(&reader->root, path, false, &folder, err) &&
			 log_reader_commit(reader, &folder, err) &&
			 (reader->commit.generation == 0 || log_reader_add_commit(reader, name, topic, err));
		log_directory_file_folder_close(&folder);
	}
	(void) closedir(dir);
	return ok;
}

static bool
log_reader_files(ReaderDirectory *reader, const char *topic, Err *err)
{
	DIR *dir;
	const char *name;
	bool ok = true;

	if (!log_reader_directory_scan_open(&reader->root, topic, &dir, err))
		return false;
	if (dir == NULL)
		return true;
	while (ok && (name = log_reader_directory_scan_entry(dir)) != NULL)
	{
		ReaderSegment segment = {0, true, 0, -1, 0};
		char stem[LOG_DIRECTORY_NAME_SIZE];
		int source;

		if (!log_directory_file_parse(name, ".avro", stem, &segment.sequence))
			continue;
		source = log_reader_source(reader, stem, err);
		segment.source = (uint32_t) source;
		ok = source >= 0 && log_reader_add_segment(reader, &segment, err);
	}
	(void) closedir(dir);
	return ok;
}

static int
log_reader_compare(const void *left, const void *right)
{
	const ReaderSegment *a = left;
	const ReaderSegment *b = right;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

/* Whether a segment that should be there is not: the one after it in segments, or -1. */
static ssize_t
log_reader_hole(const ReaderDirectory *reader)
{
	for (size_t i = 0; i < reader->nsegments; i++)
	{
		const ReaderSegment *here = &reader->segments[i];
		bool first = i == 0 || reader->segments[i - 1].source != here->source;
		int64_t before =
			first ? reader->sources[here->source]->sequence : reader->segments[i - 1].sequence;

		/* A first one of any number is right while nothing of the source has been read. */
		if ((!first || before > 0) && here->sequence > before + 1)
			return (ssize_t) i;
	}
	return -1;
}

bool
log_reader_directory_scan(ReaderDirectory *reader, const char *topic, Err *err)
{
	ssize_t hole = -1;

	/* A folder that changes while it is read may show a later rename and not an earlier one:
	 * only what is missing again and again is missing. */
	for (int attempt = 0; attempt < 3; attempt++)
	{
		reader->nsegments = 0;
		reader->nopen = 0;
		if (!log_reader_commits(reader, topic, err))
			return false;
		reader->nopen = reader->nsegments;
		if (!log_reader_files(reader, topic, err))
			return false;
		if (reader->nsegments > 1)
			qsort(reader->segments, reader->nsegments, sizeof(*reader->segments),
				  log_reader_compare);
		hole = log_reader_hole(reader);
		if (hole < 0)
			return true;
	}
	(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
				   "could not read topic \"%s\" of log directory \"%s\": segment %lld of source "
				   "\"%s\" is missing between others",
				   topic, reader->root.path, (long long) reader->segments[hole].sequence - 1,
				   reader->sources[reader->segments[hole].source]->name);
	return err_hint(err, "Put the missing file back; only the oldest segments of a source may be "
						 "removed.");
}
