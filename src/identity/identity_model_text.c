/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_model_text — a model as JSON, one parameter a line, and back.
 *
 * Integers are 1/256 bit, so that reading what was written gives the same hash.
 */
#include "identity/identity_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define TEXT_MOST ((size_t) 64 << 20)

static const char *const kind_names[IDENTITY_KINDS] = {"person", "company"};
static const char *const parameter_names[PARAMETERS] = {
#define X(name, least, most, scale, person, company) #name,
	IDENTITY_PARAMETER_TABLE(X)
#undef X
};

static int
by_hash(const void *a, const void *b)
{
	const Frequency *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static bool
print_frequencies(const KindModel *kind, Buffer *out, Err *err)
{
	Frequency *list = alloc_bytes((kind->nfrequencies + 1) * sizeof(*list));
	size_t n = 0;
	bool done = false;

	if (list == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory printing a model");
	for (uint32_t i = 0; kind->frequencies != NULL && i <= kind->mask; i++)
		if (kind->frequencies[i].hash != 0)
			list[n++] = kind->frequencies[i];
	if (n > 1)
		qsort(list, n, sizeof(*list), by_hash);
	if (!buffer_append_text(out, "  \"frequency\": {\n", err))
		goto out;
	for (size_t i = 0; i < n; i++)
		if (!buffer_printf(out, err, "   \"%08x\": %d%s\n", list[i].hash, list[i].bits,
						   i + 1 < n ? "," : ""))
			goto out;
	done = buffer_append_text(out, "  }\n", err);
out:
	alloc_free(list);
	return done;
}

static bool
print_levels(const KindModel *kind, Buffer *out, Err *err)
{
	bool first = true;

	if (!buffer_append_text(out, "  \"level\": {\n", err))
		return false;
	for (unsigned c = 0; c < COMPARES; c++)
		for (unsigned l = 1; l < LEVELS; l++)
		{
			const char *name = identity_compare_level_name((Compare) c, l);

			if (name == NULL)
				continue;
			if (!buffer_printf(out, err, "%s   \"%s.%s\": [%d, %d, %d, %d]", first ? "" : ",\n",
							   compare_names[c], name, kind->weight[c][l], kind->m[c][l],
							   kind->u[c][l], kind->pinned[c][l]))
				return false;
			first = false;
		}
	return buffer_append_text(out, "\n  },\n", err);
}

bool
identity_model_print(const IdentityModel *model, Buffer *out, Err *err)
{
	if (!buffer_printf(out, err,
					   "{\n \"hash\": \"%016llx\",\n \"rules\": \"%s\",\n \"records\": %llu,\n",
					   (unsigned long long) model->hash, identity_normal_versions(),
					   (unsigned long long) model->trained_on))
		return false;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		const KindModel *kind = &model->kind[k];

		if (!buffer_printf(out, err, " \"%s\": {\n  \"parameter\": {\n", kind_names[k]))
			return false;
		for (unsigned p = 0; p < PARAMETERS; p++)
			if (!buffer_printf(out, err, "   \"%s\": %d%s\n", parameter_names[p],
							   kind->parameter[p], p + 1 < PARAMETERS ? "," : ""))
				return false;
		if (!buffer_append_text(out, "  },\n", err) || !print_levels(kind, out, err) ||
			!buffer_append_text(out, "  \"share\": [\n", err))
			return false;
		for (unsigned f = 0; f < FORM_KINDS; f++)
			if (!buffer_printf(out, err, "   [%d, %d]%s\n", kind->expected[f], kind->rest[f],
							   f + 1 < FORM_KINDS ? "," : ""))
				return false;
		if (!buffer_append_text(out, "  ],\n", err) || !print_frequencies(kind, out, err) ||
			!buffer_append_text(out, k + 1 < IDENTITY_KINDS ? " },\n" : " }\n", err))
			return false;
	}
	return buffer_append_text(out, "}\n", err);
}

/* ---- reading ---- */

static bool
read_number(const json_t *value, int64_t least, int64_t most, int32_t *out)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < least || number > most)
		return false;
	*out = (int32_t) number;
	return true;
}

static bool
read_level(KindModel *kind, unsigned c, unsigned l, const json_t *levels)
{
	char name[64];
	const json_t *row;
	int32_t pinned;

	snprintf(name, sizeof(name), "%s.%s", compare_names[c],
			 identity_compare_level_name((Compare) c, l));
	row = json_object_get(levels, name);
	if (json_array_size(row) != 4 ||
		!read_number(json_array_get(row, 0), -100 * BIT, 100 * BIT, &kind->weight[c][l]) ||
		!read_number(json_array_get(row, 1), -100 * BIT, 100 * BIT, &kind->m[c][l]) ||
		!read_number(json_array_get(row, 2), -100 * BIT, 100 * BIT, &kind->u[c][l]) ||
		!read_number(json_array_get(row, 3), 0, 1, &pinned))
		return false;
	kind->pinned[c][l] = pinned != 0;
	return true;
}

