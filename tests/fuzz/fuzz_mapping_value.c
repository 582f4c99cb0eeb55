/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_mapping_value.c — any text as date, number, e-mail address and telephone number.
 *
 * The first byte picks a format or country; what is accepted must be accepted again in its
 * normal form.
 */
#include <stdlib.h>
#include <string.h>

#include "mapping/mapping_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool ok)
{
	if (!ok)
		abort();
}

static void
fuzz_number(uint8_t pick, const char *text, size_t size)
{
	char printed[MAPPING_DECIMAL_SIZE];
	Decimal value;
	Decimal again;

	if (mapping_number_parse(text, size, pick % 19, pick & 1 ? ',' : '.', pick & 2 ? '\'' : '\0',
							 &value) != NULL)
		return;
	check(mapping_number_parse(printed, mapping_number_format(value, printed), 0, '.', '\0',
							   &again) == NULL);
	check(value == again);
}

static void
fuzz_date(uint8_t pick, const char *text, size_t size)
{
	static const char *const formats[] = {NULL, "%d/%m/%Y", "%B %d, %y",
										  "%Y-%m-%d %I:%M:%S.%f %p%z"};
	CivilTime time;
	int64_t year;
	int month;
	int day;

	if (mapping_date_parse(formats[pick % 4], text, size, &time) != NULL)
		return;
	mapping_date_civil(mapping_date_days(time.year, time.month, time.day), &year, &month, &day);
	check(year == time.year && month == time.month && day == time.day);
	(void) mapping_date_local_micros(&time);
}

static void
fuzz_phone(uint8_t pick, const char *text, size_t size)
{
	static const char *const countries[] = {"DE", "US", "IT", "RU", "AU", "HU", "GB"};
	char out[MAPPING_PHONE_SIZE];
	size_t length;

	if (mapping_phone_normal(pick % 8 == 7 ? NULL : mapping_phone_country(countries[pick % 8 % 7]),
							 text, size, out, &length) != NULL)
		return;
	check(length < sizeof(out) && mapping_phone_valid(out, length));
}

static void
fuzz_email(const char *text, size_t size)
{
	char *out = malloc(size + 1);
	size_t length;

	if (out != NULL && mapping_email_normal(text, size, out, &length) == NULL)
		check(mapping_email_valid(out, length));
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data + 1;

	if (size == 0)
		return 0;
	fuzz_number(data[0], text, size - 1);
	fuzz_date(data[0], text, size - 1);
	fuzz_phone(data[0], text, size - 1);
	fuzz_email(text, size - 1);
	return 0;
}
