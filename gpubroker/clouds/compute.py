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

"""Nova with the broker's own identity: shapes, hosts, any server (N 15.5).

The broker's user has to pass Nova's ``context_is_admin``; without it private
flavors and other projects' servers are invisible to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpubroker import errors
from gpubroker.clouds import answers
from gpubroker.clouds import server_records
from gpubroker.clouds import session
from gpubroker.domain import leases
from gpubroker.services import names
from gpubroker.services import ports

#: Nova 2024.1 and later; and the newest that was tried.
FLOOR = (2, 96)
CEILING = (2, 100)
NEEDED = ".".join(map(str, FLOOR))

#: From 2.86 on Nova compares names and values with a list of its own, which
#: lacks some that it reads (``hw:maxphysaddr_mode``) and differs from release
#: to release. They were compared when the flavor was made
#: (``domain.extra_specs``); a start is no time to learn of it.
_SPECS_AS_THEY_ARE = "2.85"

#: For requests whose answers hold the user data of servers, which only an
#: operator is shown: keystoneauth logs what it gets at debug level.
_UNLOGGED: Mapping[str, Any] = {"log": False}


class Microversion:
    """min(2.100, the server's newest), asked once."""

    def __init__(self, service: session.Service) -> None:
        self._service = service
        self._found: str | None = None

    def get(self) -> str:
        """:raises Unavailable: also when the server ends below 2.96."""
        if self._found is None:
            newest = self._newest()
            if newest < FLOOR:
                raise errors.Unavailable(
                    f"{self._service.name}: the API ends at microversion "
                    f"{_dotted(newest)}; {_dotted(FLOOR)} is needed."
                )
            self._found = _dotted(min(newest, CEILING))
        return self._found

    def newest(self) -> str:
        """The server's own, whatever the broker can use of it."""
        return _dotted(self._newest())

    def _newest(self) -> tuple[int, int]:
        # The version document of the endpoint itself; "/" keeps the path
        # (/v2.1) that the catalogue has.
        answer = self._service.get("/")
        version = answer.body.get("version", {}).get("version", "")
        try:
            major, minor = version.split(".")
            return int(major), int(minor)
        except ValueError:
            raise errors.Unavailable(
                f"{self._service.name}: the endpoint names no microversion."
            ) from None


class Nova:
    """The compute service at one fixed microversion, whoever asks."""

    def __init__(
        self, service: session.Service, version: Microversion
    ) -> None:
        self._service = service
        self._version = version

    def call(self, method: str, path: str, **options: Any) -> answers.Answer:
        options.setdefault("microversion", self._version.get())
        return self._service.call(method, path, **options)

    def get(self, path: str, **options: Any) -> answers.Answer:
        return self._service.get(
            path, microversion=self._version.get(), **options
        )


class Compute:
    """``ports.Compute`` on the Nova API."""

    def __init__(self, nova: Nova) -> None:
        self._nova = nova
        self._hosts: dict[str, str] = {}
        self._services: set[str] = set()

    def services(self) -> list[ports.ComputeService]:
        answer = self._nova.get(
            "/os-services", params={"binary": "nova-compute"}
        )
        return [
            ports.ComputeService(
                host=record["host"],
                # Of a cell that is down only the name is known.
                state=record.get("state", "unknown"),
                status=record["status"],
                disabled_reason=record.get("disabled_reason") or "",
                zone=record.get("zone") or "",
            )
            for record in answer.body["services"]
        ]

    def hypervisors(self) -> dict[str, str]:
        """The plain list names no service host, and the detailed one asks
        every compute in turn and fails when one hangs (N 15.5). So the hosts
        are matched by name, and only what is left is asked for one by one,
        once; again when services came or went, since one may have got another
        name."""
        found = {
            record["hypervisor_hostname"]: record["id"]
            for record in self._all("/os-hypervisors", "hypervisors", {})
        }
        hosts = [service.host for service in self.services()]
        if set(hosts) != self._services:
            self._hosts.clear()
            self._services = set(hosts)
        matched = match_hosts(list(found), hosts)
        for name, number in found.items():
            if name not in matched:
                host = self._hosts.get(name) or self._host_of(number)
                if host:
                    self._hosts[name] = matched[name] = host
        return matched

    def _all(
        self, path: str, name: str, params: Mapping[str, str], **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Every page: how many records one has, [api] max_limit of Nova
        says; while there is another, the body has ``<name>_links``.

        The link itself may lead to another host than the endpoint in use;
        the last record's id is the marker of all three lists.
        """
        asked = dict(params)
        while True:
            body = self._nova.get(path, params=asked, **options).body
            yield from body[name]
            if not body[name] or not body.get(f"{name}_links"):
                return
            asked["marker"] = str(body[name][-1]["id"])

    def _host_of(self, hypervisor_id: str) -> str | None:
        try:
            answer = self._nova.get(f"/os-hypervisors/{hypervisor_id}")
        except errors.GpubrokerError:
            # Its compute is down or was just removed: asked again next time.
            return None
        host: str = answer.body["hypervisor"]["service"]["host"]
        return host

    # -- shapes ----------------------------------------------------------

    def ensure_shape(self, spec: ports.ShapeSpec) -> str:
        made = self._nova.call(
            "POST",
            "/flavors",
            json={
                "flavor": {
                    "id": spec.id,
                    "name": spec.name,
                    "vcpus": spec.vcpus,
                    "ram": spec.ram_mib,
                    "disk": spec.disk_gib,
                    "os-flavor-access:is_public": False,
                }
            },
            accept=(400, 409),
        )
        if made.status == 400:
            # It is about what the flavor asks for, not about us.
            raise errors.Rejected(f"Nova: {made.words}", status=400)
        known: dict[str, str] = {}
        if not made.found:
            known = self._same_shape(spec, made.words)
        if known != dict(spec.extra_specs):
            self._nova.call(
                "POST",
                f"/flavors/{spec.id}/os-extra_specs",
                json={"extra_specs": dict(spec.extra_specs)},
                microversion=_SPECS_AS_THEY_ARE,
            )
        self._nova.call(
            "POST",
            f"/flavors/{spec.id}/action",
            json={"addTenantAccess": {"tenant": spec.project_id}},
            accept=(409,),
        )
        return spec.id

    def _same_shape(self, spec: ports.ShapeSpec, words: str) -> dict[str, str]:
        """The extra specs of the flavor that an earlier call made."""
        answer = self._nova.get(f"/flavors/{spec.id}", accept=(404,))
        if not answer.found:
            raise errors.Conflict(f"Nova: {words}")
        flavor = answer.body["flavor"]
        same = (
            not flavor["os-flavor-access:is_public"]
            and flavor["vcpus"] == spec.vcpus
            and flavor["ram"] == spec.ram_mib
            and flavor["disk"] == spec.disk_gib
        )
        if not same:
            raise errors.Conflict(
                f"Nova has another flavor with the id {spec.id}."
            )
        specs: dict[str, str] = flavor.get("extra_specs", {})
        return specs

    def drop_shape(self, shape_id: str) -> None:
        self._nova.call("DELETE", f"/flavors/{shape_id}", accept=(404,))

    def shapes(self) -> dict[str, str]:
        return {
            flavor["id"]: flavor["name"]
            for flavor in self._all(
                "/flavors", "flavors", {"is_public": "false"}
            )
            if flavor["name"].startswith(names.SHAPE_PREFIX)
        }

    # -- servers ---------------------------------------------------------

    def ensure_key(self, name: str, key: leases.PublicKey) -> None:
        self._nova.call(
            "POST",
            "/os-keypairs",
            json={
                "keypair": {
                    "name": name,
                    "type": key.kind,
                    "public_key": key.text,
                }
            },
            accept=(409,),
        )

    def drop_key(self, name: str) -> None:
        self._nova.call("DELETE", f"/os-keypairs/{name}", accept=(404,))

    def keys(self) -> list[str]:
        found: list[str] = []
        while True:
            params = {"limit": "500"}
            if found:
                params["marker"] = found[-1]
            answer = self._nova.get("/os-keypairs", params=params)
            page = [one["keypair"]["name"] for one in answer.body["keypairs"]]
            if not page:
                return found
            found += page

    def server(self, server_id: str) -> ports.Server | None:
        answer = self._nova.get(
            f"/servers/{server_id}", accept=(404,), **_UNLOGGED
        )
        if not answer.found:
            return None
        return server_records.server(answer.body["server"])

    def listed(self, server_id: str) -> bool:
        asked = {"all_tenants": "1", "uuid": server_id}
        # Where a rule lets no filter through, Nova lists all there are.
        return any(
            record["id"] == server_id
            for record in self._all("/servers", "servers", asked)
        )

    def servers_tagged(self, tag: str) -> list[ports.Server]:
        asked = {"all_tenants": "1", "tags": tag}
        return [
            server_records.server(record)
            for record in self._all(
                "/servers/detail", "servers", asked, **_UNLOGGED
            )
        ]

    def servers_shaped(self, prefix: str) -> list[ports.Server]:
        # Nova tells no flavor of the servers of a cell that is down, and
        # from the second page on it leaves them out.
        if any(service.hidden for service in self.services()):
            raise session.down("Nova", "a cell is down")
        found = [
            server_records.server(record)
            for record in self._all(
                "/servers/detail",
                "servers",
                {"all_tenants": "1"},
                **_UNLOGGED,
            )
        ]
        if any(server.hidden for server in found):
            raise session.down("Nova", "a cell is down")
        return [server for server in found if server.flavor.startswith(prefix)]

    def delete_server(self, server_id: str) -> None:
        found = self.server(server_id)
        if found is None:
            return
        if found.status == "SOFT_DELETED":
            # With reclaim_instance_interval Nova keeps a deleted server, and
            # its GPUs, for a while, and counts it anew from each further
            # DELETE; the lease is over now.
            answer = self._nova.call(
                "POST",
                f"/servers/{server_id}/action",
                json={"forceDelete": None},
                accept=(404, 409),
            )
        else:
            answer = self._nova.call(
                "DELETE", f"/servers/{server_id}", accept=(404, 409)
            )
        if answer.status == 409:
            raise session.down("Nova", answer.words)

    def unshelve_asked(self, server_id: str) -> str | None:
        answer = self._nova.get(
            f"/servers/{server_id}/os-instance-actions", accept=(404,)
        )
        if not answer.found:
            return None
        # Newest first.
        for record in answer.body["instanceActions"]:
            if record["action"] in ("shelve", "shelveOffload"):
                return None
            if record["action"] == "unshelve":
                found: str = record["request_id"]
                return found
        return None


def match_hosts(hypervisors: list[str], hosts: list[str]) -> dict[str, str]:
    """Hypervisor -> service host, where the names leave no doubt.

    Nova's ``host`` is often the short form of the hypervisor's FQDN.

    >>> match_hosts(["g1.example.org", "g2"], ["g1", "g2", "g3"])
    {'g2': 'g2', 'g1.example.org': 'g1'}
    """
    matched = {name: name for name in hypervisors if name in hosts}
    left = [host for host in hosts if host not in matched]
    short: dict[str, list[str]] = {}
    for host in left:
        short.setdefault(host.partition(".")[0], []).append(host)
    open_names = [name for name in hypervisors if name not in matched]
    for name in open_names:
        stem = name.partition(".")[0]
        rivals = [n for n in open_names if n.partition(".")[0] == stem]
        if len(rivals) == 1 and len(short.get(stem, ())) == 1:
            matched[name] = short[stem][0]
    return matched


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
