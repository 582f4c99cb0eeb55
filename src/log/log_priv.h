/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_priv.h — what the files of the directory log share.
 *
 * Layout under the configured path (one line per kind of file):
 *
 *   <topic>/<source>-000000000001.avro              complete segments, committed records only
 *   .goldpan/<source>/<topic>-000000000002.open     segments being written, or held
 *   .goldpan/<source>/commit                        the commit record, two slots
 *   .goldpan/<source>/lock                          flock of the writer, its pid inside
 *
 * Segments of one topic and source are numbered from 1 without gaps. What is true is
 * what the commit record says; the folders follow it (see log_directory.c).
 */
#ifndef GOLDPAN_LOG_PRIV_H
#define GOLDPAN_LOG_PRIV_H

#include <stdatomic.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "goldpan/log.h"

#define LOG_DIRECTORY_INTERNALS	   ".goldpan"
#define LOG_DIRECTORY_NAME_SIZE	   201 /* of a topic or source, with the zero */
#define LOG_DIRECTORY_FILE_SIZE	   (LOG_DIRECTORY_NAME_SIZE + 24)
#define LOG_DIRECTORY_PATH_SIZE	   4096
#define LOG_DIRECTORY_BLOCK		   ((size_t) 128 * 1024) /* a container block ends from here on */
#define LOG_DIRECTORY_MAX_RECORD   (16 * 1024 * 1024)	 /* largest value */
#define LOG_DIRECTORY_MAX_PROGRESS (1 << 20)

/* ---- names ---- */

/* Letters, digits, '.', '_' and '-', no '.' in front. */
bool log_directory_file_name_ok(const char *name);
/* "<stem>-<sequence><suffix>" of at most LOG_DIRECTORY_FILE_SIZE. */
void log_directory_file_format(char *file, const char *stem, int64_t sequence, const char *suffix);
/* The reverse; false when the name has another form. */
bool log_directory_file_parse(const char *file, const char *suffix, char *stem, int64_t *sequence);

/* ---- file operations: all that changes a file goes through these ---- */

typedef enum LogFileOp
{
	LOG_FILE_CREATE,
	LOG_FILE_WRITE,
	LOG_FILE_SYNC,
	LOG_FILE_SYNC_FOLDER,
	LOG_FILE_TRUNCATE,
	LOG_FILE_RENAME,
	LOG_FILE_UNLINK,
	LOG_FILE_MKDIR,
	LOG_FILE_UNCACHE, /* advice: whether it may changes nothing that is read */
} LogFileOp;

typedef struct LogFileCall
{
	LogFileOp op;
	int fd;			  /* the file; CREATE, RENAME, UNLINK, MKDIR: the folder of name */
	const char *name; /* in its folder */
	off_t offset;	  /* WRITE; TRUNCATE: the new length */
	size_t length;	  /* WRITE */
	int to_fd;		  /* RENAME: folder */
	const char *to_name;
} LogFileCall;

/* Tests only: called before each operation. False with errno set makes it fail. */
typedef bool (*LogFileHook)(const LogFileCall *call, void *context);
void log_directory_file_hook(LogFileHook hook, void *context);

/* An open folder and its path for messages. */
typedef struct LogFolder
{
	int fd; /* -1: not open */
	char path[LOG_DIRECTORY_PATH_SIZE];
} LogFolder;

/* Opens <parent>/<name>, making it when `make`. Errors of all below: RETRY ERR_IO saying what
 * was being done to which file, why it failed and the cure. */
bool log_directory_file_folder(const LogFolder *parent, const char *name, bool make,
							   LogFolder *folder, Err *err) MUST_CHECK;
void log_directory_file_folder_close(LogFolder *folder);
/* A new file, or with `replace` one that may exist and is emptied. Returns the descriptor or -1. */
int log_directory_file_create(const LogFolder *folder, const char *name, bool replace,
							  Err *err) MUST_CHECK;
bool log_directory_file_write(const LogFolder *folder, const char *name, int fd, const void *bytes,
							  size_t length, off_t offset, Err *err) MUST_CHECK;
