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

#: What any service may do to any request, by chance.
_MIX = (
    (rules.Fault.STATUS, {"status": 500}),
    (rules.Fault.STATUS, {"status": 503}),
    (rules.Fault.STATUS, {"status": 429}),
    (rules.Fault.RESET, {}),
    (rules.Fault.LOST, {}),
    (rules.Fault.GARBLED, {}),
    (rules.Fault.SLOW, {"seconds": 2.0}),
)


#: What a service in trouble answers for a while, one after the other.
_STORMS = (
    rules.Rule(
        rules.Fault.STATUS,
        service="placement",
        method="PUT",
        status=409,
        times=8,
    ),
    rules.Rule(
        rules.Fault.STATUS,
        service="placement",
        method="DELETE",
        status=409,
        times=8,
    ),
    *(
        rules.Rule(rules.Fault.STATUS, service=service, status=status, times=n)
        for service in ("nova", "placement", "glance", "neutron")
        # A token that ran out is noticed by this answer alone.
        for status, n in ((401, 2), (429, 12), (500, 12))
    ),
    rules.Rule(rules.Fault.STATUS, service="keystone", status=500, times=6),
    *(
        rules.Rule(rules.Fault.GARBLED, service=service, times=6)
        for service in ("keystone", "placement", "glance", "neutron", "nova")
    ),
    rules.Rule(
        rules.Fault.SLOW,
        kind="nova POST /v2.1/servers",
        seconds=30.0,
        times=1,
    ),
    rules.Rule(rules.Fault.HANG, service="placement", seconds=30.0, times=2),
    *(
        rules.Rule(
            rules.Fault.FORGET, service="keystone", forget=kind, times=6
        )
        for kind in ("compute", "placement", "image", "network")
    ),
)


class Storms(rounds.RoundsTest):
    patience = 120.0

    def test_a_lease_lives_through_a_service_in_trouble(self):
        for rule in rounds.some(_STORMS, 2, rounds.in_words):
            with self.told(rounds.in_words(rule)):
                self.one_round(rule)


class LostAnswers(rounds.RoundsTest):
    def test_a_lease_lives_through_any_answer_that_is_lost(self):
        places = [*filter(rounds.writes, self.kinds_of_a_life())]
        for kind in rounds.some(places, 2):
            with self.told(kind):
                self.one_round(
                    rules.Rule(rules.Fault.LOST, kind=kind, times=1)
                )


class ByChance(rounds.RoundsTest):
    # Each POST /servers that gets no answer costs post_doubt_seconds.
    patience = 300.0

    def test_a_lease_lives_through_faults_by_chance(self):
        for seed in rounds.seeds(1, 20):
            with self.told(str(seed), by="SEED"):
                self.one_round(
                    *(
                        rules.Rule(
                            fault, chance=0.03, seed=100 * seed + n, **more
                        )
                        for n, (fault, more) in enumerate(_MIX)
                    )
                )
