/* SPDX-License-Identifier: PostgreSQL */
/*
 * admin_check_log.c — can the log be written: folder and disk space, or brokers, topics and
 * registry; and are the libraries known to be sound.
 */
#include "goldpan/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOG_SPACE_FAILURE ((uint64_t) 256 << 20)
#define LOG_SPACE_WARNING ((uint64_t) 4 << 30)

static bool
log_library(AdminReport *report, bool needed, Err *err)
{
	const char *version = "";
	const char *defects = NULL;
	Err why;

	if (!log_kafka_library(&version, &defects, &why))
		return admin_report_add(report, "goldpan", "librdkafka",
								needed ? ADMIN_FAILURE : ADMIN_WARNING, why.hint, err, "%s",
								why.message);
	if (defects != NULL && needed)
		return admin_report_add(report, "goldpan", "librdkafka", ADMIN_WARNING,
								"Install librdkafka 2.5.3 or later.", err, "%s: %s", version,
								defects);
	return admin_report_add(report, "goldpan", "librdkafka", ADMIN_OK, "", err, "%s%s", version,
							needed ? "" : " (not used by a directory log)");
}

static bool
log_folder(AdminReport *report, const char *path, Err *err)
{
	struct stat status;
	struct statvfs space;
	uint64_t left;
	AdminVerdict verdict = ADMIN_OK;

	if (stat(path, &status) != 0)
		return admin_report_add(report, "log", "folder", ADMIN_FAILURE, "goldpan init makes it.",
								err, "\"%s\": %s", path, strerror(errno));
	if (!S_ISDIR(status.st_mode) || access(path, R_OK | W_OK | X_OK) != 0)
		return admin_report_add(report, "log", "folder", ADMIN_FAILURE,
								"Let the user that runs goldpan stream own it.", err,
								"\"%s\" is not a folder that this user can write to", path);
	if (!admin_report_add(report, "log", "folder", ADMIN_OK, "", err, "\"%s\"", path))
		return false;
	if (statvfs(path, &space) != 0)
		return admin_report_add(report, "log", "disk", ADMIN_SKIPPED, "", err, "\"%s\": %s", path,
								strerror(errno));
	left = (uint64_t) space.f_bavail * space.f_frsize;
	if (left < LOG_SPACE_WARNING)
		verdict = left < LOG_SPACE_FAILURE ? ADMIN_FAILURE : ADMIN_WARNING;
	return admin_report_add(report, "log", "disk", verdict,
							verdict == ADMIN_OK ? "" : "Make room, or move old files elsewhere.",
							err, "%llu MiB left where \"%s\" is", (unsigned long long) (left >> 20),
							path);
}

static bool
log_registry(AdminReport *report, const StreamConfig *config, const LogTopic *topics,
			 size_t ntopics, Err *err)
{
	Registry *registry;
	char subject[300];
	int32_t id;
	bool ok = true;
	Err why;

	registry = registry_new(&config->registry, &why);
	if (registry == NULL)
		return admin_report_add(report, "log", "registry", ADMIN_FAILURE, why.hint, err, "%s",
								why.message);
	for (size_t i = 0; i < ntopics && ok; i++)
	{
		(void) snprintf(subject, sizeof(subject), "%s-value", topics[i].name);
		if (registry_lookup(registry, subject, topics[i].schema_text, &id, &why))
			continue;
		ok = false;
		if (!admin_report_add(report, "log", "registry", ADMIN_FAILURE, why.hint, err, "%s",
							  why.message))
			goto out;
	}
	if (ok)
		ok = admin_report_add(report, "log", "registry", ADMIN_OK, "", err,
							  "%s has the schemas of %zu topics", config->registry.url, ntopics);
	else
		ok = true;
out:
	registry_free(registry);
	return ok;
}

static bool
log_brokers(AdminReport *report, const StreamConfig *config, const LogTopic *topics, size_t ntopics,
			Err *err)
{
	Err why;

	if (log_kafka_check(&config->kafka, topics, ntopics, &why))
		return admin_report_add(report, "log", "brokers", ADMIN_OK, "", err,
								"%s answer and have %zu topics", config->kafka.brokers, ntopics);
	return admin_report_add(report, "log", "brokers", ADMIN_FAILURE, why.hint, err, "%s",
							why.message);
}

bool
admin_check_log(AdminReport *report, const StreamConfig *config, const LogTopic *topics,
				size_t ntopics, Err *err)
{
	bool kafka = config->log_kind == STREAM_LOG_KAFKA;

	if (!log_library(report, kafka, err))
		return false;
	if (!kafka)
		return log_folder(report, config->directory.path, err);
	return log_brokers(report, config, topics, ntopics, err) &&
		   log_registry(report, config, topics, ntopics, err);
}
