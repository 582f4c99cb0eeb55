/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review_json.c — `goldpan review --json`: a line a question, a line an answer.
 *
 * Out:  {"item":1,"type":"join","a":{…},"b":{…},"score":…,…}   the question that is open
 *       {"answered":1,"status":"done"}                         what became of an answer
 *       {"end":true,"answered":N}                              no question is left, or it was ended
 * In:   {"item":1,"answer":"same"|"different"|"unsure"}
 *       {"item":1,"answer":"split","records":[[source,id],…]}  the records that are foreign
 *       {"undo":true}   the user's last answer    {"end":true}, or the end of input
 * with optional "user" and "reason". Every line in gets one line with what became of it, then the next
 * question follows; an answer that was refused gets the question that is now the most valuable.
 */
#include "cli/cli_review_priv.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

typedef struct JsonRun
{
	ReviewSession *session;
	const char *user;
	bool values;
	int64_t number; /* of the open question */
	bool ended;
} JsonRun;

static bool
json_line(json_t *json, Err *err)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
	bool ok = text != NULL && puts(text) >= 0 && fflush(stdout) == 0;

	if (!ok)
		(void) err_set(err, ERR_CLASS_STOP, ERR_IO, "could not write to standard output: %m");
	free(text);
	json_decref(json);
	return ok;
}

/* ---- questions ---- */

static json_t *
json_values(const JsonRun *run, IdentityRef ref)
{
	static IdentityField fields[DATASET_MAX_FIELDS];
	json_t *list = json_array();
	DatasetStored stored;
	size_t count = 0;

	if (dataset_store_find(run->session->store, ref, &stored))
		count = dataset_store_fields(&stored, fields);
	for (size_t i = 0; i < count; i++)
		(void) json_array_append_new(list, json_pack("[ss%]",
													 identity_attribute_name(fields[i].attribute),
													 fields[i].text, fields[i].length));
	return list;
}

static json_t *
json_side(const JsonRun *run, IdentityRef anchor, IdentityId customer, const IdentityRef *members,
		  size_t count)
{
	char id[DATASET_ID_TEXT];
	json_t *list = json_array();
	json_t *side = json_pack("{ssssss}", "source", anchor.source, "id", anchor.id, "customer",
							 dataset_id_text(customer, id));

	for (size_t i = 0; i < count; i++)
		(void) json_array_append_new(list, json_pack("[ss]", members[i].source, members[i].id));
	(void) json_object_set_new(side, "members", list);
	if (run->values)
		(void) json_object_set_new(side, "values", json_values(run, anchor));
	return side;
}

static bool
json_question(const JsonRun *run, const ReviewItem *item, Err *err)
{
	const IdentityReviewItem *of = &item->item;
	json_t *json = json_pack(
		"{sIsssososfsfsfsfss}", "item", (json_int_t) run->number, "type",
		review_type_name(of->type), "a",
		json_side(run, of->a, of->customer_a, item->members_a, item->nmembers_a), "b",
		json_side(run, of->b, of->customer_b, item->members_b, item->nmembers_b), "score", of->best,
		"mean", of->mean, "probability", of->probability, "value", of->value, "reason", of->reason);
	Buffer text;
	bool ok = true;

	buffer_init(&text, (size_t) 16 << 20);
	if (run->values)
	{
		ok = identity_explain_pair(run->session->identity, of->a, of->b, &text, err);
		if (ok)
			(void) json_object_set_new(json, "explanation",
									   json_stringn((const char *) text.data, text.length));
	}
	buffer_release(&text);
	if (ok)
		return json_line(json, err);
	json_decref(json);
	return false;
}

/* ---- answers ---- */

static bool
json_refuse(const JsonRun *run, const char *why, Err *err)
{
	return json_line(json_pack("{sIssss}", "answered", (json_int_t) run->number, "status",
							   "refused", "message", why),
					 err);
}

