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

"""One transaction on one lease: read, change, compare and swap, tell.

Every writer of a lease goes through here, so that two of them, in two
processes, can never both succeed from the same reading.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import ports

LOG = logging.getLogger(__name__)


class Change:
    """What is being written; kept in memory until ``save``."""

    def __init__(
        self,
        core: broker.Broker,
        tx: ports.Transaction,
        lease: leases.Lease,
        actor: events.Actor = events.BROKER,
    ) -> None:
        self.tx = tx
        self.lease = lease
        self.actor = actor
        self.now = core.clock.now()
        self._core = core
        self._touched = False
        self._said: list[str] = []
        self._rings: list[Callable[[], None]] = []

    def set(self, **fields: Any) -> None:
        """Set fields of the lease that are not its state."""
        self.lease = dataclasses.replace(self.lease, **fields)
        self._touched = True

    def move(
        self, state: leases.State, target: leases.State, **fields: Any
    ) -> None:
        """:raises IllegalMove: when the table has no such move."""
        leases.check_move(self.lease, state, target)
        before = self.lease.state
        self.set(state=state, target=target, **fields)
        self.after(lambda: self._core.meter.moved(before, self.lease))

    def node(self, node_id: str, **fields: Any) -> leases.Node:
        """Set fields of one node."""
        changed = [
            dataclasses.replace(node, **fields) if node.id == node_id else node
            for node in self.lease.nodes
        ]
        self.set(nodes=tuple(changed))
        (found,) = (node for node in changed if node.id == node_id)
        self.tx.leases.update_node(found)
        return found

    def say(self, kind: str, message: str, **detail: Any) -> None:
        """One line of the lease's history, and of the log."""
        self.tx.events.add(
            events.Event(
                at=self.now,
                kind=kind,
                message=message,
                lease_id=self.lease.id,
                request_id=self.actor.request_id or self.lease.request_id,
                by=self.actor.user_id,
                operator=self.actor.operator,
                detail=detail,
            )
        )
        shown = "".join(f" {k}={v}" for k, v in detail.items())
        self._said.append(f"{message}{shown}")

    def touch(self) -> None:
        """Win or lose against every other writer of this lease."""
        self._touched = True

    def ring_hosts(self) -> None:
        for name in sorted({n.host for n in self.lease.nodes if n.host}):
            self.after(functools.partial(self._core.bell.host, name))

    def ring_pool(self) -> None:
        self.after(lambda: self._core.bell.pool(self.lease.pool))

    def ring_lease(self) -> None:
        self.after(lambda: self._core.bell.lease(self.lease.id))

    def after(self, act: Callable[[], None]) -> None:
        """Do it once the transaction is written."""
        self._rings.append(act)

    def save(self) -> None:
        if self._touched:
            self.lease = self.tx.leases.update(self.lease)
            self._touched = False

    def tell(self) -> None:
        for line in self._said:
            LOG.info("Lease %s: %s", self.lease.id, line)
        for ring in self._rings:
            ring()


@contextlib.contextmanager
def of(
    core: broker.Broker,
    lease_id: str,
    project_id: str | None = None,
    actor: events.Actor = events.BROKER,
) -> Iterator[Change]:
    """Change a lease as it stands in the store.

    :param actor: who asks for it; told with what is said.
    :raises NotFound: no such lease in this project; ConcurrentUpdate:
        somebody else wrote it meanwhile, nothing was written.
    """
    with core.store.write() as tx:
        change = Change(core, tx, tx.leases.get(lease_id, project_id), actor)
        yield change
        change.save()
    change.tell()


@contextlib.contextmanager
def since(core: broker.Broker, lease: leases.Lease) -> Iterator[Change]:
    """The same, only while the lease is in the phase that was read.

    :raises ConcurrentUpdate: also when it has moved on.
    """
    with of(core, lease.id) as change:
        if _phase(change.lease) != _phase(lease):
            raise errors.ConcurrentUpdate(
                f"Lease {lease.id} moved on meanwhile."
            )
        yield change


def _phase(lease: leases.Lease) -> tuple[Any, ...]:
    attempts = sorted((n.id, n.attempt) for n in lease.nodes)
    return lease.state, lease.target, attempts
