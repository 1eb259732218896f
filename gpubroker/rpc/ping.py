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


"""Whether the message bus takes messages, for the API's health check."""

from __future__ import annotations

import concurrent.futures
import threading

import oslo_messaging
from oslo_config import cfg

from gpubroker import errors
from gpubroker.rpc import broker

#: Nobody listens: what is cast here is gone at once.
_TOPIC = f"{broker.TOPIC}-ping"


class Ping:
    """Connects when first asked; a bus that hangs holds one thread only.

    :param patience: seconds until a bus that does not answer counts as down.
    """

    def __init__(self, conf: cfg.ConfigOpts, patience: float = 5.0) -> None:
        self._conf = conf
        self._patience = patience
        self._lock = threading.Lock()
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._client: oslo_messaging.RPCClient | None = None
        self._asked: concurrent.futures.Future[None] | None = None

    def check(self) -> None:
        """:raises Unavailable: when the bus does not take a message."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._ask()
            asked = self._asked
        try:
            asked.result(self._patience)
        except TimeoutError:
            raise errors.Unavailable("The bus does not answer.") from None
        except Exception as error:
            raise errors.Unavailable(f"The bus: {error}") from error

    def _ask(self) -> concurrent.futures.Future[None]:
        # Not in __init__: no thread survives the fork of a web server.
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(
                1, thread_name_prefix="ping"
            )
        return self._pool.submit(self._cast)

    def _cast(self) -> None:
        if self._client is None:
            target = oslo_messaging.Target(
                topic=_TOPIC, version=broker.VERSION, fanout=True
            )
            self._client = oslo_messaging.get_rpc_client(
                broker.transport(self._conf), target, retry=0
            )
        self._client.cast({}, "ping")
