/* SPDX-License-Identifier: PostgreSQL
 *
 * customers_person — who the persons are, before any system writes them down.
 *
 * Persons that are hard to tell apart are drawn as a group and share exactly what their class says;
 * everything else about them is drawn as for anybody.
 */
#include <stdlib.h>
#include <string.h>

#include "customers.h"

const char *const class_names[CLASS_COUNT] = {
	"plain",	   "household",		 "jr_sr",		"twins",	 "common_name",
	"placeholder", "shared_mailbox", "switchboard", "franchise", "subsidiary"};

typedef struct Draw
{
	Chance *chance;
	Person *persons;
	long count, wanted, groups;
	const Firm *firms;
	long firm_count;
	double scale; /* contacts are drawn first: raises the other rates to shares of all persons */
} Draw;

static const char *
word(Chance *chance, const char *const *words, int count)
{
	return words[chance_skewed(chance, (uint32_t) count)];
}

/* The Polish surnames in -sk, -ck and -zk end by gender. */
static void
gendered(char *surname, size_t size, int culture, bool female)
{
	size_t length = strlen(surname);

	if (culture == CULTURE_POLISH && length > 2 && surname[length - 1] == 'k' &&
		strchr("sc", surname[length - 2]) != NULL)
		put(surname + length, size - length, "%s", female ? "a" : "i");
	else if (culture == CULTURE_RUSSIAN && female && length > 2 && surname[length - 1] == 'v')
		put(surname + length, size - length, "a");
	else if (culture == CULTURE_RUSSIAN && female && length > 2 &&
			 strcmp(surname + length - 2, "in") == 0)
		put(surname + length, size - length, "a");
}

static void
surname_draw(Chance *chance, int culture, bool female, char *out, size_t size)
{
	const Culture *from = &cultures[culture];

	if (culture == CULTURE_SPANISH)
		put(out, size, "%s %s", word(chance, from->common, from->common_count),
			word(chance, from->common, from->common_count));
	else if (chance_of(chance, .5) || from->stem_count == 0)
		put(out, size, "%s", word(chance, from->common, from->common_count));
	else
		put(out, size, "%s%s", from->stems[chance_below(chance, (uint32_t) from->stem_count)],
			from->ends[chance_below(chance, (uint32_t) from->end_count)]);
	gendered(out, size, culture, female);
}

static void
given_draw(Chance *chance, Person *person, char *out)
{
	const Culture *from = &cultures[person->culture];

	put(out, TEXT_MAX, "%s",
		person->female ? word(chance, from->female, from->female_count)
					   : word(chance, from->male, from->male_count));
}

/* At gmail.com dots make no other mailbox. */
static bool
mailbox_taken(const char *email)
{
	char plain_email[TEXT_MAX];
	size_t used = 0;
	const char *at = strchr(email, '@');

	if (strcmp(at, "@gmail.com") != 0)
		return taken(email);
	for (const char *c = email; *c != '\0'; c++)
		if (*c != '.' || c > at)
			plain_email[used++] = *c;
	plain_email[used] = '\0';
	return taken(plain_email);
}

/* A mailbox of the name's words, with digits where it is taken already. */
static void
mailbox_draw(Chance *chance, const Person *person, const char *domain, char *out)
{
	static const char *const separators[] = {".", ".", "_", "", "-"};
	static const double styles[] = {.42, .18, .12, .12, .16};
	char given[48], surname[48], local[100];
	int style = chance_weighted(chance, styles, 5);
	const char *between = separators[chance_below(chance, 5)];

	plain(given, sizeof(given), person->given);
	plain(surname, sizeof(surname), person->surname);
	if (style == 0)
		put(local, sizeof(local), "%s%s%s", given, between, surname);
	else if (style == 1)
		put(local, sizeof(local), "%.1s%s%s", given, between, surname);
	else if (style == 2)
		put(local, sizeof(local), "%s%s%.1s", given, between, surname);
	else if (style == 3)
		put(local, sizeof(local), "%s%s%s", surname, between, given);
	else
		put(local, sizeof(local), "%s%02d", given, person->year % 100);
	put(out, TEXT_MAX, "%s@%s", local, domain);
	while (mailbox_taken(out))
		put(out, TEXT_MAX, "%s%d@%s", local, chance_between(chance, 1, 9999), domain);
}

