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

"""Whether a server that ran before may become a lease, and which one.

Pure: what Nova, Placement and the inventory show of it in, a lease out. The
words are for operators, and name hosts and addresses.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import flavors
from gpubroker.domain import leases

#: What such a lease has for a flavor when none is named: nobody ordered it.
FLAVOR = "adopted"

#: In these Nova lets a server's cards be; in all others it is about to take
#: or to give some, or has done so.
SETTLED = frozenset({"ACTIVE", "SHUTOFF"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """As Nova shows it.

    :param host: name of its compute service; ``None`` on none.
    :param made_by_us: whether it was made from a private flavor of a broker.
    """

    id: str
    name: str
    status: str
    project_id: str
    user_id: str
    host: str | None = None
    task_state: str | None = None
    made_by_us: bool = False
    vcpus: int = 0
    ram_mib: int = 0
    disk_gib: int = 0
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    key_name: str | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A card that the server's allocation names.

    :param managed: whether its host is in mode ``manage``.
    :param consumers: all that hold it, and how many of it.
    """

    card: devices.Device
    managed: bool
    consumers: Mapping[str, int]


def check_server(server: Server) -> None:
    """:raises Conflict: with words that help."""
    if server.made_by_us:
        raise errors.Conflict(
            f"Server {server.id} was made by a broker. When its lease is not "
            "known any more: gpubroker-manage recover."
        )
    if server.status not in SETTLED:
        raise errors.Conflict(
            f"Server {server.id} is {server.status}; only one that is ACTIVE "
            "or SHUTOFF can be adopted.",
            status=server.status,
        )
    if server.task_state is not None:
        raise errors.Conflict(
            f"Server {server.id} is {server.task_state} at present: try "
            "again when Nova is done.",
            status=server.task_state,
        )


def check_cards(
    server: Server, held: Sequence[Held], unknown: Collection[str]
) -> None:
    """
    :param unknown: providers of GPUs in its allocation that no device has.
    :raises Conflict: with words that help.
    """
    if not held and not unknown:
        raise errors.Conflict(
            f"Server {server.id} holds no GPU that the broker knows: its "
            "allocation in Placement names none."
        )
    if unknown:
        raise errors.Conflict(
            f"Server {server.id} holds GPUs that the broker does not know "
            f"(yet): providers {', '.join(sorted(unknown))}."
        )
    hosts = sorted({one.card.host for one in held})
    if len(hosts) > 1 or server.host not in (None, *hosts):
        raise errors.Conflict(
            f"Server {server.id} is on {server.host}, and holds GPUs of "
            f"{', '.join(hosts)}: is it being moved?"
        )
    for one in held:
        _check_card(server, one)


def _check_card(server: Server, held: Held) -> None:
    card = held.card
    where = f"The GPU {card.pci_address} of {card.host}"
    if not held.managed:
        raise errors.Conflict(
            f"{where} is on a host that is only observed: openstack gpu host "
            f"set --mode manage {card.host}"
        )
    if card.claimed_by:
        raise errors.InUse(f"{where} is in a lease already.")
    if not card.model:
        raise errors.Conflict(f"{where} is of no model that is known.")
    others = set(held.consumers) - {server.id}
    if others:
        raise errors.Conflict(
            f"{where} is held by {', '.join(sorted(others))} in Placement, "
            "too."
        )
    if sum(held.consumers.values()) > (card.total or 0):
        raise errors.Conflict(f"{where} is held more often than it is there.")


def check_flavor(
    flavor: flavors.Flavor, server: Server, held: Sequence[Held]
) -> None:
    """:raises Invalid: the server is not what the flavor says."""
    models = {one.card.model for one in held}
    wrong = [
        f"{name} {there} instead of {wanted}"
        for name, there, wanted in (
            ("GPUs", len(held), flavor.gpus),
            ("vCPUs", server.vcpus, flavor.vcpus),
            ("MiB of memory", server.ram_mib, flavor.ram_mib),
        )
        if there != wanted
    ]
    wrong += [
        f"a {model}"
        for model in sorted(filter(None, models))
        if model not in flavor.models
    ]
    if wrong:
        raise errors.Invalid(
            f"flavor: {flavor.name} does not describe server {server.id}, "
            f"which has {'; '.join(wrong)}",
            field="flavor",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the operator wants of the lease, where it is told."""

    name: str | None = None
    flavor: str | None = None
    duration: int | None = None
    request_id: str = ""


def lease(
    server: Server,
    held: Sequence[Held],
    pool: str,
    now: datetime.datetime,
    wish: Wish,
) -> leases.Lease:
    """The lease as it begins, now: active, of the server's own project."""
    cards = [one.card for one in sorted(held, key=_by_slot)]
    models = tuple(sorted({card.model for card in cards if card.model}))
    lease_id = str(uuid.uuid4())
    return leases.Lease(
        id=lease_id,
        name=wish.name or server.name,
        project_id=server.project_id,
        user_id=server.user_id,
        flavor=wish.flavor or FLAVOR,
        kind=flavors.Kind.VM.value,
        models=models,
        model=models[0],
        gpus=len(cards),
        vcpus=server.vcpus,
        ram_mib=server.ram_mib,
        disk_gib=server.disk_gib,
        topology=flavors.Topology.ANY.value,
        extra_specs=dict(server.extra_specs),
        pool=pool,
        state=leases.State.ACTIVE,
        target=leases.State.ACTIVE,
        identity_mode=leases.IdentityMode.ADOPTED,
        workload=_workload(server),
        duration=wish.duration,
        requested_at=now,
        started_at=now,
        expires_at=_end(now, wish.duration),
        request_id=wish.request_id,
        nodes=(_node(server, lease_id, cards),),
    )


def _end(
    now: datetime.datetime, duration: int | None
) -> datetime.datetime | None:
    if duration is None:
        return None
    return now + datetime.timedelta(seconds=duration)


def _workload(server: Server) -> dict[str, str]:
    told = {"image": server.image, "key_name": server.key_name}
    return {
        "type": "server",
        "server_name": server.name,
        **{key: value for key, value in told.items() if value},
    }


def _node(
    server: Server, lease_id: str, cards: Sequence[devices.Device]
) -> leases.Node:
    return leases.Node(
        id=str(uuid.uuid4()),
        lease_id=lease_id,
        index=0,
        attempt=1,
        host=cards[0].host,
        server_id=server.id,
        server_status=server.status,
        addresses=server.addresses,
        planned=tuple(card.id for card in cards),
    )


def _by_slot(held: Held) -> tuple[int, str]:
    slot = held.card.slot
    return (-1 if slot is None else slot), held.card.pci_address
