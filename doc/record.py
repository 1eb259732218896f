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


"""Record what the commands print, for the documents.

Needs a sandbox that runs (``make sandbox``) and that nobody else uses
meanwhile. From the root of a checkout::

    .venv/bin/python doc/record.py [FOLDER OF THE SANDBOX]

Each file in ``doc/source/cli/output`` is one command and its output.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
OUTPUT = ROOT / "doc/source/cli/output"

CARD = "gpu-a100-1/0000:07:00.0"

#: (file, cloud, command), in an order in which each makes sense.
COMMANDS = (
    ("flavor-list", "sandbox", "flavor list"),
    ("offer-list", "sandbox", "offer list"),
    ("model-list", "sandbox", "model list --family a100"),
    ("model-show", "sandbox", "model show a100-sxm4-80gb"),
    (
        "lease-create",
        "sandbox",
        "lease create --flavor vm.gpu.a100.2 --image ubuntu --network "
        "demo-net --key-name demo-key --duration 8h --wait training",
    ),
    ("lease-list", "sandbox", "lease list"),
    ("lease-show", "sandbox", "lease show training"),
    ("lease-extend", "sandbox", "lease extend training --by 2h"),
    (
        "lease-create-queued",
        "sandbox",
        "lease create --flavor vm.gpu.a100.8 --image ubuntu --network "
        "demo-net big",
    ),
    ("queue-list", "sandbox", "queue list"),
    ("offer-list-used", "sandbox", "offer list --model a100 --gpus 8"),
    (
        "lease-create-wrong",
        "sandbox",
        "lease create --flavor vm.gpu.a100.2 --nodes 5 --image ubuntu wrong",
    ),
    ("host-list", "sandbox-admin", "host list"),
    ("host-show", "sandbox-admin", "host show gpu-a100-1"),
    ("device-list", "sandbox-admin", "device list --host gpu-a100-1"),
    (
        "device-fence",
        "sandbox-admin",
        "device fence gpu-a100-1/0000:88:00.0 --reason ticket-4711",
    ),
    (
        "device-show",
        "sandbox-admin",
        "device show gpu-a100-1/0000:88:00.0",
    ),
    (
        "device-unfence",
        "sandbox-admin",
        "device unfence gpu-a100-1/0000:88:00.0",
    ),
    ("pool-list", "sandbox-admin", "pool list"),
    (
        "config-render",
        "sandbox-admin",
        "config render --host gpu-l40s-1 --provider-yaml",
    ),
    ("lease-delete-queued", "sandbox", "lease delete --wait big"),
    ("lease-delete", "sandbox", "lease delete --wait training"),
    ("lease-event-list", "sandbox", "lease event list training"),
    ("device-event-list", "sandbox-admin", f"device event list {CARD}"),
)


def main(arguments: list[str]) -> int:
    state = pathlib.Path(arguments[0] if arguments else ROOT / ".sandbox")
    OUTPUT.mkdir(exist_ok=True)
    for name, cloud, command in COMMANDS:
        keep(name, run(state, cloud, ["openstack", "gpu", *command.split()]))
    conf = state / "config/gpubroker/gpubroker.conf"
    check = ["gpubroker-status", f"--config-file={conf}", "upgrade", "check"]
    text = run(state, "", check)
    keep("status", text.replace(str(conf), "/etc/gpubroker/gpubroker.conf"))
    keep("status-help", run(state, "", ["gpubroker-status", "--help"]))
    return 0


def keep(name: str, text: str) -> None:
    (OUTPUT / f"{name}.console").write_text(text)
    print(text)


def run(state: pathlib.Path, cloud: str, command: list[str]) -> str:
    """The command as one types it, and what it prints."""
    done = subprocess.run(  # noqa: S603 our own words only
        [str(BIN / command[0]), *command[1:]],
        env={
            **os.environ,
            "OS_CLIENT_CONFIG_FILE": str(state / "clouds.yaml"),
            "OS_CLOUD": cloud,
            "CLIFF_MAX_TERMINAL_WIDTH": "110",
            "PYTHONWARNINGS": "ignore",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    return "\n".join([f"$ {' '.join(command)}", *lines]) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