/* The second mailbox: two in five have the same local part at another domain. */
static void
second_mailbox_draw(Chance *chance, Person *person, const char *domain)
{
	const char *at = strchr(person->email[0], '@');

	if (chance_of(chance, .4))
	{
		put(person->email[1], TEXT_MAX, "%.*s@%s", (int) (at - person->email[0]), person->email[0],
			domain);
		if (!mailbox_taken(person->email[1]))
			return;
	}
	mailbox_draw(chance, person, domain, person->email[1]);
}

static const char *
private_domain(Chance *chance, int country)
{
	static const double weights[] = {.42, .18, .14, .10, .09, .07};

	return private_domains[country][chance_weighted(chance, weights, 6)];
}

static void
employ(Draw *draw, Person *person)
{
	Chance *chance = draw->chance;
	const Firm *firm;

	person->company[0] = '\0';
	mailbox_draw(chance, person, private_domain(chance, person->country), person->email[0]);
	if (draw->firm_count > 0 && chance_of(chance, .4))
	{
		firm = &draw->firms[chance_below(chance, (uint32_t) draw->firm_count)];
		put(person->company, sizeof(person->company), "%s", firm->name);
		second_mailbox_draw(chance, person, firm->domain);
	}
	else
		second_mailbox_draw(chance, person, private_domain(chance, person->country));
	if (!chance_of(chance, rate(RATE_EMAIL_TWO)))
		memcpy(person->email[1], person->email[0], TEXT_MAX);
}

static void
numbers_draw(Chance *chance, Person *person)
{
	if (chance_of(chance, .8))
		phone_mobile(chance, person->country, person->phone, sizeof(person->phone));
	else
		phone_land(chance, person->country, person->home.city, person->phone,
				   sizeof(person->phone));
	phone_mobile(chance, person->country, person->former_phone, sizeof(person->former_phone));
	id_person(chance, person, person->id, sizeof(person->id));
}

/* All but what follows from the name: mailboxes, and numbers that hold the birth date. */
static void
person_begin(Draw *draw, Person *person, ClassId class)
{
	Chance *chance = draw->chance;
	double weights[COUNTRY_COUNT];

	memset(person, 0, sizeof(*person));
	for (int i = 0; i < COUNTRY_COUNT; i++)
		weights[i] = countries[i].weight;
	person->class = class;
	person->group = -1;
	person->country = chance_weighted(chance, weights, COUNTRY_COUNT);
	person->culture = chance_of(chance, .86) ? country_culture[person->country]
											 : (int) chance_below(chance, CULTURE_COUNT);
	person->female = chance_of(chance, .5);
	person->suffix = "";
	given_draw(chance, person, person->given);
	if (chance_of(chance, .3))
		given_draw(chance, person, person->middle);
	surname_draw(chance, person->culture, person->female, person->surname, sizeof(person->surname));
	person->year = chance_between(chance, 1938, 2004);
	person->month = chance_between(chance, 1, 12);
	person->day = chance_between(chance, 1, 28);
	address_draw(chance, person->country, &person->home);
	address_draw(chance, person->country, &person->former);
	person->moved = chance_of(chance, rate(RATE_MOVED));
	if (chance_of(chance, rate(RATE_MARRIAGE)))
		surname_draw(chance, person->culture, person->female, person->maiden,
					 sizeof(person->maiden));
}

static void
person_end(Draw *draw, Person *person)
{
	numbers_draw(draw->chance, person);
	employ(draw, person);
}

static Person *
another(Draw *draw, ClassId class)
{
	Person *person;

	if (draw->count == draw->wanted)
		return NULL;
	person = &draw->persons[draw->count++];
	person_begin(draw, person, class);
	return person;
}

static void
same_home(Person *person, const Person *first)
{
	person->country = first->country;
	person->culture = first->culture;
	person->home = first->home;
}

