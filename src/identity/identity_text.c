/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_text — hashes and similarities of short texts.
 *
 * These run a few million times a second, so positions are found sixteen bytes at
 * a time and kept as bits; texts longer than 64 bytes are not compared here.
 */
#include "identity/identity_priv.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t) a * b;

	return (uint64_t) product ^ (uint64_t) (product >> 64);
}

uint64_t
identity_text_mix(uint64_t a, uint64_t b)
{
	return mix(a ^ UINT64_C(0x9e3779b97f4a7c15), b ^ UINT64_C(0xd6e8feb86659fd93)) ^
		   (a + (b << 23 | b >> 41));
}

/* Fewer than eight bytes as the low ones of a word.  A copy of an unknown size would be a call,
 * and would be read back before it has been written. */
static inline uint64_t
tail(const uint8_t *p, size_t n)
{
	uint32_t first, last;

	if (n < 4)
		return p[0] | (uint64_t) p[n / 2] << (n / 2 * 8) | (uint64_t) p[n - 1] << (n * 8 - 8);
	memcpy(&first, p, 4);
	memcpy(&last, p + n - 4, 4);
	return first | (uint64_t) last << (n * 8 - 32);
}

uint64_t
identity_text_hash(const void *bytes, size_t length, uint64_t seed)
{
	const uint8_t *p = bytes;
	uint64_t h = seed ^ mix(length + UINT64_C(0x2545f4914f6cdd1d), UINT64_C(0xa0761d6478bd642f));

	while (length > 0)
	{
		size_t n = length < 8 ? length : 8;
		uint64_t word;

		if (n == 8)
			memcpy(&word, p, 8);
		else
			word = tail(p, n);
		h = mix(h ^ word ^ UINT64_C(0xe7037ed1a0b428db), UINT64_C(0x8ebc6af09c88c6e3) ^ (h >> 32));
		p += n;
		length -= n;
	}
	return mix(h ^ UINT64_C(0x589965cc75374cc3), UINT64_C(0x1d8e4e27c47d124f));
}