/* The same from `count` (at most 1024) pieces of `length` bytes together; uses them up. */
bool log_directory_file_write_pieces(const LogFolder *folder, const char *name, int fd,
									 struct iovec *pieces, size_t count, size_t length,
									 off_t offset, Err *err) MUST_CHECK;
bool log_directory_file_sync(const LogFolder *folder, const char *name, int fd,
							 Err *err) MUST_CHECK;
/* Gives the page cache of a flushed file back. For what is written in bulk: it is seldom read at
 * once, it would push out the cache of a database on the same machine, and the next file takes
 * the same pages, where a virtual machine pays its host for each page it never touched (ten times
 * what copying into it costs, measured). Advice only: nothing depends on it. */
void log_directory_file_uncache(const char *name, int fd);
bool log_directory_file_sync_folder(const LogFolder *folder, Err *err) MUST_CHECK;
bool log_directory_file_truncate(const LogFolder *folder, const char *name, int fd, off_t length,
								 Err *err) MUST_CHECK;
bool log_directory_file_rename(const LogFolder *from, const char *name, const LogFolder *to,
							   const char *new_name, Err *err) MUST_CHECK;
bool log_directory_file_unlink(const LogFolder *folder, const char *name, Err *err) MUST_CHECK;
/* Fills err from errno for `doing` ("write to") this file. Returns false. */
bool log_directory_file_error(const LogFolder *folder, const char *name, const char *doing,
							  Err *err);

/* ---- the commit record ---- */

typedef enum LogSegmentState
{
	LOG_SEGMENT_OPEN,	/* grows; readable up to length */
	LOG_SEGMENT_HELD,	/* of an unfinished snapshot; not readable */
	LOG_SEGMENT_CLOSED, /* to be renamed into its topic's folder */
} LogSegmentState;

typedef struct LogCommitTopic
{
	char name[LOG_DIRECTORY_NAME_SIZE];
	int64_t next_sequence; /* of the segment after all that are named or in the folder */
} LogCommitTopic;

typedef struct LogCommitSegment
{
	uint32_t topic; /* index into topics */
	LogSegmentState state;
	int64_t sequence;
	int64_t length; /* durable bytes */
	int64_t records;
} LogCommitSegment;

typedef struct LogCommit
{
	uint64_t generation; /* 0: nothing was ever committed */
	LogCommitTopic *topics;
	size_t ntopics;
	LogCommitSegment *segments;
	size_t nsegments;
	Buffer progress;
	Buffer scratch;
	size_t slot_size; /* of the file */
} LogCommit;

void log_directory_commit_init(LogCommit *commit);
void log_directory_commit_release(LogCommit *commit);
/* Index of a topic, added when it is new; -1 with err. */
int log_directory_commit_topic(LogCommit *commit, const char *name, Err *err) MUST_CHECK;
LogCommitSegment *log_directory_commit_add(LogCommit *commit, Err *err) MUST_CHECK;
void log_directory_commit_remove(LogCommit *commit, size_t index);

/* One record, checksum and all, and back. Error of decode: STOP ERR_DATA, commit unchanged in
 * nothing but topics, segments and progress. */
bool log_directory_commit_encode(LogCommit *commit, Buffer *out, Err *err) MUST_CHECK;
bool log_directory_commit_decode(LogCommit *commit, const uint8_t *bytes, size_t length,
								 Err *err) MUST_CHECK;

/* Reads the newer whole slot of folder/commit. generation 0 when there is no such file. Error:
 * STOP ERR_DATA when no slot is whole. */
bool log_directory_commit_read(LogCommit *commit, const LogFolder *folder, Err *err) MUST_CHECK;
/* Makes the state durable as the next generation: in the older slot, or when `fresh` or too
 * long for it, as a new file renamed over the old one. *fd is the open commit file. */
bool log_directory_commit_write(LogCommit *commit, const LogFolder *folder, int *fd, bool fresh,
								Err *err) MUST_CHECK;

