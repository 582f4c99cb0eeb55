/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_admin.c — make and verify topics and subjects: `goldpan init`, `goldpan check`.
 *
 * Needs rights that the streamer itself does not have (correctness.md K1). Never changes a
 * topic that exists: a wrong policy or too few partitions is reported with the cure, since
 * both decide what consumers will find.
 */
#include "log_kafka_priv.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "goldpan/alloc.h"
#include "goldpan/registry.h"

#define LOG_KAFKA_ADMIN_MS			  30000
#define LOG_KAFKA_PROGRESS_PARTITIONS 8

/* One topic as it should be. */
typedef struct LogKafkaWanted
{
	const char *name;
	int partitions;
	bool compact;		/* cleanup.policy compact instead of delete */
	bool keep_for_ever; /* no retention by time */
	bool progress;
} LogKafkaWanted;

static bool
log_kafka_admin_verify(const LogKafkaWanted *wanted, const LogKafkaTopicState *state, Err *err)
{
	bool compacts = strstr(state->cleanup_policy, "compact") != NULL;
	bool deletes = strstr(state->cleanup_policy, "delete") != NULL;

	if (state->partitions < wanted->partitions)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_LOG_SETUP,
					   "topic \"%s\" exists with %d partitions where %d are wanted", wanted->name,
					   state->partitions, wanted->partitions);
		return err_hint(err, "Ask for %d partitions, or delete the topic if nothing reads it yet.",
						state->partitions);
	}
	if (wanted->progress && (deletes || !compacts) && state->cleanup_policy[0] != '\0')
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_LOG_SETUP,
					   "topic \"%s\" holds the positions and has cleanup.policy=%s: positions "
					   "would be deleted",
					   wanted->name, state->cleanup_policy);
		return err_hint(err, "Set its cleanup.policy to compact.");
	}
	if (!wanted->compact && compacts)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_LOG_SETUP,
					   "topic \"%s\" exists with cleanup.policy=%s: compaction would lose values "
					   "that later records mark as unchanged",
					   wanted->name, state->cleanup_policy);
		return err_hint(err, "Set its cleanup.policy to delete, or ask for compaction.");
	}
	return true;
}

static rd_kafka_NewTopic_t *
log_kafka_admin_new_topic(const LogKafkaWanted *wanted, int replication, Err *err)
{
	char why[200] = "";
	rd_kafka_NewTopic_t *topic =
		rd_kafka_NewTopic_new(wanted->name, wanted->partitions, replication, why, sizeof(why));

	if (topic == NULL)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "could not make topic \"%s\": %s",
					   wanted->name, why);
		return NULL;
	}
	(void) rd_kafka_NewTopic_set_config(topic, "cleanup.policy",
										wanted->compact ? "compact" : "delete");
	if (replication >= 3)
		(void) rd_kafka_NewTopic_set_config(topic, "min.insync.replicas", "2");
	if (wanted->keep_for_ever)
		(void) rd_kafka_NewTopic_set_config(topic, "retention.ms", "-1");
	if (wanted->progress)
	{
		/* read in whole at every start: keep it short */
		(void) rd_kafka_NewTopic_set_config(topic, "segment.bytes", "16777216");
		(void) rd_kafka_NewTopic_set_config(topic, "segment.ms", "3600000");
		(void) rd_kafka_NewTopic_set_config(topic, "min.cleanable.dirty.ratio", "0.1");
	}
	return topic;
}

