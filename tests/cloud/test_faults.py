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

from typing import Any

from sandbox.faults import rules
from tests.cloud import rounds
from tests.cloud import test_kills

_BEHIND = ("nova", "placement", "glance", "neutron")
_CATALOGUE = ("compute", "placement", "image", "network")

#: Writes to which 409 may be the answer now and not the next time. Of others
#: it is believed: that a project has access to a flavor, that a server is
#: refused. Allocations the broker never writes.
_COLLIDING: tuple[dict[str, Any], ...] = (
    *(
        {"service": "placement", "method": method, "path": "/inventories"}
        for method in ("POST", "PUT", "DELETE")
    ),
    {"kind": "placement PUT /resource_classes/TICKET"},
    {"kind": "placement DELETE /resource_classes/TICKET"},
    {"kind": "nova POST /v2.1/flavors"},
    {"kind": "nova DELETE /v2.1/servers/ID"},
    {"kind": "keystone POST /v3/OS-TRUST/trusts"},
)

#: What any service may do to any request, by chance: the fault, of how many
#: requests it is, and what else of the rule is set.
_MIX: tuple[tuple[rules.Fault, float, dict[str, Any]], ...] = (
    (rules.Fault.STATUS, 0.03, {"status": 500}),
    (rules.Fault.STATUS, 0.03, {"status": 503}),
    (rules.Fault.STATUS, 0.03, {"status": 429}),
    # Of Keystone it would be believed, too: the user or the trust is gone.
    *(
        (rules.Fault.STATUS, 0.02, {"status": 401, "service": service})
        for service in _BEHIND
    ),
    *(
        (rules.Fault.STATUS, 0.05, {"status": 409, **where})
        for where in _COLLIDING
    ),
    (rules.Fault.RESET, 0.03, {}),
    (rules.Fault.LOST, 0.03, {}),
    (rules.Fault.GARBLED, 0.03, {}),
    (rules.Fault.SLOW, 0.03, {"seconds": 2.0}),
    # Rarely, since it costs as much: the broker waits no longer.
    (rules.Fault.SLOW, 0.002, {"seconds": 30.0}),
    *(
        (rules.Fault.FORGET, 0.02, {"service": "keystone", "forget": kind})
        for kind in _CATALOGUE
    ),
    # Each costs a restart.
    *((kill, 0.002, {}) for kill in test_kills.KILLS),
)


def mixed(seed: int) -> list[rules.Rule]:
    return [
        rules.Rule(fault, chance=chance, seed=100 * seed + n, **more)
        for n, (fault, chance, more) in enumerate(_MIX)
    ]


#: What a service in trouble answers for a while, one after the other.
_STORMS = (
    *(
        rules.Rule(rules.Fault.STATUS, status=409, times=n, **where)
        for where, n in zip(_COLLIDING, (8, 8, 8, 3, 3, 3, 3, 3), strict=True)
    ),
    *(
        rules.Rule(rules.Fault.STATUS, service=service, status=status, times=n)
        for service in _BEHIND
        # A token that ran out is noticed by this answer alone.
        for status, n in ((401, 2), (429, 12), (500, 12), (503, 12))
    ),
    *(
        rules.Rule(
            rules.Fault.STATUS, service="keystone", status=status, times=6
        )
        for status in (429, 500, 503)
    ),
    *(
        rules.Rule(rules.Fault.GARBLED, service=service, times=6)
        for service in ("keystone", *_BEHIND)
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
        for kind in _CATALOGUE
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
                self.one_round(*mixed(seed))
