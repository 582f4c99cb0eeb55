/* SPDX-License-Identifier: PostgreSQL */
/*
 * err.h — what a fallible function reports, and the one table of exit statuses.
 *
 * Every fallible function returns bool (or a pointer) and takes an Err as its
 * last parameter.  The class says what may be done about it, the code names the
 * case.  Only stream/ and cli/ decide what to do with a class.
 */
#ifndef GOLDPAN_ERR_H
#define GOLDPAN_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define MUST_CHECK		  __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

typedef enum ErrClass
{
	ERR_CLASS_NONE = 0,
	ERR_CLASS_RETRY,  /* the same input may succeed later */
	ERR_CLASS_REJECT, /* this record never will: dead letter */
	ERR_CLASS_STOP,	  /* integrity at risk: halt, acknowledge nothing more */
	ERR_CLASS_USAGE,  /* configuration or caller is wrong */
} ErrClass;

/*
 * One row per way the program can end: symbol, name (as `goldpan --help` and
 * the manual print it), exit status, one line of documentation.
 */
#define ERR_CODE_TABLE(X)                                                                          \
	X(ERR_OK, "ok", 0, "success")                                                                  \
	X(ERR_INTERNAL, "internal", 1, "unexpected failure; please report it")                         \
	X(ERR_COMMAND_LINE, "command-line", 2, "wrong command, option or argument")                    \
	X(ERR_CONFIG, "configuration", 3, "configuration or mapping file is wrong")                    \
	X(ERR_CHECK_FAILED, "check-failed", 4, "a check found something that must be mended")          \
	X(ERR_NOMEM, "out-of-memory", 5, "a memory ceiling or the machine's memory is exhausted")      \
	X(ERR_DATA, "bad-data", 6, "bytes read are not what their format promises")                    \
	X(ERR_IO, "io", 7, "reading or writing a local file failed (disk full, permission)")           \
	X(ERR_SOURCE_DOWN, "source-unreachable", 10, "the source database cannot be reached")          \
	X(ERR_SOURCE_AUTH, "source-refuses-login", 11, "the source database refuses the login")        \
	X(ERR_SOURCE_SETUP, "source-setup", 12, "wal_level, privilege or another server setting")      \
	X(ERR_PLUGIN_MISSING, "plugin-missing", 13, "the server does not find the output plugin")      \
	X(ERR_PLUGIN_REFUSED, "plugin-not-listed", 14, "output_plugin_libraries lacks the plugin")     \
	X(ERR_SLOT_BUSY, "slot-in-use", 15, "another process reads the replication slot")              \
	X(ERR_LOG_DOWN, "log-unavailable", 20, "broker or log directory cannot be used")               \
	X(ERR_LOG_SETUP, "log-setup", 21, "topic missing, not authorised, or an unsafe setting")       \
	X(ERR_LOG_FENCED, "fenced", 22, "another writer of this source has taken over")                \
	X(ERR_REGISTRY_DOWN, "registry-unavailable", 23, "the schema registry cannot be reached")      \
	X(ERR_REGISTRY_REFUSED, "registry-refused", 24, "the schema registry refused a schema")        \
	X(ERR_KEY_SCHEMA, "key-schema-changed", 25, "another key schema id than the progress pins")    \
	X(ERR_RECORD_TOO_LARGE, "record-too-large", 26, "a record exceeds the log's message limit")    \
	X(ERR_GAP, "gap", 30, "changes between progress and slot are no longer to be had")             \
	X(ERR_SLOT_LOST, "slot-lost", 31, "the server invalidated or dropped the slot")                \
	X(ERR_DIVERGED, "diverged", 32, "the server is not the one the progress was made with")        \
	X(ERR_POISON, "poison", 33, "the server cannot decode, or sends what cannot be read")          \
	X(ERR_TRUNCATED, "table-truncated", 34, "a mapped table was truncated")                        \
	X(ERR_NO_IDENTITY, "no-identity", 35, "an update or delete came without a replica identity")   \
	X(ERR_TABLE_CHANGED, "table-changed", 36, "a mapped table no longer fits its mapping")         \
	X(ERR_NOT_COPIED, "table-not-copied", 37, "a newly mapped table has no snapshot yet")          \
	X(ERR_BAD_VALUE, "bad-value", 38, "a value cannot be mapped")

typedef enum ErrCode
{
#define X(symbol, name, status, doc) symbol,
	ERR_CODE_TABLE(X)
#undef X
		ERR_CODE_COUNT
} ErrCode;

#define ERR_FRAMES 4

typedef struct Err
{
	ErrClass class;
	ErrCode code;
	int nframes;
	char message[640]; /* what was being done, to what, why it failed */
	char hint[512];	   /* what to do; empty when there is nothing to say */
	char frames[ERR_FRAMES][128];
} Err;

/* Clears *err. */
void err_clear(Err *err);

/* Fills *err (which may be NULL) and returns false, so that callers can write
 * `return err_set(...)`.  Too long a text is cut. */
bool err_set(Err *err, ErrClass class, ErrCode code, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Adds the hint to a set error; returns false. */
bool err_hint(Err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Adds "where", outermost last; frames beyond ERR_FRAMES are dropped. Returns false. */
bool err_context(Err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

const char *err_code_name(ErrCode code);
const char *err_code_doc(ErrCode code);
int err_exit_status(ErrCode code);

#endif
