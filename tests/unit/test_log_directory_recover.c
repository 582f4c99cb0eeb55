/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_log_directory_recover.c — every single file operation is where the process dies, where the
 * power goes, or where the disk is full; each time the log must go on as if nothing had been.
 *
 * The history is fixed: 10 batches, some held, small segments that rotate. A child delivers it and
 * dies at operation n, for every n until it gets to the end. Losing the power is simulated: what
 * was not flushed is undone before the child dies (everything, or a random part of it), files by
 * their old bytes, folders by their old names.
 *
 * The oracle: what open() says is durable covers all that deliver() had confirmed and at most one
 * batch more; readers see exactly the whole batches up to there that are not held; going on from
 * there ends in the same log as if nothing had happened.
 *
 * TEST_STRIDE=n tries every n-th operation only (for valgrind); TEST_SEED sets what is lost.
 */
#include "log_directory_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define BATCHES		  10
#define FIRST_HELD	  4
#define LAST_HELD	  6
#define SEGMENT_BYTES 700

static bool
is_held(int batch)
{
	return batch >= FIRST_HELD && batch <= LAST_HELD;
}

/* Batches that readers see once `durable` is the progress. */
static int
visible(int durable)
{
	return is_held(durable) ? FIRST_HELD - 1 : durable;
}

/* ---- power loss ---- */

#define JOURNAL_MAX 512

typedef struct Undo
{
	LogFileOp op;
	int fd;
	int to_fd;
	int kept_fd; /* what a rename or unlink took away */
	char name[256];
	char to_name[256];
	off_t offset;
	off_t old_size;
	size_t length;
	uint8_t *old;
} Undo;

typedef enum CrashKind
{
	CRASH_KILL,		  /* the process dies, the page cache lives */
	CRASH_POWER,	  /* all that is not flushed is gone */
	CRASH_POWER_SOME, /* a random part of it is gone */
} CrashKind;

typedef struct Crash
{
	CrashKind kind;
	unsigned long at; /* operation to die at; 0 never */
	unsigned long count;
	unsigned seed;
	Undo journal[JOURNAL_MAX];
	int njournal;
} Crash;

static bool
same_file(int a, int b)
{
	struct stat first;
	struct stat second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino &&
		   first.st_dev == second.st_dev;
}

/* A flush makes what concerns this file or folder safe: no undo any more. A rename is safe with
 * the folder of its new name. */
static void
journal_flush(Crash *crash, int fd, bool folder)
{
	for (int i = 0; i < crash->njournal; i++)
	{
		Undo *undo = &crash->journal[i];
		bool of_file = undo->op == LOG_FILE_WRITE || undo->op == LOG_FILE_TRUNCATE;

		if (undo->fd >= 0 && of_file != folder &&
			same_file(undo->op == LOG_FILE_RENAME ? undo->to_fd : undo->fd, fd))
			undo->fd = -1;
	}
}

static void
journal_add(Crash *crash, const LogFileCall *call)
{
	Undo *undo = &crash->journal[crash->njournal++];
	struct stat status;

	assert_true(crash->njournal < JOURNAL_MAX);
	memset(undo, 0, sizeof(*undo));
	undo->op = call->op;
	undo->fd = dup(call->fd);
	undo->to_fd = -1;
	undo->kept_fd = -1;
	undo->offset = call->offset;
	undo->length = call->length;
	(void) snprintf(undo->name, sizeof(undo->name), "%s", call->name);
	if (call->op == LOG_FILE_RENAME)
	{
		undo->to_fd = dup(call->to_fd);
		undo->kept_fd = openat(call->to_fd, call->to_name, O_RDONLY);
		(void) snprintf(undo->to_name, sizeof(undo->to_name), "%s", call->to_name);
	}
	if (call->op == LOG_FILE_UNLINK)
		undo->kept_fd = openat(call->fd, call->name, O_RDONLY);
	if (call->op == LOG_FILE_WRITE || call->op == LOG_FILE_TRUNCATE)
	{
		(void) fstat(call->fd, &status);
		undo->old_size = status.st_size;
		undo->length = call->op == LOG_FILE_WRITE ? call->length : (size_t) status.st_size;
		undo->old = calloc(1, undo->length + 1);
		(void) !pread(call->fd, undo->old, undo->length, call->offset);
	}
}

