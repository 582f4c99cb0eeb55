/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_directory_segment.c — segments: container files that grow, and their way to the readers.
 *
 * Nothing here makes anything true: only the commit record does, and only its length counts. A
 * segment that is closed moves into its topic's folder with one rename, after the commit
 * record that says so is durable.
 */
#include "log_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goldpan/clock.h"
#include "goldpan/debug_point.h"
#include "goldpan/report.h"

#define LOG_OPEN_SUFFIX		".open"
#define LOG_COMPLETE_SUFFIX ".avro"

void
log_directory_segment_init(LogSegment *segment)
{
	memset(segment, 0, sizeof(*segment));
	segment->fd = -1;
}

void
log_directory_segment_release(LogSegment *segment)
{
	if (segment->fd >= 0)
		(void) close(segment->fd);
	log_directory_segment_init(segment);
}

/* ---- writing ---- */

bool
log_directory_segment_write(LogDirectory *log, LogSegment *segment, struct iovec *pieces,
							size_t count, size_t length, Err *err)
{
	segment->touched = true;
	if (!log_directory_file_write_pieces(&log->folder, segment->name, segment->fd, pieces, count,
										 length, (off_t) segment->length, err))
		return false;
	segment->length += (int64_t) length;
	return true;
}

/* Makes the file with its header: our own schema text, source, topic and number. */
static bool
log_segment_create(LogDirectory *log, size_t topic, Err *err)
{
	LogSegment *segment = &log->segments[topic];
	const LogTopic *about = &log->topics[topic];
	int in_commit = log_directory_commit_topic(&log->commit, about->name, err);
	struct iovec header;
	char number[24];
	const char *metadata[] = {"goldpan.source", log->source,		"goldpan.topic",
							  about->name,		"goldpan.sequence", number};

	if (in_commit < 0)
		return false;
	segment->sequence = log->commit.topics[in_commit].next_sequence;
	(void) snprintf(number, sizeof(number), "%lld", (long long) segment->sequence);
	log_directory_file_format(segment->name, about->name, segment->sequence, LOG_OPEN_SUFFIX);
	segment->length = 0;
	segment->committed = 0;
	segment->records = 0;
	segment->opened = clock_monotonic();
	if (getrandom(segment->sync, sizeof(segment->sync), 0) != (ssize_t) sizeof(segment->sync))
		return err_set(err, ERR_CLASS_STOP, ERR_INTERNAL, "could not get random bytes: %s",
					   strerror(errno));
	buffer_clear(&log->scratch);
	if (!container_header(&log->scratch, about->schema_text, log->config.codec, segment->sync,
						  metadata, sizeof(metadata) / sizeof(metadata[0]) / 2, err))
		return false;
	segment->fd = log_directory_file_create(&log->folder, segment->name, true, err);
	header = (struct iovec){log->scratch.data, log->scratch.length};
	return segment->fd >= 0 &&
		   log_directory_segment_write(log, segment, &header, 1, header.iov_len, err);
}

bool
log_directory_segment_need(LogDirectory *log, size_t topic, Err *err)
{
	return log->segments[topic].fd >= 0 || log_segment_create(log, topic, err);
}

