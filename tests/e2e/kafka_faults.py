# SPDX-License-Identifier: PostgreSQL
"""kafka_faults — a source that streams into a real broker, shared by the tests of a file."""

import harness
import kafka_reader
from brokers import Brokers, Missing
from faults import Source

_shared = {}


def brokers():
    """The broker and registry of this process; ended with it. Skips the test where they cannot be had."""
    if "missing" in _shared:
        raise harness.Skip(_shared["missing"])
    if "brokers" not in _shared:
        try:
            _shared["brokers"] = Brokers()
        except Missing as reason:
            _shared["missing"] = str(reason)
            raise harness.Skip(str(reason)) from None
    return _shared["brokers"]


class KafkaSource(Source):
    """Topics of its own: their prefix is its name."""

    def __init__(self, case, name, init=True, extra="", kafka="", registry=None, **more):
        self.brokers = brokers()
        self.topic = f"{name}.contact"
        super().__init__(
            case, name, log=self.group(registry),
            extra=f'topic_prefix = "{name}";\nkafka: {{ partitions = 3; replication = 1; {kafka} }};\n{extra}', **more,
        )
        if init:
            case.run("init", "-c", self.config)

    def group(self, registry=None, bootstrap=None):
        return (
            f'kind = "kafka"; brokers = "{bootstrap or self.brokers.bootstrap}";'
            f' registry = "{registry or self.brokers.registry}";'
        )

    def log_at(self, **where):
        """Configures another broker or registry."""
        self.log = self.group(**where)
        self.configure(text=self.mapping)

    def messages(self, topic=None):
        return kafka_reader.read_topic(self.brokers, topic or self.topic)

    def records(self):
        return [value for _, value, _ in self.messages() if value is not None]
