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

"""Placement: the ledger of what is allocated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A resource provider as Placement lists it."""

    id: str
    name: str
    generation: int
    parent_id: str | None
    root_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One full inventory record; ``record`` is what Placement sent."""

    resource_class: str
    total: int
    reserved: int
    allocation_ratio: float
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventories:
    provider_id: str
    generation: int
    by_class: Mapping[str, Inventory]


class Ledger(Protocol):
    """Placement 1.39, with the broker's own identity.

    All: :raises Unavailable: down or not answering; NotFound: no such
    provider or class; ConcurrentUpdate: the generation moved on.
    """

    def gpu_providers(self) -> list[Provider]:
        """Every provider that Nova manages for a PCI device."""
        ...

    def provider(self, provider_id: str) -> Provider: ...
    def provider_by_name(self, name: str) -> Provider | None: ...
    def tree(self, root_id: str) -> list[Provider]: ...
    def inventories(self, provider_id: str) -> Inventories: ...
    def usages(self, provider_id: str) -> dict[str, int]: ...
    def traits(self, provider_id: str) -> list[str]: ...
    def consumers(self, provider_id: str) -> dict[str, dict[str, int]]:
        """Consumer UUID -> class -> amount."""
        ...

    def allocations(self, consumer_id: str) -> dict[str, dict[str, int]]:
        """Provider UUID -> class -> amount; empty when it holds nothing."""
        ...

    def set_reserved(
        self,
        provider_id: str,
        resource_class: str,
        fenced: bool,
        ready: Callable[[Inventories], None],
        always: bool = False,
    ) -> Inventories:
        """Full-record PUT, reserved = total or 0, repeated on 409 (N 2.3).

        :param ready: called before each write with what it replaces, of the
            one generation for which Placement takes it; what it raises
            stops the write.
        :param always: write also when it stands as it should, which counts
            the generation up.
        :returns: what stood there after the write, or what stands there
            where none was needed.
        """
        ...

    def open_cards(self, resource_class: str) -> set[str]:
        """Provider UUIDs of cards that Placement would give out now."""
        ...

    def ensure_ticket_provider(
        self, name: str, root_id: str, known: str | None = None
    ) -> str:
        """The permanent child provider of a host's tickets, made once and
        never deleted (N 15.6).

        :param known: its id, so that it is found under another root and by
            another name, and brought to these.
        """
        ...

    def ticket_providers(self) -> list[Provider]:
        """Those of all installations."""
        ...

    def put_ticket(self, provider_id: str, resource_class: str) -> bool:
        """Make the class and its inventory of one; found done = done.

        :returns: whether there was no such class before.
        """
        ...

    def ticket_holders(
        self, resource_class: str, provider_id: str | None = None
    ) -> list[str]:
        """Consumers that hold this ticket: one call where the provider is
        known, a search of all hosts without."""
        ...

    def drop_ticket(self, provider_id: str, resource_class: str) -> None:
        """Remove inventory and class; gone = done.

        :raises InUse: while a consumer holds it.
        """
        ...

    def tickets(self) -> list[str]:
        """Every ticket class that exists, of all installations."""
        ...

    def classes(self, prefix: str) -> list[str]:
        """Every resource class whose name begins so."""
        ...

    def make_class(self, name: str) -> None:
        """A resource class without any inventory; there = done."""
        ...

    def drop_class(self, name: str) -> None:
        """Gone = done."""
        ...
