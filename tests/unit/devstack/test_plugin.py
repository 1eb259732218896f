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

"""What of the DevStack plugin can be known without DevStack."""

from __future__ import annotations

import pathlib
import re
import subprocess

import testscenarios
import testtools

from tests.unit.devstack import plugin

#: Programs that the plugin calls, beside bash's own words.
PROGRAMS = {
    "awk", "basename", "cp", "grep", "hostname", "install", "mkdir",
    "openstack", "python3", "rm", "sed", "sleep", "sort", "sudo", "which",
}  # fmt: skip
WORDS = {
    "break", "case", "cd", "continue", "do", "done", "echo", "elif", "else",
    "esac", "fi", "for", "function", "if", "in", "local", "read", "return",
    "set", "shift", "source", "then", "true", "unset", "while",
}  # fmt: skip

_PLACE = re.compile(
    # after what opens a command: a line, a list, a substitution
    r"(?:^|[;&|({]|\bif\b|\bwhile\b|\bthen\b|\bdo\b|\belse\b|!)\s*"
    r"([a-z_][a-z0-9_-]*)(?=[\s;)]|$)"
)


def commands(text: str) -> set[str]:
    """The words at the place of a command in what ``declare -f`` prints."""
    text = re.sub(r"\$\(\([^()]*\)\)", "0", text)
    text = re.sub(r"'[^']*'", "''", text)
    code = unquoted(text)
    return {word for line in code.split("\n") for word in _PLACE.findall(line)}


def unquoted(text: str) -> str:
    """Without what is in double quotes; what is substituted there stays."""
    kept: list[str] = []
    # From the outermost: is this text, and how many brackets are open?
    places: list[tuple[bool, int]] = [(False, 0)]
    for character, before in zip(text, " " + text, strict=False):
        quoted, brackets = places[-1]
        if character == '"' and before != "\\":
            kept.append(character)
            if quoted:
                places.pop()
            else:
                places.append((True, 0))
        elif character == "(" and (not quoted or before == "$"):
            if quoted:
                places.append((False, 0))
            places[-1] = (False, places[-1][1] + 1)
            kept.append(character)
        elif not quoted:
            kept.append(character)
            if character == ")" and brackets:
                places[-1] = (False, brackets - 1)
                if brackets == 1 and len(places) > 1:
                    places.pop()
    return "".join(kept)


class CallsTest(testtools.TestCase):
    def test_calls_only_what_is_there(self) -> None:
        library = plugin.PLUGIN / "lib" / "gpubroker"
        names = " ".join(plugin.functions())
        text = plugin.bash(
            plugin.source(plugin.PLUGIN / "settings", library)
            + f"declare -f {names}"
        )
        called = commands(text) - set(plugin.functions())
        self.assertEqual(set(), called - plugin.recorded() - PROGRAMS - WORDS)
        # The reader of bash is no good if it sees nothing.
        for known in ("iniset", "run_process", "openstack", "sudo"):
            self.assertIn(known, called)

    def test_the_record_holds_nothing_that_is_not_called(self) -> None:
        text = "".join(path.read_text() for path in plugin.SCRIPTS)
        unused = [
            name
            for name in sorted(plugin.recorded())
            if not re.search(rf"\b{name}\b", text)
        ]
        self.assertEqual([], unused)

    def test_every_function_is_called(self) -> None:
        text = "".join(path.read_text() for path in plugin.SCRIPTS)
        once = [
            name
            for name in plugin.functions()
            # DevStack itself asks is_NAME_enabled.
            if len(re.findall(rf"^[^#\n]*\b{name}\b", text, re.M)) < 2
            and name != "is_gpubroker_enabled"
        ]
        self.assertEqual([], once)


