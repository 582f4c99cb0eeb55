/* SPDX-License-Identifier: PostgreSQL */
/*
 * cli_review.c — `goldpan review`: questions out of the engine, answers into it.
 *
 * Terminal, CSV and JSON lines are three ways to the same two steps: the most valuable question, and
 * an answer that is durable before it counts. The queue is the engine's and is asked for
 * anew after each answer, since an answer may settle others.
 */
#include "cli/cli_review_priv.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "goldpan/alloc.h"
#include "goldpan/clock.h"

#define REVIEW_USER_MOST 200 /* as the message says */

/* ---- names ---- */

const char *
review_type_name(IdentityReviewType type)
{
	return type == IDENTITY_REVIEW_SPLIT   ? "split"
		   : type == IDENTITY_REVIEW_AUDIT ? "audit"
										   : "join";
}

const char *
review_status_name(IdentityStatus status)
{
	static const char *const names[] = {"done",	  "done",  "replayed",
										"absent", "stale", "contradiction"};

	return (size_t) status < sizeof(names) / sizeof(names[0]) ? names[status] : "refused";
}

const char *
review_user(const CliArgs *args)
{
	const char *user = cli_value(args, "user");
	const struct passwd *entry = user == NULL ? getpwuid(getuid()) : NULL;

	return user != NULL ? user : entry != NULL ? entry->pw_name : "unknown";
}

const char *
review_user_problem(const char *user)
{
	size_t length = strlen(user);

	for (size_t i = 0; i < length; i++)
	{
		if ((unsigned char) user[i] < ' ' || user[i] == 0x7f)
			return "the user's name has a control character";
	}
	if (length > 0 && length <= REVIEW_USER_MOST && dataset_utf8_valid(user, length))
		return NULL;
	return "the user must be a name in UTF-8 of 1 to 200 bytes";
}

static bool
review_user_fits(const CliArgs *args, Err *err)
{
	const char *problem = review_user_problem(review_user(args));

	return problem == NULL || cli_usage_error(args->command, err, "%s (--user)", problem);
}

/* ---- opening ---- */

bool
review_open(ReviewSession *session, const CliArgs *args, Err *err)
{
	const IdentityMemory memory = {.ceiling = 0};
	const char *path = cli_identity_required(args, "state", err);
	int64_t audit = 0;
	uint32_t ordinal;

	memset(session, 0, sizeof(*session));
	arena_init(&session->arena, (size_t) 64 << 20);
	buffer_init(&session->events, (size_t) 256 << 20);
	buffer_init(&session->line, (size_t) 64 << 20);
	if (path == NULL || !cli_number(args, "audit", 0, &audit, err))
		return false;
	session->audit = (size_t) audit;
	session->state =
		dataset_state_open(path, cli_has(args, "export") ? DATASET_READ : DATASET_CHANGE, err);
	if (session->state == NULL ||
		(session->store = dataset_state_store(session->state, err)) == NULL ||
		(session->identity = dataset_state_identity(session->state, &memory, err)) == NULL)
		return false;
	identity_position(session->identity, &session->position, &ordinal);
	return true;
}

void
review_close(ReviewSession *session)
{
	for (size_t i = 0; i < session->nasked; i++)
		alloc_free(session->asked[i]);
	alloc_free(session->asked);
	arena_release(&session->arena);
	buffer_release(&session->events);
	buffer_release(&session->line);
	dataset_state_close(session->state);
}

/* ---- the next question ---- */

static bool
review_copy_ref(Arena *arena, IdentityRef from, IdentityRef *to, Err *err)
{
	to->source = arena_text(arena, from.source, strlen(from.source), err);
	to->id = arena_text(arena, from.id, strlen(from.id), err);
	return to->source != NULL && to->id != NULL;
}

bool
review_same_ref(IdentityRef a, IdentityRef b)
{
	return strcmp(a.source, b.source) == 0 && strcmp(a.id, b.id) == 0;
}

