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

"""Programs that the suites run."""

from __future__ import annotations

import pathlib
import subprocess
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parents[1]


def run(
    command: Sequence[str],
    env: dict[str, str] | None = None,
    capture: bool = False,
    echo: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run in the root; with ``echo`` show each line as it comes, too."""
    with subprocess.Popen(
        list(command),
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        text=True,
        errors="replace",
    ) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if echo:
                print(line, end="", flush=True)
    return subprocess.CompletedProcess(
        command, process.returncode, "".join(lines), ""
    )
