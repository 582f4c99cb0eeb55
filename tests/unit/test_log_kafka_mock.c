/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_log_kafka_mock.c — what the writer makes of each error a broker can answer.
 *
 * librdkafka's mock cluster answers errors on demand; it honours neither aborts nor fencing
 * (correctness.md E2), so nothing about visibility is asserted here: that is
 * tests/log_kafka, on a real broker. A thread plays the registry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "goldpan/log.h"
#include "goldpan/registry.h"
#include "goldpan/report.h"

#define API_PRODUCE			 0
#define API_INIT_PRODUCER_ID 22
#define API_ADD_PARTITIONS	 24
#define API_END_TRANSACTION	 26

static int listener;
static char registry_url[64];
static rd_kafka_t *holder;
static rd_kafka_mock_cluster_t *cluster;

/* Every schema has id 7. */
static void *
play_registry(void *opaque)
{
	static const char reply[] = "HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\":7}";
	char request[8192];
	int client;

	(void) opaque;
	while ((client = accept(listener, NULL, NULL)) >= 0)
	{
		size_t length = 0;
		ssize_t got;
		struct timeval wait = {.tv_usec = 50000};

		/* until it pauses: a body of any length */
		(void) setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
		while ((got = recv(client, request, sizeof(request), 0)) > 0)
			length += (size_t) got;
		if (length > 0)
			(void) !send(client, reply, sizeof(reply) - 1, MSG_NOSIGNAL);
		(void) close(client);
	}
	return NULL;
}

static int
setup(void **state)
{
	static pthread_t thread;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *) &address, size) != 0 || listen(listener, 16) != 0 ||
		getsockname(listener, (struct sockaddr *) &address, &size) != 0)
		return -1;
	(void) snprintf(registry_url, sizeof(registry_url), "http://127.0.0.1:%d",
					ntohs(address.sin_port));
	(void) pthread_create(&thread, NULL, play_registry, NULL);
	(void) rd_kafka_conf_set(conf, "log_level", "0", NULL, 0);
	report_set_level(REPORT_ERROR);
	holder = rd_kafka_new(RD_KAFKA_PRODUCER, conf, NULL, 0);
	cluster = rd_kafka_mock_cluster_new(holder, 1);
	(void) rd_kafka_mock_topic_create(cluster, "t.contact", 2, 1);
	(void) rd_kafka_mock_topic_create(cluster, "t-progress", 2, 1);
	*state = &thread;
	return 0;
}

static int
teardown(void **state)
{
	(void) shutdown(listener, SHUT_RDWR);
	(void) pthread_join(*(pthread_t *) *state, NULL);
	(void) close(listener);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(holder);
	return 0;
}

static void
fill(LogBatch *batch)
{
	Err err;
	LogRecord *record = log_batch_add(batch, &err);

	assert_non_null(record);
	assert_true(buffer_append_text(&batch->bytes, "keyvalueidid", &err));
	record->key_length = 3;
	record->value_length = 5;
	record->event_id_length = 2;
	record->id_length = 2;
	record->event_type = "test";
	record->table = "/goldpan/crm/t";
	assert_true(buffer_append_text(&batch->progress, "position", &err));
}

static const LogTopic topics[] = {{"t.contact", TOPIC_ENTITY, "{\"type\":\"string\"}"}};

static LogWriter *
writer_of(const char *source, Registry **registry)
{
	RegistryConfig registry_config = {.url = registry_url};
	LogKafkaConfig config = {
		.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
		.transactional_id_prefix = "mock-",
		.progress_topic = "t-progress",
		.key_schema_text = "{\"type\":\"bytes\"}",
	};
	LogWriter *writer;
	Err err;

	*registry = registry_new(&registry_config, &err);
	assert_non_null(*registry);
	config.registry = *registry;
	writer = log_kafka_new(&config, source, topics, 1, &err);
	assert_non_null(writer);
	return writer;
}

static void
each_answer_to_a_delivery_has_its_class(void **state)
{
	static const struct
	{
		int16_t api;
		rd_kafka_resp_err_t answer;
		ErrClass class; /* NONE: the library or the writer gets over it */
		ErrCode code;
	} rows[] = {
		{API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ERR_CLASS_NONE, ERR_OK},
		{API_PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_CLASS_STOP, ERR_LOG_SETUP},
		{API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_CLASS_RETRY, ERR_LOG_DOWN},
		{API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, ERR_CLASS_STOP, ERR_LOG_SETUP},
		{API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERR_CLASS_STOP, ERR_LOG_FENCED},
		{API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, ERR_CLASS_NONE, ERR_OK},
		{API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_CLASS_STOP,
		 ERR_LOG_SETUP},
		{API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERR_CLASS_STOP,
		 ERR_LOG_FENCED},
		{API_END_TRANSACTION, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, ERR_CLASS_NONE, ERR_OK},
		{API_END_TRANSACTION, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERR_CLASS_STOP,
		 ERR_LOG_FENCED},
		{API_END_TRANSACTION, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
		 ERR_CLASS_STOP, ERR_LOG_SETUP},
		{API_END_TRANSACTION, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, ERR_CLASS_RETRY, ERR_LOG_DOWN},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		Registry *registry;
		char source[16];
		LogWriter *writer;
		LogBatch batch;
		Buffer progress;
		size_t culprit;
		Err err = {0};
		bool ok;

		(void) snprintf(source, sizeof(source), "crm%zu", i);
		writer = writer_of(source, &registry);
		buffer_init(&progress, 4096);
		log_batch_init(&batch, 4096);
		fill(&batch);
		if (!writer->ops->open(writer, &progress, &err))
			fail_msg("row %zu: open: %s", i, err.message);
		rd_kafka_mock_push_request_errors(cluster, rows[i].api, 1, rows[i].answer);
		ok = writer->ops->deliver(writer, &batch, &culprit, &err);
		rd_kafka_mock_clear_request_errors(cluster, rows[i].api);
		if (ok != (rows[i].class == ERR_CLASS_NONE) || (!ok && err.class != rows[i].class) ||
			(!ok && err.code != rows[i].code))
			fail_msg("row %zu: %s", i, ok ? "delivered" : err.message);
		if (!ok)
		{
			/* the producer was given up: nothing more goes through it */
			assert_false(writer->ops->deliver(writer, &batch, &culprit, &err));
			assert_int_equal(err.class, ERR_CLASS_RETRY);
			if (!writer->ops->open(writer, &progress, &err) ||
				!writer->ops->deliver(writer, &batch, &culprit, &err))
				fail_msg("row %zu: again: %s", i, err.message);
		}
		writer->ops->close(writer);
		registry_free(registry);
		log_batch_release(&batch);
		buffer_release(&progress);
	}
}

static void
a_refused_transactional_id_stops_open(void **state)
{
	Registry *registry;
	LogWriter *writer = writer_of("refused", &registry);
	Buffer progress;
	Err err;

	(void) state;
	buffer_init(&progress, 4096);
	rd_kafka_mock_push_request_errors(cluster, API_INIT_PRODUCER_ID, 1,
									  RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
	assert_false(writer->ops->open(writer, &progress, &err));
	rd_kafka_mock_clear_request_errors(cluster, API_INIT_PRODUCER_ID);
	assert_int_equal(err.class, ERR_CLASS_STOP);
	assert_int_equal(err.code, ERR_LOG_SETUP);
	assert_non_null(strstr(err.hint, "transactional id's prefix"));
	writer->ops->close(writer);
	registry_free(registry);
	buffer_release(&progress);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_to_a_delivery_has_its_class),
		cmocka_unit_test(a_refused_transactional_id_stops_open),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
