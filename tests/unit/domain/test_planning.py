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

import datetime

import hypothesis
import testtools
from hypothesis import strategies as st

from gpubroker.domain import fitting
from gpubroker.domain import matching
from gpubroker.domain import planning
from gpubroker.domain.matching import HostState
from gpubroker.domain.reasons import Why
from tests.unit.domain import builders


class Choosing(testtools.TestCase):
    def choose(self, host, gpus, topology="prefer", **more):
        return matching.choose(
            host,
            builders.A100,
            builders.BLOCKS[builders.A100],
            builders.need(gpus, topology, **more),
        )

    def test_two_cards_come_from_one_pair(self):
        choice = self.choose(builders.host(used={0, 2}), 2)
        self.assertEqual(("h1-4", "h1-5"), choice.device_ids)
        self.assertTrue(choice.aligned)

    def test_a_single_card_leaves_whole_pairs_whole(self):
        choice = self.choose(builders.host(used={5}), 1)
        self.assertEqual(("h1-4",), choice.device_ids)

    def test_a_pair_is_taken_from_the_quad_already_broken(self):
        choice = self.choose(builders.host(used={4, 5}), 2)
        self.assertEqual(("h1-6", "h1-7"), choice.device_ids)

    def test_prefer_takes_loose_cards_where_no_block_is_free(self):
        choice = self.choose(builders.host(used={0, 2, 4, 6}), 2)
        self.assertFalse(choice.aligned)
        self.assertEqual(2, len(choice.device_ids))

    def test_require_refuses_loose_cards(self):
        host = builders.host(used={0, 2, 4, 6})
        self.assertIsNone(self.choose(host, 2, "require"))

    def test_fenced_cards_are_never_taken(self):
        host = builders.host(fenced={0, 1, 2, 3, 4, 5, 6})
        self.assertEqual(("h1-7",), self.choose(host, 1).device_ids)
        self.assertIsNone(self.choose(host, 2))

    def test_no_cpu_left_is_no_room(self):
        host = builders.host(vcpus=7)
        self.assertIsNone(self.choose(host, 1))

    def test_a_host_that_is_down_gives_nothing(self):
        host = builders.host(state=HostState.DOWN)
        self.assertIsNone(self.choose(host, 1))

    def test_without_blocks_one_numa_node_is_aligned(self):
        host = builders.host(cards=4, used={0})
        choice = matching.choose(
            host, builders.A100, (), builders.need(2, "require")
        )
        self.assertEqual(("h1-2", "h1-3"), choice.device_ids)

    def test_a_host_of_another_zone_gives_nothing(self):
        host = builders.host(zone="az1")
        self.assertIsNone(self.choose(host, 1, zone="az2"))
        self.assertIsNotNone(self.choose(host, 1, zone="az1"))
        self.assertIsNotNone(self.choose(host, 1))

    def test_a_host_whose_zone_is_not_known_suits_only_orders_without(self):
        self.assertIsNone(self.choose(builders.host(), 1, zone="az1"))
        self.assertIsNotNone(self.choose(builders.host(), 1))

    def test_sixteen_cards_are_chosen_without_trying_every_set(self):
        host = builders.host(cards=16)
        choice = matching.choose(
            host, builders.A100, (), builders.need(8, "require")
        )
        self.assertEqual(8, len(choice.device_ids))
        self.assertTrue(choice.aligned)


