/* SPDX-License-Identifier: PostgreSQL
 *
 * customers — made-up customers of four systems, with the truth: who is the same, who only looks so.
 *
 * One seed gives one set of files, byte by byte.  Persons and companies are drawn from the seed
 * apart from records, order and stream, so that a change to one leaves the others as they are.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "customers.h"

typedef struct Options
{
	uint64_t seed;
	long records;
	const char *folder;
	bool stream;
} Options;

/* What customers and records are made from, each with random numbers of its own. */
enum
{
	SEED_FIRMS = 1,
	SEED_PERSONS,
	SEED_SIZES,
	SEED_RECORDS,
	SEED_ORDER,
	SEED_STREAM,
	SEED_KINDS = 16
};

static void
usage(FILE *out)
{
	fputs(
		"Usage: customers [OPTION]... FOLDER\n"
		"Writes persons.csv and companies.csv into FOLDER: customers of four systems, with the "
		"truth.\n\n"
		"  --seed N          the same seed gives the same bytes (default 1)\n"
		"  --records N       records of both kinds together (default 60000; five sixths persons)\n"
		"  --stream          write persons_stream.csv and companies_stream.csv too\n"
		"  --rate NAME=X     set a rate\n"
		"  --help            this text, with every rate\n",
		out);
	rates_print(out);
}

static bool
number(const char *text, long low, long high, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *out >= low && *out <= high;
}

/* -1: go on; otherwise the exit status. */
static int
options_parse(int count, char **arguments, Options *options)
{
	static const struct option names[] = {
		{"seed", required_argument, NULL, 's'}, {"records", required_argument, NULL, 'n'},
		{"stream", no_argument, NULL, 't'},		{"rate", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},		{NULL, 0, NULL, 0}};
	long value;
	int option;

	while ((option = getopt_long(count, arguments, "", names, NULL)) != -1)
	{
		switch (option)
		{
			case 's':
				if (!number(optarg, 0, 1L << 40, &value))
				{
					fprintf(stderr, "\"%s\" is not a seed\n", optarg);
					return 2;
				}
				options->seed = (uint64_t) value;
				break;
			case 'n':
				if (!number(optarg, 60, 20000000, &options->records))
				{
					fprintf(stderr, "--records must be between 60 and 20000000\n");
					return 2;
				}
				break;
			case 't':
				options->stream = true;
				break;
			case 'r':
				if (!rate_set(optarg))
				{
					fprintf(stderr, "\"%s\" is not a rate and a share between 0 and 1\n", optarg);
					return 2;
				}
				break;
			case 'h':
				usage(stdout);
				return 0;
			default:
				return 2;
		}
	}
	if (optind != count - 1)
	{
		fprintf(stderr, "one folder must be given; see --help\n");
		return 2;
	}
	options->folder = arguments[optind];
	return -1;
}

/* Draws customers until their records are enough: owner[i] is the customer of record i. */
static Row *
sizes_draw(uint64_t seed, long records, long *customers)
{
	Row *rows = calloc((size_t) records, sizeof(*rows));
	SystemId systems[8];
	Chance chance;
	long used = 0;

	if (rows == NULL)
		abort();
	chance_seed(&chance, seed);
	for (*customers = 0; used < records; (*customers)++)
	{
		int size = records_of_customer(&chance, systems);

		for (int i = 0; i < size && used < records; i++)
			rows[used++] = (Row){.system = systems[i], .truth = *customers, .group = -1};
	}
	return rows;
}

static long *
order_draw(uint64_t seed, long count)
{
	long *order = malloc((size_t) count * sizeof(*order));
	Chance chance;

	if (order == NULL)
		abort();
	chance_seed(&chance, seed);
	for (long i = 0; i < count; i++)
		order[i] = i;
	for (long i = count - 1; i > 0; i--)
	{
		long other = (long) chance_below(&chance, (uint32_t) i + 1);
		long kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	return order;
}

static void
records_draw(uint64_t seed, Row *rows, long count, const Person *persons, const Firm *firms)
{
	Chance chance;

	chance_seed(&chance, seed);
	for (long i = 0; i < count; i++)
	{
		Record record = {0};
		Row *row = &rows[i];

		if (persons != NULL)
		{
			row->class = persons[row->truth].class;
			row->group = persons[row->truth].group;
			record_of_person(&chance, &persons[row->truth], row->system, &record);
		}
		else
		{
			row->class = firms[row->truth].class;
			row->group = firms[row->truth].group;
			record_of_firm(&chance, &firms[row->truth], row->system, &record);
		}
		row_keep(row, &record, persons != NULL);
	}
}

static bool
kind_write(const Options *options, Row *rows, long count, const Person *persons, const Firm *firms)
{
	bool is_persons = persons != NULL;
	uint64_t seed = options->seed * 64 + (is_persons ? SEED_KINDS : 2 * SEED_KINDS);
	long *order = order_draw(seed + SEED_ORDER, count);
	bool ok;

	records_draw(seed + SEED_RECORDS, rows, count, persons, firms);
	ok = table_write(options->folder, is_persons, rows, count, order) &&
		 (!options->stream ||
		  stream_write(seed + SEED_STREAM, options->folder, is_persons, rows, count, order));
	free(order);
	rows_release();
	return ok;
}

int
main(int count, char **arguments)
{
	Options options = {.seed = 1, .records = 60000};
	long firm_count, person_count, firm_records, person_records;
	Row *firm_rows, *person_rows;
	Firm *firms;
	Person *persons;
	Chance chance;
	bool ok;
	int status = options_parse(count, arguments, &options);

	if (status >= 0)
		return status;
	if (mkdir(options.folder, 0777) != 0 && errno != EEXIST)
	{
		fprintf(stderr, "could not create folder \"%s\": %s\n", options.folder, strerror(errno));
		return 1;
	}
	firm_records = options.records / 6;
	person_records = options.records - firm_records;
	firm_rows =
		sizes_draw(options.seed * 64 + 2 * SEED_KINDS + SEED_SIZES, firm_records, &firm_count);
	person_rows =
		sizes_draw(options.seed * 64 + SEED_KINDS + SEED_SIZES, person_records, &person_count);
	chance_seed(&chance, options.seed * 64 + SEED_FIRMS);
	firms = firms_draw(&chance, firm_count);
	chance_seed(&chance, options.seed * 64 + SEED_PERSONS);
	persons = persons_draw(&chance, person_count, firms, firm_count);
	ok = kind_write(&options, person_rows, person_records, persons, NULL) &&
		 kind_write(&options, firm_rows, firm_records, NULL, firms);
	if (ok)
		printf("%ld records of %ld persons, %ld records of %ld companies\n", person_records,
			   person_count, firm_records, firm_count);
	taken_release();
	free(persons);
	free(firms);
	free(person_rows);
	free(firm_rows);
	return ok ? 0 : 1;
}
