/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_reader_directory.c — reading the directory log, and following it.
 *
 * A reader takes no lock and changes nothing. What may be read is the complete segments in a
 * topic's folder and, when asked for, the part of open segments that a commit record names; held
 * segments are never shown. What there is, log_reader_directory_scan says, again at each end. An open
 * segment's descriptor stays open when it is renamed, so no record comes twice.
 */
#include "log_reader_directory_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goldpan/alloc.h"

#define LOG_READER_MAX_TOPICS 4096

/* ---- reading one source ---- */

static const ReaderSegment *
log_reader_find(const ReaderDirectory *reader, size_t source, int64_t sequence, bool or_later)
{
	for (size_t i = 0; i < reader->nsegments; i++)
	{
		const ReaderSegment *segment = &reader->segments[i];

		if (segment->source == source &&
			(segment->sequence == sequence || (or_later && segment->sequence > sequence)))
			return segment;
	}
	return NULL;
}

static bool
log_reader_path(const ReaderDirectory *reader, const ReaderSource *source, int64_t sequence,
				bool complete, char *path, Err *err)
{
	char file[LOG_DIRECTORY_FILE_SIZE];
	int length;

	if (complete)
	{
		log_directory_file_format(file, source->name, sequence, ".avro");
		length = snprintf(path, LOG_DIRECTORY_PATH_SIZE, "%s/%s/%s", reader->root.path,
						  reader->topic, file);
	}
	else
	{
		log_directory_file_format(file, reader->topic, sequence, ".open");
		length = snprintf(path, LOG_DIRECTORY_PATH_SIZE, "%s/" LOG_DIRECTORY_INTERNALS "/%s/%s",
						  reader->root.path, source->name, file);
	}
	return length < LOG_DIRECTORY_PATH_SIZE ||
		   err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "the path of the log directory is too long");
}

/* Opens the segment by one of its two names; NULL with *gone when there is no file of that name. */
static ContainerReader *
log_reader_open_as(const ReaderDirectory *reader, ReaderSource *source,
				   const ReaderSegment *segment, bool complete, bool *gone, Err *err)
{
	ContainerReader *container;

	*gone = false;
	if (!log_reader_path(reader, source, segment->sequence, complete, source->file, err))
		return NULL;
	container = container_open(source->file, complete ? -1 : segment->limit, err);
	*gone = container == NULL && access(source->file, F_OK) != 0 && errno == ENOENT;
	return container;
}

/* Opens the source's next segment; *opened false when there is none (yet). */
static bool
log_reader_open_segment(ReaderDirectory *reader, size_t index, bool *opened, Err *err)
{
	ReaderSource *source = reader->sources[index];
	const ReaderSegment *segment = log_reader_find(reader, index, source->sequence + 1, true);
	bool complete;
	bool gone;

	*opened = false;
	if (segment == NULL || (!segment->complete && !reader->open_segments))
		return true;
	complete = segment->complete;
	source->container = log_reader_open_as(reader, source, segment, complete, &gone, err);
	if (!complete && gone)
	{
		/* Renamed since the commit record was read. Opened first and asked afterwards: the writer
		 * may rename it at any moment between two looks. */
		complete = true;
		source->container = log_reader_open_as(reader, source, segment, true, &gone, err);
		if (gone)
			return true; /* neither: the next refresh tells */
	}
	if (source->container == NULL)
		return false;
	source->complete = complete;
	source->limit = segment->limit;
	source->sequence = segment->sequence;
	source->number = 0;
	*opened = true;
	return true;
}

static void
log_reader_close_segment(ReaderSource *source)
{
	if (source->container != NULL)
		container_close(source->container);
	source->container = NULL;
}

