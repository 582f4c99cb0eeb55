/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_directory_recover.c — taking over a source's part of the log directory.
 *
 * Whatever an earlier process left — killed at any instant, out of disk, or closed well — the
 * commit record says what is true, and the folders are made to follow it:
 *
 *   named open or closed   cut to the named length and completed (renamed); the writer begins new
 *                          segments, so it never appends to a file that it did not make
 *   named held             an unfinished snapshot attempt: thrown away
 *   not named              written but never committed: removed
 *
 * The commit record is written to a new file first: what the page cache showed may never have
 * reached the disk (a failed fdatasync), and nothing may be built on it before it has. A
 * folder that has lost files which the record names is refused, never repaired by guess.
 */
#include "log_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the lock ---- */

static bool
log_recover_locked(const LogDirectory *log, int fd, Err *err)
{
	char text[32] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	(void) err_set(
		err, ERR_CLASS_STOP, ERR_LOG_FENCED,
		"could not take over source \"%s\" in log directory \"%s\": process %s writes it",
		log->source, log->config.path, text[0] == '\0' ? "of unknown number" : text);
	return err_hint(err, "A source has one writer. Stop that process first, or give this one a "
						 "log directory or a source name of its own.");
}

static bool
log_recover_lock(LogDirectory *log, Err *err)
{
	char text[32];
	int length;

	if (log->lock_fd >= 0)
		return true;
	log->lock_fd = openat(log->folder.fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (log->lock_fd < 0)
		return log_directory_file_error(&log->folder, "lock", "open", err);
	if (flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0)
	{
		if (errno == EWOULDBLOCK)
			(void) log_recover_locked(log, log->lock_fd, err);
		else
			(void) log_directory_file_error(&log->folder, "lock", "lock", err);
		(void) close(log->lock_fd);
		log->lock_fd = -1;
		return false;
	}
	length = snprintf(text, sizeof(text), "%ld\n", (long) getpid());
	/* Only for the message above: a full disk must not keep us from taking the lock. */
	if (ftruncate(log->lock_fd, 0) != 0 ||
		pwrite(log->lock_fd, text, (size_t) length, 0) != (ssize_t) length)
		return true;
	return true;
}

/* ---- folders ---- */

static bool
log_recover_open_folders(LogDirectory *log, Err *err)
{
	LogFolder internals;
	int parent;
	bool ok;

	if (log->root.fd < 0)
	{
		if (!log_directory_file_folder(NULL, log->config.path, true, &log->root, err))
			return false;
		parent = openat(log->root.fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent >= 0)
		{
			/* The folder's own name must survive too; where we may not, it is not ours. */
			(void) fsync(parent);
			(void) close(parent);
		}
	}
	if (log->folder.fd >= 0)
		return true;
	if (!log_directory_file_folder(&log->root, LOG_DIRECTORY_INTERNALS, true, &internals, err))
		return false;
	ok = log_directory_file_folder(&internals, log->source, true, &log->folder, err);
	log_directory_file_folder_close(&internals);
	return ok;
}

static bool
log_recover_check_device(const LogDirectory *log, const LogFolder *topic, Err *err)
{
	struct stat here;
	struct stat there;

	if (fstat(log->folder.fd, &here) != 0 || fstat(topic->fd, &there) != 0)
		return log_directory_file_error(topic, "", "look at", err);
	if (here.st_dev == there.st_dev)
		return true;
	(void) err_set(err, ERR_CLASS_USAGE, ERR_LOG_SETUP,
				   "could not use folder \"%s\": it lies in another file system than \"%s\"",
				   topic->path, log->folder.path);
	return err_hint(err, "Segments are completed by a rename, which cannot cross file systems: put "
						 "the whole log directory into one.");
}

/* Whether a topic's folder holds segments of this source; their names go unread otherwise. */
static bool
log_recover_find_orphan(const LogDirectory *log, const LogFolder *topic, bool *found, Err *err)
{
	char stem[LOG_DIRECTORY_NAME_SIZE];
	int64_t sequence;
	struct dirent *entry;
	int fd = openat(topic->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	*found = false;
	if (dir == NULL)
	{
		if (fd >= 0)
			(void) close(fd);
		return log_directory_file_error(topic, "", "read the folder", err);
	}
	while (!*found && (entry = readdir(dir)) != NULL)
		*found = log_directory_file_parse(entry->d_name, ".avro", stem, &sequence) &&
				 strcmp(stem, log->source) == 0;
	(void) closedir(dir);
	return true;
}

static bool
log_recover_open_topic(const LogDirectory *log, const char *name, Err *err)
{
	LogFolder topic;
	bool orphan = false;
	bool ok;

	if (!log_directory_file_folder(&log->root, name, true, &topic, err))
		return false;
	ok = log_recover_check_device(log, &topic, err) &&
		 (log->commit.generation > 0 || log_recover_find_orphan(log, &topic, &orphan, err));
	if (ok && orphan)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not take over source \"%s\": \"%s\" holds segments of it, but "
					   "\"%s/commit\" is missing",
					   log->source, topic.path, log->folder.path);
		ok = err_hint(err,
					  "Restore \"%s\" from a backup, or move that source's files away to "
					  "begin with a new snapshot.",
					  log->folder.path);
	}
	log_directory_file_folder_close(&topic);
	return ok;
}

