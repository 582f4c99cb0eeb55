/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_directory_file.c — the file operations of the directory log.
 *
 * Everything that changes a file goes through here, for two reasons: each failure is reported in
 * the same words with its cure, and a test can count, fail or cut off every single operation.
 * Personal data lies in these files: 0640, folders 0750, less what the umask takes.
 */
#include "log_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_FILE_DIGITS 12

static LogFileHook log_file_hook;
static void *log_file_hook_context;

void
log_directory_file_hook(LogFileHook hook, void *context)
{
	log_file_hook = hook;
	log_file_hook_context = context;
}

static bool
log_file_may(LogFileOp op, int fd, const char *name, off_t offset, size_t length)
{
	LogFileCall call = {op, fd, name, offset, length, -1, NULL};

	return __builtin_expect(log_file_hook == NULL, 1) ||
		   log_file_hook(&call, log_file_hook_context);
}

/* ---- names ---- */

bool
log_directory_file_name_ok(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= LOG_DIRECTORY_NAME_SIZE || name[0] == '.')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		   length;
}

void
log_directory_file_format(char *file, const char *stem, int64_t sequence, const char *suffix)
{
	(void) snprintf(file, LOG_DIRECTORY_FILE_SIZE, "%s-%0*lld%s", stem, LOG_FILE_DIGITS,
					(long long) sequence, suffix);
}

bool
log_directory_file_parse(const char *file, const char *suffix, char *stem, int64_t *sequence)
{
	size_t length = strlen(file);
	size_t tail = 1 + LOG_FILE_DIGITS + strlen(suffix);
	size_t stem_length = length - tail;
	const char *digits = file + stem_length + 1;

	if (length <= tail || stem_length >= LOG_DIRECTORY_NAME_SIZE || digits[-1] != '-' ||
		strcmp(digits + LOG_FILE_DIGITS, suffix) != 0)
		return false;
	*sequence = 0;
	for (int i = 0; i < LOG_FILE_DIGITS; i++)
	{
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		*sequence = *sequence * 10 + (digits[i] - '0');
	}
	memcpy(stem, file, stem_length);
	stem[stem_length] = '\0';
	return *sequence > 0 && log_directory_file_name_ok(stem);
}

/* ---- errors ---- */

bool
log_directory_file_error(const LogFolder *folder, const char *name, const char *doing, Err *err)
{
	int error = errno;
	bool separate = name[0] != '\0';

	(void) err_set(err, ERR_CLASS_RETRY, ERR_IO, "could not %s \"%s%s%s\": %s", doing, folder->path,
				   separate ? "/" : "", name, strerror(error));
	switch (error)
	{
		case ENOSPC:
		case EDQUOT:
			return err_hint(err,
							"Free space in the file system (or quota) of \"%s\". Nothing of the "
							"failed batch is visible or acknowledged; it is written again then.",
							folder->path);
		case EACCES:
		case EPERM:
		case EROFS:
			return err_hint(err,
							"The user that runs goldpan must be able to read and write \"%s\".",
							folder->path);
		case ENOENT:
			return err_hint(err, "Create the folder, or mend the path of the log directory.");
		case EXDEV:
			return err_hint(err,
							"A topic's folder must lie in the file system of the log directory.");
		default:
			return false;
	}
}

/* ---- operations ---- */

bool
log_directory_file_folder(const LogFolder *parent, const char *name, bool make, LogFolder *folder,
						  Err *err)
{
	int at = parent == NULL ? AT_FDCWD : parent->fd;
	bool made = false;

	folder->fd = -1;
	if (snprintf(folder->path, sizeof(folder->path), "%s%s%s", parent == NULL ? "" : parent->path,
				 parent == NULL ? "" : "/", name) >= (int) sizeof(folder->path))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "the path of the log directory is too long");
	if (make)
	{
		if (!log_file_may(LOG_FILE_MKDIR, at, name, 0, 0) ||
			(mkdirat(at, name, 0750) != 0 && errno != EEXIST))
			return log_directory_file_error(folder, "", "create the folder", err);
		made = true;
	}
	folder->fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0)
		return log_directory_file_error(folder, "", "open the folder", err);
	/* Also when it was there: an earlier process may have died before this. */
	if (made && parent != NULL && !log_directory_file_sync_folder(parent, err))
	{
		log_directory_file_folder_close(folder);
		return false;
	}
	return true;
}

