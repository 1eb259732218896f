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

"""Nova, Neutron and Glance under the identity of a lease's user."""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any

from gpubroker import errors
from gpubroker.clouds import answers
from gpubroker.clouds import compute
from gpubroker.clouds import login
from gpubroker.clouds import session
from gpubroker.domain import leases
from gpubroker.services import ports

_GIB = 2**30


class UserCloud:
    """``ports.UserCloud``.

    :param token: asks for a token, which the services then use.
    :param user, project: ask for the user and for their project.
    """

    def __init__(
        self,
        nova: compute.Nova,
        neutron: session.Service,
        glance: session.Service,
        token: Callable[[], object],
        user: Callable[[], str | None],
        project: Callable[[], str | None],
    ) -> None:
        self._nova = nova
        self._neutron = neutron
        self._glance = glance
        self._token = token
        self._user = user
        self._project = project

    def ready(self) -> None:
        self._token()

    def whose(self) -> tuple[str | None, str | None]:
        return self._user(), self._project()

    def check(
        self,
        workload: Mapping[str, Any],
        ram_mib: int | None = None,
        disk_gib: int | None = None,
    ) -> ports.Checked:
        """Asks the services side by side: each of them has to ask Keystone
        about a token that it sees for the first time. Of several things
        that are wrong, the first in the order of the fields is told."""
        sizes = (ram_mib, disk_gib, workload.get("boot_volume_gib"))
        checks: dict[str, Callable[[Any], str | None]] = {
            "image": functools.partial(self._check_image, *sizes),
            "networks": self._check_networks,
            "key_name": self._check_key,
            "security_groups": self._check_groups,
            "availability_zone": self._check_zone,
        }
        wanted = [field for field in checks if workload.get(field)]
        with futures.ThreadPoolExecutor(len(checks)) as threads:
            found = [
                threads.submit(checks[field], workload[field])
                for field in wanted
            ]
        told = dict(zip(wanted, (one.result() for one in found), strict=True))
        return ports.Checked(login_user=told.get("image"))

    def create_server(self, spec: ports.ServerSpec) -> str:
        answer = self._nova.call(
            "POST",
            "/servers",
            json={"server": server_body(spec)},
            accept=range(400, 500),
            # keystoneauth would log the user's data, and the password of
            # an administrator that Nova answers with.
            log=False,
        )
        if answer.found:
            server_id: str = answer.body["server"]["id"]
            return server_id
        if answer.status == 408:
            # From a proxy, which does not know what Nova made of it.
            raise session.down("Nova", answer.words)
        if _for_now(answer):
            raise errors.NotDone(
                f"Nova refuses for now: {answer.words}",
                seconds=answer.seconds,
            )
        # So is a 409: of Nova's five (nova/api/openstack/compute/servers.py)
        # each is about the order. A port in use, several networks to choose
        # from, several security groups of the name, a name that is taken
        # where names have to be unique, or a flavor with mixed CPUs.
        raise errors.Rejected(answer.words, status=answer.status)

    def public_key(self, name: str) -> leases.PublicKey:
        answer = _seen(self._nova, f"/os-keypairs/{_quote(name)}")
        if answer is None:
            raise _invalid("workload.key_name", f"you have no key pair {name}")
        found = answer.body["keypair"]
        return leases.PublicKey(found.get("type", "ssh"), found["public_key"])

    def console_url(self, server_id: str) -> str | None:
        answer = self._nova.call(
            "POST",
            f"/servers/{server_id}/remote-consoles",
            json={"remote_console": {"protocol": "vnc", "type": "novnc"}},
            accept=range(400, 600),
            # Who has the address has the console.
            log=False,
        )
        if not answer.found:
            # No console proxy, or the server is not up: none to offer.
            return None
        url: str = answer.body["remote_console"]["url"]
        return url

    # -- ------------------------------------------------------------------

    def _check_image(
        self,
        ram_mib: int | None,
        disk_gib: int | None,
        volume_gib: int | None,
        image: str,
    ) -> str | None:
        """The user to log in as, where the image tells."""
        field = "workload.image"
        answer = _seen(self._glance, f"/images/{_quote(image)}")
        if answer is None:
            raise _invalid(field, f"there is no image {image} for you")
        status = answer.body.get("status")
        if status != "active":
            raise _invalid(field, f"image {image} is {status}, not active")
        _check_room(answer.body, ram_mib, disk_gib, volume_gib)
        return login.user(answer.body)

    def _check_networks(
        self, networks: str | Sequence[Mapping[str, str]]
    ) -> None:
        if isinstance(networks, str):
            return
        for index, network in enumerate(networks):
            self._check_network(f"workload.networks[{index}]", network)

    def _check_network(self, field: str, network: Mapping[str, str]) -> None:
        if "port" in network:
            self._check_port(f"{field}.port", network["port"])
        if "network" not in network:
            return
        name = network["network"]
        if _seen(self._neutron, f"/networks/{_quote(name)}") is None:
            raise _invalid(
                f"{field}.network", f"there is no network {name} for you"
            )

    def _check_port(self, field: str, name: str) -> None:
        answer = _seen(self._neutron, f"/ports/{_quote(name)}")
        if answer is None:
            raise _invalid(field, f"there is no port {name} for you")
        holder = answer.body["port"].get("device_id")
        if holder:
            raise _invalid(field, f"port {name} is in use by {holder}")

    def _check_key(self, name: str) -> None:
        if _seen(self._nova, f"/os-keypairs/{_quote(name)}") is None:
            raise _invalid("workload.key_name", f"you have no key pair {name}")

    def _check_groups(self, wanted: Sequence[str]) -> None:
        params: dict[str, Any] = {"fields": ["id", "name"]}
        project = self._project()
        if project:
            # Nova looks in the server's project alone.
            params["project_id"] = project
        answer = self._neutron.get("/security-groups", params=params)
        groups = answer.body["security_groups"]
        for index, name in enumerate(wanted):
            field = f"workload.security_groups[{index}]"
            if any(group["id"] == name for group in groups):
                continue
            count = sum(1 for group in groups if group["name"] == name)
            if count == 0:
                raise _invalid(
                    field, f"the project has no security group {name}"
                )
            if count > 1:
                raise _invalid(
                    field,
                    f"the project has {count} security groups {name}: "
                    "give the id",
                )

    def _check_zone(self, zone: str) -> None:
        answer = self._nova.get("/os-availability-zone")
        known = sorted(
            record["zoneName"]
            for record in answer.body["availabilityZoneInfo"]
            if record["zoneState"]["available"]
        )
        if zone not in known:
            raise _invalid(
                "workload.availability_zone",
                f"{zone} is none of the zones {', '.join(known)}",
            )


