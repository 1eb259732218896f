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


import pathlib
from collections.abc import Sequence

import fixtures
import testtools
from oslo_config import cfg

from gpubroker.agent import kernel_log
from gpubroker.agent import nvml
from gpubroker.agent import observations
from gpubroker.agent import report
from gpubroker.agent import survey
from gpubroker.conf import agent as agent_options
from tests.fixtures import clock as clocks
from tests.fixtures import simulated_host
from tests.unit.agent import test_nvml

FIRST = "0000:07:00.0"
SECOND = "0000:0b:00.0"
LAST = "0000:cb:00.0"


class SurveyTest(testtools.TestCase):
    """A simulated host without a network and without real children of the
    probe."""

    def setUp(self) -> None:
        super().setUp()
        simulated = self.useFixture(simulated_host.SimulatedHost())
        self.host = simulated.host
        self.clock = clocks.Clock()
        self.children: list[test_nvml.Child] = []
        self.state = (
            pathlib.Path(self.useFixture(fixtures.TempDir()).path) / "a.json"
        )
        self.survey = self.make()

    def make(self, **options: object) -> survey.Survey:
        conf = cfg.ConfigOpts()
        agent_options.register(conf)
        conf([])
        for name, text in {**self.host.agent_options(), **options}.items():
            conf.set_override(name, text, group="agent")
        self.prober = nvml.Prober(self.clock, 30, self.spawn)
        self.log = kernel_log.KernelLog(conf.agent.kernel_log)
        self.addCleanup(self.log.close)
        journal = observations.Journal(self.state)
        return survey.Survey(conf, self.clock, self.log, journal, self.prober)

    def spawn(self, addresses: Sequence[str]) -> test_nvml.Child:
        self.children.append(test_nvml.Child(addresses))
        return self.children[-1]

    def kinds(self) -> list[str]:
        seen = self.survey.facts().observations
        return [f"{each.kind} {each.pci_address}" for each in seen]

    def conditions(self) -> dict[str, str]:
        found = self.survey.facts().conditions
        return {each.kind: each.detail for each in found}

    def sweep(self) -> report.Facts:
        """One report and what the library says after it."""
        self.survey.told(self.survey.facts(), ())
        self.survey.probe()
        child = self.children[-1]
        for address in child.addresses:
            child.say_card(address, serial=f"serial of {address}")
        child.finish()
        self.prober.poll()
        return self.survey.facts()

    def test_only_news_is_news(self) -> None:
        self.survey.facts()
        self.assertIs(False, self.survey.follow())
        self.host.log("usb 1-1: new device")
        self.assertIs(False, self.survey.follow())
        self.host.xid(FIRST, 31)
        self.assertIs(True, self.survey.follow())
        self.assertIs(False, self.survey.follow())

    def test_when_it_happened(self) -> None:
        self.host.xid(FIRST, 31)
        (seen,) = self.survey.facts().observations
        boot = (self.host.proc / "stat").read_text().split()[1]
        since = seen.at.timestamp() - int(boot)
        self.assertTrue(0 <= since < 60, since)
        boot_id = (self.host.proc / "sys/kernel/random/boot_id").read_text()
        self.assertEqual(f"{boot_id.strip()}:1", seen.id)

    def test_the_same_line_twice_after_a_damaged_state(self) -> None:
        self.host.xid(FIRST, 79)
        before = self.survey.facts().observations
        self.state.write_text("{")
        self.survey = self.make()
        self.assertEqual(before, self.survey.facts().observations)

    def test_a_host_without_a_clock(self) -> None:
        (self.host.proc / "stat").unlink()
        self.host.xid(FIRST, 79)
        (seen,) = self.survey.facts().observations
        self.assertGreaterEqual(seen.at, self.clock.now())

    def test_pcie_errors_of_others_are_left_out(self) -> None:
        self.survey.facts()
        port = self.host.sysfs.folder(SECOND).parent.name
        shared = self.host.sysfs.folder(SECOND).parent.parent.name
        received = "AER: Uncorrected (Fatal) error received"
        self.host.log(f"pcieport {shared}: {received}: 0000:e1:00.0")
        self.host.log(f"pcieport {shared}: {received}: {shared}")
        self.host.log(f"pcieport {shared}: {received}: {FIRST}")
        self.host.log(f"pcieport {port}: {received}: {port}")
        self.assertEqual([f"aer {FIRST}", f"aer {SECOND}"], self.kinds())

    def test_counted_errors_are_told_once_and_when_they_grow(self) -> None:
        self.host.count_errors(FIRST, "correctable", 500)
        self.assertEqual([], self.kinds())
        self.host.count_errors(FIRST, "nonfatal", 1)
        self.assertEqual([f"aer {FIRST}"], self.kinds())
        self.assertEqual([f"aer {FIRST}"], self.kinds())
        self.host.count_errors(FIRST, "nonfatal", 3)
        self.assertEqual([f"aer {FIRST}"] * 2, self.kinds())

    def test_a_xid_of_a_card_that_is_gone_is_told(self) -> None:
        self.survey.facts()
        self.host.remove(FIRST)
        self.host.xid(FIRST, 79)
        self.assertEqual([f"xid {FIRST}"], self.kinds())

    def test_who_a_card_is_stays_known_while_it_stays(self) -> None:
        self.assertEqual({}, self.survey.facts().identities)
        self.sweep()
        self.host.set_driver(FIRST, "vfio-pci")
        facts = self.survey.facts()
        self.assertEqual(f"serial of {FIRST}", facts.identities[FIRST].serial)
        self.assertNotIn(FIRST, facts.answers)
        self.assertIn(SECOND, facts.answers)

    def test_a_card_in_its_place_may_be_another(self) -> None:
        self.sweep()
        self.host.remove(FIRST)
        self.survey.facts()
        self.host.restore(FIRST)
        facts = self.survey.facts()
        self.assertNotIn(FIRST, facts.identities)
        self.assertNotIn(FIRST, facts.answers)

    def test_a_silent_card_keeps_its_name(self) -> None:
        self.sweep()
        self.survey.probe()
        child = self.children[-1]
        child.say_card(FIRST, serial=None, uuid=None, errors=[["f", 15]])
        child.finish()
        self.prober.poll()
        facts = self.survey.facts()
        self.assertEqual(f"serial of {FIRST}", facts.identities[FIRST].serial)
        self.assertEqual((nvml.Error("f", 15),), facts.answers[FIRST].errors)

    def test_a_library_that_is_switched_off(self) -> None:
        self.survey = self.make(nvml_enabled=False)
        self.survey.told(self.survey.facts(), ())
        self.survey.probe()
        self.assertEqual([], self.children)

    def test_claimed_cards_are_given_to_no_child(self) -> None:
        self.survey.told(self.survey.facts(), {FIRST, "0000:ff:00.0"})
        self.survey.probe()
        self.assertNotIn(FIRST, self.children[0].addresses)
        self.assertEqual(7, len(self.children[0].addresses))

    def test_conditions_of_the_host(self) -> None:
        self.assertEqual({}, self.conditions())
        self.host.kernel_log.unlink()
        self.survey = self.make(kernel_log=str(self.host.kernel_log))
        (self.host.sysfs.folder(LAST) / "device").write_text("?")
        self.log.overruns = 2
        self.state.unlink()
        self.state.mkdir()
        self.host.count_errors(FIRST, "fatal", 1)
        self.assertEqual(
            {
                "device_unreadable",
                "kernel_log_unreadable",
                "kernel_log_overrun",
                "state_unwritable",
            },
            set(self.conditions()),
        )
