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

"""Read the whole cloud once, with lists wherever there is one."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable
from concurrent import futures
from dataclasses import dataclass
from typing import Any, TypeVar

from keystoneauth1 import adapter
from keystoneauth1 import exceptions

from gpubroker.audit.reading import broker
from gpubroker.audit.reading import compute
from gpubroker.audit.reading import identity
from gpubroker.audit.reading import images
from gpubroker.audit.reading import network
from gpubroker.audit.reading import placement
from gpubroker.audit.reading.service import CannotLook
from gpubroker.audit.reading.service import Service
from gpubroker.audit.reading.service import reason
from gpubroker.audit.snapshot import KeyPair
from gpubroker.audit.snapshot import Lease
from gpubroker.audit.snapshot import Snapshot
from gpubroker.audit.snapshot import Trust

T = TypeVar("T")

#: Calls at the same time; few, for there is no hurry.
_THREADS = 8


class CannotLookAt(Exception):
    """:param failures: what each service said that could not be read."""

    def __init__(self, failures: list[CannotLook]) -> None:
        super().__init__("; ".join(sorted(set(map(str, failures)))))
        self.failures = failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    broker: Service
    nova: Service
    placement: Service
    keystone: Service
    neutron: Service
    glance: Service


def services(config: Any) -> Services:
    """
    :param config: a cloud of openstacksdk, ``CloudRegion``.
    :raises CannotLook: when Keystone gives no token.
    """
    session = config.get_session()
    _sign_in(session)

    def service(
        name: str,
        kind: str,
        major: str | None = None,
        microversion: str | None = None,
    ) -> Service:
        http = adapter.Adapter(
            session=session,
            service_type=kind,
            interface=config.get_interface(kind),
            region_name=config.get_region_name(kind),
            endpoint_override=config.get_endpoint(kind),
            min_version=major,
            max_version=f"{major}.latest" if major else None,
        )
        return Service(name, http, microversion)

    return Services(
        broker=service("gpubroker", "gpu-broker", "1"),
        nova=service("Nova", "compute", "2", compute.MICROVERSION),
        placement=service(
            "Placement", "placement", microversion=placement.MICROVERSION
        ),
        keystone=service("Keystone", "identity", "3"),
        neutron=service("Neutron", "network", "2"),
        glance=service("Glance", "image", "2"),
    )


def _sign_in(session: Any) -> None:
    """Once, and not by each of the calls that are made at the same time."""
    try:
        session.get_token()
    except exceptions.ClientException as error:
        raise CannotLook("Keystone", reason(error)) from error
    except Exception as error:
        # A password that is missing is a bare Exception in keystoneauth.
        raise CannotLook("Keystone", str(error)) from error


def read(
    cloud: Services,
    broker_user: str,
    patience: datetime.timedelta,
    now: datetime.datetime,
) -> Snapshot:
    """
    :param patience: how long ago a lease was ordered of which it is asked
        since when it starts or ends.
    :raises CannotLookAt: naming every service that could not be read.
    """
    with (
        futures.ThreadPoolExecutor(_THREADS) as parts,
        futures.ThreadPoolExecutor(_THREADS) as items,
    ):
        return _Reading(cloud, now, parts, items).read(broker_user, patience)


class _Reading:
    """:param parts: for whole lists.
    :param items: for what has no list; not the same, so that no list waits
        for its own items behind other lists.
    """

    def __init__(
        self,
        cloud: Services,
        now: datetime.datetime,
        parts: futures.Executor,
        items: futures.Executor,
    ) -> None:
        self._cloud = cloud
        self._now = now
        self._parts = parts
        self._items = items

    def read(self, broker_user: str, patience: datetime.timedelta) -> Snapshot:
        cloud, items = self._cloud, self._items
        begin = self._begin
        name = begin(lambda: broker.installation(cloud.broker))
        leases = begin(lambda: broker.leases(cloud.broker, self._now))
        devices = begin(lambda: broker.devices(cloud.broker))
        hosts = begin(lambda: broker.hosts(cloud.broker))
        models = begin(lambda: broker.models(cloud.broker))
        cards = begin(lambda: placement.cards(cloud.placement, items))
        made = begin(lambda: placement.brokers(cloud.placement, items))
        servers = begin(lambda: compute.servers(cloud.nova))
        flavors = begin(lambda: compute.flavors(cloud.nova))
        computes = begin(lambda: compute.services(cloud.nova))
        rights = begin(lambda: self._rights(broker_user))
        # Anything that answers at all shall have been asked by now.
        self._wait(
            *(name, leases, devices, hosts, models, cards, made),
            *(servers, flavors, computes, rights),
        )
        seen = Snapshot(
            taken_at=self._now,
            installation=name.result(),
            cards=cards.result(),
            tickets=made.result().tickets,
            traces=made.result().traces,
            servers=servers.result(),
            flavors=flavors.result(),
            services=computes.result(),
            trusts=rights.result()[0],
            keypairs=rights.result()[1],
            leases=leases.result(),
            devices=devices.result(),
            hosts=hosts.result(),
            models=models.result(),
        )
        return self._closer(seen, patience)

    def _rights(
        self, broker_user: str
    ) -> tuple[tuple[Trust, ...], tuple[KeyPair, ...]]:
        """What the broker's user has of others, and of its own."""
        cloud = self._cloud
        user = identity.user(cloud.keystone, broker_user)
        return (
            identity.trusts(cloud.keystone, user, self._now),
            compute.keypairs(cloud.nova, user),
        )

    def _closer(
        self, seen: Snapshot, patience: datetime.timedelta
    ) -> Snapshot:
        """What the lists leave open."""
        cloud, items = self._cloud, self._items
        waits = any(lease.state == "queued" for lease in seen.leases)
        hosts = [host.name for host in seen.hosts]
        ports = self._begin(
            lambda: network.ports(cloud.neutron, hosts, _leased(seen.leases))
        )
        leases = self._begin(
            lambda: broker.moved(
                cloud.broker, seen.leases, self._now - patience, items
            )
        )
        offers = self._begin(
            lambda: broker.offers(cloud.broker) if waits else ()
        )
        shown = self._begin(
            lambda: images.images(cloud.glance, _images(seen.leases), items)
        )
        self._wait(ports, leases, offers, shown)
        return self._unknown(
            dataclasses.replace(
                seen,
                ports=ports.result(),
                leases=leases.result(),
                offers=offers.result(),
                images=shown.result().found,
                images_unread=shown.result().unread,
            )
        )

    def _unknown(self, seen: Snapshot) -> Snapshot:
        """Who it is that no list has named."""
        nova = self._cloud.nova
        named = _named(seen) - set(seen.servers)
        unlisted = self._begin(
            lambda: compute.unlisted(nova, named, self._items)
        )
        self._wait(unlisted)
        servers = {**seen.servers, **unlisted.result()}
        left = _holders(seen) - set(servers)
        moves = self._begin(
            lambda: compute.migrations(nova, left) if left else frozenset()
        )
        self._wait(moves)
        return dataclasses.replace(
            seen, servers=servers, migrations=moves.result()
        )

    def _begin(self, call: Callable[[], T]) -> futures.Future[T]:
        return self._parts.submit(call)

    def _wait(self, *begun: futures.Future[Any]) -> None:
        """:raises CannotLookAt: when one of them has failed."""
        failures = []
        for future in begun:
            error = future.exception()
            if isinstance(error, CannotLook):
                failures.append(error)
            elif error is not None:
                raise error
        if failures:
            raise CannotLookAt(failures)


def _leased(leases: Iterable[Lease]) -> set[str]:
    return {
        node.server_id
        for lease in leases
        for node in lease.nodes
        if node.server_id
    }


def _images(leases: Iterable[Lease]) -> set[str]:
    return {
        lease.image for lease in leases if lease.image and lease.needs_image
    }


def _holders(seen: Snapshot) -> set[str]:
    """Consumers in Placement."""
    cards = {holder for card in seen.cards for holder in card.holders}
    return cards.union(*(ticket.holders for ticket in seen.tickets))


def _named(seen: Snapshot) -> set[str]:
    """Servers that anything there speaks of."""
    running = [
        lease for lease in seen.leases if lease.state in ("starting", "active")
    ]
    ports = {port.device_id for port in seen.ports}
    return _holders(seen) | _leased(running) | ports
