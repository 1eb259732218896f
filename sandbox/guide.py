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

"""What to try next, printed after the demonstration."""

import os
import pathlib
import shlex

from sandbox import hardware
from sandbox import horizon
from sandbox import layout as layouts
from sandbox import tenants
from sandbox.config import settings as s


def text(settings: s.Settings) -> str:
    """How to talk to this sandbox, with paths as short as they can be."""
    layout, ports = settings.layout, settings.ports
    card = hardware.HOSTS[0].gpus[-1].address
    state = _state_option(layout)
    return f"""
Talk to it from another terminal:

    export PATH={_short(layouts.BROKER_ENVIRONMENT / "bin")}:$PATH
    export OS_CLIENT_CONFIG_FILE={_short(layout.clouds)} OS_CLOUD=sandbox

Worth trying:

    openstack gpu offer list
    openstack gpu lease create --flavor vm.gpu.h100.8 --image {tenants.IMAGE} \
--network demo-net --key-name {tenants.KEY_PAIR} --duration 1h --wait big
    openstack gpu lease create --flavor vm.gpu.h100.2 --image {tenants.IMAGE} \
--network demo-net waits-behind-big
    openstack gpu queue list
    openstack --os-cloud sandbox-admin gpu device list

Let a GPU fall off the bus and see it leave the offers within seconds:

    python -m sandbox.simulator{state} --host {hardware.HOSTS[0].name} \
fall-off-bus {card}
    openstack gpu offer list --model a100 --gpus 1

The servers are simulated: nothing answers behind a lease's login and
console_url.

Identities    sandbox (member of project demo), sandbox-other (member of
              project other), sandbox-admin (operator)
gpubroker     {ports.url("gpubroker")}
Keystone      {settings.auth_url}
Nova          {ports.url("nova", "/v2.1")}
Placement     {ports.url("placement")}
Metrics       {ports.url("api_metrics", "/metrics")}
              {ports.url("worker_metrics", "/metrics")}
Logs          {_short(layout.log)}
{horizon.guide(settings)}"""


def _state_option(layout: layouts.Layout) -> str:
    if layout.state == layouts.DEFAULT_STATE:
        return ""
    return f" --state {_short(layout.state)}"


def _short(path: pathlib.Path) -> str:
    relative = os.path.relpath(path)
    return shlex.quote(min(relative, str(path), key=len))
