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

from gpubroker.dashboard.content.admin import projects

GONE = "0123456789abcdef" * 2


class ProjectsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.known = projects.Projects(
            {"1": "demo", "2": "twice", "3": "twice", "4": "1"}
        )

    def test_one_is_meant_by_its_id_before_any_name(self) -> None:
        self.assertEqual(["1"], self.known.ids("1"))
        self.assertEqual(["1"], self.known.ids("demo"))

    def test_a_name_may_mean_several(self) -> None:
        self.assertEqual(["2", "3"], self.known.ids("twice"))

    def test_one_that_is_gone_is_known_by_its_id(self) -> None:
        self.assertEqual([GONE], self.known.ids(GONE))
        self.assertEqual(GONE, self.known.name(GONE))
        self.assertEqual([], self.known.ids("nobody"))

    def test_where_no_names_are_known_any_id_will_do(self) -> None:
        nothing = projects.Projects()
        self.assertEqual(["demo"], nothing.ids("demo"))
        self.assertEqual([], nothing.ids("not an id"))
        self.assertEqual("demo", nothing.name("demo"))

    def test_a_form_is_filled_with_words_that_mean_the_same(self) -> None:
        for project_id in ("1", "2", "3", "4", GONE):
            word = self.known.word(project_id)
            self.assertEqual([project_id], self.known.ids(word))
        self.assertEqual("demo", self.known.word("1"))
