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

"""Tests against the real small cloud, as its users and operators.

The cloud is the sandbox in the folder named by ``GPUBROKER_TEST_CLOUD``
(default ``.sandbox``); it has to run already. Of several, divided by colons,
each process has one of its own. Nothing here uses the bootstrap admin: it is
disabled.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import operator
import os
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import testtools

from gpubroker.audit import findings
from gpubroker.audit import looking
from gpubroker.audit import main as auditor
from gpubroker.audit import report
from gpubroker.client import errors
from gpubroker.client import sdk
from sandbox import cloud as clouds
from sandbox import hardware
from sandbox import identity
from sandbox import tenants

T = TypeVar("T")

#: How long anything may take on a busy machine of two cores, in seconds.
PATIENCE = 120.0

OURS = "CUSTOM_GPUBROKER_"


def the_cloud() -> clouds.Cloud:
    return clouds.Cloud(_state())


@functools.cache
def _state() -> pathlib.Path:
    """The folder; locked where others may want it."""
    named = os.environ.get("GPUBROKER_TEST_CLOUD", ".sandbox")
    states = [pathlib.Path(name) for name in named.split(os.pathsep)]
    if len(states) == 1:
        return states[0]
    for state in states:
        # Open, and so locked, for as long as this process lives.
        lock = os.open(state / "tests.lock", os.O_CREAT | os.O_RDWR)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return state
        os.close(lock)
    raise RuntimeError(f"Each of {named} is in use by another process.")


def audit(cloud: clouds.Cloud) -> looking.Audit:
    """What an operator is told who looks at a cloud in which nothing is
    going on."""
    connection = cloud.connection("sandbox-admin")
    try:
        return auditor.run(connection.config, grace=0)
    finally:
        connection.close()


def assert_clean(found: looking.Audit) -> None:
    """Nothing that anybody would have to look at."""
    if any(f.severity is not findings.Severity.NOTE for f in found.found):
        raise AssertionError(report.text(found, 0))


class CloudTest(testtools.TestCase):
    """Leaves the cloud as it found it, and fails when it can not."""

    @classmethod
    def tearDownClass(cls) -> None:
        """What the tests did not think of, the auditor may find."""
        super().tearDownClass()
        assert_clean(audit(the_cloud()))

    def setUp(self) -> None:
        super().setUp()
        self.cloud = the_cloud()
        self.member = self.cloud.connection("sandbox")
        self.other = self.cloud.connection("sandbox-other")
        self.admin = self.cloud.connection("sandbox-admin")
        # Only who holds a trust, or made it, may list it.
        self.broker = identity.connect_as(
            self.cloud.settings, "gpubroker", "service"
        )
        for connection in (self.member, self.other, self.admin, self.broker):
            self.addCleanup(connection.close)
            sdk.add_to(connection)
        self.gpus = self.member.gpu_broker
        self.operator = self.admin.gpu_broker
        # Here, too: a run that was killed has restored nothing.
        self.cloud.set_quota("demo")
        self.addCleanup(self._restore)

    def _restore(self) -> None:
        for host in hardware.HOSTS:
            self.cloud.set_control(host.name)
        for lease in self.operator.leases(all_projects=True):
            if not lease.is_final:
                self.operator.delete_lease(lease.id)
        self.all_gone("lease that is not over", self.leases_not_over)
        self.nothing_left()
        self.all_gone("card that is not free", self._open_cards)

    def _open_cards(self) -> list[str]:
        """Those that are closed yet. A test closed them which failed before
        it opened them: the next one has no part in that."""
        for card in self.operator.devices():
            reasons = {fence["reason"] for fence in card.fences}
            for reason in reasons & {"operator", "health"}:
                with contextlib.suppress(errors.NotFound):
                    self.operator.unfence_device(card.id, reason=reason)
            if "external" in reasons:
                self.write_reserved(card, 0)
        return self.closed_cards()

    # -- looking ------------------------------------------------------------

    def eventually(
        self,
        what: str,
        look: Callable[[], T],
        patience: float = PATIENCE,
    ) -> T:
        """The first true answer; a failure after ``patience`` seconds."""
        found = self.settled(look, bool, patience)
        if not found:
            self.fail(f"not within {patience:.0f} s: {what}")
        return found

    def settled(
        self,
        look: Callable[[], T],
        right: Callable[[T], bool],
        patience: float = PATIENCE,
    ) -> T:
        """The first answer that is right; after ``patience`` seconds the last
        one, for the test to say what is wrong with it."""
        until = time.monotonic() + patience
        while not right(found := look()) and time.monotonic() <= until:
            time.sleep(0.3)
        return found

    def all_gone(
        self,
        what: str,
        look: Callable[[], list[str]],
        patience: float = PATIENCE,
    ) -> None:
        """A failure that names them, if one is there after ``patience``
        seconds."""
        left = self.settled(look, operator.not_, patience)
        if left:
            told = "; ".join(left)
            self.fail(f"after {patience:.0f} s there is a {what}: {told}")

    def every_card_free(self, patience: float = PATIENCE) -> None:
        self.all_gone("card that is not free", self.closed_cards, patience)

    def closed_cards(self) -> list[str]:
        """Those that may not be used, and what is known of why."""
        hosts = {host.name: host for host in self.operator.hosts()}
        return [
            f"{card.host} {card.pci_address} is {card.availability}, "
            f"{card.state}, {card.health} {card.health_reasons}, "
            f"fences {card.fences}, use {card.use}, "
            f"reserved {card.provider['reserved']}; "
            f"host: {hosts[card.host].compute_state}, "
            f"agent {hosts[card.host].agent['state']}, "
            f"{hosts[card.host].conditions}"
            for card in self.operator.devices()
            if not card.is_schedulable
        ]

    def leases_not_over(self) -> list[str]:
        return [
            f"{lease.id} ({lease.name}) is {lease.state}: {lease.reason}"
            for lease in self.operator.leases(all_projects=True)
            if not lease.is_final
        ]

    def cards(self, host: str) -> list[Any]:
        return sorted(
            self.operator.devices(host=host), key=lambda card: card.slot
        )

    def offer(self, flavor: str) -> Any:
        return next(iter(self.gpus.offers(flavor=flavor)))

    def placement(self, path: str) -> dict[str, Any]:
        answer = self.admin.placement.get(path, microversion="1.39")
        self.assertEqual(200, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def allocated_cards(self, server_id: str) -> set[str]:
        """Names of the card providers that a server holds in Placement."""
        held = self.placement(f"/allocations/{server_id}")["allocations"]
        names = {
            self.placement(f"/resource_providers/{rp}")["name"] for rp in held
        }
        return {name for name in names if "_0000:" in name}

    def reserved(self, card: Any) -> int:
        provider = card.provider["id"]
        found = self.placement(f"/resource_providers/{provider}/inventories")
        records = list(found["inventories"].values())
        return int(records[0]["reserved"])

    def write_reserved(self, card: Any, value: int) -> None:
        """As somebody would who does not ask the broker."""
        path = f"/resource_providers/{card.provider['id']}/inventories"
        found = self.placement(path)
        ((resource_class, record),) = found["inventories"].items()
        answer = self.admin.placement.put(
            f"{path}/{resource_class}",
            json={
                **record,
                "reserved": value,
                "resource_provider_generation": found[
                    "resource_provider_generation"
                ],
            },
            microversion="1.39",
        )
        self.assertEqual(200, answer.status_code, answer.text)

    def nothing_left(self, patience: float = PATIENCE) -> None:
        """No ticket, shape, trust or server of the broker's remains."""
        looks: dict[str, Callable[[], list[str]]] = {
            "ticket": self.tickets,
            "shape": self.shapes,
            "server": self.servers,
            "trust": self.trusts,
        }
        for what, look in looks.items():
            self.all_gone(f"{what} of the broker's", look, patience)

    def tickets(self) -> list[str]:
        """Classes of ours that any provider still has an inventory of."""
        classes = self.placement("/resource_classes")["resource_classes"]
        return [
            found["name"]
            for found in classes
            if found["name"].startswith(OURS)
        ]

    def shapes(self) -> list[str]:
        answer = self.admin.compute.get("/flavors?is_public=None")
        return [
            flavor["name"]
            for flavor in answer.json()["flavors"]
            if flavor["name"].startswith("gpubroker")
        ]

    def trusts(self) -> list[str]:
        """Ids of the trusts by which the broker acts for somebody."""
        answer = self.broker.identity.get(
            "/OS-TRUST/trusts",
            params={"trustee_user_id": self.broker.current_user_id},
        )
        self.assertEqual(200, answer.status_code, answer.text)
        return [trust["id"] for trust in answer.json()["trusts"]]

    def servers(self) -> list[str]:
        return [
            server.id
            for server in self.admin.compute.servers(
                all_projects=True, details=False
            )
        ]

    # -- doing --------------------------------------------------------------

    def workload(self, **more: Any) -> dict[str, Any]:
        return {**tenants.workload(self.member), **more}

    def order(
        self, flavor: str = "vm.gpu.a100.2", name: str = "", **more: Any
    ) -> Any:
        workload = more.pop("workload", None) or self.workload()
        return self.gpus.create_lease(
            name=name or self.id().rpartition(".")[2][:60],
            flavor=flavor,
            workload=workload,
            **more,
        )

    def wait(self, lease: Any, state: str = "active") -> Any:
        return self.gpus.wait_for_lease(
            lease.id, state, timeout=PATIENCE, interval=0.5
        )

    def active(self, flavor: str = "vm.gpu.a100.2", **more: Any) -> Any:
        return self.wait(self.order(flavor, **more))

    def end(self, lease: Any, state: str = "ended") -> Any:
        self.gpus.delete_lease(lease.id)
        return self.wait(lease, state)

    def old_server(self, like: str, name: str = "old") -> str:
        """Made around the broker: of a public flavor with Nova's alias for
        any card of a model.

        :param like: the GPU flavor that it looks like.
        """
        wanted = self.operator.find_flavor(like)
        compute = self.admin.compute
        flavor = compute.create_flavor(
            name=name,
            vcpus=wanted.vcpus,
            ram=wanted.ram_mib,
            disk=wanted.disk_gib,
            is_public=True,
        )
        try:
            compute.create_flavor_extra_specs(
                flavor,
                {"pci_passthrough:alias": f"{wanted.models[0]}:{wanted.gpus}"},
            )
            workload = tenants.workload(self.member)
            server = self.member.compute.create_server(
                name=name,
                flavor_id=flavor.id,
                image_id=workload["image"],
                networks=[{"uuid": workload["networks"][0]["network"]}],
                key_name=workload["key_name"],
            )
            self.addCleanup(
                self.member.compute.delete_server, server, ignore_missing=True
            )
            self.member.compute.wait_for_server(
                server, wait=PATIENCE, interval=0.3
            )
        finally:
            # By itself it would be something to look at.
            compute.delete_flavor(flavor)
        return str(server.id)

    def events(self, lease: Any) -> Iterator[str]:
        return (event.kind for event in self.gpus.lease_events(lease.id))