static IdentityRef *
json_foreign(const JsonRun *run, const json_t *records, Err *err)
{
	size_t count = json_array_size(records);
	IdentityRef *foreign = arena_alloc(&run->session->arena, (count + 1) * sizeof(*foreign), err);

	for (size_t i = 0; foreign != NULL && i < count; i++)
	{
		const json_t *pair = json_array_get(records, i);

		foreign[i].source = json_string_value(json_array_get(pair, 0));
		foreign[i].id = json_string_value(json_array_get(pair, 1));
		if (foreign[i].source == NULL || foreign[i].id == NULL)
			foreign[i].source = foreign[i].id = "";
	}
	return foreign;
}

static bool
json_undo(const JsonRun *run, const char *user, Err *err)
{
	uint64_t handle;

	if (!review_undo(run->session, user, &handle, err))
		return false;
	return json_line(json_pack("{sIss}", "undone", (json_int_t) handle, "status",
							   handle != 0 ? "done" : "absent"),
					 err);
}

static bool
json_answer(JsonRun *run, const ReviewItem *item, const json_t *json, Err *err)
{
	const char *verdict = json_string_value(json_object_get(json, "answer"));
	const char *user = json_string_value(json_object_get(json, "user"));
	const char *reason = json_string_value(json_object_get(json, "reason"));
	const json_t *records = json_object_get(json, "records");
	ReviewAnswer answer = {.user = user != NULL ? user : run->user,
						   .reason = reason != NULL ? reason : ""};
	IdentityStatus status;
	const char *message;
	json_t *reply;

	if (json_is_true(json_object_get(json, "end")))
	{
		run->ended = true;
		return true;
	}
	if (review_user_problem(answer.user) != NULL)
		return json_refuse(run, review_user_problem(answer.user), err);
	if (json_is_true(json_object_get(json, "undo")))
		return json_undo(run, answer.user, err);
	if (json_integer_value(json_object_get(json, "item")) != run->number)
		return json_refuse(run, "the answer is to another item than the open one", err);
	if (verdict == NULL || !identity_verdict_parse(verdict, strlen(verdict), &answer.verdict))
		return json_refuse(run, "answer must be same, different, unsure or split", err);
	if ((answer.verdict == IDENTITY_SPLIT) != (json_array_size(records) > 0))
		return json_refuse(run, "a split, and nothing else, names the foreign records", err);
	answer.nforeign = json_array_size(records);
	answer.foreign = json_foreign(run, records, err);
	if (answer.foreign == NULL ||
		!review_answer(run->session, item, &answer, &status, &message, err))
		return false;
	reply = json_pack("{sIss}", "answered", (json_int_t) run->number, "status",
					  review_status_name(status));
	if (message != NULL && message[0] != '\0')
		(void) json_object_set_new(reply, "message", json_string(message));
	return json_line(reply, err);
}

static bool
json_read(JsonRun *run, const ReviewItem *item, char *line, ssize_t length, Err *err)
{
	json_error_t error;
	json_t *json = json_loadb(line, (size_t) length, JSON_REJECT_DUPLICATES, &error);
	bool ok;

	ok = json != NULL ? json_answer(run, item, json, err)
					  : json_refuse(run, "the line is no JSON object", err);
	json_decref(json);
	return ok;
}

bool
review_json(ReviewSession *session, const CliArgs *args, Err *err)
{
	JsonRun run = {
		.session = session, .user = review_user(args), .values = cli_has(args, "values")};
	char *line = NULL;
	size_t size = 0;
	ReviewItem item;
	bool found = false;
	bool ok = true;

	while (ok && !run.ended)
	{
		ssize_t length;

		ok = review_next(session, &item, &found, err);
		if (!ok || !found)
			break;
		run.number++;
		ok = json_question(&run, &item, err);
		length = ok ? getline(&line, &size, stdin) : -1;
		if (length < 0)
			break;
		ok = json_read(&run, &item, line, length, err);
	}
	free(line);
	return ok &&
		   json_line(json_pack("{sbsI}", "end", 1, "answered", (json_int_t) session->answered),
					 err);
}
