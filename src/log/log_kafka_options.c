/* SPDX-License-Identifier: PostgreSQL */
/*
 * log_kafka_options.c — which librdkafka, with which settings.
 *
 * The operator's options pass by an allow-list, because the library's configuration is an
 * execution surface (shell commands, loadable code: correctness.md K2) and because some of it
 * is the exactly-once guarantee itself. What carries a guarantee is set here, last, and refused
 * by name.
 */
#include "log_kafka_priv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goldpan/report.h"

/* librdkafka counts the payload and not its own structures: a message with seven headers is
 * near 800 bytes of them. */
#define LOG_KAFKA_QUEUE_MESSAGES "10000"
#define LOG_KAFKA_QUEUE_KBYTES	 "16384"

#define LOG_KAFKA_DEFAULT_MAX_MESSAGE 1000000

static const char *const log_kafka_options_allowed[] = {
	"batch.num.messages",
	"broker.address.family",
	"broker.address.ttl",
	"client.id",
	"client.rack",
	"compression.codec",
	"compression.level",
	"compression.type",
	"connections.max.idle.ms",
	"debug",
	"linger.ms",
	"log_level",
	"message.max.bytes",
	"metadata.max.age.ms",
	"queue.buffering.max.kbytes",
	"queue.buffering.max.messages",
	"reconnect.backoff.max.ms",
	"reconnect.backoff.ms",
	"retry.backoff.ms",
	"sasl.mechanism",
	"sasl.mechanisms",
	"sasl.oauthbearer.client.id",
	"sasl.oauthbearer.client.secret",
	"sasl.oauthbearer.extensions",
	"sasl.oauthbearer.method",
	"sasl.oauthbearer.scope",
	"sasl.oauthbearer.token.endpoint.url",
	"sasl.password",
	"sasl.username",
	"security.protocol",
	"socket.connection.setup.timeout.ms",
	"socket.keepalive.enable",
	"socket.nagle.disable",
	"socket.receive.buffer.bytes",
	"socket.send.buffer.bytes",
	"ssl.ca.location",
	"ssl.ca.pem",
	"ssl.certificate.location",
	"ssl.certificate.pem",
	"ssl.cipher.suites",
	"ssl.crl.location",
	"ssl.key.location",
	"ssl.key.password",
	"ssl.key.pem",
	"ssl.keystore.location",
	"ssl.keystore.password",
	"topic.metadata.refresh.interval.ms",
};

/* Known ones that are refused, and why. All others are refused as unknown. */
static const struct
{
	const char *name;
	const char *why;
} log_kafka_options_refused[] = {
	{"acks", "it is part of the exactly-once guarantee"},
	{"allow.auto.create.topics", "topics are made by \"goldpan init\" only"},
	{"batch.size", "it follows the topics' max.message.bytes"},
	{"bootstrap.servers", "it is the setting \"brokers\""},
	{"delivery.timeout.ms", "timeouts are ordered for the exactly-once guarantee"},
	{"dr_cb", "it cannot be set from a file"},
	{"enable.gapless.guarantee", "it is part of the exactly-once guarantee"},
	{"enable.idempotence", "it is part of the exactly-once guarantee"},
	{"enable.ssl.certificate.verification", "without it anybody may pose as the broker"},
	{"isolation.level", "it is part of the exactly-once guarantee"},
	{"max.in.flight", "it is part of the order per key"},
	{"max.in.flight.requests.per.connection", "it is part of the order per key"},
	{"message.send.max.retries", "it is part of the exactly-once guarantee"},
	{"message.timeout.ms", "timeouts are ordered for the exactly-once guarantee"},
	{"metadata.broker.list", "it is the setting \"brokers\""},
	{"partitioner", "it is part of the order per key"},
	{"plugin.library.paths", "it loads code"},
	{"queue.buffering.backpressure.threshold", "it is tuned with the batches"},
	{"request.required.acks", "it is part of the exactly-once guarantee"},
	{"request.timeout.ms", "timeouts are ordered for the exactly-once guarantee"},
	{"retries", "it is part of the exactly-once guarantee"},
	{"sasl.kerberos.keytab", "Kerberos runs a shell command"},
	{"sasl.kerberos.kinit.cmd", "it runs a shell command"},
	{"sasl.kerberos.principal", "Kerberos runs a shell command"},
	{"socket.timeout.ms", "timeouts are ordered for the exactly-once guarantee"},
	{"ssl.endpoint.identification.algorithm", "without it anybody may pose as the broker"},
	{"ssl.engine.id", "it loads code"},
	{"ssl.engine.location", "it loads code"},
	{"ssl.providers", "it loads code"},
	{"sticky.partitioning.linger.ms", "it is part of the order per key"},
	{"transaction.timeout.ms", "timeouts are ordered for the exactly-once guarantee"},
	{"transactional.id", "it is the setting \"transactional_id_prefix\" with the source's name"},
};

