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

"""Prepare the machine for the tests, then run them.

Run by the system's own Python, with nothing but its standard library and
``sandbox.bootstrap``: ``make test ARGS="unit functional"``. A script and not
a module, because the package ``tests`` needs what is only installed here.
"""

import os
import sys

from sandbox import bootstrap
from sandbox import layout

ENVIRONMENT = layout.ROOT / ".venv-test"
PACKAGES = (
    *bootstrap.PACKAGES,
    ("postgresql", "/usr/lib/postgresql/*/bin/postgres"),
    # For promtool.
    ("prometheus", "/usr/bin/promtool"),
    # For systemd-analyze; nothing of it has to run.
    ("systemd", "systemd-analyze"),
    ("chromium", "/usr/bin/chromium"),
)


def main(arguments: list[str]) -> int:
    """Become ``python -m tests.suites``."""
    bootstrap.prepare(PACKAGES, extras=["horizon"])
    root = layout.ROOT
    constraints = root / "sandbox" / "constraints.txt"
    pins = root / "tests" / "constraints.txt"
    requirements = root / "test-requirements.txt"
    bootstrap.environment(
        ENVIRONMENT,
        "Install what the tests need",
        [
            constraints,
            pins,
            requirements,
            root / "requirements.txt",
            root / "pyproject.toml",
        ],
        [
            *("-c", str(constraints), "-c", str(pins)),
            *("-r", str(requirements)),
            *("-e", f"{root}[cli,nvml,mysql,postgresql]"),
        ],
    )
    os.chdir(root)
    sys.stdout.flush()
    python = str(ENVIRONMENT / "bin" / "python")
    os.execv(python, [python, "-m", "tests.suites", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
