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

"""A round of the cloud's tests that failed, told and tried again."""

from __future__ import annotations

import json
import shlex

import testtools

from sandbox.faults import proxy
from sandbox.faults import rules
from tests.fixtures import hits

GET = rules.Request("nova", "GET", "/v2.1/servers/detail", "worker")
PUT = rules.Request("placement", "PUT", "/resource_classes/A", "worker")


class Hits(testtools.TestCase):
    def round(self, wanted, requests):
        """The proxy's journal of it."""
        judge, journal = rules.Rules(), proxy.Journal()
        judge.put(wanted)
        for request in requests:
            journal.add(request, 0.0, 200, judge.judge(request))
        return journal.entries()

    def test_a_round_by_chance_is_played_again(self):
        wanted = [
            rules.Rule(rules.Fault.LOST, chance=0.1, seed=5),
            rules.Rule(
                rules.Fault.FORGET, service="nova", forget="image", times=2
            ),
        ]
        text = hits.recorded(self.round(wanted, [GET, PUT] * 30))
        self.assertIn('"forget":"image"', text)
        again = self.round(hits.played(text), [PUT] * 30 + [GET] * 30)
        self.assertCountEqual(
            json.loads(text), json.loads(hits.recorded(again))
        )

    def test_where_nothing_went_wrong_there_is_nothing_to_play(self):
        self.assertEqual("", hits.recorded(self.round([], [GET])))

    def test_a_failure_says_the_command(self):
        text = hits.recorded(
            self.round([rules.Rule(rules.Fault.RESET, times=1)], [GET])
        )
        where = hits.Where(
            "GPUBROKER_TEST_SEED", "7", ".sandbox-test", "cloud.x.Y.test_z"
        )
        told = hits.told(where, ValueError("left: a ticket"), text)
        first, command, last = told.split("\n")
        self.assertEqual("7: left: a ticket", first)
        words = shlex.split(command.partition(": ")[2])
        self.assertEqual(
            [
                f"GPUBROKER_TEST_HITS={text}",
                "GPUBROKER_TEST_SEED=7",
                "GPUBROKER_TEST_CLOUD=.sandbox-test",
            ],
            words[:3],
        )
        self.assertEqual("cloud.x.Y.test_z", words[-1])
        self.assertEqual("(GPUBROKER_TEST_SEED=7 tries it again)", last)

    def test_without_what_hit_it_still_says_which_round(self):
        where = hits.Where("V", "a b", ".sandbox-test", "name")
        told = hits.told(where, ValueError("x"), "")
        self.assertEqual("a b: x\n(V='a b' tries it again)", told)