typedef struct ReviewMembers
{
	ReviewSession *session;
	IdentityRef *refs;
	size_t count;
	size_t capacity;
	const IdentityRef *without; /* or NULL */
	Err *err;
	bool ok;
} ReviewMembers;

static bool
review_member(void *context, const IdentityMember *member)
{
	ReviewMembers *to = context;

	if (to->without != NULL && review_same_ref(*to->without, member->ref))
		return true;
	if (to->count == to->capacity)
	{
		size_t capacity = to->capacity == 0 ? 16 : to->capacity * 2;
		IdentityRef *grown = arena_alloc(&to->session->arena, capacity * sizeof(*grown), to->err);

		to->ok = grown != NULL;
		if (!to->ok)
			return false;
		if (to->count > 0)
			memcpy(grown, to->refs, to->count * sizeof(*grown));
		to->refs = grown;
		to->capacity = capacity;
	}
	to->ok = review_copy_ref(&to->session->arena, member->ref, &to->refs[to->count], to->err);
	to->count++;
	return to->ok;
}

static bool
review_side(ReviewSession *session, const IdentityId *customer, const IdentityRef *without,
			const IdentityRef **refs, size_t *count, Err *err)
{
	ReviewMembers to = {.session = session, .without = without, .err = err, .ok = true};

	identity_members(session->identity, customer, review_member, &to);
	*refs = to.refs;
	*count = to.count;
	return to.ok;
}

bool
review_members(ReviewSession *session, ReviewItem *item, Err *err)
{
	bool one =
		memcmp(&item->item.customer_a, &item->item.customer_b, sizeof(item->item.customer_a)) == 0;

	if (!review_side(session, &item->item.customer_a, one ? &item->item.b : NULL, &item->members_a,
					 &item->nmembers_a, err))
		return false;
	if (!one)
		return review_side(session, &item->item.customer_b, NULL, &item->members_b,
						   &item->nmembers_b, err);
	item->members_b = &item->item.b;
	item->nmembers_b = 1;
	return true;
}

static bool
review_item_key(const IdentityReviewItem *item, Buffer *key, Err *err)
{
	buffer_clear(key);
	return buffer_printf(key, err, "%s\x01%s\x01%s\x01%s", item->a.source, item->a.id,
						 item->b.source, item->b.id);
}

typedef struct ReviewFirst
{
	ReviewSession *session;
	ReviewItem *item;
	bool found;
	size_t count;
	size_t audits; /* those of earlier looks left out */
	bool ok;
	Err *err;
} ReviewFirst;

static bool
review_visit(void *context, const IdentityReviewItem *from)
{
	ReviewFirst *first = context;
	ReviewSession *session = first->session;

	if (session->nasked > 0)
		first->ok = review_item_key(from, &session->line, first->err);
	for (size_t i = 0; first->ok && i < session->nasked; i++)
	{
		if (strcmp(session->asked[i], (const char *) session->line.data) == 0)
			return true;
	}
	if (from->type == IDENTITY_REVIEW_AUDIT && first->audits++ >= session->audit - session->audited)
		return first->ok;
	first->count++;
	if (first->found || !first->ok)
		return first->ok;
	first->found = true;
	memset(first->item, 0, sizeof(*first->item));
	first->item->item = *from;
	first->item->item.reason =
		arena_text(&session->arena, from->reason, strlen(from->reason), first->err);
	first->ok = first->item->item.reason != NULL &&
				review_copy_ref(&session->arena, from->a, &first->item->item.a, first->err) &&
				review_copy_ref(&session->arena, from->b, &first->item->item.b, first->err);
	return first->ok;
}

bool
review_next(ReviewSession *session, ReviewItem *item, bool *found, Err *err)
{
	ReviewFirst first = {.session = session, .item = item, .ok = true, .err = err};

	arena_reset(&session->arena);
	if (!identity_review(session->identity, session->audit, review_visit, &first, err) || !first.ok)
		return false;
	session->open = first.count;
	*found = first.found;
	return !first.found || review_members(session, item, err);
}