void
log_directory_file_folder_close(LogFolder *folder)
{
	if (folder->fd >= 0)
		(void) close(folder->fd);
	folder->fd = -1;
}

int
log_directory_file_create(const LogFolder *folder, const char *name, bool replace, Err *err)
{
	int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (replace ? O_TRUNC : O_EXCL);
	int fd = -1;

	if (log_file_may(LOG_FILE_CREATE, folder->fd, name, 0, 0))
		fd = openat(folder->fd, name, flags, 0640);
	if (fd < 0)
		(void) log_directory_file_error(folder, name, "create", err);
	return fd;
}

bool
log_directory_file_write(const LogFolder *folder, const char *name, int fd, const void *bytes,
						 size_t length, off_t offset, Err *err)
{
	/* the interface lacks the const; nothing is written there */
	struct iovec piece = {(void *) (uintptr_t) bytes, length};

	return log_directory_file_write_pieces(folder, name, fd, &piece, 1, length, offset, err);
}

bool
log_directory_file_write_pieces(const LogFolder *folder, const char *name, int fd,
								struct iovec *pieces, size_t count, size_t length, off_t offset,
								Err *err)
{
	if (!log_file_may(LOG_FILE_WRITE, fd, name, offset, length))
		return log_directory_file_error(folder, name, "write to", err);
	while (length > 0)
	{
		ssize_t written = pwritev(fd, pieces, (int) count, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written == 0)
			errno = ENOSPC;
		if (written <= 0)
			return log_directory_file_error(folder, name, "write to", err);
		offset += written;
		length -= (size_t) written;
		for (; count > 0 && (size_t) written >= pieces->iov_len; pieces++, count--)
			written -= (ssize_t) pieces->iov_len;
		if (count > 0)
		{
			pieces->iov_base = (uint8_t *) pieces->iov_base + written;
			pieces->iov_len -= (size_t) written;
		}
	}
	return true;
}

bool
log_directory_file_sync(const LogFolder *folder, const char *name, int fd, Err *err)
{
	if (!log_file_may(LOG_FILE_SYNC, fd, name, 0, 0) || fdatasync(fd) != 0)
		return log_directory_file_error(folder, name, "flush", err);
	return true;
}

void
log_directory_file_uncache(const char *name, int fd)
{
	if (log_file_may(LOG_FILE_UNCACHE, fd, name, 0, 0))
		(void) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

bool
log_directory_file_sync_folder(const LogFolder *folder, Err *err)
{
	if (!log_file_may(LOG_FILE_SYNC_FOLDER, folder->fd, "", 0, 0) || fsync(folder->fd) != 0)
		return log_directory_file_error(folder, "", "flush the folder", err);
	return true;
}

bool
log_directory_file_truncate(const LogFolder *folder, const char *name, int fd, off_t length,
							Err *err)
{
	if (!log_file_may(LOG_FILE_TRUNCATE, fd, name, length, 0) || ftruncate(fd, length) != 0)
		return log_directory_file_error(folder, name, "truncate", err);
	return true;
}

bool
log_directory_file_rename(const LogFolder *from, const char *name, const LogFolder *to,
						  const char *new_name, Err *err)
{
	LogFileCall call = {LOG_FILE_RENAME, from->fd, name, 0, 0, to->fd, new_name};

	if ((log_file_hook != NULL && !log_file_hook(&call, log_file_hook_context)) ||
		renameat(from->fd, name, to->fd, new_name) != 0)
		return log_directory_file_error(to, new_name, "move a complete segment to", err);
	return true;
}

bool
log_directory_file_unlink(const LogFolder *folder, const char *name, Err *err)
{
	if (!log_file_may(LOG_FILE_UNLINK, folder->fd, name, 0, 0) ||
		(unlinkat(folder->fd, name, 0) != 0 && errno != ENOENT))
		return log_directory_file_error(folder, name, "remove", err);
	return true;
}
