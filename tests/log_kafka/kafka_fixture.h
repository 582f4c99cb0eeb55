/* SPDX-License-Identifier: PostgreSQL */
/*
 * kafka_fixture.h — what the Kafka tests share: a configuration per test, batches, and a
 * plain consumer that is not ours.
 */
#ifndef GOLDPAN_TEST_KAFKA_FIXTURE_H
#define GOLDPAN_TEST_KAFKA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <librdkafka/rdkafka.h>

#include "goldpan/log.h"
#include "goldpan/registry.h"

#define FIXTURE_ENTITY	 0
#define FIXTURE_SNAPSHOT 1

/* Topics and registry of one test: "<name>.contact", "<name>.snapshot", "<name>.progress". */
typedef struct Fixture
{
	char contact[64];
	char snapshot[64];
	char progress[64];
	char prefix[64];
	LogTopic topics[2];
	LogKafkaConfig config;
	Registry *registry;
} Fixture;

extern const char fixture_contact_schema[];

/* Fills names and makes a registry client. */
void fixture_init(Fixture *fixture, const char *name);
/* Also makes topics (`partitions` each) and subjects. */
void fixture_setup(Fixture *fixture, const char *name, int partitions);
void fixture_release(Fixture *fixture);

LogWriter *fixture_writer(const Fixture *fixture, const char *source);
/* Opens; fails the test with the error's text otherwise. Progress text into `progress` (size 64). */
void fixture_open(LogWriter *writer, char progress[64]);
/* Delivers; fails the test with the error's text otherwise. */
void fixture_deliver(LogWriter *writer, const LogBatch *batch);

/* Adds a contact record; `attempt` may be NULL. */
void fixture_add(LogBatch *batch, const char *id, const char *note, size_t note_length,
				 const char *attempt);
void fixture_add_snapshot(LogBatch *batch, const char *attempt, const char *state);
void fixture_progress(LogBatch *batch, const char *text);

/* Reads a topic to its end with a foreign consumer; calls `each` per message (may be NULL); returns
 * how many there are. */
typedef void (*FixtureEach)(const rd_kafka_message_t *message, void *opaque);
int fixture_read(const char *topic, const char *isolation, FixtureEach each, void *opaque);

/* Makes a topic with one further setting. */
void fixture_topic(const char *name, int partitions, const char *setting, const char *value);

/* Runs `kafka-node.sh COMMAND KAFKA_RUN <arguments>`. */
void fixture_node(const char *command, const char *arguments);

/* ---- log_reader_kafka_test.c ---- */

void a_reader_shows_what_is_committed_and_follows(void **state);
void a_reader_leaves_out_attempts_that_came_to_nothing(void **state);
void a_reader_shows_a_completed_attempt_late_but_once(void **state);
void a_reader_lists_our_topics_with_exact_counts(void **state);

#endif
