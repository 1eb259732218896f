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

"""Where the checks of gpubroker-status look."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Collection, Mapping
from urllib import parse

import yaml
from oslo_config import cfg

from gpubroker import clock
from gpubroker import clouds
from gpubroker import errors
from gpubroker import policies
from gpubroker.clouds import compute
from gpubroker.clouds import placement
from gpubroker.clouds import probe
from gpubroker.clouds import session
from gpubroker.clouds import standing
from gpubroker.conf import service_user
from gpubroker.db import migration
from gpubroker.db import store
from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.rpc import broker as rpc
from gpubroker.rpc import ping

#: Seconds that a service has to answer an operator who waits.
PATIENCE = 10.0


class Need(enum.StrEnum):
    """What a check can do nothing without, in words for when it has not."""

    DATABASE = "the database does not answer"
    TABLES = "the database has not the tables of this release"
    KEYSTONE = "Keystone does not answer"
    PLACEMENT = "Placement does not answer"
    NOVA = "Nova does not answer"


class Facts:
    """Each thing is made when it is first needed, so that one that is set
    wrong spoils only the checks that need it."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.conf = conf
        self.clock = clock.SystemClock()
        self._away: dict[Need, str | None] = {}

    def away(self, need: Need) -> str | None:
        """Why something is of no use now; asked once only, so that a
        service that hangs is waited for once."""
        if need not in self._away:
            self._away[need] = self._ask(need)
        return self._away[need]

    def _ask(self, need: Need) -> str | None:
        asked: Mapping[Need, Callable[[], object]] = {
            Need.DATABASE: lambda: self.store.ping(),
            Need.TABLES: self._tables,
            Need.KEYSTONE: lambda: self.standing.roles(),
            Need.PLACEMENT: lambda: self.standing.placement_versions(),
            Need.NOVA: lambda: self.standing.nova_versions(),
        }
        return why_not(asked[need])

    def _tables(self) -> None:
        if self.revision() != self.head():
            raise errors.Unavailable(Need.TABLES)

    # -- made when needed --------------------------------------------------

    @functools.cached_property
    def store(self) -> store.Store:
        return store.Store(self.conf, self.clock)

    @functools.cached_property
    def cloud(self) -> session.Cloud:
        section = self.conf[service_user.GROUP]
        self.conf.set_override(
            "timeout", min(section.timeout, PATIENCE), service_user.GROUP
        )
        return session.connect(self.conf)

    @functools.cached_property
    def standing(self) -> standing.Standing:
        return standing.Standing(self.cloud, self.clock)

    @functools.cached_property
    def clouds(self) -> clouds.Clouds:
        return clouds.build(self.conf, self.clock, cloud=self.cloud)

    @functools.cached_property
    def probe(self) -> probe.Probe:
        nova = self.cloud.service("Nova", "compute")
        return probe.Probe(
            compute.Nova(nova, compute.Microversion(nova)),
            self.cloud.service(
                "Placement",
                "placement",
                default_microversion=placement.MICROVERSION,
            ),
            self.installation,
        )

    # -- the database ------------------------------------------------------

    def revision(self) -> str | None:
        return migration.version(self.store.engine)

    def head(self) -> str:
        return migration.head()

    def dialect(self) -> str:
        return str(self.store.engine.dialect.name)

    @functools.cached_property
    def installation(self) -> str:
        with self.store.read() as tx:
            return tx.installation.name()

    @functools.cached_property
    def every_host(self) -> list[hosts.Host]:
        with self.store.read() as tx:
            return tx.hosts.all()

    @property
    def managed(self) -> list[hosts.Host]:
        return [h for h in self.every_host if h.mode is hosts.Mode.MANAGE]

    @functools.cached_property
    def cards(self) -> list[devices.Device]:
        """Of managed hosts."""
        names = {host.name for host in self.managed}
        with self.store.read() as tx:
            return [card for card in tx.devices.all() if card.host in names]

    def slots(self) -> dict[str, dict[str, int]]:
        """Of managed hosts: PCI address -> slot."""
        with self.store.read() as tx:
            return {h.name: tx.hosts.slots(h.name) for h in self.managed}

    # -- the bus -----------------------------------------------------------

    def bus_is_none(self) -> str | None:
        """Why oslo.messaging can not use what is set, if it can not.

        Its words may hold the URL, and that a password.
        """
        try:
            rpc.transport(self.conf).cleanup()
        except Exception as error:
            return type(error).__name__
        return None

    def bus_away(self) -> str | None:
        """Who does not take a message, if so."""
        try:
            ping.Ping(self.conf, PATIENCE / 2).check()
        except errors.Unavailable:
            netloc = parse.urlsplit(self.conf.transport_url).netloc
            return ", ".join(
                one.rpartition("@")[2] for one in netloc.split(",")
            )
        return None

    # -- the policy file ---------------------------------------------------

    def policy_rules(self) -> Mapping[str, object]:
        """Rule -> check, of the operator's policy file."""
        policies.enforcer(self.conf)  # registers [oslo_policy]
        path = self.conf.find_file(self.conf.oslo_policy.policy_file)
        if path is None:
            return {}
        with open(path, encoding="utf-8") as text:
            try:
                found = yaml.safe_load(text) or {}
            except yaml.YAMLError as error:
                raise ValueError(str(error)) from error
        return {str(name): check for name, check in found.items()}


def why_not(ask: Callable[[], object]) -> str | None:
    """In words, when it raises anything."""
    try:
        ask()
    except errors.GpubrokerError as error:
        # An operator reads this: the service's own words, where it has any.
        return str(error.fields.get("detail", error.message)).rstrip(".")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def named(cards: Collection[devices.Device]) -> set[str]:
    """Resource classes of cards."""
    return {card.resource_class for card in cards if card.resource_class}