class ScriptTest(testscenarios.WithScenarios, testtools.TestCase):
    scenarios = [  # noqa: RUF012
        (path.name, {"path": path}) for path in plugin.SCRIPTS
    ]
    path: pathlib.Path

    def test_bash_can_read_it(self) -> None:
        done = subprocess.run(
            ["bash", "-n", str(self.path)], capture_output=True, text=True
        )
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_leaves_tracing_as_it_was(self) -> None:
        for tracing in ("-", "+"):
            before = plugin.source(plugin.PLUGIN / "settings")
            told = plugin.bash(
                # Not into the log of the test.
                f"exec 2> /dev/null\n{before}\nfunction echo_summary {{ :; }}"
                f"\nset {tracing}o xtrace\nsource {self.path} none\n"
                "case $- in *x*) echo -;; *) echo +;; esac"
            )
            self.assertEqual(tracing, told.strip())

    def test_says_what_it_is_under(self) -> None:
        self.assertIn("Licensed under the Apache", self.path.read_text())


class SettingsTest(testtools.TestCase):
    def test_each_can_be_set_by_the_person(self) -> None:
        """What stands in local.conf is there before the plugin is read."""
        names = plugin.variables()
        values = {name: f"mine_{name.lower()}" for name in names}
        values |= {
            # This one is True or False, and where the files are is known.
            "GPUBROKER_SIMULATED_GPUS": "False",
            "GPUBROKER_DIR": str(plugin.ROOT),
        }
        script = plugin.SURROUNDINGS + "".join(
            f"{name}={value}\n" for name, value in values.items()
        )
        script += f"source {plugin.PLUGIN / 'settings'}\n"
        script += f"source {plugin.PLUGIN / 'lib' / 'gpubroker'}\n"
        script += "".join(f'echo "{name}=${name}"\n' for name in names)
        told = dict(
            line.split("=", 1) for line in plugin.bash(script).splitlines()
        )
        self.assertEqual(values, told)

    def test_nothing_is_used_that_is_not_set(self) -> None:
        text = "".join(path.read_text() for path in plugin.SCRIPTS)
        used = set(re.findall(r"\$\{?(GPUBROKER_\w+)", text))
        self.assertEqual(set(), used - set(plugin.variables()))

    def test_simulated_hosts_have_services(self) -> None:
        told = self._services("True")
        self.assertIn("gpubroker-agent-gpu-a100-1", told)
        self.assertIn("gpubroker-compute-gpu-l40s-1", told)

    def test_real_gpus_have_one_agent(self) -> None:
        told = self._services("False")
        self.assertEqual(
            ["gpubroker-agent", "gpubroker-api", "gpubroker-worker"],
            sorted(name for name in told if name.startswith("gpubroker")),
        )

    def test_url_has_no_version_and_follows_tls(self) -> None:
        for more, url in (
            ("", "http://192.0.2.1/gpu-broker"),
            ("ENABLED_SERVICES+=,tls-proxy", "https://192.0.2.1/gpu-broker"),
        ):
            script = plugin.SURROUNDINGS + more + "\n"
            script += f"source {plugin.PLUGIN / 'settings'}\n"
            script += f"source {plugin.PLUGIN / 'lib' / 'gpubroker'}\n"
            told = plugin.bash(script + "echo $GPUBROKER_SERVICE_URL")
            self.assertEqual(url, told.strip())

    def test_documents_name_each(self) -> None:
        pages = plugin.ROOT / "doc" / "source" / "contributor"
        text = (pages / "devstack.rst").read_text()
        missing = [
            name for name in plugin.variables() if f"``{name}``" not in text
        ]
        self.assertEqual([], missing)

    def test_sample_names_only_what_there_is(self) -> None:
        text = (plugin.PLUGIN / "local.conf.sample").read_text()
        named = set(re.findall(r"\bGPUBROKER_\w+", text))
        self.assertEqual(set(), named - set(plugin.variables()))
        self.assertIn("enable_plugin gpubroker ", text)

    def _services(self, simulated: str) -> list[str]:
        told = plugin.bash(
            f"GPUBROKER_SIMULATED_GPUS={simulated}\n"
            + plugin.source(plugin.PLUGIN / "settings")
            + "echo $ENABLED_SERVICES"
        )
        return told.strip().split(",")
