/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_topics.c — what the brokers know of topics, asked without making any.
 *
 * Existence comes from the list of all topics: asking for one by name makes it on
 * brokers with auto.create.topics.enable. Limits come from DescribeConfigs, so that a record
 * over max.message.bytes is found before it is produced (correctness.md D9).
 */
#include "log_kafka_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/alloc.h"

#define LOG_KAFKA_REQUEST_MS 10000

/* Kafka's defaults, for brokers that do not describe. */
#define LOG_KAFKA_DEFAULT_TOPIC_MAX_MESSAGE 1048588

bool
log_kafka_topics_missing(ErrClass class, const char *name, Err *err)
{
	(void) err_set(err, class, ERR_LOG_SETUP,
				   "topic \"%s\" does not exist, or this user may not describe it", name);
	return err_hint(err, "Run \"goldpan init\" to make the topics, or grant Describe on it.");
}

static rd_kafka_resp_err_t
log_kafka_topics_list(rd_kafka_t *client, LogKafkaEvents *events,
					  const struct rd_kafka_metadata **metadata)
{
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__TIMED_OUT;

	/* in slices, so that a refused login is seen at once */
	for (int waited = 0; waited < LOG_KAFKA_REQUEST_MS; waited += 1000)
	{
		code = rd_kafka_metadata(client, 1, NULL, metadata, 1000);
		(void) rd_kafka_poll(client, 0);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR || events->refused)
			break;
	}
	return code;
}

bool
log_kafka_topics_find(rd_kafka_t *client, LogKafkaEvents *events, const char *const *names,
					  size_t count, LogKafkaTopicState *states, Err *err)
{
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_resp_err_t code = log_kafka_topics_list(client, events, &metadata);

	if (!log_kafka_events_check(events, "list the topics", err))
	{
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_metadata_destroy(metadata);
		return false;
	}
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return log_kafka_fail(err, events, "list the topics", code, NULL);
	for (size_t i = 0; i < count; i++)
	{
		states[i] = (LogKafkaTopicState){
			.max_message = LOG_KAFKA_DEFAULT_TOPIC_MAX_MESSAGE,
			.before_max_ms = INT64_MAX,
			.after_max_ms = 3600000,
			.broker = metadata->orig_broker_id,
		};
		if (states[i].broker < 0 && metadata->broker_cnt > 0)
			states[i].broker = metadata->brokers[0].id;
		for (int t = 0; t < metadata->topic_cnt; t++)
			if (strcmp(metadata->topics[t].topic, names[i]) == 0 &&
				metadata->topics[t].partition_cnt > 0)
			{
				states[i].exists = true;
				states[i].partitions = metadata->topics[t].partition_cnt;
			}
	}
	rd_kafka_metadata_destroy(metadata);
	return true;
}

/* Else the library looks for leaders once a second. */
void
log_kafka_topics_learn_leaders(rd_kafka_t *client, rd_kafka_topic_t *topic)
{
	const struct rd_kafka_metadata *metadata;

	if (rd_kafka_metadata(client, 0, topic, &metadata, 2000) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(metadata);
}

static void
log_kafka_topics_setting(LogKafkaTopicState *state, const char *name, const char *value)
{
	long long number = strtoll(value, NULL, 10);

	if (strcmp(name, "max.message.bytes") == 0 && number > 0)
		state->max_message = number;
	else if (strcmp(name, "message.timestamp.after.max.ms") == 0 && number >= 0)
		state->after_max_ms = number;
	else if (strcmp(name, "cleanup.policy") == 0)
		(void) snprintf(state->cleanup_policy, sizeof(state->cleanup_policy), "%s", value);
	/* a record older than its topic keeps records would be deleted soon after it is written */
	else if ((strcmp(name, "message.timestamp.before.max.ms") == 0 ||
			  strcmp(name, "message.timestamp.difference.max.ms") == 0 ||
			  strcmp(name, "retention.ms") == 0) &&
			 number >= 0 && number < state->before_max_ms)
		state->before_max_ms = number;
}

static bool
log_kafka_topics_described(const rd_kafka_DescribeConfigs_result_t *result,
						   const LogKafkaEvents *events, const char *const *names, size_t count,
						   LogKafkaTopicState *states, Err *err)
{
	size_t nresources;
	const rd_kafka_ConfigResource_t **resources =
		rd_kafka_DescribeConfigs_result_resources(result, &nresources);

	for (size_t r = 0; r < nresources; r++)
	{
		rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[r]);
		const char *name = rd_kafka_ConfigResource_name(resources[r]);
		size_t nentries;
		const rd_kafka_ConfigEntry_t **entries =
			rd_kafka_ConfigResource_configs(resources[r], &nentries);

		if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
			return log_kafka_topics_missing(ERR_CLASS_STOP, name, err);
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			return log_kafka_fail(err, events, "describe the topics' settings", code,
								  rd_kafka_ConfigResource_error_string(resources[r]));
		for (size_t i = 0; i < count; i++)
			for (size_t e = 0; strcmp(names[i], name) == 0 && e < nentries; e++)
			{
				const char *value = rd_kafka_ConfigEntry_value(entries[e]);

				if (value != NULL)
					log_kafka_topics_setting(&states[i], rd_kafka_ConfigEntry_name(entries[e]),
											 value);
			}
	}
	return true;
}

bool
log_kafka_topics_describe(rd_kafka_t *client, LogKafkaEvents *events, const char *const *names,
						  size_t count, LogKafkaTopicState *states, Err *err)
{
	rd_kafka_ConfigResource_t **resources = alloc_zero(count * sizeof(rd_kafka_ConfigResource_t *));
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_event_t *event = NULL;
	char why[200];
	bool ok = false;

	if (resources == NULL)
	{
		(void) err_set(err, ERR_CLASS_STOP, ERR_NOMEM, "out of memory describing topics");
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, names[i]);
	/* any broker answers; by default the library waits for the controller */
	if (count > 0 && states[0].broker >= 0)
		(void) rd_kafka_AdminOptions_set_broker(options, states[0].broker, why, sizeof(why));
	(void) rd_kafka_AdminOptions_set_request_timeout(options, LOG_KAFKA_REQUEST_MS, why,
													 sizeof(why));
	rd_kafka_DescribeConfigs(client, resources, count, options, queue);
	event = rd_kafka_queue_poll(queue, LOG_KAFKA_REQUEST_MS + 2000);
	(void) rd_kafka_poll(client, 0);
	if (!log_kafka_events_check(events, "describe the topics' settings", err))
		goto out;
	if (event == NULL)
		ok = log_kafka_fail(err, events, "describe the topics' settings",
							RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
	else if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
		ok = true; /* brokers without the call: Kafka's defaults stand */
	else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		ok = log_kafka_fail(err, events, "describe the topics' settings",
							rd_kafka_event_error(event), rd_kafka_event_error_string(event));
	else
		ok = log_kafka_topics_described(rd_kafka_event_DescribeConfigs_result(event), events, names,
										count, states, err);

out:
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	for (size_t i = 0; resources != NULL && i < count; i++)
		rd_kafka_ConfigResource_destroy(resources[i]);
	alloc_free(resources);
	return ok;
}
