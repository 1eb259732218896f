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


import testtools

from gpubroker.agent import kernel_lines
from gpubroker.agent.kernel_lines import Finding
from gpubroker.agent.kernel_lines import Kind

CARD = "0000:07:00.0"

XIDS = [
    ("NVRM: Xid (PCI:0000:07:00): 79, pid=0, GPU has fallen off the bus.", 79),
    ("NVRM: Xid (PCI:0000:07:00): 48, DBE", 48),
    ("NVRM: Xid (0000:07:00): 31, Ch 0000001b, engmask 00000101", 31),
    ("NVRM: Xid (PCI:0000:07:00.0): 13, pid='<unknown>', name=<unknown>", 13),
    ("NVRM: Xid (PCI:0000:07:00 GPU-I:05): 94, Contained: SM (0x1).", 94),
    ("NVRM: Xid (PCI:00000000:07:00): 63, Row Remapper: pending", 63),
    (
        "NVRM: Xid (PCI:0000:07:00): 154, GPU recovery action changed from"
        " 0x0 (None) to 0x2 (Node Reboot Required)",
        154,
    ),
]

AER = [
    (
        "pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received:"
        " 0000:07:00.0",
        CARD,
    ),
    (
        "pcieport 0000:00:01.0: AER: Multiple Uncorrectable (Non-Fatal) error"
        " message received from 0000:07:00.0",
        CARD,
    ),
    (
        "nvidia 0000:07:00.0: PCIe Bus Error: severity=Uncorrected (Fatal),"
        " type=Transaction Layer, (Receiver ID)",
        CARD,
    ),
    (
        "pcieport 0000:00:03.0: AER: PCIe Bus Error: severity=Uncorrectable"
        " (Non-Fatal), type=Transaction Layer, (Requester ID)",
        "0000:00:03.0",
    ),
]

OTHERS = [
    "vfio-pci 0000:07:00.0: not ready 65535ms after FLR; giving up",
    "vfio-pci 0000:07:00.0: Unable to change power state from D3cold to D0,"
    " device inaccessible",
    "vfio-pci 0000:07:00.0: timed out waiting for pending transaction",
    "NVRM: GPU 0000:07:00.0: RmInitAdapter failed! (0x26:0x56:1483)",
]

SILENT = [
    "",
    "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  580.95.05",
    "NVRM: GPU 0000:07:00.0: GPU serial number is 1653584952966.",
    "nvidia 0000:07:00.0: enabling device (0000 -> 0003)",
    "pcieport 0000:00:01.0: AER: Corrected error received: 0000:07:00.0",
    "pcieport 0000:00:01.0: AER: Correctable error message received from"
    " 0000:07:00.0",
    "nvidia 0000:07:00.0: PCIe Bus Error: severity=Corrected, type=Physical"
    " Layer, (Receiver ID)",
    # Somebody talks about it; the driver does not.
    "audit: cmd='grep Xid (PCI:0000:07:00): 79, /var/log/kern.log'",
    "GPU has fallen off the bus",
    "NVRM: Xid (PCI:zz:07:00): 79, nonsense",
    "NVRM: Xid (PCI:0000:07:00): none",
]


def parse(*lines: str) -> list[Finding]:
    parser = kernel_lines.Parser()
    return [found for line in lines if (found := parser.parse(line))]


class ParserTest(testtools.TestCase):
    def test_xids(self) -> None:
        for line, code in XIDS:
            self.assertEqual([Finding(Kind.XID, CARD, code)], parse(line))

    def test_fallen_off_the_bus_in_one_line(self) -> None:
        line = "NVRM: GPU 0000:07:00.0: GPU has fallen off the bus."
        self.assertEqual([Finding(Kind.OFF_BUS, CARD)], parse(line))

    def test_fallen_off_the_bus_in_three_lines(self) -> None:
        lines = (
            "NVRM: The NVIDIA GPU 0000:07:00.0",
            "NVRM: (PCI ID: 10de:20b2) installed in this system has",
            "NVRM: fallen off the bus and is not responding to commands.",
        )
        self.assertEqual([Finding(Kind.OFF_BUS, CARD)], parse(*lines))

    def test_a_message_is_not_blamed_on_an_earlier_card(self) -> None:
        lines = ["NVRM: GPU 0000:07:00.0: GPU is on Board ."]
        lines += ["NVRM: something else"] * 3
        lines += ["NVRM: fallen off the bus and is not responding"]
        self.assertEqual([], parse(*lines))

    def test_uncorrected_pcie_errors(self) -> None:
        for line, address in AER:
            self.assertEqual([Finding(Kind.AER, address)], parse(line))

    def test_other_lines_that_name_a_card(self) -> None:
        for line in OTHERS:
            self.assertEqual([Finding(Kind.OTHER, CARD)], parse(line))

    def test_errors_of_a_switch(self) -> None:
        line = "nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link"
        found = [Finding(Kind.OTHER, "0000:c1:00.0")]
        self.assertEqual(found, parse(line))

    def test_everything_else_is_silent(self) -> None:
        for line in SILENT:
            self.assertEqual([], parse(line), line)
