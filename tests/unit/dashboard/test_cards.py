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
"""The picture of GPUs."""

from __future__ import annotations

import collections

import testtools
from hypothesis import given
from hypothesis import strategies as st

from gpubroker.dashboard.content.project.offers import cards

COUNT = st.integers(0, 10_000)


class CardsTest(testtools.TestCase):
    def test_what_is_neither_free_nor_in_use_is_held_back(self) -> None:
        counts = {"total": 9, "free": 4, "in_use": 3, "fenced": 1}
        self.assertEqual(cards.Tally(4, 3, 2), cards.tally(counts))

    def test_each_card_is_a_square_of_its_state(self) -> None:
        seen = cards.Tally(free=5, in_use=2, back=1)
        shapes = cards.picture(seen).shapes
        self.assertEqual(
            {"free": 5, "in-use": 2, "back": 1},
            collections.Counter(shape.state.value for shape in shapes),
        )
        self.assertEqual(8, len({(one.x, one.y) for one in shapes}))

    def test_too_many_to_count_become_one_bar(self) -> None:
        seen = cards.Tally(free=7000, in_use=999, back=1)
        shapes = cards.picture(seen).shapes
        self.assertEqual(
            ["in-use", "back", "free"], [one.state for one in shapes]
        )
        # One card of 8,000 is still there to be seen.
        self.assertGreaterEqual(shapes[1].width, 4)

    @given(COUNT, COUNT, COUNT)
    def test_nothing_lies_outside_or_over_another(
        self, free: int, in_use: int, back: int
    ) -> None:
        found = cards.picture(cards.Tally(free, in_use, back))
        for shape in found.shapes:
            self.assertLessEqual(0, shape.x)
            self.assertLessEqual(shape.x + shape.width, found.width)
            self.assertLessEqual(shape.y + found.side, found.height)
        rows: dict[float, float] = {}
        for shape in found.shapes:
            self.assertLessEqual(rows.get(shape.y, 0), shape.x)
            rows[shape.y] = shape.x + shape.width
