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

"""Mistakes that are planted in the real cloud, and found by the command that
is there to find them; and not found any more when they are mended.

Several are planted at once where they do not hide each other.
"""

from __future__ import annotations

import contextlib
import datetime
import pathlib
from collections.abc import Iterator

from gpubroker.services import names
from gpubroker.services.checks.mistakes import Mistake
from sandbox import gpubroker as services
from sandbox import hardware
from sandbox import services as cloud_services
from tests.cloud import looks
from tests.cloud import planting

#: Seconds without a report, twice the pause between two.
LATE = 20

A100, H100, L40S = hardware.HOSTS
TWIN = {
    "name": "l40s-twin",
    "family": "l40s",
    "vendor": "NVIDIA",
    "vendor_id": hardware.NVIDIA,
    "product_ids": ["ffff"],
    "memory_mib": 46068,
    "resource_class": hardware.L40S.resource_class,
    "alias": hardware.L40S.name,
}


class InTheCloud(looks.LookCase):
    def setUp(self) -> None:
        super().setUp()
        self.planted = planting.Placement(self.admin)

    def test_services_and_what_they_hold(self) -> None:
        self.a_start_is_known()
        ready = self.look()
        self.assertReady(ready)
        # What fails here is not to fail all that comes later.
        self.addOnException(lambda _error: self.read_files_anew())
        with contextlib.ExitStack() as stack:
            self.plant_first(stack)
            with planting.stopped(self.cloud, "nova", "placement"):
                self.nobody_there()
            mark = names.mark(_installation(ready), 10**6)
            stack.enter_context(self.planted.resource_class(mark))
            self.eventually("its agent is late", lambda: self.late(H100))
            self.plant_in_placement(stack)
            self.make_things(stack)
            self.set_things_wrong(stack)
            self.all_at_once()
            self.refusals()
        self.read_files_anew()
        self.eventually("ready again", lambda: not self.look().wrong)

    def read_files_anew(self) -> None:
        for name in ("nova", "placement"):
            self.cloud.stop(name)
            self.cloud.start(name)

    def a_start_is_known(self) -> None:
        self.end(self.active("vm.gpu.l40s.1"))
        # A card that is closed after a lease gives out nothing at all.
        self.every_card_free()

    def plant_first(self, stack: contextlib.ExitStack) -> None:
        """What a service reads at its start, and who is not there at all.

        Without its worker the broker does nothing about the rest.
        """
        for service in (
            services.WORKER,
            services.agent_name(H100.name),
            # It would put its slot traits right in a minute.
            cloud_services.compute_name(A100.name),
        ):
            stack.enter_context(planting.stopped(self.cloud, service))
        for path, words, other in (
            (
                self.config("nova", "nova.conf"),
                f'"{hardware.A100.name}-s3"',
                '"elsewhere"',
            ),
            (
                self.config("placement", "placement.conf"),
                "allocation_conflict_retry_count = 1\n",
                "",
            ),
        ):
            stack.enter_context(_replaced(path, words, other))

    def nobody_there(self) -> None:
        with planting.endpoint(self.admin, "public", "http://127.0.0.1:1"):
            found = self.look()
        self.assertLessEqual(
            {
                Mistake.NOVA_AWAY,
                Mistake.PLACEMENT_AWAY,
                Mistake.ENDPOINT_AWAY,
            },
            set(found.mistakes),
            found.wrong,
        )
        for title in ("Claims in Placement", "Slots", "Computes", "Clocks"):
            self.assertIn(title, found.unseen)
        self.assertEqual(2, found.code)

    def plant_in_placement(self, stack: contextlib.ExitStack) -> None:
        zero, one, two = (self.provider(A100, slot) for slot in range(3))
        trait = hardware.slot_trait
        for provider, change in (
            (zero, lambda has: has - {trait(0)}),
            (one, lambda has: has | {trait(99)}),
            (two, lambda has: has - {trait(2)} | {trait(3)}),
            (
                self.provider(A100, 4),
                lambda has: has | {"HW_PCI_ONE_TIME_USE"},
            ),
        ):
            stack.enter_context(self.planted.traits(provider, change))
        stack.enter_context(
            self.planted.inventory(
                self.provider(L40S, 0), allocation_ratio=2.0
            )
        )

    def make_things(self, stack: contextlib.ExitStack) -> None:
        around = self.admin.compute.create_flavor(
            name="around", vcpus=1, ram=512, disk=1, is_public=False
        )
        self.admin.compute.create_flavor_extra_specs(
            around, {"pci_passthrough:alias": f"{hardware.L40S.name}:1"}
        )
        unmet = self.operator.create_flavor(
            name="vm.gpu.l40s.8",
            models=[hardware.L40S.name],
            gpus=8,
            vcpus=1,
            ram_mib=1024,
            disk_gib=1,
        )
        pool = self.operator.create_pool(name="nowhere")
        twin = self.operator.create_model(**TWIN)
        for thing, remove in (
            (around, self.admin.compute.delete_flavor),
            (unmet, self.operator.delete_flavor),
            (pool, self.operator.delete_pool),
            (twin, self.operator.delete_model),
        ):
            stack.enter_context(planting.made(thing, remove))

    def set_things_wrong(self, stack: contextlib.ExitStack) -> None:
        glance = self.cloud.settings.ports.url("glance")
        for planted in (
            planting.endpoint(self.admin, "public", glance),
            planting.endpoint(self.admin, "admin", f"{glance}/v1"),
            planting.role(self.admin, "gpubroker_agent", "agent_of_old"),
            planting.compute(
                self.admin,
                H100.name,
                {"status": "enabled"},
                {"status": "disabled"},
            ),
            planting.compute(
                self.admin,
                A100.name,
                {"forced_down": False},
                {"forced_down": True},
            ),
        ):
            stack.enter_context(planted)

    def all_at_once(self) -> None:
        late = {"worker": {"heartbeat_timeout": LATE}}
        found = self.look(sections=late)
        card = f"{A100.name}_0000:"
        self.assertTold(
            found,
            {
                Mistake.ENDPOINT_ELSEWHERE: "is not gpubroker",
                Mistake.ENDPOINT_VERSIONED: "/v1 ends in a version",
                Mistake.AGENT_ROLE_MISSING: "role create gpubroker_agent",
                Mistake.CLAIMS_DOUBLED: "allocation_conflict_retry_count = 1",
                Mistake.MEMORY_LOST: "gpubroker-manage recover",
                Mistake.ALIAS_MISSING: f"PCI alias {hardware.A100.name}-s3,",
                Mistake.CARD_OVERSOLD: f"{L40S.name}_0000:17:00.0 has an",
                Mistake.CARD_ONE_TIME_USE: f"{card}88:00.0 is for",
                Mistake.SLOT_MISSING: f"{card}07:00.0 has no slot trait",
                Mistake.SLOT_SEVERAL: f"{card}0B:00.0 has more than one",
                Mistake.SLOT_DOUBLED: f"{A100.name} has slot 3 twice",
                Mistake.SLOT_OTHER: f"{card}48:00.0 has slot 3 where",
                Mistake.COMPUTE_DOWN: f"is down on {A100.name}:",
                Mistake.COMPUTE_DISABLED: f"is disabled on {H100.name}:",
                Mistake.WORKERS_NONE: "Start gpubroker-worker",
                Mistake.AGENT_SILENT: H100.name,
                Mistake.MODEL_CLASS_SHARED: "l40s-48gb, l40s-twin have one",
                Mistake.MODEL_ALIAS_SHARED: "l40s-48gb, l40s-twin have one",
                Mistake.FLAVOR_UNMET: "vm.gpu.l40s.8",
                Mistake.POOL_EMPTY: "Pool nowhere has",
                Mistake.FLAVOR_AROUND: "managed hosts: around.",
            },
        )
        self.assertEqual(2, found.code)

    def refusals(self) -> None:
        """By policy files, which are read anew at each request."""
        with (
            _rule(self.config("keystone"), "identity:create_trust"),
            _rule(
                self.config("placement"),
                "placement:resource_providers:inventories:update",
            ),
        ):
            told = self.look().mistakes
        for mistake, words in (
            (Mistake.TRUSTS_REFUSED, '"identity:create_trust"'),
            (Mistake.PLACEMENT_READ_ONLY, "role service"),
        ):
            self.assertIn(words, told.get(mistake, ""), told)
        with _replaced(
            self.config("nova", "policy.yaml"), " or role:gpubroker", ""
        ):
            told = self.look().mistakes
        self.assertIn(
            "context_is_admin", told.get(Mistake.NOVA_NO_ADMIN, ""), told
        )

    def late(self, host: hardware.Host) -> bool:
        """Whether its agent has missed a report."""
        heard = self.operator.get_host(host.name).agent["heartbeat_at"]
        then = datetime.datetime.fromisoformat(heard)
        gone = datetime.datetime.now(datetime.UTC) - then
        return gone > datetime.timedelta(seconds=LATE)

    def provider(self, host: hardware.Host, slot: int) -> str:
        """The id of a card's provider in Placement."""
        name = hardware.provider_name(host.name, host.gpus[slot])
        (found,) = self.placement(f"/resource_providers?name={name}")[
            "resource_providers"
        ]
        return str(found["uuid"])


def _installation(found: looks.Look) -> str:
    return found.rows["Installation"][1].split()[-1].rstrip(".")


@contextlib.contextmanager
def _replaced(path: pathlib.Path, words: str, other: str) -> Iterator[None]:
    with planting.text(path, lambda before: before.replace(words, other)):
        yield


@contextlib.contextmanager
def _rule(folder: pathlib.Path, name: str) -> Iterator[None]:
    """Nobody may do it any more."""
    path = folder / "policy.yaml"
    with planting.text(path, lambda before: before + f'"{name}": "!"\n'):
        yield
