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

"""A host is a hypervisor that carries GPUs."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass


class Mode(enum.StrEnum):
    """Whether the broker may write to the host's providers.

    ``observe`` mirrors, counts and judges and writes nothing; ``manage``
    fences cards and places leases.
    """

    OBSERVE = "observe"
    MANAGE = "manage"


class ComputeState(enum.StrEnum):
    """The nova-compute service of the host, as Nova tells."""

    UP = "up"
    DOWN = "down"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


#: Why a host is ``UNKNOWN`` whose compute service was removed.
NO_SERVICE = "Nova has no such compute service."


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """One resource class of a host's root provider, as Placement counts."""

    resource_class: str
    total: int
    reserved: int = 0
    allocation_ratio: float = 1.0
    used: int = 0

    @property
    def free(self) -> int:
        """Units that one more consumer could get, never negative."""
        room = int((self.total - self.reserved) * self.allocation_ratio)
        return max(0, room - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something about the host as a whole; never a verdict on a card."""

    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """That no card of a host is given out again.

    :param detail: why, in words for the next operator.
    """

    at: datetime.datetime
    detail: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """:param mark: the same as long as the host can offer the same."""

    host: str
    pool: str
    mark: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """:param name: Nova's service host, the key operators use.
    :param hypervisor_hostname: the name of its root provider.
    :param provider_id: UUID of the root provider, once seen.
    :param ticket_provider_id: the broker's one permanent child provider.
    :param zone: Nova's availability zone of it; empty until Nova told.
    :param agent_user_id: the Keystone user that may report for this host.
    :param report_digest: of the last report; ``None`` once its agent was
        noted to be silent, so that its next report is news; empty where each
        report is, whatever it says.
    """

    name: str
    hypervisor_hostname: str
    pool: str
    mode: Mode = Mode.OBSERVE
    provider_id: str | None = None
    ticket_provider_id: str | None = None
    compute_state: ComputeState = ComputeState.UNKNOWN
    compute_reason: str = ""
    zone: str = ""
    agent_user_id: str | None = None
    agent_version: str | None = None
    boot_id: str | None = None
    report_digest: str | None = None
    heartbeat_at: datetime.datetime | None = None
    drain: Drain | None = None
    conditions: tuple[Condition, ...] = ()
    capacities: tuple[Capacity, ...] = ()
    generation: int = 0
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    def silent(self, now: datetime.datetime, timeout: float) -> bool:
        """Whether its agent has reported once, and not for a while.

        :param timeout: seconds.
        """
        if self.heartbeat_at is None:
            return False
        return (now - self.heartbeat_at).total_seconds() > timeout


#: What the members of a project are told of the host of a server; no names.
_AWAY = {
    ComputeState.DOWN: "The host of the server does not answer; the server "
    "may be down.",
    ComputeState.DISABLED: "The host of the server is in maintenance; the "
    "server may be stopped meanwhile.",
    ComputeState.UNKNOWN: "The cloud no longer has the host of the server; "
    "the server may be down.",
}


def away(host: Host) -> str:
    """Why a server that runs there may not do so; empty: nothing is known
    against it."""
    if (
        host.compute_state is ComputeState.UNKNOWN
        and host.compute_reason != NO_SERVICE
    ):
        # Nova was never asked, or has another name for it.
        return ""
    return _AWAY.get(host.compute_state, "")


def says_away(words: str) -> bool:
    """Whether it was ``away`` that said so."""
    return words.endswith(tuple(_AWAY.values()))
