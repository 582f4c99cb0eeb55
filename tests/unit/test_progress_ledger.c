/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_progress_ledger.c — acknowledgements under random interleavings.
 *
 * The model is independent of the ledger: it keeps the whole history as plain facts (what
 * arrived on this connection, every batch with its state) and asks after each step whether what
 * the ledger says is allowed (I1, P3, P4, P8), and whether it says enough (P9).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "goldpan/progress.h"

#define INTERLEAVINGS 100000
#define STEPS		  24

typedef struct Model
{
	Lsn seen; /* highest on this connection */
	Lsn last_said;
	Lsn queue[STEPS + 1]; /* positions of batches in flight, oldest first */
	int nqueue;
	Lsn durable;
	Lsn unhanded; /* position of what arrived and waits; 0 nothing */
	bool waits;
	Lsn server; /* where the server is */
} Model;

static uint64_t seed = 20261126;

static uint64_t
random_bits(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Mostly a little forward, sometimes hostile: zero, the top, far back, equal. */
static Lsn
random_lsn(Lsn around)
{
	switch (random_bits() % 10)
	{
		case 0:
			return 0;
		case 1:
			return UINT64_MAX - random_bits() % 2;
		case 2:
			return around > 500 ? around - random_bits() % 500 : around;
		case 3:
			return around;
		case 4:
			return random_bits();
		default:
			return around + random_bits() % 100;
	}
}

static void
check_step(Ledger *ledger, Model *model)
{
	Lsn said = ledger_acknowledge(ledger);
	Lsn may = model->seen < model->durable ? model->seen : model->durable;
	Lsn keepalive = random_lsn(model->server);
	Lsn idle = ledger_idle_position(ledger, keepalive);

	/* I1, P3: only what is durable and what this server has shown. */
	assert_true(said <= model->durable);
	assert_true(said <= model->seen);
	/* P4: never back; silence (0) is not back. */
	assert_true(said == 0 || said >= model->last_said);
	/* Not too little either: what may be said is said. */
	if (may >= model->last_said)
		assert_true(said == may);
	if (said != 0)
		model->last_said = said;
	/* P8: an idle position only when nothing waits and nothing is in flight … */
	if (model->waits || model->nqueue > 0)
		assert_true(idle == 0);
	/* … P9: and then it is the keepalive's, if that is news and was received. */
	else if (keepalive <= model->seen && keepalive > model->durable)
		assert_true(idle == keepalive);
	assert_true(idle <= model->seen && idle <= keepalive);
	assert_true(idle == 0 || idle > model->durable);
}

static void
hand(Ledger *ledger, Model *model, Lsn position)
{
	ledger_handed(ledger);
	model->queue[model->nqueue++] = position;
	model->waits = false;
}

static void
settle(Ledger *ledger, Model *model)
{
	bool given_up = random_bits() % 8 == 0;
	Lsn position = given_up ? 0 : model->queue[0];

	ledger_settled(ledger, position);
	model->nqueue--;
	for (int i = 0; i < model->nqueue; i++)
		model->queue[i] = model->queue[i + 1];
	if (position > model->durable)
		model->durable = position;
}

static void
receive(Ledger *ledger, Model *model, bool keepalive)
{
	Lsn lsn = random_lsn(model->server);

	if (keepalive)
		ledger_keepalive(ledger, lsn);
	else
	{
		ledger_received(ledger, lsn);
		model->waits = true;
		model->unhanded = lsn;
	}
	if (lsn > model->seen)
		model->seen = lsn;
	if (lsn > model->server && lsn - model->server < 1000)
		model->server = lsn;
}

static void
random_step(Ledger *ledger, Model *model)
{
	Lsn idle;

	switch (random_bits() % 12)
	{
		case 0:
		case 1:
		case 2:
			receive(ledger, model, false);
			break;
		case 3:
		case 4:
			receive(ledger, model, true);
			break;
		case 5:
		case 6:
			if (model->waits)
				hand(ledger, model, model->unhanded);
			break;
		case 7:
		case 8:
			if (model->nqueue > 0)
				settle(ledger, model);
			break;
		case 9:
			idle = ledger_idle_position(ledger, model->seen);
			if (idle != 0)
				hand(ledger, model, idle);
			break;
		case 10:
			if (model->waits)
			{
				ledger_skipped(ledger);
				model->waits = false;
			}
			break;
		default:
			ledger_connected(ledger);
			model->seen = 0;
			model->waits = false;
			break;
	}
}

static void
no_interleaving_acknowledges_too_much_or_too_little(void **state)
{
	(void) state;
	for (int run = 0; run < INTERLEAVINGS; run++)
	{
		Model model = {0};
		Ledger ledger;

		model.durable = random_bits() % 2 ? 0 : 1000;
		model.server = 1000;
		ledger_init(&ledger, model.durable);
		for (int step = 0; step < STEPS; step++)
		{
			random_step(&ledger, &model);
			check_step(&ledger, &model);
		}
	}
}

static void
a_keepalive_is_acknowledged_only_after_its_progress(void **state)
{
	Ledger ledger;

	(void) state;
	ledger_init(&ledger, 100);
	ledger_connected(&ledger);
	ledger_received(&ledger, 150);
	ledger_keepalive(&ledger, 900);
	assert_true(ledger_idle_position(&ledger, 900) == 0);
	ledger_handed(&ledger);
	assert_true(ledger_idle_position(&ledger, 900) == 0);
	assert_true(ledger_acknowledge(&ledger) == 100);
	ledger_settled(&ledger, 150);
	assert_true(ledger_acknowledge(&ledger) == 150);
	assert_true(ledger_idle_position(&ledger, 900) == 900);
	ledger_handed(&ledger);
	assert_true(ledger_acknowledge(&ledger) == 150);
	ledger_settled(&ledger, 900);
	assert_true(ledger_acknowledge(&ledger) == 900);
}

static void
another_server_that_is_behind_hears_nothing(void **state)
{
	Ledger ledger;

	(void) state;
	ledger_init(&ledger, 0);
	ledger_received(&ledger, 500);
	ledger_handed(&ledger);
	ledger_settled(&ledger, 500);
	assert_true(ledger_acknowledge(&ledger) == 500);
	ledger_connected(&ledger);
	assert_true(ledger_acknowledge(&ledger) == 0);
	ledger_keepalive(&ledger, 400);
	assert_true(ledger_acknowledge(&ledger) == 0);
	ledger_keepalive(&ledger, 500);
	assert_true(ledger_acknowledge(&ledger) == 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_interleaving_acknowledges_too_much_or_too_little),
		cmocka_unit_test(a_keepalive_is_acknowledged_only_after_its_progress),
		cmocka_unit_test(another_server_that_is_behind_hears_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
