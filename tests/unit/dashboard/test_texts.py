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

import testtools
from hypothesis import given
from hypothesis import strategies as st

from gpubroker.dashboard.content.admin import texts

WORD = st.text("abcXYZ019._:-", min_size=1)


class TextsTest(testtools.TestCase):
    @given(st.lists(WORD, unique=True))
    def test_lines_are_read_as_they_are_written(
        self, words: list[str]
    ) -> None:
        self.assertEqual(words, texts.lines(texts.from_lines(words)))

    @given(st.dictionaries(WORD, WORD))
    def test_pairs_are_read_as_they_are_written(
        self, found: dict[str, str]
    ) -> None:
        self.assertEqual(found, texts.pairs(texts.from_pairs(found)))

    @given(st.lists(st.lists(st.integers(0, 63), min_size=1)))
    def test_blocks_are_read_as_they_are_written(
        self, found: list[list[int]]
    ) -> None:
        self.assertEqual(found, texts.blocks(texts.from_blocks(found)))

    def test_what_is_empty_or_said_twice_is_no_line(self) -> None:
        self.assertEqual(["b", "a"], texts.lines(" b \r\n\n a,b\n"))

    def test_a_value_may_have_an_equals_sign(self) -> None:
        self.assertEqual({"hw:a": "b=c"}, texts.pairs("hw:a = b=c"))

    def test_the_line_at_fault_is_told(self) -> None:
        for read, text, line in (
            (texts.pairs, "a=1\nb", "b"),
            (texts.pairs, "a=1\na=2", "a=2"),
            (texts.pairs, "=1", "=1"),
            (texts.pairs, "a=", "a="),
            (texts.blocks, "0,1\n0-3", "0-3"),
            (texts.blocks, "0,", "0,"),
            (texts.blocks, "\u0663", "\u0663"),
        ):
            error = self.assertRaises(ValueError, read, text)
            self.assertEqual(line, str(error))
