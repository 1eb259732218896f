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


import json
import os
import pathlib
import random
import signal
import subprocess
import time

import testtools

from gpubroker.api.schemas import reports as schemas
from tests.fixtures import agent_process
from tests.fixtures import effort
from tests.fixtures import report_api
from tests.fixtures import simulated_host
from tests.unit.agent import schema

FIRST = "0000:07:00.0"
SECOND = "0000:0b:00.0"
LAST = "0000:cb:00.0"

SEED = int(os.environ.get("GPUBROKER_TEST_SEED", "1"))


class AgentTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.simulated = self.useFixture(simulated_host.SimulatedHost())
        self.host = self.simulated.host
        self.api = self.useFixture(report_api.ReportApi())

    def agent(self, **options: object) -> agent_process.AgentProcess:
        return self.useFixture(
            agent_process.AgentProcess(
                self.simulated, self.api.auth_options, **options
            )
        )

    def started(self, **options: object) -> agent_process.AgentProcess:
        """Running, and done with its first sweep."""
        agent = self.agent(**options)
        agent.start()
        self.api.wait_for(lambda report: report.device(LAST)["serial"])
        return agent


class ReportTest(AgentTestCase):
    def test_what_the_api_gets(self) -> None:
        agent = self.started()
        first, second = self.api.reports[:2]
        self.assertEqual("/gpu-broker/v1/hosts/gpu-a100-1/report", first.path)
        self.assertEqual(
            "gpu-broker 1.0", first.headers["openstack-api-version"]
        )
        for report in (first, second):
            faults = schema.faults(schemas.REPORT, report.document)
            self.assertEqual([], faults)
        self.assertEqual(8, len(second.document["devices"]))
        card = self.host.cards[0]
        device = second.device(FIRST)
        assert device is not None
        self.assertEqual(
            (card.serial, card.uuid, card.name, {"errors": []}),
            (device["serial"], device["uuid"], device["name"], device["nvml"]),
        )
        # One token for all of them.
        self.assertEqual(1, self.api.tokens)
        agent.stop()

    def test_an_unchanged_host_sends_the_same_bytes(self) -> None:
        self.host.xid(SECOND, 31)
        self.api.interval = 1
        self.started()
        self.api.forget()
        self.api.wait_for(lambda report: len(self.api.reports) >= 3)
        bodies = {report.body for report in self.api.reports}
        self.assertEqual(1, len(bodies))

    def test_a_fatal_line_is_reported_at_once(self) -> None:
        # Under a second on a machine of its own (benchmarks/agent.py); here
        # other tests run beside it.
        self.started()
        began = time.monotonic()
        self.host.xid(FIRST, 79)
        report = self.api.wait_for(lambda report: 79 in report.codes)
        self.assertLess(report.at - began, 2)

    def test_a_card_off_the_bus(self) -> None:
        self.started(nvml_interval=1)
        self.api.interval = 1
        self.host.fall_off_bus(FIRST)
        report = self.api.wait_for(
            lambda report: (
                report.device(FIRST)["nvml"]
                and report.device(FIRST)["nvml"]["errors"]
            )
        )
        device = report.device(FIRST)
        assert device is not None
        self.assertIs(False, device["on_bus"])
        (error,) = device["nvml"]["errors"]
        self.assertEqual(15, error["code"])
        self.assertIn(79, report.codes)
        other = report.device(SECOND)
        assert other is not None
        self.assertIs(True, other["on_bus"])

    def test_a_card_that_vanishes_and_comes_back(self) -> None:
        self.api.interval = 1
        self.started()
        self.host.remove(FIRST)
        self.api.wait_for(lambda report: report.device(FIRST) is None)
        self.api.forget()
        self.host.restore(FIRST)
        report = self.api.wait_for(lambda report: report.device(FIRST))
        device = report.device(FIRST)
        assert device is not None
        # It may be another card: who it is has to be asked anew.
        self.assertIsNone(device["serial"])

    def test_once(self) -> None:
        agent = self.agent()
        done = subprocess.run([*agent.command, "--once"], timeout=20)
        self.assertEqual(0, done.returncode)
        self.assertEqual(1, len(self.api.reports))
        self.api.status = 403
        done = subprocess.run(
            [*agent.command, "--once"], timeout=20, stderr=subprocess.DEVNULL
        )
        self.assertEqual(1, done.returncode)

    def test_print_needs_no_network_and_leaves_no_trace(self) -> None:
        agent = self.agent()
        self.host.xid(FIRST, 79)
        done = subprocess.run(
            [*agent.command, "--once", "--print"],
            timeout=20,
            capture_output=True,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual([], schema.faults(schemas.REPORT, document))
        self.assertEqual(79, document["observations"][0]["code"])
        self.assertEqual([], self.api.reports)
        self.assertEqual([], self.host.library.calls())
        self.assertFalse((self.simulated.folder / "agent").exists())


class RestartTest(AgentTestCase):
    def test_nothing_is_lost_or_told_anew(self) -> None:
        self.host.xid(FIRST, 63)
        agent = self.started()
        before = self.api.reports[-1].document["observations"]
        agent.stop(signal.SIGKILL)
        self.host.xid(SECOND, 48)
        self.host.rotate_kernel_log()
        self.host.xid(LAST, 95)
        self.api.forget()
        agent.start()
        report = self.api.wait_for(lambda report: 95 in report.codes)
        # What was in the file that is gone is the kernel's to remember:
        # /dev/kmsg is a ring and has it still, a rotated file has not.
        self.assertEqual([63, 95], report.codes)
        self.assertEqual(before[0], report.document["observations"][0])

    def test_killed_again_and_again_at_any_moment(self) -> None:
        """Each fault is told, and under one name however often."""
        chance = random.Random(SEED)
        agent = self.started()
        codes = list(range(1000, 1090 if effort.LONG else 1006))
        for code in codes:
            self.host.xid(FIRST, code)
            # From before it looks to after it was answered.
            time.sleep(0.8 * chance.random())
            agent.stop(signal.SIGKILL)
            agent.start()
        self.api.wait_for(lambda report: report.codes == codes)
        names = {
            (seen["code"], seen["id"])
            for report in self.api.reports
            for seen in report.document["observations"]
        }
        self.assertEqual(codes, sorted(code for code, _ in names))
        self.assertNotIn("damaged", agent.words)

    def test_what_came_while_it_was_away(self) -> None:
        agent = self.started()
        agent.stop()
        self.host.xid(SECOND, 48)
        self.api.forget()
        agent.start()
        self.api.wait_for(lambda report: report.codes == [48])

    def test_a_reboot(self) -> None:
        self.api.interval = 1
        agent = self.started()
        self.host.xid(FIRST, 79)
        first = self.api.wait_for(lambda report: report.codes == [79])
        self.api.forget()
        # The one after it: the agent knows by now that it got through.
        self.api.wait_for(lambda report: report.codes == [79])
        agent.stop()
        self.host.reboot()
        self.api.forget()
        agent.start()
        second = self.api.wait_for(lambda report: True)
        self.assertEqual([], second.codes)
        self.assertNotEqual(
            first.document["agent"]["boot_id"],
            second.document["agent"]["boot_id"],
        )

    def test_a_fault_the_api_never_heard_of_survives_a_reboot(self) -> None:
        agent = self.started()
        self.api.status = 503
        self.host.xid(FIRST, 79)
        self.api.wait_for(lambda report: report.codes == [79])
        agent.stop(signal.SIGKILL)
        self.host.reboot()
        self.api.forget()
        self.api.status = 200
        agent.start()
        self.api.wait_for(lambda report: report.codes == [79])


class TroubleTest(AgentTestCase):
    def test_an_api_that_is_down_at_first(self) -> None:
        self.api.status = 503
        agent = self.agent()
        agent.start()
        self.api.wait_for(lambda report: len(self.api.reports) >= 2)
        self.api.status = 200
        self.api.wait_for(lambda report: report.device(FIRST)["serial"])
        self.assertIn("503: the played API", agent.words)
        self.assertIn("get through again", agent.words)

    def test_an_agent_that_is_not_enrolled_says_so_once(self) -> None:
        self.api.status = 403
        agent = self.agent()
        agent.start()
        self.api.wait_for(lambda report: len(self.api.reports) >= 3)
        self.assertEqual(1, agent.words.count("403: the played"))
        # Nothing was answered, so nothing may be touched.
        self.assertEqual([], self.host.library.calls())

    def test_news_is_told_while_the_api_fails(self) -> None:
        self.started()
        self.api.status = 503
        self.host.xid(FIRST, 13)
        self.api.wait_for(lambda report: len(self.api.reports) >= 5)
        began = time.monotonic()
        self.host.xid(FIRST, 79)
        report = self.api.wait_for(lambda report: 79 in report.codes)
        self.assertLess(report.at - began, 4)

    def test_the_end_does_not_wait_for_a_silent_api(self) -> None:
        self.api.silence = 8
        agent = self.agent()
        agent.start()
        self.api.wait_for(lambda report: True)
        self.assertLess(agent.stop(), 5)

    def test_the_end_does_not_wait_for_the_interval(self) -> None:
        agent = self.started()
        self.assertLess(agent.stop(signal.SIGINT), 5)

    def test_a_kernel_log_that_can_not_be_read(self) -> None:
        agent = self.agent(kernel_log=self.simulated.folder / "none")
        agent.start()
        self.api.wait_for(
            lambda report: "kernel_log_unreadable" in report.conditions
        )

    def test_no_credential(self) -> None:
        agent = self.agent()
        text = agent.config.read_text()
        agent.config.write_text(text.replace("_credential_id", "_x"))
        done = subprocess.run(
            agent.command, timeout=20, capture_output=True, text=True
        )
        self.assertEqual(1, done.returncode)
        self.assertIn("gpubroker-agent: [agent_auth]", done.stderr)


class BudgetTest(AgentTestCase):
    def test_memory(self) -> None:
        self.api.interval = 1
        agent = self.started(nvml_interval=1)
        self.api.wait_for(lambda report: len(self.api.reports) >= 4)
        status = pathlib.Path(f"/proc/{agent.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if "VmHWM" in line)
        self.assertLess(int(peak.split()[1]), 60 * 1024)

    def test_no_handle_and_no_library_in_the_agent(self) -> None:
        agent = self.started()
        deadline = time.monotonic() + 5
        while agent.children() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual([], agent.holders())
        maps = pathlib.Path(f"/proc/{agent.pid}/maps").read_text()
        self.assertNotIn("nvidia-ml", maps)

    def test_no_child_outlives_a_killed_agent(self) -> None:
        self.host.inject("delay_ms", "nvmlDeviceGetUUID", FIRST, -1)
        agent = self.agent(nvml_deadline=60)
        agent.start()
        deadline = time.monotonic() + 10
        while not agent.holders() and time.monotonic() < deadline:
            time.sleep(0.05)
        (holder,) = agent.holders()
        self.assertNotEqual(agent.pid, holder)
        agent.stop(signal.SIGKILL)
        while os.path.exists(f"/proc/{holder}/exe"):
            self.assertLess(time.monotonic(), deadline + 5)
            time.sleep(0.05)
        self.assertEqual([], agent.holders())
