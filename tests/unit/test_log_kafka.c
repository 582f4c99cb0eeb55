/* SPDX-License-Identifier: PostgreSQL */
/*
 * test_log_kafka.c — the parts of the Kafka log that need no broker: bytes that other
 * programs must agree on, the options that pass, what is pinned between runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "log/log_kafka_priv.h"

static void
murmur2_is_the_java_clients(void **state)
{
	/* Apache Kafka's own UtilsTest.testMurmur2 */
	static const struct
	{
		const char *text;
		int32_t hash;
	} rows[] = {
		{"21", -973932308},
		{"foobar", -790332482},
		{"a-little-bit-long-string", -985981536},
		{"a-little-bit-longer-string", -1486304829},
		{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
		{"abc", 479470107},
	};
	uint8_t bytes[64];

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
			(int32_t) log_kafka_murmur2((const uint8_t *) rows[i].text, strlen(rows[i].text)),
			rows[i].hash);
	for (size_t length = 1; length <= sizeof(bytes); length++)
	{
		for (size_t i = 0; i < length; i++)
			bytes[i] = (uint8_t) (i * 37 + length * 101);
		for (int32_t partitions = 1; partitions < 50; partitions += 7)
			assert_int_equal(
				log_kafka_partition(bytes, length, partitions),
				rd_kafka_msg_partitioner_murmur2(NULL, bytes, length, partitions, NULL, NULL));
	}
}

static void
frames_are_confluents_and_others_are_refused(void **state)
{
	static const uint8_t golden[] = {0x00, 0x01, 0x02, 0x03, 0x04};
	static const struct
	{
		uint8_t bytes[5];
		size_t length;
	} bad[] = {
		{{0, 0, 0, 0, 1}, 4},
		{{1, 0, 0, 0, 1}, 5},
		{{0, 0, 0, 0, 0}, 5},
		{{0, 0x80, 0, 0, 0}, 5},
	};
	uint8_t out[LOG_KAFKA_FRAME_SIZE];
	int32_t id = 0;
	Err err;

	(void) state;
	log_kafka_frame(out, 0x01020304);
	assert_memory_equal(out, golden, sizeof(golden));
	assert_true(log_kafka_unframe(out, sizeof(out), &id, &err));
	assert_int_equal(id, 0x01020304);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_false(log_kafka_unframe(bad[i].bytes, bad[i].length, &id, &err));
		assert_int_equal(err.code, ERR_DATA);
	}
}

static void
each_denied_option_is_refused_by_name(void **state)
{
	static const struct
	{
		const char *name;
		const char *why;
	} rows[] = {
		{"enable.idempotence", "guarantee"},
		{"acks", "guarantee"},
		{"request.required.acks", "guarantee"},
		{"transactional.id", "transactional_id_prefix"},
		{"isolation.level", "guarantee"},
		{"partitioner", "order per key"},
		{"message.timeout.ms", "timeouts"},
		{"delivery.timeout.ms", "timeouts"},
		{"transaction.timeout.ms", "timeouts"},
		{"socket.timeout.ms", "timeouts"},
		{"max.in.flight", "order per key"},
		{"retries", "guarantee"},
		{"bootstrap.servers", "brokers"},
		{"sasl.kerberos.kinit.cmd", "shell command"},
		{"plugin.library.paths", "loads code"},
		{"ssl.engine.location", "loads code"},
		{"ssl.engine.id", "loads code"},
		{"enable.ssl.certificate.verification", "pose as the broker"},
		{"ssl.endpoint.identification.algorithm", "pose as the broker"},
		{"test.mock.num.brokers", "not among those that pass"},
		{"statistics.interval.ms", "not among those that pass"},
		{"Linger.MS", "not among those that pass"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		const char *value = "1";
		LogKafkaConfig config = {
			.brokers = "127.0.0.1:9092",
			.noptions = 1,
			.option_names = &rows[i].name,
			.option_values = &value,
		};
		Err err;

		assert_null(log_kafka_new(&config, "crm", NULL, 0, &err));
		assert_int_equal(err.class, ERR_CLASS_USAGE);
		assert_int_equal(err.code, ERR_CONFIG);
		if (strstr(err.message, rows[i].name) == NULL || strstr(err.message, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].name, err.message);
	}
}

static void
allowed_options_reach_the_library_and_secrets_stay_out_of_messages(void **state)
{
	static const char *const names[] = {"linger.ms", "security.protocol", "sasl.mechanism",
										"sasl.username", "sasl.password"};
	static const char *const values[] = {"7", "SASL_SSL", "SCRAM-SHA-512", "alice", "canary"};
	static const char *const bad_names[] = {"linger.ms"};
	static const char *const bad_values[] = {"soon"};
	static const char *const bad_key_names[] = {"ssl.key.pem", "security.protocol"};
	static const char *const bad_key_values[] = {"canary", "ssl"};
	LogKafkaConfig config = {
		.brokers = "kafka.example:9093",
		.transactional_id_prefix = "goldpan-",
		.noptions = 5,
		.option_names = names,
		.option_values = values,
	};
	LogKafkaEvents events = {0};
	rd_kafka_t *client;
	char value[64];
	size_t size = sizeof(value);
	Err err = {0};

	(void) state;
	client = log_kafka_client(&config, LOG_KAFKA_PRODUCER, "crm", 4000, &events, &err);
	assert_non_null(client);
	assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(client), "linger.ms", value, &size), 0);
	assert_string_equal(value, "7");
	size = sizeof(value);
	assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(client), "transactional.id", value, &size), 0);
	assert_string_equal(value, "goldpan-crm");
	rd_kafka_destroy(client);

	config.brokers = "127.0.0.1";
	config.noptions = 1;
	config.option_names = bad_names;
	config.option_values = bad_values;
	assert_null(log_kafka_client(&config, LOG_KAFKA_ADMIN, NULL, 0, &events, &err));
	assert_non_null(strstr(err.message, "linger.ms"));
	config.noptions = 2;
	config.option_names = bad_key_names;
	config.option_values = bad_key_values;
	assert_null(log_kafka_client(&config, LOG_KAFKA_ADMIN, NULL, 0, &events, &err));
	assert_null(strstr(err.message, "canary"));
}

