/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_odds_priv.h — how likely two customers are one: for questions, never for decisions.
 */
#ifndef GOLDPAN_IDENTITY_ODDS_PRIV_H
#define GOLDPAN_IDENTITY_ODDS_PRIV_H

#include "identity/identity_state_priv.h"

/* Each is a parameter of the model, sure_ before its name. */
#define ODDS_PART_TABLE(X)                                                                         \
	X(offset) X(best) X(mean) X(capped) X(against) X(smaller) X(larger) X(rivals)

enum
{
#define X(name) ODDS_##name,
	ODDS_PART_TABLE(X)
#undef X
		ODDS_PARTS
};

typedef struct Doubt
{
	double best, mean; /* bits between their records */
	double capped;	   /* what the best pair would weigh more without the bounds on relatives */
	double against;	   /* what speaks against it there, <= 0 */
	double smaller, larger;	 /* records */
	double rivals;			 /* open questions about either, a side; 1: no other */
	uint8_t level[COMPARES]; /* of the best pair; 0 where nothing is known */
} Doubt;

/* Two large customers would have found together; what a bound took off is evidence still; what
 * speaks against it counts once more where little was known. */
typedef struct Odds
{
	double part[ODDS_PARTS]; /* 1, then by what Doubt names, sizes by their log2 */
	double level[COMPARES][LEVELS];
} Odds;

/* Of the best pair's comparison, the mean and the records on each side; no rivals. */
void identity_doubt(const Comparison *c, double mean, size_t na, size_t nb, Doubt *doubt);
/* In bits; and as a probability, and that one's log2. */
double identity_odds(const Odds *odds, const Doubt *doubt);
double identity_chance(double bits);
double identity_chance_log(double bits);
/* As the model's parameters say; and as the answers in force have moved it.  false: out of memory */
void identity_odds_model(const IdentityModel *model, unsigned kind, Odds *odds);
/* The records that an answer names; false: it says neither same nor different, or they are not
 * both there and of one kind. */
bool identity_odds_anchors(const Identity *identity, const JudgeRow *judge, uint32_t *a,
						   uint32_t *b);
bool identity_odds_learn(const Identity *identity, Odds odds[IDENTITY_KINDS]) MUST_CHECK;
/* Between the records of a and of b, each pair within 20 bits. */
double identity_mean_bits(const Identity *identity, const uint32_t *a, size_t na, const uint32_t *b,
						  size_t nb);

#endif
