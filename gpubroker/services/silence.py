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


"""What holds no longer when the agent of a host is silent.

Its last report tells how the cards were, not how they are: they may have
failed since, and the agent with them. Nothing is fenced for that, and no
lease is touched.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging

from gpubroker.domain import events
from gpubroker.domain import health
from gpubroker.domain import hosts
from gpubroker.services import broker
from gpubroker.services import device_history
from gpubroker.services import ports

LOG = logging.getLogger(__name__)


def note(core: broker.Broker, name: str) -> None:
    """Once for each silence, whoever looks how often.

    :raises NotFound: when there is no such host.
    :raises ConcurrentUpdate: when a card was changed meanwhile; to be done
        again.
    """
    with core.store.read() as tx:
        host = tx.hosts.get(name)
    now = core.clock.now()
    heard = host.heartbeat_at
    if heard is None or host.report_digest is None:
        return
    if host.silent(now, core.settings.heartbeat_timeout):
        core.store.run(lambda tx: _note(tx, name, heard, now))


def over(
    tx: ports.Transaction, host: hosts.Host, now: datetime.datetime
) -> None:
    """A report has come: say so, where silence was noted."""
    if host.heartbeat_at is not None and host.report_digest is None:
        _tell(tx, host.name, "host.agent_back", "The agent is back.", now)
        LOG.info("The agent of host %s reports again", host.name)


def _note(
    tx: ports.Transaction,
    name: str,
    heard: datetime.datetime,
    now: datetime.datetime,
) -> None:
    if not tx.hosts.silence(name, heard):
        return
    for row in tx.devices.of_host(name):
        verdict = health.unheard(row, heard)
        if verdict is not None:
            tx.devices.update(
                dataclasses.replace(
                    row, health=verdict.health, health_reasons=verdict.reasons
                )
            )
            device_history.health(tx, row, verdict, now)
    since = f"{heard:%Y-%m-%d %H:%M:%S} UTC"
    _tell(
        tx,
        name,
        "host.agent_silent",
        f"The agent has not reported since {since}.",
        now,
    )
    LOG.warning("The agent of host %s is silent since %s", name, since)


def _tell(
    tx: ports.Transaction,
    name: str,
    kind: str,
    message: str,
    now: datetime.datetime,
) -> None:
    tx.events.add(events.Event(at=now, kind=kind, message=message, host=name))
