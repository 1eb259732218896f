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

"""What a report says of a card's health, and whether that fences it."""

from __future__ import annotations

from gpubroker.domain.devices import Health
from gpubroker.domain.fences import Reason
from gpubroker.services import fence
from tests.fixtures import estate
from tests.functional.reconcile import base

CARD, OTHER = estate.ADDRESSES[:2]


class Judging(base.HostCase):
    def test_what_is_beyond_doubt_fences(self):
        for index, code in enumerate((79, 48, 64, 95)):
            address = estate.ADDRESSES[index]
            self.report(observations=[estate.xid(address, code, code)])
            card = self.estate.card(address)
            self.assertEqual(
                (Health.BAD, {Reason.HEALTH}), (card.health, card.reasons)
            )
            self.assertIn(f"XID {code}", card.fences[0].detail)
        self.estate.pass_()
        for address in estate.ADDRESSES[:4]:
            self.assertEqual(1, self.tree.reserved(address))

    def test_off_the_bus_by_the_log_the_registers_or_nvml(self):
        lost = {"errors": [{"function": "nvmlDeviceGetSerial", "code": 15}]}
        first, second, *others = base.four()
        third = estate.ADDRESSES[2]
        self.report(
            {**first, "on_bus": False},
            {**second, "nvml": lost},
            *others,
            observations=[estate.xid(third, None, 1, "off_bus")],
        )
        self.assertEqual(["off_bus"], self.rules(CARD))
        self.assertEqual(["nvml_gpu_is_lost"], self.rules(OTHER))
        self.assertEqual(["off_bus"], self.rules(third))
        for address in (CARD, OTHER, third):
            self.assertEqual({"health"}, self.estate.reasons(address))

    def test_what_applications_do_never_fences(self):
        self.report(
            observations=[
                estate.xid(CARD, code, code) for code in (13, 31, 43, 45, 68)
            ]
        )
        card = self.estate.card(CARD)
        self.assertEqual((Health.OK, ()), (card.health, card.fences))

    def test_other_faults_are_suspect_and_fence_nothing(self):
        self.report(observations=[estate.xid(CARD, 119)])
        card = self.estate.card(CARD)
        self.assertEqual((Health.SUSPECT, ()), (card.health, card.fences))
        fence.unfence(self.core, card.id, Reason.HEALTH, "olga")
        self.assertEqual(Health.UNKNOWN, self.estate.card(CARD).health)

    def test_what_can_not_be_read_is_not_bad(self):
        self.report(*base.four(on_bus=None))
        card = self.estate.card(CARD)
        self.assertEqual((Health.UNKNOWN, ()), (card.health, card.fences))

    def test_a_fault_stays_until_an_operator_lifts_it(self):
        self.report(observations=[estate.xid(CARD, 79)])
        self.report()
        self.assertEqual({"health"}, self.estate.reasons(CARD))
        self.report(agent={"version": "1.0", "boot_id": "boot-2"})
        self.assertEqual(Health.BAD, self.estate.card(CARD).health)

    def test_a_line_that_was_judged_is_not_judged_again(self):
        seen = [estate.xid(CARD, 79, 7)]
        self.report(observations=seen)
        device_id = self.estate.card(CARD).id
        fence.unfence(self.core, device_id, Reason.HEALTH, "olga")
        self.report(*base.four(driver="nvidia"), observations=seen)
        self.assertEqual(set(), self.estate.reasons(CARD))
        self.report(observations=[*seen, estate.xid(CARD, 79, 8)])
        self.assertEqual({"health"}, self.estate.reasons(CARD))

    def test_a_sick_card_is_not_admitted(self):
        self.estate.told = ["card-not-in-placement"]
        self.report()
        self.estate.admission("automatic")
        sick = estate.card("0000:d1:00.0", on_bus=False)
        fit = estate.card("0000:d2:00.0")
        self.report(*base.four(), sick, fit)
        self.assertEqual(
            {"health", "unadmitted"}, self.estate.reasons("0000:d1:00.0")
        )
        self.assertEqual(set(), self.estate.reasons("0000:d2:00.0"))