bool
log_kafka_library(const char **version, const char **defects, Err *err)
{
	int number = rd_kafka_version();

	*version = rd_kafka_version_str();
	*defects = NULL;
	if (number < 0x010900ff)
	{
		(void) err_set(err, ERR_CLASS_USAGE, ERR_LOG_SETUP,
					   "librdkafka %s is too old: versions before 1.9.0 can lose messages",
					   *version);
		return err_hint(err, "Install librdkafka 2.5.3 or newer.");
	}
	if (number < 0x020300ff)
		*defects = "idempotence fixes of 2.3.0 (a fatal error after a message that may have been "
				   "written) and 2.5.0 (a retried batch that is not rebuilt identically) are "
				   "missing, and SCRAM logins to Kafka 4 fail before 2.6.1";
	else if (number < 0x020503ff)
		*defects = "the idempotence fix of 2.5.0 (a retried batch that is not rebuilt identically) "
				   "may be missing, and SCRAM logins to Kafka 4 fail before 2.6.1";
	return true;
}

static bool
log_kafka_options_one(const char *name, Err *err)
{
	for (size_t i = 0; i < sizeof(log_kafka_options_allowed) / sizeof(const char *); i++)
		if (strcmp(name, log_kafka_options_allowed[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(log_kafka_options_refused) / sizeof(log_kafka_options_refused[0]);
		 i++)
		if (strcmp(name, log_kafka_options_refused[i].name) == 0)
			return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
						   "the librdkafka option \"%s\" cannot be set: %s", name,
						   log_kafka_options_refused[i].why);
	(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
				   "the librdkafka option \"%s\" cannot be set: it is not among those that pass",
				   name);
	return err_hint(err, "The manual lists the options that pass.");
}

static const char *
log_kafka_options_value(const LogKafkaConfig *config, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < config->noptions; i++)
		if (strcmp(config->option_names[i], name) == 0)
			value = config->option_values[i];
	return value;
}

/* Every broker of "host:port,[::1]:port,host" is this machine itself. */
static bool
log_kafka_options_are_loopback(const char *brokers)
{
	const char *start = brokers;

	while (*start != '\0')
	{
		size_t size = strcspn(start, ",");
		size_t host = start[0] == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":,");
		char name[64];
		struct in_addr address;

		if (host >= sizeof(name))
			return false;
		memcpy(name, start, host);
		name[host] = '\0';
		if (strcmp(name, "localhost") != 0 && strcmp(name, "[::1]") != 0 &&
			(inet_pton(AF_INET, name, &address) != 1 || ntohl(address.s_addr) >> 24 != 127))
			return false;
		start += size + (start[size] == ',' ? 1 : 0);
	}
	return true;
}

static bool
log_kafka_options_security(const LogKafkaConfig *config, Err *err)
{
	const char *protocol = log_kafka_options_value(config, "security.protocol");
	const char *mechanism = log_kafka_options_value(config, "sasl.mechanism");

	if (mechanism == NULL)
		mechanism = log_kafka_options_value(config, "sasl.mechanisms");
	if (protocol == NULL)
		protocol = "plaintext";
	if (strncasecmp(protocol, "sasl", 4) == 0 &&
		(mechanism == NULL || strcasecmp(mechanism, "GSSAPI") == 0))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "the librdkafka option \"sasl.mechanism\" must be PLAIN, SCRAM-SHA-256, "
					   "SCRAM-SHA-512 or OAUTHBEARER: Kerberos runs a shell command");
	if (strcasecmp(protocol, "ssl") == 0 || strcasecmp(protocol, "sasl_ssl") == 0 ||
		config->allow_insecure || log_kafka_options_are_loopback(config->brokers))
		return true;
	(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
				   "the Kafka brokers are other hosts and security.protocol is \"%s\"", protocol);
	return err_hint(err, "Set security.protocol to SASL_SSL or SSL, or set allow_insecure if the "
						 "network between is trusted.");
}

bool
log_kafka_options_check(const LogKafkaConfig *config, Err *err)
{
	if (config->brokers == NULL || config->brokers[0] == '\0')
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "the Kafka log has no brokers");
	for (size_t i = 0; i < config->noptions; i++)
		if (!log_kafka_options_one(config->option_names[i], err))
			return false;
	return log_kafka_options_security(config, err);
}

size_t
log_kafka_options_max_message(const LogKafkaConfig *config)
{
	const char *value = log_kafka_options_value(config, "message.max.bytes");
	long number = value == NULL ? 0 : strtol(value, NULL, 10);

	return number > 0 ? (size_t) number : LOG_KAFKA_DEFAULT_MAX_MESSAGE;
}

static bool
log_kafka_options_is_secret(const char *name)
{
	return strstr(name, "password") != NULL || strstr(name, "secret") != NULL ||
		   strstr(name, "pem") != NULL || strcmp(name, "sasl.username") == 0;
}

static bool
log_kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value, Err *err)
{
	char why[256];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return true;
	/* the library's text repeats the value */
	return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
				   "could not set the librdkafka option \"%s\": %s", name,
				   log_kafka_options_is_secret(name) ? "invalid value" : why);
}

static bool
log_kafka_set_number(rd_kafka_conf_t *conf, const char *name, long value, Err *err)
{
	char text[24];

	(void) snprintf(text, sizeof(text), "%ld", value);
	return log_kafka_set(conf, name, text, err);
}