/* At the end of an open segment: has it grown or been completed since? */
static bool
log_reader_grow(ReaderDirectory *reader, size_t index, bool *grown, Err *err)
{
	ReaderSource *source = reader->sources[index];
	const ReaderSegment *segment = log_reader_find(reader, index, source->sequence, false);
	struct stat status;

	*grown = false;
	if (segment == NULL)
		return true;
	if (segment->complete)
	{
		if (!log_reader_path(reader, source, source->sequence, true, source->file, err))
			return false;
		if (stat(source->file, &status) != 0)
			return true;
		source->complete = true;
		*grown = (int64_t) status.st_size > source->limit;
		source->limit = (int64_t) status.st_size;
	}
	else if (segment->limit > source->limit)
	{
		source->limit = segment->limit;
		*grown = true;
	}
	if (*grown)
		container_set_limit(source->container, source->limit);
	return true;
}

/* Next record of one source by what the last refresh saw. */
static bool
log_reader_step(ReaderDirectory *reader, size_t index, LogEntry *entry, bool *found, Err *err)
{
	ReaderSource *source = reader->sources[index];

	*found = false;
	for (;;)
	{
		bool more;

		if (source->container == NULL)
		{
			if (!log_reader_open_segment(reader, index, &more, err))
				return false;
			if (!more)
				return true;
		}
		if (!container_next(source->container, &entry->value, found, err))
			return err_context(err, "reading \"%s\"", source->file);
		if (*found)
		{
			entry->file = source->file;
			entry->offset = source->number++;
			entry->schema = container_schema(source->container);
			return true;
		}
		more = false;
		if (!source->complete && !log_reader_grow(reader, index, &more, err))
			return false;
		if (more)
			continue;
		if (!source->complete)
			return true;
		log_reader_close_segment(source);
	}
}

static bool
log_reader_directory_next(LogReader *base, LogEntry *entry, bool *found, Err *err)
{
	ReaderDirectory *reader = (ReaderDirectory *) base;

	memset(entry, 0, sizeof(*entry));
	entry->topic = reader->topic;
	*found = false;
	for (int pass = 0; pass < 2; pass++)
	{
		for (; reader->current < reader->nsources; reader->current++)
			if (!log_reader_step(reader, reader->current, entry, found, err) || *found)
				return *found;
		reader->current = 0;
		if (pass == 0 && !log_reader_directory_scan(reader, reader->topic, err))
			return false;
	}
	return true;
}

/* ---- start, list, close ---- */

static void
log_reader_forget(ReaderDirectory *reader)
{
	for (size_t i = 0; i < reader->nsources; i++)
	{
		log_reader_close_segment(reader->sources[i]);
		alloc_free(reader->sources[i]);
	}
	reader->nsources = 0;
	reader->nsegments = 0;
	reader->current = 0;
}

static bool
log_reader_directory_start(LogReader *base, const char *topic, bool open_segments, Err *err)
{
	ReaderDirectory *reader = (ReaderDirectory *) base;
	struct stat status;

	log_reader_forget(reader);
	reader->topic[0] = '\0';
	if (!log_directory_file_name_ok(topic) || fstatat(reader->root.fd, topic, &status, 0) != 0 ||
		!S_ISDIR(status.st_mode))
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_COMMAND_LINE,
					   "log directory \"%s\" has no topic \"%s\"", reader->root.path, topic);
		return err_hint(err, "\"goldpan log list\" shows the topics.");
	}
	memcpy(reader->topic, topic, strlen(topic) + 1);
	reader->open_segments = open_segments;
	return true;
}

/* Counts one topic: complete segments by reading them, open ones by their commit record. */
static bool
log_reader_count(ReaderDirectory *reader, LogTopicInfo *info, Err *err)
{
	LogEntry entry;
	struct stat status;
	char path[LOG_DIRECTORY_PATH_SIZE];
	bool found;

	if (!log_reader_directory_start(&reader->base, info->name, true, err))
		return false;
	for (;;)
	{
		if (!log_reader_directory_next(&reader->base, &entry, &found, err))
			return false;
		if (!found)
			break;
		info->records++;
	}
	for (size_t i = 0; i < reader->nsegments; i++)
	{
		const ReaderSegment *segment = &reader->segments[i];

		if (!segment->complete)
		{
			info->bytes += segment->limit;
			continue;
		}
		if (!log_reader_path(reader, reader->sources[segment->source], segment->sequence, true,
							 path, err))
			return false;
		if (stat(path, &status) == 0)
			info->bytes += (int64_t) status.st_size;
		info->files++;
	}
	return true;
}

