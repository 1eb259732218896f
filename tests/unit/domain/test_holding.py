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


"""Who has to wait for whom."""

from __future__ import annotations

import dataclasses
import datetime

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.domain import fitting
from gpubroker.domain import matching
from gpubroker.domain import planning
from gpubroker.domain.reasons import Why
from tests.unit.domain import builders

FULL = set(range(8))
L40S = "l40s-48gb"


def started(*hosts, orders):
    plan = planning.plan(builders.pool(*hosts, orders=tuple(orders)))
    return [start.lease_id for start in plan.starts]


class Zones(testtools.TestCase):
    """An order for 8 cards waits; what may a small one have meanwhile?"""

    def small_starts(self, big=None, small=None, zones=("az1", "az2")):
        """Where the one card of the small order is, if it gets one."""
        plan = planning.plan(
            builders.pool(
                *(
                    builders.host(f"in-{zone}", used={0}, zone=zone)
                    for zone in zones
                ),
                orders=(
                    builders.order("big", 8, zone=big),
                    builders.order("small", 1, zone=small),
                ),
            )
        )
        self.assertNotIn("big", [start.lease_id for start in plan.starts])
        return [node.host for start in plan.starts for node in start.nodes]

    def test_another_zone_is_not_kept(self):
        self.assertEqual(["in-az2"], self.small_starts("az1", "az2"))

    def test_the_same_zone_is(self):
        self.assertEqual([], self.small_starts("az1", "az1"))

    def test_an_order_without_a_zone_keeps_all_of_them(self):
        self.assertEqual([], self.small_starts(None, "az2"))
        self.assertEqual([], self.small_starts(None, None))

    def test_an_order_without_a_zone_waits_where_it_competes(self):
        self.assertEqual([], self.small_starts("az1", None, zones=("az1",)))
        self.assertEqual(["in-az2"], self.small_starts("az1", None))

    def test_it_is_told_how_many_are_ahead(self):
        plan = planning.plan(
            builders.pool(
                builders.host("h1", used={0}, zone="az1"),
                builders.host("h2", used={0}, zone="az2"),
                orders=(
                    builders.order("a", 8, zone="az1"),
                    builders.order("b", 8, zone="az2"),
                    builders.order("c", 8, zone="az1"),
                    builders.order("d", 8),
                ),
            )
        )
        messages = {wait.lease_id: wait.message for wait in plan.waits}
        self.assertIn("8 x a100", messages["b"])
        self.assertIn("behind 1 earlier order ", messages["c"])
        self.assertIn("behind 3 earlier orders ", messages["d"])

    def test_hosts_without_a_trait_are_not_kept_by_who_needs_it(self):
        hosts = (
            builders.host("h1", used={0}, traits=frozenset({"X"})),
            builders.host("h2", used={0}),
        )
        big = builders.order("big", 8, traits=frozenset({"X"}))
        plan = planning.plan(
            builders.pool(*hosts, orders=(big, builders.order("small", 1)))
        )
        self.assertEqual("h2", plan.starts[0].nodes[0].host)

    def test_each_of_several_models_is_kept(self):
        hosts = (
            builders.host("h1", used={0}),
            builders.host("h2", model=L40S, used={0}),
        )
        big = builders.order("big", 8, models=(builders.A100, L40S))
        for model in (builders.A100, L40S):
            small = builders.order("small", 1, models=(model,))
            self.assertEqual([], started(*hosts, orders=(big, small)))


class Failed(testtools.TestCase):
    """An order that failed somewhere keeps away, and keeps nothing there."""

    def plan(self, *hosts, orders):
        return planning.plan(builders.pool(*hosts, orders=tuple(orders)))

    def test_not_where_it_failed(self):
        host = builders.host(failures=(builders.failure("a"),))
        plan = self.plan(
            host, orders=[builders.order("a", 1), builders.order("b", 1)]
        )
        self.assertEqual(["b"], [start.lease_id for start in plan.starts])
        (wait,) = plan.waits
        self.assertEqual(Why.RETRY, wait.why)
        self.assertIn("after 12:01:00 UTC", wait.message)

    def test_while_its_delay_lasts_it_keeps_the_hosts_it_will_try(self):
        later = builders.NOW + datetime.timedelta(seconds=5)
        plan = self.plan(
            builders.host("h1", failures=(builders.failure("a"),)),
            builders.host("h2"),
            orders=[
                builders.order("a", 1, not_before=later),
                builders.order("b", 1),
            ],
        )
        (start,) = plan.starts
        self.assertEqual("h1", start.nodes[0].host)

    def test_elsewhere_if_that_can_be(self):
        """Although that host is not the fullest, which comes first else."""
        failed = builders.failure("a", until=-1)
        hosts = (
            builders.host("h1", used={0, 1, 2}, failures=(failed,)),
            builders.host("h2"),
        )
        for gpus, host in ((1, "h2"), (8, "h2"), (5, "h2")):
            plan = self.plan(*hosts, orders=[builders.order("a", gpus)])
            self.assertEqual(host, plan.starts[0].nodes[0].host)
        plan = self.plan(hosts[0], orders=[builders.order("a", 1)])
        self.assertEqual("h1", plan.starts[0].nodes[0].host)

    def test_all_nodes_elsewhere_or_none(self):
        failed = builders.failure("a", until=-1)
        hosts = (
            builders.host("h1", failures=(failed,)),
            builders.host("h2"),
        )
        plan = self.plan(*hosts, orders=[builders.order("a", 8, nodes=2)])
        self.assertEqual(2, len(plan.starts[0].nodes))

    def test_a_suspect_host_is_said_to_be_one(self):
        suspect = builders.host(
            failures=(builders.failure("x"), builders.failure("y"))
        )
        plan = self.plan(suspect, orders=[builders.order("a", 1)])
        self.assertEqual(Why.SUSPECT, plan.waits[0].why)
        self.assertIn(
            "8 on hosts where starts failed lately", plan.waits[0].message
        )