/* Once a sitting: an audit link, whatever the answer, and a question whose answer contradicted
 * earlier ones, which would be refused again until one of those is undone. */
static bool
review_asked(ReviewSession *session, const ReviewItem *item, IdentityStatus status, Err *err)
{
	char **grown;

	if (item->item.type != IDENTITY_REVIEW_AUDIT && status != IDENTITY_CONTRADICTION)
		return true;
	session->audited += item->item.type == IDENTITY_REVIEW_AUDIT ? 1 : 0;
	if (!review_item_key(&item->item, &session->line, err))
		return false;
	grown = alloc_resize(session->asked, (session->nasked + 1) * sizeof(*grown));
	if (grown != NULL)
	{
		session->asked = grown;
		session->asked[session->nasked] = alloc_text((const char *) session->line.data);
		if (session->asked[session->nasked] != NULL)
		{
			session->nasked++;
			return true;
		}
	}
	return err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory");
}

/* ---- answers ---- */

/* Prepares the changes that one answer, or its undoing, makes; when the engine takes them all, makes
 * them durable and commits. */
static bool
review_apply(ReviewSession *session, IdentityChange *changes, size_t count, IdentityStatus *status,
			 const char **message, Err *err)
{
	const IdentityDelta *delta;
	const char *why = NULL;
	const void *bytes;
	size_t length;
	int64_t now = clock_wall();
	bool ok = true;

	for (size_t i = 0; i < count; i++)
	{
		changes[i].position = session->position + 1 + i;
		changes[i].time = now;
		if (changes[i].type == IDENTITY_JUDGE)
			changes[i].judgement.handle = changes[i].position;
		changes[i].handle = changes[i].judgement.handle;
	}
	if (!identity_prepare(session->identity, changes, count, &delta, err))
		return false;
	*status = IDENTITY_DONE;
	*message = NULL;
	for (size_t i = 0; i < count && *status == IDENTITY_DONE; i++)
	{
		*status = identity_delta_status(delta, i, &why);
		if (*status == IDENTITY_SAME_FORM)
			*status = IDENTITY_DONE;
	}
	if (*status != IDENTITY_DONE)
	{
		*message =
			arena_text(&session->arena, why != NULL ? why : "", why != NULL ? strlen(why) : 0, err);
		identity_abort(session->identity);
		return *message != NULL;
	}
	buffer_clear(&session->events);
	buffer_clear(&session->line);
	bytes = identity_delta_bytes(delta, &length);
	for (size_t i = 0; i < count && ok; i++)
		ok = dataset_judgement_put(&changes[i], &session->line, err);
	ok = ok && dataset_events_put(delta, &session->events, err) &&
		 dataset_state_append(session->state, bytes, length, &session->events, &session->line, err);
	session->position += count;
	if (ok)
		identity_commit(session->identity);
	else
		identity_abort(session->identity);
	return ok;
}

static bool
review_listed(const IdentityRef *refs, size_t count, IdentityRef ref)
{
	for (size_t i = 0; i < count; i++)
	{
		if (review_same_ref(refs[i], ref))
			return true;
	}
	return false;
}

/* The judgement that takes the foreign records out of one customer, if it has some; its anchor is the
 * first member that stays. False: none stays. */
static bool
review_split_side(const IdentityRef *members, size_t nmembers, const ReviewAnswer *answer,
				  IdentityRef *stays, IdentityRef *foreign, IdentityChange *change)
{
	IdentityJudgement *judgement = &change->judgement;

	*change = (IdentityChange){.type = IDENTITY_JUDGE};
	for (size_t i = 0; i < nmembers; i++)
	{
		if (review_listed(answer->foreign, answer->nforeign, members[i]))
			foreign[judgement->nseen_b++] = members[i];
		else
			stays[judgement->nseen_a++] = members[i];
	}
	judgement->verdict = IDENTITY_SPLIT;
	judgement->a = stays[0];
	judgement->seen_a = stays;
	judgement->seen_b = foreign;
	judgement->user = answer->user;
	judgement->reason = answer->reason;
	return judgement->nseen_b == 0 || judgement->nseen_a > 0;
}

