/* SPDX-License-Identifier: PostgreSQL */
/*
 * dataset_event.c — ids, events and judgements as text.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/dataset_state_priv.h"

/* ---- ids ---- */

const char *
dataset_id_text(IdentityId id, char text[DATASET_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	unsigned any = 0;

	for (size_t i = 0; i < sizeof(id.bytes); i++)
	{
		any |= id.bytes[i];
		text[2 * i] = digits[id.bytes[i] >> 4];
		text[2 * i + 1] = digits[id.bytes[i] & 15];
	}
	text[any != 0 ? 2 * sizeof(id.bytes) : 0] = '\0';
	return text;
}

bool
dataset_id_parse(const char *text, IdentityId *id)
{
	if (strlen(text) != 2 * sizeof(id->bytes) ||
		strspn(text, "0123456789abcdefABCDEF") != 2 * sizeof(id->bytes))
		return false;
	for (size_t i = 0; i < sizeof(id->bytes); i++)
	{
		char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

		id->bytes[i] = (uint8_t) strtoul(pair, NULL, 16);
	}
	return true;
}

/* ---- events ---- */

bool
dataset_events_put(const IdentityDelta *delta, Buffer *out, Err *err)
{
	size_t count;
	const IdentityEvent *events = identity_delta_events(delta, &count);

	for (size_t i = 0; i < count; i++)
	{
		const IdentityEvent *event = &events[i];
		const char *source = event->ref.source != NULL ? event->ref.source : "";
		const char *id = event->ref.source != NULL ? event->ref.id : "";
		char customer[DATASET_ID_TEXT];
		char other[DATASET_ID_TEXT];

		if (!buffer_printf(out, err, "%llu,%s,%s,%s", (unsigned long long) event->position,
						   identity_event_name(event->type),
						   dataset_id_text(event->customer, customer),
						   dataset_id_text(event->other, other)) ||
			!dataset_csv_put(out, false, source, strlen(source), err) ||
			!dataset_csv_put(out, false, id, strlen(id), err) ||
			!buffer_printf(out, err, ",%u\n", event->version))
			return false;
	}
	return true;
}

/* ---- judgements ---- */

#define EVENT_UNDO "undo" /* in the place of a verdict */

static json_t *
event_ref(IdentityRef ref)
{
	if (ref.source == NULL || ref.id == NULL)
		return json_null();
	return json_pack("[ss]", ref.source, ref.id);
}

static json_t *
event_refs(const IdentityRef *refs, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		(void) json_array_append_new(list, event_ref(refs[i]));
	return list;
}

bool
dataset_judgement_put(const IdentityChange *change, Buffer *out, Err *err)
{
	const IdentityJudgement *judgement = &change->judgement;
	bool undo = change->type == IDENTITY_UNDO;
	json_t *json = json_pack(
		"{sIsIsIsssososososossss}", "position", (json_int_t) change->position, "time",
		(json_int_t) change->time, "handle", (json_int_t) judgement->handle, "verdict",
		undo ? EVENT_UNDO : identity_verdict_name(judgement->verdict), "a", event_ref(judgement->a),
		"b", event_ref(judgement->b), "seen_a",
		event_refs(judgement->seen_a, undo ? 0 : judgement->nseen_a), "seen_b",
		event_refs(judgement->seen_b, undo ? 0 : judgement->nseen_b), "versions",
		json_pack("[II]", (json_int_t) judgement->version_a, (json_int_t) judgement->version_b),
		"user", judgement->user != NULL ? judgement->user : "", "reason",
		judgement->reason != NULL ? judgement->reason : "");
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	bool ok = text != NULL
				  ? buffer_append_text(out, text, err) && buffer_append_byte(out, '\n', err)
				  : err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory writing a judgement");

	free(text);
	json_decref(json);
	return ok;
}

/* ---- forgetting ---- */

static bool
event_forgotten(const DatasetErasures *erasures, IdentityRef ref)
{
	const DatasetErasure *erasure = ref.source != NULL ? dataset_erasure_find(erasures, ref) : NULL;

	return erasure != NULL && erasure->fresh;
}

/* Leaves of those listed, which are the caller's own copy, the ones that were not erased. */
static size_t
event_keep(const DatasetErasures *erasures, const IdentityRef *refs, size_t count)
{
	IdentityRef *list = (IdentityRef *) refs;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
	{
		if (!event_forgotten(erasures, refs[i]))
			list[kept++] = refs[i];
	}
	return kept;
}

bool
dataset_judgement_forget(const DatasetErasures *erasures, IdentityJudgement *judgement)
{
	bool split = judgement->verdict == IDENTITY_SPLIT && judgement->nseen_b > 0;
	IdentityRef b = split ? judgement->seen_b[0] : judgement->b;

	if (event_forgotten(erasures, judgement->a) || event_forgotten(erasures, b))
		return false;
	judgement->nseen_a = event_keep(erasures, judgement->seen_a, judgement->nseen_a);
	judgement->nseen_b = event_keep(erasures, judgement->seen_b, judgement->nseen_b);
	return true;
}

/* ---- reading ---- */

static const char *
event_copy(Arena *arena, const json_t *json, Err *err)
{
	const char *text = json_string_value(json);

	return text != NULL ? arena_text(arena, text, strlen(text), err) : NULL;
}

static bool
event_read_ref(Arena *arena, const json_t *json, IdentityRef *ref, Err *err)
{
	memset(ref, 0, sizeof(*ref));
	if (!json_is_array(json))
		return true;
	ref->source = event_copy(arena, json_array_get(json, 0), err);
	ref->id = event_copy(arena, json_array_get(json, 1), err);
	return ref->source != NULL && ref->id != NULL;
}

static bool
event_read_refs(Arena *arena, const json_t *json, const IdentityRef **refs, size_t *count, Err *err)
{
	size_t size = json_array_size(json);
	IdentityRef *list = arena_zero(arena, (size + 1) * sizeof(*list), err);

	if (list == NULL)
		return false;
	for (size_t i = 0; i < size; i++)
	{
		if (!event_read_ref(arena, json_array_get(json, i), &list[i], err) ||
			list[i].source == NULL)
			return false;
	}
	*refs = list;
	*count = size;
	return true;
}

static bool
event_read(const json_t *json, Arena *arena, IdentityChange *change, Err *err)
{
	IdentityJudgement *judgement = &change->judgement;
	const char *verdict = json_string_value(json_object_get(json, "verdict"));
	const json_t *versions = json_object_get(json, "versions");

	memset(change, 0, sizeof(*change));
	change->type = IDENTITY_JUDGE;
	if (verdict != NULL && strcmp(verdict, EVENT_UNDO) == 0)
		change->type = IDENTITY_UNDO;
	else if (verdict == NULL ||
			 !identity_verdict_parse(verdict, strlen(verdict), &judgement->verdict))
		return false;
	change->position = (uint64_t) json_integer_value(json_object_get(json, "position"));
	change->time = json_integer_value(json_object_get(json, "time"));
	judgement->handle = (uint64_t) json_integer_value(json_object_get(json, "handle"));
	judgement->version_a = (uint32_t) json_integer_value(json_array_get(versions, 0));
	judgement->version_b = (uint32_t) json_integer_value(json_array_get(versions, 1));
	judgement->user = event_copy(arena, json_object_get(json, "user"), err);
	judgement->reason = event_copy(arena, json_object_get(json, "reason"), err);
	return judgement->handle != 0 &&
		   event_read_ref(arena, json_object_get(json, "a"), &judgement->a, err) &&
		   event_read_ref(arena, json_object_get(json, "b"), &judgement->b, err) &&
		   event_read_refs(arena, json_object_get(json, "seen_a"), &judgement->seen_a,
						   &judgement->nseen_a, err) &&
		   event_read_refs(arena, json_object_get(json, "seen_b"), &judgement->seen_b,
						   &judgement->nseen_b, err);
}

bool
dataset_judgement_parse(const char *line, size_t length, Arena *arena, IdentityChange *change,
						Err *err)
{
	json_error_t error;
	json_t *json = json_loadb(line, length, 0, &error);
	bool ok;

	(void) err_set(err, ERR_CLASS_STOP, ERR_DATA, "a stored judgement cannot be read");
	ok = json != NULL && event_read(json, arena, change, err);
	json_decref(json);
	if (ok)
		err_clear(err);
	return ok;
}
