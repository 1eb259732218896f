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

"""Placement, which counts what is allocated (N 2, 13, 15)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from gpubroker import errors
from gpubroker.clouds import answers
from gpubroker.clouds import session
from gpubroker.services import names
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

#: The newest version since Yoga; nothing of it is negotiated.
MICROVERSION = "1.39"

#: Nova puts this trait on the provider of every PCI device that it manages.
MANAGED = "COMPUTE_MANAGED_PCI_DEVICE"


class Ledger:
    """``ports.Ledger`` on the Placement API."""

    def __init__(self, service: session.Service, clock: ports.Clock) -> None:
        self._placement = service
        self._clock = clock

    # -- reading ---------------------------------------------------------

    def gpu_providers(self) -> list[ports.Provider]:
        return self._providers(required=MANAGED)

    def provider(self, provider_id: str) -> ports.Provider:
        answer = self._placement.get(f"/resource_providers/{provider_id}")
        return _provider(answer.body)

    def provider_by_name(self, name: str) -> ports.Provider | None:
        return next(iter(self._providers(name=name)), None)

    def tree(self, root_id: str) -> list[ports.Provider]:
        return self._providers(in_tree=root_id)

    def inventories(self, provider_id: str) -> ports.Inventories:
        answer = self._placement.get(_url(provider_id, "inventories"))
        return ports.Inventories(
            provider_id=provider_id,
            generation=answer.body["resource_provider_generation"],
            by_class={
                name: _inventory(name, record)
                for name, record in answer.body["inventories"].items()
            },
        )

    def usages(self, provider_id: str) -> dict[str, int]:
        answer = self._placement.get(_url(provider_id, "usages"))
        usages: dict[str, int] = answer.body["usages"]
        return usages

    def traits(self, provider_id: str) -> list[str]:
        answer = self._placement.get(_url(provider_id, "traits"))
        return sorted(answer.body["traits"])

    def consumers(self, provider_id: str) -> dict[str, dict[str, int]]:
        answer = self._placement.get(_url(provider_id, "allocations"))
        return _resources(answer.body)

    def allocations(self, consumer_id: str) -> dict[str, dict[str, int]]:
        answer = self._placement.get(f"/allocations/{consumer_id}")
        return _resources(answer.body)

    def open_cards(self, resource_class: str) -> set[str]:
        answer = self._placement.get(
            "/allocation_candidates",
            params={"resources": f"{resource_class}:1", "required": MANAGED},
            accept=(400,),
        )
        if not answer.found:
            # A class that Placement has never seen has no open cards.
            self._require_unknown(resource_class, answer)
            return set()
        return {
            provider_id
            for request in answer.body["allocation_requests"]
            for provider_id in request["allocations"]
        }

    # -- fences ----------------------------------------------------------

    def set_reserved(
        self,
        provider_id: str,
        resource_class: str,
        fenced: bool,
        ready: Callable[[ports.Inventories], None],
        always: bool = False,
    ) -> ports.Inventories:
        return session.persist(
            self._clock,
            lambda: self._set_reserved(
                provider_id, resource_class, fenced, ready, always
            ),
        )

    def _set_reserved(
        self,
        provider_id: str,
        resource_class: str,
        fenced: bool,
        ready: Callable[[ports.Inventories], None],
        always: bool,
    ) -> ports.Inventories:
        before = self.inventories(provider_id)
        found = before.by_class.get(resource_class)
        if found is None:
            raise errors.NotFound(
                f"Provider {provider_id} has no {resource_class}."
            )
        wanted = found.total if fenced else 0
        if found.reserved == wanted and not always:
            return before
        ready(before)
        # The record is sent in full: what is left out would be reset, and
        # Nova would repair that with a write that loses the fence (N 0.3).
        answer = self._placement.call(
            "PUT",
            _url(provider_id, f"inventories/{resource_class}"),
            json={
                **found.record,
                "reserved": wanted,
                "resource_provider_generation": before.generation,
            },
        )
        after = dict(answer.body)
        generation = after.pop("resource_provider_generation")
        return ports.Inventories(
            provider_id=provider_id,
            generation=generation,
            by_class={
                **before.by_class,
                resource_class: _inventory(resource_class, after),
            },
        )

    # -- tickets ---------------------------------------------------------

    def ensure_ticket_provider(
        self, name: str, root_id: str, known: str | None = None
    ) -> str:
        found = self._known(known) or self.provider_by_name(name)
        if found is None:
            self._placement.call(
                "POST",
                "/resource_providers",
                json={"name": name, "parent_provider_uuid": root_id},
                accept=(409,),
            )
            found = self.provider_by_name(name)
        if found is None:
            raise errors.Unavailable(
                f"Placement: provider {name} could not be made."
            )
        if (found.parent_id, found.name) != (root_id, name):
            # The compute node was made anew, or the host renamed.
            self._placement.call(
                "PUT",
                f"/resource_providers/{found.id}",
                json={"name": name, "parent_provider_uuid": root_id},
            )
        return found.id

    def _known(self, provider_id: str | None) -> ports.Provider | None:
        try:
            return self.provider(provider_id) if provider_id else None
        except errors.NotFound:
            return None

    def ticket_providers(self) -> list[ports.Provider]:
        return [
            provider
            for provider in self._providers()
            if provider.name.startswith(names.PROVIDER_PREFIX)
        ]

    def put_ticket(self, provider_id: str, resource_class: str) -> bool:
        made = self._placement.call(
            "PUT", f"/resource_classes/{resource_class}"
        )
        session.persist(
            self._clock,
            lambda: self._put_ticket(provider_id, resource_class),
        )
        # 204 for one that is there (placement/handlers/resource_class.py).
        return made.status == 201

    def _put_ticket(self, provider_id: str, resource_class: str) -> None:
        try:
            # To add a class Placement asks for no generation: whatever else
            # the provider carries, this one is nobody else's.
            self._placement.call(
                "POST",
                _url(provider_id, "inventories"),
                json={
                    "resource_class": resource_class,
                    "total": 1,
                    "max_unit": 1,
                },
            )
        except errors.ConcurrentUpdate:
            # So it answers also when the class is there: from an earlier
            # try (placement/handlers/inventory.py, create_inventory).
            if resource_class not in self.inventories(provider_id).by_class:
                raise

    def ticket_holders(
        self, resource_class: str, provider_id: str | None = None
    ) -> list[str]:
        if provider_id is not None:
            return self._holders(provider_id, resource_class)
        answer = self._placement.get(
            "/resource_providers",
            params={"resources": f"{resource_class}:1"},
            accept=(400,),
        )
        if not answer.found:
            self._require_unknown(resource_class, answer)
            return []
        if answer.body["resource_providers"]:
            # There is one of it, and it is to be had.
            return []
        return sorted(
            holder
            for provider in self.ticket_providers()
            for holder in self._holders(provider.id, resource_class)
        )

    def drop_ticket(self, provider_id: str, resource_class: str) -> None:
        session.persist(
            self._clock,
            lambda: self._drop_inventory(provider_id, resource_class),
        )
        try:
            self._placement.call(
                "DELETE",
                f"/resource_classes/{resource_class}",
                accept=(404,),
            )
        except errors.Conflict as conflict:
            raise errors.InUse(conflict.message) from conflict

    def tickets(self) -> list[str]:
        return self.classes(names.TICKET_PREFIX)

    # -- classes of no use but their names -------------------------------

    def classes(self, prefix: str) -> list[str]:
        answer = self._placement.get("/resource_classes")
        return sorted(
            record["name"]
            for record in answer.body["resource_classes"]
            if record["name"].startswith(prefix)
        )

    def make_class(self, name: str) -> None:
        self._placement.call("PUT", f"/resource_classes/{name}")

    def drop_class(self, name: str) -> None:
        self._placement.call(
            "DELETE", f"/resource_classes/{name}", accept=(404,)
        )

    # -- ------------------------------------------------------------------

    def _providers(self, **params: str) -> list[ports.Provider]:
        answer = self._placement.get("/resource_providers", params=params)
        return [_provider(p) for p in answer.body["resource_providers"]]

    def _holders(self, provider_id: str, resource_class: str) -> list[str]:
        return sorted(
            consumer
            for consumer, resources in self.consumers(provider_id).items()
            if resource_class in resources
        )

    def _drop_inventory(self, provider_id: str, resource_class: str) -> None:
        try:
            self._placement.call(
                "DELETE",
                _url(provider_id, f"inventories/{resource_class}"),
                accept=(404,),
            )
        except errors.ConcurrentUpdate:
            # Placement answers a DELETE of inventory that is in use with
            # this code, too (placement/handlers/inventory.py).
            holders = self._holders(provider_id, resource_class)
            if not holders:
                raise
            raise errors.InUse(
                f"{resource_class} is held by {', '.join(holders)}."
            ) from None

    def _require_unknown(
        self, resource_class: str, answer: answers.Answer
    ) -> None:
        """Tell a class that does not exist from a request gone wrong."""
        known = self._placement.get(
            f"/resource_classes/{resource_class}", accept=(404,)
        )
        if known.found:
            LOG.error("Placement refuses a request: %s", answer.words)
            raise errors.Misconfigured(
                "Placement refuses what the broker itself asks for; its "
                "operators have to mend that."
            )


def _url(provider_id: str, rest: str) -> str:
    return f"/resource_providers/{provider_id}/{rest}"


def _provider(record: dict[str, Any]) -> ports.Provider:
    return ports.Provider(
        id=record["uuid"],
        name=record["name"],
        generation=record["generation"],
        parent_id=record["parent_provider_uuid"],
        root_id=record["root_provider_uuid"],
    )


def _inventory(name: str, record: dict[str, Any]) -> ports.Inventory:
    return ports.Inventory(
        resource_class=name,
        total=record["total"],
        reserved=record["reserved"],
        allocation_ratio=record["allocation_ratio"],
        record=record,
    )


def _resources(body: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {
        key: dict(held["resources"])
        for key, held in body["allocations"].items()
    }
