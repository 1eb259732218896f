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

"""The DevStack plugin as bash sees it, without DevStack.

``python -m tests.devstack`` runs it for real; see there.
"""

from __future__ import annotations

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "devstack"
SCRIPTS = (
    PLUGIN / "settings",
    PLUGIN / "plugin.sh",
    PLUGIN / "lib" / "gpubroker",
    PLUGIN / "lib" / "gpubroker_hosts",
)

#: What of DevStack the settings and the libraries need when they are read.
SURROUNDINGS = f"""
DEST=/opt/stack DATA_DIR=/opt/stack/data SERVICE_PROTOCOL=http
SERVICE_HOST=192.0.2.1 ENABLED_SERVICES=key,n-api DISABLED_SERVICES=
GPUBROKER_DIR={ROOT}
function define_plugin {{ :; }}
function trueorfalse {{ local v=${{!2:-$1}}; echo "${{v^}}"; }}
function enable_service {{
    local each
    for each in "$@"; do ENABLED_SERVICES+=",$each"; done
}}
function get_python_exec_prefix {{ echo /opt/stack/data/venv/bin; }}
function is_service_enabled {{
    local each
    for each in "$@"; do
        if [[ ",$ENABLED_SERVICES," == *",$each,"* ]]; then return 0; fi
        if type "is_${{each}}_enabled" > /dev/null 2>&1; then
            "is_${{each}}_enabled" && return 0
        fi
    done
    return 1
}}
"""


def bash(script: str) -> str:
    """What a script prints, with bash as strict as DevStack is.

    :raises AssertionError: with its output, when it fails.
    """
    done = subprocess.run(
        ["bash", "-o", "errexit", "-c", script],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


def source(*paths: pathlib.Path) -> str:
    """The words that read the files, surroundings first."""
    return SURROUNDINGS + "".join(f"source {path}\n" for path in paths)


def variables() -> list[str]:
    """Every variable of the plugin that ``settings`` or the library sets."""
    found = set()
    for path in SCRIPTS:
        found |= set(
            re.findall(r"^\s*(GPUBROKER_\w+)=", path.read_text(), re.M)
        )
    return sorted(found)


def functions() -> list[str]:
    """The functions that the libraries define."""
    return sorted(
        name
        for path in SCRIPTS
        for name in re.findall(r"^function (\w+) {", path.read_text(), re.M)
    )


def recorded() -> set[str]:
    """DevStack's functions that the plugin may call."""
    lines = (pathlib.Path(__file__).parent / "functions.txt").read_text()
    return {line for line in lines.split("\n") if line and line[0] != "#"}