bool
log_directory_segment_sync(LogDirectory *log, Err *err)
{
	bool created = false;
	size_t touched = 0;
	struct stat status;

	for (size_t i = 0; i < log->ntopics; i++)
		touched += log->segments[i].touched;
	for (size_t i = 0; i < log->ntopics && touched > 1; i++)
	{
		/* Start writing all of them, so that they are not waited for one by one. */
		if (log->segments[i].touched)
			(void) sync_file_range(log->segments[i].fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	for (size_t i = 0; i < log->ntopics; i++)
	{
		LogSegment *segment = &log->segments[i];

		if (!segment->touched)
			continue;
		if (!log_directory_file_sync(&log->folder, segment->name, segment->fd, err))
			return false;
		if (fstat(segment->fd, &status) != 0 || status.st_nlink == 0)
		{
			errno = ENOENT;
			return log_directory_file_error(&log->folder, segment->name, "write to", err);
		}
		created |= segment->committed == 0;
	}
	return !created || log_directory_file_sync_folder(&log->folder, err);
}

void
log_directory_segment_undo(LogDirectory *log)
{
	Err err;

	for (size_t i = 0; i < log->ntopics; i++)
	{
		const LogSegment *segment = &log->segments[i];
		bool ok;

		if (!segment->touched || segment->fd < 0)
			continue;
		/* Frees the space at once; where it fails, recovery does it by the commit record. */
		ok = segment->committed == 0
				 ? log_directory_file_unlink(&log->folder, segment->name, &err)
				 : log_directory_file_truncate(&log->folder, segment->name, segment->fd,
											   (off_t) segment->committed, &err);
		if (!ok)
			report_err(REPORT_DEBUG, log->source, &err);
	}
}

/* ---- from open to complete ---- */

/* -1: there is no such file; else its length. */
static bool
log_segment_size(const LogFolder *folder, const char *name, int64_t *size, Err *err)
{
	struct stat status;

	*size = -1;
	if (fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		*size = (int64_t) status.st_size;
	else if (errno != ENOENT)
		return log_directory_file_error(folder, name, "look at", err);
	return true;
}

static bool
log_segment_publish_one(LogDirectory *log, const LogCommitSegment *segment, const LogFolder *folder,
						Err *err)
{
	const char *topic = log->commit.topics[segment->topic].name;
	char from[LOG_DIRECTORY_FILE_SIZE];
	char to[LOG_DIRECTORY_FILE_SIZE];
	int64_t open_size;
	int64_t complete_size;

	log_directory_file_format(from, topic, segment->sequence, LOG_OPEN_SUFFIX);
	log_directory_file_format(to, log->source, segment->sequence, LOG_COMPLETE_SUFFIX);
	if (!log_segment_size(&log->folder, from, &open_size, err) ||
		!log_segment_size(folder, to, &complete_size, err))
		return false;
	if (open_size < 0 && complete_size == segment->length)
		return true; /* renamed before */
	if (open_size != segment->length || complete_size >= 0)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not complete segment \"%s/%s\": the commit record gives it %lld "
					   "bytes, but \"%s\" %s and the complete file %s",
					   folder->path, to, (long long) segment->length, from,
					   open_size < 0 ? "is missing" : "is there",
					   complete_size < 0 ? "is missing" : "is there already");
		return err_hint(err, "Files of the log directory were removed or changed from outside: "
							 "put them back, or begin a new log in an empty folder.");
	}
	GP_DEBUG_POINT("log_directory.before_rename");
	if (!log_directory_file_rename(&log->folder, from, folder, to, err))
		return false;
	GP_DEBUG_POINT("log_directory.after_rename");
	return true;
}

/* All closed segments of one topic, oldest first; a single flush of the folder. */
static bool
log_segment_publish_topic(LogDirectory *log, size_t topic, Err *err)
{
	LogFolder folder;
	bool any = false;
	bool ok = false;

	if (!log_directory_file_folder(&log->root, log->commit.topics[topic].name, true, &folder, err))
		return false;
	for (size_t i = 0; i < log->commit.nsegments; i++)
	{
		const LogCommitSegment *segment = &log->commit.segments[i];

		if (segment->topic != topic || segment->state != LOG_SEGMENT_CLOSED)
			continue;
		if (!log_segment_publish_one(log, segment, &folder, err))
			goto out;
		any = true;
	}
	ok = !any || log_directory_file_sync_folder(&folder, err);
out:
	log_directory_file_folder_close(&folder);
	return ok;
}

bool
log_directory_segment_publish(LogDirectory *log, Err *err)
{
	for (size_t i = 0; i < log->commit.nsegments;)
	{
		uint32_t topic = log->commit.segments[i].topic;

		if (log->commit.segments[i].state != LOG_SEGMENT_CLOSED)
		{
			i++;
			continue;
		}
		if (!log_segment_publish_topic(log, topic, err))
			return false;
		for (size_t j = i; j < log->commit.nsegments;)
		{
			if (log->commit.segments[j].topic == topic &&
				log->commit.segments[j].state == LOG_SEGMENT_CLOSED)
				log_directory_commit_remove(&log->commit, j);
			else
				j++;
		}
	}
	return true;
}
