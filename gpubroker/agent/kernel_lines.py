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


"""What a line of the kernel log says about a GPU.

The forms are those that the NVIDIA driver (``NVRM:``), the kernel's AER and
vfio-pci print; which of them is a fault is for the control plane to judge.
Corrected errors come in floods and mean nothing by themselves, so they are
left out.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from gpubroker.domain import devices

_FUNCTION = r"[0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}"
_ADDRESS = rf"({_FUNCTION}(?:\.[0-7])?)"

# "NVRM: Xid (PCI:0000:07:00): 79, pid=1, ..."; older drivers leave "PCI:"
# out, and with MIG a "GPU-I:05" follows the address.
_XID = re.compile(
    rf"^NVRM: Xid \((?:PCI:)?{_ADDRESS}[^)]*\).*?: (\d+)(?:,|\s|$)"
)
_SXID = re.compile(rf"SXid \(PCI:{_ADDRESS}[^)]*\): (\d+),")

# One line when the card is lost at work, three when it is found lost while
# the driver starts: the address is in the first of them.
_OFF_BUS = re.compile(r"fallen off the bus")
_NVRM = re.compile(r"^NVRM: ")
_NVRM_ADDRESS = re.compile(rf"^NVRM: (?:The NVIDIA )?GPU {_ADDRESS}")
_LINES_OF_ONE_MESSAGE = 3

# "pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: <address>"
# until Linux 6.8, "Uncorrectable (Fatal) error message received from" since.
_AER_RECEIVED = re.compile(
    r"AER: (?:Multiple )?Uncorrect(?:ed|able) \((?:Non-)?Fatal\) "
    rf"error (?:message )?received(?: from|:) {_ADDRESS}"
)
_AER_SEVERITY = re.compile(
    rf"^\S+ {_ADDRESS}: (?:AER: )?PCIe Bus Error: "
    r"severity=Uncorrect(?:ed|able) \("
)

_VFIO = re.compile(
    rf"^vfio-pci {_ADDRESS}: .*(?:not ready|timed out|reset recovery|"
    r"unable to change power state)",
    re.IGNORECASE,
)
_INIT_FAILED = re.compile(rf"^NVRM: GPU {_ADDRESS}: RmInitAdapter failed")


class Kind(enum.StrEnum):
    XID = "xid"
    OFF_BUS = "off_bus"
    AER = "aer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Finding:
    """:param pci_address: of the card, or of the bridge that noticed.
    :param code: number of the XID.
    """

    kind: Kind
    pci_address: str
    code: int | None = None


class Parser:
    """Reads lines in order: some messages are spread over three of them."""

    def __init__(self) -> None:
        self._address: str | None = None
        self._age = 0

    def parse(self, text: str) -> Finding | None:
        """What one line says; None for the many that say nothing here."""
        self._remember(text)
        if match := _XID.search(text):
            return Finding(Kind.XID, _address(match[1]), int(match[2]))
        if _OFF_BUS.search(text) and _NVRM.search(text):
            if self._address is None:
                return None
            return Finding(Kind.OFF_BUS, self._address)
        for pattern in (_AER_RECEIVED, _AER_SEVERITY):
            if match := pattern.search(text):
                return Finding(Kind.AER, _address(match[1]))
        for pattern in (_SXID, _VFIO, _INIT_FAILED):
            if match := pattern.search(text):
                return Finding(Kind.OTHER, _address(match[1]))
        return None

    def _remember(self, text: str) -> None:
        self._age += 1
        if match := _NVRM_ADDRESS.search(text):
            self._address, self._age = _address(match[1]), 0
        elif self._age >= _LINES_OF_ONE_MESSAGE:
            self._address = None


def _address(text: str) -> str:
    # The driver often leaves the function out; a GPU is function 0.
    return devices.address(text if "." in text else f"{text}.0")
