/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_error.c — from librdkafka's errors to ours.
 *
 * The one table of what a broker's answer means for the batch (correctness.md D1-D11).
 * librdkafka reports a refused login only through its error callback while messages
 * wait on; it is kept here and turned into a stop by whoever waits.
 */
#include "log_kafka_priv.h"

#include <stdio.h>
#include <string.h>

#include "goldpan/report.h"

static void
log_kafka_on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
	LogKafkaEvents *events = opaque;

	switch ((rd_kafka_resp_err_t) code)
	{
		case RD_KAFKA_RESP_ERR__AUTHENTICATION:
		case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
			events->refused = true;
			break;
		case RD_KAFKA_RESP_ERR__SSL:
			/* a broker that goes down in a handshake is not a refusal; a bad certificate is */
			if (strstr(reason, "certificate") != NULL || strstr(reason, "verify") != NULL)
				events->refused = true;
			break;
		case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
			if (!events->down)
				report_warning(events->scope, "all Kafka brokers are down: %s",
							   events->last[0] != '\0' ? events->last : reason);
			events->down = true;
			return;
		case RD_KAFKA_RESP_ERR__FATAL:
		{
			char text[sizeof(events->last)];

			(void) rd_kafka_fatal_error(client, text, sizeof(text));
			(void) snprintf(events->last, sizeof(events->last), "%s", text);
			return;
		}
		default:
			break;
	}
	(void) snprintf(events->last, sizeof(events->last), "%s", reason);
}

/* Runs in the library's own threads: no state but the report. */
static void
log_kafka_on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	(void) level;
	report_debug("kafka", "%s %s: %s", facility, client != NULL ? rd_kafka_name(client) : "-",
				 text);
}

/* With delivery.report.only.error only failures arrive. */
static void
log_kafka_on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
	LogKafkaEvents *events = opaque;

	(void) client;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR || events->failed != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	events->failed = message->err;
	(void) snprintf(events->failed_topic, sizeof(events->failed_topic), "%s",
					message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : "?");
}

void
log_kafka_events_install(rd_kafka_conf_t *conf, LogKafkaEvents *events, bool deliveries)
{
	rd_kafka_conf_set_opaque(conf, events);
	rd_kafka_conf_set_error_cb(conf, log_kafka_on_error);
	rd_kafka_conf_set_log_cb(conf, log_kafka_on_log);
	if (deliveries)
		rd_kafka_conf_set_dr_msg_cb(conf, log_kafka_on_delivery);
}

static bool
log_kafka_refused(Err *err, const char *doing, const char *why)
{
	(void) err_set(err, ERR_CLASS_STOP, ERR_LOG_SETUP,
				   "could not %s: the Kafka brokers refuse the login: %s", doing, why);
	return err_hint(err, "Check security.protocol, sasl.* and ssl.* of the Kafka log. (SCRAM from "
						 "librdkafka before 2.6.1 to Kafka 4 fails even with the right password.)");
}

bool
log_kafka_events_check(const LogKafkaEvents *events, const char *doing, Err *err)
{
	if (!events->refused)
		return true;
	return log_kafka_refused(err, doing, events->last);
}

static bool
log_kafka_not_authorized(Err *err, const char *doing, const char *text)
{
	(void) err_set(err, ERR_CLASS_STOP, ERR_LOG_SETUP,
				   "could not %s: the Kafka brokers do not permit it: %s", doing, text);
	return err_hint(err,
					"Grant Write, Describe and DescribeConfigs on the topics, Read on the "
					"progress topic, and Write and Describe on the transactional id's prefix.");
}

bool
log_kafka_fail(Err *err, const LogKafkaEvents *events, const char *doing, rd_kafka_resp_err_t code,
			   const char *text)
{
	const char *reason = text != NULL && text[0] != '\0' ? text : rd_kafka_err2str(code);

	switch (code)
	{
		case RD_KAFKA_RESP_ERR__FENCED:
		case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
		case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
			(void) err_set(err, ERR_CLASS_STOP, ERR_LOG_FENCED,
						   "could not %s: another writer of this source has taken over (%s)", doing,
						   reason);
			return err_hint(err, "Only one \"goldpan stream\" may write a source. End one of the "
								 "two before starting this one again.");
		case RD_KAFKA_RESP_ERR__AUTHENTICATION:
		case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
			return log_kafka_refused(err, doing, reason);
		case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
			return log_kafka_not_authorized(err, doing, reason);
		case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
			(void) err_set(err, ERR_CLASS_STOP, ERR_LOG_SETUP, "could not %s: %s", doing, reason);
			return err_hint(err, "Set the brokers' transaction.max.timeout.ms to at least %d.",
							LOG_KAFKA_TRANSACTION_TIMEOUT_MS);
		case RD_KAFKA_RESP_ERR_INVALID_RECORD:
		case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
		case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
		case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
		case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
			(void) err_set(err, ERR_CLASS_STOP, ERR_LOG_SETUP, "could not %s: %s", doing, reason);
			return err_hint(err, "Compare the topics' settings with those that \"goldpan init\" "
								 "makes; brokers must be Apache Kafka 0.11 or newer.");
		default:
			break;
	}
	(void) err_set(err, ERR_CLASS_RETRY, ERR_LOG_DOWN, "could not %s: %s%s%s%s", doing, reason,
				   events != NULL && events->last[0] != '\0' ? " (" : "",
				   events != NULL ? events->last : "",
				   events != NULL && events->last[0] != '\0' ? ")" : "");
	return err_hint(err, "Check that the Kafka brokers run and can be reached from here.");
}

bool
log_kafka_fail_object(Err *err, const LogKafkaEvents *events, const char *doing,
					  rd_kafka_error_t *error)
{
	(void) log_kafka_fail(err, events, doing, rd_kafka_error_code(error),
						  rd_kafka_error_string(error));
	rd_kafka_error_destroy(error);
	return false;
}
