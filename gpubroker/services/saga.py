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

"""A saga: small steps, each written down before and after it is done.

A step may be killed between any two lines and repeated: it looks for what
it wants to make before it makes it. A step never waits in a thread; it says
in how many seconds a new look is worth it.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import broker
from gpubroker.services import change

LOG = logging.getLogger(__name__)

#: Seconds after which to look again; ``None``: done, nothing to wait for.
Next = float | None

#: What the user is told when nothing is left to act for them with.
NO_DELEGATION = (
    "The broker holds no rights of the lease's user any more. Order again."
)

#: Seconds that one call may go on before it lets other leases have a turn.
_TURN = 5.0


class CloudFailure(Exception):
    """A start went wrong for a reason that lies with the cloud.

    :param message: for the user; names no host.
    :param suspect: whether it may lie with the host of the node.
    :param unplaced: whether Nova's scheduler let no host through, so that
        the host never saw the server.
    """

    def __init__(
        self,
        message: str,
        node: leases.Node,
        suspect: bool = True,
        unplaced: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.node = node
        self.suspect = suspect
        self.unplaced = unplaced


class ServerGone(Exception):
    """Somebody deleted the server; Placement shows that it holds nothing."""

    def __init__(self, node: leases.Node) -> None:
        super().__init__(f"The server of node {node.index} was deleted.")
        self.node = node


class Forgotten(Exception):
    """A server holds the ticket of a node that none was asked for: the
    database is older than what was done with it.

    :param holders: consumers in Placement.
    """

    def __init__(self, node: leases.Node, holders: list[str]) -> None:
        super().__init__(f"Node {node.index} has an unknown server.")
        self.node = node
        self.holders = holders


@dataclass(frozen=True, slots=True)
class Placed:
    """What the plan wrote into a node before anything was made for it."""

    host: str
    ticket: str
    shape: str


def placed(node: leases.Node) -> Placed:
    """:raises Conflict: for a node that no plan has placed."""
    if not (node.host and node.ticket and node.shape_id):
        raise errors.Conflict(f"Node {node.index} was never planned.")
    return Placed(node.host, node.ticket, node.shape_id)


class Run:
    """One lease as its saga sees it: what is stored and what was done."""

    def __init__(
        self,
        core: broker.Broker,
        lease: leases.Lease,
        saga: steps.Saga,
    ) -> None:
        self.core = core
        self.lease = lease
        self.saga = saga
        #: Nodes whose ticket is certainly new: nobody can hold it.
        self.fresh: set[str] = set()
        self._until = core.clock.monotonic() + _TURN
        with core.store.read() as tx:
            self._steps = {
                _key(step): step for step in tx.steps.of_lease(lease.id)
            }
            planned = [d for node in lease.nodes for d in node.planned]
            self.devices = {d.id: d for d in tx.devices.many(planned)}

    @property
    def nodes(self) -> tuple[leases.Node, ...]:
        return tuple(sorted(self.lease.nodes, key=lambda n: n.index))

    @property
    def turn_over(self) -> bool:
        return self.core.clock.monotonic() > self._until

    def node(self, node: leases.Node) -> leases.Node:
        """The node as last written."""
        return next(n for n in self.lease.nodes if n.id == node.id)

    def cards(self, node: leases.Node) -> list[devices.Device]:
        """The planned devices, in the order of the plan."""
        return [self.devices[d] for d in node.planned if d in self.devices]

    @contextlib.contextmanager
    def change(self) -> Iterator[change.Change]:
        with change.since(self.core, self.lease) as found:
            yield found
        self.lease = found.lease

    def found(
        self, node: leases.Node, name: str, saga: steps.Saga | None = None
    ) -> steps.Step | None:
        """The step of this attempt in the journal."""
        key = (node.id, node.attempt, saga or self.saga, name)
        return self._steps.get(key)

    def all_of(self, node: leases.Node, saga: steps.Saga) -> list[steps.Step]:
        """What this attempt has of another saga."""
        wanted = (node.id, node.attempt, saga)
        return [step for key, step in self._steps.items() if key[:3] == wanted]

    def begun_at(self) -> datetime.datetime:
        """When this attempt began; now, when it has not."""
        attempts = {(n.id, n.attempt) for n in self.lease.nodes}
        return min(
            (
                step.begun_at
                for (node, attempt, saga, _name), step in self._steps.items()
                if (node, attempt) in attempts and saga is self.saga
            ),
            default=self.core.clock.now(),
        )

    def step(
        self, node: leases.Node, name: str, act: Callable[[], Next]
    ) -> Next:
        """Do one step unless it was found done; write down both ends."""
        step = self.found(node, name)
        if step is not None and step.state is steps.StepState.DONE:
            return None
        if step is None:
            step = self.begin(node, name)
        try:
            wait = act()
        except Exception as error:
            self.core.meter.step(step, _result(error))
            raise
        if wait is None:
            self.done(step)
        return wait

    def begin(
        self, node: leases.Node, name: str, alone: bool = False
    ) -> steps.Step:
        """:param alone: of several workers only one may begin it.

        :raises ConcurrentUpdate: another one has.
        """
        step = self.new(node, name)
        with self.change() as found:
            if alone:
                known = map(_key, found.tx.steps.of_lease(self.lease.id))
                if _key(step) in known:
                    raise errors.ConcurrentUpdate(
                        f"Another worker has begun {name}."
                    )
                # Two that both saw nothing: one of them loses the swap.
                found.touch()
            found.tx.steps.begin(step)
        self._steps[_key(step)] = step
        return step

    def new(
        self, node: leases.Node, name: str, saga: steps.Saga | None = None
    ) -> steps.Step:
        """A step that begins now; not written yet."""
        return steps.Step(
            lease_id=self.lease.id,
            node_id=node.id,
            attempt=node.attempt,
            saga=saga or self.saga,
            name=name,
            state=steps.StepState.BEGUN,
            begun_at=self.core.clock.now(),
        )

    def done(
        self,
        step: steps.Step,
        detail: str = "",
        result: steps.Result = steps.Result.DONE,
    ) -> None:
        """Over, with whatever result: it is not tried again."""
        now = self.core.clock.now()
        step = steps.finished(step, now, detail)
        with self.core.store.write() as tx:
            tx.steps.done(step)
        self._steps[_key(step)] = step
        self.core.meter.step(step, result)
        LOG.info(
            "Lease %s: %s of node %d done after %.1f s%s",
            self.lease.id,
            f"{step.saga}/{step.name}",
            self._index(step),
            max(0.0, (now - step.begun_at).total_seconds()),
            f" ({detail})" if detail else "",
        )

    def _index(self, step: steps.Step) -> int:
        return next(n.index for n in self.lease.nodes if n.id == step.node_id)


def soonest(waits: list[Next]) -> Next:
    """The shortest of several waits; ``None`` when nothing is waited for."""
    return min((w for w in waits if w is not None), default=None)


def delegation(run: Run) -> leases.Delegation:
    """:raises IdentityLost: when there is none (any more)."""
    with run.core.store.read() as tx:
        found = tx.leases.delegation(run.lease.id)
    if found is None:
        raise errors.IdentityLost(NO_DELEGATION)
    return found


def _result(error: Exception) -> steps.Result:
    if isinstance(error, CloudFailure):
        return steps.Result.FAILED
    ends = (errors.Rejected, errors.IdentityLost, ServerGone)
    if isinstance(error, ends):
        return steps.Result.REFUSED
    return steps.Result.REPEATED


def _key(step: steps.Step) -> tuple[str | None, int, steps.Saga, str]:
    return step.node_id, step.attempt, step.saga, step.name