static void
log_reader_forget_infos(ReaderDirectory *reader)
{
	for (size_t i = 0; i < reader->ninfos; i++)
		alloc_free((char *) reader->infos[i].name);
	reader->ninfos = 0;
}

static int
log_reader_compare_infos(const void *left, const void *right)
{
	return strcmp(((const LogTopicInfo *) left)->name, ((const LogTopicInfo *) right)->name);
}

static bool
log_reader_add_info(ReaderDirectory *reader, const char *name, Err *err)
{
	LogTopicInfo *grown = NULL;
	LogTopicInfo *info;

	if (reader->ninfos < LOG_READER_MAX_TOPICS)
		grown = alloc_resize(reader->infos, (reader->ninfos + 1) * sizeof(*grown));
	if (grown == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory listing the log's topics");
	reader->infos = grown;
	info = &grown[reader->ninfos];
	memset(info, 0, sizeof(*info));
	info->name = alloc_text(name);
	if (info->name == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory listing the log's topics");
	reader->ninfos++;
	return true;
}

static bool
log_reader_directory_list(LogReader *base, const LogTopicInfo **topics, size_t *count, Err *err)
{
	ReaderDirectory *reader = (ReaderDirectory *) base;
	const char *name;
	struct stat status;
	DIR *dir;
	bool ok = true;

	log_reader_forget_infos(reader);
	if (!log_reader_directory_scan_open(&reader->root, ".", &dir, err))
		return false;
	while (ok && dir != NULL && (name = log_reader_directory_scan_entry(dir)) != NULL)
		if (log_directory_file_name_ok(name) && fstatat(reader->root.fd, name, &status, 0) == 0 &&
			S_ISDIR(status.st_mode))
			ok = log_reader_add_info(reader, name, err);
	if (dir != NULL)
		(void) closedir(dir);
	if (reader->ninfos > 1)
		qsort(reader->infos, reader->ninfos, sizeof(*reader->infos), log_reader_compare_infos);
	for (size_t i = 0; ok && i < reader->ninfos; i++)
		ok = log_reader_count(reader, &reader->infos[i], err);
	log_reader_forget(reader);
	reader->topic[0] = '\0';
	*topics = reader->infos;
	*count = reader->ninfos;
	return ok;
}

static void
log_reader_directory_close(LogReader *base)
{
	ReaderDirectory *reader = (ReaderDirectory *) base;

	log_reader_forget(reader);
	log_reader_forget_infos(reader);
	alloc_free(reader->sources);
	alloc_free(reader->segments);
	alloc_free(reader->infos);
	log_directory_commit_release(&reader->commit);
	log_directory_file_folder_close(&reader->root);
	alloc_free(reader);
}

static const LogReaderOps log_reader_directory_ops = {
	.list = log_reader_directory_list,
	.start = log_reader_directory_start,
	.next = log_reader_directory_next,
	.close = log_reader_directory_close,
};

LogReader *
log_reader_directory(const char *path, Err *err)
{
	ReaderDirectory *reader = alloc_zero(sizeof(*reader));

	if (reader == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory opening log directory \"%s\"",
					   path);
		return NULL;
	}
	reader->base.ops = &log_reader_directory_ops;
	log_directory_commit_init(&reader->commit);
	if (log_directory_file_folder(NULL, path, false, &reader->root, err))
		return &reader->base;
	log_reader_directory_close(&reader->base);
	return NULL;
}
