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

"""When Nova and its GPUs can be used: what no single service knows."""

import datetime
import time

from sandbox import hardware
from sandbox import identity
from sandbox import processes
from sandbox import services
from sandbox.config import settings as s

SECONDS = 240


def wait_for_nova(
    settings: s.Settings,
    runner: processes.Processes,
    since: float,
    names: set[str],
) -> None:
    """Wait until programs of Nova have reported since a moment.

    "Up" alone may be left over: it holds for a minute after the end.

    :raises ServiceFailed: one ended, or does not report in time.
    """
    compute = identity.connect(settings.layout, "sandbox-admin").compute
    # As Nova writes it, so that the two can be compared as text.
    began = datetime.datetime.fromtimestamp(since, datetime.UTC)
    moment = began.isoformat()[:19]
    until = time.monotonic() + SECONDS
    while True:
        missing = names - {
            services.compute_name(one.host)
            if one.binary == "nova-compute"
            else one.binary
            for one in compute.services()
            if one.state == "up" and (one.updated_at or "") > moment
        }
        if not missing:
            return
        for name in missing:
            if not runner.running(name):
                raise runner.failure(name, runner.end_of(name))
        if time.monotonic() > until:
            raise runner.failure(min(missing), f"not up after {SECONDS} s")
        time.sleep(0.3)


def wait_for_gpus(settings: s.Settings, runner: processes.Processes) -> None:
    """Wait until Placement shows every GPU with its slot's trait.

    :raises ServiceFailed: it does not in time.
    """
    placement = identity.connect(settings.layout, "sandbox-admin").placement
    wanted = {
        hardware.provider_name(host.name, gpu)
        for host in hardware.HOSTS
        for gpu in host.gpus
    }
    slots = ",".join(map(hardware.slot_trait, range(hardware.SLOTS)))

    def shown() -> bool:
        answer = placement.get(
            f"/resource_providers?required=in:{slots}", microversion="1.39"
        )
        if answer.status_code != 200:  # a trait is not there yet
            return False
        providers = answer.json()["resource_providers"]
        return wanted <= {one["name"] for one in providers}

    last = services.compute_name(hardware.HOSTS[-1].name)
    runner.wait(last, shown, SECONDS)
