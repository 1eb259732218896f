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

"""The main job, done in front of the person by the commands they would type.

What each command showed is checked against the APIs: a demonstration that
did not do what it says fails.
"""

import os
import shlex
import subprocess
import time
from typing import Any

from sandbox import cloud as clouds
from sandbox import errors
from sandbox import gpubroker
from sandbox import layout as layouts
from sandbox import tenants

NAME = "train"
FLAVOR = "vm.gpu.a100.2"
GPUS = 2

OFFERS = "openstack gpu offer list --model a100 --gpus 1"


class Demonstration:
    """One order, from the offers and back to them."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud
        self._progress = cloud.progress
        self._member = gpubroker.client(cloud.connection("sandbox"))
        self._operator = cloud.connection("sandbox-admin")

    def run(self) -> None:
        """:raises SandboxError: something was not as it has to be."""
        began = time.monotonic()
        for lease in self._member.leases(name=NAME):
            if not lease.is_final:
                raise errors.SandboxError(
                    f"a lease named {NAME} is still {lease.state}: end it "
                    f"with openstack gpu lease delete {NAME}"
                )
        before = self._offers("What could a member of project demo start?")
        lease = self._order()
        self._show(lease)
        during = self._offers(f"{GPUS} cards are taken:")
        _expect(during == before - GPUS, "the offers did not go down by two")
        self._end()
        after = self._offers("And all is as before:")
        _expect(after == before, "the offers are not as before")
        seconds = time.monotonic() - began
        self._progress.line(f"\nThe demonstration took {seconds:.0f} s.")

    def _offers(self, title: str) -> int:
        self._progress.heading(title)
        self._type(OFFERS)
        (offer,) = self._member.offers(model="a100", gpus=1)
        return int(offer.available)

    def _order(self) -> Any:
        self._progress.heading(f"They order a VM with {GPUS} NVIDIA A100s:")
        self._type(
            f"openstack gpu lease create --flavor {FLAVOR}"
            f" --image {tenants.IMAGE} --network demo-net"
            f" --key-name {tenants.KEY_PAIR} --duration 8h --wait {NAME}"
        )
        lease = self._member.find_lease(NAME, ignore_missing=False)
        _expect(lease.state == "active", f"the lease is {lease.state}")
        return lease

    def _show(self, lease: Any) -> None:
        server = lease.servers[0]["id"]
        self._progress.heading("The server in Nova:")
        self._type(
            f"openstack server show {server}"
            " -c name -c status -c addresses -c key_name -c user_id"
        )
        self._progress.heading("What only the operator sees: which cards,")
        self._type(
            f"openstack gpu device list --lease {lease.id}", "sandbox-admin"
        )
        self._progress.heading("and what Placement has allocated to it.")
        self._type(
            f"openstack resource provider allocation show {server}",
            "sandbox-admin",
        )
        held = self._operator.placement.get(
            f"/allocations/{server}", microversion="1.39"
        ).json()["allocations"]
        cards = [
            found
            for found in held.values()
            if any(rc.startswith("CUSTOM_GPU_") for rc in found["resources"])
        ]
        _expect(len(cards) == GPUS, f"Placement shows {len(cards)} cards")

    def _end(self) -> None:
        self._progress.heading("They end the lease:")
        self._type(f"openstack gpu lease delete --wait {NAME}")
        until = time.monotonic() + 60
        operator = gpubroker.client(self._operator)
        while any(not c.is_schedulable for c in operator.devices()):
            _expect(time.monotonic() < until, "cards are not free again")
            time.sleep(0.2)

    def _type(self, command: str, cloud: str = "sandbox") -> None:
        """Run a command as the person would, and say how long it took."""
        admin = "" if cloud == "sandbox" else f" --os-cloud {cloud}"
        shown = command.replace("openstack", f"openstack{admin}", 1)
        self._progress.line(f"  $ {shown}")
        began = time.monotonic()
        words = shlex.split(command)
        with subprocess.Popen(
            [layouts.broker_program(words[0]), *words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(self._cloud.layout, cloud),
            text=True,
        ) as process:
            for line in process.stdout or ():
                self._progress.line(f"    {line.rstrip()}")
        seconds = time.monotonic() - began
        _expect(
            process.returncode == 0,
            f"this ended with {process.returncode}: {shown}",
        )
        self._progress.line(f"    ({seconds:.1f} s)")


def environment(layout: layouts.Layout, cloud: str) -> dict[str, str]:
    """The person's own environment, pointed at this sandbox."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
    return {
        **kept,
        "OS_CLIENT_CONFIG_FILE": str(layout.clouds),
        "OS_CLOUD": cloud,
        "PYTHONUNBUFFERED": "1",
    }


def _expect(right: bool, otherwise: str) -> None:
    if not right:
        raise errors.SandboxError(f"the demonstration failed: {otherwise}")