class Planning(testtools.TestCase):
    def test_the_fullest_host_that_fits_is_taken(self):
        plan = planning.plan(
            builders.pool(
                builders.host("h1"),
                builders.host("h2", used={0, 1, 2, 3}),
                orders=(builders.order("a", 2),),
            )
        )
        self.assertEqual("h2", plan.starts[0].nodes[0].host)

    def test_first_come_first_served_for_the_same_cards(self):
        plan = planning.plan(
            builders.pool(
                builders.host(used={0}),
                orders=(builders.order("a", 8), builders.order("b", 1)),
            )
        )
        self.assertEqual((), plan.starts)
        self.assertEqual(
            [Why.IN_USE, Why.BEHIND], [wait.why for wait in plan.waits]
        )
        self.assertIn("behind 1 earlier order", plan.waits[1].message)

    def test_another_kind_of_card_is_not_held_up(self):
        plan = planning.plan(
            builders.pool(
                builders.host(used={0}),
                builders.host("h2", model="l40s-48gb", cards=4),
                orders=(
                    builders.order("a", 8),
                    builders.order("b", 1, models=("l40s-48gb",)),
                ),
            )
        )
        self.assertEqual(["b"], [start.lease_id for start in plan.starts])

    def test_an_order_no_empty_pool_could_start_holds_nobody_up(self):
        plan = planning.plan(
            builders.pool(
                builders.host(fenced={0}),
                orders=(builders.order("a", 8), builders.order("b", 1)),
            )
        )
        self.assertEqual(["b"], [start.lease_id for start in plan.starts])
        self.assertEqual(Why.FENCED, plan.waits[0].why)

    def test_several_nodes_start_all_or_none(self):
        orders = (builders.order("a", 8, nodes=2),)
        one = planning.plan(builders.pool(builders.host(), orders=orders))
        self.assertEqual((), one.starts)
        two = planning.plan(
            builders.pool(
                builders.host("h1"), builders.host("h2"), orders=orders
            )
        )
        self.assertEqual(
            {"h1", "h2"}, {node.host for node in two.starts[0].nodes}
        )

    def test_models_are_tried_in_order_of_preference(self):
        plan = planning.plan(
            builders.pool(
                builders.host(used=set(range(8))),
                builders.host("h2", model="h100-sxm5-80gb"),
                orders=(
                    builders.order(
                        "a", 1, models=(builders.A100, "h100-sxm5-80gb")
                    ),
                ),
            )
        )
        self.assertEqual("h100-sxm5-80gb", plan.starts[0].nodes[0].model)

    def retrying(self, *hosts, gpus=1, models=(builders.A100,)):
        later = builders.NOW + datetime.timedelta(seconds=30)
        return planning.plan(
            builders.pool(
                *hosts,
                orders=(
                    builders.order("a", gpus, not_before=later),
                    builders.order("b", 1, models=models),
                ),
            )
        )

    def test_a_failed_start_waits_its_time_and_keeps_its_place(self):
        plan = self.retrying(builders.host())
        self.assertEqual((), plan.starts)
        self.assertEqual(
            [Why.RETRY, Why.BEHIND], [wait.why for wait in plan.waits]
        )

    def test_a_failed_start_holds_no_other_kind_of_card(self):
        plan = self.retrying(
            builders.host(),
            builders.host("h2", model="l40s-48gb", cards=4),
            models=("l40s-48gb",),
        )
        self.assertEqual(["b"], [start.lease_id for start in plan.starts])

    def test_a_failed_start_no_empty_pool_could_make_holds_nobody_up(self):
        plan = self.retrying(builders.host(fenced={0}), gpus=8)
        self.assertEqual(["b"], [start.lease_id for start in plan.starts])
        self.assertEqual(Why.RETRY, plan.waits[0].why)

    def test_what_another_zone_has_is_no_reason_to_start(self):
        plan = planning.plan(
            builders.pool(
                builders.host("h1", used=set(range(8)), zone="az1"),
                builders.host("h2", zone="az2"),
                orders=(builders.order("a", 2, zone="az1"),),
            )
        )
        self.assertEqual(Why.IN_USE, plan.waits[0].why)
        self.assertIn("in zone az1", plan.waits[0].message)
        self.assertIn("0 free, 8 in use", plan.waits[0].message)

    def test_scattered_cards_are_said_to_be_scattered(self):
        plan = planning.plan(
            builders.pool(
                builders.host("h1", used=set(range(7))),
                builders.host("h2", used=set(range(7))),
                orders=(builders.order("a", 2),),
            )
        )
        self.assertEqual(Why.FRAGMENTED, plan.waits[0].why)


