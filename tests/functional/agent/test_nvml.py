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


from tests.functional.agent import test_agent

FIRST = test_agent.FIRST
SECOND = test_agent.SECOND
LAST = test_agent.LAST


class ClaimTest(test_agent.AgentTestCase):
    def asked(self) -> set[str]:
        """Addresses of the cards that the library was asked about."""
        calls = self.host.library.calls()
        return {address for _function, address in calls} - {"-"}

    def test_nothing_is_asked_before_the_api_has_answered(self) -> None:
        self.api.status = 503
        self.agent(nvml_interval=1).start()
        self.api.wait_for(lambda report: len(self.api.reports) >= 3)
        self.assertEqual([], self.host.library.calls())

    def test_a_claimed_card_is_never_asked(self) -> None:
        self.api.claimed = [FIRST, SECOND]
        self.started()
        self.assertEqual(
            {card.address for card in self.host.cards} - {FIRST, SECOND},
            self.asked(),
        )
        device = self.api.reports[-1].device(FIRST)
        assert device is not None
        self.assertIsNone(device["nvml"])

    def test_a_card_is_left_alone_from_the_claim_on(self) -> None:
        self.api.interval = 1
        self.started(nvml_interval=1)
        self.api.claimed = [FIRST]
        report = self.api.wait_for(
            lambda report: (
                report.device(FIRST)["nvml"] is None
                and report.device(FIRST)["serial"]
            )
        )
        # It is still known who it is.
        device = report.device(FIRST)
        assert device is not None
        self.assertEqual(self.host.cards[0].serial, device["serial"])
        self.host.library.forget_calls()
        self.api.forget()
        self.api.wait_for(lambda report: len(self.api.reports) >= 4)
        self.assertIn(SECOND, self.asked())
        self.assertNotIn(FIRST, self.asked())

    def test_a_child_lets_go_of_a_card_that_is_claimed(self) -> None:
        self.api.interval = 1
        self.host.inject("delay_ms", "nvmlDeviceGetUUID", FIRST, -1)
        agent = self.agent(nvml_deadline=60)
        agent.start()
        self.api.wait_for(lambda _report: agent.holders())
        self.api.claimed = [FIRST]
        self.api.wait_for(lambda report: report.device(SECOND)["serial"])
        self.assertEqual([], agent.holders())

    def test_cards_of_other_drivers_are_never_asked(self) -> None:
        self.host.set_driver(FIRST, "vfio-pci")
        self.host.set_driver(SECOND, None)
        self.started()
        self.assertNotIn(FIRST, self.asked())
        self.assertNotIn(SECOND, self.asked())

    def test_a_host_with_every_card_on_vfio_is_normal(self) -> None:
        for card in self.host.cards:
            self.host.set_driver(card.address, "vfio-pci")
        self.api.interval = 1
        self.agent(nvml_interval=1).start()
        self.api.wait_for(lambda _report: len(self.api.reports) >= 3)
        self.assertEqual([], self.host.library.calls())
        self.assertEqual([], self.api.reports[-1].conditions)

    def test_switched_off(self) -> None:
        self.api.interval = 1
        self.agent(nvml_interval=1, nvml_enabled=False).start()
        self.api.wait_for(lambda _report: len(self.api.reports) >= 3)
        self.assertEqual([], self.host.library.calls())


class FaultTest(test_agent.AgentTestCase):
    """Whatever the library does, no card is blamed and the agent goes on."""

    def wait_for_condition(self, kind: str) -> test_agent.report_api.Report:
        return self.api.wait_for(lambda report: kind in report.conditions)

    def test_a_hang_costs_one_card_its_answer(self) -> None:
        self.host.inject("delay_ms", "nvmlDeviceGetUUID", FIRST, -1)
        agent = self.agent()
        agent.start()
        report = self.wait_for_condition("nvml_timeout")
        self.assertIsNone(report.device(FIRST)["nvml"])
        self.assertEqual({"errors": []}, report.device(SECOND)["nvml"])
        self.assertEqual({"errors": []}, report.device(LAST)["nvml"])
        self.assertEqual([], agent.holders())

    def test_a_crash_costs_one_card_its_answer(self) -> None:
        self.host.inject("crash", "nvmlDeviceGetName", SECOND, 1)
        self.agent().start()
        report = self.wait_for_condition("nvml_crashed")
        self.assertIsNone(report.device(SECOND)["nvml"])
        self.assertEqual({"errors": []}, report.device(LAST)["nvml"])

    def test_a_crash_of_the_library_itself(self) -> None:
        self.host.inject("crash", "nvmlInit", None, 1)
        self.agent().start()
        report = self.wait_for_condition("nvml_crashed")
        self.assertIsNone(report.device(SECOND)["nvml"])

    def test_a_driver_that_does_not_fit_the_library(self) -> None:
        self.host.inject("err", "nvmlInit", None, 18)
        self.agent().start()
        report = self.wait_for_condition("nvml_unavailable")
        (condition,) = report.document["conditions"]
        self.assertEqual(
            "nvmlInit: lib rm version mismatch (18)", condition["detail"]
        )
        self.assertIsNone(report.device(FIRST)["nvml"])

    def test_no_library(self) -> None:
        self.agent(nvml_library="/nowhere/libnvidia-ml.so.1").start()
        report = self.wait_for_condition("nvml_unavailable")
        (condition,) = report.document["conditions"]
        self.assertIn("/nowhere", condition["detail"])

    def test_errors_of_one_card_are_told_as_they_are(self) -> None:
        self.host.nvml_error(FIRST, "nvmlDeviceGetSerial", 999)
        self.host.nvml_error(SECOND, "nvmlDeviceGetHandleByPciBusId", 16)
        self.started()
        report = self.api.reports[-1]
        self.assertEqual(
            [{"function": "nvmlDeviceGetSerial", "code": 999}],
            report.device(FIRST)["nvml"]["errors"],
        )
        self.assertIsNone(report.device(FIRST)["serial"])
        self.assertEqual(
            [{"function": "nvmlDeviceGetHandleByPciBusId", "code": 16}],
            report.device(SECOND)["nvml"]["errors"],
        )

    def test_what_a_driver_does_not_know_is_no_error(self) -> None:
        cards = [card.address for card in self.host.cards]
        for address, code in zip(cards, (3, 13, 21, 25, 26), strict=False):
            self.host.nvml_error(address, "nvmlDeviceGetSerial", code)
        self.started()
        for address in cards[:5]:
            device = self.api.reports[-1].device(address)
            assert device is not None
            self.assertIsNone(device["serial"])
            self.assertIsNotNone(device["uuid"])
            self.assertEqual({"errors": []}, device["nvml"])

    def test_a_mended_library_is_noticed(self) -> None:
        self.host.inject("err", "nvmlInit", None, 9)
        self.api.interval = 1
        self.agent(nvml_interval=1).start()
        self.wait_for_condition("nvml_unavailable")
        self.host.nvml_clear()
        self.api.wait_for(
            lambda report: (
                report.device(FIRST)["serial"] and not report.conditions
            )
        )