/* ---- the writer ---- */

/* The segment of one topic that is being written. */
typedef struct LogSegment
{
	int fd; /* -1: none */
	char name[LOG_DIRECTORY_FILE_SIZE];
	uint8_t sync[CONTAINER_SYNC_SIZE];
	int64_t sequence;
	int64_t length;	   /* bytes written */
	int64_t committed; /* bytes that a durable commit record names; 0: a new file */
	int64_t records;
	int64_t opened;	 /* monotonic time */
	size_t incoming; /* records of the batch in delivery that are not added yet */
	bool touched;	 /* by the batch in delivery */
} LogSegment;

/* What the kernel takes at once (IOV_MAX). */
#define LOG_DIRECTORY_BLOCKS_PIECES 1024
#define LOG_DIRECTORY_BLOCKS_HEADS	16

/* Blocks of one segment that wait to be written; nothing here owns a record's bytes. */
typedef struct LogBlocks
{
	struct iovec pieces[LOG_DIRECTORY_BLOCKS_PIECES];
	size_t npieces;
	uint8_t heads[LOG_DIRECTORY_BLOCKS_HEADS][20]; /* two longs of at most ten bytes */
	size_t nheads;
	size_t bytes; /* of all pieces */
	int64_t closed_records;
	int64_t open_records; /* of the block that still grows; 0: there is none */
	size_t open_bytes;	  /* of its bodies */
	size_t open_piece;	  /* its head */
	Buffer body;		  /* deflate: the bodies together */
} LogBlocks;

typedef struct LogDirectory
{
	LogWriter base;
	LogDirectoryConfig config;
	char source[LOG_DIRECTORY_NAME_SIZE];
	const LogTopic *topics;
	size_t ntopics;
	LogFolder root;
	LogFolder folder; /* .goldpan/<source> */
	int lock_fd;
	int commit_fd;
	LogSegment *segments; /* one per topic */
	LogBlocks blocks;
	LogCommit commit;
	Buffer scratch;
	bool holding;
	bool usable; /* opened, and nothing failed since */
	atomic_bool interrupted;
} LogDirectory;

/* log_directory_segment.c: bytes of one segment */
void log_directory_segment_init(LogSegment *segment);
void log_directory_segment_release(LogSegment *segment);
/* Makes the topic's segment when there is none. */
bool log_directory_segment_need(LogDirectory *log, size_t topic, Err *err) MUST_CHECK;
/* Writes at the segment's end; uses the pieces up. */
bool log_directory_segment_write(LogDirectory *log, LogSegment *segment, struct iovec *pieces,
								 size_t count, size_t length, Err *err) MUST_CHECK;
/* fdatasync of all that the batch touched, and of the folder when files are new. */
bool log_directory_segment_sync(LogDirectory *log, Err *err) MUST_CHECK;
/* Takes back what the batch in delivery wrote, as far as that is possible. */
void log_directory_segment_undo(LogDirectory *log);
/* Renames all closed segments into their topics' folders and drops them from the commit state
 * (the file follows with the next commit). Done again safely after any failure. */
bool log_directory_segment_publish(LogDirectory *log, Err *err) MUST_CHECK;

/* log_directory_blocks.c: records as blocks */
void log_directory_blocks_init(LogBlocks *blocks);
void log_directory_blocks_release(LogBlocks *blocks);
/* Forgets what was not written. */
void log_directory_blocks_forget(LogBlocks *blocks);
/* Adds a record, whose bytes must stay until all is finished; writes when there is enough. */
bool log_directory_blocks_add(LogDirectory *log, LogSegment *segment, const uint8_t *value,
							  size_t length, Err *err) MUST_CHECK;
/* Writes what is left. */
bool log_directory_blocks_finish(LogDirectory *log, LogSegment *segment, Err *err) MUST_CHECK;

/* log_directory_recover.c: LogWriterOps.open */
bool log_directory_recover(LogDirectory *log, Buffer *progress, Err *err) MUST_CHECK;

#endif
