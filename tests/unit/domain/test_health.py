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

from __future__ import annotations

import dataclasses
import datetime

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.domain import devices
from gpubroker.domain import health
from gpubroker.domain.devices import Health
from gpubroker.domain.devices import HealthReason
from gpubroker.domain.devices import State
from gpubroker.domain.health import Observation
from gpubroker.domain.sightings import Sighting

CARD = devices.Device(id="d1", host="h1", pci_address="0000:07:00.0")


def sighting(**more):
    fields = {"on_bus": True, **more}
    return Sighting(
        pci_address=CARD.pci_address,
        vendor_id="10de",
        product_id="20b2",
        **fields,
    )


def xid(code, kind="xid"):
    return Observation(
        id=f"b:{code}", kind=kind, pci_address=CARD.pci_address, code=code
    )


def judge(*observations, device=CARD, seen=None, **more):
    return health.judge(device, seen or sighting(), observations, **more)


class Verdicts(testtools.TestCase):
    def test_a_card_on_the_bus_without_faults_is_ok(self):
        self.assertEqual(health.Verdict(health=Health.OK, reasons=()), judge())

    def test_fatal_xids_fence(self):
        for code in (48, 64, 79, 95):
            verdict = judge(xid(code))
            self.assertEqual(Health.BAD, verdict.health)
            self.assertIn(f"XID {code}", verdict.fault)

    def test_xids_of_applications_say_nothing(self):
        # The list that NVIDIA's device plugin for Kubernetes ignores.
        for code in (13, 31, 43, 45, 68, 109):
            self.assertEqual(Health.OK, judge(xid(code)).health)

    def test_other_and_unknown_xids_are_suspect(self):
        for code in (46, 62, 74, 94, 110, 119, 120, 136, 140, 143, 9999):
            verdict = judge(xid(code))
            self.assertEqual(
                (Health.SUSPECT, ""), (verdict.health, verdict.fault)
            )

    def test_no_xid_is_in_two_classes(self):
        self.assertEqual(set(), health.FATAL_XIDS & health.QUIET_XIDS)

    def test_off_the_bus(self):
        for verdict in (
            judge(xid(None, "off_bus")),
            judge(seen=sighting(on_bus=False)),
            judge(seen=sighting(nvml_errors=(health.GPU_IS_LOST,))),
            health.judge(CARD, None, []),
        ):
            self.assertEqual(Health.BAD, verdict.health)
            self.assertNotEqual("", verdict.fault)

    def test_a_library_that_fails_says_nothing_of_the_card(self):
        # NVML_ERROR_DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, TIMEOUT, UNKNOWN.
        seen = sighting(nvml_errors=(9, 10, 12, 999))
        self.assertEqual(Health.OK, judge(seen=seen).health)

    def test_reset_required_is_suspect(self):
        seen = sighting(nvml_errors=(health.RESET_REQUIRED,))
        self.assertEqual(Health.SUSPECT, judge(seen=seen).health)

    def test_what_can_not_be_read_is_unknown(self):
        verdict = judge(seen=sighting(on_bus=None))
        self.assertEqual((Health.UNKNOWN, ""), (verdict.health, verdict.fault))

    def test_what_is_lifted_counts_no_more(self):
        card = dataclasses.replace(
            CARD, health=Health.UNKNOWN, health_reasons=health.lifted("olga")
        )
        self.assertEqual(Health.OK, judge(device=card).health)
        self.assertFalse(health.faulty(card.health_reasons))

    def test_a_fault_that_lasts_comes_back_after_it_was_lifted(self):
        card = dataclasses.replace(CARD, health_reasons=health.lifted("o"))
        verdict = judge(device=card, seen=sighting(on_bus=False))
        self.assertEqual(Health.BAD, verdict.health)

    def test_silence_speaks_for_nobody_and_against_nobody(self):
        since = datetime.datetime(2026, 11, 2, 8, tzinfo=datetime.UTC)
        card = dataclasses.replace(CARD, reported=True)
        for state in Health:
            verdict = health.unheard(
                dataclasses.replace(card, health=state), since
            )
            if state in (Health.BAD, Health.SUSPECT):
                self.assertIsNone(verdict)
            else:
                self.assertEqual(Health.UNKNOWN, verdict.health)
                self.assertIn("since 2026-11-02", verdict.reasons[0].detail)
        for other in (
            dataclasses.replace(card, reported=False),
            dataclasses.replace(card, state=State.VANISHED),
        ):
            self.assertIsNone(health.unheard(other, since))

    def test_the_next_report_forgets_the_silence(self):
        since = datetime.datetime(2026, 11, 2, 8, tzinfo=datetime.UTC)
        card = dataclasses.replace(CARD, reported=True)
        silent = health.unheard(card, since)
        card = dataclasses.replace(
            card, health=silent.health, health_reasons=silent.reasons
        )
        self.assertFalse(health.faulty(card.health_reasons))
        self.assertEqual(Health.OK, judge(device=card).health)

    def test_long_texts_are_cut(self):
        seen = dataclasses.replace(xid(79), text="x" * 5000)
        self.assertTrue(len(judge(seen).fault) < 300)


_observations = st.lists(
    st.builds(
        xid,
        st.integers(1, 200) | st.none(),
        st.sampled_from(["xid", "off_bus", "aer", "other"]),
    )
)
_sightings = st.none() | st.builds(
    sighting,
    on_bus=st.booleans() | st.none(),
    nvml_errors=st.lists(st.integers(0, 30)).map(tuple),
)


#: A busy machine takes its time to make them up.
_any_pace = hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.too_slow], deadline=None
)


class Promises(testtools.TestCase):
    @_any_pace
    @hypothesis.given(st.lists(st.tuples(_sightings, _observations)))
    def test_faults_latch(self, reports):
        """Whatever comes later, a fault that was found stays found."""
        card, worst = CARD, set()
        for seen, observations in reports:
            verdict = health.judge(card, seen, observations)
            card = dataclasses.replace(
                card, health=verdict.health, health_reasons=verdict.reasons
            )
            rules = {reason.rule for reason in verdict.reasons}
            self.assertTrue(worst <= rules)
            worst |= rules - health.FLEETING
            self.assertEqual(verdict.health is Health.BAD, bool(verdict.fault))

    @_any_pace
    @hypothesis.given(_sightings, _observations)
    def test_judging_twice_is_judging_once(self, seen, observations):
        first = health.judge(CARD, seen, observations)
        again = health.judge(
            dataclasses.replace(CARD, health_reasons=first.reasons),
            seen,
            observations,
        )
        self.assertEqual(first, again)

    @_any_pace
    @hypothesis.given(
        st.lists(st.builds(xid, st.sampled_from(sorted(health.QUIET_XIDS))))
    )
    def test_quiet_xids_never_count(self, observations):
        self.assertEqual(Health.OK, judge(*observations).health)

    def test_reasons_are_words_for_people(self):
        verdict = judge(xid(79), seen=sighting(on_bus=False), duplicate=True)
        for reason in verdict.reasons:
            self.assertIsInstance(reason, HealthReason)
            self.assertNotEqual("", reason.detail)