/* Brings a removed file back under its name, as a copy (a link to it cannot be made). */
static void
undo_removal(const Undo *undo, int folder, const char *name)
{
	char bytes[65536];
	ssize_t length;
	int fd;

	if (undo->kept_fd < 0)
		return;
	fd = openat(folder, name, O_RDWR | O_CREAT | O_TRUNC, 0640);
	length = pread(undo->kept_fd, bytes, sizeof(bytes), 0);
	(void) !pwrite(fd, bytes, length < 0 ? 0 : (size_t) length, 0);
	(void) close(fd);
}

static void
undo_one(const Undo *undo, bool half)
{
	size_t from = half ? undo->length / 2 : 0;

	switch (undo->op)
	{
		case LOG_FILE_WRITE:
		case LOG_FILE_TRUNCATE:
			(void) !pwrite(undo->fd, undo->old + from, undo->length - from,
						   undo->offset + (off_t) from);
			if (!half)
				(void) !ftruncate(undo->fd, undo->old_size);
			break;
		case LOG_FILE_CREATE:
			(void) unlinkat(undo->fd, undo->name, 0);
			break;
		case LOG_FILE_RENAME:
			(void) renameat(undo->to_fd, undo->to_name, undo->fd, undo->name);
			undo_removal(undo, undo->to_fd, undo->to_name);
			break;
		case LOG_FILE_UNLINK:
			undo_removal(undo, undo->fd, undo->name);
			break;
		default:
			break;
	}
}

static void
lose_power(Crash *crash)
{
	bool keep_names = false;

	for (int i = crash->njournal - 1; i >= 0; i--)
	{
		Undo *undo = &crash->journal[i];
		bool of_file = undo->op == LOG_FILE_WRITE || undo->op == LOG_FILE_TRUNCATE;
		bool half = false;

		if (undo->fd < 0)
			continue;
		if (crash->kind == CRASH_POWER_SOME)
		{
			int luck = rand_r(&crash->seed) % 4;

			/* A file system's journal keeps names in order: the later ones go first. */
			keep_names |= !of_file && luck == 0;
			if ((of_file && luck == 0) || (!of_file && keep_names))
				continue;
			half = of_file && luck == 1;
		}
		undo_one(undo, half);
	}
}

static bool
crash_hook(const LogFileCall *call, void *context)
{
	Crash *crash = context;

	if (++crash->count == crash->at)
	{
		if (crash->kind != CRASH_KILL)
			lose_power(crash);
		else if (call->op == LOG_FILE_WRITE)
			(void) !pwrite(call->fd, "torn", call->length < 4 ? call->length : 4, call->offset);
		(void) kill(getpid(), SIGKILL);
	}
	if (call->op == LOG_FILE_SYNC)
		journal_flush(crash, call->fd, false);
	else if (call->op == LOG_FILE_SYNC_FOLDER)
		journal_flush(crash, call->fd, true);
	else if (call->op != LOG_FILE_MKDIR && call->op != LOG_FILE_UNCACHE &&
			 crash->kind != CRASH_KILL)
		journal_add(crash, call);
	return true;
}

/* ---- the history ---- */

static unsigned long
stride(void)
{
	const char *text = getenv("TEST_STRIDE");

	return text == NULL || atoi(text) < 1 ? 1 : (unsigned long) atoi(text);
}

/* Delivers what is missing; *confirmed follows. */
static void
deliver_history(volatile int *confirmed)
{
	LogWriter *writer = fixture_writer(SEGMENT_BYTES, CONTAINER_NULL);
	Err err;
	int durable = fixture_open(writer, &err);

	if (durable < 0)
		fixture_fail("open", &err);
	for (int b = visible(durable) + 1; b <= BATCHES; b++)
	{
		int64_t next;

		if (!fixture_deliver(writer, b, is_held(b), &err))
			fixture_fail("deliver", &err);
		*confirmed = b;
		if (!writer->ops->tick(writer, &next, &err))
			fixture_fail("tick", &err);
	}
	writer->ops->close(writer);
}

static void
check_after_crash(int confirmed)
{
	LogWriter *writer = fixture_writer(SEGMENT_BYTES, CONTAINER_NULL);
	Err err;
	int durable;

	/* A foreign reader, before anybody has cleaned up. */
	fixture_expect_whole_batches(visible(confirmed + 1));
	durable = fixture_open(writer, &err);
	if (durable < 0)
		fixture_fail("open after a crash", &err);
	assert_true(durable == confirmed || durable == confirmed + 1);
	fixture_expect(visible(durable));
	fixture_expect_whole_batches(visible(durable));
	((LogDirectory *) writer)->usable = false;
	writer->ops->close(writer);
}

