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


"""The samples for operators are made without a word on standard error, and
name everything that there is."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import fixtures
import testtools
import yaml

from gpubroker import conf
from gpubroker import policies

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(sys.executable).parent

#: Groups of the libraries that the API and the workers configure.
LIBRARIES = {
    "DEFAULT", "cors", "database", "healthcheck", "keystone_authtoken",
    "oslo_messaging_rabbit", "oslo_middleware", "oslo_policy",
}  # fmt: skip


class SamplesTest(testtools.TestCase):
    def generate(self, command: str, config: str) -> str:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        done = subprocess.run(
            [
                str(BIN / command),
                "--config-file",
                f"etc/gpubroker/{config}",
                "--output-file",
                str(folder / "sample"),
            ],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return (folder / "sample").read_text()

    def test_configuration_names_every_group_and_option(self) -> None:
        sample = self.generate(
            "oslo-config-generator", "config-generator.conf"
        )
        groups = dict(conf.list_opts())
        self.assertEqual(
            set(),
            (LIBRARIES | set(groups))
            - set(re.findall(r"^\[(\w+)\]$", sample, re.M)),
        )
        for group, options in groups.items():
            section = sample.split(f"\n[{group}]\n", 1)[1].split("\n[", 1)[0]
            for option in options:
                named = re.search(rf"(?m)^#{option.dest} = ", section)
                self.assertTrue(named, f"[{group}] {option.name}")

    def test_configuration_has_help_for_every_option_of_ours(self) -> None:
        for group, options in conf.list_opts():
            for option in options:
                self.assertTrue(option.help, f"[{group}] {option.name}")

    def test_no_name_of_the_machine_that_made_it(self) -> None:
        sample = self.generate(
            "oslo-config-generator", "config-generator.conf"
        )
        lines = sample.splitlines()
        self.assertIn("#host = the host name of this machine", set(lines))
        self.assertEqual([], [line for line in lines if str(ROOT) in line])

    def test_policy_names_every_rule(self) -> None:
        sample = self.generate(
            "oslopolicy-sample-generator", "policy-generator.conf"
        )
        # Each rule is a comment: uncommented, the file is valid.
        text = re.sub(r'(?m)^#(?=")', "", sample)
        self.assertEqual(
            {rule.name: rule.check_str for rule in policies.list_rules()},
            yaml.safe_load(text),
        )

    def test_policy_tells_what_each_rule_is_asked_for(self) -> None:
        for rule in policies.list_rules():
            self.assertTrue(rule.description, rule.name)
