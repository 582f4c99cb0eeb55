/* SPDX-License-Identifier: PostgreSQL */
/*
 * conf_secret.c — reads a password from a file, and only from a safe one.
 *
 * A link, a pipe or a device could be exchanged between the check and the
 * read, so the file is opened first (without following a link, without waiting
 * for a pipe's writer) and what was opened is checked. The folder it lies in must
 * not be writable by others, who could put another file in its place.
 */
#include "goldpan/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX 4096

static bool
secret_refuse(const char *path, Err *err, const char *why)
{
	(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "could not read password file \"%s\": %s",
				   path, why);
	return err_hint(err, "Make it a regular file of this user: chown %u \"%s\"; chmod 0600 \"%s\".",
					(unsigned) geteuid(), path, path);
}

static bool
secret_check_folder(const char *path, Err *err)
{
	char folder[4096];
	struct stat status;

	if ((size_t) snprintf(folder, sizeof(folder), "%s", path) >= sizeof(folder))
		return secret_refuse(path, err, "the path is too long");
	if (stat(dirname(folder), &status) != 0)
		return secret_refuse(path, err, strerror(errno));
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0)
		return secret_refuse(path, err, "its folder can be written by others");
	return true;
}

/* systemd hands a credential over as root's file with an entry for the service's user in
 * its access list, which shows as read permission of the group. */
static bool
secret_is_credential(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t length = folder != NULL ? strlen(folder) : 0;

	return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/' &&
		   strstr(path + length, "..") == NULL;
}

static bool
secret_check(int fd, const char *path, Err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return secret_refuse(path, err, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return secret_refuse(path, err, "it is not a regular file");
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return secret_refuse(path, err, "it belongs to another user");
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 &&
		!(secret_is_credential(path) && (status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0))
		return secret_refuse(path, err, "group or others have access to it");
	if (status.st_size > SECRET_MAX)
		return secret_refuse(path, err, "it is larger than 4 kB");
	return secret_check_folder(path, err);
}

char *
conf_secret_read(const char *path, Arena *arena, Err *err)
{
	char bytes[SECRET_MAX];
	char *secret = NULL;
	ssize_t length;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
	{
		(void) secret_refuse(path, err, errno == ELOOP ? "it is a symbolic link" : strerror(errno));
		return NULL;
	}
	if (!secret_check(fd, path, err))
		goto out;
	length = read(fd, bytes, sizeof(bytes));
	if (length < 0)
	{
		(void) secret_refuse(path, err, strerror(errno));
		goto out;
	}
	for (ssize_t i = 0; i < length; i++)
	{
		if (bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\0')
			length = i;
	}
	if (length == 0)
		(void) secret_refuse(path, err, "its first line is empty");
	else
		secret = arena_text(arena, bytes, (size_t) length, err);
out:
	explicit_bzero(bytes, sizeof(bytes));
	(void) close(fd);
	return secret;
}
