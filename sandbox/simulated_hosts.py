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

"""What the agents look at in place of real hosts with real GPUs."""

from sandbox import hardware
from sandbox import layout as layouts
from sandbox.simulator import cards
from sandbox.simulator import host as simulated
from sandbox.simulator import nvml

#: What the idle cards are bound to: so the agent reads serials by NVML.
DRIVER = "nvidia"


def of(layout: layouts.Layout, name: str) -> simulated.SimulatedHost:
    """The simulated host of that name, for letting faults happen to it."""
    return simulated.SimulatedHost(layout.host(name))


def build(layout: layouts.Layout) -> None:
    """Make every host as new: freshly booted, every card in order."""
    compiled = layout.data / "libnvidia-ml.so.1"
    nvml.compile_library(compiled)
    for host in hardware.HOSTS:
        of(layout, host.name).build(cards.of_hardware(host, DRIVER), compiled)