/* ---- segments ---- */

/* Cuts an open segment to its committed length. One that is gone was completed before; whether
 * its complete file is as it should be is checked when it is published. */
static bool
log_recover_cut(LogDirectory *log, const LogCommitSegment *segment, Err *err)
{
	char name[LOG_DIRECTORY_FILE_SIZE];
	struct stat status;
	int fd;
	bool ok;

	log_directory_file_format(name, log->commit.topics[segment->topic].name, segment->sequence,
							  ".open");
	fd = openat(log->folder.fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT || log_directory_file_error(&log->folder, name, "open", err);
	if (fstat(fd, &status) != 0)
		ok = log_directory_file_error(&log->folder, name, "look at", err);
	else if (status.st_size < segment->length)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_DATA,
					   "could not recover segment \"%s/%s\": it has %lld bytes, the commit record "
					   "says %lld",
					   log->folder.path, name, (long long) status.st_size,
					   (long long) segment->length);
		ok = err_hint(err, "Acknowledged records are missing: restore the log directory from a "
						   "backup, or begin a new log in an empty folder.");
	}
	else
		ok = status.st_size == segment->length ||
			 (log_directory_file_truncate(&log->folder, name, fd, (off_t) segment->length, err) &&
			  log_directory_file_sync(&log->folder, name, fd, err));
	(void) close(fd);
	return ok;
}

static bool
log_recover_segments(LogDirectory *log, Err *err)
{
	LogCommit *commit = &log->commit;

	for (size_t i = 0; i < commit->nsegments;)
	{
		LogCommitSegment *segment = &commit->segments[i];
		LogCommitTopic *topic = &commit->topics[segment->topic];

		if (segment->state == LOG_SEGMENT_HELD)
		{
			/* Its number is used again: readers have never seen it. */
			if (topic->next_sequence > segment->sequence)
				topic->next_sequence = segment->sequence;
			log_directory_commit_remove(commit, i);
			continue;
		}
		if (!log_recover_cut(log, segment, err))
			return false;
		segment->state = LOG_SEGMENT_CLOSED;
		i++;
	}
	return true;
}

/* Whether the commit state names this file. */
static bool
log_recover_is_named(const LogCommit *commit, const char *topic, int64_t sequence)
{
	for (size_t i = 0; i < commit->nsegments; i++)
		if (commit->segments[i].sequence == sequence &&
			strcmp(commit->topics[commit->segments[i].topic].name, topic) == 0)
			return true;
	return false;
}

static bool
log_recover_sweep(LogDirectory *log, Err *err)
{
	char stem[LOG_DIRECTORY_NAME_SIZE];
	int64_t sequence;
	struct dirent *entry;
	bool ok = true;
	int fd = openat(log->folder.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL)
	{
		if (fd >= 0)
			(void) close(fd);
		return log_directory_file_error(&log->folder, "", "read the folder", err);
	}
	while (ok && (entry = readdir(dir)) != NULL)
		if ((log_directory_file_parse(entry->d_name, ".open", stem, &sequence) &&
			 !log_recover_is_named(&log->commit, stem, sequence)) ||
			strcmp(entry->d_name, "commit.new") == 0)
			ok = log_directory_file_unlink(&log->folder, entry->d_name, err);
	(void) closedir(dir);
	return ok;
}

/* ---- all of it ---- */

bool
log_directory_recover(LogDirectory *log, Buffer *progress, Err *err)
{
	log->usable = false;
	log->holding = false;
	for (size_t i = 0; i < log->ntopics; i++)
		log_directory_segment_release(&log->segments[i]);
	if (!log_recover_open_folders(log, err) || !log_recover_lock(log, err) ||
		!log_directory_commit_read(&log->commit, &log->folder, err))
		return false;
	for (size_t i = 0; i < log->ntopics; i++)
		if (!log_recover_open_topic(log, log->topics[i].name, err))
			return false;
	if (!log_recover_segments(log, err) ||
		!log_directory_commit_write(&log->commit, &log->folder, &log->commit_fd, true, err) ||
		!log_recover_sweep(log, err) || !log_directory_segment_publish(log, err))
		return false;
	buffer_clear(progress);
	if (!buffer_append(progress, log->commit.progress.data, log->commit.progress.length, err))
		return false;
	atomic_store_explicit(&log->interrupted, false, memory_order_relaxed);
	log->usable = true;
	return true;
}
