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

"""A lease is a claim on GPUs for a time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator
from typing import Any, Self

from keystoneauth1 import adapter
from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions
from openstack import resource

from gpubroker.client import errors
from gpubroker.client.sdk import base
from gpubroker.client.sdk import event
from gpubroker.client.sdk import waiting

#: A lease in one of these holds nothing and never changes again.
FINAL = frozenset({"ended", "failed"})
#: Seconds before an order that got no answer is sent again.
_PAUSES = (1.0, 3.0)
#: Answers that do not tell whether the order was taken: of a balancer whose
#: service is away, or of the service whose database is.
_UNHEARD = frozenset({502, 503, 504})


class Lease(base.Mutable):
    resources_key = "leases"
    base_path = "/leases"

    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "name",
        "state",
        "flavor",
        "pool",
        "project_id",
        "all_projects",
        "sort_key",
        "sort_dir",
    )

    name: str = resource.Body("name")
    project_id: str = resource.Body("project_id")
    user_id: str = resource.Body("user_id")
    #: Name of the flavor that was ordered.
    flavor: str = resource.Body("flavor")
    #: Acceptable models, the most preferred first.
    models: list[str] = resource.Body("models", type=list)
    #: The model that it got; ``None`` while none is planned.
    model: str | None = resource.Body("model")
    #: GPUs of one node.
    gpus: int = resource.Body("gpus", type=int)
    #: Servers that start together or not at all.
    nodes: int = resource.Body("nodes", type=int)
    pool: str = resource.Body("pool")
    #: queued, starting, active, ending, ended or failed.
    state: str = resource.Body("state")
    #: Where it is on its way to; the state itself when at rest.
    target: str = resource.Body("target")
    #: Words for people: what it waits for, or why it failed.
    reason: str = resource.Body("reason")
    #: user, operator, expiry, server_gone or start_failed.
    end_cause: str | None = resource.Body("end_cause")
    #: While queued: ``place`` (1 is next; None for one that waits until its
    #: user's rights work again) and ``waiting_for``.
    queue: dict[str, Any] | None = resource.Body("queue")
    #: Seconds from the start to the expiry; ``None`` = no end of its own.
    duration: int | None = resource.Body("duration", type=int)
    requested_at: str = resource.Body("requested_at")
    started_at: str | None = resource.Body("started_at")
    expires_at: str | None = resource.Body("expires_at")
    ended_at: str | None = resource.Body("ended_at")
    identity_mode: str = resource.Body("identity_mode")
    #: Starts that failed for a reason that lay with the cloud.
    attempts: int = resource.Body("attempts", type=int)
    #: What was ordered to run on the cards.
    workload: dict[str, Any] = resource.Body("workload", type=dict)
    #: The servers: node, id, name, status, addresses, login, ...
    servers: list[dict[str, Any]] = resource.Body("servers", type=list)
    #: The steps of the start or the end: node, step, state and times.
    progress: list[dict[str, Any]] = resource.Body("progress", type=list)

    @property
    def is_final(self) -> bool:
        """Whether it holds nothing and never changes again."""
        return self.state in FINAL

    def adopt(self, session: adapter.Adapter, **attrs: Any) -> Self:
        """Make it of a server that runs already."""
        response = session.post(
            "/adoptions",
            json=attrs,
            microversion=base.microversion(session),
        )
        self._translate_response(response)
        return self

    def extend(
        self,
        session: adapter.Adapter,
        *,
        by: int | None = None,
        until: str | None = None,
    ) -> Self:
        """Move the expiry, ``by`` seconds or to the time ``until``."""
        body = {"by": by} if by is not None else {"until": until}
        response = session.post(
            base.path(self.base_path, self.id, "extensions"),
            json=body,
            microversion=base.microversion(session),
        )
        self._translate_response(response)
        return self

    def delete(
        self,
        session: adapter.Adapter,
        error_message: str | None = None,
        *,
        microversion: str | None = None,
        base_path: str | None = None,
        params: dict[str, Any] | None = None,
    ) -> Self:
        """End the lease; the answer is the lease on its way out."""
        response = self._raw_delete(
            session,
            microversion=microversion,
            params=params,
            base_path=base_path,
        )
        self._translate_response(response, has_body=True)
        return self


class Calls(base.Proxy):
    def leases(self, **query: Any) -> Generator[Lease, None, None]:
        """List leases, those of the caller's project by default.

        :param query: name, state, flavor, pool, project_id, all_projects
            (the last two for operators), sort_key, sort_dir, limit (page
            size), marker, max_items.
        """
        return self._list(Lease, **query)

    def get_lease(self, lease: str | Lease, *, console: bool = False) -> Lease:
        """:param console: ask Nova for the ``console_url`` of its servers,
        too; takes up to 3 s longer.
        """
        if not console:
            return self._get(Lease, lease)
        return self._get_resource(Lease, lease).fetch(self, console="true")

    def find_lease(
        self, name_or_id: str, ignore_missing: bool = True, **query: Any
    ) -> Lease | None:
        """Find a lease by its id, else by its name.

        Names may repeat over time: one that still lives is meant rather
        than one that is over, and of those that are over the newest.

        :param query: filters for the search by name, as all_projects.
        :raises openstack.exceptions.DuplicateResource: when several living
            leases have the name.
        :raises openstack.exceptions.NotFoundException: when there is none
            and it was not to be ignored.
        """
        found = self._lookup(Lease, name_or_id, ignore_missing=True)
        if found is not None:
            return found
        named = self._named(name_or_id, query) if name_or_id else []
        living = [lease for lease in named if not lease.is_final]
        if len(living) > 1:
            ids = ", ".join(lease.id for lease in living)
            raise exceptions.DuplicateResource(
                f"More than one lease is named {name_or_id!r}; use one of "
                f"the ids: {ids}."
            )
        if living or named:
            newest = (living or sorted(named, key=_requested))[-1]
            # The list leaves out what only the single view has.
            return self.get_lease(newest.id)
        if ignore_missing:
            return None
        raise exceptions.NotFoundException(
            f"There is no lease with the name or id {name_or_id!r}."
        )

    def _named(self, name: str, query: dict[str, Any]) -> list[Lease]:
        if "," not in name:
            # In a filter a comma would mean any of several names.
            query = {**query, "name": name}
        return [lease for lease in self.leases(**query) if lease.name == name]

    def create_lease(self, **attrs: Any) -> Lease:
        """Order GPUs.

        Where no answer comes the same order is sent again, under the same
        id, so that it becomes one lease whatever was heard of it.

        :param attrs: name, flavor, nodes, pool, duration (seconds) and
            workload, as the API reference has them; id, to send an order
            again oneself.
        :returns: the lease, queued.
        """
        attrs.setdefault("id", str(uuid.uuid4()))
        for pause in _PAUSES:
            try:
                return self._create(Lease, **attrs)
            except ksa_exceptions.ConnectionError:
                time.sleep(pause)
            except errors.ServiceError as error:
                if error.status_code not in _UNHEARD:
                    raise
                time.sleep(pause)
        return self._create(Lease, **attrs)

    def adopt_lease(
        self,
        server_id: str,
        *,
        name: str | None = None,
        flavor: str | None = None,
        duration: int | None = None,
    ) -> Lease:
        """Make a running server that the broker did not start a lease of
        the server's project. For operators.

        :param name: of the lease; the server's own by default.
        :param flavor: a GPU flavor that describes the server exactly.
        :param duration: seconds from now on; by default it has no end.
        """
        asked = {"name": name, "flavor": flavor, "duration": duration}
        attrs = {key: value for key, value in asked.items() if value}
        return Lease.new().adopt(self, server_id=server_id, **attrs)

    def update_lease(self, lease: str | Lease, **attrs: Any) -> Lease:
        """Rename: only ``name`` can be changed."""
        return self._update(Lease, lease, **attrs)

    def extend_lease(
        self,
        lease: str | Lease,
        *,
        by: int | None = None,
        until: str | None = None,
    ) -> Lease:
        """Move the expiry.

        :param by: seconds to add to it.
        :param until: the new expiry, ISO 8601 with a zone.
        :raises ValueError: unless exactly one of the two is given.
        """
        if (by is None) == (until is None):
            raise ValueError("extend a lease by seconds or until a time")
        found = self._get_resource(Lease, lease)
        return found.extend(self, by=by, until=until)

    def delete_lease(
        self, lease: str | Lease, ignore_missing: bool = True
    ) -> Lease | None:
        """End a lease; the row stays and tells what became of it.

        :returns: the lease, ending or already over; ``None`` when it is
            missing and that is to be ignored.
        """
        return self._delete(Lease, lease, ignore_missing=ignore_missing)

    def wait_for_lease(
        self,
        lease: str | Lease,
        state: str = "active",
        *,
        progress: Callable[[Lease], None] | None = None,
        timeout: float | None = None,
        interval: float = 1.0,
    ) -> Lease:
        """Wait until a lease is in a state.

        A service that does not answer for less than a minute is waited
        out.

        :param progress: called with the lease at first and whenever
            anything about it has changed.
        :param timeout: seconds; ``None`` waits as long as it takes.
        :param interval: seconds between two looks after something has
            changed; while nothing does, the pauses grow to ten times that.
        :raises gpubroker.client.errors.LeaseFailed: when it came to another
            final state; the text is the lease's own reason.
        :raises gpubroker.client.errors.WaitTimeout: when the time is up.
        """
        found = self._get_resource(Lease, lease)
        wait = waiting.Wait(timeout=timeout, interval=interval)
        return wait.until(
            lambda: self.get_lease(found.id), state, FINAL, progress
        )

    def lease_events(
        self, lease: str | Lease, **query: Any
    ) -> Generator[event.LeaseEvent, None, None]:
        """The history of a lease, the oldest first."""
        return self._list(
            event.LeaseEvent, lease_id=Lease._get_id(lease), **query
        )


def _requested(lease: Lease) -> str:
    return lease.requested_at or ""
