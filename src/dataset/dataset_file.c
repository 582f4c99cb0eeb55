/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_file.c — writes CSV fields, and files that appear whole or not at all.
 *
 * A file is written under a temporary name beside the one asked for, flushed to disk with its
 * folder, and renamed: a reader, or a run after a crash, finds the old file or the new one.
 * Mode 0600 from the first byte, since rows hold personal values.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/dataset_priv.h"
#include "goldpan/alloc.h"
#include "goldpan/debug_point.h"

#define FILE_FLUSH_AT ((size_t) 1 << 20)
#define FILE_CEILING  ((size_t) 256 << 20)

struct DatasetFile
{
	char *path;
	char *target;	 /* what a link leads to, or the path */
	char *temporary; /* NULL: an open file, or a path that is no regular file (a pipe) */
	int fd;
	Buffer buffer;
};

/* ---- fields ---- */

bool
dataset_csv_put(Buffer *out, bool first, const char *text, size_t length, Err *err)
{
	bool quoted = length > 0 && (text[0] == ' ' || text[length - 1] == ' ');

	if (!first && !buffer_append_byte(out, ',', err))
		return false;
	for (size_t i = 0; i < length && !quoted; i++)
		quoted = text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
	if (!quoted)
		return buffer_append(out, text, length, err);
	if (!buffer_append_byte(out, '"', err))
		return false;
	while (length > 0)
	{
		const char *quote = memchr(text, '"', length);
		size_t part = quote != NULL ? (size_t) (quote - text) + 1 : length;

		if (!buffer_append(out, text, part, err) ||
			(quote != NULL && !buffer_append_byte(out, '"', err)))
			return false;
		text += part;
		length -= part;
	}
	return buffer_append_byte(out, '"', err);
}

bool
dataset_csv_end(Buffer *out, Err *err)
{
	return buffer_append_byte(out, '\n', err);
}

/* ---- files ---- */

static bool
file_error(const DatasetFile *file, const char *doing, Err *err)
{
	return err_set(err, ERR_CLASS_STOP, ERR_IO, "could not %s file \"%s\": %s", doing, file->path,
				   strerror(errno));
}

/* The number of the open file that a path means; -1: none. What such a path leads to is not to be
 * replaced: it is a name that the system made, and others may be writing there. */
static int
file_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
	{
		size_t length = strlen(folders[i]);
		char *end;
		long number;

		if (strncmp(path, folders[i], length) != 0)
			continue;
		number = strtol(path + length, &end, 10);
		if (end > path + length && *end == '\0' && number >= 0 && number < INT_MAX)
			return (int) number;
	}
	return -1;
}

/* A link stays one: what it leads to is written. */
static bool
file_target(DatasetFile *file, Err *err)
{
	struct stat status;
	char *real = NULL;

	if (lstat(file->path, &status) == 0 && S_ISLNK(status.st_mode))
	{
		real = realpath(file->path, NULL);
		if (real == NULL)
			return file_error(file, "open", err);
	}
	file->target = alloc_text(real != NULL ? real : file->path);
	free(real);
	return file->target != NULL || err_set(err, ERR_CLASS_STOP, ERR_NOMEM,
										   "out of memory creating file \"%s\"", file->path);
}

static bool
file_open(DatasetFile *file, Err *err)
{
	int descriptor = file_descriptor(file->path);
	struct stat status;
	size_t size;

	if (descriptor >= 0)
	{
		file->fd = dup(descriptor);
		return file->fd >= 0 || file_error(file, "open", err);
	}
	if (stat(file->path, &status) == 0 && S_ISDIR(status.st_mode))
		return err_set(err, ERR_CLASS_USAGE, ERR_IO, "could not create \"%s\": it is a directory",
					   file->path);
	if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode))
	{
		file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
		return file->fd >= 0 || file_error(file, "open", err);
	}
	if (!file_target(file, err))
		return false;
	size = strlen(file->target) + 32;
	file->temporary = alloc_bytes(size);
	if (file->temporary == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory creating file \"%s\"",
					   file->path);
	(void) snprintf(file->temporary, size, "%s.%ld.tmp", file->target, (long) getpid());
	(void) unlink(file->temporary);
	file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return file->fd >= 0 || file_error(file, "create", err);
}

DatasetFile *
dataset_file_create(const char *path, Err *err)
{
	DatasetFile *file = alloc_zero(sizeof(*file));

	if (file == NULL || (file->path = alloc_text(path)) == NULL)
	{
		alloc_free(file);
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory creating file \"%s\"", path);
		return NULL;
	}
	file->fd = -1;
	buffer_init(&file->buffer, FILE_CEILING);
	if (file_open(file, err))
		return file;
	dataset_file_abandon(file);
	return NULL;
}

Buffer *
dataset_file_buffer(DatasetFile *file)
{
	return &file->buffer;
}

static bool
file_write(DatasetFile *file, Err *err)
{
	size_t done = 0;

	while (done < file->buffer.length)
	{
		ssize_t wrote = write(file->fd, file->buffer.data + done, file->buffer.length - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return file_error(file, "write", err);
		done += (size_t) wrote;
	}
	buffer_clear(&file->buffer);
	return true;
}

bool
dataset_file_flush(DatasetFile *file, Err *err)
{
	return file->buffer.length < FILE_FLUSH_AT || file_write(file, err);
}

/* Flushes the folder of `path`, so that a rename in it lasts. */
bool
dataset_sync_folder(const char *path, Err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = alloc_text(slash == NULL ? "." : path);
	bool ok;
	int fd;

	if (folder == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory flushing a directory");
	if (slash != NULL)
		folder[slash == path ? 1 : slash - path] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (!ok)
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not flush directory \"%s\": %s", folder,
					   strerror(errno));
	if (fd >= 0)
		(void) close(fd);
	alloc_free(folder);
	return ok;
}

bool
dataset_file_finish(DatasetFile *file, Err *err)
{
	bool ok = file_write(file, err);

	if (ok && file->temporary != NULL)
	{
		if (fsync(file->fd) != 0)
			ok = file_error(file, "flush", err);
		GP_DEBUG_POINT("dataset_file.before_rename");
		if (ok && rename(file->temporary, file->target) != 0)
			ok = file_error(file, "rename", err);
		if (ok)
		{
			alloc_free(file->temporary);
			file->temporary = NULL;
			ok = dataset_sync_folder(file->target, err);
		}
	}
	dataset_file_abandon(file);
	return ok;
}

void
dataset_file_abandon(DatasetFile *file)
{
	if (file == NULL)
		return;
	if (file->fd >= 0)
		(void) close(file->fd);
	if (file->temporary != NULL)
		(void) unlink(file->temporary);
	buffer_release(&file->buffer);
	alloc_free(file->temporary);
	alloc_free(file->target);
	alloc_free(file->path);
	alloc_free(file);
}
