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

"""What the broker's cloud answers wrongly, late or not at all."""

from __future__ import annotations

from sandbox.faults import rules
from tests.cloud import rounds

#: Writes of which the service did not tell that it has done them.
_WRITES = ("POST", "PUT", "DELETE", "PATCH")

#: What any service may do to any request, by chance.
_MIX = (
    (rules.Fault.STATUS, {"status": 500}),
    (rules.Fault.STATUS, {"status": 503}),
    (rules.Fault.STATUS, {"status": 429}),
    (rules.Fault.RESET, {}),
    (rules.Fault.LOST, {}),
    (rules.Fault.SLOW, {"seconds": 2.0}),
)


class LostAnswers(rounds.RoundsTest):
    def test_a_lease_lives_through_any_answer_that_is_lost(self):
        places = [
            kind
            for kind in self.kinds_of_a_life()
            if kind.split()[1] in _WRITES
        ]
        for kind in rounds.some(places, 2):
            with self.told(f"lost: {kind}"):
                self.one_round(
                    rules.Rule(rules.Fault.LOST, kind=kind, times=1)
                )


class ByChance(rounds.RoundsTest):
    # Each POST /servers that gets no answer costs post_doubt_seconds.
    patience = 300.0

    def test_a_lease_lives_through_faults_by_chance(self):
        for seed in rounds.seeds(1, 20):
            with self.told(f"GPUBROKER_TEST_SEED={seed}"):
                self.one_round(
                    *(
                        rules.Rule(
                            fault, chance=0.03, seed=100 * seed + n, **more
                        )
                        for n, (fault, more) in enumerate(_MIX)
                    )
                )
