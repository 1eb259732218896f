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

"""What is told of the cards in Placement."""

from __future__ import annotations

from typing import Any

from gpubroker.domain import models
from gpubroker.services import ports
from gpubroker.services.checks import cards
from gpubroker.services.checks.mistakes import Mistake
from tests.unit.services.checks import base

A100 = models.Model(
    name="a100",
    family="a100",
    vendor="NVIDIA",
    vendor_id="10de",
    product_ids=("20b2",),
    memory_mib=1,
    resource_class="CUSTOM_A100",
    alias="a100",
)


class CardsTest(base.ChecksCase):
    def check(
        self, standing: base.Standing, **fields: Any
    ) -> list[Mistake | None]:
        found = [base.card(0), base.card(1, **fields)]
        return self.told(cards.cards(standing, found, [A100]))

    def test_in_order(self) -> None:
        standing = base.Standing(capacity={"rp-0": 1, "rp-1": 1})
        self.assertEqual([], self.check(standing))

    def test_class_of_another_model(self) -> None:
        found = self.check(
            base.Standing(), resource_class="CUSTOM_PCI_10DE_20B2"
        )
        self.assertEqual([Mistake.CLASS_WRONG], found)

    def test_a_card_without_a_model_has_no_class_to_have(self) -> None:
        found = self.check(
            base.Standing(), resource_class="CUSTOM_X", model=None
        )
        self.assertEqual([], found)

    def test_more_than_there_is(self) -> None:
        found = self.check(base.Standing(capacity={"rp-1": 2}))
        self.assertEqual([Mistake.CARD_OVERSOLD], found)

    def test_strangers_capacity_does_not_matter(self) -> None:
        self.assertEqual([], self.check(base.Standing(capacity={"rp-9": 2})))

    def test_for_one_use(self) -> None:
        found = self.check(base.Standing(once=frozenset({"rp-1", "rp-9"})))
        self.assertEqual([Mistake.CARD_ONE_TIME_USE], found)


class ReportedTest(base.ChecksCase):
    def test_reported(self) -> None:
        provider = ports.Provider(
            id="p",
            name="h1_0000:01:00.0",
            generation=1,
            parent_id="root-h1",
            root_id="root-h1",
        )
        one, two = base.host("h1"), base.host("h2")
        for managed, found, mistakes, word in (
            ([one], [provider], [], ""),
            ([], [], [Mistake.PCI_NOT_REPORTED], "report_in_placement"),
            (
                [one, two],
                [provider],
                [Mistake.HOST_WITHOUT_CARDS],
                "h2 has no PCI device",
            ),
        ):
            told = self.told(cards.reported(managed, found), word)
            self.assertEqual(mistakes, told)
