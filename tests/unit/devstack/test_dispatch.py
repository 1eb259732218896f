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

"""Which functions each phase of DevStack reaches, and with what."""

from __future__ import annotations

import pathlib
import shutil

import fixtures
import testtools

from tests.unit.devstack import plugin

_ALL = "gpubroker-api,gpubroker-worker,gpubroker-agent"


class DispatchTest(testtools.TestCase):
    """plugin.sh with libraries that only write down what is called."""

    def setUp(self) -> None:
        super().setUp()
        self.tree = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (self.tree / "devstack" / "lib").mkdir(parents=True)
        shutil.copy(plugin.PLUGIN / "plugin.sh", self.tree / "devstack")
        recorders = "".join(
            f"function {name} {{ echo {name}; }}\n"
            for name in plugin.functions()
            if name != "is_gpubroker_enabled"
        )
        (self.tree / "devstack" / "lib" / "gpubroker").write_text(
            recorders + "function is_gpubroker_enabled "
            "{ [[ $ENABLED_SERVICES =~ gpubroker- ]]; }\n"
        )

    def _called(self, phase: str, services: str = _ALL) -> list[str]:
        told = plugin.bash(
            plugin.SURROUNDINGS
            + f"ENABLED_SERVICES={services}\nGPUBROKER_DIR={self.tree}\n"
            + "function echo_summary { :; }\n"
            + f"source $GPUBROKER_DIR/devstack/plugin.sh {phase}"
        )
        return told.split()

    def test_phases(self) -> None:
        for phase, wanted in (
            ("stack pre-install", ["check_gpubroker_settings"]),
            ("stack install", ["install_gpubroker"]),
            (
                "stack post-config",
                ["configure_gpubroker", "create_gpubroker_accounts"],
            ),
            (
                "stack extra",
                [
                    "init_gpubroker",
                    "start_gpubroker",
                    "start_gpubroker_hosts",
                    "fill_gpubroker",
                ],
            ),
            ("stack test-config", ["configure_gpubroker_tempest"]),
            ("unstack", ["stop_gpubroker"]),
            ("clean", ["cleanup_gpubroker"]),
        ):
            self.assertEqual(wanted, self._called(phase), phase)

    def test_phases_that_are_not_known_do_nothing(self) -> None:
        for phase in ("stack override_defaults", "stack new-phase", "other"):
            self.assertEqual([], self._called(phase), phase)

    def test_nothing_is_done_where_no_service_is_enabled(self) -> None:
        for phase in ("stack install", "stack extra", "unstack", "clean"):
            self.assertEqual([], self._called(phase, "key,n-cpu"), phase)

    def test_compute_node_makes_neither_accounts_nor_database(self) -> None:
        agent = "gpubroker-agent"
        self.assertEqual(
            ["configure_gpubroker"], self._called("stack post-config", agent)
        )
        self.assertNotIn("init_gpubroker", self._called("stack extra", agent))
