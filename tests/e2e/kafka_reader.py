# SPDX-License-Identifier: PostgreSQL
"""kafka_reader — reads a topic with read_committed through a foreign client and foreign Avro."""

import io
import json
import struct
import urllib.request

import confluent_kafka
import fastavro

_schemas = {}


def schema(brokers, number):
    """The parsed schema of an id, fetched once."""
    if number not in _schemas:
        with urllib.request.urlopen(f"{brokers.registry}/schemas/ids/{number}", timeout=10) as answer:
            _schemas[number] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
    return _schemas[number]


def decode(brokers, framed):
    """A value in Confluent wire format; None for a tombstone."""
    if framed is None:
        return None
    magic, number = struct.unpack(">bI", framed[:5])
    if magic != 0:
        raise AssertionError(f"magic byte is {magic}")
    return fastavro.schemaless_reader(io.BytesIO(framed[5:]), schema(brokers, number))


def read_topic(brokers, topic):
    """All committed (key, value, headers) of a topic, partition by partition in offset order."""
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": brokers.bootstrap,
            "group.id": "test-reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    rows = []
    try:
        partitions = consumer.list_topics(topic, timeout=20).topics[topic].partitions
        consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in partitions])
        ended = set()
        while len(ended) < len(partitions):
            message = consumer.poll(20)
            if message is None:
                raise AssertionError(f"no message and no end of {topic} within 20 s")
            if message.error():
                if message.error().code() != confluent_kafka.KafkaError._PARTITION_EOF:  # pylint: disable=protected-access
                    raise AssertionError(str(message.error()))
                ended.add(message.partition())
                continue
            headers = {name: (value or b"").decode() for name, value in message.headers() or []}
            rows.append((decode(brokers, message.key()), decode(brokers, message.value()), headers))
    finally:
        consumer.close()
    return rows