static void
brokers_elsewhere_need_tls_or_a_word(void **state)
{
	static const char *const protocol = "security.protocol";
	static const struct
	{
		const char *brokers;
		const char *protocol;
		bool allow_insecure;
		bool taken;
	} rows[] = {
		{"127.0.0.1:1,localhost:2,[::1]:3", "plaintext", false, true},
		{"127.0.0.1:1,kafka.example:2", "plaintext", false, false},
		{"127.0.0.1.example:1", "plaintext", false, false},
		{"kafka.example:2", "plaintext", true, true},
		{"kafka.example:2", "ssl", false, true},
		{"kafka.example:2", "SSL", false, true},
		{"kafka.example:2", "sasl_plaintext", false, false},
		{"127.0.0.1:2", "sasl_ssl", false, false}, /* no mechanism: Kerberos by default */
		{"", "ssl", false, false},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		LogKafkaConfig config = {
			.brokers = rows[i].brokers,
			.noptions = 1,
			.option_names = &protocol,
			.option_values = &rows[i].protocol,
			.allow_insecure = rows[i].allow_insecure,
		};
		Err err;

		if (log_kafka_options_check(&config, &err) != rows[i].taken)
			fail_msg("row %zu", i);
		if (!rows[i].taken)
			assert_int_equal(err.code, ERR_CONFIG);
	}
}

static void
pins_find_moved_partitions_and_another_registry(void **state)
{
	static const LogKafkaPin old[] = {{"a.b", 6, 11, 0x1234}, {"a.c", 1, 12, 0xfedcba9876543210}};
	static const struct
	{
		LogKafkaPin now;
		bool accept;
		ErrCode code;
	} rows[] = {
		{{"a.b", 6, 11, 0x1234}, false, ERR_OK},
		{{"a.b", 7, 11, 0x1234}, false, ERR_LOG_SETUP},
		{{"a.b", 7, 11, 0x1234}, true, ERR_OK},
		{{"a.b", 6, 12, 0x1234}, false, ERR_REGISTRY_REFUSED},
		{{"a.b", 6, 12, 0x1235}, false, ERR_OK}, /* a new version */
		{{"a.c", 1, 13, 0xfedcba9876543210}, false, ERR_REGISTRY_REFUSED},
		{{"new", 9, 1, 1}, false, ERR_OK},
	};
	Buffer text;
	Err err = {0};

	(void) state;
	buffer_init(&text, 4096);
	assert_true(log_kafka_pins_write(old, 2, &text, &err));
	assert_memory_equal(text.data, "a.b=6/11/0000000000001234;a.c=1/12/fedcba9876543210",
						text.length);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		bool ok;

		err_clear(&err);
		ok = log_kafka_pins_check((const char *) text.data, text.length, &rows[i].now, 1,
								  rows[i].accept, &err);
		if (ok != (rows[i].code == ERR_OK) || err.code != rows[i].code)
			fail_msg("row %zu: %s", i, err.message);
	}
	assert_false(log_kafka_pins_check("nonsense", 8, old, 2, false, &err));
	assert_int_equal(err.code, ERR_DATA);
	assert_true(log_kafka_pins_check("", 0, old, 2, false, &err));
	buffer_release(&text);
}

static void
every_broker_error_has_its_class(void **state)
{
	static const struct
	{
		rd_kafka_resp_err_t code;
		ErrClass class;
		ErrCode expected;
	} rows[] = {
		{RD_KAFKA_RESP_ERR__FENCED, ERR_CLASS_STOP, ERR_LOG_FENCED},
		{RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERR_CLASS_STOP, ERR_LOG_FENCED},
		{RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERR_CLASS_STOP, ERR_LOG_FENCED},
		{RD_KAFKA_RESP_ERR__AUTHENTICATION, ERR_CLASS_STOP, ERR_LOG_SETUP},
		{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_CLASS_STOP, ERR_LOG_SETUP},
		{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERR_CLASS_STOP, ERR_LOG_SETUP},
		{RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, ERR_CLASS_STOP, ERR_LOG_SETUP},
		{RD_KAFKA_RESP_ERR__TIMED_OUT, ERR_CLASS_RETRY, ERR_LOG_DOWN},
		{RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ERR_CLASS_RETRY, ERR_LOG_DOWN},
		{RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ERR_CLASS_RETRY, ERR_LOG_DOWN},
		{RD_KAFKA_RESP_ERR__FATAL, ERR_CLASS_RETRY, ERR_LOG_DOWN},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		Err err;

		assert_false(log_kafka_fail(&err, NULL, "try", rows[i].code, NULL));
		assert_int_equal(err.class, rows[i].class);
		assert_int_equal(err.code, rows[i].expected);
		assert_true(strncmp(err.message, "could not try: ", 15) == 0);
		assert_true(err.hint[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(murmur2_is_the_java_clients),
		cmocka_unit_test(frames_are_confluents_and_others_are_refused),
		cmocka_unit_test(each_denied_option_is_refused_by_name),
		cmocka_unit_test(allowed_options_reach_the_library_and_secrets_stay_out_of_messages),
		cmocka_unit_test(brokers_elsewhere_need_tls_or_a_word),
		cmocka_unit_test(pins_find_moved_partitions_and_another_registry),
		cmocka_unit_test(every_broker_error_has_its_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
