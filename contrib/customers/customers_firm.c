/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_firm — who the companies are.
 *
 * A registry lets nobody register a name twice, so names are unique within a country; only the
 * members of a family (franchise, subsidiaries) have names that are near each other.
 */
#include <stdlib.h>
#include <string.h>

#include "customers.h"

typedef struct Draw
{
	Chance *chance;
	Firm *firms;
	long count, wanted, groups;
} Draw;

static const char *
word(Chance *chance, const char *const *words, int count)
{
	return words[chance_below(chance, (uint32_t) count)];
}

static const char *
surname(Chance *chance, int country, char *room, size_t size)
{
	const Culture *from = &cultures[country_culture[country]];

	if (from->stem_count > 0 && chance_of(chance, .5))
		put(room, size, "%s%s", word(chance, from->stems, from->stem_count),
			word(chance, from->ends, from->end_count));
	else
		put(room, size, "%s", word(chance, from->common, from->common_count));
	if (country == COUNTRY_PL && room[strlen(room) - 1] == 'k')
		put(room + strlen(room), size - strlen(room), "i");
	return room;
}

static void
name_draw(Chance *chance, const Firm *firm, char *out, size_t size)
{
	static const double styles[] = {.30, .30, .14, .12, .14};
	char one[48], two[48];
	const char *trade = trades[firm->country][chance_below(chance, 12)];
	const char *end = word(chance, firm_ends, firm_end_count);

	switch (chance_weighted(chance, styles, 5))
	{
		case 0:
			put(out, size, "%s %s", surname(chance, firm->country, one, sizeof(one)), trade);
			break;
		case 1:
			put(out, size, "%s %s", word(chance, firm_words, firm_word_count), end);
			break;
		case 2:
			put(out, size, "%s %s %s", word(chance, firm_words, firm_word_count), trade,
				firm->seat.city->name);
			break;
		case 3:
			put(out, size, "%s & %s", surname(chance, firm->country, one, sizeof(one)),
				surname(chance, firm->country, two, sizeof(two)));
			break;
		default:
			put(out, size, "%c%c%c %s", 'A' + (int) chance_below(chance, 26),
				'A' + (int) chance_below(chance, 26), 'A' + (int) chance_below(chance, 26), end);
			break;
	}
}

static void
domain_draw(Chance *chance, const char *name, int country, char *out)
{
	static const char *const tops[COUNTRY_COUNT] = {"co.uk", "com", "de", "fr",
													"es",	 "pl",	"nl", "se"};
	const char *top = chance_of(chance, .25) ? "com" : tops[country];
	char base[40];

	plain(base, sizeof(base), name);
	put(out, TEXT_MAX, "%s.%s", base, top);
	for (int i = 0; taken(out); i++)
		put(out, TEXT_MAX, "%s%d.%s", base, chance_between(chance, 1, 99 + i), top);
}

/* One small company in ten writes from a mailbox at a public provider. */
static void
mailboxes_draw(Chance *chance, Firm *firm)
{
	static const char *const firsts[] = {"info", "info", "contact", "office", "hello", "mail"};
	static const char *const seconds[] = {"billing", "accounts", "sales", "admin", "orders", "it"};
	char base[40];

	put(firm->email[0], TEXT_MAX, "%s@%s", firsts[chance_below(chance, 6)], firm->domain);
	if (chance_of(chance, .1))
	{
		plain(base, sizeof(base), firm->name);
		put(firm->email[0], TEXT_MAX, "%s@%s", base, private_domains[firm->country][0]);
		while (taken(firm->email[0]))
			put(firm->email[0], TEXT_MAX, "%s%d@%s", base, chance_between(chance, 1, 999),
				private_domains[firm->country][0]);
	}
	put(firm->email[1], TEXT_MAX, "%s@%s", seconds[chance_below(chance, 6)], firm->domain);
	if (!chance_of(chance, rate(RATE_EMAIL_TWO)))
		memcpy(firm->email[1], firm->email[0], TEXT_MAX);
}

static void
firm_begin(Draw *draw, Firm *firm, ClassId class)
{
	Chance *chance = draw->chance;
	double weights[COUNTRY_COUNT];

	memset(firm, 0, sizeof(*firm));
	for (int i = 0; i < COUNTRY_COUNT; i++)
		weights[i] = countries[i].weight;
	firm->class = class;
	firm->group = -1;
	firm->country = chance_weighted(chance, weights, COUNTRY_COUNT);
	address_draw(chance, firm->country, &firm->seat);
	address_draw(chance, firm->country, &firm->former);
	firm->moved = chance_of(chance, rate(RATE_MOVED));
}

static void
name_unique(Chance *chance, Firm *firm)
{
	char key[TEXT_MAX + 16];

	do
	{
		name_draw(chance, firm, firm->name, sizeof(firm->name));
		put(key, sizeof(key), "name/%s/%s", countries[firm->country].code, firm->name);
	} while (taken(key));
}

static void
firm_end(Draw *draw, Firm *firm)
{
	Chance *chance = draw->chance;

	firm->form = legal_forms[firm->country][chance_below(chance, 4)];
	phone_land(chance, firm->country, firm->seat.city, firm->phone, sizeof(firm->phone));
	phone_land(chance, firm->country, firm->seat.city, firm->former_phone,
			   sizeof(firm->former_phone));
	id_vat(chance, firm->country, firm->vat, sizeof(firm->vat));
	id_registration(chance, firm->country, firm->registration, sizeof(firm->registration));
}

