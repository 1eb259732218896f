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

"""The command at a cloud that no sandbox can be: of old releases, with a
clock of its own, without a GPU. Its services answer as they would."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
from typing import Any

import fixtures
import requests_mock

from gpubroker.cmd import status
from gpubroker.domain import catalogue
from gpubroker.services.checks.mistakes import Mistake
from tests.fixtures import database
from tests.functional.db import samples
from tests.unit.clouds import wire


class OldCloudTest(wire.WireCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.conf = self.folder / "gpubroker.conf"
        self.database = self.useFixture(database.Database())
        self.conf.write_text(
            f"""
[database]
connection = {self.database.url}
[encryption]
key_repository = {database.keys()}
[service_user]
auth_type = password
auth_url = {wire.KEYSTONE}
username = gpubroker
password = secret
project_name = service
user_domain_id = default
project_domain_id = default
"""
        )
        self.nova("2.104")
        self.placement("1.39")
        self.wire.get(f"{wire.KEYSTONE}/", json={})

    def nova(self, newest: str, **headers: str) -> None:
        version = {"id": "v2.1", "version": newest, "links": []}
        self.wire.get(
            f"{wire.NOVA}/", json={"version": version}, headers=headers
        )
        self.wire.get(f"{wire.NOVA}/flavors", status_code=400, json={})
        self.wire.get(f"{wire.NOVA}/flavors/detail", json={"flavors": []})
        self.wire.get(f"{wire.NOVA}/os-services", json={"services": []})

    def placement(self, newest: str) -> None:
        version = {
            "id": "v1.0",
            "min_version": "1.0",
            "max_version": newest,
            "links": [],
        }
        self.wire.get(f"{wire.PLACEMENT}/", json={"versions": [version]})
        self.wire.put(f"{wire.PLACEMENT}/resource_providers/", status_code=404)
        self.wire.get(
            f"{wire.PLACEMENT}/resource_providers",
            json={"resource_providers": []},
        )

    def told(self, title: str, *arguments: str) -> tuple[int, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status.main(
                [
                    f"--config-file={self.conf}",
                    *arguments,
                    *("upgrade", "check", "--json"),
                ]
            )
        self.assertNotIn("Traceback", out.getvalue() + err.getvalue())
        rows: dict[str, Any] = {
            row["check"]: (row["result"], row["details"] or "")
            for row in json.loads(out.getvalue())["checks"]
        }
        found: tuple[int, str] = rows[title]
        return found

    def assertTold(
        self, title: str, mistake: Mistake, words: str, *arguments: str
    ) -> None:
        level, detail = self.told(title, *arguments)
        self.assertEqual(2, level, detail)
        self.assertIn(f"{mistake}: ", detail)
        self.assertIn(words, detail)

    def test_old_nova(self) -> None:
        self.assertEqual((0, ""), self.told("Nova"))
        self.nova("2.95")
        self.assertTold("Nova", Mistake.NOVA_OLD, "2.95, the broker needs 2.9")

    def test_old_placement(self) -> None:
        self.placement("1.38")
        self.assertTold("Placement", Mistake.PLACEMENT_OLD, "1.0 to 1.38")

    def test_aliases_that_nova_can_not_use(self) -> None:
        """nova-api of an older release starts all the same."""
        with self.database.store.write() as tx:
            tx.models.add(catalogue.MODELS[0])
            tx.hosts.add(samples.host())
            tx.devices.add(samples.device(model=catalogue.MODELS[0].name))
            tx.hosts.give_slots("gpu-1", {"0000:07:00.0": 0})
        self.wire.post(f"{wire.NOVA}/flavors", json={})
        self.wire.post(requests_mock.ANY, json={})
        self.wire.delete(requests_mock.ANY, json={})
        self.wire.post(
            f"{wire.KEYSTONE}/auth/tokens",
            json=wire.token(),
            headers={"X-Subject-Token": "broker-token"},
        )
        self.wire.post(
            f"{wire.NOVA}/servers",
            status_code=400,
            json={
                "badRequest": {
                    "code": 400,
                    "message": "Invalid PCI alias definition: The PCI "
                    "alias(es) a does not have vendor_id and product_id "
                    "fields set.",
                }
            },
        )
        self.assertTold(
            "Aliases in nova-api",
            Mistake.ALIAS_REFUSED,
            "pci_in_placement = true",
        )
        level, detail = self.told("Aliases in nova-api", "--read-only")
        self.assertEqual(1, level)
        self.assertIn("Not checked, because", detail)

    def test_a_clock_of_its_own(self) -> None:
        self.nova("2.104", Date="Mon, 02 Nov 2026 08:00:00 GMT")
        self.assertTold("Clocks", Mistake.CLOCK_SKEW, "The clock of Nova is ")
        self.assertIn(
            "because the answers of Placement bear no date",
            self.told("Clocks")[1],
        )

    def test_no_gpu_in_placement(self) -> None:
        self.assertTold(
            "GPUs in Placement",
            Mistake.PCI_NOT_REPORTED,
            "report_in_placement = true",
        )

    def test_a_service_that_answers_nonsense(self) -> None:
        for answer, words in (
            ({"json": {"hello": "there"}}, "version document"),
            ({"text": "<html>hello</html>"}, "without JSON"),
        ):
            self.wire.get(f"{wire.PLACEMENT}/", **answer)
            self.assertTold("Placement", Mistake.PLACEMENT_AWAY, words)
        level, detail = self.told("Slots")
        self.assertEqual(1, level)
        self.assertIn("Not checked, because Placement", detail)
