/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_chance — the generator's own random numbers: the same seed gives the same bytes on
 * any machine.
 *
 * xoshiro256** by the published description, seeded through splitmix64.  No floating point
 * decides anything but comparisons with constants.
 */
#include "customers.h"

static uint64_t
rotated(uint64_t value, int by)
{
	return (value << by) | (value >> (64 - by));
}

void
chance_seed(Chance *chance, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
	{
		uint64_t z = (seed += 0x9e3779b97f4a7c15U);

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
		chance->state[i] = z ^ (z >> 31);
	}
}

uint64_t
chance_next(Chance *chance)
{
	uint64_t *s = chance->state;
	uint64_t result = rotated(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotated(s[3], 45);
	return result;
}

uint32_t
chance_below(Chance *chance, uint32_t bound)
{
	return (uint32_t) (((chance_next(chance) >> 32) * bound) >> 32);
}

double
chance_unit(Chance *chance)
{
	return (double) (chance_next(chance) >> 11) / 9007199254740992.0;
}

uint32_t
chance_skewed(Chance *chance, uint32_t bound)
{
	double unit = chance_unit(chance);

	return (uint32_t) (unit * unit * bound);
}

bool
chance_of(Chance *chance, double share)
{
	return chance_unit(chance) < share;
}

int
chance_between(Chance *chance, int low, int high)
{
	return low + (int) chance_below(chance, (uint32_t) (high - low + 1));
}

int
chance_weighted(Chance *chance, const double *weights, int count)
{
	double total = 0;
	double point;

	for (int i = 0; i < count; i++)
		total += weights[i];
	point = chance_unit(chance) * total;
	for (int i = 0; i < count - 1; i++)
	{
		point -= weights[i];
		if (point < 0)
			return i;
	}
	return count - 1;
}
