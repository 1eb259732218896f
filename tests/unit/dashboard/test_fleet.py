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

"""What a card is on the map, and which cards stand together."""

from __future__ import annotations

from typing import Any

import testtools
from hypothesis import given
from hypothesis import strategies as st

from gpubroker.client.sdk import device as device_sdk
from gpubroker.dashboard.content.admin.fleet import blocks
from gpubroker.dashboard.content.admin.fleet import states

PAIRS = [[0, 1], [2, 3], [4, 5], [6, 7]]
BOARD = [*PAIRS, [0, 1, 2, 3], [4, 5, 6, 7], list(range(8))]


def device(*fences: str, use: str = "free", **more: Any) -> Any:
    """One that nothing speaks against but what is given."""
    return device_sdk.Device(
        **{
            "state": "present",
            "health": "OK",
            "fences": [{"reason": reason} for reason in fences],
            "use": {"kind": use},
            "schedulable": not fences and use == "free",
            **more,
        }
    )


class StateTest(testtools.TestCase):
    def assertState(self, state: str, card: Any) -> None:
        self.assertEqual(state, states.state(card).value)

    def test_a_card_that_nothing_keeps_back_is_free(self) -> None:
        self.assertState("free", device())
        # Not readable is never bad: it is given out.
        self.assertState("free", device(health="UNKNOWN"))

    def test_a_card_that_is_not_given_out_for_no_reason_is_unknown(
        self,
    ) -> None:
        self.assertState("unknown", device(schedulable=False))

    def test_the_fence_of_a_lease_is_no_fence_to_look_at(self) -> None:
        self.assertState("leased", device("lease", use="lease"))
        self.assertState("leased", device(use="claimed"))
        # Its server is gone, and Placement does not show that yet.
        self.assertState("leased", device("lease"))

    def test_a_server_of_no_lease_uses_it_outside(self) -> None:
        self.assertState("outside", device(use="external"))

    def test_each_other_fence_counts_more_than_who_uses_it(self) -> None:
        for reason in ("operator", "drain", "unadmitted", "external"):
            self.assertState("fenced", device(reason))
            self.assertState("fenced", device(reason, "lease", use="lease"))
            self.assertState("fenced", device(reason, use="external"))

    def test_what_is_sick_counts_more_than_a_fence(self) -> None:
        self.assertState("sick", device("health"))
        self.assertState("sick", device("operator", health="BAD"))
        self.assertState("sick", device("lease", use="lease", health="BAD"))

    def test_what_vanished_counts_most(self) -> None:
        self.assertState(
            "vanished", device("health", state="vanished", health="BAD")
        )

    def test_that_it_is_used_all_the_same_is_told_beside(self) -> None:
        used = {
            state: states.seen(card).used
            for state, card in (
                ("drained", device("drain", "lease", use="lease")),
                ("fenced", device("operator")),
                ("leased", device("lease", use="lease")),
            )
        }
        self.assertEqual(
            {"drained": True, "fenced": False, "leased": False}, used
        )

    def test_that_it_is_suspect_is_told_beside(self) -> None:
        seen = states.seen(device(health="SUSPECT"))
        self.assertEqual(
            states.Seen(states.State.FREE, used=False, suspect=True), seen
        )
        self.assertFalse(
            states.seen(device("health", health="SUSPECT")).suspect
        )

    def test_a_tally_has_every_state_once(self) -> None:
        cards = [states.seen(one) for one in (device(), device("drain"))]
        tally = states.tally(cards)
        self.assertEqual(
            set(states.State), {state for state, _count in tally.states}
        )
        self.assertEqual(2, tally.total)
        self.assertEqual("free", tally.states[0][0])


class BlocksTest(testtools.TestCase):
    def test_small_blocks_stand_in_large_ones(self) -> None:
        self.assertEqual((((0, 1), (2, 3)),), blocks.nested(range(4), BOARD))

    def test_cards_without_a_board_stand_alone(self) -> None:
        self.assertEqual((0, 1, 2), blocks.nested([0, 1, 2], []))

    def test_what_can_not_be_drawn_in_a_row_is_left_out(self) -> None:
        crossing = [[0, 1, 2], [2, 3], [0, 3], [3, 4]]
        self.assertEqual(((0, 1, 2), 3), blocks.nested(range(4), crossing))

    def test_a_slot_knows_its_blocks_the_small_ones_first(self) -> None:
        self.assertEqual(
            [[2, 3], [0, 1, 2, 3], list(range(8))],
            blocks.of_slot(2, BOARD),
        )
        self.assertEqual([], blocks.of_slot(None, BOARD))

    @given(
        st.sets(st.integers(0, 15)),
        st.lists(st.sets(st.integers(0, 15)), max_size=12),
    )
    def test_no_slot_is_lost_or_moved(
        self, slots: set[int], found: list[set[int]]
    ) -> None:
        ordered = sorted(slots)
        self.assertEqual(ordered, list(_flat(blocks.nested(ordered, found))))


def _flat(parts: Any) -> Any:
    for part in parts:
        if isinstance(part, int):
            yield part
        else:
            yield from _flat(part)