size_t
identity_text_cut(const char *text, size_t most)
{
	size_t length = strnlen(text, most), start = length;
	uint8_t lead;

	while (start > 0 && ((uint8_t) text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return length;
	lead = (uint8_t) text[--start];
	return length - start < (lead >= 0xf0	? 4u
							 : lead >= 0xe0 ? 3u
							 : lead >= 0xc0 ? 2u
											: 1u)
			   ? start
			   : length;
}

uint64_t
identity_text_sum(const void *bytes, size_t length, uint64_t seed)
{
	const uint8_t *p = bytes;
	uint64_t h[4] = {seed, seed ^ 1, seed ^ 2, seed ^ 3};
	size_t left = length;

	/* what one multiplication waits for the others do not */
	for (; left >= sizeof(h); p += sizeof(h), left -= sizeof(h))
		for (unsigned i = 0; i < 4; i++)
		{
			uint64_t word;

			memcpy(&word, p + i * 8, 8);
			h[i] = mix(h[i] ^ word ^ UINT64_C(0xe7037ed1a0b428db),
					   UINT64_C(0x8ebc6af09c88c6e3) ^ (h[i] >> 32));
		}
	return identity_text_hash(h, sizeof(h), identity_text_hash(p, left, seed ^ length));
}

/* ---- 128 bits that name something: SipHash-2-4, in its 128-bit form, under a fixed key ---- */

static inline uint64_t
turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_rounds(uint64_t v[4], unsigned rounds)
{
	while (rounds-- > 0)
	{
		v[0] += v[1];
		v[2] += v[3];
		v[1] = turn(v[1], 13) ^ v[0];
		v[3] = turn(v[3], 16) ^ v[2];
		v[0] = turn(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = turn(v[1], 17) ^ v[2];
		v[3] = turn(v[3], 21) ^ v[0];
		v[2] = turn(v[2], 32);
	}
}

void
identity_text_name(const void *bytes, size_t length, uint8_t name[16])
{
	const uint64_t key[2] = {UINT64_C(0x476f6c6470616e20), UINT64_C(0x6964656e74697479)};
	uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575),
					 key[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
					 key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
	const uint8_t *at = bytes;
	uint64_t half;

	for (size_t left = length;; left -= 8, at += 8)
	{
		uint64_t word = left < 8 ? (uint64_t) length << 56 : 0;

		for (unsigned i = 0; i < 8 && i < left; i++)
			word |= (uint64_t) at[i] << (8 * i);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
		if (left < 8)
			break;
	}
	for (unsigned h = 0; h < 2; h++)
	{
		if (h == 0)
			v[2] ^= 0xee;
		else
			v[1] ^= 0xdd;
		sip_rounds(v, 4);
		half = v[0] ^ v[1] ^ v[2] ^ v[3];
		for (unsigned i = 0; i < 8; i++)
			name[8 * h + i] = (uint8_t) (half >> (8 * i));
	}
}

/* Positions of c in the first n bytes of text, as bits. */
static inline uint64_t
positions(const char *text, unsigned n, char c)
{
	uint64_t found = 0;

#ifdef __SSE2__
	__m128i wanted = _mm_set1_epi8(c);

	for (unsigned i = 0; i < n; i += 16)
	{
		__m128i block = _mm_loadu_si128((const __m128i *) (const void *) (text + i));

		found |= (uint64_t) (unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(block, wanted)) << i;
	}
#else
	for (unsigned i = 0; i < n; i++)
		found |= (uint64_t) (text[i] == c) << i;
#endif
	return n >= 64 ? found : found & ((UINT64_C(1) << n) - 1);
}

unsigned
identity_text_jaro(const char *a, unsigned n, const char *b, unsigned m)
{
	unsigned longer = n > m ? n : m;
	unsigned reach, common, prefix = 0, moved = 0;
	uint64_t used_a = 0, used_b = 0;
	unsigned jaro;

	if (n == 0 || m == 0 || n > 64 || m > 64)
		return 0;
	reach = longer / 2 > 1 ? longer / 2 - 1 : 0;
	for (unsigned j = 0; j < m; j++)
	{
		unsigned low = j > reach ? j - reach : 0;
		unsigned span = j + reach + 1 - low;
		uint64_t window = span >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << span) - 1;
		uint64_t free_at = low >= 64 ? 0 : positions(a, n, b[j]) & (window << low) & ~used_a;

		used_a |= free_at & (~free_at + 1);
		used_b |= (uint64_t) (free_at != 0) << j;
	}
	common = identity_text_count(used_a);
	if (common == 0)
		return 0;
	for (uint64_t x = used_a, y = used_b; x != 0; x &= x - 1, y &= y - 1)
		moved += a[__builtin_ctzll(x)] != b[__builtin_ctzll(y)];
	moved /= 2;
	/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): all three are checked above */
	jaro = (10000 * common / n + 10000 * common / m + 10000 * (common - moved) / common) / 3;
	if (jaro < 7000)
		return jaro;
	while (prefix < 4 && prefix < n && prefix < m && a[prefix] == b[prefix])
		prefix++;
	return jaro + prefix * (10000 - jaro) / 10;
}

bool
identity_text_near(const char *a, unsigned n, const char *b, unsigned m)
{
	unsigned head = 0;

	if (n > m + 1 || m > n + 1)
		return false;
	while (head < n && head < m && a[head] == b[head])
		head++;
	while (n > head && m > head && a[n - 1] == b[m - 1])
	{
		n--;
		m--;
	}
	n -= head;
	m -= head;
	if (n <= 1 && m <= 1)
		return true;
	return n == 2 && m == 2 && a[head] == b[head + 1] && a[head + 1] == b[head];
}

uint16_t
identity_text_sound(const char *text, unsigned length)
{
	static const char codes[] = "01230120022455012623010202";
	unsigned value, digits = 0;
	char last;

	if (length == 0 || text[0] < 'a' || text[0] > 'z')
		return 0;
	value = (unsigned) (text[0] - 'a');
	last = codes[text[0] - 'a'];
	for (unsigned i = 1; i < length && digits < 3; i++)
	{
		char code;

		if (text[i] < 'a' || text[i] > 'z')
			continue;
		code = codes[text[i] - 'a'];
		if (code != '0' && code != last)
		{
			value = value * 7 + (unsigned) (code - '0');
			digits++;
		}
		if (text[i] != 'h' && text[i] != 'w')
			last = code;
	}
	for (; digits < 3; digits++)
		value *= 7;
	return (uint16_t) (value + 1);
}

uint32_t
identity_text_letters(const char *text, unsigned length)
{
	uint32_t letters = 0;

	for (unsigned i = 0; i < length; i++)
		letters |= UINT32_C(1) << ((unsigned char) text[i] & 31);
	return letters;
}