class EverFits(testtools.TestCase):
    def sentence(self, *hosts, gpus=1, nodes=1, **more):
        return fitting.ever_fits(
            builders.pool(*hosts),
            builders.order("a", gpus, nodes, **more),
        )

    def test_busy_fenced_or_down_can_fit_later(self):
        self.assertIsNone(
            self.sentence(
                builders.host(used={0, 1}, fenced={2}, state=HostState.DOWN),
                gpus=8,
            )
        )

    def test_more_than_any_host_has(self):
        self.assertIn(
            "more than any host", self.sentence(builders.host(), gpus=9)
        )

    def test_an_unknown_card(self):
        self.assertIn(
            "No host", self.sentence(builders.host(), models=("b300",))
        )

    def test_observed_hosts_offer_nothing(self):
        self.assertIn(
            "No host",
            self.sentence(builders.host(state=HostState.OBSERVED)),
        )

    def test_a_zone_without_such_cards(self):
        host = builders.host(zone="az1")
        self.assertIn(
            "No host of pool default in zone az2",
            self.sentence(host, zone="az2"),
        )
        self.assertIsNone(self.sentence(host, zone="az1"))

    def test_a_trait_that_no_host_has_is_named(self):
        host = builders.host(traits=frozenset({"CUSTOM_IB", "CUSTOM_NVME"}))
        self.assertIsNone(self.sentence(host, traits=frozenset({"CUSTOM_IB"})))
        found = self.sentence(
            host, traits=frozenset({"CUSTOM_IB", "CUSTOM_X"})
        )
        self.assertIn("the trait CUSTOM_X,", found)
        self.assertNotIn("CPU", found)

    def test_traits_that_no_host_has_together(self):
        some = [builders.host(n, traits=frozenset({n})) for n in ("A", "B")]
        self.assertIn(
            "all of the traits A, B",
            self.sentence(*some, traits=frozenset({"A", "B"})),
        )

    def test_room_that_no_host_has(self):
        host = builders.host(traits=frozenset({"A"}))
        need = {"gpus": 1, "vcpus": 129}
        self.assertIn("GPUs has the CPU", self.sentence(host, **need))
        self.assertIn(
            "GPUs and A has the CPU",
            self.sentence(host, traits=frozenset({"A"}), **need),
        )

    def test_more_nodes_than_the_pool_has(self):
        self.assertIn(
            "even when empty",
            self.sentence(builders.host(), gpus=8, nodes=2),
        )

    def test_a_block_that_no_board_has(self):
        self.assertIn(
            "in one block",
            self.sentence(builders.host(), gpus=3, topology="require"),
        )


@st.composite
def pools(draw):
    hosts = []
    for number in range(draw(st.integers(1, 4))):
        states = draw(st.lists(st.sampled_from("ufx"), min_size=8, max_size=8))
        hosts.append(
            builders.host(
                f"h{number}",
                used={i for i, s in enumerate(states) if s == "u"},
                fenced={i for i, s in enumerate(states) if s == "x"},
                vcpus=draw(st.integers(0, 64)),
            )
        )
    orders = tuple(
        builders.order(
            f"o{number}",
            draw(st.sampled_from([1, 2, 3, 4, 8])),
            draw(st.integers(1, 3)),
            topology=draw(st.sampled_from(["any", "prefer", "require"])),
        )
        for number in range(draw(st.integers(0, 6)))
    )
    return builders.pool(*hosts, orders=orders)


class Promises(testtools.TestCase):
    @hypothesis.given(pools())
    @hypothesis.settings(max_examples=150, deadline=None)
    def test_no_card_twice_none_fenced_and_all_or_none(self, snapshot):
        plan = planning.plan(snapshot)
        taken = [
            device
            for start in plan.starts
            for node in start.nodes
            for device in node.device_ids
        ]
        self.assertEqual(len(taken), len(set(taken)))
        free = {
            card.device_id
            for host in snapshot.hosts
            for card in host.cards
            if card.free
        }
        self.assertLessEqual(set(taken), free)
        by_id = {order.lease_id: order for order in snapshot.orders}
        for start in plan.starts:
            order = by_id[start.lease_id]
            self.assertEqual(order.nodes, len(start.nodes))
            for node in start.nodes:
                self.assertEqual(order.need.gpus, len(node.device_ids))
        used = {}
        for start in plan.starts:
            for node in start.nodes:
                need = by_id[start.lease_id].need
                used[node.host] = used.get(node.host, 0) + need.vcpus
        for host in snapshot.hosts:
            self.assertLessEqual(used.get(host.name, 0), host.vcpus)

    @hypothesis.given(pools())
    @hypothesis.settings(max_examples=100, deadline=None)
    def test_every_order_is_decided_once_and_always_the_same(self, snapshot):
        plan = planning.plan(snapshot)
        self.assertEqual(plan, planning.plan(snapshot))
        decided = [s.lease_id for s in plan.starts]
        decided += [w.lease_id for w in plan.waits]
        self.assertEqual(
            sorted(decided), sorted(o.lease_id for o in snapshot.orders)
        )

    @hypothesis.given(pools())
    @hypothesis.settings(max_examples=100, deadline=None)
    def test_no_order_is_overtaken_for_the_same_cards(self, snapshot):
        plan = planning.plan(snapshot)
        started = {start.lease_id for start in plan.starts}
        blocked = False
        empty = {h.name: h.emptied() for h in snapshot.hosts}
        for order in snapshot.orders:
            if order.lease_id in started:
                self.assertFalse(blocked)
            elif planning.place(empty, order, snapshot.blocks):
                blocked = True
