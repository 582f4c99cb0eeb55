/* SPDX-License-Identifier: PostgreSQL */
/*
 * progress_ledger.c — what may be acknowledged to the source, and what may not.
 *
 * The server believes every acknowledgement: one that is too high loses changes for
 * good (P3). So three facts are kept apart: what arrived on this connection, what waits
 * or is in flight, and what a durable progress record covers. An acknowledgement is
 * never beyond the first or the last, and never goes back (I1, P4). An idle position is given
 * only when nothing waits and nothing is in flight (P8).
 */
#include "goldpan/progress.h"

#include <assert.h>
#include <string.h>

void
ledger_init(Ledger *ledger, Lsn durable)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->durable = durable;
}

void
ledger_connected(Ledger *ledger)
{
	ledger->received = LSN_INVALID;
	ledger->pending = false;
}

void
ledger_received(Ledger *ledger, Lsn lsn)
{
	ledger_keepalive(ledger, lsn);
	ledger->pending = true;
}

void
ledger_skipped(Ledger *ledger)
{
	ledger->pending = false;
}

void
ledger_keepalive(Ledger *ledger, Lsn lsn)
{
	if (lsn > ledger->received)
		ledger->received = lsn;
}

void
ledger_handed(Ledger *ledger)
{
	ledger->in_flight++;
	ledger->pending = false;
}

void
ledger_settled(Ledger *ledger, Lsn durable)
{
	assert(ledger->in_flight > 0);
	ledger->in_flight--;
	if (durable > ledger->durable)
		ledger->durable = durable;
}

Lsn
ledger_acknowledge(Ledger *ledger)
{
	Lsn position = ledger->received < ledger->durable ? ledger->received : ledger->durable;

	if (position > ledger->acknowledged)
		ledger->acknowledged = position;

	/*
	 * After a reconnect the old position is not repeated before this server has
	 * shown that it is there: another server, restored or promoted, may be behind.
	 */
	return ledger->acknowledged <= ledger->received ? ledger->acknowledged : LSN_INVALID;
}

Lsn
ledger_idle_position(const Ledger *ledger, Lsn keepalive)
{
	if (ledger->pending || ledger->in_flight > 0)
		return LSN_INVALID;
	if (keepalive > ledger->received)
		keepalive = ledger->received;
	return keepalive > ledger->durable ? keepalive : LSN_INVALID;
}