@st.composite
def pools(draw):
    """Two models, three zones, failures; orders that want some of it."""
    hosts = []
    for number in range(draw(st.integers(1, 4))):
        name = f"h{number}"
        hosts.append(
            builders.host(
                name,
                cards=4,
                model=draw(st.sampled_from([builders.A100, L40S])),
                used=draw(st.sets(st.integers(0, 3))),
                zone=draw(st.sampled_from(["az1", "az2", ""])),
                traits=draw(st.sampled_from([frozenset(), frozenset("X")])),
                failures=tuple(
                    builders.failure(
                        f"o{order}",
                        project_id=f"p{order % 2}",
                        host=name,
                        until=draw(st.sampled_from([-1, 60])),
                    )
                    for order in draw(st.sets(st.integers(0, 5), max_size=3))
                ),
            )
        )
    models = [(builders.A100,), (L40S,), (L40S, builders.A100)]
    orders = tuple(
        builders.order(
            f"o{number}",
            draw(st.sampled_from([1, 2, 4])),
            draw(st.integers(1, 2)),
            models=draw(st.sampled_from(models)),
            zone=draw(st.sampled_from(["az1", "az2", None])),
            traits=draw(st.sampled_from([frozenset(), frozenset("X")])),
            project_id=f"p{number % 2}",
        )
        for number in range(draw(st.integers(1, 6)))
    )
    return builders.pool(*hosts, orders=orders)


@st.composite
def zoned(draw):
    """Two zones of the same cards, and orders for one of them each."""
    hosts = [
        builders.host(
            f"h{number}",
            cards=4,
            used=draw(st.sets(st.integers(0, 3), max_size=2)),
            zone=f"az{number % 2}",
        )
        for number in range(4)
    ]
    orders = tuple(
        builders.order(
            f"o{number}",
            draw(st.sampled_from([1, 2, 4])),
            zone=draw(st.sampled_from(["az0", "az1"])),
        )
        for number in range(draw(st.integers(2, 8)))
    )
    return builders.pool(*hosts, orders=orders)


def could_use(order, host, now):
    """Whether the order could start on some of these cards were they free."""
    view = planning.seen_by(
        host.emptied(), now, order.project_id, order.lease_id
    )
    return any(
        matching.choose(
            view, model, builders.BLOCKS.get(model, ()), order.need
        )
        for model in order.models
    )


class Promises(testtools.TestCase):
    @hypothesis.given(pools())
    @hypothesis.settings(
        max_examples=300,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    def test_no_card_that_an_earlier_order_could_use_is_given_away(
        self, snapshot
    ):
        plan = planning.plan(snapshot)
        taken = {
            start.lease_id: {node.host for node in start.nodes}
            for start in plan.starts
        }
        hosts = {host.name: host for host in snapshot.hosts}
        for place, order in enumerate(snapshot.orders):
            if order.lease_id in taken or not self.can_ever_start(
                snapshot, order
            ):
                continue
            for later in snapshot.orders[place + 1 :]:
                for name in taken.get(later.lease_id, ()):
                    self.assertFalse(
                        could_use(order, hosts[name], snapshot.now),
                        f"{later.lease_id} overtook {order.lease_id}",
                    )

    def can_ever_start(self, snapshot, order):
        """All its nodes, in the pool as it would be without any lease."""
        views = [
            planning.seen_by(
                host.emptied(), snapshot.now, order.project_id, order.lease_id
            )
            for host in snapshot.hosts
        ]
        empty = {view.name: view for view in views}
        return planning.place(empty, order, snapshot.blocks) is not None

    @hypothesis.given(zoned())
    @hypothesis.settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    def test_zones_know_nothing_of_each_other(self, snapshot):
        """Each is planned as if it were a pool of its own."""
        alone = [
            start
            for zone in ("az0", "az1")
            for start in planning.plan(
                dataclasses.replace(
                    snapshot,
                    hosts=tuple(h for h in snapshot.hosts if h.zone == zone),
                    orders=tuple(
                        o for o in snapshot.orders if o.need.zone == zone
                    ),
                )
            ).starts
        ]
        self.assertEqual(
            sorted(planning.plan(snapshot).starts, key=_id),
            sorted(alone, key=_id),
        )

    @hypothesis.given(pools())
    @hypothesis.settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    def test_fits_says_what_place_does(self, snapshot):
        hosts = {host.name: host for host in snapshot.hosts}
        for order in snapshot.orders:
            self.assertEqual(
                planning.place(hosts, order, snapshot.blocks) is not None,
                fitting.fits(
                    snapshot.shaped(),
                    order,
                    snapshot.blocks,
                    fitting.Stage.NOW,
                ),
            )


def _id(start):
    return start.lease_id
