/* SPDX-License-Identifier: PostgreSQL */
/*
 * bench_decode_reader — a reader that sips: it takes what the socket has every 10 ms.
 *
 *   bench_decode_reader CONNINFO "SLOT LOGICAL 0/0 (OPTIONS)"
 *
 * Where pg_recvlogical wakes for every message, this one lets the server fill the socket, as a
 * consumer does that has work of its own between two reads. Ends on SIGINT.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <endian.h>
#include <libpq-fe.h>

static volatile sig_atomic_t ended = 0;

static void
handle_end(int signal_number)
{
	(void) signal_number;
	ended = 1;
}

static uint64_t
get64(const char *at)
{
	uint64_t x;

	memcpy(&x, at, sizeof(x));
	return be64toh(x);
}

static void
put64(char *at, uint64_t x)
{
	x = htobe64(x);
	memcpy(at, &x, sizeof(x));
}

/* Confirms everything up to position. */
static int
confirm(PGconn *connection, uint64_t position)
{
	char message[1 + 4 * 8 + 1] = {'r'};

	put64(message + 1, position);
	put64(message + 9, position);
	put64(message + 17, position);
	return PQputCopyData(connection, message, sizeof(message)) == 1 && PQflush(connection) >= 0;
}

/* Takes all messages that are there. Returns false at the end of the stream. */
static int
sip(PGconn *connection, uint64_t *position, int *asked)
{
	char *message;
	int length;

	if (!PQconsumeInput(connection))
		return 0;
	while ((length = PQgetCopyData(connection, &message, 1)) > 0)
	{
		if (message[0] == 'w' && length >= 25 && get64(message + 9) > *position)
			*position = get64(message + 9);
		if (message[0] == 'k' && length >= 18)
		{
			if (get64(message + 1) > *position)
				*position = get64(message + 1);
			*asked |= message[17];
		}
		PQfreemem(message);
	}
	return length == 0;
}

int
main(int argc, char **argv)
{
	const struct timespec pause = {0, 10 * 1000 * 1000};
	char command[64 * 1024];
	uint64_t position = 0;
	int status = EXIT_FAILURE, sips = 0;
	PGconn *connection;
	PGresult *result = NULL;

	if (argc != 3)
	{
		fprintf(stderr, "usage: %s CONNINFO \"SLOT LOGICAL 0/0 (OPTIONS)\"\n", argv[0]);
		return EXIT_FAILURE;
	}
	signal(SIGINT, handle_end);
	connection = PQconnectdb(argv[1]);
	if (PQstatus(connection) != CONNECTION_OK)
		goto out;
	snprintf(command, sizeof(command), "START_REPLICATION SLOT %s", argv[2]);
	result = PQexec(connection, command);
	if (PQresultStatus(result) != PGRES_COPY_BOTH)
		goto out;
	while (!ended)
	{
		int asked = 0;

		if (!sip(connection, &position, &asked))
			goto out;
		if ((asked || ++sips % 20 == 0) && !confirm(connection, position))
			goto out;
		nanosleep(&pause, NULL);
	}
	status = EXIT_SUCCESS;
out:
	if (status != EXIT_SUCCESS)
		fprintf(stderr, "%s", PQerrorMessage(connection));
	PQclear(result);
	PQfinish(connection);
	return status;
}
