# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""What RabbitMQ may do to messages: double them, garble them, lose them."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid

import kombu

from gpubroker.rpc import broker
from sandbox import gpubroker
from tests.cloud import rounds

#: Where oslo.messaging publishes what is for every worker.
EXCHANGE = f"{broker.TOPIC}_fanout"

_AGAIN = "doubled-by-the-test"

GARBLED = (
    b"",
    b"no json",
    b"[]",
    b"{}",
    {"method": "wake_everybody", "args": {}, "version": "1.0"},
    {"method": "wake_lease", "args": {}, "version": "1.0"},
    {"method": "wake_lease", "args": {"lease_id": 7}, "version": "1.0"},
    {"method": "wake_lease", "args": {"lease_id": None}, "version": "1.0"},
    {"method": "wake_pool", "args": {"name": "x" * 70000}, "version": "1.0"},
    {"method": "wake_pool", "args": {"name": ["a"]}, "version": "1.0"},
    {"method": "wake_host", "args": {"name": {"a": 1}}, "version": "1.0"},
    {"method": "wake_host", "args": {"name": "no-such"}, "version": "1.0"},
    {"method": "wake_host", "args": {"name": "gpu-l40s-1"}, "version": "9.0"},
    {"method": "__init__", "args": {}, "version": "1.0"},
)


class Messages(rounds.RoundsTest):
    def connect(self):
        url = self.cloud.settings.transport.replace("rabbit://", "amqp://")
        connection = kombu.Connection(url)
        self.addCleanup(connection.release)
        return connection

    @contextlib.contextmanager
    def doubling(self, copies=3):
        """Every message comes again as one that was never seen."""
        connection = self.connect()
        channel = connection.channel()
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, EXCHANGE)
        over = threading.Event()
        doubled = []

        def run():
            while not over.wait(0.05):
                while message := channel.basic_get(queue, no_ack=True):
                    if not message.headers.get(_AGAIN):
                        for _copy in range(copies):
                            _publish(connection, renewed(message.body))
                        doubled.append(message.body)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield doubled
        finally:
            over.set()
            thread.join()

    def test_doubled_messages(self):
        with self.doubling() as doubled:
            self.life("doubled")
        self.assertNotEqual([], doubled, "nothing was said")

    def test_garbled_messages(self):
        connection = self.connect()
        for garbled in GARBLED:
            _publish(connection, _body(garbled))
        self.assertTrue(self.cloud.processes.running(gpubroker.WORKER))
        with self.doubling() as doubled:
            # Twice, so that none of them stopped what takes messages in.
            self.life("garbled")
            self.life("garbled-again")
        self.assertNotEqual([], doubled)

    def test_lost_messages(self):
        """The exchange is gone and made anew by who speaks next: nobody
        hears anything any more, and nobody is told."""
        self.addCleanup(self.hear_again)
        self.connect().channel().exchange_delete(EXCHANGE)
        self.life("lost")

    def hear_again(self):
        self.cloud.stop(gpubroker.WORKER)
        self.cloud.start(gpubroker.WORKER)


def renewed(body):
    """The same message, as oslo.messaging does not recognize it."""
    envelope = json.loads(body)
    message = json.loads(envelope["oslo.message"])
    message["_unique_id"] = uuid.uuid4().hex
    envelope["oslo.message"] = json.dumps(message)
    return json.dumps(envelope).encode()


def _body(garbled):
    if isinstance(garbled, bytes):
        return garbled
    message = {**garbled, "_unique_id": uuid.uuid4().hex}
    envelope = {"oslo.version": "2.0", "oslo.message": json.dumps(message)}
    return json.dumps(envelope).encode()


def _publish(connection, body):
    connection.Producer().publish(
        body,
        exchange=EXCHANGE,
        content_type="application/json",
        content_encoding="utf-8",
        headers={_AGAIN: True},
    )
