/* SPDX-License-Identifier: PostgreSQL */
/*
 * canonical_builtin.c — the canonical schemas that Goldpan brings, compiled in.
 *
 * The program must run where nothing but its binary was copied; a deployment's
 * own directories override these by name.
 */
#include "goldpan/canonical.h"

#include <string.h>

#include "account_avsc.h"
#include "consent_avsc.h"
#include "contact_avsc.h"
#include "invoice_avsc.h"
#include "opportunity_avsc.h"
#include "order_avsc.h"
#include "product_avsc.h"
#include "subscription_avsc.h"
#include "ticket_avsc.h"
#include "usage_avsc.h"

typedef struct CanonicalBuiltin
{
	const char *name;
	const unsigned char *text;
} CanonicalBuiltin;

static const CanonicalBuiltin canonical_builtins[] = {
	{"account", avsc_account}, {"consent", avsc_consent},			{"contact", avsc_contact},
	{"invoice", avsc_invoice}, {"opportunity", avsc_opportunity},	{"order", avsc_order},
	{"product", avsc_product}, {"subscription", avsc_subscription}, {"ticket", avsc_ticket},
	{"usage", avsc_usage},
};

#define CANONICAL_NBUILTINS (sizeof(canonical_builtins) / sizeof(canonical_builtins[0]))

const char *
canonical_builtin_name(size_t index)
{
	return index < CANONICAL_NBUILTINS ? canonical_builtins[index].name : NULL;
}

const char *
canonical_builtin_schema(const char *name)
{
	for (size_t i = 0; i < CANONICAL_NBUILTINS; i++)
		if (strcmp(canonical_builtins[i].name, name) == 0)
			return (const char *) canonical_builtins[i].text;
	return NULL;
}
