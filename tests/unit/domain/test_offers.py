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

import dataclasses

import hypothesis
import testtools

from gpubroker.domain import offers
from gpubroker.domain import planning
from gpubroker.domain.matching import HostState
from gpubroker.domain.reasons import Why
from tests.unit.domain import builders
from tests.unit.domain import test_planning


class Offers(testtools.TestCase):
    def offer(self, *hosts, gpus=2, **more):
        return _offer(
            [builders.pool(*hosts)],
            [builders.A100],
            builders.need(gpus, **more),
        )

    def reasons(self, offer):
        return {b.reason: b.gpus for b in offer.blocked}

    def test_an_empty_host_offers_all_its_pairs(self):
        offer = self.offer(builders.host())
        self.assertEqual(4, offer.available)
        self.assertEqual((8, 8, 0, 0), _cards(offer))
        self.assertEqual((), offer.blocked)

    def test_what_is_used_and_fenced_is_said(self):
        offer = self.offer(builders.host(used={0, 1}, fenced={2}))
        self.assertEqual(2, offer.available)
        self.assertEqual(
            {Why.IN_USE: 2, Why.FENCED: 1, Why.FRAGMENTED: 1},
            self.reasons(offer),
        )
        self.assertIn("held back (1 health)", offer.blocked[1].detail)

    def test_a_host_that_is_down_counts_but_offers_nothing(self):
        offer = self.offer(builders.host(state=HostState.DOWN))
        self.assertEqual(0, offer.available)
        self.assertEqual({Why.HOST_DOWN: 8}, self.reasons(offer))

    def test_a_suspect_host_is_not_said_to_be_down(self):
        offer = self.offer(builders.host(state=HostState.SUSPECT))
        self.assertEqual(0, offer.available)
        self.assertEqual({Why.SUSPECT: 8}, self.reasons(offer))
        self.assertEqual(
            "8 cards are on hosts where starts failed lately",
            offer.blocked[0].detail,
        )

    def test_what_speaks_against_a_host_to_one_project_alone(self):
        host = builders.host(
            failures=(builders.failure("a"), builders.failure("b"))
        )
        for project, available in (("p", 0), ("q", 4)):
            offer = _offer(
                [builders.pool(host)],
                [builders.A100],
                builders.need(2),
                project,
            )
            self.assertEqual(available, offer.available)

    def test_cards_without_cpu_are_said_to_be_so(self):
        offer = self.offer(builders.host(vcpus=8), gpus=2)
        self.assertEqual(1, offer.available)
        self.assertEqual({Why.CPU_MEMORY: 6}, self.reasons(offer))

    def test_no_host_ever(self):
        offer = self.offer(builders.host(model="l40s-48gb"))
        self.assertEqual({Why.NO_HOST: 0}, self.reasons(offer))

    def test_those_who_wait_are_counted(self):
        snapshot = builders.pool(
            builders.host(used=set(range(8))),
            orders=(builders.order("a", 1), builders.order("b", 2)),
        )
        offer = _offer([snapshot], [builders.A100], builders.need(1))
        self.assertEqual(2, offer.queued)

    def test_cards_for_which_somebody_waits_are_not_offered(self):
        snapshot = builders.pool(
            builders.host(used={0}), orders=(builders.order("a", 8),)
        )
        offer = _offer([snapshot], [builders.A100], builders.need(2))
        self.assertEqual(0, offer.available)
        self.assertEqual((8, 7, 1, 0), _cards(offer))
        self.assertEqual({Why.BEHIND: 7, Why.IN_USE: 1}, self.reasons(offer))
        self.assertEqual(
            "7 cards are free, and kept for orders that wait already",
            offer.blocked[0].detail,
        )
        self.assertEqual([7], [host.free for host in offer.hosts])

    def test_who_waits_in_another_zone_keeps_nothing_here(self):
        snapshot = builders.pool(
            builders.host("h1", zone="a", used=set(range(8))),
            builders.host("h2", zone="b"),
            orders=(builders.order("a", 8, zone="a"),),
        )
        offer = _offer([snapshot], [builders.A100], builders.need(2))
        self.assertEqual(4, offer.available)

    @hypothesis.given(test_planning.pools())
    @hypothesis.settings(max_examples=100, deadline=None)
    def test_what_is_offered_starts_although_others_wait(self, snapshot):
        offer = _offer([snapshot], [builders.A100], builders.need(2))
        orders = tuple(
            builders.order(f"new-{number}", 2)
            for number in range(offer.available)
        )
        plan = planning.plan(
            dataclasses.replace(snapshot, orders=(*snapshot.orders, *orders))
        )
        started = {start.lease_id for start in plan.starts}
        self.assertLessEqual({order.lease_id for order in orders}, started)

    @hypothesis.given(test_planning.pools())
    @hypothesis.settings(max_examples=100, deadline=None)
    def test_an_offer_is_what_the_plan_would_really_start(self, snapshot):
        need = builders.need(2)
        offer = _offer([builders.pool(*snapshot.hosts)], [builders.A100], need)
        orders = tuple(
            builders.order(str(number), 2)
            for number in range(offer.available + 1)
        )
        plan = planning.plan(builders.pool(*snapshot.hosts, orders=orders))
        self.assertEqual(offer.available, len(plan.starts))


def _offer(snapshots, *asked):
    return offers.offer([offers.look(one) for one in snapshots], *asked)


def _cards(offer):
    return (offer.total, offer.free, offer.in_use, offer.fenced)
