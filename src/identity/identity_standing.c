/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_standing — what a value tells by who uses it: one customer's own, shared, or anybody's.
 *
 * A function of the records that bear the value and never of their order.
 */
#include "identity/identity_state_priv.h"

static uint32_t
names_allowed(const Identity *identity, unsigned kind, FormKind value)
{
	Parameter p = value == FORM_EMAIL	 ? PARAMETER_names_per_email
				  : value == FORM_PHONE	 ? PARAMETER_names_per_phone
				  : value == FORM_ID	 ? PARAMETER_names_per_id
				  : value == FORM_DOMAIN ? PARAMETER_names_per_phone
										 : PARAMETER_names_per_address;

	return (uint32_t) model_parameter(identity->model, kind, p);
}

/* A name as far as counting users of a value goes: typing errors should not count. */
static uint32_t
rough_name(const IdentityForm *form)
{
	uint32_t given = 0, family = 0;

	if (form->kind == IDENTITY_COMPANY)
		return form->first[FORM_WORD] < form->first[FORM_WORD + 1]
				   ? form->values[form->first[FORM_WORD]].sound
				   : 0;
	if (form->given != ABSENT)
		given = form->values[form->given].initial;
	if (form->family != ABSENT)
		family = form->values[form->family].initial;
	return given << 8 | family;
}

static bool
generic(const Identity *identity, const uint32_t *members, uint32_t count, unsigned kind,
		FormKind value)
{
	uint32_t names[POSTINGS_MAX], distinct = 0, allowed = names_allowed(identity, kind, value);

	if (count > identity_value_cap(identity, kind))
		return true;
	for (uint32_t i = 0; i < count && count > allowed; i++)
	{
		uint32_t name =
			rough_name(identity_form_of(identity, identity_record(identity, members[i])));
		uint32_t j = 0;

		while (j < distinct && names[j] != name)
			j++;
		if (j == distinct)
			names[distinct++] = name;
	}
	return distinct > allowed;
}

static bool
may_be_shared(FormKind value)
{
	return value == FORM_EMAIL || value == FORM_PHONE || value == FORM_DOMAIN;
}

/* Does the record plainly bear another name than one of the members? */
static bool
other_name(const Identity *identity, uint32_t number, const uint32_t *members, uint32_t count)
{
	const IdentityForm *form = identity_form_of(identity, identity_record(identity, number));

	for (uint32_t i = 0; i < count; i++)
		if (members[i] != number &&
			identity_compare_other_name(
				form, identity_form_of(identity, identity_record(identity, members[i]))))
			return true;
	return false;
}

uint8_t
identity_value_standing(const Identity *identity, const uint32_t *members, uint32_t count,
						unsigned kind, FormKind value, int before)
{
	if (generic(identity, members, count, kind, value))
		return VALUE_GENERIC;
	if (!may_be_shared(value) || count < 2)
		return 0;
	if (before == VALUE_SHARED)
		return VALUE_SHARED;
	if (before == 0)
		return other_name(identity, members[count - 1], members, count - 1) ? VALUE_SHARED : 0;
	for (uint32_t i = 1; i < count; i++)
		if (other_name(identity, members[i], members, i))
			return VALUE_SHARED;
	return 0;
}