def _for_now(answer: answers.Answer) -> bool:
    """Whether the same request may work later: it was one too many, or Nova
    could not have the token proven, which Keystone has just made. A body that
    is too large stays so, unless the answer says when to come again."""
    if answer.status == 413:
        return bool(answer.retry_after)
    return answer.status in (401, 429)


def _check_room(
    image: Mapping[str, Any],
    ram_mib: int | None,
    disk_gib: int | None,
    volume_gib: int | None,
) -> None:
    """As Nova does for a server, and Cinder for its boot volume; to Nova a
    disk of 0 has no size, so that it compares nothing with it.

    :raises Invalid: naming the image and what is too small for it.
    """
    least = image.get("min_ram") or 0
    if ram_mib is not None and least > ram_mib:
        raise _invalid(
            "workload.image",
            f"the image needs {least} MiB of memory; the flavor has {ram_mib}",
        )
    room, what = disk_gib, "the flavor's disk"
    if volume_gib is not None:
        room, what = volume_gib, "the boot volume"
    size = max(image.get("size") or 0, image.get("virtual_size") or 0)
    least = max(image.get("min_disk") or 0, -(-size // _GIB))
    if room and least > room:
        raise _invalid(
            "workload.image",
            f"the image needs a disk of {least} GiB; {what} has {room}",
        )


def server_body(spec: ports.ServerSpec) -> dict[str, Any]:
    """The ``server`` object of POST /servers (microversion 2.52 and up)."""
    body: dict[str, Any] = {
        "name": spec.name,
        "flavorRef": spec.shape_id,
        "networks": _networks(spec.networks),
        "tags": [spec.tag],
    }
    if spec.boot_volume_gib is not None:
        body["block_device_mapping_v2"] = [
            {
                "boot_index": 0,
                "source_type": "image",
                "uuid": spec.image,
                "destination_type": "volume",
                "volume_size": spec.boot_volume_gib,
                "delete_on_termination": True,
            }
        ]
    else:
        body["imageRef"] = spec.image
    if spec.security_groups:
        body["security_groups"] = [
            {"name": name} for name in spec.security_groups
        ]
    optional = {
        "key_name": spec.key_name,
        "availability_zone": spec.availability_zone,
        "user_data": spec.user_data,
        "metadata": dict(spec.metadata),
    }
    body.update((key, value) for key, value in optional.items() if value)
    return body


def _networks(
    networks: str | Sequence[Mapping[str, str]],
) -> str | list[dict[str, str]]:
    if isinstance(networks, str):
        return networks
    names = {"network": "uuid", "port": "port", "fixed_ip": "fixed_ip"}
    return [
        {names[key]: value for key, value in network.items()}
        for network in networks
    ]


def _seen(
    service: session.Service | compute.Nova, path: str
) -> answers.Answer | None:
    """The thing, or none where the user can not see it.

    Some services answer 400 or 403 for ids that they do not like.
    """
    answer = service.get(path, accept=(400, 403, 404))
    return answer if answer.found else None


def _quote(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _invalid(field: str, sentence: str) -> errors.Invalid:
    return errors.Invalid(f"{field}: {sentence}.", field=field)