static bool
log_kafka_admin_created(rd_kafka_event_t *event, const LogKafkaEvents *events, bool *raced,
						Err *err)
{
	const rd_kafka_CreateTopics_result_t *result;
	const rd_kafka_topic_result_t **topics;
	size_t count;

	if (event == NULL)
		return log_kafka_fail(err, events, "make the topics", RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return log_kafka_fail(err, events, "make the topics", rd_kafka_event_error(event),
							  rd_kafka_event_error_string(event));
	result = rd_kafka_event_CreateTopics_result(event);
	topics = rd_kafka_CreateTopics_result_topics(result, &count);
	for (size_t i = 0; i < count; i++)
	{
		rd_kafka_resp_err_t code = rd_kafka_topic_result_error(topics[i]);
		char doing[LOG_KAFKA_NAME_MAX + 32];

		if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			*raced = true;
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
			continue;
		(void) snprintf(doing, sizeof(doing), "make topic \"%s\"",
						rd_kafka_topic_result_name(topics[i]));
		if (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR)
		{
			(void) err_set(err, ERR_CLASS_USAGE, ERR_LOG_SETUP, "could not %s: %s", doing,
						   rd_kafka_topic_result_error_string(topics[i]));
			return err_hint(err, "Ask for no more replicas than there are brokers.");
		}
		return log_kafka_fail(err, events, doing, code,
							  rd_kafka_topic_result_error_string(topics[i]));
	}
	return true;
}

static bool
log_kafka_admin_create(rd_kafka_t *client, const LogKafkaEvents *events,
					   const LogKafkaWanted *wanted, const LogKafkaTopicState *states, size_t count,
					   int replication, bool *raced, Err *err)
{
	rd_kafka_NewTopic_t **topics = alloc_zero(count * sizeof(rd_kafka_NewTopic_t *));
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_event_t *event = NULL;
	size_t ntopics = 0;
	char why[200];
	bool ok = false;

	if (topics == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory making topics");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
	{
		if (states[i].exists)
			continue;
		topics[ntopics] = log_kafka_admin_new_topic(&wanted[i], replication, err);
		if (topics[ntopics] == NULL)
			goto out;
		ntopics++;
	}
	if (ntopics > 0)
	{
		(void) rd_kafka_AdminOptions_set_request_timeout(options, LOG_KAFKA_ADMIN_MS, why,
														 sizeof(why));
		(void) rd_kafka_AdminOptions_set_operation_timeout(options, LOG_KAFKA_ADMIN_MS, why,
														   sizeof(why));
		rd_kafka_CreateTopics(client, topics, ntopics, options, queue);
		event = rd_kafka_queue_poll(queue, LOG_KAFKA_ADMIN_MS + 2000);
		ok = log_kafka_admin_created(event, events, raced, err);
	}
	else
		ok = true;

out:
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	for (size_t i = 0; i < ntopics; i++)
		rd_kafka_NewTopic_destroy(topics[i]);
	alloc_free(topics);
	return ok;
}

/* The controller answers before every broker knows: a stream started next would not find them. */
static bool
log_kafka_admin_wait(rd_kafka_t *client, LogKafkaEvents *events, const char *const *names,
					 LogKafkaTopicState *states, size_t count, Err *err)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	size_t missing = 0;

	for (int tries = 0; tries < 100; tries++)
	{
		if (!log_kafka_topics_find(client, events, names, count, states, err))
			return false;
		for (missing = 0; missing < count && states[missing].exists; missing++)
			;
		if (missing == count)
			return true;
		(void) nanosleep(&pause, NULL);
	}
	return log_kafka_topics_missing(ERR_CLASS_RETRY, names[missing], err);
}

/* The topics as they should be: those given, then the progress topic. */
static void
log_kafka_admin_wanted(const LogKafkaConfig *config, const LogTopic *topics, size_t ntopics,
					   int partitions, bool compact, LogKafkaWanted *wanted, const char **names)
{
	for (size_t i = 0; i < ntopics; i++)
		wanted[i] = (LogKafkaWanted){
			.name = topics[i].name,
			.partitions = topics[i].kind == TOPIC_SNAPSHOT ? 1 : partitions,
			.compact = compact && topics[i].kind == TOPIC_ENTITY,
			.keep_for_ever = topics[i].kind == TOPIC_SNAPSHOT,
		};
	wanted[ntopics] = (LogKafkaWanted){
		.name = config->progress_topic,
		.partitions = LOG_KAFKA_PROGRESS_PARTITIONS,
		.compact = true,
		.progress = true,
	};
	for (size_t i = 0; i <= ntopics; i++)
		names[i] = wanted[i].name;
}

/* A stop of the writer is a mistake of whoever sets up. */
static bool
log_kafka_admin_usage(Err *err)
{
	if (err->class == ERR_CLASS_STOP && err->code == ERR_LOG_SETUP)
		err->class = ERR_CLASS_USAGE;
	return false;
}

typedef enum LogKafkaAdminTask
{
	ADMIN_CREATE,
	ADMIN_CHECK
} LogKafkaAdminTask;

static bool
log_kafka_admin_verify_all(rd_kafka_t *client, LogKafkaEvents *events, const LogKafkaWanted *wanted,
						   const char *const *names, LogKafkaTopicState *states, size_t count,
						   Err *err)
{
	for (size_t i = 0; i < count; i++)
		if (states[i].exists &&
			(!log_kafka_topics_describe(client, events, &names[i], 1, &states[i], err) ||
			 !log_kafka_admin_verify(&wanted[i], &states[i], err)))
			return false;
	return true;
}

static bool
log_kafka_admin_run(const LogKafkaConfig *config, LogKafkaAdminTask task,
					const LogKafkaWanted *wanted, const char *const *names,
					LogKafkaTopicState *states, size_t count, int replication, Err *err)
{
	LogKafkaEvents events = {.scope = "kafka"};
	rd_kafka_t *client = log_kafka_client(config, LOG_KAFKA_ADMIN, NULL, 0, &events, err);
	bool raced = false;
	bool ok;

	if (client == NULL)
		return false;
	ok = log_kafka_topics_find(client, &events, names, count, states, err);
	for (size_t i = 0; ok && task == ADMIN_CHECK && i < count; i++)
		if (!states[i].exists)
			ok = log_kafka_topics_missing(ERR_CLASS_USAGE, names[i], err);
	ok = ok && log_kafka_admin_verify_all(client, &events, wanted, names, states, count, err);
	if (ok && task == ADMIN_CREATE)
		ok = log_kafka_admin_create(client, &events, wanted, states, count, replication, &raced,
									err) &&
			 log_kafka_admin_wait(client, &events, names, states, count, err);
	/* somebody else made a topic meanwhile: is it one that fits? */
	if (ok && raced)
		ok = log_kafka_admin_verify_all(client, &events, wanted, names, states, count, err);
	rd_kafka_destroy(client);
	return ok ? true : log_kafka_admin_usage(err);
}

static bool
log_kafka_admin_topics(const LogKafkaConfig *config, LogKafkaAdminTask task, const LogTopic *topics,
					   size_t ntopics, int partitions, int replication, bool compact, Err *err)
{
	size_t count = ntopics + 1;
	LogKafkaWanted *wanted = alloc_zero(count * sizeof(*wanted));
	LogKafkaTopicState *states = alloc_zero(count * sizeof(*states));
	const char **names = alloc_zero(count * sizeof(*names));
	bool ok;

	if (wanted == NULL || states == NULL || names == NULL)
		ok = err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory preparing topics");
	else
	{
		log_kafka_admin_wanted(config, topics, ntopics, partitions, compact, wanted, names);
		ok = log_kafka_admin_run(config, task, wanted, names, states, count, replication, err);
	}
	alloc_free(wanted);
	alloc_free(states);
	alloc_free(names);
	return ok;
}

bool
log_kafka_init_topics(const LogKafkaConfig *config, const LogTopic *topics, size_t ntopics,
					  int partitions, int replication, bool compact, Err *err)
{
	return log_kafka_admin_topics(config, ADMIN_CREATE, topics, ntopics, partitions, replication,
								  compact, err);
}

bool
log_kafka_check(const LogKafkaConfig *config, const LogTopic *topics, size_t ntopics, Err *err)
{
	/* any number of partitions, compaction on request: both are the operator's */
	return log_kafka_admin_topics(config, ADMIN_CHECK, topics, ntopics, 1, 1, true, err);
}

bool
log_kafka_init_subjects(const LogKafkaConfig *config, const LogTopic *topics, size_t ntopics,
						Err *err)
{
	char subject[LOG_KAFKA_NAME_MAX + 16];
	int32_t id;

	for (size_t i = 0; i < ntopics; i++)
	{
		(void) snprintf(subject, sizeof(subject), "%s-key", topics[i].name);
		if (!registry_register(config->registry, subject, config->key_schema_text, "NONE", &id,
							   err))
			return false;
		(void) snprintf(subject, sizeof(subject), "%s-value", topics[i].name);
		if (!registry_register(config->registry, subject, topics[i].schema_text, "FULL_TRANSITIVE",
							   &id, err))
			return false;
	}
	(void) snprintf(subject, sizeof(subject), "%s-value", config->progress_topic);
	return registry_register(config->registry, subject, encode_own_schema("progress"),
							 "FULL_TRANSITIVE", &id, err);
}