/* Both sides' judgements are one answer: taken together, or not. */
static bool
review_split(ReviewSession *session, const ReviewItem *item, const ReviewAnswer *answer,
			 IdentityStatus *status, const char **message, Err *err)
{
	bool one =
		memcmp(&item->item.customer_a, &item->item.customer_b, sizeof(item->item.customer_a)) == 0;
	struct
	{
		const IdentityRef *members;
		size_t count;
		uint32_t version;
	} sides[] = {{item->members_a, item->nmembers_a, item->item.version_a},
				 {item->members_b, item->nmembers_b, item->item.version_b}};
	IdentityChange changes[2];
	size_t moved = 0;
	size_t count = 0;

	*status = IDENTITY_ABSENT;
	*message = "a split must leave a record of the customer where it is";
	if (one && !review_side(session, &item->item.customer_a, NULL, &sides[0].members,
							&sides[0].count, err))
		return false;
	for (size_t i = 0; i < (one ? 1 : 2); i++)
	{
		size_t room = (sides[i].count + 1) * sizeof(IdentityRef);
		IdentityRef *stays = arena_zero(&session->arena, room, err);
		IdentityRef *foreign = arena_zero(&session->arena, room, err);

		if (stays == NULL || foreign == NULL)
			return false;
		if (!review_split_side(sides[i].members, sides[i].count, answer, stays, foreign,
							   &changes[count]))
			return true;
		if (changes[count].judgement.nseen_b == 0)
			continue;
		moved += changes[count].judgement.nseen_b;
		/* the second follows the first, which may change its customer */
		changes[count].judgement.version_a = count == 0 ? sides[i].version : 0;
		if (count == 1 && identity_version(session->identity, item->item.customer_b, NULL) !=
							  item->item.version_b)
		{
			*status = IDENTITY_STALE;
			*message = "the customers changed since they were shown";
			return true;
		}
		count++;
	}
	*message = "the foreign records are in neither customer";
	if (count > 0 && !review_apply(session, changes, count, status, message, err))
		return false;
	if (*status == IDENTITY_DONE && moved != answer->nforeign)
		*message = "some of the foreign records are in neither customer";
	return true;
}

bool
review_answer(ReviewSession *session, const ReviewItem *item, const ReviewAnswer *answer,
			  IdentityStatus *status, const char **message, Err *err)
{
	IdentityChange change = {.type = IDENTITY_JUDGE};
	bool ok;

	*message = NULL;
	if (answer->verdict == IDENTITY_SPLIT)
		ok = review_split(session, item, answer, status, message, err);
	else
	{
		change.judgement.verdict = answer->verdict;
		change.judgement.a = item->item.a;
		change.judgement.b = item->item.b;
		change.judgement.seen_a = item->members_a;
		change.judgement.nseen_a = item->nmembers_a;
		change.judgement.seen_b = item->members_b;
		change.judgement.nseen_b = item->nmembers_b;
		change.judgement.version_a = item->item.version_a;
		change.judgement.version_b = item->item.version_b;
		change.judgement.user = answer->user;
		change.judgement.reason = answer->reason;
		ok = review_apply(session, &change, 1, status, message, err);
	}
	session->answered += ok && *status == IDENTITY_DONE;
	if (ok && (*status == IDENTITY_DONE || *status == IDENTITY_CONTRADICTION))
		ok = review_asked(session, item, *status, err);
	return ok;
}

typedef struct ReviewLast
{
	const char *user;
	uint64_t handle;
	uint64_t other; /* the first half of a split on both sides; else 0 */
	int64_t time;
	bool split;
} ReviewLast;