/* What the operator may override. */
static bool
log_kafka_set_defaults(rd_kafka_conf_t *conf, LogKafkaRole role, const char *source, Err *err)
{
	char client[128];

	(void) snprintf(client, sizeof(client), "goldpan-%s", source == NULL ? "tool" : source);
	if (!log_kafka_set(conf, "client.id", client, err) ||
		!log_kafka_set(conf, "socket.keepalive.enable", "true", err) ||
		!log_kafka_set(conf, "reconnect.backoff.max.ms", "2000", err))
		return false;
	if (role != LOG_KAFKA_PRODUCER)
		return true;
	/* The tags of a record repeat from one to the next: a tenth of the bytes goes to the brokers.
	 * Nobody waits for linger: a batch ends with a flush, which ignores it. It only lets requests
	 * grow to batch.size meanwhile, of which a broker takes a few with less work than many. */
	return log_kafka_set(conf, "compression.type", "lz4", err) &&
		   log_kafka_set(conf, "linger.ms", "100", err) &&
		   log_kafka_set(conf, "queue.buffering.max.messages", LOG_KAFKA_QUEUE_MESSAGES, err) &&
		   log_kafka_set(conf, "queue.buffering.max.kbytes", LOG_KAFKA_QUEUE_KBYTES, err);
}

/* What carries the guarantee: after the operator's options. */
static bool
log_kafka_set_guarantees(rd_kafka_conf_t *conf, const LogKafkaConfig *config, LogKafkaRole role,
						 const char *source, size_t batch_size, Err *err)
{
	char id[LOG_KAFKA_NAME_MAX];

	if (!log_kafka_set(conf, "bootstrap.servers", config->brokers, err) ||
		!log_kafka_set(conf, "ssl.endpoint.identification.algorithm", "https", err) ||
		!log_kafka_set_number(conf, "socket.timeout.ms", LOG_KAFKA_SOCKET_TIMEOUT_MS, err))
		return false;
	switch (role)
	{
		case LOG_KAFKA_ADMIN:
			return true;
		case LOG_KAFKA_CONSUMER:
			return log_kafka_set(conf, "isolation.level", "read_committed", err) &&
				   log_kafka_set(conf, "enable.partition.eof", "true", err) &&
				   log_kafka_set(conf, "enable.auto.commit", "false", err) &&
				   log_kafka_set(conf, "enable.auto.offset.store", "false", err) &&
				   log_kafka_set(conf, "check.crcs", "true", err) &&
				   log_kafka_set(conf, "fetch.wait.max.ms", "100", err) &&
				   log_kafka_set(conf, "queued.max.messages.kbytes", "8192", err) &&
				   log_kafka_set(conf, "auto.offset.reset", "error", err);
		case LOG_KAFKA_PRODUCER:
			break;
	}
	if ((size_t) snprintf(id, sizeof(id), "%s%s", config->transactional_id_prefix, source) >=
		sizeof(id))
		return err_set(err, ERR_CLASS_USAGE, ERR_CONFIG,
					   "transactional_id_prefix and the source's name are too long together");
	return log_kafka_set(conf, "transactional.id", id, err) &&
		   log_kafka_set(conf, "enable.idempotence", "true", err) &&
		   log_kafka_set(conf, "acks", "all", err) &&
		   log_kafka_set_number(conf, "transaction.timeout.ms", LOG_KAFKA_TRANSACTION_TIMEOUT_MS,
								err) &&
		   log_kafka_set_number(conf, "message.timeout.ms", LOG_KAFKA_MESSAGE_TIMEOUT_MS, err) &&
		   log_kafka_set_number(conf, "batch.size", (long) batch_size, err) &&
		   log_kafka_set(conf, "delivery.report.only.error", "true", err);
}

rd_kafka_t *
log_kafka_client(const LogKafkaConfig *config, LogKafkaRole role, const char *source,
				 size_t batch_size, LogKafkaEvents *events, Err *err)
{
	rd_kafka_type_t type = role == LOG_KAFKA_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
	rd_kafka_conf_t *conf;
	rd_kafka_t *client = NULL;
	char why[256];

	if (!log_kafka_options_check(config, err))
		return NULL;
	conf = rd_kafka_conf_new();
	log_kafka_events_install(conf, events, role == LOG_KAFKA_PRODUCER);
	if (!log_kafka_set_defaults(conf, role, source, err))
		goto out;
	for (size_t i = 0; i < config->noptions; i++)
		if (!log_kafka_set(conf, config->option_names[i], config->option_values[i], err))
			goto out;
	if (!log_kafka_set_guarantees(conf, config, role, source, batch_size, err))
		goto out;
	client = rd_kafka_new(type, conf, why, sizeof(why));
	if (client == NULL)
		(void) err_set(err, ERR_CLASS_USAGE, ERR_CONFIG, "could not prepare the Kafka client: %s",
					   why);
	else
		conf = NULL; /* the client owns it now */

out:
	if (conf != NULL)
		rd_kafka_conf_destroy(conf);
	return client;
}
