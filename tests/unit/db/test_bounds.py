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

"""No table grows without an end: each is bounded by what it is about, or a
purge deletes from it."""

from __future__ import annotations

import testtools

from gpubroker.db import tables

#: As many rows as there are of these things, however long it runs.
BOUNDED = {
    "claim": "devices",
    "delegation": "leases that are not over",
    "device": "cards that were ever in a host",
    "device_consumer": "servers that hold a device",
    "fence": "devices, times reasons",
    "flavor": "what an operator made",
    "flavor_model": "what an operator made",
    "flavor_trait": "what an operator made",
    "host": "hosts",
    "host_capacity": "hosts, times resource classes",
    "host_mark": "hosts",
    "host_slot": "places for a card in a host",
    "installation": "one",
    "model": "what an operator made, or the release knows",
    "pool": "what an operator made",
    "pool_owner": "pools",
    "pool_project": "what an operator made",
    "provider_trait": "providers, times their traits",
    "trust": "orders under way; the sweep deletes what stays, and a trust "
    "that can not be deleted ends by itself",
    "worker": "workers; each look deletes those that are gone",
}
#: See gpubroker.db.purge.
PURGED = {
    "event",
    "lease",
    "lease_node",
    "project",
    "start_failure",
    "step",
}


class BoundsTest(testtools.TestCase):
    def test_each_table_is_bounded_or_purged(self) -> None:
        there = set(tables.METADATA.tables)
        self.assertEqual(there, {*BOUNDED, *PURGED})
        self.assertEqual(set(), BOUNDED.keys() & PURGED)