static bool
read_frequencies(KindModel *kind, json_t *object, Err *err)
{
	size_t n = 0, size = json_object_size(object);
	Frequency *list = alloc_bytes((size + 1) * sizeof(*list));
	const char *key;
	json_t *value;
	bool done = list != NULL && json_is_object(object);

	if (list == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory reading a model");
	json_object_foreach(object, key, value)
	{
		char *end;
		unsigned long hash = strtoul(key, &end, 16);

		done = done && *end == 0 && hash > 0 && hash <= UINT32_MAX && n < size &&
			   read_number(value, -100 * BIT, 0, &list[n].bits);
		if (!done)
			break;
		list[n++].hash = (uint32_t) hash;
	}
	if (!done)
		err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "the frequencies of an identity model are wrong");
	else
		done = identity_model_add_frequencies(kind, list, n, err);
	alloc_free(list);
	return done;
}

static bool
read_kind(IdentityModel *model, unsigned k, const json_t *object, Err *err)
{
	KindModel *kind = &model->kind[k];
	const json_t *parameters = json_object_get(object, "parameter");
	const json_t *levels = json_object_get(object, "level");
	const json_t *shares = json_object_get(object, "share");

	for (unsigned p = 0; p < PARAMETERS; p++)
	{
		char name[64];
		int32_t value;
		double scale, probe;

		snprintf(name, sizeof(name), "%s.%s", kind_names[k], parameter_names[p]);
		if (!identity_model_get(model, name, &probe, err))
			return false;
		scale = probe == 0 ? 0 : kind->parameter[p] / probe;
		if (!read_number(json_object_get(parameters, parameter_names[p]), INT32_MIN, INT32_MAX,
						 &value))
			return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
						   "an identity model lacks the parameter \"%s\"", name);
		/* the setter knows the bounds */
		if (scale > 0 && !identity_model_set(model, name, value / scale, err))
			return false;
		kind->parameter[p] = value;
	}
	for (unsigned c = 0; c < COMPARES; c++)
		for (unsigned l = 1; l < LEVELS; l++)
			if (identity_compare_level_name((Compare) c, l) != NULL &&
				!read_level(kind, c, l, levels))
				return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
							   "an identity model's levels of \"%s\" are wrong", compare_names[c]);
	for (unsigned f = 0; f < FORM_KINDS; f++)
	{
		const json_t *row = json_array_get(shares, f);

		if (!read_number(json_array_get(row, 0), -100 * BIT, 0, &kind->expected[f]) ||
			!read_number(json_array_get(row, 1), -100 * BIT, 0, &kind->rest[f]))
			return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
						   "an identity model's shares are wrong");
	}
	return read_frequencies(kind, json_object_get(object, "frequency"), err);
}

IdentityModel *
identity_model_parse(const char *text, size_t length, Err *err)
{
	json_error_t where;
	json_t *root = length > TEXT_MOST ? NULL : json_loadb(text, length, 0, &where);
	const char *rules = json_string_value(json_object_get(root, "rules"));
	IdentityModel *model = NULL;

	if (root == NULL || rules == NULL)
	{
		err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "this is not the text of an identity model");
		goto fail;
	}
	if (strcmp(rules, identity_normal_versions()) != 0)
	{
		err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
				"the identity model was made under \"%s\"; this program has \"%s\"", rules,
				identity_normal_versions());
		err_hint(err, "Train the model again.");
		goto fail;
	}
	model = identity_model_default(err);
	if (model == NULL)
		goto fail;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
		if (!read_kind(model, k, json_object_get(root, kind_names[k]), err))
			goto fail;
	model->trained_on = (uint64_t) json_integer_value(json_object_get(root, "records"));
	identity_model_rehash(model);
	json_decref(root);
	return model;

fail:
	identity_model_free(model);
	json_decref(root);
	return NULL;
}

static bool
diff_line(Buffer *out, const char *kind, const char *what, const char *level, int32_t old_value,
		  int32_t new_value, Err *err)
{
	return old_value == new_value ||
		   buffer_printf(out, err, "%s.%s%s%s %.3f -> %.3f\n", kind, what, level[0] ? "." : "",
						 level, old_value / (double) BIT, new_value / (double) BIT);
}

bool
identity_model_diff(const IdentityModel *old_model, const IdentityModel *new_model, Buffer *out,
					Err *err)
{
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		const KindModel *x = &old_model->kind[k], *y = &new_model->kind[k];

		for (unsigned p = 0; p < PARAMETERS; p++)
			if (!diff_line(out, kind_names[k], parameter_names[p], "", x->parameter[p],
						   y->parameter[p], err))
				return false;
		for (unsigned c = 0; c < COMPARES; c++)
			for (unsigned l = 1; l < LEVELS; l++)
			{
				const char *name = identity_compare_level_name((Compare) c, l);

				if (name != NULL && !diff_line(out, kind_names[k], compare_names[c], name,
											   x->weight[c][l], y->weight[c][l], err))
					return false;
			}
		if (x->nfrequencies != y->nfrequencies &&
			!buffer_printf(out, err, "%s.frequencies %u -> %u\n", kind_names[k], x->nfrequencies,
						   y->nfrequencies))
			return false;
	}
	return true;
}
