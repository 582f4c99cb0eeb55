# SPDX-License-Identifier: PostgreSQL
#
# The Kafka log against a real broker and a real registry.

LOG_KAFKA_SOURCES := $(wildcard tests/log_kafka/*.c)

$(BUILD)/log_kafka/log_kafka_test: $(LOG_KAFKA_SOURCES) $(wildcard tests/log_kafka/*.h) $(LIB)
	@mkdir -p $(dir $@)
	@echo "TEST  $@"
	@$(CC) $(GP_CPPFLAGS) $(GP_CFLAGS) $(GP_LDFLAGS) -o $@ $(LOG_KAFKA_SOURCES) $(LIB) $(GP_LIBS) -lcmocka

.PHONY: test-kafka
test-kafka: $(BUILD)/log_kafka/log_kafka_test ## test the Kafka log on a real broker and registry (needs Maven, Java 17)
	@CMOCKA_MESSAGE_OUTPUT=TAP $(PROVE) --timer --exec '' tests/log_kafka/run.sh :: $<
