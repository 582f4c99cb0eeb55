/* SPDX-License-Identifier: PostgreSQL */
/*
 * err.c — error objects with fixed storage.
 *
 * No allocation, so that running out of memory can be reported like anything
 * else.
 */
#include "goldpan/err.h"

#include <stdio.h>
#include <string.h>

typedef struct ErrCodeRow
{
	const char *name;
	int status;
	const char *doc;
} ErrCodeRow;

static const ErrCodeRow err_codes[ERR_CODE_COUNT] = {
#define X(symbol, name, status, doc) [symbol] = {name, status, doc},
	ERR_CODE_TABLE(X)
#undef X
};

void
err_clear(Err *err)
{
	err->class = ERR_CLASS_NONE;
	err->code = ERR_OK;
	err->nframes = 0;
	err->message[0] = '\0';
	err->hint[0] = '\0';
}

bool
err_set(Err *err, ErrClass class, ErrCode code, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return false;
	err_clear(err);
	err->class = class;
	err->code = code;
	va_start(args, fmt);
	(void) vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return false;
}

bool
err_hint(Err *err, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return false;
	va_start(args, fmt);
	(void) vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
	return false;
}

bool
err_context(Err *err, const char *fmt, ...)
{
	va_list args;

	if (err == NULL || err->nframes >= ERR_FRAMES)
		return false;
	va_start(args, fmt);
	(void) vsnprintf(err->frames[err->nframes], sizeof(err->frames[0]), fmt, args);
	va_end(args);
	err->nframes++;
	return false;
}

const char *
err_code_name(ErrCode code)
{
	return err_codes[code].name;
}

const char *
err_code_doc(ErrCode code)
{
	return err_codes[code].doc;
}

int
err_exit_status(ErrCode code)
{
	return err_codes[code].status;
}
