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


"""Options of gpubroker-agent, the process on a GPU host."""

from __future__ import annotations

import socket

from oslo_config import cfg

GROUP = "agent"

OPTS: list[cfg.Opt] = [
    cfg.HostAddressOpt(
        "host",
        default=socket.gethostname(),
        sample_default="the host name of this machine",
        help="""
Name of this host: the value of ``[DEFAULT] host`` of its nova-compute, which
``openstack compute service list`` shows.
""",
    ),
    cfg.FloatOpt(
        "interval",
        default=30,
        min=1,
        max=600,
        help="""
Longest pause in seconds between two trials to get the first report through.
From the first answer of the API on, the interval that it names counts
(``[api] report_interval``). A new line in the kernel log that concerns a GPU
is reported at once.
""",
    ),
    cfg.URIOpt(
        "api_endpoint",
        schemes=["http", "https"],
        help="""
URL of the gpubroker API without a version, such as
``https://cloud.example.com/gpu-broker``. Without it the URL comes from the
service catalogue (type ``gpu-broker``).
""",
    ),
    cfg.StrOpt(
        "sysfs_root",
        default="/sys",
        help="Where sysfs is mounted.",
    ),
    cfg.StrOpt(
        "proc_root",
        default="/proc",
        help="Where procfs is mounted; read for the boot id and time.",
    ),
    cfg.StrOpt(
        "kernel_log",
        default="/dev/kmsg",
        help="""
The kernel log: ``/dev/kmsg``, or a file of records in the same format. Reading
``/dev/kmsg`` takes CAP_SYSLOG where ``kernel.dmesg_restrict`` is set.
""",
    ),
    cfg.ListOpt(
        "pci_classes",
        default=["0300", "0302", "0380", "1200"],
        help="""
PCI classes of what is reported, four hex digits each: VGA (0300), 3D (0302)
and other display controllers (0380), and processing accelerators (1200), such
as AMD's MI300X. What no model of the broker names, such as the VGA chip of a
management controller, is listed there and never given out.
""",
    ),
    cfg.FloatOpt(
        "registers_deadline",
        default=2,
        min=0.1,
        help="""
Seconds that reading the registers of a card (PCI configuration space and link
state) may take. The kernel blocks it while it resets the card; past the
deadline they are reported as not readable, which is no fault.
""",
    ),
    cfg.BoolOpt(
        "nvml_enabled",
        default=True,
        help="""
Ask NVIDIA's management library for serial numbers, UUIDs and errors of cards
that are bound to the ``nvidia`` driver and that no lease holds. Needs the
Python package ``nvidia-ml-py`` (``gpubroker[nvml]``). It is always asked in a
child process that ends at once, so that no handle keeps Nova from detaching a
card.
""",
    ),
    cfg.StrOpt(
        "nvml_library",
        help="""
Path of ``libnvidia-ml.so.1`` where the dynamic linker does not find it or
finds the wrong one. Its SONAME has to be ``libnvidia-ml.so.1``.
""",
    ),
    cfg.FloatOpt(
        "nvml_interval",
        default=300,
        min=1,
        help="""
Seconds between two questions to the management library. The first question
to a card that nothing else uses wakes it for a few seconds.
""",
    ),
    cfg.FloatOpt(
        "nvml_deadline",
        default=30,
        min=1,
        help="""
Seconds after which a child process that still waits for the management
library is killed.
""",
    ),
    cfg.StrOpt(
        "state_path",
        default="/var/lib/gpubroker",
        help="""
Folder in which the agent keeps what it has seen in the kernel log, so that a
restart neither loses a fault nor tells it twice.
""",
    ),
]


def register(conf: cfg.ConfigOpts) -> None:
    conf.register_opts(OPTS, group=GROUP)
