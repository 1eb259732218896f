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

"""Promise 2 on the real cloud: ``kill -9`` at every request.

Which requests there are, a lease's life itself tells; one that is added
later is killed at as well. ``GPUBROKER_TEST_LONG=1`` takes all of them,
without it some.
"""

from __future__ import annotations

from sandbox.faults import rules
from tests.cloud import rounds

KILLS = (
    rules.Fault.KILL_BEFORE,
    rules.Fault.KILL_DURING,
    rules.Fault.KILL_AFTER,
)


def named(place):
    kind, kill = place
    return f"{kill} {kind}"


class Kills(rounds.RoundsTest):
    def test_a_lease_lives_through_a_kill_at_any_request(self):
        kinds = self.kinds_of_a_life()
        self.assertIn("nova POST /v2.1/servers", kinds)
        self.assertIn("placement PUT /resource_classes/TICKET", kinds)
        places = [(kind, kill) for kind in kinds for kill in KILLS]
        for kind, kill in rounds.some(places, 3, named):
            with self.told(named((kind, kill))):
                self.one_round(
                    rules.Rule(kill, kind=kind, times=1),
                    within=rounds.AFTER_A_KILL,
                )
