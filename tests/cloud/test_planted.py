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
from collections.abc import Iterator, Mapping

import fixtures

from gpubroker.services import names
from gpubroker.services.checks.mistakes import Mistake
from sandbox import gpubroker as services
from sandbox import hardware
from sandbox import services as cloud_services
from sandbox.config import nova as nova_config
from tests.cloud import base
from tests.cloud import looks
from tests.cloud import planting

#: By this a mistake is told; other words may follow.
Words = Mapping[Mistake, str]

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


class PlantedCase(base.CloudTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def look(
        self, *arguments: str, sections: looks.Sections | None = None
    ) -> looks.Look:
        return looks.look(
            self.cloud, self.folder, *arguments, sections=sections
        )

    def assertTold(self, found: looks.Look, wanted: Words) -> None:
        """These mistakes and no other, each in its words."""
        told = found.mistakes
        self.assertEqual(set(wanted), set(told), found.wrong)
        for mistake, words in wanted.items():
            self.assertIn(words, told[mistake])

    def assertReady(self, found: looks.Look) -> None:
        self.assertEqual({}, found.wrong, found.errors)
        self.assertEqual(0, found.code)

    def config(self, *parts: str) -> pathlib.Path:
        return self.cloud.layout.config.joinpath(*parts)


class InTheCloud(PlantedCase):
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
            self.plant_in_the_broker(stack)
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
        self.eventually("every card free again", self.all_free)

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
        told = found.mistakes
        for mistake in (
            Mistake.NOVA_AWAY,
            Mistake.PLACEMENT_AWAY,
            Mistake.ENDPOINT_AWAY,
        ):
            self.assertIn("refused", told[mistake])
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

    def plant_in_the_broker(self, stack: contextlib.ExitStack) -> None:
        glance = self.cloud.settings.ports.url("glance")
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
        conf = self.config("nova", "nova.conf")
        deny = "context_is_admin"
        with (
            _replaced(
                conf, "pci_in_placement = True", "pci_in_placement = False"
            ),
            planting.stopped(self.cloud, "nova"),
        ):
            pass
        with (
            _rule(self.config("keystone"), "identity:create_trust"),
            _rule(
                self.config("placement"),
                "placement:resource_providers:inventories:update",
            ),
        ):
            told = self.look().mistakes
        for mistake, words in (
            (Mistake.ALIAS_REFUSED, "pci_in_placement = true"),
            (Mistake.TRUSTS_REFUSED, '"identity:create_trust"'),
            (Mistake.PLACEMENT_READ_ONLY, "role service"),
        ):
            self.assertIn(words, told.get(mistake, ""), told)
        with _replaced(
            self.config("nova", "policy.yaml"), " or role:gpubroker", ""
        ):
            told = self.look().mistakes
        self.assertIn(deny, told.get(Mistake.NOVA_NO_ADMIN, ""), told)

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


class OnThisMachine(PlantedCase):
    def test_files_as_they_are(self) -> None:
        compute = nova_config.compute_folder(A100.name)
        found = self.look(
            f"--nova-conf={self.config('nova', 'nova.conf')}",
            f"--nova-conf={self.config(compute, 'nova.conf')}",
            f"--placement-conf={self.config('placement', 'placement.conf')}",
        )
        self.assertReady(found)
        self.assertEqual("", found.errors)

    def test_what_is_set_wrong(self) -> None:
        found = self.look(
            "--read-only", *self.spoilt(), sections=self.sections()
        )
        self.assertNotIn("S3cret", str(found.rows) + found.errors)
        self.assertTold(
            found,
            {
                Mistake.BUS_AWAY: "127.0.0.1:1 takes no message",
                Mistake.SILENT_TOO_SOON: "to 40 at least",
                Mistake.KEYS_UNUSABLE: "keys create",
                Mistake.API_IDENTITY_REFUSED: "[keystone_authtoken]",
                Mistake.TRUST_ROLE_UNKNOWN: "membre",
                Mistake.POLICY_UNKNOWN: "gpubroker:lease:creat,",
                Mistake.POLICY_OPEN: "gpubroker:lease:create to",
                Mistake.FILE_PCI_FILTER: "one does not name",
                Mistake.FILE_PCI_IN_PLACEMENT: "two lacks",
                Mistake.FILE_REPORT_IN_PLACEMENT: "three has",
                Mistake.FILE_ALIAS_MISSING: "four lacks the [pci] alias",
                Mistake.FILE_ALIAS_OTHER: "five defines the [pci] alias",
                Mistake.FILE_DEVICE_CLASS: "six gives the cards 10de:20b2",
                Mistake.FILE_PROVIDER_CONFIG: f"{A100.name}_0000:4C:00.0",
                Mistake.FILE_RETRY_COUNT: "10 times",
                Mistake.FILE_UNREADABLE: "/nowhere can not be read: No such",
            },
        )
        for title in ("Claims in Placement", "Aliases in nova-api"):
            self.assertIn(title, found.unseen)

    def sections(self) -> looks.Sections:
        policy = self.folder / "policy.yaml"
        policy.write_text(
            '"gpubroker:lease:creat": "role:member"\n'
            '"gpubroker:lease:create": "@"\n'
        )
        return {
            "DEFAULT": {"transport_url": "rabbit://u:S3cret@127.0.0.1:1/"},
            "worker": {"heartbeat_timeout": 15},
            "encryption": {"key_repository": str(self.folder / "no")},
            "keystone_authtoken": {"password": "wrong"},
            "service_user": {"trust_roles": "membre"},
            "oslo_policy": {"policy_file": str(policy)},
        }

    def spoilt(self) -> Iterator[str]:
        """Copies of what the cloud runs with, each with one mistake."""
        control = self.config("nova", "nova.conf").read_text()
        folder = nova_config.compute_folder(A100.name)
        compute = self.config(folder, "nova.conf").read_text()
        slot = f'"{hardware.A100.name}-s3"'
        spec = '"20b2", "resource_class": "'
        for name, text in (
            ("one", _without(control, "PciPassthroughFilter")),
            ("two", _without(control, "pci_in_placement = True")),
            ("three", _without(compute, "report_in_placement = True")),
            ("four", _without(compute, slot)),
            ("five", compute.replace("type-PF", "type-PCI", 1)),
            ("six", compute.replace(spec, f"{spec}OTHER_")),
            ("seven", compute + self.other_slots(folder)),
        ):
            yield self.copy("nova-conf", name, text)
        placement = self.config("placement", "placement.conf").read_text()
        yield self.copy(
            "placement-conf",
            "eight",
            placement.replace("count = 1\n", "count = 10\n"),
        )
        yield "--nova-conf=/nowhere"

    def other_slots(self, folder: str) -> str:
        """A folder for nova-compute with another slot than the broker's."""
        good = self.config(folder, "provider_config", "gpus.yaml")
        made = self.folder / "provider_config"
        made.mkdir()
        (made / "gpus.yaml").write_text(
            good.read_text().replace("SLOT_3", "SLOT_13")
        )
        return f"[compute]\nprovider_config_location = {made}\n"

    def copy(self, option: str, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return f"--{option}={path}"


def _installation(found: looks.Look) -> str:
    return found.rows["Installation"][1].split()[-1].rstrip(".")


@contextlib.contextmanager
def _replaced(path: pathlib.Path, words: str, other: str) -> Iterator[None]:
    with planting.text(path, lambda before: before.replace(words, other)):
        yield


@contextlib.contextmanager
def _rule(folder: pathlib.Path, name: str) -> Iterator[None]:
    """Nobody may do it any more; read anew at each request."""
    path = folder / "policy.yaml"
    with planting.text(path, lambda before: before + f'"{name}": "!"\n'):
        yield


def _without(text: str, words: str) -> str:
    return "".join(line for line in text.splitlines(True) if words not in line)
