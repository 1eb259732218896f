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

"""What the checks ask of the cloud, with the broker's own identity."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from gpubroker.services import ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """One of Nova's."""

    name: str
    public: bool
    extra_specs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """How a race of several consumers for one thing went.

    :ivar winners: consumers that got it; more than one is one too many.
    :ivar sent_back: losers that were told to ask again, so that Placement
        did not repeat their claims by itself.
    """

    winners: int
    sent_back: int


class Identity(Protocol):
    """Keystone. All: :raises Unavailable: no token, or no answer."""

    def roles(self) -> frozenset[str]:
        """Names of the roles in the token of [service_user]."""
        ...

    def endpoints(
        self, service_type: str, interface: Collection[str] | None = None
    ) -> list[str]:
        """URLs in the catalogue, in the region that is set.

        :param interface: other ones than those of [service_user].
        """
        ...

    def missing_role(self, name: str) -> bool:
        """Whether there is no such role.

        Found by asking for a trust that Keystone has to refuse.

        :raises Forbidden: Keystone lets the broker's user make none at all.
        """
        ...


class Standing(Identity, Protocol):
    """All: :raises Unavailable: a service that does not answer."""

    # -- Placement -------------------------------------------------------

    def placement_versions(self) -> tuple[str, str]:
        """The least and the greatest microversion that Placement offers."""
        ...

    def placement_writable(self) -> bool: ...

    def slot_holders(self) -> Mapping[str, Collection[str]]:
        """Slot trait -> UUIDs of the PCI providers that carry it."""
        ...

    def one_time_cards(self) -> Collection[str]:
        """UUIDs of the PCI providers that Nova uses once only."""
        ...

    def capacities(self, resource_class: str) -> Mapping[str, int]:
        """UUID of a PCI provider with something free -> how much it may
        give out all in all."""
        ...

    # -- Nova ------------------------------------------------------------

    def nova_versions(self) -> tuple[str, str]:
        """The newest microversion that Nova offers, and the one needed."""
        ...

    def nova_admin(self) -> bool:
        """Whether Nova's ``context_is_admin`` holds for the broker."""
        ...

    def flavors(self) -> list[Flavor]:
        """All that Nova has."""
        ...

    def computes(self) -> list[ports.ComputeService]: ...

    # -- the web ---------------------------------------------------------

    def answer_at(self, url: str) -> object:
        """The JSON of a GET without a token; ``None`` when it is none.

        :raises Unavailable: when nobody answers there.
        """
        ...

    def offset(self, name: str) -> datetime.timedelta | None:
        """By how much the clock of a service is ahead of this machine's, to
        the second; ``None`` when its answers bear no date."""
        ...


class Probe(Protocol):
    """What is found only by trying; nothing of it stays."""

    def aliases(self, names: Collection[str]) -> Mapping[str, str]:
        """Of PCI aliases those that nova-api refuses, with its words.

        Takes a private flavor that nobody may use.
        """
        ...

    def race(self, consumers: int) -> Claims:
        """Let several consumers claim one thing of Placement at once."""
        ...