/* True when the child came to the end of the history. */
static bool
crash_at(CrashKind kind, unsigned long at, unsigned seed, volatile int *confirmed)
{
	static Crash crash;
	pid_t child;
	int status;

	*confirmed = 0;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
	{
		crash = (Crash){.kind = kind, .at = at, .seed = seed};
		log_directory_file_hook(crash_hook, &crash);
		deliver_history(confirmed);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
	{
		assert_int_equal(WEXITSTATUS(status), 0);
		return true;
	}
	assert_int_equal(WTERMSIG(status), SIGKILL);
	return false;
}

static void
survive_every_crash(CrashKind kind, unsigned seed)
{
	volatile int *confirmed =
		mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long at;
	static int64_t values[FIXTURE_MAX];
	int ignored;

	for (at = 1;; at += stride())
	{
		bool done = crash_at(kind, at, seed + (unsigned) at, confirmed);

		check_after_crash(done ? BATCHES : *confirmed);
		if (done)
			break;
		/* Now and then also a crash of the recovery, and of the recovery of that. */
		for (unsigned long again = at % 3 == 0 ? 2 : 0; again > 0; again--)
			(void) crash_at(kind, (at / 3 * 2 + again) % 17 + 1, seed, confirmed);
		deliver_history(&ignored);
		fixture_expect(BATCHES);
		assert_int_equal(fixture_glob("customer.a", values), 3 * BATCHES);
		fixture_remove(fixture_path);
	}
	print_message("# died at each of %lu operations\n", at - 1);
	assert_true(at > 80);
	(void) munmap((void *) confirmed, sizeof(int));
}

static void
a_process_killed_at_any_operation_loses_and_repeats_nothing(void **state)
{
	(void) state;
	survive_every_crash(CRASH_KILL, 0);
}

static void
power_lost_at_any_operation_loses_and_repeats_nothing(void **state)
{
	(void) state;
	survive_every_crash(CRASH_POWER, 0);
}

static void
writes_lost_at_random_lose_and_repeat_nothing(void **state)
{
	const char *seed = getenv("TEST_SEED");

	(void) state;
	survive_every_crash(CRASH_POWER_SOME, seed == NULL ? 1 : (unsigned) atoi(seed));
}

/* ---- failures that the process survives ---- */

typedef struct Failure
{
	unsigned long count;
	unsigned long first;
	unsigned long last;
	int error;
} Failure;

static bool
failure_hook(const LogFileCall *call, void *context)
{
	Failure *failure = context;

	failure->count++;
	if (failure->count < failure->first || failure->count > failure->last)
		return true;
	if (call->op == LOG_FILE_WRITE && call->length > 8)
		(void) !pwrite(call->fd, "partial", 7, call->offset);
	errno = failure->error;
	return false;
}

/* As the streamer does: after an error, open again and go on from what the log says. */
static void
deliver_in_spite_of(Failure *failure)
{
	LogWriter *writer = fixture_writer(SEGMENT_BYTES, CONTAINER_NULL);
	int confirmed = 0;
	int next = -1;
	int64_t tick;
	Err err;

	log_directory_file_hook(failure_hook, failure);
	for (int tries = 0; next <= BATCHES; tries++)
	{
		bool ok;

		assert_true(tries < 200);
		if (next < 0)
		{
			int durable = fixture_open(writer, &err);

			ok = durable >= 0;
			next = ok ? visible(durable) + 1 : -1;
			assert_true(!ok || durable == confirmed || durable == confirmed + 1);
		}
		else
		{
			ok = fixture_deliver(writer, next, is_held(next), &err);
			if (ok)
				confirmed = next++;
			ok = ok && writer->ops->tick(writer, &tick, &err);
		}
		if (!ok)
		{
			assert_int_equal(err.class, ERR_CLASS_RETRY);
			next = -1;
		}
		fixture_expect_whole_batches(visible(confirmed + 1));
	}
	log_directory_file_hook(NULL, NULL);
	writer->ops->close(writer);
	fixture_expect(BATCHES);
}

static void
any_operation_may_fail_once_or_for_a_while(void **state)
{
	static const unsigned long lengths[] = {1, 9};

	(void) state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		Failure failure = {.count = 1};

		for (unsigned long first = 1; failure.count >= first; first += stride())
		{
			failure = (Failure){.first = first,
								.last = first + lengths[i] - 1,
								.error = first % 2 == 0 ? EIO : ENOSPC};
			deliver_in_spite_of(&failure);
			fixture_remove(fixture_path);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_killed_at_any_operation_loses_and_repeats_nothing),
		TEST(power_lost_at_any_operation_loses_and_repeats_nothing),
		TEST(writes_lost_at_random_lose_and_repeat_nothing),
		TEST(any_operation_may_fail_once_or_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
