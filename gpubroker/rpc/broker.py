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

"""The broker's one interface on the bus: server and client side by side.

Every call is a cast to all workers: the one that owns the pool, or the pool
of the lease or host, acts; the others know nothing of it.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import oslo_messaging
from oslo_config import cfg

TOPIC = "gpubroker"
VERSION = "1.0"


class Alarm(Protocol):
    """What a ring reaches in a worker. Returns at once, never raises."""

    def pool(self, name: str) -> None: ...

    def lease(self, lease_id: str) -> None: ...

    def host(self, name: str) -> None: ...


class Endpoint:
    """Server side. An argument more needs a new minor version."""

    target = oslo_messaging.Target(version=VERSION)

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm

    def wake_pool(self, ctxt: dict[str, Any], name: str) -> None:
        self._alarm.pool(name)

    def wake_lease(self, ctxt: dict[str, Any], lease_id: str) -> None:
        self._alarm.lease(lease_id)

    def wake_host(self, ctxt: dict[str, Any], name: str) -> None:
        self._alarm.host(name)


class Client:
    """Client side; every method may raise what oslo.messaging raises."""

    def __init__(self, transport: oslo_messaging.Transport) -> None:
        target = oslo_messaging.Target(
            topic=TOPIC, version=VERSION, fanout=True
        )
        # No second try: the loops come round by themselves.
        self._client = oslo_messaging.get_rpc_client(
            transport, target, retry=0
        )

    def wake_pool(self, name: str) -> None:
        self._client.cast({}, "wake_pool", name=name)

    def wake_lease(self, lease_id: str) -> None:
        self._client.cast({}, "wake_lease", lease_id=lease_id)

    def wake_host(self, name: str) -> None:
        self._client.cast({}, "wake_host", name=name)


def transport(conf: cfg.ConfigOpts) -> oslo_messaging.Transport:
    """The bus named by ``transport_url``; connects on first use."""
    _register_options(conf)
    return oslo_messaging.get_rpc_transport(conf)


def _register_options(conf: cfg.ConfigOpts) -> None:
    """Register what oslo.messaging reads at every message.

    It registers these two groups with the global configuration alone, so
    that with one of our own no message could be sent.
    """
    for group in ("metrics", "tracing"):
        name = f"oslo_messaging_{group}"
        try:
            room = importlib.import_module(f"oslo_messaging._{group}.client")
        except ImportError:
            # Older releases have no tracing.
            continue
        conf.register_opts(getattr(room, name), group=name)


def server(
    bus: oslo_messaging.Transport, name: str, alarm: Alarm
) -> oslo_messaging.RPCServer:
    """A server that is not started yet.

    :param name: of this worker, unlike any other's.
    """
    return oslo_messaging.get_rpc_server(
        bus,
        oslo_messaging.Target(topic=TOPIC, server=name, version=VERSION),
        [Endpoint(alarm)],
        access_policy=oslo_messaging.DefaultRPCAccessPolicy,
    )
