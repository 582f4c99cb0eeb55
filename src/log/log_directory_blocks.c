/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_directory_blocks.c — a batch's records of one segment as container blocks, written in a few
 * large steps.
 *
 * With codec null nothing is copied: the pieces of a block (head, one body after the other, sync
 * marker) are named where they lie, bodies in the batch, and handed to the kernel together. Many
 * blocks share a write, since what a write costs hardly depends on its size: a megabyte takes a
 * third less of the kernel's time than eight times 128 KiB. With codec deflate each block is packed
 * and written by itself.
 *
 * One segment at a time: what was added must be finished before another segment's turn, and
 * before the batch goes.
 */
#include "log_priv.h"

#include <string.h>

#include "goldpan/debug_point.h"

#define LOG_BLOCKS_WRITE ((size_t) 1024 * 1024)
#define LOG_BLOCKS_KEEP	 ((size_t) 1024 * 1024) /* a larger buffer is given back after its block */

void
log_directory_blocks_init(LogBlocks *blocks)
{
	memset(blocks, 0, sizeof(*blocks));
	buffer_init(&blocks->body, LOG_DIRECTORY_BLOCK + LOG_DIRECTORY_MAX_RECORD);
}

void
log_directory_blocks_release(LogBlocks *blocks)
{
	buffer_release(&blocks->body);
	log_directory_blocks_init(blocks);
}

void
log_directory_blocks_forget(LogBlocks *blocks)
{
	blocks->npieces = 0;
	blocks->nheads = 0;
	blocks->bytes = 0;
	blocks->open_records = 0;
	blocks->closed_records = 0;
}

static void
log_blocks_piece(LogBlocks *blocks, const void *bytes, size_t length)
{
	/* writev's interface lacks the const; it does not write there */
	blocks->pieces[blocks->npieces++] = (struct iovec){(void *) (uintptr_t) bytes, length};
	blocks->bytes += length;
}

/* Writes the closed blocks. */
static bool
log_blocks_write(LogDirectory *log, LogSegment *segment, Err *err)
{
	LogBlocks *blocks = &log->blocks;

	if (!log_directory_segment_write(log, segment, blocks->pieces, blocks->npieces, blocks->bytes,
									 err))
		return false;
	segment->records += blocks->closed_records;
	log_directory_blocks_forget(blocks);
	GP_DEBUG_POINT("log_directory.after_block");
	return true;
}

/* Puts count and length in front of the bodies and the marker behind them. */
static bool
log_blocks_close_plain(LogDirectory *log, LogSegment *segment, Err *err)
{
	LogBlocks *blocks = &log->blocks;
	uint8_t *head = blocks->heads[blocks->nheads++];
	Buffer *scratch = &log->scratch;

	buffer_clear(scratch);
	if (!encode_long(scratch, blocks->open_records, err) ||
		!encode_long(scratch, (int64_t) blocks->open_bytes, err))
		return false;
	memcpy(head, scratch->data, scratch->length);
	blocks->pieces[blocks->open_piece] = (struct iovec){head, scratch->length};
	blocks->bytes += scratch->length;
	log_blocks_piece(blocks, segment->sync, sizeof(segment->sync));
	return true;
}

/* Makes the bodies one packed piece. */
static bool
log_blocks_close_packed(LogDirectory *log, const LogSegment *segment, Err *err)
{
	LogBlocks *blocks = &log->blocks;
	Buffer *scratch = &log->scratch;

	buffer_clear(&blocks->body);
	for (size_t i = blocks->open_piece + 1; i < blocks->npieces; i++)
		if (!buffer_append(&blocks->body, blocks->pieces[i].iov_base, blocks->pieces[i].iov_len,
						   err))
			return false;
	buffer_clear(scratch);
	if (!container_block(scratch, log->config.codec, segment->sync, blocks->open_records,
						 blocks->body.data, blocks->body.length, err))
		return false;
	blocks->npieces = blocks->open_piece;
	blocks->bytes -= blocks->open_bytes;
	log_blocks_piece(blocks, scratch->data, scratch->length);
	return true;
}

static bool
log_blocks_close(LogDirectory *log, LogSegment *segment, Err *err)
{
	LogBlocks *blocks = &log->blocks;
	bool packed = log->config.codec != CONTAINER_NULL;

	if (blocks->open_records == 0)
		return true;
	if (!(packed ? log_blocks_close_packed(log, segment, err)
				 : log_blocks_close_plain(log, segment, err)))
		return false;
	blocks->closed_records += blocks->open_records;
	blocks->open_records = 0;
	return !packed || log_blocks_write(log, segment, err);
}

bool
log_directory_blocks_add(LogDirectory *log, LogSegment *segment, const uint8_t *value,
						 size_t length, Err *err)
{
	LogBlocks *blocks = &log->blocks;

	if (blocks->open_records == 0)
	{
		blocks->open_piece = blocks->npieces;
		blocks->open_bytes = 0;
		log_blocks_piece(blocks, NULL, 0); /* the head, known when the block closes */
	}
	log_blocks_piece(blocks, value, length);
	blocks->open_bytes += length;
	blocks->open_records++;
	/* room for this block's marker, and the next block's head and first body */
	if (blocks->open_bytes < LOG_DIRECTORY_BLOCK &&
		blocks->npieces + 3 <= LOG_DIRECTORY_BLOCKS_PIECES)
		return true;
	if (!log_blocks_close(log, segment, err))
		return false;
	if (blocks->bytes >= LOG_BLOCKS_WRITE || blocks->nheads == LOG_DIRECTORY_BLOCKS_HEADS ||
		blocks->npieces + 3 > LOG_DIRECTORY_BLOCKS_PIECES)
		return log_blocks_write(log, segment, err);
	return true;
}

bool
log_directory_blocks_finish(LogDirectory *log, LogSegment *segment, Err *err)
{
	LogBlocks *blocks = &log->blocks;

	if (!log_blocks_close(log, segment, err) ||
		(blocks->npieces > 0 && !log_blocks_write(log, segment, err)))
		return false;
	if (blocks->body.capacity > LOG_BLOCKS_KEEP)
		buffer_release(&blocks->body);
	if (log->scratch.capacity > LOG_BLOCKS_KEEP)
		buffer_release(&log->scratch);
	return true;
}
