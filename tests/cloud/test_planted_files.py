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

"""Mistakes in the files that lie on the machine of the command."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.services.checks.mistakes import Mistake
from sandbox import hardware
from sandbox.config import nova as nova_config
from tests.cloud import looks

A100 = hardware.HOSTS[0]


class OnThisMachine(looks.LookCase):
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
        spoilt, sections = tuple(self.spoilt()), self.sections()
        found = self.untilTold(
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
            lambda: self.look("--read-only", *spoilt, sections=sections),
        )
        self.assertNotIn("S3cret", str(found.rows) + found.errors)
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


def _without(text: str, words: str) -> str:
    return "".join(line for line in text.splitlines(True) if words not in line)
