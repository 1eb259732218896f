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
import itertools

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.domain import catalogue
from gpubroker.domain import mirror
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import State
from gpubroker.domain.fences import OURS
from gpubroker.domain.fences import Fence
from gpubroker.domain.fences import Reason
from gpubroker.domain.mirror import SeenCard
from gpubroker.domain.mirror import Write

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
ADDRESS = "0000:07:00.0"
A100 = catalogue.resource_class("a100-sxm4-80gb")


def card(**more):
    fields = {
        "pci_address": ADDRESS,
        "provider_id": "rp-1",
        "provider_name": f"h1_{ADDRESS}",
        "generation": 1,
        "resource_class": A100,
        "total": 1,
        "reserved": 0,
        **more,
    }
    return SeenCard(**fields)


def merge(rows, cards, **more):
    ids = (f"d{number}" for number in itertools.count())
    return mirror.merge(
        "h1", rows, cards, catalogue.MODELS, NOW, lambda: next(ids), **more
    )


def row(*reasons, **more):
    (made,) = merge([], [card()]).added
    fences = tuple(Fence(device_id=made.id, reason=r) for r in reasons)
    return dataclasses.replace(made, fences=fences, **more)


class Merging(testtools.TestCase):
    def test_a_new_provider_is_a_new_card(self):
        found = merge([], [card(consumers=("s1",))])
        (made,) = found.added
        self.assertEqual(
            ("a100-sxm4-80gb", ("s1",), State.PRESENT, False),
            (made.model, made.consumers, made.state, made.reported),
        )

    def test_the_same_again_is_nothing(self):
        found = merge([row()], [card()])
        self.assertEqual(
            ([], [], []), (found.added, found.changed, found.mirrored)
        )

    def test_what_placement_counts_is_mirrored(self):
        found = merge([row()], [card(generation=2, consumers=("s1",))])
        (after,) = found.mirrored
        self.assertEqual(
            (2, ("s1",)), (after.provider_generation, after.consumers)
        )

    def test_a_card_that_an_agent_misses_is_not_brought_back(self):
        gone = row(state=State.VANISHED, reported=True)
        found = merge([gone], [card(generation=2)])
        (after,) = found.mirrored
        self.assertEqual(State.VANISHED, after.state)

    def test_a_card_that_an_agent_sees_is_not_gone_with_its_provider(self):
        found = merge([row(reported=True)], [])
        (after,) = found.mirrored
        self.assertEqual(
            (State.PRESENT, None), (after.state, after.provider_id)
        )

    def test_a_provider_of_several_units_is_no_card(self):
        (made,) = merge([], [card(total=16)]).added
        self.assertIsNone(made.model)


class WhoseReserved(testtools.TestCase):
    def test_not_noted_and_no_fence_of_ours_is_external(self):
        self.assertEqual(1, len(merge([row()], [card(reserved=1)]).external))

    def test_noted_is_ours(self):
        found = merge([row(reserved=1)], [card(reserved=1)])
        self.assertEqual([], found.external)

    def test_noted_for_another_provider_is_not(self):
        found = merge(
            [row(reserved=1)], [card(provider_id="rp-2", reserved=1)]
        )
        self.assertEqual(1, len(found.external))

    def test_not_noted_is_external_whatever_fence_of_ours_it_has(self):
        found = merge([row(Reason.HEALTH)], [card(reserved=1)])
        self.assertEqual(1, len(found.external))

    def test_a_fence_of_ours_explains_a_provider_that_was_out_of_sight(self):
        lost = row(Reason.HEALTH, provider_id=None, reserved=None)
        self.assertEqual([], merge([lost], [card(reserved=1)]).external)

    def test_where_we_only_observe_it_explains_nothing(self):
        lost = row(Reason.HEALTH, provider_id=None, reserved=None)
        found = merge([lost], [card(reserved=1)], observed=True)
        self.assertEqual(1, len(found.external))

    def test_cleared_by_them_is_released(self):
        found = merge([row(Reason.EXTERNAL, reserved=1)], [card()])
        self.assertEqual(1, len(found.released))


class Wanting(testtools.TestCase):
    def test_what_may_be_no_gpu_is_left_alone(self):
        unknown = row(Reason.UNADMITTED, model=None)
        self.assertIsNone(mirror.wanted(unknown))
        reported = dataclasses.replace(unknown, reported=True)
        self.assertEqual(Write.CLOSE, mirror.wanted(reported))

    def test_a_spent_lease_does_not_count(self):
        held = row(Reason.LEASE, reserved=1)
        self.assertIsNone(mirror.wanted(held))
        self.assertEqual(Write.OPEN, mirror.wanted(held, spent=True))


_rows = st.builds(
    lambda reasons, **fields: row(*reasons, **fields),
    st.sets(st.sampled_from(list(Reason))),
    reserved=st.integers(0, 1),
    consumers=st.sampled_from([(), ("s1",)]),
    provider_id=st.sampled_from([None, "rp-1"]),
    model=st.sampled_from([None, "a100-sxm4-80gb"]),
)


class Promises(testtools.TestCase):
    @hypothesis.given(_rows, st.booleans())
    def test_what_is_written(self, device: Device, spent):
        write = mirror.wanted(device, spent)
        ours = OURS & device.reasons
        if write is Write.OPEN:
            self.assertEqual((), device.consumers)
            self.assertNotIn(Reason.EXTERNAL, device.reasons)
            self.assertTrue(not ours or (spent and ours == {Reason.LEASE}))
        if write is Write.CLOSE:
            self.assertTrue(ours)
        if device.provider_id is None:
            self.assertIsNone(write)

    @hypothesis.given(_rows)
    def test_a_write_that_was_done_is_wanted_no_more(self, device):
        write = mirror.wanted(device)
        numbers = {Write.CLOSE: 1, Write.OPEN: 0, None: device.reserved}
        after = dataclasses.replace(device, reserved=numbers[write])
        self.assertIsNone(mirror.wanted(after))
