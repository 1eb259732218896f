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


import datetime
import json

import testtools

from gpubroker.agent import nvml
from gpubroker.agent import observations
from gpubroker.agent import pci
from gpubroker.agent import report
from gpubroker.api.schemas import reports as schemas
from gpubroker.domain import hosts
from tests.unit.agent import schema

CARD = "0000:07:00.0"


def card(address: str = CARD) -> pci.Card:
    return pci.Card(
        pci_address=address,
        folder="/sys/x",
        vendor_id="10de",
        product_id="20b2",
        subsystem_id="10de:1463",
        class_id="030200",
        revision="a1",
        numa_node=1,
        driver="nvidia",
        iommu_group="30",
        link=pci.Link(width=16, max_width=16, speed=2.5, max_speed=16.0),
        on_bus=True,
    )


def seen(number: int) -> observations.Observation:
    return observations.Observation(
        id=f"b:{number}",
        kind="xid",
        pci_address=CARD,
        code=79,
        text="NVRM: \N{SNOWMAN}",
        at=datetime.datetime(2026, 11, 2, tzinfo=datetime.UTC),
    )


def facts(**changes: object) -> report.Facts:
    known: dict[str, object] = {
        "version": "1.0",
        "boot_id": "b",
        "cards": [card()],
        "identities": {},
        "answers": {},
    }
    return report.Facts(**{**known, **changes})  # type: ignore[arg-type]


class ReportTest(testtools.TestCase):
    def test_the_api_takes_it(self) -> None:
        full = facts(
            identities={CARD: report.Identity(serial="1", uuid="GPU-1")},
            answers={CARD: nvml.Answer(errors=(nvml.Error("f", 15),))},
            observations=[seen(1)],
            conditions=[hosts.Condition(kind="nvml_timeout", detail="x")],
        )
        bare = facts(
            cards=[
                pci.Card(
                    pci_address=CARD,
                    folder="",
                    vendor_id="10de",
                    product_id="20b2",
                )
            ]
        )
        for each in (full, bare, facts(cards=[])):
            built = json.loads(report.encode(report.build(each)))
            self.assertEqual([], schema.faults(schemas.REPORT, built))

    def test_the_same_host_the_same_bytes(self) -> None:
        one = facts(
            cards=[card(CARD), card("0000:0b:00.0")],
            conditions=[
                hosts.Condition(kind="b", detail="2"),
                hosts.Condition(kind="a", detail="1"),
            ],
        )
        other = facts(
            cards=[card("0000:0b:00.0"), card(CARD)],
            conditions=[
                hosts.Condition(kind="a", detail="1"),
                hosts.Condition(kind="b", detail="2"),
                hosts.Condition(kind="a", detail="1"),
            ],
        )
        self.assertEqual(
            report.encode(report.build(one)),
            report.encode(report.build(other)),
        )

    def test_a_card_that_was_not_asked_has_no_answer(self) -> None:
        asked = {CARD: nvml.Answer()}
        (device,) = report.build(facts())["devices"]
        self.assertIsNone(device["nvml"])
        (device,) = report.build(facts(answers=asked))["devices"]
        self.assertEqual({"errors": []}, device["nvml"])

    def test_more_than_the_api_takes(self) -> None:
        cards = [card(f"0000:{bus:02x}:00.0") for bus in range(200)]
        built = report.build(
            facts(cards=cards, observations=[seen(n) for n in range(300)])
        )
        self.assertEqual([], schema.faults(schemas.REPORT, built))
        self.assertEqual(64, len(built["devices"]))
        self.assertEqual("b:299", built["observations"][-1]["id"])
        (condition,) = built["conditions"]
        self.assertEqual("too_many_devices", condition["kind"])
