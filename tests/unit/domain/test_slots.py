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

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.domain import slots

A, B, C = "0000:07:00.0", "0000:0b:00.0", "0000:48:00.0"


class Numbers(testtools.TestCase):
    def test_traits_say_the_number(self):
        self.assertEqual({A: 1, B: 0}, slots.number({}, {A: 1, B: 0}, [A, B]))

    def test_without_traits_the_order_of_addresses_says_it(self):
        self.assertEqual({A: 0, B: 1, C: 2}, slots.number({}, {}, [C, A, B]))

    def test_a_number_that_a_trait_names_is_kept_for_it(self):
        self.assertEqual({A: 1, B: 0}, slots.number({}, {B: 0}, [A, B]))
        self.assertEqual({A: 1}, slots.number({}, {B: 0}, [A]))

    def test_a_trait_that_two_cards_have_counts_for_none(self):
        self.assertEqual({A: 1, B: 2}, slots.number({}, {A: 0, B: 0}, [A, B]))

    def test_what_was_given_is_never_given_again(self):
        self.assertEqual({B: 1}, slots.number({A: 0}, {B: 0}, [A, B]))

    def test_a_mark_is_one_number(self):
        prefix = "CUSTOM_GPUBROKER_SLOT_"
        self.assertEqual(3, slots.mark([f"{prefix}3", "COMPUTE_NODE"]))
        for traits in ([], [f"{prefix}1", f"{prefix}2"], [f"{prefix}X"]):
            self.assertIsNone(slots.mark(traits))


_addresses = st.sampled_from([f"0000:{bus:02x}:00.0" for bus in range(12)])
_numbers = st.dictionaries(_addresses, st.integers(0, 15))


class Promises(testtools.TestCase):
    @hypothesis.given(_numbers, _numbers, st.sets(_addresses))
    def test_everyone_gets_a_number_of_his_own(self, known, marked, wanting):
        known = {a: n for n, a in {n: a for a, n in known.items()}.items()}
        new = slots.number(known, marked, wanting)
        self.assertEqual(wanting - set(known), set(new))
        numbers = [*known.values(), *new.values()]
        self.assertEqual(len(numbers), len(set(numbers)))
