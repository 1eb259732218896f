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

"""The ``hw:`` properties that a flavor may carry, and what they may say.

Nova looks at them when a server is made; a flavor that it refuses then has
made everybody wait who ordered it. Names and values are those of Nova
(nova/api/validation/extra_specs/hw.py, 2026.2), and ``hw:maxphysaddr_*``,
which Nova reads but its own list forgets: guests with several big GPUs and
much memory need it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_BOOL = r"(?i:1|t|true|on|y|yes|0|f|false|off|n|no)"
_CPUS = r"\^?\d+((-\d+)?(,\^?\d+(-\d+)?)?)*"
_COUNT = r"0*[1-9]\d*"
_NUMBER = r"\d+"

#: Name -> what its value has to match as a whole; ``N`` is any number.
_KNOWN = {
    "boot_menu": _BOOL,
    "cpu_cores": _COUNT,
    "cpu_dedicated_mask": _CPUS,
    "cpu_max_cores": _COUNT,
    "cpu_max_sockets": _COUNT,
    "cpu_max_threads": _COUNT,
    "cpu_policy": "dedicated|shared|mixed",
    "cpu_realtime": _BOOL,
    "cpu_realtime_mask": _CPUS,
    "cpu_sockets": _COUNT,
    "cpu_thread_policy": "prefer|isolate|require",
    "cpu_threads": _COUNT,
    "emulator_threads_policy": "isolate|share",
    "ephemeral_encryption": _BOOL,
    "ephemeral_encryption_format": "plain|luks|luksv2",
    "hide_hypervisor_id": _BOOL,
    "locked_memory": _BOOL,
    "maxphysaddr_bits": _COUNT,
    "maxphysaddr_mode": "passthrough|emulate",
    "mem_encryption": _BOOL,
    "mem_encryption_model": "amd-sev|amd-sev-es|amd-sev-snp|intel-tdx",
    "mem_page_size": r"large|small|any|\d+([kKMGT]i?)?(b|bit|B)?",
    "numa_cpus.N": _CPUS,
    "numa_mem.N": _COUNT,
    "numa_nodes": _COUNT,
    "pci_numa_affinity_policy": "required|preferred|legacy|socket",
    "pmem": "([a-zA-Z0-9_]+(,)?)+",
    "pmu": _BOOL,
    "redirected_usb_ports": r"0*(\d|1[0-5])",
    "serial_port_count": _NUMBER,
    "sound_model": "sb16|es1370|pcspk|ac97|ich6|ich9|usb|virtio",
    "tpm_model": "tpm-tis|tpm-crb",
    "tpm_secret_security": "user|host|deployment",
    "tpm_version": r"1\.2|2\.0",
    "usb_model": "none|nec-xhci|qemu-xhci",
    "vif_multiqueue_enabled": _BOOL,
    "viommu_model": "intel|smmuv3|virtio|auto",
    "virtio_packed_ring": _BOOL,
    "watchdog_action": "none|pause|poweroff|reset|disabled",
}

_PREFIX = "hw:"


def faults(specs: Mapping[str, str]) -> list[str]:
    """A sentence for each property that Nova would refuse."""
    return [
        words
        for name, value in sorted(specs.items())
        if (words := _fault(name, value))
    ]


def _fault(name: str, value: str) -> str:
    general = re.sub(r"\.\d+$", ".N", name.removeprefix(_PREFIX))
    pattern = _KNOWN.get(general) if name.startswith(_PREFIX) else None
    if pattern is None:
        return f"Nova knows no property {name}."
    if re.fullmatch(pattern, value) is None:
        return f"{name} can not be {value!r}{_choices(pattern)}."
    return ""


def _choices(pattern: str) -> str:
    """Where the pattern is a list of words, the list."""
    if pattern == _BOOL:
        return ": it is true or false"
    if pattern == _COUNT:
        return ": it is a number from 1 up"
    words = pattern.replace("\\", "").split("|")
    if not all(re.fullmatch(r"[a-z0-9.-]+", word) for word in words):
        return ""
    return f": it is one of {', '.join(words)}"
