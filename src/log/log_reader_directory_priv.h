/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_reader_directory_priv.h — what the two files of the directory log's reader share.
 */
#ifndef GOLDPAN_LOG_READER_DIRECTORY_PRIV_H
#define GOLDPAN_LOG_READER_DIRECTORY_PRIV_H

#include <dirent.h>

#include "log_priv.h"

/* One readable segment of the topic, as last seen. */
typedef struct ReaderSegment
{
	uint32_t source; /* index */
	bool complete;	 /* lies in the topic's folder */
	int64_t sequence;
	int64_t limit; /* not complete: committed bytes */
	int64_t records;
} ReaderSegment;

typedef struct ReaderSource
{
	char name[LOG_DIRECTORY_NAME_SIZE];
	uint64_t generation; /* of the commit record last used */
	int64_t sequence;	 /* of the segment being read, or the last one read; 0: none yet */
	ContainerReader *container;
	bool complete; /* the segment will not grow */
	int64_t limit;
	int64_t number; /* of the next record in its file */
	char file[LOG_DIRECTORY_PATH_SIZE];
} ReaderSource;

typedef struct ReaderDirectory
{
	LogReader base;
	LogFolder root;
	char topic[LOG_DIRECTORY_NAME_SIZE]; /* empty: not started */
	bool open_segments;
	ReaderSource **sources;
	size_t nsources;
	size_t current; /* source that is read until it has no more */
	ReaderSegment *segments;
	size_t nsegments;
	size_t nopen; /* the first of them, which came from commit records */
	size_t capacity;
	LogCommit commit;
	LogTopicInfo *infos;
	size_t ninfos;
} ReaderDirectory;

/* ---- log_reader_directory_scan: which segments there are now ---- */

/* Fills segments of a topic, in order of source and number; learns new sources. Errors: STOP ERR_DATA
 * when one between others is missing. */
bool log_reader_directory_scan(ReaderDirectory *reader, const char *topic, Err *err) MUST_CHECK;
/* *dir NULL when there is no such folder. */
bool log_reader_directory_scan_open(const LogFolder *parent, const char *name, DIR **dir,
									Err *err) MUST_CHECK;
/* Next name of a folder that is no dot file; NULL at the end. */
const char *log_reader_directory_scan_entry(DIR *dir);

#endif
