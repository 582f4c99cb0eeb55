/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_model — the parameters a result depends on, and their names.
 */
#include "identity/identity_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

static const char *const kind_names[IDENTITY_KINDS] = {"person", "company"};

static const struct
{
	const char *name;
	double least, most, scale, preset[IDENTITY_KINDS];
} parameters[PARAMETERS] = {
#define X(name, least, most, scale, person, company) {#name, least, most, scale, {person, company}},
	IDENTITY_PARAMETER_TABLE(X)
#undef X
};

/* Where training starts, and what holds for comparisons it never saw: m and u per level. */
static const struct
{
	double m[LEVELS], u[LEVELS];
} start[COMPARES] = {
	[COMPARE_FAMILY] = {{0, .77, .10, .03, .03, .005, .002, .02, .05, .02, .01, .02},
						{0, .001, .0006, .004, .003, .01, .05, .02, .9, .0005, .001, .0003}},
	[COMPARE_GIVEN] = {{0, .65, .10, .08, .04, .03, .02, .02, .06},
					   {0, .01, .01, .004, .05, .02, .006, .05, .85}},
	[COMPARE_OTHER] = {{0, .60, .12, .18, .10}, {0, .01, .02, .06, .91}},
	[COMPARE_DATE] = {{0, .75, .05, .07, .03, .02, .02, .01, .01, .02, .02},
					  {0, .00005, .0003, .0006, .0005, .004, .012, .003, .004, .15, .82}},
	[COMPARE_POSTCODE] = {{0, .72, .07, .06, .05, .10}, {0, .0005, .001, .004, .03, .96}},
	[COMPARE_PLACE] = {{0, .75, .08, .17}, {0, .01, .004, .986}},
	[COMPARE_OCCUPATION] = {{0, .70, .10, .20}, {0, .05, .02, .93}},
	[COMPARE_GENDER] = {{0, .97, .03}, {0, .5, .5}},
	[COMPARE_EMAIL] = {{0, .70, .07, .05, .05, .13, .08, .08, .03, .32},
					   {0, 2e-6, 2e-6, 5e-5, 3e-4, .9996, .01, .01, .03, .003}},
	[COMPARE_PHONE] = {{0, .72, .05, .03, .20, .32}, {0, 4e-6, 2e-6, 1e-5, .99998, .003}},
	[COMPARE_ID] = {{0, .90, .06, .04}, {0, 2e-7, 2e-6, .999998}},
	[COMPARE_STREET] = {{0, .60, .10, .05, .02, .05, .18},
						{0, 2e-5, 1e-5, .0008, .0006, .015, .983}},
	[COMPARE_UNIT] = {{0, .70, .10, .20}, {0, .004, .002, .994}},
	[COMPARE_REGION] = {{0, .90, .02, .08}, {0, .15, .01, .84}},
	[COMPARE_SUFFIX] = {{0, .97, .03}, {0, .5, .5}},
	[COMPARE_COMPANY] = {{0, .65, .06, .08, .10, .02, .05, .04},
						 {0, .0005, .0001, .0003, .003, .001, .02, .975}},
	[COMPARE_DOMAIN] = {{0, .80, .05, .15, .08}, {0, .0003, .0002, .9995, .01}},
	[COMPARE_COUNTRY] = {{0, .97, .03}, {0, .97, .3}},
};

int32_t
identity_model_log(double share)
{
	return (int32_t) lrint(log2(share < 1e-9 ? 1e-9 : share) * BIT);
}

IdentityModel *
identity_model_default(Err *err)
{
	IdentityModel *model = alloc_zero(sizeof(*model));

	if (model == NULL)
	{
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory making a model");
		return NULL;
	}
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		KindModel *kind = &model->kind[k];

		for (unsigned p = 0; p < PARAMETERS; p++)
			kind->parameter[p] = (int32_t) lrint(parameters[p].preset[k] * parameters[p].scale);
		for (unsigned c = 0; c < COMPARES; c++)
			for (unsigned l = 1; l < LEVELS; l++)
				if (identity_compare_level_name((Compare) c, l) != NULL)
				{
					kind->m[c][l] = identity_model_log(start[c].m[l]);
					kind->u[c][l] = identity_model_log(start[c].u[l]);
					kind->weight[c][l] = kind->m[c][l] - kind->u[c][l];
				}
	}
	identity_model_rehash(model);
	return model;
}

void
identity_model_free(IdentityModel *model)
{
	if (model == NULL)
		return;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
		alloc_free(model->kind[k].frequencies);
	alloc_free(model);
}

IdentityModel *
identity_model_copy(const IdentityModel *model, Err *err)
{
	IdentityModel *copy = alloc_bytes(sizeof(*copy));

	if (copy == NULL)
	{
		err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory copying a model");
		return NULL;
	}
	*copy = *model;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
		copy->kind[k].frequencies = NULL;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		const KindModel *from = &model->kind[k];
		size_t size = sizeof(Frequency) * (from->mask + 1);

		if (from->frequencies == NULL)
			continue;
		if ((copy->kind[k].frequencies = alloc_bytes(size)) == NULL)
		{
			identity_model_free(copy);
			err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory copying a model");
			return NULL;
		}
		memcpy(copy->kind[k].frequencies, from->frequencies, size);
	}
	return copy;
}

uint64_t
identity_model_hash(const IdentityModel *model)
{
	return model->hash;
}

/* What a name may weigh at most; of given and family name, where they are not equal. */
static int32_t
name_most(const KindModel *kind, unsigned compare)
{
	int32_t most = 0;

	for (unsigned l = compare == COMPARE_OTHER ? 1 : 2; l < LEVELS; l++)
		most = kind->weight[compare][l] > most ? kind->weight[compare][l] : most;
	return most;
}

