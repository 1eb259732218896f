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

from gpubroker.domain import failures
from tests.unit.domain import builders


def suspect(*found, project_id=None):
    return failures.suspect(found, builders.NOW, project_id)


class Suspicion(testtools.TestCase):
    def test_one_lease_is_no_suspicion(self):
        one = builders.failure("a")
        self.assertIsNone(suspect(one))
        self.assertIsNone(suspect(one, project_id="p"))

    def test_two_leases_of_a_project_are_one_to_that_project_alone(self):
        both = builders.failure("a"), builders.failure("b", until=70)
        self.assertIsNone(suspect(*both))
        self.assertIsNone(suspect(*both, project_id="q"))
        self.assertEqual(both[1], suspect(*both, project_id="p"))

    def test_two_projects_are_one_to_everybody(self):
        both = builders.failure("a", "p", until=70), builders.failure("b", "q")
        self.assertEqual(both[0], suspect(*both))

    def test_it_lasts_as_long_as_the_last_of_them(self):
        over = builders.failure("a", "p", until=-5)
        self.assertIsNotNone(suspect(over, builders.failure("b", "q")))
        self.assertIsNone(suspect(over, builders.failure("b", "q", until=0)))

    def test_what_does_not_count_does_not_count(self):
        excused = builders.failure("a", "p", counts=False)
        self.assertIsNone(suspect(excused, builders.failure("b", "q")))

    def test_a_lease_finds_its_own(self):
        found = [builders.failure("a"), builders.failure("b")]
        self.assertEqual(found[1], failures.of_lease(found, "b"))
        self.assertIsNone(failures.of_lease(found, "c"))