static Firm *
another(Draw *draw, ClassId class)
{
	Firm *firm;

	if (draw->count == draw->wanted)
		return NULL;
	firm = &draw->firms[draw->count++];
	firm_begin(draw, firm, class);
	return firm;
}

static Firm *
plain_firm(Draw *draw, ClassId class)
{
	Firm *firm = another(draw, class);

	if (firm == NULL)
		return NULL;
	name_unique(draw->chance, firm);
	domain_draw(draw->chance, firm->name, firm->country, firm->domain);
	mailboxes_draw(draw->chance, firm);
	firm_end(draw, firm);
	return firm;
}

/* Two companies, one of which answers the other's mail or telephone. */
static void
draw_shared(Draw *draw, ClassId class)
{
	Firm *first = plain_firm(draw, class);
	Firm *second = plain_firm(draw, class);

	first->group = draw->groups++;
	put(first->email[0], TEXT_MAX, "info@%s", first->domain);
	if (second == NULL)
		return;
	second->group = first->group;
	if (class == CLASS_SHARED_MAILBOX)
		memcpy(second->email[0], first->email[0], TEXT_MAX);
	else
	{
		/* One office centre: the number, the city, the street. */
		second->country = first->country;
		second->seat = first->seat;
		second->former = first->former;
		memcpy(second->phone, first->phone, sizeof(second->phone));
		id_vat(draw->chance, second->country, second->vat, sizeof(second->vat));
		id_registration(draw->chance, second->country, second->registration,
						sizeof(second->registration));
		second->form = legal_forms[second->country][chance_below(draw->chance, 4)];
	}
}

/* One brand in several cities (franchise), or several trades at one seat (subsidiaries). */
static void
draw_family(Draw *draw, ClassId class)
{
	static const char *const parts[] = {"Holding", "Service", "Logistics",
										"Energy",  "Leasing", "IT"};
	Chance *chance = draw->chance;
	int members = chance_between(chance, 2, 4);
	Firm *first = NULL;
	char local[40];

	for (int i = 0; i < members; i++)
	{
		Firm *firm = another(draw, class);

		if (firm == NULL)
			return;
		if (first == NULL)
		{
			first = firm;
			name_unique(chance, firm);
			put(firm->brand, sizeof(firm->brand), "%s", firm->name);
			domain_draw(chance, firm->brand, firm->country, firm->domain);
			firm->group = draw->groups++;
		}
		firm->group = first->group;
		firm->country = first->country;
		if (class == CLASS_FRANCHISE)
		{
			int city_count = countries[firm->country].city_count;

			address_draw(chance, firm->country, &firm->seat);
			firm->seat.city = &countries[firm->country]
								   .cities[((int) (firm->group % city_count) + i * 3) % city_count];
		}
		else
			firm->seat = first->seat;
		address_draw(chance, firm->country, &firm->former);
		memcpy(firm->brand, first->brand, sizeof(firm->brand));
		memcpy(firm->domain, first->domain, sizeof(firm->domain));
		put(firm->name, sizeof(firm->name), "%s %s", firm->brand,
			class == CLASS_FRANCHISE ? firm->seat.city->name : parts[(firm->group + i) % 6]);
		plain(local, sizeof(local), firm->name + strlen(firm->brand) + 1);
		put(firm->email[0], TEXT_MAX, "%s@%s", local, firm->domain);
		put(firm->email[1], TEXT_MAX, "%s@%s",
			chance_of(chance, rate(RATE_EMAIL_TWO)) ? "info" : local, firm->domain);
		firm_end(draw, firm);
		if (class == CLASS_SUBSIDIARY && i > 0 && chance_of(chance, .5))
			memcpy(firm->phone, first->phone, sizeof(firm->phone));
	}
}

Firm *
firms_draw(Chance *chance, long count)
{
	Draw draw = {.chance = chance, .wanted = count};
	double family = rate(RATE_FAMILY) / 2;

	draw.firms = calloc((size_t) count, sizeof(*draw.firms));
	if (draw.firms == NULL)
		abort();
	while (draw.count < count)
	{
		double weights[] = {family / 3,
							family / 3,
							rate(RATE_SHARED_MAILBOX) / 2,
							rate(RATE_SWITCHBOARD) / 2,
							rate(RATE_PLACEHOLDER),
							0};
		double rest = 1 - rate(RATE_FAMILY) - rate(RATE_SHARED_MAILBOX) - rate(RATE_SWITCHBOARD) -
					  rate(RATE_PLACEHOLDER);

		weights[5] = rest > 0 ? rest : 0;
		switch (chance_weighted(chance, weights, 6))
		{
			case 0:
				draw_family(&draw, CLASS_FRANCHISE);
				break;
			case 1:
				draw_family(&draw, CLASS_SUBSIDIARY);
				break;
			case 2:
				draw_shared(&draw, CLASS_SHARED_MAILBOX);
				break;
			case 3:
				draw_shared(&draw, CLASS_SWITCHBOARD);
				break;
			case 4:
				(void) plain_firm(&draw, CLASS_PLACEHOLDER);
				break;
			default:
				(void) plain_firm(&draw, CLASS_PLAIN);
				break;
		}
	}
	return draw.firms;
}