static void
share_landline(Draw *draw, Person *person, const Person *first)
{
	if (first == NULL)
		phone_land(draw->chance, person->country, person->home.city, person->shared_phone,
				   sizeof(person->shared_phone));
	else
		memcpy(person->shared_phone, first->shared_phone, sizeof(person->shared_phone));
	person->shared_phone_share = .4;
}

/* Surname, address, landline; one household in seven has a common mailbox too. */
static void
draw_household(Draw *draw)
{
	Chance *chance = draw->chance;
	int members = chance_between(chance, 2, 4);
	Person *first = another(draw, CLASS_HOUSEHOLD);
	char mailbox[TEXT_MAX] = "";
	char surname[48];

	first->group = draw->groups++;
	first->maiden[0] = '\0';
	share_landline(draw, first, NULL);
	person_end(draw, first);
	if (chance_of(chance, .15))
	{
		plain(surname, sizeof(surname), first->surname);
		put(mailbox, sizeof(mailbox), "familie.%s%d@%s", surname, chance_between(chance, 1, 9999),
			private_domain(chance, first->country));
	}
	for (int i = 0; i < members; i++)
	{
		Person *person = i == 0 ? first : another(draw, CLASS_HOUSEHOLD);

		if (person == NULL)
			return;
		put(person->shared_email, sizeof(person->shared_email), "%s", mailbox);
		person->shared_email_share = mailbox[0] == '\0' ? 0 : .5;
		if (i == 0)
			continue;
		person->group = first->group;
		same_home(person, first);
		/* Members differ in the given name: who shares that too is a jr_sr. */
		do
			given_draw(chance, person, person->given);
		while (strcmp(person->given, first->given) == 0 ||
			   (i > 1 && strcmp(person->given, person[-1].given) == 0));
		person->middle[0] = '\0';
		memcpy(person->surname, first->surname, sizeof(person->surname));
		share_landline(draw, person, first);
		person_end(draw, person);
	}
}

static void
draw_jr_sr(Draw *draw)
{
	Chance *chance = draw->chance;
	Person *senior = another(draw, CLASS_JR_SR);
	Person *junior = another(draw, CLASS_JR_SR);

	senior->group = draw->groups++;
	senior->maiden[0] = '\0';
	senior->year = chance_between(chance, 1938, 1970);
	senior->suffix = "Sr";
	share_landline(draw, senior, NULL);
	person_end(draw, senior);
	if (junior == NULL)
		return;
	junior->group = senior->group;
	junior->maiden[0] = '\0';
	junior->female = senior->female;
	if (chance_of(chance, .6))
	{
		same_home(junior, senior);
		share_landline(draw, junior, senior);
	}
	junior->country = senior->country;
	junior->culture = senior->culture;
	if (junior->home.city != senior->home.city)
	{
		address_draw(chance, junior->country, &junior->home);
		address_draw(chance, junior->country, &junior->former);
	}
	memcpy(junior->given, senior->given, sizeof(junior->given));
	memcpy(junior->middle, senior->middle, sizeof(junior->middle));
	memcpy(junior->surname, senior->surname, sizeof(junior->surname));
	junior->year = senior->year + chance_between(chance, 20, 34);
	junior->suffix = "Jr";
	person_end(draw, junior);
}

static void
draw_twins(Draw *draw)
{
	Chance *chance = draw->chance;
	Person *first = another(draw, CLASS_TWINS);
	Person *second = another(draw, CLASS_TWINS);

	first->group = draw->groups++;
	first->maiden[0] = '\0';
	share_landline(draw, first, NULL);
	person_end(draw, first);
	if (second == NULL)
		return;
	second->group = first->group;
	second->maiden[0] = '\0';
	same_home(second, first);
	second->year = first->year;
	second->month = first->month;
	second->day = first->day;
	memcpy(second->surname, first->surname, sizeof(second->surname));
	do
		given_draw(chance, second, second->given);
	while (strcmp(second->given, first->given) == 0);
	share_landline(draw, second, first);
	person_end(draw, second);
}

