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

"""How PCI aliases are tried out at Nova, and that nothing of it stays."""

from __future__ import annotations

import re
from typing import Any

from gpubroker import errors
from gpubroker.clouds import compute
from gpubroker.clouds import probe
from tests.unit.clouds import wire

FLAVOR = "gpubroker-abcd-probe"


class AliasesTest(wire.WireCase):
    def setUp(self) -> None:
        super().setUp()
        self.known = {f"a100-sxm4-80gb-s{n}" for n in range(40)}
        self.asked = ""
        self.wire.post(f"{wire.NOVA}/flavors", json={"flavor": {}})
        self.wire.post(
            f"{wire.NOVA}/flavors/{FLAVOR}/os-extra_specs", json=self.specs
        )
        self.wire.post(f"{wire.NOVA}/servers", json=self.order)
        self.wire.delete(f"{wire.NOVA}/flavors/{FLAVOR}", status_code=202)

    def specs(self, request: Any, _context: Any) -> dict[str, Any]:
        """Nova takes no longer value than 255 characters."""
        body: dict[str, Any] = request.json()
        self.asked = body["extra_specs"]["pci_passthrough:alias"]
        self.assertLessEqual(len(self.asked), 255)
        self.assertNotEqual("", self.asked)
        return body

    def order(self, request: Any, context: Any) -> dict[str, Any]:
        """In the order in which Nova looks (nova/compute/api.py)."""
        context.status_code = 400
        for alias in re.findall(r"([\w.-]+):1", self.asked):
            if alias not in self.known:
                words = f"PCI alias {alias} is not defined"
                break
        else:
            group = request.json()["os:scheduler_hints"]["group"]
            words = f"Instance group {group} could not be found."
        return {"badRequest": {"code": 400, "message": words}}

    def aliases(self, *wanted: str) -> dict[str, str]:
        nova = self.session.service("Nova", "compute")
        made = probe.Probe(
            compute.Nova(nova, compute.Microversion(nova)),
            self.session.service("Placement", "placement"),
            "abcd",
        )
        return made.aliases(wanted)

    def gone(self) -> bool:
        return len(self.sent("DELETE", FLAVOR)) == 1

    def test_all_known(self) -> None:
        self.assertEqual({}, self.aliases(*self.known))
        self.assertTrue(self.gone())
        (made,) = self.sent("POST", "/flavors")
        self.assertIs(False, made["flavor"]["os-flavor-access:is_public"])

    def test_each_that_is_not_is_named(self) -> None:
        found = self.aliases(*self.known, "b-s1", "b-s0", "z")
        self.assertEqual({"b-s0", "b-s1", "z"}, set(found))
        self.assertEqual("PCI alias z is not defined", found["z"])

    def test_aliases_that_nova_can_not_read(self) -> None:
        words = "Invalid PCI alias definition: no vendor_id"
        self.wire.post(
            f"{wire.NOVA}/servers",
            status_code=400,
            json={"badRequest": {"code": 400, "message": words}},
        )
        self.assertEqual({"a": words, "b": words}, self.aliases("a", "b"))

    def test_a_server_that_was_made_all_the_same_is_deleted(self) -> None:
        self.wire.post(
            f"{wire.NOVA}/servers",
            status_code=202,
            json={"server": {"id": "s1"}},
        )
        self.wire.delete(f"{wire.NOVA}/servers/s1", status_code=204)
        self.aliases("a")
        self.assertEqual(1, len(self.sent("DELETE", "/servers/s1")))

    def test_the_flavor_goes_also_when_nova_fails(self) -> None:
        self.wire.post(f"{wire.NOVA}/servers", status_code=500, json={})
        self.assertRaises(errors.Unavailable, self.aliases, "a")
        self.assertTrue(self.gone())
