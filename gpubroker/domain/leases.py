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

"""A lease is a claim on GPUs for a time.

The states and the moves between them are one table, here.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpubroker import errors


class State(enum.StrEnum):
    QUEUED = "queued"
    """Waits for cards; ``reason`` says what keeps it back."""
    STARTING = "starting"
    """Holds claims; target ``active``, or ``queued`` while a failed start
    is being undone."""
    ACTIVE = "active"
    """The servers run with exactly the cards that were planned."""
    ENDING = "ending"
    """Outside things are being removed; target ``ended`` or ``failed``."""
    ENDED = "ended"
    """Nothing of it is left outside."""
    FAILED = "failed"
    """Could not start; ``reason`` says why; nothing of it is left."""


#: A lease in one of these holds nothing and never changes again.
FINAL = frozenset({State.ENDED, State.FAILED})

#: state -> the (state, target) pairs it may move to. A target equal to the
#: state means: at rest.
MOVES: Mapping[State, frozenset[tuple[State, State]]] = {
    State.QUEUED: frozenset(
        {
            (State.STARTING, State.ACTIVE),
            (State.ENDING, State.ENDED),
            (State.ENDING, State.FAILED),
        }
    ),
    State.STARTING: frozenset(
        {
            (State.ACTIVE, State.ACTIVE),
            (State.STARTING, State.QUEUED),
            (State.QUEUED, State.QUEUED),
            (State.ENDING, State.ENDED),
            (State.ENDING, State.FAILED),
        }
    ),
    State.ACTIVE: frozenset({(State.ENDING, State.ENDED)}),
    State.ENDING: frozenset(
        {(State.ENDED, State.ENDED), (State.FAILED, State.FAILED)}
    ),
    State.ENDED: frozenset(),
    State.FAILED: frozenset(),
}


class IdentityMode(enum.StrEnum):
    """Under whose name the broker makes the servers (A 4)."""

    TRUST = "trust"
    """The user's, by a trust, at any time."""
    CALLER = "caller"
    """The user's, with the token of the order itself: only the API process
    that has it can make the servers, and only at once."""
    SERVICE = "service"
    """The broker's own user, in a project that it was made a member of."""
    ADOPTED = "adopted"
    """Nobody's: the server ran before an operator made it a lease, and no
    other is ever made for it. It has no ticket and no shape."""


class EndCause(enum.StrEnum):
    USER = "user"
    OPERATOR = "operator"
    EXPIRY = "expiry"
    SERVER_GONE = "server_gone"
    START_FAILED = "start_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One server of a lease.

    :param host: planned host, while a start is under way or done.
    :param ticket: its resource class on the host's ticket provider; none of
        an adopted lease.
    :param shape_id: the private Nova flavor made for it; gone after boot;
        none of an adopted lease.
    :param planned: device ids in the order of the plan.
    :param attempt: grows with each start, so that names never repeat.
    :param fault: words for people when a start of this node failed.
    """

    id: str
    lease_id: str
    index: int
    attempt: int = 0
    host: str | None = None
    ticket: str | None = None
    shape_id: str | None = None
    server_id: str | None = None
    server_status: str | None = None
    addresses: tuple[str, ...] = ()
    planned: tuple[str, ...] = ()
    fault: str = ""


#: Fields of a node of which there is nothing outside.
UNPLACED: Mapping[str, Any] = {
    "host": None,
    "ticket": None,
    "shape_id": None,
    "server_id": None,
    "server_status": None,
    "addresses": (),
    "planned": (),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """:param kind: ``ssh`` or ``x509``, as Nova calls them."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """How the broker acts for the lease's user.

    :param expires_at: when the trust ends; for ``caller``, until when the
        servers have to be made.
    :param public_key: of the key pair that the user named, for ``service``.
    """

    lease_id: str
    mode: IdentityMode
    trust_id: str | None = None
    expires_at: datetime.datetime | None = None
    public_key: PublicKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An order and all that became of it.

    :param duration: seconds from the start until it expires; ``None`` = no
        end of its own.
    :param workload: what to make on the cards, as ordered, without user data.
    :param flavor: name; ``gpus`` and the sizes are copied at order time so
        that a changed flavor never changes a lease.
    :param attempts: starts that failed for a reason that lay with the cloud.
    :param not_before: no new start before, after a failed one.
    :param rights_gone_at: since when Keystone lets the broker do nothing for
        the user, as far as known; such a lease is out of every plan.
    :param request_id: the request that is being carried out: the order, then
        what ended it; empty = the broker ended it by itself.
    """

    id: str
    name: str
    project_id: str
    user_id: str
    flavor: str
    kind: str
    models: tuple[str, ...]
    model: str | None = None
    gpus: int
    vcpus: int
    ram_mib: int
    disk_gib: int
    topology: str
    extra_specs: dict[str, str] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    pool: str
    node_count: int = 1
    state: State = State.QUEUED
    target: State = State.QUEUED
    reason: str = ""
    end_cause: EndCause | None = None
    identity_mode: IdentityMode = IdentityMode.TRUST
    workload: dict[str, Any] = field(default_factory=dict)
    user_data: str | None = None
    duration: int | None = None
    requested_at: datetime.datetime
    started_at: datetime.datetime | None = None
    expires_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    attempts: int = 0
    not_before: datetime.datetime | None = None
    rights_gone_at: datetime.datetime | None = None
    request_id: str = ""
    nodes: tuple[Node, ...] = ()
    generation: int = 0
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    @property
    def local_disk_gib(self) -> int:
        """What one node takes of its host's disk: nothing with a boot
        volume. Nova does not count a flavor's disk then, either."""
        return 0 if self.workload.get("boot_volume_gib") else self.disk_gib

    @property
    def adopted(self) -> bool:
        """Whether its server was there before it."""
        return self.identity_mode is IdentityMode.ADOPTED

    @property
    def final(self) -> bool:
        return self.state in FINAL


def check_move(lease: Lease, state: State, target: State) -> None:
    """:raises IllegalMove: when the table has no such move."""
    if (state, target) not in MOVES[lease.state]:
        raise errors.IllegalMove(
            f"Lease {lease.name} is {lease.state}: it can not become {state}.",
            state=lease.state,
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What changes of a lease that waits in a queue."""

    lease_id: str
    pool: str
    not_before: datetime.datetime | None


@dataclass(frozen=True, slots=True)
class Starting:
    """A host where a node of a lease is started."""

    lease_id: str
    pool: str
    host: str