uint64_t
identity_model_records(const IdentityModel *model)
{
	return model->trained_on;
}

void
identity_model_rehash(IdentityModel *model)
{
	const char *versions = identity_normal_versions();
	uint64_t hash = identity_text_hash(versions, strlen(versions), 11);

	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		KindModel *kind = &model->kind[k];

		for (unsigned c = 0; c < COMPARE_NAMES; c++)
			kind->names_most[c] = name_most(kind, c);
		hash = identity_text_hash(kind->parameter, sizeof(kind->parameter), hash);
		hash = identity_text_hash(kind->weight, sizeof(kind->weight), hash);
		hash = identity_text_hash(kind->expected, sizeof(kind->expected), hash);
		hash = identity_text_hash(kind->rest, sizeof(kind->rest), hash);
		/* a sum, so that the order in the table does not matter */
		for (uint32_t i = 0; kind->frequencies != NULL && i <= kind->mask; i++)
			if (kind->frequencies[i].hash != 0)
				hash += identity_text_mix(kind->frequencies[i].hash + k,
										  (uint32_t) kind->frequencies[i].bits);
	}
	model->hash = hash;
}

uint32_t
identity_model_frequency_key(FormKind form_kind, uint32_t hash)
{
	uint32_t key = (uint32_t) identity_text_mix(hash, form_kind + 1000);

	return key == 0 ? 1 : key;
}

int16_t
identity_model_rarity(const KindModel *kind, FormKind form_kind, uint32_t hash)
{
	uint32_t key, at;
	int32_t bits = kind->rest[form_kind], rarity;

	if (kind->expected[form_kind] == 0)
		return 0;
	key = identity_model_frequency_key(form_kind, hash);
	for (at = key & kind->mask; kind->frequencies != NULL && kind->frequencies[at].hash != 0;
		 at = (at + 1) & kind->mask)
		if (kind->frequencies[at].hash == key)
		{
			bits = kind->frequencies[at].bits;
			break;
		}
	rarity = kind->expected[form_kind] - bits;
	return (int16_t) (rarity > 20 * BIT ? 20 * BIT : rarity < -20 * BIT ? -20 * BIT : rarity);
}

bool
identity_model_add_frequencies(KindModel *kind, const Frequency *list, size_t count, Err *err)
{
	size_t size = 16;
	Frequency *table;

	while (size < count * 2)
		size *= 2;
	table = alloc_zero(size * sizeof(*table));
	if (table == NULL)
		return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory for value frequencies");
	kind->nfrequencies = 0;
	for (size_t i = 0; i < count; i++)
	{
		size_t at = list[i].hash & (size - 1);

		while (table[at].hash != 0 && table[at].hash != list[i].hash)
			at = (at + 1) & (size - 1);
		kind->nfrequencies += table[at].hash == 0;
		/* two values with one hash: the more frequent counts */
		if (table[at].hash == 0 || table[at].bits < list[i].bits)
			table[at] = list[i];
	}
	alloc_free(kind->frequencies);
	kind->frequencies = table;
	kind->mask = (uint32_t) (size - 1);
	return true;
}

/* "person.link" or "person.weight.family.exact" */
static bool
find(const char *name, unsigned *kind, unsigned *parameter, unsigned *compare, unsigned *level)
{
	char own[96];

	*parameter = PARAMETERS;
	for (unsigned k = 0; k < IDENTITY_KINDS; k++)
	{
		size_t prefix = strlen(kind_names[k]);

		if (strncmp(name, kind_names[k], prefix) != 0 || name[prefix] != '.')
			continue;
		*kind = k;
		for (unsigned p = 0; p < PARAMETERS; p++)
			if (strcmp(name + prefix + 1, parameters[p].name) == 0)
			{
				*parameter = p;
				return true;
			}
		for (unsigned c = 0; c < COMPARES; c++)
			for (unsigned l = 1; l < LEVELS; l++)
				if (identity_compare_level_name((Compare) c, l) != NULL)
				{
					snprintf(own, sizeof(own), "weight.%s.%s", compare_names[c],
							 identity_compare_level_name((Compare) c, l));
					if (strcmp(own, name + prefix + 1) == 0)
					{
						*compare = c;
						*level = l;
						return true;
					}
				}
	}
	return false;
}

bool
identity_model_get(const IdentityModel *model, const char *name, double *value, Err *err)
{
	unsigned kind, parameter, compare, level;

	if (!find(name, &kind, &parameter, &compare, &level))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "no model parameter \"%s\"", name);
	if (parameter < PARAMETERS)
		*value = model->kind[kind].parameter[parameter] / parameters[parameter].scale;
	else
		*value = (double) model->kind[kind].weight[compare][level] / BIT;
	return true;
}

bool
identity_model_set(IdentityModel *model, const char *name, double value, Err *err)
{
	unsigned kind, parameter, compare, level;
	double least = -60, most = 60;

	if (!find(name, &kind, &parameter, &compare, &level))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "no model parameter \"%s\"", name);
	if (parameter < PARAMETERS)
	{
		least = parameters[parameter].least;
		most = parameters[parameter].most;
	}
	if (!(value >= least && value <= most))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "\"%s\" must be from %g to %g", name,
					   least, most);
	if (parameter < PARAMETERS && parameters[parameter].scale <= 1 && value != floor(value))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "\"%s\" must be a whole number", name);
	if (parameter < PARAMETERS)
	{
		model->kind[kind].parameter[parameter] =
			(int32_t) lrint(value * parameters[parameter].scale);
		model->kind[kind].held[parameter] = true;
	}
	else
	{
		model->kind[kind].weight[compare][level] = (int32_t) lrint(value * BIT);
		model->kind[kind].pinned[compare][level] = true;
	}
	identity_model_rehash(model);
	return true;
}
