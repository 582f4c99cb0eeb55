/* SPDX-License-Identifier: PostgreSQL */
/*
 * fuzz_identity_model.c — any bytes as a model's text; a model that is read is written and read
 * again, and sets parameters, as a configuration does.
 *
 * The rules that the text was made under are replaced by this build's: the stored corpus stays of
 * use where ICU is another.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/identity.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULES "\"rules\": \""

static char rules[512];

/* Keeps the rules as this build prints them, up to the closing quote. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	IdentityModel *model = identity_model_default(NULL);
	const char *from, *end;
	Buffer text;

	(void) argc;
	(void) argv;
	buffer_init(&text, (size_t) 1 << 24);
	if (model == NULL || !identity_model_print(model, &text, NULL) ||
		(from = memmem(text.data, text.length, RULES, strlen(RULES))) == NULL)
		abort();
	from += strlen(RULES);
	end = memchr(from, '"', text.length);
	if (end == NULL || (size_t) (end - from) >= sizeof(rules))
		abort();
	memcpy(rules, from, (size_t) (end - from));
	identity_model_free(model);
	buffer_release(&text);
	return 0;
}

static bool
with_rules(const uint8_t *data, size_t size, Buffer *out)
{
	const uint8_t *from = memmem(data, size, RULES, strlen(RULES));
	const uint8_t *end = NULL;

	if (from != NULL)
	{
		from += strlen(RULES);
		end = memchr(from, '"', (size_t) (data + size - from));
	}
	if (end == NULL)
		return buffer_append(out, data, size, NULL);
	return buffer_append(out, data, (size_t) (from - data), NULL) &&
		   buffer_append_text(out, rules, NULL) &&
		   buffer_append(out, end, (size_t) (data + size - end), NULL);
}

static void
again(IdentityModel *model)
{
	Buffer once, twice;
	IdentityModel *copy;
	double value;

	buffer_init(&once, (size_t) 1 << 24);
	buffer_init(&twice, (size_t) 1 << 24);
	if (!identity_model_print(model, &once, NULL))
		abort();
	copy = identity_model_parse((const char *) once.data, once.length, NULL);
	if (copy == NULL || identity_model_hash(copy) != identity_model_hash(model) ||
		!identity_model_print(copy, &twice, NULL) || once.length != twice.length ||
		memcmp(once.data, twice.data, once.length) != 0)
		abort();
	if (!identity_model_get(model, "person.link", &value, NULL) ||
		!identity_model_set(model, "person.link", value, NULL))
		abort();
	identity_model_free(copy);
	buffer_release(&once);
	buffer_release(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	IdentityModel *model;
	Buffer text;
	Err err;

	buffer_init(&text, (size_t) 1 << 24);
	if (!with_rules(data, size, &text))
		abort();
	err_clear(&err);
	model = identity_model_parse((const char *) text.data, text.length, &err);
	if (model != NULL)
		again(model);
	else if (err.code != ERR_CONFIG)
		abort();
	identity_model_free(model);
	buffer_release(&text);
	return 0;
}
