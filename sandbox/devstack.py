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
"""``python -m sandbox.devstack``: one simulated GPU host for DevStack.

DevStack brings the cloud; what is of this project alone is the hardware that
is not there. For each host of ``hardware.HOSTS`` this builds what an agent
and a simulated hypervisor look at, and writes the two files by which
``gpubroker-agent`` and ``nova_driver/compute.py`` find it; devstack/lib has
the rest. Run again, it makes the host as new.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import sys

from sandbox import errors
from sandbox import hardware
from sandbox import layout as layouts
from sandbox import private_files
from sandbox import simulated_hosts
from sandbox.config import settings as s
from sandbox.simulator import cards


def make(layout: layouts.Layout, conf: pathlib.Path, name: str) -> None:
    """Build the host and write its files into the folder ``conf``.

    :raises KeyError: when there is no such host.
    :raises SandboxError: when the stand-in for NVML can not be compiled.
    """
    host = hardware.host(name)
    folder = layout.host(name)
    (folder / "agent").mkdir(parents=True, exist_ok=True)
    private_files.write_json(
        hardware.hardware_file(layout, name), dataclasses.asdict(host)
    )
    simulated = simulated_hosts.of(layout, name)
    simulated.build(cards.of_hardware(host, simulated_hosts.DRIVER))
    private_files.write(
        conf / f"simulated-agent-{name}.conf",
        s.ini(
            {
                "agent": {
                    "host": name,
                    "interval": 10,
                    "nvml_interval": 60,
                    "state_path": str(folder / "agent"),
                    **simulated.agent_options(),
                }
            }
        ),
    )
    private_files.write(
        conf / f"simulated-compute-{name}.conf",
        s.ini(_compute(layout, conf, name)),
    )


def _compute(
    layout: layouts.Layout, conf: pathlib.Path, name: str
) -> dict[str, dict[str, s.Value]]:
    """What this nova-compute has of its own; the rest is DevStack's.

    Which devices it may give out comes from the broker.
    """
    return {
        "DEFAULT": {
            "host": name,
            "state_path": str(layout.host(name)),
            "compute_driver": "simulated.SimulatedDriver",
            # Nothing below Neutron will ever report a plugged port.
            "vif_plugging_is_fatal": False,
            "vif_plugging_timeout": 0,
        },
        "compute": {
            "provider_config_location": str(conf / f"provider_config-{name}")
        },
        "pci": {"report_in_placement": True},
        "simulated": {
            "hardware": str(hardware.hardware_file(layout, name)),
            "control": str(hardware.control_file(layout, name)),
        },
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.devstack")
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        required=True,
        help="folder for what the simulated hosts look at",
    )
    parser.add_argument(
        "--conf-dir",
        type=pathlib.Path,
        required=True,
        help="folder for the files of agent and nova-compute",
    )
    parser.add_argument(
        "--host",
        required=True,
        choices=[host.name for host in hardware.HOSTS],
    )
    arguments = parser.parse_args(argv)
    layout = layouts.Layout.at(arguments.state)
    try:
        make(layout, arguments.conf_dir.absolute(), arguments.host)
    except (errors.SandboxError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
