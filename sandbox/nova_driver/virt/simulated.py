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

"""A hypervisor that has no guests in it, only the record of them.

It differs from Nova's own fake driver in what a cloud of several processes
that start and stop needs: the node keeps its UUID, guests outlive
nova-compute, the hardware stands in a file and may change while it runs,
and it can be told to be slow or to fail.
"""

import json
import os
import threading
import time

import nova.conf
from nova import exception
from nova import objects
from nova.virt import fake
from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)
CONF = nova.conf.CONF
CONF.register_opts(
    [
        cfg.StrOpt("hardware", help="JSON file with the host's hardware."),
        cfg.StrOpt(
            "control",
            help="JSON file, may be missing: spawn_delay and destroy_delay "
            "in seconds, fail_spawn as true or as a number of times, "
            "fail_image as the id of an image that never boots.",
        ),
    ],
    group="simulated",
)


class SimulatedDriver(fake.FakeDriverWithoutFakeNodes):
    """The hypervisor of one simulated GPU host."""

    def __init__(self, virtapi, read_only=False):
        hardware = _read(CONF.simulated.hardware)
        # The parent takes its capacity from these at construction.
        self.vcpus = hardware["vcpus"]
        self.memory_mb = hardware["memory_mb"]
        self.local_gb = hardware["local_gb"]
        super().__init__(virtapi, read_only)
        self._lock = threading.Lock()
        self._sizes = {}
        self._load_guests()

    # -- hardware -----------------------------------------------------------

    def get_available_resource(self, nodename):
        resources = super().get_available_resource(nodename)
        hardware = _read(CONF.simulated.hardware)
        resources["numa_topology"] = _numa_topology(hardware)._to_json()
        resources["pci_passthrough_devices"] = json.dumps(
            [_pci_device(gpu) for gpu in hardware["gpus"]]
        )
        return resources

    # -- guests -------------------------------------------------------------

    def spawn(self, context, instance, *args, **kwargs):
        time.sleep(self._control().get("spawn_delay", 0))
        if self._must_fail(instance.image_ref):
            raise exception.InstanceDeployFailure(
                reason="the simulated hypervisor was told to fail"
            )
        super().spawn(context, instance, *args, **kwargs)
        self._sizes[instance.uuid] = {
            "vcpus": instance.flavor.vcpus,
            "mem": instance.flavor.memory_mb,
            "disk": instance.flavor.root_gb,
        }
        LOG.info(
            "Guest started with PCI devices %s",
            [device.address for device in instance.pci_devices or []],
            instance=instance,
        )
        self._save_guests()

    def destroy(self, context, instance, *args, **kwargs):
        time.sleep(self._control().get("destroy_delay", 0))
        super().destroy(context, instance, *args, **kwargs)
        self._save_guests()

    def power_off(self, instance, *args, **kwargs):
        super().power_off(instance, *args, **kwargs)
        self._save_guests()

    def power_on(self, context, instance, *args, **kwargs):
        super().power_on(context, instance, *args, **kwargs)
        self._save_guests()

    @property
    def _guests_file(self):
        return os.path.join(CONF.state_path, "guests.json")

    def _load_guests(self):
        try:
            guests = _read(self._guests_file)
        except FileNotFoundError:
            return
        for uuid, guest in guests.items():
            self.instances[uuid] = fake.FakeInstance(
                guest["name"], guest["state"], uuid
            )
            self._sizes[uuid] = guest["size"]
            self.resources.claim(**guest["size"])

    def _save_guests(self):
        with self._lock:
            guests = {
                uuid: {
                    "name": guest.name,
                    "state": guest.state,
                    "size": self._sizes.get(uuid, {}),
                }
                for uuid, guest in list(self.instances.items())
            }
            temporary = self._guests_file + ".new"
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(guests, file)
            os.replace(temporary, self._guests_file)

    # -- faults -------------------------------------------------------------

    def _control(self):
        try:
            return _read(CONF.simulated.control)
        except FileNotFoundError:
            return {}

    def _must_fail(self, image):
        """Whether this spawn fails; a number of failures is used up."""
        with self._lock:
            control = self._control()
            if image and image == control.get("fail_image"):
                return True
            fail = control.get("fail_spawn", False)
            if fail is True or not fail:
                return bool(fail)
            control["fail_spawn"] = fail - 1
            temporary = CONF.simulated.control + ".new"
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(control, file)
            os.replace(temporary, CONF.simulated.control)
            return True


def _read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _pci_device(gpu):
    """A GPU as libvirt would describe it."""
    ids = f"{gpu['vendor_id']}_{gpu['product_id']}"
    name = gpu["address"].replace(":", "_").replace(".", "_")
    return {
        "dev_id": f"pci_{name}",
        "address": gpu["address"],
        "vendor_id": gpu["vendor_id"],
        "product_id": gpu["product_id"],
        "dev_type": gpu["dev_type"],
        "parent_addr": None,
        "numa_node": gpu["numa_node"],
        "label": f"label_{ids}",
        "status": "available",
    }


def _numa_topology(hardware):
    """The host's CPUs and memory, spread evenly over its NUMA nodes."""
    count = hardware["numa_cells"]
    cpus = hardware["vcpus"] // count
    memory = hardware["memory_mb"] // count
    cells = []
    for number in range(count):
        cpuset = set(range(number * cpus, (number + 1) * cpus))
        cells.append(
            objects.NUMACell(
                id=number,
                socket=number,
                cpuset=cpuset,
                pcpuset=cpuset,
                memory=memory,
                cpu_usage=0,
                memory_usage=0,
                pinned_cpus=set(),
                # Two hyper-threads a core.
                siblings=[{cpu, cpu + 1} for cpu in sorted(cpuset)[::2]],
                mempages=[
                    objects.NUMAPagesTopology(
                        size_kb=4, total=memory * 256, used=0, reserved=0
                    )
                ],
                network_metadata=objects.NetworkMetadata(
                    physnets=set(), tunneled=False
                ),
            )
        )
    return objects.NUMATopology(cells=cells)