/* Two or three strangers with one of the commonest names of their country. */
static void
draw_common_name(Draw *draw)
{
	Chance *chance = draw->chance;
	int members = chance_between(chance, 2, 3);
	Person *first = NULL;

	for (int i = 0; i < members; i++)
	{
		Person *person = another(draw, CLASS_COMMON_NAME);
		const Culture *culture;

		if (person == NULL)
			return;
		if (first == NULL)
		{
			first = person;
			first->group = draw->groups++;
			first->culture = country_culture[first->country];
			culture = &cultures[first->culture];
			put(first->given, sizeof(first->given), "%s",
				(first->female ? culture->female : culture->male)[chance_below(chance, 8)]);
			put(first->surname, sizeof(first->surname), "%s",
				culture->common[chance_below(chance, 8)]);
			gendered(first->surname, sizeof(first->surname), first->culture, first->female);
		}
		else
		{
			person->country = first->country;
			person->culture = first->culture;
			person->female = first->female;
			address_draw(chance, person->country, &person->home);
			address_draw(chance, person->country, &person->former);
			if (chance_of(chance, .5))
				person->home.city = first->home.city;
			memcpy(person->given, first->given, sizeof(person->given));
			memcpy(person->surname, first->surname, sizeof(person->surname));
		}
		person->group = first->group;
		person->maiden[0] = '\0';
		person_end(draw, person);
	}
}

/* Contacts of one company who are reached through its switchboard, or through info@. */
static void
draw_contacts(Draw *draw, const Firm *firm, ClassId class)
{
	int members = chance_between(draw->chance, 2, 4);
	long group = draw->groups++;

	for (int i = 0; i < members; i++)
	{
		Person *person = another(draw, class);

		if (person == NULL)
			return;
		person->group = group;
		person_end(draw, person);
		put(person->company, sizeof(person->company), "%s", firm->name);
		if (class == CLASS_SWITCHBOARD)
		{
			put(person->shared_phone, sizeof(person->shared_phone), "%s", firm->phone);
			person->shared_phone_share = .6;
		}
		else
		{
			put(person->shared_email, sizeof(person->shared_email), "info@%s", firm->domain);
			person->shared_email_share = .5;
		}
	}
}

static void
draw_group(Draw *draw)
{
	/* Rates are shares of persons, groups have several: weights are rates by mean size. */
	double weights[] = {rate(RATE_HOUSEHOLD) / 3,	  rate(RATE_JR_SR) / 2,	  rate(RATE_TWINS) / 2,
						rate(RATE_COMMON_NAME) / 2.5, rate(RATE_PLACEHOLDER), 0};
	double rest = 1 / draw->scale - rate(RATE_HOUSEHOLD) - rate(RATE_JR_SR) - rate(RATE_TWINS) -
				  rate(RATE_COMMON_NAME) - rate(RATE_PLACEHOLDER);
	Person *person;

	weights[5] = rest > 0 ? rest : 0;
	switch (chance_weighted(draw->chance, weights, 6))
	{
		case 0:
			draw_household(draw);
			break;
		case 1:
			draw_jr_sr(draw);
			break;
		case 2:
			draw_twins(draw);
			break;
		case 3:
			draw_common_name(draw);
			break;
		case 4:
			person = another(draw, CLASS_PLACEHOLDER);
			person_end(draw, person);
			break;
		default:
			person = another(draw, CLASS_PLAIN);
			person_end(draw, person);
			break;
	}
}

Person *
persons_draw(Chance *chance, long count, const Firm *firms, long firm_count)
{
	Draw draw = {.chance = chance, .wanted = count, .firms = firms, .firm_count = firm_count};

	draw.persons = calloc((size_t) count, sizeof(*draw.persons));
	if (draw.persons == NULL)
		abort();
	for (long i = 0; i < firm_count && draw.count < count; i++)
	{
		if (chance_of(chance, rate(RATE_SWITCHBOARD)))
			draw_contacts(&draw, &firms[i], CLASS_SWITCHBOARD);
		else if (chance_of(chance, rate(RATE_SHARED_MAILBOX)))
			draw_contacts(&draw, &firms[i], CLASS_SHARED_MAILBOX);
	}
	draw.scale = draw.count < count ? (double) count / (double) (count - draw.count) : 1;
	while (draw.count < count)
		draw_group(&draw);
	return draw.persons;
}
