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

"""Nova: all servers and flavors, key pairs, and how its computes are."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from concurrent import futures
from typing import Any

from gpubroker.audit.reading.service import Service
from gpubroker.audit.reading.service import time
from gpubroker.audit.snapshot import ComputeService
from gpubroker.audit.snapshot import Flavor
from gpubroker.audit.snapshot import KeyPair
from gpubroker.audit.snapshot import Server

#: Nova 2024.1; the floor of the broker, too.
MICROVERSION = "2.96"

#: Of a server or a compute whose cell is down; nearly all other fields are
#: left out then.
_UNKNOWN = "UNKNOWN"

#: The newest moves of servers among which one is looked for.
_MIGRATIONS = 10_000


def servers(nova: Service) -> dict[str, Server]:
    """Of those in a cell that is down as many as the first page holds."""
    found = nova.pages(
        "/servers/detail",
        "servers",
        "servers_links",
        marker=_last_seen,
        all_tenants=1,
    )
    return {record["id"]: _server(record) for record in found}


def _last_seen(page: Sequence[Mapping[str, Any]]) -> str | None:
    """Nova fails (500) when a server of a cell that is down is the marker;
    it puts them last (API guide, "Handling Down Cells")."""
    seen = [record["id"] for record in page if not _hidden(record)]
    return seen[-1] if seen else None


def _hidden(record: Mapping[str, Any]) -> bool:
    return record["status"] == _UNKNOWN and "updated" not in record


def unlisted(
    nova: Service, ids: Collection[str], pool: futures.Executor
) -> dict[str, Server]:
    """Those of these servers that exist, but that Nova's list leaves out:
    deleted ones that it still keeps, and those that came just now."""
    found = pool.map(lambda one: nova.find(f"/servers/{one}"), sorted(ids))
    made = [_server(answer.body["server"]) for answer in found if answer]
    return {server.id: server for server in made}


def migrations(nova: Service, ids: Collection[str]) -> frozenset[str]:
    """Those of these consumers that are moves of a server.

    While a server moves, its old place is held by the move. Nova lists the
    newest first and knows no filter for these ids.
    """
    wanted = set(ids)
    found: set[str] = set()
    listed = nova.pages("/os-migrations", "migrations", "migrations_links")
    for record in itertools.islice(listed, _MIGRATIONS):
        if not wanted - found:
            break
        if record.get("uuid") in wanted:
            found.add(record["uuid"])
    return frozenset(found)


def flavors(nova: Service) -> tuple[Flavor, ...]:
    found = nova.pages(
        "/flavors/detail", "flavors", "flavors_links", is_public="None"
    )
    return tuple(
        Flavor(
            id=record["id"],
            name=record["name"],
            public=record.get("os-flavor-access:is_public", True),
            extra_specs=record.get("extra_specs", {}),
        )
        for record in found
    )


def keypairs(nova: Service, user_id: str) -> tuple[KeyPair, ...]:
    """Of one user."""
    found = nova.pages(
        "/os-keypairs", "keypairs", "keypairs_links", user_id=user_id
    )
    return tuple(KeyPair(name=one["keypair"]["name"]) for one in found)


def services(nova: Service) -> tuple[ComputeService, ...]:
    answer = nova.get("/os-services", binary="nova-compute")
    return tuple(
        ComputeService(
            host=record["host"],
            up=record.get("state") == "up",
            enabled=record["status"] == "enabled",
            reason=record.get("disabled_reason") or "",
            hidden="state" not in record,
        )
        for record in answer.body["services"]
    )


def _server(record: Mapping[str, Any]) -> Server:
    flavor = record.get("flavor", {})
    return Server(
        id=record["id"],
        name=record.get("name") or "",
        project_id=record["tenant_id"],
        status=record["status"],
        hidden=_hidden(record),
        task_state=record.get("OS-EXT-STS:task_state"),
        hypervisor=record.get("OS-EXT-SRV-ATTR:hypervisor_hostname"),
        flavor=flavor.get("original_name", ""),
        extra_specs=flavor.get("extra_specs", {}),
        tags=tuple(record.get("tags", ())),
        created_at=time(record.get("created")),
        updated_at=time(record.get("updated")),
    )
