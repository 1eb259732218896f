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

"""What ``db`` has to offer for leases and what belongs to them."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Protocol

from gpubroker.domain import events
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.domain import trusts
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page


class Leases(Protocol):
    """Leases come with their nodes, and without user data, of which a long
    queue has hundreds of megabytes: "" where there is some."""

    def get(
        self, lease_id: str, project_id: str | None = None
    ) -> leases.Lease:
        """:raises NotFound: also when it is another project's."""
        ...

    def find(self, name: str, project_id: str) -> list[leases.Lease]: ...
    def page(self, page: Page) -> Listing[leases.Lease]:
        """Filters: id, name, state, flavor, pool, project_id, user_id."""
        ...

    def add(
        self, lease: leases.Lease, delegation: leases.Delegation | None
    ) -> leases.Lease:
        """User data is encrypted in the database.

        :raises Misconfigured: when there is no key for it.
        """
        ...

    def update(self, lease: leases.Lease) -> leases.Lease:
        """Compare-and-swap; nodes and user data are not touched."""
        ...

    def user_data(self, lease_id: str) -> str | None:
        """As it was ordered; ``None`` when there is none (any more).

        :raises Undecipherable: no key fits.
        """
        ...

    def with_user_data(self) -> list[str]:
        """Ids of all that have some."""
        ...

    def user_data_is_fresh(self, lease_id: str) -> bool:
        """Whether the primary key encrypted it.

        :raises Misconfigured: when there is no key.
        """
        ...

    def renew_user_data(self, lease_id: str) -> None:
        """Encrypt it by the primary key.

        :raises Undecipherable: no key fits.
        """
        ...

    def forget_user_data(self, lease_id: str) -> None: ...
    def update_node(self, node: leases.Node) -> None: ...
    def in_state(
        self, states: Collection[leases.State], pool: str | None = None
    ) -> list[leases.Lease]:
        """Oldest order first (requested_at, then id)."""
        ...

    def with_server(self, server_id: str) -> list[leases.Lease]:
        """Those not final that have this server."""
        ...

    def some(self, ids: Collection[str]) -> list[leases.Lease]:
        """As ``in_state`` shows them; unknown ids are left out."""
        ...

    def waiting(self, pools: Collection[str]) -> list[leases.Waiting]:
        """Those that are queued there, oldest order first; nothing but what
        changes while they wait. Without those whose user has no rights: they
        keep nothing from the others."""
        ...

    def reasons(self, pool: str) -> dict[str, str]:
        """Lease id -> what keeps it back, of those that are queued there."""
        ...

    def starting(self, pools: Collection[str]) -> list[leases.Starting]:
        """A row for each host where a lease of these pools is started."""
        ...

    def held_for_rights(self, pool: str) -> list[leases.Lease]:
        """QUEUED, and somebody has to look whether Keystone lets the broker
        act for its user: with ``rights_gone_at``, or of mode ``caller``."""
        ...

    def expiring(self, now: datetime.datetime) -> list[leases.Lease]:
        """ACTIVE with expires_at <= now."""
        ...

    def places(self, some: Collection[leases.Lease]) -> dict[str, int]:
        """Lease id -> place among those that ``waiting`` gives; 1 = the head
        of its pool's queue. Whoever else there is has none."""
        ...

    def delegation(self, lease_id: str) -> leases.Delegation | None: ...
    def trust_ids(self) -> set[str]:
        """Of every delegation that there is."""
        ...

    def forget_delegation(self, lease_id: str) -> None: ...
    def wait_turn(self, project_id: str) -> None:
        """Let one transaction at a time go on for this project, until it
        ends: what it counts then stays so."""
        ...

    def count_open(self, project_id: str) -> int:
        """Leases of the project that are not final."""
        ...


class Trusts(Protocol):
    """Those that are being made, or that no lease got."""

    def all(self) -> list[trusts.Trust]: ...
    def add(self, trust: trusts.Trust) -> None:
        """:raises Duplicate: when there is one of this user and project
        that ends in the same second."""
        ...

    def tried(self, trust: trusts.Trust, now: datetime.datetime) -> bool:
        """Note that it is deleted; False when the row is not as it was."""
        ...

    def remove(self, trust: trusts.Trust) -> bool:
        """False when the row is not as it was, or is gone."""
        ...


class Claims(Protocol):
    def add(self, node_id: str, device_ids: Sequence[str]) -> None:
        """:raises InUse: when a device is in an open claim already."""
        ...

    def of_node(self, node_id: str) -> list[str]: ...
    def release(self, node_id: str, device_ids: Collection[str]) -> None: ...


class Steps(Protocol):
    def begin(self, step: steps.Step) -> None:
        """Repeats of the same (lease, node, attempt, saga, name) keep the
        first ``begun_at``."""
        ...

    def done(self, step: steps.Step) -> None: ...
    def of_lease(self, lease_id: str) -> list[steps.Step]: ...


class Events(Protocol):
    def add(self, event: events.Event) -> None: ...
    def page(self, page: Page) -> Listing[events.Event]:
        """Filters: lease_id, device_id (also finds the events of the same
        serial), host, kind. Oldest first unless told; marker = event id."""
        ...