static bool
review_judged(void *context, const IdentityJudged *judged)
{
	ReviewLast *last = context;

	if (strcmp(judged->user != NULL ? judged->user : "", last->user) != 0 ||
		judged->handle <= last->handle)
		return true;
	last->handle = judged->handle;
	last->time = judged->time;
	last->split = judged->verdict == IDENTITY_SPLIT;
	return true;
}

/* Judgements of one moment are one answer. */
static bool
review_judged_with(void *context, const IdentityJudged *judged)
{
	ReviewLast *last = context;

	if (last->split && judged->handle + 1 == last->handle && judged->time == last->time &&
		judged->verdict == IDENTITY_SPLIT)
		last->other = judged->handle;
	return true;
}

bool
review_undo(ReviewSession *session, const char *user, uint64_t *handle, Err *err)
{
	ReviewLast last = {.user = user};
	IdentityChange changes[2] = {{.type = IDENTITY_UNDO}, {.type = IDENTITY_UNDO}};
	IdentityStatus status;
	const char *message;

	identity_judgements(session->identity, review_judged, &last);
	identity_judgements(session->identity, review_judged_with, &last);
	*handle = last.handle;
	if (last.handle == 0)
		return true;
	changes[0].judgement.handle = last.handle;
	changes[1].judgement.handle = last.other;
	changes[0].judgement.user = changes[1].judgement.user = user;
	if (!review_apply(session, changes, last.other != 0 ? 2 : 1, &status, &message, err))
		return false;
	if (status != IDENTITY_DONE)
		*handle = 0;
	else if (session->answered > 0) /* else it was of an earlier sitting */
		session->answered--;
	return true;
}

/* ---- the command ---- */

static bool
review_run(const CliArgs *args, Err *err)
{
	static const char *const files[] = {"import", "export", "rejects"};
	static const char *const ways[] = {"json", "export", "import", NULL};
	ReviewSession session;
	size_t given = 0;
	bool ok;

	for (size_t i = 0; ways[i] != NULL; i++)
		given += cli_has(args, ways[i]) ? 1 : 0;
	if (given > 1)
		return cli_usage_error(args->command, err, "give one of --json, --export and --import");
	/* what they write is for other programs, and for people who are to see all */
	if (cli_has(args, "mask") && (cli_has(args, "export") || cli_has(args, "values")))
		return cli_usage_error(args->command, err,
							   "--mask is for the terminal: %s shows all values",
							   cli_has(args, "export") ? "--export" : "--values");
	if (!review_user_fits(args, err) ||
		!cli_identity_apart(NULL, args, files, sizeof(files) / sizeof(files[0]), err))
		return false;
	ok = review_open(&session, args, err);
	if (ok && cli_has(args, "export"))
		ok = review_export(&session, cli_value(args, "export"), err);
	else if (ok && cli_has(args, "import"))
		ok = review_import(&session, args, cli_value(args, "import"), err);
	else if (ok && cli_has(args, "json"))
		ok = review_json(&session, args, err);
	else if (ok)
		ok = review_terminal(&session, args, err);
	review_close(&session);
	return ok;
}

static const CliOption review_options[] = {
	CLI_IDENTITY_OPTION_STATE,
	{"user", 'u', "NAME", "who answers (default: the login name)"},
	{"audit", 0, "N", "mix in N random automatic links that nobody confirmed"},
	{"export", 0, "FILE", "write the questions as CSV, with an empty column for the answer"},
	{"import", 0, "FILE", "read answers from such a file"},
	{"rejects", 0, "FILE", "with --import: write refused rows here, with reasons"},
	{"json", 0, NULL, "questions and answers as lines of JSON, for programs"},
	{"values", 0, NULL, "with --json: values and explanation of each question too"},
	{"mask", 0, NULL, "on the terminal: show the first character of each word only"},
	CLI_OPTION_END};

const CliCommand cli_review = {
	.name = "review",
	.summary = "answer which records are one customer",
	.description =
		"Asks about customers that may be one, or two, the most valuable question first.",
	.options = review_options,
	.run = review_run,
};
