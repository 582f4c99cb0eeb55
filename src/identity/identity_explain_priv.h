/* SPDX-License-Identifier: PostgreSQL */
/*
 * identity_explain_priv.h — what the two files of explanations share.
 */
#ifndef GOLDPAN_IDENTITY_EXPLAIN_PRIV_H
#define GOLDPAN_IDENTITY_EXPLAIN_PRIV_H

#include "identity/identity_state_priv.h"

/* Is there an edge from the record to the other: did a key in common lead to a comparison? */
bool identity_explain_linked(const Identity *identity, const RecordRow *record, uint32_t other);

/* Says, in lines that begin with "change ", what would have to be otherwise for the record to belong
 * to the customer, or not to; nothing where there is no other record. Errors: STOP ERR_NOMEM. */
bool identity_explain_change(const Identity *identity, uint32_t number, uint32_t entity,
							 Buffer *out, Err *err) MUST_CHECK;

#endif
