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
from gpubroker.dashboard.words import states

PAIRS = [[0, 1], [2, 3], [4, 5], [6, 7]]
BOARD = [*PAIRS, [0, 1, 2, 3], [4, 5, 6, 7], list(range(8))]


def device(availability: str, use: str = "free", **more: Any) -> Any:
    return device_sdk.Device(
        availability=availability,
        use={"kind": use},
        **{"state": "present", "health": "OK", **more},
    )


class StateTest(testtools.TestCase):
    def test_it_is_what_the_service_says(self) -> None:
        for state in states.State:
            self.assertIs(state, states.state(device(state.value)))

    def test_what_a_newer_service_says_is_unknown(self) -> None:
        self.assertIs(states.State.UNKNOWN, states.state(device("lent")))

    def test_what_somebody_asks_for(self) -> None:
        state = states.State
        self.assertEqual((state.SICK,), states.asked(["sick"]))
        self.assertEqual(
            (state.FENCED, state.SICK, state.VANISHED, state.UNKNOWN),
            states.asked(["wrong", "sick", "no such"]),
        )
        self.assertEqual((), states.asked([]))

    def test_that_it_is_used_all_the_same_is_told_beside(self) -> None:
        used = {
            state: states.seen(card).used
            for state, card in (
                ("drained", device("fenced", use="lease")),
                ("fenced", device("fenced")),
                ("leased", device("leased", use="lease")),
            )
        }
        self.assertEqual(
            {"drained": True, "fenced": False, "leased": False}, used
        )

    def test_that_it_is_suspect_is_told_beside(self) -> None:
        seen = states.seen(device("free", health="SUSPECT"))
        self.assertEqual(
            states.Seen(states.State.FREE, used=False, suspect=True), seen
        )
        self.assertFalse(states.seen(device("sick", health="SUSPECT")).suspect)

    def test_a_tally_has_every_state_once(self) -> None:
        cards = [
            states.seen(one) for one in (device("free"), device("fenced"))
        ]
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
